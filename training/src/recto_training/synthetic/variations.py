"""Layouts drawn by chance rather than written: every agreement of this family is arranged in its own way.

Columns, margins, sizes, the order and grouping of the sections, and for each group how names and values stand
to each other: side by side in either order, values below their names (singly, or in rows with a head row),
joined by dots, in boxes, in sentences. Deliberately not: bulleted or framed lists with name and value run
in, questions, values of several cards side by side, lettered outlines with notes, telephone pages. Those stay
with the families that choices and figures are made on.
"""

from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import NamedTuple

from recto_training.synthetic import wordings
from recto_training.synthetic.brief import (
    Brief,
    clauses,
    columns_of,
    fee_rows,
    frame_box,
    head,
    letterhead,
    prose_sections,
    put_title,
    rate_rows,
    spoken,
    whole_page,
)
from recto_training.synthetic.markup import mark
from recto_training.synthetic.sheet import Frame, Sheet, Style
from recto_training.synthetic.wordings import ADDRESS, CARD, DATE, PROVIDER

SIZES = ((792.0, 612.0), (420.0, 595.0), (504.0, 720.0), (612.0, 792.0))
HEADS = (
    ("Type", "APR"), ("Transaction", "Rate"), ("Description", "Amount"), ("Fee", "Cost"), ("Item", "Terms"),
    ("Kind", "Charge"), ("", "What you pay"), ("Service", "Price"), ("Feature", "Disclosure"),
)  # fmt: skip
SIDE_HEADS = ("APR", "Rate", "Amount", "Cost", "Charge", "You pay", "Current")
ABOUT: dict[int, tuple[str, ...]] = {
    PROVIDER: ("Issuer", "Creditor", "Lender", "Issued by", "Bank", "Financial institution", "Card issuer"),
    CARD: ("Card", "Product", "Account type", "Plan", "Your card", "Program", "Card name"),
    DATE: ("Effective date", "Effective", "Terms as of", "Valid from", "In effect since"),
    ADDRESS: (
        "Mail payments to",
        "Address",
        "Write to us",
        "Billing inquiries",
        "Mailing address",
        "Contact",
    ),
}
"""Names of what is no rate and no fee, in a table or list."""
Row = tuple[str, str]


class Look(NamedTuple):
    """How one group of names and values is printed."""

    label: Style
    value: Style
    padding: float
    rules: str
    """all, lines, box or none."""
    gap: float
    """Between one pair and the next."""


Arrangement = Callable[[Brief, Sheet, list[Row], Look], None]


def varied(brief: Brief) -> Sheet:
    """Everything drawn by chance."""
    brief = _dressed(brief)
    sheet = _opened(brief)
    parts: list[Callable[[], None]] = []
    parts += [partial(_group, brief, sheet, title, rows) for title, rows in _groups(brief)]
    sentences = clauses(brief)
    cut = brief.rng.randint(0, len(sentences))
    halves = (sentences[:cut], sentences[cut:])
    parts += [partial(_text, brief, sheet, half) for half in halves if half]
    if brief.rng.random() < 0.4:
        brief.rng.shuffle(parts)
    for part in parts:
        part()
        sheet.skip(brief.rng.uniform(4, 16))
    return sheet


def _dressed(brief: Brief) -> Brief:
    """Another page and another size of print."""
    rng = brief.rng
    size = rng.choice((brief.size, brief.size, rng.choice(SIZES)))
    style = Style(brief.style.font, rng.uniform(7.5, 12), rng.uniform(1.08, 1.5))
    return brief._replace(size=size, style=style)


def _opened(brief: Brief) -> Sheet:
    """Empty pages of one to three columns, the head on the first."""
    rng = brief.rng
    page = whole_page(brief.size, rng.uniform(0.05, 0.14) * brief.size[0], rng.uniform(28, 70))
    number = rng.choice((1, 1, 1, 1, 2, 2, 3)) if brief.size[0] > 500 else 1
    if number == 1:
        sheet = Sheet(brief.size, [page])
        if rng.random() < 0.25:
            align = rng.choice(("left", "right", "center"))
            sheet.y = letterhead(brief, sheet, page.left, page.top, page.right, align) + rng.uniform(8, 30)
        head(brief, sheet)
        return sheet
    gap = rng.uniform(14, 30)
    lower = columns_of(page._replace(top=page.top + rng.uniform(100, 130)), number, gap)

    def on_page(sheet: Sheet) -> None:
        if len(sheet.pages) == 1:
            put_title(brief, sheet, page)

    return Sheet(brief.size, lower, columns_of(page, number, gap), on_page)


