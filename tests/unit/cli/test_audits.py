"""`recto review audit` as it looks on a terminal."""

from datetime import UTC, datetime
from io import StringIO

from rich.console import Console

from recto.ports import AuditRow
from recto_cli.audits import audits_report

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def printed(*rows: AuditRow) -> str:
    console = Console(file=StringIO(), width=140)
    console.print(audits_report(rows))
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def row(number: int, errors: int) -> AuditRow:
    values = tuple(("Total [x]", 0.95, place >= errors) for place in range(10))
    return AuditRow(
        audit_id=f"a{number}", document_id=f"d{number}", opened=NOON, completed=NOON, values=values,
        missed={"Date": 1},
    )  # fmt: skip


def test_errors_stand_beside_what_confidence_promised() -> None:
    text = printed(*(row(number, errors=number % 2) for number in range(20)))

    lines = [line.split() for line in text.splitlines()]
    assert lines[1] == ["Date", "0", "0", "20"]
    assert lines[2] == ["Total", "[x]", "200", "10", "5.0%", "2.7%", "to", "9.0%", "5.0%", "0"]
    assert lines[3][:3] == ["all", "200", "10"]
    assert "no sign of drift" in text


def test_far_more_errors_than_promised_are_told_as_drift() -> None:
    text = printed(*(row(number, errors=2) for number in range(20)))

    assert "drift: 40 of 200 values of 20 documents were wrong, confidence promised 10.0" in text
