"""Which pages to label next, at random: shuffled reproducibly, a set share of them first pages.

First pages and others are taken in the order of documents and pages, shuffled each with Python's
`Random(seed)`, those labelled already are left out, the wanted number is taken from the front of each, and
all of them are shuffled once more; so an existing choice is made again. What a model is least sure of is
another way to choose, which has a module of its own.
"""

from collections.abc import Iterable, Sequence
from random import Random
from typing import Any, NamedTuple

from recto.manifests import ManifestLine, page_of
from recto_data.endings import Endings, order_of
from recto_data.sampling import SEED, TooFewError

FIRST_PAGES = 0.4


class HowToSelect(NamedTuple):
    number: int
    seed: int = SEED
    first_pages: float = FIRST_PAGES
    """Share of them that are page 1 of a document."""


def select_at_random(
    pages: Iterable[ManifestLine], how: HowToSelect, labelled: Iterable[ManifestLine] = ()
) -> list[dict[str, Any]]:
    """Page lines to label; TooFewError where there are too few first pages, or too few others."""
    ordered = sorted(pages, key=order_of)
    done = labelled_pages(ordered, labelled)
    first, other = (
        [line for line in ordered if (page_of(line).page_num == 1) is is_first] for is_first in (True, False)
    )
    num_first = round(how.first_pages * how.number)
    chosen = [
        *_taken(first, num_first, how.seed, done, "first pages"),
        *_taken(other, how.number - num_first, how.seed, done, "other pages"),
    ]
    Random(how.seed).shuffle(chosen)  # noqa: S311 - to be chosen again, not to be secret
    return [line.content for line in chosen]


def labelled_pages(pages: Sequence[ManifestLine], labelled: Iterable[ManifestLine]) -> set[str]:
    """The images (`source-ref`) of those pages that labelled lines are about, wherever both lie."""
    images = Endings(page_of(line).source_ref for line in pages)
    found = images.same(page_of(line).source_ref for line in labelled)
    return {same for refs in found.values() for same in refs}


def _taken(
    lines: Sequence[ManifestLine], number: int, seed: int, done: set[str], what: str
) -> list[ManifestLine]:
    shuffled = list(lines)
    Random(seed).shuffle(shuffled)  # noqa: S311
    left = [line for line in shuffled if page_of(line).source_ref not in done]
    if number > len(left):
        raise TooFewError(
            f"{number} {what} asked for, there are {len(left)} ({len(shuffled)} before those labelled "
            "already were left out); ask for fewer, or change the share of first pages"
        )
    return left[:number]
