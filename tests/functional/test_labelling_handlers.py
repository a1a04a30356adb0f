"""The labelling functions as Lambda calls them: over moto's DynamoDB, S3 and SQS."""

import json
from types import ModuleType
from typing import Any

import boto3
import pytest

from recto.places import Location
from recto_workbench.aws.services import new_id
from recto_workbench.errors import FunctionFailedError
from recto_workbench.steps.assignment import Desk, next_task, submit, upload_link
from tests.contract.template import ROOT, functions
from tests.contract.test_template import load
from tests.functional.conftest import WORK
from tests.functional.test_labelling_store import make_table
from tests.workbench_fakes import reader, request_of

NAMES = ("control", "intake", "consolidate", "expiry")
ARN = "arn:aws:lambda:us-east-1:000000000000:function:recto-labelling-control"
MEMBER = {"CognitoMemberDefinition": {"UserPool": "us-east-1_a", "UserGroup": "readers", "ClientId": "c"}}


class Context:
    """What a handler looks at of Lambda's context."""

    function_name, memory_limit_in_mb, aws_request_id = "labelling", 512, "request"
    invoked_function_arn = ARN


class Deployed:
    """The four functions with their queues; `run` brings messages to them until there are none."""

    def __init__(self, handlers: dict[str, ModuleType], queues: dict[str, str]) -> None:
        self.handlers, self.queues = handlers, queues
        self.sqs = boto3.client("sqs")
        self.calls: list[str] = []

    def operation(self, name: str, **parameters: Any) -> dict[str, Any]:
        event = {"Operation": name, "Parameters": parameters}
        answer: dict[str, Any] = self.handlers["control"].lambda_handler(event, Context())
        return json.loads(json.dumps(answer))  # type: ignore[no-any-return]

    def run(self, most: int = 200) -> None:
        for _ in range(most):
            taken = [self._bring(name, url) for name, url in self.queues.items()]
            if not any(taken):
                return
        raise AssertionError("messages without an end")

    def _bring(self, name: str, url: str) -> bool:
        messages = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=5).get("Messages", [])
        records = [
            {"messageId": each["MessageId"], "body": each["Body"], "eventSource": "aws:sqs",
             "receiptHandle": each["ReceiptHandle"], "attributes": {}, "messageAttributes": {},
             "md5OfBody": "", "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:q",
             "awsRegion": "us-east-1"}
            for each in messages
        ]  # fmt: skip
        if records:
            answer = self.handlers[name].lambda_handler({"Records": records}, Context())
            assert answer["batchItemFailures"] == []
        for each in messages:
            self.sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
        return bool(records)

    @property
    def desk(self) -> Desk:
        return self.handlers["control"].wiring(ARN).desk  # type: ignore[no-any-return]


@pytest.fixture
def deployed(events_machine: str, monkeypatch: pytest.MonkeyPatch) -> Deployed:
    make_table()
    sqs = boto3.client("sqs")
    urls = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("intake", "consolidate")}
    given = {
        "WORKBENCH_TABLE": "workbench", "WORK_BUCKET": WORK, "INTAKE_QUEUE_URL": urls["intake"],
        "CONSOLIDATION_QUEUE_URL": urls["consolidate"], "EVENT_STATE_MACHINE_ARN": events_machine,
        "POST_FUNCTION": "recto-smgt-post-LabelingFunction", "POWERTOOLS_METRICS_NAMESPACE": "Recto",
        "POWERTOOLS_SERVICE_NAME": "labelling",
    }  # fmt: skip
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    handlers = {name: load(ROOT / "functions" / "labelling" / f"{name}.py") for name in NAMES}
    made = Deployed(handlers, urls)
    monkeypatch.setattr("recto_workbench.aws.services.LambdaLabellingFunctions.call", answered(made))
    return made


def answered(deployed: Deployed) -> Any:
    """In place of Lambda, which moto runs in Docker only; the end-to-end test calls real functions."""

    def call(_self: Any, function: str, event: dict[str, Any]) -> Any:
        deployed.calls.append(function)
        if "dataObject" in event:
            return {"taskInput": event["dataObject"]}
        place = Location.from_uri(event["payload"]["s3Uri"])
        entries = json.loads(deployed.desk.objects.read(place))
        if "absent" in function:
            raise FunctionFailedError(f"{function} is absent")
        said = [[json.loads(a["annotationData"]["content"]) for a in each["annotations"]] for each in entries]
        return [
            {
                "datasetObjectId": each["datasetObjectId"],
                "consolidatedAnnotation": {"content": {event["labelAttributeName"]: answers}},
            }
            for each, answers in zip(entries, said, strict=True)
        ]

    return call


