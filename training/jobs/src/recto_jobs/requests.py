"""Requests checked against botocore's model of the service: lengths, patterns, lists of allowed values.

botocore itself checks types and required members only; the services refuse all the rest, after minutes
of upload. An unknown member is botocore's to refuse.
"""

import re
from collections.abc import Mapping
from typing import Any

import botocore.session
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from recto.errors import ConfigurationError


class RequestError(ConfigurationError):
    """A request that the service would refuse."""


def check_request(operation: OperationModel, parameters: Mapping[str, Any]) -> None:
    """RequestError for the first value that the service's model does not allow."""
    if operation.input_shape is not None:
        _check(operation.input_shape, parameters, operation.name)


def allowed_values(service: str, shape: str) -> tuple[str, ...]:
    """The values of a service's enumeration, `sagemaker`'s `TrainingInstanceType` for example."""
    model = botocore.session.get_session().get_service_model(service)
    return tuple(model.shape_for(shape).enum)


def _check(shape: Shape, value: Any, where: str) -> None:
    if value is None:
        return
    _check_limits(shape, value, where)
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        for name, member in shape.members.items():
            _check(member, value.get(name), f"{where}.{name}")
    elif isinstance(shape, ListShape) and isinstance(value, list):
        for number, item in enumerate(value):
            _check(shape.member, item, f"{where}[{number}]")
    elif isinstance(shape, MapShape) and isinstance(value, Mapping):
        for key, item in value.items():
            _check(shape.key, key, f"{where} key {key!r}")
            _check(shape.value, item, f"{where}[{key!r}]")


def _check_limits(shape: Shape, value: Any, where: str) -> None:
    if shape.type_name == "blob":
        return
    limits = shape.metadata
    size = value if isinstance(value, int | float) else len(value) if hasattr(value, "__len__") else None
    if size is not None and "min" in limits and size < limits["min"]:
        raise RequestError(f"{where}: {value!r} is below the minimum of {limits['min']}")
    if size is not None and "max" in limits and size > limits["max"]:
        raise RequestError(f"{where}: {str(value)[:80]!r} is above the maximum of {limits['max']}")
    allowed = getattr(shape, "enum", None)
    if allowed and isinstance(value, str) and value not in allowed:
        raise RequestError(f"{where}: {value!r} is none of {', '.join(allowed)}")
    pattern = _in_python(limits.get("pattern", ""))
    if pattern and isinstance(value, str) and not re.fullmatch(pattern, value, re.DOTALL):
        raise RequestError(f"{where}: {value[:80]!r} does not match {pattern}")


def _in_python(pattern: str) -> str:
    """A pattern of Java's words, as the models have them, in those of `re`."""
    known = {
        r"\p{Print}": r"\x20-\x7e", r"\p{ASCII}": r"\x00-\x7f", r"\p{L}": r"\w", r"\p{N}": r"\d",
        r"\p{Z}": r"\s", r"\z": r"\Z",
    }  # fmt: skip
    for theirs, ours in known.items():
        pattern = pattern.replace(theirs, ours)
    try:
        re.compile(pattern)
    except re.error:  # a few are nobody's: ([…]*)${1,128}
        return ""
    return pattern
