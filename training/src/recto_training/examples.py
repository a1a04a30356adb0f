"""Windows with labels, made from synthetic agreements. Encodes with the library's own encoder."""

from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache, partial
from hashlib import sha256
from multiprocessing import get_context
from random import Random
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from recto.inference import NO_WORD, Batch, EncodedWindow, PageEncoder
from recto.release import WindowSettings
from recto_training.noise import CLEAN, LabelledPage, NoiseLevels, read_with_noise, with_other_words
from recto_training.recipes import FIRST_FAMILIES, Recipe
from recto_training.synthetic.agreement import ALL_SEEN, Plan, generate
from recto_training.synthetic.markup import NO_FIELD
from recto_training.synthetic.wordings import ADDRESS, CARD, PROVIDER
from recto_training.tokenizer import train_tokenizer

NAMES = frozenset({ADDRESS, CARD, PROVIDER})
PART = 50
"""Agreements that a process makes at a time."""
STEP = 32
"""Tokens by which the lengths of training batches differ."""
IGNORED = -100
"""Label of tokens that belong to no word."""


class Example(NamedTuple):
    """One window and the class of each of its tokens."""

    window: EncodedWindow
    labels: list[int]


def labelled_pages(
    seeds: Sequence[str],
    noise: NoiseLevels = CLEAN,
    plan: Plan = ALL_SEEN,
    among: Collection[str] = (),
) -> Iterator[LabelledPage]:
    """The pages of the agreements of these seeds, as an OCR with this much noise would read them."""
    for seed in seeds:
        rng = Random(f"noise {seed}")
        for number, words in enumerate(generate(seed, plan, among=among).pages, start=1):
            yield read_with_noise(with_other_words(words, rng, noise, NAMES), number, rng, noise)


def training_seeds(recipe: Recipe) -> list[str]:
    return [f"{recipe.seed} training {n}" for n in range(recipe.num_documents)]


def validation_seeds(recipe: Recipe) -> list[str]:
    return [f"{recipe.seed} validation {n}" for n in range(recipe.num_validation)]


def make_tokenizer(recipe: Recipe) -> Tokenizer:
    """A tokenizer of the words of some of the training pages."""
    seeds = training_seeds(recipe)[:400]
    return train_tokenizer(
        (word.text for page in labelled_pages(seeds, among=recipe.families) for word in page.page.words),
        recipe.vocabulary_size,
    )


def familiar_texts(recipe: Recipe) -> Iterator[str]:
    """The words of some of the training pages, as they are printed."""
    seeds = training_seeds(recipe.root)[:300]
    return (word.text for page in labelled_pages(seeds, among=FIRST_FAMILIES) for word in page.page.words)


def make_encoder(recipe: Recipe, tokenizer: Tokenizer) -> PageEncoder:
    return PageEncoder(tokenizer, WindowSettings(max_tokens=recipe.max_tokens, stride=recipe.stride))


def make_examples(pages: Iterator[LabelledPage], encoder: PageEncoder, other_class: int) -> Iterator[Example]:
    """The windows of all pages."""
    for page in pages:
        classes = [other_class if field == NO_FIELD else field for field in page.fields]
        for window in encoder.encode(page.page):
            yield Example(window, [IGNORED if word == NO_WORD else classes[word] for word in window.words])


def training_examples(recipe: Recipe, tokenizer: str, other_class: int) -> list[Example]:
    """All windows with fields, and some of those without; `tokenizer` is the text of its file."""
    rng = Random(f"{recipe.seed} choice")
    return [
        example
        for example in _all_examples(recipe, tokenizer, other_class)
        if set(example.labels) - {IGNORED, other_class} or rng.random() < recipe.empty_windows
    ]


def _all_examples(recipe: Recipe, tokenizer: str, other_class: int) -> Iterator[Example]:
    """The windows of all training agreements in their order, made by a process for each thread."""
    seeds = training_seeds(recipe)
    parts = [seeds[start : start + PART] for start in range(0, len(seeds), PART)]
    make = partial(_examples_of, recipe=recipe, tokenizer=tokenizer, other_class=other_class)
    if recipe.threads == 1:
        for part in parts:
            yield from make(part)
        return
    with ProcessPoolExecutor(recipe.threads, get_context("spawn")) as pool:
        for examples in pool.map(make, parts):
            yield from examples


def _examples_of(seeds: list[str], recipe: Recipe, tokenizer: str, other_class: int) -> list[Example]:
    encoder = _opened_encoder(recipe, tokenizer)
    return list(
        make_examples(labelled_pages(seeds, recipe.noise, among=recipe.families), encoder, other_class)
    )


@lru_cache(maxsize=1)
def _opened_encoder(recipe: Recipe, tokenizer: str) -> PageEncoder:
    """An encoder in this process: a pickled tokenizer forgets near misses: one text a number."""
    return make_encoder(recipe, Tokenizer.from_str(tokenizer))


def hash_examples(examples: Sequence[Example]) -> str:
    """What the run was trained on, as one number."""
    digest = sha256()
    for example in examples:
        digest.update(np.asarray(example.window.input_ids, np.int32).tobytes())
        digest.update(np.asarray(example.window.boxes, np.int32).tobytes())
        digest.update(np.asarray(example.labels, np.int32).tobytes())
    return digest.hexdigest()


def _longer(batch: Batch, pad: int) -> Batch:
    """The batch padded to the next multiple of STEP tokens."""
    extra = -batch.input_ids_BL.shape[1] % STEP
    ids, mask, boxes, words = batch
    wider = ((0, 0), (0, extra))
    return Batch(
        np.pad(ids, wider, constant_values=pad),
        np.pad(mask, wider),
        np.pad(boxes, (*wider, (0, 0))),
        np.pad(words, wider, constant_values=NO_WORD),
    )


def collate(examples: Sequence[Example], encoder: PageEncoder) -> tuple[Batch, NDArray[np.int64]]:
    """A batch padded to one of a few lengths, since new shapes are slow at first, and its labels."""
    batch = _longer(encoder.collate([example.window for example in examples]), encoder.pad)
    labels_BL = np.full(batch.input_ids_BL.shape, IGNORED, np.int64)
    for row, example in enumerate(examples):
        labels_BL[row, : len(example.labels)] = example.labels
    return batch, labels_BL
