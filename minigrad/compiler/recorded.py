"""Compiled functions in a graph: what they return can be differentiated, and the gradient is a program too.

One node of the graph stands for a call.  It holds what the backward program reads, and its rule runs that.  For derivatives of
the derivative, and for the cotangents of many examples at once, the rule differentiates the function itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np

from ..backend import is_plain
from ..op import Op
from ..random.state import get_state
from ..tensor import Tensor, raw
from ..transforms.checkpointing import Rerun
from ..trees import flatten, is_leaf, unflatten
from .back import without_graph
from .capture import is_array, turn
from .looped import capture_of
from .on_gpu import array_on_gpu, script_of
from .script import MISS, Script
from .state import Place

__all__ = ["Recorded"]


class Recorded:
    """Two scripts, of a function and of its backward pass.

    Attributes:
        capture: of the function; its results are those of the function, in one list, and then what the backward pass reads.
        program: the forward program.
        script, back_script: of the function, and of its backward pass.
    """

    def __init__(self, function: Any, capture: Any) -> None:
        self.function, self.capture, self.back, self.program = function, capture, capture.back, capture.program
        self.count, self.single = len(flatten(capture.tree)), is_leaf(capture.tree)
        arrays = [i for i, x in enumerate(capture.leaves) if is_array(x)]
        found = dict(zip(self.program.inputs, [*arrays, *capture.sources], strict=True))
        #: Where the inputs are found that the backward program reads: places of leaves, or sources.
        self.given = [found[v] for v in self.back.given]
        self.lock = Lock()

    @cached_property
    def script(self) -> Script:
        with turn:
            return script_of(self.capture)

    @property
    def changes_nothing(self) -> bool:
        return self.script.changes_nothing

    @property
    def fusion(self) -> Any:
        """What became loops of the function."""
        return self.script.fusion

    @property
    def source(self) -> str:
        """The text of the function that runs the forward program."""
        return self.script.source

    @cached_property
    def back_script(self) -> Script:
        with turn:
            like = array_on_gpu(self.capture)
            numbers = dict(zip(self.back.formulas, self.back.numbers[len(self.back.kept) :], strict=True))
            return script_of(capture_of(self.back.program, like, numbers), like)

    def run(self, leaves: Sequence[Any]) -> Any:
        """The result in the graph, or MISS."""
        given = list(leaves)
        for i in self.back.arguments:
            if not isinstance(given[i], Tensor) or given[i]._node is None:
                return MISS
            given[i] = without_graph(given[i])
        state = get_state() if self.script.draws else None
        found = self.script.run(given)
        return MISS if found is MISS else self.joined(found, leaves, state)

    def joined(self, found: list[Any], leaves: Sequence[Any], state: Any) -> Any:
        """The results of the forward program, as the function returns them, in the graph."""
        closed = [_now(x) for x in self.back.closed]
        given = [raw(leaves[x]) if type(x) is int else raw(_now(x)) for x in self.given]
        values = tuple([raw(found[i]) for i in self.back.outputs])
        call = _Call(self, leaves, [x._node for x in closed], state)
        inputs = [leaves[i] for i in self.back.arguments]
        out = _OP.function(*inputs, *closed, values=values, reads=(*given, *found[self.count :]), call=call)
        if self.single:
            return out
        for i, x in zip(self.back.outputs, (out,) if isinstance(out, Tensor) else out, strict=True):
            found[i] = x
        return unflatten(self.capture.tree, iter(found))

    def gradients(self, kept: Sequence[Any], g: Sequence[Any]) -> Any:
        """What the backward program gives, or MISS where it is not right for these numbers."""
        arrays = len(kept) - len(self.back.formulas)
        read = [np.asarray(x) if isinstance(x, np.generic) else x for x in kept[:arrays]]
        with self.lock:  # a program has one memory
            return self.back_script.run([*read, *g, *kept[arrays:]])


class _Call:
    """One call of a compiled function, which can be run again as it is: for derivatives of its derivative.

    Attributes:
        closed: the nodes that the gradient goes to beside the arguments.
        state: where random numbers stood before it; None where it draws none.
    """

    def __init__(self, recorded: Recorded, leaves: Sequence[Any], closed: list[Any], state: Any) -> None:
        self.recorded, self.leaves, self.closed, self.state = recorded, leaves, closed, state

    def again(self, g: Any) -> list[Any]:
        """The gradients, by the function itself."""
        recorded = self.recorded
        args, kwargs = unflatten(recorded.capture.arguments, iter(self.leaves))

        def outputs(*args: Any, **kwargs: Any) -> list[Any]:
            found = flatten(recorded.function(*args, **kwargs))
            return [found[i] for i in recorded.back.outputs]

        rerun = Rerun(outputs, args, kwargs)
        rerun.closed_over = self.closed
        rerun.random_state = self.state or rerun.random_state
        higher = any(isinstance(x, Tensor) for x in (g if isinstance(g, tuple) else (g,)))
        with _unchanged(recorded.capture):
            return rerun.pull_back(g, rerun.inputs if higher else [raw(x) for x in rerun.inputs])


def _now(x: Any) -> Any:
    """A Tensor or an array of the state as it is now."""
    return x.get() if isinstance(x, Place) else x


@contextmanager
def _unchanged(capture: Any) -> Iterator[None]:
    """Afterwards what the function changes is as before: it has changed it already."""
    kept = []
    for e in capture.effects:
        if e.kind != "write":
            kept.append((e.target, e.target._array if isinstance(e.target, Tensor) else e.target.get()))
    copies = [(array, array.copy()) for array in (raw(_now(x)) for x in capture.sources if x is not None)]
    try:
        yield
    finally:
        for target, value in kept:
            if isinstance(target, Tensor):
                target._array = value
            else:
                target.set(value)
        for array, copy in copies:
            if not np.array_equal(array, copy, equal_nan=copy.dtype.kind in "fc"):
                array[...] = copy


def _forward(*tensors: Any, values: tuple[Any, ...], reads: tuple[Any, ...], call: _Call) -> tuple[Any, ...]:
    """What a compiled function has returned, and what its backward pass reads.

    out = f(tensors_1, tensors_2, ...)
    dtensors_k = g df/dtensors_k
    """
    return (values[0] if len(values) == 1 else values), reads


def _pull_back(g: Any, needs: tuple[bool, ...], kept: tuple[Any, ...], call: _Call) -> list[Any]:
    parts = g if isinstance(g, tuple) else (g,)
    if all(map(is_plain, parts)):
        found = call.recorded.gradients(kept, parts)
        if found is not MISS:
            return found
    return call.again(g)


_OP = Op(_forward, {}, joint=_pull_back, inputs=("tensors",), extras=("kept",), name="compiled")
