"""A2I's control plane over the workbench: human loops, flow definitions, task UIs, parameter by parameter.

The shapes of requests are checked before they come here; what is checked here is what AWS documents beside
them. Times leave as seconds since 1970. Two operations are ours alone: `AnswerHumanLoop`, for answers that
no page hands in, and `EscalateHumanLoop`.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic import ValidationError as ShapeFault
from pydantic.alias_generators import to_pascal

from recto.places import Location
from recto_workbench.errors import (
    ClaimLostError,
    ConflictError,
    JobNameTakenError,
    LimitError,
    LoopMissingError,
    NonceError,
    NotFoundError,
    RequestError,
    ReviewClosedError,
    ReviewMissingError,
    TooLargeError,
    ValidationError,
)
from recto_workbench.flows import (
    BUILT_IN,
    LONGEST_AVAILABILITY,
    WORKBENCH,
    FlowDefinition,
    HumanTaskUi,
    template_place,
)
from recto_workbench.grants import named_objects
from recto_workbench.jobs import PUBLIC_TEAM
from recto_workbench.loops import MOST_REASONS, REVIEWERS, Loop, LoopPlaces, LoopState, Reason
from recto_workbench.page_tokens import place_in, token_of
from recto_workbench.rendering import render
from recto_workbench.review_ports import LoopChange, OfFlow
from recto_workbench.steps.control import INPUT_PLACES, Account
from recto_workbench.steps.desk import ReviewDesk, Submission, claim, happening, submit
from recto_workbench.steps.settling import escalated, stop
from recto_workbench.tasks import Worker, told

MOST_FLOWS, MOST_UIS = 500, 500
MOST_LOOKED_AT = 1_000
LINK_SECONDS = 900
PAGE = 100
MOST_TITLE = 300
CONFLICT = (
    "Your request has the same name as another active human loop but has different input data. "
    "You cannot start two human loops with the same name and different input data."
)

Parameters = Mapping[str, Any]
Result = dict[str, Any]
R = TypeVar("R", FlowDefinition, HumanTaskUi)


class BuiltIn(BaseModel):
    """What the flow definition has that nobody creates."""

    model_config = ConfigDict(frozen=True)

    reviewers: int
    """Who answer each document."""
    availability_seconds: int
    claim_seconds: int
    reviews_bucket: str


@dataclass(frozen=True)
class LoopControl:
    """What it takes to answer."""

    desk: ReviewDesk
    account: Account
    built_in: BuiltIn


class AnswerHumanLoop(BaseModel):
    """Ours alone: one person's answer to a loop."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_pascal)

    human_loop_name: str
    answer_content: dict[str, Any]
    worker_id: str = Field(min_length=1, max_length=256)
    time_spent_in_seconds: float | None = Field(None, ge=0, allow_inf_nan=False)


