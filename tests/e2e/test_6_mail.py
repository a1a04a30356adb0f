"""A day's mail of real documents: each ends as `mail.csv` says, and nothing is left behind.

`small` is a part of it with a twentieth of the odd files and runs with all tests; `whole` is behind
`make prove-mail`.
"""

import os

import pytest

from recto import errors
from recto.messages import Status
from tests.e2e.conftest import DATA, Pipeline, wait_for
from tests.e2e.mail import (
    Day,
    deal_with,
    differences,
    expected,
    name_of,
    small_mail,
    whole_mail,
    write_expected,
)
from tests.e2e.traces import (
    bytes_on_disk,
    crashes,
    function_logs,
    resident_bytes,
    telling_words,
    uncaught,
    waiting_messages,
)

GIBIBYTE = 1024**3
MAILS = {"small": (small_mail, 900), "whole": (whole_mail, 3000)}
UPDATE = bool(os.environ.get("RECTO_UPDATE_MAIL"))

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not here"),
]


@pytest.fixture(scope="module", params=["small", pytest.param("whole", marks=pytest.mark.prove)])
def day(request: pytest.FixtureRequest, pipeline: Pipeline) -> Day:
    letters, seconds = MAILS[request.param]
    dealt = deal_with(pipeline, f"mail-{request.param}", letters(), seconds)
    if UPDATE and request.param == "whole":
        write_expected(dealt.outcomes)
    elif UPDATE:
        write_expected({**expected(), **dealt.outcomes})
    return dealt


def test_the_list_names_every_file_of_the_mail_and_no_other() -> None:
    listed, there = set(expected()), {name_of(path) for path in whole_mail()}

    assert len(there) > 390
    assert (sorted(there - listed), sorted(listed - there)) == ([], []), "see tests/e2e/mail.py"


def test_every_document_ends_as_the_list_says(day: Day) -> None:
    sent = {name_of(path) for path in day.letters}
    wanted = {name: outcome for name, outcome in expected().items() if name in sent}

    assert len(day.outcomes) == len(sent)
    assert not (table := differences(wanted, day.outcomes)), f"not as tests/e2e/mail.csv says:\n{table}"


def test_a_failure_says_which_document_and_why(day: Day) -> None:
    for name, row in day.rows.items():
        if row.error:
            assert name in row.cause, (name, row.cause)
            assert len(row.cause) > len(row.key) + 30, (name, row.cause)


def test_a_good_document_between_the_odd_ones_comes_out_untouched(day: Day) -> None:
    assert len(day.between) >= len([path for path in day.letters if "/odd/" in str(path)]) // 10
    for number, result in enumerate(day.between, 1):
        assert result == day.alone, f"the good document number {number}"


def test_nothing_of_the_mail_is_left_behind(day: Day, pipeline: Pipeline) -> None:
    ids = [pipeline.documents.of_source(pipeline.inbox, key) for key in day.uploads]

    assert {len(found) for found in ids} == {1}, "one row for each upload"
    pipeline.no_slot_is_held()
    wait_for(lambda: not running_executions(pipeline) or None, 60, lambda: running_executions(pipeline))
    wait_for(lambda: not new_messages(day, pipeline) or None, 60, lambda: new_messages(day, pipeline))


def new_messages(day: Day, pipeline: Pipeline) -> dict[str, int]:
    """Messages in queues, the dead letters among them, beyond those that were there before the mail."""
    now = waiting_messages(pipeline)
    return {queue: count for queue, count in now.items() if count > day.queued_before.get(queue, 0)}


def test_no_function_crashed_and_what_they_raised_has_a_name(day: Day, pipeline: Pipeline) -> None:
    logs = function_logs(pipeline, day.began)

    assert sum(len(lines) for lines in logs.values()) > 20 * len(day.uploads)
    assert {group: found for group, lines in logs.items() if (found := crashes(lines))} == {}
    raised = {name for lines in logs.values() for name in uncaught(lines)}
    assert {name for name in raised if not is_ours(name)} == set()


def is_ours(name: str) -> bool:
    module, _, last = name.rpartition(".")
    return module in ("", "recto.errors") and isinstance(getattr(errors, last, None), type)


def test_the_logs_hold_no_text_of_the_documents(day: Day, pipeline: Pipeline) -> None:
    done = [row for name, row in sorted(day.rows.items()) if row.status is Status.PROCESSED]
    chosen = done[:: max(1, len(done) // 40)]
    words = telling_words(pipeline, [row.document_id for row in chosen], " ".join(day.uploads))
    lines = [line for of_group in function_logs(pipeline, day.began).values() for line in of_group]
    lines += (pipeline.runtime.home / "logs" / "standins.log").read_text(errors="replace").splitlines()

    assert len(words) > 100
    assert sorted(word for word in words if any(word in line for line in lines)) == []


def test_memory_and_disk_stay_within_bounds(day: Day, pipeline: Pipeline) -> None:
    assert resident_bytes(pipeline) < 8 * GIBIBYTE
    assert bytes_on_disk(pipeline.runtime.home / "emulator") < 4 * GIBIBYTE
    leftovers = [path.name for path in (pipeline.runtime.home / "emulator" / "tmp").glob("recto-*/document")]
    assert leftovers == [], "downloads that were not removed"


def running_executions(pipeline: Pipeline) -> list[str]:
    states = pipeline.client("stepfunctions")
    machine = pipeline.info.outputs["PipelineStateMachine"]
    found = states.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]
    rows = [pipeline.documents.find(execution["name"].partition("-")[0]) for execution in found]
    return [row.key for row in rows if row and row.key.startswith("mail-")]
