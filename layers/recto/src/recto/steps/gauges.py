"""How full and how old everything is: what the minute's round tells of the pipeline. It changes nothing.

Documents are found by status, oldest upload first, so the age of the oldest is that of the first few: one
that was reprocessed stands by its upload's time and waits since later. Counting ends somewhere: that there
are ten thousand is known by then, and each further one would have to be read.
"""

from typing import NamedTuple

from recto.messages import Status
from recto.ports import Clock, Documents

MOST_COUNTED = 10_000
LOOKED_AT = 25
"""Of the oldest uploads in a status."""


class Standing(NamedTuple):
    """Documents in one status."""

    number: int
    oldest_seconds: float
    """Since when the one that has stood longest has been in it; 0 where there is none."""


class Reading(NamedTuple):
    """All gauges at one moment."""

    waiting: Standing
    running: Standing
    in_review: Standing


def read_gauges(documents: Documents, clock: Clock) -> Reading:
    """How many documents stand where, and since when."""
    return Reading(
        waiting=_standing(Status.WAITING, documents, clock),
        running=_standing(Status.RUNNING, documents, clock),
        in_review=_standing(Status.IN_REVIEW, documents, clock),
    )


def _standing(status: Status, documents: Documents, clock: Clock) -> Standing:
    oldest = documents.with_status(status, LOOKED_AT)
    if not oldest:
        return Standing(0, 0.0)
    since = min(row.updated for row in oldest)
    number = documents.count(status, MOST_COUNTED) if len(oldest) == LOOKED_AT else len(oldest)
    return Standing(number, max(0.0, (clock() - since).total_seconds()))
