"""SROIE from the photos: our own OCR, our own word model; the ceiling is what the OCR leaves to be found.

    .venv-training/bin/python benchmarks/receipts_from_photos.py --ceiling     only the OCR, against Tesseract
    .venv-training/bin/python benchmarks/receipts_from_photos.py               the figure
    .venv-training/bin/python benchmarks/receipts_from_photos.py --model .recto/benchmarks/sroie
    .venv-training/bin/python benchmarks/receipts_from_photos.py --folds .recto/benchmarks/sroie-folds

The model learns from the words given with the 300 receipts that have no photo, is shown the words that the
OCR has read in the 200 photos, and is scored on their fields (`--match alnum`). With `--model`, a model of
the row `sroie` is taken as it lies and scored on those photos alone that are in that row's test part; with
`--folds`, each photo is read by the model of the five folds that never saw its receipt. The ceiling is the
share of true values whose letters and digits occur in the page's words in reading order.

About 10 minutes of OCR on two cores the first time (kept in `.recto/benchmarks/ocr`), 15 of training.
"""

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ocr_pages import PHOTOS, read_document
from recording import print_table, write_result
from word_rows import running
from word_rows.folds import COUNT, parts_of_fold
from word_rows.rows import CACHE, SEED
from word_rows.sroie import ROW

from recto.document import Page
from recto.reading_order import reading_order
from recto_ocr.engines import DEFAULT_ENGINE
from recto_training.corpus import IGNORED, Corpus, LabelledDocument, LabelledPage, document_ids
from recto_training.models import load_model

TO_REACH = 0.85
"""Of the ceiling, by the word model."""
ONE_TESSERACT, SIX_TESSERACTS = 0.635, 0.715
"""Ceilings known before: one plain setting, the union of six."""
NOT_ALNUM = re.compile(r"[^0-9A-Z\u00c0-\uffff]")
"""What the scorer's rule `alnum` takes away from capitals."""


PLACE = CACHE / "receipts-from-photos"


class Reader(NamedTuple):
    """A model folder and the photos that it is to read."""

    model: Path
    photos: list[str]


class Ceiling(NamedTuple):
    """How many of the true values occur in what was read, for ALL and each field."""

    found: dict[str, int]
    true: dict[str, int]

    def shares(self) -> dict[str, float]:
        return {name: round(self.found[name] / count, 4) for name, count in self.true.items()}


def main(arguments: Sequence[str]) -> int:
    """Print the ceiling, and the figure where it is asked for; 1 where what is to be reached was not."""
    options = _options(arguments)
    corpus = ROW.corpus()
    photos = {path.stem for path in PHOTOS.glob("*.jpg")}
    readers = _readers(options, corpus, photos)
    scored = sorted(name for one in readers for name in one.photos)
    documents = [as_read(one, options.engine) for one in running.part(corpus, scored).documents]
    ceiling = ceiling_of(documents).shares()
    figures: dict[str, Any] = {"engine": options.engine, "photos": len(documents), "ceiling": ceiling}
    print_ceiling(ceiling, figures, documents)
    if options.ceiling:
        write_result("receipts_photos_ocr", _command(arguments), figures)
        return 0
    if not (options.model or options.folds):
        figures |= _train(options, running.part(corpus, sorted(set(document_ids(corpus)) - photos)))
    figures |= score(readers, documents, options.threads)
    most = ceiling["ALL"]
    figures["share_of_ceiling"] = share = round(figures["f1"] / most, 4)
    print("\n".join(figures["scorer"]))
    print(f"field F1 {figures['f1']:.4f} is {share:.3f} of the ceiling {most:.4f}; expected {TO_REACH}")
    write_result("receipts_from_photos", _command(arguments), figures)
    return 0 if share >= TO_REACH else 1


