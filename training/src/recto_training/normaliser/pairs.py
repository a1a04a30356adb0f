"""Pairs of an input and the text that it should become, one JSON object a line. Not where they come from."""

import json
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import NamedTuple

from recto_training.faults import DataError, Faults
from recto_training.json_lines import read_json_lines


class Pair(NamedTuple):
    """What a normaliser reads and what it should say."""

    input: str
    """The prompt, then the text as printed."""
    target: str
    group: str = ""
    """A kind that figures are given for: a date's format, a field's name."""
    document: str = ""
    """Where it was read, so that parts are divided by document; empty for made-up pairs."""


def write_pairs(pairs: Iterable[Pair], path: Path) -> int:
    """Write a file of pairs; how many there are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({k: v for k, v in pair._asdict().items() if v or k in ("input", "target")},
                        ensure_ascii=False) for pair in pairs]  # fmt: skip
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return len(lines)


def read_pairs(paths: Sequence[Path]) -> list[Pair]:
    """All pairs of some files; DataError with every line that is none."""
    faults = Faults()
    pairs = [pair for path in paths for pair in _pairs_of(path, faults)]
    if not pairs and not len(faults):
        faults.add(", ".join(map(str, paths)), "no pair in it; expected one JSON object a line")
    faults.end_if_any()
    return pairs


def _pairs_of(path: Path, faults: Faults) -> Iterator[Pair]:
    if not path.is_file():
        faults.add(str(path), "no such file; make one with `recto normaliser data`")
        return
    for row in read_json_lines(path, faults):
        pair = _pair(row.content)
        if pair is None:
            faults.add(row.place, f"expected an object with the texts input and target, seen {row.text[:80]}")
        else:
            yield pair


def _pair(values: object) -> Pair | None:
    if not isinstance(values, dict):
        return None
    texts = [values.get(name) for name in ("input", "target")]
    if not all(isinstance(text, str) and text.strip() for text in texts):
        return None
    return Pair(*map(str, texts), str(values.get("group") or ""), str(values.get("document") or ""))


def split_pairs(pairs: Sequence[Pair], share: float, seed: int) -> tuple[list[Pair], list[Pair]]:
    """To train on and to validate on; pairs of one document, and equal inputs, stay together."""
    keys = sorted({_key(pair) for pair in pairs})
    if len(keys) < 2:
        raise DataError(f"{len(pairs)} pairs of {len(keys)} document: expected two documents or more")
    Random(seed).shuffle(keys)
    held_out = set(keys[: max(1, round(share * len(keys)))])
    kept = [pair for pair in pairs if _key(pair) not in held_out]
    return kept, [pair for pair in pairs if _key(pair) in held_out]


def _key(pair: Pair) -> str:
    return pair.document or pair.input


def hash_pairs(pairs: Iterable[Pair]) -> str:
    """A number for inputs and targets in their order."""
    digest = sha256()
    for pair in pairs:
        digest.update(f"{pair.input}\0{pair.target}\0".encode())
    return digest.hexdigest()
