"""A word model's endpoint on this machine: its archive from S3, its answers those of the embedded model."""

import io
import json
import tarfile
import uuid
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from recto.document import Page, Word
from recto.geometry import Box
from recto.inference import WordClassifier
from recto.model_exchange import read_predictions, response_of
from recto_local.standins.__main__ import TRAINING_PYTHON
from tests.functional.local.conftest import ROOT, Standins

pytestmark = pytest.mark.skipif(not TRAINING_PYTHON.exists(), reason="make setup makes .venv-training")
DEMO = ROOT / "local" / "releases" / "demo"
TEXTS = ["ACME", "Bank", "Platinum", "Card", "Annual", "Percentage", "Rate", "19.99", "%", "Effective", "May"]


def archive(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, path.name)
    return buffer.getvalue()


def outside() -> bytes:
    """An archive that would write beside its own folder."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("../outside"), io.BytesIO(b""))
    return buffer.getvalue()


def deploy(standins: Standins, model: bytes | None, image: str = "recto-model", **environment: str) -> str:
    """A synchronous endpoint, made with the calls that make it on AWS."""
    name, sagemaker = f"words-{uuid.uuid4().hex[:8]}", standins.client("sagemaker")
    container: dict[str, Any] = {"Image": f"000.dkr.ecr.us-east-1.amazonaws.com/{image}:latest"}
    if model is not None:
        standins.upload(model, f"models/{name}.tar.gz")
        container["ModelDataUrl"] = f"s3://documents/models/{name}.tar.gz"
    role = "arn:aws:iam::000000000000:role/model"
    sagemaker.create_model(
        ModelName=name, ExecutionRoleArn=role, PrimaryContainer=container | {"Environment": environment}
    )
    variant = {"VariantName": "AllTraffic", "ModelName": name}
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    return name


def invoke(standins: Standins, name: str, body: bytes, kind: str = "application/json") -> bytes:
    answer = standins.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=name, Body=body, ContentType=kind
    )
    content: bytes = answer["Body"].read()
    return content


def refused(standins: Standins, name: str, body: bytes = b"{}") -> str:
    with pytest.raises(ClientError) as error:
        invoke(standins, name, body)
    return str(error.value)


def page(number: int) -> Page:
    boxes = [Box(0.05 * n, 0.1 * number, 0.05 * n + 0.04, 0.1 * number + 0.02) for n in range(len(TEXTS))]
    found = enumerate(zip(TEXTS, boxes, strict=True))
    return Page(number, tuple(Word(text, box, 0.99, 0, f"{number}.{n}") for n, (text, box) in found))


def test_an_endpoint_answers_as_the_model_in_the_function_does(standins: Standins) -> None:
    embedded, pages = WordClassifier.load(DEMO), [page(101), page(102)]
    name = deploy(standins, archive(DEMO))

    answer = json.loads(invoke(standins, name, response_of(pages)))

    found = list(read_predictions(answer["Blocks"], pages, embedded.release.labels, name))
    expected = [embedded.predict(each) for each in pages]
    assert [each.classes for each in found] == [each.classes for each in expected]
    for one, other in zip(found, expected, strict=True):
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-3)
        assert one.agreements == pytest.approx(other.agreements)


def test_a_request_that_makes_no_sense_is_refused_in_the_containers_words(standins: Standins) -> None:
    name = deploy(standins, archive(DEMO))

    assert "InvalidRequestError" in refused(standins, name, b"<html>")


def test_models_that_cannot_be_opened_are_told_by_name(standins: Standins, tmp_path: Path) -> None:
    (tmp_path / "README").write_text("no model")

    assert "expected a gzipped tar archive" in refused(standins, deploy(standins, b"PK"))
    assert "did not start" in refused(standins, deploy(standins, archive(tmp_path)))
    assert "outside" in refused(standins, deploy(standins, outside()))
    assert "image other is not on this machine; here: recto-model, recto-ocr" in refused(
        standins, deploy(standins, None, "other")
    )


def test_an_endpoint_that_is_made_anew_answers_with_its_new_model(standins: Standins) -> None:
    name, sagemaker = deploy(standins, b"PK"), standins.client("sagemaker")
    before = refused(standins, name)
    standins.upload(archive(DEMO), f"models/{name}.tar.gz")
    sagemaker.delete_endpoint(EndpointName=name)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)

    after = json.loads(invoke(standins, name, response_of([page(1)])))

    assert "expected a gzipped tar archive" in before
    assert after["DocumentMetadata"] == {"Pages": 1}
