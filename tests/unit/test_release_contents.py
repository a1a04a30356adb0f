"""A release's small files and the model's labels go together, or are refused by name."""

from typing import Any

import pytest

from recto.errors import FieldConfigurationError, ReleaseError
from recto.field_changes import field_changes
from recto.fields import parse_fields
from recto.release import CALIBRATION, INDEX, MODEL, hash_files, parse_release, release_prefix
from recto.release_contents import check_contents, misfits, renamed_thresholds
from tests.unit.releases import ENTRIES, LABELS, changed, contents


def test_a_whole_release_is_read() -> None:
    found = check_contents(contents())

    assert found.fields.labels == tuple(LABELS)
    assert found.thresholds.fields == {"Total": 0.9}


def test_a_thresholds_file_that_the_index_does_not_list_is_not_read() -> None:
    release = parse_release(contents()[INDEX])
    listed = {name: digest for name, digest in release.files.items() if name != "thresholds.json"}

    assert check_contents(contents(files=listed)).thresholds.default == 0.8


@pytest.mark.parametrize(
    ("files", "error", "said"),
    [
        ({}, ReleaseError, r"no release\.json among no files at all"),
        (
            {name: body for name, body in contents().items() if name != MODEL},
            ReleaseError,
            r"missing model\.onnx",
        ),
        ({**contents(), MODEL: b"another"}, ReleaseError, r"model\.onnx \(7 bytes\) has sha256"),
        ({**contents(), INDEX: b"\xff\x00"}, ReleaseError, r"release\.json is not valid"),
        (contents(schema=2), ReleaseError, "schema"),
        (contents(name="a/b"), ReleaseError, "release name 'a/b'"),
        (contents(thresholds={"default": 2}), ReleaseError, r"thresholds\.json: default: .*less than"),
        (contents(thresholds={"fields": {"Totl": 0.5}}), ReleaseError, "'Totl'.*did you mean 'Total'"),
        (contents(labels=[*LABELS[:-1], "More", "other"]), ReleaseError, "5 classes .4 fields.*has 3 fields"),
        (contents(changed(Total={"Optinal": True})), FieldConfigurationError, "'Total': unknown key"),
        (contents(changed(Date={"ClassId": 0})), FieldConfigurationError, "ClassId used more than once: 0"),
    ],
)
def test_what_does_not_go_together_is_refused_by_name(
    files: dict[str, bytes], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        check_contents(files)


def test_a_calibration_that_is_none_is_refused() -> None:
    body = b'{"features": ["luck"], "coefficients": [1.0], "intercept": 0}'
    listed = {**parse_release(contents()[INDEX]).files, **hash_files({CALIBRATION: body})}

    with pytest.raises(ReleaseError, match=r"calibration\.json: .*unknown features: luck"):
        check_contents({**contents(files=listed), CALIBRATION: body})


def test_fields_under_new_names_fit_the_model_and_swapped_ones_do_not() -> None:
    renamed = parse_fields(changed(Total={"Name": "Amount"}))
    swapped = parse_fields(changed(Total={"Name": "Date"}, Date={"Name": "Total"}))

    assert misfits(LABELS, renamed) == []
    assert misfits(LABELS, swapped) == [
        "ClassId 0 is named 'Date', which the model knows as class 1; its class 0 is 'Total'",
        "ClassId 1 is named 'Total', which the model knows as class 0; its class 1 is 'Date'",
    ]


def test_ignored_fields_count_among_the_models_classes() -> None:
    (problem,) = misfits(LABELS, parse_fields(ENTRIES[:2]))

    assert problem.endswith("the field list has 2 fields, ignored ones included; not in the list: Header")


def test_a_threshold_goes_with_its_class_when_the_field_gets_another_name() -> None:
    was = check_contents(contents())

    kept = renamed_thresholds(was.thresholds, was.fields, parse_fields(changed(Total={"Name": "Amount"})))

    assert (kept.default, kept.fields) == (0.7, {"Amount": 0.9})


def test_changes_are_told_class_by_class() -> None:
    before = parse_fields(ENTRIES)
    entries: list[dict[str, Any]] = changed(
        Total={"Name": "Amount", "ReviewThreshold": 0.95, "AnnotationGuidance": "<p>Mark it.</p>"}
    )
    after = parse_fields([*entries[::-1], {"ClassId": 3, "Name": "New"}])

    assert field_changes(before, before) == []
    assert field_changes(before, after) == [
        "renamed: class 0 from 'Total' to 'Amount'",
        "changed: 'Amount' AnnotationGuidance (0 to 15 characters)",
        "changed: 'Amount' ReviewThreshold from unset to 0.95, set by hand",
        "added: class 3 'New'",
    ]
    assert field_changes(after, before)[-1] == "removed: class 3 'New'"
    assert field_changes(before, parse_fields(ENTRIES[::-1])) == ["order: Header, Date, Total"]


def test_two_indexes_never_have_one_prefix() -> None:
    one, two = contents()[INDEX], contents(seed=8)[INDEX]

    assert release_prefix("small", one).startswith("releases/small-")
    assert release_prefix("small", one) != release_prefix("small", two)
