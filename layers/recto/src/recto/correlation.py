"""How an upload names itself, from the object's metadata to the last event. Not what anybody means by it.

Whoever puts a document in may give the object the metadata `correlation-id`; all that is said of the document
from then on says it too. An upload without one is named by its document's id.
"""

import re
from collections.abc import Mapping
from typing import Annotated, NamedTuple

from pydantic import AfterValidator

METADATA = "correlation-id"
"""The object's metadata, in S3's spelling `x-amz-meta-correlation-id`."""
MOST_CHARACTERS = 128
_UNFIT = re.compile(r"[^A-Za-z0-9._:-]")


def _or_none(value: str) -> str:
    if value and (reason := why_unfit(value)):
        raise ValueError(reason)
    return value


CorrelationId = Annotated[str, AfterValidator(_or_none)]
"""Empty where a document is named by its id."""


class Named(NamedTuple):
    """What a document is called in logs, messages and events."""

    correlation_id: str
    refusal: str = ""
    """Why the upload's own name was not taken; empty where it was, or where there was none."""


def why_unfit(value: str) -> str:
    """Why this is no correlation id, without repeating it; empty for one that is."""
    expected = f"expected 1 to {MOST_CHARACTERS} characters of A-Z a-z 0-9 . _ : -"
    if not 1 <= len(value) <= MOST_CHARACTERS:
        return f"{METADATA}: {expected}, got {len(value)} of them"
    unfit = _UNFIT.search(value)
    return f"{METADATA}: {expected}, got {unfit[0]!r} at {unfit.start() + 1}" if unfit else ""


def named(metadata: Mapping[str, str], document_id: str) -> Named:
    """The name that an upload gave itself, or the document's id."""
    given = metadata.get(METADATA)
    if given is None:
        return Named(document_id)
    refusal = why_unfit(given)
    return Named(document_id, refusal) if refusal else Named(given)
