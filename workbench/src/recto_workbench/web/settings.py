"""The web process's settings; the field names are the environment variables' names in lower case."""

from typing import Literal
from urllib.parse import urlsplit

from pydantic import field_validator

from recto.settings import TableSettings, WorkSettings
from recto_workbench.settings import DeskQueueSettings, QueueSettings, WorkbenchTableSettings


class WorkbenchSettings(
    WorkbenchTableSettings, QueueSettings, DeskQueueSettings, WorkSettings, TableSettings
):
    inbox_bucket: str
    workbench_url: str
    """Where browsers find us, as `https://host`, without a path."""
    sign_in_url: str
    """Cognito's own pages and token endpoint."""
    sign_in_keys_url: str
    """The keys that ID tokens are signed with."""
    sign_in_issuer: str
    sign_in_client: str
    reprocess_function: str
    state_machine_arn: str
    """For links to AWS's own pages."""
    crowd_elements: Literal["own", "aws"] = "own"

    @field_validator("workbench_url", "sign_in_url")
    @classmethod
    def _is_an_origin(cls, url: str) -> str:
        parts = urlsplit(url.rstrip("/"))
        if parts.scheme not in ("https", "http") or not parts.netloc or parts.path or parts.query:
            raise ValueError(f"expected https://host without a path, got {url!r}")
        return f"{parts.scheme}://{parts.netloc}"
