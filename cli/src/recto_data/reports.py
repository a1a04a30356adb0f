"""What became of each file or line, and why: JSON lines for programs, a few counts for people."""

import json
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple


class Status(StrEnum):
    """What became of something."""

    DONE = "DONE"
    SKIPPED = "SKIPPED"
    """Left alone on purpose."""
    WARNING = "WARNING"
    """Somebody should look."""
    FAILED = "FAILED"


class Finding(NamedTuple):
    """What became of one file, document or line."""

    name: str
    status: Status
    reason: str = ""
    error: str = ""
    """Name of the error of one that failed."""

    @classmethod
    def of_error(cls, name: str, error: Exception) -> "Finding":
        return cls(name, Status.FAILED, str(error), type(error).__name__)

    def to_json(self) -> str:
        named = {"Name": self.name, "Status": self.status, "Error": self.error, "Reason": self.reason}
        return json.dumps({key: value for key, value in named.items() if value}, ensure_ascii=False)


class Report:
    """All findings of one run."""

    def __init__(self, findings: Iterable[Finding] = ()) -> None:
        self.findings = list(findings)

    def add(self, name: str, status: Status, reason: str = "") -> None:
        self.findings.append(Finding(name, status, reason))

    def count(self, status: Status) -> int:
        return sum(finding.status is status for finding in self.findings)

    def reasons(self, status: Status) -> Counter[str]:
        """How many there are of each reason."""
        return Counter(finding.reason for finding in self.findings if finding.status is status)

    def of(self, status: Status) -> list[Finding]:
        return [finding for finding in self.findings if finding.status is status]

    def write(self, path: Path) -> None:
        """As JSON lines, one for each finding."""
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = "".join(finding.to_json() + "\n" for finding in self.findings)
        path.write_text(lines, encoding="utf-8", errors="surrogateescape")
