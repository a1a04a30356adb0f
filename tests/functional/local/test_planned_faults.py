"""A fault plan in the running emulator and stand-ins, as real clients meet it."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from recto_local.faults import parse_plan
from recto_local.processes import wait_until
from tests.functional.local.conftest import TOPIC_ROLE, Servers, Standins
from tests.functional.local.drawn import pdf

ONE_PAGE = pdf([["Annual fee 95 dollars"]])
FAILURE = "INTERNAL_ERROR: the job failed"


def planned(servers: Servers, name: str, **plan: Any) -> Standins:
    path = servers.home / f"{name}.json"
    path.write_text(parse_plan(json.dumps({"seed": 7, **plan})).dump())
    options = ("--workers", "1", "--plan", str(path))
    return servers.start_standins(name, *options)


def noted(standins: Standins) -> list[dict[str, Any]]:
    log = standins.servers.home / standins.name / "faults.jsonl"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def refusal(standins: Standins, location: dict[str, Any], client: Any = None) -> str:
    """The service's name for the refusal; empty where the job was started."""
    try:
        (client or standins.client("textract")).start_document_text_detection(DocumentLocation=location)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def test_calls_are_refused_by_the_plan_before_the_quota_counts_them(standins: Standins) -> None:
    throttled = planned(
        standins.servers, "throttled",
        faults=[
            {"at": "textract", "operation": "Start*", "kind": "throttle", "share": 0.5,
             "errors": ["ThrottlingException"]},
        ],
    )  # fmt: skip
    location = throttled.upload(ONE_PAGE)

    codes = [refusal(throttled, location) for _ in range(12)]

    assert set(codes) == {"", "ThrottlingException"}
    assert [fault["error"] for fault in noted(throttled)] == [code for code in codes if code]


def test_the_plans_quota_of_jobs_holds(standins: Standins) -> None:
    limited = planned(
        standins.servers, "limited",
        quotas={"textract": {"concurrent_jobs": 2}},
        faults=[{"at": "textract", "kind": "job_slow", "share": 1, "seconds": [10, 10]}],
    )  # fmt: skip
    location = limited.upload(ONE_PAGE)

    codes = [refusal(limited, location) for _ in range(4)]

    assert codes == ["", "", "LimitExceededException", "LimitExceededException"]


def test_a_job_of_the_plan_fails_with_its_status_message_also_after_a_restart(standins: Standins) -> None:
    failing = planned(
        standins.servers, "failing", faults=[{"at": "textract", "kind": "job_fails", "share": 1}]
    )
    started = failing.client("textract").start_document_text_detection(
        DocumentLocation=failing.upload(ONE_PAGE)
    )

    ended = failing.ended(started["JobId"])
    again = failing.restarted().ended(started["JobId"])

    assert (ended["JobStatus"], ended["StatusMessage"]) == ("FAILED", FAILURE)
    assert (again["JobStatus"], again["StatusMessage"]) == ("FAILED", FAILURE)
    assert [fault["job_id"] for fault in noted(failing)] == [started["JobId"]]


def test_a_slow_job_takes_longer(standins: Standins) -> None:
    slow = planned(
        standins.servers, "slow",
        faults=[{"at": "textract", "kind": "job_slow", "share": 1, "seconds": [5, 5]}],
    )  # fmt: skip
    client, location = slow.client("textract"), slow.upload(ONE_PAGE)
    began = time.monotonic()

    job = client.start_document_text_detection(DocumentLocation=location)
    answered = time.monotonic() - began
    slow.ended(job["JobId"])

    assert answered < 5 < time.monotonic() - began


def test_a_jobs_end_is_heard_before_its_start_is_answered(standins: Standins) -> None:
    early = planned(
        standins.servers, "early", faults=[{"at": "textract", "kind": "callback_first", "share": 1}]
    )
    topic, queue = early.topic_with_queue()

    started = early.client("textract").start_document_text_detection(
        DocumentLocation=early.upload(ONE_PAGE),
        NotificationChannel={"SNSTopicArn": topic, "RoleArn": TOPIC_ROLE},
    )
    [message] = early.messages(queue, 0)

    told = json.loads(json.loads(message["Body"])["Message"])
    assert (told["JobId"], told["Status"]) == (started["JobId"], "SUCCEEDED")


# ---- the emulator


