"""The local runtime is taken where one runs and nothing asks for AWS."""

from pathlib import Path

import pytest

from recto.errors import ConfigurationError
from recto_cli.target import Options, TargetChoice, choose
from recto_local.runtime import RuntimeInfo

RUNNING = RuntimeInfo(
    project="recto-local",
    stack="recto-local",
    ports={"emulator": 4566, "standins": 4567},
    processes={},
    access_log=Path("access.jsonl"),
)


def test_a_running_local_runtime_is_taken_with_its_endpoints_and_project() -> None:
    target = choose(Options(), RUNNING)

    assert target.is_local
    assert target.project == "recto-local"
    assert target.environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"


def test_aws_is_taken_where_no_runtime_is_up() -> None:
    target = choose(Options(), None)

    assert not target.is_local
    assert target.project == "recto"
    assert not any(name.startswith("AWS_ENDPOINT") for name in target.environment)


@pytest.mark.parametrize(
    "options", [Options(TargetChoice.AWS), Options(profile="prod"), Options(region="eu-west-1")]
)
def test_aws_is_taken_where_it_is_asked_for_although_a_runtime_is_up(options: Options) -> None:
    target = choose(options, RUNNING)

    assert not target.is_local


def test_profile_and_region_reach_the_sdk() -> None:
    target = choose(Options(profile="prod", region="eu-west-1"), None)

    assert target.environment == {
        "AWS_PROFILE": "prod",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_REGION": "eu-west-1",
    }


def test_asking_for_a_local_runtime_that_is_not_up_says_how_to_start_one() -> None:
    with pytest.raises(ConfigurationError, match="recto local up"):
        choose(Options(TargetChoice.LOCAL), None)


def test_a_profile_does_not_go_with_the_local_runtime() -> None:
    with pytest.raises(ConfigurationError, match="--profile and --region are for AWS"):
        choose(Options(TargetChoice.LOCAL, profile="prod"), RUNNING)


def test_a_project_that_is_named_goes_before_the_runtimes_own() -> None:
    assert choose(Options(project="other"), RUNNING).project == "other"
