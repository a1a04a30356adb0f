"""Worker task templates: Liquid with `task.input`, as Ground Truth and Amazon A2I fill them in.

What AWS documents beside Liquid itself: everything is HTML-escaped unless `skip_autoescape` says otherwise;
`to_json`; `grant_read_access` and `s3_presign`, which are the same. Objects and lists print as JSON, since
A2I's own templates rely on it. Undefined names print nothing. What a template may cost is bounded by counts,
not by the clock, so that a template which renders once renders always.

The page that carries a rendered template is `recto_workbench.framing`'s.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from liquid import Environment, Mode
from liquid.exceptions import FilterArgumentError, LiquidError, ResourceLimitError
from liquid.undefined import is_undefined
from markupsafe import Markup, escape
from pydantic import BaseModel, ConfigDict

from recto.errors import ConfigurationError

MAX_LOOPS = 200_000
MAX_OUTPUT_BYTES = 5_000_000
"""Below the 6 MB that a function may answer."""
MAX_FILTER_CALLS = 500_000
MAX_TEMPLATE_CHARACTERS = 2_000_000

Grant = Callable[[str], str]
"""A link for `s3://bucket/key` that a browser may read for a short time. ValueError: it may not be read."""


class Rendered(BaseModel):
    """A filled-in template, or why there is none."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    html: str = ""
    errors: list[dict[str, str]] = []
    """`{"Code", "Message"}`, as in the answer of RenderUiTemplate."""


def render(template: str, task_input: Mapping[str, Any], grant: Grant) -> Rendered:
    """The template filled in with one task's input. Never raises for what the template does wrong."""
    if len(template) > MAX_TEMPLATE_CHARACTERS:
        seen = f"{len(template):,} characters, at most {MAX_TEMPLATE_CHARACTERS:,} are taken"
        return _failed("TemplateTooLargeError", f"the template has {seen}")
    environment = _environment(grant)
    try:
        html = environment.from_string(template).render(task={"input": _printable(task_input)})
    except LiquidError as error:
        return _failed(type(error).__name__, _told(error, template))
    except (RecursionError, MemoryError) as error:
        return _failed("ResourceLimitError", f"the template asks for too much: {type(error).__name__}")
    return Rendered(html=html)


class _TemplateEnvironment(Environment):
    """Liquid as AWS has it, with bounds on what a template may cost."""

    loop_iteration_limit = MAX_LOOPS
    output_stream_limit = MAX_OUTPUT_BYTES
    local_namespace_limit = 4 * MAX_OUTPUT_BYTES
    shorthand_indexes = True


def _environment(grant: Grant) -> Environment:
    environment = _TemplateEnvironment(autoescape=True, tolerance=Mode.STRICT)
    for name in ("grant_read_access", "s3_presign"):
        environment.add_filter(name, _granting(name, grant))
    environment.add_filter("to_json", _to_json)
    environment.add_filter("skip_autoescape", _skip_autoescape)
    environment.add_filter("escape_once", _escape_once)
    budget = _Budget()
    environment.filters = {name: budget.bounded(call) for name, call in environment.filters.items()}
    return environment


