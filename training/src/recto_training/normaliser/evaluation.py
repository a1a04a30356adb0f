"""Exact match of a model's answers, and of the core's rules on the same dates, by kind. No torch needed.

Right means: equal but for case and white space, with real generation. (The figure `acc` of training is the
reference's: each letter is guessed with the right ones before it given.)
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from recto.normalise import Certainty, Conventions, DateOrder, normalise
from recto.normalise.reading import AMBIGUOUS as TWO_READINGS
from recto_training.normaliser.dates import (
    AMBIGUOUS,
    CLEAN,
    FIRST_YEAR,
    INCOMPLETE,
    INVALID,
    ISO,
    NONE,
    make_pairs,
    prompt_of,
)
from recto_training.normaliser.pairs import Pair
from recto_training.normaliser.written_dates import FORMATS, TARGETS, write_iso

PROMPT: Final = re.compile(
    rf"Convert dates to (?P<target>{'|'.join(map(re.escape, TARGETS))})"
    r"(?:, (?P<order>day|month) first)?: (?P<text>.*)",
    re.DOTALL,
)
Answers = Callable[[Sequence[str]], Iterable[str]]
SEEN, UNSEEN, NOISE, NO_SINGLE = "formats seen", "formats unseen", "OCR noise", "no single date"


class Score(NamedTuple):
    """Of one kind."""

    group: str
    count: int
    model: float | None
    rules: float | None
    """None where the rules do not read such inputs: they know dates alone."""
    wrong: tuple[tuple[str, str, str], ...] = ()
    """Input, expected, said, of some that the model got wrong."""


def is_match(said: str, expected: str) -> bool:
    """Equal but for case and white space, as the reference counts."""
    return "".join(said.split()).casefold() == "".join(expected.split()).casefold()


def rule_answer(text: str) -> str | None:
    """What the core's rules make of an input with a prompt for dates; None for another prompt."""
    asked = PROMPT.fullmatch(text)
    if asked is None:
        return None
    order = {"day": DateOrder.DMY, "month": DateOrder.MDY}.get(asked["order"] or "")
    found = normalise(asked["text"], "date", Conventions(date_order=order, two_digit_years_from=FIRST_YEAR))
    if found.value is None:
        return INVALID if found.reason.startswith("there is no such day") else NONE
    if len(found.value) != len(ISO):
        return INCOMPLETE
    target = asked["target"]
    if found.certainty is Certainty.AMBIGUOUS and TWO_READINGS in found.flags and found.alternatives:
        # A person is asked; month first is named first, as everywhere here
        first, second = sorted(
            (found.value, *found.alternatives[:1]), key=lambda iso: _month_first(iso, asked)
        )
        return f"{AMBIGUOUS}: {write_iso(first, target)} or {write_iso(second, target)}"
    return write_iso(found.value, target)


def _month_first(iso: str, asked: re.Match[str]) -> bool:
    """False, thus earlier, for the reading whose month is printed first."""
    numbers = re.findall(r"\d+", asked["text"])
    return not numbers or int(iso[5:7]) != int(numbers[0])


def scores_of(pairs: Sequence[Pair], answers: Answers | None = None, wrong: int = 5) -> list[Score]:
    """Exact match by group, in their order, then of all together."""
    said = list(answers([pair.input for pair in pairs])) if answers else [""] * len(pairs)
    by_group: dict[str, list[tuple[Pair, str]]] = {}
    for pair, one in zip(pairs, said, strict=True):
        by_group.setdefault(pair.group, []).append((pair, one))
    groups = list(by_group.items())
    if len(groups) > 1:
        groups.append(("all", list(zip(pairs, said, strict=True))))
    return [_score(group, answered, wrong, with_model=answers is not None) for group, answered in groups]


def _score(group: str, answered: Sequence[tuple[Pair, str]], wrong: int, *, with_model: bool) -> Score:
    model = [is_match(said, pair.target) for pair, said in answered]
    by_rules = [(rule_answer(pair.input), pair.target) for pair, _ in answered]
    reads = all(said is not None for said, _ in by_rules)
    rules = [is_match(said or "", expected) for said, expected in by_rules]
    failed = [
        (pair.input, pair.target, said)
        for (pair, said), right in zip(answered, model, strict=True)
        if not right
    ]
    return Score(
        group,
        len(answered),
        sum(model) / len(model) if with_model else None,
        sum(rules) / len(rules) if reads else None,
        tuple(failed[:wrong]) if with_model else (),
    )


