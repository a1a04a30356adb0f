"""Fitting what a confidence means, on rows made by chance from a known truth."""

import math
import random

import numpy as np
import pytest

from recto.confidence import FEATURES, Calibration, Evidence, features_of, parse_calibration
from recto.document import Page, PagePredictions, Word
from recto.fields import parse_fields
from recto.geometry import Box
from recto_training import calibrate
from recto_training.calibrate import CalibrationDataError, Row, Strength
from recto_training.corpus import LabelledDocument, LabelledPage
from recto_training.evaluation.truth import Match

FREE = Strength(1.0, 1.0)


def drawn_rows(num_documents: int, *, seed: int = 1, turned_class: int = -1) -> list[Row]:
    """Three classes; the higher the probability, the likelier right, but for the turned class."""
    draw = random.Random(seed)
    rows = []
    for number in range(num_documents):
        for class_id in range(3):
            probability = draw.uniform(0.3, 1.0)
            features = list(features_of(Evidence.of_words([probability], [draw.random()])).values())
            chance = 1 - probability if class_id == turned_class else probability
            rows.append(Row(features, draw.random() < chance, class_id, f"d{number}"))
    return rows


def row_of(probability: float, class_id: int = 0) -> Row:
    return Row(list(features_of(Evidence.of_words([probability], [0.9])).values()), True, class_id, "new")


def confidence(calibration: Calibration, probability: float, class_id: int = 0) -> float:
    return float(calibrate.confidences_of([row_of(probability, class_id)], calibration)[0])


def test_the_fit_finds_the_share_that_is_right() -> None:
    fitted = calibrate.fit_calibration(drawn_rows(800))

    assert confidence(fitted, 0.9) == pytest.approx(0.9, abs=0.06)
    assert confidence(fitted, 0.5) == pytest.approx(0.5, abs=0.06)


def test_a_class_that_behaves_otherwise_gets_its_own_part() -> None:
    rows = drawn_rows(800, turned_class=2)

    own = calibrate.fit_calibration(rows)

    assert confidence(own, 0.9, 0) > 0.8
    assert confidence(own, 0.9, 2) < 0.3
    assert calibrate.choose_strength(rows).own > 0


def test_a_class_with_few_values_follows_the_others() -> None:
    rows = [row for row in drawn_rows(300) if row.class_id < 2]
    rows += [row._replace(class_id=2, is_right=False) for row in drawn_rows(1) if row.class_id == 2]

    assert confidence(calibrate.fit_calibration(rows), 0.95, 2) > 0.6


def test_few_values_only_stretch_what_was_set_by_hand() -> None:
    fitted = calibrate.fit_calibration(drawn_rows(3, seed=4))

    assert fitted.features == Calibration.default().features
    assert fitted.classes == {}
    assert confidence(fitted, 0.9) > confidence(fitted, 0.5)


@pytest.mark.parametrize("is_right", [True, False])
def test_values_that_are_all_right_or_all_wrong_are_refused_with_what_to_do(is_right: bool) -> None:
    rows = [row._replace(is_right=is_right) for row in drawn_rows(10)]

    with pytest.raises(
        CalibrationDataError, match=r"30 values on the held-out documents, (30|0) of them right"
    ):
        calibrate.fit_calibration(rows)


def test_no_values_at_all_are_refused_too() -> None:
    with pytest.raises(CalibrationDataError, match="0 values"):
        calibrate.fit_calibration([])


def test_rows_at_once_get_what_the_core_gives_one_by_one() -> None:
    rows = drawn_rows(40)
    fitted = calibrate._fitted(rows, FREE)
    beyond = row_of(0.0001)

    at_once = calibrate.confidences_of([*rows, beyond], fitted)

    one_by_one = [
        fitted.confidence(dict(zip(FEATURES, row.features, strict=True)), row.class_id)
        for row in [*rows, beyond]
    ]
    assert at_once == pytest.approx(one_by_one, abs=1e-9)
    assert parse_calibration(fitted.model_dump_json()) == fitted


def test_no_row_is_judged_by_a_fit_that_saw_its_document() -> None:
    rows = drawn_rows(20)
    seen: list[set[str]] = []

    def noting(some: list[Row]) -> Calibration:
        seen.append({row.document for row in some})
        return Calibration.default()

    calibrate.cross_fitted(rows, noting)

    everyone = {row.document for row in rows}
    left_out = [everyone - some for some in seen]
    assert sorted(name for part in left_out for name in part) == sorted(everyone)
    assert all(len(part) == 4 for part in left_out)


