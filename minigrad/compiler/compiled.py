"""compile: a function is traced at its first call, and its program runs at the others."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import graph, tracing
from ..arrays.traced import Traced, numbers_of
from ..tensor import Tensor, raw, wrap
from ..trees import flatten, unflatten
from .numbers import Formula, Number, evaluate
from .passes import simplified
from .program import Program, Var
from .state import Place, State, reachable
from .trace import Recorder

__all__ = ["Compiled", "compile"]


class GuardFailed(Exception):
    """What the program was traced for does not hold at this call."""


@dataclass(eq=False)
class Version:
    """A program, and what must hold for it to be right.

    Attributes:
        program: its inputs are the arrays among the arguments, then `tensors`, then `places`.
        shapes: of the arguments' arrays.
        effects: what it changes: functions of the values of Vars.
    """

    program: Program
    statics: list[Any]
    shapes: list[tuple[Any, Any]]
    tensors: list[tuple[Tensor, Any, Any, bool, bool]]
    places: list[Place]
    fixed: list[tuple[Place, Any]]
    holders: list[tuple[Any, tuple[Any, ...]]]
    numbers: list[tuple[Formula, dict[str, Any], tuple[Any, ...]]]
    decisions: list[tuple[Formula, Any]]
    guards: list[Var]
    result: Any
    effects: list[tuple[Callable[[Any], None], Any]]


class Compiled:
    """A function that runs as a program; see `compile`."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.versions: list[Version] = []
        functools.update_wrapper(self, function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        leaves = flatten((args, kwargs))
        arrays = [raw(x) for x in leaves if isinstance(x, (Tensor, np.ndarray))]
        if tracing.recorder.get() is not None or not all(type(a) is np.ndarray for a in arrays):
            return self.function(*args, **kwargs)
        statics = [None if isinstance(x, (Tensor, np.ndarray)) else x for x in leaves]
        shapes = [(a.shape, a.dtype) for a in arrays]
        for version in self.versions:
            given = _fits(version, statics, shapes)
            if given is not None:
                try:
                    return _run(version, arrays, given)
                except GuardFailed:
                    return self.function(*args, **kwargs)
        return self._trace(args, kwargs, leaves, statics, shapes)

    def _trace(self, args: Any, kwargs: Any, leaves: Any, statics: Any, shapes: Any) -> Any:
        recorder = Recorder()
        state = reachable(self.function, args, kwargs)
        arguments = [x for x in leaves if isinstance(x, (Tensor, np.ndarray))]
        given: dict[int, Traced] = {}

        def traced(x: np.ndarray) -> Traced:
            if id(x) not in given:
                given[id(x)] = recorder.given(x)
            return given[id(x)]

        inputs = [recorder.given(raw(x)) for x in arguments]
        stand_ins = iter([wrap(t, None) if isinstance(x, Tensor) else t for x, t in zip(arguments, inputs, strict=True)])
        new_args, new_kwargs = unflatten(
            (args, kwargs), iter([next(stand_ins) if isinstance(x, (Tensor, np.ndarray)) else x for x in leaves])
        )
        tensors = [t for t in state.tensors if type(t._array) is np.ndarray and not any(t is x for x in arguments)]
        before = [(t, t._array, t._node is not None, t.grad) for t in tensors]
        for t in tensors:
            t._array = traced(t._array)
        places = [p for p in state.arrays]
        for p in places:
            p.set(traced(p.get()))
        extra = recorder.inputs[len(inputs) :]
        token = tracing.recorder.set(recorder)
        try:
            result = self.function(*new_args, **new_kwargs)
        finally:
            tracing.recorder.reset(token)
            after = reachable(self.function, args, kwargs)
            effects, fresh = _settle(after, state, given, recorder, before)
        outputs = [raw(x) for x in flatten(result)]
        values = recorder._vars([o if type(o) is Traced else o for o in outputs])
        program = recorder.program((values, recorder.guards, [v for _, v in effects]))
        program.inputs = recorder.inputs
        program = simplified(program)
        final = unflatten(result, iter([_out(x) for x in flatten(result)]))
        declared = {(id(source), path[0]) for _, source, path in recorder.given_numbers.values()}
        if not fresh:
            version = Version(
                program, statics, shapes,
                [(t, a.shape, a.dtype, n, t.grad is None) for t, a, n, _ in before], places,
                [(p, v) for p, v in state.fixed if (id(p.holder), p.key) not in declared], state.holders,
                list(recorder.given_numbers.values()), recorder.decisions, recorder.guards, result, effects,
            )  # fmt: skip
            version.sources = [(id(raw(x)), v) for x, v in zip(arguments, recorder.inputs)]
            version.order = extra
            version.origin = {t.value.number if False else id(t): k for k, t in given.items()}
            version.reads = _reads(recorder.inputs[len(inputs) :], given, tensors, places, before)
            self.versions.append(version)
        return final


def _reads(inputs: Any, given: Any, tensors: Any, places: Any, before: Any) -> list[Callable[[], Any]]:
    """How each array of the state is found at a call."""
    by_id = {}
    for t, a, _, _ in before:
        by_id.setdefault(id(a), functools.partial(getattr, t, "_array"))
    readers = []
    for key in given:
        if key in by_id:
            readers.append(by_id[key])
        else:
            place = next(p for p in places if id(p.get()) == key)
            readers.append(place.get)
    return readers


def _settle(after: State, state: State, given: Any, recorder: Any, before: Any) -> tuple[list[Any], bool]:
    """Put real arrays and numbers where traced ones are, and note what has changed."""
    effects: list[Any] = []
    for key, t in given.items():
        if t.memory.version and t.memory.whole is t:
            effects.append((functools.partial(_write, t.numbers), t.value))
    fresh = False
    for t, _, has, grad in before:
        if has and t._node is not None and t._node.grad is not grad:
            new = t._node.grad
            effects.append((functools.partial(_set_grad, t), None if new is None else recorder._vars(new._array)))
    for t in {id(t): t for t in (*(b[0] for b in before), *after.tensors)}.values():
        if type(t._array) is Traced:
            array = t._array
            if id(array.numbers) not in given or given[id(array.numbers)] is not array:
                known = id(t) in state.seen
                if known:
                    effects.append((functools.partial(_set_array, t), array.value))
            t._array = array.numbers
    for place in after.arrays + _places_of(after, Traced):
        value = place.get()
        if type(value) is Traced:
            if given.get(id(value.numbers)) is not value:
                fresh = True
            place.set(value.numbers)
    for place in _places_of(after, Number):
        value = place.get()
        if value.formula.function is not None:
            effects.append((place.set, value.formula))
        place.set(value.number)
    if [(id(h), k) for h, k in state.holders] != [(id(h), k) for h, k in reachable_holders(after)]:
        fresh = True
    return effects, fresh


def reachable_holders(state: State) -> Any:
    return state.holders


def _places_of(state: State, kind: Any) -> list[Place]:
    return [Place(h, k) for h, keys in state.holders for k in keys if type(h[k]) is kind]


def _write(target: np.ndarray, value: Any) -> None:
    target[...] = value
    graph.mark_mutated(target)


def _set_array(t: Tensor, value: Any) -> None:
    t._array = np.array(value)


def _set_grad(t: Tensor, value: Any) -> None:
    t._node.grad = None if value is None else wrap(np.array(value), None)


def _out(x: Any) -> Any:
    if isinstance(x, Tensor):
        return wrap(numbers_of(x._array), None)
    return numbers_of(x)


def _fits(version: Version, statics: Any, shapes: Any) -> dict[Any, Any] | None:
    """The given numbers, where the program is right for this call; else None."""
    if version.shapes != shapes or version.statics != statics:
        return None
    for t, shape, dtype, needs, no_grad in version.tensors:
        if t._array.shape != shape or t._array.dtype != dtype or (t._node is not None) != needs or (t.grad is None) != no_grad:
            return None
    for h, keys in version.holders:
        if len(h) != len(keys):
            return None
    for place, value in version.fixed:
        now = place.holder.get(place.key) if isinstance(place.holder, dict) else place.get()
        if now is not value and (type(now) is not type(value) or now != value):
            return None
    given: dict[Any, Any] = {}
    for formula, source, path in version.numbers:
        value = source
        for key in path:
            value = value[key]
        given[formula] = value
    for formula, value in version.decisions:
        if evaluate(formula, given) != value:
            return None
    return given


def _run(version: Version, arrays: Sequence[Any], given: dict[Any, Any]) -> Any:
    state = [read() for read in version.reads]
    results, guards, effects = version.program.run([*arrays, *state], given)
    if not all(np.isfinite(g).all() for g in guards):
        raise GuardFailed
    for (apply, _), value in zip(version.effects, effects, strict=True):
        apply(value)
    items = iter(results)
    return unflatten(version.result, iter([_given_back(x, next(items)) for x in flatten(version.result)]))


def _given_back(x: Any, value: Any) -> Any:
    array = np.array(value)
    return wrap(array, None) if isinstance(x, Tensor) else array


def compile(function: Callable[..., Any]) -> Compiled:
    """A function that is traced once and then runs as a program."""
    return Compiled(function)
