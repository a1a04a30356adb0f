"""`recto doctor`: looks at a deployment, says what is wrong and what to do. It changes nothing unasked."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.markup import escape
from rich.table import Table

from recto_cli.checkups import limits, parameters, plumbing, stack_state, traffic
from recto_cli.checkups.findings import Check, Deployment, Finding, State, look
from recto_cli.session import Session

CHECKS: Mapping[str, Check] = {
    "stack": stack_state.stack,
    "functions": stack_state.functions,
    "clock": stack_state.clock,
    "parameters": parameters.names,
    "release": parameters.release,
    "fields": parameters.fields,
    "changed parameters": parameters.refused,
    "OCR engine": parameters.ocr_engine,
    "model endpoint": parameters.model_endpoint,
    "thumbnail endpoint": parameters.thumbnail_endpoint,
    "review flow": parameters.review_flow,
    "reviewers": traffic.reviewers,
    "bucket events": plumbing.bucket_events,
    "inbox versions": plumbing.versions,
    "CORS": plumbing.cors,
    "rules": plumbing.rules,
    "queue readers": plumbing.mappings,
    "schedules": plumbing.schedules,
    "subscriptions": plumbing.subscriptions,
    "roles": limits.roles,
    "Textract quotas": limits.textract_quotas,
    "Lambda quota": limits.lambda_quota,
    "dead letters": traffic.dead_letters,
    "alarms": traffic.alarms,
    "alarm topic": traffic.alarm_topic,
    "logs": traffic.logs,
    "slots": traffic.leases,
    "waiting documents": traffic.waiting,
    "executions": traffic.executions,
}
COLOURS: Mapping[State, str] = {
    State.OK: "green",
    State.REMARK: "yellow",
    State.NOT_CHECKED: "cyan",
    State.PROBLEM: "red",
}


def doctor(
    context: typer.Context,
    fix: Annotated[
        bool, typer.Option("--fix", help="Mend what can be mended safely, after asking about each")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --fix: ask nothing")] = False,
    model: Annotated[
        bool, typer.Option("--model/--no-model", help="Read the release's model and run it once")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON")] = False,
) -> None:
    """Check a deployment and say what to do; exit code 1 where there is a problem."""
    session: Session = context.obj
    deployment = Deployment(session.stack, is_local=session.target.is_local, try_model=model)
    found = examine(deployment)
    if as_json:
        print(json.dumps([_as_json(each) for each in found], indent=2))
    else:
        session.out.print(_table(found))
        session.out.print(_sum(found), highlight=False)
    mended = _mend(found, yes, session) if fix else 0
    problems = sum(each.state is State.PROBLEM for each in found)
    if problems > mended:
        raise typer.Exit(1)


def examine(deployment: Deployment) -> list[Finding]:
    """What all checks find, in their order."""
    return [finding for name, check in CHECKS.items() for finding in look(name, check, deployment)]


def _mend(found: Sequence[Finding], yes: bool, session: Session) -> int:
    """How many problems were mended, each after a yes."""
    mended = 0
    for finding in found:
        if finding.fix is None:
            continue
        if not yes and not _agreed(f"{finding.fix.what}?", session):
            continue
        try:
            finding.fix.do()
        except (ClientError, BotoCoreError) as error:
            session.messages.print(f"[red]could not {escape(finding.fix.what)}:[/] {escape(str(error))}")
            continue
        mended += 1
        session.messages.print(f"done: {finding.fix.what}", highlight=False)
    if mended:
        session.messages.print("recto doctor once more tells whether that was all", highlight=False)
    return mended


def _agreed(question: str, session: Session) -> bool:
    if not sys.stdin.isatty():
        session.fail(f"{question} Nobody to ask here: say --yes")
    return typer.confirm(question)


def _table(found: Sequence[Finding]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("check", "", "what was found", "what to do"):
        table.add_column(column, overflow="fold")
    for each in found:
        state = f"[{COLOURS[each.state]}]{each.state}[/]"
        told = f"not checked here: {each.told}" if each.state is State.NOT_CHECKED else each.told
        table.add_row(each.check, state, escape(told), escape(each.advice))
    return table


def _sum(found: Sequence[Finding]) -> str:
    counts = {state: sum(each.state is state for each in found) for state in State}
    told = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    mendable = sum(each.fix is not None for each in found)
    return f"{told}{f'; recto doctor --fix can mend {mendable}' if mendable else ''}"


def _as_json(finding: Finding) -> dict[str, object]:
    kept = {key: value for key, value in finding._asdict().items() if key != "fix"}
    return {**kept, "fix": finding.fix.what if finding.fix else ""}
