"""Reviews in the workbench's API: who may what, blind audits, incomplete answers, links that end."""

import gzip
import json
import logging
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from recto.document import Page, Word
from recto.fields import dump_fields, parse_fields
from recto.geometry import Box
from recto.messages import Status
from recto.pagestore import PageIndex, PartWriter
from recto.places import DocumentPlaces, Location
from recto.ports import DocumentRow
from recto.results import DocumentResult, FieldResult
from recto_workbench.loops import Loop, LoopState, Reason
from recto_workbench.review_ports import LoopChange
from tests.memory import MemoryObjects
from tests.review_fakes import FakeReprocess, WatchedMemory, add_loop
from tests.web_fakes import CHANGE, Bench, make_bench
from tests.workbench_fakes import WORK, FakeClock, add_open_job, add_team

SECRET = "secret-value-of-the-model"
TOKEN = "AQCEAAAAKgAAAAMAAAAAAAAAAtasktoken"
FIELDS = [
    {"ClassId": 0, "Name": "Total", "Type": "money", "Select": "confidence", "Currency": "EUR",
     "Validators": [{"Name": "money_range", "Minimum": 0, "Maximum": 100}]},
    {"ClassId": 1, "Name": "Shop", "Optional": True, "Select": "first"},
]  # fmt: skip
DOCUMENT = "d" * 32


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = make_bench(tmp_path)
    add_document(made)
    return made


def objects_of(bench: Bench) -> MemoryObjects:
    assert isinstance(bench.desk.objects, MemoryObjects)
    return bench.desk.objects


def clock_of(bench: Bench) -> FakeClock:
    assert isinstance(bench.desk.clock, FakeClock)
    return bench.desk.clock


def documents_of(bench: Bench) -> WatchedMemory:
    assert isinstance(bench.watch.documents, WatchedMemory)
    return bench.watch.documents


def add_document(bench: Bench) -> None:
    """Three pages of words in the page store, the document itself in the inbox, its row."""
    objects, places = objects_of(bench), DocumentPlaces(WORK, DOCUMENT)
    objects.write(Location(bucket="inbox", key="in/scan.pdf"), b"%PDF-1.7 and so on")
    writer = PartWriter(1)
    for number in (1, 2, 3):
        box = Box(0.1, 0.2, 0.3, 0.25)
        writer.add(Page(number, (Word(f"page-{number}", box, 0.9, 0, "w1"), Word("end", box, 0.8, 0, "w1"))))
    content, entries = writer.finish()
    objects.write(places.ocr_part(1), content)
    objects.write(places.ocr_index, PageIndex(pages=entries).to_json())
    objects.write(places.image(2), b"jpeg")
    objects.write(places.fields, json.dumps(model_result().to_json()).encode())
    now = bench.desk.clock()
    row = DocumentRow(
        document_id=DOCUMENT, status=Status.IN_REVIEW, bucket="inbox", key="in/scan.pdf", received=now,
        updated=now, review_id="r1",
    )  # fmt: skip
    documents_of(bench).add(row)


def model_result() -> DocumentResult:
    common = {"class_id": 0, "sort_order": 0, "num_detections": 0, "num_detected_values": 1}
    return DocumentResult(
        confidence=0.4,
        fields={
            "Total": FieldResult(**common, confidence=0.4, value="12.00 EUR", normalized_value="12.00 EUR"),
            "Shop": FieldResult(**common, confidence=0.6, value=SECRET, raw_text=SECRET),
        },
    )


def task(**changes: Any) -> dict[str, Any]:
    return {
        "ReviewId": "r1",
        "TaskObject": "s3://inbox/in/scan.pdf",
        "ModelResult": model_result().to_json(),
        "Document": {"DocumentId": DOCUMENT, "Name": "scan.pdf", "Kind": "pdf", "NumPages": 3},
        "FieldConfiguration": dump_fields(parse_fields(FIELDS)),
        "Thresholds": {"Default": 0.9, "Fields": {}},
        "TaskToken": TOKEN,
        **changes,
    }


def open_review(
    bench: Bench, name: str = "loop", change: dict[str, Any] | None = None, has_token: bool = True, **row: Any
) -> Loop:
    expires = bench.desk.clock() + timedelta(days=1)
    told = {"document_id": DOCUMENT, "title": "scan.pdf", "pages": 3, "seconds": 600, **row}
    content = task(**(change or {}))
    if not has_token:
        del content["TaskToken"]
    return add_loop(bench.reviews, name, json.dumps(content).encode(), expires, **told)


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def post(browser: TestClient, path: str, body: Any = None) -> Any:
    return browser.post(path, json={} if body is None else body, headers=CHANGE)


