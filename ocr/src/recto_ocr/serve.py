"""The OCR engines as a web server, in the form that SageMaker asks of a container.

    python -m recto_ocr.serve --host 127.0.0.1 --port 8080

`GET /ping`, and `POST /invocations` with a document's bytes or with JSON: {"Document": {"Bytes": base64} or
{"S3Object": {"Bucket", "Name", "Version"}}, "Languages": ["eng"], "Pages": {"First": 1, "Last": 100}}. The
answer is a response of Textract's DetectDocumentText for all those pages, or {"Error": name, "Message": why}.
"""

import argparse
import base64
import binascii
import os
import shutil
import sys
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import asynccontextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import uvicorn
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from recto.errors import (
    AccessError,
    ConfigurationError,
    DamagedDocumentError,
    DocumentError,
    DocumentMissingError,
    RectoError,
    ServiceUnavailableError,
)
from recto_ocr.blocks import model_version
from recto_ocr.configuration import OcrSettings
from recto_ocr.documents import BLOCKS_END, HowToRead, ReadPage, content_of, json_head, read_page
from recto_ocr.engine import languages_of
from recto_ocr.engines import engine_named
from recto_ocr.requests import GivenDocument, ObjectInS3, OcrRequest, WantedPages
from recto_ocr.workers import Workers

JSON = "application/json"
RAW = frozenset(
    {"", "application/octet-stream", "application/pdf", "image/png",
     "image/jpeg", "image/jpg", "image/tiff", "image/tif"}
)  # fmt: skip
UNDER_WAY_PER_WORKER = 8
FORBIDDEN = frozenset({"AccessDenied", "AllAccessDisabled", "InvalidAccessKeyId", "403"})
MISSING = frozenset({"NoSuchKey", "NoSuchBucket", "NoSuchVersion", "404"})


class RequestRefusedError(Exception):
    """A request that is not answered; `name` goes into the answer's `Error`."""

    def __init__(self, status: int, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.status, self.name, self.message = status, name, message


class OcrServer:
    """Answers requests with one engine, pages spread over the worker processes."""

    def __init__(self, settings: OcrSettings, s3: Callable[[], Any] | None = None) -> None:
        """ConfigurationError where the engine or one of the default languages is not there."""
        self._settings = settings
        self._engine = engine_named(settings.ocr_engine)
        self._engine.check(settings.how.languages)
        self._new_s3 = s3 or (lambda: boto3.client("s3"))
        self._workers = Workers(settings.num_workers)

    @cached_property
    def _s3(self) -> Any:
        return self._new_s3()

    def app(self) -> Starlette:
        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            yield
            self.close()

        routes = [
            Route("/ping", self.ping, methods=["GET"]),
            Route("/invocations", self.invocations, methods=["POST"]),
        ]
        return Starlette(routes=routes, lifespan=lifespan)

    def close(self) -> None:
        self._workers.close()

    async def ping(self, _: Request) -> Response:
        languages = self._engine.installed_languages()
        return JSONResponse({"Engine": model_version(self._engine), "Languages": languages})

    async def invocations(self, request: Request) -> Response:
        folder = Path(tempfile.mkdtemp(prefix="recto-ocr-"))
        clean_up = BackgroundTask(shutil.rmtree, folder, ignore_errors=True)
        try:
            asked = await self._received(request, folder / "document")
            answer = await run_in_threadpool(self._answer, folder, asked)
        except RequestRefusedError as refused:
            body = {"Error": refused.name, "Message": refused.message}
            return JSONResponse(body, refused.status, background=clean_up)
        except RectoError as error:
            body = {"Error": type(error).__name__, "Message": str(error)}
            return JSONResponse(body, _status_of(error), background=clean_up)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return FileResponse(answer, media_type=JSON, background=clean_up)

    # ---- the request

    async def _received(self, request: Request, path: Path) -> OcrRequest | None:
        """The request's JSON, or None where the body was the document, which now lies at `path`."""
        media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media != JSON and media not in RAW:
            expected = f"expected {JSON} or a document as one of {', '.join(sorted(RAW - {''}))}"
            raise RequestRefusedError(
                415, "UnsupportedContentTypeError", f"content type {media!r}; {expected}"
            )
        await self._save_body(request, path)
        if media != JSON:
            return None
        try:
            return OcrRequest.model_validate_json(await run_in_threadpool(path.read_bytes))
        except ValidationError as error:
            seen = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors())
            raise RequestRefusedError(
                400, "InvalidRequestError", f"the JSON does not fit: {seen[:1000]}"
            ) from error

    async def _save_body(self, request: Request, path: Path) -> None:
        limit, size = self._settings.ocr_max_request_bytes, 0
        with await run_in_threadpool(path.open, "wb") as file:
            async for chunk in request.stream():
                size += len(chunk)
                if size > limit:
                    raise RequestRefusedError(
                        413, "RequestTooLargeError", f"the body has more than {limit} bytes"
                    )
                file.write(chunk)
        if not size:
            raise RequestRefusedError(400, "InvalidRequestError", "the body is empty")

    def _fetch(self, given: GivenDocument, path: Path) -> None:
        """Put the document of a JSON request at `path`, where the JSON lay."""
        if given.content is not None:
            try:
                path.write_bytes(base64.b64decode(given.content, validate=True))
            except (ValueError, binascii.Error) as error:
                raise RequestRefusedError(
                    400, "InvalidRequestError", f"Document.Bytes: not base64: {error}"
                ) from error
        elif given.s3_object is not None:
            self._download(given.s3_object, path)

    def _download(self, source: ObjectInS3, path: Path) -> None:
        place = {"Bucket": source.bucket, "Key": source.name}
        place |= {"VersionId": source.version} if source.version else {}
        limit, uri = self._settings.ocr_max_request_bytes, f"s3://{source.bucket}/{source.name}"
        try:
            answer = self._s3.get_object(**place)
            if answer["ContentLength"] > limit:
                raise RequestRefusedError(413, "RequestTooLargeError", f"{uri} has more than {limit} bytes")
            with path.open("wb") as file:
                shutil.copyfileobj(answer["Body"], file, 1024 * 1024)
        except ClientError as error:
            raise _s3_error(error, uri) from error
        except (BotoCoreError, OSError) as error:
            raise ServiceUnavailableError(f"{uri}: {type(error).__name__}: {error}") from error

    # ---- the answer

    def _answer(self, folder: Path, asked: OcrRequest | None) -> Path:
        """The response as a file: one page in memory at a time, however many there are."""
        path, answer = folder / "document", folder / "answer.json"
        how = self._settings.how
        if asked is not None:
            self._fetch(asked.document, path)
            if asked.languages is not None:
                how = how._replace(languages=languages_of(asked.languages))
                self._engine.check(how.languages)
        content = self._once_more(lambda: self._workers.submit(content_of, str(path))).content
        numbers = self._numbers(asked.pages if asked else None, content.num_pages)
        with answer.open("wb") as file:
            file.write(json_head(model_version(self._engine), content.num_pages))
            for count, page in enumerate(self._read(path, content.kind, numbers, how)):
                file.write(b", " * bool(count) + page.blocks)
            file.write(BLOCKS_END)
        return answer

    def _numbers(self, wanted: WantedPages | None, num_pages: int) -> range:
        first = wanted.first if wanted else 1
        last = wanted.last if wanted and wanted.last else num_pages
        if not first <= last <= num_pages:
            raise RequestRefusedError(
                400, "PageRangeError", f"pages {first} to {last} of a document of {num_pages} pages"
            )
        limit = self._settings.ocr_max_pages
        if last - first >= limit:
            raise RequestRefusedError(
                413, "RequestTooLargeError", f"{last - first + 1} pages in one request; at most {limit}"
            )
        return range(first, last + 1)

    def _read(self, path: Path, kind: str, numbers: range, how: HowToRead) -> "_PagesInOrder":
        def ask(number: int) -> "Future[ReadPage]":
            return self._workers.submit(read_page, str(path), kind, number, path.parent.name, how)

        return _PagesInOrder(numbers, ask, self._once_more, UNDER_WAY_PER_WORKER * self._workers.count)

    @staticmethod
    def _once_more(ask: "Callable[[], Future[Any]]", under_way: "Future[Any] | None" = None) -> Any:
        """The result; asked for again once where the process has died, perhaps of another's document."""
        try:
            return (under_way or ask()).result()
        except BrokenProcessPool:
            pass
        try:
            return ask().result()
        except BrokenProcessPool as error:
            raise DamagedDocumentError("the process that read it has died, twice") from error


