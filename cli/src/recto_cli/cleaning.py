"""What of a project costs money beside its stack, and its removal; with `--data` also what the stack keeps.

Everything is found by the project's name at its beginning, less what other projects' names claim: `recto`
takes nothing of `recto-dev`. What is in use by the pipeline is left, and said.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from recto.aws.clients import client, errors_of
from recto.errors import RectoError
from recto_cli import autoscaling, endpoints
from recto_cli.checkups.findings import asking
from recto_cli.stack import CALLER, Stack

BUCKETS = ("static/InputBucket", "static/WorkBucket", "static/ReviewsBucket")
TABLES = ("static/DocumentTable", "static/WorkbenchTable")
AT_ONCE = 1000
"""The most that S3 deletes in one call."""


class JobKind(NamedTuple):
    """A kind of job of SageMaker's that costs while it runs."""

    words: str
    list_: str
    summaries: str
    name: str
    stop: str


JOBS = (
    JobKind(
        "training job", "list_training_jobs", "TrainingJobSummaries", "TrainingJobName", "stop_training_job"
    ),
    JobKind(
        "processing job", "list_processing_jobs", "ProcessingJobSummaries", "ProcessingJobName",
        "stop_processing_job",
    ),
    JobKind(
        "tuning job", "list_hyper_parameter_tuning_jobs", "HyperParameterTuningJobSummaries",
        "HyperParameterTuningJobName", "stop_hyper_parameter_tuning_job",
    ),
    JobKind(
        "labelling job", "list_labeling_jobs", "LabelingJobSummaryList", "LabelingJobName",
        "stop_labeling_job",
    ),
)  # fmt: skip


class Costly(NamedTuple):
    """One thing, and how it goes."""

    what: str
    name: str
    remove: Callable[[], object]

    def __str__(self) -> str:
        return f"{self.what} {self.name}"


class Unseen(NamedTuple):
    """What could not be looked for, and why."""

    what: str
    why: str


def beside_the_stack(stack: Stack) -> list[Costly | Unseen]:
    """Endpoints, models and configurations without one, and jobs that run."""
    looks: dict[str, Callable[[Stack], list[Costly]]] = {
        "endpoints": _endpoints,
        "configurations and models": _leftovers,
        **{f"{kind.words}s": partial(_jobs, kind=kind) for kind in JOBS},
    }
    found: list[Costly | Unseen] = []
    for what, look in looks.items():
        try:
            found += look(stack)
        except (RectoError, ClientError, BotoCoreError) as error:
            found.append(Unseen(what, str(error)))
    return found


def _endpoints(stack: Stack) -> list[Costly]:
    with asking("ListEndpoints"):
        names = endpoints.known_endpoints(stack, endpoints.projects_within(stack.project))
    return [Costly("endpoint", name, partial(_remove_endpoint, name, stack)) for name in names]


def _remove_endpoint(name: str, stack: Stack) -> None:
    """With its scaling, configuration and models; an error where the pipeline uses it."""
    endpoints.require_unconnected(name, stack)
    with suppress(autoscaling.NoScalingError):  # a place without it has nothing to remove
        autoscaling.remove_scaling(stack.project, name)
    endpoints.remove_endpoint(name, stack)


def _leftovers(stack: Stack) -> list[Costly]:
    """Configurations and models that no endpoint has any more."""
    sagemaker = client("sagemaker", CALLER)
    with asking("DescribeEndpoint"):
        configs, models = endpoints.names_in_use()
    found = []
    for what, list_, summaries, key, delete, used in (
        ("configuration", "list_endpoint_configs", "EndpointConfigs", "EndpointConfigName",
         sagemaker.delete_endpoint_config, configs),
        ("model", "list_models", "Models", "ModelName", sagemaker.delete_model, models),
    ):  # fmt: skip
        with asking(list_):
            pages = sagemaker.get_paginator(list_).paginate(NameContains=stack.project)
            names = [each[key] for page in pages for each in page[summaries]]
        found += [
            Costly(what, name, partial(delete, **{key: name}))
            for name in _own(stack, names)
            if name not in used
        ]
    return found


def _jobs(stack: Stack, kind: JobKind) -> list[Costly]:
    sagemaker = client("sagemaker", CALLER)
    with asking(kind.list_):
        pages = sagemaker.get_paginator(kind.list_)
        running = pages.paginate(NameContains=stack.project, StatusEquals="InProgress")
        names = [each[kind.name] for page in running for each in page[kind.summaries]]
    stop = getattr(sagemaker, kind.stop)
    return [Costly(kind.words, name, partial(stop, **{kind.name: name})) for name in _own(stack, names)]


def _own(stack: Stack, names: Sequence[str]) -> list[str]:
    """Those of the project; other projects are asked for only where there is something to tell apart."""
    if not names:
        return []
    with asking("DescribeParameters"):
        others = endpoints.projects_within(stack.project)
    return [name for name in names if endpoints.is_of(stack.project, name, others)]


# ---- what the stack keeps


class Kept(NamedTuple):
    """A bucket or a table, with how much is in it."""

    what: str
    name: str
    amount: str


def kept_by_the_stack(stack: Stack) -> list[Kept]:
    """What `sam delete` leaves, counted."""
    found = []
    for path in BUCKETS:
        name = stack.name(path)
        count = sum(1 for _ in _versions(name))
        found.append(Kept("bucket", name, f"{count:,} object versions"))
    for path in TABLES:
        name = stack.name(path)
        with errors_of(f"DescribeTable {name}"):
            about = client("dynamodb", CALLER).describe_table(TableName=name)["Table"]
        found.append(Kept("table", name, f"about {about.get('ItemCount', 0):,} rows"))
    return found


def _versions(bucket: str) -> Iterator[Mapping[str, Any]]:
    """Every version and every deletion's mark."""
    pages = client("s3", CALLER).get_paginator("list_object_versions")
    with errors_of(f"ListObjectVersions {bucket}"):
        for page in pages.paginate(Bucket=bucket):
            yield from page.get("Versions", ())
            yield from page.get("DeleteMarkers", ())


def delete_kept(kept: Kept) -> None:
    """For good: nothing of it comes back."""
    if kept.what == "table":
        with errors_of(f"DeleteTable {kept.name}"):
            client("dynamodb", CALLER).delete_table(TableName=kept.name)
        return
    s3, batch = client("s3", CALLER), list[dict[str, str]]()
    for version in _versions(kept.name):
        batch.append({"Key": version["Key"], "VersionId": version["VersionId"]})
        if len(batch) == AT_ONCE:
            _delete_objects(s3, kept.name, batch)
            batch = []
    _delete_objects(s3, kept.name, batch)
    with errors_of(f"DeleteBucket {kept.name}"):
        s3.delete_bucket(Bucket=kept.name)


def _delete_objects(s3: Any, bucket: str, batch: list[dict[str, str]]) -> None:
    if not batch:
        return
    with errors_of(f"DeleteObjects {bucket}"):
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
    for error in answer.get("Errors", ())[:1]:
        raise RectoError(
            f"DeleteObjects {bucket}: {error['Key']}: {error['Code']}: {error.get('Message', '')}"
        )
