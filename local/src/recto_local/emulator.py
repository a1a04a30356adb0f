"""Runs the AWS emulator (ministack) with its state in one folder, its known faults mended and an access log.

    .venv-tools/bin/python local/src/recto_local/emulator.py --port 4566 --state .recto/emulator

Started as a file by the tools' Python, which has neither `recto` nor this package: standard library
and ministack only. It is not the runtime: that starts this and the stand-ins (`recto_local.runtime`).
The emulator reads its settings from the environment at import, so it is imported last.
"""

import argparse
import copy
import hashlib
import importlib
import inspect
import json
import logging
import os
import re
import shutil
import sys
import textwrap
import threading
import time
import zipfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote

MINISTACK = "1.5.33"
REGION = "us-east-1"
SAVE_SECONDS = 5.0
SAVE_SHARE = 0.2
"""Of the time, at most spent on saving: with thousands of documents there is much to write."""
LOAD_PATH = "/_local/load"
APP_NAMES = (
    "_dispatch_service_request",
    "detect_service",
    "_routing_params",
    "_build_persistence_save_dict",
    "save_all",
)
"""Of `ministack.app`, used here."""
LOADED = (
    "services.lambda_svc", "core.lambda_runtime", "services.stepfunctions", "services.sqs", "services.sns",
)  # fmt: skip
"""Modules that faults, workers and clock are put into, in this order."""


class MendError(Exception):
    """The emulator is not the version whose faults we know."""


class Mend(NamedTuple):
    """One fault: in the source of `name` in `module`, each wrong piece is put right as AWS does it."""

    fault: str
    module: str
    name: str
    changes: tuple[tuple[str, str], ...]
    """Wrong and right; `recto_emulator` in what is right is this file."""