class EscalateHumanLoop(BaseModel):
    """Ours alone: a loop stands before all others, and stays on offer until another time."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_pascal)

    human_loop_name: str
    expires: datetime


def answer(operation: str, parameters: Parameters, control: LoopControl) -> Result:
    """The operation's result. OperationError where it is refused, with the service's code."""
    try:
        return OPERATIONS[operation](parameters, control)
    except ReviewMissingError as error:
        raise LoopMissingError(str(error)) from error
    except (ReviewClosedError, ClaimLostError) as error:
        raise ConflictError(str(error)) from error
    except (RequestError, NonceError, TooLargeError) as error:
        raise ValidationError(str(error)) from error


def named_flow(parameters: Parameters, account: Account) -> Parameters:
    """The parameters with an ARN where they say `workbench`, as the parameter HumanReviewFlowArn does."""
    if parameters.get("FlowDefinitionArn") != WORKBENCH:
        return parameters
    return {**parameters, "FlowDefinitionArn": account.arn(f"flow-definition/{BUILT_IN}")}


# ---- human loops


def start_human_loop(parameters: Parameters, control: LoopControl) -> Result:
    """A loop that waits for people. The same name with the same input again is the same loop."""
    desk, name = control.desk, str(parameters["HumanLoopName"])
    text = str(parameters["HumanLoopInput"]["InputContent"])
    content = _content(text)
    flow = _flow_of(parameters["FlowDefinitionArn"], control)
    if flow is None:
        raise ValidationError(f"Flow definition {parameters['FlowDefinitionArn']} does not exist")
    if flow.template:
        _check_named(content, desk)
    loop = _new_loop(name, flow, content, control)
    started = happening(name, "started", desk, text=flow.name)
    place = LoopPlaces(desk.work_bucket, name).input
    if desk.loops.write(LoopChange(loop=loop, happenings=(started,))):
        desk.objects.write(place, text.encode(), "application/json")
        return {"HumanLoopArn": loop.arn}
    there = desk.loops.loop(name)
    if there is None or there.digest != loop.digest or there.flow_arn != loop.flow_arn:
        raise ConflictError(CONFLICT)
    if desk.objects.info(place) is None:  # the first time was cut off
        desk.objects.write(place, text.encode(), "application/json")
    return {"HumanLoopArn": there.arn}


def _content(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise ValidationError(f"InputContent is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise ValidationError(f"InputContent: expected a JSON object, got {type(content).__name__}")
    return content


def _check_named(content: Mapping[str, Any], desk: ReviewDesk) -> None:
    """A template's page gets links to what its input names, and these have the workbench's rights."""
    for uri in sorted(named_objects(content)):
        place = Location.from_uri(uri)
        if place.bucket == desk.work_bucket and not place.key.startswith(INPUT_PLACES):
            open_ = " or ".join(f"s3://{desk.work_bucket}/{each}" for each in INPUT_PLACES)
            raise ValidationError(f"InputContent: {uri} may not be shown; expected it below {open_}")


def _new_loop(name: str, flow: FlowDefinition, content: Mapping[str, Any], control: LoopControl) -> Loop:
    now = control.desk.clock()
    expires = now + timedelta(seconds=flow.availability_seconds)
    is_ours = flow.output_path.startswith(f"s3://{control.built_in.reviews_bucket}/")
    review_id = content.get("ReviewId")
    is_public = PUBLIC_TEAM in str(flow.config.get("WorkteamArn", ""))
    return Loop(
        name=name,
        arn=control.account.arn(f"human-loop/{name}"),
        flow=flow.name,
        flow_arn=flow.arn,
        created=now,
        opened=now,
        expires=expires,
        due=expires,
        digest=_digest(content),
        wanted=flow.wanted,
        review_id=review_id if is_ours and isinstance(review_id, str) else "",
        template=flow.template,
        team="" if is_public else flow.team,
        seconds=flow.time_limit_seconds or control.built_in.claim_seconds,
        output_path=flow.output_path,
        **_shown(content, flow),
    )


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _shown(content: Mapping[str, Any], flow: FlowDefinition) -> dict[str, Any]:
    """What lists show of a task. It is what somebody wrote, so each part may be anything."""
    document, result = _object(content.get("Document")), _object(content.get("ModelResult"))
    reasons = _reasons(result.get("ReviewReasons"))
    pages = document.get("NumPages")
    title = document.get("Name") or _file_name(content.get("TaskObject")) or flow.config.get("TaskTitle", "")
    return {
        "kind": "audit" if content.get("Audit") is True else "review",
        "title": told(str(title), MOST_TITLE),
        "document_id": told(str(document.get("DocumentId") or ""), MOST_TITLE),
        "correlation_id": told(str(document.get("CorrelationId") or ""), MOST_TITLE),
        "pages": pages if isinstance(pages, int) and not isinstance(pages, bool) else 0,
        "reasons": reasons[:MOST_REASONS],
        "num_reasons": len(reasons),
    }


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _reasons(value: Any) -> tuple[Reason, ...]:
    entries = [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
    return tuple(
        Reason(code=told(str(each.get("Code")), 100), field=told(str(each.get("Field") or ""), MOST_TITLE))
        for each in entries
        if each.get("Code")
    )


def _file_name(task_object: Any) -> str:
    """`s3://bucket/key`, or the same as an object of the reference's."""
    given = _object(task_object)
    uri = task_object if isinstance(task_object, str) else given.get("S3Uri") or given.get("Key") or ""
    return PurePosixPath(str(uri)).name


def describe_human_loop(parameters: Parameters, control: LoopControl) -> Result:
    loop = _loop(parameters, control)
    output = {"HumanLoopOutput": {"OutputS3Uri": loop.output}} if loop.output else {}
    return {**_summary(loop, control), "HumanLoopArn": loop.arn, **_failure_code(loop, control), **output}


