"""`recto label preview`: a real record in a sandboxed page, its answer, one file; Liquid faults by line."""

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import boto3
import pytest
from starlette.testclient import TestClient

from recto.aws.s3 import S3Objects
from recto.errors import LabelRequestError
from recto_cli.labelling import preview
from recto_cli.labelling.preview import Preview, as_file, task_input, text_of
from recto_cli.stack import Stack
from tests.unit.cli.label_fakes import manifest
from tests.unit.cli.label_stack import Workplace, invoke, make_workplace, page

TEMPLATE = """<script src="https://assets.crowd.aws/crowd-html-elements.js"></script>
<crowd-form><img src="{{ task.input.taskObject | grant_read_access }}"></crowd-form>"""
LINE = page(1)
BODY = b"\x89PNG not much of a picture"


@pytest.fixture
def here(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    place = make_workplace(stack, tmp_path, monkeypatch)
    boto3.client("s3").put_object(Bucket="work", Key="corpora/pages/doc-0001-1.png", Body=BODY)
    boto3.client("s3").put_object(Bucket="work", Key="secret.txt", Body=b"secret")
    return place


@pytest.fixture
def shown(here: Workplace) -> Preview:
    made = Preview(TEMPLATE, LINE, S3Objects("recto-tests"), "boxes <1>")
    made.port = 4321
    return made


def client(shown: Preview, answers: list[dict[str, Any]]) -> TestClient:
    return TestClient(shown.app(answers.append), base_url=shown.origin)


def test_the_frame_is_sandboxed_and_may_reach_this_server_only(shown: Preview) -> None:
    got = client(shown, []).get("/frame")

    policy = got.headers["content-security-policy"]
    assert "sandbox allow-scripts allow-forms" in policy
    assert "allow-same-origin" not in policy
    assert f"connect-src {shown.origin} " in policy
    assert f"{shown.origin}/frame-assets/elements.js" in got.text
    assert "assets.crowd.aws" not in got.text
    assert json.dumps(shown.nonce) in got.text


def test_objects_of_the_record_are_handed_out_by_random_names_only(shown: Preview) -> None:
    browser = client(shown, [])
    html = browser.get("/frame").text

    (name,) = re.findall(r'src="http://127.0.0.1:4321(/objects/[^"]+)"', html)

    assert browser.get(name).content == BODY
    assert browser.get(name).headers["access-control-allow-origin"] == "*"
    assert browser.get("/objects/s3://work/secret.txt").status_code == 404
    assert browser.get("/objects/other").status_code == 404


def test_a_template_gets_no_object_that_the_record_does_not_name(here: Workplace) -> None:
    hostile = "{{ 's3://work/secret.txt' | grant_read_access }}"

    with pytest.raises(LabelRequestError, match="not an object that the record names"):
        Preview(hostile, LINE, S3Objects("recto-tests"), "hostile").html()


def test_an_answer_needs_the_pages_origin_and_nonce(shown: Preview) -> None:
    answers: list[dict[str, Any]] = []
    browser = client(shown, answers)
    body = {"nonce": shown.nonce, "answer": {"boundingBox": {}}}

    foreign = browser.post("/answer", json=body, headers={"origin": "null"})
    guessed = browser.post("/answer", json={**body, "nonce": "x"}, headers={"origin": shown.origin})
    taken = browser.post("/answer", json=body, headers={"origin": shown.origin})

    assert foreign.status_code == guessed.status_code == 409
    assert taken.json() == {"state": "SHOWN"}
    assert answers == [{"boundingBox": {}}]


def test_another_hosts_name_for_this_server_is_refused(shown: Preview) -> None:
    assert client(shown, []).get("/", headers={"host": "evil.example"}).status_code == 400


def test_the_page_around_escapes_the_title(shown: Preview) -> None:
    got = client(shown, []).get("/").text

    assert "boxes &lt;1&gt;" in got
    assert 'sandbox="allow-scripts allow-forms" src="/frame"' in got


def test_a_liquid_fault_is_told_with_its_line(here: Workplace) -> None:
    path = here.folder / "broken.liquid.html"
    path.write_text("<p>one</p>\n{% if %}\n", encoding="utf-8")

    result = invoke("label", "preview", str(path), here.file("pages.manifest"), "--to", "x.html")

    assert result.exit_code == 1
    assert "line 2" in str(result.exception)


def test_one_file_holds_everything(here: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    elements = here.folder / "elements.js"
    elements.write_text("window.x = '</script>'", encoding="utf-8")
    monkeypatch.setattr(preview, "ELEMENTS", elements)
    path = here.folder / "template.liquid.html"
    path.write_text(TEMPLATE, encoding="utf-8")
    output = here.folder / "task.html"

    result = invoke("label", "preview", str(path), here.file("pages.manifest"), "--to", str(output))

    assert result.exit_code == 0, result.exception
    html = output.read_text(encoding="utf-8")
    inner = unescape(re.search(r'srcdoc="([^"]*)"', html)[1])  # type: ignore[index]
    assert "data:image/png;base64," in inner
    assert "window.x = '<\\/script>'" in inner
    assert "http" not in inner.replace("http-equiv", "")
    assert inner.count("</script>") == inner.count("<script")


def test_a_missing_object_is_named(here: Workplace) -> None:
    path = here.folder / "template.liquid.html"
    path.write_text(TEMPLATE, encoding="utf-8")

    result = invoke(
        "label", "preview", str(path), here.file("pages.manifest"), "--line", "2", "--to", "x.html"
    )
    beyond = invoke(
        "label", "preview", str(path), here.file("pages.manifest"), "--line", "3", "--to", "x.html"
    )

    assert "doc-0002-1.png" in str(result.exception)
    assert "has 2 objects, expected one with number 3" in str(beyond.exception)


def test_what_a_template_finds_is_what_pre_functions_give() -> None:
    texts = {"s3://work/a.txt": "\ufeffAlpha".encode()}

    given = task_input({"text-file-s3-uri": "s3://work/a.txt", "metadata": {"a": 1}}, texts.__getitem__)

    assert given["text"] == "Alpha"
    assert given["metadata"] == {"a": 1}
    assert given["manifestLine"]["metadata"] == {"a": 1}
    assert text_of({"source": "said here"}, texts.__getitem__) == "said here"
    assert text_of({"source-ref": "s3://a/b.png"}, texts.__getitem__) is None


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            LINE,
            "the template is for texts, the record has none: expected the key text-file-s3-uri or source",
        ),
        ({"source-ref": "s3://work/corpora/letter.txt"}, "the record has none"),
        ({"source": "  "}, "the record's text has no words"),
        ({"text-file-s3-uri": "s3://work/corpora/empty.txt"}, "the record's text has no words"),
    ],
)
def test_a_template_for_texts_shows_no_record_without_one(
    here: Workplace, line: dict[str, Any], message: str
) -> None:
    boto3.client("s3").put_object(Bucket="work", Key="corpora/empty.txt", Body=b" \n")
    here.template("text-entities")
    pages = manifest(here.folder / "pages.manifest", line)

    result = invoke(
        "label", "preview", here.file("template.liquid.html"), str(pages), "--to", str(here.folder / "p.html")
    )

    assert result.exit_code == 1
    assert message in str(result.exception)
    assert "pages.manifest" in str(result.exception)
    assert not (here.folder / "p.html").exists()


