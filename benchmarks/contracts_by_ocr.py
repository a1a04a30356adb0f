"""Kleister's contracts by real OCR beside the PDFs' own text: 20 of the test part, one model, both readings.

    .venv-training/bin/python benchmarks/contracts_by_ocr.py --documents 3
    .venv-training/bin/python benchmarks/contracts_by_ocr.py

Needs a model of the row `kleister` (`benchmarks/word_model.py kleister` leaves it in `.recto/benchmarks/`).
Pages are drawn at 200 dpi and read as the local pipeline reads them; readings are kept.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ocr_pages import DATA, read_document
from receipts_from_photos import said_of
from recording import print_table, write_result
from word_rows import running
from word_rows.kleister import ROW
from word_rows.rows import CACHE

from recto_ocr.engines import DEFAULT_ENGINE
from recto_training.corpus import IGNORED, LabelledDocument, LabelledPage

CONTRACTS = DATA / "kleister-nda" / "documents"
NUM_CONTRACTS = 20


def main(arguments: Sequence[str]) -> int:
    """Fields by either reading, and how many of the text layer's words the OCR has read."""
    options = _options(arguments)
    corpus = ROW.corpus()
    test = sorted(ROW.split(corpus).test)[: options.documents]
    given = running.part(corpus, test).documents
    read = [as_read(one, options.engine) for one in given]
    figures = {"documents": len(given), "engine": options.engine, "word_recall": word_recall(given, read)}
    for name, documents in (("text_layer", given), ("ocr", read)):
        place = CACHE / "contracts-by-ocr" / name
        place.mkdir(parents=True, exist_ok=True)
        readings = said_of(options.model, documents, options.threads)
        figures[name], _ = running.score(ROW, readings, corpus.labels, place)
    rows = [(name, f"{figures[name]:.4f}") for name in ("text_layer", "ocr")]
    print_table(f"Field F1 of {len(given)} contracts", ("words from", "F1"), rows)
    print(f"words of the text layer that were read: {figures['word_recall']:.4f}")
    write_result("contracts_by_ocr", f".venv-training/bin/python {' '.join(sys.argv)}", figures)
    return 0


def as_read(document: LabelledDocument, engine: str) -> LabelledDocument:
    """The contract with the OCR's words in place of its text layer; nothing of it is labelled."""
    pages = read_document(CONTRACTS / f"{Path(document.id).stem}.pdf", engine)
    return document._replace(pages=tuple(LabelledPage(page, (IGNORED,) * len(page.words)) for page in pages))


def word_recall(given: Sequence[LabelledDocument], read: Sequence[LabelledDocument]) -> float:
    """Share of the given words, as kinds by document, that the OCR has read as well."""
    found = true = 0
    for one, again in zip(given, read, strict=True):
        words, seen = kinds_of(one), kinds_of(again)
        found, true = found + len(words & seen), true + len(words)
    return round(found / true, 4)


def kinds_of(document: LabelledDocument) -> set[str]:
    return {word.text for labelled in document.pages for word in labelled.page.words}


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, default=CACHE / "kleister")
    parser.add_argument("--documents", type=int, default=NUM_CONTRACTS)
    parser.add_argument("--engine", default=DEFAULT_ENGINE)
    parser.add_argument("--threads", type=int, default=0, help="of torch; 0 is one per core")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
