"""Ground Truth's control plane: its operations on jobs, teams and templates, parameter by parameter.

The shapes of requests are checked before they come here; what is checked here is what AWS documents beside
them. Times leave as seconds since 1970, as the service's JSON has them.
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

from recto.errors import ConfigurationError, DocumentError
from recto.places import Location, digest
from recto.ports import Copies
from recto_workbench.builtin import builtin_template, is_aws_function, kind_of
from recto_workbench.errors import (
    JobNameTakenError,
    LimitError,
    NotFoundError,
    OperationError,
    RequestError,
    TaskMissingError,
    ValidationError,
)
from recto_workbench.grants import named_objects
from recto_workbench.jobs import PUBLIC_TEAM, Job, Team, team_name
from recto_workbench.messages import LabellingMessage
from recto_workbench.rendering import render
from recto_workbench.steps.assignment import Desk, stop_job
from recto_workbench.tasks import JobPlaces

OUTPUT_PLACES = ("corpora/", "jobs/", "labelling/")
"""Prefixes of the work bucket that the labelling functions may write to."""
INPUT_PLACES = ("corpora/", "documents/", "jobs/")
"""Prefixes of the work bucket where what is labelled lies; answers and models lie elsewhere."""
MOST_RUNNING_JOBS = 100
MOST_TEAMS = 100
MOST_TEMPLATE_BYTES = 2_000_000
MOST_CATEGORY_BYTES = 1_000_000
MOST_LABEL_BYTES = 200_000
"""Of the names alone: they are kept in the job's row, which has 400 KB at most."""
LONGEST_CUSTOM_TASK = 28_800
"""Seconds: 8 hours, of a custom job; built-in task types may take as long as tasks are on offer."""
LONGEST_TASK = 2_592_000
"""Seconds: 30 days, with a private team."""
LONGEST_PUBLIC_OFFER = 43_200
LINK_SECONDS = 3_600
PAGE = 10
WORKFORCE = "default"
CLASSIFICATIONS = frozenset({"image-classification", "image-classification-multilabel",
                             "text-classification", "text-classification-multilabel"})  # fmt: skip

Parameters = Mapping[str, Any]
Result = dict[str, Any]


@dataclass(frozen=True)
class Account:
    """Where the control plane answers: the parts of its resources' ARNs."""

    partition: str
    region: str
    number: str

    def arn(self, resource: str) -> str:
        return f"arn:{self.partition}:sagemaker:{self.region}:{self.number}:{resource}"


@dataclass(frozen=True)
class Control:
    """What it takes to answer."""

    desk: Desk
    copies: Copies
    account: Account


def answer(operation: str, parameters: Parameters, control: Control) -> Result:
    """The operation's result. OperationError where it is refused, with Ground Truth's code."""
    if operation not in OPERATIONS:
        raise ValidationError(
            f"{operation} is not answered here; the workbench knows {', '.join(sorted(OPERATIONS))}"
        )
    try:
        return OPERATIONS[operation](parameters, control)
    except TaskMissingError as error:
        raise NotFoundError(str(error)) from error
    except RequestError as error:
        raise ValidationError(str(error)) from error


# ---- jobs


def create_labeling_job(parameters: Parameters, control: Control) -> Result:
    """A job that begins at once: its template and manifest are kept as they are now."""
    desk, name = control.desk, str(parameters["LabelingJobName"])
    if there := desk.jobs.find(name):
        raise _taken(there.name)
    job = Job(
        name=name,
        arn=control.account.arn(f"labeling-job/{name.lower()}"),
        created=desk.clock(),
        modified=desk.clock(),
        request=dict(parameters),
    )
    _check_job(job, control)
    job = job.model_copy(update={"labels": _labels(job, desk)})
    places = JobPlaces(desk.work_bucket, name)
    template = _template(job.task["UiConfig"], desk)
    if not desk.jobs.add(job):
        raise _taken(name)
    desk.objects.write(places.template, template.encode(), "text/html; charset=utf-8")
    control.copies.copy(_manifest(job, desk), places.manifest)
    desk.messages.send(LabellingMessage(kind="read", job=name))
    return {"LabelingJobArn": job.arn}


def _taken(name: str) -> OperationError:
    return JobNameTakenError(
        f"Labeling job with name {name} already exists: names are given once, in upper or lower case"
    )


