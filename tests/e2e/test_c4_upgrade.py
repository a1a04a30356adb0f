"""A stack that is upgraded while documents are under way, in short: benchmarks/upgrade.py with 12 documents.

Its runtime is one of its own, since it leaves another version deployed.
"""

import os
import subprocess
import sys

import pytest

from tests.e2e.conftest import ALL_HOMES, ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.prove, pytest.mark.timeout(1800)]


def test_no_document_is_lost_or_processed_twice_by_an_upgrade() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment["RECTO_HOME"] = str(ALL_HOMES / "upgrade")
    command = [sys.executable, "benchmarks/upgrade.py", "--documents", "12"]

    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-2000:]}"
    assert done.stdout.rstrip().endswith("passed")
