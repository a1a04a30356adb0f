import json
from html import unescape

import pytest

from recto_workbench.rendering import MAX_TEMPLATE_CHARACTERS, object_uri, render

HOSTILE = "</textarea></script><img src=x onerror=alert(1)>\"'&amp;"
INPUT = {
    "source-ref": "s3://pages/a b.png",
    "labels": ["Total", "Tax & fees", "</script>", "it's"],
    "text": HOSTILE,
    "meta": {"page-num": 3, "notes": [HOSTILE]},
    "page-num": 0,
    "none": None,
}


def shown(template: str, **changes: object) -> str:
    rendered = render(template, {**INPUT, **changes}, lambda uri: f"https://store/{uri[5:]}?sig=1&x='2")
    assert rendered.errors == []
    return rendered.html


def error(template: str) -> dict[str, str]:
    rendered = render(template, INPUT, _granted)
    assert rendered.html == ""
    assert len(rendered.errors) == 1
    return rendered.errors[0]


def _granted(uri: str) -> str:
    if uri != INPUT["source-ref"]:
        raise ValueError(f"{uri} is not of this task")
    return "https://store/x"


def test_values_are_escaped_unless_the_template_says_otherwise() -> None:
    assert "<" not in shown("{{ task.input.text }}")
    assert unescape(shown("{{ task.input.text }}")) == HOSTILE
    assert shown("{{ task.input.text | escape }}") == shown("{{ task.input.text }}")
    assert shown("{{ task.input.text | skip_autoescape }}") == HOSTILE
    assert unescape(shown("{{ task.input.text | escape_once }}")) == unescape(HOSTILE)


@pytest.mark.parametrize(
    "expression",
    [
        "task.input.text", "task.input.meta", "task.input.meta.notes", "task.input.meta.notes[0]",
        "task.input", "task.input.labels | join: ', '", "task.input.text | upcase",
        "task.input.text | append: ''",
        "task.input.text | newline_to_br", "task.input.text | replace: 'x', '<b>'",
        "task.input.text | escape_once", "task.input.text | default: 'x'",
        "task.input.meta | to_json | escape",
    ],
)  # fmt: skip
def test_no_value_brings_markup_into_the_page_by_itself(expression: str) -> None:
    assert "<img" not in shown(f"{{{{ {expression} }}}}").lower()


def test_captured_and_assigned_values_are_escaped_once() -> None:
    template = "{% capture a %}{{ task.input.text }}{% endcapture %}{% assign b = a %}{{ b }}"

    assert shown(template) == shown("{{ task.input.text }}")


def test_objects_and_lists_print_as_json() -> None:
    assert json.loads(unescape(shown("{{ task.input }}"))) == INPUT
    assert json.loads(unescape(shown("{{ task.input.labels }}"))) == INPUT["labels"]


def test_to_json_may_stand_in_a_script_and_in_attributes() -> None:
    script = shown("{{ task.input | to_json }}")
    attribute = shown("{{ task.input.labels | to_json | escape }}")

    assert json.loads(script) == INPUT
    assert not set("<>&'") & set(script)
    assert '"' not in attribute
    assert json.loads(unescape(attribute)) == INPUT["labels"]


def test_hyphens_indexes_and_zero_are_read_as_in_ground_truth() -> None:
    assert shown("{{ task.input['page-num'] }}|{{ task.input.meta['page-num'] }}") == "0|3"
    assert shown("{{ task.input.labels.first }}|{{ task.input.labels[1] }}|{{ task.input.labels.size }}") == (
        "Total|Tax &amp; fees|4"
    )
    assert shown("{% for kv in task.input.meta %}{{ kv[0] }},{% endfor %}") == "page-num,notes,"


def test_undefined_names_and_null_print_nothing() -> None:
    assert shown("[{{ task.input.no.such }}{{ nothing }}{{ task.input.none }}]") == "[]"
    assert shown("{{ task.input.no | to_json }}{{ task.input.no | skip_autoescape }}") == "null"


@pytest.mark.parametrize("name", ["grant_read_access", "s3_presign"])
def test_granted_links_may_stand_in_attributes_and_scripts(name: str) -> None:
    link = shown(f"{{{{ task.input['source-ref'] | {name} }}}}")

    assert link == "https://store/pages/a%20b.png?sig=1&x=%272"


def test_what_a_capture_escaped_is_granted_as_it_was() -> None:
    template = "{% capture u %}s3://{{ task.input.b }}/{{ task.input.k }}{% endcapture %}{{ u | s3_presign }}"

    assert shown(template, b="store", k="a&b.png").startswith("https://store/store/a&b.png")


@pytest.mark.parametrize(
    ("value", "uri"),
    [
        ("s3://b/k/x.png", "s3://b/k/x.png"),
        ("http://s3.amazonaws.com/b/k/x.png", "s3://b/k/x.png"),
        ("https://s3.eu-west-1.amazonaws.com/b/k", "s3://b/k"),
        ("https://b.s3.eu-west-1.amazonaws.com/k", "s3://b/k"),
        ("https://evil.example/b/k", None),
        ("s3://b", None),
        ("", None),
        (None, None),
    ],
)
def test_objects_are_named_as_ground_truth_and_a2i_name_them(value: str | None, uri: str | None) -> None:
    assert object_uri(value) == uri


@pytest.mark.parametrize(
    ("template", "code", "words"),
    [
        ("<p>\n{{ task.input.x | no_such }}", "UnknownFilterError", ["line 2", "no_such"]),
        ("{% if x %}\n<p>", "LiquidSyntaxError", ["line 2", "endif"]),
        ("\n\n{{ task.input[ }}", "LiquidSyntaxError", ["line 3"]),
        ("{{ 1 | divided_by: 0 }}", "FilterArgumentError", ["line 1", "divide by 0"]),
        ("{% include 'other' %}", "TemplateNotFoundError", ["other"]),
        (
            "{{ task.input.gone | grant_read_access }}",
            "FilterArgumentError",
            ["expected s3://", "got nothing"],
        ),
        ("{{ 's3://other/k' | s3_presign }}", "FilterArgumentError", ["s3://other/k is not of this task"]),
        ("{% for i in (1..900000) %}.{% endfor %}", "LoopIterationLimitError", ["loop"]),
        (
            "{% for i in (1..600) %}{% for j in (1..600) %}.{% endfor %}{% endfor %}",
            "LoopIterationLimitError",
            ["loop"],
        ),
        (
            "{% for i in (1..150000) %}aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd{% endfor %}",
            "OutputStreamLimitError",
            ["output"],
        ),
        (
            "{% assign a = 'aaaaaaaaaa' %}{% for i in (1..99) %}{% assign a = a | append: a %}{% endfor %}",
            "ResourceLimitError",
            ["characters"],
        ),
        (f"{{{{ a{'[a' * 3000}{']' * 3000} }}}}", "LiquidError", ["parsing"]),
    ],
)
def test_what_a_template_does_wrong_is_told_by_name_and_line(
    template: str, code: str, words: list[str]
) -> None:
    told = error(template)

    assert told["Code"] == code
    assert [word for word in words if word not in told["Message"]] == []


def test_a_template_past_the_limit_is_refused() -> None:
    assert error("x" * (MAX_TEMPLATE_CHARACTERS + 1))["Code"] == "TemplateTooLargeError"
