"""Backfills: many documents that wait until live ones leave them room. States, counts, and what to expect.

A backfill's documents are taken in once (LISTING), then started in turn (RUNNING) until all have ended
(DONE). A person stops it, the budget pauses it; both let what runs end, and both go on where it was.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from math import sqrt
from pathlib import PurePosixPath
from statistics import NormalDist, mean, stdev
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from recto.errors import BackfillRefusedError
from recto.messages import Status

MANIFESTS = "backfills"
"""Where in the work bucket the lists of documents lie, and what Step Functions says of each item."""
UPLOADS = "corpora/backfills"
"""Where in the work bucket the documents of a folder go: Textract reads there, and no upload starts one."""


class BackfillState(StrEnum):
    """Where a backfill stands."""

    LISTING = "LISTING"
    """Its documents are being taken in; those that are in may be started."""
    RUNNING = "RUNNING"
    """All are in; they are started in turn."""
    DONE = "DONE"
    STOPPED = "STOPPED"
    """By a person: nothing new starts, what runs ends."""
    PAUSED = "PAUSED"
    """By the budget: the same, and it goes on by itself."""


ACTIVE = (BackfillState.LISTING, BackfillState.RUNNING)
"""Documents of these may be started."""


class Guess(NamedTuple):
    """A number that was estimated from a sample, and between which it lies with 90 % confidence."""

    value: float
    low: float
    high: float

    @property
    def is_exact(self) -> bool:
        return self.low == self.high

    def times(self, factor: float) -> "Guess":
        return Guess(self.value * factor, self.low * factor, self.high * factor)


class Forecast(BaseModel):
    """What a backfill will take, told before it starts and kept with it."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    documents: int
    bytes: int | None
    """None where only a look at each object would tell."""
    left_out: int = 0
    """Folder markers, hidden files, and lines of a manifest that cannot be used."""
    looked_at: int = 0
    """Documents whose pages were counted."""
    pages: Guess
    hours: Guess
    slowest: str = ""
    """The bottleneck that the hours come from."""
    dollars: Guess | None = None
    """None where nobody knows the prices."""


class BackfillRow(BaseModel):
    """A backfill as the table knows it."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    backfill_id: str
    state: BackfillState
    source: str
    """As the operator named it: s3://…, a manifest or a folder."""
    bucket: str
    prefix: str = ""
    """Whose objects are taken in; empty with a manifest."""
    manifest: str = ""
    """Key of the list in the work bucket whose documents are taken in."""
    folder: str = ""
    """On the operator's machine, while its files are not all below `prefix` yet."""
    limit: int = 0
    """Take at most so many; 0: all."""
    started: datetime
    updated: datetime
    operator: str = ""
    runs: int = 0
    """Executions that took documents in."""
    reopened: int = 0
    """How often it was done and went on, since a document of it was processed again."""
    listed: bool = False
    """Whether all are in."""
    missed_by_map: int = 0
    """Items of the last execution that nobody could even note."""
    reason: str = ""
    """Why it is stopped or paused."""
    forecast: Forecast | None = None

    @property
    def execution(self) -> str:
        """The name of the execution that takes documents in, or did last."""
        return f"{self.backfill_id}-{self.runs}"

    def input(self) -> dict[str, Any]:
        """What that execution is started with."""
        where = {"Manifest": self.manifest} if self.manifest else {"Prefix": self.prefix}
        return {"BackfillId": self.backfill_id, "Bucket": self.bucket, **where}


class Counts(NamedTuple):
    """How many of a backfill's documents stand where."""

    taken: int = 0
    """Documents taken in, those that failed by name at that among them."""
    bytes: int = 0
    started: int = 0
    """Those that have left the line."""
    processed: int = 0
    failed: int = 0
    rejected: int = 0
    failed_at_intake: int = 0
    """Of those that failed: never stood in the line."""
    skipped: int = 0
    """Folder markers and hidden files."""
    missed: int = 0
    """Objects and lines that could not be taken in; tried again with `start --resume`."""
    known: int = 0
    """Objects that are documents already, of a live upload or of another backfill."""

    @property
    def ended(self) -> int:
        return self.processed + self.failed + self.rejected

    @property
    def waiting(self) -> int:
        return max(0, self.taken - self.failed_at_intake - self.started)

    @property
    def pending(self) -> int:
        """Those that have not ended."""
        return max(0, self.taken - self.ended)

    @property
    def running(self) -> int:
        """Those that run or wait for a person."""
        return max(0, self.pending - self.waiting)


OUTCOMES: Mapping[Status, str] = {
    Status.PROCESSED: "processed",
    Status.FAILED: "failed",
    Status.REJECTED: "rejected",
}
"""Final statuses, and the names of their counts."""


def is_done(row: BackfillRow, counts: Counts) -> bool:
    """Whether nothing more happens to it by itself.

    Paused while it was listed it may go on as LISTING, though all is in.
    """
    return row.listed and row.state in ACTIVE and counts.pending == 0


def state_again(row: BackfillRow) -> BackfillState:
    """What a stopped or paused backfill goes on as."""
    return BackfillState.RUNNING if row.listed else BackfillState.LISTING


def require_stoppable(row: BackfillRow) -> None:
    """BackfillRefusedError where there is nothing to stop any more."""
    if row.state in (BackfillState.DONE, BackfillState.STOPPED):
        raise BackfillRefusedError(f"backfill {row.backfill_id} is {row.state}: there is nothing to stop")


