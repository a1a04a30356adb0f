"""Pages moved a little, for training: the same words where another camera or printer would put them.

Shift, scale, shaken words, lost words, and lines that the OCR gives in another order. The same document,
seed and epoch give the same page, in whatever order documents come; another epoch gives another. Classes
and mentions stay with their words. Never used on what is evaluated.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from random import Random

from recto.document import NO_LINE, Page
from recto.geometry import Box
from recto_training.corpus import ChangedCorpus, Corpus, LabelledDocument, LabelledPage


@dataclass(frozen=True)
class Moves:
    """How far pages are moved; shares are of the page. All zero: pages stay as they are."""

    shift: float = 0.0
    """Largest shift of a page in each direction."""
    scale: float = 0.0
    """Largest change of a page's width and height, each by itself: 0.1 for 0.9 to 1.1 times."""
    jitter: float = 0.0
    """Standard deviation by which each side of a word is moved, in heights of the word."""
    drop: float = 0.0
    """Share of words that are lost."""
    line_order: float = 0.0
    """Share of pages whose lines come in another order: neighbours change places."""

    def __post_init__(self) -> None:
        wrong = {name: value for name, value in vars(self).items() if not 0 <= value < 1}
        if wrong:
            raise ValueError(f"moves {wrong}: expected shares from 0 up to 1")


def augmented_corpus(corpus: Corpus, moves: Moves, seed: int, epoch: int) -> ChangedCorpus:
    """The corpus as one epoch of training sees it."""
    return ChangedCorpus(corpus, lambda document: augmented_document(document, moves, seed, epoch))


def with_moved_copies(corpus: Corpus, moves: Moves, seed: int, copies: int) -> Iterator[LabelledDocument]:
    """The documents, and after them so many moved copies of each, `ID~1` and on."""
    yield from corpus
    for copy in range(1, copies + 1):
        for document in augmented_corpus(corpus, moves, seed, copy):
            yield document._replace(id=f"{document.id}~{copy}")


def augmented_document(document: LabelledDocument, moves: Moves, seed: int, epoch: int) -> LabelledDocument:
    """The document with each of its pages moved."""
    pages = (
        augmented_page(labelled, moves, Random(f"{seed} {epoch} {document.id} {labelled.page.number}"))
        for labelled in document.pages
    )
    return document._replace(pages=tuple(pages))


def augmented_page(labelled: LabelledPage, moves: Moves, rng: Random) -> LabelledPage:
    """The page, moved."""
    order = _kept(labelled, moves, rng)
    if rng.random() < moves.line_order:
        order = _lines_swapped(labelled.page, order, rng)
    move = _drawn_move(moves, rng)
    words = tuple(
        word._replace(box=_shaken(move(word.box), moves.jitter, rng))
        for word in (labelled.page.words[index] for index in order)
    )
    return labelled._replace(
        page=Page(labelled.page.number, words),
        classes=tuple(labelled.classes[index] for index in order),
        entities=tuple(labelled.entities[index] for index in order) if labelled.entities else (),
    )


def _kept(labelled: LabelledPage, moves: Moves, rng: Random) -> list[int]:
    indices = range(len(labelled.page.words))
    return [index for index in indices if rng.random() >= moves.drop] if moves.drop else list(indices)


def _lines_swapped(page: Page, order: list[int], rng: Random) -> list[int]:
    """The words with some lines after the ones that follow them; a word in no line is a line."""
    keys = [page.words[index].line for index in order]
    lines = [
        [order[place] for place, _ in group]
        for _, group in groupby(
            enumerate(keys), key=lambda pair: (pair[1], pair[0] if pair[1] == NO_LINE else -1)
        )
    ]
    for place in range(len(lines) - 1):
        if rng.random() < 0.5:
            lines[place], lines[place + 1] = lines[place + 1], lines[place]
    return [index for line in lines for index in line]


def _drawn_move(moves: Moves, rng: Random) -> Callable[[Box], Box]:
    """A function that moves boxes of the page all alike."""
    wide, high = (1 + rng.uniform(-moves.scale, moves.scale) for _ in range(2))
    across = (1 - wide) / 2 + rng.uniform(-moves.shift, moves.shift)
    down = (1 - high) / 2 + rng.uniform(-moves.shift, moves.shift)

    def move(box: Box) -> Box:
        return Box(
            box.left * wide + across,
            box.top * high + down,
            box.right * wide + across,
            box.bottom * high + down,
        )

    return move


def _shaken(box: Box, jitter: float, rng: Random) -> Box:
    if not jitter:
        return Box.clipped(*box)
    reach = jitter * box.height
    return Box.clipped(*(side + rng.gauss(0, reach) for side in box))
