"""Samples, choices, splits: the same each time, labels kept, documents on one side only."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recto.errors import ConfigurationError, ManifestError
from recto.manifests import ManifestLine
from recto_data import (
    HowToSample,
    HowToSelect,
    HowToSplit,
    TooFewError,
    page_counts,
    read_lines,
    sample,
    select_at_random,
    split,
)
from recto_data.endings import Endings

MANIFESTS = Path(__file__).resolve().parents[4] / "shared" / "data" / "groundtruth" / "manifests"


def lines(contents: Iterable[Mapping[str, Any]]) -> list[ManifestLine]:
    return [ManifestLine("m", number, dict(content)) for number, content in enumerate(contents, start=1)]


def documents(count: int = 20, prefix: str = "s3://mine/raw") -> list[ManifestLine]:
    return lines({"raw-ref": f"{prefix}/Bank {n % 3}/Card {n:02}.pdf"} for n in range(count))


def page(document: str, number: int) -> dict[str, Any]:
    image = f"s3://mine/imgs-clean/{document.removesuffix('.pdf')}-0001-{number}.png"
    return {
        "source-ref": image,
        "textract-ref": f"s3://mine/ocr/{document}/consolidated.json",
        "page-num": number,
    }


def pages(num_documents: int = 12, each: int = 3) -> list[ManifestLine]:
    return lines(
        page(f"Bank/Doc {n:02}.pdf", number) for n in range(num_documents) for number in range(1, each + 1)
    )


def refs(drawn: Iterable[Mapping[str, Any]], key: str = "raw-ref") -> list[str]:
    return [str(line[key]) for line in drawn]


# --- samples ----------------------------------------------------------------------------------------


def test_a_sample_is_that_of_a_shuffle_of_the_sorted_names() -> None:
    names = sorted(refs(line.content for line in documents()))
    Random(1337).shuffle(names)

    drawn = sample(reversed(documents()), HowToSample(6))

    assert refs(drawn.lines) == sorted(names[:6])


def test_a_larger_sample_holds_the_smaller_one() -> None:
    small, large = (set(refs(sample(documents(), HowToSample(n)).lines)) for n in (5, 9))

    assert small < large


def test_labelled_documents_are_always_in_it_wherever_their_labels_were_made() -> None:
    labels = lines(
        [
            {
                "source-ref": "s3://x/i.png",
                "textract-ref": "s3://theirs/d/textracted/Bank 1/Card 04.pdf/consolidated.json",
            },
            {"source-ref": "s3://theirs/imgs-clean/Bank 2/Card 17-0001-03.png"},
        ]
    )

    drawn = sample(documents(), HowToSample(3), labels)

    assert drawn.num_kept == 2
    assert {"s3://mine/raw/Bank 1/Card 04.pdf", "s3://mine/raw/Bank 2/Card 17.pdf"} < set(refs(drawn.lines))
    assert len(drawn.lines) == 3


def test_the_new_ones_are_drawn_in_the_same_order_whatever_is_labelled() -> None:
    labelled = "s3://mine/raw/Bank 1/Card 04.pdf"
    without = set(refs(sample(documents(), HowToSample(6)).lines)) - {labelled}

    assert without <= {labelled} | set(
        refs(sample(documents(), HowToSample(7), lines([{"raw-ref": labelled}])).lines)
    )


def test_fewer_than_are_labelled_or_more_than_there_are_is_an_error() -> None:
    labels = documents()[:3]

    with pytest.raises(TooFewError, match="2 documents asked for, but 3 are labelled"):
        sample(documents(), HowToSample(2), labels)
    with pytest.raises(TooFewError, match="21 documents asked for, there are 20"):
        sample(documents(), HowToSample(21))


def test_labels_of_a_document_that_is_not_there_or_there_twice_are_told() -> None:
    with pytest.raises(ConfigurationError, match=r"m, line 1.*seen none of that name"):
        sample(documents(), HowToSample(5), lines([{"raw-ref": "s3://theirs/Other.pdf"}]))
    twice = [*documents(), *lines([{"raw-ref": "s3://mine/raw/Bank 1/sub/Card 01.pdf"}])]
    with pytest.raises(ConfigurationError, match="seen 2 of that name"):
        sample(twice, HowToSample(5), lines([{"raw-ref": "/home/me/Card 01.pdf"}]))


@pytest.mark.parametrize(
    "name",
    [
        "Acuerdo en español.pdf",
        "Acuerdo en espan\u0303ol.pdf",
        "Card (Spanish).pdf",
        "Tarjeta de crédito.pdf",
        "Acuerdo [ES].pdf",
        "Contrato CREDITO.pdf",
        "Agreement (Esp).pdf",
    ],
)
def test_likely_spanish_names_are_left_out_and_told(name: str) -> None:
    given_ = [*documents(2), *lines([{"raw-ref": f"s3://mine/raw/{name}"}])]

    drawn = sample(given_, HowToSample(2, leave_out=["likely-spanish"]))

    assert [finding.name for finding in drawn.report.findings] == [f"s3://mine/raw/{name}"]
    assert len(drawn.lines) == 2


def test_rules_look_below_the_common_folder_only_and_leave_labelled_ones_in() -> None:
    spanish = documents(4, prefix="s3://spanish-bank/raw")

    assert len(sample(spanish, HowToSample(4, leave_out=["likely-spanish"])).lines) == 4
    drawn = sample(spanish, HowToSample(1, leave_out=["Card 00"]), spanish[:1])
    assert refs(drawn.lines) == refs([spanish[0].content])
    with pytest.raises(ConfigurationError, match="did you mean 'likely-spanish'"):
        sample(spanish, HowToSample(4, leave_out=["likely-spanish)"]))


def test_files_of_one_name_in_two_folders_are_not_taken_for_each_other() -> None:
    ours = Endings(["s3://mine/i/BankB/Card-0001-1.png", "s3://mine/i/BankC/Other-0001-1.png"])

    found = ours.same(["s3://theirs/d/i/BankA/Card-0001-1.png", "s3://theirs/d/i/BankC/Other-0001-1.png"])

    assert found["s3://theirs/d/i/BankA/Card-0001-1.png"] == []
    assert found["s3://theirs/d/i/BankC/Other-0001-1.png"] == ["s3://mine/i/BankC/Other-0001-1.png"]


# --- choices ----------------------------------------------------------------------------------------


def test_a_choice_has_its_share_of_first_pages_and_comes_out_the_same_in_any_order() -> None:
    chosen = select_at_random(pages(), HowToSelect(10))
    shuffled = pages()
    Random(5).shuffle(shuffled)

    assert sum(line["page-num"] == 1 for line in chosen) == 4
    assert select_at_random(shuffled, HowToSelect(10)) == chosen
    assert select_at_random(pages(), HowToSelect(10, seed=2)) != chosen


def test_labelled_pages_are_left_out_wherever_their_images_lie() -> None:
    first = select_at_random(pages(), HowToSelect(10))
    done = lines(
        {**line, "source-ref": line["source-ref"].replace("s3://mine", "s3://theirs/x")} for line in first
    )

    then = select_at_random(pages(), HowToSelect(10), done)

    assert not set(refs(first, "source-ref")) & set(refs(then, "source-ref"))


def test_too_few_pages_are_told_by_kind() -> None:
    with pytest.raises(TooFewError, match="16 first pages asked for, there are 12"):
        select_at_random(pages(), HowToSelect(40))
    with pytest.raises(TooFewError, match="other pages asked for, there are 0"):
        select_at_random(pages(each=1), HowToSelect(5))
    assert len(select_at_random(pages(each=1), HowToSelect(5, first_pages=1.0))) == 5


# --- splits and statistics --------------------------------------------------------------------------


@given(st.lists(st.integers(1, 5), min_size=2, max_size=30), st.floats(0.05, 0.95), st.integers(0, 9))
def test_no_document_is_on_both_sides_and_no_page_is_lost(counts: list[int], share: float, seed: int) -> None:
    all_pages = lines(
        page(f"{n}.pdf", number) for n, count in enumerate(counts) for number in range(1, count + 1)
    )

    parts = split(all_pages, HowToSplit(share, seed))

    training, test = ({line["textract-ref"] for line in side} for side in (parts.training, parts.test))
    assert not training & test
    assert test
    assert training
    assert len(parts.training) + len(parts.test) == len(all_pages)
    assert split(reversed(all_pages), HowToSplit(share, seed)) == parts


def test_what_a_model_filled_in_is_for_training_always_and_moves_nothing_else() -> None:
    others = pages(20)
    filled = [
        line._replace(content={**line.content, "textract-ref": f"s3://b/filled-{number}.json",
                               "reviewed": {"prefilled": number < 4}})
        for number, line in enumerate(pages(5))
    ]  # fmt: skip

    before, after = split(others, HowToSplit(0.5)), split([*others, *filled[:4]], HowToSplit(0.5))
    audited = split([*filled[:4], filled[4], *others], HowToSplit(0.05))

    assert after.test == before.test
    assert {line["textract-ref"] for line in after.training} >= {f"s3://b/filled-{n}.json" for n in range(4)}
    assert "s3://b/filled-4.json" in {line["textract-ref"] for line in (*audited.test, *audited.training)}
    with pytest.raises(TooFewError, match=r"0 documents that no model had filled in \(4 others\)"):
        split(filled[:4])


def test_nine_of_ten_documents_are_for_training_unless_pages_are_asked_for() -> None:
    by_document, by_page = split(pages(20)), split(pages(20), HowToSplit(by_page=True))

    assert (by_document.num_training_documents, by_document.num_test_documents) == (18, 2)
    assert (len(by_page.training), len(by_page.test)) == (54, 6)
    with pytest.raises(TooFewError, match="1 documents to split"):
        split(pages(1))
    with pytest.raises(ConfigurationError, match="more than 0 and less than 1"):
        split(pages(), HowToSplit(90))


def test_statistics_are_by_document_whichever_manifest_there_is() -> None:
    by_page = page_counts([*pages(3), *lines(page("long.pdf", n) for n in range(1, 12))])
    by_document = page_counts(lines({"raw-ref": f"{n}.pdf", "page-refs": ["x"] * n} for n in (1, 2, 3, 10)))

    assert (by_page.documents, by_page.pages, by_page.longest) == (4, 20, 11)
    assert by_page.longest_document.endswith("long.pdf")
    assert (by_document.mean, by_document.quartiles) == (4.0, (1.75, 2.5, 4.75))
    with pytest.raises(ManifestError, match="expected page-num or page-refs"):
        page_counts(documents())


@pytest.mark.skipif(not MANIFESTS.exists(), reason="the shared data are not here")
def test_the_references_own_labels_are_split_by_document() -> None:
    labelled = [
        line for n in (1, 2) for line in read_lines(MANIFESTS / f"ref-augmentation-{n}.output.manifest")
    ]

    parts = split(labelled)

    assert len(parts.training) + len(parts.test) == 100
    assert parts.num_training_documents + parts.num_test_documents == 98
