"""Traces by document: what X-Ray and OpenTelemetry are told of an invocation, and one trace per execution.

X-Ray's own SDK for Python is no longer developed and would make every cold start longer for two annotations,
so its documented datagram is sent here. Where nothing is traced nothing is sent.
"""

import json
import os
import secrets
import socket
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

TRACE = "_X_AMZN_TRACE_ID"
DAEMON = "AWS_XRAY_DAEMON_ADDRESS"
HEADER = "X-Amzn-Trace-Id"
DATAGRAM = '{"format": "json", "version": 1}\n'
Send = Callable[[bytes, tuple[str, int]], object]


def parts_of(header: str) -> dict[str, str]:
    """Root, Parent, Sampled and the like of a trace header."""
    return dict(part.split("=", 1) for part in header.split(";") if "=" in part)


def annotate(annotations: Mapping[str, str]) -> None:
    """Say of the invocation in progress which document it is about: traces are found by it."""
    send_annotations(annotations, os.environ, _send)
    if "opentelemetry.trace" in sys.modules:  # a layer of OpenTelemetry has wrapped this function
        span = sys.modules["opentelemetry.trace"].get_current_span()
        span.set_attributes({f"recto.{name}": value for name, value in annotations.items()})


def send_annotations(annotations: Mapping[str, str], environment: Mapping[str, str], send: Send) -> None:
    """A subsegment with the annotations to X-Ray's daemon, where the invocation is sampled."""
    trace = parts_of(environment.get(TRACE, ""))
    host, _, port = environment.get(DAEMON, "").partition(":")
    if trace.get("Sampled") != "1" or not {"Root", "Parent"} <= trace.keys() or not port.isdigit():
        return
    now = time.time()
    subsegment = {
        "type": "subsegment",
        "name": "document",
        "id": secrets.token_hex(8),
        "trace_id": trace["Root"],
        "parent_id": trace["Parent"],
        "start_time": now,
        "end_time": now,
        "annotations": dict(annotations),
    }
    send((DATAGRAM + json.dumps(subsegment)).encode(), (host, int(port)))


def _send(body: bytes, address: tuple[str, int]) -> None:
    """A lost trace is no reason to fail."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
            daemon.setblocking(False)
            daemon.sendto(body, address)
    except OSError:
        return


def own_trace(params: dict[str, Any], **_: object) -> None:
    """A trace of its own for what this request starts (a botocore `before-call`): traced where the caller is.

    Without it everything that one `dispatch` starts would be a single trace, too large for X-Ray to show. Of
    a caller that is not traced, such as a minute's round, nothing is said: who is started decides.
    """
    if caller := parts_of(os.environ.get(TRACE, "")):
        root = f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}"
        params["headers"][HEADER] = f"{root};Sampled=1" if caller.get("Sampled") == "1" else root