def _loop(parameters: Parameters, control: LoopControl) -> Loop:
    loop = control.desk.loops.loop(parameters["HumanLoopName"])
    if loop is None:
        raise LoopMissingError(f"Human loop {parameters['HumanLoopName']} does not exist")
    return loop


def _summary(loop: Loop, control: LoopControl) -> Result:
    status = status_of(loop, control.desk.clock())
    failed = {"FailureReason": _why_failed(loop)} if status == "Failed" else {}
    return {
        "HumanLoopName": loop.name,
        "HumanLoopStatus": status,
        "CreationTime": loop.created.timestamp(),
        "FlowDefinitionArn": loop.flow_arn,
        **failed,
    }


def status_of(loop: Loop, now: datetime) -> str:
    """A2I's word for where a loop stands: with its output written, it is completed."""
    if loop.state is LoopState.EXPIRED or (loop.takes_answers and loop.expires <= now):
        return "Failed"
    if loop.output:
        return "Completed"
    return "Stopped" if loop.state in (LoopState.STOPPED, LoopState.CLOSED) else "InProgress"


def _why_failed(loop: Loop) -> str:
    return f"Expired: {len(loop.answers)} of {loop.wanted} answers had come by {loop.expires:%Y-%m-%dT%H:%MZ}"


def _failure_code(loop: Loop, control: LoopControl) -> Result:
    is_failed = status_of(loop, control.desk.clock()) == "Failed"
    return {"FailureCode": "Expired"} if is_failed else {}


def list_human_loops(parameters: Parameters, control: LoopControl) -> Result:
    """The loops of a flow definition: by the time of creation, a page of them."""
    arn = parameters["FlowDefinitionArn"]
    flow = _flow_of(arn, control)
    if flow is None:
        raise LoopMissingError(f"Flow definition {arn} does not exist")
    asked = OfFlow(
        flow=flow.name,
        after=_time(parameters.get("CreationTimeAfter")),
        before=_time(parameters.get("CreationTimeBefore")),
        newest_first=parameters.get("SortOrder", "Descending") == "Descending",
        limit=int(parameters.get("MaxResults", PAGE)),
        next_token=parameters.get("NextToken", ""),
    )
    page = control.desk.loops.of_flow(asked)
    more = {"NextToken": page.next_token} if page.next_token else {}
    return {"HumanLoopSummaries": [_summary(loop, control) for loop in page.loops], **more}


def _time(value: Any) -> datetime | None:
    if value is None or isinstance(value, datetime):
        return value
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        moment = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError) as error:
        raise ValidationError(f"{value!r} is no time: {error}") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def stop_human_loop(parameters: Parameters, control: LoopControl) -> Result:
    """Nobody answers it any more. Stopping what has ended changes nothing."""
    stop(_loop(parameters, control).name, "", control.desk)
    return {}


def delete_human_loop(parameters: Parameters, control: LoopControl) -> Result:
    """The loop is forgotten; answers that lie in buckets stay."""
    loop = _loop(parameters, control)
    if status_of(loop, control.desk.clock()) == "InProgress":
        raise ValidationError(f"Human loop {loop.name} is in progress and cannot be deleted: stop it first")
    control.desk.loops.delete(loop)
    return {}


def answer_human_loop(parameters: Parameters, control: LoopControl) -> Result:
    """One person's answer, as if he had claimed the loop and handed it in. Ours alone."""
    request, desk = _checked(AnswerHumanLoop, parameters), control.desk
    loop = _loop({"HumanLoopName": request.human_loop_name}, control)
    team = desk.teams.find(loop.team) if loop.team else None
    groups = (REVIEWERS, *sorted(team.groups)) if team else (REVIEWERS,)
    worker = Worker(worker_id=request.worker_id, name=request.worker_id, groups=groups)
    with suppress(ClaimLostError, ReviewClosedError):  # `submit` keeps the answer, and says why it is late
        claim(loop.name, worker, desk)
    submission = Submission(
        answer=request.answer_content, seconds=request.time_spent_in_seconds, is_final=True
    )
    submit(loop.name, worker, submission, desk)
    return describe_human_loop({"HumanLoopName": loop.name}, control)


