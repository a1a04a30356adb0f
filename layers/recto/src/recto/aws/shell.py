"""What every Lambda shell does alike: read its settings, name the document in logs, report failed tokens.

The shells log names and ids, never events, texts or tokens.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from aws_lambda_powertools import Logger

from recto.errors import RectoError
from recto.messages import DocumentRef
from recto.ports import Workflow
from recto.settings import Settings

S = TypeVar("S", bound=Settings)


def settings_of(model: type[S]) -> S:
    """A function's settings from its environment."""
    return model.read(os.environ)


def utc_now() -> datetime:
    return datetime.now(UTC)


def name_document(logger: Logger, document: DocumentRef) -> None:
    """Put the document's id on every later line of this invocation."""
    logger.append_keys(document_id=document.document_id, attempt=document.attempt)


def or_fail_token(workflow: Workflow, task_token: str, logger: Logger, work: Callable[[], object]) -> None:
    """Do the work; a RectoError ends the waiting state at once, by the error's own name."""
    try:
        work()
    except RectoError as error:
        logger.warning("task_failed", extra={"error": type(error).__name__, "cause": str(error)})
        workflow.fail(task_token, type(error).__name__, str(error))