class _Budget:
    """How many filters one rendering has called, and how long a text they made."""

    def __init__(self) -> None:
        self._calls = 0

    def bounded(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same filter within the bounds. Its marks (`with_context` …) stay on it."""

        @wraps(call, updated=())
        def counted(*args: Any, **kwargs: Any) -> Any:
            self._calls += 1
            if self._calls > MAX_FILTER_CALLS:
                raise ResourceLimitError(f"more than {MAX_FILTER_CALLS:,} filters are called", token=None)
            result = call(*args, **kwargs)
            if isinstance(result, str) and len(result) > MAX_OUTPUT_BYTES:
                raise ResourceLimitError(f"a filter gives {len(result):,} characters", token=None)
            return result

        for mark in ("with_context", "with_environment"):
            if getattr(call, mark, False):
                setattr(counted, mark, True)
        return counted


# ---- values


class _JsonObject(dict[str, Any]):
    """An object of the task's input; printed, it is JSON, escaped like every other value."""

    def __str__(self) -> str:
        return _json(self)

    def __html__(self) -> str:
        return str(escape(_json(self)))


class _JsonArray(list[Any]):
    """A list of the task's input; printed, it is JSON, escaped like every other value."""

    def __str__(self) -> str:
        return _json(self)

    def __html__(self) -> str:
        return str(escape(_json(self)))


def _printable(value: Any) -> Any:
    """The same JSON value; objects and lists know how to print themselves."""
    if isinstance(value, Mapping):
        return _JsonObject({str(key): _printable(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return _JsonArray(_printable(item) for item in value)
    return value


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


# ---- filters

_JSON_ESCAPES = str.maketrans(
    {c: f"\\u{ord(c):04x}" for c in ("<", ">", "&", "'", "\N{LINE SEPARATOR}", "\N{PARAGRAPH SEPARATOR}")}
)


def _to_json(value: object) -> Markup:
    r"""JSON that stays JSON in a script and in an attribute between single quotes.

    Not escaped as HTML, for templates write it into scripts; what could end the script or the attribute is
    written as \u….
    """
    if is_undefined(value):
        value = None
    try:
        text = _json(value)
    except (TypeError, ValueError) as error:
        raise FilterArgumentError(f"to_json: {error}", token=None) from error
    return Markup(text.translate(_JSON_ESCAPES))  # noqa: S704 - nothing in it can end a string or a script


def _skip_autoescape(value: object) -> Markup:
    return Markup("" if value is None or is_undefined(value) else str(value))  # noqa: S704 - its very purpose


def _escape_once(value: object) -> Markup:
    text = "" if value is None or is_undefined(value) else str(value)
    return escape(Markup(text).unescape())  # noqa: S704 - unescaped at once, then escaped


def _granting(name: str, grant: Grant) -> Callable[[object], Markup]:
    def granted(value: object) -> Markup:
        uri = object_uri(value)
        if uri is None:
            seen = "nothing" if value is None or is_undefined(value) else repr(str(value)[:200])
            raise FilterArgumentError(f"{name}: expected s3://bucket/key, got {seen}", token=None)
        try:
            link = grant(uri)
        except (ValueError, ConfigurationError) as error:
            raise FilterArgumentError(f"{name}: {error}", token=None) from error
        # & stays as it is: the link is written into attributes, where it does no harm, and into scripts
        return Markup(link.translate(_LINK_ESCAPES))  # noqa: S704 - no quotes or brackets are left in it

    return granted


_LINK_ESCAPES = str.maketrans({c: f"%{ord(c):02X}" for c in "\"'<>`\\ "})
_PATH_STYLE = re.compile(r"https?://s3(?:[.-][a-z0-9-]+)?\.amazonaws\.com(?:\.cn)?/([^/?#]+)/([^?#]+)")
_HOST_STYLE = re.compile(r"https?://([^/]+)\.s3(?:[.-][a-z0-9-]+)?\.amazonaws\.com(?:\.cn)?/([^?#]+)")


def object_uri(value: object) -> str | None:
    """`s3://bucket/key` of what a template hands to `grant_read_access`; None where it names no object.

    A2I's templates write `http://s3.amazonaws.com/bucket/key`. What a `capture` made is escaped by then.
    """
    text = (value.unescape() if isinstance(value, Markup) else str(value or "")).strip()
    for form in (_PATH_STYLE, _HOST_STYLE):
        if found := form.fullmatch(text):
            return f"s3://{found[1]}/{found[2]}"
    bucket, _, key = text.removeprefix("s3://").partition("/")
    return text if text.startswith("s3://") and bucket and key else None


# ---- errors


def _failed(code: str, message: str) -> Rendered:
    return Rendered(errors=[{"Code": code, "Message": message}])


def _told(error: LiquidError, template: str) -> str:
    """The message with line and column. An end that came too early is told by the last line."""
    try:
        context = error.context()
    except ValueError:  # the place lies behind the last character
        context = None
    if context:
        line, column, _, text, _ = context
        return f"line {line}, column {column + 1}: {error.message} (in {text.strip()[:120]!r})"
    if isinstance(error, ResourceLimitError):
        return str(error.message)
    return f"line {max(1, len(template.splitlines()))} (the last one): {error.message}"
