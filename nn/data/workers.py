"""Who fetches batches: the caller, threads or processes.  All have the same methods.

`submit(worker, job)` hands a job to a worker, `collect(worker)` gives its next result, `forget()` throws away what was
submitted and not collected, `close()` ends all workers.  `ours()` says whether they belong to this process: a forked one has
copies of its parent's, which it must not use.
"""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
import traceback
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from os import _exit as exit_now
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from minigrad import get_default_dtype, set_default_dtype

from .fetching import Fetcher, Findings, Job, WorkerInfo, worker_info
from .seeding import SharedGenerators

__all__ = ["Caller", "Careful", "Processes", "Threads", "Workers"]

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


class _Owned:
    """What belongs to the process that made it."""

    def __init__(self) -> None:
        self.process = os.getpid()

    def ours(self) -> bool:
        return os.getpid() == self.process


def _late(timeout: float) -> RuntimeError:
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


class Threads(_Owned):
    """Threads that end by themselves, also those that hang when the program ends."""

    def __init__(
        self, fetchers: Sequence[Fetcher], infos: Sequence[WorkerInfo], timeout: float
    ) -> None:
        super().__init__()
        self.timeout = timeout
        self.jobs: list[SimpleQueue[Job | None]] = [SimpleQueue() for _ in fetchers]
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
        self.jobs[worker].put(job)

    def collect(self, worker: int) -> Any:
        return self.collect_with_suspicion(worker)[0]

    def collect_with_suspicion(self, worker: int) -> tuple[Any, bool]:
        """A batch, and whether somebody drew from the generators of the process meanwhile."""
        try:
            batch, suspicious, error = self.results[worker].get(timeout=self.timeout or None)
        except Empty:
            raise _late(self.timeout) from None
        self.pending[worker] -= 1
        if error is not None:
            raise error
        return batch, suspicious

    def forget(self) -> None:
        for worker, results in enumerate(self.results):
            while self.pending[worker]:
                results.get()
                self.pending[worker] -= 1

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
    worker_info.set(info)
    while (job := jobs.get()) is not None and not stop.is_set():
        before = None if fetcher.plain else fetcher.shared.states()
        try:
            batch = fetcher.beside_others(job)
        except BaseException as error:
            results.put((None, False, error))
        else:
            suspicious = before is not None and fetcher.shared.moved(before)
            results.put((batch, suspicious, None))


