"""Memory for time: `checkpoint`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any

import numpy as np

from .. import graph, random
from ..backward import propagate
from ..graph import Node
from ..op import Op
from ..primitive import clone
from ..tensor import Tensor, wrap
from ..trees import flatten, tree_map, unflatten

__all__ = ["checkpoint"]


def checkpoint(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, which forgets its intermediate results and computes them again in the backward pass.

    Memory for time (Chen et al., "Training deep nets with sublinear memory cost", 2016).  Gradients also reach
    tensors that the function uses without getting them as arguments, such as the parameters of a
    module.  Random numbers are drawn the same way both times.

    >>> x = Tensor(2.0, requires_grad=True)
    >>> checkpoint(lambda x: x.exp().log())(x).backward()
    >>> x.grad
    Tensor(1., dtype=float32)
    """

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        leaves = flatten((args, kwargs))
        places = [i for i, x in enumerate(leaves) if isinstance(x, Tensor) and x.requires_grad]
        state = random.get_state()

        def run(*tensors: Any) -> Any:
            given = list(leaves)
            for place, tensor in zip(places, tensors, strict=True):
                given[place] = tensor
            inner_args, inner_kwargs = unflatten((args, kwargs), iter(given))
            return function(*inner_args, **inner_kwargs)

        inputs = [leaves[i] for i in places]
        began = next(graph.clock)
        out = run(*(Tensor(x._data, requires_grad=True) for x in inputs))
        outs = [t for t in flatten(out) if isinstance(t, Tensor)]
        closed_over = _older_nodes(outs, began)  # all that this recording is for; it is dropped at the end
        values = [t._data for t in outs]

        def pull_back(g: Any, needs: tuple[bool, ...], tensors: tuple[Any, ...]) -> list[Any]:
            higher = any(isinstance(t, Tensor) for t in tensors)
            proxies = [clone(t) if isinstance(t, Tensor) else Tensor(t, requires_grad=True) for t in tensors[: len(places)]]
            now = random.get_state()
            random.set_state(state)
            try:
                with graph.recording():
                    again = [t for t in flatten(run(*proxies)) if isinstance(t, Tensor)]
            finally:
                random.set_state(now)
            targets = [t._node for t in proxies] + closed_over
            found = propagate(again, g if isinstance(g, tuple) else (g,), targets, higher, None)  # type: ignore[arg-type]
            return [found.get(n) for n in targets]  # type: ignore[arg-type]

        def forward(*tensors: Any) -> Any:
            return tuple(values)

        op = Op(forward, {}, joint=pull_back, inputs=("tensors",), name="checkpoint")
        del outs
        stand_ins = [wrap(np.zeros(()), n) for n in closed_over]
        results = iter(op.function(*inputs, *stand_ins) if inputs or closed_over else map(wrap, values, repeat(None)))
        return tree_map(lambda t: next(results) if isinstance(t, Tensor) else t, out)

    return wrapped


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
