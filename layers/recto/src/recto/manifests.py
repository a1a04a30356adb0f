"""Manifests: one JSON object a line, as Ground Truth and data preparation write them. Not the files' places.

Read as a stream: a manifest of a million lines is never held at once. A line that cannot be used is an item
of its own (`BrokenLine`) where the caller goes on without it, or a ManifestError where he does not. A line's
content stays as it was written, whatever keys it has; `page_of` and `document_of` read the keys that are
Recto's. Under which attributes labels lie, and which job made them, `label_attributes` tells.
"""

import codecs
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Any, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recto.errors import ManifestError
from recto.suggestions import nearest

METADATA = "-metadata"
REFERENCE = "-ref"
FAILURE = "failure-reason"
ADJUSTED = "adjustment-status"
JOB = "labeling-job/"
KIND = "groundtruth/"
OWN_FORMS = ("annotations", "annotation-ref", "annotationsFromAllWorkers")
"""Keys of labels that custom jobs write; a line may hold them without the service's metadata."""
MAX_LINE_BYTES = 16 * 1024 * 1024
"""A line with 1,500 boxes has some 200 KB; a longer one than this is no manifest."""
MAX_SHOWN = 60


class ManifestLine(NamedTuple):
    """A line of a manifest: one JSON object."""

    name: str
    """The manifest's name, for messages."""
    number: int
    """From 1, empty lines counted."""
    content: dict[str, Any]

    @property
    def place(self) -> str:
        return f"{self.name}, line {self.number}"


class BrokenLine(NamedTuple):
    """A line that is no JSON object, and why."""

    name: str
    number: int
    reason: str

    @property
    def place(self) -> str:
        return f"{self.name}, line {self.number}"

    @property
    def error(self) -> ManifestError:
        return ManifestError(f"{self.place}: {self.reason}")


# --- reading ----------------------------------------------------------------------------------------


def read_manifest(chunks: Iterable[bytes], name: str) -> Iterator[ManifestLine | BrokenLine]:
    """Each line of a manifest that comes in chunks of any size (a file's, an S3 object's body's).

    Only a line feed ends a line, since JSON may hold other line ends. Empty lines are passed over.
    """
    for number, line in enumerate(_lines(chunks), start=1):
        if line is None:
            reason = f"longer than {MAX_LINE_BYTES:,} bytes; expected one JSON object on each line"
            yield BrokenLine(name, number, reason)
        elif line.strip():
            yield _line(name, number, line)


def read_whole_manifest(chunks: Iterable[bytes], name: str) -> Iterator[ManifestLine]:
    """The same where no line may be broken: ManifestError at the first that is."""
    for line in read_manifest(chunks, name):
        if isinstance(line, BrokenLine):
            raise line.error
        yield line


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes | None]:
    """Lines without their line feed; None for one that is too long."""
    parts: list[bytes] = []
    length = 0
    for chunk in chunks:
        *ended, rest = chunk.split(b"\n")
        for piece in ended:
            is_too_long = length + len(piece) > MAX_LINE_BYTES
            yield None if is_too_long else b"".join([*parts, piece])
            parts, length = [], 0
        length += len(rest)
        parts = [*parts, rest] if length <= MAX_LINE_BYTES else []
    if length:
        yield None if length > MAX_LINE_BYTES else b"".join(parts)


def _line(name: str, number: int, line: bytes) -> ManifestLine | BrokenLine:
    if number == 1:
        line = line.removeprefix(codecs.BOM_UTF8)
    try:
        content = json.loads(line.decode())
    except UnicodeDecodeError as error:
        return BrokenLine(name, number, f"not UTF-8 (byte {error.start + 1})")
    except (ValueError, RecursionError) as error:
        return BrokenLine(name, number, f"not JSON ({error}); expected one JSON object on each line")
    if not isinstance(content, dict):
        return BrokenLine(name, number, f"expected a JSON object, seen a {type(content).__name__}")
    return ManifestLine(name, number, content)


def line_of(content: Mapping[str, Any]) -> bytes:
    """A line to write, with its line feed."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode() + b"\n"


# --- pages and documents ----------------------------------------------------------------------------


def _with_hyphens(name: str) -> str:
    return name.replace("_", "-")


class Known(BaseModel):
    """The keys of a line that are Recto's; all others are kept as they are."""

    model_config = ConfigDict(
        frozen=True, extra="allow", alias_generator=_with_hyphens, populate_by_name=True, defer_build=True
    )

    def content(self) -> dict[str, Any]:
        """The line as it is written: without the keys that say nothing."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class PageLine(Known):
    """A page to label, or a labelled one."""

    source_ref: str
    """The page's image."""
    textract_ref: str | None = None
    """The OCR of the page's whole document."""
    page_num: Annotated[int, Field(ge=1)] | None = None
    """Which of its pages it is."""
    raw_ref: str | None = None
    """The document itself."""
    has_content: bool | None = None
    """False where the OCR found no word."""


class DocumentLine(Known):
    """A document, with what data preparation has made of it so far."""

    raw_ref: str
    textract_ref: str | None = None
    page_refs: tuple[str, ...] | None = None
    """The images of all its pages, in their order."""
    has_content: bool | None = None
    pages_have_content: tuple[bool, ...] | None = None


K = TypeVar("K", bound=Known)


def page_of(line: ManifestLine) -> PageLine:
    """ManifestError that names the line where it is no page's."""
    return _known(PageLine, line)