def claimed(bench: Bench, person: str = "rita", name: str = "loop") -> TestClient:
    browser = bench.signed_in(person, "reviewers")
    assert post(browser, f"/api/reviews/{name}/claim").status_code == 200
    return browser


# ---- who may what

REVIEWERS, OPERATORS = {"reviewer", "operator"}, {"operator"}
ALL = {"annotator", "reviewer", "operator", "nobody"}
MAY = {
    "/api/me": ALL, "/api/jobs": ALL, "/api/jobs/{name}": OPERATORS, "/api/jobs/{name}/stop": OPERATORS,
    "/api/reviews": REVIEWERS, "/api/documents": OPERATORS,
}  # fmt: skip
OF_THE_TEAM = ("/api/jobs/{name}/next", "/api/tasks/")
"""Who may is said by the work team, whatever the role; see test_workbench_web."""
OPEN = ("/api/auth/",)
BODIES = {
    "draft": {"answer": {}}, "check": {"answer": {}}, "submit": {"answer": {}}, "reject": {"reason": "x"},
    "notes": {"text": "x"}, "reprocess": {"from": "model"},
}  # fmt: skip


def api_routes(bench: Bench) -> Iterator[tuple[str, str]]:
    for route in bench.app.routes:
        if isinstance(route, Route) and route.path.startswith("/api/") and "{rest" not in route.path:
            for method in sorted((route.methods or set()) - {"HEAD", "OPTIONS"}):
                yield method, route.path


def who_may(path: str) -> set[str]:
    if path in MAY:
        return MAY[path]
    return REVIEWERS if path.startswith("/api/reviews/") else OPERATORS


def filled(path: str) -> str:
    names = {"name": "job", "review": "loop", "document": DOCUMENT, "page": "1", "assignment": "none"}
    return re.sub(r"\{(\w+)\}", lambda match: names[match[1]], path)


def asked(browser: TestClient, method: str, path: str) -> Any:
    body = BODIES.get(path.rpartition("/")[2], {})
    if method == "GET":
        return browser.get(filled(path))
    return browser.request(method, filled(path), json=body, headers=CHANGE)


def test_every_route_is_for_its_roles_alone(bench: Bench) -> None:
    open_review(bench)
    add_team(bench.desk)
    add_open_job(bench.desk)
    groups = {
        "annotator": ("annotators",),
        "reviewer": ("reviewers",),
        "operator": ("operators",),
        "nobody": (),
    }
    browsers = {role: bench.signed_in(role, *names) for role, names in groups.items()}
    seen = set()
    for method, path in api_routes(bench):
        if path.startswith((*OPEN, *OF_THE_TEAM)):
            continue
        for role, browser in browsers.items():
            answer = asked(browser, method, path)
            is_refused = answer.status_code == 403 and "for the role" in answer.text
            assert is_refused is (role not in who_may(path)), (method, path, role, answer.text)
            assert answer.status_code != 500, (method, path, role, answer.text)
            seen.add((method, path, role))
    assert len(seen) >= 4 * 19


def test_no_route_answers_somebody_who_is_not_signed_in(bench: Bench) -> None:
    open_review(bench)

    for method, path in api_routes(bench):
        if not path.startswith(OPEN):
            assert refusal(asked(bench.browser(), method, path)) == (401, "NotSignedInError"), path


def test_every_change_comes_from_our_own_pages(bench: Bench) -> None:
    loop = open_review(bench)
    browser = bench.signed_in("olga", "operators", "reviewers")
    foreign = [
        {"Origin": CHANGE["Origin"]},
        {"X-Recto": "1"},
        {"X-Recto": "1", "Origin": "https://evil.example"},
        {**CHANGE, "Sec-Fetch-Site": "cross-site"},
    ]
    for method, path in api_routes(bench):
        if method == "GET":
            continue
        for headers in foreign:
            body = BODIES.get(path.rpartition("/")[2], {})
            answer = browser.request(method, filled(path), json=body, headers=headers)
            assert refusal(answer) == (403, "NotAllowedError"), (method, path, headers)
    assert bench.reviews.loops.loop(loop.name) == loop


