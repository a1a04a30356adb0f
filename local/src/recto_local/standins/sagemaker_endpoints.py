"""The part of the SageMaker API that endpoints need: models, endpoint configurations, endpoints.

An endpoint is in service as soon as it exists; which container answers for an image is the runtime's concern
(`sagemaker_runtime`). Instances, scaling and variants' weights are taken and mean nothing here.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from recto_local.standins.answers import ServiceError
from recto_local.standins.paging import one_page
from recto_local.standins.records import Records
from recto_local.standins.shapes import ShapeError, checked, operation_model

ACCOUNT = "000000000000"
SUMMARY = ("EndpointName", "EndpointArn", "EndpointStatus", "CreationTime", "LastModifiedTime")
KINDS = {"Model": "model", "EndpointConfig": "endpoint-config", "Endpoint": "endpoint"}


class ContainerSpec(NamedTuple):
    """What a container of a model is made of."""

    name: str
    """The endpoint's."""
    image: str
    """The last part of the image's name, without registry and tag."""
    environment: dict[str, str]
    model_data: str
    """S3 URI of the model's archive; empty for none."""


class Endpoints:
    """Create, describe and delete; nothing is there to be changed."""

    def __init__(self, folder: Path, region: str, now: Callable[[], float]) -> None:
        self._records = {kind: Records(folder / f"{name}s") for kind, name in KINDS.items()}
        self._region = region
        self._now = now
        self._operations: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "CreateModel": lambda r: self._create("Model", r, {}),
            "CreateEndpointConfig": self._create_config,
            "CreateEndpoint": self._create_endpoint,
            "ListEndpoints": self._list_endpoints,
        }
        for kind in KINDS:
            self._operations[f"Describe{kind}"] = lambda r, k=kind: self._found(k, r[f"{k}Name"])  # type: ignore[misc]
            self._operations[f"Delete{kind}"] = lambda r, k=kind: self._delete(k, r[f"{k}Name"])  # type: ignore[misc]

    @property
    def operations(self) -> frozenset[str]:
        return frozenset(self._operations)

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

    def find(self, name: str) -> dict[str, Any] | None:
        """The endpoint, or None where no such one exists."""
        return self._records["Endpoint"].find(name)

    def container_of(self, endpoint: Mapping[str, Any]) -> ContainerSpec:
        """What is to run behind an endpoint's first variant."""
        config = self._found("EndpointConfig", endpoint["EndpointConfigName"])
        model = self._found("Model", config["ProductionVariants"][0]["ModelName"])
        container = model["PrimaryContainer"]
        image = container["Image"].rpartition("/")[2].partition("@")[0].partition(":")[0]
        environment, data = container.get("Environment", {}), container.get("ModelDataUrl", "")
        return ContainerSpec(endpoint["EndpointName"], image, environment, data)

    def _create_config(self, request: dict[str, Any]) -> dict[str, Any]:
        for variant in request["ProductionVariants"]:
            self._found("Model", variant.get("ModelName", ""))
        return self._create("EndpointConfig", request, {})

    def _create_endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        config = self._found("EndpointConfig", request["EndpointConfigName"])
        state: dict[str, Any] = {"EndpointStatus": "InService", "LastModifiedTime": self._now()}
        if "AsyncInferenceConfig" in config:
            state["AsyncInferenceConfig"] = config["AsyncInferenceConfig"]
        state["ProductionVariants"] = [
            {"VariantName": v["VariantName"]} for v in config["ProductionVariants"]
        ]
        return self._create("Endpoint", request, state)

    def _list_endpoints(self, request: dict[str, Any]) -> dict[str, Any]:
        """By creation time alone; SortBy and what filters by change or status mean nothing here."""
        part = request.get("NameContains", "")
        named = [record for record in self._records["Endpoint"].all() if part in record["EndpointName"]]
        found = one_page(named, request)
        return {
            "Endpoints": [{key: record[key] for key in SUMMARY} for record in found.records],
            **found.next_token,
        }

    def _create(self, kind: str, request: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
        name = request[f"{kind}Name"]
        arn = self._arn(kind, name)
        if self._records[kind].find(name) is not None:
            raise ServiceError(
                "ValidationException", f'Cannot create already existing {KINDS[kind]} "{arn}".'
            )
        kept = {key: value for key, value in request.items() if key != "Tags"}
        self._records[kind].save(name, kept | state | {f"{kind}Arn": arn, "CreationTime": self._now()})
        return {f"{kind}Arn": arn}

    def _found(self, kind: str, name: str) -> dict[str, Any]:
        record = self._records[kind].find(name)
        if record is None:
            raise ServiceError(
                "ValidationException", f'Could not find {KINDS[kind]} "{self._arn(kind, name)}".'
            )
        return record

    def _delete(self, kind: str, name: str) -> dict[str, Any]:
        self._found(kind, name)
        self._records[kind].delete(name)
        return {}

    def _arn(self, kind: str, name: str) -> str:
        return f"arn:aws:sagemaker:{self._region}:{ACCOUNT}:{KINDS[kind]}/{name.lower()}"
