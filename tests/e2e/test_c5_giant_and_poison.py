"""Odd documents between good ones: each ends as it may, and the good ones come out as they do alone.

The long documents are `test_4_long_document.py`; the proofs are `benchmarks/giant.py` and `poison.py`.
"""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.damage import OPEN, Source, damaged_documents, real_sources
from benchmarks.letters import OCR_FAILED, RESULT, Letter, between, comparable, good_letters, odd_letters
from recto.messages import Status
from recto.places import DocumentPlaces
from recto.ports import DocumentRow
from tests.e2e.conftest import DATA, SAMPLES, Pipeline

LISTED = Path(__file__).parent / "mail.csv"
NUM_LISTED, NUM_DAMAGED, NUM_GOOD = 7, 7, 4
SEED = 7
MOST_BYTES = 30_000

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not here"),
]


@pytest.fixture
def remembered_pages(pipeline: Pipeline, tmp_path: Path) -> Iterator[None]:
    """The good pages repeat, and this test is not about OCR: each is read once."""
    place = pipeline.info.standins_url("/_local/ocr-cache")
    httpx.post(place, json={"folder": str(tmp_path / "ocr-cache")}).raise_for_status()
    yield
    httpx.post(place, json={}).raise_for_status()


def small_sources() -> list[Source]:
    """Quick to read, since this is about what cannot be read."""
    return [source for source in real_sources(DATA, contracts=0) if len(source.body) < MOST_BYTES]


def odd_mail() -> list[Letter]:
    """Half of it real files with a listed end, half damaged ones."""
    damaged = islice(damaged_documents(small_sources(), SEED), NUM_DAMAGED)
    made = [
        Letter(each.name, each.body, each.expected | {OCR_FAILED} if each.expected == OPEN else each.expected)
        for each in damaged
    ]
    return [
        *[letter for letter in odd_letters(DATA, LISTED, 1, SEED) if len(letter.body) < MOST_BYTES][
            :NUM_LISTED
        ],
        *made,
    ]


def ended(row: DocumentRow) -> str:
    return RESULT if row.status in (Status.PROCESSED, Status.IN_REVIEW) else row.error


def fields_of(pipeline: Pipeline, row: DocumentRow) -> dict[str, Any]:
    fields = json.loads(pipeline.objects.read(DocumentPlaces(pipeline.work, row.document_id).fields))
    return {"status": str(row.status), **comparable(fields)}


def test_odd_documents_end_as_they_may_and_good_ones_between_them_are_untouched(
    pipeline: Pipeline, remembered_pages: None
) -> None:
    good = good_letters(SAMPLES, DATA, 1)
    (first,) = pipeline.settled([pipeline.send(good[0].body, "poison/alone")])
    alone = fields_of(pipeline, first)
    mail = dict(between(odd_mail(), good, NUM_GOOD))

    sent = [pipeline.send(letter.body, f"poison/{key}") for key, letter in mail.items()]
    rows = pipeline.settled(sent, seconds=500)

    outcomes = {row.key: ended(row) for row in rows}
    wrong = {
        row.key: (ended(row), sorted(letter.expected), row.cause)
        for row, letter in zip(rows, mail.values(), strict=True)
        if ended(row) not in letter.expected
    }
    assert wrong == {}
    assert len(set(outcomes.values())) > 3, outcomes
    untouched = [row for row in rows if row.key.startswith("poison/good/")]
    assert len(untouched) == NUM_GOOD
    assert all(fields_of(pipeline, row) == alone for row in untouched)
    assert all(row.key in row.cause for row in rows if row.error), [row.cause for row in rows]
    pipeline.no_slot_is_held()
