"""Catalogues, archives and places: which files are documents, what is never unpacked."""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from recto.errors import ConfigurationError, DocumentMissingError, ManifestError
from recto_data import ArchiveError, Status, catalogue, names_in, place_of, read_lines, unpack, write_lines
from recto_data.catalogue import EMPTY
from recto_data.manifest_files import Mapped, map_references, mapping
from recto_data.places import Folder
from recto_data.transfer import PART_BYTES, etag_of
from recto_ocr.file_names import HIDDEN, NO_DOCUMENT

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"


def files(folder: Path, *names: str, content: bytes = b"%PDF-") -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def zipped(path: Path, entries: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def test_a_catalogue_has_the_documents_in_the_order_of_their_names_and_counts_the_rest(
    tmp_path: Path,
) -> None:
    files(tmp_path, "b/Scan.TIF", "a.pdf", "b/photo.jpeg", "note.txt", ".DS_Store", "Thumbs.db", "~$a.pdf")
    files(tmp_path, "__MACOSX/a.pdf", ".git/x.pdf")
    files(tmp_path, "empty.pdf", content=b"")

    found = catalogue(place_of(tmp_path))

    assert found.names == ["a.pdf", "b/Scan.TIF", "b/photo.jpeg"]
    assert found.lines()[0] == {"raw-ref": str(tmp_path / "a.pdf")}
    assert found.report.reasons(Status.SKIPPED) == {HIDDEN: 5, NO_DOCUMENT: 1, EMPTY: 1}


def test_a_place_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no such folder"):
        catalogue(place_of(tmp_path / "nowhere"))


def test_names_of_a_manifest_are_below_their_place_or_refused_by_line(tmp_path: Path) -> None:
    manifest = tmp_path / "m.jsonl"
    write_lines(manifest, [{"raw-ref": "/corpus/b/c.pdf"}, {"raw-ref": "/corpus/a.pdf"}])
    assert names_in(place_of("/corpus"), read_lines(manifest)) == ["b/c.pdf", "a.pdf"]

    with pytest.raises(ManifestError, match=r"line 2.*below /corpus/b/"):
        names_in(place_of("/corpus/b"), read_lines(manifest))


def test_a_broken_line_and_a_missing_manifest_are_named(tmp_path: Path) -> None:
    (tmp_path / "m.jsonl").write_text('{"raw-ref": "a.pdf"}\n{"raw-ref": \n')

    with pytest.raises(ManifestError, match=r"m\.jsonl, line 2: not JSON"):
        read_lines(tmp_path / "m.jsonl")
    with pytest.raises(DocumentMissingError, match="there is no such manifest"):
        read_lines(tmp_path / "n.jsonl")


def test_references_are_mapped_by_the_longest_beginning_and_nothing_else_is_touched() -> None:
    change = mapping(
        [
            Mapped.parse("s3://theirs=s3://mine"),
            Mapped.parse("s3://theirs/data/ocr=/ocr"),
            Mapped("/raw", "s3://m"),
        ]
    )
    line = {
        "source-ref": "s3://theirs/data/a.png",
        "textract-ref": "s3://theirs/data/ocr/a.pdf/consolidated.json",
        "page-refs": ["/raw/a.png", "s3://theirs2/b.png"],
        "labels": {"annotation-ref": "s3://theirs/x.json", "note": "/raw/kept"},
    }

    assert map_references(line, change) == {
        "source-ref": "s3://mine/data/a.png",
        "textract-ref": "/ocr/a.pdf/consolidated.json",
        "page-refs": ["s3://m/a.png", "s3://theirs2/b.png"],
        "labels": {"annotation-ref": "s3://mine/x.json", "note": "/raw/kept"},
    }
    with pytest.raises(ConfigurationError, match="expected FROM=TO"):
        Mapped.parse("s3://theirs")


# --- archives ---------------------------------------------------------------------------------------


def test_an_archive_loses_its_top_folder_and_what_systems_added(tmp_path: Path) -> None:
    entries = {"Corpus/Bank/a.pdf": b"a", "Corpus/b.pdf": b"b", "__MACOSX/Corpus/._b.pdf": b"x"}
    archive = zipped(tmp_path / "c.zip", entries | {"Corpus/.DS_Store": b"x"})

    report = unpack(archive, tmp_path / "raw")
    again = unpack(archive, tmp_path / "raw")

    assert [entry.name for entry in place_of(tmp_path / "raw").entries()] == ["Bank/a.pdf", "b.pdf"]
    assert (report.count(Status.DONE), report.count(Status.SKIPPED)) == (2, 2)
    assert (again.count(Status.DONE), again.count(Status.SKIPPED)) == (0, 4)


def test_a_file_that_changed_is_unpacked_again(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "c.zip", {"a.pdf": b"new"})
    files(tmp_path / "raw", "a.pdf", content=b"old")

    unpack(archive, tmp_path / "raw")

    assert (tmp_path / "raw" / "a.pdf").read_bytes() == b"new"


@pytest.mark.parametrize(
    "name", ["../out.pdf", "/etc/out.pdf", "a/../../out.pdf", "..\\out.pdf", "C:\\out.pdf"]
)
def test_an_entry_that_leads_out_of_the_folder_is_refused_by_name(tmp_path: Path, name: str) -> None:
    archive = zipped(tmp_path / "c.zip", {"in.pdf": b"", name: b"x"})

    with pytest.raises(ArchiveError, match="leads out of the folder"):
        unpack(archive, tmp_path / "raw")

    assert not (tmp_path / "raw").exists()


def test_a_bomb_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "c.zip", {"in.pdf": b"fine", "zeros.pdf": bytes(20 * 1024 * 1024)})

    with pytest.raises(ArchiveError, match=r"zeros\.pdf grows from"):
        unpack(archive, tmp_path / "raw")
    with pytest.raises(ArchiveError, match="expected at most 3"):
        unpack(zipped(tmp_path / "d.zip", {"in.pdf": b"fine"}), tmp_path / "raw", max_bytes=3)

    assert not (tmp_path / "raw").exists()


def test_links_passwords_and_what_is_no_zip_are_refused_by_name(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.pdf")
    link.external_attr = 0o120777 << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    (tmp_path / "c.zip").write_bytes(buffer.getvalue())
    (tmp_path / "d.zip").write_bytes(b"not a zip")

    with pytest.raises(ArchiveError, match=r"link\.pdf is a link"):
        unpack(tmp_path / "c.zip", tmp_path / "raw")
    with pytest.raises(ArchiveError, match="cannot be unpacked"):
        unpack(tmp_path / "d.zip", tmp_path / "raw")
    with pytest.raises(ArchiveError, match="there is no such file"):
        unpack(tmp_path / "e.zip", tmp_path / "raw")


def test_a_large_files_etag_is_that_of_its_parts(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(bytes(PART_BYTES + 1))

    assert etag_of(path, "abc-2").endswith("-2")
    assert "-" not in etag_of(path, "abc")


def test_a_name_that_leads_out_of_a_folder_is_never_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="stays in its folder"):
        Folder(tmp_path / "in").write("../out", b"")


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data are not here")
def test_real_folders_are_catalogued() -> None:
    contracts = catalogue(place_of(SHARED / "kleister-nda" / "documents"))
    odd = catalogue(place_of(SHARED / "inputs" / "odd"))

    assert len(contracts.documents) == 254
    assert len(odd.documents) > 300
    assert json.loads(odd.report.findings[0].to_json())["Name"] == "catalog.csv"
