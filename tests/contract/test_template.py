"""Template, code and state machines say the same."""

import importlib.util
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

import recto.errors
import recto.settings
import recto_workbench.settings
import recto_workbench.web.settings
from recto.aws.admission import SlotLeases
from recto.aws.dynamodb import DocumentRows, JobRows, ReviewRows, Table
from recto.errors import DocumentError, RectoError, TransientError
from recto.messages import Status
from tests.contract.template import (
    ROOT,
    asl,
    asl_text,
    environment_of,
    functions,
    resources,
    statements_of,
    states,
    template,
)

MACHINES = ("document", "ocr", "backfill")
SETTINGS = {
    "IntakeFunction": recto.settings.IntakeSettings,
    "DispatchFunction": recto.settings.DispatchSettings,
    "BackfillFunction": recto.settings.BackfillSettings,
    "ReprocessFunction": recto.settings.ReprocessSettings,
    "TextractStartFunction": recto.settings.TextractStartSettings,
    "TextractPumpFunction": recto.settings.TextractPumpSettings,
    "TextractCallbackFunction": recto.settings.TextractCallbackSettings,
    "TextractFetchFunction": recto.settings.TextractFetchSettings,
    "OcrEndpointStartFunction": recto.settings.OcrEndpointStartSettings,
    "OcrEndpointCallbackFunction": recto.settings.OcrEndpointCallbackSettings,
    "OcrEndpointStoreFunction": recto.settings.OcrEndpointStoreSettings,
    "PageImagesFunction": recto.settings.PageImagesSettings,
    "ModelInvokeFunction": recto.settings.ModelInvokeSettings,
    "ModelEndpointStartFunction": recto.settings.ModelEndpointStartSettings,
    "ThumbnailEndpointStartFunction": recto.settings.ThumbnailEndpointStartSettings,
    "ThumbnailEndpointStoreFunction": recto.settings.ThumbnailEndpointStoreSettings,
    "ModelCallbackFunction": recto.settings.ModelCallbackSettings,
    "ModelEndpointStoreFunction": recto.settings.ModelEndpointStoreSettings,
    "EntityPostprocessFunction": recto.settings.EntityPostprocessSettings,
    "A2iTriggerFunction": recto.settings.ReviewTriggerSettings,
    "A2iCallbackFunction": recto.settings.ReviewCallbackSettings,
    "A2iAuditFunction": recto.settings.AuditTriggerSettings,
    "ReviewExpiryFunction": recto.settings.ReviewExpirySettings,
    "PublishFunction": recto.settings.PublishSettings,
    "ReleaseMakeFunction": recto.settings.ReleaseMakeSettings,
    "SmgtPreFunction": recto.settings.SmgtPreSettings,
    "SmgtPostFunction": recto.settings.SmgtPostSettings,
    "LabellingControlFunction": recto_workbench.settings.LabellingControlSettings,
    "LabellingIntakeFunction": recto_workbench.settings.LabellingIntakeSettings,
    "LabellingConsolidateFunction": recto_workbench.settings.LabellingConsolidateSettings,
    "LabellingExpiryFunction": recto_workbench.settings.LabellingExpirySettings,
    "ReviewControlFunction": recto_workbench.settings.ReviewControlSettings,
    "ReviewDeskFunction": recto_workbench.settings.ReviewDeskSettings,
    "WorkbenchFunction": recto_workbench.web.settings.WorkbenchSettings,
}


def handler_of(function: dict[str, Any]) -> tuple[Path, str]:
    handler = function.get("Handler", template()["Globals"]["Function"]["Handler"])
    module, _, name = handler.partition(".")
    return ROOT / function["CodeUri"] / f"{module}.py", name


def load(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"{path.parent.name}_{path.stem}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", sorted(functions()))
def test_every_handler_names_a_file_and_a_function(name: str) -> None:
    path, handler = handler_of(functions()[name])

    assert callable(getattr(load(path), handler))


