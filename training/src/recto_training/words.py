"""The task of word classes: a loss over windows, and figures on held-out documents. Not the loop (`loop`).

Shapes: B windows, L tokens, K classes, W words of a page.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from recto.confidence import Calibration
from recto.document import PagePredictions
from recto.errors import ConfigurationError
from recto.fields import FieldList
from recto.inference import Votes
from recto_training import windows as win
from recto_training.corpus import IGNORED, LabelledDocument, LabelledPage
from recto_training.encoders import stored
from recto_training.encoders.families import image_values
from recto_training.encoders.model import Base, WordModel
from recto_training.evaluation.fields import field_tallies, score_document
from recto_training.evaluation.focus import FocusTally
from recto_training.evaluation.spans import add_entities
from recto_training.evaluation.tally import Tallies
from recto_training.evaluation.truth import Match
from recto_training.hardware import Hardware
from recto_training.images import PageImages
from recto_training.provenance import packages
from recto_training.run_settings import without_places
from recto_training.word_recipes import WordRecipe


class WordLoss(nn.Module):
    """A word model with its loss: a batch's inputs and labels [B, L] to one number."""

    def __init__(self, model: WordModel, recipe: WordRecipe) -> None:
        super().__init__()
        self.model = model
        self.smoothing = recipe.label_smoothing_factor
        weights_K = torch.ones(model.num_classes)
        weights_K[-1] = recipe.other_weight
        self.register_buffer("weights_K", weights_K, persistent=False)

    def forward(self, labels: Tensor, **inputs: Tensor) -> Tensor:
        logits_BLK = self.model(**inputs)
        return functional.cross_entropy(
            logits_BLK.float().flatten(0, 1),
            labels.flatten(),
            weight=self.weights_K,  # type: ignore[arg-type]
            ignore_index=IGNORED,
            label_smoothing=self.smoothing,
        )


class WordTask:
    """Learns the classes of words from labelled documents."""

    def __init__(
        self,
        base: Base,
        recipe: WordRecipe,
        training: Sequence[win.Example],
        validation: "HeldOut",
        images: PageImages,
    ) -> None:
        self.base, self.recipe, self.images = base, recipe, images
        self.module = WordLoss(base.model, recipe)
        self._training, self._validation = training, validation
        self._data_hash = win.hash_examples(training)

    def num_examples(self) -> int:
        return len(self._training)

    def length(self, index: int) -> int:
        return self._training[index].length

    def collate(self, indices: Sequence[int], rng: Random) -> Mapping[str, Tensor]:
        """Windows of training, moved and with words hidden as the recipe has it."""
        changed = [self._changed(self._training[index], rng) for index in indices]
        return inputs_of(changed, self.base, self.recipe.pad_to_multiple_of, self.images)

    def _changed(self, example: win.Example, rng: Random) -> win.Example:
        if self.recipe.moved_pages:
            boxes_L4 = win.moved_boxes(example.boxes_L4, example.words_L, rng, self.recipe.moved_pages)
            example = example._replace(boxes_L4=boxes_L4)
        if self.recipe.hidden_words:
            hidden_L = win.hidden_words(example.words_L, rng, self.recipe.hidden_words)
            example = example._replace(ids_L=np.where(hidden_L, self.base.hidden_id, example.ids_L))
        return example

    def evaluate(self, hardware: Hardware) -> dict[str, float]:
        return self._validation.figures(self.module, self.base, self.recipe, hardware, self.images)

    def write(self, folder: Path) -> None:
        stored.write_model(folder, self.base)

    def fingerprint(self) -> dict[str, Any]:
        return {
            "labels": list(self.base.labels),
            "network": {"kind": self.base.kind, **_plain(self.base.architecture)},
            "training data": self._data_hash,
        }

    def record(self) -> dict[str, Any]:
        return {
            "task": "words",
            "recipe": without_places(self.recipe.as_dict()),
            "labels": list(self.base.labels),
            "kind": self.base.kind,
            "data_sha256": self._data_hash,
            "validation_sha256": self._validation.data_hash,
            "validation_documents": len(self._validation.documents),
            "packages": packages(),
        }


