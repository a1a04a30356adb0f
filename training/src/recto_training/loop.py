"""The one training loop: steps, evaluation, checkpoints, resumption, early stopping, several processes.

What is learnt is a `Task`'s business: words by class (`fit`), masked words (`pretraining`), the demo release.
Chance is drawn from (seed, step, process) anew at each step, so that a run that was stopped goes on bit for
bit as if it had not been.

Under torchrun each process takes its share of every batch; the first one evaluates, writes and decides.
"""

import json
import math
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from recto.errors import ConfigurationError
from recto_training.encoders.model import parameter_groups
from recto_training.hardware import Hardware, find_hardware
from recto_training.metrics_log import log_line
from recto_training.run_settings import check_settings, deciding

CHECKPOINTS = "checkpoints"
STATE = "state.pt"
RUN = "run.json"
POOL = 16
"""Batches' worth of examples that are sorted by length together."""


SLOW_STEPS, STEPS_TO_HINT = 2, 4
"""First steps, while memory is taken, and those behind them from which the length of a run is guessed."""
LEAST_HINT = 60.0
"""Seconds that are worth a guess."""


class LossError(ConfigurationError):
    """The loss is no number any more: these settings cannot go on."""


class CheckpointMissingError(ConfigurationError):
    """Processes of one run do not see the same checkpoint: they would begin at different steps."""


@dataclass(frozen=True)
class Training:
    """What decides how any task is trained; named as in transformers' TrainingArguments where it has it."""

    name: str
    seed: int | None = 1337
    num_train_epochs: float = 10.0
    max_steps: int = -1
    """Optimizer steps in all; where positive, epochs do not count."""
    per_device_train_batch_size: int = 8
    per_device_eval_batch_size: int = 16
    gradient_accumulation_steps: int = 1
    learning_rate: float = 1e-4
    fresh_learning_rate_factor: float = 5.0
    """How much faster parts learn that no base brings: places, distances, classes."""
    layer_decay: float = 1.0
    """Factor of the rate from each layer to the one below."""
    lr_scheduler_type: str = "linear"
    """linear, cosine, constant, or warmup_stable_decay (level, then down over `cool_down_steps`)."""
    warmup_steps: int = 0
    warmup_ratio: float = 0.06
    cool_down_steps: int = 0
    min_lr_ratio: float = 0.0
    """Share of the rate at which a cosine ends."""
    weight_decay: float = 0.01
    max_grad_norm: float = 1.0
    ema_decay: float = 0.0
    """Evaluate and keep a moving average of the weights; 0 for the weights themselves."""
    bf16: bool = True
    """Multiply in bfloat16 where the hardware does so natively; elsewhere it would only be slow."""
    group_by_length: bool = True
    pad_to_multiple_of: int = 16
    eval_strategy: str = "epoch"
    """epoch or steps."""
    eval_steps: int = 0
    logging_steps: int = 50
    metric_for_best_model: str = "eval_loss"
    greater_is_better: bool | None = None
    """None: smaller is better for losses alone."""
    early_stopping_patience: int = 0
    """Evaluations without improvement after which a run ends; 0 for never."""
    early_stopping_threshold: float = 0.0
    save_total_limit: int = 2
    """Checkpoints kept, the newest; the best evaluation's model lies in the folder anyway."""
    full_determinism: bool = True
    """With a seed: only operations whose result is the same each time."""
    ddp_find_unused_parameters: bool = False
    """Networks of which it is known that some parameters have no part in the loss are treated so anyway."""
    threads: int = 0
    """Of torch on the CPU; 0 leaves its choice."""

    def __post_init__(self) -> None:
        for name in (
            "per_device_train_batch_size",
            "per_device_eval_batch_size",
            "gradient_accumulation_steps",
        ):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"{name} {getattr(self, name)}: expected 1 or more")
        if self.lr_scheduler_type not in SCHEDULES:
            raise ConfigurationError(
                f"lr_scheduler_type {self.lr_scheduler_type}: expected {_names(SCHEDULES)}"
            )
        if self.eval_strategy not in ("epoch", "steps"):
            raise ConfigurationError(f"eval_strategy {self.eval_strategy}: expected epoch or steps")
        if self.eval_strategy == "steps" and self.eval_steps < 1:
            raise ConfigurationError("eval_strategy steps needs eval_steps of 1 or more")
        if self.max_steps < 1 and self.num_train_epochs <= 0:
            raise ConfigurationError(f"num_train_epochs {self.num_train_epochs}: expected more than 0")

    @property
    def greater(self) -> bool:
        if self.greater_is_better is not None:
            return self.greater_is_better
        return not self.metric_for_best_model.endswith("loss")

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Task(Protocol):
    """What is learnt, and from what."""

    @property
    def module(self) -> nn.Module:
        """Gives, called with a batch's inputs, its loss as a scalar when training."""
        ...

    def num_examples(self) -> int:
        """Examples of an epoch."""
        ...

    def length(self, index: int) -> int:
        """Tokens of an example; those of like length share a batch."""
        ...

    def collate(self, indices: Sequence[int], rng: Random) -> Mapping[str, Tensor]:
        """The inputs of a batch, on the CPU."""
        ...

    def evaluate(self, hardware: Hardware) -> dict[str, float]:
        """Figures on the validation examples, named `eval_…`, the module being in evaluation mode."""
        ...

    def write(self, folder: Path) -> None:
        """Write the module, as it is now, as a model folder."""
        ...

    def fingerprint(self) -> dict[str, Any]:
        """What a checkpoint must share with a run that goes on from it: data, labels, network."""
        ...

    def record(self) -> dict[str, Any]:
        """What else the run's record says."""
        ...


