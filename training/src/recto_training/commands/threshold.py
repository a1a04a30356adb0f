"""`recto threshold`: from which confidence on nobody needs to look, and what that costs.

    recto threshold runs/first held-out.manifest --textract ocr
    recto threshold local/releases/mine held-out.manifest --textract ocr --target 0.97 --write

Fits what a confidence means on labelled documents that training did not see, then says for each field, for
all values together and for whole documents: to be right in 95, 97 or 99 % of what is accepted, review this
share. Every figure comes from documents that its own calibration has not seen. With --write the calibration
and the thresholds for --target are put beside the model, or into the release. A field's own ReviewThreshold
stays above them.
"""

import json
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from recto.confidence import Calibration, dump_calibration
from recto.fields import FieldList
from recto.release import CALIBRATION, INDEX
from recto.release_contents import THRESHOLDS, Thresholds, dump_thresholds
from recto_training.calibrate import Known, calibrated_scores, find, knowing, known_values
from recto_training.commands.evaluate import add_model_arguments, open_model_and_data
from recto_training.corpus import Corpus, document_ids
from recto_training.evaluation.confidence import confidence_figures
from recto_training.evaluation.fields import DocumentScore
from recto_training.evaluation.subject import predict_documents
from recto_training.evaluation.thresholds import (
    TARGETS,
    WHOLE_DOCUMENT,
    Choice,
    Margin,
    candidates_by_field,
    choose,
    passing_documents,
    pooled,
    threshold_at,
    whole_documents,
    wilson,
)
from recto_training.export import amend_release
from recto_training.faults import DataError
from recto_training.sources import open_corpus

ALL_VALUES = "(all values)"
DIGITS = 4
"""Of a threshold that is written: rounded up, so that nothing more is accepted."""


def main(arguments: Sequence[str]) -> int:
    """Fit, choose, tell; 0 when all is told and, with --write, written."""
    options = _parser().parse_args(arguments)
    subject, corpus = open_model_and_data(options)
    if subject.fields is None:
        raise DataError(
            "thresholds are of fields: the model's labels are none, name a field list with --fields"
        )
    known = known_of(options, corpus, subject.fields) or Known.of(subject.calibration)
    found = [
        find(document, said, subject.fields, known) for document, said in predict_documents(subject, corpus)
    ]
    kept = subject.calibration if options.keep_calibration else None
    calibration, scores = calibrated_scores(found, subject.fields, options.match, kept)
    choices = list(all_choices(scores, subject.fields, options.targets))
    told = record_of(scores, choices, subject.fields, options)
    print("\n".join(lines_of(choices, scores, subject.fields, options)))
    if options.output:
        options.output.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    if options.write:
        thresholds = thresholds_for(scores, subject.fields, options.target, together=options.together)
        write(options.model, knowing(calibration, known), thresholds, told)
        print(f"written into {options.model}: {CALIBRATION}, {THRESHOLDS} for {options.target:.0%} right")
    return 0


def known_of(options: Namespace, held_out: Corpus, fields: FieldList) -> Known | None:
    """The values in the training documents that --known names; None without."""
    if not options.known:
        return None
    training = open_corpus(Namespace(**{**vars(options), "data": options.known}))
    ids = set(document_ids(held_out))
    return known_values((document for document in training if document.id not in ids), fields)


def all_choices(
    scores: Sequence[DocumentScore], fields: FieldList, targets: Sequence[float]
) -> Iterator[Choice]:
    """For each field, all values together and whole documents: a choice for each target."""
    by_field = candidates_by_field(scores)
    together = pooled((score.id, one) for score in scores for one in score.judged)
    documents = whole_documents(scores, required_of(fields))
    for target in targets:
        for field in fields.active:
            yield choose(field.name, by_field.get(field.name, []), target)
        yield choose(ALL_VALUES, together, target)
        yield choose(WHOLE_DOCUMENT, documents, target, what="documents")


def thresholds_for(
    scores: Sequence[DocumentScore], fields: FieldList, target: float, *, together: bool
) -> Thresholds:
    """What the pipeline compares with: by field, or the same one for all fields with `together`."""
    everything = pooled((score.id, one) for score in scores for one in score.judged)
    common = _rounded_up(threshold_at(everything, target))
    if together:
        return Thresholds(default=common)
    by_field = candidates_by_field(scores)
    chosen = {
        one.name: _rounded_up(threshold_at(by_field.get(one.name, []), target)) for one in fields.active
    }
    return Thresholds(default=common, fields=chosen)


