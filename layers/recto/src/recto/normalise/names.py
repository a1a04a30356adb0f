"""Names of companies and persons in one spelling. Who is meant is not looked up anywhere."""

import re
from collections.abc import Mapping
from typing import Final

from recto.normalise.reading import (
    CASE_CHANGED,
    NO_CONVENTIONS,
    Conventions,
    Normalized,
    folded,
    not_understood,
)

_FORMS: Final[Mapping[str, str]] = {
    "inc": "Inc.", "incorporated": "Inc.", "corp": "Corp.", "corporation": "Corp.", "co": "Co.",
    "company": "Company", "ltd": "Ltd.", "limited": "Ltd.", "llc": "LLC", "llp": "LLP", "lp": "LP",
    "plc": "PLC", "pllc": "PLLC", "pc": "P.C.", "na": "N.A.", "gmbh": "GmbH", "ag": "AG", "kg": "KG",
    "ug": "UG", "ohg": "OHG", "se": "SE", "sa": "S.A.", "sarl": "S.à r.l.", "sàrl": "S.à r.l.",
    "sas": "SAS", "srl": "S.r.l.", "spa": "S.p.A.", "bv": "B.V.", "nv": "N.V.", "ab": "AB", "as": "AS",
    "asa": "ASA", "aps": "ApS", "oy": "Oy", "oyj": "Oyj", "sdn": "Sdn", "bhd": "Bhd", "berhad": "Bhd",
    "pte": "Pte", "pty": "Pty", "kk": "K.K.", "spzoo": "Sp. z o.o.", "lda": "Lda.", "ltda": "Ltda.",
}  # fmt: skip
"""A legal form without points, to its usual spelling."""
_TRADING_AS: Final = re.compile(
    r"(?<!\w)(?:d\s?[/.]\s?b\s?[/.]\s?a\.?|dba|doing business as|t\s?/\s?a|trading as)(?!\w)", re.IGNORECASE
)
_EXPLAINED: Final = re.compile(
    r"""\s*(?:\(\s*(?:the\s+|each\s+|hereinafter|collectively|together|as\s|formerly|f/k/a|["'])[^()]*\)?|\("[^()]*\)"""
    r"""|,\s*(?:an?|the)\s+(?:[\w.&-]+\s+){0,6}?(?:corporation|company|partnership|association|bank|trust|individual|entity|firm)\b.*"""
    r"""|,\s*(?:having|with|whose|located|organi[sz]ed|acting|on behalf)\b.*)""",
    re.IGNORECASE,
)
_REGISTRATION: Final = re.compile(
    r"""[\s,]*
        (?:\(\s*)?(?:co\.?\s*)?(?:reg(?:istration|n|d)?\b\.?\s*)?(?:no\b\.?\s*)?[:.]?\s*
        (?<!\d)\d{4,12}\s*-?\s*[A-Z]?\b\s*\)?            # (728384-M), 273500-U, (Reg. No. 00123456)
        (?:\s*\([A-Z0-9]{1,4}\))?                        # and a branch behind it: (KSB)
        \s*$""",
    re.IGNORECASE | re.VERBOSE,
)
"""The number in a register of companies that is printed behind a name."""
_SMALL_WORDS: Final = (
    "of and the for in at on by de la le du des und von der die das van den del di da y e et"
)
_SMALL: Final = frozenset(_SMALL_WORDS.split())
_TITLES: Final = re.compile(
    r"^(?:(?:mr|mrs|ms|miss|dr|prof|sir|hon|messrs|herr|frau|mme|m)\b\.?\s+)+", re.IGNORECASE
)
_SUFFIXES: Final[Mapping[str, str]] = {
    "jr": "Jr.", "sr": "Sr.", "ii": "II", "iii": "III", "iv": "IV", "md": "M.D.", "phd": "Ph.D.",
    "esq": "Esq.", "cpa": "CPA",
}  # fmt: skip
_NAMELESS: Final = frozenset({*_FORMS, "the", "and", "&", ""})
_EDGES: Final = " \t,;:*\"'-_|"


_FULL_FORMS: Final = frozenset({"corporation", "company", "berhad"})
"""Legal forms that registers write out, as part of the name."""


def explained_away(text: str) -> str:
    """The name without what explains it: `Kite ("Company"), a Delaware corporation` is `Kite`."""
    return _EXPLAINED.sub("", text)


def spelled_form(word: str) -> str:
    """A legal form with its usual points, `inc` as `Inc.`; a form in full and any other word as it is."""
    bare = _bare(word)
    return word if bare in _FULL_FORMS else _FORMS.get(bare, word)


