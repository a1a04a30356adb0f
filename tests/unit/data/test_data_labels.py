"""Jobs' results consolidated, labelled pages drawn; real manifests of the reference and of others."""

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from recto.errors import ConfigurationError, DocumentMissingError, ManifestError
from recto.manifests import ManifestLine
from recto_data import (
    HowToConsolidate,
    HowToShow,
    Mapped,
    Report,
    Status,
    as_html,
    as_picture,
    consolidate,
    pages_to_show,
    read_jobs,
    write_lines,
)
from recto_data.page_labels import page_labels

MANIFESTS = Path(__file__).resolve().parents[4] / "shared" / "data" / "groundtruth" / "manifests"
real = pytest.mark.skipif(not MANIFESTS.exists(), reason="the shared data are not here")


def labelled(name: str = "job-1", image: str = "a.png", **more: Any) -> dict[str, Any]:
    metadata = {
        "class-map": {"0": "Total"},
        "type": "groundtruth/object-detection",
        "creation-date": "2026-01-01T00:00:00",
        "job-name": f"labeling-job/{name}",
        **more,
    }
    box = {"class_id": 0, "left": 10, "top": 20, "width": 40, "height": 10}
    label = {"image_size": [{"width": 100, "height": 200, "depth": 3}], "annotations": [box]}
    return {"source-ref": f"s3://theirs/{image}", name: label, f"{name}-metadata": metadata}


def line(content: dict[str, Any], number: int = 1) -> ManifestLine:
    return ManifestLine("m", number, content)


# --- consolidation ----------------------------------------------------------------------------------


def test_jobs_become_one_label_with_their_references_mapped() -> None:
    how = HowToConsolidate("fields", mapped=[Mapped.parse("s3://theirs=s3://mine/x")])

    found = consolidate([line(labelled("one")), line(labelled("two", "b.png"), 2)], how)

    assert [one["source-ref"] for one in found.lines] == ["s3://mine/x/a.png", "s3://mine/x/b.png"]
    assert all(set(one) == {"source-ref", "fields", "fields-metadata"} for one in found.lines)
    assert found.report.findings == []


def test_the_latest_adjustment_of_a_page_wins_in_a_line_and_between_jobs() -> None:
    first = labelled("one")
    adjusted = {
        **first,
        **labelled("two", **{"adjustment-status": "adjusted", "creation-date": "2025-01-01"}),
    }

    found = consolidate([line(first), line(adjusted, 2)])

    (one,) = found.lines
    assert one["labels-metadata"]["job-name"] == "labeling-job/two"
    (told,) = found.report.of(Status.WARNING)
    assert told.name.startswith("m, line 1")
    assert "was adjusted" in told.reason


def test_a_page_labelled_twice_keeps_the_newest_and_is_told() -> None:
    newer = labelled("two", **{"creation-date": "2026-02-01"})

    found = consolidate([line(newer), line(labelled("one"), 2)])

    assert [one["labels-metadata"]["job-name"] for one in found.lines] == ["labeling-job/two"]
    assert [finding.status for finding in found.report.findings] == [Status.WARNING]


def test_classes_that_do_not_go_together_are_refused_by_both_lines() -> None:
    other = labelled("two", "b.png", **{"class-map": {"0": "Date"}})

    with pytest.raises(ManifestError, match="line 2: class 0 is 'Date' here and 'Total' in m, line 1"):
        consolidate([line(labelled()), line(other, 2)])


def test_labels_of_two_kinds_are_refused_where_they_are_of_one_page_as_well() -> None:
    other = labelled("two", type="groundtruth/image-classification")
    other["two"] = 0

    with pytest.raises(ManifestError, match=r"labels of several kinds: .*m, line 1.* and .*m, line 2"):
        consolidate([line(labelled()), line(other, 2)])


def test_jobs_of_a_folder_are_chosen_by_name(tmp_path: Path) -> None:
    for name in ("fees-1", "fees-2", "rates"):
        write_lines(tmp_path / name / "manifests/output/output.manifest", [labelled(name, f"{name}.png")])

    def names(*wanted: str) -> list[str]:
        return [one.content["source-ref"] for one in read_jobs([str(tmp_path)], wanted)]

    assert names() == ["s3://theirs/fees-1.png", "s3://theirs/fees-2.png", "s3://theirs/rates.png"]
    assert names("fees-*") == ["s3://theirs/fees-1.png", "s3://theirs/fees-2.png"]
    assert [one.content["source-ref"] for one in read_jobs([str(tmp_path / "rates")])] == [
        "s3://theirs/rates.png"
    ]
    with pytest.raises(ConfigurationError, match=r"no job 'rate', did you mean 'rates'\?"):
        names("rate")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigurationError, match="there is none"):
        read_jobs([str(tmp_path / "empty")])