def _check_job(job: Job, control: Control) -> None:
    running = [each for each in control.desk.jobs.all() if not each.is_final]
    if len(running) >= MOST_RUNNING_JOBS:
        raise LimitError(f"{len(running)} labeling jobs have not ended yet, at most {MOST_RUNNING_JOBS} may")
    _check_attribute(job)
    _check_input(job)
    _check_functions(job)
    _check_workers(job, control)
    _check_output(job, control.desk)


def _check_output(job: Job, desk: Desk) -> None:
    """Elsewhere all would be labelled, and then nothing could be written."""
    place = _place("OutputConfig.S3OutputPath", job.output_prefix)
    if place.bucket != desk.work_bucket or not place.key.startswith(OUTPUT_PLACES):
        open_ = " or ".join(f"s3://{desk.work_bucket}/{each}" for each in OUTPUT_PLACES)
        raise ValidationError(
            f"OutputConfig.S3OutputPath: {job.output_prefix} cannot be written; expected it below {open_}"
        )


def _check_attribute(job: Job) -> None:
    name, kind = job.label_attribute, job.task_kind
    if name.endswith("-metadata"):
        raise ValidationError(f"LabelAttributeName: {name!r} must not end in -metadata")
    is_segmentation = kind is not None and kind.name == "semantic-segmentation"
    if is_segmentation and not name.endswith("-ref"):
        raise ValidationError(f"LabelAttributeName: {name!r} must end in -ref for semantic segmentation")
    if kind is not None and not is_segmentation and name.endswith("-ref"):
        raise ValidationError(f"LabelAttributeName: {name!r} must not end in -ref for {kind.name}")


def _check_input(job: Job) -> None:
    source = job.request["InputConfig"]["DataSource"]
    if "S3DataSource" not in source:
        raise ValidationError(
            "InputConfig.DataSource: expected S3DataSource; streams (SnsDataSource) are not offered here"
        )
    if "LabelingJobAlgorithmsConfig" in job.request:
        raise ValidationError("LabelingJobAlgorithmsConfig: automated labelling is not offered here")


def _check_functions(job: Job) -> None:
    for what, arn in (
        ("PreHumanTaskLambdaArn", job.pre_function),
        ("AnnotationConsolidationLambdaArn", job.post_function),
    ):
        if is_aws_function(arn) and kind_of(arn) is None:
            raise ValidationError(f"{what}: the task type of {arn.rpartition(':')[2]} is not offered here")
    pre, post = kind_of(job.pre_function), kind_of(job.post_function)
    if pre and post and pre != post:
        raise ValidationError(
            f"PreHumanTaskLambdaArn is for {pre.name}, AnnotationConsolidationLambdaArn for {post.name}"
        )
    longest = LONGEST_TASK if job.task_kind else LONGEST_CUSTOM_TASK
    if job.time_limit_seconds > longest:
        raise ValidationError(f"TaskTimeLimitInSeconds: {job.time_limit_seconds}, at most {longest}")


def _check_workers(job: Job, control: Control) -> None:
    if PUBLIC_TEAM in job.team_arn:
        _check_public(job)
        return
    if job.availability_seconds > LONGEST_TASK:
        raise ValidationError(
            f"TaskAvailabilityLifetimeInSeconds: {job.availability_seconds}, at most {LONGEST_TASK}"
        )
    if "PublicWorkforceTaskPrice" in job.task:
        raise ValidationError("PublicWorkforceTaskPrice: a private team is not paid by the task")
    team = control.desk.teams.find(team_name(job.team_arn))
    if team is None or team.arn != job.team_arn:
        raise ValidationError(f"WorkteamArn: there is no work team {job.team_arn}")


def _check_public(job: Job) -> None:
    """AWS has closed the public workforce; here everybody who is signed in stands in for it."""
    if "PublicWorkforceTaskPrice" not in job.task:
        raise ValidationError("PublicWorkforceTaskPrice: the public workforce needs a price by the task")
    if job.availability_seconds > LONGEST_PUBLIC_OFFER and "TaskAvailabilityLifetimeInSeconds" in job.task:
        raise ValidationError(
            f"TaskAvailabilityLifetimeInSeconds: {job.availability_seconds}, "
            f"at most {LONGEST_PUBLIC_OFFER} with the public workforce"
        )
    classifiers = job.request["InputConfig"].get("DataAttributes", {}).get("ContentClassifiers", [])
    if "FreeOfPersonallyIdentifiableInformation" not in classifiers:
        raise ValidationError(
            "InputConfig.DataAttributes.ContentClassifiers: the public workforce needs "
            "FreeOfPersonallyIdentifiableInformation"
        )


