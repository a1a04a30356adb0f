"""`recto threshold` and what it writes; documents regrouped from a model's answers."""

import json
from argparse import Namespace
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest

from recto.confidence import Calibration, parse_calibration
from recto.document import Page, PagePredictions, Word
from recto.errors import ConfigurationError
from recto.fields import parse_fields
from recto.geometry import Box
from recto.inference import Picture, Verdict
from recto.release_contents import Thresholds, parse_thresholds
from recto_training.commands import threshold
from recto_training.corpus import LabelledDocument, LabelledPage
from recto_training.evaluation.fields import DocumentScore, FieldScore, Judged
from recto_training.evaluation.subject import Subject, check_labels, plain_fields, predict_documents
from recto_training.evaluation.thresholds import NOTHING_ACCEPTED
from recto_training.evaluation.truth import Match
from recto_training.predict import WordModel

FIELDS = parse_fields(
    [
        {"ClassId": 0, "Name": "date", "Select": "confidence"},
        {"ClassId": 1, "Name": "total", "Select": "confidence", "Optional": True},
    ]
)


def score(name: str, date: tuple[float, bool], total: tuple[float, bool] | None) -> DocumentScore:
    fields = {}
    for field, said in (("date", date), ("total", total)):
        values = () if said is None else (Judged(field, *said),)
        hits = sum(one.is_right for one in values)
        fields[field] = FieldScore(values, ("x",) if said else (), hits, len(values), len(values))
    return DocumentScore(name, fields)


SCORES = [score(f"d{n}", (0.99, True), (0.6 + 0.003 * n, n % 3 > 0) if n < 40 else None) for n in range(120)]
OPTIONS = Namespace(match=Match.ALNUM, targets=(0.95, 0.97))


def test_each_field_all_values_and_whole_documents_get_a_line_for_each_target() -> None:
    choices = list(threshold.all_choices(SCORES, FIELDS, (0.95, 0.97)))

    names = ["date", "total", threshold.ALL_VALUES, threshold.WHOLE_DOCUMENT]
    assert [(one.name, one.target) for one in choices] == [(n, t) for t in (0.95, 0.97) for n in names]
    assert choices[0].num_accepted == 120
    assert choices[1].threshold == NOTHING_ACCEPTED


def test_the_table_says_what_is_reviewed_what_is_right_and_what_cannot_be_told() -> None:
    choices = list(threshold.all_choices(SCORES, FIELDS, OPTIONS.targets))

    text = " ".join("\n".join(threshold.lines_of(choices, SCORES, FIELDS, OPTIONS)).split())

    assert "120 documents, 160 values" in text
    assert "to be right in 95% of what is accepted" in text
    assert "date 0.990 0.0% (0.0%–0.0%) 100.0% (96.9%–100.0%)" in text
    assert "no threshold keeps 95% right" in text
    assert "80 of 120 documents go straight through; of these 100.0% (95.4%–100.0%) have no error" in text


def test_thresholds_are_by_field_with_a_common_one_for_the_rest_or_one_for_all() -> None:
    by_field = threshold.thresholds_for(SCORES, FIELDS, 0.95, together=False)
    together = threshold.thresholds_for(SCORES, FIELDS, 0.95, together=True)

    assert by_field.fields == {"date": 0.99, "total": 1.0}
    assert together == Thresholds(default=by_field.default)
    assert 0.6 < together.default <= 0.99


def test_calibration_and_thresholds_are_put_beside_a_model(tmp_path: Path) -> None:
    calibration = Calibration.default()

    threshold.write(tmp_path, calibration, Thresholds(default=0.9), {})

    assert parse_calibration((tmp_path / "calibration.json").read_bytes()) == calibration
    assert parse_thresholds((tmp_path / "thresholds.json").read_bytes(), "x") == Thresholds(default=0.9)


def test_the_record_is_json_that_says_what_was_told() -> None:
    choices = list(threshold.all_choices(SCORES, FIELDS, OPTIONS.targets))

    record = json.loads(json.dumps(threshold.record_of(SCORES, choices, FIELDS, OPTIONS)))

    assert record["documents"] == 120
    assert record["choices"][0]["reviewed"] == {"share": 0.0, "low": 0.0, "high": 0.0}
    assert record["straight_through"]["0.95"]["documents"] == 80


# --- documents and a model's answers -----------------------------------------------------------------


def page(number: int, *texts: str) -> LabelledPage:
    words = tuple(Word(text, Box(0.1, 0.1, 0.2, 0.2), 0.9) for text in texts)
    return LabelledPage(Page(number, words), tuple(2 for _ in texts))


def answers(pages: Iterable[tuple[Page, Picture]]) -> Iterator[Verdict]:
    """Reads all pages ahead, as batching by length may, and answers in their order."""
    for one, _ in list(pages):
        classes = tuple(len(word.text) % 3 for word in one.words)
        yield Verdict(PagePredictions(one.number, classes, tuple(0.9 for _ in classes)), np.zeros((0, 3)))


def subject() -> Subject:
    model = WordModel("m", ("date", "total", "other"), answers)
    return Subject(Path("m"), model, FIELDS, Calibration.default(), is_calibrated=False)


def test_answers_go_back_to_their_documents_even_to_those_without_pages() -> None:
    documents = [
        LabelledDocument("none first", ()),
        LabelledDocument("two", (page(1, "a"), page(2, "bb", "ccc"))),
        LabelledDocument("none", ()),
        LabelledDocument("one", (page(7, "dd"),)),
        LabelledDocument("none last", ()),
    ]

    found = list(predict_documents(subject(), documents))

    assert [(one.id, [said.number for said in pages]) for one, pages in found] == [
        ("none first", []), ("two", [1, 2]), ("none", []), ("one", [7]), ("none last", []),
    ]  # fmt: skip
    assert found[1][1][1].classes == (2, 0)


def test_documents_with_other_labels_than_the_models_are_refused_before_anything_is_read() -> None:
    check_labels(subject(), ("date", "total", "other"))

    with pytest.raises(ConfigurationError, match="model m knows date, total; the data has total, date"):
        check_labels(subject(), ("total", "date", "other"))


def test_labels_without_a_field_list_are_fields_of_text_with_one_value() -> None:
    fields = plain_fields(("date", "total", "other"))

    assert fields.labels == ("date", "total", "other")
    assert not fields["date"].is_multi_valued
