"""`recto evaluate`: how good a model or a release is on labelled documents, and where it goes wrong.

    recto evaluate runs/first test.manifest --textract ocr --report report.html
    recto evaluate runs/first --data boxes --truth test.jsonl --fields fields.json --match alnum
    recto evaluate local/releases/mine test.manifest --held-out 0.1       (only what training held out)

Prints the figures of fields, entities and words; writes everything to metrics.json and, with --report,
a page to open in a browser. Evaluate on documents that training did not see.
"""

import json
import math
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from recto_training.corpus import Corpus, fair_part, split_corpus
from recto_training.evaluation.curves import CURVE, curve_plot, read_curve
from recto_training.evaluation.evaluation import WORST, Evaluation, Rules, evaluate
from recto_training.evaluation.report import render_report
from recto_training.evaluation.subject import Subject, check_labels, open_subject, predict_and_count
from recto_training.evaluation.truth import Match
from recto_training.faults import DataError
from recto_training.sources import add_data_arguments, open_corpus, open_fields

SEED = 1337
"""Of the split that `recto train` makes."""


def main(arguments: Sequence[str]) -> int:
    """Evaluate; 0 when the figures are written."""
    options = _parser().parse_args(arguments)
    subject, corpus = open_model_and_data(options)
    counted = predict_and_count(subject, corpus)
    rules = Rules(subject.model.labels, subject.fields, subject.calibration, options.match)
    evaluation = evaluate(counted.predicted, rules, options.worst)
    reference = counted.focus[0].figures() if counted.focus else {}
    figures = {"model": subject.folder.name, **evaluation.figures(), "reference": numbers(reference)}
    print("\n".join(lines_of(figures)))
    for remark in subject.remarks:
        print(remark)
    options.metrics.parent.mkdir(parents=True, exist_ok=True)
    options.metrics.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(f"all figures: {options.metrics}")
    if options.report:
        write_report(options.report, evaluation, subject, reference, options.curve)
        print(f"report: {options.report}")
    return 0


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        "recto evaluate", description=__doc__, formatter_class=RawDescriptionHelpFormatter
    )
    add_model_arguments(parser)
    parser.add_argument("--report", type=Path, help="write a page with plots and the worst documents here")
    parser.add_argument("--metrics", type=Path, default=Path("metrics.json"), help="(metrics.json)")
    parser.add_argument("--worst", type=int, default=WORST, help=f"documents to draw in the report ({WORST})")
    parser.add_argument("--curve", type=Path, help=f"a {CURVE} of `recto learning-curve`, for the report")
    return parser


def add_model_arguments(parser: ArgumentParser) -> None:
    """The model, the labelled documents, and when values are the same."""
    parser.add_argument("model", type=Path, help="folder of a trained model or of a release")
    parser.add_argument("manifests", nargs="*", type=Path, help="labelled documents; the same as --data")
    add_data_arguments(parser, required=False)
    parser.add_argument(
        "--match",
        type=Match,
        choices=list(Match),
        default=Match.NORMAL,
        help="when values are equal (normal)",
    )
    parser.add_argument(
        "--held-out", type=float, default=0.0, metavar="SHARE",
        help="only this share of the documents, drawn as `recto train --validation_share` draws it",
    )  # fmt: skip
    parser.add_argument("--data-seed", type=int, default=SEED, help=f"of that draw ({SEED})")


def open_model_and_data(options: Namespace) -> tuple[Subject, Corpus]:
    """Both, found to go together before anything is predicted."""
    options.data = [*options.manifests, *(options.data or [])]
    if not options.data:
        raise DataError("no labelled documents: name manifests after the model, or a folder with --data")
    subject = open_subject(options.model, open_fields(options.fields) if options.fields else None)
    if options.fields is None and (options.model / "fields.json").is_file():
        options.fields = options.model / "fields.json"
    whole = open_corpus(options)
    check_labels(subject, whole.labels)
    corpus = fair_part(whole)
    if len(corpus) < len(whole):
        left = len(whole) - len(corpus)
        print(
            f"{left} of {len(whole)} documents are left out: their labels began with a model's own values "
            "(--allow-prefilled takes them in)"
        )
    if options.held_out:
        _, corpus = split_corpus(corpus, options.held_out, options.data_seed)
    if not len(corpus):
        raise DataError("no documents to look at: the data is empty")
    return subject, corpus


def lines_of(figures: Mapping[str, Any]) -> Iterable[str]:
    """The figures that matter first, for a terminal."""
    yield f"{figures['documents']} documents, {figures['pages']} pages"
    tables = [("entity", figures["entities"], "by_class"), ("word", figures["words"], "by_class")]
    if "fields" in figures:
        tables.insert(0, (f"field (--match {figures['fields']['match']})", figures["fields"], "by_field"))
    for title, found, rows in tables:
        width = max(len(title), 10, *(len(name) for name in found[rows]))
        yield f"\n{title:{width}}  precision   recall       F1    true"
        for name, row in [*found[rows].items(), ("all", found["all"])]:
            shown = f"{row['precision']:9.4f} {row['recall']:8.4f} {row['f1']:8.4f} {row['true']:7d}"
            yield f"{name:{width}}  {shown}"
    if "confidence" in figures:
        said = figures["confidence"]
        order = "all right or all wrong" if said["auroc"] is None else f"AUROC {said['auroc']:.3f}"
        yield f"\nconfidence of {said['values']} values: {order}, ECE {said['ece']:.3f}"
    if reference := figures.get("reference"):
        told = (f"{name} {'none' if value is None else round(value, 4)}" for name, value in reference.items())
        yield f"over windows: {', '.join(told)}"


def numbers(reference: Mapping[str, float]) -> dict[str, float | None]:
    """The reference's figures as JSON can say them: none for one that is not defined."""
    return {name: None if math.isnan(value) else value for name, value in reference.items()}


def write_report(
    path: Path, evaluation: Evaluation, subject: Subject, reference: Mapping[str, float], curve: Path | None
) -> None:
    """The page for a browser."""
    page = render_report(
        evaluation,
        title=f"How good is {subject.folder.name}?",
        about=f"Model {subject.model.name}; labels: {', '.join(subject.model.labels[:-1])}.",
        warnings=subject.remarks,
        reference=reference,
        curve=curve_plot(read_curve(curve)) if curve else None,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
