"""The Lambda layers: the library's own bytes, the same each time, and importable where only they are."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "layers" / "recto" / "src" / "recto"


def build_layer(name: str, target: Path) -> Path:
    """Build one layer for this machine; returns the folder that Lambda puts on the path."""
    environment = {**os.environ, "RECTO_LAYER_TARGET": "host", "ARTIFACTS_DIR": str(target)}
    makefile = ROOT / "layers" / name / "Makefile"
    command = ["make", "--silent", "--makefile", str(makefile), f"build-{name.capitalize()}Layer"]
    done = subprocess.run(
        command, env=environment, cwd=target.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return target / "python"


def hashes(folder: Path) -> dict[str, str]:
    """Every file below the folder with the hash of its bytes; bytecode and tools' caches are left out."""
    files = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file()}
    ours = {
        name: path for name, path in files.items() if not name.startswith(".") and "__pycache__" not in name
    }
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in ours.items()}


def import_in_isolation(site: Path, statement: str) -> subprocess.CompletedProcess[str]:
    """Run a statement in a Python that sees the standard library and the layer, nothing else."""
    code = f"import sys; sys.path.insert(0, {str(site)!r}); {statement}"
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_layer("recto", tmp_path_factory.mktemp("first") / "layer")


def test_two_builds_of_the_library_layer_give_the_same_bytes(library: Path, tmp_path: Path) -> None:
    first = hashes(library)

    second = hashes(build_layer("recto", tmp_path / "layer"))

    assert first
    assert second == first


def test_the_layer_holds_the_source_byte_for_byte(library: Path) -> None:
    assert hashes(library / "recto") == hashes(SOURCE)


def test_the_virtual_environment_imports_the_source_itself() -> None:
    statement = "import recto; print(recto.__file__)"

    done = subprocess.run([sys.executable, "-I", "-c", statement], capture_output=True, text=True, check=True)

    assert Path(done.stdout.strip()).resolve() == SOURCE / "__init__.py"


def test_the_wheel_holds_the_source_byte_for_byte(tmp_path: Path) -> None:
    project = tmp_path / "recto"
    shutil.copytree(SOURCE.parents[1], project, ignore=shutil.ignore_patterns("*.egg-info", "build", ".*"))
    flags = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(tmp_path)]

    subprocess.run([sys.executable, "-m", "pip", "wheel", *flags, str(project)], check=True)
    (wheel,) = tmp_path.glob("recto-*.whl")
    subprocess.run([sys.executable, "-m", "zipfile", "-e", str(wheel), str(tmp_path / "open")], check=True)

    assert hashes(tmp_path / "open" / "recto") == hashes(SOURCE)


def test_the_library_layer_leaves_boto3_to_the_runtime(library: Path) -> None:
    names = {path.name for path in library.iterdir()}

    assert not names & {"boto3", "botocore", "s3transfer"}
    assert {"recto", "pydantic", "aws_lambda_powertools"} <= names


@pytest.mark.parametrize(
    ("layer", "statement"),
    [
        ("recto", "import recto, pydantic, recto.messages"),
        (
            "inference",
            "import numpy, onnxruntime, tokenizers; onnxruntime.InferenceSession; tokenizers.Tokenizer",
        ),
        ("imaging", "import pypdfium2, PIL.Image, PIL.ImageOps, PIL.TiffImagePlugin; pypdfium2.PdfDocument"),
    ],
)
def test_a_layer_can_be_imported_with_nothing_beside_it(layer: str, statement: str, tmp_path: Path) -> None:
    site = build_layer(layer, tmp_path / "layer")

    done = import_in_isolation(site, statement)

    assert done.returncode == 0, done.stderr


def test_an_unknown_target_is_refused_by_name(tmp_path: Path) -> None:
    environment = {**os.environ, "RECTO_LAYER_TARGET": "toaster", "ARTIFACTS_DIR": str(tmp_path / "layer")}
    makefile = str(ROOT / "layers" / "recto" / "Makefile")

    done = subprocess.run(
        ["make", "--makefile", makefile, "build-RectoLayer"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert "'toaster', expected lambda or host" in done.stderr
    assert not (tmp_path / "layer").exists()
