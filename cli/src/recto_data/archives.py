"""A zip of documents unpacked into a folder, without what could do harm or nobody wants.

Refused by name: entries that lead out of the folder, links, entries under a password, two entries of one
name, and archives that grow beyond measure. Left out: `__MACOSX`, hidden and system files. A single folder
that holds all the rest is taken away.
"""

import stat
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from recto.errors import DocumentError
from recto_data.places import PART
from recto_data.progress import SILENT, Bars
from recto_data.reports import Report, Status
from recto_ocr.file_names import HIDDEN, is_hidden

CHUNK = 1024 * 1024
GIBIBYTE = 1024**3
MAX_FILES = 1_000_000
MAX_RATIO = 200
"""Bytes out of each byte in; documents and images reach some 50."""
SMALL = 10 * 1024 * 1024
"""Files up to this size may have any ratio."""


class ArchiveError(DocumentError):
    """The archive is broken, or holds what must not be unpacked."""


class Item(NamedTuple):
    """A file of the archive, and its name in the folder."""

    info: zipfile.ZipInfo
    name: PurePosixPath


def unpack(archive: Path, folder: Path, bars: Bars = SILENT, max_bytes: int = 50 * GIBIBYTE) -> Report:
    """The files of the archive below `folder`; what is there already is left alone."""
    report = Report()
    try:
        with zipfile.ZipFile(archive) as packed:
            items = _wanted(packed, archive, report)
            _check(items, archive, max_bytes)
            bars.begin("files", len(items))
            for item in _without_top_folder(items):
                _unpack_one(packed, item, folder, report)
                bars.step()
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise ArchiveError(f"{archive}: cannot be unpacked: {error}") from error
    except FileNotFoundError as error:
        raise ArchiveError(f"{archive}: there is no such file") from error
    return report


def _wanted(packed: zipfile.ZipFile, archive: Path, report: Report) -> list[Item]:
    items = []
    for info in packed.infolist():
        name = PurePosixPath(info.filename.replace("\\", "/"))
        if info.is_dir():
            continue
        if name.is_absolute() or ".." in name.parts or (name.parts and ":" in name.parts[0]):
            raise ArchiveError(f"{archive}: entry {info.filename!r} leads out of the folder")
        if is_hidden(name):
            report.add(str(name), Status.SKIPPED, HIDDEN)
        else:
            items.append(Item(info, name))
    return items


def _check(items: Sequence[Item], archive: Path, max_bytes: int) -> None:
    """ArchiveError for what must not be unpacked, before anything is written."""
    if len(items) > MAX_FILES:
        raise ArchiveError(f"{archive}: {len(items):,} files, expected at most {MAX_FILES:,}")
    names: set[str] = set()
    for info, name in items:
        if info.flag_bits & 1:
            raise ArchiveError(f"{archive}: entry {name} asks for a password")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise ArchiveError(f"{archive}: entry {name} is a link")
        if info.file_size > SMALL and info.file_size > MAX_RATIO * max(1, info.compress_size):
            raise ArchiveError(
                f"{archive}: entry {name} grows from {info.compress_size:,} to {info.file_size:,} bytes, "
                f"more than {MAX_RATIO} times"
            )
        if str(name) in names:
            raise ArchiveError(f"{archive}: two entries are called {name}")
        names.add(str(name))
    total = sum(item.info.file_size for item in items)
    if total > max_bytes:
        raise ArchiveError(f"{archive}: {total:,} bytes unpacked, expected at most {max_bytes:,}")


def _without_top_folder(items: Sequence[Item]) -> list[Item]:
    """One folder around everything is taken away."""
    tops = {item.name.parts[0] for item in items}
    if len(tops) != 1 or any(len(item.name.parts) == 1 for item in items):
        return list(items)
    return [item._replace(name=PurePosixPath(*item.name.parts[1:])) for item in items]


def _unpack_one(packed: zipfile.ZipFile, item: Item, folder: Path, report: Report) -> None:
    place = folder / item.name
    if place.is_file() and place.stat().st_size == item.info.file_size and _crc(place) == item.info.CRC:
        report.add(str(item.name), Status.SKIPPED, "is there already")
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(place.name + PART)
    try:
        with packed.open(item.info) as source, part.open("wb") as target:
            while chunk := source.read(CHUNK):  # never more than the size that was checked
                target.write(chunk)
        part.replace(place)
    finally:
        part.unlink(missing_ok=True)
    report.add(str(item.name), Status.DONE)


def _crc(path: Path) -> int:
    value = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            value = zlib.crc32(chunk, value)
    return value
