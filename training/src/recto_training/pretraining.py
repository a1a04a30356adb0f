"""Pre-training without labels: masked words with layout, hidden places, and for image models text with image.

  words    some words, whole, are masked, and told from the rest (Devlin et al. 2019; with boxes kept, as in
           LayoutLM, Xu et al. 2020: "masked visual-language model")
  places   the boxes of some others are hidden; the cell of the page is told in which each stands
  image    text-image alignment: some lines are blacked in the page's image, and told token by token;
           text-image matching: some pages get another's image, and are told (LayoutLMv2, Xu et al. 2021)

Shapes: B windows, L tokens, D width, M masked or hidden tokens, V vocabulary.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from recto.errors import ConfigurationError
from recto.inference import NO_WORD
from recto_training import loop
from recto_training import windows as win
from recto_training.corpus import IGNORED, OTHER, Corpus, LabelledDocument, LabelledPage
from recto_training.encoders import stored
from recto_training.encoders.families import IMAGE_SIZE
from recto_training.encoders.model import Base
from recto_training.hardware import Hardware
from recto_training.images import PageImages
from recto_training.provenance import packages
from recto_training.run_settings import without_places
from recto_training.word_recipes import PretrainingRecipe
from recto_training.words import inputs_of, pixel_values

NO_LABELS = (OTHER,)
"""Labels of a checkpoint without classes: what begins from it makes its own."""
MASKED, REPLACED = 0.8, 0.9
"""Of the masked words eight in ten become the mask, one another word, one stays (Devlin et al. 2019)."""
HIDDEN_BOX = 0
FIGURES = ("word", "place", "cover", "match")


class Hints(NamedTuple):
    """What was done to a window's tokens; IGNORED where nothing is to be told."""

    ids_L: NDArray[np.int64]
    boxes_L4: NDArray[np.int64]
    words_L: NDArray[np.int64]
    """Number of the true token."""
    places_L: NDArray[np.int64]
    """Number of the true cell."""


