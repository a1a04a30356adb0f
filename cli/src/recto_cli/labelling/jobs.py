"""A labelling job from what a user says of it: what is missing is found, what lies here goes to S3.

Nothing is uploaded or made before the whole request has been checked.
"""

from collections.abc import Callable
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict

from recto.aws.clients import client, errors_of
from recto.errors import LabelRequestError, RectoError, TransientError
from recto.places import Location
from recto_cli.labelling.back_ends import BackEnd, BackEndChoice, listed
from recto_cli.labelling.built_in import built_in_functions
from recto_cli.labelling.categories import read_labels
from recto_cli.labelling.manifest_facts import (
    ManifestFacts,
    chunks_of,
    is_s3,
    manifest_facts,
    s3_location,
)
from recto_cli.labelling.public_workforce import PUBLIC, Simulation, public_workforce
from recto_cli.labelling.requests import (
    DEFAULT_AVAILABILITY,
    DEFAULT_CONCURRENT,
    SOUND_FUNCTION,
    SOUND_LABELS,
    SOUND_PRICE,
    SOUND_ROLE,
    SOUND_TEAM,
    JobPlan,
    faults_of,
)
from recto_cli.labelling.tasks import TASKS, TaskType, default_attribute
from recto_cli.labelling.teams import team_arn
from recto_cli.labelling.templates import ATTRIBUTE, PLACEHOLDER
from recto_cli.stack import CALLER, Stack

INPUTS, OUTPUTS = "corpora/labelling", "corpora/labelled"
"""Below the work bucket: what a job begins with, and what it gives."""
ROLE, OTHER_JOBS_ROLE = "static/LabellingRoleArn", "static/JobRoleArn"
"""The role of labelling jobs, where the stack was given one, and that of its other jobs."""
OWN_FUNCTIONS = {"PRE": "static/SmgtPreFunctionArn", "ACS": "static/SmgtPostFunctionArn"}
RECTO, BUILT_IN = "recto", "built-in"
"""What `--pre` and `--post` take beside an ARN."""
OUTPUT_MANIFEST = "manifests/output/output.manifest"
FILES = {
    "manifest": "input.manifest",
    "template": "template.liquid.html",
    "categories": "label-categories.json",
}
CONTENT_TYPES = {
    "manifest": "application/jsonlines",
    "template": "text/html; charset=utf-8",
    "categories": "application/json",
}


class JobChoices(BaseModel):
    """What the user said; empty means: as is usual."""

    model_config = ConfigDict(frozen=True)

    name: str
    task: TaskType
    manifest: str
    template: str
    categories: str
    team: str
    attribute: str = ""
    role: str = ""
    output: str = ""
    pre: str = ""
    post: str = ""
    title: str = ""
    description: str = ""
    keywords: tuple[str, ...] = ()
    workers: int = 1
    time_limit: int = 3600
    availability: int | None = None
    max_concurrent: int = DEFAULT_CONCURRENT
    price: str = ""
    classifiers: tuple[str, ...] = ()
    adjust: str = ""
    tags: tuple[str, ...] = ()


class Upload(NamedTuple):
    """A file here that the job needs in S3."""

    path: Path
    place: Location
    content_type: str


T = TypeVar("T")


class AllFaults:
    """What is wrong with a job's options, files and names, so that a user sees all of it at once."""

    def __init__(self) -> None:
        self._errors: list[RectoError] = []

    def of(self, find: Callable[[], T], instead: T) -> T:
        """What `find` gives; where it is refused, the reason is kept and `instead` stands for it.

        A service that does not answer is no fault of the request.
        """
        try:
            return find()
        except TransientError:
            raise
        except RectoError as error:
            self._errors.append(error)
            return instead

    def end(self, more: list[str]) -> None:
        """LabelRequestError with all of them; a single one is raised as it came."""
        if len(self._errors) == 1 and not more:
            raise self._errors[0]
        told = list(dict.fromkeys([*(str(error) for error in self._errors), *more]))
        if told:
            raise LabelRequestError(told[0] if len(told) == 1 else "\n".join(["", *told]))


class PlannedJob(NamedTuple):
    """A job that has been checked."""

    plan: JobPlan
    uploads: tuple[Upload, ...]
    facts: ManifestFacts

    @property
    def simulation(self) -> Simulation | None:
        """What the public workforce would have cost; None for other teams."""
        plan = self.plan
        if not plan.is_public or plan.price is None:
            return None
        return Simulation(
            price=plan.price,
            workers=plan.workers,
            num_objects=self.facts.num_objects,
            fees=public_workforce().fees(self.facts.num_objects),
        )


