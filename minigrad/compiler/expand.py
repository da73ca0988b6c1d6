"""Calls spelled out as simpler ones, which a loop can hold: NumPy's definitions of mean, variance, picking along an axis ..."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from .program import Program, Step, Var
from .trace import all_finite, changed

__all__ = ["expanded"]


class Speller:
    """Writes the steps that stand for one."""

    def __init__(self, program: Program) -> None:
        self.constants = dict(program.constants)
        self.steps: list[Step] = []
        self.indices: dict[Any, Var] = {}

    def call(
        self, function: Callable[..., Any], *args: Any, shape: tuple[int, ...], dtype: Any, out: Var | None = None, **kwargs: Any
    ) -> Var:
        """A step; its result, a new value where `out` is None."""
        out = Var.new(shape, np.dtype(dtype)) if out is None else out
        self.steps.append(Step(function, args, kwargs, (out,)))
        return out

    def places(self, n: int, axis: int, ndim: int) -> Var:
        """0, 1 ... n - 1 along an axis."""
        shape = tuple(n if i == axis else 1 for i in range(ndim))
        if shape not in self.indices:
            self.indices[shape] = Var.new(shape, np.dtype(np.int64))
            self.constants[self.indices[shape]] = np.arange(n).reshape(shape)
        return self.indices[shape]


def expanded(program: Program) -> Program:
    """The program with such calls spelled out."""
    speller = Speller(program)
    for step in program.steps:
        spell = _SPELLED.get(step.function)
        if spell is None or not spell(speller, step):
            speller.steps.append(step)
    return Program(program.inputs, speller.constants, speller.steps, program.outputs, program.checks, program.guards)


def _is_here(speller: Speller, x: Any, index: Any, axis: int) -> Var | None:
    """Where each place along an axis is the one that an index picks, of one index along that axis."""
    if type(x) is not Var or type(index) is not Var or index.dtype != np.int64 or len(index.shape) != len(x.shape):
        return None
    if index.shape[axis] != 1 or any(a != b for i, (a, b) in enumerate(zip(index.shape, x.shape, strict=True)) if i != axis):
        return None
    n = x.shape[axis]
    below = speller.call(np.less, index, 0, shape=index.shape, dtype=bool)
    wrapped = speller.call(np.add, index, n, shape=index.shape, dtype=np.int64)
    place = speller.call(np.where, below, wrapped, index, shape=index.shape, dtype=np.int64)
    return speller.call(np.equal, speller.places(n, axis, len(x.shape)), place, shape=x.shape, dtype=bool)


def _take_along(speller: Speller, step: Step) -> bool:
    x, index, axis = (*step.args, *step.kwargs.values())
    if not isinstance(axis, int) or x.dtype.kind != "f" or not prod(x.shape):
        return False
    axis %= len(x.shape)
    here = _is_here(speller, x, index, axis)
    if here is None:
        return False
    picked = speller.call(np.where, here, x, -np.inf, shape=x.shape, dtype=x.dtype)
    speller.call(np.max, picked, axis=axis, keepdims=True, shape=index.shape, dtype=x.dtype, out=step.out)
    return True


def _changed(speller: Speller, step: Step) -> bool:
    function, x, args = step.args
    if function is not np.put_along_axis or step.kwargs["options"] or len(args) != 3 or not isinstance(args[2], int):
        return False
    index, values, axis = args
    here = _is_here(speller, x, index, axis % len(x.shape))
    if here is None:
        return False
    if type(values) is Var and values.dtype != x.dtype:
        return False
    speller.call(np.where, here, values, x, shape=x.shape, dtype=x.dtype, out=step.out)
    return True


def _var(speller: Speller, step: Step) -> bool:
    """The mean of the squared distances from the mean."""
    options = dict(step.kwargs)
    axis, keepdims = options.pop("axis", None), options.pop("keepdims", False)
    ddof = options.pop("ddof", options.pop("correction", 0))
    x = step.args[0]
    if len(step.args) != 1 or any(v is not None and v is not np._NoValue for v in options.values()) or not isinstance(ddof, int):
        return False
    if x.dtype.kind != "f" or not prod(x.shape):
        return False
    axes = tuple(range(len(x.shape))) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = tuple(a % len(x.shape) for a in axes)
    count = prod(x.shape[a] for a in axes)
    kept = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
    if count <= ddof:
        return False
    total = speller.call(np.sum, x, axis=axes, keepdims=True, shape=kept, dtype=x.dtype)
    mean = speller.call(np.divide, total, float(count), shape=kept, dtype=x.dtype)
    distance = speller.call(np.subtract, x, mean, shape=x.shape, dtype=x.dtype)
    squares = speller.call(np.multiply, distance, distance, shape=x.shape, dtype=x.dtype)
    out = step.out
    total = speller.call(np.sum, squares, axis=axes, keepdims=bool(keepdims), shape=out.shape, dtype=x.dtype)
    speller.call(np.divide, total, float(count - ddof), shape=out.shape, dtype=x.dtype, out=out)
    return True


def _all_finite(speller: Speller, step: Step) -> bool:
    """isfinite of each, and whether all are true"""
    flag: Var | None = None
    for x in step.args:
        finite = speller.call(np.isfinite, x, shape=x.shape, dtype=bool)
        whole = speller.call(np.all, finite, shape=(), dtype=bool)
        flag = whole if flag is None else speller.call(np.logical_and, flag, whole, shape=(), dtype=bool)
    speller.call(np.copy, flag, shape=(), dtype=bool, out=step.out)
    return True


_SPELLED: dict[Any, Callable[[Speller, Step], bool]] = {
    np.take_along_axis: _take_along, changed: _changed, all_finite: _all_finite, np.var: _var,
}  # fmt: skip
