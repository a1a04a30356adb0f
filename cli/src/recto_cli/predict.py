"""One document asked of one model: an endpoint, by value or by S3 reference, or a release on this machine.

The answer is the same in both cases: a class and its probability for each word. Fields are not assembled:
`recto process` does that, with the release's field list.
"""

import json
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from PIL import Image, ImageDraw, ImageFont

from recto.aws.clients import client, errors_of
from recto.document import Page, PagePredictions
from recto.errors import (
    ConfigurationError,
    DocumentMissingError,
    ModelFailedError,
    ServiceUnavailableError,
)
from recto.inference import WordClassifier
from recto.model_exchange import LABELS, read_predictions, response_of
from recto.pagestore import PageIndex
from recto.places import DocumentPlaces, Location
from recto.steps.async_inference import AD_HOC, MODEL
from recto.steps.stored_pages import stored_pages
from recto.textract import blocks_of, read_pages
from recto_cli import documents, endpoints, releases
from recto_cli.session import Session
from recto_cli.stack import CALLER, Stack
from recto_data.drawing import colour_of
from recto_ocr.documents import HowToRead, content_of, read_page
from recto_ocr.pages import DPI, page_image

JSON_TYPE = "application/json"
POLL_SECONDS = 1.0
MAX_BY_VALUE = 6_000_000
"""Bytes of a synchronous request, SageMaker's limit."""
DRAWN_DPI = 100


class Asking(NamedTuple):
    """How a model is asked."""

    page: int = 0
    """This page alone; 0 for all."""
    by_value: bool = False
    thumbnails: str = ""
    timeout: float = 900


class Seen(NamedTuple):
    """What a model said."""

    pages: tuple[Page, ...]
    predictions: tuple[PagePredictions, ...]
    labels: tuple[str, ...]
    """The last one means no field."""
    warnings: tuple[str, ...] = ()


class Mention(NamedTuple):
    """Words of one class that stand beside each other."""

    page: int
    label: str
    confidence: float
    """The least of its words'."""
    text: str


def ask(model: str, document: str, how: Asking, session: Session) -> Seen:
    """The answer; DocumentMissingError for a page that the document does not have."""
    pages = pages_of(document, session)
    if how.page and how.page not in {page.number for page in pages}:
        raise DocumentMissingError(
            f"page {how.page}: {document} has pages {pages[0].number} to {pages[-1].number}"
        )
    folder = Path(model)
    if folder.is_dir():
        return ask_release(folder, pages, how)
    stack = session.stack
    name = endpoints.full_name(model, stack)
    found = endpoints.describe(name)
    if found is not None:
        return ask_endpoint(name, found, pages, how, stack)
    with TemporaryDirectory(prefix="recto-release-") as target:
        prefix = _release_prefix(model, name, stack)
        for file, content in releases.download(prefix, stack).items():
            (Path(target) / file).write_bytes(content)
        return ask_release(Path(target), pages, how)


def _release_prefix(model: str, endpoint: str, stack: Stack) -> str:
    try:
        return releases.find_prefix(model, stack)
    except ConfigurationError as error:
        there = ", ".join(endpoints.known_endpoints(stack)) or "none"
        raise ConfigurationError(
            f"{error}; nor is there an endpoint {endpoint}: there are {there}"
        ) from error


# --- a release ----------------------------------------------------------------------------------------


def ask_release(folder: Path, pages: Sequence[Page], how: Asking) -> Seen:
    """A release's model on this machine."""
    classifier = WordClassifier.load(folder)
    wanted = tuple(page for page in pages if how.page in (0, page.number))
    predictions = tuple(classifier.predict_pages(wanted))
    return Seen(wanted, predictions, tuple(classifier.release.labels))


# --- an endpoint --------------------------------------------------------------------------------------


def ask_endpoint(name: str, found: dict[str, Any], pages: Sequence[Page], how: Asking, stack: Stack) -> Seen:
    """An endpoint's answer: at once from a synchronous one, from S3 when an asynchronous one has ended."""
    is_async = "AsyncInferenceConfig" in found
    body = request_body(pages, how, _folder(stack) if not how.by_value else None, stack)
    content = _asked_later(name, body, how.timeout, stack) if is_async else _asked_now(name, body)
    wanted = tuple(page for page in pages if how.page in (0, page.number))
    try:
        answer = json.loads(content)
        blocks, warnings = answer["Blocks"], tuple(map(str, answer.get("Warnings", ())))
    except (ValueError, KeyError, TypeError) as error:
        raise ModelFailedError(
            f"endpoint {name}: expected Textract's shape, got {content[:200]!r}"
        ) from error
    labels = labels_of(name, blocks, stack, told=answer.get(LABELS))
    predictions = tuple(read_predictions(iter(blocks), iter(wanted), labels, f"endpoint {name}"))
    return Seen(wanted, predictions, labels, warnings)


