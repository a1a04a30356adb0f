"""An encoder of BERT's shape that also knows where each word stands. Weights of BERT's kind fit into it.

A token's place is added to its vector as smooth waves, and attention prefers distances: each head learns
how much a word to the right, or two lines above, concerns it. Both begin at zero, so a network that was
lifted from a text model begins as that text model.

The preference for distances needs no L x L table: a sum of cosines of x_i - x_j is a product of cosines and
sines of x_i and x_j, so it is added as a few more entries to each query and key (random features the other
way round; Vaswani et al. 2017 use the same identity for positions in text).

Shapes: B windows, L tokens, D width, H heads, d width of a head, F waves, E added entries.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from recto_training.encoders.attention import attend
from recto_training.encoders.dropping import Dropout

GRID = 1000
WAVES_DOWN, WAVES_ACROSS, WAVES_ALONG = (24.0, 3000.0, 6), (40.0, 3000.0, 5), (5.0, 700.0, 5)
"""Shortest and longest wave of the preference for distances, how many: on the page's grid, and in tokens."""
NUM_WAVES = WAVES_DOWN[2] + WAVES_ACROSS[2] + WAVES_ALONG[2]


@dataclass(frozen=True)
class LayoutConfiguration:
    """Size and kind of the network."""

    vocabulary: int
    width: int = 384
    heads: int = 12
    layers: int = 6
    hidden: int = 1536
    positions: int = 512
    """Longest window, special tokens included."""
    first_position: int = 0
    """Row of the position table for the first token: RoBERTa begins at 2."""
    norm_epsilon: float = 1e-12
    frequencies: int = 8
    """Waves for each side of a box."""
    distances: bool = True
    """Whether attention prefers distances."""
    dropout: float = 0.1

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is no multiple of {self.heads} heads")


class LayoutEncoder(nn.Module):
    """input_ids [B, L], attention_mask [B, L], bbox [B, L, 4] on the 0-1000 grid -> states [B, L, D]."""

    takes_images = False

    def __init__(self, config: LayoutConfiguration) -> None:
        super().__init__()
        self.config = config
        self.width = config.width
        self.token = nn.Embedding(config.vocabulary, config.width)
        self.position = nn.Embedding(config.positions, config.width)
        self.place = nn.Linear(12 * config.frequencies, config.width)
        self.norm = nn.LayerNorm(config.width, eps=config.norm_epsilon)
        self.dropout = Dropout(config.dropout)
        self.layers = nn.ModuleList(LayoutLayer(config) for _ in range(config.layers))
        self.apply(_initialise)
        self.begin_as_text_model()

    @torch.no_grad()
    def begin_as_text_model(self) -> None:
        """Forget all about places, so that the network says what its text weights say."""
        nn.init.zeros_(self.place.weight)
        nn.init.zeros_(self.place.bias)
        for layer in self.layers:
            if isinstance(layer, LayoutLayer) and layer.prefer is not None:
                nn.init.zeros_(layer.prefer.weight)
                nn.init.zeros_(layer.prefer.bias)

    @property
    def token_table(self) -> nn.Embedding:
        """The vectors of the vocabulary."""
        return self.token

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, bbox: Tensor, _: Tensor | None = None
    ) -> Tensor:
        boxes_BL4 = bbox.float() / GRID
        ranks_L = torch.arange(input_ids.shape[1], device=input_ids.device) + self.config.first_position
        states_BLD = self.token(input_ids) + self.position(ranks_L) + self.place(self._waves(boxes_BL4))
        states_BLD = self.dropout(self.norm(states_BLD))
        mask_B11L = self._mask(attention_mask)
        turns_BLE = self._turns(boxes_BL4) if self.config.distances else None
        for layer in self.layers:
            states_BLD = layer(states_BLD, mask_B11L, turns_BLE)
        return states_BLD

    def _mask(self, attention_mask: Tensor) -> Tensor | None:
        """What is added to hide padding; None where there is none, which saves prediction a pass."""
        looks = not self.training and not torch.compiler.is_exporting()
        if looks and bool(attention_mask.all()):
            return None
        return ((1.0 - attention_mask.float()) * -10000.0)[:, None, None, :]

    def _waves(self, boxes_BL4: Tensor) -> Tensor:
        """Sides, width and height of boxes as waves of rising frequency."""
        width = boxes_BL4[..., 2:3] - boxes_BL4[..., 0:1]
        height = boxes_BL4[..., 3:4] - boxes_BL4[..., 1:2]
        values = torch.cat([boxes_BL4, width, height], -1)
        steps = 2.0 ** torch.arange(self.config.frequencies, device=values.device) * (math.pi / 2)
        angles = (values.unsqueeze(-1) * steps).flatten(-2)
        return torch.cat([angles.sin(), angles.cos()], -1)

    def _turns(self, boxes_BL4: Tensor) -> Tensor:
        """Cosines, then sines, of middle height, left edge and rank, for the preference of distances."""
        down_BL, across_BL = (boxes_BL4[..., 1] + boxes_BL4[..., 3]) * (GRID / 2), boxes_BL4[..., 0] * GRID
        ranks_BL = torch.arange(boxes_BL4.shape[1], device=boxes_BL4.device).expand_as(down_BL)
        pairs = ((down_BL, WAVES_DOWN), (across_BL, WAVES_ACROSS), (ranks_BL, WAVES_ALONG))
        angles = torch.cat([places.unsqueeze(-1) * _steps(*waves, places) for places, waves in pairs], -1)
        return torch.cat([angles.cos(), angles.sin()], -1)


