"""Endpoints of models on SageMaker: packed, made, connected, removed. Not their scaling, not the asking.

An endpoint is a model (an archive in S3 and a container image), a configuration and the endpoint itself, all
under one name. Asynchronous ones answer into the work bucket and tell the pipeline's topic of each end.
Source: https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-create-endpoint.html
"""

import time
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

import botocore.session
from botocore.exceptions import ClientError
from pydantic import BaseModel, ConfigDict, Field

from recto.aws.clients import client, errors_of
from recto.aws.services import ParameterStore
from recto.errors import (
    ConfigurationError,
    FieldConfigurationError,
    ModelFailedError,
    ReleaseError,
    ServiceUnavailableError,
)
from recto.places import Location
from recto.steps.async_inference import MODEL, require_reachable
from recto_cli import releases
from recto_cli.stack import CALLER, Stack

OF_EVERY_PROJECT = "/static/StackName"
"""The parameter by which projects are found."""
IMAGE = "recto-model"
"""Serves all kinds; `RECTO_KIND` in its environment says which."""
ANSWERS_INTO_S3 = "RECTO_ANSWERS_INTO_S3"
"""Tells a container that its endpoint is asynchronous; nothing else inside it does."""
LATEST = "latest"
VARIANT = "AllTraffic"
DEFAULT_INSTANCE = "ml.c7i.xlarge"
"""Four cores that multiply bfloat16 natively (AMX), on which the word model is fast without a GPU."""
STARTUP_SECONDS, DOWNLOAD_SECONDS = 600, 1200
LARGE = {"MAX_REQUEST_BYTES": str(1024**3), "TS_MAX_REQUEST_SIZE": str(100 * 1024**2),
         "TS_MAX_RESPONSE_SIZE": str(100 * 1024**2), "TS_DEFAULT_RESPONSE_TIMEOUT": "900"}  # fmt: skip
"""Our server's limit and, for a ready-made TorchServe image, those that the reference set."""
WAITING = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack"})
POLL_SECONDS = 10.0
UNKNOWN = "ValidationException"
"""What SageMaker says of a name that it does not know, and of much else that it refuses."""
ABSENT = "could not find"
"""In its message, only where the name is what it does not know."""


class Kind(StrEnum):
    """What an endpoint answers."""

    WORD = "word"
    THUMBNAILS = "thumbnails"
    NORMALISER = "normaliser"

    @property
    def is_async(self) -> bool:
        """Ranges of pages take longer than a synchronous call may; a normaliser is asked within a state."""
        return self is not Kind.NORMALISER

    @property
    def role(self) -> str:
        """The stack's parameter of the role that its model may have."""
        return f"static/{'ThumbnailEndpointRoleArn' if self is Kind.THUMBNAILS else 'ModelEndpointRoleArn'}"

    @property
    def parameter(self) -> str:
        """Where the pipeline looks for its name; empty for one that fields name."""
        return {
            Kind.WORD: "config/SageMakerEndpointName",
            Kind.THUMBNAILS: "config/ThumbnailEndpointName",
        }.get(self, "")


class EndpointPlan(BaseModel):
    """Everything that the three requests say."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$")
    kind: Kind
    image: str
    role: str
    model_data: str
    """s3:// of the archive."""
    work_bucket: str
    topic: str
    project: str
    instance_type: str = DEFAULT_INSTANCE
    max_concurrent: int = Field(default=2, ge=1, le=1000)
    environment: Mapping[str, str] = Field(default_factory=dict)

    def model_request(self) -> dict[str, Any]:
        """CreateModel's parameters."""
        told = {"RECTO_KIND": str(self.kind), ANSWERS_INTO_S3: str(self.kind.is_async).lower()}
        container = {
            "Image": self.image,
            "ModelDataUrl": self.model_data,
            "Environment": {**told, **LARGE, **self.environment},
        }
        return {
            "ModelName": self.name,
            "PrimaryContainer": container,
            "ExecutionRoleArn": self.role,
            "Tags": self._tags,
        }

    def config_request(self) -> dict[str, Any]:
        """CreateEndpointConfig's parameters."""
        variant = {
            "VariantName": VARIANT,
            "ModelName": self.name,
            "InitialInstanceCount": 1,
            "InstanceType": self.instance_type,
            "ModelDataDownloadTimeoutInSeconds": DOWNLOAD_SECONDS,
            "ContainerStartupHealthCheckTimeoutInSeconds": STARTUP_SECONDS,
        }
        request = {"EndpointConfigName": self.name, "ProductionVariants": [variant], "Tags": self._tags}
        return {**request, "AsyncInferenceConfig": self._asynchronous()} if self.kind.is_async else request

    def endpoint_request(self) -> dict[str, Any]:
        """CreateEndpoint's parameters."""
        return {"EndpointName": self.name, "EndpointConfigName": self.name, "Tags": self._tags}

    def requests(self) -> list[tuple[str, dict[str, Any]]]:
        """Operations with their parameters, in order."""
        return [
            ("CreateModel", self.model_request()),
            ("CreateEndpointConfig", self.config_request()),
            ("CreateEndpoint", self.endpoint_request()),
        ]

    def _asynchronous(self) -> dict[str, Any]:
        """Answers and failures into the work bucket; what is told carries places only, no words."""
        place = f"s3://{self.work_bucket}/{MODEL.prefix}"
        return {
            "ClientConfig": {"MaxConcurrentInvocationsPerInstance": self.max_concurrent},
            "OutputConfig": {
                "S3OutputPath": f"{place}answers",
                "S3FailurePath": f"{place}failures",
                "NotificationConfig": {"SuccessTopic": self.topic, "ErrorTopic": self.topic},
            },
        }

    @property
    def _tags(self) -> list[dict[str, str]]:
        return [{"Key": "recto:project", "Value": self.project}]


