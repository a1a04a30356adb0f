"""What pre-training without labels brings where labels are few: SROIE with 50 labelled receipts.

    .venv-training/bin/python benchmarks/pretraining.py --scratch --epochs 2 --tuning-epochs 4    a quick look
    .venv-training/bin/python benchmarks/pretraining.py                                           the figure

Three encoders are trained on the same 50 receipts: the base as it is, the base after masked words, and after
masked words and hidden places. Pre-training reads the text of 300 training receipts, the 50 among them.
Scored on 100 other training receipts, whose text no pre-training reads; the test part of the sroie row stays
unread. `--scratch` begins from nothing instead of MiniLM: smaller, faster, and more in need of it.
"""

import argparse
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from recording import print_table, write_result
from word_rows import few_labels, sroie
from word_rows.rows import CACHE, base_model
from word_rows.running import part, read, train

from recto.confidence import Calibration
from recto_training.commands.pretrain import open_bare
from recto_training.corpus import IGNORED, LabelledDocument, LabelledPage, ListCorpus
from recto_training.evaluation.fields import field_tallies, score_document
from recto_training.evaluation.truth import Match
from recto_training.pretraining import NO_LABELS, pretrain
from recto_training.word_recipes import PretrainingRecipe, WordRecipe, pages, scratch

NUM_LABELLED, NUM_SCORED = few_labels.NUM_TRAINING, 100
VARIANTS = {"none": None, "words": 0.0, "words and places": 0.15}
"""Share of words whose places are hidden; None for no pre-training at all."""
SMALL = {"width": 128, "heads": 4, "layers": 3, "hidden": 384}


def tuning_recipe(options: argparse.Namespace, base: Path | None) -> WordRecipe:
    """The few-labels row's recipe; that of a network from scratch with --scratch."""
    common: dict[str, Any] = {"num_train_epochs": options.tuning_epochs, "threads": options.threads}
    if not options.scratch:
        return replace(few_labels.recipe(), model_name_or_path=str(base or base_model()), **common)
    return replace(
        scratch(), name="few-labels", per_device_train_batch_size=4, early_stopping_patience=0,
        model_name_or_path=str(base or ""), learning_rate=1e-3, ema_decay=0.98, **SMALL, **common,
    )  # fmt: skip


def pretraining_recipe(options: argparse.Namespace, places: float) -> PretrainingRecipe:
    recipe = replace(
        pages(), num_train_epochs=options.epochs, place_probability=places, threads=options.threads
    )
    if not options.scratch:
        return replace(recipe, model_name_or_path=base_model())
    return replace(
        recipe, max_seq_length=256, learning_rate=1.5e-3, fresh_learning_rate_factor=1.0, **SMALL
    )  # fmt: skip


def unlabelled(documents: Sequence[LabelledDocument]) -> ListCorpus:
    """The same pages without their classes."""
    bare = [
        LabelledDocument(one.id, tuple(LabelledPage(p.page, (IGNORED,) * len(p.classes)) for p in one.pages))
        for one in documents
    ]
    return ListCorpus(bare, NO_LABELS)


def pretrained(
    name: str, places: float, documents: Sequence[LabelledDocument], options: argparse.Namespace
) -> tuple[Path, dict[str, float]]:
    """The folder of a pre-trained encoder, and its figures on pages that it has not read."""
    recipe, folder = pretraining_recipe(options, places), CACHE / "pretraining" / name.replace(" ", "-")
    training, held_out = (
        unlabelled(documents[: -len(documents) // 10]),
        unlabelled(documents[-len(documents) // 10 :]),
    )
    shutil.rmtree(folder, ignore_errors=True)
    run = pretrain(replace(recipe, name=name), open_bare(recipe, training), training, held_out, folder)
    return folder, run.best


def score(folder: Path, documents: Sequence[LabelledDocument], threads: int) -> dict[str, float]:
    """Field F1 by letters and digits, all and by field."""
    readings = read(folder, documents, threads)
    scores = [
        score_document(one, said, sroie.FIELDS, Calibration.default(), Match.ALNUM) for one, said in readings
    ]
    tallies = field_tallies(scores, sroie.FIELDS)
    return {"f1": round(tallies.total.f1, 4), **{name: round(one.f1, 4) for name, one in tallies.items()}}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--scratch", action="store_true", help="no base")
    parser.add_argument("--epochs", type=float, default=8, help="of pre-training")
    parser.add_argument("--tuning-epochs", type=float, default=24, help="on the 50 receipts")
    parser.add_argument("--threads", type=int, default=0)
    options = parser.parse_args()
    corpus = sroie.corpus()
    ids = sroie.ROW.split(corpus).training
    labelled, scored = (
        part(corpus, ids[:NUM_LABELLED]),
        part(corpus, ids[NUM_LABELLED:][:NUM_SCORED]).documents,
    )
    seen = [*labelled.documents, *part(corpus, ids[NUM_LABELLED + NUM_SCORED :]).documents]
    rows: dict[str, dict[str, Any]] = {}
    for name, places in VARIANTS.items():
        began = time.process_time()
        base, told = (None, {}) if places is None else pretrained(name, places, seen, options)
        between = time.process_time()
        folder = CACHE / "pretraining" / f"tuned-{name.replace(' ', '-')}"
        train(tuning_recipe(options, base), labelled, folder)
        rows[name] = {
            **score(folder, scored, options.threads),
            "pretraining_processor_seconds": round(between - began, 1),
            "tuning_processor_seconds": round(time.process_time() - between, 1),
            "pretraining": told,
        }
        print(f"{name}: {rows[name]}", flush=True)
    print_table(
        f"{len(labelled)} labelled receipts, {len(scored)} scored, field F1 by letters and digits",
        ["pre-training", *sroie.FIELDS.labels[:-1], "all", "processor s"],
        [
            [
                name,
                *(row[field] for field in sroie.FIELDS.labels[:-1]),
                row["f1"],
                row["pretraining_processor_seconds"],
            ]
            for name, row in rows.items()
        ],
    )
    write_result(
        "pretraining-scratch" if options.scratch else "pretraining",
        f".venv-training/bin/python benchmarks/pretraining.py {' '.join(sys.argv[1:])}".strip(),
        {"labelled": len(labelled), "scored": len(scored), "texts": len(seen), "variants": rows},
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
