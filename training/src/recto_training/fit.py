"""Trains the network: setup, then one plain loop; a run can be stopped and resumed at every evaluation.

Writes into its folder: tokenizer.json, tolerant.json (the same with near misses), checkpoint.pt (the last),
best.pt, run.json (what was run and what came of it). Not the export, not the calibration.
"""

import json
import math
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from recto.errors import ConfigurationError
from recto.fields import FieldList
from recto.inference import UNK, PageEncoder
from recto_training import examples as ex
from recto_training import loop, words
from recto_training import windows as win
from recto_training.corpus import IGNORED, Corpus, LabelledDocument
from recto_training.encoders.model import Base, WordModel
from recto_training.encoders.opening import BaseOptions, open_base, open_scratch
from recto_training.images import PageImages
from recto_training.network import NetworkConfiguration
from recto_training.network import make_network as network_of
from recto_training.recipes import Recipe
from recto_training.tokenizer import with_misreadings

CHECKPOINT, BEST, RUN, TOKENIZER = "checkpoint.pt", "best.pt", "run.json", "tokenizer.json"
TOLERANT = "tolerant.json"
BEFORE = "before"
"""Folder, within a run's, of the run that it goes on from."""


def fit(
    recipe: words.WordRecipe,
    training: Corpus,
    validation: Corpus,
    folder: Path,
    *,
    fields: FieldList | None = None,
    until: int | None = None,
) -> loop.Run:
    """Train a word model on labelled documents; `folder` becomes the model folder of the best evaluation.

    Goes on from the folder's last checkpoint. ConfigurationError for an empty training set, one of a single
    class, other labels in the two corpora, a base or checkpoint that does not fit. With `fields`, figures by
    field as well (`eval_field_f1`), through the pipeline's own assembly.
    """
    words.check_labels(validation.labels, training.labels, "validation")
    documents = list(training)
    if not any(page.page.words for document in documents for page in document.pages):
        raise ConfigurationError(
            f"the training set is empty: {len(documents)} documents and not one word; check that OCR results "
            "and labels belong together"
        )
    check_classes(documents, training.labels)
    base = open_recipe(recipe, training.labels, documents)
    held_out = words.HeldOut(list(validation), base, fields)
    examples = win.make_examples(documents, base.pages, first_only=recipe.only_label_first_subword)
    other = len(training.labels) - 1
    kept = win.kept_examples(examples, other, recipe.empty_windows, recipe.seed)
    task = words.WordTask(base, recipe, kept, held_out, PageImages())
    return loop.run_loop(task, recipe, folder, until)


def check_classes(documents: Iterable[LabelledDocument], labels: Sequence[str]) -> None:
    """ConfigurationError where all words are of one class: nothing can be learnt from them."""
    pages = (page for document in documents for page in document.pages)
    seen = {class_id for page in pages for class_id in page.classes} - {IGNORED}
    if len(seen) < 2:
        only = labels[seen.pop()] if seen else "none"
        raise ConfigurationError(
            f"one class only: every labelled word of the training set is {only!r} of {', '.join(labels)}; "
            "expected words of two classes or more. Check the label attribute and the class map"
        )


def open_recipe(
    recipe: words.WordRecipe, labels: Sequence[str], documents: Iterable[LabelledDocument]
) -> Base:
    """The network that a recipe begins with; an untrained one makes its tokenizer from the documents."""
    options = BaseOptions(
        max_tokens=recipe.max_seq_length,
        stride=recipe.stride,
        dropout=recipe.dropout,
        distances=recipe.distances,
        tokenizer_name=recipe.tokenizer_name,
        revision=recipe.model_revision,
        cache=recipe.cache_dir or None,
        ignore_labels=recipe.ignore_mismatched_labels,
        seed=recipe.seed or 0,
    )
    if recipe.model_name_or_path:
        return open_base(recipe.model_name_or_path, labels, options)
    texts = (word.text for document in documents for page in document.pages for word in page.page.words)
    size = {"width": recipe.width, "heads": recipe.heads, "layers": recipe.layers, "hidden": recipe.hidden}
    return open_scratch(texts, labels, size, recipe.vocabulary_size, options)


def train(recipe: Recipe, folder: Path, num_classes: int) -> None:
    """Train a recipe in its folder, and before it what it goes on from; what is finished is left alone."""
    if recipe.after is not None:
        train(recipe.after, folder / BEFORE, num_classes)
    run = Run(recipe, folder, num_classes)
    if run.step < recipe.steps:
        run.fit()


