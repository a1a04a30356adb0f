"""Which Recto a command talks to: the stack of an AWS account, or the runtime on this machine.

Endpoints, region and credentials are the AWS SDK's own settings, so nothing below this module knows
the difference.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from recto.errors import ConfigurationError
from recto_local.runtime import RuntimeInfo

DEFAULT_PROJECT = "recto"


class TargetChoice(StrEnum):
    """What `--target` takes."""

    AUTO = "auto"
    LOCAL = "local"
    AWS = "aws"


class Target(NamedTuple):
    """Where the commands go."""

    is_local: bool
    project: str
    environment: Mapping[str, str]
    """Settings of the AWS SDK to put into the environment."""

    @property
    def description(self) -> str:
        place = "the runtime on this machine" if self.is_local else "AWS"
        return f"{place}, project {self.project}"


class Options(NamedTuple):
    """What the user asked for on the command line."""

    choice: TargetChoice = TargetChoice.AUTO
    project: str | None = None
    profile: str | None = None
    region: str | None = None

    @property
    def asks_for_aws(self) -> bool:
        return self.choice is TargetChoice.AWS or bool(self.profile or self.region)


def choose(options: Options, running: RuntimeInfo | None) -> Target:
    """The local runtime if one runs and nothing asks for AWS; ConfigurationError where that cannot be."""
    if options.choice is TargetChoice.LOCAL and (options.profile or options.region):
        raise ConfigurationError("--profile and --region are for AWS, they do not go with --target local")
    if options.choice is TargetChoice.LOCAL and running is None:
        raise ConfigurationError("no local runtime is up; start one with: recto local up")
    if running is not None and not options.asks_for_aws:
        return local_target(running, options.project)
    environment = {"AWS_PROFILE": options.profile} if options.profile else {}
    environment |= (
        {"AWS_DEFAULT_REGION": options.region, "AWS_REGION": options.region} if options.region else {}
    )
    return Target(is_local=False, project=options.project or DEFAULT_PROJECT, environment=environment)


def local_target(running: RuntimeInfo, project: str | None = None) -> Target:
    """The runtime on this machine."""
    return Target(
        is_local=True,
        project=project or running.project,
        environment=running.environment(),
    )
