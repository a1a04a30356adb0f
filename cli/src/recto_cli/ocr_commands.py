"""`recto ocr …` and `recto data ocr`: parse, call, print."""

import os
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from recto.steps.ocr_engine import SAGEMAKER
from recto_cli import ocr_setting
from recto_cli.session import Session
from recto_ocr import batch
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


@data_app.command("ocr")
def data_ocr(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="A folder of documents, or one document")],
    output: Annotated[Path, typer.Option(help="Folder for {document}/consolidated.json")],
    engine: Annotated[str, typer.Option(help="The OCR engine: auto, tesseract or rapidocr")] = DEFAULT_ENGINE,
    languages: Annotated[str, typer.Option(help="As eng+deu")] = "eng",
    dpi: Annotated[int, typer.Option(min=72, max=600, help="Of PDF pages")] = DPI,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 for one per core")] = 0,
    report: Annotated[
        Path | None, typer.Option(help="JSON lines; ocr-report.jsonl in the output unless said otherwise")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Also what has a result already")] = False,
) -> None:
    """OCR of a folder on this machine, in Textract's shape; what is there already is left alone.

    Exit code 1 where a document failed: the report says why.
    """
    session: Session = context.obj
    how = HowToRead(engine, languages_of(languages), dpi)
    place = report or output / "ocr-report.jsonl"
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=session.messages) as progress:
        bar = progress.add_task("pages", total=None)
        hear = batch.Progress(
            planned=lambda pages: progress.update(bar, total=pages),
            page_read=lambda: progress.advance(bar),
        )
        outcomes = run_batch(source, output, how, workers or num_cores(), place, hear, again=again)
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
