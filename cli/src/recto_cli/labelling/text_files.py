"""Text to be labelled, out of OCR results: a file for each page, the manifest, and the way back to the words.

Text entities are marked on plain text, by characters. The map beside each text says which characters each
word of the OCR result has become, so that a marked span is words, and so boxes, again. Characters are
counted as Unicode counts them (code points), as the element that marks spans does, and Python.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from recto.document import Page, Word
from recto.errors import DamagedDocumentError, LabelRequestError
from recto.manifests import BrokenLine, page_of, read_manifest
from recto.places import Location
from recto.ports import ObjectStore
from recto.reading_order import reading_order
from recto.textract import blocks_of, read_pages
from recto_cli.labelling.manifest_facts import chunks_of, s3_location

TEXT_SUFFIX, MAP_SUFFIX = ".txt", ".words.json"
LARGEST_TEXT = 1024 * 1024
"""Bytes of a text that one page can reasonably have; the pre-labelling function has a limit as well."""


class WordSpan(BaseModel):
    """A word's characters in the text."""

    model_config = ConfigDict(frozen=True)

    start: int
    end: int
    """Behind its last character."""
    word: int
    """Index of the word on the page, in the OCR's order."""
    id: str = ""


class TextMap(BaseModel):
    """The way back from a page's text to its words."""

    model_config = ConfigDict(frozen=True)

    textract_ref: str
    page_num: int
    unit: Literal["code-points"] = "code-points"
    """What characters are counted in."""
    words: tuple[WordSpan, ...]

    def words_in(self, start: int, end: int) -> list[int]:
        """Indices of the words that a span touches, in reading order."""
        return [one.word for one in self.words if one.start < end and start < one.end]


class PageText(NamedTuple):
    """A page as text."""

    text: str
    words: tuple[WordSpan, ...]


def text_of(page: Page) -> PageText:
    """The words in reading order, a space between words of a segment, a new line after each segment."""
    parts: list[str] = []
    spans: list[WordSpan] = []
    at = 0
    for segment in reading_order(page.words).segments:
        for index in segment.words:
            word = page.words[index]
            shown = _in_one_piece(word)
            spans.append(WordSpan(start=at, end=at + len(shown), word=index, id=word.id))
            parts += [shown, " "]
            at += len(shown) + 1
        parts[-1] = "\n"
    return PageText("".join(parts), tuple(spans))


def _in_one_piece(word: Word) -> str:
    """Without characters that a browser would change: line ends and the like inside a word."""
    return " ".join(word.text.split()) or "\N{REPLACEMENT CHARACTER}"


class Made(NamedTuple):
    """What the pages of a source have become."""

    lines: tuple[dict[str, Any], ...]
    """The manifest's."""
    skipped: tuple[str, ...]


class TextFiles:
    """Makes the texts of pages below one place in S3."""

    def __init__(self, objects: ObjectStore, folder: Location) -> None:
        self._objects = objects
        self._folder = folder

    def of(self, pages: Iterable["WantedPage"]) -> Made:
        """Texts, maps and manifest lines; pages without words and results that cannot be read are told."""
        lines: list[dict[str, Any]] = []
        skipped: list[str] = []
        for textract, wanted in _by_result(pages):
            try:
                found = {page.number: page for page in read_pages(blocks_of(self._response(textract)))}
            except (DamagedDocumentError, LabelRequestError) as error:
                skipped.append(f"{textract}: {error}")
                continue
            for number in sorted(found) if wanted is None else sorted(wanted):
                line, why = self._page(textract, found.get(number), number, (wanted or {}).get(number))
                lines += [line] if line else []
                skipped += [f"{textract}, page {number}: {why}"] if why else []
        return Made(tuple(lines), tuple(skipped))

    def _response(self, uri: str) -> Any:
        try:
            return json.loads(self._objects.read(s3_location(uri, "textract-ref")))
        except ValueError as error:
            raise DamagedDocumentError(f"not JSON: {error}") from error

    def _page(
        self, textract: str, page: Page | None, number: int, line: Mapping[str, Any] | None
    ) -> tuple[dict[str, Any] | None, str]:
        if page is None or not page.words:
            return None, "the OCR result has no such page" if page is None else "no words"
        made = text_of(page)
        body = made.text.encode()
        if len(body) > LARGEST_TEXT:
            return None, f"{len(body):,} bytes of text, at most {LARGEST_TEXT:,} can be labelled at once"
        text, words = (self._place(textract, number, suffix) for suffix in (TEXT_SUFFIX, MAP_SUFFIX))
        way_back = TextMap(textract_ref=textract, page_num=number, words=made.words)
        self._objects.write(text, body, "text/plain; charset=utf-8")
        self._objects.write(words, way_back.model_dump_json().encode(), "application/json")
        about = {"textract-ref": textract, "page-num": number, "words-ref": words.uri}
        return {**(line or {}), "text-file-s3-uri": text.uri, "metadata": about}, ""

    def _place(self, textract: str, number: int, suffix: str) -> Location:
        """A name of its own for each page: folders of the result's key, then the page."""
        key = PurePosixPath(Location.from_uri(textract).key)
        stem = "/".join(part for part in key.with_suffix("").parts if part not in ("/", ".", ".."))
        folder = self._folder.key.rstrip("/")
        return Location(bucket=self._folder.bucket, key=f"{folder}/{stem}/page-{number:04d}{suffix}")


class WantedPage(NamedTuple):
    """A page to make a text of, with its manifest line; page 0: all of the result's."""

    textract: str
    number: int
    line: Mapping[str, Any]


def _by_result(
    pages: Iterable[WantedPage],
) -> Iterator[tuple[str, dict[int, Mapping[str, Any]] | None]]:
    """Pages by OCR result, so that each is read once; None for all pages of it."""
    results: dict[str, dict[int, Mapping[str, Any]] | None] = {}
    for page in pages:
        known = results.setdefault(page.textract, {} if page.number else None)
        if page.number and known is not None:
            known[page.number] = page.line
        else:
            results[page.textract] = None
    return iter(results.items())


def wanted_pages(source: str) -> Iterator[WantedPage]:
    """Pages of a page manifest, or all pages of one consolidated OCR result (`….json`)."""
    if source.endswith(".json"):
        yield WantedPage(s3_location(source, "OCR result").uri, 0, {})
        return
    for line in read_manifest(chunks_of(source), source):
        if isinstance(line, BrokenLine):
            raise line.error
        if "source-ref" not in line.content and line.content.get("textract-ref"):
            yield WantedPage(str(line.content["textract-ref"]), 0, {})
            continue
        page = page_of(line)
        if page.textract_ref is None:
            raise LabelRequestError(
                f"{line.place}: expected the key textract-ref, seen {', '.join(line.content)}"
            )
        yield WantedPage(page.textract_ref, page.page_num or 0, line.content)
