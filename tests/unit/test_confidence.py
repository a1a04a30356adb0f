import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recto import confidence as confidence_module
from recto.confidence import (
    FEATURES,
    Calibration,
    Evidence,
    Offset,
    Standing,
    dump_calibration,
    feature_vector,
    features_of,
    fingerprint,
    log_odds,
    parse_calibration,
    shape,
)
from recto.errors import ReleaseError

shares = st.floats(0, 1)
DEFAULT = Calibration.default()


def confidence(probability: float, ocr: float, standing: Standing | None = None) -> float:
    evidence = Evidence.of_words([probability], [ocr])
    return DEFAULT.confidence(features_of(evidence, standing or Standing()))


def test_certain_words_that_are_read_well_are_believed() -> None:
    assert confidence(1.0, 1.0) > 0.98


def test_a_word_that_the_ocr_can_hardly_read_is_not_believed() -> None:
    assert confidence(0.9, 0.12) < 0.1


def test_one_bad_word_among_many_good_ones_counts() -> None:
    all_good = Evidence.of_words([0.99] * 5, [0.99] * 5)
    one_bad = Evidence.of_words([0.99] * 5, [0.99] * 4 + [0.2])

    assert DEFAULT.confidence(features_of(one_bad)) < 0.7 * DEFAULT.confidence(features_of(all_good))


@given(shares, shares, shares)
def test_more_probability_or_better_ocr_never_lowers_the_default_confidence(
    a: float, b: float, c: float
) -> None:
    low, high = sorted((a, b))

    assert confidence(low, c) <= confidence(high, c)
    assert confidence(c, low) <= confidence(c, high)


def test_a_rival_lowers_the_default_confidence() -> None:
    assert confidence(0.9, 0.99, Standing(rival=0.9)) < confidence(0.9, 0.99)


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=len(FEATURES), max_size=len(FEATURES)),
    st.floats(-1e6, 1e6),
    st.lists(st.tuples(shares, shares, shares), min_size=1, max_size=5),
)
def test_confidence_lies_strictly_between_0_and_1_whatever_the_coefficients(
    coefficients: list[float], intercept: float, words: list[tuple[float, float, float]]
) -> None:
    calibration = Calibration(features=FEATURES, coefficients=tuple(coefficients), intercept=intercept)

    found = calibration.confidence(features_of(Evidence.of_words(*map(list, zip(*words, strict=True)))))

    assert 0 < found < 1


def test_a_calibration_is_the_logistic_function_of_its_features() -> None:
    calibration = Calibration(features=("mean_ocr", "log_words"), coefficients=(2.0, -1.0), intercept=0.5)
    features = features_of(Evidence.of_words([0.9, 0.8], [0.4, 0.6]))

    score = 0.5 + 2 * 0.5 - math.log(3)
    assert calibration.confidence(features) == pytest.approx(1 / (1 + math.exp(-score)))


def test_the_feature_vector_follows_the_documented_order() -> None:
    evidence = Evidence(0.1, 0.2, 0.3, 0.4, 0.5, 1, 0.6, 0.7, 0.8, 0.9, 1.5, True, False, 2)
    features = features_of(evidence, Standing(False, 2, 0.7, 0.8, 3, False, True, False, True, 0.25))

    odds = [log_odds(p) for p in (0.1, 0.2, 0.6, 0.7, 0.8, 0.9)]
    of_mention = [0.1, 0.2, 0.3, 0.4, 0.5, math.log(2), *odds, 1.5, 1.0, 0.0, math.log(2)]
    of_value = [0.0, math.log(2), 0.7, 0.8, log_odds(0.8), math.log(4), 0.0, 0.0, 0.0, 1.0, 0.25]
    assert feature_vector(features) == pytest.approx(of_mention + of_value)
    assert tuple(features) == FEATURES


def test_every_feature_is_explained_where_the_module_says_what_they_are() -> None:
    lines = (confidence_module.__doc__ or "").splitlines()
    explained = [line.split()[0] for line in lines if line.startswith("    ")]

    assert [name for name in FEATURES if name not in explained] == []


@given(st.floats(0, 1), st.floats(0, 1))
def test_log_odds_rise_with_the_probability_and_stay_finite(one: float, other: float) -> None:
    low, high = sorted((one, other))

    assert -9.3 < log_odds(low) <= log_odds(high) < 9.3


