"""Adding up gradients, in place where nobody else looks at the memory; and whose memory it is."""

from __future__ import annotations

from sys import getrefcount
from typing import Any

import numpy as np
from numpy import ndarray

from . import backend
from .arrays.batch import Batch
from .devices import on_gpu_of
from .tensor import Tensor, wrap

__all__ = ["OURS", "accumulate", "own"]


def _references(x: object) -> int:
    return getrefcount(x)


def _references_of_ours() -> int:
    x = object()
    return _references(x)


#: How many references an array has that only a caller and its callee know: measured, since versions
#: of Python count differently.
OURS = _references_of_ours()


def _references_of_a_part() -> int:
    x = np.zeros(2)[1:]
    return getrefcount(x.base)


#: How many references an array has that one other object alone holds.
_HELD = _references_of_a_part()


# These two count the references to what they are given, so nothing may come between them and their callers: they
# follow the GPU of their arrays by themselves, without `devices.follow`.


def accumulate(total: Any, c: Any) -> Any:
    """total + c, in the buffer of the total where nobody else looks at it."""
    if (
        type(total) is type(c) is ndarray and getrefcount(total) == OURS and total.base is None
    ):
        total += c
        return total
    with on_gpu_of(total):
        return total + c


def own(g: Any) -> Tensor:
    """A result as users get it: writable memory that no other result, nor anything they passed, shares.

    It is copied only where somebody else may see it.  The caller holds it in one variable.
    """
    alone = getrefcount(g) == OURS
    if alone and type(g) is ndarray and g.base is None and g.dtype.kind != "c":
        return wrap(g, None)  # at once, what most gradients are
    with on_gpu_of(g):
        if g.dtype.kind == "c":
            g, alone = np.conj(g), True
        if isinstance(g, Tensor):
            if alone and (g._node is not None or (getrefcount(g._array) == _HELD and _alone(g._array))):
                return g
            return g.clone()  # type: ignore[attr-defined, no-any-return]
        return wrap(backend.as_array(g) if alone and _alone(g) else g.copy(), None)


def _alone(x: Any) -> bool:
    """Whether the memory of an array belongs to it: it has all of an array that it alone is a view of."""
    if type(x) is Batch:
        return getrefcount(x._array) == _HELD and _alone(x._array)
    if getattr(x, "base", x) is None:
        return True
    whole = type(x) is ndarray and x.flags.writeable and type(x.base) is ndarray
    return whole and x.size == x.base.size and getrefcount(x.base) == _HELD and x.base.base is None
