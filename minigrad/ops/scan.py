"""Running sums and products, and sorting, along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..backend import NoValue, as_sizes
from ..primitive import composed, primitive
from ..tensor import raw
from .index import take_along_axis
from .join import concatenate

__all__ = ["cumprod", "cumsum", "cumulative_prod", "cumulative_sum", "partition", "sort", "sort_complex"]


def _cumsum_a(g: Any, a_shape: Any, axis: Any) -> Any:
    along = 0 if axis is None else axis
    return np.reshape(np.flip(np.cumsum(np.flip(g, along), axis=along), along), a_shape)


@primitive(np.cumsum, a=_cumsum_a)
def cumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    """Running sum.

    out_i = sum_{j <= i} a_j
    da_i  = sum_{j >= i} g_j

    >>> cumsum(np.array([1.0, 2.0, 3.0]))
    array([1., 3., 6.])
    """
    return np.cumsum(a, axis=axis, dtype=dtype)


def _cumprod_by_doubling(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    """Running products in log2(n) steps of multiplication: after step k an element holds 2^k factors."""
    a = a if dtype is None else a.astype(dtype)
    a = np.reshape(a, -1) if axis is None else a
    along = 0 if axis is None else axis
    n, step = a.shape[along], 1
    while step < n:
        head, tail = np.split(a, [step], axis=along)
        a = np.concatenate([head, tail * np.split(a, [n - step], axis=along)[0]], axis=along)
        step *= 2
    return a


@primitive(np.cumprod, composite=_cumprod_by_doubling, inputs=("a",))
def cumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    """Running product; differentiated through its multiplications, so that zeros do no harm.

    out_i = prod_{j <= i} a_j
    da_i  = sum_{j >= i} g_j prod_{k <= j, k != i} a_k

    >>> cumprod(np.array([1.0, 2.0, 3.0]))
    array([1., 2., 6.])
    """
    return np.cumprod(a, axis=axis, dtype=dtype)


def _refuse_order(name: str, order: Any) -> None:
    if order is not None:
        raise ValueError(f"{name}: order={order!r} names fields, and arrays of numbers have none")


def _sort_a(g: Any, places: Any, a_shape: Any, axis: Any) -> Any:
    along = -1 if axis is None else axis
    back = np.argsort(places, axis=along)
    return np.reshape(np.take_along_axis(g, back, axis=along), a_shape)


@primitive(np.sort, method=False, extras=("places",), a=_sort_a)
def sort(
    a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None, descending: Any = NoValue
) -> Any:  # fmt: skip
    """Sort along an axis; by default stable, whatever the algorithm.

    out_i = a_{p_i},  p = the places of the sorted elements
    da_{p_i} = g_i

    Args:
        order: not possible, an error where given.
        stable: whether equal elements keep their order; without it they do.
        descending: the largest first, from NumPy 2.5 on.

    Raises:
        ValueError: for `order`, which names fields of structured arrays, and for `kind` together
            with `stable`.
        TypeError: for `descending` before NumPy 2.5.

    >>> sort(np.array([3.0, 1.0, 2.0]))
    array([1., 2., 3.])
    """
    _refuse_order("sort", order)
    if kind is not None and stable is not None:
        raise ValueError("sort: kind= and stable= say the same thing, give one of them")
    if axis is not None and not np.ndim(a):
        raise np.exceptions.AxisError(axis, 0)
    a = np.reshape(a, -1) if axis is None else a
    along = -1 if axis is None else axis
    if descending is not NoValue:
        options = {"kind": kind, "stable": True if kind is None else stable, "descending": descending}
    elif kind is None or not isinstance(raw(a), np.ndarray):  # CuPy has the stable one alone
        options = {"kind": "stable"}
    else:
        options = {"kind": kind}
    places = np.argsort(a, axis=along, **options)
    return np.take_along_axis(a, places, axis=along), places


@composed(np.partition, method=False)
def partition(
    a: Any, kth: Any, axis: int | None = -1, kind: Any = "introselect", order: Any = None
) -> Any:
    """The elements along an axis, the k-th smallest in place k, smaller ones before it and larger ones behind.

    Args:
        kth: a number k, or several.
        order: not possible, an error where given.

    Raises:
        ValueError: for `order`, which names fields of structured arrays.

    >>> partition(np.array([3.0, 1.0, 2.0]), 1)
    array([1., 2., 3.])
    """
    _refuse_order("partition", order)
    a, axis = (np.reshape(a, -1), 0) if axis is None else (a, axis)
    kth, axis = as_sizes(kth), as_sizes(axis)
    options = {} if kind == "introselect" else {"kind": kind}  # CuPy has this one alone
    return take_along_axis(a, np.argpartition(raw(a), kth, axis=axis, **options), axis)


@composed(np.sort_complex, method=False)
def sort_complex(a: Any) -> Any:
    """Sort along the last axis by real parts, then imaginary parts; the result is complex.

    >>> sort_complex(np.array([2.0, 1.0]))
    array([1.+0.j, 2.+0.j])
    """
    out = sort(a)
    if out.dtype.kind == "c":
        return out
    return out.astype(np.complex64 if out.dtype.char in "bhBH" else np.complex128)


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
    x = x if np.ndim(x) else np.reshape(x, 1)
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
    x = x if np.ndim(x) else np.reshape(x, 1)
    axis = _along(x, axis, "cumulative_prod")
    products = cumprod(x, axis=axis, dtype=dtype)
    return _with_initial(products, 1.0, axis) if include_initial else products
