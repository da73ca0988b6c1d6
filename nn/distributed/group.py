"""The group of all ranks: what they do together is agreed upon, in order, and waited for with a deadline."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from functools import partial
from hashlib import blake2b
from typing import Any

import numpy as np

from .failures import DistributedError, DistributedTimeout
from .work import Steps, Work, nothing

__all__ = ["ProcessGroup"]

#: How many characters of a collective's description errors show.
TEXT = 512
#: After how many seconds a rank tells the others what it waits for.
SLOW = 1.0
#: How long to look again and again before each look is followed by a pause, and the longest pause, in seconds.
EAGER, PAUSE = 2e-4, 1e-3
#: What a rank does at its end; the others see it as a collective.
END = "the end of the program"


class ProcessGroup:
    """All ranks of a job.

    Each collective begins with an agreement: 16 bytes, from which every rank sees whether all call the same one, with the same
    shapes, dtypes and options.  Its data move afterwards, one collective after the other, so that ranks that
    disagree raise an error in place of waiting, or of reading each other's numbers wrongly.

    Args:
        mpi: the module mpi4py.MPI; None for a process that is alone.
        comm: the communicator with all ranks.
        timeout: how many seconds to wait for the others.
    """

    def __init__(self, mpi: Any, comm: Any, timeout: float) -> None:
        self.mpi, self.timeout, self.process = mpi, timeout, os.getpid()
        self.rank: int = 0 if comm is None else comm.rank
        self.size: int = 1 if comm is None else comm.size
        self.calls = 0  # of collectives
        self.failure: str | None = None
        self.gpus: dict[str, Any] = {}  # by the name of a device: how its rank reaches the other GPUs, if it can
        self._queue: deque[Work] = deque()
        self._lock = threading.RLock()
        self.thread: threading.Thread | None = None  # which calls collectives
        if self.size > 1:  # messages on one communicator never meet those on another
            self.data, self.messages = comm.Dup(), comm.Dup()
            self._agreements, self._differences, self._notes = comm.Dup(), comm.Dup(), comm.Dup()
        self._messages: list[Work] = []  # that are under way, whose memory must stay, in the order of the calls
        self._sent: list[tuple[bytes, Any]] = []  # notes whose memory must stay, and their requests
        self._seen: dict[int, tuple[int, str]] = {}  # of other ranks: where they wait

    # ------------------------------------------------------------------------------ collectives

    def start(self, what: str, steps: Steps) -> Work:
        """Begin a collective.  `what` must be the same text on all ranks."""
        with self._lock:
            self._check()
            self._check_thread(what)
            self.calls += 1
            work = Work(what, self.calls, self._agreed(what, self.calls, steps), self.wait)
            work.begin()  # the agreement is on its way; the data wait for their turn
            self._queue.append(work)
            self.poll()
            if self.size > 1:
                self.seen()  # others tell much where this rank, which is slow, never has to wait
        return work

    def poll(self) -> None:
        """Let what is under way go on; costs little where nothing is."""
        with self._lock:
            while self._queue and self._queue[0].advance():
                work = self._queue.popleft()
                if work.has_failed and self._queue:
                    self.failure = f"{work.what} has failed while others were under way"

    def _check(self) -> None:
        """Nothing is begun in a forked worker, or after a failure that has left the ranks at different places."""
        if os.getpid() != self.process:
            raise RuntimeError("a worker process is no rank: only the process that mpiexec has started meets the others")
        if self.failure is not None:
            raise DistributedError(f"the ranks cannot go on together: {self.failure}; start the job again")

    def _check_thread(self, what: str) -> None:
        """Collectives of two threads would come in another order on each rank, and their numbers would mix."""
        here = threading.current_thread()
        if self.size > 1 and self.thread is not None and self.thread is not here and self.thread.is_alive():
            raise RuntimeError(
                f"{what}: the thread {here.name!r} calls it, but {self.thread.name!r} has called collectives before, and ranks "
                "could not tell whose is whose: call all in one thread; init() in another thread makes it that one from then on"
            )
        self.thread = here

    def _agreed(self, what: str, place: int, steps: Steps) -> Steps:
        if self.size > 1:
            key = int.from_bytes(blake2b(f"{place} {what}".encode(), digest_size=7).digest())
            mine, largest = np.array([key, -key]), np.empty(2, np.int64)
            yield [self._agreements.Iallreduce(mine, largest, self.mpi.MAX)]
            if largest[0] != -largest[1]:
                yield from self._disagree(what, place)
        return (yield from steps)

    def _disagree(self, what: str, place: int) -> Steps:
        calls = yield from self.texts(what)
        other = next(rank for rank, call in enumerate(calls) if call != calls[0])
        first, second = apart(calls[0], calls[other])
        raise DistributedError(
            f"the ranks disagree about collective {place}: rank 0 calls {first}, but rank {other} calls {second}. All ranks "
            "must call the same collectives in the same order, with equal shapes and dtypes, and run as many backward passes; "
            "what decides by a loss, such as the closure of LBFGS, needs that of all: all_reduce(loss.detach(), 'mean')"
        )

    def texts(self, text: str) -> Steps:
        """Each rank's text, which may differ, in a list."""
        if self.size == 1:
            return [text]
        mine, lengths = np.frombuffer(text.encode(), np.uint8), np.empty(self.size, np.int64)
        yield [self._differences.Iallgather(np.array([len(mine)]), lengths)]
        whole = np.empty(lengths.sum(), np.uint8)
        yield [self._differences.Iallgatherv(mine, [whole, lengths.tolist(), None, self.mpi.BYTE])]
        return [part.tobytes().decode() for part in np.split(whole, np.cumsum(lengths)[:-1])]

    def message(self, what: str, steps: Steps, src: int | None = None) -> Work:
        """Begin to send a message, or to receive one from another rank."""
        with self._lock:
            self._check()
            work = Work(what, None, steps, partial(self.wait, src=src))
            work.begin()
            self._messages.append(work)
            self._move_messages()
        return work

    def _move_messages(self) -> None:
        """Let messages go on; of those with the same rank and tag only the first one, so that each gets its own numbers."""
        waiting: set[str] = set()
        left = []
        for message in self._messages:
            if message.what in waiting or not message.advance():
                waiting.add(message.what)
                left.append(message)
        self._messages = left

    # ---------------------------------------------------------------------------------- waiting

    def wait(self, work: Work, timeout: float | None = None, src: int | None = None) -> None:
        """Wait until something is done; see `Work.wait`.

        Args:
            timeout: in place of the group's.
            src: the rank from which a message comes.
        """
        began, pause, told = time.monotonic(), 0.0, False
        limit = self.timeout if timeout is None else timeout
        while not self._advance(work):
            waited = time.monotonic() - began
            if waited > SLOW and src is not None and self.seen().get(src, (0, ""))[1] == END:
                limit = min(limit, SLOW)
            if waited > limit:
                self.failure = f"{work.what} was waited for too long"
                raise DistributedTimeout(self._late(work, waited, src))
            if waited > SLOW and not told and work.place is not None:
                self.tell(work.place, work.what)
                told = True
            if waited > EAGER:
                pause = min(PAUSE, pause + 2e-5)
                time.sleep(pause)

    def _advance(self, work: Work) -> bool:
        if work.place is None:
            with self._lock:
                self._move_messages()
        else:
            self.poll()
        return work.is_done

    def tell(self, place: int, what: str) -> None:
        """Tell the other ranks where this one waits, for the errors of those for whom it becomes too long."""
        note = f"{place} {what}".encode()[:TEXT]
        others = (rank for rank in range(self.size) if rank != self.rank)
        with self._lock:
            self._sent = [(text, request) for text, request in self._sent if not request.Test()]
            self._sent += [(note, self._notes.Isend([note, self.mpi.BYTE], rank)) for rank in others]

    def seen(self) -> dict[int, tuple[int, str]]:
        """Where other ranks wait, as far as they have told."""
        with self._lock:
            status = self.mpi.Status()
            while self._notes.Iprobe(status=status):
                note = bytearray(status.Get_count(self.mpi.BYTE))
                self._notes.Recv([note, self.mpi.BYTE], status.source)
                place, _, what = note.decode(errors="replace").partition(" ")
                self._seen[status.source] = int(place), what
            return self._seen

    def _late(self, work: Work, waited: float, src: int | None) -> str:
        begin = f"rank {self.rank} has waited {waited:.1f} s"
        if src is not None and self.seen().get(src, (0, ""))[1] == END:
            return f"{begin} for {work.what}, which has reached the end of the program without sending it"
        if work.place is None:
            return f"{begin} for {work.what}; init(timeout=...) sets how long to wait"
        late = []
        for rank in range(self.size):
            place, what = self.seen().get(rank, (0, ""))
            if rank != self.rank and place < work.place:
                late.append(f"rank {rank}" + (f" (last seen in collective {place}, {what})" if place else ""))
        missing = f"{', '.join(late)} did not come" if late else "all ranks are there, but the data do not move"
        return f"{begin} in collective {work.place}, {work.what}: {missing}; init(timeout=...) sets how long to wait"

    # -------------------------------------------------------------------------------------- end

    def farewell(self) -> None:
        """Wait a moment for the others, which have found the same error."""
        if self.size > 1:
            self._within(self._differences.Ibarrier(), 1.0)

    def finish(self) -> None:
        """The end of the program, which all ranks must reach."""
        if self.size > 1:
            self.thread = None
            self.tell(self.calls + 1, END)
            end = self.start(END, nothing())
            self.wait(end, float("inf"))  # others may have work to do; where one fails, this process is ended
            end.wait()
            for message in self._messages:
                self.wait(message, SLOW)
            self.seen()

    def abort(self, status: int) -> None:
        """End all processes of the job."""
        sys.stderr.flush()
        self.data.Abort(status)

    @staticmethod
    def _within(request: Any, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not request.Test() and time.monotonic() < end:
            time.sleep(PAUSE)


def apart(first: str, second: str) -> tuple[str, str]:
    """Two long texts, from a little before the place where they begin to differ.

    >>> apart("all_reduce(sum) of x: int64 ()", "all_reduce(max) of x: int64 ()")
    ('all_reduce(sum) of x: int64 ()', 'all_reduce(max) of x: int64 ()')
    """
    same = next((i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second)))
    begin = max(0, same - TEXT // 4)
    return tuple("..." * (begin > 0) + text[begin : begin + TEXT] for text in (first, second))  # type: ignore[return-value]
