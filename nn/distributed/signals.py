"""Signals that end a job: who handles them, for how long, and which one the launcher sends to the ranks."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

__all__ = ["ENDING", "STOP", "handled", "stoppable"]

#: What the launcher sends.  An mpiexec hands it on to its processes and does no more; after Ctrl-C or SIGTERM Open MPI's
#: sends SIGTERM, and SIGKILL a quarter of a second later, which no setting of it changes.
STOP = getattr(signal, "SIGUSR1", signal.SIGTERM)
#: What ends a program, and is handed on.
ENDING = tuple(number for name in ("SIGINT", "SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)) is not None)


@contextmanager
def handled(
    numbers: tuple[Any, ...], handler: Callable[[int, FrameType | None], Any], where: Callable[[Any], bool]
) -> Iterator[None]:
    """Handle signals inside of the block; nothing outside of the main thread, where Python handles none.

    Args:
        where: whether to take the place of what handles one of them now.

    >>> with handled((signal.SIGINT,), lambda *which: print("arrived"), callable):
    ...     signal.raise_signal(signal.SIGINT)
    arrived
    """
    before: dict[Any, Any] = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: now for number in numbers if where(now := signal.getsignal(number))}
    try:
        for number in before:
            signal.signal(number, handler)
        yield
    finally:
        for number, now in before.items():
            signal.signal(number, now)


@contextmanager
def stoppable() -> Iterator[None]:
    """Inside of the block SIGTERM and what the launcher sends are a KeyboardInterrupt, as Ctrl-C is."""
    process = os.getpid()

    def stop(number: int, frame: FrameType | None) -> None:
        if os.getpid() != process:  # a worker that was forked in here ends as it would elsewhere
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        raise KeyboardInterrupt(f"ended by {signal.Signals(number).name}")

    with handled((signal.SIGTERM, STOP), stop, lambda now: now == signal.SIG_DFL):
        yield
