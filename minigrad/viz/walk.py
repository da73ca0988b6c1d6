"""The graph as plain data: a list of steps in the order of computation.  Drawings and explorers start from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, NamedTuple

import numpy as np

from ..cotangents import PICK
from ..graph import Node
from ..tensor import Tensor
from .capture import Call, captured, name_of, node_behind
from .data import UNKNOWN, Collection, Data, Flows
from .text import printable

__all__ = ["Argument", "Step", "walk", "walk_from", "what_rules_read"]


class Argument(NamedTuple):
    """What an op was given for one of its parameters.

    Attributes:
        source: the step that it comes from; None of a number, an option, and of what nobody knows.
        output: which of the outputs of that step, where it has several.
        value: of a number or an option.
    """

    source: int | None = None
    output: int | None = None
    value: Any = UNKNOWN


@dataclass
class Step:
    """One node of the graph.

    Attributes:
        id: its number in creation order, unique while the program runs; that of data is negative.
        kind: "leaf", "op", or "data": an array that needs no gradient.  An op that computed such an array has `data`, too.
        op: the name of the op; None for leaves and data.
        doc: the op's docstring, with its formula and its gradient's.
        name: the tensor's own name, or the path of a parameter in its module.
        shape, dtype: of the result; None for an op with several outputs, see `shapes`.
        node: the engine's node; that of data has no op and is in no graph.
        inputs: what it reads, (id of the step, shape, dtype) each: first what needs a gradient, then data.
        output: whether it is one of the tensors that the walk started from.
        calls: the calls of modules that made it, outermost first, where they were captured (see `capture`).
        arguments: what the op was given, by the names of its parameters.
        data: of data, what is known of the array.
        order: 0 of the function itself, 1 of what computes its gradient, 2 of the gradient of that, ...
        derivative: which derivative it is the result of, 0 of the function itself; None of what is on the way.
        rule: of what computes a gradient, the step whose rule it belongs to, where it was captured.

    >>> x = Tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> leaf, total = walk(x.sum())
    >>> (leaf.kind, leaf.name, leaf.shape), (total.kind, total.op, total.output, total.arguments["axis"].value)
    (('leaf', 'x', (2,)), ('op', 'sum', True, None))
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
    arguments: dict[str, Argument] = field(default_factory=dict, repr=False)
    data: Data | None = field(default=None, repr=False)
    order: int = field(default=0, repr=False)
    derivative: int | None = field(default=None, repr=False)
    rule: int | None = field(default=None, repr=False)

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shape of each output."""
        return (self.shape,) if self.shape is not None else tuple(shape for shape, _ in self.node.outputs)

    @property
    def bytes(self) -> int:
        """The memory of the result."""
        if self.shape is not None:
            return prod(self.shape) * np.dtype(self.dtype).itemsize
        return sum(prod(shape) * np.dtype(dtype).itemsize for shape, dtype in self.node.outputs)


def walk(outputs: Tensor | Iterable[Tensor], names: Any = None) -> list[Step]:
    """The steps that computed some tensors, oldest first.  No recursion: a graph of a million nodes is fine.

    Data, which needs no gradient, is a step where somebody kept it: a rule that will read it, or `capture`.  The other inputs
    `add(x, data)` has forgotten.

    Args:
        outputs: tensors that require a gradient.
        names: a module (its parameters get their paths as names), or a dict from names to tensors.

    >>> x = Tensor(2.0, requires_grad=True, name="x")
    >>> [(step.op or step.name, step.shape) for step in walk((x * x).sin())]
    [('x', ()), ('multiply', ()), ('sin', ())]
    >>> [step.kind for step in walk(x * np.ones(3))]
    ['leaf', 'data', 'op']
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
        starts.append(node_behind(tensor._node))
    return walk_from(starts, names)


def walk_from(starts: Sequence[Node], names: Any = None) -> list[Step]:
    """The steps that lead to some nodes, oldest first; see `walk`."""
    ends = set(starts)
    given = _names(names)
    steps: list[Step] = []
    data = _DataSteps(given)
    for node in sorted(_reached(starts), key=lambda n: n.order):
        op = node.op
        name = given.get(node) or name_of(node)
        step = Step(
            node.order, "leaf" if op is None else "op", op and op.name, op.doc if op else "", name and printable(name),
            node.shape, node.dtype, node, output=node in ends,
        )  # fmt: skip
        record = captured(node)
        if record is not None:
            step.calls, step.rule = record.calls, record.rule
        step.inputs = [(node_behind(p).order, p.shape, p.dtype) for p in node.parents if p is not None]
        if op is not None:
            steps += data.read_by(step)
        steps.append(step)
    return steps


