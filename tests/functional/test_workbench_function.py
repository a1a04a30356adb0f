"""The web function as API Gateway calls it, over moto's DynamoDB, S3 and SQS; its sessions' rows."""

import asyncio
import base64
import gzip
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest

from recto.aws.dynamodb import DocumentRows, Table
from recto.aws.shell import utc_now
from recto.messages import Status
from recto.ports import DocumentRow
from recto_workbench.aws.services import new_id
from recto_workbench.aws.sessions import SessionRows
from recto_workbench.aws.tables import JobRows, TaskRows, TeamRows
from recto_workbench.steps.assignment import Desk
from recto_workbench.tasks import Worker
from recto_workbench.web.answers import too_large
from recto_workbench.web.sessions import Session, SessionStore, SignIn, key_of
from tests.contract.template import ROOT
from tests.contract.test_template import load
from tests.functional.conftest import INBOX, WORK
from tests.functional.test_labelling_store import make_table
from tests.web_fakes import MemorySessions
from tests.workbench_fakes import FakeLinks, FakeMessages, add_open_job, add_team

URL = "https://bench.example"


class Context:
    """What a handler looks at of Lambda's context."""

    function_name, memory_limit_in_mb, aws_request_id = "workbench", 1024, "request"
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:recto-workbench"


@pytest.fixture
def table(aws: None) -> Table:
    make_table()
    return Table("workbench", "recto-tests")


