"""The known name that somebody probably meant. For messages only; nothing is ever read as its suggestion."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str]) -> str:
    """`, did you mean 'Optional'?`, or nothing where no known name is close."""
    by_folded = {one.casefold(): one for one in known}
    found = get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.6)
    return f", did you mean {by_folded[found[0]]!r}?" if found else ""
