"""What a training job runs in its container: `python -m recto_training TASK`, with SageMaker's variables.

    python train.py --learning_rate 0.0001      (as the SDK's drivers start it)
    python train.py                             (as training/containers/train.sh does, for tuning)

Standard library until the staged wheels are installed.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ML = Path("/opt/ml")
CODE_CHANNELS = {"code", "sm_drivers"}
NOT_OURS = ("sagemaker_", "_tuning")
"""Beginnings of hyper-parameters that SageMaker adds for itself."""


def variables(ml: Path) -> dict[str, str]:
    """What SageMaker's drivers set, for a container that was started without them."""
    data, config = ml / "input" / "data", ml / "input" / "config" / "hyperparameters.json"
    channels = [path for path in sorted(data.glob("*")) if path.is_dir() and path.name not in CODE_CHANNELS]
    given = json.loads(config.read_text()) if config.is_file() else {}
    return {
        **{f"SM_CHANNEL_{path.name.upper()}": str(path) for path in channels},
        "SM_MODEL_DIR": str(ml / "model"),
        "SM_HPS": json.dumps(given),
    }


def our_settings(settings: Mapping[str, str]) -> dict[str, str]:
    """Hyper-parameters without those that SageMaker adds for itself."""
    return {name: value for name, value in settings.items() if not name.startswith(NOT_OURS)}


def our_options(said: Sequence[str]) -> list[str]:
    """`--name value` pairs, likewise."""
    pairs = zip(said[::2], said[1::2], strict=True)
    kept = [pair for pair in pairs if not pair[0].lstrip("-").startswith(NOT_OURS)]
    return [word for pair in kept for word in pair]


def main() -> int:
    from recto_training.__main__ import main as run  # noqa: PLC0415 - installed from the staged wheels only

    for name, value in variables(ML).items():
        os.environ.setdefault(name, value)
    os.environ["SM_HPS"] = json.dumps(our_settings(json.loads(os.environ["SM_HPS"])))
    arguments = [*os.environ.get("RECTO_TASK", "train").split(), *our_options(sys.argv[1:])]
    print("recto_training", *arguments, flush=True)
    return int(run(arguments))


if __name__ == "__main__":
    sys.exit(main())
