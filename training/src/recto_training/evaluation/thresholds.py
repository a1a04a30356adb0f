"""From which confidence on nobody needs to look, for a share of right values that is asked for.

Two things are told of every threshold: how many values or documents a person still looks at, and how
right the accepted ones are, both with a margin of error. Where the documents are too few to tell, that is
said, with about how many are needed. The confidences must come from documents that neither the model nor
the calibration has seen (`calibrate.cross_fitted`). Nothing is written here.

Margins are for 95 in 100 samples of documents: of the share that is right by Wilson's score interval
(Wilson, 1927), of the share that is looked at by choosing the threshold anew on documents drawn with
replacement (bootstrap; Efron, 1979).
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from recto_training.evaluation.fields import DocumentScore, Judged

TARGETS = (0.95, 0.97, 0.99)
NOTHING_ACCEPTED = 1.0
"""Threshold that no confidence reaches."""
FEWEST = 30
"""Values below which no threshold is chosen: all go to a person."""
FEWEST_ACCEPTED = 20
"""A threshold that lets fewer pass shows nothing and is not chosen."""
PRIOR = 200
"""What calibrated confidence counts beside what was seen, in values: on receipts, thresholds from 60 of them
let a tenth more pass than by what was seen alone, and were as right on others."""
LOWEST = 0.5
"""A value that is more likely wrong than right always goes to a person, whatever the target."""
DRAWS = 200
"""Samples of documents for the margin of the share that is looked at."""
WHOLE_DOCUMENT = "(document)"


class Candidate(NamedTuple):
    """A value, or a whole document, that could be accepted."""

    document: str
    confidence: float
    is_right: bool


class Margin(NamedTuple):
    """A share with its margin of error."""

    share: float
    low: float
    high: float


class Choice(NamedTuple):
    """What a threshold for one field, or for whole documents, means."""

    name: str
    target: float
    threshold: float
    """NOTHING_ACCEPTED where no threshold keeps the target."""
    num_values: int
    num_accepted: int
    num_right: int
    """Of the accepted ones."""
    right: Margin | None
    """Share of the accepted that is right; None where none is accepted."""
    reviewed: Margin
    """Share of all values, or documents, that a person looks at."""
    advice: str = ""
    """What the reader should know before relying on it; empty where nothing stands against it."""


def threshold_at(candidates: Sequence[Candidate], target: float) -> float:
    """The lowest confidence from which on the accepted are right in `target` of all cases.

    How right they are is estimated from the share that was right and from their mean confidence, which
    counts as PRIOR values more: it is steadier where few are accepted, and gives way where there are many
    (the mean of a beta distribution). Values of equal confidence are accepted together; none below LOWEST,
    and not fewer than FEWEST_ACCEPTED of them.
    """
    if len(candidates) < FEWEST:
        return NOTHING_ACCEPTED
    confidence_N, right_N = _ordered(candidates)
    return _threshold(confidence_N, right_N, target)


def choose(
    name: str, candidates: Sequence[Candidate], target: float, *, draws: int = DRAWS, what: str = "values"
) -> Choice:
    """A threshold for the target, with what it does to these candidates."""
    threshold = threshold_at(candidates, target)
    accepted = [one for one in candidates if one.confidence >= threshold]
    num_right = sum(one.is_right for one in accepted)
    return Choice(
        name=name,
        target=target,
        threshold=threshold,
        num_values=len(candidates),
        num_accepted=len(accepted),
        num_right=num_right,
        right=wilson(num_right, len(accepted)) if accepted else None,
        reviewed=_reviewed(candidates, threshold, target, draws),
        advice=_advice(len(candidates), len(accepted), num_right, target, what),
    )


def wilson(hits: int, count: int) -> Margin:
    """A share of a count with Wilson's interval; ValueError for a count of 0."""
    interval = binomtest(hits, count).proportion_ci(confidence_level=0.95, method="wilson")
    return Margin(hits / count, float(interval.low), float(interval.high))


def enough_for(target: float) -> int:
    """So many accepted values, all right, show with 95 % certainty that `target` of all are."""
    return math.ceil(math.log(0.05) / math.log(target))


def candidates_by_field(scores: Iterable[DocumentScore]) -> dict[str, list[Candidate]]:
    """The values that were reported, by field."""
    found: dict[str, list[Candidate]] = defaultdict(list)
    for score in scores:
        for name, one in score.fields.items():
            found[name] += [Candidate(score.id, value.confidence, value.is_right) for value in one.values]
    return dict(found)


