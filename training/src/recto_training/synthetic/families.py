"""Layout families: how an agreement's pages are arranged. What they say comes from prose and facts.

Some families are met in training, three are kept for development, seven for the test. Of these, four were in
earlier tests; `receipt`, `card_matrix` and `nested_schedule` were written before the release that is measured
on them was trained.
"""

from collections.abc import Callable

from recto_training.synthetic import banks, wordings
from recto_training.synthetic.banks import Split
from recto_training.synthetic.brief import (
    Brief,
    clauses,
    columns_of,
    fee_rows,
    field_sentences,
    frame_box,
    head,
    letterhead,
    prose_sections,
    put_title,
    rate_rows,
    whole_page,
)
from recto_training.synthetic.facts import sample_value
from recto_training.synthetic.markup import mark
from recto_training.synthetic.sheet import LETTER, Column, Frame, Sheet, Style, table
from recto_training.synthetic.variations import varied
from recto_training.synthetic.wordings import CARD, PROVIDER


def schumer(brief: Brief) -> Sheet:
    """The pricing box: label left, value right, ruled; rates, then fees, then prose."""
    rng, style = brief.rng, brief.style
    sheet = Sheet(brief.size, [whole_page(brief.size, rng.uniform(36, 64))])
    head(brief, sheet)
    share = rng.uniform(0.3, 0.5)
    value = style.bold() if rng.random() < 0.4 else style
    label = style.bold() if rng.random() < 0.4 else style
    columns = [Column(share, label), Column(1 - share, value)]
    for title, rows in ((wordings.TABLE_HEADS, rate_rows(brief)), (wordings.FEE_HEADS, fee_rows(brief))):
        if rng.random() < 0.8:
            sheet.text(
                title.pick(rng, brief.words), style.bold().aligned(rng.choice(("left", "center"))), after=2
            )
        table(sheet, rows, columns, padding=rng.uniform(2.5, 6))
        sheet.skip(rng.uniform(4, 14))
    prose_sections(brief, sheet, clauses(brief))
    return sheet


def leaders(brief: Brief) -> Sheet:
    """A list of label, dots and value, without rules."""
    rng, style = brief.rng, brief.style
    sheet = Sheet(brief.size, [whole_page(brief.size, rng.uniform(45, 75))])
    head(brief, sheet)
    split = rng.uniform(0.45, 0.6)
    for label, value in [*rate_rows(brief), *fee_rows(brief)]:
        frame = sheet.frame
        middle = frame.left + (frame.right - frame.left) * split
        height = max(
            sheet.block_height(label, style, middle - frame.left - 4),
            sheet.block_height(value, style, frame.right - middle),
        )
        sheet.ensure(height)
        frame, top = sheet.frame, sheet.y
        dots = " " + "." * rng.randint(4, 14) if rng.random() < 0.5 and len(label) < 26 else ""
        sheet.block(label + dots, style, frame.left, top, middle - 4)
        sheet.block(value, style, middle, top, frame.right)
        sheet.y = top + height + rng.uniform(1, 5)
    sheet.skip(10)
    prose_sections(brief, sheet, clauses(brief))
    return sheet


def grid(brief: Brief) -> Sheet:
    """A table of several columns: kind of transaction, rate, and a remark that may hold other rates."""
    rng, style = brief.rng, brief.style
    sheet = Sheet(brief.size, [whole_page(brief.size)])
    letterhead(brief, sheet, 50, 45, brief.size[0] - 50, rng.choice(("left", "right", "center")))
    sheet.skip(style.line_height * 4)
    head(brief, sheet)
    columns = [Column(0.3, style), Column(0.35, style), Column(0.35, style.sized(0.9))]
    top_row = (
        rng.choice(("Type", "Transaction", "Description")),
        rng.choice(("APR", "Rate", "Amount")),
        "Remarks",
    )
    rows = [
        (label, value, brief.prose.boilerplate()) for label, value in [*rate_rows(brief), *fee_rows(brief)]
    ]
    table(sheet, [top_row, *rows], columns, ruled=rng.random() < 0.7, shaded_first=rng.random() < 0.5)
    sheet.skip(10)
    prose_sections(brief, sheet, clauses(brief))
    return sheet


