"""Builds the layers as `sam build` does for AWS and adds up their sizes against Lambda's limit.

    .venv/bin/python scripts/check_layers.py          what `make check-layers` runs; needs a package index

It resolves and downloads the wheels for the Lambda runtime, not for this machine; it runs none of them.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LAYERS = {
    "recto": "RectoLayer",
    "inference": "InferenceLayer",
    "imaging": "ImagingLayer",
    "workbench": "WorkbenchLayer",
}
LIMIT_MB = 250
"""Lambda's limit on a function and its layers, unzipped."""
WHEEL_TAG = re.compile(r"^Tag: (?P<tag>\S+)$", re.MULTILINE)


def build(layer: str, target: Path) -> Path:
    """Build one layer for AWS; pip's own message is shown when it fails."""
    makefile = ROOT / "layers" / layer / "Makefile"
    environment = {**os.environ, "RECTO_LAYER_TARGET": "lambda", "ARTIFACTS_DIR": str(target)}
    command = ["make", "--silent", "--makefile", str(makefile), f"build-{LAYERS[layer]}"]
    subprocess.run(command, env=environment, cwd=target.parent, check=True)
    return target / "python"


def size_mb(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1_000_000


def foreign_tags(site: Path, platform: str) -> list[str]:
    """Tags of installed wheels that would not load on the platform."""
    texts = (path.read_text() for path in site.glob("*.dist-info/WHEEL"))
    tags = [tag for text in texts for tag in WHEEL_TAG.findall(text)]
    return sorted(tag for tag in tags if not tag.endswith("-any") and not tag.endswith(platform))


def main() -> int:
    platform = os.environ.get("RECTO_LAYER_PLATFORM", "aarch64")
    python = os.environ.get("RECTO_LAYER_PYTHON", "3.13")
    failures = []
    total = 0.0
    with tempfile.TemporaryDirectory() as scratch:
        for layer in LAYERS:
            site = build(layer, Path(scratch) / layer)
            total += size_mb(site)
            print(f"{layer:10} {size_mb(site):7.1f} MB for Python {python}, {platform}")
            failures += [
                f"{layer}: a wheel for {tag}, expected {platform}" for tag in foreign_tags(site, platform)
            ]
    print(f"{'together':10} {total:7.1f} MB of {LIMIT_MB} MB; no function uses all three")
    if total > LIMIT_MB:
        failures.append(f"the layers are {total:.0f} MB together, Lambda's limit is {LIMIT_MB} MB")
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
