"""The fault plan of `recto local up --faults FILE`: which faults the local runtime makes, read and checked.

`docs/scale.md` has an example. What a rule does when its turn comes is in `fault_rules` (which call),
`emulator_faults` (SNS, S3, Lambda) and `standins.textract`.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from recto.errors import ConfigurationError

Pattern = Annotated[str, Field(min_length=1)]
THROTTLING = Literal[
    "ThrottlingException", "ProvisionedThroughputExceededException", "LimitExceededException"
]
DEFAULT_STATUS = "INTERNAL_ERROR: the job failed"


class FaultPlanError(ConfigurationError):
    """A fault plan that cannot be followed; the message names file, rule and line."""


def _ascending(seconds: tuple[float, float]) -> tuple[float, float]:
    if seconds[0] > seconds[1]:
        raise ValueError(f"expected [least, most], got {list(seconds)}")
    return seconds


Seconds = Annotated[
    tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(ge=0, le=3600)]], AfterValidator(_ascending)
]


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Rule(Strict):
    """What all rules say: the share of the calls they are about, over the long run."""

    share: float = Field(gt=0, le=1)


class TextractThrottle(Rule):
    """Calls refused by one of the service's names for too many, in bursts where `burst_seconds` is given."""

    at: Literal["textract"]
    kind: Literal["throttle"]
    operation: Pattern = "*"
    burst_seconds: float = Field(default=0.0, ge=0, le=600)
    errors: tuple[THROTTLING, ...] = Field(
        default=("ProvisionedThroughputExceededException", "ThrottlingException"), min_length=1
    )


class TextractJobFails(Rule):
    """Jobs that end as FAILED."""

    at: Literal["textract"]
    kind: Literal["job_fails"]
    message: str = DEFAULT_STATUS


class TextractJobSlow(Rule):
    """Jobs that take so many seconds longer."""

    at: Literal["textract"]
    kind: Literal["job_slow"]
    seconds: Seconds = (5, 60)


class TextractCallbackFirst(Rule):
    """Jobs whose end is announced before the call that started them has answered."""

    at: Literal["textract"]
    kind: Literal["callback_first"]


class SnsRule(Rule):
    at: Literal["sns"]
    topic: Pattern = "*"
    """Its name, the last part of the ARN."""


class SnsDuplicate(SnsRule):
    kind: Literal["duplicate"]


class SnsDelay(SnsRule):
    kind: Literal["delay"]
    seconds: Seconds = (1, 20)


class SnsLose(SnsRule):
    kind: Literal["lose"]


class S3Unavailable(Rule):
    """Requests answered by 503 SlowDown."""

    at: Literal["s3"]
    kind: Literal["unavailable"]
    operation: Pattern = "*"
    caller: Pattern = "*"
    """The name that a client gives itself, as the access log has it."""


class LambdaKill(Rule):
    """Calls in the middle of which the function's process is killed."""

    at: Literal["lambda"]
    kind: Literal["kill"]
    function: Pattern = "*"


RULES: tuple[type[Rule], ...] = (
    TextractThrottle, TextractJobFails, TextractJobSlow, TextractCallbackFirst,
    SnsDuplicate, SnsDelay, SnsLose, S3Unavailable, LambdaKill,
)  # fmt: skip


def _named(rule: type[Rule]) -> tuple[str, str]:
    """Place and kind of a rule."""
    at, kind = (get_args(rule.model_fields[name].annotation)[0] for name in ("at", "kind"))
    return at, kind


KINDS: dict[tuple[str, str], type[Rule]] = {_named(rule): rule for rule in RULES}


class TextractQuotas(Strict):
    """What one account may do at once; absent: as without a plan."""

    start_per_second: float | None = Field(default=None, gt=0)
    get_per_second: float | None = Field(default=None, gt=0)
    concurrent_jobs: int | None = Field(default=None, gt=0)


class PlanQuotas(Strict):
    textract: TextractQuotas = TextractQuotas()


