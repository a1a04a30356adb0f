"""Ground Truth manifests read, and everything that can be wrong with one."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from recto.document import Page
from recto.errors import FieldConfigurationError, ServiceUnavailableError
from recto.model_exchange import response_of
from recto.places import Location
from recto.ports import ObjectInfo
from recto_training import manifests as mf
from recto_training import ocr_folder
from recto_training.caching import PageCache
from recto_training.corpus import IGNORED, ReadCorpus
from recto_training.exporters.manifest import told_apart
from recto_training.faults import DataError
from recto_training.ocr_folder import Mapped, OcrFolder
from recto_training.sources import open_fields
from tests.training.labelled import FIELDS, page_of

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
REAL = SHARED / "groundtruth" / "manifests"
OCR = "s3://bucket/textracted/doc.pdf/consolidated.json"
PAGES = [page_of("ACME Ltd", "on 1/2/19"), page_of("total 5.00", number=2)]
SIZE = {"width": 1000, "height": 1000, "depth": 3}
COMPANY_BOX = {"class_id": 0, "left": 40, "top": 0, "width": 220, "height": 40}


def line(**changes: Any) -> dict[str, Any]:
    """A good line, with changes; None takes a key out."""
    content: dict[str, Any] = {
        "source-ref": "s3://bucket/imgs/doc-0001-1.png",
        "textract-ref": OCR,
        "page-num": 1,
        "job": {"image_size": [SIZE], "annotations": [COMPANY_BOX]},
        "job-metadata": {"class-map": {"0": "company"}, "type": "groundtruth/object-detection"},
    }
    return {key: value for key, value in (content | changes).items() if value is not None}


class Project:
    """A folder with OCR output, where manifests are written and opened."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.add_ocr("doc.pdf", PAGES)

    def add_ocr(self, name: str, pages: list[Page]) -> None:
        path = self.folder / "textracted" / name / "consolidated.json"
        path.parent.mkdir(parents=True)
        path.write_bytes(response_of(map(told_apart, pages)))

    def write(self, *lines: dict[str, Any] | str, name: str = "m.manifest") -> Path:
        path = self.folder / name
        path.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines))
        return path

    def ocr(self) -> OcrFolder:
        return OcrFolder(PageCache(self.folder / "cache"), [Mapped("s3://bucket", self.folder)])

    def open(self, *lines: dict[str, Any] | str, **options: Any) -> ReadCorpus:
        options.setdefault("fields", FIELDS)
        return mf.manifest_corpus([self.write(*lines)], self.ocr(), **options)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def words_of(corpus: ReadCorpus, name: str) -> list[str]:
    """The words of a class, in order."""
    return [
        word.text
        for document in corpus
        for labelled in document.pages
        for word, class_id in zip(labelled.page.words, labelled.classes, strict=True)
        if class_id >= 0 and corpus.labels[class_id] == name
    ]


# --- what is read -------------------------------------------------------------------------------------


def test_boxes_become_classes_of_words(project: Project) -> None:
    corpus = project.open(line())

    assert corpus.labels == FIELDS.labels
    assert words_of(corpus, "company") == ["ACME", "Ltd"]


def test_without_a_field_list_the_labels_are_those_of_the_class_map(project: Project) -> None:
    names = {"class-map": {"0": "company", "2": "amount"}}
    boxes = [COMPANY_BOX, COMPANY_BOX | {"class_id": 2, "top": 50}]

    corpus = project.open(
        line(**{"job": {"image_size": [SIZE], "annotations": boxes}, "job-metadata": names}), fields=None
    )

    assert corpus.labels == ("company", "class 1", "amount", "other")


def test_classes_go_by_name_since_each_job_numbers_its_own(project: Project) -> None:
    other_numbers = {"class-map": {"7": "company"}}
    box = COMPANY_BOX | {"class_id": 7}

    corpus = project.open(
        line(**{"job": {"image_size": [SIZE], "annotations": [box]}, "job-metadata": other_numbers})
    )

    assert words_of(corpus, "company") == ["ACME", "Ltd"]


