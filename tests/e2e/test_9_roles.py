"""Every call that the functions made in these tests is allowed by their roles, and the roles allow little else.

Runs last: the tests before it are the run that is looked at. The emulator enforces no IAM, so this does.
"""

import json
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
    ("lambda", "Invoke"): {"lambda:InvokeFunction"},
    ("dynamodb", "TransactWriteItems"): {"dynamodb:PutItem"},
}
IAM_NAMES = {"sagemaker-a2i-runtime": "sagemaker", "a2i-runtime": "sagemaker", "stepfunctions": "states"}

NOT_SEEN_HERE = {
    "s3:GetObjectVersion": "the emulator's events carry no version ids",
    "s3:ListBucket": "makes S3 say 404 instead of 403; nobody calls it",
    "iam:PassRole": "checked by AWS when a role is handed over; nobody calls it",
    "states:SendTaskFailure": "only where a step fails while it holds a token; the functional tests do that",
}
NOT_SEEN_IN = {
    ("TextractStartFunction", "s3:GetObject"): "Textract reads the document with the caller's rights",
    (
        "TextractStartFunction",
        "states:SendTaskSuccess",
    ): "only where the job ended before the row was written",
    ("A2iTriggerFunction", "states:SendTaskSuccess"): "only where the answer came while nobody waited",
}
IN_TRANSACTIONS = {"DispatchFunction", "A2iTriggerFunction", "PublishFunction"}
"""These move documents: an UpdateItem and a PutItem in one TransactWriteItems."""


def recorded(pipeline: Pipeline) -> list[dict[str, Any]]:
    lines = pipeline.info.access_log.read_text().splitlines()
    return [json.loads(line) for line in lines]


def callers() -> dict[str, str]:
    """The functions' logical ids by the name that their clients go by."""
    names = {name: body["FunctionName"]["Sub"] for name, body in functions().items()}
    return {f"recto-{name.removeprefix('${ProjectId}-')}": logical for logical, name in names.items()}


def actions_of(call: dict[str, Any]) -> set[str]:
    known = ACTIONS.get((call["service"], call["operation"]))
    return known or {f"{IAM_NAMES.get(call['service'], call['service'])}:{call['operation']}"}


def allowed_actions(logical: str) -> set[str]:
    return {action for statement in statements_of(functions()[logical]) for action in statement["Action"]}


def object_patterns(logical: str, action: str, buckets: dict[str, str]) -> list[str]:
    """`bucket/key` patterns on which a function may do an S3 action."""
    patterns = []
    for statement in statements_of(functions()[logical]):
        if action in statement["Action"]:
            text = statement["Resource"].get("Sub", "") if isinstance(statement["Resource"], dict) else ""
            for resource, bucket in buckets.items():
                text = text.replace(f"${{{resource}.Arn}}", bucket)
            patterns.append(text)
    return patterns


def test_every_recorded_call_is_allowed(pipeline: Pipeline) -> None:
    buckets = {
        "InboxBucket": pipeline.inbox,
        "WorkBucket": pipeline.work,
        "ReviewsBucket": pipeline.reviews_bucket,
    }
    ours = callers()
    calls = [call for call in recorded(pipeline) if call["caller"] in ours]

    refused = set()
    for call in calls:
        logical = ours[call["caller"]]
        for action in actions_of(call):
            if action not in allowed_actions(logical):
                refused.add((logical, action))
            elif action.startswith("s3:"):
                patterns = object_patterns(logical, action, buckets)
                if not any(fnmatchcase(call["resource"], pattern) for pattern in patterns):
                    refused.add((logical, action, call["resource"]))

    assert len(calls) > 100
    assert {ours[call["caller"]] for call in calls} == set(functions()), "a function was never seen"
    assert refused == set()


def test_every_allowed_action_was_used_or_has_a_reason(pipeline: Pipeline) -> None:
    ours = callers()
    used: dict[str, set[str]] = {logical: set() for logical in functions()}
    for call in recorded(pipeline):
        if call["caller"] in ours:
            used[ours[call["caller"]]] |= actions_of(call)
            if call["operation"] == "TransactWriteItems" and ours[call["caller"]] in IN_TRANSACTIONS:
                used[ours[call["caller"]]].add("dynamodb:UpdateItem")

    unused = {
        (logical, action)
        for logical in functions()
        for action in allowed_actions(logical) - used[logical]
        if action not in NOT_SEEN_HERE and (logical, action) not in NOT_SEEN_IN
    }

    assert unused == set()
