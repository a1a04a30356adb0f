"""Which files of a folder or a bucket are documents, by their names alone. Nothing is opened."""

from pathlib import PurePath

SUFFIXES = frozenset({".pdf", ".png", ".jpg", ".jpeg", ".tif", ".tiff"})
SYSTEM_FILES = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
LOCK_FILE = "~$"
"""What office programs put before the name of a document that is open."""
HIDDEN = "a hidden or system file"
NO_DOCUMENT = f"no document by its name: expected {', '.join(sorted(SUFFIXES))}"


def why_no_document(name: PurePath) -> str:
    """Why a file is none of ours; empty for a document."""
    if is_hidden(name):
        return HIDDEN
    return "" if name.suffix.lower() in SUFFIXES else NO_DOCUMENT


def is_hidden(name: PurePath) -> bool:
    """Whether the file, or a folder that it lies in, is one that systems keep for themselves."""
    return any(
        part.startswith((".", LOCK_FILE)) or part.lower() in SYSTEM_FILES
        for part in name.parts
        if part not in {".", ".."}
    )