def test_every_handler_file_is_in_the_template() -> None:
    in_template = {handler_of(function)[0] for function in functions().values()}
    in_folder = {
        path for path in (ROOT / "functions").glob("*/*.py") if "def lambda_handler" in path.read_text()
    }

    assert in_template == in_folder


@pytest.mark.parametrize("name", sorted(functions()))
def test_a_functions_variables_are_its_settings(name: str) -> None:
    expected = {field.upper() for field in SETTINGS[name].model_fields}

    assert set(environment_of(functions()[name])) == expected


@pytest.mark.parametrize("name", sorted(functions()))
def test_a_function_reads_the_settings_that_the_template_gives_it(name: str) -> None:
    path, _ = handler_of(functions()[name])

    assert SETTINGS[name].__name__ in path.read_text()


@pytest.mark.parametrize("machine", ["Document", "Ocr", "Backfill", "Event"])
def test_placeholders_are_the_substitutions(machine: str) -> None:
    properties = resources("AWS::Serverless::StateMachine")[f"{machine}StateMachine"]

    used = set(re.findall(r"\$\{(\w+)\}", asl_text(machine.lower())))

    assert used == set(properties["DefinitionSubstitutions"])


@pytest.mark.parametrize("machine", ["Document", "Ocr", "Backfill"])
def test_a_state_machine_may_call_just_the_functions_it_calls(machine: str) -> None:
    properties = resources("AWS::Serverless::StateMachine")[f"{machine}StateMachine"]
    called = set(re.findall(r"\$\{(\w+Function)\}", asl_text(machine.lower())))

    allowed = properties["Policies"][0]["Statement"][0]["Resource"]

    assert {entry["GetAtt"].removesuffix(".Arn") for entry in allowed} == called


def matched_errors(machine: str, kind: str) -> set[str]:
    rules = [rule for state in states(asl(machine)).values() for rule in state.get(kind, [])]
    return {name for rule in rules for name in rule["ErrorEquals"]}


@pytest.mark.parametrize("machine", MACHINES)
def test_matched_errors_exist(machine: str) -> None:
    named = matched_errors(machine, "Retry") | matched_errors(machine, "Catch")

    ours = {name for name in named if not name.startswith(("States.", "Lambda.", "Sandbox.", "Runtime."))}

    known = {
        name
        for name, cls in vars(recto.errors).items()
        if inspect.isclass(cls) and issubclass(cls, RectoError)
    }
    assert ours <= known


def leaves(base: type[RectoError]) -> set[str]:
    children = base.__subclasses__()
    return set().union(*(leaves(child) for child in children)) if children else {base.__name__}


TRANSIENT_IN_LAMBDA = {
    "Lambda.AWSLambdaException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.SdkClientException",
    "Lambda.ServiceException",
}
"""Lambda's own faults, as the developer guide of Step Functions lists them."""


@pytest.mark.parametrize("machine", MACHINES)
def test_every_transient_error_is_retried_with_jitter_in_every_task(machine: str) -> None:
    tasks = [state for state in states(asl(machine)).values() if state["Type"] == "Task"]

    assert tasks
    for task in tasks:
        retry = task["Retry"][0]
        assert leaves(TransientError) <= set(retry["ErrorEquals"])
        assert set(retry["ErrorEquals"]) >= TRANSIENT_IN_LAMBDA
        assert retry["JitterStrategy"] == "FULL"
        assert not leaves(DocumentError) & set(retry["ErrorEquals"])


@pytest.mark.parametrize("name", ["Publish", "PublishDrawn", "PublishFailure"])
def test_a_documents_end_outlasts_half_an_hour_without_step_functions(name: str) -> None:
    """The row is closed before its event goes out, so no sweep would find that it is missing."""
    retry = asl("document")["States"][name]["Retry"][0]

    waits = [retry["IntervalSeconds"] * retry["BackoffRate"] ** n for n in range(retry["MaxAttempts"])]

    with_jitter = sum(min(wait, retry["MaxDelaySeconds"]) / 2 for wait in waits)
    assert with_jitter > 1800


