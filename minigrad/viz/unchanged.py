"""To run what changes something, and leave everything as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..backend import is_plain
from ..compiler.state import reachable
from ..graph import mark_mutated
from ..random.state import get_state, set_state

__all__ = ["as_before"]


@contextmanager
def as_before(*roots: Any) -> Iterator[Callable[[], None]]:
    """Afterwards all that can be reached from objects is as it was: numbers, gradients, containers, random streams.

    Gives a function that makes it so in between, too.

    >>> from minigrad import Tensor
    >>> w = Tensor([1.0, 2.0], requires_grad=True)
    >>> with as_before({"w": w}):
    ...     w.data[0] = 7.0
    >>> w.tolist()
    [1.0, 2.0]
    """
    state, streams = reachable(*roots), get_state()
    tensors = [(t, t._array, t.grad) for t in state.tensors if is_plain(t._array)]
    places = [(place, place.get()) for place in [*state.arrays, *(place for place, _ in state.fixed)] if place.exists]
    arrays = {id(x): (x, x.copy()) for x in [*(x for _, x, _ in tensors), *(x for _, x in places)] if is_plain(x)}
    contents = [(holder, holder.copy()) for holder, _ in state.holders]

    def rewind() -> None:
        for x, numbers in arrays.values():
            if x.tobytes() != numbers.tobytes():
                x[...] = numbers
                mark_mutated(x)
        for holder, held in contents:
            holder.clear()
            (holder.update if isinstance(holder, dict) else holder.extend)(held)
        for place, x in places:
            if place.get() is not x:
                place.set(x)
        for t, array, grad in tensors:
            t._array = array
            if t.grad is not grad:
                t.grad = grad
        set_state(streams)

    try:
        yield rewind
    finally:
        rewind()
