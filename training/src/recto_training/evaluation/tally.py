"""Hits among what was predicted and what is true; precision, recall and F1 of them. Nothing is decided."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple


class Tally(NamedTuple):
    """Hits, what was predicted, what is true."""

    hits: int = 0
    predicted: int = 0
    true: int = 0

    def plus(self, hits: int, predicted: int, true: int) -> "Tally":
        return Tally(self.hits + hits, self.predicted + predicted, self.true + true)

    @property
    def precision(self) -> float:
        """0 where nothing was predicted, as seqeval and the field scorer have it."""
        return self.hits / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        return self.hits / self.true if self.true else 0.0

    @property
    def f1(self) -> float:
        return 2 * self.hits / (self.predicted + self.true) if self.predicted + self.true else 0.0

    def figures(self) -> dict[str, float]:
        return {
            "precision": round(self.precision, 4),
            "recall": round(self.recall, 4),
            "f1": round(self.f1, 4),
            "true": self.true,
        }


class Tallies:
    """A tally for each of several names, added up as documents come."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._by_name: dict[str, Tally] = {name: Tally() for name in names}

    def __getitem__(self, name: str) -> Tally:
        return self._by_name.get(name, Tally())

    def add(self, name: str, hits: int = 0, predicted: int = 0, true: int = 0) -> None:
        self._by_name[name] = self[name].plus(hits, predicted, true)

    def add_counts(self, hits: Counter[str], predicted: Counter[str], true: Counter[str]) -> None:
        """What one document has, by name."""
        for name in sorted(predicted.keys() | true.keys()):
            self.add(name, hits[name], predicted[name], true[name])

    @property
    def total(self) -> Tally:
        """All names together: the micro average."""
        return total(self._by_name.values())

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the names that are true or predicted anywhere."""
        met = [one.f1 for one in self._by_name.values() if one.predicted or one.true]
        return sum(met) / len(met) if met else 0.0

    def items(self) -> list[tuple[str, Tally]]:
        return list(self._by_name.items())

    def figures(self) -> dict[str, dict[str, float]]:
        return {name: tally.figures() for name, tally in self._by_name.items()}


def total(tallies: Iterable[Tally]) -> Tally:
    """All of them together."""
    columns = tuple(zip(*tallies, strict=True))
    return Tally(*(sum(column) for column in columns)) if columns else Tally()
