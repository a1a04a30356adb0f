"""All real Textract responses at hand through our page store, the demo model and assembly."""

import json
from functools import cache
from pathlib import Path

import pytest

from recto.confidence import parse_calibration
from recto.entities import extract
from recto.errors import RectoError
from recto.fields import parse_fields
from recto.inference import WordClassifier
from recto.pagestore import decode_page, encode_page
from recto.textract import blocks_of, read_pages
from tests.contract.template import ROOT

TEXTRACT = ROOT.parent / "shared" / "data" / "textract"
RELEASE = ROOT / "local" / "releases" / "demo"


@cache
def classifier() -> WordClassifier:
    return WordClassifier.load(RELEASE)


def outcome(path: Path) -> str:
    """'assembled', or the name of the error that says why not."""
    fields = parse_fields((RELEASE / "fields.json").read_bytes())
    calibration = parse_calibration((RELEASE / "calibration.json").read_bytes())
    try:
        pages = [
            decode_page(encode_page(page)) for page in read_pages(blocks_of(json.loads(path.read_bytes())))
        ]
        result = extract(((page, classifier().predict(page)) for page in pages), fields, calibration)
    except RectoError as error:
        return type(error).__name__
    assert set(result.fields) == {field.name for field in fields.active}
    assert 0 <= result.confidence <= 1
    for one in result.fields.values():
        for value in one.found:
            assert value.detections
            assert all(1 <= detection.page_num <= len(pages) for detection in value.detections)
            assert 0 < value.confidence <= 1
    return "assembled"


@pytest.mark.skipif(not TEXTRACT.exists(), reason="../shared/data is not here")
def test_every_textract_response_is_assembled_or_refused_by_name() -> None:
    outcomes = {str(path.relative_to(TEXTRACT)): outcome(path) for path in sorted(TEXTRACT.rglob("*.json"))}

    refused = {name: seen for name, seen in outcomes.items() if seen != "assembled"}
    assert len(outcomes) > 100
    assert len(refused) < 10, refused
    assert set(refused.values()) <= {"OcrFailedError", "DamagedDocumentError", "PageOrderError"}, refused
