"""A synthetic agreement: its pages with the truth about every word. Same seed, same agreement.

What is held out is chosen apart for layout, names and wordings, so that a figure can say which of them
a model finds hard.
"""

from collections.abc import Collection
from random import Random
from typing import NamedTuple

from recto.geometry import Box
from recto_training.synthetic.banks import Split
from recto_training.synthetic.brief import make_brief
from recto_training.synthetic.families import families
from recto_training.synthetic.markup import NO_FIELD
from recto_training.synthetic.sheet import Placed, Sheet


class Plan(NamedTuple):
    """From which part of the banks each thing comes."""

    layout: Split = Split.SEEN
    names: Split = Split.SEEN
    words: Split = Split.SEEN


ALL_SEEN = Plan()
ALL_HELD_OUT = Plan(Split.HELD_OUT, Split.HELD_OUT, Split.HELD_OUT)
ALL_TEST = Plan(Split.TEST, Split.TEST, Split.TEST)


class TruthWord(NamedTuple):
    """A printed word and what it belongs to."""

    text: str
    box: Box
    field: int
    """Class id, NO_FIELD outside any field."""
    entity: int
    """Number of the mention within the document, NO_FIELD outside any."""
    value: str
    """What of the word belongs to the mention: without punctuation that only touches it."""


class Mention(NamedTuple):
    """One place where a value is printed."""

    field: int
    page: int
    """From 1, the page where it begins."""
    text: str


class Agreement(NamedTuple):
    """An invented agreement."""

    family: str
    plan: Plan
    seed: str
    sheet: Sheet
    pages: tuple[tuple[TruthWord, ...], ...]

    @property
    def mentions(self) -> list[Mention]:
        """All printed values, in order of their first word."""
        found: dict[int, Mention] = {}
        for number, words in enumerate(self.pages, start=1):
            for word in words:
                if word.entity == NO_FIELD:
                    continue
                known = found.get(word.entity)
                text = word.value if known is None else f"{known.text} {word.value}"
                found[word.entity] = Mention(word.field, known.page if known else number, text)
        return list(found.values())


def generate(
    seed: str, plan: Plan = ALL_SEEN, family: str | None = None, among: Collection[str] = ()
) -> Agreement:
    """The agreement of this seed; of a family of the plan's part, or `among` some, where none is named."""
    rng = Random(f"agreement {seed}")
    choices = families(plan.layout)
    name = family or rng.choice(sorted(among or choices))
    sheet = choices[name](make_brief(rng, names=plan.names, words=plan.words))
    pages = tuple(tuple(_truth(word, sheet.size) for word in page.words) for page in sheet.pages)
    return Agreement(name, plan, seed, sheet, pages)


def _truth(word: Placed, size: tuple[float, float]) -> TruthWord:
    width, height = size
    box = Box.clipped(word.left / width, word.top / height, word.right / width, word.bottom / height)
    return TruthWord(word.text, box, word.field, word.entity, word.value)
