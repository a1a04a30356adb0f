"""How fast a word model reads pages: the product's ways against a plain loop, with the same weights.

    .venv-training/bin/python benchmarks/inference.py --pages 40 --repeat 1      a quick look
    .venv-training/bin/python benchmarks/inference.py                            the figures

300 pages of 400 words (agreements of Kleister-NDA, words of the PDFs' text layer). The plain loop is what
one writes with transformers: float32, batches of 8 windows, each padded to 512 tokens. Ours are the endpoint
(torch with INFERENCE_PRECISION=bfloat16, windows batched by length), with and without Textract's JSON
around it, and the release that the pipeline embeds (ONNX), with float and with eight-bit weights. Every side
runs in a process of its own with the same number of threads, in turn; time is that of the pages alone,
after the model was loaded and has read a few. All sides read the same windows.

A second plain loop, of transformers' own LayoutLM in the same size with weights drawn by chance, shows
that the first one is no straw man. Needs `make setup`, `make bench-setup`, ../shared/data and a trained
model: that of `benchmarks/word_model.py kleister`, or one that `--model` names, or else it trains one.
"""

import argparse
import json
import pickle
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from recording import ROOT, print_table, write_result
from word_rows.kleister import ROW
from word_rows.rows import CACHE
from word_rows.running import part, train

from recto.document import Page
from recto.release import MODEL
from recto_training.corpus import LabelledPage

WORDS = 400
SIDES = ("plain", "transformers", "endpoint", "endpoint-json", "embedded", "embedded-int8")
TO_REACH = {"endpoint": 4.0, "embedded": 2.5}
"""Times the plain loop; embedded by the better of its two releases."""
F1_WITHIN = 0.003
WARM_UP = 4
NO_FIELD_PAGES = 0.5
"""Share of the pages that may hold no field at all."""


class Work(NamedTuple):
    """What a side measures itself on."""

    model: Path
    release: Path
    small: Path
    pages: Path
    threads: int


def main() -> int:
    options = arguments()
    if options.side:
        measure(options)
        return 0
    model = options.model or trained_model()
    pages = labelled_pages(options.pages)
    with tempfile.TemporaryDirectory(prefix="recto-bench-") as name:
        folder = Path(name)
        prepare(folder, model, pages)
        seen = {side: [] for side in SIDES}  # type: dict[str, list[dict[str, Any]]]
        for _ in range(options.repeat):
            for side in SIDES:
                seen[side].append(run_side(side, folder, model, options.threads))
                print(f"{side}: {seen[side][-1]['pages_per_second']:.2f} pages/s", flush=True)
        figures = judged(seen, folder, pages)
    show(figures)
    values = {"pages": len(pages), "words_a_page": WORDS, "threads": options.threads, **figures}
    told = " ".join(["benchmarks/inference.py", *sys.argv[1:]])
    print(write_result("inference", f".venv-training/bin/python {told}", values).relative_to(ROOT))
    return 0 if figures["reached"] else 1


# --- what is measured on


def trained_model() -> Path:
    """That of the Kleister row where it was run; else one of two epochs, kept for the next time."""
    for folder in (CACHE / ROW.name, CACHE / "inference-model"):
        if (folder / "model.safetensors").is_file():
            return folder
    corpus = ROW.corpus()
    recipe = replace(ROW.recipe(), num_train_epochs=2)
    return train(recipe, part(corpus, ROW.split(corpus).training), CACHE / "inference-model").folder


def labelled_pages(count: int) -> list[LabelledPage]:
    """The first pages of at least 400 words, cut to these; at most half of them without a field."""
    kept = CACHE / f"inference-pages-{count}.pickle"
    if not kept.is_file():
        found = list(islice(_long_pages(count), count))
        if len(found) < count:
            raise SystemExit(f"{len(found)} pages of {WORDS} words in ../shared/data, expected {count}")
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(pickle.dumps(found))
    pages: list[LabelledPage] = pickle.loads(kept.read_bytes())  # noqa: S301 - written by the lines above
    return pages


def _long_pages(count: int) -> Any:
    plain, other = 0, len(ROW.corpus().labels) - 1
    for document in ROW.corpus():
        for page in document.pages:
            if len(page.page.words) < WORDS:
                continue
            classes = page.classes[:WORDS]
            plain += set(classes) <= {other, -100}
            if set(classes) <= {other, -100} and plain > count * NO_FIELD_PAGES:
                continue
            yield LabelledPage(Page(page.page.number, page.page.words[:WORDS]), classes)


