"""Two people, each in a browser of their own, label five pages of a real contract in two kinds of tasks."""
# ruff: noqa: F811 - fixtures of another module

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect
from typer.testing import CliRunner

from recto_cli.main import app
from recto_local.people import PASSWORD
from tests.browser.frame_harness import Picture
from tests.browsers import browser, chromium  # noqa: F401
from tests.e2e.conftest import DATA, HOME, ROOT, Pipeline

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
CONTRACT = DATA / "kleister-nda" / "documents" / "00a1d238e37ac225b8045a97953e845d.pdf"
NUM_PAGES = 5
PEOPLE = ("anna", "ben")
CURRENT = "iframe:not(.ahead)"
SHAKE = 3
"""Pixels by which the second person's boxes are off."""


def recto(*words: str | Path) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words], env={"RECTO_HOME": str(HOME)})
    assert done.exit_code == 0, done.output
    return str(done.stdout)


class Corpus:
    """The contract as `recto data` prepares it in the work bucket, and where its page manifest lies here."""

    def __init__(self, pipeline: Pipeline, folder: Path) -> None:
        self.folder, self.place = folder, f"s3://{pipeline.work}/corpora/contract"
        raw = folder / "raw"
        raw.mkdir()
        (raw / "contract.pdf").write_bytes(CONTRACT.read_bytes())
        self.pages = folder / "pages.manifest"
        recto("data", "push", raw, f"{self.place}/raw")
        recto("data", "catalogue", f"{self.place}/raw", "-o", folder / "raw.manifest")
        report = ("--report", folder / "ocr.jsonl")
        recto("data", "ocr", f"{self.place}/raw", "--output", f"{self.place}/textracted", *report)
        images = ("--dpi", "100", "--report", folder / "images.jsonl")
        recto("data", "images", f"{self.place}/raw", "--output", self.place, *images)
        parts = {"documents": "raw", "ocr": "textracted", "images": "imgs-clean"}
        places = [word for name, part in parts.items() for word in (f"--{name}", f"{self.place}/{part}")]
        recto("data", "collate", folder / "raw.manifest", *places, "-o", self.pages)
        recto("data", "pull", f"{self.place}/textracted", folder / "textracted")
        (response,) = (folder / "textracted").rglob("consolidated.json")
        self.blocks: list[dict[str, Any]] = json.loads(response.read_bytes())["Blocks"]

    def first_lines(self, page: int) -> list[dict[str, float]]:
        """Boxes of the page's first two lines, as shares of the page."""
        lines = [b for b in self.blocks if b["BlockType"] == "LINE" and b.get("Page", 1) == page]
        lines.sort(key=lambda line: line["Geometry"]["BoundingBox"]["Top"])
        return [line["Geometry"]["BoundingBox"] for line in lines[:2]]


