"""Makes the virtual environments of this repository, once, and again without a network.

    python3 scripts/bootstrap.py                      all environments (what `make setup` runs) but benchmarks
    python3 scripts/bootstrap.py product tools        only these
    python3 scripts/bootstrap.py web                  only the workbench's pages
    python3 scripts/bootstrap.py --lock training      choose versions anew and write constraints/training.txt

Every wheel is gathered into `.wheels/` first and installed from there, so environments that were
deleted come back without a network. An environment whose inputs have not changed is left alone.
Standard library only; it does not install the layers' wheels for Lambda (see `make check-layers`).
"""

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
import tomllib
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WHEELS = ROOT / ".wheels"
WEB = ROOT / "workbench" / "web"
WEB_BUILT = ROOT / "workbench" / "src" / "recto_workbench" / "static"
STAMP = ".made-from"
BASE_STAMP = ".base-made-from"
OLDEST_PYTHON = (3, 11)
OLDEST_NODE = (20, 19)
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
TESSDATA_PLACES = (
    "/usr/share/tesseract-ocr/*/tessdata",
    "/usr/share/tessdata",
    "/usr/local/share/tessdata",
    "/opt/homebrew/share/tessdata",
)


class BootstrapError(Exception):
    """What stopped the set-up, with what to do about it."""


@dataclass(frozen=True)
class Project:
    """A project of this repository that is installed editable."""

    folder: str
    extras: tuple[str, ...] = ()

    @property
    def pyproject(self) -> Path:
        return ROOT / self.folder / "pyproject.toml"

    def requirements(self) -> list[str]:
        """What it depends on, without the projects of this repository themselves."""
        table = tomllib.loads(self.pyproject.read_text())["project"]
        optional = table.get("optional-dependencies", {})
        wanted = list(table.get("dependencies", []))
        for extra in self.extras:
            wanted += optional.get(extra, [])
        return [line for line in wanted if not line.startswith("recto")]


def digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Environment:
    """A virtual environment: its folder, its direct packages, its pinned versions, its editable projects."""

    name: str
    folder: str
    purpose: str
    projects: tuple[Project, ...] = ()
    on_demand: bool = False
    """Made only where it is asked for by name."""
    is_compiled: bool = True
    """Whether pip writes bytecode of everything; Python writes that of what is imported anyway."""

    @property
    def path(self) -> Path:
        return ROOT / self.folder

    @property
    def python(self) -> Path:
        return self.path / "bin" / "python"

    @property
    def direct(self) -> Path:
        return ROOT / "constraints" / f"{self.name}.in"

    @property
    def pinned(self) -> Path:
        return ROOT / "constraints" / f"{self.name}.txt"

    @property
    def present_projects(self) -> list[Project]:
        return [project for project in self.projects if project.pyproject.exists()]

    def direct_packages(self) -> list[str]:
        lines = [line.split("  #")[0].strip() for line in self.direct.read_text().splitlines()]
        return [line for line in lines if line and not line.startswith("#")]

    def requirements(self) -> list[str]:
        """Direct packages and what the editable projects ask for, each line once."""
        wanted = self.direct_packages()
        for project in self.present_projects:
            wanted += project.requirements()
        return sorted(set(wanted))

    def fingerprint(self) -> tuple[str, str, str]:
        """Hashes over what decides the environment, over all it needs, and over the editable projects."""
        base = digest(sys.version, str(ROOT), self.folder, *self.direct_packages(), self.pinned.read_text())
        projects = [
            f"{p.folder} {','.join(p.extras)} {p.pyproject.read_text()}" for p in self.present_projects
        ]
        return base, digest(base, *self.requirements()), digest(base, *projects)


RECTO = Project("layers/recto", ("lambda", "aws", "imaging", "inference"))
ENVIRONMENTS = (
    Environment(
        "product",
        ".venv",
        "functions, local runtime, command line, tests",
        (RECTO, Project("ocr"), Project("workbench"), Project("local"), Project("cli")),
    ),
    Environment("tools", ".venv-tools", "AWS SAM CLI and the emulator"),
    Environment(
        "training",
        ".venv-training",
        "training and export of the word model",
        (
            Project("layers/recto", ("imaging", "inference")),
            Project("training"),
            Project("ocr"),
            Project("local"),
        ),
    ),
    Environment(
        "jobs",
        ".venv-jobs",
        "launchers of SageMaker jobs, with SageMaker's SDK",
        (Project("layers/recto"), Project("training/jobs")),
        on_demand=True,
        is_compiled=False,  # 13 s instead of 56 s, 250 MB less
    ),
    Environment(
        "audit",
        ".venv-audit",
        "others' rules and advisories about the template and what is pinned",
        on_demand=True,
        is_compiled=False,
    ),
    Environment(
        "benchmarks",
        ".venv-bench",
        "what the benchmarks of page images compare us with",
        (Project("layers/recto", ("imaging",)),),
        on_demand=True,
    ),
)


def say(text: str) -> None:
    print(f"setup: {text}", flush=True)