class Run(NamedTuple):
    """How a run ended."""

    folder: Path
    step: int
    best: dict[str, float]
    """Figures of the evaluation whose model was kept."""
    history: list[dict[str, float]]
    stopped_early: bool


def run_loop(task: Task, training: Training, folder: Path, until: int | None = None) -> Run:
    """Train a task in its folder up to its end (or step `until`), going on from its last checkpoint."""
    with find_hardware(training.bf16, training.threads) as hardware:
        loop = Loop(task, training, folder, hardware)
        loop.resume()
        loop.train(until)
        return loop.result()


class Loop:
    """One process of a run."""

    def __init__(self, task: Task, training: Training, folder: Path, hardware: Hardware) -> None:
        if not task.num_examples():
            raise ConfigurationError("the training set is empty: no page with words was given to train on")
        self.task, self.training, self.folder, self.hardware = task, training, folder, hardware
        self.seed = training.seed if training.seed is not None else hardware.agree(Random().getrandbits(31))
        set_determinism(training)
        module = task.module.to(hardware.device)
        self.model: nn.Module = module
        if hardware.processes > 1:
            skips = any(getattr(part, "skips_parameters", False) for part in module.modules())
            self.model = DistributedDataParallel(
                module, find_unused_parameters=training.ddp_find_unused_parameters or skips
            )
        groups = parameter_groups(
            module,
            rate=training.learning_rate,
            fresh_factor=training.fresh_learning_rate_factor,
            layer_decay=training.layer_decay,
            weight_decay=training.weight_decay,
        )
        self.optimizer = torch.optim.AdamW(list(groups), lr=training.learning_rate, fused=True)
        self.average = Average(module, training.ema_decay) if training.ema_decay else None
        self.step, self.seconds, self.stopped = 0, 0.0, False
        self.history: list[dict[str, float]] = []
        self.best: dict[str, float] = {}
        self._epochs: dict[int, list[list[int]]] = {}
        """Batches of the epoch that the run is in."""

    # --- where the run stands -------------------------------------------------------------------------

    @property
    def steps_per_epoch(self) -> int:
        share = self.hardware.processes * self.training.gradient_accumulation_steps
        batches = math.ceil(self.task.num_examples() / self.training.per_device_train_batch_size)
        return max(1, math.ceil(batches / share))

    @property
    def num_steps(self) -> int:
        if self.training.max_steps > 0:
            return self.training.max_steps
        return max(1, round(self.training.num_train_epochs * self.steps_per_epoch))

    @property
    def eval_every(self) -> int:
        return self.training.eval_steps if self.training.eval_strategy == "steps" else self.steps_per_epoch

    def result(self) -> Run:
        return Run(self.folder, self.step, self.best, self.history, self.stopped)

    # --- training -------------------------------------------------------------------------------------

    def train(self, until: int | None = None) -> None:
        """Up to the last step, `until`, or no improvement."""
        last = min(until or self.num_steps, self.num_steps)
        began, losses = time.monotonic(), []
        first, start = self.step, began
        while self.step < last and not self.stopped:
            losses.append(self.step_once())
            if self.step - first == SLOW_STEPS:
                start = time.monotonic()
            if self.step - first == SLOW_STEPS + STEPS_TO_HINT:
                self._hint((time.monotonic() - start) / STEPS_TO_HINT * (last - self.step))
            if self.step % self.training.logging_steps == 0:
                self._log_step(losses[-self.training.logging_steps :], began)
            if self.step % self.eval_every == 0 or self.step == last:
                self.seconds += time.monotonic() - began
                self._evaluate(sum(losses) / len(losses))
                began, losses = time.monotonic(), []

    def step_once(self) -> float:
        """One step of the optimizer; its loss."""
        epoch, position = divmod(self.step, self.steps_per_epoch)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.training, self.step, self.num_steps) * group["scale"]
        self.model.train()
        self.optimizer.zero_grad(set_to_none=True)
        batches = self._batches(epoch, position)
        total = 0.0
        for number, indices in enumerate(batches):
            rng = self._draw(number)
            with self._synchronised(last=number == len(batches) - 1):
                loss = self._loss(indices, rng) / len(batches)
                loss.backward()
            total += float(loss.detach())
        nn.utils.clip_grad_norm_(self.model.parameters(), self.training.max_grad_norm)
        self.optimizer.step()
        if self.average is not None:
            self.average.update(self.task.module, self.step)
        if not math.isfinite(total):
            raise LossError(
                f"step {self.step}: the loss is {total}; expected a number. A lower learning_rate than "
                f"{self.training.learning_rate} may help"
            )
        self.step += 1
        return total

    def _loss(self, indices: Sequence[int], rng: Random) -> Tensor:
        inputs = self.hardware.moved(self.task.collate(indices, rng))
        with self.hardware.precision():
            loss: Tensor = self.model(**inputs)
        return loss.float()

    def _draw(self, number: int) -> Random:
        """Chance of this step, batch and process: torch's generators are set, Python's is returned."""
        text = f"{self.seed} {self.step} {number} {self.hardware.rank}"
        rng = Random(text)
        torch.manual_seed(rng.getrandbits(62))
        return rng

    def _synchronised(self, *, last: bool) -> AbstractContextManager[Any]:
        """Gradients pass between processes after the last batch of a step alone."""
        if isinstance(self.model, DistributedDataParallel) and not last:
            return self.model.no_sync()
        return nullcontext()

    def _batches(self, epoch: int, position: int) -> list[list[int]]:
        """Batches of a step for one process: as many as gradients are accumulated over."""
        if epoch not in self._epochs:
            self._epochs = {epoch: self._ordered(epoch)}
        batches = self._epochs[epoch]
        share = self.hardware.processes * self.training.gradient_accumulation_steps
        first = position * share + self.hardware.rank
        return [batches[at % len(batches)] for at in range(first, first + share, self.hardware.processes)]

    def _ordered(self, epoch: int) -> list[list[int]]:
        """All batches of an epoch, the same in each process: windows of like length together."""
        size, rng = self.training.per_device_train_batch_size, Random(f"{self.seed} epoch {epoch}")
        order = list(range(self.task.num_examples()))
        rng.shuffle(order)
        if not self.training.group_by_length:
            return [order[at : at + size] for at in range(0, len(order), size)]
        return list(_like_lengths(order, size, self.task.length, rng))

    def _hint(self, seconds: float) -> None:
        """How long it will take, for a person who waits for the first figures."""
        if self.hardware.is_first and seconds > LEAST_HINT:
            print(f"{self.num_steps} steps; at this pace about {seconds / 60:.0f} minutes", flush=True)

    # --- evaluation -----------------------------------------------------------------------------------

    def _log_step(self, losses: list[float], began: float) -> None:
        if self.hardware.is_first:
            rate = learning_rate(self.training, self.step - 1, self.num_steps)
            seconds = self.seconds + time.monotonic() - began
            mean = sum(losses) / len(losses)
            print(
                log_line({"step": self.step, "loss": mean, "learning_rate": rate, "seconds": seconds}),
                flush=True,
            )

    def _evaluate(self, training_loss: float) -> None:
        """Figures, best model, checkpoint, and whether to stop: decided by the first process for all."""
        figures: dict[str, float] = {}
        if self.hardware.is_first:
            figures = self._figures()
        row = self.hardware.agree(
            {
                "step": self.step,
                "epoch": round(self.step / self.steps_per_epoch, 3),
                "train_loss": training_loss,
                **figures,
                "seconds": round(self.seconds, 1),
            }
        )
        self.history.append(row)
        better = self._is_better(row)
        if better:
            self.best = row
        patience = self.training.early_stopping_patience
        self.stopped = bool(patience) and self._evaluations_since_best() >= patience
        if self.hardware.is_first:
            print(log_line(row), flush=True)
            self._save(better=better)
        self.hardware.wait()

    def _figures(self) -> dict[str, float]:
        module = self.task.module.eval()
        with torch.no_grad(), self._averaged():
            figures = self.task.evaluate(self.hardware)
        module.train()
        name = self.training.metric_for_best_model
        if figures and self._metric not in figures:
            raise ConfigurationError(f"metric_for_best_model {name}: expected {_names(sorted(figures))}")
        return figures

    @property
    def _metric(self) -> str:
        name = self.training.metric_for_best_model
        return name if name.startswith("eval_") else f"eval_{name}"

    def _is_better(self, row: Mapping[str, float]) -> bool:
        """Whether the metric improved by more than the threshold; without figures the last is the best."""
        if self._metric not in row or not self.best:
            return True
        gain = row[self._metric] - self.best[self._metric]
        return (gain if self.training.greater else -gain) > self.training.early_stopping_threshold

    def _evaluations_since_best(self) -> int:
        return sum(1 for row in self.history if row["step"] > self.best["step"])

    def _averaged(self) -> AbstractContextManager[Any]:
        return self.average.applied(self.task.module) if self.average else nullcontext()

    # --- checkpoints ----------------------------------------------------------------------------------

    def _save(self, *, better: bool) -> None:
        place = self.folder / CHECKPOINTS / f"step-{self.step:07d}"
        draft = place.with_suffix(".part")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        torch.save(self._state(), draft / STATE)
        if better:
            with self._averaged():
                self.task.write(self.folder)
        shutil.rmtree(place, ignore_errors=True)
        draft.rename(place)
        write_record(self.folder, self)
        self._forget()

    def _state(self) -> dict[str, Any]:
        return {
            "model": self.task.module.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average.weights if self.average else {},
            "seed": self.seed,
            "step": self.step,
            "seconds": self.seconds,
            "stopped": self.stopped,
            "history": self.history,
            "best": self.best,
            "fingerprint": self.task.fingerprint(),
            "settings": deciding(self.training.as_dict()),
        }

    def _forget(self) -> None:
        """Remove checkpoints past the limit, the oldest first; the best model itself lies in the folder."""
        found = checkpoints(self.folder)
        for old in found[: max(0, len(found) - max(1, self.training.save_total_limit))]:
            shutil.rmtree(old)

    def resume(self) -> None:
        """Go on from the last checkpoint, if there is one; refused where this run is another one."""
        place = self._last_checkpoint()
        if place is None:
            return
        state = torch.load(place / STATE, weights_only=True, map_location=self.hardware.device)
        check_settings(state.get("settings", {}), deciding(self.training.as_dict()), place.name)
        _check_same(state["fingerprint"], self.task.fingerprint(), place)
        self.task.module.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.average is not None and state["average"]:
            self.average.weights = state["average"]
        self.seed, self.step, self.seconds = state["seed"], state["step"], state["seconds"]
        self.stopped, self.history, self.best = state["stopped"], state["history"], state["best"]
        if self.hardware.is_first:
            print(f"resumed from {place.name} of {self.num_steps} steps", flush=True)

    def _last_checkpoint(self) -> Path | None:
        """That of the first process, which alone writes any; CheckpointMissingError in all or in none."""
        found = checkpoints(self.folder)
        name = self.hardware.agree(found[-1].name if found else "")
        if not name:
            return None
        place = self.folder / CHECKPOINTS / name
        is_here = (place / STATE).is_file()
        if not self.hardware.all_say(is_here):
            lacks = "another process" if is_here else f"process {self.hardware.rank}"
            raise CheckpointMissingError(
                f"the first process goes on from {name}, which {lacks} does not find in its output folder. "
                "On several machines, take a folder that all of them share, or copy the checkpoint to each"
            )
        return place


