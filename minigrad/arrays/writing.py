"""x[index] = value where an index names a place several times: the last value stays, on a GPU too."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..devices import cupy, follow
from ..kernels import is_cupy

__all__ = ["names_places_once", "write_at"]


def write_at(x: Any, index: Any, value: Any) -> None:
    """x[index] = value; of several values for one place the last one stays, on any device.

    NumPy writes one value after the other.  A GPU writes all at once, and whichever comes last stays; so there each
    is first exchanged for the last one of its place.  That waits for nothing.

    >>> x = np.zeros(2); write_at(x, np.array([1, 1]), np.array([3.0, 4.0])); x
    array([0., 4.])
    """
    if is_cupy(x) and np.size(value) > 1 and not names_places_once(index):
        value = _last_values(x, index, value)
    x[index] = value


def names_places_once(index: Any) -> bool:
    """Whether an index names no place twice, whatever its numbers are: slices, integers, None, Ellipsis, masks.

    >>> names_places_once((slice(2), np.array([True, False]))), names_places_once(np.array([0, 1]))
    (True, False)
    """
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        p is None or p is Ellipsis or isinstance(p, (int, slice, np.integer)) or getattr(p, "dtype", None) == np.bool_
        for p in parts
    )


@follow
def _last_values(x: Any, index: Any, value: Any) -> Any:
    """For each place that x[index] names the last of the values that are written there.

    The values are numbered; each place gets the largest number that is written to it.
    """
    parts = index if isinstance(index, tuple) else (index,)
    leading = all(getattr(p, "dtype", np.dtype(type(p))).kind in "iu" for p in parts)
    named = len(parts) if leading else x.ndim  # the first axes, which the numbers are of
    last = np.zeros_like(x, shape=x.shape[:named], dtype=np.uint64)  # CuPy has no maximum.at of int64
    lead, rest = last[index].shape, x.shape[named:]
    cupy().maximum.at(last, index, np.arange(prod(lead), dtype=np.uint64, like=x).reshape(lead))
    shape = np.shape(value)[max(0, np.ndim(value) - len(lead) - len(rest)) :]  # NumPy takes axes of length 1 in front
    values = np.broadcast_to(value.reshape(shape), lead + rest).reshape(prod(lead), *rest)
    return values[last[index].view(np.int64)]
