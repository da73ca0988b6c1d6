"""Who fetches batches: the caller, threads or processes.  All have the same methods.

`submit(worker, job)` hands a job to a worker, `collect(worker)` gives its next result, `forget()`
throws away what was submitted and not collected; it raises RuntimeError where a worker is late or
has ended.  `close()` ends all workers.  `ours()` says whether they belong to this process: a forked
one has copies of its parent's, which it must not use.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from .fetching import Fetcher, Job, WorkerInfo, worker_info

__all__ = ["PATIENCE", "Caller", "Init", "Owned", "Workers", "late"]

#: How many seconds workers have for the item that they are at, when nobody needs them any more.
PATIENCE = 1.0

Init = Callable[[int], Any] | None


class Workers(Protocol):
    """What fetches batches."""

    def submit(self, worker: int, job: Job) -> None: ...

    def collect(self, worker: int) -> Any: ...

    def forget(self) -> None: ...

    def ours(self) -> bool: ...

    def close(self, wait: bool = True) -> None: ...


class Owned:
    """What belongs to the process that made it."""

    def __init__(self) -> None:
        self.process = os.getpid()

    def ours(self) -> bool:
        return os.getpid() == self.process


def late(timeout: float) -> RuntimeError:
    return RuntimeError(
        f"DataLoader: no batch came within timeout={timeout:g} seconds; a worker is slow, or hangs"
    )


class Caller:
    """Fetches in the caller's thread, when a batch is asked for.

    Args:
        infos: who to be while fetching for a worker: nobody, or the workers that this stands for.
    """

    def __init__(self, fetchers: Sequence[Fetcher], infos: Sequence[WorkerInfo | None]) -> None:
        self.fetchers, self.infos = fetchers, infos
        self.jobs: list[deque[Job]] = [deque() for _ in fetchers]

    def submit(self, worker: int, job: Job) -> None:
        self.jobs[worker].append(job)

    def collect(self, worker: int) -> Any:
        with self.being(worker) as fetcher:
            return fetcher.alone(self.jobs[worker].popleft())

    @contextmanager
    def being(self, worker: int) -> Iterator[Fetcher]:
        """That worker's fetcher, while `get_worker_info()` tells of that worker."""
        token = worker_info.set(self.infos[worker])
        try:
            yield self.fetchers[worker]
        finally:
            worker_info.reset(token)

    def forget(self) -> None:
        self.jobs = [deque() for _ in self.fetchers]

    def ours(self) -> bool:
        return True

    def close(self, wait: bool = True) -> None:
        self.forget()
