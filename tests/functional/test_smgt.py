"""Ground Truth's two functions, called with real events, against moto's S3."""

import base64
import io
import json
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import boto3
import pytest
from PIL import Image

from recto.aws.s3 import S3Objects
from recto.consolidation import Rules, failure_of
from recto.errors import AccessError, AnswerError, ServiceUnavailableError
from recto.label_images import Painted, bytes_of, merged
from recto.places import Location
from recto.ports import ObjectInfo
from recto.steps.labelling import Consolidator, ImageMerger, consolidate
from tests.contract.template import ROOT, functions
from tests.functional.conftest import WORK
from tests.functional.test_handlers import Context, load

EVENTS = ROOT / "tests" / "events" / "labelling"
REAL = ROOT.parent / "shared" / "data" / "groundtruth"
needs_real_data = pytest.mark.skipif(not REAL.is_dir(), reason="the shared data is not there")
Handler = Callable[[Any], Any]


def event(name: str) -> Any:
    return json.loads((EVENTS / f"{name}.json").read_text())


def put(key: str, body: bytes) -> str:
    boto3.client("s3").put_object(Bucket=WORK, Key=key, Body=body)
    return f"s3://{WORK}/{key}"


def handler_of(module: ModuleType) -> Handler:
    return lambda event: module.lambda_handler(event, Context())


@pytest.fixture
def pre(monkeypatch: pytest.MonkeyPatch) -> Handler:
    return handler_of(load("smgt_pre", "app", monkeypatch, MAX_TEXT_BYTES="1000"))


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Handler:
    return handler_of(load("smgt_post", "app", monkeypatch, MIN_AGREEMENT="0.6"))


def test_the_functions_have_the_names_that_managed_policies_let_jobs_call() -> None:
    names = {
        name: functions()[name]["FunctionName"]["Sub"] for name in ("SmgtPreFunction", "SmgtPostFunction")
    }

    assert names == {
        "SmgtPreFunction": "${ProjectId}-smgt-pre-LabelingFunction",
        "SmgtPostFunction": "${ProjectId}-smgt-post-LabelingFunction",
    }


# --- before -----------------------------------------------------------------------------------------


def test_a_page_passes_through_with_what_built_in_tasks_have(pre: Handler) -> None:
    request = event("PreHumanTask")

    answer = pre(request)

    line = request["dataObject"]
    assert answer["taskInput"] == {**line, "manifestLine": line, "taskObject": line["source-ref"]}
    assert answer["isHumanAnnotationRequired"] is True
    assert answer["humanAnnotationRequired"] == "true"


def test_a_text_comes_with_the_task(pre: Handler) -> None:
    put("corpora/texts/letter.csv", "Règlement\r\nde 2021".encode("utf-16"))

    task = pre(event("PreHumanTask.text"))["taskInput"]

    assert task["text"] == "Règlement\nde 2021"
    assert task["taskObject"] == "s3://work/corpora/images/letter.jpg"
    assert task["metadata"] == {"letter": 36, "text_file_s3_uri": "s3://work/corpora/texts/letter.csv"}


@pytest.mark.parametrize(
    "body",
    [
        "Größe".encode(), "Größe".encode("utf-8-sig"), "Größe".encode("utf-16"), "Größe".encode("utf-16-be"),
        "Größe".encode("utf-32"), "Größe".encode("latin-1"),
    ],
)  # fmt: skip
def test_texts_are_read_in_whatever_encoding_they_came(pre: Handler, body: bytes) -> None:
    put("corpora/texts/letter.csv", body)

    assert pre(event("PreHumanTask.text"))["taskInput"]["text"] == "Größe"


def test_a_text_that_is_too_large_is_refused_by_name(pre: Handler) -> None:
    put("corpora/texts/letter.csv", b"x" * 1001)

    with pytest.raises(AnswerError, match=r"letter.csv: a text to label of 1,001 bytes, the limit is 1,000"):
        pre(event("PreHumanTask.text"))