def test_an_event_is_tried_for_hours_before_it_is_a_letter() -> None:
    (state,) = asl("event")["States"].values()
    (retry,) = state["Retry"]

    waits = [retry["IntervalSeconds"] * retry["BackoffRate"] ** n for n in range(retry["MaxAttempts"])]

    assert retry["ErrorEquals"] == ["States.TaskFailed"]
    assert sum(min(wait, retry["MaxDelaySeconds"]) / 2 for wait in waits) > 12 * 3600
    assert "Catch" not in state, "it is to end FAILED: a rule makes a letter of that"


def test_one_role_puts_events_and_each_function_that_tells_may_start_what_does() -> None:
    machines = resources("AWS::Serverless::StateMachine")
    putting = {
        name
        for name, body in {**functions(), **machines}.items()
        for each in statements_of(body)
        if "events:PutEvents" in each["Action"]
    }
    telling = {
        name for name, body in functions().items() if "EVENT_STATE_MACHINE_ARN" in environment_of(body)
    }
    starting = {
        name
        for name, body in functions().items()
        for each in statements_of(body)
        if each["Action"] == ["states:StartExecution"] and each["Resource"] == {"Ref": "EventStateMachine"}
    }

    assert putting == {"EventStateMachine"}
    assert starting <= telling
    assert telling - starting == {"LabellingExpiryFunction"}, "ends no job"


def test_the_error_tree_in_the_docstring_is_the_tree() -> None:
    drawn = re.findall(r"(\w+Error)\b", recto.errors.__doc__ or "")

    classes = {
        name
        for name, cls in vars(recto.errors).items()
        if inspect.isclass(cls) and issubclass(cls, RectoError)
    }

    assert sorted(drawn) == sorted(classes)


@pytest.mark.parametrize("machine", MACHINES)
def test_every_failure_is_caught(machine: str) -> None:
    """Tasks catch everything themselves, or stand inside a Parallel or Map that does."""
    for name, state in asl(machine)["States"].items():
        if state["Type"] in ("Task", "Parallel", "Map"):
            assert any("States.ALL" in rule["ErrorEquals"] for rule in state["Catch"]), name


@pytest.mark.parametrize("machine", ["document", "ocr"])
def test_every_waiting_state_gives_up_in_the_end(machine: str) -> None:
    waiting = {n: s for n, s in states(asl(machine)).items() if "waitForTaskToken" in s.get("Resource", "")}

    assert waiting
    assert all("TimeoutSeconds" in state for state in waiting.values())


def test_the_pipeline_waits_for_a_review_longer_than_it_is_on_offer() -> None:
    parameters = template()["Parameters"]

    on_offer = parameters["ReviewAvailabilitySeconds"]["Default"]
    held = parameters["ReviewHoldSeconds"]["Default"]
    assert parameters["ReviewExpiry"]["Default"] == "escalate"
    assert parameters["ReviewTimeoutSeconds"]["Default"] > 2 * (on_offer + held) + 3600


@pytest.mark.parametrize("machine", MACHINES)
def test_a_task_state_outlives_its_function(machine: str) -> None:
    limits = {name: body.get("Timeout", 60) for name, body in functions().items()}

    for state in states(asl(machine)).values():
        if state["Type"] == "Task" and "waitForTaskToken" not in state["Resource"]:
            function = state["Parameters"]["FunctionName"].strip("${}")
            assert state["TimeoutSeconds"] > limits[function]


@pytest.mark.parametrize("machine", MACHINES)
def test_states_speak_jsonpath_and_every_next_exists(machine: str) -> None:
    definition = asl(machine)

    assert definition.get("QueryLanguage", "JSONPath") == "JSONPath"
    following = {
        following
        for state in definition["States"].values()
        for following in (
            state.get("Next"),
            state.get("Default"),
            *(choice["Next"] for choice in state.get("Choices", [])),
            *(rule["Next"] for rule in state.get("Catch", [])),
        )
        if following
    }
    assert {definition["StartAt"], *following} == set(definition["States"])


