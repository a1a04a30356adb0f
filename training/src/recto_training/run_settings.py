"""Which settings a run shares with the checkpoints that it goes on from. Not what they mean (`loop`)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recto.errors import ConfigurationError

PLACES = ("model_name_or_path", "tokenizer_name", "cache_dir")
FREE = frozenset(
    {
        "name",
        "cache_dir",
        "ddp_find_unused_parameters",
        "logging_steps",
        "per_device_eval_batch_size",
        "save_total_limit",
        "threads",
    }
)
"""Settings that decide nothing of what is learnt but its rounding: a run may go on with others."""


class OtherSettingsError(ConfigurationError):
    """The folder holds a run of other settings, whose result would be taken for that of these."""


def without_places(settings: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration with the names of folders in place of their paths."""
    return {
        name: Path(value).name if name in PLACES and isinstance(value, str) else value
        for name, value in settings.items()
    }


def deciding(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that decide what a run makes; a base counts by its name, wherever it lies."""
    return {name: value for name, value in without_places(settings).items() if name not in FREE}


def check_settings(seen: Mapping[str, Any], asked: Mapping[str, Any], checkpoint: str) -> None:
    """OtherSettingsError that lists what differs, old -> new.

    A setting that one of the two does not know, being of another version of Recto, is not compared.
    """
    names = sorted(name for name in seen.keys() & asked.keys() if seen[name] != asked[name])
    if names:
        listed = ", ".join(f"{name} {seen[name]} -> {asked[name]}" for name in names)
        raise OtherSettingsError(
            f"checkpoint {checkpoint} was made with other settings: {listed}. Give the same ones to go on, "
            "take another output folder, or say --overwrite_output_dir true to begin anew"
        )
