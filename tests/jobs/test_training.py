"""CreateTrainingJob as the SDK's ModelTrainer sends it, checked against SageMaker's own model; no network."""

import json
import re
from pathlib import Path

import pytest

from recto_jobs import training
from recto_jobs.recording import Recording
from tests.jobs.conftest import PLACE, Run


def test_a_training_job_has_the_role_the_image_the_machine_and_the_channels_that_were_said(
    run: Run, manifests: Path
) -> None:
    channels = ("--channel", f"train={manifests}", "--channel", "textract=s3://recto-work/corpora/ocr/")

    ran = run("train", *channels, "--instance-type", "ml.g5.xlarge", "--max-hours", "2")

    request = ran.one("CreateTrainingJob")
    assert request["RoleArn"] == PLACE[1]
    assert request["AlgorithmSpecification"]["TrainingImage"] == PLACE[3]
    assert request["ResourceConfig"] == {
        "InstanceType": "ml.g5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 50
    }  # fmt: skip
    assert request["StoppingCondition"]["MaxRuntimeInSeconds"] == 7200
    sources = {
        each["ChannelName"]: each["DataSource"]["S3DataSource"]["S3Uri"]
        for each in request["InputDataConfig"]
    }
    assert set(sources) == {"train", "textract", "code", "sm_drivers"}
    assert sources["textract"] == "s3://recto-work/corpora/ocr/"


def test_what_lies_here_is_uploaded_into_the_jobs_own_folder(run: Run, manifests: Path) -> None:
    ran = run("train", "--channel", f"train={manifests}")

    name = ran.one("CreateTrainingJob")["TrainingJobName"]
    assert f"jobs/recto-train/{name}/input/train/output.manifest" in ran.uploads
    staged = {key.rsplit("/", 1)[1] for key in ran.uploads if "/input/code/" in key}
    assert staged == {"requirements.txt", "wheels.json", "train.py", "recto-0.1.0-py3-none-any.whl"}


def test_hyper_parameters_are_what_was_said_behind_the_dashes(run: Run, manifests: Path) -> None:
    ran = run(
        "train", "--channel", f"train={manifests}", own=["--learning_rate", "1e-4", "--num_train_epochs=3"]
    )

    assert ran.one("CreateTrainingJob")["HyperParameters"] == {
        "learning_rate": "1e-4",
        "num_train_epochs": "3",
    }


def test_figures_are_read_from_the_log_by_the_runs_own_patterns(run: Run, manifests: Path) -> None:
    ran = run("train", "--channel", f"train={manifests}")

    defined = ran.one("CreateTrainingJob")["AlgorithmSpecification"]["MetricDefinitions"]
    patterns = {each["Name"]: each["Regex"] for each in defined}
    found = re.search(patterns["validation:focus_acc"], "eval_loss=0.25 eval_focus_acc=0.5")
    assert found
    assert found.group(1) == "0.5"
    assert len(defined) <= 40, "SageMaker takes no more"


@pytest.mark.parametrize(
    ("machine", "count", "is_distributed"),
    [("ml.g5.xlarge", 1, False), ("ml.g5.12xlarge", 1, True), ("ml.g5.xlarge", 2, True)],
)
def test_several_gpus_or_machines_are_trained_on_by_torchrun(
    machine: str, count: int, is_distributed: bool, tmp_path: Path
) -> None:
    job = training.TrainingJob(
        place=training.Place(role=PLACE[1], image=PLACE[3], bucket=PLACE[5]),
        machines=training.Machines(instance_type=machine, instance_count=count),
        channels={"train": str(tmp_path)},
    )
    recorded = Recording()
    source = training.Staged(tmp_path, "train.py", {})
    (tmp_path / "train.py").touch()
    (tmp_path / "requirements.txt").touch()

    trainer = training.make_trainer(job, source, training.open_session(job.place, recorded.session))

    assert (trainer.distributed is not None) == is_distributed


def test_spare_capacity_may_be_waited_for_and_has_checkpoints_of_its_own(run: Run, manifests: Path) -> None:
    requests = [
        run("train", "--channel", f"train={manifests}", "--spot", "--max-hours", "1").one("CreateTrainingJob")
        for _ in range(2)
    ]

    assert requests[0]["EnableManagedSpotTraining"] is True
    assert requests[0]["StoppingCondition"] == {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 7200}
    places = [request["CheckpointConfig"]["S3Uri"] for request in requests]
    assert all(place.startswith("s3://recto-work/jobs/recto-train/") for place in places)
    assert places[0] != places[1], "a new job would go on where an old one ended"


def test_the_wheels_hashes_are_told_to_the_run(run: Run, manifests: Path) -> None:
    told = run("train", "--channel", f"train={manifests}").one("CreateTrainingJob")["Environment"]

    assert {name: len(digest) for name, digest in json.loads(told["RECTO_WHEELS"]).items()} == {
        "recto-0.1.0-py3-none-any.whl": 64
    }
    assert told["RECTO_TASK"] == "train"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--instance-type", "ml.g5.huge"], "instance type 'ml.g5.huge'.*near it: ml.g5.xlarge"),
        (["--instance-type", "t2.micro"], "instance type 't2.micro'"),
        (["--instances", "0"], "instance_count.*greater than or equal to 1"),
        (["--max-hours", "-1"], "max_hours"),
        (["--channel", "more=/does/not/exist"], "channel more: /does/not/exist does not exist"),
        (["--channel", "code=s3://b/p"], "channel code: the name is one that SageMaker's SDK uses itself"),
        (["--channel", "empty"], "--channel empty=: expected name=value"),
        (["--name", "two words"], "--name: String should match"),
    ],
)
def test_what_cannot_be_is_refused_by_name_before_any_call(
    options: list[str], told: str, run: Run, manifests: Path
) -> None:
    ran = run("train", "--channel", f"train={manifests}", *options)

    assert ran.code == 2
    assert re.search(told, ran.said), ran.said
    assert not ran.calls


