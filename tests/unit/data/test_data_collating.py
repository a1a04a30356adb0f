"""Documents, OCR and images brought together from listings alone; bulk OCR by a state machine."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from recto.aws.state_machines import Run
from recto.errors import AccessError, ManifestError, ThrottledError
from recto.manifests import ManifestLine
from recto.ports import ObjectInfo
from recto_data import Content, Corpus, HowToCollate, Mapped, Status, collate, names_in, place_of
from recto_data.bulk_ocr import BulkOcr, OcrTask, Pace, missing_results
from recto_data.collating import Images
from recto_data.ocr_cost import features_of
from recto_data.places import Entry, Folder, Prefix
from recto_data.reports import Report


def ocr_result(*num_words: int) -> bytes:
    blocks: list[dict[str, Any]] = []
    for page, count in enumerate(num_words, start=1):
        blocks.append({"BlockType": "PAGE", "Id": f"p{page}", "Page": page})
        for word in range(count):
            box = {"Left": 0.1, "Top": 0.1, "Width": 0.1, "Height": 0.1}
            blocks.append(
                {
                    "BlockType": "WORD",
                    "Id": f"w{page}-{word}",
                    "Page": page,
                    "Text": "x",
                    "Geometry": {"BoundingBox": box},
                }
            )
    return json.dumps({"JobStatus": "SUCCEEDED", "Blocks": blocks}).encode()


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    return Corpus(*(Folder(tmp_path / name) for name in ("raw", "ocr", "imgs-clean")))


def add(corpus: Corpus, name: str, images: list[str], *num_words: int) -> None:
    corpus.documents.write(name, b"%PDF-")
    if num_words:
        corpus.ocr.write(f"{name}/consolidated.json", ocr_result(*num_words))
    for image in images:
        corpus.images.write(image, b"png")


def test_each_page_gets_its_image_its_ocr_and_its_document(corpus: Corpus, tmp_path: Path) -> None:
    add(corpus, "Bank/A b.pdf", ["Bank/A b-0001-1.png", "Bank/A b-0001-2.png"], 3, 0)
    add(corpus, "Fax.tif", ["Fax-0001.png", "Fax-0002.png"], 1, 1)
    add(corpus, "photo.JPG", ["photo.JPG"], 1)

    found = collate(["Bank/A b.pdf", "Fax.tif", "photo.JPG"], corpus)

    assert found.report.findings == []
    assert [(line["source-ref"].partition("imgs-clean/")[2], line["page-num"]) for line in found.lines] == [
        ("Bank/A b-0001-1.png", 1),
        ("Bank/A b-0001-2.png", 2),
        ("Fax-0001.png", 1),
        ("Fax-0002.png", 2),
        ("photo.JPG", 1),
    ]
    assert found.lines[0]["textract-ref"] == str(tmp_path / "ocr/Bank/A b.pdf/consolidated.json")
    assert found.lines[0]["raw-ref"] == str(tmp_path / "raw/Bank/A b.pdf")


def test_pages_without_words_are_flagged_or_omitted_where_asked(corpus: Corpus) -> None:
    add(corpus, "a.pdf", ["a-0001-1.png", "a-0001-2.png"], 3, 0)

    flagged = collate(["a.pdf"], corpus, HowToCollate(Content.FLAG))
    omitted = collate(["a.pdf"], corpus, HowToCollate(Content.OMIT))

    assert [line["has-content"] for line in flagged.lines] == [True, False]
    assert [line["page-num"] for line in omitted.lines] == [1]
    assert [finding.name for finding in omitted.report.of(Status.SKIPPED)] == ["a.pdf page 2"]


def test_a_manifest_by_document_names_all_images(corpus: Corpus) -> None:
    add(corpus, "a.pdf", ["a-0001-1.png", "a-0001-2.png"], 0, 3)
    add(corpus, "empty.pdf", ["empty-0001-1.png"], 0)

    flagged = collate(["a.pdf", "empty.pdf"], corpus, HowToCollate(Content.FLAG, by_document=True))
    omitted = collate(["a.pdf", "empty.pdf"], corpus, HowToCollate(Content.OMIT, by_document=True))

    assert flagged.lines[0]["pages-have-content"] == [False, True]
    assert [line["has-content"] for line in flagged.lines] == [True, False]
    assert [len(line["page-refs"]) for line in omitted.lines] == [1]
    assert [finding.name for finding in omitted.report.findings] == ["empty.pdf"]


@pytest.mark.parametrize(
    ("images", "num_words", "told"),
    [
        ([], (), "no OCR result, no page images"),
        (["a-0001-1.png"], (), "no OCR result"),
        ([], (1,), "no page images"),
        (["a-0001-1.png", "a-0001-3.png"], (1, 1, 1), "no image of page 2 of 3"),
        (
            ["a-0001-01.png", "a-0001-02.png"],
            (1,),
            "2 page images, but their names say that there are at least 10",
        ),
        (["a-0001-1.png", "a-0001-2.png"], (1,), "2 page images, but the OCR has 1 pages"),
    ],
)
def test_what_does_not_fit_together_is_left_out_and_told(
    corpus: Corpus, images: list[str], num_words: tuple[int, ...], told: str
) -> None:
    add(corpus, "a.pdf", images, *num_words)
    add(corpus, "good.pdf", ["good-0001-1.png"], 1)

    found = collate(["a.pdf", "good.pdf"], corpus, HowToCollate(Content.FLAG))

    assert [line["raw-ref"].rpartition("/")[2] for line in found.lines] == ["good.pdf"]
    assert [(finding.name, finding.reason) for finding in found.report.findings] == [("a.pdf", told)]


def test_a_broken_ocr_result_is_named_and_stops_no_other(corpus: Corpus) -> None:
    add(corpus, "a.pdf", ["a-0001-1.png"], 1)
    add(corpus, "b.pdf", ["b-0001-1.png"], 1)
    corpus.ocr.write("a.pdf/consolidated.json", b'{"Blocks": [')

    found = collate(["a.pdf", "b.pdf"], corpus, HowToCollate(Content.FLAG))

    assert len(found.lines) == 1
    assert [(finding.error, finding.name) for finding in found.report.findings] == [
        ("DamagedDocumentError", "a.pdf")
    ]


def test_two_documents_that_share_an_image_are_told(corpus: Corpus) -> None:
    add(corpus, "scan.png", ["scan.png"], 1)
    add(corpus, "scan.tif", [], 1)

    found = collate(["scan.png", "scan.tif"], corpus)

    assert len(found.lines) == 1
    assert "as those of scan.png" in found.report.findings[0].reason


def test_a_sample_that_was_drawn_here_is_collated_where_its_documents_were_sent(tmp_path: Path) -> None:
    lines = [
        ManifestLine("sample.jsonl", number, {"raw-ref": str(tmp_path / "raw" / name)})
        for number, name in enumerate(("deep/a.pdf", "b.pdf"), 1)
    ]
    sent = Folder(tmp_path / "sent")  # stands for s3://…: a place like any other

    names = names_in(sent, lines, [Mapped(str(tmp_path / "raw"), str(sent.path))])

    assert names == ["deep/a.pdf", "b.pdf"]
    with pytest.raises(ManifestError, match=r"expected a document below .*--map FOLDER="):
        names_in(sent, lines)


def test_an_image_that_is_a_document_of_its_own_is_no_page_of_another() -> None:
    images = Images(["Deed-0001.png", "Deed.png"], ["Deed.tif", "Deed-0001.png"])

    assert images.of("Deed-0001.png") == {1: "Deed-0001.png"}
    assert images.of("Deed.tif") == {1: "Deed.png"}


# --- bulk OCR ---------------------------------------------------------------------------------------


class Bucket:
    """Objects of one bucket, in memory."""

    def __init__(self) -> None:
        self.keys: dict[str, ObjectInfo] = {}

    def listing(self, bucket: str, prefix: str = "") -> Any:
        yield from ((key, info) for key, info in sorted(self.keys.items()) if key.startswith(prefix))


class Machine:
    """Executions that end when they are looked at, as they were told to; results appear with them."""

    def __init__(self, bucket: Bucket, failing: Mapping[str, Run] | None = None) -> None:
        self.bucket, self.failing = bucket, dict(failing or {})
        self.inputs: dict[str, Any] = {}
        self.ended: dict[str, Run] = {}
        self.most = 0

    def start(self, name: str, content: Mapping[str, Any]) -> bool:
        if name in self.inputs:
            return False
        self.inputs[name] = content
        self.most = max(self.most, len(self.inputs) - len(self.ended))
        return True

    def running(self) -> set[str]:
        for name, content in self.inputs.items():
            if name not in self.ended:
                key = content["Input"]["Key"]
                self.ended[name] = self.failing.get(key, Run("SUCCEEDED"))
                if self.ended[name].went_well:
                    self.bucket.keys[content["Output"]["Key"]] = ObjectInfo(9, "e")
        return set()

    def look(self, name: str) -> Run | None:
        return self.ended.get(name, Run("RUNNING")) if name in self.inputs else None


def task(bucket: Bucket) -> OcrTask:
    return OcrTask(Prefix("b", "raw", bucket), Prefix("b", "ocr", bucket))  # type: ignore[arg-type]


def documents(*names: str) -> list[Entry]:
    return [Entry(name, 1, etag=name) for name in names]


def bulk(machine: Machine, pauses: list[float] | None = None, **pace: float) -> BulkOcr:
    sleep = pauses.append if pauses is not None else lambda _: None
    return BulkOcr(task(machine.bucket), machine, Pace(**pace), sleep)  # type: ignore[arg-type]


def test_every_document_has_a_result_or_an_error() -> None:
    bucket = Bucket()
    machine = Machine(bucket, {"raw/b.pdf": Run("FAILED", "DamagedDocumentError", "the PDF is cut off")})

    report = bulk(machine).run(documents("a.pdf", "b.pdf", "c/d.pdf"))

    assert [(finding.name, finding.status, finding.error) for finding in report.findings] == [
        ("a.pdf", Status.DONE, ""),
        ("b.pdf", Status.FAILED, "DamagedDocumentError"),
        ("c/d.pdf", Status.DONE, ""),
    ]
    given = next(iter(machine.inputs.values()))
    assert given == {
        "Input": {"Bucket": "b", "Key": "raw/a.pdf"},
        "Output": {"Bucket": "b", "Key": "ocr/a.pdf/consolidated.json", "Features": [], "Type": "s3"},
    }


def test_a_second_run_does_what_failed_and_joins_what_is_under_way() -> None:
    bucket = Bucket()
    machine = Machine(bucket, {"raw/b.pdf": Run("FAILED", "ThrottledError", "")})
    bulk(machine).run(documents("a.pdf", "b.pdf"))
    machine.failing.clear()
    machine.inputs[f"{task(bucket).name(Entry('c.pdf', 1, etag='c.pdf'))}-1"] = {
        "Input": {"Key": "raw/c.pdf"},
        "Output": {"Key": "ocr/c.pdf/consolidated.json"},
    }

    missing = missing_results(documents("a.pdf", "b.pdf", "c.pdf"), task(bucket).output.entries())
    report = bulk(machine).run(missing)

    assert [entry.name for entry in missing] == ["b.pdf", "c.pdf"]
    assert [finding.status for finding in report.findings] == [Status.DONE, Status.DONE]
    assert len(machine.inputs) == 4


def test_an_execution_that_went_well_without_a_result_has_failed() -> None:
    machine = Machine(Bucket())
    machine.bucket.listing = lambda *_: iter(())  # type: ignore[method-assign]

    report = bulk(machine).run(documents("a.pdf"))

    assert [finding.error for finding in report.findings] == ["ResultMissingError"]


def test_documents_are_sent_quickly_at_first_and_only_so_many_at_once() -> None:
    pauses: list[float] = []
    machine = Machine(Bucket())

    bulk(machine, pauses, at_once=5, poll=-1.0).run(documents(*(f"{n:03}.pdf" for n in range(150))))

    between = [pause for pause in pauses if pause >= 0]
    assert between[:21] == [0.2] * 21
    assert between[70] == pytest.approx(0.6)
    assert between[120:] == [1.0] * 30
    assert machine.most == 5


def test_one_document_that_cannot_be_started_stops_no_other_but_a_missing_right_does() -> None:
    machine = Machine(Bucket())
    start = machine.start

    def throttled(name: str, content: Mapping[str, Any]) -> bool:
        if content["Input"]["Key"] == "raw/a.pdf":
            raise ThrottledError("slow down")
        return start(name, content)

    machine.start = throttled  # type: ignore[method-assign]
    report = bulk(machine).run(documents("a.pdf", "b.pdf"))
    assert [finding.error for finding in report.findings] == ["ThrottledError", ""]

    def forbidden(name: str, content: Mapping[str, Any]) -> bool:
        raise AccessError("states:StartExecution")

    machine.start = forbidden  # type: ignore[method-assign]
    with pytest.raises(AccessError):
        bulk(machine).run(documents("c.pdf"))


def test_features_that_are_not_offered_are_refused() -> None:
    assert features_of("") == ()
    assert features_of("tables, forms") == ("FORMS", "TABLES")
    with pytest.raises(Exception, match="expected TABLES, FORMS or both"):
        features_of("QUERIES")


def test_a_report_is_json_lines(tmp_path: Path) -> None:
    report = Report()
    report.add("a.pdf", Status.SKIPPED, "why")
    report.write(tmp_path / "deep" / "report.jsonl")

    assert json.loads((tmp_path / "deep" / "report.jsonl").read_text()) == {
        "Name": "a.pdf",
        "Status": "SKIPPED",
        "Reason": "why",
    }
    assert place_of(tmp_path).entries()[0].name == "deep/report.jsonl"
