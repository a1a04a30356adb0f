"""What a review teaches: only what a person saw, placed on words, and nothing guessed."""

from typing import Any

import pytest

from recto.confidence import Calibration
from recto.document import Page, PagePredictions, Word
from recto.entities import extract
from recto.fields import parse_fields
from recto.geometry import Box
from recto.results import DocumentResult
from recto.review import ReviewAnswer, apply_answers, parse_answer
from recto.review_labels import (
    Agreement,
    FieldRecord,
    How,
    Labels,
    Placing,
    Reviewed,
    agreement_of,
    label_reviewed,
    only_fields,
    with_own_ids,
)

FIELDS = parse_fields(
    [
        {"ClassId": 0, "Name": "company", "Type": "company", "Select": "confidence"},
        {"ClassId": 1, "Name": "date", "Type": "date", "DateOrder": "DMY", "Select": "confidence"},
        {"ClassId": 2, "Name": "total", "Type": "money", "Select": "confidence"},
        {"ClassId": 3, "Name": "item", "Optional": True},
    ]
)
OTHER = FIELDS.other_class


def page_of(*lines: str, number: int = 1) -> Page:
    words = [
        Word(text, Box(0.05 + 0.1 * column, 0.06 * row, 0.14 + 0.1 * column, 0.06 * row + 0.03), 0.99, row)
        for row, line in enumerate(lines)
        for column, text in enumerate(line.split())
    ]
    return Page(number, tuple(word._replace(id=f"{number}-{i}") for i, word in enumerate(words)))


def model_says(page: Page, **marked: str) -> PagePredictions:
    """Words by field; each word of the text where it stands first after the one before."""
    classes = [OTHER] * len(page.words)
    for name, text in marked.items():
        at = 0
        for part in text.split():
            at = next(i for i in range(at, len(page.words)) if page.words[i].text == part)
            classes[at] = FIELDS[name].class_id
    return PagePredictions(page.number, tuple(classes), tuple(0.8 for _ in classes))


def reviewed(
    posted: dict[str, Any], *pages: Page, said: list[PagePredictions] | None = None, blind: bool = False
) -> tuple[Labels, DocumentResult]:
    said = said or [model_says(page) for page in pages]
    before = extract(zip(pages, said, strict=True), FIELDS, Calibration.default())
    after = apply_answers(before, [ReviewAnswer("w", parse_answer(posted, FIELDS), 3.0)], FIELDS)
    return label_reviewed(Reviewed(before, after, pages, said, blind), FIELDS), after


def marked(labels: Labels) -> list[tuple[int, str, str]]:
    """Page, field and words of each mention."""
    return [
        (one.page.number, mention.field, " ".join(one.page.words[index].text for index in mention.words))
        for one in labels.pages
        for mention in one.mentions
    ]


def unknown(labels: Labels) -> list[str]:
    return [one.page.words[index].text for one in labels.pages for index in one.unknown]


RECEIPT = page_of("ACME Trading Sdn Bhd", "12/03/2019 18:44", "2 tea 4.00", "total 12.50", "cash 12.50")


def test_a_confirmed_value_is_where_the_model_had_marked_it_and_other_places_are_not_known() -> None:
    said = [model_says(RECEIPT, total="12.50")]

    labels, _ = reviewed({"field-present-total": True}, RECEIPT, said=said)

    assert marked(labels) == [(1, "total", "12.50")]
    assert labels.pages[0].mentions[0].words == (
        RECEIPT.words.index(next(w for w in RECEIPT.words if w.text == "12.50")),
    )
    assert unknown(labels) == ["12.50"]
    assert labels.fields["total"] == FieldRecord(How.CONFIRMED, prefilled=True)


def test_what_nobody_looked_at_is_no_label_and_not_taught_as_of_no_field_either() -> None:
    said = [model_says(RECEIPT, company="ACME Trading", date="12/03/2019", total="12.50")]

    labels, _ = reviewed({"field-present-total": True}, RECEIPT, said=said)

    assert labels.fields["company"].how is How.UNSEEN
    assert {"ACME", "Trading", "12/03/2019"} <= set(unknown(labels))
    assert "tea" not in unknown(labels)
    assert not labels.is_whole
    assert "company" not in labels.values


def test_a_typed_value_is_found_by_its_normal_form_on_lines_below_each_other_and_misread() -> None:
    page = page_of("ACNE Trading", "Sdn Bhd", "12th March 2019", "total 12.50")
    posted = {
        "field-present-company": True, "field-value-company": "ACME Trading Sdn Bhd",
        "field-present-date": True, "field-value-date": "2019-03-12",
    }  # fmt: skip

    labels, _ = reviewed(posted, page)

    assert marked(labels) == [(1, "company", "ACNE Trading Sdn Bhd"), (1, "date", "12th March 2019")]
    assert labels.fields["company"] == FieldRecord(How.ADDED, prefilled=False)
    assert labels.left_out == ()


def test_a_value_that_stands_nowhere_is_told_and_where_the_model_was_wrong_is_not_known() -> None:
    said = [model_says(RECEIPT, total="4.00")]

    labels, _ = reviewed({"field-present-total": True, "field-value-total": "99.10"}, RECEIPT, said=said)

    assert marked(labels) == []
    assert [(one.field, one.value) for one in labels.left_out] == [("total", "99.10")]
    assert "nowhere" in labels.left_out[0].reason
    assert unknown(labels) == ["4.00"]
    assert labels.values["total"] == ("99.10",)


