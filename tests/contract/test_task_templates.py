"""The task templates keep to their README: known placeholders, Liquid that renders, answers that are read."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "workbench" / "templates"
TEMPLATES = sorted(FOLDER.glob("*.liquid.html"))
PLACEHOLDER = re.compile(r"\[\[recto:([a-z-]+)\]\]")
ELEMENTS = ROOT / "workbench" / "web" / "src" / "frame" / "elements.ts"


def readme() -> str:
    return (FOLDER / "README.md").read_text(encoding="utf-8")


def test_the_readme_names_each_template_and_no_other() -> None:
    named = set(re.findall(r"^\| `([a-z-]+\.liquid\.html)`", readme(), re.MULTILINE))

    assert named == {path.name for path in TEMPLATES}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_each_placeholder_is_explained(path: Path) -> None:
    used = set(PLACEHOLDER.findall(path.read_text(encoding="utf-8")))
    explained = set(re.findall(r"^\| `\[\[recto:([a-z-]+)\]\]`", readme(), re.MULTILINE))

    assert used <= explained


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_placeholder_stands_where_liquid_would_print_it(path: Path) -> None:
    """Only `previous` may: its filling is letters, digits and hyphens."""
    text = path.read_text(encoding="utf-8")
    inside = [
        name for tag in re.findall(r"\{[{%].*?[}%]\}", text, re.DOTALL) for name in PLACEHOLDER.findall(tag)
    ]

    assert set(inside) <= {"previous", "previous-metadata"}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_each_element_of_a_template_is_one_that_we_have(path: Path) -> None:
    used = set(re.findall(r"<((?:crowd|recto)-[a-z-]+)", path.read_text(encoding="utf-8")))
    ours = set(re.findall(r'"((?:crowd|recto)-[a-z-]+)"', ELEMENTS.read_text(encoding="utf-8")))

    assert used <= ours


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_nothing_comes_from_a_network_but_aws_s_script(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert re.findall(r"https?://[^\"'\s>]+", text) == ["https://assets.crowd.aws/crowd-html-elements.js"]