def test_names_and_texts_are_json_and_never_a_page(bench: Bench) -> None:
    hostile = "<script>alert(1)</script>"
    open_review(bench, title=hostile, change={"Document": {"Name": hostile, "DocumentId": hostile}})
    rita = bench.signed_in("rita", "reviewers")

    for path in ("/api/reviews", "/api/reviews/loop", "/api/reviews/loop/pages/1", f"/api/reviews/{hostile}"):
        answer = rita.get(path)
        assert answer.headers["content-type"] == "application/json", path
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_review_keeps_the_fields_that_it_was_made_with(bench: Bench) -> None:
    """A release made meanwhile has other rules; the answer goes to the one that the document is pinned to."""
    open_review(bench)
    stricter = [{**FIELDS[0], "Name": "Sum"}]
    objects_of(bench).write(
        Location(bucket=WORK, key="releases/new/fields.json"), json.dumps(stricter).encode()
    )
    rita = claimed(bench)

    body = {"answer": {"field-present-Total": True, "field-value-Total": "9.00 EUR"}}
    assert post(rita, "/api/reviews/loop/submit", body).json() == {"state": "ANSWERED"}


def test_a_review_of_another_team_is_not_shown_nor_its_pages(bench: Bench) -> None:
    add_team(bench.desk, "specialists", ("specialists",))
    open_review(bench, team="specialists")
    rita, sam = bench.signed_in("rita", "reviewers"), bench.signed_in("sam", "reviewers", "specialists")

    for path in ("", "/pages/1"):
        assert refusal(rita.get(f"/api/reviews/loop{path}")) == (403, "NotAllowedError")
        assert sam.get(f"/api/reviews/loop{path}").status_code == 200
    for act in ("check", "submit", "claim"):
        body = BODIES.get(act, {})
        assert refusal(post(rita, f"/api/reviews/loop/{act}", body)) == (403, "NotAllowedError")
    assert rita.get("/api/reviews").json()["reviews"] == []


def test_a_review_that_is_none_is_told(bench: Bench) -> None:
    rita = bench.signed_in("rita", "reviewers")

    assert refusal(rita.get("/api/reviews/none")) == (404, "ReviewMissingError")
    assert refusal(rita.get("/api/reviews/none/pages/1")) == (404, "ReviewMissingError")
    assert refusal(post(rita, "/api/reviews/none/check", {"answer": {}})) == (404, "ReviewMissingError")


# ---- what leaves the server


def all_answers(bench: Bench, browser: TestClient) -> str:
    """Everything that every reading route says."""
    paths = [path for method, path in api_routes(bench) if method == "GET" and not path.startswith(OPEN)]
    told = [browser.get(filled(path)).text for path in paths]
    told.append(post(browser, "/api/reviews/loop/check", {"answer": {}}).text)
    return "\n".join(told)


def test_no_answer_has_a_task_token_or_a_link_that_lasts(bench: Bench) -> None:
    open_review(bench)
    olga = bench.signed_in("olga", "operators", "reviewers")
    post(olga, "/api/reviews/loop/claim")

    told = all_answers(bench, olga)

    assert SECRET in told  # it looks at what matters
    assert TOKEN not in told
    assert "askToken" not in told
    seconds = [int(each) for each in re.findall(r"[?]read=(\d+)", told)]
    assert len(seconds) >= 3
    assert max(seconds) <= 900


def test_nothing_of_the_model_leaves_the_server_in_an_audit(bench: Bench) -> None:
    """Whatever whoever made the task has left in it: values, by reference, under other names, reasons."""
    said = [Reason(code="below_threshold", field="Shop")]
    audits: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"Audit": True}, {"kind": "audit", "reasons": said, "num_reasons": 1}),
        ({"Audit": True, "Found": {"Shop": SECRET}}, {}),
        ({}, {"kind": "audit"}),
        ({"Audit": True, "ModelResult": {"S3Uri": f"s3://{WORK}/documents/{DOCUMENT}/fields.json"}}, {}),
        ({"Audit": True, "ModelResult": {"Fields": {"Shop": {"Value": SECRET}}, "Odd": SECRET}}, {}),
        ({"Audit": True, "ModelResult": {"Fields": SECRET}}, {}),
    ]
    rita = bench.signed_in("rita", "reviewers")
    for number, (change, row) in enumerate(audits):
        name = f"audit-{number}"
        open_review(bench, name, change, **row)
        post(rita, f"/api/reviews/{name}/claim")
        answers = [
            rita.get("/api/reviews"), rita.get("/api/reviews?state=mine"), rita.get(f"/api/reviews/{name}"),
            rita.get(f"/api/reviews/{name}/pages/1"),
            post(rita, f"/api/reviews/{name}/check", {"answer": {}}),
            post(rita, f"/api/reviews/{name}/check", {"answer": {"field-present-Shop": True}}),
            post(rita, f"/api/reviews/{name}/submit", {"answer": {}}),
        ]  # fmt: skip
        told = "\n".join(answer.text for answer in answers)
        assert SECRET not in told, (change, told)
        assert "12.00" not in told
        assert "below_threshold" not in told
        assert all(answer.status_code < 500 for answer in answers)
        shown = answers[2].json()
        assert shown["task_url"] is None  # a link would lead to the loop's own input
        assert [f["Name"] for f in shown["task"]["FieldConfiguration"]] == ["Total", "Shop"]


