"""All objects of one consolidation request: answers understood, put together by kind, written as content.

Nothing is dropped: an answer that cannot be used is named with its reason in its object's result, and an
object without any that can gets a result that says so. What a label image needs is passed in, since it needs
pixels.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from recto.consolidation import contents
from recto.consolidation.classes import agree_on_one, agree_on_several
from recto.consolidation.clusters import Mark, is_flood
from recto.consolidation.contents import Account, Content, Label, LabelImage, SetAside
from recto.consolidation.forms import agree_on_form
from recto.consolidation.pages import agree_on_pages
from recto.consolidation.rules import Rules
from recto.consolidation.spans import Text, agree_on_texts
from recto.errors import AnswerError, RectoError
from recto.labels import (
    Answer,
    ClassAnswer,
    FormAnswer,
    ImageAnswer,
    PageAnswer,
    SpanAnswer,
    parse_answer,
)

A = TypeVar("A", PageAnswer, SpanAnswer, ClassAnswer, ImageAnswer, FormAnswer)
KINDS = (PageAnswer, ImageAnswer, SpanAnswer, ClassAnswer, FormAnswer)
NAMES = {
    PageAnswer: "boxes", ImageAnswer: "a label image", SpanAnswer: "spans", ClassAnswer: "classes",
    FormAnswer: "a form",
}  # fmt: skip


class Given(NamedTuple):
    """One worker's answer as it came, or why it could not be fetched."""

    worker: str
    content: str | Mapping[str, Any] | AnswerError


class LabelledObject(NamedTuple):
    """An object with all its answers."""

    object_id: str
    given: tuple[Given, ...]
    text: str | None = None
    """What its spans count in, where that is known."""
    failure: str = ""
    """Why the object itself cannot be used."""


class Result(NamedTuple):
    """What comes of an object."""

    object_id: str
    content: Content
    failure: str = ""


MergeImages = Callable[[str, Mapping[str, ImageAnswer]], LabelImage]
"""Object id, worker to answer -> the label image, written. AnswerError where that cannot be."""


class _Read(NamedTuple):
    object_id: str
    answers: Mapping[str, Answer]
    account: Account
    text: str | None
    failure: str


def consolidate(
    objects: Sequence[LabelledObject], label: Label, rules: Rules, merge_images: MergeImages | None = None
) -> list[Result]:
    """A result for each object, in their order."""
    read = [_read(one) for one in objects]
    found: dict[int, Result] = {}
    for number, one in enumerate(read):
        if one.failure:
            found[number] = _failed(one, one.failure, label)
    agree = {
        PageAnswer: _pages, SpanAnswer: _texts, ClassAnswer: _classes, FormAnswer: _forms,
    }  # fmt: skip
    for kind, together in agree.items():
        numbers = [n for n, one in enumerate(read) if n not in found and _kind(one) is kind]
        written = together([read[number] for number in numbers], label, rules) if numbers else []
        for number, content in zip(numbers, written, strict=True):
            found[number] = Result(read[number].object_id, content)
    for number, one in enumerate(read):
        if number not in found:
            found[number] = _image(one, label, rules, merge_images)
    return [found[number] for number in range(len(read))]


def _failed(one: _Read, reason: str, label: Label) -> Result:
    return Result(one.object_id, contents.failure_content(reason, label, one.account), reason)


# --- reading ----------------------------------------------------------------------------------------


def _read(one: LabelledObject) -> _Read:
    answers: dict[str, Answer] = {}
    aside: list[SetAside] = []
    for given in sorted(one.given, key=lambda each: each.worker):  # stable: of one worker the last counts
        try:
            answer = parse_answer(_content(given))
        except AnswerError as error:
            aside.append(SetAside(given.worker, f"{type(error).__name__}: {error}"))
            continue
        if given.worker in answers:
            aside.append(SetAside(given.worker, "answered again later; the last answer counts"))
        answers[given.worker] = answer
    answers, others = _of_one_kind(answers)
    aside += others
    warnings = [f"worker {w}: {text}" for w, answer in answers.items() for text in answer.warnings]
    warnings += [f"worker {each.worker}: answer set aside: {each.reason}" for each in aside]
    account = Account(
        len(answers), tuple(aside), tuple(warnings), _as_they_came(one.given), _shortfall(one, answers)
    )
    failure = one.failure or ("" if answers else _no_answer(one)) or _flood(answers)
    return _Read(one.object_id, answers, account, one.text, failure)