def _place(what: str, uri: str) -> Location:
    try:
        return Location.from_uri(uri)
    except ValueError as error:
        raise ValidationError(f"{what}: {error}") from error


def _read(what: str, uri: str, most: int, desk: Desk) -> str:
    """A small text file. ValidationError where it is missing, closed, too large or no UTF-8."""
    place = _place(what, uri)
    try:
        info = desk.objects.info(place)
        if info is None:
            raise ValidationError(f"{what}: there is no object {uri}")
        if info.size > most:
            raise ValidationError(f"{what}: {uri} has {info.size:,} bytes, at most {most:,}")
        return desk.objects.read(place).decode()
    except UnicodeDecodeError as error:
        raise ValidationError(f"{what}: {uri} is no UTF-8: {error}") from error
    except (ConfigurationError, DocumentError) as error:
        raise ValidationError(f"{what}: {error}") from error


def _manifest(job: Job, desk: Desk) -> Location:
    what = "InputConfig.DataSource.S3DataSource.ManifestS3Uri"
    place = _place(what, job.request["InputConfig"]["DataSource"]["S3DataSource"]["ManifestS3Uri"])
    try:
        info = desk.objects.info(place)
    except ConfigurationError as error:
        raise ValidationError(f"{what}: {error}") from error
    if info is None or not info.size:
        raise ValidationError(f"{what}: {place.uri} {'is empty' if info else 'does not exist'}")
    return place


def _labels(job: Job, desk: Desk) -> tuple[str, ...]:
    """The label categories; a custom job may have none. The manifest is looked at before anything is kept."""
    _manifest(job, desk)
    uri = job.request.get("LabelCategoryConfigS3Uri", "")
    if not uri:
        if job.task_kind:
            raise ValidationError(f"LabelCategoryConfigS3Uri: {job.task_kind.name} needs label categories")
        return ()
    labels = parse_categories(_read("LabelCategoryConfigS3Uri", uri, MOST_CATEGORY_BYTES, desk), uri)
    if job.task_kind and job.task_kind.name in CLASSIFICATIONS and len(labels) < 2:
        raise ValidationError(f"LabelCategoryConfigS3Uri: {uri} has one label, a classification needs two")
    return labels


def parse_categories(text: str, name: str) -> tuple[str, ...]:
    """The labels of a label category configuration file. ValidationError says what is wrong with it."""
    try:
        config = json.loads(text)
    except ValueError as error:
        raise ValidationError(f"LabelCategoryConfigS3Uri: {name} is no JSON: {error}") from error
    entries = config.get("labels") if isinstance(config, dict) else None
    if not isinstance(entries, list) or not entries:
        raise ValidationError(f"LabelCategoryConfigS3Uri: {name} has no list `labels`")
    labels = []
    for number, entry in enumerate(entries):
        label = entry.get("label") if isinstance(entry, dict) else None
        if not isinstance(label, str) or not label.strip():
            raise ValidationError(
                f'LabelCategoryConfigS3Uri: {name}, label {number}: expected {{"label": "…"}}'
            )
        if label in labels:
            raise ValidationError(f"LabelCategoryConfigS3Uri: {name} has the label {label!r} twice")
        labels.append(label)
    if (size := sum(len(label.encode()) for label in labels)) > MOST_LABEL_BYTES:
        raise ValidationError(
            f"LabelCategoryConfigS3Uri: {name}: the labels have {size:,} bytes, at most {MOST_LABEL_BYTES:,}"
        )
    return tuple(labels)


def _template(config: Mapping[str, Any], desk: Desk) -> str:
    """The worker's template. ValidationError where its Liquid cannot be read."""
    uri, arn = config.get("UiTemplateS3Uri", ""), config.get("HumanTaskUiArn", "")
    if bool(uri) == bool(arn):
        raise ValidationError("UiConfig: expected either UiTemplateS3Uri or HumanTaskUiArn")
    template = _read("UiTemplateS3Uri", uri, MOST_TEMPLATE_BYTES, desk) if uri else _own_template(arn)
    wrong = [e for e in render(template, {}, lambda place: place).errors if "Syntax" in e["Code"]]
    if wrong:
        raise ValidationError(f"UiTemplateS3Uri: {uri}: {wrong[0]['Code']}: {wrong[0]['Message']}")
    return template


def _own_template(arn: str) -> str:
    template = builtin_template(arn.rpartition("/")[2])
    if template is None:
        raise ValidationError(f"HumanTaskUiArn: the task type of {arn} is not offered here")
    return template


