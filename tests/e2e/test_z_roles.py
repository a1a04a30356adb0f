"""Every call of the functions in these tests is allowed by their roles, and the roles allow little else.

Runs last: the tests before it are the run that is looked at. The emulator enforces no IAM, so this does.
"""

import json
import re
from fnmatch import fnmatchcase
from typing import Any

import pytest

from tests.contract.template import functions, statements_of
from tests.e2e.conftest import Pipeline

pytestmark = [pytest.mark.e2e]

ACTIONS = {
    ("s3", "HeadObject"): {"s3:GetObject"},
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
    "s3:ListBucket": "makes S3 say 404 instead of 403; nobody calls it",
    "iam:PassRole": "checked by AWS when a role is handed over; nobody calls it",
    "states:SendTaskFailure": "only where a step fails while it holds a token; the functional tests do that",
}
NOT_SEEN_IN = {
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
    ("IntakeFunction", "dynamodb:GetItem"): "only where the event of a bad document comes again",
    ("ReprocessFunction", "sagemaker:StopHumanLoop"): "only where the desk is Amazon A2I",
    ("DispatchFunction", "events:PutEvents"): "only where a document is given up after ten attempts",
    ("TextractStartFunction", "s3:GetObject"): "Textract reads the document with the caller's rights",
    (
        "TextractStartFunction",
        "states:SendTaskSuccess",
    ): "only where the job ended before the row was written",
}
IN_TRANSACTIONS = {
    "DispatchFunction", "ReprocessFunction", "A2iTriggerFunction", "PublishFunction",
    "LabellingControlFunction", "LabellingIntakeFunction", "LabellingConsolidateFunction",
    "LabellingExpiryFunction", "WorkbenchFunction",
}  # fmt: skip
"""These move documents, or tasks: an UpdateItem and a PutItem in one TransactWriteItems."""


FUNCTION_ARN = "arn:aws:lambda:us-east-1:000000000000:function:"


def recorded(pipeline: Pipeline) -> list[dict[str, Any]]:
    lines = pipeline.info.access_log.read_text().splitlines()
    return [json.loads(line) for line in lines]


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
    if "GetAtt" in resource:
        return names[resource["GetAtt"]]
    return re.sub(r"\$\{([^}]+)\}", lambda found: names[found[1]], resource["Sub"])


def covers(pattern: str, resource: str) -> bool:
    """The log names parameters and buses by name alone, functions as they were called."""
    by_name = (f":parameter{resource}", f":event-bus/{resource}")
    return any(fnmatchcase(name, pattern) for name in (resource, f"{FUNCTION_ARN}{resource}")) or (
        pattern.endswith(by_name)
    )


def deployed_names(pipeline: Pipeline) -> dict[str, str]:
    project = pipeline.info.project
    return {
        "InboxBucket.Arn": pipeline.inbox,
        "WorkBucket.Arn": pipeline.work,
        "ReviewsBucket.Arn": pipeline.reviews_bucket,
        "DocumentTable.Arn": pipeline.info.outputs["DocumentTableName"],
        "WorkbenchTable.Arn": pipeline.info.outputs["WorkbenchTableName"],
        "LabellingIntakeQueue.Arn": f"http*/{project}-LabellingIntakeQueue-*",
        "LabellingConsolidationQueue.Arn": f"http*/{project}-LabellingConsolidationQueue-*",
        "DispatchFunction.Arn": f"{project}-dispatch",
        "TextractNotificationRole.Arn": "role",
        "ProjectId": project,
        "AWS::Partition": "aws",
        "AWS::Region": pipeline.info.region,
        "AWS::AccountId": "000000000000",
    }


def test_every_recorded_call_is_allowed(pipeline: Pipeline) -> None:
    ours, names = callers(), deployed_names(pipeline)
    calls = [call for call in recorded(pipeline) if call["caller"] in ours]

    refused = set()
    for call in calls:
        logical = ours[call["caller"]]
        for action in actions_of(call, logical):
            patterns = allowed_resources(logical, action, names)
            if not patterns or (
                call["resource"] and not any(covers(pattern, call["resource"]) for pattern in patterns)
            ):
                refused.add((logical, action, call["resource"]))

    assert len(calls) > 100
    assert {ours[call["caller"]] for call in calls} == set(functions()), "a function was never seen"
    assert refused == set()


def test_every_allowed_action_was_used_or_has_a_reason(pipeline: Pipeline) -> None:
    ours = callers()
    used: dict[str, set[str]] = {logical: set() for logical in functions()}
    for call in recorded(pipeline):
        if call["caller"] in ours:
            used[ours[call["caller"]]] |= actions_of(call, ours[call["caller"]])

    unused = {
        (logical, action)
        for logical in functions()
        for action in allowed_actions(logical) - used[logical]
        if action not in NOT_SEEN_HERE and (logical, action) not in NOT_SEEN_IN
    }

    assert unused == set()
