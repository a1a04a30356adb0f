"""Figures as lines of a log, and the patterns by which SageMaker reads them out of it again."""

from collections.abc import Mapping

NUMBER = r"([-+]?(?:[0-9]*\.)?[0-9]+(?:[eE][-+]?[0-9]+)?|nan)"
LOGGED = (
    "train_loss", "eval_loss", "eval_acc", "eval_focus_acc", "eval_focus_else_acc_minus_one",
    "eval_word_f1", "eval_entity_f1", "eval_entity_precision", "eval_entity_recall",
    "eval_field_f1", "eval_masked_acc", "eval_exact_match", "learning_rate", "epoch", "seconds",
)  # fmt: skip
"""Names that a run may log."""


def log_line(figures: Mapping[str, float]) -> str:
    """`eval_focus_acc=0.5000 eval_loss=0.1234`: what people and SageMaker read."""
    return " ".join(f"{name}={value:.6g}" for name, value in figures.items())


def metric_definitions() -> list[dict[str, str]]:
    """SageMaker's `MetricDefinitions`: a name and the pattern of its value, for each figure."""
    return [
        {"Name": name.replace("eval_", "validation:", 1), "Regex": rf"(?:^|\s){name}={NUMBER}"}
        for name in LOGGED
    ]