def describe_labeling_job(parameters: Parameters, control: Control) -> Result:
    """Everything that the job was asked, and where it stands."""
    job = _job(parameters["LabelingJobName"], control)
    asked = {key: value for key, value in job.request.items() if key != "LabelingJobName"}
    return {
        **asked,
        **_state(job),
        "JobReferenceCode": reference_code(job),
        "Tags": job.request.get("Tags", []),
    }


def _job(name: str, control: Control) -> Job:
    job = control.desk.jobs.find(name)
    if job is None:
        raise NotFoundError(f"Labeling job {name} does not exist")
    return job


def reference_code(job: Job) -> str:
    """What AWS shows to workers in place of the name."""
    return digest(job.name, job.created.isoformat())[:16]


def _state(job: Job) -> Result:
    counters = job.counters
    state: Result = {
        "LabelingJobName": job.name,
        "LabelingJobArn": job.arn,
        "LabelingJobStatus": str(job.status),
        "CreationTime": job.created.timestamp(),
        "LastModifiedTime": job.modified.timestamp(),
        "LabelCounters": {
            "TotalLabeled": counters.human_labeled + counters.machine_labeled,
            "HumanLabeled": counters.human_labeled,
            "MachineLabeled": counters.machine_labeled,
            "FailedNonRetryableError": counters.failed,
            "Unlabeled": counters.unlabeled,
        },
    }
    if job.failure:
        state["FailureReason"] = job.failure[:1024]
    if job.output:
        state["LabelingJobOutput"] = {"OutputDatasetS3Uri": job.output}
    return state


def list_labeling_jobs(parameters: Parameters, control: Control) -> Result:
    """Summaries: filtered, sorted, a page of them."""
    wanted = [job for job in control.desk.jobs.all() if _is_wanted(job, parameters)]
    page = _page(_sorted_jobs(wanted, parameters), parameters)
    return {"LabelingJobSummaryList": [_summary(job) for job in page.rows], **page.token}


def _summary(job: Job) -> Result:
    functions = {
        "PreHumanTaskLambdaArn": job.pre_function,
        "AnnotationConsolidationLambdaArn": job.post_function,
    }
    given = {key: value for key, value in functions.items() if value}
    return {**_state(job), **given, "WorkteamArn": job.team_arn, "InputConfig": job.request["InputConfig"]}


def _is_wanted(job: Job, parameters: Parameters) -> bool:
    return (
        _is_within(job.created, parameters, "CreationTime")
        and _is_within(job.modified, parameters, "LastModifiedTime")
        and parameters.get("NameContains", "").lower() in job.name.lower()
        and parameters.get("StatusEquals", job.status) == job.status
    )


def _is_within(moment: datetime, parameters: Parameters, name: str) -> bool:
    after, before = parameters.get(f"{name}After"), parameters.get(f"{name}Before")
    return (after is None or moment >= _time(after)) and (before is None or moment <= _time(before))


def _time(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        moment = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError) as error:
        raise ValidationError(f"{value!r} is no time: {error}") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _sorted_jobs(jobs: Sequence[Job], parameters: Parameters) -> list[Job]:
    keys: dict[str, Callable[[Job], Any]] = {
        "Name": lambda job: job.name,
        "Status": lambda job: (str(job.status), job.created),
        "CreationTime": lambda job: job.created,
    }
    key = keys[parameters.get("SortBy", "CreationTime")]
    return sorted(jobs, key=key, reverse=parameters.get("SortOrder", "Descending") == "Descending")


def list_labeling_jobs_for_workteam(parameters: Parameters, control: Control) -> Result:
    """The jobs of one team, as its members see them."""
    part = parameters.get("JobReferenceCodeContains", "")
    jobs = [
        job
        for job in control.desk.jobs.all()
        if job.team_arn == parameters["WorkteamArn"]
        and part in reference_code(job)
        and _is_within(job.created, parameters, "CreationTime")
    ]
    page = _page(_sorted_jobs(jobs, parameters), parameters)
    return {"LabelingJobSummaryList": [_team_summary(job, control) for job in page.rows], **page.token}


def _team_summary(job: Job, control: Control) -> Result:
    counters = job.counters
    return {
        "LabelingJobName": job.name,
        "JobReferenceCode": reference_code(job),
        "WorkRequesterAccountId": control.account.number,
        "CreationTime": job.created.timestamp(),
        "LabelCounters": {
            "HumanLabeled": counters.human_labeled,
            "PendingHuman": counters.unlabeled,
            "Total": counters.total,
        },
        "NumberOfHumanWorkersPerDataObject": job.workers_per_object,
    }


