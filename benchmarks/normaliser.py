"""Normalising dates: a small model trained on made-up dates against the core's rules, exact match by kind.

    .venv-training/bin/python benchmarks/normaliser.py --minutes 10             (data, training, figures)
    .venv-training/bin/python benchmarks/normaliser.py --model runs/dates       (figures of a trained model)

Training sees made-up dates alone. Real dates: those of SROIE's receipts in figures (day first) and the
effective dates of Kleister's contracts, which are looked for in the text by their true parts, not by
reading. Leaves benchmarks/results/normaliser.json.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from recording import ROOT, write_result

from recto_training.caching import PageCache
from recto_training.importers.pdf_text import read_pdf
from recto_training.normaliser import evaluation, training
from recto_training.normaliser.dates import make_pairs
from recto_training.normaliser.model import Normaliser, open_normaliser
from recto_training.normaliser.pairs import Pair

DATA = ROOT.parent / "shared" / "data"
RUN = ROOT / ".recto" / "benchmarks" / "normaliser"
SECONDS_PER_STEP = 0.2
"""Used to choose the number of steps; the time that it took is in the result."""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, help="a trained model; otherwise one is trained")
    parser.add_argument("--minutes", type=float, default=10, help="of training")
    parser.add_argument("--count", type=int, default=600, help="made-up dates of formats seen")
    parser.add_argument("--contracts", type=int, default=254, help="how many of them are read")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    folder = options.model or train(options.minutes, options.threads)
    normaliser = open_normaliser(folder)
    sets = {**evaluation.made_up_sets(options.count), **real_sets(options.contracts)}
    scores = {name: measured(pairs, normaliser) for name, pairs in sets.items()}
    record = json.loads((folder / "run.json").read_text())
    kept = ("recipe", "parameters", "examples", "steps", "seconds", "best", "hardware", "data_sha256")
    values = {"training": {name: record[name] for name in kept}, "scores": scores}
    path = write_result("normaliser", f"benchmarks/normaliser.py {' '.join(arguments)}", values)
    print(evaluation.table_of({**rows[-1], "group": name} for name, rows in scores.items()))
    print(path)
    return 0


def train(minutes: float, threads: int) -> Path:
    """The model's folder, trained for about so long; goes on where an earlier run stopped."""
    steps = round(minutes * 60 / SECONDS_PER_STEP)
    recipe = replace(training.scratch(), max_steps=steps, threads=threads)
    pairs = list(make_pairs(40_000, "training"))
    training.fit(recipe, pairs, list(make_pairs(300, "validation")), RUN)
    return RUN


def real_sets(contracts: int) -> dict[str, list[Pair]]:
    """Dates of real documents; those that are absent here are left out."""
    sets: dict[str, list[Pair]] = {}
    receipts, agreements = DATA / "sroie", DATA / "kleister-nda"
    if receipts.is_dir():
        sets["receipts (SROIE)"] = list(evaluation.receipt_pairs(receipts / "truth.jsonl"))
    if agreements.is_dir():
        cache, known = PageCache(ROOT / ".recto" / "benchmarks" / "kleister-pages"), set[str]()

        def text_of(document: str) -> str:
            known.add(document)
            if len(known) > contracts:
                return ""
            pages = read_pdf(agreements / "documents" / f"{document}.pdf", cache)
            return " ".join(word.text for page in pages for word in page.words)

        sets["contracts (Kleister-NDA)"] = list(
            evaluation.contract_pairs(agreements / "truth.jsonl", text_of)
        )
    return sets


def measured(pairs: Sequence[Pair], normaliser: Normaliser) -> list[dict[str, Any]]:
    """Scores by group, all of them last."""
    began = time.monotonic()
    scores = evaluation.scores_of(pairs, lambda texts: normaliser.answers(texts, 32))
    print(f"{pairs[0].group} and others: {len(pairs)} in {time.monotonic() - began:.0f} s", flush=True)
    return evaluation.record_of(scores)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
