"""What strangers send to do harm ends by a name, at its own cost alone.

More of the same where it belongs: events in test_intake.py, pixels in test_imaging.py and
test_odd_documents.py, archives in test_data_files.py, templates in test_rendering.py and
test_workbench_web.py, spreadsheets in test_spreadsheets.py.
"""

import io
import json
import re
import resource
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image

from recto.aws.dynamodb import DocumentRows
from recto.aws.s3 import S3Objects
from recto.errors import ConfigurationError, DocumentError, DocumentTooLargeError
from recto.imaging import Limits, open_pages
from recto.messages import Status
from recto.pdf_bombs import refuse_bombs
from recto.places import DocumentPlaces, Location, document_id
from recto.steps.intake import Intake, take_in, uploads_of
from recto_data.archives import ArchiveError, unpack
from recto_workbench.aws.services import S3Links
from tests.bad_files import chunk
from tests.fakes import FakeClock, FakeEvents
from tests.functional.conftest import INBOX, WORK

PDF = b"%PDF-1.7\n" + b"x" * 100
LIMITS = Limits(pages=3000, pixels=100_000_000)
REAL = Path(__file__).parents[3] / "shared" / "data"


# --- forged events ------------------------------------------------------------------------------------


@pytest.fixture
def events() -> FakeEvents:
    return FakeEvents()


@pytest.fixture
def intake(objects: S3Objects, documents: DocumentRows, events: FakeEvents) -> Intake:
    return Intake(objects, documents, events, FakeClock(), max_bytes=1000, inbox=INBOX)


def forged(bucket: str = INBOX, key: str = "a.pdf", **more: Any) -> str:
    entry = {"key": key, "etag": "e", "sequencer": "1", **more}
    return json.dumps({"detail": {"bucket": {"name": bucket}, "object": entry}})


def taken(body: str, intake: Intake) -> Any:
    (upload,) = uploads_of(body)
    return take_in(upload, intake)


class NothingIsRead(S3Objects):
    """Fails the test where anything asks for an object."""

    def __init__(self) -> None:
        pass

    def info(self, place: Location) -> Any:
        raise AssertionError(f"{place.uri} was looked at")


@pytest.mark.parametrize("bucket", [WORK, "somebody-elses", "inbox-2", ""])
def test_an_event_of_another_bucket_is_refused_before_anything_is_read(
    bucket: str, intake: Intake, documents: DocumentRows, events: FakeEvents
) -> None:
    asked = intake._replace(objects=NothingIsRead())

    with pytest.raises(ConfigurationError, match=r"bucket .*expected one of the inbox inbox|expected an S3"):
        taken(forged(bucket), asked)

    assert documents.with_status(Status.FAILED, 9) == []
    assert events.published == []


def test_an_event_of_an_object_that_is_not_there_fails_by_name(intake: Intake) -> None:
    row = taken(forged(key="never/was.pdf"), intake)

    assert (row.status, row.error) == (Status.FAILED, "DocumentMissingError")


@pytest.mark.parametrize("size", [-1, 0, 1, 10**18, "many", None])
def test_what_an_event_says_of_a_size_is_not_believed(size: Any, intake: Intake, objects: S3Objects) -> None:
    objects.write(Location(bucket=INBOX, key="small.pdf"), PDF)
    objects.write(Location(bucket=INBOX, key="large.pdf"), PDF.ljust(1001, b"x"))

    small, large = (taken(forged(key=key, size=size), intake) for key in ("small.pdf", "large.pdf"))

    assert (small.status, small.size) == (Status.WAITING, len(PDF))
    assert (large.status, large.error) == (Status.FAILED, "DocumentTooLargeError")


@pytest.mark.parametrize(
    "body",
    [
        "[" * 100_000, '{"a":' * 100_000, '{"detail": [1]}', '{"detail": {"bucket": 1, "object": {}}}',
        '{"Records": {}}', '{"Records": [{"eventVersion": "2.1", "s3": []}]}', "\x00",
        '"' + "x" * 250_000 + '"',
        json.dumps({"detail": {"bucket": {"name": INBOX}, "object": {"key": "\ud800.pdf"}}}),
        json.dumps({"detail": {"bucket": {"name": INBOX}, "object": {"key": ["a.pdf"]}}}),
    ],
)  # fmt: skip
def test_a_message_made_to_break_the_parser_is_refused_by_name(body: str) -> None:
    with pytest.raises(ConfigurationError, match="expected an S3") as refused:
        uploads_of(body)

    assert len(str(refused.value)) < 1000