def test_an_audits_answer_is_judged_and_taken(bench: Bench) -> None:
    open_review(bench, change={"Audit": True}, kind="audit")
    rita = claimed(bench)

    lacking = post(rita, "/api/reviews/loop/submit", {"answer": {}})
    answer = {"field-present-Total": True, "field-value-Total": "5.00 EUR", "field-present-Shop": False}
    taken = post(rita, "/api/reviews/loop/submit", {"answer": answer})

    assert refusal(lacking) == (422, "AnswerIncompleteError")
    assert taken.json() == {"state": "ANSWERED"}


def test_a_task_names_documents_and_nothing_else_of_ours(bench: Bench) -> None:
    """A task is what somebody wrote: what it says of others' drafts and of releases leads nowhere."""
    objects_of(bench).write(Location(bucket=WORK, key="reviews/other/drafts/x.json"), SECRET.encode())
    open_review(
        bench,
        change={
            "TaskObject": f"s3://{WORK}/reviews/other/drafts/x.json",
            "PageImages": [f"s3://{WORK}/labelling/job/drafts/a.json", 7],
            "Words": {"Index": f"s3://{WORK}/releases/r/release.json", "Parts": "none"},
            "ModelResult": {"S3Uri": f"s3://{WORK}/reviews/other/drafts/x.json"},
            "Document": {"DocumentId": "../../reviews/other", "MadeIn": {"ocr": 0}},
        },
    )
    rita = bench.signed_in("rita", "reviewers")

    shown, page = rita.get("/api/reviews/loop"), rita.get("/api/reviews/loop/pages/1")

    assert shown.status_code == page.status_code == 200
    assert "drafts" not in json.dumps(shown.json()["document"]) + page.text
    assert shown.json()["document"]["missing"]
    assert SECRET not in shown.text


# ---- the review


def test_a_review_has_its_task_document_words_and_images(bench: Bench) -> None:
    open_review(bench)
    rita = claimed(bench)

    shown = rita.get("/api/reviews/loop").json()
    first, second = (rita.get(f"/api/reviews/loop/pages/{n}").json() for n in (1, 2))

    assert shown["document"] == {
        "kind": "pdf", "url": "https://inbox.example/in/scan.pdf?read=900", "pages": 3, "missing": False,
    }  # fmt: skip
    assert shown["task"]["ModelResult"]["Fields"]["Shop"]["Value"] == SECRET
    assert "TaskToken" not in shown["task"]
    assert (shown["mine"], shown["native"], shown["frame"], shown["nonce"]) == (True, True, None, None)
    assert {"release", "submit", "reject", "note"} <= set(shown["can"])
    assert first["words"] == [
        {"id": "w1", "text": "page-1", "box": [0.1, 0.2, 0.3, 0.25], "confidence": 0.9},
        {"id": "w1#1", "text": "end", "box": [0.1, 0.2, 0.3, 0.25], "confidence": 0.8},
    ]
    assert second["words"][0]["text"] == "page-2"
    assert first["image"] is None  # a browser draws a PDF itself


