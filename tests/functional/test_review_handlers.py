"""The review desk's functions as Lambda calls them: A2I's operations over moto's DynamoDB, S3 and SQS."""

import hashlib
import json
import urllib.parse
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import boto3
import pytest
from botocore.validate import ParamValidator

from recto_local.standins import a2i
from recto_workbench.aws.services import new_id
from recto_workbench.aws.shapes import operation_model
from recto_workbench.steps.desk import ReviewDesk, next_review
from recto_workbench.steps.loop_control import FLOW_OPERATIONS, LOOP_OPERATIONS
from recto_workbench.tasks import Worker
from tests.contract.template import ROOT
from tests.contract.test_template import load
from tests.functional.conftest import REVIEWS, WORK
from tests.functional.test_labelling_store import make_table
from tests.workbench_fakes import add_team

ARN = "arn:aws:lambda:us-east-1:000000000000:function:recto-review-control"
RESOURCE = "arn:aws:sagemaker:us-east-1:000000000000:{}"
BUILT_IN = RESOURCE.format("flow-definition/recto-workbench")
ROLE = "arn:aws:iam::000000000000:role/a2i"
TEMPLATE = '<crowd-form><img src="{{ task.input.image | grant_read_access }}"></crowd-form>'


class Context:
    """What a handler looks at of Lambda's context."""

    function_name, memory_limit_in_mb, aws_request_id = "review", 512, "request"
    invoked_function_arn = ARN


class Deployed:
    """Both functions and their queue."""

    def __init__(self, control: ModuleType, desk: ModuleType, queue: str) -> None:
        self.control, self.desk_function, self.queue = control, desk, queue
        self.sqs = boto3.client("sqs")

    def asked(self, operation: str, **parameters: Any) -> dict[str, Any]:
        event = {"Operation": operation, "Parameters": parameters}
        answer = self.control.lambda_handler(json.loads(json.dumps(event)), Context())
        return json.loads(json.dumps(answer))  # type: ignore[no-any-return]

    def done(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """The result, which must be what botocore expects of the service."""
        answer = self.asked(operation, **parameters)
        assert "Result" in answer, answer
        service = self.control.SERVICES.get(operation)
        model = operation_model(service, operation) if service else None
        if model and model.output_shape:
            report = ParamValidator().validate(answer["Result"], model.output_shape)
            assert not report.has_errors(), report.generate_report()
        result: dict[str, Any] = answer["Result"]
        return result

    def refused(self, operation: str, **parameters: Any) -> tuple[str, str]:
        error = self.asked(operation, **parameters)["Error"]
        return error["Code"], error["Message"]

    def start(self, name: str, flow: str = BUILT_IN, content: Any = None) -> str:
        text = json.dumps(content if content is not None else {"TaskObject": "s3://inbox/a.pdf"})
        started = self.done(
            "StartHumanLoop",
            HumanLoopName=name,
            FlowDefinitionArn=flow,
            HumanLoopInput={"InputContent": text},
        )
        return str(started["HumanLoopArn"])

    def answer(self, name: str, worker: str = "w1", **content: Any) -> dict[str, Any]:
        given = {"HumanLoopName": name, "AnswerContent": content, "WorkerId": worker}
        return self.done("AnswerHumanLoop", **given, TimeSpentInSeconds=1.5)

    def run(self) -> None:
        """Bring the queue's messages to the desk until there are none."""
        while messages := self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            records = [
                {"messageId": each["MessageId"], "body": each["Body"], "eventSource": "aws:sqs",
                 "receiptHandle": each["ReceiptHandle"], "attributes": {}, "messageAttributes": {},
                 "md5OfBody": "", "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:q",
                 "awsRegion": "us-east-1"}
                for each in messages
            ]  # fmt: skip
            answer = self.desk_function.lambda_handler({"Records": records}, Context())
            assert answer["batchItemFailures"] == []
            for each in messages:
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=each["ReceiptHandle"])

    def status(self, name: str) -> str:
        return str(self.done("DescribeHumanLoop", HumanLoopName=name)["HumanLoopStatus"])

    def flow(self, name: str = "flow", **config: Any) -> str:
        given = {
            "WorkteamArn": RESOURCE.format("workteam/private-crowd/reviewers"),
            "HumanTaskUiArn": RESOURCE.format("human-task-ui/recto-workbench"),
            "TaskTitle": "Review", "TaskDescription": "Review", "TaskCount": 1, **config,
        }  # fmt: skip
        made = self.done("CreateFlowDefinition", **flow_request(name, HumanLoopConfig=given))
        return str(made["FlowDefinitionArn"])

    @property
    def desk(self) -> ReviewDesk:
        return self.control.wiring(ARN).desk  # type: ignore[no-any-return]


