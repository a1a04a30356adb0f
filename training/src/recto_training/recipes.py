"""Runs on synthetic agreements, each a function that returns the whole configuration: what Recto ships.

Flags choose one, they change none. Runs over labelled documents are in `word_recipes`.
"""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from recto_training.noise import NoiseLevels
from recto_training.synthetic.families import SEEN_FAMILIES
from recto_training.word_recipes import WordRecipe

FIRST_FAMILIES = (
    "booklet", "grid", "leaders", "letter", "numbered_terms", "schumer", "tiles", "two_columns",
)  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what a run makes."""

    name: str
    seed: int = 20261121
    after: "Recipe | None" = None
    """The run whose tokenizer and best network this one goes on from; trained first where it is missing."""
    kept: float = 0.0
    """Weight of that network in the release."""
    tolerant: bool = False
    """Train with the tokenizer that every release ships: near misses of frequent words are the words."""
    num_documents: int = 4400
    """Synthetic agreements for training."""
    families: tuple[str, ...] = FIRST_FAMILIES
    """Layouts of these agreements; one that is named more often is drawn more often."""
    num_validation: int = 30
    vocabulary_size: int = 3500
    max_tokens: int = 192
    stride: int = 48
    noise: NoiseLevels = field(default_factory=lambda: NoiseLevels(renamed=0.25, reworded=0.1))
    empty_windows: float = 0.2
    """Share kept of the windows without any field."""
    width: int = 192
    heads: int = 6
    layers: int = 3
    hidden: int = 512
    dropout: float = 0.05
    batch_size: int = 16
    steps: int = 2400
    learning_rate: float = 1.5e-3
    warm_up: int = 60
    cool_down: int = 0
    """Steps at the end over which the rate falls in a line; where 0, it falls in half a wave all along."""
    weight_decay: float = 0.02
    label_smoothing: float = 0.02
    evaluate_every: int = 200
    threads: int = 2
    bfloat16: bool = True
    """Multiply in half precision where the processor does so natively."""

    @property
    def root(self) -> "Recipe":
        """The run that began from nothing; it made the tokenizer."""
        return self if self.after is None else self.after.root

    def training(self) -> WordRecipe:
        """The settings of the training loop."""
        return WordRecipe(
            name=self.name,
            seed=self.seed,
            max_steps=self.steps,
            per_device_train_batch_size=self.batch_size,
            per_device_eval_batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            fresh_learning_rate_factor=1.0,
            lr_scheduler_type="warmup_stable_decay" if self.cool_down else "cosine",
            min_lr_ratio=0.02,
            warmup_steps=self.warm_up,
            cool_down_steps=self.cool_down,
            weight_decay=self.weight_decay,
            label_smoothing_factor=self.label_smoothing,
            bf16=self.bfloat16,
            eval_strategy="steps",
            eval_steps=self.evaluate_every,
            pad_to_multiple_of=32,
            max_seq_length=self.max_tokens,
            stride=self.stride,
            dropout=self.dropout,
            threads=self.threads,
        )

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def first() -> Recipe:
    """Pages as a good OCR reads them, in eight layouts."""
    return Recipe("first")


def demo() -> Recipe:
    """The release that Recto ships: goes on with misread characters, mostly in layouts drawn by chance."""
    return replace(
        first(),
        name="demo",
        after=first(),
        kept=0.3,
        tolerant=True,
        seed=20261123,
        num_documents=4000,
        families=(*SEEN_FAMILIES, *["varied"] * 14),
        noise=NoiseLevels(renamed=0.25, reworded=0.1, smeared=0.65),
        dropout=0.0,
        steps=1400,
        learning_rate=1e-3,
        cool_down=1200,
    )


def tiny() -> Recipe:
    """Trains, resumes and predicts in seconds; learns next to nothing."""
    small = replace(
        first(),
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
    return replace(
        small, after=replace(small, name="tiny first"), kept=0.5, tolerant=True, seed=small.seed + 1
    )


RECIPES = {"demo": demo, "tiny": tiny}
