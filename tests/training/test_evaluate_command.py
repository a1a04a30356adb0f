"""`recto evaluate` and `recto learning-curve` as typed, with a model that was trained in seconds."""

import json
from pathlib import Path

import pytest

from recto.fields import dump_fields
from recto_training.commands import evaluate, learning_curve, threshold
from recto_training.curves import for_size, nested_parts, sizes_of
from recto_training.evaluation.subject import plain_fields
from recto_training.exporters.manifest import write_manifest
from recto_training.faults import DataError
from recto_training.loop import RUN
from recto_training.run_settings import OtherSettingsError
from recto_training.word_recipes import tiny
from tests.training.tiny_corpus import LABELS, corpus

BUCKET = "s3://bucket/set"


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a manifest of twelve documents, its OCR results, a field list and the cache's place."""
    folder = tmp_path_factory.mktemp("labelled")
    write_manifest(corpus(12), folder, BUCKET)
    (folder / "fields.json").write_text(json.dumps(dump_fields(plain_fields(LABELS))))
    return folder


def options(folder: Path) -> list[str]:
    manifest = next(folder.glob("*.manifest*"))
    return [str(manifest), "--map", f"{BUCKET}={folder}", "--fields", str(folder / "fields.json"),
            "--cache", str(folder / "cache")]  # fmt: skip


def test_a_curve_is_trained_then_its_model_evaluated_and_reported(
    labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    curve, report, metrics = tmp_path / "curve", tmp_path / "report.html", tmp_path / "metrics.json"

    sizes = ["--recipe", "tiny", "--sizes", "3", "--test-share", "0.25", "--num_train_epochs", "1"]
    assert learning_curve.main([*options(labelled), *sizes, "--output", str(curve)]) == 0
    model = curve / "9"
    assert evaluate.main([str(model), *options(labelled), "--report", str(report), "--metrics", str(metrics),
                          "--held-out", "0.25", "--curve", str(curve / "curve.json")]) == 0  # fmt: skip

    points = json.loads((curve / "curve.json").read_text())
    figures = json.loads(metrics.read_text())
    told = capsys.readouterr().out
    assert [one["documents"] for one in points] == [3, 9]
    assert figures["documents"] == 3
    assert set(figures["reference"]) >= {"acc", "focus_acc", "focus_else_acc_minus_one", "n_examples"}
    assert figures["reference"]["n_examples"] >= 6
    assert "Confidence is not calibrated" in told
    assert "Would more labelled documents help?" in report.read_text()


def test_a_curve_of_other_settings_is_refused_until_it_is_told_to_begin_anew(
    labelled: Path, tmp_path: Path
) -> None:
    sizes = ["--recipe", "tiny", "--sizes", "9", "--test-share", "0.25", "--max_steps", "1"]
    typed = [*options(labelled), *sizes, "--output", str(tmp_path)]
    others = [*typed, "--learning_rate", "0.01"]
    assert learning_curve.main(typed) == 0

    with pytest.raises(OtherSettingsError, match=r"learning_rate 0\.0015 -> 0\.01"):
        learning_curve.main(others)

    assert learning_curve.main([*others, "--overwrite_output_dir", "true"]) == 0
    assert json.loads((tmp_path / "9" / RUN).read_text())["recipe"]["learning_rate"] == 0.01


def test_no_data_is_said_before_the_model_is_opened(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="name manifests after the model"):
        evaluate.main([str(tmp_path / "absent")])
    with pytest.raises(DataError, match="name manifests after the model"):
        threshold.main([str(tmp_path / "absent")])


def test_sets_of_a_curve_lie_within_each_other_and_all_comes_last() -> None:
    some = corpus(12)

    parts = {size: {one.id for one in part} for size, part in nested_parts(some, sizes_of(12, (5, 3, 99)), 1)}

    assert list(parts) == [3, 5, 12]
    assert parts[3] < parts[5] < parts[12]


def test_small_sets_are_read_more_often_up_to_a_limit() -> None:
    recipe = tiny()

    epochs = {size: for_size(recipe, size).num_train_epochs for size in (10, 50, 100, 400)}

    assert epochs == {10: 8, 50: 4, 100: 2, 400: 2}


def test_no_documents_make_no_curve() -> None:
    with pytest.raises(DataError, match="needs labelled ones"):
        sizes_of(0)
