"""The numbers of a graph: what each step computed, and the gradients that travel back through it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..backward import apply_masked, seed
from ..cotangents import PICK, Cotangents
from ..devices import follow, on_gpu_of
from ..graph import Node
from ..masked import BehindMask
from ..tensor import Tensor
from .capture import captured
from .walk import Step, what_rules_read

__all__ = ["Flow", "backward_flow", "values_of"]


def values_of(steps: Iterable[Step], results: Iterable[Tensor] = ()) -> dict[int, Any]:
    """What each step computed, by its id: captured, of a leaf its tensor's data, of the results what is in hand, else what
    some rule will read of it; None where nobody knows.

    Of an op with several outputs it is a tuple, with None for those that nobody knows.
    """
    steps = list(steps)
    known = _read(step.node for step in steps if step.op)
    for tensor in results:
        if tensor._node is not None:
            known[tensor._node] = tensor._array
    parts: dict[Node, dict[int, Any]] = {}
    for node, value in known.items():
        if node.op is PICK and node.parents[0] is not None:
            parts.setdefault(node.parents[0], {})[node.saved[0][0]] = value
    for node, outputs in parts.items():
        known.setdefault(node, tuple(outputs.get(i) for i in range(len(node.outputs))))
    return {step.id: _value(step, known) for step in steps}


def _value(step: Step, known: dict[Node, Any]) -> Any:
    if step.data is not None:
        return step.data.value
    record = captured(step.node)
    if record is not None and record.value is not None:
        return record.value
    if step.op is None:
        tensor = step.node.tensor() if hasattr(step.node, "tensor") else None
        return known.get(step.node) if tensor is None else tensor._array
    return known.get(step.node)


def _read(nodes: Iterable[Node]) -> dict[Node, Any]:
    """The results that rules will read: of the inputs of a step, and its own."""
    found: dict[Node, Any] = {}
    for node in nodes:
        for name, value in what_rules_read(node):
            if name == "out":
                found[node] = tuple(value) if isinstance(value, (tuple, list)) else value
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
        sends: what its rule sends back: the place among the node's parents, the id of the step there, the gradient.
    """

    step: Step
    arrives: list[Any]
    total: Any
    sends: list[tuple[int, int, Any]]


def backward_flow(
    outputs: Tensor | Sequence[Tensor], steps: list[Step], gradient: Any = None, on_trial: bool = False
) -> list[Flow]:
    """The chain rule, step by step from the outputs on; no `.grad` is touched and nothing is freed.

    Args:
        on_trial: look at no numbers: what is not finite behind a mask is not mended (`minigrad.masked`).

    >>> from minigrad.viz import walk
    >>> x = Tensor(3.0, requires_grad=True)
    >>> y = x * x
    >>> [float(flow.total) for flow in backward_flow(y, walk(y))]
    [1.0, 6.0]
    """
    with BehindMask() as masked:
        return _flow([outputs] if isinstance(outputs, Tensor) else outputs, steps, gradient, masked, on_trial)


def _flow(
    outputs: Sequence[Tensor], steps: list[Step], gradient: Any, masked: BehindMask, on_trial: bool
) -> list[Flow]:
    arrived: dict[Node, list[Any]] = {}

    @follow
    def deliver(node: Node, g: Any) -> int:
        """Note a gradient; one of an output of an op with several goes to the op's own node.  Returns the number of the node."""
        if node.op is PICK and node.parents[0] is not None:
            numbers: list[int] = []
            apply_masked(
                node, g, node.parents, lambda parent, c: numbers.append(deliver(parent, c)), False, masked, on_trial
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
        sends: list[tuple[int, int, Any]] = []

        with on_gpu_of(parts):
            total = sum(parts[1:], parts[0])
            if node.op is not None:
                apply_masked(node, total, node.parents, _Sending(node, sends, deliver), False, masked, on_trial)
        flows.append(Flow(step, [_shown(part, node) for part in parts], _shown(total, node), sends))
    return flows


class _Sending:
    """Receives what a rule sends, parent by parent in their order, and notes to which of them."""

    def __init__(self, node: Node, sends: list[tuple[int, int, Any]], deliver: Any) -> None:
        self.parents, self.sends, self.deliver = node.parents, sends, deliver
        self.next = 0

    def __call__(self, parent: Node, c: Any) -> None:
        place = next(i for i in range(self.next, len(self.parents)) if self.parents[i] is parent)
        self.next = place + 1
        self.sends.append((place, self.deliver(parent, c), c))


def _shown(g: Any, node: Node) -> Any:
    """A gradient; of an op with several outputs a tuple of them."""
    return g.complete(node.outputs) if type(g) is Cotangents else g
