"""Runs one command of the package: `python -m recto_training train manifest.jsonl --textract ocr/`.

A command's module is imported only when it is asked for: serving a release needs no torch.
"""

import importlib
import pkgutil
import sys
from collections.abc import Sequence

from recto.errors import RectoError
from recto_training import commands


def command_names() -> list[str]:
    """What can be run."""
    found = pkgutil.iter_modules(commands.__path__)
    return sorted(module.name.replace("_", "-") for module in found if not module.name.startswith("_"))


def main(arguments: Sequence[str]) -> int:
    """Run a command; 1 with a message for what went wrong, 2 for words that are none of its own.

    So it is with every command of `recto`. The commands raise; here alone it is told.
    """
    names = command_names()
    if not arguments or arguments[0] in ("-h", "--help"):
        print(f"usage: python -m recto_training NAME …\nNAME: {', '.join(names)}")
        return 0 if arguments else 2
    if arguments[0] not in names:
        print(f"unknown command {arguments[0]}: expected {', '.join(names)}", file=sys.stderr)
        return 2
    module = importlib.import_module(f"recto_training.commands.{arguments[0].replace('-', '_')}")
    try:
        return int(module.main(arguments[1:]))
    except RectoError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
