"""What every job needs: where it runs, as whom, on which machines; and the SDK's session for it."""

import os
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.instance_types_gpu_info import retrieve as gpus_by_machine

from recto.errors import ConfigurationError
from recto_jobs.requests import allowed_values

QUIET = {"SchemaVersion": "1.0", "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}}
"""The SDK tells its makers of each call unless it is asked not to."""
ROLE = r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/\S+$"
IMAGE = r"^[0-9]{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/\S+$"
FOLDER = "jobs"
"""Prefix in the work bucket of all that jobs are given and make."""


class Place(BaseModel):
    """Where a job runs: everything that the stack knows (`recto` fills it in) or that is said instead."""

    model_config = ConfigDict(frozen=True)

    role: str = Field(pattern=ROLE)
    image: str = Field(pattern=IMAGE)
    bucket: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
    project: str = "recto"

    def uri(self, *parts: str) -> str:
        return "/".join((f"s3://{self.bucket}/{FOLDER}", *parts))


class Machines(BaseModel):
    """What a job runs on, and for how long at most."""

    model_config = ConfigDict(frozen=True)

    instance_type: str
    instance_count: int = Field(default=1, ge=1, le=100)
    volume_gb: int = Field(default=50, ge=1, le=16_384)
    max_hours: float = Field(default=24, gt=0, le=672)
    spot: bool = False

    @property
    def max_seconds(self) -> int:
        return round(self.max_hours * 3600)

    @property
    def has_several_gpus(self) -> bool:
        """Whether one machine has more than one GPU, as the SDK's own table says."""
        return num_gpus(self.instance_type) > 1


def num_gpus(instance_type: str) -> int:
    """GPUs of a machine; 0 for one that has none."""
    entry = gpus_by_machine("us-east-1").get(instance_type, {})
    return int(entry.get("Count", 0))


def require_instance_type(name: str, shape: str) -> None:
    """ConfigurationError unless SageMaker has it for such a job (`TrainingInstanceType` and the like)."""
    known = allowed_values("sagemaker", shape)
    if name in known:
        return
    family = name.removeprefix("ml.").split(".")[0]
    near = [each for each in known if each.split(".")[1] == family] or [
        each for each in known if each.split(".")[1][:1] == family[:1]
    ]
    raise ConfigurationError(
        f"instance type {name!r}: SageMaker has none of this name for such a job; near it: "
        f"{', '.join(near[:8]) or ', '.join(known[:8])}"
    )


def open_session(place: Place, boto_session: Any) -> Session:
    """The SDK's session, with the stack's work bucket instead of a bucket that the SDK would make.

    The SDK would ask whether the role may do what it deems needed on every bucket, and refuse ours, which may
    do less on purpose; its switch for that is a variable alone.
    """
    os.environ["SAGEMAKER_VALIDATE_ROLE"] = "false"
    return Session(
        boto_session=boto_session,
        default_bucket=place.bucket,
        default_bucket_prefix=FOLDER,
        sagemaker_config=QUIET,
    )
