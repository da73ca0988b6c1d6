"""The backward pass of a traced function: it is traced right behind the function, from cotangents that are given.

So a compiled function whose results belong to a graph is two programs.  The first one gives, beside the results, what the second
one reads of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import graph
from ..arrays.row_sparse import RowSparse
from ..arrays.traced import CannotTrace, Traced
from ..backward import propagate
from ..graph import Node
from ..ops.conversion import clone
from ..tensor import Tensor, raw, wrap
from ..tracing import RunsAsItIs
from ..trees import flatten
from .numbers import Formula, evaluate
from .passes import simplified
from .program import Program, Step, Var, formulas_in, vars_in
from .state import Place
from .views import LOOKS

__all__ = ["Back", "Spent", "entered", "traced_back", "without_graph"]


@dataclass(eq=False)
class Back:
    """A backward pass.

    Attributes:
        program: its inputs are `given`, then `kept`, then the cotangents; its outputs the gradients.
        outputs: the numbers of the results that have a gradient.
        arguments: the numbers of the arguments' leaves that need one.
        closed: the Tensors beside these that the gradient goes to, or where they are found.
        given, kept, formulas: what it reads: inputs of the forward program, what that computes, and numbers of Python's.
        numbers: what `kept` and `formulas` were in the run that was traced; of arrays, what stands for them.
    """

    program: Program
    outputs: list[int]
    arguments: list[int]
    closed: list[Tensor | Place]
    given: list[Var]
    kept: list[Var]
    formulas: list[Formula]
    numbers: list[Any]


class Argument(Tensor):
    """An argument that requires a gradient: what a function does with `.grad` belongs to one call alone."""

    __slots__ = ()

    @property
    def grad(self) -> Tensor | None:
        raise RunsAsItIs("it reads the gradient of an argument: let it read the tensor by a name, or give it the gradient")

    @grad.setter
    def grad(self, value: Any) -> None:
        raise RunsAsItIs("it sets the gradient of an argument: let it read the tensor by a name")


def entered(t: Traced) -> tuple[Tensor, Node]:
    """An argument in the graph, from a new leaf on."""
    leaf = wrap(t, None)
    leaf.requires_grad = True
    assert leaf._node is not None
    given = clone(leaf)
    given.__class__ = Argument
    return given, leaf._node


def without_graph(x: Any) -> Any:
    """An argument as it counts where nothing is recorded."""
    return wrap(x._array, None) if isinstance(x, Tensor) and x._node is not None else x


class Spent:
    """Puts a result in the graph whose way back is gone, since the function has run a backward pass through it.

    A second pass ends there with the error that it would end with without `compile`.

    Attributes:
        op: what is to have made the result.
    """

    def __init__(self, op: Any) -> None:
        self.op = op

    def __call__(self, t: Tensor) -> Tensor:
        return wrap(t._array, Node(self.op, (), None, t.shape, t.dtype))


def traced_back(
    recorder: Any, result: Any, ends: dict[int, Node], began: int, tensors: Iterable[Any]
) -> tuple[Back | None, dict[int, Spent]]:
    """The backward pass of what a function has returned, None where nothing has a gradient; and the results that are spent.

    Args:
        ends: the leaf of the graph of each argument that needs a gradient, by the argument's number.
        began: when the function began, on the clock of the graph.
        tensors: Tensors that the function can reach, with their places.
    """
    places = {t._node: t if place is None else place for t, place, *_ in tensors if t._node is not None}
    moving: dict[int, Tensor] = {}
    closed: dict[Node, None] = {}
    spent: dict[int, Spent] = {}
    every = {i: x for i, x in enumerate(flatten(result)) if isinstance(x, Tensor) and x._node is not None}
    together, gone = _closed(every.values(), began, {*ends.values()}, places)
    if gone is None:
        moving, closed = every, dict.fromkeys(together)
    for i, x in every.items() if gone is not None else ():  # each for itself: some may still have their way back
        found, gone = _closed([x], began, {*ends.values()}, places)
        if gone is not None:
            spent[i] = Spent(gone)
        else:
            moving[i] = x
            closed.update(dict.fromkeys(found))
    if not moving or not (ends or closed):
        return None, spent
    outs, targets = [*moving.values()], [*ends.values(), *closed]
    program, cotangents, seen = _pass(recorder, outs, targets)
    own = {*cotangents, *program.constants, *(v for s in program.steps for v in s.outs)}
    read = [*(v for s in program.steps for v in s.inputs()), *vars_in((program.outputs, program.checks, program.guards))]
    reads = [v for v in dict.fromkeys(read) if v not in own]
    given, kept = [v for v in reads if v in recorder.inputs], [v for v in reads if v not in recorder.inputs]
    program.inputs = [*given, *kept, *cotangents]
    formulas, known = formulas_in(program.steps), dict(recorder.values)
    numbers = [*(seen[v] for v in kept), *(evaluate(f, known) for f in formulas)]
    return Back(program, [*moving], list(ends), [places[n] for n in closed], given, kept, formulas, numbers), spent


def _pass(recorder: Any, outs: Sequence[Tensor], targets: Sequence[Node]) -> tuple[Program, list[Var], dict[Var, Any]]:
    """The program of a backward pass, its cotangents, and the numbers of what it reads."""
    outer = recorder.steps, recorder.checks, recorder.guards, recorder.seen
    recorder.steps, recorder.checks, recorder.guards, recorder.seen = [], [], [], {}
    try:
        cotangents = [Traced(n := np.ones_like(raw(x).numbers), recorder.new_var(n), recorder) for x in outs]
        with _without_hooks(targets):
            found = propagate(outs, cotangents, targets, False, True, of_a_rule=True)
        gradients = [recorder.value_of(_array(found.get(n), n, outs[0])) for n in targets]
        steps, checks, guards, seen = recorder.steps, recorder.checks, recorder.guards, recorder.seen
    finally:
        recorder.steps, recorder.checks, recorder.guards, recorder.seen = outer
    steps = [*_looks(recorder), *steps]
    program = Program([], dict(recorder.constants.values()), steps, tuple(gradients), checks, guards)
    return simplified(program), [c.value for c in cotangents], seen


@contextmanager
def _without_hooks(nodes: Sequence[Node]) -> Iterator[None]:
    """Hooks of the tensors that a gradient goes to see it when it arrives there, at each call, not in the program."""
    infos = [(n.info, n.info.hooks) for n in nodes if n.info is not None and n.info.hooks]
    for info, _ in infos:
        info.hooks = {}
    try:
        yield
    finally:
        for info, hooks in infos:
            info.hooks = hooks


def _closed(outs: Iterable[Tensor], began: int, ends: set[Node], places: dict[Node, Any]) -> tuple[list[Node], Any]:
    """The nodes outside of a function that results lead back to.

    And the op behind which there is no way back any more: the function has run a backward pass through the graph, or has
    written into what that reads.
    """
    stack = [t._node for t in outs if t._node is not None and t._node not in ends]
    seen, closed = {*stack, *ends}, []
    while stack:
        node = stack.pop()
        if node in places:
            closed.append(node)
            continue
        if node.order < began:
            raise CannotTrace(
                f"what the compiled function returns depends on a tensor of shape {node.shape} that requires a gradient and is "
                "neither an argument nor among what the function reads by a name: give it as an argument"
            )
        if node.op is not None and (node.saved is None or node.order < graph.last_mutation):
            try:
                graph.check_saved(node)
            except RuntimeError:
                return closed, node.op
        for parent in node.parents:
            if parent is not None and parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return closed, None


def _looks(recorder: Any) -> list[Step]:
    """The steps that look at inputs in another way, which the backward pass does itself."""
    known, looks = set(recorder.inputs), []
    for step in recorder.steps:
        if step.function in LOOKS and not step.several and known.issuperset(step.inputs()):
            known.update(step.outs)
            looks.append(step)
    return looks


def _array(g: Any, node: Node, like: Tensor) -> Any:
    """A gradient as one array; zeros where none has arrived."""
    if g is None:
        return np.zeros_like(raw(like).numbers, shape=node.shape, dtype=node.dtype)
    g = raw(g)
    return g.dense() if isinstance(g, RowSparse) else g
