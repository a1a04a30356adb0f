"""What is staged for a job: the tree's own wheels, told apart by their source; the entry script."""

import hashlib
import importlib.util
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from recto.errors import ConfigurationError
from recto_jobs.staging import ENTRIES, ROOT, TRAINING, build_wheels, staged


@pytest.fixture(scope="module")
def entry() -> ModuleType:
    spec = importlib.util.spec_from_file_location("entry_train", ENTRIES / "train.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_staged_folder_names_its_wheels_and_holds_the_trees_own_modules() -> None:
    with staged("train.py", TRAINING) as source:
        names = (source.folder / "requirements.txt").read_text().split()
        wheels = {path.name: path for path in source.folder.glob("*.whl")}
        inside = {name: zipfile.ZipFile(path).namelist() for name, path in wheels.items()}
        errors = zipfile.ZipFile(next(p for n, p in wheels.items() if n.startswith("recto-"))).read(
            "recto/errors.py"
        )

        assert sorted(names) == sorted(f"./{name}" for name in wheels)
        assert source.wheels == {
            name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in wheels.items()
        }

    assert errors == (ROOT / "layers/recto/src/recto/errors.py").read_bytes()
    assert any("recto_training/metrics_log.py" in names for names in inside.values())
    assert not source.folder.exists()


def test_the_same_source_gives_the_same_wheel_and_a_changed_one_another_version(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "src" / "small").mkdir(parents=True)
    (project / "src" / "small" / "__init__.py").write_text("A = 1\n")
    (project / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "small"\nversion = "0.1.0"\n[tool.setuptools.packages.find]\nwhere = ["src"]\n'
    )
    folders = [tmp_path / name for name in ("first", "again", "changed")]
    for folder in folders:
        folder.mkdir()

    first, again = (build_wheels((str(project),), folder) for folder in folders[:2])
    (project / "src" / "small" / "__init__.py").write_text("A = 2\n")
    changed = build_wheels((str(project),), folders[2])

    assert first == again
    assert set(first) != set(changed), "pip would keep what an image holds of the same version"


def test_a_folder_that_is_no_project_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"expected a project with a pyproject\.toml"):
        build_wheels((str(tmp_path),), tmp_path)


def test_a_container_without_the_sdks_drivers_is_told_the_same(entry: ModuleType, tmp_path: Path) -> None:
    for name in ("code", "sm_drivers", "textract", "train"):
        (tmp_path / "input" / "data" / name).mkdir(parents=True)
    (tmp_path / "input" / "config").mkdir()
    (tmp_path / "input" / "config" / "hyperparameters.json").write_text('{"seed": "7"}')

    told = entry.variables(tmp_path)

    data = tmp_path / "input" / "data"
    assert told == {
        "SM_CHANNEL_TEXTRACT": str(data / "textract"),
        "SM_CHANNEL_TRAIN": str(data / "train"),
        "SM_MODEL_DIR": str(tmp_path / "model"),
        "SM_HPS": '{"seed": "7"}',
    }


def test_hyper_parameters_that_sagemaker_adds_for_itself_are_left_away(entry: ModuleType) -> None:
    said = ["--_tuning_objective_metric", "validation:loss", "--seed", "7", "--sagemaker_program", "train.py"]

    assert entry.our_options(said) == ["--seed", "7"]
    assert entry.our_settings({"_tuning_objective_metric": "x", "seed": "7"}) == {"seed": "7"}
