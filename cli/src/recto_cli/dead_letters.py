"""`recto dlq list|show|redrive`: parse, call, print. What could not be delivered or handled; once more."""

import json
import sys
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, NamedTuple

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.markup import escape
from rich.table import Table

from recto.aws.clients import client, code_of
from recto.aws.dynamodb import JobRows
from recto.errors import ConfigurationError
from recto_cli.dead_letter_queues import QUEUES, DeadLetterQueue, DeadMessage, Letters, queue_named
from recto_cli.dead_messages import Rows, Told, redacted, tell
from recto_cli.deployed import Resources, resources_of
from recto_cli.documents import find_document
from recto_cli.redriving import AwsCarrier, Done, Redriving, Wanted, move_all, redrive
from recto_cli.session import Session
from recto_cli.stack import CALLER, Stack

dlq_app = typer.Typer(no_args_is_help=True, help="What could not be delivered or handled, and once more.")

LOOKED_AT = 100
"""Of a queue, to find the oldest."""
LOG_SPAN = timedelta(hours=3)
"""How long after a message was sent its failures are looked for in the log."""
MOVE_POLL_SECONDS = 2.0

QueueName = Annotated[
    str | None, typer.Argument(metavar="[QUEUE]", help="Its name or the beginning of it, as intake")
]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON")]


class Filled(NamedTuple):
    """A queue with how much is in it."""

    queue: DeadLetterQueue
    num: int
    oldest: datetime | None
    is_oldest_of_all: bool
    """False where only the first hundred were looked at: SQS keeps no order."""


@dlq_app.command("list")
def dlq_list(context: typer.Context, as_json: AsJson = False) -> None:
    """How many messages lie in each dead-letter queue, and since when."""
    session: Session = context.obj
    resources = resources_of(session.stack)
    found = [_filled(Letters(queue, resources)) for queue in QUEUES if queue.name in resources]
    if as_json:
        print(json.dumps([_filled_json(each) for each in found], indent=2))
        return
    session.out.print(_list_table(found))


