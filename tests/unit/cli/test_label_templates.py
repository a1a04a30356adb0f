"""Templates of a field list: what is filled in, what cannot get in, and that each renders."""

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recto.errors import LabelRequestError
from recto.fields import parse_fields
from recto_cli.labelling import templates
from recto_cli.labelling.categories import category_faults, labels_of
from recto_cli.labelling.guidance import as_text, guidance_sections, paragraphs, safe_html
from recto_cli.labelling.preview import rendered, task_input
from recto_cli.labelling.tasks import TASKS, TaskType
from recto_cli.labelling.templates import For, TemplateText, entity_labels, filled, template_source
from tests.contract.template import ROOT
from tests.unit.cli.label_stack import invoke, page

FIELDS = ROOT / "local" / "releases" / "demo" / "fields.json"
HOSTILE = "{{ task.input | skip_autoescape }}{% raw %}\"'><script>alert(1)</script>"
TEXT = TemplateText(
    title=HOSTILE, header=HOSTILE, instructions=HOSTILE, labels=(HOSTILE, "B"), previous="boxes"
)
LINE: dict[str, Any] = page(
    1,
    text="Alpha & Beta",
    boxes={
        "image_size": [{"width": 100, "height": 100, "depth": 3}],
        "annotations": [{"class_id": 0, "left": 1, "top": 2, "width": 3, "height": 4}],
        "entities": [],
    },
    **{"boxes-metadata": {"class-map": {"0": HOSTILE}}},
)


def read(uri: str) -> bytes:
    raise AssertionError(f"nothing here reads {uri}")


@pytest.mark.parametrize("task", TaskType)
def test_every_template_renders_with_a_real_line_and_hostile_words_stay_words(task: TaskType) -> None:
    page_ = filled(template_source(task), TEXT, For.WORKBENCH)
    line = {**LINE, "boxes": "s3://work/areas.png"} if "segmentation" in task else LINE
    if "segmentation" in task:
        line = {
            **line,
            "boxes-metadata": {"internal-color-map": {"0": {"class-name": "B", "hex-color": "#fff"}}},
        }

    html = rendered(page_, task_input(line, read), lambda uri: f"https://link/{uri[5:]}")

    assert "[[recto:" not in html
    assert "<script>alert(1)" not in html
    assert html.count("skip_autoescape") >= page_.count("skip_autoescape") > 0  # none of it was Liquid


def test_labels_come_out_of_the_page_as_they_went_in() -> None:
    html = filled(template_source(TaskType.BOUNDING_BOX), TEXT, For.WORKBENCH)

    found = re.search(r'labels="([^"]*)"', html)

    assert found
    assert json.loads(unescape(found[1])) == [HOSTILE, "B"]


def test_a_review_needs_an_attribute_that_can_stand_in_a_template() -> None:
    source = template_source(TaskType.BOUNDING_BOX_ADJUSTMENT)

    with pytest.raises(LabelRequestError, match="--adjust names their attribute"):
        filled(source, TEXT.model_copy(update={"previous": ""}), For.WORKBENCH)
    with pytest.raises(LabelRequestError, match="letters, digits and hyphens"):
        filled(source, TEXT.model_copy(update={"previous": "x'] }} {{ y"}), For.WORKBENCH)


def test_for_ground_truth_the_element_stands_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "element.js"
    script.write_text("customElements.define('recto-ocr-annotation', E)", encoding="utf-8")
    monkeypatch.setattr(templates, "ELEMENT_SCRIPT", script)
    source = template_source(TaskType.OCR_BOXES)

    assert "customElements.define('recto" in filled(source, TEXT, For.GROUND_TRUTH)
    assert "customElements.define('recto" not in filled(source, TEXT, For.WORKBENCH)
    script.write_text("x = '{{'", encoding="utf-8")
    with pytest.raises(LabelRequestError, match=r"holds \{\{"):
        filled(source, TEXT, For.GROUND_TRUTH)
    script.write_text("x" * 130_000, encoding="utf-8")
    with pytest.raises(LabelRequestError, match="Ground Truth renders at most 128,000"):
        filled(source, TEXT, For.GROUND_TRUTH)


