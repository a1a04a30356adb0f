"""`recto data ocr` and `recto data images`: parse, call, print. Anywhere from and to: folders and s3://.

OCR is by this machine's engines, by the deployed OCR state machine (`--with pipeline`), or as a processing
job over many machines (`--on sagemaker`); page images by this machine or as a job.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Annotated

import typer

import recto_data
from recto.aws.state_machines import StateMachine
from recto.errors import ConfigurationError
from recto_cli.data_commands import ReportPath, end, reach, say, tell
from recto_cli.job_options import OCR_IMAGE, PAGES_IMAGE, with_stack
from recto_cli.session import Session
from recto_cli.stack import CALLER
from recto_cli.training_commands import ENVIRONMENTS, Where, run_elsewhere
from recto_data.bulk_ocr import THERE, BulkOcr, OcrTask, missing_results
from recto_data.corpus_work import Documents, Effort, draw_corpus, read_corpus
from recto_data.ocr_cost import Estimate, estimate, features_of
from recto_data.places import Entry, Place, Prefix, is_remote, place_of
from recto_data.reports import Report, Status
from recto_ocr import page_images
from recto_ocr.batch import Outcome
from recto_ocr.documents import HowToRead
from recto_ocr.engine import languages_of
from recto_ocr.engines import DEFAULT_ENGINE
from recto_ocr.pages import DPI
from recto_ocr.workers import num_cores

SHOWN_FAILURES = 20
JOB_OPTIONS = {"allow_extra_args": True, "ignore_unknown_options": True}
"""With --on sagemaker, options of the job go through: --instances, --instance-type, --dry-run and others."""


JOB_LIST = "documents.manifest"
"""SageMaker's list of a job's documents."""


class With(StrEnum):
    """What reads the documents."""

    ENGINE = "engine"
    """An OCR engine of this machine, or of the job's."""
    PIPELINE = "pipeline"
    """The deployed OCR state machine: Textract on AWS, its stand-in in the local runtime."""


Input = Annotated[str, typer.Argument(metavar="INPUT", help="A folder of documents, or s3://bucket/prefix")]
OnWhich = Annotated[
    Where, typer.Option("--on", help="sagemaker: as a processing job, INPUT and output are s3://")
]
Workers = Annotated[int, typer.Option(min=0, help="Processes; 0 for one per core")]
Again = Annotated[bool, typer.Option("--again", help="Also what has a result already")]
Manifest = Annotated[str, typer.Option(help="Only the documents of this manifest, as `sample` writes it")]


def data_images(
    context: typer.Context,
    source: Input,
    output: Annotated[str, typer.Option(help="Folder or s3:// prefix for imgs-clean/ and thumbnails/")],
    manifest: Manifest = "",
    dpi: Annotated[int, typer.Option(help="Of PDF pages")] = page_images.HowToDraw().dpi,
    thumbnail: Annotated[str, typer.Option(help="Width,height in pixels")] = "224,224",
    fit: Annotated[str, typer.Option(help="stretch, letterbox or shortest")] = "stretch",
    workers: Workers = 0,
    again: Again = False,
    report: ReportPath = None,
    on: OnWhich = Where.LOCAL,
) -> None:
    """Page images and thumbnails of a corpus; what is there already is left alone.

    Exit code 1 where a document failed: the report says why.
    """
    session: Session = context.obj
    how = page_images.how_of(dpi, thumbnail, fit)
    if on is Where.SAGEMAKER:
        own = ["--", "--dpi", str(dpi), "--thumbnail", thumbnail, "--fit", fit]
        given = _input_of_job(session, source, output, manifest, context.args)
        words = ["--input", given, "--output", output, *context.args, *own]
        run_job(session, PAGES_IMAGE, "pages", words)
    require_no_more(context)
    reach(session, source, output, manifest)
    documents = _documents(source, output, manifest)
    with recto_data.RichBars(session.messages) as bars:
        outcomes = [
            *documents.left_out,
            *draw_corpus(documents, how, Effort(workers or num_cores(), again), bars),
        ]
    counts = _end(session, outcomes, report or _report_path(output, "pages-report.jsonl"))
    say(
        session,
        f"drew {counts['DONE']} documents, skipped {counts['SKIPPED']}, failed {counts['FAILED']}: {output}",
    )
    _exit(counts)