# --- what is measured ---------------------------------------------------------------------------------


def made_up_sets(count: int, seed: str = "evaluation") -> dict[str, list[Pair]]:
    """Held-out made-up dates: formats of training, formats never trained on, OCR noise, no single date."""
    unseen = [one for one in FORMATS if one.is_held_out]
    odd = CLEAN._replace(invalid=0.34, incomplete=0.33, none=0.33)
    return {
        SEEN: list(make_pairs(count, f"{seed} seen", CLEAN)),
        UNSEEN: list(make_pairs(count // 2, f"{seed} unseen", CLEAN, unseen)),
        NOISE: list(make_pairs(count // 2, f"{seed} noise", CLEAN._replace(noisy=1.0))),
        NO_SINGLE: list(make_pairs(count // 2, f"{seed} odd", odd)),
    }


RECEIPT_DATE: Final = re.compile(r"(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4}|\d{2})")
_MONTHS: Final = ("january", "february", "march", "april", "may", "june", "july", "august", "september",
                  "october", "november", "december")  # fmt: skip


def receipt_pairs(truth: Path) -> Iterator[Pair]:
    """Dates as SROIE's truth prints them, in figures alone: day first, as in Malaysia, read by position."""
    for line in truth.read_text(encoding="utf-8").splitlines():
        for text in json.loads(line)["fields"].get("date", ()):
            found = RECEIPT_DATE.fullmatch(text.strip())
            if not found or not 1 <= int(found[2]) <= 12:
                continue
            year = int(found[3]) + (2000 if len(found[3]) == 2 else 0)
            iso = f"{year}-{int(found[2]):02d}-{int(found[1]):02d}"
            yield Pair(prompt_of(ISO, "day first") + text, iso, "receipts (SROIE)")


def contract_date(iso: str, text: str) -> str | None:
    """Where a contract's text says a date: the shortest stretch with its year, its month and its day.

    No reading of dates: the true parts are looked for in any order within 60 characters.
    """
    year, month, day = (int(part) for part in iso.split("-"))
    name = _MONTHS[month - 1]
    place = rf"(?:{name}|{name[:3]}\.?|(?<!\d)0?{month}(?!\d))"
    parts = (rf"(?<!\d){year}(?!\d)", place, rf"(?<!\d)0?{day}(?:st|nd|rd|th)?(?![\d,]\d)(?!\d)")
    spots = [[(m.start(), m.end()) for m in re.finditer(part, text, re.IGNORECASE)] for part in parts]
    best: tuple[int, int] | None = None
    for start, end in spots[0]:
        near = [
            min((spot for spot in spots[kind] if abs(spot[0] - start) < 60 and spot != (start, end)),
                key=lambda spot: abs(spot[0] - start), default=None) for kind in (1, 2)
        ]  # fmt: skip
        if near[0] is None or near[1] is None or near[0] == near[1]:
            continue
        low, high = min(start, near[0][0], near[1][0]), max(end, near[0][1], near[1][1])
        if best is None or high - low < best[1] - best[0]:
            best = low, high
    return " ".join(text[best[0] : best[1]].split()) if best else None


def contract_pairs(truth: Path, text_of: Callable[[str], str]) -> Iterator[Pair]:
    """Effective dates of Kleister's contracts as printed; `text_of` gives a document's text by id."""
    for line in truth.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        for iso in record["fields"].get("effective_date", ()):
            printed = contract_date(iso, text_of(record["id"]))
            if printed:
                yield Pair(prompt_of(ISO, "month first") + printed, iso, "contracts (Kleister-NDA)")


# --- telling ------------------------------------------------------------------------------------------


def record_of(scores: Iterable[Score]) -> list[dict[str, object]]:
    return [score._asdict() for score in scores]


def table_of(rows: Iterable[Mapping[str, object]]) -> str:
    """As Markdown."""
    lines = ["| what | texts | model | rules | better |", "|---|---|---|---|---|"]
    for row in rows:
        model, rules = row["model"], row["rules"]
        better = ""
        if isinstance(model, float) and isinstance(rules, float):
            better = "alike" if abs(model - rules) < 0.005 else "model" if model > rules else "rules"
        lines.append(f"| {row['group']} | {row['count']} | {_shown(model)} | {_shown(rules)} | {better} |")
    return "\n".join(lines)


def _shown(share: object) -> str:
    return f"{share:.3f}" if isinstance(share, float) else "–"
