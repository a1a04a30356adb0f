"""What a backfill will take: pages from a sample, hours from the limits, money from the price file."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from recto.admission import US_EAST_1, USED_SHARE, share_of
from recto.aws.ledger import LedgerRows
from recto.aws.s3 import S3Objects
from recto.backfills import Forecast, Guess, Rates, hours_of, total_of
from recto.cost import cost_of
from recto.cost import forecast as cost_forecast
from recto.errors import DocumentError
from recto.places import Location
from recto.prices import known_regions, prices_of
from recto_cli.backfill_sources import Survey
from recto_cli.stack import CALLER, Stack
from recto_data.parallel import each_done
from recto_ocr.documents import content_of

DEFAULT_REGION = "us-east-1"
DEFAULT_SLOTS = 90
DEFAULT_SHARE = 0.8


def forecast_of(found: Survey, limits: Mapping[str, Any], region: str, folder: Path) -> Forecast:
    """What the documents of a survey will take; those of its sample are fetched into `folder` and opened."""
    counts = pages_of(found.sample, folder)
    pages = total_of(counts, found.documents)
    hours, slowest = hours_of(found.documents, pages, rates_of(limits))
    return Forecast(
        documents=found.documents,
        bytes=found.bytes,
        left_out=found.left_out,
        looked_at=len(counts),
        pages=pages,
        hours=hours,
        slowest=slowest,
        dollars=dollars_of(found.documents, pages, features_in(limits), region),
    )


def pages_of(sample: Sequence[Location | Path], folder: Path) -> list[int]:
    """Pages of each document of a sample; one that cannot be opened will fail by name, and has none."""
    numbered = list(enumerate(sample))
    done = each_done(lambda each: _pages(each[1], folder / f"sample-{each[0]}"), numbered)
    return [count for _, count in done if isinstance(count, int)]


def _pages(place: Location | Path, path: Path) -> int:
    if isinstance(place, Location):
        path = path.with_suffix(Path(place.key).suffix)
        S3Objects(CALLER).download(place, path)
    try:
        return content_of(str(place if isinstance(place, Path) else path)).content.num_pages
    except DocumentError:
        return 0
    finally:
        if isinstance(place, Location):
            path.unlink(missing_ok=True)


def limits_of(stack: Stack) -> dict[str, Any]:
    """The deployment's parameters that say how much goes at once; none of a stack that is older than this."""
    told = json.loads(stack.names.get("static/Limits") or "{}")
    return told if isinstance(told, dict) else {}


def rates_of(limits: Mapping[str, Any]) -> Rates:
    """What the deployment gives backfills: its parameters, else Textract's defaults in us-east-1."""
    return Rates(
        slots=slots_for_backfill(limits),
        textract_jobs=_limit(limits, "TextractConcurrentJobs", US_EAST_1.concurrent_jobs),
        textract_starts=_limit(limits, "TextractStartPerSecond", US_EAST_1.start_per_second),
        textract_gets=_limit(limits, "TextractGetPerSecond", US_EAST_1.get_per_second),
    )


def slots_for_backfill(limits: Mapping[str, Any]) -> int:
    slots = int(limits.get("MaxRunningDocuments", DEFAULT_SLOTS))
    return max(1, share_of(slots, float(limits.get("BackfillShare", DEFAULT_SHARE))))


def features_in(limits: Mapping[str, Any]) -> tuple[str, ...]:
    """What the deployment asks of Textract beside the text."""
    return tuple(filter(None, str(limits.get("TextractFeatures", "")).split(",")))


def _limit(limits: Mapping[str, Any], name: str, default: float | None) -> float:
    """A parameter of 0 leaves it to Service Quotas, which this does not ask: the default stands for it."""
    return float(limits.get(name, 0)) or (default or 1) * USED_SHARE


def dollars_of(documents: int, pages: Guess, features: Sequence[str], region: str) -> Guess | None:
    """At list prices, without free tiers; None where there is no price file of the region."""
    if region not in known_regions():
        return None
    prices = prices_of(region)
    return Guess(*(float(cost_forecast(documents, number, features, prices).dollars) for number in pages))


def spent_by_backfills(since: datetime, now: datetime, stack: Stack) -> float:
    """Dollars at list prices of us-east-1, from the ledger's days since then; of all backfills together."""
    numbers = range(since.year * 12 + since.month - 1, now.year * 12 + now.month)
    months = [f"{number // 12}-{number % 12 + 1:02d}" for number in numbers]
    days = [day for month in months for day in LedgerRows(stack.table).month(month)]
    uses = [
        use for day in days if day.lane == "backfill" and day.date >= f"{since:%Y-%m-%d}" for use in day.uses
    ]
    return float(cost_of(uses, prices_of(DEFAULT_REGION)).dollars) if uses else 0.0


# --- as it is told ----------------------------------------------------------------------------------


def told(forecast: Forecast, *, is_local: bool) -> list[str]:
    """Lines for a person, with what they assume."""
    size = f", {in_bytes(forecast.bytes)}" if forecast.bytes is not None else ""
    lines = [f"documents  {forecast.documents:,}{size}"]
    if forecast.left_out:
        lines.append(f"left out   {forecast.left_out:,} (folder markers, hidden files, lines of no use)")
    how = "all counted" if forecast.pages.is_exact else f"{forecast.looked_at} documents counted, 90 %"
    lines.append(f"pages      {spread(forecast.pages, ',.0f')} ({how})")
    lines.append(
        f"hours      {spread(forecast.hours, '.2f')} (limit: {forecast.slowest}; without live traffic)"
    )
    if forecast.dollars:
        note = " on AWS; free on this machine" if is_local else ""
        lines.append(f"dollars    {spread(forecast.dollars, ',.2f')}{note} (list prices, no free tier)")
    else:
        lines.append("dollars    not known: there is no price file of this region")
    return lines


def spread(guess: Guess, form: str) -> str:
    """`120 (90 to 150)`, or one number where both ends read the same."""
    value, low, high = (format(number, form) for number in guess)
    return value if low == high else f"{value} ({low} to {high})"


def in_bytes(size: float) -> str:
    if size < 1000:
        return f"{size:.0f} bytes"
    units = ["kB", "MB", "GB", "TB"]
    size /= 1000
    while size >= 1000 and len(units) > 1:
        size /= 1000
        units.pop(0)
    return f"{size:.1f} {units[0]}"
