"""How documents, fields and reviews look on a terminal."""

import shlex
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from rich.console import Group
from rich.markup import escape
from rich.table import Table

from recto.messages import Status
from recto.ports import DocumentRow
from recto.results import DocumentResult, FieldResult, ReasonCode, ReviewReason, Value
from recto_cli.answers import Edits
from recto_cli.reprocess import Again
from recto_cli.reviews import OpenReview
from recto_cli.submit import Outcome

COLOURS: Mapping[Status, str] = {
    Status.PROCESSED: "green",
    Status.IN_REVIEW: "yellow",
    Status.FAILED: "red",
    Status.REJECTED: "red",
}
SHORT_ID = 8


def status_text(status: Status) -> str:
    colour = COLOURS.get(status, "cyan")
    return f"[{colour}]{status.replace('_', ' ').lower()}[/]"


def documents_table(rows: Iterable[DocumentRow]) -> Table:
    """One line per document."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("document", "file", "status", "confidence", "changed"):
        table.add_column(column, overflow="fold")
    for row in rows:
        confidence = "" if row.confidence is None else f"{row.confidence:.0%}"
        cells = (row.document_id[:SHORT_ID], escape(row.key), status_text(row.status), confidence)
        table.add_row(*cells, local_time(row.updated))
    return table


def reasons_of_failure(rows: Iterable[DocumentRow]) -> Iterable[str]:
    """A line for each document that failed: long ones would burst a column."""
    for row in rows:
        if row.error:
            yield f"[red]{row.document_id[:SHORT_ID]}[/] {escape(row.error)}: {escape(row.cause)}"


def documents_report(rows: Iterable[DocumentRow]) -> Group:
    """The table, and below it why documents failed."""
    rows = list(rows)
    return Group(documents_table(rows), *reasons_of_failure(rows))


def outcomes_report(outcomes: Iterable[Outcome]) -> Group:
    """One line per submitted document, those that the pipeline never saw included."""
    outcomes = list(outcomes)
    rows = [outcome.row for outcome in outcomes if outcome.row]
    table = documents_table(rows)
    for outcome in outcomes:
        if outcome.row is None:
            table.add_row("", escape(outcome.submission.source.key), "[red]not taken in[/]", "", "")
    return Group(table, *reasons_of_failure(rows))


def change_line(outcome: Outcome) -> str:
    """One change of a document's status, as it happens."""
    row = outcome.row
    if row is None:
        return f"{escape(outcome.submission.name)}: not seen yet"
    reason = f" ({row.error}: {row.cause})" if row.error else ""
    return f"{escape(outcome.submission.name)}: {status_text(row.status)}{escape(reason)}"


def local_time(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"


def fields_table(result: DocumentResult, all_fields: bool = False) -> Table:
    """One line per value that was found; fields without any only where they are required or asked for."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("field", no_wrap=True)
    table.add_column("value", overflow="fold", max_width=56)
    table.add_column("normalised", overflow="fold", max_width=28)
    table.add_column("confidence", justify="right")
    table.add_column("page", justify="right")
    table.add_column("remarks", overflow="fold")
    for name, field in result.fields.items():
        for number, value in enumerate(field.found):
            _add_value(table, name if number == 0 else "", field, value, result)
        if not field.found and (all_fields or not field.optional):
            table.add_row(escape(name), "[dim]none[/]", "", "", "", escape(_remarks(field, None, result)))
    return table


def _add_value(table: Table, name: str, field: FieldResult, value: Value, result: DocumentResult) -> None:
    normalized = value.normalized_value or ""
    table.add_row(
        escape(name),
        escape(" ".join(value.value.split())),
        escape(normalized if normalized != value.value else "="),
        f"{value.confidence:.0%}",
        str(value.page or ""),
        escape(_remarks(field, value, result)),
    )


def _remarks(field: FieldResult, value: Value | None, result: DocumentResult) -> str:
    """Who looked, which validator or rule failed, why somebody should look."""
    remarks = ["reviewed"] if field.reviewed else []
    remarks += ["absent"] if field.absent else []
    if value:
        remarks += [verdict.message or verdict.validator for verdict in value.failed_verdicts]
    remarks += [f"{rule.rule}: {rule.message}" for rule in field.failed_rules]
    if not field.reviewed:
        remarks += [reason.message for reason in _reasons_of(field, result)]
    return "; ".join(dict.fromkeys(remarks))


def _reasons_of(field: FieldResult, result: DocumentResult) -> list[ReviewReason]:
    """Without those of validators and rules, which the verdicts themselves tell."""
    names = [name for name, one in result.fields.items() if one is field]
    reasons = (reason for reason in result.review_reasons or () if reason.field in names)
    told = (ReasonCode.VALIDATOR_FAILED, ReasonCode.RULE_FAILED)
    return [reason for reason in reasons if reason.code not in told]


def reviews_table(reviews: Iterable[OpenReview]) -> Table:
    """One line per review that waits, with the reasons for it."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("document", "file", "waits since", "why"):
        table.add_column(column, overflow="fold")
    for row, task, review in reviews:
        reasons = [_why(reason) for reason in task.model_result.review_reasons or ()]
        reasons += [f"the last answer was of no use: {review.refusal}"] if review and review.refusal else []
        since = local_time(review.created if review else row.updated)
        table.add_row(row.document_id[:SHORT_ID], escape(row.key), since, escape("\n".join(reasons)))
    return table


def _why(reason: ReviewReason) -> str:
    """The reason with its field in front, where the message does not name it itself."""
    named = reason.field is None or reason.field in reason.message
    return reason.message if named else f"{reason.field}: {reason.message}"


def again_line(again: Again) -> str:
    """One document that waits for a new attempt, or was refused one."""
    name = f"{again.row.document_id[:SHORT_ID]} {escape(again.row.key)}"
    if again.response is None:
        return f"{name}: [red]{type(again.error).__name__}[/] {escape(str(again.error))}"
    release = again.response.release.removeprefix("releases/")
    return f"{name}: again from {again.response.from_}, attempt {again.response.attempt}, {escape(release)}"


NOT_TOLD = frozenset({"pk", "sk", "time", "to", "reprocess_id", "since_attempt"})


def history_table(entries: Iterable[Mapping[str, Any]]) -> Table:
    """One line per change of a document, or answer that was not taken."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("time", "became", "with"):
        table.add_column(column, overflow="fold")
    for entry in entries:
        notes = {key: value for key, value in sorted(entry.items()) if key not in NOT_TOLD and value != ""}
        told = ", ".join(f"{key} {_note(value)}" for key, value in notes.items())
        moment = local_time(datetime.fromisoformat(entry["time"]))
        table.add_row(moment, str(entry["to"]).replace("_", " ").lower(), escape(told))
    return table


def _note(value: Any) -> str:
    if isinstance(value, Mapping):
        return "(" + ", ".join(f"{key} {number}" for key, number in sorted(value.items())) + ")"
    return str(value)


def names_table(names: Mapping[str, str]) -> Table:
    """What a deployment made, by parameter."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("parameter", no_wrap=True)
    table.add_column("value", overflow="fold")
    for name, value in sorted(names.items()):
        table.add_row(escape(name), escape(value))
    return table


def command_line(document: str, edits: Edits) -> str:
    """The `recto review answer` that hands in these edits."""
    words = ["recto", "review", "answer", shlex.quote(document)]
    words += [f"--set {shlex.quote(each)}" for each in edits.set]
    words += [f"--add {shlex.quote(each)}" for each in edits.add]
    words += [f"--absent {shlex.quote(each)}" for each in edits.absent]
    return " ".join([*words, "--accept"] if edits.accept else words)
