"""Textract's asynchronous jobs on disk: requests, results page by page, and the threads that work on them.

A job's folder holds `job.json` (rewritten whole, atomically), the document while it is being read, and one
file of blocks per finished page; a restarted stand-in goes on where the files end. It decides nothing about
requests (`textract`) and reads no text itself (`reading`).
"""

import gzip
import json
import logging
import shutil
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from recto_local.standins.reading import Readers
from recto_ocr.pages import Unreadable, UnreadableDocumentError

logger = logging.getLogger(__name__)

DAYS_KEPT = 7
PAUSES = (0.5, 1, 2, 4, 8, 15, 30, 30, 30)
"""Seconds between attempts to reach S3 or SNS."""
DRIVERS = 4
"""Jobs worked on at once; the others wait in order."""


class Job(BaseModel):
    """One asynchronous job."""

    model_config = ConfigDict(frozen=True)

    job_id: str
    api: str
    request: dict[str, Any]
    status: str = "IN_PROGRESS"
    message: str = ""
    created: float
    num_pages: int = 0
    page_blocks: tuple[int, ...] = ()
    """Blocks of each page; in this order they are the job's result."""
    notified: bool = False
    failure: str = ""
    """What a fault plan lets the job fail with, in place of being read."""
    not_before: float = 0.0
    """When it may end at the earliest, where a fault plan makes it slow."""

    @property
    def ended(self) -> bool:
        return self.status != "IN_PROGRESS"

    @property
    def layout(self) -> bool:
        return "LAYOUT" in self.request.get("FeatureTypes", ())


class JobStore:
    """The jobs' folders."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._jobs = {job.job_id: job for job in self._load()}
        self._tokens = {_token_of(job): job.job_id for job in self._jobs.values()}
        """By API and client token: with thousands of jobs nobody looks through all of them."""
        self._running = {job.job_id for job in self._jobs.values() if not job.ended}

    def new(self, api: str, request: dict[str, Any]) -> Job:
        """A new job; the same token and the same request find it again with `with_token`."""
        job = Job(job_id=uuid.uuid4().hex + uuid.uuid4().hex, api=api, request=request, created=time.time())
        self.place(job).mkdir(parents=True)
        self.save(job)
        return job

    def find(self, job_id: str) -> Job | None:
        """None for a job that never was, or is past its days."""
        job = self._jobs.get(job_id)
        return job if job and time.time() - job.created < DAYS_KEPT * 86_400 else None

    def with_token(self, api: str, token: str) -> Job | None:
        return self.find(self._tokens.get((api, token), ""))

    def unfinished(self) -> list[Job]:
        """Not ended, or ended and not announced; oldest first."""
        jobs = [job for job in list(self._jobs.values()) if not (job.ended and job.notified)]
        return sorted(jobs, key=lambda job: job.created)

    def num_running(self) -> int:
        return len(self._running)

    def place(self, job: Job) -> Path:
        return self.folder / job.job_id

    def document(self, job: Job) -> Path:
        return self.place(job) / "document"

    def save(self, job: Job) -> Job:
        with self._lock:
            target = self.place(job) / "job.json"
            fresh = target.with_suffix(".new")
            fresh.write_text(job.model_dump_json())
            fresh.replace(target)
            self._jobs[job.job_id] = job
            self._tokens.setdefault(_token_of(job), job.job_id)
            (self._running.discard if job.ended else self._running.add)(job.job_id)
        return job

    def write_page(self, job: Job, page: int, blocks: list[dict[str, Any]]) -> None:
        target = self._page(job, page)
        fresh = target.with_suffix(".new")
        fresh.write_bytes(gzip.compress(json.dumps(blocks).encode(), 1))
        fresh.replace(target)

    def blocks(self, job: Job, offset: int, count: int) -> list[dict[str, Any]]:
        """`count` blocks from the job's `offset`-th on; only the pages that hold them are read."""
        found: list[dict[str, Any]] = []
        for page, size in enumerate(job.page_blocks, start=1):
            if offset < size and len(found) < count:
                blocks = json.loads(gzip.decompress(self._page(job, page).read_bytes()))
                found += blocks[offset : offset + count - len(found)]
            offset = max(0, offset - size)
        return found

    def _page(self, job: Job, page: int) -> Path:
        return self.place(job) / f"page-{page:06d}.json.gz"

    def _load(self) -> Iterator[Job]:
        for path in sorted(self.folder.glob("*/job.json")):
            job = Job.model_validate_json(path.read_text())
            if time.time() - job.created < DAYS_KEPT * 86_400:
                yield job
            else:
                shutil.rmtree(path.parent, ignore_errors=True)


