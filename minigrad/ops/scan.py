"""Running sums and products, and sorting, along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..primitive import composed, primitive
from ..tensor import raw
from .index import take_along_axis
from .join import concatenate

__all__ = ["cumprod", "cumsum", "cumulative_prod", "cumulative_sum", "partition", "sort", "sort_complex"]


def _cumsum_x(g: Any, x_shape: Any, axis: Any) -> Any:
    along = 0 if axis is None else axis
    return np.reshape(np.flip(np.cumsum(np.flip(g, along), axis=along), along), x_shape)


@primitive(np.cumsum, x=_cumsum_x)
def cumsum(x: Any, axis: Any = None, dtype: Any = None) -> Any:
    """Running sum.

    out_i = sum_{j <= i} x_j
    dx_i  = sum_{j >= i} g_j

    >>> cumsum(np.array([1.0, 2.0, 3.0]))
    array([1., 3., 6.])
    """
    return np.cumsum(x, axis=axis, dtype=dtype)


def _cumprod_by_doubling(x: Any, axis: Any = None, dtype: Any = None) -> Any:
    """Running products in log2(n) steps of multiplication: after step k an element holds 2^k factors."""
    x = np.reshape(x, -1) if axis is None else x
    along = 0 if axis is None else axis
    n, step = x.shape[along], 1
    while step < n:
        head, tail = np.split(x, [step], axis=along)
        x = np.concatenate([head, tail * np.split(x, [n - step], axis=along)[0]], axis=along)
        step *= 2
    return x if dtype is None else x.astype(dtype)


@primitive(np.cumprod, composite=_cumprod_by_doubling, inputs=("x",))
def cumprod(x: Any, axis: Any = None, dtype: Any = None) -> Any:
    """Running product; differentiated through its multiplications, so that zeros do no harm.

    out_i = prod_{j <= i} x_j
    dx_i  = sum_{j >= i} g_j prod_{k <= j, k != i} x_k

    >>> cumprod(np.array([1.0, 2.0, 3.0]))
    array([1., 2., 6.])
    """
    return np.cumprod(x, axis=axis, dtype=dtype)


def _sort_x(g: Any, order: Any, x_shape: Any, axis: Any) -> Any:
    back = np.argsort(order, axis=-1 if axis is None else axis)
    return np.reshape(np.take_along_axis(g, back, axis=-1 if axis is None else axis), x_shape)


@primitive(np.sort, extras=("order",), x=_sort_x)
def sort(x: Any, axis: Any = -1) -> Any:
    """Sort along an axis, ascending (stable).

    out_i = x_{order_i}
    dx_{order_i} = g_i

    >>> sort(np.array([3.0, 1.0, 2.0]))
    array([1., 2., 3.])
    """
    x = np.reshape(x, -1) if axis is None else x
    order = np.argsort(x, axis=-1 if axis is None else axis, kind="stable")
    return np.take_along_axis(x, order, axis=-1 if axis is None else axis), order


@composed(np.partition)
def partition(x: Any, kth: Any, axis: int | None = -1) -> Any:
    """The elements along an axis, the k-th smallest in place k, smaller ones before it and larger ones behind.

    >>> partition(np.array([3.0, 1.0, 2.0]), 1)
    array([1., 2., 3.])
    """
    x, axis = (np.reshape(x, -1), 0) if axis is None else (x, axis)
    return take_along_axis(x, np.argpartition(raw(x), kth, axis=axis), axis)


@composed(np.sort_complex, method=False)
def sort_complex(x: Any) -> Any:
    """Sort along the last axis by real parts, then imaginary parts; the result is complex.

    >>> sort_complex(np.array([2.0, 1.0]))
    array([1.+0.j, 2.+0.j])
    """
    out = sort(x)
    return out if out.dtype.kind == "c" else out.astype(np.complex128)


def _along(x: Any, axis: int | None, name: str) -> int:
    """The axis of a running sum or product: of several axes one must be named."""
    if axis is None and np.ndim(x) != 1:
        raise ValueError(f"{name}: axis must be given for an array of {np.ndim(x)} axes")
    return normalize_axis_index(0 if axis is None else axis, np.ndim(x))


def _with_initial(x: Any, first: float, axis: int) -> Any:
    shape = [*np.shape(x)[:axis], 1, *np.shape(x)[axis + 1 :]]
    return concatenate([np.full_like(raw(x), first, shape=shape), x], axis=axis)


@composed(np.cumulative_sum, method=False)
def cumulative_sum(
    x: Any, /, *, axis: int | None = None, dtype: Any = None, out: Any = None, include_initial: bool = False
) -> Any:
    """`cumsum` under the array API's name, from 0 on with `include_initial`.

    >>> cumulative_sum(np.array([1.0, 2.0]), include_initial=True)
    array([0., 1., 3.])
    """
    axis = _along(x, axis, "cumulative_sum")
    sums = cumsum(x, axis=axis, dtype=dtype)
    return _with_initial(sums, 0.0, axis) if include_initial else sums


@composed(np.cumulative_prod, method=False)
def cumulative_prod(
    x: Any, /, *, axis: int | None = None, dtype: Any = None, out: Any = None, include_initial: bool = False
) -> Any:
    """`cumprod` under the array API's name, from 1 on with `include_initial`.

    >>> cumulative_prod(np.array([2.0, 3.0]))
    array([2., 6.])
    """
    axis = _along(x, axis, "cumulative_prod")
    products = cumprod(x, axis=axis, dtype=dtype)
    return _with_initial(products, 1.0, axis) if include_initial else products
