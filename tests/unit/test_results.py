"""The JSON of a result, and how it is written for long documents."""

import json

from recto.entities import extract
from recto.results import DocumentResult, ReasonCode, ReviewReason
from tests.unit.drawn_pages import FIELDS, drawn


def test_the_bytes_written_field_by_field_are_the_json_of_the_whole() -> None:
    pages = [drawn('Fee:@9 "25€"@1 Küche@2', "As of May@0 1,@0 2021@0"), drawn("Fee: $30@1", number=2)]
    reasons = (ReviewReason(code=ReasonCode.BELOW_THRESHOLD, field="Fee", message='seen "25€"'),)
    result = extract(pages, FIELDS).model_copy(update={"review_reasons": reasons})

    written = result.to_bytes()

    assert json.loads(written) == result.to_json()
    assert list(json.loads(written)["Fields"]) == list(result.fields)
    assert "25€".encode() in written
    assert DocumentResult.model_validate_json(written) == result
    whole = result.to_json()
    fields = whole.pop("Fields")
    assert written == json.dumps({**whole, "Fields": fields}, ensure_ascii=False).encode()


def test_a_result_without_fields_is_json_too() -> None:
    result = DocumentResult(confidence=0.0)

    assert json.loads(result.to_bytes()) == result.to_json()
