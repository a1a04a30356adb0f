"""Which class it is, where several people said: a vote that weighs people by how often they are right.

Nobody knows who is right, so both are estimated together over all things voted on (Dawid and Skene, 1979, by
expectation and maximisation): from the likely classes how reliable each person is and which classes are taken
for which, and from these the classes again. People with few votes are held near the others, so that one
thing alone, or one person alone, gives a plain majority. Where votes tie, the name decides.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

Ballot = Mapping[str, str]
"""Worker to the class that he said."""

ROUNDS = 25
STILL = 1e-4
"""Change of a share below which nothing moves any more."""
STRENGTH = 4.0
"""So many votes of a person weigh as much as what is known of all people together."""
EXPECTED = 0.8
"""How often people are right before anything is known, as good as so many votes:"""
KNOWN = 20.0
SMOOTHING = 1.0
"""Votes that each confusion of two classes is given beforehand, spread over the classes."""
SUREST = 0.99
"""More often than this nobody is right: no single vote outweighs all others."""


class Verdict(NamedTuple):
    """What a thing is."""

    label: str
    confidence: float
    """0-1: the share of the votes for it, each weighed by its worker's reliability."""
    probability: float
    """0-1: how likely it is under the model."""


class Reliability(NamedTuple):
    """What is known of the voters."""

    right: Mapping[str, float]
    """Worker to how often he is right."""
    confused: Mapping[tuple[str, str], float]
    """Class, and another that is said instead: how likely, of all that is said instead."""
    common: Mapping[str, float]
    """How common each class is."""


def decide(ballots: Sequence[Ballot]) -> list[Verdict]:
    """A verdict for each ballot; ValueError for one without votes."""
    if not all(ballots):
        raise ValueError("a ballot needs a vote")
    keys = [tuple(sorted(ballot.items())) for ballot in ballots]
    alike = Counter(keys)  # most ballots are one of few: those are looked at once
    verdicts = dict(zip(alike, _decide([(dict(key), many) for key, many in alike.items()]), strict=True))
    return [verdicts[key] for key in keys]


def _decide(ballots: Sequence[tuple[Ballot, int]]) -> list[Verdict]:
    """A verdict for each ballot, which was cast so many times."""
    shares = [_plain_shares(ballot) for ballot, _ in ballots]
    known = _reliability(ballots, shares)
    for _ in range(ROUNDS):
        after = [_shares(ballot, known) for ballot, _ in ballots]
        moved = max(
            (abs(now[k] - before[k]) for now, before in zip(after, shares, strict=True) for k in now),
            default=0,
        )
        shares, known = after, _reliability(ballots, after)
        if moved < STILL:
            break
    weights = {worker: weight_of(right) for worker, right in known.right.items()}
    return [_verdict(ballot, share, weights) for (ballot, _), share in zip(ballots, shares, strict=True)]


def weight_of(right: float) -> float:
    """The weight of a vote of somebody who is right so often; it never counts for less than nothing."""
    return math.log(1 + right / (1 - right))


def _verdict(ballot: Ballot, shares: Mapping[str, float], weights: Mapping[str, float]) -> Verdict:
    votes = Counter(ballot.values())
    label = max(sorted(shares), key=lambda one: (round(shares[one], 9), votes[one]))
    counted = math.fsum(weights[worker] for worker in ballot)
    agreed = math.fsum(weights[worker] for worker, said in ballot.items() if said == label)
    return Verdict(label, 1.0 if len(votes) == 1 else agreed / counted, shares[label])


def _plain_shares(ballot: Ballot) -> dict[str, float]:
    return {label: votes / len(ballot) for label, votes in Counter(ballot.values()).items()}


def _shares(ballot: Ballot, known: Reliability) -> dict[str, float]:
    """How likely each class that somebody said is, given who said what."""
    labels = set(ballot.values())
    if len(labels) == 1:
        return dict.fromkeys(labels, 1.0)
    logs = {label: _log_likelihood(label, ballot, known) for label in labels}
    highest = max(logs.values())
    likely = {label: math.exp(value - highest) for label, value in logs.items()}
    total = math.fsum(likely.values())
    return {label: value / total for label, value in likely.items()}


def _log_likelihood(label: str, ballot: Ballot, known: Reliability) -> float:
    logs = [math.log(known.common[label])]
    for worker, said in ballot.items():
        right = known.right[worker]
        logs.append(math.log(right if said == label else (1 - right) * known.confused[label, said]))
    return math.fsum(logs)  # exact, so that the order of the workers changes nothing


def _reliability(ballots: Sequence[tuple[Ballot, int]], shares: Sequence[Mapping[str, float]]) -> Reliability:
    """What the likely classes say of those who voted."""
    votes: Counter[str] = Counter()
    right: dict[str, list[float]] = defaultdict(list)
    said_instead: dict[tuple[str, str], list[float]] = defaultdict(list)
    common: dict[str, list[float]] = defaultdict(list)
    for (ballot, many), share in zip(ballots, shares, strict=True):
        for label, value in share.items():
            common[label].append(many * value)
        for worker, said in ballot.items():
            votes[worker] += many
            right[worker].append(many * share[said])
            for label, value in share.items():
                if label != said:
                    said_instead[label, said].append(many * value)
    labels = sorted(common)
    return Reliability(
        right=_right(votes, {worker: math.fsum(found) for worker, found in right.items()}),
        confused=_confused(labels, {pair: math.fsum(found) for pair, found in said_instead.items()}),
        common=_common(
            labels,
            {label: math.fsum(found) for label, found in common.items()},
            sum(many for _, many in ballots),
        ),
    )


def _right(votes: Mapping[str, int], right: Mapping[str, float]) -> dict[str, float]:
    counted = sum(votes.values())
    everybody = (math.fsum(right.values()) + KNOWN * EXPECTED) / (counted + KNOWN)
    return {
        worker: min(SUREST, (right[worker] + STRENGTH * everybody) / (votes[worker] + STRENGTH))
        for worker in votes
    }


def _confused(
    labels: Sequence[str], said_instead: Mapping[tuple[str, str], float]
) -> dict[tuple[str, str], float]:
    others = max(1, len(labels) - 1)
    totals: dict[str, float] = dict.fromkeys(labels, SMOOTHING)
    for label in labels:
        totals[label] += math.fsum(said_instead.get((label, said), 0.0) for said in labels)
    return {
        (label, said): (said_instead.get((label, said), 0.0) + SMOOTHING / others) / totals[label]
        for label in labels
        for said in labels
        if label != said
    }


def _common(labels: Sequence[str], common: Mapping[str, float], count: int) -> dict[str, float]:
    return {
        label: (common.get(label, 0.0) + SMOOTHING) / (count + SMOOTHING * len(labels)) for label in labels
    }
