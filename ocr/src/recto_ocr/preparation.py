"""Page images made ready for an engine: grey, not too small. What is read in them is elsewhere."""

from PIL import Image

SMALLEST_SIDE = 1000
"""Pixels of the shorter side below which letters tend to be too small to read."""
LONGEST_SIDE = 4000
MOST_ENLARGEMENT = 4.0
RESOLUTION = 200
"""Told to Tesseract for every image: what files say of their own resolution is too often wrong."""


def readable(image: Image.Image) -> Image.Image:
    """The image in grey, not too small to read and not larger than helps; its proportions stay."""
    grey = in_grey(image)
    shorter, longer = sorted(grey.size)
    factor = max(1.0, min(SMALLEST_SIDE / max(shorter, 1), MOST_ENLARGEMENT))
    factor = min(factor, LONGEST_SIDE / longer)
    if factor == 1.0:
        return grey
    size = (max(1, round(grey.width * factor)), max(1, round(grey.height * factor)))
    return grey.resize(size, Image.Resampling.LANCZOS)


def in_grey(image: Image.Image) -> Image.Image:
    """Any of Pillow's modes as 8-bit grey on white paper."""
    if image.mode == "L":
        return image
    if image.mode.startswith(("I", "F")):
        return _spread(image)
    if "A" in image.getbands() or "transparency" in image.info:
        coloured = image.convert("RGBA")
        paper = Image.new("RGBA", coloured.size, "white")
        return Image.alpha_composite(paper, coloured).convert("L")
    return image.convert("RGB").convert("L") if image.mode != "1" else image.convert("L")


def _spread(image: Image.Image) -> Image.Image:
    """Sixteen or more bits a pixel: the range in use, spread over 8 bits."""
    wide = image.convert("F")
    darkest, lightest = wide.getextrema()
    if not isinstance(darkest, float) or not isinstance(lightest, float) or lightest <= darkest:
        return Image.new("L", image.size, "white")
    scale = 255.0 / (lightest - darkest)
    return wide.point(lambda value: value * scale - darkest * scale).convert("L")
