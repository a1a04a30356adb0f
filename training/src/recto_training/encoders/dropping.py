"""Dropout that costs little on a CPU: one random byte decides, eight bytes come from each drawn number.

`torch.nn.Dropout` draws a number for each entry, which takes most of a training step of a small encoder on a
CPU. The share is kept to 1/256.
"""

import torch
from torch import Tensor, nn

BYTES = 8
"""Bytes of the numbers that are drawn."""


class Dropout(nn.Module):
    """Zeroes entries with probability `share` in training and scales the others up; else does nothing."""

    def __init__(self, share: float) -> None:
        super().__init__()
        if not 0 <= share < 1:
            raise ValueError(f"dropout {share}: expected 0 up to, not including, 1")
        self.share = share

    def forward(self, states: Tensor) -> Tensor:
        limit = round(self.share * 256)
        if not self.training or not limit:
            return states
        kept = random_bytes(states) >= limit
        return states * kept.to(states.dtype).mul_(256 / (256 - limit))


def random_bytes(like: Tensor) -> Tensor:
    """Independent bytes, 0 to 255 equally often, in the shape and on the device of a tensor."""
    number = like.numel()
    drawn = torch.empty(-(-number // BYTES), dtype=torch.int64, device=like.device)
    drawn.random_(torch.iinfo(torch.int64).min, None)
    return drawn.view(torch.uint8)[:number].view(like.shape)
