"""Words by class: precision, recall, F1 and which class is taken for which. Says nothing of whole values."""

from collections import Counter
from collections.abc import Sequence

from recto_training.corpus import IGNORED
from recto_training.evaluation.tally import Tallies


class Confusion:
    """How often words of each true class were given each class; labels in the model's order."""

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = tuple(labels)
        self._counts: Counter[tuple[int, int]] = Counter()

    def add(self, true: Sequence[int], said: Sequence[int]) -> None:
        """The words of a page; those whose true class is IGNORED do not count."""
        pairs = zip(true, said, strict=True)
        self._counts.update((one, other) for one, other in pairs if one != IGNORED)

    @property
    def matrix(self) -> list[list[int]]:
        """Row: true class. Column: predicted class."""
        ids = range(len(self.labels))
        return [[self._counts[row, column] for column in ids] for row in ids]

    @property
    def tallies(self) -> Tallies:
        """By label, without the last one: most words are of no field and easy."""
        matrix = self.matrix
        tallies = Tallies(self.labels[:-1])
        for class_id, label in enumerate(self.labels[:-1]):
            column = sum(row[class_id] for row in matrix)
            tallies.add(label, matrix[class_id][class_id], column, sum(matrix[class_id]))
        return tallies

    @property
    def accuracy(self) -> float:
        """Share of all words, those of no field too, that got their class."""
        counted = sum(self._counts.values())
        hits = sum(count for (true, said), count in self._counts.items() if true == said)
        return hits / counted if counted else 0.0
