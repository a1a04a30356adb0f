"""Reviews and documents for tests of pages: the real API and the real steps, over rows and objects in memory.

    python -m tests.browser.review_stub [--port 8300] [--as rita]

starts it by hand, with the built pages and an object store on the next port; `--as` is who signs in. Try

    http://localhost:8300/api/auth/sign-in?next=/       rita, ralf, rosa (reviewers), olga (operator), ana

The examples (`EXAMPLES`) are real documents of `../shared/data` and of `local/samples`, made into reviews by
the pipeline's own rules: `receipt` (a photo), `contract` (a PDF), `cards` (19 fields), `fax` (TIFF, page
images), `audit` (blind), `disputed` (two people disagree), `removed` (its document is gone), `long` (400
pages, 5 boxes each; `add_long`, not among those that start by themselves).
"""

import argparse
import io
import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn
from PIL import Image, ImageSequence
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from recto.document import Page, Word
from recto.entities import review_reasons, with_reasons
from recto.fields import FieldList, dump_fields, parse_fields
from recto.geometry import Box
from recto.messages import Status
from recto.pagestore import PageIndex, PartWriter
from recto.places import DocumentPlaces, Location, digest
from recto.ports import DocumentRow
from recto.results import BoundingBox, Detection, DocumentResult, FieldResult, ReviewReason, Value
from recto.review import blind
from recto.validators import judge
from recto_workbench.loops import Loop, Reason
from recto_workbench.ports import Link
from recto_workbench.steps.desk import ReviewDesk, Submission, claim, submit
from recto_workbench.steps.document_status import Watch
from recto_workbench.tasks import Worker
from recto_workbench.web.app import create_app
from recto_workbench.web.parts import Web
from recto_workbench.web.sessions import Session, key_of
from recto_workbench.web.sign_in import Door
from tests.browser.review_documents import pages_of_words
from tests.memory import MemoryObjects
from tests.review_fakes import FakeReprocess, WatchedMemory, add_loop, make_review_desk, make_watch
from tests.web_fakes import FakeTokens, MemorySessions
from tests.workbench_fakes import WORK, make_desk

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
SAMPLES = ROOT / "local" / "samples"
INBOX = "inbox"
GROUPS = {"annotator": "annotators", "reviewer": "reviewers", "operator": "operators"}

RECEIPT_FIELDS = [
    {"ClassId": 0, "Name": "Company", "Select": "first", "Type": "company"},
    {"ClassId": 1, "Name": "Date", "Select": "confidence", "Type": "date", "DateOrder": "DMY"},
    {"ClassId": 2, "Name": "Address", "Select": "longest", "Optional": True},
    {"ClassId": 3, "Name": "Total", "Select": "confidence", "Type": "money", "Currency": "MYR",
     "DecimalMark": ".", "Validators": [{"Name": "money_range", "Minimum": 0, "Maximum": 10000}]},
    {"ClassId": 4, "Name": "Cashier's \"name\" – été", "Select": "first", "Optional": True},
    {"ClassId": 5, "Name": "Item"},
]  # fmt: skip
CONTRACT_FIELDS = [
    {"ClassId": 0, "Name": "effective_date", "Select": "confidence", "Type": "date",
     "DateOrder": "MDY"},
    {"ClassId": 1, "Name": "jurisdiction", "Select": "confidence"},
    {"ClassId": 2, "Name": "party", "Normalizer": "party"},
    {"ClassId": 3, "Name": "term", "Select": "first", "Type": "duration"},
]  # fmt: skip


@dataclass
class Example:
    """A document, and what the model is taken to have said of it."""

    name: str
    key: str
    content: bytes
    pages: Sequence[Page]
    fields: FieldList
    said: Mapping[str, Sequence[tuple[str, float]]]
    """Field to texts on the page with their confidences; a text that is not there has no place."""
    images: Sequence[bytes] = ()
    """JPEG of each page, for what a browser does not show."""