class Average:
    """A moving average of a module's floating weights."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights = {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        """Take a step's weights in; the first steps count more, else the start would stay for long."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, tensor in module.state_dict().items():
            if tensor.is_floating_point():
                self.weights[name].lerp_(tensor, 1 - decay)

    def applied(self, module: nn.Module) -> "_Applied":
        """A context in which the module has the averaged weights."""
        return _Applied(self, module)


class _Applied(AbstractContextManager[None]):
    def __init__(self, average: Average, module: nn.Module) -> None:
        self.average, self.module = average, module

    def __enter__(self) -> None:
        self.own = {name: tensor.detach().clone() for name, tensor in self.module.state_dict().items()}
        self.module.load_state_dict(self.average.weights)

    def __exit__(self, *_: object) -> None:
        self.module.load_state_dict(self.own)


def checkpoints(folder: Path) -> list[Path]:
    """Whole checkpoints of a run, oldest first."""
    return sorted(path.parent for path in (folder / CHECKPOINTS).glob(f"step-*[0-9]/{STATE}"))


def begin_anew(folder: Path) -> None:
    """Remove a run's checkpoints: the next one in its folder goes on from nothing."""
    shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)


def write_record(folder: Path, loop: Loop) -> None:
    """What was run, on what, and what came of it. Holds no path, no token."""
    record = {
        **loop.task.record(),
        "seed": loop.seed,
        "hardware": loop.hardware.described(),
        "steps": loop.step,
        "num_steps": loop.num_steps,
        "examples": loop.task.num_examples(),
        "parameters": sum(p.numel() for p in loop.task.module.parameters()),
        "seconds": round(loop.seconds, 1),
        "stopped_early": loop.stopped,
        "best": loop.best,
        "history": loop.history,
    }
    draft = folder / f"{RUN}.part"
    draft.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    draft.rename(folder / RUN)


