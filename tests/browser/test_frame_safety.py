"""Frames that are broken or hostile, and frames that everybody can use: errors told, nothing run."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Serve
from tests.browser.frame_harness import Harness, Opened, drawn_page, textract

HOSTILE = (
    "\"'><img src=x onerror=\"parent.postMessage('ran','*')\"><script>parent.postMessage('ran','*')</script>"
)
IMAGE = {"source-ref": "s3://b/page.png"}
EARLIER = {
    "old": {
        "annotations": [{"class_id": 0, "left": 90, "top": 90, "width": 100, "height": 40}],
        "entities": [{"boxIxs": [0], "ocrStatus": "wrong", "rawText": "TOTAL", "targetText": "TOTAL 1"}],
    },
    "old-metadata": {"class-map": {"0": "A"}, "internal-color-map": {}},
}
TASKS: dict[str, dict[str, Any]] = {
    "image-classification": IMAGE,
    "bounding-box": {"taskObject": "s3://b/page.png"},
    "bounding-box-adjustment": {**IMAGE, **EARLIER},
    "bounding-box-verification": {**IMAGE, **EARLIER},
    "semantic-segmentation": IMAGE,
    "ocr-boxes": {**IMAGE, "textract-ref": "s3://b/page.json", "page-num": 1},
    "ocr-boxes-adjustment": {**IMAGE, **EARLIER, "textract-ref": "s3://b/page.json", "page-num": 1},
    "text-entities": {"text": f"Acme paid Bob. {HOSTILE}"},
}


@pytest.fixture(scope="module")
def harness(serve: Serve, web_static: Any) -> Harness:
    made = Harness(web_static)
    made.origin, made.objects = serve(made.app()), serve(made.store())
    made.put("page.png", drawn_page())
    made.put("page.json", textract(("TOTAL", 100, 100, 40, 12)))
    return made


@pytest.fixture
def opened(page: Page, harness: Harness) -> Opened:
    page.add_init_script("addEventListener('message', (e) => { if (e.data === 'ran') window.ran = true; })")
    return Opened(page, harness.origin)


def fill(harness: Harness, name: str, **text: Any) -> None:
    earlier = {"previous": "old"} if "old" in TASKS[name] else {}
    harness.template(name, TASKS[name], **{**earlier, **text})


@pytest.mark.parametrize("name", TASKS)
def test_each_task_is_whole_and_has_no_serious_accessibility_fault(
    name: str, harness: Harness, opened: Opened, page: Page, axe: Callable[[Any], list[str]]
) -> None:
    fill(harness, name)
    opened.open()
    if name != "text-entities":
        opened.picture()
        opened.press("n", "b")
        page.wait_for_timeout(200)

    inner = next(frame for frame in page.frames if frame.url.endswith("/frame"))
    assert axe(inner) == []
    assert opened.said("error") == []


@pytest.mark.parametrize("name", TASKS)
def test_hostile_labels_titles_and_texts_are_shown_as_text(
    name: str, harness: Harness, opened: Opened
) -> None:
    labels = (HOSTILE, "{{ task.input | to_json }}", "{% for a in b %}")
    fill(harness, name, labels=labels, title=HOSTILE, header=HOSTILE, instructions=HOSTILE)
    opened.open()
    if name == "text-entities":
        assert HOSTILE in opened.frame.locator(".recto-text").inner_text()
    else:
        opened.picture()

    assert opened.frame.get_by_role("heading", name=HOSTILE, exact=True).is_visible()
    for label in labels:
        assert opened.frame.locator(".name", has_text=label).count() >= 1
    assert opened.page.evaluate("window.ran") is None


def test_a_person_is_told_of_an_element_that_is_not_there(harness: Harness, opened: Opened) -> None:
    harness.elements("<crowd-form><crowd-3d-point-cloud></crowd-3d-point-cloud></crowd-form>")
    opened.open()

    told = opened.wait("error")["message"]

    assert told == "This task uses <crowd-3d-point-cloud>, which this page cannot show."
    assert opened.frame.get_by_role("alert").filter(has_text=told).is_visible()


def test_a_script_that_throws_is_told_and_the_rest_works(harness: Harness, opened: Opened) -> None:
    harness.elements(
        '<crowd-form><crowd-input name="a" value="1"></crowd-input></crowd-form>'
        "<script>throw new Error('broken template')</script>"
    )
    opened.open()

    assert "broken template" in opened.wait("error")["message"]
    assert opened.submit() == {"a": "1"}


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        ('labels="[\'A\', oops]" src="x"', "the labels cannot be read: expected a value at character 7"),
        ("labels=\"['A']\"", "the attribute src is missing"),
        (
            'labels="[\'A\']" src="PAGE" initial-value="[{label: \'A\', left: 1}]"',
            "box 1 needs left, top, width",
        ),
        ('labels="[\'A\']" src="NONE"', "the picture could not be loaded"),
    ],
)
def test_a_broken_attribute_is_named(attributes: str, told: str, harness: Harness, opened: Opened) -> None:
    given = attributes.replace("PAGE", harness.url("page.png")).replace("NONE", harness.url("missing.png"))
    harness.elements(f'<crowd-form><crowd-bounding-box name="x" {given}></crowd-bounding-box></crowd-form>')
    opened.open()

    assert told in opened.wait("error")["message"]
    assert opened.frame.get_by_role("alert").filter(has_text="cannot be shown rightly").is_visible()


def test_messages_without_the_nonce_or_from_others_do_nothing(harness: Harness, opened: Opened) -> None:
    harness.elements('<crowd-form><crowd-input name="a" value="1"></crowd-input></crowd-form>')
    opened.open()

    opened.send({"type": "request-submit", "nonce": "guess"})
    opened.page.evaluate(
        "document.getElementById('frame').contentWindow.postMessage({type: 'request-submit'}, '*')"
    )
    inner = next(frame for frame in opened.page.frames if frame.url.endswith("/frame"))
    inner.evaluate("postMessage({recto: 1, nonce: rectoTask.nonce, type: 'request-submit'}, '*')")
    opened.page.wait_for_timeout(300)

    assert opened.said("submit") == []


def test_a_second_press_sends_no_second_answer(harness: Harness, opened: Opened) -> None:
    send = '<crowd-button form-action="submit">Send</crowd-button>'
    harness.elements(f'<crowd-form><crowd-input name="a" value="1"></crowd-input>{send}</crowd-form>')
    opened.open()

    opened.frame.get_by_role("button", name="Send").dblclick()
    opened.send({"type": "request-submit"})
    opened.wait("submit")
    opened.page.wait_for_timeout(400)

    assert len(opened.said("submit")) == 1


def test_keys_of_the_page_around_reach_it(harness: Harness, opened: Opened) -> None:
    fill(harness, "bounding-box")
    opened.open().picture()

    opened.press("?", "Escape", "Alt+Shift+S")

    opened.page.wait_for_function("said.filter(m => m.type === 'key').length === 3")
    assert [one["key"] for one in opened.said("key")] == ["?", "Escape", "Alt+Shift+S"]
    assert {"key": "Delete", "does": "delete the selected box"} in opened.said("ready")[0]["keys"]


def test_guidance_of_the_chosen_label_stands_beside(harness: Harness, opened: Opened) -> None:
    guidance = (
        '<section class="recto-guidance" data-label="A"><h4>A</h4><p>Take the sum.</p></section>'
        '<section class="recto-guidance" data-label="B"><h4>B</h4><p>Take the day.</p></section>'
    )
    fill(harness, "ocr-boxes", guidance=guidance)
    opened.open().picture()
    beside = opened.frame.locator(".guidance")
    assert beside.get_by_text("Take the sum.").is_visible()

    opened.press("2")

    assert beside.get_by_text("Take the day.").is_visible()
    expect(beside.get_by_text("Take the sum.")).to_have_count(0)
