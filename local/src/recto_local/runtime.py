"""The whole of Recto on this machine: emulator, stand-ins, the deployed template, the demo release.

    python -m recto_local.runtime up | down | status

`Runtime` is what the command line and the tests use. It starts and stops; documents are sent by those who
use it. Everything it writes is below its home folder, so two homes never meet.
"""

import argparse
import atexit
import contextlib
import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import boto3
import httpx
from botocore.config import Config
from botocore.exceptions import ClientError
from pydantic import BaseModel, ConfigDict

from recto.errors import ConfigurationError
from recto.release import INDEX, parse_release, release_prefix
from recto.release_contents import check_contents
from recto.steps.make_release import read_release_folder
from recto_local import processes
from recto_local.deployment import DeploymentError, Sam, fingerprint
from recto_local.faults import FaultPlanError, read_plan
from recto_local.front import HEALTH_PATH
from recto_local.ocr_endpoint import provide_ocr_endpoint
from recto_local.people import POOL_OUTPUT, provide_people
from recto_local.processes import ProcessError, ProcessRef

REGION = "us-east-1"
START_SECONDS = 60.0
STOP_SECONDS = 60.0
PORT_SECONDS = 3.0
LARGEST_LOG = 20_000_000
LOAD_PATH, FAULTS_PATH = "/_local/load", "/_local/faults"
LEAST_WORKERS = 4
WORKERS_PER_CORE = 2
EMULATOR, STANDINS, WORKBENCH = "emulator", "standins", "workbench"
NAMES = (EMULATOR, STANDINS, WORKBENCH)
STANDIN_SERVICES = ("TEXTRACT", "SAGEMAKER", "SAGEMAKER_RUNTIME", "SAGEMAKER_A2I_RUNTIME")

FRUGAL = {"OMP_THREAD_LIMIT": "1", "LAMBDA_WARM_TTL_SECONDS": "60"}
"""For everything that runs here: one thread per OCR process; a function's processes that have had nothing to
do for a minute are ended, but for one."""


class RuntimeStartError(Exception):
    """The runtime could not be started; the message says at which step and why."""


class LoadInfo(BaseModel):
    """How this start was asked to work; the next one is not, unless it is asked as well."""

    model_config = ConfigDict(frozen=True)

    workers: int = 0
    faults: Path | None = None
    """The plan's file as it was named."""
    plan: str = ""
    """What the plan says, in a line."""
    plan_text: str = ""
    """With all its defaults; empty without a plan."""

    def told(self) -> str:
        """The same in a line."""
        return f"{self.workers} functions at once" + (f"; faults: {self.plan}" if self.faults else "")


class RuntimeInfo(BaseModel):
    """`runtime.json`: what runs, where, and what was deployed."""

    model_config = ConfigDict(frozen=True)

    project: str
    stack: str
    region: str = REGION
    ports: dict[str, int]
    processes: dict[str, ProcessRef]
    outputs: dict[str, str] = {}
    """Of the deployed stack."""
    access_log: Path
    load: LoadInfo = LoadInfo()

    def environment(self) -> dict[str, str]:
        """The variables that make any process with an AWS SDK speak to this runtime."""
        return endpoint_environment(self.ports[EMULATOR], self.ports[STANDINS])

    def standins_url(self, path: str = "") -> str:
        """The stand-ins' address; their local calls begin with `/_local/`."""
        return f"http://127.0.0.1:{self.ports[STANDINS]}{path}"

    def workbench_url(self, path: str = "/") -> str:
        """The workbench's address, for browsers."""
        return f"{_workbench_origin(self.ports)}{path}"


class Status(BaseModel):
    """What `status` found."""

    model_config = ConfigDict(frozen=True)

    info: RuntimeInfo | None
    alive: dict[str, bool] = {}

    @property
    def runs(self) -> bool:
        """Whether all processes do; what is deployed is another question."""
        return self.info is not None and set(self.alive) == set(NAMES) and all(self.alive.values())

    @property
    def is_up(self) -> bool:
        return self.runs and self.info is not None and bool(self.info.outputs)