def _readers(options: argparse.Namespace, corpus: Corpus, photos: set[str]) -> list[Reader]:
    """The models, each with photos of receipts that it did not learn from."""
    if options.folds:
        parts = [sorted(photos & set(parts_of_fold(corpus, fold).test)) for fold in range(COUNT)]
        return [Reader(options.folds / f"model-{SEED}-{fold}", part) for fold, part in enumerate(parts)]
    if options.model:
        return [Reader(options.model, sorted(photos & set(ROW.split(corpus).test)))]
    return [Reader(PLACE, sorted(photos))]


def _train(options: argparse.Namespace, training: Corpus) -> dict[str, Any]:
    recipe = running.changed(ROW.recipe(), [f"threads={options.threads}", *options.set])
    trained = running.train(recipe, training, PLACE)
    return {"training_documents": len(training), "training_seconds": round(trained.seconds, 1)}


def as_read(document: LabelledDocument, engine: str) -> LabelledDocument:
    """The receipt with the words of its photo in place of those given; nothing of it is labelled."""
    pages = read_document(PHOTOS / f"{document.id}.jpg", engine)
    labelled = tuple(LabelledPage(page, (IGNORED,) * len(page.words)) for page in pages)
    return document._replace(pages=labelled)


def ceiling_of(documents: Iterable[LabelledDocument]) -> Ceiling:
    found, true = {"ALL": 0}, {"ALL": 0}
    for document in documents:
        text = "".join(text_of(one.page) for one in document.pages)
        for name, values in document.values.items():
            for value in values:
                for key in (name, "ALL"):
                    true[key] = true.get(key, 0) + 1
                    found[key] = found.get(key, 0) + (letters(value) in text)
    return Ceiling(found, true)


def text_of(page: Page) -> str:
    """Letters and digits of a page's words, in reading order."""
    return letters("".join(page.words[index].text for index in reading_order(page.words).words()))


def letters(text: str) -> str:
    return NOT_ALNUM.sub("", text.upper())


def score(readers: Sequence[Reader], documents: Sequence[LabelledDocument], threads: int) -> dict[str, Any]:
    """Field F1 over these documents, by the row's own assembly and the official scorer."""
    readings: list[running.Read] = []
    for model, photos in readers:
        readings += said_of(model, [one for one in documents if one.id in set(photos)], threads)
    PLACE.mkdir(parents=True, exist_ok=True)
    f1, details = running.score(ROW, readings, (), PLACE)
    return {"f1": f1, **details}


def said_of(folder: Path, documents: Sequence[LabelledDocument], threads: int) -> list[running.Read]:
    """What the model of a folder says of each page; the folder stays as it is."""
    model = load_model(folder, threads=threads)
    verdicts = model.verdicts((one.page, None) for document in documents for one in document.pages)
    rest = iter(verdicts)
    return [(document, tuple(next(rest).predictions for _ in document.pages)) for document in documents]


def print_ceiling(
    ceiling: dict[str, float], figures: dict[str, Any], documents: Sequence[LabelledDocument]
) -> None:
    """Beside that of Tesseract alone over the same photos, where the engine is another."""
    rows = [(figures["engine"], *ceiling.values())]
    if figures["engine"] != "tesseract":
        plain = ceiling_of(as_read(one, "tesseract") for one in documents).shares()
        figures["ceiling_of_tesseract"] = plain
        rows.append(("tesseract", *(plain[name] for name in ceiling)))
    print_table(f"True values that occur in what was read in {len(documents)} photos", ("", *ceiling), rows)
    print(
        f"named by the task: {ONE_TESSERACT} with one Tesseract setting, {SIX_TESSERACTS} over six together"
    )


def _command(arguments: Sequence[str]) -> str:
    return f".venv-training/bin/python benchmarks/receipts_from_photos.py {' '.join(arguments)}".strip()


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ceiling", action="store_true", help="read the photos, train nothing")
    parser.add_argument("--model", type=Path, help="a model folder of the row sroie; default: train one")
    parser.add_argument("--folds", type=Path, help="the folder of the row's five folds, models included")
    parser.add_argument("--engine", default=DEFAULT_ENGINE)
    parser.add_argument("--threads", type=int, default=0, help="of torch; 0 is one per core")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="of the recipe")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
