"""Work: a collective, or a message, that is under way."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

__all__ = ["Steps", "Work", "nothing"]

#: A collective, step by step: it yields MPI's requests, goes on when they are complete, and returns the result.
Steps = Generator[list[Any], None, Any]


def nothing() -> Steps:
    """A collective that moves no data: all have come to the same place."""
    yield []


class Work:
    """Something that goes on while the program does other things: what functions return with async_op=True.

    Args:
        what: what it is, in words, for errors.
        place: the number of the collective; None for a message between two ranks.
        steps: what is done, piece by piece.
        wait: called by `wait()`, with this; it goes on with the steps until they are done.

    >>> from nn import distributed
    >>> work = distributed.all_reduce(2.0, async_op=True)
    >>> work.wait()
    2.0

    Attributes:
        what, place: what was given.
        is_done: whether `wait()` would return at once.
    """

    def __init__(self, what: str, place: int | None, steps: Steps, wait: Callable[[Work], None]) -> None:
        self.what, self.place, self.is_done = what, place, False
        self._steps, self._wait = steps, wait
        self._requests: list[Any] = []
        self._result: Any = None
        self._error: Exception | None = None

    def begin(self) -> None:
        """Make the first request, and no other, so that all ranks make their first ones in the order of the calls."""
        self._step()

    def advance(self) -> bool:
        """Go as far as possible without waiting; whether it is done."""
        while not self.is_done:
            self._requests = [request for request in self._requests if not request.Test()]
            if self._requests:
                break
            self._step()
        return self.is_done

    def _step(self) -> None:
        try:
            self._requests = next(self._steps)
        except StopIteration as end:
            self._result, self.is_done = end.value, True
        except Exception as error:
            self._error, self.is_done = error, True

    @property
    def has_failed(self) -> bool:
        """Whether `wait()` would raise an error."""
        return self._error is not None

    def wait(self) -> Any:
        """Wait until it is done, and return its result.

        Raises:
            DistributedError: the other ranks do something else.
            DistributedTimeout: they do not come in time.
        """
        if not self.is_done:
            self._wait(self)
        if self._error is not None:
            raise self._error
        return self._result
