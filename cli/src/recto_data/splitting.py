"""Labelled pages in two manifests, for training and for test, with no document on both sides.

Documents (or pages, where asked) in the order of their names are shuffled with Python's `Random(seed)`; the
first of them, as many as the share says, are for training. Documents whose labels began with a model's own
values (`reviewed` with `prefilled`, as `recto review export` writes it) are for training always, beside the
share: a model is not tested on what it has filled in.
"""

from collections.abc import Iterable, Sequence
from math import ceil
from random import Random
from typing import Any, NamedTuple

from recto.errors import ConfigurationError
from recto.manifests import ManifestLine
from recto_data.endings import document_of, order_of
from recto_data.sampling import SEED, TooFewError

TRAINING = 0.9
REVIEWED = "reviewed"
"""Key of lines that come from reviews."""


class HowToSplit(NamedTuple):
    training: float = TRAINING
    """Share of the documents."""
    seed: int = SEED
    by_page: bool = False
    """Pages of one document may lie on both sides: figures on the test side will flatter."""


class Split(NamedTuple):
    training: tuple[dict[str, Any], ...]
    test: tuple[dict[str, Any], ...]
    num_training_documents: int
    num_test_documents: int


def split(lines: Iterable[ManifestLine], how: HowToSplit | None = None) -> Split:
    """Both sides, each in the order of documents and pages; TooFewError where one would be empty."""
    how = how or HowToSplit()
    if not 0 < how.training < 1:
        raise ConfigurationError(f"share for training {how.training:g}: expected more than 0 and less than 1")
    ordered = sorted(lines, key=order_of)
    groups = _groups(ordered, by_page=how.by_page)
    prefilled = {name for name, group in groups.items() if any(map(_is_prefilled, group))}
    names = sorted(groups.keys() - prefilled)
    Random(how.seed).shuffle(names)  # noqa: S311 - to be drawn again, not to be secret
    count = min(ceil(round(how.training * len(names), 9)), len(names) - 1)
    if count < 1:
        what = "pages" if how.by_page else "documents"
        told = f" that no model had filled in ({len(prefilled)} others)" if prefilled else ""
        raise TooFewError(f"{len(names)} {what}{told} to split, expected at least 2")
    chosen = {*names[:count], *prefilled}
    sides = [line for name, group in groups.items() if name in chosen for line in group]
    rest = [line for name, group in groups.items() if name not in chosen for line in group]
    return Split(_contents(sides), _contents(rest), _count(sides), _count(rest))


def _groups(lines: Sequence[ManifestLine], *, by_page: bool) -> dict[str, list[ManifestLine]]:
    """Lines that stay together; a line that names no document is one of its own."""
    groups: dict[str, list[ManifestLine]] = {}
    for line in lines:
        name = "" if by_page else document_of(line.content)
        groups.setdefault(name or f"{order_of(line)} {line.place}", []).append(line)
    return groups


def _is_prefilled(line: ManifestLine) -> bool:
    told = line.content.get(REVIEWED)
    return isinstance(told, dict) and told.get("prefilled") is not False


def _contents(lines: Sequence[ManifestLine]) -> tuple[dict[str, Any], ...]:
    return tuple(line.content for line in lines)


def _count(lines: Sequence[ManifestLine]) -> int:
    return len({document_of(line.content) for line in lines})
