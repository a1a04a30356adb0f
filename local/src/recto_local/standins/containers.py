"""Containers of models as processes of this machine: the training environment's web server over their files.

What SageMaker does before a container answers is done here: the model's archive is fetched from S3 and
unpacked, the container's environment is set, `/ping` is waited for. There is no image: `code/` in an archive,
with the wheels that a container installs, is left alone, since this machine has the same packages.
"""

import logging
import os
import subprocess
import tarfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from botocore.exceptions import ClientError

from recto.errors import ConfigurationError
from recto_local import processes
from recto_local.standins.sagemaker_endpoints import ContainerSpec
from recto_local.standins.sagemaker_runtime import Container, ContainerAnswer

logger = logging.getLogger(__name__)

MODEL_IMAGE = "recto-model"
KIND = "RECTO_KIND"
"""What the container serves: word (the default), thumbnails or normaliser."""
START_SECONDS = 180.0
STOP_SECONDS = 10.0
MAX_UNPACKED = 20_000_000_000
MAX_MEMBERS = 100_000
NOT_FOR_MODELS = ("OMP_THREAD_LIMIT",)
"""Set for the stand-ins, whose OCR has a process for each core; a model has the threads to itself."""


class ProcessContainer:
    """A process with `/ping` and `/invocations`, started at once, stopped with the stand-ins or before."""

    def __init__(
        self, name: str, command: list[str], environment: dict[str, str], port: int, log: Path
    ) -> None:
        self._url, self._log = f"http://127.0.0.1:{port}", log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open(
            "wb"
        ) as output:  # in the stand-ins' process group, which ends with them, whatever happens
            self._process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        if not processes.wait_until(self._answers_or_ended, START_SECONDS) or not self.is_alive:
            self.close()
            raise ConfigurationError(f"{name} did not start.\n{processes.tail(log)}")

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def invoke(self, body: bytes, content_type: str, accept: str, seconds: float) -> ContainerAnswer:
        headers = {
            name: value for name, value in (("content-type", content_type), ("accept", accept)) if value
        }
        try:
            with httpx.Client(trust_env=False, timeout=seconds) as client:
                answer = client.post(f"{self._url}/invocations", content=body, headers=headers)
        except httpx.TimeoutException as error:
            raise TimeoutError(str(error)) from error
        except httpx.HTTPError as error:
            return ContainerAnswer(500, "text/plain", f"{error!r}\n{processes.tail(self._log)}".encode())
        return ContainerAnswer(answer.status_code, answer.headers.get("content-type", ""), answer.content)

    def close(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _answers_or_ended(self) -> bool:
        try:
            pinged = httpx.get(f"{self._url}/ping", timeout=2.0, trust_env=False)
        except httpx.HTTPError:
            return not self.is_alive
        return pinged.status_code == httpx.codes.OK


def model_containers(python: Path, folder: Path, s3: Any) -> Callable[[ContainerSpec], Container]:
    """Makes containers of models: `python` is the training environment's, `folder` is for unpacked models."""

    def make(spec: ContainerSpec) -> Container:
        if not python.exists():
            raise ConfigurationError(f"{python} is missing: run `make setup`")
        model = unpacked(spec.model_data, folder / "models", s3) if spec.model_data else folder / "no-model"
        model.mkdir(parents=True, exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if name not in NOT_FOR_MODELS}
        environment = {**kept, **spec.environment, "SM_MODEL_DIR": str(model)}
        kind, port = spec.environment.get(KIND, "word"), processes.free_port()
        options = ["--kind", kind, "--model", str(model), "--port", str(port)]
        command = [str(python), "-m", "recto_training", "serve", *options]
        logger.info("starting %s", " ".join(command))
        return ProcessContainer(
            f"{spec.name} ({kind})", command, environment, port, folder / f"{spec.name}.log"
        )

    return make


def unpacked(uri: str, folder: Path, s3: Any) -> Path:
    """The files of a model's archive; ConfigurationError where there is none, or one with strange members."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    try:
        etag = s3.head_object(Bucket=bucket, Key=key)["ETag"]
        target = folder / sha256(f"{uri}\0{etag}".encode()).hexdigest()[:16]
        if target.exists():
            return target
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder) as scratch:
            archive = Path(scratch) / "model.tar.gz"
            s3.download_file(bucket, key, str(archive))
            _unpack(archive, Path(scratch) / "model", uri)
            (Path(scratch) / "model").rename(target)
    except ClientError as error:
        raise ConfigurationError(f"ModelDataUrl {uri}: {error}") from error
    return target


def _unpack(archive: Path, target: Path, uri: str) -> None:
    """Plain files and folders inside the target only, and no more than a disk can hold."""
    try:
        with tarfile.open(archive, "r:gz") as tar:
            members, size = [], 0
            for member in tar:
                members.append(member)
                size += member.size
                if size > MAX_UNPACKED or len(members) > MAX_MEMBERS:
                    raise ConfigurationError(f"ModelDataUrl {uri}: more than {MAX_UNPACKED:,} bytes unpacked")
            target.mkdir()
            tar.extractall(target, members, filter="data")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise ConfigurationError(f"ModelDataUrl {uri}: expected a gzipped tar archive: {error}") from error
