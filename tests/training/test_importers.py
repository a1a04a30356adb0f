"""Other people's formats read, written and read again."""

import json
import math
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pypdfium2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from reportlab.pdfgen.canvas import Canvas

from recto.document import Page
from recto.errors import DamagedDocumentError
from recto.fields import parse_fields
from recto.geometry import Box
from recto_training.caching import PageCache
from recto_training.corpus import IGNORED, NO_FIELD, LabelledDocument, LabelledPage, ListCorpus
from recto_training.exporters.funsd import form_of, write_funsd
from recto_training.exporters.manifest import write_manifest
from recto_training.exporters.values import write_values
from recto_training.faults import DataError
from recto_training.importers import pdf_text
from recto_training.importers.funsd import funsd_corpus, read_form
from recto_training.importers.lines import TextLine, lines_corpus, read_lines, split_line, word_spans
from recto_training.importers.pdf_text import read_pdf, turned
from recto_training.importers.values import read_values, values_corpus
from recto_training.manifests import manifest_corpus
from recto_training.ocr_folder import Mapped, OcrFolder
from tests.training.labelled import FIELDS, LABELS, boxes, labelled_pages, page_of

LABEL_FIELDS = parse_fields([{"ClassId": n, "Name": name} for n, name in enumerate(LABELS[:-1])])

# --- text lines ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("TOTAL  RM 33.90", ["TOTAL", "RM", "33.90"]),
        ("TOTAL:RM33.90SR", ["TOTAL:", "RM33.90", "SR"]),
        ("DATE:25/12/2018(MON) 12:30", ["DATE:", "25/12/2018", "(MON)", "12:30"]),
        ("SDN BHD(728384-M)", ["SDN", "BHD", "(728384-M)"]),
        ("A&B D.I.Y. 3/1", ["A&B", "D.I.Y.", "3/1"]),
    ],
)
def test_a_line_parts_into_words_also_where_a_label_runs_into_its_value(text: str, words: list[str]) -> None:
    assert [text[start:end] for start, end in word_spans(text)] == words


@given(st.text(st.characters(blacklist_categories=["Cs"])), boxes(least=1))
def test_words_of_a_line_say_all_of_it_in_their_order_within_its_box(text: str, box: Box) -> None:
    words = list(split_line(TextLine(text, box), 0))

    assert "".join(word.text for word in words) == "".join(text.split())
    assert all(one.box.right <= other.box.left + 1e-9 for one, other in pairwise(words))
    assert all(box.left - 1e-9 <= w.box.left <= w.box.right <= box.right + 1e-9 for w in words)


def receipt(folder: Path, name: str = "r1") -> tuple[Path, Path]:
    """A receipt in lines, and its values."""
    lines = [
        {"box": [10, 10, 90, 20], "text": "ACME SDN BHD(1-M)"},
        {"box": [10, 30, 90, 40], "text": "TOTAL RM12.50"},
    ]
    (folder / f"{name}.json").write_text(json.dumps({"width": 100, "height": 200, "lines": lines}))
    truth = folder / "truth.jsonl"
    truth.write_text(json.dumps({"id": name, "fields": {"company": ["ACME SDN BHD"], "total": "12.50"}}))
    return folder, truth


def test_lines_and_values_become_labelled_words(tmp_path: Path) -> None:
    folder, truth = receipt(tmp_path)

    (document,) = lines_corpus(folder, truth, FIELDS)

    (labelled,) = document.pages
    marked = [(w.text, k) for w, k in zip(labelled.page.words, labelled.classes, strict=True)]
    other = FIELDS.other_class
    assert marked == [
        ("ACME", 0), ("SDN", 0), ("BHD", 0), ("(1-M)", other), ("TOTAL", other), ("RM12.50", 2),
    ]  # fmt: skip
    assert labelled.page.words[0].box == Box(0.1, 0.05, pytest.approx(0.1 + 0.8 * 4 / 17), 0.1)
    assert document.values == {"company": ("ACME SDN BHD",), "total": ("12.50",)}


def test_the_competitions_own_files_are_read_with_their_image(tmp_path: Path) -> None:
    path, image = tmp_path / "r.txt", tmp_path / "r.png"
    path.write_text("\ufeff10,20,50,20,50,40,10,40,TOTAL, 5.00\n\n")
    Image.new("L", (100, 200)).save(image)

    assert read_lines(path, image) == [TextLine("TOTAL, 5.00", Box(0.1, 0.1, 0.5, 0.2))]
    with pytest.raises(DamagedDocumentError, match="expected its image too"):
        read_lines(path)


@pytest.mark.parametrize(
    "content", ["{}", '{"width": 0, "height": 1, "lines": [{"box": [0,0,1,1], "text": "a"}]}']
)
def test_a_file_of_another_form_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(content)

    with pytest.raises(DamagedDocumentError, match=r"x.json: expected width, height and lines"):
        read_lines(path)


