"""Whether a thing that some people marked and others did not is there. Not what it is, not where exactly.

Each person overlooks things, and marks some that are none. How often, is estimated together with what is
there, over all objects of a request (expectation and maximisation). A thing that nobody else marked is then
likely where the others overlook much and the one who marked it rarely makes things up. People of whom little
is known count as people usually do, so that one object alone is decided by about the majority; with one
person, all that he marked is there.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

ROUNDS = 20
STILL = 1e-4
STRENGTH = 20.0
"""What is assumed of a person weighs as much as so many things seen."""
FOUND = 0.9
"""Share of what is there that a person marks."""
MADE_UP = 0.05
"""Things that a person marks without cause, for each one that is there."""
ALIKE = 0.1
"""How likely another person marks the same without cause."""
LOWEST, HIGHEST = 0.02, 0.98
ENOUGH = 3
"""From so many people on, what they marked tells how they err: of two, nobody can say who was wrong."""


class Sighting(NamedTuple):
    """Who marked a thing, of those who looked."""

    by: frozenset[str]
    looked: frozenset[str]


class Eyes(NamedTuple):
    """What is known of those who look."""

    found: Mapping[str, float]
    made_up: Mapping[str, float]
    alike: float


def likely(sightings: Sequence[Sighting]) -> tuple[list[float], Eyes]:
    """How likely each thing is there, and what it says of people."""
    patterns = Counter(sightings)
    workers = sorted({worker for seen in patterns for worker in seen.looked})
    eyes = Eyes(dict.fromkeys(workers, FOUND), dict.fromkeys(workers, MADE_UP), ALIKE)
    there: dict[Sighting, float] = {}
    for _ in range(ROUNDS):
        now = {seen: _probability(seen, eyes) for seen in patterns}
        moved = max((abs(value - there.get(seen, 0.0)) for seen, value in now.items()), default=0.0)
        there, eyes = now, _eyes(patterns, now, workers, eyes)
        if moved < STILL:
            break
    return [there[seen] for seen in sightings], eyes


def _probability(seen: Sighting, eyes: Eyes) -> float:
    if len(seen.looked) == 1:
        return 1.0
    missing = seen.looked - seen.by
    real = math.fsum(
        [
            *(math.log(eyes.found[one]) for one in seen.by),
            *(math.log(1 - eyes.found[one]) for one in missing),
        ]
    )
    begun = math.log(math.fsum(eyes.made_up[one] for one in seen.by))
    followed = (len(seen.by) - 1) * math.log(eyes.alike) + len(missing) * math.log(1 - eyes.alike)
    return 1 / (1 + math.exp(min(700.0, begun + followed - real)))


def _eyes(
    patterns: Mapping[Sighting, int], there: Mapping[Sighting, float], workers: Iterable[str], before: Eyes
) -> Eyes:
    found, real, made_up = (defaultdict[str, list[float]](list) for _ in range(3))
    alike, chances = [STRENGTH * ALIKE], [STRENGTH]
    for seen, count in patterns.items():
        if len(seen.looked) < ENOUGH:
            continue
        is_there, is_not = count * there[seen], count * (1 - there[seen])
        for worker in seen.looked:
            real[worker].append(is_there)
        total = math.fsum(before.made_up[one] for one in seen.by)
        for worker in seen.by:
            found[worker].append(is_there)
            made_up[worker].append(is_not * before.made_up[worker] / total)
        alike.append(is_not * (len(seen.by) - 1))
        chances.append(is_not * (len(seen.looked) - 1))
    totals = {worker: STRENGTH + math.fsum(real[worker]) for worker in workers}
    return Eyes(
        {w: _within((STRENGTH * FOUND + math.fsum(found[w])) / totals[w]) for w in workers},
        {w: (STRENGTH * MADE_UP + math.fsum(made_up[w])) / totals[w] for w in workers},
        _within(math.fsum(alike) / math.fsum(chances)),
    )


def _within(share: float) -> float:
    return min(HIGHEST, max(LOWEST, share))