def stop_labeling_job(parameters: Parameters, control: Control) -> Result:
    """No more tasks; the job ends once what is answered is consolidated."""
    stop_job(_job(parameters["LabelingJobName"], control).name, control.desk)
    return {}


def render_ui_template(parameters: Parameters, control: Control) -> Result:
    """A template with one task's input, as a worker would see it."""
    content, arn = parameters.get("UiTemplate", {}).get("Content", ""), parameters.get("HumanTaskUiArn", "")
    if bool(content) == bool(arn):
        raise ValidationError("expected either UiTemplate or HumanTaskUiArn")
    try:
        given = json.loads(parameters["Task"]["Input"])
    except ValueError as error:
        raise ValidationError(f"Task.Input: no JSON: {error}") from error
    if not isinstance(given, dict):
        raise ValidationError(f"Task.Input: expected a JSON object, got {type(given).__name__}")

    allowed = named_objects(given)

    def grant(uri: str) -> str:
        if uri not in allowed:
            raise ValueError(f"{uri} is not named in Task.Input, so its page may not read it")
        return control.desk.links.to_read(_input_place(uri, control.desk), LINK_SECONDS).url

    rendered = render(content or _own_template(arn), given, grant)
    return {"RenderedContent": rendered.html, "Errors": rendered.errors}


def _input_place(uri: str, desk: Desk) -> Location:
    """Whoever may have a page rendered names its objects himself; what is no input gets no link all the same.

    A link has our function's rights, and these reach as far as the answers of jobs that run.
    """
    place = Location.from_uri(uri)
    if place.bucket == desk.work_bucket and not place.key.startswith(INPUT_PLACES):
        open_ = " or ".join(f"s3://{desk.work_bucket}/{each}" for each in INPUT_PLACES)
        raise ValueError(f"{uri} lies where no input of labelling jobs does; expected it below {open_}")
    return place


# ---- teams


def create_workteam(parameters: Parameters, control: Control) -> Result:
    """A team of groups of the user pool."""
    desk, name = control.desk, str(parameters["WorkteamName"])
    if len(desk.teams.all()) >= MOST_TEAMS:
        raise LimitError(f"there are {MOST_TEAMS} work teams, which is the limit")
    team = Team(
        name=name,
        arn=control.account.arn(f"workteam/private-crowd/{name}"),
        description=parameters["Description"],
        members=_members(parameters["MemberDefinitions"]),
        created=desk.clock(),
        modified=desk.clock(),
        notification_topic=_topic(parameters),
    )
    if not desk.teams.save(team):
        raise JobNameTakenError(f"Workteam {name} already exists")
    return {"WorkteamArn": team.arn}


def _members(definitions: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], ...]:
    kinds = {kind for each in definitions for kind in each}
    if any(len(each) != 1 for each in definitions) or len(kinds) != 1:
        raise ValidationError(
            "MemberDefinitions: expected CognitoMemberDefinition in each, or OidcMemberDefinition in each"
        )
    return tuple(dict(each) for each in definitions)


def _topic(parameters: Parameters) -> str:
    return str(parameters.get("NotificationConfiguration", {}).get("NotificationTopicArn", ""))


def _team(name: str, control: Control) -> Team:
    team = control.desk.teams.find(name)
    if team is None:
        raise NotFoundError(f"Workteam {name} does not exist")
    return team


def describe_workteam(parameters: Parameters, control: Control) -> Result:
    return {"Workteam": _described(_team(parameters["WorkteamName"], control), control)}


def _described(team: Team, control: Control) -> Result:
    topic = {"NotificationTopicArn": team.notification_topic} if team.notification_topic else {}
    return {
        "WorkteamName": team.name,
        "WorkteamArn": team.arn,
        "WorkforceArn": control.account.arn(f"workforce/{WORKFORCE}"),
        "Description": team.description,
        "MemberDefinitions": list(team.members),
        "CreateDate": team.created.timestamp(),
        "LastUpdatedDate": team.modified.timestamp(),
        **({"NotificationConfiguration": topic} if topic else {}),
    }


def list_workteams(parameters: Parameters, control: Control) -> Result:
    """Teams: by name or date, filtered by a part of the name, a page of them."""
    part = parameters.get("NameContains", "").lower()
    by_name = parameters.get("SortBy") == "Name"
    found = [team for team in control.desk.teams.all() if part in team.name.lower()]
    found.sort(
        key=lambda team: team.name if by_name else team.created.isoformat(),
        reverse=parameters.get("SortOrder", "Descending") == "Descending",
    )
    page = _page(found, parameters)
    return {"Workteams": [_described(team, control) for team in page.rows], **page.token}


