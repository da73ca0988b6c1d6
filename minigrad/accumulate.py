"""Adding up gradients, in place where nobody else looks at the memory; and whose memory it is."""

from __future__ import annotations

import threading
from sys import getrefcount
from typing import Any

import numpy as np
from numpy import ndarray

from . import backend, devices, graph, later
from .arrays.batch import Batch, levels_of
from .devices import on_gpu_of
from .graph import Node
from .references import HELD, OURS
from .tensor import Tensor, raw, wrap

__all__ = ["accumulate", "accumulate_leaf", "of_one_example", "outside", "own"]


# These two count the references to what they are given, so nothing may come between them and their callers: they
# follow the GPU of their arrays by themselves, without `devices.follow`.


def accumulate(total: Any, c: Any) -> Any:
    """total + c, in the buffer of the total where nobody else looks at it."""
    ours = type(total) is type(c) is ndarray and getrefcount(total) == OURS and total.base is None
    if ours:
        total += c
        return total
    if not devices.several:  # most often
        return total + c
    with on_gpu_of(total):
        return total + c


def own(g: Any) -> Tensor:
    """A result as users get it: writable memory that no other result, nor anything they passed, shares.

    It is copied only where somebody else may see it.  The caller holds it in one variable.
    """
    alone = getrefcount(g) == OURS
    if alone and type(g) is ndarray and g.base is None and g.dtype.kind != "c":
        return wrap(g, None)  # at once, what most gradients are
    if type(g) is ndarray:
        return _own(g, alone)
    with on_gpu_of(g):
        return _own(g, alone)


def _own(g: Any, alone: bool) -> Tensor:
    """The same for any kind of array; `alone`: whether nobody but the caller holds it."""
    if g.dtype.kind == "c":
        g, alone = np.conj(g), True
    if isinstance(g, Tensor):
        if alone and (g._node is not None or (getrefcount(g._array) == HELD and _alone(g._array))):
            return g
        return g.clone()  # type: ignore[attr-defined, no-any-return]
    return wrap(backend.as_array(g) if alone and _alone(g) else g.copy(), None)


def _alone(x: Any) -> bool:
    """Whether the memory of an array belongs to it: it has all of an array that it alone is a view of."""
    if type(x) is Batch:
        return getrefcount(x._array) == HELD and _alone(x._array)
    if getattr(x, "base", x) is None:
        return True
    whole = type(x) is ndarray and x.flags.writeable and type(x.base) is ndarray
    return whole and x.size == x.base.size and getrefcount(x.base) == HELD and x.base.base is None


# ------------------------------------------------------------------------------------ leaves


#: Held while a leaf's gradient is changed: backward passes of several threads may meet there.
_leaf_lock = threading.Lock()


def accumulate_leaf(node: Node, g: Any, create_graph: bool) -> None:
    """`leaf.grad += g`, in a buffer that belongs to the leaf alone.

    The GPU of g is the current one.  References are counted, so nothing may come between this and its caller.
    """
    if of_one_example(node, g):
        raise RuntimeError(
            f"backward() inside of vmap would leave the gradients of all examples in a tensor of shape {node.shape} "
            "that they share: use minigrad.grad inside of vmap, or call backward() outside of it"
        )
    if node.info is not None and node.info.receive is not None:
        node.info.receive(outside(g))
        return
    is_array = type(g) is ndarray or later.is_on_gpu(g)
    alone = is_array and getrefcount(g) == OURS and g.base is None
    ours = alone and g.flags.c_contiguous
    with _leaf_lock:
        if create_graph:
            shared = getrefcount(g) != OURS
            g = outside(g)
            if node.grad is not None:
                node.grad = node.grad + g
            else:
                node.grad = g.clone() if shared else g  # type: ignore[attr-defined]
        elif node.grad is None:
            node.grad = outside(g if ours else g.copy())
        elif node.grad._node is None:
            node.grad._array += outside(g)._array
            graph.mark_mutated(node.grad._array)
        else:
            node.grad = node.grad + outside(g)


def outside(g: Any) -> Tensor:
    """A cotangent as users see it: a Tensor, conjugated (see the head of `minigrad.backward`)."""
    if g.dtype.kind == "c":
        g = np.conj(g)
    return g if isinstance(g, Tensor) else wrap(backend.as_array(g), None)


def of_one_example(node: Node, g: Any) -> bool:
    """Whether gradients of several examples arrive at a node that they share, while a `vmap` is running."""
    if type(g) is ndarray:
        return False
    return any(level.active and level.began > node.order for level in levels_of(raw(g)))