@dlq_app.command("show")
def dlq_show(
    context: typer.Context,
    name: QueueName = None,
    limit: Annotated[int, typer.Option(min=1, help="How many of each queue")] = 10,
    logs: Annotated[
        bool, typer.Option("--logs/--no-logs", help="Look in functions' logs for why messages failed")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Which document, which error, why and when; never the message itself. Nothing is taken away."""
    session: Session = context.obj
    resources, rows = resources_of(session.stack), rows_of(session.stack)
    found = [
        (queue, message, told)
        for queue in _queues(name, resources)
        for message, told in _shown(Letters(queue, resources), limit, rows)
    ]
    if logs:
        found = [
            (queue, message, _with_log(queue, message, told, resources)) for queue, message, told in found
        ]
    if as_json:
        print(json.dumps([_told_json(queue, message, told) for queue, message, told in found], indent=2))
        return
    if not found:
        session.out.print("no messages")
    for queue, message, told in found:
        session.out.print(_told_text(queue, message, told, session.stack), highlight=False, soft_wrap=True)


@dlq_app.command("redrive")
def dlq_redrive(
    context: typer.Context,
    name: QueueName = None,
    all_: Annotated[bool, typer.Option("--all", help="Of all queues")] = False,
    document: Annotated[str, typer.Option(help="Only what is about it: id, digits or key")] = "",
    limit: Annotated[int, typer.Option(min=1, help="How many messages of each queue at most")] = 1_000_000,
    discard_ended: Annotated[
        bool, typer.Option("--discard-ended", help="Delete what is about documents that have ended since")
    ] = False,
    in_bulk: Annotated[
        bool, typer.Option("--in-bulk", help="Let SQS move the queue: fast for thousands, looks at none")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing")] = False,
) -> None:
    """Send messages back to where they were to go; exit code 1 if one could not be."""
    session: Session = context.obj
    if (name is None) == (not all_):
        raise typer.BadParameter("name a queue, or say --all")
    resources = resources_of(session.stack)
    letters = [Letters(queue, resources) for queue in _queues(name, resources)]
    counts = {each.queue.name: count for each in letters if (count := each.count())}
    if not counts:
        session.out.print("no messages")
        return
    filled = [each for each in letters if each.queue.name in counts]
    if in_bulk:
        _require_bulk(filled, document, discard_ended, limit)
    if not yes:
        told = ", ".join(f"{count} in {queue}" for queue, count in counts.items())
        _confirm(f"Messages: {told}. Send them back?", session)
    if in_bulk:
        moved = [_moved_in_bulk(each, resources, session) for each in filled]
        went_well = all(moved)
    else:
        wanted = Wanted(_document_id(document, session.stack), limit, discard_ended)
        went_well = _redriven(filled, resources, wanted, session)
    if not went_well:
        raise typer.Exit(1)


# ---- looking


def rows_of(stack: Stack) -> Rows:
    return Rows(stack.documents, JobRows(stack.table), stack.reviews)


def _queues(name: str | None, resources: Resources) -> list[DeadLetterQueue]:
    """The one that is named, or all that the stack has."""
    if name is not None:
        return [queue_named(name)]
    return [queue for queue in QUEUES if queue.name in resources]


def _filled(letters: Letters) -> Filled:
    count = letters.count()
    try:
        sent = [message.sent for message in letters.messages(min(count, LOOKED_AT))]
    finally:
        letters.give_back()
    return Filled(letters.queue, count, min(sent, default=None), count <= len(sent))


def _shown(letters: Letters, limit: int, rows: Rows) -> list[tuple[DeadMessage, Told]]:
    try:
        return [(message, tell(message, rows)) for message in letters.messages(min(limit, letters.count()))]
    finally:
        letters.give_back()


def _with_log(queue: DeadLetterQueue, message: DeadMessage, told: Told, resources: Resources) -> Told:
    """With the error that the function logged for the message, where nobody else has said why it failed."""
    if told.error or not queue.queues:
        return told
    functions = [
        function
        for name, function in queue.queues.items()
        if message.source_arn.rpartition(":")[2] in ("", resources.name(name).rpartition("/")[2])
    ]
    groups = [name for function in functions for name in _log_groups(function, resources)]
    for group in groups:
        error, cause = _logged(group, message)
        if error:
            return told._replace(error=error, cause=redacted(cause))
    return told._replace(cause=f"the log {' or '.join(groups)} has no word on it") if groups else told


def _log_groups(function: str, resources: Resources) -> list[str]:
    logical = f"{function.removesuffix('Function')}Logs"
    return [resources.name(logical)] if logical in resources else []


def _logged(group: str, message: DeadMessage) -> tuple[str, str]:
    """Error and cause of the last line that names the message; a log that cannot be read says so."""
    begin = int(message.sent.timestamp() * 1000)
    try:
        found = client("logs", CALLER).filter_log_events(
            logGroupName=group,
            filterPattern=f'"{message.id}"',
            startTime=begin,
            endTime=begin + int(LOG_SPAN.total_seconds() * 1000),
        )
    except (ClientError, BotoCoreError) as error:
        return "", f"the log {group} cannot be read: {type(error).__name__}"
    for event in reversed(found.get("events", [])):
        try:
            line = json.loads(event["message"])
        except ValueError:
            continue
        if isinstance(line, dict) and line.get("error"):
            return str(line["error"]), str(line.get("cause", ""))
    return "", ""


# ---- sending back


def _redriven(letters: Sequence[Letters], resources: Resources, wanted: Wanted, session: Session) -> bool:
    """Whether none was left that should have gone; a line for each message."""
    carrier, rows = AwsCarrier(), rows_of(session.stack)
    done: list[Done] = []
    for each in letters:
        for one in redrive(Redriving(each, resources, rows, carrier), wanted):
            done.append(one)
            session.out.print(_done_text(one), highlight=False, soft_wrap=True)
    left = sum(one.is_left for one in done)
    session.out.print(f"{len(done) - left} of {len(done)} message(s) redriven, {left} left where they were")
    if any("is PROCESSED" in one.action for one in done if one.is_left):
        session.messages.print("--discard-ended deletes what is about documents that have ended")
    return not any(one.is_failure for one in done)


def _require_bulk(letters: Iterable[Letters], document: str, discard_ended: bool, limit: int) -> None:
    """ConfigurationError where SQS alone cannot do what is asked for."""
    if document or discard_ended or limit != 1_000_000:
        raise ConfigurationError(
            "--in-bulk looks at no message: it goes with no --document, --limit, --discard-ended"
        )
    for each in letters:
        queue = each.queue
        if len(queue.queues) != 1 or queue.functions or queue.schedules:
            raise ConfigurationError(
                f"{queue.name} is not fed by one queue alone, so SQS cannot move it: leave --in-bulk out"
            )


def _moved_in_bulk(letters: Letters, resources: Resources, session: Session) -> bool:
    name = letters.queue.name
    last = None
    try:
        for last in move_all(letters, resources, lambda: time.sleep(MOVE_POLL_SECONDS)):
            session.messages.print(f"{name}: {last.status.lower()}, {last.moved} of {last.of} moved")
    except ClientError as error:
        why = f"SQS does not move queues here ({code_of(error)})"
        raise ConfigurationError(f"{name}: {why}: leave --in-bulk out") from error
    if last is None or last.status != "COMPLETED":
        session.messages.print(
            f"[red]{name}: {last.status if last else 'unknown'}[/] {last.why if last else ''}"
        )
        return False
    session.out.print(f"{name}: {last.moved} message(s) moved")
    return True


def _document_id(name: str, stack: Stack) -> str:
    return find_document(name, stack).document_id if name else ""


def _confirm(question: str, session: Session) -> None:
    if not sys.stdin.isatty():
        session.fail(f"{question} Nobody to ask here: say --yes")
    typer.confirm(question, abort=True)


# ---- how it looks


def _list_table(found: Iterable[Filled]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("queue", "messages", "oldest", "what ends there"):
        table.add_column(column, overflow="fold")
    for each in found:
        colour = "red" if each.num else "green"
        table.add_row(each.queue.name, f"[{colour}]{each.num}[/]", _age(each), each.queue.about)
    return table


def _age(each: Filled) -> str:
    if each.oldest is None:
        return ""
    seconds = int((datetime.now(UTC) - each.oldest).total_seconds())
    days, rest = divmod(max(seconds, 0), 86400)
    told = f"{days} d {rest // 3600} h" if days else f"{rest // 3600} h {rest % 3600 // 60} min"
    return told if each.is_oldest_of_all else f"{told} or more"


def _filled_json(each: Filled) -> dict[str, object]:
    return {
        "queue": each.queue.name,
        "messages": each.num,
        "oldest": each.oldest.isoformat() if each.oldest else None,
        "about": each.queue.about,
    }


def _told_json(queue: DeadLetterQueue, message: DeadMessage, told: Told) -> dict[str, object]:
    kept = {key: value for key, value in told._asdict().items() if key not in ("sent", "needs_no_more")}
    return {"queue": queue.name, "message_id": message.id, **kept, "sent": message.sent.isoformat()}


def _told_text(queue: DeadLetterQueue, message: DeadMessage, told: Told, stack: Stack) -> str:
    row = stack.documents.find(told.document_id) if told.document_id else None
    about = f"  document {told.document_id[:8]}" if told.document_id else ""
    about += f" ({escape(row.key)}), now {row.status}" if row else ""
    why = f"  [red]{escape(told.error)}[/] {escape(told.cause)}".rstrip() if told.error or told.cause else ""
    again = f"  redriven {told.redriven} time(s) before" if told.redriven else ""
    when = f"{message.sent.astimezone():%Y-%m-%d %H:%M:%S}"
    lines = [f"{queue.name} {message.id[:8]}  {when}  {escape(told.what)}", about, why, again]
    return "\n".join(line for line in lines if line)


def _done_text(done: Done) -> str:
    colour = "red" if done.is_failure else "yellow" if done.is_left else "green"
    return f"{done.queue} {done.message_id[:8]} {escape(done.told.what)}: [{colour}]{escape(done.action)}[/]"
