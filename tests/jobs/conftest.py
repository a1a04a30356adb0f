import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

with warnings.catch_warnings():  # the SDK's own, told where it is first read
    warnings.simplefilter("ignore")
    from sagemaker.core.utils.utils import SageMakerClient

    from recto_jobs import staging
    from recto_jobs.__main__ import main

PLACE = (
    "--role", "arn:aws:iam::111122223333:role/recto-jobs",
    "--image", "111122223333.dkr.ecr.us-east-1.amazonaws.com/recto-images/recto-training:latest",
    "--bucket", "recto-work",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The SDK uses what it deprecates itself, and leaves temporary folders to the garbage collector."""
    for item in items:
        item.add_marker(pytest.mark.filterwarnings("ignore::ResourceWarning"))
        item.add_marker(pytest.mark.filterwarnings("ignore::DeprecationWarning:sagemaker"))


class Ran(NamedTuple):
    code: int
    calls: list[dict[str, Any]]
    said: str

    def one(self, operation: str) -> dict[str, Any]:
        found = [call["Parameters"] for call in self.calls if call["Operation"] == operation]
        assert len(found) == 1, [call["Operation"] for call in self.calls]
        return found[0]

    @property
    def uploads(self) -> list[str]:
        return [call["Parameters"]["Key"] for call in self.calls if call["Operation"] == "PutObject"]


Run = Callable[..., Ran]


@pytest.fixture(autouse=True)
def _no_aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No credentials, no address that answers, no client of an earlier test."""
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    yield
    SageMakerClient.reset()


@pytest.fixture
def _quick_wheels(monkeypatch: pytest.MonkeyPatch) -> None:
    """One small project instead of the tree's: building the real wheels has a test of its own."""

    def one(projects: tuple[str, ...], folder: Path) -> dict[str, str]:
        wheel = folder / f"{Path(projects[0]).name}-0.1.0-py3-none-any.whl"
        wheel.write_bytes(b"a wheel")
        return {wheel.name: "0" * 64}

    monkeypatch.setattr(staging, "build_wheels", one)


@pytest.fixture
def run(_quick_wheels: None, capsys: pytest.CaptureFixture[str]) -> Run:
    """A command as a dry run: its exit code, the requests it would send, what it said."""

    def run_it(*arguments: str, place: Sequence[str] = PLACE, own: Sequence[str] = ()) -> Ran:
        task, *options = arguments
        tail = ["--", *own] if own else []
        capsys.readouterr()
        code = main([task, *place, *options, "--dry-run", *tail])
        out = capsys.readouterr()
        return Ran(code, json.loads(out.out) if code == 0 else [], out.err)

    return run_it


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    folder = tmp_path / "manifests"
    folder.mkdir()
    (folder / "output.manifest").write_text('{"source-ref": "s3://b/k.png"}\n')
    return folder