class Run:
    """A training run in a folder."""

    def __init__(self, recipe: Recipe, folder: Path, num_classes: int) -> None:
        torch.set_num_threads(recipe.threads)
        folder.mkdir(parents=True, exist_ok=True)
        self.recipe, self.folder, self.other_class = recipe, folder, num_classes - 1
        self.tokenizer = self._tokenizer()
        self.reading = self._reading()
        self.encoder: PageEncoder = ex.make_encoder(recipe, Tokenizer.from_str(self.reading))
        torch.manual_seed(recipe.seed)
        self.network = make_network(recipe, self.tokenizer, num_classes)
        if recipe.after is not None:
            self.network.load_state_dict(torch.load(folder / BEFORE / BEST, weights_only=True))
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        self.half = recipe.bfloat16 and multiplies_bfloat16()
        self.step = 0
        self.seconds = 0.0
        self.history: list[dict[str, float]] = []
        torch.manual_seed(recipe.seed + 1)
        if (folder / CHECKPOINT).exists():
            self._resume()

    def fit(self, until: int | None = None) -> None:
        """Train up to the recipe's last step, or an earlier one."""
        training = ex.training_examples(self.recipe, self.reading, self.other_class)
        validation = self._validation()
        data_hash = ex.hash_examples(training)
        last = min(until or self.recipe.steps, self.recipe.steps)
        began = time.monotonic()
        losses: list[float] = []
        for batch in self._batches(training):
            if self.step >= last:
                break
            losses.append(self._train_step(batch))
            self.step += 1
            if self.step % self.recipe.evaluate_every == 0 or self.step == last:
                self.seconds += time.monotonic() - began
                self._evaluate(validation, sum(losses) / len(losses))
                self._save(data_hash, len(training))
                began, losses = time.monotonic(), []

    def _train_step(self, batch: list[ex.Example]) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.recipe, self.step)
        self.network.train()
        self.optimizer.zero_grad(set_to_none=True)
        loss = self._loss(batch, self.recipe.label_smoothing)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        return float(loss.detach())

    def _loss(self, batch: list[ex.Example], smoothing: float = 0.0) -> Tensor:
        logits_BLK, labels_BL = self._forward(batch)
        return functional.cross_entropy(
            logits_BLK.flatten(0, 1), labels_BL.flatten(), ignore_index=ex.IGNORED, label_smoothing=smoothing
        )

    def _forward(self, batch: list[ex.Example]) -> tuple[Tensor, Tensor]:
        arrays, labels_BL = ex.collate(batch, self.encoder)
        inputs = (torch.from_numpy(array) for array in arrays[:3])
        with torch.autocast("cpu", torch.bfloat16, enabled=self.half):
            logits_BLK = self.network(*inputs)
        return logits_BLK.float(), torch.from_numpy(labels_BL)

    def _batches(self, training: list[ex.Example]) -> Iterator[list[ex.Example]]:
        """Batches of windows of like length, epoch after epoch, from where the run stands."""
        size = self.recipe.batch_size
        skipped = self.step
        for epoch in range(10**6):
            for batch in _epoch(training, size, Random(f"{self.recipe.seed} epoch {epoch}")):
                if skipped:
                    skipped -= 1
                else:
                    yield batch

    @torch.no_grad()
    def _evaluate(self, validation: list[ex.Example], training_loss: float) -> None:
        self.network.eval()
        hits = predicted = true = 0
        total, size = 0.0, self.recipe.batch_size
        batches = [validation[start : start + size] for start in range(0, len(validation), size)]
        for batch in batches:
            logits_BLK, labels_BL = self._forward(batch)
            kept = labels_BL != ex.IGNORED
            best, labels = logits_BLK.argmax(-1)[kept], labels_BL[kept]
            hits += int(((best == labels) & (labels != self.other_class)).sum())
            predicted += int((best != self.other_class).sum())
            true += int((labels != self.other_class).sum())
            total += float(functional.cross_entropy(logits_BLK[kept], labels))
        row = {
            "step": float(self.step),
            "training_loss": training_loss,
            "validation_loss": total / len(batches),
            "validation_token_f1": 2 * hits / max(1, predicted + true),
            "seconds": round(self.seconds, 1),
        }
        self.history.append(row)
        print(" ".join(f"{name}={value:.4g}" for name, value in row.items()), flush=True)

    def _validation(self) -> list[ex.Example]:
        pages = ex.labelled_pages(
            ex.validation_seeds(self.recipe), self.recipe.noise, among=self.recipe.families
        )
        return list(ex.make_examples(pages, self.encoder, self.other_class))

    def _save(self, data_hash: str, num_windows: int) -> None:
        state = {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "random": torch.get_rng_state(),
            "step": self.step,
            "seconds": self.seconds,
            "history": self.history,
        }
        torch.save(state, self.folder / CHECKPOINT)
        best = min(self.history, key=lambda row: row["validation_loss"])
        if best is self.history[-1]:
            torch.save(state["network"], self.folder / BEST)
        record = {
            "recipe": self.recipe.as_dict(),
            "torch": torch.__version__,
            "bfloat16": self.half,
            "data_sha256": data_hash,
            "windows": num_windows,
            "parameters": sum(p.numel() for p in self.network.parameters()),
            "seconds": round(self.seconds, 1),
            "best": best,
            "history": self.history,
        }
        (self.folder / RUN).write_text(json.dumps(record, indent=2) + "\n")

    def _resume(self) -> None:
        state: dict[str, Any] = torch.load(self.folder / CHECKPOINT, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["random"])
        self.step, self.seconds, self.history = state["step"], state["seconds"], state["history"]

    def _tokenizer(self) -> Tokenizer:
        path = self.folder / TOKENIZER
        if not path.exists():
            if self.recipe.after is None:
                ex.make_tokenizer(self.recipe).save(str(path))
            else:
                path.write_bytes((self.folder / BEFORE / TOKENIZER).read_bytes())
        return Tokenizer.from_file(str(path))

    def _reading(self) -> str:
        """The file of the tokenizer that cuts the pages; the network's numbers are those of the plain one."""
        if self.recipe.tolerant:
            return tolerant_tokenizer(self.recipe, self.folder)
        return (self.folder / TOKENIZER).read_text(encoding="utf-8")


