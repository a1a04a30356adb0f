"""`recto label …`: parse, call, print. Templates, previews, jobs, results, CORS; teams in `team_commands`."""

import json
import tempfile
import webbrowser
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from recto.aws.s3 import S3Objects
from recto.errors import LabelRequestError
from recto.fields import parse_fields
from recto.manifests import line_of
from recto.places import Location
from recto_cli.labelling import cors, jobs, preview, results, text_files
from recto_cli.labelling.back_ends import BackEndChoice
from recto_cli.labelling.categories import category_faults, category_file, labels_of
from recto_cli.labelling.guidance import guidance_sections, paragraphs
from recto_cli.labelling.jobs import JobChoices, PlannedJob
from recto_cli.labelling.manifest_facts import is_s3, record, s3_location
from recto_cli.labelling.public_workforce import CLASSIFIERS
from recto_cli.labelling.requests import DEFAULT_CONCURRENT
from recto_cli.labelling.tasks import TASKS, TaskType
from recto_cli.labelling.templates import For, TemplateText, filled, template_source
from recto_cli.session import Session
from recto_cli.stack import CALLER
from recto_cli.team_commands import WORKBENCH_URL, BackEndOption, end_of, teams_app

label_app = typer.Typer(no_args_is_help=True, help="Pages labelled by people: templates, jobs, teams.")
label_app.add_typer(teams_app, name="teams")

CATEGORIES = "label-categories.json"
A_DAY = 86_400

JobName = Annotated[str, typer.Argument(help="The job's name")]
AsJson = Annotated[bool, typer.Option("--json", help="The back-end's own JSON")]


# --- templates ----------------------------------------------------------------------------------------


