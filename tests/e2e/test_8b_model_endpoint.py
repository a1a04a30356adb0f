"""The word model behind an endpoint instead of in the function: by a parameter, for the next document."""

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from recto.messages import Status
from recto.pagestore import PageIndex
from recto.places import DocumentPlaces
from recto.ports import DocumentRow
from recto.thumbnail_arrays import read_thumbnails
from tests.e2e.conftest import ROOT, SAMPLES, Pipeline, wait_for
from tests.e2e.test_5_command_line import recto
from tests.e2e.test_8_releases import Parameters, fields_of, pulled, refusal

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
DEMO = ROOT / "local" / "releases" / "demo"


def archive() -> bytes:
    """The demo release as a model's archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for path in sorted(DEMO.iterdir()):
            tar.add(path, path.name)
    return buffer.getvalue()


class Endpoints:
    """SageMaker of the running pipeline; what it made is gone afterwards."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline, self._sagemaker = pipeline, pipeline.client("sagemaker")
        self._made: list[str] = []

    def deploy(self, what: str, model: bytes = b"", kind: str = "word", is_async: bool = True) -> str:
        info, work = self._pipeline.info, self._pipeline.work
        name, key = f"{info.project}-{what}", f"models/{what}/model.tar.gz"
        container: dict[str, Any] = {"Image": "recto-model", "Environment": {"RECTO_KIND": kind}}
        if model:
            self._pipeline.client("s3").put_object(Bucket=work, Key=key, Body=model)
            container["ModelDataUrl"] = f"s3://{work}/{key}"
        who = "ThumbnailEndpointRoleArn" if kind == "thumbnails" else "ModelEndpointRoleArn"
        role, topic = info.outputs[who], info.outputs["ModelCallbackTopicArn"]
        self._sagemaker.create_model(ModelName=name, ExecutionRoleArn=role, PrimaryContainer=container)
        variant = {"VariantName": "AllTraffic", "ModelName": name}
        place = f"s3://{work}/model-endpoint"
        output = {
            "S3OutputPath": f"{place}/answers",
            "S3FailurePath": f"{place}/failures",
            "NotificationConfig": {"SuccessTopic": topic, "ErrorTopic": topic},
        }
        way: dict[str, Any] = {"AsyncInferenceConfig": {"OutputConfig": output}} if is_async else {}
        self._sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant], **way)
        self._sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        self._made.append(name)
        return name

    def remove_all(self) -> None:
        for name in self._made:
            self._sagemaker.delete_endpoint(EndpointName=name)
            self._sagemaker.delete_endpoint_config(EndpointConfigName=name)
            self._sagemaker.delete_model(ModelName=name)


@pytest.fixture
def endpoints(pipeline: Pipeline) -> Iterator[Endpoints]:
    found = Endpoints(pipeline)
    yield found
    found.remove_all()


@pytest.fixture
def parameters(pipeline: Pipeline) -> Iterator[Parameters]:
    """What was in use is in use again afterwards."""
    found = Parameters(pipeline)
    before = found.used
    yield found
    found.put("SageMakerEndpointParamName", "undefined")
    found.put("ThumbnailEndpointParamName", "undefined")
    wait_for(lambda: found.used.startswith(before.rpartition("-")[0]) or None, 90, lambda: found.used)
    found.put("ReleaseParamName", before)
    found.put("EntityConfigParamName", "undefined")


def connect(pipeline: Pipeline, parameters: Parameters, endpoint: str) -> None:
    before = parameters.used
    parameters.put("SageMakerEndpointParamName", endpoint)
    wait_for(lambda: parameters.used != before or None, 90, lambda: refusal(pipeline))


def sent(pipeline: Pipeline, sample: str, key: str) -> DocumentRow:
    (row,) = pipeline.settled([pipeline.send(SAMPLES / sample, key)])
    return row


def values_of(pipeline: Pipeline, row: DocumentRow) -> dict[str, Any]:
    """Text and confidence of each field's values."""
    return {
        name: [(value["Value"], pytest.approx(value["Confidence"], abs=0.01)) for value in _values(field)]
        for name, field in fields_of(pipeline, row.document_id).items()
    }


