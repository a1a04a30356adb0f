"""`recto ocr …` and `recto data ocr`: parse, call, print."""

import os
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from recto.steps.ocr_engine import SAGEMAKER
from recto_cli import ocr_setting
from recto_cli.job_options import OCR_IMAGE, PAGES_IMAGE, with_stack
from recto_cli.session import Session
from recto_cli.training_commands import ENVIRONMENTS, Where, run_elsewhere
from recto_ocr import batch, page_images
from recto_ocr.batch import Outcome, run_batch
from recto_ocr.documents import HowToRead
from recto_ocr.engine import languages_of
from recto_ocr.engines import DEFAULT_ENGINE
from recto_ocr.pages import DPI
from recto_ocr.workers import num_cores

ocr_app = typer.Typer(no_args_is_help=True, help="What reads the documents: Textract, or an endpoint.")
data_app = typer.Typer(no_args_is_help=True, help="Corpora of documents, without a pipeline.")
SHOWN_FAILURES = 20


@ocr_app.command("show")
def ocr_show(context: typer.Context) -> None:
    """Which OCR reads the next document."""
    session: Session = context.obj
    setting = ocr_setting.current(session.stack)
    unused = "" if setting.engine == SAGEMAKER else ", not in use"
    session.out.print(f"engine: {setting.engine}", highlight=False)
    session.out.print(f"endpoint: {setting.endpoint or 'none'}{unused}", highlight=False)
    if setting.fault:
        session.fail(setting.fault)


@ocr_app.command("use")
def ocr_use(
    context: typer.Context,
    engine: Annotated[str, typer.Argument(help="textract, or sagemaker")],
    endpoint: Annotated[
        str, typer.Option(help="With sagemaker: an asynchronous endpoint; the one used last unless said")
    ] = "",
) -> None:
    """Let the next documents be read by it; running ones keep theirs."""
    session: Session = context.obj
    chosen = ocr_setting.use(session.stack, engine, endpoint)
    told = f"{chosen.engine} ({chosen.endpoint})" if chosen.endpoint else chosen.engine
    session.out.print(f"the next documents are read by {told}", highlight=False)


JOB_OPTIONS = {"allow_extra_args": True, "ignore_unknown_options": True}
"""With --on sagemaker, options of the job go through: --instances, --instance-type, --dry-run and others."""
OnWhich = Annotated[
    Where, typer.Option("--on", help="sagemaker: as a processing job, INPUT and output are s3://")
]


def run_job(session: Session, image: str, step: str, words: list[str]) -> None:
    """A processing job over many machines; ends with the launcher's exit code."""
    arguments = with_stack(session, image, [step, *words])
    raise typer.Exit(run_elsewhere(ENVIRONMENTS[Where.SAGEMAKER], "process", arguments))


def require_no_more(context: typer.Context) -> None:
    """Words that nobody knows here are told, as without a job."""
    if context.args:
        raise typer.BadParameter(f"unexpected: {' '.join(context.args)}")


@data_app.command("pages", context_settings=JOB_OPTIONS)
def data_pages(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="INPUT", help="A folder of documents")],
    output: Annotated[str, typer.Option(help="Folder for imgs-clean/ and thumbnails/")],
    dpi: Annotated[int, typer.Option(help="Of PDF pages")] = page_images.HowToDraw().dpi,
    thumbnail: Annotated[str, typer.Option(help="Width,height in pixels")] = "224,224",
    fit: Annotated[str, typer.Option(help="stretch, letterbox or shortest")] = "stretch",
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 for one per core")] = 0,
    again: Annotated[bool, typer.Option("--again", help="Also what has its images already")] = False,
    on: OnWhich = Where.LOCAL,
) -> None:
    """Page images and thumbnails of a folder; what is there already is left alone.

    Exit code 1 where a document failed: what it says tells why.
    """
    session: Session = context.obj
    how = page_images.how_of(dpi, thumbnail, fit)
    if on is Where.SAGEMAKER:
        own = ["--", "--dpi", str(dpi), "--thumbnail", thumbnail, "--fit", fit]
        words = ["--input", source, "--output", output, *context.args, *own]
        run_job(session, PAGES_IMAGE, "pages", words)
    require_no_more(context)
    outcomes = page_images.run(Path(source), Path(output), how, workers or num_cores(), again=again)
    counts: Counter[str] = Counter()
    for outcome in outcomes:
        counts[outcome.status] += 1
        if outcome.status == "FAILED":
            told = f"failed: {outcome.document}: {outcome.error}: {outcome.reason}"
            session.messages.print(told, highlight=False, markup=False)
    session.out.print(
        f"drew {counts['DONE']} documents, skipped {counts['SKIPPED']}, failed {counts['FAILED']}",
        highlight=False,
    )
    if counts["FAILED"]:
        raise typer.Exit(1)


@data_app.command("ocr", context_settings=JOB_OPTIONS)
def data_ocr(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="INPUT", help="A folder of documents, or one document")],
    output: Annotated[str, typer.Option(help="Folder for {document}/consolidated.json")],
    engine: Annotated[str, typer.Option(help="The OCR engine: auto, tesseract or rapidocr")] = DEFAULT_ENGINE,
    languages: Annotated[str, typer.Option(help="As eng+deu")] = "eng",
    dpi: Annotated[int, typer.Option(min=72, max=600, help="Of PDF pages")] = DPI,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 for one per core")] = 0,
    report: Annotated[
        Path | None, typer.Option(help="JSON lines; ocr-report.jsonl in the output unless said otherwise")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Also what has a result already")] = False,
    on: OnWhich = Where.LOCAL,
) -> None:
    """OCR of a folder on this machine, in Textract's shape; what is there already is left alone.

    Exit code 1 where a document failed: the report says why.
    """
    session: Session = context.obj
    if on is Where.SAGEMAKER:
        settings = {"OCR_ENGINE": engine, "OCR_DEFAULT_LANGUAGES": languages, "OCR_DEFAULT_DPI": str(dpi)}
        own = [part for name, value in settings.items() for part in ("--environment", f"{name}={value}")]
        run_job(session, OCR_IMAGE, "ocr", ["--input", source, "--output", output, *own, *context.args])
    require_no_more(context)
    how = HowToRead(engine, languages_of(languages), dpi)
    place = report or Path(output) / "ocr-report.jsonl"
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=session.messages) as progress:
        bar = progress.add_task("pages", total=None)
        hear = batch.Progress(
            planned=lambda pages: progress.update(bar, total=pages),
            page_read=lambda: progress.advance(bar),
        )
        outcomes = run_batch(
            Path(source), Path(output), how, workers or num_cores(), place, hear, again=again
        )
    _tell(session, outcomes, place)
    if any(outcome.status == "FAILED" for outcome in outcomes):
        raise typer.Exit(1)


def _tell(session: Session, outcomes: list[Outcome], report: Path) -> None:
    counts = Counter(outcome.status for outcome in outcomes)
    pages, words = (sum(getattr(o, name) for o in outcomes) for name in ("pages", "words"))
    failed = [outcome for outcome in outcomes if outcome.status == "FAILED"]
    for outcome in failed[:SHOWN_FAILURES]:
        session.messages.print(
            f"failed: {outcome.document}: {outcome.error}: {outcome.reason}", highlight=False, markup=False
        )
    if len(failed) > SHOWN_FAILURES:
        session.messages.print(f"and {len(failed) - SHOWN_FAILURES} more")
    session.out.print(
        f"read {counts['DONE']} documents ({pages} pages, {words} words), skipped {counts['SKIPPED']}, "
        f"failed {counts['FAILED']}; report: {os.fspath(report)}",
        highlight=False,
    )
