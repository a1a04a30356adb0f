"""`recto review setup`, as an operator types it: accounts for the workbench, a flow for Amazon A2I."""

import hashlib
import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from recto.errors import ConfigurationError
from recto_cli import review_flows
from recto_cli.labelling import cors
from recto_cli.labelling.back_ends import RefusalError
from recto_cli.labelling.teams import Delivery, People, Person
from recto_cli.review_flows import AmazonA2i, FlowChoices
from recto_cli.stack import Stack, read_stack
from tests.contract.template import resources
from tests.unit.cli.conftest import PROJECT
from tests.unit.cli.label_fakes import ACCOUNT, POOL, POOL_CLIENT, REGION, FakeBackEnd, FakeCognito
from tests.unit.cli.label_stack import invoke

ROLE = f"arn:aws:iam::{ACCOUNT}:role/recto-test-a2i"
PARAMETER = f"/{PROJECT}/config/HumanReviewFlowArn"
NAMES = {
    "static/UserPoolId": POOL,
    "static/UserPoolClientId": POOL_CLIENT,
    "static/A2IExecutionRoleArn": ROLE,
    "static/WorkbenchUrl": "https://workbench.example.org",
    "config/HumanReviewFlowArn": "workbench",
}
VIEWER = b"globalThis.rectoPdf = {};"


