"""Threads that fetch batches, as long as that leaves draws as they would be without."""

from __future__ import annotations

import threading
import time
import warnings
from collections import deque
from collections.abc import Sequence
from contextvars import Context, copy_context
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any

from .fetching import Fetcher, Findings, Job, WorkerInfo, worker_info
from .workers import PATIENCE, Caller, Owned, late

__all__ = ["Careful", "Threads"]


class Threads(Owned):
    """Threads that end by themselves, also those that hang when the program ends."""

    def __init__(
        self, fetchers: Sequence[Fetcher], infos: Sequence[WorkerInfo], timeout: float
    ) -> None:
        super().__init__()
        self.timeout = timeout
        self.jobs: list[SimpleQueue[tuple[Job, Context] | None]] = [SimpleQueue() for _ in fetchers]
        self.results: list[SimpleQueue[tuple[Any, bool, BaseException | None]]] = [
            SimpleQueue() for _ in fetchers
        ]
        self.pending = [0] * len(fetchers)
        self.stop = threading.Event()
        self.threads = []
        for fetcher, info, jobs, results in zip(
            fetchers, infos, self.jobs, self.results, strict=True
        ):
            name, args = f"minigrad data {info.id}", (fetcher, info, jobs, results, self.stop)
            self.threads.append(threading.Thread(target=_work, name=name, args=args, daemon=True))
            self.threads[-1].start()

    def submit(self, worker: int, job: Job) -> None:
        self.pending[worker] += 1
        self.jobs[worker].put((job, copy_context()))  # with the caller's grad mode

    def collect(self, worker: int) -> Any:
        return self.collect_with_suspicion(worker)[0]

    def collect_with_suspicion(self, worker: int) -> tuple[Any, bool]:
        """A batch, and whether somebody drew from the generators of the process meanwhile."""
        batch, suspicious, error = self._receive(worker)
        if error is not None:
            raise error
        return batch, suspicious

    def _receive(self, worker: int) -> tuple[Any, bool, BaseException | None]:
        """The next result of a worker, also one that is an error."""
        try:
            result = self.results[worker].get(timeout=self.timeout or None)
        except Empty:
            raise late(self.timeout) from None
        self.pending[worker] -= 1
        return result

    def forget(self) -> None:
        for worker in range(len(self.pending)):
            while self.pending[worker]:
                self._receive(worker)

    def close(self, wait: bool = True) -> None:
        self.stop.set()
        for jobs in self.jobs:
            jobs.put(None)
        end = time.monotonic() + (PATIENCE if wait else 0.0)
        for thread in self.threads:
            if thread is not threading.current_thread():
                thread.join(max(end - time.monotonic(), 0.0))


def _work(
    fetcher: Fetcher, info: WorkerInfo, jobs: Any, results: Any, stop: threading.Event
) -> None:
    """What a thread does; it holds nothing of the pool, which ends it when it is collected."""
    while (order := jobs.get()) is not None and not stop.is_set():
        job, context = order
        results.put(context.run(_fetch, fetcher, info, job))


def _fetch(
    fetcher: Fetcher, info: WorkerInfo, job: Job
) -> tuple[Any, bool, BaseException | None]:
    """A batch, whether somebody drew meanwhile, and what was raised."""
    worker_info.set(info)
    before = None if fetcher.plain else fetcher.shared.states()
    try:
        batch = fetcher.beside_others(job)
    except BaseException as error:
        return None, False, error
    return batch, before is not None and fetcher.shared.moved(before), None


class Careful(Owned):
    """Threads, unless items draw from generators that all threads share: then the caller's thread.

    The first batch is fetched by the caller, who sees whether its items draw.  If they do not,
    threads go on, and look whether somebody draws meanwhile; if so, the caller fetches that batch
    once more to see whether it was an item.  An order of draws that depends on which thread is
    first never reaches a batch of items that have numbers.
    """

    #: After so many alarms that were none (the caller's own code draws, say) the caller's thread
    #: fetches: to fetch most batches twice takes longer.
    ALARMS = 3

    def __init__(
        self,
        fetchers: Sequence[Fetcher],
        infos: Sequence[WorkerInfo],
        timeout: float,
        findings: Findings,
    ) -> None:
        super().__init__()
        self.caller, self.findings = Caller(fetchers, infos), findings
        self.make_threads = partial(Threads, fetchers, infos, timeout)
        self.threads: Threads | None = None
        self.jobs: list[deque[Job]] = [deque() for _ in fetchers]

    def submit(self, worker: int, job: Job) -> None:
        self.jobs[worker].append(job)
        if self.threads is not None:
            self.threads.submit(worker, job)

    def collect(self, worker: int) -> Any:
        if self._may_share() and self.threads is None:
            self._start_threads()
        job = self.jobs[worker].popleft()
        if not self.findings.looked:
            return self._look(worker, job)
        if self.threads is None:
            with self.caller.being(worker) as fetcher:
                return fetcher.alone(job)
        batch, suspicious = self.threads.collect_with_suspicion(worker)
        if suspicious and job.indices is not None:
            self.findings.false_alarms += 1
            return self._look(worker, job)
        return batch

    def _may_share(self) -> bool:
        """Whether threads may fetch: nobody draws from the generators that they share."""
        findings = self.findings
        return findings.looked and not findings.draw and findings.false_alarms < self.ALARMS

    def _start_threads(self) -> None:
        self.threads = self.make_threads()
        for worker, jobs in enumerate(self.jobs):
            for job in jobs:
                self.threads.submit(worker, job)

    def _look(self, worker: int, job: Job) -> Any:
        with self.caller.being(worker) as fetcher:
            batch, drew = fetcher.look(job)
        if self.threads is not None and not self._may_share():
            self.threads.close()
            self.threads = None
            if not drew:
                warnings.warn(
                    "DataLoader: something draws from numpy.random or random again and again "
                    f"while threads fetch items of {type(fetcher.dataset).__name__}, so that "
                    "nobody can tell whether an item drew. So that one seed gives one result, the "
                    "caller's thread fetches them from now on. To fetch them ahead, draw from "
                    "minigrad.random or a generator of your own, or use workers='processes'",
                    stacklevel=2,
                )
        if drew:
            warnings.warn(
                f"DataLoader: items of {type(fetcher.dataset).__name__} draw from numpy.random, "
                "random or a generator of the data set, which all threads share. So that one seed "
                "gives one result, the caller's thread fetches them. To fetch them ahead, draw "
                "from minigrad.random, or use workers='processes'",
                stacklevel=2,
            )
        return batch

    def forget(self) -> None:
        self.jobs = [deque() for _ in self.jobs]
        if self.threads is not None:
            self.threads.forget()

    def close(self, wait: bool = True) -> None:
        if self.threads is not None:
            self.threads.close(wait)
