"""Amazon A2I as the desk of reviews: its task UI, flow definition and work team, made once and found again.

The names of what is made end with a digest of what it says. So the same again makes nothing, and a change
makes something new beside the old, which open reviews keep. On the local runtime the same operations are
answered by the workbench.
"""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from pydantic import BaseModel, ConfigDict

from recto.aws.clients import client
from recto.aws.services import ParameterStore
from recto.errors import ConfigurationError, ParameterMissingError, ServiceUnavailableError
from recto.places import Location
from recto_cli.labelling import cors, teams
from recto_cli.labelling.back_ends import BackEnd, GroundTruth, found
from recto_cli.labelling.teams import People
from recto_cli.labelling.templates import PLACEHOLDER, TEMPLATES
from recto_cli.stack import CALLER, Stack
from recto_cli.team_commands import WORKBENCH_URL

REVIEW_PAGE = TEMPLATES / "review.liquid.html"
PDF_VIEWER = TEMPLATES.parent / "src/recto_workbench/static/frame-assets/review-pdf.js"
PDF_PATH = "/frame-assets/review-pdf.js"
"""Where the workbench has it."""
PDF_PLACEHOLDER = "pdf-viewer"
PAGES = "reviews/_pages"
"""Below the work bucket, where the role of flow definitions may read."""
FLOW_SETTING, ROLE = "config/HumanReviewFlowArn", "static/A2IExecutionRoleArn"
MOST_CHARACTERS = 128_000
"""Of a task UI's template."""
LONGEST_AVAILABILITY, LONGEST_TASK = 864_000, 28_800
EVERYBODY = "reviewers"
"""The workbench's work team that nobody creates; its group of the user pool has the same name."""
ACTIVE_SECONDS, LOOK_SECONDS = 120.0, 2.0


class AmazonA2i(GroundTruth):
    """SageMaker's own operations; the local runtime's where the AWS SDK is pointed there."""

    closed: ClassVar[str] = (
        "AWS has closed Amazon A2I to new customers; the workbench takes the same reviews: "
        "recto review setup workbench"
    )


class FlowChoices(BaseModel):
    """What the user said of a flow definition; empty means: as is usual."""

    model_config = ConfigDict(frozen=True)

    name: str = ""
    team: str = ""
    template: Path | None = None
    role: str = ""
    output: str = ""
    title: str = "Review"
    description: str = "Check the doubtful fields of a document"
    keywords: tuple[str, ...] = ()
    task_count: int = 1
    availability: int = LONGEST_AVAILABILITY
    time_limit: int = 3600


class PlannedFlow(NamedTuple):
    """A flow definition that has been checked; nothing is made yet."""

    template: str
    viewer: Location | None
    """Where PDF.js shall lie; None where the template does not ask for it, or the workbench has it."""
    ui: str
    team: str
    """ARN of the work team; empty where it has yet to be made."""
    new_team: str
    flow: str
    request: Mapping[str, Any]
    """CreateFlowDefinition's parameters but for the ARNs of what is made with it."""


class Made(NamedTuple):
    """A flow definition that is there, and what had to be made for it."""

    arn: str
    new: tuple[str, ...]


# --- the setting --------------------------------------------------------------------------------------


def current_flow(stack: Stack) -> str:
    """Where reviews go now: the word workbench, or an ARN; empty where the parameter says nothing."""
    try:
        return ParameterStore(CALLER).read(f"/{stack.project}/{FLOW_SETTING}").strip()
    except ParameterMissingError:
        return ""


def use_flow(stack: Stack, flow: str) -> bool:
    """Let the next reviews go there; False where they do already. Open ones stay where they are."""
    if current_flow(stack) == flow:
        return False
    ParameterStore(CALLER).write(f"/{stack.project}/{FLOW_SETTING}", flow)
    return True


def usable_flow(name: str, stack: Stack, end: BackEnd) -> str:
    """The ARN of a flow definition that somebody else made; ConfigurationError where it cannot be used."""
    bare = name.rpartition("/")[2]
    flow = found(end, "DescribeFlowDefinition", {"FlowDefinitionName": bare})
    if flow is None:
        raise ConfigurationError(f"no flow definition {bare!r} in this account and region")
    if "HumanLoopRequestSource" in flow:
        source = flow["HumanLoopRequestSource"].get("AwsManagedHumanLoopRequestSource")
        raise ConfigurationError(f"flow definition {bare} takes the loops that {source} starts, no others")
    if flow["FlowDefinitionStatus"] != "Active":
        why = flow.get("FailureReason") or "expected Active"
        raise ConfigurationError(f"flow definition {bare} is {flow['FlowDefinitionStatus']}: {why}")
    _require_heard(str(flow["OutputConfig"]["S3OutputPath"]), stack, f"flow definition {bare}")
    return str(flow["FlowDefinitionArn"])