def flow_request(name: str = "flow", path: str = f"s3://{REVIEWS}/reviews/", **more: Any) -> dict[str, Any]:
    return {"FlowDefinitionName": name, "RoleArn": ROLE, "OutputConfig": {"S3OutputPath": path}, **more}


def output_of(uri: str) -> dict[str, Any]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    body = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return json.loads(body)  # type: ignore[no-any-return]


@pytest.fixture
def deployed(aws: None, monkeypatch: pytest.MonkeyPatch) -> Deployed:
    make_table()
    queue = boto3.client("sqs").create_queue(QueueName="desk")["QueueUrl"]
    given = {
        "WORKBENCH_TABLE": "workbench", "WORK_BUCKET": WORK, "REVIEWS_BUCKET": REVIEWS,
        "DESK_QUEUE_URL": queue, "REVIEWERS_PER_DOCUMENT": "1", "REVIEW_AVAILABILITY_SECONDS": "864000",
        "REVIEW_CLAIM_SECONDS": "3600", "REVIEW_HOLD_SECONDS": "0", "POWERTOOLS_METRICS_NAMESPACE": "Recto",
        "POWERTOOLS_SERVICE_NAME": "review",
    }  # fmt: skip
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    folder = ROOT / "functions" / "review_desk"
    return Deployed(load(folder / "control.py"), load(folder / "desk.py"), queue)


# ---- human loops


def test_the_stand_in_knows_the_operations_of_the_control_function() -> None:
    assert set(LOOP_OPERATIONS) == a2i.LOOP_OPERATIONS
    assert set(FLOW_OPERATIONS) == a2i.FLOW_OPERATIONS


def test_a_loop_from_its_start_to_its_output(deployed: Deployed) -> None:
    content = {
        "ReviewId": "r1", "TaskObject": "s3://inbox/sub/receipt ä.jpg",
        "ModelResult": {"ReviewReasons": [{"Code": "MissingRequired", "Field": "Total", "Message": "m"}]},
    }  # fmt: skip

    arn = deployed.start("recto-r1", "workbench", content)
    waiting = deployed.done("DescribeHumanLoop", HumanLoopName="recto-r1")
    said = deployed.answer("recto-r1", **{"field-value-Total": "12"})
    deployed.run()

    assert arn == waiting["HumanLoopArn"] == RESOURCE.format("human-loop/recto-r1")
    assert (waiting["HumanLoopStatus"], waiting["FlowDefinitionArn"]) == ("InProgress", BUILT_IN)
    assert said["HumanLoopStatus"] == "InProgress"
    done = deployed.done("DescribeHumanLoop", HumanLoopName="recto-r1")
    assert done["HumanLoopStatus"] == "Completed"
    output = output_of(done["HumanLoopOutput"]["OutputS3Uri"])
    assert (output["humanLoopName"], output["inputContent"]) == ("recto-r1", content)
    assert output["humanAnswers"][0]["answerContent"] == {"field-value-Total": "12"}
    assert output["humanAnswers"][0]["timeSpentInSeconds"] == 1.5
    loop = deployed.desk.loops.loop("recto-r1")
    assert loop
    assert (loop.title, loop.num_reasons, loop.reasons[0].field) == ("receipt ä.jpg", 1, "Total")


def test_the_pipelines_word_closes_a_loop_or_opens_it_again(deployed: Deployed) -> None:
    deployed.start("recto-r1", "workbench", {"ReviewId": "r1"})
    deployed.answer("recto-r1", a="1")
    deployed.run()

    def tell(**message: Any) -> None:
        body = json.dumps({"LoopName": "recto-r1", "Cause": "", **message})
        deployed.sqs.send_message(QueueUrl=deployed.queue, MessageBody=body)
        deployed.run()

    tell(Outcome="refused", Cause="ReviewFailedError: no such field")
    assert deployed.status("recto-r1") == "InProgress"
    deployed.answer("recto-r1", a="2")
    deployed.run()
    tell(Outcome="taken")

    loop = deployed.desk.loops.loop("recto-r1")
    assert loop
    assert (loop.state, loop.outcome, deployed.status("recto-r1")) == ("CLOSED", "taken", "Completed")


