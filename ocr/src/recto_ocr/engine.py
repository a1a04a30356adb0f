"""What an OCR engine is: one page image in, lines of words out. No engine, file or service is here.

Coordinates are 0-1 of the image as given, top left first; confidences are 0-100, as Textract gives them.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from PIL import Image

from recto.errors import ConfigurationError
from recto.geometry import Box

LANGUAGE = re.compile(r"[A-Za-z][A-Za-z0-9_]*(/[A-Za-z][A-Za-z0-9_]*)?")
"""`eng`, `chi_sim`, `script/Latin`."""


class LanguageMissingError(ConfigurationError):
    """A language was asked for that the engine has no files of."""


class EngineMissingError(ConfigurationError):
    """An engine was asked for that is not here."""


class OcrWord(NamedTuple):
    """One word, its confidence 0-100 and its place 0-1."""

    text: str
    confidence: float
    box: Box


class OcrLine(NamedTuple):
    """Words that stand in one line without a column gap."""

    words: tuple[OcrWord, ...]
    turn: int = 0
    """Clockwise quarter turns of the text on the page: 1 reads from top to bottom, 2 is upside down."""

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)

    @property
    def confidence(self) -> float:
        return sum(word.confidence for word in self.words) / len(self.words)

    @property
    def box(self) -> Box:
        return Box.around(word.box for word in self.words)


class OcrEngine(Protocol):
    """An engine; it is used from one thread of one process at a time, and may keep what it has loaded."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    def installed_languages(self) -> tuple[str, ...]: ...

    def check(self, languages: Sequence[str]) -> None:
        """LanguageMissingError, naming what is installed, for a language that is not."""
        ...

    def read(self, image: Image.Image, languages: tuple[str, ...]) -> list[OcrLine]:
        """The lines of one page in reading order; TimeoutError where it takes far longer than a page may."""
        ...


def languages_of(given: str | Sequence[str]) -> tuple[str, ...]:
    """`eng+deu`, `eng,deu` or a list, each once; ConfigurationError for what is no language's name."""
    names = re.split(r"[+,]", given) if isinstance(given, str) else list(given)
    wanted = tuple(dict.fromkeys(str(name).strip() for name in names))
    for name in wanted:
        if not LANGUAGE.fullmatch(name):
            raise ConfigurationError(
                f"languages: expected names like eng, deu or chi_sim, as eng+deu or a list, got {given!r}"
            )
    if not wanted:
        raise ConfigurationError("languages: expected at least one, as eng+deu or a list, got none")
    return wanted