def test_a_text_that_is_not_there_is_named(pre: Handler) -> None:
    with pytest.raises(AnswerError, match=r"s3://work/corpora/texts/letter.csv: expected a text to label"):
        pre(event("PreHumanTask.text"))


@pytest.mark.parametrize(
    ("line", "is_needed"),
    [
        ({"has-content": False}, False), ({"has-content": "false"}, False), ({"has-content": True}, True),
        ({"pages-have-content": [False, False]}, False), ({"pages-have-content": [False, True]}, True),
        ({"pages-have-content": [False, True], "page-num": 1}, False),
        ({"pages-have-content": [False, True], "page-num": 2}, True),
        ({"source": "  \n"}, False), ({"source": "words"}, True),
    ],
)  # fmt: skip
def test_nobody_is_asked_about_pages_without_content(
    pre: Handler, line: dict[str, Any], is_needed: bool
) -> None:
    answer = pre({"version": "2018-10-16", "dataObject": {"source-ref": "s3://work/1.png", **line}})

    assert answer["isHumanAnnotationRequired"] is is_needed
    assert answer["humanAnnotationRequired"] == str(is_needed).lower()


def test_labels_that_the_workbench_sends_stand_in_the_task(pre: Handler) -> None:
    categories = [{"label": "A"}, "B"]

    answer = pre({"dataObject": {"source": "words"}, "labelCategories": categories})

    assert answer["taskInput"]["labels"] == ["A", "B"]
    assert answer["taskInput"]["text"] == answer["taskInput"]["taskObject"] == "words"


@pytest.mark.parametrize("request_", [{}, {"dataObject": "s3://b/1.png"}, {"dataObject": None}, []])
def test_what_is_no_request_is_refused_by_name(pre: Handler, request_: Any) -> None:
    with pytest.raises(AnswerError, match="pre-labelling event"):
        pre(request_)


@needs_real_data
@pytest.mark.parametrize(
    "path", ["events/sam-sagemaker-PreHumanTask.json", "consolidation/recipe-pre_human_task_test_event.json"]
)
def test_real_events_of_both_versions_become_tasks(pre: Handler, path: str) -> None:
    request = json.loads((REAL / path).read_text())

    assert pre(request)["taskInput"]["taskObject"] == request["dataObject"]["source-ref"]


# --- after ------------------------------------------------------------------------------------------


def contents(answer: Any) -> dict[str, Any]:
    return {one["datasetObjectId"]: one["consolidatedAnnotation"]["content"] for one in answer}


def test_a_payload_becomes_labels_object_by_object(post: Handler) -> None:
    request = event("AnnotationConsolidation")
    place = Location.from_uri(request["payload"]["s3Uri"])
    put(place.key, (EVENTS / "payload.json").read_bytes())

    found = contents(post(request))

    value = found["0"]["label"]
    assert value["image_size"] == [{"width": 2550, "height": 3301}]
    assert value["annotations"] == [
        {"class_id": 1, "top": 190, "left": 759, "height": 79, "width": 238, "label": "APR - Purchases"}
    ]
    (entity,) = value["entities"]
    assert (entity["ocrStatus"], entity["rawText"], entity["targetText"]) == ("wrong", "l9.9 %", "19.9 %")
    assert "private.us-east-1.B: answer set aside" in value["consolidationWarnings"][0]
    assert "0 answers" in failure_of(found["1"], "label")


def test_a_payload_may_stand_in_the_event(post: Handler) -> None:
    payload = json.loads((EVENTS / "payload.json").read_text())
    request = {"labelAttributeName": "label", "payload": {"content": payload}, "labelCategories": None}

    assert [failure_of(one, "label") == "" for one in contents(post(request)).values()] == [True, False]
    request["payload"] = {"content": json.dumps(payload)}
    assert len(post(request)) == 2