def prepare(folder: Path, model: Path, pages: Sequence[LabelledPage]) -> None:
    """Releases of the model, the pages, and the same as one Textract response."""
    from recto_training import export
    from recto_training.release_of_run import ExportOptions, write_release_of

    write_release_of(model, folder / "release", ExportOptions(name="release"))
    shutil.copytree(folder / "release", folder / "small")
    small = export.quantise((folder / "release" / MODEL).read_bytes(), folder)
    export.amend_release(folder / "small", {MODEL: small}, {})
    only = [Page(number, page.page.words) for number, page in enumerate(pages, 1)]
    (folder / "pages.pickle").write_bytes(pickle.dumps(only))
    (folder / "textract.json").write_text(json.dumps(textract_of(only)))
    (folder / "warm-up.json").write_text(json.dumps(textract_of(only[:WARM_UP])))


def textract_of(pages: Sequence[Page]) -> dict[str, Any]:
    """A response as Textract writes it, as far as words go."""
    blocks: list[dict[str, Any]] = []
    for page in pages:
        blocks.append({"BlockType": "PAGE", "Id": f"p{page.number}", "Page": page.number})
        for index, word in enumerate(page.words):
            where = {"Page": page.number, "Geometry": {"BoundingBox": word.box.to_textract()}}
            text = {"Id": f"{page.number}-{index}", "Text": word.text, "Confidence": 99.0}
            blocks.append({"BlockType": "WORD", **text, **where})
    return {"DocumentMetadata": {"Pages": len(pages)}, "Blocks": blocks}


# --- one side, in a process of its own


def run_side(side: str, folder: Path, model: Path, threads: int) -> dict[str, Any]:
    command = [sys.executable, __file__, "--side", side, "--folder", str(folder), "--model", str(model)]
    subprocess.run([*command, "--threads", str(threads)], check=True)
    told: dict[str, Any] = json.loads((folder / f"{side}.json").read_text())
    return told


def measure(options: argparse.Namespace) -> None:
    """Times and predictions of one side, into files of its folder."""
    folder: Path = options.folder
    pages: list[Page] = pickle.loads((folder / "pages.pickle").read_bytes())  # noqa: S301 - our own
    read = READERS[options.side](folder, options.model, options.threads)
    read(pages[:WARM_UP])
    wall, cpu = time.perf_counter(), time.process_time()
    classes = read(pages)
    told = {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "pages_per_second": len(pages) / (time.perf_counter() - wall),
    }
    (folder / f"{options.side}.json").write_text(json.dumps(told))
    (folder / f"{options.side}.pickle").write_bytes(pickle.dumps(classes))


Classes = list[tuple[int, ...]]
Read = Callable[[Sequence[Page]], Classes]


def plain(_: Path, model: Path, threads: int) -> Read:
    """The loop that one writes: tokens, batches of 8 padded to 512, float32, mean of each word's tokens."""
    import torch

    from recto_training.encoders.stored import read_model

    torch.set_num_threads(threads)
    base = read_model(model)
    return _plain_loop(base.model, base.pages, len(base.labels))


def transformers_own(_: Path, model: Path, threads: int) -> Read:
    """The same loop over transformers' LayoutLM, of MiniLM's size."""
    import torch
    from transformers import LayoutLMConfig, LayoutLMForTokenClassification

    from recto_training.encoders.stored import read_model

    torch.set_num_threads(threads)
    base = read_model(model)
    config = LayoutLMConfig(
        vocab_size=base.pages.vocabulary_size,
        hidden_size=384,
        num_hidden_layers=6,
        num_attention_heads=12,
        intermediate_size=1536,
        num_labels=len(base.labels),
    )
    network = LayoutLMForTokenClassification(config).eval()

    def forward(ids: Any, mask: Any, boxes: Any) -> Any:
        return network(input_ids=ids, attention_mask=mask, bbox=boxes).logits

    return _plain_loop(forward, base.pages, len(base.labels))


def _plain_loop(network: Any, encoder: Any, num_classes: int) -> Read:
    import torch

    from recto.inference import Votes

    def read(pages: Sequence[Page]) -> Classes:
        windows = [(at, window) for at, page in enumerate(pages) for window in encoder.encode(page)]
        votes = [Votes(len(page.words), num_classes) for page in pages]
        for start in range(0, len(windows), 8):
            some = windows[start : start + 8]
            batch = encoder.collate([window for _, window in some], 512)
            with torch.no_grad():
                logits = network(*(torch.from_numpy(array) for array in batch[:3])).numpy()
            for (at, _), words, row in zip(some, batch.words_BL, logits, strict=True):
                votes[at].add_window(words, row)
        return [each.result(1).classes for each in votes]

    return read


def endpoint(_: Path, model: Path, threads: int) -> Read:
    """What an endpoint does between its JSON and its JSON."""
    from recto_training.predict import HowToRun, Precision, open_word_model

    opened = open_word_model(model, HowToRun(threads=threads, precision=Precision.BFLOAT16))
    return lambda pages: [v.predictions.classes for v in opened.verdicts((page, None) for page in pages)]


