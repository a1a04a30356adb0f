"""Starting and stopping: nothing is left behind, whatever happens in between."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from recto_local import processes
from recto_local.deployment import DeploymentError, Sam, fingerprint
from recto_local.faults import FaultPlanError
from recto_local.processes import ProcessError, ProcessRef
from recto_local.runtime import LoadInfo, Runtime, RuntimeStartError, Status, _whole_release
from tests.functional.local.conftest import ROOT
from tests.unit.releases import contents

SAMCONFIG = """version = 0.1
[local.global.parameters]
stack_name = "broken"
[local.deploy.parameters]
parameter_overrides = "ProjectId=broken PythonRuntime=python3.99 Architecture=arm64"
"""


def started(tmp_path: Path, code: str) -> ProcessRef:
    command = [sys.executable, "-c", code]
    return processes.start("probe", command, {"PATH": os.environ["PATH"]}, tmp_path, tmp_path / "probe.log")


def members_of(group: int) -> list[int]:
    """The processes of a group that still run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[2] == str(group) and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def running_of(found: Status) -> list[list[int]]:
    """What still runs of each process that a runtime knows of."""
    assert found.info
    return [members_of(process.pid) for process in found.info.processes.values()]


def test_a_process_is_stopped_with_its_children(tmp_path: Path) -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(99)'])"
    process = started(tmp_path, code)
    assert processes.wait_until(lambda: len(members_of(process.pid)) == 2, 30)

    assert processes.stop(process, 10)

    assert not processes.is_alive(process)
    assert processes.wait_until(lambda: members_of(process.pid) == [], 30)


def test_a_process_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print('on', flush=True); time.sleep(99)"
    process = started(tmp_path, code)
    assert processes.wait_until(lambda: "on" in process.log.read_text(), 30)

    orderly = processes.stop(process, 0.5)

    assert not orderly
    assert not processes.is_alive(process)


def test_a_recycled_process_id_is_not_taken_for_ours(tmp_path: Path) -> None:
    process = started(tmp_path, "import time; time.sleep(99)")
    stranger = process.model_copy(update={"began": "another time"})

    assert not processes.is_alive(stranger)

    assert processes.is_alive(process)
    processes.stop(process, 5)


def test_a_process_that_ends_while_starting_is_reported_with_its_log(tmp_path: Path) -> None:
    process = started(tmp_path, "raise SystemExit('the port is taken')")

    with pytest.raises(ProcessError, match="the port is taken"):
        processes.wait_healthy(process, "http://127.0.0.1:9/", 20)


def test_a_language_that_is_not_installed_is_refused_at_the_start(tmp_path: Path) -> None:
    options = ["--port", str(processes.free_port()), "--state", str(tmp_path), "--languages", "eng+xyz"]
    command = [sys.executable, "-m", "recto_local.standins", *options]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode != 0
    assert "Tesseract language xyz is not installed" in done.stderr


def test_only_what_the_build_reads_changes_the_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "functions").mkdir()
    (tmp_path / "template.yaml").write_text("a")
    first = fingerprint(tmp_path)

    (tmp_path / "README.md").write_text("not an input")
    (tmp_path / "functions" / "__pycache__").mkdir()
    (tmp_path / "functions" / "__pycache__" / "app.pyc").write_text("compiled")
    unchanged = fingerprint(tmp_path)
    (tmp_path / "functions" / "app.py").write_text("new")

    assert unchanged == first
    assert fingerprint(tmp_path) != first


def test_a_template_that_cannot_be_built_is_reported_and_everything_stopped(tmp_path: Path) -> None:
    root, said = tmp_path / "repository", list[str]()
    root.mkdir()
    (root / ".venv-tools").symlink_to(ROOT / ".venv-tools")
    (root / "samconfig.toml").write_text(SAMCONFIG)
    (root / "template.yaml").write_text("Transform: AWS::Serverless-2016-10-31\nResources: 7\n")
    runtime = Runtime(root, tmp_path / "home", said.append)

    with pytest.raises(DeploymentError, match="sam build failed"):
        runtime.up()

    found = runtime.status()
    assert found.info
    assert not found.is_up
    assert not any(found.alive.values())
    assert processes.wait_until(lambda: running_of(found) == [[], [], []], 30)
    assert not runtime.down()


