"""Failures: a rank that fails ends the whole job, with a message, instead of leaving the others to wait."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

__all__ = ["DistributedError", "DistributedTimeout", "Guard"]


class DistributedError(RuntimeError):
    """The ranks do not do the same: they call different collectives, or with other shapes, dtypes or options."""


class DistributedTimeout(DistributedError):
    """Another rank did not come to a collective, or sent no message, in time."""


class Guard:
    """Ends the job of all ranks where this one fails.

    Args:
        abort: ends all processes of the job with an exit status.
        farewell: waits a moment for the others, which have found the same error, so that each can print it.
        finish: is called where the program ends as it should.
    """

    def __init__(self, abort: Callable[[int], Any], farewell: Callable[[], Any], finish: Callable[[], Any]) -> None:
        self.abort, self.farewell, self.finish = abort, farewell, finish
        self.process = os.getpid()  # a forked worker inherits the hooks, but is no rank
        self.is_first = True

    def install(self) -> None:
        """Put the hooks in place."""
        self._outer_hook, self._outer_thread_hook = sys.excepthook, threading.excepthook
        sys.excepthook, threading.excepthook = self._of_main, self._of_thread
        atexit.register(self._at_exit)

    def _of_main(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        self._outer_hook(kind, error, trace)
        self._end(error)

    def _of_thread(self, args: threading.ExceptHookArgs) -> None:
        self._outer_thread_hook(args)
        if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
            self._end(args.exc_value)

    def _end(self, error: BaseException) -> None:
        if os.getpid() != self.process:
            return
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        if isinstance(error, DistributedError):
            self.farewell()
        self.abort(130 if isinstance(error, KeyboardInterrupt) else 1)

    def _at_exit(self) -> None:
        if os.getpid() != self.process:
            return
        try:
            self.finish()
        except BaseException as error:  # nothing above would print it, and the other ranks wait
            self._of_main(type(error), error, error.__traceback__)
