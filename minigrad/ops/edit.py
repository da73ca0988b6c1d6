"""Taking parts out of an array, putting parts in, choosing between arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce as fold_left
from typing import Any

import numpy as np

from ..backend import beside
from ..primitive import composed
from ..tensor import raw
from .index import assign, diag, getitem
from .join import stack
from .select import where
from .shape import reshape

__all__ = [
    "choose", "compress", "delete", "diagflat", "extract", "insert", "piecewise", "select", "trim_zeros",
]  # fmt: skip


@composed(np.delete, method=False)
def delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    """The array without the elements at some indices along an axis (flattened where none is given).

    >>> delete(np.array([1.0, 2.0, 3.0]), 1)
    array([1., 3.])
    """
    arr, axis = (reshape(arr, -1), 0) if axis is None else (arr, axis % np.ndim(arr))
    kept = np.delete(np.arange(np.shape(arr)[axis]), raw(obj))
    return getitem(arr, (slice(None),) * axis + (kept,))


@composed(np.insert, method=False)
def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """The array with values put before the given indices along an axis (flattened where none is given).

    >>> insert(np.array([1.0, 2.0]), 1, 9.0)
    array([1., 9., 2.])
    """
    arr, axis = (reshape(arr, -1), 0) if axis is None else (arr, axis % np.ndim(arr))
    n, ndim = np.shape(arr)[axis], np.ndim(arr)
    indices = np.arange(n)[obj] if isinstance(obj, slice) else np.asarray(obj)
    indices = np.flatnonzero(indices) if indices.dtype == bool else indices
    values = beside(np.asarray(values), arr) if isinstance(values, (list, tuple, int, float)) else values
    values = reshape(values, (1,) * (ndim - np.ndim(values)) + tuple(np.shape(values)))
    if indices.size == 1:
        values = np.moveaxis(values, 0, axis) if indices.ndim == 0 else values
        indices = np.repeat(indices.reshape(-1), np.shape(values)[axis])
    places = np.where(indices < 0, indices + n, indices)
    if places.size and not (places.min() >= 0 and places.max() <= n):
        raise IndexError(f"insert: index {obj} is out of bounds for axis {axis} with size {n}")
    places[np.argsort(places, kind="stable")] += np.arange(places.size)
    old = np.delete(np.arange(n + places.size), places)
    shape = [*np.shape(arr)[:axis], n + places.size, *np.shape(arr)[axis + 1 :]]
    before = (slice(None),) * axis
    out = assign(np.zeros_like(raw(arr), shape=shape), (*before, old), arr)
    return assign(out, (*before, places), values.astype(arr.dtype))


@composed(np.compress)
def compress(condition: Any, x: Any, axis: int | None = None) -> Any:
    """The slices along an axis for which a condition holds.

    >>> compress(np.array([True, False, True]), np.array([1.0, 2.0, 3.0]))
    array([1., 3.])
    """
    return np.take(x, np.flatnonzero(raw(condition)), axis)


@composed(np.extract, method=False)
def extract(condition: Any, arr: Any) -> Any:
    """The elements for which a condition holds, in one axis.

    >>> extract(np.array([True, False]), np.array([1.0, 2.0]))
    array([1.])
    """
    return getitem(reshape(arr, -1), np.flatnonzero(raw(condition)))


@composed(np.trim_zeros, method=False)
def trim_zeros(filt: Any, trim: str = "fb") -> Any:
    """A sequence without the zeros at its front ("f") and back ("b").

    >>> trim_zeros(np.array([0.0, 1.0, 0.0]))
    array([1.])
    """
    there = np.flatnonzero(raw(filt))
    if there.size == 0:
        return filt[:0]
    first = int(there[0]) if "f" in trim.lower() else 0
    last = int(there[-1]) + 1 if "b" in trim.lower() else np.shape(filt)[0]
    return filt[first:last]


@composed(np.diagflat)
def diagflat(x: Any, k: int = 0) -> Any:
    """The matrix with all elements of x on a diagonal.

    >>> diagflat(np.array([[1.0, 2.0]]))
    array([[1., 0.],
           [0., 2.]])
    """
    return diag(reshape(x, -1), k)


@composed(np.choose)
def choose(x: Any, choices: Sequence[Any], mode: str = "raise") -> Any:
    """For each element k of the integers x the element of the k-th choice.

    >>> choose(np.array([0, 1]), [np.array([1.0, 2.0]), np.array([10.0, 20.0])])
    array([ 1., 20.])
    """
    index, n = raw(x), len(choices)
    if mode == "raise":
        if (index < 0).any() or (index >= n).any():
            raise ValueError(f"choose: the indices must lie between 0 and {n - 1}; mode='wrap' or 'clip' takes others")
    else:
        index = np.remainder(index, n) if mode == "wrap" else np.clip(index, 0, n - 1)
    index, *parts = np.broadcast_arrays(index, *choices)
    return np.take_along_axis(stack(parts), index[None], axis=0)[0]


@composed(np.select, method=False)
def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0.0) -> Any:
    """The choice that belongs to the first condition that holds, element by element.

    >>> select([np.array([True, False])], [np.array([1.0, 2.0])], 9.0)
    array([1., 9.])
    """
    out = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        out = where(condition, choice, out)
    return out


@composed(np.piecewise, method=False)
def piecewise(x: Any, condlist: Sequence[Any], funclist: Sequence[Any], *args: Any, **kwargs: Any) -> Any:
    """A function defined in pieces: each is called with the elements for which its condition holds.

    One more function than conditions is for all the others; a number stands for a constant.

    >>> piecewise(np.array([-1.0, 2.0]), [np.array([True, False])], [lambda x: -x, lambda x: x**2])
    array([1., 4.])
    """
    conditions = [raw(c) for c in condlist]
    if len(funclist) == len(conditions) + 1:
        conditions.append(~fold_left(np.logical_or, conditions))
    elif len(funclist) != len(conditions):
        raise ValueError(
            f"piecewise: {len(conditions)} conditions need {len(conditions)} or {len(conditions) + 1} functions, "
            f"got {len(funclist)}"
        )
    out: Any = np.zeros_like(raw(x))
    for condition, piece in zip(conditions, funclist, strict=True):
        value = piece(getitem(x, condition), *args, **kwargs) if isinstance(piece, Callable) else piece  # type: ignore[arg-type]
        out = assign(out, condition, value)
    return out
