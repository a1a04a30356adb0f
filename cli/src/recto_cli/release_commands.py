"""`recto release …` and `recto fields …`: parse, call, print."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.markup import escape
from rich.table import Table

from recto.errors import RectoError
from recto.fields import FieldList, parse_fields
from recto.release import dump_release
from recto.release_contents import FieldsOfRelease
from recto.steps.make_release import Used
from recto_cli import fields as field_lists
from recto_cli import releases, tables
from recto_cli.release_parts import Parts
from recto_cli.releases import KnownRelease, short
from recto_cli.session import Session
from recto_cli.stack import Stack

release_app = typer.Typer(no_args_is_help=True, help="Models with their fields: what documents are read by.")
fields_app = typer.Typer(no_args_is_help=True, help="The fields that the business asks for.")

Name = Annotated[str, typer.Argument(help="As `recto release list` says it, or its beginning")]
File = Annotated[Path, typer.Argument(help="A field list, JSON")]
EVALUATIONS = ("test", "held_out")
"""Parts of a release's evaluation, the more honest one first."""


# --- releases -----------------------------------------------------------------------------------------


@release_app.command("make")
def release_make(
    context: typer.Context,
    source: Annotated[
        str, typer.Option("--from", help="A folder, or a release; the one in use unless said otherwise")
    ] = "",
    model: Annotated[
        Path | None, typer.Option(help="A model file, or a folder with model, tokenizer and what is fitted")
    ] = None,
    fields: Annotated[Path | None, typer.Option(help="A field list")] = None,
    calibration: Annotated[Path | None, typer.Option(help="A calibration")] = None,
    threshold: Annotated[
        list[str] | None, typer.Option(metavar="NUMBER|FIELD=NUMBER", help="For all fields, or for one")
    ] = None,
    name: Annotated[str, typer.Option(help="The release's name; the source's unless said otherwise")] = "",
    endpoint: Annotated[
        str, typer.Option(help="The asynchronous SageMaker endpoint of the model, instead of a model file")
    ] = "",
    use: Annotated[bool, typer.Option("--use", help="Put it in use at once")] = False,
) -> None:
    """Make a release, checked whole and with a dry run of the model, and put it into the work bucket."""
    session: Session = context.obj
    parts = Parts(model, fields, calibration, tuple(threshold or ()), name, endpoint)
    prefix = releases.make_release(source, parts, session.stack)
    session.out.print(f"made {short(prefix)}", highlight=False)
    if not calibration and (endpoint or (model and not model.is_dir())):
        session.messages.print("calibration and thresholds are those of another model: fit them anew")
    if use:
        _say_used(session, prefix, releases.name_release(prefix, session.stack))
    else:
        session.out.print(f"put it in use with: recto release use {short(prefix)}", highlight=False)


@release_app.command("list")
def release_list(context: typer.Context) -> None:
    """Every release, which one new documents use, and how many documents still run with which."""
    session: Session = context.obj
    known = releases.known_releases(session.stack)
    session.out.print(_releases_table(known) if known else "no releases yet")
    for each in known:
        if each.fault:
            session.out.print(f"[red]{escape(short(each.prefix))}[/]: {escape(each.fault)}", highlight=False)
    if not any(each.is_used for each in known):
        session.out.print("no release is in use: documents wait")
    _say_what_was_refused(session, session.stack)


@release_app.command("show")
def release_show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="As in the list; the one in use unless said otherwise")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Its index as it lies in S3")] = False,
) -> None:
    """What a release consists of: its parts with their hashes, its fields, where a threshold is by hand."""
    session: Session = context.obj
    stack = session.stack
    prefix = releases.find_prefix(name, stack) if name else releases.require_used(stack)
    if as_json:
        print(dump_release(releases.read_index(prefix, stack)).decode(), end="")
        return
    contents = releases.contents_of(prefix, stack)
    release = contents.release
    session.out.print(f"{prefix}: {release.name}, made {release.created}", highlight=False)
    if release.made_from:
        session.out.print(f"parts taken over from {release.made_from}", highlight=False)
    session.out.print(f"licence {release.licence}, recipe {release.recipe}", highlight=False)
    if release.endpoint:
        session.out.print(f"model: SageMaker endpoint {release.endpoint}", highlight=False)
    session.out.print(f"{_headline(release.figures) or 'no figures'}", highlight=False)
    for file, digest in release.files.items():
        session.out.print(f"{file:18} sha256 {digest}", highlight=False)
    session.out.print(_fields_table(contents))


@release_app.command("use")
def release_use(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="As in the list")] = "",
    previous: Annotated[bool, typer.Option("--previous", help="The one that was in use before")] = False,
) -> None:
    """Let new documents use a release; it is proved whole first. Running documents keep theirs."""
    session: Session = context.obj
    if bool(name) == previous:
        raise typer.BadParameter("expected a release's name, or --previous")
    stack = session.stack
    prefix = releases.previous_release(stack) if previous else releases.find_prefix(name, stack)
    _say_used(session, prefix, releases.name_release(prefix, stack))


def _say_used(session: Session, prefix: str, used: Used) -> None:
    if used.before == prefix:
        session.out.print(f"{short(prefix)} was in use already", highlight=False)
        return
    before = f"before: {short(used.before)}; back with: recto release use --previous"
    session.out.print(
        f"new documents use {short(prefix)} ({before if used.before else 'none before'})", highlight=False
    )


