"""What a training job runs, in its container: finds the channels, then is `python -m recto_training TASK …`.

    python train.py --learning_rate 0.0001      (as SageMaker's drivers and train.sh start it)

Standard library until the staged wheels are installed; it reads SageMaker's folders and nothing of ours.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

DATA = Path("/opt/ml/input/data")
CODE_CHANNELS = {"code", "sm_drivers"}
MANIFESTS = ("*.jsonl", "*.manifest")
NOT_OURS = ("sagemaker_", "_tuning")
"""Beginnings of hyper-parameters that SageMaker adds for itself."""


def arguments_of(
    task: str, channels: Mapping[str, Path], said: Sequence[str], model: str, checkpoints: str
) -> list[str]:
    """The command line of `recto_training`: manifests, folders by their channel's name, what was said."""
    manifests = _manifests(channels["train"]) if task == "train" and "train" in channels else []
    folders = {name: path for name, path in channels.items() if name != "train" or not manifests}
    options = [
        part for name, path in sorted(folders.items()) for part in (f"--{name}", str(_only_file(path)))
    ]
    places = ["--model_dir", model, "--output_dir", checkpoints]
    return [task, *map(str, manifests), *options, *places, *without_sagemakers(said)]


def without_sagemakers(said: Sequence[str]) -> list[str]:
    """`--name value` pairs, less those that SageMaker adds for itself."""
    pairs = zip(said[::2], said[1::2], strict=True)
    return [
        part for name, value in pairs if not name.lstrip("-").startswith(NOT_OURS) for part in (name, value)
    ]


def _manifests(folder: Path) -> list[Path]:
    return sorted(path for pattern in MANIFESTS for path in folder.rglob(pattern))


def _only_file(folder: Path) -> Path:
    """A channel of one file stands for the file."""
    inside = list(folder.iterdir())
    return inside[0] if len(inside) == 1 and inside[0].is_file() else folder


def channels_below(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        return {}
    return {
        path.name: path
        for path in sorted(folder.iterdir())
        if path.is_dir() and path.name not in CODE_CHANNELS
    }


def main() -> int:
    from recto_training.__main__ import main as run  # noqa: PLC0415 - installed from the staged wheels only

    task = os.environ.get("RECTO_TASK", "train")
    model = os.environ.get("SM_MODEL_DIR", "/opt/ml/model")
    has_checkpoints = Path("/opt/ml/checkpoints").is_dir()
    checkpoints = (
        "/opt/ml/checkpoints" if has_checkpoints else os.environ.get("SM_OUTPUT_DIR", "/opt/ml/output/data")
    )
    arguments = arguments_of(task, channels_below(DATA), sys.argv[1:], model, checkpoints)
    print("recto_training", *arguments, flush=True)
    return int(run(arguments))


if __name__ == "__main__":
    sys.exit(main())
