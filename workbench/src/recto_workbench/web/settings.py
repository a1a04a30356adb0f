"""The web process's settings; the field names are the environment variables' names in lower case."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, field_validator

from recto.settings import WorkSettings


def _parts(text: object) -> object:
    return tuple(part.strip() for part in text.split(",") if part.strip()) if isinstance(text, str) else text


class WorkbenchSettings(WorkSettings):
    workbench_table: str
    intake_queue_url: str
    consolidation_queue_url: str
    workbench_url: str
    """Where browsers find us, as `https://host`, without a path."""
    sign_in_url: str
    """Cognito's own pages and token endpoint."""
    sign_in_keys_url: str
    """The keys that ID tokens are signed with."""
    sign_in_issuer: str
    sign_in_client: str
    crowd_elements: Literal["own", "aws"] = "own"
    object_buckets: Annotated[tuple[str, ...], BeforeValidator(_parts)] = Field(default=())
    """Buckets that the pages around a task may load documents from; separated by commas."""

    @field_validator("workbench_url", "sign_in_url")
    @classmethod
    def _is_an_origin(cls, url: str) -> str:
        parts = urlsplit(url.rstrip("/"))
        if parts.scheme not in ("https", "http") or not parts.netloc or parts.path or parts.query:
            raise ValueError(f"expected https://host without a path, got {url!r}")
        return f"{parts.scheme}://{parts.netloc}"
