"""`recto cost`: what is printed, written and drawn of what calls used; refusals say what was expected."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree as ET

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner

from recto.aws.dynamodb import DocumentRows, Table
from recto.aws.ledger import LedgerRows, UseRows, uses_of
from recto.cost import Unit
from recto.errors import ConfigurationError
from recto.messages import Status
from recto.ports import DocumentRow, UseRow
from recto_cli.cost_commands import cost_app
from recto_cli.cost_plot import Bar, bar_chart
from recto_cli.session import Session
from recto_cli.target import Options, TargetChoice
from tests.contract.template import resources

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
IDS = tuple(f"{number:02x}" * 16 for number in range(3))


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    """A stack with three documents: two uploads, one of a backfill that used nothing yet."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        properties = resources("AWS::DynamoDB::Table")["DocumentTable"]
        kept = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
        boto3.client("dynamodb").create_table(
            TableName="documents", **{name: properties[name] for name in kept}
        )
        values = {"static/DocumentTable": "documents", "static/InputBucket": "inbox"}
        for name, value in values.items():
            boto3.client("ssm").put_parameter(Name=f"/recto/{name}", Value=value, Type="String")
        made = Table("documents", "recto-tests")
        fill(made)
        yield made


def fill(table: Table) -> None:
    documents, uses = DocumentRows(table), UseRows(table)
    for number, document in enumerate(IDS):
        row = DocumentRow(
            document_id=document, status=Status.PROCESSED, bucket="inbox", key=f"2026/{number}.pdf",
            received=NOW, updated=NOW, backfill_id="b1" if number == 2 else "",
        )  # fmt: skip
        documents.add(row)
    for document, pages in zip(IDS, (1, 4), strict=False):
        uses.put(call(document, pages), NOW)
        LedgerRows(table).add(document, 1, "live", uses_of([call(document, pages)]), NOW)


def call(document: str, pages: int) -> UseRow:
    units = {Unit.TEXTRACT_TEXT: Decimal(pages), Unit.LAMBDA_REQUEST: Decimal(1)}
    return UseRow(document_id=document, attempt=1, step="textract_fetch", request_id="r", units=units)


def run(*words: str) -> str:
    session = Session(Options(TargetChoice.AWS, "recto", None, None))
    answer = CliRunner().invoke(cost_app, list(words), obj=session, catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    return answer.output


def test_a_documents_cost_is_told_by_step_and_service(table: Table, tmp_path: Path) -> None:
    told = run("document", IDS[1], "--csv", str(tmp_path / "a.csv"), "--plot", str(tmp_path / "a.svg"))

    lines = list(csv.DictReader(io.StringIO((tmp_path / "a.csv").read_text(), newline="")))
    pages = next(line for line in lines if line["unit"] == "textract.text")
    assert "2026/1.pdf" in told
    assert "no free tier" in told
    assert (pages["step"], pages["service"], Decimal(pages["usd"])) == (
        "textract_fetch",
        "textract",
        Decimal("0.006"),
    )
    assert ET.parse(tmp_path / "a.svg").getroot().tag.endswith("svg")  # noqa: S314 - we wrote it


def test_a_batch_is_summed_and_its_dearest_document_named(table: Table) -> None:
    told = run("batch", "--prefix", "2026/")

    assert "3 documents, 2 with what they used noted" in told
    assert "the dearest: 2026/1.pdf" in told


def test_a_batch_may_be_a_backfill(table: Table) -> None:
    assert "1 documents, 0 with" in run("batch", "--backfill", "b1")


def test_a_month_is_told_by_day_with_its_pages(table: Table) -> None:
    told = run("month", "2026-11")

    (day,) = (line for line in told.splitlines() if line.startswith("2026-11-22"))
    assert day.split()[1:4] == ["live", "2", "5"]
    assert "nothing was processed in 2026-01" in run("month", "2026-01")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("batch",), "--prefix, --backfill or --since"),
        (("batch", "--prefix", "elsewhere/"), "no document was taken in"),
        (("document", IDS[2]), "no call has noted what it used"),
        (("month", "november"), "yyyy-mm, got 'november'"),
        (("month", "2026-11", "--prices", "no-such.json"), r"price file no-such\.json: No such file"),
        (("idle", "--parameter", "Dashboard"), "'Dashboard': expected NAME=VALUE"),
        (("idle", "--template", "no-such.yaml"), r"no-such\.yaml: expected a template"),
    ],
)
def test_what_cannot_be_told_is_refused_by_name(table: Table, words: tuple[str, ...], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        run(*words)


def test_names_in_a_chart_are_text_and_nothing_else() -> None:
    chart = bar_chart("<b>&", [Bar('"<script>', [("s3", Decimal("0.5"))]), Bar("empty", [])])

    root = ET.fromstring(chart)  # noqa: S314 - we wrote it
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert '"<script>' in texts
    assert "<b>&" in texts
