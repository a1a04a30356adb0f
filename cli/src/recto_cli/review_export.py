"""`recto review export`: what people said in reviews, as labelled pages that `recto train` reads.

    recto review export --output sets/reviewed
    recto review export --output sets/reviewed --since 2026-11-01 --release careful

Writes a manifest, the OCR results that it names, the field list, and what was left out and why. How a review
becomes labels is `recto.review_labels`; here documents are found, read and written.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from recto.audit import audit_id
from recto.aws.dynamodb import AuditRows
from recto.document import PagePredictions
from recto.errors import (
    AccessError,
    ConfigurationError,
    FieldConfigurationError,
    RectoError,
    ServiceUnavailableError,
    ThrottledError,
)
from recto.fields import FieldList, dump_fields, parse_fields
from recto.manifests import line_of as line_bytes
from recto.messages import Status
from recto.model_exchange import response_of
from recto.pagestore import PageIndex
from recto.places import DocumentPlaces, Location
from recto.ports import DocumentRow, ReviewRow
from recto.results import DocumentResult
from recto.review import apply_answers, blind, parse_human_answers, rejection_of
from recto.review_labels import (
    How,
    Labels,
    PlacesOfLine,
    Placing,
    Provenance,
    Reviewed,
    agreement_of,
    label_reviewed,
    line_of,
    only_fields,
    with_own_ids,
)
from recto.steps.fields_of_release import load_fields
from recto.steps.page_images import plan_of
from recto.steps.stored_pages import stored_pages, stored_predictions
from recto_cli import documents
from recto_cli.session import Session
from recto_cli.stack import Stack

PREFIX = "s3://labelled-data"
MANIFEST, OCR_FOLDER, IMAGE_FOLDER = "output.manifest", "textract", "images"
FIELDS, LEFT_OUT = "fields.json", "left-out.jsonl"
MAX_DOCUMENTS = 1_000_000
ANSWERED, AUDIT = "ANSWERED", "audit"
NOT_OF_A_DOCUMENT = (AccessError, ThrottledError, ServiceUnavailableError)
"""What would befall every other document too: not a reason to leave one out."""


class Wanted(NamedTuple):
    """Which reviewed documents, and how they are written."""

    output: Path
    prefix: str
    since: datetime | None = None
    release: str = ""
    images: bool = False
    whole_only: bool = False
    blind_only: bool = False
    placing: Placing = Placing()


class Export(NamedTuple):
    """A document's labels, and where they come from."""

    row: DocumentRow
    labels: Labels
    origin: Provenance
    fields: FieldList


class Remark(NamedTuple):
    """Something that became no label, and why."""

    document: str
    name: str
    reason: str
    field: str = ""
    value: str = ""


class Written(NamedTuple):
    """What lies in the folder."""

    exports: int
    lines: int
    blind: int
    hows: Counter[str]
    left_out: list[Remark]
    examined: int


def export(
    context: typer.Context,
    output: Annotated[Path, typer.Option(help="Folder to write; what an earlier export left is replaced")],
    documents_: Annotated[
        list[str] | None, typer.Argument(metavar="DOCUMENT", help="These only; default: all")
    ] = None,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="Changed since (UTC)")
    ] = None,
    release: Annotated[str, typer.Option(help="Read by this release: its name, or a part of it")] = "",
    fields: Annotated[
        Path | None, typer.Option(help="Field list to label for; default: the newest document's release's")
    ] = None,
    prefix: Annotated[str, typer.Option(help=f"Where the folder will lie in S3; default {PREFIX}/NAME")] = "",
    images: Annotated[bool, typer.Option("--images", help="Bring the pages' images too")] = False,
    whole_only: Annotated[
        bool, typer.Option("--whole-only", help="Only documents of which a person saw every field")
    ] = False,
    blind_only: Annotated[
        bool,
        typer.Option("--blind-only", help="Only audits: the reviewer was not shown what the model found"),
    ] = False,
    max_places: Annotated[
        int, typer.Option(min=1, help="A typed value that stands in more places is not placed")
    ] = Placing().max_places,
) -> None:
    """Reviewed documents as labelled pages for recto train, with how each label came about."""
    session: Session = context.obj
    wanted = Wanted(
        output, (prefix or f"{PREFIX}/{output.name}").rstrip("/"),
        since.replace(tzinfo=UTC) if since else None, release, images, whole_only, blind_only,
        Placing(max_places=max_places),
    )  # fmt: skip
    rows = _rows(documents_ or [], wanted, session.stack)
    listed = _field_list(fields) if fields else None
    written = write(rows, wanted, session.stack, listed)
    for line in report(written, wanted):
        session.out.print(line, highlight=False, markup=False, soft_wrap=True)
    if not written.exports:
        session.fail(
            ConfigurationError("nothing to export: no document that was asked for has a review's labels")
        )


# --- which documents ----------------------------------------------------------------------------------