@pytest.fixture(scope="module")
def corpus(pipeline: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    if not CONTRACT.exists():
        pytest.skip("../shared/data/kleister-nda is not here")
    made = Corpus(pipeline, tmp_path_factory.mktemp("contract"))
    recto("label", "teams", "create", "two-people")
    recto("label", "teams", "invite", "two-people", *PEOPLE)
    return made


def begin(corpus: Corpus, job: str, task: str, *labels: str) -> None:
    template = corpus.folder / job / "template.liquid.html"
    words = [word for label in labels for word in ("--label", label)]
    recto("label", "template", task, *words, "--output", template)
    recto("label", "create", job, "--task", task, "--manifest", corpus.pages, "--template", template,
          "--team", "two-people", "--workers-per-object", "2", "--title", job)  # fmt: skip


@pytest.fixture
def people(pipeline: Pipeline, browser: Browser) -> Iterator[list[Page]]:
    """A page of each person, signed in, in a profile of its own."""
    contexts = [browser.new_context(viewport={"width": 1300, "height": 850}) for _ in PEOPLE]
    pages = [context.new_page() for context in contexts]
    for page, person in zip(pages, PEOPLE, strict=True):
        page.goto(pipeline.info.workbench_url(""))
        page.get_by_role("link", name="Sign in").click()
        page.fill("input[name=username]", person)
        page.fill("input[name=password]", PASSWORD)
        page.keyboard.press("Enter")
        expect(page.get_by_text(person.capitalize(), exact=True)).to_be_visible(timeout=60_000)
    yield pages
    for context in contexts:
        context.close()


def label_all(page: Page, job: str, label: Callable[[FrameLocator, int], None]) -> None:
    """One person labels every object of a job, one after the other, as the pages hand them out."""
    card = page.get_by_role("listitem").filter(has_text=job)  # the list looks again every 30 seconds
    expect(card).to_contain_text(f"{NUM_PAGES} open for me", timeout=90_000)
    card.get_by_role("link", name=f"Work on {job}").click()
    seen: set[int] = set()
    for done in range(NUM_PAGES):
        expect(page.get_by_text(f"{done} done by me,")).to_be_visible(timeout=60_000)
        number = next_number(page, seen)
        # By its title: the frame of the task before may be there a moment longer than its number.
        label(page.frame_locator(f"{CURRENT}[title='Task {number}']"), number)
        seen.add(number)
        expect(page.locator(".missing")).to_have_count(0)
        page.get_by_role("button", name="Submit").first.click()
    expect(page.get_by_text(f"you have done {NUM_PAGES}")).to_be_visible(timeout=60_000)


def next_number(page: Page, seen: set[int]) -> int:
    """Of the task that is shown, once it is another one than before."""
    for _ in range(200):
        number = int(page.get_by_text("Task ").first.inner_text().split()[1])
        if number not in seen:
            return number
        page.wait_for_timeout(50)
    raise AssertionError(f"no other task than {sorted(seen)} was shown")


def lines_of(corpus: Corpus, job: str) -> list[dict[str, Any]]:
    """The output manifest's lines, once the job has ended by itself."""
    recto("label", "watch", job, "--timeout", "120", "--lines", "0")
    results = corpus.folder / job / "results"
    recto("label", "results", job, "--to", results)
    text = (results / "manifests" / "output" / "output.manifest").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_two_people_box_five_pages_and_check_what_was_read(corpus: Corpus, people: list[Page]) -> None:
    begin(corpus, "b4-boxes", "ocr-boxes", "Heading", "Exhibit")

    for person, page in enumerate(people):

        def box_first_line(frame: FrameLocator, number: int, page: Page = page, person: int = person) -> None:
            stage = frame.locator(".stage")
            stage.wait_for()
            stage.locator(".loading").wait_for(state="hidden")
            frame.get_by_text("Loading the page's OCR").wait_for(state="detached")
            stage.focus()
            (box, _) = corpus.first_lines(number)
            size = stage.locator("img").first.evaluate("i => [i.naturalWidth, i.naturalHeight]")
            left, top = box["Left"] * size[0] - SHAKE * person, box["Top"] * size[1] - SHAKE
            right = (box["Left"] + box["Width"]) * size[0] + SHAKE
            Picture(page, stage).drag(left, top, right, (box["Top"] + box["Height"]) * size[1] + SHAKE)
            frame.get_by_role("radio", name="Correct").first.check(force=True)

        label_all(page, "b4-boxes", box_first_line)

    lines = lines_of(corpus, "b4-boxes")
    assert [line["page-num"] for line in lines] == [1, 2, 3, 4, 5]
    for line in lines:
        label = line["b4-boxes"]
        assert label["consolidation"]["answers"] == 2
        (entity,) = label["entities"]
        assert (entity["label"], entity["ocrStatus"]) == ("Heading", "correct")
        assert entity["targetText"] == entity["rawText"] != ""
        (annotation,) = label["annotations"]
        (size,) = label["image_size"]
        truth = corpus.first_lines(line["page-num"])[0]
        assert annotation["left"] == pytest.approx(truth["Left"] * size["width"], abs=2 * SHAKE)
        assert annotation["height"] == pytest.approx(truth["Height"] * size["height"], abs=3 * SHAKE)


@pytest.mark.prove
def test_two_people_say_what_each_page_is(corpus: Corpus, people: list[Page]) -> None:
    begin(corpus, "b4-kinds", "image-classification", "Agreement", "Letter")

    for person, page in enumerate(people):

        def choose(frame: FrameLocator, number: int, person: int = person) -> None:
            is_odd_one = person == 1 and number == NUM_PAGES
            frame.get_by_text("Letter" if is_odd_one else "Agreement", exact=True).first.click()

        label_all(page, "b4-kinds", choose)

    lines = lines_of(corpus, "b4-kinds")
    told = [line["b4-kinds-metadata"] for line in lines]
    assert [one["class-name"] for one in told[:4]] == ["Agreement"] * 4
    assert [line["b4-kinds"] for line in lines[:4]] == [0] * 4
    assert told[0]["confidence"] > told[4]["confidence"]


def test_training_reads_the_manifest(corpus: Corpus) -> None:
    python = ROOT / ".venv-training" / "bin" / "python"
    if not python.exists():
        pytest.skip("make setup makes .venv-training")
    manifest = corpus.folder / "b4-boxes" / "results" / "manifests" / "output" / "output.manifest"

    done = subprocess.run(
        [python, "-m", "recto_training", "data-report", "--data", manifest,
         "--map", f"{corpus.place}/textracted={corpus.folder / 'textracted'}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "Heading" in done.stdout