def _groups(brief: Brief) -> list[tuple[str, list[Row]]]:
    """Rates, fees and other facts, apart or together, each group with its heading."""
    rng = brief.rng
    rates, fees = rate_rows(brief), fee_rows(brief)
    if rng.random() < 0.3:
        rng.shuffle(rates)
    groups = [(wordings.TABLE_HEADS, rates), (wordings.FEE_HEADS, fees)]
    if rng.random() < 0.2:
        groups = [(rng.choice((wordings.TABLE_HEADS, wordings.FEE_HEADS)), rates + fees)]
    elif len(fees) > 3 and rng.random() < 0.4:
        cut = rng.randint(1, len(fees) - 1)
        groups[1:] = [(wordings.FEE_HEADS, fees[:cut]), (wordings.HEADINGS, fees[cut:])]
    named = [(title.pick(rng, brief.words), _with_decoys(brief, rows)) for title, rows in groups if rows]
    if rng.random() < 0.35:
        named.insert(rng.choice((0, 0, len(named))), (brief.heading(), _about(brief)))
    return named


def _with_decoys(brief: Brief, rows: list[Row]) -> list[Row]:
    """The rows, at times with others among them that hold no field."""
    rows = list(rows)
    for _ in range(brief.rng.choice((0, 0, 0, 1, 2))):
        rows.insert(brief.rng.randint(0, len(rows)), (brief.heading(), brief.prose.boilerplate()))
    return rows


def _about(brief: Brief) -> list[Row]:
    """Who, which card, since when, where, each with its name."""
    rng, facts = brief.rng, brief.facts
    values = [(PROVIDER, mark(PROVIDER, facts.provider)), (CARD, mark(CARD, facts.cards[0]))]
    if facts.date:
        values.append((DATE, mark(DATE, facts.date)))
    values.append((ADDRESS, mark(ADDRESS, rng.choice((", ", "\n")).join(facts.addresses[0]))))
    rng.shuffle(values)
    colon = rng.choice(("", ":"))
    return [(rng.choice(ABOUT[field]) + colon, value) for field, value in values[: rng.randint(2, 4)]]


def _group(brief: Brief, sheet: Sheet, title: str, rows: list[Row]) -> None:
    """A heading, in most cases, and the rows in one of the arrangements."""
    rng, style = brief.rng, brief.style
    sheet.ensure(style.line_height * 5)
    if rng.random() < 0.7:
        heading = style.bold().sized(rng.uniform(1, 1.3)).aligned(rng.choice(("left", "left", "center")))
        sheet.text(title, heading, after=rng.uniform(1, 8))
    is_wide = sheet.frame.right - sheet.frame.left > 300
    wide: tuple[Arrangement, ...] = (
        *(_side_by_side, _side_by_side, _heads_above, _heads_above, _heads_above),
        *(_stacked, _tiled, _dotted, _said),
    )
    narrow: tuple[Arrangement, ...] = (_side_by_side, _heads_above, _stacked, _stacked, _dotted, _said)
    rng.choice(wide if is_wide else narrow)(brief, sheet, rows, _look(brief))


def _look(brief: Brief) -> Look:
    rng, style = brief.rng, brief.style
    label = style.bold() if rng.random() < 0.4 else style
    value = style.bold() if rng.random() < 0.3 else style
    if rng.random() < 0.4:
        label, value = label.sized(rng.uniform(0.75, 1.05)), value.sized(rng.uniform(0.9, 1.25))
    rules = rng.choice(("all", "all", "lines", "box", "none", "none"))
    align = rng.choice(("left", "left", "left", "center", "right"))
    return Look(label, value.aligned(align), rng.uniform(1.5, 7), rules, rng.uniform(0, 9))


