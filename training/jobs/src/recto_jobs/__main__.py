r"""`python -m recto_jobs train|pretrain|normaliser|tune|process …`: parse, check, launch. `recto` calls it.

    python -m recto_jobs train --role ARN --image URI --bucket NAME --channel train=manifests/ \\
        --channel textract=s3://bucket/ocr/ --instance-type ml.g5.xlarge --dry-run -- --learning_rate 1e-4

What stands after `--` are the task's own options. `--dry-run` prints the requests as JSON and sends none.
"""

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError

from recto.errors import ConfigurationError, RectoError
from recto_jobs import processing, training, tuning
from recto_jobs.launching import Machines, Place
from recto_jobs.recording import REGION, Recording

CPU, GPU = "ml.c6i.2xlarge", "ml.g5.xlarge"
CONSOLE = "https://{region}.{domain}/sagemaker/home?region={region}#/{kind}/{name}"
DOMAINS = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
"""Of AWS's pages, by partition; those of the isolated ones are not known outside."""
MANIFESTS = "train"
STANDARD = frozenset({"train", "validation", "textract", "images"})
"""Channels whose place in the container SageMaker's variables tell, and which the task looks for there."""
FILES = frozenset({"data", "truth", "fields", "model_name_or_path", "tokenizer_name", "base", "pairs"})
"""Other options of tasks that may name a file or a folder."""
PLACES_HERE = frozenset({"output_dir", "model_dir", "cache"})
"""Options that name places on this machine; a job has its own."""
MAPPED = "map"
"""An option that says where objects lie on this machine, which a job does not see."""
IN_CONTAINER = "/opt/ml/input/data"
KINDS = {"process": "processing-jobs", "tune": "hyper-tuning-jobs"}


def parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(
        prog="python -m recto_jobs", description=(__doc__ or "").splitlines()[0], allow_abbrev=False
    )
    tasks = whole.add_subparsers(dest="task", required=True)
    for name in (*training.TASKS, "tune"):
        _training_options(tasks.add_parser(name, allow_abbrev=False), name)
    process = tasks.add_parser("process", allow_abbrev=False)
    _common_options(process, CPU)
    process.add_argument("step", help="ocr or pages")
    process.add_argument("--input", required=True, help="s3:// of documents, or of a list of them (.json)")
    process.add_argument("--output", required=True, help="s3:// of the results")
    process.add_argument("--environment", action="append", default=[], metavar="NAME=VALUE")
    return whole


def _training_options(one: argparse.ArgumentParser, name: str) -> None:
    _common_options(one, GPU)
    one.add_argument(
        "--channel", action="append", default=[], metavar="NAME=PATH|S3", help="what the job reads"
    )
    one.add_argument("--spot", action="store_true", help="spare capacity: cheaper, may be interrupted")
    one.add_argument("--checkpoints", default="", help="s3:// of an ended job's checkpoints, to go on from")
    if name != "tune":
        return
    one.add_argument("--range", action="append", default=[], metavar="NAME=LOW:HIGH[:log]|NAME=A,B")
    one.add_argument("--objective", default=tuning.TuningJob.model_fields["objective"].default)
    one.add_argument("--minimize", action="store_true")
    one.add_argument("--max-jobs", type=int, default=21)
    one.add_argument("--max-parallel-jobs", type=int, default=2)
    one.add_argument("--strategy", default="Bayesian")


def _common_options(one: argparse.ArgumentParser, instance_type: str) -> None:
    one.add_argument("--role", default="", help="ARN of the job's role")
    one.add_argument("--image", default="", help="container image")
    one.add_argument("--bucket", default="", help="the stack's work bucket")
    one.add_argument("--project", default="recto")
    one.add_argument("--region", default="")
    one.add_argument("--name", default="", help="beginning of the job's name")
    one.add_argument("--instance-type", default=instance_type)
    one.add_argument("--instances", type=int, default=1)
    one.add_argument("--volume-gb", type=int, default=50)
    one.add_argument("--max-hours", type=float, default=24)
    one.add_argument("--dry-run", action="store_true", help="print the requests as JSON, send none")