def test_a_strength_is_chosen_that_holds_back_what_is_only_chance() -> None:
    draw = np.random.default_rng(3)
    rows = [
        Row([float(one) for one in draw.normal(size=len(FEATURES))], bool(draw.random() < 0.7), n % 4, f"{n}")
        for n in range(120)
    ]

    chosen = calibrate.choose_strength(rows, [Strength(0.001, 0.0), Strength(100.0, 1.0)])

    assert chosen == Strength(0.001, 0.0)


def test_rows_of_a_document_say_which_of_its_mentions_are_right() -> None:
    fields = parse_fields([{"ClassId": 0, "Name": "total", "Type": "money", "Select": "confidence"}])
    words = tuple(
        Word(text, Box(0.1, 0.1 * number, 0.2, 0.1 * number + 0.05), 0.9, number)
        for number, text in enumerate(["$5.00", "and", "$6.00"])
    )
    document = LabelledDocument("d", (LabelledPage(Page(1, words), (0, 1, 1)),))
    predictions = [PagePredictions(1, (0, 1, 0), (0.9, 0.8, 0.6))]

    rows = list(calibrate.rows_of(calibrate.find(document, predictions, fields), fields, Match.NORMAL))

    assert [(row.is_right, row.class_id, row.document) for row in rows] == [(True, 0, "d"), (False, 0, "d")]
    assert rows[0].features[FEATURES.index("rival")] == 0.6
    assert all(math.isfinite(one) for row in rows for one in row.features)


def test_a_value_of_the_training_documents_is_known_and_a_calibration_keeps_it() -> None:
    fields = parse_fields([{"ClassId": 0, "Name": "shop", "Select": "confidence"}])

    def receipt(name: str, shop: str) -> LabelledDocument:
        word = Word(shop, Box(0.1, 0.1, 0.3, 0.15), 0.9, 0)
        return LabelledDocument(name, (LabelledPage(Page(1, (word,)), (0,)),))

    known = calibrate.known_values([receipt("t", "ACME")], fields)
    said = [PagePredictions(1, (0,), (0.9,))]
    features = [
        next(calibrate.rows_of(calibrate.find(receipt("h", shop), said, fields, known), fields, Match.NORMAL))
        for shop in ("Acme", "Other")
    ]

    assert [row.features[FEATURES.index("known")] for row in features] == [1.0, 0.0]
    assert calibrate.knowing(Calibration.default(), known).knows(0, "acme")
    assert calibrate.knowing(Calibration.default(), calibrate.Known()) == Calibration.default()
    assert calibrate.Known.of(calibrate.knowing(Calibration.default(), known)) == known


def test_a_value_a_letter_away_from_a_known_one_is_near_it_and_the_known_one_itself_is_not() -> None:
    fields = parse_fields([{"ClassId": 0, "Name": "shop", "Select": "confidence"}])

    def row(shop: str) -> Row:
        word = Word(shop, Box(0.1, 0.1, 0.9, 0.15), 0.9, 0)
        document = LabelledDocument("h", (LabelledPage(Page(1, (word,)), (0,)),))
        found = calibrate.find(document, [PagePredictions(1, (0,), (0.9,))], fields, known)
        return next(calibrate.rows_of(found, fields, Match.NORMAL))

    told = LabelledPage(Page(1, (Word("TEOHENGSTATIONERYANDBOOKS", Box(0, 0, 1, 1), 0.9, 0),)), (0,))
    known = calibrate.known_values([LabelledDocument("t", (told,))], fields)
    near = {
        shop: row(shop).features[FEATURES.index("near_known")]
        for shop in ("TEOHENGSTATIONERYANDBOOKS", "TEOHENGSTATIONARYANDBOOKS", "POPULARBOOKCOMPANYLIMITED")
    }

    assert list(near.values()) == [0.0, pytest.approx(0.6, abs=0.25), 0.0]


def test_what_was_not_understood_is_expected_to_be_wrong_before_such_a_value_was_seen() -> None:
    rows = [row._replace(features=[*row.features]) for row in drawn_rows(60)]
    for row in rows:
        row.features[FEATURES.index("parsed")] = 1.0
    fitted = calibrate.fit_calibration(rows, [Strength(0.2, 0.5)])
    good = dict(zip(FEATURES, rows[0].features, strict=True))

    assert fitted.confidence({**good, "parsed": 0.0}) < 0.9 * fitted.confidence(good)
