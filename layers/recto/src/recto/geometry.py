"""Boxes on a page: 0-1, origin top left, relative to the page. Not pixels, not polygons.

Other conventions (Textract's Left/Top/Width/Height, pixels, the 0-1000 grid of LayoutLM) are
converted here and nowhere else.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple


class Box(NamedTuple):
    """An axis-aligned rectangle; `left <= right` and `top <= bottom`, all in 0-1."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def area(self) -> float:
        return self.width * self.height

    @property
    def middle(self) -> float:
        """The height of the horizontal centre line."""
        return (self.top + self.bottom) / 2

    def intersection(self, other: "Box") -> float:
        """Area that both boxes cover; 0 where they only touch."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return width * height if width > 0 and height > 0 else 0.0

    def vertical_overlap(self, other: "Box") -> float:
        """Height that both boxes share, as a share (0-1) of the lower of the two."""
        shared = min(self.bottom, other.bottom) - max(self.top, other.top)
        low = min(self.height, other.height)
        if low <= 0:
            return 1.0 if shared >= 0 else 0.0
        return max(0.0, shared) / low

    def on_grid(self, size: int = 1000) -> tuple[int, int, int, int]:
        """Truncated integer x0, y0, x1, y1 on a `size` x `size` grid, as LayoutLM expects them."""
        x0, y0, x1, y1 = (min(size, max(0, int(value * size))) for value in self)
        return x0, y0, x1, y1

    def to_textract(self) -> dict[str, float]:
        """The `BoundingBox` of Textract: Left, Top, Width, Height."""
        return {"Top": self.top, "Left": self.left, "Height": self.height, "Width": self.width}

    @classmethod
    def from_textract(cls, bounding_box: Mapping[str, Any]) -> "Box":
        """From Textract's `BoundingBox`; sides that stick out of the page by rounding are cut back."""
        left, top = float(bounding_box["Left"]), float(bounding_box["Top"])
        width, height = float(bounding_box["Width"]), float(bounding_box["Height"])
        return cls.clipped(left, top, left + width, top + height)

    @classmethod
    def clipped(cls, left: float, top: float, right: float, bottom: float) -> "Box":
        """The part of the rectangle that lies on the page; sides are put in order."""
        left, right = sorted((left, right))
        top, bottom = sorted((top, bottom))
        return cls(*(min(1.0, max(0.0, value)) for value in (left, top, right, bottom)))

    @classmethod
    def around(cls, boxes: Iterable["Box"]) -> "Box":
        """The smallest box that holds all; ValueError for none."""
        columns = tuple(zip(*boxes, strict=True))
        if not columns:
            raise ValueError("no boxes to enclose")
        lefts, tops, rights, bottoms = columns
        return cls(min(lefts), min(tops), max(rights), max(bottoms))
