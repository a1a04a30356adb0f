"""The index of a release, and the proof that its files are the ones it was made of.

A release is an immutable folder (a prefix in S3) with a model and its tokenizer (or the name of the endpoint
that has them), field configuration and calibration. Works on bytes that others have read: no disk, no S3, no
model here.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from recto.errors import ReleaseError

INDEX = "release.json"
MODEL = "model.onnx"
TOKENIZER = "tokenizer.json"
FIELDS = "fields.json"
CALIBRATION = "calibration.json"
FILES = (MODEL, TOKENIZER, FIELDS, CALIBRATION)
"""What a release with a model in it consists of, beside its index."""
FILES_FOR_ENDPOINT = (FIELDS, CALIBRATION)
"""What one consists of whose model lies behind an endpoint."""
Backend = Literal["embedded", "sagemaker"]
FOLDER = "releases"
"""Of the work bucket: every release is a folder in it."""
HASH_DIGITS = 8


class WindowSettings(BaseModel):
    """How pages are cut for the model; part of the release because the model was trained that way."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_tokens: int = Field(ge=3)
    """Longest window, the two special tokens included."""
    stride: int = Field(ge=0)
    """Tokens that a window repeats of the one before, at most."""

    @property
    def capacity(self) -> int:
        """Tokens of a window that belong to words."""
        return self.max_tokens - 2

    @model_validator(mode="after")
    def _stride_fits(self) -> Self:
        if self.stride >= self.capacity:
            raise ValueError(
                f"stride {self.stride} must be less than max_tokens - 2, which is {self.capacity}"
            )
        return self


class SpecialTokens(BaseModel):
    """How the tokenizer's family writes the tokens that stand for no word. BERT's names by default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cls: str = Field(default="[CLS]", min_length=1)
    """Before the words of a window."""
    sep: str = Field(default="[SEP]", min_length=1)
    """After them."""
    pad: str = Field(default="[PAD]", min_length=1)
    unk: str = Field(default="[UNK]", min_length=1)
    """Stands for a word that the tokenizer makes nothing of."""


BERT_TOKENS = SpecialTokens()
ROBERTA_TOKENS = SpecialTokens(cls="<s>", sep="</s>", pad="<pad>", unk="<unk>")


class Release(BaseModel):
    """What `release.json` says."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True)

    schema_version: Literal[1] = Field(alias="schema")
    name: str = Field(min_length=1)
    created: str
    """ISO 8601, UTC."""
    recipe: str
    seed: int
    licence: str
    labels: tuple[str, ...] = Field(min_length=2)
    """By class id; the last one means 'no field'."""
    windows: WindowSettings
    special_tokens: SpecialTokens = BERT_TOKENS
    files: dict[str, str]
    """Name in the folder to sha256, in hexadecimal."""
    figures: dict[str, Any] = Field(default_factory=dict)
    """What was measured, for people to read."""
    made_from: str = ""
    """The release whose parts were taken over; empty for one that training made."""
    backend: Backend = "embedded"
    """Where the model runs: in `model_invoke`, out of the release's own file, or behind an endpoint."""
    endpoint: str = ""
    """The asynchronous SageMaker endpoint's name, where the model lies behind one."""
    embedded_release: str = ""
    """Behind an endpoint: the release whose own model is used again without it; empty for none."""

    @model_validator(mode="after")
    def _endpoint_goes_with_backend(self) -> Self:
        if (self.backend == "sagemaker") != bool(self.endpoint):
            raise ValueError(
                f"backend {self.backend!r} with endpoint {self.endpoint!r}: an endpoint is named where the "
                "backend is 'sagemaker', and only there"
            )
        return self

    @property
    def other_class(self) -> int:
        """The class id that means: no field."""
        return len(self.labels) - 1

    @property
    def needed_files(self) -> tuple[str, ...]:
        """What must be listed, by where the model runs."""
        return FILES if self.backend == "embedded" else FILES_FOR_ENDPOINT

    def verify_file(self, name: str, content: bytes) -> None:
        """ReleaseError unless this is, byte for byte, the file that the release was made of."""
        expected = self.files.get(name)
        if expected is None:
            raise ReleaseError(f"release {self.name}: file {name!r} is not listed in {INDEX}")
        seen = sha256(content).hexdigest()
        if seen != expected:
            raise ReleaseError(
                f"release {self.name}: {name} ({len(content)} bytes) has sha256 {seen}, expected {expected}"
            )

    def verify(self, contents: Mapping[str, bytes]) -> None:
        """ReleaseError unless every listed file is among these and unaltered."""
        missing = sorted(self.files.keys() - contents.keys())
        if missing:
            raise ReleaseError(f"release {self.name}: missing {', '.join(missing)}, seen {sorted(contents)}")
        for name in self.files:
            self.verify_file(name, contents[name])


def parse_release(content: bytes) -> Release:
    """The index of a release; ReleaseError where it is not one."""
    try:
        release = Release.model_validate_json(content)
    except ValidationError as error:
        clauses = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ReleaseError(f"{INDEX} is not valid: {clauses}") from error
    unlisted = [name for name in release.needed_files if name not in release.files]
    if unlisted:
        raise ReleaseError(f"release {release.name}: {INDEX} lists no {', '.join(unlisted)}")
    return release


def dump_release(release: Release) -> bytes:
    """The JSON that `parse_release` reads."""
    return (release.model_dump_json(by_alias=True, indent=2) + "\n").encode()


def release_prefix(name: str, index: bytes) -> str:
    """Where a release with this index lies: its name and the hash of the index, which holds all hashes."""
    return f"{FOLDER}/{name}-{sha256(index).hexdigest()[:HASH_DIGITS]}"


def hash_files(contents: Mapping[str, bytes]) -> dict[str, str]:
    """Name to sha256, as the index lists them."""
    return {name: sha256(content).hexdigest() for name, content in sorted(contents.items())}
