"""`recto cost …`: what a document, a batch, a month or an idle stack costs. Parse, call, print.

recto cost document statement.pdf
recto cost batch --prefix 2026/11/ --csv november.csv
recto cost month 2026-11 --plot november.svg
recto cost idle
"""

import os
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from recto.aws.clients import client
from recto.cost import Cost, Line, Prices, cost_of, summed
from recto.errors import ConfigurationError
from recto_cli.cost_idle import Template, dollars_of, idle_dollars, idle_lines
from recto_cli.cost_plot import Bar, bar_chart
from recto_cli.costs import (
    cost_table,
    csv_of,
    document_cost,
    documents_of_batch,
    in_usd,
    month_days,
    pages_of,
    prices_for,
)
from recto_cli.documents import find_document
from recto_cli.session import Session
from recto_cli.stack import CALLER

cost_app = typer.Typer(no_args_is_help=True, help="What was used, at list prices.")
DEFAULT_REGION = "us-east-1"
TEMPLATE = Path(__file__).resolve().parents[3] / "template.yaml"

PriceFile = Annotated[
    Path | None, typer.Option("--prices", metavar="FILE", help="Prices of your own (see recto/prices)")
]
CsvFile = Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write every line to a file")]
PlotFile = Annotated[Path | None, typer.Option("--plot", metavar="FILE.svg", help="Draw bars by step")]


@cost_app.command()
def document(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="ID", help="Id, its first digits, or the key in the inbox")],
    prices_file: PriceFile = None,
    csv: CsvFile = None,
    plot: PlotFile = None,
) -> None:
    """What one document has cost until now, all its attempts together."""
    session: Session = context.obj
    row = find_document(name, session.stack)
    prices = prices_for(_region(session), prices_file)
    found = document_cost(row, session.stack, prices)
    if not found.uses:
        raise ConfigurationError(
            f"document {row.document_id}: no call has noted what it used (before the ledger, or too old)"
        )
    session.out.print(f"{row.key}: {row.status.lower()}, attempt {row.attempt}", highlight=False)
    session.out.print(cost_table(found.cost))
    _tell(session, found.cost, prices, csv, plot, title=row.key)


@cost_app.command()
def batch(
    context: typer.Context,
    prefix: Annotated[str, typer.Option(help="Documents whose key begins like this")] = "",
    backfill: Annotated[str, typer.Option(metavar="ID", help="Documents of this backfill")] = "",
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="Taken in since (UTC)")
    ] = None,
    prices_file: PriceFile = None,
    csv: CsvFile = None,
    plot: PlotFile = None,
) -> None:
    """What many documents have cost together, and one of them in the mean."""
    session: Session = context.obj
    if not (prefix or backfill or since):
        raise ConfigurationError("which documents? expected --prefix, --backfill or --since")
    prices = prices_for(_region(session), prices_file)
    from_ = since.replace(tzinfo=UTC) if since else None
    rows = documents_of_batch(session.stack, prefix, backfill, from_)
    if not rows:
        raise ConfigurationError("no document was taken in of that prefix, backfill or time")
    costs = [document_cost(row, session.stack, prices) for row in rows]
    metered = [each for each in costs if each.uses]
    cost = cost_of(summed(use for each in metered for use in each.uses), prices)
    session.out.print(f"{len(rows)} documents, {len(metered)} with what they used noted", highlight=False)
    session.out.print(cost_table(cost, len(metered)))
    if metered:
        dearest = max(metered, key=lambda each: each.cost.dollars)
        session.out.print(
            f"the dearest: {dearest.row.key} with {in_usd(dearest.cost.dollars)}", highlight=False
        )
    _tell(session, cost, prices, csv, plot, title=f"{len(metered)} documents {prefix or backfill}")


