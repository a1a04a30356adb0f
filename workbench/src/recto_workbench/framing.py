"""The page that carries a rendered template in its frame, and what that page may reach.

The frame is an origin that is nobody's (`sandbox` without `allow-same-origin`): no cookie, no storage, no
look at the page around. Its policy is a header, so nothing in a template can widen it: a `<base>` or a second
policy in `<meta>` has no effect, and where the frame itself may be sent is for the page around to say
(`frame-src`, see `recto_workbench.web.headers`).
"""

import json
import re
from collections.abc import Iterable
from html import escape

from pydantic import BaseModel, ConfigDict

CROWD_ORIGIN = "https://assets.crowd.aws"
ELEMENTS_PATH = "/frame-assets/elements.js"

_CROWD_SCRIPT = re.compile(
    r"""(<script\b[^>]*?\bsrc\s*=\s*)(["']?)(?:https?:)?//assets\.crowd\.aws/crowd-html-elements\.jss?\2""",
    re.IGNORECASE,
)
_BEFORE_HEAD = re.compile(r"(?:\s|<!--(?!-?>).*?--!?>)*(?:<!doctype[^>]*>)?", re.IGNORECASE | re.DOTALL)
_HTML_TAG = re.compile(r"<html[\s>]", re.IGNORECASE)
_TITLE_TAG = re.compile(r"<title[\s>]", re.IGNORECASE)


class Frame(BaseModel):
    """What the frame of one task needs to know."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    origin: str
    """Ours, as `https://host`."""
    nonce: str
    title: str = "Task"
    object_origins: tuple[str, ...] = ()
    """Where the short-lived links of the task's objects lead to."""
    description: str = ""
    """What the page around shows above the frame: our elements do not say it again."""
    preview: bool = False
    """The page around has no buttons for undo, redo and keys."""
    elements: str = ELEMENTS_PATH
    """Path of our elements."""
    aws_elements: bool = False
    """Leave AWS's script for the crowd elements where it is; else ours stands in its place."""


def framed(html: str, frame: Frame) -> str:
    """The rendered template as a page: the nonce before all else, the crowd elements from where we want them.

    A template without a doctype keeps the layout rules that browsers have for such pages: it was made so.
    """
    if not frame.aws_elements:
        html = _CROWD_SCRIPT.sub(rf"\g<1>\g<2>{frame.origin}{frame.elements}\g<2>", html)
    found = _BEFORE_HEAD.match(html)
    cut = found.end() if found else 0
    return html[:cut] + _head(html, frame) + html[cut:]


def _head(html: str, frame: Frame) -> str:
    language = "" if _HTML_TAG.search(html) else '<html lang="en">'
    title = "" if _TITLE_TAG.search(html) else f"<title>{escape(frame.title)}</title>"
    about = {"nonce": frame.nonce, "description": frame.description, "preview": frame.preview}
    task = json.dumps({name: value for name, value in about.items() if value}).replace("<", "\\u003c")
    return f'{language}<script>window.rectoTask = {task};</script><meta charset="utf-8">{title}'


def frame_policy(frame: Frame) -> str:
    """The frame's Content-Security-Policy."""
    objects = _sources(frame.object_origins)
    crowd = (CROWD_ORIGIN,) if frame.aws_elements else ()
    parts = {
        "sandbox": "allow-scripts allow-forms",
        "default-src": "'none'",
        "script-src": _sources(("'unsafe-inline'", frame.origin, *crowd)),
        "style-src": _sources(("'unsafe-inline'", *crowd)),
        "font-src": _sources(("data:", *crowd)),
        "img-src": _sources((objects, "data:", "blob:", *crowd)),
        "media-src": _sources((objects, "data:", "blob:")),
        "connect-src": _sources((objects, "data:", "blob:")),
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": frame.origin,
    }
    return "; ".join(f"{name} {value}" for name, value in parts.items())


def _sources(sources: Iterable[str]) -> str:
    return " ".join(dict.fromkeys(source for source in sources if source))