@pytest.mark.parametrize(
    "key",
    [
        "../../etc/passwd", "/absolute.pdf", "//", "a//../..//b.pdf", "..", ".", "~/x", "C:\\x.pdf",
        "..\\..\\x",
        "nul\x00.pdf", "\x1b[2Jclear.pdf", "x" * 1025, "\u202efdp.exe", "%2e%2e%2f", "|rm -rf", "$(id).pdf",
        "documents/0123/result.json", "\ufeff", "a\r\nX-Header: b",
    ],
)  # fmt: skip
def test_a_key_made_to_lead_elsewhere_leads_nowhere(
    key: str, intake: Intake, documents: DocumentRows
) -> None:
    """Nothing derived holds the source's key: everything lies below an id of 32 hex digits."""
    name = document_id(Location(bucket=INBOX, key=key), "e", "1")

    try:
        row = taken(forged(key=key), intake)
    except ConfigurationError:  # S3 itself has refused the key
        row = None

    assert row is None or (row.error, row.document_id) == ("DocumentMissingError", name)
    assert re.fullmatch(r"[0-9a-f]{32}", name)
    assert DocumentPlaces(WORK, name).result.key == f"documents/{name}/result.json"


# --- bombs --------------------------------------------------------------------------------------------


def packed(megabytes: int, byte: bytes = b" ") -> bytes:
    """So much of one byte, by Flate: a thousandth of it. One block again and again; the checksum is wrong."""
    packer = zlib.compressobj(9)
    begin = packer.compress(byte * 1024 * 1024) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(byte * 1024 * 1024) + packer.flush(zlib.Z_FULL_FLUSH)
    return begin + again * (megabytes - 1) + packer.flush()


