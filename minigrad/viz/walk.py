"""The graph as plain data: a list of steps in the order of computation.  Drawings and explorers start from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from ..cotangents import PICK
from ..graph import Node
from ..tensor import Tensor
from .capture import Call, captured, name_of

__all__ = ["Step", "walk"]


@dataclass
class Step:
    """One node of the graph.

    Attributes:
        id: its number in creation order, unique while the program runs.
        kind: "leaf", or "op".
        op: the name of the op; None for a leaf.
        doc: the op's docstring, with its formula and its gradient's.
        name: the tensor's own name, or the path of a parameter in its module.
        shape, dtype: of the result; None for an op with several outputs.
        node: the engine's node.
        inputs: an entry for each input that needs a gradient: (id of its step, shape, dtype of what flows).
        output: whether it is one of the tensors that the walk started from.
        calls: the calls of modules that made it, outermost first, where they were captured (see `capture`).
    """

    id: int
    kind: str
    op: str | None
    doc: str
    name: str | None
    shape: tuple[int, ...] | None
    dtype: Any
    node: Node = field(repr=False)
    inputs: list[tuple[int, tuple[int, ...], Any]] = field(default_factory=list)
    output: bool = False
    calls: tuple[Call, ...] = ()

    @property
    def bytes(self) -> int | None:
        """The memory of the result; None for an op with several outputs."""
        return None if self.shape is None else prod(self.shape) * np.dtype(self.dtype).itemsize


def walk(outputs: Tensor | Iterable[Tensor], names: Any = None) -> list[Step]:
    """The steps that computed some tensors, oldest first.  No recursion: a graph of a million nodes is fine.

    Args:
        outputs: tensors that require a gradient.
        names: a module (its parameters get their paths as names), or a dict from names to tensors.

    >>> x = Tensor(2.0, requires_grad=True, name="x")
    >>> [(step.op or step.name, step.shape) for step in walk((x * x).sin())]
    [('x', ()), ('multiply', ()), ('sin', ())]
    """
    tensors = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    starts = []
    for tensor in tensors:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"walk needs Tensors, got {type(tensor).__name__}")
        if tensor._node is None:
            raise ValueError(
                "the tensor has no graph: it was made from tensors that require no gradient, under no_grad(), or detached"
            )
        starts.append(_source(tensor._node))
    ends = set(starts)
    given = _names(names)
    seen = set(starts)
    stack = list(starts)
    while stack:
        for parent in stack.pop().parents:
            if parent is not None and (source := _source(parent)) not in seen:
                seen.add(source)
                stack.append(source)
    steps = []
    for node in sorted(seen, key=lambda n: n.order):
        op = node.op
        step = Step(
            node.order, "leaf" if op is None else "op", op and op.name, op.doc if op else "", given.get(node) or name_of(node),
            node.shape, node.dtype, node, output=node in ends,
        )  # fmt: skip
        record = captured(node)
        step.calls = () if record is None else record.calls
        step.inputs = [(_source(p).order, p.shape, p.dtype) for p in node.parents if p is not None]
        steps.append(step)
    return steps


def _source(node: Node) -> Node:
    """The node itself; for one output of an op with several, the op's node."""
    return node.parents[0] if node.op is PICK and node.parents[0] is not None else node


def _names(names: Any) -> dict[Node, str]:
    if names is None:
        return {}
    pairs = names.items() if isinstance(names, Mapping) else names.named_parameters()
    return {tensor._node: name for name, tensor in pairs if tensor._node is not None}
