"""What comes to an endpoint, read and checked, with a refusal by name for everything else. No models here.

The words' endpoint takes a response of Textract as it is, or {"Content": the same} or {"S3Input": where it
lies}, beside which may stand S3Output, S3Thumbnails, TargetPageNum and TargetPageOnly.
"""

from pathlib import Path
from typing import Annotated, Any

from botocore.exceptions import ClientError
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_pascal

from recto.aws.clients import code_of
from recto.aws.s3 import S3Objects
from recto.errors import (
    AccessError,
    ConfigurationError,
    DocumentError,
    DocumentMissingError,
    RectoError,
    ServiceUnavailableError,
)
from recto.places import Location

CALLER = "recto-endpoint"
PART_BYTES = 64 * 1024 * 1024
"""Of an answer that is written to S3 in parts; a smaller one is written whole."""


class RequestRefusedError(Exception):
    """A request that is not answered; `name` goes into the answer's `Error`."""

    def __init__(self, status: int, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.status, self.name, self.message = status, name, message


def refusal_of(error: RequestRefusedError | RectoError) -> tuple[int, dict[str, str]]:
    """HTTP status and body that tell of an error."""
    if isinstance(error, RequestRefusedError):
        return error.status, {"Error": error.name, "Message": error.message}
    return _status_of(error), {"Error": type(error).__name__, "Message": str(error)}


def _status_of(error: RectoError) -> int:
    if isinstance(error, DocumentMissingError):
        return 404
    if isinstance(error, DocumentError):
        return 422
    if isinstance(error, AccessError):
        return 403
    return 400 if isinstance(error, ConfigurationError) else 503


def _place(value: Any) -> Any:
    """`{"Bucket", "Key"}`, `{"S3Uri"}` (or `URI`, as answers say it) and `s3://...` are the same."""
    uri = value.get("S3Uri", value.get("URI")) if isinstance(value, dict) else value
    return Location.from_uri(uri) if isinstance(uri, str) else value


Place = Annotated[Location, BeforeValidator(_place)]


class WordRequest(BaseModel):
    """What may stand beside a document, or instead of it."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_pascal)

    s3_input: Place | None = Field(default=None, alias="S3Input")
    s3_output: Place | None = Field(default=None, alias="S3Output")
    s3_thumbnails: Place | None = Field(default=None, alias="S3Thumbnails")
    target_page_num: Annotated[int, Field(ge=1)] | None = None
    """The only page to classify."""
    target_page_only: bool = False
    """Whether the answer leaves out all other pages."""


REQUEST_KEYS = frozenset(field.alias or name for name, field in WordRequest.model_fields.items())


def parse_word_request(values: Any) -> WordRequest:
    """From the root of the request's JSON; 400 where it does not fit."""
    if not isinstance(values, dict):
        raise RequestRefusedError(
            400, "InvalidRequestError", f"expected a JSON object, got a {type(values).__name__}"
        )
    try:
        request = WordRequest.model_validate(values)
    except ValidationError as error:
        seen = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise RequestRefusedError(
            400, "InvalidRequestError", f"the JSON does not fit: {seen[:1000]}"
        ) from error
    if request.target_page_only and request.target_page_num is None:
        raise RequestRefusedError(400, "InvalidRequestError", "TargetPageOnly: expected a TargetPageNum too")
    return request


class Objects:
    """S3 as an endpoint needs it: objects fetched and written as files, within a limit."""

    def __init__(self, max_bytes: int) -> None:
        self._s3: S3Objects | None = None
        self._max_bytes = max_bytes

    @property
    def _objects(self) -> S3Objects:
        """Made when it is first needed: requests with their content need no S3."""
        self._s3 = self._s3 or S3Objects(CALLER)
        return self._s3

    def fetch(self, place: Location, path: Path) -> Path:
        """The object as a file; an error by name where it is absent, forbidden or too large."""
        try:
            info = self._objects.info(place)
            if info is None:
                raise DocumentMissingError(f"{place.uri}: there is no such object")
            if info.size > self._max_bytes:
                raise RequestRefusedError(
                    413,
                    "RequestTooLargeError",
                    f"{place.uri} has {info.size:,} bytes, at most {self._max_bytes:,}",
                )
            self._objects.download(place, path)
        except ClientError as error:
            raise _our_error(error, place) from error
        return path

    def store(self, path: Path, place: Location, content_type: str) -> None:
        """The file as an object, in parts where it is large."""
        try:
            self._store(path, place, content_type)
        except ClientError as error:
            raise _our_error(error, place) from error

    def _store(self, path: Path, place: Location, content_type: str) -> None:
        if path.stat().st_size <= PART_BYTES:
            self._objects.write(place, path.read_bytes(), content_type)
            return
        upload = self._objects.begin(place, content_type)
        with path.open("rb") as file:
            parts = enumerate(iter(lambda: file.read(PART_BYTES), b""), 1)
            etags = [self._objects.add(place, upload, number, part) for number, part in parts]
        self._objects.finish(place, upload, etags)


def _our_error(error: ClientError, place: Location) -> RectoError:
    """For what `recto.aws` lets pass as a bug of the pipeline's: here callers name the buckets."""
    code = code_of(error)
    if code == "NoSuchBucket":
        return DocumentMissingError(f"{place.uri}: {code}")
    return ServiceUnavailableError(f"{place.uri}: {code}: {error}")
