"""What a container is told by its environment: engine, languages, resolution, limits."""

from typing import Annotated

from pydantic import Field

from recto.settings import Settings
from recto_ocr.documents import HowToRead
from recto_ocr.engine import languages_of
from recto_ocr.engines import DEFAULT_ENGINE
from recto_ocr.pages import DPI, MEBIBYTE
from recto_ocr.workers import num_cores


class OcrSettings(Settings):
    """One container's settings; a value that does not fit is reported by its variable's name."""

    ocr_engine: str = DEFAULT_ENGINE
    ocr_default_languages: str = "eng"
    """`eng+deu` or `eng,deu`."""
    ocr_default_dpi: Annotated[int, Field(ge=72, le=600)] = DPI
    """Of PDF pages; images have their pixels."""
    ocr_workers: Annotated[int, Field(ge=0)] = 0
    """Processes; 0 for one per core."""
    ocr_max_request_bytes: Annotated[int, Field(gt=0)] = 500 * MEBIBYTE
    ocr_max_pages: Annotated[int, Field(gt=0)] = 3000
    """Pages read in answer to one request."""

    @property
    def how(self) -> HowToRead:
        return HowToRead(self.ocr_engine, languages_of(self.ocr_default_languages), self.ocr_default_dpi)

    @property
    def num_workers(self) -> int:
        return self.ocr_workers or num_cores()
