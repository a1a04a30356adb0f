"""The commands of `training/*.py`, as functions that tests can call; parses arguments, prints figures."""

import argparse
import json
import os
import platform
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tokenizers import Tokenizer

from recto.confidence import Calibration, parse_calibration
from recto.entities import extract, review_reasons
from recto.fields import FieldList
from recto.inference import WordClassifier
from recto.release import CALIBRATION, INDEX, MODEL, parse_release
from recto.results import DocumentResult, ReviewReason
from recto_training import calibrate as calibration
from recto_training import demo, export, real_ocr, score
from recto_training import examples as ex
from recto_training.corruption import corrupt_agreement
from recto_training.evaluation.confidence import confidence_figures
from recto_training.loop import RUN
from recto_training.recipes import FIRST_FAMILIES, RECIPES, Recipe
from recto_training.samples import SAMPLES, write_samples
from recto_training.synthetic.agreement import ALL_HELD_OUT, ALL_SEEN, ALL_TEST, Plan
from recto_training.synthetic.banks import Split
from recto_training.synthetic.families import UNSEEN_FAMILIES

CACHE = Path(".recto/training-ocr")
TOLD = ("data_sha256", "examples", "parameters", "seconds", "best")
"""What a release repeats of its run's record."""
PARITY = 2e-4
"""Largest difference of any probability between torch and the full-precision ONNX file."""
UNFAMILIAR = Plan(Split.SEEN, Split.HELD_OUT, Split.HELD_OUT)


class Part(NamedTuple):
    """A kind of documents that figures are given for."""

    plan: Plan
    seeds: str = "evaluation"
    families: tuple[str, ...] = ()
    """Some of the plan's layout families; all where empty."""


PARTS = {
    "unseen_layouts": Part(Plan(layout=Split.TEST), "second final", UNSEEN_FAMILIES),
    "seen": Part(ALL_SEEN, "final"),
    "test": Part(ALL_TEST, "second final", UNSEEN_FAMILIES),
    "column_heads": Part(Plan(layout=Split.TEST), "second final", ("column_heads",)),
    "familiar": Part(ALL_SEEN),
    "held_out": Part(ALL_HELD_OUT),
    "held_out_layouts": Part(Plan(layout=Split.HELD_OUT)),
    "held_out_names": Part(Plan(names=Split.HELD_OUT)),
    "held_out_wordings": Part(Plan(words=Split.HELD_OUT)),
}
"""The first four are for a finished release: layout families that neither training nor any choice has seen
(names and wordings familiar), familiar documents, everything absent at once, and a family of an earlier test
whose kind training has since got. The others are for choices; their families and seeds are different ones."""
MAIN_PARTS = ("unseen_layouts", "seen", "test", "column_heads")
NOISE = 0.05
"""Share of the characters that are corrupted after the OCR for the second figure of each part."""


def train(arguments: Sequence[str]) -> None:
    """Fit a recipe (or go on where a run stopped) and write its release."""
    parser = argparse.ArgumentParser(description=train.__doc__)
    parser.add_argument("recipe", choices=sorted(RECIPES))
    parser.add_argument("--run", type=Path, required=True, help="folder of the run; resumed if it exists")
    parser.add_argument("--release", type=Path, required=True, help="folder to write the release to")
    parser.add_argument("--eight-bit", action="store_true", help="quantise the weights")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    recipe = RECIPES[options.recipe]()
    demo.train(recipe, options.run, export.demo_fields().labels)
    release_run(recipe, options.run, options.release, eight_bit=options.eight_bit)
    print(f"trained and exported in {time.monotonic() - began:.0f} s")


