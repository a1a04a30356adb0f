#!/usr/bin/env python3
"""Do corrections teach? Receipts that the threshold sends to a person against as many drawn by chance.

    .venv-training/bin/python benchmarks/review_rounds.py --quick     (minutes, small network, says nothing)
    .venv-training/bin/python benchmarks/review_rounds.py             (20 minutes on 2 idle cores)

SROIE: 100 receipts test, the others come in one after the other. 50 are labelled at the start, 30 more are
labelled and never trained on: calibration and thresholds of every model come from these. When 100, 200 and
400 receipts are there, those that came in since are read by the model of the round before. In the arm
`review` a person sees what `recto.entities.review_reasons` sends, looks at the doubtful fields only, and
leaves the truth; that goes through the answer (`recto.review`) and the labels of `recto review export`
(`recto.review_labels`) into a manifest. In the arm `chance` as many receipts of the same ones are drawn, and
labelled whole with the places of the truth that are tuned for these receipts. Both train anew on all they
have, for the same number of steps from the same seed. Rounds that are there are not run again.
Result: results/review_rounds.json.
"""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from recording import print_table, write_result
from word_rows import sroie
from word_rows.rows import CACHE, NEVER
from word_rows.running import Read, official_score, part, read, train, write_predictions, write_truth

from recto.confidence import Calibration
from recto.document import PagePredictions
from recto.entities import extract, review_reasons, with_reasons
from recto.manifests import line_of as line_bytes
from recto.model_exchange import response_of
from recto.results import DocumentResult
from recto.review import PRESENT, VALUE, ReviewAnswer, apply_answers, parse_answer
from recto.review_labels import (
    Agreement,
    Labels,
    PlacesOfLine,
    Provenance,
    Reviewed,
    label_reviewed,
    line_of,
    with_own_ids,
)
from recto_training.caching import PageCache
from recto_training.calibrate import CalibrationDataError, calibrated_scores, find, knowing, known_values
from recto_training.corpus import LabelledDocument, ListCorpus
from recto_training.evaluation.thresholds import NOTHING_ACCEPTED, pooled, threshold_at, wilson
from recto_training.evaluation.truth import Match, key_of
from recto_training.manifests import manifest_corpus
from recto_training.ocr_folder import Mapped, OcrFolder
from recto_training.word_recipes import WordRecipe, scratch

NUM_FIRST, NUM_HELD_OUT = 50, 30
ROUNDS = (100, 200, 400)
TARGET = 0.95
STEPS_AT_LEAST, STEPS_PER_DOCUMENT = 250, 1.5
SEED = 1337
PREFIX = "s3://labelled-data/rounds"
FOLDER = CACHE / "review-rounds"
REVIEW, CHANCE = "review", "chance"
Documents = Mapping[str, LabelledDocument]


class Setting(NamedTuple):
    """What a run is: all that decides its figures."""

    folder: Path
    quick: bool
    threads: int

    def recipe(self, documents: int) -> WordRecipe:
        """So many steps for so many documents, whatever the arm."""
        steps = round(STEPS_AT_LEAST + STEPS_PER_DOCUMENT * documents)
        if self.quick:
            small = scratch()
            return replace(
                small, name="review-rounds", seed=SEED, threads=self.threads, learning_rate=1e-3,
                per_device_train_batch_size=4, max_steps=60, eval_strategy="steps", eval_steps=NEVER,
                early_stopping_patience=0, width=64, heads=4, layers=2, hidden=192, ema_decay=0.9,
            )  # fmt: skip
        return replace(
            sroie.recipe(), name="review-rounds", seed=SEED, threads=self.threads, max_steps=steps,
            per_device_train_batch_size=4, ema_decay=0.98,
        )  # fmt: skip


class Model(NamedTuple):
    """A trained model with its calibration and the one threshold for its values."""

    folder: Path
    calibration: Calibration
    threshold: float


# --- a model ------------------------------------------------------------------------------------------


def model_of(
    name: str, training: Sequence[LabelledDocument], held_out: Sequence[LabelledDocument], setting: Setting
) -> Model:
    """Trained on these, calibrated on others."""
    folder = setting.folder / name
    train(setting.recipe(len(training)), ListCorpus(training, sroie.FIELDS.labels), folder)
    known = known_values(training, sroie.FIELDS)
    found = [
        find(document, said, sroie.FIELDS, known)
        for document, said in read(folder, held_out, setting.threads)
    ]
    try:
        calibration, scores = calibrated_scores(found, sroie.FIELDS, Match.ALNUM)
    except CalibrationDataError:  # all wrong: nothing to tell apart, and all go to a person
        return Model(folder, knowing(Calibration.default(), known), NOTHING_ACCEPTED)
    values = pooled((score.id, one) for score in scores for one in score.judged)
    return Model(folder, knowing(calibration, known), threshold_at(values, TARGET))


def results_of(model: Model, readings: Sequence[Read]) -> Iterator[tuple[LabelledDocument, DocumentResult]]:
    """What the pipeline would report, with its reasons for a review."""
    for document, said in readings:
        pages = ((page.page, one) for page, one in zip(document.pages, said, strict=True))
        result = extract(pages, sroie.FIELDS, model.calibration)
        yield document, with_reasons(result, review_reasons(result, sroie.FIELDS, {}, model.threshold))