@label_app.command("template")
def label_template(
    context: typer.Context,
    task: Annotated[TaskType, typer.Argument(help="The kind of task")],
    fields: Annotated[Path | None, typer.Option(help="Field list: its names are the labels")] = None,
    label: Annotated[list[str] | None, typer.Option(help="A label, instead of a field list")] = None,
    output: Annotated[Path, typer.Option(help="Where to write the template")] = Path("template.liquid.html"),
    categories: Annotated[
        Path | None, typer.Option(help=f"Where to write the labels; {CATEGORIES} beside the template")
    ] = None,
    title: Annotated[str, typer.Option(help="What workers see above the guidance")] = "",
    header: Annotated[str, typer.Option(help="The sentence above the page")] = "",
    instructions: Annotated[
        str, typer.Option(help="What workers see beside the page; plain text; the header is not said again")
    ] = "",
    adjust: Annotated[
        str, typer.Option(help="Label attribute of the earlier job, for tasks that review labels")
    ] = "",
    use: Annotated[
        For, typer.Option("--for", help="ground-truth: what the template needs of ours goes into it")
    ] = For.WORKBENCH,
) -> None:
    """Make a task's template and label file of the field list: labels, title, guidance for each field."""
    session: Session = context.obj
    if (fields is None) == (not label):
        raise typer.BadParameter("expected --fields FILE, or --label NAME once for each label")
    field_list = parse_fields(_file(fields)) if fields else None
    labels = labels_of(field_list, task) if field_list else tuple(label or ())
    if faults := category_faults(labels, task):
        raise LabelRequestError("; ".join(faults))
    usual = TASKS[task]
    above = header or usual.description
    text = TemplateText(
        title=title or usual.title,
        header=above,
        instructions="" if instructions == above else instructions,
        labels=labels,
        guidance=guidance_sections(field_list.by_class.values()) if field_list else "",
        previous=adjust,
    )
    page = filled(template_source(task), text, use)
    beside = categories or output.parent / CATEGORIES
    # Ground Truth's own pages for text show these instructions and no header of ours.
    file = category_file(labels, paragraphs(text.instructions or text.header), text.guidance, adjust)
    for path, content in ((output, page.encode()), (beside, file)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    session.out.print(f"written: {output}, {beside} ({len(labels)} labels)", highlight=False)
    session.out.print(f"look at it: recto label preview {output} MANIFEST", highlight=False)


def _file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise LabelRequestError(f"{path}: {error.strerror}") from error


@label_app.command("preview")
def label_preview(
    context: typer.Context,
    template: Annotated[Path, typer.Argument(help="A template, filled in")],
    manifest: Annotated[str, typer.Argument(help="A manifest: a file here, or s3://…")],
    line: Annotated[int, typer.Option(min=1, help="Which of its objects")] = 1,
    to: Annotated[Path | None, typer.Option(help="Write one file, instead of serving the page")] = None,
    opens: Annotated[bool, typer.Option("--open/--no-open", help="Open the browser")] = True,
    once: Annotated[bool, typer.Option("--once", help="End with the first answer")] = False,
    ground_truth: Annotated[
        bool, typer.Option("--ground-truth", help="Let Ground Truth render it (AWS only)")
    ] = False,
    role: Annotated[str, typer.Option(help="With --ground-truth: the role that may read the objects")] = "",
) -> None:
    """Show a task with a real record, as workers will see it; answers are printed and forgotten."""
    session: Session = context.obj
    _ = session.target  # points the SDK at the runtime, where the record's objects are
    page = _file(template).decode("utf-8", errors="replace")
    found = record(manifest, line)
    objects = S3Objects(CALLER)
    given = preview.task_input(found.content, _reader(objects))
    preview.require_text(page, given, f"{template}, {found.place}")
    if ground_truth:
        html = _rendered_by_aws(session, page, given, role)
        place = to or Path(tempfile.mkdtemp(prefix="recto-preview-")) / "task.html"
        place.write_text(html, encoding="utf-8")
        session.out.print(f"written: {place}", highlight=False)
        _ = opens and to is None and webbrowser.open(place.resolve().as_uri())
        return
    if to is not None:
        to.write_text(preview.as_file(page, found.content, objects, template.name), encoding="utf-8")
        session.out.print(f"written: {to}", highlight=False)
        return
    _serve(session, preview.Preview(page, found.content, objects, template.name), opens=opens, once=once)


def _reader(objects: S3Objects) -> Any:
    return lambda uri: objects.read(s3_location(uri, "object"))


def _serve(session: Session, shown: preview.Preview, *, opens: bool, once: bool) -> None:
    def ready(url: str) -> None:
        session.messages.print(f"preview: {url} (Ctrl+C ends it)", highlight=False)
        _ = opens and webbrowser.open(url)

    def answered(answer: dict[str, Any]) -> bool:
        print(json.dumps(answer, indent=2, ensure_ascii=False), flush=True)
        return once

    preview.serve(shown, ready, answered)


def _rendered_by_aws(session: Session, template: str, given: dict[str, Any], role: str) -> str:
    end = end_of(session, BackEndChoice.GROUND_TRUTH)
    request = {
        "UiTemplate": {"Content": template},
        "Task": {"Input": json.dumps(given, ensure_ascii=False)},
        "RoleArn": role or jobs.role_of(session.stack, end.choice),
    }
    answer = end.call("RenderUiTemplate", request)
    if answer.get("Errors"):
        told = "; ".join(f"{one['Code']}: {one['Message']}" for one in answer["Errors"])
        raise LabelRequestError(f"the template: {told}")
    return str(answer["RenderedContent"])


# --- jobs ---------------------------------------------------------------------------------------------


TaskOption = Annotated[TaskType, typer.Option(help="The kind of task")]
ManifestOption = Annotated[str, typer.Option(help="What to label: a file here, or s3://…")]
TemplateOption = Annotated[str, typer.Option(help="The template: a file here, or s3://…")]
TeamOption = Annotated[str, typer.Option(help="Name or ARN of a work team; public for the public workforce")]
Categories = Annotated[
    str, typer.Option(help=f"The labels: a file here, or s3://…; {CATEGORIES} beside the template")
]
Attribute = Annotated[str, typer.Option(help="Key of the labels in the output; the job's name unless said")]
Workers = Annotated[int, typer.Option(help="How many people label each object, 1 to 9")]
TimeLimit = Annotated[int, typer.Option(help="Seconds for one task, 30 to 28,800")]
Availability = Annotated[
    int | None, typer.Option(help="Seconds for which a task waits for workers; 10 days unless said")
]
AtOnce = Annotated[int, typer.Option(help="Objects offered at once")]
Title = Annotated[str, typer.Option(help="What workers see in their list of jobs; kind and name unless said")]
Description = Annotated[str, typer.Option(help="One sentence more")]
Keywords = Annotated[str, typer.Option(help="Up to 5, with commas between")]
Pre = Annotated[str, typer.Option(help="Pre-labelling function: recto, built-in or an ARN")]
Post = Annotated[str, typer.Option(help="Post-labelling function: recto, built-in or an ARN")]
RoleOption = Annotated[str, typer.Option(help="ARN of the job's role; the stack's unless said")]
Output = Annotated[str, typer.Option(help="s3://… for what comes out; below the work bucket unless said")]
Price = Annotated[str, typer.Option(help="US dollars for one task, with --team public")]
NoPersons = Annotated[bool, typer.Option("--free-of-personal-information", help="Says so of the data")]
NoAdults = Annotated[bool, typer.Option("--free-of-adult-content", help="Says so of the data")]
Adjust = Annotated[str, typer.Option(help="Label attribute of the earlier job that is reviewed")]
Tags = Annotated[list[str] | None, typer.Option("--tag", metavar="NAME=VALUE", help="A tag of the job")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check all, print the request, make nothing")]


@label_app.command("create")
def label_create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The job's name, up to 63 letters, digits and hyphens")],
    task: TaskOption,
    manifest: ManifestOption,
    template: TemplateOption,
    team: TeamOption,
    label_categories: Categories = "",
    label_attribute: Attribute = "",
    workers_per_object: Workers = 1,
    time_limit: TimeLimit = 3600,
    availability: Availability = None,
    max_concurrent: AtOnce = DEFAULT_CONCURRENT,
    title: Title = "",
    description: Description = "",
    keywords: Keywords = "",
    pre: Pre = "",
    post: Post = "",
    role: RoleOption = "",
    output: Output = "",
    price: Price = "",
    no_persons: NoPersons = False,
    no_adults: NoAdults = False,
    adjust: Adjust = "",
    tags: Tags = None,
    back_end: BackEndOption = BackEndChoice.WORKBENCH,
    dry_run: DryRun = False,
) -> None:
    """Make a labelling job: all is checked first, then what lies here is uploaded, then the job begins."""
    said = zip(CLASSIFIERS, (no_persons, no_adults), strict=True)
    choices = JobChoices(
        name=name, task=task, manifest=manifest, template=template, team=team,
        categories=label_categories or _beside(template), attribute=label_attribute,
        workers=workers_per_object, time_limit=time_limit, availability=availability,
        max_concurrent=max_concurrent, title=title, description=description,
        keywords=tuple(word.strip() for word in keywords.split(",") if word.strip()),
        pre=pre, post=post, role=role, output=output, price=price, adjust=adjust,
        classifiers=tuple(one for one, is_so in said if is_so), tags=tuple(tags or ()),
    )  # fmt: skip
    _create(context.obj, choices, back_end, dry_run=dry_run)


def _create(session: Session, choices: JobChoices, choice: BackEndChoice, *, dry_run: bool) -> None:
    end = end_of(session, choice)
    job = jobs.planned(choices, session.stack, end)
    is_refused = job.plan.is_public and end.choice is BackEndChoice.GROUND_TRUTH
    if dry_run or is_refused:
        print(json.dumps(job.plan.request(), indent=1, ensure_ascii=False))
    _say_what_was_seen(session, job)
    if dry_run:
        return
    if is_refused:
        session.fail(LabelRequestError(jobs.closed_message()))
    arn = jobs.create(job, end)
    session.out.print(f"made {arn}", highlight=False)
    session.out.print(f"see how it goes: recto label watch {choices.name}", highlight=False)
    if end.choice is BackEndChoice.WORKBENCH and WORKBENCH_URL in session.stack.names:
        session.out.print(f"workers sign in at {session.stack.name(WORKBENCH_URL)}", highlight=False)


def _beside(template: str) -> str:
    """The label file that `recto label template` writes beside its template."""
    parent, _, _ = template.rpartition("/")
    return f"{parent}/{CATEGORIES}" if parent else CATEGORIES


def _say_what_was_seen(session: Session, job: PlannedJob) -> None:
    facts, plan = job.facts, job.plan
    session.messages.print(
        f"{facts.num_objects:,} objects, {len(plan.labels)} labels, {plan.workers} workers for each object; "
        f"labels go to the key {plan.attribute!r}",
        highlight=False,
    )
    for upload in job.uploads:
        session.messages.print(f"from here: {upload.path} as {upload.place.uri}", highlight=False)
    if missing := facts.without_earlier_labels:
        lines = ", ".join(map(str, missing[:5])) + (" …" if len(missing) > 5 else "")
        session.messages.print(
            f"[yellow]{len(missing):,} objects have no labels in {escape(plan.adjust)}[/] (lines {lines}): "
            "workers see them without any",
            highlight=False,
        )
    if job.simulation:
        session.messages.print(f"with the public workforce: {job.simulation.told()}", highlight=False)
        session.messages.print(f"[yellow]{jobs.closed_message()}[/]", highlight=False)


@label_app.command("list")
def label_list(context: typer.Context, back_end: BackEndOption = BackEndChoice.WORKBENCH) -> None:
    """Labelling jobs, the newest first, with their counters."""
    session: Session = context.obj
    found = results.all_jobs(end_of(session, back_end))
    session.out.print(_jobs_table(found) if found else "no labelling jobs yet")


@label_app.command("describe")
def label_describe(
    context: typer.Context, name: JobName, back_end: BackEndOption = BackEndChoice.WORKBENCH
) -> None:
    """A job's request and state, as DescribeLabelingJob tells them."""
    session: Session = context.obj
    description = results.describe(name, end_of(session, back_end))
    description.pop("ResponseMetadata", None)
    print(json.dumps(description, indent=1, ensure_ascii=False, default=str))


@label_app.command("watch")
def label_watch(
    context: typer.Context,
    name: JobName,
    timeout: Annotated[float, typer.Option(help="Seconds to watch at most")] = 30 * A_DAY,
    lines: Annotated[int, typer.Option(min=0, help="First lines of the output to show")] = 3,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show these lines whole, as they are")] = False,
    back_end: BackEndOption = BackEndChoice.WORKBENCH,
) -> None:
    """Tell of a job until it ends; exit code 1 unless it is completed."""
    session: Session = context.obj
    end = end_of(session, back_end)
    told: list[tuple[str, results.Counters]] = []

    def report(description: dict[str, Any]) -> None:
        now = (str(description["LabelingJobStatus"]), results.counters(description))
        if told[-1:] != [now]:
            told.append(now)
            session.messages.print(_state(*now), highlight=False)

    description = results.watch(name, end, report, timeout)
    status = description["LabelingJobStatus"]
    if description.get("FailureReason"):
        session.messages.print(f"[red]{escape(str(description['FailureReason']))}[/]", highlight=False)
    for text in results.first_lines(description, lines) if lines else ():
        print(text if verbose else results.shortened(text))
    if status not in results.FINAL:
        session.fail(f"{name} is still {status} after {timeout:g} s")
    if status != "Completed":
        raise typer.Exit(1)
    session.messages.print(f"bring it here: recto label results {name} --to FOLDER", highlight=False)


def _state(status: str, counts: results.Counters) -> str:
    machine = f", {counts.machine} by machine" if counts.machine else ""
    failed = f", {counts.failed} failed" if counts.failed else ""
    return f"{status}: {counts.total} of {counts.objects} labelled{machine}{failed}, {counts.unlabeled} to do"


@label_app.command("stop")
def label_stop(
    context: typer.Context, name: JobName, back_end: BackEndOption = BackEndChoice.WORKBENCH
) -> None:
    """Stop a job: open tasks go, answers given so far are consolidated and written."""
    session: Session = context.obj
    end = end_of(session, back_end)
    status = results.describe(name, end)["LabelingJobStatus"]
    if status in results.FINAL:
        session.fail(LabelRequestError(f"{name} is {status} already"))
    end.call("StopLabelingJob", {"LabelingJobName": name})
    session.out.print(f"stopping {name}; recto label watch {name} tells when it has", highlight=False)


@label_app.command("results")
def label_results(
    context: typer.Context,
    name: JobName,
    to: Annotated[Path, typer.Option(help="Folder for them")],
    everything: Annotated[
        bool, typer.Option("--all", help="What went to and came from the post-labelling function as well")
    ] = False,
    back_end: BackEndOption = BackEndChoice.WORKBENCH,
) -> None:
    """Bring a job's output manifest and its workers' answers here; tell what failed and what is in doubt."""
    session: Session = context.obj
    description = results.describe(name, end_of(session, back_end))
    found = results.bring(description, to, everything=everything)
    status = description["LabelingJobStatus"]
    session.out.print(
        f"{found.folder / jobs.OUTPUT_MANIFEST}: {found.num_objects:,} objects, "
        f"{found.num_answers:,} files of answers; the job is {status}",
        highlight=False,
        soft_wrap=True,
    )
    _say_of_objects(session, "failed", found.failed, found.folder / results.FAILED_FILE)
    _say_of_objects(
        session, "for a person to decide", found.doubtful, found.folder / results.ADJUDICATION_FILE
    )
    for told in found.skipped:
        session.messages.print(f"[yellow]left out:[/] {escape(told)}", highlight=False)


def _say_of_objects(session: Session, what: str, told: tuple[tuple[str, str], ...], file: Path) -> None:
    if not told:
        return
    session.out.print(f"{what}: {len(told):,} ({file})", highlight=False, soft_wrap=True)
    for name, why in told[:10]:
        session.out.print(f"  {escape(name)}: {escape(why)}", highlight=False, soft_wrap=True)
    if len(told) > 10:
        session.out.print(f"  and {len(told) - 10:,} more", highlight=False)


def _jobs_table(found: list[dict[str, Any]]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("job", "status", "labelled", "failed", "to do", "created"):
        table.add_column(column, no_wrap=column == "job")
    for job in found:
        counts = results.counters(job)
        created = results.moment(job["CreationTime"]).astimezone().strftime("%Y-%m-%d %H:%M")
        numbers = (f"{counts.total}/{counts.objects}", str(counts.failed or ""), str(counts.unlabeled))
        table.add_row(str(job["LabelingJobName"]), str(job["LabelingJobStatus"]), *numbers, created)
    return table


# --- text and buckets ---------------------------------------------------------------------------------


@label_app.command("text-files")
def label_text_files(
    context: typer.Context,
    source: Annotated[
        str, typer.Argument(help="A page manifest (here or s3://…), or s3://…/consolidated.json")
    ],
    to: Annotated[str, typer.Option(help="s3://… for the texts; below the work bucket unless said")] = "",
    manifest: Annotated[Path, typer.Option(help="The manifest to write here")] = Path("text.manifest"),
) -> None:
    """Make text files and their manifest from OCR results, to mark entities in; the way back lies beside."""
    session: Session = context.obj
    stack = session.stack
    if source.endswith(".json") and not is_s3(source):
        raise LabelRequestError(f"{source}: expected s3://…, since the map back names the OCR result's place")
    folder = (
        s3_location(to.rstrip("/"), "--to") if to else Location(bucket=stack.work, key=f"{jobs.INPUTS}/text")
    )
    made = text_files.TextFiles(S3Objects(CALLER), folder).of(text_files.wanted_pages(source))
    for told in made.skipped:
        session.messages.print(f"[yellow]left out:[/] {escape(told)}", highlight=False)
    if not made.lines:
        session.fail(LabelRequestError(f"{source}: no page with words"))
    manifest.write_bytes(b"".join(line_of(line) for line in made.lines))
    session.out.print(
        f"written: {manifest}, {len(made.lines):,} texts below {folder.uri}, {len(made.skipped)} left out",
        highlight=False,
    )


@label_app.command("cors")
def label_cors(
    context: typer.Context,
    bucket: Annotated[str, typer.Argument(help="The bucket that holds the images; work for the work bucket")],
    origin: Annotated[str, typer.Option(help="The workbench's address; the stack's unless said")] = "",
    back_end: BackEndOption = BackEndChoice.WORKBENCH,
    show: Annotated[bool, typer.Option("--show", help="Print the rules, change nothing")] = False,
) -> None:
    """Let the pages of tasks read a bucket's objects: only what is needed, beside what is there."""
    session: Session = context.obj
    name = session.stack.work if bucket == "work" else bucket.removeprefix("s3://").rstrip("/")
    if show:
        print(json.dumps(cors.rules_of(name), indent=1))
        return
    if back_end is BackEndChoice.GROUND_TRUTH:
        needed = cors.ground_truth_rules()
    else:
        needed = cors.workbench_rules(cors.origin_of(origin or session.stack.name(WORKBENCH_URL)))
    changed = cors.allow(name, needed)
    session.out.print(
        f"{name}: {'rules added' if changed else 'has what is needed already'}", highlight=False
    )
    if changed:
        print(json.dumps(needed, indent=1))
