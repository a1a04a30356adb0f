"""Jobs, objects and tasks as the API shows them."""

from typing import Any

from recto.errors import ConfigurationError
from recto.places import Location
from recto_workbench.jobs import Job
from recto_workbench.steps.assignment import Desk, ObjectView, Progress, TaskView
from recto_workbench.tasks import Assignment
from recto_workbench.web.frames import frame_path

DOCUMENT_SECONDS = 3600


def job_json(job: Job, progress: Progress) -> dict[str, Any]:
    """A job as one person sees it."""
    return {
        "name": job.name,
        "title": job.title,
        "description": job.description,
        "status": job.status.value,
        "task_type": job.task_type,
        "workers_per_object": job.workers_per_object,
        "time_limit_seconds": job.time_limit_seconds,
        "created": job.created.isoformat(),
        "counters": job.counters.model_dump(),
        "open_for_me": progress.open,
        "done_by_me": progress.done,
        "failure": job.failure or None,
    }


def object_json(each: ObjectView) -> dict[str, Any]:
    """An object as an operator sees it."""
    return {
        "number": each.number,
        "state": each.state.value,
        "answers": each.answers,
        "error": each.error or None,
        "adjudicate": list(each.adjudicate),
    }


def task_json(view: TaskView, desk: Desk) -> dict[str, Any]:
    """A task as its worker sees it, with the address of its page."""
    assignment, job = view.assignment, view.job
    return {
        "assignment": assignment.assignment_id,
        "job": job.name,
        "title": job.title,
        "description": job.description,
        "state": assignment.state.value,
        "number": assignment.number,
        "time_limit_seconds": job.time_limit_seconds,
        "expires": assignment.expires.isoformat(),
        "frame": frame_path(assignment, desk.clock()),
        "nonce": assignment.nonce,
        "draft": view.draft,
        "progress": view.progress.model_dump(),
        "document": _document(view.line, desk) if _is_open(assignment, desk) else None,
    }


def _is_open(assignment: Assignment, desk: Desk) -> bool:
    """Links are for the task: whoever has handed it in, or has not done it in time, gets no more of them."""
    return assignment.is_live and assignment.expires > desk.clock()


def _document(line: dict[str, Any], desk: Desk) -> dict[str, Any] | None:
    """The whole document that a page belongs to, where its manifest line names one."""
    try:
        place = Location.from_uri(str(line.get("raw-ref") or ""))
    except ValueError:
        return None
    page = line.get("page-num")
    is_page = isinstance(page, int) and not isinstance(page, bool) and page > 0
    try:
        url = desk.links.to_read(place, DOCUMENT_SECONDS).url
    except ConfigurationError:  # a bucket's name that is none
        return None
    return {"url": url, "page": page if is_page else 1}
