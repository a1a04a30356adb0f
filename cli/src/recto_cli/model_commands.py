"""`recto deploy-model`, `undeploy`, `autoscale` and `predict`: parse, call, print."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from rich.table import Table

from recto.aws.clients import client, errors_of
from recto.errors import ConfigurationError
from recto.places import Location
from recto.release import CALIBRATION, parse_release
from recto_cli import autoscaling, endpoints, model_archives, predict, releases
from recto_cli.autoscaling import Scaling
from recto_cli.endpoints import Choices, EndpointPlan, Kind
from recto_cli.release_parts import Parts
from recto_cli.releases import short
from recto_cli.session import Session
from recto_cli.stack import CALLER, Stack
from recto_cli.training_commands import ENVIRONMENTS, Where, run_elsewhere

RELEASE_INDEX, WEIGHTS, LABELS = "release.json", "model.safetensors", "labels.json"
NO_MODEL = "none"
"""What a thumbnail endpoint has for a model."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("deploy-model")(deploy_model)
    app.command("undeploy")(undeploy)
    app.command("autoscale")(autoscale)
    app.command("predict")(predict_document)


ModelToDeploy = Annotated[
    str, typer.Argument(help="A model folder, a release's folder or name, s3://…/model.tar.gz, or none")
]
EndpointOption = Annotated[
    str, typer.Option(help="Behind a SageMaker endpoint of this name; embedded unless said")
]
KindOption = Annotated[Kind, typer.Option(help="What the endpoint answers")]
Connect = Annotated[
    bool, typer.Option("--connect", help="Let the pipeline use the endpoint from the next document on")
]
Machine = Annotated[str, typer.Option(help="The endpoint's machine")]
Image = Annotated[str, typer.Option(help="Container image; the stack's recto-model unless said")]
Role = Annotated[str, typer.Option(help="The model's role; the stack's unless said")]
AtOnce = Annotated[int, typer.Option(min=1, help="Requests at once on one machine")]
Variables = Annotated[list[str] | None, typer.Option("--env", metavar="NAME=VALUE", help="Of the container")]
Registry = Annotated[
    str, typer.Option("--register", metavar="GROUP", help="Also a version in SageMaker's model registry")
]
Approve = Annotated[bool, typer.Option("--approve", help="Registered as approved")]
FieldsFile = Annotated[
    Path | None, typer.Option(help="Field list of the release; the model's own unless said")
]
ReleaseName = Annotated[str, typer.Option(help="The release's name; the folder's unless said")]
EightBit = Annotated[bool, typer.Option("--int8", help="Embedded with eight-bit weights")]
Use = Annotated[bool, typer.Option("--use/--no-use", help="Put the embedded release in use")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Until the endpoint is ready")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the endpoint's requests, make nothing")]


def deploy_model(
    context: typer.Context,
    model: ModelToDeploy,
    endpoint: EndpointOption = "",
    kind: KindOption = Kind.WORD,
    connect: Connect = False,
    instance_type: Machine = endpoints.DEFAULT_INSTANCE,
    image: Image = "",
    role: Role = "",
    max_concurrent: AtOnce = 2,
    environment: Variables = None,
    register_in: Registry = "",
    approve: Approve = False,
    fields: FieldsFile = None,
    name: ReleaseName = "",
    int8: EightBit = False,
    use: Use = True,
    wait: Wait = True,
    dry_run: DryRun = False,
) -> None:
    """Take a model live: inside the pipeline's function, or behind an endpoint of its own."""
    session: Session = context.obj
    if not endpoint:
        _no_endpoint_options(session, {"--connect": connect, "--register": register_in, "--dry-run": dry_run})
        _embed(session, model, Parts(fields=fields, name=name), int8=int8, use=use)
        return
    choices = Choices(
        endpoint, kind, instance_type, image, role, max_concurrent, _variables(environment or [])
    )
    if connect:
        endpoints.require_parameter(kind, endpoints.full_name(endpoint, session.stack))
    plan, archive_told = _planned(session, model, choices, is_dry=dry_run, connects=connect)
    if dry_run:
        requests = [{"Operation": name, "Parameters": request} for name, request in plan.requests()]
        print(json.dumps(requests, indent=1))
        return
    session.out.print(archive_told, highlight=False)
    endpoints.make_endpoint(plan)
    session.out.print(
        f"made endpoint {plan.name} on one {plan.instance_type}, which costs while it runs", highlight=False
    )
    if register_in:
        arn = endpoints.register_model(register_in, plan, approved=approve, figures=_figures(model))
        session.out.print(f"registered {arn}", highlight=False)
    _make_ready(session, plan, wait=wait, connect=connect)