def run(command: Sequence[str | Path], what: str) -> None:
    """Run a command; its output is shown only when it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BootstrapError(f"{what} failed (exit {done.returncode}):\n{done.stdout[-6000:]}")


@contextmanager
def only_one() -> Iterator[None]:
    """Hold `.wheels/.lock`, so that two set-ups at once wait for each other."""
    WHEELS.mkdir(exist_ok=True)
    with (WHEELS / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def make_empty(folder: Path) -> Path:
    """A new virtual environment that holds pip alone; returns its interpreter."""
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True, symlinks=True)
    return folder / "bin" / "python"


def gather(environment: Environment, python: Path, constraints: Path | None) -> None:
    """Fetch or build the wheels of everything that the environment needs into `.wheels/`."""
    command = [python, "-m", "pip", "wheel", "--quiet", "--wheel-dir", WHEELS, "--find-links", WHEELS]
    if constraints:
        command += ["--constraint", constraints]
    try:
        run([*command, *environment.requirements()], f"gathering the wheels of {environment.folder}")
    except BootstrapError as error:
        raise BootstrapError(
            f"{error}\nThe first set-up needs a package index that pip can reach."
        ) from error
    if any(WHEELS.glob("nvidia_*")):
        say("note: pip chose torch with CUDA; for the small CPU build give pip its folder by PIP_FIND_LINKS")


def install(python: Path, arguments: Sequence[str | Path], what: str) -> None:
    """Install with pip from `.wheels/` alone."""
    pip = [python, "-m", "pip", "install", "--quiet", "--no-index", "--find-links", WHEELS]
    run([*pip, *arguments], what)


def make(environment: Environment) -> None:
    """Bring one environment up to date; return at once when nothing has changed."""
    base, needs, projects = environment.fingerprint()
    stamp, gathered = environment.path / STAMP, WHEELS / f".{environment.name}"
    if text_of(stamp) == projects and environment.python.exists():
        say(f"{environment.folder} is up to date")
        return
    started = time.monotonic()
    if text_of(environment.path / BASE_STAMP) != base or not environment.python.exists():
        say(
            f"making {environment.folder} ({environment.purpose}): {', '.join(environment.direct_packages())}"
        )
        make_empty(environment.path)
        (environment.path / BASE_STAMP).write_text(base)
    if text_of(gathered) != needs:
        gather(environment, environment.python, environment.pinned)
        gathered.write_text(needs)
    constraint = ["--constraint", environment.pinned]
    constraint += [] if environment.is_compiled else ["--no-compile"]
    install(
        environment.python, [*constraint, *environment.requirements()], f"installing {environment.folder}"
    )
    for project in environment.present_projects:
        say(f"  {environment.folder}: {project.folder}, editable")
        arguments = ["--no-deps", "--no-build-isolation", "--editable", ROOT / project.folder]
        install(environment.python, arguments, f"installing {project.folder}")
    stamp.write_text(projects)
    say(f"{environment.folder} is ready after {time.monotonic() - started:.0f} s")


def text_of(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def lock(environment: Environment) -> None:
    """Choose versions anew and write them down; local version labels (`+cpu`) are left out."""
    scratch = ROOT / ".wheels" / f"lock-{environment.name}"
    python = make_empty(scratch)
    gather(environment, python, None)
    install(python, environment.requirements(), f"installing {environment.folder}")
    frozen = subprocess.run(
        [python, "-m", "pip", "freeze", "--all"], stdout=subprocess.PIPE, text=True, check=True
    ).stdout.splitlines()
    pins = sorted(line.split("+")[0] for line in frozen if not line.startswith("pip=="))
    heading = f"# Every version in {environment.folder}; `make lock` writes this file.\n"
    environment.pinned.write_text(heading + "\n".join(pins) + "\n")
    shutil.rmtree(scratch)
    say(f"{environment.pinned.relative_to(ROOT)}: {len(pins)} packages")


def has_tessdata() -> bool:
    """Whether English language files for Tesseract can be found."""
    given = os.environ.get("TESSDATA_PREFIX")
    places = [Path(given)] if given else []
    for pattern in TESSDATA_PLACES:
        places += Path("/").glob(pattern.lstrip("/"))
    return any((place / "eng.traineddata").exists() for place in places)


def provide_tessdata() -> None:
    """Install the language files of the local OCR where we may, or say how to get them."""
    if has_tessdata():
        return
    if install_from_debian("tesseract-ocr", "language files of the local OCR"):
        return
    raise BootstrapError(
        "Tesseract's English language files (eng.traineddata) were not found. Install them, for example\n"
        "  sudo apt-get install tesseract-ocr      (Debian, Ubuntu)\n"
        "  brew install tesseract                  (macOS)\n"
        "or name their folder in TESSDATA_PREFIX, then run this again."
    )


def provide_chromium() -> None:
    """Install the browser of the tests where we may, or say how to get one."""
    if os.environ.get("RECTO_CHROMIUM") or any(shutil.which(name) for name in CHROMIUM_NAMES):
        return
    if install_from_debian("chromium", "the browser of the tests"):
        return
    raise BootstrapError(
        "No Chromium was found, which the tests of the workbench's pages drive. Install it, for example\n"
        "  sudo apt-get install chromium           (Debian)\n"
        "or name a browser of its family in RECTO_CHROMIUM, then run this again.\n"
        "Nothing but tests needs it: `make setup-demo` and `make demo` do without."
    )


def install_from_debian(package: str, purpose: str) -> bool:
    """Install a system package with apt; False where we may not."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    say(f"installing the system package {package} ({purpose})")
    command = ["apt-get", "install", "--yes", "--no-install-recommends", package]
    try:
        run(command, f"apt-get install {package}")
    except BootstrapError:
        run(["apt-get", "update"], "apt-get update")
        run(command, f"apt-get install {package}")
    return True