def pdf_with(content: bytes, head: str) -> bytes:
    """One page whose contents are the stream."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] /Contents 4 0 R >>",
        f"<< /Length {len(content)} {head} >>\nstream\n".encode() + content + b"\nendstream",
    ]
    body = b"".join(b"%d 0 obj\n%s\nendobj\n" % (number, each) for number, each in enumerate(objects, 1))
    return b"%PDF-1.7\n" + body + b"trailer << /Root 1 0 R /Size 5 >>\n%%EOF\n"


def end_within() -> bytes:
    """The word that ends a stream, stored as it is before the rest; the length says where it really ends."""
    packer = zlib.compressobj(0)
    return packer.compress(b"endstream") + packer.flush(zlib.Z_FULL_FLUSH) + packed(600)[2:]


LIMIT = 64 * 1024 * 1024
BOMBS = {
    "contents": lambda: pdf_with(packed(600), "/Filter /FlateDecode"),
    "packed twice": lambda: pdf_with(zlib.compress(packed(600), 9), "/Filter [/FlateDecode /FlateDecode]"),
    "short names": lambda: pdf_with(packed(600), "/Filter /Fl"),
    "table of objects": lambda: pdf_with(packed(600, b"0"), "/Type /ObjStm /N 9 /Filter /FlateDecode"),
    "an end within": lambda: pdf_with(end_within(), "/Filter /FlateDecode"),
}  # fmt: skip


@pytest.fixture(scope="module")
def bombs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bombs")
    for name, made in BOMBS.items():
        (folder / f"{name}.pdf").write_bytes(made())
    return folder


@pytest.mark.parametrize("name", BOMBS)
def test_a_pdf_that_unpacks_to_more_than_memory_is_refused_by_name(name: str, bombs: Path) -> None:
    with pytest.raises(DocumentTooLargeError, match=rf"the document: .* more than {LIMIT:,} bytes"):
        refuse_bombs(bombs / f"{name}.pdf", "the document", LIMIT)


def test_a_pdf_is_refused_before_it_is_unpacked(bombs: Path) -> None:
    """In a process of its own, whose memory is looked at."""
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from recto.errors import DocumentTooLargeError\n"
        "from recto.imaging import Limits, open_pages\n"
        "try:\n"
        "    with open_pages(Path(sys.argv[1]), Limits(10, 10**8), 'it') as pages:\n"
        "        pages.draw(1, 800)\n"
        "except DocumentTooLargeError as error:\n"
        "    print(error)\n"
        "status = Path('/proc/self/status').read_text()\n"  # its own peak; ru_maxrss has the parent's too
        "print(int(status.split('VmHWM:')[1].split()[0]) // 1024)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, str(bombs / "packed twice.pdf")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    says, megabytes = done.stdout.splitlines()
    assert says.startswith("it: its streams unpack to more than 536,870,912 bytes")
    assert int(megabytes) < 400


def test_a_large_pdf_is_looked_through_without_being_held(tmp_path: Path) -> None:
    """In a process of its own, whose memory is looked at."""
    path = tmp_path / "large.pdf"
    path.write_bytes((b"1 0 obj <<>> stream\n" + bytes(2**20) + b"\nendstream\n") * 64)
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from recto.pdf_bombs import refuse_bombs\n"
        "def peak():\n"
        "    return int(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0]) // 1024\n"
        "before = peak()\n"
        "refuse_bombs(Path(sys.argv[1]), 'it')\n"
        "print(peak() - before)\n"
    )

    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)

    assert int(done.stdout) < 20


def test_large_contents_that_memory_holds_are_drawn(tmp_path: Path) -> None:
    path = tmp_path / "large.pdf"
    path.write_bytes(pdf_with(packed(40), "/Filter /FlateDecode"))

    with open_pages(path, LIMITS, "large") as pages:
        assert pages.draw(1, 200).size == (200, 100)


def test_many_streams_below_the_limit_are_refused_together(tmp_path: Path) -> None:
    path, one = tmp_path / "many.pdf", pdf_with(packed(100), "/Filter /FlateDecode")
    path.write_bytes(one * 6)

    with pytest.raises(DocumentTooLargeError, match="streams unpack"):
        refuse_bombs(path, "many")


HIDDEN = {
    "an image of one pixel": "/A /Image /Width 1 /Height 1 /Filter /FlateDecode",
    "an image larger than the limit": "/A /Image /Width 60000 /Height 60000 /Filter /FlateDecode",
    "a name with escapes": "/Filter /Flate#44ecode",
    "a word after the filter": "/Filter /FlateDecode /A (obj)",
    "a long dictionary": f"/Filter /FlateDecode /A ({'x' * 5000})",
    "a dictionary longer than is read": f"/Image /Width 9 /Height 9 /Filter /FlateDecode /A ({'x' * 70_000})",
    "a filter in another object": "/Filter 9 0 R",
    "the word within its dictionary": "/A (stream\n) /Filter /FlateDecode",
}  # fmt: skip


@pytest.fixture(scope="module")
def contents() -> bytes:
    return packed(70)


def refused(content: bytes, path: Path) -> str:
    path.write_bytes(content)
    with pytest.raises(DocumentTooLargeError) as raised:
        refuse_bombs(path, "it", LIMIT)
    return str(raised.value)


@pytest.mark.parametrize("name", HIDDEN)
def test_no_dictionary_hides_a_bomb(name: str, contents: bytes, tmp_path: Path) -> None:
    assert "unpack to more than 67,108,864 bytes" in refused(
        pdf_with(contents, HIDDEN[name]), tmp_path / "a.pdf"
    )


@pytest.mark.parametrize("line", [b" \n", b"\r", b"%stream\r\n"])
def test_no_end_of_a_line_hides_a_bomb(line: bytes, contents: bytes, tmp_path: Path) -> None:
    content = pdf_with(contents, "/Filter /FlateDecode").replace(b">>\nstream\n", b">>\nstream" + line)

    assert "unpack to more than" in refused(content, tmp_path / "a.pdf")


def test_an_end_within_hides_no_bomb_whatever_the_length_says(tmp_path: Path) -> None:
    content = re.sub(rb"/Length \d+", b"/Length 9 0 R", pdf_with(end_within(), "/Filter /FlateDecode"))

    assert "unpack to more than" in refused(content, tmp_path / "a.pdf")


def test_a_file_that_ends_within_a_bomb_hides_none(contents: bytes, tmp_path: Path) -> None:
    content = pdf_with(contents, "/Filter /FlateDecode").partition(b"\nendstream")[0]

    assert "unpack to more than" in refused(content, tmp_path / "a.pdf")


def test_hidden_layers_are_looked_at_and_the_largest_counts(contents: bytes, tmp_path: Path) -> None:
    thrice = zlib.compress(zlib.compress(contents, 9), 9)
    begins_like_flate = zlib.compress(zlib.compress(b"short") + b" " * 70_000_000)

    for content in (thrice, begins_like_flate):
        assert "unpack to more than" in refused(pdf_with(content, "/Filter 9 0 R"), tmp_path / "a.pdf")


def test_layers_without_end_are_refused(tmp_path: Path) -> None:
    content = b"at last"
    for _ in range(10):
        content = zlib.compress(content)

    assert "unpack to more than" in refused(pdf_with(content, "/Filter 9 0 R"), tmp_path / "a.pdf")


def test_images_are_not_counted_up_to_their_own_size(tmp_path: Path) -> None:
    one, path = (
        pdf_with(packed(40), "/Subtype /Image /Width 2500 /Height 2500 /Filter /Fl"),
        tmp_path / "a.pdf",
    )
    path.write_bytes(one * 3)

    refuse_bombs(path, "it", LIMIT)

    assert "unpack to more than" in refused(one.replace(b"2500", b"2000") * 3, path)


def test_streams_that_lie_in_one_another_are_refused(tmp_path: Path) -> None:
    """Each begins with a block stored as it is, which holds the beginnings of those after it."""
    one = b"stream\n\x78\x01\x00" + struct.pack("<HH", 65_520 - 6, (65_520 - 6) ^ 0xFFFF)
    content = b"%PDF" + one.ljust(16, b" ") * 20_000

    assert "lie in one another" in refused(content, tmp_path / "a.pdf")


@pytest.mark.parametrize(
    "one", [b"stream\n", b"stream ", b"obj<<stream\n\x78\x9c", b"endstreamstream\n\x78\x01"]
)
def test_time_grows_as_the_file_does(one: bytes, tmp_path: Path) -> None:
    path = tmp_path / "many.pdf"

    def seconds(size: int) -> float:
        path.write_bytes(b"%PDF" + one * (size // len(one)))
        tries = []
        for _ in range(3):
            begin = time.process_time()
            with suppress(DocumentTooLargeError):
                refuse_bombs(path, "many")
            tries.append(time.process_time() - begin)
        return min(tries)

    assert seconds(280_000) < 3 * seconds(140_000) + 0.01


def test_no_real_document_is_refused() -> None:
    paths = sorted(REAL.rglob("*.pdf"))
    if not paths:
        pytest.skip("no real documents: ../shared/data is not there")

    for path in paths:
        refuse_bombs(path, path.name)


@pytest.mark.parametrize(
    "content", [b"", b"stream\n", b"obj<</FlateDecode>>stream\r\n", b"endstream" * 9, b"stream", b"stream\nx"]
)
def test_what_is_no_pdf_is_no_bomb(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "odd.pdf"
    path.write_bytes(content)

    refuse_bombs(path, "odd")


def tiff(width: int, height: int, content: bytes) -> bytes:
    """Grey, Deflate, one strip."""
    long_ones = {256: width, 257: height, 273: 122, 278: height, 279: len(content)}
    entries = long_ones | {258: 8, 259: 8, 262: 1, 277: 1}
    rows = b"".join(
        struct.pack("<HHII" if tag in long_ones else "<HHIHxx", tag, 4 if tag in long_ones else 3, 1, value)
        for tag, value in sorted(entries.items())
    )
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + rows + bytes(4) + content


def jpeg(width: int, height: int) -> bytes:
    """A small photo that says it is large."""
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16)).save(buffer, "JPEG")
    content = bytearray(buffer.getvalue())
    at = content.find(b"\xff\xc0")
    content[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(content)


def png_with(extra: bytes) -> bytes:
    head = struct.pack(">IIBBBBB", 10, 10, 8, 0, 0, 0, 0)
    pixels = zlib.compress((b"\0" + b"\xff" * 10) * 10)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("made", "error"),
    [
        (lambda: tiff(100_000, 100_000, packed(1)), "DocumentTooLargeError"),
        (lambda: tiff(4_000_000_000, 1, packed(1)), "DocumentTooLargeError"),
        (lambda: jpeg(65_535, 65_535), "DocumentTooLargeError"),
        (lambda: jpeg(10_001, 20), "DocumentTooLargeError"),
        (lambda: png_with(chunk(b"zTXt", b"k\0\0" + packed(100))), "DamagedDocumentError"),
        (lambda: png_with(chunk(b"iCCP", b"k\0\0" + packed(100))), "DamagedDocumentError"),
        (lambda: png_with(chunk(b"iTXt", b"k\0\1\0\0\0" + packed(100))), "DamagedDocumentError"),
    ],
    ids=["wide tiff", "long tiff", "huge jpeg", "long jpeg", "text of png", "profile of png", "words of png"],
)
def test_an_image_that_unpacks_to_more_than_memory_is_refused_by_name(
    made: Any, error: str, tmp_path: Path
) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(made())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(DocumentError) as refused, open_pages(path, LIMITS, "the image") as pages:
        pages.draw(1, 200)

    assert type(refused.value).__name__ == error
    assert "the image" in str(refused.value)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000


def test_an_archive_that_lies_about_a_size_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    """The directory says ten bytes, the entry holds a megabyte."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.pdf", bytes(1024 * 1024))
    content = buffer.getvalue().replace(struct.pack("<I", 1024 * 1024), struct.pack("<I", 10))
    (tmp_path / "c.zip").write_bytes(content)

    with pytest.raises(ArchiveError, match="cannot be unpacked"):
        unpack(tmp_path / "c.zip", tmp_path / "raw")

    assert [path for path in (tmp_path / "raw").rglob("*") if path.is_file()] == []