@real
def test_real_jobs_are_consolidated_or_refused_by_name() -> None:
    def jobs(*names: str) -> list[ManifestLine]:
        return read_jobs([str(MANIFESTS / name) for name in names])

    reference = consolidate(jobs("ref-augmentation-1.output.manifest", "ref-augmentation-2.output.manifest"))
    assert len(reference.lines) == 100
    assert sum(len(one["labels"]["annotations"]) for one in reference.lines) == 1108
    assert len(consolidate(jobs("birds-detection-sample.output.manifest")).lines) == 100
    segmentation = consolidate(jobs("semantic-segmentation.output.manifest"))
    assert segmentation.label == "labels-ref"
    expired = consolidate(jobs("comprehend-output_with_expired_tasks_manifest.jsonl"))
    assert len(expired.lines) == 1
    assert ["Annotation tasks expired" in finding.reason for finding in expired.report.findings] == [
        True,
        True,
    ]
    with pytest.raises(ManifestError, match=r"labels of several kinds: boxes .* and semantic-segmentation"):
        consolidate(jobs("birds-detection-sample.output.manifest", "semantic-segmentation.output.manifest"))


# --- looking at pages -------------------------------------------------------------------------------

EVIL = "<script>alert(1)</script>"


def ocr(*texts: str, page: int = 1) -> bytes:
    words = [
        {
            "BlockType": "WORD",
            "Id": str(index),
            "Page": page,
            "Text": text,
            "Confidence": 99,
            "Geometry": {
                "BoundingBox": {"Left": 0.12 + 0.5 * index, "Top": 0.11, "Width": 0.2, "Height": 0.02}
            },
        }
        for index, text in enumerate(texts)
    ]
    return json.dumps(
        {"DocumentMetadata": {"Pages": page}, "JobStatus": "SUCCEEDED", "Blocks": words}
    ).encode()