def endpoint_json(folder: Path, model: Path, threads: int) -> Read:
    """All that an endpoint does: Textract's JSON in, the same with classes out."""
    from recto_training.serve import Asked
    from recto_training.serve_words import open_endpoint

    opened = open_endpoint(model, {"INFERENCE_THREADS": str(threads), "INFERENCE_PRECISION": "bfloat16"})

    def read(pages: Sequence[Page]) -> Classes:
        name = "warm-up.json" if len(pages) == WARM_UP else "textract.json"
        asked = Asked(folder / name, "application/json", "")
        blocks = json.loads(opened.answer(asked, folder).body.read_bytes())["Blocks"]
        found: Classes = [() for _ in pages]
        said = [(block["Page"], block["PredictedClass"]) for block in blocks if block["BlockType"] == "WORD"]
        for number in range(1, len(pages) + 1):
            found[number - 1] = tuple(each for page, each in said[(number - 1) * WORDS : number * WORDS])
        return found

    return read


def embedded(folder: Path, _: Path, threads: int) -> Read:
    """The float release, as the pipeline's function runs it."""
    return _embedded(folder / "release", threads)


def embedded_int8(folder: Path, _: Path, threads: int) -> Read:
    """The release with eight-bit weights."""
    return _embedded(folder / "small", threads)


def _embedded(release: Path, threads: int) -> Read:
    from recto.inference import WordClassifier

    classifier = WordClassifier.load(release, threads=threads)
    return lambda pages: [said.classes for said in classifier.predict_pages(pages)]


READERS: dict[str, Callable[[Path, Path, int], Read]] = dict(
    zip(SIDES, (plain, transformers_own, endpoint, endpoint_json, embedded, embedded_int8), strict=True)
)


# --- figures


def judged(
    seen: dict[str, list[dict[str, Any]]], folder: Path, pages: Sequence[LabelledPage]
) -> dict[str, Any]:
    """By side: speed, how many times the plain loop's, and whether it says the same."""
    said = {side: pickle.loads((folder / f"{side}.pickle").read_bytes()) for side in SIDES}  # noqa: S301
    sizes = {name: (folder / name / "model.onnx").stat().st_size for name in ("release", "small")}
    sides = {}
    for side, runs in seen.items():
        speed = median(run["pages_per_second"] for run in runs)
        first = {
            "pages_per_second": speed,
            "times_plain": speed / median(run["pages_per_second"] for run in seen["plain"]),
            "times_plain_by_cpu_time": median(run["cpu_seconds"] for run in seen["plain"])
            / median(run["cpu_seconds"] for run in runs),
        }
        same = {} if side == "transformers" else likeness(said[side], said["plain"], pages)
        sides[side] = {**first, **same, "raw": runs}
    best = max(sides["embedded"]["times_plain"], sides["embedded-int8"]["times_plain"])
    reached = {
        "endpoint": sides["endpoint"]["times_plain"] >= TO_REACH["endpoint"],
        "embedded": best >= TO_REACH["embedded"],
        "same": all(
            abs(sides[side]["entity_f1"] - sides["plain"]["entity_f1"]) <= F1_WITHIN
            for side in SIDES
            if side != "transformers"
        ),
    }
    return {"sides": sides, "model_bytes": sizes, "to_reach": reached, "reached": all(reached.values())}


def likeness(said: Classes, plainly: Classes, pages: Sequence[LabelledPage]) -> dict[str, float]:
    """Entity F1 against the labels, and the share of words that the plain loop gives the same class."""
    from recto_training.evaluation.spans import add_entities, entity_names
    from recto_training.evaluation.tally import Tallies

    labels = ROW.corpus().labels
    tallies = Tallies(entity_names(labels))
    for page, classes in zip(pages, said, strict=True):
        add_entities(tallies, page.classes, classes, labels)
    same = np.mean([np.mean(np.equal(a, b)) for a, b in zip(said, plainly, strict=True)])
    return {"entity_f1": tallies.total.f1, "same_class": float(same)}


def show(figures: dict[str, Any]) -> None:
    head = ("side", "pages/s", "x plain", "x plain (CPU time)", "entity F1", "same class")
    rows = []
    for side, row in figures["sides"].items():
        f1, same = row.get("entity_f1"), row.get("same_class")
        likeness_told = ("", "") if f1 is None else (f"{f1:.4f}", f"{same:.2%}")
        speeds = (row["pages_per_second"], row["times_plain"], row["times_plain_by_cpu_time"])
        rows.append((side, *(f"{value:.2f}" for value in speeds), *likeness_told))
    print_table("reading pages of 400 words; the plain loop is float32, 8 x 512", head, rows)
    print(f"\nmodel.onnx: {figures['model_bytes']}; reached: {figures['to_reach']}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pages", type=int, default=300)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--model", type=Path, help="a model folder of Kleister's four fields")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
