"""Flow definitions and task UIs: what human loops are made after, as A2I has them."""

import hashlib
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from recto.places import Location

BUILT_IN = "recto-workbench"
"""Name of the flow definition, and of the task UI, that nobody has to create."""
WORKBENCH = "workbench"
"""What the parameter HumanReviewFlowArn says for it."""
LONGEST_AVAILABILITY = 864_000
"""Seconds: 10 days, A2I's limit."""


class FlowDefinition(BaseModel):
    """The row of a flow definition."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    name: str
    arn: str
    created: datetime
    request: dict[str, Any]
    """CreateFlowDefinition's parameters as they came."""
    template: str = ""
    """S3 URI of its task UI's template; empty: the review page."""

    @property
    def config(self) -> dict[str, Any]:
        config: dict[str, Any] = self.request.get("HumanLoopConfig") or {}
        return config

    @property
    def wanted(self) -> int:
        return int(self.config.get("TaskCount", 1))

    @property
    def availability_seconds(self) -> int:
        return int(self.config.get("TaskAvailabilityLifetimeInSeconds", LONGEST_AVAILABILITY))

    @property
    def time_limit_seconds(self) -> int | None:
        """How long a claim lasts; None where the flow says nothing."""
        seconds = self.config.get("TaskTimeLimitInSeconds")
        return None if seconds is None else int(seconds)

    @property
    def team(self) -> str:
        """Name of its work team; empty where it has none."""
        return str(self.config.get("WorkteamArn", "")).rpartition("/")[2]

    @property
    def output_path(self) -> str:
        return str(self.request["OutputConfig"]["S3OutputPath"]).rstrip("/")


class HumanTaskUi(BaseModel):
    """The row of a task UI: a worker's template, which never changes."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    name: str
    arn: str
    created: datetime
    template: str
    """S3 URI."""
    sha256: str


def template_place(bucket: str, name: str, content: str) -> Location:
    """Where a task UI's template lies: no loop has such a name. What loops were made with stays."""
    digest = hashlib.sha256(content.encode()).hexdigest()[:32]
    return Location(bucket=bucket, key=f"reviews/_task-uis/{name}/{digest}.liquid.html")
