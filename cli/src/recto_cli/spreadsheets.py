"""CSV that people open in a spreadsheet: text stays text there, and is never taken for a formula.

File names, fields and causes come from documents, hence from strangers. A cell that begins as a formula does
gets an apostrophe before it, as OWASP advises; numbers stay numbers, also negative ones.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

Cell = str | int | float | Decimal | None

BEGINS_FORMULA = re.compile(r"^[\s\x00]*[=+\-@＝＋－＠]|^[\t\r\n]")
NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)*(?:[eE][+-]?\d+)?%?")


def csv_text(heading: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """The whole table, lines ended as RFC 4180 says."""
    target = io.StringIO(newline="")
    writer = csv.writer(target, lineterminator="\r\n")
    writer.writerow([harmless(name) for name in heading])
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    return target.getvalue()


def harmless(cell: Cell) -> str:
    """A cell's text as no spreadsheet calculates with it."""
    if cell is None:
        return ""
    if not isinstance(cell, str):
        return str(cell)
    text = cell.replace("\x00", "")
    return f"'{text}" if BEGINS_FORMULA.match(text) and not NUMBER.fullmatch(text) else text