SCHEDULES = ("linear", "cosine", "constant", "warmup_stable_decay")


def learning_rate(training: Training, step: int, num_steps: int) -> float:
    """The rate at a step: up in a line, then as the schedule has it."""
    warm_up = training.warmup_steps or round(training.warmup_ratio * num_steps)
    if step < warm_up:
        return training.learning_rate * (step + 1) / warm_up
    done = min(1.0, (step - warm_up) / max(1, num_steps - warm_up))
    if training.lr_scheduler_type == "linear":
        return training.learning_rate * (1 - done)
    if training.lr_scheduler_type == "cosine":
        low = training.min_lr_ratio
        return training.learning_rate * (low + (1 - low) * 0.5 * (1 + math.cos(math.pi * done)))
    if training.lr_scheduler_type == "warmup_stable_decay" and training.cool_down_steps:
        return training.learning_rate * min(1.0, (num_steps - step) / training.cool_down_steps)
    return training.learning_rate


def set_determinism(training: Training) -> None:
    """With a seed, the same bits each time; a few operations of GPUs have no such form and then warn."""
    wanted = training.full_determinism and training.seed is not None
    if wanted and torch.cuda.is_available():
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(wanted, warn_only=True)


def _like_lengths(order: list[int], size: int, length: Any, rng: Random) -> Iterator[list[int]]:
    pool = size * POOL
    whole: list[list[int]] = []
    for start in range(0, len(order), pool):
        chunk = sorted(order[start : start + pool], key=length)
        whole += [chunk[at : at + size] for at in range(0, len(chunk), size)]
    rng.shuffle(whole)
    yield from whole


def _check_same(seen: Mapping[str, Any], expected: Mapping[str, Any], checkpoint: Path) -> None:
    for name in expected:
        if seen.get(name) != expected[name]:
            raise ConfigurationError(
                f"checkpoint {checkpoint.name} was made with other {name}: {_short(seen.get(name))}, "
                f"this run has {_short(expected[name])}. "
                "Take another output folder, or say --overwrite_output_dir true"
            )


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) < 300 else text[:300] + "…"


def _names(names: Sequence[str]) -> str:
    return ", ".join(names)
