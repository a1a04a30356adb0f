"""`recto data …`: corpora prepared for labelling and training. Parse, call, print; `recto_data` works.

OCR and page images of a corpus are in `corpus_commands`, what needs the training environment is passed on.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

import recto_data
from recto.errors import ConfigurationError
from recto.manifests import ManifestLine, references_of
from recto_cli.next_pages import By, next_pages
from recto_cli.session import Session
from recto_data.manifest_files import map_references, mapping
from recto_data.page_counts import PageCounts
from recto_data.places import is_remote, place_of, ref_reader
from recto_data.reports import Report, Status
from recto_data.sampling import SEED
from recto_data.selecting import FIRST_PAGES
from recto_data.showing import HowToShow, ShownPage, as_html, as_picture, pages_to_show

data_app = typer.Typer(no_args_is_help=True, help="Corpora of documents: from raw files to labelled pages.")
SHOWN = 20
Seed = Annotated[int, typer.Option(help="The same seed gives the same choice again")]
Output = Annotated[str, typer.Option("--output", "-o", help="The manifest to write: a file, or s3://…")]
ReportPath = Annotated[Path | None, typer.Option("--report", help="What was left out and why, as JSON lines")]
MapOption = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="FROM=TO", help="What references begin with, and from now on; repeatable"),
]
Labelled = Annotated[
    list[str] | None, typer.Option(help="Manifest of pages that are labelled already; repeatable")
]


def reach(session: Session, *places: str | Path | None) -> None:
    """Point the AWS SDK where s3:// places are; folders need no AWS."""
    if any(place is not None and is_remote(place) for place in places):
        session.target  # noqa: B018 - choosing it sets the environment


def tell(session: Session, report: Report, path: Path | None = None) -> None:
    """What was left out, by reason; failures and warnings one by one; all of it in the report's file."""
    for reason, count in sorted(report.reasons(Status.SKIPPED).items()):
        session.messages.print(f"skipped {count}: {reason}", highlight=False, markup=False)
    loud = [*report.of(Status.WARNING), *report.of(Status.FAILED)]
    for finding in loud[:SHOWN]:
        error = f"{finding.error}: " if finding.error else ""
        reason = finding.reason.removeprefix(f"{finding.name}: ")
        told = f"{finding.status.lower()}: {finding.name}: {error}{reason}"
        session.messages.print(told, highlight=False, markup=False, soft_wrap=True)
    if len(loud) > SHOWN:
        where = "the report has them all" if path else "--report FILE writes them all"
        session.messages.print(f"and {len(loud) - SHOWN} more; {where}")
    if path:
        report.write(path)
        session.messages.print(f"report: {path}", highlight=False, markup=False)


def end(report: Report) -> None:
    """Exit code 1 where something failed."""
    if report.count(Status.FAILED):
        raise typer.Exit(1)


def say(session: Session, text: str) -> None:
    session.out.print(text, highlight=False, markup=False)


def lines_of(paths: Sequence[str] | None) -> list[ManifestLine]:
    return [line for path in paths or () for line in recto_data.read_lines(path)]


# --- files ------------------------------------------------------------------------------------------


@data_app.command("catalogue")
def data_catalogue(
    context: typer.Context,
    place: Annotated[str, typer.Argument(metavar="PLACE", help="A folder, or s3://bucket/prefix")],
    output: Output,
    report: ReportPath = None,
) -> None:
    """The documents of a folder or prefix as a manifest, in the order of their names."""
    session: Session = context.obj
    reach(session, place, output)
    found = recto_data.catalogue(place_of(place))
    if not found.documents:
        tell(session, found.report, report)
        session.fail(f"{found.place.uri}: there is no document")
    count = recto_data.write_lines(output, found.lines())
    tell(session, found.report, report)
    size = sum(entry.size for entry in found.documents) / 1024**2
    say(session, f"{count} documents, {size:.1f} MiB, {len(found.report.findings)} other files: {output}")


@data_app.command("unpack")
def data_unpack(
    context: typer.Context,
    archive: Annotated[Path, typer.Argument(help="A zip")],
    folder: Annotated[Path, typer.Argument(help="Where its files go")],
    report: ReportPath = None,
) -> None:
    """Unpack a zip without the folder around it and without system files; refuses what could do harm."""
    session: Session = context.obj
    with recto_data.RichBars(session.messages) as bars:
        done = recto_data.unpack(archive, folder, bars)
    tell(session, done, report)
    say(session, f"unpacked {done.count(Status.DONE)} files: {folder}")


