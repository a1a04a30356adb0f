"""The faults that a plan asks of Textract: refused calls, jobs that fail, take long, or end too soon.

Which calls meet a fault is `recto_local.fault_rules`' affair.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from recto_local.fault_rules import Faults, Hit
from recto_local.standins.answers import ServiceError

MESSAGES = {
    "ProvisionedThroughputExceededException": "Provisioned rate exceeded",
    "ThrottlingException": "Rate exceeded",
    "LimitExceededException": "Open jobs exceed maximum concurrent job limit",
}
STATUSES = {"ThrottlingException": 500}
"""Textract's model says 500 of this one."""


class JobFate(NamedTuple):
    """What becomes of a new job beside its reading."""

    failure: str = ""
    """The StatusMessage of a job that is to fail."""
    seconds: float = 0.0
    """It takes so much longer."""
    is_told_first: bool = False
    """Its end is announced before its start is answered."""


class TextractFaults:
    """The rules about Textract, asked at each call and at each new job."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def follow(self, plan: Mapping[str, Any]) -> None:
        """From now on the faults of this plan."""
        self._faults.follow(plan)

    def refuse(self, operation: str) -> None:
        """ServiceError where this call is one of those that are refused."""
        hit = self._faults.first("textract", "throttle", operation=operation)
        if hit is None:
            return
        code = hit.one_of(hit.rule.values["errors"])
        self._faults.log.note(hit, operation=operation, error=code)
        raise ServiceError(code, MESSAGES[code], STATUSES.get(code, 400))

    def fate(self, job_id: str) -> JobFate:
        """What is to become of a new job; each kind of fault has its own count."""
        fails, slow, first = (
            self._faults.first("textract", kind) for kind in ("job_fails", "job_slow", "callback_first")
        )
        fate = JobFate(
            failure=fails.rule.values["message"] if fails else "",
            seconds=slow.between(slow.rule.values["seconds"]) if slow else 0.0,
            is_told_first=first is not None,
        )
        self._note(fails, job_id=job_id)
        self._note(slow, job_id=job_id, seconds=round(fate.seconds, 2))
        self._note(first, job_id=job_id)
        return fate

    def _note(self, hit: Hit | None, **details: object) -> None:
        if hit:
            self._faults.log.note(hit, **details)
