"""Endpoints over HTTP, as SageMaker calls them: what comes in, what goes out, what is refused by name."""

import io
import json
import runpy
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from recto.document import Page, PagePredictions
from recto.errors import DocumentMissingError, ReleaseError
from recto.inference import Picture, Verdict, WordClassifier
from recto.places import Location
from recto.textract import blocks_of, read_pages
from recto.thumbnail_arrays import read_thumbnails
from recto.thumbnails import npz_of
from recto_training import serve_words
from recto_training.__main__ import main
from recto_training.predict import WordModel, open_word_model
from recto_training.serve import ModelServer, accepted, open_endpoint
from recto_training.serve_requests import RequestRefusedError
from recto_training.serve_words import WordEndpoint, WordEndpointSettings
from recto_training.thumbnailer import Thumbnailer, ThumbnailerSettings

REPOSITORY = Path(__file__).parents[2]
DEMO = REPOSITORY / "local" / "releases" / "demo"
JSON = {"content-type": "application/json"}
LABELS = ("Total", "other")
NAMED = {"ClassificationLabels": list(LABELS)}


class FakeObjects:
    """S3 in a dictionary."""

    def __init__(self, contents: dict[str, bytes] | None = None) -> None:
        self.contents = dict(contents or {})

    def fetch(self, place: Location, path: Path) -> Path:
        if place.uri not in self.contents:
            raise DocumentMissingError(f"{place.uri}: there is no such object")
        path.write_bytes(self.contents[place.uri])
        return path

    def store(self, path: Path, place: Location, content_type: str) -> None:
        self.contents[place.uri] = path.read_bytes()


class FakeModel:
    """Says class 0 with 0.75 to words with a digit; keeps what it was shown."""

    def __init__(self, *, wants_pictures: bool = False) -> None:
        self.shown: list[tuple[Page, Picture]] = []
        self.model = WordModel("fake", LABELS, self.verdicts, wants_pictures)

    def verdicts(self, pages: Iterable[tuple[Page, Picture]]) -> Iterator[Verdict]:
        for page, picture in pages:
            self.shown.append((page, picture))
            classes = tuple(0 if any(map(str.isdigit, word.text)) else 1 for word in page.words)
            means = np.array([[0.75, 0.25] if c == 0 else [0.25, 0.75] for c in classes]).reshape(-1, 2)
            said = PagePredictions(page.number, classes, (0.75,) * len(classes), (0.5,) * len(classes))
            yield Verdict(said, means)


def word(text: str, page: int, **more: Any) -> dict[str, Any]:
    box = {"Left": 0.1, "Top": 0.1, "Width": 0.2, "Height": 0.02}
    block = {"BlockType": "WORD", "Id": f"{page}-{text}", "Text": text, "Confidence": 99.0, "Page": page}
    return {**block, "Geometry": {"BoundingBox": box}, **more}


def document(pages: dict[int, list[str]], **more: Any) -> dict[str, Any]:
    blocks: list[dict[str, Any]] = []
    for number, texts in pages.items():
        blocks.append({"BlockType": "PAGE", "Id": f"page-{number}", "Page": number})
        blocks += [word(text, number) for text in texts]
        blocks.append({"BlockType": "CELL", "Id": f"cell-{number}", "Page": number})
    return {"DocumentMetadata": {"Pages": len(pages)}, "Blocks": blocks, **more}


def client(fake: FakeModel | None = None, objects: FakeObjects | None = None, **settings: Any) -> TestClient:
    model = (fake or FakeModel()).model
    endpoint = WordEndpoint(model, WordEndpointSettings(**settings), objects or FakeObjects())  # type: ignore[arg-type]
    return TestClient(ModelServer(endpoint, settings.get("max_request_bytes", 10**6)).app())


def post(asked: TestClient, body: Any, headers: dict[str, str] = JSON) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return asked.post("/invocations", content=content, headers=headers)


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["Error"]


# ---- what goes out


