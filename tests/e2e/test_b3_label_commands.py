"""`recto label` as a new user types it, against the deployed workbench: from a page manifest to results."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from recto.places import Location
from recto_cli.labelling.text_files import TextMap
from tests.e2e.conftest import Pipeline, wait_for
from tests.e2e.test_5_command_line import recto
from tests.e2e.test_b2_workbench_web import Browser

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
SIZE = {"height": 1000, "width": 800}
DRAWN = {"left": 100, "top": 100, "width": 300, "height": 50}
WORDS = ("Acme", "Incorporated", "Total", "12.00")


def label(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return recto("label", *arguments)


def done(*arguments: str | Path) -> str:
    """Standard output of a command that went well."""
    result = label(*arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout


class Place:
    """A folder with a page manifest of two pages that lie in the work bucket, and a team of two people."""

    def __init__(self, pipeline: Pipeline, folder: Path) -> None:
        self.pipeline, self.folder = pipeline, folder
        self.manifest = folder / "pages.manifest"
        lines = [json.dumps(self._page(number)) for number in (1, 2)]
        self.manifest.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def uri(self, name: str) -> str:
        return f"s3://{self.pipeline.work}/corpora/label-test/{name}"

    def _page(self, number: int) -> dict[str, Any]:
        image = self.folder / f"page-{number}.png"
        Image.new("RGB", (SIZE["width"], SIZE["height"]), "white").save(image)
        self.pipeline.objects.write(Location.from_uri(self.uri(image.name)), image.read_bytes(), "image/png")
        ocr = self.uri(f"doc-{number}/consolidated.json")
        self.pipeline.objects.write(Location.from_uri(ocr), json.dumps(self._response()).encode())
        return {"source-ref": self.uri(image.name), "textract-ref": ocr, "page-num": 1}

    def _response(self) -> dict[str, Any]:
        blocks: list[dict[str, Any]] = [{"BlockType": "PAGE", "Id": "p", "Page": 1}]
        for number, text in enumerate(WORDS):
            box = {"Left": 0.1 + 0.2 * number, "Top": 0.1, "Width": 0.15, "Height": 0.02}
            blocks.append(
                {"BlockType": "WORD", "Id": f"w{number}", "Page": 1, "Text": text, "Confidence": 99.0,
                 "Geometry": {"BoundingBox": box}}
            )  # fmt: skip
        return {"DocumentMetadata": {"Pages": 1}, "Blocks": blocks}

    def template(self, task: str, *options: str) -> Path:
        path = self.folder / task / "template.liquid.html"
        done("template", task, "--label", "Party", "--label", "Total", "--output", path, *options)
        return path

    def create(self, name: str, task: str, template: Path, *options: str | Path) -> None:
        common = ("--task", task, "--template", template, "--team", "cli-readers")
        manifest = () if "--manifest" in options else ("--manifest", self.manifest)
        done("create", name, *common, *manifest, *options)


@pytest.fixture(scope="module")
def place(pipeline: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(pipeline, tmp_path_factory.mktemp("label"))


@pytest.fixture(scope="module")
def workers(pipeline: Pipeline, place: Place) -> Iterator[list[Browser]]:
    """Anna, who is known, and somebody new with the password that the command prints."""
    assert "workteam/private-crowd/cli-readers" in done("teams", "create", "cli-readers")
    told = done("teams", "invite", "cli-readers", "anna", "new@example.org")
    password = re.search(r"new@example.org: password (\S+)", told)
    assert password, told
    browsers = [Browser(pipeline.info.workbench_url("")) for _ in range(2)]
    assert browsers[0].sign_in("anna").status_code == 302
    assert browsers[1].sign_in("new@example.org", password[1]).status_code == 302
    yield browsers
    for browser in browsers:
        browser.http.close()


def next_task(browser: Browser, job: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        answer = browser.change("POST", f"/api/jobs/{job}/next", {})
        assert answer.status_code == 200, answer.text
        task: dict[str, Any] | None = answer.json()["task"]
        return task

    found: dict[str, Any] = wait_for(look, 60, lambda: f"no task of {job}")
    return found


def submit(browser: Browser, task: dict[str, Any], answer: dict[str, Any]) -> httpx.Response:
    path = f"/api/tasks/{task['assignment']}"
    assert browser.change("POST", f"{path}/start", {}).status_code == 200
    return browser.change("POST", f"{path}/submit", {"nonce": task["nonce"], "answer": answer})


def boxes(shift: int = 0) -> dict[str, Any]:
    box = {"label": "Party", **DRAWN, "left": DRAWN["left"] + shift}
    return {"boundingBox": {"boundingBoxes": [box], "inputImageProperties": SIZE}}


@pytest.fixture(scope="module")
def labelled(place: Place, workers: list[Browser]) -> Path:
    """The results of a job of boxes by two people, in a folder."""
    template = place.template("bounding-box")
    place.create("cli-boxes", "bounding-box", template, "--workers-per-object", "2")
    for shift, browser in enumerate(workers):
        for _ in range(2):
            assert submit(browser, next_task(browser, "cli-boxes"), boxes(4 * shift)).status_code == 200
    watched = label("watch", "cli-boxes", "--lines", "1", "--timeout", "120")
    assert watched.returncode == 0, watched.stderr
    assert "Completed: 2 of 2 labelled" in watched.stderr
    assert "cli-boxes" in json.loads(watched.stdout)
    folder = place.folder / "results"
    told = done("results", "cli-boxes", "--to", folder)
    assert "2 objects, 2 files of answers; the job is Completed" in told
    return folder


def test_boxes_by_two_people_become_one_label_with_a_confidence(labelled: Path) -> None:
    manifest = labelled / "manifests" / "output" / "output.manifest"
    for text in manifest.read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        (box,) = line["cli-boxes"]["annotations"]
        assert box["left"] in range(100, 105)
        (told,) = line["cli-boxes-metadata"]["objects"]
        assert 0.5 < told["confidence"] <= 1
        assert line["cli-boxes-metadata"]["class-map"] == {"0": "Party"}
    answers = sorted((labelled / "annotations" / "worker-response").rglob("*.json"))
    assert [len(json.loads(path.read_bytes())["answers"]) for path in answers] == [2, 2]


def test_labels_of_a_job_are_corrected_by_another(
    place: Place, workers: list[Browser], labelled: Path
) -> None:
    template = place.template("bounding-box-adjustment", "--adjust", "cli-boxes")
    manifest = labelled / "manifests" / "output" / "output.manifest"
    place.create(
        "cli-second", "bounding-box-adjustment", template, "--manifest", manifest, "--adjust", "cli-boxes"
    )

    task = next_task(workers[0], "cli-second")
    frame = workers[0].get(task["frame"]).text
    refused = label("create", "CLI-second", "--task", "bounding-box", "--template", template, "--team",
                    "cli-readers", "--manifest", place.manifest)  # fmt: skip
    stopped = label("stop", "cli-second")

    assert "Party" in frame
    assert re.search(r"left: 10\d", frame)
    assert refused.returncode == 1
    assert "already" in refused.stderr
    assert stopped.returncode == 0
    assert label("watch", "cli-second", "--timeout", "120").returncode == 1  # stopped, not completed
    assert "cli-second" in done("list")


def test_entities_in_text_come_back_to_words(place: Place, workers: list[Browser]) -> None:
    manifest = place.folder / "text.manifest"
    done("text-files", place.manifest, "--manifest", manifest)
    template = place.template("text-entities")
    place.create("cli-text", "text-entities", template, "--manifest", manifest)
    spans = [{"startOffset": 0, "endOffset": 17, "label": "Party"}]
    answer = {"crowd-entity-annotation": {"entities": spans}, "quality-yes": {"yes": True}, "notes": "clear"}

    for _ in range(2):
        task = next_task(workers[0], "cli-text")
        assert "Acme Incorporated Total 12.00" in workers[0].get(task["frame"]).text
        assert submit(workers[0], task, answer).status_code == 200
    watched = label("watch", "cli-text", "--lines", "1", "--verbose", "--timeout", "120")

    assert watched.returncode == 0, watched.stderr
    line = json.loads(watched.stdout)
    words = place.pipeline.objects.read(Location.from_uri(line["metadata"]["words-ref"]))
    assert TextMap.model_validate_json(words).words_in(0, 17) == [0, 1]
    assert line["cli-text"]["annotationsFromAllWorkers"]
    assert "Party" in json.dumps(line["cli-text"])


def test_a_job_for_the_public_is_simulated_by_whoever_signs_in(place: Place, workers: list[Browser]) -> None:
    result = label("create", "cli-public", "--task", "bounding-box", "--manifest", place.manifest,
                   "--template", place.folder / "bounding-box" / "template.liquid.html", "--team", "public",
                   "--price", "0.036", "--free-of-personal-information")  # fmt: skip

    assert result.returncode == 0, result.stderr
    assert "AWS closed the public workforce on 2026-09-30" in result.stderr
    assert "2 objects x 1 workers x 0.036" in result.stderr
    assert next_task(workers[0], "cli-public")["job"] == "cli-public"


def test_a_preview_is_one_file_with_the_real_page(place: Place) -> None:
    output = place.folder / "task.html"

    done("preview", place.template("bounding-box"), place.manifest, "--line", "2", "--to", output)

    html = output.read_text(encoding="utf-8")
    assert "data:image/png;base64," in html
    assert "assets.crowd.aws" not in html


def test_the_work_bucket_has_the_cors_rules_that_are_needed(place: Place) -> None:
    assert "has what is needed already" in done("cors", "work")


def test_teams_end(place: Place, workers: list[Browser]) -> None:
    assert "new@example.org" in done("teams", "show", "cli-readers")
    done("teams", "remove", "cli-readers", "new@example.org")
    assert "new@example.org" not in done("teams", "show", "cli-readers")
    refused = label("teams", "delete", "no-such-team")
    assert refused.returncode == 1
    assert "no work team 'no-such-team'" in refused.stderr
