"""The word model as an endpoint: Textract's JSON comes in and goes out with a class on every WORD block.

Added to each word: `ClassificationProbabilities` (one a label), `PredictedClass`, `PredictedClassConfidence`
(0-1) and `PredictedClassAgreement` (0-1: the share of windows that say the same); to the response:
`ClassificationLabels` (the classes' names by number) and `Warnings`. `model_fn` to `output_fn` are what
SageMaker's inference toolkit calls in a ready-made container; the web server of `recto_training.serve`
answers through the same lines. Pages stream: memory does not grow with the document.
"""

import json
import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
from PIL import ImageColor
from pydantic import BeforeValidator, Field

from recto.document import Page
from recto.errors import DamagedDocumentError
from recto.inference import Picture, Verdict
from recto.model_exchange import LABELS
from recto.release import INDEX
from recto.settings import Pixels, Settings
from recto.textract import read_pages
from recto.thumbnail_arrays import read_thumbnails
from recto_training.predict import HowToRun, Precision, WordModel, open_word_model
from recto_training.serve import MAX_REQUEST_BYTES, Answer, Asked, accepted, media_type
from recto_training.serve_requests import (
    REQUEST_KEYS,
    Objects,
    RequestRefusedError,
    WordRequest,
    parse_word_request,
)
from recto_training.textract_file import (
    CONTENT,
    STREAMED_BYTES,
    Block,
    TextractFile,
    checked,
    read_root,
    write_response,
)

JSON = "application/json"
DIGITS = 6
"""Of a probability in the answer: the page store keeps millionths."""
METADATA = Path("/opt/ml/.sagemaker_infra/endpoint-metadata.json")
"""SageMaker's own note of the endpoint that a container belongs to."""
OF_MODEL_FOLDERS = {
    "PAD_TO_MULTIPLE_OF": "a batch is padded to its longest window, which ONNX needs no multiple for",
    "INFERENCE_PRECISION": "it is in the release's own numbers",
}
"""Settings that change nothing where the endpoint runs a release, and why."""
GREY_PAGES = (
    "this model looks at page images, but the request names none (S3Thumbnails): grey pages were used, "
    "and the classes may be less accurate"
)


def _numbers(value: object) -> object:
    return value.split(",") if isinstance(value, str) else value


def _colour(value: object) -> object:
    """`128,128,128`, a colour's name or `#rrggbb`."""
    if isinstance(value, str):
        return value.split(",") if "," in value else ImageColor.getrgb(value)[:3]
    return value


def _or_one(value: object) -> object:
    return 1 if value in ("", "None") else value


Level = Annotated[int, Field(ge=0, le=255)]


class WordEndpointSettings(Settings):
    """What the container is told by its environment; OF_MODEL_FOLDERS have no part in how a release runs."""

    inference_batch_size: Annotated[int, Field(gt=0)] = 8
    """Windows in a batch, at most."""
    pad_to_multiple_of: Annotated[int, Field(gt=0), BeforeValidator(_or_one)] = 8
    inference_threads: Annotated[int, Field(ge=0)] = 0
    """0 for one per core."""
    inference_precision: Precision = Precision.FLOAT32
    default_thumbnail_size: Annotated[tuple[Pixels, Pixels], BeforeValidator(_numbers)] = (224, 224)
    """Width and height of the pages that stand in for images that are not given."""
    default_thumbnail_color: Annotated[tuple[Level, Level, Level], BeforeValidator(_colour)] = (128, 128, 128)
    recto_answers_into_s3: bool = False
    """Whether the endpoint is asynchronous, as `recto deploy-model` tells those that it makes: SageMaker puts
    their answers into S3 itself, and S3Output is left aside."""
    max_request_bytes: Annotated[int, Field(gt=0)] = MAX_REQUEST_BYTES
    streamed_bytes: Annotated[int, Field(gt=0)] = STREAMED_BYTES
    """From which size on a document is streamed instead of parsed at once."""


class Job(NamedTuple):
    """A request that was read: what to do."""

    request: WordRequest
    document: TextractFile
    thumbnails: Path | None


