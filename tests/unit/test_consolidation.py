"""Several people's answers made into one: what must hold for any of them, and what was chosen."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recto.consolidation import (
    Given,
    Label,
    LabelledObject,
    Rules,
    consolidate,
    consolidation_of,
    failure_of,
)
from recto.consolidation.clusters import Mark, close_boxes, grouped
from recto.consolidation.texts import agreed_text, distance
from recto.consolidation.voting import decide
from recto.geometry import Box
from recto.labels import parse_answer
from recto.manifests import ManifestLine, chosen_label

LABEL = Label("label", ("A", "B", "C"))
REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "groundtruth"
needs_real_data = pytest.mark.skipif(not REAL.is_dir(), reason="the shared data is not there")


def box(label: str, left: float, top: float, width: float = 100, height: float = 30) -> dict[str, Any]:
    return {"label": label, "left": left, "top": top, "width": width, "height": height}


def page(*boxes: Any, **form: Any) -> dict[str, Any]:
    size = {"height": 1000, "width": 800}
    return {"boxtool": {"boundingBoxes": list(boxes), "inputImageProperties": size}, **form}


def read(uid: str, boxes: Sequence[int], status: str, override: str = "", raw: str = "raw") -> dict[str, Any]:
    meta = {"label": "A", "labelId": 0, "boxIxs": list(boxes), "ocrText": raw}
    return {
        f"ocr-{uid}-meta": json.dumps(meta), f"ocr-{uid}-{status}": {"on": True},
        f"ocr-{uid}-override": override,
    }  # fmt: skip


def spans(*found: tuple[str, int, int]) -> dict[str, Any]:
    listed = [{"label": label, "startOffset": start, "endOffset": end} for label, start, end in found]
    return {"ner": {"entities": listed}}


def together(answers: Sequence[Any], text: str | None = None, **rules: float) -> Any:
    """The content of one object with these answers, of workers a, b, c …"""
    given = tuple(Given(f"worker-{number:02}", answer) for number, answer in enumerate(answers))
    (result,) = consolidate([LabelledObject("0", given, text)], LABEL, Rules(**rules))
    return result.content


# --- what holds for any answers ---------------------------------------------------------------------


@st.composite
def pages(draw: st.DrawFn) -> dict[str, Any]:
    """Boxes of whole pixels, overlapping ones too, and transcriptions of some."""
    number = st.integers(0, 40)
    boxes = [
        box(draw(st.sampled_from("ABC")), 10 * draw(number), 20 * draw(number), 20 + draw(number),
            20 + draw(number))
        for _ in range(draw(st.integers(0, 6)))
    ]  # fmt: skip
    form: dict[str, Any] = {}
    for index in range(len(boxes)):
        if draw(st.booleans()):
            status = draw(st.sampled_from(["correct", "wrong", "unclear"]))
            form |= read(f"u{index}", [index], status, draw(st.text(max_size=5)), draw(st.text(max_size=5)))
    return page(*boxes, **form)


@st.composite
def texts(draw: st.DrawFn) -> dict[str, Any]:
    numbers = st.integers(0, 60)
    starts = sorted({(draw(st.sampled_from("AB")), draw(numbers), draw(numbers)) for _ in range(3)})
    return spans(*((label, start, start + length + 1) for label, start, length in starts))


ANSWERS = st.one_of(
    pages(),
    texts(),
    st.builds(lambda label: {"c": {"label": label}}, st.sampled_from("ABC")),
    st.builds(lambda labels: {"c": {"labels": sorted(labels)}}, st.sets(st.sampled_from("ABC"))),
    st.builds(lambda value: {"form": value}, st.integers(0, 2)),
)
KINDS = st.sampled_from(
    [pages(), texts(), st.builds(lambda label: {"c": {"label": label}}, st.sampled_from("ABC"))]
).flatmap(lambda kind: st.lists(kind, min_size=1, max_size=6))


@given(KINDS, st.randoms(use_true_random=False))
def test_the_order_of_the_workers_changes_nothing(answers: list[Any], random: Any) -> None:
    given_ = [Given(f"w{number}", answer) for number, answer in enumerate(answers)]
    shuffled = list(given_)
    random.shuffle(shuffled)

    results = [
        consolidate([LabelledObject("0", tuple(order))], LABEL, Rules()) for order in (given_, shuffled)
    ]

    assert json.dumps(results[0]) == json.dumps(results[1])


@given(KINDS, st.randoms(use_true_random=False))
def test_the_names_of_the_workers_change_nothing(answers: list[Any], random: Any) -> None:
    shuffled = list(answers)
    random.shuffle(shuffled)

    one, other = (
        together(answers, "some words of a text " * 10),
        together(shuffled, "some words of a text " * 10),
    )

    for content in (one, other):
        if isinstance(content["label"], dict):  # what names workers
            content["label"].pop("annotationsFromAllWorkers", None)
            content["label"].pop("consolidationWarnings", None)
    assert one == other


def as_drawn(content: Any) -> tuple[Any, ...]:
    """Boxes and transcriptions of a page's content as the worker gave them."""
    boxes = [
        {key: one[key] for key in ("label", "left", "top", "width", "height")}
        for one in content["label"]["annotations"]
    ]
    entities = [
        (one["detectionId"], one["boxIxs"], one["ocrStatus"], one.get("rawText"), one.get("targetText"))
        for one in content["label"]["entities"]
    ]
    return boxes, entities


