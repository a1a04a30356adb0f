"""`recto demo`: the samples through the real pipeline on this machine, one review answered, one left.

It uses what the other commands use and nothing else: what it shows, a user can do.
"""

import json
import shlex
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.markup import escape

from recto.errors import DocumentMissingError
from recto.messages import FINAL_STATUSES, Status
from recto.places import Location
from recto.ports import DocumentRow
from recto.release import INDEX, Release, parse_release
from recto.review import ReviewTask
from recto_cli import documents, reviews, tables
from recto_cli.answers import Edits, answer_content
from recto_cli.arrivals import listening
from recto_cli.progress import watch_with_bar
from recto_cli.session import Session
from recto_cli.submit import SUFFIXES, Outcome, submit
from recto_cli.target import local_target
from recto_local.people import PASSWORD
from recto_local.runtime import RuntimeInfo

TRUTH = "truth.jsonl"
"""In the samples' folder: what each sample says, for the demo's reviewer and for scoring."""
REVIEWER = "demo-reviewer"
REVIEWING = "rita"
"""Who of `recto_local.people` may review and no more."""
EVALUATED = {
    "test": "layouts, providers and wordings absent from training",
    "seen": "familiar ones",
}
"""Parts of the evaluation that the demo tells of, in words."""
DOCUMENT_SECONDS = 600.0
EVENT_SECONDS = 30.0


def run_demo(
    session: Session, samples: Path, output: Path, *, keep: bool = False, look: bool = False
) -> None:
    """The whole demonstration; SystemExit 1 when a sample fails. With `look` it waits till one has looked."""
    began = time.monotonic()
    files = sample_files(samples)
    stays_up = keep or session.runtime.status().is_up
    with _runtime(session, keep) as running:
        session.target = local_target(running)
        session.use(session.target)
        with listening(session.stack) as listener:
            outcomes = _process(session, files, began)
            _answer_one(session, outcomes, samples)
            outcomes = [_latest(outcome, session) for outcome in outcomes]
            finished = {o.row.document_id for o in outcomes if o.row and o.row.status in FINAL_STATUSES}
            arrivals = listener.hear(finished, EVENT_SECONDS)
        _save(session, outcomes, output)
        session.out.rule("summary")
        session.out.print(tables.outcomes_report(outcomes))
        for arrival in arrivals:
            session.out.print(f"event {arrival.kind} for document {arrival.document_id[:8]}", highlight=False)
        session.out.print(_release_of(session, outcomes), highlight=False)
        session.out.print(f"results and pictures: {output}/", highlight=False)
        if look and not stays_up:
            _let_look(session, outcomes)
    _say_goodbye(session, outcomes, stays_up, time.monotonic() - began)
    if len(arrivals) < len(finished):
        session.fail(f"{len(finished)} documents have ended, {len(arrivals)} events came")
    if not all(outcome.went_well for outcome in outcomes):
        session.fail("not every sample went through")