def test_the_same_start_again_is_the_same_loop_and_other_input_a_conflict(deployed: Deployed) -> None:
    first = deployed.start("same", content={"a": 1, "b": 2})
    assert deployed.start("same", content={"b": 2, "a": 1}) == first

    other = {"HumanLoopName": "same", "FlowDefinitionArn": BUILT_IN}
    code, message = deployed.refused("StartHumanLoop", **other, HumanLoopInput={"InputContent": "{}"})

    assert code == "ConflictException"
    assert "same name as another" in message
    flow = deployed.flow()
    again = {"HumanLoopName": "same", "FlowDefinitionArn": flow}
    text = json.dumps({"a": 1, "b": 2})
    assert deployed.refused("StartHumanLoop", **again, HumanLoopInput={"InputContent": text})[0] == code


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"HumanLoopName": "Upper-Case"}, "HumanLoopName"),
        ({"HumanLoopName": "a" * 64}, "HumanLoopName"),
        ({"HumanLoopName": "ends-"}, "HumanLoopName"),
        ({"HumanLoopInput": {"InputContent": "x" * (3 * 1024 * 1024 + 1)}}, "InputContent"),
        ({"HumanLoopInput": {"InputContent": "not json"}}, "InputContent"),
        ({"HumanLoopInput": {"InputContent": "[1]"}}, "expected a JSON object, got list"),
        ({"HumanLoopInput": {}}, "InputContent"),
        ({"FlowDefinitionArn": RESOURCE.format("flow-definition/none")}, "Flow definition"),
        ({"FlowDefinitionArn": BUILT_IN.replace("us-east-1", "eu-west-1")}, "Flow definition"),
    ],
)
def test_what_a2i_refuses_is_refused(deployed: Deployed, change: dict[str, Any], says: str) -> None:
    request = {"HumanLoopName": "ok", "FlowDefinitionArn": BUILT_IN, "HumanLoopInput": {"InputContent": "{}"}}

    code, message = deployed.refused("StartHumanLoop", **(request | change))

    assert code == "ValidationException"
    assert says in message
    assert deployed.refused("DescribeHumanLoop", HumanLoopName="ok")[0] == "ResourceNotFoundException"


def test_loops_are_listed_in_pages_by_time(deployed: Deployed) -> None:
    flow = deployed.flow()
    names = [f"loop-{number}" for number in range(5)]
    for name in names:
        deployed.start(name, flow)
    deployed.start("another")

    def listed(**more: Any) -> list[str]:
        found, token = [], {}
        while True:
            page = deployed.done("ListHumanLoops", FlowDefinitionArn=flow, **more, **token)
            found += [each["HumanLoopName"] for each in page["HumanLoopSummaries"]]
            if "NextToken" not in page:
                return found
            token = {"NextToken": page["NextToken"]}

    third = deployed.desk.loops.loop("loop-2")
    assert third
    at = third.created.timestamp()
    assert listed(MaxResults=2) == names[::-1]
    assert listed(SortOrder="Ascending", MaxResults=3) == names
    assert listed(CreationTimeAfter=at, SortOrder="Ascending") == names[2:]
    assert listed(CreationTimeBefore=at, MaxResults=1) == ["loop-2", "loop-1", "loop-0"]
    assert listed(CreationTimeAfter=at + 3600) == []
    absent = RESOURCE.format("flow-definition/none")
    assert deployed.refused("ListHumanLoops", FlowDefinitionArn=absent)[0] == "ResourceNotFoundException"
    code, message = deployed.refused("ListHumanLoops", FlowDefinitionArn=flow, NextToken="never")
    assert (code, "none that was given out" in message) == ("ValidationException", True)
    assert deployed.refused("ListHumanLoops", FlowDefinitionArn=flow, MaxResults=101)[0] == code


