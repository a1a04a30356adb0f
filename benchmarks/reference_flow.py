"""What the reference's flow enters of states, from its own state machines. No AWS, no measuring.

Read in aws-samples/amazon-textract-transformer-pipeline (MIT-0), as it lies there:
- pipeline/__init__.py: OCRAndPreProcessing (Parallel), TextractTask, the thumbnail task, the enrichment task,
  the post-processing task, CheckConfidence, Success;
- pipeline/ocr/textract_ocr.py: TextractTask starts a second state machine and waits for it; 90 jobs at once,
  2 started a second;
- pipeline/ocr/sfn_semaphore/__init__.py: GetLock (Parallel), AcquireLockStep, the Textract step,
  ReleaseLock.
  A refused AcquireLockStep is retried 6 times, after 2, 4, 8, 16, 32 and 64 s, each a transition and a call
  of a function; then GetCurrentLockRecord, CheckLockAlreadyAcquired, WaitToGetLock (5 s), and the same again.
  The pipeline's own state machine ends after 20 minutes: what waits then has failed.
"""

import heapq
from random import Random
from typing import NamedTuple

OUTER = 7
INNER_CALM = 4
EXECUTIONS = 2
"""Each with a start and an end."""
RETRIES = (2, 4, 8, 16, 32, 64)
WAIT = 5
STATES_OF_A_ROUND = 4
"""GetCurrentLockRecord, CheckLockAlreadyAcquired, WaitToGetLock, AcquireLockStep."""
TIMEOUT = 20 * 60
UPLOADS_PER_SECOND = 50
LATENCY = 0.4
"""Seconds that an ask takes at most, through Step Functions and Lambda."""
ENDPOINTS = 2
"""Instances that run for thumbnails and model, whether documents come or not; ml.m5.xlarge at least."""
JOBS, STARTS_PER_SECOND = 90, 2.0


class Flow(NamedTuple):
    """Of one document in the mean."""

    transitions: float
    lock_calls: float
    """Of the function that asks for the lock."""
    seconds_waiting: float
    """Of those that were started."""
    failed: float = 0
    """The share that was given up."""


def calm() -> Flow:
    """One document at a time: the lock is always free."""
    return Flow(OUTER + INNER_CALM + 2 * EXECUTIONS, 1, 0)


def at_once(documents: int, job_seconds: float = 5.0, seed: int = 1) -> Flow:
    """So many uploaded in one moment: who finds the lock taken asks again and again."""
    random = Random(seed)
    came = [number / UPLOADS_PER_SECOND for number in range(documents)]
    asks = [(at + LATENCY * random.random(), number, 0) for number, at in enumerate(came)]
    heapq.heapify(asks)
    running: list[float] = []
    free_from, transitions, calls, waited, failed = 0.0, 0, 0, 0.0, 0
    while asks:
        now, number, tries = heapq.heappop(asks)
        if now - came[number] > TIMEOUT:
            failed += 1
            continue
        calls += 1
        while running and running[0] <= now:
            heapq.heappop(running)
        if len(running) < JOBS and free_from <= now:
            heapq.heappush(running, now + job_seconds)
            free_from, waited = now + 1 / STARTS_PER_SECOND, waited + now - came[number]
            continue
        is_round_over = tries == len(RETRIES)
        transitions += STATES_OF_A_ROUND if is_round_over else 1
        pause = WAIT if is_round_over else RETRIES[tries]
        again = now + pause + LATENCY * random.random()
        heapq.heappush(asks, (again, number, 0 if is_round_over else tries + 1))
    states = calm().transitions + transitions / documents
    return Flow(states, calls / documents, waited / max(1, documents - failed), failed / documents)