class PlanClock(Strict):
    skip_waits: bool = False
    """Whether waits end as soon as nothing else runs."""


class FaultPlan(Strict):
    """A plan that can be followed."""

    seed: int = 0
    quotas: PlanQuotas = PlanQuotas()
    clock: PlanClock = PlanClock()
    faults: tuple[Rule, ...] = ()

    def dump(self) -> str:
        """The plan with all its defaults, for those who follow it."""
        head = self.model_dump(mode="json", exclude={"faults"})
        return json.dumps(head | {"faults": [rule.model_dump(mode="json") for rule in self.faults]}, indent=1)

    def told(self) -> str:
        """The plan in a line."""
        rules = [f"{at} {kind} {rule.share:g}" for rule in self.faults for at, kind in [_named(type(rule))]]
        quotas = [f"{name} {value:g}" for name, value in self.quotas.textract if value is not None]
        clock = ["waits are skipped"] if self.clock.skip_waits else []
        return f"seed {self.seed}: {', '.join([*rules, *quotas, *clock]) or 'nothing'}"


def read_plan(path: Path) -> FaultPlan:
    """The plan in a file; FaultPlanError with file, line and rule where it cannot be followed."""
    try:
        return parse_plan(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise FaultPlanError(f"fault plan {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise FaultPlanError(f"fault plan {path}: not UTF-8 text: {error.reason}") from error


def parse_plan(text: str, name: str = "fault plan") -> FaultPlan:
    """The same from text; `name` says in messages where it is from."""
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise FaultPlanError(f"{name}, line {error.lineno}: not JSON: {error.msg}") from error
    if not isinstance(content, dict):
        raise FaultPlanError(f"{name}: expected an object with seed, quotas, clock, faults")
    given = content.pop("faults", [])
    if not isinstance(given, list):
        raise FaultPlanError(f"{name}: faults: expected a list of rules, got {type(given).__name__}")
    lines = list(_lines_of_rules(text))
    wrong = _complaints(name, "", lambda: FaultPlan.model_validate(content))
    rules: list[Rule] = []
    for number, values in enumerate(given):
        line = f", line {lines[number]}" if len(lines) == len(given) else ""
        wrong += _complaints(name, f"{line}: faults[{number}]", lambda v=values: rules.append(_rule(v)))
    if wrong:
        raise FaultPlanError("\n".join(wrong))
    return FaultPlan.model_validate(content).model_copy(update={"faults": tuple(rules)})


def _rule(values: Any) -> Rule:
    if not isinstance(values, dict):
        raise ValueError(f"expected an object, got {type(values).__name__}")  # noqa: TRY004
    named = (values.get("at"), values.get("kind"))
    known = KINDS.get(named) if all(isinstance(part, str) for part in named) else None  # type: ignore[arg-type]
    if known is None:
        there_are = ", ".join(f"{at} {kind}" for at, kind in KINDS)
        raise ValueError(f"no such fault: at {named[0]!r}, kind {named[1]!r}; there are: {there_are}")
    return known.model_validate(values)


def _complaints(name: str, place: str, check: Any) -> list[str]:
    """What is wrong, a line for each fault of the plan; nothing where the check passes."""
    try:
        check()
    except ValidationError as error:
        return [
            f"{name}{place}: {'.'.join(map(str, one['loc']))}: {one['msg']}, got {one['input']!r}"
            for one in error.errors()
        ]
    except ValueError as error:
        return [f"{name}{place}: {error}"]
    return []


def _lines_of_rules(text: str) -> Iterator[int]:
    """The line at which each rule begins; nothing where the plan is written in an unusual way."""
    begin = text.find("[", text.find('"faults"'))
    decoder, at = json.JSONDecoder(), begin + 1
    while begin >= 0:
        while text[at : at + 1] in (" ", "\t", "\r", "\n", ","):
            at += 1
        try:
            _, end = decoder.raw_decode(text, at)
        except json.JSONDecodeError:
            return
        yield text.count("\n", 0, at) + 1
        at = end