def update_workteam(parameters: Parameters, control: Control) -> Result:
    """Other members, another description: with effect on the next task that is handed out."""
    team = _team(parameters["WorkteamName"], control)
    changes: dict[str, Any] = {"modified": control.desk.clock()}
    if "MemberDefinitions" in parameters:
        changes["members"] = _members(parameters["MemberDefinitions"])
    if "Description" in parameters:
        changes["description"] = parameters["Description"]
    if "NotificationConfiguration" in parameters:
        changes["notification_topic"] = _topic(parameters)
    changed = team.moved(**changes)
    if not control.desk.teams.save(changed):
        raise ValidationError(f"Workteam {team.name} was changed by somebody else meanwhile; try again")
    return {"Workteam": _described(changed, control)}


def delete_workteam(parameters: Parameters, control: Control) -> Result:
    """Not while a job of it runs: its tasks would be nobody's."""
    team = _team(parameters["WorkteamName"], control)
    running = [job.name for job in control.desk.jobs.all() if job.team_arn == team.arn and not job.is_final]
    if running:
        raise ValidationError(
            f"Workteam {team.name} is used by labeling job {running[0]}, which has not ended"
        )
    return {"Success": control.desk.teams.delete(team.name)}


def describe_workforce(parameters: Parameters, control: Control) -> Result:
    """There is one workforce: the user pool."""
    if parameters["WorkforceName"] != WORKFORCE:
        raise NotFoundError(f"Workforce {parameters['WorkforceName']} does not exist; there is {WORKFORCE!r}")
    return {"Workforce": _workforce(control)}


def _workforce(control: Control) -> Result:
    pools = [
        m["CognitoMemberDefinition"]
        for t in control.desk.teams.all()
        for m in t.members
        if "CognitoMemberDefinition" in m
    ]
    cognito = {"CognitoConfig": {key: pools[0][key] for key in ("UserPool", "ClientId")}} if pools else {}
    arn = control.account.arn(f"workforce/{WORKFORCE}")
    return {"WorkforceName": WORKFORCE, "WorkforceArn": arn, "Status": "Active", **cognito}


def list_workforces(parameters: Parameters, control: Control) -> Result:
    is_wanted = parameters.get("NameContains", "").lower() in WORKFORCE
    return {"Workforces": [_workforce(control)] if is_wanted else []}


def list_subscribed_workteams(_parameters: Parameters, _control: Control) -> Result:
    """Vendors of AWS's marketplace work for Ground Truth alone."""
    return {"SubscribedWorkteams": []}


# ---- pages

R = TypeVar("R")


class Rows(NamedTuple):
    """Some of the rows, and `NextToken` where there are more."""

    rows: Sequence[Any]
    token: dict[str, str]


def _page(rows: Sequence[R], parameters: Parameters) -> Rows:
    first, size = _first(parameters.get("NextToken", "")), int(parameters.get("MaxResults", PAGE))
    more = first + size < len(rows)
    token = base64.urlsafe_b64encode(str(first + size).encode()).decode()
    return Rows(rows[first : first + size], {"NextToken": token} if more else {})


def _first(token: str) -> int:
    if not token:
        return 0
    try:
        return max(0, int(base64.urlsafe_b64decode(token)))
    except (binascii.Error, ValueError) as error:
        raise ValidationError(f"NextToken: {token[:40]!r} is none that was given out") from error


OPERATIONS: dict[str, Callable[[Parameters, Control], Result]] = {
    "CreateLabelingJob": create_labeling_job,
    "DescribeLabelingJob": describe_labeling_job,
    "ListLabelingJobs": list_labeling_jobs,
    "ListLabelingJobsForWorkteam": list_labeling_jobs_for_workteam,
    "StopLabelingJob": stop_labeling_job,
    "RenderUiTemplate": render_ui_template,
    "CreateWorkteam": create_workteam,
    "DescribeWorkteam": describe_workteam,
    "ListWorkteams": list_workteams,
    "UpdateWorkteam": update_workteam,
    "DeleteWorkteam": delete_workteam,
    "DescribeWorkforce": describe_workforce,
    "ListWorkforces": list_workforces,
    "ListSubscribedWorkteams": list_subscribed_workteams,
}