def test_a_template_for_texts_shows_a_record_with_one(
    here: Workplace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "elements.js").write_text("let elements = 1;", encoding="utf-8")
    monkeypatch.setattr(preview, "ELEMENTS", tmp_path / "elements.js")
    here.template("text-entities")
    pages = manifest(here.folder / "pages.manifest", {"source": "A lease"})
    page_file = here.folder / "p.html"

    result = invoke("label", "preview", here.file("template.liquid.html"), str(pages), "--to", str(page_file))

    assert result.exit_code == 0, result.exception
    assert "A lease" in unescape(page_file.read_text())


def test_a_text_past_the_limit_is_refused() -> None:
    with pytest.raises(LabelRequestError, match="at most 1,048,576"):
        text_of({"text-file-s3-uri": "s3://a/b.txt"}, lambda _: b"x" * 1_048_577)


def test_an_object_past_the_limit_does_not_fit_a_file(
    here: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "LARGEST_IN_A_FILE", 3)

    with pytest.raises(LabelRequestError, match="a file takes 3"):
        as_file(TEMPLATE, LINE, S3Objects("recto-tests"), "x")


def test_a_broken_line_is_told_as_such(here: Workplace) -> None:
    manifest(here.folder / "broken.manifest", "{")
    path = here.folder / "template.liquid.html"
    path.write_text(TEMPLATE, encoding="utf-8")

    result = invoke("label", "preview", str(path), here.file("broken.manifest"), "--to", "x.html")

    assert "line 1: not JSON" in str(result.exception)