def _flood(answers: Mapping[str, Answer]) -> str:
    """Why boxes cannot be grouped; empty where they can."""
    drawn = [
        (number, box)
        for number, answer in enumerate(answers.values())
        if isinstance(answer, PageAnswer)
        for box in answer.boxes
    ]
    marks = [Mark(number, box.label) for number, box in drawn]
    if not is_flood(marks, [box.box for _, box in drawn]):
        return ""
    return f"AnswerError: {len(drawn)} boxes of {len(answers)} workers lie on each other, too many to group"


def _content(given: Given) -> str | Mapping[str, Any]:
    if isinstance(given.content, AnswerError):
        raise given.content
    return given.content


def _shortfall(one: LabelledObject, answers: Mapping[str, Answer]) -> str:
    people = {given.worker for given in one.given}
    return _short(len(answers), len(people))


def _short(usable: int, people: int) -> str:
    return f"only {usable} of {people} people's answers can be used" if 2 * usable <= people else ""


def _no_answer(one: LabelledObject) -> str:
    return f"AnswerError: object {one.object_id}: {len(one.given)} answers, none that can be used"


def _of_one_kind(answers: Mapping[str, Answer]) -> tuple[dict[str, Answer], list[SetAside]]:
    """The answers of the kind that most have."""
    kinds = Counter(type(answer) for answer in answers.values())
    if len(kinds) < 2:
        return dict(answers), []
    kind = max(KINDS, key=lambda one: kinds[one])
    kept = {worker: answer for worker, answer in answers.items() if type(answer) is kind}
    reason = f"expected {NAMES[kind]} as in most answers, seen "
    aside = [SetAside(w, reason + NAMES[type(one)]) for w, one in answers.items() if w not in kept]
    return kept, aside


def _as_they_came(given: Sequence[Given]) -> tuple[Mapping[str, Any], ...]:
    return tuple(
        {"workerId": one.worker, "annotationData": {"content": one.content}}
        for one in sorted(given, key=lambda each: each.worker)
        if not isinstance(one.content, AnswerError)
    )


def _kind(one: _Read) -> type[Answer]:
    return type(next(iter(one.answers.values())))


def _only(one: _Read, kind: type[A]) -> dict[str, A]:
    return {worker: answer for worker, answer in one.answers.items() if isinstance(answer, kind)}


# --- by kind ----------------------------------------------------------------------------------------


def _pages(read: Sequence[_Read], label: Label, rules: Rules) -> list[Content]:
    pages = agree_on_pages([_only(one, PageAnswer) for one in read], rules)
    return [
        contents.page_content(page, label, one.account, rules) for page, one in zip(pages, read, strict=True)
    ]


def _texts(read: Sequence[_Read], label: Label, rules: Rules) -> list[Content]:
    texts = agree_on_texts([Text(_only(one, SpanAnswer), one.text) for one in read], rules)
    return [
        contents.text_content(text, label, one.account, rules) for text, one in zip(texts, read, strict=True)
    ]


def _classes(read: Sequence[_Read], label: Label, rules: Rules) -> list[Content]:
    answers = [_only(one, ClassAnswer) for one in read]
    choices = [{w: answer.labels for w, answer in each.items()} for each in answers]
    if any(answer.is_multiple for each in answers for answer in each.values()):
        return [
            contents.classes_content(found, label, one.account, rules)
            for found, one in zip(agree_on_several(choices), read, strict=True)
        ]
    return [
        contents.class_content(found, label, one.account, rules)
        for found, one in zip(agree_on_one(choices), read, strict=True)
    ]


def _forms(read: Sequence[_Read], label: Label, rules: Rules) -> list[Content]:
    return [
        contents.form_content(
            agree_on_form({w: answer.values for w, answer in _only(one, FormAnswer).items()}),
            label,
            one.account,
            rules,
        )
        for one in read
    ]


def _image(one: _Read, label: Label, rules: Rules, merge_images: MergeImages | None) -> Result:
    try:
        if merge_images is None:
            raise AnswerError(f"object {one.object_id}: label images cannot be put together here")
        image = merge_images(one.object_id, _only(one, ImageAnswer))
    except RectoError as error:
        return _failed(one, f"{type(error).__name__}: {error}", label)
    account = _without(one, image.set_aside)
    return Result(one.object_id, contents.image_content(image, label, account, rules))


def _without(one: _Read, aside: Sequence[SetAside]) -> Account:
    """The account of the answers, where it shows only later that some cannot be used."""
    if not aside:
        return one.account
    people = {*one.answers, *(each.worker for each in one.account.set_aside)}
    counted = len(one.answers) - len(aside)
    warnings = tuple(f"worker {each.worker}: answer set aside: {each.reason}" for each in aside)
    return one.account._replace(
        counted=counted,
        set_aside=(*one.account.set_aside, *aside),
        warnings=(*one.account.warnings, *warnings),
        shortfall=_short(counted, len(people)),
    )