def test_where_the_model_was_corrected_to_another_place_its_own_is_of_no_field() -> None:
    said = [model_says(RECEIPT, date="12/03/2019", total="4.00")]

    labels, _ = reviewed({"field-present-total": True, "field-value-total": "12.50"}, RECEIPT, said=said)

    assert marked(labels) == [(1, "total", "12.50"), (1, "total", "12.50")]
    assert "4.00" not in unknown(labels)
    assert labels.fields["total"].how is How.CORRECTED


def test_a_number_misread_is_the_same_place_only_where_letters_look_alike() -> None:
    page = page_of("total l2.5O", "change 13.50")
    said = [model_says(page, total="l2.5O")]

    alike, _ = reviewed({"field-present-total": True, "field-value-total": "12.50"}, page, said=said)
    other, _ = reviewed({"field-present-total": True, "field-value-total": "12.90"}, page, said=said)

    assert marked(alike) == [(1, "total", "l2.5O")]
    assert marked(other) == []
    assert other.left_out[0].value == "12.90"


def test_a_value_in_too_many_places_is_not_guessed() -> None:
    page = page_of("1 tea 1.00", "1 cake 1.00", "1 milk 1.00", "sum 1.00")

    labels, _ = reviewed({"field-present-total": True, "field-value-total": "1.00"}, page)
    few, _ = reviewed({"field-present-total": True, "field-value-total": "1.00"}, page_of("total 1.00 1.00"))

    assert marked(labels) == []
    assert "stands in 4 places" in labels.left_out[0].reason
    assert set(unknown(labels)) >= {"1.00"}
    assert len(marked(few)) == 2


def test_a_long_name_is_meant_wherever_it_stands_and_a_short_one_is_not() -> None:
    page = page_of(*["between ACME Trading Berhad and us"] * 5)
    short = page_of(*["between ACME and us"] * 5)

    long_name, _ = reviewed(
        {"field-present-company": True, "field-value-company": "ACME Trading Berhad"}, page
    )
    short_name, _ = reviewed({"field-present-company": True, "field-value-company": "ACME"}, short)

    assert len(marked(long_name)) == 5
    assert marked(short_name) == []


def test_a_value_within_a_longer_one_of_its_field_is_labelled_there_and_of_another_field_is_told() -> None:
    page = page_of("item Ruby Gold", "bought")
    posted = {"field-multival-0-item": "Ruby Gold", "field-multival-1-item": "Ruby"}

    same, _ = reviewed(posted, page)
    other, _ = reviewed({"field-value-company": "Ruby Gold", "field-multival-0-item": "Ruby"}, page)

    assert marked(same) == [(1, "item", "Ruby Gold")]
    assert same.left_out == ()
    assert marked(other) == [(1, "company", "Ruby Gold")]
    assert [(one.field, one.reason) for one in other.left_out] == [
        ("item", "stands only where a longer value of another field does")
    ]


def test_pages_without_a_value_are_pages_and_an_absent_field_has_no_words() -> None:
    said = [model_says(RECEIPT, total="4.00"), model_says(page_of("terms", number=2))]

    labels, _ = reviewed({"field-present-total": False}, RECEIPT, page_of("terms", number=2), said=said)

    assert [one.page.number for one in labels.pages] == [1, 2]
    assert marked(labels) == []
    assert unknown(labels) == []
    assert labels.fields["total"] == FieldRecord(How.ABSENT, prefilled=True)
    assert labels.values == {"total": ()}


def test_in_an_audit_nothing_was_filled_in_and_places_of_the_model_still_help() -> None:
    said = [model_says(RECEIPT, total="12.50")]
    posted = {"field-present-total": True, "field-value-total": "12.50"}

    labels, _ = reviewed(posted, RECEIPT, said=said, blind=True)

    assert labels.fields["total"] == FieldRecord(How.CONFIRMED, prefilled=False)
    assert len(marked(labels)) == 1


def test_a_field_that_the_wanted_list_does_not_have_is_told() -> None:
    labels, _ = reviewed({"field-present-total": True, "field-value-total": "12.50"}, RECEIPT)
    others = parse_fields([{"ClassId": 0, "Name": "company"}, {"ClassId": 1, "Name": "vat"}])

    fitted = only_fields(labels, others)

    assert marked(fitted) == []
    assert [(one.field, one.value) for one in fitted.left_out] == [("total", "12.50")]
    assert fitted.fields["vat"].how is How.UNSEEN


def test_who_agreed_is_told_from_the_answers() -> None:
    before = extract([(RECEIPT, model_says(RECEIPT))], FIELDS, Calibration.default())
    one, same, other = (
        ReviewAnswer(
            name, parse_answer({"field-present-total": True, "field-value-total": value}, FIELDS), 1.0
        )
        for name, value in (("a", "12.50"), ("b", "12.50"), ("c", "4.00"))
    )

    assert agreement_of(apply_answers(before, [one], FIELDS)) is Agreement.SINGLE
    assert agreement_of(apply_answers(before, [one, same], FIELDS)) is Agreement.AGREED
    assert agreement_of(apply_answers(before, [one, same, other], FIELDS)) is Agreement.MAJORITY
    decided = other._replace(is_adjudicator=True)
    assert agreement_of(apply_answers(before, [one, same, decided], FIELDS)) is Agreement.ADJUDICATED


@pytest.mark.parametrize("ids", [("", ""), ("x", "x")])
def test_words_without_an_id_of_their_own_get_one(ids: tuple[str, str]) -> None:
    page = page_of("one two")
    twice = Page(1, tuple(word._replace(id=name) for word, name in zip(page.words, ids, strict=True)))

    assert [word.id for word in with_own_ids(twice).words] == ["p1-w0", "p1-w1"]
    assert with_own_ids(page) is page
    assert Placing().max_places == 3
