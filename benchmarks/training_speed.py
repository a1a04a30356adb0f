"""How fast the training loop runs on this CPU: one epoch, as it is shipped and as one would write it plainly.

    .venv-training/bin/python benchmarks/training_speed.py --steps 6      a quick look
    .venv-training/bin/python benchmarks/training_speed.py                a whole epoch on both sides

The 400 training receipts of the sroie row, the same MiniLM weights lifted to places, batches of 8 windows of
at most 512 tokens, two threads. The plain side is the same loop in float32 with every batch padded to 512
and documents in any order; ours multiplies in bfloat16 where the processor does so natively, puts windows of
like length together and pads to multiples of 16. No dropout on either side, the same optimizer.

Both sides run in this process in turn, some steps each, so that other programs slow both. Time is also given
in processor seconds: on a busy machine the wall clock tells little. Needs `make bench-setup`, ../shared/data.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from recording import print_table, write_result
from word_rows import sroie

from recto_training import fit, words
from recto_training import windows as win
from recto_training.corpus import ListCorpus, PartOfCorpus
from recto_training.hardware import find_hardware
from recto_training.images import PageImages
from recto_training.loop import Loop
from recto_training.word_recipes import WordRecipe

LONGEST = 512
BLOCK = 5
"""Steps that one side takes before it is the other's turn."""
TARGET = 3.0


class Side(NamedTuple):
    """One of the two, ready to train."""

    name: str
    loop: Loop
    hardware: Any
    lengths: list[int]
    """Tokens of each step's batch, padding included."""


class Spent(NamedTuple):
    """What some steps took."""

    wall: float = 0.0
    processor: float = 0.0
    steps: int = 0

    def plus(self, other: "Spent") -> "Spent":
        return Spent(*(a + b for a, b in zip(self, other, strict=True)))


def ours() -> WordRecipe:
    """The shipped recipe, without what only costs or saves steps: evaluation, augmentation."""
    return replace(
        sroie.recipe(),
        name="ours",
        max_seq_length=LONGEST,
        stride=128,
        dropout=0.0,
        max_steps=1_000_000,
        per_device_train_batch_size=8,
        full_determinism=False,
    )


def plain() -> WordRecipe:
    return replace(ours(), name="plain", bf16=False, group_by_length=False, pad_to_multiple_of=LONGEST)


def open_side(recipe: WordRecipe, corpus: ListCorpus, folder: Path, threads: int) -> Generator[Side]:
    """A loop at its first step."""
    base = fit.open_recipe(recipe, corpus.labels, ())
    examples = list(win.make_examples(corpus, base.pages))
    task = words.WordTask(base, recipe, examples, words.HeldOut((), base), PageImages())
    with find_hardware(recipe.bf16, threads) as hardware:
        loop = Loop(task, recipe, folder, hardware)
        lengths: list[int] = []
        collate = task.collate

        def counted(indices: Any, rng: Any) -> Any:
            inputs = collate(indices, rng)
            lengths.append(inputs["input_ids"].numel())
            return inputs

        task.collate = counted  # type: ignore[method-assign]
        yield Side(recipe.name, loop, hardware, lengths)


def run(side: Side, steps: int) -> Spent:
    """Train some steps, with no evaluation in between."""
    wall, processor = time.perf_counter(), time.process_time()
    for _ in range(steps):
        side.loop.step_once()
    return Spent(time.perf_counter() - wall, time.process_time() - processor, steps)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--steps", type=int, default=0, help="steps of each side; 0: a whole epoch")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    whole = sroie.corpus()
    corpus = ListCorpus(PartOfCorpus(whole, sroie.ROW.split(whole).training), whole.labels)
    with tempfile.TemporaryDirectory() as folder:
        opened = [
            open_side(recipe, corpus, Path(folder) / recipe.name, options.threads)
            for recipe in (ours(), plain())
        ]
        sides = [next(one) for one in opened]
        epoch = sides[0].loop.steps_per_epoch
        spent = compared(sides, options.steps or epoch)
        for one in opened:
            one.close()
    return report(sides, spent, epoch, options)


def compared(sides: list[Side], steps: int) -> dict[str, Spent]:
    """The sides in turn, after two steps each that do not count."""
    for side in sides:
        run(side, 2)
        side.lengths.clear()
    spent = {side.name: Spent() for side in sides}
    for start in range(0, steps, BLOCK):
        for side in sides:
            spent[side.name] = spent[side.name].plus(run(side, min(BLOCK, steps - start)))
            print(
                f"{side.name}: {spent[side.name].steps} steps, {spent[side.name].processor:.1f} s", flush=True
            )
    return spent


def report(sides: list[Side], spent: dict[str, Spent], epoch: int, options: argparse.Namespace) -> int:
    """Print and keep what came out; 1 where ours is not as much faster as it should be."""
    figures = {}
    for side in sides:
        one = spent[side.name]
        figures[side.name] = {
            "steps": one.steps,
            "wall_seconds_a_step": round(one.wall / one.steps, 3),
            "processor_seconds_a_step": round(one.processor / one.steps, 3),
            "epoch_wall_seconds": round(one.wall / one.steps * epoch, 1),
            "tokens_a_step": round(sum(side.lengths) / one.steps),
            "bfloat16": side.hardware.half,
        }
    ratios = {
        name: round(getattr(spent["plain"], name) / getattr(spent["ours"], name), 2)
        for name in ("wall", "processor")
    }
    print_table(
        f"one epoch of {epoch} steps over 400 receipts, {options.threads} threads",
        ["side", "s a step", "processor s a step", "tokens a step", "epoch"],
        [
            [
                name,
                row["wall_seconds_a_step"],
                row["processor_seconds_a_step"],
                row["tokens_a_step"],
                f"{row['epoch_wall_seconds']} s",
            ]
            for name, row in figures.items()
        ],
    )
    print(
        f"faster: {ratios['wall']} x by the clock, {ratios['processor']} x in processor seconds "
        f"(to reach: {TARGET} x)"
    )
    write_result(
        "training_speed",
        ".venv-training/bin/python benchmarks/training_speed.py " + " ".join(sys.argv[1:]),
        {
            "threads": options.threads,
            "torch": torch.__version__,
            "epoch_steps": epoch,
            "sides": figures,
            "faster": ratios,
            "to_reach": TARGET,
        },
    )
    return int(ratios["processor"] < TARGET)


if __name__ == "__main__":
    sys.exit(main())
