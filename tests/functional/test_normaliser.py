"""Fields whose texts an endpoint rewrites: one call, the print kept, and never a document lost for it."""

from collections.abc import Callable
from typing import Any

import pytest

from recto.confidence import Evidence
from recto.entities import assemble
from recto.fields import FieldList, parse_fields
from recto.geometry import Box
from recto.mentions import Mention
from recto.steps import normaliser
from recto.steps.normaliser import Rewritten, rewrite
from tests.fakes import FakeTextEndpoints

PROMPT = "Convert dates to YYYY-MM-DD: "
DATES = {"NormalizerEndpoint": "dates", "NormalizerPrompt": PROMPT, "Type": "date"}
FIELDS = parse_fields(
    [
        {"ClassId": 0, "Name": "From", **DATES},
        {"ClassId": 1, "Name": "To", **DATES},
        {"ClassId": 2, "Name": "Bank"},
        {"ClassId": 3, "Name": "Fee", "NormalizerEndpoint": "fees", "NormalizerPrompt": ""},
    ]
)
BOX = Box(0.1, 0.1, 0.2, 0.2)


def mention(class_id: int, text: str) -> Mention:
    evidence = Evidence.of_words([0.9], [0.9], [])
    name = FIELDS.by_class[class_id].name
    return Mention(class_id, name, 1, (0,), ("id",), BOX, (BOX,), text, evidence)


FOUND = [mention(0, "May 1st,\n2021"), mention(1, "May 1st,\n2021"), mention(2, "ACME"), mention(0, "1/2/21")]


def answered(answer: Callable[[list[str]], Any], fields: FieldList = FIELDS) -> Rewritten:
    return rewrite(FOUND, fields, FakeTextEndpoints(dates=answer))


def iso(inputs: list[str]) -> dict[str, list[str]]:
    said = {f"{PROMPT}May 1st,\n2021": "2021-05-01", f"{PROMPT}1/2/21": "2021-02-01"}
    return {"generated_text": [said[text] for text in inputs]}


def test_each_text_is_asked_once_in_one_call_and_the_print_is_kept() -> None:
    endpoints = FakeTextEndpoints(dates=iso)

    found = list(rewrite(FOUND, FIELDS, endpoints).mentions)

    assert endpoints.asked == [("dates", [f"{PROMPT}May 1st,\n2021", f"{PROMPT}1/2/21"])]
    assert [(m.text, m.raw_text) for m in found] == [
        ("2021-05-01", "May 1st,\n2021"),
        ("2021-05-01", "May 1st,\n2021"),
        ("ACME", None),
        ("2021-02-01", "1/2/21"),
    ]


def test_the_result_has_the_endpoints_text_its_normal_form_and_the_print() -> None:
    result = assemble(answered(iso).mentions, FIELDS)

    value = result.fields["To"].found[0]
    assert (value.value, value.normalized_value, value.raw_text) == (
        "2021-05-01",
        "2021-05-01",
        "May 1st,\n2021",
    )
    assert value.detections[0].raw_text == "May 1st,\n2021"


def test_fields_without_endpoints_ask_nobody() -> None:
    fields = parse_fields([{"ClassId": 0, "Name": "From", "Type": "date"}])
    endpoints = FakeTextEndpoints()

    assert list(rewrite(FOUND[:1], fields, endpoints).mentions) == FOUND[:1]
    assert endpoints.asked == []


def broken(_: list[str]) -> Any:
    raise normaliser.ModelFailedError("InvokeEndpoint dates: ModelError: out of memory")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (broken, "ModelFailedError: InvokeEndpoint dates: ModelError: out of memory"),
        (lambda _: b"<html>", "expected JSON"),
        (lambda _: {"generated_text": ["2021-05-01"]}, "expected 2 texts for as many inputs, got 1"),
        (lambda _: {"generated_text": "2021-05-01"}, "expected generated_text, a list of texts"),
        (lambda _: {"generated_text": [1, 2]}, "expected generated_text, a list of texts"),
        (lambda _: ["2021-05-01", "2021-02-01"], "expected generated_text, a list of texts"),
    ],
)
def test_an_endpoint_that_fails_leaves_the_print_and_is_told(answer: Any, said: str) -> None:
    told = answered(answer)

    assert list(told.mentions) == FOUND
    (warning,) = told.warnings
    assert warning.startswith("normaliser dates failed, From, To as printed: ")
    assert said in warning
    assert told.failed == ("dates: ModelFailedError",)


def test_what_one_endpoint_cannot_is_no_matter_for_another() -> None:
    found = [*FOUND, mention(3, "$ 5")]
    endpoints = FakeTextEndpoints(fees=lambda inputs: {"generated_text": [f"{inputs[0]}.00"]})

    told = rewrite(found, FIELDS, endpoints)

    assert [m.text for m in told.mentions][-1] == "$ 5.00"
    assert told.failed == ("dates: ConfigurationError",)


def test_an_empty_text_leaves_the_print_and_is_told() -> None:
    told = answered(lambda inputs: {"generated_text": ["2021-05-01", *(" " for _ in inputs[1:])]})

    assert [m.text for m in told.mentions] == ["2021-05-01", "2021-05-01", "ACME", "1/2/21"]
    assert told.warnings == ("normaliser dates gave no text for 1 of 2, left as printed",)
    assert told.failed == ()


def test_texts_that_no_call_holds_are_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(normaliser, "MAX_REQUEST", 10)

    assert "a synchronous endpoint takes 10" in answered(iso).warnings[0]
