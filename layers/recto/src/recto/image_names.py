"""Names of page images in exports for people and labelling tools, as existing manifests have them.

A PDF's `Agreement.pdf` gives `Agreement-0001-07.png`: always `0001`, then the page in as many digits as the
last page has; a TIFF of several pages `Fax-0007.png`; a single image keeps its name. Folders stay. The work
bucket's own keys never hold a source's name: those are in `recto.places`.
"""

from pathlib import PurePosixPath

from recto.formats import PDF, Format

UNCHANGED = (".png", ".jpg", ".jpeg")
"""Endings of images that every browser shows."""


def page_image_name(source: str, kind: Format, page: int, num_pages: int, ending: str = ".png") -> str:
    """The relative path of a page's image; `source` is the document's, with slashes; pages count from 1."""
    if not 1 <= page <= num_pages:
        raise ValueError(f"{source}: page {page} of {num_pages}")
    path = PurePosixPath(source)
    if kind is PDF:
        name = f"{_base(path)}-0001-{page:0{len(str(num_pages))}d}{ending}"
    elif num_pages > 1:
        name = f"{_base(path)}-{page:04d}{ending}"
    else:
        name = path.name if path.suffix.lower() in UNCHANGED else f"{_base(path)}{ending}"
    return str(path.with_name(name))


def _base(path: PurePosixPath) -> str:
    """The name without its ending; a dot in front belongs to the name."""
    return path.stem
