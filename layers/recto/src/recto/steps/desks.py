"""Where people are asked: the workbench, or Amazon A2I, by the same operations."""

from typing import NamedTuple

from recto.ports import HumanLoops, ReviewRow
from recto.review import LOOP, human_loop_name

WORKBENCH = "workbench"
"""What the parameter HumanReviewFlowArn says for the workbench's flow, which is built in."""


class Desks(NamedTuple):
    """Both; a review's row says which one it is at."""

    workbench: HumanLoops
    a2i: HumanLoops

    def of(self, backend: str) -> HumanLoops:
        return self.workbench if backend == WORKBENCH else self.a2i


def loop_of(review: ReviewRow) -> str:
    """The name of a review's human loop; earlier versions started none at the workbench."""
    return review.loop_name or human_loop_name(LOOP, review.review_id)
