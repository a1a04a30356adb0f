"""One page out of what several people drew on it and typed of it.

Boxes of one thing are found by overlap, whatever their classes; whether it is there, what it is and where it
is are decided one after the other: by who drew it (`existence`), by vote (`voting`), by the median of each
edge. Groups of boxes that were read together are matched by the boxes that they share; of what was typed, the
text of most is taken (`texts`). All pages of a request are looked at together, since they tell how reliable
each person is.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain, combinations
from statistics import median
from typing import NamedTuple

from recto.consolidation.clusters import Mark, Pair, close_boxes, group_of_mark, grouped, overlap
from recto.consolidation.existence import Eyes, Sighting, likely
from recto.consolidation.rules import LeftOut, Rules
from recto.consolidation.texts import agreed_text, squeezed
from recto.consolidation.voting import Verdict, decide, weight_of
from recto.geometry import Box
from recto.labels import ImageSize, LabelledBox, PageAnswer, Status, Transcription

SHARED_BOXES = 0.5
"""Part of the boxes of two groups together that both must have, to be one entity."""


class AgreedBox(NamedTuple):
    """A box of the result."""

    label: str
    box: Box
    confidence: float


class AgreedEntity(NamedTuple):
    """A transcription of the result."""

    uid: str
    label: str
    boxes: tuple[int, ...]
    status: Status
    raw_text: str | None
    target_text: str | None
    confidence: float


class AgreedPage(NamedTuple):
    """What several people together say of a page."""

    size: ImageSize
    boxes: tuple[AgreedBox, ...]
    entities: tuple[AgreedEntity, ...]
    left_out: tuple[LeftOut, ...]


PageAnswers = Mapping[str, PageAnswer]
"""Worker to answer."""


class Thing(NamedTuple):
    """Boxes of one thing."""

    drawn: Mapping[str, LabelledBox]
    """By worker."""
    position: float
    """Where it stands among the boxes, as people drew them."""


class Sketch(NamedTuple):
    """A page's things, before anything is decided about them."""

    answers: PageAnswers
    things: tuple[Thing, ...]
    thing_of: Mapping[str, Mapping[int, int]]
    """Worker, his box's index -> number of the thing."""


def agree_on_pages(pages: Sequence[PageAnswers], rules: Rules) -> list[AgreedPage]:
    """What each page's answers say together; ValueError for a page without answers."""
    if not all(pages):
        raise ValueError("a page needs an answer")
    sketches = [_sketch(_in_order(page)) for page in pages]
    sightings = [
        Sighting(frozenset(thing.drawn), frozenset(sketch.answers))
        for sketch in sketches
        for thing in sketch.things
    ]
    probabilities, eyes = likely(sightings)
    ballots = [
        {worker: drawn.label for worker, drawn in thing.drawn.items()}
        for sketch in sketches
        for thing in sketch.things
    ]
    verdicts, there = iter(decide(ballots)), iter(probabilities)
    return [
        _page(sketch, [(next(there), next(verdicts)) for _ in sketch.things], eyes, rules)
        for sketch in sketches
    ]


def _in_order(page: PageAnswers) -> PageAnswers:
    """By what people drew: their names decide nothing."""
    return dict(
        sorted(
            page.items(), key=lambda one: (one[1].boxes, str(one[1].transcriptions), str(one[1].size), one[0])
        )
    )


def _sketch(answers: PageAnswers) -> Sketch:
    workers = list(answers)
    places = [(w, index) for w, name in enumerate(workers) for index in range(len(answers[name].boxes))]
    drawn = [answers[workers[w]].boxes[index] for w, index in places]
    marks = [Mark(w, one.label) for (w, _), one in zip(places, drawn, strict=True)]
    pairs = close_boxes(marks, [one.box for one in drawn]) if len(workers) > 1 else ()
    groups = grouped(marks, pairs)
    things = [
        Thing(
            {workers[places[number][0]]: drawn[number] for number in group},
            median(places[number][1] for number in group),
        )
        for group in groups
    ]
    thing_of: dict[str, dict[int, int]] = {name: {} for name in workers}
    for number, thing in group_of_mark(groups).items():
        w, index = places[number]
        thing_of[workers[w]][index] = thing
    return Sketch(answers, tuple(things), thing_of)


