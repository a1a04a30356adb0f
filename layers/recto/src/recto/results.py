"""What was found in a document, in the shape that readers of the reference's results know.

Keys are PascalCase. Added to the reference's: the print beside the normal form (`RawText`,
`NormalizedValue`, `Alternatives`, `Type`), `Page` and `Boxes` per value, the validators' `Verdicts`,
the rules' `Validation`, `ReviewReasons`,
what a person answered (`Absent`, `ReviewStatus`),
and the OCR's `Warnings`. Values in, values out: nothing here decides.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from enum import StrEnum
from io import BytesIO
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer
from pydantic.alias_generators import to_pascal

from recto.fields import FieldType
from recto.geometry import Box
from recto.validators import Outcome, RuleVerdict, Verdict

MANY = ("fields", "values", "detections")
"""Of results, what a long document has thousands of."""


class _Result(BaseModel):
    """Dumps to PascalCase without the keys that are not set."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_pascal,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )

    @model_serializer(mode="wrap")
    def _leave_out_none(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in handler(self).items() if value is not None}


class BoundingBox(_Result):
    """A box in Textract's words, 0-1."""

    top: float
    left: float
    height: float
    width: float

    @classmethod
    def of(cls, box: Box) -> "BoundingBox":
        return cls(top=box.top, left=box.left, height=box.height, width=box.width)

    @property
    def box(self) -> Box:
        return Box.clipped(self.left, self.top, self.left + self.width, self.top + self.height)


class Detection(_Result):
    """One place where the document says something about a field."""

    class_id: int
    class_name: str
    confidence: float
    blocks: tuple[str, ...]
    """Ids of the OCR's words."""
    bounding_box: BoundingBox
    boxes: tuple[BoundingBox, ...] = ()
    """One box per line."""
    page_num: int
    text: str
    """Lines are joined by a line break."""
    raw_text: str | None = None
    """The print, where a normaliser service rewrote the text."""


