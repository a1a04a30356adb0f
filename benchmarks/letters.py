"""Letters to send and what may become of them: odd files with their listed ends, and good ones.

What each odd file of ../shared/data ends as is listed in tests/e2e/mail.csv. Nothing here sends anything.
"""

import csv
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

RESULT = "result"
OCR_FAILED = "OcrFailedError"
"""Of a damaged document that can be drawn, but that the OCR service refuses."""


class Letter(NamedTuple):
    """A document with the ends that it may have: `result`, or errors' names."""

    name: str
    body: bytes
    expected: frozenset[str]


def odd_letters(data: Path, listed: Path, most_pages: int, seed: int) -> list[Letter]:
    """The odd files, shuffled; without those of more pages, since reading them is not what is tried."""
    with listed.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if "/odd/" in row["file"]]
    letters = [
        Letter(row["file"], (data / row["file"]).read_bytes(), frozenset({row["outcome"]}))
        for row in rows
        if int(row["pages"] or 0) <= most_pages
    ]
    random.Random(seed).shuffle(letters)
    return letters


def good_letters(samples: Path, data: Path, number: int) -> list[Letter]:
    """So many different good documents of few pages: ours, then receipts."""
    files = [samples / name for name in ("letter.pdf", "pricing-table.pdf", "two-columns.pdf", "booklet.pdf")]
    files += sorted((data / "sroie" / "img").glob("*.jpg"))
    there = [path for path in files if path.exists()][:number]
    return [Letter(path.name, path.read_bytes(), frozenset({RESULT})) for path in there]


def between(odd: Sequence[Letter], good: Sequence[Letter], copies: int) -> Iterator[tuple[str, Letter]]:
    """Odd and good letters in turn, `copies` of the good ones in all, each with a key of its own."""
    for number in range(max(len(odd), copies)):
        if number < len(odd):
            yield f"odd/{number:04}/{odd[number].name}", odd[number]
        if number < copies:
            letter = good[number % len(good)]
            yield f"good/{number:04}/{letter.name}", letter


def comparable(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields without the ids of words, which are each reading's own."""
    return {name: _without_blocks(value) for name, value in fields.items()}


def _without_blocks(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_blocks(each) for key, each in value.items() if key != "Blocks"}
    return [_without_blocks(each) for each in value] if isinstance(value, list) else value
