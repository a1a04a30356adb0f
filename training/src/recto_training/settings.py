"""Single values of a recipe by name, as the command line and SageMaker jobs give them. Names are checked.

SageMaker hands hyper-parameters over as text, on the command line (`--learning_rate 5e-5`) and in the
environment (`SM_HPS`, JSON); the command line wins. Names of the reference that mean nothing here are
accepted with a word of why, so that a job's old settings go on; any other unknown name ends the run.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from difflib import get_close_matches
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from recto.errors import ConfigurationError
from recto_training.loop import Training

R = TypeVar("R", bound=Training)

RENAMED = {"evaluation_strategy": "eval_strategy", "label_smoothing": "label_smoothing_factor"}
"""Older names to today's."""
RETIRED = {
    "config_name": "a base brings its own; an untrained network has width, heads, layers, hidden",
    "use_auth_token": "a token on a command line ends up in logs; set HF_TOKEN in the environment",
    "use_fast_tokenizer": "tokenizers are always the fast ones",
    "dataproc_batch_size": "documents are read one by one",
    "dataproc_num_workers": "each document is parsed once and cached",
    "dataloader_num_workers": "windows lie in memory as numbers",
    "dataloader_pin_memory": "windows lie in memory as numbers",
    "remove_unused_columns": "there are no columns",
    "disable_tqdm": "progress is printed as lines",
    "report_to": "figures are lines of the log and run.json",
    "do_train": "training is what the command does",
    "do_eval": "validation is evaluated whenever there is any",
    "load_best_model_at_end": "the model folder always holds the best evaluation's model",
    "save_strategy": "a checkpoint is written at each evaluation",
    "save_steps": "a checkpoint is written at each evaluation; see eval_steps",
    "fp16": "half precision is bfloat16 here; see bf16",
    "local_rank": "torchrun tells it",
    "optim": "always AdamW, fused",
    "prediction_loss_only": "figures cost little",
    "log_level": "the log is what is printed",
}
"""Settings of the reference that are accepted and do nothing, and why."""
TRUE, FALSE = ("true", "1", "yes", "on", ""), ("false", "0", "no", "off")


def overridden(recipe: R, values: Mapping[str, str]) -> R:
    """The recipe with single values replaced; ConfigurationError for unknown names and unfit values."""
    types = get_type_hints(type(recipe))
    known = {one.name for one in fields(recipe)} - {"name"}
    changed: dict[str, Any] = {}
    for given, text in values.items():
        name = RENAMED.get(given, given)
        if name in RETIRED:
            print(f"ignored: {name} ({RETIRED[name]})", flush=True)
            continue
        if name not in known:
            raise ConfigurationError(unknown_setting(given, known))
        changed[name] = parsed(name, text, types[name])
    return replace(recipe, **changed)


def unknown_setting(name: str, known: Iterable[str]) -> str:
    """What to say of a name that is none."""
    near = get_close_matches(name, [*known, *RETIRED], n=1)
    return f"unknown setting --{name}" + (f"; did you mean --{near[0]}?" if near else "")


def parsed(name: str, text: str, kind: Any) -> Any:
    """The value that a text gives for a type: numbers, yes or no, text, or none where the type allows it."""
    kinds = get_args(kind) if get_origin(kind) is UnionType else (kind,)
    plain = text.strip().strip('"')
    if type(None) in kinds and plain.lower() in ("none", "null"):
        return None
    kind = next(one for one in kinds if one is not type(None))
    if kind is bool:
        return _yes_or_no(name, plain)
    try:
        return int(float(plain)) if kind is int and float(plain).is_integer() else kind(plain)
    except ValueError as error:
        raise ConfigurationError(f"--{name} {text}: expected {_said(kind)}") from error


def _yes_or_no(name: str, text: str) -> bool:
    if text.lower() not in (*TRUE, *FALSE):
        raise ConfigurationError(f"--{name} {text}: expected true or false")
    return text.lower() in TRUE


def _said(kind: type) -> str:
    return {int: "a whole number", float: "a number"}.get(kind, "text")


def named_values(arguments: Sequence[str]) -> dict[str, str]:
    """`--name value`, `--name=value` and bare `--name` as names and texts; dashes are underscores."""
    values: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            raise ConfigurationError(f"{word!r}: expected --name value")
        name, equals, text = word[2:].partition("=")
        if not equals and rest and not rest[0].startswith("--"):
            text = rest.pop(0)
        values[name.replace("-", "_")] = text
    return values


def job_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """The hyper-parameters of a SageMaker job, as text; none outside of one."""
    given = json.loads(environment.get("SM_HPS") or "{}")
    return {
        name.replace("-", "_"): value if isinstance(value, str) else json.dumps(value)
        for name, value in given.items()
    }


def help_text(recipe: Training) -> str:
    """All settings of a recipe with their values."""
    lines = (f"  --{one.name} {getattr(recipe, one.name)!r}" for one in fields(recipe) if one.name != "name")
    return "\n".join(lines)
