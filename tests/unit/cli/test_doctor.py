"""`recto doctor`: each thing is broken once, and named with what to do; nothing unseen counts as well."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from recto.messages import Status
from recto_cli import doctor
from recto_cli.checkups import findings, limits, parameters, plumbing, stack_state, traffic
from recto_cli.checkups.findings import Check, Deployment, Finding, NotAskedError, State, asking, look
from recto_cli.deployed import Resource
from recto_cli.stack import Stack, read_stack
from tests.contract.template import resources
from tests.unit.cli.conftest import ID, PROJECT
from tests.unit.cli.deployed_stack import list_resources, make_queues
from tests.unit.cli.test_documents import add
from tests.unit.cli.test_main import invoke, no_runtime

__all__ = ["no_runtime"]
URL = "https://abc.execute-api.us-east-1.amazonaws.com"
UUID = "00000000-0000-0000-0000-000000000001"
BUCKETS = {"InboxBucket": "inbox", "WorkBucket": "work", "ReviewsBucket": "reviews"}


@pytest.fixture
def deployment(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """Buckets, queues, topics and a rule as they should be."""
    found = [Resource(logical, "AWS::S3::Bucket", name) for logical, name in BUCKETS.items()]
    found += [*make_queues(), *_topics(), _rule(), _parameter(f"/{PROJECT}/config/Release")]
    ssm = boto3.client("ssm")
    ssm.put_parameter(Name=f"/{PROJECT}/static/WorkbenchUrl", Value=URL, Type="String")
    ssm.put_parameter(Name=f"/{PROJECT}/config/HumanReviewFlowArn", Value="workbench", Type="String")
    for logical in ("InboxBucket", "WorkBucket"):
        rules = {"CORSRules": plumbing.cors_rules(logical, URL)}
        boto3.client("s3").put_bucket_cors(Bucket=BUCKETS[logical], CORSConfiguration=rules)
    subscribe(found)
    return Deployment(list_resources(found, monkeypatch), is_local=False)


def _topics() -> Iterator[Resource]:
    sns = boto3.client("sns")
    for logical in resources("AWS::SNS::Topic"):
        yield Resource(logical, "AWS::SNS::Topic", sns.create_topic(Name=logical)["TopicArn"])


def subscribe(found: list[Resource]) -> None:
    names = {each.logical: each.name for each in found}
    for topic, queue in plumbing.SUBSCRIPTIONS.values():
        boto3.client("sns").subscribe(
            TopicArn=names[topic], Protocol="sqs", Endpoint=_queue_arn(names[queue])
        )


def _queue_arn(url: str) -> str:
    about = boto3.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return str(about["Attributes"]["QueueArn"])


def _rule() -> Resource:
    events = boto3.client("events")
    events.put_rule(Name="inbox-rule", EventPattern="{}")
    events.put_targets(Rule="inbox-rule", Targets=[{"Id": "q", "Arn": "arn:aws:sqs:us-east-1:1:q"}])
    return Resource("InboxRule", "AWS::Events::Rule", "inbox-rule")


def _parameter(name: str) -> Resource:
    return Resource("ReleaseParameter", "AWS::SSM::Parameter", name)


def again(deployment: Deployment) -> Deployment:
    """The same, read anew."""
    return Deployment(read_stack(deployment.stack.project), is_local=deployment.is_local)


def of(check: Check, deployment: Deployment) -> Finding:
    """The one thing that a check finds."""
    (found,) = look("check", check, deployment)
    return found


WELL = {
    "versions": plumbing.versions,
    "CORS": plumbing.cors,
    "rules": plumbing.rules,
    "subscriptions": plumbing.subscriptions,
    "parameters": parameters.names,
    "review flow": parameters.review_flow,
    "dead letters": traffic.dead_letters,
    "slots": traffic.leases,
    "executions": traffic.executions,
}


@pytest.mark.parametrize("name", WELL)
def test_what_is_well_is_said_to_be(deployment: Deployment, name: str) -> None:
    assert of(WELL[name], deployment).state is State.OK


# ---- broken, named, mended


def _no_cors(deployment: Deployment) -> None:
    boto3.client("s3").delete_bucket_cors(Bucket="work")


def _idle_rule(deployment: Deployment) -> None:
    boto3.client("events").disable_rule(Name="inbox-rule")


def _deaf(deployment: Deployment) -> None:
    sns = boto3.client("sns")
    topic = deployment.resources.name("TextractTopic")
    (found,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    sns.unsubscribe(SubscriptionArn=found["SubscriptionArn"])


@pytest.mark.parametrize(
    ("do", "check", "told"),
    [
        (_no_cors, plumbing.cors, "work does not allow GET from null, GET from https://abc"),
        (_idle_rule, plumbing.rules, "inbox-rule (InboxRule) is disabled"),
        (_deaf, plumbing.subscriptions, "TextractQueue does not hear TextractTopic"),
    ],
)
def test_what_can_be_mended_is_named_and_is_well_afterwards(
    deployment: Deployment, do: Callable[[Deployment], None], check: Check, told: str
) -> None:
    do(deployment)

    found = of(check, deployment)

    assert (found.state, told in found.told) == (State.PROBLEM, True), found
    assert found.advice
    assert found.fix
    found.fix.do()
    assert of(check, deployment).state is State.OK


def _no_versions(deployment: Deployment) -> None:
    boto3.client("s3").put_bucket_versioning(Bucket="inbox", VersioningConfiguration={"Status": "Suspended"})


def _no_rule(deployment: Deployment) -> None:
    events = boto3.client("events")
    events.remove_targets(Rule="inbox-rule", Ids=["q"])
    events.delete_rule(Name="inbox-rule")


def _no_parameter(deployment: Deployment) -> None:
    boto3.client("ssm").delete_parameter(Name=f"/{PROJECT}/config/Release")


def _strange_flow(deployment: Deployment) -> None:
    boto3.client("ssm").put_parameter(
        Name=f"/{PROJECT}/config/HumanReviewFlowArn", Value="my-flow", Type="String", Overwrite=True
    )


def _dead_letter(deployment: Deployment) -> None:
    url = deployment.resources.name("ModelDeadLetters")
    boto3.client("sqs").send_message(QueueUrl=url, MessageBody="{}")


def _stale_slot(deployment: Deployment) -> None:
    add(deployment.stack, ID, "a.pdf", status=Status.PROCESSED)
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    deployment.stack.table.put({"pk": "LEASE#documents", "sk": "LEASE", "owners": {f"{ID}-1": later}})


@pytest.mark.parametrize(
    ("do", "check", "told"),
    [
        (_no_versions, plumbing.versions, "inbox keeps no versions"),
        (_no_rule, plumbing.rules, "inbox-rule (InboxRule) is gone"),
        (_no_parameter, parameters.names, f"/{PROJECT}/config/Release (ReleaseParameter) is gone"),
        (_strange_flow, parameters.review_flow, "says my-flow: neither workbench nor a flow's ARN"),
        (_dead_letter, traffic.dead_letters, "1 in ModelDeadLetters"),
        (_stale_slot, traffic.leases, f"1 of 1 slot(s) held by documents that do not run: {ID}-1"),
    ],
)
def test_what_is_broken_is_named_with_what_to_do(
    deployment: Deployment, do: Callable[[Deployment], None], check: Check, told: str
) -> None:
    do(deployment)

    found = of(check, again(deployment))

    assert (found.state, told in found.told) == (State.PROBLEM, True), found
    assert found.advice
    assert found.fix is None


def test_an_absent_release_stops_documents_and_says_so(deployment: Deployment) -> None:
    name = f"/{PROJECT}/config/Release"
    boto3.client("ssm").put_parameter(Name=name, Value="undefined", Type="String", Overwrite=True)

    unset = of(parameters.release, again(deployment))
    boto3.client("ssm").put_parameter(Name=name, Value="releases/none", Type="String", Overwrite=True)
    wrong = of(parameters.release, again(deployment))

    assert (unset.state, unset.told) == (State.PROBLEM, "no release is named: documents wait")
    assert (wrong.state, "releases/none: ReleaseError" in wrong.told) == (State.PROBLEM, True)


def test_a_field_list_that_cannot_be_read_is_named(deployment: Deployment) -> None:
    ssm, name = boto3.client("ssm"), f"/{PROJECT}/config/EntityConfiguration"
    ssm.put_parameter(Name=name, Value='[{"ClassId": 0}]', Type="String")

    found = of(parameters.fields, again(deployment))

    assert (found.state, "FieldConfigurationError" in found.told) == (State.PROBLEM, True)


# ---- services that moto does not have as we use them


class Answering(Deployment):
    """A deployment whose services answer as told."""

    def __init__(self, deployment: Deployment, **answers: Any) -> None:
        super().__init__(deployment.stack, is_local=False)
        self._answers = answers

    def client(self, service: str) -> Any:
        found = self._answers.get(service.replace("-", "_"))
        return found or super().client(service)


def stubbed(service: str, **answers: Any) -> Any:
    client = boto3.client(service)
    stub = Stubber(client)
    for operation, answer in answers.items():
        if isinstance(answer, str):
            stub.add_client_error(operation, answer)
        else:
            stub.add_response(operation, answer)
    stub.activate()
    return client


def test_a_disabled_reader_is_named_and_switched_on(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Resource("IntakeFunctionMessages", "AWS::Lambda::EventSourceMapping", UUID)
    service = stubbed(
        "lambda",
        get_event_source_mapping={"UUID": UUID, "State": "Disabled"},
        update_event_source_mapping={"UUID": UUID, "State": "Enabling"},
    )
    deployment = Answering(
        Deployment(list_resources([reader], monkeypatch), is_local=False), **{"lambda": service}
    )

    found = of(plumbing.mappings, deployment)

    assert (found.state, found.told) == (State.PROBLEM, "IntakeFunctionMessages is disabled")
    assert found.fix
    found.fix.do()


def test_a_bucket_that_tells_nobody_keeps_its_other_notifications(deployment: Deployment) -> None:
    topic = {"TopicArn": "arn:aws:sns:us-east-1:123456789012:t", "Events": ["s3:ObjectRemoved:*"]}
    wanted = {"TopicConfigurations": [topic], "EventBridgeConfiguration": {}}
    s3 = boto3.client("s3")
    with Stubber(s3) as stub:
        stub.add_response("get_bucket_notification_configuration", {"TopicConfigurations": [topic]})
        stub.add_response("get_bucket_notification_configuration", {"EventBridgeConfiguration": {}})
        put = {"Bucket": "inbox", "NotificationConfiguration": wanted}
        stub.add_response("put_bucket_notification_configuration", {}, put)

        found = of(plumbing.bucket_events, Answering(deployment, s3=s3))

        assert "inbox does not tell EventBridge of new objects" in found.told
        assert found.fix
        found.fix.do()


def test_layers_for_another_python_are_named(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    function = Resource("IntakeFunction", "AWS::Lambda::Function", "f")
    arn = "arn:aws:lambda:us-east-1:123456789012:layer:recto:1"
    service = stubbed(
        "lambda",
        get_function_configuration={
            "Runtime": "python3.13", "Architectures": ["arm64"], "State": "Active", "Layers": [{"Arn": arn}],
        },
        get_layer_version_by_arn={"CompatibleRuntimes": ["python3.11"], "CompatibleArchitectures": ["arm64"]},
    )  # fmt: skip
    deployment = Answering(
        Deployment(list_resources([function], monkeypatch), is_local=False), **{"lambda": service}
    )

    found = of(stack_state.functions, deployment)

    assert found.told == f"f runs on python3.13, its layer {arn} is for python3.11"


def test_an_alarm_that_nobody_hears(deployment: Deployment) -> None:
    topic = boto3.client("sns").create_topic(Name="alarms")["TopicArn"]
    heard = Answering(deployment)
    heard.__dict__["about"] = {"Parameters": [{"ParameterKey": "AlarmTopicArn", "ParameterValue": topic}]}
    nobody = Answering(deployment)
    nobody.__dict__["about"] = {"Parameters": []}

    assert of(traffic.alarm_topic, nobody).state is State.REMARK
    assert f"nobody hears {topic}" in of(traffic.alarm_topic, heard).told
    boto3.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:1:q")
    assert of(traffic.alarm_topic, heard).state is State.OK


def test_a_few_functions_at_once_are_too_few(deployment: Deployment) -> None:
    limit = {"AccountLimit": {"ConcurrentExecutions": 10, "UnreservedConcurrentExecutions": 10}}
    service = stubbed("lambda", get_account_settings=limit)

    found = of(limits.lambda_quota, Answering(deployment, **{"lambda": service}))

    assert (found.state, found.told) == (
        State.PROBLEM, "10 functions may run at once in this account and region (of 10)",
    )  # fmt: skip


def test_what_a_role_may_not_do_although_it_should(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    function = Resource("IntakeFunction", "AWS::Lambda::Function", "f")
    role = "arn:aws:iam::123456789012:role/f-role"
    lambdas = stubbed("lambda", get_function_configuration={"Role": role})
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::inbox/*"}
    policy = json.dumps({"Statement": [statement]})
    iam = stubbed(
        "iam",
        list_role_policies={"PolicyNames": ["p"]},
        get_role_policy={"RoleName": "f-role", "PolicyName": "p", "PolicyDocument": policy},
        simulate_principal_policy={
            "EvaluationResults": [
                {"EvalActionName": "s3:GetObject", "EvalResourceName": "r", "EvalDecision": "explicitDeny"}
            ]
        },
    )
    deployment = Answering(
        Deployment(list_resources([function], monkeypatch), is_local=False), **{"lambda": lambdas, "iam": iam}
    )

    found = of(limits.roles, deployment)

    assert (found.state, found.told) == (State.PROBLEM, "f may not s3:GetObject on r: explicitDeny")


def roles_of(stack: Stack, monkeypatch: pytest.MonkeyPatch, refused: set[str]) -> Finding:
    """What the check says of a role with two actions, where IAM does not simulate some."""
    function = Resource("IntakeFunction", "AWS::Lambda::Function", "f")
    lambdas = stubbed("lambda", get_function_configuration={"Role": "arn:aws:iam::123456789012:role/f-role"})
    statement = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "arn:aws:s3:::i"}
    iam = stubbed(
        "iam",
        list_role_policies={"PolicyNames": ["p"]},
        get_role_policy={
            "RoleName": "f-role", "PolicyName": "p", "PolicyDocument": json.dumps({"Statement": [statement]}),
        },
    )  # fmt: skip

    def simulate(ActionNames: list[str], **_: Any) -> Any:  # noqa: N803 - boto3's names
        (action,) = ActionNames
        if action in refused:
            said = {"Error": {"Code": "InvalidInput", "Message": "of another resource"}}
            raise ClientError(said, "SimulatePrincipalPolicy")
        return {"EvaluationResults": [{"EvalActionName": action, "EvalDecision": "explicitDeny"}]}

    monkeypatch.setattr(iam, "simulate_principal_policy", simulate)
    deployment = Deployment(list_resources([function], monkeypatch), is_local=False)
    return of(limits.roles, Answering(deployment, **{"lambda": lambdas, "iam": iam}))


def test_an_action_that_iam_does_not_simulate_hides_no_other(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = roles_of(stack, monkeypatch, {"s3:GetObject"})

    assert (found.state, found.told) == (State.PROBLEM, "f may not s3:ListBucket on *: explicitDeny")


def test_roles_of_which_iam_simulates_nothing_are_not_claimed(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = roles_of(stack, monkeypatch, {"s3:GetObject", "s3:ListBucket"})

    assert found.state is State.NOT_CHECKED
    assert "InvalidInput" in found.told


def test_parameters_above_the_accounts_quotas() -> None:
    quotas = limits.limits_of_quotas(
        [("Async DocumentTextDetection, maximum number of concurrent jobs", 100.0)]
    )

    found = list(limits._above(quotas, {"TextractConcurrentJobs": "200", "MaxRunningDocuments": "150"}))

    assert [each.state for each in found] == [State.PROBLEM, State.REMARK]
    assert "TextractConcurrentJobs is 200, the account's quota is 100" in found[0].told


# ---- never a false ok


@pytest.mark.parametrize("code", ["AccessDenied", "InvalidAction", "UnknownOperationException", "Throttling"])
def test_what_cannot_be_asked_is_not_ok(code: str) -> None:
    def check(_: Deployment) -> Iterator[Finding]:
        with asking("SomeOperation"):
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, "SomeOperation")
        yield findings.ok("x", "never said")

    (found,) = look("x", check, None)  # type: ignore[arg-type]

    assert found.state is State.NOT_CHECKED
    assert "SomeOperation" in found.told


def test_a_thing_that_is_gone_is_for_the_check_to_say() -> None:
    with pytest.raises(ClientError), asking("GetRule"):
        raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "GetRule")
    assert issubclass(NotAskedError, Exception)


def test_roles_and_quotas_of_the_local_runtime_are_not_claimed(deployment: Deployment) -> None:
    here = Deployment(deployment.stack, is_local=True)

    states = [of(check, here).state for check in (limits.roles, limits.textract_quotas, limits.lambda_quota)]

    assert states == [State.NOT_CHECKED] * 3


# ---- the command


@pytest.fixture
def few_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that moto can answer; all of them are made of a real deployment in tests/e2e."""
    kept = ("stack", "release", "CORS", "rules", "dead letters", "roles")
    monkeypatch.setattr(doctor, "CHECKS", {name: doctor.CHECKS[name] for name in kept})


def test_the_command_says_all_and_ends_with_1_where_there_is_a_problem(
    deployment: Deployment, few_checks: None
) -> None:
    _no_cors(deployment)

    code, output = invoke("doctor", "--no-model")
    told = json.loads(invoke("doctor", "--no-model", "--json")[1])

    assert code == 1
    assert "recto doctor --fix can mend" in output
    by_check = {each["check"]: each for each in told}
    assert by_check["CORS"]["state"] == "problem"
    assert by_check["CORS"]["fix"].startswith("set the CORS rules of work")
    assert by_check["release"]["told"] == "left out by --no-model"


def test_it_mends_only_what_somebody_agrees_to(deployment: Deployment, few_checks: None) -> None:
    _no_cors(deployment)

    invoke("doctor", "--no-model", "--fix")
    asked = of(plumbing.cors, deployment).state
    invoke("doctor", "--no-model", "--fix", "--yes")

    assert (asked, of(plumbing.cors, deployment).state) == (State.PROBLEM, State.OK)
