"""A new reviewer corrects a real contract and a real receipt in a real browser; the same through A2I's API.

The demo's word model has never seen such documents, so all that it finds is doubtful, and all that counts is
what the reviewer says: the fields are other ones, too.
"""
# ruff: noqa: F811 - fixtures of another module

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, FrameLocator, Locator, Page, expect

from recto.messages import Status
from recto.places import Location
from recto.ports import DocumentRow
from tests.browsers import browser, chromium  # noqa: F401
from tests.e2e.conftest import DATA, ROOT, Pipeline, wait_for
from tests.e2e.test_3_reviews_and_restart import review_at_desk
from tests.e2e.test_8_releases import Parameters
from tests.e2e.test_b4_two_people import recto

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
CONTRACT = DATA / "kleister-nda" / "documents" / "1ebe90010883632839adf34be282271b.pdf"
RECEIPT = DATA / "sroie" / "img" / "004.jpg"
PARTIES = 'Other party\'s "name" – ä'
DOUBTFUL = {"ReviewThreshold": 1.0}
FIELDS: dict[int, dict[str, Any]] = {
    0: {"Name": "Date", "Type": "date", "DateOrder": "DMY", "Select": "first", "Validators": ["understood"]},
    8: {"Name": "Total", "Type": "money", "Currency": "MYR", "Select": "confidence", "Optional": True},
    14: {"Name": PARTIES, "Optional": True},
    16: {"Name": "Company", "Type": "company", "Select": "longest"},
}
"""By class of the demo's model."""
REVIEWER = "nora@example.com"


def field_list() -> str:
    entries = json.loads((ROOT / "local" / "releases" / "demo" / "fields.json").read_text())
    ignored = [{"ClassId": entry["ClassId"], "Name": entry["Name"], "Ignore": True} for entry in entries]
    ours = {number: {"ClassId": number, **field, **DOUBTFUL} for number, field in FIELDS.items()}
    return json.dumps([ours.get(entry["ClassId"], entry) for entry in ignored], ensure_ascii=False)


@pytest.fixture(scope="module")
def password() -> str:
    """A reviewer who was not there before, as an operator lets her in."""
    done = recto("review", "setup", "workbench", "--reviewer", REVIEWER)
    told = re.search(rf"{REVIEWER}: password (\S+)", done)
    assert told
    return told[1]


@pytest.fixture(scope="module")
def documents(
    pipeline: Pipeline, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, DocumentRow]]:
    """Both documents, waiting for a person."""
    if not (CONTRACT.exists() and RECEIPT.exists()):
        pytest.skip("../shared/data/kleister-nda and ../shared/data/sroie are not here")
    parameters = Parameters(pipeline)
    before = parameters.used
    file = tmp_path_factory.mktemp("fields") / "fields.json"
    file.write_text(field_list(), encoding="utf-8")
    recto("fields", "push", file)
    sent = [pipeline.send(RECEIPT, "review/till.jpg"), pipeline.send(CONTRACT, "review/sterling.pdf")]
    rows = pipeline.settled(sent)
    assert [row.status for row in rows] == [Status.IN_REVIEW] * 2, [row.cause for row in rows]
    for row in rows:
        review_at_desk(pipeline, row)
    yield dict(zip(("receipt", "contract"), rows, strict=True))
    parameters.put("ReleaseParamName", before)
    parameters.put("EntityConfigParamName", "undefined")


@pytest.fixture
def page(pipeline: Pipeline, browser: Browser, password: str) -> Iterator[Page]:
    """Nora's, signed in: she has no other role, so she is at the reviews at once."""
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    context.set_default_timeout(30_000)
    expect.set_options(timeout=30_000)
    opened = context.new_page()
    opened.goto(pipeline.info.workbench_url(""))
    opened.get_by_role("link", name="Sign in").click()
    opened.fill("input[name=username]", REVIEWER)
    opened.fill("input[name=password]", password)
    opened.keyboard.press("Enter")
    expect(opened.get_by_role("heading", name="Reviews")).to_be_visible()
    yield opened
    context.close()


class Hands:
    """A reviewer at a review's fields, in the workbench's page or in a frame of it."""

    def __init__(self, page: Page, fields: Page | FrameLocator) -> None:
        self.keyboard, self.fields = page.keyboard, fields
        expect(fields.locator("[data-value]:focus")).to_be_visible()

    def go_to(self, name: str) -> Locator:
        """Any field, folded away or not, by keys."""
        self.keyboard.press("Alt+g")
        self.keyboard.type(name)
        self.keyboard.press("Enter")
        field = self.fields.get_by_role("textbox", name=name, exact=True)
        expect(field).to_be_focused()
        return field

    def correct(self, name: str, text: str) -> None:
        self.go_to(name).fill(text)
        self.keyboard.press("Enter")

    def absent(self, field: Locator) -> None:
        field.focus()
        self.keyboard.press("Alt+a")
        expect(field).to_have_attribute("placeholder", "not in the document")

    def only_value(self, name: str) -> Locator:
        """Of a field with several values all but the first are taken away."""
        first = self.fields.get_by_role("textbox", name=re.compile(f"^{re.escape(name)}, value 1 of "))
        expect(first).to_be_visible()
        while (remove := self.fields.get_by_role("button", name=f"Remove value 2 of {name}")).count():
            remove.click()
        return first


