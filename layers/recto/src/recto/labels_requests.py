"""What Ground Truth sends its two functions, and what a task is made of. Not the answers (`recto.labels`).

The keys are Ground Truth's own. What it documents and what its samples show differ in places; both are taken.
Event versions 2018-10-06 and 2018-10-16 look alike; keys that nobody knows are passed over.
"""

import codecs
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from recto.errors import AnswerError

TEXT_FILE = "text-file-s3-uri"
CONTENT = "has-content"
PAGES_CONTENT = "pages-have-content"
PAGE = "page-num"
NO = frozenset({"false", "no", "0"})
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""The longer ones first: that of UTF-32 begins with that of UTF-16."""


def _decoded(value: object) -> object:
    """What JSON text says; anything else as it is."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _names(value: object) -> object:
    """Labels as names, whether they come as text or as objects with a `label`."""
    value = _decoded(value)
    if not isinstance(value, Sequence) or isinstance(value, str):
        return value
    return [one.get("label") if isinstance(one, Mapping) else one for one in value]


Categories = Annotated[tuple[str, ...] | None, BeforeValidator(_names)]


class Request(BaseModel):
    """Frozen, camelCase in JSON, unknown keys passed over."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True, defer_build=True
    )


class TaskRequest(Request):
    """An object that is to become a task."""

    version: str = ""
    labeling_job_arn: str = ""
    data_object: Annotated[dict[str, Any], BeforeValidator(_decoded)]
    """Its line of the manifest."""
    label_categories: Categories = None
    """Ground Truth does not send them; the workbench may."""


class Payload(Request):
    """All objects with their answers: where they lie, or themselves."""

    s3_uri: str = ""
    content: Annotated[list[Any] | None, BeforeValidator(_decoded)] = None


class ConsolidationRequest(Request):
    """Answers that are to become labels."""

    version: str = ""
    labeling_job_arn: str = ""
    label_categories: Categories = None
    label_attribute_name: str
    role_arn: str | None = None
    payload: Payload
    output_config: Any = None


class Referenced(Request):
    """Something that stands here, or in S3."""

    s3_uri: str | None = None
    content: Any = None


class AnswerGiven(Request):
    """One worker's answer."""

    worker_id: str = ""
    annotation_data: Referenced


class ObjectGiven(Request):
    """An object and its answers, each of which is looked at by itself."""

    dataset_object_id: Annotated[str, BeforeValidator(str)]
    data_object: Referenced | None = None
    annotations: list[Any] | None = None


def parse_task_request(event: Any) -> TaskRequest:
    """AnswerError where it is no event of a pre-labelling function."""
    return _parsed(TaskRequest, event, "pre-labelling event")


def parse_consolidation_request(event: Any) -> ConsolidationRequest:
    """AnswerError where it is no event of a post-labelling function."""
    return _parsed(ConsolidationRequest, event, "consolidation event")


def parse_payload(text: str, place: str) -> list[Any]:
    """The objects of a payload's file; AnswerError that names it where it is none."""
    content = _parsed(Payload, {"content": text}, place).content
    if content is None:
        raise AnswerError(f"{place}: expected a list of objects with their answers, seen null")
    return content


def parse_object(value: Any, place: str) -> ObjectGiven:
    """AnswerError that names the place where it is no object with answers."""
    return _parsed(ObjectGiven, value, place)


def parse_given(value: Any, place: str) -> AnswerGiven:
    """AnswerError that names the place where it is no worker's answer."""
    return _parsed(AnswerGiven, value, place)


R = TypeVar("R", bound=Request)


def _parsed(model: type[R], value: Any, what: str) -> R:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "it"
        seen = f"keys {', '.join(map(str, value))}" if isinstance(value, Mapping) else type(value).__name__
        raise AnswerError(f"{what}: {key}: {first['msg']}; seen {seen}") from error


# --- tasks ------------------------------------------------------------------------------------------


def task_input(request: TaskRequest, text: str | None) -> dict[str, Any]:
    """What a template finds under `task.input`: the line itself, and what built-in tasks have beside it."""
    line = request.data_object
    task: dict[str, Any] = {**line, "manifestLine": line}
    shown = next((line[key] for key in ("source-ref", "source", "raw-ref") if line.get(key)), None)
    if shown is not None:
        task["taskObject"] = shown
    if request.label_categories is not None:
        task["labels"] = list(request.label_categories)
    if text is not None:
        task["text"] = text
    if TEXT_FILE in line:
        known = line.get("metadata")
        metadata = known if isinstance(known, Mapping) else {}
        task["metadata"] = {**metadata, "text_file_s3_uri": line[TEXT_FILE]}
    return task


def has_content(line: Mapping[str, Any], text: str | None) -> bool:
    """Whether there is anything to label: not on pages that the line calls empty, nor in a text of none."""
    if _says_no(line.get(CONTENT)):
        return False
    pages = line.get(PAGES_CONTENT)
    if isinstance(pages, list) and pages and all(map(_says_no, _pages_meant(pages, line.get(PAGE)))):
        return False
    return text is None or bool(text.strip())


def _pages_meant(pages: list[Any], number: Any) -> list[Any]:
    """The page that the line is of, or all where it is of a whole document."""
    is_page = isinstance(number, int) and 1 <= number <= len(pages)
    return [pages[number - 1]] if is_page else pages


def _says_no(value: Any) -> bool:
    return value is False or (isinstance(value, str) and value.strip().lower() in NO)


def decoded_text(body: bytes) -> str:
    """A text file's text, line ends as browsers have them, since offsets are counted there.

    By its byte order mark; else UTF-8 where it is valid; else UTF-16 where every other byte is zero; else
    Latin-1, which any bytes are.
    """
    for mark, encoding in BYTE_ORDER_MARKS:
        if body.startswith(mark):
            return _with_line_feeds(body.decode(encoding, errors="replace"))
    guess = _utf_16(body)
    if guess:
        return _with_line_feeds(body.decode(guess, errors="replace"))
    try:
        return _with_line_feeds(body.decode())
    except UnicodeDecodeError:
        return _with_line_feeds(body.decode("latin-1"))


def _utf_16(body: bytes) -> str:
    """UTF-16 without a mark, as Windows writes it: mostly Latin letters, so that every other byte is zero."""
    start = body[:2000]
    if len(start) < 2 or len(body) % 2:
        return ""
    even, odd = start[::2].count(0), start[1::2].count(0)
    if odd > len(start) / 4 and even < odd / 4:
        return "utf-16-le"
    return "utf-16-be" if even > len(start) / 4 and odd < even / 4 else ""


def _with_line_feeds(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