@pytest.mark.parametrize("name", [n for n, f in functions().items() if "Messages" in f.get("Events", {})])
def test_queue_fed_functions_report_partial_failures_in_template_and_code(name: str) -> None:
    function = functions()[name]
    path, _ = handler_of(function)

    assert function["Events"]["Messages"]["Properties"]["FunctionResponseTypes"] == [
        "ReportBatchItemFailures"
    ]
    assert "handle_messages(event, context" in path.read_text()


def test_every_queue_ends_in_a_dead_letter_queue_and_every_rule_has_one() -> None:
    dead = {
        "IntakeDeadLetters",
        "TextractDeadLetters",
        "OcrEndpointDeadLetters",
        "ModelDeadLetters",
        "ReviewDeadLetters",
        "ReviewExpiryFailures",
        "DispatchFailures",
        "ReleaseFailures",
        "LabellingDeadLetters",
        "LabellingExpiryFailures",
    }
    queues = resources("AWS::SQS::Queue")

    assert dead <= set(queues)
    assert all("RedrivePolicy" in body for name, body in queues.items() if name not in dead)
    targets = [target for rule in resources("AWS::Events::Rule").values() for target in rule["Targets"]]
    letters = [{"GetAtt": f"{name}.Arn"} for name in dead]
    assert all("DeadLetterConfig" in target or target["Arn"] in letters for target in targets)
    assert all("RedrivePolicy" in body for body in resources("AWS::SNS::Subscription").values())
    for called_by_events in (
        "DispatchFunction", "ReleaseMakeFunction", "LabellingExpiryFunction", "ReviewExpiryFunction",
    ):  # fmt: skip
        assert "OnFailure" in functions()[called_by_events]["EventInvokeConfig"]["DestinationConfig"]


def test_buckets_are_private_encrypted_and_tls_only() -> None:
    buckets = resources("AWS::S3::Bucket")
    policies = {body["Bucket"]["Ref"]: body for body in resources("AWS::S3::BucketPolicy").values()}

    assert len(buckets) == 3
    for name, body in buckets.items():
        assert set(body["PublicAccessBlockConfiguration"].values()) == {True}
        assert body["BucketEncryption"]
        statement = policies[name]["PolicyDocument"]["Statement"][0]
        assert statement["Effect"] == "Deny"
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_every_function_has_a_log_group_with_retention() -> None:
    groups = resources("AWS::Logs::LogGroup")

    for name, function in functions().items():
        group = groups[function["LoggingConfig"]["LogGroup"]["Ref"]]
        assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}
        expected = f"/aws/lambda/{function['FunctionName']['Sub']}"
        assert group["LogGroupName"]["Sub"] == expected, name


def test_lambda_lets_the_pump_send_to_its_own_queue() -> None:
    """Its loop detection would stop the line after some 16 messages in a row."""
    pump = functions()["TextractPumpFunction"]

    queue = pump["Events"]["Messages"]["Properties"]["Queue"]
    assert queue == {"GetAtt": "TextractPumpQueue.Arn"}
    assert pump["RecursiveLoop"] == "Allow"


WITHOUT_RESOURCES = ("textract:", "states:SendTask", "servicequotas:List")
"""Actions for which AWS documents no resources (Service Authorization Reference)."""


def test_only_actions_without_resources_are_allowed_on_everything() -> None:
    for function in functions().values():
        for statement in statements_of(function):
            assert "*" not in "".join(statement["Action"])
            if statement["Resource"] == "*":
                assert all(action.startswith(WITHOUT_RESOURCES) for action in statement["Action"])


READS_WHAT_IS_THERE = {
    "TextractStartFunction": "Textract reads with its rights, and says itself what is missing",
    "TextractPumpFunction": "as TextractStartFunction",
    "TextractCallbackFunction": "as TextractStartFunction",
    "TextractFetchFunction": "reads only what it wrote itself",
}