def two_columns(brief: Brief) -> Sheet:
    """Small print in two columns, everything in sentences."""
    rng = brief.rng
    small = brief._replace(style=brief.style.sized(0.9))
    frame = whole_page(brief.size, rng.uniform(36, 54))
    gap = rng.uniform(14, 26)
    lower = columns_of(frame._replace(top=frame.top + 110), 2, gap)

    def on_page(sheet: Sheet) -> None:
        if len(sheet.pages) == 1:
            put_title(brief, sheet, frame)

    sheet = Sheet(brief.size, lower, columns_of(frame, 2, gap), on_page)
    prose_sections(small, sheet, field_sentences(small), numbered=rng.random() < 0.3)
    return sheet


def letter(brief: Brief) -> Sheet:
    """A letter: letterhead, date, salutation, rates and fees in running text, signature."""
    rng, style = brief.rng, brief.style
    sheet = Sheet(brief.size, [whole_page(brief.size, rng.uniform(60, 80))])
    frame = sheet.frame
    align = rng.choice(("left", "right", "center"))
    sheet.y = letterhead(brief, sheet, frame.left, frame.top, frame.right, align) + 18
    sheet.text(banks.long_date(rng), style, after=12)
    sheet.text(f"Re: {mark(CARD, rng.choice(brief.facts.cards))}", style.bold(), after=8)
    sheet.text(rng.choice(("Dear Cardholder:", "Dear Customer,", "Dear Member,")), style, after=8)
    sentences = field_sentences(brief)
    while sentences:
        hand, sentences = sentences[:3], sentences[3:]
        sheet.text(brief.prose.paragraph(rng.randint(0, 2), *hand), style, after=8)
    sheet.text("Sincerely,", style, after=20)
    sheet.text(mark(PROVIDER, brief.facts.provider), style, after=2)
    sheet.text(rng.choice(("Card Services", "Customer Care", "Vice President")), style)
    return sheet


def booklet(brief: Brief) -> Sheet:
    """Small pages with running header and footer, headings and short paragraphs, a table on the way."""
    rng, style = brief.rng, brief.style
    size = rng.choice(((420.0, 595.0), (396.0, 612.0), LETTER))
    header, footer = rng.choice((brief.title(), mark(PROVIDER, brief.facts.provider))), brief.prose.footer()
    small = style.sized(0.8)

    def on_page(sheet: Sheet) -> None:
        sheet.block(header, small.aligned(rng.choice(("left", "right"))), 40, 24, size[0] - 40)
        sheet.block(footer, small, 40, size[1] - 34, size[0] - 80)
        sheet.block(
            f"Page {len(sheet.pages)}", small.aligned("right"), size[0] - 80, size[1] - 34, size[0] - 40
        )

    sheet = Sheet(size, [Frame(40, 56, size[0] - 40, size[1] - 50)], None, on_page)
    head(brief, sheet)
    sentences = clauses(brief)
    prose_sections(brief, sheet, sentences[:2])
    rows = rate_rows(brief) + fee_rows(brief)
    table(sheet, rows, [Column(0.5, style), Column(0.5, style)], ruled=rng.random() < 0.5)
    sheet.skip(8)
    prose_sections(brief, sheet, sentences[2:])
    return sheet