class _PagesInOrder:
    """Pages in their order while at most `window` are under way."""

    def __init__(
        self,
        numbers: range,
        ask: "Callable[[int], Future[ReadPage]]",
        result: Callable[..., ReadPage],
        window: int,
    ) -> None:
        self._left, self._ask, self._result, self._window = iter(numbers), ask, result, window
        self._under_way: deque[tuple[int, Future[ReadPage]]] = deque()

    def __iter__(self) -> "_PagesInOrder":
        return self

    def __next__(self) -> ReadPage:
        while len(self._under_way) < self._window and (number := next(self._left, None)) is not None:
            self._under_way.append((number, self._ask(number)))
        if not self._under_way:
            raise StopIteration
        number, future = self._under_way.popleft()
        return self._result(lambda: self._ask(number), future)


def _s3_error(error: ClientError, uri: str) -> RectoError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    if code in MISSING:
        return DocumentMissingError(f"{uri}: {code}")
    if code in FORBIDDEN:
        return AccessError(f"{uri}: the endpoint's role may not read it ({code})")
    return ServiceUnavailableError(f"{uri}: {code}")


def _status_of(error: RectoError) -> int:
    if isinstance(error, DocumentMissingError):
        return 404
    if isinstance(error, DocumentError):
        return 422
    if isinstance(error, AccessError):
        return 403
    return 400 if isinstance(error, ConfigurationError) else 503


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m recto_ocr.serve", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--host", default="0.0.0.0")
    parser.add_argument("--port", type=int, default=int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080")))
    options = parser.parse_args()
    try:
        server = OcrServer(OcrSettings.read(os.environ))
    except ConfigurationError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2
    uvicorn.run(server.app(), host=options.host, port=options.port, log_level="warning")
    return 0


if __name__ == "__main__":
    sys.exit(main())