class JobRunner:
    """Works on the store's jobs, oldest first, pages in order, and says when one has ended."""

    def __init__(
        self,
        store: JobStore,
        readers: Readers,
        languages: tuple[str, ...],
        fetch: Callable[[Job, Path], None],
        announce: Callable[[Job], None],
        pauses: Sequence[float] = PAUSES,
    ) -> None:
        """`fetch` and `announce` raise ConnectionError where it is worth trying again."""
        self._store = store
        self._readers = readers
        self._languages = languages
        self._fetch = fetch
        self._announce = announce
        self._pauses = pauses
        self._stopping = threading.Event()
        self._drivers = ThreadPoolExecutor(DRIVERS, thread_name_prefix="textract-job")

    def resume(self) -> None:
        """Go on with what an earlier process left unfinished."""
        for job in self._store.unfinished():
            self.start(job)

    def start(self, job: Job) -> "Future[None]":
        """What is done when the job has ended and was announced; a slow job keeps no driver busy."""
        seconds = job.not_before - time.time()
        if seconds <= 0:
            return self._drivers.submit(self._drive, job)
        done: Future[None] = Future()
        later = threading.Timer(seconds, self._start_late, (job, done))
        later.daemon = True
        later.start()
        return done

    def _start_late(self, job: Job, done: "Future[None]") -> None:
        if self._stopping.is_set():
            return
        self._drivers.submit(self._drive, job).add_done_callback(lambda _: done.set_result(None))

    def stop(self) -> None:
        """Leave unfinished jobs as they are, on disk."""
        self._stopping.set()
        self._readers.close()
        self._drivers.shutdown(wait=True, cancel_futures=True)

    def _drive(self, job: Job) -> None:
        try:
            job = job if job.ended else self._read_or_fail(job)
            if job.ended and not self._stopping.is_set():
                self._persistently(lambda: self._announce(job))
                self._store.save(job.model_copy(update={"notified": True}))
        except (CancelledError, ConnectionError) as error:
            logger.warning("textract job %s waits for the next start: %s", job.job_id, error)
        except Exception:  # the outermost edge of this thread: the next start announces it again
            logger.exception("textract job %s could not be announced", job.job_id)

    def _read_or_fail(self, job: Job) -> Job:
        """A fault of our own ends the job like one of the service's: nobody waits for it in vain."""
        try:
            return self._read(job)
        except (CancelledError, ConnectionError):
            raise
        except Exception as error:  # the edge between a job and our own faults
            logger.exception("textract job %s failed by a fault of the stand-in", job.job_id)
            fault = f"INTERNAL_ERROR: {type(error).__name__}: {error}"
            return self._store.save(job.model_copy(update={"status": "FAILED", "message": fault}))

    def _persistently(self, action: Callable[[], None]) -> None:
        """Repeat while S3 or SNS cannot be reached; CancelledError when everything stops meanwhile."""
        for pause in self._pauses:
            try:
                return action()
            except ConnectionError as error:
                logger.warning("%s; next attempt in %s s", error, pause)
                if self._stopping.wait(pause):
                    raise CancelledError from error
        return action()

    def _read(self, job: Job) -> Job:
        """The job as it is after its pages were read, or as it stands when everything stops."""
        if job.failure:
            return self._store.save(job.model_copy(update={"status": "FAILED", "message": job.failure}))
        document = self._store.document(job)
        try:
            if not document.exists():
                self._persistently(lambda: self._fetch(job, document))
            content = self._readers.inspect(document)
            job = self._store.save(job.model_copy(update={"num_pages": content.num_pages}))
            job = self._read_pages(job, content.kind)
            ending: dict[str, Any] = {"status": "SUCCEEDED"}
        except UnreadableDocumentError as error:
            ending = {"status": "FAILED", "message": str(error)}
        except (BrokenProcessPool, CancelledError):
            if self._stopping.is_set():
                return job
            ending = {"status": "FAILED", "message": "INTERNAL_ERROR: the process that read a page has died"}
        document.unlink(missing_ok=True)
        return self._store.save(job.model_copy(update=ending))

    def _read_pages(self, job: Job, kind: str) -> Job:
        """Read on after the pages there are; at most two per worker are under way."""
        document = self._store.document(job)
        under_way: deque[Future[list[dict[str, Any]]]] = deque()
        next_page = len(job.page_blocks) + 1
        while under_way or next_page <= job.num_pages:
            while next_page <= job.num_pages and len(under_way) < 2 * self._readers.workers:
                under_way.append(
                    self._readers.read(document, kind, next_page, job.job_id, self._languages, job.layout)
                )
                next_page += 1
            blocks = under_way.popleft().result()
            self._store.write_page(job, len(job.page_blocks) + 1, blocks)
            job = self._store.save(job.model_copy(update={"page_blocks": (*job.page_blocks, len(blocks))}))
        return job


def _token_of(job: Job) -> tuple[str, str]:
    """A job without a client token is found by nobody's."""
    return job.api, str(job.request.get("ClientRequestToken") or job.job_id)


def gone(error: Exception) -> UnreadableDocumentError:
    """A document that S3 did not give any more, as a job's failure."""
    return UnreadableDocumentError(Unreadable.DAMAGED, f"the document could not be read from S3: {error}")