MENDS = (
    Mend(
        "an exception's class name does not reach Step Functions' Retry and Catch (worker)",
        "ministack.core.lambda_runtime",
        "_PYTHON_WORKER_SCRIPT",
        (('"error": str(e), "trace"', '"error": str(e), "errorType": type(e).__name__, "trace"'),),
    ),
    Mend(
        "an exception's class name does not reach Step Functions' Retry and Catch (service)",
        "ministack.services.lambda_svc",
        "_execute_function_warm",
        (
            (
                'error_type = "Runtime.HandlerError"',
                'error_type = result.get("errorType") or "Runtime.HandlerError"',
            ),
        ),
    ),
    Mend(
        "a function whose process dies fails by another name than on AWS, so it is not tried again",
        "ministack.core.lambda_runtime",
        "Worker.invoke",
        (
            (
                '"error": "Worker process died"}',
                '"error": "Worker process died", "errorType": "Runtime.ExitError"}',
            ),
            (
                'result_box.append({"status": "error", "error": str(e)})',
                'result_box.append({"status": "error", "error": str(e), "errorType": "Runtime.ExitError"})',
            ),
        ),
    ),
    Mend(
        "an exception in a function called with .waitForTaskToken is swallowed",
        "ministack.services.stepfunctions",
        "_invoke_with_callback",
        (
            (
                "except _ExecutionError:\n            pass",
                "except _ExecutionError:\n            _task_tokens.pop(token, None)\n            raise",
            ),
        ),
    ),
    Mend(
        "SNS calls a Lambda function once, without retry",
        "ministack.services.sns",
        "_deliver_to_lambda",
        (
            (
                "_lambda_svc._execute_function_with_config_scope(exec_record, event)",
                "_lambda_svc.invoke_async_with_retry(exec_record, event)",
            ),
        ),
    ),
    Mend(
        "a Parallel state whose branch has failed waits for the other branches to end",
        "ministack.services.stepfunctions",
        "_run_parallel_branches",
        (
            (
                "for t in threads:\n        t.join()",
                "while any(t.is_alive() for t in threads) and not any(errors):\n        time.sleep(0.02)",
            ),
            (
                "effective, execution, ctx)\n        except",
                "effective, execution, recto_emulator.BranchContext(ctx, errors))\n        except",
            ),
            ("for err in errors:\n", "for err in recto_emulator.own_errors_first(errors):\n"),
        ),
    ),
    Mend(
        "the other branches of a failed Parallel state go on with their next states",
        "ministack.services.stepfunctions",
        "_run_sub_machine",
        (
            (
                "while current_name:\n",
                "while current_name:\n        recto_emulator.stop_if_abandoned(ctx, _ExecutionError)\n",
            ),
        ),
    ),
    Mend(
        "events:putEvents sends a Detail that is an object as it is, and names no execution",
        "ministack.services.stepfunctions",
        "_execute_task",
        (
            (
                "effective = _apply_parameters(state_def, _apply_input_path(state_def, raw_input, ctx), ctx)",
                (
                    "effective = recto_emulator.as_events(resource, _apply_parameters("
                    "state_def, _apply_input_path(state_def, raw_input, ctx), ctx), ctx)"
                ),
            ),
        ),
    ),
    Mend(
        "events:putEvents succeeds where EventBridge has not taken the event",
        "ministack.services.stepfunctions",
        "_invoke_resource",
        (
            (
                "return handler(resource, input_data)",
                "return recto_emulator.all_taken(handler(resource, input_data), _ExecutionError)",
            ),
        ),
    ),
    Mend(
        "executions do not outlive the emulator: those that put an event, and nothing else, do now",
        "ministack.services.stepfunctions",
        "_restore_state",
        (
            (
                'if exc.get("status") == "RUNNING":',
                (
                    'if exc.get("status") == "RUNNING" and not recto_emulator.goes_on('
                    "exc, _state_machines.all_values(), _run_execution):"
                ),
            ),
        ),
    ),
    Mend(
        "every cold start unpacks all layers anew and compiles them (slow; on AWS they lie ready)",
        "ministack.core.lambda_runtime",
        "Worker._spawn",
        (("lzf.extractall(layer_dir)", "recto_emulator.share_layer(lzip, lzf, layer_dir)"),),
    ),
    Mend(
        "Parameter Store does not tell EventBridge of a change",
        "ministack.services.ssm",
        "_put_parameter",
        (
            (
                'logger.info("SSM PutParameter:',
                'recto_emulator.announce_parameter(record, existing)\n    logger.info("SSM PutParameter:',
            ),
        ),
    ),
    Mend(
        "an alarm over several metrics is refused by CloudFormation",
        "ministack.services.cloudformation.provisioners",
        "_cw_metric_alarm_record",
        (
            (
                (
                    'if props.get("Metrics"):\n        raise ValueError(\n'
                    '            "AWS::CloudWatch::Alarm Properties.Metrics (metric math) is not '
                    'supported; "\n'
                    '            "use MetricName and Namespace."\n        )'
                ),
                "props = recto_emulator.with_one_metric(props)",
            ),
        ),
    ),
    Mend(
        "a browser's preflight is answered as if every bucket allowed everything",
        "ministack.app",
        "_handle_options_request",
        (
            (
                '_s3_cors_target(headers.get("host", ""), path) if AUTH else None',
                '_s3_cors_target(headers.get("host", ""), path)',
            ),
        ),
    ),
    Mend(
        "a bucket's objects are open to every origin, whatever its CORS configuration says",
        "ministack.app",
        "_dispatch_service_request",
        (
            (
                'if AUTH and service == "s3":\n        # Under AUTH only',
                'if service == "s3":\n        # Under AUTH only',
            ),
        ),
    ),
    Mend(
        "a refreshed ID token names no groups",
        "ministack.services.cognito",
        "_oauth2_token",
        (
            (
                '"id", username=username, user_attrs=attrs,',
                '"id", username=username, user_attrs=attrs, groups=user.get("_groups", []),',
            ),
        ),
    ),
)


