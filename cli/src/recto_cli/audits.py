"""`recto review audit`: how often accepted values are wrong, measured beside what confidence promised."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Group
from rich.markup import escape
from rich.table import Table

from recto.audit import DRIFT_LEVEL, AuditedValue, Comparison, Measured, measured, measured_by_field
from recto.aws.dynamodb import AuditRows
from recto.ports import AuditRow
from recto_cli.session import Session


def audit(
    context: typer.Context,
    last: Annotated[int, typer.Option(min=1, max=5000, help="Documents to look back over")] = 1000,
    release: Annotated[str, typer.Option(help="Only documents of this release, a prefix or its name")] = "",
) -> None:
    """How many published values were wrong where somebody looked again, field by field."""
    session: Session = context.obj
    rows = [row for row in AuditRows(session.stack.table).latest(last) if row.release.endswith(release)]
    if not rows:
        session.out.print("no document has been audited yet; AuditShare says how many are")
        return
    session.out.print(audits_report(rows))


def comparison_of(row: AuditRow) -> Comparison:
    return Comparison(tuple(AuditedValue(*value) for value in row.values), row.missed)


def audits_report(rows: Sequence[AuditRow]) -> Group:
    """The table, all fields together, and whether calibration still fits."""
    comparisons = [comparison_of(row) for row in rows]
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("field", "values", "wrong", "error", "95 %", "promised", "missed"):
        table.add_column(column, justify="left" if column == "field" else "right")
    for name, one in measured_by_field(comparisons).items():
        table.add_row(escape(name), *_cells(one))
    values = [value for comparison in comparisons for value in comparison.values]
    missed = sum(sum(comparison.missed.values()) for comparison in comparisons)
    whole = measured(values, missed)
    table.add_row("[bold]all[/]", *_cells(whole))
    return Group(table, verdict(whole, len(rows)))


def _cells(one: Measured) -> tuple[str, ...]:
    low, high = one.interval
    shares = (f"{one.error:.1%}", f"{low:.1%} to {high:.1%}") if one.num_values else ("", "")
    promised = f"{one.promised_error:.1%}" if one.num_values else ""
    return (str(one.num_values), str(one.errors), *shares, promised, str(one.missed))


def verdict(whole: Measured, num_documents: int) -> str:
    """Whether so many errors go together with what confidence promised."""
    seen = f"{whole.errors} of {whole.num_values} values of {num_documents} documents were wrong"
    promised = f"confidence promised {whole.promised:.1f}"
    if whole.has_drifted():
        return (
            f"[red]drift[/]: {seen}, {promised}; that many or more would be seen with probability "
            f"{whole.tail:.2g}. Thresholds and calibration want a new release (docs/guides/train.md)."
        )
    return f"{seen}, {promised}: no sign of drift (probability {whole.tail:.2g}, told below {DRIFT_LEVEL:g})"
