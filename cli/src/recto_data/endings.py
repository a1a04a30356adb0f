"""Files known again where the same corpus lies elsewhere: by the longest common ending of their paths.

`s3://theirs/data/raw/Bank/Card.pdf` and `/home/me/corpus/Bank/Card.pdf` end alike. Labels of one account are
found again in another, whatever buckets and prefixes both have.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from recto.manifests import ManifestLine
from recto_data.places import S3

Parts = tuple[str, ...]
RESULT = "consolidated.json"
IMAGE_OF_PDF = re.compile(r"(?P<base>.+)-0001-(?P<page>\d+)")
"""The name of a PDF's page image, without its ending."""


class Endings:
    """References, to be found by the end of their paths."""

    def __init__(self, refs: Iterable[str]) -> None:
        self._by_parts = {_parts(ref): ref for ref in refs}
        self._by_ending: dict[Parts, set[str]] = {}
        for parts, ref in self._by_parts.items():
            for begin in range(len(parts)):
                self._by_ending.setdefault(parts[begin:], set()).add(ref)

    def same(self, others: Iterable[str]) -> dict[str, list[str]]:
        """For each other reference those of ours that are the same file: none, one or several.

        The longest endings tell which folder of theirs is which of ours. What lies below a folder that is
        known is where it should be or not there: `BankA/Card.pdf` is never `BankB/Card.pdf`.
        """
        longest = {ref: self._longest(_parts(ref)) for ref in others}
        known: dict[Parts, Parts] = {}
        found: dict[str, list[str]] = {}
        for ref in sorted(longest, key=lambda ref: (len(longest[ref].folder), ref)):
            folder, refs = longest[ref]
            below = [theirs for theirs in known if _parts(ref)[: len(theirs)] == theirs]
            if below:
                places = (known[theirs] + _parts(ref)[len(theirs) :] for theirs in below)
                found[ref] = sorted({self._by_parts[place] for place in places if place in self._by_parts})
                continue
            if len(refs) == 1:
                length = len(_parts(ref)) - len(folder)
                known[folder] = _parts(refs[0])[:-length]
            found[ref] = refs
        return found

    def _longest(self, parts: Parts) -> "_Longest":
        for begin in range(len(parts)):
            if refs := self._by_ending.get(parts[begin:]):
                return _Longest(parts[:begin], sorted(refs))
        return _Longest(parts, [])


class _Longest(NamedTuple):
    """The longest common ending of a path."""

    folder: Parts
    """What is before it."""
    refs: list[str]


def _parts(ref: str) -> Parts:
    return tuple(part for part in ref.removeprefix(S3).split("/") if part)


def document_of(content: Mapping[str, Any]) -> str:
    """What tells the line's document from others: its path as far as the line tells it; empty for none.

    The document itself, or the OCR's output without the name that all outputs have, or the page's image
    without its page.
    """
    if ref := content.get("raw-ref"):
        return str(ref)
    if ref := content.get("textract-ref"):
        return str(ref).removesuffix(f"/{RESULT}")
    return document_of_image(str(content.get("source-ref") or ""))


def document_of_image(ref: str) -> str:
    """The path of a page image without page and ending: that of its document without an ending."""
    folder, slash, name = ref.rpartition("/")
    stem = PurePosixPath(name).stem
    match = IMAGE_OF_PDF.fullmatch(stem)
    return folder + slash + (match["base"] if match else stem) if name else ""


def names_whole_document(content: Mapping[str, Any]) -> bool:
    """Whether `document_of` has the document's ending too."""
    return bool(content.get("raw-ref") or content.get("textract-ref"))


def page_of_image(ref: str) -> int | None:
    """The page that the name of a PDF's page image tells."""
    match = IMAGE_OF_PDF.fullmatch(PurePosixPath(ref).stem)
    return int(match["page"]) if match else None


def order_of(line: ManifestLine) -> tuple[str, int, str]:
    """Documents by name, their pages in order."""
    page = line.content.get("page-num")
    number = page if isinstance(page, int) else 0
    return document_of(line.content), number, str(line.content.get("source-ref") or "")
