"""What a processing job runs in its container, `python process.py ocr|pages …`: this machine's documents.

Standard library until the staged wheels are installed.
"""

import sys
from importlib import import_module

MODULES = {"ocr": "recto_ocr.processing", "pages": "recto_ocr.page_images"}
PLACES = ["--input", "/opt/ml/processing/input/documents", "--output", "/opt/ml/processing/output"]


def main() -> int:
    task, *options = sys.argv[1:]
    sys.argv = [task, *PLACES, *options]
    return int(import_module(MODULES[task]).main() or 0)


if __name__ == "__main__":
    sys.exit(main())