class WordEndpoint:
    """Answers requests with one model."""

    def __init__(
        self, model: WordModel, settings: WordEndpointSettings, objects: Objects | None = None
    ) -> None:
        self._model, self._settings = model, settings
        self._objects = objects or Objects(settings.max_request_bytes)
        self._is_async: bool | None = None

    def describe(self) -> Mapping[str, Any]:
        return {"Model": self._model.name, "Labels": self._model.labels}

    def answer(self, asked: Asked, folder: Path) -> Answer:
        accept = accepted(asked.accept, (JSON,))
        job = self.read(asked, folder)
        return Answer(self.send(job, self.predict(job, folder)), accept)

    # ---- in, through, out

    def read(self, asked: Asked, folder: Path) -> Job:
        """The request and its document; refused by name where they do not fit."""
        if asked.content_type != JSON:
            raise RequestRefusedError(
                415, "UnsupportedContentTypeError", f"content type {asked.content_type!r}; expected {JSON}"
            )
        streamed = self._settings.streamed_bytes
        try:
            root, document = read_root(asked.body, streamed)
        except DamagedDocumentError as error:
            raise RequestRefusedError(400, "InvalidRequestError", f"the body: {error}") from error
        request = parse_word_request(root)
        if request.s3_input is not None:
            fetched = self._objects.fetch(request.s3_input, folder / "document")
            document = _named(request.s3_input.uri, lambda: checked(read_root(fetched, streamed)[1]))
        elif CONTENT not in root:
            kept = {key: value for key, value in document.rest.items() if key not in REQUEST_KEYS}
            document = document._replace(rest=kept)
        document = _named("the body", lambda: checked(document))
        thumbnails = None
        if request.s3_thumbnails is not None and self._model.wants_pictures:
            thumbnails = self._objects.fetch(request.s3_thumbnails, folder / "thumbnails.npz")
        return Job(request, document, thumbnails)

    def predict(self, job: Job, folder: Path) -> Path:
        """The document with classes, as a file."""
        warnings: list[str] = []
        if self._model.wants_pictures and job.thumbnails is None:
            warnings.append(GREY_PAGES)
        marked = MarkedBlocks(self._model, job.document.blocks, job.request, self._pictures(job))
        path = folder / "answer.json"
        rest = {**job.document.rest, LABELS: self._model.labels}
        if job.request.target_page_only:
            rest["DocumentMetadata"] = {**(rest.get("DocumentMetadata") or {}), "Pages": 1}
        write_response(path, rest, marked, warnings)
        marked.require_target()
        return path

    def send(self, job: Job, answer: Path) -> Path:
        """The answer itself, or where it lies if it was to be put into S3 by a synchronous endpoint."""
        place = job.request.s3_output
        if place is None or self._answers_into_s3():
            return answer
        self._objects.store(answer, place, JSON)
        said = {"Bucket": place.bucket, "Key": place.key, "URI": place.uri}
        told = answer.with_name("place.json")
        told.write_text(json.dumps(said))
        return told

    # ----

    def _pictures(self, job: Job) -> "Pictures":
        settings = self._settings
        width, height = settings.default_thumbnail_size
        grey = np.full((height, width, 3), settings.default_thumbnail_color, np.uint8)
        if not self._model.wants_pictures:
            return Pictures(None, None)
        return Pictures(grey, job.thumbnails)

    def _answers_into_s3(self) -> bool:
        """Whether this is an asynchronous endpoint, whose every answer SageMaker puts into S3 itself."""
        if self._is_async is None:
            told = self._settings.recto_answers_into_s3
            self._is_async = told or (METADATA.is_file() and _is_async(METADATA))
        return self._is_async


def _is_async(metadata: Path) -> bool:
    """Asked of SageMaker where the environment does not say it; taken for no where that is not allowed."""
    import boto3  # noqa: PLC0415 - only inside SageMaker
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - only inside SageMaker

    name = json.loads(metadata.read_text())["EndpointArn"].rpartition("/")[2]
    with suppress(BotoCoreError, ClientError):
        return "AsyncInferenceConfig" in boto3.client("sagemaker").describe_endpoint(EndpointName=name)
    return False


def _named(where: str, read: Callable[[], TextractFile]) -> TextractFile:
    """What `read` gives; its error says where."""
    try:
        return read()
    except DamagedDocumentError as error:
        raise DamagedDocumentError(f"{where}: {error}") from error


class Pictures:
    """The pictures of a document's pages by their position; the stand-in for each where there are none."""

    def __init__(self, stand_in: Picture, thumbnails: Path | None) -> None:
        self._stand_in = stand_in
        self._file = thumbnails
        self._left = None if thumbnails is None else _thumbnails(thumbnails)
        self._position = 0

    def at(self, position: int) -> Picture:
        """Of the page at a position (from 0); positions ascend from call to call."""
        if self._left is None:
            return self._stand_in
        picture = next(islice(self._left, position - self._position, None), None)
        if picture is None:
            raise RequestRefusedError(
                400,
                "ThumbnailsError",
                f"S3Thumbnails: there is no picture for page {position + 1}",
            )
        self._position = position + 1
        return picture


def _thumbnails(path: Path) -> Iterator[Picture]:
    try:
        yield from read_thumbnails(path.read_bytes())
    except (ValueError, OSError, SyntaxError) as error:  # zip, numpy and Pillow each in their own words
        raise RequestRefusedError(400, "ThumbnailsError", f"S3Thumbnails: {error}") from error


