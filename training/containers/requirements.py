"""What projects need beside each other, a line each: `python requirements.py "layers/recto[aws]" training`.

Reads their pyproject.toml, so that an image has what the code asks for and no list is kept twice. Standard
library only.
"""

import sys
import tomllib
from pathlib import Path


def requirements(project: str, root: Path = Path()) -> set[str]:
    """Dependencies of a project and of its extras in brackets, without those of this repository."""
    folder, _, extras = project.removesuffix("]").partition("[")
    table = tomllib.loads((root / folder / "pyproject.toml").read_text())["project"]
    optional = table.get("optional-dependencies", {})
    wanted = list(table.get("dependencies", []))
    for extra in filter(None, extras.split(",")):
        wanted += optional[extra]
    return {line for line in wanted if not line.startswith("recto")}


if __name__ == "__main__":
    print("\n".join(sorted(set().union(*map(requirements, sys.argv[1:])))))
