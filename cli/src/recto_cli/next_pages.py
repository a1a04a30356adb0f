"""`recto data select --by uncertainty`: it runs where models run, with manifests of S3 fetched."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory

import recto_data
from recto_cli.training_commands import ENVIRONMENTS, Where, run_elsewhere
from recto_data.places import is_remote

COMMAND = "data-next-pages"


class By(StrEnum):
    """How pages are chosen."""

    RANDOM = "random"
    UNCERTAINTY = "uncertainty"


def next_pages(manifest: str, labelled: Sequence[str], output: str, more: Sequence[str]) -> int:
    """The exit code of the choice; `more` are its other arguments, word for word."""
    with TemporaryDirectory() as folder:
        here = [_fetched(one, Path(folder) / f"{number}.manifest") for number, one in enumerate(labelled)]
        pages = _fetched(manifest, Path(folder) / "pages.manifest")
        written = str(Path(folder) / "next.manifest") if is_remote(output) else output
        known = ["--labelled", *here] if here else []
        arguments = [pages, "--output", written, *more, *known]
        code = run_elsewhere(ENVIRONMENTS[Where.LOCAL], COMMAND, arguments)
        if code == 0 and is_remote(output):
            recto_data.write_lines(output, recto_data.read_content(written))
    return code


def _fetched(where: str, path: Path) -> str:
    """The manifest's path; what lies in S3 is written there."""
    if not is_remote(where):
        return where
    recto_data.write_lines(path, recto_data.read_content(where))
    return str(path)
