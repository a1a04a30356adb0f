"""A folder to S3 and back: only what changed, many files at once."""

import hashlib
from pathlib import Path, PurePosixPath

from recto.errors import ConfigurationError
from recto_data.parallel import each_done
from recto_data.places import PART, Entry, Folder, Place, Prefix, place_of, safe
from recto_data.progress import SILENT, Bars
from recto_data.reports import Finding, Report, Status
from recto_ocr.file_names import HIDDEN, is_hidden

MEBIBYTE = 1024 * 1024
PART_BYTES = 8 * MEBIBYTE
"""What the SDK, and the AWS CLI, upload at once of a large file."""
UNCHANGED = "unchanged"


def push(folder: str | Path, target: str, bars: Bars = SILENT) -> Report:
    """Upload what is not in S3 yet or differs; hidden files stay here. Nothing is deleted there."""
    source, place = _two_places(folder, target)
    there = {entry.name: entry for entry in place.entries()}
    report, wanted = Report(), []
    for entry in source.entries():
        if is_hidden(PurePosixPath(entry.name)) or entry.name.endswith(PART):
            report.add(entry.name, Status.SKIPPED, HIDDEN)
        else:
            wanted.append(entry)
    bars.begin("files", len(wanted))

    def send(entry: Entry) -> Status:
        path = source.path / entry.name
        if is_same(path, entry, there.get(entry.name)):
            return Status.SKIPPED
        place.store(path, entry.name)
        return Status.DONE

    for entry, became in each_done(send, wanted):
        report.findings.append(_finding(entry.name, became))
        bars.step()
    return _in_order(report)


def pull(source: str, folder: str | Path, bars: Bars = SILENT) -> Report:
    """Download what is not here yet or differs. Nothing is deleted here."""
    target, place = _two_places(folder, source)
    wanted = place.entries()
    if not wanted:
        raise ConfigurationError(f"{place.uri}: there is nothing below this prefix")
    bars.begin("files", len(wanted))

    def bring(entry: Entry) -> Status:
        path = target.path / safe(entry.name)
        here = Entry(entry.name, path.stat().st_size) if path.is_file() else None
        if here and is_same(path, here, entry):
            return Status.SKIPPED
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + PART)
        try:
            place.fetch(entry.name, part)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        return Status.DONE

    report = Report()
    for entry, became in each_done(bring, wanted):
        report.findings.append(_finding(entry.name, became))
        bars.step()
    return _in_order(report)


def is_same(path: Path, here: Entry, there: Entry | None) -> bool:
    """Whether a local file has an object's content: by its size and by what S3's ETag tells of the content.

    ETags that tell nothing (encrypted by KMS, or uploaded in parts of another size) count as different.
    """
    return there is not None and here.size == there.size and etag_of(path, there.etag) == there.etag


def etag_of(path: Path, like: str) -> str:
    """The ETag that S3 gives the file: its MD5, or that of the MD5s of its parts, as `like` was made."""
    if "-" not in like:
        with path.open("rb") as file:
            return hashlib.file_digest(file, _md5).hexdigest()
    digests = []
    with path.open("rb") as file:
        while part := file.read(PART_BYTES):
            digests.append(_md5(part).digest())
    return f"{_md5(b''.join(digests)).hexdigest()}-{len(digests)}"


def _md5(content: bytes = b"") -> "hashlib._Hash":
    return hashlib.md5(content, usedforsecurity=False)


def _finding(name: str, became: Status | Exception) -> Finding:
    if isinstance(became, Exception):
        return Finding.of_error(name, became)
    return Finding(name, became, UNCHANGED if became is Status.SKIPPED else "")


def _in_order(report: Report) -> Report:
    return Report(sorted(report.findings, key=lambda finding: finding.name))


def _two_places(folder: str | Path, remote: str) -> tuple[Folder, Place]:
    here, there = place_of(folder), place_of(remote)
    if not isinstance(here, Folder) or not isinstance(there, Prefix):
        raise ConfigurationError(f"{folder} and {remote}: expected a folder and s3://bucket/prefix")
    return here, there
