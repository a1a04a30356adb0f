"""Entities as seqeval counts them: runs of tags, right only with the same class, first and last word.

The rules are those of seqeval's default mode (conlleval): `B-X` always begins an entity; `I-X` goes on
with one of X before it, and begins one where there is none. Classes without a prefix (IO: a run of one
class is one entity) are read as `I-X`. seqeval itself (https://github.com/chakki-works/seqeval) does not
install everywhere; tests hold this to its documented examples.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from recto_training.corpus import IGNORED, OTHER
from recto_training.evaluation.tally import Tallies

OUTSIDE = "O"


class Span(NamedTuple):
    """An entity: words `first` to `end`, `end` not included, among the words that count."""

    name: str
    first: int
    end: int


def spans(tags: Sequence[str]) -> list[Span]:
    """The entities of a row of tags: `O`, `B-X`, `I-X`; a tag without a prefix counts as `I-`."""
    found: list[Span] = []
    open_name, first = "", 0
    for index, tag in enumerate([*tags, OUTSIDE]):
        prefix, name = _parts(tag)
        if open_name and (prefix != "I" or name != open_name):
            found.append(Span(open_name, first, index))
            open_name = ""
        if prefix != OUTSIDE and not open_name:
            open_name, first = name, index
    return found


def tags_of(classes: Iterable[int], labels: Sequence[str]) -> list[str]:
    """Class ids as tags; the last label is no entity."""
    other = len(labels) - 1
    return [OUTSIDE if class_id == other else labels[class_id] for class_id in classes]


def is_bio(labels: Sequence[str]) -> bool:
    """Whether the labels of a model say where entities begin."""
    return any(label.startswith("B-") for label in labels)


def entity_names(labels: Sequence[str]) -> list[str]:
    """The kinds of entities that these labels can tell, in their order."""
    names = [_parts(label)[1] for label in labels[:-1] if label not in {OTHER, OUTSIDE}]
    return list(dict.fromkeys(names))


def add_entities(tallies: Tallies, true: Sequence[int], said: Sequence[int], labels: Sequence[str]) -> None:
    """Count the entities of one page, or of any other row of words, in the order of its words.

    Words whose true class is IGNORED are taken out of both rows first, as is usual with seqeval.
    """
    kept = [(one, other) for one, other in zip(true, said, strict=True) if one != IGNORED]
    truth = set(spans(tags_of((one for one, _ in kept), labels)))
    found = set(spans(tags_of((one for _, one in kept), labels)))
    tallies.add_counts(_by_name(truth & found), _by_name(found), _by_name(truth))


def _by_name(some: Iterable[Span]) -> Counter[str]:
    return Counter(span.name for span in some)


def _parts(tag: str) -> tuple[str, str]:
    if tag == OUTSIDE:
        return OUTSIDE, ""
    prefix, dash, name = tag.partition("-")
    return (prefix, name) if dash and prefix in {"B", "I"} else ("I", tag)
