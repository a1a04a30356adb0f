"""Regular expressions that cannot run away: what an operator writes must not hang a document."""

import re
from re import _parser  # type: ignore[attr-defined]  # no public parser of patterns exists
from typing import Any

MAX_PATTERN = 200
"""Longest pattern, in characters, that is accepted."""
MAX_PATTERN_TEXT = 200
"""Longest text that is put to a pattern; a longer one breaks the rule."""
MAX_WAYS = 100_000_000
"""Bound on the ways in which a pattern can match; three unlimited repeats are under it, four are not."""


def refuse_slow_pattern(pattern: str) -> None:
    """ValueError for a pattern that is not valid, or that could try too many ways to match a text."""
    try:
        parsed = _parser.parse(pattern)
    except re.error as error:
        raise ValueError(f"pattern {pattern!r} is not a regular expression: {error}") from error
    if _ways(parsed) > MAX_WAYS:
        raise ValueError(
            f"pattern {pattern!r} could take too long: use fixed counts instead of nested or many '*', '+'"
        )


def _ways(node: Any) -> int:
    """An upper bound on the ways in which a backtracking matcher can go through a parsed pattern."""
    ways = 1
    for operator, argument in node:
        ways = min(MAX_WAYS + 1, ways * _ways_of(str(operator), argument))
    return ways


def _ways_of(operator: str, argument: Any) -> int:
    if operator in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        least, most, body = argument
        return _ways_of_repeat(int(least), min(int(most), MAX_PATTERN_TEXT), _ways(body))
    if operator == "BRANCH":
        return sum(_ways(branch) for branch in argument[1])
    parts = argument if isinstance(argument, tuple) else (argument,)
    ways = 1
    for part in parts:
        ways *= _ways(part) if isinstance(part, _parser.SubPattern) else 1
    return ways


def _ways_of_repeat(least: int, most: int, ways: int) -> int:
    if ways == 1:
        return max(1, most - least + 1)
    total = 0
    for count in range(least, most + 1):
        total += ways**count
        if total > MAX_WAYS:
            break
    return max(1, total)