def _rows(names: Sequence[str], wanted: Wanted, stack: Stack) -> list[DocumentRow]:
    """The documents that may have been reviewed, the newest change first."""
    if names:
        found = [documents.find_document(name, stack) for name in names]
    else:
        ended = (Status.PROCESSED, Status.REJECTED)
        found = [row for status in ended for row in stack.documents.with_status(status, MAX_DOCUMENTS)]
        audited = {one.document_id for one in AuditRows(stack.table).latest(MAX_DOCUMENTS)}
        found = [row for row in found if row.review_id or row.document_id in audited]
    chosen = {
        row.document_id: row
        for row in found
        if (wanted.since is None or row.updated >= wanted.since) and wanted.release in row.release
    }
    return sorted(chosen.values(), key=lambda row: row.updated, reverse=True)


def _field_list(path: Path) -> FieldList:
    try:
        return parse_fields(path.read_text(encoding="utf-8"))
    except FieldConfigurationError as error:
        raise FieldConfigurationError(f"{path}: {error}") from error
    except OSError as error:
        raise ConfigurationError(f"field list {path}: cannot be read ({error.strerror})") from error


# --- reading one document -----------------------------------------------------------------------------


def read_export(row: DocumentRow, stack: Stack, placing: Placing) -> Export:
    """A document's labels; ConfigurationError or DocumentMissingError that says why there are none."""
    review = _answered_review(row, stack)
    places = DocumentPlaces(stack.work, row.document_id, row.made_in)
    fields = load_fields(stack.objects, stack.work, row.release).fields
    before = DocumentResult.model_validate_json(stack.objects.read(places.fields))
    after = _after(before, fields, review, places, stack)
    index = PageIndex.from_json(stack.objects.read(places.ocr_index))
    pages = list(stored_pages(stack.objects, places, index, 1, index.num_pages))
    predictions = _predictions(places, index, stack)
    is_blind = review.kind == AUDIT
    labels = label_reviewed(Reviewed(before, after, pages, predictions, is_blind), fields, placing)
    if all(record.how is How.UNSEEN for record in labels.fields.values()):
        raise ConfigurationError("the answer is about no field")
    reviewers = after.review.worker_ids or (after.review.worker_id,) if after.review else ()
    origin = Provenance(
        review_id=review.review_id,
        document_id=row.document_id,
        release=row.release,
        reviewers=len(set(reviewers)),
        agreement=agreement_of(after),
        blind=is_blind,
        time=row.updated,
    )
    return Export(row, labels, origin, fields)


def _answered_review(row: DocumentRow, stack: Stack) -> ReviewRow:
    if row.status is Status.REJECTED:
        raise ConfigurationError("turned down by a reviewer: it has no labels")
    review = stack.reviews.find(row.review_id or audit_id(row.document_id, row.attempt))
    if review is None:
        raise ConfigurationError(f"nobody has reviewed it, it is {row.status}")
    if review.state != ANSWERED or not review.answer:
        why = f": {review.reason}" if review.reason else ""
        raise ConfigurationError(f"its review is {review.state.lower()}{why}; nobody has answered it")
    return review


def _after(
    before: DocumentResult, fields: FieldList, review: ReviewRow, places: DocumentPlaces, stack: Stack
) -> DocumentResult:
    """The fields as people left them; an audit's, which changes no document, from its answers."""
    if review.kind != AUDIT and stack.objects.info(places.reviewed_fields) is not None:
        return DocumentResult.model_validate_json(stack.objects.read(places.reviewed_fields))
    answers = json.loads(stack.objects.read(Location.from_uri(review.answer)))["humanAnswers"]
    if why := rejection_of(answers):
        raise ConfigurationError(f"{why}: it has no labels")
    shown = blind(before) if review.kind == AUDIT else before
    return apply_answers(shown, parse_human_answers(answers, fields), fields)


def _predictions(places: DocumentPlaces, index: PageIndex, stack: Stack) -> list[PagePredictions]:
    """What the model said of each word; nothing where that is not kept any more."""
    parts = [places.predictions_part_index(each.part) for each in plan_of(index.num_pages).ranges]
    if any(stack.objects.info(place) is None for place in parts):
        return []
    predicted = PageIndex.joined(PageIndex.from_json(stack.objects.read(place)).pages for place in parts)
    found = list(stored_predictions(stack.objects, places, predicted, 1, predicted.num_pages))
    is_parallel = [len(one.classes) for one in found] == [entry.num_words for entry in index.pages]
    return found if is_parallel else []


# --- writing ------------------------------------------------------------------------------------------


