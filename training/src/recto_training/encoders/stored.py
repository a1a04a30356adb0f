"""A model folder: config.json, model.safetensors, tokenizer.json, labels.json. Written whole, read back.

What `fit` leaves, what `open_base` takes as a base again and what serving and export read. `run.json`, the
record of how it was made, lies beside them and is not needed to run the model.
"""

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor
from transformers import CONFIG_MAPPING

from recto.errors import ConfigurationError
from recto.inference import PageEncoder
from recto.release import SpecialTokens, WindowSettings
from recto_training.encoders.families import make_family
from recto_training.encoders.layout import LayoutConfiguration, LayoutEncoder
from recto_training.encoders.model import Base, Reading, WordModel
from recto_training.network import NetworkConfiguration, SmallEncoder

CONFIG, WEIGHTS, TOKENIZER, LABELS = "config.json", "model.safetensors", "tokenizer.json", "labels.json"
MODEL_FILES = (CONFIG, WEIGHTS, TOKENIZER, LABELS)
KIND, VERSION = "recto_kind", "recto_version"
NETWORKS = 2
"""Version of the networks' meaning: counts up when the same weights would say something else."""
MASKS = ("[MASK]", "<mask>")
LAYOUT, WORDS = "layout", "words"


def write_model(folder: Path, base: Base) -> None:
    """Write the four files; the labels last, so that a folder with labels is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        KIND: base.kind,
        VERSION: NETWORKS,
        "architecture": base.architecture,
        "windows": base.reading.windows.model_dump(),
        "special_tokens": base.reading.special.model_dump(),
    }
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in base.model.state_dict().items()}
    save_file(weights, str(folder / WEIGHTS))
    (folder / TOKENIZER).write_text(base.reading.tokenizer, encoding="utf-8")
    (folder / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    (folder / LABELS).write_text(json.dumps(base.labels, ensure_ascii=False) + "\n", encoding="utf-8")


def is_model_folder(folder: Path) -> bool:
    """Whether this package wrote the folder's config.json."""
    path = folder / CONFIG
    return path.is_file() and KIND in _json(path)


def read_model(folder: Path, dropout: float | None = None) -> Base:
    """The model of a folder in evaluation mode; ConfigurationError that names what is missing or unfit."""
    missing = [name for name in MODEL_FILES if not (folder / name).is_file()]
    if missing:
        raise ConfigurationError(f"model folder {folder.name}: missing {', '.join(missing)}")
    config, labels = _json(folder / CONFIG), tuple(_json(folder / LABELS))
    if KIND not in config:
        raise ConfigurationError(f"{folder.name}/{CONFIG}: no {KIND}; this is not a model that Recto trained")
    if config.get(VERSION) != NETWORKS:
        raise ConfigurationError(
            f"model folder {folder.name}: made by version {config.get(VERSION, 1)} of the networks, this is "
            f"version {NETWORKS}; train it again"
        )
    model = make_network(config[KIND], config["architecture"], len(labels), dropout)
    model.load_state_dict(_weights(folder, model))
    reading = Reading(
        tokenizer=(folder / TOKENIZER).read_text(encoding="utf-8"),
        special=SpecialTokens.model_validate(config["special_tokens"]),
        windows=WindowSettings.model_validate(config["windows"]),
    )
    architecture = dict(config["architecture"])
    return Base(
        model.eval(), pages_of(reading), reading, labels, config[KIND], architecture, hidden_id(reading)
    )


def hidden_id(reading: Reading) -> int:
    """The tokenizer's mask; its unknown token where it has none."""
    tokenizer = Tokenizer.from_str(reading.tokenizer)
    numbers = (tokenizer.token_to_id(name) for name in (*MASKS, reading.special.unk))
    return next(number for number in numbers if number is not None)


def pages_of(reading: Reading) -> PageEncoder:
    """What cuts pages into windows."""
    return PageEncoder(Tokenizer.from_str(reading.tokenizer), reading.windows, reading.special)


def make_network(
    kind: str, architecture: dict[str, Any], num_classes: int, dropout: float | None = None
) -> WordModel:
    """An untrained network of a kind; `dropout` in place of the architecture's."""
    chosen = architecture if dropout is None else {**architecture, "dropout": dropout}
    if kind == LAYOUT:
        return WordModel(LayoutEncoder(LayoutConfiguration(**chosen)), num_classes)
    if kind == WORDS:
        return WordModel(SmallEncoder(NetworkConfiguration(**chosen)), num_classes)
    config = CONFIG_MAPPING[kind].from_dict(architecture)
    return WordModel(make_family(config, dropout or 0.0), num_classes)


def _weights(folder: Path, model: WordModel) -> dict[str, Tensor]:
    try:
        weights = load_file(str(folder / WEIGHTS))
    except SafetensorError as error:
        raise ConfigurationError(f"{folder.name}/{WEIGHTS} cannot be read: {error}") from error
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    seen = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    odd = sorted(name for name in expected.keys() | seen.keys() if expected.get(name) != seen.get(name))
    if odd:
        first = odd[0]
        raise ConfigurationError(
            f"{folder.name}/{WEIGHTS} does not fit {CONFIG} and {LABELS}: {first} is {seen.get(first)}, "
            f"expected {expected.get(first)} ({len(odd)} such)"
        )
    return weights


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigurationError(f"{path.parent.name}/{path.name} is not JSON: {error}") from error