class Choices(NamedTuple):
    """What a person may say of an endpoint; the stack and the kind say the rest."""

    name: str
    kind: Kind = Kind.WORD
    instance_type: str = DEFAULT_INSTANCE
    image: str = ""
    role: str = ""
    max_concurrent: int = 2
    environment: Mapping[str, str] = {}


def full_name(name: str, stack: Stack) -> str:
    """With the project before it, for the pipeline's roles may call no other."""
    return name if name.startswith(f"{stack.project}-") else f"{stack.project}-{name}"


def plan_of(choices: Choices, model_data: str, stack: Stack) -> EndpointPlan:
    """The whole plan; ConfigurationError before any call for what SageMaker does not have."""
    known = instance_types()
    if choices.instance_type not in known:
        family = choices.instance_type.split(".")[1:2]
        near = [name for name in known if name.split(".")[1:2] == family] or known
        raise ConfigurationError(
            f"instance type {choices.instance_type!r}: endpoints have none of this name; there are "
            f"{', '.join(near[:8])}"
        )
    name = full_name(choices.name, stack)
    require_reachable(name, stack.project)
    try:
        return EndpointPlan(
            name=name,
            kind=choices.kind,
            image=choices.image or f"{stack.name('static/ImageRegistry')}/{IMAGE}:{LATEST}",
            role=choices.role or stack.name(choices.kind.role),
            model_data=model_data,
            work_bucket=stack.work,
            topic=stack.name("static/ModelCallbackTopicArn"),
            project=stack.project,
            instance_type=choices.instance_type,
            max_concurrent=choices.max_concurrent,
            environment=dict(choices.environment),
        )
    except ValueError as error:
        raise ConfigurationError(f"endpoint {name}: {error}") from error


def instance_types() -> tuple[str, ...]:
    """What SageMaker's own model of its API allows for endpoints."""
    model = botocore.session.get_session().get_service_model("sagemaker")
    return tuple(model.shape_for("ProductionVariantInstanceType").enum)


# --- made, waited for -------------------------------------------------------------------------------


def make_endpoint(plan: EndpointPlan) -> None:
    """Model, configuration, endpoint. What was made is taken away again where a later one is refused."""
    sagemaker = client("sagemaker", CALLER)
    if describe(plan.name) is not None:
        raise ConfigurationError(
            f"endpoint {plan.name} is there already: recto undeploy {plan.name}, or another name"
        )
    made: list[tuple[str, str]] = []
    refused = {UNKNOWN: ConfigurationError, "ResourceLimitExceeded": ConfigurationError}
    try:
        for operation, request in plan.requests():
            with errors_of(f"{operation} {plan.name}", refused):
                getattr(sagemaker, METHODS[operation])(**request)
            made.append((operation, plan.name))
    except Exception:
        for operation, name in reversed(made):
            _delete(sagemaker, operation.removeprefix("Create"), name)
        raise