# --- lists of values ----------------------------------------------------------------------------------


def test_every_faulty_line_of_a_value_list_is_listed(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    good = json.dumps({"id": "a", "fields": {}})
    unknown = json.dumps({"id": "b", "fields": {"colour": ["red"]}})
    path.write_text(f"{good}\nno\n{unknown}\n{good}\n[]")

    with pytest.raises(DataError) as caught:
        read_values(path, FIELDS)

    lines = str(caught.value).splitlines()
    assert [line.split(": ")[0][-6:] for line in lines] == ["line 2", "line 3", "line 4", "line 5"]
    assert "field 'colour' is not in the field list; known: company" in lines[1]
    assert "document 'a' comes twice" in lines[2]


def test_an_empty_value_list_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text("\n")

    with pytest.raises(DataError, match="no documents in it"):
        read_values(tmp_path / "t.jsonl", FIELDS)


def pdf(path: Path, *pages: list[tuple[float, float, str]]) -> Path:
    """A PDF of 200 x 100 points with these texts at these places from the bottom left."""
    canvas = Canvas(str(path), pagesize=(200, 100), invariant=1)
    for texts in pages:
        for x, y, text in texts:
            canvas.drawString(x, y, text)
        canvas.showPage()
    canvas.save()
    return path


def test_a_text_layer_gives_words_with_boxes_and_lines(tmp_path: Path) -> None:
    path = pdf(tmp_path / "d.pdf", [(20, 80, "Hello world"), (20, 40, "below")], [])

    first, second = read_pdf(path)

    assert [(word.text, word.line) for word in first.words] == [("Hello", 0), ("world", 0), ("below", 1)]
    hello = first.words[0].box
    assert hello.left == pytest.approx(0.1, abs=0.01)
    assert 0.1 < hello.top < hello.bottom == pytest.approx(0.2, abs=0.01)
    assert second == Page(2, ())


def test_words_far_apart_on_a_line_part_without_a_space(tmp_path: Path) -> None:
    path = pdf(tmp_path / "d.pdf", [(20, 80, "left"), (150, 80, "right")])

    (page,) = read_pdf(path)

    assert [word.text for word in page.words] == ["left", "right"]


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_boxes_of_a_turned_page_are_those_that_are_seen(tmp_path: Path, turn: int) -> None:
    path = pdf(tmp_path / "d.pdf", [(20, 80, "Hello")])
    with pypdfium2.PdfDocument(path) as document:
        document[0].set_rotation(turn)
        ink = ImageOps.invert(document[0].render(scale=4, grayscale=True).to_pil()).getbbox()
        width, height = (4 * side for side in document[0].get_size())
        document.save(tmp_path / "turned.pdf")

    (page,) = read_pdf(tmp_path / "turned.pdf")

    seen = (ink[0] / width, ink[1] / height, ink[2] / width, ink[3] / height)
    assert tuple(page.words[0].box) == pytest.approx(seen, abs=0.02)


@given(boxes())
def test_four_quarter_turns_bring_a_box_back(box: Box) -> None:
    assert tuple(turned(turned(box, 90), 270)) == pytest.approx(tuple(box))
    assert tuple(turned(turned(box, 180), 180)) == pytest.approx(tuple(box))


def test_a_pdf_is_read_once_and_then_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, cache = pdf(tmp_path / "d.pdf", [(20, 80, "Hello world")]), PageCache(tmp_path / "cache")

    first = read_pdf(path, cache)
    monkeypatch.setattr(pdf_text, "pages_of_pdf", None)

    assert read_pdf(path, cache) == first
    assert not list((tmp_path / "cache").glob(".*")), "a file that was not moved to its place"


def test_what_is_no_pdf_is_named(tmp_path: Path) -> None:
    (tmp_path / "d.pdf").write_text("no")

    with pytest.raises(DamagedDocumentError, match=r"d.pdf: pdfium cannot open it"):
        read_pdf(tmp_path / "d.pdf")


def test_values_are_aligned_to_the_text_layer(tmp_path: Path) -> None:
    pdf(tmp_path / "d.pdf", [(20, 80, "made on April 18, 2001 by")])
    truth = tmp_path / "t.jsonl"
    truth.write_text(json.dumps({"id": "d", "fields": {"date": ["2001-04-18"]}}))

    (document,) = values_corpus(tmp_path, truth, FIELDS)

    assert document.pages[0].classes == (5, 5, 1, 1, 1, 5)


def test_a_value_list_without_its_pdf_is_refused(tmp_path: Path) -> None:
    truth = tmp_path / "t.jsonl"
    truth.write_text(json.dumps({"id": "d", "fields": {}}))

    with pytest.raises(DataError, match=r"1 documents have no PDF in .*, the first is d.pdf"):
        values_corpus(tmp_path, truth, FIELDS)


# --- forms --------------------------------------------------------------------------------------------

FORM = {
    "form": [
        {"id": 0, "label": "question", "words": [{"text": "TO:", "box": [0, 0, 76, 20]}]},
        {
            "id": 1,
            "label": "answer",
            "words": [
                {"text": "Mr", "box": [100, 0, 120, 20]},
                {"text": "  ", "box": [120, 0, 130, 20]},
                {"text": "X", "box": [130, 0, 140, 20]},
            ],
        },
        {"id": 2, "label": "answer", "words": [{"text": "Y", "box": [150, 0, 160, 20]}]},
        {"id": 3, "label": "other", "words": [{"text": "9", "box": [170, 0, 180, 1000]}]},
    ]
}


def test_neighbouring_entities_of_a_form_stay_apart_with_bio_labels(tmp_path: Path) -> None:
    (tmp_path / "f.json").write_text(json.dumps(FORM))

    corpus = funsd_corpus(tmp_path)
    (document,) = corpus

    names = [corpus.labels[class_id] for class_id in document.pages[0].classes]
    assert names == ["B-question", "B-answer", "I-answer", "B-answer", "other"]
    assert document.pages[0].entities == (0, 1, 1, 2, NO_FIELD)
    assert document.pages[0].page.words[0].box == Box(0, 0, pytest.approx(76 / 762), 0.02)


def test_without_bio_the_labels_are_the_forms_own(tmp_path: Path) -> None:
    (tmp_path / "f.json").write_text(json.dumps(FORM))

    corpus = funsd_corpus(tmp_path, bio=False)
    (document,) = corpus

    assert corpus.labels == ("question", "answer", "header", "other")
    assert document.pages[0].classes == (0, 1, 1, 1, 3)


@pytest.mark.parametrize("content", ["[]", "{}", '{"form": [{"label": "hue", "words": []}]}', "x"])
def test_a_form_of_another_kind_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "f.json").write_text(content)

    with pytest.raises(DamagedDocumentError, match=r"f.json: expected FUNSD's form"):
        read_form(tmp_path / "f.json")


