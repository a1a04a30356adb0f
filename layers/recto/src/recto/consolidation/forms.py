"""The values of a form that nobody knows more of: for each, what most people answered."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple


class AgreedForm(NamedTuple):
    """What several people together answered."""

    values: Mapping[str, Any]
    confidence: float
    """0-1: the share of those who gave the answer on which fewest agree."""


def agree_on_form(answers: Mapping[str, Mapping[str, Any]]) -> AgreedForm:
    """Of as many, the first by its JSON; a value that somebody did not give counts as one."""
    ordered = [answer for _, answer in sorted(answers.items())]
    values: dict[str, Any] = {}
    shares = [1.0]
    for name in dict.fromkeys(name for answer in ordered for name in answer):
        given = [json.dumps(answer.get(name), sort_keys=True) for answer in ordered]
        votes = Counter(given)
        chosen = max(sorted(votes), key=lambda one: votes[one])
        shares.append(votes[chosen] / len(ordered))
        value = next(answer.get(name) for answer, text in zip(ordered, given, strict=True) if text == chosen)
        if value is not None:
            values[name] = value
    return AgreedForm(values, min(shares))