def apply_mend(mend: Mend) -> None:
    """Put one fault right; MendError where the source is not the one we know."""
    module = importlib.import_module(mend.module)
    *owners, name = mend.name.split(".")
    holder = getattr(module, owners[0], None) if owners else module
    thing = getattr(holder, name, None)
    source = thing if isinstance(thing, str) or thing is None else textwrap.dedent(inspect.getsource(thing))
    for wrong, right in mend.changes:
        if source is None or source.count(wrong) != 1:
            raise MendError(
                f"{mend.module}.{mend.name} is not as expected in ministack {MINISTACK}, so this fault "
                f"cannot be mended: {mend.fault}. Install ministack[full]=={MINISTACK}, or review the mend "
                f"in {__file__}"
            )
        source = source.replace(wrong, right)
    setattr(holder, name, source if isinstance(thing, str) else _compiled(mend, name, str(source), module))


def _compiled(mend: Mend, name: str, source: str, module: ModuleType) -> Any:
    """The mended function, with the module's names and this file's as `recto_emulator`."""
    vars(module)["recto_emulator"] = sys.modules[__name__]
    made: dict[str, Any] = {}
    exec(compile(source, f"<mended {mend.module}.{mend.name}>", "exec"), vars(module), made)  # noqa: S102
    return made[name]


ABANDONED = "ended because another branch has failed"


class BranchContext(dict[str, Any]):
    """The context object of one branch of a Parallel state, which knows of its sisters' errors."""

    def __init__(self, context: Mapping[str, Any], errors: list[Any]) -> None:
        super().__init__(context)
        self._outer = context
        self._errors = errors

    def __deepcopy__(self, memo: dict[int, Any]) -> "BranchContext":
        copied = BranchContext(copy.deepcopy(dict(self), memo), self._errors)
        copied._outer = self._outer
        return copied

    @property
    def abandoned(self) -> bool:
        """Whether this Parallel state, or one around it, has failed."""
        return any(self._errors) or is_abandoned(self._outer)


def is_abandoned(context: Mapping[str, Any]) -> bool:
    return isinstance(context, BranchContext) and context.abandoned


def stop_if_abandoned(context: Mapping[str, Any], error: Callable[[str, str], Exception]) -> None:
    """End a branch whose Parallel state has failed before it begins its next state."""
    if is_abandoned(context):
        ended = error("States.BranchFailed", "another branch has failed")
        ended.add_note(ABANDONED)
        raise ended


def own_errors_first(errors: Sequence[Exception | None]) -> list[Exception]:
    """Errors of branches that failed by themselves, before those of branches that ended for their sake."""
    failed = [error for error in errors if error is not None]
    return sorted(failed, key=lambda error: ABANDONED in getattr(error, "__notes__", ()))


PUT_EVENTS = "events:putEvents"


def as_events(resource: str, asked: Any, context: Mapping[str, Any]) -> Any:
    """The request of a state that puts events, as Step Functions makes it: text, and who asks."""
    if not resource.endswith(PUT_EVENTS):
        return asked
    asking = [context["Execution"]["Id"], context["StateMachine"]["Id"]]
    entries = []
    for entry in asked.get("Entries", ()):
        detail = entry.get("Detail")
        text = detail if isinstance(detail, str) else json.dumps(detail)
        entries.append({**entry, "Detail": text, "Resources": [*entry.get("Resources", ()), *asking]})
    return {**asked, "Entries": entries}


def all_taken(answer: Any, error: Callable[[str, str], Exception]) -> Any:
    """The answer of a service, where it is not the refusal of an event."""
    if isinstance(answer, Mapping) and answer.get("FailedEntryCount"):
        raise error("EventBridge.FailedEntry", json.dumps(answer))
    return answer


GOES_ON_AFTER = 2.0
"""Seconds from the emulator's start, so that what an event leads to is there."""


