"""Each crowd element answers as AWS documents it, in a real browser, framed as the workbench does."""

import base64
import io
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from recto.document import Page as DocumentPage
from recto.document import Word
from recto.geometry import Box
from recto_cli.labelling.text_files import TextMap, text_of
from tests.browser.conftest import Serve
from tests.browser.frame_harness import HEIGHT, WIDTH, Harness, Opened, drawn_page

SIZE = {"height": HEIGHT, "width": WIDTH}


@pytest.fixture(scope="module")
def harness(serve: Serve, web_static: Any) -> Harness:
    made = Harness(web_static)
    made.origin, made.objects = serve(made.app()), serve(made.store())
    made.put("page.png", drawn_page())
    return made


@pytest.fixture
def opened(page: Page, harness: Harness) -> Opened:
    return Opened(page, harness.origin)


def put_form(harness: Harness, inside: str, draft: Any = None) -> None:
    harness.elements(f"<crowd-form>{inside}</crowd-form>", draft)


def box_tool(harness: Harness, attributes: str = "") -> str:
    return (
        f'<crowd-bounding-box name="annotatedResult" src="{harness.url("page.png")}" header="Draw" '
        f"labels=\"['Cat', 'Dog']\" {attributes}><short-instructions>Short</short-instructions>"
        "<full-instructions>Full</full-instructions></crowd-bounding-box>"
    )


# --- boxes ------------------------------------------------------------------------------------------------


def test_boxes_are_answered_in_pixels_of_the_picture(harness: Harness, opened: Opened) -> None:
    put_form(harness, box_tool(harness))
    opened.open().picture().drag(300, 200, 400, 300)

    answer = opened.submit()

    (box,) = answer["annotatedResult"].pop("boundingBoxes")
    assert answer == {"annotatedResult": {"inputImageProperties": SIZE}}
    assert box.pop("label") == "Cat"
    assert box == pytest.approx({"left": 300, "top": 200, "width": 100, "height": 100}, abs=1)


def test_a_box_is_drawn_moved_selected_and_relabelled_by_keyboard_alone(
    harness: Harness, opened: Opened
) -> None:
    put_form(harness, box_tool(harness))
    opened.open().picture()

    opened.press("2", "b", "ArrowRight", "ArrowRight", "Control+ArrowDown", "Shift+ArrowLeft")
    moved = opened.submit()["annotatedResult"]["boundingBoxes"][0]
    assert moved["label"] == "Dog"

    opened.press("1", "n", "1")
    opened.page.wait_for_timeout(2100)
    opened.send({"type": "request-submit"})
    last = opened.wait("submit", 2)["answer"]["annotatedResult"]["boundingBoxes"][0]
    assert last == {**moved, "label": "Cat"}


def test_a_label_chosen_after_drawing_is_for_the_next_box(harness: Harness, opened: Opened) -> None:
    put_form(harness, box_tool(harness))
    picture = opened.open().picture()

    picture.drag(50, 50, 150, 150)
    opened.press("2")
    picture.drag(200, 50, 300, 150)
    opened.frame.locator("button[data-label=Cat]").click()
    picture.drag(50, 200, 150, 300)
    opened.press("Delete", "2")
    picture.drag(350, 50, 450, 150)

    boxes = opened.submit()["annotatedResult"]["boundingBoxes"]
    assert [box["label"] for box in boxes] == ["Cat", "Dog", "Dog"]


def test_a_box_is_relabelled_after_its_entry_is_pressed(harness: Harness, opened: Opened) -> None:
    put_form(harness, box_tool(harness))
    opened.open().picture().drag(50, 50, 150, 150)

    opened.frame.get_by_role("button", name="1. Cat", exact=True).click()
    opened.frame.locator("button[data-label=Dog]").click()

    assert opened.submit()["annotatedResult"]["boundingBoxes"][0]["label"] == "Dog"


def test_undo_redo_and_delete_by_keys_and_by_message(harness: Harness, opened: Opened) -> None:
    put_form(harness, box_tool(harness))
    opened.open().picture()
    boxes = opened.frame.locator("[data-id]")

    opened.press("b", "Delete")
    expect(boxes).to_have_count(0)
    opened.press("Control+z")
    expect(boxes).to_have_count(1)
    opened.send({"type": "undo"})
    boxes.first.wait_for(state="detached")
    opened.send({"type": "redo"})
    boxes.first.wait_for()
    opened.page.wait_for_function("said.filter(m => m.type === 'state').at(-1).canUndo === true")


