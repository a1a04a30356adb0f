"""Training runs, each a function that returns the whole configuration. Flags choose one, they change none."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from recto_training.noise import NoiseLevels


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what a run makes."""

    name: str
    seed: int = 20261121
    num_documents: int = 5600
    """Synthetic agreements for training."""
    num_validation: int = 30
    vocabulary_size: int = 3500
    max_tokens: int = 192
    stride: int = 48
    noise: NoiseLevels = field(default_factory=lambda: NoiseLevels(renamed=0.25, reworded=0.1, smeared=0.6))
    empty_windows: float = 0.2
    """Share kept of the windows without any field."""
    width: int = 192
    heads: int = 6
    layers: int = 4
    hidden: int = 512
    dropout: float = 0.0
    """Hardly any window is met twice, so that none is learnt by heart."""
    batch_size: int = 16
    steps: int = 2600
    learning_rate: float = 1.5e-3
    warm_up: int = 60
    weight_decay: float = 0.02
    label_smoothing: float = 0.02
    evaluate_every: int = 200
    threads: int = 2
    bfloat16: bool = True
    """Multiply in half precision where the processor does so natively."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def demo() -> Recipe:
    """The release that Recto ships: at most 15 minutes on two cores."""
    return Recipe("demo")


def tiny() -> Recipe:
    """Trains, resumes and predicts in seconds; learns next to nothing."""
    return replace(
        demo(),
        name="tiny",
        num_documents=12,
        num_validation=3,
        vocabulary_size=400,
        max_tokens=64,
        stride=16,
        width=32,
        heads=2,
        layers=1,
        hidden=48,
        batch_size=4,
        steps=12,
        warm_up=2,
        evaluate_every=4,
        threads=1,
        bfloat16=False,
    )


RECIPES = {"demo": demo, "tiny": tiny}
