"""Threads for native code: one pool, for all compiled programs and all threads that call them.

    run(work, 4)    # work(0), work(1), work(2) and work(3), by whoever is free; it returns when all are done

Native code does not hold Python's lock, so that threads of Python's serve.  Whoever calls does parts itself and waits only
for those that another thread has begun: so it never waits for its turn, and calls inside of calls, and of several threads at
once, end.
"""

from __future__ import annotations

import functools
import itertools
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock, Thread

__all__ = ["run", "threads"]

#: Where Linux says what a group of processes may use, and in which group this one is.
GROUPS, OWN_GROUP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


@functools.cache
def threads() -> int:
    """How many threads share the work of a loop: MINIGRAD_THREADS, else OMP_NUM_THREADS, else one.

    It is looked up once.  More than the cores that this process may use there are never.
    """
    for name in ("MINIGRAD_THREADS", "OMP_NUM_THREADS"):
        if text := os.environ.get(name, "").strip():
            return min(_number(name, text), cores())
    return 1


def _number(name: str, text: str) -> int:
    first = text.split(",")[0].strip()  # OpenMP takes a list, for teams inside of teams
    if first.isdecimal() and int(first) > 0:
        return int(first)
    warnings.warn(
        f"{name}={text} is no number of threads, so one thread is used; write a whole number from 1 on, such as {name}=2",
        stacklevel=3,
    )
    return 1


def cores() -> int:
    """How many cores this process may use: those it may run on, or fewer where its control group has less time than these."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min([found, *(max(1, int(share)) for share in _shares())])


def _shares() -> Iterator[float]:
    """The cores' time that this process's control groups have: version 2 of Linux's, and version 1."""
    for group in _groups():
        for names in (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us")):
            try:
                quota, period = " ".join((group / name).read_text("utf-8") for name in names).split()
                if quota not in ("max", "-1"):
                    yield int(quota) / int(period)
            except (OSError, ValueError):
                continue


def _groups() -> list[Path]:
    """The folders of the groups that this process is in, and of those around them."""
    try:
        lines = OWN_GROUP.read_text("utf-8").splitlines()
    except OSError:
        return []
    found: dict[Path, None] = {}
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers or "cpu" in controllers.split(","):
            root = GROUPS / ("cpu" if controllers else "")
            inside = Path(path.strip("/"))
            found.update(dict.fromkeys(root / part for part in (inside, *inside.parents)))
    return list(found)


class _Job:
    """Work in numbered parts.

    Attributes:
        numbers: of the parts, each of which one thread takes.
        begun: one entry for each thread of the pool that came to help.
        ended: what stopped those of them that are through, or None.
    """

    def __init__(self, work: Callable[[int], object], count: int) -> None:
        self.work, self.count, self.numbers = work, count, itertools.count()
        self.begun: list[None] = []
        self.ended: list[BaseException | None] = []
        self.news: SimpleQueue[None] = SimpleQueue()

    def do(self) -> None:
        """Do parts until none is left."""
        while (part := next(self.numbers)) < self.count:
            self.work(part)

    def help(self) -> None:
        """Do parts, in a thread of the pool."""
        self.begun.append(None)  # before a part is taken: whoever finds none left sees all who have one
        error = None
        try:
            self.do()
        except BaseException as problem:  # the caller raises it
            error, self.count = problem, 0
        self.ended.append(error)
        self.news.put(None)

    def finish(self) -> None:
        """Wait for those who help, when no part is left, and raise what stopped one of them.

        An interrupt waits as well: they still write into the caller's arrays.
        """
        interrupt = None
        while True:
            try:
                while len(self.ended) < len(self.begun):
                    with suppress(Empty):
                        self.news.get(timeout=0.05)  # a signal that another thread got does not wake this one
                break
            except BaseException as signal:
                interrupt, self.count = signal, 0
        for error in (interrupt, *self.ended):
            if error is not None:
                raise error


def run(work: Callable[[int], object], count: int) -> None:
    """Call `work` with the numbers 0 to count - 1, at the same time as far as threads are free.

    The parts are run in any order.  An error in one of them is raised here, when no part runs any more.

    >>> squares = [0] * 4
    >>> run(lambda i: squares.__setitem__(i, i * i), 4)
    >>> squares
    [0, 1, 4, 9]
    """
    job = _Job(work, count)
    try:
        _workers.call(job, min(threads(), count) - 1)
        job.do()
    except BaseException:
        job.count = 0
        raise
    finally:
        job.finish()


class _Workers:
    """The threads of the pool, which are started when there is work for them, and wait for more."""

    def __init__(self) -> None:
        self.lock, self.count = Lock(), 0
        self.jobs: SimpleQueue[_Job] = SimpleQueue()

    def call(self, job: _Job, helpers: int) -> None:
        """Ask so many threads for help."""
        if self.count < helpers:
            self._start(helpers)
        for _ in range(helpers):
            self.jobs.put(job)

    def _start(self, count: int) -> None:
        with self.lock:
            while self.count < count:
                try:
                    Thread(target=_serve, args=(self.jobs,), name=f"minigrad {self.count + 1}", daemon=True).start()
                except RuntimeError:  # the system has no more: those who call do the work themselves
                    return
                self.count += 1


def _serve(jobs: SimpleQueue[_Job]) -> None:
    while True:
        jobs.get().help()


_workers = _Workers()


def _after_fork_in_child() -> None:
    """No thread but the one that forked lives on in the child."""
    global _workers
    _workers = _Workers()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
