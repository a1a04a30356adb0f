"""A search for hyper-parameters: many training jobs, the next ones chosen by what the last ones reached.

By `sagemaker.train.tuner.HyperparameterTuner`. A tuning job's API knows no entry point of the container's, so
the image's own `train` (training/containers/train.sh) installs the staged wheels and starts the run; images
of others do not do that.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sagemaker.core.parameter import (
    CategoricalParameter,
    ContinuousParameter,
    IntegerParameter,
    ParameterRange,
)
from sagemaker.core.training.configs import OutputDataConfig
from sagemaker.train.model_trainer import ModelTrainer
from sagemaker.train.tuner import HyperparameterTuner

from recto.errors import ConfigurationError
from recto_jobs import channels
from recto_jobs.launching import open_session
from recto_jobs.staging import TRAINING, staged
from recto_jobs.training import (
    ENTRY,
    TrainingJob,
    compute,
    environment,
    metric_definitions,
    own_module,
    stopping,
    with_code,
)

ranges = own_module("ranges")
Range, DEFAULT_RANGES, ranges_of = ranges.Range, ranges.DEFAULT_RANGES, ranges.ranges_of
STRATEGIES = ("Bayesian", "Random", "Grid", "Hyperband")
TUNING_NAME = 32
"""Characters that SageMaker allows in a tuning job's name."""


class TuningJob(BaseModel):
    """A training job, what is varied in it and what is looked for."""

    model_config = ConfigDict(frozen=True)

    training: TrainingJob
    ranges: Mapping[str, Range] = Field(default_factory=lambda: dict(DEFAULT_RANGES))
    objective: str = "validation:focus_else_acc_minus_one"
    minimize: bool = False
    max_jobs: int = Field(default=21, ge=1, le=750)
    max_parallel_jobs: int = Field(default=2, ge=1, le=100)
    strategy: str = "Bayesian"
    stop_bad_ones: bool = True
    """Jobs that are worse than the others were at the same point end early."""
    seed: int = Field(default=1337, ge=0)

    def check(self) -> None:
        """ConfigurationError for an objective that no run logs, and for other settings that cannot be."""
        self.training.check()
        logged = [each["Name"] for each in metric_definitions()]
        if self.objective not in logged:
            raise ConfigurationError(
                f"objective {self.objective!r}: no run logs this; expected one of {', '.join(logged)}"
            )
        if self.strategy not in STRATEGIES:
            raise ConfigurationError(f"strategy {self.strategy!r}: expected one of {', '.join(STRATEGIES)}")
        if not self.ranges:
            raise ConfigurationError("no range: say what may be varied, such as learning_rate=1e-5:1e-3:log")


def launch(job: TuningJob, boto_session: Any, *, looks: bool = True) -> str:
    """Start the search; its name. ConfigurationError before anything is uploaded where it could not run."""
    job.check()
    training = job.training
    data = channels.inputs(training.channels, boto_session.client("s3") if looks else None)
    session = open_session(training.place, boto_session)
    with staged(ENTRY, TRAINING) as source:
        trainer = ModelTrainer(
            sagemaker_session=session,
            role=training.place.role,
            base_job_name=training.name,
            training_image=training.place.image,
            compute=compute(training.machines),
            stopping_condition=stopping(training.machines),
            output_data_config=OutputDataConfig(s3_output_path=training.place.uri(training.name)),
            hyperparameters=dict(training.hyperparameters),
            environment=environment(training, source),
        )
        tuner = make_tuner(job, trainer)
        tuner.tune(inputs=with_code(data, source, trainer), wait=False)
    return str(tuner.latest_tuning_job.hyper_parameter_tuning_job_name)


def sdk_range(tried: Range) -> ParameterRange:
    """The SDK's form of a range."""
    if tried.values:
        return CategoricalParameter(list(tried.values))
    if tried.is_whole:
        return IntegerParameter(int(tried.low), int(tried.high), scaling_type=tried.scale)
    return ContinuousParameter(tried.low, tried.high, scaling_type=tried.scale)


def make_tuner(job: TuningJob, trainer: ModelTrainer) -> HyperparameterTuner:
    """The SDK's tuner."""
    return HyperparameterTuner(
        model_trainer=trainer,
        objective_metric_name=job.objective,
        hyperparameter_ranges={name: sdk_range(each) for name, each in job.ranges.items()},
        metric_definitions=metric_definitions(),
        strategy=job.strategy,
        objective_type="Minimize" if job.minimize else "Maximize",
        max_jobs=job.max_jobs,
        max_parallel_jobs=job.max_parallel_jobs,
        base_tuning_job_name=job.training.name[: TUNING_NAME - 16],
        early_stopping_type="Auto" if job.stop_bad_ones else "Off",
        random_seed=job.seed,
        tags=[{"Key": "recto:project", "Value": job.training.place.project}],
    )