def escalate_human_loop(parameters: Parameters, control: LoopControl) -> Result:
    """Before all others, and on offer again where its time had run out. Ours alone."""
    request = _checked(EscalateHumanLoop, parameters)
    name = _loop({"HumanLoopName": request.human_loop_name}, control).name
    expires = request.expires if request.expires.tzinfo else request.expires.replace(tzinfo=UTC)
    if escalated(name, expires, control.desk) != "escalated":
        raise ConflictError(f"Human loop {name} has its answers or has ended; it cannot be escalated")
    return {}


P = TypeVar("P", bound=BaseModel)


def _checked(model: type[P], parameters: Parameters) -> P:
    try:
        return model.model_validate(parameters)
    except ShapeFault as error:
        where = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5])
        raise ValidationError(f"{model.__name__}: {where}") from error


# ---- flow definitions


def _flow_of(arn: str, control: LoopControl) -> FlowDefinition | None:
    flow = _flow_named(arn.rpartition("/")[2], control)
    return flow if flow and flow.arn == arn else None


def _flow_named(name: str, control: LoopControl) -> FlowDefinition | None:
    return _built_in(control) if name == BUILT_IN else control.desk.flows.flow(name)


def _built_in(control: LoopControl) -> FlowDefinition:
    """The flow definition that is always there: its settings are the deployment's."""
    account, given = control.account, control.built_in
    config = {
        "WorkteamArn": account.arn(f"workteam/private-crowd/{REVIEWERS}"),
        "HumanTaskUiArn": account.arn(f"human-task-ui/{BUILT_IN}"),
        "TaskTitle": "Review",
        "TaskDescription": "Check the doubtful fields of a document",
        "TaskCount": given.reviewers,
        "TaskAvailabilityLifetimeInSeconds": given.availability_seconds,
        "TaskTimeLimitInSeconds": given.claim_seconds,
    }
    output = {"S3OutputPath": f"s3://{given.reviews_bucket}/reviews"}
    role = f"arn:{account.partition}:iam::{account.number}:role/{BUILT_IN}"
    return FlowDefinition(
        name=BUILT_IN,
        arn=account.arn(f"flow-definition/{BUILT_IN}"),
        created=datetime.fromtimestamp(0, UTC),
        request={"HumanLoopConfig": config, "OutputConfig": output, "RoleArn": role},
    )


def create_flow_definition(parameters: Parameters, control: LoopControl) -> Result:
    """How loops of one kind are worked on; active as soon as it is there."""
    desk, name = control.desk, str(parameters["FlowDefinitionName"])
    if len(desk.flows.flows()) >= MOST_FLOWS:
        raise LimitError(f"there are {MOST_FLOWS} flow definitions, which is the limit")
    flow = FlowDefinition(
        name=name,
        arn=control.account.arn(f"flow-definition/{name}"),
        created=desk.clock(),
        request={key: value for key, value in parameters.items() if key != "Tags"},
        template=_checked_flow(parameters, control),
    )
    if name == BUILT_IN or not desk.flows.add_flow(flow):
        raise JobNameTakenError(f"Flow definition {name} already exists")
    return {"FlowDefinitionArn": flow.arn}


def _checked_flow(parameters: Parameters, control: LoopControl) -> str:
    """The place of its template, once all else is right."""
    for key in ("HumanLoopRequestSource", "HumanLoopActivationConfig"):
        if key in parameters:
            raise ValidationError(f"{key}: loops that services start by themselves are not offered here")
    path, bucket = str(parameters["OutputConfig"]["S3OutputPath"]), control.built_in.reviews_bucket
    if not (path.rstrip("/") + "/").startswith(f"s3://{bucket}/"):
        raise ValidationError(
            f"OutputConfig.S3OutputPath: {path} cannot be written; expected it below s3://{bucket}/"
        )
    config = parameters.get("HumanLoopConfig")
    if not config:
        return ""
    _check_times(config)
    _check_team(str(config["WorkteamArn"]), control)
    return _template_of(str(config["HumanTaskUiArn"]), control)


