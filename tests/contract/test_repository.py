"""The repository keeps its promises: pins, rings, targets, documents, nothing of where it was made."""

import ast
import importlib.util
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest
import typer

from recto_cli.main import app

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "layers" / "recto" / "src" / "recto"
CORE_CONTRACT, STEPS_CONTRACT = 0, 1
CLOCKS = {"now", "today", "utcnow", "monotonic", "perf_counter"}
LONGEST_FUNCTION, USUAL_FUNCTION = 50, 25
NOT_TEXT = {".pdf", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".onnx", ".gz", ".bin"}
# Put together here, so that this file does not hold them either.
UNWANTED = (
    *("pypi" + ".org", "pythonhosted" + ".org", "registry." + "npmjs", "debian" + ".org"),
    *("/wo" + "rk/main", "/wo" + "rk/shared", "/" + ".library"),
)


def tracked_files() -> list[Path]:
    """What git keeps, with what is new and not ignored."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [path for name in done.stdout.splitlines() if (path := ROOT / name).is_file()]


def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(name: str) -> dict[str, str]:
    """Package to version, of one constraints file."""
    lines = (ROOT / "constraints" / f"{name}.txt").read_text().splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {normal(package): version for package, version in pairs}


def make_targets() -> set[str]:
    text = (ROOT / "Makefile").read_text()
    return set(re.findall(r"^([a-z][a-z0-9-]*)(?:[ a-z0-9-]*)?:", text, re.MULTILINE))


def bootstrap() -> ModuleType:
    """scripts/bootstrap.py as a module; nothing happens at its import."""
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "scripts" / "bootstrap.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["bootstrap"] = module
    spec.loader.exec_module(module)
    return module


# --- what must not be in it -------------------------------------------------------------------------


def test_no_file_names_a_registry_or_the_place_it_was_made_in() -> None:
    texts = {
        path: path.read_bytes().decode(errors="replace")
        for path in tracked_files()
        if path.suffix not in NOT_TEXT
    }

    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for path, text in texts.items()
        for word in UNWANTED
        if word in text
    ]

    assert len(texts) > 50
    assert found == []


def test_no_binary_names_the_folder_it_was_made_in() -> None:
    """The exporter of models notes stack traces, with paths, unless they are taken out."""
    binaries = [path for path in tracked_files() if path.suffix in NOT_TEXT]
    traces = (b"stack_trace", str(ROOT).encode(), *(word.encode() for word in UNWANTED))

    found = [
        f"{p.relative_to(ROOT)}: {trace!r}" for p in binaries for trace in traces if trace in p.read_bytes()
    ]

    assert len(binaries) > 5
    assert found == []


def test_no_large_file_but_the_release_is_kept() -> None:
    large = {str(path.relative_to(ROOT)) for path in tracked_files() if path.stat().st_size > 2_000_000}

    assert {name for name in large if not name.startswith("local/releases/")} == set()
    assert (
        sum(path.stat().st_size for path in (ROOT / "local" / "releases").rglob("*") if path.is_file())
        < 12_000_000
    )


# --- environments -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["product", "tools", "training", "jobs"])
def test_every_version_is_pinned_exactly_and_without_an_address(name: str) -> None:
    lines = (ROOT / "constraints" / f"{name}.txt").read_text().splitlines()

    pinned = [line for line in lines if line and not line.startswith("#")]

    assert pinned
    assert [line for line in pinned if not re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.!]+", line)] == []


def test_this_environment_holds_the_pinned_versions_and_nothing_else() -> None:
    installed = {normal(each.metadata["Name"]): each.version for each in distributions()}
    ours = {name for name in installed if name.startswith("recto")} | {"pip"}

    assert {name: version for name, version in installed.items() if name not in ours} == pins("product")


def test_what_two_environments_share_is_the_same_version_where_the_model_meets_it() -> None:
    product, training = pins("product"), pins("training")

    for name in ("numpy", "onnxruntime", "tokenizers", "pydantic", "pillow", "pypdfium2", "tesserocr"):
        assert product[name] == training[name], name


def test_the_setup_needs_nothing_but_the_standard_library() -> None:
    tree = ast.parse((ROOT / "scripts" / "bootstrap.py").read_text())

    imported = {
        alias.name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    imported |= {
        str(node.module).split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
    }

    assert imported - set(sys.stdlib_module_names) == set()


def test_a_changed_pin_makes_an_environment_anew_and_a_changed_project_only_refreshes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = bootstrap()
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    (tmp_path / "constraints").mkdir()
    (tmp_path / "constraints" / "x.in").write_text("# direct\nnumpy  # arrays\n")
    (tmp_path / "constraints" / "x.txt").write_text("numpy==2.0\n")
    (tmp_path / "cli").mkdir()
    project = tmp_path / "cli" / "pyproject.toml"
    project.write_text('[project]\nname = "x"\ndependencies = ["rich", "recto"]\n')
    environment = setup.Environment("x", ".venv", "", (setup.Project("cli"), setup.Project("absent")))

    first = environment.fingerprint()
    project.write_text('[project]\nname = "x"\ndescription = "new"\ndependencies = ["rich", "recto"]\n')
    refreshed = environment.fingerprint()
    (tmp_path / "constraints" / "x.txt").write_text("numpy==2.1\n")
    renewed = environment.fingerprint()

    assert environment.requirements() == ["numpy", "rich"]
    assert (refreshed[0], refreshed[1]) == (first[0], first[1])
    assert refreshed[2] != first[2]
    assert renewed[0] != first[0]


# --- rings ------------------------------------------------------------------------------------------


def test_every_module_of_the_library_belongs_to_a_ring() -> None:
    contracts = pyproject()["tool"]["importlinter"]["contracts"]
    listed = {
        name for number in (CORE_CONTRACT, STEPS_CONTRACT) for name in contracts[number]["source_modules"]
    }

    there = {f"recto.{path.stem}" for path in LIBRARY.glob("*.py") if path.stem != "__init__"}
    there |= {f"recto.{path.parent.name}" for path in LIBRARY.glob("*/__init__.py")}

    assert listed | {"recto.aws"} == there


def test_core_and_steps_never_look_at_a_clock() -> None:
    inner = [path for path in LIBRARY.rglob("*.py") if "aws" not in path.relative_to(LIBRARY).parts]

    looks = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in inner
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS
    ]

    assert len(inner) > 20
    assert looks == []


def function_lengths(folders: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    for folder in folders:
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    length = (node.end_lineno or node.lineno) - node.lineno + 1
                    yield length, f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"


def test_functions_are_short() -> None:
    lengths = sorted(
        function_lengths(
            (
                "layers/recto/src",
                "functions",
                "workbench/src",
                "ocr/src",
                "local/src",
                "cli/src",
                "training/src",
                "scripts",
            )
        )
    )

    longest, place = lengths[-1]

    assert longest <= LONGEST_FUNCTION, place
    assert lengths[int(len(lengths) * 0.95)][0] <= USUAL_FUNCTION


# --- targets and documents --------------------------------------------------------------------------


def test_help_tells_of_every_target_that_a_person_calls() -> None:
    told = subprocess.run(
        ["make", "--silent", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout

    assert set(re.findall(r"^  make (\S+) ", told, re.MULTILINE)) == make_targets() - {"setup-demo"}


def test_the_ci_runs_the_test_command_of_the_readme() -> None:
    script = ROOT / ".ci" / "run"

    assert script.stat().st_mode & 0o111
    assert "exec make test" in script.read_text()
    assert "\nmake test" in (ROOT / "README.md").read_text()


def code_of(document: Path) -> str:
    """All code blocks of a page, and what stands in backticks."""
    text = document.read_text()
    return "\n".join(
        [*re.findall(r"```[a-z]*\n(.*?)```", text, re.DOTALL), *re.findall(r"`([^`\n]+)`", text)]
    )


def pages() -> list[Path]:
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_make_target_and_recto_command_in_the_documents_exists(page: Path) -> None:
    code = code_of(page)
    group = typer.main.get_command(app)
    assert isinstance(group, click.Group | typer.core.TyperGroup)

    targets = set(re.findall(r"^make ([a-z][a-z0-9-]*)", code, re.MULTILINE))
    commands = set(re.findall(r"(?:^|[ /])recto ([a-z][a-z-]*[a-z])", code, re.MULTILINE))

    assert targets - make_targets() == set()
    assert commands - set(group.commands) == set()


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_in_the_documents_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_readmes_map_names_folders_that_exist_and_leaves_none_out() -> None:
    text = (ROOT / "README.md").read_text()
    (block,) = re.findall(r"## Where things are\n+```text\n(.*?)```", text, re.DOTALL)
    named = {line.split()[0].rstrip("/") for line in block.splitlines() if line and not line.startswith(" ")}

    folders = {path.relative_to(ROOT).parts[0] for path in tracked_files() if path.parent != ROOT}

    assert {name for name in named if not (ROOT / name).exists()} == set()
    assert {name for name in folders if not name.startswith(".")} - named == set()


def test_the_licence_is_apache_2_in_full_and_every_project_says_so() -> None:
    licence = (ROOT / "LICENSE").read_text()
    projects = [path for path in tracked_files() if path.name == "pyproject.toml" and path.parent != ROOT]

    assert "Apache License\n                           Version 2.0" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
    assert len(projects) >= 4
    assert {tomllib.loads(path.read_text())["project"]["license"] for path in projects} == {"Apache-2.0"}