def company_value(text: str, _: Conventions = NO_CONVENTIONS) -> Normalized:
    """A company's name: legal form in its usual spelling, capitals lowered, without what explains it."""
    whole = _EXPLAINED.sub("", folded(text)).strip(_EDGES)
    whole = _REGISTRATION.sub("", whole).strip(_EDGES) or whole
    whole = re.sub(r"(?<=\w)\s*®|™|\(r\)(?!\w)|\(tm\)", "", whole, flags=re.IGNORECASE)
    if not any(mark.isalpha() for mark in whole):
        return not_understood(text, "no name in it")
    if all(_bare(word) in _NAMELESS for word in whole.split()):
        return not_understood(text, "a legal form without a name")
    legal, *trading = (part.strip(_EDGES) for part in _TRADING_AS.split(whole, maxsplit=1))
    lowered = [_company(part) for part in (legal, *trading) if part]
    value = " d/b/a ".join(lowered)
    if not value:
        return not_understood(text, "no name in it")
    changed = (CASE_CHANGED,) * (whole == whole.upper() and value != value.upper())
    return Normalized(value, name_key(value), flags=changed)


def _company(name: str) -> str:
    words = re.sub(r"\s*,\s*", " , ", name).split()
    if name == name.upper():
        words = [_lowered(word, first=place == 0) for place, word in enumerate(words)]
    spelled = [_FORMS.get(_bare(word), word) if place else word for place, word in enumerate(words)]
    for place, word in enumerate(spelled[:-1]):
        if word == "," and _bare(words[place + 1]) in _FORMS:
            spelled[place] = ""
    text = " ".join(word for word in spelled if word).replace(" ,", ",")
    return _closed(text)


def _closed(text: str) -> str:
    """Without a full stop at the end, unless it belongs to a legal form or an abbreviation."""
    last = text.rsplit(" ", 1)[-1]
    keeps = last in _FORMS.values() or last in _SUFFIXES.values() or last.count(".") > 1
    return text if keeps else text.rstrip(".")


def _bare(word: str) -> str:
    return re.sub(r"[.,]", "", word).casefold()


def _lowered(word: str, *, first: bool) -> str:
    """A word of a name in capitals: abbreviations stay, small words become small."""
    plain = word.casefold()
    if plain in _SMALL:
        return plain.capitalize() if first else plain
    if _bare(word) in _FORMS:
        return word
    letters = sum(mark.isalpha() for mark in word)
    is_abbreviation = letters <= 3 or "." in word.rstrip(".") or not re.search(r"[AEIOUYÄÖÜ]", word)
    return word if is_abbreviation or any(map(str.isdigit, word)) else _capitalised(plain)


def _capitalised(plain: str) -> str:
    """`o'brien-smith` as `O'Brien-Smith`, `mcdonald` as `McDonald`."""
    text = re.sub(r"(?:^|(?<=[-/(&]))[^\W\d_]|(?<=^[od]')[^\W\d_]", lambda match: match[0].upper(), plain)
    return re.sub(r"^(Mc)([a-z])(?=[a-z]{2})", lambda match: match[1] + match[2].upper(), text)


def name_key(value: str) -> str:
    """Letters and digits, legal forms in their usual spelling; `&` and `and` are one."""
    value = " ".join(
        _FORMS.get(_bare(word), word) if place else word for place, word in enumerate(value.split())
    )
    return (
        re.sub(r"[\W_]+", "", re.sub(r"(?<!\w)&(?!\w)|\band\b", "and", value.casefold())) or value.casefold()
    )


def person_value(text: str, _: Conventions = NO_CONVENTIONS) -> Normalized:
    """A person's name, given name first, without titles: `SPRUNK, ERIC D.` gives `Eric D. Sprunk`."""
    whole = _TITLES.sub("", _EXPLAINED.sub("", folded(text)).strip(_EDGES))
    if not any(mark.isalpha() for mark in whole):
        return not_understood(text, "no name in it")
    parts = [part.strip() for part in whole.split(",") if part.strip()]
    suffixes = [_SUFFIXES[_bare(part)] for part in parts[1:] if _bare(part) in _SUFFIXES]
    names = [part for part in parts if _bare(part) not in _SUFFIXES]
    ordered = f"{names[1]} {names[0]}" if len(names) == 2 else " ".join(names)
    words = [word for word in ordered.split() if word]
    if whole == whole.upper():
        words = [_person_word(word) for word in words]
    if words and not suffixes and _bare(words[-1]) in _SUFFIXES and len(words) > 1:
        suffixes = [_SUFFIXES[_bare(words.pop())]]
    value = _closed_person(" ".join([*words, *suffixes]))
    flags = (CASE_CHANGED,) * (whole == whole.upper() and value != value.upper())
    return Normalized(value, name_key(value), flags=flags) if value else not_understood(text, "no name in it")


def _person_word(word: str) -> str:
    is_initial = len(_bare(word)) == 1 or "." in word.rstrip(".")
    plain = word.casefold()
    return (
        word if is_initial or _bare(word) in _SUFFIXES else plain if plain in _SMALL else _capitalised(plain)
    )


def _closed_person(text: str) -> str:
    last = text.rsplit(" ", 1)[-1]
    keeps = last in _SUFFIXES.values() or len(_bare(last)) == 1 or last.count(".") > 1
    return text if keeps else text.rstrip(".")
