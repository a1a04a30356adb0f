"""What a run was made with: versions of packages and hashes of our own, for its record."""

import json
import os
import platform
from collections.abc import Mapping
from hashlib import sha256
from importlib import metadata
from pathlib import Path

import recto
import recto_training

WHEELS = "RECTO_WHEELS"
"""Environment variable of jobs: JSON, name of a wheel to its sha256."""
LIBRARIES = ("torch", "transformers", "tokenizers", "safetensors", "numpy")
OURS = {"recto": recto, "recto_training": recto_training}


def packages(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Name to version; for our own packages, the hash over their files, and of the wheels in a job."""
    wheels = json.loads(environment.get(WHEELS) or "{}")
    versions = {name: metadata.version(name) for name in LIBRARIES}
    hashes = {name: f"sha256:{hash_package(Path(module.__path__[0]))}" for name, module in OURS.items()}
    return {"python": platform.python_version(), **versions, **hashes, **wheels}


def hash_package(folder: Path) -> str:
    """A package's Python files and their names, as one number."""
    digest = sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
