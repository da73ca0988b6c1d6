"""The interpreter: loops run with NumPy, one step at a time over the whole space.

Each value is an array that has length 1 along the axes that it does not vary over, so that NumPy broadcasts it where it
is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .operations import function_of, identity
from .steps import Compute, Constant, Index, Load, Reduce, Step, Store

__all__ = ["interpret", "reduced", "view_over"]


def interpret(
    code: Sequence[Step], space: tuple[int, ...], axes: Sequence[frozenset[int]], views: Sequence[Any]
) -> None:
    """Run code over a space; `axes` are those that each step runs over, `views` the operands over the whole space."""
    values: list[Any] = []
    writes: list[tuple[Any, Any]] = []  # after all loads

    def over_its_axes(view: Any, i: int) -> Any:
        return view[(*(slice(None) if a in axes[i] else slice(0, 1) for a in range(len(space))), ...)]

    with np.errstate(all="ignore"):
        for i, step in enumerate(code):
            match step:
                case Load(operand):
                    values.append(over_its_axes(views[operand], i).copy())
                case Constant(value, dtype):
                    values.append(np.full((1,) * len(space), value, dtype))
                case Index(axis, dtype):
                    shape = [n if a == axis else 1 for a, n in enumerate(space)]
                    values.append(np.arange(space[axis], dtype=dtype).reshape(shape))
                case Compute(op, args):
                    values.append(function_of(op)(*(values[v] for v in args)))
                case Reduce(op, value, over):
                    values.append(reduced(op, values[value], over, space))
                case Store(operand, value):
                    values.append(None)
                    writes.append((over_its_axes(views[operand], i), values[value]))
    for place, value in writes:
        place[...] = value


def view_over(array: Any, space: tuple[int, ...], strides: tuple[int, ...], offset: int) -> Any:
    """The memory of an array, seen over a space; strides and offset are in elements.

    Raises:
        ValueError: where that reaches beyond the array's memory.

    >>> view_over(np.arange(6), (2, 3), (0, 2), 1)
    array([[1, 3, 5],
           [1, 3, 5]])
    """
    size = array.itemsize
    if 0 in space:
        return np.empty(space, array.dtype)
    steps = [stride * (n - 1) for n, stride in zip(space, strides, strict=True)]
    first = array.__array_interface__["data"][0] + offset * size
    lowest, highest = first + size * sum(min(s, 0) for s in steps), first + size * (1 + sum(max(s, 0) for s in steps))
    low, high = np.lib.array_utils.byte_bounds(array)
    if not low <= lowest <= highest <= high:
        reached = f"{lowest - low} to {highest - low}"
        raise ValueError(f"reaches bytes {reached} of an array that has {high - low}; strides are counted in elements")
    return as_strided(_element(array, first), space, [stride * size for stride in strides])


def _element(array: Any, address: int) -> Any:
    """The element of an array at an address, as an array without axes, which keeps the whole alive."""

    class Place:
        __array_interface__ = array.__array_interface__ | {
            "data": (address, not array.flags.writeable),
            "shape": (),
            "strides": (),
        }
        base = array

    return np.asarray(Place())


def reduced(op: str, value: Any, axes: tuple[int, ...], space: tuple[int, ...]) -> Any:
    """A reduction as NumPy does it, except that sums of float32 are added up in float64, as in compiled code."""
    shape = tuple(space[a] if a in axes else n for a, n in enumerate(value.shape))
    dtype = np.float64 if op == "add" and value.dtype == np.float32 else value.dtype
    start, function = identity(op, str(value.dtype)), function_of(op)
    assert isinstance(function, np.ufunc)
    out = function.reduce(np.broadcast_to(value, shape), axis=axes, dtype=dtype, keepdims=True, initial=start)
    return out.astype(value.dtype)
