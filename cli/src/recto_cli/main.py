"""The `recto` command line: parses, calls, prints. The same commands for AWS and for the local runtime.

recto local up
recto process local/samples/*.pdf --wait
recto result statement.pdf --picture .
"""

import json
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from recto.correlation import why_unfit
from recto.errors import ConfigurationError, RectoError
from recto.messages import FINAL_STATUSES, Status
from recto.review import ReviewTask
from recto_cli import documents, redrive, reviews, tables
from recto_cli.answers import Edits, answer_content, doubtful_fields, rejection_content, shown
from recto_cli.audits import audit
from recto_cli.backfill_commands import backfill_app
from recto_cli.built_pages import stale_pages
from recto_cli.clean import clean
from recto_cli.corpus_commands import register as register_corpus
from recto_cli.cost_commands import cost_app
from recto_cli.data_commands import data_app
from recto_cli.dead_letters import dlq_app
from recto_cli.demo import run_demo
from recto_cli.doctor import doctor
from recto_cli.image_commands import images_app
from recto_cli.label_commands import label_app
from recto_cli.model_commands import register as register_models
from recto_cli.ocr_commands import ocr_app
from recto_cli.progress import watch_with_bar
from recto_cli.release_commands import fields_app, release_app
from recto_cli.review_export import export as review_export
from recto_cli.review_setup import setup_app
from recto_cli.session import Session
from recto_cli.submit import expand, submit
from recto_cli.target import Options, TargetChoice
from recto_cli.training_commands import register as register_training
from recto_local.deployment import DeploymentError
from recto_local.people import PASSWORD, names
from recto_local.processes import ProcessError
from recto_local.runtime import RuntimeStartError

app = typer.Typer(
    no_args_is_help=True,
    help="Recto: documents in, fields out, people in between.",
    pretty_exceptions_enable=False,
)
local_app = typer.Typer(no_args_is_help=True, help="The runtime on this machine.")
review_app = typer.Typer(no_args_is_help=True, help="Documents that wait for a person.")
project_app = typer.Typer(no_args_is_help=True, help="What one deployment made.")
app.add_typer(local_app, name="local")
app.add_typer(review_app, name="review")
app.add_typer(project_app, name="project")
app.add_typer(release_app, name="release")
app.add_typer(fields_app, name="fields")
app.add_typer(ocr_app, name="ocr")
app.add_typer(data_app, name="data")
app.add_typer(backfill_app, name="backfill")
app.add_typer(images_app, name="images")
app.add_typer(label_app, name="label")
app.add_typer(dlq_app, name="dlq")
app.add_typer(cost_app, name="cost")
register_corpus(data_app)
register_training(app, data_app)
register_models(app)

ROOT = Path(__file__).resolve().parents[3]
"""The repository: the command is installed editable from it."""

EXPECTED = (RectoError, RuntimeStartError, ProcessError, DeploymentError, BotoCoreError, ClientError)
"""What a user can act on; the SDK's own errors (no region, no credentials) are plain enough."""

Document = Annotated[str, typer.Argument(help="Id, the first digits of one, or its key in the inbox")]


@app.callback()
def choose_target(
    context: typer.Context,
    project: Annotated[
        str | None,
        typer.Option(envvar="RECTO_PROJECT", help="ProjectId of the stack; on AWS 'recto' by default"),
    ] = None,
    target: Annotated[
        TargetChoice, typer.Option(help="auto: the local runtime where one is up")
    ] = TargetChoice.AUTO,
    profile: Annotated[str | None, typer.Option(help="AWS profile; means --target aws")] = None,
    region: Annotated[str | None, typer.Option(help="AWS region; means --target aws")] = None,
) -> None:
    """Recto: documents in, fields out, people in between."""
    context.obj = Session(Options(target, project, profile, region))


# --- the local runtime ------------------------------------------------------------------------------