def test_a_page_is_one_ranged_read(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    open_review(bench)
    rita = bench.signed_in("rita", "reviewers")
    asked: list[tuple[str, int, int]] = []
    read = MemoryObjects.read_range

    def noted(self: MemoryObjects, place: Location, offset: int, length: int) -> bytes:
        asked.append((place.key, offset, length))
        return read(self, place, offset, length)

    monkeypatch.setattr(MemoryObjects, "read_range", noted)
    rita.get("/api/reviews/loop/pages/2")

    whole = objects_of(bench).read(DocumentPlaces(WORK, DOCUMENT).ocr_part(1))
    [(key, offset, length)] = asked
    assert key.endswith("part-0001.bin")
    assert offset > 0
    assert length < len(whole) / 2


@pytest.mark.parametrize("page", ["0", "4", "-1", "1.5", "٣", "9999999", "x"])
def test_a_page_that_is_none_is_refused(bench: Bench, page: str) -> None:
    open_review(bench)

    answer = bench.signed_in("rita", "reviewers").get(f"/api/reviews/loop/pages/{page}")

    assert refusal(answer) == (400, "RequestError")


def test_a_document_that_was_removed_is_said_so_and_its_pages_stand_in(bench: Bench) -> None:
    open_review(bench)
    objects_of(bench).delete(Location(bucket="inbox", key="in/scan.pdf"))
    rita = claimed(bench)

    document = rita.get("/api/reviews/loop").json()["document"]
    page = rita.get("/api/reviews/loop/pages/2").json()

    assert (document["missing"], document["kind"], document["url"]) == (True, "images", None)
    assert "removed" in document["message"]
    assert page["image"] == f"https://work.example/documents/{DOCUMENT}/images/page-0002.jpg?read=900"
    assert [word["text"] for word in page["words"]] == ["page-2", "end"]
    answer = {"field-present-Total": True}
    assert post(rita, "/api/reviews/loop/submit", {"answer": answer}).json() == {"state": "ANSWERED"}


def test_a_document_whose_words_are_gone_can_be_reviewed_all_the_same(bench: Bench) -> None:
    open_review(bench)
    objects_of(bench).delete(DocumentPlaces(WORK, DOCUMENT).ocr_part(1))
    rita = bench.signed_in("rita", "reviewers")

    assert rita.get("/api/reviews/loop/pages/1").json()["words"] == []
    objects_of(bench).delete(DocumentPlaces(WORK, DOCUMENT).ocr_index)
    assert rita.get("/api/reviews/loop/pages/1").json()["words"] == []
    assert rita.get("/api/reviews/loop").json()["document"]["pages"] == 3


def test_a_picture_is_shown_by_itself_and_a_tiff_by_its_page_images(bench: Bench) -> None:
    objects = objects_of(bench)
    objects.write(Location(bucket="inbox", key="a.png"), b"\x89PNG\r\n\x1a\n")
    objects.write(Location(bucket="inbox", key="b.tiff"), b"II*\x00")
    image = f"s3://{WORK}/documents/{DOCUMENT}/images/page-0002.jpg"
    open_review(bench, "png", {"TaskObject": "s3://inbox/a.png", "Document": {}})
    tiff = {"DocumentId": DOCUMENT, "Kind": "images", "NumPages": 2}
    open_review(
        bench, "tiff", {"TaskObject": "s3://inbox/b.tiff", "Document": tiff, "PageImages": [image, image]}
    )
    rita = bench.signed_in("rita", "reviewers")

    png = rita.get("/api/reviews/png").json()["document"]

    assert (png["kind"], png["pages"]) == ("images", 0)
    assert rita.get("/api/reviews/png/pages/1").json()["image"] == "https://inbox.example/a.png?read=900"
    assert "page-0002" in rita.get("/api/reviews/tiff/pages/1").json()["image"]


def test_a_result_by_reference_is_put_into_the_task(bench: Bench) -> None:
    uri = f"s3://{WORK}/documents/{DOCUMENT}/fields.json"
    open_review(bench, change={"ModelResult": {"S3Uri": uri}})

    shown = bench.signed_in("rita", "reviewers").get("/api/reviews/loop").json()

    assert shown["task"]["ModelResult"]["Fields"]["Shop"]["Value"] == SECRET


@pytest.mark.parametrize(("is_elsewhere", "has_token"), [(False, False), (True, False), (False, True)])
def test_a_large_task_lies_behind_a_short_lived_link(
    bench: Bench, is_elsewhere: bool, has_token: bool
) -> None:
    large = model_result().model_copy(update={"warnings": ("x" * 4_100_000,)}).to_json()
    uri = f"s3://{WORK}/documents/{DOCUMENT}/fields.json"
    if is_elsewhere:
        objects_of(bench).write(Location.from_uri(uri), json.dumps(large).encode())
    change = {"ModelResult": {"S3Uri": uri} if is_elsewhere else large}
    open_review(bench, change={**change, **({"TaskToken": TOKEN} if has_token else {})}, has_token=has_token)
    rita = claimed(bench)

    shown = rita.get("/api/reviews/loop").json()

    name = "task.json" if is_elsewhere or has_token else "input.json"
    assert shown["task"] is None
    assert shown["task_url"] == f"https://work.example/reviews/loop/{name}?read=900"
    behind = json.loads(objects_of(bench).read(Location(bucket=WORK, key=f"reviews/loop/{name}")))
    assert behind["ModelResult"]["Fields"]["Shop"]["Value"] == SECRET
    assert TOKEN not in json.dumps(behind)


def test_large_answers_are_packed_for_browsers_that_take_it(bench: Bench) -> None:
    open_review(bench, change={"Thresholds": {"Default": 0.9, "Fields": {f"F{n}": 0.5 for n in range(9999)}}})
    rita = bench.signed_in("rita", "reviewers")

    with rita.stream("GET", "/api/reviews/loop", headers={"Accept-Encoding": "gzip"}) as packed:
        body = b"".join(packed.iter_raw())
    plain = rita.get("/api/reviews/loop", headers={"Accept-Encoding": "identity"})

    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) == len(body) < len(plain.content) / 4
    assert json.loads(gzip.decompress(body))["task"] == plain.json()["task"]
    assert "content-encoding" not in plain.headers
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert packed.headers["cache-control"] == "no-store"