def test_a_placeholder_that_nothing_fills_is_named() -> None:
    with pytest.raises(LabelRequestError, match=r"\[\[recto:colour\]\]"):
        filled("[[recto:colour]]", TEXT, For.WORKBENCH)


def test_short_names_are_short_and_differ() -> None:
    entries = entity_labels(("Party", "Parties", "Provider Name", "Provider Number", "X"))

    assert [entry["shortDisplayName"] for entry in entries] == ["PAR", "PAR2", "PN", "PN2", "X"]


# --- guidance -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("html", "safe"),
    [
        ("<p>The <b>date</b></p>", "<p>The <b>date</b></p>"),
        ('<p onclick="x()" style="a">x</p>', "<p>x</p>"),
        ("<script>x()</script>", "&lt;script&gt;x()&lt;/script&gt;"),
        ('<img src=x onerror="x()">', "&lt;img src=x onerror=&quot;x()&quot;&gt;"),
        ("a<br/>b", "a<br>b"),
        ("<ul><li>one<li>two</ul>", "<ul><li>one<li>two</li></li></ul>"),
        ("</p>x<b>y", "&lt;/p&gt;x<b>y</b>"),
        ("{{ x }}", "&#123;&#123; x &#125;&#125;"),
        ("<!-- x -->", "&lt;!-- x --&gt;"),
        ("a < b & c", "a &lt; b &amp; c"),
        ("&lt;b&gt;", "&lt;b&gt;"),
    ],
)
def test_guidance_keeps_plain_tags_and_shows_the_rest_as_text(html: str, safe: str) -> None:
    assert safe_html(html) == safe


@given(st.text(alphabet=st.sampled_from("<>/\"'&;{}%=! abpliscrt-\n")))
def test_no_guidance_opens_another_tag_or_liquid(html: str) -> None:
    safe = safe_html(html)

    tags = re.findall(r"<[^>]*>", safe)

    assert all(re.fullmatch(r"</?(p|br|b|strong|i|em|u|ul|ol|li|code)>", tag) for tag in tags)
    assert "<" not in re.sub(r"<[^>]*>", "", safe)
    assert "{" not in safe
    for name in ("p", "b", "i", "li"):
        assert safe.count(f"<{name}>") == safe.count(f"</{name}>")


@given(st.text())
def test_text_is_read_back_as_it_was(text: str) -> None:
    shown = as_text(text)

    assert not set(shown) & set("<>\"'{}")
    assert unescape(shown) == unescape(shown.replace("&#123;", "{").replace("&#125;", "}"))


def test_paragraphs_are_where_lines_are_empty() -> None:
    assert paragraphs("one\ntwo\r\n\r\n<three>\n\n") == "<p>one\ntwo</p><p>&lt;three&gt;</p>"


def test_real_guidance_is_filled_in_for_each_field() -> None:
    fields = parse_fields(FIELDS.read_bytes())

    sections = guidance_sections(fields.fields)

    with_guidance = [field for field in fields.fields if field.annotation_guidance]
    assert sections.count("<section") == len(with_guidance)


# --- labels -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "task", "told"),
    [
        (["A"] * 2, TaskType.BOUNDING_BOX, "'A' comes twice"),
        (["A", "a"], TaskType.BOUNDING_BOX, "'a' comes twice"),
        ([], TaskType.BOUNDING_BOX, "at least 1 labels, got 0"),
        (["A"], TaskType.IMAGE_CLASSIFICATION, "at least 2 labels, got 1"),
        ([f"L{n}" for n in range(51)], TaskType.OCR_BOXES, "at most 50 labels, got 51"),
        ([" A"], TaskType.BOUNDING_BOX, "without spaces around it"),
        (["A\x07"], TaskType.BOUNDING_BOX, "no control characters"),
        (["A" * 257], TaskType.BOUNDING_BOX, "at most 256 characters, got 257"),
    ],
)
def test_labels_that_do_not_work_are_told(labels: list[str], task: TaskType, told: str) -> None:
    assert any(told in fault for fault in category_faults(labels, task))


