"""A labelling job: what was asked for, where it stands, its counters in Ground Truth's words."""

import math
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from recto_workbench.builtin import TaskKind, kind_of
from recto_workbench.tasks import Versioned

DEFAULT_AVAILABILITY_SECONDS = 864_000
DEFAULT_CONCURRENT_TASKS = 1_000
PUBLIC_TEAM = "workteam/public-crowd/"


class JobStatus(StrEnum):
    """Ground Truth's own words."""

    INITIALIZING = "Initializing"
    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPING = "Stopping"
    STOPPED = "Stopped"


FINAL_JOB_STATUSES = frozenset({JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.STOPPED})


class Counters(BaseModel):
    """As `DescribeLabelingJob` counts."""

    model_config = ConfigDict(frozen=True)

    total: int
    human_labeled: int
    machine_labeled: int
    failed: int
    unlabeled: int


class Job(BaseModel):
    """The row of a job."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    name: str
    arn: str
    status: JobStatus = JobStatus.INITIALIZING
    created: datetime
    modified: datetime
    request: dict[str, Any]
    """CreateLabelingJob's parameters as they came."""
    labels: tuple[str, ...] = ()
    total: int = 0
    """Objects read from the manifest so far."""
    is_read: bool = False
    """Whether the whole manifest has been read."""
    next_number: int = 0
    """The first object that has not been offered yet."""
    on_offer: int = 0
    """Objects that count against MaxConcurrentTaskCount."""
    labeled: int = 0
    failed: int = 0
    unneeded: int = 0
    wanted_objects: int | None = None
    """From the stopping conditions, once the manifest is read; None for all."""
    failure: str = ""
    output: str = ""
    """S3 URI of the output manifest."""

    @property
    def task(self) -> dict[str, Any]:
        """The HumanTaskConfig."""
        config: dict[str, Any] = self.request["HumanTaskConfig"]
        return config

    @property
    def title(self) -> str:
        return str(self.task["TaskTitle"])

    @property
    def description(self) -> str:
        return str(self.task["TaskDescription"])

    @property
    def label_attribute(self) -> str:
        return str(self.request["LabelAttributeName"])

    @property
    def workers_per_object(self) -> int:
        return int(self.task["NumberOfHumanWorkersPerDataObject"])

    @property
    def time_limit_seconds(self) -> int:
        return int(self.task["TaskTimeLimitInSeconds"])

    @property
    def availability_seconds(self) -> int:
        return int(self.task.get("TaskAvailabilityLifetimeInSeconds", DEFAULT_AVAILABILITY_SECONDS))

    @property
    def max_concurrent(self) -> int:
        return int(self.task.get("MaxConcurrentTaskCount", DEFAULT_CONCURRENT_TASKS))

    @property
    def pre_function(self) -> str:
        """The pre-labelling function's ARN; empty for none."""
        return str(self.task.get("PreHumanTaskLambdaArn", ""))

    @property
    def post_function(self) -> str:
        config = self.task.get("AnnotationConsolidationConfig") or {}
        return str(config.get("AnnotationConsolidationLambdaArn", ""))

    @property
    def task_kind(self) -> TaskKind | None:
        """The built-in task type, where AWS's own functions are named; None for a custom job."""
        return kind_of(self.pre_function) or kind_of(self.post_function)

    @property
    def task_type(self) -> str:
        """For people: `object-detection`, `custom` and so on."""
        kind = self.task_kind
        return kind.name if kind else "custom"

    @property
    def team_arn(self) -> str:
        return str(self.task["WorkteamArn"])

    @property
    def is_public(self) -> bool:
        """Whether AWS's public workforce is asked for; here that is everybody who is signed in."""
        return PUBLIC_TEAM in self.team_arn

    @property
    def output_prefix(self) -> str:
        """S3 URI below which everything of the job lies, without a slash at its end."""
        path = str(self.request["OutputConfig"]["S3OutputPath"]).rstrip("/")
        return f"{path}/{self.name}"

    @property
    def is_final(self) -> bool:
        return self.status in FINAL_JOB_STATUSES

    @property
    def is_running(self) -> bool:
        return self.status is JobStatus.IN_PROGRESS

    @property
    def ended_objects(self) -> int:
        return self.labeled + self.failed + self.unneeded

    @property
    def being_consolidated(self) -> int:
        """Objects that have all their answers and have not ended yet."""
        return self.next_number - self.on_offer - self.ended_objects

    @property
    def has_room(self) -> bool:
        """Whether another object may be offered now."""
        return (
            self.is_running
            and (self.is_read or not self.request.get("StoppingConditions"))
            and self.on_offer < self.max_concurrent
            and self.next_number < min(self.total, self._last_wanted)
        )

    @property
    def _last_wanted(self) -> int:
        """Objects that failed do not count towards a stopping condition."""
        return (
            self.total if self.wanted_objects is None else self.wanted_objects + self.failed + self.unneeded
        )

    @property
    def is_done(self) -> bool:
        """Whether all objects that are wanted have ended."""
        return self.is_read and self.ended_objects >= min(self.total, self._last_wanted)

    @property
    def ended_early(self) -> bool:
        """Whether a stopping condition, or somebody, ended it before all objects were looked at."""
        return self.ended_objects < self.total

    def wanted_of(self, total: int) -> int | None:
        """How many labelled objects end the job; None for all."""
        conditions = self.request.get("StoppingConditions") or {}
        limits = []
        if "MaxHumanLabeledObjectCount" in conditions:
            limits.append(int(conditions["MaxHumanLabeledObjectCount"]))
        if "MaxPercentageOfInputDatasetLabeled" in conditions:
            limits.append(math.ceil(total * int(conditions["MaxPercentageOfInputDatasetLabeled"]) / 100))
        return min(limits) if limits and min(limits) < total else None

    @property
    def counters(self) -> Counters:
        return Counters(
            total=self.total,
            human_labeled=self.labeled,
            machine_labeled=0,
            failed=self.failed,
            unlabeled=max(0, self.total - self.labeled - self.failed),
        )


def team_name(arn: str) -> str:
    """The last part of a work team's ARN."""
    return arn.rpartition("/")[2]


class Team(Versioned):
    """A private work team: groups of the user pool."""

    name: str
    arn: str
    description: str = ""
    members: tuple[dict[str, Any], ...] = ()
    """MemberDefinitions as they came."""
    created: datetime
    modified: datetime
    notification_topic: str = ""

    @property
    def groups(self) -> frozenset[str]:
        """The groups of all members."""
        cognito = {
            m["CognitoMemberDefinition"]["UserGroup"] for m in self.members if "CognitoMemberDefinition" in m
        }
        oidc = {group for m in self.members for group in m.get("OidcMemberDefinition", {}).get("Groups", [])}
        return frozenset(cognito | oidc)