# ---- answers


def test_while_one_types_the_pipelines_own_rules_answer(bench: Bench) -> None:
    open_review(bench)
    rita = bench.signed_in("rita", "reviewers")
    body = {"answer": {"field-present-Total": True, "field-value-Total": "EUR 250"}}

    told = post(rita, "/api/reviews/loop/check", body).json()

    [value] = told["fields"]["Total"]["values"]
    assert value["normalized"] == "250.00 EUR"
    assert value["parsed"] is True
    assert value["failed"][0].startswith("money_range")
    assert told["complete"] is False
    assert [problem["field"] for problem in told["problems"]] == ["Total"]
    assert told["fields"]["Shop"] == {
        "values": [{"value": SECRET, "normalized": None, "alternatives": [], "flags": [], "parsed": False,
                    "failed": []}],
        "failed_rules": [], "missing": False,
    }  # fmt: skip


def test_an_answer_that_cannot_be_read_is_refused_by_name(bench: Bench) -> None:
    open_review(bench)
    rita = claimed(bench)

    for answer in ({"field-value-Nobody": "x"}, {"field-present-Total": "perhaps"}, {"store": "{"}):
        for act in ("check", "submit"):
            told = post(rita, f"/api/reviews/loop/{act}", {"answer": answer})
            assert refusal(told) == (400, "RequestError"), answer


def test_an_answer_is_taken_when_its_rules_hold(bench: Bench) -> None:
    open_review(bench)
    rita = claimed(bench)
    answer = {"field-present-Total": True, "field-value-Total": "250.00 EUR"}

    refused = post(rita, "/api/reviews/loop/submit", {"answer": answer})
    confirmed = {**answer, "field-confirmed-Total": "it is printed so"}
    edits = [
        {"at": "2026-11-21T09:00:00Z", "field": "Total", "from": "12.00", "to": "250.00", "how": "typed"}
    ]
    body = {"answer": confirmed, "edits": edits, "seconds": 12.5}
    taken = post(rita, "/api/reviews/loop/submit", body)

    assert refusal(refused) == (422, "AnswerIncompleteError")
    [problem] = refused.json()["problems"]
    assert problem["field"] == "Total"
    assert "250" in problem["message"]
    assert taken.json() == {"state": "ANSWERED"}
    history = rita.get("/api/reviews/loop").json()["history"]
    assert ("Total", "12.00", "250.00") in [(h["field"], h["from"], h["to"]) for h in history]


def test_an_answer_that_says_nothing_is_not_taken_for_the_pipeline_to_refuse(bench: Bench) -> None:
    open_review(bench)
    rita = claimed(bench)

    told = [
        post(rita, "/api/reviews/loop/submit", {"answer": answer})
        for answer in ({}, {"field-confirmed-Total": " "})
    ]

    assert [refusal(each) for each in told] == [(422, "AnswerIncompleteError")] * 2
    assert "nothing is said about any field" in told[0].json()["message"]
    assert post(rita, "/api/reviews/loop/check", {"answer": {}}).json()["complete"], "nothing yet is no fault"


def test_the_same_answer_again_is_no_second_one(bench: Bench) -> None:
    open_review(bench)
    rita = claimed(bench)
    body = {"answer": {"field-confirmed-Total": "it is printed so"}}

    told = [post(rita, "/api/reviews/loop/submit", body) for _ in range(2)]

    assert [each.json() for each in told] == [{"state": "ANSWERED"}] * 2