def planned(choices: JobChoices, stack: Stack, end: BackEnd) -> PlannedJob:
    """The job with everything found and checked; LabelRequestError tells all that is wrong at once."""
    wrong = AllFaults()
    if ATTRIBUTE.fullmatch(choices.name):  # else that is told of it
        wrong.of(lambda: require_new(choices.name, end), None)
    uploads = _uploads(choices, stack)
    plan = _plan(choices, stack, end, uploads, wrong)
    wrong.of(lambda: _require_filled(_template_of(choices), choices.template), None)
    keys = frozenset({choices.adjust} if choices.adjust else ())
    unread = ManifestFacts(choices.manifest, num_objects=1, keys=keys)
    facts = wrong.of(lambda: manifest_facts(choices.manifest, choices.task, choices.adjust), unread)
    wrong.end(faults_of(plan, facts))
    return PlannedJob(plan, uploads, facts)


def _template_of(choices: JobChoices) -> str:
    return _read(choices.template, "template").decode(errors="replace")


def _files(choices: JobChoices) -> dict[str, str]:
    return {"manifest": choices.manifest, "template": choices.template, "categories": choices.categories}


def _uploads(choices: JobChoices, stack: Stack) -> tuple[Upload, ...]:
    files = _files(choices).items()
    return tuple(_upload(kind, path, choices.name, stack) for kind, path in files if not is_s3(path))


def _plan(
    choices: JobChoices, stack: Stack, end: BackEnd, uploads: tuple[Upload, ...], wrong: AllFaults
) -> JobPlan:
    """The job's plan; in the place of what is wrong stands something sound, so that the rest can be told."""
    region = str(client("sagemaker", CALLER).meta.region_name)
    places = _files(choices) | {_kind(upload): upload.place.uri for upload in uploads}

    def labels() -> tuple[str, ...]:
        return read_labels(_read(choices.categories, "label categories"), choices.categories)

    sound_price: Decimal | None = SOUND_PRICE if choices.team == PUBLIC else None

    def price() -> Decimal | None:
        return public_workforce().price(choices.price, choices.task) if choices.price else None

    def function(told: str, prefix: str) -> str:
        return wrong.of(lambda: function_arn(told, prefix, choices.task, region, stack), SOUND_FUNCTION)

    return JobPlan(
        name=choices.name,
        task=choices.task,
        attribute=choices.attribute or default_attribute(choices.name, choices.task),
        manifest=places["manifest"],
        template=places["template"],
        categories=places["categories"],
        labels=wrong.of(labels, SOUND_LABELS),
        output=(choices.output or f"s3://{stack.work}/{OUTPUTS}").rstrip("/"),
        role=choices.role or wrong.of(lambda: role_of(stack, end.choice), SOUND_ROLE),
        team=wrong.of(lambda: team_arn(choices.team, end, region), SOUND_TEAM),
        pre=function(choices.pre, "PRE"),
        post=function(choices.post, "ACS"),
        workers=choices.workers,
        time_limit=choices.time_limit,
        availability=_availability(choices),
        max_concurrent=choices.max_concurrent,
        price=wrong.of(price, sound_price),
        classifiers=choices.classifiers,  # type: ignore[arg-type]  # checked by the model
        adjust=choices.adjust,
        tags=wrong.of(lambda: _tags(choices.tags), ()),
        **_words(choices),
    )


def _words(choices: JobChoices) -> dict[str, Any]:
    usual = TASKS[choices.task]
    return {
        "title": choices.title or f"{usual.title}: {choices.name}",  # tells jobs of a kind apart
        "description": choices.description or usual.description,
        "keywords": choices.keywords or usual.keywords,
    }


def _availability(choices: JobChoices) -> int:
    if choices.availability is not None:
        return choices.availability
    return public_workforce().availability.default if choices.team == PUBLIC else DEFAULT_AVAILABILITY


