"""What a function that is traced finds around it: arrays there are traced ones while it runs, and what it changes is found."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import graph
from ..arrays.row_sparse import RowSparse
from ..arrays.traced import Traced
from ..backend import is_plain
from ..tensor import Tensor
from ..trees import sequence_like
from .numbers import Number
from .state import PLAIN, Place, State, held_in, position, same_value
from .streams import Streams
from .trace import Recorder

__all__ = ["Effect", "Taken"]


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


class Taken:
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
        self.found: list[tuple[Place, Any]] = []
        self.sparse = [(t, t._array) for t in state.tensors if isinstance(t._array, RowSparse)]
        for t, rows in self.sparse:
            t._array = rows.changed(lambda x: self._taken(x, None))
        for place in state.arrays:
            place.set(self._taken(place.get(), place))
        for place, value in state.tuples:
            place.set(self._tuple(value))
        own_gradients = {id(t) for t in tensors}
        places = (p for p in state.places.values() if not (p.key == "grad" and id(p.holder) in own_gradients))
        self.found = [(p, p.get()) for p in places if p.exists]

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
            elif isinstance(value, tuple) and (real := _real(value)) is not value:
                place.set(real)
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
            elif isinstance(holder, deque):
                holder.clear()
                holder.extend(contents)
            else:
                holder.clear()
                holder.update(contents)
        for x, held in self.state.sets:
            x.clear()
            x.update(held)
        for t, grad in self.before:
            if t._node is not None:
                t._node.grad = grad
        self.streams.go_back()

    def settle(self, after: State) -> tuple[list[Effect], str]:
        """Real arrays and numbers again; what has changed, and why the next call would not do the same."""
        effects = [Effect("write", i, t) for i, t in enumerate(self.recorder.arrays) if t.version]
        graph.mark_all_mutated(*(e.value.numbers for e in effects))
        for t, grad in self.before:
            if t._node is not None and t._node.grad is not grad:
                effects.append(_of_gradient(t, t._node.grad))
            if type(t._array) is Traced and not self._was_given(t._array):
                effects.append(Effect("array", t, t._array))
        unlike = _grown(self.state, after)
        effects += [e for place in _places(after) if (e := self._put(place)) is not None]
        known = {(id(e.target.holder), e.target.key) for e in effects if isinstance(e.target, Place)}
        if any(position(x) != at for x, at in self.state.iterators):
            unlike = "it takes the next element of an iterator"
        for place, value in self.found:
            if not place.exists:
                unlike = f"it takes {place} away"
            elif (now := place.get()) is not value and (id(place.holder), place.key) not in known:
                if isinstance(now, PLAIN) and type(now) is not Number:
                    effects += [] if same_value(now, value) else [Effect("constant", place, now)]
                elif not (isinstance(place.holder, Tensor) and place.key == "grad"):
                    # an object that stood elsewhere, say: the program does not know which one it would be
                    unlike = f"it puts another {type(now).__name__} into {place}"
        if any(x != contents for x, contents in self.state.sets):
            unlike = "it changes a set"
        self.undo(after)
        return effects, unlike

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


def _grown(before: State, after: State) -> str:
    """Which of the lists and dicts that a function can reach has other entries afterwards."""
    if [(id(h), k) for h, k in before.holders] == [(id(h), k) for h, k in after.holders]:
        return ""
    lengths = {id(h): len(k) for h, k in before.holders}
    for holder, keys in after.holders:
        if lengths.get(id(holder), len(keys)) != len(keys):
            return f"it finds a {type(holder).__name__} with {lengths[id(holder)]} entries and leaves {len(keys)} in it"
    return "it makes a list, a dict or another object, which a later call finds"


def _places(*states: State) -> list[Place]:
    """All places that are there."""
    return [place for state in states for place in state.places.values() if place.exists]


def _of_gradient(t: Tensor, grad: Any) -> Effect:
    if grad is not None and isinstance(grad._array, RowSparse):
        return Effect("rows", t, [grad._array.values, grad._array.rows])
    return Effect("grad", t, None if grad is None else grad._array)


def _real(x: Any) -> Any:
    """The same with arrays and numbers of this run in tuples; itself, where there are no traced ones."""
    if type(x) is Traced:
        return x.numbers
    if type(x) is Number:
        return x.number
    if not isinstance(x, tuple) or not any(type(v) in (Traced, Number) for v in held_in(x)):
        return x
    return sequence_like(x, [_real(v) for v in x])
