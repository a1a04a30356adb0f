"""Known values found in the words of a page."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recto.alignment import PageText, find_value, letters_of
from recto.document import Page
from recto.fields import parse_fields
from recto_training.alignment import Aligned, Alignment, Policy, align_document
from recto_training.caching import PageCache
from recto_training.corpus import IGNORED, NO_FIELD
from recto_training.exporters.values import values_of
from recto_training.manifests import manifest_corpus
from recto_training.ocr_folder import Mapped, OcrFolder
from tests.training.labelled import FIELDS, page_of

OTHER = FIELDS.other_class


def marked(aligned: Aligned) -> list[tuple[str, str]]:
    """Field and words of each mention."""
    found: dict[int, list[str]] = {}
    classes: dict[int, int] = {}
    for labelled in aligned.document.pages:
        for word, class_id, entity in zip(
            labelled.page.words, labelled.classes, labelled.entities, strict=True
        ):
            assert (class_id == OTHER) == (entity == NO_FIELD)
            if entity != NO_FIELD:
                found.setdefault(entity, []).append(word.text)
                classes[entity] = class_id
    return [(FIELDS.labels[classes[entity]], " ".join(words)) for entity, words in found.items()]


def align(page: Page, how: Alignment = Alignment(), **values: str) -> Aligned:  # noqa: B008
    return align_document("d", [page], {name: [value] for name, value in values.items()}, FIELDS, how)


@pytest.mark.parametrize(
    ("line", "field", "value", "words"),
    [
        ("to ACME Ltd. of", "company", "acme ltd", "ACME Ltd."),
        ("(A.C.M.E.) SDN-BHD here", "company", "ACME SDN BHD", "(A.C.M.E.) SDN-BHD"),
        ("sold by ACNE HOLDINGS today", "company", "ACME HOLDINGS", "ACNE HOLDINGS"),
        ("sold by ACM EHOLDINGS today", "company", "ACME HOLDINGS", "ACM EHOLDINGS"),
        ("sum RM33.90 due", "total", "33.90", "RM33.90"),
        ("sum 1,250.00 due", "total", "1250.00", "1,250.00"),
        ("on Date:25/12/2018 at", "date", "25/12/2018", "Date:25/12/2018"),
        ("made this 18th day of April, 2001 by", "date", "2001-04-18", "18th day of April, 2001"),
        ("as of April 18, 2001 by", "date", "2001-04-18", "April 18, 2001"),
        ("for seven (7) years from", "term", "7 years", "seven (7) years"),
        ("until the third anniversary of it", "term", "3 years", "third anniversary"),
        ("between KITE PHARMA, INC. and", "party", "Kite Pharma Inc.", "KITE PHARMA, INC."),
        ("and Nike, Incorporated (Nike)", "party", "Nike Inc.", "Nike, Incorporated"),
    ],
)
def test_a_value_is_found_as_it_is_printed(line: str, field: str, value: str, words: str) -> None:
    aligned = align(page_of(line), **{field: value})

    assert marked(aligned) == [(field, words)]
    assert not aligned.missing


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("call 183390123 now", "total", "33.90"),
        ("postcode 33905 there", "company", "3390"),
        ("pay 3390 units", "total", "33.90"),
        ("sum 33.91 due", "total", "33.90"),
        ("on 26/12/2018", "date", "25/12/2018"),
        ("sold by ACTIVE MOLDINGS", "company", "ACME HOLDINGS"),
        ("for nine (9) years", "term", "7 years"),
    ],
)
def test_what_only_looks_like_the_value_is_not_taken(line: str, field: str, value: str) -> None:
    aligned = align(page_of(line), **{field: value})

    assert not marked(aligned)
    assert [one.value for one in aligned.missing] == [value]


def test_a_value_over_lines_is_one_mention() -> None:
    page = page_of("ACME HOLDINGS", "SDN BHD", "Tel 123")

    assert marked(align(page, company="ACME HOLDINGS SDN BHD")) == [("company", "ACME HOLDINGS SDN BHD")]


def test_a_value_with_other_words_between_its_lines_keeps_its_own_words() -> None:
    page = page_of("GRAND PALACE HOTEL", "GST 12345", "MANAGEMENT SERVICES", "Tel 123")

    aligned = align(page, company="Grand Palace Hotel Management Services")

    assert marked(aligned) == [("company", "GRAND PALACE HOTEL MANAGEMENT SERVICES")]


def test_another_fields_words_within_a_long_value_stay_its_own() -> None:
    page = page_of("kindly pay the full sum", "of $300.00 on or before", "the last business day of May")
    text = "kindly pay the full sum of on or before the last business day of May"

    aligned = align(page, company=text, total="$300.00")

    assert sorted(marked(aligned)) == [("company", text), ("total", "$300.00")]


def test_a_value_is_never_joined_over_pages() -> None:
    pages = [page_of("sold by ACME"), page_of("HOLDINGS today", number=2)]

    aligned = align_document("d", pages, {"company": ["ACME HOLDINGS"]}, FIELDS)

    assert [one.value for one in aligned.missing] == ["ACME HOLDINGS"]


def test_a_word_of_two_values_goes_to_the_longer_one() -> None:
    aligned = align(page_of("ACME HOLDINGS and ACME"), company="ACME", party="ACME HOLDINGS")

    assert sorted(marked(aligned)) == [("company", "ACME"), ("party", "ACME HOLDINGS")]


RECEIPT = ("Coffee 12.50", "Total 12.50", "Cash 12.50")


@pytest.mark.parametrize(
    ("how", "classes"),
    [
        (Alignment(), (2, 2, 2)),
        (Alignment(Policy.FIRST), (2, OTHER, OTHER)),
        (Alignment(Policy.BEST, ("TOTAL",), reach=1), (OTHER, 2, OTHER)),
        (Alignment(Policy.BEST, ("TOTAL",), others=IGNORED, reach=1), (IGNORED, 2, IGNORED)),
        (Alignment(Policy.BEST, ("AMOUNT",)), (2, 2, 2)),
    ],
)
def test_a_policy_says_which_of_several_places_count(how: Alignment, classes: tuple[int, ...]) -> None:
    (labelled,) = align(page_of(*RECEIPT), how, total="12.50").document.pages

    assert labelled.classes[1::2] == classes


def test_best_prefers_the_print_without_wrong_letters() -> None:
    page = page_of("ACME HOLDINGZ LIMITED", "and", "ACME HOLDINGS LIMITED-X")
    field, texts = FIELDS["company"], [PageText(page)]

    places = find_value(texts, "ACME HOLDINGS LIMITED", field)

    assert [place.words for place in places] == [(4, 5, 6)]
    assert places[0].wrong == 1


def test_an_empty_page_and_an_empty_value_find_nothing() -> None:
    assert align(page_of(), company="ACME").missing
    assert align(page_of("ACME"), company="...").missing


WORDS = st.text("ABCDEFGHIJ12345", min_size=2, max_size=8)


@given(st.lists(WORDS, max_size=8), st.lists(WORDS, min_size=1, max_size=4), st.lists(WORDS, max_size=8))
def test_whatever_stands_on_the_page_is_found(before: list[str], value: list[str], after: list[str]) -> None:
    page = page_of(" ".join(before), " ".join(value), " ".join(after))

    aligned = align(page, company=" ".join(value).lower())

    assert not aligned.missing
    assert all(letters_of(words) == "".join(value) for _, words in marked(aligned))


@given(WORDS, st.integers(0, 7), st.sampled_from("XYZ"))
def test_one_letter_wrong_in_a_long_value_does_not_lose_it(tail: str, place: int, letter: str) -> None:
    value = f"MONASTERY GARDENS {tail}"
    misread = value[: place + 1] + letter + value[place + 2 :]

    aligned = align(page_of("the", misread, "of"), company=value)

    assert [words for _, words in marked(aligned)] == [misread]


def test_values_of_real_letters_are_found_where_annotators_marked_them(tmp_path: Path) -> None:
    letters = Path(__file__).parents[2].parent / "shared" / "data" / "legal-letters"
    if not letters.exists():
        pytest.skip("../shared/data/legal-letters is not here")
    ocr = OcrFolder(PageCache(tmp_path), [Mapped("s3://legal-entity-blog", letters)])
    some = tmp_path / "some.manifest"
    some.write_text("\n".join((letters / "output.manifest").read_text().splitlines()[::10]))
    corpus = manifest_corpus([some], ocr)
    labels = corpus.labels[:-1]
    fields = parse_fields([{"ClassId": n, "Name": name} for n, name in enumerate(labels)])

    wrong = num_words = 0
    for document in corpus:
        (labelled,) = document.pages
        aligned = align_document(document.id, [labelled.page], values_of(document, fields), fields)
        pairs = zip(labelled.classes, aligned.document.pages[0].classes, strict=True)
        compared = [one == other for one, other in pairs if IGNORED not in {one, other}]
        num_words += len(compared)
        wrong += compared.count(False)

    assert num_words > 3000
    assert wrong <= 0.002 * num_words