class CountedSam(Sam):
    """Builds nothing, slowly, and counts."""

    builds = 0

    def build(self, environment: Mapping[str, str]) -> None:
        self.builds += 1
        time.sleep(0.2)
        (self._builds / "build").mkdir(exist_ok=True)
        (self._builds / "build" / "template.yaml").touch()


def test_homes_that_share_their_builds_build_once_and_again_when_something_changed(tmp_path: Path) -> None:
    shared = tmp_path / "builds"
    sam = CountedSam(ROOT, tmp_path, Path("sam"), shared)
    runtimes = [Runtime(ROOT, tmp_path / name, builds=shared) for name in ("one", "two")]

    for wanted, builds in (("first", 1), ("first", 1), ("changed", 2)):
        with ThreadPoolExecutor(2) as both:
            list(both.map(lambda runtime, wanted=wanted: runtime._build(sam, wanted, {}), runtimes))
        assert sam.builds == builds


def test_a_demo_release_that_was_altered_is_refused_before_it_is_uploaded(tmp_path: Path) -> None:
    for name, body in {**contents(), "model.onnx": b"altered"}.items():
        (tmp_path / name).write_bytes(body)

    with pytest.raises(RuntimeStartError, match=r"ReleaseError: release small: model\.onnx"):
        _whole_release(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_start_leaves_nothing_running(tmp_path: Path, number: signal.Signals) -> None:
    environment = {**os.environ, "RECTO_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "recto_local.runtime", "up"]
    with subprocess.Popen(
        command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        log, began = tmp_path / "logs" / "build.log", time.monotonic()
        assert processes.wait_until(log.exists, 150), f"no build after {time.monotonic() - began:.0f} s"
        process.send_signal(number)
        output = process.communicate(timeout=150)[0]

    found = Runtime(ROOT, tmp_path, print).status()
    assert process.returncode != 0, output
    assert found.info
    assert not any(found.alive.values())
    assert processes.wait_until(lambda: running_of(found) == [[], [], []], 30)


def test_an_old_port_is_taken_again_once_its_last_user_lets_go_of_it() -> None:
    with socket.socket() as last_user:
        last_user.bind(("127.0.0.1", 0))
        last_user.listen()
        port = last_user.getsockname()[1]
        letting_go = threading.Timer(0.3, last_user.close)
        letting_go.start()

        assert processes.free_port(port, patience=5) == port
        letting_go.join()


def test_a_port_that_stays_taken_is_given_up() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()

        assert processes.free_port(other.getsockname()[1], patience=0.2) != other.getsockname()[1]


def test_a_plan_that_cannot_be_followed_starts_nothing(tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text('{"faults": [\n{"at": "sns", "kind": "loose", "share": 1}]}')

    with pytest.raises(FaultPlanError, match=r"plan\.json, line 2: faults\[0\]: no such fault"):
        Runtime(ROOT, tmp_path / "home", print, faults=plan).up()

    assert not (tmp_path / "home" / "runtime.json").exists()


def test_workers_and_faults_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    both = Runtime(ROOT, tmp_path, print, faults=tmp_path / "plan.json")
    both.no_faults = True

    with pytest.raises(RuntimeStartError, match="got both --faults and --no-faults"):
        both.up()
    with pytest.raises(RuntimeStartError, match="at least 1 worker, got -1"):
        Runtime(ROOT, tmp_path, print, workers=-1).up()


def test_a_start_says_how_it_works_and_the_next_one_knows_nothing_of_it() -> None:
    asked = LoadInfo(workers=8, faults=Path("plan.json"), plan="seed 7: sns lose 0.01")

    assert asked.told() == "8 functions at once; faults: seed 7: sns lose 0.01"
    assert LoadInfo(workers=4).told() == "4 functions at once"


def test_emulator_and_standins_note_faults_in_one_place_with_and_without_a_plan(tmp_path: Path) -> None:
    runtime = Runtime(ROOT, tmp_path, print)
    planned = LoadInfo(workers=4, faults=Path("plan.json"), plan_text="{}")

    assert runtime._load_options(planned)["--plan"] == str(tmp_path / "fault-plan.json")
    assert (tmp_path / "fault-plan.json").read_text() == "{}"
    assert runtime._load_options(LoadInfo(workers=4)) == {"--fault-log": str(tmp_path / "faults.jsonl")}
    assert not (tmp_path / "fault-plan.json").exists()
