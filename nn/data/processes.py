"""Processes that fetch batches, and end with their parent."""

from __future__ import annotations

import pickle
import signal
import threading
import time
import traceback
from collections.abc import Sequence
from os import _exit as exit_now
from queue import SimpleQueue
from typing import Any

from minigrad import get_default_dtype, is_grad_enabled, set_default_dtype, set_grad_enabled

from .fetching import Fetcher, Job, WorkerInfo, worker_info
from .seeding import SharedGenerators
from .workers import PATIENCE, Init, Owned, late

__all__ = ["Processes"]

#: What an idle worker is asked before a new epoch; it answers at once.
PING = "are you there?"


class Processes(Owned):
    """Processes of their own.

    Each has one connection to the parent, for jobs and for results.  A thread in it does nothing
    but read jobs.  So it sees at once when the parent is gone, also when the parent was killed,
    and ends the process then.

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
        # A forked process has everything already, also the parent's end of the pipe.
        inherited = ours
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
            self.connections[worker].send((job, is_grad_enabled()))
        except OSError:
            raise self._ended(worker) from None

    def collect(self, worker: int) -> Any:
        batch, failure = self._receive(worker)
        if failure is not None:
            error, text = failure
            error.add_note(f"In worker process {worker}:\n{text}")
            raise error
        return batch

    def _receive(self, worker: int) -> tuple[Any, tuple[Exception, str] | None]:
        """The next result of a worker, also one that is an error."""
        connection = self.connections[worker]
        try:
            if self.timeout and not connection.poll(self.timeout):
                raise late(self.timeout)
            result = connection.recv()
        except (EOFError, ConnectionError):
            raise self._ended(worker) from None
        self.pending[worker] -= 1
        return result

    def forget(self) -> None:
        for worker, process in enumerate(self.processes):
            while self.pending[worker]:
                self._receive(worker)
            if not process.is_alive():
                raise self._ended(worker)
        self._wait_for_signs_of_life()

    def _wait_for_signs_of_life(self) -> None:
        """A worker that was just killed may look alive still, but it does not answer."""
        for worker, connection in enumerate(self.connections):
            self.pending[worker] += 1
            try:
                connection.send(PING)
            except OSError:
                raise self._ended(worker) from None
        for worker in range(len(self.connections)):
            self._receive(worker)

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
            f"DataLoader: worker process {worker} {how}. Was the memory full? Does the script that "
            "makes the loader do so under if __name__ == '__main__':, which processes need that "
            "are started anew? workers='threads' needs neither"
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
    # The import takes 8 ms, which loaders without processes do not need.
    from multiprocessing.reduction import ForkingPickler

    return bytes(ForkingPickler.dumps(value))


def _pickled(load: Any) -> bytes:
    try:
        return _dumps(load)
    except Exception as error:
        raise TypeError(
            "DataLoader: the data set, collate_fn or worker_init_fn cannot be sent to "
            f"a worker process: {error}. {_ADVICE}"
        ) from error


_ADVICE = (
    "Classes and functions for worker processes stand at the top of a module that can be "
    "imported, not in a notebook, "
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


def _read(connection: Any, jobs: SimpleQueue[tuple[Job, bool] | str | None]) -> None:
    """Take up jobs; end the process when the parent is gone."""
    while True:
        try:
            jobs.put(connection.recv())
        except (EOFError, OSError):
            exit_now(1)


def _serve(connection: Any, inherited: Any, load: Any, worker: int) -> None:
    """What a worker process does.

    Args:
        inherited: the parent's end of the pipe, which stays open behind a parent that is killed
            unless it is closed here.
    """
    if inherited is not None:
        inherited.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, which ends its workers
    jobs: SimpleQueue[tuple[Job, bool] | str | None] = SimpleQueue()
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
    while (order := jobs.get()) is not None:
        if order == PING:
            connection.send((None, None))
        else:
            _answer(connection, fetcher, *order)


def _answer(connection: Any, fetcher: Fetcher, job: Job, grad: bool) -> None:
    try:
        with set_grad_enabled(grad):  # as in the caller
            found = fetcher.alone(job)
        batch = _dumps((found, None))
    except Exception as error:
        batch = _dumps((None, _failure(error)))
    try:
        connection.send_bytes(batch)
    except OSError:  # the parent is gone
        exit_now(1)
