"""A small storm and a little chaos: `benchmarks/storm.py` and `chaos.py` with few documents, in seconds.

The long ones are `make prove`'s. Here nothing is lost for good: that takes minutes to be asked about.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.crowd import Crowd, Listener, event_figures, numbered, use_release_without_reviews
from recto.aws.services import ParameterStore
from recto.messages import Status
from tests.e2e.conftest import CALLER, SAMPLES, Pipeline

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
DOCUMENTS = 16
QUOTAS = {"textract": {"start_per_second": 2, "concurrent_jobs": 5, "get_per_second": 10}}
"""So little that a line forms also with few documents."""
FAULTS: list[dict[str, Any]] = [
    {"at": "textract", "operation": "Start*", "kind": "throttle", "share": 0.2, "burst_seconds": 1},
    {"at": "textract", "kind": "job_fails", "share": 0.3, "message": "INTERNAL_ERROR: planned"},
    {"at": "textract", "kind": "callback_first", "share": 0.2},
    {"at": "sns", "kind": "duplicate", "share": 0.2},
    {"at": "sns", "kind": "delay", "share": 0.1, "seconds": [0.5, 2]},
    {"at": "s3", "kind": "unavailable", "share": 0.02},
    *(
        {"at": "lambda", "kind": "kill", "share": 0.08, "function": f"*-{name}"}
        for name in ("page-images", "model-invoke", "entity-postprocess", "publish")
    ),
]
"""Only functions that a state machine calls are killed: a queue's message comes again after six minutes.
`benchmarks/chaos.py` kills every function.
"""


@pytest.fixture(scope="module")
def pages() -> list[bytes]:
    return [(SAMPLES / name).read_bytes() for name in ("pricing-table.pdf", "letter.pdf")]


@pytest.fixture(scope="module")
def calm(pipeline: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """A release that asks no person, pages that are read once, and afterwards everything as it was."""
    cache = pipeline.info.standins_url("/_local/ocr-cache")
    name = pipeline.info.outputs["ReleaseParamName"]
    release = ParameterStore(CALLER).read(name)
    httpx.post(cache, json={"folder": str(tmp_path_factory.mktemp("ocr-cache"))}).raise_for_status()
    use_release_without_reviews(pipeline)
    yield pipeline
    pipeline.runtime.follow(None)
    ParameterStore(CALLER).write(name, release)
    httpx.post(cache, json={}).raise_for_status()


def put_in(pipeline: Pipeline, prefix: str, pages: list[bytes], plan: dict[str, Any], folder: Path) -> Crowd:
    """A crowd under a plan, once all of it has ended and the plan as well."""
    path = folder / "plan.json"
    path.write_text(json.dumps({"seed": 7, **plan}))
    crowd = Crowd(pipeline, prefix, DOCUMENTS, pages)
    pipeline.runtime.follow(path)
    try:
        crowd.put_in()
        crowd.wait(400)
    finally:
        pipeline.runtime.follow(None)
    return crowd


def test_each_document_is_a_file_of_its_own_that_reads_the_same(pages: list[bytes]) -> None:
    assert numbered(pages[0], "a") != numbered(pages[0], "b")
    assert numbered(pages[0], "a").startswith(pages[0])


def test_a_small_storm_is_processed_once_each_in_its_order(
    calm: Pipeline, pages: list[bytes], tmp_path: Path
) -> None:
    listener = Listener(calm)

    crowd = put_in(calm, "small-storm", pages, {"quotas": QUOTAS}, tmp_path)

    assert crowd.outcomes() == {"PROCESSED": DOCUMENTS}
    assert crowd.results() == DOCUMENTS
    assert set(crowd.closings()) == {1}
    assert set(crowd.paid_jobs().values()) == {1}
    rest, _ = crowd.rest(60)
    assert set(rest.values()) == {0}
    assert event_figures(crowd, listener.told(DOCUMENTS, 60)) == (DOCUMENTS, 0, 0, 0)
    assert crowd.overtaken()["mean"] <= 4


def test_in_a_little_chaos_each_is_processed_or_failed_by_name(
    calm: Pipeline, pages: list[bytes], tmp_path: Path
) -> None:
    listener = Listener(calm)

    crowd = put_in(calm, "little-chaos", pages, {"faults": FAULTS}, tmp_path)

    assert {row.status for row in crowd.rows.values()} <= {Status.PROCESSED, Status.FAILED}
    assert crowd.unnamed() == []
    assert crowd.results() == sum(row.status is Status.PROCESSED for row in crowd.rows.values()) > 0
    assert event_figures(crowd, listener.told(DOCUMENTS, 60)) == (DOCUMENTS, 0, 0, 0)
    rest, _ = crowd.rest(90)
    assert set(rest.values()) == {0}
    made = {json.loads(line)["kind"] for line in calm.runtime.fault_log.read_text().splitlines()}
    assert made >= {"throttle", "job_fails", "duplicate", "callback_first", "unavailable", "kill"}
