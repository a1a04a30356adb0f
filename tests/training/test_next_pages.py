"""Pages chosen and labels suggested by a model that was trained in seconds, read back as labelled data."""

import json
import re
from pathlib import Path
from random import Random
from typing import Any

import pytest
from PIL import Image

from recto.earlier_pages import of_earlier
from recto.fields import dump_fields
from recto_training.__main__ import main
from recto_training.alignment import Alignment, Policy
from recto_training.caching import PageCache
from recto_training.commands import data_prelabel
from recto_training.corpus import IGNORED, LabelledDocument, LabelledPage, ListCorpus
from recto_training.evaluation.subject import plain_fields
from recto_training.exporters.manifest import write_manifest
from recto_training.fit import fit
from recto_training.importers.lines import lines_corpus
from recto_training.manifests import manifest_corpus
from recto_training.ocr_folder import Mapped, OcrFolder
from recto_training.word_recipes import tiny
from tests.training.tiny_corpus import LABELS, corpus

BUCKET = "s3://bucket/set"
RECEIPTS = Path(__file__).resolve().parents[3] / "shared" / "data" / "sroie"
SIZE = 400


class Set:
    """Documents of two pages with OCR, images and a manifest of labelled pages; and a model of others."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.labelled = write_manifest(corpus(6, seed=1), folder, BUCKET)
        self.pages = folder / "pages.manifest"
        lines = read(self.labelled)
        for line in lines:
            image = folder / line["source-ref"].removeprefix(f"{BUCKET}/")
            Image.new("RGB", (SIZE, SIZE), "white").save(image)
        write(self.pages, [bare(line) for line in lines])
        self.model = folder / "model"
        fit(tiny(), corpus(16), ListCorpus((), LABELS), self.model)
        (self.model / "fields.json").write_text(json.dumps(dump_fields(plain_fields(LABELS))))
        self.places = ["--map", f"{BUCKET}={folder}", "--cache", str(folder / "cache")]

    @property
    def ocr(self) -> OcrFolder:
        return OcrFolder(PageCache(self.folder / "cache"), [Mapped(BUCKET, self.folder)])


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def write(path: Path, lines: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def bare(line: dict[str, Any]) -> dict[str, Any]:
    return {key: line[key] for key in ("source-ref", "textract-ref", "page-num")}


@pytest.fixture(scope="module")
def some(tmp_path_factory: pytest.TempPathFactory) -> Set:
    return Set(tmp_path_factory.mktemp("pages"))


# --- which pages next ---------------------------------------------------------------------------------


def choose(some: Set, output: Path, *more: str, pages: Path | None = None) -> int:
    given = [str(pages or some.pages), "--number", "5", "--output", str(output), *some.places, *more]
    return main(["data-next-pages", *given])


def test_pages_are_chosen_by_what_a_model_doubts_and_each_line_says_why(some: Set, tmp_path: Path) -> None:
    one, again = tmp_path / "one.manifest", tmp_path / "again.manifest"

    assert choose(some, one, "--model", str(some.model)) == 0
    assert choose(some, again, "--model", str(some.model)) == 0

    lines = read(one)
    why = [line["metadata"]["chosen"] for line in lines]
    assert one.read_bytes() == again.read_bytes()
    assert len({(line["textract-ref"], line["page-num"]) for line in lines}) == 5
    assert [entry["rank"] for entry in why] == [1, 2, 3, 4, 5]
    assert [entry["by"] for entry in why].count("chance") == 1
    assert all(entry["model"] == "model" and 0 < entry["doubt"] <= 1 for entry in why)
    assert [bare(line) for line in lines] == [
        line for entry in lines for line in read(some.pages) if line == bare(entry)
    ]


def test_labelled_pages_are_left_out_wherever_they_are_listed(
    some: Set, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labelled = read(some.labelled)
    here = write(tmp_path / "pages.manifest", [*labelled[:2], *map(bare, labelled[2:])])
    before = write(tmp_path / "before.manifest", labelled[2:4])
    output = tmp_path / "next.manifest"

    assert choose(some, output, "--labelled", str(before), pages=here) == 0

    assert "left out: 4 labelled, 0 without words" in capsys.readouterr().out
    assert not {line["source-ref"] for line in read(output)} & {line["source-ref"] for line in labelled[:4]}


def test_a_suggestion_is_no_label_and_does_not_leave_its_page_out(some: Set, tmp_path: Path) -> None:
    lines = [
        {**line, "initial": {"annotations": []}, "initial-metadata": {"human-annotated": "no"}}
        for line in read(some.pages)[:5]
    ]

    assert choose(some, tmp_path / "next", pages=write(tmp_path / "suggested.manifest", lines)) == 0

    assert len(read(tmp_path / "next")) == 5


@pytest.mark.parametrize(
    ("more", "change", "message"),
    [
        (["--number", "99"], {}, "TooFewPagesError: 99 pages are to be chosen, but only"),
        (["--number", "0"], {}, "--number 0.*expected a number from 1"),
        (["--random-pages", "1.5"], {}, "shares from 0 to 1"),
        ([], {"page-num": 9}, r"line 1: page-num 9: .* has pages 1 to"),
        ([], {"textract-ref": f"{BUCKET}/none.json"}, "line 1: .*none.json is not there"),
        ([], {"page-num": 2}, "line 2: .* stands in .*line 1 too"),
        ([], {"metadata": "text"}, "metadata: expected an object, seen 'text'"),
        (["--model", "nowhere"], {}, "neither a release .* nor a trained model"),
    ],
)
def test_what_cannot_be_chosen_from_is_told(
    some: Set, tmp_path: Path, more: list[str], change: dict[str, Any], message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    lines = read(some.pages)
    several = len(lines) if "metadata" not in change else 5
    changed = [
        {**line, **change} if number == 0 or "metadata" in change else line
        for number, line in enumerate(lines[:several])
    ]

    assert choose(some, tmp_path / "next", *more, pages=write(tmp_path / "m.manifest", changed)) == 1

    error = capsys.readouterr().err
    assert re.search(message, error), error


# --- suggestions --------------------------------------------------------------------------------------


def prelabel(some: Set, output: Path, *more: str, pages: Path | None = None) -> int:
    return main(["data-prelabel", str(pages or some.pages), "--output", str(output), *some.places, *more])


def test_a_models_suggestions_are_read_back_as_the_words_that_it_marked(some: Set, tmp_path: Path) -> None:
    output = tmp_path / "suggested.manifest"

    assert prelabel(some, output, "--model", str(some.model), "--least", "0") == 0

    lines = read(output)
    marked = [line for line in lines if line["initial"]["annotations"]]
    assert [bare(line) for line in lines] == read(some.pages)
    assert marked
    assert all(
        line["initial"]["image_size"] == [{"width": SIZE, "height": SIZE, "depth": 3}] for line in lines
    )
    back = manifest_corpus([output], some.ocr, plain_fields(LABELS), label="initial")
    suggested = {
        (document.id, page.page.number, number): [page.page.words[i].text for i in words]
        for document in back
        for page in document.pages
        for number, words in mentions(page).items()
    }
    said = sorted(entity["rawText"] for line in lines for entity in line["initial"]["entities"])
    assert sorted(" ".join(words) for words in suggested.values()) == [" ".join(one.split()) for one in said]


def mentions(page: LabelledPage) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for index, number in enumerate(page.entities):
        if number >= 0:
            found.setdefault(number, []).append(index)
    return found


def test_earlier_pages_suggest_what_they_were_labelled_with(
    some: Set, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "suggested.manifest"

    assert prelabel(some, output, "--earlier", str(some.labelled)) == 0  # the same pages: all is found again

    back = {one.id: one for one in manifest_corpus([output], some.ocr, plain_fields(LABELS), label="initial")}
    truth = {one.id: one for one in manifest_corpus([some.labelled], some.ocr, plain_fields(LABELS))}
    same = [
        page.classes == other.classes
        for name in truth
        for page, other in zip(truth[name].pages, back[name].pages, strict=True)
    ]
    assert sum(same) / len(same) > 0.8
    assert "suggestions on" in capsys.readouterr().out


def test_a_human_label_is_never_written_over_and_an_old_suggestion_is(
    some: Set, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output, again = tmp_path / "one.manifest", tmp_path / "two.manifest"
    given = ["--model", str(some.model), "--attribute"]

    assert prelabel(some, output, *given, "labels", pages=some.labelled) == 1
    assert "line 1: 'labels' is there already and not a suggestion" in capsys.readouterr().err
    assert not output.exists()

    assert prelabel(some, output, *given, "first") == 0
    assert prelabel(some, again, *given, "first", pages=output) == 0
    assert [line["first"] for line in read(again)] == [line["first"] for line in read(output)]


@pytest.mark.parametrize(
    ("more", "change", "message"),
    [
        ([], {}, "nothing to suggest from: give --model, --earlier or both"),
        (["--model", "M"], {"source-ref": f"{BUCKET}/gone.png"}, "line 1: .*gone.png is not there"),
        (["--model", "M"], {"source-ref": f"{BUCKET}/output.manifest"}, "line 1: .*not an image"),
        (["--model", "M"], {"source-ref": ""}, "line 1: no source-ref: boxes are drawn in the pixels"),
        (["--earlier", "none.manifest"], {}, "none.manifest: cannot be read"),
    ],
)
def test_what_keeps_suggestions_from_being_made_is_told(
    some: Set, tmp_path: Path, more: list[str], change: dict[str, Any], message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    first, *others = read(some.pages)
    pages = write(tmp_path / "m.manifest", [{**first, **change}, *others])

    more = [str(some.model) if one == "M" else one for one in more]
    assert prelabel(some, tmp_path / "out", *more, pages=pages) == 1

    error = capsys.readouterr().err
    assert re.search(message, error), error


def test_labels_by_mention_keep_mentions_apart() -> None:
    page = corpus(1).documents[0].pages[0]
    words = len(page.classes)
    labelled = LabelledPage(page.page, (0, 0, 0, *[IGNORED] * (words - 3)), (5, 5, 6, *[-1] * (words - 3)))

    (one,) = data_prelabel.earlier_pages(LabelledDocument("d", (labelled,)), LABELS)

    assert [(mention.name, mention.words) for mention in one.mentions] == [("name", (0, 1)), ("name", (2,))]


@pytest.mark.skipif(not RECEIPTS.exists(), reason="../shared/data is not here")
def test_fifty_real_receipts_suggest_what_others_say_and_are_mostly_right() -> None:
    labels = ("company", "date", "address", "total", "other")
    how = {name: Alignment(Policy.FIRST, others=IGNORED) for name in labels}
    fields = plain_fields(labels)
    documents = list(lines_corpus(RECEIPTS / "box", RECEIPTS / "truth.jsonl", fields, how=how))
    Random(1).shuffle(documents)  # ids beside each other are receipts of different shops
    known = [page for one in documents[:50] for page in data_prelabel.earlier_pages(one, labels)]

    right = wrong = receipts = 0
    for document in documents[50:200]:
        (truth,) = data_prelabel.earlier_pages(document, labels)
        words = {one.name: [truth.page.words[i].text for i in one.words] for one in truth.mentions}
        found = [one for one in of_earlier(truth.page, known) if one.name != "total"]  # of equal amounts one
        receipts += bool(found)
        right += sum(words.get(one.name) == one.text.split() for one in found)
        wrong += sum(words.get(one.name) != one.text.split() for one in found)

    assert receipts > 0.4 * 150
    assert right > 0.9 * (right + wrong)
