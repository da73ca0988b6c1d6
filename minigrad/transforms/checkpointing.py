"""Memory for time: `checkpoint`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar

import numpy as np

from .. import graph, random
from ..backward import propagate
from ..graph import Node
from ..op import Op
from ..ops.conversion import clone
from ..tensor import Tensor, wrap
from ..trees import flatten, tree_map, unflatten
from .recording import name_of

__all__ = ["checkpoint"]

P = ParamSpec("P")
R = TypeVar("R")


def checkpoint(function: Callable[P, R]) -> Callable[P, R]:
    """The same function, which computes its intermediate results again in the backward pass.

    Memory for time (Chen et al., "Training deep nets with sublinear memory cost", 2016): they are
    forgotten in between.  Gradients also reach tensors that the function uses without getting them
    as arguments, such as the parameters of a module.  Random numbers are drawn the same way both
    times.

    Raises:
        TypeError: what is given is no function.
        RuntimeError: in the backward pass: the function returns other shapes than the first time.

    >>> x = Tensor(2.0, requires_grad=True)
    >>> checkpoint(lambda x: x.exp().log())(x).backward()
    >>> x.grad
    Tensor(1., dtype=float32)
    """
    if not callable(function):
        raise TypeError(f"checkpoint takes a function and gives one, it got {type(function).__name__}")

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        call = _Call(function, args, kwargs)
        began = next(graph.clock)
        out = call.run([Tensor(x._array, requires_grad=True) for x in call.inputs])
        outs = _tensors(out)
        values = tuple(t._array for t in outs)
        # The nodes are all that this recording is for; it is dropped at the end.
        call.closed_over = _older_nodes(outs, began)
        del outs
        if call.inputs or call.closed_over:
            stand_ins = [wrap(np.zeros(()), n) for n in call.closed_over]
            results = iter(_OP.function(*call.inputs, *stand_ins, values=values, call=call))
        else:
            results = iter([wrap(value, None) for value in values])
        return tree_map(lambda t: next(results) if isinstance(t, Tensor) else t, out)

    return wrapped


def _forward(*tensors: Any, values: tuple[Any, ...], call: _Call) -> tuple[Any, ...]:
    """What a function has returned for the tensors; its gradient comes from running it again."""
    return values


def _pull_back(g: Any, needs: tuple[bool, ...], tensors: tuple[Any, ...], call: _Call) -> list[Any]:
    return call.pull_back(g, tensors)


_OP = Op(_forward, {}, joint=_pull_back, inputs=("tensors",), name="checkpoint")


class _Call:
    """One call of a function, which can be run again with other tensors for its inputs.

    Attributes:
        inputs: those leaves of the arguments that are Tensors and require a gradient.
        closed_over: the nodes that the function uses beside its arguments.
    """

    def __init__(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.function = function
        self.arguments = (args, kwargs)
        self.leaves = flatten(self.arguments)
        self.places = [
            i for i, x in enumerate(self.leaves) if isinstance(x, Tensor) and x.requires_grad
        ]
        self.inputs = [self.leaves[i] for i in self.places]
        self.closed_over: list[Node] = []
        self.random_state = random.get_state()

    def run(self, tensors: Sequence[Tensor]) -> Any:
        """What the function returns for other inputs."""
        given = list(self.leaves)
        for place, tensor in zip(self.places, tensors, strict=True):
            given[place] = tensor
        args, kwargs = unflatten(self.arguments, iter(given))
        return self.function(*args, **kwargs)

    def pull_back(self, g: Any, tensors: Sequence[Any]) -> list[Any]:
        """The cotangents of the inputs and of what the function uses beside them."""
        proxies = [
            clone(t) if isinstance(t, Tensor) else Tensor(t, requires_grad=True)
            for t in tensors[: len(self.places)]
        ]
        now = random.get_state()
        random.set_state(self.random_state)
        try:
            with graph.recording():
                outs = _tensors(self.run(proxies))
        finally:
            random.set_state(now)
        nodes = [t._node for t in proxies if t._node is not None] + self.closed_over
        cotangents = g if isinstance(g, tuple) else (g,)
        now_shapes, shapes = [t.shape for t in outs], [c.shape for c in cotangents]
        if now_shapes != shapes:
            raise RuntimeError(
                f"checkpoint: {name_of(self.function)} returned the shapes {shapes}, but {now_shapes} when it ran again for "
                "the gradient: it must compute the same both times"
            )
        higher = any(isinstance(t, Tensor) for t in tensors)
        found = propagate(outs, cotangents, nodes, higher, None)
        return [found.get(n) for n in nodes]


def _tensors(out: Any) -> list[Tensor]:
    return [x for x in flatten(out) if isinstance(x, Tensor)]


def _older_nodes(outputs: Sequence[Tensor], began: int) -> list[Node]:
    """The nodes, made before a moment, that the recording of outputs leads back to."""
    stack = [t._node for t in outputs if t._node is not None]
    seen, older = set(stack), []
    while stack:
        node = stack.pop()
        if node.order < began:
            older.append(node)
            continue
        for parent in node.parents:
            if parent is not None and parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return older
