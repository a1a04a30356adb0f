"""Reviewed documents as training reads them: labels come back, no model is graded on what it filled in."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from recto.errors import ConfigurationError
from recto.fields import dump_fields
from recto.manifests import line_of as line_bytes
from recto.model_exchange import response_of
from recto.results import DocumentResult, FieldResult
from recto.review import ReviewAnswer, apply_answers, parse_answer
from recto.review_labels import Agreement, PlacesOfLine, Provenance, Reviewed, label_reviewed, line_of
from recto_training.caching import PageCache
from recto_training.commands import evaluate, threshold, train
from recto_training.corpus import IGNORED, fair_part, prefilled_ids, split_corpus
from recto_training.exporters.manifest import write_manifest
from recto_training.manifests import manifest_corpus
from recto_training.ocr_folder import Mapped, OcrFolder
from tests.training.labelled import FIELDS, page_of

PREFIX = "s3://labelled-data/reviewed"
OTHER = FIELDS.other_class
NOTHING = {
    "confidence": 0.0, "num_detections": 0, "num_detected_values": 0, "sort_order": 0, "value": "",
}  # fmt: skip


def unread() -> DocumentResult:
    """What a model that found nothing says."""
    found = {
        one.name: FieldResult(
            class_id=one.class_id, **(NOTHING | ({"values": ()} if one.is_multi_valued else {}))
        )
        for one in FIELDS.active
    }
    return DocumentResult(confidence=0.0, fields=found)


def write_reviewed(folder: Path, *names: str, blind: tuple[str, ...] = ()) -> Path:
    """Reviewed receipts of two pages: two fields answered, one absent, two that nobody looked at."""
    (folder / "textract").mkdir(parents=True, exist_ok=True)
    path = folder / "output.manifest"
    with path.open("wb") as manifest:
        for number, name in enumerate(names):
            pages = [
                page_of("ACME Trading", f"invoice {number} of 2", "12/03/2019", "total 12.50"),
                page_of("terms of sale", number=2),
            ]
            posted = {
                "field-present-company": True, "field-value-company": "ACME Trading",
                "field-present-date": True, "field-value-date": "12.03.2019",
                "field-present-total": False,
            }  # fmt: skip
            before = unread()
            answer = ReviewAnswer("w1", parse_answer(posted, FIELDS), None)
            after = apply_answers(before, [answer], FIELDS)
            is_blind = name in blind
            labels = label_reviewed(Reviewed(before, after, pages, blind=is_blind), FIELDS)
            ocr = f"textract/{name}.json"
            (folder / ocr).write_bytes(response_of(pages))
            origin = Provenance(name, name, "r", 1, Agreement.SINGLE, is_blind, datetime.now(UTC))
            for index in range(len(pages)):
                places = PlacesOfLine(f"{PREFIX}/{ocr}", f"{PREFIX}/{name}-{index}.jpg")
                manifest.write(line_bytes(line_of(labels, index, places, origin)))
    (folder / "fields.json").write_text(json.dumps(dump_fields(FIELDS)))
    return path


def options(folder: Path) -> list[str]:
    return [str(folder / "output.manifest"), "--map", f"{PREFIX}={folder}", "--cache", str(folder / "cache"),
            "--fields", str(folder / "fields.json")]  # fmt: skip


def read_back(folder: Path):  # noqa: ANN201
    ocr = OcrFolder(PageCache(folder / "cache"), [Mapped(PREFIX, folder)])
    return manifest_corpus([folder / "output.manifest"], ocr, FIELDS)


def test_labels_come_back_word_by_word_and_an_empty_page_is_a_page_of_no_field(tmp_path: Path) -> None:
    write_reviewed(tmp_path, "a")

    (document,) = read_back(tmp_path)

    first, second = document.pages
    told = {
        word.text: FIELDS.labels[class_id]
        for word, class_id in zip(first.page.words, first.classes, strict=True)
        if class_id not in {OTHER, IGNORED}
    }
    assert told == {"ACME": "company", "Trading": "company", "12/03/2019": "date"}
    assert set(second.classes) == {OTHER}
    assert document.prefilled
    assert not document.values  # two fields were seen by nobody: the truth by value is not whole


def test_what_a_model_filled_in_is_never_held_out_and_audits_may_be(tmp_path: Path) -> None:
    names = [f"d{number}" for number in range(10)]
    write_reviewed(tmp_path, *names, blind=("d3", "d7"))
    corpus = read_back(tmp_path)

    kept, held_out = split_corpus(corpus, 0.9)

    assert prefilled_ids(corpus) == set(names) - {"d3", "d7"}
    assert set(held_out.ids) < {"d3", "d7"}
    assert set(kept.ids) | set(held_out.ids) == set(names)
    assert fair_part(corpus).ids == ("d3", "d7")


def test_the_same_documents_are_held_out_before_and_after_reviewed_ones_come_in(tmp_path: Path) -> None:
    names = [f"d{number}" for number in range(8)]
    write_reviewed(tmp_path / "before", *names, blind=tuple(names))
    write_reviewed(tmp_path / "after", *names, "z1", "a1", "m1", blind=tuple(names))

    before, after = (split_corpus(read_back(tmp_path / one), 0.25)[1].ids for one in ("before", "after"))

    assert before == after


@pytest.mark.parametrize("command", [evaluate, threshold])
def test_grading_on_what_a_model_filled_in_is_refused(command, tmp_path: Path, tiny_model: Path) -> None:  # noqa: ANN001
    write_reviewed(tmp_path, "a", "b")

    with pytest.raises(ConfigurationError, match="all 2 documents began with a model's own values"):
        command.main([str(tiny_model), *options(tmp_path)])


def test_pre_filled_documents_are_left_out_of_figures_and_that_is_told(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_reviewed(tmp_path, "a", "b", "c", blind=("b",))
    metrics = ["--metrics", str(tmp_path / "metrics.json")]

    evaluate.main([str(tiny_model), *options(tmp_path), *metrics])
    told = capsys.readouterr().out
    alone = json.loads((tmp_path / "metrics.json").read_text())["documents"]
    evaluate.main([str(tiny_model), *options(tmp_path), *metrics, "--allow-prefilled"])

    assert "2 of 3 documents are left out" in told
    assert alone == 1
    assert json.loads((tmp_path / "metrics.json").read_text())["documents"] == 3


def test_training_on_reviews_alone_says_that_nothing_can_be_held_out(tmp_path: Path) -> None:
    write_reviewed(tmp_path, "a", "b")
    typed = [*options(tmp_path), "--recipe", "tiny", "--output_dir", str(tmp_path / "run")]

    with pytest.raises(ConfigurationError, match=r"nothing can be held out: .*--allow-prefilled"):
        train.main(typed)
    with pytest.raises(ConfigurationError, match="nothing to judge by"):
        train.main([*typed, "--validation", str(tmp_path / "output.manifest")])
    assert not (tmp_path / "run").exists()


def test_writing_a_manifest_anew_does_not_wash_off_where_labels_come_from(tmp_path: Path) -> None:
    write_reviewed(tmp_path / "one", "a", "b", blind=("b",))

    write_manifest(read_back(tmp_path / "one"), tmp_path / "two", PREFIX)

    assert prefilled_ids(read_back(tmp_path / "two")) == {"a"}


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of audits, which may be validated on."""
    folder = tmp_path_factory.mktemp("audits")
    names = tuple(f"d{number}" for number in range(4))
    write_reviewed(folder, *names, "seen", blind=names)
    typed = ["--recipe", "tiny", "--max_steps", "1", "--output_dir", str(folder / "run")]
    assert train.main([*options(folder), *typed]) == 0
    return folder / "run"