class PretrainingLoss(nn.Module):
    """The encoder with a head for each task: a batch to the sum of the tasks' losses."""

    def __init__(self, encoder: nn.Module, recipe: PretrainingRecipe) -> None:
        super().__init__()
        self.encoder = encoder
        width, table = int(encoder.width), encoder.token_table  # type: ignore[arg-type]
        self.predict_state = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width))
        self.predict_word = nn.Linear(width, table.num_embeddings)  # type: ignore[union-attr, arg-type]
        self.predict_word.weight = table.weight  # type: ignore[union-attr, assignment]
        nn.init.zeros_(self.predict_word.bias)
        self.predict_place = nn.Linear(width, recipe.cells**2)
        self.predict_cover = nn.Linear(width, 2)
        self.predict_match = nn.Linear(width, 2)
        self.last: dict[str, tuple[float, float, int]] = {}
        """Of the last batch, by task: loss, hits, number."""

    def forward(
        self,
        word_labels: Tensor,
        place_labels: Tensor,
        cover_labels: Tensor | None = None,
        match_labels: Tensor | None = None,
        **inputs: Tensor,
    ) -> Tensor:
        states_BLD = self.encoder(**inputs)
        told = [
            (
                "word",
                lambda states_MD: self.predict_word(self.predict_state(states_MD)),
                states_BLD,
                word_labels,
            ),
            ("place", self.predict_place, states_BLD, place_labels),
        ]
        if cover_labels is not None and match_labels is not None:
            told += [
                ("cover", self.predict_cover, states_BLD, cover_labels),
                ("match", self.predict_match, states_BLD[:, 0], match_labels),
            ]
        self.last = {}
        losses = [self._loss(name, head, states, labels) for name, head, states, labels in told]
        return torch.stack(losses).sum()

    def _loss(self, name: str, head: Any, states: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy where there is something to tell; elsewhere a zero that knows the head."""
        kept = labels != IGNORED
        logits_MK, labels_M = head(states[kept]).float(), labels[kept]
        if not len(labels_M):
            return logits_MK.sum() + states.sum() * 0.0
        loss = functional.cross_entropy(logits_MK, labels_M)
        if not self.training:
            hits = float((logits_MK.argmax(-1) == labels_M).sum())
            self.last[name] = (float(loss), hits, len(labels_M))
        return loss


class PretrainingTask:
    """Learns from pages without labels."""

    def __init__(
        self,
        base: Base,
        recipe: PretrainingRecipe,
        training: "Windows",
        validation: "Windows",
        images: PageImages,
    ) -> None:
        self.base, self.recipe, self.images = base, recipe, images
        self.module = PretrainingLoss(base.model.encoder, recipe)
        self._training, self._validation = training, validation
        self._data_hash = win.hash_examples(training.examples)

    def num_examples(self) -> int:
        return len(self._training.examples)

    def length(self, index: int) -> int:
        return self._training.examples[index].length

    def collate(self, indices: Sequence[int], rng: Random) -> Mapping[str, Tensor]:
        return self._inputs(self._training, indices, rng)

    def _inputs(self, windows: "Windows", indices: Sequence[int], rng: Random) -> Mapping[str, Tensor]:
        """A batch with its words masked, places hidden and images changed."""
        examples = [windows.examples[index] for index in indices]
        hinted = [hinted_window(example, self.base, self.recipe, rng) for example in examples]
        changed = [
            example._replace(ids_L=hints.ids_L, boxes_L4=hints.boxes_L4, labels_L=hints.words_L)
            for example, hints in zip(examples, hinted, strict=True)
        ]
        inputs = dict(inputs_of(changed, self.base, self.recipe.pad_to_multiple_of, self.images))
        inputs["word_labels"] = inputs.pop("labels")
        length = inputs["input_ids"].shape[1]
        inputs["place_labels"] = _stacked([hints.places_L for hints in hinted], length)
        if self.base.model.takes_images:
            lines = [windows.lines(example) for example in examples]
            inputs |= self._image_inputs(examples, lines, hinted, length, rng)
        return inputs

    def _image_inputs(
        self,
        examples: Sequence[win.Example],
        lines: Sequence[NDArray[np.int32]],
        hinted: Sequence[Hints],
        length: int,
        rng: Random,
    ) -> dict[str, Tensor]:
        """Images with lines blacked, some swapped, and what is to be told of both."""
        pictures, covers = [], []
        for example, lines_L, hints in zip(examples, lines, hinted, strict=True):
            picture, covered_L = blacked(self.images[example.image], example, lines_L, self.recipe, rng)
            pictures.append(picture)
            covers.append(np.where(hints.words_L == IGNORED, covered_L, IGNORED))
        order = swapped(len(examples), self.recipe.tim_probability, rng)
        matches = [int(at == place) for place, at in enumerate(order)]
        return {
            "pixel_values": pixel_values([pictures[at] for at in order], self.base),
            "cover_labels": _stacked(
                [c if ok else np.full_like(c, IGNORED) for c, ok in zip(covers, matches, strict=True)], length
            ),
            "match_labels": torch.tensor(matches),
        }

    def evaluate(self, hardware: Hardware) -> dict[str, float]:
        """Loss and share of right answers of each task, on pages masked the same way each time."""
        sums = {name: np.zeros(3) for name in FIGURES}
        for indices in self._validation.batches(self.recipe.per_device_eval_batch_size):
            inputs = self._inputs(self._validation, indices, Random(f"validation {indices[0]}"))
            with hardware.precision():
                self.module(**hardware.moved(inputs))
            for name, (loss, hits, number) in self.module.last.items():
                sums[name] += (loss * number, hits, number)
        met = {name: some for name, some in sums.items() if some[2]}
        if not met:
            return {}
        figures = {f"eval_{name}_acc": float(some[1] / some[2]) for name, some in met.items()}
        figures |= {f"eval_{name}_loss": float(some[0] / some[2]) for name, some in met.items()}
        return {"eval_loss": sum(float(some[0] / some[2]) for some in met.values()), **figures}

    def write(self, folder: Path) -> None:
        stored.write_model(folder, self.base)

    def fingerprint(self) -> dict[str, Any]:
        return {"network": self.base.kind, "training data": self._data_hash}

    def record(self) -> dict[str, Any]:
        return {
            "task": "pre-training",
            "recipe": without_places(self.recipe.as_dict()),
            "kind": self.base.kind,
            "data_sha256": self._data_hash,
            "packages": packages(),
        }


class Windows:
    """Windows of pages, and the lines that their words stand in; documents are read one at a time."""

    def __init__(self, documents: Iterable[LabelledDocument], base: Base) -> None:
        self._lines: list[NDArray[np.int32]] = []
        self.examples = list(win.make_examples(self._noted(documents), base.pages))

    def _noted(self, documents: Iterable[LabelledDocument]) -> Iterator[LabelledDocument]:
        for document in documents:
            self._lines += [line_numbers(page) for page in document.pages]
            yield document

    def lines(self, example: win.Example) -> NDArray[np.int32]:
        """For each token the number of its line; NO_WORD for special tokens."""
        return self._lines[example.page][example.words_L]

    def batches(self, size: int) -> Iterator[list[int]]:
        order = sorted(range(len(self.examples)), key=lambda index: self.examples[index].length)
        for start in range(0, len(order), size):
            yield order[start : start + size]


def line_numbers(page: LabelledPage) -> NDArray[np.int32]:
    """The line of each word, one without a line being a line by itself; NO_WORD stands at the end."""
    words = page.page.words
    numbers = [word.line if word.line >= 0 else -2 - index for index, word in enumerate(words)]
    return np.asarray([*numbers, NO_WORD], np.int32)


def hinted_window(example: win.Example, base: Base, recipe: PretrainingRecipe, rng: Random) -> Hints:
    """A window with words masked and other words' places hidden."""
    masked_L = win.hidden_words(example.words_L, rng, recipe.mlm_probability)
    hidden_L = win.hidden_words(example.words_L, rng, recipe.place_probability) & ~masked_L
    boxes_L4 = example.boxes_L4.astype(np.int64)
    places_L = np.where(hidden_L, cells_of(boxes_L4, recipe.cells), IGNORED)
    boxes_L4[hidden_L] = HIDDEN_BOX
    ids_L = _masked_ids(example, masked_L, base, rng)
    return Hints(ids_L, boxes_L4, np.where(masked_L, example.ids_L, IGNORED).astype(np.int64), places_L)


def _masked_ids(
    example: win.Example, masked_L: NDArray[np.bool_], base: Base, rng: Random
) -> NDArray[np.int64]:
    """The tokens, each masked word as a whole masked, replaced or left."""
    numpy_rng = np.random.default_rng(rng.getrandbits(64))
    count = int(example.words_L.max(initial=NO_WORD)) + 2
    draws_L = numpy_rng.random(count)[example.words_L]
    size = base.model.encoder.token_table.num_embeddings  # type: ignore[union-attr]
    others_L = numpy_rng.integers(0, size, example.length)
    ids_L = np.where(masked_L & (draws_L < MASKED), base.hidden_id, example.ids_L)
    ids_L = np.where(masked_L & (draws_L >= MASKED) & (draws_L < REPLACED), others_L, ids_L)
    return ids_L.astype(np.int64)


def cells_of(boxes_L4: NDArray[np.int64], cells: int) -> NDArray[np.int64]:
    """The cell of a page, parted into `cells` x `cells`, in which the middle of each box stands."""
    across_L = (boxes_L4[:, 0] + boxes_L4[:, 2]) * cells // (2 * win.GRID + 1)
    down_L = (boxes_L4[:, 1] + boxes_L4[:, 3]) * cells // (2 * win.GRID + 1)
    return down_L * cells + across_L


def blacked(
    picture: NDArray[np.uint8],
    example: win.Example,
    lines_L: NDArray[np.int32],
    recipe: PretrainingRecipe,
    rng: Random,
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The page's image with some lines black, and for each token of a word whether it is under one."""
    numbers = sorted(set(lines_L[example.words_L != NO_WORD].tolist()))
    chosen = [number for number in numbers if rng.random() < recipe.tiam_probability]
    covered_L = np.isin(lines_L, chosen) & (example.words_L != NO_WORD)
    changed = picture.copy()
    for left, top, right, bottom in example.boxes_L4[covered_L].astype(int) * IMAGE_SIZE // win.GRID:
        changed[top : bottom + 1, left : right + 1] = 0
    return changed, np.where(example.words_L == NO_WORD, IGNORED, covered_L.astype(np.int64))


def swapped(number: int, share: float, rng: Random) -> list[int]:
    """For each of several pages whose image it gets: its own, or that of the next one chosen."""
    chosen = [place for place in range(number) if rng.random() < share]
    order = list(range(number))
    if len(chosen) > 1:
        for place, other in zip(chosen, [*chosen[1:], chosen[0]], strict=True):
            order[place] = other
    return order


def _stacked(rows: Sequence[NDArray[np.int64]], length: int) -> Tensor:
    stacked_BL = np.full((len(rows), length), IGNORED, np.int64)
    for row, values in zip(stacked_BL, rows, strict=True):
        row[: len(values)] = values
    return torch.from_numpy(stacked_BL)


def pretrain(
    recipe: PretrainingRecipe,
    base: Base,
    training: Corpus,
    validation: Corpus,
    folder: Path,
    until: int | None = None,
) -> loop.Run:
    """Pre-train a base on pages without labels; `folder` becomes a model folder to go on from.

    ConfigurationError where there is not one word.
    """
    windows = Windows(training, base)
    if not windows.examples:
        raise ConfigurationError(
            f"no words to pre-train on: {len(training)} documents without a single word; check the OCR folder"
        )
    held_out = Windows(validation, base)
    bare = base._replace(labels=NO_LABELS)
    task = PretrainingTask(bare, recipe, windows, held_out, PageImages())
    return loop.run_loop(task, recipe, folder, until)
