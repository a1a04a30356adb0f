"""Which class, or which of several, out of what several people chose."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from recto.consolidation.voting import decide

YES, NO = "yes", "no"


class AgreedClass(NamedTuple):
    """One class of the result, or with several possible: one that most people chose."""

    label: str
    confidence: float


class AgreedClasses(NamedTuple):
    """What several people together say a thing is."""

    chosen: tuple[AgreedClass, ...]
    confidence: float
    """0-1: of the least certain decision, classes that were not taken included."""


Choices = Mapping[str, tuple[str, ...]]
"""Worker to the labels that he chose."""


def agree_on_one(things: Sequence[Choices]) -> list[AgreedClasses]:
    """One class for each thing; a vote without a label, or with several, is one of its own."""
    ballots = [{worker: " + ".join(labels) for worker, labels in thing.items()} for thing in things]
    return [
        AgreedClasses((AgreedClass(verdict.label, verdict.confidence),), verdict.confidence)
        for verdict in decide(ballots)
    ]


def agree_on_several(things: Sequence[Choices]) -> list[AgreedClasses]:
    """All the classes of each thing: each is voted on by itself, by yes or no."""
    questions = [(number, label) for number, thing in enumerate(things) for label in _chosen_by_any(thing)]
    ballots = [
        {f"{worker}\0{label}": YES if label in labels else NO for worker, labels in things[number].items()}
        for number, label in questions
    ]
    verdicts = decide(ballots)
    chosen: list[list[AgreedClass]] = [[] for _ in things]
    lowest = [1.0] * len(things)
    for (number, label), verdict in zip(questions, verdicts, strict=True):
        lowest[number] = min(lowest[number], verdict.confidence)
        if verdict.label == YES:
            chosen[number].append(AgreedClass(label, verdict.confidence))
    return [AgreedClasses(tuple(found), least) for found, least in zip(chosen, lowest, strict=True)]


def _chosen_by_any(thing: Choices) -> list[str]:
    """In the order of the first person who chose each; persons in the order of their names."""
    return list(dict.fromkeys(label for _, labels in sorted(thing.items()) for label in labels))
