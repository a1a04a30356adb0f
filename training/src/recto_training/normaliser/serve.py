"""A normaliser's endpoint: `{"inputs": text or texts}` in, `{"generated_text": text or texts}` out.

An answer that holds no date (`ambiguous: …`, `invalid`, `incomplete`, `none`) becomes an empty text, which
tells the pipeline to keep the print: its rules then read it, mark what is ambiguous and send it to a person.
NORMALISER_MARKERS=keep sends the words themselves. A text longer than the model reads becomes empty too.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import torch
from pydantic import Field

from recto.settings import Settings
from recto_training.normaliser.dates import AMBIGUOUS, INCOMPLETE, INVALID, NONE
from recto_training.normaliser.model import Normaliser, open_normaliser
from recto_training.serve import Answer, Asked, accepted, media_type
from recto_training.serve_requests import RequestRefusedError

JSON = "application/json"
MARKERS = (INVALID, INCOMPLETE, NONE)


class NormaliserSettings(Settings):
    """What the container is told by its environment."""

    inference_batch_size: Annotated[int, Field(gt=0)] = 4
    inference_threads: Annotated[int, Field(ge=0)] = 0
    """Of torch; 0 leaves its choice."""
    max_inputs: Annotated[int, Field(gt=0)] = 1000
    max_input_characters: Annotated[int, Field(gt=0)] = 4000
    normaliser_markers: Literal["empty", "keep"] = "empty"


class TextRequest(NamedTuple):
    """The texts of a request."""

    texts: tuple[str, ...]
    is_list: bool
    """Whether the answer is a list as well."""


class NormaliserEndpoint:
    """Answers for one model."""

    def __init__(self, normaliser: Normaliser, settings: NormaliserSettings) -> None:
        self._normaliser, self._settings = normaliser, settings

    def describe(self) -> Mapping[str, Any]:
        limits = self._normaliser.limits
        return {"kind": "normaliser", "max_source_length": limits.source, "max_target_length": limits.target}

    def answer(self, asked: Asked, folder: Path) -> Answer:
        accepted(asked.accept, (JSON,))
        request = self.parsed(asked.body.read_bytes(), asked.content_type)
        path = folder / "answer.json"
        path.write_text(json.dumps(self.answered(request), ensure_ascii=False), encoding="utf-8")
        return Answer(path, JSON)

    def parsed(self, body: bytes, content_type: str = JSON) -> TextRequest:
        """The texts of a body, within this endpoint's limits."""
        return parse_request(body, content_type, self._settings)

    def answered(self, request: TextRequest) -> dict[str, str | list[str]]:
        """The answer's JSON; each text is asked once."""
        distinct = list(dict.fromkeys(request.texts))
        said = self._normaliser.answers(distinct, self._settings.inference_batch_size)
        by_text = dict(zip(distinct, said, strict=True))
        keeps = self._settings.normaliser_markers == "keep"
        made = [by_text[text] if keeps else without_marker(by_text[text]) for text in request.texts]
        return {"generated_text": made if request.is_list else made[0]}


def without_marker(said: str) -> str:
    """The text, or nothing where the model says that there is no single value."""
    return "" if said in MARKERS or said.startswith(f"{AMBIGUOUS}:") else said


def parse_request(body: bytes, content_type: str, settings: NormaliserSettings) -> TextRequest:
    """The texts; RequestRefusedError with what was seen and what is expected for anything else."""
    if content_type not in ("", JSON, "application/octet-stream"):
        raise RequestRefusedError(415, "UnsupportedContentTypeError", f"{content_type!r}: expected {JSON}")
    try:
        values = json.loads(body)
    except ValueError as error:
        raise RequestRefusedError(400, "InvalidRequestError", f"the body is no JSON: {error}") from error
    inputs = values.get("inputs") if isinstance(values, dict) else None
    texts = [inputs] if isinstance(inputs, str) else inputs
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise RequestRefusedError(
            400, "InvalidRequestError", 'expected {"inputs": a text or a list of texts}'
        )
    if len(texts) > settings.max_inputs:
        raise RequestRefusedError(
            413, "TooManyInputsError", f"{len(texts)} inputs, at most {settings.max_inputs} in a request"
        )
    for number, text in enumerate(texts):
        if len(text) > settings.max_input_characters:
            raise RequestRefusedError(
                413,
                "InputTooLongError",
                f"input {number} has {len(text):,} characters, at most {settings.max_input_characters:,}",
            )
    return TextRequest(tuple(texts), isinstance(inputs, list))


def open_endpoint(model: Path, environment: Mapping[str, str]) -> NormaliserEndpoint:
    """The endpoint over a model's folder; ConfigurationError where it is none."""
    settings = NormaliserSettings.read(environment)
    if settings.inference_threads:
        torch.set_num_threads(settings.inference_threads)
    return NormaliserEndpoint(open_normaliser(model), settings)


# --- the four functions of SageMaker's inference toolkit ----------------------------------------------


def model_fn(model_dir: str) -> NormaliserEndpoint:
    """Opens the model, once."""
    return open_endpoint(Path(model_dir), os.environ)


def input_fn(body: bytes | str, content_type: str) -> bytes:
    """The body as it came, which `predict_fn` reads with the model's limits."""
    if media_type(content_type) not in ("", JSON):
        raise RequestRefusedError(415, "UnsupportedContentTypeError", f"{content_type!r}: expected {JSON}")
    return body.encode() if isinstance(body, str) else bytes(body)


def predict_fn(body: bytes, endpoint: NormaliserEndpoint) -> dict[str, Any]:
    """What the web server would answer."""
    return dict(endpoint.answered(endpoint.parsed(body)))


def output_fn(answer: Mapping[str, Any], accept: str) -> tuple[str, str]:
    """As JSON, whatever else is asked for being refused."""
    return json.dumps(answer, ensure_ascii=False), accepted(accept, (JSON,))
