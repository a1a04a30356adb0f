"""Guidance of a field as HTML that a task's page may carry: a few plain tags, all else shown as text.

Nothing of it can run, and nothing of it can become Liquid: templates are rendered after it is filled in.
"""

from collections.abc import Iterable
from html import escape
from html.parser import HTMLParser

from recto.fields import FieldConfiguration

ALLOWED = frozenset({"p", "br", "b", "strong", "i", "em", "u", "ul", "ol", "li", "code"})
EMPTY = frozenset({"br"})


def as_text(text: str) -> str:
    """Text for a page or an attribute: markup's characters, quotes and Liquid's braces as entities."""
    return escape(text, quote=True).replace("{", "&#123;").replace("}", "&#125;").replace("'", "&#39;")


def safe_html(html: str) -> str:
    """The allowed tags without their attributes, balanced; every other character as text."""
    cleaner = _Cleaner()
    cleaner.feed(html)
    cleaner.close()
    return cleaner.finished()


def paragraphs(text: str) -> str:
    """Plain text, a paragraph wherever a line is empty."""
    parts = [part.strip() for part in text.replace("\r\n", "\n").split("\n\n")]
    return "".join(f"<p>{as_text(part)}</p>" for part in parts if part)


def guidance_sections(fields: Iterable[FieldConfiguration]) -> str:
    """A section for each field that has guidance."""
    return "\n".join(
        f'<section class="recto-guidance" data-label="{as_text(field.name)}">'
        f"<h4>{as_text(field.name)}</h4>{_guidance(field.annotation_guidance)}</section>"
        for field in fields
        if field.annotation_guidance
    )


def _guidance(html: str) -> str:
    safe = safe_html(html)
    return safe if "<" in safe else f"<p>{safe}</p>"


class _Cleaner(HTMLParser):
    """Reads HTML, whatever it is, and writes the safe part of it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._open: list[str] = []

    def finished(self) -> str:
        return "".join(self._parts) + "".join(f"</{tag}>" for tag in reversed(self._open))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag not in ALLOWED:
            self.handle_data(self.get_starttag_text() or f"<{tag}>")
            return
        self._parts.append(f"<{tag}>")
        if tag not in EMPTY:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag in EMPTY:
            self._parts.append(f"<{tag}>")
        else:
            self.handle_data(self.get_starttag_text() or f"<{tag}/>")

    def handle_endtag(self, tag: str) -> None:
        if tag in EMPTY:
            return
        if tag not in self._open:
            self.handle_data(f"</{tag}>")
            return
        while True:
            closed = self._open.pop()
            self._parts.append(f"</{closed}>")
            if closed == tag:
                return

    def handle_data(self, data: str) -> None:
        self._parts.append(as_text(data))

    def handle_comment(self, data: str) -> None:
        self.handle_data(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        self.handle_data(f"<!{decl}>")

    def handle_pi(self, data: str) -> None:
        self.handle_data(f"<?{data}>")

    def unknown_decl(self, data: str) -> None:
        self.handle_data(f"<![{data}]>")