def test_an_answer_may_lie_in_s3_and_one_that_is_not_there_is_set_aside(post: Handler) -> None:
    payload = json.loads((EVENTS / "payload.json").read_text())
    good = payload[0]["annotations"][0]["annotationData"]["content"]
    annotations = [
        {"workerId": "a", "annotationData": {"s3Uri": put("labelling/a.json", good.encode())}},
        {"workerId": "b", "annotationData": {"s3Uri": "s3://work/labelling/gone.json"}},
        {"workerId": "c", "annotationData": {}},
        "nonsense",
    ]
    payload = [{"datasetObjectId": "0", "annotations": annotations}]

    value = contents(post({"labelAttributeName": "label", "payload": {"content": payload}}))["0"]["label"]

    assert len(value["annotations"]) == 1
    reasons = {one["workerId"]: one["reason"] for one in value["consolidation"]["setAside"]}
    assert "there is no such object" in reasons["b"]
    assert "seen neither" in reasons["c"]
    assert set(reasons) == {"b", "c", "worker 4"}


def test_an_object_that_is_none_is_reported_and_the_others_go_on(post: Handler) -> None:
    payload = json.loads((EVENTS / "payload.json").read_text())

    found = post({"labelAttributeName": "label", "payload": {"content": ["nonsense", payload[0], {"a": 1}]}})

    assert [one["datasetObjectId"] for one in found] == ["0", "0", "2"]
    failures = [failure_of(one["consolidatedAnnotation"]["content"], "label") for one in found]
    assert [bool(one) for one in failures] == [True, False, True]
    assert "object 2: datasetObjectId: Field required; seen keys a" in failures[2]


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({}, "consolidation event: labelAttributeName"),
        ({"labelAttributeName": "x", "payload": {}}, "payload.s3Uri: expected s3://"),
        ({"labelAttributeName": "x", "payload": {"s3Uri": "s3://work/gone.json"}}, "there is no such object"),
        ({"labelAttributeName": "x", "payload": {"content": {"a": 1}}}, "payload.content"),
    ],
)
def test_a_request_that_cannot_be_read_is_an_error_of_the_call(
    post: Handler, request_: Any, message: str
) -> None:
    with pytest.raises(AnswerError, match=message):
        post(request_)


@needs_real_data
def test_the_real_event_and_payload_of_a_recipe(post: Handler) -> None:
    folder = REAL / "consolidation"
    request = json.loads((folder / "recipe-annotation_consolidation_test_event.json").read_text())
    body = (folder / "recipe-sample_annotation_consolidation_payload.json").read_bytes()
    request["payload"]["s3Uri"] = put("labelling/payload.json", body)

    found = contents(post(request))

    assert set(found) == {"0", "2"}
    boxes = found["2"]["test-label-attribute"]["annotations"]
    assert boxes[0] == {"top": 485, "left": 76, "height": 192, "width": 182, "label": "Green"}


@needs_real_data
def test_a_real_request_of_another_tool_keeps_what_the_worker_said(post: Handler) -> None:
    payload = json.loads((REAL / "consolidation/comprehend-consolidation-request.json").read_text())

    found = contents(post({"labelAttributeName": "x", "payload": {"content": payload}}))["0"]["x"]

    said = json.loads(payload[0]["annotations"][0]["annotationData"]["content"])
    assert found["answers"] == said
    assert found["annotationsFromAllWorkers"] == payload[0]["annotations"]


# --- roles ------------------------------------------------------------------------------------------


