"""The stand-ins' part of the access log: one JSON line per API request, as the emulator writes them."""

import json
import re
import time
from datetime import UTC, datetime
from pathlib import Path

from starlette.types import ASGIApp, Message, Receive, Scope, Send

SERVICES = {
    "Textract": "textract",
    "SageMaker": "sagemaker",
    "SageMakerRuntime": "sagemaker-runtime",
    "SageMakerA2IRuntime": "sagemaker-a2i-runtime",
}


class AccessLog:
    """Appends to `path`; requests that name no operation are not logged."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def around(self, app: ASGIApp) -> ASGIApp:
        """The same app, logged."""

        async def logged(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            status = 500

            async def noting(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                await send(message)

            began = time.monotonic()
            await app(scope, receive, noting)
            self.write(scope, status, time.monotonic() - began)

        return logged

    def write(self, scope: Scope, status: int, seconds: float) -> None:
        service, operation = (scope.get("state") or {}).get("call", ("", ""))
        if not operation:
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        caller = re.search(r"(?:^|\s)app/(\S+)", headers.get("user-agent", ""))
        entry = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "service": SERVICES[service],
            "operation": operation,
            "resource": "",
            "caller": caller.group(1) if caller else "",
            "status": status,
            "milliseconds": round(1000 * seconds, 1),
        }
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