def data_ocr(
    context: typer.Context,
    source: Input,
    output: Annotated[str, typer.Option(help="Folder or s3:// prefix for {document}/consolidated.json")],
    manifest: Manifest = "",
    with_: Annotated[
        With,
        typer.Option("--with", help="pipeline: through the deployed OCR state machine, from s3:// to s3://"),
    ] = With.ENGINE,
    engine: Annotated[str, typer.Option(help="The OCR engine: auto, tesseract or rapidocr")] = DEFAULT_ENGINE,
    languages: Annotated[str, typer.Option(help="As eng+deu")] = "eng",
    dpi: Annotated[int, typer.Option(min=72, max=600, help="Of PDF pages")] = DPI,
    features: Annotated[str, typer.Option(help="With pipeline: TABLES, FORMS or both; dear")] = "",
    workers: Workers = 0,
    report: ReportPath = None,
    again: Again = False,
    yes: Annotated[bool, typer.Option("--yes", help="With pipeline: do not ask about the cost")] = False,
    on: OnWhich = Where.LOCAL,
) -> None:
    """OCR of a corpus in Textract's shape; what is there already is left alone.

    Exit code 1 where a document failed: the report says why.
    """
    session: Session = context.obj
    if on is Where.SAGEMAKER:
        settings = {"OCR_ENGINE": engine, "OCR_DEFAULT_LANGUAGES": languages, "OCR_DEFAULT_DPI": str(dpi)}
        own = [part for name, value in settings.items() for part in ("--environment", f"{name}={value}")]
        given = _input_of_job(session, source, output, manifest, context.args)
        run_job(session, OCR_IMAGE, "ocr", ["--input", given, "--output", output, *own, *context.args])
    require_no_more(context)
    place = report or _report_path(output, "ocr-report.jsonl")
    if with_ is With.PIPELINE:
        _by_pipeline(session, (source, output, manifest), features, place, again=again, yes=yes)
        return
    reach(session, source, output, manifest)
    documents = _documents(source, output, manifest)
    how = HowToRead(engine, languages_of(languages), dpi)
    with recto_data.RichBars(session.messages) as bars:
        outcomes = [
            *documents.left_out,
            *read_corpus(documents, how, Effort(workers or num_cores(), again), bars),
        ]
    counts = _end(session, outcomes, place)
    pages, words = (sum(getattr(o, name) for o in outcomes) for name in ("pages", "words"))
    say(
        session,
        f"read {counts['DONE']} documents ({pages} pages, {words} words), skipped {counts['SKIPPED']}, "
        f"failed {counts['FAILED']}; report: {place}",
    )
    _exit(counts)


def register(data_app: typer.Typer) -> None:
    """Add the commands; `pages` is the name of `images` until now."""
    data_app.command("ocr", context_settings=JOB_OPTIONS)(data_ocr)
    data_app.command("images", context_settings=JOB_OPTIONS)(data_images)
    data_app.command("pages", context_settings=JOB_OPTIONS, hidden=True)(data_images)


# --- which documents --------------------------------------------------------------------------------


def _documents(source: str, output: str, manifest: str) -> Documents:
    """Those of the place, or of the manifest; a file is a place with one document."""
    name = ""
    if not is_remote(source) and Path(source).is_file():
        source, name = str(Path(source).parent), Path(source).name
    place, target = place_of(source), place_of(output)
    if place.uri == target.uri:
        raise ConfigurationError(f"{source}: the output must lie elsewhere")
    found = recto_data.catalogue(place)
    below = target.uri.removeprefix(place.uri) if target.uri.startswith(place.uri) else None
    wanted = set(recto_data.names_in(place, recto_data.read_lines(manifest))) if manifest else None
    wanted = {name} if name else wanted
    documents = [entry for entry in found.documents if _is_wanted(entry.name, wanted, below)]
    left_out = [
        Outcome(finding.name, finding.status, reason=finding.reason)
        for finding in found.report.findings
        if _is_wanted(finding.name, wanted, below)
    ]
    if wanted is not None and (missing := sorted(wanted - {entry.name for entry in documents})):
        left_out += [Outcome(one, "FAILED", "DocumentMissingError", f"not in {place.uri}") for one in missing]
    if not documents and not left_out:
        raise ConfigurationError(f"{place.uri}: there is no document")
    return Documents(place, documents, target, left_out)


def _is_wanted(name: str, wanted: set[str] | None, below: str | None) -> bool:
    """Without what was made of the documents, where that lies among them."""
    return (wanted is None or name in wanted) and (below is None or not name.startswith(below))


def _report_path(output: str, name: str) -> Path:
    """Beside the results, or here where those are in S3."""
    return Path(name) if is_remote(output) else Path(output) / name


# --- through the pipeline ---------------------------------------------------------------------------


