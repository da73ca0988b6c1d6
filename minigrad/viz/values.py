"""The numbers of a graph: what each step computed, and the gradients that travel back through it."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backward import Cotangents, contributions, seed
from ..graph import Node, observe, user_line
from ..op import PICK
from ..tensor import Tensor
from .walk import Step

__all__ = ["Flow", "backward_flow", "capture", "is_small", "saved_values", "source_of", "value_of", "what_rules_read"]

#: What was captured: the result of a node, and the line of the user's code that made it.
_captured: weakref.WeakKeyDictionary[Node, tuple[Any, str | None]] = weakref.WeakKeyDictionary()


def capture() -> AbstractContextManager[None]:
    """Keep the results of all steps that are recorded inside, and the lines of code that made them, for those who explain them.

    An ordinary graph holds only what its rules will read; of the other steps the numbers are unknown afterwards.

    >>> from minigrad.viz import explain
    >>> x = Tensor(2.0, requires_grad=True, name="x")
    >>> with capture():
    ...     y = (x + 1) * 3
    >>> explain(y).steps[1].value
    array(3., dtype=float32)
    """
    return observe(_keep)


def _keep(node: Node, value: Any) -> None:
    copied = tuple(v.copy() for v in value) if isinstance(value, tuple) else value.copy()  # it may be written in place later
    _captured[node] = (copied, user_line())


def source_of(node: Node) -> str | None:
    """The line of the user's code that made a step, where it was captured."""
    return _captured[node][1] if node in _captured else None


def value_of(node: Node, read: dict[Node, Any]) -> Any:
    """What a step computed: captured, of a leaf its tensor's data, else what some rule reads of it; None where nobody knows."""
    if node in _captured:
        return _captured[node][0]
    if node.op is None:
        tensor = node.tensor() if hasattr(node, "tensor") else None
        return read.get(node) if tensor is None else tensor._data
    return read.get(node)


def what_rules_read(node: Node) -> Iterator[tuple[str, Any]]:
    """The names and values that the rules of a node read."""
    for reads, values in zip(node.op.reads, node.saved or (), strict=False):
        yield from zip(reads, values or (), strict=False)


def saved_values(nodes: Iterable[Node]) -> dict[Node, Any]:
    """The results that rules will read: of the inputs of a step, and its own."""
    found: dict[Node, Any] = {}
    for node in nodes:
        if node.op is None:
            continue
        for name, value in what_rules_read(node):
            if name == "out" and not isinstance(value, tuple):
                found[node] = value
            elif name in node.op.inputs and name != node.op.variadic:
                parent = node.parents[node.op.inputs.index(name)]
                if parent is not None:
                    found[parent] = value
    return found


@dataclass
class Flow:
    """A step of the backward pass.

    Attributes:
        step: where it happens.
        arrives: the gradients that come from the steps that used it, oldest last; their sum is `total`.
        total: the gradient of the output with respect to this step.
        sends: what its rule sends to each input, (id of the input's step, gradient).
    """

    step: Step
    arrives: list[Any]
    total: Any
    sends: list[tuple[int, Any]]


def backward_flow(output: Tensor, steps: list[Step], gradient: Any = None) -> list[Flow]:
    """The chain rule, step by step from the output on; no `.grad` is touched and nothing is freed.

    >>> from minigrad.viz import walk
    >>> x = Tensor(3.0, requires_grad=True)
    >>> y = x * x
    >>> [float(flow.total) for flow in backward_flow(y, walk(y))]
    [1.0, 6.0]
    """
    assert output._node is not None
    arrived: dict[Node, list[Any]] = {}

    def deliver(node: Node, g: Any) -> int:
        """Note a gradient; one of an output of an op with several goes to the op's own node.  Returns the number of the node."""
        if node.op is PICK and node.parents[0] is not None:
            return deliver(node.parents[0], contributions(node, g)[0])
        arrived.setdefault(node, []).append(g)
        return node.order

    deliver(output._node, seed(output, gradient, False))
    flows = []
    for step in reversed(steps):
        node = step.node
        if node is None or node not in arrived:
            continue
        parts = arrived.pop(node)
        total = sum(parts[1:], parts[0])
        sends = []
        if node.op is not None:
            for parent, c in zip(node.parents, contributions(node, total), strict=True):
                if parent is not None and c is not None:
                    sends.append((deliver(parent, c), c))
        flows.append(Flow(step, [_shown(part, node) for part in parts], _shown(total, node), sends))
    return flows


def _shown(g: Any, node: Node) -> Any:
    """A gradient; of an op with several outputs a tuple of them."""
    return g.complete(node.outputs) if type(g) is Cotangents else g


def is_small(value: Any, most: int = 6) -> bool:
    """Whether the numbers of an array are shown in full."""
    return isinstance(value, (np.ndarray, np.generic)) and value.size <= most
