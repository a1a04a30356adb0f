"""Amazon Augmented AI's runtime: human loops that wait until somebody on this machine answers.

The worker's page and the work team are not here: an answer comes in by `answer`, a local call that AWS
does not have, and leaves as the `output.json` that A2I writes.
"""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from recto_local.standins.answers import ServiceError
from recto_local.standins.paging import one_page
from recto_local.standins.records import Records
from recto_local.standins.sagemaker import ACCOUNT, FlowDefinitions
from recto_local.standins.shapes import ShapeError, checked, operation_model

MAX_INPUT_BYTES = 3 * 1024 * 1024
LONGEST_AVAILABILITY = 864_000
DESCRIPTION = (
    "HumanLoopName", "HumanLoopArn", "HumanLoopStatus", "FlowDefinitionArn", "CreationTime", "FailureReason",
    "FailureCode", "HumanLoopOutput",
)  # fmt: skip
SUMMARY = ("HumanLoopName", "HumanLoopStatus", "CreationTime", "FailureReason", "FlowDefinitionArn")


class HumanLoops:
    """The service, and the way in for answers."""

    def __init__(
        self, folder: Path, flows: FlowDefinitions, s3: Any, region: str, now: Callable[[], float]
    ) -> None:
        self._records = Records(folder / "human-loops")
        self._flows = flows
        self._s3 = s3
        self._region = region
        self._now = now
        self._lock = threading.Lock()
        self._operations: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "StartHumanLoop": self._start,
            "DescribeHumanLoop": self._describe,
            "ListHumanLoops": self._list,
            "StopHumanLoop": self._stop,
            "DeleteHumanLoop": self._delete,
        }

    def call(self, operation: str, request: Any) -> dict[str, Any]:
        """The operation's answer; ServiceError for a refusal."""
        model = operation_model("sagemaker-a2i-runtime", operation)
        if model is None:
            raise ServiceError("UnknownOperationException", operation, 404)
        try:
            parameters = checked(model, request)
        except ShapeError as error:
            raise ServiceError("ValidationException", str(error)) from error
        with self._lock:
            return self._operations[operation](parameters)

    def task(self, name: str) -> dict[str, Any]:
        """What a worker is shown: the loop's state and its input. Local only."""
        with self._lock:
            loop = self._found(name)
        return {key: loop[key] for key in (*SUMMARY[:3], "FlowDefinitionArn")} | {
            "InputContent": loop["InputContent"]
        }

    def answer(self, name: str, answer: dict[str, Any]) -> dict[str, Any]:
        """Take one worker's answer; the last one wanted completes the loop. Local only."""
        content = answer.get("answerContent")
        if not isinstance(content, dict):
            raise ServiceError("ValidationException", "answerContent: expected an object")
        with self._lock:
            loop = self._found(name)
            if loop["HumanLoopStatus"] != "InProgress":
                raise ServiceError(
                    "ConflictException", f"{name} is {loop['HumanLoopStatus']}, not InProgress", 409
                )
            loop["HumanAnswers"].append(self._human_answer(content, answer))
            if len(loop["HumanAnswers"]) >= loop["TaskCount"]:
                loop["HumanLoopOutput"] = {"OutputS3Uri": self._write_output(loop)}
                loop["HumanLoopStatus"] = "Completed"
            self._records.save(name, loop)
        return {"HumanLoopStatus": loop["HumanLoopStatus"], "HumanLoopOutput": loop.get("HumanLoopOutput")}

    def _start(self, request: dict[str, Any]) -> dict[str, Any]:
        name, content = request["HumanLoopName"], request["HumanLoopInput"]["InputContent"]
        if len(content.encode()) > MAX_INPUT_BYTES:
            raise ServiceError("ValidationException", f"InputContent: at most {MAX_INPUT_BYTES} bytes")
        try:
            parsed = json.loads(content)
        except ValueError as error:
            raise ServiceError("ValidationException", f"InputContent is not JSON: {error}") from error
        flow = self._flows.with_arn(request["FlowDefinitionArn"])
        if flow is None:
            raise ServiceError(
                "ValidationException", f"Flow definition {request['FlowDefinitionArn']} does not exist"
            )
        known = self._records.find(name)
        if known is not None:
            return self._again(known, parsed, request["FlowDefinitionArn"])
        arn = f"arn:aws:sagemaker:{self._region}:{ACCOUNT}:human-loop/{name}"
        loop = {
            "HumanLoopName": name,
            "HumanLoopArn": arn,
            "HumanLoopStatus": "InProgress",
            "FlowDefinitionArn": flow["FlowDefinitionArn"],
            "CreationTime": self._now(),
            "InputContent": parsed,
            "TaskCount": flow.get("HumanLoopConfig", {}).get("TaskCount", 1),
            "HumanAnswers": [],
        }
        self._records.save(name, loop)
        return {"HumanLoopArn": arn}

    def _again(self, known: dict[str, Any], content: Any, flow_arn: str) -> dict[str, Any]:
        if known["InputContent"] != content or known["FlowDefinitionArn"] != flow_arn:
            raise ServiceError(
                "ConflictException",
                "Your request has the same name as another active human loop but has different input data",
                409,
            )
        return {"HumanLoopArn": known["HumanLoopArn"]}

    def _describe(self, request: dict[str, Any]) -> dict[str, Any]:
        loop = self._found(request["HumanLoopName"])
        return {key: loop[key] for key in DESCRIPTION if key in loop}

    def _list(self, request: dict[str, Any]) -> dict[str, Any]:
        arn = request["FlowDefinitionArn"]
        if self._flows.with_arn(arn) is None:
            raise ServiceError("ResourceNotFoundException", f"Flow definition {arn} does not exist", 404)
        loops = [self._with_expiry(loop) for loop in self._records.all() if loop["FlowDefinitionArn"] == arn]
        found = one_page(loops, request)
        summaries = [{key: loop[key] for key in SUMMARY if key in loop} for loop in found.records]
        return {"HumanLoopSummaries": summaries, **found.next_token}

    def _stop(self, request: dict[str, Any]) -> dict[str, Any]:
        loop = self._found(request["HumanLoopName"])
        if loop["HumanLoopStatus"] == "InProgress":
            self._records.save(loop["HumanLoopName"], loop | {"HumanLoopStatus": "Stopped"})
        return {}

    def _delete(self, request: dict[str, Any]) -> dict[str, Any]:
        loop = self._found(request["HumanLoopName"])
        if loop["HumanLoopStatus"] == "InProgress":
            raise ServiceError(
                "ValidationException", "A human loop in progress cannot be deleted: stop it first"
            )
        self._records.delete(loop["HumanLoopName"])
        return {}

    def _found(self, name: str) -> dict[str, Any]:
        loop = self._records.find(name)
        if loop is None:
            raise ServiceError("ResourceNotFoundException", f"Human loop {name} does not exist", 404)
        return self._with_expiry(loop)

    def _with_expiry(self, loop: dict[str, Any]) -> dict[str, Any]:
        """A loop that nobody answered within the flow's availability has failed."""
        flow = self._flows.with_arn(loop["FlowDefinitionArn"]) or {}
        seconds = flow.get("HumanLoopConfig", {}).get(
            "TaskAvailabilityLifetimeInSeconds", LONGEST_AVAILABILITY
        )
        if loop["HumanLoopStatus"] != "InProgress" or self._now() < loop["CreationTime"] + seconds:
            return loop
        expired = {"HumanLoopStatus": "Failed", "FailureCode": "Expired"}
        return loop | expired | {"FailureReason": f"No worker answered within {seconds} seconds"}

    def _human_answer(self, content: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        worker = str(answer.get("workerId") or "local-worker")
        seconds = float(answer.get("timeSpentInSeconds") or 0.0)
        return {
            "acceptanceTime": _time(self._now() - seconds),
            "answerContent": content,
            "submissionTime": _time(self._now()),
            "timeSpentInSeconds": seconds,
            "workerId": worker,
            "workerMetadata": {
                "identityData": {"identityProviderType": "Local", "issuer": "recto-local", "sub": worker}
            },
        }

    def _write_output(self, loop: dict[str, Any]) -> str:
        flow = self._flows.with_arn(loop["FlowDefinitionArn"])
        if flow is None:
            raise ServiceError("ValidationException", f"Flow definition {loop['FlowDefinitionArn']} is gone")
        begun = datetime.fromtimestamp(loop["CreationTime"], UTC)
        uri = "/".join(
            (
                flow["OutputConfig"]["S3OutputPath"].rstrip("/"),
                flow["FlowDefinitionName"],
                f"{begun:%Y/%m/%d/%H/%M/%S}",
                loop["HumanLoopName"],
                "output.json",
            )
        )
        output = {
            "flowDefinitionArn": loop["FlowDefinitionArn"],
            "humanAnswers": loop["HumanAnswers"],
            "humanLoopName": loop["HumanLoopName"],
            "inputContent": loop["InputContent"],
        }
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        self._s3.put_object(
            Bucket=bucket, Key=key, Body=json.dumps(output).encode(), ContentType="application/json"
        )
        return uri


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