def _workbench_origin(ports: Mapping[str, int]) -> str:
    return f"http://127.0.0.1:{ports[WORKBENCH]}"


def endpoint_environment(emulator_port: int, standins_port: int) -> dict[str, str]:
    """The AWS SDK's own variables: endpoints, region, credentials that are worth nothing elsewhere."""
    standins = f"http://127.0.0.1:{standins_port}"
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{emulator_port}",
        **{f"AWS_ENDPOINT_URL_{service}": standins for service in STANDIN_SERVICES},
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "127.0.0.1,localhost",
    }


class Runtime:
    """One home folder's runtime. `say` gets each step in plain words; `builds` is where `sam build` writes.

    Homes of one repository may share `builds`, the home itself unless named: what is built is built once.
    """

    def __init__(
        self, root: Path, home: Path, say: Callable[[str], None] | None = None, languages: str = "eng",
        ocr_cache: Path | None = None, builds: Path | None = None, workers: int = 0,
        faults: Path | None = None, parameters: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        """`workers`: functions that work at once, 0: as suits this machine. `faults`: the file of a plan.

        `parameters`: of the template, beside those of the local profile and before them.
        `no_faults` (set afterwards) ends the plan of what runs.
        """
        self.root = root.resolve()
        self.home = home.resolve()
        self.builds = (builds or home).resolve()
        self._say = say or (lambda text: print(text, flush=True))
        self._languages = languages
        self._ocr_cache = ocr_cache
        self.workers, self.faults, self.no_faults = workers, faults, False
        self._parameters = dict(parameters or {})
        self._started: list[ProcessRef] = []

    @classmethod
    def from_environment(
        cls,
        environment: Mapping[str, str],
        root: Path | None = None,
        say: Callable[[str], None] | None = None,
    ) -> "Runtime":
        """The repository of this file; RECTO_HOME (default `.recto`), RECTO_OCR_LANGUAGES (as eng+deu).

        RECTO_OCR_CACHE: a folder, for proofs with pages that are read again and again; none unless named.
        """
        root = root or Path(__file__).resolve().parents[3]
        home = Path(environment.get("RECTO_HOME") or root / ".recto")
        cache = environment.get("RECTO_OCR_CACHE")
        languages = environment.get("RECTO_OCR_LANGUAGES") or "eng"
        return cls(root, home, say, languages, Path(cache).resolve() if cache else None)

    # ---- up, down, status

    def up(self) -> RuntimeInfo:
        """Start what does not run, deploy what has changed. Whatever fails, nothing half-started stays."""
        with self._only_one(), self._cleaning_up():
            status, load = self.status(), self._load()
            if not status.runs:
                if status.info:
                    self._stop(status.info)
                self._start(load)
            elif status.info and self._asks:
                self._change_load(status.info, load)
            info = self._deployed(self._read_info())
            self._provide_release(info)
            provide_ocr_endpoint(info, self.client(info, "sagemaker"), self._languages)
            provide_people(info.outputs[POOL_OUTPUT], self.client(info, "cognito-idp"))
            self._recover(info)
            return info

    def down(self) -> bool:
        """Stop in good order, so that the state is saved. False where nothing ran."""
        with self._only_one():
            info = self._read_info_or_none()
            if info is None:
                return False
            ran = any(processes.is_alive(process) for process in info.processes.values())
            self._stop(info)
            return ran

    def follow(self, faults: Path | None) -> RuntimeInfo:
        """Let what runs make the faults of another plan from now on, or none."""
        self.faults, self.no_faults = faults, faults is None
        with self._only_one():
            self._change_load(self._read_info(), self._load())
        self.faults, self.no_faults = None, False
        return self._read_info()

    def status(self) -> Status:
        info = self._read_info_or_none()
        if info is None:
            return Status(info=None)
        return Status(info=info, alive={name: processes.is_alive(p) for name, p in info.processes.items()})

    @contextlib.contextmanager
    def running(self) -> Iterator[RuntimeInfo]:
        """Up for the length of a block. What was up before stays up after it."""
        was_up = self.status().is_up
        info = self.up()
        with contextlib.nullcontext() if was_up else self._stopping_at_the_end():
            yield info

    # ---- workers, faults and clock

    def _load(self) -> LoadInfo:
        """What is asked of this start; FaultPlanError where the plan cannot be followed."""
        if self.workers < 0:
            raise RuntimeStartError(f"expected at least 1 worker, got {self.workers}")
        if self.faults and self.no_faults:
            raise RuntimeStartError("expected a fault plan or none, got both --faults and --no-faults")
        workers = self.workers or max(LEAST_WORKERS, WORKERS_PER_CORE * (os.cpu_count() or 1))
        if self.faults is None:
            return LoadInfo(workers=workers)
        plan = read_plan(self.faults)
        return LoadInfo(
            workers=workers, faults=self.faults.resolve(), plan=plan.told(), plan_text=plan.dump()
        )

    @property
    def _asks(self) -> bool:
        """Whether this call says how to work; who says nothing takes what runs as it is."""
        return bool(self.workers or self.faults or self.no_faults)

    def _change_load(self, info: RuntimeInfo, asked: LoadInfo) -> None:
        """Let what runs work as is asked: other workers, another plan or none; what is not asked stays."""
        load = asked if self.faults or self.no_faults else info.load
        load = load.model_copy(update={"workers": asked.workers if self.workers else info.load.workers})
        plan = json.loads(load.plan_text or "{}")
        emulator = f"{info.environment()['AWS_ENDPOINT_URL']}{LOAD_PATH}"
        for url, values in (
            (emulator, {"workers": load.workers, "plan": plan}),
            (info.standins_url(FAULTS_PATH), plan),
        ):
            httpx.post(url, json=values, timeout=10, trust_env=False).raise_for_status()
        self._say(f"from now on {load.told()}")
        self._load_options(load)
        self._write_info(info.model_copy(update={"load": load}))

    def _load_options(self, load: LoadInfo) -> dict[str, str]:
        """For emulator and stand-ins; the plan is written down for them."""
        plan, log = self.home / "fault-plan.json", {"--fault-log": str(self.fault_log)}
        if not load.faults:
            plan.unlink(missing_ok=True)
            return log
        plan.write_text(load.plan_text)
        return {"--plan": str(plan), **log}

    @property
    def fault_log(self) -> Path:
        """The faults that were made, one a line."""
        return self.home / "faults.jsonl"

    @property
    def call_log(self) -> Path:
        """The functions' calls, one a line."""
        return self.home / "functions.jsonl"

    # ---- processes

    def _start(self, load: LoadInfo) -> None:
        """The emulator first: what the stand-ins take up again needs its S3 and SNS."""
        last = self._read_info_or_none()
        old = last.ports if last else {}
        ports = {name: processes.free_port(old.get(name, 0), PORT_SECONDS) for name in NAMES}
        sam, access_log = self._sam(), self._access_log()
        project = sam.parameters.get("ProjectId", sam.stack)
        info = RuntimeInfo(
            project=project, stack=sam.stack, ports=ports, processes={}, access_log=access_log, load=load
        )
        options = [word for option in self._load_options(load).items() for word in option]
        commands = {
            EMULATOR: (
                [*self._emulator_command(ports[EMULATOR], access_log, load.workers), *options],
                "/_ministack/health",
            ),
            STANDINS: (
                [*self._standins_command(ports[STANDINS], access_log, project), *options], "/_local/health",
            ),
            WORKBENCH: (self._front_command(ports), HEALTH_PATH),
        }  # fmt: skip
        if load.faults:
            self._say(f"faults are made, and noted in {self.fault_log}: {load.plan}")
        if self._ocr_cache:
            self._say(f"pages that were read before are answered from {self._ocr_cache}")
        with self._timed("starting the AWS emulator and the stand-ins for Textract and A2I"):
            for name, (command, health) in commands.items():
                process = self._start_one(name, command, self._environment(ports))
                info = info.model_copy(update={"processes": {**info.processes, name: process}})
                self._write_info(info)
                processes.wait_healthy(process, f"http://127.0.0.1:{ports[name]}{health}", START_SECONDS)

    def _access_log(self) -> Path:
        """Where API calls are noted; logs that have grown large are put aside."""
        for log in (self.home / "access.jsonl", self.call_log, self.fault_log):
            if log.exists() and log.stat().st_size > LARGEST_LOG:
                log.replace(log.with_suffix(".old.jsonl"))
        return self.home / "access.jsonl"

    def _start_one(self, name: str, command: list[str], environment: Mapping[str, str]) -> ProcessRef:
        process = processes.start(name, command, environment, self.home, self.home / "logs" / f"{name}.log")
        self._started.append(process)
        return process

    def _emulator_command(self, port: int, access_log: Path, workers: int) -> list[str]:
        python = self.root / ".venv-tools" / "bin" / "python"
        if not python.exists():
            raise RuntimeStartError(f"{python} is missing: run `make setup`")
        script = Path(__file__).with_name("emulator.py")
        state = self.home / "emulator"
        return [
            str(python),
            str(script),
            "--port",
            str(port),
            "--state",
            str(state),
            "--access-log",
            str(access_log),
            "--workers",
            str(workers),
        ]

    def _standins_command(self, port: int, access_log: Path, project: str) -> list[str]:
        state = str(self.home / "standins")
        options = {
            "--port": str(port),
            "--state": state,
            "--access-log": str(access_log),
            "--languages": self._languages,
            "--project": project,
            **({"--ocr-cache": str(self._ocr_cache)} if self._ocr_cache else {}),
        }
        words = [word for option in options.items() for word in option]
        return [sys.executable, "-m", "recto_local.standins", *words]

    def _front_command(self, ports: Mapping[str, int]) -> list[str]:
        options = {
            "--port": str(ports[WORKBENCH]),
            "--emulator": f"http://127.0.0.1:{ports[EMULATOR]}",
            "--runtime": str(self.home / "runtime.json"),
        }
        words = [word for option in options.items() for word in option]
        return [sys.executable, "-m", "recto_local.front", *words]

    def _environment(self, ports: Mapping[str, int]) -> dict[str, str]:
        """Ours without anything about AWS or Python's paths, and with the runtime's endpoints."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "SAM_", "PYTHON", "MINISTACK_"))
            and name not in ("VIRTUAL_ENV", "PORT")
        }
        return {**kept, **endpoint_environment(ports[EMULATOR], ports[STANDINS]), **FRUGAL}

    def _stop(self, info: RuntimeInfo) -> None:
        if not info.processes:
            return
        alive = any(processes.is_alive(process) for process in info.processes.values())
        what = "stopping the stand-ins and the emulator, which saves its state"
        with self._timed(what if alive else "clearing up after an earlier end without a stop"):
            for name, process in sorted(info.processes.items(), reverse=True):
                if not processes.stop(process, STOP_SECONDS):
                    self._say(
                        f"  {name} did not end within {STOP_SECONDS:.0f} s and was killed; see {process.log}"
                    )
        self._write_info(info.model_copy(update={"processes": {}, "outputs": {}}))
        self._started = []

    # ---- stack, release, recovery

    def _sam(self) -> Sam:
        program = self.root / ".venv-tools" / "bin" / "sam"
        if not program.exists():
            raise RuntimeStartError(f"{program} is missing: run `make setup`")
        return Sam(self.root, self.home, program, self.builds)

    def _deployed(self, info: RuntimeInfo) -> RuntimeInfo:
        """The stack as the template says today: built and deployed only where it is not that already."""
        sam, wanted = self._sam(), fingerprint(self.root)
        addresses = {**self._parameters, **_addresses(info.ports)}
        deployed, environment = self.home / "deployed-from", self._environment(info.ports)
        self._build(sam, wanted, environment)
        outputs = self._outputs(info)
        state = f"{wanted} {json.dumps(addresses, sort_keys=True)}"
        if outputs is None or _text(deployed) != state:
            with self._timed("deploying the template (sam deploy)"):
                sam.deploy(environment, addresses)
            deployed.write_text(state)
            outputs = self._outputs(info)
        if outputs is None:
            raise RuntimeStartError(
                f"stack {info.stack} is not there after sam deploy; see {self.home / 'logs'}"
            )
        info = info.model_copy(update={"outputs": outputs})
        self._write_info(info)
        return info

    def _build(self, sam: Sam, wanted: str, environment: Mapping[str, str]) -> None:
        """Build what has changed; where homes share the builds, the first of them does, the others wait."""
        built = self.builds / "built-from"
        with _one_at_a_time(self.builds / "build.lock"):
            if _text(built) == wanted and (self.builds / "build" / "template.yaml").exists():
                return
            with self._timed("building functions and layers (sam build)"):
                sam.build(environment)
            built.write_text(wanted)

    def _outputs(self, info: RuntimeInfo) -> dict[str, str] | None:
        """The stack's outputs; None where it is absent or not complete."""
        try:
            stacks = self.client(info, "cloudformation").describe_stacks(StackName=info.stack)["Stacks"]
        except ClientError:
            return None
        if not stacks or stacks[0]["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            return None
        return {output["OutputKey"]: output["OutputValue"] for output in stacks[0].get("Outputs", [])}

    def _provide_release(self, info: RuntimeInfo) -> None:
        """Upload the demo release where it is new, and name it where no other release is named."""
        folder = self.root / "local" / "releases" / "demo"
        if not (folder / INDEX).exists():
            self._say(f"no release in {folder}: documents wait until one is deployed")
            return
        contents = _whole_release(folder)
        prefix = release_prefix(parse_release(contents[INDEX]).name, contents[INDEX])
        bucket, s3 = info.outputs["WorkBucketName"], self.client(info, "s3")
        if not s3.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/{INDEX}").get("KeyCount"):
            with self._timed(f"uploading the release {prefix}"):
                for name in [*(name for name in contents if name != INDEX), INDEX]:
                    s3.put_object(Bucket=bucket, Key=f"{prefix}/{name}", Body=contents[name])
        self._name_release(info, prefix)

    def _name_release(self, info: RuntimeInfo, prefix: str) -> None:
        """A release that somebody else has named stays."""
        ours, ssm = self.home / "release", self.client(info, "ssm")
        name = info.outputs["ReleaseParamName"]
        current = ssm.get_parameter(Name=name)["Parameter"]["Value"]
        if current != prefix and current in ("undefined", _text(ours)):
            ssm.put_parameter(Name=name, Value=prefix, Type="String", Overwrite=True)
        ours.write_text(prefix)

    def _recover(self, info: RuntimeInfo) -> None:
        """Let documents that an earlier stop interrupted go on."""
        request = {"Action": "recover", "OlderThanSeconds": 0, "IncludeReviews": True}
        answer = self.client(info, "lambda").invoke(
            FunctionName=info.outputs["DispatchFunctionName"], Payload=json.dumps(request).encode()
        )
        body = json.loads(answer["Payload"].read() or b"null")
        if answer.get("FunctionError"):
            self._say(
                f"waiting documents could not be taken up, dispatch says: {body.get('errorMessage', body)}"
            )
            return
        restarted = body.get("Restarted", []) if isinstance(body, dict) else []
        if restarted:
            self._say(f"{len(restarted)} document(s) that run or wait for a person go on")

    def client(self, info: RuntimeInfo, service: str) -> Any:
        """A boto3 client of this runtime."""
        environment = info.environment()
        variable = f"AWS_ENDPOINT_URL_{service.upper().replace('-', '_')}"
        return boto3.client(
            service,
            endpoint_url=environment.get(variable, environment["AWS_ENDPOINT_URL"]),
            region_name=REGION,
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            config=Config(user_agent_appid="recto-local", proxies={}, read_timeout=120),
        )

    # ---- home folder

    def _read_info_or_none(self) -> RuntimeInfo | None:
        try:
            return RuntimeInfo.model_validate_json((self.home / "runtime.json").read_text())
        except FileNotFoundError:
            return None

    def _read_info(self) -> RuntimeInfo:
        return RuntimeInfo.model_validate_json((self.home / "runtime.json").read_text())

    def _write_info(self, info: RuntimeInfo) -> None:
        fresh = self.home / "runtime.json.new"
        fresh.write_text(info.model_dump_json(indent=2))
        fresh.replace(self.home / "runtime.json")

    @contextlib.contextmanager
    def _only_one(self) -> Iterator[None]:
        """One `up` or `down` of this home at a time; the second waits."""
        with _one_at_a_time(self.home / "lock"):
            yield

    @contextlib.contextmanager
    def _cleaning_up(self) -> Iterator[None]:
        """Stop what was started when the block fails or is interrupted, SIGTERM included."""
        with _interruptible():
            try:
                yield
            except BaseException:
                for process in reversed(self._started):
                    processes.stop(process, STOP_SECONDS)
                self._started = []
                raise

    @contextlib.contextmanager
    def _stopping_at_the_end(self) -> Iterator[None]:
        atexit.register(self.down)
        try:
            with _interruptible():
                yield
        finally:
            self.down()
            atexit.unregister(self.down)

    @contextlib.contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        began = time.monotonic()
        self._say(f"{what} …")
        yield
        self._say(f"  done in {time.monotonic() - began:.1f} s")


@contextlib.contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    """The block, once no other process is in a block of this file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM and a closed terminal end the block like Ctrl-C, so that its clean-up runs.

    SIGINT is set too: a shell that starts us in the background has it ignored.
    """

    def interrupt(number: int, _: FrameType | None) -> None:
        raise KeyboardInterrupt(signal.Signals(number).name)

    try:
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, interrupt) for number in numbers}
    except ValueError:  # not the main thread: signals are its caller's concern
        before = {}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _addresses(ports: Mapping[str, int]) -> dict[str, str]:
    """The template's parameters that say where browsers find the workbench, and where they sign in."""
    return {
        "WorkbenchUrl": _workbench_origin(ports),
        "SignInUrl": f"http://127.0.0.1:{ports[EMULATOR]}",
    }


def _whole_release(folder: Path) -> dict[str, bytes]:
    """The files of a release; RuntimeStartError where one is missing or they do not go together."""
    try:
        contents = read_release_folder(folder)
        check_contents(contents)
    except ConfigurationError as error:
        raise RuntimeStartError(f"{folder}: {type(error).__name__}: {error}") from error
    return contents


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m recto_local.runtime", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("command", choices=["up", "down", "status"])
    parser.add_argument("--workers", type=int, default=0, help="functions that work at once")
    parser.add_argument("--faults", type=Path, help="file of a fault plan")
    options = parser.parse_args()
    command = options.command
    runtime = Runtime.from_environment(os.environ)
    runtime.workers, runtime.faults = options.workers, options.faults
    if command == "up":
        info = runtime.up()
        for name, value in {**info.environment(), **info.outputs}.items():
            print(f"  {name}={value}")
    elif command == "down":
        print("stopped" if runtime.down() else "nothing was running")
    else:
        print(runtime.status().model_dump_json(indent=2))


if __name__ == "__main__":
    try:
        main()
    except (FaultPlanError, RuntimeStartError, DeploymentError, ProcessError) as error:
        raise SystemExit(f"recto local: {error}") from error
