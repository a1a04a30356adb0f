"""Settings by name, as command lines and SageMaker jobs give them, and where a job's data lies."""

import json
import re
from pathlib import Path

import pytest

from recto.errors import ConfigurationError
from recto_training import settings
from recto_training.commands.pretrain import read_arguments as read_pretraining
from recto_training.commands.train import check_metric, main, read_arguments
from recto_training.job_data import manifests_in
from recto_training.metrics_log import LOGGED, log_line, metric_definitions
from recto_training.word_recipes import small


def test_texts_become_what_the_recipe_holds() -> None:
    given = {
        "learning_rate": "5e-5",
        "num_train_epochs": "150",
        "bf16": "False",
        "seed": "None",
        "max_steps": "7.0",
    }

    recipe = settings.overridden(small(), given)

    assert (recipe.learning_rate, recipe.num_train_epochs, recipe.bf16) == (5e-5, 150.0, False)
    assert recipe.seed is None
    assert recipe.max_steps == 7


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("max_steps", "7.5", "--max_steps 7.5: expected a whole number"),
        ("learning_rate", "fast", "--learning_rate fast: expected a number"),
        ("bf16", "perhaps", "--bf16 perhaps: expected true or false"),
        ("leaning_rate", "1", "unknown setting --leaning_rate; did you mean --learning_rate?"),
        ("zzz", "1", "unknown setting --zzz"),
        ("name", "mine", "unknown setting --name"),
    ],
)
def test_what_cannot_be_is_told(name: str, text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        settings.overridden(small(), {name: text})


def test_older_names_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    recipe = settings.overridden(
        small(), {"evaluation_strategy": "steps", "eval_steps": "9", "disable_tqdm": "True"}
    )

    assert (recipe.eval_strategy, recipe.eval_steps) == ("steps", 9)
    assert "ignored: disable_tqdm (progress is printed as lines)" in capsys.readouterr().out


def test_values_may_stand_behind_a_space_an_equals_sign_or_not_at_all() -> None:
    words = ["--learning-rate", "1e-4", "--seed=3", "--bf16", "--max_steps", "-1"]

    found = settings.named_values(words)

    assert found == {"learning_rate": "1e-4", "seed": "3", "bf16": "", "max_steps": "-1"}


def test_a_job_s_channels_and_hyper_parameters_are_read_and_the_command_line_wins() -> None:
    environment = {
        "SM_HPS": json.dumps(
            {"learning_rate": "5e-5", "seed": 7, "annotation_attr": "labels", "textract_prefix": "ocr/"}
        ),
        "SM_CHANNEL_TRAIN": "/opt/ml/input/data/train",
        "SM_CHANNEL_TEXTRACT": "/opt/ml/input/data/textract",
        "SM_CHANNEL_IMAGES": "/opt/ml/input/data/images",
        "SM_MODEL_DIR": "/opt/ml/model",
    }

    data, recipe = read_arguments(["--seed", "8"], environment)

    assert (recipe.learning_rate, recipe.seed) == (5e-5, 8)
    options = data.options
    assert (options.train, options.label, options.textract_prefix) == (
        "/opt/ml/input/data/train",
        "labels",
        "ocr/",
    )
    assert (options.textract, options.images) == (
        Path("/opt/ml/input/data/textract"),
        Path("/opt/ml/input/data/images"),
    )
    assert (data.output, data.model_folder) == (Path("/opt/ml/checkpoints"), Path("/opt/ml/model"))


@pytest.mark.parametrize(("said", "meant"), [("true", True), ("False", False)])
def test_a_flag_of_a_job_has_a_value(said: str, meant: bool) -> None:
    data, _ = read_arguments(["a.manifest", "--overwrite_output_dir", said, "--seed", "1"], {})

    assert data.options.overwrite_output_dir is meant
    assert data.options.data == [Path("a.manifest")]


def test_dashes_and_underscores_are_the_same() -> None:
    one, _ = read_arguments(["a.manifest", "b.manifest", "--output-dir", "x", "--validation_share=0.2"], {})

    assert (one.output, one.options.validation_share) == (Path("x"), 0.2)
    assert one.options.data == [Path("a.manifest"), Path("b.manifest")]


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["a.manifest", "--recipe", "tiny", "--help"]])
def test_the_help_lists_every_setting(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    for read in (read_arguments, read_pretraining):
        with pytest.raises(SystemExit) as ended:
            read(words, {})

        assert ended.value.code == 0
        told = capsys.readouterr().out
        assert "--learning_rate" in told
        assert "--validation-share" in told


def test_the_recipe_follows_from_whether_there_is_a_base() -> None:
    assert read_arguments(["a"], {})[1].name == "scratch"
    assert read_arguments(["a", "--model_name_or_path", "minilm"], {})[1].name == "small"
    with pytest.raises(ConfigurationError, match="recipe grand: expected small, scratch, reference, tiny"):
        read_arguments(["a", "--recipe", "grand"], {})


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("mlm", "that is `recto pretrain`"),
        ("seq2seq", "that is `recto normaliser`"),
        ("vqa", "expected ner, mlm"),
    ],
)
def test_another_task_is_another_command(task: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read_arguments(["a", "--task_name", task], {})


def test_a_figure_that_no_evaluation_gives_is_told_before_any_data_is_read() -> None:
    with pytest.raises(
        ConfigurationError, match=r"metric_for_best_model f1: expected eval_loss, .*eval_word_f1"
    ):
        main(["nowhere.manifest", "--metric_for_best_model", "f1"])


def test_a_figure_by_field_needs_a_field_list() -> None:
    recipe = settings.overridden(small(), {"metric_for_best_model": "eval_field_f1"})

    check_metric(recipe, has_fields=True)
    with pytest.raises(ConfigurationError, match="eval_field_f1 needs --fields"):
        check_metric(recipe, has_fields=False)


def test_a_channel_s_manifests_are_found_and_an_empty_one_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"holds none of \*\.manifest"):
        manifests_in(str(tmp_path))
    for name in ("b.manifest", "a.jsonl", "notes.txt"):
        (tmp_path / name).write_text("{}")

    assert [path.name for path in manifests_in(str(tmp_path))] == ["a.jsonl", "b.manifest"]
    assert manifests_in(str(tmp_path / "notes.txt")) == [tmp_path / "notes.txt"]


def test_sagemaker_s_patterns_find_the_figures_of_a_log_line() -> None:
    figures = {name: (n + 1) * 1.5e-7 for n, name in enumerate(LOGGED)}
    figures["eval_focus_acc"] = float("nan")
    line = log_line(figures)

    for name, definition in zip(LOGGED, metric_definitions(), strict=True):
        found = re.search(definition["Regex"], line)
        assert found is not None
        assert found[1] == f"{figures[name]:.6g}"