def what_rules_read(node: Node) -> Iterable[tuple[str, Any]]:
    """The names and values that the rules of a node read, or its composite."""
    saved = node.saved or ()
    for reads, values in zip(node.op.reads, saved, strict=False):
        yield from zip(reads, values or (), strict=False)
    if node.op.composite is not None and saved:
        yield from saved[-1].items()


class _DataSteps:
    """The steps for data, one for each array."""

    def __init__(self, given: Mapping[Any, str]) -> None:
        self.collection, self.steps = Collection(), dict[Data, Step]()
        self.names = given

    def read_by(self, step: Step) -> list[Step]:
        """Note what an op was given; returns the steps of the data that it is the first to read."""
        record, parents = captured(step.node), step.node.parents
        known = dict(what_rules_read(step.node)) if record is None else {}
        given = self.collection.sort_out(step.node.op, parents, known) if record is None else record.given
        new: list[Step] = []
        for name, value in given.items():
            if isinstance(value, Data):
                new += self._steps_to(value, name, step.calls)
            elif isinstance(value, Flows):
                parent = parents[value.place]
                assert parent is not None
                output = parent.saved[0][0] if parent.op is PICK and parent.saved else None
                step.arguments[name] = Argument(node_behind(parent).order, output)
                continue
            self._link(step, name, value)
        return new

    def _link(self, step: Step, name: str, value: Any) -> None:
        """Note that an op was given data, or a number or an option."""
        if isinstance(value, Data):
            source = self.steps[value]
            step.arguments[name] = Argument(source.id)
            step.inputs.append((source.id, source.shape or (), source.dtype))
        else:
            step.arguments[name] = Argument(value=value)

    def _steps_to(self, data: Data, parameter: str, calls: tuple[Call, ...]) -> list[Step]:
        """The steps for data and for all that it was computed from, where there are none yet."""
        new, waiting = [], [(data, parameter, False)]
        while waiting:
            data, parameter, is_ready = waiting.pop()
            if data in self.steps:
                continue
            if data.origin is not None and not is_ready:
                waiting.append((data, parameter, True))
                for name, value in data.origin.given.items():
                    if isinstance(value, Data):  # what it is a part of is called as the part is: h0[0], not x[0]
                        is_whole = data.origin.op.name == "getitem" and name == "x"
                        waiting.append((value, parameter if is_whole else name, False))
                continue
            new.append(self._step(data, parameter, calls))
        return new

    def _step(self, data: Data, parameter: str, calls: tuple[Call, ...]) -> Step:
        """A step for data, called as the user calls it, else as the parameter of the op that reads it."""
        origin = data.origin
        op = None if origin is None else origin.op
        node = Node(op, (), (), data.shape, data.dtype)
        name = data.name or self.names.get(id(data.value)) or (parameter if op is None else None)
        step = Step(
            -len(self.steps) - 1, "op" if op else "data", op and op.name, op.doc if op else "", name and printable(name),
            data.shape, data.dtype, node, data=data, calls=calls if origin is None else origin.calls,
        )  # fmt: skip
        step.rule = None if origin is None else origin.rule
        self.steps[data] = step
        for name, value in () if origin is None else origin.given.items():
            self._link(step, name, value)
        return step


def _reached(starts: Iterable[Node]) -> set[Node]:
    seen = set(starts)
    stack = list(seen)
    while stack:
        for parent in stack.pop().parents:
            if parent is not None and (source := node_behind(parent)) not in seen:
                seen.add(source)
                stack.append(source)
    return seen


def _names(names: Any) -> dict[Any, str]:
    """Names of nodes; those of tensors without one, of their arrays."""
    if names is None:
        return {}
    pairs = names.items() if isinstance(names, Mapping) else names.named_parameters()
    return {id(t._array) if t._node is None else t._node: name for name, t in pairs}