def test_an_empty_channel_is_told_before_anything_is_uploaded(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file.jsonl").touch()
    (tmp_path / "folder").mkdir()

    ran = run(
        "train", "--channel", f"train={tmp_path}/file.jsonl", "--channel", f"textract={tmp_path}/folder"
    )

    assert ran.code == 2
    assert f"channel train: {tmp_path}/file.jsonl is empty" in ran.said
    assert f"channel textract: {tmp_path}/folder holds no file" in ran.said


def test_a_job_without_a_channel_is_refused(run: Run) -> None:
    assert "no channel" in run("train").said


def test_a_missing_role_is_named(run: Run, manifests: Path) -> None:
    ran = run("train", "--channel", f"train={manifests}", place=PLACE[2:])

    assert ran.code == 2
    assert "--role: absent" in ran.said


@pytest.mark.parametrize(
    "role", ["recto-jobs", "arn:aws:iam::123:role/r", "arn:aws:iam::111122223333:user/me"]
)
def test_what_is_no_roles_arn_is_refused(role: str, run: Run, manifests: Path) -> None:
    ran = run("train", "--channel", f"train={manifests}", place=("--role", role, *PLACE[2:]))

    assert "--role" in ran.said
    assert role in ran.said


def test_files_and_folders_of_the_command_are_channels_and_the_rest_hyper_parameters(
    run: Run, manifests: Path, tmp_path: Path
) -> None:
    for name in ("ocr", "base"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file.json").write_text("{}")
    (tmp_path / "fields.json").write_text("[]")
    own = (
        "--textract", f"{tmp_path}/ocr", "--model_name_or_path", f"{tmp_path}/base",
        "--fields", f"{tmp_path}/fields.json", "--output_dir", "runs/first", "--seed", "7",
    )  # fmt: skip

    request = run("train", f"{manifests}/output.manifest", *own).one("CreateTrainingJob")

    assert {each["ChannelName"] for each in request["InputDataConfig"]} == {
        "train", "textract", "model_name_or_path", "fields", "code", "sm_drivers",
    }  # fmt: skip
    assert request["HyperParameters"] == {
        "model_name_or_path": "/opt/ml/input/data/model_name_or_path",
        "fields": "/opt/ml/input/data/fields/fields.json",
        "seed": "7",
    }


def test_names_with_dashes_mean_the_same_so_that_the_model_ends_where_the_job_keeps_it(
    run: Run, manifests: Path, tmp_path: Path
) -> None:
    (tmp_path / "base.json").write_text("{}")
    own = ("--model-dir", "out", "--output-dir", "runs", "--model-name-or-path", f"{tmp_path}/base.json")

    request = run("train", str(manifests), *own, "--learning-rate", "1e-4").one("CreateTrainingJob")

    assert request["HyperParameters"] == {
        "model_name_or_path": "/opt/ml/input/data/model_name_or_path/base.json",
        "learning_rate": "1e-4",
    }


def test_lines_and_their_truth_are_channels_as_well(run: Run, manifests: Path, tmp_path: Path) -> None:
    truth = tmp_path / "truth.jsonl"
    truth.write_text("{}\n")

    request = run("train", "--data", str(manifests), "--truth", str(truth)).one("CreateTrainingJob")

    names = {each["ChannelName"] for each in request["InputDataConfig"]}
    assert names == {"data", "truth", "code", "sm_drivers"}
    assert request["HyperParameters"] == {
        "data": "/opt/ml/input/data/data",
        "truth": "/opt/ml/input/data/truth/truth.jsonl",
    }


@pytest.mark.parametrize(
    ("own", "said"),
    [(["--map", "s3://a=b"], "a job reads channels"), (["--seed", "1", "--seed=2"], "said twice")],
)
def test_what_a_job_would_lose_is_refused(own: list[str], said: str, run: Run, manifests: Path) -> None:
    ran = run("train", str(manifests), *own)

    assert ran.code == 2
    assert said in ran.said


def test_a_normaliser_is_trained_by_its_own_words(run: Run, manifests: Path) -> None:
    request = run("normaliser", "train", str(manifests), "--seed", "7").one("CreateTrainingJob")

    assert request["Environment"]["RECTO_TASK"] == "normaliser train"
    assert request["HyperParameters"] == {"seed": "7"}
    assert "the rest runs here" in run("normaliser", "evaluate", "runs/dates").said


def test_a_models_name_on_the_hub_is_no_channel(run: Run, manifests: Path) -> None:
    request = run("train", str(manifests), "--model_name_or_path", "microsoft/layoutlm-base-uncased").one(
        "CreateTrainingJob"
    )

    assert request["HyperParameters"] == {"model_name_or_path": "microsoft/layoutlm-base-uncased"}


@pytest.mark.parametrize("own", [["--fp16", "--seed", "1"], ["a.jsonl", "b.jsonl"], ["--seed"]])
def test_options_without_a_value_are_refused_since_hyper_parameters_have_one(
    own: list[str], run: Run, manifests: Path
) -> None:
    ran = run("train", "--channel", f"train={manifests}", own=own)

    assert ran.code == 2
    assert "expected" in ran.said
