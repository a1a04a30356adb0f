"""CreateHyperParameterTuningJob as the SDK's HyperparameterTuner sends it, checked against its model."""

import re
from pathlib import Path

import pytest

from tests.jobs.conftest import PLACE, Run


def test_a_search_is_bayesian_over_the_usual_ranges_unless_said_otherwise(run: Run, manifests: Path) -> None:
    request = run("tune", "--channel", f"train={manifests}").one("CreateHyperParameterTuningJob")

    config = request["HyperParameterTuningJobConfig"]
    assert config["Strategy"] == "Bayesian"
    assert config["ResourceLimits"] == {"MaxNumberOfTrainingJobs": 21, "MaxParallelTrainingJobs": 2}
    (rate,) = config["ParameterRanges"]["ContinuousParameterRanges"]
    assert (rate["Name"], rate["ScalingType"]) == ("learning_rate", "Logarithmic")
    lists = {each["Name"]: each["Values"] for each in config["ParameterRanges"]["CategoricalParameterRanges"]}
    assert lists["per_device_train_batch_size"] == ["2", "4", "6", "8"]
    assert lists["label_smoothing_factor"] == ["0", "1e-12", "1e-9", "1e-6"]


def test_a_tuned_job_gets_the_staged_wheels_as_a_channel_since_its_api_knows_no_entry_point(
    run: Run, manifests: Path
) -> None:
    ran = run("tune", "--channel", f"train={manifests}", own=["--num_train_epochs", "3"])

    definition = ran.one("CreateHyperParameterTuningJob")["TrainingJobDefinition"]
    places = {
        each["ChannelName"]: each["DataSource"]["S3DataSource"]["S3Uri"]
        for each in definition["InputDataConfig"]
    }
    assert set(places) == {"train", "code"}
    assert definition["StaticHyperParameters"] == {"num_train_epochs": "3"}
    assert definition["Environment"]["RECTO_WHEELS"]
    assert definition["RoleArn"] == PLACE[1]
    code = places["code"].removeprefix("s3://recto-work/")
    assert {f"{code}/train.py", f"{code}/requirements.txt"} <= set(ran.uploads)


def test_two_searches_share_no_folder(run: Run, manifests: Path) -> None:
    first, second = (set(run("tune", "--channel", f"train={manifests}").uploads) for _ in range(2))

    assert not first & second


def test_ranges_and_objective_are_what_was_said(run: Run, manifests: Path) -> None:
    options = (
        "--range",
        "learning_rate=1e-5:1e-4:log",
        "--range",
        "layers=2:6",
        "--objective",
        "validation:loss",
    )

    request = run("tune", "--channel", f"train={manifests}", *options, "--minimize").one(
        "CreateHyperParameterTuningJob"
    )

    config = request["HyperParameterTuningJobConfig"]
    assert config["HyperParameterTuningJobObjective"] == {"Type": "Minimize", "MetricName": "validation:loss"}
    assert config["ParameterRanges"]["IntegerParameterRanges"] == [
        {"Name": "layers", "MinValue": "2", "MaxValue": "6", "ScalingType": "Auto"}
    ]
    assert set(config["ParameterRanges"]) == {"ContinuousParameterRanges", "IntegerParameterRanges"}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--objective", "validation:beauty"], "objective 'validation:beauty': no run logs this"),
        (["--strategy", "Guess"], "strategy 'Guess': expected one of Bayesian"),
        (["--range", "learning_rate"], "expected name=low:high"),
        (["--range", "learning_rate=1e-3:1e-5"], "expected low below high"),
        (["--range", "learning_rate=0:1:log"], "positive low for log"),
        (["--range", "learning_rate=a:b"], "expected two numbers"),
        (["--max-jobs", "0"], "max_jobs"),
    ],
)
def test_what_cannot_be_searched_is_refused_before_any_call(
    options: list[str], told: str, run: Run, manifests: Path
) -> None:
    ran = run("tune", "--channel", f"train={manifests}", *options)

    assert ran.code == 2
    assert re.search(told, ran.said), ran.said
