"""Page images for models that look at one: small squares of bytes, read once. Grey where there is none."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recto.errors import ConfigurationError
from recto_training.encoders.families import IMAGE_SIZE

GREY = 128
Pixels = NDArray[np.uint8]


class PageImages:
    """Pages' images by path, each scaled to 224 x 224 and kept."""

    def __init__(self) -> None:
        self._kept: dict[str, Pixels] = {}

    def __getitem__(self, path: str) -> Pixels:
        """Red, green, blue [224, 224, 3]; grey for an empty path."""
        if path not in self._kept:
            self._kept[path] = self._read(path) if path else grey()
        return self._kept[path]

    def _read(self, path: str) -> Pixels:
        try:
            with Image.open(Path(path)) as image:
                return square(image)
        except OSError as error:
            raise ConfigurationError(f"page image {path}: cannot be read ({error})") from error


def square(image: Image.Image) -> Pixels:
    """An image stretched to the square that the models read, in red, green, blue."""
    resized = image.convert("RGB").resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BILINEAR)
    return np.asarray(resized, np.uint8)


def grey() -> Pixels:
    """What stands for a page without an image."""
    return np.full((IMAGE_SIZE, IMAGE_SIZE, 3), GREY, np.uint8)