@app.command()
def demo(
    context: typer.Context,
    output: Annotated[Path, typer.Option(help="Folder for results and pictures")] = Path("demo-output"),
    keep: Annotated[bool, typer.Option(help="Leave the local runtime up at the end")] = False,
    samples: Annotated[Path, typer.Option(help="Folder of documents")] = ROOT / "local" / "samples",
    look: Annotated[
        bool | None,
        typer.Option(
            "--look/--no-look", help="Wait with the browser pages open; by default where there is a terminal"
        ),
    ] = None,
) -> None:
    """Send the sample documents through the whole pipeline on this machine; answer one review, leave one."""
    at_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    run_demo(context.obj, samples, output, keep=keep, look=at_terminal if look is None else look)


@local_app.command("up")
def local_up(
    context: typer.Context,
    workers: Annotated[
        int,
        typer.Option(
            min=0, help="Function processes that work at once; 0: two for each core, but four at least"
        ),
    ] = 0,
    faults: Annotated[
        Path | None,
        typer.Option(metavar="PLAN.json", help="Make the faults of this plan (docs/scale.md), until stopped"),
    ] = None,
    no_faults: Annotated[
        bool, typer.Option("--no-faults", help="End the plan of what runs; a start makes no faults anyway")
    ] = False,
) -> None:
    """Start emulator and stand-ins, build and deploy what has changed, take up what was interrupted.

    Workers and faults are for this start, or for what runs from now on; the next start knows nothing of them.
    """
    session: Session = context.obj
    runtime = session.runtime
    runtime.workers, runtime.faults, runtime.no_faults = workers, faults, no_faults
    if told := stale_pages(ROOT):
        session.messages.print(f"[yellow]{told}[/]", highlight=False)
    running = session.runtime.up()
    session.out.print(
        f"up: project {running.project}, AWS endpoint {running.environment()['AWS_ENDPOINT_URL']}"
    )
    session.out.print(f"workbench: {running.workbench_url()} (as {names()}; password {PASSWORD})")


@local_app.command("down")
def local_down(context: typer.Context) -> None:
    """Stop what runs; the state is kept for the next start."""
    session: Session = context.obj
    session.out.print("stopped" if session.runtime.down() else "nothing was running")


@local_app.command("status")
def local_status(context: typer.Context) -> None:
    """Whether the local runtime is up, and where; exit code 1 where it is not."""
    session: Session = context.obj
    status = session.runtime.status()
    for name, alive in status.alive.items():
        session.out.print(f"{name}: {'running' if alive else 'ended'}")
    if not status.is_up or status.info is None:
        session.out.print("down")
        raise typer.Exit(1)
    session.out.print(f"up: project {status.info.project}, ports {status.info.ports}")
    session.out.print(f"workbench: {status.info.workbench_url()}")
    session.out.print(f"load: {status.info.load.told()}", highlight=False)


@local_app.command("env")
def local_env(context: typer.Context) -> None:
    """The AWS SDK's settings for the local runtime, for a shell or a notebook: eval "$(recto local env)"."""
    session: Session = context.obj
    status = session.runtime.status()
    if not status.is_up or status.info is None:
        raise ConfigurationError("no local runtime is up; start one with: recto local up")
    for name, value in status.info.environment().items():
        typer.echo(f"export {name}={shlex.quote(value)}")


# --- documents --------------------------------------------------------------------------------------


