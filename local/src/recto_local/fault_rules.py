"""Whether a fault of the plan happens at a call: decided by the plan's seed and the count of calls; noted.

Never by what a document is. Standard library only: the emulator imports this file as well as the stand-ins.
The plan itself is read and checked in `faults`; what is here is handed rules that are right.
"""

import hashlib
import json
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple


def fraction(seed: int, rule: int, count: int, purpose: str = "") -> float:
    """A number from 0 up to 1, the same for the same arguments everywhere."""
    digest = hashlib.sha256(f"{seed}:{rule}:{count}:{purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


class Hit(NamedTuple):
    """A call at which a rule makes its fault."""

    rule: "Rule"
    call: int
    """Which of the rule's calls it is, from 1."""

    def between(self, bounds: Sequence[float]) -> float:
        """A number between two, drawn for this call."""
        low, high = bounds
        return low + (high - low) * self.rule.fraction(self.call, "between")

    def one_of(self, names: Sequence[str]) -> str:
        return names[int(self.rule.fraction(self.call, "one of") * len(names))]


class Rule:
    """One rule of the plan, which counts the calls that it is about."""

    def __init__(self, seed: int, number: int, values: Mapping[str, Any]) -> None:
        self.values = values
        self.number = number
        """Its place in the plan, from 0."""
        self.kind: str = values["kind"]
        self._seed = seed
        self._share: float = values["share"]
        self._burst: float = values.get("burst_seconds", 0.0)
        self._lock = threading.Lock()
        self._count = 0
        self._refused = 1
        self._left = self._pause()
        self._until = 0.0

    def fraction(self, count: int, purpose: str) -> float:
        return fraction(self._seed, self.number, count, purpose)

    def is_about(self, **names: str) -> bool:
        """Whether the names (`operation="PutObject"`) fit the patterns that the rule gives for them."""
        return all(fnmatchcase(name, self.values.get(key, "*")) for key, name in names.items())

    def hit(self) -> Hit | None:
        """Count a call; the hit where it is one of the share that meets the fault."""
        with self._lock:
            self._count += 1
            if self.fraction(self._count, "hit") >= self._share:
                return None
            return Hit(self, self._count)

    def hit_in_burst(self, now: float) -> Hit | None:
        """The same in bursts: all calls for some seconds, then as many without as make up for them."""
        with self._lock:
            self._count += 1
            if now < self._until:
                self._refused += 1
                return Hit(self, self._count)
            if self._until:
                self._left, self._until = self._pause(), 0.0
            if self._left > 0:
                self._left -= 1
                return None
            self._until, self._refused = now + self._burst, 1
            return Hit(self, self._count)

    def _pause(self) -> int:
        """Calls without a fault after `_refused` with one, so that the share comes out in the long run."""
        jitter = 0.5 + self.fraction(self._count, "pause")
        return round(self._refused * (1 - self._share) / self._share * jitter)


class FaultLog:
    """`faults.jsonl`: a line for each fault that was made, by the emulator and by the stand-ins."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def note(self, hit: Hit, **details: Any) -> None:
        entry = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "rule": hit.rule.number,
            "at": hit.rule.values["at"],
            "kind": hit.rule.kind,
            "call": hit.call,
            **details,
        }
        with self._path.open("a", encoding="utf-8") as log:
            log.write(json.dumps(entry) + "\n")


class Faults:
    """The rules of the plan that is followed now."""

    def __init__(self, plan: Mapping[str, Any], log: FaultLog) -> None:
        self.log = log
        self.follow(plan)

    def follow(self, plan: Mapping[str, Any]) -> None:
        """From now on this plan, from its first call on."""
        seed = plan.get("seed", 0)
        rules = [Rule(seed, number, values) for number, values in enumerate(plan.get("faults", ()))]
        self.plan, self._rules = plan, rules

    def first(self, at: str, *kinds: str, **names: str) -> Hit | None:
        """The first rule that makes its fault at this call: one fault a call. No kinds: of any."""
        for rule in self._rules:
            if rule.values["at"] != at or (kinds and rule.kind not in kinds) or not rule.is_about(**names):
                continue
            found = rule.hit_in_burst(time.monotonic()) if rule.kind == "throttle" else rule.hit()
            if found:
                return found
        return None
