"""What a search for hyper-parameters may try: ranges and lists of values, as people write them.

Standard library and the library's errors only: the launcher of SageMaker's tuning jobs reads this file too.
"""

import math
import random
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from recto.errors import ConfigurationError

SCALES = ("Auto", "Linear", "Logarithmic", "ReverseLogarithmic")


class Range(NamedTuple):
    """What may be tried for one hyper-parameter: a pair of ends, or a list of values."""

    low: float = 0
    high: float = 0
    scale: str = "Auto"
    values: tuple[str, ...] = ()
    is_whole: bool = False

    def draw(self, chance: random.Random) -> str:
        """A value by chance, as text."""
        if self.values:
            return chance.choice(self.values)
        if self.is_whole:
            return str(chance.randint(int(self.low), int(self.high)))
        if self.scale == "Logarithmic":
            return f"{math.exp(chance.uniform(math.log(self.low), math.log(self.high))):.4g}"
        return f"{chance.uniform(self.low, self.high):.4g}"


DEFAULT_RANGES: Mapping[str, Range] = {
    "learning_rate": Range(1e-5, 1e-3, "Logarithmic"),
    "per_device_train_batch_size": Range(values=("2", "4", "6", "8")),
    "label_smoothing_factor": Range(values=("0", "1e-12", "1e-9", "1e-6")),
}
"""As existing users have searched, but for rates below 1e-5, which learn nothing here in a run's time."""


def parse_range(text: str) -> tuple[str, Range]:
    """`learning_rate=1e-5:1e-3:log`, `seed=1:9` or `batch=2,4,8`; ConfigurationError for anything else."""
    name, _, said = text.partition("=")
    ends = said.split(":")
    if not name or not said:
        raise ConfigurationError(f"range {text!r}: expected name=low:high, name=low:high:log or name=a,b,c")
    if len(ends) == 1:
        return name, Range(values=tuple(value for value in said.split(",") if value))
    try:
        low, high = float(ends[0]), float(ends[1])
    except ValueError:
        raise ConfigurationError(f"range {text!r}: expected two numbers, got {said!r}") from None
    scale = {"log": "Logarithmic", "linear": "Linear"}.get(ends[2], ends[2]) if len(ends) > 2 else "Auto"
    if low >= high or scale not in SCALES or (scale == "Logarithmic" and low <= 0):
        raise ConfigurationError(
            f"range {text!r}: expected low below high, a positive low for log, and log or linear as scale"
        )
    return name, Range(low, high, scale, is_whole=all(end.lstrip("-").isdigit() for end in ends[:2]))


def ranges_of(texts: Sequence[str]) -> dict[str, Range]:
    """The ranges that were said, or the usual ones."""
    return dict(map(parse_range, texts)) or dict(DEFAULT_RANGES)
