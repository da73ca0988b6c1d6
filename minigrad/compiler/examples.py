"""Compiled functions under a `vmap`, where their arguments are batches: all examples at once are programs, too.

The program is that of ``vmap(f)``.  The gradient of each example is a compiled function of its own, which computes the
function once more; so is its gradient.  A function that changes something, draws random numbers, or reads by a name what
has other values for each example runs as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from .. import graph
from ..arrays import batch
from ..arrays.batch import Batch, Level
from ..arrays.traced import CannotTrace
from ..op import Op
from ..tensor import Tensor, raw, wrap
from ..transforms.pullbacks import vjp
from ..transforms.recording import is_tracked
from ..transforms.vmap import vmap
from ..trees import flatten, unflatten
from .back import without_graph
from .batches import bare
from .state import reachable

__all__ = ["Examples"]


class Examples:
    """A function of one example, compiled for many.

    Attributes:
        compiled: makes a compiled function.
        known: of each kind of arguments the compiled function of all examples; None where there is no program.
        gradients: of each kind of arguments the compiled function of one example's gradient.
    """

    def __init__(self, function: Callable[..., Any], compiled: Callable[..., Any]) -> None:
        self.function, self.compiled = function, compiled
        self.known: dict[Any, Any] = {}
        self.gradients: dict[Any, Any] = {}

    def run(self, structure: Any, leaves: Sequence[Any], args: Any, kwargs: Any) -> Any:
        """What the function returns: batches, in the graph where the arguments are."""
        levels = batch.running.get()
        tree = unflatten((args, kwargs), iter([0] * len(leaves)))
        found = self._values(structure, leaves, tree, levels[-1]) if len(levels) == 1 and type(levels[0]) is Level else None
        if found is None:
            return self.function(*args, **kwargs)
        parts, places = flatten(found), [i for i, x in enumerate(leaves) if isinstance(x, Tensor) and x._node is not None]
        outputs = [i for i, x in enumerate(parts) if x.dtype.kind in "fc"]
        if places and outputs:
            key = (structure, tuple(places), tuple(outputs))
            if key not in self.gradients:
                self.gradients[key] = self.compiled(_gradient_of(self.function, tree, places, outputs))
            call = _Call(self.gradients[key], leaves, levels[-1])
            values, reads = tuple([parts[i]._array for i in outputs]), tuple(map(raw, leaves))
            made = _OP.function(*(leaves[i] for i in places), values=values, reads=reads, call=call)
            for i, x in zip(outputs, (made,) if isinstance(made, Tensor) else made, strict=True):
                parts[i] = x
        return unflatten(found, iter(parts))

    def _values(self, structure: Any, leaves: Sequence[Any], tree: Any, level: Level) -> Any:
        """What the program gives, as batches; None where there is none."""
        bares = [bare(x) for x in leaves]
        if any(own not in ((), (level,)) for _, own in bares):
            return None
        axes = tuple([0 if own else None for _, own in bares])
        key = (structure, axes, level.randomness, level.arrays_in, graph.transforms.get() > 0)
        if key not in self.known:
            one = _checked(self.function, tree)
            self.known[key] = self.compiled(vmap(one, in_axes=axes, randomness=level.randomness))
            self.known[key].pure = True
        if self.known[key] is None:
            return None
        given = [_of_all(x, array, level) if own else without_graph(x) for x, (array, own) in zip(leaves, bares, strict=True)]
        try:
            with _within((), 0 if level.arrays_in else graph.transforms.get()):
                value = self.known[key](*given)
        except CannotTrace:
            self.known[key] = None
            return None
        return unflatten(value, iter([wrap(Batch(raw(x), level), None) for x in flatten(value)]))


def _of_all(x: Any, array: Any, level: Level) -> Any:
    """The array of all examples, in a Tensor where `vmap` was given one: derivatives inside have a graph then."""
    return array if level.arrays_in else wrap(array, None)


@contextmanager
def _within(levels: tuple[Level, ...], depth: int) -> Iterator[None]:
    """These vmaps and so many other transforms are running."""
    running, transforms = batch.running.set(levels), graph.transforms.set(depth)
    try:
        yield
    finally:
        batch.running.reset(running)
        graph.transforms.reset(transforms)


def _checked(function: Callable[..., Any], tree: Any) -> Callable[..., Any]:
    """The function of its arguments' leaves, if its program is right for all calls."""

    def one(*leaves: Any) -> Any:
        state = reachable(function)
        if any(type(raw(x)) is Batch for x in (*state.tensors, *state.seen.values())):
            raise CannotTrace("the function reads a batch by its name")
        args, kwargs = unflatten(tree, iter(leaves))
        value = function(*args, **kwargs)
        for x in flatten(value):
            if not isinstance(x, (Tensor, int, float, np.generic)) or (isinstance(x, Tensor) and x._node is not None):
                raise CannotTrace("the function returns what is no array, or depends on a tensor that requires a gradient")
        return value

    return one


def _gradient_of(function: Callable[..., Any], tree: Any, places: list[int], outputs: list[int]) -> Callable[..., Any]:
    """The gradient of some results with respect to some leaves, as a function of all leaves and the cotangents."""

    def gradient(*given: Any) -> list[Any]:
        count = len(given) - len(outputs)

        def of(*inputs: Any) -> list[Any]:
            leaves = list(given[:count])
            for i, x in zip(places, inputs, strict=True):
                leaves[i] = x
            args, kwargs = unflatten(tree, iter(leaves))
            found = flatten(function(*args, **kwargs))
            return [found[i] for i in outputs]

        _, pull = vjp(of, *(given[i] for i in places), argnums=tuple(range(len(places))))
        found = pull(list(given[count:]))
        if is_tracked(given):
            return list(found)
        return [x.detach() if isinstance(x, Tensor) else x for x in found]

    return gradient


class _Call:
    """One call in the graph.

    Attributes:
        gradient: the compiled function of one example's leaves and cotangents.
    """

    def __init__(self, gradient: Callable[..., Any], leaves: Sequence[Any], level: Level) -> None:
        self.gradient, self.leaves, self.level = gradient, leaves, level


def _forward(*tensors: Any, values: tuple[Any, ...], reads: tuple[Any, ...], call: _Call) -> tuple[Any, ...]:
    """What the function has returned for all examples, and the arguments."""
    return (values[0] if len(values) == 1 else values), reads


def _pull_back(g: Any, needs: tuple[bool, ...], kept: tuple[Any, ...], call: _Call) -> list[Any]:
    parts = g if isinstance(g, tuple) else (g,)
    higher = any(isinstance(x, Tensor) for x in parts)
    leaves = [x if higher or not isinstance(x, Tensor) else wrap(k, None) for x, k in zip(call.leaves, kept, strict=True)]
    with _within((call.level,), graph.transforms.get()):
        found = call.gradient(*leaves, *(wrap(x, None) if type(x) is Batch else x for x in parts))
    return [x if higher else raw(x) for x in found]


_OP = Op(_forward, {}, joint=_pull_back, inputs=("tensors",), extras=("kept",), name="compiled")
