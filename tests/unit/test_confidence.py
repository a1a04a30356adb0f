import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recto.confidence import (
    FEATURES,
    Calibration,
    Evidence,
    Standing,
    feature_vector,
    features_of,
    parse_calibration,
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
    features = features_of(Evidence(0.1, 0.2, 0.3, 0.4, 0.5, 1), Standing(False, 2, 0.7, 0.8))

    assert feature_vector(features) == [0.1, 0.2, 0.3, 0.4, 0.5, math.log(2), 0.0, math.log(2), 0.7, 0.8]
    assert tuple(features) == FEATURES


def test_a_calibration_comes_back_from_its_file() -> None:
    assert parse_calibration(DEFAULT.model_dump_json()) == DEFAULT


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"features": ["mean_oca"], "coefficients": [1.0]}, "unknown features: mean_oca"),
        ({"coefficients": [1.0]}, "6 features with 1 coefficients"),
        ({"method": "isotonic"}, "method"),
        ({"extra": 1}, "extra"),
    ],
)
def test_a_wrong_calibration_is_refused_with_what_is_wrong(change: dict[str, object], said: str) -> None:
    source = json.dumps(DEFAULT.model_dump() | change)

    with pytest.raises(ReleaseError, match=said):
        parse_calibration(source)