def test_a_folder_without_forms_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected one form a file"):
        funsd_corpus(tmp_path)


# --- written and read again ---------------------------------------------------------------------------


@given(st.lists(labelled_pages(), min_size=1, max_size=3), st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_any_labels_come_back_from_a_manifest(
    tmp_path: Path, pages: list[LabelledPage], data: st.DataObject
) -> None:
    numbered = tuple(
        one._replace(page=one.page._replace(number=number)) for number, one in enumerate(pages, start=1)
    )
    if data.draw(st.booleans()) and numbered[0].classes:
        classes, entities = (IGNORED, *numbered[0].classes[1:]), (NO_FIELD, *numbered[0].entities[1:])
        numbered = (numbered[0]._replace(classes=classes, entities=entities), *numbered[1:])
    corpus = ListCorpus([LabelledDocument("d", numbered)], LABELS)

    path = write_manifest(corpus, tmp_path, "s3://b")
    ocr = OcrFolder(PageCache(tmp_path / "c"), [Mapped("s3://b", tmp_path)])
    (back,) = manifest_corpus([path], ocr, LABEL_FIELDS)

    assert [one.classes for one in back.pages] == [one.classes for one in numbered]
    assert [parted(one.entities) for one in back.pages] == [parted(one.entities) for one in numbered]


def parted(entities: tuple[int, ...]) -> list[int]:
    """Mentions numbered in the order in which they begin."""
    order = {one: place for place, one in enumerate(dict.fromkeys(e for e in entities if e != NO_FIELD))}
    return [order.get(one, NO_FIELD) for one in entities]


def corpus_of(labels: tuple[str, ...] = LABELS) -> ListCorpus:
    first, second = page_of("ACME Ltd sold on 1/2/19", "to ACME Ltd"), page_of("nothing here", number=2)
    pages = (
        LabelledPage(first, (0, 0, 2, 2, 1, 2, 0, 0), (0, 0, -1, -1, 1, -1, 2, 2)),
        LabelledPage(second, (2, 2), (-1, -1)),
    )
    return ListCorpus([LabelledDocument("some/one", pages)], labels)


@pytest.mark.parametrize("size", [(1700, 2200), (610, 790), (2200, 1700)])
def test_boxes_are_in_the_pixels_of_the_image_that_lies_here(tmp_path: Path, size: tuple[int, int]) -> None:
    """Else the manifest is refused where its images lie: of other proportions than it says."""
    image = tmp_path / "set" / "page.png"
    image.parent.mkdir()
    Image.new("L", size).save(image)
    (document,) = corpus_of()
    pages = tuple(page._replace(image=str(image)) for page in document.pages)
    corpus = ListCorpus([document._replace(pages=pages)], LABELS)

    path = write_manifest(corpus, tmp_path / "set", "s3://bucket/set")

    told = [json.loads(line)["labels"]["image_size"][0] for line in path.read_text().splitlines()]
    assert [(one["width"], one["height"]) for one in told] == [size, size]
    text = path.read_text().replace(str(image), "s3://bucket/set/page.png")
    path.write_text(text)
    ocr = OcrFolder(PageCache(tmp_path / "c"), [Mapped("s3://bucket/set", tmp_path / "set")])
    (back,) = manifest_corpus([path], ocr)
    assert [page.classes for page in back.pages] == [page.classes for page in pages]
    assert [page.entities for page in back.pages] == [page.entities for page in pages]


def test_an_image_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "page.png").write_bytes(b"no image")
    (document,) = corpus_of()
    pages = tuple(page._replace(image=str(tmp_path / "page.png")) for page in document.pages)

    with pytest.raises(DataError, match=r"page.png: not an image that can be read"):
        write_manifest(ListCorpus([document._replace(pages=pages)], LABELS), tmp_path, "s3://b")