# --- items ------------------------------------------------------------------------------------------

SYSTEM_FILES = frozenset({"desktop.ini", "thumbs.db", "__macosx"})
LOCK_FILE = "~$"

Skipped = Literal["", "folder marker", "hidden file"]


def why_skipped(key: str, size: int | None = None) -> Skipped:
    """Why an object is nobody's document; empty for one that is to be looked at.

    One whose name ends with a slash is a folder marker unless it has content; hidden is what systems keep
    for themselves, or lies in such a folder.
    """
    if key.endswith("/") and not size:
        return "folder marker"
    parts = PurePosixPath(key).parts
    is_hidden = any(part.startswith((".", LOCK_FILE)) or part.lower() in SYSTEM_FILES for part in parts)
    return "hidden file" if is_hidden else ""


# --- what to expect ---------------------------------------------------------------------------------

CONFIDENCE = 0.90


def total_of(sample: Sequence[int], documents: int) -> Guess:
    """Pages of all documents from those of a sample: Student's interval, for a sample without replacement.

    Never less than the sample itself has; exact where all were counted.
    """
    if not sample:
        return Guess(float(documents), float(documents), float(documents))
    counted, average = float(sum(sample)), mean(sample)
    total = documents * average
    if len(sample) >= documents:
        return Guess(counted, counted, counted)
    if len(sample) < 2:
        return Guess(total, counted, total)
    unseen = 1 - len(sample) / documents
    error = stdev(sample) / sqrt(len(sample)) * sqrt(unseen)
    reach = documents * error * _student(len(sample) - 1)
    return Guess(total, max(counted, total - reach), total + reach)


def _student(freedom: int) -> float:
    """The quantile of Student's distribution for a two-sided interval (Cornish and Fisher's expansion)."""
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3


class Rates(BaseModel):
    """How much each bottleneck takes, and how long one document keeps it. Of a backfill's share."""

    model_config = ConfigDict(frozen=True)

    slots: float = Field(gt=0)
    """Documents in OCR and model at once."""
    textract_jobs: float = Field(gt=0)
    textract_starts: float = Field(gt=0)
    """A second."""
    textract_gets: float = Field(gt=0)
    """A second."""
    job_seconds: float = 4.0
    """Of a Textract job, whatever its pages."""
    job_seconds_per_page: float = 0.5
    slot_seconds: float = 8.0
    """Of images, model and fields, beside the job."""
    slot_seconds_per_page: float = 0.6
    pages_per_get: float = 8.0
    """A call of Get… brings at most 1,000 blocks; a page of text has some 120 lines and words or more."""

    def seconds(self, documents: int, pages: float) -> dict[str, float]:
        """How long each bottleneck would keep all documents if there were no other."""
        in_job = documents * self.job_seconds + pages * self.job_seconds_per_page
        in_slot = in_job + documents * self.slot_seconds + pages * self.slot_seconds_per_page
        return {
            "documents": in_slot / self.slots,
            "textract-jobs": in_job / self.textract_jobs,
            "textract-start": documents / self.textract_starts,
            "textract-get": (documents + pages / self.pages_per_get) / self.textract_gets,
        }


def hours_of(documents: int, pages: Guess, rates: Rates) -> tuple[Guess, str]:
    """Hours without live traffic, and the bottleneck that they come from."""
    value, low, high = (rates.seconds(documents, number) for number in pages)
    slowest = max(value, key=lambda name: value[name])
    return Guess(*(max(each.values()) / 3600 for each in (value, low, high))), slowest


# --- how it goes ------------------------------------------------------------------------------------

PACE_MINUTES = 10
"""Outcomes are counted in steps of so many minutes."""
RECENT = timedelta(hours=1)


def pace_of(ended: Mapping[datetime, int], started: datetime, now: datetime) -> float:
    """Documents an hour, of the last hour or since the start; 0 where none has ended in it."""
    since = max(started, now - RECENT)
    first = since - timedelta(minutes=since.minute % PACE_MINUTES, seconds=since.second)
    recent = sum(count for moment, count in ended.items() if moment >= first - timedelta(seconds=1))
    hours = max((now - since).total_seconds(), 1.0) / 3600
    return recent / hours


def left_of(counts: Counts, an_hour: float) -> timedelta | None:
    """How long it will take at this pace; None where nothing has ended lately."""
    return timedelta(hours=counts.pending / an_hour) if an_hour > 0 else None


class Surroundings(NamedTuple):
    """What may keep a backfill's documents waiting, as it is now."""

    live_waiting: int = 0
    slots_taken: int = 0
    slots_for_backfill: int | None = None
    """None where nobody knows."""


def waits_for(row: BackfillRow, counts: Counts, seen: Surroundings) -> str:
    """Why its documents do not start, in words; empty where they do or where none waits."""
    if row.state in (BackfillState.STOPPED, BackfillState.PAUSED):
        return row.reason or str(row.state).lower()
    if not counts.waiting:
        return "its documents to be taken in" if row.state is BackfillState.LISTING else ""
    if seen.live_waiting:
        return f"live documents that wait ({seen.live_waiting})"
    share = seen.slots_for_backfill
    if share is not None and seen.slots_taken >= share:
        return f"slots ({seen.slots_taken} taken, {share} for backfills)"
    return "its turn: documents start with the next slot or minute"