def begin(page: Page, name: str) -> None:
    """Out of the list, where other tests' reviews may wait as well; or it came by itself after another."""
    if page.get_by_role("heading", name=name).count():
        return
    page.get_by_role("link", name="Reviews", exact=True).click()
    page.get_by_role("searchbox", name="Search by name").fill(name)
    page.get_by_role("button", name=f"Review {name}").click()


def submit(page: Page, name: str) -> None:
    """The next review follows by itself, or that there is none."""
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name=name)).to_have_count(0, timeout=90_000)
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_a_new_reviewer_corrects_a_receipt_and_a_contract(
    pipeline: Pipeline, documents: dict[str, DocumentRow], page: Page
) -> None:
    begin(page, "till.jpg")
    hands = Hands(page, page)
    hands.correct("Date", "18-11-18")
    hands.absent(hands.only_value(PARTIES))
    hands.correct("Company", "MR D.I.Y. (M) SDN BHD")
    hands.correct("Total", "RM 30.90")  # nobody asked about it: nothing was found
    submit(page, "till.jpg")

    begin(page, "sterling.pdf")
    hands = Hands(page, page)
    hands.correct("Date", "May 4, 2005")
    parties = hands.only_value(PARTIES)
    parties.fill("Kimberly Gold Mines, Inc.")
    page.keyboard.press("Alt+n")
    page.keyboard.type("Shoshone Silver Mining Company")
    page.keyboard.press("Enter")
    hands.correct("Company", "Sterling Mining Company")
    hands.absent(hands.go_to("Total"))
    submit(page, "sterling.pdf")

    receipt, contract = (pipeline.ended(documents[name].document_id) for name in ("receipt", "contract"))
    assert [(row.status, row.cause) for row in (receipt, contract)] == [(Status.PROCESSED, "")] * 2


def test_what_is_published_is_what_she_said(pipeline: Pipeline, documents: dict[str, DocumentRow]) -> None:
    receipt, contract = (pipeline.result(documents[name].document_id) for name in ("receipt", "contract"))

    assert receipt["Reviewed"]
    assert contract["Reviewed"]
    fields = receipt["Fields"]
    assert (fields["Date"]["Value"], fields["Date"]["NormalizedValue"]) == ("18-11-18", "2018-11-18")
    assert fields["Company"]["Value"] == "MR D.I.Y. (M) SDN BHD"
    assert fields["Total"]["NormalizedValue"] == "30.90 MYR"
    assert fields[PARTIES]["Values"] == []
    fields = contract["Fields"]
    assert (fields["Date"]["Value"], fields["Date"]["NormalizedValue"]) == ("May 4, 2005", "2005-05-04")
    told = [each["Value"] for each in fields[PARTIES]["Values"]]
    assert told == ["Kimberly Gold Mines, Inc.", "Shoshone Silver Mining Company"]
    assert fields["Total"]["Value"] == ""
    assert fields["Company"]["Confidence"] == 1.0
    assert fields["Total"]["Absent"]


def test_the_world_is_told_once_and_the_history_knows_who_and_when(
    pipeline: Pipeline, documents: dict[str, DocumentRow]
) -> None:
    for row in documents.values():
        assert pipeline.told(row.document_id) == ["DocumentProcessed"]
        became = [str(entry) for entry in pipeline.documents.history(row.document_id, 100)]
        assert any("in_review" in entry.lower() for entry in became), became
        assert "PROCESSED" in became[-1], became
        assert row.review_id in recto("history", row.document_id)
    pipeline.no_slot_is_held()


def test_what_she_typed_teaches_the_next_model(documents: dict[str, DocumentRow], tmp_path: Path) -> None:
    ids = [row.document_id for row in documents.values()]

    told = recto("review", "export", "--output", tmp_path / "set", *ids)

    assert "2 of 2 documents" in told
    lines = [json.loads(line) for line in (tmp_path / "set" / "output.manifest").read_text().splitlines()]
    assert len(lines) == 3  # the receipt's page and the contract's two
    for line in lines:
        assert line["reviewed"]["prefilled"]
        assert line["reviewed"]["agreement"] == "single"
        assert (tmp_path / "set" / "textract").exists()
        hows = {name: each["how"] for name, each in line["reviewed"]["fields"].items()}
        assert set(hows) == {"Date", "Company", "Total", PARTIES}
        assert "unseen" not in hows.values()
    first_page, _, receipt = sorted(lines, key=lambda line: (line["raw-ref"], line["page-num"]))
    taught = words_of(first_page, tmp_path / "set")
    assert taught["Company"] == ["Sterling Mining Company"]
    assert taught["Date"] == ["May 4, 2005"]
    shoshone, kimberly = sorted(taught[PARTIES], reverse=True)
    assert kimberly == "Kimberly Gold Mines, Inc."
    assert shoshone.startswith("Shoshone Silver")  # the OCR here reads its "Mining" as "1g"
    assert "Total" not in taught
    assert words_of(receipt, tmp_path / "set")["Date"] == ["18-11-18"]


