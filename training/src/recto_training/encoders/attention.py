"""Attention between entries of any width: one sum, done in the way that is fastest where it is done.

Training multiplies plainly (torch's flash attention is slow backwards on a CPU). Prediction with torch uses
flash attention, which also keeps its sums in float32. An export becomes one operator of ONNX Runtime's,
MultiHeadAttention, whose flash attention knows no mask: there the mask is one more entry of each key.
Source of the operator: https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md

Shapes: B windows, L tokens, H heads, E entries of queries and keys, d of values, D = H d.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional


def attend(
    query_parts_BLHE: Sequence[Tensor],
    key_parts_BLHE: Sequence[Tensor],
    value_BLHd: Tensor,
    mask_B11L: Tensor | None,
    *,
    training: bool,
) -> Tensor:
    """What each token takes from the others, [B, L, D]; queries are scaled, parts stand side by side.

    The mask is added to the scores; None means that no token is hidden.
    """
    query_parts, key_parts = list(query_parts_BLHE), list(key_parts_BLHE)
    with torch.autocast(value_BLHd.device.type, enabled=False):  # it would take softmax to float32
        if torch.onnx.is_in_onnx_export():
            return _exported(query_parts, key_parts, value_BLHd, mask_B11L)
        query_BHLE, key_BHLE = (_joined(parts).transpose(1, 2) for parts in (query_parts, key_parts))
        mask_B11L = None if mask_B11L is None else mask_B11L.to(query_BHLE.dtype)
        way = _plain if training else _flash
        mixed_BHLd = way(query_BHLE, key_BHLE, value_BLHd.transpose(1, 2), mask_B11L)
        return mixed_BHLd.transpose(1, 2).flatten(2)


def _joined(parts: Sequence[Tensor]) -> Tensor:
    return torch.cat(list(parts), -1) if len(parts) > 1 else parts[0]


def _plain(query_BHLE: Tensor, key_BHLE: Tensor, value_BHLd: Tensor, mask_B11L: Tensor | None) -> Tensor:
    scores_BHLL = query_BHLE @ key_BHLE.transpose(-1, -2)
    if mask_B11L is not None:
        scores_BHLL = scores_BHLL + mask_B11L
    return scores_BHLL.softmax(-1) @ value_BHLd


def _flash(query_BHLE: Tensor, key_BHLE: Tensor, value_BHLd: Tensor, mask_B11L: Tensor | None) -> Tensor:
    """Values are made as wide as queries: torch falls back to slow ways where they differ."""
    width = value_BHLd.shape[-1]
    wide_BHLE = functional.pad(value_BHLd, (0, query_BHLE.shape[-1] - width))
    mixed_BHLE = functional.scaled_dot_product_attention(
        query_BHLE, key_BHLE, wide_BHLE, mask_B11L, scale=1.0
    )
    return mixed_BHLE[..., :width]


def _exported(
    query_parts: list[Tensor], key_parts: list[Tensor], value_BLHd: Tensor, mask_B11L: Tensor | None
) -> Tensor:
    if mask_B11L is not None:
        one_BLH1 = torch.ones_like(query_parts[0][..., :1])
        query_parts = [*query_parts, one_BLH1]
        key_parts = [*key_parts, one_BLH1 * mask_B11L.permute(0, 3, 1, 2)]
    value_BLD = value_BLHd.flatten(2)
    inputs = (_joined(query_parts).flatten(2), _joined(key_parts).flatten(2), value_BLD)
    mixed_BLD: Tensor = torch.onnx.ops.symbolic(
        "com.microsoft::MultiHeadAttention",
        inputs,
        {"num_heads": value_BLHd.shape[2], "scale": 1.0},
        dtype=value_BLD.dtype,
        shape=value_BLD.shape,
        version=1,
    )
    return mixed_BLD
