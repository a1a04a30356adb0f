"""The part of the SageMaker API that A2I needs: flow definitions. Nothing else of SageMaker."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from recto_local.standins.answers import ServiceError
from recto_local.standins.paging import one_page
from recto_local.standins.records import Records
from recto_local.standins.shapes import ShapeError, checked, operation_model

ACCOUNT = "000000000000"
SUMMARY = ("FlowDefinitionName", "FlowDefinitionArn", "FlowDefinitionStatus", "CreationTime")


class FlowDefinitions:
    """Create, describe, list and delete; a flow definition is active as soon as it exists."""

    def __init__(self, folder: Path, region: str, now: Callable[[], float]) -> None:
        self._records = Records(folder / "flow-definitions")
        self._region = region
        self._now = now
        self._operations: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "CreateFlowDefinition": self._create,
            "DescribeFlowDefinition": lambda request: self.describe(request["FlowDefinitionName"]),
            "ListFlowDefinitions": self._list,
            "DeleteFlowDefinition": self._delete,
        }

    def call(self, operation: str, request: Any) -> dict[str, Any]:
        """The operation's answer; ServiceError for a refusal."""
        model = operation_model("sagemaker", operation)
        if model is None or operation not in self._operations:
            raise ServiceError(
                "UnknownOperationException", f"SageMaker's {operation} is not answered by this stand-in"
            )
        try:
            return self._operations[operation](checked(model, request))
        except ShapeError as error:
            raise ServiceError("ValidationException", str(error)) from error

    def with_arn(self, arn: str) -> dict[str, Any] | None:
        """The flow definition, or None where no such one exists."""
        record = self._records.find(arn.rpartition("/")[2])
        return record if record and record["FlowDefinitionArn"] == arn else None

    def describe(self, name: str) -> dict[str, Any]:
        record = self._records.find(name)
        if record is None:
            raise ServiceError("ResourceNotFound", f"Could not find flow definition {name}")
        return record

    def _create(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["FlowDefinitionName"]
        if self._records.find(name) is not None:
            raise ServiceError("ResourceInUse", f"Flow definition {name} already exists")
        if not request["OutputConfig"]["S3OutputPath"].startswith("s3://"):
            raise ServiceError("ValidationException", "OutputConfig.S3OutputPath: expected s3://…")
        arn = f"arn:aws:sagemaker:{self._region}:{ACCOUNT}:flow-definition/{name}"
        kept = {key: value for key, value in request.items() if key != "Tags"}
        state = {"FlowDefinitionArn": arn, "FlowDefinitionStatus": "Active", "CreationTime": self._now()}
        self._records.save(name, kept | state)
        return {"FlowDefinitionArn": arn}

    def _list(self, request: dict[str, Any]) -> dict[str, Any]:
        found = one_page(list(self._records.all()), request)
        summaries = [{key: record[key] for key in SUMMARY} for record in found.records]
        return {"FlowDefinitionSummaries": summaries, **found.next_token}

    def _delete(self, request: dict[str, Any]) -> dict[str, Any]:
        if not self._records.delete(request["FlowDefinitionName"]):
            raise ServiceError(
                "ResourceNotFound", f"Could not find flow definition {request['FlowDefinitionName']}"
            )
        return {}