def test_given_boxes_are_dashed_until_accepted_and_count_either_way(harness: Harness, opened: Opened) -> None:
    given = "[{'label': 'Dog', 'left': 10, 'top': 20, 'width': 30, 'height': 40},]"
    put_form(harness, box_tool(harness, f'initial-value="{given}"'))
    opened.open().picture()
    suggested = opened.frame.locator("button.suggested")
    expect(suggested).to_have_count(1)

    opened.press("n", "Enter")

    suggested.wait_for(state="detached")
    assert opened.submit()["annotatedResult"] == {
        "boundingBoxes": [{"height": 40, "label": "Dog", "left": 10, "top": 20, "width": 30}],
        "inputImageProperties": SIZE,
        "initialValueModified": False,
    }


def test_a_changed_given_box_is_told_as_modified(harness: Harness, opened: Opened) -> None:
    given = "[{'label': 'Dog', 'left': 10, 'top': 20, 'width': 30, 'height': 40}]"
    put_form(harness, box_tool(harness, f'initial-value="{given}"'))
    opened.open().picture()

    opened.press("n", "ArrowRight")

    answer = opened.submit()["annotatedResult"]
    assert answer["initialValueModified"] is True
    assert answer["boundingBoxes"][0]["left"] == 11


# --- classes ----------------------------------------------------------------------------------------------


def test_one_class_of_a_picture_with_a_comment(harness: Harness, opened: Opened) -> None:
    put_form(
        harness,
        f'<crowd-image-classifier name="c" src="{harness.url("page.png")}" header="H" '
        "categories=\"['Cat', 'Dog']\"><worker-comment link-text=\"Say why\"></worker-comment>"
        "</crowd-image-classifier>",
    )
    opened.open().picture()
    assert opened.wait("state")["missing"] == "choose a category"

    opened.press("2")
    opened.frame.get_by_text("Say why").click()
    opened.frame.get_by_label("Add a comment").fill("blurred")

    assert opened.submit() == {"c": {"label": "Dog", "workerComment": "blurred"}}


def test_several_classes_and_the_one_that_excludes_them(harness: Harness, opened: Opened) -> None:
    put_form(
        harness,
        f'<crowd-image-classifier-multi-select name="c" src="{harness.url("page.png")}" header="H" '
        "categories=\"['Cat', 'Dog', 'Bird']\" exclusion-category=\"{ text: 'None' }\">"
        "</crowd-image-classifier-multi-select>",
    )
    opened.open().picture()

    opened.press("4", "3", "1")

    assert opened.submit() == {"c": {"labels": ["Cat", "Bird"]}}


def test_a_text_is_classified(harness: Harness, opened: Opened) -> None:
    put_form(
        harness,
        '<crowd-classifier name="category" header="H" categories="[\'Good\', \'Bad\']">'
        "<classification-target>Some &lt;b&gt;text&lt;/b&gt;</classification-target></crowd-classifier>",
    )
    opened.open()
    assert opened.frame.get_by_text("Some <b>text</b>").is_visible()

    opened.frame.get_by_label("Bad").check()

    assert opened.submit() == {"category": {"label": "Bad"}}


# --- segmentation -----------------------------------------------------------------------------------------


def segmentation(harness: Harness, attributes: str = "") -> str:
    return (
        f'<crowd-semantic-segmentation name="annotatedResult" src="{harness.url("page.png")}" header="H" '
        f"labels=\"['Cat', 'Dog']\" {attributes}></crowd-semantic-segmentation>"
    )


def label_image(answer: Any) -> Image.Image:
    data = answer["annotatedResult"]["labeledImage"]["pngImageData"]
    return Image.open(io.BytesIO(base64.b64decode(data))).convert("RGBA")


def test_painting_comes_out_as_a_png_with_exact_colours(harness: Harness, opened: Opened) -> None:
    put_form(harness, segmentation(harness))
    picture = opened.open().picture()
    picture.drag(100, 100, 200, 100)
    opened.press("2", "p")
    for corner in ((300, 200), (400, 200), (400, 300), (300, 300)):
        picture.click(*corner)
    opened.press("x")

    answer = opened.submit()

    result = answer["annotatedResult"]
    assert result["inputImageProperties"] == SIZE
    assert result["labelMappings"] == {"Cat": {"color": "#1f77b4"}, "Dog": {"color": "#ff7f0e"}}
    image = label_image(answer)
    assert image.size == (WIDTH, HEIGHT)
    assert image.getpixel((150, 100)) == (0x1F, 0x77, 0xB4, 255)
    assert image.getpixel((350, 250)) == (0xFF, 0x7F, 0x0E, 255)
    assert image.getpixel((500, 50)) == (255, 255, 255, 255)
    assert len(image.getcolors()) == 3