def figures_of(model: Model, test: Sequence[LabelledDocument], setting: Setting) -> dict[str, Any]:
    """F1 of all that is read, and what the threshold would send to a person."""
    found = list(results_of(model, read(model.folder, test, setting.threads)))
    truth, predictions = model.folder / "truth.jsonl", model.folder / "predictions.jsonl"
    write_truth(truth, test)
    write_predictions(predictions, ((one.id, result) for one, result in found), sroie.ROW)
    by_field, _ = official_score(truth, predictions, "alnum")
    doubtful = [_doubtful(result) for _, result in found]
    accepted = [
        _is_right(name, value.value, one)
        for (one, result), names in zip(found, doubtful, strict=True)
        for name, field in result.fields.items()
        if name not in names
        for value in field.found
    ]
    right = wilson(sum(accepted), len(accepted)) if accepted else None
    return {
        "f1": by_field["ALL"]["f1"],
        "by_field": {name: one["f1"] for name, one in by_field.items() if name != "ALL"},
        "threshold": round(model.threshold, 4),
        "documents_reviewed": round(sum(map(bool, doubtful)) / len(found), 4),
        "fields_reviewed": round(sum(map(len, doubtful)) / (len(found) * len(sroie.FIELDS)), 4),
        "accepted_right": right and round(right.share, 4),
        "accepted_right_low": right and round(right.low, 4),
    }


def _doubtful(result: DocumentResult) -> list[str]:
    return list(dict.fromkeys(one.field for one in result.review_reasons or () if one.field))


def _is_right(name: str, value: str, document: LabelledDocument) -> bool:
    field = sroie.FIELDS[name]
    keys = {key_of(text, field, Match.ALNUM) for text in document.values.get(name, ())}
    return key_of(value, field, Match.ALNUM) in keys


# --- a review -----------------------------------------------------------------------------------------


def reviewed(document: LabelledDocument, said: Sequence[PagePredictions], result: DocumentResult) -> Labels:
    """What the export makes of the document once a person has looked at its doubtful fields."""
    posted: dict[str, Any] = {}
    for name in _doubtful(result):
        truth = document.values.get(name, ())
        found = result.fields[name].found
        posted[f"{PRESENT}{name}"] = bool(truth)
        if truth and not (found and _is_right(name, found[0].value, document)):
            posted[f"{VALUE}{name}"] = truth[0]
    answer = ReviewAnswer("truth", parse_answer(posted, sroie.FIELDS), None)
    after = apply_answers(result, [answer], sroie.FIELDS)
    pages = [one.page for one in document.pages]
    return label_reviewed(Reviewed(result, after, pages, said), sroie.FIELDS)


