import json
import re

import pytest

from recto_workbench.framing import Frame, frame_policy, framed

FRAME = Frame(
    origin="https://bench.example", nonce="n-1", title="A & <B>", object_origins=("https://s3.example",)
)
SCRIPT = '<script>window.rectoTask = {"nonce": "n-1"};</script>'


@pytest.mark.parametrize(
    "tag",
    [
        '<script src="https://assets.crowd.aws/crowd-html-elements.js"></script>',
        "<script type='x' src='https://assets.crowd.aws/crowd-html-elements.js'></script>",
        "<SCRIPT SRC=//assets.crowd.aws/crowd-html-elements.js></SCRIPT>",
        '<script\n src = "http://assets.crowd.aws/crowd-html-elements.jss"></script>',
    ],
)
def test_the_crowd_elements_come_from_us(tag: str) -> None:
    page = framed(tag + "<crowd-form></crowd-form>", FRAME)

    assert "assets.crowd.aws" not in page
    assert re.search(r"https://bench\.example/frame-assets/elements\.js[\"' >]", page)


def test_aws_elements_stay_where_the_setting_says_so() -> None:
    frame = FRAME.model_copy(update={"aws_elements": True})
    tag = '<script src="https://assets.crowd.aws/crowd-html-elements.js"></script>'

    assert tag in framed(tag, frame)
    assert "https://assets.crowd.aws" in frame_policy(frame)
    assert "https://assets.crowd.aws" not in frame_policy(FRAME)


@pytest.mark.parametrize(
    ("template", "before"),
    [
        ("<crowd-form></crowd-form>", '<html lang="en">'),
        ("<!-- ours -->\n<!DOCTYPE html>\n<html><head><title>T</title>", "<!-- ours -->\n<!DOCTYPE html>"),
        ("<script>steal()</script>", '<html lang="en">'),
        ("<!-- <!doctype html> --><script>steal()</script>", '<!-- <!doctype html> --><html lang="en">'),
        ("<!--><script>steal()</script> -->", '<html lang="en">'),
        ("<!-- --!><script>steal()</script> -->", '<!-- --!><html lang="en">'),
        ("", '<html lang="en">'),
    ],
)
def test_the_nonce_stands_before_every_script_of_the_template(template: str, before: str) -> None:
    page = framed(template, FRAME)

    assert page.startswith(before + SCRIPT)
    assert page.index("rectoTask") < (page.find("steal") if "steal" in page else len(page))


def test_a_page_has_a_title_once() -> None:
    assert "<title>A &amp; &lt;B&gt;</title>" in framed("<p>", FRAME)
    assert framed("<title>T</title>", FRAME).count("<title>") == 1


def test_the_frame_reaches_the_tasks_objects_and_nothing_else() -> None:
    policy = dict(part.split(" ", 1) for part in frame_policy(FRAME).split("; "))

    assert policy["sandbox"] == "allow-scripts allow-forms"
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["script-src"] == "'unsafe-inline' https://bench.example"
    assert policy["connect-src"] == policy["img-src"] == "https://s3.example data: blob:"
    assert policy["frame-ancestors"] == "https://bench.example"


def test_what_the_frame_is_told_of_the_page_around_cannot_end_its_script() -> None:
    description = 'Draw </script><script>steal()</script> "boxes" \u2028'
    frame = FRAME.model_copy(update={"description": description, "preview": True})

    page = framed("<p>", frame)

    told = re.search(r"window\.rectoTask = (\{.*?\});</script>", page)
    assert told
    assert json.loads(told[1]) == {"nonce": "n-1", "description": description, "preview": True}
    assert page.count("</script>") == 1
