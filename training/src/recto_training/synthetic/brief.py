"""What every layout is made from: content with a look, and the parts of a page that many layouts share."""

from random import Random
from typing import NamedTuple

from recto_training.synthetic import wordings
from recto_training.synthetic.banks import Split
from recto_training.synthetic.facts import Facts, sample_facts
from recto_training.synthetic.markup import mark
from recto_training.synthetic.prose import Prose
from recto_training.synthetic.sheet import A4, LEGAL, LETTER, Frame, Sheet, Style
from recto_training.synthetic.wordings import ADDRESS, CARD, PROVIDER


class Brief(NamedTuple):
    """All that a family needs to set an agreement."""

    rng: Random
    facts: Facts
    prose: Prose
    words: Split
    style: Style
    size: tuple[float, float]

    def title(self) -> str:
        return wordings.TITLES.pick(self.rng, self.words)

    def heading(self) -> str:
        return wordings.HEADINGS.pick(self.rng, self.words)


def make_brief(rng: Random, *, names: Split, words: Split) -> Brief:
    """Facts, prose and a look, all drawn by chance."""
    facts = sample_facts(rng, names=names, words=words)
    style = Style(
        font=rng.choice(("Helvetica", "Helvetica", "Times-Roman", "Times-Roman", "Courier")),
        size=rng.uniform(8.5, 11),
        leading=rng.uniform(1.12, 1.35),
    )
    size = rng.choice((LETTER, LETTER, LETTER, A4, LEGAL))
    return Brief(rng, facts, Prose(rng, facts, words, names), words, style, size)


def whole_page(size: tuple[float, float], margin: float = 50, top: float | None = None) -> Frame:
    """One column over the page."""
    return Frame(margin, top or margin, size[0] - margin, size[1] - margin)


def columns_of(frame: Frame, number: int, gap: float) -> list[Frame]:
    """The frame cut into columns."""
    width = (frame.right - frame.left - gap * (number - 1)) / number
    return [
        Frame(frame.left + i * (width + gap), frame.top, frame.left + i * (width + gap) + width, frame.bottom)
        for i in range(number)
    ]


def head(brief: Brief, sheet: Sheet) -> None:
    """Provider, card and title at the top, in some order."""
    align = brief.rng.choice(("left", "center", "center", "right"))
    big = brief.style.bold().sized(brief.rng.uniform(1.2, 1.7)).aligned(align)
    middle = brief.style.bold().sized(1.1).aligned(align)
    parts = []
    if brief.rng.random() < 0.8:
        parts.append((mark(PROVIDER, brief.facts.provider), big))
    if brief.rng.random() < 0.9:
        parts += [(mark(CARD, card), middle) for card in brief.facts.cards]
    parts.append((brief.title(), brief.rng.choice((big, middle))))
    if brief.rng.random() < 0.3:
        parts.reverse()
    for text, style in parts:
        sheet.text(text, style, after=2)
    if brief.rng.random() < 0.6:
        sheet.text(brief.prose.date(), brief.style.aligned(align))
    sheet.skip(8)


def letterhead(
    brief: Brief, sheet: Sheet, left: float, top: float, right: float, align: str = "left"
) -> float:
    """Provider and address, line under line; gives the y below."""
    y = sheet.block(mark(PROVIDER, brief.facts.provider), brief.style.bold().aligned(align), left, top, right)
    return address_lines(brief, sheet, left, y, right, align)


def address_lines(brief: Brief, sheet: Sheet, left: float, top: float, right: float, align: str) -> float:
    """One address over several lines is one mention."""
    lines = "\n".join(brief.facts.addresses[0])
    return sheet.block(mark(ADDRESS, lines), brief.style.aligned(align), left, top, right)


def rate_rows(brief: Brief) -> list[tuple[str, str]]:
    """Label and value of each rate."""
    return [(brief.prose.label(field), brief.prose.cell(field)) for field in brief.facts.rate_fields]


def fee_rows(brief: Brief) -> list[tuple[str, str]]:
    """Label and value of each fee, in some order."""
    fields = brief.rng.sample(brief.facts.fee_fields, len(brief.facts.fee_fields))
    return [(brief.prose.label(field), brief.prose.cell(field)) for field in fields]


def field_sentences(brief: Brief) -> list[str]:
    """Every rate and fee in a sentence, and the clauses that are no amounts."""
    fields = [*brief.facts.rate_fields, *brief.facts.fee_fields]
    return [spoken(brief, field) for field in fields] + clauses(brief)


def spoken(brief: Brief, field: int) -> str:
    """A field in a sentence, or as an answer to a question, or behind its name."""
    prose, chance = brief.prose, brief.rng.random()
    if chance < 0.12:
        return f"{prose.question(field)} {brief.rng.choice((prose.cell, prose.sentence))(field)}"
    if chance < 0.27:
        return f"{prose.label(field)} {brief.rng.choice((prose.cell, prose.sentence))(field)}"
    return prose.sentence(field)


def clauses(brief: Brief) -> list[str]:
    """Who, where, since when, how much at least, and what holds for some places only."""
    prose, rng = brief.prose, brief.rng
    texts = [prose.issuer_sentence(), prose.address_sentence()]
    texts += [prose.date()] if rng.random() < 0.5 else []
    texts += [prose.min_payment()] if rng.random() < 0.6 else []
    texts += [prose.local_term()] if rng.random() < 0.4 else []
    texts += [prose.provider_sentence() for _ in range(rng.choice((0, 1, 2)))]
    return [text for text in texts if text]


def prose_sections(brief: Brief, sheet: Sheet, sentences: list[str], *, numbered: bool = False) -> None:
    """Headings and paragraphs with the sentences dealt out over them."""
    rng, style = brief.rng, brief.style
    body = style.aligned(rng.choice(("left", "justify")))
    hands: list[list[str]] = [[] for _ in range(rng.randint(5, 12))]
    for sentence in sentences:
        rng.choice(hands).append(sentence)
    for number, hand in enumerate(hands, start=1):
        text = f"{number}. {brief.heading()}" if numbered else brief.heading()
        sheet.ensure(style.line_height * 3)
        sheet.text(rng.choice((text, text.upper())), style.bold(), after=2)
        sheet.text(brief.prose.paragraph(rng.randint(1, 6), *hand), body, after=rng.uniform(4, 10))


def put_title(brief: Brief, sheet: Sheet, frame: Frame) -> None:
    """Title lines over the whole width of the first page."""
    big = brief.style.bold().sized(1.4).aligned("center")
    y = sheet.block(mark(PROVIDER, brief.facts.provider), big, frame.left, frame.top, frame.right)
    y = sheet.block(brief.title(), big, frame.left, y, frame.right)
    for card in brief.facts.cards[:2]:
        y = sheet.block(mark(CARD, card), brief.style.aligned("center"), frame.left, y + 2, frame.right)


def frame_box(sheet: Sheet, left: float, top: float, right: float, bottom: float) -> None:
    """A ruled box."""
    sheet.rule(left, top, right, top)
    sheet.rule(left, bottom, right, bottom)
    sheet.rule(left, top, left, bottom)
    sheet.rule(right, top, right, bottom)
