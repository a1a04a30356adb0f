"""The tokenizer of a base model as one `tokenizer.json` that cuts each word alone. Not the cutting itself.

What a folder ships is often set up for sentences: it truncates, pads, or writes a space before words only
inside a text. These settings are taken out, so that training, ONNX and endpoints cut alike.
"""

import json
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from transformers import AutoTokenizer

from recto.errors import ConfigurationError

FILE = "tokenizer.json"
KNOWN = ("tokenizer.json", "vocab.txt", "vocab.json", "sentencepiece.bpe.model", "spiece.model")
"""Files of which one must lie in a folder that holds a tokenizer."""


def read_tokenizer(name: str, revision: str = "main", cache: str | None = None) -> str:
    """The text of a tokenizer.json for words one by one; ConfigurationError where there is no tokenizer."""
    folder = Path(name)
    if folder.is_file():
        return for_words(folder.read_text(encoding="utf-8"))
    if (folder / FILE).is_file():
        return for_words((folder / FILE).read_text(encoding="utf-8"))
    if folder.is_dir() and not any((folder / file).is_file() for file in KNOWN):
        seen = ", ".join(sorted(one.name for one in folder.iterdir())) or "nothing"
        raise ConfigurationError(
            f"base model {folder.name}: no tokenizer in its folder, seen {seen}; expected one of "
            f"{', '.join(KNOWN)}. Copy it from where the model comes from, or name it by --tokenizer_name"
        )
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, revision=revision, cache_dir=cache)
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"tokenizer {name}: neither a folder nor a name that the model hub answers to ({_first(error)})"
        ) from error
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise ConfigurationError(f"tokenizer {name}: a {type(tokenizer).__name__}, which has no fast form")
    return for_words(backend.to_str())


def for_words(text: str) -> str:
    """The tokenizer without truncation, padding and sentence templates; words get the space before them."""
    rules = json.loads(text)
    rules["truncation"] = rules["padding"] = None
    for step in _steps(rules.get("pre_tokenizer")):
        if step["type"] == "ByteLevel":
            step["add_prefix_space"] = True
        if step["type"] == "Metaspace":
            step["prepend_scheme"] = "always"
    return Tokenizer.from_str(json.dumps(rules)).to_str()


def _steps(rule: dict[str, Any] | None) -> list[dict[str, Any]]:
    if rule is None:
        return []
    if rule["type"] == "Sequence":
        return [step for one in rule["pretokenizers"] for step in _steps(one)]
    return [rule]


def _first(error: Exception) -> str:
    """The first line of what a library says."""
    return str(error).strip().splitlines()[0][:200]
