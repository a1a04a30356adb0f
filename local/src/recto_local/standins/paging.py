"""SageMaker's way of listing: by creation time, filtered, in pages."""

from datetime import datetime
from typing import Any, NamedTuple

from recto_local.standins.answers import ServiceError


class ListPage(NamedTuple):
    """Some of the records, and `NextToken` where there are more."""

    records: list[dict[str, Any]]
    next_token: dict[str, str]


def one_page(records: list[dict[str, Any]], request: dict[str, Any]) -> ListPage:
    """What CreationTimeAfter and -Before, SortOrder, MaxResults and NextToken leave of the records."""
    after = _seconds(request.get("CreationTimeAfter"), 0.0)
    before = _seconds(request.get("CreationTimeBefore"), float("inf"))
    newest_first = request.get("SortOrder", "Descending") == "Descending"
    wanted = sorted(
        (record for record in records if after <= record["CreationTime"] <= before),
        key=lambda record: record["CreationTime"],
        reverse=newest_first,
    )
    token = request.get("NextToken") or "0"
    if not token.isdigit():
        raise ServiceError("ValidationException", "NextToken is not one that was given out")
    start, count = int(token), int(request.get("MaxResults", 100))
    more = {"NextToken": str(start + count)} if start + count < len(wanted) else {}
    return ListPage(wanted[start : start + count], more)


def _seconds(value: Any, default: float) -> float:
    if value is None:
        return default
    if isinstance(value, int | float):
        return float(value)
    try:
        return datetime.fromisoformat(str(value)).timestamp()
    except ValueError as error:
        raise ServiceError("ValidationException", f"expected a time, got {value!r}") from error