@pytest.mark.parametrize("streamed_bytes", [1, 10**6])
def test_each_word_gets_its_classes_and_everything_else_stays(streamed_bytes: int) -> None:
    sent = document({1: ["12.50", "EUR"], 2: [], 3: ["7"]}, Warnings=[{"ErrorCode": "X", "Pages": [1]}])

    answer = post(client(streamed_bytes=streamed_bytes), sent)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    got = answer.json()
    assert {key: value for key, value in got.items() if key != "Blocks"} == {
        key: value for key, value in sent.items() if key != "Blocks"
    } | NAMED
    added = [dict(set_of(block) - set_of(before)) for block, before in pairs(got, sent)]
    assert [sorted(each) for each in added if each] == [
        [
            "ClassificationProbabilities",
            "PredictedClass",
            "PredictedClassAgreement",
            "PredictedClassConfidence",
        ]
    ] * 3
    words = [block for block in got["Blocks"] if block["BlockType"] == "WORD"]
    assert [block["PredictedClass"] for block in words] == [0, 1, 0]
    assert words[0]["ClassificationProbabilities"] == [0.75, 0.25]
    assert words[0]["PredictedClassConfidence"] == 0.75
    assert words[0]["PredictedClassAgreement"] == 0.5


def pairs(got: dict[str, Any], sent: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    return zip(got["Blocks"], sent["Blocks"], strict=True)


def set_of(block: dict[str, Any]) -> set[tuple[str, str]]:
    return {(key, json.dumps(value)) for key, value in block.items()}


def test_a_document_without_words_is_answered_as_it_is() -> None:
    sent = document({1: []})

    assert post(client(), sent).json() == sent | NAMED
    assert post(client(), {"Blocks": []}).json() == {"Blocks": []} | NAMED


def test_a_word_without_text_gets_no_class() -> None:
    sent = {"Blocks": [word("1", 1), word("", 1), word("2", 1)]}

    blocks = post(client(), sent).json()["Blocks"]

    assert ["PredictedClass" in block for block in blocks] == [True, False, True]


def test_content_beside_other_keys_is_the_document() -> None:
    sent = document({1: ["1"]})

    got = post(client(), {"Content": sent, "TargetPageNum": 1}).json()

    assert "Content" not in got
    assert "TargetPageNum" not in got
    assert got["Blocks"][1]["PredictedClass"] == 0


def test_what_was_asked_beside_a_document_is_no_part_of_the_answer() -> None:
    got = post(client(), {**document({1: ["1"]}), "TargetPageNum": 1, "TargetPageOnly": True}).json()

    assert sorted(got) == ["Blocks", "ClassificationLabels", "DocumentMetadata"]


@pytest.mark.parametrize(
    "place", [{"Bucket": "b", "Key": "in.json"}, {"S3Uri": "s3://b/in.json"}, "s3://b/in.json"]
)
def test_a_document_in_s3_is_fetched(place: Any) -> None:
    objects = FakeObjects({"s3://b/in.json": json.dumps(document({1: ["1"]})).encode()})

    got = post(client(objects=objects), {"S3Input": place}).json()

    assert got["Blocks"][1]["PredictedClass"] == 0


def test_an_answer_for_s3_is_put_there_and_named() -> None:
    objects = FakeObjects()

    sent = {**document({1: ["1"]}), "S3Output": {"Bucket": "b", "Key": "out.json"}}
    got = post(client(objects=objects), sent).json()

    assert got == {"Bucket": "b", "Key": "out.json", "URI": "s3://b/out.json"}
    stored = json.loads(objects.contents["s3://b/out.json"])
    assert stored["Blocks"][1]["PredictedClass"] == 0
    assert "S3Output" not in stored


def test_an_asynchronous_endpoint_answers_itself() -> None:
    objects = FakeObjects()
    settings = WordEndpointSettings.read({"RECTO_ANSWERS_INTO_S3": "true"})
    asked = client(objects=objects, **settings.model_dump())

    got = post(asked, {**document({1: ["1"]}), "S3Output": {"Bucket": "b", "Key": "out.json"}}).json()

    assert got["Blocks"][1]["PredictedClass"] == 0
    assert not objects.contents


# ---- one page only


def test_of_a_document_one_page_may_be_classified_and_all_sent_back() -> None:
    fake = FakeModel()

    got = post(client(fake), {**document({1: ["1"], 2: ["2"], 3: ["3"]}), "TargetPageNum": 2}).json()

    marked = [block["Text"] for block in got["Blocks"] if "PredictedClass" in block]
    assert marked == ["2"]
    assert [block["Id"] for block in got["Blocks"]] == [
        block["Id"] for block in document({1: ["1"], 2: ["2"], 3: ["3"]})["Blocks"]
    ]
    assert [page.number for page, _ in fake.shown] == [2]


def test_of_a_document_one_page_alone_may_be_sent_back() -> None:
    sent = {**document({101: ["1"], 102: ["2"]}), "TargetPageNum": 102, "TargetPageOnly": True}

    got = post(client(), sent).json()

    assert {block["Page"] for block in got["Blocks"]} == {102}
    assert got["DocumentMetadata"] == {"Pages": 1}


# ---- pictures


def png(level: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (3, 2), (level, level, level)).save(buffer, "PNG")
    return buffer.getvalue()


def test_each_page_is_seen_with_its_picture() -> None:
    fake = FakeModel(wants_pictures=True)
    npz = npz_of([png(10), png(20), png(30)], is_whole_document=True)
    objects = FakeObjects({"s3://b/t.npz": npz})

    sent = {**document({7: ["1"], 8: ["2"], 9: ["3"]}), "S3Thumbnails": "s3://b/t.npz"}
    got = post(client(fake, objects), sent).json()

    assert "Warnings" not in got
    assert [int(picture[0, 0, 0]) for _, picture in fake.shown if picture is not None] == [10, 20, 30]


def test_the_picture_of_the_only_page_that_is_asked_for_is_found() -> None:
    fake = FakeModel(wants_pictures=True)
    objects = FakeObjects({"s3://b/t.npz": npz_of([png(10), png(20)], is_whole_document=True)})

    sent = {**document({1: ["1"], 2: ["2"]}), "S3Thumbnails": "s3://b/t.npz"}
    post(client(fake, objects), {**sent, "TargetPageNum": 2, "TargetPageOnly": True})

    assert [int(picture[0, 0, 0]) for _, picture in fake.shown if picture is not None] == [20]


def test_a_model_of_pictures_sees_grey_pages_where_there_are_none_and_says_so() -> None:
    fake = FakeModel(wants_pictures=True)

    settings = {"default_thumbnail_size": (5, 4), "default_thumbnail_color": (1, 2, 3)}
    got = post(client(fake, **settings), document({1: ["1"]}, Warnings=["earlier"])).json()

    assert got["Warnings"] == ["earlier", serve_words.GREY_PAGES]
    picture = fake.shown[0][1]
    assert picture is not None
    assert picture.shape == (4, 5, 3)
    assert picture[0, 0].tolist() == [1, 2, 3]


def test_a_model_of_words_fetches_no_pictures() -> None:
    got = post(client(), {**document({1: ["1"]}), "S3Thumbnails": "s3://nowhere/t.npz"})

    assert got.status_code == 200


def test_fewer_pictures_than_pages_are_refused() -> None:
    objects = FakeObjects({"s3://b/t.npz": npz_of([png(10)], is_whole_document=True)})
    sent = {**document({1: ["1"], 2: ["2"]}), "S3Thumbnails": "s3://b/t.npz"}

    answer = post(client(FakeModel(wants_pictures=True), objects), sent)

    assert refusal(answer) == (400, "ThumbnailsError")
    assert "page 2" in answer.json()["Message"]


def test_pickled_pictures_are_refused() -> None:
    buffer = io.BytesIO()
    np.savez(buffer, images=np.array([{"a": 1}], dtype=object))
    objects = FakeObjects({"s3://b/t.npz": buffer.getvalue()})
    sent = {**document({1: ["1"]}), "S3Thumbnails": "s3://b/t.npz"}

    assert refusal(post(client(FakeModel(wants_pictures=True), objects), sent)) == (400, "ThumbnailsError")


# ---- what is refused


@pytest.mark.parametrize(
    ("body", "status", "name"),
    [
        (b"", 400, "InvalidRequestError"),
        (b"no JSON", 400, "InvalidRequestError"),
        (b"[]", 400, "InvalidRequestError"),
        ({"Content": 3}, 400, "InvalidRequestError"),
        ({"TargetPageNum": "last", "Blocks": []}, 400, "InvalidRequestError"),
        ({"TargetPageNum": 0, "Blocks": []}, 400, "InvalidRequestError"),
        ({"TargetPageOnly": True, "Blocks": []}, 400, "InvalidRequestError"),
        ({"S3Input": {"Bucket": "b"}}, 400, "InvalidRequestError"),
        ({"S3Input": "https://b/k"}, 400, "InvalidRequestError"),
        ({"S3Input": "s3://b/absent.json"}, 404, "DocumentMissingError"),
        ({"S3Input": "s3://b/text.txt"}, 422, "DamagedDocumentError"),
        ({"something": "else"}, 422, "DamagedDocumentError"),
        ({"Blocks": {}}, 422, "DamagedDocumentError"),
        ({"Blocks": ["WORD"]}, 422, "DamagedDocumentError"),
        ({"JobStatus": "FAILED", "Blocks": []}, 422, "OcrFailedError"),
        ({**document({1: ["1"]}), "TargetPageNum": 2}, 400, "PageRangeError"),
        ({**document({1: ["1"]}), "TargetPageNum": 2, "TargetPageOnly": True}, 400, "PageRangeError"),
        ({"Blocks": [word("1", 2), word("2", 1)]}, 422, "PageOrderError"),
        ({"Blocks": [word("1", 1, Confidence="high")]}, 422, "DamagedDocumentError"),
        (document({1: ["1" * 10**6]}), 413, "RequestTooLargeError"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("streamed_bytes", [1, 10**7])
def test_what_does_not_fit_is_refused_by_name(body: Any, status: int, name: str, streamed_bytes: int) -> None:
    objects = FakeObjects({"s3://b/text.txt": b"no JSON"})

    answer = post(client(objects=objects, streamed_bytes=streamed_bytes), body)

    assert refusal(answer) == (status, name)
    assert answer.json()["Message"]


def test_other_content_and_other_answers_than_json_are_refused() -> None:
    sent = document({1: ["1"]})

    assert refusal(post(client(), sent, {"content-type": "text/csv"})) == (415, "UnsupportedContentTypeError")
    assert refusal(post(client(), sent, {**JSON, "accept": "text/csv"})) == (406, "UnsupportedAcceptError")
    assert post(client(), sent, {**JSON, "accept": "text/csv, application/json"}).status_code == 200


def test_the_page_that_is_not_there_is_named_with_those_that_are() -> None:
    answer = post(client(), {**document({5: ["1"], 6: []}), "TargetPageNum": 2})

    assert answer.json()["Message"] == "TargetPageNum 2 of a document of pages 5 to 6"


def test_a_folder_without_a_model_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").touch()

    with pytest.raises(ReleaseError, match=r"neither a release .* nor a trained model .* seen notes.txt"):
        open_word_model(tmp_path)

    assert main(["serve", "--model", str(tmp_path)]) == 1
    assert "ReleaseError" in capsys.readouterr().err


def test_a_setting_that_does_not_fit_is_named() -> None:
    with pytest.raises(Exception, match="INFERENCE_BATCH_SIZE"):
        open_endpoint("word", DEMO, {"INFERENCE_BATCH_SIZE": "many"})


def test_the_reference_s_settings_are_understood() -> None:
    environment = {
        "INFERENCE_BATCH_SIZE": "4", "PAD_TO_MULTIPLE_OF": "None", "DEFAULT_THUMBNAIL_SIZE": "224,300",
        "DEFAULT_THUMBNAIL_COLOR": "128,128,128",
    }  # fmt: skip

    settings = WordEndpointSettings.read(environment)

    assert settings.pad_to_multiple_of == 1
    assert settings.default_thumbnail_size == (224, 300)
    assert settings.default_thumbnail_color == (128, 128, 128)


@pytest.mark.parametrize("name", serve_words.OF_MODEL_FOLDERS)
def test_a_setting_without_effect_on_a_release_is_told(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    open_endpoint("word", DEMO, {name: {"PAD_TO_MULTIPLE_OF": "64"}.get(name, "bfloat16")})

    assert f"ignored: {name} (this is a release" in capsys.readouterr().out


# ---- long documents


def test_a_long_document_is_answered_while_it_is_read() -> None:
    """Blocks leave as soon as their page was classified: none wait for the end."""
    read, request = [], serve_words.parse_word_request({})

    def blocks() -> Iterator[dict[str, Any]]:
        for number in range(1, 3001):
            read.append(number)
            yield word("1", number)

    marked = serve_words.MarkedBlocks(FakeModel().model, blocks(), request, serve_words.Pictures(None, None))

    for count, block in enumerate(marked, 1):
        assert block["PredictedClass"] == 0
        assert len(read) - count <= 2
    assert count == 3000


# ---- the whole way with a real model


@pytest.fixture(scope="module")
def demo() -> WordEndpoint:
    return serve_words.model_fn(str(DEMO))


TEXTRACT = REPOSITORY.parent / "shared" / "data" / "textract"


@pytest.mark.skipif(not TEXTRACT.is_dir(), reason="../shared/data/textract is not here")
def test_the_endpoint_says_what_the_embedded_model_says(demo: WordEndpoint) -> None:
    file = next(path for path in sorted(TEXTRACT.rglob("*.json")) if 2e5 < path.stat().st_size < 1e6)
    sent = json.loads(file.read_bytes())

    answer = TestClient(ModelServer(demo).app()).post("/invocations", content=file.read_bytes(), headers=JSON)

    words = [b for b in answer.json()["Blocks"] if b["BlockType"] == "WORD"]
    embedded = [WordClassifier.load(DEMO).predict(page) for page in read_pages(blocks_of(sent))]
    assert [b["PredictedClass"] for b in words] == [c for page in embedded for c in page.classes]
    assert [b["PredictedClassConfidence"] for b in words] == pytest.approx(
        [p for page in embedded for p in page.probabilities], abs=1e-3
    )


def test_the_inference_toolkit_gets_the_same_answer(demo: WordEndpoint) -> None:
    body = json.dumps(document({1: ["15.24%"]})).encode()

    said = serve_words.output_fn(serve_words.predict_fn(serve_words.input_fn(body), demo), "application/json")

    over_http = TestClient(ModelServer(demo).app()).post("/invocations", content=body, headers=JSON)
    assert json.loads(said) == over_http.json()


def test_the_toolkit_finds_its_four_functions_in_the_entry_point() -> None:
    entry = runpy.run_path(str(REPOSITORY / "training" / "containers" / "inference.py"))

    assert [entry[name] for name in ("model_fn", "input_fn", "predict_fn", "output_fn")] == [
        serve_words.model_fn, serve_words.input_fn, serve_words.predict_fn, serve_words.output_fn,
    ]  # fmt: skip


def test_the_answer_names_the_classes(demo: WordEndpoint) -> None:
    sent = {**document({1: ["15.24%"]}), "ClassificationLabels": ["of an earlier answer"]}

    answer = TestClient(ModelServer(demo).app()).post("/invocations", json=sent).json()

    assert tuple(answer["ClassificationLabels"]) == demo.describe()["Labels"]
    (word,) = (block for block in answer["Blocks"] if block["BlockType"] == "WORD")
    assert len(word["ClassificationProbabilities"]) == len(answer["ClassificationLabels"])


def test_ping_tells_of_the_model(demo: WordEndpoint) -> None:
    answer = TestClient(ModelServer(demo).app()).get("/ping")

    assert answer.status_code == 200
    assert answer.json()["Model"] == "demo"
    assert answer.json()["Labels"][-1] == "other"


def test_the_first_type_that_is_asked_for_and_offered_is_taken() -> None:
    assert accepted("image/png;q=0.5, */*", ("a/b", "image/png")) == "image/png"
    assert accepted("", ("a/b",)) == "a/b"
    with pytest.raises(RequestRefusedError):
        accepted("c/d", ("a/b",))


# ---- thumbnails


SHEET = (40, 30)


def thumbnails(objects: FakeObjects | None = None, **settings: str) -> TestClient:
    endpoint = Thumbnailer(ThumbnailerSettings.read(settings), objects or FakeObjects())  # type: ignore[arg-type]
    return TestClient(ModelServer(endpoint).app())


def tiff(num_pages: int) -> bytes:
    buffer = io.BytesIO()
    first, *rest = [Image.new("RGB", SHEET, (40 * number, 0, 0)) for number in range(num_pages)]
    first.save(buffer, "TIFF", save_all=True, append_images=rest)
    return buffer.getvalue()


def test_a_document_of_one_page_gives_its_pixels() -> None:
    answer = post(thumbnails(), png(77), {"content-type": "image/png", "accept": "application/x-npz"})

    assert answer.headers["content-type"] == "application/x-npz"
    arrays = np.load(io.BytesIO(answer.content), allow_pickle=False)
    assert arrays.files == ["image"]
    assert arrays["image"].shape == (224, 224, 3)
    assert arrays["image"].dtype == np.uint8


def test_a_document_of_several_pages_gives_a_row_of_png_files() -> None:
    answer = post(thumbnails(), tiff(3), {"content-type": "image/tiff"})

    arrays = np.load(io.BytesIO(answer.content), allow_pickle=False)
    assert arrays.files == ["images"]
    assert arrays["images"].shape == (3,)
    assert arrays["images"].dtype.kind == "S"
    assert [int(picture[0, 0, 0]) for picture in read_thumbnails(answer.content)] == [0, 40, 80]


def test_one_page_may_be_had_as_an_image() -> None:
    asked = thumbnails(PREPROC_THUMBNAIL_SIZE="20,10")

    for kind, form in (("image/png", "PNG"), ("image/jpeg", "JPEG"), ("image/*", "PNG")):
        with Image.open(io.BytesIO(post(asked, png(5), {"accept": kind}).content)) as image:
            assert (image.format, image.size) == (form, (20, 10))
    assert refusal(post(asked, tiff(2), {"accept": "image/png"})) == (406, "UnsupportedAcceptError")


def test_arrays_come_without_pickle() -> None:
    for content, shape in ((png(5), (224, 224, 3)), (tiff(2), (2,))):
        answer = post(thumbnails(), content, {"accept": "application/x-npy"})
        assert np.load(io.BytesIO(answer.content), allow_pickle=False).shape == shape


@pytest.mark.parametrize(
    ("settings", "size", "corner"),
    [
        ({"PREPROC_THUMBNAIL_SIZE": "20"}, (20, 20), 80),
        ({"PREPROC_THUMBNAIL_SIZE": "12", "PREPROC_DEFAULT_SQUARE": "false"}, (16, 12), 80),
        (
            {
                "PREPROC_THUMBNAIL_SIZE": "15",
                "PREPROC_DEFAULT_SQUARE": "false",
                "PREPROC_MAX_SIZE": "12",
            },
            (12, 9),
            80,
        ),
        ({"PREPROC_THUMBNAIL_SIZE": "20,20", "PREPROC_LETTERBOX_COLOR": "9,9,9"}, (20, 20), 9),
    ],
)
def test_the_reference_s_sizes_are_understood(
    settings: dict[str, str], size: tuple[int, int], corner: int
) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", SHEET, (80, 80, 80)).save(buffer, "PNG")

    answer = post(thumbnails(**settings), buffer.getvalue(), {"accept": "image/png"})

    with Image.open(io.BytesIO(answer.content)) as image:
        assert image.size == size
        assert image.convert("RGB").getpixel((0, 0)) == (corner, corner, corner)


def test_some_pages_of_a_document_in_s3() -> None:
    objects = FakeObjects({"s3://b/d.tiff": tiff(4)})
    sent = {"S3Input": {"Bucket": "b", "Key": "d.tiff"}, "Pages": {"First": 2, "Last": 3}}

    answer = post(thumbnails(objects), sent)

    assert [int(picture[0, 0, 0]) for picture in read_thumbnails(answer.content)] == [40, 80]


@pytest.mark.parametrize(
    ("body", "media", "status", "name"),
    [
        (b"hello", "application/pdf", 422, "UnsupportedDocumentError"),
        (b"%PDF-1.7 and no more", "application/pdf", 422, "DamagedDocumentError"),
        (b"<html>", "text/html", 415, "UnsupportedContentTypeError"),
        (b"{}", "application/json", 400, "InvalidRequestError"),
        (b'{"S3Input": "s3://b/absent"}', "application/json", 404, "DocumentMissingError"),
        (b'{"S3Input": "s3://b/d", "Pages": {"First": 3}}', "application/json", 400, "PageRangeError"),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_name(body: bytes, media: str, status: int, name: str) -> None:
    objects = FakeObjects({"s3://b/d": tiff(2)})

    assert refusal(post(thumbnails(objects), body, {"content-type": media})) == (status, name)


@pytest.mark.parametrize(
    "settings",
    [
        {"PREPROC_THUMBNAIL_SIZE": "0,5"},
        {"PREPROC_THUMBNAIL_SIZE": "1,2,3"},
        {"PREPROC_LETTERBOX_COLOR": "mauvish"},
        {"PREPROC_PREFERRED_IMAGE_FORMAT": "bmp"},
    ],
)
def test_a_thumbnailer_s_setting_that_does_not_fit_is_named(settings: dict[str, str]) -> None:
    with pytest.raises(Exception, match=next(iter(settings))):
        open_endpoint("thumbnails", DEMO, settings)