def write(rows: Iterable[DocumentRow], wanted: Wanted, stack: Stack, listed: FieldList | None) -> Written:
    """The folder; each document is read, labelled and written before the next one."""
    (wanted.output / OCR_FOLDER).mkdir(parents=True, exist_ok=True)
    written = Written(0, 0, 0, Counter(), [], 0)
    with (wanted.output / MANIFEST).open("wb") as manifest:
        for row in rows:
            written = written._replace(examined=written.examined + 1)
            try:
                one = _exported(row, wanted, stack)
            except RectoError as error:
                if isinstance(error, NOT_OF_A_DOCUMENT):
                    raise
                written.left_out.append(Remark(row.document_id, row.key, str(error)))
                continue
            listed = listed or one.fields
            labels = only_fields(one.labels, listed)
            for line in _lines(one._replace(labels=labels), wanted, stack):
                manifest.write(line_bytes(line))
            written = _counted(written, one._replace(labels=labels))
    if listed:
        text = json.dumps(dump_fields(listed), indent=2, ensure_ascii=False)
        (wanted.output / FIELDS).write_text(text + "\n", encoding="utf-8")
    told = (json.dumps(_kept(one), ensure_ascii=False) for one in written.left_out)
    (wanted.output / LEFT_OUT).write_text("".join(f"{line}\n" for line in told), encoding="utf-8")
    return written


def _exported(row: DocumentRow, wanted: Wanted, stack: Stack) -> Export:
    """The document's labels, if they are of the kind that is wanted."""
    one = read_export(row, stack, wanted.placing)
    if wanted.blind_only and not one.origin.blind:
        raise ConfigurationError("its reviewer was shown what the model had found (--blind-only)")
    if wanted.whole_only and not one.labels.is_whole:
        names = [name for name, record in one.labels.fields.items() if record.how is How.UNSEEN]
        raise ConfigurationError(f"nobody looked at {', '.join(names)} (--whole-only)")
    return one


def _lines(one: Export, wanted: Wanted, stack: Stack) -> Iterator[dict[str, Any]]:
    """A line for each page, with a value or without; the OCR's output and the images beside them."""
    document = one.row.document_id
    pages = [with_own_ids(labelled.page) for labelled in one.labels.pages]
    (wanted.output / OCR_FOLDER / f"{document}.json").write_bytes(response_of(pages))
    drawn = DocumentPlaces(stack.work, document, one.row.made_in)
    for number, page in enumerate(pages):
        image = drawn.image(page.number)
        uri = _brought(image, document, page.number, wanted, stack) if wanted.images else image.uri
        ocr = f"{wanted.prefix}/{OCR_FOLDER}/{document}.json"
        yield line_of(one.labels, number, PlacesOfLine(ocr, uri, one.row.ref().source.uri), one.origin)


def _brought(image: Location, document: str, number: int, wanted: Wanted, stack: Stack) -> str:
    """The page's image, copied into the folder; its place in S3 where it is not there any more."""
    if stack.objects.info(image) is None:
        return image.uri
    name = f"{IMAGE_FOLDER}/{document}-{number:04d}.jpg"
    (wanted.output / IMAGE_FOLDER).mkdir(exist_ok=True)
    (wanted.output / name).write_bytes(stack.objects.read(image))
    return f"{wanted.prefix}/{name}"


def _counted(written: Written, one: Export) -> Written:
    name = one.row.key
    written.left_out.extend(
        Remark(one.row.document_id, name, left.reason, left.field, left.value) for left in one.labels.left_out
    )
    written.hows.update(str(record.how) for record in one.labels.fields.values())
    return written._replace(
        exports=written.exports + 1,
        lines=written.lines + len(one.labels.pages),
        blind=written.blind + one.origin.blind,
    )


def _kept(remark: Remark) -> dict[str, str]:
    return {key.replace("_", "-"): value for key, value in remark._asdict().items() if value}


def report(written: Written, wanted: Wanted) -> Iterator[str]:
    """What was written and what was not, for a person."""
    seen = written.exports - written.blind
    yield (
        f"{written.exports} of {written.examined} documents, {written.lines} pages; "
        f"{written.blind} reviewed blind, {seen} with the model's values before the reviewer"
    )
    yield "fields: " + (", ".join(f"{written.hows[how]} {how}" for how in How if written.hows[how]) or "none")
    values = [one for one in written.left_out if one.field]
    whole = Counter(one.reason for one in written.left_out if not one.field)
    for reason, count in whole.most_common(10):
        yield f"left out: {count} {'document' if count == 1 else 'documents'}: {reason}"
    by_reason = Counter((one.field, one.reason) for one in values)
    for (field, reason), count in by_reason.most_common(10):
        yield f"no label: {count} {'value' if count == 1 else 'values'} of {field}: {reason}"
    if written.left_out:
        yield f"each of these: {wanted.output / LEFT_OUT}"
    if written.hows[How.UNSEEN]:
        yield "words that may be of fields nobody looked at are ignored in training, not taught as no field's"
    if written.exports:
        path = wanted.output / MANIFEST
        yield (
            f"written: {path}\n"
            f"recto train {path} --map {wanted.prefix}={wanted.output} --fields {wanted.output / FIELDS}"
        )
