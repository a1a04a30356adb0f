"""Training runs over labelled documents, each a function that returns the whole configuration.

Flags choose one and may override single values; names are those that SageMaker jobs of the reference use,
where the value still means something.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from recto.errors import ConfigurationError
from recto_training.loop import Training


@dataclass(frozen=True)
class WordRecipe(Training):
    """Everything that decides what a run over labelled documents makes."""

    model_name_or_path: str = ""
    """Base model: hub name or folder; empty for an untrained small network."""
    tokenizer_name: str = ""
    """Where the base's own tokenizer is not to be used."""
    model_revision: str = "main"
    cache_dir: str = ""
    ignore_mismatched_labels: bool = False
    """Take only the encoder of a base that was trained on other labels."""
    max_seq_length: int = 512
    stride: int = 128
    """Tokens that a window repeats of the one before, at most."""
    dropout: float = 0.1
    distances: bool = True
    """Whether attention of a lifted model prefers distances."""
    label_smoothing_factor: float = 0.0
    only_label_first_subword: bool = False
    other_weight: float = 1.0
    """Weight of words of no field in the loss."""
    empty_windows: float = 1.0
    """Share kept of the training windows without any field."""
    moved_pages: float = 0.0
    """Largest shift of a training page, as a share of it."""
    hidden_words: float = 0.0
    """Share of training words whose text is hidden."""
    moved_copies: int = 0
    """How many changed copies of each training document are added; the next three say how they differ."""
    copy_jitter: float = 0.1
    """By how much each side of a word is shaken, in heights of the word."""
    copy_drop: float = 0.03
    """Share of words that are lost."""
    copy_line_order: float = 0.25
    """Share of pages whose lines come in another order."""
    width: int = 192
    """This and the next three: size of an untrained network."""
    heads: int = 6
    layers: int = 4
    hidden: int = 512
    vocabulary_size: int = 4000

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.stride < self.max_seq_length - 2:
            raise ConfigurationError(
                f"stride {self.stride}: expected 0 up to max_seq_length less 3 ({self.max_seq_length - 3})"
            )


@dataclass(frozen=True)
class PretrainingRecipe(WordRecipe):
    """The same for pages without labels."""

    mlm_probability: float = 0.15
    """Share of words that are masked."""
    place_probability: float = 0.0
    """Share of other words whose place is hidden: none unless asked for, since fields were found no better
    with it (benchmarks/pretraining.py, LOG.md)."""
    cells: int = 8
    """A place is told as one of so many columns and as many rows."""
    tiam_probability: float = 0.15
    """Share of lines that are blacked in images, for models that look at them."""
    tim_probability: float = 0.2
    """Share of pages that get another's image."""


def small() -> WordRecipe:
    """A base model like MiniLM on a laptop's CPU: some hundred labelled pages, a quarter of an hour."""
    return WordRecipe(
        name="small",
        num_train_epochs=24,
        learning_rate=1.5e-4,
        fresh_learning_rate_factor=6.0,
        layer_decay=0.9,
        per_device_train_batch_size=8,
        max_seq_length=384,
        stride=96,
        moved_pages=0.03,
        dropout=0.0,
        hidden_words=0.1,
        label_smoothing_factor=0.02,
        ema_decay=0.995,
        metric_for_best_model="eval_focus_else_acc_minus_one",
        early_stopping_patience=8,
    )


def scratch() -> WordRecipe:
    """No base model: a small network of its own, for machines that have none. Needs more labelled pages."""
    return replace(
        small(),
        name="scratch",
        max_seq_length=256,
        stride=64,
        learning_rate=1.5e-3,
        fresh_learning_rate_factor=1.0,
        layer_decay=1.0,
        num_train_epochs=40,
        dropout=0.05,
    )


def reference() -> WordRecipe:
    """The settings of the reference's notebook: LayoutXLM-like models, 150 epochs, batch 2, patience 15."""
    return WordRecipe(
        name="reference",
        num_train_epochs=150,
        learning_rate=5e-5,
        fresh_learning_rate_factor=1.0,
        warmup_ratio=0.0,
        weight_decay=0.0,
        per_device_train_batch_size=2,
        per_device_eval_batch_size=4,
        early_stopping_patience=15,
        metric_for_best_model="eval_focus_else_acc_minus_one",
        save_total_limit=10,
    )


def pages() -> PretrainingRecipe:
    """Pre-training on a laptop: some hundred pages, a few minutes from a base."""
    return PretrainingRecipe(
        name="pages",
        num_train_epochs=8,
        learning_rate=2e-4,
        fresh_learning_rate_factor=4.0,
        lr_scheduler_type="cosine",
        max_seq_length=384,
        stride=0,
        dropout=0.0,
        moved_pages=0.0,
        per_device_train_batch_size=8,
    )


def pages_tiny() -> PretrainingRecipe:
    """Pre-trains in seconds; learns next to nothing."""
    return replace(
        pages(),
        name="tiny",
        num_train_epochs=2,
        learning_rate=1.5e-3,
        max_seq_length=64,
        width=32,
        heads=2,
        layers=1,
        hidden=48,
        vocabulary_size=400,
        per_device_train_batch_size=4,
        bf16=False,
        threads=1,
    )


def tiny() -> WordRecipe:
    """Trains, resumes and predicts in seconds; learns next to nothing."""
    return replace(
        scratch(),
        name="tiny",
        num_train_epochs=2,
        max_seq_length=64,
        stride=16,
        width=32,
        heads=2,
        layers=1,
        hidden=48,
        vocabulary_size=400,
        per_device_train_batch_size=4,
        bf16=False,
        threads=1,
    )


WORD_RECIPES: dict[str, Callable[[], WordRecipe]] = {
    "small": small,
    "scratch": scratch,
    "reference": reference,
    "tiny": tiny,
}

PRETRAINING_RECIPES: dict[str, Callable[[], PretrainingRecipe]] = {"pages": pages, "tiny": pages_tiny}