def goes_on(
    execution: dict[str, Any], machines: Sequence[Mapping[str, Any]], run: Callable[[str], None]
) -> bool:
    """Let an execution that a stop of the emulator interrupted put its event, where it was made for that."""
    arn = execution["stateMachineArn"]
    machine = next((each for each in machines if each["stateMachineArn"] == arn), None)
    states = list(json.loads(machine["definition"])["States"].values()) if machine else []
    if len(states) != 1 or not states[0].get("Resource", "").endswith(PUT_EVENTS):
        return False
    del execution["events"][1:]
    later = threading.Timer(GOES_ON_AFTER, run, [execution["executionArn"]])
    later.daemon = True
    later.start()
    return True


_LAYERS = threading.Lock()


def share_layer(archive: str, layer: zipfile.ZipFile, folder: str) -> None:
    """Unpack a layer once, for all workers; `folder` becomes a link to it."""
    digest = hashlib.sha256(Path(archive).read_bytes()).hexdigest()
    shared = Path(os.environ["TMPDIR"]) / "layers" / digest
    with _LAYERS:
        if not shared.exists():
            unpacked = shared.with_suffix(".part")
            shutil.rmtree(unpacked, ignore_errors=True)
            layer.extractall(unpacked)
            unpacked.rename(shared)
    Path(folder).rmdir()
    Path(folder).symlink_to(shared)


def announce_parameter(parameter: Mapping[str, Any], existing: object) -> None:
    """The event that AWS sends of a parameter that was made or changed; never its value."""
    detail = {
        "operation": "Update" if existing else "Create",
        "name": parameter["Name"],
        "type": parameter["Type"],
        "description": parameter["Description"],
    }
    event = {
        "Source": "aws.ssm",
        "DetailType": "Parameter Store Change",
        "Detail": json.dumps(detail),
        "Resources": [parameter["ARN"]],
    }
    bus = importlib.import_module("ministack.services.eventbridge")
    bus._put_events({"Entries": [event]}, allow_aws_source=True)  # noqa: SLF001


def with_one_metric(alarm: Mapping[str, Any]) -> Mapping[str, Any]:
    """An alarm's properties as the emulator can keep them; what it would make of them is told to nobody."""
    metrics = [each["MetricStat"] for each in alarm.get("Metrics") or () if "MetricStat" in each]
    if not metrics:
        return alarm
    one = {"Period": metrics[0]["Period"], "Statistic": metrics[0]["Stat"], **metrics[0]["Metric"]}
    return {**alarm, **one, "ActionsEnabled": False}


def check_version() -> None:
    """MendError where the emulator is absent or another version."""
    try:
        found = version("ministack")
    except PackageNotFoundError:
        found = "none"
    if found != MINISTACK:
        raise MendError(f"expected ministack {MINISTACK}, found {found} in {sys.prefix}: run `make setup`")


