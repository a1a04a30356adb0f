"""What is in an npz of thumbnails, by its header alone: how many pages. Needs neither numpy nor Pillow.

`recto.thumbnails` writes such files, `recto.thumbnail_arrays` reads their pictures.
"""

import ast
import io
import struct
import zipfile
from typing import Any

NPY_MAGIC = b"\x93NUMPY"
MAX_HEADER = 10_000
PIXELS = 3
"""Dimensions of `image`: height, width, colours."""


def count_thumbnails(content: bytes) -> int:
    """Pages in the file; ValueError where it is no npz of thumbnails, or one with pickled objects."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [name for name in ("image.npy", "images.npy") if name in archive.namelist()]
            if len(names) != 1:
                seen = ", ".join(archive.namelist()[:5]) or "nothing"
                raise ValueError(f"expected one array, image or images, got {seen}")
            with archive.open(names[0]) as member:
                header = _header(member)
    except zipfile.BadZipFile as error:
        raise ValueError(f"expected an npz file: {error}") from error
    kind, shape = str(header.get("descr")), header.get("shape")
    if names[0] == "image.npy" and kind == "|u1" and isinstance(shape, tuple) and len(shape) == PIXELS:
        return 1
    if names[0] == "images.npy" and kind.startswith("|S") and isinstance(shape, tuple) and len(shape) == 1:
        return int(shape[0])
    raise ValueError(f"{names[0]}: expected pixels or a row of PNG files, got {kind} {shape}")


def _header(member: Any) -> dict[str, Any]:
    """https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html."""
    begin = member.read(8)
    if not begin.startswith(NPY_MAGIC):
        raise ValueError("expected an array in numpy's format")
    size = struct.unpack("<H", member.read(2))[0] if begin[6] == 1 else struct.unpack("<I", member.read(4))[0]
    if size > MAX_HEADER:
        raise ValueError(f"an array's header of {size:,} bytes, expected at most {MAX_HEADER:,}")
    try:
        header = ast.literal_eval(member.read(size).decode("latin-1").strip())
    except (SyntaxError, ValueError) as error:
        raise ValueError(f"an array's header: {error}") from error
    return header if isinstance(header, dict) else {}
