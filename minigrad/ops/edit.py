"""Taking elements out of an array and putting elements in."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backend import beside
from ..primitive import composed
from ..tensor import raw
from .index import assign, getitem
from .shape import reshape

__all__ = ["compress", "delete", "extract", "insert", "trim_zeros"]


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


