"""Lifts a text encoder of BERT's shape (BERT, MiniLM, RoBERTa, XLM-RoBERTa) into a `LayoutEncoder`.

The weights are copied, not wrapped, so that one network, one export and one speed serve all of them.
"""

from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from recto.errors import ConfigurationError
from recto_training.encoders.layout import LayoutConfiguration, LayoutEncoder, LayoutLayer

FIRST_POSITIONS = {"bert": 0, "roberta": 2, "xlm-roberta": 2, "camembert": 2}
"""Model types that are known to have the shape, and the row of the position table that comes first."""
ACTIVATION = "gelu"


def lift(text: PreTrainedModel, *, dropout: float, distances: bool) -> LayoutEncoder:
    """The text model's weights with places added, which change nothing at first."""
    encoder = LayoutEncoder(_configuration(text.config, dropout=dropout, distances=distances))
    _copy_embeddings(text.get_submodule("embeddings"), encoder)
    for theirs, ours in zip(text.get_submodule("encoder.layer"), encoder.layers, strict=True):
        copy_layer(theirs, cast(LayoutLayer, ours))
    return encoder


def _configuration(config: Any, *, dropout: float, distances: bool) -> LayoutConfiguration:
    if config.model_type not in FIRST_POSITIONS:
        raise ConfigurationError(
            f"base model of type {config.model_type}: expected layoutlm, lilt, layoutlmv2, layoutlmv3, "
            f"{', '.join(FIRST_POSITIONS)} or a folder that this package wrote"
        )
    if config.hidden_act != ACTIVATION:
        raise ConfigurationError(f"base model with activation {config.hidden_act}: expected {ACTIVATION}")
    first = FIRST_POSITIONS[config.model_type]
    return LayoutConfiguration(
        vocabulary=config.vocab_size,
        width=config.hidden_size,
        heads=config.num_attention_heads,
        layers=config.num_hidden_layers,
        hidden=config.intermediate_size,
        positions=config.max_position_embeddings,
        first_position=first,
        norm_epsilon=config.layer_norm_eps,
        dropout=dropout,
        distances=distances,
    )


@torch.no_grad()
def _copy_embeddings(theirs: nn.Module, ours: LayoutEncoder) -> None:
    """Token and position vectors; the vector of the first segment joins each position."""
    first_type_D = _weight(theirs, "token_type_embeddings")[0]
    ours.token.weight.copy_(_weight(theirs, "word_embeddings"))
    ours.position.weight.copy_(_weight(theirs, "position_embeddings") + first_type_D)
    ours.norm.load_state_dict(theirs.get_submodule("LayerNorm").state_dict())


@torch.no_grad()
def copy_layer(theirs: nn.Module, ours: LayoutLayer) -> None:
    """One layer of BERT's names."""
    parts = [theirs.get_submodule(f"attention.self.{name}") for name in ("query", "key", "value")]
    ours.mix.weight.copy_(torch.cat([_weight(part) for part in parts]))
    ours.mix.bias.copy_(torch.cat([part.get_parameter("bias") for part in parts]))
    pairs = {
        "attention.output.dense": ours.out,
        "attention.output.LayerNorm": ours.norm_attention,
        "intermediate.dense": ours.up,
        "output.dense": ours.down,
        "output.LayerNorm": ours.norm_feed,
    }
    for name, module in pairs.items():
        module.load_state_dict(theirs.get_submodule(name).state_dict())


def _weight(module: nn.Module, name: str = "") -> Tensor:
    return module.get_submodule(name).get_parameter("weight")
