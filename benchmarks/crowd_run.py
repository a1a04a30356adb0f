"""A runtime of its own for a crowd, with a release that asks no person. It measures nothing."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from crowd import Crowd, use_release_without_reviews
from local_run import LocalRun, local_run
from recording import ROOT

CACHE = ROOT / ".recto" / "ocr-cache"


@contextmanager
def crowd_run(
    pages: Sequence[bytes], parameters: Mapping[str, str], workers: int = 0, home: Path | None = None
) -> Iterator[LocalRun]:
    """A fresh runtime that has read each page once and whose functions have all run."""
    options: dict[str, Any] = {"parameters": parameters, "workers": workers}
    with local_run(CACHE, **({"home": home} if home else {}), **options) as run:
        use_release_without_reviews(run)
        warm = Crowd(run, "warm", len(pages), pages)
        warm.put_in()
        warm.wait(120 + 30 * len(pages))
        if warm.outcomes() != {"PROCESSED": len(pages)}:
            raise SystemExit(f"the pages alone do not come through: {dict(warm.outcomes())}")
        warm.rest(120)
        yield run
