import json
import re
from pathlib import Path

import pytest
from pydantic.alias_generators import to_pascal

from recto.errors import FieldConfigurationError
from recto.fields import FieldConfiguration, FieldType, Select, dump_fields, field_faults, parse_fields
from recto.normalise import NORMALIZERS
from recto.validators import RULES, VALIDATORS

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "fields.md"
CREDIT_CARDS = Path(__file__).parents[3] / "shared" / "fields-credit-cards.json"

EVERY_KEY = {
    "ClassId": 0,
    "Name": "Fee - Annual",
    "Ignore": False,
    "Optional": True,
    "Select": "shortest",
    "AnnotationGuidance": "<p>The fee</p>",
    "NormalizerEndpoint": "endpoint",
    "NormalizerPrompt": "Amount: ",
    "Type": "money",
    "ReviewThreshold": 0.9,
    "Normalizer": "number",
    "Validators": ["not_empty", {"Name": "money_range", "Minimum": 0, "Maximum": 500}],
    "Rules": [{"Name": "at_least_one_of", "Fields": ["Other"]}],
    "DecimalMark": ".",
}
OTHER = {"ClassId": 1, "Name": "Other"}


def test_every_key_is_read_and_written_back_as_it_was() -> None:
    fields = parse_fields([EVERY_KEY, OTHER])
    fields["Fee - Annual"].normalise("1,234")

    assert dump_fields(fields) == [EVERY_KEY, OTHER]
    assert fields["Fee - Annual"].kind == FieldType.MONEY
    assert fields["Fee - Annual"].normalizer_name == "number"


def test_keys_that_are_not_set_are_not_written() -> None:
    assert dump_fields(parse_fields('[{"ClassId": 0, "Name": "A"}]')) == [{"ClassId": 0, "Name": "A"}]


def test_what_a_field_says_of_its_writing_is_used() -> None:
    told = {"Type": "date", "DateOrder": "DMY", "TwoDigitYearsFrom": 1900}
    field = parse_fields([{"ClassId": 0, "Name": "Born"} | told])["Born"]

    assert field.normalise("03/04/19").value == "1919-04-03"


def test_a_selector_is_read_in_any_case_and_written_in_lower_case() -> None:
    fields = parse_fields([{"ClassId": 0, "Name": "A", "Select": "LongEST"}])

    assert fields["A"].select == Select.LONGEST
    assert dump_fields(fields)[0]["Select"] == "longest"


def test_a_field_without_a_selector_is_multi_valued_and_without_a_type_text() -> None:
    field = parse_fields([{"ClassId": 0, "Name": "A"}])["A"]

    assert field.is_multi_valued
    assert field.is_required
    assert field.normalizer_name == "text"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"Optinal": True}, "unknown key 'Optinal'"),
        ({"optional": True}, "unknown key 'optional'"),
        ({"NormalizerEndpoint": "e"}, "NormalizerEndpoint and NormalizerPrompt"),
        ({"NormalizerPrompt": "p"}, "NormalizerEndpoint and NormalizerPrompt"),
        ({"Select": "best"}, "Select"),
        ({"Type": "colour"}, "Type"),
        ({"ReviewThreshold": 1.2}, "ReviewThreshold"),
        ({"Normalizer": "dates"}, "unknown normalizer 'dates', did you mean 'date'?; known: address"),
        ({"Validators": ["date_in_rage"]}, "unknown validator 'date_in_rage'"),
        ({"Validators": [{"Name": "money_range", "Min": 3}]}, "Min"),
        ({"Validators": [{"Name": "pattern", "Pattern": "("}]}, "not a regular expression"),
        ({"DateOrder": "MDY"}, "DateOrder is for date or date_day_first, the field is text"),
        ({"Type": "date", "DateOrder": "mdy"}, "DateOrder"),
        ({"Type": "money", "Currency": "dollars"}, "Currency"),
        ({"Type": "money", "Country": "US"}, "Country is for address or phone, the field is money"),
        ({"Rules": [{"Name": "equal_to", "Field": "Fee"}]}, "names the field itself"),
        ({"ClassId": -1}, "ClassId"),
        ({"Name": ""}, "Name"),
    ],
)
def test_a_wrong_field_is_refused_with_its_name_and_its_key(entry: dict[str, object], said: str) -> None:
    with pytest.raises(FieldConfigurationError) as caught:
        parse_fields([{"ClassId": 0, "Name": "Fee"} | entry])

    assert said in str(caught.value)
    assert "'Fee'" in str(caught.value) or entry.get("Name") == ""


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("[]", "at least 1"),
        ("{}", "expected a JSON list, seen dict"),
        ("nothing", "not JSON"),
        ("[3]", "field number 1"),
        ('[{"Name": "A"}]', "'ClassId' is missing"),
        ('[{"ClassId": 1, "Name": "A"}]', "without gaps"),
        ('[{"ClassId": 0, "Name": "A"}, {"ClassId": 0, "Name": "B"}]', "ClassId used more than once: 0"),
        ('[{"ClassId": 0, "Name": "A"}, {"ClassId": 1, "Name": "A"}]', "Name used more than once: A"),
    ],
)
def test_a_wrong_list_is_refused_with_what_is_wrong(source: str, said: str) -> None:
    with pytest.raises(FieldConfigurationError, match=said):
        parse_fields(source)


