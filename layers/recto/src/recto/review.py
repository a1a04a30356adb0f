"""What a reviewer is given, what comes back, and what that makes of a result. No queue, no browser, no token.

A task never carries a task token: whoever holds one can finish the workflow. The models refuse unknown
keys, so none can slip in.

Answers come as the pages of Recto and of the reference post them: `field-present-F` (a boolean or
`{"checked": …}`), `field-value-F`, `field-multival-i-F`, flat or under `store`. F may be any name with
any characters, so keys are looked up by the names that the task has and never taken apart at hyphens.

    unticked            the document does not have the field: no value, `Absent`
    cleared to ""       the same
    ticked, no value    the model's values are right
    not mentioned       nobody looked; the model's result stays

`field-confirmed-F` says why a value that breaks a rule is right all the same.
"""

import hashlib
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Literal, NamedTuple

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    field_serializer,
    model_serializer,
)
from pydantic.alias_generators import to_pascal

from recto.entities import (
    DEFAULT_THRESHOLD,
    document_confidence,
    multi_valued_result,
    single_valued_result,
    with_rules,
)
from recto.errors import ReviewFailedError
from recto.fields import FieldConfiguration, FieldList
from recto.places import MadeIn
from recto.results import (
    DocumentResult,
    FieldResult,
    ReasonCode,
    ReviewReason,
    ReviewRecord,
    ReviewStatus,
    Value,
    json_bytes,
)
from recto.validators import judge

LOOP, AGAIN = "recto", "again"
"""The first part of human loops' names, and the last of those that were started again."""
MAX_LOOP_NAME = 63
MAX_REASON = 1000
REJECTED, REJECTED_WHY = "document-rejected", "document-rejected-why"
"""Posted instead of fields: the document is none that has them."""
PRESENT, VALUE, MULTI_VALUE = "field-present-", "field-value-", "field-multival-"
CONFIRMED = "field-confirmed-"
ADJUDICATOR = "adjudicator"
"""A role, in the `workerMetadata` that the workbench writes: this answer decides alone."""
TRUTHS = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False, "": False}


class _Given(BaseModel):
    """A part of a task: frozen, PascalCase in JSON, unknown keys refused."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_pascal,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )


class TaskDocument(_Given):
    """Which document it is, and how a browser can show it."""

    document_id: str
    correlation_id: str = ""
    """What its upload named itself; empty for the document's id."""
    name: str = ""
    """Its file name, for people; the whole key is in `TaskObject`."""
    kind: Literal["pdf", "images"] = "pdf"
    """`images`: by the pages' images, which are listed where the browser cannot show the document itself."""
    num_pages: int = 0
    release: str = ""
    """The one that its fields are of."""
    made_in: MadeIn = MadeIn()

    @field_serializer("made_in")
    def _in_pascal_case(self, made_in: MadeIn) -> dict[str, int]:
        return made_in.model_dump(by_alias=True)


class TaskThresholds(_Given):
    """Below which confidence a value is doubtful: what each field's model result was judged by."""

    default: float = DEFAULT_THRESHOLD
    fields: dict[str, float] = Field(default_factory=dict)

    def of(self, name: str) -> float:
        return self.fields.get(name, self.default)


class TaskWords(_Given):
    """Where the OCR's words lie, as `recto.pagestore` wrote them; S3 URIs."""

    index: str
    parts: tuple[str, ...] = ()


