"""Boxes and the review of transcriptions (D6, D8): the whole task, in the workbench and without it."""

import io
import json
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from playwright.sync_api import Page, expect

from recto_cli.labelling.templates import For
from tests.browser.conftest import Serve
from tests.browser.frame_harness import Harness, Opened, drawn_page, rendered, textract

REAL_PDF = Path(__file__).parents[3] / "shared/data/textract/machu-f1040/f1040.pdf"
REAL_OCR = REAL_PDF.parent / "data.json"
WORDS = (("TOTAL", 100, 100, 40, 12), ("12.50", 145, 100, 35, 12), ("DATE", 300, 100, 40, 12))
INPUT = {"source-ref": "s3://b/page.png", "textract-ref": "s3://b/page.json", "page-num": 1}
UNREVIEWED = {"on": False}


@pytest.fixture(scope="module")
def harness(serve: Serve, web_static: Any) -> Harness:
    made = Harness(web_static)
    made.origin, made.objects = serve(made.app()), serve(made.store())
    made.put("page.png", drawn_page())
    made.put("page.json", textract(*WORDS))
    return made


@pytest.fixture
def opened(page: Page, harness: Harness) -> Opened:
    return Opened(page, harness.origin)


def ready(opened: Opened) -> Any:
    """The picture, with the OCR read."""
    picture = opened.open().picture()
    opened.frame.get_by_text("Loading the page's OCR").wait_for(state="detached")
    return picture