def _say_what_was_refused(session: Session, stack: Stack) -> None:
    refusal = releases.last_refusal(stack)
    if refusal:
        what = f"{refusal.parameter} at {tables.local_time(refusal.time)}: {refusal.error}: {refusal.cause}"
        session.out.print(f"[red]refused:[/] {escape(what)}", highlight=False)
    stray = field_lists.strays(stack)
    if stray:
        session.out.print(f"config/EntityConfiguration: {escape(stray)}", highlight=False)
    stray = releases.stray_endpoint(stack)
    if stray:
        session.out.print(f"config/SageMakerEndpointName: {escape(stray)}", highlight=False)


def _releases_table(known: Iterable[KnownRelease]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("", "release", "created", "fields", "figures", "documents"):
        table.add_column(column, overflow="fold", no_wrap=column == "release")
    for each in known:
        mark, documents = "*" if each.is_used else "", str(each.num_documents or "")
        if each.release is None:
            table.add_row(mark, escape(short(each.prefix)), "", "", "[red]broken[/]", documents)
            continue
        away = f"endpoint {each.release.endpoint}" if each.release.endpoint else ""
        fields, figures = str(each.release.other_class), _headline(each.release.figures) or away
        table.add_row(mark, escape(short(each.prefix)), each.release.created, fields, figures, documents)
    return table


def _headline(figures: Mapping[str, Any]) -> str:
    """Entity F1, on what its training saw least of."""
    for part in EVALUATIONS:
        try:
            return f"entity F1 {figures['evaluation'][part]['entities']['f1']:.2f} ({part.replace('_', ' ')})"
        except (KeyError, TypeError, ValueError):
            continue
    return ""


def _fields_table(contents: FieldsOfRelease) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("class", "field", "type", "select", "", "review below"):
        table.add_column(column, no_wrap=True)
    for field in contents.fields.fields:
        kept = contents.thresholds.fields.get(field.name, contents.thresholds.default)
        by_hand = field.review_threshold is not None
        state = "ignored" if field.ignore else "optional" if field.optional else "required"
        limit = f"{field.review_threshold} (by hand, else {kept})" if by_hand else str(kept)
        name = escape(field.name)
        label = contents.release.labels[field.class_id]
        name += "" if label == field.name else f" [dim](the model's {escape(label)})[/]"
        select = field.select or "all values"
        table.add_row(str(field.class_id), name, field.kind, select, state, "" if field.ignore else limit)
    return table


# --- field lists --------------------------------------------------------------------------------------


@fields_app.command("init")
def fields_init(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Where to write it")] = Path("fields.json"),
    example: Annotated[str, typer.Option(help=" or ".join(field_lists.EXAMPLES))] = "start",
) -> None:
    """Write a field list to begin with; docs/guides/releases.md explains every key."""
    session: Session = context.obj
    content = field_lists.example_text(example)
    if file.exists():
        session.fail(f"{file} is there already")
    file.write_bytes(content)
    session.out.print(f"written: {file}; check it with: recto fields check {file}", highlight=False)


@fields_app.command("check")
def fields_check(
    context: typer.Context,
    file: File,
    alone: Annotated[bool, typer.Option("--alone", help="Without a look at the release in use")] = False,
) -> None:
    """Tell all faults of a field list at once, and what it would change; exit code 1 where it cannot be."""
    session: Session = context.obj
    fields = _checked(session, file)
    if alone:
        return
    try:
        prefix = releases.require_used(session.stack)
        changes, problems = field_lists.compare(fields, prefix, session.stack)
    except (RectoError, BotoCoreError, ClientError) as error:
        session.messages.print(f"not compared with a release in use: {error}", highlight=False)
        return
    for line in changes or ["nothing would change"]:
        session.out.print(escape(line), highlight=False)
    for problem in problems:
        session.messages.print(f"[red]does not fit the model in use:[/] {escape(problem)}", highlight=False)
    if problems:
        raise typer.Exit(1)
    session.out.print(f"fits the model of {short(prefix)}", highlight=False)


@fields_app.command("push")
def fields_push(
    context: typer.Context,
    file: File,
    name: Annotated[str, typer.Option(help="Name of the new release; the old one's unless given")] = "",
) -> None:
    """Make a release of the model in use and these fields, and put it in use for the next document."""
    session: Session = context.obj
    fields = _checked(session, file)
    pushed = field_lists.push(fields, name, session.stack)
    for line in pushed.changes:
        session.out.print(escape(line), highlight=False)
    if pushed.used is None:
        session.out.print(f"{short(pushed.base)} has these fields already", highlight=False)
        return
    _say_used(session, pushed.made, pushed.used)


@fields_app.command("pull")
def fields_pull(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="Where to write it; else standard output")] = None,
) -> None:
    """Fetch the field list in use."""
    session: Session = context.obj
    content = field_lists.pull(session.stack)
    if file is None:
        print(content.decode(), end="")
        return
    file.write_bytes(content)
    session.out.print(f"written: {file}", highlight=False)


def _checked(session: Session, file: Path) -> FieldList:
    """The list in a file; all its faults and exit code 1 where it is none."""
    faults = field_lists.faults_of(file)
    for fault in faults:
        session.messages.print(f"[red]{escape(fault)}[/]", highlight=False)
    if faults:
        session.fail(f"FieldConfigurationError: {file} has {len(faults)} fault{'s' * (len(faults) > 1)}")
    fields = parse_fields(file.read_bytes())
    ignored = len(fields) - len(fields.active)
    session.out.print(f"{file}: {len(fields)} fields, {ignored} of them ignored", highlight=False)
    for line in field_lists.thresholds_by_hand(fields):
        session.out.print(f"threshold by hand: {escape(line)}", highlight=False)
    return fields