class ReviewStub:
    """Reviews and documents behind the stub server of `tests.browser.stub_server`."""

    def __init__(
        self, people: Mapping[str, Sequence[str]], sessions: set[str], static: Path, store: str
    ) -> None:
        self._people, self._sessions, self._static, self.store = people, sessions, static, store
        self._apps: dict[str, Starlette] = {}
        self.reset()

    def reset(self) -> None:
        links = StoreLinks(self.store)
        self.labelling = replace(make_desk(), links=links)
        self.desk: ReviewDesk = _with(make_review_desk(self.labelling, clock=now), links=links)
        self.again = FakeReprocess()
        watch = make_watch(self.labelling, self.again, INBOX)
        files = watch.files._replace(links=links)
        self.watch: Watch = watch._replace(files=files, clock=now, loop=self.desk.loops.loop)
        self._apps.clear()

    # ---- what there is

    @property
    def objects(self) -> MemoryObjects:
        assert isinstance(self.labelling.objects, MemoryObjects)
        return self.labelling.objects

    def add(self, example: Example, **changes: Any) -> Loop:
        """A review of an example; `audit=True` for a blind one, else changes of its loop's row."""
        is_audit = bool(changes.pop("audit", False))
        row = self.add_document(example, Status.IN_REVIEW)
        places = DocumentPlaces(WORK, row.document_id)
        result = _judged(example)
        self.objects.write(places.fields, json.dumps(result.to_json()).encode())
        shown = blind(result) if is_audit else result
        task = {
            "ReviewId": row.review_id,
            "TaskObject": f"s3://{INBOX}/{row.key}",
            "ModelResult": shown.to_json(),
            "Document": {
                "DocumentId": row.document_id, "Name": Path(example.key).name, "NumPages": len(example.pages),
                "Kind": "pdf" if example.key.endswith(".pdf") else "images", "Release": "release",
                "MadeIn": row.made_in.model_dump(by_alias=True),
            },
            "FieldConfiguration": dump_fields(example.fields),
            "Thresholds": {"Default": 0.9, "Fields": {}},
            "Words": {"Index": places.ocr_index.uri, "Parts": [places.ocr_part(1).uri]},
            **({"PageImages": [places.image(n + 1).uri for n in range(len(example.images))]}
               if example.images else {}),
            **({"Audit": True} if is_audit else {}),
        }  # fmt: skip
        reasons = [] if is_audit else list(result.review_reasons or ())
        told = {
            "title": Path(example.key).name,
            "document_id": row.document_id,
            "review_id": row.review_id,
            "kind": "audit" if is_audit else "review",
            "pages": len(example.pages),
            "reasons": tuple(Reason(code=each.code, field=each.field or "") for each in reasons[:20]),
            "num_reasons": len(reasons),
        }
        expires = now() + timedelta(days=3)
        return add_loop(self.desk, example.name, json.dumps(task).encode(), expires, **{**told, **changes})

    def add_document(self, example: Example, status: Status, **changes: Any) -> DocumentRow:
        """The document's row, its pages and its images, without a review."""
        document = digest(example.name, example.key)
        places = DocumentPlaces(WORK, document)
        self.objects.write(Location(bucket=INBOX, key=example.key), example.content)
        writer = PartWriter(1)
        for page in example.pages:
            writer.add(page)
        content, entries = writer.finish()
        self.objects.write(places.ocr_part(1), content)
        self.objects.write(places.ocr_index, PageIndex(pages=entries).to_json())
        for number, image in enumerate(example.images, 1):
            self.objects.write(places.image(number), image)
        moment = now() - timedelta(minutes=len(self.documents.rows) + 1)
        row = DocumentRow(
            document_id=document, status=Status.WAITING, bucket=INBOX, key=example.key, received=moment,
            updated=moment + timedelta(seconds=1), release="release", ocr_engine="textract",
            size=len(example.content), review_id=f"review-{example.name}",
        )  # fmt: skip
        self.documents.add(row)
        self.documents.move(document, (Status.WAITING,), Status.RUNNING, moment + timedelta(seconds=2))
        self.documents.move(document, (Status.RUNNING,), status, moment + timedelta(seconds=9), **changes)
        return self.documents.rows[document]

    @property
    def documents(self) -> WatchedMemory:
        assert isinstance(self.watch.documents, WatchedMemory)
        return self.watch.documents

    def add_examples(self) -> None:
        """Those of the module's docstring, but the long one."""
        self.add(receipt())
        self.add(contract())
        self.add(cards())
        self.add(fax())
        self.add(_renamed(receipt(2), "audit"), audit=True)
        self.add_disputed()
        removed = _renamed(fax(), "removed", "gone.tiff")
        self.add(removed)
        self.objects.delete(Location(bucket=INBOX, key=removed.key))
        for number, status in enumerate((Status.FAILED, Status.PROCESSED, Status.RUNNING)):
            example = _renamed(receipt(3 + number), f"document-{number}")
            said = {"error": "OcrFailedError", "cause": "Textract: INVALID_IMAGE_TYPE"}
            row = self.add_document(
                example, status, **(said if status is Status.FAILED else {"confidence": 0.93})
            )
            if status is Status.PROCESSED:
                body = json.dumps(_judged(example).to_json()).encode()
                self.objects.write(DocumentPlaces(WORK, row.document_id).result, body)

    def add_disputed(self) -> Loop:
        """Two reviewers have said different things of a total: somebody has to decide."""
        loop = self.add(_renamed(receipt(1), "disputed"), wanted=2)
        for person, total in (("ralf", "33.90"), ("rosa", "38.90")):
            worker = self.worker(person)
            claim(loop.name, worker, self.desk)
            answer = {"field-present-Total": True, "field-value-Total": total}
            submit(loop.name, worker, Submission(answer=answer, seconds=41.0), self.desk)
        settled = self.desk.loops.loop(loop.name)
        assert settled
        from recto_workbench.review_ports import LoopChange  # noqa: PLC0415

        disputed = settled.in_dispute()
        assert self.desk.loops.write(LoopChange(loop=disputed))
        return disputed

    def add_long(self, content: bytes, name: str = "long", each: int = 5) -> Loop:
        """A review of a long PDF, with so many boxes on every page."""
        pages = _pages_of_pdf(content)
        fields = parse_fields([{"ClassId": n, "Name": f"Field {n + 1}"} for n in range(19)])
        said: dict[str, list[tuple[str, float]]] = {field.name: [] for field in fields.fields}
        names = list(said)
        detections: dict[str, list[Value]] = {name: [] for name in names}
        for page in pages:
            step = max(len(page.words) // each, 1)
            for number, word in enumerate(page.words[::step][:each]):
                name_ = names[(page.number * each + number) % len(names)]
                detections[name_].append(_value(page, [word], fields, name_, 0.5 + number / 10))
        example = Example(name, f"{name}.pdf", content, pages, fields, said)
        _MADE[name] = detections
        return self.add(example)

    # ---- who is there

    def worker(self, person: str) -> Worker:
        groups = tuple(GROUPS[role] for role in self._people[person])
        return Worker(worker_id=f"worker-{person}", name=f"{person}@example.com", groups=groups)

    def app(self, url: str) -> Starlette:
        """The real application, reached at this address; whoever the stub has signed in is signed in here."""
        if url not in self._apps:
            sessions = StubSessions(self)
            door = Door(
                sessions=sessions, tokens=FakeTokens(self.labelling), clock=now, url=url,
                provider_url="https://sign-in.example", client_id="client",
            )  # fmt: skip
            web = Web(
                desk=self.labelling, reviews=self.desk, files=self.watch.files, watch=self.watch, door=door,
                pages=self._static, page_sources=(self.store,),
            )  # fmt: skip
            self._apps[url] = create_app(web)
        return self._apps[url]

    def session(self, key: str) -> Session | None:
        for person in self._sessions:
            if key_of(person) == key:
                far = now() + timedelta(days=1)
                return Session(
                    key=key, worker=self.worker(person), refresh_token="", fresh_until=far, expires=far
                )
        return None


class StubSessions(MemorySessions):
    """Whoever the stub server has let in: his cookie is his name."""

    def __init__(self, stub: ReviewStub) -> None:
        super().__init__()
        self._stub = stub

    def find(self, key: str) -> Session | None:
        return self._stub.session(key)


@dataclass(frozen=True)
class StoreLinks:
    """Addresses in the store of `object_app`."""

    store: str

    def to_read(self, place: Location, seconds: int) -> Link:
        return Link(f"{self.store}/{place.bucket}/{place.key}?expires={seconds}", {})

    def to_write(self, place: Location, content_type: str, num_bytes: int, seconds: int) -> Link:
        return Link(f"{self.store}/{place.bucket}/{place.key}", {"Content-Type": content_type})


def now() -> datetime:
    return datetime.now(UTC)


def _with(desk: ReviewDesk, **changes: Any) -> ReviewDesk:
    return ReviewDesk(**{**vars(desk), **changes})


# ---- documents


def receipt(number: int = 0) -> Example:
    """A photo of a receipt, from SROIE; the words are those of its own transcript."""
    folder = DATA / "sroie"
    lines = (folder / "truth.jsonl").read_text().splitlines()
    truths = {(t := json.loads(line))["id"]: t["fields"] for line in lines}
    names = sorted(path.stem for path in (folder / "img").glob("*.jpg") if path.stem in truths)
    name = names[number]
    page = _page_of_lines(json.loads((folder / "box" / f"{name}.json").read_text()))
    said = {
        kind.capitalize(): [(value, confidence) for value in truths[name].get(kind, [])]
        for kind, confidence in (("company", 0.97), ("date", 0.62), ("address", 0.88), ("total", 0.71))
    }
    said["Item"] = [(page.words[n].text, 0.4 + n / 50) for n in range(min(4, len(page.words)))]
    content = (folder / "img" / f"{name}.jpg").read_bytes()
    return Example("receipt", f"receipts/{name}.jpg", content, [page], parse_fields(RECEIPT_FIELDS), said)


def _page_of_lines(box: Mapping[str, Any]) -> Page:
    """Words of lines that are told whole: each has its share of the line."""
    words = []
    for line, told in enumerate(box["lines"]):
        left, top, right, bottom = told["box"]
        letter = (right - left) / max(1, len(told["text"]))
        for number, match in enumerate(re.finditer(r"\S+", told["text"])):
            sides = (left + match.start() * letter, top, left + match.end() * letter, bottom)
            place = Box.clipped(*(s / box[d] for s, d in zip(sides, ("width", "height") * 2, strict=True)))
            words.append(Word(match[0], place, 0.98, line, f"{line}-{number}"))
    return Page(1, tuple(words))


def contract() -> Example:
    """A contract of Kleister."""
    folder = DATA / "kleister-nda"
    truth = json.loads((folder / "truth.jsonl").read_text().splitlines()[0])
    content = (folder / "documents" / f"{truth['id']}.pdf").read_bytes()
    said = {
        "party": [(name, 0.93 - n / 10) for n, name in enumerate(truth["fields"]["party"])],
        "jurisdiction": [(value, 0.98) for value in truth["fields"]["jurisdiction"]],
        "effective_date": [("April 18, 2001", 0.55)],
    }
    fields = parse_fields(CONTRACT_FIELDS)
    return Example("contract", f"contracts/{truth['id']}.pdf", content, _pages_of_pdf(content), fields, said)


def cards() -> Example:
    """A sheet about credit cards, with 19 fields."""
    truths = [json.loads(line) for line in (SAMPLES / "truth.jsonl").read_text().splitlines()]
    truth = next(each for each in truths if each["id"] == "pricing-table.pdf")
    content = (SAMPLES / truth["id"]).read_bytes()
    configured = json.loads((DATA.parent / "fields-credit-cards.json").read_text())
    said = {
        name: [(value, 0.98 if n % 4 else 0.6) for value in values]
        for n, (name, values) in enumerate(truth["fields"].items())
    }
    return Example(
        "cards", "cards/pricing-table.pdf", content, _pages_of_pdf(content), parse_fields(configured), said
    )


def fax() -> Example:
    """A fax of several pages as TIFF, which no browser shows; without words, as if nothing had been read."""
    content = (SAMPLES / "fax.tiff").read_bytes()
    images = []
    for frame in ImageSequence.Iterator(Image.open(io.BytesIO(content))):
        target = io.BytesIO()
        frame.convert("RGB").save(target, "JPEG")
        images.append(target.getvalue())
    pages = [Page(number + 1, ()) for number in range(len(images))]
    return Example("fax", "faxes/fax.tiff", content, pages, parse_fields(CONTRACT_FIELDS), {}, images)


def _renamed(example: Example, name: str, key: str = "") -> Example:
    example.name, example.key = name, key or f"{name}-{Path(example.key).name}"
    return example


def _pages_of_pdf(content: bytes) -> list[Page]:
    return [
        Page(
            told["page"],
            tuple(
                Word(each["text"], Box.clipped(*each["box"]), each["confidence"], id=each["id"])
                for each in told["words"]
            ),
        )
        for told in pages_of_words(content)
    ]


# ---- what the model is taken to have said

_MADE: dict[str, dict[str, list[Value]]] = {}


def _judged(example: Example) -> DocumentResult:
    """The result as the pipeline judges it: its own normalisers, validators and reasons."""
    made = _MADE.get(example.name)
    results = {}
    for order, configured in enumerate(example.fields.active):
        values = (made or {}).get(configured.name) or [
            value
            for text, confidence in example.said.get(configured.name, ())
            if (value := _found(text, confidence, configured.name, example))
        ]
        results[configured.name] = _field(values, configured.name, order, example)
    confidence = min((one.confidence for one in results.values() if one.found), default=0.0)
    result = DocumentResult(confidence=confidence, fields=results, reference_date=now().date())
    reasons: list[ReviewReason] = review_reasons(result, example.fields, {}, 0.9)
    return with_reasons(result, reasons)


def _field(values: list[Value], name: str, order: int, example: Example) -> FieldResult:
    configured = example.fields[name]
    common: dict[str, Any] = {
        "class_id": configured.class_id, "sort_order": order, "type": configured.kind,
        "optional": configured.optional, "num_detected_values": len(values),
        "num_detections": sum(len(value.detections) for value in values),
    }  # fmt: skip
    if configured.is_multi_valued:
        confidence = sum(value.confidence for value in values) / len(values) if values else 0.0
        return FieldResult(**common, confidence=confidence, values=tuple(values))
    if not values:
        return FieldResult(**common, confidence=0.0, value="", detections=())
    return FieldResult(**common, **{each: getattr(values[0], each) for each in Value.model_fields})


def _found(text: str, confidence: float, name: str, example: Example) -> Value | None:
    """The value where its words stand on a page, one after the other; at no place where they do not."""
    wanted = [_letters(word) for word in text.split() if _letters(word)]
    for page in example.pages:
        words = [word for word in page.words if _letters(word.text)]
        letters = [_letters(word.text) for word in words]
        for at in range(len(letters) - len(wanted) + 1):
            if wanted and letters[at : at + len(wanted)] == wanted:
                return _value(page, words[at : at + len(wanted)], example.fields, name, confidence)
    return _valued(text, confidence, name, example.fields) if text else None


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()


def _value(page: Page, words: Sequence[Word], fields: FieldList, name: str, confidence: float) -> Value:
    text = " ".join(word.text for word in words)
    box = BoundingBox.of(Box.around(word.box for word in words))
    detection = Detection(
        class_id=fields[name].class_id, class_name=name, confidence=confidence, text=text, bounding_box=box,
        boxes=(box,), page_num=page.number, blocks=tuple(word.id for word in words),
    )  # fmt: skip
    value = _valued(text, confidence, name, fields)
    return value.model_copy(
        update={"raw_text": text, "page": page.number, "boxes": (box,), "detections": (detection,)}
    )


def _valued(text: str, confidence: float, name: str, fields: FieldList) -> Value:
    configured = fields[name]
    normalized = configured.normalise(text)
    return Value(
        value=text,
        confidence=confidence,
        normalized_value=normalized.value,
        flags=normalized.flags or None,
        alternatives=normalized.alternatives or None,
        verdicts=judge(configured.validators or (), text, normalized, now().date()),
    )


# ---- an object store for browsers


def object_app(stub: Callable[[], ReviewStub], served: list[str] | None = None) -> Starlette:
    """An S3 for browsers over the stub's objects: GET with ranges, CORS that names what PDF.js reads."""

    async def get(request: Request) -> Response:
        asked = request.headers.get("range", "")
        if served is not None:
            served.append(asked or "whole")
        place = Location(bucket=request.path_params["bucket"], key=request.path_params["key"])
        body = stub().objects.bodies.get(place.uri)
        if body is None:
            return Response("NoSuchKey", 404)
        headers = {"Accept-Ranges": "bytes", "ETag": f'"{digest(place.uri)}"'}
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", asked)
        if not match:
            return Response(body, headers=headers, media_type=_media(place.key))
        first = int(match[1])
        last = min(int(match[2] or len(body) - 1), len(body) - 1)
        headers["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
        return Response(body[first : last + 1], 206, headers=headers, media_type=_media(place.key))

    cors = Middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["GET"],
        allow_headers=["Range"],
        expose_headers=["Accept-Ranges", "Content-Range", "Content-Length", "ETag"],
    )
    return Starlette(routes=[Route("/{bucket}/{key:path}", get)], middleware=[cors])


def _media(key: str) -> str:
    kinds = {
        ".pdf": "application/pdf",
        ".jpg": "image/jpeg",
        ".png": "image/png",
        ".json": "application/json",
    }
    return kinds.get(Path(key).suffix.lower(), "application/octet-stream")


# ---- by hand


@dataclass
class _Arguments:
    port: int = 8300
    person: str = "rita"
    static: Path = field(default=ROOT / "workbench" / "src" / "recto_workbench" / "static")


def main() -> None:
    from tests.browser.stub_server import StubServer  # noqa: PLC0415  it imports this module

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--port", type=int, default=8300)
    parser.add_argument("--as", dest="person", default="rita")
    parser.add_argument("--static", type=Path, default=_Arguments().static)
    parser.add_argument("--long", type=int, default=0, help="with a PDF of so many pages")
    told = parser.parse_args()
    server = StubServer(told.static, f"http://localhost:{told.port + 1}")
    server.signs_in = told.person
    server.review.add_examples()
    if told.long:
        from tests.browser.review_documents import contracts  # noqa: PLC0415

        server.review.add_long(contracts(told.long))
    store = uvicorn.Server(
        uvicorn.Config(object_app(lambda: server.review), port=told.port + 1, log_level="warning")
    )
    threading.Thread(target=store.run, daemon=True).start()
    uvicorn.run(server.app, host="localhost", port=told.port, log_level="info")


if __name__ == "__main__":
    main()
