"""Parties of a contract, and the law that it is under. Who or which court is meant is not looked up.

A party may be a company or a person; `Normalizer: party` spells either the way registers do: no comma
before a legal form, `and` for `&`, short legal forms with their usual points (`Inc.`, `LLC`), `Corporation`
and `Company` in full. A jurisdiction loses what only introduces it: `the State of New York` is `New York`.
"""

import re
from typing import Final

from recto.normalise.names import explained_away, name_key, spelled_form
from recto.normalise.reading import NO_CONVENTIONS, Conventions, Normalized, folded, not_understood

_EDGES: Final = " \t,;:*\"'()[]-_|/“”"
_SIGNED: Final = re.compile(r"^(?:/?s/|by\s*:|name\s*:|between|among|and\b)\s*", re.IGNORECASE)
_INTRODUCTION: Final = re.compile(
    r"^(?:the\s+)?(?:internal\s+|substantive\s+|domestic\s+)?(?:laws?\s+of\s+)?(?:the\s+)?"
    r"(?:(?:state|commonwealth|province|republic|kingdom)\s+of\s+)?(?:the\s+)?(?=\S)",
    re.IGNORECASE,
)
_SHORT: Final = 3
"""A last word of so few letters may be an abbreviation and keeps its full stop."""


def party_value(text: str, _: Conventions = NO_CONVENTIONS) -> Normalized:
    """A company or person by name: `Sears, Roebuck & Co` gives `Sears Roebuck and Co.` as its value."""
    whole = _SIGNED.sub("", explained_away(" ".join(text.split())).strip(_EDGES))
    words = [
        word for word in re.sub(r"\s*,\s*", " ", whole).split() if any(map(str.isalnum, word)) or word == "&"
    ]
    if not any(mark.isalpha() for mark in "".join(words)):
        return not_understood(text, "no name in it")
    spelled = [spelled_form(word) if place else word for place, word in enumerate(words)]
    value = _without_full_stop(" ".join("and" if word == "&" else word for word in spelled))
    return Normalized(value + "”" * (value.count("“") > value.count("”")), name_key(value))


def jurisdiction_value(text: str, _: Conventions = NO_CONVENTIONS) -> Normalized:
    """A state or country by name: `the Commonwealth of Massachusetts.` gives `Massachusetts`."""
    whole = folded(text).strip(_EDGES)
    name = _without_full_stop(_INTRODUCTION.sub("", whole)).strip(_EDGES)
    if not any(mark.isalpha() for mark in name):
        return not_understood(text, "no name in it")
    return Normalized(name, re.sub(r"[\W_]+", "", name.casefold()))


def _without_full_stop(name: str) -> str:
    """The name without a full stop that ends the sentence rather than an abbreviation."""
    last = name.rsplit(" ", 1)[-1]
    is_short = len(last.rstrip(".")) <= _SHORT or last.count(".") > 1
    is_form = spelled_form(last.rstrip(".")) == last
    return name if is_short or is_form else name.rstrip(".")