@cost_app.command()
def month(
    context: typer.Context,
    which: Annotated[str, typer.Argument(metavar="[YYYY-MM]", help="This month where none is given")] = "",
    prices_file: PriceFile = None,
    csv: CsvFile = None,
    plot: PlotFile = None,
) -> None:
    """What the documents of a month have cost, by day and lane, from the ledger."""
    session: Session = context.obj
    which = which or f"{datetime.now(UTC):%Y-%m}"
    prices = prices_for(_region(session), prices_file)
    days = month_days(session.stack, which)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("day", "lane", "documents", "pages", "USD", "a document"):
        table.add_column(column, justify="left" if column in ("day", "lane") else "right")
    costs = [cost_of(day.uses, prices) for day in days]
    for day, cost in zip(days, costs, strict=True):
        each = cost.dollars / day.documents if day.documents else cost.dollars
        table.add_row(
            day.date,
            day.lane,
            f"{day.documents}",
            f"{pages_of(cost):.0f}",
            in_usd(cost.dollars),
            in_usd(each),
        )
    session.out.print(table if days else f"nothing was processed in {which}")
    if not days:
        return
    whole = cost_of(summed(use for day in days for use in day.uses), prices)
    session.out.print(cost_table(whole, sum(day.documents for day in days)))
    bars = [Bar(f"{day.date} {day.lane}", _parts(cost)) for day, cost in zip(days, costs, strict=True)]
    _tell(session, whole, prices, csv, plot, title=f"Documents of {which}", bars=bars)


@cost_app.command()
def idle(
    context: typer.Context,
    parameters: Annotated[
        list[str] | None,
        typer.Option("--parameter", metavar="NAME=VALUE", help="Of the template, other than by default"),
    ] = None,
    template: Annotated[Path, typer.Option(help="The template that is deployed")] = TEMPLATE,
    prices_file: PriceFile = None,
    csv: CsvFile = None,
) -> None:
    """What the stack costs in a month without any document: computed from the template, no AWS asked."""
    session: Session = context.obj
    prices = prices_for(session.options.region or os.environ.get("AWS_REGION", DEFAULT_REGION), prices_file)
    lines = idle_lines(Template.read(template, _given(parameters or [])))
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("what", "unit", "quantity", "USD", "note"):
        table.add_column(column, justify="right" if column in ("quantity", "USD") else "left")
    for line in sorted(lines, key=lambda line: -dollars_of(line, prices)):
        quantity = f"{line.quantity:,.2f}".rstrip("0").rstrip(".")
        table.add_row(line.name, line.unit, quantity, f"{dollars_of(line, prices):.4f}", line.note)
    session.out.print(table)
    session.out.print(f"[bold]{idle_dollars(lines, prices):.2f} USD a month[/] in {_named(prices)}")
    if csv:
        csv.write_text(
            csv_of(Line(line.name, line.unit, line.quantity, dollars_of(line, prices)) for line in lines)
        )


def _given(parameters: list[str]) -> dict[str, str]:
    if wrong := [each for each in parameters if "=" not in each]:
        raise ConfigurationError(f"--parameter {wrong[0]!r}: expected NAME=VALUE")
    return dict(each.split("=", 1) for each in parameters)


def _region(session: Session) -> str:
    """Where the stack is, as the AWS SDK is told once the target is chosen."""
    return str(client("dynamodb", CALLER).meta.region_name) if session.target else DEFAULT_REGION


def _parts(cost: Cost) -> list[tuple[str, Decimal]]:
    return sorted(cost.by_service.items(), key=lambda part: -part[1])


def _named(prices: Prices) -> str:
    return f"{prices.region}, list prices of {prices.oldest} and later"


def _tell(
    session: Session,
    cost: Cost,
    prices: Prices,
    csv: Path | None,
    plot: Path | None,
    *,
    title: str,
    bars: list[Bar] | None = None,
) -> None:
    """The sum in words, and the files that were asked for."""
    session.out.print(f"[bold]{in_usd(cost.dollars)} USD[/] in {_named(prices)}; no free tier is taken off")
    if csv:
        csv.write_text(csv_of(cost.lines))
    if plot:
        by_step = [
            Bar(step, _parts(Cost(tuple(line for line in cost.lines if line.step == step))))
            for step, _ in sorted(cost.by_step.items(), key=lambda part: -part[1])
        ]
        plot.write_text(bar_chart(f"{title}: {in_usd(cost.dollars)} USD", bars or by_step))
    for path in (csv, plot):
        if path:
            session.messages.print(f"written: {path}", highlight=False)