def numbered_terms(brief: Brief) -> Sheet:
    """Numbered terms of one sentence or two each."""
    rng, style = brief.rng, brief.style
    sheet = Sheet(brief.size, [whole_page(brief.size, rng.uniform(50, 72))])
    head(brief, sheet)
    terms = field_sentences(brief)
    rng.shuffle(terms)
    for number, term in enumerate(terms, start=1):
        text = brief.prose.paragraph(rng.choice((0, 0, 1, 2)), term)
        label = rng.choice((f"{number}.", f"{number}.", f"({number})", f"{number // 5 + 1}.{number % 5 + 1}"))
        sheet.ensure(style.line_height * 2)
        sheet.block(label, style, sheet.frame.left, sheet.y, sheet.frame.left + 30)
        sheet.text(text, style, indent=30, after=rng.uniform(3, 7))
    return sheet


def tiles(brief: Brief) -> Sheet:
    """Boxes in rows, each with a label above its value."""
    rng, style = brief.rng, brief.style
    sheet = Sheet(brief.size, [whole_page(brief.size, rng.uniform(40, 56))])
    head(brief, sheet)
    across = rng.choice((2, 3))
    cells = rate_rows(brief) + fee_rows(brief)
    big = style.bold().sized(rng.uniform(1.0, 1.2))
    for start in range(0, len(cells), across):
        row = cells[start : start + across]
        width = (sheet.frame.right - sheet.frame.left) / across - 10
        tall = max(
            sheet.block_height(a, style, width - 12) + sheet.block_height(b, big, width - 12) for a, b in row
        )
        sheet.ensure(tall + 20)
        for place, (label, value) in enumerate(row):
            left = sheet.frame.left + place * (width + 10)
            y = sheet.block(label, style, left + 6, sheet.y + 5, left + width - 6)
            sheet.block(value, big, left + 6, y + 3, left + width - 6)
            frame_box(sheet, left, sheet.y, left + width, sheet.y + tall + 14)
        sheet.y += tall + 22
    prose_sections(brief, sheet, clauses(brief))
    return sheet


def facing_tables(brief: Brief) -> Sheet:
    """Rates in a table on the left, fees in one on the right, prose below."""
    rng = brief.rng
    style = brief.style.sized(0.92)
    sheet = Sheet(brief.size, [whole_page(brief.size, rng.uniform(36, 52))])
    head(brief, sheet)
    gap, top, page = rng.uniform(10, 22), sheet.y, sheet.frame
    ends = []
    for frame, rows in zip(columns_of(page, 2, gap), (rate_rows(brief), fee_rows(brief)), strict=True):
        align = rng.choice(("left", "left", "center", "right"))
        y = top
        for label, value in rows:
            middle = frame.left + (frame.right - frame.left) * 0.5
            below = max(
                sheet.block(label, style, frame.left + 3, y + 3, middle - 3),
                sheet.block(value, style.aligned(align), middle + 3, y + 3, frame.right - 3),
            )
            sheet.rule(frame.left, y, frame.right, y)
            y = below + 3
        ends.append(y)
    sheet.y = max(ends) + 12
    prose_sections(brief, sheet, clauses(brief))
    return sheet


def value_first(brief: Brief) -> Sheet:
    """A table with the value on the left and what it is for on the right."""
    rng, style = brief.rng, brief.style
    sheet = Sheet(brief.size, [whole_page(brief.size, rng.uniform(40, 70))])
    head(brief, sheet)
    share = rng.uniform(0.3, 0.55)
    columns = [Column(share, style.bold().aligned(rng.choice(("left", "right")))), Column(1 - share, style)]
    rows = [(value, label) for label, value in rate_rows(brief) + fee_rows(brief)]
    table(sheet, rows, columns, ruled=rng.random() < 0.6, padding=rng.uniform(2, 6))
    sheet.skip(10)
    prose_sections(brief, sheet, clauses(brief), numbered=rng.random() < 0.3)
    return sheet


