"""Passes: each takes a program and gives one that computes the same with fewer steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np

from ..arrays.traced import Place, astype, getitem
from .numbers import Formula, key_of
from .program import Program, Step, Var, mapped, vars_in, with_values

__all__ = ["folded", "simplified", "stages", "without_copies", "without_repeats", "without_unused"]

#: Constants of more elements are computed at each call rather than kept.
SMALL = 4096


def simplified(program: Program) -> Program:
    """The program after all passes."""
    return stages(program)["without_unused"]


def stages(program: Program) -> dict[str, Program]:
    """The program as it was written down, and after each pass, one after the other."""
    found = {"traced": program}
    for apply in (without_copies, folded, without_repeats, without_unused):
        found[apply.__name__] = program = apply(program)
    return found


def replaced(x: Any, by: Mapping[Any, Any]) -> Any:
    """The same with others in place of some values, or numbers, in nested containers."""
    return mapped(x, lambda v: by.get(v, v))


def _renamed(step: Step, by: dict[Var, Any]) -> Step:
    """A step that reads other values in place of some."""
    if not by or not any(v in by for v in step.inputs()):
        return step
    return Step(step.function, replaced(step.args, by), replaced(step.kwargs, by), step.outs, step.several)


def _with_steps(program: Program, steps: list[Step], by: dict[Var, Any]) -> Program:
    checks = [(verify, replaced(values, by)) for verify, values in program.checks]
    outputs, guards = replaced(program.outputs, by), replaced(program.guards, by)
    for old, new in zip(program.guards, guards, strict=True):
        new.why = new.why or old.why
    return Program(program.inputs, dict(program.constants), steps, outputs, checks, guards)


def without_copies(program: Program) -> Program:
    """A step that gives the array that it gets is that array: nothing is written in place, so none needs a copy."""
    by: dict[Var, Any] = {}
    steps = []
    for step in program.steps:
        step = _renamed(step, by)
        source = step.args[0] if step.args else None
        out = step.outs[0]
        alike = type(source) is Var and out is not None and (source.shape, source.dtype) == (out.shape, out.dtype)
        whole = step.function is getitem and step.args[1] in (Ellipsis, (Ellipsis,), slice(None))
        if alike and (step.function in _SAME or whole):
            by[step.out] = source
        else:
            steps.append(step)
    return _with_steps(program, steps, by)


#: What gives its first argument, where shape and dtype stay.
_SAME = {np.copy, np.reshape, np.broadcast_to, np.asarray, np.ravel, np.squeeze, astype, np.ascontiguousarray}


def folded(program: Program) -> Program:
    """What depends on no value, or on constants alone, is computed now."""
    constants = dict(program.constants)
    steps = []
    for step in program.steps:
        made = _SHAPED.get(step.function)
        out = step.outs[0]
        if made is not None and out is not None and not step.kwargs.get("like"):
            value = made(step)
            if value is not None:
                constants[out] = np.broadcast_to(np.asarray(value, dtype=out.dtype), out.shape)
                continue
        inputs = step.inputs()
        known = bool(inputs) and all(v in constants for v in inputs) and not any(type(a) is Formula for a in step.args)
        if known and step.function in _PURE and prod(step.out.shape) <= SMALL:
            values: Any = constants
            constants[step.out] = np.asarray(step.function(*with_values(step.args, values), **with_values(step.kwargs, values)))
            continue
        steps.append(step)
    new = _with_steps(program, steps, {})
    new.constants = constants
    return new


def _filling(step: Step) -> Any:
    return step.args[1] if len(step.args) > 1 and isinstance(step.args[1], (int, float)) else None


#: What is filled with one number, by the number.
_SHAPED: dict[Any, Callable[[Step], Any]] = {
    np.ones: lambda step: 1,
    np.ones_like: lambda step: 1,
    np.zeros: lambda step: 0,
    np.zeros_like: lambda step: 0,
    np.full: _filling,
    np.full_like: _filling,
}
_PURE = {
    np.reshape, np.broadcast_to, np.multiply, np.add, np.subtract, np.divide, np.negative, np.equal, np.cumsum, astype,
    np.expand_dims, getitem,
}  # fmt: skip


def without_repeats(program: Program) -> Program:
    """Of several equal steps the first one."""
    by: dict[Var, Any] = {}
    known: dict[Any, Step] = {}
    steps = []
    for step in program.steps:
        step = _renamed(step, by)
        try:
            key = (step.function, _key(step.args), _key(step.kwargs))
            first = known.get(key)
        except TypeError:  # an argument that cannot be compared
            first = key = None
        if first is not None and _is_pure(step):
            by.update({mine: theirs for mine, theirs in zip(step.outs, first.outs, strict=True) if mine is not None})
            continue
        if key is not None:
            known[key] = step
        steps.append(step)
    return _with_steps(program, steps, by)


def _is_pure(step: Step) -> bool:
    return not getattr(step.function, "draws", False)


def _key(x: Any) -> Any:
    if isinstance(x, (tuple, list)):
        return (type(x), *map(_key, x))
    if isinstance(x, dict):
        return tuple((k, _key(v)) for k, v in sorted(x.items()))
    if isinstance(x, slice):
        return ("slice", _key(x.start), _key(x.stop), _key(x.step))
    if isinstance(x, Place):
        return ("place", x.function, _key(x.args), _key(x.kwargs), x.number)
    hash(x)
    return key_of(x)


def without_unused(program: Program) -> Program:
    """Only what leads to an output."""
    needed = {*vars_in(program.outputs), *program.guards} | {v for _, values in program.checks for v in vars_in(values)}
    steps = []
    for step in reversed(program.steps):
        if any(v in needed for v in step.outs) or not _is_pure(step):
            if hasattr(step.function, "pruned"):
                step = step.function.pruned(step, needed)
            needed.update(step.inputs())
            steps.append(step)
    steps.reverse()
    new = _with_steps(program, steps, {})
    new.constants = {v: x for v, x in program.constants.items() if v in needed}
    return new