def test_an_archive_of_archives_is_not_unpacked_further(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(1024 * 1024))
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as archive:
        archive.writestr("inner.zip", inner.getvalue())

    unpack(tmp_path / "outer.zip", tmp_path / "raw")

    assert [path.name for path in (tmp_path / "raw").rglob("*")] == ["inner.zip"]


# --- links --------------------------------------------------------------------------------------------


@pytest.fixture
def links(objects: S3Objects) -> S3Links:
    return S3Links("recto-tests")


def signed(url: str) -> tuple[str, dict[str, str]]:
    parts = urlsplit(url)
    return parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()}


def test_a_link_is_signed_for_one_object_one_method_and_an_hour_at_most(links: S3Links) -> None:
    place = Location(bucket=WORK, key="documents/a/image.jpg")

    read = links.to_read(place, 900)
    write = links.to_write(place, "image/png", 10, 900)

    path, said = signed(read.url)
    assert path.endswith("/documents/a/image.jpg")
    assert (said["X-Amz-Algorithm"], said["X-Amz-Expires"]) == ("AWS4-HMAC-SHA256", "900")
    assert said["X-Amz-SignedHeaders"] == "host"
    _, written = signed(write.url)
    assert set(written["X-Amz-SignedHeaders"].split(";")) == {"content-length", "content-type", "host"}
    assert said["X-Amz-Signature"] != written["X-Amz-Signature"]


def test_a_link_to_a_version_is_signed_for_that_version(links: S3Links) -> None:
    one, two = (
        signed(links.to_read(Location(bucket=INBOX, key="a.pdf", version_id=version), 900).url)[1]
        for version in ("v1", "v2")
    )

    assert (one["versionId"], two["versionId"]) == ("v1", "v2")
    assert one["X-Amz-Signature"] != two["X-Amz-Signature"]


@pytest.mark.parametrize(
    "key", ["a/../b", "a?X-Amz-Expires=999999", "a#b", "a b", "ünï", "%2e%2e/x", "a&versionId=2"]
)
def test_no_key_changes_what_a_link_is_signed_for(key: str, links: S3Links) -> None:
    path, said = signed(links.to_read(Location(bucket=WORK, key=key), 60).url)

    assert said["X-Amz-Expires"] == "60"
    assert "versionId" not in said
    assert "?" not in path
