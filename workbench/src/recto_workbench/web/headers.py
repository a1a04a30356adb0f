"""Headers of our own answers: what pages may load, and what caches and other sites may do with them."""

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from starlette.requests import Request

COMMON = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
NO_REFERRER = {"Referrer-Policy": "no-referrer"}
"""For frames: their address opens them."""
NO_STORE = {"Cache-Control": "no-store"}
FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}
FOR_FRAMES = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
"""The frame of a task is a foreign origin to us; there is nothing secret in its scripts."""
STRICT_TRANSPORT = {"Strict-Transport-Security": "max-age=63072000"}


def common(url: str) -> Mapping[str, str]:
    """Of every answer."""
    return {**COMMON, **(STRICT_TRANSPORT if urlsplit(url).scheme == "https" else {})}


def page_policy(sources: Iterable[str], frames: str = "'self'") -> str:
    """The Content-Security-Policy of our own pages: no script but our files, no frame but tasks' pages.

    `frames` also says where a frame may send itself: a template that would leave goes nowhere.
    """
    objects = " ".join(dict.fromkeys(sources))
    parts = {
        "default-src": "'none'",
        "script-src": "'self' 'wasm-unsafe-eval'",  # PDF.js decodes JPEG 2000 so
        "style-src": "'self'",
        "font-src": "'self' data:",
        "img-src": f"'self' data: blob: {objects}",
        "connect-src": f"'self' {objects}",
        "worker-src": "'self' blob:",
        "frame-src": frames,
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value.strip()}" for name, value in parts.items())


def takes_gzip(request: Request) -> bool:
    """Whether the browser names gzip, and not with the weight 0."""
    for each in request.headers.get("accept-encoding", "").lower().split(","):
        name, _, weight = each.partition(";")
        if name.strip() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