def _require_heard(output: str, stack: Stack, what: str) -> None:
    """Answers are heard of in the reviews bucket alone."""
    if not f"{output.rstrip('/')}/".startswith(f"s3://{stack.reviews_bucket}/"):
        raise ConfigurationError(
            f"{what} writes to {output}, where nobody hears of answers; "
            f"expected a path below s3://{stack.reviews_bucket}/"
        )


# --- a flow definition of ours ------------------------------------------------------------------------


def planned(choices: FlowChoices, stack: Stack, end: BackEnd, *, is_local: bool) -> PlannedFlow:
    """All that can be checked before anything is made; ConfigurationError where something is not right."""
    output = choices.output.rstrip("/") or f"s3://{stack.reviews_bucket}/reviews"
    _require_heard(output, stack, "--output")
    if choices.time_limit > choices.availability:
        raise ConfigurationError(
            f"--time-limit {choices.time_limit}: expected at most {choices.availability}, as --availability"
        )
    base = choices.name or f"{stack.project}-review"
    template, viewer = _template(choices.template or REVIEW_PAGE, stack, is_local=is_local)
    ui = f"{base}-{_digest(template)}"
    arn, new_team = _team(choices.team, stack, end, is_local=is_local)
    config = {
        "TaskTitle": choices.title,
        "TaskDescription": choices.description,
        "TaskCount": choices.task_count,
        "TaskAvailabilityLifetimeInSeconds": choices.availability,
        "TaskTimeLimitInSeconds": choices.time_limit,
        **({"TaskKeywords": list(choices.keywords)} if choices.keywords else {}),
    }
    request = {
        "HumanLoopConfig": config,
        "OutputConfig": {"S3OutputPath": output},
        "RoleArn": choices.role or stack.name(ROLE),
    }
    who = new_team or arn.rpartition("private-crowd/")[2]  # the same before and after it is made
    flow = f"{base}-{_digest(json.dumps([ui, who, request], sort_keys=True))}"
    return PlannedFlow(template, viewer, ui, arn, new_team, flow, request)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def _template(path: Path, stack: Stack, *, is_local: bool) -> tuple[str, Location | None]:
    """The worker's template, and where its PDF viewer shall lie."""
    text = _text(path)
    names = set(PLACEHOLDER.findall(text))
    if unknown := names - {PDF_PLACEHOLDER}:
        raise ConfigurationError(f"{path}: [[recto:{min(unknown)}]] is filled by recto label template alone")
    viewer = None
    if names and not is_local:
        digest = hashlib.sha256(_viewer()).hexdigest()[:12]
        viewer = Location(bucket=stack.work, key=f"{PAGES}/review-pdf-{digest}.js")
    link = f"{{{{ '{viewer.uri}' | grant_read_access }}}}" if viewer else ""
    if names and is_local:  # the workbench's frames get no links to what their task does not name
        link = stack.name(WORKBENCH_URL).rstrip("/") + PDF_PATH
    filled = PLACEHOLDER.sub(lambda _: link, text)
    if len(filled) > MOST_CHARACTERS:
        raise ConfigurationError(
            f"{path} has {len(filled):,} characters, a task UI takes at most {MOST_CHARACTERS:,}"
        )
    return filled, viewer


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: expected a template in UTF-8: {error}") from error
    except OSError as error:
        hint = "; it is made by: make web" if path == REVIEW_PAGE else ""
        raise ConfigurationError(f"{path}: {error.strerror}{hint}") from error


def _viewer() -> bytes:
    try:
        return PDF_VIEWER.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{PDF_VIEWER}: {error.strerror}; it is made by: make web") from error


# --- work teams ---------------------------------------------------------------------------------------


