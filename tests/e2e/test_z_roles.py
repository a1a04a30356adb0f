"""Every call of the functions in these tests is allowed by their roles, and the roles allow little else.

Runs last: the tests before it are the run that is looked at, those of all lanes; where there are others than
its own it waits until they have ended. The emulator enforces no IAM, so this does.
"""

import json
import os
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from recto_local.runtime import RuntimeInfo
from tests.contract.template import functions, statements_of
from tests.e2e.conftest import HOME, LANE, RECORD, LaneRecord, Pipeline, this_run, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]
OTHERS_SECONDS = 900

ACTIONS = {
    ("s3", "HeadObject"): {"s3:GetObject"},
    ("s3", "ListObjectsV2"): {"s3:ListBucket"},
    ("s3", "CreateMultipartUpload"): {"s3:PutObject"},
    ("s3", "UploadPart"): {"s3:PutObject"},
    ("s3", "CompleteMultipartUpload"): {"s3:PutObject"},
    ("s3", "CopyObject"): {"s3:GetObject", "s3:PutObject"},
    ("lambda", "Invoke"): {"lambda:InvokeFunction"},
}
IAM_NAMES = {
    "sagemaker-a2i-runtime": "sagemaker",
    "sagemaker-runtime": "sagemaker",
    "a2i-runtime": "sagemaker",
    "stepfunctions": "states",
}

NOT_SEEN_HERE = {
    "s3:GetObjectVersion": "the log tells no read of a version from any other",
    "s3:ListBucket": "makes S3 say 404 instead of 403 also where nobody lists",
    "iam:PassRole": "checked by AWS when a role is handed over; nobody calls it",
    "states:SendTaskFailure": "only where a step fails while it holds a token; the functional tests do that",
}
NOT_SEEN_IN = {
    ("LabellingConsolidateFunction", "s3:DeleteObject"): "only where a job ends with drafts left in it",
    ("LabellingControlFunction", "dynamodb:DeleteItem"): "only where a work team is deleted",
    ("LabellingExpiryFunction", "sqs:SendMessage"): "only where a task runs out of time",
    ("LabellingExpiryFunction", "s3:GetObject"): "only where an object runs out of time with some answers",
    ("LabellingExpiryFunction", "s3:PutObject"): "only where an object runs out of time with some answers",
    ("SmgtPostFunction", "s3:PutObject"): "only where label images are put together",
    ("SmgtPostFunction", "sts:AssumeRole"): "only where answers lie in a bucket of the job's own",
    (
        "OcrEndpointStartFunction",
        "states:SendTaskSuccess",
    ): "only where the answer is there already when its state is tried again",
    (
        "ModelEndpointStartFunction",
        "states:SendTaskSuccess",
    ): "only where the answer is there already when its state is tried again",
    (
        "ThumbnailEndpointStartFunction",
        "states:SendTaskSuccess",
    ): "only where the answer is there already when its state is tried again",
    (
        "OcrEndpointCallbackFunction",
        "s3:GetObject",
    ): "only where an inference fails: what cannot be read is refused by the state before",
    ("IntakeFunction", "dynamodb:GetItem"): "only where the event of a bad document comes again",
    ("ReprocessFunction", "dynamodb:DeleteItem"): "only where a document of a backfill is processed again",
    ("ReprocessFunction", "sagemaker:StopHumanLoop"): "only where the desk is Amazon A2I",
    ("A2iAuditFunction", "sagemaker:StartHumanLoop"): "only where the desk is Amazon A2I",
    ("ReviewExpiryFunction", "sagemaker:StartHumanLoop"): "only where the desk is Amazon A2I",
    ("ReviewExpiryFunction", "sagemaker:StopHumanLoop"): "only where the desk is Amazon A2I",
    ("ReviewExpiryFunction", "states:SendTaskSuccess"): "only where reviews that nobody answers are accepted",
    ("ReviewExpiryFunction", "s3:GetObject"): "only where reviews that nobody answers are accepted",
    ("ReviewExpiryFunction", "s3:PutObject"): "only where reviews that nobody answers are accepted",
    (
        "ReviewControlFunction",
        "dynamodb:DeleteItem",
    ): "loops are deleted in transactions, of which the log does not tell the parts",
    **{
        (name, "s3:GetObject"): "Textract reads the document with the caller's rights"
        for name in ("TextractStartFunction", "TextractPumpFunction", "TextractCallbackFunction")
    },
    **{
        (name, f"textract:{operation}"): "the line is moved on by whoever comes: not by each of them in a run"
        for name in ("TextractStartFunction", "TextractPumpFunction", "TextractCallbackFunction")
        for operation in (
            "StartDocumentTextDetection",
            "GetDocumentTextDetection",
            "StartDocumentAnalysis",
            "GetDocumentAnalysis",
        )
    },
    **{
        (name, action): "only where somebody waits in line, for a place or for a call"
        for name in ("TextractStartFunction", "TextractPumpFunction", "TextractCallbackFunction")
        for action in (
            "sqs:SendMessage",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:BatchGetItem",
            "dynamodb:DeleteItem",
            "dynamodb:Query",
        )
    },
    (
        "TextractPumpFunction",
        "states:SendTaskSuccess",
    ): "only where a job ended and nobody told of it",
    ("DispatchFunction", "dynamodb:BatchGetItem"): "only where a limit is above 100, Textract's by its quota",
    ("DispatchFunction", "dynamodb:DeleteItem"): "only where documents of a backfill are started",
    (
        "DispatchFunction",
        "sqs:SendMessage",
    ): "only where OCR jobs are under way when the minute is round",
    (
        "TextractStartFunction",
        "states:SendTaskSuccess",
    ): "only where the job ended before the row was written",
}
IN_TRANSACTIONS = {
    "DispatchFunction", "BackfillFunction", "ReprocessFunction", "A2iTriggerFunction", "PublishFunction",
    "LabellingControlFunction", "LabellingIntakeFunction", "LabellingConsolidateFunction",
    "LabellingExpiryFunction", "WorkbenchFunction",
}  # fmt: skip
"""These move documents, or tasks: an UpdateItem and a PutItem in one TransactWriteItems."""


