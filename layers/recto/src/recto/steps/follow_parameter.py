"""Somebody has changed a parameter by hand: make a release of it, or leave all as it is and say why.

Notebooks and consoles write `config/EntityConfiguration`, as JSON or as `s3://…`, and
`config/SageMakerEndpointName`. What cannot be used is never in use: the release stays, an event
`ReleaseRefused` goes out, and the reason lies where `recto release list` reads it.
"""

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple, Self

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_pascal

from recto.errors import (
    ConfigurationError,
    DocumentMissingError,
    FieldConfigurationError,
    ParameterMissingError,
    ServiceUnavailableError,
)
from recto.fields import parse_fields
from recto.messages import Failure, ParameterChange, ParameterFollowed
from recto.places import Location
from recto.ports import AsyncEndpoints, Events, ObjectStore
from recto.release import FOLDER
from recto.steps.async_inference import MODEL, require_reachable, require_usable
from recto.steps.make_release import (
    JSON_TYPE,
    MadeRelease,
    ReleaseMaker,
    in_use,
    remake_with_endpoint,
    remake_with_fields,
    use_release,
)

FOLLOWED = f"{FOLDER}/followed"
"""In the work bucket, with each parameter's name: its state that was seen to last."""
REFUSAL = f"{FOLDER}/refused.json"
"""In the work bucket: what was refused last, and why."""
MAX_LIST_BYTES = 1_000_000
MAX_TRIES = 3
REFERENCE = "s3://"


class Refusal(BaseModel):
    """A change that was not followed; also the detail of the event `ReleaseRefused`."""

    model_config = ConfigDict(frozen=True, alias_generator=to_pascal, validate_by_name=True)

    parameter: str
    error: str
    cause: str
    release: str
    """What stays in use."""
    time: datetime


class Followed(BaseModel):
    """The last state of a parameter that something was made of, or that was refused.

    Events may come late and more than once: one that came after somebody went back to an earlier release
    would undo that.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    version: int
    sha256: str

    @classmethod
    def of(cls, name: str, version: int, value: str) -> Self:
        return cls(name=name, version=version, sha256=sha256(value.encode()).hexdigest())

    @property
    def title(self) -> str:
        """Another for each state: a parameter that was deleted begins with version 1 again."""
        return f"{self.name.rpartition('/')[2]}-{self.version}-{self.sha256[:12]}"


class FollowParameter(NamedTuple):
    """What the step works with."""

    maker: ReleaseMaker
    events: Events
    fields_parameter: str
    endpoint_parameter: str
    endpoints: AsyncEndpoints
    topic: str
    """ARN of the topic that must hear of an endpoint's answers."""
    project: str


def follow_parameter(change: ParameterChange, step: FollowParameter) -> ParameterFollowed:
    """Make the parameter's new value take effect for the next document, or refuse it by name."""
    if change.name not in (step.fields_parameter, step.endpoint_parameter):
        raise ValueError(f"nobody asked to follow {change.name!r}")
    is_endpoint = change.name == step.endpoint_parameter
    try:
        version = step.maker.parameters.version(change.name)
    except ParameterMissingError:
        return ParameterFollowed(outcome="undefined", release=_in_use(step))
    value = _value(change.name, step)
    if not value and not (is_endpoint and _in_use(step)):
        return ParameterFollowed(outcome="undefined", release=_in_use(step))
    followed = Followed.of(change.name, version, value)
    if followed == _last_followed(change.name, step):
        return ParameterFollowed(outcome="repeated", release=_in_use(step))
    try:
        told = (_follow_endpoint if is_endpoint else _follow_fields)(change.name, value, step)
    except ConfigurationError as error:
        told = _refuse(followed, error, step)
    if told.outcome != "overtaken":
        note_followed(followed, step.maker.objects, step.maker.work_bucket)
    return told


def _value(name: str, step: FollowParameter) -> str:
    """What the parameter says now; empty for undefined."""
    try:
        return step.maker.parameters.read(name)
    except ParameterMissingError:
        return ""