@app.command()
def process(
    context: typer.Context,
    files: Annotated[
        list[str], typer.Argument(help="Files, folders, s3://bucket/key or s3://bucket/prefix/")
    ],
    wait: Annotated[
        bool, typer.Option("--wait", help="Until each is processed, in review or failed")
    ] = False,
    prefix: Annotated[str, typer.Option(help="Put before the file's name in the inbox")] = "",
    timeout: Annotated[float, typer.Option(help="Seconds to wait at most")] = 3600,
    correlation_id: Annotated[
        str, typer.Option(help="What logs, events and results call them; their ids otherwise")
    ] = "",
) -> None:
    """Put documents into the inbox; with --wait, exit code 1 if any failed."""
    session: Session = context.obj
    if correlation_id and (reason := why_unfit(correlation_id)):
        session.fail(reason)
    stack = session.stack
    submissions = [submit(document, stack, prefix, correlation_id) for document in expand(files)]
    if not submissions:
        session.fail(f"no documents in {', '.join(files)}")
    if not wait:
        for submission in submissions:
            session.out.print(f"submitted {submission.source.uri}", highlight=False)
        return
    try:
        outcomes = watch_with_bar(session, submissions, timeout)
    except KeyboardInterrupt:
        session.messages.print(
            "interrupted: the documents go on without this command; recto status tells where they stand"
        )
        raise typer.Exit(130) from None
    session.out.print(tables.outcomes_report(outcomes))
    if any(not outcome.is_settled for outcome in outcomes):
        session.messages.print(f"[red]not all have ended within {timeout:g} s[/]")
    if not all(outcome.went_well for outcome in outcomes):
        raise typer.Exit(1)


@app.command()
def result(
    context: typer.Context,
    document: Document,
    as_json: Annotated[bool, typer.Option("--json", help="The JSON as the pipeline wrote it")] = False,
    picture: Annotated[
        Path | None, typer.Option(help="Folder for the pages with the fields drawn on them")
    ] = None,
    all_fields: Annotated[
        bool, typer.Option("--all", help="Optional fields without a value as well")
    ] = False,
    attempt: Annotated[
        int | None, typer.Option(min=1, help="What this attempt made, where the document was reprocessed")
    ] = None,
) -> None:
    """Show what was found in a document."""
    session: Session = context.obj
    row = documents.find_document(document, session.stack)
    loaded = documents.load(row, session.stack, attempt)
    if loaded.is_superseded:
        session.messages.print(
            f"[yellow]an earlier result: attempt {row.attempt} is {row.status}[/] ({loaded.place.uri})"
        )
    if as_json:
        print(json.dumps(loaded.content, indent=2, ensure_ascii=False))
    else:
        session.out.print(tables.documents_report([row]))
        session.out.print()
        session.out.print(tables.fields_table(loaded.result, all_fields))
        for warning in loaded.result.warnings or ():
            session.out.print(f"OCR: {warning}", highlight=False, markup=False)
    if picture is not None:
        for path in documents.save_pictures(loaded, session.stack, picture):
            session.messages.print(f"drawn: {path}", highlight=False)


@app.command()
def status(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=0, help="How many documents to show")] = 20,
    correlation_id: Annotated[str, typer.Option(help="Only documents that are called this")] = "",
) -> None:
    """How many documents stand where, and what changed last."""
    session: Session = context.obj
    rows = documents.recent(session.stack, documents.RECENT)
    if correlation_id:
        rows = [row for row in rows if (row.correlation_id or row.document_id) == correlation_id]
    counts = {status: sum(row.status is status for row in rows) for status in Status}
    told = [f"{tables.status_text(status)} {count}" for status, count in counts.items() if count]
    session.out.print("  ".join(told) or "no documents yet", highlight=False)
    if rows:
        session.out.print(tables.documents_report(rows[:limit]))


app.command()(redrive.reprocess)
app.command()(redrive.history)
app.command()(doctor)
app.command()(clean)


# --- reviews ----------------------------------------------------------------------------------------


@review_app.command("list")
def review_list(context: typer.Context) -> None:
    """Documents that wait for a person, with the reasons."""
    session: Session = context.obj
    waiting = reviews.open_reviews(session.stack)
    session.out.print(tables.reviews_table(waiting) if waiting else "no document waits for a review")


