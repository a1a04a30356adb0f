"""Ground Truth's two functions: an object made into a task, and workers' answers made into labels.

Ground Truth calls them for jobs of its own, the workbench for its; both send the same requests. What fails
for one object is written into that object's result, and the others go on; only a request that cannot be read
at all, or a service that does not answer, is an error of the whole call.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from recto.consolidation import Given, Label, LabelImage, LabelledObject, Result, Rules, SetAside
from recto.consolidation import consolidate as consolidate_objects
from recto.errors import AccessError, AnswerError, RectoError, TransientError
from recto.labels import ImageAnswer
from recto.labels_requests import (
    TEXT_FILE,
    ConsolidationRequest,
    ObjectGiven,
    Payload,
    Referenced,
    TaskRequest,
    decoded_text,
    has_content,
    parse_consolidation_request,
    parse_given,
    parse_object,
    parse_payload,
    parse_task_request,
    task_input,
)
from recto.places import Location
from recto.ports import ObjectStore

MAX_PAYLOAD = 256 * 1024 * 1024
MAX_ANSWER = 64 * 1024 * 1024
"""Bytes of one answer: a label image in base64."""
TEXT_ENDINGS = (".txt", ".csv")
REQUESTS = "/consolidation-request/"
PNG_TYPE = "image/png"
T = TypeVar("T")


class Painting(Protocol):
    """One person's label image: `recto.label_images.Painted`."""

    def __call__(self, png: bytes, colours: Mapping[str, str]) -> Any: ...


class ImageMerger(NamedTuple):
    """What putting label images together needs: `recto.label_images`, which needs Pillow."""

    bytes_of: Callable[[str, str], bytes]
    painted: Painting
    merged: Callable[..., Any]


class TaskMaker(NamedTuple):
    """What the pre-labelling step works with."""

    objects: ObjectStore
    max_text_bytes: int


class Consolidator(NamedTuple):
    """What the post-labelling step works with."""

    objects: ObjectStore
    as_role: Callable[[str], ObjectStore]
    """Objects with the rights of a role."""
    rules: Rules
    images: ImageMerger | None = None
    """None where there is no Pillow: then label images are failures of their objects."""


# --- before -----------------------------------------------------------------------------------------


def make_task(event: Any, step: TaskMaker) -> dict[str, Any]:
    """What the template gets for an object, and whether anybody needs to look at it."""
    request = parse_task_request(event)
    text = _text_of_line(request, step)
    is_needed = has_content(request.data_object, text)
    return {
        "taskInput": task_input(request, text),
        "isHumanAnnotationRequired": is_needed,  # as AWS documents it
        "humanAnnotationRequired": "true" if is_needed else "false",  # as its samples write it
    }


def _text_of_line(request: TaskRequest, step: TaskMaker) -> str | None:
    line = request.data_object
    if TEXT_FILE in line:
        return _text_file(str(line[TEXT_FILE]), step.objects, step.max_text_bytes)
    text = line.get("source")
    return text if isinstance(text, str) else None


def _text_file(uri: str, objects: ObjectStore, limit: int) -> str:
    place = _place(uri, TEXT_FILE)
    return decoded_text(_bounded(place, objects, limit, "a text to label"))


def _bounded(place: Location, objects: ObjectStore, limit: int, what: str) -> bytes:
    """The object's bytes; AnswerError where it is not there or too large."""
    info = objects.info(place)
    if info is None:
        raise AnswerError(f"{place.uri}: expected {what}, there is no such object")
    if info.size > limit:
        raise AnswerError(f"{place.uri}: {what} of {info.size:,} bytes, the limit is {limit:,}")
    return objects.read(place)


def _place(uri: str, what: str) -> Location:
    try:
        return Location.from_uri(uri)
    except ValueError as error:
        raise AnswerError(f"{what}: {error}") from error


# --- after ------------------------------------------------------------------------------------------


def consolidate(event: Any, step: Consolidator) -> list[dict[str, Any]]:
    """The answer to a post-labelling event: for each object its label, or why it has none."""
    return answer_of(consolidated(event, step))


def answer_of(results: Sequence[Result]) -> list[dict[str, Any]]:
    """The results as Ground Truth takes them."""
    return [
        {"datasetObjectId": one.object_id, "consolidatedAnnotation": {"content": one.content}}
        for one in results
    ]


def consolidated(event: Any, step: Consolidator) -> list[Result]:
    """A result for each object of a post-labelling event."""
    request = parse_consolidation_request(event)
    objects = _ByRole(step, request.role_arn or "")
    entries = _entries(request.payload, objects)
    label = Label(request.label_attribute_name, request.label_categories)
    given = [_object(entry, number, objects) for number, entry in enumerate(entries)]

    def merge(object_id: str, answers: Mapping[str, ImageAnswer]) -> LabelImage:
        if step.images is None:
            raise AnswerError(f"object {object_id}: label images cannot be put together here")
        return _merge_images(_image_place(request, object_id), answers, label, step.images, objects)

    return consolidate_objects(given, label, step.rules, merge)


