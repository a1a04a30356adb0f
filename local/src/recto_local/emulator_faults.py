"""The faults of a plan that the emulator makes: SNS's delivery, S3's refusals, killed function processes.

Standard library only, imported by `emulator` alone. Which calls meet a fault is `fault_rules`' affair.
"""

import contextvars
import os
import signal
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the emulator, started as a file, has no package around it
    from recto_local.fault_rules import Faults, Hit

Dispatch = Callable[..., Awaitable[tuple[int, dict[str, str], Any]]]
SLOW_DOWN = "Please reduce your request rate."
TYPICAL_SECONDS = 0.3
"""How long a function's first call is taken to last."""


def make_faults(
    faults: "Faults", app: Any, sns: Any, lambda_runtime: Any,
    name_call: Callable[..., Any], caller_of: Callable[[str], str],
) -> None:  # fmt: skip
    """Let the emulator's modules make the faults of the plan that is followed; without one they make none."""
    sns._fanout = with_unreliable_delivery(sns._fanout, faults)  # noqa: SLF001
    app._dispatch_service_request = with_refusals(  # noqa: SLF001
        app._dispatch_service_request, app.detect_service, app._routing_params,  # noqa: SLF001
        name_call, caller_of, faults,
    )  # fmt: skip
    worker = lambda_runtime.Worker
    worker.invoke = with_sudden_ends(worker.invoke, faults)


# ---- SNS


def with_unreliable_delivery(deliver: Callable[..., None], faults: "Faults") -> Callable[..., None]:
    """SNS's delivery to a topic's subscriptions, which loses, doubles or delays a message."""

    def delivered(topic_arn: str, *message: Any, **options: Any) -> None:
        topic = topic_arn.rpartition(":")[2]
        hit = faults.first("sns", topic=topic)
        if hit is None:
            deliver(topic_arn, *message, **options)
        elif hit.rule.kind == "lose":
            faults.log.note(hit, topic=topic)
        elif hit.rule.kind == "duplicate":
            faults.log.note(hit, topic=topic)
            deliver(topic_arn, *message, **options)
            deliver(topic_arn, *message, **options)
        else:
            seconds = hit.between(hit.rule.values["seconds"])
            faults.log.note(hit, topic=topic, seconds=round(seconds, 2))
            context = contextvars.copy_context()
            later = threading.Timer(seconds, context.run, (deliver, topic_arn, *message), options)
            later.daemon = True
            later.start()

    return delivered


# ---- S3


def with_refusals(
    dispatch: Dispatch, detect: Callable[..., str], parameters: Callable[..., Any],
    name_call: Callable[..., Any], caller_of: Callable[[str], str], faults: "Faults",
) -> Dispatch:  # fmt: skip
    """The emulator's dispatch, which answers some of S3's requests by 503 SlowDown."""

    async def answered(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any], request_id: str
    ) -> tuple[int, dict[str, str], Any]:
        service = detect(method, path, headers, parameters(method, path, headers, body, query))
        if service == "s3":
            operation = name_call(service, method, path, headers, body, query).operation
            caller = caller_of(headers.get("user-agent", ""))
            hit = faults.first("s3", operation=operation, caller=caller)
            if hit is not None:
                faults.log.note(hit, operation=operation, caller=caller)
                return slow_down(method)
        return await dispatch(method, path, headers, body, query, request_id)

    return answered


def slow_down(method: str) -> tuple[int, dict[str, str], bytes]:
    """S3's answer when it is asked too much."""
    request_id = uuid.uuid4().hex[:16].upper()
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>SlowDown</Code><Message>{SLOW_DOWN}</Message><RequestId>{request_id}</RequestId></Error>"
    )
    headers = {"Content-Type": "application/xml", "x-amz-request-id": request_id}
    return 503, headers, b"" if method == "HEAD" else body.encode()


# ---- Lambda


def with_sudden_ends(invoke: Callable[..., Any], faults: "Faults") -> Callable[..., Any]:
    """A worker's `invoke`, in the middle of which its process is killed now and then."""
    lasted: dict[str, float] = {}

    def invoked(worker: Any, *event: Any, **options: Any) -> Any:
        name = worker.func_name
        hit = faults.first("lambda", function=name)
        over, killer = threading.Event(), None
        if hit is not None:
            after = hit.rule.fraction(hit.call, "moment") * lasted.get(name, TYPICAL_SECONDS)
            if worker._proc is None or worker._proc.poll() is not None:  # noqa: SLF001
                worker._start_time = None  # noqa: SLF001
            killer = threading.Thread(target=_kill, args=(worker, after, over, hit, faults), daemon=True)
            killer.start()
        began = time.monotonic()
        try:
            answer = invoke(worker, *event, **options)
        finally:
            over.set()
            if killer:  # it may have killed and not yet noted so
                killer.join()
        if isinstance(answer, Mapping) and answer.get("status") == "ok" and not answer.get("cold_start"):
            lasted[name] = time.monotonic() - began
        return answer

    return invoked


def _kill(worker: Any, after: float, over: threading.Event, hit: "Hit", faults: "Faults") -> None:
    """Kill the worker's process `after` it has begun to work, unless the call is over before."""
    while worker._start_time is None:  # noqa: SLF001 - a cold start is no work yet
        if over.wait(0.02):
            return
    if over.wait(after):
        return
    process = worker._proc  # noqa: SLF001
    if process is not None and process.poll() is None:
        os.kill(process.pid, signal.SIGKILL)
        faults.log.note(hit, function=worker.func_name, after_seconds=round(after, 3))
