"""Many transfers at once. For work that waits for others; work that keeps a core busy has processes."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

from recto.errors import RectoError

T = TypeVar("T")
R = TypeVar("R")
AT_ONCE = 16


def each_done(
    work: Callable[[T], R], items: Iterable[T], at_once: int = AT_ONCE
) -> Iterator[tuple[T, R | Exception]]:
    """Each item with what came of it, or the error that it met, in the order in which they end.

    Errors that are bugs, and no fault of an item, are raised.
    """
    with ThreadPoolExecutor(at_once) as pool:
        asked = {pool.submit(work, item): item for item in items}
        for future in as_completed(asked):
            error = future.exception()
            if error is None:
                yield asked[future], future.result()
            elif isinstance(error, RectoError | OSError):
                yield asked[future], error
            else:
                pool.shutdown(wait=False, cancel_futures=True)
                raise error
