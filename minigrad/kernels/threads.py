"""Kernels over several threads.

The kernels are compiled to run without Python's lock, each over a part of the rows, so ordinary threads serve.  The threads
that numba and OpenMP keep spin after their work, and slow the matrix products that come next down: measured, 16 ms in place
of 5.7 ms for a product of 5 ms followed by a kernel of 0.4 ms, on two cores.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

__all__ = ["chunks", "spread"]

workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
_jobs: SimpleQueue[Any] = SimpleQueue()
_started = 0
#: Parts are not smaller than this: waking another thread takes 80 us (measured), in which one runs through 200 000 elements.
SMALLEST = 1 << 17


def _work() -> None:
    while True:
        kernel, start, stop, part, args, done = _jobs.get()
        try:
            kernel(start, stop, part, *args)
        except BaseException as error:
            done.put(error)
        else:
            done.put(None)
        del kernel, args


def _forget() -> None:
    global _jobs, _started
    _jobs, _started = SimpleQueue(), 0  # threads do not survive a fork


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def chunks(rows: int, size: int) -> int:
    """Into how many parts `spread` cuts so many rows of so many elements in all."""
    return max(min(workers, rows, size // SMALLEST), 1)


def spread(kernel: Callable[..., None], rows: int, size: int, *args: Any) -> None:
    """Call kernel(start, stop, part, *args) for parts of the rows at once.

    Args:
        size: how many elements the rows have in all, or that many steps of half a nanosecond of work.
    """
    global _started
    parts = chunks(rows, size)
    while _started < parts - 1:
        _started += 1
        threading.Thread(target=_work, name=f"minigrad kernel {_started}", daemon=True).start()
    done: SimpleQueue[BaseException | None] = SimpleQueue()
    for part in range(1, parts):
        _jobs.put((kernel, rows * part // parts, rows * (part + 1) // parts, part, args, done))
    kernel(0, rows // parts, 0, *args)
    errors = [error for _ in range(parts - 1) if (error := done.get()) is not None]
    if errors:
        raise errors[0]