def wait_until_ready(
    name: str,
    timeout: float = 1800,
    say: Callable[[str], None] = lambda _: None,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """ModelFailedError with SageMaker's reason where it fails, ServiceUnavailableError after the timeout."""
    waited = 0.0
    while True:
        found = describe(name)
        if found is None:
            raise ConfigurationError(f"endpoint {name} is gone")
        status = found["EndpointStatus"]
        if status == "InService":
            return
        if status not in WAITING:
            raise ModelFailedError(
                f"endpoint {name} is {status}: {found.get('FailureReason', 'no reason given')}"
            )
        if waited >= timeout:
            raise ServiceUnavailableError(f"endpoint {name} is still {status} after {timeout:g} s")
        say(f"endpoint {name}: {status}")
        sleep(POLL_SECONDS)
        waited += POLL_SECONDS


def describe(name: str) -> dict[str, Any] | None:
    """None for an endpoint that is not there."""
    try:
        with errors_of(f"DescribeEndpoint {name}"):
            found: dict[str, Any] = client("sagemaker", CALLER).describe_endpoint(EndpointName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] == UNKNOWN:
            return None
        raise
    return found


def known_endpoints(stack: Stack, others: Sequence[str] = ()) -> list[str]:
    """The project's endpoints, without those of other projects whose names begin as its own does."""
    pages = client("sagemaker", CALLER).get_paginator("list_endpoints")
    with errors_of("ListEndpoints"):
        found = [
            each["EndpointName"]
            for page in pages.paginate(NameContains=f"{stack.project}-")
            for each in page["Endpoints"]
        ]
    return sorted(name for name in found if is_of(stack.project, name, others))


def projects_within(project: str) -> list[str]:
    """Other projects of the account whose names go on where this one's ends: `recto-dev` within `recto`."""
    wanted = [{"Key": "Name", "Option": "Contains", "Values": [OF_EVERY_PROJECT]}]
    pages = client("ssm", CALLER).get_paginator("describe_parameters")
    with errors_of("DescribeParameters"):
        names = [
            each["Name"] for page in pages.paginate(ParameterFilters=wanted) for each in page["Parameters"]
        ]
    found = {
        name.removesuffix(OF_EVERY_PROJECT).strip("/") for name in names if name.endswith(OF_EVERY_PROJECT)
    }
    return sorted(other for other in found if other.startswith(f"{project}-"))


def is_of(project: str, name: str, others: Sequence[str]) -> bool:
    """Whether a name is a project's and not that of one of the others within it."""
    within = any(name == other or name.startswith(f"{other}-") for other in others)
    return name.startswith(f"{project}-") and not within


def names_in_use() -> tuple[set[str], set[str]]:
    """Configurations and models of all endpoints that there are, whoever made them and whatever their names.

    An endpoint that is being changed has two configurations.
    """
    sagemaker = client("sagemaker", CALLER)
    with errors_of("ListEndpoints"):
        pages = sagemaker.get_paginator("list_endpoints").paginate()
        names = [each["EndpointName"] for page in pages for each in page["Endpoints"]]
    configs = set[str]()
    for found in filter(None, map(describe, names)):
        pending = found.get("PendingDeploymentSummary", {}).get("EndpointConfigName")
        configs |= {config for config in (found.get("EndpointConfigName"), pending) if config}
    return configs, {model for config in configs for model in _models_of(sagemaker, config)}


# --- connected, removed -----------------------------------------------------------------------------


def connect(plan: EndpointPlan, stack: Stack) -> str:
    """Let the pipeline use it from the next document on; the parameter that says so."""
    require_parameter(plan.kind, plan.name)
    stack.name(plan.kind.parameter)
    name = f"/{stack.project}/{plan.kind.parameter}"
    ParameterStore(CALLER).write(name, plan.name)
    return name


def require_parameter(kind: Kind, name: str) -> None:
    """ConfigurationError for a kind that no parameter connects."""
    if not kind.parameter:
        raise ConfigurationError(
            f"fields connect a normaliser: NormalizerEndpoint {name} in the list, then recto fields push"
        )


def connected_by(name: str, stack: Stack) -> list[str]:
    """Parameters that name an endpoint now."""
    paths = [kind.parameter for kind in Kind if kind.parameter]
    return [path for path in paths if path in stack.names and stack.names[path] == name]


def require_unconnected(name: str, stack: Stack) -> None:
    """ConfigurationError where the pipeline still uses it: documents would fail."""
    used = connected_by(name, stack)
    if used:
        raise ConfigurationError(
            f"endpoint {name} is connected by {', '.join(used)}: set that to undefined, or another one, first"
        )
    if endpoint_in_use(stack) == name:
        raise ConfigurationError(
            f"endpoint {name} is named by the release in use: recto release use --previous, or another, first"
        )
    if fields := rewritten_by(name, stack):
        raise ConfigurationError(
            f"endpoint {name} rewrites {', '.join(fields)} of the release in use: take NormalizerEndpoint "
            "out of the field list first (recto fields pull, push)"
        )


def rewritten_by(name: str, stack: Stack) -> list[str]:
    """Fields of the release in use whose texts an endpoint rewrites."""
    used = releases.used_release(stack)
    try:
        active = releases.contents_of(used, stack).fields.active if used else ()
    except (FieldConfigurationError, ReleaseError):
        return []
    return [field.name for field in active if field.normalizer_endpoint == name]


def endpoint_in_use(stack: Stack) -> str:
    """The one that the release in use names; empty for an embedded model."""
    used = releases.used_release(stack)
    try:
        return releases.read_index(used, stack).endpoint if used else ""
    except ReleaseError:
        return ""


def remove_endpoint(name: str, stack: Stack) -> list[str]:
    """Endpoint, configuration and model of a name, whichever are there; what was removed.

    ConfigurationError where the pipeline still uses it, for documents would fail, and where SageMaker does
    not let go of it: nothing is said to be removed that is there and costs.
    """
    require_unconnected(name, stack)
    sagemaker = client("sagemaker", CALLER)
    found = describe(name)
    if found and found["EndpointStatus"] in WAITING:
        raise ConfigurationError(
            f"endpoint {name} is {found['EndpointStatus']}: SageMaker removes none until that has ended; "
            "it costs while it is there, so try again in some minutes"
        )
    config = (found or {}).get("EndpointConfigName", name)
    models = _models_of(sagemaker, config)
    removed = [f"endpoint {name}"] if _delete(sagemaker, "Endpoint", name) else []
    removed += [f"configuration {config}"] if _delete(sagemaker, "EndpointConfig", config) else []
    return removed + [f"model {model}" for model in models or [name] if _delete(sagemaker, "Model", model)]


def _models_of(sagemaker: Any, config: str) -> list[str]:
    try:
        with errors_of(f"DescribeEndpointConfig {config}"):
            found = sagemaker.describe_endpoint_config(EndpointConfigName=config)
    except ClientError as error:
        if error.response["Error"]["Code"] == UNKNOWN:
            return []
        raise
    variants = [*found["ProductionVariants"], *found.get("ShadowProductionVariants", ())]
    return [variant["ModelName"] for variant in variants if "ModelName" in variant]


def _delete(sagemaker: Any, kind: str, name: str) -> bool:
    """Whether there was one; ConfigurationError for one that SageMaker does not let go of now."""
    try:
        with errors_of(f"Delete{kind} {name}"):
            getattr(sagemaker, METHODS[f"Delete{kind}"])(**{f"{kind}Name": name})
    except ClientError as error:
        said = error.response["Error"]
        if said["Code"] != UNKNOWN:
            raise
        if ABSENT in said["Message"].casefold():
            return False
        raise ConfigurationError(f"Delete{kind} {name}: {said['Message']}") from error
    return True


METHODS = {
    "CreateModel": "create_model", "CreateEndpointConfig": "create_endpoint_config",
    "CreateEndpoint": "create_endpoint", "DeleteModel": "delete_model",
    "DeleteEndpointConfig": "delete_endpoint_config", "DeleteEndpoint": "delete_endpoint",
}  # fmt: skip


# --- registration -----------------------------------------------------------------------------------


def register_model(group: str, plan: EndpointPlan, approved: bool, figures: Mapping[str, Any]) -> str:
    """A version of the model in SageMaker's registry, the group made where it is missing; its ARN."""
    sagemaker = client("sagemaker", CALLER)
    with errors_of(f"CreateModelPackageGroup {group}"):
        try:
            sagemaker.create_model_package_group(**group_request(group, plan.project))
        except ClientError as error:
            said = error.response["Error"]
            if said["Code"] not in {UNKNOWN, "ConflictException"} or "exist" not in said["Message"]:
                raise
    with errors_of(f"CreateModelPackage {group}", {UNKNOWN: ConfigurationError}):
        made = sagemaker.create_model_package(**package_request(group, plan, approved, figures))
    return str(made["ModelPackageArn"])


def group_request(group: str, project: str) -> dict[str, Any]:
    """CreateModelPackageGroup's parameters."""
    told = f"Models of Recto's project {project}"
    return {
        "ModelPackageGroupName": group,
        "ModelPackageGroupDescription": told,
        "Tags": [{"Key": "recto:project", "Value": project}],
    }


def package_request(
    group: str, plan: EndpointPlan, approved: bool, figures: Mapping[str, Any]
) -> dict[str, Any]:
    """CreateModelPackage's parameters; headline figures go along as its own properties (at most 50)."""
    container = {
        "Image": plan.image,
        "ModelDataUrl": plan.model_data,
        "Environment": dict(plan.model_request()["PrimaryContainer"]["Environment"]),
    }
    numbers = {str(k)[:128]: f"{v:.6g}" for k, v in figures.items() if isinstance(v, int | float)}
    return {
        "ModelPackageGroupName": group,
        "ModelPackageDescription": f"{plan.kind} model, {plan.model_data}"[:1024],
        "InferenceSpecification": {
            "Containers": [container],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
            "SupportedRealtimeInferenceInstanceTypes": [plan.instance_type],
        },
        "ModelApprovalStatus": "Approved" if approved else "PendingManualApproval",
        "CustomerMetadataProperties": dict(list(numbers.items())[:50]),
    }


def upload_place(name: str, digest: str, stack: Stack) -> Location:
    """Where a model's archive lies: one place for each content."""
    return Location(bucket=stack.work, key=f"models/{name}-{digest[:12]}/model.tar.gz")
