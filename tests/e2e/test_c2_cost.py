"""What a document costs: noted by its calls, in the ledger once, transitions as its execution has them."""

import json
from collections import Counter
from decimal import Decimal

import pytest
from typer.testing import CliRunner

from recto.aws.dynamodb import Table
from recto.aws.ledger import MACHINE, LedgerRows, UseRows, uses_of
from recto.cost import Unit, cost_of
from recto.messages import Status
from recto.places import execution_name
from recto.ports import DocumentRow, UseRow
from recto.prices import prices_of
from recto.transitions import EVENT_TRANSITIONS, START_AND_END
from recto_cli.main import app
from tests.contract.template import asl
from tests.contract.test_transitions import AUDITED, walked
from tests.e2e.conftest import CALLER, HOME, SAMPLES, Pipeline, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

PRICES = prices_of("us-east-1")


@pytest.fixture(scope="module")
def table(pipeline: Pipeline) -> Table:
    return Table(pipeline.info.outputs["DocumentTableName"], CALLER)


@pytest.fixture(scope="module")
def processed(pipeline: Pipeline) -> DocumentRow:
    """A document of one page that went straight through."""
    index = json.loads((SAMPLES / "samples.json").read_text())
    single = [SAMPLES / entry["file"] for entry in index if entry["pages"] == 1]
    rows = pipeline.settled([pipeline.send(path, f"cost/{path.name}") for path in single[:3]], seconds=400)
    return next(row for row in rows if row.status is Status.PROCESSED)


@pytest.fixture(scope="module")
def noted(table: Table, processed: DocumentRow) -> list[UseRow]:
    """Its calls, once publish has noted its own, which is the last."""

    def rows() -> list[UseRow] | None:
        found = UseRows(table).of_document(processed.document_id)
        return found if any(row.step == "publish" for row in found) else None

    return list(wait_for(rows, 30, lambda: UseRows(table).of_document(processed.document_id)))


def test_each_step_has_noted_its_call(noted: list[UseRow]) -> None:
    steps = Counter(row.step for row in noted)

    assert steps >= Counter(
        intake=1, dispatch=1, page_images=1, textract_start=1, textract_callback=1, textract_fetch=1,
        model_invoke=1, entity_postprocess=1, release=1, publish=1,
    )  # fmt: skip
    assert all(row.units[Unit.LAMBDA_REQUEST] <= 1 for row in noted)


def test_transitions_are_those_of_the_execution(
    pipeline: Pipeline, processed: DocumentRow, noted: list[UseRow]
) -> None:
    """The emulator's history leaves out the states within Parallel; those are as the machine is written."""
    machine = pipeline.info.outputs["PipelineStateMachine"].replace(":stateMachine:", ":execution:")
    arn = f"{machine}:{execution_name(processed.document_id, processed.attempt)}"
    pages = pipeline.client("stepfunctions").get_paginator("get_execution_history")
    events = [event for page in pages.paginate(executionArn=arn) for event in page["events"]]
    entered = [
        each["stateEnteredEventDetails"]["name"] for each in events if "stateEnteredEventDetails" in each
    ]
    expected = walked(answers=AUDITED if "PublishDrawn" in entered else {})

    told = next(use for use in uses_of(noted) if use.step == MACHINE).units[Unit.STATES_TRANSITION]

    assert entered == [name for name in expected.names if name in asl("document")["States"]]
    assert told == expected.entered + START_AND_END
    assert sum(use.units.get(Unit.STATES_TRANSITION, 0) for use in uses_of(noted)) == told + EVENT_TRANSITIONS
    assert told + EVENT_TRANSITIONS <= 24


def test_one_page_is_paid_for_once_and_the_whole_stays_below_the_limit(noted: list[UseRow]) -> None:
    """2.2 dollars a thousand; time is money on Lambda, and this machine's says nothing of Lambda's."""
    cost = cost_of(uses_of(noted), PRICES)

    times = sum(line.dollars for line in cost.lines if line.unit.startswith("lambda.gb"))
    assert cost.by_service["textract"] == Decimal("0.0015")
    assert cost.dollars - times < Decimal("0.0022")


def test_the_months_ledger_holds_it(table: Table, processed: DocumentRow, noted: list[UseRow]) -> None:
    days = LedgerRows(table).month(f"{processed.updated:%Y-%m}")

    pages = sum(cost_of(day.uses, PRICES).quantity(Unit.TEXTRACT_TEXT) for day in days)
    assert sum(day.documents for day in days) >= 1
    assert pages >= 1


def test_the_command_tells_it(processed: DocumentRow, noted: list[UseRow]) -> None:
    words = ["--target", "local", "cost", "document", processed.document_id]
    answer = CliRunner().invoke(app, words, env={"RECTO_HOME": str(HOME)})

    assert answer.exit_code == 0, answer.output
    assert "textract_fetch" in answer.output
    assert "no free tier" in answer.output