def create(deployed: Deployed, lines: list[str], **task: Any) -> dict[str, Any]:
    s3 = boto3.client("s3")
    s3.put_object(Bucket=WORK, Key="corpora/in.manifest", Body="\n".join(lines).encode())
    s3.put_object(Bucket=WORK, Key="corpora/t.html", Body=b"<crowd-form></crowd-form>")
    s3.put_object(
        Bucket=WORK, Key="corpora/labels.json", Body=b'{"labels": [{"label": "A"}, {"label": "B"}]}'
    )
    made = deployed.operation(
        "CreateWorkteam", WorkteamName="readers", Description="d", MemberDefinitions=[MEMBER]
    )
    given = request_of(UiConfig={"UiTemplateS3Uri": f"s3://{WORK}/corpora/t.html"}, **task)
    given["HumanTaskConfig"]["WorkteamArn"] = made["Result"]["WorkteamArn"]
    given["InputConfig"]["DataSource"]["S3DataSource"]["ManifestS3Uri"] = f"s3://{WORK}/corpora/in.manifest"
    given["LabelCategoryConfigS3Uri"] = f"s3://{WORK}/corpora/labels.json"
    given["OutputConfig"]["S3OutputPath"] = f"s3://{WORK}/corpora/out"
    return deployed.operation("CreateLabelingJob", **given)


def test_a_job_goes_from_the_control_plane_to_its_manifest(deployed: Deployed) -> None:
    made = create(deployed, ['{"source": "one"}', "{broken", '{"source": "two"}'])
    deployed.run()
    for _ in range(2):
        task = next_task("job", reader("anna"), reserve=False, desk=deployed.desk)
        assert task
        submit(
            task.assignment.assignment_id, reader("anna"), task.assignment.nonce, {"ä": 1.5}, deployed.desk
        )
        deployed.run()

    found = deployed.operation("DescribeLabelingJob", LabelingJobName="job")["Result"]
    body = deployed.desk.objects.read(Location.from_uri(found["LabelingJobOutput"]["OutputDatasetS3Uri"]))
    lines = [json.loads(line) for line in body.splitlines()]
    assert made["Result"]["LabelingJobArn"] == "arn:aws:sagemaker:us-east-1:000000000000:labeling-job/job"
    assert found["LabelingJobStatus"] == "Completed"
    assert found["LabelCounters"]["HumanLabeled"] == 2
    assert [line.get("labels") for line in lines] == [[{"ä": 1.5}], None, [{"ä": 1.5}]]
    assert "is no JSON" in lines[1]["labels-metadata"]["failure-reason"]


def test_refusals_have_the_service_code(deployed: Deployed) -> None:
    missing = deployed.operation("DescribeLabelingJob", LabelingJobName="none")
    wrong = deployed.operation("DescribeLabelingJob", LabelingJobName="no spaces")
    unknown = deployed.operation("DescribeEverything")
    other = deployed.operation("CreateTrainingJob")
    create(deployed, ['{"source": "one"}'])
    again = deployed.operation(
        "CreateWorkteam", WorkteamName="readers", Description="d", MemberDefinitions=[MEMBER]
    )

    codes = [answer["Error"]["Code"] for answer in (missing, wrong, unknown, other, again)]
    assert codes == ["ResourceNotFound", *["ValidationException"] * 3, "ResourceInUse"]
    assert all(answer["Error"]["Message"] for answer in (missing, wrong, unknown, other, again))


def test_the_minute_takes_back_what_has_run_out(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    create(deployed, ['{"source": "one"}'], TaskTimeLimitInSeconds=30)
    deployed.run()
    task = next_task("job", reader("anna"), reserve=False, desk=deployed.desk)
    assert task
    assert deployed.handlers["expiry"].lambda_handler({}, Context())["assignments"] == 0

    later = task.assignment.expires
    expiry = deployed.handlers["expiry"].wiring()
    object.__setattr__(expiry.desk, "clock", lambda: later)
    done = deployed.handlers["expiry"].lambda_handler({}, Context())

    assert done["assignments"] == 1
    assert next_task("job", reader("ben"), reserve=False, desk=deployed.desk)


def test_a_message_that_is_none_comes_back_alone(deployed: Deployed) -> None:
    create(deployed, ['{"source": "one"}'])
    bodies = ["{}", json.dumps({"Kind": "offer", "Job": "job"})]
    records = [{"messageId": str(n), "body": body, "eventSource": "aws:sqs"} for n, body in enumerate(bodies)]

    answer = deployed.handlers["intake"].lambda_handler({"Records": records}, Context())

    assert answer == {"batchItemFailures": [{"itemIdentifier": "0"}]}


def test_a_label_image_goes_by_a_link_that_is_for_it_alone(deployed: Deployed) -> None:
    create(deployed, ['{"source": "one"}'])
    deployed.run()
    task = next_task("job", reader("anna"), reserve=False, desk=deployed.desk)
    assert task

    link = upload_link(task.assignment.assignment_id, reader("anna"), "image/png", 3, deployed.desk)

    assert f"/labelling/job/uploads/{task.assignment.assignment_id}/{link.upload}?" in link.url
    assert "X-Amz-Expires=900" in link.url
    assert "content-length" in link.url
    assert link.headers == {"Content-Type": "image/png"}


def test_ids_cannot_be_guessed() -> None:
    made = {new_id() for _ in range(100)}

    assert len(made) == 100
    assert {len(each) for each in made} == {32}


def test_only_functions_by_their_names_are_called() -> None:
    for name in ("LabellingIntakeFunction", "LabellingConsolidateFunction"):
        statements = functions()[name]["Policies"][0]["Statement"]
        (allowed,) = [each["Resource"] for each in statements if each["Sid"] == "CallLabellingFunctions"]
        parts = [each["Sub"].rpartition(":")[2] for each in allowed]
        assert parts == ["*LabelingFunction*", "*SageMaker*", "*Sagemaker*", "*sagemaker*"]
