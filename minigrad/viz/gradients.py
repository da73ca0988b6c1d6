"""The graph of a gradient, and of its gradient: they are computations like others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..backend import ones_like
from ..backward import gradients
from ..graph import clock
from ..tensor import Tensor
from .capture import Call, capture
from .naming import labels_of
from .walk import Step, walk

__all__ = ["DERIVATIVES", "ConstantGradient", "with_gradients"]

DERIVATIVES = (
    "gradient", "second derivative", "third derivative", "fourth derivative", "fifth derivative", "sixth derivative",
    "higher derivatives",
)  # fmt: skip


class ConstantGradient(ValueError):
    """A gradient does not depend on the leaves any more.

    Attributes:
        order: which one it is: 1 is the gradient itself.
    """

    def __init__(self, asked: int, order: int, lost: Sequence[str] = ()) -> None:
        held = f" that somebody holds; nobody holds {', '.join(lost)} any more: keep them in variables" if lost else ""
        super().__init__(f"derivative={asked}: the gradient of order {order} does not depend on the leaves{held}")
        self.order = order


def with_gradients(
    tensors: list[Tensor], steps: list[Step], names: Any, order: int, values: bool = True
) -> tuple[list[Step], list[Tensor]]:
    """The graph with that of its gradients, in boxes by their order, and the last of the gradients.

    Raises:
        ConstantGradient: a gradient does not depend on the leaves any more.
    """
    kept = [(step.name, leaf) for step in steps if step.kind == "leaf" and (leaf := step.node.tensor()) is not None]
    leaves, labels = [leaf for _, leaf in kept], labels_of(steps)
    lost = [labels[step.id] for step in steps if step.kind == "leaf" and step.node.tensor() is None]
    outputs, starts, called = tensors, [], dict[Any, str | None]()
    orders = [tensors]
    for _ in range(order):
        starts.append(next(clock))
        with capture(values=values):
            found = gradients(outputs, leaves, [ones_like(t._array) for t in outputs], create_graph=True)
        called |= {g._node: name for g, (name, _) in zip(found, kept, strict=True) if g is not None and g._node is not None}
        outputs = [g for g in found if g is not None and g._node is not None]
        if not outputs:
            raise ConstantGradient(order, len(starts), lost)
        orders.append(outputs)
    all_steps = walk([t for results in orders for t in results], names)
    _count_orders(all_steps, starts)
    derivative = {t._node: i for i, results in enumerate(orders) for t in results}
    for step in all_steps:
        step.derivative = derivative.get(step.node)
        if step.op and step.order:
            step.calls = (Call(DERIVATIVES[min(step.order, len(DERIVATIVES)) - 1], 1, ""),)
        if step.op and step.order and step.data is None and called.get(step.node):
            step.name = f"{step.calls[0].path} of {called[step.node]}"
    return all_steps, outputs


def _count_orders(steps: list[Step], starts: list[int]) -> None:
    """Note how often was differentiated before a step was made; of data, before the first step that reads it.

    What belongs to no rule by itself, data and the inputs of a fused op, belongs to that of the first step that reads it.
    """
    readers: dict[int, int] = {}
    rules: dict[int, int | None] = {}
    for step in reversed(steps):
        own = readers.get(step.id, 0) if step.data is not None else sum(step.id > start for start in starts)
        step.order = own
        if own and step.rule is None:
            step.rule = rules.get(step.id)
        for source, *_ in step.inputs:
            readers[source], rules[source] = min(own, readers.get(source, own)), step.rule
