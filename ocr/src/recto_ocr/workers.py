"""Processes for work that keeps a core busy, one OCR engine each. What the work is, they are told."""

import multiprocessing
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Workers:
    """The processes; when one breaks, all are made anew and what was under way is lost to its askers."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._lock = threading.Lock()
        self._pool = self._new_pool()

    def submit(self, task: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> Future[T]:
        with self._lock:
            try:
                return self._pool.submit(task, *arguments, **options)
            except BrokenProcessPool:
                self._pool = self._new_pool()
                return self._pool.submit(task, *arguments, **options)

    def close(self) -> None:
        """Drop what waits; work under way is finished by nobody."""
        processes = list((getattr(self._pool, "_processes", None) or {}).values())
        manager = getattr(self._pool, "_executor_manager_thread", None)
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()
        if manager is not None:  # or else it may still be closing its pipes when Python ends
            manager.join(timeout=10)

    def _new_pool(self) -> ProcessPoolExecutor:
        os.environ.setdefault("OMP_THREAD_LIMIT", "1")  # before the processes load Tesseract: a core each
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self.count, context, initializer=_begin_worker, initargs=(os.getpid(),))


def num_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _begin_worker(parent: int) -> None:
    """Leave Ctrl-C to the parent, end when it has gone; nobody hears of Pillow's doubts about files."""
    warnings.filterwarnings("ignore", module="PIL")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