class Closed:
    """An object store whose bucket this role may not read."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def info(self, place: Location) -> ObjectInfo | None:
        raise self._error


def consolidator(own: Any, as_role: Any) -> Consolidator:
    return Consolidator(own, as_role, Rules(), ImageMerger(bytes_of, Painted, merged))


def test_what_the_functions_own_role_may_not_read_the_jobs_role_reads() -> None:
    request = event("AnnotationConsolidation")
    put(Location.from_uri(request["payload"]["s3Uri"]).key, (EVENTS / "payload.json").read_bytes())
    asked: list[str] = []

    def as_role(arn: str) -> S3Objects:
        asked.append(arn)
        return S3Objects("recto-tests")

    found = consolidate(request, consolidator(Closed(AccessError("closed")), as_role))

    assert asked == ["arn:aws:iam::111111111111:role/labelling"]
    assert len(found) == 2


def test_without_a_role_the_missing_right_is_told() -> None:
    request = event("AnnotationConsolidation") | {"roleArn": None}

    with pytest.raises(AccessError, match="closed"):
        consolidate(request, consolidator(Closed(AccessError("closed")), None))


def test_a_service_that_does_not_answer_is_no_objects_fault() -> None:
    annotation = {"workerId": "a", "annotationData": {"s3Uri": "s3://work/a.json"}}
    payload = [{"datasetObjectId": "0", "annotations": [annotation]}]
    request = {"labelAttributeName": "x", "payload": {"content": payload}}

    with pytest.raises(ServiceUnavailableError):
        consolidate(request, consolidator(Closed(ServiceUnavailableError("down")), None))


def test_the_jobs_role_is_assumed_with_its_keys() -> None:
    from recto.aws.roles import RoleObjects  # noqa: PLC0415

    put("labelling/x.json", b"[]")

    objects = RoleObjects("recto-tests")("arn:aws:iam::123456789012:role/labelling")

    assert objects.read(Location(bucket=WORK, key="labelling/x.json")) == b"[]"


# --- label images -----------------------------------------------------------------------------------

COLOURS = {"IC": "#2ca02c", "resistor": "#1f77b4"}


def png(rows: str) -> bytes:
    """A label image, a letter a pixel: I and r as in COLOURS, anything else background."""
    lines = rows.split()
    image = Image.new("RGBA", (len(lines[0]), len(lines)), (255, 255, 255, 0))
    for y, line in enumerate(lines):
        for x, letter in enumerate(line):
            colour = {"I": COLOURS["IC"], "r": COLOURS["resistor"]}.get(letter)
            if colour:
                image.putpixel((x, y), (*bytes.fromhex(colour[1:]), 255))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def painted(*images: bytes) -> Any:
    mappings = {label: {"color": colour} for label, colour in COLOURS.items()}
    return [
        {
            "datasetObjectId": "0",
            "annotations": [
                {"workerId": f"w{number}", "annotationData": {"content": json.dumps({
                    "seg": {"labelMappings": mappings,
                            "labeledImage": {"pngImageData": base64.b64encode(image).decode()}}})}}
                for number, image in enumerate(images)
            ],
        }
    ]  # fmt: skip


def segmentation(payload: Any, uri: str = "") -> Mapping[str, Any]:
    key = (
        uri or "labelling/job/annotations/consolidated-annotation/consolidation-request/iteration-1/now.json"
    )
    return {"labelAttributeName": "seg-ref", "payload": {"s3Uri": put(key, json.dumps(payload).encode())}}


def letters(uri: str) -> str:
    image = Image.open(io.BytesIO(S3Objects("t").read(Location.from_uri(uri)))).convert("RGB")
    known = {bytes.fromhex(colour[1:]): label[0] for label, colour in COLOURS.items()}
    width, height = image.size
    rows = [
        "".join(known.get(bytes(image.getpixel((x, y))), ".") for x in range(width)) for y in range(height)
    ]
    return " ".join(rows)


def test_each_pixel_takes_the_label_of_most(post: Handler) -> None:
    images = [png("II. rr."), png("I.. rrr"), png("III rr.")]

    content = contents(post(segmentation(painted(*images))))["0"]

    assert content["seg-ref"] == (
        "s3://work/labelling/job/annotations/consolidated-annotation/output/0_now.png"
    )
    assert letters(content["seg-ref"]) == "II. rr."
    colours = content["seg-ref-metadata"]["internal-color-map"]
    assert [one["class-name"] for one in colours.values()] == ["BACKGROUND", "IC", "resistor"]
    assert colours["1"]["hex-color"] == "#2ca02c"
    assert content["seg-ref-consolidation"]["internal-color-map"] == colours


def test_one_workers_image_comes_out_as_it_was_painted(post: Handler) -> None:
    content = contents(post(segmentation(painted(png("I.r rI.")))))["0"]

    assert letters(content["seg-ref"]) == "I.r rI."
    assert content["seg-ref-consolidation"]["confidence"] == 1


UNFIT = [
    (b"no image", "cannot be read as PNG"), (png("III III")[:44], "cannot be read as PNG"),
    (png("IIII"), "4 x 1 pixels, expected 3 x 2"),
]  # fmt: skip


@pytest.mark.parametrize(("image", "message"), UNFIT)
def test_an_image_that_does_not_fit_is_set_aside_by_name_and_the_others_count(
    post: Handler, image: bytes, message: str
) -> None:
    images = (png("II. rr."), image, png("I.. rr."), png("II. rrr"))

    content = contents(post(segmentation(painted(*images))))["0"]

    assert failure_of(content, "seg-ref") == ""
    assert letters(content["seg-ref"]) == "II. rr."
    told = content["seg-ref-consolidation"]
    assert told["answers"] == 3
    [aside] = told["setAside"]
    assert aside["workerId"] == "w1"
    assert message in aside["reason"]
    assert 0.66 < told["confidence"] < 1, "shares are of those that count"


def test_half_of_the_images_unfit_is_for_somebody_to_look_at(post: Handler) -> None:
    content = contents(post(segmentation(painted(png("II. rr."), b"no image"))))["0"]

    assert letters(content["seg-ref"]) == "II. rr."
    assert "only 1 of 2 people's answers can be used" in content["seg-ref-consolidation"]["adjudicate"]


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ((b"no", b"image"), "label image of w1: it cannot be read as PNG"),
        ((png("II. rr."), png("IIII")), "pixels, expected"),
    ],
)
def test_images_of_which_none_can_be_taken_fail_their_object_with_a_reason(
    post: Handler, images: tuple[bytes, ...], message: str
) -> None:
    content = contents(post(segmentation(painted(*images))))["0"]

    assert message in failure_of(content, "seg-ref")


@pytest.mark.parametrize(
    ("uri", "is_taken"),
    [
        ("s3://work/labelling/job/annotations/worker-response/iteration-1/0/a.png", True),
        ("s3://work/labelling/other/annotations/worker-response/iteration-1/0/a.png", False),
        ("s3://elsewhere/a.png", False),
    ],
)
def test_an_answer_names_no_image_but_one_of_its_job(post: Handler, uri: str, is_taken: bool) -> None:
    """The function may read more than the people who answer, who may write what they like."""
    place = Location.from_uri(uri)
    if place.bucket == "work":
        put(place.key, png("I.r"))
    payload = painted(png("I.r"))
    answer = json.loads(payload[0]["annotations"][0]["annotationData"]["content"])
    next(iter(answer.values()))["labeledImage"] = {"pngImageData": {"s3Uri": uri}}
    payload[0]["annotations"][0]["annotationData"]["content"] = json.dumps(answer)

    content = contents(post(segmentation(payload)))["0"]

    assert ("none of the job's own files" not in failure_of(content, "seg-ref")) is is_taken
    assert bool(failure_of(content, "seg-ref")) is not is_taken


def test_with_no_place_for_the_image_the_object_says_so(post: Handler) -> None:
    request = {"labelAttributeName": "seg-ref", "payload": {"content": painted(png("I"))}}

    assert "no place to write the label image to" in failure_of(contents(post(request))["0"], "seg-ref")