def web_sources() -> Iterator[Path]:
    """What the workbench's pages are built of, in a fixed order."""
    ignored = {"node_modules", "__pycache__"}
    for path in sorted(WEB.rglob("*")):
        is_test = path.name.endswith(".test.ts")
        if path.is_file() and not is_test and not ignored & set(path.relative_to(WEB).parts):
            yield path


def web_fingerprints() -> tuple[str, str]:
    """Hashes over the front end's packages, and over all that it is built of."""
    locked = digest(text_of(WEB / "package-lock.json"), text_of(WEB / "package.json"), str(WEB))
    built = digest(locked, *(f"{path.relative_to(WEB)}\0{digest_of(path)}" for path in web_sources()))
    return locked, built


def web_fault() -> str:
    """Why the workbench's pages are not those of their sources; empty where they are."""
    made_from = text_of(WEB_BUILT / STAMP)
    if not made_from or not (WEB_BUILT / "index.html").is_file():
        return "the workbench's pages have not been built: make web"
    if made_from != web_fingerprints()[1]:
        return "the workbench's pages are older than their sources (workbench/web): make web"
    return ""


def make_web() -> None:
    """Install the front end's packages and build it into the workbench; at once when nothing has changed."""
    locked, built = web_fingerprints()
    packages_stamp, built_stamp = WEB / "node_modules" / STAMP, WEB_BUILT / STAMP
    if text_of(built_stamp) == built:
        say("the workbench's pages are up to date")
        return
    npm = npm_of_node()
    started = time.monotonic()
    if text_of(packages_stamp) != locked:
        say("installing the packages of workbench/web (npm ci)")
        cache = ["--cache", WHEELS / "npm", "--prefer-offline", "--no-audit", "--no-fund"]
        run([npm, "ci", "--prefix", WEB, *cache], "npm ci in workbench/web")
        packages_stamp.write_text(locked)
    say("building the workbench's pages (vite)")
    run([npm, "run", "build", "--prefix", WEB], "npm run build in workbench/web")
    built_stamp.write_text(built)
    say(f"the workbench's pages are ready after {time.monotonic() - started:.0f} s")


def npm_of_node() -> str:
    """Path of npm; BootstrapError where Node.js is missing or too old for the build."""
    npm, node = shutil.which("npm"), shutil.which("node")
    oldest = ".".join(map(str, OLDEST_NODE))
    if npm is None or node is None:
        raise BootstrapError(
            f"node or npm was not found: the workbench's pages need Node.js {oldest} or newer."
        )
    told = subprocess.run([node, "--version"], stdout=subprocess.PIPE, text=True, check=False).stdout.strip()
    found = tuple(int(part) for part in told.removeprefix("v").split(".")[:2] if part.isdigit())
    if found < OLDEST_NODE:
        raise BootstrapError(
            f"the workbench's pages need Node.js {oldest} or newer, {node} is {told or 'silent'}"
        )
    return npm


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def chosen(names: Sequence[str]) -> list[Environment]:
    if names:
        return [environment for environment in ENVIRONMENTS if environment.name in names]
    return [environment for environment in ENVIRONMENTS if not environment.on_demand]


def provide_rest(names: Sequence[str]) -> None:
    """What is no virtual environment; the browser only where everything is set up."""
    if not names or {"product", "web"} & set(names):
        make_web()
    if set(names) != {"web"}:
        provide_tessdata()
    if not names:
        provide_chromium()


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Make the virtual environments of this repository.")
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="product, tools, training (default), jobs, audit, benchmarks; web: the workbench's pages alone",
    )
    parser.add_argument(
        "--lock", action="store_true", help="choose versions anew and write constraints/NAME.txt"
    )
    parser.add_argument(
        "--check-pages", action="store_true", help="make nothing; 1 where the workbench's pages are stale"
    )
    options = parser.parse_args(arguments)
    if options.check_pages:
        print(web_fault(), end="")
        return 1 if web_fault() else 0
    unknown = set(options.names) - {environment.name for environment in ENVIRONMENTS} - {"web"}
    if unknown:
        parser.error(f"no environment is called {', '.join(sorted(unknown))}")
    if sys.version_info < OLDEST_PYTHON:
        parser.error(
            f"Python {'.'.join(map(str, OLDEST_PYTHON))} or newer is needed, this is {sys.version.split()[0]}"
        )
    try:
        with only_one():
            for environment in chosen(options.names):
                (lock if options.lock else make)(environment)
            if not options.lock:
                provide_rest(options.names)
    except BootstrapError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
