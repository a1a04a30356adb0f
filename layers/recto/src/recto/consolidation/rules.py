"""How sure several people must be, and what is told of things on which they are not."""

from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]


class Rules(BaseModel):
    """What an operator may set."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    min_agreement: Share = 0.6
    """Below this confidence somebody should look again: the object is marked for adjudication."""
    keep: Share = 0.5
    """How likely a thing must be there, to be kept."""
    min_share: Share = 0.0
    """Besides, what share of those who looked must have marked it: 0.5 for a plain majority, 1 for all."""

    def is_kept(self, probability: float, share: float) -> bool:
        """With one person, everything is."""
        return probability >= self.keep and share >= self.min_share


class LeftOut(NamedTuple):
    """Something that some people marked and that is not in the result, so that nothing goes unseen."""

    label: str
    what: str
    """Where it was, or what was said of it."""
    workers: int
    """How many marked it."""
    confidence: float
    is_doubtful: bool
    """Whether so many marked it that somebody should look again."""
