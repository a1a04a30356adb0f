"""A word model: an encoder with a class for each token. Not its training, not its files.

Shapes: B windows, L tokens, D width, K classes.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

from torch import Tensor, nn

from recto.inference import PageEncoder
from recto.release import SpecialTokens, WindowSettings


class Encoder(Protocol):
    """What every encoder offers."""

    width: int
    takes_images: bool

    @property
    def token_table(self) -> nn.Embedding: ...

    def __call__(
        self, input_ids: Tensor, attention_mask: Tensor, bbox: Tensor, pixel_values: Tensor | None = None
    ) -> Tensor: ...


class WordModel(nn.Module):
    """input_ids [B, L], attention_mask [B, L], bbox [B, L, 4], images -> logits [B, L, K]."""

    def __init__(self, encoder: nn.Module, num_classes: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.classify = nn.Linear(int(encoder.width), num_classes)
        nn.init.normal_(self.classify.weight, std=0.02)
        nn.init.zeros_(self.classify.bias)

    @property
    def takes_images(self) -> bool:
        return bool(self.encoder.takes_images)

    @property
    def num_classes(self) -> int:
        return self.classify.out_features

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, bbox: Tensor, pixel_values: Tensor | None = None
    ) -> Tensor:
        states_BLD = self.encoder(input_ids, attention_mask, bbox, pixel_values)
        logits_BLK: Tensor = self.classify(states_BLD)
        return logits_BLK


class Reading(NamedTuple):
    """How pages become tokens for a model: kept in the model folder and in a release."""

    tokenizer: str
    """Text of tokenizer.json."""
    special: SpecialTokens
    windows: WindowSettings


class Base(NamedTuple):
    """A network ready to be trained, and how it reads pages."""

    model: WordModel
    pages: PageEncoder
    reading: Reading
    labels: tuple[str, ...]
    kind: str
    """`layout`, `words` or a family of transformers."""
    architecture: dict[str, Any]
    """What the network is made from again, without weights."""
    hidden_id: int
    """Number of the token that stands for a hidden word."""


FRESH = re.compile(r"(^|\.)(classify|place|prefer|near|phrase|norm_phrase|predict\w*)\.")
"""Parameters that no pre-trained text model brings: they learn faster than the rest."""
LAYER = re.compile(r"\.(?:layers?|layer)\.(\d+)\.")


def depth_of(name: str, num_layers: int) -> int:
    """0 for embeddings, 1 upwards for layers, one past the last layer for what follows."""
    found = LAYER.search(name)
    if found:
        return int(found.group(1)) + 1
    return 0 if re.search(r"embed|\.token\.|\.position\.|encoder\.norm\.", name) else num_layers + 1


def num_layers(model: nn.Module) -> int:
    """How many layers the names of a model's parameters tell of."""
    found = (LAYER.search(name) for name, _ in model.named_parameters())
    return 1 + max((int(match.group(1)) for match in found if match), default=0)


def parameter_groups(
    model: nn.Module, *, rate: float, fresh_factor: float, layer_decay: float, weight_decay: float
) -> Iterator[dict[str, Any]]:
    """AdamW's groups: lower rates for lower layers, higher ones for parts without pre-training.

    `layer_decay` below 1 lowers the rate by that factor from layer to layer downwards; biases and norms
    are not decayed.
    """
    deepest = num_layers(model) + 1
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        scale = fresh_factor if FRESH.search(name) else layer_decay ** (deepest - depth_of(name, deepest - 1))
        decay = weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((scale, decay), []).append(parameter)
    for (scale, decay), parameters in groups.items():
        yield {"params": parameters, "lr": rate * scale, "scale": scale, "weight_decay": decay}