def test_a_class_adds_its_offset_and_others_do_not() -> None:
    offset = Offset(coefficients=(1.0,), intercept=-2.0)
    calibration = Calibration(
        schema_version=2, features=("mean_ocr",), coefficients=(2.0,), intercept=0.5, classes={3: offset}
    )
    features = {"mean_ocr": 0.5}

    assert calibration.confidence(features, 3) == pytest.approx(1 / (1 + math.exp(-(0.5 + 1 - 2 + 0.5))))
    assert calibration.confidence(features, 2) == calibration.confidence(features)
    assert parse_calibration(dump_calibration(calibration)) == calibration


def test_a_feature_beyond_what_the_fit_saw_counts_as_the_furthest_that_it_saw() -> None:
    calibration = Calibration(
        schema_version=2, features=("surprise",), coefficients=(-1.0,), intercept=0.0, ranges=((0.5, 2.0),)
    )

    assert calibration.confidence({"surprise": 90.0}) == calibration.confidence({"surprise": 2.0})
    assert calibration.confidence({"surprise": 0.0}) == calibration.confidence({"surprise": 0.5})


def test_a_value_is_known_by_its_class_and_normal_form_and_never_told() -> None:
    known = tuple(sorted(fingerprint(0, name) for name in ("acme", "borealis")))
    calibration = DEFAULT.model_copy(update={"schema_version": 2, "known": known})

    assert calibration.knows(0, "acme")
    assert not calibration.knows(1, "acme")
    assert not calibration.knows(0, "acm")
    assert not DEFAULT.knows(0, "acme")
    assert "acme" not in dump_calibration(calibration).decode()
    assert parse_calibration(dump_calibration(calibration)) == calibration


def test_a_value_is_near_a_known_one_of_its_class_by_its_letters() -> None:
    name = "maxincomeresourcessdnbhd"
    calibration = DEFAULT.model_copy(update={"known_shapes": {3: (f"{shape(name):016x}",)}})

    assert calibration.nearness(3, name) == 1.0
    assert 0.2 < calibration.nearness(3, name.replace("inc", "imc")) < 1.0
    assert calibration.nearness(3, "sushieden24hoursimpression") == 0.0
    assert calibration.nearness(2, name) == 0.0
    assert calibration.nearness(3, "2018-03-4") == 0.0
    assert name not in dump_calibration(calibration).decode()


def test_a_file_of_the_first_schema_is_read_as_it_always_was() -> None:
    source = {"method": "logistic", "features": ["mean_ocr"], "coefficients": [2.0], "intercept": -1.0}

    calibration = parse_calibration(json.dumps(source))

    assert (calibration.schema_version, calibration.ranges, calibration.classes) == (1, (), {})
    assert calibration.confidence({"mean_ocr": 0.5}) == pytest.approx(0.5)


def test_a_calibration_comes_back_from_its_file() -> None:
    assert parse_calibration(DEFAULT.model_dump_json()) == DEFAULT


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"features": ["mean_oca"], "coefficients": [1.0]}, "unknown features: mean_oca"),
        ({"coefficients": [1.0]}, "6 features with 1 coefficients"),
        ({"method": "isotonic"}, "method"),
        ({"schema": 3}, "schema"),
        ({"classes": {"0": {"coefficients": [0] * 6, "intercept": 0}}}, "known values need schema 2"),
        ({"schema": 2, "known": ["b", "a"]}, "known values must ascend"),
        ({"schema": 2, "known_shapes": {"0": ["xyz"]}}, "16 hexadecimal digits"),
        ({"schema": 2, "known_shapes": {"0": []}}, "without any shape"),
        ({"known_shapes": {"0": ["00000000000000ff"]}}, "known values need schema 2"),
        ({"schema": 2, "classes": {"0": {"coefficients": [0], "intercept": 0}}}, "6 features with 1 coeff"),
        ({"schema": 2, "ranges": [[0, 1]]}, "6 features with 1 ranges"),
        ({"schema": 2, "ranges": [[1, 0]] * 6}, "the lower one first"),
        ({"extra": 1}, "extra"),
    ],
)
def test_a_wrong_calibration_is_refused_with_what_is_wrong(change: dict[str, object], said: str) -> None:
    source = json.dumps(DEFAULT.model_dump(mode="json") | change)

    with pytest.raises(ReleaseError, match=said):
        parse_calibration(source)
