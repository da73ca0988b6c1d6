"""The numbers of a graph: what each step computed, and the gradients that travel back through it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..backward import apply_masked, seed
from ..cotangents import PICK, Cotangents
from ..devices import follow, on_gpu_of
from ..graph import Node
from ..masked import BehindMask
from ..tensor import Tensor
from .capture import captured
from .walk import Step

__all__ = ["Flow", "backward_flow", "saved_values", "value_of", "what_rules_read"]


def value_of(node: Node, read: dict[Node, Any]) -> Any:
    """What a step computed: captured, of a leaf its tensor's data, else what some rule reads of it; None where nobody knows."""
    record = captured(node)
    if record is not None and record.value is not None:
        return record.value
    if node.op is None:
        tensor = node.tensor() if hasattr(node, "tensor") else None
        return read.get(node) if tensor is None else tensor._array
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
            elif name in node.op.inputs and name != node.op.sequence:
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


def backward_flow(outputs: Tensor | Sequence[Tensor], steps: list[Step], gradient: Any = None) -> list[Flow]:
    """The chain rule, step by step from the outputs on; no `.grad` is touched and nothing is freed.

    >>> from minigrad.viz import walk
    >>> x = Tensor(3.0, requires_grad=True)
    >>> y = x * x
    >>> [float(flow.total) for flow in backward_flow(y, walk(y))]
    [1.0, 6.0]
    """
    with BehindMask() as masked:
        return _flow([outputs] if isinstance(outputs, Tensor) else outputs, steps, gradient, masked)


def _flow(outputs: Sequence[Tensor], steps: list[Step], gradient: Any, masked: BehindMask) -> list[Flow]:
    arrived: dict[Node, list[Any]] = {}

    @follow
    def deliver(node: Node, g: Any) -> int:
        """Note a gradient; one of an output of an op with several goes to the op's own node.  Returns the number of the node."""
        if node.op is PICK and node.parents[0] is not None:
            numbers: list[int] = []
            apply_masked(
                node, g, node.parents, lambda parent, c: numbers.append(deliver(parent, c)), False, masked
            )
            return numbers[0]
        arrived.setdefault(node, []).append(g)
        return node.order

    for output in outputs:
        assert output._node is not None
        deliver(output._node, seed(output, gradient, False))
    flows = []
    for step in reversed(steps):
        node = step.node
        if node not in arrived:
            continue
        parts = arrived.pop(node)
        sends: list[tuple[int, Any]] = []

        def send(parent: Node, c: Any, to: list[tuple[int, Any]] = sends) -> None:
            to.append((deliver(parent, c), c))

        with on_gpu_of(parts):
            total = sum(parts[1:], parts[0])
            if node.op is not None:
                apply_masked(node, total, node.parents, send, False, masked)
        flows.append(Flow(step, [_shown(part, node) for part in parts], _shown(total, node), sends))
    return flows


def _shown(g: Any, node: Node) -> Any:
    """A gradient; of an op with several outputs a tuple of them."""
    return g.complete(node.outputs) if type(g) is Cotangents else g
