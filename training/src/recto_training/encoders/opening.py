"""Opens what a run begins from: a base model by hub name or folder, or an untrained network."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import torch
from tokenizers import Tokenizer
from transformers import CONFIG_MAPPING, AutoConfig, AutoModel, PretrainedConfig
from transformers.utils import logging as transformers_logging

from recto.errors import ConfigurationError
from recto.inference import special_tokens_of
from recto.release import WindowSettings
from recto_training.corpus import OTHER
from recto_training.encoders import stored
from recto_training.encoders.families import FAMILIES, open_family, warn_of_licence
from recto_training.encoders.lifted import lift
from recto_training.encoders.model import Base, Reading, WordModel
from recto_training.encoders.tokenizers import read_tokenizer
from recto_training.network import NetworkConfiguration, SmallEncoder
from recto_training.tokenizer import train_tokenizer


class BaseOptions(NamedTuple):
    """What may be asked of a base beside its name."""

    max_tokens: int = 512
    stride: int = 128
    dropout: float = 0.1
    distances: bool = True
    """Whether attention of a lifted model prefers distances."""
    tokenizer_name: str = ""
    revision: str = "main"
    cache: str | None = None
    ignore_labels: bool = False
    """Take only the encoder of a base that was trained on other labels."""
    seed: int = 0
    """Of the parts that no base brings."""


PLAIN = BaseOptions()


def open_base(name: str | Path, labels: Sequence[str], options: BaseOptions = PLAIN) -> Base:
    """A network with one class for each label, over the base of a local folder or of the model hub.

    A folder of this package (a trained or pre-trained model) is gone on from: with its classes where its
    labels are the same, ConfigurationError where they are others unless `ignore_labels`.
    """
    torch.manual_seed(options.seed)
    folder = Path(name)
    if folder.is_dir() and stored.is_model_folder(folder):
        return _go_on(folder, tuple(labels), options)
    transformers_logging.disable_progress_bar()
    config = _config(str(name), options)
    warn_of_licence(config.model_type)
    tokenizer = read_tokenizer(options.tokenizer_name or str(name), options.revision, options.cache)
    where: dict[str, Any] = {"revision": options.revision, "cache_dir": options.cache}
    if config.model_type in FAMILIES:
        family = open_family(str(name), config, options.dropout, **where)
        encoder: torch.nn.Module = family
        kind, architecture = config.model_type, family.model.config.to_diff_dict()
    else:
        text = AutoModel.from_pretrained(str(name), config=config, **where)
        lifted = lift(text, dropout=options.dropout, distances=options.distances)
        encoder, kind, architecture = lifted, stored.LAYOUT, asdict(lifted.config)
    return _assembled(encoder, labels, tokenizer, options, kind, architecture)


def open_scratch(
    texts: Iterable[str],
    labels: Sequence[str],
    architecture: dict[str, Any],
    vocabulary_size: int,
    options: BaseOptions = PLAIN,
) -> Base:
    """An untrained small network, with a tokenizer made of these texts (or that of `tokenizer_name`)."""
    if options.tokenizer_name:
        tokenizer = read_tokenizer(options.tokenizer_name, options.revision, options.cache)
    else:
        tokenizer = train_tokenizer(texts, vocabulary_size).to_str()
    opened = Tokenizer.from_str(tokenizer)
    torch.manual_seed(options.seed)
    config = NetworkConfiguration(
        vocabulary=opened.get_vocab_size(),
        unknown_id=opened.token_to_id(special_tokens_of(opened).unk),
        dropout=options.dropout,
        **architecture,
    )
    return _assembled(SmallEncoder(config), labels, tokenizer, options, stored.WORDS, asdict(config))


def _assembled(
    encoder: torch.nn.Module,
    labels: Sequence[str],
    tokenizer: str,
    options: BaseOptions,
    kind: str,
    architecture: dict[str, Any],
) -> Base:
    special = special_tokens_of(Tokenizer.from_str(tokenizer))
    windows = WindowSettings(max_tokens=options.max_tokens, stride=options.stride)
    reading = Reading(tokenizer, special, windows)
    _check_sizes(encoder, tokenizer, options, kind, architecture)
    model = WordModel(encoder, len(labels))
    return Base(
        model,
        stored.pages_of(reading),
        reading,
        tuple(labels),
        kind,
        architecture,
        stored.hidden_id(reading),
    )


def _check_sizes(
    encoder: torch.nn.Module, tokenizer: str, options: BaseOptions, kind: str, architecture: dict[str, Any]
) -> None:
    """The tokenizer's numbers and the windows fit the network's tables."""
    rows, largest = encoder.token_table.num_embeddings, _largest_id(tokenizer)  # type: ignore[union-attr]
    if largest >= rows:
        raise ConfigurationError(
            f"the tokenizer counts to {largest}, the network knows {rows} tokens: they do not belong together"
        )
    longest = longest_window(kind, architecture)
    if options.max_tokens > longest:
        raise ConfigurationError(
            f"max_seq_length {options.max_tokens}: this base reads at most {longest} tokens at once"
        )


def longest_window(kind: str, architecture: dict[str, Any]) -> int:
    """Tokens that a network can read at once."""
    if kind == stored.LAYOUT:
        return int(architecture["positions"]) - int(architecture["first_position"])
    if kind == stored.WORDS:
        return 1_000_000
    config = CONFIG_MAPPING[kind].from_dict(architecture)
    offset = 0 if kind in ("layoutlm", "layoutlmv2") else int(config.pad_token_id) + 1
    return int(config.max_position_embeddings) - offset


def _largest_id(tokenizer: str) -> int:
    return max(Tokenizer.from_str(tokenizer).get_vocab(with_added_tokens=True).values())


def _go_on(folder: Path, labels: tuple[str, ...], options: BaseOptions) -> Base:
    base = stored.read_model(folder, options.dropout)
    windows = WindowSettings(max_tokens=options.max_tokens, stride=options.stride)
    reading = base.reading._replace(windows=windows)
    _check_sizes(base.model.encoder, reading.tokenizer, options, base.kind, base.architecture)
    model = base.model
    warn_of_licence(base.kind)
    if base.labels != labels:
        if base.labels != (OTHER,) and not options.ignore_labels:
            raise ConfigurationError(_other_labels(folder, base.labels, labels))
        model = WordModel(base.model.encoder, len(labels))
    return base._replace(model=model, pages=stored.pages_of(reading), reading=reading, labels=labels)


def _other_labels(folder: Path, seen: Sequence[str], expected: Sequence[str]) -> str:
    first = next((i for i, pair in enumerate(zip(seen, expected, strict=False)) if pair[0] != pair[1]), None)
    where = f", first at class {first}" if first is not None else ""
    return (
        f"model folder {folder.name} was trained on {len(seen)} labels ({', '.join(seen)}), the data has "
        f"{len(expected)} ({', '.join(expected)}){where}. Say --ignore_mismatched_labels true to keep only "
        "its encoder and learn the classes anew"
    )


def _config(name: str, options: BaseOptions) -> PretrainedConfig:
    folder = Path(name)
    if folder.is_dir() and not (folder / stored.CONFIG).is_file():
        seen = ", ".join(sorted(one.name for one in folder.iterdir())) or "nothing"
        raise ConfigurationError(f"base model {folder.name}: no {stored.CONFIG} in its folder, seen {seen}")
    if not folder.exists() and _is_path(name):
        raise ConfigurationError(f"base model {name}: there is no such folder")
    try:
        return AutoConfig.from_pretrained(name, revision=options.revision, cache_dir=options.cache)
    except (OSError, ValueError) as error:
        said = str(error).strip().splitlines()[0][:200]
        raise ConfigurationError(
            f"base model {name}: neither a folder nor a name that the model hub answers to ({said}). "
            "Without a network, name the folder that holds its files"
        ) from error


def _is_path(name: str) -> bool:
    """Whether a folder is meant: the hub has `name` and `owner/name`, no owner called as a folder here."""
    parts = Path(name).parts
    has_parent = len(parts) == 2 and Path(parts[0]).is_dir()
    return name.startswith((".", "~", "/")) or len(parts) > 2 or has_parent