def as_given(answer: Any) -> tuple[Any, ...]:
    parsed: Any = parse_answer(answer)
    entities = [(t.uid, list(t.boxes), t.status, t.raw_text, t.target_text) for t in parsed.transcriptions]
    return answer["boxtool"]["boundingBoxes"], entities


@given(pages())
def test_one_workers_page_comes_out_as_it_went_in(answer: Any) -> None:
    assert as_drawn(together([answer])) == as_given(answer)


@given(pages(), st.integers(2, 10))
def test_the_same_page_of_all_comes_out_with_confidence_1(answer: Any, people: int) -> None:
    content = together([answer] * people)

    boxes, entities = as_drawn(content)
    assert (boxes, sorted(entities)) == (as_given(answer)[0], sorted(as_given(answer)[1]))
    value = content["label"]
    assert all(one["confidence"] == 1 for one in (*value["objects"], *value["entities"]))
    assert value["consolidation"]["adjudicate"] == value["consolidation"]["leftOut"] == []


@given(texts(), st.integers(1, 10))
def test_the_same_spans_of_all_come_out_with_confidence_1(answer: Any, people: int) -> None:
    value = together([answer] * people, "some words of a text " * 10)["label"]

    found = sorted(
        (one["label"], one["startOffset"], one["endOffset"]) for one in value["annotations"]["entities"]
    )
    assert found == sorted(
        (one["label"], one["startOffset"], one["endOffset"]) for one in answer["ner"]["entities"]
    )
    assert all(one["confidence"] == 1 for one in value["annotations"]["entities"])
    assert value["consolidation"]["adjudicate"] == []


@given(ANSWERS, st.integers(1, 10))
def test_the_same_answer_of_all_is_certain_whatever_it_is(answer: Any, people: int) -> None:
    told = consolidation_of(together([answer] * people), "label")

    assert (told["confidence"], told["adjudicate"], told["answers"]) == (1.0, [], people)


BOXES = st.builds(
    lambda worker, label, left, top, width, height: (
        Mark(worker, label), Box.clipped(left, top, left + width, top + height),
    ),
    st.integers(0, 3), st.sampled_from("AB"), *(st.floats(0, 0.5) for _ in range(2)),
    *(st.floats(0.01, 0.5) for _ in range(2)),
)  # fmt: skip


@given(st.lists(BOXES, max_size=12))
def test_no_thing_has_two_boxes_of_one_worker(drawn: list[tuple[Mark, Box]]) -> None:
    marks, boxes = [mark for mark, _ in drawn], [box for _, box in drawn]

    groups = grouped(marks, close_boxes(marks, boxes))

    assert sorted(number for group in groups for number in group) == list(range(len(marks)))
    for group in groups:
        workers = [marks[number].worker for number in group]
        assert len(workers) == len(set(workers))


# --- boxes ------------------------------------------------------------------------------------------


def test_a_box_is_the_median_of_its_edges() -> None:
    drawn = [page(box("A", left, 50)) for left in (100, 104, 90)]

    (found,) = together(drawn)["label"]["annotations"]

    assert (found["left"], found["width"], found["class_id"], found["label"]) == (100, 100, 0, "A")