def test_eraser_fill_undo_and_keyboard_painting(harness: Harness, opened: Opened) -> None:
    put_form(harness, segmentation(harness))
    picture = opened.open().picture()
    opened.press("l")
    picture.click(50, 50)
    opened.press("e", "Enter")

    opened.press("Control+z")
    opened.press("b", "2", "Shift+ArrowRight", "Enter")

    colours = {colour for _, colour in label_image(opened.submit()).getcolors()}
    assert colours == {(0x1F, 0x77, 0xB4, 255), (0xFF, 0x7F, 0x0E, 255)}


def test_an_earlier_label_image_is_shown_and_changed(harness: Harness, opened: Opened) -> None:
    earlier = Image.new("RGB", (WIDTH, HEIGHT), "white")
    earlier.paste("#2ca02c", (10, 10, 60, 60))
    out = io.BytesIO()
    earlier.save(out, "PNG")
    src = harness.put("old.png", out.getvalue())
    given = f"{{'src': '{src}', 'labelMappings': {{'Dog': {{'color': '#2ca02c'}},}} }}"
    put_form(harness, segmentation(harness, f'initial-value="{given}"'))
    picture = opened.open().picture()
    opened.page.wait_for_function("said.some(m => m.type === 'state' && m.complete)")

    picture.drag(300, 300, 310, 300)

    answer = opened.submit()
    assert answer["annotatedResult"]["initialValueModified"] is True
    assert answer["annotatedResult"]["labelMappings"]["Dog"] == {"color": "#2ca02c"}
    assert label_image(answer).getpixel((30, 30)) == (0x2C, 0xA0, 0x2C, 255)
    assert label_image(answer).getpixel((305, 300)) == (0x1F, 0x77, 0xB4, 255)


# --- text -------------------------------------------------------------------------------------------------

TEXT = "😀 Acme Ltd. paid Bob in Rome."


def entity_tool(attributes: str = "", text: str = TEXT) -> str:
    return (
        '<crowd-entity-annotation name="crowd-entity-annotation" header="H" '
        "labels=\"[{'label': 'org', 'shortDisplayName': 'ORG', 'fullDisplayName': 'Organisation'}, "
        f"{{'label': 'person'}}]\" text=\"{text}\" {attributes}></crowd-entity-annotation>"
    )


def test_spans_are_marked_by_keyboard_and_counted_as_unicode_does(harness: Harness, opened: Opened) -> None:
    harness.elements(entity_tool())
    opened.open().frame.get_by_role("textbox").first.focus()

    opened.press("ArrowRight", "ArrowRight", "Shift+ArrowRight", "1")
    opened.press("ArrowRight", "ArrowRight", "2")

    entities = opened.submit()["crowd-entity-annotation"]["entities"]
    assert [TEXT[e["startOffset"] : e["endOffset"]] for e in entities] == ["Acme Ltd.", "Bob"]
    assert [set(e) for e in entities] == [{"endOffset", "label", "startOffset"}] * 2
    assert [e["label"] for e in entities] == ["org", "person"]


def test_a_label_chosen_after_marking_is_for_the_next_span(harness: Harness, opened: Opened) -> None:
    harness.elements(entity_tool())
    opened.open().frame.get_by_role("textbox").first.focus()

    opened.press("ArrowRight", "ArrowRight", "Shift+ArrowRight", "Enter", "2")
    opened.press("ArrowRight", "ArrowRight", "Enter", "1")
    labels = opened.frame.locator("mark").evaluate_all("all => all.map(mark => mark.title)")
    assert labels == ["Organisation", "person"]

    expect(opened.frame.locator(".recto-current")).to_have_text(["Bob"])
    opened.frame.locator("mark").last.click()
    expect(opened.frame.locator(".recto-chosen")).to_have_text(["Bob"])
    opened.press("1")
    entities = opened.submit()["crowd-entity-annotation"]["entities"]
    assert [one["label"] for one in entities] == ["org", "org"]


