"""The error of accepted values: who is drawn, what counts as wrong, and when calibration is to blame."""

from itertools import product
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recto.audit import AuditedValue, compare, is_drawn, measured, measured_by_field, tail_of_errors, wilson
from recto.fields import parse_fields
from recto.results import DocumentResult

FIELDS = parse_fields(
    [
        {"ClassId": 0, "Name": "Date", "Select": "first", "Type": "date", "DateOrder": "DMY"},
        {"ClassId": 1, "Name": "Total", "Select": "confidence", "Type": "money"},
        {"ClassId": 2, "Name": "Names"},
    ]
)


def result(reviewed: bool | None = None, **values: list[tuple[str, float]]) -> DocumentResult:
    fields = {}
    for order, field in enumerate(FIELDS.active):
        found = [{"Value": text, "Confidence": sure} for text, sure in values.get(field.name, [])]
        common = {"ClassId": order, "Confidence": 0.0, "SortOrder": order}
        common |= {"NumDetections": 0, "NumDetectedValues": 0}
        if reviewed and field.name in values:
            common["Reviewed"] = True
        if field.is_multi_valued:
            fields[field.name] = {**common, "Values": found}
        else:
            fields[field.name] = {**common, **(found[0] if found else {"Value": ""})}
    return DocumentResult.model_validate({"Confidence": 1.0, "Fields": fields})


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 1.0])
def test_the_share_that_is_asked_for_is_drawn_and_always_the_same(share: float) -> None:
    drawn = [is_drawn(f"document-{number}", share) for number in range(20_000)]

    assert sum(drawn) / len(drawn) == pytest.approx(share, abs=0.012)
    assert drawn == [is_drawn(f"document-{number}", share) for number in range(20_000)]


def test_who_is_drawn_for_a_small_share_is_drawn_for_a_larger_one() -> None:
    names = [f"document-{number}" for number in range(2_000)]

    assert {n for n in names if is_drawn(n, 0.1)} < {n for n in names if is_drawn(n, 0.3)}


def test_a_value_is_right_where_it_says_the_same_in_normal_form() -> None:
    published = result(Date=[("1 May 2020", 0.9)], Total=[("$ 1,000.00", 0.95)])
    audited = result(True, Date=[("2020-05-01", 1.0)], Total=[("100.00", 1.0)])

    found = compare(published, audited, FIELDS)

    assert found.values == (AuditedValue("Date", 0.9, True), AuditedValue("Total", 0.95, False))
    assert found.missed == {"Total": 1}
    assert found.errors == 1


def test_what_was_missed_and_what_was_invented_is_told_apart() -> None:
    published = result(Names=[("Ann", 0.9), ("Bob", 0.8)], Total=[])
    audited = result(True, Names=[("Ann", 1.0), ("Cid", 1.0)], Total=[("5", 1.0)])

    found = compare(published, audited, FIELDS)

    assert [(one.confidence, one.is_right) for one in found.values] == [(0.9, True), (0.8, False)]
    assert found.missed == {"Names": 1, "Total": 1}


def test_a_field_that_the_auditor_did_not_look_at_says_nothing() -> None:
    assert compare(result(Date=[("1 May 2020", 0.9)]), result(), FIELDS).values == ()


@pytest.mark.parametrize(
    ("errors", "total", "low", "high"),
    [
        (0, 0, 0, 1),
        (0, 100, 0, 0.0370),
        (5, 100, 0.0215, 0.1118),
        (50, 100, 0.4038, 0.5962),
        (3, 3, 0.4385, 1),
    ],
)
def test_wilsons_interval_is_that_of_the_books(errors: int, total: int, low: float, high: float) -> None:
    assert wilson(errors, total) == pytest.approx((low, high), abs=5e-4)


def test_the_tail_is_the_binomials_where_all_promise_the_same() -> None:
    exact = sum(comb(50, k) * 0.05**k * 0.95 ** (50 - k) for k in range(6, 51))

    assert tail_of_errors([0.05] * 50, 6) == pytest.approx(exact, abs=1e-12)


@given(st.lists(st.floats(0, 1), max_size=7), st.integers(0, 8))
def test_the_tail_is_what_counting_all_cases_gives(promises: list[float], errors: int) -> None:
    total = 0.0
    for wrong in product([False, True], repeat=len(promises)):
        if sum(wrong) >= errors:
            weight = 1.0
            for is_wrong, promise in zip(wrong, promises, strict=True):
                weight *= promise if is_wrong else 1 - promise
            total += weight

    assert tail_of_errors(promises, errors) == pytest.approx(total, abs=1e-9)


def test_errors_as_promised_are_no_drift_and_three_times_as_many_are() -> None:
    def values(errors: int) -> list[AuditedValue]:
        return [AuditedValue("Total", 0.95, number >= errors) for number in range(400)]

    kept, broken = measured(values(20)), measured(values(60))

    assert (kept.promised, kept.errors) == (pytest.approx(20), 20)
    assert not kept.has_drifted()
    assert broken.has_drifted()
    assert broken.excess == pytest.approx(0.1)
    assert broken.interval.low > 0.05


def test_one_error_among_values_that_were_said_to_be_certain_is_no_drift_yet() -> None:
    values = [AuditedValue("Total", 1.0, number > 0) for number in range(100)]

    assert not measured(values).has_drifted()
    assert measured(values[:3] + [AuditedValue("Total", 1.0, False)] * 4).has_drifted()


def test_fields_are_measured_each_by_itself() -> None:
    published = result(Date=[("1 May 2020", 0.9)], Total=[("5", 0.8)])
    audited = result(True, Date=[("2020-05-01", 1.0)], Total=[("6", 1.0)])

    found = measured_by_field([compare(published, audited, FIELDS)] * 10)

    assert [(name, one.errors, one.num_values, one.missed) for name, one in found.items()] == [
        ("Date", 0, 10, 0),
        ("Total", 10, 10, 10),
    ]
