"""What an upload may call itself, and what X-Ray is told of it."""

import json
import re
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from recto.aws.tracing import TRACE, annotate, send_annotations
from recto.correlation import named, why_unfit
from recto.messages import DocumentRef

ORDER = "order-4711"


@pytest.mark.parametrize("name", ["a", "A.b_c:d-9", "x" * 128])
def test_a_name_is_taken_as_it_is(name: str) -> None:
    assert named({"correlation-id": name}, "d1") == (name, "")


@pytest.mark.parametrize("name", ["", "x" * 129, "a b", "a\n", "ä", "a/b", '{"a"}'])
def test_what_is_no_name_gives_way_to_the_documents_id(name: str) -> None:
    found = named({"correlation-id": name}, "d1")

    assert found.correlation_id == "d1"
    assert found.refusal == why_unfit(name) != ""


def test_a_document_under_way_before_there_were_names_is_called_by_its_id() -> None:
    before = {"DocumentId": "d1", "Bucket": "b", "Key": "k"}

    assert DocumentRef.model_validate(before).correlation == "d1"


@pytest.mark.parametrize(("name", "is_told"), [("", False), ("d1", False), (ORDER, True)])
def test_a_reference_without_a_name_of_its_own_can_be_read_by_the_version_before(
    name: str, is_told: bool
) -> None:
    document = DocumentRef(document_id="d1", bucket="b", key="k", correlation_id=name)

    assert ("CorrelationId" in document.dump()) is is_told
    assert DocumentRef.model_validate(document.dump()).correlation == (name or "d1")


# ---- traces


TRACED = {TRACE: "Root=1-5;Parent=2;Sampled=1", "AWS_XRAY_DAEMON_ADDRESS": "169.254.79.129:2000"}


def test_a_traced_call_is_annotated() -> None:
    sent: list[tuple[bytes, tuple[str, int]]] = []

    send_annotations({"correlation_id": ORDER}, TRACED, lambda *datagram: sent.append(datagram))

    [(body, address)] = sent
    header, subsegment = body.decode().split("\n")
    assert (json.loads(header), address) == ({"format": "json", "version": 1}, ("169.254.79.129", 2000))
    told = json.loads(subsegment)
    assert (told["trace_id"], told["parent_id"]) == ("1-5", "2")
    assert told["annotations"] == {"correlation_id": ORDER}
    assert re.fullmatch("[0-9a-f]{16}", told["id"])


@pytest.mark.parametrize(
    "environment", [{}, {**TRACED, TRACE: "Root=1-5;Parent=2;Sampled=0"}, {TRACE: TRACED[TRACE]}]
)
def test_what_is_not_traced_sends_nothing(environment: dict[str, str]) -> None:
    sent: list[Any] = []

    send_annotations({"correlation_id": ORDER}, environment, lambda *datagram: sent.append(datagram))

    assert not sent


def test_a_span_of_opentelemetry_says_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    said: dict[str, str] = {}
    span = SimpleNamespace(set_attributes=said.update)
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", SimpleNamespace(get_current_span=lambda: span))

    annotate({"correlation_id": ORDER})

    assert said == {"recto.correlation_id": ORDER}
