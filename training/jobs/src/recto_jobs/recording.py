"""A boto3 session that writes down every call instead of sending it: for dry runs and for tests.

A call goes through the SDK as any other, up to the wire: parameters are built and checked against the
service's model, then answered here. Nothing leaves the machine.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import boto3
from botocore.model import OperationModel

from recto_jobs.requests import check_request

ACCOUNT, REGION = "111122223333", "us-east-1"
"""Where nobody has said; the account is the one of AWS's own examples."""
ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"
ANSWERS: dict[str, dict[str, Any]] = {
    "HeadBucket": {"BucketRegion": REGION},
    "ListBuckets": {"Buckets": []},
    "GetCallerIdentity": {"Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:user/dry-run", "UserId": "U"},
    "SimulatePrincipalPolicy": {"EvaluationResults": []},
    "CreateTrainingJob": {"TrainingJobArn": f"{ARN}:training-job/dry-run"},
    "CreateProcessingJob": {"ProcessingJobArn": f"{ARN}:processing-job/dry-run"},
    "CreateHyperParameterTuningJob": {
        "HyperParameterTuningJobArn": f"{ARN}:hyper-parameter-tuning-job/dry-run"
    },
}
NOBODY = "dry-run"
READS = ("Head", "Get", "List", "Describe", "Simulate")


class Call(NamedTuple):
    """One request, by the names that the service's model gives it."""

    service: str
    operation: str
    parameters: Mapping[str, Any]

    @property
    def changes_something(self) -> bool:
        return not self.operation.startswith(READS)

    def as_json(self) -> dict[str, Any]:
        return {"Service": self.service, "Operation": self.operation, "Parameters": dict(self.parameters)}


class _Answered(NamedTuple):
    """What botocore wants to know of an HTTP response."""

    status_code: int = 200


class Recording:
    """The session and what was asked through it, in order."""

    def __init__(self, region: str = REGION) -> None:
        self.calls: list[Call] = []
        self.session = boto3.session.Session(
            aws_access_key_id=NOBODY, aws_secret_access_key=NOBODY, region_name=region
        )
        events = self.session.events
        events.register("before-parameter-build", self._note)
        events.register("before-call", self._answer)

    def _note(self, params: dict[str, Any], model: OperationModel, **_: Any) -> None:
        service = model.service_model.service_name
        check_request(model, params)
        told = {name: _told(value) for name, value in params.items() if not name.startswith("__")}
        self.calls.append(Call(service, model.name, json.loads(json.dumps(told, default=str))))

    def _answer(self, model: OperationModel, **_: Any) -> tuple[_Answered, dict[str, Any]]:
        answer = ANSWERS.get(model.name, {})
        if model.name.startswith("Describe"):  # what was made, as it was asked for
            made = model.name.replace("Describe", "Create")
            answer = (
                {**ANSWERS.get(made, {}), **dict(self.named(made)[-1].parameters)} if self.named(made) else {}
            )
        return _Answered(), {**answer, "ResponseMetadata": {"HTTPStatusCode": 200}}

    @property
    def changes(self) -> list[Call]:
        """Without the calls that only look."""
        return [call for call in self.calls if call.changes_something]

    def named(self, operation: str) -> list[Call]:
        return [call for call in self.calls if call.operation == operation]


def _told(value: Any) -> Any:
    """An upload by its size, not by its bytes."""
    if isinstance(value, bytes | bytearray):
        return f"{len(value)} bytes"
    if hasattr(value, "read"):
        return "the file's bytes"
    return value