def test_an_answer_that_comes_too_late_is_told_and_kept_however_incomplete(bench: Bench) -> None:
    loop = open_review(bench)
    rita = claimed(bench)
    there = bench.reviews.loops.loop(loop.name)
    assert there
    ended = there.ended_as(LoopState.STOPPED, bench.desk.clock(), "stopped", "by the operator")
    assert bench.reviews.loops.write(LoopChange(loop=ended))

    told = post(rita, "/api/reviews/loop/submit", {"answer": {"field-value-Total": "250.00 EUR"}})

    assert refusal(told) == (409, "ReviewClosedError")
    assert "kept" in told.json()["message"]
    assert any("late" in key and b"250.00 EUR" in body for key, body in objects_of(bench).bodies.items())


def test_two_at_once_are_told_apart(bench: Bench) -> None:
    open_review(bench)
    claimed(bench, "rita")
    ralf = bench.signed_in("ralf", "reviewers")

    assert refusal(post(ralf, "/api/reviews/loop/claim")) == (409, "ClaimLostError")
    body = {"answer": {"field-present-Total": True}}
    assert refusal(post(ralf, "/api/reviews/loop/submit", body)) == (409, "ClaimLostError")
    assert post(ralf, "/api/reviews/next").json() == {"review": None}


def test_a_document_is_turned_down_with_a_reason(bench: Bench) -> None:
    open_review(bench)
    rita = claimed(bench)

    assert refusal(post(rita, "/api/reviews/loop/reject", {"reason": "  "})) == (400, "RequestError")
    without = post(rita, "/api/reviews/loop/submit", {"answer": {"document-rejected": True}})
    assert refusal(without) == (422, "AnswerIncompleteError")
    taken = post(rita, "/api/reviews/loop/reject", {"reason": "a menu, no receipt"})
    assert taken.json() == {"state": "ANSWERED"}


def test_a_day_at_the_desk(bench: Bench) -> None:
    """Next, draft, note, release, again with the draft, submit, reopen, submit."""
    open_review(bench)
    rita = bench.signed_in("rita", "reviewers")

    assert post(rita, "/api/reviews/next").json() == {"review": "loop"}
    draft = {"answer": {"field-value-Total": "7.00 EUR"}, "edits": []}
    saved = rita.put("/api/reviews/loop/draft", json=draft, headers=CHANGE).json()
    assert set(saved) == {"saved", "claimed_until"}
    [note] = post(rita, "/api/reviews/loop/notes", {"text": "<b>hard to read</b>"}).json()["notes"]
    assert note["text"] == "<b>hard to read</b>"
    assert post(rita, "/api/reviews/loop/release").json() == {"state": "OPEN"}
    assert rita.get("/api/reviews").json()["counts"]["open"] == 1
    post(rita, "/api/reviews/loop/claim")
    shown = rita.get("/api/reviews/loop").json()
    assert shown["draft"]["answer"] == draft["answer"]
    assert post(rita, "/api/reviews/loop/submit", {"answer": draft["answer"]}).json()["state"] == "ANSWERED"
    assert "reopen" in rita.get("/api/reviews/loop").json()["can"]
    assert post(rita, "/api/reviews/loop/reopen").json() == {"state": "OPEN"}
    assert rita.get("/api/reviews/loop").json()["draft"]["answer"] == draft["answer"]


def test_who_decides_sees_what_the_others_said(bench: Bench) -> None:
    open_review(bench, wanted=2)
    for person, total in (("rita", "1.00 EUR"), ("ralf", "2.00 EUR")):
        body = {"answer": {"field-present-Total": True, "field-value-Total": total}}
        assert post(claimed(bench, person), "/api/reviews/loop/submit", body).status_code == 200
    there = bench.reviews.loops.loop("loop")
    assert there
    assert bench.reviews.loops.write(LoopChange(loop=there.in_dispute()))
    rosa = claimed(bench, "rosa")

    shown = rosa.get("/api/reviews/loop").json()

    assert shown["kind"] == "adjudication"
    totals = {each["answer"]["field-value-Total"] for each in shown["opinions"]}
    assert totals == {"1.00 EUR", "2.00 EUR"}
    rita = bench.signed_in("rita", "reviewers")
    assert rita.get("/api/reviews/loop").json()["opinions"] == []


