"""The licences of everything that Recto ships beside its own code, in docs/licences.md, held to a policy.

    .venv/bin/python scripts/licences.py             write docs/licences.md
    .venv/bin/python scripts/licences.py --check     fail where it is out of date, or one is not allowed

Shipped are the Python packages of Lambda's layers, as layers/build.sh puts them together, and the npm
packages whose code is in the workbench's pages. What tests, tools and training use is not shipped.
"""

import argparse
import json
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "licences.md"
LOCK = ROOT / "workbench" / "web" / "package-lock.json"
BY_RUNTIME = {"boto3", "botocore", "s3transfer", "python-dateutil", "six", "urllib3"}
"""Lambda's runtime brings these; layers/build.sh takes them out."""
WITH_DEPENDENCIES = {"recto": True, "workbench": True, "inference": False, "imaging": False}

PERMISSIVE = {
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BlueOak-1.0.0", "CC0-1.0", "HPND", "ISC", "MIT",
    "MIT-0", "MIT-CMU", "PSF-2.0", "Unlicense", "Zlib",
}  # fmt: skip
WEAK_COPYLEFT = {
    "python-stdnum": (
        "LGPL-2.1-or-later",
        "imported as it is, in a layer of its own files that anybody may replace; unchanged",
    ),
}
"""Package to its licence and why it may be shipped."""
CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
    "ISC License (ISCL)": "ISC",
    "Python Software Foundation License": "PSF-2.0",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.1-or-later",
    "GNU Lesser General Public License v2.1 or later (LGPLv2.1+)": "LGPL-2.1-or-later",
    "The Unlicense (Unlicense)": "Unlicense",
}
"""How older packages say it; only those that name one licence."""
AS_WORDS = {
    "MIT": "MIT", "MIT License": "MIT", "MIT-0": "MIT-0",
    "BSD-3-Clause": "BSD-3-Clause", "BSD": "BSD-3-Clause",
    "Apache-2.0": "Apache-2.0", "Apache License 2.0": "Apache-2.0", "Apache 2.0": "Apache-2.0",
    "LGPL-2.1+": "LGPL-2.1-or-later", "LGPL": "LGPL-2.1-or-later",
    "BSD-3-Clause, Apache-2.0, dependency licenses": "BSD-3-Clause AND Apache-2.0",
}  # fmt: skip
"""The same in the field that was free text."""
ON_LAMBDA = {
    "implementation_name": "cpython", "platform_machine": "aarch64", "sys_platform": "linux",
    "platform_python_implementation": "CPython", "platform_system": "Linux",
    "python_full_version": "3.13.0", "python_version": "3.13",
}  # fmt: skip
"""Dependencies are those of Lambda, whatever this machine is."""


class LicenceError(Exception):
    """What may not be shipped, or could not be looked at."""


@dataclass(frozen=True, order=True)
class Shipped:
    """One package that users of Recto get with it."""

    name: str
    version: str
    licence: str
    where: str

    @property
    def is_allowed(self) -> bool:
        names = set(re.findall(r"[A-Za-z0-9.+-]+", self.licence)) - {"AND", "OR", "WITH", "LLVM-exception"}
        return bool(names) and (names <= PERMISSIVE or WEAK_COPYLEFT.get(self.name, ("",))[0] == self.licence)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def licence_of(found: Distribution) -> str:
    """An SPDX expression; empty where the package does not say clearly."""
    metadata = found.metadata
    if expression := metadata.get("License-Expression"):
        return str(expression)
    told = [
        text.rpartition(" :: ")[2] for text in metadata.get_all("Classifier") or [] if "License ::" in text
    ]
    known = {CLASSIFIERS[text] for text in told if text in CLASSIFIERS}
    words = str(metadata.get("License") or "").strip()
    if words in AS_WORDS and (not known or "BSD-3-Clause" in known):
        return AS_WORDS[words]
    return " AND ".join(sorted(known)) or AS_WORDS.get(words, "")


