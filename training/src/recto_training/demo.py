"""Trains the release that Recto ships, from synthetic agreements, through the same loop as everything else.

A run that goes on from another (`after`) has that one's folder within its own. Each folder is a model folder,
whose tokenizer is the one that cut the pages of training. Not the export, not the calibration.
"""

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

from recto_training import examples as ex
from recto_training.corpus import LabelledDocument
from recto_training.encoders import stored
from recto_training.encoders.model import Base, WordModel
from recto_training.encoders.opening import BaseOptions, open_scratch
from recto_training.images import PageImages
from recto_training.loop import Run, checkpoints, run_loop
from recto_training.recipes import Recipe
from recto_training.tokenizer import with_misreadings
from recto_training.words import HeldOut, WordTask

BEFORE = "before"
"""Folder, within a run's, of the run that it goes on from."""
PLAIN, TOLERANT = "plain.json", "tolerant.json"
"""The tokenizer as it was made, and the same with near misses."""


def train(recipe: Recipe, folder: Path, labels: Sequence[str]) -> None:
    """Train a recipe in its folder, and before it what it goes on from; what is finished is left alone."""
    if recipe.after is not None:
        train(recipe.after, folder / BEFORE, labels)
    found = checkpoints(folder)
    if not found or int(found[-1].name.removeprefix("step-")) < recipe.steps:
        fit(recipe, folder, labels)


def fit(recipe: Recipe, folder: Path, labels: Sequence[str], until: int | None = None) -> Run:
    """Train a recipe up to its last step, or an earlier one; what it goes on from is there."""
    folder.mkdir(parents=True, exist_ok=True)
    base = open_run(recipe, folder, labels)
    training = ex.training_examples(recipe, base.reading.tokenizer, len(labels) - 1)
    held_out = HeldOut(validation_documents(recipe, len(labels) - 1), base)
    settings = recipe.training()
    return run_loop(WordTask(base, settings, training, held_out, PageImages()), settings, folder, until)


def open_run(recipe: Recipe, folder: Path, labels: Sequence[str]) -> Base:
    """The network that a run begins with: untrained, or the best of the run before."""
    plain = folder / PLAIN
    if recipe.after is not None:
        plain.write_bytes((folder / BEFORE / PLAIN).read_bytes())
        base = stored.read_model(folder / BEFORE, recipe.dropout)
    else:
        if not plain.exists():
            ex.make_tokenizer(recipe).save(str(plain))
        options = BaseOptions(
            max_tokens=recipe.max_tokens,
            stride=recipe.stride,
            dropout=recipe.dropout,
            tokenizer_name=str(plain),
            seed=recipe.seed,
        )
        size = {name: getattr(recipe, name) for name in ("width", "heads", "layers", "hidden")}
        base = open_scratch((), labels, size, recipe.vocabulary_size, options)
    text = tolerant_tokenizer(recipe, folder) if recipe.tolerant else plain.read_text(encoding="utf-8")
    reading = base.reading._replace(tokenizer=text)
    return base._replace(reading=reading, pages=stored.pages_of(reading))


def validation_documents(recipe: Recipe, other_class: int) -> list[LabelledDocument]:
    """Agreements of other seeds than those of training."""
    return [
        LabelledDocument(seed, tuple(ex.classified_pages([seed], recipe, other_class)))
        for seed in ex.validation_seeds(recipe)
    ]


def tolerant_tokenizer(recipe: Recipe, folder: Path) -> str:
    """The file of the run's tokenizer with near misses, made once; numbers are those of the plain one."""
    path = folder / TOLERANT
    if not path.exists():
        tokenizer = Tokenizer.from_file(str(folder / PLAIN))
        path.write_text(with_misreadings(tokenizer, ex.familiar_texts(recipe)), encoding="utf-8")
    return path.read_text(encoding="utf-8")


def load_best(recipe: Recipe, folder: Path) -> WordModel:
    """The best network of a run, ready to predict; mixed with that of the run before as the recipe says."""
    model = stored.read_model(folder).model
    if recipe.kept:
        before = stored.read_model(folder / BEFORE).model.state_dict()
        mixed = {name: tensor.lerp(before[name], recipe.kept) for name, tensor in model.state_dict().items()}
        model.load_state_dict(mixed)
    return model
