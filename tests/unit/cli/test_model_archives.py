"""Archives of models: what is packed, always the same bytes, and nothing strange is unpacked."""

import io
import tarfile
from pathlib import Path

import pytest

from recto.errors import ConfigurationError
from recto_cli.model_archives import pack, unpack


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    (folder / "checkpoints" / "step-1").mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "labels.json").write_text("[]")
    (folder / "checkpoints" / "step-1" / "model.safetensors").write_bytes(b"old weights")
    return folder


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    folder.mkdir()
    (folder / "recto-0.1.0-py3-none-any.whl").write_bytes(b"a wheel")
    return folder


def names(archive: Path) -> list[str]:
    with tarfile.open(archive) as tar:
        return tar.getnames()


def test_the_models_files_lie_at_the_root_and_the_wheels_in_code(
    model: Path, wheels: Path, tmp_path: Path
) -> None:
    pack(model, tmp_path / "model.tar.gz", wheels)

    found = set(names(tmp_path / "model.tar.gz"))
    assert {"model.safetensors", "labels.json", "code/recto-0.1.0-py3-none-any.whl"} <= found
    assert "code/requirements.txt" in found
    assert not [name for name in found if name.startswith("checkpoints")]


def test_the_same_files_give_the_same_bytes(model: Path, wheels: Path, tmp_path: Path) -> None:
    first = pack(model, tmp_path / "first.tar.gz", wheels)
    (model / "labels.json").touch()
    second = pack(model, tmp_path / "second.tar.gz", wheels)

    assert first == second
    assert (tmp_path / "first.tar.gz").read_bytes() == (tmp_path / "second.tar.gz").read_bytes()


def test_a_folder_that_holds_no_model_is_named_with_what_it_holds(
    model: Path, wheels: Path, tmp_path: Path
) -> None:
    (model / "model.safetensors").unlink()

    with pytest.raises(ConfigurationError, match=r"expected a model folder.*labels\.json"):
        pack(model, tmp_path / "model.tar.gz", wheels)


def test_what_was_packed_comes_back(model: Path, wheels: Path, tmp_path: Path) -> None:
    pack(model, tmp_path / "model.tar.gz", wheels)
    (tmp_path / "back").mkdir()

    unpack(tmp_path / "model.tar.gz", tmp_path / "back")

    assert (tmp_path / "back" / "model.safetensors").read_bytes() == b"weights"


def evil(path: Path, name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> Path:
    with tarfile.open(path, "w:gz") as tar:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, target
        tar.addfile(member, io.BytesIO())
    return path


@pytest.mark.parametrize(
    ("name", "kind", "target"),
    [
        ("../outside", tarfile.REGTYPE, ""),
        ("/etc/passwd", tarfile.REGTYPE, ""),
        ("link", tarfile.SYMTYPE, "/etc/passwd"),
        ("hard", tarfile.LNKTYPE, "../outside"),
        ("pipe", tarfile.FIFOTYPE, ""),
    ],
)
def test_strange_members_are_not_unpacked(name: str, kind: bytes, target: str, tmp_path: Path) -> None:
    archive, folder = evil(tmp_path / "model.tar.gz", name, kind, target), tmp_path / "to"
    folder.mkdir()

    try:
        unpack(archive, folder)
    except ConfigurationError:
        pass
    else:  # an absolute path loses its beginning
        assert name.startswith("/")

    assert not (tmp_path / "outside").exists()
    assert all(path.resolve().is_relative_to(folder) for path in folder.rglob("*"))


def test_what_is_no_archive_is_told(tmp_path: Path) -> None:
    (tmp_path / "model.tar.gz").write_bytes(b"not an archive")

    with pytest.raises(ConfigurationError, match="not an archive"):
        unpack(tmp_path / "model.tar.gz", tmp_path)