def note_followed(followed: Followed, objects: ObjectStore, work_bucket: str) -> None:
    """Remember a state of the parameter, so that its event makes nothing of it again."""
    place = _followed_place(followed.name, work_bucket)
    objects.write(place, followed.model_dump_json().encode(), JSON_TYPE)


def _followed_place(name: str, work_bucket: str) -> Location:
    return Location(bucket=work_bucket, key=f"{FOLLOWED}-{name.rpartition('/')[2]}.json")


def _last_followed(name: str, step: FollowParameter) -> Followed | None:
    place = _followed_place(name, step.maker.work_bucket)
    if step.maker.objects.info(place) is None:
        return None
    return Followed.model_validate_json(step.maker.objects.read(place))


def _follow_endpoint(name: str, value: str, step: FollowParameter) -> ParameterFollowed:
    """The model behind the endpoint for the next document; with no endpoint, the release's own again."""
    endpoint = value.strip()
    if endpoint:
        require_reachable(endpoint, step.project)
        found = step.endpoints.describe(endpoint)
        require_usable(endpoint, found, step.topic, step.maker.work_bucket, MODEL)
    return _make_and_use(name, value, lambda base: remake_with_endpoint(base, endpoint, step.maker), step)


def _follow_fields(name: str, value: str, step: FollowParameter) -> ParameterFollowed:
    fields = parse_fields(read_list(value, step.maker.objects))
    return _make_and_use(name, value, lambda base: remake_with_fields(base, fields, step.maker), step)


def _make_and_use(
    name: str, value: str, remake: Callable[[str], MadeRelease], step: FollowParameter
) -> ParameterFollowed:
    """Made of the release in use; of the one that is in use by then, where another was named meanwhile."""
    for _ in range(MAX_TRIES):
        base = step.maker.parameters.read(step.maker.release_parameter).rstrip("/")
        made = remake(base)
        if made.prefix == base:
            return ParameterFollowed(outcome="unchanged", release=base)
        if _value(name, step) != value:
            return ParameterFollowed(outcome="overtaken", release=_in_use(step))
        if _in_use(step) == base:
            use_release(made.prefix, step.maker.parameters, step.maker.release_parameter)
            return ParameterFollowed(outcome="made", release=made.prefix, changes=made.changes)
    raise ServiceUnavailableError(f"{name}: the release in use changes faster than one can be made of it")


def read_list(value: str, objects: ObjectStore) -> str | bytes:
    """The field list that a parameter holds or points at; FieldConfigurationError where there is none."""
    if not value.strip().startswith(REFERENCE):
        return value
    try:
        place = Location.from_uri(value.strip())
        info = objects.info(place)
        if info and info.size > MAX_LIST_BYTES:
            raise FieldConfigurationError(
                f"{place.uri} has {info.size} bytes, expected at most {MAX_LIST_BYTES}"
            )
        return objects.read(place)
    except ValueError as error:
        raise FieldConfigurationError(f"the field list: {error}") from error
    except DocumentMissingError as error:
        raise FieldConfigurationError(f"the field list is not at {value.strip()}: {error}") from error


def _refuse(followed: Followed, error: ConfigurationError, step: FollowParameter) -> ParameterFollowed:
    """Keep what is in use; tell the operator, in an event and for `recto release list`."""
    release = _in_use(step)
    told = Refusal(
        parameter=followed.name,
        error=type(error).__name__,
        cause=str(error),
        release=release,
        time=step.maker.clock(),
    )
    place = Location(bucket=step.maker.work_bucket, key=REFUSAL)
    step.maker.objects.write(place, told.model_dump_json(by_alias=True).encode(), JSON_TYPE)
    step.events.publish("ReleaseRefused", told.model_dump(mode="json", by_alias=True), followed.title)
    failure = Failure(Error=told.error, Cause=told.cause)
    return ParameterFollowed(outcome="refused", release=release, failure=failure)


def _in_use(step: FollowParameter) -> str:
    return in_use(step.maker.parameters, step.maker.release_parameter)
