"""Thumbnails of a document's pages as an endpoint: the document's bytes come in, one npz file goes out.

What the pipeline draws itself (`recto.thumbnails`), for those who keep it on an endpoint. The npz holds
`image`, uint8 (height, width, 3), for a document of one page, else `images`, one PNG file a page as byte
strings; no pickle. Instead of bytes, JSON may say where the document lies and which pages are wanted:
{"S3Input": {"Bucket", "Key"}, "Pages": {"First": 1, "Last": 100}}. Each page is drawn in its small size at
once, so PREPROC_PDF_DPI, which the implementation before this one read, has no meaning here.
"""

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from PIL import Image, ImageColor
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_pascal

from recto.imaging import JPEG_QUALITY, Limits, PageSource, encoded, open_pages
from recto.settings import Pixels, Settings
from recto.thumbnails import Fit, ThumbnailStyle, encoded_thumbnail, npz_of
from recto_training.serve import MAX_REQUEST_BYTES, Answer, Asked, accepted
from recto_training.serve_requests import Objects, Place, RequestRefusedError

JSON, NPZ, NPY, PNG, JPEG = (
    "application/json", "application/x-npz", "application/x-npy", "image/png", "image/jpeg",
)  # fmt: skip
OFFERED = (NPZ, NPY, PNG, JPEG)
SINGLE = frozenset({PNG, JPEG})
"""What holds one page only."""
RAW = frozenset({"", "application/octet-stream", "application/pdf", PNG, JPEG, "image/jpg", "image/tiff"})
DEFAULT_COLOUR = "#808080"


def _sides(value: object) -> object:
    return value.split(",") if isinstance(value, str) else value


def _colour(value: str) -> str:
    """As Pillow understands it."""
    colour = f"rgb({value})" if re.fullmatch(r"[\d, ]+", value) else value
    if colour:
        ImageColor.getrgb(colour)
    return colour


class ThumbnailerSettings(Settings):
    """What the container is told by its environment."""

    preproc_thumbnail_size: Annotated[
        tuple[Pixels, ...], Field(min_length=1, max_length=2), BeforeValidator(_sides)
    ] = (224, 224)
    """Width and height; one number: a square, or the shortest edge where PREPROC_DEFAULT_SQUARE is false."""
    preproc_default_square: bool = True
    preproc_letterbox_color: Annotated[str, AfterValidator(_colour)] = ""
    """A colour's name, `#rrggbb` or `r,g,b`: pages keep their shape between bars of it; empty: stretched."""
    preproc_max_size: Annotated[int, Field(ge=0)] = 0
    """Of the longer edge, where the shorter one is given; 0 for no limit."""
    preproc_preferred_image_format: Literal["png", "jpeg", "jpg"] = "png"
    """For callers who accept any image."""
    max_request_bytes: Annotated[int, Field(gt=0)] = MAX_REQUEST_BYTES
    max_pages: Annotated[int, Field(gt=0)] = 3000
    max_pixels: Annotated[int, Field(gt=0)] = 200_000_000

    @property
    def style(self) -> ThumbnailStyle:
        sides = self.preproc_thumbnail_size
        fit = Fit.LETTERBOX if self.preproc_letterbox_color else Fit.STRETCH
        if len(sides) == 1 and not self.preproc_default_square:
            fit = Fit.SHORTEST
        colour = self.preproc_letterbox_color or DEFAULT_COLOUR
        return ThumbnailStyle(sides[0], sides[-1], fit, colour, self.preproc_max_size)


class WantedPages(BaseModel):
    """First and last page, both included; the last may be left open."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_pascal)

    first: Annotated[int, Field(ge=1)] = 1
    last: Annotated[int, Field(ge=1)] | None = None


class ThumbnailRequest(BaseModel):
    """Where a document lies, instead of its bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_pascal)

    s3_input: Place = Field(alias="S3Input")
    pages: WantedPages = WantedPages()


class Thumbnailer:
    """Answers requests with pictures of pages."""

    def __init__(self, settings: ThumbnailerSettings, objects: Objects | None = None) -> None:
        self._settings, self._style = settings, settings.style
        self._objects = objects or Objects(settings.max_request_bytes)

    def describe(self) -> Mapping[str, Any]:
        return {"Thumbnails": [self._style.width, self._style.height], "Fit": self._style.fit}

    def answer(self, asked: Asked, folder: Path) -> Answer:
        kind = accepted(self._without_wildcard(asked.accept), OFFERED)
        document, wanted = self._document(asked, folder)
        limits = Limits(self._settings.max_pages, self._settings.max_pixels)
        with open_pages(document, limits, "the document") as pages:
            numbers = _numbers(wanted, pages.num_pages)
            if kind in SINGLE and len(numbers) != 1:
                raise RequestRefusedError(
                    406,
                    "UnsupportedAcceptError",
                    f"{kind} holds one page, the document has {len(numbers)}: accept {NPZ}",
                )
            content = self._drawn(pages, numbers, kind)
        path = folder / "answer"
        path.write_bytes(content)
        return Answer(path, kind)

    def _without_wildcard(self, accept: str) -> str:
        """`image/*` is the preferred format."""
        preferred = PNG if self._settings.preproc_preferred_image_format == "png" else JPEG
        return accept.replace("image/*", preferred)

    def _document(self, asked: Asked, folder: Path) -> tuple[Path, WantedPages]:
        if asked.content_type in RAW:
            return asked.body, WantedPages()
        if asked.content_type != JSON:
            expected = f"expected {JSON} or a document as one of {', '.join(sorted(RAW - {''}))}"
            raise RequestRefusedError(
                415, "UnsupportedContentTypeError", f"content type {asked.content_type!r}; {expected}"
            )
        try:
            request = ThumbnailRequest.model_validate_json(asked.body.read_bytes())
        except ValidationError as error:
            seen = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors())
            raise RequestRefusedError(
                400, "InvalidRequestError", f"the JSON does not fit: {seen[:1000]}"
            ) from error
        return self._objects.fetch(request.s3_input, folder / "document"), request.pages

    def _drawn(self, pages: PageSource, numbers: range, kind: str) -> bytes:
        files = [encoded_thumbnail(pages, number, self._style) for number in numbers]
        if kind == NPZ:
            return npz_of(files, is_whole_document=pages.num_pages == 1)
        if kind == NPY:
            return _npy_of(files)
        return files[0] if kind == PNG else encoded(_opened(files[0]), "JPEG", quality=JPEG_QUALITY)


def _numbers(wanted: WantedPages, num_pages: int) -> range:
    last = wanted.last or num_pages
    if not wanted.first <= last <= num_pages:
        raise RequestRefusedError(
            400, "PageRangeError", f"pages {wanted.first} to {last} of a document of {num_pages} pages"
        )
    return range(wanted.first, last + 1)


def _npy_of(files: list[bytes]) -> bytes:
    """The pixels of one page, or the PNG files of several."""
    array = np.asarray(_opened(files[0])) if len(files) == 1 else np.array(files, dtype=np.bytes_)
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _opened(file: bytes) -> Image.Image:
    with Image.open(io.BytesIO(file)) as image:
        return image.convert("RGB")


def open_endpoint(model: Path, environment: Mapping[str, str]) -> Thumbnailer:  # noqa: ARG001 - it needs no model
    """The endpoint; ConfigurationError where the environment does not fit."""
    return Thumbnailer(ThumbnailerSettings.read(environment))
