"""The commands of docs/guides/data.md, run as they stand there, print what stands there."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from recto_cli.main import app

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guides" / "data.md"
MANIFESTS = ROOT.parent / "shared" / "data" / "groundtruth" / "manifests"


def steps() -> list[tuple[str, str]]:
    """Each command with what it prints."""
    blocks = re.findall(r"```console\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    return [
        (command, output)
        for block in blocks
        for command, output in re.findall(r"^\$ (.*)\n((?:[^$].*\n)*)", block, re.MULTILINE)
    ]


def comparable(text: str) -> str:
    """Without what depends on the OCR's version and on where the repository lies."""
    text = re.sub(r"\d+ words", "N words", text)
    return text.replace(f"{ROOT}/local/samples", "…/local/samples")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the guide begins with."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECTO_HOME", str(tmp_path / "home"))
    (tmp_path / "local").symlink_to(ROOT / "local")
    return tmp_path


@pytest.mark.skipif(not MANIFESTS.exists(), reason="the shared data are not here")
def test_the_guides_commands_print_what_it_says(place: Path) -> None:
    for number in (1, 2):
        job = place / "annotations" / f"augmentation-{number}" / "manifests" / "output"
        job.mkdir(parents=True)
        content = (MANIFESTS / f"ref-augmentation-{number}.output.manifest").read_bytes()
        (job / "output.manifest").write_bytes(content)

    assert len(steps()) == 10
    for command, expected in steps():
        done = CliRunner().invoke(app, shlex.split(command)[1:])
        assert done.exit_code == 0, done.output
        assert comparable(done.stdout) == comparable(expected), command


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["catalogue", "nowhere", "-o", "x"], "there is no such folder"),
        (["stats", "nowhere.jsonl"], "there is no such manifest"),
        (
            ["ocr", "empty", "--output", "s3://b/ocr", "--with", "pipeline", "--features", "MAGIC"],
            "expected TABLES",
        ),
        (["images", "empty", "--output", "out"], "there is no document"),
        (["split", "broken.jsonl", "--training", "a", "--test", "b"], "broken.jsonl, line 2: not JSON"),
    ],
)
def test_what_cannot_be_done_is_told_by_name(place: Path, words: list[str], told: str) -> None:
    (place / "empty").mkdir()
    (place / "broken.jsonl").write_text('{"source-ref": "a"}\n{"source-ref"\n')

    done = CliRunner().invoke(app, ["data", *words])

    assert done.exit_code != 0
    assert told in str(done.exception)
    assert not (place / "a").exists()
