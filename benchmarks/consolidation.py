"""Several people's labels made into one: four figures, each against what most would do without it.

    .venv/bin/python benchmarks/consolidation.py            (a minute)
    .venv/bin/python benchmarks/consolidation.py --seeds 1  (a quick look)

boxes    the 1,108 boxes of the two real Ground Truth manifests; 5 simulated people, each of whom moves each
         edge by a normal error of 3 % of the box's side, misses 10 %, adds 5 %, mislabels 5 %. F1 at IoU 0.5
         with the class, against the boxes as they are in the manifests; beside it the first person alone.
         Also of two careful people and three careless ones, beside it a plain majority
speed    1,000 objects of 5 people with 30 boxes each, from the text of the answers to the text of the result:
         seconds (the least of three runs), and the most memory that a process of its own has held
spans    the entities of 200 real demand letters and the company, date, address and total of 500 receipts in
         their texts; 5 simulated people, each of whom puts each end off by 1 or 2 tokens with 15 %, takes a
         wrong class with 10 %, misses 5 %. F1 of exact spans with class; beside it the best person alone
birds    302 objects with 5 answers each of real people: right against the truth; beside it the service's own
         consolidation and a plain majority; also in requests of 10 and 50 objects, as the service sends them

The simulated errors are drawn from seeds and are independent of each other; real people's are not, so that
boxes and spans say what consolidation can do at best. Leaves benchmarks/results/consolidation.json; exit code
1 where a figure is missed.
"""

import argparse
import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

from recording import ROOT, peak_memory_mb, print_table, write_result

from recto.consolidation import Given, Label, LabelledObject, Result, Rules, consolidate

DATA = ROOT.parent / "shared" / "data"
PEOPLE = 5
END_OFF, WRONG_CLASS, SPAN_MISSED = 0.15, 0.10, 0.05
WANTED = {"boxes": 0.97, "spans": 0.95, "seconds": 10.0, "megabytes": 300.0}
OBJECTS, BOXES, REPEATS = 1000, 30, 3


class Drawn(NamedTuple):
    """A box in pixels."""

    label: str
    left: float
    top: float
    right: float
    bottom: float


class Errors(NamedTuple):
    """How a simulated person errs."""

    moved: float
    """Standard deviation of an edge, as a part of the box's side."""
    missed: float
    added: float
    mislabelled: float


ASKED = (Errors(0.03, 0.10, 0.05, 0.05),) * PEOPLE
UNEQUAL = (Errors(0.02, 0.05, 0.02, 0.02),) * 2 + (Errors(0.10, 0.50, 0.50, 0.40),) * 3
"""Two careful people and three who are not."""
MAJORITY = Rules(keep=0.0, min_share=0.5)


class PageTruth(NamedTuple):
    width: float
    height: float
    boxes: list[Drawn]