def test_boxes_of_two_classes_on_one_place_are_one_thing_by_vote() -> None:
    value = together([page(box("A", 1, 1)), page(box("B", 1, 1)), page(box("B", 2, 1))])["label"]

    assert [one["label"] for one in value["annotations"]] == ["B"]
    assert 0.6 < value["objects"][0]["confidence"] < 0.7


def test_boxes_of_one_worker_on_one_place_stay_two() -> None:
    both = page(box("A", 1, 1), box("B", 1, 1))

    value = together([both, both, page(box("B", 1, 1))])["label"]

    assert [one["label"] for one in value["annotations"]] == ["A", "B"]


def test_what_one_of_five_drew_is_left_out_and_told() -> None:
    value = together([page(box("A", 1, 1))] * 4 + [page(box("A", 1, 1), box("C", 500, 500))])["label"]

    assert [one["label"] for one in value["annotations"]] == ["A"]
    (left_out,) = value["consolidation"]["leftOut"]
    assert (left_out["label"], left_out["workers"], left_out["confidence"]) == ("C", 1, 0.2)
    assert value["consolidation"]["adjudicate"] == []


def test_what_two_of_five_drew_is_for_somebody_to_decide() -> None:
    one, both = page(box("A", 1, 1)), page(box("A", 1, 1), box("C", 500, 500))

    value = together([one, one, one, both, both])["label"]

    (reason,) = value["consolidation"]["adjudicate"]
    assert "(C) was left out, though 2 marked it" in reason


def test_what_one_of_two_drew_is_kept_and_marked() -> None:
    value = together([page(box("A", 1, 1)), page()])["label"]

    assert [one["confidence"] for one in value["objects"]] == [0.5]
    assert value["consolidation"]["adjudicate"] == ["box 0 (A): agreement 0.50, expected 0.6"]


def test_an_operator_may_ask_for_more_or_for_less() -> None:
    drawn = [page(box("A", 1, 1)), page(box("A", 1, 1)), page()]

    assert together(drawn, min_share=1.0)["label"]["annotations"] == []
    assert together(drawn, min_agreement=0.9)["label"]["consolidation"]["adjudicate"]
    assert together(drawn, min_agreement=0.5)["label"]["consolidation"]["adjudicate"] == []


def test_a_careless_worker_counts_less_over_many_pages() -> None:
    """Who marks much that nobody else sees is not believed where he is one of two against one."""
    careful, careless = page(box("A", 1, 1)), page(box("A", 1, 1), box("C", 300, 300))
    objects = [
        LabelledObject(str(number), (Given("a", careful), Given("b", careful), Given("c", careless)))
        for number in range(40)
    ]
    disputed = LabelledObject("last", (Given("a", page()), Given("b", page()), Given("c", careless)))

    value = consolidate([*objects, disputed], LABEL, Rules())[-1].content["label"]

    assert value["annotations"] == []


def test_a_label_that_the_job_does_not_have_keeps_its_name_and_is_told() -> None:
    value = together([page(box("D", 1, 1))])["label"]

    assert "class_id" not in value["annotations"][0]
    assert value["consolidationWarnings"] == ["label 'D' is none of the job's labels"]


def test_without_label_categories_labels_have_names_only() -> None:
    given_ = (Given("a", page(box("D", 1, 1))),)

    (result,) = consolidate([LabelledObject("0", given_)], Label("label", None), Rules())

    assert "class_id" not in result.content["label"]["annotations"][0]
    assert "consolidationWarnings" not in result.content["label"]


# --- transcriptions ---------------------------------------------------------------------------------


def entity(*answers: Any) -> Any:
    (found,) = together(answers)["label"]["entities"]
    return found


def test_an_entity_has_the_shape_that_readers_know() -> None:
    found = entity(page(box("A", 1, 1), **read("x", [0], "wrong", "19.9 %", "l9.9 %")))

    assert found == {
        "detectionId": "x", "ocrStatus": "wrong", "boxIxs": [0], "classId": 0, "label": "A",
        "rawText": "l9.9 %", "targetText": "19.9 %", "confidence": 1.0,
    }  # fmt: skip


def test_the_text_of_most_is_taken() -> None:
    texts_ = ("19.9 %", "19,9 %", "19.9  %")

    found = entity(*(page(box("A", 1, 1), **read("x", [0], "wrong", text)) for text in texts_))

    assert found["targetText"] in ("19.9 %", "19.9  %")
    assert found["confidence"] == pytest.approx(0.6667)


