"""`recto local up` tells of pages that are older than their sources; the builder's own script knows it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from recto_cli.built_pages import stale_pages

ROOT = Path(__file__).parents[3]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A repository with the script, some sources and pages that the script would call built of them."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "bootstrap.py", tmp_path / "scripts")
    web, built = tmp_path / "workbench" / "web", tmp_path / "workbench" / "src" / "recto_workbench" / "static"
    (web / "src").mkdir(parents=True)
    built.mkdir(parents=True)
    (web / "package.json").write_text("{}")
    (web / "src" / "main.ts").write_text("let a = 1;")
    (built / "index.html").write_text("<!doctype html>")
    (built / ".made-from").write_text(fingerprint(tmp_path))
    return tmp_path


def fingerprint(root: Path) -> str:
    code = "import bootstrap; print(bootstrap.web_fingerprints()[1], end='')"
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=root / "scripts", capture_output=True, text=True, check=True
    )
    return told.stdout


def test_pages_of_their_sources_are_no_matter(copy: Path) -> None:
    assert stale_pages(copy) == ""


def test_pages_that_are_older_or_missing_are_told(copy: Path) -> None:
    (copy / "workbench" / "web" / "src" / "main.ts").write_text("let a = 2;")
    older = stale_pages(copy)
    (copy / "workbench" / "src" / "recto_workbench" / "static" / "index.html").unlink()
    missing = stale_pages(copy)

    assert older == "the workbench's pages are older than their sources (workbench/web): make web"
    assert missing == "the workbench's pages have not been built: make web"


def test_a_test_of_the_pages_makes_them_no_older(copy: Path) -> None:
    (copy / "workbench" / "web" / "src" / "main.test.ts").write_text("test('x', () => {});")

    assert stale_pages(copy) == ""


def test_without_sources_nothing_is_told(tmp_path: Path) -> None:
    assert stale_pages(tmp_path) == ""