def release_run(recipe: Recipe, run: Path, folder: Path, *, eight_bit: bool = False) -> None:
    """Export the best network of a run and compare the export with it."""
    network = demo.load_best(recipe, run)
    tokenizer = Tokenizer.from_file(str(run / demo.PLAIN))
    model = export.to_onnx(network)
    batch = parity_batch(recipe, tokenizer)
    difference = export.largest_difference(network, model, batch)
    if difference > PARITY:
        raise ValueError(f"ONNX differs from torch by {difference:.2g} in a probability; at most {PARITY}")
    shipped = export.quantise(model, run) if eight_bit else model
    record = json.loads((run / RUN).read_text())
    figures = {
        "training": {
            key: record[key] for key in ("data_sha256", "examples", "parameters", "seconds", "best")
        },
        "parity": {
            "onnx": difference,
            "shipped": export.largest_difference(network, shipped, batch),
            "precision": "int8 weights" if eight_bit else "float32",
        },
    }
    release = export.write_release(
        folder,
        recipe=recipe,
        model=shipped,
        tokenizer=demo.tolerant_tokenizer(recipe, run),
        figures=figures,
        name=recipe.name,
    )
    print(json.dumps(figures, indent=2))
    print(f"release {release.name}: {sum(f.stat().st_size for f in folder.iterdir()):,} bytes in {folder}")


def parity_batch(recipe: Recipe, tokenizer: Tokenizer) -> Any:
    """Windows of two validation documents."""
    encoder = ex.make_encoder(recipe, tokenizer)
    pages = ex.labelled_pages(ex.validation_seeds(recipe)[:2], recipe.noise, among=recipe.families)
    return encoder.collate([window for page in pages for window in encoder.encode(page.page)])


def calibrate(arguments: Sequence[str]) -> None:
    """Fit the confidence of a release on held-out documents through the real OCR; choose its threshold."""
    parser = argparse.ArgumentParser(description=calibrate.__doc__)
    parser.add_argument("release", type=Path)
    parser.add_argument("--documents", type=int, default=30, help="of each of the two kinds")
    parser.add_argument("--cache", type=Path, default=CACHE)
    options = parser.parse_args(arguments)
    classifier, fields, before = open_release(options.release)
    reads = []
    for plan in (ALL_SEEN, UNFAMILIAR):
        agreements = real_ocr.agreements_of("calibration", options.documents, plan, FIRST_FAMILIES)
        read = real_ocr.read_agreements(agreements, options.cache)
        reads += list(score.read_all(read, classifier, fields, before))
    rows = calibration.calibration_rows(reads, fields)
    fitted = calibration.fit_calibration(rows)
    again = list(score.read_all((read.source for read in reads), classifier, fields, fitted))
    judged = [one for read in again for one in score.judged_values(read, fields)]
    threshold = calibration.choose_threshold(judged)
    figures = {"documents": len(reads), "mentions": len(rows), "threshold": threshold}
    export.amend_release(
        options.release,
        {
            CALIBRATION: (fitted.model_dump_json(indent=2) + "\n").encode(),
            export.THRESHOLDS: (json.dumps({"default": threshold}, indent=2) + "\n").encode(),
        },
        {"calibration": {**figures, **confidence_figures(judged)}},
    )
    print(json.dumps({**figures, **confidence_figures(judged)}, indent=2))
    print(fitted.model_dump_json(indent=2))


def evaluate(arguments: Sequence[str]) -> None:
    """Figures on layouts absent from training, familiar ones and all absent, with and without corruption."""
    parser = argparse.ArgumentParser(description=evaluate.__doc__)
    parser.add_argument("release", type=Path)
    parser.add_argument("--documents", type=int, default=40, help="of each kind")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=MAIN_PARTS, help="kinds of documents")
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--results", type=Path, help="also write everything to this file")
    parser.add_argument("--amend", action="store_true", help="also write the main figures into release.json")
    options = parser.parse_args(arguments)
    report: dict[str, Any] = {}
    for name in options.parts:
        for key, part in figures_of_part(name, options.documents, options.release, options.cache):
            report[key] = part
            print_figures(key, part)
    if options.results:
        options.results.parent.mkdir(parents=True, exist_ok=True)
        record = {**provenance(arguments, options.release), "figures": report}
        options.results.write_text(json.dumps(record, indent=2) + "\n")
    if options.amend:
        main = ("documents", "pages", "entities", "runs", "fields", "confidence")
        short = {name: {key: part[key] for key in main} for name, part in report.items()}
        export.amend_release(options.release, {}, {"evaluation": short})


