"""The source folder that a job gets: wheels of our two packages, what names them, and a thin entry script.

Nothing is copied by hand and nothing staged is committed: the wheels are built from the tree at each launch,
into a temporary folder. A job installs the files; versions of everything else are the image's.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from recto.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[4]
"""The repository: the package is installed editable from it."""
ENTRIES = ROOT / "training" / "jobs" / "entry"
TRAINING = ("layers/recto", "training")
PAGES = ("layers/recto", "ocr")
REQUIREMENTS, HASHES = "requirements.txt", "wheels.json"


class Staged(NamedTuple):
    """A folder that is ready to be uploaded."""

    folder: Path
    entry: str
    wheels: dict[str, str]
    """sha256 of each wheel by its file name."""


@contextmanager
def staged(entry: str, projects: tuple[str, ...]) -> Iterator[Staged]:
    """The source folder for an entry script of `training/jobs/entry`; gone afterwards."""
    with TemporaryDirectory(prefix="recto-job-") as name:
        folder = Path(name)
        wheels = build_wheels(projects, folder)
        (folder / REQUIREMENTS).write_text("".join(f"./{wheel}\n" for wheel in sorted(wheels)))
        (folder / HASHES).write_text(json.dumps(wheels, indent=1, sort_keys=True) + "\n")
        shutil.copyfile(ENTRIES / entry, folder / entry)
        yield Staged(folder, entry, wheels)


def build_wheels(projects: tuple[str, ...], folder: Path) -> dict[str, str]:
    """Build each project's wheel into the folder; its hash by file name. ConfigurationError else."""
    command = [sys.executable, str(ROOT / "scripts" / "build_wheels.py"), str(folder), *projects]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ConfigurationError(done.stderr.strip())
    return dict(json.loads(done.stdout))
