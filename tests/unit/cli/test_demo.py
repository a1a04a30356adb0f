"""The demo's reviewer answers what is doubtful, from what the sample says, and accepts the rest."""

import json
import shlex
from pathlib import Path

import pytest

from recto.errors import DocumentMissingError
from recto.release import parse_release
from recto.review import ReviewTask
from recto_cli import tables
from recto_cli.demo import how_good, sample_files, stated_edits, truth_of

ROOT = Path(__file__).parents[3]


def test_a_doubtful_field_is_set_to_what_the_sample_says(task: ReviewTask) -> None:
    edits = stated_edits(task, {"Provider Name": ["First Bank", "Bank"], "Card Name": ["Gold"]})

    assert edits.set == ["Provider Name=First Bank"]
    assert edits.absent == ["Fee - Annual"]
    assert edits.accept


def test_the_command_that_is_shown_hands_in_the_same(task: ReviewTask) -> None:
    edits = stated_edits(task, {"Provider Name": ["O'Neil Bank"]})

    line = tables.command_line("a b.pdf", edits)

    assert shlex.split(line) == [
        *("recto", "review", "answer", "a b.pdf", "--set", "Provider Name=O'Neil Bank"),
        *("--absent", "Fee - Annual", "--accept"),
    ]


def test_a_samples_truth_is_found_by_its_file_name(tmp_path: Path) -> None:
    lines = [{"id": "a.pdf", "fields": {"X": ["1"]}}, {"id": "b.pdf", "fields": {"X": ["2"]}}]
    (tmp_path / "truth.jsonl").write_text("\n".join(map(json.dumps, lines)))

    assert truth_of("b.pdf", tmp_path) == {"X": ["2"]}
    assert truth_of("c.pdf", tmp_path) == {}


def test_a_folder_without_documents_is_named(tmp_path: Path) -> None:
    with pytest.raises(DocumentMissingError, match="no sample documents in"):
        sample_files(tmp_path)


def test_the_model_is_introduced_with_its_figure_on_unfamiliar_documents_first() -> None:
    release = parse_release((ROOT / "local" / "releases" / "demo" / "release.json").read_bytes())
    figures = release.figures["evaluation"]

    line = how_good(release)

    assert f"{figures['test']['entities']['f1']:.2f}" in line.split("absent from training")[0]
    assert f"{figures['seen']['entities']['f1']:.2f}" in line.split("absent from training")[1]


def test_a_release_without_figures_says_so() -> None:
    release = parse_release((ROOT / "local" / "releases" / "demo" / "release.json").read_bytes())

    assert "not measured" in how_good(release.model_copy(update={"figures": {}}))
