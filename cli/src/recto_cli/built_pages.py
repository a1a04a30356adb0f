"""Whether the workbench's pages, as they will be served, are those of their sources in the repository."""

import subprocess
import sys
from pathlib import Path


def stale_pages(root: Path) -> str:
    """Why they are not, and what to do; empty where they are, or where there are no sources to compare with.

    What they were built of is for the script to know that builds them.
    """
    script = root / "scripts" / "bootstrap.py"
    if not script.is_file() or not (root / "workbench" / "web" / "package.json").is_file():
        return ""
    told = subprocess.run(
        [sys.executable, str(script), "--check-pages"], stdout=subprocess.PIPE, text=True, check=False
    )
    return told.stdout.strip() if told.returncode else ""