def tolerant_tokenizer(recipe: Recipe, folder: Path) -> str:
    """The file of the run's tokenizer with near misses, made once."""
    path = folder / TOLERANT
    if not path.exists():
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        path.write_text(with_misreadings(tokenizer, ex.familiar_texts(recipe)), encoding="utf-8")
    return path.read_text(encoding="utf-8")


def multiplies_bfloat16() -> bool:
    """Whether this processor does so natively; elsewhere it would only be slow."""
    return bool(torch.cpu._is_avx512_bf16_supported())  # noqa: SLF001 - there is no public question


def make_network(recipe: Recipe, tokenizer: Tokenizer, num_classes: int) -> WordModel:
    """The untrained network of a recipe."""
    config = NetworkConfiguration(
        vocabulary=tokenizer.get_vocab_size(),
        unknown_id=tokenizer.token_to_id(UNK),
        width=recipe.width,
        heads=recipe.heads,
        layers=recipe.layers,
        hidden=recipe.hidden,
        dropout=recipe.dropout,
    )
    return network_of(config, num_classes)


def load_best(recipe: Recipe, folder: Path, num_classes: int) -> WordModel:
    """The best network of a run, ready to predict; mixed with that of the run before as the recipe says."""
    network = make_network(recipe, Tokenizer.from_file(str(folder / TOKENIZER)), num_classes)
    weights = torch.load(folder / BEST, weights_only=True)
    if recipe.kept:
        before = torch.load(folder / BEFORE / BEST, weights_only=True)
        weights = {name: weights[name].lerp(before[name], recipe.kept) for name in weights}
    network.load_state_dict(weights)
    return network.eval()


def learning_rate(recipe: Recipe, step: int) -> float:
    """Up in a line; then down in half a wave, or level and down in a line at the end."""
    if step < recipe.warm_up:
        return recipe.learning_rate * (step + 1) / recipe.warm_up
    if recipe.cool_down:
        return recipe.learning_rate * min(1.0, (recipe.steps - step) / recipe.cool_down)
    done = (step - recipe.warm_up) / max(1, recipe.steps - recipe.warm_up)
    return recipe.learning_rate * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))


def _epoch(training: list[ex.Example], size: int, rng: Random) -> Iterator[list[ex.Example]]:
    order = list(range(len(training)))
    rng.shuffle(order)
    pool = size * 16
    for start in range(0, len(order), pool):
        chunk = sorted(order[start : start + pool], key=lambda i: len(training[i].labels))
        batches = [chunk[at : at + size] for at in range(0, len(chunk), size)]
        rng.shuffle(batches)
        yield from ([training[i] for i in batch] for batch in batches)
