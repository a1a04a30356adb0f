"""What documents cost, read from what their calls wrote down, and how that is shown. Prices: `recto.cost`."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from rich.table import Table

from recto.aws.ledger import LedgerRows, UseRows, uses_of
from recto.cost import Cost, Line, Prices, Unit, Use, cost_of, parse_prices, summed
from recto.errors import ConfigurationError
from recto.messages import Status
from recto.ports import DocumentRow, LedgerDay, UseRow
from recto.prices import prices_of
from recto_cli.spreadsheets import csv_text
from recto_cli.stack import Stack

LOOKED_THROUGH = 100_000
"""Documents of a status, where a batch is searched for."""
HEAD = ("step", "service", "unit", "quantity", "usd")


class DocumentCost(NamedTuple):
    """A document with all that its attempts used."""

    row: DocumentRow
    uses: tuple[Use, ...]
    cost: Cost


def prices_for(region: str, file: Path | None) -> Prices:
    """The given price file, else the region's; ConfigurationError where that is none, or there is none."""
    if file is None:
        return prices_of(region)
    try:
        return parse_prices(file.read_bytes(), str(file))
    except OSError as error:
        raise ConfigurationError(f"price file {file}: {error.strerror}") from error


def document_cost(row: DocumentRow, stack: Stack, prices: Prices) -> DocumentCost:
    """Of all attempts together, those that failed included."""
    rows = UseRows(stack.table).of_document(row.document_id)
    uses = summed(use for each in _by_attempt(rows) for use in uses_of(each, row.error))
    return DocumentCost(row, uses, cost_of(uses, prices))


def _by_attempt(rows: Sequence[UseRow]) -> list[list[UseRow]]:
    """Calls of no known attempt stand with the first."""
    attempts = sorted({row.attempt for row in rows if row.attempt}) or [0]
    first = attempts[0]
    return [[row for row in rows if (row.attempt or first) == attempt] for attempt in attempts if rows]


def documents_of_batch(stack: Stack, prefix: str, backfill: str, since: datetime | None) -> list[DocumentRow]:
    """Documents of the inbox below a prefix, or of a backfill; the oldest first."""
    rows = [row for status in Status for row in stack.documents.with_status(status, LOOKED_THROUGH)]
    found = (
        row
        for row in rows
        if row.key.startswith(prefix)
        and (not backfill or row.backfill_id == backfill)
        and (since is None or row.received >= since)
    )
    return sorted(found, key=lambda row: row.received)


def month_days(stack: Stack, month: str) -> list[LedgerDay]:
    """ConfigurationError for what is no month."""
    try:
        return LedgerRows(stack.table).month(month)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error


def in_usd(dollars: Decimal) -> str:
    """With as many digits as it takes to see something."""
    return f"{dollars:.2f}" if dollars >= 1 else f"{dollars:.6f}" if dollars else "0"


def cost_table(cost: Cost, documents: int = 1) -> Table:
    """Steps down, services across, sums at the edges; the dearest first."""
    services = [name for name, _ in sorted(cost.by_service.items(), key=lambda part: -part[1])]
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("step", *services, "USD"):
        table.add_column(column, justify="left" if column == "step" else "right")
    for step, dollars in sorted(cost.by_step.items(), key=lambda part: -part[1]):
        table.add_row(step, *(_cell(cost, step, name) for name in services), in_usd(dollars))
    table.add_row("[bold]all[/]", *(in_usd(cost.by_service[name]) for name in services), in_usd(cost.dollars))
    if documents > 1:
        per = ["", *(in_usd(cost.by_service[name] / documents) for name in services)]
        table.add_row("a document", *per[1:], in_usd(cost.dollars / documents))
    return table


def _cell(cost: Cost, step: str, service: str) -> str:
    lines = [line for line in cost.lines if line.step == step and line.unit.service == service]
    return in_usd(sum((line.dollars for line in lines), Decimal(0))) if lines else ""


def csv_of(lines: Iterable[Line]) -> str:
    """Every line, as it was multiplied."""
    return csv_text(
        HEAD, ((line.step, line.unit.service, line.unit, line.quantity, line.dollars) for line in lines)
    )


def pages_of(cost: Cost) -> Decimal:
    """Pages that Textract read: each is charged under one unit at least, text or the dearest feature."""
    charged = [cost.quantity(unit) for unit in Unit if unit.startswith("textract.")]
    return max(charged, default=Decimal(0))