def emulator_environment(port: int, state: Path) -> dict[str, str]:
    """What the emulator and its Lambda workers are to find in their environment."""
    return {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "PERSIST_STATE": "1",
        "STATE_DIR": str(state / "state"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(state / "s3"),
        "TMPDIR": str(state / "tmp"),
        "MINISTACK_REGION": REGION,
        "SFTP_ENABLED": "0",
        "LAMBDA_ACCOUNT_CONCURRENCY": "1000",
        "IOT_MTLS_ENABLED": "0",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def prepare_folders(state: Path) -> None:
    """Make the state's folders; what an earlier run left in `tmp` is thrown away in the background."""
    if (state / "tmp").exists():
        (state / "tmp").rename(state / f"rubbish-{time.time_ns()}")
    for rubbish in state.glob("rubbish-*"):
        threading.Thread(target=shutil.rmtree, args=(rubbish, True), daemon=True).start()
    for name in ("state", "s3", "tmp"):
        (state / name).mkdir(parents=True, exist_ok=True)


class Call(NamedTuple):
    """One API request as the access log names it."""

    service: str
    operation: str
    resource: str


RESOURCE_KEYS = (
    "TableName", "QueueUrl", "QueueName", "FunctionName", "stateMachineArn", "executionArn", "TopicArn",
    "SecretId", "logGroupName", "Rule", "Name", "StackName", "Namespace",
)  # fmt: skip
OBJECT_OPERATIONS = {
    ("GET", ""): "GetObject", ("PUT", ""): "PutObject", ("HEAD", ""): "HeadObject",
    ("DELETE", ""): "DeleteObject",
    ("POST", "uploads"): "CreateMultipartUpload", ("PUT", "uploadId"): "UploadPart",
    ("POST", "uploadId"): "CompleteMultipartUpload", ("DELETE", "uploadId"): "AbortMultipartUpload",
    ("GET", "uploadId"): "ListParts", ("GET", "tagging"): "GetObjectTagging",
    ("PUT", "tagging"): "PutObjectTagging",
    ("GET", "attributes"): "GetObjectAttributes",
}  # fmt: skip
BUCKET_OPERATIONS = {
    ("PUT", ""): "CreateBucket", ("HEAD", ""): "HeadBucket", ("DELETE", ""): "DeleteBucket",
    ("GET", ""): "ListObjects", ("GET", "list-type"): "ListObjectsV2",
    ("GET", "versions"): "ListObjectVersions",
    ("GET", "uploads"): "ListMultipartUploads", ("POST", "delete"): "DeleteObjects",
    ("GET", "location"): "GetBucketLocation",
}  # fmt: skip
LAMBDA_PATHS = (
    ("POST", r"/functions/([^/]+)/invocations$", "Invoke"),
    ("POST", r"/functions$", "CreateFunction"),
    ("GET", r"/functions/([^/]+)$", "GetFunction"),
    ("GET", r"/functions/([^/]+)/configuration$", "GetFunctionConfiguration"),
)


def name_call(
    service: str, method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]
) -> Call:
    """Which operation a request is, and on what, in the words of the API."""
    if service == "s3":
        return _s3_call(method, path, headers, query)
    target = headers.get("x-amz-target", "")
    if target:
        return Call(service, target.rpartition(".")[2], _resource(_json_of(body)))
    form = _form_of(headers, body)
    action = _first(query.get("Action")) or form.get("Action", "")
    if action:
        return Call(service, action, _resource({**form, **{k: _first(v) for k, v in query.items()}}))
    if service == "lambda":
        for verb, pattern, operation in LAMBDA_PATHS:
            found = re.search(pattern, path)
            if found and verb == method:
                return Call(service, operation, unquote(found.group(1)) if found.groups() else "")
    return Call(service, f"{method} {path}", "")


def _s3_call(method: str, path: str, headers: Mapping[str, str], query: Mapping[str, Any]) -> Call:
    bucket, _, key = path.lstrip("/").partition("/")
    if not bucket:
        return Call("s3", "ListBuckets", "")
    known = OBJECT_OPERATIONS if key else BUCKET_OPERATIONS
    marks = [mark for verb, mark in known if verb == method and mark and mark in query]
    operation = known.get((method, marks[0] if marks else ""), "")
    if key and "x-amz-copy-source" in headers:
        operation = {"PutObject": "CopyObject", "UploadPart": "UploadPartCopy"}.get(operation, operation)
    others = [
        mark
        for mark in query
        if mark not in ("x-id", "list-type") and not marks and _first(query[mark]) == ""
    ]
    if others and not key:
        operation = f"{method} bucket ?{others[0]}"
    return Call(
        "s3", operation or f"{method} {'object' if key else 'bucket'}", f"{bucket}/{key}" if key else bucket
    )


def _resource(values: Mapping[str, Any]) -> str:
    for key in RESOURCE_KEYS:
        if isinstance(values.get(key), str):
            index = values.get("IndexName")
            return f"{values[key]}/index/{index}" if key == "TableName" and index else str(values[key])
    if isinstance(values.get("TransactItems"), list):
        tables = {
            part["TableName"]
            for item in values["TransactItems"]
            for part in item.values()
            if "TableName" in part
        }
        return ",".join(sorted(tables))
    if isinstance(values.get("Entries"), list):
        return ",".join(sorted({entry.get("EventBusName", "default") for entry in values["Entries"]}))
    if isinstance(values.get("Names"), list):
        return ",".join(values["Names"])
    return ""


def _json_of(body: bytes) -> Mapping[str, Any]:
    try:
        values = json.loads(body or b"{}")
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}


