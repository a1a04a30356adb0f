"""Messages of a queue, each by itself: one that fails comes back alone, counted, its reason in the log."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws.shell import ABOUT_A_DOCUMENT, crash_of, known_of, tally
from recto.errors import RectoError

Handle = Callable[[str], object]
"""Takes the body of one message."""


def handle_messages(
    event: dict[str, Any], context: LambdaContext, handle: Handle, logger: Logger, metrics: Metrics
) -> dict[str, Any]:
    """Lambda's answer to SQS: the messages that failed, also where all of them did."""
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    answer = process_partial_response(event, _reporting(handle, logger), processor, context)
    tally(metrics, MessagesFailed=len(answer["batchItemFailures"]))
    return dict(answer)


def _reporting(handle: Handle, logger: Logger) -> Callable[[SQSRecord], None]:
    """What a message names its document by ends with the message."""

    def handle_and_report(record: SQSRecord) -> None:
        try:
            handle(record.body)
        except RectoError as error:
            logger.warning("message_failed", extra={"message_id": record.message_id, **known_of(error)})
            raise
        except Exception as error:
            what = {"message_id": record.message_id, **crash_of(error)}
            logger.error("message_crashed", extra=what)  # noqa: TRY400 - a bug's message may hold anything
            raise
        finally:
            logger.remove_keys(ABOUT_A_DOCUMENT)

    return handle_and_report
