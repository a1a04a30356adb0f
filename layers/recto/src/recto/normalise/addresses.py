"""Postal addresses on one line, with postcode, region and country where they are printed; no look-up.

Known layouts: US (`City, ST 12345`), UK (`LONDON SW1A 1AA`), and those with the postcode before the city
(Malaysia, Germany, France and most of Europe). A library for addresses brings models of a gigabyte
(libpostal) or one country only; the parts wanted here are few.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from recto.normalise.reading import (
    NO_CONVENTIONS,
    NO_POSTCODE,
    Conventions,
    Normalized,
    folded,
    not_understood,
)

_STATES: Final = (
    "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND "
    "OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY DC PR VI GU"
)
_STATE_NAMES: Final = (
    "Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida|Georgia|Hawaii|"
    "Idaho|Illinois|Indiana|Iowa|Kansas|Kentucky|Louisiana|Maine|Maryland|Massachusetts|Michigan|"
    "Minnesota|Mississippi|Missouri|Montana|Nebraska|Nevada|New Hampshire|New Jersey|New Mexico|"
    "New York|North Carolina|North Dakota|Ohio|Oklahoma|Oregon|Pennsylvania|Rhode Island|"
    "South Carolina|South Dakota|Tennessee|Texas|Utah|Vermont|Virginia|Washington|West Virginia|"
    "Wisconsin|Wyoming|District of Columbia"
)
_US: Final = re.compile(
    rf"(?<!\w)(?P<region>(?-i:{'|'.join(_STATES.split())})|{_STATE_NAMES})\.?,?\s+(?P<postcode>\d{{5}}(?:\s?-\s?\d{{4}})?)(?!\d)",
    re.IGNORECASE,
)
_UK: Final = re.compile(r"(?<!\w)(?P<postcode>[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2})(?!\w)")
_CANADA: Final = re.compile(
    r"(?<!\w)(?:(?P<region>[A-Z]{2})\s+)?(?P<postcode>[A-Z]\d[A-Z]\s?\d[A-Z]\d)(?!\w)"
)
_BEFORE_CITY: Final = re.compile(
    r"(?<![\w/-])(?:[A-Z]{1,2}-)?(?P<postcode>\d{5}|\d{4}(?:\s[A-Z]{2}(?!\w))?)(?=[,.]?\s+[^\W\d_])"
)
_MY_STATES: Final = (
    "Johor|Kedah|Kelantan|Melaka|Malacca|Negeri Sembilan|Pahang|Perak|Perlis|Pulau Pinang|Penang|Sabah|"
    "Sarawak|Selangor(?: Darul Ehsan)?|Terengganu|Kuala Lumpur|Labuan|Putrajaya"
)
_MALAYSIA: Final = re.compile(
    rf"(?<![\w/-])(?P<postcode>\d{{5}})(?!\w)(?=(?:.*?(?<!\w)(?P<region>{_MY_STATES})(?!\w))?)", re.IGNORECASE
)
_LAYOUTS: Final[Mapping[str, re.Pattern[str]]] = {"US": _US, "GB": _UK, "CA": _CANADA, "MY": _MALAYSIA}
"""Countries with a layout of their own; all others write the postcode before the city."""
_COUNTRIES: Final[Mapping[str, str]] = {
    "usa": "US", "u.s.a": "US", "united states": "US", "united states of america": "US",
    "united kingdom": "GB", "uk": "GB", "england": "GB", "scotland": "GB", "wales": "GB",
    "great britain": "GB", "malaysia": "MY", "germany": "DE", "deutschland": "DE", "france": "FR",
    "netherlands": "NL", "switzerland": "CH", "schweiz": "CH", "austria": "AT", "österreich": "AT",
    "canada": "CA", "spain": "ES", "españa": "ES", "italy": "IT", "italia": "IT", "belgium": "BE",
}  # fmt: skip
_SHORT: Final[Mapping[str, str]] = {
    "street": "st", "avenue": "ave", "road": "rd", "drive": "dr", "boulevard": "blvd", "lane": "ln",
    "suite": "ste", "apartment": "apt", "floor": "fl", "highway": "hwy", "parkway": "pkwy", "place": "pl",
    "court": "ct", "square": "sq", "north": "n", "south": "s", "east": "e", "west": "w", "jalan": "jln",
    "taman": "tmn", "kampung": "kg", "lorong": "lrg", "straße": "str", "strasse": "str", "number": "no",
}  # fmt: skip
_LABEL: Final = re.compile(
    r"^(?:(?:mailing|postal|registered|office|billing|street)\s+)*(?:address|addr)\s*[:.-]\s*", re.IGNORECASE
)


class Address(NamedTuple):
    """The parts of an address that could be told apart."""

    lines: tuple[str, ...]
    """As printed, one per line or per comma where it is printed on one line."""
    postcode: str | None = None
    region: str | None = None
    """State or province, as printed."""
    country: str | None = None
    """ISO code, where it is printed or the field's Country."""


def parse_address(text: str, country: str | None = None) -> Address:
    """The parts of an address; `country` is what the field says of its documents."""
    rows = [folded(row).strip(" ,;") for row in text[:1000].splitlines()]
    lines = [line for row in rows for part in row.split(",") if (line := part.strip(" .;"))]
    printed = _COUNTRIES.get(lines[-1].casefold()) if lines else None
    country = printed or country
    match = _located(" ".join(row for row in rows if row), country)
    region = match.groupdict().get("region") if match else None
    postcode = " ".join(match["postcode"].split()) if match else None
    return Address(tuple(lines), postcode, region, country or _country_of(match))


def _located(text: str, country: str | None) -> re.Match[str] | None:
    """The last postcode, in the country's layout or in that which fits."""
    layouts = [_LAYOUTS.get(country, _BEFORE_CITY)] if country else [_US, _UK, _CANADA, _BEFORE_CITY]
    for layout in layouts:
        if matches := list(layout.finditer(text)):
            return matches[-1] if layout is not _BEFORE_CITY else _likeliest(matches)
    return None


def _likeliest(matches: list[re.Match[str]]) -> re.Match[str]:
    """Five digits rather than four, which are often a house number."""
    return max(matches, key=lambda match: (sum(map(str.isdigit, match["postcode"])), match.start()))


def _country_of(match: re.Match[str] | None) -> str | None:
    return {_US: "US", _UK: "GB", _CANADA: "CA"}.get(match.re) if match else None


def address_value(text: str, conventions: Conventions = NO_CONVENTIONS) -> Normalized:
    """The address on one line, its parts separated by commas."""
    text = _LABEL.sub("", text.strip())
    address = parse_address(text, conventions.country)
    value = ", ".join(address.lines)
    if not any(mark.isalpha() for mark in value):
        return not_understood(text, "no address in it")
    flags = () if address.postcode else (NO_POSTCODE,)
    return Normalized(value, _key(value), flags=flags)


def _key(value: str) -> str:
    """Letters and digits, usual words abbreviated: `Main Street` and `Main St.` are one."""
    words = re.findall(r"[^\W_]+", value.casefold())
    return "".join(_SHORT.get(word, word) for word in words) or value.casefold()
