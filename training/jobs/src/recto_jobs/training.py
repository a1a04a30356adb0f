"""A training job: `recto_training` on machines of SageMaker, by `sagemaker.train.model_trainer.ModelTrainer`.

The SDK uploads the staged wheels and the entry script, starts torchrun with a process for each GPU where a
machine has several or there are several machines, and reads the figures that the run prints.
"""

import importlib.util
import json
import uuid
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.shapes.shapes import MetricDefinition, StoppingCondition
from sagemaker.core.training.configs import CheckpointConfig, Compute, InputData, OutputDataConfig, SourceCode
from sagemaker.train.distributed import Torchrun
from sagemaker.train.model_trainer import ModelTrainer

from recto.errors import ConfigurationError
from recto_jobs import channels
from recto_jobs.launching import Machines, Place, open_session, require_instance_type
from recto_jobs.staging import REQUIREMENTS, ROOT, TRAINING, Staged, staged

ENTRY = "train.py"
TASKS = {"train": "train", "pretrain": "pretrain", "normaliser": "normaliser train"}
"""Commands of `recto_training` that make a model, and their words."""
JOB_NAME = r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,40}$"
SPOT_PATIENCE = 2
"""How many times its own length a job on spare capacity may take, waiting included."""


class TrainingJob(BaseModel):
    """What is to be trained, on what, where."""

    model_config = ConfigDict(frozen=True)

    task: str = "train"
    place: Place
    machines: Machines
    channels: Mapping[str, str]
    """Folder, file or S3 prefix by channel; found in the container below /opt/ml/input/data."""
    hyperparameters: Mapping[str, str] = Field(default_factory=dict)
    """Options of the task without their two dashes, such as learning_rate."""
    name: str = Field(default="recto-train", pattern=JOB_NAME)
    checkpoints: str = ""
    """S3 prefix of another job's checkpoints, to go on from there.

    With spare capacity there is always one, of this job alone.
    """

    def check(self) -> None:
        """ConfigurationError for a task or a machine that does not exist."""
        if self.task not in TASKS:
            raise ConfigurationError(f"task {self.task!r}: expected one of {', '.join(TASKS)}")
        require_instance_type(self.machines.instance_type, "TrainingInstanceType")


def own_module(name: str) -> ModuleType:
    """A module of `recto_training` that stands alone, from its file: the package is not installed here."""
    path = ROOT / "training" / "src" / "recto_training" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ConfigurationError(f"{path}: expected a module of the training package")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def metric_definitions() -> list[dict[str, str]]:
    """What SageMaker reads from a run's log: Name and Regex of each figure, as the run itself says."""
    return list(own_module("metrics_log").metric_definitions())


def launch(job: TrainingJob, boto_session: Any, *, looks: bool = True) -> str:
    """Start the job; its name. ConfigurationError before anything is uploaded where it could not run.

    `looks`: whether S3 is asked if channels there hold anything; not in a dry run.
    """
    job.check()
    data = channels.inputs(job.channels, boto_session.client("s3") if looks else None)
    session = open_session(job.place, boto_session)
    with staged(ENTRY, TRAINING) as source:
        trainer = make_trainer(job, source, session)
        trainer.train(input_data_config=data, wait=False, logs=False)
    return str(trainer._latest_training_job.training_job_name)  # noqa: SLF001 - the SDK has no public name for it


def make_trainer(job: TrainingJob, source: Staged, session: Session) -> ModelTrainer:
    """The SDK's trainer for a staged source folder."""
    machines = job.machines
    many = machines.has_several_gpus or machines.instance_count > 1
    trainer = ModelTrainer(
        sagemaker_session=session,
        role=job.place.role,
        base_job_name=job.name,
        training_image=job.place.image,
        source_code=SourceCode(
            source_dir=str(source.folder), entry_script=source.entry, requirements=REQUIREMENTS
        ),
        distributed=Torchrun() if many else None,
        compute=compute(machines),
        stopping_condition=stopping(machines),
        output_data_config=OutputDataConfig(s3_output_path=job.place.uri(job.name)),
        hyperparameters=dict(job.hyperparameters),
        environment=environment(job, source),
        tags=[{"key": "recto:project", "value": job.place.project}],
    ).with_metric_definitions(
        [MetricDefinition(name=each["Name"], regex=each["Regex"]) for each in metric_definitions()]
    )
    if machines.spot or job.checkpoints:
        place = job.checkpoints or job.place.uri(unique(job.name), "checkpoints")
        trainer = trainer.with_checkpoint_config(CheckpointConfig(s3_uri=place))
    return trainer


def unique(name: str) -> str:
    """A folder of this launch alone: what an earlier one left there would be read again."""
    return f"{name}/{uuid.uuid4().hex[:12]}"


def compute(machines: Machines) -> Compute:
    return Compute(
        instance_type=machines.instance_type,
        instance_count=machines.instance_count,
        volume_size_in_gb=machines.volume_gb,
        enable_managed_spot_training=machines.spot,
    )


def stopping(machines: Machines) -> StoppingCondition:
    wait = {"max_wait_time_in_seconds": SPOT_PATIENCE * machines.max_seconds} if machines.spot else {}
    return StoppingCondition(max_runtime_in_seconds=machines.max_seconds, **wait)


def environment(job: TrainingJob, source: Staged) -> dict[str, str]:
    """What the entry script is told beside its arguments; the wheels' hashes go into the run's record."""
    wheels = json.dumps(source.wheels, sort_keys=True, separators=(",", ":"))
    return {"RECTO_TASK": TASKS[job.task], "RECTO_WHEELS": wheels, "PYTHONUNBUFFERED": "1"}


def with_code(data: list[InputData], source: Staged, trainer: ModelTrainer) -> list[Any]:
    """The channels, uploaded, with the staged folder as one of them: for tuning, where the SDK adds none."""
    prefix = f"{unique(str(trainer.base_job_name))}/input"
    named = [(each.channel_name, each.data_source) for each in data]
    return [
        trainer.create_input_data_channel(str(name), where, key_prefix=prefix)
        for name, where in [*named, ("code", str(source.folder))]
    ]