class MarkedBlocks:
    """The blocks of a document in their order, each word with its class as soon as the model has spoken."""

    def __init__(
        self, model: WordModel, blocks: Iterable[Block], request: WordRequest, pictures: Pictures
    ) -> None:
        self._model, self._blocks, self._pictures = model, blocks, pictures
        self._target, self._only = request.target_page_num, request.target_page_only
        self._waiting: deque[Block] = deque()
        self._pages_seen: tuple[int, int] | None = None
        """First and last."""

    def __iter__(self) -> Iterator[Block]:
        for verdict in self._model.verdicts(self._pages_with_pictures()):
            yield from self._until_marked(verdict)
        yield from self._waiting

    def require_target(self) -> None:
        """400 where the page that was asked for did not come."""
        first, last = self._pages_seen or (0, 0)
        if self._target is not None and not first <= self._target <= last:
            pages = f"pages {first} to {last}" if last else "no pages"
            raise RequestRefusedError(
                400, "PageRangeError", f"TargetPageNum {self._target} of a document of {pages}"
            )

    def _pages_with_pictures(self) -> Iterator[tuple[Page, Picture]]:
        for page in read_pages(self._wanted()):
            first = self._pages_seen[0] if self._pages_seen else page.number
            yield page, self._pictures.at(page.number - first)

    def _wanted(self) -> Iterator[Block]:
        """The blocks to be read for words; those to be sent back line up meanwhile."""
        for block in self._blocks:
            if not isinstance(block, dict):
                raise DamagedDocumentError(f"Blocks: expected objects, got a {type(block).__name__}")
            number = block.get("Page") or 1
            first, last = self._pages_seen or (number, number)
            self._pages_seen = min(first, number), max(last, number)
            is_wanted = self._target in (None, number)
            if is_wanted or not self._only:
                self._waiting.append(block)
            if is_wanted:
                yield block

    def _until_marked(self, verdict: Verdict) -> Iterator[Block]:
        """The blocks up to the last word of a page, its words marked."""
        rows = _rows(verdict)
        left = len(rows)
        while left:
            block = self._waiting.popleft()
            if block.get("BlockType") == "WORD" and block.get("Text") and self._is_target(block):
                block |= rows[-left]
                left -= 1
            yield block

    def _is_target(self, block: Block) -> bool:
        return self._target in (None, block.get("Page") or 1)


def _rows(verdict: Verdict) -> Sequence[Block]:
    """What is added to each word of a page."""
    said = verdict.predictions
    means = np.round(verdict.means_WK, DIGITS).tolist()
    columns = zip(said.classes, said.probabilities, said.agreements, means, strict=True)
    return [
        {
            "ClassificationProbabilities": probabilities,
            "PredictedClass": best,
            "PredictedClassConfidence": round(confidence, DIGITS),
            "PredictedClassAgreement": round(agreement, DIGITS),
        }
        for best, confidence, agreement, probabilities in columns
    ]


# ---- the web server's and the inference toolkit's ways in


def open_endpoint(model: Path, environment: Mapping[str, str]) -> WordEndpoint:
    """The endpoint over a model's folder; ConfigurationError where folder or environment do not fit."""
    settings = WordEndpointSettings.read(environment)
    if (model / INDEX).is_file():
        for name in OF_MODEL_FOLDERS.keys() & environment.keys():
            print(f"ignored: {name} (this is a release: {OF_MODEL_FOLDERS[name]})", flush=True)
    how = HowToRun(
        settings.inference_threads,
        settings.inference_batch_size,
        settings.pad_to_multiple_of,
        settings.inference_precision,
    )
    return WordEndpoint(open_word_model(model, how), settings)


class ToolkitJob(NamedTuple):
    """A request on its way through the toolkit's functions, with the folder that goes when all is done."""

    asked: Asked
    folder: tempfile.TemporaryDirectory[str]


def model_fn(model_dir: str) -> WordEndpoint:
    """What the toolkit keeps as the model."""
    return open_endpoint(Path(model_dir), os.environ)


def input_fn(request_body: bytes | str, content_type: str = JSON) -> ToolkitJob:
    """The request as the toolkit hands it over."""
    folder = tempfile.TemporaryDirectory(prefix="recto-endpoint-")
    body = Path(folder.name) / "request"
    body.write_bytes(request_body.encode() if isinstance(request_body, str) else request_body)
    return ToolkitJob(Asked(body, media_type(content_type), JSON), folder)


def predict_fn(job: ToolkitJob, model: WordEndpoint) -> bytes:
    """The answer's JSON."""
    with job.folder as folder:
        return model.answer(job.asked, Path(folder)).body.read_bytes()


def output_fn(prediction: bytes, accept: str = JSON) -> bytes:
    """The same; refused where the caller does not accept JSON."""
    accepted(accept, (JSON,))
    return prediction