def group_column(brief: Brief) -> Sheet:
    """A table of three columns: the group, which is said once, the name and the value."""
    rng, style = brief.rng, brief.style
    sheet = Sheet(brief.size, [whole_page(brief.size, rng.uniform(36, 60))])
    head(brief, sheet)
    value = style.aligned(rng.choice(("left", "left", "center", "right")))
    columns = [Column(0.2, style.bold()), Column(0.38, style), Column(0.42, value)]
    for title, rows in ((wordings.TABLE_HEADS, rate_rows(brief)), (wordings.FEE_HEADS, fee_rows(brief))):
        groups = [title.pick(rng, brief.words)][: len(rows)] + [""] * (len(rows) - 1)
        grouped = [(group, *row) for group, row in zip(groups, rows, strict=True)]
        table(sheet, grouped, columns, ruled=rng.random() < 0.5, padding=rng.uniform(2, 5))
    sheet.skip(10)
    prose_sections(brief, sheet, clauses(brief))
    return sheet


def questions(brief: Brief) -> Sheet:
    """Questions in bold, answers under them. Held out."""
    rng, style = brief.rng, brief.style
    sheet = Sheet(brief.size, [whole_page(brief.size, rng.uniform(50, 80))])
    head(brief, sheet)
    pairs = []
    for field in [*brief.facts.rate_fields, *brief.facts.fee_fields]:
        speak = brief.prose.cell if rng.random() < 0.4 else brief.prose.sentence
        pairs.append((brief.prose.question(field), speak(field)))
    pairs += [("", clause) for clause in clauses(brief)]
    lettered = rng.random() < 0.4
    for question, answer in pairs:
        sheet.ensure(style.line_height * 3)
        if question:
            sheet.text("Q: " + question if lettered else question, style.bold(), after=1)
        text = brief.prose.paragraph(rng.choice((0, 0, 1)), answer)
        sheet.text("A: " + text if lettered else text, style, indent=0 if lettered else 12, after=7)
    return sheet


def margin_headings(brief: Brief) -> Sheet:
    """A narrow left margin with headings, the text beside them. Held out."""
    rng, style = brief.rng, brief.style
    sheet = Sheet(brief.size, [whole_page(brief.size, rng.uniform(44, 60))])
    head(brief, sheet)
    pairs = [
        (
            brief.prose.label(field),
            brief.prose.sentence(field) if rng.random() < 0.6 else brief.prose.cell(field),
        )
        for field in [*brief.facts.rate_fields, *brief.facts.fee_fields]
    ]
    pairs += [
        (brief.heading(), brief.prose.paragraph(rng.randint(1, 3), clause)) for clause in clauses(brief)
    ]
    rng.shuffle(pairs)
    for label, text in pairs:
        frame = sheet.frame
        edge = frame.left + 120
        height = max(
            sheet.block_height(text, style, frame.right - edge - 12),
            sheet.block_height(label, style.bold(), 116),
        )
        sheet.ensure(height)
        sheet.block(label, style.bold(), frame.left, sheet.y, edge - 4)
        sheet.block(text, style, edge + 12, sheet.y, sheet.frame.right)
        sheet.y += height + rng.uniform(5, 10)
    return sheet


def side_panel(brief: Brief) -> Sheet:
    """Letterhead and small print on the left, a shaded panel of key figures on the right. Held out."""
    rng, style = brief.rng, brief.style
    edge = brief.size[0] * rng.uniform(0.52, 0.6)
    margin = 44.0
    left = Frame(margin, margin, edge - 12, brief.size[1] - margin)
    sheet = Sheet(brief.size, [left], [whole_page(brief.size, margin)])
    y = margin + 10
    for label, value in rate_rows(brief) + fee_rows(brief):
        y = sheet.block(label, style.sized(0.85), edge + 8, y, brief.size[0] - margin - 8)
        y = sheet.block(value, style.bold(), edge + 8, y, brief.size[0] - margin - 8) + 6
    sheet.rule(edge, margin, brief.size[0] - margin, min(y + 4, brief.size[1] - 20), 0.93)
    sheet.y = letterhead(brief, sheet, left.left, left.top, left.right) + 12
    for card in brief.facts.cards:
        sheet.text(mark(CARD, card), style.bold().sized(1.2), after=4)
    sheet.text(brief.title(), style.bold(), after=8)
    prose_sections(brief, sheet, clauses(brief))
    return sheet


