"""What a request in JSON may say, in Textract's words: the document or where it lies, languages, pages."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_pascal


class Wire(BaseModel):
    """Frozen, PascalCase in JSON, unknown keys refused: a misspelt one would be obeyed by nobody."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_pascal, validate_by_name=False, validate_by_alias=True
    )


class ObjectInS3(Wire):
    bucket: Annotated[str, Field(min_length=1)]
    name: Annotated[str, Field(min_length=1)]
    version: str | None = None


class GivenDocument(Wire):
    """The document itself in base64, or where it lies."""

    content: Annotated[str | None, Field(alias="Bytes")] = None
    s3_object: Annotated[ObjectInS3 | None, Field(alias="S3Object")] = None

    @model_validator(mode="after")
    def _one_of_them(self) -> "GivenDocument":
        if (self.content is None) == (self.s3_object is None):
            raise ValueError("expected either Bytes or S3Object")
        return self


class WantedPages(Wire):
    """A range of pages, both ends counted in."""

    first: Annotated[int, Field(ge=1)] = 1
    last: Annotated[int, Field(ge=1)] | None = None


class OcrRequest(Wire):
    document: GivenDocument
    languages: list[str] | str | None = None
    pages: WantedPages | None = None
