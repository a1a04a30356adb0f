"""Which pages a person should label next: those that tell a model most, and some by chance beside them.

A page is worth labelling where the model doubts and where it stands for many pages that nobody has
labelled: each choice is the page that covers most doubt, a page covering those that are like it. What
labelled and chosen pages have covered counts less and less, so variety comes by itself. A share of the pages
is taken by chance, whatever the model says: figures that are measured on these alone flatter nobody.

Chance comes in from outside, as the order of the candidates. Not here: models, files, manifests.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import islice
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from recto.document import Page
from recto.errors import ConfigurationError

COLUMNS, ROWS = 6, 12
"""A page's places, for its layout: where a word stands counts no finer."""
SAME = 0.95
"""Share of words in common from which two pages are one, scanned twice."""
MOST_CANDIDATES = 500
"""So many of the most doubtful pages are weighed against each other; time grows with their square."""
SHRINKS = 2.0
"""A page leaves exp(-2), a seventh, of the doubt of one that is all like it."""
LEAST_COSINE = 0.1
"""Below it, one page says nothing of the other."""
SURE = 0.5
"""What a page counts of which the model is sure, beside its doubt: it stands for others like it."""


class TooFewPagesError(ConfigurationError):
    """Fewer pages without labels than are to be chosen."""


class Reason(StrEnum):
    """Why a page was chosen."""

    CHANCE = "chance"
    DOUBT = "doubt"
    """It covers most of what the model doubts."""
    VARIETY = "variety"
    """The same without a model: it covers most of what nobody has labelled."""
    FILLING = "filling"
    """Everything is covered already; the most doubtful of the rest."""


class PageToLabel(NamedTuple):
    """A page as far as the choice looks at it."""

    id: str
    features: frozenset[str]
    """What it looks like (`page_features`)."""
    doubt: float = 1.0
    """How unsure the model is of it, 0-1; 1 throughout without a model."""
    is_first: bool = False
    """Whether it is the first of its document."""


class ChoiceRules(BaseModel):
    """How many pages, and how they are divided."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: int = Field(ge=1)
    random_share: float = Field(default=0.2, ge=0, le=1)
    """Share of pages that are taken in the candidates' order, which is to be a shuffled one."""
    first_share: float | None = Field(default=None, ge=0, le=1)
    """Share of first pages of documents; None for as they come."""


class Chosen(NamedTuple):
    """A page to label, and why."""

    id: str
    reason: Reason
    doubt: float
    likeness: float
    """To the nearest page that was labelled or chosen before, 0-1."""


# --- what a page looks like, and how unsure a model is of it -------------------------------------------


def page_features(page: Page) -> frozenset[str]:
    """The page's words, and its words without their digits at their places."""
    return frozenset(
        feature
        for word in page.words
        for text in (word.text.casefold(),)
        for feature in (text, f"{_shape(text)} @{_cell(word.box.left, word.box.top)}")
    )


def _shape(text: str) -> str:
    return re.sub(r"\d+", "0", text)


def _cell(left: float, top: float) -> int:
    return min(int(top * ROWS), ROWS - 1) * COLUMNS + min(int(left * COLUMNS), COLUMNS - 1)


def page_doubt(words: Sequence[Sequence[float]], usual: Sequence[float]) -> float:
    """How unsure a model is of a page, 0-1: the mean over the classes of fields, whatever the page's length.

    `words` has the probabilities of each word's classes, the last of them of no field. `usual` is the share
    of pages on which each class is found: one that is usual and missing is doubtful in that measure. Where
    a class is seen, its words' distance from the runner-up counts, by how much they belong to it.
    """
    if not usual:
        return 0.0
    margins = [_margin(word) for word in words]
    doubts = []
    for number, share in enumerate(usual):
        mass = sum(word[number] for word in words)
        seen = max((word[number] for word in words), default=0.0)
        unsure = sum(word[number] * (1 - margin) for word, margin in zip(words, margins, strict=True))
        doubts.append((seen * unsure / mass if mass else 0.0) + (1 - seen) * share)
    return sum(doubts) / len(doubts)


