"""Reads the npz of `recto.thumbnails` for a model: arrays of numpy, on the machine that runs the model.

Also what other writers of the same contract made. It never unpickles: an object array is refused.
"""

import io
import zipfile
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MAX_BYTES = 512 * 1024 * 1024
"""Unpacked; a range of 100 pages at 224 x 224 has 15 MB of pixels."""


def read_thumbnails(content: bytes, max_bytes: int = MAX_BYTES) -> Iterator[NDArray[np.uint8]]:
    """Page after page, uint8 (height, width, 3). ValueError for anything else in the file."""
    name, array = _array_of(content, max_bytes)
    if name == "image":
        yield _checked(array)
        return
    if array.ndim != 1 or array.dtype.kind != "S":
        raise ValueError(
            f"images: expected a row of byte strings, got {array.dtype} in {array.ndim} dimensions"
        )
    for file in array:
        with Image.open(io.BytesIO(file), formats=["PNG"]) as image:
            yield np.asarray(image.convert("RGB"))


def _array_of(content: bytes, max_bytes: int) -> tuple[str, NDArray[np.generic]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > max_bytes:
        raise ValueError(f"thumbnails of {unpacked:,} bytes, the limit is {max_bytes:,}")
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        names = [name for name in ("image", "images") if name in arrays.files]
        if len(names) != 1:
            raise ValueError(f"expected one array, image or images, got {', '.join(arrays.files) or 'none'}")
        return names[0], arrays[names[0]]


def _checked(image: NDArray[np.generic]) -> NDArray[np.uint8]:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"image: expected uint8 (height, width, 3), got {image.dtype} {image.shape}")
    return image.astype(np.uint8, copy=False)