def test_of_three_different_texts_the_one_nearest_to_the_others_is_taken() -> None:
    texts_ = ("Lindenwood", "Lindenwod", "Commerce Bank")

    found = entity(*(page(box("A", 1, 1), **read("x", [0], "wrong", text)) for text in texts_))

    assert found["targetText"] in texts_[:2]


def test_who_corrects_a_bad_box_and_who_drew_it_right_say_the_same() -> None:
    found = entity(
        page(box("A", 1, 1), **read("x", [0], "correct", raw="19.9 %")),
        page(box("A", 2, 1), **read("y", [0], "correct", raw="19.9 %")),
        page(box("A", 1, 1, 98), **read("z", [0], "wrong", "19.9 %", raw="19.9")),
    )

    assert (found["ocrStatus"], found["rawText"], found["targetText"]) == ("correct", "19.9 %", "19.9 %")
    assert found["confidence"] == 1


def test_most_find_it_unclear() -> None:
    unclear = page(box("A", 1, 1), **read("x", [0], "unclear"))

    found = entity(unclear, unclear, page(box("A", 1, 1), **read("y", [0], "correct")))

    assert found["ocrStatus"] == "unclear"
    assert "targetText" not in found


def test_groups_of_boxes_are_matched_whatever_the_order_of_the_boxes() -> None:
    first = page(box("A", 1, 1), box("A", 1, 40), box("B", 400, 400), **read("x", [0, 1], "correct"))
    second = page(box("B", 400, 400), box("A", 1, 40), box("A", 1, 1), **read("y", [1, 2], "correct"))

    value = together([first, second])["label"]

    (found,) = value["entities"]
    held = {value["annotations"][index]["top"] for index in found["boxIxs"]}
    assert held == {1, 40}


def test_ids_that_two_workers_both_used_are_told_apart() -> None:
    first = page(box("A", 1, 1), **read("0", [0], "correct"))
    second = page(box("B", 400, 400), **read("0", [0], "correct"))

    value = together([first, second])["label"]

    assert len({one["detectionId"] for one in value["entities"]}) == len(value["entities"]) == 2


@given(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8))
def test_distance_is_one(a: str, b: str, c: str) -> None:
    assert distance(a, b) == distance(b, a)
    assert (distance(a, b) == 0) == (a == b)
    assert distance(a, c) <= distance(a, b) + distance(b, c)


def test_known_distances() -> None:
    assert distance("kitten", "sitting") == 3
    assert distance("", "abc") == 3
    assert agreed_text(["b", "a", " b "]).text.strip() == "b"


# --- spans ------------------------------------------------------------------------------------------

TEXT = "Signed by Commerce Bank of Missouri in 2021"


def found_spans(*answers: Any, text: str | None = TEXT) -> list[tuple[str, str]]:
    entities = together(answers, text)["label"]["annotations"]["entities"]
    return [(one["label"], TEXT[one["startOffset"] : one["endOffset"]]) for one in entities]


def test_ends_are_where_most_put_them() -> None:
    answers = [spans(("A", 10, 23)), spans(("A", 10, 35)), spans(("A", 10, 35))]

    assert found_spans(*answers) == [("A", "Commerce Bank of Missouri")]


def test_ends_on_which_nobody_agrees_are_mended_to_whole_words() -> None:
    answers = [spans(("A", 10, 21)), spans(("A", 11, 22)), spans(("A", 9, 24))]

    assert found_spans(*answers) == [("A", "Commerce Bank")]


def test_ends_are_mended_behind_characters_that_browsers_count_twice() -> None:
    text = f"😀 🏦 {TEXT} 🎉 and 𝒜cme 𝒜cme"
    at, acme = text.index("Commerce"), text.index("𝒜cme")
    answers = [
        spans(("A", at, at + 11), ("B", acme, acme + 3)),
        spans(("A", at + 1, at + 12), ("B", acme - 1, acme + 5)),
        spans(("A", at - 1, at + 14), ("B", acme + 1, acme + 2)),
    ]

    entities = together(answers, text)["label"]["annotations"]["entities"]

    found = [(one["label"], text[one["startOffset"] : one["endOffset"]]) for one in entities]
    assert found == [("A", "Commerce Bank"), ("B", "𝒜cme")]
    assert entities[0]["startOffset"] == len("😀 🏦 Signed by ")