@pytest.mark.parametrize("name", sorted(set(functions()) - set(READS_WHAT_IS_THERE)))
def test_a_function_that_reads_a_bucket_learns_that_an_object_is_missing(name: str) -> None:
    """Without s3:ListBucket S3 says 403 instead of 404, and a lost document is taken for a missing right."""
    read, listed = set(), set()
    for statement in statements_of(functions()[name]):
        buckets = set(re.findall(r"(\w+Bucket)\.Arn", json.dumps(statement["Resource"])))
        read |= buckets if "s3:GetObject" in statement["Action"] else set()
        listed |= buckets if "s3:ListBucket" in statement["Action"] else set()

    assert listed == read


ROWS = {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"}
LABELLING = {
    "LabellingControlFunction": {
        *ROWS, "dynamodb:DeleteItem", "dynamodb:Query", "sqs:SendMessage", "s3:GetObject", "s3:ListBucket",
        "s3:PutObject",
    },
    "LabellingIntakeFunction": {
        *ROWS, "sqs:SendMessage", "s3:GetObject", "s3:ListBucket", "s3:PutObject", "lambda:InvokeFunction",
    },
    "LabellingConsolidateFunction": {
        *ROWS, "dynamodb:Query", "sqs:SendMessage", "s3:GetObject", "s3:ListBucket", "s3:PutObject",
        "s3:DeleteObject", "lambda:InvokeFunction", "states:StartExecution",
    },
    "LabellingExpiryFunction": {
        *ROWS, "dynamodb:Query", "sqs:SendMessage", "s3:GetObject", "s3:ListBucket", "s3:PutObject",
    },
    "WorkbenchFunction": {
        *ROWS, "dynamodb:Query", "sqs:SendMessage", "s3:GetObject", "s3:ListBucket", "s3:PutObject",
        "s3:DeleteObject", "s3:GetObjectVersion", "lambda:InvokeFunction",
    },
}  # fmt: skip
"""What each one's code calls; rows in transactions need what they do alone."""


@pytest.mark.parametrize("name", sorted(LABELLING))
def test_a_labelling_function_may_do_what_it_calls_and_nothing_else(name: str) -> None:
    allowed = [action for each in statements_of(functions()[name]) for action in each["Action"]]

    assert set(allowed) == LABELLING[name]


def test_what_talks_to_browsers_writes_what_browsers_send_and_no_job() -> None:
    statements = statements_of(functions()["WorkbenchFunction"])

    written = [each["Resource"] for each in statements if "s3:PutObject" in each["Action"]]

    places = [each["Sub"].removeprefix("${WorkBucket.Arn}/") for each in written[0]]
    labelling = [f"labelling/*/{each}/*" for each in ("answers", "drafts", "uploads")]
    reviews = [f"reviews/*/{each}" for each in ("answers/*", "drafts/*", "edits/*", "task.json")]
    assert (len(written), sorted(places)) == (1, [*labelling, *reviews])


def test_what_talks_to_browsers_reads_rows_of_documents_and_no_task_token() -> None:
    """Keys as the code makes them, against the role's own patterns."""
    statements = statements_of(functions()["WorkbenchFunction"])
    about = [each for each in statements if "DocumentTable" in str(each["Resource"])]
    [rows, index] = about
    patterns = rows["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    statuses = index["Condition"]["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"]
    table = WrittenKeys()
    DocumentRows(table).find("d1")
    DocumentRows(table).history("d1")
    read = set(table.keys)
    table.keys.clear()
    ReviewRows(table).find("r1")
    JobRows(table).find("t1")
    SlotLeases(table).owners()
    DocumentRows(table).of_source("bucket", "key")
    others = set(table.keys)

    def may(key: str) -> bool:
        return any(fnmatchcase(key, pattern) for pattern in patterns)

    assert sorted(rows["Action"]) == ["dynamodb:GetItem", "dynamodb:Query"]
    assert index["Action"] == ["dynamodb:Query"]
    assert str(index["Resource"]).endswith("/index/StatusIndex'}")
    assert read
    assert all(map(may, read)), read
    assert len(others) == 4
    assert not any(map(may, others)), others
    assert set(statuses) == set(Status)


class WrittenKeys(Table):
    """A table that notes the partition keys that it is asked for."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def get(self, key: Mapping[str, str]) -> None:
        self.keys.append(key["pk"])

    def pack(self, item: Mapping[str, Any]) -> dict[str, Any]:
        return dict(item)

    def query(self, limit: int, **request: Any) -> list[dict[str, Any]]:
        self.keys.append(request["ExpressionAttributeValues"][":pk"])
        return []


def test_an_ocr_endpoint_reads_documents_and_its_requests_and_nothing_that_is_derived() -> None:
    role = resources("AWS::IAM::Role")["OcrEndpointRole"]
    statements = role["Policies"][0]["PolicyDocument"]["Statement"]

    read = next(each["Resource"] for each in statements if "s3:GetObject" in each["Action"])

    assert read == [
        {"Sub": "${InboxBucket.Arn}/*"},
        {"Sub": "${WorkBucket.Arn}/corpora/*"},
        {"Sub": "${WorkBucket.Arn}/documents/*/ocr/request-*.json"},
    ]


def test_a_model_endpoint_reads_its_model_and_what_it_is_sent_and_no_document() -> None:
    role = resources("AWS::IAM::Role")["ModelEndpointRole"]
    statements = role["Policies"][0]["PolicyDocument"]["Statement"]

    read = next(each["Resource"] for each in statements if "s3:GetObject" in each["Action"])

    assert [each["Sub"].removeprefix("${WorkBucket.Arn}/") for each in read] == [
        "models/*",
        "model-endpoint/requests/*",  # what `recto predict` asks about
        "documents/*/predictions/input-*.json",
        "documents/*/predictions/request-*.json",
        "documents/*/images/thumbnails-*.npz",
    ]


def test_a_thumbnail_endpoint_reads_documents_its_code_and_its_requests_and_nothing_that_is_derived() -> None:
    role = resources("AWS::IAM::Role")["ThumbnailEndpointRole"]
    statements = role["Policies"][0]["PolicyDocument"]["Statement"]

    read = next(each["Resource"] for each in statements if "s3:GetObject" in each["Action"])

    assert [each["Sub"] for each in read] == [
        "${InboxBucket.Arn}/*",
        "${WorkBucket.Arn}/corpora/*",
        "${WorkBucket.Arn}/models/*",
        "${WorkBucket.Arn}/documents/*/images/request-*.json",
    ]


def test_no_partition_is_spelt_out() -> None:
    text = (ROOT / "template.yaml").read_text() + "".join(map(asl_text, (*MACHINES, "event")))

    assert "arn:aws" not in text


def test_handlers_import_with_an_empty_environment() -> None:
    paths = [str(handler_of(function)[0]) for function in functions().values()]
    code = (
        "import importlib.util, json, sys\n"
        "for path in json.loads(sys.argv[1]):\n"
        "    spec = importlib.util.spec_from_file_location('handler', path)\n"
        "    spec.loader.exec_module(importlib.util.module_from_spec(spec))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(paths)], env={}, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


def test_importing_the_core_loads_nothing_of_the_outside() -> None:
    core = [
        path.stem
        for path in (ROOT / "layers/recto/src/recto").glob("*.py")
        if path.stem
        not in ("__init__", "imaging", "inference", "label_images", "thumbnail_arrays", "thumbnails")
    ]
    steps = [
        f"steps.{p.stem}"
        for p in (ROOT / "layers/recto/src/recto/steps").glob("*.py")
        if p.stem != "__init__"
    ]
    outside = [
        "boto3",
        "botocore",
        "aws_lambda_powertools",
        "trp",
        "torch",
        "numpy",
        "PIL",
        "pypdfium2",
        "onnxruntime",
        "tokenizers",
    ]
    code = (
        "import importlib, json, sys\n"
        "names, outside = map(json.loads, sys.argv[1:])\n"
        "[importlib.import_module('recto.' + name) for name in names]\n"
        "print(json.dumps([name for name in outside if name in sys.modules]))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(core + steps), json.dumps(outside)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert json.loads(done.stdout) == []
