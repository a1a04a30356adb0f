"""What the workbench's functions tell each other by queue: names and numbers, never answers."""

from typing import Literal

from recto.messages import Message

Kind = Literal["read", "offer", "open", "consolidate", "finish"]
TO_INTAKE: frozenset[Kind] = frozenset({"read", "offer", "open"})


class LabellingMessage(Message):
    """One thing to do for a job.

    `read`: the manifest from `offset`, whose line is `number`. `offer`: what there is room for. `open`: make
    the task of object `number`. `consolidate`: object `number`, with others that wait. `finish`: see whether
    the job is at its end.
    """

    kind: Kind
    job: str
    number: int = 0
    offset: int = 0
    alone: bool = False
    """Consolidate this object by itself: together with others it went wrong."""
