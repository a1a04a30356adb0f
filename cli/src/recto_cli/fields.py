"""Field lists from the command line: one to begin with, checked, put in use, fetched back."""

from pathlib import Path
from typing import NamedTuple

from recto.aws.services import UNDEFINED, ParameterStore
from recto.errors import ConfigurationError, FieldConfigurationError, ReleaseError
from recto.field_changes import field_changes
from recto.fields import FieldList, dump_fields, field_faults, parse_fields
from recto.places import Location
from recto.release import FIELDS
from recto.release_contents import misfits
from recto.steps.follow_parameter import Followed, note_followed, read_list
from recto.steps.make_release import Used, fields_text, remake_with_fields, use_release
from recto_cli.releases import (
    FIELDS_PARAMETER,
    RELEASE,
    contents_of,
    maker_of,
    parameter_name,
    require_still_used,
    require_used,
)
from recto_cli.stack import CALLER, Stack

HERE = Path(__file__).resolve().parent
EXAMPLES = {
    "start": HERE / "examples" / "start.json",
    "credit-cards": HERE.parents[2] / "local" / "releases" / "demo" / "fields.json",
}
"""Field lists to begin with; the second one is the demo release's own."""
LARGEST_PARAMETER = 4096
"""Bytes of a standard parameter's value."""


class Pushed(NamedTuple):
    """What pushing a field list did."""

    base: str
    made: str
    changes: tuple[str, ...]
    used: Used | None
    """None where the release in use had this list already."""
    parameter: str
    """What `config/EntityConfiguration` says now."""


def example_text(name: str) -> bytes:
    """A field list to begin with."""
    if name not in EXAMPLES:
        raise FieldConfigurationError(f"no example {name!r}; there is {', '.join(EXAMPLES)}")
    return EXAMPLES[name].read_bytes()


def faults_of(file: Path) -> list[str]:
    """Everything that is wrong with a file; empty for a good list."""
    try:
        content = file.read_bytes()
    except OSError as error:
        return [f"{file}: {error.strerror}"]
    return field_faults(content)


def compare(fields: FieldList, prefix: str, stack: Stack) -> tuple[list[str], list[str]]:
    """What would change against a release, and why its model does not fit; both empty for the same list."""
    release = contents_of(prefix, stack)
    return field_changes(release.fields, fields), misfits(release.release.labels, fields)


def thresholds_by_hand(fields: FieldList) -> list[str]:
    """The fields whose threshold a person has set, which overrides the release's own."""
    by_hand = [field for field in fields.fields if field.review_threshold is not None]
    return [f"{field.name}: {field.review_threshold}" for field in by_hand]


def push(fields: FieldList, name: str, stack: Stack) -> Pushed:
    """A release of the model in use with these fields, put in use; then the parameter says so, too."""
    base = require_used(stack)
    made = remake_with_fields(base, fields, maker_of(stack), name)
    used = None
    if made.prefix != base:
        require_still_used(base, made.prefix, stack)
        used = use_release(made.prefix, ParameterStore(CALLER), parameter_name(stack, RELEASE))
    value = parameter_value(fields, Location(bucket=stack.work, key=f"{made.prefix}/{FIELDS}"))
    told = parameter_name(stack, FIELDS_PARAMETER)
    version = ParameterStore(CALLER).write(told, value)
    note_followed(Followed.of(told, version, value), stack.objects, stack.work)
    return Pushed(base, made.prefix, made.changes, used, value)


def parameter_value(fields: FieldList, place: Location) -> str:
    """The list itself while Parameter Store takes it, else where it lies: a release's file never changes."""
    text = fields_text(fields).decode()
    return text if len(text.encode()) <= LARGEST_PARAMETER else place.uri


def pull(stack: Stack) -> bytes:
    """The field list in use."""
    return fields_text(contents_of(require_used(stack), stack).fields)


def strays(stack: Stack) -> str:
    """Why `config/EntityConfiguration` does not say what is in use; empty where it does, or says nothing."""
    value = stack.names.get(FIELDS_PARAMETER, "")
    if value.strip() in UNDEFINED:
        return ""
    try:
        told = parse_fields(read_list(value, stack.objects))
        used = contents_of(require_used(stack), stack).fields
    except (ConfigurationError, ReleaseError) as error:
        return str(error)
    same = dump_fields(told) == dump_fields(used)
    return "" if same else "it holds another field list than the release in use"
