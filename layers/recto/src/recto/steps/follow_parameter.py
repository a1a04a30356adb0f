"""Somebody has changed a parameter by hand: make a release of it, or leave all as it is and say why.

Notebooks and consoles write `config/EntityConfiguration`, as JSON or as `s3://…`. What cannot be used is
never in use: the release stays, an event `ReleaseRefused` goes out, and the reason lies where
`recto release list` reads it. `config/SageMakerEndpointName` is refused always: no endpoint is asked yet.
"""

from datetime import datetime
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_pascal

from recto.errors import (
    ConfigurationError,
    DocumentMissingError,
    FieldConfigurationError,
    ParameterMissingError,
)
from recto.fields import parse_fields
from recto.messages import Failure, ParameterChange, ParameterFollowed
from recto.places import Location
from recto.ports import Events, ObjectStore
from recto.release import FOLDER
from recto.steps.make_release import JSON_TYPE, ReleaseMaker, in_use, remake_with_fields, use_release

REFUSAL = f"{FOLDER}/refused.json"
"""In the work bucket: what was refused last, and why."""
MAX_LIST_BYTES = 1_000_000
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


class FollowParameter(NamedTuple):
    """What the step works with."""

    maker: ReleaseMaker
    events: Events
    fields_parameter: str
    endpoint_parameter: str


def follow_parameter(change: ParameterChange, step: FollowParameter) -> ParameterFollowed:
    """Make the parameter's new value take effect for the next document, or refuse it by name."""
    if change.name not in (step.fields_parameter, step.endpoint_parameter):
        raise ValueError(f"nobody asked to follow {change.name!r}")
    try:
        value = step.maker.parameters.read(change.name)
    except ParameterMissingError:
        return ParameterFollowed(outcome="undefined", release=_in_use(step))
    try:
        if change.name == step.endpoint_parameter:
            return _refuse(change.name, _no_endpoints(change.name, value), step)
        return _follow_fields(change.name, value, step)
    except ConfigurationError as error:
        return _refuse(change.name, error, step)


def _no_endpoints(name: str, value: str) -> ConfigurationError:
    return ConfigurationError(
        f"{name} says {value!r}, but models on SageMaker endpoints are not built yet: "
        "documents go on with the model of the release in use"
    )


def _follow_fields(name: str, value: str, step: FollowParameter) -> ParameterFollowed:
    base = step.maker.parameters.read(step.maker.release_parameter).rstrip("/")
    fields = parse_fields(read_list(value, step.maker.objects))
    made = remake_with_fields(base, fields, step.maker)
    if made.prefix == base:
        return ParameterFollowed(outcome="unchanged", release=base)
    if step.maker.parameters.read(name) != value:
        return ParameterFollowed(outcome="overtaken", release=_in_use(step))
    use_release(made.prefix, step.maker.parameters, step.maker.release_parameter)
    return ParameterFollowed(outcome="made", release=made.prefix, changes=made.changes)


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


def _refuse(name: str, error: ConfigurationError, step: FollowParameter) -> ParameterFollowed:
    """Keep what is in use; tell the operator, in an event and for `recto release list`."""
    release = _in_use(step)
    told = Refusal(
        parameter=name,
        error=type(error).__name__,
        cause=str(error),
        release=release,
        time=step.maker.clock(),
    )
    place = Location(bucket=step.maker.work_bucket, key=REFUSAL)
    step.maker.objects.write(place, told.model_dump_json(by_alias=True).encode(), JSON_TYPE)
    step.events.publish("ReleaseRefused", told.model_dump(mode="json", by_alias=True))
    failure = Failure(Error=told.error, Cause=told.cause)
    return ParameterFollowed(outcome="refused", release=release, failure=failure)


def _in_use(step: FollowParameter) -> str:
    return in_use(step.maker.parameters, step.maker.release_parameter)
