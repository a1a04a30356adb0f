"""Where a list goes on, as text that a caller brings back: places, not numbers, since rows come and go."""

import base64
import json
from collections.abc import Callable
from typing import Any, TypeVar

from recto_workbench.errors import RequestError

MOST_TOLD = 40
P = TypeVar("P")


def token_of(place: Any) -> str:
    """Anything that JSON has, as text for an address."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def place_in(token: str, read: Callable[[Any], P], what: str = "next") -> P:
    """The place that a token stands for, read by `read`; RequestError for one that was not given out."""
    try:
        return read(json.loads(base64.urlsafe_b64decode(token)))
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise RequestError(f"{what}: {token[:MOST_TOLD]!r} is none that was given out") from error