def wanted_by(layer: str) -> list[Requirement]:
    """What a layer asks pip for."""
    if layer == "recto":
        project = tomllib.loads((ROOT / "layers" / "recto" / "pyproject.toml").read_text())["project"]
        return [
            Requirement(each)
            for each in [*project["dependencies"], *project["optional-dependencies"]["lambda"]]
        ]
    lines = (ROOT / "layers" / layer / "requirements.txt").read_text().splitlines()
    return [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]


def in_layer(layer: str) -> Iterator[Distribution]:
    """The installed packages that end in a layer, each once."""
    waiting, seen = wanted_by(layer), set[str]()
    while waiting:
        requirement = waiting.pop()
        name = normal(requirement.name)
        if name in seen or name in BY_RUNTIME:
            continue
        seen.add(name)
        try:
            found = distribution(name)
        except PackageNotFoundError:
            raise LicenceError(f"{layer}: {name} is not installed here: make setup") from None
        yield found
        if WITH_DEPENDENCIES[layer]:
            waiting += needed_by(found, requirement.extras)


def needed_by(found: Distribution, extras: Iterable[str]) -> Iterator[Requirement]:
    for line in found.requires or []:
        needed = Requirement(line)
        if needed.marker is None or any(
            needed.marker.evaluate({**ON_LAMBDA, "extra": each}) for each in ["", *extras]
        ):
            yield needed


def of_layers() -> Iterator[Shipped]:
    for layer in WITH_DEPENDENCIES:
        for found in in_layer(layer):
            name = normal(found.metadata["Name"])
            yield Shipped(name, found.version, licence_of(found), f"layer {layer}")


def of_pages() -> Iterator[Shipped]:
    """Production packages of the lock file; those that are optional are not in the pages."""
    for place, package in json.loads(LOCK.read_text())["packages"].items():
        if place and not (package.get("dev") or package.get("optional") or package.get("devOptional")):
            name = place.rpartition("node_modules/")[2]
            yield Shipped(name, package["version"], package.get("license", ""), "pages")


def shipped() -> list[Shipped]:
    """Everything, by name; what is in several places once."""
    places: dict[tuple[str, str, str], set[str]] = {}
    for each in [*of_layers(), *of_pages()]:
        places.setdefault((each.name, each.version, each.licence), set()).add(each.where)
    return sorted(Shipped(*key, ", ".join(sorted(where))) for key, where in places.items())


HEADING = f"""# What is shipped with Recto, and under which licences

Recto itself is under the Apache License 2.0 (`LICENSE`). `make licences` writes this page from what is
installed; `make check` fails where it is out of date. Anything but these, and what does not say, stops it:
{", ".join(sorted(PERMISSIVE))}; and weak copyleft by name and with a reason.

| Package | Version | Licence | Where |
|---|---|---|---|"""
ENDING = """Wheels bring compiled libraries under licences of their own, which lie beside them in the layer:
PDFium in pypdfium2, the image libraries of Pillow, OpenBLAS in numpy. Lambda's runtime brings boto3."""


def page(packages: Sequence[Shipped]) -> str:
    """docs/licences.md."""
    table = [f"| {each.name} | {each.version} | {each.licence} | {each.where} |" for each in packages]
    named = [f"- {name} ({licence}): {why}." for name, (licence, why) in sorted(WEAK_COPYLEFT.items())]
    return "\n".join([HEADING, *table, "", "Weak copyleft:", "", *named, "", ENDING, ""])


def faults(packages: Sequence[Shipped]) -> list[str]:
    return [
        f"{each.name} {each.version} ({each.where}): {each.licence or 'no licence is told'}: not allowed"
        for each in packages
        if not each.is_allowed
    ]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Licences of what is shipped.")
    parser.add_argument("--check", action="store_true", help="write nothing; 1 where the page is out of date")
    options = parser.parse_args(arguments)
    packages = shipped()
    wrong = faults(packages)
    if not options.check:
        PAGE.write_text(page(packages))
    elif not PAGE.exists() or PAGE.read_text() != page(packages):
        wrong.append("docs/licences.md is not what is installed: make licences")
    for each in wrong:
        print(f"licences: {each}", file=sys.stderr)
    if not wrong:
        print(f"licences: {len(packages)} packages shipped, all allowed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
