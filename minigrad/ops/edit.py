"""Taking elements out of an array and putting elements in."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..backend import as_operand, beside, is_array, side_by_side, transfer
from ..primitive import composed
from ..tensor import raw
from .batching import one_by_one
from .index import assign, getitem, take
from .shape import reshape

__all__ = ["compress", "delete", "extract", "insert", "trim_zeros"]


def _looked_at(indices: Any) -> Any:
    """Indices in main memory, where the size of the result is computed."""
    indices = raw(indices)
    return transfer(indices, "cpu") if is_array(indices) else indices


@composed(np.delete, method=False)
def delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    """The array without the elements at some indices along an axis (flattened where none is given).

    Args:
        obj: which elements or slices: a number, a slice, a list of numbers, or a mask.
        axis: along which axis. None: of the flattened array.

    >>> delete(np.array([1.0, 2.0, 3.0]), 1)
    array([1., 3.])
    """
    arr, axis = (
        (reshape(arr, -1), 0) if axis is None else (arr, normalize_axis_index(axis, np.ndim(arr)))
    )
    kept = np.delete(np.arange(np.shape(arr)[axis]), _looked_at(obj))
    return getitem(arr, (slice(None),) * axis + (kept,))


@composed(np.insert, method=False)
def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """The array with values put before indices along an axis (flattened where none is given).

    Args:
        obj: before which: a number, a slice, a list of numbers, or a mask.
        values: what is put there.
        axis: along which axis. None: into the flattened array.

    >>> insert(np.array([1.0, 2.0]), 1, 9.0)
    array([1., 9., 2.])
    """
    arr, axis = (
        (reshape(arr, -1), 0) if axis is None else (arr, normalize_axis_index(axis, np.ndim(arr)))
    )
    arr = as_operand(arr)
    n, ndim = np.shape(arr)[axis], np.ndim(arr)
    obj = _looked_at(obj)
    indices = (
        np.arange(n)[obj]
        if isinstance(obj, slice)
        else np.asarray(obj, None if np.size(obj) or isinstance(obj, np.ndarray) else np.intp)
    )
    indices = np.flatnonzero(indices) if indices.dtype == bool else indices
    if indices.dtype.kind not in "iu":
        raise IndexError(f"insert: the indices must be integers or bools, got {indices.dtype}")
    if indices.ndim > 1:
        raise ValueError(f"insert: the indices must have one axis, got shape {indices.shape}")
    arr, values = side_by_side(arr, values)
    if not hasattr(values, "dtype"):
        values = beside(np.asarray(values), arr)
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


@composed(np.compress, method=False)
def compress(condition: Any, a: Any, axis: int | None = None, out: Any = None) -> Any:
    """The slices along an axis for which a condition holds (of the flattened array without one).

    >>> compress(np.array([True, False, True]), np.array([1.0, 2.0, 3.0]))
    array([1., 3.])
    """
    condition = raw(condition)
    if np.ndim(condition) != 1:
        raise ValueError(
            f"compress: the condition must have one axis, got shape {np.shape(condition)}"
        )
    return take(a, np.flatnonzero(condition), axis)


@composed(np.extract, method=False)
def extract(condition: Any, arr: Any) -> Any:
    """The elements for which a condition holds, in one axis.

    >>> extract(np.array([True, False]), np.array([1.0, 2.0]))
    array([1.])
    """
    return getitem(reshape(arr, -1), np.flatnonzero(raw(condition)))


@composed(np.trim_zeros, method=False)
@one_by_one("the length of its result depends on the values")
def trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    """The array without the zeros at its front ("f") and back ("b"), along all axes or those given.

    Args:
        filt: the array.
        trim: where zeros are cut off: "f", "b", or "fb" for both.
        axis: along which axes. None: all.

    >>> trim_zeros(np.array([0.0, 1.0, 0.0]))
    array([1.])
    """
    ends = set(trim.lower())
    if trim.lower() not in ("fb", "bf", "f", "b"):
        raise ValueError(f"trim_zeros: trim must be 'f', 'b' or 'fb', got {trim!r}")
    ndim = np.ndim(filt)
    axes = range(ndim) if axis is None else normalize_axis_tuple(axis, ndim)
    if not ndim:
        return filt
    index = [slice(None)] * ndim
    places = np.nonzero(raw(filt))  # the coordinates of all others along each axis
    for along in axes:
        first, last, empty = 0, 0, np.size(places[along]) == 0
        if not empty:
            first, last = int(np.min(places[along])), int(np.max(places[along])) + 1
        index[along] = slice(
            first if "f" in ends or empty else None, last if "b" in ends or empty else None
        )
    return filt[tuple(index)] if ndim != 1 else filt[index[0]]
