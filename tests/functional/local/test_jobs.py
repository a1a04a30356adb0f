"""Jobs of the Textract stand-in when S3, SNS or a worker process fail."""

from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import pytest

from recto_local.processes import wait_until
from recto_local.standins.jobs import Job, JobRunner, JobStore
from recto_ocr.pages import Content

BLOCK = {"BlockType": "PAGE", "Id": "p"}


class FakeReaders:
    """Pages that are read at once; page `dies` takes its process with it."""

    workers = 2

    def __init__(self, num_pages: int, dies: int = 0, error: Exception | None = None) -> None:
        self.num_pages, self.dies, self.error = num_pages, dies, error or BrokenProcessPool("killed")
        self.read_pages: list[int] = []

    def inspect(self, _: Path) -> Content:
        return Content("PDF", self.num_pages)

    def read(self, _: Path, __: str, page: int, *___: Any) -> "Future[list[dict[str, Any]]]":
        self.read_pages.append(page)
        done: Future[list[dict[str, Any]]] = Future()
        if page == self.dies:
            done.set_exception(self.error)
        else:
            done.set_result([{**BLOCK, "Page": page}])
        return done

    def close(self) -> None:
        pass


class Outside:
    """S3 and SNS that cannot be reached at first."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.announced: list[Job] = []

    def _reach(self) -> None:
        self.failures -= 1
        if self.failures >= 0:
            raise ConnectionError("the emulator is not there yet")

    def fetch(self, _: Job, path: Path) -> None:
        self._reach()
        path.write_bytes(b"%PDF-")

    def announce(self, job: Job) -> None:
        self._reach()
        self.announced.append(job)


@pytest.fixture
def runners() -> Iterator[list[JobRunner]]:
    made: list[JobRunner] = []
    yield made
    for runner in made:
        runner.stop()


def runner(store: JobStore, readers: FakeReaders, outside: Outside, *pauses: float) -> JobRunner:
    return JobRunner(store, readers, ("eng",), outside.fetch, outside.announce, pauses)  # type: ignore[arg-type]


def test_a_job_waits_until_s3_and_sns_can_be_reached(tmp_path: Path, runners: list[JobRunner]) -> None:
    store, outside = JobStore(tmp_path), Outside(failures=2)
    runners.append(runner(store, FakeReaders(3), outside, 0.01, 0.01, 0.01))
    job = store.new("StartDocumentTextDetection", {})

    runners[0].start(job)

    assert wait_until(lambda: bool(outside.announced), 30)
    assert (outside.announced[0].status, outside.announced[0].num_pages) == ("SUCCEEDED", 3)
    assert [b["Page"] for b in store.blocks(outside.announced[0], 0, 1000)] == [1, 2, 3]


def test_a_job_that_was_not_announced_is_announced_by_the_next_process(
    tmp_path: Path, runners: list[JobRunner]
) -> None:
    store, silent = JobStore(tmp_path), Outside(failures=99)
    silent.fetch = lambda _, path: path.write_bytes(b"")  # type: ignore[method-assign,assignment]
    runners.append(runner(store, FakeReaders(1), silent, 60))
    job = store.new("StartDocumentTextDetection", {})
    runners[0].start(job)
    assert wait_until(lambda: silent.failures < 99, 30)
    runners.pop().stop()

    heard = Outside(failures=0)
    runners.append(runner(JobStore(tmp_path), FakeReaders(1), heard))
    runners[0].resume()

    assert wait_until(lambda: bool(heard.announced), 30)
    assert (heard.announced[0].job_id, heard.announced[0].status) == (job.job_id, "SUCCEEDED")


def test_pages_that_are_done_are_not_read_again(tmp_path: Path, runners: list[JobRunner]) -> None:
    store, readers, outside = JobStore(tmp_path), FakeReaders(3), Outside(failures=0)
    job = store.new("StartDocumentTextDetection", {})
    store.write_page(job, 1, [{**BLOCK, "Page": 1}])
    job = store.save(job.model_copy(update={"num_pages": 3, "page_blocks": (1,)}))
    runners.append(runner(store, readers, outside))

    runners[0].start(job)

    assert wait_until(lambda: bool(outside.announced), 30)
    assert readers.read_pages == [2, 3]


@pytest.mark.parametrize("error", [BrokenProcessPool("killed"), KeyError("a fault of ours")])
def test_a_page_that_kills_its_process_or_meets_a_fault_fails_the_job(
    tmp_path: Path, runners: list[JobRunner], error: Exception
) -> None:
    store, outside = JobStore(tmp_path), Outside(failures=0)
    runners.append(runner(store, FakeReaders(3, dies=2, error=error), outside))

    runners[0].start(store.new("StartDocumentTextDetection", {}))

    assert wait_until(lambda: bool(outside.announced), 30)
    assert outside.announced[0].status == "FAILED"
    assert outside.announced[0].message.startswith("INTERNAL_ERROR")