def test_labels_are_the_fields_in_the_order_of_their_classes() -> None:
    fields = parse_fields(FIELDS.read_bytes())

    assert labels_of(fields, TaskType.OCR_BOXES) == tuple(field.name for field in fields.by_class.values())
    assert labels_of(fields, TaskType.BOUNDING_BOX_VERIFICATION) == ("good", "bad")
    assert all(not category_faults(labels_of(fields, task), task) for task in TASKS)


# --- the command --------------------------------------------------------------------------------------


def test_the_command_writes_template_and_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECTO_HOME", str(tmp_path / "home"))
    output = tmp_path / "made" / "template.liquid.html"

    result = invoke("label", "template", "ocr-boxes", "--fields", str(FIELDS), "--output", str(output))

    assert result.exit_code == 0, result.exception
    fields = parse_fields(FIELDS.read_bytes())
    made = json.loads((output.parent / "label-categories.json").read_bytes())
    assert made["document-version"] == "2018-11-28"
    assert [entry["label"] for entry in made["labels"]] == list(labels_of(fields, TaskType.OCR_BOXES))
    assert set(made["instructions"]) == {"shortInstruction", "fullInstruction"}
    assert "recto-ocr-annotation" in output.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "beside"),
    [
        ((), ""),
        (("--header", "Box it"), ""),
        (("--header", "Box it", "--instructions", "Box it"), ""),
        (("--instructions", "Be quick"), "Be quick"),
    ],
)
def test_a_sentence_is_in_a_template_once(
    options: tuple[str, ...], beside: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECTO_HOME", str(tmp_path / "home"))
    output = tmp_path / "template.liquid.html"

    result = invoke("label", "template", "bounding-box", "--label", "A", "--output", str(output), *options)

    assert result.exit_code == 0, result.exception
    page = output.read_text(encoding="utf-8")
    short = re.search(r"<short-instructions>(.*?)</short-instructions>", page, re.DOTALL)
    assert short
    assert re.sub(r"<.*?>", "", short[1]).strip() == beside
    header = re.search(r'header="(.*?)"', page)
    assert header
    assert page.count(header[1]) == 1
    made = json.loads((tmp_path / "label-categories.json").read_bytes())["instructions"]
    assert made["shortInstruction"] == f"<p>{beside or header[1]}</p>"


def test_the_command_notes_whose_labels_are_reviewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECTO_HOME", str(tmp_path / "home"))
    output = tmp_path / "template.liquid.html"

    invoke(
        "label",
        "template",
        "bounding-box-adjustment",
        "--label",
        "A",
        "--adjust",
        "first",
        "--output",
        str(output),
    )

    assert json.loads((tmp_path / "label-categories.json").read_bytes())["auditLabelAttributeName"] == "first"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "expected --fields FILE, or --label"),
        (("--label", "A", "--fields", str(FIELDS)), "expected --fields FILE, or --label"),
        (("--fields", "none.json"), "none.json: No such file"),
        (("--label", "A", "--label", "A"), "comes twice"),
    ],
)
def test_the_command_writes_nothing_of_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], told: str
) -> None:
    monkeypatch.setenv("RECTO_HOME", str(tmp_path / "home"))
    output = tmp_path / "template.liquid.html"

    result = invoke("label", "template", "bounding-box", *options, "--output", str(output))

    assert result.exit_code != 0
    assert told in f"{result.output}{result.exception}".replace("│", "")
    assert not output.exists()
