"""The notebook of the guides runs from its first cell to its last, and is kept without its output."""

import asyncio
import gc
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from recto.consolidation import consolidation_of
from recto_data import read_lines

NOTEBOOK = Path(__file__).parents[2] / "docs" / "guides" / "prepare-and-label.ipynb"


@pytest.fixture(autouse=True)
def aws() -> None:
    """No account is needed here; moto's stands in the way of the kernel's sockets."""


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.usefixtures("socket_enabled")
def test_the_notebook_prepares_and_splits_a_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMP_THREAD_LIMIT", "1")
    notebook = nbformat.read(NOTEBOOK, as_version=4)

    client = NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(tmp_path)}})
    # `execute()` would leave an event loop that is never closed to whichever test comes later.
    asyncio.run(client.async_execute())
    del client
    gc.collect()  # what the kernel leaves behind may say so here, and in no later test

    labelled, training, test = (
        {line.content["source-ref"] for line in read_lines(tmp_path / "corpus" / f"{name}.manifest")}
        for name in ("labelled", "train", "test")
    )
    assert len(labelled) == 3
    assert training | test == labelled
    assert not training & test
    assert "<svg" in (tmp_path / "corpus" / "labelled.html").read_text()
    for name in ("cards-1", "cards-2"):
        job = tmp_path / "corpus" / "jobs" / name
        lines = list(read_lines(job / "manifests" / "output" / "output.manifest"))
        agreed = [consolidation_of(line.content, name) for line in lines]
        assert [each["answers"] for each in agreed] == [2, 2]
        assert any(each["adjudicate"] for each in agreed), "two people who differ are told"
        assert all(line.content[f"{name}-metadata"]["human-annotated"] == "yes" for line in lines)
        assert len(list(job.glob("annotations/worker-response/iteration-1/*/*.json"))) == 2


def test_the_notebook_is_kept_without_output() -> None:
    cells = nbformat.read(NOTEBOOK, as_version=4).cells

    assert len(cells) > 10
    assert [cell.id for cell in cells if cell.get("outputs") or cell.get("execution_count")] == []
