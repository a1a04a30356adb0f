"""The synthetic agreements: repeatable, inside the page, true, and honestly held out."""

import re

import pypdfium2
import pytest

from recto_training.export import demo_fields
from recto_training.samples import write_samples
from recto_training.synthetic import banks, facts, wordings
from recto_training.synthetic.agreement import ALL_HELD_OUT, ALL_SEEN, ALL_TEST, Agreement, Plan, generate
from recto_training.synthetic.banks import Bank, Split
from recto_training.synthetic.families import HELD_OUT_FAMILIES, SEEN_FAMILIES, TEST_FAMILIES
from recto_training.synthetic.markup import NO_FIELD, mark, marked_words
from recto_training.synthetic.pdf import write_pdf

FAMILIES = [
    *((name, ALL_SEEN) for name in SEEN_FAMILIES),
    *((name, ALL_HELD_OUT) for name in HELD_OUT_FAMILIES),
    *((name, ALL_TEST) for name in TEST_FAMILIES),
]


def all_banks() -> dict[str, Bank]:
    named = {
        f"{module.__name__}.{name}": value
        for module in (banks, facts, wordings)
        for name, value in vars(module).items()
        if isinstance(value, Bank)
    }
    for field, words in wordings.WORDS.items():
        named |= {f"labels {field}": words.labels, f"cells {field}": words.cells}
        named |= {f"sentences {field}": words.sentences, f"questions {field}": wordings.QUESTIONS[field]}
    return named


def all_expansions(form: str) -> set[str]:
    """Every text that the choices in a form can give."""
    match = re.search("<([^<>]*)>", form)
    if match is None:
        return {form}
    rest = (form[: match.start()] + part + form[match.end() :] for part in match[1].split("~"))
    return {text for one in rest for text in all_expansions(one)}


def words_of(agreement: Agreement) -> list[str]:
    return [word.text for page in agreement.pages for word in page]


def test_marked_words_carry_their_field_through_touching_punctuation() -> None:
    words = marked_words(f"Pay ({mark(10, 'Up to $25')}). Now")

    assert [word.text for word in words] == ["Pay", "(Up", "to", "$25).", "Now"]
    assert [word.field for word in words] == [NO_FIELD, 10, 10, 10, NO_FIELD]
    assert [word.value for word in words] == ["", "Up", "to", "$25", ""]


@pytest.mark.parametrize(("family", "plan"), FAMILIES)
def test_the_same_seed_gives_the_same_agreement_and_the_same_bytes(family: str, plan: Plan) -> None:
    first, second = generate("7", plan, family), generate("7", plan, family)

    assert first.pages == second.pages
    assert write_pdf(first.sheet) == write_pdf(second.sheet)
    assert words_of(first) != words_of(generate("8", plan, family))


@pytest.mark.parametrize(("family", "plan"), FAMILIES)
def test_truth_boxes_lie_inside_the_page(family: str, plan: Plan) -> None:
    for seed in range(15):
        for page in generate(f"inside {seed}", plan, family).pages:
            for word in page:
                left, top, right, bottom = word.box
                assert 0 <= left < right <= 1, word
                assert 0 <= top < bottom <= 1, word


@pytest.mark.parametrize(("family", "plan"), FAMILIES)
def test_each_agreement_says_who_provides_the_card(family: str, plan: Plan) -> None:
    for seed in range(10):
        fields = {mention.field for mention in generate(f"who {seed}", plan, family).mentions}
        assert {wordings.PROVIDER, wordings.CARD} <= fields


def test_every_field_of_the_configuration_occurs() -> None:
    mentions = [m for seed in range(80) for m in generate(f"all {seed}").mentions]

    assert {mention.field for mention in mentions} == set(range(len(demo_fields())))


def test_the_pdf_prints_the_words_where_the_truth_says() -> None:
    agreement = generate("print", ALL_SEEN, "schumer")

    document = pypdfium2.PdfDocument(write_pdf(agreement.sheet))

    assert len(document) == len(agreement.pages)
    page = document[0]
    width, height = page.get_size()
    for word in agreement.pages[0][:40]:
        sides = (word.box.left * width - 1, (1 - word.box.bottom) * height - 1)
        ends = (word.box.right * width + 1, (1 - word.box.top) * height + 1)
        assert word.text in page.get_textpage().get_text_bounded(*sides, *ends)


def test_nothing_held_out_is_in_another_part_of_a_bank() -> None:
    assert len({*SEEN_FAMILIES, *HELD_OUT_FAMILIES, *TEST_FAMILIES}) == (
        len(SEEN_FAMILIES) + len(HELD_OUT_FAMILIES) + len(TEST_FAMILIES)
    )
    common = {text.casefold() for text in facts.BARE | facts.PLAIN}
    for name, bank in all_banks().items():
        assert all(bank), name
        seen, held_out, test = (
            {text.casefold() for form in part for text in all_expansions(form)} - common for part in bank
        )
        assert not seen & held_out, name
        assert not seen & test, name
        assert not held_out & test, name


def test_no_held_out_name_appears_in_training_documents() -> None:
    seen = [generate(f"seen {seed}") for seed in range(120)]
    held_out = [generate(f"held out {seed}", ALL_HELD_OUT) for seed in range(60)]

    def texts(agreements: list[Agreement], field: int) -> set[str]:
        return {m.text.casefold() for a in agreements for m in a.mentions if m.field == field}

    test = [generate(f"test {seed}", ALL_TEST) for seed in range(60)]
    for field in (wordings.PROVIDER, wordings.CARD, wordings.ADDRESS):
        assert not texts(seen, field) & texts(held_out, field)
        assert not texts(seen, field) & texts(test, field)
    halves = banks.FIRST_HALF.part(Split.HELD_OUT)
    starts = re.compile(
        "|".join(f"\\b{half}" for half in halves if half not in {"Black", "Gold", "Spring", "Summer"})
    )
    assert not [text for a in seen for m in a.mentions if starts.search(text := m.text) and m.field == 16]


def test_the_samples_are_made_again_to_the_byte(tmp_path_factory: pytest.TempPathFactory) -> None:
    first, second = tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second")

    write_samples(first)
    write_samples(second)

    names = sorted(path.name for path in first.iterdir())
    assert {path.rsplit(".", 1)[-1] for path in names} == {"pdf", "jpg", "tiff", "json", "jsonl"}
    assert all((first / name).read_bytes() == (second / name).read_bytes() for name in names)
    assert sum(path.stat().st_size for path in first.iterdir()) < 3_000_000