def test_a_stopped_loop_takes_no_answer_but_keeps_it_and_can_be_deleted(deployed: Deployed) -> None:
    deployed.start("loop")
    assert deployed.refused("DeleteHumanLoop", HumanLoopName="loop")[0] == "ValidationException"

    deployed.done("StopHumanLoop", HumanLoopName="loop")
    deployed.done("StopHumanLoop", HumanLoopName="loop")
    answer = {"HumanLoopName": "loop", "AnswerContent": {"late": True}, "WorkerId": "w"}
    code, message = deployed.refused("AnswerHumanLoop", **answer)

    assert deployed.status("loop") == "Stopped"
    assert code == "ConflictException"
    assert "is stopped since" in message
    kept = message.rpartition("kept as ")[2]
    assert output_of(f"s3://{WORK}/{kept}")["answerContent"] == {"late": True}
    deployed.done("DeleteHumanLoop", HumanLoopName="loop")
    assert deployed.refused("DescribeHumanLoop", HumanLoopName="loop")[0] == "ResourceNotFoundException"
    assert deployed.done("ListHumanLoops", FlowDefinitionArn=BUILT_IN)["HumanLoopSummaries"] == []


def test_a_loop_that_nobody_answers_in_time_has_failed(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = deployed.flow(TaskAvailabilityLifetimeInSeconds=60)
    deployed.start("loop", flow)
    later = datetime.now(UTC) + timedelta(seconds=61)
    for function in (deployed.control.wiring(ARN), deployed.desk_function.wiring()):
        object.__setattr__(function.desk, "clock", lambda: later)

    before_the_sweep = deployed.done("DescribeHumanLoop", HumanLoopName="loop")
    swept = deployed.desk_function.lambda_handler({"Action": "sweep"}, Context())

    after = deployed.done("DescribeHumanLoop", HumanLoopName="loop")
    assert swept == {"claims": 0, "expired": 1, "pushed_on": 0}
    assert before_the_sweep == after
    assert (after["HumanLoopStatus"], after["FailureCode"]) == ("Failed", "Expired")
    assert "0 of 1 answers" in after["FailureReason"]
    until = (later + timedelta(days=1)).isoformat()
    deployed.done("EscalateHumanLoop", HumanLoopName="loop", Expires=until)
    assert deployed.status("loop") == "InProgress"


def test_a_loop_waits_for_as_many_answers_as_its_flow_wants(deployed: Deployed) -> None:
    deployed.start("loop", deployed.flow(TaskCount=2))

    deployed.answer("loop", "one", a="1")
    twice = deployed.refused(
        "AnswerHumanLoop", HumanLoopName="loop", AnswerContent={"a": "3"}, WorkerId="one"
    )
    deployed.answer("loop", "two", a="1")
    deployed.run()

    assert twice[0] == "ConflictException"
    done = deployed.done("DescribeHumanLoop", HumanLoopName="loop")
    answers = output_of(done["HumanLoopOutput"]["OutputS3Uri"])["humanAnswers"]
    assert [each["workerId"] for each in answers] == ["one", "two"]


@pytest.mark.parametrize(
    "parameters",
    [{}, {"HumanLoopName": "x", "AnswerContent": [], "WorkerId": "w"},
     {"HumanLoopName": "x", "AnswerContent": {}, "WorkerId": ""},
     {"HumanLoopName": "x", "AnswerContent": {}, "WorkerId": "w", "TimeSpentInSeconds": -1},
     {"HumanLoopName": "x", "AnswerContent": {}, "WorkerId": "w", "More": 1}],
)  # fmt: skip
def test_our_own_operations_check_their_parameters(deployed: Deployed, parameters: dict[str, Any]) -> None:
    code, message = deployed.refused("AnswerHumanLoop", **parameters)

    assert code == "ValidationException"
    assert message.startswith("AnswerHumanLoop: ")


def test_an_answer_that_is_too_large_is_refused_by_name(deployed: Deployed) -> None:
    deployed.start("loop")

    code, message = deployed.refused(
        "AnswerHumanLoop", HumanLoopName="loop", AnswerContent={"a": "x" * 2_000_001}, WorkerId="w"
    )

    assert code == "ValidationException"
    assert "at most 2,000,000" in message


def test_an_operation_that_is_none_of_ours_is_refused(deployed: Deployed) -> None:
    code, message = deployed.refused("CreateEndpoint")

    assert code == "ValidationException"
    assert "StartHumanLoop" in message


# ---- flow definitions and task UIs


def test_flow_definitions_are_kept_listed_and_deleted(deployed: Deployed) -> None:
    arn = deployed.flow(TaskAvailabilityLifetimeInSeconds=3600, TaskTimeLimitInSeconds=60)
    deployed.flow("second")

    found = deployed.done("DescribeFlowDefinition", FlowDefinitionName="flow")
    listed = deployed.done("ListFlowDefinitions", SortOrder="Ascending")["FlowDefinitionSummaries"]
    first = deployed.done("ListFlowDefinitions", MaxResults=1)
    second = deployed.done("ListFlowDefinitions", MaxResults=5, NextToken=first["NextToken"])

    assert (found["FlowDefinitionArn"], found["FlowDefinitionStatus"], found["RoleArn"]) == (
        arn,
        "Active",
        ROLE,
    )
    assert found["HumanLoopConfig"]["TaskTimeLimitInSeconds"] == 60
    assert [each["FlowDefinitionName"] for each in listed] == ["recto-workbench", "flow", "second"]
    names = [e["FlowDefinitionName"] for page in (first, second) for e in page["FlowDefinitionSummaries"]]
    assert names == ["second", "flow", "recto-workbench"]
    assert deployed.refused("CreateFlowDefinition", **flow_request())[0] == "ResourceInUse"
    deployed.start("loop", arn)
    assert deployed.refused("DeleteFlowDefinition", FlowDefinitionName="flow")[0] == "ResourceInUse"
    deployed.done("StopHumanLoop", HumanLoopName="loop")
    deployed.done("DeleteFlowDefinition", FlowDefinitionName="flow")
    for operation in ("DescribeFlowDefinition", "DeleteFlowDefinition"):
        assert deployed.refused(operation, FlowDefinitionName="flow")[0] == "ResourceNotFound"


def test_the_flow_that_is_built_in(deployed: Deployed) -> None:
    name = "recto-workbench"

    found = deployed.done("DescribeFlowDefinition", FlowDefinitionName=name)

    assert found["FlowDefinitionArn"] == BUILT_IN
    assert found["HumanLoopConfig"]["TaskAvailabilityLifetimeInSeconds"] == 864000
    assert deployed.refused("CreateFlowDefinition", **flow_request(name))[0] == "ResourceInUse"
    assert deployed.refused("DeleteFlowDefinition", FlowDefinitionName=name)[0] == "ResourceInUse"


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"TaskCount": 4}, "TaskCount"),
        ({"TaskAvailabilityLifetimeInSeconds": 864_001}, "at most 864000"),
        ({"TaskTimeLimitInSeconds": 29}, "TaskTimeLimitInSeconds"),
        ({"TaskTimeLimitInSeconds": 100, "TaskAvailabilityLifetimeInSeconds": 99}, "TaskTimeLimitInSeconds"),
        ({"WorkteamArn": RESOURCE.format("workteam/private-crowd/none")}, "there is no work team"),
        ({"HumanTaskUiArn": RESOURCE.format("human-task-ui/none")}, "there is no human task UI"),
        ({"TaskTitle": ""}, "TaskTitle"),
    ],
)
def test_a_flow_that_cannot_be_worked_on_is_refused(
    deployed: Deployed, config: dict[str, Any], says: str
) -> None:
    with pytest.raises(AssertionError, match=says) as refused:
        deployed.flow(**config)

    assert "ValidationException" in str(refused.value)


