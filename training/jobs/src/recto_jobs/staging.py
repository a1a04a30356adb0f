"""The source folder that a job gets: wheels of our two packages, what names them, and a thin entry script.

Nothing is copied by hand and nothing staged is committed: the wheels are built from the tree at each launch,
into a temporary folder. A job installs the files; versions of everything else are the image's.
"""

import hashlib
import json
import re
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
COMMIT_TIME = "315532800"
"""1980, the first time that a zip file can hold: the same source gives the same wheel."""


class Staged(NamedTuple):
    """A folder that is ready to be uploaded."""

    folder: Path
    entry: str
    wheels: dict[str, str]
    """sha256 of each wheel by its file name."""


@contextmanager
def staged(entry: str, projects: tuple[str, ...], root: Path = ROOT) -> Iterator[Staged]:
    """The source folder for an entry script of `training/jobs/entry`; gone afterwards."""
    with TemporaryDirectory(prefix="recto-job-") as name:
        folder = Path(name)
        wheels = build_wheels([root / project for project in projects], folder)
        (folder / REQUIREMENTS).write_text("".join(f"./{wheel}\n" for wheel in sorted(wheels)))
        (folder / HASHES).write_text(json.dumps(wheels, indent=1, sort_keys=True) + "\n")
        shutil.copyfile(ENTRIES / entry, folder / entry)
        yield Staged(folder, entry, wheels)


def build_wheels(projects: list[Path], folder: Path) -> dict[str, str]:
    """Build each project's wheel into the folder; its hash by file name. ConfigurationError else."""
    with TemporaryDirectory(prefix="recto-wheels-") as scratch:
        sources = [_source(project, Path(scratch)) for project in projects]
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
        command += [
            "--no-index",
            "--disable-pip-version-check",
            "--wheel-dir",
            str(folder),
            *map(str, sources),
        ]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            env={"SOURCE_DATE_EPOCH": COMMIT_TIME, "PATH": "/usr/bin:/bin"},
        )
    if done.returncode:
        raise ConfigurationError(
            f"wheels of {', '.join(map(str, projects))}: pip failed:\n{done.stderr[-2000:]}"
        )
    return {path.name: sha256(path) for path in sorted(folder.glob("*.whl"))}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _source(project: Path, scratch: Path) -> Path:
    """A copy of the project: setuptools writes build folders beside it, and would pack old ones.

    Its version is told apart by the source's hash: pip keeps what an image holds of the same version.
    """
    if not (project / "pyproject.toml").is_file():
        raise ConfigurationError(f"{project}: expected a project with a pyproject.toml")
    target = scratch / project.name
    shutil.copytree(
        project / "src", target / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
    )
    settings = (project / "pyproject.toml").read_text()
    stamped = re.sub(
        r'^(version = "[^"+]+)"', rf'\1+{_source_hash(target)}"', settings, count=1, flags=re.MULTILINE
    )
    (target / "pyproject.toml").write_text(stamped)
    return target


def _source_hash(folder: Path) -> str:
    whole = hashlib.sha256()
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        whole.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes() + b"\0")
    return whole.hexdigest()[:12]
