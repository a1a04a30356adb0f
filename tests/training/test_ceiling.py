"""What labels on words could give at best, on real receipts and contracts."""

from pathlib import Path

import pytest

from recto.document import Page
from recto.fields import FieldList, parse_fields
from recto_training.__main__ import main
from recto_training.ceiling import ceiling_of
from recto_training.commands import data_report
from recto_training.corpus import Corpus, LabelledDocument, LabelledPage, ListCorpus, PartOfCorpus
from recto_training.evaluation.fields import field_tallies
from recto_training.evaluation.truth import Match
from recto_training.importers.lines import lines_corpus
from tests.training.labelled import FIELDS, page_of

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
RECEIPTS = SHARED / "sroie"
RECEIPT_FIELDS = parse_fields(
    [
        {"ClassId": 0, "Name": "company", "Type": "company", "Select": "first"},
        {"ClassId": 1, "Name": "date", "Type": "date", "DateOrder": "DMY", "Select": "first"},
        {"ClassId": 2, "Name": "address", "Select": "longest"},
        {"ClassId": 3, "Name": "total", "Type": "money", "Select": "confidence"},
    ]
)


def f1(corpus: Corpus, fields: FieldList) -> float:
    return field_tallies(ceiling_of(corpus, fields, Match.ALNUM), fields).total.f1


def document(page: Page, classes: tuple[int, ...], **values: str) -> LabelledDocument:
    truth = {name: (value,) for name, value in values.items()}
    return LabelledDocument("d", (LabelledPage(page, classes),), truth)


def test_values_that_the_labels_cannot_give_lower_the_ceiling() -> None:
    page = page_of("ACME sold", "1/2/19")
    whole = document(page, (0, 5, 1), company="ACME", date="1/2/19")
    half = document(page, (0, 5, 5), company="ACME", date="1/2/19")

    assert f1(ListCorpus([whole], FIELDS.labels), FIELDS) == 1.0
    assert f1(ListCorpus([half], FIELDS.labels), FIELDS) == pytest.approx(2 / 3)


def test_nearly_all_values_of_real_receipts_come_back_from_their_words() -> None:
    if not RECEIPTS.exists():
        pytest.skip("../shared/data/sroie is not here")
    everything = lines_corpus(RECEIPTS / "box", RECEIPTS / "truth.jsonl", RECEIPT_FIELDS)

    some = PartOfCorpus(everything, everything.ids[::5])

    assert len(some) == 100
    assert f1(some, RECEIPT_FIELDS) >= 0.97


def test_a_report_prints_balance_ceiling_and_what_is_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "fields.json").write_text('[{"ClassId": 0, "Name": "company", "Select": "first"}]')
    (tmp_path / "truth.jsonl").write_text(
        '{"id": "r", "fields": {"company": ["ACME"]}}\n{"id": "s", "fields": {"company": ["NOWHERE"]}}'
    )
    for name in "rs":
        lines = '[{"box": [0, 0, 10, 10], "text": "by ACME"}]'
        (tmp_path / f"{name}.json").write_text(f'{{"width": 10, "height": 10, "lines": {lines}}}')
    given = [tmp_path, "--truth", tmp_path / "truth.jsonl", "--fields", tmp_path / "fields.json"]

    assert data_report.main(["--data", *map(str, given), "--format", "lines"]) == 0

    said = capsys.readouterr().out
    assert "2 documents, 2 pages, 4 words" in said
    assert "warning: company: 1 examples, at least 10 wanted" in said
    assert "s: company: true NOWHERE, by the labels none" in said
    assert [line.split()[-2:] for line in said.splitlines() if line.startswith("all")] == [["0.6667", "2"]]


def test_a_report_on_faulty_data_says_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "m.manifest").write_text("{")

    assert main(["data-report", "--data", str(tmp_path / "m.manifest")]) == 1

    assert "m.manifest, line 1: not JSON" in capsys.readouterr().err
