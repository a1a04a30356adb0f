"""Reviews and documents in the deployed workbench, as its pages ask for them."""
# ruff: noqa: F811 - fixtures of another module

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from recto.messages import Status
from tests.e2e.conftest import Pipeline, wait_for
from tests.e2e.test_2_bad_input import blank_page
from tests.e2e.test_b2_workbench_web import DIRECT, Browser, new_browser, refusal, url  # noqa: F401

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


@pytest.fixture
def olga(new_browser: Callable[[], Browser]) -> Browser:
    browser = new_browser()
    assert browser.sign_in("olga").status_code == 302
    return browser


@pytest.fixture
def rita(new_browser: Callable[[], Browser]) -> Browser:
    browser = new_browser()
    assert browser.sign_in("rita").status_code == 302
    return browser


def test_a_review_is_answered_over_the_api_and_the_document_processed_again(
    pipeline: Pipeline, rita: Browser, olga: Browser
) -> None:
    (row,) = pipeline.settled([pipeline.send(blank_page(), "status/blank.pdf")])
    assert row.status is Status.IN_REVIEW, (row.error, row.cause)
    document = f"/api/documents/{row.document_id}"

    listed = olga.get("/api/documents?status=IN_REVIEW&search=status/blank").json()
    [told] = listed["documents"]
    review = f"/api/reviews/{told['review']}"
    shown = wait_for(lambda: found(rita.get(review)), 60, lambda: rita.get(review).text)
    assert rita.change("POST", f"{review}/claim").status_code == 200
    assert httpx.get(shown["document"]["url"], **DIRECT).content[:5] == b"%PDF-"
    assert rita.get(f"{review}/pages/1").json()["page"] == 1

    refused = rita.change("POST", f"{review}/submit", {"answer": {}})
    assert refusal(refused) == (422, "AnswerIncompleteError")
    answer = {f"field-present-{each['field']}": False for each in refused.json()["problems"]}
    answer |= {"field-present-Provider Name": True, "field-value-Provider Name": "ACME"}
    taken = rita.change("POST", f"{review}/submit", {"answer": answer, "seconds": 2})
    assert taken.json() == {"state": "ANSWERED"}, taken.text

    ended = pipeline.ended(row.document_id, 240)
    assert (ended.status, ended.cause) == (Status.PROCESSED, "")
    detail = olga.get(document).json()
    assert detail["fields"]["Provider Name"]["Value"] == "ACME"
    assert detail["fields_are"] == "published"
    assert {"RECEIVED", "WAITING", "RUNNING", "IN_REVIEW", "PROCESSED"} <= {
        each["what"] for each in detail["timeline"] if each["kind"] == "status"
    }
    steps = {each["what"] for each in detail["timeline"] if each["kind"] == "step"}
    assert steps == {"ocr", "images", "model", "postprocess", "review", "publish"}
    assert httpx.get(detail["result_url"], **DIRECT).json()["Status"] == "PROCESSED"
    assert refusal(rita.get(document)) == (403, "NotAllowedError")

    nothing_is_missing = olga.change("POST", f"{document}/redrive", {})
    assert refusal(nothing_is_missing) == (409, "ReprocessRefusedError")
    again = olga.change("POST", f"{document}/reprocess", {"from": "publish", "attempt": 1})
    assert again.json() == {"status": "WAITING", "attempt": 2, "from": "publish"}, again.text

    def published_again() -> Any:
        now = olga.get(document).json()
        return now if (now["status"], now["attempt"]) == ("PROCESSED", 2) else None

    wait_for(published_again, 120, lambda: olga.get(document).text)


def found(answer: httpx.Response) -> Any:
    return answer.json() if answer.status_code == 200 else None
