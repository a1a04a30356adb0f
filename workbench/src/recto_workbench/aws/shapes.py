"""Requests checked against botocore's own models of the services: types, required, lengths, patterns.

botocore checks little of this on the client's side; the services refuse all of it.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import botocore.session
from botocore.model import ListShape, OperationModel, ServiceModel, Shape, StructureShape

TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "long": (int,), "boolean": (bool,), "float": (int, float),
    "double": (int, float), "list": (list,), "map": (dict,), "structure": (dict,),
}  # fmt: skip


IN_PYTHON = {
    r"\p{ASCII}": r"[\x00-\x7f]", r"\p{L}": r"\w", r"\p{N}": r"\d", r"\p{Z}": r"\s",
    r"\uD800\uDC00-\uDBFF\uDFFF": r"\U00010000-\U0010FFFF", r"\z": r"\Z",
}  # fmt: skip
"""Java's words for characters, as some models have them, and what is nearest in Python's."""


class ShapeError(ValueError):
    """A request that the service's model does not allow."""


@lru_cache(maxsize=8)
def service_model(service: str) -> ServiceModel:
    """Botocore's model of a service."""
    return botocore.session.get_session().get_service_model(service)


def operation_model(service: str, operation: str) -> OperationModel | None:
    """None where the service has no such operation."""
    model = service_model(service)
    return model.operation_model(operation) if operation in model.operation_names else None


def checked(operation: OperationModel, request: Any) -> dict[str, Any]:
    """The request with blobs as bytes and unknown members dropped; ShapeError where it does not fit."""
    shape = operation.input_shape
    if shape is None:
        return {}
    values: dict[str, Any] = _checked(shape, request, "")
    return values


def _checked(shape: Shape, value: Any, where: str) -> Any:
    if shape.type_name == "blob":
        value = _blob(value, where)
    elif shape.type_name in TYPES:
        allowed = TYPES[shape.type_name]
        if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
            raise ShapeError(f"{where or 'request'}: expected {shape.type_name}, got {type(value).__name__}")
    _check_constraints(shape, value, where)
    if isinstance(shape, StructureShape):
        return _checked_structure(shape, value, where)
    if isinstance(shape, ListShape):
        return [_checked(shape.member, item, f"{where}.member.{n}") for n, item in enumerate(value, start=1)]
    return value


def _checked_structure(shape: StructureShape, value: Mapping[str, Any], where: str) -> dict[str, Any]:
    missing = [name for name in shape.required_members if value.get(name) is None]
    if missing:
        raise ShapeError(f"{where or 'request'}: missing required member {', '.join(missing)}")
    prefix = f"{where}." if where else ""
    known = {name: member for name, member in shape.members.items() if value.get(name) is not None}
    return {name: _checked(member, value[name], prefix + name) for name, member in known.items()}


def _blob(value: Any, where: str) -> bytes:
    if isinstance(value, bytes):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise ShapeError(f"{where}: not base64") from error


def _check_constraints(shape: Shape, value: Any, where: str) -> None:
    limits = shape.metadata
    size = value if isinstance(value, int | float) else len(value) if hasattr(value, "__len__") else 0
    if "min" in limits and size < limits["min"]:
        raise ShapeError(f"{where}: {_shown(value)} is below the minimum of {limits['min']}")
    if "max" in limits and size > limits["max"]:
        raise ShapeError(f"{where}: {_shown(value)} is above the maximum of {limits['max']}")
    pattern = _in_python(limits.get("pattern", ""))
    if pattern and isinstance(value, str) and not re.fullmatch(pattern, value, re.DOTALL):
        raise ShapeError(f"{where}: {_shown(value)} does not match {pattern}")
    allowed = getattr(shape, "enum", None)
    if allowed and isinstance(value, str) and value not in allowed:
        raise ShapeError(f"{where}: {_shown(value)} is not one of {', '.join(allowed)}")


@lru_cache(maxsize=256)
def _in_python(pattern: str) -> str:
    """A pattern in the words of Java, as some models have them, in those of `re`; empty for nonsense."""
    pattern = re.sub(r"\[?\\p\{Print\}\]?", r"[\\x20-\\x7e]", pattern)
    for theirs, ours in IN_PYTHON.items():
        pattern = pattern.replace(theirs, ours)
    try:
        re.compile(pattern)
    except re.error:  # a few are nobody's: ([…]*)${1,128}
        return ""
    return pattern


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, int | float) else f"a value of length {len(value)}"
