"""`Stream.begin_capture` and `end_capture`, and `cupy.cuda.Graph`: calls are written down, and run when the graph is launched.

While a stream captures nothing runs: at its end all memory is as it was before, and what was made meanwhile holds NaN.  A
graph's launch makes the calls again, with the same arrays, and puts the results where those of the capture are.  What CUDA
cannot capture is an error: to look at a number, and to copy from main memory.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from . import counts, memory

__all__ = ["Capture", "Graph", "captured"]


class Graph:
    """`cupy.cuda.Graph`."""

    def __init__(self, calls: list[tuple[Any, ...]]) -> None:
        self.calls = calls

    def launch(self, stream: Any = None) -> None:
        counts.launched("graph")
        with counts.uncounted():
            for f, args, kwargs, result in self.calls:
                for old, new in zip(arrays_in(result), arrays_in(f(*args, **kwargs)), strict=True):
                    if old._a is not new._a and not np.may_share_memory(old._a, new._a):
                        old._a[...] = new._a


class Capture:
    """What a stream is given, written down; `depth` of calls, since some call others."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.depth = 0
        self.before = {id(mem): (mem, bytes_of(mem).copy()) for mem in list(memory.alive)}
        counts.captures.append(self)

    def end(self) -> Graph:
        counts.captures.remove(self)
        for mem in list(memory.alive):
            _, old = self.before.get(id(mem), (None, 0xFF))
            bytes_of(mem)[:] = old
        return Graph(self.calls)


def bytes_of(mem: memory.PooledMemory) -> np.ndarray:
    """All bytes of a memory that an array owns; what is read only stays as it is."""
    owner, _, _ = mem.place
    if not owner.flags.writeable or not owner.size:
        return np.empty(0, np.uint8)
    return np.lib.stride_tricks.as_strided(owner, (owner.size,), (owner.itemsize,)).view(np.uint8)


def captured(f: Callable[..., Any]) -> Callable[..., Any]:
    """Write the calls of a function down while a stream captures."""

    @functools.wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        if not counts.captures or counts.captures[-1].depth:
            return f(*args, **kwargs)
        capture = counts.captures[-1]
        capture.depth += 1
        try:
            result = f(*args, **kwargs)
        finally:
            capture.depth -= 1
        capture.calls.append((f, *map(again, (args, kwargs, result))))
        return result

    return call


def again(x: Any) -> Any:
    """The same arrays as other objects: a graph knows addresses, and is no reason for an array to stay."""
    if isinstance(x, dict):
        return {k: again(v) for k, v in x.items()}
    if type(x) in (tuple, list):
        return type(x)(map(again, x))
    if not hasattr(x, "_a"):
        return x
    made = object.__new__(type(x))
    vars(made).update(vars(x))
    return made


def arrays_in(x: Any) -> list[Any]:
    """The stand-in's arrays in a result."""
    if isinstance(x, (tuple, list)):
        return [a for part in x for a in arrays_in(part)]
    return [x] if hasattr(x, "_a") else []
