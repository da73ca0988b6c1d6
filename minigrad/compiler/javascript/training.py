"""A compiled function, a training step say, as a program that a page computes again: with the state that it reads and changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...backend import is_plain
from ...tensor import Tensor, raw
from ...trees import flatten
from ..capture import Capture, Effect, is_array
from ..numbers import Formula
from ..program import Var
from ..state import Place
from .describe import Living, described
from .functions import Functions

__all__ = ["living"]


def living(
    capture: Capture,
    arguments: Sequence[Any],
    functions: Functions,
    keep: Sequence[Var] = (),
    named: Callable[[Any], str | None] = lambda source: None,
) -> Living:
    """Describe the program of a compiled function, `compiled.versions[0].capture`, in the state that all is in now.

    What the function changes, parameters and an optimizer's memory, becomes *pairs*: `program.advance()` in the page does what
    the end of a call does in Python.  `description["gradients"]` tells of inputs that are tensors where their gradients are.

    Args:
        arguments: those of a call of it, as they would be given; what they hold is what the page begins with.
        keep: values of `capture.program` that the page shows beside the results.
        named: what an input is called, by the Tensor or the place where it was found; None leaves it to this function.

    Raises:
        ValueError: the function would not do the same at the next call, as the first step of an optimizer, which makes
            its memory.
    """
    if not capture.repeats:
        raise ValueError("this call made new places, as an optimizer does at its first step: call the function once more before")
    leaves = flatten(tuple(arguments))
    ties = _Ties(capture, [np.asarray(raw(x)) for x in leaves if is_array(x)])
    given = ties.given | {formula: _number_at(source, path, leaves) for formula, source, path in capture.numbers}
    count = len(capture.program.inputs) - len(capture.sources)
    names = [*(f"argument {i}" for i in range(count)), *(named(s) or ties.name_of(s) for s in capture.sources)]
    found = described(
        capture.program, given, functions, [*keep, *(g for _, g in ties.gradients)], names, ties.pairs, ties.number_pairs,
        capture.decisions, count,
    )  # fmt: skip
    read = [(v, g) for v, g in ties.gradients if v in found.inputs]
    found.description["gradients"] = [[found.inputs[v], found.places[g]] for v, g in read]
    return found


class _Ties:
    """What a program has to do with the objects that a function finds around it.

    Attributes:
        given: the arrays of all inputs now.
        pairs, number_pairs: inputs and numbers, and what they are at the next call.
        gradients: inputs that are tensors, and their gradients.
    """

    def __init__(self, capture: Capture, arguments: Sequence[Any]) -> None:
        self.capture, self.first = capture, len(arguments)
        self.places = {id(t): place for t, place, _, _ in capture.tensors if place is not None}
        inputs, state = capture.program.inputs, map(self._numbers_of, capture.sources)
        self.given: dict[Any, Any] = dict(zip(inputs, [*arguments, *state], strict=True))
        self.inputs = {_key(source): v for source, v in zip(capture.sources, inputs[self.first :], strict=True)}
        self.pairs: list[tuple[Var, Var]] = []
        self.number_pairs: list[tuple[Formula, Formula]] = []
        self.gradients: list[tuple[Var, Var]] = []
        for effect, new in zip(capture.effects, capture.program.outputs[1], strict=True):
            self._add(effect, new)

    def name_of(self, source: Any) -> str:
        """What a source of the state is called where it was found."""
        place = source if isinstance(source, Place) else self.places.get(id(source))
        return place.key if place is not None and isinstance(place.key, str) else "state"

    def _add(self, effect: Effect, new: Any) -> None:
        """What follows from something that a call changes."""
        target = effect.target
        if effect.kind == "write":
            self.pairs.append((self.capture.program.inputs[target], new))
            self.gradients += [(v, new) for v in self._whose_gradient(target - self.first)]
        elif effect.kind == "grad" and new is not None and id(target) in self.inputs:
            self.gradients.append((self.inputs[id(target)], new))
            self.pairs += [(old, new) for old in self._gradients_before(target)]
        elif effect.kind == "array" and id(target) in self.inputs:
            self.pairs.append((self.inputs[id(target)], new))
        elif effect.kind in ("numbers", "tensor"):
            self.pairs += [(old, new) for old in self._found_at(target)]
        elif effect.kind == "number":
            self.number_pairs += [(old, new) for old, source, path in self.capture.numbers if _is_at(target, source, path)]

    def _numbers_of(self, source: Any) -> Any:
        """The array that a source holds now: of a Tensor's place perhaps another Tensor's."""
        if isinstance(source, Tensor):
            place = self.places.get(id(source))
            now = place.get() if place is not None and place.exists else source
            return (now if isinstance(now, Tensor) and now.shape == source.shape else source)._array
        return source if is_plain(source) else raw(source.get())

    def _found_at(self, place: Place) -> list[Var]:
        """The inputs that were found in a place, or whose Tensors were."""
        keys = [_key(place), *(t for t, own in self.places.items() if _key(own) == _key(place))]
        return [self.inputs[key] for key in keys if key in self.inputs]

    def _whose_gradient(self, number: int) -> list[Var]:
        """The tensor whose gradient is this source of the state, into which the program adds."""
        place = self.places.get(id(self.capture.sources[number])) if number >= 0 else None
        if place is None or place.key != "grad":
            return []
        owners = [t for t, *_ in self.capture.tensors if place.holder is t or place.holder is t._node]
        return [self.inputs[id(t)] for t in owners if id(t) in self.inputs]

    def _gradients_before(self, tensor: Tensor) -> list[Var]:
        """The gradient that a tensor had before, to which the program may add."""
        holders = {id(tensor), id(tensor._node)}
        own = [t for t, place in self.places.items() if place.key == "grad" and id(place.holder) in holders]
        return [self.inputs[t] for t in own if t in self.inputs]


def _key(source: Any) -> Any:
    """What a source is known by: which object it is, or of a place whose."""
    return (id(source.holder), source.key) if isinstance(source, Place) else id(source)


def _number_at(source: Any, path: tuple[Any, ...], leaves: Sequence[Any]) -> Any:
    """What a number of Python's is now."""
    value = leaves if source is None else source
    for key in path:
        value = value[key]
    return value


def _is_at(place: Any, source: Any, path: tuple[Any, ...]) -> bool:
    """Whether a number was read in a place."""
    return place.holder is source and path == (place.key,)
