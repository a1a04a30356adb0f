"""Another field list is for the next document; what runs or waits keeps its own; a bad one harms nobody."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from recto.messages import Status
from recto.places import DocumentPlaces, Location
from recto.release import INDEX, MODEL, parse_release
from recto.steps.follow_parameter import REFUSAL
from tests.e2e.conftest import Pipeline, wait_for
from tests.e2e.test_1_pipeline import hand_in
from tests.e2e.test_2_bad_input import blank_page
from tests.e2e.test_3_reviews_and_restart import ANSWER, waiting_review
from tests.e2e.test_5_command_line import recto

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]
BAD = [{"ClassId": 0, "Name": "Total", "Optinal": True}]


class Parameters:
    """The deployed parameters, as a notebook reads and writes them."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._ssm = pipeline.client("ssm")
        self._names = pipeline.info.outputs

    def get(self, output: str) -> str:
        return str(self._ssm.get_parameter(Name=self._names[output])["Parameter"]["Value"])

    def put(self, output: str, value: str) -> None:
        self._ssm.put_parameter(Name=self._names[output], Value=value, Type="String", Overwrite=True)

    @property
    def used(self) -> str:
        return self.get("ReleaseParamName")


@pytest.fixture
def parameters(pipeline: Pipeline) -> Iterator[Parameters]:
    """What was in use is in use again afterwards."""
    found = Parameters(pipeline)
    before = found.used
    yield found
    found.put("ReleaseParamName", before)
    found.put("EntityConfigParamName", "undefined")


def pulled(path: Path) -> list[dict[str, Any]]:
    done = recto("fields", "pull", path)
    assert done.returncode == 0, done.stderr
    entries: list[dict[str, Any]] = json.loads(path.read_text())
    return entries


def renamed(entries: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """The list with `Provider Name` under another name and with a threshold set by hand."""
    own = {"Name": name, "ReviewThreshold": 0.99}
    return [{**entry, **own} if entry["Name"] == "Provider Name" else entry for entry in entries]


def short(entries: list[dict[str, Any]]) -> str:
    """The list as notebooks put it into the parameter: without the texts for annotators."""
    return json.dumps([{k: v for k, v in entry.items() if k != "AnnotationGuidance"} for entry in entries])


def fields_of(pipeline: Pipeline, document: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(pipeline.objects.read(DocumentPlaces(pipeline.work, document).fields))
    return found["Fields"]


def refusal(pipeline: Pipeline) -> dict[str, Any]:
    place = Location(bucket=pipeline.work, key=REFUSAL)
    return json.loads(pipeline.objects.read(place)) if pipeline.objects.info(place) else {}


def test_pushed_fields_are_for_the_next_document_and_a_waiting_one_keeps_its_own(
    pipeline: Pipeline, parameters: Parameters, tmp_path: Path
) -> None:
    before, (waiting, review) = parameters.used, waiting_review(pipeline, "releases/waits.pdf")
    file = tmp_path / "fields.json"
    file.write_text(json.dumps(renamed(pulled(file), "Issuer")))

    pushed = recto("fields", "push", file)
    following, _ = waiting_review(pipeline, "releases/next.pdf")
    listed = recto("release", "list").stdout
    hand_in(pipeline, review, ANSWER)
    answered = pipeline.ended(waiting)
    back = recto("release", "use", "--previous")

    row = pipeline.documents.find(following)
    assert pushed.returncode == 0, pushed.stderr
    assert "renamed: class 16 from 'Provider Name' to 'Issuer'" in pushed.stdout
    assert "ReviewThreshold from unset to 0.99, set by hand" in pushed.stdout
    assert row
    assert row.release != before
    assert "Issuer" in fields_of(pipeline, following)
    (in_use,) = [line.split()[1] for line in listed.splitlines() if line.startswith("*")]
    assert f"releases/{in_use}" == row.release
    assert (answered.status, answered.release, answered.cause) == (Status.PROCESSED, before, "")
    assert pipeline.result(waiting)["Fields"]["Provider Name"]["Value"] == "ACME"
    assert back.returncode == 0, back.stderr
    assert parameters.used == before


def test_a_list_that_a_notebook_puts_into_the_parameter_is_in_use_or_refused_by_name(
    pipeline: Pipeline, parameters: Parameters, tmp_path: Path
) -> None:
    before, entries = parameters.used, pulled(tmp_path / "fields.json")

    parameters.put("EntityConfigParamName", json.dumps(BAD))
    wait_for(
        lambda: refusal(pipeline).get("Error") == "FieldConfigurationError" or None,
        90,
        lambda: refusal(pipeline),
    )
    assert parameters.used == before
    assert "unknown key 'Optinal', did you mean 'Optional'?" in recto("release", "list").stdout

    place = Location(bucket=pipeline.work, key="config/fields.json")
    pipeline.objects.write(place, short(renamed(entries, "Bank")).encode())
    parameters.put("EntityConfigParamName", place.uri)
    wait_for(lambda: parameters.used != before or None, 90, lambda: refusal(pipeline))
    document, _ = waiting_review(pipeline, "releases/by parameter.pdf")
    assert "Bank" in fields_of(pipeline, document)
    assert "refused" not in recto("release", "list").stdout


def test_a_broken_release_fails_its_documents_by_name_and_a_good_one_lets_them_go_on(
    pipeline: Pipeline, parameters: Parameters
) -> None:
    good = parameters.used
    index = pipeline.objects.read(Location(bucket=pipeline.work, key=f"{good}/{INDEX}"))
    for name in {INDEX, *parse_release(index).files} - {MODEL}:
        body = pipeline.objects.read(Location(bucket=pipeline.work, key=f"{good}/{name}"))
        pipeline.objects.write(Location(bucket=pipeline.work, key=f"releases/broken/{name}"), body)

    refused = recto("release", "use", "broken")
    parameters.put("ReleaseParamName", "releases/broken")
    (failed,) = pipeline.settled([pipeline.send(blank_page(), "releases/broken.pdf")])

    assert refused.returncode == 1
    assert "ReleaseError: release releases/broken: model.onnx is missing" in refused.stderr
    assert (failed.status, failed.error) == (Status.FAILED, "ReleaseError")
    assert "releases/broken: model.onnx is missing" in failed.cause
    pipeline.no_slot_is_held()
    used = recto("release", "use", good)
    again = recto(
        "reprocess", failed.document_id, "--from", "model", "--release", "current", "--yes", "--wait"
    )
    row = pipeline.documents.find(failed.document_id)
    assert used.returncode == 0, used.stderr
    assert again.returncode == 0, again.stderr + again.stdout
    assert row
    assert (row.status, row.release) == (Status.IN_REVIEW, good)
