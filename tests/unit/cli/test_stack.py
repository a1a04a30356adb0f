"""Names come from Parameter Store by project id; what is missing or forbidden is said plainly."""

import boto3
import pytest
from moto.core import set_initial_no_auth_action_count

from recto.errors import AccessError, ParameterMissingError
from recto_cli.stack import Stack, read_stack
from tests.unit.cli.conftest import NAMES, PROJECT


def test_every_name_below_the_project_is_read(stack: Stack) -> None:
    assert stack.names == NAMES
    assert (stack.inbox, stack.work, stack.reviews_bucket) == ("inbox", "work", "reviews")


def test_more_names_than_one_answer_holds_are_all_read(account: None) -> None:
    ssm = boto3.client("ssm")
    for number in range(23):
        ssm.put_parameter(Name=f"/{PROJECT}/static/Name{number}", Value=str(number), Type="String")

    assert len(read_stack(PROJECT).names) == 23


def test_another_projects_names_are_not_mixed_in(stack: Stack) -> None:
    boto3.client("ssm").put_parameter(Name=f"/{PROJECT}-two/static/InputBucket", Value="x", Type="String")

    assert read_stack(PROJECT).inbox == "inbox"


def test_a_project_that_is_not_deployed_is_named_in_the_error(account: None) -> None:
    with pytest.raises(ParameterMissingError, match="nothing below /absent/: is the stack deployed"):
        read_stack("absent")


def test_a_name_that_the_stack_does_not_have_is_named_in_the_error() -> None:
    with pytest.raises(ParameterMissingError, match="parameter /recto/static/WorkBucket is absent"):
        _ = Stack("recto", {}).work


def test_a_role_that_may_not_look_is_told_what_it_needs(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = boto3.client("iam")
    user.create_user(UserName="nobody")
    key = user.create_access_key(UserName="nobody")["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    read_with_policies = set_initial_no_auth_action_count(0)(read_stack)

    with pytest.raises(AccessError, match="needs ssm:GetParametersByPath"):
        read_with_policies(PROJECT)
