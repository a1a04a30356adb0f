"""Windows of synthetic agreements, made by a process for each thread; their pages, seeds and tokenizer."""

from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache, partial
from multiprocessing import get_context
from random import Random

from tokenizers import Tokenizer

from recto.inference import PageEncoder
from recto.release import WindowSettings
from recto_training.corpus import LabelledDocument, LabelledPage
from recto_training.noise import CLEAN, NoiseLevels, read_with_noise, with_other_words
from recto_training.noise import LabelledPage as NoisyPage
from recto_training.recipes import FIRST_FAMILIES, Recipe
from recto_training.synthetic.agreement import ALL_SEEN, Plan, generate
from recto_training.synthetic.markup import NO_FIELD
from recto_training.synthetic.wordings import ADDRESS, CARD, PROVIDER
from recto_training.tokenizer import train_tokenizer
from recto_training.windows import Example, has_field, make_examples

NAMES = frozenset({ADDRESS, CARD, PROVIDER})
PART = 50
"""Agreements that a process makes at a time."""


def labelled_pages(
    seeds: Sequence[str],
    noise: NoiseLevels = CLEAN,
    plan: Plan = ALL_SEEN,
    among: Collection[str] = (),
) -> Iterator[NoisyPage]:
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


def classified_pages(seeds: Sequence[str], recipe: Recipe, other_class: int) -> Iterator[LabelledPage]:
    """The pages of a recipe's agreements, with a class for each word."""
    for page in labelled_pages(seeds, recipe.noise, among=recipe.families):
        classes = tuple(other_class if field == NO_FIELD else field for field in page.fields)
        yield LabelledPage(page.page, classes)


def training_examples(recipe: Recipe, tokenizer: str, other_class: int) -> list[Example]:
    """All windows with fields, and some of those without; `tokenizer` is the text of its file."""
    rng = Random(f"{recipe.seed} choice")
    return [
        example
        for example in _all_examples(recipe, tokenizer, other_class)
        if has_field(example, other_class) or rng.random() < recipe.empty_windows
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
    pages = tuple(classified_pages(seeds, recipe, other_class))
    return list(make_examples([LabelledDocument("", pages)], _opened_encoder(recipe, tokenizer)))


@lru_cache(maxsize=1)
def _opened_encoder(recipe: Recipe, tokenizer: str) -> PageEncoder:
    """An encoder in this process: a pickled tokenizer forgets near misses: one text a number."""
    return make_encoder(recipe, Tokenizer.from_str(tokenizer))