class TextTruth(NamedTuple):
    text: str
    spans: list[tuple[str, int, int]]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5, help="of each simulation")
    parser.add_argument("--speed-alone", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.speed_alone:
        print(json.dumps(speed()))
        return 0
    values = {
        "boxes": boxes(options.seeds),
        "speed": speed_in_a_process_of_its_own(),
        "spans": spans(options.seeds),
        "birds": birds(),
    }
    command = " ".join(["benchmarks/consolidation.py", *arguments])
    print(write_result("consolidation", command, values))
    return show(values)


def show(values: dict[str, Any]) -> int:
    box, span, bird, fast = (values[name] for name in ("boxes", "spans", "birds", "speed"))
    rows = [
        ["boxes, F1 (mean; least)", f"{box['f1']:.4f}; {box['least']:.4f}", WANTED["boxes"],
         f"first person alone {box['first']:.4f}"],
        ["boxes, 2 careful 3 careless", f"{box['two_careful_three_careless']['f1']:.4f}", "",
         f"plain majority {box['two_careful_three_careless']['majority']:.4f}"],
        ["text spans, F1 (mean; least)", f"{span['f1']:.4f}; {span['least']:.4f}", WANTED["spans"],
         f"best person alone {span['best_person']:.4f}"],
        ["birds, right of 302", bird["right"], bird["service"],
         f"majority {bird['majority']}; by 50: {bird['right_by_50']}, by 10: {bird['right_by_10']}"],
        ["seconds for 1,000 objects", f"{fast['seconds']:.2f}", WANTED["seconds"],
         f"processor {fast['processor_seconds']:.2f}"],
        ["most memory, MB", f"{fast['peak_mb']:.0f}", WANTED["megabytes"], ""],
    ]  # fmt: skip
    print_table("consolidation", ["what", "measured", "wanted", "beside it"], rows)
    fits = (
        box["least"] >= WANTED["boxes"]
        and span["least"] >= WANTED["spans"]
        and bird["right"] >= bird["service"]
        and fast["seconds"] <= WANTED["seconds"]
        and fast["peak_mb"] <= WANTED["megabytes"]
    )
    return 0 if fits else 1


# --- boxes ------------------------------------------------------------------------------------------


def boxes(seeds: int) -> dict[str, Any]:
    pages = list(real_pages())
    labels = tuple(sorted({box.label for page in pages for box in page.boxes}))
    rows = [boxes_of(seed, pages, labels, ASKED) for seed in range(seeds)]
    unequal = [boxes_of(seed, pages, labels, UNEQUAL) for seed in range(seeds)]
    f1 = [row["f1"] for row in rows]
    return {
        "pages": len(pages), "boxes": sum(len(page.boxes) for page in pages), "people": PEOPLE,
        "f1": mean(f1), "least": min(f1), "first": mean(row["first"] for row in rows), "seeds": rows,
        "two_careful_three_careless": {
            name: mean(row[name] for row in unequal) for name in ("f1", "majority", "first")
        },
    }  # fmt: skip


def boxes_of(
    seed: int, pages: Sequence[PageTruth], labels: tuple[str, ...], people: Sequence[Errors]
) -> dict[str, float]:
    chance = random.Random(seed)
    answers = [[person_draws(page, labels, who, chance) for who in people] for page in pages]
    objects = [
        LabelledObject(
            str(number), tuple(Given(f"p{who}", as_answer(page, one)) for who, one in enumerate(each))
        )
        for number, (page, each) in enumerate(zip(pages, answers, strict=True))
    ]
    label, truth = Label("label", labels), [page.boxes for page in pages]
    results, plain = (consolidate(objects, label, rules) for rules in (Rules(), MAJORITY))
    return {
        "f1": f1(truth, drawn_in(results), is_same_box),
        "majority": f1(truth, drawn_in(plain), is_same_box),
        "first": f1(truth, [each[0] for each in answers], is_same_box),
        "left_out": sum(len(one.content["label"]["consolidation"]["leftOut"]) for one in results),
        "adjudicate": sum(bool(one.content["label"]["consolidation"]["adjudicate"]) for one in results),
    }


def drawn_in(results: Sequence[Result]) -> list[list[Drawn]]:
    return [[drawn_of(one) for one in result.content["label"]["annotations"]] for result in results]


def real_pages() -> Iterator[PageTruth]:
    for number in (1, 2):
        path = DATA / "groundtruth" / "manifests" / f"ref-augmentation-{number}.output.manifest"
        for text in path.read_text().splitlines():
            line = json.loads(text)
            value, names = (
                line[f"augmentation-{number}"],
                line[f"augmentation-{number}-metadata"]["class-map"],
            )
            size = value["image_size"][0]
            drawn = [drawn_of({**one, "label": names[str(one["class_id"])]}) for one in value["annotations"]]
            yield PageTruth(size["width"], size["height"], drawn)


def drawn_of(one: dict[str, Any]) -> Drawn:
    left, top = one["left"], one["top"]
    return Drawn(one["label"], left, top, left + one["width"], top + one["height"])


def person_draws(page: PageTruth, labels: Sequence[str], who: Errors, chance: random.Random) -> list[Drawn]:
    drawn = [
        inaccurate(box, page, labels, who, chance) for box in page.boxes if chance.random() >= who.missed
    ]
    drawn += [somewhere(box, page, labels, chance) for box in page.boxes if chance.random() < who.added]
    chance.shuffle(drawn)
    return drawn


def inaccurate(
    box: Drawn, page: PageTruth, labels: Sequence[str], who: Errors, chance: random.Random
) -> Drawn:
    width, height = box.right - box.left, box.bottom - box.top
    label = box.label
    if chance.random() < who.mislabelled:
        label = chance.choice([one for one in labels if one != label])
    return Drawn(
        label,
        max(0.0, box.left + chance.gauss(0, who.moved) * width),
        max(0.0, box.top + chance.gauss(0, who.moved) * height),
        min(page.width, box.right + chance.gauss(0, who.moved) * width),
        min(page.height, box.bottom + chance.gauss(0, who.moved) * height),
    )


def somewhere(box: Drawn, page: PageTruth, labels: Sequence[str], chance: random.Random) -> Drawn:
    """A box of this one's size where none is meant to be."""
    width, height = box.right - box.left, box.bottom - box.top
    left, top = chance.uniform(0, page.width - width), chance.uniform(0, page.height - height)
    return Drawn(chance.choice(labels), left, top, left + width, top + height)


def as_answer(page: PageTruth, drawn: Sequence[Drawn]) -> str:
    listed = [
        {"label": one.label, "left": one.left, "top": one.top, "width": one.right - one.left,
         "height": one.bottom - one.top}
        for one in drawn
    ]  # fmt: skip
    size = {"width": page.width, "height": page.height}
    return json.dumps({"boxtool": {"boundingBoxes": listed, "inputImageProperties": size}})


def is_same_box(one: Drawn, other: Drawn) -> float:
    """Intersection over union of boxes of one class, 0 below one half."""
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    if one.label != other.label or width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    areas = sum((box.right - box.left) * (box.bottom - box.top) for box in (one, other))
    share = shared / (areas - shared)
    return share if share >= 0.5 else 0.0


def f1(
    truth: Sequence[Sequence[Any]], found: Sequence[Sequence[Any]], is_same: Callable[[Any, Any], float]
) -> float:
    """Over all objects; each true thing is found once at most, by the one that fits best."""
    hits = 0
    for true, seen in zip(truth, found, strict=True):
        pairs = sorted(
            ((fit, a, b) for a, one in enumerate(true) for b, other in enumerate(seen)
             if (fit := is_same(one, other))), reverse=True,
        )  # fmt: skip
        taken: set[tuple[str, int]] = set()
        for _, a, b in pairs:
            if not taken & {("true", a), ("seen", b)}:
                taken |= {("true", a), ("seen", b)}
                hits += 1
    return 2 * hits / (sum(map(len, truth)) + sum(map(len, found)))


# --- speed ------------------------------------------------------------------------------------------


def speed_in_a_process_of_its_own() -> dict[str, float]:
    command = [sys.executable, __file__, "--speed-alone"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def speed() -> dict[str, float]:
    """Of 1,000 objects, out of the text of their request and into the text of the answer."""
    chance = random.Random(0)
    labels = tuple(f"class {number}" for number in range(19))
    page = PageTruth(2550, 3301, [])
    objects = []
    for number in range(OBJECTS):
        drawn = [
            somewhere(Drawn("", 0, 0, 400, 50), page, labels, chance) for _ in range(round(BOXES / 0.95))
        ]
        of_page = PageTruth(page.width, page.height, drawn)
        answers = [as_answer(page, person_draws(of_page, labels, who, chance)) for who in ASKED]
        objects.append(
            LabelledObject(str(number), tuple(Given(f"p{who}", one) for who, one in enumerate(answers)))
        )
    count = sum(one.content.count('"left"') for each in objects for one in each.given)  # type: ignore[union-attr]
    seconds, processor = [], []
    for _ in range(REPEATS):
        began, worked = time.perf_counter(), time.process_time()
        results = consolidate(objects, Label("label", labels), Rules())
        json.dumps([one.content for one in results])
        seconds.append(time.perf_counter() - began)
        processor.append(time.process_time() - worked)
    return {
        "objects": len(objects), "people": PEOPLE, "boxes": count, "repeats": REPEATS,
        "seconds": min(seconds), "processor_seconds": min(processor), "peak_mb": peak_memory_mb(),
    }  # fmt: skip


# --- spans ------------------------------------------------------------------------------------------


def spans(seeds: int) -> dict[str, Any]:
    texts = [*letters(), *receipts()]
    labels = tuple(sorted({label for text in texts for label, _, _ in text.spans}))
    rows = [spans_of(seed, texts, labels) for seed in range(seeds)]
    f1_ = [row["f1"] for row in rows]
    return {
        "texts": len(texts), "spans": sum(len(text.spans) for text in texts), "people": PEOPLE,
        "f1": mean(f1_), "least": min(f1_), "best_person": mean(row["best_person"] for row in rows),
        "seeds": rows,
    }  # fmt: skip


def spans_of(seed: int, texts: Sequence[TextTruth], labels: tuple[str, ...]) -> dict[str, float]:
    chance = random.Random(seed)
    answers = [[person_marks(text, labels, chance) for _ in range(PEOPLE)] for text in texts]
    objects = [
        LabelledObject(
            str(number), tuple(Given(f"p{who}", as_form(one)) for who, one in enumerate(each)), text.text
        )
        for number, (text, each) in enumerate(zip(texts, answers, strict=True))
    ]
    results = consolidate(objects, Label("label", labels), Rules())
    found = [
        [(one["label"], one["startOffset"], one["endOffset"])
         for one in result.content["label"]["annotations"]["entities"]]
        for result in results
    ]  # fmt: skip
    truth = [text.spans for text in texts]
    alone = [f1(truth, [each[who] for each in answers], lambda a, b: float(a == b)) for who in range(PEOPLE)]
    return {"f1": f1(truth, found, lambda a, b: float(a == b)), "best_person": max(alone)}


def person_marks(text: TextTruth, labels: Sequence[str], chance: random.Random) -> list[tuple[str, int, int]]:
    words = word_places(text.text)
    starts, ends = [start for start, _ in words], [end for _, end in words]
    marked = []
    for label, start, end in text.spans:
        if chance.random() < SPAN_MISSED:
            continue
        if chance.random() < WRONG_CLASS:
            label = chance.choice([one for one in labels if one != label])  # noqa: PLW2901
        ends_moved = [moved(starts.index(start), chance), moved(ends.index(end), chance)]
        first, last = sorted(min(max(0, one), len(words) - 1) for one in ends_moved)  # nobody marks nothing
        marked.append((label, starts[first], ends[last]))
    return marked


def moved(index: int, chance: random.Random) -> int:
    return index + chance.choice([-2, -1, 1, 2]) if chance.random() < END_OFF else index


def word_places(text: str) -> list[tuple[int, int]]:
    places, position = [], 0
    for word in text.split():
        start = text.index(word, position)
        position = start + len(word)
        places.append((start, position))
    return places


def as_form(marked: Sequence[tuple[str, int, int]]) -> dict[str, Any]:
    listed = [{"label": label, "startOffset": start, "endOffset": end} for label, start, end in marked]
    return {"ner": {"entities": listed}}


def letters() -> Iterator[TextTruth]:
    """Each annotated page as the text of its words, entities by the runs of their words."""
    for path in sorted((DATA / "legal-letters" / "annotations").glob("*.json")):
        content = json.loads(path.read_text())
        words = [one for one in content["Blocks"] if one["BlockType"] == "WORD"]
        text = " ".join(one["Text"].replace(" ", "") for one in words)
        place_of = dict(zip((one["Id"] for one in words), word_places(text), strict=True))
        order = {one["Id"]: number for number, one in enumerate(words)}
        found = []
        for entity in content["Entities"]:
            ids = sorted(
                (
                    child["ChildBlockId"]
                    for part in entity["BlockReferences"]
                    for child in part["ChildBlocks"]
                ),
                key=lambda one: order.get(one, -1),
            )
            numbers = [order.get(one, -1) for one in ids]
            if numbers and numbers == list(range(numbers[0], numbers[0] + len(numbers))) and numbers[0] >= 0:
                found.append((entity["Type"], place_of[ids[0]][0], place_of[ids[-1]][1]))
        yield TextTruth(text, sorted(set(found), key=lambda one: one[1:]))


def receipts() -> Iterator[TextTruth]:
    """Each receipt's lines as a text, with the first place of each true value that stands there in words."""
    for text in (DATA / "sroie" / "truth.jsonl").read_text().splitlines():
        line = json.loads(text)
        lines = json.loads((DATA / "sroie" / "box" / f"{line['id']}.json").read_text())
        whole = " ".join(word for one in lines["lines"] for word in str(one["text"]).split())
        places = word_places(whole)
        starts, ends = {start for start, _ in places}, {end for _, end in places}
        found = []
        for field, value in ((field, str(one)) for field, each in line["fields"].items() for one in each):
            start = whole.find(value)
            if start in starts and start + len(value) in ends:
                found.append((field, start, start + len(value)))
        yield TextTruth(whole, found)


# --- birds ------------------------------------------------------------------------------------------


def birds() -> dict[str, Any]:
    folder = DATA / "groundtruth" / "worker-responses" / "birds-5workers"
    truth = {one["ImageId"]: one["Label"] for one in json.loads((folder / "true_labels.json").read_text())}
    lines = [json.loads(text) for text in (folder / "output.manifest").read_text().splitlines()]
    right = [truth[Path(line["source-ref"]).stem] for line in lines]
    service = [line["birds-open-images-clone-metadata"]["class-name"] for line in lines]
    answers: dict[int, list[Given]] = {}
    for path in sorted((folder / "worker-response").glob("*/*/*.json")):
        given = [
            Given(one["workerId"], one["answerContent"]) for one in json.loads(path.read_text())["answers"]
        ]
        answers.setdefault(int(path.parent.name), []).extend(given)
    objects = [LabelledObject(str(number), tuple(answers[number])) for number in range(len(lines))]
    plain = [Counter(label_of(one) for one in each.given).most_common(1)[0][0] for each in objects]

    def count(labels: Sequence[str]) -> int:
        return sum(one == true for one, true in zip(labels, right, strict=True))

    def in_requests_of(size: int) -> int:
        found: list[str] = []
        for start in range(0, len(objects), size):
            results = consolidate(objects[start : start + size], Label("birds", None), Rules())
            found += [one.content["birds"] for one in results]
        return count(found)

    return {
        "objects": len(objects), "answers": sum(len(one.given) for one in objects),
        "people": len({one.worker for each in objects for one in each.given}),
        "right": in_requests_of(len(objects)), "right_by_50": in_requests_of(50),
        "right_by_10": in_requests_of(10), "service": count(service), "majority": count(plain),
    }  # fmt: skip


def label_of(given: Given) -> str:
    return str(given.content["crowd-image-classifier"]["label"])  # type: ignore[index,call-overload]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