@data_app.command("push")
def data_push(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="A folder")],
    target: Annotated[str, typer.Argument(help="s3://bucket/prefix")],
    report: ReportPath = None,
) -> None:
    """Upload what S3 does not have yet or has otherwise; nothing is deleted."""
    session: Session = context.obj
    reach(session, target)
    with recto_data.RichBars(session.messages) as bars:
        done = recto_data.push(folder, target, bars)
    _transferred(session, done, "uploaded", target, report)


@data_app.command("pull")
def data_pull(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="s3://bucket/prefix")],
    folder: Annotated[Path, typer.Argument(help="A folder")],
    report: ReportPath = None,
) -> None:
    """Download what is not here yet or is here otherwise; nothing is deleted."""
    session: Session = context.obj
    reach(session, source)
    with recto_data.RichBars(session.messages) as bars:
        done = recto_data.pull(source, folder, bars)
    _transferred(session, done, "downloaded", str(folder), report)


def _transferred(session: Session, done: Report, verb: str, where: str, report: Path | None) -> None:
    tell(session, done, report)
    say(session, f"{verb} {done.count(Status.DONE)} of {len(done.findings)} files: {where}")
    end(done)


# --- manifests --------------------------------------------------------------------------------------


@data_app.command("sample")
def data_sample(
    context: typer.Context,
    manifest: Annotated[str, typer.Argument(help="As `recto data catalogue` writes it")],
    output: Output,
    number: Annotated[int, typer.Option("--number", "-n", min=1, help="Documents")],
    seed: Seed = SEED,
    keep: Annotated[
        list[str] | None,
        typer.Option(help="Manifest of labels, whose documents are always in it; repeatable"),
    ] = None,
    leave_out_names: Annotated[
        list[str] | None, typer.Option(help="likely-spanish, or a regular expression; repeatable")
    ] = None,
    report: ReportPath = None,
) -> None:
    """A random sample of documents, the same each time; documents that have labels are always in it."""
    session: Session = context.obj
    reach(session, manifest, output, *(keep or ()))
    how = recto_data.HowToSample(number, seed, leave_out_names or ())
    drawn = recto_data.sample(recto_data.read_lines(manifest), how, lines_of(keep))
    count = recto_data.write_lines(output, drawn.lines)
    tell(session, drawn.report, report)
    say(session, f"{count} documents, {drawn.num_kept} of them labelled already: {output}")


@data_app.command("collate")
def data_collate(
    context: typer.Context,
    manifest: Annotated[str, typer.Argument(help="Documents, as `catalogue` or `sample` write them")],
    documents: Annotated[str, typer.Option(help="The place of the documents: names below it are theirs")],
    ocr: Annotated[str, typer.Option(help="Where `recto data ocr` left its results")],
    images: Annotated[str, typer.Option(help="Where the page images are: …/imgs-clean")],
    output: Output,
    content: Annotated[
        recto_data.Content,
        typer.Option(help="Pages without words: keep them unseen, flag each line, or omit them"),
    ] = recto_data.Content.KEEP,
    by_document: Annotated[bool, typer.Option("--by-document", help="A line for each document")] = False,
    map_: MapOption = None,
    report: ReportPath = None,
) -> None:
    """Documents, OCR and page images in one manifest, a line a page; what is missing is told, not in it.

    A sample that was drawn here names documents here: --map FOLDER=s3://… finds them where they were sent.
    """
    session: Session = context.obj
    reach(session, manifest, documents, ocr, images, output)
    corpus = recto_data.Corpus(place_of(documents), place_of(ocr), place_of(images))
    mapped = [here_mapped(recto_data.Mapped.parse(text)) for text in map_ or ()]
    names = recto_data.names_in(corpus.documents, recto_data.read_lines(manifest), mapped)
    with recto_data.RichBars(session.messages) as bars:
        found = recto_data.collate(names, corpus, recto_data.HowToCollate(content, by_document), bars)
    count = recto_data.write_lines(output, found.lines)
    tell(session, found.report, report)
    what = "documents" if by_document else f"pages of {found.num_documents} documents"
    say(session, f"{count} {what}, {len(names) - found.num_documents} documents left out: {output}")
    end(found.report)