def test_a_custom_job_names_labels_and_ties_boxes_to_mentions(project: Project) -> None:
    boxes = [{**COMPANY_BOX, "label": "party"}, {**COMPANY_BOX, "label": "party", "top": 50}]
    entities = [{"detectionId": "x", "ocrStatus": "correct", "boxIxs": [0, 1], "label": "party"}]
    job = {"image_size": [SIZE], "annotations": boxes, "entities": entities}

    corpus = project.open(line(job=job, **{"job-metadata": {"type": "groundtruth/custom"}}))

    (document,) = corpus
    assert words_of(corpus, "party") == ["ACME", "Ltd", "on", "1/2/19"]
    assert set(document.pages[0].entities) == {0}


def test_lines_of_a_document_are_one_document_in_the_order_of_its_pages(project: Project) -> None:
    corpus = project.open(line(**{"page-num": 2}), line())

    (document,) = corpus
    assert [labelled.page.number for labelled in document.pages] == [1, 2]


def test_an_adjustment_job_wins_over_the_one_that_it_began_with(project: Project) -> None:
    adjusted = {"image_size": [SIZE], "annotations": []}
    metadata = {"class-map": {}, "adjustment-status": "adjusted"}

    corpus = project.open(line(**{"job-adjusted": adjusted, "job-adjusted-metadata": metadata}))

    assert words_of(corpus, "company") == []


def test_manifests_of_several_jobs_go_together(project: Project) -> None:
    second = {key.replace("job", "later"): value for key, value in line(**{"page-num": 2}).items()}
    paths = [project.write(line(), name="a.manifest"), project.write(second, name="b.manifest")]

    corpus = mf.manifest_corpus(paths, project.ocr(), FIELDS)

    assert [len(document.pages) for document in corpus] == [2]


@pytest.mark.parametrize(
    "job",
    [
        {"annotations": {"entities": [{"label": "company", "startOffset": 0, "endOffset": 8}]}},
        {"annotations": '{"value": [{"label": "company", "start": 0, "end": 8}]}'},
        {
            "entities": [{"label": "company", "BeginOffset": 0, "EndOffset": 8}],
            "annotationsFromAllWorkers": [],
        },
        {"annotations": {"entities": [{"label": "company", "blocks": ["p1-w0", "p1-w1"]}]}},
    ],
)
def test_spans_of_text_tasks_become_classes_of_words(project: Project, job: dict[str, Any]) -> None:
    corpus = project.open(line(job=job))

    assert words_of(corpus, "company") == ["ACME", "Ltd"]


def test_spans_count_in_the_text_that_the_annotators_saw(project: Project) -> None:
    (project.folder / "doc.csv").write_text("Page one.\n\nACME   Ltd\non 1/2/19")
    job = {"annotations": {"entities": [{"label": "company", "startOffset": 11, "endOffset": 21}]}}

    corpus = project.open(line(job=job, **{"text-file-s3-uri": "s3://bucket/doc.csv"}))

    assert words_of(corpus, "company") == ["ACME", "Ltd"]


def test_a_text_without_ocr_has_words_without_places(project: Project) -> None:
    job = {"annotations": {"entities": [{"label": "date", "startOffset": 3, "endOffset": 9}]}}
    text = {"source": "on 1/2/19", "textract-ref": None, "source-ref": None, "page-num": None}

    corpus = project.open(line(job=job, **text))

    assert words_of(corpus, "date") == ["1/2/19"]


def test_an_annotation_file_brings_its_own_words(project: Project) -> None:
    response = json.loads(response_of([told_apart(PAGES[0])]))
    entities = [entity("company", "p1-w0", "p1-w1"), entity("UNASSIGNED", "p1-w3")]
    (project.folder / "ann.json").write_text(json.dumps({**response, "Entities": entities}))

    corpus = project.open(
        line(job={"annotation-ref": "s3://bucket/ann.json"}, **{"textract-ref": None, "page-num": None})
    )

    assert words_of(corpus, "company") == ["ACME", "Ltd"]
    (document,) = corpus
    assert document.pages[0].classes[3] == IGNORED


def entity(kind: str, *blocks: str) -> dict[str, Any]:
    children = [{"ChildBlockId": block, "BeginOffset": 0, "EndOffset": 9} for block in blocks]
    return {"Type": kind, "BlockReferences": [{"BlockId": "l", "ChildBlocks": children}]}


