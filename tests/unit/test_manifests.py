import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recto.errors import ManifestError
from recto.manifests import (
    BrokenLine,
    ManifestLine,
    chosen_label,
    document_of,
    label_attributes,
    line_of,
    page_of,
    read_manifest,
    read_whole_manifest,
    references_of,
    with_label,
    with_references,
)

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "groundtruth"
needs_real_data = pytest.mark.skipif(not REAL.is_dir(), reason="the shared data is not there")


def lines_of(*contents: Any) -> bytes:
    return b"".join(line_of(one) for one in contents)


def line(content: dict[str, Any]) -> ManifestLine:
    return ManifestLine("pages.manifest", 3, content)


@given(st.lists(st.dictionaries(st.text(), st.text() | st.integers() | st.none())), st.integers(1, 50))
def test_what_is_written_is_read_whatever_the_chunks(contents: list[dict[str, Any]], size: int) -> None:
    body = lines_of(*contents)
    chunks = [body[start : start + size] for start in range(0, len(body), size)]

    read = list(read_whole_manifest(chunks, "m"))

    assert [one.content for one in read] == contents
    assert [one.number for one in read] == list(range(1, len(contents) + 1))


def test_a_broken_line_is_told_and_the_others_are_read() -> None:
    body = b'\xef\xbb\xbf{"a":1}\r\n\n{"a":\n[1]\n\xff\n{"a":2}'

    read = list(read_manifest([body], "m.manifest"))

    assert [one.number for one in read] == [1, 3, 4, 5, 6]
    broken = [one for one in read if isinstance(one, BrokenLine)]
    assert [one.place for one in broken] == [f"m.manifest, line {n}" for n in (3, 4, 5)]
    assert "not JSON" in broken[0].reason
    assert broken[1].reason == "expected a JSON object, seen a list"
    assert "not UTF-8" in broken[2].reason


def test_where_no_line_may_be_broken_the_first_one_is_an_error_with_its_number() -> None:
    with pytest.raises(ManifestError, match="m, line 2: not JSON"):
        list(read_whole_manifest([b"{}\n{"], "m"))


def test_line_separators_within_json_end_no_line() -> None:
    assert len(list(read_whole_manifest(['{"a":"x\u2028y\x85z"}\n'.encode()], "m"))) == 1


def test_a_line_without_end_is_told_and_not_gathered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recto.manifests.MAX_LINE_BYTES", 100)

    read = list(read_manifest([b"x" * 90, b"x" * 90, b"x\n{}\n"], "m"))

    assert isinstance(read[0], BrokenLine)
    assert "longer than 100 bytes" in read[0].reason
    assert isinstance(read[1], ManifestLine)


def test_a_page_keeps_what_recto_does_not_know() -> None:
    content = {"source-ref": "s3://b/1.png", "textract-ref": "s3://b/t", "page-num": 1, "mine": {"a": 1}}

    assert page_of(line(content)).content() == content


