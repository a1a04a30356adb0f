"""Makes the agreements of `local/samples`: the same files each time, from seeds that training never uses.

`samples.json` lists them; `truth.jsonl` holds what they say, for scoring only: nothing in the pipeline
reads either.
"""

import io
import json
from pathlib import Path
from random import Random
from typing import NamedTuple

from PIL import Image

from recto_training.export import demo_fields
from recto_training.synthetic.agreement import ALL_HELD_OUT, ALL_SEEN, Agreement, Plan, generate
from recto_training.synthetic.pdf import render, scan, write_pdf

SCAN_DPI = 150


class Sample(NamedTuple):
    """One file to make."""

    file: str
    family: str
    plan: Plan
    seed: str
    wear: float = 0.0
    """Of the scan; without meaning for PDFs."""


SAMPLES = (
    Sample("pricing-table.pdf", "schumer", ALL_SEEN, "sample 21"),
    Sample("booklet.pdf", "booklet", ALL_SEEN, "sample 2"),
    Sample("rate-tiles.pdf", "tiles", ALL_SEEN, "sample 3"),
    Sample("letter.pdf", "letter", ALL_SEEN, "sample 4"),
    Sample("two-columns.pdf", "two_columns", ALL_SEEN, "sample 27"),
    Sample("questions and answers.pdf", "questions", ALL_HELD_OUT, "sample 6"),
    Sample("side-panel.pdf", "side_panel", ALL_HELD_OUT, "sample 7"),
    Sample("margin-headings.pdf", "margin_headings", ALL_HELD_OUT, "sample 8"),
    Sample("worn-scan.jpg", "schumer", ALL_SEEN, "sample 9", wear=0.55),
    Sample("fax.tiff", "leaders", ALL_SEEN, "sample 12", wear=0.15),
)


def write_samples(folder: str | Path) -> None:
    """All samples, their index and their truth."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    index, truth = [], []
    for sample in SAMPLES:
        agreement = generate(sample.seed, sample.plan, sample.family)
        content, num_pages = sample_file(sample, agreement)
        (target / sample.file).write_bytes(content)
        index.append(_index_entry(sample, num_pages))
        truth.append(json.dumps(truth_of(sample, agreement, num_pages), ensure_ascii=False))
    (target / "samples.json").write_text(json.dumps(index, indent=2) + "\n")
    (target / "truth.jsonl").write_text("\n".join(truth) + "\n", encoding="utf-8")


def sample_file(sample: Sample, agreement: Agreement) -> tuple[bytes, int]:
    """The file's bytes and its number of pages; a JPEG holds the first page alone."""
    pdf = write_pdf(agreement.sheet)
    if sample.file.endswith(".pdf"):
        return pdf, len(agreement.pages)
    rng = Random(sample.seed)
    images = [scan(image, rng, wear=sample.wear) for image in render(pdf, SCAN_DPI)]
    buffer = io.BytesIO()
    if sample.file.endswith(".jpg"):
        images[0].save(buffer, "JPEG", quality=60)
        return buffer.getvalue(), 1
    frames = [image.convert("1", dither=Image.Dither.NONE) for image in images]
    resolution = (SCAN_DPI, SCAN_DPI)
    frames[0].save(
        buffer, "TIFF", save_all=True, append_images=frames[1:], compression="group4", dpi=resolution
    )
    return buffer.getvalue(), len(frames)


def _index_entry(sample: Sample, num_pages: int) -> dict[str, object]:
    return {
        "file": sample.file,
        "pages": num_pages,
        "family": sample.family,
        "layout": sample.plan.layout.value,
        "seed": sample.seed,
        "licence": "Apache-2.0",
    }


def truth_of(sample: Sample, agreement: Agreement, num_pages: int) -> dict[str, object]:
    """The printed values of each field, as `score_fields.py` reads them."""
    fields: dict[str, list[str]] = {}
    for mention in agreement.mentions:
        if mention.page <= num_pages:
            texts = fields.setdefault(demo_fields().labels[mention.field], [])
            if mention.text not in texts:
                texts.append(mention.text)
    return {"id": sample.file, "fields": fields}