def _steps(shortest: float, longest: float, number: int, like: Tensor) -> Tensor:
    """Radians for each unit of place, of waves whose lengths grow by one factor."""
    exponents = torch.arange(number, device=like.device) / (number - 1)
    return 2 * math.pi / (shortest * (longest / shortest) ** exponents)


class LayoutLayer(nn.Module):
    """Attention and a feed-forward part, each before a norm, as BERT has them."""

    def __init__(self, config: LayoutConfiguration) -> None:
        super().__init__()
        self.heads = config.heads
        self.mix = nn.Linear(config.width, 3 * config.width)
        self.out = nn.Linear(config.width, config.width)
        self.norm_attention = nn.LayerNorm(config.width, eps=config.norm_epsilon)
        self.up = nn.Linear(config.width, config.hidden)
        self.down = nn.Linear(config.hidden, config.width)
        self.norm_feed = nn.LayerNorm(config.width, eps=config.norm_epsilon)
        self.dropout = Dropout(config.dropout)
        self.prefer = nn.Linear(config.width, config.heads * 2 * NUM_WAVES) if config.distances else None

    def forward(self, states_BLD: Tensor, mask_B11L: Tensor | None, turns_BLE: Tensor | None) -> Tensor:
        attended_BLD = self.dropout(self._attend(states_BLD, mask_B11L, turns_BLE))
        states_BLD = self.norm_attention(states_BLD + attended_BLD)
        fed_BLD = self.down(functional.gelu(self.up(states_BLD)))
        normed_BLD: Tensor = self.norm_feed(states_BLD + self.dropout(fed_BLD))
        return normed_BLD

    def _attend(self, states_BLD: Tensor, mask_B11L: Tensor | None, turns_BLE: Tensor | None) -> Tensor:
        batch, length, width = states_BLD.shape
        parts = self.mix(states_BLD).view(batch, length, 3, self.heads, width // self.heads)
        query_BLHd, key_BLHd, value_BLHd = parts.unbind(2)
        queries, keys = [query_BLHd / math.sqrt(width // self.heads)], [key_BLHd]
        if self.prefer is not None and turns_BLE is not None:
            queries.append(self._wanted(self.prefer(states_BLD), turns_BLE).to(query_BLHd.dtype))
            keys.append(turns_BLE.to(key_BLHd.dtype)[:, :, None].expand(-1, -1, self.heads, -1))
        mixed_BLD = attend(queries, keys, value_BLHd, mask_B11L, training=self.training)
        attended_BLD: Tensor = self.out(mixed_BLD)
        return attended_BLD

    def _wanted(self, weights_BLE: Tensor, turns_BLE: Tensor) -> Tensor:
        """What each token looks for, by head: weights of the waves, turned to where the token stands.

        With weights a and b of a wave, a cos(x_i - x_j) + b sin(x_i - x_j) is
        (a cos x_i + b sin x_i) cos x_j + (a sin x_i - b cos x_i) sin x_j.
        """
        batch, length, added = turns_BLE.shape
        weights = weights_BLE.view(batch, length, self.heads, 2, added // 2)
        even, odd = weights.unbind(3)
        cosines, sines = (part.unsqueeze(2).to(even.dtype) for part in turns_BLE.chunk(2, -1))
        return torch.cat([even * cosines + odd * sines, even * sines - odd * cosines], -1)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)