FUNCTION_ARN = "arn:aws:lambda:us-east-1:000000000000:function:"


@pytest.fixture(scope="module")
def lanes(pipeline: Pipeline) -> list[RuntimeInfo]:
    """The runtimes of all lanes: this one's, and the others' once they have ended."""
    return [pipeline.info, *(ended(HOME.with_name(name)) for name in other_lanes())]


def other_lanes() -> list[str]:
    if not LANE:
        return []
    names = [f"gw{number}" for number in range(int(os.environ["PYTEST_XDIST_WORKER_COUNT"]))]
    return [name for name in names if name != LANE]


def ended(home: Path) -> RuntimeInfo:
    """The runtime of another lane, when it has ended; fails where it died or was never there."""

    def record() -> LaneRecord | None:
        found = record_in(home)
        if found and not found.has_ended and not is_running(found.process):
            found = record_in(home)  # it may have ended between the two looks
            assert found
            assert found.has_ended, f"the lane in {home} died"
        return found if found and found.has_ended else None

    found: LaneRecord = wait_for(record, OTHERS_SECONDS, lambda: f"no end of the lane in {home}")
    return found.info


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def record_in(home: Path) -> LaneRecord | None:
    """What a lane of this run has left; that of an earlier run does not count."""
    path = home / RECORD
    found = LaneRecord.model_validate_json(path.read_text()) if path.exists() else None
    return found if found and found.run == this_run() else None


def recorded(info: RuntimeInfo) -> Iterator[dict[str, Any]]:
    """The calls of a lane, those in the log that was put aside when it had grown large among them."""
    log = info.access_log
    for path in (log.with_name("access.old.jsonl"), log):
        for line in path.read_text().splitlines() if path.exists() or path == log else ():
            yield json.loads(line)


def callers() -> dict[str, str]:
    """The functions' logical ids by the name that their clients go by."""
    names = {name: body["FunctionName"]["Sub"] for name, body in functions().items()}
    return {
        f"recto-{name.removeprefix('${ProjectId}-').removesuffix('-LabelingFunction')}": logical
        for logical, name in names.items()
    }


def actions_of(call: dict[str, Any], logical: str) -> set[str]:
    """The IAM actions that a call needs."""
    if call["operation"] == "TransactWriteItems":
        moves = {"dynamodb:UpdateItem"} if logical in IN_TRANSACTIONS else set()
        return {"dynamodb:PutItem", *moves}
    known = ACTIONS.get((call["service"], call["operation"]))
    return known or {f"{IAM_NAMES.get(call['service'], call['service'])}:{call['operation']}"}