class HeldOut:
    """Documents for validation, with their windows."""

    def __init__(
        self, documents: Sequence[LabelledDocument], base: Base, fields: FieldList | None = None
    ) -> None:
        self.documents, self._fields = documents, fields
        self.pages: list[LabelledPage] = [page for document in documents for page in document.pages]
        self._examples = list(win.make_examples(documents, base.pages))
        self.data_hash = win.hash_examples(self._examples)

    def figures(
        self, loss: WordLoss, base: Base, recipe: WordRecipe, hardware: Hardware, images: PageImages
    ) -> dict[str, float]:
        """Loss and the reference's accuracies over windows; words and entities over whole pages."""
        if not self._examples:
            return {}
        other = len(base.labels) - 1
        votes = [Votes(len(page.page.words), len(base.labels)) for page in self.pages]
        focus, total, counted = FocusTally(), 0.0, 0
        for batch, logits_BLK in self._logits(loss.model, base, recipe, hardware, images):
            for example, logits_LK in zip(batch, logits_BLK, strict=True):
                length = example.length
                labels_L = torch.from_numpy(example.labels_L.astype(np.int64))
                kept = int((labels_L != IGNORED).sum())
                total += kept and float(functional.cross_entropy(logits_LK[:length], labels_L)) * kept
                counted += kept
                said_L = logits_LK[:length].argmax(-1).numpy()
                focus = focus.plus([example.labels_L], [said_L], other)
                votes[example.page].add_window(example.words_L.astype(np.int64), logits_LK[:length].numpy())
        predictions = [one.result(page.page.number) for one, page in zip(votes, self.pages, strict=True)]
        figures = {"loss": total / max(1, counted), **focus.figures(), **self._by_word(predictions, base)}
        figures |= self._by_field(predictions)
        return {f"eval_{name}": float(value) for name, value in figures.items()}

    def _by_field(self, predictions: Sequence[PagePredictions]) -> dict[str, float]:
        """Fields as the pipeline would report them before any calibration; right means: the same meaning."""
        if self._fields is None:
            return {}
        said = iter(predictions)
        scores = [
            score_document(
                document,
                [next(said) for _ in document.pages],
                self._fields,
                Calibration.default(),
                Match.NORMAL,
            )
            for document in self.documents
        ]
        return {"field_f1": field_tallies(scores, self._fields).total.f1}

    def _logits(
        self, model: WordModel, base: Base, recipe: WordRecipe, hardware: Hardware, images: PageImages
    ) -> Iterator[tuple[list[win.Example], Tensor]]:
        size = recipe.per_device_eval_batch_size
        ordered = sorted(self._examples, key=lambda example: -example.length)
        for start in range(0, len(ordered), size):
            batch = ordered[start : start + size]
            inputs = dict(inputs_of(batch, base, recipe.pad_to_multiple_of, images))
            inputs.pop("labels")
            with hardware.precision():
                logits_BLK = model(**hardware.moved(inputs))
            yield batch, logits_BLK.float().cpu()

    def _by_word(self, predictions: Sequence[PagePredictions], base: Base) -> dict[str, float]:
        other = len(base.labels) - 1
        entities = Tallies()
        hits = predicted = true = 0
        for page, said in zip(self.pages, predictions, strict=True):
            truth, found = np.asarray(page.classes), np.asarray(said.classes)
            kept = truth != IGNORED
            hits += int(((truth == found) & (truth != other) & kept).sum())
            predicted += int(((found != other) & kept).sum())
            true += int(((truth != other) & kept).sum())
            add_entities(entities, page.classes, said.classes, base.labels)
        total = entities.total
        return {
            "word_f1": 2 * hits / max(1, predicted + true),
            "entity_f1": total.f1,
            "entity_precision": total.precision,
            "entity_recall": total.recall,
        }


def inputs_of(
    examples: Sequence[win.Example], base: Base, multiple_of: int, images: PageImages
) -> Mapping[str, Tensor]:
    """What a model and its loss take of a batch."""
    numbers = win.pad(examples, base.pages.pad, multiple_of)
    inputs = {
        "input_ids": torch.from_numpy(numbers.ids_BL),
        "attention_mask": torch.from_numpy(numbers.mask_BL),
        "bbox": torch.from_numpy(numbers.boxes_BL4),
        "labels": torch.from_numpy(numbers.labels_BL),
    }
    if base.model.takes_images:
        inputs["pixel_values"] = pixel_values([images[example.image] for example in examples], base)
    return inputs


def pixel_values(pixels: Sequence[NDArray[np.uint8]], base: Base) -> Tensor:
    """Page images as the model's family reads them."""
    return image_values(torch.from_numpy(np.stack(pixels)), base.kind)


def check_labels(labels: Sequence[str], expected: Sequence[str], name: str) -> None:
    """ConfigurationError where a part of the data has other labels."""
    if tuple(labels) != tuple(expected):
        raise ConfigurationError(
            f"{name} data has the labels {', '.join(labels)}, training data has {', '.join(expected)}"
        )


def _plain(architecture: Mapping[str, Any]) -> dict[str, Any]:
    """Without what may change between runs of one network."""
    return {name: value for name, value in architecture.items() if "dropout" not in name}
