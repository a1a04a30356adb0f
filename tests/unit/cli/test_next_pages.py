"""`recto data select --by uncertainty` as typed, and suggestions in the templates that show them."""

import json
import sys
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import pytest
from typer.testing import CliRunner

from recto.geometry import Box
from recto.prelabels import ImageSize, Origin, Suggestion, attribute_of
from recto_cli import training_commands
from recto_cli.labelling.preview import rendered, task_input
from recto_cli.labelling.tasks import TaskType
from recto_cli.labelling.templates import For, TemplateText, filled, template_source
from recto_cli.main import app

RECORDS = "import json, sys; open({path!r}, 'w').write(json.dumps(sys.argv[1:])); sys.exit({code})"
runner = CliRunner()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where an environment that stands for the training one notes what it was asked for."""
    package, noted = tmp_path / "recto_training", tmp_path / "asked.json"
    package.mkdir()
    (package / "__main__.py").write_text(RECORDS.format(path=str(noted), code=0))
    python = tmp_path / ".venv-training" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    monkeypatch.setattr(training_commands, "ROOT", tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return noted


def test_uncertainty_is_asked_for_where_models_run_with_all_that_was_typed(asked: Path) -> None:
    typed = [
        "pages.manifest",
        "-n",
        "30",
        "-o",
        "next.manifest",
        "--by",
        "uncertainty",
        "--model",
        "runs/first",
    ]
    more = [
        "--labelled",
        "a.manifest",
        "--labelled",
        "b.manifest",
        "--random-pages",
        "0.3",
        "--map",
        "s3://b=f",
    ]

    result = runner.invoke(app, ["data", "select", *typed, *more])

    assert result.exit_code == 0, result.output
    assert json.loads(asked.read_text()) == [
        "data-next-pages", "pages.manifest", "--output", "next.manifest", "--model", "runs/first",
        "--number", "30", "--seed", "1337", "--random-pages", "0.3", "--map", "s3://b=f",
        "--labelled", "a.manifest", "b.manifest",
    ]  # fmt: skip


def test_its_exit_code_and_a_share_of_first_pages_go_through(asked: Path, tmp_path: Path) -> None:
    script = tmp_path / "recto_training" / "__main__.py"
    script.write_text(RECORDS.format(path=str(asked), code=1))
    typed = ["pages.manifest", "-n", "3", "-o", "x", "--by", "uncertainty", "--first-pages", "0.4"]

    result = runner.invoke(app, ["data", "select", *typed])

    assert result.exit_code == 1
    said = json.loads(asked.read_text())
    assert said[said.index("--first-pages") + 1] == "0.4"
    assert "--model" not in said


@pytest.mark.parametrize("more", [["--model", "runs/first"], ["--random-pages", "0.3"], ["--treshold", "1"]])
def test_options_of_uncertainty_are_refused_at_random(more: list[str], tmp_path: Path) -> None:
    page = {"source-ref": "a.png", "textract-ref": "a.json", "page-num": 1}
    pages = tmp_path / "pages.manifest"
    pages.write_text(json.dumps(page) + "\n")
    output = tmp_path / "next.manifest"

    result = runner.invoke(app, ["data", "select", str(pages), "-n", "1", "-o", str(output), *more])

    assert result.exit_code != 0
    assert f"{more[0]}" in str(result.exception)
    assert not output.exists()


@pytest.mark.parametrize("task", [TaskType.BOUNDING_BOX_ADJUSTMENT, TaskType.OCR_BOXES_ADJUSTMENT])
def test_suggestions_stand_in_the_adjustment_templates(task: TaskType) -> None:
    said = [
        Suggestion(0, "Vendor", (Box(0.1, 0.1, 0.3, 0.12), Box(0.1, 0.13, 0.2, 0.15)), "ACME\nLTD", 0.9),
        Suggestion(1, "Date", (Box(0.5, 0.5, 0.6, 0.52),), "1 May 2020", 0.7),
    ]
    origin = Origin("first", datetime(2026, 1, 2, tzinfo=UTC))
    line = {"source-ref": "s3://b/p.png", "textract-ref": "s3://b/p.json", "page-num": 1}
    line |= attribute_of(said, ImageSize(1000, 2000), "initial", origin)
    labels = ("Vendor", "Date")
    text = TemplateText(title="t", header="h", instructions="i", labels=labels, previous="initial")

    html = rendered(
        filled(template_source(task), text, For.WORKBENCH),
        task_input(line, lambda uri: uri.encode()),
        lambda uri: f"https://link/{uri[5:]}",
    )

    shown = " ".join(unescape(unescape(html)).split())
    assert "left: 100, top: 200, width: 200, height: 40" in shown
    assert "left: 100, top: 260, width: 100, height: 40" in shown
    assert "left: 500, top: 1000, width: 100, height: 40" in shown
    assert shown.count('label: "Vendor"') == 2
    if task is TaskType.OCR_BOXES_ADJUSTMENT:
        assert 'boxIxs: [0, 1], ocrStatus: "unclear", rawText: "ACME\\nLTD"' in shown.replace(
            "[0,1]", "[0, 1]"
        )