class FakeSageMaker(FakeBackEnd):
    """boto3's client: teams, task UIs, flow definitions. Requests are checked by SageMaker's own model."""

    def __init__(self) -> None:
        super().__init__()
        self.uis: dict[str, dict[str, Any]] = {}
        self.flows: dict[str, dict[str, Any]] = {}
        self.workforces: list[dict[str, Any]] = [
            {"WorkforceName": "default", "CognitoConfig": {"UserPool": POOL, "ClientId": POOL_CLIENT}}
        ]

    def __getattr__(self, name: str) -> Any:
        operation = {xform_name(one): one for one in OPERATIONS}.get(name)
        if operation is None:
            raise AttributeError(name)

        def ask(**parameters: Any) -> dict[str, Any]:
            try:
                return self.call(operation, parameters)
            except RefusalError as error:
                told = {"Error": {"Code": error.code, "Message": error.said}}
                raise ClientError({**told, "ResponseMetadata": {"HTTPStatusCode": 400}}, operation) from error  # type: ignore[typeddict-item]

        return ask

    def _CreateHumanTaskUi(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        name, content = asked["HumanTaskUiName"], asked["UiTemplate"]["Content"]
        arn = self._arn("human-task-ui", name)
        self.uis[name] = {"HumanTaskUiName": name, "HumanTaskUiArn": arn, "content": content}
        return {"HumanTaskUiArn": arn}

    def _DescribeHumanTaskUi(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return dict(self._known(self.uis, asked["HumanTaskUiName"]))

    def _CreateFlowDefinition(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        name = asked["FlowDefinitionName"]
        arn = self._arn("flow-definition", name)
        self.flows[name] = {**asked, "FlowDefinitionArn": arn, "FlowDefinitionStatus": "Active"}
        return {"FlowDefinitionArn": arn}

    def _DescribeFlowDefinition(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return dict(self._known(self.flows, asked["FlowDefinitionName"]))

    def _ListWorkforces(self, _: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"Workforces": self.workforces}


OPERATIONS = (
    "CreateWorkteam", "DescribeWorkteam", "ListWorkteams", "ListWorkforces", "CreateHumanTaskUi",
    "DescribeHumanTaskUi", "CreateFlowDefinition", "DescribeFlowDefinition",
)  # fmt: skip


class Account:
    """A stack in moto, with SageMaker and Cognito in memory."""

    def __init__(self, sagemaker: FakeSageMaker, cognito: FakeCognito) -> None:
        self.sagemaker, self.cognito = sagemaker, cognito

    @property
    def flow(self) -> str:
        return str(boto3.client("ssm").get_parameter(Name=PARAMETER)["Parameter"]["Value"])

    @property
    def stack(self) -> Stack:
        return read_stack(PROJECT)


@pytest.fixture
def here(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Account:
    monkeypatch.setenv("RECTO_HOME", str(tmp_path / "home"))
    for name, value in NAMES.items():
        boto3.client("ssm").put_parameter(Name=f"/{PROJECT}/{name}", Value=value, Type="String")
    page, viewer = tmp_path / "review.liquid.html", tmp_path / "review-pdf.js"
    page.write_text('<div data-pdf-viewer="[[recto:pdf-viewer]]">{{ task.input | to_json }}</div>')
    viewer.write_bytes(VIEWER)
    monkeypatch.setattr(review_flows, "REVIEW_PAGE", page)
    monkeypatch.setattr(review_flows, "PDF_VIEWER", viewer)
    monkeypatch.setattr(review_flows, "LOOK_SECONDS", 0.0)
    fakes = {"sagemaker": FakeSageMaker(), "cognito-idp": FakeCognito()}
    real = boto3.client
    monkeypatch.setattr(boto3, "client", lambda name, **asked: fakes.get(name) or real(name, **asked))
    return Account(fakes["sagemaker"], fakes["cognito-idp"])  # type: ignore[arg-type]


# --- the workbench ------------------------------------------------------------------------------------


def test_reviewers_get_a_password_by_mail_and_their_group(here: Account) -> None:
    boto3.client("ssm").put_parameter(Name=PARAMETER, Value="arn:old", Type="String", Overwrite=True)

    result = invoke("review", "setup", "workbench", "--reviewer", "ann@example.org",
                    "--operator", "oz@example.org")  # fmt: skip

    assert result.exit_code == 0, result.exception
    assert here.cognito.groups["reviewers"] == ["ann@example.org"]
    assert here.cognito.groups["operators"] == ["oz@example.org"]
    assert here.cognito.users["ann@example.org"]["asked"]["DesiredDeliveryMediums"] == ["EMAIL"]
    assert here.flow == "workbench"
    assert "ann@example.org: gets a password by mail" in result.stdout
    assert "reviews go to workbench from now on" in result.stdout
    assert "those that wait now stay at arn:old" in result.stdout
    assert "sign in at https://workbench.example.org" in result.stdout


def test_a_password_that_no_mail_brings_is_told_once(here: Account) -> None:
    first = invoke("review", "setup", "workbench", "--reviewer", "ann@example.org", "--no-mail")
    again = invoke("review", "setup", "workbench", "--reviewer", "ann@example.org", "--no-mail")

    password = here.cognito.users["ann@example.org"]["asked"]["TemporaryPassword"]
    assert first.stdout.count(password) == 1
    assert password not in again.stdout
    assert "ann@example.org: is known, and in reviewers" in again.stdout


def test_nobody_is_invited_where_one_address_is_none(here: Account) -> None:
    result = invoke("review", "setup", "workbench", "--reviewer", "ann@example.org", "--reviewer", "ben")

    assert "'ben': expected a mail address" in str(result.exception)
    assert here.cognito.users == {}


def test_a_dry_run_tells_and_does_nothing(here: Account) -> None:
    result = invoke("review", "setup", "workbench", "--reviewer", "ann@example.org", "--dry-run")

    assert "ann@example.org: would be invited to reviewers" in result.stdout
    assert here.cognito.users == {}


def test_that_nobody_reviews_yet_is_told(here: Account) -> None:
    result = invoke("review", "setup", "workbench")

    assert result.exit_code == 0
    assert "nobody is a reviewer yet" in result.output


def test_who_has_never_signed_in_gets_another_password_and_nobody_else(here: Account) -> None:
    setup = ("review", "setup", "workbench", "--reviewer", "ann@example.org", "--no-mail")
    first = invoke(*setup)
    known = invoke(*setup)

    again = invoke(*setup, "--again")
    ann = here.cognito.users["ann@example.org"]
    told = ann["password"]
    ann["UserStatus"] = "CONFIRMED"
    signed_in = invoke(*setup, "--again")

    assert told != ann["asked"]["TemporaryPassword"]
    assert f"password {ann['asked']['TemporaryPassword']}" in first.stdout
    assert f"password {told}, to be changed at the first sign-in" in again.stdout
    assert "is known" in known.stdout
    assert "is known" in signed_in.stdout
    assert ann["password"] == told


def test_a_mail_is_sent_again(account: None, monkeypatch: pytest.MonkeyPatch) -> None:
    cognito = boto3.client("cognito-idp")
    monkeypatch.setattr(boto3, "client", lambda *_, **__: cognito)
    asked = {
        "UserPoolId": POOL, "Username": "ann", "MessageAction": "RESEND", "DesiredDeliveryMediums": ["EMAIL"],
    }  # fmt: skip
    with Stubber(cognito) as stub:
        stub.add_response("admin_create_user", {}, asked)

        invited = People(POOL, "c").invite_again(Person("ann", "ann@example.org", "x"), Delivery.MAIL)

        stub.assert_no_pending_responses()
    assert invited.password == ""


# --- Amazon A2I ---------------------------------------------------------------------------------------


def test_a_flow_definition_with_all_that_it_needs(here: Account) -> None:
    result = invoke("review", "setup", "a2i", "--reviewer", "ann@example.org", "--task-count", "2")

    assert result.exit_code == 0, result.exception
    (flow,) = here.sagemaker.flows.values()
    (ui,) = here.sagemaker.uis.values()
    config = flow["HumanLoopConfig"]
    assert here.flow == flow["FlowDefinitionArn"]
    assert config["HumanTaskUiArn"] == ui["HumanTaskUiArn"]
    assert config["WorkteamArn"].endswith(f"workteam/private-crowd/{PROJECT}-reviewers")
    assert (config["TaskCount"], config["TaskAvailabilityLifetimeInSeconds"]) == (2, 864_000)
    assert flow["OutputConfig"]["S3OutputPath"] == "s3://reviews/reviews"
    assert flow["RoleArn"] == ROLE
    assert here.cognito.groups[f"{PROJECT}-reviewers"] == ["ann@example.org"]
    assert here.cognito.groups["reviewers"] == ["ann@example.org"]


def test_the_page_finds_its_pdf_viewer_in_the_work_bucket(here: Account) -> None:
    invoke("review", "setup", "a2i")

    key = f"reviews/_pages/review-pdf-{hashlib.sha256(VIEWER).hexdigest()[:12]}.js"
    (ui,) = here.sagemaker.uis.values()
    assert f"\"{{{{ 's3://work/{key}' | grant_read_access }}}}\"" in ui["content"]
    stored = boto3.client("s3").get_object(Bucket="work", Key=key)
    assert stored["Body"].read() == VIEWER
    assert stored["ContentType"].startswith("text/javascript")


def test_workers_pages_may_read_both_buckets_in_parts(here: Account) -> None:
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["https://workbench.example.org"]}
    boto3.client("s3").put_bucket_cors(Bucket="inbox", CORSConfiguration={"CORSRules": [rule]})

    result = invoke("review", "setup", "a2i")

    assert "inbox: workers' pages may read it by link now (CORS)" in result.stdout
    kept, added = cors.rules_of("inbox")
    assert kept["AllowedOrigins"] == ["https://workbench.example.org"]
    assert added["AllowedOrigins"] == ["*"]
    assert "range" in added["AllowedHeaders"]
    assert "Content-Range" in added["ExposeHeaders"]
    assert cors.rules_of("work")[0]["AllowedMethods"] == ["GET", "HEAD"]


def test_the_same_again_makes_nothing(here: Account) -> None:
    invoke("review", "setup", "a2i")
    calls = len(here.sagemaker.calls)

    again = invoke("review", "setup", "a2i")

    assert [call for call in here.sagemaker.calls[calls:] if call.startswith("Create")] == []
    assert "is there already" in again.stdout
    assert "(CORS)" not in again.stdout


@pytest.mark.parametrize("change", [("--task-count", "3"), ("--availability", "7200"), ("--title", "Other")])
def test_a_change_makes_a_flow_definition_beside_the_old(here: Account, change: tuple[str, str]) -> None:
    invoke("review", "setup", "a2i")
    before = here.flow

    result = invoke("review", "setup", "a2i", *change)

    assert len(here.sagemaker.flows) == 2
    assert len(here.sagemaker.uis) == 1
    assert here.flow != before
    assert f"those that wait now stay at {before}" in result.stdout


def test_a_page_that_changed_is_another_task_ui_and_flow(here: Account) -> None:
    invoke("review", "setup", "a2i")
    review_flows.REVIEW_PAGE.write_text("<p>newer</p>")

    invoke("review", "setup", "a2i")

    assert len(here.sagemaker.flows) == len(here.sagemaker.uis) == 2


def test_a_dry_run_prints_the_request_and_makes_nothing(here: Account) -> None:
    result = invoke("review", "setup", "a2i", "--dry-run")

    told = json.loads(result.stdout)
    assert told["HumanLoopConfig"]["WorkteamArn"] == f"{PROJECT}-reviewers"
    assert told["OutputConfig"]["S3OutputPath"] == "s3://reviews/reviews"
    assert not any(call.startswith("Create") for call in here.sagemaker.calls)
    assert here.flow == "workbench"
    assert boto3.client("s3").list_objects_v2(Bucket="work")["KeyCount"] == 0
    assert cors.rules_of("work") == []


def test_a_vendors_team_is_taken_as_it_is(here: Account) -> None:
    team = f"arn:aws:sagemaker:{REGION}:394669845002:workteam/vendor-crowd/readers"

    result = invoke("review", "setup", "a2i", "--team", team)

    assert result.exit_code == 0, result.exception
    assert next(iter(here.sagemaker.flows.values()))["HumanLoopConfig"]["WorkteamArn"] == team


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--output", "s3://reviews-of-others/x"), "where nobody hears of answers"),
        (("--availability", "60"), "--time-limit 3600: expected at most 60"),
        (("--team", f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:workteam/private-crowd/x"), "no work team arn"),
        (("--template", "none.html"), "none.html: No such file"),
        (("--keyword", "héllo"), "TaskKeywords"),
    ],
)
def test_what_cannot_be_is_said(here: Account, options: tuple[str, str], told: str) -> None:
    result = invoke("review", "setup", "a2i", *options)

    assert result.exit_code == 1
    assert told in str(result.exception)
    assert here.flow == "workbench"
    assert here.sagemaker.flows == {}


def test_a_template_that_is_too_long_or_asks_for_labels_is_refused(here: Account, tmp_path: Path) -> None:
    long, labels = tmp_path / "long.html", tmp_path / "labels.html"
    long.write_text("x" * 128_001)
    labels.write_text("[[recto:labels]]")

    too_long = invoke("review", "setup", "a2i", "--template", str(long))
    other = invoke("review", "setup", "a2i", "--template", str(labels))

    assert "128,001 characters, a task UI takes at most 128,000" in str(too_long.exception)
    assert "[[recto:labels]] is filled by recto label template alone" in str(other.exception)


@pytest.mark.parametrize(
    ("workforces", "told"),
    [([], "no private workforce"), ([{"WorkforceName": "sso", "OidcConfig": {}}], "own identity provider")],
)
def test_a_team_needs_a_workforce_that_it_can_be_made_in(
    here: Account, workforces: list[dict[str, Any]], told: str
) -> None:
    here.sagemaker.workforces = workforces

    result = invoke("review", "setup", "a2i")

    assert told in str(result.exception)
    assert here.sagemaker.uis == {}


def test_reviewers_are_invited_into_the_workforces_own_pool(here: Account) -> None:
    """Which may be another than the workbench's: then they have no role there."""
    here.sagemaker.workforces = [
        {"WorkforceName": "default", "CognitoConfig": {"UserPool": "us-east-1_OTHER", "ClientId": "c"}}
    ]
    people = review_flows.workforce(here.stack, AmazonA2i(), is_local=False)

    assert (people.pool, people.pool_client) == ("us-east-1_OTHER", "c")


# --- flow definitions of others -----------------------------------------------------------------------


def given(here: Account, output: str = "s3://reviews/theirs", **more: Any) -> str:
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:flow-definition/theirs"
    here.sagemaker.flows["theirs"] = {
        "FlowDefinitionArn": arn, "FlowDefinitionStatus": "Active",
        "OutputConfig": {"S3OutputPath": output}, **more,
    }  # fmt: skip
    return arn


def test_a_flow_definition_that_is_there_is_used_as_it_is(here: Account) -> None:
    arn = given(here)

    by_name = invoke("review", "setup", "a2i", "--flow", "theirs")
    by_arn = invoke("review", "setup", "a2i", "--flow", arn)

    assert by_name.exit_code == by_arn.exit_code == 0, by_name.exception
    assert here.flow == arn
    assert len(here.sagemaker.flows) == 1


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"output": "s3://their-own-bucket/out"}, "nobody hears of answers"),
        ({"output": "s3://reviews-too/out"}, "nobody hears of answers"),
        ({"FlowDefinitionStatus": "Failed", "FailureReason": "role"}, "is Failed: role"),
        (
            {"HumanLoopRequestSource": {"AwsManagedHumanLoopRequestSource": "AWS/Textract/X"}},
            "takes the loops that AWS/Textract/X starts",
        ),
    ],
)
def test_a_flow_definition_that_recto_would_never_hear_of_is_refused(
    here: Account, more: dict[str, Any], told: str
) -> None:
    given(here, **more)

    result = invoke("review", "setup", "a2i", "--flow", "theirs")

    assert told in str(result.exception)
    assert here.flow == "workbench"