def here_mapped(pair: recto_data.Mapped) -> recto_data.Mapped:
    """Manifests name files here by their whole paths; on the command line one says them from where one is."""
    if is_remote(pair.before):
        return pair
    return recto_data.Mapped(str(Path(pair.before).expanduser().resolve()), pair.after)


@data_app.command("stats")
def data_stats(
    context: typer.Context,
    manifest: Annotated[str, typer.Argument(help="As `recto data collate` writes it")],
) -> None:
    """Pages per document: mean, quartiles, the longest."""
    session: Session = context.obj
    reach(session, manifest)
    counts = recto_data.page_counts(recto_data.read_lines(manifest))
    for line in told_counts(counts):
        say(session, line)


def told_counts(counts: PageCounts) -> list[str]:
    low, middle, high = counts.quartiles
    return [
        f"documents  {counts.documents}",
        f"pages      {counts.pages}",
        f"mean       {counts.mean:.1f}",
        f"quartiles  {low:g} / {middle:g} / {high:g}",
        f"longest    {counts.longest}  {counts.longest_document}",
    ]


@data_app.command("consolidate")
def data_consolidate(
    context: typer.Context,
    sources: Annotated[
        list[str], typer.Argument(help="Output manifests, or folders of jobs (JOB/manifests/output/…)")
    ],
    output: Output,
    job: Annotated[
        list[str] | None, typer.Option(help="Of the folders' jobs only these (* is any); repeatable")
    ] = None,
    label: Annotated[str, typer.Option(help="Name of the one label attribute")] = "labels",
    source_label: Annotated[str, typer.Option(help="The attribute to take where lines have several")] = "",
    map_: MapOption = None,
    report: ReportPath = None,
) -> None:
    """Several jobs' results in one manifest under one label; adjusted labels win over earlier ones."""
    session: Session = context.obj
    reach(session, *sources, output)
    mapped = [recto_data.Mapped.parse(text) for text in map_ or ()]
    how = recto_data.HowToConsolidate(label, source_label, mapped)
    found = recto_data.consolidate(recto_data.read_jobs(sources, job or ()), how)
    count = recto_data.write_lines(output, found.lines)
    tell(session, found.report, report)
    failed = found.report.count(Status.FAILED)
    twice = found.report.count(Status.WARNING)
    say(
        session,
        f"{count} labelled pages under {found.label!r}, {failed} without a label, {twice} labelled twice: "
        f"{output}",
    )
    if not count:
        session.fail("nothing is labelled")


@data_app.command("split")
def data_split(
    context: typer.Context,
    manifest: Annotated[str, typer.Argument(help="As `recto data consolidate` writes it")],
    training: Annotated[str, typer.Option(help="The manifest to write for training")],
    test: Annotated[str, typer.Option(help="The manifest to write for test")],
    share: Annotated[float, typer.Option(help="Of the documents, for training")] = 0.9,
    seed: Seed = SEED,
    by: Annotated[str, typer.Option(help="document, or page: then documents lie on both sides")] = "document",
) -> None:
    """Training and test manifests with no document in both, the same each time."""
    session: Session = context.obj
    if by not in {"document", "page"}:
        raise typer.BadParameter(f"--by {by}: expected document or page")
    reach(session, manifest, training, test)
    how = recto_data.HowToSplit(share, seed, by == "page")
    parts = recto_data.split(recto_data.read_lines(manifest), how)
    for path, lines, count in (
        (training, parts.training, parts.num_training_documents),
        (test, parts.test, parts.num_test_documents),
    ):
        recto_data.write_lines(path, lines)
        say(session, f"{len(lines)} pages of {count} documents: {path}")
    if by == "page":
        session.messages.print("pages of one document may be on both sides: figures on the test side flatter")


