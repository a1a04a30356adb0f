"""Which OCR reads the next document: a parameter that people change, pinned when a document starts."""

from typing import NamedTuple

from recto.errors import ConfigurationError
from recto.messages import OCR_ENGINES
from recto.ports import Parameters

TEXTRACT, SAGEMAKER = OCR_ENGINES


class OcrParameters(NamedTuple):
    """The parameters' names."""

    engine: str
    endpoint: str


class OcrChoice(NamedTuple):
    """An engine, and the endpoint's name where it is one."""

    engine: str = TEXTRACT
    endpoint: str = ""


def chosen_ocr(parameters: Parameters, names: OcrParameters) -> OcrChoice:
    """What the parameters say now; ConfigurationError for an engine that is none of ours."""
    engine = parameters.read(names.engine).strip()
    if engine not in OCR_ENGINES:
        raise ConfigurationError(
            f"parameter {names.engine}: expected {' or '.join(OCR_ENGINES)}, it says {engine!r}"
        )
    return OcrChoice(engine, parameters.read(names.endpoint).strip() if engine == SAGEMAKER else "")