def test_a_marked_span_is_the_words_of_the_page_behind_an_emoji_too(harness: Harness, opened: Opened) -> None:
    shown = ["Pay", "🙂👍🏽", "𝒜cme", "Ltd.", "now"]
    boxes = [Box(0.1 * at, 0.1, 0.1 * at + 0.08, 0.12) for at in range(len(shown))]
    words = [
        Word(text, box, 0.9, 0, f"w{at}") for at, (text, box) in enumerate(zip(shown, boxes, strict=True))
    ]
    made = text_of(DocumentPage(1, tuple(words)))
    way_back = TextMap(textract_ref="s3://a/b.json", page_num=1, words=made.words)
    harness.elements(entity_tool(text=made.text))
    opened.open().frame.get_by_role("textbox").first.focus()

    opened.press("ArrowRight", "ArrowRight", "ArrowRight", "Shift+ArrowRight", "1")

    (entity,) = opened.submit()["crowd-entity-annotation"]["entities"]
    marked = way_back.words_in(entity["startOffset"], entity["endOffset"])
    assert [shown[at] for at in marked] == ["𝒜cme", "Ltd."]
    assert made.text[entity["startOffset"] : entity["endOffset"]] == "𝒜cme Ltd."


def test_selected_text_is_labelled_by_mouse(harness: Harness, opened: Opened) -> None:
    harness.elements(entity_tool())
    opened.open()

    opened.frame.locator(".recto-text").evaluate(
        """(text) => {
            const range = document.createRange();
            range.setStart(text.firstChild, text.textContent.indexOf("Rom"));
            range.setEnd(text.firstChild, text.textContent.indexOf("Rom") + 2);
            getSelection().removeAllRanges();
            getSelection().addRange(range);
            text.dispatchEvent(new PointerEvent("pointerup", {bubbles: true}));
        }"""
    )

    opened.frame.locator("mark").wait_for()
    (entity,) = opened.submit()["crowd-entity-annotation"]["entities"]
    assert TEXT[entity["startOffset"] : entity["endOffset"]] == "Rome"


def test_given_spans_are_there_and_can_be_removed(harness: Harness, opened: Opened) -> None:
    given = (
        "[{label: 'org', startOffset: 2, endOffset: 11}, {label: 'person', startOffset: 17, endOffset: 20}]"
    )
    harness.elements(entity_tool(f'initial-value="{given}"'))
    opened.open()
    expect(opened.frame.locator("mark")).to_have_text(["Acme Ltd.", "Bob"])

    opened.frame.get_by_role("button", name="Remove person: Bob").click()

    answer = opened.submit()["crowd-entity-annotation"]
    assert answer["initialValueModified"] is True
    assert answer["entities"] == [{"endOffset": 11, "label": "org", "startOffset": 2}]


# --- form parts -------------------------------------------------------------------------------------------

PARTS = """
<crowd-input name="tag1" label="One" value="blue"></crowd-input>
<crowd-input name="tag2" label="Two"></crowd-input>
<crowd-text-area name="essay" label="Essay">ignored</crowd-text-area>
<crowd-checkbox name="image_attributes" value="blurry" checked> Blurry </crowd-checkbox>
<crowd-checkbox name="image_attributes" value="dim"> Dim </crowd-checkbox>
<crowd-checkbox name="found">Found</crowd-checkbox>
<crowd-toggle-button name="theToggler" label="Toggle"></crowd-toggle-button>
<crowd-radio-group>
  <crowd-radio-button name="btn1" value="yes">Yes</crowd-radio-button>
  <crowd-radio-button name="btn2" value="no" checked>No</crowd-radio-button>
</crowd-radio-group>
<crowd-slider name="howMuch" label="How much" min="1" max="10" step="1"></crowd-slider>
<input type="hidden" name="hidden" value="kept">
<label>Plain <input name="plain" value="p"></label>
<label><input type="radio" name="choice" value="a" checked> a</label>
<label><input type="radio" name="choice" value="b"> b</label>
<select name="pick" aria-label="Pick"><option>x</option><option selected>y</option></select>
"""