def _page(sketch: Sketch, decided: Sequence[tuple[float, Verdict]], eyes: Eyes, rules: Rules) -> AgreedPage:
    boxes: dict[int, AgreedBox] = {}
    left_out: list[LeftOut] = []
    for number, (thing, (there, verdict)) in enumerate(zip(sketch.things, decided, strict=True)):
        box = _consensus([one.box for one in thing.drawn.values()])
        if rules.is_kept(there, len(thing.drawn) / len(sketch.answers)):
            confidence = _confidence(thing, verdict.label, box, sketch.answers, eyes)
            boxes[number] = AgreedBox(verdict.label, box, confidence)
        else:
            left_out.append(_left_out_box(thing, verdict, box, sketch.answers, rules))
    order = sorted(boxes, key=lambda number: (sketch.things[number].position, boxes[number].box))
    index_of = {number: index for index, number in enumerate(order)}
    kept = tuple(boxes[number] for number in order)
    entities, missing = _entities(sketch, index_of, kept, rules)
    return AgreedPage(_size(sketch.answers), kept, entities, (*left_out, *missing))


def _size(answers: PageAnswers) -> ImageSize:
    sizes = Counter(answer.size for answer in answers.values())
    return max(sorted(sizes, key=str), key=lambda size: sizes[size])


def _consensus(boxes: Sequence[Box]) -> Box:
    """The box whose each edge is the median of theirs."""
    return Box(*(median(edges) for edges in zip(*boxes, strict=True)))


def _confidence(thing: Thing, label: str, box: Box, answers: PageAnswers, eyes: Eyes) -> float:
    """The share of those who looked and drew this, each weighed by how much he finds, and by how near."""
    counted = sum(weight_of(eyes.found[worker]) for worker in answers)
    agreed = sum(
        weight_of(eyes.found[worker]) * (1.0 if drawn.box == box else overlap(drawn.box, box))
        for worker, drawn in thing.drawn.items()
        if drawn.label == label
    )
    return min(1.0, agreed / counted)


def _left_out_box(thing: Thing, verdict: Verdict, box: Box, answers: PageAnswers, rules: Rules) -> LeftOut:
    share = len(thing.drawn) / len(answers)
    where = ", ".join(f"{edge:.4f}" for edge in box)
    return LeftOut(
        label=verdict.label,
        what=f"box {where}",
        workers=len(thing.drawn),
        confidence=share * verdict.confidence,
        is_doubtful=share >= 1 - rules.min_agreement,
    )


# --- transcriptions ---------------------------------------------------------------------------------


class Reading(NamedTuple):
    """What one person said of some things together."""

    worker: str
    things: frozenset[int]
    said: Transcription


def _entities(
    sketch: Sketch, index_of: Mapping[int, int], boxes: Sequence[AgreedBox], rules: Rules
) -> tuple[tuple[AgreedEntity, ...], list[LeftOut]]:
    """The entities of the boxes that were kept, and those that have none of these."""
    groups = _groups_of_readings(sketch)
    owner = _owners(groups, index_of)
    entities, left_out = [], []
    for number, group in enumerate(groups):
        held = sorted(index_of[thing] for thing, owners in owner.items() if number in owners)
        if held:
            entities.append(_entity(group, held, boxes, len(sketch.answers)))
        else:
            left_out.append(_left_out_reading(group, len(sketch.answers), rules))
    in_order = sorted(entities, key=lambda one: one.boxes)
    if len(sketch.answers) == 1:
        in_order = entities  # as they stood
    return tuple(_with_own_ids(in_order)), left_out


def _groups_of_readings(sketch: Sketch) -> list[list[Reading]]:
    readings = [
        Reading(worker, frozenset(sketch.thing_of[worker][box] for box in said.boxes), said)
        for worker, answer in sketch.answers.items()
        for said in answer.transcriptions
    ]
    workers = list(sketch.answers)
    marks = [Mark(workers.index(one.worker), one.said.label) for one in readings]
    groups = grouped(marks, _close_readings(readings))
    return [[readings[number] for number in group] for group in groups]


