"""The methods of ufuncs: np.subtract.reduce, np.maximum.accumulate, np.add.reduceat, np.multiply.outer, np.add.at.

Sums, products and extrema are ops of their own.  All others are what the methods are by definition, the two-argument
function folded along an axis, so that they are differentiable as soon as the function is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate as running_fold
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..arrays.batch import Batch
from ..backend import NoValue
from ..tensor import Tensor, raw
from .constant import constants
from .index import getitem, plain_index, take_along_axis
from .join import concatenate, stack, unstack
from .reduce import logsumexp, max, min, prod, sum
from .scan import cumprod, cumsum
from .select import where as choose_where
from .shape import reshape

__all__ = ["methods"]


def _running_extremum(ufunc: np.ufunc) -> Callable[..., Any]:
    """np.maximum.accumulate and np.minimum.accumulate; of equal values the latest is the one that counts."""

    def accumulate(x: Any, axis: int = 0) -> Any:
        values = raw(x)
        out = _running(ufunc, values, axis)
        places = np.cumsum(np.ones_like(values, dtype=np.intp), axis=axis) - 1
        latest = _running(np.maximum, np.where(values == out, places, 0), axis)
        return take_along_axis(x, latest, axis)

    return accumulate


def _running(ufunc: np.ufunc, x: Any, axis: int) -> Any:
    """ufunc.accumulate; by shifts of 1, 2, 4 ... where the array's library (CuPy) does not have it."""
    if isinstance(x, (np.ndarray, Batch)):
        return ufunc.accumulate(x, axis)
    x, shift = np.moveaxis(x, axis, 0), 1
    while shift < len(x):
        x = np.concatenate([x[:shift], ufunc(x[shift:], x[:-shift])])
        shift *= 2
    return np.moveaxis(x, 0, axis)


#: The methods that have an op or a formula of their own.
_OWN: dict[tuple[np.ufunc, str], Callable[..., Any]] = {
    (np.add, "reduce"): sum,
    (np.multiply, "reduce"): prod,
    (np.maximum, "reduce"): max,
    (np.minimum, "reduce"): min,
    (np.logical_and, "reduce"): constants["all"],
    (np.logical_or, "reduce"): constants["any"],
    (np.logaddexp, "reduce"): logsumexp,
    (np.add, "accumulate"): cumsum,
    (np.multiply, "accumulate"): cumprod,
    (np.maximum, "accumulate"): _running_extremum(np.maximum),
    (np.minimum, "accumulate"): _running_extremum(np.minimum),
}


def _axes(x: Any, axis: Any) -> tuple[int, ...]:
    ndim = np.ndim(x)
    return tuple(range(ndim)) if axis is None else normalize_axis_tuple(axis, ndim)


def _reduce(
    ufunc: np.ufunc,
    f: Callable[..., Any],
    x: Any,
    axis: Any = 0,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = NoValue,
    where: Any = True,
) -> Any:
    """f(f(f(x_0, x_1), x_2), ...) along an axis, or one after the other along several."""
    options = {"initial": initial, "where": where, "dtype": dtype}
    absent = {"initial": NoValue, "where": True, "dtype": None}
    given = {n: v for n, v in options.items() if v is not absent[n]}
    own = _OWN.get((ufunc, "reduce"))
    if own is not None and not (given and own is logsumexp) and not isinstance(initial, Tensor):
        return own(x, axis=axis, keepdims=keepdims, **given)
    axes = _axes(x, axis)
    first = None if initial is NoValue else initial
    neutral = first if ufunc.identity is None else ufunc.identity
    if where is not True:
        if neutral is None:
            raise ValueError(f"np.{ufunc.__name__}.reduce with where= needs initial=")
        x = choose_where(where, x, neutral)
    if dtype is not None:
        x = x.astype(dtype)
    result = _folded(ufunc, f, x, axes, neutral)
    if first is not None and (np.size(x) or neutral is not first):
        result = f(first, result)
    return np.expand_dims(result, axes) if keepdims else result


def _folded(
    ufunc: np.ufunc, f: Callable[..., Any], x: Any, axes: tuple[int, ...], neutral: Any
) -> Any:
    """The function folded along each of the axes; `neutral` where there is nothing to fold."""
    for axis in sorted(axes, reverse=True):
        parts = unstack(x, axis=axis)
        if parts:
            x = parts[0]
            for part in parts[1:]:
                x = f(x, part)
        elif neutral is None:
            raise ValueError(
                f"np.{ufunc.__name__}.reduce: axis {axis} is empty, the function has no identity"
            )
        else:
            x = np.full_like(x, neutral, shape=(*np.shape(x)[:axis], *np.shape(x)[axis + 1 :]))
    return x


def _accumulate(
    ufunc: np.ufunc,
    f: Callable[..., Any],
    x: Any,
    axis: int = 0,
    dtype: Any = None,
    out: Any = None,
) -> Any:
    """x_0, f(x_0, x_1), f(f(x_0, x_1), x_2), ... along an axis."""
    x = x if dtype is None else x.astype(dtype)
    if (ufunc, "accumulate") in _OWN:
        return _OWN[ufunc, "accumulate"](x, axis=axis)
    return stack(list(running_fold(unstack(x, axis=axis), f)), axis=axis)


def _reduceat(
    ufunc: np.ufunc,
    f: Callable[..., Any],
    x: Any,
    indices: Sequence[int],
    axis: int = 0,
    dtype: Any = None,
    out: Any = None,
) -> Any:
    """Reductions of the pieces that begin at the indices; a piece that would be empty is its first element."""
    x = x if dtype is None else x.astype(dtype)
    axis = _axes(x, axis)[0]
    before, n = (slice(None),) * axis, np.shape(x)[axis]
    starts = [int(i) for i in raw(indices)]
    ends = [*starts[1:], n]
    pieces = [
        _reduce(
            ufunc, f, getitem(x, (*before, slice(i, j if j > i else i + 1))), axis, None, None, True
        )
        for i, j in zip(starts, ends, strict=True)
    ]
    return concatenate(pieces, axis=axis)


def _outer(ufunc: np.ufunc, f: Callable[..., Any], x: Any, y: Any) -> Any:
    """f(x_i, y_j) for all i and j."""
    return f(reshape(x, (*np.shape(x), *(1,) * np.ndim(y))), y)


def _at(ufunc: np.ufunc, f: Callable[..., Any], a: Any, indices: Any, b: Any = None) -> None:
    """a[indices] = f(a[indices], b), recorded; an index that stands there twice is worked on twice."""
    if not isinstance(a, Tensor):
        raise TypeError(
            f"np.{ufunc.__name__}.at cannot write a Tensor into a NumPy array, the gradient would be lost: make it a Tensor"
        )
    index = plain_index(indices)
    number = np.arange(int(np.prod(a.shape))).reshape(a.shape)[index]
    if np.unique(number).size == number.size:
        a[index] = f(a[index]) if b is None else f(a[index], b)
        return
    values = None if b is None else reshape(np.broadcast_to(b, number.shape), -1)
    for i, flat in enumerate(number.reshape(-1)):
        at = tuple(int(k) for k in np.unravel_index(flat, a.shape))
        a[at] = f(a[at]) if values is None else f(a[at], values[i])


#: What stands for each method: (ufunc, its op, *arguments) -> result.
methods: dict[str, Callable[..., Any]] = {
    "reduce": _reduce, "accumulate": _accumulate, "reduceat": _reduceat, "outer": _outer, "at": _at,
}  # fmt: skip