def grouped_box(brief: Brief) -> Sheet:
    """One ruled box: rates line by line, then groups of fees as bulleted lists under heads. For the test."""
    rng, style = brief.rng, brief.style
    sheet = Sheet(brief.size, [whole_page(brief.size, rng.uniform(40, 60))])
    head(brief, sheet)
    share = rng.uniform(0.32, 0.45)
    columns = [Column(share, style.bold()), Column(1 - share, style)]
    table(sheet, [(wordings.TABLE_HEADS.pick(rng, brief.words), ""), *rate_rows(brief)], columns, padding=3)
    prose_rows = [("Paying Interest", brief.prose.boilerplate()), ("For Tips", brief.prose.boilerplate())]
    table(sheet, prose_rows, columns, padding=3)
    table(sheet, [(wordings.FEE_HEADS.pick(rng, brief.words), "")], columns, padding=3)
    penalties = (wordings.LATE, wordings.RETURNED)
    groups: dict[str, list[int]] = {"Annual and Transaction Fees": [], "Penalty Fees": []}
    for field in brief.facts.fee_fields:
        groups["Penalty Fees" if field in penalties else "Annual and Transaction Fees"].append(field)
    plain = [Column(share, style), Column(1 - share, style)]
    for name, fields in groups.items():
        if fields:
            table(sheet, [(name, "")], columns, ruled=False, padding=2)
            rows = [("• " + brief.prose.label(field), brief.prose.cell(field)) for field in fields]
            table(sheet, rows, plain, ruled=False, padding=2)
    sheet.skip(10)
    prose_sections(brief, sheet, clauses(brief))
    return sheet


def column_heads(brief: Brief) -> Sheet:
    """A table turned on its side: names in a row, their values in the row below. For the test."""
    rng, style = brief.rng, brief.style
    sheet = Sheet(brief.size, [whole_page(brief.size, rng.uniform(38, 58))])
    head(brief, sheet)
    across = rng.choice((2, 3, 4))
    body = style.sized(0.85) if across == 4 else style
    for title, rows in ((wordings.TABLE_HEADS, rate_rows(brief)), (wordings.FEE_HEADS, fee_rows(brief))):
        sheet.text(title.pick(rng, brief.words), style.bold(), after=3)
        for start in range(0, len(rows), across):
            band = rows[start : start + across]
            columns = [Column(1 / len(band), body)] * len(band)
            sheet.ensure(style.line_height * 6)
            table(sheet, list(zip(*band, strict=True)), columns, padding=4, shaded_first=True)
            sheet.skip(rng.uniform(2, 8))
        sheet.skip(rng.uniform(4, 10))
    prose_sections(brief, sheet, clauses(brief))
    return sheet


def bulletin(brief: Brief) -> Sheet:
    """A masthead over three narrow columns of bulleted rates and fees and short paragraphs. For the test."""
    rng = brief.rng
    small = brief._replace(style=brief.style.sized(0.82))
    frame = whole_page(brief.size, rng.uniform(34, 46))
    gap = rng.uniform(12, 18)

    def on_page(sheet: Sheet) -> None:
        if len(sheet.pages) == 1:
            put_title(brief, sheet, frame)

    first = columns_of(frame._replace(top=frame.top + 120), 3, gap)
    sheet = Sheet(brief.size, first, columns_of(frame, 3, gap), on_page)
    for title, rows in ((wordings.TABLE_HEADS, rate_rows(small)), (wordings.FEE_HEADS, fee_rows(small))):
        sheet.ensure(small.style.line_height * 4)
        sheet.text(title.pick(rng, brief.words), small.style.bold().sized(1.15), after=3)
        for label, value in rows:
            joint = rng.choice((": ", " – ")) if not label.endswith(":") else " "
            sheet.text(f"• {label}{joint}{value}", small.style, after=rng.uniform(2, 4))
        sheet.skip(6)
    prose_sections(small, sheet, clauses(small))
    return sheet


