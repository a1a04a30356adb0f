"""A trained model that reads pages in this process, with torch: what evaluation and endpoints run.

Shapes: B windows, L tokens, K classes.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from recto.document import Page, PagePredictions
from recto.inference import Batch, BatchLimits, PageEncoder, Picture, Verdict, classify_pages
from recto_training.encoders import stored
from recto_training.encoders.model import Base
from recto_training.hardware import Hardware, find_hardware
from recto_training.images import grey
from recto_training.words import pixel_values

LIMITS = BatchLimits(multiple_of=8)


class TrainedModel:
    """The model of a folder."""

    def __init__(self, base: Base, hardware: Hardware, limits: BatchLimits = LIMITS) -> None:
        self.base, self._hardware, self._limits = base, hardware, limits
        self._model = base.model.to(hardware.device).eval()

    @property
    def labels(self) -> tuple[str, ...]:
        """By class id; the last means 'no field'."""
        return self.base.labels

    @property
    def encoder(self) -> PageEncoder:
        """What cuts pages into windows."""
        return self.base.pages

    @property
    def network(self) -> nn.Module:
        """input_ids, attention_mask, bbox and perhaps pixel_values to logits."""
        return self._model

    @property
    def wants_pictures(self) -> bool:
        """Whether the model looks at pages; pages without a picture are grey to it."""
        return self.base.model.takes_images

    def predict(self, page: Page, image: Picture = None) -> PagePredictions:
        """Class, probability and agreement of every word of the page."""
        return next(self.verdicts([(page, image)])).predictions

    def predict_pages(self, pages: Iterable[Page]) -> Iterator[PagePredictions]:
        """The same for page after page, windows of many pages together."""
        return (verdict.predictions for verdict in self.verdicts((page, None) for page in pages))

    def verdicts(self, pages: Iterable[tuple[Page, Picture]]) -> Iterator[Verdict]:
        """The same with the probabilities of all classes; pictures are red, green, blue [224, 224, 3]."""
        return classify_pages(pages, self.base.pages, self.forward, len(self.labels), self._limits)

    @torch.inference_mode()
    def forward(self, batch: Batch, pictures: Sequence[Picture]) -> NDArray[np.float32]:
        """Logits [B, L, K] of a batch, each window with its page's picture."""
        inputs = {
            "input_ids": torch.from_numpy(batch.input_ids_BL),
            "attention_mask": torch.from_numpy(batch.attention_mask_BL),
            "bbox": torch.from_numpy(batch.boxes_BL4),
        }
        if self.wants_pictures:
            pixels = [grey() if picture is None else picture for picture in pictures]
            inputs["pixel_values"] = pixel_values(pixels, self.base)
        with self._hardware.precision():
            logits_BLK = self._model(**self._hardware.moved(inputs))
        numbers: NDArray[np.float32] = logits_BLK.float().cpu().numpy()
        return numbers


def load_model(
    folder: Path, *, half: bool = True, threads: int = 0, limits: BatchLimits = LIMITS
) -> TrainedModel:
    """The model of a folder, on the GPU where there is one; ConfigurationError for a folder without one.

    `half`: multiply in bfloat16 where the hardware does so natively.
    """
    with find_hardware(half, threads) as hardware:
        return TrainedModel(stored.read_model(folder), hardware, limits)
