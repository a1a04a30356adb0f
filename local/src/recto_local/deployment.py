"""`sam build` and `sam deploy` of the repository's unmodified template, only when something has changed."""

import hashlib
import os
import platform
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from recto_local.processes import run_group, tail

INPUTS = (
    "template.yaml", "dashboard.yaml", "samconfig.toml", "functions", "layers", "statemachine",
    "constraints/product.txt", "workbench/src",
)  # fmt: skip
IGNORED = ("__pycache__", ".egg-info", ".mypy_cache", ".ruff_cache")
PROFILE = "local"


class DeploymentError(Exception):
    """sam has failed; the message ends with what it printed."""


def fingerprint(root: Path, inputs: tuple[str, ...] = INPUTS) -> str:
    """One hash over everything that `sam build` and `sam deploy` read."""
    digest = hashlib.sha256(f"{sys.version}{platform.machine()}".encode())
    for path in _files(root, inputs):
        digest.update(f"\0{path.relative_to(root)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _files(root: Path, inputs: tuple[str, ...]) -> Iterator[Path]:
    for name in inputs:
        place = root / name
        if place.is_file():
            yield place
        for path in sorted(place.rglob("*")) if place.is_dir() else ():
            if path.is_file() and not any(part.endswith(IGNORED) for part in path.relative_to(root).parts):
                yield path


class Sam:
    """AWS SAM's command line on one repository, with its logs in `home` and what it builds in `builds`."""

    def __init__(self, root: Path, home: Path, program: Path, builds: Path) -> None:
        self._root = root
        self._home = home
        self._builds = builds
        self._program = program
        profile = tomllib.loads((root / "samconfig.toml").read_text())[PROFILE]
        self.stack: str = profile["global"]["parameters"]["stack_name"]
        self._overrides: str = profile["deploy"]["parameters"].get("parameter_overrides", "")

    @property
    def parameters(self) -> dict[str, str]:
        """The profile's template parameters; where it names runtime and processor, those of this machine."""
        given = dict(pair.split("=", 1) for pair in self._overrides.split())
        machine = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
        here = {
            "PythonRuntime": f"python{sys.version_info[0]}.{sys.version_info[1]}",
            "Architecture": machine,
        }
        return given | {name: value for name, value in here.items() if name in given}

    def build(self, environment: Mapping[str, str]) -> None:
        """Build into the home folder; wheels come out of `.wheels/` where that folder exists."""
        wheels = self._root / ".wheels"
        offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)} if wheels.is_dir() else {}
        target = {"RECTO_LAYER_TARGET": "host"}
        command = [
            "build", "--template-file", str(self._root / "template.yaml"), "--base-dir", str(self._root),
            "--build-dir", str(self._builds / "build"), "--cache-dir", str(self._builds / "build-cache"),
        ]  # fmt: skip
        self._run(command, {**environment, **offline, **target}, "build")

    def deploy(self, environment: Mapping[str, str], parameters: Mapping[str, str]) -> None:
        """Deploy what was built to the endpoint that the environment names, with further parameters."""
        command = [
            "deploy", "--template-file", str(self._builds / "build" / "template.yaml"), "--no-progressbar",
        ]  # fmt: skip
        self._run(command, environment, "deploy", parameters)

    def _run(
        self, command: list[str], environment: Mapping[str, str], name: str,
        parameters: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        overrides = [f"{key}={value}" for key, value in {**self.parameters, **(parameters or {})}.items()]
        config = ["--config-file", str(self._root / "samconfig.toml"), "--config-env", PROFILE]
        arguments = [str(self._program), command[0], *config, *command[1:]]
        if overrides:
            arguments += ["--parameter-overrides", *overrides]
        path = f"{self._program.parent}{os.pathsep}{environment.get('PATH', os.defpath)}"
        log = self._home / "logs" / f"{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        settings = {
            **environment,
            "PATH": path,
            "SAM_CLI_TELEMETRY": "0",
            "SAM_CLI_POLL_DELAY": "0.2",
            "__SAM_CLI_APP_DIR": str(self._home / "sam"),
        }
        exit_code = run_group(arguments, settings, self._root, log)
        if exit_code:
            raise DeploymentError(f"sam {name} failed (exit {exit_code}).\n{tail(log)}")
