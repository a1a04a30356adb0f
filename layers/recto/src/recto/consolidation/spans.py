"""The entities of one text out of what several people marked in it.

Spans of one thing are found by overlap, whatever their classes; whether it is there and what it is are
decided as with boxes. It begins and ends at the letter that most people chose; where they differ evenly, each
letter is in that at least half of them have in. Then the ends are mended: no spaces at the ends, no word cut
in two, unless most people cut it there.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median
from typing import NamedTuple

from recto.consolidation.clusters import Mark, close_spans, grouped
from recto.consolidation.existence import Eyes, Sighting, likely
from recto.consolidation.rules import LeftOut, Rules
from recto.consolidation.voting import Verdict, decide, weight_of
from recto.labels import LabelledSpan, SpanAnswer


class AgreedSpan(NamedTuple):
    """An entity of the result."""

    label: str
    start: int
    end: int
    confidence: float


class AgreedText(NamedTuple):
    """What several people together say of a text."""

    spans: tuple[AgreedSpan, ...]
    quality: bool | None
    quality_confidence: float
    """1 where nobody said anything of it."""
    left_out: tuple[LeftOut, ...]


class Text(NamedTuple):
    """What was answered of one text."""

    answers: Mapping[str, SpanAnswer]
    """By worker."""
    text: str | None = None
    """None where only the offsets are known."""


class Thing(NamedTuple):
    """Spans of one thing."""

    marked: Mapping[str, LabelledSpan]
    """By worker."""


def agree_on_texts(texts: Sequence[Text], rules: Rules) -> list[AgreedText]:
    """What each text's answers say together; ValueError for a text without answers."""
    if not all(text.answers for text in texts):
        raise ValueError("a text needs an answer")
    ordered = [text._replace(answers=_in_order(text.answers)) for text in texts]
    found = [_things(text.answers) for text in ordered]
    sightings = [
        Sighting(frozenset(thing.marked), frozenset(text.answers))
        for text, things in zip(ordered, found, strict=True)
        for thing in things
    ]
    probabilities, eyes = likely(sightings)
    ballots = [{w: span.label for w, span in thing.marked.items()} for things in found for thing in things]
    verdicts, there = iter(decide(ballots)), iter(probabilities)
    return [
        _text(text, things, [(next(there), next(verdicts)) for _ in things], eyes, rules)
        for text, things in zip(ordered, found, strict=True)
    ]


def _in_order(answers: Mapping[str, SpanAnswer]) -> dict[str, SpanAnswer]:
    """By what people marked: their names decide nothing."""
    return dict(sorted(answers.items(), key=lambda one: (one[1].spans, one[0])))


def _things(answers: Mapping[str, SpanAnswer]) -> list[Thing]:
    marked = [(worker, span) for worker, answer in answers.items() for span in answer.spans]
    workers = list(answers)
    marks = [Mark(workers.index(worker), span.label) for worker, span in marked]
    pairs = close_spans(marks, [(span.start, span.end) for _, span in marked]) if len(workers) > 1 else ()
    return [Thing(dict(marked[number] for number in group)) for group in grouped(marks, pairs)]


def _text(
    text: Text, things: Sequence[Thing], decided: Sequence[tuple[float, Verdict]], eyes: Eyes, rules: Rules
) -> AgreedText:
    spans: list[AgreedSpan] = []
    left_out: list[LeftOut] = []
    for thing, (there, verdict) in zip(things, decided, strict=True):
        start, end = _ends(thing, text)
        share = len(thing.marked) / len(text.answers)
        if rules.is_kept(there, share):
            confidence = _confidence(thing, verdict.label, (start, end), text.answers, eyes)
            spans.append(AgreedSpan(verdict.label, start, end, confidence))
        else:
            is_doubtful = share >= 1 - rules.min_agreement
            said = share * verdict.confidence
            what = f"span {start} to {end}"
            left_out.append(LeftOut(verdict.label, what, len(thing.marked), said, is_doubtful))
    if len(text.answers) > 1:
        spans.sort(key=lambda one: (one.start, one.end, one.label))
    quality, agreed = _quality(text.answers)
    return AgreedText(tuple(spans), quality, agreed, tuple(left_out))


def _confidence(
    thing: Thing, label: str, ends: tuple[int, int], answers: Mapping[str, SpanAnswer], eyes: Eyes
) -> float:
    """The share of those who looked and marked this, each weighed by how much he finds, and by how near."""
    counted = sum(weight_of(eyes.found[worker]) for worker in answers)
    agreed = sum(
        weight_of(eyes.found[worker]) * _overlap((span.start, span.end), ends)
        for worker, span in thing.marked.items()
        if span.label == label
    )
    return min(1.0, agreed / counted)


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> float:
    shared = max(0, min(one[1], other[1]) - max(one[0], other[0]))
    return shared / (one[1] - one[0] + other[1] - other[0] - shared)


def _quality(answers: Mapping[str, SpanAnswer]) -> tuple[bool | None, float]:
    said = Counter(answer.quality for answer in answers.values() if answer.quality is not None)
    if not said:
        return None, 1.0
    agreed = max(sorted(said), key=lambda one: said[one])  # of as many, no: somebody saw something
    return agreed, said[agreed] / said.total()


# --- beginnings and ends ----------------------------------------------------------------------------


def _ends(thing: Thing, text: Text) -> tuple[int, int]:
    spans = list(thing.marked.values())
    start = _edge([span.start for span in spans], text.text, is_end=False)
    end = _edge([span.end for span in spans], text.text, is_end=True)
    if start < end:
        return start, end
    nearest = min(spans, key=lambda one: (abs(one.start - start) + abs(one.end - end), one))
    return nearest.start, nearest.end  # the edges were of different people's spans: then one person's


def _edge(offsets: Sequence[int], text: str | None, *, is_end: bool) -> int:
    """Where most people put it; where they differ evenly, where at least half of them are inside."""
    ((offset, votes),) = Counter(offsets).most_common(1)
    if 2 * votes > len(offsets):
        return offset
    if text is None:
        return _chosen(offsets, offsets, is_end=is_end)
    whole = [_whole_word(offset, text, is_end=is_end) for offset in offsets]
    return _chosen(whole, offsets, is_end=is_end)


def _chosen(places: Sequence[int], offsets: Sequence[int], *, is_end: bool) -> int:
    votes, middle = Counter(places), median(offsets)
    most = max(votes.values())
    leading = [place for place, count in votes.items() if count == most]
    return min(leading, key=lambda one: (abs(one - middle), -one if is_end else one))


def _whole_word(offset: int, text: str, *, is_end: bool) -> int:
    """The place with no space inside and no part of a word outside."""
    offset = min(offset, len(text))
    if is_end:
        while offset > 0 and text[offset - 1].isspace():
            offset -= 1
        while 0 < offset < len(text) and text[offset - 1].isalnum() and text[offset].isalnum():
            offset += 1
        return offset
    while offset < len(text) and text[offset].isspace():
        offset += 1
    while 0 < offset < len(text) and text[offset - 1].isalnum() and text[offset].isalnum():
        offset -= 1
    return offset