def test_the_small_parts_answer_as_documented(harness: Harness, opened: Opened) -> None:
    put_form(harness, PARTS)
    opened.open()
    opened.frame.get_by_label("Essay").fill("words")
    opened.frame.get_by_role("radio", name="Yes").check()
    opened.frame.get_by_role("switch").check()
    opened.frame.get_by_label("How much").fill("7")

    assert opened.submit() == {
        "tag1": "blue",
        "essay": "words",
        "image_attributes": {"blurry": True, "dim": False},
        "found": {"on": False},
        "theToggler": {"on": True},
        "btn1": {"yes": True},
        "btn2": {"no": False},
        "howMuch": 7,
        "hidden": "kept",
        "plain": "p",
        "choice": {"a": True, "b": False},
        "pick": "y",
    }


def test_a_draft_comes_back(harness: Harness, opened: Opened) -> None:
    draft = {
        "tag1": "red", "tag2": "green", "image_attributes": {"blurry": False, "dim": True},
        "btn1": {"yes": True}, "btn2": {"no": False}, "howMuch": 4, "plain": "again",
        "choice": {"a": False, "b": True}, "pick": "x",
    }  # fmt: skip
    put_form(harness, PARTS, draft)
    opened.open()

    answer = opened.submit()

    assert {key: answer[key] for key in draft} == draft


def test_what_is_required_is_asked_for(harness: Harness, opened: Opened) -> None:
    put_form(harness, '<crowd-input name="a" label="Amount" required></crowd-input>')
    opened.open()
    opened.send({"type": "request-submit"})

    opened.frame.get_by_role("alert").filter(has_text="Amount is required").first.wait_for()
    assert opened.said("submit") == []
    assert opened.said("state")[-1] | {"nonce": ""} == {
        "recto": 1, "nonce": "", "type": "state",
        "complete": False, "missing": "Amount is required", "canUndo": False, "canRedo": False,
    }  # fmt: skip

    opened.frame.get_by_label("Amount").fill("5")
    assert opened.submit() == {"a": "5"}


def test_a_template_s_own_handlers_are_respected(harness: Harness, opened: Opened) -> None:
    harness.elements("""
        <crowd-form>
          <input type="hidden" name="made">
          <crowd-button form-action="submit" style="display:none">x</crowd-button>
          <button type="button" id="go">Go</button>
        </crowd-form>
        <script>
          const form = document.querySelector("crowd-form");
          let asked = 0;
          form.onsubmit = (event) => {
            asked += 1;
            document.querySelector("[name=made]").value = "asked " + asked;
            if (asked === 1) event.preventDefault();
          };
          document.getElementById("go").onclick = () => document.querySelector("crowd-button").click();
        </script>""")
    opened.open()
    go = opened.frame.get_by_role("button", name="Go")
    expect(opened.frame.get_by_role("button")).to_have_count(1)

    go.click()
    opened.page.wait_for_timeout(200)
    assert opened.said("submit") == []
    go.click()

    assert opened.wait("submit")["answer"] == {"made": "asked 2"}


def test_submit_of_a_script_asks_nobody(harness: Harness, opened: Opened) -> None:
    harness.elements("""
        <crowd-form>
          <crowd-input name="a" required></crowd-input><input type="hidden" name="b" value="1">
        </crowd-form>
        <script>document.addEventListener("all-crowd-elements-ready", () =>
          setTimeout(() => document.querySelector("crowd-form").submit(), 300));</script>""")
    opened.open()

    assert opened.wait("submit")["answer"] == {"b": "1"}


def test_an_object_value_input_of_a_template_is_collected(harness: Harness, opened: Opened) -> None:
    harness.elements("""
        <crowd-form><object-value-input name="store"></object-value-input></crowd-form>
        <script>
          customElements.define("object-value-input", class extends HTMLElement {
            static formAssociated = true;
            value = {"field-present-X": true};
          });
        </script>""")

    assert opened.open().submit() == {"store": {"field-present-X": True}}


def test_closed_after_it_was_taken(harness: Harness, opened: Opened) -> None:
    put_form(harness, '<input type="hidden" name="a" value="1">')
    opened.open().submit()

    opened.send({"type": "submitted"})

    opened.frame.get_by_text("Submitted. Thank you.").wait_for()


# --- points -----------------------------------------------------------------------------------------------


def point_tool(harness: Harness, name: str) -> str:
    src = harness.url("page.png")
    labels = "['Cat', 'Dog']"
    return f'<crowd-{name} name="annotatedResult" src="{src}" header="H" labels="{labels}"></crowd-{name}>'