def test_output_elsewhere_and_loops_that_services_start_are_refused(deployed: Deployed) -> None:
    for path in (f"s3://{WORK}/reviews", f"s3://{REVIEWS}-2/x", "https://reviews/x"):
        code, message = deployed.refused("CreateFlowDefinition", **flow_request(path=path))
        assert (code, f"below s3://{REVIEWS}/" in message) == ("ValidationException", True)
    source = {"AwsManagedHumanLoopRequestSource": "AWS/Textract/AnalyzeDocument/Forms/V1"}
    given = flow_request(HumanLoopRequestSource=source)
    assert "HumanLoopRequestSource" in deployed.refused("CreateFlowDefinition", **given)[1]


def test_a_loop_of_a_template_and_a_team_of_its_own(deployed: Deployed) -> None:
    ui = {"HumanTaskUiName": "ui", "UiTemplate": {"Content": TEMPLATE}}
    arn = deployed.done("CreateHumanTaskUi", **ui)["HumanTaskUiArn"]
    team = add_team(deployed.desk)  # type: ignore[arg-type]
    flow = deployed.flow(HumanTaskUiArn=arn, WorkteamArn=team.arn, TaskTitle="Look")
    deployed.start("loop", flow, {"image": "s3://inbox/a.png"})
    deployed.done("DeleteHumanTaskUi", HumanTaskUiName="ui")

    deployed.answer("loop", "worker", seen=True)
    deployed.run()

    loop = deployed.desk.loops.loop("loop")
    assert loop
    assert (loop.is_native, loop.team, loop.title, loop.outcome) == (False, "readers", "Look", "completed")
    template = urllib.parse.urlsplit(loop.template)
    assert boto3.client("s3").get_object(Bucket=template.netloc, Key=template.path[1:])["Body"].read() == (
        TEMPLATE.encode()
    )
    output = deployed.done("DescribeHumanLoop", HumanLoopName="loop")["HumanLoopOutput"]["OutputS3Uri"]
    assert output_of(output)["inputContent"] == {"image": "s3://inbox/a.png"}
    late = {"HumanLoopName": "loop", "AnswerContent": {"late": 1}, "WorkerId": "another"}
    kept = deployed.refused("AnswerHumanLoop", **late)[1].rpartition("kept as ")[2]
    assert output_of(f"s3://{WORK}/{kept}")["answerContent"] == {"late": 1}


