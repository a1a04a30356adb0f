"""Workers' answers, in every form in which they come."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recto.errors import AnswerError
from recto.labels import (
    ClassAnswer,
    FormAnswer,
    ImageAnswer,
    ImageSize,
    LabelledSpan,
    PageAnswer,
    SpanAnswer,
    parse_answer,
    pixels_of,
)

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "groundtruth"
needs_real_data = pytest.mark.skipif(not REAL.is_dir(), reason="the shared data is not there")


def box(label: str = "A", left: float = 10, top: float = 20, width: float = 30, height: float = 40) -> Any:
    return {"label": label, "left": left, "top": top, "width": width, "height": height}


def drawn(*boxes: Any, **form: Any) -> dict[str, Any]:
    size = {"height": 1000, "width": 800}
    return {"boxtool": {"boundingBoxes": list(boxes), "inputImageProperties": size}, **form}


def transcription(uid: str, boxes: list[Any], ticked: str, override: str = "", text: str = "raw") -> Any:
    meta = {"label": "A", "labelId": 0, "boxIxs": boxes, "ocrText": text}
    ticks = {f"ocr-{uid}-{name}": {"on": name in ticked} for name in ("correct", "wrong", "unclear")}
    return {f"ocr-{uid}-meta": json.dumps(meta), **ticks, f"ocr-{uid}-override": override}


def page(content: Any) -> PageAnswer:
    answer = parse_answer(content)
    assert isinstance(answer, PageAnswer)
    return answer


# --- boxes and transcriptions -----------------------------------------------------------------------


@given(
    st.integers(0, 700), st.integers(0, 900), st.integers(1, 100), st.integers(1, 100),
)  # fmt: skip
def test_pixels_come_back_as_they_were(left: int, top: int, width: int, height: int) -> None:
    answer = page(drawn(box("A", left, top, width, height)))

    back = pixels_of(answer.boxes[0].box, answer.size)

    assert {"label": "A", **back} == box("A", left, top, width, height)
    assert all(isinstance(value, int) for value in back.values())


def test_boxes_may_stand_under_any_name_and_as_text() -> None:
    content = json.dumps({"annotatedResult": json.dumps(drawn(box())["boxtool"]), "pageAnswer": {"v": 2}})

    assert page(content).boxes[0].label == "A"
    assert page(content).size == ImageSize(800, 1000)


def test_a_transcription_keeps_its_boxes_by_id() -> None:
    answer = page(
        drawn(box("A"), box("B"), **transcription("x-1", [1], "wrong", "19.9 %")),
    )

    (found,) = answer.transcriptions
    assert (found.uid, found.boxes, found.status) == ("x-1", (1,), "wrong")
    assert (found.raw_text, found.target_text) == ("raw", "19.9 %")


def test_correct_text_is_the_ocrs_text_whatever_was_typed() -> None:
    answer = page(drawn(box(), **transcription("x", [0], "correct", "typed before")))

    assert answer.transcriptions[0].target_text == "raw"


@pytest.mark.parametrize("ticked", ["", "correct wrong"])
def test_none_or_several_radio_buttons_are_unclear(ticked: str) -> None:
    answer = page(drawn(box(), **transcription("x", [0], ticked)))

    assert answer.transcriptions[0].status == "unclear"
    assert "expected one of correct, wrong, unclear" in answer.warnings[0]


def test_a_broken_box_is_left_out_and_the_transcriptions_still_mean_the_boxes_they_named() -> None:
    """The reference matched by index: a box that went away moved all texts behind it."""
    broken = box("A", width=0)
    answer = page(drawn(broken, box("B"), **transcription("x", [1], "correct")))

    assert [one.label for one in answer.boxes] == ["B"]
    assert answer.transcriptions[0].boxes == (0,)
    assert answer.warnings[0].startswith("box 0 left out: 0 x 40 pixels")


@pytest.mark.parametrize("left", [10**400, True, None, "x", float("nan")])
def test_a_box_whose_numbers_are_none_is_left_out_and_told(left: Any) -> None:
    answer = page(drawn(box("A", left), box("B")))

    assert [one.label for one in answer.boxes] == ["B"]
    assert "expected left, top, width and height in pixels" in answer.warnings[0]


def test_a_transcription_of_boxes_that_are_not_there_is_told() -> None:
    answer = page(drawn(box(), **transcription("x", [7], "correct")))

    assert answer.transcriptions == ()
    assert "names boxes [7], of which 0 can be used" in answer.warnings[0]
    assert "transcription x left out: none of its boxes [7] is there" in answer.warnings[1]


def test_a_transcription_without_meta_is_told() -> None:
    answer = page(drawn(box(), **{"ocr-x-correct": {"on": True}}))

    assert "no ocr-x-meta, seen correct" in answer.warnings[0]


def test_no_box_is_an_answer() -> None:
    assert page(drawn()).boxes == ()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{not json", "expected JSON"),
        ("[1, 2]", "expected a JSON object"),
        ("null", "expected a JSON object"),
        ({"b": {"boundingBoxes": []}}, "expected the image's width and height"),
        ({"b": {"boundingBoxes": [], "inputImageProperties": {"width": 0, "height": 9}}}, "positive pixels"),
        ({"b": {"boundingBoxes": [], "inputImageProperties": {"width": 10**400, "height": 9}}}, "in pixels"),
        ({"b": {"boundingBoxes": "x", "inputImageProperties": {"width": 9, "height": 9}}}, "expected a list"),
        ({"c": {"label": ["A"]}}, "expected a label or a list of labels"),
        ({"s": {"labeledImage": {}, "labelMappings": {}}}, "seen neither"),
        ({"s": {"labeledImage": {"pngImageData": "x"}, "labelMappings": {"A": {"color": "red"}}}}, "#rrggbb"),
    ],
)
def test_what_cannot_be_used_is_told(content: Any, message: str) -> None:
    with pytest.raises(AnswerError, match=message):
        parse_answer(content)


# --- other forms ------------------------------------------------------------------------------------


def test_spans_of_the_crowd_element() -> None:
    content = {"crowd-entity-annotation": {"entities": [{"startOffset": 1, "endOffset": 4, "label": "PER"}]}}

    assert parse_answer(content) == SpanAnswer((LabelledSpan("PER", 1, 4),))


@pytest.mark.parametrize(
    ("quality", "expected"),
    [
        ("yes", True), ("No", False), ({"yes": {"on": True}, "no": {"on": False}}, True),
        ({"yes": False, "no": True}, False), ({"yes": True, "no": True}, None), ("", None),
    ],
)  # fmt: skip
def test_the_text_workflow_with_its_notes_and_quality(quality: Any, expected: bool | None) -> None:
    spans = json.dumps({"value": [{"start": 0, "end": 3, "label": "ORG"}]})

    answer = parse_answer(json.dumps({"annotations": spans, "notes": " hm ", "quality": quality}))

    assert answer == SpanAnswer((LabelledSpan("ORG", 0, 3),), "hm", expected)


def test_a_span_that_ends_before_it_begins_is_left_out_and_told() -> None:
    content = {"x": {"entities": [{"startOffset": 4, "endOffset": 4, "label": "A"}]}}

    answer = parse_answer(content)

    assert isinstance(answer, SpanAnswer)
    assert answer.spans == ()
    assert answer.warnings == ("span 0 left out: expected 0 <= start < end, seen 4 and 4",)


def test_classes_one_and_several() -> None:
    assert parse_answer({"crowd-image-classifier": {"label": "Duck"}}) == ClassAnswer(("Duck",), False)
    assert parse_answer({"animals": {"labels": ["Cat", "Dog"]}}) == ClassAnswer(("Cat", "Dog"), True)


def test_a_label_image_with_its_colours() -> None:
    content = {
        "crowd-semantic-segmentation": {
            "inputImageProperties": {"width": 2, "height": 2},
            "labelMappings": {"Bird": {"color": "#2CA02C"}},
            "labeledImage": {"pngImageData": "iVBORw0KGgo="},
        }
    }

    assert parse_answer(content) == ImageAnswer("iVBORw0KGgo=", "", {"Bird": "#2ca02c"})


def test_any_other_form_is_kept_as_it_is() -> None:
    assert parse_answer({"colour": "red", "n": 1}) == FormAnswer({"colour": "red", "n": 1})


KEYS = st.sampled_from(
    ["boundingBoxes", "inputImageProperties", "width", "height", "label", "labels", "entities", "value",
     "annotations", "startOffset", "endOffset", "ocr-a-meta", "ocr-a-correct", "labeledImage", "quality", "x"]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(JSON, st.booleans())
def test_whatever_comes_is_an_answer_or_told(value: Any, as_text: bool) -> None:
    content = json.dumps(value) if as_text else value
    with suppress(AnswerError):
        assert parse_answer(content)


# --- real answers -----------------------------------------------------------------------------------


@needs_real_data
def test_every_answer_of_the_real_birds_is_a_class() -> None:
    paths = sorted((REAL / "worker-responses" / "birds-5workers").glob("worker-response/*/*/*.json"))

    answers = [
        parse_answer(one["answerContent"])
        for path in paths
        for one in json.loads(path.read_text())["answers"]
    ]

    assert len(answers) == 1510
    assert all(isinstance(one, ClassAnswer) and len(one.labels) == 1 for one in answers)


@needs_real_data
def test_real_payloads_are_understood() -> None:
    boxes = json.loads(
        (REAL / "consolidation/recipe-sample_annotation_consolidation_payload.json").read_text()
    )
    documents = json.loads((REAL / "consolidation/comprehend-consolidation-request.json").read_text())

    first = page(boxes[0]["annotations"][0]["annotationData"]["content"])
    other = parse_answer(documents[0]["annotations"][0]["annotationData"]["content"])

    assert [one.label for one in first.boxes] == ["Red", "Green"]
    assert isinstance(other, FormAnswer)
    assert list(other.values) == ["document"]


def test_what_is_wrapped_often_is_looked_at_once() -> None:
    """One look more at each level were a million at the twentieth."""
    calls: list[int] = []

    class Counted(dict[str, object]):
        def __getitem__(self, key: str) -> object:
            calls.append(1)
            return super().__getitem__(key)

    value: object = 3
    for _ in range(18):
        value = Counted(value=value)

    parse_answer({"x": value})

    assert len(calls) < 200
