"""Collating a corpus of 2,541 documents (17,025 pages) in S3 into a page manifest, from listings alone.

    .venv/bin/python benchmarks/collate.py --documents 100     a quick look, some seconds
    .venv/bin/python benchmarks/collate.py                     the figures, some minutes

The emulator of the local runtime is started for it, alone, with a state of its own, and stopped at the end.
Filling the bucket takes most of the time and is not measured. Documents have 6.7 pages on average as those of
the corpus of card agreements, the longest 402. Measured is
`recto_data.collate` as `recto data collate` calls it, the manifest's writing included; the second row also
opens every OCR result (ten words a page) to flag pages without content. Requests are counted at the client.
Exit code 1 beyond 30 s.
"""

import argparse
import contextlib
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import recording

from recto.formats import PDF
from recto.image_names import page_image_name
from recto_data import Content, Corpus, HowToCollate, collate, place_of, write_lines
from recto_data.parallel import each_done
from recto_local import processes
from recto_local.runtime import endpoint_environment

BUCKET = "corpus"
DOCUMENTS, PAGES, LONGEST = 2541, 17025, 402
LIMIT_SECONDS = 30.0
PYTHON = recording.ROOT / ".venv-tools" / "bin" / "python"
LAUNCHER = recording.ROOT / "local" / "src" / "recto_local" / "emulator.py"


def sizes(count: int) -> list[int]:
    """Pages of each document; the same each time."""
    draw = random.Random(1337)
    found = [min(60, max(1, round(draw.lognormvariate(1.62, 0.78)))) for _ in range(count - 1)] + [LONGEST]
    while count == DOCUMENTS and sum(found) != PAGES:
        index = draw.randrange(count - 1)
        found[index] = max(1, found[index] + (1 if sum(found) < PAGES else -1))
    return found


def names(count: int) -> dict[str, int]:
    """Documents and their pages, in folders as banks have them."""
    return {f"Bank {n % 300:03}/Card Agreement {n:04}.pdf": pages for n, pages in enumerate(sizes(count))}


@contextlib.contextmanager
def emulator() -> Iterator[None]:
    """S3 as the local runtime has it, in this process's environment."""
    with tempfile.TemporaryDirectory(prefix="recto-bench-") as folder:
        state, port = Path(folder), processes.free_port()
        environment = endpoint_environment(port, processes.free_port())
        command = [str(PYTHON), str(LAUNCHER), "--port", str(port), "--state", folder]
        started = processes.start(
            "emulator", command, {"PATH": os.environ["PATH"], **environment}, state, state / "emulator.log"
        )
        try:
            processes.wait_healthy(started, f"{environment['AWS_ENDPOINT_URL']}/_ministack/health", 120)
            os.environ.update(environment)
            yield
        finally:
            processes.stop(started, 30)


def fill(documents: dict[str, int]) -> None:
    """The objects that OCR and page images leave."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    objects: list[tuple[str, bytes]] = []
    for name, pages in documents.items():
        objects.append((f"ocr/{name}/consolidated.json", ocr_result(pages)))
        images = (page_image_name(name, PDF, page, pages) for page in range(1, pages + 1))
        objects.extend((f"images/imgs-clean/{image}", b"png") for image in images)

    def put(item: tuple[str, bytes]) -> None:
        s3.put_object(Bucket=BUCKET, Key=item[0], Body=item[1])

    for _, error in each_done(put, objects, at_once=8):
        if isinstance(error, Exception):
            raise error


def ocr_result(pages: int) -> bytes:
    """Ten words a page; every tenth page has none."""
    box = {"BoundingBox": {"Left": 0.1, "Top": 0.1, "Width": 0.1, "Height": 0.02}}
    blocks: list[dict[str, Any]] = []
    for page in range(1, pages + 1):
        blocks.append({"BlockType": "PAGE", "Id": f"p{page}", "Page": page, "Geometry": box})
        blocks += [
            {
                "BlockType": "WORD",
                "Id": f"{page}-{n}",
                "Page": page,
                "Text": "word",
                "Confidence": 99.0,
                "Geometry": box,
            }
            for n in range(0 if page % 10 == 0 else 10)
        ]
    return json.dumps(
        {"JobStatus": "SUCCEEDED", "DocumentMetadata": {"Pages": pages}, "Blocks": blocks}
    ).encode()


def count_requests() -> Counter[str]:
    """How often each operation of S3 is called from now on, by clients that are made from now on."""
    calls: Counter[str] = Counter()

    def heard(model: Any, **_: Any) -> None:
        calls[model.name] += 1

    boto3.setup_default_session()
    boto3.DEFAULT_SESSION.events.register("before-call.s3", heard)
    return calls


def measure(documents: dict[str, int], content: Content, folder: Path) -> dict[str, Any]:
    calls = count_requests()
    places = [place_of(f"s3://{BUCKET}/{prefix}") for prefix in ("raw", "ocr", "images/imgs-clean")]
    began, processor = time.perf_counter(), time.process_time()
    found = collate(sorted(documents), Corpus(*places), HowToCollate(content))
    write_lines(folder / "pages.jsonl", found.lines)
    if len(found.lines) != sum(documents.values()) or found.report.findings:
        sys.exit(f"{len(found.lines)} lines, expected {sum(documents.values())}; {found.report.findings[:3]}")
    return {
        "seconds": round(time.perf_counter() - began, 2),
        "processor_seconds": round(time.process_time() - processor, 2),
        "lines": len(found.lines),
        "requests": dict(calls),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=DOCUMENTS)
    options = parser.parse_args()
    documents = names(options.documents)
    with emulator(), tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        fill(documents)
        filled = round(time.perf_counter() - began, 1)
        rows = {
            content.value: measure(documents, content, Path(folder))
            for content in (Content.KEEP, Content.FLAG)
        }
    pages = sorted(documents.values())
    title = f"{len(pages)} documents, {sum(pages)} pages (quartiles {statistics.quantiles(pages, n=4)})"
    table = [
        [name, *(row[key] for key in ("seconds", "processor_seconds", "lines", "requests"))]
        for name, row in rows.items()
    ]
    recording.print_table(title, ("content", "s", "processor s", "lines", "requests"), table)
    print(f"\n  filling the bucket took {filled} s")
    figures = {"documents": len(pages), "pages": sum(pages), "limit_s": LIMIT_SECONDS, "content": rows}
    if options.documents == DOCUMENTS:
        command = f"python {' '.join(sys.argv)}"
        print(f"  {recording.write_result('collate', command, figures)}")
    if rows[Content.KEEP]["seconds"] > LIMIT_SECONDS:
        sys.exit(f"more than {LIMIT_SECONDS:g} s")


if __name__ == "__main__":
    main()