@data_app.command("select", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def data_select(
    context: typer.Context,
    manifest: Annotated[str, typer.Argument(help="Pages, as `recto data collate` writes them")],
    output: Output,
    number: Annotated[int, typer.Option("--number", "-n", min=1, help="Pages")],
    labelled: Labelled = None,
    first_pages: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help=f"Share that are first pages; at random {FIRST_PAGES}, else as they come"
        ),
    ] = None,
    seed: Seed = SEED,
    by: Annotated[
        By, typer.Option(help="At random, or by what a model is unsure of and by variety")
    ] = By.RANDOM,
    model: Annotated[
        str, typer.Option(help="Folder of the model (--by uncertainty); without one only variety counts")
    ] = "",
) -> None:
    """Pages to label next, the same each time; those labelled already are left out.

    With --by uncertainty also --random-pages SHARE, --map, --textract and others: docs/guides/which-pages.md.
    """
    session: Session = context.obj
    reach(session, manifest, output, *(labelled or ()))
    if by is By.UNCERTAINTY:
        more = ["--model", model] if model else []
        more += [] if first_pages is None else ["--first-pages", str(first_pages)]
        more += ["--number", str(number), "--seed", str(seed), *context.args]
        raise typer.Exit(next_pages(manifest, labelled or (), output, more))
    if context.args or model:
        named = " ".join(context.args) or "--model"
        raise ConfigurationError(f"{named}: not known for --by random; expected --by uncertainty with it")
    how = recto_data.HowToSelect(number, seed, FIRST_PAGES if first_pages is None else first_pages)
    chosen = recto_data.select_at_random(recto_data.read_lines(manifest), how, lines_of(labelled))
    count = recto_data.write_lines(output, chosen)
    num_first = sum(line.get("page-num") == 1 for line in chosen)
    say(session, f"{count} pages, {num_first} of them first pages: {output}")


@data_app.command("show")
def data_show(
    context: typer.Context,
    manifest: Annotated[str, typer.Argument(help="Labelled pages")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="A .html file for all pages, or a folder for PNG files")
    ],
    map_: MapOption = None,
    label: Annotated[str, typer.Option(help="The label attribute, where lines have several")] = "",
    only: Annotated[list[str] | None, typer.Option(help="Only boxes of this class; repeatable")] = None,
    words: Annotated[bool, typer.Option("--words/--no-words", help="The OCR's words too")] = True,
    blank: Annotated[
        bool, typer.Option("--blank", help="White paper where an image, or the OCR, is not there")
    ] = False,
    begin: Annotated[int, typer.Option(min=1, help="The first line")] = 1,
    number: Annotated[int, typer.Option("--number", "-n", min=1, help="Lines at most")] = 50,
    report: ReportPath = None,
) -> None:
    """Labelled pages to look at: image, boxes, OCR words and the classes that they have."""
    session: Session = context.obj
    mapped = [recto_data.Mapped.parse(text) for text in map_ or ()]
    reach(session, manifest)
    lines = recto_data.read_lines(manifest)
    change = mapping(mapped)
    wanted = [
        line._replace(content=map_references(line.content, change))
        for line in lines[begin - 1 : begin - 1 + number]
    ]
    reach(session, *(ref for line in wanted for ref in references_of(line.content)))
    found, base = Report(), Path() if is_remote(manifest) else Path(manifest).parent
    how = HowToShow(label, only or (), words, blank)
    pages = pages_to_show(wanted, ref_reader(base), how, found)
    count = _write_pages(pages, output, Path(manifest).name, session, len(wanted))
    tell(session, found, report)
    say(session, f"{count} of {len(lines)} pages: {output}")
    end(found)


def _write_pages(pages: Iterator[ShownPage], output: Path, title: str, session: Session, total: int) -> int:
    """How many pages were written, as HTML or as PNG files."""
    with recto_data.RichBars(session.messages) as bars:
        bars.begin("pages", total)

        def counted() -> Iterator[ShownPage]:
            for page in pages:
                bars.step()
                yield page

        if output.suffix.lower() in {".html", ".htm"}:
            shown = list(counted())
            output.parent.mkdir(parents=True, exist_ok=True)
            output.write_text("".join(as_html(shown, title)), encoding="utf-8")
            return len(shown)
        output.mkdir(parents=True, exist_ok=True)
        count = 0
        for count, page in enumerate(counted(), start=1):
            as_picture(page).save(output / f"{count:04d}-{page.name}.png")
        return count