class Value(_Result):
    """One thing that the document says about a field, wherever and however often it says it."""

    value: str
    confidence: float
    normalized_value: str | None = None
    """None where the text was not understood as the field's type."""
    flags: tuple[str, ...] | None = None
    """What the normaliser decided between two readings."""
    alternatives: tuple[str, ...] | None = None
    """The other readings, in normal form."""
    raw_text: str = ""
    """As printed where the confidence comes from; empty for a value that a person typed."""
    page: int | None = None
    """None for a value that a person typed."""
    boxes: tuple[BoundingBox, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    detections: tuple[Detection, ...] = ()

    @property
    def failed_verdicts(self) -> tuple[Verdict, ...]:
        return tuple(verdict for verdict in self.verdicts if not verdict.passed)


class ReasonCode(StrEnum):
    """Why a document goes to a person."""

    BELOW_THRESHOLD = "below_threshold"
    REQUIRED_MISSING = "required_missing"
    VALIDATOR_FAILED = "validator_failed"
    RULE_FAILED = "rule_failed"
    AMBIGUOUS = "ambiguous"
    NOTHING_FOUND = "nothing_found"
    PAGES_UNREAD = "pages_unread"
    REVIEWERS_DISAGREE = "reviewers_disagree"


class ReviewReason(_Result):
    """One reason for a review."""

    code: ReasonCode
    field: str | None = None
    """None where the whole document is meant."""
    message: str
    threshold: float | None = None
    set_by_hand: bool | None = None
    """Whether the field's own ReviewThreshold overrode the release's."""


class FieldResult(_Result):
    """What was found for one field. Single-valued fields carry `Value`, multi-valued ones `Values`."""

    class_id: int
    confidence: float
    num_detections: int
    num_detected_values: int
    sort_order: int
    type: FieldType = FieldType.TEXT
    optional: bool | None = None
    value: str | None = None
    """Of a single-valued field; empty where nothing was found."""
    normalized_value: str | None = None
    flags: tuple[str, ...] | None = None
    alternatives: tuple[str, ...] | None = None
    raw_text: str | None = None
    page: int | None = None
    boxes: tuple[BoundingBox, ...] | None = None
    verdicts: tuple[Verdict, ...] | None = None
    detections: tuple[Detection, ...] | None = None
    values: tuple[Value, ...] | None = None
    """Of a multi-valued field, most believable first."""
    absent: bool | None = None
    """A person says that the document does not have it."""
    reviewed: bool | None = None
    confirmed: str | None = None
    """Why a value that breaks a rule is right all the same, in the reviewer's words."""
    validation: tuple[RuleVerdict, ...] | None = None
    """What the rules between fields say in which this one takes part; None where it has none."""
    review_reasons: tuple[ReviewReason, ...] | None = None

    @property
    def is_multi_valued(self) -> bool:
        return self.values is not None

    @property
    def failed_rules(self) -> tuple[RuleVerdict, ...]:
        return tuple(one for one in self.validation or () if one.outcome is Outcome.FAILED)

    @property
    def found(self) -> tuple[Value, ...]:
        """The values of the field, be it single-valued or not; none where nothing was found."""
        if self.values is not None:
            return self.values
        if not self.value:
            return ()
        return (
            Value(
                value=self.value,
                confidence=self.confidence,
                normalized_value=self.normalized_value,
                flags=self.flags,
                alternatives=self.alternatives,
                raw_text=self.raw_text or "",
                page=self.page,
                boxes=self.boxes or (),
                verdicts=self.verdicts or (),
                detections=self.detections or (),
            ),
        )


class ReviewStatus(StrEnum):
    """What became of a document's review."""

    REVIEWED = "reviewed"
    NOT_REVIEWED = "not_reviewed"
    """Somebody should have looked and nobody has: the values are the model's."""


class ReviewRecord(_Result):
    """Who reviewed a document."""

    worker_id: str
    time_spent_in_seconds: float | None = None
    worker_ids: tuple[str, ...] | None = None
    """All of them, where several people answered."""
    adjudicator: str | None = None
    """Who decided, where the others disagreed."""


class DocumentResult(_Result):
    """The fields of one document, by name, in their configured order."""

    confidence: float
    fields: dict[str, FieldResult] = Field(default_factory=dict)
    review_reasons: tuple[ReviewReason, ...] | None = None
    """Why a person should look; None before anyone asked, empty for straight through."""
    review: ReviewRecord | None = None
    review_status: ReviewStatus | None = None
    """None where no review was asked for."""
    review_status_reason: str | None = None
    """Why nobody has looked."""
    reference_date: date | None = None
    """The day on which the document was read: what `not_in_future` goes by."""
    warnings: tuple[str, ...] | None = None
    """What was odd about the OCR's answer; None where nothing was."""

    def to_bytes(self) -> bytes:
        """The JSON of `to_json`, the fields last."""
        rest = self.model_copy(update={"fields": {}}).to_json()
        del rest["Fields"]
        return json_bytes({**rest, "Fields": self.fields})

    def to_json(self) -> dict[str, Any]:
        """The JSON object of `fields.json` and `result.json`."""
        return self.model_dump(mode="json")


def json_bytes(content: Mapping[str, Any]) -> bytes:
    """The JSON of an object that may have results in it.

    Made field by field, value by value and detection by detection: all the dictionaries of a long document at
    once take several times the memory of its JSON.
    """
    written = BytesIO()
    written.writelines(piece.encode() for piece in _object(content))
    return written.getvalue()


def _object(content: Mapping[str, Any]) -> Iterator[str]:
    before = "{"
    for key, value in content.items():
        yield f"{before}{_text(key)}: "
        yield from _pieces(value)
        before = ", "
    yield "}" if content else "{}"


def _list(found: Sequence[Any]) -> Iterator[str]:
    before = "["
    for each in found:
        yield before
        yield from _pieces(each)
        before = ", "
    yield "]" if found else "[]"


def _pieces(value: Any) -> Iterator[str]:
    if isinstance(value, _Result):
        yield from _pieces_of(value)
    elif isinstance(value, dict):
        yield from _object(value)
    elif isinstance(value, tuple):
        yield from _list(value)
    else:
        yield _text(value)


def _pieces_of(found: _Result) -> Iterator[str]:
    many = {name: each for name in MANY if (each := getattr(found, name, None))}
    rest = found.model_copy(update={name: type(each)() for name, each in many.items()}).model_dump(
        mode="json"
    )
    if many:
        yield from _object({**rest, **{to_pascal(name): each for name, each in many.items()}})
    else:
        yield _text(rest)


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
