"""Whether `compile` is tracing, and the numbers that a traced function may find changed at each call."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

__all__ = ["RunsAsItIs", "changing", "decided", "is_traced", "is_traced_number", "recorder", "repeat"]


class RunsAsItIs(Exception):
    """A function for which no program can stand; the message says why, and what to write."""


#: What writes down the calls of the function that is being traced, in this thread and task.
recorder: ContextVar[Any] = ContextVar("minigrad_recorder", default=None)
#: What traces a loop as one step (`minigrad.compiler.scanning`), once the compiler is there; see `minigrad.transforms.loops`.
repeat: Callable[..., Any] | None = None


def is_traced(x: Any) -> bool:
    """Whether x is an array of a function that is traced (`minigrad.arrays.traced.Traced`)."""
    return hasattr(type(x), "recorder")


def is_traced_number(x: Any) -> bool:
    """Whether x stands for a number of Python's in a function that is traced (`minigrad.compiler.numbers.Number`)."""
    return hasattr(type(x), "formula")


def decided(x: Any) -> Any:
    """The number in a traced array of one element; the program is made for it, and not used where it is another one."""
    return x.recorder.looked_at(x)


def changing(entries: dict[str, Any], source: dict[str, Any] | None = None) -> dict[str, Any]:
    """Say that the numbers in a dict may be others at each call of a compiled function: a learning rate, a count of steps.

    While `compile` traces, traced numbers take their places; else nothing happens.

    Args:
        entries: changed in place.
        source: where the numbers are read at each call; by default `entries` itself.

    >>> changing({"lr": 0.1})
    {'lr': 0.1}
    """
    writer = recorder.get()
    if writer is not None:
        writer.declare(entries, entries if source is None else source)
    return entries
