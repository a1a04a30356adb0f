"""Which documents a corpus has (`{"raw-ref": …}` lines), and why its other files are none."""

from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from recto.errors import ManifestError
from recto.manifests import DocumentLine, ManifestLine, document_of
from recto_data.manifest_files import Mapped, mapping
from recto_data.places import Entry, Place
from recto_data.reports import Report, Status
from recto_ocr.file_names import why_no_document

EMPTY = "an empty file"


class Catalogue(NamedTuple):
    """The documents of a place, in the order of their names."""

    place: Place
    documents: tuple[Entry, ...]
    report: Report
    """The files that are none, with the reason."""

    @property
    def names(self) -> list[str]:
        return [entry.name for entry in self.documents]

    def lines(self) -> list[dict[str, object]]:
        """The manifest's lines."""
        return [DocumentLine(raw_ref=self.place.ref(name)).content() for name in self.names]


def catalogue(place: Place) -> Catalogue:
    """One listing, sorted into documents and others. Only names and sizes are looked at."""
    documents, report = [], Report()
    for entry in place.entries():
        if why := _why_none(entry):
            report.add(entry.name, Status.SKIPPED, why)
        else:
            documents.append(entry)
    return Catalogue(place, tuple(documents), report)


def names_in(place: Place, lines: Iterable[ManifestLine], mapped: Sequence[Mapped] = ()) -> list[str]:
    """The names of a manifest's documents below a place; ManifestError for one that lies elsewhere.

    `mapped` tells where documents lie now that the manifest names elsewhere: a sample that was drawn here of
    documents that have been sent to S3.
    """
    names = []
    change = mapping(mapped)
    for line in lines:
        ref = document_of(line).raw_ref
        name = place.name_of(change(ref))
        if name is None:
            raise ManifestError(
                f"{line.place}: raw-ref {ref}: expected a document below {place.uri}; if it was sent there, "
                f"say so: --map FOLDER={place.uri.rstrip('/')}"
            )
        names.append(name)
    return list(dict.fromkeys(names))


def _why_none(entry: Entry) -> str:
    return why_no_document(PurePosixPath(entry.name)) or ("" if entry.size else EMPTY)