def test_a_word_that_most_cut_stays_cut() -> None:
    answers = [spans(("A", 10, 14)), spans(("A", 10, 14)), spans(("A", 10, 18))]

    assert found_spans(*answers) == [("A", "Comm")]


def test_the_class_of_a_span_is_voted_on_and_a_lonely_span_left_out() -> None:
    answers = [spans(("A", 10, 23)), spans(("B", 10, 23)), spans(("B", 10, 23), ("C", 39, 43))]

    assert found_spans(*answers) == [("B", "Commerce Bank")]


def test_all_answers_stand_beside_the_spans_as_they_came() -> None:
    answers = [json.dumps(spans(("A", 10, 23))), json.dumps(spans(("A", 10, 23)))]

    value = together(answers, TEXT)["label"]

    assert value["annotationsFromAllWorkers"] == [
        {"workerId": f"worker-0{number}", "annotationData": {"content": answer}}
        for number, answer in enumerate(answers)
    ]


def test_the_quality_of_a_text_is_voted_on() -> None:
    answers = [{**spans(("A", 0, 6)), "quality": said} for said in ("yes", "no", "no")]

    assert together(answers, TEXT)["label"]["quality"] == {"answer": "no", "confidence": 0.6667}


# --- classes and forms ------------------------------------------------------------------------------


def test_a_class_has_its_id_and_its_name() -> None:
    content = together([{"c": {"label": "B"}}, {"c": {"label": "B"}}, {"c": {"label": "A"}}])

    assert content["label"] == 1
    assert content["label-metadata"]["class-name"] == "B"
    assert 0.6 < content["label-metadata"]["confidence"] < 0.8


def test_several_classes_are_voted_on_one_by_one() -> None:
    chosen = (["A", "B"], ["B", "C"], ["B", "A"])

    content = together([{"c": {"labels": labels}} for labels in chosen])

    assert sorted(content["label"]) == [0, 1]
    assert content["label-metadata"]["class-map"] == {"0": "A", "1": "B"}
    assert content["label-metadata"]["confidence-map"]["1"] == 1


def test_a_worker_who_is_mostly_alone_loses_a_tie() -> None:
    ballots = [{"a": "X", "b": "X", "c": "Y"}] * 10 + [{"a": "Y", "b": "Y", "c": "X"}] * 10

    (verdict,) = decide([*ballots, {"a": "X", "c": "Y"}])[-1:]

    assert verdict.label == "X"


def test_a_form_that_nobody_knows_is_voted_on_value_by_value() -> None:
    content = together([{"a": 1, "b": "x"}, {"a": 1, "b": "y"}, {"a": 2, "b": "y"}])

    assert content["label"]["answers"] == {"a": 1, "b": "y"}


# --- what cannot be used ----------------------------------------------------------------------------


def test_no_annotations_are_a_result_that_says_so() -> None:
    """The reference's function failed for all objects where one had none."""
    content = together([])

    assert failure_of(content, "label") == "AnswerError: object 0: 0 answers, none that can be used"
    assert consolidation_of(content, "label")["adjudicate"]


def test_a_malformed_answer_is_set_aside_with_its_reason_and_the_others_count() -> None:
    good = page(box("A", 1, 1))

    value = together([good, "{broken", good])["label"]

    assert value["objects"] == [{"confidence": 1.0}]
    assert value["consolidation"]["answers"] == 2
    (aside,) = value["consolidation"]["setAside"]
    assert aside["workerId"] == "worker-01"
    assert "expected JSON" in aside["reason"]
    assert "worker-01" in value["consolidationWarnings"][0]


def test_where_half_of_the_answers_cannot_be_used_somebody_should_look() -> None:
    told = consolidation_of(together([page(box("A", 1, 1)), "{broken"]), "label")

    assert (told["answers"], told["confidence"]) == (1, 1.0)
    assert told["adjudicate"] == ["only 1 of 2 people's answers can be used"]


def test_an_answer_of_another_kind_is_set_aside() -> None:
    value = together([page(), {"c": {"label": "A"}}, page()])["label"]

    assert (
        "expected boxes as in most answers, seen classes" in value["consolidation"]["setAside"][0]["reason"]
    )