def test_a_task_of_others_is_shown_and_its_answer_taken(bench: Bench) -> None:
    """With a result that is none of ours nobody can judge an answer: it is taken as it comes."""
    content = {"TaskObject": "s3://inbox/in/scan.pdf", "ModelResult": {"anything": [1]}}
    add_loop(bench.reviews, "loop", json.dumps(content).encode(), bench.desk.clock() + timedelta(days=1))
    rita = claimed(bench)

    shown = rita.get("/api/reviews/loop").json()
    taken = post(rita, "/api/reviews/loop/submit", {"answer": {"anything": "else"}})

    assert shown["task"]["ModelResult"] == {"anything": [1]}
    assert taken.json() == {"state": "ANSWERED"}


def test_a_loop_with_a_template_of_its_own_is_a_frame(bench: Bench) -> None:
    page = (
        "<crowd-form><input name='total'>{{ task.input.TaskObject | grant_read_access }}"
        "{{ task.input | to_json }}</crowd-form>"
    )
    objects_of(bench).write(Location(bucket=WORK, key="reviews/_task-uis/x/t.liquid.html"), page.encode())
    open_review(bench, template=f"s3://{WORK}/reviews/_task-uis/x/t.liquid.html")
    rita = claimed(bench)

    shown = rita.get("/api/reviews/loop").json()
    frame = bench.browser().get(shown["frame"])

    assert shown["task"] is None
    assert frame.status_code == 200
    assert "https://inbox.example/in/scan.pdf" in frame.text
    assert SECRET in frame.text
    assert TOKEN not in frame.text
    assert "sandbox" in frame.headers["content-security-policy"]
    altered = shown["frame"][:-3] + "abc"
    assert bench.browser().get(altered).status_code == 404
    no_nonce = post(rita, "/api/reviews/loop/submit", {"answer": {"total": "1"}})
    assert refusal(no_nonce) == (409, "NonceError")
    body = {"answer": {"total": "1"}, "nonce": shown["nonce"]}
    assert post(rita, "/api/reviews/loop/submit", body).json() == {"state": "ANSWERED"}
    assert bench.browser().get(shown["frame"]).status_code == 409


def test_a_frames_address_ends(bench: Bench) -> None:
    objects_of(bench).write(Location(bucket=WORK, key="reviews/_task-uis/x/t"), b"<crowd-form></crowd-form>")
    open_review(bench, template=f"s3://{WORK}/reviews/_task-uis/x/t", seconds=7200)
    frame = claimed(bench).get("/api/reviews/loop").json()["frame"]
    clock_of(bench).pass_by(901)

    assert bench.browser().get(frame).status_code == 409
    for odd in ("review.", "review.loop", "review.loop.!!.1.x", "review.loop.cml0YQ.٣.x", "review.a.b.c.d.e"):
        assert bench.browser().get(f"/frames/{odd}").status_code == 404, odd


# ---- the audit log


def test_who_did_what_is_told_without_a_word_of_the_document(
    bench: Bench, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[dict[str, Any]] = []
    monkeypatch.setattr(
        "recto_workbench.web.answers.logger.info", lambda name, extra: lines.append({"line": name, **extra})
    )
    caplog.set_level(logging.INFO)
    open_review(bench)
    rita = bench.signed_in("rita", "reviewers")
    olga = bench.signed_in("olga", "operators")
    assert isinstance(bench.again, FakeReprocess)

    post(rita, "/api/reviews/next")
    rita.get("/api/reviews/loop")
    post(rita, "/api/reviews/loop/notes", {"text": "private"})
    post(rita, "/api/reviews/loop/submit", {"answer": {"field-value-Total": "7.77 EUR"}})
    post(rita, "/api/reviews/loop/reopen")
    post(rita, "/api/reviews/loop/reject", {"reason": "why-not"})
    olga.get(f"/api/documents/{DOCUMENT}")
    post(olga, f"/api/documents/{DOCUMENT}/reprocess", {"from": "model"})

    assert [line["what"] for line in lines] == [
        "review_claimed", "review_opened", "review_noted", "review_submitted", "review_reopened",
        "review_rejected", "document_opened", "document_reprocessed",
    ]  # fmt: skip
    assert {line["line"] for line in lines} == {"audit"}
    assert {line["who"] for line in lines} == {"sub-rita", "sub-olga"}
    assert {line["document"] for line in lines} == {DOCUMENT}
    told = json.dumps(lines)
    assert not [text for text in ("private", "7.77", "why-not", SECRET, "scan.pdf") if text in told]