# --- as botocore has the shapes -----------------------------------------------------------------------

FLOW = {
    "FlowDefinitionName": "f", "CreationTime": "2026-11-22T00:00:00Z", "RoleArn": ROLE,
    "FlowDefinitionArn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:flow-definition/f",
    "OutputConfig": {"S3OutputPath": "s3://reviews/reviews"},
}  # fmt: skip


def test_a_flow_definition_is_waited_for(account: None, monkeypatch: pytest.MonkeyPatch) -> None:
    sagemaker = boto3.client("sagemaker")
    monkeypatch.setattr(boto3, "client", lambda *_, **__: sagemaker)
    monkeypatch.setattr(review_flows, "LOOK_SECONDS", 0.0)
    with Stubber(sagemaker) as stub:
        for status in ("Initializing", "Initializing", "Active"):
            stub.add_response("describe_flow_definition", {**FLOW, "FlowDefinitionStatus": status})

        assert review_flows._active("f", AmazonA2i()) == FLOW["FlowDefinitionArn"]
        stub.assert_no_pending_responses()


def test_one_that_cannot_be_made_says_why(account: None, monkeypatch: pytest.MonkeyPatch) -> None:
    sagemaker = boto3.client("sagemaker")
    monkeypatch.setattr(boto3, "client", lambda *_, **__: sagemaker)
    failed = {**FLOW, "FlowDefinitionStatus": "Failed", "FailureReason": "the role cannot write"}
    with Stubber(sagemaker) as stub:
        stub.add_response("describe_flow_definition", failed)

        with pytest.raises(ConfigurationError, match="f is Failed: the role cannot write"):
            review_flows._active("f", AmazonA2i())


