"""What a labelling job's request says: one and the same for the workbench and for Ground Truth.

Built and checked whole before anything is sent: against SageMaker's own model of the operation, and against
the rules that it only states in prose. Not the sending (`back_ends`), not the files (`uploads`).
"""

from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from recto_cli.labelling.categories import category_faults
from recto_cli.labelling.manifest_facts import ManifestFacts
from recto_cli.labelling.public_workforce import amount, public_workforce
from recto_cli.labelling.tasks import TASKS, TaskType, attribute_faults
from recto_local.standins.shapes import ShapeError, checked, operation_model

OPERATION = "CreateLabelingJob"
WORKERS = range(1, 10)
MOST_KEYWORDS = 5
CONCURRENT = range(1, 5001)
TIME_LIMIT = range(30, 28_801)
"""Seconds; AWS allows 8 hours for images, text and custom tasks."""
AVAILABILITY_FROM, PRIVATE_AVAILABILITY = 60, 2_592_000
"""Seconds; 30 days for a private team."""
DEFAULT_AVAILABILITY = 864_000
DEFAULT_CONCURRENT = 250


class JobPlan(BaseModel):
    """Everything that the request says; places are in S3 already, names are ARNs."""

    model_config = ConfigDict(frozen=True)

    name: str
    task: TaskType
    attribute: str
    manifest: str
    template: str
    categories: str
    labels: tuple[str, ...]
    output: str
    role: str
    team: str
    pre: str
    post: str
    title: str
    description: str
    keywords: tuple[str, ...]
    workers: int = 1
    time_limit: int = 3600
    availability: int = DEFAULT_AVAILABILITY
    max_concurrent: int = DEFAULT_CONCURRENT
    price: Decimal | None = None
    classifiers: tuple[Literal["FreeOfPersonallyIdentifiableInformation", "FreeOfAdultContent"], ...] = ()
    adjust: str = ""
    """The attribute of an earlier job's labels that workers see."""
    tags: tuple[tuple[str, str], ...] = ()

    @property
    def is_public(self) -> bool:
        return ":workteam/public-crowd/" in self.team

    def request(self) -> dict[str, Any]:
        """CreateLabelingJob's parameters."""
        optional: dict[str, Any] = {}
        if self.tags:
            optional["Tags"] = [{"Key": key, "Value": value} for key, value in self.tags]
        return {
            "LabelingJobName": self.name,
            "LabelAttributeName": self.attribute,
            "InputConfig": self._input(),
            "OutputConfig": {"S3OutputPath": self.output},
            "RoleArn": self.role,
            "LabelCategoryConfigS3Uri": self.categories,
            "HumanTaskConfig": self._human_task(),
            **optional,
        }

    def _input(self) -> dict[str, Any]:
        source = {"DataSource": {"S3DataSource": {"ManifestS3Uri": self.manifest}}}
        attributes = {"DataAttributes": {"ContentClassifiers": list(self.classifiers)}}
        return {**source, **(attributes if self.classifiers else {})}

    def _human_task(self) -> dict[str, Any]:
        price = {"PublicWorkforceTaskPrice": amount(self.price)} if self.price is not None else {}
        return {
            "WorkteamArn": self.team,
            "UiConfig": {"UiTemplateS3Uri": self.template},
            "PreHumanTaskLambdaArn": self.pre,
            "TaskKeywords": list(self.keywords),
            "TaskTitle": self.title,
            "TaskDescription": self.description,
            "NumberOfHumanWorkersPerDataObject": self.workers,
            "TaskTimeLimitInSeconds": self.time_limit,
            "TaskAvailabilityLifetimeInSeconds": self.availability,
            "MaxConcurrentTaskCount": self.max_concurrent,
            "AnnotationConsolidationConfig": {"AnnotationConsolidationLambdaArn": self.post},
            **price,
        }


SOUND_LABELS = ("one", "two")
SOUND_ROLE = "arn:aws:iam::000000000000:role/unknown"
SOUND_TEAM = "arn:aws:sagemaker:us-east-1:000000000000:workteam/private-crowd/unknown"
SOUND_FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:unknown-LabelingFunction"
SOUND_PRICE = Decimal("0.036")
"""What stands in a plan for what could not be found, so that no second fault is told of it."""
SOUND: dict[str, Any] = {
    "name": "sound", "attribute": "sound", "manifest": "s3://sound/sound", "template": "s3://sound/sound",
    "categories": "s3://sound/sound", "output": "s3://sound/sound", "role": SOUND_ROLE, "team": SOUND_TEAM,
    "pre": SOUND_FUNCTION, "post": SOUND_FUNCTION, "title": "Sound", "description": "Sound",
    "keywords": ("sound",), "workers": 1, "time_limit": 3600, "availability": DEFAULT_AVAILABILITY,
    "max_concurrent": 1, "price": None, "classifiers": (), "tags": (),
}  # fmt: skip
IN_WORDS = frozenset(
    {"name", "attribute", "keywords", "workers", "time_limit", "availability", "max_concurrent"}
)
"""Of these, faults are told in words; the service's model would only say them again."""


