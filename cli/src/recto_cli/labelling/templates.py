"""Task templates filled in for a job: title, labels, guidance. Not their rendering for one task.

The templates of `workbench/templates` hold placeholders `[[recto:NAME]]`, which are filled once, here; what
is filled in can never become Liquid. The README beside them lists them.
"""

import json
import re
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from recto.errors import LabelRequestError
from recto.manifests import METADATA
from recto_cli.labelling.guidance import as_text, paragraphs
from recto_cli.labelling.tasks import TaskType

ROOT = Path(__file__).resolve().parents[4]
TEMPLATES = ROOT / "workbench" / "templates"
ELEMENT_SCRIPT = ROOT / "workbench/src/recto_workbench/static/frame-assets/recto-ocr-annotation.js"
PLACEHOLDER = re.compile(r"\[\[recto:([a-z-]+)\]\]")
ATTRIBUTE = re.compile(r"[A-Za-z0-9](-*[A-Za-z0-9])*")
MAX_RENDERED_CHARACTERS = 128_000
"""What RenderUiTemplate takes."""
SHORT_NAME = 3
BREAKS_A_SCRIPT = ("</script", "{{", "{%")


class For(StrEnum):
    """Where a template will be used."""

    WORKBENCH = "workbench"
    GROUND_TRUTH = "ground-truth"


class TemplateText(BaseModel):
    """Everything that is filled into a template."""

    model_config = ConfigDict(frozen=True)

    title: str
    header: str
    instructions: str
    """Plain text; an empty line begins a paragraph."""
    labels: tuple[str, ...]
    guidance: str = ""
    """Safe HTML (`labelling.guidance`)."""
    previous: str = ""
    """The label attribute of the earlier job, for templates that show it."""


def template_source(task: TaskType) -> str:
    """The template of a task with its placeholders."""
    path = TEMPLATES / f"{task}.liquid.html"
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise LabelRequestError(f"template of {task}: {path}: {error.strerror}") from error


def filled(source: str, text: TemplateText, use: For) -> str:
    """The template for a job; LabelRequestError where something that it needs is missing."""
    fillers: dict[str, Callable[[], str]] = {
        "title": lambda: as_text(text.title),
        "header": lambda: as_text(text.header),
        "instructions": lambda: paragraphs(text.instructions),
        "labels": lambda: as_text(json.dumps(text.labels, ensure_ascii=False)),
        "entity-labels": lambda: as_text(json.dumps(entity_labels(text.labels), ensure_ascii=False)),
        "guidance": lambda: text.guidance,
        "previous": lambda: _attribute(text.previous),
        "previous-metadata": lambda: _attribute(text.previous) + METADATA,
        "element-script": lambda: element_script() if use is For.GROUND_TRUTH else "",
    }

    def fill(match: re.Match[str]) -> str:
        name = match[1]
        if name not in fillers:
            raise LabelRequestError(f"the template asks for [[recto:{name}]], which nothing fills")
        return fillers[name]()

    result = PLACEHOLDER.sub(fill, source)
    if use is For.GROUND_TRUTH and len(result) > MAX_RENDERED_CHARACTERS:
        raise LabelRequestError(
            f"the template has {len(result):,} characters, Ground Truth renders at most "
            f"{MAX_RENDERED_CHARACTERS:,}: shorten the guidance"
        )
    return result


def entity_labels(labels: Sequence[str]) -> list[dict[str, str]]:
    """Labels as crowd-entity-annotation takes them, each with a short name of its own."""
    taken: set[str] = set()
    entries = []
    for label in labels:
        short = _short_name(label, taken)
        taken.add(short)
        entries.append({"label": label, "shortDisplayName": short, "fullDisplayName": label})
    return entries


def _short_name(label: str, taken: set[str]) -> str:
    """The first letters of its words, or of the word; a number where another label has them."""
    words = re.findall(r"\w+", label) or [label]
    letters = "".join(word[0] for word in words) if len(words) > 1 else words[0]
    short = letters[:SHORT_NAME].upper()
    numbered = (f"{short}{number}" for number in range(2, len(taken) + 3))
    return short if short not in taken else next(name for name in numbered if name not in taken)


def _attribute(name: str) -> str:
    if not name:
        raise LabelRequestError("this template shows an earlier job's labels: --adjust names their attribute")
    if not ATTRIBUTE.fullmatch(name):
        raise LabelRequestError(f"--adjust {name!r}: expected letters, digits and hyphens")
    return name


def element_script() -> str:
    """Recto's own element for boxes with transcriptions, to stand inside the template."""
    try:
        script = ELEMENT_SCRIPT.read_text(encoding="utf-8")
    except OSError as error:
        raise LabelRequestError(f"{ELEMENT_SCRIPT}: {error.strerror}; it is made by: make web") from error
    found = [mark for mark in BREAKS_A_SCRIPT if mark in script]
    if found:
        raise LabelRequestError(
            f"{ELEMENT_SCRIPT} holds {' and '.join(found)}, which a template cannot carry"
        )
    return script
