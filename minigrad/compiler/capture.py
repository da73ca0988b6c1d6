"""One run of a function, written down together with what it reads and changes beside its arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import graph, tracing
from ..arrays.row_sparse import RowSparse
from ..arrays.traced import CannotTrace, Traced
from ..backend import address_of, is_plain
from ..tensor import Tensor, raw, wrap
from ..trees import flatten, sequence_like, unflatten
from .back import Back, entered, traced_back, without_graph
from .numbers import Formula, Number
from .passes import inputs_of, simplified
from .program import Program
from .state import Place, State, reachable
from .streams import Streams
from .trace import Recorder

__all__ = ["Capture", "Effect", "capture", "is_array"]


@dataclass(frozen=True)
class Effect:
    """What a call changes beside its result.

    Attributes:
        kind: "write" into the array of an input, "array", "grad" or row-sparse "rows" of a tensor, "number",
            "numbers" or "tensor" put in a place.
        target: the input's number, the tensor, or the place.
        value: a Var, a Formula, None, or of rows the Vars of values and rows.
    """

    kind: str
    target: Any
    value: Any


@dataclass(eq=False)
class Capture:
    """A program, and its ties to the objects around it.

    Attributes:
        traced: the program as it was written down.
        program: after the passes.  Its inputs are the arrays of the arguments, then those of `sources`; its outputs the
            results, then what the effects need.
        leaves: the arguments of the run.
        result: what the function returned; arrays and Tensors in it stand for the results.
        sources: where arrays of the state are found: Tensors, places, or arrays themselves.
        tensors: Tensors of the state: their places, whether they need a gradient, and whether they have one.
        fixed: what must be equal at each call.
        same: what must be the same object.
        loose: arrays that are read without being traced, and what they held.
        sizes: dicts and lists whose length must be the same.
        numbers: what is read at each call: a formula, a dict, and keys one inside the other; of an argument None and its place.
        decisions: formulas that must have these values.
        repeats: whether a second call would do the same; not where this one has made new places (an optimizer's first step).
        back: the backward pass of the results, if they belong to a graph; `result` then is a list of them and of what it reads.
        arguments, tree: how the arguments and the results are nested.
    """

    traced: Program
    program: Program
    leaves: list[Any]
    result: Any
    sources: list[Any]
    tensors: list[tuple[Tensor, Place | None, bool, bool]]
    fixed: list[tuple[Place, Any]]
    same: list[tuple[Place, Any]]
    loose: list[tuple[np.ndarray, np.ndarray]]
    sizes: list[tuple[Any, int]]
    numbers: list[tuple[Formula, Any, tuple[Any, ...]]]
    decisions: list[tuple[Formula, Any]]
    effects: list[Effect] = field(default_factory=list)
    repeats: bool = True
    back: Back | None = None
    arguments: Any = ((), {})
    tree: Any = None

    def differs(self) -> list[str]:
        """What must be as it was for the program to be right, and is not."""
        found = [f"{p.key} was {v!r:.40} and is {p.get()!r:.40}" for p, v in self.fixed if p.exists and p.get() != v]
        found += [f"{p.key} is another {type(v).__name__}" for p, v in self.same if p.exists and p.get() is not v]
        found += [f"a {type(h).__name__} had {n} entries and has {len(h)}" for h, n in self.sizes if len(h) != n]
        return found


def is_array(x: Any) -> bool:
    """Whether an argument is another array at each call."""
    return isinstance(x, (Tensor, np.ndarray, np.inexact)) or is_plain(x)


def capture(function: Callable[..., Any], args: Any, kwargs: Any, static: set[int] = frozenset()) -> tuple[Any, Capture]:  # type: ignore[assignment]
    """Run a function; what it gave, and how it came about.

    Args:
        static: the places of leaves that are no traced numbers though they are floats.
    """
    leaves = flatten((args, kwargs))
    floats = {i for i, x in enumerate(leaves) if type(x) is float} - static
    try:
        return _captured(function, args, kwargs, leaves, floats)
    except Exception:
        if not floats:
            raise
    return _captured(function, args, kwargs, leaves, set())  # it needs a true float: its value belongs to the program


def _captured(function: Callable[..., Any], args: Any, kwargs: Any, leaves: list[Any], floats: set[int]) -> tuple[Any, Capture]:
    recorder, state = Recorder(), reachable(function, *(x for x in leaves if not is_array(x)))
    new: list[Any] = []
    began, ends = next(graph.clock), {}
    for i, x in enumerate(leaves):
        if is_array(x):
            array = raw(x)
            new.append(_like(x, recorder.given(array if is_plain(array) else np.asarray(array))))
        else:
            new.append(recorder.argument(x, i) if i in floats else x)
        if isinstance(x, Tensor) and x._node is not None:
            new[i], ends[i] = entered(new[i]._array)
    stand_ins = [(new[i], new[i]._node) for i in ends]
    taken = _Taken(recorder, state, [x for x in leaves if isinstance(x, Tensor)])
    token = tracing.recorder.set(recorder)
    try:
        new_args, new_kwargs = unflatten((args, kwargs), iter(new))
        result = function(*new_args, **new_kwargs)
        taken.streams.refuse_draws()
        if any(t._node is not node for t, node in stand_ins):
            raise CannotTrace(
                "the compiled function writes into an argument that requires a gradient: write into a copy, x.clone()"
            )
        back = traced_back(recorder, result, ends, began, taken.tensors)
    except BaseException as error:
        tracing.recorder.reset(token)
        taken.undo(reachable(function, *(x for x in leaves if not is_array(x))))
        taken.roll_back()
        if recorder.refused is not None and isinstance(error, (TypeError, ValueError)):
            raise recorder.refused from None  # which NumPy makes an error of its own of, about a sequence
        raise
    tracing.recorder.reset(token)
    effects, repeats = taken.settle(reachable(function, *(x for x in leaves if not is_array(x))))
    parts, kept = flatten(result), [] if back is None else back.kept
    values = ([*(recorder.value_of(raw(x)) for x in parts), *kept], [recorder.value_of(e.value) for e in effects])
    effects = [Effect(e.kind, e.target, v) for e, v in zip(effects, values[1], strict=True)]
    traced = recorder.program(values)
    program = simplified(traced)
    read = {v for step in program.steps for v in inputs_of(step)}
    unknown = {v for v, source in zip(program.inputs[-len(taken.sources) :], taken.sources, strict=False) if source is None}
    repeats = repeats and not (read & unknown)  # a row-sparse gradient that is added to has other rows each time
    repeats = repeats and not _overlap([t.numbers for t in recorder.arrays], {e.target for e in effects if e.kind == "write"})
    own = [_own(x) for x in parts]
    shown = unflatten(result, iter(own)) if back is None else [*own, *back.numbers]
    found = Capture(
        traced, program, [without_graph(x) for x in leaves], shown, taken.sources, taken.tensors, taken.fixed(), state.same,
        [(x, x.copy()) for x in state.loose],
        [(h, len(h)) for h, _ in state.holders], list(recorder.given_numbers.values()), recorder.decisions, effects, repeats,
        back, unflatten((args, kwargs), iter([0] * len(leaves))), unflatten(result, iter([0] * len(parts))),
    )  # fmt: skip
    recorder.forget()
    return shown, found


def _overlap(arrays: list[np.ndarray], written: set[int]) -> bool:
    """Whether an array that is written shares memory with another one: a program takes them for two."""
    bounds = sorted((*_bounds(x), i) for i, x in enumerate(arrays) if x.size)
    stop, written_until = 0, 0
    for start, end, i in bounds:
        if start < written_until or (start < stop and i in written):
            return True
        stop = max(stop, end)
        written_until = max(written_until, end) if i in written else written_until
    return False


def _bounds(x: Any) -> tuple[int, int]:
    """Where the memory that an array looks at begins and ends."""
    ends = [s * (n - 1) for n, s in zip(x.shape, x.strides, strict=True)]
    return address_of(x) + sum(min(e, 0) for e in ends), address_of(x) + sum(max(e, 0) for e in ends) + x.itemsize


def _like(x: Any, t: Traced) -> Any:
    return wrap(t, None) if isinstance(x, Tensor) else t


def _own(x: Any) -> Any:
    """A result with this run's numbers."""
    array = raw(x)
    numbers = array.numbers if type(array) is Traced else array
    return wrap(numbers, None) if isinstance(x, Tensor) else numbers[()] if type(array) is Traced and not array.shape else numbers


def _of_gradient(t: Tensor, grad: Any) -> Effect:
    if grad is not None and isinstance(grad._array, RowSparse):
        return Effect("rows", t, [grad._array.values, grad._array.rows])
    return Effect("grad", t, None if grad is None else grad._array)


class _Taken:
    """The state of a function, with traced arrays in the places of arrays.

    Attributes:
        before: the tensors and the gradients that they had.
        sources: where each traced array of the state was found.
        contents: dicts and lists, and what was in them.
    """

    def __init__(self, recorder: Recorder, state: State, arguments: Sequence[Tensor]) -> None:
        self.state, self.recorder, self.streams = state, recorder, Streams(state.generators)
        recorder.streams = self.streams
        self.contents = [(h, dict(h) if isinstance(h, dict) else list(h)) for h, _ in state.holders]
        own = {id(x) for x in arguments}
        tensors = {t: place for t, place in state.tensors.items() if is_plain(t._array) and id(t) not in own}
        self.before = [(t, t.grad) for t in tensors]
        self.tensors = [(t, place, t._node is not None, t.grad is not None) for t, place in tensors.items()]
        self.sources: list[Any] = []
        self.traced: dict[int, Traced] = {}
        for t in tensors:
            t._array = self._taken(t._array, t)
        self.sparse = [(t, t._array) for t in state.tensors if isinstance(t._array, RowSparse)]
        for t, rows in self.sparse:
            t._array = rows.changed(lambda x: self._taken(x, None))
        for place in state.arrays:
            place.set(self._taken(place.get(), place))
        for place, value in state.tuples:
            place.set(self._tuple(value))

    def _taken(self, x: np.ndarray, source: Any) -> Traced:
        if id(x) not in self.traced:
            self.traced[id(x)] = self.recorder.given(x)
            self.sources.append(source)
        return self.traced[id(x)]

    def _tuple(self, x: Any) -> Any:
        """A tuple with traced arrays in it."""
        if isinstance(x, tuple):
            return sequence_like(x, [self._tuple(v) for v in x])
        return self._taken(x, x) if is_plain(x) else x

    def fixed(self) -> list[tuple[Place, Any]]:
        """What must be equal at each call: all but the numbers that are read anew, or follow from such."""
        declared = {(id(source), path[0]) for _, source, path in self.recorder.given_numbers.values()}
        return [(p, v) for p, v in self.state.fixed if (id(p.holder), p.key) not in declared]

    def undo(self, after: State) -> None:
        """Real arrays and numbers again."""
        for t, rows in self.sparse:
            t._array = rows
        for t in {*(t for t, _ in self.before), *after.tensors}:
            if type(t._array) is Traced:
                t._array = t._array.numbers
            elif isinstance(t._array, RowSparse):
                t._array = t._array.changed(lambda x: x.numbers if type(x) is Traced else x)
        for place in _places(self.state, after):
            value = place.get()
            if type(value) is Traced:
                place.set(value.numbers)
            elif type(value) is Number:
                place.set(value.number)
        for place, whole in self.state.tuples:
            if place.exists and isinstance(place.get(), tuple) and len(place.get()) == len(whole):
                place.set(whole)

    def roll_back(self) -> None:
        """What the function had changed before its error is as before: numbers, containers, gradients, random streams."""
        for array, numbers in self.recorder.before.values():
            array[...] = numbers
        for holder, contents in self.contents:
            if isinstance(holder, list):
                holder[:] = contents
            else:
                holder.clear()
                holder.update(contents)
        for t, grad in self.before:
            if t._node is not None:
                t._node.grad = grad
        self.streams.go_back()

    def settle(self, after: State) -> tuple[list[Effect], bool]:
        """Real arrays and numbers again; what has changed, and whether all places were there before."""
        effects = [Effect("write", i, t) for i, t in enumerate(self.recorder.arrays) if t.memory.version]
        graph.mark_all_mutated(*(e.value.numbers for e in effects))
        for t, grad in self.before:
            if t._node is not None and t._node.grad is not grad:
                effects.append(_of_gradient(t, t._node.grad))
            if type(t._array) is Traced and not self._was_given(t._array):
                effects.append(Effect("array", t, t._array))
        repeats = [(id(h), k) for h, k in self.state.holders] == [(id(h), k) for h, k in after.holders]
        effects += [e for place in _places(after) if (e := self._put(place)) is not None]
        self.undo(after)
        return effects, repeats

    def _was_given(self, x: Traced) -> bool:
        return self.traced.get(id(x.numbers)) is x

    def _put(self, place: Place) -> Effect | None:
        """What the function has put in a place."""
        value = place.get()
        if type(value) is Number and value.formula.function is not None:
            return Effect("number", place, value.formula)
        if type(value) is Traced and not self._was_given(value):
            return Effect("numbers", place, value)
        if isinstance(place.holder, Tensor):
            return None  # a gradient
        if isinstance(value, Tensor) and type(value._array) is Traced and value not in self.state.tensors:
            return Effect("tensor", place, value._array)
        return None


def _places(*states: State) -> list[Place]:
    """All places that are there."""
    return [place for state in states for place in state.places.values() if place.exists]
