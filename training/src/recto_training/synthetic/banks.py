"""Banks of invented names, places and amounts; each has three parts: for training, for development, for the test.

Nothing here is taken from a real agreement. A name is put together from two halves, so that training
meets thousands of them; no half is in two parts. The test's part lies in `final_words`.
"""
# ruff: noqa: E501 - lists of words

import re
from enum import StrEnum
from random import Random
from typing import NamedTuple

from recto_training.synthetic import final_words, more_words
from recto_training.synthetic.salad import WORDS, coined


class Split(StrEnum):
    """Whether something may be met in training."""

    SEEN = "seen"
    HELD_OUT = "held_out"
    """Kept from training, but looked at while the recipe was made."""
    TEST = "test"
    """Used for the final figure of a release only."""


class Bank(NamedTuple):
    """Alternatives for one thing, in three disjoint parts."""

    seen: tuple[str, ...]
    held_out: tuple[str, ...]
    test: tuple[str, ...]

    def part(self, split: Split) -> tuple[str, ...]:
        return {Split.SEEN: self.seen, Split.HELD_OUT: self.held_out, Split.TEST: self.test}[split]

    def pick(self, rng: Random, split: Split) -> str:
        """One alternative, with one choice made in each `<a~b~c>` of it."""
        return expand(rng.choice(self.part(split)), rng)


_CHOICE = re.compile(r"<([^<>]*)>")


def expand(text: str, rng: Random) -> str:
    """The text with each `<a~b~c>` replaced by one of its parts, inner ones first."""
    while "<" in text:
        text = _CHOICE.sub(lambda match: rng.choice(match[1].split("~")), text)
    return text


def bank(*parts: str) -> Bank:
    """A bank from three lists in one string each, parted by bars."""
    return Bank(*(tuple(item.strip() for item in text.split("|") if item.strip()) for text in parts))