def test_a_template_is_given_no_link_to_what_is_no_input(deployed: Deployed) -> None:
    ui = {"HumanTaskUiName": "ui", "UiTemplate": {"Content": TEMPLATE}}
    flow = deployed.flow(HumanTaskUiArn=deployed.done("CreateHumanTaskUi", **ui)["HumanTaskUiArn"])

    def refused(image: Any) -> str:
        text = json.dumps({"image": image})
        request = {
            "HumanLoopName": "loop",
            "FlowDefinitionArn": flow,
            "HumanLoopInput": {"InputContent": text},
        }
        return deployed.refused("StartHumanLoop", **request)[1]

    assert "may not be shown" in refused(f"s3://{WORK}/reviews/other/answers/a.json")
    assert "may not be shown" in refused({"bucket": WORK, "name": "labelling/job/tasks/1.json"})
    deployed.start("loop", flow, {"image": f"s3://{WORK}/documents/1/images/page-0001.jpg"})


def test_task_uis_are_kept_listed_and_deleted(deployed: Deployed) -> None:
    ui = {"HumanTaskUiName": "ui", "UiTemplate": {"Content": TEMPLATE}}
    arn = deployed.done("CreateHumanTaskUi", **ui)["HumanTaskUiArn"]

    found = deployed.done("DescribeHumanTaskUi", HumanTaskUiName="ui")
    listed = deployed.done("ListHumanTaskUis")["HumanTaskUiSummaries"]

    assert arn == found["HumanTaskUiArn"] == listed[0]["HumanTaskUiArn"]
    assert found["UiTemplate"]["ContentSha256"] == hashlib.sha256(TEMPLATE.encode()).hexdigest()
    assert "/reviews/_task-uis/ui/" in found["UiTemplate"]["Url"]
    assert deployed.refused("CreateHumanTaskUi", **ui)[0] == "ResourceInUse"
    wrong = {"HumanTaskUiName": "w", "UiTemplate": {"Content": "{% if %}"}}
    assert deployed.refused("CreateHumanTaskUi", **wrong)[0] == "ValidationException"
    deployed.done("DeleteHumanTaskUi", HumanTaskUiName="ui")
    for operation in ("DescribeHumanTaskUi", "DeleteHumanTaskUi"):
        assert deployed.refused(operation, HumanTaskUiName="ui")[0] == "ResourceNotFound"


def test_the_web_and_the_control_function_see_the_same_loops(deployed: Deployed) -> None:
    deployed.start("loop")
    worker = Worker(worker_id=new_id(), groups=("reviewers",))

    assert next_review(worker, deployed.desk) == "loop"
