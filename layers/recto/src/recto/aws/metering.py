"""What an invocation used, written down once for each document that it worked for. `recto.cost` prices it.

Measured: requests, and memory × time of the handler (rounded up to the millisecond, with what the bookkeeping
itself takes); the calls of all clients (`recto.aws.calls`); pages by OCR feature and endpoint seconds where a
handler says so; and what it takes to bring a message here. Not measured: a cold start's initialisation, which
AWS charges as well, and the bytes of logs, for which a measured mean stands. An invocation that worked for
several documents is shared between them; one that worked for none is part of what an idle stack costs.

Nothing here ever fails the work or holds it up: what cannot be written is the metric `UseUnwritten`.
"""

import math
import os
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from recto.aws.calls import TALLY, chunks_of
from recto.aws.dynamodb import Table
from recto.aws.ledger import UseRows
from recto.aws.tracing import TRACE, parts_of
from recto.cost import Unit, units_of_page
from recto.ports import UseRow

TABLE = "DOCUMENT_TABLE"
LOG_GB = Decimal("0.0000013")
"""What an invocation writes into the log, its platform's lines and its metrics' included.

`benchmarks/cost.py` measures it.
"""
OVERHEAD_MS = 15
"""Between the handler's end and the runtime's: metrics, and the writing of this row."""
ARM = frozenset({"aarch64", "arm64"})


@dataclass
class Invocation:
    """The one in progress."""

    started: float = 0.0
    cpu: float = 0.0
    event: Mapping[str, Any] = field(default_factory=dict)
    documents: dict[tuple[str, int], str] = field(default_factory=dict)
    """Id and attempt to the step that was worked on."""


_invocation = Invocation()


def begin(event: Mapping[str, Any]) -> None:
    """A new invocation; what came before, a cold start's calls say, belongs to nobody."""
    global _invocation  # noqa: PLW0603 - Lambda runs one invocation at a time in a process
    TALLY.take()
    given = event if isinstance(event, Mapping) else {}
    _invocation = Invocation(time.perf_counter(), time.process_time(), given)


def about(document_id: str, attempt: int = 1, step: str = "") -> None:
    """Say for which document an invocation works; the step is the function's name unless said otherwise."""
    key = (document_id, attempt)
    _invocation.documents[key] = step or _invocation.documents.get(key, "")


def used(unit: Unit, quantity: float | Decimal) -> None:
    """Something that no call tells."""
    TALLY.add(unit, quantity)


def pages_read(num_pages: int, features: tuple[str, ...]) -> None:
    """Pages that Textract has read and charges for."""
    for unit in units_of_page(features) if num_pages > 0 else ():
        TALLY.add(unit, num_pages)


def so_far(memory_mb: int) -> dict[Unit, Decimal]:
    """What the invocation in progress has used until now, its own row's write included."""
    milliseconds = math.ceil((time.perf_counter() - _invocation.started) * 1000) + OVERHEAD_MS
    second = Unit.LAMBDA_GB_SECOND if platform.machine() in ARM else Unit.LAMBDA_GB_SECOND_X86
    units = TALLY.so_far() | {
        Unit.LAMBDA_REQUEST: Decimal(1),
        second: Decimal(milliseconds) * memory_mb / 1024 / 1000,
        Unit.LOGS_GB: LOG_GB,
    }
    units[Unit.DYNAMODB_WRITE] = units.get(Unit.DYNAMODB_WRITE, Decimal(0)) + len(_invocation.documents)
    for unit, quantity in _units_of_arrival(_invocation.event).items():
        units[unit] = units.get(unit, Decimal(0)) + quantity
    return units


def _units_of_arrival(event: Mapping[str, Any]) -> dict[Unit, Decimal]:
    """A message was sent, received and deleted; before that it was an event, or told to a topic."""
    records = event.get("Records", ())
    bodies = [str(each.get("body", "")) for each in records if each.get("eventSource") == "aws:sqs"]
    if not bodies:
        return {}
    sent = sum(chunks_of(len(body)) for body in bodies)
    units = {
        Unit.SQS_REQUEST: Decimal(sent + 2),
        Unit.EVENTS_EVENT: Decimal(sum('"detail-type"' in body for body in bodies)),
        Unit.SNS_REQUEST: Decimal(sum('"TopicArn"' in body for body in bodies)),
    }
    return {unit: quantity for unit, quantity in units.items() if quantity}


def rows_so_far(context: Any) -> list[UseRow]:
    """What the invocation in progress has used until now, a row a document."""
    documents, service = _invocation.documents, os.environ.get("POWERTOOLS_SERVICE_NAME", "unnamed")
    units = so_far(int(context.memory_limit_in_mb))
    cpu = time.process_time() - _invocation.cpu
    return [
        UseRow(
            document_id=document_id,
            attempt=attempt,
            step=step or service,
            request_id=context.aws_request_id,
            units={unit: quantity / len(documents) for unit, quantity in units.items()},
            cpu_seconds=Decimal(str(round(cpu / len(documents), 4))),
            memory_mb=int(context.memory_limit_in_mb),
            trace=sampled_trace(os.environ),
        )
        for (document_id, attempt), step in documents.items()
    ]


def end(context: Any, logger: Logger) -> None:
    """Write down what was used."""
    table = os.environ.get(TABLE, "")
    if not _invocation.documents or not table:
        return
    with never_failing(logger):
        for row in rows_so_far(context):
            _rows(table).put(row, datetime.now(UTC))


@contextmanager
def never_failing(logger: Logger) -> Iterator[None]:
    """Bookkeeping: where it fails the work has been done all the same, and a metric says so."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - the outermost edge
        logger.warning("use_unwritten", extra={"error": type(error).__name__})
        Metrics().add_metric(name="UseUnwritten", unit=MetricUnit.Count, value=1)


@cache
def _rows(table: str) -> UseRows:
    service = os.environ.get("POWERTOOLS_SERVICE_NAME", "unnamed").replace("_", "-")
    return UseRows(Table(table, f"recto-{service}", patience=3))


def sampled_trace(environment: Mapping[str, str]) -> str:
    """The trace that X-Ray charges for; empty where this invocation is in none."""
    parts = parts_of(environment.get(TRACE, ""))
    return parts.get("Root", "") if parts.get("Sampled") == "1" else ""