class ReviewTask(_Given):
    """What a reviewer is given. Everything after the first three may be missing in tasks of others."""

    review_id: str
    """Random; says nothing about the document and opens nothing by itself."""
    task_object: str
    """Where the document is: `s3://bucket/key`."""
    model_result: DocumentResult
    """What was found, with the reasons for the review; nothing of either in an audit."""
    document: TaskDocument | None = None
    field_configuration: tuple[FieldConfiguration, ...] | None = None
    """The fields that are reported, of the release that the document is pinned to."""
    thresholds: TaskThresholds | None = None
    words: TaskWords | None = None
    page_images: tuple[str, ...] | None = None
    """S3 URIs in the order of the pages, for what a browser cannot show itself."""
    audit: bool = False
    """Whether the reviewer must not see what was found, because it is that which is measured."""

    @model_serializer(mode="wrap")
    def _leave_out_what_is_missing(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {
            key: value for key, value in handler(self).items() if value is not None and value is not False
        }

    @field_serializer("field_configuration")
    def _as_configured(self, fields: tuple[FieldConfiguration, ...] | None) -> list[dict[str, Any]] | None:
        return None if fields is None else [_configured(field) for field in fields]

    @property
    def fields(self) -> FieldList | None:
        """The configured fields, to judge answers by; None for tasks that do not say."""
        if self.field_configuration is None:
            return None
        return FieldList.model_construct(
            fields=self.field_configuration
        )  # ignored ones leave gaps in the ids

    def to_json(self) -> dict[str, Any]:
        """The JSON object that is put before the reviewer (A2I's InputContent)."""
        return self.model_dump(mode="json")

    def to_bytes(self) -> bytes:
        """The JSON of `to_json`: the fields of a long document are large."""
        rest = self.model_copy(update={"model_result": DocumentResult(confidence=0.0)}).to_json()
        return json_bytes({**rest, "ModelResult": self.model_result})


def _configured(field: FieldConfiguration) -> dict[str, Any]:
    return field.model_dump(mode="json", by_alias=True, exclude_none=True)


def blind(result: DocumentResult) -> DocumentResult:
    """The result's fields without anything that was found: what a reviewer sees in an audit."""
    fields = {name: _blind_field(one) for name, one in result.fields.items()}
    return DocumentResult(confidence=0.0, fields=fields, reference_date=result.reference_date)


def _blind_field(one: FieldResult) -> FieldResult:
    common = {
        "class_id": one.class_id,
        "sort_order": one.sort_order,
        "type": one.type,
        "optional": one.optional,
    }
    common |= {"num_detections": 0, "num_detected_values": 0}
    return multi_valued_result(common, ()) if one.is_multi_valued else single_valued_result(common, None)


def result_elsewhere(content: Mapping[str, Any]) -> str | None:
    """Where a task's `ModelResult` lies, None where the task has it; S3 URI."""
    found = content.get("ModelResult")
    uri = found.get("S3Uri") if isinstance(found, Mapping) and set(found) == {"S3Uri"} else None
    return uri if isinstance(uri, str) else None


class FieldAnswer(NamedTuple):
    """What one person says about one field."""

    is_present: bool | None = None
    """None where there was no box to tick."""
    values: tuple[str, ...] | None = None
    """None where no value was sent; empty where all were cleared."""
    confirmed: str | None = None
    """Why a value that breaks a rule is right all the same."""

    @property
    def is_absent(self) -> bool:
        """Whether the person says that the document does not have it."""
        return self.is_present is False or self.values == ()


class ReviewAnswer(NamedTuple):
    """What one person says about a document."""

    worker_id: str
    fields: Mapping[str, FieldAnswer]
    """Only those that the person saw."""
    time_spent_in_seconds: float | None = None
    is_adjudicator: bool = False
    """Whether this answer decides alone."""


# --- reading answers --------------------------------------------------------------------------------


def parse_human_answers(
    human_answers: Iterable[Mapping[str, Any]], fields: FieldList, task: ReviewTask | None = None
) -> list[ReviewAnswer]:
    """The `humanAnswers` of an A2I output; the last answer counts of a worker who answered twice."""
    answers: dict[str, ReviewAnswer] = {}
    for number, entry in enumerate(human_answers):
        if not isinstance(entry, Mapping):
            raise ReviewFailedError(f"answer {number}: expected an object, seen {type(entry).__name__}")
        worker = str(entry.get("workerId") or "")
        content = parse_answer(entry.get("answerContent") or {}, fields, task)
        answers[worker or f"#{number}"] = ReviewAnswer(
            worker, content, _seconds(entry), is_adjudicator(entry)
        )
    return list(answers.values())


def is_adjudicator(entry: Mapping[str, Any]) -> bool:
    """Whether one of the `humanAnswers` is that of the person who decides where reviewers disagree."""
    metadata = entry.get("workerMetadata")
    ours = metadata.get("recto") if isinstance(metadata, Mapping) else None
    return isinstance(ours, Mapping) and ours.get("role") == ADJUDICATOR


def rejection_of(human_answers: Iterable[Mapping[str, Any]]) -> str | None:
    """Who turned the document down, and why; None where nobody did.

    One reviewer is enough, but where somebody adjudicated it is his word alone that counts.
    """
    entries = [entry for entry in human_answers if isinstance(entry, Mapping)]
    deciding = [entry for entry in entries if is_adjudicator(entry)][-1:]
    for entry in deciding or entries:
        posted = _flat(entry.get("answerContent") or {})
        if REJECTED in posted and _truth(REJECTED, posted[REJECTED]):
            why = str(posted.get(REJECTED_WHY) or "").strip()[:MAX_REASON] or "no reason given"
            return f"turned down by {entry.get('workerId') or 'a reviewer'}: {why}"
    return None


def _seconds(entry: Mapping[str, Any]) -> float | None:
    """The time that a worker took; None where it is not told as a number."""
    time_spent = entry.get("timeSpentInSeconds")
    is_number = isinstance(time_spent, int | float) and not isinstance(time_spent, bool)
    return float(time_spent) if is_number and time_spent is not None else None


def parse_answer(
    answer_content: Mapping[str, Any] | str, fields: FieldList, task: ReviewTask | None = None
) -> dict[str, FieldAnswer]:
    """Field name to what a person says about it, from any shape that is or was in use.

    ReviewFailedError for an answer about a field that neither the configuration nor the task has, for a
    value of another kind than text, and for an answer about no field at all.
    """
    posted = _flat(answer_content)
    names = {
        _comparable(name): name for name in (*(field.name for field in fields.active), *_task_names(task))
    }
    present: dict[str, bool] = {}
    values: dict[str, list[tuple[int, str]]] = {}
    confirmed: dict[str, str] = {}
    for key, entry in posted.items():
        if key.startswith(PRESENT):
            present[_name(key, key[len(PRESENT) :], names)] = _truth(key, entry)
        elif key.startswith(CONFIRMED):
            confirmed[_name(key, key[len(CONFIRMED) :], names)] = _text(key, entry)[:MAX_REASON]
        elif key.startswith(VALUE):
            values.setdefault(_name(key, key[len(VALUE) :], names), []).append((0, _text(key, entry)))
        elif key.startswith(MULTI_VALUE):
            index, _, rest = key[len(MULTI_VALUE) :].partition("-")
            place = int(index) if index.isdecimal() else 0
            values.setdefault(_name(key, rest, names), []).append((place, _text(key, entry)))
    answered = [name for name in names.values() if name in present or name in values]
    if not answered:
        raise ReviewFailedError(
            f"answer without a field: expected {PRESENT}… or {VALUE}…, seen {_seen(posted)}"
        )
    return {
        name: FieldAnswer(present.get(name), _entered(values.get(name)), confirmed.get(name) or None)
        for name in answered
    }


def _flat(content: Mapping[str, Any] | str) -> dict[str, Any]:
    """The posted keys, those under `store` included; either may be JSON in a string."""
    decoded = _decoded(content)
    store = decoded.get("store")
    return {**decoded, **_decoded(store)} if store else dict(decoded)


def _decoded(content: Any) -> Mapping[str, Any]:
    if isinstance(content, str):
        try:
            content = json.loads(content)
        except ValueError as error:
            raise ReviewFailedError(f"answer is not JSON: {error}") from error
    if not isinstance(content, Mapping):
        raise ReviewFailedError(f"answer: expected an object, seen {type(content).__name__}")
    return content


def _task_names(task: ReviewTask | None) -> Iterable[str]:
    return task.model_result.fields if task else ()


def _comparable(name: str) -> str:
    """Browsers may post another Unicode form of a name than the one that they were given."""
    return unicodedata.normalize("NFC", name).strip()


def _name(key: str, rest: str, names: Mapping[str, str]) -> str:
    try:
        return names[_comparable(rest)]
    except KeyError:
        raise ReviewFailedError(f"answer {key!r} is about a field that the task does not have") from None


def _truth(key: str, entry: Any) -> bool:
    if isinstance(entry, Mapping):
        entry = entry.get("checked", entry.get("on"))
    if isinstance(entry, str):
        entry = TRUTHS.get(entry.strip().casefold())
    if not isinstance(entry, bool):
        raise ReviewFailedError(f"answer {key!r}: expected true or false")
    return entry


def _text(key: str, entry: Any) -> str:
    if entry is None:
        return ""
    if isinstance(entry, bool) or not isinstance(entry, str | int | float):
        raise ReviewFailedError(f"answer {key!r}: expected text, seen {type(entry).__name__}")
    return str(entry).strip()


def _entered(values: list[tuple[int, str]] | None) -> tuple[str, ...] | None:
    """The values in their order on the page, without empty and repeated ones."""
    if values is None:
        return None
    ordered = (text for _, text in sorted(values, key=lambda entry: entry[0]))
    return tuple(dict.fromkeys(text for text in ordered if text))


def _seen(posted: Mapping[str, Any]) -> str:
    return ", ".join(sorted(posted)[:8]) or "nothing"


# --- applying answers -------------------------------------------------------------------------------


def apply_answers(
    result: DocumentResult, answers: Sequence[ReviewAnswer], fields: FieldList
) -> DocumentResult:
    """The result as the reviewers leave it; ReviewFailedError for no answers at all."""
    if not answers:
        raise ReviewFailedError("review ended with 0 answers; expected at least 1")
    day, deciding = result.reference_date, _deciding(answers)
    reviewed = {
        name: _reviewed_field(one, deciding, fields[name], day) for name, one in result.fields.items()
    }
    disagreements = tuple(
        reason
        for one in reviewed.values()
        for reason in one.review_reasons or ()
        if reason.code == ReasonCode.REVIEWERS_DISAGREE
    )
    answered = DocumentResult(
        confidence=document_confidence(one for one in reviewed.values() if not one.absent),
        fields=reviewed,
        review_reasons=(*(result.review_reasons or ()), *disagreements),
        review=_record(answers),
        review_status=ReviewStatus.REVIEWED,
        reference_date=result.reference_date,
        warnings=result.warnings,
    )
    return with_rules(answered, fields)


def _deciding(answers: Sequence[ReviewAnswer]) -> Sequence[ReviewAnswer]:
    """All answers, or the adjudicator's alone; the others stay in the record."""
    return [answer for answer in answers if answer.is_adjudicator][-1:] or answers


class _Verdict(NamedTuple):
    """What the reviewers make of a field together."""

    values: tuple[str, ...]
    """Empty: the document does not have it."""
    share: float
    """Of the reviewers who looked."""
    num_reviewers: int


def _reviewed_field(
    one: FieldResult, answers: Sequence[ReviewAnswer], field: FieldConfiguration, day: date | None
) -> FieldResult:
    given = [answer.fields[field.name] for answer in answers if field.name in answer.fields]
    said = [spoken for answer in given if (spoken := _said(one, answer, field)) is not None]
    if not said:
        return one
    verdict = _agreed(said, field)
    values = [_reviewed_value(text, verdict.share, one, field, day) for text in verdict.values]
    answered = _with_values(one, values, field)
    reasons = (*(one.review_reasons or ()), *_disagreement(field, verdict)) or None
    confirmed = next((answer.confirmed for answer in given if answer.confirmed), None) if values else None
    return answered.model_copy(
        update={
            "reviewed": True,
            "absent": None if values else True,
            "confirmed": confirmed,
            "review_reasons": reasons,
        }
    )


def _said(one: FieldResult, answer: FieldAnswer, field: FieldConfiguration) -> tuple[str, ...] | None:
    """The values of a field in one person's eyes; empty for absent, None for no statement."""
    if answer.is_absent:
        return ()
    if answer.values is None:
        confirmed = tuple(value.value for value in one.found)
        return confirmed or None
    if len(answer.values) > 1 and not field.is_multi_valued:
        raise ReviewFailedError(f"{field.name} takes one value, the answer has {len(answer.values)}")
    return tuple(_as_found(text, one) for text in answer.values)


def _as_found(text: str, one: FieldResult) -> str:
    """The model's own text where the answer is the same but for line breaks, which inputs swallow."""
    for value in one.found:
        if text in (value.value, " ".join(value.value.split()), value.value.replace("\n", "")):
            return value.value
    return text


def _agreed(said: Sequence[tuple[str, ...]], field: FieldConfiguration) -> _Verdict:
    """What most people say, told apart by normal form; among equals what was said first."""

    def key(values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted(field.normalise(text).key or text for text in values))

    votes = Counter(key(values) for values in said)
    most = max(votes.values())
    chosen = next(values for values in said if votes[key(values)] == most)
    return _Verdict(chosen, most / len(said), len(said))


def _reviewed_value(
    text: str, share: float, one: FieldResult, field: FieldConfiguration, day: date | None
) -> Value:
    """The value with the share of reviewers who stand behind it; places are kept only for what was found."""
    for value in one.found:
        if value.value == text:
            return value.model_copy(update={"confidence": share})
    normalized = field.normalise(text)
    return Value(
        value=text,
        confidence=share,
        normalized_value=normalized.value,
        flags=normalized.flags or None,
        alternatives=normalized.alternatives or None,
        verdicts=judge(field.validators or (), text, normalized, day),
    )


def _with_values(one: FieldResult, values: Sequence[Value], field: FieldConfiguration) -> FieldResult:
    """The field with the reviewed values; what was detected counts as before only where nothing changed."""
    is_unchanged = {value.value for value in values} == {value.value for value in one.found}
    kept = [value for value in values if value.detections]
    common = {
        "class_id": one.class_id,
        "num_detections": one.num_detections if is_unchanged else sum(len(v.detections) for v in kept),
        "num_detected_values": one.num_detected_values if is_unchanged else len(kept),
        "sort_order": one.sort_order,
        "type": one.type,
        "optional": one.optional,
    }
    if field.is_multi_valued:
        return multi_valued_result(common, values)
    return single_valued_result(common, values[0] if values else None)


def _disagreement(field: FieldConfiguration, verdict: _Verdict) -> Iterable[ReviewReason]:
    if verdict.share < 1:
        agreeing = round(verdict.share * verdict.num_reviewers)
        yield ReviewReason(
            code=ReasonCode.REVIEWERS_DISAGREE,
            field=field.name,
            message=f"{agreeing} of {verdict.num_reviewers} reviewers agree on {field.name}",
        )


def _record(answers: Sequence[ReviewAnswer]) -> ReviewRecord:
    times = [answer.time_spent_in_seconds for answer in answers if answer.time_spent_in_seconds is not None]
    workers = tuple(answer.worker_id for answer in answers)
    adjudicators = [answer.worker_id for answer in answers if answer.is_adjudicator][-1:]
    return ReviewRecord(
        worker_id=(adjudicators or workers)[0],
        adjudicator=adjudicators[0] if adjudicators else None,
        time_spent_in_seconds=sum(times) if times else None,
        worker_ids=workers if len(workers) > 1 else None,
    )


def not_reviewed(result: DocumentResult, why: str) -> DocumentResult:
    """The model's values as they are, marked as what nobody has looked at."""
    return result.model_copy(update={"review_status": ReviewStatus.NOT_REVIEWED, "review_status_reason": why})


# --- names ------------------------------------------------------------------------------------------


def review_id_of(loop_name: str) -> str:
    """The review's id in the name of a loop of ours, also of one started again; empty for others."""
    found = re.fullmatch(rf"{LOOP}-([0-9a-z]+)(-again)?", loop_name)
    return found.group(1) if found else ""


def human_loop_name(*parts: str | int) -> str:
    """A name that A2I accepts: `^[a-z0-9](-*[a-z0-9])*$`, at most 63 characters, its own for these parts."""
    whole = "-".join(str(part) for part in parts)
    name = re.sub(r"[^a-z0-9]+", "-", whole.lower()).strip("-")
    if name and name == whole and len(name) <= MAX_LOOP_NAME:
        return name
    digest = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{name[: MAX_LOOP_NAME - 9].strip('-') or 'review'}-{digest}"