def test_documents_to_be_labelled_are_read_for_pretraining(project: Project) -> None:
    (project.folder / "2.png").touch()
    images = [f"s3://bucket/{n}.png" for n in (1, 2)]
    path = project.write({"raw-ref": "s3://bucket/doc.pdf", "textract-ref": OCR, "page-refs": images})

    (document,) = mf.unlabelled_corpus([path], project.ocr())

    assert [len(labelled.page.words) for labelled in document.pages] == [4, 2]
    assert {one for labelled in document.pages for one in labelled.classes} == {IGNORED}
    assert [labelled.image for labelled in document.pages] == ["", str(project.folder / "2.png")]


# --- how it is read -----------------------------------------------------------------------------------


def test_each_document_is_parsed_once_however_many_lines_and_epochs(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.add_ocr("long.pdf", [page_of(f"page {n}", number=n) for n in range(1, 41)])
    reference = "s3://bucket/textracted/long.pdf/consolidated.json"
    lines = [line(**{"textract-ref": reference, "page-num": n}) for n in range(1, 41)]
    parsed: list[Path] = []
    original = ocr_folder.textract_pages

    def counted(path: Path) -> Iterator[Page]:
        parsed.append(path)
        return original(path)

    monkeypatch.setattr(ocr_folder, "textract_pages", counted)

    corpus = project.open(*lines)
    epochs = [sum(len(document.pages) for document in corpus) for _ in range(3)]
    project.open(*lines)

    assert epochs == [40, 40, 40]
    assert len(parsed) == 1


@pytest.mark.parametrize("shape", ["list", "expense"])
def test_ocr_output_comes_in_other_shapes_too(project: Project, shape: str) -> None:
    responses = [json.loads(response_of([told_apart(page)])) for page in PAGES]
    expense = {"ExpenseDocuments": [{"Blocks": one["Blocks"]} for one in responses], "DocumentMetadata": {}}
    (project.folder / "x.json").write_text(json.dumps(responses if shape == "list" else expense))

    corpus = project.open(line(**{"textract-ref": "s3://bucket/x.json"}))

    assert words_of(corpus, "company") == ["ACME", "Ltd"]


def test_changed_ocr_output_is_read_anew(project: Project) -> None:
    before = words_of(project.open(line()), "company")
    path = project.folder / "textracted" / "doc.pdf" / "consolidated.json"
    path.write_bytes(response_of([told_apart(page_of("OTHER Ltd"))]))

    assert (before, words_of(project.open(line()), "company")) == (["ACME", "Ltd"], ["OTHER", "Ltd"])


class Bucket:
    """S3 with the objects of a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.downloads: list[str] = []

    def info(self, place: Location) -> ObjectInfo | None:
        path = self.folder / place.key
        if not path.is_file():
            return None
        return ObjectInfo(path.stat().st_size, "etag", "", datetime(2026, 1, 1, tzinfo=UTC))

    def download(self, place: Location, path: Path) -> None:
        self.downloads.append(place.key)
        path.write_bytes((self.folder / place.key).read_bytes())


def test_what_no_folder_is_mapped_to_is_read_from_s3_once(project: Project) -> None:
    bucket = Bucket(project.folder)
    path = project.write(line())

    corpora = [
        mf.manifest_corpus(
            [path], OcrFolder(PageCache(project.folder / "cache"), objects=lambda: bucket), FIELDS
        )
        for _ in range(2)
    ]

    assert [words_of(corpus, "company") for corpus in corpora] == [["ACME", "Ltd"]] * 2
    assert bucket.downloads == ["textracted/doc.pdf/consolidated.json"]


def test_an_object_that_is_not_in_s3_is_named_before_anything_is_read(project: Project) -> None:
    bucket = Bucket(project.folder)
    missing = line(**{"textract-ref": "s3://bucket/nowhere.json"})
    ocr = OcrFolder(PageCache(project.folder / "cache"), objects=lambda: bucket)

    with pytest.raises(DataError, match=r"line 2: s3://bucket/nowhere.json is not in S3"):
        mf.manifest_corpus([project.write(line(), missing)], ocr, FIELDS)

    assert not bucket.downloads


def test_the_longest_mapped_prefix_wins_and_no_path_leaves_its_folder(tmp_path: Path) -> None:
    ocr = OcrFolder(
        PageCache(tmp_path), [Mapped("s3://b", Path("all")), Mapped("s3://b/some/", Path("some"))]
    )

    assert ocr.path("s3://b/some/x.json") == Path("some/x.json")
    assert ocr.path("s3://b/something/x.json") == Path("all/something/x.json")
    assert ocr.path("s3://b/../../etc/passwd") is None
    assert Mapped("s3://*/data", Path("here")).path("s3://any/data/x") == Path("here/x")


@pytest.mark.parametrize("text", ["s3://b/x", "b/x=.", "s3://b/x=", "s3://b/x=/no/such/folder"])
def test_a_map_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="--map"):
        Mapped.parse(text)


# --- what is wrong ------------------------------------------------------------------------------------


def job_with(**changes: Any) -> dict[str, Any]:
    return {"job": {"image_size": [SIZE], "annotations": [COMPANY_BOX | changes]}}


def span_of(label: str, start: int, end: int) -> dict[str, Any]:
    return {"annotations": [{"label": label, "start": start, "end": end}]}


BAD_LINES: list[tuple[dict[str, Any] | str, str]] = [
    ("{not json", "not JSON"),
    ("[1, 2]", "expected a JSON object, seen a list"),
    (line(job=None), "no label 'job', seen source-ref, textract-ref, page-num, job-metadata; choose"),
    (line(**{"textract-ref": None}), "no textract-ref: boxes and word ids need the OCR's output"),
    (line(**{"page-num": 9}), f"page 9 is out of range: {OCR} has pages 1 to 2"),
    (line(**{"page-num": 0}), "page-num 0: expected a whole number from 1"),
    (line(**{"page-num": "one"}), "page-num 'one': expected a whole number from 1"),
    (line(**{"page-num": None}), f"no page-num, but {OCR} has 2 pages"),
    (line(**{"textract-ref": "s3://bucket/gone.json"}), "s3://bucket/gone.json is not there"),
    (line(**{"textract-ref": "s3://other/doc.json"}), "is in no mapped folder; give --map"),
    (line(**job_with(class_id=9)), "class id 9, expected 0 to 4; known: company, date, total, term, party"),
    (line(**job_with(class_id="1")), "class_id '1', expected a whole number"),
    (line(**job_with(class_id=-1)), "box 0: class_id -1, expected a whole number from 0"),
    (line(**job_with(label={"a": 1})), "box 0: label {'a': 1}, expected text"),
    (line(**job_with(left=float("nan"))), "box 0: 220 x 40 pixels, expected an area"),
    (line(**{"field-values": {"date": None}}), "field-values: expected lists of values by field name"),
    (line(job=line()["job"] | {"entities": ["a"]}), "entities: expected a list of mentions with boxIxs"),
    (line(job=line()["job"] | {"entities": [{"boxIxs": 3}]}), "entity 0: boxIxs 3, expected a list"),
    (line(**job_with(label="colour")), "label 'colour' (class 0) is not in the field list"),
    (line(**job_with(width=0)), "box 0: 0 x 40 pixels, expected an area; take it out"),
    (line(**job_with(height=-5)), "box 0: 220 x -5 pixels, expected an area"),
    (line(**job_with(left=900)), "reaches out of its image of 1000 x 1000"),
    (line(**job_with(top="x")), "box 0: expected left, top, width and height"),
    (line(job={"image_size": [], "annotations": []}), "image_size: expected width and height"),
    (line(job={"image_size": [SIZE | {"width": 0}], "annotations": []}), "image_size: 0 x 1000"),
    (line(job={"image_size": [SIZE]}), "annotations: expected a list of boxes, seen None"),
    (line(job={"colour": 1}), "neither boxes (image_size, annotations) nor spans"),
    (line(job=5), "expected an object, seen 5"),
    (line(job=span_of("date", 5, 5)), "expected 0 <= start < end, seen 5 and 5"),
    (line(job=span_of("hue", 0, 5)), "label 'hue' is not in the field list"),
    (line(**{"source-ref": "s3://bucket/second.png"}), f"page 1 of {OCR} is labelled in"),
    (
        line(job=None, **{"job-metadata": {"failure-reason": "ClientError: expired"}}),
        "its labelling failed (ClientError: expired); leave it out with --skip-failed",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("bad", "message"), BAD_LINES, ids=[message[:40] for _, message in BAD_LINES])
def test_a_bad_line_ends_at_once_with_its_number_and_what_to_do(
    project: Project, bad: dict[str, Any] | str, message: str
) -> None:
    with pytest.raises(DataError) as caught:
        project.open(line(), bad, label="job")

    found = [one for one in str(caught.value).splitlines() if message in one]
    assert [one.startswith(f"{project.folder / 'm.manifest'}, line 2: ") for one in found] == [True]


def test_a_manifest_without_labels_is_told_and_what_its_lines_hold(project: Project) -> None:
    with pytest.raises(
        DataError, match=r"line 1: no label attribute among source-ref, .*; name the right one"
    ):
        project.open(line(job=None))
    with pytest.raises(DataError, match=r"; seg-ref is a segmentation, which marks no words"):
        project.open(line(job=None, **{"seg-ref": "s3://bucket/seg.png", "seg-ref-metadata": {}}))


def test_a_class_id_without_a_name_is_told(project: Project) -> None:
    nameless = line(**job_with(class_id=7), **{"job-metadata": {"class-map": {"0": "company"}}})

    with pytest.raises(DataError, match=r"line 1: class id 7 has no name in the line's class-map"):
        project.open(nameless, fields=None)


def test_an_empty_manifest_is_said_to_be_one(project: Project) -> None:
    with pytest.raises(DataError, match=r"m.manifest: the manifest is empty"):
        project.open("", "  ")


def test_all_faults_are_listed_and_the_first_twenty_in_full(project: Project) -> None:
    with pytest.raises(DataError) as caught:
        project.open(*[line(**job_with(width=0), **{"page-num": n}) for n in range(1, 26)])

    lines = str(caught.value).splitlines()
    assert len(lines) == 21
    assert [f"line {n}: " in one for n, one in enumerate(lines[:20], start=1)] == [True] * 20
    assert lines[-1] == "and 5 more"


def test_faults_of_all_manifests_are_listed_together(project: Project) -> None:
    paths = [project.write("{", name="a.manifest"), project.write(line(), "[", name="b.manifest")]

    with pytest.raises(DataError, match=r"(?s)a.manifest, line 1: .*b.manifest, line 2: "):
        mf.manifest_corpus(paths, project.ocr(), FIELDS)


def test_an_image_of_other_proportions_is_told(project: Project) -> None:
    (project.folder / "imgs").mkdir()
    Image.new("RGB", (500, 707)).save(project.folder / "imgs" / "doc-0001-1.png")

    with pytest.raises(DataError, match=r"image_size 1000 x 1000, but .* is 500 x 707: other proportions"):
        project.open(line())


def test_a_smaller_image_of_the_same_proportions_is_fine(project: Project) -> None:
    (project.folder / "imgs").mkdir()
    Image.new("RGB", (500, 500)).save(project.folder / "imgs" / "doc-0001-1.png")

    (document,) = project.open(line())

    assert document.pages[0].image == str(project.folder / "imgs" / "doc-0001-1.png")


def test_ocr_output_that_is_none_is_told_with_its_line(project: Project) -> None:
    (project.folder / "x.json").write_text('{"hello": 1}')

    with pytest.raises(DataError, match=r"line 1: s3://bucket/x.json: not a Textract response"):
        project.open(line(**{"textract-ref": "s3://bucket/x.json"}))


def test_a_choice_of_labels_is_asked_for(project: Project) -> None:
    with pytest.raises(DataError, match=r"several label attributes: job, other; choose one with --label"):
        project.open(line(other=line()["job"], **{"other-metadata": {}}))


def test_failed_lines_are_left_out_when_asked_for(project: Project) -> None:
    failed = line(job=None, **{"page-num": 2, "job-metadata": {"failure-reason": "expired"}})

    corpus = project.open(line(), failed, skip_failed=True)

    assert [len(document.pages) for document in corpus] == [1]
    with pytest.raises(DataError, match="every line was left out"):
        project.open(failed, skip_failed=True, label="job")


# --- real manifests -----------------------------------------------------------------------------------


def real(name: str) -> Path:
    if not (REAL / name).exists():
        pytest.skip("../shared/data/groundtruth is not here")
    return REAL / name


def real_ocr(tmp_path: Path, manifests: list[Path]) -> OcrFolder:
    """OCR output for what the manifests name: its pages have a word in each box's middle."""
    pages: dict[str, set[int]] = {}
    for content in (json.loads(row) for path in manifests for row in path.read_text().splitlines()):
        pages.setdefault(content["textract-ref"], set()).add(content["page-num"])
    prefix = "s3://DOC-EXAMPLE-BUCKET/EXAMPLE-PREFIX"
    for reference, numbers in pages.items():
        path = tmp_path / reference.removeprefix(f"{prefix}/")
        path.parent.mkdir(parents=True)
        path.write_bytes(response_of(told_apart(page_of("a b", number=n)) for n in sorted(numbers)))
    return OcrFolder(PageCache(tmp_path / "cache"), [Mapped(prefix, tmp_path)])


def test_the_two_annotated_sets_of_credit_card_agreements_are_read(tmp_path: Path) -> None:
    paths = [real(f"ref-augmentation-{n}.output.manifest") for n in (1, 2)]

    corpus = mf.manifest_corpus(paths, real_ocr(tmp_path, paths))

    assert sum(len(document.pages) for document in corpus) == 100
    assert len(corpus.labels) == 20
    assert corpus.labels[0] == "Agreement Effective Date"
    assert corpus.labels[16] == "Provider Name"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("birds-detection-sample.output.manifest", "line 1: no textract-ref"),
        ("semantic-segmentation.output.manifest", "S10-label3-ref is a segmentation, which marks no words"),
        ("comprehend-output_with_expired_tasks_manifest.jsonl", "line 2: its labelling failed"),
    ],
)
def test_manifests_of_other_jobs_are_refused_for_what_they_are(
    tmp_path: Path, name: str, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        mf.manifest_corpus([real(name)], OcrFolder(PageCache(tmp_path)))


def test_the_custom_job_of_legal_letters_is_read(tmp_path: Path) -> None:
    letters = SHARED / "legal-letters"
    if not letters.exists():
        pytest.skip("../shared/data/legal-letters is not here")
    some = tmp_path / "some.manifest"
    some.write_text("\n".join((letters / "output.manifest").read_text().splitlines()[:20]))

    corpus = mf.manifest_corpus(
        [some], OcrFolder(PageCache(tmp_path), [Mapped("s3://legal-entity-blog", letters)])
    )

    assert len(corpus.labels) == 11
    assert corpus.ids[:2] == ("Letter 36", "Letter 214")
    assert all(set(range(8)) - set(document.pages[0].classes) == set() for document in list(corpus)[:1])


def test_a_line_ends_where_the_file_s_line_ends_not_at_separators_inside_of_texts(project: Project) -> None:
    row = json.dumps(line(note="one\u2028two\x85three"), ensure_ascii=False)

    assert len(project.open(row)) == 1


class Unreachable:
    """S3 without credentials."""

    def info(self, place: Location) -> ObjectInfo | None:
        raise ServiceUnavailableError(f"HeadObject {place.uri}: Unable to locate credentials")

    def download(self, place: Location, path: Path) -> None:
        raise AssertionError(place.uri)


def test_where_s3_does_not_answer_the_line_and_the_way_out_are_told(project: Project) -> None:
    ocr = OcrFolder(PageCache(project.folder / "cache"), objects=Unreachable)

    with pytest.raises(
        DataError, match=r"line 1: HeadObject .*credentials; .*--map s3://bucket/prefix=folder"
    ):
        mf.manifest_corpus([project.write(line())], ocr, fields=FIELDS)


def test_a_field_list_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "wrong.json"
    path.write_text("{}\n{}")

    with pytest.raises(FieldConfigurationError, match=r"wrong\.json: field list is not JSON"):
        open_fields(path)
