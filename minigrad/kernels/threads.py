"""Kernels over several threads.

The kernels are compiled to run without Python's lock, each over a part of the rows, so ordinary threads serve.  The threads
that numba and OpenMP keep spin after their work for long, and slow the matrix products that come next down: measured, 16 ms in
place of 5.7 ms for a product of 5 ms followed by a kernel of 0.4 ms, on two cores.  Ours wait for a fifth of a millisecond,
giving way to whoever wants the core, and sleep then: a sleeping thread takes 80 us to wake, one that waits takes 9 (measured).
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

import numpy as np
from numba import njit

__all__ = ["chunks", "spread"]

workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
#: Parts are not smaller than this: running through as many elements takes about as long as handing a part to another thread.
SMALLEST = 1 << 15
#: How often a thread looks for work, or for the end of work, before it sleeps; a look takes half a microsecond.
_LOOKS = 400 if hasattr(os, "sched_yield") else 0

_jobs: SimpleQueue[Any] = SimpleQueue()
_posted = np.zeros(1, np.int64)  # how many jobs there were: what waiting threads look at
_starting = threading.Lock()
_started = 0

_give_way: Any
if _LOOKS:
    _give_way = ctypes.CDLL(None).sched_yield
    _give_way.argtypes, _give_way.restype = [], ctypes.c_int
else:
    _give_way = njit(lambda: 0)


@njit(nogil=True)
def _wait(numbers: Any, index: int, old: int, looks: int) -> None:
    """Until a number is another one, but not for long."""
    for _ in range(looks):
        if numbers[index] != old:
            return
        _give_way()


def _work() -> None:
    while True:
        seen = _posted[0]
        if _jobs.empty():
            _wait(_posted, 0, seen, _LOOKS)
        _do(*_jobs.get())


def _do(run: Callable[[int], None], todo: list[int], done: SimpleQueue[BaseException | None], flags: Any) -> None:
    """One of the parts that nobody has begun, if there is one still; and tell who waits for it."""
    part = _taken(todo)
    if not part:
        return
    try:
        run(part)
    except BaseException as error:
        done.put(error)
    else:
        done.put(None)
    flags[part] = 1


def _taken(todo: list[int]) -> int:
    """A part that nobody else has begun; 0 if there is none."""
    try:
        return todo.pop()  # one step of the interpreter: no two threads get the same one
    except IndexError:
        return 0


def _start(number: int) -> None:
    """Have so many threads, or as many as the system gives; the caller does what they do not."""
    global _started
    with _starting:
        while _started < number:
            try:
                threading.Thread(target=_work, name=f"minigrad kernel {_started + 1}", daemon=True).start()
            except RuntimeError:
                return
            _started += 1


def _forget() -> None:
    global _jobs, _starting, _started
    _jobs, _starting, _started = SimpleQueue(), threading.Lock(), 0  # threads do not survive a fork


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
    parts = chunks(rows, size)
    if parts == 1:
        kernel(0, rows, 0, *args)
        return
    if _started < parts - 1:
        _start(parts - 1)

    def run(part: int) -> None:
        kernel(rows * part // parts, rows * (part + 1) // parts, part, *args)

    if not _started or sys.is_finalizing():  # at the end of the process threads stop where they are
        for part in range(parts):
            run(part)
        return
    todo = list(range(parts - 1, 0, -1))
    done: SimpleQueue[BaseException | None] = SimpleQueue()
    flags = np.zeros(parts, np.int64)
    for _ in range(1, parts):
        _jobs.put((run, todo, done, flags))
    _posted[0] += 1
    run(0)
    own = {0}
    while part := _taken(todo):  # the other threads may all be busy
        own.add(part)
        run(part)
    others = [part for part in range(parts) if part not in own]
    for part in others:
        _wait(flags, part, 0, _LOOKS)
    errors = [error for _ in others if (error := done.get()) is not None]
    if errors:
        raise errors[0]
