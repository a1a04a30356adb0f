"""The stand-ins' part of the access log: one JSON line per API request, as the emulator writes them."""

import json
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

SERVICES = {"Textract": "textract", "SageMaker": "sagemaker", "SageMakerA2IRuntime": "sagemaker-a2i-runtime"}


class AccessLog:
    """Appends to `path`; requests that name no operation are not logged."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def middleware(self) -> type:
        """An ASGI middleware class bound to this log."""
        log = self

        class Middleware:
            def __init__(self, app: Any) -> None:
                self.app = app

            async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
                if scope["type"] != "http":
                    await self.app(scope, receive, send)
                    return
                status = 500

                async def noting(message: Any) -> None:
                    nonlocal status
                    if message["type"] == "http.response.start":
                        status = message["status"]
                    await send(message)

                began = time.monotonic()
                await self.app(scope, receive, noting)
                log.write(scope, status, time.monotonic() - began)

        return Middleware

    def write(self, scope: Any, status: int, seconds: float) -> None:
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
