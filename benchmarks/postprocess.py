"""Post-processing of a long document: our page store against Textract JSON through trp, as the reference did.

    .venv/bin/python benchmarks/postprocess.py --pages 40 --repeat 1     a quick look
    .venv/bin/python benchmarks/postprocess.py                           the figures, about 4 minutes

Ours is the product's own step (`recto.steps.postprocess.extract_fields`): pages, predictions, reading
order, mentions, values, normal forms, validators, calibrated confidence, `fields.json`. The other side is
what the reference's function did: parse the JSON, `trp.Document`, walk over pages, lines and words, put runs
of one class together, group them by class and text, write JSON; it normalises and validates nothing. Both
read local files, each in a fresh process, in turn. Peak memory is that of the whole process. For ours it is
taken once more with everything that the Lambda function imports (boto3, Powertools), for 3,000 pages too.
"""

import argparse
import json
import runpy
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()

BUCKET, DOCUMENT, RELEASE = "work", "benchmark", "releases/demo"
LIMIT_MB, FACTOR = 200, 5
FEW, WORST_PAGES = 2, 100
"""Repetitions where time is not compared, and pages of the worst case, which would take longest by far."""


# --- the two sides, each in a process of its own ------------------------------------------------------


def post_process_page_store(folder: Path) -> dict[str, Any]:
    """The product's step over a folder in place of the work bucket."""
    from recto.messages import DocumentRef, PostprocessRequest
    from recto.ports import ObjectInfo
    from recto.steps.postprocess import Postprocess, extract_fields

    class Folder:
        def info(self, place: Any) -> ObjectInfo | None:
            path = folder / place.bucket / place.key
            return ObjectInfo(path.stat().st_size, "") if path.exists() else None

        def read(self, place: Any) -> bytes:
            return (folder / place.bucket / place.key).read_bytes()

        def read_range(self, place: Any, offset: int, length: int) -> bytes:
            with (folder / place.bucket / place.key).open("rb") as file:
                file.seek(offset)
                return file.read(length)

        def write(self, place: Any, body: bytes, _: str = "") -> None:
            (folder / place.bucket / place.key).write_bytes(body)

        def download(self, place: Any, path: Path) -> None:
            shutil.copyfile(folder / place.bucket / place.key, path)

    class NoEndpoints:
        def ask(self, name: str, body: bytes) -> bytes:
            raise AssertionError(f"no field names an endpoint, {name} was asked {len(body)} bytes")

    document = DocumentRef(document_id=DOCUMENT, bucket="inbox", key="long.pdf", release=RELEASE)
    started = time.perf_counter()
    extract_fields(PostprocessRequest(document=document), Postprocess(Folder(), NoEndpoints(), BUCKET))
    seconds = time.perf_counter() - started
    fields = json.loads((folder / BUCKET / f"documents/{DOCUMENT}/fields.json").read_bytes())["Fields"]
    return {"seconds": seconds, "mentions": sum(field["NumDetections"] for field in fields.values())}


def post_process_trp(folder: Path) -> dict[str, Any]:
    """What the reference's function did, with the parser that it used."""
    from trp import Document

    started = time.perf_counter()
    with (folder / "textract.json").open() as file:
        document = Document(json.load(file))
    grouped: dict[int, dict[str, list[dict[str, Any]]]] = {}
    num_detections = 0
    for detection in _detections(document):
        num_detections += 1
        of_class = grouped.setdefault(detection["ClassId"], {})
        of_class.setdefault(detection["Text"], []).append(detection)
    fields = {
        str(class_id): [
            {"Value": text, "Confidence": max(one["Confidence"] for one in said), "Detections": said}
            for text, said in values.items()
        ]
        for class_id, values in sorted(grouped.items())
    }
    (folder / "trp-fields.json").write_text(json.dumps(fields))
    return {"seconds": time.perf_counter() - started, "mentions": num_detections}


def _detections(document: Any) -> Any:
    """Runs of words of one class; a page's end does not break them, as in the reference."""
    run: list[tuple[int, Any, Any]] = []
    for number, page in enumerate(document.pages, start=1):
        for line in page.lines:
            for word in line.words:
                class_id = word.block["PredictedClass"]
                if run and run[-1][2].block["PredictedClass"] != class_id:
                    yield _detection(run)
                    run = []
                if class_id != OTHER:
                    run.append((number, line, word))
    if run:
        yield _detection(run)


def _detection(run: list[tuple[int, Any, Any]]) -> dict[str, Any]:
    lines: dict[str, list[str]] = {}
    for _, line, word in run:
        lines.setdefault(line.id, []).append(word.text)
    boxes = [word.geometry.boundingBox for _, _, word in run]
    left, top = min(box.left for box in boxes), min(box.top for box in boxes)
    words = [word for _, _, word in run]
    return {
        "ClassId": words[0].block["PredictedClass"],
        "Text": "\n".join(" ".join(texts) for texts in lines.values()),
        "Confidence": min(min(w.block["PredictedClassConfidence"], w.confidence / 100) for w in words),
        "Blocks": [word.id for word in words],
        "BoundingBox": {
            "Left": left, "Top": top,
            "Width": max(box.left + box.width for box in boxes) - left,
            "Height": max(box.top + box.height for box in boxes) - top,
        },
        "PageNum": run[0][0],
    }  # fmt: skip


OTHER = 19
SIDES = {"ours": post_process_page_store, "trp": post_process_trp}


