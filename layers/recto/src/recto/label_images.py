"""Label images: several people's painted pixels put together by vote. Pillow here and nowhere in the core.

An answer is a PNG whose colours stand for labels; a colour that the answer does not name, or a transparent
pixel, is background. Each pixel takes the label that most people gave it; of as many, the one that stands
first, the background last.
"""

import base64
import binascii
import io
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from PIL import Image, ImageChops, UnidentifiedImageError

from recto.errors import AnswerError

BACKGROUND = "BACKGROUND"
BACKGROUND_COLOUR = "#ffffff"
MAX_PIXELS = 50_000_000
MAX_LABELS = 255
MAX_PEOPLE = 255
UNREADABLE = (
    UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)  # fmt: skip
"""What Pillow raises over broken files."""


class Painted(NamedTuple):
    """One person's label image."""

    png: bytes
    colours: Mapping[str, str]
    """Label to `#rrggbb`."""


class Merged(NamedTuple):
    """The label image of all."""

    png: bytes
    colours: Mapping[str, str]
    """The background first, then the labels, in the order of the image's numbers."""
    confidences: Mapping[str, float]
    """Of each label in the image: the share of the people who gave its pixels this label."""
    set_aside: tuple[tuple[str, str], ...] = ()
    """Workers whose images do not count, and why."""


def bytes_of(base64_text: str, whose: str) -> bytes:
    """The image in an answer; AnswerError where it is no base64 text."""
    _, _, text = base64_text.rpartition("base64,")  # some send a whole data URL
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise AnswerError(f"{whose}: pngImageData is no base64 text ({error})") from error


def merged(painted: Mapping[str, Painted], labels: Sequence[str] = ()) -> Merged:
    """By pixel, what most people painted; the labels in this order, then those that only answers name.

    An image that cannot be read, or is of another size than most, is set aside; AnswerError where none
    is left.
    """
    named = [label for one in painted.values() for label in one.colours if label != BACKGROUND]
    known = list(dict.fromkeys([*(label for label in labels if label in named), *sorted(named)]))
    if len(known) > MAX_LABELS or len(painted) > MAX_PEOPLE:
        raise AnswerError(f"label images: {len(known)} labels by {len(painted)} people, 255 are the most")
    counts, aside = _counts(painted, known)
    best, chosen = counts[0], Image.new("L", counts[0].size, 0)
    for number, count in reversed(list(enumerate(counts[1:], start=1))):
        is_as_many = ImageChops.subtract(best, count).point([255] + [0] * 255)
        has_any = count.point([0] + [255] * 255)
        wins = ImageChops.darker(is_as_many, has_any)
        chosen.paste(number, mask=wins)
        best = ImageChops.lighter(best, count)
    colours = {BACKGROUND: BACKGROUND_COLOUR} | {label: _colour(label, painted) for label in known}
    shares = _shares(chosen, counts, list(colours), len(painted) - len(aside))
    return Merged(_png(chosen, list(colours.values())), colours, shares, tuple(aside))


Aside = list[tuple[str, str]]


def _counts(painted: Mapping[str, Painted], labels: Sequence[str]) -> tuple[list[Image.Image], Aside]:
    """For the background and each label an image: by how many people each pixel was painted so."""
    size = _size_of_most(painted)
    counts = [Image.new("L", size, 0) for _ in range(len(labels) + 1)]
    aside: Aside = []
    for worker, one in sorted(painted.items()):
        try:
            image = _opened(one.png, worker, size)
        except AnswerError as error:
            aside.append((worker, f"{type(error).__name__}: {error}"))
            continue
        rest = Image.new("L", size, 1)
        for number, label in enumerate(labels, start=1):
            if label in one.colours:
                mask = ImageChops.darker(_mask(image, one.colours[label]), rest)
                rest = ImageChops.subtract(rest, mask)
                counts[number] = ImageChops.add(counts[number], mask)
        counts[0] = ImageChops.add(counts[0], rest)
    if len(aside) == len(painted):
        raise AnswerError("; ".join(reason for _, reason in aside))
    return counts, aside


def _size_of_most(painted: Mapping[str, Painted]) -> tuple[int, int]:
    """As the files' heads tell it. AnswerError where none can be read, or as many say one as another."""
    sizes: Counter[tuple[int, int]] = Counter()
    faults = []
    for worker, one in sorted(painted.items()):
        try:
            with Image.open(io.BytesIO(one.png), formats=["PNG"]) as image:
                sizes[image.size] += 1
        except UNREADABLE as error:
            faults.append(f"label image of {worker}: it cannot be read as PNG ({error})")
    if not sizes:
        raise AnswerError("; ".join(faults) or "no label image to put together")
    (size, count), *others = sizes.most_common(2)
    if others and others[0][1] == count:
        seen, expected = (f"{width} x {height}" for width, height in (others[0][0], size))
        raise AnswerError(f"label images: {seen} pixels, expected {expected} as of as many others")
    return size


def _opened(png: bytes, worker: str, size: tuple[int, int]) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(png), formats=["PNG"])
            if image.width * image.height > MAX_PIXELS:
                raise AnswerError(
                    f"label image of {worker}: {image.width} x {image.height}, expected at most "
                    f"{MAX_PIXELS:,} pixels"
                )
            if image.size != size:
                seen, expected = (f"{width} x {height}" for width, height in (image.size, size))
                raise AnswerError(
                    f"label image of {worker}: {seen} pixels, expected {expected} as most others"
                )
            return image.convert("RGBA")
    except UNREADABLE as error:
        raise AnswerError(f"label image of {worker}: it cannot be read as PNG ({error})") from error


def _mask(image: Image.Image, colour: str) -> Image.Image:
    """1 where the pixels have exactly this colour, and are not see-through."""
    wanted = bytes.fromhex(colour[1:])
    red, green, blue, alpha = image.split()
    mask = alpha.point([0] * 128 + [1] * 128)
    for band, level in zip((red, green, blue), wanted, strict=True):
        mask = ImageChops.darker(mask, band.point([int(value == level) for value in range(256)]))
    return mask


def _colour(label: str, painted: Mapping[str, Painted]) -> str:
    return next(one.colours[label] for _, one in sorted(painted.items()) if label in one.colours)


def _shares(
    chosen: Image.Image, counts: Sequence[Image.Image], names: Sequence[str], people: int
) -> dict[str, float]:
    shares: dict[str, float] = {}
    for number, name in enumerate(names):
        mask = chosen.point([255 * (value == number) for value in range(256)])
        votes = counts[number].histogram(mask)
        pixels = sum(votes)
        if pixels:
            shares[name] = sum(count * many for count, many in enumerate(votes)) / (pixels * people)
    return shares


def _png(numbers: Image.Image, colours: Sequence[str]) -> bytes:
    """A PNG with a palette: a pixel's number is its label's, its colour the one that people painted with."""
    image = numbers.copy()
    image.putpalette(b"".join(bytes.fromhex(colour[1:]) for colour in colours))
    file = io.BytesIO()
    image.save(file, "PNG", optimize=False)
    return file.getvalue()