def _make_ready(session: Session, plan: EndpointPlan, *, wait: bool, connect: bool) -> None:
    """Wait for the endpoint and connect it, where that is asked for; say what comes next."""
    if wait or connect:
        endpoints.wait_until_ready(plan.name, say=lambda text: session.messages.print(text, highlight=False))
    if connect:
        parameter = endpoints.connect(plan, session.stack)
        session.out.print(
            f"{parameter} is {plan.name}: recto release list shows when it is in use", highlight=False
        )
    if plan.kind.is_async:
        session.out.print(f"let it sleep while nobody asks: recto autoscale {plan.name}", highlight=False)


def _no_endpoint_options(session: Session, options: Mapping[str, object]) -> None:
    """An embedded release knows none of these."""
    given = [name for name, value in options.items() if value]
    if given:
        session.fail(f"{', '.join(given)}: only with --endpoint NAME")


def _variables(texts: list[str]) -> dict[str, str]:
    pairs = dict(text.partition("=")[::2] for text in texts)
    if not all(pairs.values()):
        raise ConfigurationError(f"--env: expected NAME=VALUE, got {', '.join(texts)}")
    return pairs


# --- embedded -----------------------------------------------------------------------------------------


def _embed(session: Session, model: str, parts: Parts, *, int8: bool, use: bool) -> None:
    """Export where it is a trained model, make a release of it, put that in use."""
    with _release_folder(session, model, parts, int8=int8) as source:
        rest = Parts(fields=parts.fields, name=parts.name) if source == model else Parts()
        prefix = releases.make_release(source, rest, session.stack)
    session.out.print(f"made {short(prefix)}", highlight=False)
    if not use:
        session.out.print(f"put it in use with: recto release use {short(prefix)}", highlight=False)
        return
    used = releases.name_release(prefix, session.stack)
    before = (
        f"before: {short(used.before)}; back with: recto release use --previous"
        if used.before
        else "before: none"
    )
    session.out.print(f"new documents use {short(prefix)} ({before})", highlight=False)


@contextmanager
def _release_folder(session: Session, model: str, parts: Parts, *, int8: bool) -> Iterator[str]:
    """A release's folder or name: the model itself, or what its export makes."""
    with _model_folder(session, model) as folder:
        if folder is None or not (folder / WEIGHTS).is_file():
            yield str(folder) if folder else model
            return
        with TemporaryDirectory(prefix="recto-release-") as target:
            options = ["--release", target, *(["--int8"] if int8 else [])]
            options += ["--name", parts.name] if parts.name else []
            options += ["--fields", str(parts.fields.resolve())] if parts.fields else []
            code = run_elsewhere(ENVIRONMENTS[Where.LOCAL], "export", [str(folder), *options])
            if code:
                raise typer.Exit(code)
            yield target


@contextmanager
def _model_folder(session: Session, model: str) -> Iterator[Path | None]:
    """The folder of a model, fetched and unpacked where it is an archive in S3; None for a release's name."""
    if not model.startswith("s3://"):
        yield Path(model) if Path(model).is_dir() else None
        return
    with TemporaryDirectory(prefix="recto-model-") as name:
        archive, folder = Path(name) / "model.tar.gz", Path(name) / "model"
        folder.mkdir()
        session.stack.objects.download(Location.from_uri(model), archive)
        model_archives.unpack(archive, folder)
        yield folder


# --- behind an endpoint -------------------------------------------------------------------------------