def document_of(line: ManifestLine) -> DocumentLine:
    """ManifestError that names the line where it is no document's."""
    return _known(DocumentLine, line)


def _known(model: type[K], line: ManifestLine) -> K:
    try:
        return model.model_validate(line.content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        seen = _short(first["input"]) if first["type"] != "missing" else f"the keys {', '.join(line.content)}"
        raise ManifestError(f"{line.place}: {key}: {first['msg']}, seen {seen}") from error


# --- labels -----------------------------------------------------------------------------------------


class LabelAttribute(NamedTuple):
    """What one labelling job has added to a line."""

    name: str
    value: Any
    """None where the job failed for this line."""
    metadata: Mapping[str, Any]
    """Empty where the line has none."""

    @property
    def job(self) -> str:
        """The labelling job's name, empty where nothing tells it."""
        return str(self.metadata.get("job-name") or "").removeprefix(JOB)

    @property
    def kind(self) -> str:
        """`object-detection`, `image-classification`, `custom` …; empty where nothing tells it."""
        return str(self.metadata.get("type") or "").removeprefix(KIND)

    @property
    def created(self) -> str:
        """As the service writes it, in an order that is that of time."""
        return str(self.metadata.get("creation-date") or "")

    @property
    def is_adjustment(self) -> bool:
        """Whether it is of a job that adjusted an earlier job's labels."""
        return ADJUSTED in self.metadata

    @property
    def is_verification(self) -> bool:
        """Whether it only judges the labels of another job."""
        return self.kind == "label-verification"

    @property
    def failure(self) -> str:
        """Why the job has no label for this line; empty where it has one."""
        told = _mapping(self.value).get(FAILURE)  # where a custom job's function wrote it
        if self.value is None:
            told = self.metadata.get(FAILURE) or "the line has no label"
        return str(told or "")

    @property
    def class_names(self) -> dict[int, str]:
        """The names of class ids, as far as the metadata tells them."""
        told = self.metadata.get("class-map")
        pairs = told.items() if isinstance(told, Mapping) else ()
        return {int(number): str(name) for number, name in pairs if str(number).isdigit()}


def label_attributes(content: Mapping[str, Any]) -> tuple[LabelAttribute, ...]:
    """Every label of a line, in the order of its keys: with the service's metadata, or in a known form."""
    names = [name for name in content if _is_label(name, content)]
    failed = [
        name
        for key, value in content.items()
        if key.endswith(METADATA)
        and isinstance(value, Mapping)
        and FAILURE in value
        and (name := key.removesuffix(METADATA)) not in content
    ]
    return tuple(
        LabelAttribute(name, content.get(name), _mapping(content.get(name + METADATA)))
        for name in (*names, *failed)
        if name
    )


def _is_label(name: str, content: Mapping[str, Any]) -> bool:
    if name.endswith(METADATA) or name == METADATA[1:]:
        return False
    if isinstance(content.get(name + METADATA), Mapping):
        return True
    value = content[name]
    return isinstance(value, Mapping) and any(form in value for form in OWN_FORMS)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def chosen_label(line: ManifestLine, name: str = "") -> LabelAttribute:
    """The line's label: the one of that name, the only one, or the latest adjustment; else ManifestError.

    An adjustment job writes its own attribute beside the one that it began with, and wins. Verifications
    judge labels and are none.
    """
    found = label_attributes(line.content)
    if name:
        named = next((one for one in found if one.name == name), None)
        if named is None:
            hint = nearest(name, [one.name for one in found])
            raise ManifestError(f"{line.place}: no label {name!r}{hint}, seen {_names(found)}")
        return named
    labels = [one for one in found if not one.is_verification]
    adjusted = [one for one in labels if one.is_adjustment]
    if not labels:
        raise ManifestError(f"{line.place}: no label attribute, seen the keys {', '.join(line.content)}")
    if len(labels) == 1:
        return labels[0]
    if not adjusted:
        raise ManifestError(f"{line.place}: several label attributes: {_names(labels)}; name the right one")
    return max(adjusted, key=lambda one: one.created)


def _names(labels: Iterable[LabelAttribute]) -> str:
    return ", ".join(one.name for one in labels) or "none"


def with_label(content: Mapping[str, Any], label: LabelAttribute, name: str) -> dict[str, Any]:
    """The line with this label as its only one, under `name`; all that is not a label stays."""
    others = {one.name for one in label_attributes(content)}
    gone = others | {one + METADATA for one in others}
    kept = {key: value for key, value in content.items() if key not in gone}
    value = {} if label.value is None else {name: label.value}
    metadata = {name + METADATA: dict(label.metadata)} if label.metadata else {}
    return kept | value | metadata


# --- references -------------------------------------------------------------------------------------


def with_references(content: Mapping[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """The line with each S3 URI in it, however deep, changed; all other text stays as it is."""
    changed = _changed(content, change)
    assert isinstance(changed, dict)  # noqa: S101 - an object stays one
    return changed


def references_of(content: Mapping[str, Any]) -> list[str]:
    """Each S3 URI of a line, in order, once."""
    seen: dict[str, None] = {}
    with_references(content, lambda uri: seen.setdefault(uri) or uri)
    return list(seen)


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value) if value.startswith("s3://") else value
    if isinstance(value, Mapping):
        return {key: _changed(one, change) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_changed(one, change) for one in value]
    return value


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 3]}..."