@pytest.fixture
def loop_of_the_container() -> Iterator[None]:
    """Mangum makes an event loop where the thread has none, and leaves it open: a container ends whole."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture
def function(table: Table, loop_of_the_container: None, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    sqs = boto3.client("sqs")
    given = {
        "WORKBENCH_TABLE": "workbench", "WORK_BUCKET": WORK, "INBOX_BUCKET": INBOX,
        "INTAKE_QUEUE_URL": sqs.create_queue(QueueName="intake")["QueueUrl"],
        "DESK_QUEUE_URL": sqs.create_queue(QueueName="desk")["QueueUrl"],
        "DOCUMENT_TABLE": "documents", "REPROCESS_FUNCTION": "recto-reprocess",
        "STATE_MACHINE_ARN": "arn:aws:states:us-east-1:000000000000:stateMachine:recto-document",
        "CONSOLIDATION_QUEUE_URL": sqs.create_queue(QueueName="consolidation")["QueueUrl"],
        "WORKBENCH_URL": f"{URL}/", "SIGN_IN_URL": "https://sign-in.example", "SIGN_IN_CLIENT": "client",
        "SIGN_IN_KEYS_URL": "https://keys.example", "SIGN_IN_ISSUER": "https://issuer.example",
    }  # fmt: skip
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return load(ROOT / "functions" / "workbench" / "app.py")


def request(
    method: str, path: str, query: str = "", body: Any = None, cookies: tuple[str, ...] = (), **headers: str
) -> dict[str, Any]:
    """An event of API Gateway, payload 2.0: cookies apart, a body as text."""
    http = {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "t"}
    event: dict[str, Any] = {
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
        "headers": {"host": "bench.example", "x-forwarded-proto": "https", **headers},
        "requestContext": {"http": http, "stage": "$default", "requestId": "r"}, "isBase64Encoded": False,
    }  # fmt: skip
    event |= {"cookies": list(cookies)} if cookies else {}
    return event | ({"body": json.dumps(body)} if body is not None else {})


def answered(function: ModuleType, *args: Any, **kwargs: Any) -> dict[str, Any]:
    answer: dict[str, Any] = function.lambda_handler(request(*args, **kwargs), Context())
    assert json.dumps(answer)
    return answer


def test_a_sign_in_begins_with_a_secure_cookie_of_its_own(function: ModuleType, table: Table) -> None:
    answer = answered(function, "GET", "/api/auth/sign-in", "next=%2Fjobs")

    assert answer["statusCode"] == 302
    sent = urlsplit(answer["headers"]["location"])
    assert (sent.netloc, sent.path) == ("sign-in.example", "/oauth2/authorize")
    assert parse_qs(sent.query)["redirect_uri"] == [f"{URL}/api/auth/callback"]
    [cookie] = answer["cookies"]
    assert {"HttpOnly", "Secure", "Path=/api", "SameSite=lax", "Max-Age=600"} <= set(cookie.split("; "))
    value = re.match(r"recto_sign_in=([^;]+)", cookie)
    assert value
    assert SessionRows(table).take(key_of(value[1])) is not None


def test_a_signed_in_persons_request_is_answered(function: ModuleType, table: Table) -> None:
    SessionRows(table).save(session("cookie-1"))
    desk = Desk(
        jobs=JobRows(table), tasks=TaskRows(table), teams=TeamRows(table),
        objects=function.wiring().app.state.web.desk.objects, links=FakeLinks(), messages=FakeMessages(),
        clock=utc_now, make_id=new_id, work_bucket=WORK,
    )  # fmt: skip
    add_team(desk, groups=("annotators",))
    template = f"<crowd-form>{'<p>Vertrag</p>' * 100}</crowd-form>"
    add_open_job(desk, template=template, TaskAvailabilityLifetimeInSeconds=10**9)
    ours = {"x-recto": "1", "origin": URL, "content-type": "application/json"}
    cookies = ("other=1", "recto_session=cookie-1")

    me = answered(function, "GET", "/api/me", cookies=cookies)
    next_task = answered(function, "POST", "/api/jobs/job/next", body={}, cookies=cookies, **ours)
    nobody = answered(function, "GET", "/api/me")

    assert json.loads(me["body"])["worker_id"] == "s-1"
    task = json.loads(next_task["body"])["task"]
    assert task["state"] == "STARTED"
    assert nobody["statusCode"] == 401
    frame = answered(function, "GET", task["frame"])
    assert frame["statusCode"] == 200
    assert "crowd-form" in frame["body"]
    assert not frame["isBase64Encoded"]
    packed = answered(function, "GET", task["frame"], **{"accept-encoding": "gzip"})
    assert (packed["isBase64Encoded"], packed["headers"]["content-encoding"]) == (True, "gzip")
    assert gzip.decompress(base64.b64decode(packed["body"])).decode() == frame["body"]


def test_files_go_out_compressed_and_pages_name_the_buckets(function: ModuleType, static: None) -> None:
    index = answered(function, "GET", "/")
    [script] = re.findall(r'src="(/assets/[^"]+\.js)"', index["body"])
    packed = answered(function, "GET", script, **{"accept-encoding": "gzip"})

    policy = index["headers"]["content-security-policy"]
    assert f"connect-src 'self' https://{WORK}.s3" in policy
    assert f"https://{INBOX}.s3" in policy
    assert packed["isBase64Encoded"]
    assert packed["headers"]["content-encoding"] == "gzip"
    assert gzip.decompress(base64.b64decode(packed["body"]))


@pytest.fixture
def static() -> None:
    if not (ROOT / "workbench/src/recto_workbench/static/index.html").exists():
        pytest.skip("the pages are not built: make setup-demo")


def test_an_answer_that_would_not_be_carried_is_told_by_name() -> None:
    small = {"statusCode": 200, "body": "x" * 90, "headers": {}}
    # In JSON a quote takes two bytes, so the text alone would be within the limit.
    large = {"statusCode": 200, "body": '"' * 90, "headers": {}}

    assert too_large(small, 160) is None
    told = too_large(large, 160)
    assert told
    assert told["statusCode"] == 413
    assert json.loads(told["body"])["error"] == "TooLargeError"


def test_reviews_and_documents_are_answered_over_the_tables(function: ModuleType, table: Table) -> None:
    """An operator: an empty desk, a document in its table, and one that is not there."""
    documents = DocumentRows(Table("documents", "recto-tests"))
    now = utc_now()
    row = DocumentRow(
        document_id="d1", status=Status.WAITING, bucket=INBOX, key="a.pdf", received=now, updated=now
    )
    documents.add(row)
    documents.move(
        "d1",
        (Status.WAITING,),
        Status.FAILED,
        now + timedelta(seconds=1),
        error="OcrFailedError",
        cause="no page",
    )
    worker = Worker(worker_id="o-1", name="Olga", groups=("operators",))
    SessionRows(table).save(session("cookie-o", worker=worker))
    cookies = ("recto_session=cookie-o",)

    reviews = answered(function, "GET", "/api/reviews", cookies=cookies)
    none = answered(function, "GET", "/api/reviews/none", cookies=cookies)
    listed = answered(function, "GET", "/api/documents", "status=FAILED", cookies=cookies)
    detail = answered(function, "GET", "/api/documents/d1", cookies=cookies)

    counts = {"open": 0, "mine": 0, "adjudicate": 0, "escalated": 0}
    assert json.loads(reviews["body"]) == {"reviews": [], "next": None, "counts": counts}
    assert json.loads(none["body"])["error"] == "ReviewMissingError"
    [told] = json.loads(listed["body"])["documents"]
    assert (told["id"], told["reason"]) == ("d1", "OcrFailedError: no page")
    assert json.loads(listed["body"])["counts"]["FAILED"] == 1
    whole = json.loads(detail["body"])
    assert [each["what"] for each in whole["timeline"]] == ["RECEIVED", "WAITING", "FAILED"]
    assert whole["can"] == ["reprocess", "redrive"]
    assert [link["what"] for link in whole["links"]] == ["execution", "objects"]


# ---- sessions: the rows do as the fake does


def session(cookie: str, **changes: Any) -> Session:
    worker = Worker(worker_id="s-1", name="Anna", groups=("annotators",))
    now = utc_now()
    made = Session(
        key=key_of(cookie), worker=worker, refresh_token="r",
        fresh_until=now + timedelta(hours=1), expires=now + timedelta(hours=12),
    )  # fmt: skip
    return made.model_copy(update=changes)


@pytest.fixture(params=["memory", "table"])
def store(request: pytest.FixtureRequest, table: Table) -> SessionStore:
    return MemorySessions() if request.param == "memory" else SessionRows(table)


def test_a_session_is_kept_changed_and_ended(store: SessionStore) -> None:
    first = session("c")
    store.save(first)
    found = store.find(first.key)
    store.save(first.model_copy(update={"worker": Worker(worker_id="s-1")}))
    changed = store.find(first.key)
    store.end(first.key)

    assert found == first
    assert changed
    assert (changed.worker.groups, changed.worker.name) == ((), "")
    assert store.find(first.key) is None
    store.end("none")
    assert store.find("none") is None


def test_a_session_is_renewed_while_it_lasts_and_never_after(store: SessionStore) -> None:
    first = session("c")
    store.save(first)

    assert store.renew(first.model_copy(update={"refresh_token": "r2"}))
    found = store.find(first.key)
    store.end(first.key)

    assert found
    assert found.refresh_token == "r2"
    assert not store.renew(first)
    assert store.find(first.key) is None


def test_a_sign_in_is_taken_once(store: SessionStore) -> None:
    begun = SignIn(
        key="k", state="s", verifier="v", nonce="n", next="/jobs", expires=utc_now() + timedelta(minutes=10)
    )
    store.begin(begun)

    assert store.take("k") == begun
    assert store.take("k") is None
    assert store.take("other") is None


def test_an_ended_session_leaves_no_token_behind(table: Table) -> None:
    rows = SessionRows(table)
    rows.save(session("c"))
    rows.end(key_of("c"))

    item = table.get({"pk": f"SESSION#{key_of('c')}", "sk": "SESSION"})

    assert item
    assert set(item) == {"pk", "sk", "expires_at"}