def test_a_polygon_is_clicked_ended_and_changed(harness: Harness, opened: Opened) -> None:
    put_form(harness, point_tool(harness, "polygon"))
    picture = opened.open().picture()
    opened.press("2")
    for corner in ((100, 100), (200, 100), (200, 200)):
        picture.click(*corner)
    opened.send({"type": "request-submit"})
    opened.page.wait_for_timeout(200)
    assert opened.said("submit") == []
    opened.press("x")
    picture.drag(200, 200, 250, 250)

    (polygon,) = opened.submit()["annotatedResult"]["polygons"]

    assert polygon["label"] == "Dog"
    assert [(v["x"], v["y"]) for v in polygon["vertices"]] == [
        pytest.approx(corner, abs=1) for corner in ((100, 100), (200, 100), (250, 250))
    ]


def test_a_polyline_and_keypoints_by_keyboard_alone(harness: Harness, opened: Opened) -> None:
    put_form(harness, point_tool(harness, "polyline"))
    opened.open().picture()
    opened.press("Enter", "Shift+ArrowRight", "Enter", "x")
    (line,) = opened.submit()["annotatedResult"]["polylines"]
    assert line["vertices"][1]["x"] > line["vertices"][0]["x"]

    put_form(harness, point_tool(harness, "keypoint"))
    opened.open().picture()
    opened.press("Enter", "Shift+ArrowDown", "2", "Enter", "Control+z", "Enter")
    answer = opened.submit()["annotatedResult"]
    assert [set(one) for one in answer["keypoints"]] == [{"label", "x", "y"}] * 2
    assert [one["label"] for one in answer["keypoints"]] == ["Cat", "Dog"]
    assert answer["inputImageProperties"] == SIZE

    opened.press("n", "2")
    opened.page.wait_for_timeout(2100)
    opened.send({"type": "request-submit"})
    last = opened.wait("submit", 2)["answer"]["annotatedResult"]
    assert [one["label"] for one in last["keypoints"]] == ["Dog", "Dog"]


def test_without_instructions_there_is_no_empty_column(harness: Harness, opened: Opened) -> None:
    put_form(harness, point_tool(harness, "keypoint"))
    opened.open().picture()
    beside = opened.frame.locator("aside[aria-label=Instructions]")
    assert not beside.is_visible()
    picture, labels = (
        opened.frame.locator(one).bounding_box() for one in (".centre", "aside[aria-label=Labels]")
    )
    assert picture
    assert labels
    assert picture["width"] > 2 * labels["width"]

    put_form(harness, box_tool(harness))
    opened.open().picture()
    assert beside.is_visible()


def test_an_answer_is_flattened_where_the_form_asks_for_it(harness: Harness, opened: Opened) -> None:
    harness.elements(
        '<crowd-form answer-format="flatten-objects">'
        '<crowd-checkbox name="a" value="b" checked>B</crowd-checkbox>'
        '<crowd-input name="c" value="d"></crowd-input></crowd-form>'
    )

    assert opened.open().submit() == {"a.b": True, "c": "d"}


# --- beside the buttons of the page around ----------------------------------------------------------------

OWN = ("Undo", "Redo", "Keys", "Submit")
INPUT = '<crowd-input name="a" value="1"></crowd-input>'
SUBMIT = '<crowd-button form-action="submit">Submit</crowd-button>'


@pytest.fixture
def about(harness: Harness) -> Iterator[dict[str, Any]]:
    """What the frame is told of the page around."""
    told: dict[str, Any] = {}
    harness.about = told
    yield told
    harness.about = {}


def buttons(page: Any) -> set[str]:
    return {name for name in OWN if page.get_by_role("button", name=name, exact=True).count()}


def test_what_the_page_around_has_is_not_there_twice_and_works_from_there(
    harness: Harness, opened: Opened
) -> None:
    put_form(harness, box_tool(harness))
    opened.open()
    opened.picture().drag(50, 50, 150, 150)
    opened.wait("draft")

    assert buttons(opened.frame) == set()
    opened.send({"type": "undo"})
    opened.frame.get_by_text("Boxes: 0").wait_for()
    opened.send({"type": "redo"})
    opened.frame.get_by_text("Boxes: 1").wait_for()
    keys = opened.said("ready")[0]["keys"]
    assert {"drag", "1–9, then letters"} <= {one["key"] for one in keys}
    assert not {"Ctrl+Z, Ctrl+Y", "Ctrl+Enter", "?"} & {one["key"] for one in keys}
    assert len(opened.submit()["annotatedResult"]["boundingBoxes"]) == 1