def _close_readings(readings: Sequence[Reading]) -> list[Pair]:
    by_thing: dict[int, list[int]] = {}
    for number, one in enumerate(readings):
        for thing in one.things:
            by_thing.setdefault(thing, []).append(number)
    near = {
        (a, b)
        for numbers in by_thing.values()
        for a, b in combinations(numbers, 2)
        if readings[a].worker != readings[b].worker
    }
    shares = {pair: _shared(*(readings[number].things for number in pair)) for pair in near}
    return [Pair(-share, *pair) for pair, share in shares.items() if share >= SHARED_BOXES]


def _shared(one: frozenset[int], other: frozenset[int]) -> float:
    return len(one & other) / len(one | other)


def _owners(groups: Sequence[Sequence[Reading]], index_of: Mapping[int, int]) -> dict[int, set[int]]:
    """Which group each kept thing is of: that in which most people have it; with one person all of his."""
    votes: dict[int, Counter[int]] = {}
    for number, group in enumerate(groups):
        for thing in chain.from_iterable(one.things for one in group):
            if thing in index_of:
                votes.setdefault(thing, Counter())[number] += 1
    workers = {one.worker for group in groups for one in group}
    owners: dict[int, set[int]] = {}
    for thing, counts in votes.items():
        most = max(counts.values())
        leading = [number for number in sorted(counts) if counts[number] == most]
        owners[thing] = set(leading if len(workers) == 1 else leading[:1])
    return owners


def _entity(
    group: Sequence[Reading], held: Sequence[int], boxes: Sequence[AgreedBox], looked: int
) -> AgreedEntity:
    labels = Counter(boxes[index].label for index in held)
    label = max(labels, key=lambda one: labels[one])
    status, agreeing = _agreed_status([one.said for one in group])
    of_status = [one for one in agreeing if one.status == status]
    target_text = _text_of([one.target_text for one in agreeing])
    return AgreedEntity(
        uid=of_status[0].uid,
        label=label or group[0].said.label,
        boxes=tuple(held),
        status=status,
        raw_text=_text_of([one.raw_text for one in of_status]),
        target_text=target_text,
        confidence=len(agreeing) / looked,
    )


def _text_of(texts: Sequence[str | None]) -> str | None:
    known = [text for text in texts if text is not None]
    return agreed_text(known).text if known else None


def _agreed_status(said: Sequence[Transcription]) -> tuple[Status, list[Transcription]]:
    """Whether the OCR read it right, and those who agree on the text; the status is that of most of them."""
    unclear = [one for one in said if one.status == "unclear"]
    if 2 * len(unclear) > len(said) or len(unclear) == len(said):
        return "unclear", _of_most(unclear)
    agreeing = _of_most([one for one in said if one.status != "unclear"])
    correct = sum(one.status == "correct" for one in agreeing)
    return ("correct" if 2 * correct >= len(agreeing) else "wrong"), agreeing


def _of_most(said: Sequence[Transcription]) -> list[Transcription]:
    """Those whose text most have; all of them where nobody has one."""
    texts = [one.target_text for one in said if one.target_text is not None]
    if not texts:
        return list(said)
    chosen = squeezed(agreed_text(texts).text)
    return [one for one in said if one.target_text is not None and squeezed(one.target_text) == chosen]


def _left_out_reading(group: Sequence[Reading], looked: int, rules: Rules) -> LeftOut:
    share = len(group) / looked
    return LeftOut(
        label=group[0].said.label,
        what=f"transcription {group[0].said.uid}",
        workers=len(group),
        confidence=share,
        is_doubtful=share >= 1 - rules.min_agreement,
    )


def _with_own_ids(entities: Sequence[AgreedEntity]) -> list[AgreedEntity]:
    """The same; an id that was there before gets a number, since each person's page counts for itself."""
    taken: set[str] = set()
    result = []
    for entity in entities:
        uid, number = entity.uid, 1
        while uid in taken:
            number += 1
            uid = f"{entity.uid}-{number}"
        taken.add(uid)
        result.append(entity._replace(uid=uid))
    return result