def _margin(word: Sequence[float]) -> float:
    first, second = sorted(word, reverse=True)[:2]
    return first - second


# --- the choice ---------------------------------------------------------------------------------------


def choose_pages(
    candidates: Sequence[PageToLabel], labelled: Sequence[PageToLabel], rules: ChoiceRules
) -> list[Chosen]:
    """Pages to label next, best first behind those by chance; TooFewPagesError where there are too few.

    Candidates come in a shuffled order, which decides what chance takes. Those that are labelled are left
    out; of pages that are the same, a second one is taken only where nothing else is left.
    """
    known = {one.id for one in labelled}
    open_pages = list({one.id: one for one in candidates if one.id not in known}.values())
    chosen: list[Chosen] = []
    done = list(labelled)
    for pages, count in _parts(open_pages, rules):
        found = _choose(pages, done, count, rules.random_share)
        by_id = {one.id: one for one in pages}
        done += [by_id[one.id] for one in found]
        chosen += found
    return chosen


def _parts(pages: Sequence[PageToLabel], rules: ChoiceRules) -> Iterator[tuple[Sequence[PageToLabel], int]]:
    """The candidates with how many of them to take, first pages apart where their share is set."""
    parts = {"pages": (list(pages), rules.count)}
    if rules.first_share is not None:
        first = round(rules.first_share * rules.count)
        parts = {
            "first pages": ([one for one in pages if one.is_first], first),
            "later pages": ([one for one in pages if not one.is_first], rules.count - first),
        }
    for name, (some, count) in parts.items():
        if len(some) < count:
            raise TooFewPagesError(
                f"{count} {name} are to be chosen, but only {len(some)} without labels are there; ask for "
                "fewer, or add documents"
            )
    return iter(parts.values())


def _choose(
    pages: Sequence[PageToLabel], done: Sequence[PageToLabel], count: int, random_share: float
) -> list[Chosen]:
    by_chance = math.ceil(random_share * count)
    nearest = _Nearest(done)
    chosen = list(_by_chance(pages, nearest, by_chance))
    taken = {one.id for one in chosen}
    rest = [one for one in pages if one.id not in taken]
    covering = [*done, *(one for one in pages if one.id in taken)]
    chosen += islice(_by_cover(rest, covering, nearest), count - len(chosen))
    taken = {one.id for one in chosen}
    left = sorted((one for one in rest if one.id not in taken), key=lambda one: -one.doubt)
    while len(chosen) < count:
        one = next((one for one in left if _is_new(one, nearest)), left[0])
        left.remove(one)
        chosen.append(nearest.take(one, Reason.FILLING))
    return chosen


def _is_new(one: PageToLabel, nearest: "_Nearest") -> bool:
    """Whether the page has words, and is none that was there before."""
    return bool(one.features) and nearest.likeness(one) < SAME


def _by_chance(pages: Sequence[PageToLabel], nearest: "_Nearest", count: int) -> Iterator[Chosen]:
    """The first pages that are not the same as one before, as long as there are any."""
    for one in pages:
        if count <= 0:
            return
        if _is_new(one, nearest):
            count -= 1
            yield nearest.take(one, Reason.CHANCE)


def _by_cover(
    pages: Sequence[PageToLabel], done: Sequence[PageToLabel], nearest: "_Nearest"
) -> Iterator[Chosen]:
    """Page after page that covers most doubt; ends where none is left that was not there before."""
    some = sorted((one for one in pages if one.features), key=lambda one: -one.doubt)[:MOST_CANDIDATES]
    reason = Reason.DOUBT if len({one.doubt for one in some}) > 1 else Reason.VARIETY
    cover = _Cover(some, done)
    while (best := cover.best()) is not None:
        cover.take(best)
        if _is_new(some[best], nearest):
            yield nearest.take(some[best], reason)