FIRST_HALF = bank(
    "Lark|Quill|Fenn|Stone|Brook|Alder|Marsh|Crest|Thorn|Hazel|Copper|Silver|Winter|Amber|Raven|Ash|Oak|Pine|"
    "Cedar|Birch|Lake|River|North|West|East|Wind|Sun|Star|Iron|Clay|Glen|Harb|Kest|Bram|Wick|Dray|Pell|Mor|Tarn|"
    "Vel|Cald|Rosen|Eller|Hart|Lind|Mill|Sand|Salt|Frost|Rock|Wolf|Fox|Hawk|Swan|Gray|Red|Blue|White|Green|Long",
    "Juniper|Osprey|Falcon|Maple|Willow|Summer|Black|Gold|Spring|Hollow|Cobble|Ember|Zeph|Ivory|Umber|Yarrow|Otter|"
    "Dusk|Kings|Queens",
    final_words.FIRST_HALF,
)
SECOND_HALF = bank(
    "moor|mere|bridge|ford|field|wood|ridge|hill|haven|gate|stone|brook|land|dale|view|port|side|well|ton|shire|"
    "water|cliff|bank|ley|worth|burn|lea|grove|hurst|croft",
    "crossing|hollow|point|bay|marsh|peak|garden|falls|shore|heath|combe|wick",
    final_words.SECOND_HALF,
)
ENDING = bank(
    "Bank|Bank, N.A.|National Bank|Savings Bank|Credit Union|Federal Credit Union|Community Credit Union|Bancshares|"
    "Savings|Banking Company|Community Bank|Credit Union, Inc.|Farmers Bank|Municipal Credit Union|Capital|FCU|"
    "Bank & Trust|Financial|State Bank|Employees Credit Union|Bank USA|First Bank|Bancorp|Financial Services"
    "|" + more_words.ENDING,
    "Cooperative Bank|Trust Company|Members Credit Union|Bank, FSB|Teachers Federal Credit Union|Card Services Bank",
    final_words.ENDING,
)
CARD_KIND = bank(
    "Sapphire|Diamond|Heritage|Freedom Plus|Simple Cash|Bonus Points|First Rate|Value|Executive|Alumni|Fuel Rewards|Onyx|"
    "Platinum Plus|Gold Rewards|Smart Saver|Prime Rewards|Easy|Pathway|Harvest|Summit|True North|Member Cash|Care|"
    "Platinum|Gold|Classic|Rewards|Cash Rewards|Secured|Student|Travel Rewards|Signature|Preferred|Select|Cash Back|"
    "Business|Low Rate|Share Secured|World|Advantage|Cashback|Standard|Premier|Choice|Points|Miles|Plus|Green"
    "|" + more_words.CARD_KIND,
    "Titanium|Everyday|Elite|Journey|Max Cash|Black|Infinite Points|Starter|Credit Builder|Explorer|Family",
    final_words.CARD_KIND,
)
CARD_FORM = bank(
    "{} Rewards Card|{} American Express Card|{} Visa Signature|{} World Mastercard|{} Cash Card|Visa {} Card|{} Visa|{} Mastercard|{} Card|Mastercard {}|Visa {}|{} Visa Card|{} Mastercard Card|{} Credit Card"
    "|" + more_words.CARD_FORM,
    "{} Visa Credit Card|Visa {} Credit Card|{} Mastercard Credit Card",
    final_words.CARD_FORM,
)
STREET = bank(
    "Main Street|Market Street|Park Avenue|Elm Street|Commerce Drive|Lakeview Road|State Street|Mill Road|"
    "Corporate Parkway|Church Street|Center Avenue|Industrial Way|Washington Boulevard|Second Avenue"
    "|" + more_words.STREET,
    "Orchard Lane|Harbor Plaza|University Drive|Station Square|Founders Court|Jefferson Highway",
    final_words.STREET,
)
TOWN = bank(
    "Ashbury|Millhaven|Port Carver|Lindon|Cedar Gap|Westfall|Bramwell|New Arden|Stillwater Bend|Oakhurst|Dunmore|"
    "Fairmount|Greyling|Holbrook|Kestrel Bay|Larkspur|Marlow|Norwood|Pinecrest|Rockwell|San Alder|St. Corbin|Tilden"
    "|" + more_words.TOWN,
    "Verdant Hills|Wexcombe|Yarrow City|Ember Falls|East Sutton|Quarry Lake|Fort Delling|Haverbrook",
    final_words.TOWN,
)
STATE = (
    "AL",
    "AR",
    "CA",
    "CO",
    "CT",
    "DE",
    "FL",
    "GA",
    "IL",
    "IN",
    "KS",
    "KY",
    "MA",
    "MD",
    "ME",
    "MI",
    "MN",
    "MO",
    "NC",
    "NE",
    "NH",
    "NJ",
    "NY",
    "OH",
    "OK",
    "PA",
    "SD",
    "TN",
    "TX",
    "UT",
    "VA",
    "WI",
)
STATE_NAME = bank(
    "California|New York|Ohio|Wisconsin|Maryland|Vermont|Texas|Delaware|New Jersey|Illinois|Florida|Washington"
    "|" + more_words.STATE_NAME,
    "Oregon|Maine|Utah|Missouri|Iowa",
    final_words.STATE_NAME,
)
DEPARTMENT = bank(
    "P.O. Box {}|PO Box {}|Card Services, P.O. Box {}|Customer Service, P.O. Box {}|Attn: Card Department, PO Box {}|"
    "Billing Inquiries, P.O. Box {}" + "|" + more_words.DEPARTMENT,
    "Cardmember Services, Box {}|Account Services, P. O. Box {}|Dispute Resolution, P.O. Box {}",
    final_words.DEPARTMENT,
)
AUTHORITY = (
    "Consumer Financial Protection Bureau, 1700 G Street NW, Washington, DC 20006",
    "Federal Trade Commission, Equal Credit Opportunity, Washington, DC 20580",
    "National Credit Union Administration, 1775 Duke Street, Alexandria, VA 22314",
    "Office of the Comptroller of the Currency, P.O. Box 53570, Houston, TX 77052",
    "State Department of Banking, 12 Capitol Mall, Room 400, Albany, NY 12231",
    "Credit Reporting Agency, P.O. Box 4500, Allen, TX 75013",
)
MONTH = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def coined_place(rng: Random) -> str:
    """A name of one or two words that are in no list."""
    return " ".join(coined(rng).capitalize() for _ in range(rng.choice((1, 1, 1, 2))))


def coined_provider(rng: Random) -> tuple[str, str]:
    """A provider whose name is in no list, full and short."""
    ending = ENDING.pick(rng, Split.SEEN)
    place = coined_place(rng)
    short = rng.choice(
        (place, place, place, f"First {place}", f"{place} & {coined_place(rng)}", f"{place} County", f"The {place}",
         f"{place} {rng.choice(WORDS).capitalize()}", f"{rng.choice(WORDS).capitalize()} {place}",
         "".join(rng.choices("ABCDEFGHKLMNPRSTUVW", k=rng.randint(2, 4))))
    )  # fmt: skip
    if rng.random() < 0.12:
        return rng.choice((f"Bank of {place}", f"{place}", f"Bank of {place}, N.A.")), f"Bank of {place}"
    return f"{short} {ending}", short