def whole_documents(scores: Iterable[DocumentScore], required: Iterable[str]) -> list[Candidate]:
    """Each document as one: as sure as its least sure value, right when all its values are.

    A document goes to a person anyway when nothing was found or a required field is missing: its
    confidence is 0. A value that is missed in an optional field is an error that no confidence tells of.
    """
    wanted = tuple(required)
    found = []
    for score in scores:
        values = score.judged
        is_complete = bool(values) and all(score.fields[name].values for name in wanted)
        confidence = min((value.confidence for value in values), default=0.0) if is_complete else 0.0
        found.append(Candidate(score.id, confidence, score.errors == 0))
    return found


def passing_documents(
    scores: Sequence[DocumentScore], thresholds: Mapping[str, float], required: Iterable[str]
) -> list[tuple[DocumentScore, bool]]:
    """Each document, and whether all its values reach their field's threshold and none is missing."""
    wanted = tuple(required)

    def passes(score: DocumentScore) -> bool:
        enough = all(value.confidence >= thresholds[value.field] for value in score.judged)
        return enough and bool(score.judged) and all(score.fields[name].values for name in wanted)

    return [(score, passes(score)) for score in scores]


def pooled(judged: Iterable[tuple[str, Judged]]) -> list[Candidate]:
    """Document and value as candidates, whatever their field."""
    return [Candidate(document, one.confidence, one.is_right) for document, one in judged]


def _ordered(candidates: Sequence[Candidate]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Confidences, highest first, and whether each is right."""
    confidence_N = np.array([one.confidence for one in candidates], dtype=float)
    right_N = np.array([one.is_right for one in candidates], dtype=float)
    order = np.argsort(-confidence_N, kind="stable")
    return confidence_N[order], right_N[order]


def _threshold(confidence_N: NDArray[np.float64], right_N: NDArray[np.float64], target: float) -> float:
    if not len(confidence_N):
        return NOTHING_ACCEPTED
    counts_N = np.arange(1, len(confidence_N) + 1)
    expected_N = np.cumsum(confidence_N) / counts_N
    estimate_N = (np.cumsum(right_N) + PRIOR * expected_N) / (counts_N + PRIOR)
    last_of_tie_N = np.append(confidence_N[1:] != confidence_N[:-1], True)
    keeps_N = last_of_tie_N & (estimate_N >= target)
    keeps_N &= (counts_N >= FEWEST_ACCEPTED) & (confidence_N >= LOWEST)
    return float(confidence_N[keeps_N][-1]) if keeps_N.any() else NOTHING_ACCEPTED


def _reviewed(candidates: Sequence[Candidate], threshold: float, target: float, draws: int) -> Margin:
    """Share below the threshold, and the middle 95 % of that share when the threshold is chosen anew."""
    if not candidates:
        return Margin(1.0, 0.0, 1.0)
    share = sum(one.confidence < threshold for one in candidates) / len(candidates)
    if len(candidates) < FEWEST:
        return Margin(share, 0.0, 1.0)
    shares = _drawn_shares(candidates, lambda c, r: _threshold(c, r, target), draws)
    low, high = np.quantile(shares, [0.025, 0.975])
    return Margin(share, min(share, float(low)), max(share, float(high)))


def _drawn_shares(
    candidates: Sequence[Candidate],
    threshold_of: Callable[[NDArray[np.float64], NDArray[np.float64]], float],
    draws: int,
) -> list[float]:
    """Shares that are looked at in samples of whole documents."""
    by_document: dict[str, list[int]] = defaultdict(list)
    for index, one in enumerate(candidates):
        by_document[one.document].append(index)
    groups = [np.array(some) for some in by_document.values()]
    confidence_N = np.array([one.confidence for one in candidates])
    right_N = np.array([one.is_right for one in candidates], dtype=float)
    chance = np.random.default_rng(1337)
    shares = []
    for _ in range(draws):
        drawn = np.concatenate([groups[i] for i in chance.integers(len(groups), size=len(groups))])
        drawn = drawn[np.argsort(-confidence_N[drawn], kind="stable")]
        threshold = threshold_of(confidence_N[drawn], right_N[drawn])
        shares.append(float((confidence_N[drawn] < threshold).mean()))
    return shares


def _advice(num_values: int, num_accepted: int, num_right: int, target: float, what: str) -> str:
    if num_values < FEWEST:
        return f"too few: {num_values} {what}, at least {FEWEST} are needed to choose a threshold at all"
    if not num_accepted:
        return f"no threshold keeps {target:.0%} right with {FEWEST_ACCEPTED} accepted: all go to a person"
    low = wilson(num_right, num_accepted).low
    if low >= target - (1 - target):
        return ""
    return (
        f"not shown: of {num_accepted} accepted as few as {low:.1%} may be right; "
        f"about {enough_for(target)} accepted and all right show {target:.0%}"
    )