def test_new_customers_are_told_of_the_workbench(account: None, monkeypatch: pytest.MonkeyPatch) -> None:
    sagemaker = boto3.client("sagemaker")
    monkeypatch.setattr(boto3, "client", lambda *_, **__: sagemaker)
    with Stubber(sagemaker) as stub:
        stub.add_client_error("create_human_task_ui", "AccessDeniedException", "closed to new customers", 400)

        with pytest.raises(RefusalError, match="closed Amazon A2I to new customers; the workbench"):
            AmazonA2i().call(
                "CreateHumanTaskUi", {"HumanTaskUiName": "u", "UiTemplate": {"Content": "<p>x</p>"}}
            )


def test_the_page_as_it_is_built_fits(here: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    page = review_flows.TEMPLATES / "review.liquid.html"
    if not page.exists():
        pytest.fail(f"{page.name} has not been built: run `make web`")

    plan = review_flows.planned(FlowChoices(template=page), here.stack, AmazonA2i(), is_local=False)

    assert "[[recto:" not in plan.template
    assert len(plan.template) < review_flows.MOST_CHARACTERS
    assert plan.viewer is not None


def test_the_stacks_role_reads_what_the_pages_ask_for(here: Account) -> None:
    (policy,) = resources("AWS::IAM::Role")["A2iExecutionRole"]["Policies"]
    read = next(one for one in policy["PolicyDocument"]["Statement"] if one["Action"] == "s3:GetObject")
    places = json.dumps(read["Resource"])

    plan = review_flows.planned(FlowChoices(), here.stack, AmazonA2i(), is_local=False)

    assert plan.viewer is not None
    assert plan.viewer.key.startswith(f"{review_flows.PAGES}/")
    assert f"${{WorkBucket.Arn}}/{review_flows.PAGES}/*" in places
    assert "${InboxBucket.Arn}/*" in places
    assert "${WorkBucket.Arn}/documents/*" in places