@review_app.command("answer")
def review_answer(
    context: typer.Context,
    document: Annotated[str, typer.Argument(help="The document, or the review's id")],
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="This is the value")
    ] = None,
    add: Annotated[list[str] | None, typer.Option(metavar="FIELD=VALUE", help="One more value")] = None,
    absent: Annotated[
        list[str] | None, typer.Option(metavar="FIELD", help="The document does not have it")
    ] = None,
    accept: Annotated[bool, typer.Option("--accept", help="All else is right as it stands")] = False,
    worker: Annotated[str, typer.Option(envvar="USER", help="Who answers")] = "recto-cli",
    wait: Annotated[bool, typer.Option(help="Until the pipeline has taken the answer")] = True,
) -> None:
    """Answer a review; without options, ask field by field."""
    session: Session = context.obj
    begun = datetime.now(UTC)
    row = reviews.find_review(document, session.stack) or reviews.waiting_document(document, session.stack)
    task = reviews.load_task(row, session.stack)
    reviews.require_open(task, session.stack)
    edits = Edits(set_ or (), add or (), absent or (), accept)
    if not any(edits):
        session.out.print(tables.fields_table(task.model_result))
        edits = ask(task)
    content = answer_content(task, edits)
    reviews.hand_in(task, content, worker, begun, session.stack, session.target)
    session.out.print(
        f"answered: {row.key} ({len([k for k in content if k.startswith('field-present-')])} fields)"
    )
    if wait:
        after = documents.wait_for(row.document_id, FINAL_STATUSES, session.stack)
        session.out.print(tables.documents_report([after]))
        if after.status is not Status.PROCESSED:
            raise typer.Exit(1)


@review_app.command("reject")
def review_reject(
    context: typer.Context,
    document: Annotated[str, typer.Argument(help="The document, or the review's id")],
    reason: Annotated[str, typer.Option(help="Why; kept with the document")],
    worker: Annotated[str, typer.Option(envvar="USER", help="Who turns it down")] = "recto-cli",
    wait: Annotated[bool, typer.Option(help="Until the pipeline has taken the answer")] = True,
) -> None:
    """Turn a document down that waits for a review: it has none of the fields, or is none of ours."""
    session: Session = context.obj
    begun = datetime.now(UTC)
    row = reviews.find_review(document, session.stack) or reviews.waiting_document(document, session.stack)
    task = reviews.load_task(row, session.stack)
    content = rejection_content(reason)
    reviews.hand_in(task, content, worker, begun, session.stack, session.target)
    session.out.print(f"turned down: {row.key}", highlight=False)
    if wait:
        after = documents.wait_for(row.document_id, FINAL_STATUSES, session.stack)
        session.out.print(tables.documents_report([after]))
        if after.status is not Status.REJECTED:
            raise typer.Exit(1)


review_app.command("export")(review_export)
review_app.command("audit")(audit)
review_app.add_typer(setup_app, name="setup")


def ask(task: ReviewTask) -> Edits:
    """Ask about each doubtful field: Enter keeps it, '-' says that the document does not have it."""
    if not sys.stdin.isatty():
        raise typer.BadParameter("nobody to ask here: say --set, --add, --absent or --accept")
    changes: list[str] = []
    absent: list[str] = []
    for reason in task.model_result.review_reasons or ():
        if not reason.field:
            typer.echo(f"about the whole document: {reason.message}")
    for name in doubtful_fields(task):
        now = shown(task.model_result.fields[name])
        told = typer.prompt(
            f"{name} [{' | '.join(now) or 'none'}] (Enter keeps, - absent)", default="", show_default=False
        )
        if told.strip() == "-":
            absent.append(name)
        elif told.strip():
            changes.append(f"{name}={told}")
    typer.confirm("Everything else is right as it stands?", abort=True)
    return Edits(set=changes, absent=absent, accept=True)


# --- the project ------------------------------------------------------------------------------------


@project_app.command("show")
def project_show(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object")] = False,
) -> None:
    """Every name that the deployment made, from Parameter Store."""
    session: Session = context.obj
    names = session.stack.names
    if as_json:
        print(json.dumps(dict(sorted(names.items())), indent=2))
    else:
        session.out.print(tables.names_table(names))


def run() -> None:
    """The console script: errors that we report on purpose become one message and exit code 1."""
    try:
        app()
    except EXPECTED as error:
        Console(stderr=True).print(f"[red]{type(error).__name__}:[/] ", end="")
        print(error, file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