def reviews(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The reviewed entities by the text that OCR read."""
    out = {}
    for key, value in answer.items():
        if not key.endswith("-meta"):
            continue
        stem = key.removesuffix("-meta")
        meta = json.loads(value)
        out[meta["ocrText"]] = {
            "uid": stem.removeprefix("ocr-"), "label": meta["label"], "labelId": meta["labelId"],
            "boxIxs": meta["boxIxs"], "override": answer.get(f"{stem}-override"),
            "said": [one for one in ("correct", "wrong", "unclear") if answer[f"{stem}-{one}"]["on"]],
        }  # fmt: skip
    return out


def test_boxes_snap_and_every_transcription_is_reviewed_before_submit(
    harness: Harness, opened: Opened
) -> None:
    harness.template("ocr-boxes", INPUT)
    picture = ready(opened)
    picture.drag(95, 94, 185, 118)
    opened.press("2")
    picture.drag(296, 95, 345, 117)

    opened.send({"type": "request-submit"})
    opened.page.wait_for_timeout(200)
    assert opened.said("submit") == []
    assert opened.said("state")[-1]["missing"].startswith("A (TOTAL 12.50): say whether")

    opened.frame.locator(".stage").focus()
    opened.press("c", "n", "e")
    opened.page.keyboard.type(" 2026")
    opened.press("Enter")
    answer = opened.submit()

    boxes = [{"height": 12, "label": "A", "left": 100, "top": 100, "width": 80},
             {"height": 12, "label": "B", "left": 300, "top": 100, "width": 40}]  # fmt: skip
    assert answer.pop("boxtool") == {
        "boundingBoxes": boxes,
        "inputImageProperties": {"height": 400, "width": 600},
    }
    found = reviews(answer)
    assert [key for key in answer if not key.startswith("ocr-")] == []
    assert found["TOTAL 12.50"] | {"uid": ""} == {
        "uid": "", "label": "A", "labelId": 0, "boxIxs": [0], "override": None, "said": ["correct"],
    }  # fmt: skip
    assert found["DATE"] | {"uid": ""} == {
        "uid": "", "label": "B", "labelId": 1, "boxIxs": [1], "override": "DATE 2026", "said": ["wrong"],
    }  # fmt: skip


def test_deleting_a_box_moves_no_answer_and_undo_brings_its_review_back(
    harness: Harness, opened: Opened
) -> None:
    harness.template("ocr-boxes", INPUT)
    picture = ready(opened)
    cards = opened.frame.locator(".card")
    for boxes, (left, width) in enumerate(((100, 40), (145, 35), (300, 40)), start=1):
        opened.press("Escape")
        picture.drag(left - 2, 98, left + width + 2, 114)
        expect(cards).to_have_count(boxes)
    expect(cards.locator(".text")).to_have_text(["TOTAL", "12.50", "DATE"])
    for status, at in (("Correct", 0), ("Unclear", 1), ("Correct", 2)):
        cards.nth(at).get_by_label(status).check()
    before = reviews(opened.submit())

    opened.frame.get_by_role("button", name="Delete box 1. A").click()
    opened.page.wait_for_timeout(2100)
    opened.send({"type": "request-submit"})
    after = reviews(opened.wait("submit", 2)["answer"])

    assert {text: one["uid"] for text, one in after.items()} == {
        text: one["uid"] for text, one in before.items() if text != "TOTAL"
    }
    assert after["12.50"]["said"] == ["unclear"]
    assert after["12.50"]["boxIxs"] == [0]

    opened.send({"type": "undo"})
    cards.nth(2).wait_for()
    expect(cards.nth(0).get_by_label("Correct")).to_be_checked()


def test_overlapping_boxes_of_a_label_are_one_entity_touching_ones_are_two(
    harness: Harness, opened: Opened
) -> None:
    given = (
        "[{label: 'A', left: 100, top: 98, width: 50, height: 16},"
        " {label: 'A', left: 140, top: 98, width: 45, height: 16},"
        " {label: 'B', left: 295, top: 98, width: 25, height: 16},"
        " {label: 'B', left: 320, top: 98, width: 25, height: 16}]"
    )
    harness.elements(
        f'<crowd-form><recto-ocr-annotation src="{harness.url("page.png")}" '
        f'ocr-src="{harness.url("page.json")}" '
        f"labels=\"['A', 'B']\" initial-value=\"{given}\"></recto-ocr-annotation></crowd-form>"
    )
    ready(opened)

    expect(opened.frame.locator(".card")).to_have_count(3)
    assert opened.frame.locator(".card .text").first.inner_text() == "TOTAL 12.50"


def test_a_review_does_not_select_its_box_for_another_label_but_its_card_does(
    harness: Harness, opened: Opened
) -> None:
    harness.template("ocr-boxes", INPUT)
    picture = ready(opened)
    picture.drag(98, 98, 142, 114)
    card = opened.frame.locator(".card")
    card.get_by_label("Correct").check()
    opened.frame.locator("button[data-label=B]").click()
    assert [box["label"] for box in opened.submit()["boxtool"]["boundingBoxes"]] == ["A"]

    card.locator("strong").click()
    opened.frame.locator("button[data-label=B]").click()
    card.get_by_text("B", exact=True).wait_for()


def test_a_decision_is_asked_again_when_the_text_changes(harness: Harness, opened: Opened) -> None:
    harness.template("ocr-boxes", INPUT)
    picture = ready(opened)
    picture.drag(98, 98, 142, 114)
    card = opened.frame.locator(".card")
    card.get_by_label("Correct").check()

    opened.frame.locator(".stage").focus()
    for _ in range(5):
        opened.press("Control+Shift+ArrowRight")

    card.get_by_text("TOTAL 12.50").wait_for()
    expect(card.get_by_label("Correct")).not_to_be_checked()


def test_keyboard_alone_from_word_to_submit(harness: Harness, opened: Opened) -> None:
    harness.template("ocr-boxes", INPUT)
    ready(opened)

    opened.press(".", "b", ">", "Enter", "Escape", ".", "2", "b", "u", "Control+Enter")

    answer = opened.wait("submit")["answer"]
    found = reviews(answer)
    assert {text: (one["label"], one["said"]) for text, one in found.items()} == {
        "TOTAL 12.50": ("A", ["correct"]),
        "DATE": ("B", ["unclear"]),
    }


def test_a_draft_brings_back_boxes_decisions_and_names(harness: Harness, opened: Opened, page: Page) -> None:
    harness.template("ocr-boxes", INPUT)
    picture = ready(opened)
    picture.drag(98, 98, 182, 114)
    opened.press("e", "Control+a")
    opened.page.keyboard.type("TOTAL 12.60")
    page.wait_for_function(
        "said.some(m => m.type === 'draft' && JSON.stringify(m.answer).includes('TOTAL 12.60'))"
    )
    draft = opened.said("draft")[-1]["answer"]

    harness.draft = draft
    ready(opened)

    assert opened.frame.locator("textarea").input_value() == "TOTAL 12.60"
    answer = opened.submit()
    assert answer == {key: value for key, value in draft.items() if not key.startswith("recto:")}


def test_earlier_answers_are_shown_and_kept_by_one_key(harness: Harness, opened: Opened) -> None:
    earlier = {
        "annotations": [{"class_id": 1, "left": 98, "top": 98, "width": 84, "height": 16}],
        "entities": [
            {"boxIxs": [0], "ocrStatus": "wrong", "rawText": "TOTAL 12.50", "targetText": "TOTAL 12.60"}
        ],
    }
    line = {**INPUT, "old": earlier, "old-metadata": {"class-map": {"1": "B"}}}
    harness.template("ocr-boxes-adjustment", line, previous="old")
    ready(opened)
    assert opened.frame.get_by_text("Earlier: Wrong, “TOTAL 12.60”").is_visible()
    expect(opened.frame.locator("button.suggested")).to_have_count(1)

    opened.press("n", "Enter")

    (one,) = reviews(opened.submit()).values()
    assert (one["label"], one["said"], one["override"]) == ("B", ["wrong"], "TOTAL 12.60")


def test_ocr_that_cannot_be_loaded_is_said_and_tried_again(harness: Harness, opened: Opened) -> None:
    harness.files.pop("late.json", None)
    harness.template("ocr-boxes", {**INPUT, "textract-ref": "s3://b/late.json"})
    opened.open().picture()
    again = opened.frame.get_by_role("button", name="Try again")
    again.wait_for()
    assert opened.said("state")[-1]["missing"] == "the page's OCR is not loaded"

    harness.put("late.json", textract(*WORDS))
    again.click()

    opened.page.wait_for_function("said.at(-1).type === 'state' && said.at(-1).complete")


def test_words_and_labels_are_text_never_html(harness: Harness, opened: Opened, page: Page) -> None:
    hostile = "<img src=x onerror=parent.postMessage('ran','*')>"
    harness.put("page2.json", textract((hostile, 100, 100, 80, 12)))
    label = "A\"'><script>parent.postMessage('ran','*')</script>{{ task.input }}{% raw %}"
    harness.template(
        "ocr-boxes",
        {**INPUT, "textract-ref": "s3://b/page2.json"},
        labels=(label, hostile), title=hostile, header=hostile, instructions=hostile,
    )  # fmt: skip
    page.add_init_script("addEventListener('message', (e) => { if (e.data === 'ran') window.ran = true; })")
    picture = ready(opened)

    picture.drag(95, 95, 185, 118)

    assert opened.frame.locator(".card .text").inner_text() == hostile
    assert opened.frame.locator(".card strong").inner_text() == label
    assert opened.frame.get_by_role("heading", name=hostile).is_visible()
    opened.press("c")
    assert opened.submit()["boxtool"]["boundingBoxes"][0]["label"] == label
    assert page.evaluate("window.ran") is None


# --- a real page --------------------------------------------------------------------------------------------


@pytest.mark.skipif(not REAL_PDF.exists(), reason=f"{REAL_PDF} is not there")
def test_a_real_page_with_amazon_textract_s_own_words(harness: Harness, opened: Opened) -> None:
    image = pypdfium2.PdfDocument(REAL_PDF)[0].render(scale=2).to_pil()
    out = io.BytesIO()
    image.save(out, "PNG")
    harness.put("f1040.png", out.getvalue())
    ocr = json.loads(REAL_OCR.read_text())
    blocks = (ocr if isinstance(ocr, dict) else {"Blocks": ocr})["Blocks"]
    first = [block for block in blocks if block.get("Page", 1) == 1 and block["BlockType"] == "WORD"]
    word = max(first, key=lambda block: block["Geometry"]["BoundingBox"]["Width"])
    harness.put("f1040.json", REAL_OCR.read_bytes(), "application/json")
    line = {"source-ref": "s3://b/f1040.png", "textract-ref": "s3://b/f1040.json", "page-num": 1}
    harness.template("ocr-boxes", line)
    picture = ready(opened)

    box = word["Geometry"]["BoundingBox"]
    left, top = box["Left"] * image.width, box["Top"] * image.height
    right, bottom = left + box["Width"] * image.width, top + box["Height"] * image.height
    picture.drag(left - 2, top - 2, right + 2, bottom + 2)

    assert word["Text"] in opened.frame.locator(".card .text").inner_text()


# --- without the workbench ----------------------------------------------------------------------------------

# What AWS's crowd-form is known to do with the parts inside it: it asks validate() and takes name and value.
AWS_LIKE_FORM = """<script>
customElements.define("crowd-form", class extends HTMLElement {
  connectedCallback() {  // it moves what is in it into a form of its own, at some time
    setTimeout(() => {
      const form = document.createElement("form");
      form.append(...this.childNodes);
      this.append(form);
    }, 100);
  }
  collect() {
    const parts = [...this.querySelectorAll("object-value-input, input[type=hidden]")];
    if (parts.some((part) => part.validate && !part.validate())) return null;
    return Object.fromEntries(parts.map((part) => [part.getAttribute("name"), part.value]));
  }
});
</script>"""


def test_the_inlined_variant_hands_its_answer_to_a_form_that_is_not_ours(
    harness: Harness, page: Page
) -> None:
    html = rendered("ocr-boxes", INPUT, harness.url, For.GROUND_TRUTH)
    harness.html = html.replace(
        '<script src="https://assets.crowd.aws/crowd-html-elements.js"></script>', AWS_LIKE_FORM
    )
    page.goto(harness.origin + "/plain")
    stage = page.locator(".stage")
    stage.locator(".loading").wait_for(state="hidden")
    page.get_by_text("Loading the page's OCR").wait_for(state="detached")
    stage.focus()
    collect = "document.querySelector('crowd-form').collect()"
    for key in (".", "b", ">"):
        page.keyboard.press(key)

    once = page.get_by_role("button", name="Words", exact=True)
    expect(once).to_have_count(1)  # built once, although moved
    assert page.evaluate(collect) is None  # not reviewed yet
    stage.focus()
    page.keyboard.press("c")

    answer = page.evaluate(collect)
    (box,) = answer["boxtool"]["boundingBoxes"]
    assert box["label"] == "A"
    (one,) = reviews({**answer}).values()
    assert one["said"] == ["correct"]


def test_a_preview_without_the_workbench_shows_the_answer(harness: Harness, page: Page) -> None:
    script = f'<script src="{harness.origin}/frame-assets/elements.js"></script>'
    harness.html = (
        script + '<crowd-form><crowd-input name="a" label="Name" value="x"></crowd-input></crowd-form>'
    )
    page.goto(harness.origin + "/plain")

    page.get_by_role("button", name="Submit").click()

    assert json.loads(page.get_by_label("Answer", exact=True).inner_text()) == {"a": "x"}