def provider_name(rng: Random, split: Split) -> tuple[str, str]:
    """A provider's full name and its short form."""
    if split is Split.SEEN and rng.random() < 0.6:
        return coined_provider(rng)
    short = FIRST_HALF.pick(rng, split) + SECOND_HALF.pick(rng, split)
    if rng.random() < 0.25:
        short += " " + (FIRST_HALF.pick(rng, split) + SECOND_HALF.pick(rng, split))
    full = f"{short} {ENDING.pick(rng, split)}"
    if rng.random() < 0.15:
        full = "First " + full
    return full, short


def card_names(rng: Random, split: Split) -> list[str]:
    """One to three cards of one provider."""
    kinds = rng.sample(CARD_KIND.part(split), rng.choice((1, 1, 1, 2, 2, 3)))
    form = CARD_FORM.pick(rng, split)
    if split is Split.SEEN and rng.random() < 0.5:
        kinds = [f"{_card_word(rng)} {kind}" if rng.random() < 0.4 else _card_word(rng) for kind in kinds]
    return [form.format(kind) for kind in kinds]


def _card_word(rng: Random) -> str:
    word = coined(rng) if rng.random() < 0.5 else rng.choice(WORDS)
    second = f" {rng.choice(WORDS)}" if rng.random() < 0.25 else ""
    return (word + second).title()


def coined_address(rng: Random) -> list[str]:
    """An address whose names are in no list, in one of the many forms that letters have."""
    kind = rng.choice(("Street", "St.", "Avenue", "Ave.", "Road", "Rd", "Drive", "Blvd.", "Lane", "Parkway", "Way", "Court", "Plaza", "Place"))  # fmt: skip
    side = rng.choice(("", "", "", "", "N. ", "South ", "West "))
    unit = rng.choice(
        ("", "", "", "", f", Suite {rng.randint(1, 900)}", f", Floor {rng.randint(2, 30)}", " SE")
    )
    street = f"{rng.randint(1, 19999)} {side}{coined_place(rng)} {kind}{unit}"
    box = DEPARTMENT.pick(rng, Split.SEEN).format(rng.randint(10, 999999))
    state = rng.choice(STATE) if rng.random() < 0.85 else STATE_NAME.pick(rng, Split.SEEN)
    place = coined_place(rng) if rng.random() < 0.7 else TOWN.pick(rng, Split.SEEN)
    postcode = f"{rng.randint(0, 99999):05}" + (f"-{rng.randint(0, 9999):04}" if rng.random() < 0.35 else "")
    lines = rng.choice(([street], [street], [box], [box], [box], [box, street]))
    return [*lines, f"{place}{rng.choice((', ', ', ', ' '))}{state} {postcode}"]


def address(rng: Random, split: Split) -> list[str]:
    """A postal address, line by line."""
    if split is Split.SEEN and rng.random() < 0.6:
        return coined_address(rng)
    postcode = f"{rng.randint(10000, 99999)}" + (f"-{rng.randint(1000, 9999)}" if rng.random() < 0.3 else "")
    town = f"{TOWN.pick(rng, split)}, {rng.choice(STATE)} {postcode}"
    street = f"{rng.randint(1, 9900)} {STREET.pick(rng, split)}"
    box = DEPARTMENT.pick(rng, split).format(rng.randint(10, 99999))
    return [rng.choice((street, box, box)), town]


def long_date(rng: Random) -> str:
    """A date in one of the forms that agreements print."""
    year, month, day = rng.randint(2015, 2026), rng.randint(1, 12), rng.randint(1, 28)
    name = MONTH[month - 1]
    return rng.choice(
        (
            f"{name} {day}, {year}",
            f"{name} {day}, {year}",
            f"{month:02}/{day:02}/{year}",
            f"{month}/{day}/{year % 100:02}",
            f"{name[:3]}. {day}, {year}",
            f"{name} {year}",
            f"{day} {name} {year}",
        )
    )


def phone(rng: Random) -> str:
    """A telephone number that cannot be anybody's."""
    return rng.choice(("1-800-555-{:04}", "(800) 555-{:04}", "800.555.{:04}")).format(rng.randint(100, 199))
