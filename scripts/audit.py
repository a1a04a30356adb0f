"""What others know against the template and against what is pinned here.

    python3 scripts/audit.py template        checkov over template.yaml and the guide's key, by .checkov.yaml
    python3 scripts/audit.py dependencies    advisories on constraints/*.txt and on workbench/web

Both return at once where nothing has changed since they last passed (the second: on the same day). Where no
advisories can be had, as on a machine without a network, the second says so and passes; with
RECTO_AUDIT=required it fails. Known vulnerabilities fail but for those in constraints/audit-exceptions.toml,
which end. Standard library only; the programs are npm and those of .venv-audit (scripts/bootstrap.py audit).
"""

import argparse
import datetime as dt
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = ROOT / ".venv-audit" / "bin"
WEB = ROOT / "workbench" / "web"
TEMPLATES = ("template.yaml", "docs/guides/key.yaml")
CONSTRAINTS = ("product", "tools", "training", "jobs", "benchmarks", "audit")
EXCEPTIONS = "constraints/audit-exceptions.toml"
PIN = re.compile(r"^[A-Za-z0-9_.-]+==\S+$", re.MULTILINE)
PROBE = "pip==24.0"
"""Asked about first: where nothing is known of it, nothing can be known of the rest."""


class AuditError(Exception):
    """What is wrong, and with what."""


class NoAdvisoriesError(Exception):
    """Why no advisories can be had here."""


@dataclass(frozen=True)
class Vulnerability:
    """One advisory on one package."""

    id: str
    package: str
    says: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class ToleratedVulnerability:
    """An advisory that somebody has looked at, until when, and why."""

    id: str
    package: str
    reason: str
    expires: dt.date

    def covers(self, found: Vulnerability, today: dt.date) -> bool:
        is_it = self.id in (found.id, *found.aliases) and self.package.lower() == found.package.lower()
        return is_it and today <= self.expires


def tolerated(text: str) -> list[ToleratedVulnerability]:
    """The exceptions' file; AuditError where an entry lacks something."""
    entries = tomllib.loads(text).get("exception", [])
    for entry in entries:
        missing = {"id", "package", "reason", "expires"} - {name for name, value in entry.items() if value}
        if missing:
            raise AuditError(f"{EXCEPTIONS}: {entry.get('id', entry)}: without {', '.join(sorted(missing))}")
    return [ToleratedVulnerability(**entry) for entry in entries]


def faults(
    found: Iterable[Vulnerability], exceptions: Sequence[ToleratedVulnerability], today: dt.date
) -> list[str]:
    """What stops the audit: vulnerabilities without an exception, and exceptions that have ended."""
    open_ones = [one for one in found if not any(each.covers(one, today) for each in exceptions)]
    return [f"{one.package}: {one.id}: {one.says}" for one in open_ones] + [
        f"{EXCEPTIONS}: {each.id} on {each.package} ended on {each.expires}: renew or remove it"
        for each in exceptions
        if each.expires < today
    ]


def of_pip_audit(report: Mapping[str, Any]) -> list[Vulnerability]:
    """What pip-audit found; NoAdvisoriesError where it could not look at anything."""
    dependencies = report["dependencies"]
    if dependencies and all("skip_reason" in each for each in dependencies):
        raise NoAdvisoriesError(dependencies[0]["skip_reason"])
    return [
        Vulnerability(one["id"], f"{each['name']} {each['version']}".split(" ")[0],
                      f"{each['version']}, mended in {', '.join(one['fix_versions']) or 'no version'}",
                      tuple(one.get("aliases", ())))
        for each in dependencies
        for one in each.get("vulns", ())
    ]  # fmt: skip


def of_npm_audit(report: Mapping[str, Any]) -> list[Vulnerability]:
    """What npm found; NoAdvisoriesError where its registry gives none."""
    if "vulnerabilities" not in report:
        raise NoAdvisoriesError(str(report.get("message") or report.get("error") or "npm gave no report"))
    return [
        Vulnerability(str(one["url"]).rpartition("/")[2], name, f"{one['severity']}: {one['title']}")
        for name, each in report["vulnerabilities"].items()
        for one in each["via"]
        if isinstance(one, dict)
    ]