def test_all_faults_of_a_list_are_told_at_once_each_with_its_field() -> None:
    source = [
        {"ClassId": 0, "Name": "Fee", "Optinal": True, "Type": "mony"},
        {"ClassId": 0, "Name": "Date", "Normalizer": "dat"},
        {"ClassId": 5, "Name": "Date"},
        "no field",
    ]

    faults = field_faults(source)

    assert [fault.split(":")[0] for fault in faults[:4]] == [
        "field 'Fee'", "field 'Fee'", "field 'Date'", "field number 4"
    ]  # fmt: skip
    assert "unknown key 'Optinal', did you mean 'Optional'?" in faults[1] + faults[0]
    assert "did you mean 'date'?" in faults[2]
    assert faults[4:] == [
        "field list: Name used more than once: Date",
        "field list: ClassId used more than once: 0 ('Fee', 'Date')",
    ]
    with pytest.raises(FieldConfigurationError) as caught:
        parse_fields(source)  # type: ignore[arg-type]
    assert str(caught.value) == "; ".join(faults)


def test_a_gap_names_the_missing_ids_and_the_fields_past_the_end() -> None:
    faults = field_faults([{"ClassId": 0, "Name": "A"}, {"ClassId": 3, "Name": "B"}])

    assert faults == [
        "field list: ClassId must run from 0 to 1 without gaps, missing 1, seen instead 3 ('B')"
    ]
    assert field_faults([{"ClassId": 0, "Name": "A"}]) == []


def test_labels_follow_class_ids_and_sort_orders_follow_the_list_without_ignored_fields() -> None:
    fields = parse_fields(
        [
            {"ClassId": 2, "Name": "C"},
            {"ClassId": 0, "Name": "A", "Ignore": True},
            {"ClassId": 1, "Name": "B"},
        ]
    )

    assert fields.labels == ("A", "B", "C", "other")
    assert fields.other_class == 3
    assert fields.sort_orders == {"C": 0, "B": 1}
    assert list(fields.by_class) == [0, 1, 2]


@pytest.mark.skipif(not CREDIT_CARDS.exists(), reason="../shared is not here")
def test_the_19_credit_card_fields_come_back_unchanged() -> None:
    source = json.loads(CREDIT_CARDS.read_text())

    fields = parse_fields(source)

    assert dump_fields(fields) == source
    assert (len(fields), fields.other_class, len(fields.active)) == (19, 19, 16)


def test_the_guides_example_is_a_field_list_and_the_guide_names_all_that_there_is() -> None:
    guide = GUIDE.read_text()
    example = re.search(r"```json\n(.*?)```", guide, re.DOTALL)
    names = [
        *VALIDATORS,
        *RULES,
        *NORMALIZERS,
        *(to_pascal(name) for name in FieldConfiguration.model_fields),
    ]

    assert example
    assert parse_fields(example[1])["Total"].rules
    assert [name for name in names if f"`{name}`" not in guide] == ["date_day_first"]