def test_a_preview_has_all_buttons_and_its_own_help(
    harness: Harness, opened: Opened, about: dict[str, Any]
) -> None:
    about["preview"] = True
    put_form(harness, box_tool(harness))
    opened.open()

    assert buttons(opened.frame) == set(OWN)
    opened.frame.get_by_role("button", name="Keys").click()
    opened.frame.get_by_role("dialog", name="Keys").wait_for()
    assert opened.said("key") == []


def test_a_page_of_its_own_has_all_buttons(harness: Harness, page: Page) -> None:
    script = f'<script src="{harness.origin}/frame-assets/elements.js"></script>'
    harness.html = f"{script}<crowd-form>{box_tool(harness)}</crowd-form>"
    page.goto(harness.origin + "/plain")
    page.get_by_role("button", name="Undo").wait_for()

    assert buttons(page) == set(OWN)


@pytest.mark.parametrize(
    ("buttons_of_template", "left"),
    [
        ('<crowd-button form-action="submit" variant="primary"> Submit </crowd-button>', []),
        (SUBMIT + '<crowd-button form-action="reset">Start over</crowd-button>', ["Start over"]),
        ('<crowd-button form-action="submit">Send it</crowd-button>', ["Send it"]),
        ('<crowd-button form-action="submit" id="approve">Submit</crowd-button>', ["Submit"]),
        (SUBMIT + '<crowd-button form-action="submit">Reject</crowd-button>', ["Submit", "Reject"]),
        ('<button name="verdict" value="good">Submit</button>', ["Submit"]),
    ],
)
def test_a_templates_own_buttons_stay_and_submit(
    buttons_of_template: str, left: list[str], harness: Harness, opened: Opened
) -> None:
    put_form(harness, INPUT + buttons_of_template)
    opened.open()

    expect(opened.frame.get_by_role("button")).to_have_count(len(left))
    for name in left:
        assert opened.frame.get_by_role("button", name=name, exact=True).is_visible()
    if left and left != ["Start over"]:
        opened.frame.get_by_role("button", name=left[0]).click()
        assert opened.wait("submit")["answer"]["a"] == "1"
    else:
        assert opened.submit()["a"] == "1"


def test_a_hidden_buttons_handlers_are_asked_when_the_page_around_submits(
    harness: Harness, opened: Opened
) -> None:
    script = """<script>document.querySelector("crowd-button").addEventListener("click", () => {
        document.querySelector("[name=made]").value = "at the press"; });</script>"""
    put_form(harness, f'<input type="hidden" name="made">{SUBMIT}{script}')
    opened.open()

    assert opened.submit() == {"made": "at the press"}
    expect(opened.frame.get_by_role("button")).to_have_count(0)


def test_a_hidden_button_that_is_disabled_later_keeps_nobody_from_submitting(
    harness: Harness, opened: Opened
) -> None:
    put_form(harness, INPUT + SUBMIT)
    opened.open()
    opened.frame.locator("crowd-button").evaluate("button => button.setAttribute('disabled', '')")

    assert opened.submit() == {"a": "1"}


@pytest.mark.parametrize(
    ("description", "preview", "is_seen"),
    [("Draw", False, False), ("Draw boxes, please", False, True), ("", False, True), ("Draw", True, True)],
)
def test_a_header_that_stands_above_the_frame_is_not_shown_again(
    description: str, preview: bool, is_seen: bool, harness: Harness, opened: Opened, about: dict[str, Any]
) -> None:
    about.update(description=description, preview=preview)
    put_form(harness, box_tool(harness))
    opened.open()

    heading = opened.frame.get_by_role("heading", level=1, name="Draw")
    size = heading.bounding_box()

    assert size
    assert (size["width"] > 1) == is_seen


def test_the_long_instructions_are_open_where_nothing_else_is_beside_the_page(
    harness: Harness, opened: Opened
) -> None:
    tool = box_tool(harness)
    put_form(harness, tool)
    opened.open().frame.get_by_text("Short").wait_for()
    assert not opened.frame.get_by_text("Full").is_visible()

    put_form(harness, tool.replace("Short</", " </"))
    opened.open().frame.get_by_text("Full").wait_for()
