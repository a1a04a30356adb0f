"""Runs a release's model once, in a process of its own (`recto_cli.model_check`).

A broken model can end the process that opens it, and no other command need wait for onnxruntime to load.
"""

import json
import subprocess
import sys
from pathlib import Path

from recto.errors import ReleaseError

SECONDS = 300


def run_apart(folder: Path) -> None:
    """The dry run in another process; ReleaseError with its reason, or that it died."""
    command = [sys.executable, "-m", "recto_cli.model_check", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    except subprocess.TimeoutExpired as error:
        raise ReleaseError(f"the model gave no answer about a tiny page within {SECONDS} s") from error
    if done.returncode == 0:
        return
    try:
        reason = json.loads(done.stdout)["Cause"]
    except (ValueError, KeyError) as error:
        said = done.stderr.strip().splitlines()[-1:] or ["nothing"]
        raise ReleaseError(
            f"the process that ran the model ended with code {done.returncode}; it said: {said[0]}"
        ) from error
    raise ReleaseError(reason)
