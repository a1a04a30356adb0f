"""A processing job: OCR or page images of many documents, by `sagemaker.core.processing.FrameworkProcessor`.

Documents are dealt out to the machines by their keys. A job reads and writes what the same command does on a
laptop, `recto data ocr` and `recto data images`, under the names that those give.
"""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sagemaker.core.processing import FrameworkProcessor
from sagemaker.core.shapes.shapes import (
    ProcessingInput,
    ProcessingOutput,
    ProcessingS3Input,
    ProcessingS3Output,
)

from recto.errors import ConfigurationError
from recto_jobs import channels
from recto_jobs.launching import Machines, Place, open_session, require_instance_type
from recto_jobs.staging import PAGES, staged
from recto_jobs.training import JOB_NAME

ENTRY = "process.py"
TASKS = ("ocr", "pages")
INPUT, OUTPUT = "/opt/ml/processing/input/documents", "/opt/ml/processing/output"
MANIFEST = "ManifestFile"


class ProcessingJob(BaseModel):
    """Which documents, what is made of them, where it goes."""

    model_config = ConfigDict(frozen=True)

    task: str
    place: Place
    machines: Machines
    source: str
    """An S3 prefix, or a manifest: JSON, `[{"prefix": "s3://bucket/"}, "a.pdf", …]`."""
    output: str
    """An S3 prefix."""
    arguments: tuple[str, ...] = ()
    """Options of the task."""
    environment: Mapping[str, str] = Field(default_factory=dict)
    name: str = Field(default="recto-process", pattern=JOB_NAME)

    @property
    def source_kind(self) -> str:
        return MANIFEST if self.source.endswith((".json", ".manifest")) else "S3Prefix"

    def check(self) -> None:
        """ConfigurationError for a task, a machine or a place that cannot be."""
        if self.task not in TASKS:
            raise ConfigurationError(f"task {self.task!r}: expected one of {', '.join(TASKS)}")
        for what, uri in (("input", self.source), ("output", self.output)):
            if not uri.startswith("s3://") or not uri.removeprefix("s3://").strip("/"):
                raise ConfigurationError(
                    f"{what} {uri!r}: expected s3://bucket/prefix; upload a folder first"
                )
        require_instance_type(self.machines.instance_type, "ProcessingInstanceType")
        if self.machines.spot:
            raise ConfigurationError("processing jobs know no spare capacity: leave --spot away")


def launch(job: ProcessingJob, boto_session: Any, *, looks: bool = True) -> str:
    """Start the job; its name. ConfigurationError before anything is uploaded where it could not run."""
    job.check()
    if looks:
        channels.inputs({"documents": job.source}, boto_session.client("s3"))
        _check_manifest(job, boto_session.client("s3"))
    processor = make_processor(job, boto_session)
    with staged(ENTRY, PAGES) as source:
        processor.run(
            code=source.entry,
            source_dir=str(source.folder),
            requirements="requirements.txt",
            inputs=[documents(job)],
            outputs=[results(job)],
            arguments=[job.task, *job.arguments],
            wait=False,
            logs=False,
        )
    return str(processor.latest_job.processing_job_name)


def make_processor(job: ProcessingJob, boto_session: Any) -> FrameworkProcessor:
    """The SDK's processor."""
    return FrameworkProcessor(
        image_uri=job.place.image,
        role=job.place.role,
        command=["python3"],
        instance_count=job.machines.instance_count,
        instance_type=job.machines.instance_type,
        volume_size_in_gb=job.machines.volume_gb,
        max_runtime_in_seconds=job.machines.max_seconds,
        base_job_name=job.name,
        code_location=job.place.uri("code"),
        sagemaker_session=open_session(job.place, boto_session),
        env=dict(job.environment) or None,
        tags=[{"Key": "recto:project", "Value": job.place.project}],
    )


def documents(job: ProcessingJob) -> ProcessingInput:
    """Each document goes to one machine."""
    place = ProcessingS3Input(
        s3_uri=job.source,
        local_path=INPUT,
        s3_data_type=job.source_kind,
        s3_input_mode="File",
        s3_data_distribution_type="ShardedByS3Key",
    )
    return ProcessingInput(input_name="documents", s3_input=place)


def results(job: ProcessingJob) -> ProcessingOutput:
    """Uploaded while the job runs, so that what is done stays done where it is stopped."""
    place = ProcessingS3Output(s3_uri=job.output, local_path=OUTPUT, s3_upload_mode="Continuous")
    return ProcessingOutput(output_name="results", s3_output=place)


def _check_manifest(job: ProcessingJob, s3: Any) -> None:
    """ConfigurationError for a list of documents that SageMaker could not read."""
    if job.source_kind != MANIFEST:
        return
    bucket, _, key = job.source.removeprefix("s3://").partition("/")
    content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    try:
        entries = json.loads(content)
        prefix, names = entries[0]["prefix"], entries[1:]
    except (ValueError, LookupError, TypeError) as error:
        raise ConfigurationError(
            f'{job.source}: expected [{{"prefix": "s3://bucket/"}}, "a.pdf", …], got {content[:80]!r}'
        ) from error
    if not str(prefix).startswith("s3://") or not names:
        raise ConfigurationError(f"{job.source}: names no document below an S3 prefix")