def _form_of(headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    if "x-www-form-urlencoded" not in headers.get("content-type", ""):
        return {}
    return dict(parse_qsl(body.decode("utf-8", "replace")))


def _first(value: Any) -> str:
    if isinstance(value, list):
        return str(value[0]) if value else ""
    return str(value or "")


def caller_of(user_agent: str) -> str:
    """The name a client gave itself with botocore's `user_agent_appid`; empty for none."""
    found = re.search(r"(?:^|\s)app/(\S+)", user_agent)
    return found.group(1) if found else ""


Dispatch = Callable[..., Awaitable[tuple[int, dict[str, str], Any]]]


class Activity:
    """What has happened since the state was last saved."""

    def __init__(self) -> None:
        self.requests = False
        self.deployments = False
        self.tell: Callable[[], None] = lambda: None
        """Called at each request."""

    def note(self, call: Call) -> None:
        self.tell()
        self.requests = True
        if call.service == "cloudformation" or (call.service == "lambda" and call.operation != "Invoke"):
            self.deployments = True

    def taken(self) -> tuple[bool, bool]:
        """Requests and deployments, both forgotten from now on."""
        seen = self.requests, self.deployments
        self.requests = self.deployments = False
        return seen


def with_access_log(
    dispatch: Dispatch,
    detect: Callable[..., str],
    parameters: Callable[..., Any],
    path: Path,
    activity: Activity,
) -> Dispatch:
    """The same dispatch, leaving one JSON line per API request in `path`."""

    async def logged(
        method: str, url: str, headers: dict[str, str], body: bytes, query: dict[str, Any], request_id: str
    ) -> tuple[int, dict[str, str], Any]:
        began = time.monotonic()
        answer = await dispatch(method, url, headers, body, query, request_id)
        service = detect(method, url, headers, parameters(method, url, headers, body, query))
        call = name_call(service, method, url, headers, body, query)
        activity.note(call)
        entry = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            **call._asdict(),
            "caller": caller_of(headers.get("user-agent", "")),
            "status": answer[0],
            "milliseconds": round(1000 * (time.monotonic() - began), 1),
        }
        with path.open("a", encoding="utf-8") as log:
            log.write(json.dumps(entry, ensure_ascii=False) + "\n")
        return answer

    return logged


def save_regularly(app: ModuleType, activity: Activity) -> None:
    """Save the state every few seconds, so that a crash costs little; functions' code only when it changed.

    The emulator itself saves on an orderly stop only. Each service's file is replaced whole, and a service
    that changes while it is being saved is saved the next time.
    """
    took = 0.0
    while True:
        time.sleep(max(SAVE_SECONDS, took / SAVE_SHARE))
        requests, deployments = activity.taken()
        if not requests:
            continue
        began = time.monotonic()
        services = app._build_persistence_save_dict()  # noqa: SLF001
        app.save_all({name: get for name, get in services.items() if name != "lambda" or deployments})
        took = time.monotonic() - began