def _check_times(config: Mapping[str, Any]) -> None:
    availability = int(config.get("TaskAvailabilityLifetimeInSeconds", LONGEST_AVAILABILITY))
    if availability > LONGEST_AVAILABILITY:
        raise ValidationError(
            f"TaskAvailabilityLifetimeInSeconds: {availability}, at most {LONGEST_AVAILABILITY}"
        )
    limit = config.get("TaskTimeLimitInSeconds")
    if limit is not None and int(limit) > availability:
        raise ValidationError(
            f"TaskTimeLimitInSeconds: {limit}, at most TaskAvailabilityLifetimeInSeconds ({availability})"
        )


def _check_team(arn: str, control: LoopControl) -> None:
    name = arn.rpartition("/")[2]
    if PUBLIC_TEAM in arn or arn == control.account.arn(f"workteam/private-crowd/{REVIEWERS}"):
        return
    team = control.desk.teams.find(name)
    if team is None or team.arn != arn:
        raise ValidationError(f"WorkteamArn: there is no work team {arn}")


def _template_of(arn: str, control: LoopControl) -> str:
    if arn == control.account.arn(f"human-task-ui/{BUILT_IN}"):
        return ""
    ui = control.desk.flows.ui(arn.rpartition("/")[2])
    if ui is None or ui.arn != arn:
        raise ValidationError(f"HumanTaskUiArn: there is no human task UI {arn}")
    return ui.template


def describe_flow_definition(parameters: Parameters, control: LoopControl) -> Result:
    flow = _found_flow(parameters, control)
    return {**flow.request, **_flow_summary(flow)}


def _found_flow(parameters: Parameters, control: LoopControl) -> FlowDefinition:
    name = parameters["FlowDefinitionName"]
    flow = _flow_named(name, control)
    if flow is None:
        raise NotFoundError(f"Could not find flow definition {name}")
    return flow


def _flow_summary(flow: FlowDefinition) -> Result:
    return {
        "FlowDefinitionName": flow.name,
        "FlowDefinitionArn": flow.arn,
        "FlowDefinitionStatus": "Active",
        "CreationTime": flow.created.timestamp(),
    }


def list_flow_definitions(parameters: Parameters, control: LoopControl) -> Result:
    rows, more = _page([_built_in(control), *control.desk.flows.flows()], parameters)
    return {"FlowDefinitionSummaries": [_flow_summary(flow) for flow in rows], **more}


def delete_flow_definition(parameters: Parameters, control: LoopControl) -> Result:
    """Not while a loop of it waits for people."""
    flow = _found_flow(parameters, control)
    if flow.name == BUILT_IN:
        raise JobNameTakenError(f"Flow definition {BUILT_IN} is built in and cannot be deleted")
    waiting = _waiting_loop(flow, control)
    if waiting:
        raise JobNameTakenError(f"Flow definition {flow.name} is used by human loop {waiting}: stop it first")
    control.desk.flows.delete_flow(flow.name)
    return {}


def _waiting_loop(flow: FlowDefinition, control: LoopControl) -> str:
    """Of the newest loops, one in progress; empty for none."""
    token, looked_at, now = "", 0, control.desk.clock()
    while looked_at < MOST_LOOKED_AT:
        page = control.desk.loops.of_flow(OfFlow(flow=flow.name, limit=PAGE, next_token=token))
        for loop in page.loops:
            if status_of(loop, now) == "InProgress":
                return loop.name
        token, looked_at = page.next_token, looked_at + PAGE
        if not token:
            break
    return ""


# ---- task UIs


def create_human_task_ui(parameters: Parameters, control: LoopControl) -> Result:
    """A worker's template. It never changes: loops that were made with it keep it."""
    desk, name = control.desk, str(parameters["HumanTaskUiName"])
    content = str(parameters["UiTemplate"]["Content"])
    wrong = [e for e in render(content, {}, lambda place: place).errors if "Syntax" in e["Code"]]
    if wrong:
        raise ValidationError(f"UiTemplate.Content: {wrong[0]['Code']}: {wrong[0]['Message']}")
    if len(desk.flows.uis()) >= MOST_UIS:
        raise LimitError(f"there are {MOST_UIS} human task UIs, which is the limit")
    place = template_place(desk.work_bucket, name, content)
    ui = HumanTaskUi(
        name=name,
        arn=control.account.arn(f"human-task-ui/{name}"),
        created=desk.clock(),
        template=place.uri,
        sha256=hashlib.sha256(content.encode()).hexdigest(),
    )
    desk.objects.write(place, content.encode(), "text/html; charset=utf-8")
    if name == BUILT_IN or not desk.flows.add_ui(ui):
        raise JobNameTakenError(f"Human task UI {name} already exists")
    return {"HumanTaskUiArn": ui.arn}


