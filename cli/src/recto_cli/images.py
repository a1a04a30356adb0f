"""Container images of this repository, built in the account by CodeBuild: no Docker is needed here.

The source that an image is built from goes along as a zip of the files that it needs, named by its content.
"""

import hashlib
import io
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from recto.aws.clients import client, errors_of
from recto.errors import ConfigurationError, ServiceUnavailableError
from recto.places import Location
from recto_cli.stack import CALLER, Stack

ROOT = Path(__file__).resolve().parents[3]
IMAGES = ("recto-training", "recto-model", "recto-pages", "recto-ocr")
SOURCE = ("constraints", "layers/recto", "ocr", "scripts/build_wheels.py", "training")
EPOCH = (1980, 1, 1, 0, 0, 0)
POLL_SECONDS = 10.0


class Built(NamedTuple):
    """How a build ended."""

    image: str
    build: str
    status: str
    log: str
    """Address of its log."""

    @property
    def went_well(self) -> bool:
        return self.status == "SUCCEEDED"


def source_files(root: Path = ROOT) -> list[Path]:
    """What git knows of the folders that images are made of; ConfigurationError outside of a checkout."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--", *SOURCE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ConfigurationError(f"{root}: expected a git checkout: {done.stderr.strip()}")
    return [root / name for name in done.stdout.split("\0") if name and (root / name).is_file()]


def source_zip(files: Iterable[Path], root: Path = ROOT) -> bytes:
    """The files as a zip; the same files give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(files):
            entry = zipfile.ZipInfo(path.relative_to(root).as_posix(), EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (path.stat().st_mode & 0o777) << 16
            packed.writestr(entry, path.read_bytes())
    return buffer.getvalue()


def build_request(image: str, tag: str, source: Location, stack: Stack) -> dict[str, Any]:
    """StartBuild's parameters."""
    if image not in IMAGES:
        raise ConfigurationError(f"image {image!r}: expected one of {', '.join(IMAGES)}")
    variables = {"IMAGE": image, "TAG": tag}
    return {
        "projectName": stack.name("static/ImageBuildProject"),
        "sourceTypeOverride": "S3",
        "sourceLocationOverride": f"{source.bucket}/{source.key}",
        "environmentVariablesOverride": [
            {"name": name, "value": value, "type": "PLAINTEXT"} for name, value in variables.items()
        ],
    }


def upload_source(stack: Stack, root: Path = ROOT) -> Location:
    """Put the source there; its place says its content."""
    content = source_zip(source_files(root), root)
    place = Location(bucket=stack.work, key=f"images/source-{hashlib.sha256(content).hexdigest()[:16]}.zip")
    stack.objects.write(place, content, "application/zip")
    return place


def start_build(image: str, tag: str, source: Location, stack: Stack) -> str:
    """The build's id."""
    request = build_request(image, tag, source, stack)
    with errors_of(f"StartBuild {image}", {"ResourceNotFoundException": ConfigurationError}):
        return str(client("codebuild", CALLER).start_build(**request)["build"]["id"])


def wait_for_builds(
    builds: dict[str, str],
    say: Callable[[str], None] = lambda _: None,
    timeout: float = 7200,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Built]:
    """How each image's build ended; ServiceUnavailableError where one takes too long."""
    codebuild, waited = client("codebuild", CALLER), 0.0
    while True:
        with errors_of("BatchGetBuilds"):
            found = codebuild.batch_get_builds(ids=list(builds.values()))["builds"]
        ended = [each for each in found if each["buildStatus"] != "IN_PROGRESS"]
        if len(ended) == len(builds):
            names = {build: image for image, build in builds.items()}
            return [
                Built(names[e["id"]], e["id"], e["buildStatus"], e.get("logs", {}).get("deepLink", ""))
                for e in ended
            ]
        if waited >= timeout:
            raise ServiceUnavailableError(f"builds {', '.join(builds)} have not ended after {timeout:g} s")
        say(f"{len(ended)} of {len(builds)} ended, {waited:.0f} s")
        sleep(POLL_SECONDS)
        waited += POLL_SECONDS
