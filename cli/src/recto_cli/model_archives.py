"""A model's archive for an endpoint: its files at the root, the wheels of our packages in `code/`.

Reproducible: the same files give the same bytes. Archives that come in are unpacked with care.
Layout: https://docs.aws.amazon.com/sagemaker/latest/dg/large-model-inference-uncompressed.html
"""

import gzip
import hashlib
import io
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from recto.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[3]
PROJECTS = ("layers/recto", "training")
CODE = "code"
ENTRY = ROOT / "training" / "containers" / "inference.py"
"""What a ready-made image of SageMaker's inference toolkit runs; our own image needs none."""
LEFT_AWAY = frozenset({"checkpoints", "__pycache__", "optimizer.pt"})
MAX_UNPACKED = 20_000_000_000
MAX_MEMBERS = 10_000


def pack(model: Path | None, archive: Path, wheels: Path) -> str:
    """Write the archive of a model folder (or of code alone); its sha256."""
    if (
        model is not None
        and not (model / "model.safetensors").is_file()
        and not (model / "release.json").is_file()
    ):
        seen = sorted(path.name for path in model.iterdir())[:10] if model.is_dir() else "nothing"
        raise ConfigurationError(
            f"{model}: expected a model folder (model.safetensors) or a release (release.json), saw {seen}"
        )
    files = dict(_model_files(model)) if model else {}
    files |= {f"{CODE}/{path.name}": path.read_bytes() for path in sorted(wheels.glob("*.whl"))}
    names = sorted(path.name for path in wheels.glob("*.whl"))
    files[f"{CODE}/requirements.txt"] = "".join(f"/opt/ml/model/{CODE}/{name}\n" for name in names).encode()
    if ENTRY.is_file():
        files[f"{CODE}/{ENTRY.name}"] = ENTRY.read_bytes()
    _write(files, archive)
    return hashlib.sha256(archive.read_bytes()).hexdigest()


def _model_files(model: Path) -> Iterator[tuple[str, bytes]]:
    """Regular files of the folder, without what only training needs."""
    for path in sorted(model.rglob("*")):
        name = path.relative_to(model)
        if path.is_file() and not path.is_symlink() and not LEFT_AWAY & set(name.parts):
            yield name.as_posix(), path.read_bytes()


def _write(files: dict[str, bytes], archive: Path) -> None:
    with (
        archive.open("wb") as raw,
        gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as packed,
        tarfile.open(fileobj=packed, mode="w") as tar,
    ):
        for name, content in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o644
            tar.addfile(member, io.BytesIO(content))


@contextmanager
def built_wheels() -> Iterator[Path]:
    """A folder with the wheels of the library and of the training package; gone afterwards."""
    with TemporaryDirectory(prefix="recto-wheels-") as folder:
        command = [sys.executable, str(ROOT / "scripts" / "build_wheels.py"), folder, *PROJECTS]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ConfigurationError(done.stderr.strip()[-2000:])
        yield Path(folder)


def unpack(archive: Path, folder: Path) -> None:
    """The files of a model's archive; ConfigurationError for links, strange paths and floods."""
    try:
        with tarfile.open(archive) as tar:
            members = tar.getmembers()
            if len(members) > MAX_MEMBERS or sum(member.size for member in members) > MAX_UNPACKED:
                raise ConfigurationError(
                    f"{archive.name}: more than {MAX_MEMBERS} files or {MAX_UNPACKED} bytes"
                )
            odd = [member.name for member in members if not (member.isfile() or member.isdir())]
            if odd:
                raise ConfigurationError(f"{archive.name}: {odd[0]} is neither a file nor a folder")
            tar.extractall(folder, members, filter="data")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise ConfigurationError(f"{archive.name}: not an archive that can be unpacked: {error}") from error
