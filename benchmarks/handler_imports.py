"""How long each function's handler takes to import: a cold process, with the environment Lambda would have.

    .venv/bin/python benchmarks/handler_imports.py --repeat 1     a quick look
    .venv/bin/python benchmarks/handler_imports.py                the figures, about 2 minutes

The functions, their folders and their variables are read from template.yaml. A process measures its own
import of the handler (what Lambda's INIT phase would run) and nothing of Python's start; the functions take
turns, so that a busy moment hits all alike. Bytecode is there already, as after a first run.
"""

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import recording
import yaml

LIMIT_SECONDS = 0.35
MEASURE = """
import sys, time
folder, module = sys.argv[1:]
sys.path.insert(0, folder)
wall, cpu = time.perf_counter(), time.process_time()
__import__(module)
print(time.perf_counter() - wall, time.process_time() - cpu)
"""
LAMBDA = {
    "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "LAMBDA_TASK_ROOT": "/var/task",
    "TZ": ":UTC",
}


class Loader(yaml.SafeLoader):
    """Reads a template; `!Ref` and the like become their text."""


Loader.add_multi_constructor("!", lambda _loader, _tag, node: str(node.value))


def functions() -> dict[str, dict[str, Any]]:
    """Resource name -> folder, module and variables of every function in the template."""
    template = yaml.load((recording.ROOT / "template.yaml").read_text(), Loader)  # noqa: S506 - a SafeLoader
    shared = template["Globals"]["Function"]
    found = {}
    for name, resource in template["Resources"].items():
        if resource["Type"] != "AWS::Serverless::Function":
            continue
        properties = resource["Properties"]
        variables = {**variables_of(shared), **variables_of(properties)}
        found[name] = {
            "folder": recording.ROOT / properties["CodeUri"],
            "module": properties.get("Handler", shared["Handler"]).partition(".")[0],
            "variables": {key: str(value) for key, value in variables.items()},
        }
    return found


def variables_of(properties: dict[str, Any]) -> dict[str, Any]:
    return dict(properties.get("Environment", {}).get("Variables", {}))


def seconds(name: str, function: dict[str, Any]) -> tuple[float, float]:
    """Wall and processor time of one import."""
    environment = {
        "PATH": os.environ["PATH"],
        **LAMBDA,
        **function["variables"],
        "AWS_LAMBDA_FUNCTION_NAME": name,
    }
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(function["folder"]), function["module"]],
        env=environment, cwd=Path("/"), check=True, capture_output=True, text=True,
    )  # fmt: skip
    wall, cpu = map(float, done.stdout.split())
    return wall, cpu


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=11)
    options = parser.parse_args()
    found = functions()
    for name, function in found.items():
        seconds(name, function)
    raw: dict[str, list[tuple[float, float]]] = {name: [] for name in found}
    for _ in range(options.repeat):
        for name, function in found.items():
            raw[name].append(seconds(name, function))
    medians = {name: statistics.median(wall for wall, _ in values) for name, values in raw.items()}
    cpu = {name: statistics.median(used for _, used in values) for name, values in raw.items()}
    rows = [
        (
            name,
            f"{medians[name]:.3f}",
            f"{cpu[name]:.3f}",
            "" if medians[name] <= LIMIT_SECONDS else "too slow",
        )
        for name in sorted(medians, key=medians.__getitem__, reverse=True)
    ]
    recording.print_table(
        f"import of each handler, seconds, median of {options.repeat} (at most {LIMIT_SECONDS})",
        ("function", "wall", "CPU", ""),
        rows,
    )
    if options.repeat == parser.get_default("repeat"):
        figures = {"limit_s": LIMIT_SECONDS, "median_s": medians, "median_cpu_s": cpu, "raw_s": raw}
        command = f"python {' '.join(sys.argv)}"
        print(f"  {recording.write_result('handler_imports', command, figures)}")


if __name__ == "__main__":
    main()
