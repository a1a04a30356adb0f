"""Trains a normaliser on pairs, in the one loop of all models (`recto_training.loop`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import Tensor, nn

from recto_training import loop
from recto_training.corpus import IGNORED
from recto_training.faults import DataError
from recto_training.hardware import Hardware
from recto_training.normaliser.evaluation import is_match
from recto_training.normaliser.model import Limits, Normaliser, make_base, open_base, padded
from recto_training.normaliser.pairs import Pair, hash_pairs
from recto_training.provenance import packages
from recto_training.run_settings import without_places

SAMPLE = 200
"""Validation pairs that are answered at each evaluation; the loss and `acc` are of all."""


@dataclass(frozen=True)
class NormaliserRecipe(loop.Training):
    """How a normaliser is trained; names as in the reference where it has them."""

    name: str = "scratch"
    model_name_or_path: str = ""
    """Folder or hub name of a base; empty: an untrained network of the sizes below."""
    tokenizer_name: str = ""
    max_source_length: int = 128
    max_target_length: int = 48
    vocabulary_size: int = 600
    width: int = 128
    hidden: int = 384
    heads: int = 4
    layers: int = 2
    decoder_layers: int = 2
    per_device_train_batch_size: int = 32
    per_device_eval_batch_size: int = 64
    learning_rate: float = 2e-3
    lr_scheduler_type: str = "constant"
    ema_decay: float = 0.99
    """A moving average stands in for a falling rate, so that a run may be stopped at any time."""
    num_train_epochs: float = 4.0
    eval_strategy: str = "steps"
    eval_steps: int = 150
    logging_steps: int = 50
    metric_for_best_model: str = "eval_exact_match"


def scratch() -> NormaliserRecipe:
    """About one million parameters, minutes on a CPU."""
    return NormaliserRecipe()


def base() -> NormaliserRecipe:
    """From a pre-trained model."""
    return NormaliserRecipe(
        name="base", learning_rate=3e-4, per_device_train_batch_size=16, num_train_epochs=3.0
    )


def tiny() -> NormaliserRecipe:
    """Seconds; learns next to nothing."""
    return NormaliserRecipe(
        name="tiny", width=32, hidden=64, heads=2, layers=1, decoder_layers=1, vocabulary_size=300,
        per_device_train_batch_size=16, max_steps=20, eval_steps=10, logging_steps=10,
    )  # fmt: skip


RECIPES = {"scratch": scratch, "base": base, "tiny": tiny}


def fit(
    recipe: NormaliserRecipe,
    training: Sequence[Pair],
    validation: Sequence[Pair],
    folder: Path,
    until: int | None = None,
) -> loop.Run:
    """Train on pairs, going on where it stopped; `folder` becomes that of the best evaluation's model.

    DataError for no pairs to train on, or where no pair fits the limits of length.
    """
    torch.manual_seed(recipe.seed or 0)
    task = PairTask(open_recipe(recipe, training), recipe, training, validation)
    return loop.run_loop(task, recipe, folder, until)


def open_recipe(recipe: NormaliserRecipe, training: Sequence[Pair]) -> Normaliser:
    """The model that a recipe begins with; an untrained one makes its tokenizer from the pairs."""
    limits = Limits(recipe.max_source_length, recipe.max_target_length)
    if recipe.model_name_or_path:
        return open_base(recipe.model_name_or_path, limits, recipe.tokenizer_name)
    size = {name: getattr(recipe, name) for name in ("width", "hidden", "heads", "layers", "decoder_layers")}
    texts = (text for pair in training for text in (pair.input, pair.target))
    return make_base(texts, size, recipe.vocabulary_size, limits)


class PairLoss(nn.Module):
    """A model with its loss as output, in the form that the loop calls."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor) -> Tensor:
        """input_ids (B, L), labels (B, T) with -100 behind their end; the mean loss of a token."""
        made: Tensor = self.network(
            input_ids=input_ids, attention_mask=attention_mask, labels=labels, use_cache=False
        ).loss
        return made