def main(arguments: Sequence[str]) -> int:
    options, own = parser().parse_known_args(arguments)
    logging.getLogger("sagemaker").setLevel(logging.ERROR)
    recording = Recording(options.region or REGION) if options.dry_run else None
    session = recording.session if recording else boto3.session.Session(region_name=options.region or None)
    try:
        name = launch(options, own, session, looks=recording is None)
    except (RectoError, BotoCoreError, ClientError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2
    if recording:
        print(json.dumps([call.as_json() for call in recording.changes], indent=1))
        return 0
    kind = KINDS.get(options.task, "jobs")
    print(f"started {name}")
    domain = DOMAINS.get(session.get_partition_for_region(session.region_name))
    if domain:
        print(CONSOLE.format(region=session.region_name, domain=domain, kind=kind, name=name))
    return 0


def launch(options: argparse.Namespace, own: Sequence[str], session: Any, *, looks: bool) -> str:
    """Start what was asked for; ConfigurationError that names the option where it cannot be."""
    try:
        if options.task == "process":
            own = [word for word in own if word != "--"]
            return processing.launch(processing_job(options, own), session, looks=looks)
        job = training_job(options, own)
        if options.task == "tune":
            return tuning.launch(tuning_job(options, job), session, looks=looks)
        return training.launch(job, session, looks=looks)
    except ValidationError as error:
        raise ConfigurationError(_told(error)) from error


def _told(error: ValidationError) -> str:
    faults = (
        f"--{'-'.join(map(str, each['loc']))}: {each['msg']}, got {each['input']!r}"
        for each in error.errors()
    )
    return "\n".join(faults)


def place_of(options: argparse.Namespace) -> Place:
    missing = [f"--{name}" for name in ("role", "image", "bucket") if not getattr(options, name)]
    if missing:
        raise ConfigurationError(
            f"{', '.join(missing)}: absent; `recto` takes them from the stack, say them where there is none"
        )
    return Place(role=options.role, image=options.image, bucket=options.bucket, project=options.project)


def machines_of(options: argparse.Namespace) -> Machines:
    return Machines(
        instance_type=options.instance_type,
        instance_count=options.instances,
        volume_gb=options.volume_gb,
        max_hours=options.max_hours,
        spot=getattr(options, "spot", False),
    )


def training_job(options: argparse.Namespace, own: Sequence[str]) -> training.TrainingJob:
    files, settings = task_options(_without_subcommand(options.task, own))
    channels = {**files, **_pairs(options.channel, "--channel")}
    return training.TrainingJob(
        task="train" if options.task == "tune" else options.task,
        place=place_of(options),
        machines=machines_of(options),
        channels=channels,
        hyperparameters=settings,
        name=options.name or f"recto-{options.task}",
        checkpoints=options.checkpoints,
    )


def _without_subcommand(task: str, own: Sequence[str]) -> list[str]:
    """`recto normaliser train …` alone is a job; ConfigurationError for its other commands."""
    if task != "normaliser":
        return list(own)
    if own[:1] != ["train"]:
        raise ConfigurationError("expected: recto normaliser train … --on sagemaker; the rest runs here")
    return list(own[1:])


def tuning_job(options: argparse.Namespace, job: training.TrainingJob) -> tuning.TuningJob:
    return tuning.TuningJob(
        training=job,
        ranges=tuning.ranges_of(options.range),
        objective=options.objective,
        minimize=options.minimize,
        max_jobs=options.max_jobs,
        max_parallel_jobs=options.max_parallel_jobs,
        strategy=options.strategy,
    )


def processing_job(options: argparse.Namespace, own: Sequence[str]) -> processing.ProcessingJob:
    return processing.ProcessingJob(
        task=options.step,
        place=place_of(options),
        machines=machines_of(options),
        source=options.input,
        output=options.output,
        arguments=tuple(own),
        environment=_pairs(options.environment, "--environment"),
        name=options.name or f"recto-{options.step}",
    )


def _pairs(texts: Sequence[str], option: str) -> dict[str, str]:
    pairs = dict(text.partition("=")[::2] for text in texts)
    for name, value in pairs.items():
        if not name or not value:
            raise ConfigurationError(f"{option} {name}={value}: expected name=value")
    return pairs


def task_options(own: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Channels and hyper-parameters of the words that a task is given on a laptop.

    What names files or folders is a channel of its name; where SageMaker's own variables do not say its place
    in the container, a hyper-parameter does. ConfigurationError for a flag without a value, and for a place
    that a job cannot see.
    """
    words = [word for word in own if word != "--"]
    given = list(takewhile(lambda word: not word.startswith("--"), words))
    found = named_values(words[len(given) :])
    channels = {MANIFESTS: given[0]} if given else {}
    if len(given) > 1:
        raise ConfigurationError(
            f"{', '.join(given)}: expected one manifest, or a folder of several: a job takes a channel"
        )
    if MAPPED in found:
        raise ConfigurationError(
            "--map: a job reads channels; name the OCR's output by --textract and the images by --images, "
            "with --textract_prefix and --images_prefix for what they stand for"
        )
    settings: dict[str, str] = {}
    for name, value in found.items():
        if name in PLACES_HERE:
            continue
        if name not in STANDARD and not (name in FILES and _is_place(value)):
            settings[name] = value
            continue
        channels[name] = value
        if name not in STANDARD:
            settings[name] = f"{IN_CONTAINER}/{name}{_inside(value)}"
    return channels, settings


def _is_place(value: str) -> bool:
    """A hub's name of a model is none."""
    return value.startswith("s3://") or Path(value).exists()


def _inside(value: str) -> str:
    """A channel of a single file holds it by its name."""
    name = value.rsplit("/", 1)[-1]
    is_file = "." in name if value.startswith("s3://") else Path(value).is_file()
    return f"/{name}" if is_file else ""


def named_values(words: Sequence[str]) -> dict[str, str]:
    """`--name value` pairs, as SageMaker takes them, dashes in names as underscores.

    ConfigurationError for a flag, a bare word, or a name that is said twice.
    """
    found: dict[str, str] = {}
    rest = list(words)
    while rest:
        name = rest.pop(0)
        if not name.startswith("--") or len(name) < 3:
            raise ConfigurationError(f"{name!r}: expected --name value")
        name, has_value, value = name[2:].partition("=")
        if not has_value:
            if not rest or rest[0].startswith("--"):
                raise ConfigurationError(
                    f"--{name}: expected a value behind it, since a job has no bare flags"
                )
            value = rest.pop(0)
        name = name.replace("-", "_")
        if name in found:
            raise ConfigurationError(f"--{name}: said twice, a job takes one value: {found[name]} or {value}")
        found[name] = value
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