class _Nearest:
    """How like a page is to the nearest of those that are done, by the words in common."""

    def __init__(self, done: Iterable[PageToLabel]) -> None:
        self._done = [one.features for one in done]

    def likeness(self, page: PageToLabel) -> float:
        return max((_in_common(page.features, other) for other in self._done), default=0.0)

    def take(self, page: PageToLabel, reason: Reason) -> Chosen:
        chosen = Chosen(page.id, reason, page.doubt, self.likeness(page))
        self._done.append(page.features)
        return chosen


def _in_common(one: frozenset[str], other: frozenset[str]) -> float:
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared) if one or other else 1.0


class _Cover:
    """Which page of some covers how much of the doubt, when pages cover those like them.

    What is left of a page's doubt shrinks with each page like it: of a kind of pages one is asked for first,
    and a second where the kind is common or doubtful enough. (As a logarithm it would shrink too slowly: half
    of the choice would be of the commonest kinds.)
    """

    def __init__(self, pages: Sequence[PageToLabel], done: Sequence[PageToLabel]) -> None:
        weights = _feature_weights([*pages, *done])
        vectors = [_vector(one.features, weights) for one in pages]
        postings: dict[str, list[tuple[int, float]]] = {}
        for index, vector in enumerate(vectors):
            for feature, weight in vector.items():
                postings.setdefault(feature, []).append((index, weight))
        self._like = [_likenesses(vector, postings) for vector in vectors]
        for index, alike in enumerate(self._like):
            alike[index] = 1.0  # also a page of which nothing is left but what all have
        self._left = [SURE + one.doubt for one in pages]
        for one in done:
            self._cover(_likenesses(_vector(one.features, weights), postings))
        self._open = set(range(len(pages)))
        self._gains = {index: self._gain(index) for index in self._open}

    def best(self) -> int | None:
        """The open page that covers most, the first among equals; None where none is left."""
        order = sorted(self._open, key=lambda index: (-self._gains[index], index))
        best: int | None = None
        for index in order:  # gains only fall: an old one that is too small needs no new look
            if best is not None and self._gains[index] <= self._gains[best]:
                break
            self._gains[index] = self._gain(index)
            if best is None or self._gains[index] > self._gains[best]:
                best = index
        return best

    def take(self, index: int) -> None:
        self._open.discard(index)
        self._cover(self._like[index])

    def _cover(self, alike: Mapping[int, float]) -> None:
        for index, likeness in alike.items():
            self._left[index] *= math.exp(-SHRINKS * likeness)

    def _gain(self, index: int) -> float:
        return sum(
            self._left[other] * -math.expm1(-SHRINKS * likeness)
            for other, likeness in self._like[index].items()
        )


def _feature_weights(pages: Sequence[PageToLabel]) -> dict[str, float]:
    """Rare features count more; those of one page alone, or of all pages, tell of no likeness."""
    counts: dict[str, int] = {}
    for one in pages:
        for feature in one.features:
            counts[feature] = counts.get(feature, 0) + 1
    return {
        feature: math.log(len(pages) / count) for feature, count in counts.items() if 2 <= count < len(pages)
    }


def _vector(features: Iterable[str], weights: Mapping[str, float]) -> dict[str, float]:
    """Weights of the features, of length 1."""
    known = sorted(feature for feature in features if feature in weights)  # sums repeat to the last digit
    length = math.sqrt(sum(weights[feature] ** 2 for feature in known))
    return {feature: weights[feature] / length for feature in known}


def _likenesses(
    vector: Mapping[str, float], postings: Mapping[str, Sequence[tuple[int, float]]]
) -> dict[int, float]:
    """Square of the cosine to each page that has enough in common: many slightly alike are not one alike."""
    found: dict[int, float] = {}
    for feature, weight in vector.items():
        for index, other in postings.get(feature, ()):
            found[index] = found.get(index, 0.0) + weight * other
    return {index: cosine**2 for index, cosine in found.items() if cosine >= LEAST_COSINE}
