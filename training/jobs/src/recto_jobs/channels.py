"""What a training job reads: folders, files, S3 prefixes by channel; looked at before an upload."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from sagemaker.core.training.configs import InputData

from recto.errors import ConfigurationError

RESERVED = frozenset({"code", "sm_drivers", "recipe"})
"""What the SDK names its own channels."""


def inputs(channels: Mapping[str, str], s3: Any | None) -> list[InputData]:
    """The SDK's form of the channels. ConfigurationError with all that are empty or absent.

    `s3`: a client to look with; None where nothing may be asked (a dry run).
    """
    faults = [fault for name, source in channels.items() for fault in _faults(name, source, s3)]
    if not channels:
        faults = ["no channel: say which manifests to train on"]
    if faults:
        raise ConfigurationError("\n".join(faults))
    return [InputData(channel_name=name, data_source=source) for name, source in channels.items()]


def _faults(name: str, source: str, s3: Any | None) -> Iterator[str]:
    if name in RESERVED:
        yield f"channel {name}: the name is one that SageMaker's SDK uses itself"
    if source.startswith("s3://"):
        yield from _faults_in_s3(name, source, s3)
        return
    path = Path(source)
    if not path.exists():
        yield f"channel {name}: {source} does not exist"
    elif path.is_dir() and not any(each.is_file() for each in path.rglob("*")):
        yield f"channel {name}: {source} holds no file"
    elif path.is_file() and not path.stat().st_size:
        yield f"channel {name}: {source} is empty"


def _faults_in_s3(name: str, source: str, s3: Any | None) -> Iterator[str]:
    bucket, _, prefix = source.removeprefix("s3://").partition("/")
    if not bucket:
        yield f"channel {name}: expected s3://bucket/prefix, got {source!r}"
    if not bucket or s3 is None:
        return
    try:
        found = s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
    except ClientError as error:
        yield f"channel {name}: {source}: {error}"
        return
    if not found.get("KeyCount"):
        yield f"channel {name}: nothing lies below {source}"