def figures_of_part(
    name: str, num_documents: int, release: Path, cache: Path
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The figures of a part as the OCR reads it, then with characters corrupted on top (`..._noise`)."""
    classifier, fields, calibrated = open_release(release)
    part = PARTS[name]
    agreements = real_ocr.agreements_of(part.seeds, num_documents, part.plan, part.families)
    clean = list(real_ocr.read_agreements(agreements, cache))
    corrupted = [corrupt_agreement(one, NOISE) for one in clean]
    for key, read in ((name, clean), (f"{name}_noise", corrupted)):
        yield key, score.figures(list(score.read_all(read, classifier, fields, calibrated)), fields)


def samples(arguments: Sequence[str]) -> None:
    """Write the sample agreements; with a release, say what becomes of each."""
    parser = argparse.ArgumentParser(description=samples.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--check", type=Path, metavar="RELEASE", help="read them with this release")
    options = parser.parse_args(arguments)
    write_samples(options.folder)
    if options.check:
        for file, result, reasons in check_samples(options.folder, options.check):
            print(f"{file}: confidence {result.confidence:.3f}, {len(reasons)} reasons for a review")
            for reason in reasons:
                print(f"    {reason.field or 'document'}: {reason.message}")


def check_samples(folder: Path, release: Path) -> Iterator[tuple[str, DocumentResult, list[ReviewReason]]]:
    """File, fields and reasons for a review of each sample, as the pipeline would find them."""
    classifier, fields, calibrated = open_release(release)
    threshold = json.loads((release / export.THRESHOLDS).read_text())["default"]
    for sample in SAMPLES:
        pages = real_ocr.read_file(folder / sample.file)
        result = extract(((page, classifier.predict(page)) for page in pages), fields, calibrated)
        yield sample.file, result, review_reasons(result, fields, {}, threshold)


def open_release(folder: Path) -> tuple[WordClassifier, FieldList, Calibration]:
    """Model, fields and calibration of a release folder."""
    fields = export.demo_fields()
    calibrated = parse_calibration((folder / CALIBRATION).read_bytes())
    return WordClassifier.load(folder, threads=2), fields, calibrated


def print_figures(name: str, part: dict[str, Any]) -> None:
    """The figures of one part, for a person."""
    noise = f", {NOISE:.0%} of characters corrupted" if name.endswith("_noise") else ""
    print(f"\n{name}: {part['documents']} documents, {part['pages']} pages, through OCR{noise}")
    for key in ("entities", "runs", "fields"):
        row = part[key]
        shown = "  ".join(f"{name} {row[name]:.3f}" for name in ("f1", "precision", "recall"))
        print(f"  {key:9} {shown}  ({row['true']} true)")
    print(f"  confidence {part['confidence']}")
    for key in ("entities_by_family", "entities_by_field"):
        print("  " + "; ".join(f"{label} {row['f1']:.2f}" for label, row in part[key].items()))


def cpu_model() -> str:
    """The processor's name, or its architecture where the system does not say."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.exists() else []
    named = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def provenance(arguments: Sequence[str], folder: Path) -> dict[str, Any]:
    """How the figures can be had again."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "command": "python training/evaluate.py " + " ".join(arguments),
        "commit": commit.stdout.strip(),
        "machine": f"{cpu_model()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "corruption": f"{NOISE:.0%} of characters after the OCR in `..._noise`: training/src/recto_training/"
        "corruption.py",
        "model_sha256": parse_release((folder / INDEX).read_bytes()).files[MODEL],
    }