class Load:
    """How many functions work at once, which faults are made, whether waits are waited; changeable."""

    def __init__(self, workers: int, plan: Mapping[str, Any], fault_log: Path, call_log: Path) -> None:
        self._pace = importlib.import_module("emulator_pace")
        self._makers = importlib.import_module("emulator_faults")
        rules = importlib.import_module("fault_rules")
        self._faults = rules.Faults(plan, rules.FaultLog(fault_log))
        self._workers, self._calls = workers, self._pace.CallLog(call_log)
        self._turns: Any = None

    def put_on(self, app: ModuleType, activity: Activity) -> None:
        """Let the emulator's modules work so; the modules that do it lie beside this file."""
        modules = [importlib.import_module(f"ministack.{name}") for name in LOADED]
        lambda_svc, lambda_runtime, stepfunctions, sqs, sns = modules
        self._turns = self._pace.limit_workers(lambda_svc, lambda_runtime, self._workers, self._calls)
        quiet = self._pace.Quiet(lambda: lambda_svc.executions_in_flight()[0])
        activity.tell = quiet.note
        self._pace.skip_waits(stepfunctions, sqs, quiet, self._waits_are_skipped)
        self._makers.make_faults(self._faults, app, sns, lambda_runtime, name_call, caller_of)

    def _waits_are_skipped(self) -> bool:
        return bool(self._faults.plan.get("clock", {}).get("skip_waits"))

    def change(self, values: Mapping[str, Any]) -> None:
        """Other workers, another plan; what is not named stays."""
        if "workers" in values:
            self._turns.change(values["workers"])
        if "plan" in values:
            self._faults.follow(values["plan"])


def with_load(dispatch: Dispatch, load: Load) -> Dispatch:
    """The same dispatch, with our own path by which the load is changed."""

    async def changed(
        method: str, url: str, headers: dict[str, str], body: bytes, query: dict[str, Any], request_id: str
    ) -> tuple[int, dict[str, str], Any]:
        if (method, url) != ("POST", LOAD_PATH):
            return await dispatch(method, url, headers, body, query, request_id)
        load.change(_json_of(body))
        return 200, {"Content-Type": "application/json"}, b"{}"

    return changed


def run(port: int, state: Path, access_log: Path, load: Load) -> None:
    """Serve on 127.0.0.1 until SIGTERM or SIGINT, then save the state."""
    check_version()
    prepare_folders(state)
    os.environ.update(emulator_environment(port, state))
    for mend in MENDS:
        apply_mend(mend)
    app = importlib.import_module("ministack.app")
    for name in APP_NAMES:
        if not callable(getattr(app, name, None)):
            raise MendError(f"ministack.app.{name} is gone, which this launcher uses; expected {MINISTACK}")
    activity = Activity()
    load.put_on(app, activity)
    dispatch, detect, parameters = (getattr(app, name) for name in APP_NAMES[:3])
    logged = with_access_log(dispatch, detect, parameters, access_log, activity)
    setattr(app, APP_NAMES[0], with_load(logged, load))
    logging.getLogger("persistence").setLevel(logging.WARNING)
    threading.Thread(target=save_regularly, args=(app, activity), daemon=True).start()
    sys.argv = sys.argv[:1]
    app.main()
    logging.shutdown()
    os._exit(0)  # the state is saved: Python would wait for every function that is still at work


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True, help="folder for everything the emulator writes")
    parser.add_argument("--access-log", type=Path, help="default: access.jsonl in the state folder")
    parser.add_argument("--workers", type=int, default=0, help="functions that work at once; 0: any number")
    parser.add_argument("--plan", type=Path, help="faults, quotas and clock, checked and with all defaults")
    parser.add_argument("--fault-log", type=Path, help="default: faults.jsonl beside the access log")
    arguments = parser.parse_args()
    state = arguments.state.resolve()
    access_log = (arguments.access_log or state / "access.jsonl").resolve()
    plan = json.loads(arguments.plan.read_text()) if arguments.plan else {}
    fault_log = (arguments.fault_log or access_log.with_name("faults.jsonl")).resolve()
    calls = access_log.with_name("functions.jsonl")
    try:
        run(arguments.port, state, access_log, Load(arguments.workers, plan, fault_log, calls))
    except MendError as error:
        raise SystemExit(f"emulator: {error}") from error


if __name__ == "__main__":
    main()