def request_body(pages: Sequence[Page], how: Asking, folder: Location | None, stack: Stack) -> bytes:
    """The request: the words themselves, or where they lie (put there now)."""
    body: dict[str, Any] = {}
    if folder is None:
        body["Content"] = json.loads(response_of(pages))
    else:
        place = Location(bucket=folder.bucket, key=f"{folder.key}input.json")
        stack.objects.write(place, response_of(pages), JSON_TYPE)
        body["S3Input"] = {"Bucket": place.bucket, "Key": place.key}
    if how.thumbnails:
        images = Location.from_uri(how.thumbnails)
        body["S3Thumbnails"] = {"Bucket": images.bucket, "Key": images.key}
    if how.page:
        body |= {"TargetPageNum": how.page, "TargetPageOnly": True}
    return json.dumps(body).encode()


def _folder(stack: Stack) -> Location:
    """A place that the model's role may read, and that expires by itself."""
    return Location(bucket=stack.work, key=f"{MODEL.prefix}requests/{uuid.uuid4().hex}/")


def _asked_now(name: str, body: bytes) -> bytes:
    if len(body) > MAX_BY_VALUE:
        raise ConfigurationError(
            f"a request of {len(body):,} bytes: expected at most {MAX_BY_VALUE:,} by value"
        )
    refused = {"ValidationError": ConfigurationError, "ModelError": ModelFailedError}
    with errors_of(f"InvokeEndpoint {name}", refused):
        answer = client("sagemaker-runtime", CALLER).invoke_endpoint(
            EndpointName=name, Body=body, ContentType=JSON_TYPE, Accept=JSON_TYPE
        )
        content: bytes = answer["Body"].read()
    return content


def _asked_later(name: str, body: bytes, timeout: float, stack: Stack) -> bytes:
    """Put the request into S3, ask, wait for the answer or the failure there."""
    folder = _folder(stack)
    place = Location(bucket=folder.bucket, key=f"{folder.key}request.json")
    stack.objects.write(place, body, JSON_TYPE)
    with errors_of(f"InvokeEndpointAsync {name}", {"ValidationError": ConfigurationError}):
        told = client("sagemaker-runtime", CALLER).invoke_endpoint_async(
            EndpointName=name,
            InputLocation=place.uri,
            ContentType=JSON_TYPE,
            Accept=JSON_TYPE,
            InferenceId=f"{AD_HOC}{uuid.uuid4().hex}",
        )
    output = Location.from_uri(told["OutputLocation"])
    failure = Location.from_uri(told["FailureLocation"]) if told.get("FailureLocation") else None
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if stack.objects.info(output):
            return stack.objects.read(output)
        if failure and stack.objects.info(failure):
            said = stack.objects.read(failure)[:500].decode(errors="replace")
            raise ModelFailedError(f"endpoint {name}: {said}")
        time.sleep(POLL_SECONDS)
    raise ServiceUnavailableError(
        f"endpoint {name} has not answered within {timeout:g} s; the answer will be {output.uri}. One that "
        "sleeps takes some minutes to wake"
    )


def labels_of(
    endpoint: str, blocks: Sequence[dict[str, Any]], stack: Stack, told: object = None
) -> tuple[str, ...]:
    """The release's that names this endpoint, or those that the answer told; else a number for each class."""
    used = releases.used_release(stack)
    if used and endpoints.endpoint_in_use(stack) == endpoint:
        return tuple(releases.read_index(used, stack).labels)
    sizes = {
        len(block["ClassificationProbabilities"])
        for block in blocks
        if "ClassificationProbabilities" in block
    }
    count = max(sizes, default=1)
    if isinstance(told, list) and len(told) == count:
        return tuple(map(str, told))
    return (*(f"class {number}" for number in range(count - 1)), "other")


# --- the document ---------------------------------------------------------------------------------------


def pages_of(document: str, session: Session) -> tuple[Page, ...]:
    """Words of a Textract JSON, of a file that is read now by the local OCR, or of the pipeline's own OCR."""
    path = Path(document)
    if path.suffix.lower() == ".json" and path.is_file():
        try:
            pages = tuple(read_pages(blocks_of(json.loads(path.read_bytes()))))
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(f"{path}: expected Textract's JSON: {error}") from error
    elif path.is_file():
        pages = _read_here(path)
    else:
        pages = _stored(document, session)
    if not pages:
        raise DocumentMissingError(f"{document}: holds no page")
    return pages