def exported(reviews: Mapping[str, Labels], folder: Path) -> list[LabelledDocument]:
    """The reviewed receipts, written and read back as `recto review export` and `recto train` do."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "textract").mkdir(parents=True)
    now = datetime.now(UTC)
    with (folder / "output.manifest").open("wb") as manifest:
        for name, labels in reviews.items():
            ocr = f"textract/{name}.json"
            (folder / ocr).write_bytes(response_of(one.page for one in labels.pages))
            origin = Provenance(name, name, "rounds", 1, Agreement.SINGLE, blind=False, time=now)
            for number in range(len(labels.pages)):
                places = PlacesOfLine(f"{PREFIX}/{ocr}", f"{PREFIX}/{name}.jpg")
                manifest.write(line_bytes(line_of(labels, number, places, origin)))
    found = OcrFolder(PageCache(folder / "cache"), [Mapped(PREFIX, folder)])
    return list(manifest_corpus([folder / "output.manifest"], found, sroie.FIELDS))


# --- rounds -------------------------------------------------------------------------------------------


class Arm:
    """What one way of choosing has labelled so far, and its model."""

    def __init__(self, name: str, first: Sequence[LabelledDocument], model: Model) -> None:
        self.name = name
        self.first = list(first)
        self.model = model
        self.reviews: dict[str, Labels] = {}
        self.drawn: list[LabelledDocument] = []
        self.fields_seen = len(first) * len(sroie.FIELDS)

    def training(self, setting: Setting) -> list[LabelledDocument]:
        """All that is labelled by now."""
        more = exported(self.reviews, setting.folder / "exported") if self.reviews else []
        return [*self.first, *more, *self.drawn]

    def review(self, arrivals: Sequence[LabelledDocument], threads: int) -> int:
        """Read what came in, and let a person see what the threshold sends; how many those were."""
        readings = read(self.model.folder, arrivals, threads)
        before = len(self.reviews)
        for (document, said), (_, result) in zip(readings, results_of(self.model, readings), strict=True):
            if result.review_reasons:
                self.reviews[document.id] = reviewed(document, said, result)
                self.fields_seen += len(_doubtful(result))
        return len(self.reviews) - before

    def draw(self, arrivals: Sequence[LabelledDocument], count: int) -> None:
        """So many of what came in, by chance, labelled whole."""
        self.drawn += Random(SEED + len(self.drawn)).sample(list(arrivals), count)
        self.fields_seen += count * len(sroie.FIELDS)

    @property
    def not_placed(self) -> int:
        """Values of reviews that stand nowhere on their page, or in too many places."""
        return sum(len(labels.left_out) for labels in self.reviews.values())


def run(setting: Setting, rounds: Sequence[int], kept: Path) -> dict[str, Any]:
    """Every round of both arms; what is in `kept` is not trained again."""
    pool, held_out, test = _parts(setting)
    first, stream = pool[:NUM_FIRST], pool[NUM_FIRST:]
    known = json.loads(kept.read_text()) if kept.exists() else {}
    start, told = _round(f"start-{NUM_FIRST}", first, held_out, test, setting, known, kept)
    arms = {name: Arm(name, first, start) for name in (REVIEW, CHANCE)}
    rows: dict[str, Any] = {"start": {**told, "labelled": len(first), "fields_seen": NUM_FIRST * 4}}
    done = 0
    for there in rounds:
        arrivals = stream[done : there - NUM_FIRST - NUM_HELD_OUT]
        done += len(arrivals)
        count = arms[REVIEW].review(arrivals, setting.threads)
        arms[CHANCE].draw(arrivals, count)
        for name, arm in arms.items():
            training = arm.training(setting)
            arm.model, told = _round(f"{name}-{there}", training, held_out, test, setting, known, kept)
            rows[f"{name}-{there}"] = {
                **told, "arrived": len(arrivals), "sent": count, "labelled": len(training),
                "fields_seen": arm.fields_seen, "not_placed": arm.not_placed,
            }  # fmt: skip
            print(f"{name} at {there}: {rows[f'{name}-{there}']}", flush=True)
    return rows


def _parts(setting: Setting) -> tuple[list[LabelledDocument], ...]:
    """What comes in, what thresholds are chosen on, and the test receipts; every word with an id."""
    corpus = sroie.corpus()
    split = sroie.ROW.split(corpus)
    training = [_with_ids(one) for one in part(corpus, split.training).documents]
    by_id = {one.id: one for one in training}
    ordered = [by_id[name] for name in split.training]
    test = [_with_ids(one) for one in part(corpus, split.test).documents]
    held_out = ordered[NUM_FIRST : NUM_FIRST + NUM_HELD_OUT]
    others = [*ordered[:NUM_FIRST], *ordered[NUM_FIRST + NUM_HELD_OUT :]]
    return others, held_out, test[:20] if setting.quick else test


def _with_ids(document: LabelledDocument) -> LabelledDocument:
    pages = tuple(one._replace(page=with_own_ids(one.page)) for one in document.pages)
    return document._replace(pages=pages)


def _round(
    name: str, training: Sequence[LabelledDocument], held_out: Sequence[LabelledDocument],
    test: Sequence[LabelledDocument], setting: Setting, known: dict[str, Any], kept: Path,
) -> tuple[Model, dict[str, Any]]:  # fmt: skip
    """A model and its figures; those that an earlier run left, where they are of the same documents."""
    folder, ids = setting.folder / name, sorted(one.id for one in training)
    if name in known and known[name]["ids"] == ids and (folder / "model.safetensors").exists():
        one = known[name]
        return Model(folder, Calibration.model_validate(one["calibration"]), one["threshold"]), one["figures"]
    began, processor = time.monotonic(), time.process_time()
    model = model_of(name, training, held_out, setting)
    figures = {
        **figures_of(model, test, setting),
        "seconds": round(time.monotonic() - began, 1),
        "processor_seconds": round(time.process_time() - processor, 1),
    }
    known[name] = {
        "ids": ids, "calibration": model.calibration.model_dump(mode="json"),
        "threshold": model.threshold, "figures": figures,
    }  # fmt: skip
    kept.write_text(json.dumps(known))
    return model, figures


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a small network and few steps: does it run?")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--anew", action="store_true", help="forget the rounds of earlier runs")
    options = parser.parse_args()
    folder = FOLDER / ("quick" if options.quick else "whole")
    if options.anew:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    rounds = ROUNDS[:2] if options.quick else ROUNDS
    rows = run(Setting(folder, options.quick, options.threads), rounds, folder / "rounds.json")
    columns = ("labelled", "fields_seen", "f1", "documents_reviewed", "fields_reviewed", "accepted_right")
    print_table(
        f"field F1 (--match alnum) and what a threshold for {TARGET:.0%} right sends to a person",
        ("round", *columns),
        [[name, *(str(row[column]) for column in columns)] for name, row in rows.items()],
    )
    if not options.quick:
        command = f".venv-training/bin/python benchmarks/review_rounds.py {' '.join(sys.argv[1:])}".strip()
        write_result("review_rounds", command, {
            "what": __doc__.split("\n")[0], "first": NUM_FIRST, "held_out": NUM_HELD_OUT, "target": TARGET,
            "test": 100, "seed": SEED, "rounds": rows,
        })  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
