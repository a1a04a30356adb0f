"""Wheels of projects of this repository, for containers: built aside, reproducible, named by their source.

    python scripts/build_wheels.py FOLDER layers/recto training

Prints the sha256 of each wheel as JSON. Standard library, and setuptools and wheel of whoever runs it. For
the launchers of jobs and `recto deploy-model`, which live in different environments.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
OLDEST = "315532800"
"""1980, the first time that a zip file can hold: the same source gives the same wheel."""


class WheelError(Exception):
    """A project that gives no wheel."""


def build_wheels(projects: list[Path], folder: Path) -> dict[str, str]:
    """Build each project's wheel into the folder; its hash by file name."""
    with TemporaryDirectory(prefix="recto-wheels-") as scratch:
        sources = [_source(project, Path(scratch)) for project in projects]
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
        command += ["--no-index", "--disable-pip-version-check", "--wheel-dir", str(folder)]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": OLDEST}
        done = subprocess.run(
            [*command, *map(str, sources)], capture_output=True, text=True, check=False, env=environment
        )
    if done.returncode:
        raise WheelError(f"wheels of {', '.join(map(str, projects))}: pip failed:\n{done.stderr[-2000:]}")
    wheels = sorted(folder.glob("*.whl"))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in wheels}


def _source(project: Path, scratch: Path) -> Path:
    """A copy of the project: setuptools writes build folders beside it, and would pack old ones.

    Its version is told apart by the source's hash: pip keeps what an image holds of the same version.
    """
    if not (project / "pyproject.toml").is_file():
        raise WheelError(f"{project}: expected a project with a pyproject.toml")
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


def main(arguments: list[str]) -> int:
    folder, *projects = map(Path, arguments)
    try:
        wheels = build_wheels([ROOT / project for project in projects], folder)
    except WheelError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(wheels, indent=1, sort_keys=True))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
