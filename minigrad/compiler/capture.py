"""One run of a function, written down together with what it reads and changes beside its arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import tracing
from ..arrays.traced import Traced
from ..tensor import Tensor, raw, wrap
from ..trees import flatten, unflatten
from .numbers import Formula, Number
from .passes import simplified
from .program import Program, Var
from .state import Place, State, reachable
from .trace import Recorder

__all__ = ["Capture", "Effect", "capture", "is_array"]


@dataclass(frozen=True)
class Effect:
    """What a call changes beside its result.

    Attributes:
        kind: "write" into the array of a source, "array" or "grad" of a tensor, "set" of a place.
        target: the source's number, the tensor, or the place.
        value: a Var, a Formula, or None.
    """

    kind: str
    target: Any
    value: Any


@dataclass(eq=False)
class Capture:
    """A program, and its ties to the objects around it.

    Attributes:
        program: its inputs are the arrays of the arguments, then those of `sources`; its outputs the results, then the effects' values.
        leaves: the arguments of the run.
        result: what the function returned; arrays and Tensors in it stand for the results.
        sources: where arrays of the state are found: Tensors, or places.
        tensors: Tensors of the state: whether they need a gradient, and whether they have one.
        fixed: what must be the same at each call.
        sizes: dicts and lists whose length must be the same.
        numbers: what is read at each call: a formula, a dict, and keys one inside the other.
        decisions: formulas that must have these values.
        repeats: whether a second call would do the same; not where this one has made new places (an optimizer's first step).
    """

    program: Program
    leaves: list[Any]
    result: Any
    sources: list[Any]
    tensors: list[tuple[Tensor, bool, bool]]
    fixed: list[tuple[Place, Any]]
    sizes: list[tuple[Any, int]]
    numbers: list[tuple[Formula, dict[str, Any], tuple[Any, ...]]]
    decisions: list[tuple[Formula, Any]]
    effects: list[Effect] = field(default_factory=list)
    repeats: bool = True


def is_array(x: Any) -> bool:
    """Whether an argument is another array at each call."""
    return isinstance(x, (Tensor, np.ndarray))


def capture(function: Callable[..., Any], args: Any, kwargs: Any) -> tuple[Any, Capture]:
    """Run a function; what it gave, and how it came about."""
    leaves = flatten((args, kwargs))
    recorder, state = Recorder(), reachable(function, args, kwargs)
    given = [recorder.given(raw(x)) for x in leaves if is_array(x)]
    stand_ins = iter(given)
    new = [_like(x, next(stand_ins)) if is_array(x) else x for x in leaves]
    taken = _Taken(recorder, state, [x for x in leaves if isinstance(x, Tensor)])
    token = tracing.recorder.set(recorder)
    try:
        new_args, new_kwargs = unflatten((args, kwargs), iter(new))
        result = function(*new_args, **new_kwargs)
    except BaseException:
        tracing.recorder.reset(token)
        taken.undo(reachable(function, args, kwargs))
        raise
    tracing.recorder.reset(token)
    effects, repeats = taken.settle(reachable(function, args, kwargs))
    parts = flatten(result)
    values = ([recorder.value_of(raw(x)) for x in parts], [recorder.value_of(e.value) for e in effects])
    effects = [Effect(e.kind, e.target, v) for e, v in zip(effects, values[1], strict=True)]
    declared = {(id(source), path[0]) for _, source, path in recorder.given_numbers.values()}
    found = Capture(
        simplified(recorder.program(values)), leaves, result, taken.sources, [(t, n, g is not None) for t, n, g in taken.before],
        [(p, v) for p, v in state.fixed if (id(p.holder), p.key) not in declared],
        [(h, len(h)) for h, _ in state.holders], list(recorder.given_numbers.values()), recorder.decisions, effects, repeats,
    )  # fmt: skip
    return unflatten(result, iter([_own(x) for x in parts])), found


def _like(x: Any, t: Traced) -> Any:
    return wrap(t, None) if isinstance(x, Tensor) else t


def _own(x: Any) -> Any:
    """A result with this run's numbers."""
    array = raw(x)
    numbers = array.numbers if type(array) is Traced else array
    return wrap(numbers, None) if isinstance(x, Tensor) else numbers


class _Taken:
    """The state of a function, with traced arrays in the places of arrays.

    Attributes:
        before: the tensors, whether they need a gradient, and the gradient that they had.
        sources: where each traced array of the state was found.
    """

    def __init__(self, recorder: Recorder, state: State, arguments: Sequence[Tensor]) -> None:
        self.state, self.recorder = state, recorder
        own = {id(x) for x in arguments}
        tensors = [t for t in state.tensors if type(t._array) is np.ndarray and id(t) not in own]
        self.before = [(t, t._node is not None, t.grad) for t in tensors]
        self.sources: list[Any] = []
        self.traced: dict[int, Traced] = {}
        self.kept: list[tuple[np.ndarray, np.ndarray]] = []
        for t in tensors:
            t._array = self._taken(t._array, t)
        for place in state.arrays:
            place.set(self._taken(place.get(), place))

    def _taken(self, x: np.ndarray, source: Any) -> Traced:
        if id(x) not in self.traced:
            self.traced[id(x)] = self.recorder.given(x)
            self.sources.append(source)
        return self.traced[id(x)]

    def _all(self, after: State) -> dict[int, Tensor]:
        return {id(t): t for t in (*(b[0] for b in self.before), *after.tensors)}

    def undo(self, after: State) -> None:
        """After an error: real arrays and numbers again."""
        for t in self._all(after).values():
            if type(t._array) is Traced:
                t._array = t._array.numbers
        for state in (self.state, after):
            for place in _places(state):
                value = place.get()
                if type(value) is Traced:
                    place.set(value.numbers)
                elif type(value) is Number:
                    place.set(value.number)

    def settle(self, after: State) -> tuple[list[Effect], bool]:
        """Real arrays and numbers again; what has changed, and whether all places were there before."""
        effects = [
            Effect("write", i, t) for i, t in enumerate(self.traced.values()) if t.memory.version and t.memory.whole is t
        ]
        for t, needs, grad in self.before:
            if needs and t._node is not None and t._node.grad is not grad:
                effects.append(Effect("grad", t, None if t._node.grad is None else t._node.grad._array))
        known = {id(t): t for t, _, _ in self.before}
        for t in known.values():
            if type(t._array) is Traced and self.traced.get(id(t._array.numbers)) is not t._array:
                effects.append(Effect("array", t, t._array))
        repeats = [(id(h), k) for h, k in self.state.holders] == [(id(h), k) for h, k in after.holders]
        for place in _places(after):
            value = place.get()
            if type(value) is Number and value.formula.function is not None:
                effects.append(Effect("set", place, value.formula))
            elif type(value) is Traced and self.traced.get(id(value.numbers)) is not value:
                repeats = False
        self.undo(after)
        return effects, repeats


def _places(state: State) -> list[Place]:
    return [Place(h, k) for h, keys in state.holders for k in keys if isinstance(h, list) and k < len(h) or isinstance(h, dict) and k in h]
