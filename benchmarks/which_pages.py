"""Which pages to label next: 50 receipts chosen by doubt and variety against 50 by chance, five seeds.

    .venv-training/bin/python benchmarks/which_pages.py --epochs 4 --steps 60 --seeds 1   a quick look
    .venv-training/bin/python benchmarks/which_pages.py                                   the figure

A seed shuffles 300 receipts of SROIE. The first 20 are labelled in every arm; a model of these reads the
other 280, and 30 more are chosen: the next 30 of the shuffle (`chance`), by `recto.page_choice` as
`recto data select --by uncertainty` does (`doubt and variety`), the same without looking at the model
(`variety`), or those with the highest doubt alone (`doubt`); the latter three take a fifth by chance. The
same recipe with the same seed then trains on 50, for the same number of steps (doubtful receipts are short:
by epochs they would be trained on less), and 200 other receipts are read. A small network from scratch: it
does as well after 50 receipts as MiniLM, in a quarter of the time.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from random import Random
from statistics import mean, stdev
from typing import Any

from recording import print_table, write_result
from word_rows import sroie
from word_rows.rows import CACHE
from word_rows.running import part, read, score, train

from recto.page_choice import ChoiceRules, PageToLabel, choose_pages, page_doubt, page_features
from recto_training.corpus import LabelledDocument, ListCorpus
from recto_training.models import load_model
from recto_training.word_recipes import WordRecipe, scratch

NUM_FIRST, NUM_LABELLED, NUM_POOL = 20, 50, 300
RULES = ChoiceRules(count=NUM_LABELLED - NUM_FIRST, random_share=0.2)
NEVER = 10**6
FOLDER = CACHE / "which-pages"
Documents = Mapping[str, LabelledDocument]
Choice = Callable[[Sequence[str], Mapping[str, PageToLabel]], list[str]]
"""Shuffled ids, of which the first are labelled, and the pages with doubts: the ids to label next."""


def recipe(options: argparse.Namespace, seed: int) -> WordRecipe:
    return replace(
        scratch(), name="which-pages", seed=seed, num_train_epochs=options.epochs, threads=options.threads,
        per_device_train_batch_size=4, learning_rate=1e-3, ema_decay=0.98, early_stopping_patience=0,
        eval_strategy="steps", eval_steps=NEVER, width=128, heads=4, layers=3, hidden=384,
    )  # fmt: skip


# --- arms ---------------------------------------------------------------------------------------------


def by_chance(order: Sequence[str], _: Mapping[str, PageToLabel]) -> list[str]:
    return list(order[NUM_FIRST:NUM_LABELLED])


def by_doubt_and_variety(order: Sequence[str], pages: Mapping[str, PageToLabel]) -> list[str]:
    listed = [pages[name] for name in order]
    return [one.id for one in choose_pages(listed[NUM_FIRST:], listed[:NUM_FIRST], RULES)]


def by_variety(order: Sequence[str], pages: Mapping[str, PageToLabel]) -> list[str]:
    return by_doubt_and_variety(order, {name: one._replace(doubt=1.0) for name, one in pages.items()})


def by_doubt(order: Sequence[str], pages: Mapping[str, PageToLabel]) -> list[str]:
    num_random = round(RULES.random_share * RULES.count)
    rest = sorted(order[NUM_FIRST + num_random :], key=lambda name: -pages[name].doubt)
    return [*order[NUM_FIRST:][:num_random], *rest[: RULES.count - num_random]]


ARMS: dict[str, Choice] = {
    "chance": by_chance,
    "doubt and variety": by_doubt_and_variety,
    "variety": by_variety,
    "doubt": by_doubt,
}


# --- one seed -----------------------------------------------------------------------------------------


def pages_with_doubts(
    documents: Documents, order: Sequence[str], options: argparse.Namespace, seed: int
) -> dict[str, PageToLabel]:
    """All receipts, with what a model of the first ones doubts."""
    folder = FOLDER / f"first-{seed}"
    first = [documents[name] for name in order[:NUM_FIRST]]
    if not (options.go_on and (folder / "model.safetensors").exists()):
        train(recipe(options, seed), ListCorpus(first, sroie.FIELDS.labels), folder)
    model = load_model(folder, threads=options.threads)
    read_pages = [documents[name].pages[0] for name in order]
    said = [one.means_WK.tolist() for one in model.verdicts((page.page, None) for page in read_pages)]
    usual = [
        mean(any(number == found for found in one.pages[0].classes) for one in first)
        for number in range(len(sroie.FIELDS.labels) - 1)
    ]
    return {
        name: PageToLabel(name, page_features(page.page), page_doubt(words, usual), is_first=True)
        for name, page, words in zip(order, read_pages, said, strict=True)
    }


def f1_of(
    ids: Sequence[str], test: Sequence[LabelledDocument], documents: Documents,
    options: argparse.Namespace, seed: int,
) -> dict[str, float]:  # fmt: skip
    """Field F1 by the scorer, of all and of each field, of a model of these receipts."""
    folder = FOLDER / "model"
    how = replace(recipe(options, seed), max_steps=options.steps)
    train(how, ListCorpus([documents[name] for name in ids], sroie.FIELDS.labels), folder)
    readings = read(folder, test, options.threads)
    _, details = score(sroie.ROW, readings, sroie.FIELDS.labels, folder)
    return {name: one["f1"] for name, one in details["fields"].items()}


def one_seed(
    seed: int, documents: Documents, test: Sequence[LabelledDocument], pool: Sequence[str],
    options: argparse.Namespace, known: Mapping[str, Any],
) -> dict[str, Any]:  # fmt: skip
    """Each arm's figures; `companies` counts the different ones among the 50."""
    if known.keys() >= set(options.arms):
        return dict(known)
    order = list(pool)
    Random(seed).shuffle(order)
    pages = pages_with_doubts(documents, order, options, seed)
    found: dict[str, Any] = dict(known)
    for name in (arm for arm in options.arms if arm not in known):
        ids = [*order[:NUM_FIRST], *ARMS[name](order, pages)]
        companies = {documents[one].values.get("company", ()) for one in ids}
        began = time.process_time()
        figures = f1_of(ids, test, documents, options, seed)
        seconds = round(time.process_time() - began, 1)
        found[name] = {**figures, "companies": len(companies), "processor_seconds": seconds}
        print(f"seed {seed}, {name}: {found[name]}", flush=True)
    return found