def _text(brief: Brief, sheet: Sheet, sentences: list[str]) -> None:
    prose_sections(brief, sheet, sentences, numbered=brief.rng.random() < 0.2)


def _shares(rng: Random, number: int, least: float = 0.6) -> list[float]:
    """Widths of columns, more or less even."""
    weights = [rng.uniform(least, 1) for _ in range(number)]
    return [weight / sum(weights) for weight in weights]


def _band(sheet: Sheet, cells: Sequence[tuple[str, Style]], shares: Sequence[float], look: Look) -> None:
    """One row of cells over the frame's width."""
    width, padding = sheet.frame.right - sheet.frame.left, look.padding
    heights = [
        sheet.block_height(text, style, width * share - 2 * padding)
        for (text, style), share in zip(cells, shares, strict=True)
    ]
    height = max(heights) + 2 * padding
    sheet.ensure(height)
    left, top, start = sheet.frame.left, sheet.y, sheet.frame.left
    for (text, style), share in zip(cells, shares, strict=True):
        right = left + width * share
        sheet.block(text, style, left + padding, top + padding, right - padding)
        if look.rules == "all":
            frame_box(sheet, left, top, right, top + height)
        left = right
    if look.rules == "lines":
        sheet.rule(start, top + height, start + width, top + height)
    elif look.rules == "box":
        frame_box(sheet, start, top, start + width, top + height)
    sheet.y = top + height


def _side_by_side(brief: Brief, sheet: Sheet, rows: list[Row], look: Look) -> None:
    """A row for each pair: name and value in either order, at times with a number, a remark or a head row."""
    rng = brief.rng
    turned, numbered, remarked = rng.random() < 0.2, rng.random() < 0.15, rng.random() < 0.15
    shares = [rng.uniform(0.28, 0.62)]
    shares.append(1 - shares[0])
    small = look.label.sized(0.9).aligned("left")

    def cells(label: str, value: str, number: str, remark: str) -> list[tuple[str, Style]]:
        pair = [(label, look.label), (value, look.value)]
        pair = pair[::-1] if turned else pair
        return [*([(number, small)] if numbered else []), *pair, *([(remark, small)] if remarked else [])]

    if remarked:
        shares = [*(share * 0.7 for share in shares), 0.3]
    if numbered:
        shares = [0.08, *(share * 0.92 for share in shares)]
    if rng.random() < 0.35:
        _band(sheet, cells(*rng.choice(HEADS), rng.choice(("", "No.", "#")), "Notes"), shares, look)
    for number, (label, value) in enumerate(rows, start=1):
        remark = brief.prose.boilerplate() if remarked and rng.random() < 0.5 else ""
        _band(sheet, cells(label, value, str(number), remark), shares, look)