@pytest.fixture(scope="module")
def unreliable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """An emulator in which half of the uploads are refused and every message comes twice."""
    running = Servers(tmp_path_factory.mktemp("unreliable"))
    plan = running.home / "plan.json"
    rules = [
        {"at": "s3", "operation": "PutObject", "kind": "unavailable", "share": 0.5},
        {"at": "sns", "topic": "doubled", "kind": "duplicate", "share": 1},
    ]
    plan.write_text(parse_plan(json.dumps({"seed": 7, "faults": rules})).dump())
    try:
        running.start_emulator("--workers", "2", "--plan", str(plan))
        yield running
    finally:
        running.stop()


def faults_in(servers: Servers) -> list[dict[str, Any]]:
    return [
        json.loads(line) for line in (servers.home / "emulator" / "faults.jsonl").read_text().splitlines()
    ]


def test_s3_refuses_uploads_by_its_own_name_and_the_log_has_them(unreliable: Servers) -> None:
    s3 = unreliable.client("s3")
    s3.create_bucket(Bucket="inbox")

    codes = []
    for number in range(12):
        try:
            s3.put_object(Bucket="inbox", Key=str(number), Body=b"1")
            codes.append("")
        except ClientError as error:
            codes.append(error.response["Error"]["Code"])

    assert set(codes) == {"", "SlowDown"}
    refused = [fault for fault in faults_in(unreliable) if fault["at"] == "s3"]
    assert len(refused) == codes.count("SlowDown")
    lines = (unreliable.home / "emulator" / "access.jsonl").read_text().splitlines()
    calls = [json.loads(line) for line in lines]
    puts = [call["status"] for call in calls if call["operation"] == "PutObject"]
    assert puts == [503 if code else 200 for code in codes]


def test_sns_delivers_twice_where_the_plan_says_so(unreliable: Servers) -> None:
    sns, sqs = unreliable.client("sns"), unreliable.client("sqs")
    arrived: dict[str, int] = {}
    for name in ("doubled", "once"):
        topic = sns.create_topic(Name=name)["TopicArn"]
        queue = sqs.create_queue(QueueName=name)["QueueUrl"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:000000000000:{name}")
        sns.publish(TopicArn=topic, Message="ended")
        arrived[name] = len(sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []))

    assert arrived == {"doubled": 2, "once": 1}
    assert [f["topic"] for f in faults_in(unreliable) if f["at"] == "sns"] == ["doubled"]


def test_the_fault_log_names_no_file(unreliable: Servers) -> None:
    assert wait_until(lambda: Path(unreliable.home / "emulator" / "faults.jsonl").exists(), 30)

    assert all(
        set(fault) <= {"time", "rule", "at", "kind", "call", "operation", "caller", "topic"}
        for fault in faults_in(unreliable)
    )


def test_the_plan_of_what_runs_can_be_changed_and_ended(unreliable: Servers, standins: Standins) -> None:
    emulator = f"http://127.0.0.1:{unreliable.emulator_port}/_local/load"
    sns, sqs = unreliable.client("sns"), unreliable.client("sqs")
    topic = sns.create_topic(Name="doubled-no-more")["TopicArn"]
    queue = sqs.create_queue(QueueName="doubled-no-more")["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:000000000000:doubled-no-more"
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    arrived = []

    for rules in ([{"at": "sns", "kind": "duplicate", "share": 1}], []):
        plan = parse_plan(json.dumps({"faults": rules})).dump()
        values = {"workers": 3, "plan": json.loads(plan)}
        httpx.post(emulator, json=values, timeout=10, trust_env=False).raise_for_status()
        sns.publish(TopicArn=topic, Message="ended")
        arrived.append(len(sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])))

    assert arrived == [2, 1]
    quota = parse_plan('{"quotas": {"textract": {"start_per_second": 1}}}').dump()
    location, codes, client = standins.upload(ONE_PAGE), [], standins.client("textract")
    for text in (quota, "{}"):
        answer = httpx.post(standins.url("/_local/faults"), content=text, timeout=10, trust_env=False)
        assert answer.status_code == 200
        with ThreadPoolExecutor(3) as at_once:  # within the quota's second, on a busy machine too
            codes += sorted(at_once.map(lambda _: refusal(standins, location, client), range(3)))
    assert codes == ["", *["ProvisionedThroughputExceededException"] * 2, "", "", ""]
