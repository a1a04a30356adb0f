"""What the functions at Textract's gate have in common: their wiring, and what they tell."""

import random
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from aws_lambda_powertools import Logger

from recto.admission import TEXTRACT_JOBS, TEXTRACT_START, Limits, ServiceLimits, limits_in_use
from recto.aws.admission import Leases, LimitItem, LineRows, OcrJobRows, RateRows, SqsTicks
from recto.aws.dynamodb import DocumentRows, Table
from recto.aws.services import StepFunctionsWorkflow
from recto.aws.shell import utc_now
from recto.aws.textract import TextractOcr
from recto.messages import Status
from recto.settings import TextractGateSettings, TextractLimitSettings
from recto.steps.ocr_gate import ASKED_AGAIN, Drift, Gate, GateWatch, PacedOcr, Patience

GRACE = timedelta(minutes=5)
LIMITS_KEPT_SECONDS = 300
PATIENCE_WITH_STATUS = Patience(lasts=3.0, ahead=3.0)
"""A notification that finds no call free comes back after minutes only: it may wait a little, and further
ahead than results, which so never keep it from a call."""
PATIENCE_WITH_RESULTS = Patience(lasts=30.0, ahead=1.0, pause=partial(random.uniform, *ASKED_AGAIN))
"""Long results are read over minutes anyway; a state that is refused too often fails its document."""


class KnownLimits:
    """What of Textract is used at most: read from the table now and then, told in the log when it changes."""

    def __init__(self, settings: TextractLimitSettings, table: Table, logger: Logger) -> None:
        self._wanted = ServiceLimits(
            concurrent_jobs=settings.textract_concurrent_jobs or None,
            start_per_second=settings.textract_start_per_second or None,
            get_per_second=settings.textract_get_per_second or None,
        )
        self._rows, self._logger = LimitItem(table), logger
        self._known: Limits | None = None
        self._read_at = 0.0

    def __call__(self) -> Limits:
        if self._known is None or time.monotonic() - self._read_at > LIMITS_KEPT_SECONDS:
            self._known = self._read()
            self._read_at = time.monotonic()
        return self._known

    def _read(self) -> Limits:
        said = None if all(self._wanted.model_dump().values()) else self._rows.read()
        limits = limits_in_use(self._wanted, said[0] if said else None)
        if limits != self._known:
            self._logger.info("textract_limits", extra=limits.model_dump())
        return limits


def textract_gate(
    caller: str, settings: TextractGateSettings, logger: Logger, sleep: Callable[[float], None] = time.sleep
) -> Gate:
    """Textract's gate over the document table and the pump's queue."""
    table = Table(settings.document_table, caller)
    rates, limits = RateRows(table), KnownLimits(settings, table, logger)
    ocr = TextractOcr(caller, settings.notification_topic_arn, settings.notification_role_arn, retries=2)
    return Gate(
        ocr=PacedOcr(ocr, rates, limits, utc_now, sleep, PATIENCE_WITH_STATUS),
        jobs=OcrJobRows(table),
        line=LineRows(table, TEXTRACT_JOBS),
        leases=Leases(table, TEXTRACT_JOBS),
        rates=rates,
        ticks=SqsTicks(table, TEXTRACT_START, caller, settings.pump_queue_url),
        workflow=StepFunctionsWorkflow(caller),
        clock=utc_now,
        sleep=sleep,
        limits=limits,
        lease=timedelta(seconds=settings.ocr_timeout_seconds) + GRACE,
        is_wanted=partial(_is_running, DocumentRows(table)),
    )


def _is_running(documents: DocumentRows, document: str) -> bool:
    """Documents of the OCR state machine have no row: somebody waits for them."""
    row = documents.find(document)
    return row is None or row.status is Status.RUNNING


def gate_watch(caller: str, table: Table, pump_queue_url: str) -> GateWatch:
    """What dispatch sees of the gate."""
    return GateWatch(
        line=LineRows(table, TEXTRACT_JOBS),
        leases=Leases(table, TEXTRACT_JOBS),
        ticks=SqsTicks(table, TEXTRACT_START, caller, pump_queue_url),
    )


def paced_ocr(
    caller: str, settings: TextractLimitSettings, logger: Logger, sleep: Callable[[float], None] = time.sleep
) -> PacedOcr:
    """Textract's results, as many calls a second as are ours."""
    table = Table(settings.document_table, caller)
    limits = KnownLimits(settings, table, logger)
    return PacedOcr(TextractOcr(caller), RateRows(table), limits, utc_now, sleep, PATIENCE_WITH_RESULTS)


def tell_drift(bottleneck: str, drift: tuple[Drift, ...], logger: Logger) -> None:
    """One line for each lease that the reaper took back."""
    for owner, reason in drift:
        known = {"bottleneck": bottleneck, "owner": owner, "reason": reason}
        logger.warning("admission_drift", extra=known)
