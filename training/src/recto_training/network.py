"""A small encoder that reads words where they stand on a page, trained from scratch.

Tokens, their place on the page as smooth features, and attention that sees how far apart two tokens
are in the text, across and down the page. Exports to ONNX with free batch and length.

Shapes: B windows, L tokens, D width, H heads, K classes, F features of a place.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from recto_training.encoders.dropping import Dropout
from recto_training.encoders.model import WordModel

GRID = 1000
PHRASE = 5
"""Tokens that are read together before any attention."""
NEARNESS = ((2.0, 1.0, 0.0, 0.0, 0.0, 0.3), (0.0, 0.0, 0.0, 0.5, 2.0, 0.0), (0.0, 0.0, 2.0, 2.0, 0.5, 0.0))
"""How steeply attention falls with distance at first: in text, across, down; by head."""
TOKEN_DEVIATION = 0.2
"""Of the token vectors at the start: as large as what a place adds, else the network sees only places."""


@dataclass(frozen=True)
class NetworkConfiguration:
    """Size of the network."""

    vocabulary: int
    unknown_id: int
    """Number of the token that stands for hidden words."""
    width: int = 192
    heads: int = 6
    layers: int = 4
    hidden: int = 512
    frequencies: int = 8
    """Sines and cosines for each side of a box."""
    buckets: int = 32
    """Classes of distance between two tokens, in each of the three directions."""
    dropout: float = 0.05
    word_dropout: float = 0.06
    """Share of tokens that are hidden in training, so that no single word decides."""


def make_network(config: NetworkConfiguration, num_classes: int) -> WordModel:
    """The untrained word model: input_ids, attention_mask, bbox -> logits [B, L, K]."""
    return WordModel(SmallEncoder(config), num_classes)


class SmallEncoder(nn.Module):
    """input_ids [B, L], attention_mask [B, L], bbox [B, L, 4] on the 0-1000 grid -> states [B, L, D]."""

    takes_images = False

    def __init__(self, config: NetworkConfiguration) -> None:
        super().__init__()
        self.config = config
        self.width = config.width
        self.token = nn.Embedding(config.vocabulary, config.width)
        self.place = nn.Linear(12 * config.frequencies, config.width)
        self.near = nn.ModuleList(nn.Embedding(config.buckets * 2 + 1, config.heads) for _ in range(3))
        self.norm = nn.LayerNorm(config.width)
        self.phrase = nn.Conv1d(config.width, config.width, PHRASE, padding=PHRASE // 2)
        self.norm_phrase = nn.LayerNorm(config.width)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.dropout = Dropout(config.dropout)
        self.apply(_initialise)
        nn.init.normal_(self.token.weight, std=TOKEN_DEVIATION)
        self._prefer_neighbours()

    @property
    def token_table(self) -> nn.Embedding:
        """The vectors of the vocabulary."""
        return self.token

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, bbox: Tensor, _: Tensor | None = None
    ) -> Tensor:
        if self.training and self.config.word_dropout:
            hidden_BL = torch.rand(input_ids.shape, device=input_ids.device) < self.config.word_dropout
            input_ids = input_ids.masked_fill(hidden_BL, self.config.unknown_id)
        boxes_BL4 = bbox.float() / GRID
        states_BLD = self.token(input_ids) + self.place(self._place_features(boxes_BL4))
        states_BLD = self.dropout(self.norm(states_BLD))
        states_BLD = states_BLD + self._phrases(states_BLD, attention_mask)
        bias_BHLL = self._bias(attention_mask, boxes_BL4)
        for layer in self.layers:
            states_BLD = layer(states_BLD, bias_BHLL)
        return states_BLD

    def _phrases(self, states_BLD: Tensor, attention_mask: Tensor) -> Tensor:
        """What each token says together with its neighbours in the text; padding is no neighbour."""
        real_BLD = states_BLD * attention_mask.unsqueeze(-1).to(states_BLD.dtype)
        phrases_BLD = self.phrase(real_BLD.transpose(1, 2)).transpose(1, 2)
        spoken_BLD: Tensor = functional.gelu(self.norm_phrase(phrases_BLD))
        return spoken_BLD

    @torch.no_grad()
    def _prefer_neighbours(self) -> None:
        """Let attention begin near: some heads in the text, some in the row, some in the column."""
        buckets = self.config.buckets
        apart = (torch.arange(2 * buckets + 1) - buckets).abs() * (math.log(1 + 256) / buckets)
        for near, slopes in zip(self.near, NEARNESS, strict=True):
            for head in range(self.config.heads):
                near.weight[:, head] -= slopes[head % len(slopes)] * apart

    def _place_features(self, boxes_BL4: Tensor) -> Tensor:
        """Sides, width and height as waves of rising frequency."""
        width = boxes_BL4[..., 2:3] - boxes_BL4[..., 0:1]
        height = boxes_BL4[..., 3:4] - boxes_BL4[..., 1:2]
        values = torch.cat([boxes_BL4, width, height], -1)
        steps = 2.0 ** torch.arange(self.config.frequencies, device=values.device) * (math.pi / 2)
        angles = (values.unsqueeze(-1) * steps).flatten(-2)
        return torch.cat([angles.sin(), angles.cos()], -1)

    def _bias(self, attention_mask: Tensor, boxes_BL4: Tensor) -> Tensor:
        """What attention adds for the distance in text, across and down; masked tokens get none of it."""
        rank_L = torch.arange(boxes_BL4.shape[1], device=boxes_BL4.device).float()
        x_BL = boxes_BL4[..., 0] * 100
        y_BL = (boxes_BL4[..., 1] + boxes_BL4[..., 3]) * 100
        bias = self.near[0](self._bucket(rank_L[None, :, None] - rank_L[None, None, :]))
        bias = bias + self._preference(1, x_BL[:, :, None] - x_BL[:, None, :])
        bias = bias + self._preference(2, y_BL[:, :, None] - y_BL[:, None, :])
        masked_BL = (1.0 - attention_mask.float()) * -10000.0
        return bias.permute(0, 3, 1, 2) + masked_BL[:, None, None, :]

    def _preference(self, direction: int, distance_BLL: Tensor) -> Tensor:
        """What attention adds for a distance; a quarter of a batch is enough to learn it, and costs less."""
        buckets_BLL, near = self._bucket(distance_BLL), self.near[direction]
        if not self.training:
            preference: Tensor = near(buckets_BLL)
            return preference
        few = math.ceil(len(buckets_BLL) / 4)
        return torch.cat([near(buckets_BLL[:few]), near(buckets_BLL[few:]).detach()])

    def _bucket(self, distance: Tensor) -> Tensor:
        """Signed distance to a class: fine when near, coarse when far."""
        buckets = self.config.buckets
        size = torch.log1p(distance.abs()) * (buckets / math.log(1 + 256))
        near = torch.round(size).clamp(max=buckets)
        return (torch.sign(distance) * near).long() + buckets


class Layer(nn.Module):
    """Attention and a feed-forward part, each after a norm."""

    def __init__(self, config: NetworkConfiguration) -> None:
        super().__init__()
        self.heads = config.heads
        self.norm_attention = nn.LayerNorm(config.width)
        self.mix = nn.Linear(config.width, 3 * config.width)
        self.out = nn.Linear(config.width, config.width)
        self.norm_feed = nn.LayerNorm(config.width)
        self.up = nn.Linear(config.width, config.hidden)
        self.down = nn.Linear(config.hidden, config.width)
        self.dropout = Dropout(config.dropout)

    def forward(self, states_BLD: Tensor, bias_BHLL: Tensor) -> Tensor:
        states_BLD = states_BLD + self.dropout(self._attend(self.norm_attention(states_BLD), bias_BHLL))
        fed_BLD: Tensor = self.down(functional.gelu(self.up(self.norm_feed(states_BLD))))
        return states_BLD + fed_BLD

    def _attend(self, states_BLD: Tensor, bias_BHLL: Tensor) -> Tensor:
        batch, length, width = states_BLD.shape
        parts = self.mix(states_BLD).view(batch, length, 3, self.heads, width // self.heads)
        query_BHLd, key_BHLd, value_BHLd = parts.permute(2, 0, 3, 1, 4).unbind(0)
        scores_BHLL = (query_BHLd / math.sqrt(width // self.heads)) @ key_BHLd.transpose(-1, -2)
        weights_BHLL = (scores_BHLL + bias_BHLL).softmax(-1)
        mixed_BLD = (weights_BHLL @ value_BHLd).transpose(1, 2).reshape(batch, length, width)
        attended_BLD: Tensor = self.out(mixed_BLD)
        return attended_BLD


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)
