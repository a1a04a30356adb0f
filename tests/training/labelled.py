"""Labelled pages for tests, small enough to read, and hypothesis strategies for any of them."""

from hypothesis import strategies as st

from recto.document import Page, Word
from recto.fields import parse_fields
from recto.geometry import Box
from recto_training.corpus import NO_FIELD, OTHER, LabelledDocument, LabelledPage

FIELDS = parse_fields(
    [
        {"ClassId": 0, "Name": "company", "Select": "first"},
        {"ClassId": 1, "Name": "date", "Select": "first", "Type": "date", "DateOrder": "DMY"},
        {"ClassId": 2, "Name": "total", "Select": "confidence", "Type": "money"},
        {"ClassId": 3, "Name": "term", "Select": "first", "Type": "duration"},
        {"ClassId": 4, "Name": "party", "Type": "company"},
    ]
)
LABELS = ("company", "date", OTHER)


def page_of(*lines: str, number: int = 1) -> Page:
    """One line of words below the other."""
    words = [
        Word(text, Box(0.05 + 0.1 * column, 0.05 * row, 0.14 + 0.1 * column, 0.05 * row + 0.03), 0.99, row)
        for row, line in enumerate(lines)
        for column, text in enumerate(line.split())
    ]
    named = (word._replace(id=f"{number}-{index}") for index, word in enumerate(words))
    return Page(number, tuple(named))


def document_of(name: str, *pages: tuple[Page, tuple[int, ...]]) -> LabelledDocument:
    """A document of pages with the classes of their words."""
    return LabelledDocument(name, tuple(LabelledPage(page, classes) for page, classes in pages))


@st.composite
def boxes(draw: st.DrawFn, *, least: int = 0) -> Box:
    """A box on a grid of 40, so that sides meet often; `least` is its smallest width and height."""
    left, top = (draw(st.integers(0, 40 - least)) for _ in range(2))
    right, bottom = draw(st.integers(left + least, 40)), draw(st.integers(top + least, 40))
    return Box(left / 40, top / 40, right / 40, bottom / 40)


@st.composite
def labelled_pages(draw: st.DrawFn, number: int = 1, num_classes: int = 3) -> LabelledPage:
    """A page with any words in any places; mentions are runs of one class within a line."""
    count = draw(st.integers(0, 12))
    texts = draw(st.lists(st.text("ab1.€é ", min_size=1).filter(str.strip), min_size=count, max_size=count))
    lines = sorted(draw(st.lists(st.integers(-1, 4), min_size=count, max_size=count)))
    classes = draw(st.lists(st.integers(0, num_classes - 1), min_size=count, max_size=count))
    words = tuple(
        Word(text, draw(boxes()), 0.5, line, f"{number}-{index}")
        for index, (text, line) in enumerate(zip(texts, lines, strict=True))
    )
    entities, run = [], NO_FIELD
    for index, class_id in enumerate(classes):
        run += index == 0 or (classes[index - 1], lines[index - 1]) != (class_id, lines[index])
        entities.append(NO_FIELD if class_id == num_classes - 1 else run)
    return LabelledPage(Page(number, words), tuple(classes), tuple(entities))