def sample_files(folder: Path) -> list[Path]:
    """The documents of the samples' folder."""
    found = sorted(path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise DocumentMissingError(f"no sample documents in {folder}")
    return found


def _runtime(session: Session, keep: bool) -> AbstractContextManager[RuntimeInfo]:
    return nullcontext(session.runtime.up()) if keep else session.runtime.running()


def _process(session: Session, samples: list[Path], began: float) -> list[Outcome]:
    """All samples through the pipeline, each with its fields."""
    session.out.rule(f"{len(samples)} documents into s3://{session.stack.inbox}")
    outcomes = watch_with_bar(
        session, [submit(sample, session.stack) for sample in samples], DOCUMENT_SECONDS, began
    )
    for outcome in outcomes:
        session.out.rule(
            f"{outcome.submission.name}: {outcome.row.status if outcome.row else 'not taken in'}"
        )
        if outcome.row and outcome.went_well:
            loaded = documents.load(outcome.row, session.stack)
            session.out.print(tables.fields_table(loaded.result))
        elif outcome.row:
            session.out.print(f"{outcome.row.error}: {outcome.row.cause}")
    return outcomes


def _answer_one(session: Session, outcomes: list[Outcome], samples: Path) -> None:
    """Answer the waiting review with the fewest doubts, as the sample's truth has it; one is left open."""
    rows = [outcome.row for outcome in outcomes if outcome.row and outcome.row.status is Status.IN_REVIEW]
    waiting = [reviews.OpenReview(row, reviews.load_task(row, session.stack)) for row in rows]
    if len(waiting) < 2:
        told = "one document waits for a review: it is yours" if waiting else "no document waits for a review"
        session.out.print(told)
        return
    row, task, _ = min(waiting, key=lambda review: len(review.task.model_result.review_reasons or ()))
    begun = datetime.now(UTC)
    session.out.rule("a person is asked")
    session.out.print(tables.reviews_table([reviews.OpenReview(row, task)]))
    edits = stated_edits(task, truth_of(row.key, samples))
    session.out.print(f"[bold]{escape(tables.command_line(row.key, edits))}[/]", highlight=False)
    content = answer_content(task, edits)
    reviews.hand_in(task, content, REVIEWER, begun, session.stack, session.target)
    after = documents.wait_for(row.document_id, FINAL_STATUSES, session.stack)
    session.out.print(tables.documents_report([after]))
    session.out.print(tables.fields_table(documents.load(after, session.stack).result))


def stated_edits(task: ReviewTask, truth: Mapping[str, Sequence[str]]) -> Edits:
    """What the demo's reviewer answers: the doubtful fields as the sample has them, the rest as it stands."""
    fields = task.model_result.fields
    reasons = task.model_result.review_reasons or ()
    doubtful = [reason.field for reason in reasons if reason.field in fields]
    told = {name: list(truth.get(name, ())) for name in dict.fromkeys(doubtful) if name}
    for name, values in told.items():
        del values[len(values) if fields[name].is_multi_valued else 1 :]
    return Edits(
        set=[f"{name}={values[0]}" for name, values in told.items() if values],
        add=[f"{name}={value}" for name, values in told.items() for value in values[1:]],
        absent=[name for name, values in told.items() if not values],
        accept=True,
    )


def truth_of(name: str, samples: Path) -> Mapping[str, Sequence[str]]:
    """What a sample says, as its maker wrote it down for the reviewer; the pipeline never reads it."""
    path = samples / TRUTH
    lines = path.read_text().splitlines() if path.exists() else []
    found: Iterable[Mapping[str, Any]] = (json.loads(line) for line in lines)
    return next((entry["fields"] for entry in found if entry["id"] == name), {})


def _release_of(session: Session, outcomes: list[Outcome]) -> str:
    """How good the word model is that read the samples, as its release says."""
    prefix = next((outcome.row.release for outcome in outcomes if outcome.row and outcome.row.release), "")
    if not prefix:
        return "no document was started"
    index = session.stack.objects.read(Location(bucket=session.stack.work, key=f"{prefix}/{INDEX}"))
    return how_good(parse_release(index))


def how_good(release: Release) -> str:
    """The honest figures beside the flattering ones, in one line."""
    parts = release.figures.get("evaluation", {})
    known = [(words, parts[name]) for name, words in EVALUATED.items() if name in parts]
    told = [
        f"{part['entities']['f1']:.2f} (fields {part['fields']['f1']:.2f}) on {words}"
        for words, part in known
    ]
    return f"word model {release.name}: entity F1 {', '.join(told) or 'not measured'}"


def _latest(outcome: Outcome, session: Session) -> Outcome:
    row = session.stack.documents.find(outcome.row.document_id) if outcome.row else None
    return outcome._replace(row=row)


def _save(session: Session, outcomes: list[Outcome], output: Path) -> None:
    """The result JSON and the drawn pages of every document that has fields."""
    output.mkdir(parents=True, exist_ok=True)
    for outcome in outcomes:
        if outcome.row and outcome.went_well:
            loaded = documents.load(outcome.row, session.stack)
            body = json.dumps(loaded.content, indent=2, ensure_ascii=False)
            (output / f"{Path(outcome.row.key).stem}.json").write_text(body + "\n")
            documents.save_pictures(loaded, session.stack, output)


def _say_goodbye(session: Session, outcomes: list[Outcome], stays_up: bool, seconds: float) -> None:
    left = [outcome.row for outcome in outcomes if outcome.row and outcome.row.status is Status.IN_REVIEW]
    session.out.print(f"done in {seconds:.0f} s", highlight=False)
    if left and stays_up:
        _say_what_waits(session, left)
    elif left:
        session.out.print(
            f"{len(left)} more wait for a person: recto local up, then recto review list", highlight=False
        )
    if stays_up:
        session.out.print("the runtime is up; stop it with: recto local down", highlight=False)


def _let_look(session: Session, outcomes: Sequence[Outcome]) -> None:
    """Leave the pages open until Enter or Ctrl-C; at once where no document waits for anybody."""
    left = [outcome.row for outcome in outcomes if outcome.row and outcome.row.status is Status.IN_REVIEW]
    if not left:
        return
    _say_what_waits(session, left)
    try:
        input("The pages are there until you press Enter here. ")
    except (EOFError, KeyboardInterrupt):
        print()


def _say_what_waits(session: Session, left: Sequence[DocumentRow]) -> None:
    """The way to a review in the browser, and to what becomes of it."""
    row = left[0]
    review = session.stack.reviews.find(row.review_id)
    running = session.running
    if review is None or running is None:
        return
    session.out.rule("now you")
    session.out.print(f"{len(left)} more wait for a person. Open one in a browser:", highlight=False)
    print(f"  {running.workbench_url()}#/reviews/{review.loop_name}")
    session.out.print(f"sign in as {REVIEWING}, password {PASSWORD}, and press Review it", highlight=False)
    session.out.print("what you submit is published a few seconds later:", highlight=False)
    print(f"  .venv/bin/recto result {shlex.quote(row.key)}")
