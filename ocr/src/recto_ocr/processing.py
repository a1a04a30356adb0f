"""OCR of a folder as a SageMaker processing job; SageMaker shards the documents over machines by key.

    python -m recto_ocr.processing
    python -m recto_ocr.processing --input scans --output scans-ocr

The engine, its languages and the resolution come from the environment (`recto_ocr.configuration`). The
exit code is 1 where a document failed and 2 where nothing could be done; the report lies beside the results,
one file per machine.
"""

import argparse
import json
import os
import sys
from collections import Counter
from pathlib import Path

from recto.errors import ConfigurationError
from recto_ocr.batch import Outcome, Progress, run_batch
from recto_ocr.configuration import OcrSettings

INPUT, OUTPUT = Path("/opt/ml/processing/input"), Path("/opt/ml/processing/output")
RESOURCES = Path("/opt/ml/config/resourceconfig.json")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m recto_ocr.processing", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--input", type=Path, default=INPUT)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    return parser.parse_args()


def host_name(resources: Path = RESOURCES) -> str:
    """The machine's name in the job, so that reports of several do not meet; `algo-1` outside a job."""
    try:
        return str(json.loads(resources.read_text())["current_host"])
    except (FileNotFoundError, KeyError):
        return "algo-1"


def say(outcome: Outcome) -> None:
    print(outcome.to_json(), flush=True)


def main() -> int:
    options = arguments()
    try:
        settings = OcrSettings.read(os.environ)
        report = options.output / f"ocr-report-{host_name()}.jsonl"
        outcomes = run_batch(
            options.input, options.output, settings.how, settings.num_workers, report, Progress(ended=say)
        )
    except ConfigurationError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2
    counts = Counter(outcome.status for outcome in outcomes)
    print(json.dumps({"Ended": dict(counts), "Pages": sum(outcome.pages for outcome in outcomes)}))
    return 1 if counts["FAILED"] else 0


if __name__ == "__main__":
    sys.exit(main())