def child(side: str, folder: Path, *, as_function: bool) -> None:
    from recording import peak_memory_mb

    if as_function:
        runpy.run_path(str(HERE.parent.parent / "functions" / "entity_postprocess" / "app.py"))
    measured = SIDES[side](folder)
    print(json.dumps({**measured, "peak_mb": peak_memory_mb()}))


# --- the run ------------------------------------------------------------------------------------------


def make_document(folder: Path, num_pages: int, density: str, *, with_json: bool) -> None:
    """In a process of its own: making a long document must not be measured."""
    from long_document import DENSITIES, write_page_store, write_textract_json

    from recto.places import DocumentPlaces

    release = folder / BUCKET / RELEASE
    shutil.copytree(HERE.parent.parent / "local" / "releases" / "demo", release)
    write_page_store(folder, DocumentPlaces(BUCKET, DOCUMENT), num_pages, DENSITIES[density])
    if with_json:
        write_textract_json(folder / "textract.json", num_pages, DENSITIES[density])


def in_fresh_process(side: str, folder: Path, *, as_function: bool = False) -> dict[str, Any]:
    command = [sys.executable, str(HERE), "--child", side, "--folder", str(folder)]
    started = time.perf_counter()
    told = subprocess.run(
        [*command, *(["--as-function"] if as_function else [])], check=True, capture_output=True, text=True
    )
    return {**json.loads(told.stdout.splitlines()[-1]), "process_seconds": time.perf_counter() - started}


def compared(folder: Path, repeat: int) -> dict[str, list[dict[str, Any]]]:
    """Both sides in turn, so that whatever else the machine does falls on both."""
    raw: dict[str, list[dict[str, Any]]] = {"ours": [], "trp": []}
    for _ in range(repeat):
        for side, runs in raw.items():
            runs.append(in_fresh_process(side, folder))
    return raw


def median(runs: list[dict[str, Any]], key: str) -> float:
    return statistics.median(run[key] for run in runs)


def measure(num_pages: int, density: str, repeat: int, *, compare: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="recto-benchmark-") as name:
        folder = Path(name)
        make = [sys.executable, str(HERE), "--make", density, "--folder", name, "--pages", str(num_pages)]
        subprocess.run([*make, *(["--with-json"] if compare else [])], check=True)
        stored = sum(path.stat().st_size for path in (folder / BUCKET / "documents").rglob("*.bin"))
        raw = compared(folder, repeat) if compare else {"ours": [in_fresh_process("ours", folder)]}
        as_function = in_fresh_process("ours", folder, as_function=True)
        size = (folder / "textract.json").stat().st_size if compare else None
    return {
        "pages": num_pages, "density": density, "page_store_bytes": stored, "textract_json_bytes": size,
        "raw": raw, "as_function": as_function,
    }  # fmt: skip


def row(measured: dict[str, Any], side: str) -> list[str]:
    runs = measured["raw"][side]
    peak = max(run["peak_mb"] for run in runs)
    in_function = f"{measured['as_function']['peak_mb']:.0f}" if side == "ours" else ""
    return [
        str(measured["pages"]), measured["density"], side, f"{runs[0]['mentions']}",
        f"{median(runs, 'seconds'):.2f}", f"{median(runs, 'process_seconds'):.2f}", f"{peak:.0f}",
        in_function,
    ]  # fmt: skip


def main() -> None:
    from recording import print_table, write_result

    options = arguments()
    few = min(options.repeat, FEW)
    measured = [
        measure(options.pages, "usual", options.repeat, compare=True),
        measure(min(options.pages, WORST_PAGES), "worst", few, compare=True),
        measure(options.long_pages, "usual", few, compare=False),
        measure(options.long_pages, "busy", few, compare=False),
    ]
    head = [
        "pages",
        "density",
        "side",
        "mentions",
        "work s",
        "process s",
        "peak MB",
        "peak MB in the function",
    ]
    print_table(
        f"post-processing, medians of {options.repeat}, both sides in turn", head,
        [row(one, side) for one in measured for side in one["raw"]],
    )  # fmt: skip
    first = measured[0]["raw"]
    factor = median(first["trp"], "seconds") / median(first["ours"], "seconds")
    whole = median(first["trp"], "process_seconds") / median(first["ours"], "process_seconds")
    print(f"\nfaster: {factor:.1f} x (work), {whole:.1f} x (whole process); wanted {FACTOR} x")
    print(f"largest peak on usual documents: {_largest_peak(measured):.0f} MB; wanted at most {LIMIT_MB} MB")
    command = "python benchmarks/postprocess.py " + " ".join(sys.argv[1:])
    values = {"factor_work": factor, "factor_process": whole, "cases": measured}
    print(write_result("postprocess", command.strip(), values).relative_to(HERE.parent.parent))


def _largest_peak(measured: list[dict[str, Any]]) -> float:
    return max(one["as_function"]["peak_mb"] for one in measured if one["density"] == "usual")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pages", type=int, default=402)
    parser.add_argument("--long-pages", type=int, default=3000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--child", choices=sorted(SIDES), help=argparse.SUPPRESS)
    parser.add_argument("--make", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--with-json", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--as-function", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    OPTIONS = arguments()
    if OPTIONS.child:
        child(OPTIONS.child, OPTIONS.folder, as_function=OPTIONS.as_function)
    elif OPTIONS.make:
        make_document(OPTIONS.folder, OPTIONS.pages, OPTIONS.make, with_json=OPTIONS.with_json)
    else:
        main()
