"""Faults of training data, collected so that a user sees all of them at once. Not how data is read."""

from collections.abc import Iterator
from typing import NamedTuple

from recto.errors import ConfigurationError

MAX_SHOWN = 20


class DataError(ConfigurationError):
    """Labelled data that cannot be used as it is: which file and line, what is wrong, what to do."""


class Fault(NamedTuple):
    """One thing that is wrong with the data."""

    place: str
    """File, and line or document."""
    message: str
    """What was seen, what was expected and what to do."""

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class Faults:
    """What is wrong so far."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def __len__(self) -> int:
        return len(self._faults)

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._faults)

    def add(self, place: str, message: str) -> None:
        self._faults.append(Fault(place, message))

    def end_if_any(self) -> None:
        """DataError with all faults, the first 20 in full; nothing where there are none."""
        if not self._faults:
            return
        shown = [str(fault) for fault in self._faults[:MAX_SHOWN]]
        more = len(self._faults) - len(shown)
        raise DataError("\n".join([*shown, *([f"and {more} more"] if more else [])]))