def required_of(fields: FieldList) -> list[str]:
    """Fields without which a document goes to a person."""
    return [field.name for field in fields.active if field.is_required]


def write(folder: Path, calibration: Calibration, thresholds: Thresholds, told: Mapping[str, Any]) -> None:
    """Put both files into a release, whose index follows, or beside a model."""
    changed = {CALIBRATION: dump_calibration(calibration), THRESHOLDS: dump_thresholds(thresholds)}
    if (folder / INDEX).is_file():
        amend_release(folder, changed, {"thresholds": dict(told)})
        return
    for name, content in changed.items():
        (folder / name).write_bytes(content)


def record_of(
    scores: Sequence[DocumentScore], choices: Sequence[Choice], fields: FieldList, options: Namespace
) -> dict[str, Any]:
    """Everything that was told, for a file."""
    return {
        "documents": len(scores),
        "match": options.match.value,
        "confidence": confidence_figures([one for score in scores for one in score.judged]),
        "choices": [_choice_record(one) for one in choices],
        "straight_through": {str(target): _passing(scores, fields, target) for target in options.targets},
    }


def lines_of(
    choices: Sequence[Choice], scores: Sequence[DocumentScore], fields: FieldList, options: Namespace
) -> Iterator[str]:
    """A table for each target, for a terminal."""
    told = confidence_figures([one for score in scores for one in score.judged])
    order = "all right or all wrong" if told["auroc"] is None else f"AUROC {told['auroc']:.3f}"
    yield f"{len(scores)} documents, {told['values']} values, {told['right']:.1%} right"
    yield f"confidence on documents that its calibration did not see: {order}, ECE {told['ece']:.3f}"
    width = max(len(one.name) for one in choices)
    for target in options.targets:
        yield f"\nto be right in {target:.0%} of what is accepted"
        yield f"{'':{width}}  threshold  review (margin)          right (margin)"
        for one in (one for one in choices if one.target == target):
            right = "–" if one.right is None else _shown(one.right)
            threshold = "     all" if one.right is None else f"{one.threshold:8.3f}"
            shares = f"{_shown(one.reviewed):23}  {right:22}"
            yield f"{one.name:{width}}  {threshold}   {shares}  {one.advice}".rstrip()
        yield _passing_line(_passing(scores, fields, target))


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        "recto threshold", description=__doc__, formatter_class=RawDescriptionHelpFormatter
    )
    add_model_arguments(parser)
    parser.add_argument("--targets", type=_shares, default=TARGETS, help="shares to tell of (0.95,0.97,0.99)")
    parser.add_argument("--target", type=float, default=0.97, help="the one that --write is for (0.97)")
    parser.add_argument("--together", action="store_true", help="write one threshold for all fields")
    parser.add_argument(
        "--keep-calibration", action="store_true", help="choose thresholds for the calibration that is there"
    )
    parser.add_argument(
        "--known", nargs="+", type=Path, metavar="TRAINING",
        help="the documents that the model was trained on: a value that people confirmed there is surer",
    )  # fmt: skip
    parser.add_argument("--write", action="store_true", help="put calibration and thresholds into the model")
    parser.add_argument("--output", type=Path, help="also write everything that is told as JSON")
    return parser


def _shares(text: str) -> tuple[float, ...]:
    return tuple(float(one) for one in text.split(","))


def _passing(scores: Sequence[DocumentScore], fields: FieldList, target: float) -> dict[str, Any]:
    """Documents that no person sees with the thresholds by field, and how many of them have no error."""
    thresholds = thresholds_for(scores, fields, target, together=False).fields
    passed = [score for score, passes in passing_documents(scores, thresholds, required_of(fields)) if passes]
    clean = sum(score.errors == 0 for score in passed)
    right = wilson(clean, len(passed)) if passed else None
    return {"documents": len(passed), "of": len(scores), "without_error": right and right._asdict()}


def _passing_line(passing: Mapping[str, Any]) -> str:
    line = (
        f"with the fields' thresholds {passing['documents']} of {passing['of']} documents go straight through"
    )
    if passing["without_error"]:
        return f"{line}; of these {_shown(Margin(**passing['without_error']))} have no error in any field"
    return line


def _choice_record(one: Choice) -> dict[str, Any]:
    record = one._asdict()
    return {**record, "right": one.right and one.right._asdict(), "reviewed": one.reviewed._asdict()}


def _shown(margin: Margin) -> str:
    return f"{margin.share:.1%} ({margin.low:.1%}–{margin.high:.1%})"


def _rounded_up(threshold: float) -> float:
    return min(1.0, -(-threshold * 10**DIGITS // 1) / 10**DIGITS)