class _ByRole:
    """Objects with the function's own rights, or where these do not reach with the labelling job's role."""

    def __init__(self, step: Consolidator, role_arn: str) -> None:
        self._own, self._as_role, self._role_arn = step.objects, step.as_role, role_arn
        self._other: ObjectStore | None = None

    def read(self, place: Location, limit: int, what: str) -> bytes:
        return self._do(lambda objects: _bounded(place, objects, limit, what))

    def write(self, place: Location, body: bytes, content_type: str) -> None:
        self._do(lambda objects: objects.write(place, body, content_type))

    def _do(self, work: Callable[[ObjectStore], T]) -> T:
        try:
            return work(self._own)
        except AccessError:
            if not self._role_arn:
                raise
        if self._other is None:
            self._other = self._as_role(self._role_arn)
        return work(self._other)


def _entries(payload: Payload, objects: _ByRole) -> list[Any]:
    if payload.content is not None:
        return payload.content
    place = _place(payload.s3_uri, "payload.s3Uri")
    body = objects.read(place, MAX_PAYLOAD, "the answers of a labelling job")
    return parse_payload(decoded_text(body), place.uri)


def _object(entry: Any, number: int, objects: _ByRole) -> LabelledObject:
    named = entry.get("datasetObjectId", number) if isinstance(entry, dict) else number
    place = f"object {named}"
    try:
        given = parse_object(entry, place)
    except AnswerError as error:
        return LabelledObject(str(named), (), failure=f"AnswerError: {error}")
    answers = tuple(_given(one, index, objects) for index, one in enumerate(given.annotations or ()))
    text = _text_of_object(given, objects) if len(answers) > 1 else None
    return LabelledObject(given.dataset_object_id, answers, text)


def _given(value: Any, index: int, objects: _ByRole) -> Given:
    nameless = f"worker {index + 1}"
    try:
        one = parse_given(value, nameless)
    except AnswerError as error:
        return Given(nameless, error)
    worker = one.worker_id or nameless
    try:
        content = _content(one.annotation_data, worker, objects)
    except TransientError:
        raise
    except RectoError as error:
        return Given(worker, AnswerError(f"{type(error).__name__}: {error}"))
    return Given(worker, content)


def _content(found: Referenced, worker: str, objects: _ByRole) -> Any:
    if found.content is not None:
        return found.content
    if not found.s3_uri:
        raise AnswerError(f"{worker}: expected the answer's content or s3Uri, seen neither")
    body = objects.read(_place(found.s3_uri, worker), MAX_ANSWER, "an answer")
    return decoded_text(body)


def _text_of_object(given: ObjectGiven, objects: _ByRole) -> str | None:
    """What spans count in, as far as the request tells; without it their ends are not mended."""
    found = given.data_object
    if found is None:
        return None
    if isinstance(found.content, str) and not found.content.lstrip().startswith("{"):
        return found.content
    if not found.s3_uri or not found.s3_uri.lower().endswith(TEXT_ENDINGS):
        return None
    try:
        return decoded_text(objects.read(_place(found.s3_uri, "dataObject"), MAX_ANSWER, "a labelled text"))
    except TransientError:
        raise
    except RectoError:
        return None


# --- label images -----------------------------------------------------------------------------------


def _image_place(request: ConsolidationRequest, object_id: str) -> Location:
    """Where Ground Truth puts a job's label images: beside the request that lies among the job's files."""
    uri = request.payload.s3_uri
    name = "".join(one if one.isalnum() or one in "-_." else "_" for one in object_id)
    if REQUESTS in uri:
        folder, _, rest = uri.partition(REQUESTS)
        stamp = rest.rpartition("/")[2].removesuffix(".json")
        return _place(f"{folder}/output/{name}_{stamp}.png", "payload.s3Uri")
    config = request.output_config if isinstance(request.output_config, str) else ""
    if config.startswith("s3://"):
        return _place(f"{config.rstrip('/')}/consolidated-annotation/output/{name}.png", "outputConfig")
    raise AnswerError(
        f"object {object_id}: no place to write the label image to; expected payload.s3Uri below "
        f"{REQUESTS.strip('/')} or an outputConfig, seen {uri or 'neither'}"
    )


def _merge_images(
    place: Location, answers: Mapping[str, ImageAnswer], label: Label, images: ImageMerger, objects: _ByRole
) -> LabelImage:
    files = place.uri.partition("/consolidated-annotation/output/")[0]
    painted, aside = {}, list[SetAside]()
    for worker, answer in answers.items():
        try:
            png = _png(worker, answer, files, images, objects)
        except TransientError:
            raise
        except RectoError as error:
            aside.append(SetAside(worker, f"{type(error).__name__}: {error}"))
        else:
            painted[worker] = images.painted(png, answer.colours)
    if not painted:
        raise AnswerError("; ".join(each.reason for each in aside))
    merged = images.merged(painted, label.categories or ())
    aside += [SetAside(worker, reason) for worker, reason in merged.set_aside]
    objects.write(place, merged.png, PNG_TYPE)
    return LabelImage(place.uri, merged.colours, merged.confidences, tuple(aside))


def _png(worker: str, answer: ImageAnswer, files: str, images: ImageMerger, objects: _ByRole) -> bytes:
    if answer.png:
        return images.bytes_of(answer.png, worker)
    if not answer.uri.startswith(f"{files}/"):  # whoever answers may write any address
        raise AnswerError(f"{worker}: {answer.uri} is none of the job's own files, expected {files}/…")
    return objects.read(_place(answer.uri, worker), MAX_ANSWER, "a label image")