def _heads_above(brief: Brief, sheet: Sheet, rows: list[Row], look: Look) -> None:
    """Names in a row and their values in the row below, so many across; at times a head on the left."""
    rng = brief.rng
    width = sheet.frame.right - sheet.frame.left
    across = rng.randint(1 if width < 200 else 2, max(2, min(6, int(width // 85))))
    sided = rng.random() < 0.25
    tight = look._replace(padding=min(look.padding, 4.5))
    for start in range(0, len(rows), across):
        band = rows[start : start + across]
        shares = _shares(rng, len(band))
        labels = [(label, tight.label.aligned(tight.value.align)) for label, _ in band]
        values = [(value, tight.value) for _, value in band]
        if sided:
            shares = [0.15, *(share * 0.85 for share in shares)]
            labels.insert(0, ("", tight.label))
            values.insert(0, (rng.choice(SIDE_HEADS), tight.label))
        sheet.ensure(brief.style.line_height * 6)
        _band(sheet, labels, shares, tight)
        sheet.skip(rng.choice((0, 0, rng.uniform(0, 5))))
        _band(sheet, values, shares, tight)
        if rng.random() < 0.25:
            sheet.text(brief.prose.boilerplate(), brief.style.sized(0.85))
        sheet.skip(look.gap)


def _stacked(brief: Brief, sheet: Sheet, rows: list[Row], look: Look) -> None:
    """Each name above its value, pair under pair, with some space or a line between the pairs."""
    rng, page = brief.rng, sheet
    indent = rng.choice((0.0, 0.0, rng.uniform(6, 40)))
    shift = rng.choice((0.0, 0.0, rng.uniform(4, 24)))
    for label, value in rows:
        width = page.frame.right - page.frame.left - indent - shift
        tall = page.block_height(label, look.label, width) + page.block_height(value, look.value, width)
        page.ensure(min(tall, page.frame.bottom - page.frame.top))
        page.text(label, look.label, indent=indent, after=rng.choice((0, 0, 2)))
        page.text(value, look.value, indent=indent + shift, after=1)
        if look.rules in ("lines", "box"):
            page.rule(page.frame.left, page.y + 1, page.frame.right, page.y + 1)
        page.skip(2 + look.gap)


def _tiled(brief: Brief, sheet: Sheet, rows: list[Row], look: Look) -> None:
    """Pairs side by side, each name above its value, or beside it."""
    rng = brief.rng
    across, space = rng.choice((2, 2, 3)), rng.uniform(4, 20)
    beside = across == 2 and rng.random() < 0.35
    for start in range(0, len(rows), across):
        sheet.ensure(brief.style.line_height * 7)
        frame = Frame(sheet.frame.left, sheet.y, sheet.frame.right, sheet.frame.bottom)
        ends = []
        for cell, (label, value) in zip(columns_of(frame, across, space), rows[start:], strict=False):
            left, right, top = cell.left + look.padding, cell.right - look.padding, cell.top + look.padding
            if beside:
                middle = left + (right - left) * 0.45
                below = sheet.block(label, look.label, left, top, middle - 6)
                ends.append(max(below, sheet.block(value, look.value, middle, top, right)))
            else:
                below = sheet.block(label, look.label, left, top, right) + rng.choice((0, 2, 4))
                ends.append(sheet.block(value, look.value, left, below, right))
        bottom = max(ends) + look.padding
        if look.rules in ("all", "box"):
            for cell in columns_of(frame, across, space):
                frame_box(sheet, cell.left, cell.top, cell.right, bottom)
        sheet.y = bottom + look.gap


def _dotted(brief: Brief, sheet: Sheet, rows: list[Row], look: Look) -> None:
    """Name, dots or nothing, value at the same place or flush right, without any rules."""
    rng, style = brief.rng, look.label
    mid, dotted, indent = rng.uniform(0.45, 0.65), rng.random() < 0.6, rng.choice((0, 0, 12, 24))
    value_style = style.aligned(rng.choice(("left", "right")))
    for label, value in rows:
        width = sheet.frame.right - sheet.frame.left
        high = max(
            sheet.block_height(label, style, width * mid - indent - 6),
            sheet.block_height(value, value_style, width * (1 - mid)),
        )
        sheet.ensure(high)
        left, top, right = sheet.frame.left, sheet.y, sheet.frame.right
        dots = " " + rng.choice((".", "_", "-")) * rng.randint(3, 12) if dotted and len(label) < 22 else ""
        sheet.block(label + dots, style, left + indent, top, left + width * mid - 6)
        sheet.block(value, value_style, left + width * mid, top, right)
        sheet.y = top + high + look.gap / 2


def _said(brief: Brief, sheet: Sheet, rows: list[Row], look: Look) -> None:
    """All rates and fees in sentences, some to a paragraph; says fields that other groups may say too."""
    rng = brief.rng
    fields = [*brief.facts.rate_fields, *brief.facts.fee_fields]
    chosen = rng.sample(fields, min(len(fields), len(rows)))
    indent = rng.choice((0, 0, rng.uniform(8, 30)))
    while chosen:
        count = rng.choice((1, 1, 2, 3))
        hand, chosen = chosen[:count], chosen[count:]
        text = brief.prose.paragraph(rng.choice((0, 0, 1)), *(spoken(brief, field) for field in hand))
        sheet.text(text, brief.style, indent=indent, after=look.gap + 1)
