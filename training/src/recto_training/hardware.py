"""What a run computes on: CPU or GPU, one process or several under torchrun, bfloat16 where it is native."""

import ctypes
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, distributed

T = TypeVar("T")
PATIENCE = timedelta(hours=2)
"""How long processes wait for the first one's evaluation."""

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""glibc's names of two settings of malloc."""


class Hardware(NamedTuple):
    """One process's share of the machine."""

    device: torch.device
    half: bool
    """Whether to multiply in bfloat16."""
    rank: int = 0
    processes: int = 1

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def precision(self) -> AbstractContextManager[Any]:
        """A context for forward passes."""
        return torch.autocast(self.device.type, torch.bfloat16) if self.half else nullcontext()

    def moved(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """A batch on this device."""
        return {name: tensor.to(self.device, non_blocking=True) for name, tensor in tensors.items()}

    def agree(self, value: T) -> T:
        """What the first process says, in every process."""
        if self.processes == 1:
            return value
        held = [value]
        distributed.broadcast_object_list(held, src=0)
        return held[0]

    def all_say(self, yes: bool) -> bool:
        """Whether every process says yes; all of them learn it together."""
        if self.processes == 1:
            return yes
        said = torch.tensor(int(yes), device=self.device)
        distributed.all_reduce(said, distributed.ReduceOp.MIN)
        return bool(said)

    def wait(self) -> None:
        """Until all processes have come here."""
        if self.processes > 1:
            distributed.barrier()

    def described(self) -> dict[str, Any]:
        """For the run's record."""
        name = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "cpu"
        return {
            "device": name,
            "bfloat16": self.half,
            "processes": self.processes,
            "threads": torch.get_num_threads(),
        }


def keep_memory() -> None:
    """Keep freed memory in this process: given back and asked for again, it is a third of a step on a CPU.

    glibc maps every large block anew and gives it back when it is freed (mallopt(3)); elsewhere nothing
    is done.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


@contextmanager
def find_hardware(half: bool = True, threads: int = 0) -> Iterator[Hardware]:
    """The device of this process; under torchrun its group is joined, and left at the end."""
    if threads:
        torch.set_num_threads(threads)
    processes, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    device = torch.device("cpu")
    if not torch.cuda.is_available():
        keep_memory()
    else:
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    joined = processes > 1 and not distributed.is_initialized()
    if joined:
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
    try:
        yield Hardware(device, half and multiplies_bfloat16(device), rank, processes)
    finally:
        if joined:
            distributed.destroy_process_group()


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether this device does so natively."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return bool(torch.cpu._is_avx512_bf16_supported())  # noqa: SLF001 - there is no public question