def _planned(
    session: Session, model: str, choices: Choices, *, is_dry: bool, connects: bool
) -> tuple[EndpointPlan, str]:
    """The plan, its archive uploaded unless it is a dry run; everything is checked before the upload."""
    stack = session.stack
    name = endpoints.full_name(choices.name, stack)
    unknown = endpoints.upload_place(name, "0" * 12, stack)
    endpoints.plan_of(choices, unknown.uri, stack)
    with (
        _model_or_none(session, model, choices.kind) as folder,
        TemporaryDirectory(prefix="recto-pack-") as scratch,
    ):
        if connects and folder and choices.kind is Kind.WORD:
            _require_same_labels(folder, stack)
        archive = Path(scratch) / "model.tar.gz"
        with model_archives.built_wheels() as wheels:
            digest = model_archives.pack(folder, archive, wheels)
        place = endpoints.upload_place(name, digest, stack)
        if not is_dry:
            upload(archive, place)
        told = f"packed {archive.stat().st_size / 1e6:.1f} MB, sha256 {digest}, into {place.uri}"
        if connects and (Path(model) / CALIBRATION).is_file():
            told += (
                "\nconnected, it has the calibration and thresholds of the release in use; for its own: "
                f"recto release make --endpoint {name} --calibration {model}/{CALIBRATION} --use"
            )
    return endpoints.plan_of(choices, place.uri, stack), told


def _require_same_labels(folder: Path, stack: Stack) -> None:
    """ConfigurationError for a model of other labels than the release that it is to stand behind: the fields
    of that release would get each other's words.
    """
    used = releases.used_release(stack)
    ours = _labels(folder)
    theirs = releases.read_index(used, stack).labels if used else ours
    if ours and ours[:-1] != theirs[:-1]:
        raise ConfigurationError(
            f"the model's labels are {', '.join(ours[:-1])}, those of the release in use "
            f"{', '.join(theirs[:-1])}: leave --connect away, then recto release make --endpoint … --fields …"
        )


def _labels(folder: Path) -> tuple[str, ...]:
    """Of a model's folder or a release's; the last means no field."""
    if (folder / RELEASE_INDEX).is_file():
        return parse_release((folder / RELEASE_INDEX).read_bytes()).labels
    path = folder / LABELS
    return tuple(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else ()


@contextmanager
def _model_or_none(session: Session, model: str, kind: Kind) -> Iterator[Path | None]:
    """The folder to pack; a release's name is downloaded, thumbnails need no model."""
    if model == NO_MODEL:
        if kind is not Kind.THUMBNAILS:
            raise ConfigurationError(
                f"a {kind} endpoint needs a model: expected a folder, a release or s3://"
            )
        yield None
        return
    with _model_folder(session, model) as folder, TemporaryDirectory(prefix="recto-release-") as target:
        if folder is None:
            contents = releases.download(releases.find_prefix(model, session.stack), session.stack)
            for name, content in contents.items():
                (Path(target) / name).write_bytes(content)
        yield folder or Path(target)


def upload(archive: Path, place: Location) -> None:
    """In parts where it is large; an object that is there already has the same bytes."""
    with errors_of(f"PutObject {place.uri}"):
        client("s3", CALLER).upload_file(str(archive), place.bucket, place.key)


def _figures(model: str) -> Mapping[str, Any]:
    """The headline figures of a run, for the registry; none where there is no record."""
    record = Path(model) / "run.json"
    if not record.is_file():
        return {}
    found = json.loads(record.read_text())
    best = found.get("best") or found.get("metrics") or {}
    return dict(best) if isinstance(best, dict) else {}


def undeploy(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The endpoint's name, with or without the project's before it")],
) -> None:
    """Remove an endpoint with its scaling, configuration and model; refused while the pipeline uses it."""
    session: Session = context.obj
    stack = session.stack
    full = endpoints.full_name(name, stack)
    endpoints.require_unconnected(full, stack)
    removed = [*_scaling_removed(session, stack, full), *endpoints.remove_endpoint(full, stack)]
    if not removed:
        session.fail(
            f"nothing is called {full}; there are {', '.join(endpoints.known_endpoints(stack)) or 'none'}"
        )
    for what in removed:
        session.out.print(f"removed {what}", highlight=False)


def _scaling_removed(session: Session, stack: Stack, endpoint: str) -> list[str]:
    """What was removed; a place without Application Auto Scaling has nothing to remove."""
    try:
        return autoscaling.remove_scaling(stack.project, endpoint)
    except autoscaling.NoScalingError as error:
        session.messages.print(f"[dim]{error}[/]", highlight=False)
        return []


def autoscale(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The endpoint's name")] = "",
    minimum: Annotated[int, typer.Option("--min", min=0, help="Instances at least; 0 lets it sleep")] = 0,
    maximum: Annotated[int, typer.Option("--max", min=1, help="Instances at most")] = 4,
    target: Annotated[float, typer.Option(help="Requests that may wait for each instance")] = 5,
    show: Annotated[bool, typer.Option("--list", help="What is set, for all endpoints or this one")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Take it away: the instances of now stay")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the requests, change nothing")] = False,
) -> None:
    """Scale an endpoint by what waits for it, down to nothing, and wake it by one request."""
    session: Session = context.obj
    stack = session.stack
    full = endpoints.full_name(name, stack) if name else ""
    if show or not full:
        session.out.print(_scaling_table(autoscaling.known_scaling(stack.project, full)))
        return
    if remove:
        removed = autoscaling.remove_scaling(stack.project, full)
        session.out.print(
            "\n".join(f"removed {what}" for what in removed) or "nothing was set", highlight=False
        )
        return
    try:
        scaling = Scaling(endpoint=full, minimum=minimum, maximum=maximum, target=target)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
    if dry_run:
        print(json.dumps(autoscaling.requests(scaling), indent=1))
        return
    found = endpoints.describe(full)
    if found is None:
        session.fail(
            f"endpoint {full} is not there; there are {', '.join(endpoints.known_endpoints(stack)) or 'none'}"
        )
    if "AsyncInferenceConfig" not in found:
        session.fail(f"endpoint {full} is synchronous: it has no backlog to scale by")
    autoscaling.apply_scaling(scaling)
    session.out.print(
        f"{full}: {minimum} to {maximum} instances, {target:g} waiting requests for each; the first request "
        "wakes it, which takes some minutes",
        highlight=False,
    )