class PairTask:
    """Pairs to be learnt."""

    def __init__(
        self,
        normaliser: Normaliser,
        recipe: NormaliserRecipe,
        training: Sequence[Pair],
        validation: Sequence[Pair],
    ) -> None:
        self.normaliser, self.recipe = normaliser, recipe
        self._module = PairLoss(normaliser.network)
        self._training = self._numbered(training)
        self._validation_pairs, self._validation = validation, self._numbered(validation)
        self._too_long = len(training) - len(self._training)
        self._hashes = hash_pairs(training), hash_pairs(validation)
        if not self._training:
            raise DataError(
                f"{len(training)} pairs to train on, none within {normaliser.limits.source} tokens of input "
                f"and {normaliser.limits.target} of target; see max_source_length, max_target_length"
            )

    @property
    def module(self) -> nn.Module:
        return self._module

    def num_examples(self) -> int:
        return len(self._training)

    def length(self, index: int) -> int:
        return len(self._training[index][0])

    def collate(self, indices: Sequence[int], rng: Random) -> Mapping[str, Tensor]:  # noqa: ARG002 - Task's
        return self._collated([self._training[at] for at in indices])

    def evaluate(self, hardware: Hardware) -> dict[str, float]:
        """Loss and `acc` (each next token, the right ones before it being given) of all; answers of some."""
        if not self._validation:
            return {}
        total, right, counted = 0.0, 0, 0
        for start in range(0, len(self._validation), self.recipe.per_device_eval_batch_size):
            batch = self._validation[start : start + self.recipe.per_device_eval_batch_size]
            inputs = hardware.moved(self._collated(batch))
            with hardware.precision():
                made = self.normaliser.network(**inputs, use_cache=False)
            kept_BT = inputs["labels"] != IGNORED
            wrong_BT = (made.logits.argmax(-1) != inputs["labels"]) & kept_BT
            right += int((~wrong_BT.any(-1)).sum())
            total += float(made.loss.float()) * len(batch)
            counted += len(batch)
        asked = self._validation_pairs[:SAMPLE]
        with hardware.precision():
            said = list(self.normaliser.answers([pair.input for pair in asked], 64))
        exact = sum(is_match(one, pair.target) for one, pair in zip(said, asked, strict=True))
        return {
            "eval_loss": total / counted,
            "eval_acc": right / counted,
            "eval_exact_match": exact / len(asked),
        }

    def write(self, folder: Path) -> None:
        self.normaliser.write(folder)

    def fingerprint(self) -> dict[str, Any]:
        config = self.normaliser.network.config
        network = {"kind": config.model_type, "vocabulary": config.vocab_size, "width": config.hidden_size}
        return {"network": network, "training data": self._hashes[0]}

    def record(self) -> dict[str, Any]:
        return {
            "task": "normaliser",
            "recipe": without_places(self.recipe.as_dict()),
            "kind": self.normaliser.network.config.model_type,
            "data_sha256": self._hashes[0],
            "validation_sha256": self._hashes[1],
            "validation_examples": len(self._validation_pairs),
            "too_long": self._too_long,
            "packages": packages(),
        }

    def _numbered(self, pairs: Sequence[Pair]) -> list[tuple[list[int], list[int]]]:
        """Pairs within the limits of length, as numbers."""
        if not pairs:
            return []
        tokenizer, limits = self.normaliser.tokenizer, self.normaliser.limits
        sources = tokenizer([pair.input for pair in pairs]).input_ids
        targets = tokenizer(text_target=[pair.target for pair in pairs]).input_ids
        both = zip(sources, targets, strict=True)
        return [(one, two) for one, two in both if len(one) <= limits.source and len(two) <= limits.target]

    def _collated(self, batch: Sequence[tuple[list[int], list[int]]]) -> dict[str, Tensor]:
        input_ids_BL, mask_BL = padded([one for one, _ in batch], self.normaliser.tokenizer.pad_token_id)
        labels_BT, _ = padded([two for _, two in batch], IGNORED)
        return {"input_ids": input_ids_BL, "attention_mask": mask_BL, "labels": labels_BT}