def faults_of(plan: JobPlan, facts: ManifestFacts) -> list[str]:
    """Everything that is wrong with a job."""
    faults = [*number_faults(plan), *name_faults(plan), *manifest_faults(plan, facts), *public_faults(plan)]
    faults += category_faults(plan.labels, plan.task)
    faults += [fault for field in SOUND if field not in IN_WORDS for fault in _shape_faults_of(plan, field)]
    return faults or shape_faults(plan.request())


def _shape_faults_of(plan: JobPlan, field: str) -> list[str]:
    """Of this part alone: the service's model stops at the first fault that it meets."""
    sound = {name: value for name, value in SOUND.items() if name != field}
    return shape_faults(plan.model_copy(update=sound).request())


def shape_faults(request: dict[str, Any], operation: str = OPERATION) -> list[str]:
    """What SageMaker's own model of the operation does not allow."""
    model = operation_model("sagemaker", operation)
    if model is None:
        return [f"this boto3 knows no {operation}"]
    try:
        checked(model, request)
    except ShapeError as error:
        return [str(error)]
    return []


def number_faults(plan: JobPlan) -> list[str]:
    """Numbers out of their range."""
    most = public_workforce().availability.most if plan.is_public else PRIVATE_AVAILABILITY
    asked = (
        ("--workers-per-object", plan.workers, WORKERS),
        ("--time-limit", plan.time_limit, TIME_LIMIT),
        ("--availability", plan.availability, range(AVAILABILITY_FROM, most + 1)),
        ("--max-concurrent", plan.max_concurrent, CONCURRENT),
    )
    faults = [
        f"{name} {number}: expected {allowed[0]} to {allowed[-1]}"
        for name, number, allowed in asked
        if number not in allowed
    ]
    if plan.time_limit > plan.availability:
        faults.append(f"--time-limit {plan.time_limit} is longer than --availability {plan.availability}")
    if not 1 <= len(plan.keywords) <= MOST_KEYWORDS:
        faults.append(f"--keywords: expected 1 to {MOST_KEYWORDS}, got {len(plan.keywords)}")
    return faults


def name_faults(plan: JobPlan) -> list[str]:
    """Names that the service refuses, in words rather than patterns."""
    words = "letters and digits, with single hyphens between"
    faults = [
        f"{what} {name!r}: expected up to {most} {words}"
        for what, name, most in _named(plan)
        if not _is_name(name) or len(name) > most
    ]
    faults += [
        f"keyword {word!r}: expected up to 30 letters, digits and single spaces"
        for word in plan.keywords
        if not (0 < len(word) <= 30 and word.isascii() and all(part.isalnum() for part in word.split(" ")))
    ]
    return faults + attribute_faults(plan.attribute, plan.task)


def _named(plan: JobPlan) -> list[tuple[str, str, int]]:
    """An attribute that is the job's own name is not told beside it."""
    job, attribute = ("job name", plan.name, 63), ("label attribute", plan.attribute, 127)
    return [job] if plan.attribute == plan.name else [job, attribute]


def _is_name(name: str) -> bool:
    return (
        name.isascii()
        and bool(name)
        and name.replace("-", "").isalnum()
        and name[0] + name[-1] != "--"
        and not name.startswith("-")
        and not name.endswith("-")
    )


def manifest_faults(plan: JobPlan, facts: ManifestFacts) -> list[str]:
    """A manifest with nothing in it, with broken lines, or whose keys do not fit the job's attribute."""
    faults = list(facts.faults)
    if not facts.num_objects and not faults:
        faults.append(f"{facts.name}: no object in it")
    if plan.attribute in facts.keys:
        faults.append(
            f"label attribute {plan.attribute!r} is in the manifest already; "
            "a job that reviews labels writes its own beside them: --label-attribute gives another name"
        )
    needs_earlier = TASKS[plan.task].of_earlier_labels
    if needs_earlier and not plan.adjust:
        faults.append(f"{plan.task} needs --adjust ATTRIBUTE: whose labels workers review")
    if plan.adjust and not needs_earlier:
        faults.append(f"--adjust is for tasks that review labels, not for {plan.task}")
    if plan.adjust and facts.num_objects and plan.adjust not in facts.keys:
        faults.append(f"--adjust {plan.adjust}: no line of {facts.name} has it")
    return faults


def public_faults(plan: JobPlan) -> list[str]:
    """What the public workforce asked of a job, and what only it takes."""
    if not plan.is_public:
        return ["--price is for --team public"] if plan.price is not None else []
    faults = [] if plan.price is not None else ["--team public needs --price"]
    if "FreeOfPersonallyIdentifiableInformation" not in plan.classifiers:
        faults.append(
            "--team public: strangers see the pages, so the data must be free of personal information: "
            "say so with --free-of-personal-information"
        )
    return faults