def boxed_letter(brief: Brief) -> Sheet:
    """A letter with a framed summary in its middle, name and value run in. For the test."""
    rng, style = brief.rng, brief.style
    sheet = Sheet(brief.size, [whole_page(brief.size, rng.uniform(56, 76))])
    frame = sheet.frame
    sheet.y = letterhead(brief, sheet, frame.left, frame.top, frame.right) + 14
    sheet.text(f"Subject: {mark(CARD, brief.facts.cards[0])}", style.bold(), after=8)
    sheet.text(brief.prose.paragraph(rng.randint(1, 3), brief.prose.issuer_sentence()), style, after=8)
    inset = rng.uniform(30, 90)
    lines = rate_rows(brief) + fee_rows(brief)
    width = frame.right - frame.left - 2 * inset
    texts = [f"{label if label.endswith(':') else label + ':'} {value}" for label, value in lines]
    tall = sum(sheet.block_height(text, style, width) + 4 for text in texts)
    sheet.ensure(min(tall + 16, frame.bottom - frame.top))
    left, top = sheet.frame.left + inset, sheet.y
    sheet.y += 8
    for text in texts:
        sheet.y = sheet.block(text, style, left, sheet.y, left + width) + 4
    frame_box(sheet, left - 10, top, left + width + 10, sheet.y + 4)
    sheet.y += 18
    remaining = clauses(brief)
    while remaining:
        hand, remaining = remaining[:2], remaining[2:]
        sheet.text(brief.prose.paragraph(rng.randint(1, 3), *hand), style, after=8)
    sheet.text("Yours truly,", style, after=16)
    sheet.text(mark(PROVIDER, brief.facts.provider), style)
    return sheet


def receipt(brief: Brief) -> Sheet:
    """A narrow page as for a telephone: name left, value flush right, dashes between. For the test."""
    rng, style = brief.rng, brief.style.sized(0.9)
    size = rng.choice(((250.0, 640.0), (280.0, 720.0), (320.0, 568.0)))
    sheet = Sheet(size, [whole_page(size, rng.uniform(14, 22))])
    narrow = brief._replace(style=style, size=size)
    head(narrow, sheet)
    for title, rows in ((wordings.TABLE_HEADS, rate_rows(narrow)), (wordings.FEE_HEADS, fee_rows(narrow))):
        sheet.text(title.pick(rng, brief.words).upper(), style.bold().aligned("center"), after=2)
        for label, value in rows:
            receipt_row(sheet, label, value, style)
            sheet.skip(rng.uniform(1, 4))
        sheet.text("-" * rng.randint(24, 30), style.aligned("center"), after=3)
    prose_sections(narrow, sheet, clauses(narrow))
    return sheet


def receipt_row(sheet: Sheet, label: str, value: str, style: Style) -> None:
    """Name and value in one line where both fit, else the value below its name, flush right."""
    width = sheet.frame.right - sheet.frame.left
    sheet.ensure(sheet.block_height(label, style, width) + sheet.block_height(value, style, width * 0.8))
    left, top, right = sheet.frame.left, sheet.y, sheet.frame.right
    fits = all(
        sheet.block_height(text, style, width * share) <= style.line_height
        for text, share in ((label, 0.66), (value, 0.32))
    )
    y = sheet.block(label, style, left, top, left + width * 0.66 if fits else right)
    start = right - width * (0.32 if fits else 0.8)
    sheet.y = sheet.block(value, style.aligned("right"), start, top if fits else y, right)