def describe_human_task_ui(parameters: Parameters, control: LoopControl) -> Result:
    ui = _found_ui(parameters, control)
    link = control.desk.links.to_read(Location.from_uri(ui.template), LINK_SECONDS)
    template = {"Url": link.url, "ContentSha256": ui.sha256}
    return {**_ui_summary(ui), "HumanTaskUiStatus": "Active", "UiTemplate": template}


def _found_ui(parameters: Parameters, control: LoopControl) -> HumanTaskUi:
    name = parameters["HumanTaskUiName"]
    ui = control.desk.flows.ui(name)
    if ui is None:
        raise NotFoundError(f"Could not find human task UI {name}")
    return ui


def _ui_summary(ui: HumanTaskUi) -> Result:
    times = {"CreationTime": ui.created.timestamp()}
    return {"HumanTaskUiName": ui.name, "HumanTaskUiArn": ui.arn, **times}


def list_human_task_uis(parameters: Parameters, control: LoopControl) -> Result:
    rows, more = _page(control.desk.flows.uis(), parameters)
    return {"HumanTaskUiSummaries": [_ui_summary(ui) for ui in rows], **more}


def delete_human_task_ui(parameters: Parameters, control: LoopControl) -> Result:
    """Flow definitions and loops that were made with it keep its template."""
    control.desk.flows.delete_ui(_found_ui(parameters, control).name)
    return {}


# ---- pages


def _page(rows: Sequence[R], parameters: Parameters) -> tuple[list[R], dict[str, str]]:
    """What CreationTimeAfter and -Before, SortOrder, MaxResults and NextToken leave; `NextToken` for more.

    A token names a place in the order, which stays where rows are made or deleted meanwhile.
    """
    after, before = _time(parameters.get("CreationTimeAfter")), _time(parameters.get("CreationTimeBefore"))
    is_newest_first = parameters.get("SortOrder", "Descending") == "Descending"
    wanted = [
        row for row in rows if (not after or row.created >= after) and (not before or row.created <= before)
    ]
    wanted.sort(key=_in_order, reverse=is_newest_first)
    if token := parameters.get("NextToken", ""):
        last = place_in(token, _read_place, "NextToken")
        wanted = [
            row for row in wanted if (_in_order(row) < last if is_newest_first else _in_order(row) > last)
        ]
    shown = wanted[: int(parameters.get("MaxResults", PAGE))]
    if len(shown) == len(wanted):
        return shown, {}
    return shown, {"NextToken": token_of(_in_order(shown[-1]))}


def _in_order(row: FlowDefinition | HumanTaskUi) -> tuple[float, str]:
    return (row.created.timestamp(), row.name)


def _read_place(told: Any) -> tuple[float, str]:
    created, name = told
    return (float(created), str(name))


LOOP_OPERATIONS: dict[str, Callable[[Parameters, LoopControl], Result]] = {
    "StartHumanLoop": start_human_loop,
    "DescribeHumanLoop": describe_human_loop,
    "ListHumanLoops": list_human_loops,
    "StopHumanLoop": stop_human_loop,
    "DeleteHumanLoop": delete_human_loop,
}
"""Of A2I's runtime."""
FLOW_OPERATIONS: dict[str, Callable[[Parameters, LoopControl], Result]] = {
    "CreateFlowDefinition": create_flow_definition,
    "DescribeFlowDefinition": describe_flow_definition,
    "ListFlowDefinitions": list_flow_definitions,
    "DeleteFlowDefinition": delete_flow_definition,
    "CreateHumanTaskUi": create_human_task_ui,
    "DescribeHumanTaskUi": describe_human_task_ui,
    "ListHumanTaskUis": list_human_task_uis,
    "DeleteHumanTaskUi": delete_human_task_ui,
}
"""Of SageMaker."""
OWN_OPERATIONS: dict[str, Callable[[Parameters, LoopControl], Result]] = {
    "AnswerHumanLoop": answer_human_loop,
    "EscalateHumanLoop": escalate_human_loop,
}
OPERATIONS = {**LOOP_OPERATIONS, **FLOW_OPERATIONS, **OWN_OPERATIONS}
