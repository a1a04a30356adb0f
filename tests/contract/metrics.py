"""Which metrics the functions report, read from their code: by function, name and dimensions."""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple, get_args

from recto.messages import BackfillResponse, Status
from tests.contract.template import ROOT, functions, template

LIBRARIES = {
    "recto": ROOT / "layers/recto/src",
    "recto_workbench": ROOT / "workbench/src",
}
LAYER = LIBRARIES["recto"]
SHELLS = ("recto.aws", "recto_workbench.aws")
"""Where metrics are reported beside the handlers' own files."""
OUTCOMES = get_args(BackfillResponse.model_fields["outcome"].annotation)
ENDINGS = {
    "functions/intake/app.py": (Status.WAITING, Status.FAILED),
    "functions/publish/app.py": (Status.PROCESSED, Status.FAILED, Status.REJECTED),
    "functions/backfill/app.py": OUTCOMES,
}
"""What ends a metric's name that a handler puts together."""


class Reported(NamedTuple):
    """One metric of one function."""

    name: str
    service: str
    dimensions: frozenset[str]


@cache
def reported() -> frozenset[Reported]:
    """What all functions report; names that are put together are spelt out."""
    found = set()
    for function in functions().values():
        service = function["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
        handler = function.get("Handler", template()["Globals"]["Function"]["Handler"]).partition(".")[0]
        path = ROOT / function["CodeUri"] / f"{handler}.py"
        for name, other, dimensions in _metrics_of_handler(path):
            found.add(Reported(name, other or service, dimensions))
    return frozenset(found)


Metric = tuple[str, str, frozenset[str]]
"""A name, the service where it is not the function's, and its dimensions beside the service."""
Part = tuple[Path, str]
"""A function of one of the shells' modules."""


def _metrics_of_handler(path: Path) -> Iterator[Metric]:
    for own in _definitions(path).values():
        yield from _metrics_of(own, path)
    for file, name in _used_by(path, ast.walk(_tree(path)), frozenset()):
        yield from _metrics_of(_definitions(file)[name], None)


def _used_by(path: Path, nodes: Iterable[ast.AST], known: frozenset[Part]) -> frozenset[Part]:
    """What the code here uses of the shells' modules, and what that uses in turn."""
    named = {getattr(node, "id", "") or getattr(node, "attr", "") for node in nodes}
    for file, name in _within_reach(path):
        if name in named and (file, name) not in known:
            known = _used_by(file, ast.walk(_definitions(file)[name]), known | {(file, name)})
    return known


@cache
def _within_reach(path: Path) -> tuple[Part, ...]:
    """Functions that code in a file can name: those of its own module, and imported ones."""
    own = [(path, name) for name in _definitions(path)] if path.is_relative_to(LAYER) else []
    imports = [node for node in ast.walk(_tree(path)) if isinstance(node, ast.ImportFrom) and node.module]
    imported = [
        (file, name)
        for node in imports
        for alias in node.names
        for file, names in _meant(str(node.module), alias.name)
        for name in names
    ]
    return (*own, *imported)


def _meant(module: str, name: str) -> Iterator[tuple[Path, list[str]]]:
    """A function of a module, or all of a module that is imported by name."""
    whole, part = _file_of(f"{module}.{name}"), _file_of(module)
    if whole:
        yield whole, list(_definitions(whole))
    elif part and name in _definitions(part):
        yield part, [name]


def _file_of(module: str) -> Path | None:
    if not module.startswith(SHELLS):
        return None
    file = LIBRARIES[module.partition(".")[0]] / f"{module.replace('.', '/')}.py"
    return file if file.exists() else None


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def _definitions(path: Path) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in ast.walk(_tree(path)) if isinstance(node, ast.FunctionDef)}


def _metrics_of(function: ast.FunctionDef, path: Path | None) -> Iterator[Metric]:
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    added = [call for call in calls if _called(call) == "add_dimension"]
    own = {name for call in added for name in _named(call, function)}
    service = next((value for call in added for value in _service(call)), "")
    for call in calls:
        if _called(call) == "add_metric":
            names = [*_named(call, function), *(_spelt_out(call, path) if path else ())]
            yield from ((name, service, frozenset(own - {"service"})) for name in names)
        if _called(call) == "tally":
            yield from ((str(each.arg), "", frozenset()) for each in call.keywords if each.arg)


def _called(call: ast.Call) -> str:
    return getattr(call.func, "attr", None) or getattr(call.func, "id", "")


def _service(call: ast.Call) -> Iterator[str]:
    """What a metric says instead of the service that its function is."""
    said = {
        str(each.arg): ast.literal_eval(each.value)
        for each in call.keywords
        if each.arg in ("name", "value") and isinstance(each.value, ast.Constant)
    }
    if said.get("name") == "service":
        yield str(said["value"])


def _named(call: ast.Call, function: ast.FunctionDef) -> Iterator[str]:
    """What its argument `name` may be."""
    value = next((each.value for each in call.keywords if each.arg == "name"), None)
    if isinstance(value, ast.Constant):
        yield str(value.value)
    if isinstance(value, ast.Name):
        for node in ast.walk(function):
            is_ours = isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == value.id
            if is_ours:
                found = [leaf.value for leaf in ast.walk(node.value) if isinstance(leaf, ast.Constant)]
                yield from (text for text in found if isinstance(text, str))


def _spelt_out(call: ast.Call, path: Path) -> Iterator[str]:
    """A name that is put together, `Documents` and a status say."""
    value = next((each.value for each in call.keywords if each.arg == "name"), None)
    if isinstance(value, ast.JoinedStr):
        start = str(getattr(value.values[0], "value", ""))
        endings = ENDINGS[path.relative_to(ROOT).as_posix()]
        yield from (start + ending.title().replace("-", "") for ending in endings)
