"""Text with fields marked in it, and the words that come of it. Knows nothing of pages.

A field is marked as `⟦4|Prime + 9.99%⟧`: class id, bar, text. Punctuation that touches a marked text
becomes part of the same word, as it does for an OCR. A newline forces a new line of print.
"""

import re
from typing import NamedTuple

NO_FIELD = -1
_MARK = re.compile(r"⟦(\d+)\|([^⟧]*)⟧")


class MarkedWord(NamedTuple):
    """A word and what it belongs to."""

    text: str
    field: int = NO_FIELD
    """Class id, NO_FIELD outside any field."""
    entity: int = NO_FIELD
    """Number of the marked text within its string, NO_FIELD outside any."""
    starts_line: bool = False
    """The text demands a new line here."""
    value: str = ""
    """The part of the word inside the mark, without punctuation that only touches it."""


def mark(field: int, text: str) -> str:
    """The text, marked as one mention of a field."""
    return f"⟦{field}|{text}⟧"


def unmark(text: str) -> str:
    """The text without its marks."""
    return _MARK.sub(r"\2", text)


def upper(text: str) -> str:
    """The text in capitals, marks kept."""
    return text.upper()


def marked_words(text: str) -> list[MarkedWord]:
    """The words between white space; each belongs to the first field that any of its characters is of."""
    characters: list[tuple[str, int, int]] = []
    position = 0
    for entity, match in enumerate(_MARK.finditer(text)):
        characters += [(c, NO_FIELD, NO_FIELD) for c in text[position : match.start()]]
        characters += [(c, int(match[1]), entity) for c in match[2]]
        position = match.end()
    characters += [(c, NO_FIELD, NO_FIELD) for c in text[position:]]
    return _split(characters)


def _split(characters: list[tuple[str, int, int]]) -> list[MarkedWord]:
    words: list[MarkedWord] = []
    run: list[tuple[str, int, int]] = []
    starts_line = False
    for character in [*characters, (" ", NO_FIELD, NO_FIELD)]:
        if not character[0].isspace():
            run.append(character)
            continue
        if run:
            words.append(_as_word(run, starts_line))
            run, starts_line = [], False
        starts_line = starts_line or character[0] == "\n"
    return words


def _as_word(run: list[tuple[str, int, int]], starts_line: bool) -> MarkedWord:
    field, entity = next(((f, e) for _, f, e in run if f != NO_FIELD), (NO_FIELD, NO_FIELD))
    value = "".join(c for c, _, e in run if e == entity and e != NO_FIELD)
    return MarkedWord("".join(c for c, _, _ in run), field, entity, starts_line, value)