def _read_here(path: Path) -> tuple[Page, ...]:
    content, how = content_of(str(path)).content, HowToRead("tesseract", ("eng",), DPI)
    numbers = range(1, content.num_pages + 1)
    read = [read_page(str(path), content.kind, page, path.name, how).blocks for page in numbers]
    return tuple(read_pages(block for blocks in read for block in json.loads(b"[" + blocks + b"]")))


def _stored(document: str, session: Session) -> tuple[Page, ...]:
    stack = session.stack
    row = documents.find_document(document, stack)
    places = DocumentPlaces(stack.work, row.document_id, row.made_in)
    index = PageIndex.from_json(stack.objects.read(places.ocr_index))
    return tuple(stored_pages(stack.objects, places, index, 1, len(index.pages)))


# --- shown ----------------------------------------------------------------------------------------------


def mentions(seen: Seen) -> Iterator[Mention]:
    """Runs of words of one class, in the order of the OCR."""
    other = len(seen.labels) - 1
    for page, said in zip(seen.pages, seen.predictions, strict=True):
        run: list[int] = []
        for index in range(len(page.words) + 1):
            ends = index == len(page.words) or not run or said.classes[index] != said.classes[run[-1]]
            if ends and run:
                yield _mention(page, said, run, seen.labels)
                run = []
            if index < len(page.words) and said.classes[index] != other:
                run.append(index)


def _mention(page: Page, said: PagePredictions, run: Sequence[int], labels: Sequence[str]) -> Mention:
    text = " ".join(page.words[index].text for index in run)
    least = min(said.probabilities[index] for index in run)
    return Mention(page.number, labels[said.classes[run[0]]], least, text)


def answer_json(seen: Seen) -> bytes:
    """The answer in Textract's shape, with the classes' names."""
    words = [
        {
            "Page": page.number,
            "Text": word.text,
            "Class": seen.labels[kind],
            "ClassId": kind,
            "Confidence": share,
        }
        for page, said in zip(seen.pages, seen.predictions, strict=True)
        for word, kind, share in zip(page.words, said.classes, said.probabilities, strict=True)
    ]
    return json.dumps({"Labels": seen.labels, "Words": words, "Warnings": seen.warnings}, indent=1).encode()


def save_pictures(seen: Seen, document: str, folder: Path, session: Session) -> list[Path]:
    """Each page with a class on it, its words' boxes in the class's colour; PNG files."""
    folder.mkdir(parents=True, exist_ok=True)
    other, paths = len(seen.labels) - 1, []
    for page, said in zip(seen.pages, seen.predictions, strict=True):
        if all(kind == other for kind in said.classes):
            continue
        paths.append(folder / f"{Path(document).stem}-page-{page.number}.png")
        draw_classes(_picture(document, page.number, session), page, said, seen.labels).save(paths[-1])
    return paths


def draw_classes(image: Image.Image, page: Page, said: PagePredictions, labels: Sequence[str]) -> Image.Image:
    """The page with a box for each word that has a class, and a legend of the classes below."""
    drawn = image.convert("RGB")
    width, height = drawn.size
    other, size = len(labels) - 1, max(12, width // 70)
    font = ImageFont.load_default(size)
    used = sorted({kind for kind in said.classes if kind != other})
    line = round(size * 1.5)
    whole = Image.new("RGB", (width, height + line * len(used)), "white")
    whole.paste(drawn)
    pen = ImageDraw.Draw(whole, "RGBA")
    for word, kind in zip(page.words, said.classes, strict=True):
        if kind != other:
            box = word.box
            corners = (
                box.left * width - 2,
                box.top * height - 2,
                box.right * width + 2,
                box.bottom * height + 2,
            )
            pen.rectangle(corners, outline=colour_of(kind), width=2, fill=(*colour_of(kind), 50))
    for row, kind in enumerate(used):
        pen.text((10, height + row * line), labels[kind], font=font, fill=colour_of(kind))
    return whole


def _picture(document: str, page: int, session: Session) -> Image.Image:
    """The page itself: of a file here, or as the pipeline drew it; white where there are only words."""
    path = Path(document)
    if path.suffix.lower() == ".json":
        return Image.new("RGB", (850, 1100), "white")
    if path.is_file():
        return page_image(path, content_of(str(path)).content.kind, page, DRAWN_DPI)
    stack = session.stack
    row = documents.find_document(document, stack)
    place = DocumentPlaces(stack.work, row.document_id, row.made_in).image(page)
    with TemporaryDirectory() as folder:
        stack.objects.download(place, Path(folder) / "page")
        return Image.open(Path(folder) / "page").convert("RGB")