def pinned() -> list[str]:
    """Every pin of every environment, once."""
    files = [ROOT / "constraints" / f"{name}.txt" for name in CONSTRAINTS]
    return sorted({pin for file in files if file.exists() for pin in PIN.findall(file.read_text())})


def ask_pip_audit(pins: Sequence[str]) -> list[Vulnerability]:
    """Advisories of the Python packages' own index."""
    command = [
        str(PROGRAMS / "pip-audit"), "--no-deps", "--disable-pip", "--progress-spinner", "off",
        "--format", "json", "--requirement", "/dev/stdin",
    ]  # fmt: skip
    done = subprocess.run(command, input="\n".join(pins), capture_output=True, text=True, check=False)
    try:
        report = json.loads(done.stdout)
    except ValueError:
        raise NoAdvisoriesError(last_line(done.stderr)) from None
    return of_pip_audit(report)


def ask_npm() -> list[Vulnerability]:
    npm = shutil.which("npm")
    if npm is None:
        raise NoAdvisoriesError("there is no npm here")
    command = [npm, "audit", "--json", "--package-lock-only", "--prefix", str(WEB)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=WEB)
    try:
        report = json.loads(done.stdout)
    except ValueError:
        raise NoAdvisoriesError(last_line(done.stderr)) from None
    return of_npm_audit(report)


def last_line(text: str) -> str:
    """What a program said last, without the hosts that it names."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return re.sub(r"host='[^']*', port=\d+", "…", lines[-1])[:300] if lines else "it said nothing"


def audit_dependencies(today: dt.date) -> None:
    """AuditError for known vulnerabilities; says plainly which part could not be looked at."""
    exceptions = tolerated((ROOT / EXCEPTIONS).read_text())
    found: list[Vulnerability] = []
    unseen: list[str] = []
    try:
        ask_pip_audit([PROBE])
        found += ask_pip_audit(pinned())
    except NoAdvisoriesError as error:
        unseen.append(f"{len(pinned())} Python packages: {error}")
    try:
        found += ask_npm()
    except NoAdvisoriesError as error:
        unseen.append(f"workbench/web: {error}")
    for what in unseen:
        say(f"NOT AUDITED, no advisories can be had here: {what}")
    wrong = faults(found, exceptions, today)
    if wrong:
        raise AuditError("\n".join(wrong))
    if unseen and os.environ.get("RECTO_AUDIT") == "required":
        raise AuditError("RECTO_AUDIT=required, and not everything could be audited")
    if not unseen:
        passed("dependencies", state_of_dependencies(today))
        say(f"{len(pinned())} Python packages and workbench/web: no known vulnerability without an exception")


def state_of_dependencies(today: dt.date) -> str:
    lock = (WEB / "package-lock.json").read_text()
    return digest(str(today), *pinned(), lock, (ROOT / EXCEPTIONS).read_text())


def audit_template() -> None:
    """AuditError with checkov's own words."""
    # By its module: the program's first line cannot name a Python below a folder with a space.
    command = [str(PROGRAMS / "python"), "-m", "checkov.main", "--config-file", ".checkov.yaml"]
    for name in TEMPLATES:
        command += ["--file", name]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AuditError(f"{done.stdout}{done.stderr}"[-6000:])
    passed("template", state_of_template())
    say(" ".join(line.strip() for line in done.stdout.splitlines() if "Passed checks" in line))


def state_of_template() -> str:
    names = (*TEMPLATES, ".checkov.yaml", "constraints/audit.txt")
    return digest(*((ROOT / name).read_text() for name in names))


def stamp(name: str) -> Path:
    return ROOT / "build" / f"audited-{name}"


def passed(name: str, state: str) -> None:
    stamp(name).parent.mkdir(exist_ok=True)
    stamp(name).write_text(state)


def digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def say(text: str) -> None:
    print(f"audit: {text}", flush=True)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="What others know against the template and what is pinned.")
    parser.add_argument("what", choices=["template", "dependencies"])
    what = parser.parse_args(arguments).what
    today = dt.datetime.now(tz=dt.UTC).date()
    state = state_of_template() if what == "template" else state_of_dependencies(today)
    if stamp(what).exists() and stamp(what).read_text() == state:
        say(f"{what}: nothing has changed since it passed")
        return 0
    try:
        audit_template() if what == "template" else audit_dependencies(today)
    except AuditError as error:
        print(f"audit: {what}:\n{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
