"""The review page for Amazon A2I keeps within what `CreateHumanTaskUi` takes, and Liquid leaves it whole."""

import base64
import gzip
import re
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from recto_workbench.rendering import render

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "workbench" / "templates" / "review.liquid.html"
PACKED = re.compile(r'id="recto-packed">([^<]*)<')
MAX_FILLING = 500
"""For `[[recto:pdf-viewer]]`: the address of an object."""


@pytest.fixture(scope="module")
def template() -> str:
    if not TEMPLATE.exists():
        pytest.fail(f"{TEMPLATE.name} has not been built: run `make web`")
    return TEMPLATE.read_text(encoding="utf-8")


def packed(page: str) -> str:
    found = PACKED.search(page)
    assert found, "the page has no packed script"
    return found[1]


def test_it_fits_into_a_task_template_of_aws(template: str) -> None:
    model = botocore.session.get_session().get_service_model("sagemaker")
    most = model.shape_for("TemplateContent").metadata["max"]

    assert len(template) + MAX_FILLING <= most


def test_liquid_leaves_its_script_as_it_was_built(template: str) -> None:
    task: dict[str, Any] = {"TaskObject": "s3://b/k", "ModelResult": {"Fields": {}}}
    rendered = render(template, task, lambda uri: f"https://links.example/{uri[5:]}")

    assert rendered.errors == []
    assert packed(rendered.html) == packed(template)
    script = gzip.decompress(base64.b64decode(packed(template))).decode()
    assert "recto-answer" in script


def test_its_script_asks_nobody_for_anything(template: str) -> None:
    """Names of XML are all that looks like an address; what it fetches, the task links to."""
    script = gzip.decompress(base64.b64decode(packed(template))).decode()
    known = ("http://www.w3.org/", "https://vuejs.org/")  # names of XML, and where Vue explains its warnings

    assert [each for each in re.findall(r"https?://[^\"'`\s)]+", script) if not each.startswith(known)] == []


def test_a_task_without_words_and_images_has_no_links_to_them(template: str) -> None:
    task: dict[str, Any] = {"TaskObject": "s3://b/k", "TaskToken": "t", "ModelResult": {"Fields": {}}}
    rendered = render(template, task, lambda uri: f"https://links.example/{uri[5:]}")

    assert rendered.errors == []
    assert "data-is=" not in rendered.html
    assert 'data-document="https://links.example/b/k"' in rendered.html