def card_matrix(brief: Brief) -> Sheet:
    """A comparison: cards across the top, names down the side, a value for each card. For the test."""
    rng, style = brief.rng, brief.style.sized(0.88)
    sheet = Sheet(brief.size, [whole_page(brief.size, rng.uniform(34, 50))])
    sheet.text(mark(PROVIDER, brief.facts.provider), brief.style.bold().sized(1.4), after=2)
    sheet.text(brief.title(), brief.style, after=8)
    cards = [*brief.facts.cards, *banks.card_names(rng, brief.prose.names)][: rng.choice((2, 3))]
    head_row = ("", *(mark(CARD, card) for card in cards))
    rows = []
    for field in [*brief.facts.rate_fields, *brief.facts.fee_fields]:
        others = [mark(field, sample_value(rng, field, brief.words)) for _ in cards[1:]]
        rows.append((brief.prose.label(field), brief.facts.value(field), *others))
    share = rng.uniform(0.26, 0.34)
    align = rng.choice(("left", "center"))
    columns = [Column(share, style.bold())] + [Column((1 - share) / len(cards), style.aligned(align))] * len(
        cards
    )
    table(sheet, [head_row, *rows], columns, ruled=rng.random() < 0.6, padding=rng.uniform(3, 5))
    sheet.skip(10)
    prose_sections(brief, sheet, clauses(brief))
    return sheet


def nested_schedule(brief: Brief) -> Sheet:
    """An outline: numbered groups, names indented, values flush right, notes between. For the test."""
    rng, style = brief.rng, brief.style
    sheet = Sheet(brief.size, [whole_page(brief.size, rng.uniform(54, 84))])
    head(brief, sheet)
    step, note = rng.uniform(12, 26), style.sized(0.8)
    groups = ((wordings.TABLE_HEADS, rate_rows(brief)), (wordings.FEE_HEADS, fee_rows(brief)))
    for number, (title, rows) in enumerate(groups, start=1):
        sheet.text(f"{number}. {title.pick(rng, brief.words)}", style.bold(), after=3)
        for place, (label, value) in enumerate(rows):
            width = sheet.frame.right - sheet.frame.left
            name = f"{chr(97 + place)}) {label}"
            high = max(
                sheet.block_height(name, style, width * 0.55 - step),
                sheet.block_height(value, style, width * 0.4),
            )
            sheet.ensure(high)
            left, top, right = sheet.frame.left, sheet.y, sheet.frame.right
            sheet.block(name, style, left + step, top, left + width * 0.55)
            sheet.block(value, style.aligned("right"), right - width * 0.4, top, right)
            sheet.y = top + high + rng.uniform(1, 4)
            if rng.random() < 0.3:
                sheet.text(brief.prose.boilerplate(), note, indent=2 * step, after=3)
        sheet.skip(rng.uniform(4, 12))
    prose_sections(brief, sheet, clauses(brief), numbered=rng.random() < 0.5)
    return sheet


Family = Callable[[Brief], Sheet]
SEEN_FAMILIES: dict[str, Family] = {
    family.__name__: family
    for family in (
        schumer,
        leaders,
        grid,
        two_columns,
        letter,
        booklet,
        numbered_terms,
        tiles,
        facing_tables,
        value_first,
        group_column,
        varied,
    )
}
HELD_OUT_FAMILIES: dict[str, Family] = {
    family.__name__: family for family in (questions, margin_headings, side_panel)
}
TEST_FAMILIES: dict[str, Family] = {
    family.__name__: family
    for family in (
        grouped_box,
        column_heads,
        bulletin,
        boxed_letter,
        receipt,
        card_matrix,
        nested_schedule,
    )
}
UNSEEN_FAMILIES = ("boxed_letter", "bulletin", "card_matrix", "grouped_box", "nested_schedule", "receipt")
"""Those of the test whose kind training does not have either: it has tables with names above their values."""


def families(split: Split) -> dict[str, Family]:
    """The families of one part."""
    return {Split.SEEN: SEEN_FAMILIES, Split.HELD_OUT: HELD_OUT_FAMILIES, Split.TEST: TEST_FAMILIES}[split]