def test_of_one_workers_two_answers_the_last_counts() -> None:
    given_ = (Given("w", page(box("A", 1, 1))), Given("w", page(box("B", 1, 1))))

    (result,) = consolidate([LabelledObject("0", given_)], LABEL, Rules())

    value = result.content["label"]
    assert [one["label"] for one in value["annotations"]] == ["B"]
    assert "the last answer counts" in value["consolidation"]["setAside"][0]["reason"]


def test_a_failed_object_leaves_the_others_as_they_are() -> None:
    good = LabelledObject("1", (Given("w", page(box("A", 1, 1))),))
    bad = LabelledObject("0", (Given("w", "{"),))

    results = consolidate([bad, good], LABEL, Rules())

    assert [bool(one.failure) for one in results] == [True, False]
    assert results[1].content["label"]["annotations"]


@pytest.mark.parametrize("people", [2, 10])
def test_many_workers_with_nothing_in_common_lose_nothing(people: int) -> None:
    answers = [page(box("A", 10, 60 * number)) for number in range(people)]

    value = together(answers)["label"]

    assert len(value["annotations"]) + len(value["consolidation"]["leftOut"]) == people


# --- what comes of it -------------------------------------------------------------------------------


def test_a_result_in_a_manifest_is_found_by_those_who_read_manifests() -> None:
    lines = [
        ManifestLine("m", 1, {"source-ref": "s3://b/1.png", **together(answers)})
        for answers in ([page(box("A", 1, 1))], [{"c": {"label": "A"}}], [])
    ]

    labels = [chosen_label(line) for line in lines]

    assert [one.name for one in labels] == ["label"] * 3
    assert labels[0].class_names == {0: "A"}
    assert [bool(one.failure) for one in labels] == [False, False, True]


def test_the_code_of_the_guide_does_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    guide = (Path(__file__).resolve().parents[2] / "docs" / "guides" / "consolidation.md").read_text()

    exec(re.search(r"```python\n(.*?)```", guide, re.DOTALL)[1], {})  # type: ignore[index]  # noqa: S102

    assert capsys.readouterr().out.startswith("0 {'class-name': 'Duck'")


# --- real answers -----------------------------------------------------------------------------------


def real_birds() -> tuple[list[LabelledObject], list[str], list[str]]:
    """Objects, what the service made of them, the truth."""
    folder = REAL / "worker-responses" / "birds-5workers"
    truth = {one["ImageId"]: one["Label"] for one in json.loads((folder / "true_labels.json").read_text())}
    answers: dict[int, list[Given]] = {}
    for path in sorted((folder / "worker-response").glob("*/*/*.json")):
        for one in json.loads(path.read_text())["answers"]:
            given_ = Given(one["workerId"], one["answerContent"])
            answers.setdefault(int(path.parent.name), []).append(given_)
    lines = [json.loads(line) for line in (folder / "output.manifest").read_text().splitlines()]
    names = [Path(line["source-ref"]).stem for line in lines]
    service = [line["birds-open-images-clone-metadata"]["class-name"] for line in lines]
    objects = [LabelledObject(str(number), tuple(answers[number])) for number in range(len(lines))]
    return objects, service, [truth[name] for name in names]


@needs_real_data
def test_real_workers_classes_are_at_least_as_right_as_the_services() -> None:
    objects, service, truth = real_birds()

    results = consolidate(objects, Label("birds", None), Rules())

    ours = sum(one.content["birds"] == right for one, right in zip(results, truth, strict=True))
    theirs = sum(one == right for one, right in zip(service, truth, strict=True))
    assert (len(objects), theirs) == (302, 272)
    assert ours >= theirs


def test_a_flood_of_boxes_on_each_other_fails_its_object_at_once_and_no_other() -> None:
    flood = page(*(box("A", 10, 10, 100, 100) for _ in range(200)))
    workers = [f"w{number}" for number in range(10)]
    objects = [
        LabelledObject("flood", tuple(Given(worker, flood) for worker in workers)),
        LabelledObject("fine", tuple(Given(worker, page(box("A", 10, 10, 100, 100))) for worker in workers)),
    ]

    flooded, fine = consolidate(objects, LABEL, Rules())

    assert "2000 boxes of 10 workers" in flooded.failure
    assert not fine.failure