def png(colour: str = "white", size: tuple[int, int] = (100, 200)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def reader(**files: bytes) -> Any:
    def read(ref: str) -> bytes:
        name = ref.rpartition("/")[2]
        if name not in files:
            raise DocumentMissingError(f"{ref}: there is no such file")
        return files[name]

    return read


def shown_line(page: int = 1, **changes: Any) -> ManifestLine:
    return line({**labelled(), "textract-ref": "s3://theirs/ocr.json", "page-num": page, **changes})


def test_a_page_is_shown_with_its_boxes_and_the_words_in_them() -> None:
    read = reader(**{"a.png": png(), "ocr.json": ocr(EVIL, "outside")})

    (page,) = pages_to_show([shown_line()], read)

    assert [(word.word.text, word.box.name if word.box else "") for word in page.words] == [
        (EVIL, "Total"),
        ("outside", ""),
    ]
    picture = as_picture(page)
    assert picture.size == (132, 200)
    assert picture.getpixel((10, 25)) != (255, 255, 255)


def test_text_is_escaped_and_only_our_script_may_run() -> None:
    content = labelled(**{"class-map": {"0": f'"><img src=x onerror=1>{EVIL}'}})
    one = line(
        {**content, "textract-ref": "s3://theirs/ocr.json", "page-num": 1, "raw-ref": f"s3://b/{EVIL}.pdf"}
    )
    read = reader(**{"a.png": png(), "ocr.json": ocr(EVIL)})

    html = "".join(as_html(pages_to_show([one], read), EVIL))

    assert html.count("<script") == 1
    assert "<img src=x" not in html
    assert re.search(r"script-src 'sha256-[A-Za-z0-9+/=]+'\"", html)
    assert "http://" not in html
    assert "https://" not in html


def test_only_some_classes_are_shown_where_asked() -> None:
    read = reader(**{"a.png": png(), "ocr.json": ocr("x")})

    (page,) = pages_to_show([shown_line()], read, HowToShow(classes=["Date"]))

    assert page.labels.boxes == ()


def test_what_cannot_be_shown_is_told_and_the_others_go_on() -> None:
    read = reader(**{"a.png": png(), "ocr.json": ocr("x"), "b.png": b"no image"})
    lines = [
        shown_line(page=9),
        shown_line(**{"source-ref": "s3://theirs/gone.png"}),
        shown_line(**{"source-ref": "s3://theirs/b.png"}),
        shown_line(**{"job-1": {"image_size": [{"width": 0, "height": 1}], "annotations": []}}),
        shown_line(),
    ]
    report = Report()

    pages = list(pages_to_show(lines, read, None, report))

    assert len(pages) == 1
    assert [(finding.error, finding.reason.partition(": ")[2][:30]) for finding in report.findings] == [
        ("ManifestError", "page 9: its OCR result has 1 p"),
        ("DocumentMissingError", "there is no such file"),
        ("DamagedDocumentError", "cannot be shown as an image: c"),
        ("ManifestError", "image_size 0 x 1: expected pos"),
    ]


def test_an_image_of_another_shape_is_remarked_on() -> None:
    report = Report()

    list(
        pages_to_show(
            [shown_line()], reader(**{"a.png": png(size=(200, 100)), "ocr.json": ocr("x")}), None, report
        )
    )

    assert [finding.status for finding in report.findings] == [Status.WARNING]


def test_the_colours_of_a_label_image_are_named_and_the_background_is_not() -> None:
    colours = {
        "0": {"class-name": "BACKGROUND", "hex-color": "#ffffff"},
        "1": {"class-name": "<IC>", "hex-color": "#2ca02c"},
    }
    about = {"type": "groundtruth/semantic-segmentation", "internal-color-map": colours}
    content = {"source-ref": "s3://theirs/a.png", "x-ref": "s3://theirs/x.png", "x-ref-metadata": about}
    read = reader(**{"a.png": png(), "x.png": png("#2ca02c")})

    (page,) = pages_to_show([line(content)], read)

    assert page.labels.colours == (("<IC>", (0x2C, 0xA0, 0x2C)),)
    html = "".join(as_html([page], "t"))
    assert '<span class="key" style="background:#2ca02c"></span> &lt;IC&gt;' in html
    assert "BACKGROUND" not in html
    picture = as_picture(page)
    beside = picture.crop((page.image.width, 0, *picture.size)).getcolors()
    assert (0x2C, 0xA0, 0x2C) in {colour for _, colour in beside or ()}


def test_a_colour_that_is_none_is_told() -> None:
    about = {"internal-color-map": {"1": {"class-name": "IC", "hex-color": "green"}}}
    content = {"source-ref": "s3://theirs/a.png", "x-ref": "s3://theirs/x.png", "x-ref-metadata": about}

    with pytest.raises(ManifestError, match="hex-color: expected #rrggbb, seen 'green'"):
        page_labels(line(content))


def test_a_label_image_is_laid_over_the_page_and_a_class_is_told() -> None:
    segmented = {"source-ref": "s3://b/a.png", "parts-ref": "s3://b/mask.png"}
    segmented |= {"parts-ref-metadata": {"type": "groundtruth/semantic-segmentation"}}
    classified = {"source-ref": "s3://b/a.png", "kind": 0}
    classified |= {"kind-metadata": {"class-name": "letter", "type": "groundtruth/image-classification"}}
    read = reader(**{"a.png": png(), "mask.png": png("red", (50, 100))})

    mask, kind = pages_to_show([line(segmented), line(classified, 2)], read)

    assert mask.image.getpixel((50, 100)) == (255, 153, 153)
    assert kind.labels.classes == ("letter",)
    assert "<p>letter</p>" in "".join(as_html([kind], "x"))


@real
@pytest.mark.parametrize("name", ["ref-augmentation-1", "ref-augmentation-2", "birds-detection-sample"])
def test_real_boxes_are_drawn_where_their_images_would_be(name: str) -> None:
    lines = read_jobs([str(MANIFESTS / f"{name}.output.manifest")])[:2]
    report = Report()

    pages = list(pages_to_show(lines, reader(), HowToShow(blank=True), report))

    assert len(pages) == 2
    assert report.findings == []
    assert all(as_picture(page).getbbox() for page in pages)


@real
def test_every_real_box_is_understood() -> None:
    counts = {}
    for name in ("ref-augmentation-1", "ref-augmentation-2", "birds-detection-sample"):
        lines = read_jobs([str(MANIFESTS / f"{name}.output.manifest")])
        counts[name] = sum(len(page_labels(one).boxes) for one in lines)

    assert counts["ref-augmentation-1"] + counts["ref-augmentation-2"] == 1108
    (segmentation,) = read_jobs([str(MANIFESTS / "semantic-segmentation.output.manifest")])
    assert page_labels(segmentation).label_image.endswith(".png")
