"""What every Lambda shell does alike: read its settings, name the document in logs, report failed tokens.

The shells log names and ids, never events, texts or tokens. One line per outcome: who wants to know how far a
document came finds its correlation id in the lines with its metrics, too.
"""

import functools
import os
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws import metering
from recto.aws.ledger import ANY_ATTEMPT
from recto.aws.tracing import annotate
from recto.errors import RectoError
from recto.messages import DocumentRef
from recto.ports import DocumentRow, JobRow, OcrJobRow, ReviewRow, Workflow
from recto.settings import Settings

S = TypeVar("S", bound=Settings)
Handler = Callable[[dict[str, Any], LambdaContext], Any]
MOST_FRAMES = 6
ABOUT_A_DOCUMENT = ("document_id", "attempt", "correlation_id")
"""Keys of a line that is about one document."""


def settings_of(model: type[S]) -> S:
    """A function's settings from its environment."""
    return model.read(os.environ)


def utc_now() -> datetime:
    return datetime.now(UTC)


def observed(logger: Logger, metrics: Metrics) -> Callable[[Handler], Handler]:
    """A handler whose lines name the invocation, and whose metrics and failure are told.

    The runtime's own line of a failure knows nothing of the document, so there is one that does. Of what
    is a bug it says the kind and the place alone: nobody knows what its message holds.
    """

    def decorate(handler: Handler) -> Handler:
        @functools.wraps(handler)
        def told(event: dict[str, Any], context: LambdaContext) -> Any:
            metering.begin(event)
            try:
                return handler(event, context)
            except RectoError as error:
                logger.warning("step_failed", extra=known_of(error))
                raise
            except Exception as error:
                logger.error("step_crashed", extra=crash_of(error))  # noqa: TRY400
                raise
            finally:
                metering.end(context, logger)
                _flush(metrics)

        with_context: Handler = logger.inject_lambda_context(told, clear_state=True)
        return with_context

    return decorate


def _flush(metrics: Metrics) -> None:
    """Powertools warns where there is nothing to tell, and would keep a document's name for the next."""
    if metrics.metric_set:
        metrics.flush_metrics()
    metrics.clear_metrics()


def known_of(error: RectoError) -> dict[str, str]:
    return {"error": type(error).__name__, "cause": str(error)}


def crash_of(error: Exception) -> dict[str, Any]:
    """A bug's kind and the innermost places in the code, without its message."""
    frames = traceback.extract_tb(error.__traceback__)[-MOST_FRAMES:]
    where = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
    return {"error": type(error).__name__, "where": where}


def tally(metrics: Metrics, **counts: int) -> None:
    """Count what there was any of: a metric that is told costs 0.30 USD a month, also where it is zero."""
    for name, value in counts.items():
        if value:
            metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def name_document(logger: Logger, document: DocumentRef) -> None:
    """Put the document's names on every later line of this invocation, and on its metrics' and its trace."""
    names = {"document_id": document.document_id, "correlation_id": document.correlation}
    logger.append_keys(attempt=document.attempt, **names)
    for name, value in names.items():
        Metrics().add_metadata(name, value)
    annotate(names)
    metering.about(document.document_id, document.attempt)


def names_of(row: DocumentRow | JobRow | OcrJobRow | ReviewRow) -> dict[str, str]:
    """What a line says of the document that it is about; from now on the invocation works for that, too."""
    metering.about(row.document_id, row.attempt if isinstance(row, DocumentRow) else ANY_ATTEMPT)
    return {"document_id": row.document_id, "correlation_id": row.correlation_id or row.document_id}


def or_fail_token(workflow: Workflow, task_token: str, logger: Logger, work: Callable[[], object]) -> None:
    """Do the work; a RectoError ends the waiting state at once, by the error's own name."""
    try:
        work()
    except RectoError as error:
        logger.warning("task_failed", extra=known_of(error))
        workflow.fail(task_token, type(error).__name__, str(error))