def summary(seeds: Mapping[str, Mapping[str, Any]], arms: Sequence[str]) -> dict[str, Any]:
    """Mean and spread of each arm over the seeds, and of its difference from chance, seed by seed."""
    told = {}
    for arm in arms:
        f1 = [one[arm]["ALL"] for one in seeds.values()]
        apart = [one[arm]["ALL"] - one["chance"]["ALL"] for one in seeds.values()]
        told[arm] = {
            "f1": round(mean(f1), 4),
            "spread": round(stdev(f1), 4) if len(f1) > 1 else None,
            "difference": round(mean(apart), 4),
            "difference_spread": round(stdev(apart), 4) if len(apart) > 1 else None,
            "better_in": sum(one > 0 for one in apart),
            **{name: round(mean(one[arm][name] for one in seeds.values()), 4) for name in _fields()},
            "companies": round(mean(one[arm]["companies"] for one in seeds.values()), 1),
        }
    return told


def _fields() -> list[str]:
    return list(sroie.FIELDS.labels[:-1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--epochs", type=float, default=40, help="of the model of the first receipts")
    parser.add_argument("--steps", type=int, default=300, help="of the models of all that are labelled")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--go-on", action="store_true", help="keep what an earlier run has measured")
    parser.add_argument("--arms", nargs="+", choices=list(ARMS), default=list(ARMS))
    options = parser.parse_args()
    corpus = sroie.corpus()
    split = sroie.ROW.split(corpus)
    pool, others = split.training[:NUM_POOL], split.training[NUM_POOL:]
    documents = {one.id: one for one in part(corpus, pool).documents}
    test = part(corpus, [*split.test, *others]).documents
    kept = FOLDER / f"seeds-{options.steps}.json"
    seeds: dict[str, Any] = json.loads(kept.read_text()) if options.go_on and kept.exists() else {}
    for seed in map(str, range(1, options.seeds + 1)):
        seeds[seed] = one_seed(int(seed), documents, test, pool, options, seeds.get(seed, {}))
        kept.write_text(json.dumps(seeds, indent=1))
    told = summary(seeds, options.arms)
    print_table(
        f"{NUM_LABELLED} receipts, {len(test)} read, field F1 (--match alnum), {len(seeds)} seeds",
        ["chosen by", "F1", "spread", "against chance", "spread", "better in", *_fields(), "companies"],
        [[arm, *(str(value) for value in one.values())] for arm, one in told.items()],
    )
    write_result(
        "which_pages",
        f".venv-training/bin/python benchmarks/which_pages.py {' '.join(sys.argv[1:])}".strip(),
        {
            "labelled": NUM_LABELLED, "first": NUM_FIRST, "pool": len(pool), "test": len(test),
            "random_share": RULES.random_share, "epochs": options.epochs, "steps": options.steps,
            "arms": told, "seeds": seeds,
        },
    )  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
