"""From labelled pages to the next document's result: train, take it live by one command, go back."""

import json
from pathlib import Path

import pytest

from recto.messages import Status
from tests.e2e.conftest import SAMPLES, Pipeline
from tests.e2e.test_5_command_line import recto
from tests.e2e.test_8_releases import Parameters, fields_of, parameters, pulled
from tests.e2e.test_8b_model_endpoint import sent

__all__ = ["parameters"]
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
SAMPLE = "pricing-table.pdf"
ISSUER = "Faint Bancorp"
FIELDS = [{"ClassId": 0, "Name": "Issuer", "Select": "confidence"}]
LITTLE = ["--recipe", "scratch", "--width", "96", "--heads", "4", "--layers", "2", "--hidden", "192"]

HOW = ["--learning_rate", "3e-3", "--max_steps", "120", "--validation_share", "0", "--threads", "1"]
HOW += ["--eval_strategy", "steps", "--eval_steps", "1000"]


def train(folder: Path) -> Path:
    """A small network that has read one page with one field, `Issuer`, until it knows it by heart."""
    (folder / "pdfs").mkdir()
    (folder / "pdfs" / SAMPLE).write_bytes((SAMPLES / SAMPLE).read_bytes())
    known = {"id": Path(SAMPLE).stem, "fields": {"Issuer": [ISSUER]}}
    (folder / "truth.jsonl").write_text(json.dumps(known) + "\n")
    (folder / "fields.json").write_text(json.dumps(FIELDS))
    data = ["--data", folder / "pdfs", "--truth", folder / "truth.jsonl", "--fields", folder / "fields.json"]
    run = folder / "issuer"
    done = recto("train", *data, *LITTLE, *HOW, "--output_dir", run)
    assert done.returncode == 0, done.stderr
    return run


def test_a_model_trained_here_reads_the_next_document_and_the_one_before_comes_back(
    pipeline: Pipeline,
    parameters: Parameters,
    tmp_path: Path,
) -> None:
    before = parameters.used
    demo = sent(pipeline, SAMPLE, "trained/demo.pdf")

    deployed = recto("deploy-model", train(tmp_path))
    read = sent(pipeline, SAMPLE, "trained/own.pdf")
    listed = recto("release", "list").stdout
    back = recto("release", "use", "--previous")

    assert deployed.returncode == 0, deployed.stderr
    assert "Issuer" not in fields_of(pipeline, demo.document_id)
    assert read.status in (Status.PROCESSED, Status.IN_REVIEW), read.cause
    assert read.release != before
    assert any(
        line.startswith("*") and read.release.removeprefix("releases/") in line
        for line in listed.splitlines()
    )
    found = fields_of(pipeline, read.document_id)
    assert list(found) == ["Issuer"]
    assert found["Issuer"]["Value"] == ISSUER
    assert back.returncode == 0, back.stderr
    assert parameters.used == before


def trained_normaliser(folder: Path) -> Path:
    """It knows one name by heart, and that it is written `FBC 7`."""
    pair = {"input": f"Normalise: {ISSUER}", "target": "FBC 7"}
    pairs = "".join(json.dumps({**pair, "document": f"{number}"}) + "\n" for number in range(8))
    (folder / "pairs.jsonl").write_text(pairs)
    run = folder / "normaliser"
    how = ["--max_steps", "60", "--learning_rate", "1e-2", "--eval_strategy", "steps", "--eval_steps", "60"]
    size = ["--width", "32", "--hidden", "64", "--heads", "2", "--layers", "1", "--decoder_layers", "1"]
    done = recto(
        "normaliser", "train", folder / "pairs.jsonl", *how, *size, "--threads", "1", "--output_dir", run
    )
    assert done.returncode == 0, done.stderr
    return run


@pytest.mark.prove
def test_a_value_is_written_as_a_normaliser_trained_here_writes_it(
    pipeline: Pipeline, parameters: Parameters, tmp_path: Path
) -> None:
    name, file = f"{pipeline.info.project}-names", tmp_path / "fields.json"
    deployed = recto(
        "deploy-model", trained_normaliser(tmp_path), "--kind", "normaliser", "--endpoint", "names"
    )
    asked = {"NormalizerEndpoint": name, "NormalizerPrompt": "Normalise: "}
    entries = [{**entry, **asked} if entry["Name"] == "Provider Name" else entry for entry in pulled(file)]
    file.write_text(json.dumps(entries))

    pushed = recto("fields", "push", file)
    row = sent(pipeline, SAMPLE, "trained/normalised.pdf")
    refused = recto("undeploy", "names")
    back = recto("release", "use", "--previous")
    removed = recto("undeploy", "names")

    assert deployed.returncode == 0, deployed.stderr
    assert pushed.returncode == 0, pushed.stderr
    provider = fields_of(pipeline, row.document_id)["Provider Name"]
    assert provider["NormalizedValue"] == "FBC 7"
    assert ISSUER in json.dumps(provider), "what is printed stays beside it"
    assert refused.returncode == 1
    assert name in refused.stderr
    assert back.returncode == 0, back.stderr
    assert removed.returncode == 0, removed.stderr
