"""Reviews as the API shows them (`docs/review.md`)."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from recto.places import Location
from recto.review_check import AnswerCheck
from recto_workbench.loops import Loop
from recto_workbench.steps.desk import Counts, Item, ReviewDesk, ReviewView, Told, task_place
from recto_workbench.steps.review_check import ReviewContent
from recto_workbench.steps.review_pages import LINK_SECONDS, PageFiles, document_view, shown_by_task
from recto_workbench.web.frames import review_frame_path

MOST_INLINE = 4_000_000
"""Bytes of a task that goes with the answer; larger ones lie behind a link."""


def item_json(item: Item) -> dict[str, Any]:
    """A review in a list."""
    loop = item.loop
    reasons = () if loop.kind == "audit" else loop.reasons
    return {
        "id": loop.name,
        "kind": item.kind,
        "name": loop.title,
        "document_id": loop.document_id,
        "state": loop.state.value,
        "created": loop.created.isoformat(),
        "expires": loop.expires.isoformat(),
        "pages": loop.pages,
        "reasons": [{"code": reason.code, "field": reason.field or None} for reason in reasons],
        "num_reasons": loop.num_reasons if reasons else 0,
        "answers": len(loop.answers),
        "wanted": loop.wanted,
        "claims": [{"name": claim.name, "until": claim.until.isoformat()} for claim in loop.claims],
        "mine": item.claim is not None,
        "escalated": loop.escalated,
        "flow": loop.flow,
        "native": loop.is_native,
    }


def counts_json(counts: Counts) -> dict[str, int]:
    return counts.model_dump()


def review_json(
    view: ReviewView, content: ReviewContent, desk: ReviewDesk, files: PageFiles
) -> dict[str, Any]:
    """A review as its reader sees it, with its task and the address of its document."""
    item, part = view.item, view.part
    is_framed = not item.loop.is_native and part is not None and part.is_live
    task = {"task": None, "task_url": None} if not item.loop.is_native else _task(item.loop, content, desk)
    return {
        **item_json(item),
        **task,
        "document": document_view(shown_by_task(content.task, files), files),
        "draft": {"answer": view.draft, "saved": _when(view)} if view.draft is not None else None,
        "claimed_until": item.claim.until.isoformat() if item.claim else None,
        "notes": notes_json(view.notes),
        "history": [_happened(each) for each in view.history],
        "opinions": [opinion.model_dump() for opinion in view.opinions],
        "refusal": item.loop.refusal or None,
        "can": list(view.can),
        "frame": review_frame_path(item.loop.name, part, desk.clock()) if is_framed and part else None,
        "nonce": part.nonce if is_framed and part else None,
    }


def _when(view: ReviewView) -> str | None:
    return view.draft_saved.isoformat() if view.draft_saved else None


def _task(loop: Loop, content: ReviewContent, desk: ReviewDesk) -> dict[str, Any]:
    """The task itself, or a link to it; an audit's never is behind a link, since it is made here."""
    body = json.dumps(content.task, ensure_ascii=False).encode()
    if len(body) <= MOST_INLINE or content.task.get("Audit") is True:
        return {"task": content.task, "task_url": None}
    place = task_place(loop, desk)
    if not content.is_as_stored:
        place = Location(bucket=place.bucket, key=f"{place.key.rpartition('/')[0]}/task.json")
        if desk.objects.info(place) is None:
            desk.objects.write(place, body, "application/json")
    return {"task": None, "task_url": desk.links.to_read(place, LINK_SECONDS).url}


def notes_json(notes: Iterable[Told]) -> list[dict[str, Any]]:
    return [{"who": note.who, "when": note.when, "text": note.text} for note in notes]


def _happened(line: Told) -> dict[str, Any]:
    return {
        "who": line.who,
        "when": line.when,
        "what": line.what,
        "text": line.text or None,
        "field": line.field or None,
        "from": line.from_,
        "to": line.to,
    }


def check_json(found: AnswerCheck) -> dict[str, Any]:
    """An answer judged."""
    fields: Mapping[str, Any] = {name: one.model_dump(mode="json") for name, one in found.fields.items()}
    problems = [problem.model_dump() for problem in found.problems]
    return {"fields": fields, "complete": found.is_complete, "problems": problems}