def allowed_actions(logical: str) -> set[str]:
    return {action for statement in statements_of(functions()[logical]) for action in statement["Action"]}


def allowed_resources(logical: str, action: str, names: dict[str, str]) -> list[str]:
    """Patterns of what a function may do an action on, with the deployed names."""
    found = [s["Resource"] for s in statements_of(functions()[logical]) if action in s["Action"]]
    resources = [one for each in found for one in (each if isinstance(each, list) else [each])]
    return [resolved(resource, names) for resource in resources]


def resolved(resource: Any, names: dict[str, str]) -> str:
    if isinstance(resource, str):
        return resource
    if "If" in resource:
        return resolved(resource["If"][2], names)
    if "GetAtt" in resource or "Ref" in resource:
        return names[resource.get("GetAtt") or resource["Ref"]]
    return re.sub(r"\$\{([^}]+)\}", lambda found: names[found[1]], resource["Sub"])


def covers(pattern: str, resource: str) -> bool:
    """The log names parameters and buses by name alone, functions as they were called."""
    by_name = (f":parameter{resource}", f":event-bus/{resource}")
    return any(fnmatchcase(name, pattern) for name in (resource, f"{FUNCTION_ARN}{resource}")) or (
        pattern.endswith(by_name)
    )


def deployed_names(info: RuntimeInfo) -> dict[str, str]:
    project = info.project
    return {
        "InboxBucket.Arn": info.outputs["InputBucketName"],
        "WorkBucket.Arn": info.outputs["WorkBucketName"],
        "ReviewsBucket.Arn": info.outputs["A2IHumanReviewBucketName"],
        "DocumentTable.Arn": info.outputs["DocumentTableName"],
        "WorkbenchTable.Arn": info.outputs["WorkbenchTableName"],
        "LabellingIntakeQueue.Arn": f"http*/{project}-LabellingIntakeQueue-*",
        "LabellingConsolidationQueue.Arn": f"http*/{project}-LabellingConsolidationQueue-*",
        "TextractPumpQueue.Arn": f"http*/{project}-TextractPumpQueue-*",
        "ReviewDeskQueue.Arn": f"http*/{project}-ReviewDeskQueue-*",
        "DispatchFunction.Arn": f"{project}-dispatch",
        "ReprocessFunction.Arn": f"{project}-reprocess",
        "ReviewControlFunction.Arn": f"{project}-review-control",
        "TextractNotificationRole.Arn": "role",
        "EventStateMachine": f"arn:aws:states:{info.region}:000000000000:stateMachine:{project}-event",
        "ProjectId": project,
        "AWS::Partition": "aws",
        "AWS::Region": info.region,
        "AWS::AccountId": "000000000000",
    }


def refused(info: RuntimeInfo) -> Iterator[tuple[str, str, str]]:
    """The calls of a lane that their roles do not allow: function, action, resource."""
    ours, names = callers(), deployed_names(info)
    for call in recorded(info):
        logical = ours.get(call["caller"])
        for action in actions_of(call, logical) if logical else ():
            patterns = allowed_resources(logical, action, names)
            if not patterns or (
                call["resource"] and not any(covers(pattern, call["resource"]) for pattern in patterns)
            ):
                yield logical, action, call["resource"]


def used_actions(lanes: list[RuntimeInfo]) -> dict[str, set[str]]:
    """What the functions that were seen in any lane have done."""
    ours = callers()
    used: dict[str, set[str]] = {}
    for call in (call for info in lanes for call in recorded(info) if call["caller"] in ours):
        logical = ours[call["caller"]]
        used.setdefault(logical, set()).update(actions_of(call, logical))
    return used


def test_every_recorded_call_is_allowed(lanes: list[RuntimeInfo]) -> None:
    numbers = [sum(call["caller"] in callers() for call in recorded(info)) for info in lanes]

    assert min(numbers) > 100, "calls of each lane"
    assert set(used_actions(lanes)) == set(functions()), "a function was never seen"
    assert {one for info in lanes for one in refused(info)} == set()


def test_every_allowed_action_was_used_or_has_a_reason(lanes: list[RuntimeInfo]) -> None:
    used = used_actions(lanes)

    unused = {
        (logical, action)
        for logical in functions()
        for action in allowed_actions(logical) - used.get(logical, set())
        if action not in NOT_SEEN_HERE and (logical, action) not in NOT_SEEN_IN
    }

    assert unused == set()
