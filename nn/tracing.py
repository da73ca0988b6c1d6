"""Which module made which part of a graph: ops get the path of the module whose forward called them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import Any

from minigrad.graph import clock

from .module import Module

__all__ = ["trace"]


def trace(module: Module, *inputs: Any) -> tuple[Any, Callable[[int], str]]:
    """Run a module; returns its output, and a function from the number of a node to the path of the module that made it.

    Nodes are numbered as they are created, so a module's forward owns the numbers between its beginning and its end that no
    module inside it owns.

    >>> import nn
    >>> from minigrad import Tensor
    >>> out, path_of = trace(nn.Sequential(nn.Linear(2, 3), nn.ReLU()), Tensor([[1.0, 2.0]]))
    >>> path_of(out._node.order), path_of(out._node.parents[0].order)
    ('1', '0')
    """
    times, owners, stack = [0], [""], [""]
    removers: list[Callable[[], None]] = []

    def mark(path: str) -> None:
        times.append(next(clock))
        owners.append(path)

    def watch(path: str, inner: Module) -> None:
        def enter(*_: Any) -> None:
            stack.append(path)
            mark(path)

        def leave(*_: Any) -> None:
            stack.pop()
            mark(stack[-1])

        removers.extend((inner.register_forward_pre_hook(enter), inner.register_forward_hook(leave)))

    for path, inner in module.named_modules():
        watch(path, inner)
    try:
        out = module(*inputs)
    finally:
        for remove in removers:
            remove()
    return out, lambda order: owners[bisect_right(times, order) - 1]
