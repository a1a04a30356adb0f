"""The model of many documents at once: none is lost, no limit is passed, a seed gives the same again."""

import json
import math

import numpy as np
import pytest

from benchmarks import reference_flow
from benchmarks.load_model import (
    AGREEMENTS,
    MAIL,
    RESULTS,
    THROTTLED,
    TIMED_OUT,
    UNSTARTED,
    Account,
    Admission,
    Load,
    Outcome,
    Recto,
    Reference,
    Semaphore,
    Service,
    agreement_pages,
    measured_page_seconds,
)
from recto.admission import US_EAST_1, ServiceLimits, limits_in_use
from recto.prices import prices_of

DOCUMENTS = 2000
PRICES = prices_of("us-east-1")


def of(design: Recto | Reference) -> Outcome:
    return design.run().outcome(PRICES)


@pytest.fixture(scope="module", params=[(MAIL, "live"), (AGREEMENTS, "live"), (AGREEMENTS, "backfill")])
def outcome(request: pytest.FixtureRequest) -> Outcome:
    mix, lane = request.param
    return of(Recto(Load(DOCUMENTS, mix, lane)))


def test_pages_are_spread_as_the_corpus_is() -> None:
    pages = agreement_pages(np.random.default_rng(1).random(100_000))

    assert np.percentile(pages, [25, 50, 75]).tolist() == [3, 6, 11]
    assert pages.mean() == pytest.approx(6.7, abs=0.1)
    assert (pages.min(), agreement_pages(np.array([0.9999999]))[0]) == (1, 402)


def test_every_document_is_processed(outcome: Outcome) -> None:
    assert (outcome.processed, outcome.failed) == (DOCUMENTS, {})


def test_no_limit_is_passed(outcome: Outcome) -> None:
    limits = limits_in_use(ServiceLimits(), US_EAST_1)
    slots = 90 if outcome.load.lane == "live" else 72

    assert outcome.peaks["documents"] <= slots
    assert outcome.peaks["textract-jobs"] <= limits.concurrent_jobs
    assert outcome.peaks["textract-start"] <= math.ceil(limits.start_per_second)
    assert outcome.peaks["textract-get"] <= math.ceil(limits.get_per_second * 1.5)
    assert outcome.peaks["lambda"] <= Account().lambda_at_once
    assert all(0 <= share <= 1.01 for share in outcome.used.values()), outcome.used


def test_nothing_goes_faster_than_the_narrowest_limit(outcome: Outcome) -> None:
    limits = limits_in_use(ServiceLimits(), US_EAST_1)
    gets = sum(1 + Service().gets(int(pages)) for pages in outcome.load.pages())

    seconds = outcome.hours * 3600

    assert seconds >= DOCUMENTS / limits.start_per_second
    assert seconds >= gets / limits.get_per_second - 1
    assert outcome.textract_dollars == pytest.approx(0.0015 * outcome.load.pages().sum())


def test_a_seed_gives_the_same_again_and_another_one_does_not() -> None:
    first, again = (of(Recto(Load(300, AGREEMENTS))) for _ in range(2))
    theirs, theirs_again = (of(Reference(Load(300, AGREEMENTS))) for _ in range(2))

    assert first == again
    assert theirs == theirs_again
    assert of(Recto(Load(300, AGREEMENTS, seed=8))).hours != first.hours


def test_the_reference_loses_none_unseen_and_most_by_waiting_when_all_come_at_once() -> None:
    outcome = of(Reference(Load(DOCUMENTS, MAIL)))

    assert outcome.processed + sum(outcome.failed.values()) == DOCUMENTS
    assert outcome.failed.keys() <= {TIMED_OUT, UNSTARTED}
    assert outcome.failed[TIMED_OUT] > DOCUMENTS / 2
    assert outcome.first_limit.startswith("StartExecution")
    assert outcome.peaks["locks"] <= Semaphore().limit


def test_the_reference_at_its_own_pace_processes_all() -> None:
    outcome = of(Reference(Load(500, MAIL), pace=1.8))

    assert (outcome.processed, outcome.failed) == (500, {})
    assert outcome.hours >= 500 / 1.8 / 3600


def test_the_reference_is_the_one_whose_cost_is_reckoned() -> None:
    semaphore, offset = Semaphore(), 0

    assert semaphore.transitions_per_document == reference_flow.calm().transitions
    assert (semaphore.limit, semaphore.grants_per_second) == (
        reference_flow.JOBS,
        reference_flow.STARTS_PER_SECOND,
    )
    assert semaphore.timeout == reference_flow.TIMEOUT
    for wait, at in zip(reference_flow.RETRIES, semaphore.tries_after[1:], strict=True):
        offset += wait
        assert at == offset
    assert semaphore.round_seconds == offset + reference_flow.WAIT


def test_more_slots_than_get_calls_can_serve_make_documents_fail_and_patience_does_not() -> None:
    """Why the slots are 90 and not as many as Textract has jobs."""
    load = Load(DOCUMENTS, AGREEMENTS)

    hasty, patient = (of(Recto(load, Admission(540, patience=seconds))) for seconds in (0.9, 30.0))

    assert hasty.failed.keys() == {THROTTLED}
    assert patient.failed == {}


def test_our_functions_take_as_long_in_the_model_as_in_the_run_that_is_kept() -> None:
    """Processor seconds over the processors that Lambda gives for the memory of the template."""
    measured, service = measured_page_seconds(), Service()

    assert json.loads((RESULTS / "thousand-pages.json").read_text())["pages"] == 1000
    assert service.draw_page == pytest.approx(measured["page-images"] * 1769 / 2048, rel=0.5)
    assert service.model_page == pytest.approx(measured["model-invoke"] * 1769 / 3008, rel=0.5)
    assert service.fields_page == pytest.approx(measured["entity-postprocess"] * 1769 / 1024, rel=0.5)
