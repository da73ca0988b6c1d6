"""A compiled function, a training step say, as a program that a page computes again: with the state that it reads and changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
    arrays = [np.asarray(raw(x)) for x in leaves if is_array(x)]
    program = capture.program
    places = {id(t): place for t, place, _, _ in capture.tensors if place is not None}
    state = [_numbers_of(source, places) for source in capture.sources]
    given: dict[Any, Any] = dict(zip(program.inputs, [*arrays, *state], strict=True))
    given |= {formula: _number_at(source, path, leaves) for formula, source, path in capture.numbers}
    inputs = {_key(source): v for source, v in zip(capture.sources, program.inputs[len(arrays) :], strict=True)}
    pairs, number_pairs, gradients = list[tuple[Var, Var]](), list[tuple[Formula, Formula]](), list[tuple[Var, Var]]()
    for effect, new in zip(capture.effects, program.outputs[1], strict=True):
        if effect.kind == "write":
            pairs.append((program.inputs[effect.target], new))
            gradients += [(inputs[t], new) for t in _whose_gradient(capture, effect.target - len(arrays), places) if t in inputs]
        elif effect.kind in ("grad", "array") and new is not None and id(effect.target) in inputs:
            (gradients if effect.kind == "grad" else pairs).append((inputs[id(effect.target)], new))
            pairs += [(old, new) for old in _gradients_before(effect, places, inputs)]
        elif effect.kind in ("numbers", "tensor") and (old := _input_at(effect.target, places, inputs)) is not None:
            pairs.append((old, new))
        elif effect.kind == "number":
            number_pairs += [(old, new) for old, source, path in capture.numbers if _is_at(effect.target, source, path)]
    known = {t: place.key for t, place in places.items() if isinstance(place.key, str)}
    names = [f"argument {i}" for i in range(len(arrays))]
    names += [named(s) or known.get(id(s)) or getattr(s, "key", None) or "state" for s in capture.sources]
    found = described(
        program, given, functions, [*keep, *(g for _, g in gradients)], list(map(str, names)), pairs, number_pairs,
        capture.decisions, len(arrays),
    )  # fmt: skip
    read = [(v, g) for v, g in gradients if v in found.inputs]
    found.description["gradients"] = [[found.inputs[v], found.places[g]] for v, g in read]
    return found


def _numbers_of(source: Any, places: Mapping[int, Place]) -> Any:
    """The array that a source of the state holds now: of a Tensor's place perhaps another Tensor's."""
    if isinstance(source, Tensor):
        place = places.get(id(source))
        now = place.get() if place is not None and place.exists else source
        return (now if isinstance(now, Tensor) and now.shape == source.shape else source)._array
    return source if is_plain(source) else raw(source.get())


def _key(source: Any) -> Any:
    """What a source is known by: which object it is, or of a place whose."""
    return (id(source.holder), source.key) if isinstance(source, Place) else id(source)


def _number_at(source: Any, path: tuple[Any, ...], leaves: Sequence[Any]) -> Any:
    """What a number of Python's is now."""
    value = leaves if source is None else source
    for key in path:
        value = value[key]
    return value


def _input_at(place: Place, places: Mapping[int, Place], inputs: Mapping[Any, Var]) -> Var | None:
    """The input that was found in a place, or the one whose Tensor was."""
    found = (inputs[t] for t, own in places.items() if _key(own) == _key(place) and t in inputs)
    return inputs.get(_key(place)) or next(found, None)


def _whose_gradient(capture: Capture, number: int, places: Mapping[int, Place]) -> list[int]:
    """The tensor whose gradient is this source of the state, into which the program adds."""
    place = places.get(id(capture.sources[number])) if number >= 0 else None
    if place is None or place.key != "grad":
        return []
    return [id(t) for t, *_ in capture.tensors if place.holder is t or place.holder is t._node]


def _gradients_before(effect: Effect, places: Mapping[int, Place], inputs: Mapping[Any, Var]) -> list[Var]:
    """The gradient that a tensor had before, to which the program may add."""
    holders = {id(effect.target), id(effect.target._node)}
    own = [t for t, place in places.items() if place.key == "grad" and id(place.holder) in holders]
    return [inputs[t] for t in own if t in inputs and effect.kind == "grad"]


def _is_at(place: Any, source: Any, path: tuple[Any, ...]) -> bool:
    """Whether a number was read in a place."""
    return place.holder is source and path == (place.key,)
