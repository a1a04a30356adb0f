"""Commands that run in the environment with torch are passed on word for word."""

import sys
from pathlib import Path

import pytest

from recto_cli import training_commands
from recto_cli.training_commands import Environment, Where, run_elsewhere, where_to_run


def test_arguments_go_on_as_they_came() -> None:
    given = ["labels.manifest", "--learning_rate", "5e-5", "--flag"]

    assert where_to_run(given) == (Where.LOCAL, given)


@pytest.mark.parametrize("said", [["--on", "sagemaker"], ["--on=sagemaker"]])
def test_a_job_is_asked_for_by_on_which_is_not_passed_on(said: list[str]) -> None:
    assert where_to_run(["a", *said, "b"]) == (Where.SAGEMAKER, ["a", "b"])


def test_another_place_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="--on mars: expected local or sagemaker"):
        where_to_run(["--on", "mars"])


def test_the_exit_code_of_the_command_comes_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / "elsewhere"
    package.mkdir()
    (package / "__main__.py").write_text("import sys; sys.exit(len(sys.argv))")
    python = tmp_path / ".venv-test" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    monkeypatch.setattr(training_commands, "ROOT", tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    assert run_elsewhere(Environment("test", "elsewhere", "nothing"), "train", ["one", "two"]) == 4


def test_a_missing_environment_is_made_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "scripts" / "bootstrap.py"
    script.parent.mkdir()
    script.write_text("import sys; print('asked for', sys.argv[1:]); sys.exit(7)")
    monkeypatch.setattr(training_commands, "ROOT", tmp_path)

    assert run_elsewhere(Environment("training", "recto_training", "a lot"), "train", []) == 7

    said = capfd.readouterr().out
    assert "making .venv-training (a lot)" in said
    assert "asked for ['training']" in said
