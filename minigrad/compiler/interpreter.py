"""What the interpreter of loops needs of NumPy: views of memory over a space, and sums in the order of compiled code."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .operations import function_of, identity

__all__ = ["reduced", "view_over"]


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