def _team(name: str, stack: Stack, end: BackEnd, *, is_local: bool) -> tuple[str, str]:
    """The ARN of a work team that is there, or the name of one that shall be made."""
    if is_local and name in ("", EVERYBODY):
        return _everybody(stack), ""
    name = name or f"{stack.project}-{EVERYBODY}"
    is_arn = name.startswith("arn:")
    if is_arn and "/private-crowd/" not in name:
        return name, ""  # a vendor's, or the public's: for AWS to take or refuse
    bare = name.rpartition("/")[2]
    answer = found(end, "DescribeWorkteam", {"WorkteamName": bare})
    if answer is not None:
        return str(answer["Workteam"]["WorkteamArn"]), ""
    if is_arn:
        raise ConfigurationError(f"no work team {name} in this account and region")
    workforce(stack, end, is_local=is_local)  # which it will be made in
    return "", bare


def _everybody(stack: Stack) -> str:
    """The workbench's own work team, in which all reviewers are."""
    _, partition, _, _, account, *_ = stack.name(ROLE).split(":")
    region = client("sagemaker", CALLER).meta.region_name
    return f"arn:{partition}:sagemaker:{region}:{account}:workteam/private-crowd/{EVERYBODY}"


def workforce(stack: Stack, end: BackEnd, *, is_local: bool) -> People:
    """The user pool of the account's private workforce; an account has one workforce for each region."""
    if is_local:
        return teams.people_of(stack)
    forces = end.call("ListWorkforces", {}).get("Workforces", [])
    if not forces:
        raise ConfigurationError(
            "this account has no private workforce in this region: make one in the SageMaker console "
            "(Ground Truth, Labeling workforces, Private), then come back"
        )
    cognito = forces[0].get("CognitoConfig")
    if not cognito:
        raise ConfigurationError(
            f"workforce {forces[0]['WorkforceName']} signs people in by its own identity provider, where its "
            "teams are made too: name the team's ARN with --team"
        )
    return People(str(cognito["UserPool"]), str(cognito["ClientId"]))


# --- making it ----------------------------------------------------------------------------------------


def make(plan: PlannedFlow, stack: Stack, end: BackEnd, *, is_local: bool) -> Made:
    """What is missing of it, in the order in which one needs the other."""
    new: list[str] = []
    team = plan.team
    if not team:
        people = workforce(stack, end, is_local=is_local)
        team = teams.create_team(plan.new_team, "Reviewers of documents", end, people)
        new.append(f"work team {plan.new_team}")
    if plan.viewer and stack.objects.info(plan.viewer) is None:
        stack.objects.write(plan.viewer, _viewer(), "text/javascript; charset=utf-8")
        new.append(plan.viewer.uri)
    ui = found(end, "DescribeHumanTaskUi", {"HumanTaskUiName": plan.ui})
    if ui is None:
        content = {"HumanTaskUiName": plan.ui, "UiTemplate": {"Content": plan.template}}
        ui = end.call("CreateHumanTaskUi", content)
        new.append(f"task UI {plan.ui}")
    arns = {"WorkteamArn": team, "HumanTaskUiArn": str(ui["HumanTaskUiArn"])}
    request = {**plan.request, "HumanLoopConfig": {**arns, **plan.request["HumanLoopConfig"]}}
    if found(end, "DescribeFlowDefinition", {"FlowDefinitionName": plan.flow}) is None:
        end.call("CreateFlowDefinition", {"FlowDefinitionName": plan.flow, **request})
        new.append(f"flow definition {plan.flow}")
    return Made(_active(plan.flow, end), tuple(new))


def _active(name: str, end: BackEnd, clock: Callable[[], float] = time.monotonic) -> str:
    """The ARN of a flow definition once it takes loops; ConfigurationError where it cannot be made."""
    deadline = clock() + ACTIVE_SECONDS
    while True:
        flow = end.call("DescribeFlowDefinition", {"FlowDefinitionName": name})
        status = flow["FlowDefinitionStatus"]
        if status == "Active":
            return str(flow["FlowDefinitionArn"])
        if status != "Initializing":
            why = flow.get("FailureReason", "no reason given")
            raise ConfigurationError(f"flow definition {name} is {status}: {why}")
        if clock() > deadline:
            raise ServiceUnavailableError(
                f"flow definition {name} is not active after {ACTIVE_SECONDS:.0f} s"
            )
        time.sleep(LOOK_SECONDS)


def open_buckets(stack: Stack) -> list[str]:
    """Let the pages of A2I's workers read what they get links to; the buckets whose rules had to change."""
    return [bucket for bucket in (stack.inbox, stack.work) if cors.allow(bucket, cors.a2i_rules())]