def _by_pipeline(
    session: Session, places: tuple[str, str, str], features: str, path: Path, *, again: bool, yes: bool
) -> None:
    source, output, manifest = places
    wanted = features_of(features)
    stack = session.stack
    task = OcrTask(_prefix(source), _prefix(output), wanted)
    documents = _documents(source, output, manifest)
    missing = list(documents.documents)
    if not again:
        missing = missing_results(missing, task.output.entries())
    report = Report(
        recto_data.Finding(o.document, Status(o.status), o.reason, o.error) for o in documents.left_out
    )
    there = {entry.name for entry in documents.documents} - {entry.name for entry in missing}
    for name in sorted(there):
        report.add(name, Status.SKIPPED, THERE)
    if missing:
        _confirm(session, missing, task.documents, wanted, yes=yes)
        runs = StateMachine(CALLER, stack.name("static/PlainTextractStateMachine"))
        with recto_data.RichBars(session.messages) as bars:
            report.findings += BulkOcr(task, runs).run(missing, bars).findings
    tell(session, report, path)
    told = ", ".join(f"{verb} {report.count(status)}" for verb, status in TOLD.items())
    say(session, f"{told}: {task.output.uri}")
    end(report)


TOLD = {"read": Status.DONE, "skipped": Status.SKIPPED, "failed": Status.FAILED}


def _prefix(where: str) -> Prefix:
    place = place_of(where)
    if not isinstance(place, Prefix):
        raise ConfigurationError(
            f"{where}: expected s3://bucket/prefix; recto data push brings a folder there"
        )
    return place


def _confirm(
    session: Session, documents: list[Entry], place: Place, features: tuple[str, ...], *, yes: bool
) -> None:
    """Tell the price, and ask; the local runtime costs nothing."""
    told = _told(estimate(documents, place, features), features)
    if session.target.is_local:
        session.messages.print(f"{told} on AWS; free on this machine", highlight=False)
        return
    session.messages.print(told, highlight=False)
    if yes:
        return
    if not sys.stdin.isatty():
        raise typer.BadParameter("nobody to ask here: say --yes to spend that")
    typer.confirm("Go on?", abort=True)


def _told(cost: Estimate, features: tuple[str, ...]) -> str:
    how = "counted" if cost.is_exact else f"by {cost.looked_at} of them"
    what = " with " + " and ".join(features) if features else ""
    return f"{cost.documents} documents, {cost.pages:.0f} pages ({how}){what}: about ${cost.dollars:.2f}"


# --- jobs and outcomes ------------------------------------------------------------------------------


def run_job(session: Session, image: str, step: str, words: list[str]) -> None:
    """A processing job over many machines; ends with the launcher's exit code."""
    arguments = with_stack(session, image, [step, *words])
    raise typer.Exit(run_elsewhere(ENVIRONMENTS[Where.SAGEMAKER], "process", arguments))


def _input_of_job(session: Session, source: str, output: str, manifest: str, words: list[str]) -> str:
    """What the job reads: the whole prefix, or a list of the manifest's documents beside the output.

    A dry run writes no list.
    """
    if not manifest:
        return source
    reach(session, source, output, manifest)
    place = _prefix(source)
    names = recto_data.names_in(place, recto_data.read_lines(manifest))
    if "--dry-run" not in words:
        _prefix(output).write(JOB_LIST, json.dumps([{"prefix": place.uri}, *names]).encode())
    return _prefix(output).ref(JOB_LIST)


def require_no_more(context: typer.Context) -> None:
    """Words that nobody knows here are told, as without a job."""
    if context.args:
        raise typer.BadParameter(f"unexpected: {' '.join(context.args)}")


def _end(session: Session, outcomes: Iterable[Outcome], report: Path) -> Counter[str]:
    """Write the report, tell failures; how many there are of each status."""
    outcomes = sorted(outcomes, key=lambda outcome: PurePosixPath(outcome.document).parts)
    report.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(outcome.to_json() + "\n" for outcome in outcomes)
    report.write_text(lines, encoding="utf-8", errors="surrogateescape")
    failed = [outcome for outcome in outcomes if outcome.status == "FAILED"]
    for outcome in failed[:SHOWN_FAILURES]:
        told = f"failed: {outcome.document}: {outcome.error}: {outcome.reason}"
        session.messages.print(told, highlight=False, markup=False, soft_wrap=True)
    if len(failed) > SHOWN_FAILURES:
        session.messages.print(f"and {len(failed) - SHOWN_FAILURES} more; the report has them all")
    return Counter(outcome.status for outcome in outcomes)


def _exit(counts: Counter[str]) -> None:
    if counts["FAILED"]:
        raise typer.Exit(1)
