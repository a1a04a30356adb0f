"""Counts what the process's AWS clients ask for, in the units that are charged for. `metering` reads it.

Every attempt counts, the SDK's own retries too. DynamoDB is asked to say what a request took; it knows about
indexes, item sizes and transactions. Calls that are free (DeleteObject, GetParameter, SendTaskSuccess) and
calls whose work is counted where it is done (Invoke, Start… of Textract) are not counted.
"""

import math
import threading
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from recto.cost import Unit

CHUNK = 64 * 1024
"""Bytes that a request of a queue or an event is charged for at a time."""
S3_WRITES = frozenset(
    {
        "PutObject", "CopyObject", "UploadPart", "UploadPartCopy", "CreateMultipartUpload",
        "CompleteMultipartUpload", "ListObjectsV2", "ListObjects", "ListObjectVersions", "ListParts",
        "ListMultipartUploads", "ListBuckets",
    }
)  # fmt: skip
S3_FREE = frozenset({"DeleteObject", "DeleteObjects", "AbortMultipartUpload"})
DYNAMODB_READS = frozenset({"GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"})
PLAIN = {
    "sqs": Unit.SQS_REQUEST,
    "sns": Unit.SNS_REQUEST,
    "scheduler": Unit.SCHEDULER_INVOCATION,
    "kms": Unit.KMS_REQUEST,
}
"""Services whose requests are charged alike."""


class Tally:
    """Units since they were last taken. Threads of an invocation share it."""

    def __init__(self) -> None:
        self._units: dict[Unit, Decimal] = {}
        self._lock = threading.Lock()

    def add(self, unit: Unit, quantity: float | Decimal) -> None:
        with self._lock:
            self._units[unit] = self._units.get(unit, Decimal(0)) + Decimal(str(quantity))

    def so_far(self) -> dict[Unit, Decimal]:
        with self._lock:
            return dict(self._units)

    def take(self) -> dict[Unit, Decimal]:
        """What there is, and begin anew."""
        with self._lock:
            units, self._units = self._units, {}
        return units


TALLY = Tally()
"""Of this process: Lambda runs one invocation at a time in it."""


def watch(client: Any, tally: Tally = TALLY) -> Any:
    """The client, its calls counted from now on."""
    events, service = client.meta.events, client.meta.service_model.service_name
    if service == "dynamodb":
        events.register("before-parameter-build.dynamodb", _ask_for_capacity)
    if service == "sagemaker-runtime":
        events.register("before-call.sagemaker-runtime", _note_time)
    events.register(f"after-call.{service}", _counting(service, tally))
    return client


def _ask_for_capacity(params: dict[str, Any], model: Any, **_: Any) -> None:
    if model.input_shape is not None and "ReturnConsumedCapacity" in model.input_shape.members:
        params.setdefault("ReturnConsumedCapacity", "TOTAL")


def _note_time(context: dict[str, Any], **_: Any) -> None:
    context["recto_asked"] = time.monotonic()


def _counting(service: str, tally: Tally) -> Callable[..., None]:
    def count(parsed: Mapping[str, Any], model: Any, context: Mapping[str, Any], **_: Any) -> None:
        attempts = 1 + int(parsed.get("ResponseMetadata", {}).get("RetryAttempts", 0))
        for unit, quantity in units_of_call(service, model.name, parsed, context).items():
            tally.add(unit, quantity * attempts)

    return count


def units_of_call(
    service: str, operation: str, answer: Mapping[str, Any], context: Mapping[str, Any]
) -> dict[Unit, Decimal]:
    """What one call is charged for."""
    if service == "s3":
        if operation in S3_FREE:
            return {}
        return {Unit.S3_WRITE if operation in S3_WRITES else Unit.S3_READ: Decimal(1)}
    if service == "dynamodb":
        return {Unit.DYNAMODB_READ if operation in DYNAMODB_READS else Unit.DYNAMODB_WRITE: _capacity(answer)}
    if service == "sagemaker-runtime" and operation == "InvokeEndpoint":
        waited = time.monotonic() - context.get("recto_asked", time.monotonic())
        return {Unit.ENDPOINT_SECOND: Decimal(str(round(waited, 3)))}
    return {PLAIN[service]: Decimal(1)} if service in PLAIN else {}


def _capacity(answer: Mapping[str, Any]) -> Decimal:
    """Request units as DynamoDB says them; a refused write, which says none, takes at least one."""
    told = answer.get("ConsumedCapacity") or []
    entries = told if isinstance(told, list) else [told]
    return sum((Decimal(str(entry.get("CapacityUnits", 0))) for entry in entries), Decimal(0)) or Decimal(1)


def chunks_of(num_bytes: int) -> int:
    """For how many requests a message of this size is charged."""
    return max(1, math.ceil(num_bytes / CHUNK))