def words_of(line: dict[str, Any], folder: Path) -> dict[str, list[str]]:
    """What is printed where a line's labels are, by label, without the words that are of no field."""
    response = json.loads((folder / "textract" / Path(line["textract-ref"]).name).read_bytes())
    text = {block["Id"]: block["Text"] for block in response["Blocks"] if block["BlockType"] == "WORD"}
    found: dict[str, list[str]] = {}
    for entity in line["labels"]["annotations"]["entities"]:
        if entity["label"] in {field["Name"] for field in FIELDS.values()}:
            printed = " ".join(text[block] for block in entity["blocks"]).rstrip(" ,;")
            found.setdefault(entity["label"], []).append(printed)
    return found


# --- the same through the API of Amazon A2I -----------------------------------------------------------


@pytest.fixture
def flow(pipeline: Pipeline) -> Iterator[str]:
    """A flow definition with the review page as its worker template, as `recto review setup a2i` makes it."""
    recto("review", "setup", "a2i", "--availability", "7200")
    yield Parameters(pipeline).get("A2IHumanReviewFlowParamName")
    recto("review", "setup", "workbench")


def test_a_loop_of_ones_own_is_started_listed_described_and_stopped(pipeline: Pipeline, flow: str) -> None:
    loops = pipeline.client("sagemaker-a2i-runtime")
    task = {"TaskObject": f"s3://{pipeline.inbox}/review/till.jpg", "ModelResult": {"Fields": {}}}

    started = loops.start_human_loop(
        HumanLoopName="by-hand", FlowDefinitionArn=flow, HumanLoopInput={"InputContent": json.dumps(task)}
    )
    (listed,) = loops.list_human_loops(FlowDefinitionArn=flow)["HumanLoopSummaries"]
    described = loops.describe_human_loop(HumanLoopName="by-hand")
    loops.stop_human_loop(HumanLoopName="by-hand")
    stopped = loops.describe_human_loop(HumanLoopName="by-hand")
    loops.delete_human_loop(HumanLoopName="by-hand")

    assert started["HumanLoopArn"] == described["HumanLoopArn"]
    assert (listed["HumanLoopName"], listed["HumanLoopStatus"]) == ("by-hand", "InProgress")
    assert described["FlowDefinitionArn"] == flow
    assert stopped["HumanLoopStatus"] == "Stopped"
    assert loops.list_human_loops(FlowDefinitionArn=flow)["HumanLoopSummaries"] == []


def test_a_flows_own_page_is_answered_and_its_output_takes_the_same_way_back(
    pipeline: Pipeline, documents: dict[str, DocumentRow], flow: str, page: Page
) -> None:
    """The contract once more, without OCR: its review goes to the flow, whose page is a worker template."""
    document = documents["contract"].document_id
    recto("reprocess", document, "--from", "review")
    (row,) = pipeline.settled([Location(bucket=pipeline.inbox, key="review/sterling.pdf")])
    assert row.status is Status.IN_REVIEW, row.cause
    review = review_at_desk(pipeline, row)
    assert review.backend == flow
    loops = pipeline.client("sagemaker-a2i-runtime")
    assert [
        each["HumanLoopName"] for each in loops.list_human_loops(FlowDefinitionArn=flow)["HumanLoopSummaries"]
    ] == [review.loop_name]

    begin(page, "sterling.pdf")
    frame = page.frame_locator("iframe")
    hands = Hands(page, frame)
    expect(frame.locator("canvas").first).to_be_visible()  # PDF.js has drawn the contract
    hands.correct("Date", "4 May 2005")
    hands.absent(hands.only_value(PARTIES))
    hands.correct("Company", "Silver Valley Capital")
    hands.absent(hands.go_to("Total"))
    submit(page, "sterling.pdf")

    ended = pipeline.ended(document)
    assert (ended.status, ended.cause) == (Status.PROCESSED, "")
    fields = json.loads(recto("result", document, "--json"))["Fields"]
    assert fields["Company"]["Value"] == "Silver Valley Capital"
    assert fields["Date"]["NormalizedValue"] == "2005-05-04"
    assert fields[PARTIES]["Values"] == []
    done = wait_for(lambda: completed(loops, review.loop_name), 90, lambda: review.loop_name)
    output = json.loads(pipeline.objects.read(Location.from_uri(done["HumanLoopOutput"]["OutputS3Uri"])))
    assert output["flowDefinitionArn"] == flow
    assert output["humanAnswers"][0]["answerContent"]["field-value-Company"] == "Silver Valley Capital"


def completed(loops: Any, name: str) -> dict[str, Any] | None:
    found: dict[str, Any] = loops.describe_human_loop(HumanLoopName=name)
    return found if found["HumanLoopStatus"] == "Completed" else None
