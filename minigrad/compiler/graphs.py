"""Stretches of a program on a GPU: launched one by one the first time, then as one *CUDA graph*.

To launch a kernel costs Python some microseconds, and a small one runs for fewer.  A graph is a list of launches that the
driver has written down (it *captures* what a stream is given), and starts as one.  It knows addresses: so a stretch has
graphs for the arrays that it met, and memory of its own for what is made in it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from ..backend import cupy

__all__ = ["Stretch", "addresses", "enabled"]

#: Whether graphs are made; else each stretch is launched piece by piece.
enabled = True
#: Graphs of a stretch: one for each of two calls in turn, and some more where arrays were replaced.
KEPT = 4
#: A stretch that met so many sets of arrays meets others at each call: no graph is made any more.
MOST = 12

_streams: dict[int, Any] = {}
_lock = threading.Lock()


class Stretch:
    """Launches that depend on nothing but arrays: no number of Python's, and nothing that waits for the GPU.

    Args:
        function: launches them; of the arrays that may be others at each call, and gives what is needed later.
        source: its text.

    Attributes:
        state: what a call does, in words.
        made: how many graphs were made.
    """

    def __init__(self, function: Callable[..., tuple[Any, ...]], source: str) -> None:
        self.function, self.source = function, source
        self.state = "launched one by one"
        self.made, self._warm = 0, False
        self._known: dict[Any, tuple[Any, tuple[Any, ...]]] = {}
        self._pool: Any = None

    def __call__(self, *arrays: Any) -> tuple[Any, ...]:
        if not (enabled and self._warm and self.made < MOST):
            self._warm = True  # which the first call does: functions that are not compiled yet cannot be captured
            return self.function(*arrays)
        key = (*addresses(arrays), cupy().cuda.get_current_stream().ptr)
        if key not in self._known and not self._capture(key, arrays):
            return self.function(*arrays)
        graph, results = self._known[key]
        graph.launch()
        return results

    def _capture(self, key: Any, arrays: tuple[Any, ...]) -> bool:
        """Make a graph, if that can be done."""
        self.made += 1
        if len(self._known) >= KEPT:
            self._known.clear()
        if self.made == MOST:
            self.state = "launched one by one: other arrays at each call"
            self._known.clear()
            return False
        library = cupy()
        self._pool = self._pool or library.cuda.MemoryPool()
        try:
            with _lock, library.cuda.using_allocator(self._pool.malloc), _stream(library) as stream:
                stream.begin_capture()
                try:
                    results = self.function(*arrays)
                finally:
                    graph = stream.end_capture()
        except Exception as error:  # whatever CUDA or CuPy refuse: what was to be captured has not run
            self.made = MOST
            self.state = f"launched one by one: {type(error).__name__}: {error}"
            return False
        self._known[key] = graph, results
        self.state = "a graph"
        return True


def addresses(arrays: Sequence[Any]) -> tuple[int, ...]:
    """Where arrays lie."""
    return tuple([x.data.ptr for x in arrays])


def _stream(library: Any) -> Any:
    """The stream of this device that is given what is captured: work that runs is on others."""
    device = library.cuda.runtime.getDevice()
    if device not in _streams:
        _streams[device] = library.cuda.Stream(non_blocking=True)
    return _streams[device]
