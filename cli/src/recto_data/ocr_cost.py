"""What Textract would charge for some documents, told before it is spent."""

from collections.abc import Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import NamedTuple

from recto.errors import ConfigurationError, DocumentError
from recto_data.parallel import each_done
from recto_data.places import Entry, Place
from recto_data.sampling import SEED
from recto_ocr.documents import content_of

DOLLARS_PER_THOUSAND = {(): 1.5, ("TABLES",): 15.0, ("FORMS",): 50.0, ("FORMS", "TABLES"): 65.0}
"""US East (N. Virginia), the first million pages of a month; https://aws.amazon.com/textract/pricing/."""
LOOKED_AT = 20


class Estimate(NamedTuple):
    """Pages and their price."""

    documents: int
    pages: float
    looked_at: int
    """Documents whose pages were counted; the others are taken to be like them."""
    dollars: float

    @property
    def is_exact(self) -> bool:
        return self.looked_at == self.documents


def features_of(text: str) -> tuple[str, ...]:
    """`FORMS,TABLES` and the like; ConfigurationError for what is not offered here."""
    names = tuple(sorted({name.strip().upper() for name in text.split(",") if name.strip()}))
    if names not in DOLLARS_PER_THOUSAND:
        raise ConfigurationError(f"--features {text!r}: expected TABLES, FORMS or both, with a comma")
    return names


def estimate(documents: Sequence[Entry], place: Place, features: tuple[str, ...]) -> Estimate:
    """From the pages of some documents, which are fetched for it."""
    some = list(documents)
    if len(some) > LOOKED_AT:
        some = Random(SEED).sample(some, LOOKED_AT)  # noqa: S311 - to tell the same each time
    with TemporaryDirectory() as folder:
        counts = [count for _, count in each_done(lambda entry: _pages(entry, place, Path(folder)), some)]
    known = [count for count in counts if isinstance(count, int)]
    pages = len(documents) * (sum(known) / len(known) if known else 1.0)
    return Estimate(len(documents), pages, len(some), pages * DOLLARS_PER_THOUSAND[features] / 1000)


def _pages(entry: Entry, place: Place, folder: Path) -> int:
    """Pages of a document; one that cannot be opened costs nothing."""
    path = folder / f"{abs(hash(entry.name)):x}{Path(entry.name).suffix}"
    place.fetch(entry.name, path)
    try:
        return content_of(str(path)).content.num_pages
    except DocumentError:
        return 0
    finally:
        path.unlink(missing_ok=True)