@pytest.mark.parametrize("name", ["../out", "a/../../out", "/nowhere/out"])
@pytest.mark.parametrize("write", [lambda c, f: write_manifest(c, f, "s3://b"), write_funsd])
def test_a_document_whose_id_leads_out_of_the_folder_is_refused_before_anything_is_written(
    write: Callable[[ListCorpus, Path], object], name: str, tmp_path: Path
) -> None:
    (first,) = corpus_of()
    corpus = ListCorpus([first, first._replace(id=name)], LABELS)

    with pytest.raises(DataError, match=re.escape(f"document 2 of 2: id {name!r} leads out of the output")):
        write(corpus, tmp_path / "set")

    assert not (tmp_path / "set").exists()


def test_a_manifest_and_its_ocr_come_back_as_they_were(tmp_path: Path) -> None:
    corpus = corpus_of()
    path = write_manifest(corpus, tmp_path, "s3://bucket/set")

    back = manifest_corpus(
        [path], OcrFolder(PageCache(tmp_path / "c"), [Mapped("s3://bucket/set", tmp_path)])
    )

    (before,), (after,) = corpus, back
    assert back.labels == corpus.labels
    for one, other in zip(before.pages, after.pages, strict=True):
        assert other.classes == one.classes
        assert other.entities == one.entities
        assert [(w.text, w.line) for w in other.page.words] == [(w.text, w.line) for w in one.page.words]
        assert all(
            math.isclose(a, b, abs_tol=1e-5)
            for w, v in zip(one.page.words, other.page.words, strict=True)
            for a, b in zip(w.box, v.box, strict=True)
        )


def test_forms_come_back_as_they_were(tmp_path: Path) -> None:
    corpus = corpus_of(("question", "answer", "other"))

    assert write_funsd(corpus, tmp_path) == 2

    back = read_form(tmp_path / "some" / "one-0001.json", ("question", "answer"), bio=False)
    (document,) = corpus
    assert mentions_of(back.pages[0]) == mentions_of(document.pages[0]) == ["1/2/19", "ACME Ltd", "ACME Ltd"]


def mentions_of(labelled: LabelledPage) -> list[str]:
    """The words of each mention."""
    entities: dict[int, list[str]] = {}
    for word, entity in zip(labelled.page.words, labelled.entities, strict=True):
        if entity != NO_FIELD:
            entities.setdefault(entity, []).append(word.text)
    return sorted(" ".join(words) for words in entities.values())


def test_words_of_unknown_class_are_other_in_a_form() -> None:
    page = page_of("a b c")

    form = form_of(LabelledPage(page, (IGNORED, 0, 2)), LABELS)["form"]

    assert [entity["label"] for entity in form] == ["other", "company", "other"]


def test_values_come_back_as_they_were(tmp_path: Path) -> None:
    values = {"company": ("ACME",), "party": ("A", "B")}
    corpus = ListCorpus([LabelledDocument("d", (), values)], FIELDS.labels)

    assert write_values(corpus, tmp_path / "t.jsonl", FIELDS) == 1

    assert read_values(tmp_path / "t.jsonl", FIELDS) == {"d": values}


def test_a_form_read_written_and_read_again_has_the_same_words_and_classes(tmp_path: Path) -> None:
    (tmp_path / "f.json").write_text(json.dumps(FORM))
    once = funsd_corpus(tmp_path)

    write_funsd(once, tmp_path / "again")
    twice = funsd_corpus(tmp_path / "again")

    (before,), (after,) = once, twice
    assert after.pages[0].classes == before.pages[0].classes
    assert [w.text for w in after.pages[0].page.words] == [w.text for w in before.pages[0].page.words]