class Careful(_Owned):
    """Threads, unless items draw from generators that all threads share: then the caller's thread.

    The first batch is fetched by the caller, who sees whether its items draw.  If they do not, threads go on, and look whether
    somebody draws meanwhile; if so, the caller fetches that batch once more to see whether it was an item.  An order of
    draws that depends on which thread is first never reaches a batch of items that have numbers.
    """

    #: After so many alarms that were none (the caller's own code draws, say) nobody looks any more.
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
        if self.findings.looked and not self.findings.draw and self.threads is None:
            self._start_threads()
        job = self.jobs[worker].popleft()
        if not self.findings.looked:
            return self._look(worker, job)
        if self.threads is None:
            with self.caller.being(worker) as fetcher:
                return fetcher.alone(job)
        batch, suspicious = self.threads.collect_with_suspicion(worker)
        if suspicious and job.indices is not None and self.findings.false_alarms < self.ALARMS:
            self.findings.false_alarms += 1
            return self._look(worker, job)
        return batch

    def _start_threads(self) -> None:
        self.threads = self.make_threads()
        for worker, jobs in enumerate(self.jobs):
            for job in jobs:
                self.threads.submit(worker, job)

    def _look(self, worker: int, job: Job) -> Any:
        with self.caller.being(worker) as fetcher:
            batch, drew = fetcher.look(job)
        if drew:
            if self.threads is not None:
                self.threads.close()
                self.threads = None
            warnings.warn(
                f"DataLoader: items of {type(fetcher.dataset).__name__} draw from numpy.random or random, which all threads "
                "share. So that one seed gives one result, the caller's thread fetches them. To fetch them ahead, draw from "
                "minigrad.random, or use workers='processes'",
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


# ------------------------------------------------------------------- processes


class Processes(_Owned):
    """Processes of their own.

    Each has two pipes' ends to the parent in one connection.  One thread of it does nothing but read jobs, so that it sees
    at once when the parent is gone, also when the parent was killed, and ends the process then.

    Raises:
        TypeError: the data set cannot be sent to a process.
    """

    def __init__(
        self,
        fetchers: Sequence[Fetcher],
        infos: Sequence[WorkerInfo],
        init: Init,
        timeout: float,
        context: Any,
    ) -> None:
        super().__init__()
        self.timeout = timeout
        self.pending = [0] * len(fetchers)
        self.connections: list[Any] = []
        self.processes: list[Any] = []
        try:
            for fetcher, info in zip(fetchers, infos, strict=True):
                self._start(context, fetcher, info, init)
        except BaseException:
            self.close(wait=False)
            raise

    def _start(self, context: Any, fetcher: Fetcher, info: WorkerInfo, init: Init) -> None:
        load: Any = (fetcher, info, init, get_default_dtype())
        ours, theirs = context.Pipe()
        inherited = (
            ours  # a forked process has everything already, also the parent's end of the pipe
        )
        if context.get_start_method() != "fork":
            load, inherited = _pickled(load), None
        self.connections.append(ours)
        name = f"minigrad data {info.id}"
        process = context.Process(
            target=_serve, args=(theirs, inherited, load, info.id), name=name, daemon=True
        )
        process.start()
        theirs.close()
        self.processes.append(process)

    def submit(self, worker: int, job: Job) -> None:
        self.pending[worker] += 1
        try:
            self.connections[worker].send(job)
        except OSError:
            raise self._ended(worker) from None

    def collect(self, worker: int) -> Any:
        connection = self.connections[worker]
        try:
            if self.timeout and not connection.poll(self.timeout):
                raise _late(self.timeout)
            batch, failure = connection.recv()
        except (EOFError, ConnectionError):
            raise self._ended(worker) from None
        self.pending[worker] -= 1
        if failure is not None:
            error, text = failure
            error.add_note(f"In worker process {worker}:\n{text}")
            raise error
        return batch

    def forget(self) -> None:
        for worker, connection in enumerate(self.connections):
            while self.pending[worker]:
                connection.recv()
                self.pending[worker] -= 1

    def _ended(self, worker: int) -> RuntimeError:
        process = self.processes[worker]
        process.join(PATIENCE)
        code = process.exitcode
        how = (
            f"was ended by {signal.Signals(-code).name}"
            if code is not None and code < 0
            else f"ended with exit code {code}"
        )
        return RuntimeError(
            f"DataLoader: worker process {worker} {how}. Was the memory full? Does the script that makes the loader do so under "
            "if __name__ == '__main__':, which processes need that are started anew? workers='threads' needs neither"
        )

    def close(self, wait: bool = True) -> None:
        end = time.monotonic() + (PATIENCE if wait else 0.0)
        for connection in self.connections:
            if wait:
                _try_to_stop(connection)
        for process in self.processes:
            process.join(max(end - time.monotonic(), 0.0))
            if process.is_alive():
                process.kill()
                process.join()
        for connection in self.connections:
            connection.close()


def _try_to_stop(connection: Any) -> None:
    try:
        connection.send(None)
    except OSError:  # it has ended already
        return


def _dumps(value: Any) -> bytes:
    from multiprocessing.reduction import (
        ForkingPickler,
    )  # takes 8 ms, which loaders without processes do not need

    return bytes(ForkingPickler.dumps(value))


def _pickled(load: Any) -> bytes:
    try:
        return _dumps(load)
    except Exception as error:
        raise TypeError(
            f"DataLoader: the data set, collate_fn or worker_init_fn cannot be sent to a worker process: {error}. {_ADVICE}"
        ) from error


_ADVICE = (
    "Classes and functions for worker processes stand at the top of a module that can be imported, not in a notebook, "
    "in a function or in a lambda. Move them to a file, or use workers='threads' (or, on Linux, "
    "multiprocessing_context='fork')"
)


def _failure(error: Exception) -> tuple[Exception, str]:
    """An error as it can be sent: itself, if it survives that, and its traceback."""
    text = traceback.format_exc()
    try:
        copy = pickle.loads(pickle.dumps(error))
        if type(copy) is type(error):
            return error, text
    except Exception:
        pass
    return RuntimeError(f"{type(error).__name__}: {error}"), text


def _read(connection: Any, jobs: SimpleQueue[Job | None]) -> None:
    """Take up jobs; end the process when the parent is gone."""
    while True:
        try:
            jobs.put(connection.recv())
        except (EOFError, OSError):
            exit_now(1)


def _serve(connection: Any, inherited: Any, load: Any, worker: int) -> None:
    """What a worker process does.

    Args:
        inherited: the parent's end of the pipe, which stays open behind a parent that is killed unless it is closed here.
    """
    if inherited is not None:
        inherited.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, which ends its workers
    jobs: SimpleQueue[Job | None] = SimpleQueue()
    threading.Thread(target=_read, args=(connection, jobs), daemon=True).start()
    try:
        try:
            fetcher, info, init, dtype = pickle.loads(load) if isinstance(load, bytes) else load
        except Exception as error:
            message = (
                f"DataLoader: a worker process cannot make the data set anew: {error}. {_ADVICE}"
            )
            raise RuntimeError(message) from error
        worker_info.set(info)
        set_default_dtype(dtype)
        if init is not None:
            with SharedGenerators().seeded(info.seed):
                init(worker)
    except Exception as error:
        connection.send((None, _failure(error)))
        return
    while (job := jobs.get()) is not None:
        _answer(connection, fetcher, job)


def _answer(connection: Any, fetcher: Fetcher, job: Job) -> None:
    try:
        batch = _dumps((fetcher.alone(job), None))
    except Exception as error:
        batch = _dumps((None, _failure(error)))
    try:
        connection.send_bytes(batch)
    except OSError:  # the parent is gone
        exit_now(1)
