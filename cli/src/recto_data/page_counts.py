"""How many pages the documents of a manifest have: mean, quartiles, the longest."""

from collections import Counter
from collections.abc import Iterable
from statistics import mean, quantiles
from typing import NamedTuple

from recto.errors import ManifestError
from recto.manifests import ManifestLine
from recto_data.endings import document_of


class PageCounts(NamedTuple):
    """Figures over all documents."""

    documents: int
    pages: int
    mean: float
    quartiles: tuple[float, float, float]
    longest: int
    longest_document: str


def page_counts(lines: Iterable[ManifestLine]) -> PageCounts:
    """Of a manifest by page or by document; ManifestError where it has neither pages nor documents."""
    counts: Counter[str] = Counter()
    for line in lines:
        images = line.content.get("page-refs")
        is_document = isinstance(images, list)
        if not is_document and "page-num" not in line.content:
            keys = ", ".join(line.content)
            raise ManifestError(f"{line.place}: expected page-num or page-refs, seen the keys {keys}")
        counts[document_of(line.content)] += len(images) if isinstance(images, list) else 1
    if not counts:
        raise ManifestError("the manifest has no line; expected pages, as `recto data collate` writes them")
    numbers = sorted(counts.values())
    longest, count = max(counts.items(), key=lambda pair: (pair[1], pair[0]))
    parts = quantiles(numbers, n=4, method="inclusive") if len(numbers) > 1 else [float(count)] * 3
    return PageCounts(
        len(counts), counts.total(), mean(numbers), (parts[0], parts[1], parts[2]), count, longest
    )