def _scaling_table(known: list[autoscaling.Known]) -> Table | str:
    if not known:
        return "no endpoint is scaled"
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("endpoint", "instances", "policies"):
        table.add_column(column, overflow="fold")
    for each in known:
        table.add_row(each.endpoint, f"{each.minimum} to {each.maximum}", ", ".join(each.policies))
    return table


# --- asked ----------------------------------------------------------------------------------------------


def predict_document(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="An endpoint, or a release's folder or name")],
    document: Annotated[
        str, typer.Argument(help="A PDF or image, a Textract JSON, or a document that the pipeline knows")
    ],
    page: Annotated[int, typer.Option(min=0, help="This page alone; 0 for all")] = 0,
    by_value: Annotated[
        bool, typer.Option("--by-value", help="Words inside the request, not as an S3 reference")
    ] = False,
    thumbnails: Annotated[str, typer.Option(help="s3:// of page images (npz) for models that look")] = "",
    picture: Annotated[
        Path | None, typer.Option(help="Folder for the pages with the classes drawn on them")
    ] = None,
    save: Annotated[Path | None, typer.Option(help="File for the answer, in Textract's shape")] = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for an asynchronous answer")] = 900,
) -> None:
    """Ask a model about one document or page, and show what it says of the words."""
    session: Session = context.obj
    how = predict.Asking(page=page, by_value=by_value, thumbnails=thumbnails, timeout=timeout)
    seen = predict.ask(model, document, how, session)
    session.out.print(_mentions_table(seen))
    for warning in seen.warnings:
        session.messages.print(f"[yellow]{warning}[/]", highlight=False)
    if save:
        save.write_bytes(predict.answer_json(seen))
        session.out.print(f"written: {save}", highlight=False)
    for path in predict.save_pictures(seen, document, picture, session) if picture else []:
        session.out.print(f"drawn: {path}", highlight=False)


def _mentions_table(seen: predict.Seen) -> Table | str:
    mentions = list(predict.mentions(seen))
    if not mentions:
        return f"no word of {sum(len(page.words) for page in seen.pages)} has a class"
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("page", "class", "confidence", "text"):
        table.add_column(column, overflow="fold")
    for each in mentions:
        table.add_row(str(each.page), each.label, f"{each.confidence:.0%}", each.text)
    return table