def _values(field: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = field.get("Values", [field])
    return found


def test_an_endpoint_finds_what_the_model_in_the_function_finds_and_takes_effect_without_a_deploy(
    pipeline: Pipeline, parameters: Parameters, endpoints: Endpoints
) -> None:
    before, name = parameters.used, endpoints.deploy("words", archive())
    embedded = sent(pipeline, "pricing-table.pdf", "endpoint/embedded.pdf")

    connect(pipeline, parameters, name)
    away = sent(pipeline, "pricing-table.pdf", "endpoint/away.pdf")
    parameters.put("SageMakerEndpointParamName", "undefined")
    wait_for(lambda: parameters.used == before or None, 90, lambda: parameters.used)
    again = sent(pipeline, "pricing-table.pdf", "endpoint/again.pdf")

    assert (embedded.release, again.release) == (before, before)
    assert away.release != before
    assert (away.status, away.error) == (embedded.status, "")
    assert values_of(pipeline, away) == values_of(pipeline, embedded) == values_of(pipeline, again)
    asked = DocumentPlaces(pipeline.work, away.document_id)
    assert pipeline.objects.info(asked.model_request(1))
    assert not pipeline.objects.info(DocumentPlaces(pipeline.work, again.document_id).model_request(1))
    pipeline.no_slot_is_held()


def test_a_document_whose_endpoint_fails_fails_by_name_and_leaves_nothing_behind(
    pipeline: Pipeline, parameters: Parameters, endpoints: Endpoints
) -> None:
    connect(pipeline, parameters, endpoints.deploy("broken", b"no archive"))

    row = sent(pipeline, "letter.pdf", "endpoint/broken.pdf")

    assert (row.status, row.error) == (Status.FAILED, "ModelFailedError")
    assert "expected a gzipped tar archive" in row.cause
    pipeline.no_slot_is_held()
    assert dead_letters(pipeline) == "0"


def dead_letters(pipeline: Pipeline) -> str:
    ssm, sqs = pipeline.client("ssm"), pipeline.client("sqs")
    name = f"/{pipeline.info.project}/static/ModelDeadLetters"
    queue = ssm.get_parameter(Name=name)["Parameter"]["Value"]
    told = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"])
    return str(told["Attributes"]["ApproximateNumberOfMessages"])


def test_an_endpoint_that_could_not_be_used_is_refused_by_name_and_nothing_changes(
    pipeline: Pipeline, parameters: Parameters, endpoints: Endpoints
) -> None:
    before = parameters.used
    synchronous = endpoints.deploy("synchronous", archive(), is_async=False)

    for endpoint, said in (
        ("somebody-elses", "expected a name that begins with"),
        (f"{pipeline.info.project}-absent", "Could not find endpoint"),
        (synchronous, "expected an asynchronous one"),
    ):
        parameters.put("SageMakerEndpointParamName", endpoint)
        wait_for(
            lambda said=said: said in refusal(pipeline).get("Cause", "") or None,
            90,
            lambda: refusal(pipeline),
        )  # type: ignore[misc]

    assert parameters.used == before


def test_thumbnails_are_drawn_by_an_endpoint_where_a_parameter_names_one(
    pipeline: Pipeline, parameters: Parameters, endpoints: Endpoints
) -> None:
    name = endpoints.deploy("thumbnails", kind="thumbnails")
    parameters.put("ThumbnailEndpointParamName", name)

    row = sent(pipeline, "booklet.pdf", "endpoint/thumbnails.pdf")

    places = DocumentPlaces(pipeline.work, row.document_id)
    num_pages = PageIndex.from_json(pipeline.objects.read(places.ocr_index)).num_pages
    assert (row.status in (Status.PROCESSED, Status.IN_REVIEW), row.cause) == (True, "")
    assert row.thumbnail_endpoint == name
    assert pipeline.objects.info(places.thumbnails_request(1))
    assert len(list(read_thumbnails(pipeline.objects.read(places.thumbnails_part(1))))) == num_pages > 1
    pipeline.no_slot_is_held()
    assert dead_letters(pipeline) == "0"


def test_a_normaliser_that_fails_leaves_the_print_and_is_told_in_the_result(
    pipeline: Pipeline, parameters: Parameters, endpoints: Endpoints, tmp_path: Path
) -> None:
    name = endpoints.deploy("normaliser", b"no archive", is_async=False)
    file = tmp_path / "fields.json"
    asked = {"NormalizerEndpoint": name, "NormalizerPrompt": "Normalise: "}
    entries = [{**entry, **asked} if entry["Name"] == "Provider Name" else entry for entry in pulled(file)]
    file.write_text(json.dumps(entries))
    pushed = recto("fields", "push", file)

    row = sent(pipeline, "pricing-table.pdf", "endpoint/normaliser.pdf")

    content = json.loads(pipeline.objects.read(DocumentPlaces(pipeline.work, row.document_id).fields))
    (warning,) = content["Warnings"]
    assert pushed.returncode == 0, pushed.stderr
    assert row.status in (Status.PROCESSED, Status.IN_REVIEW), row.cause
    assert warning.startswith(f"normaliser {name} failed, Provider Name as printed: ModelFailedError")
    assert content["Fields"]["Provider Name"]["Value"]