def _tags(told: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    pairs = tuple((key, value) for key, _, value in (one.partition("=") for one in told))
    if not all(key and value for key, value in pairs):
        raise LabelRequestError(f"--tag: expected NAME=VALUE, got {', '.join(told)}")
    return pairs


def _kind(upload: Upload) -> str:
    return next(kind for kind, name in CONTENT_TYPES.items() if name == upload.content_type)


def _upload(kind: str, path: str, name: str, stack: Stack) -> Upload:
    place = Location(bucket=stack.work, key=f"{INPUTS}/{name}/{FILES[kind]}")
    return Upload(Path(path), place, CONTENT_TYPES[kind])


def _read(path: str, what: str) -> bytes:
    if not is_s3(path) and not Path(path).is_file():
        raise LabelRequestError(f"{what} {path}: no such file")
    return b"".join(chunks_of(path))


def _require_filled(template: str, name: str) -> None:
    """A template that still has placeholders would show them to workers."""
    left = sorted({match[0] for match in PLACEHOLDER.finditer(template)})
    if left:
        raise LabelRequestError(
            f"{name} is not filled in ({', '.join(left)}): recto label template does that"
        )
    if not template.strip():
        raise LabelRequestError(f"{name} is empty")


def role_of(stack: Stack, choice: BackEndChoice) -> str:
    """The role that the stack has for labelling jobs.

    Ground Truth works with its rights. The workbench works with those of its own functions and only names
    it to the post-labelling function, so that the role of the stack's other jobs will do.
    """
    names = (ROLE,) if choice is BackEndChoice.GROUND_TRUTH else (ROLE, OTHER_JOBS_ROLE)
    for name in names:
        if name in stack.names:
            return stack.names[name]
    raise LabelRequestError(
        f"the stack names no role for labelling jobs ({' or '.join(names)}): say --role ARN, or deploy with "
        "LabellingRoleArn. It must trust sagemaker.amazonaws.com, read the manifest, the template and the "
        "objects, write the output, and invoke functions whose names contain LabelingFunction "
        "(AmazonSageMakerGroundTruthExecution)"
    )


def function_arn(told: str, prefix: str, task: TaskType, region: str, stack: Stack) -> str:
    """The ARN of the pre- (PRE) or post-labelling (ACS) function.

    AWS's own where the task type has one, for the workbench too: it knows them by name and does what they
    do. Recto's for tasks of our own, and in regions where AWS has none.
    """
    if told.startswith("arn:"):
        return told
    if told not in ("", RECTO, BUILT_IN):
        raise LabelRequestError(f"--{_option(prefix)} {told!r}: expected {RECTO}, {BUILT_IN} or an ARN")
    name = TASKS[task].built_in
    if told == BUILT_IN and not name:
        raise LabelRequestError(f"--{_option(prefix)} {BUILT_IN}: Ground Truth has no function for {task}")
    if told == BUILT_IN or (not told and name and region in built_in_functions().accounts):
        return built_in_functions().arn(f"{prefix}-{name}", region)
    return stack.name(OWN_FUNCTIONS[prefix])


def _option(prefix: str) -> str:
    return "pre" if prefix == "PRE" else "post"


# --- making it ----------------------------------------------------------------------------------------


def require_new(name: str, end: BackEnd) -> None:
    """Two jobs of one name cannot be; upper and lower case count as one."""
    similar = listed(end, "ListLabelingJobs", "LabelingJobSummaryList", {"NameContains": name})
    if any(str(job["LabelingJobName"]).casefold() == name.casefold() for job in similar):
        raise LabelRequestError(f"there is a labelling job {name!r} already; expected another name")


def create(job: PlannedJob, end: BackEnd) -> str:
    """Upload what the job needs, then make it; its ARN. What was uploaded goes where the job is refused."""
    plan = job.plan
    if plan.is_public and end.choice is BackEndChoice.GROUND_TRUTH:
        raise LabelRequestError(closed_message())
    s3 = client("s3", CALLER)
    with ExitStack() as undo:
        for upload in job.uploads:
            place = upload.place
            undo.callback(s3.delete_object, Bucket=place.bucket, Key=place.key)
            with errors_of(f"upload of {upload.path} to {place.uri}"):
                extra = {"ContentType": upload.content_type}
                s3.upload_file(str(upload.path), place.bucket, place.key, ExtraArgs=extra)
        arn = str(end.call("CreateLabelingJob", plan.request())["LabelingJobArn"])
        undo.pop_all()
    return arn


def closed_message() -> str:
    public = public_workforce()
    return (
        f"AWS closed the public workforce on {public.closed}: Ground Truth takes no such job any more. "
        "The request is complete and was checked; in the workbench, everybody who signs in stands in for it"
    )


def output_manifest(description: dict[str, Any]) -> Location:
    """Where a job's output manifest is, or will be."""
    told = (description.get("LabelingJobOutput") or {}).get("OutputDatasetS3Uri")
    path = str(description["OutputConfig"]["S3OutputPath"]).rstrip("/")
    return s3_location(
        told or f"{path}/{description['LabelingJobName']}/{OUTPUT_MANIFEST}", "output manifest"
    )