def test_a_document_keeps_its_pages() -> None:
    content = {
        "raw-ref": "s3://b/a.pdf", "page-refs": ["s3://b/1.png", "s3://b/2.png"],
        "pages-have-content": [True, False],
    }  # fmt: skip

    assert document_of(line(content)).page_refs == ("s3://b/1.png", "s3://b/2.png")
    assert document_of(line(content)).content() == content


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"raw-ref": "s3://b/a.pdf"}, "line 3: source-ref: Field required, seen the keys raw-ref"),
        ({"source-ref": "s3://b/1.png", "page-num": 0}, "line 3: page-num: .*seen 0"),
        ({"source-ref": "s3://b/1.png", "page-num": "one"}, "line 3: page-num: .*seen 'one'"),
    ],
)
def test_a_line_that_is_no_page_is_named(content: dict[str, Any], message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        page_of(line(content))


# --- labels -----------------------------------------------------------------------------------------


def metadata(**more: str) -> dict[str, str]:
    return {"type": "groundtruth/custom", "job-name": "labeling-job/first", **more}


def test_a_label_knows_its_job_and_its_kind() -> None:
    content = {"source-ref": "s3://b/1", "metadata": {"x": 1}, "fields": {}, "fields-metadata": metadata()}

    (label,) = label_attributes(content)

    assert (label.name, label.job, label.kind, label.failure) == ("fields", "first", "custom", "")


def test_the_adjusted_label_is_chosen_and_of_several_the_latest() -> None:
    content = {
        "a": {"annotations": []}, "a-metadata": metadata(),
        "c": {"annotations": []},
        "c-metadata": metadata(**{"adjustment-status": "adjusted", "creation-date": "2021-07-05T00:00"}),
        "b": {"annotations": []},
        "b-metadata": metadata(**{"adjustment-status": "unadjusted", "creation-date": "2021-07-04T00:00"}),
        "v": "1", "v-metadata": metadata(type="groundtruth/label-verification"),
    }  # fmt: skip

    assert chosen_label(line(content)).name == "c"
    assert chosen_label(line(content), "a").name == "a"


def test_several_labels_without_an_adjustment_are_a_question() -> None:
    content = {"a": 1, "a-metadata": metadata(), "b": 1, "b-metadata": metadata()}

    with pytest.raises(ManifestError, match="several label attributes: a, b; name the right one"):
        chosen_label(line(content))


def test_a_wrong_name_is_told_with_what_is_there() -> None:
    content = {"fields": 1, "fields-metadata": metadata()}

    with pytest.raises(ManifestError, match=r"no label 'field', did you mean 'fields'.*seen fields"):
        chosen_label(line(content), "field")


def test_an_unlabelled_line_is_told_with_its_keys() -> None:
    with pytest.raises(ManifestError, match="no label attribute, seen the keys source-ref"):
        chosen_label(line({"source-ref": "s3://b/1"}))


def test_one_label_under_a_new_name() -> None:
    content = {
        "source-ref": "s3://b/1", "a": 1, "a-metadata": metadata(), "b": 2, "b-metadata": metadata(),
    }  # fmt: skip

    renamed = with_label(content, label_attributes(content)[1], "label")

    assert renamed == {"source-ref": "s3://b/1", "label": 2, "label-metadata": metadata()}


def test_references_are_changed_wherever_they_are_and_text_is_not() -> None:
    content = {"source-ref": "s3://a/1", "note": "see s3://a/1", "page-refs": ["s3://a/2"], "n": 1}

    changed = with_references(content, lambda uri: uri.replace("s3://a/", "s3://b/x/"))

    assert changed == {
        "source-ref": "s3://b/x/1", "note": "see s3://a/1", "page-refs": ["s3://b/x/2"], "n": 1
    }  # fmt: skip
    assert references_of(content) == ["s3://a/1", "s3://a/2"]


# --- real manifests ---------------------------------------------------------------------------------


def real(name: str) -> list[ManifestLine]:
    with (REAL / "manifests" / name).open("rb") as file:
        return list(read_whole_manifest(file, name))


@needs_real_data
@pytest.mark.parametrize("number", [1, 2])
def test_the_reference_manifests_are_read_and_written_as_they_are(number: int) -> None:
    lines = real(f"ref-augmentation-{number}.output.manifest")

    assert len(lines) == 50
    for one in lines:
        assert page_of(one).content() == one.content
        assert json.loads(line_of(one.content)) == one.content
        label = chosen_label(one)
        assert label.name == f"augmentation-{number}"
        assert label.is_adjustment
        ids = {box["class_id"] for box in label.value["annotations"]}
        assert ids <= set(label.class_names)


@needs_real_data
def test_a_real_segmentation_is_a_label_that_names_its_image() -> None:
    label = chosen_label(real("semantic-segmentation.output.manifest")[0])

    assert (label.name, label.kind) == ("S10-label3-ref", "semantic-segmentation")
    assert label.value.startswith("s3://pcbtest22/")


@needs_real_data
def test_real_expired_tasks_say_why_they_have_no_label() -> None:
    lines = real("comprehend-output_with_expired_tasks_manifest.jsonl")

    labels = [chosen_label(one) for one in lines]

    assert [one.name for one in labels] == ["mock_job_name"] * 3
    assert labels[0].failure == ""
    assert "expired" in labels[1].failure


@needs_real_data
def test_real_detections_and_classes_are_found() -> None:
    labels = [chosen_label(one) for one in real("birds-detection-sample.output.manifest")]

    assert {one.kind for one in labels} == {"object-detection"}
    path = REAL / "worker-responses" / "birds-5workers" / "output.manifest"
    with path.open("rb") as file:
        classes = [chosen_label(one) for one in read_whole_manifest(file, path.name)]
    assert len(classes) == 302
    assert all(isinstance(one.value, int) for one in classes)
