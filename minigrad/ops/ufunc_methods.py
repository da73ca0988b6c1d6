"""The methods of ufuncs: np.subtract.reduce, np.maximum.accumulate, np.add.reduceat, np.multiply.outer, np.add.at.

Sums, products and extrema are ops of their own.  All others are what the methods are by definition, the two-argument
function folded along an axis, so that they are differentiable as soon as the function is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate as running_fold
from typing import Any

import numpy as np

from ..tensor import Tensor, raw
from .arithmetic import add, maximum, minimum, multiply
from .constant import constants
from .index import getitem, plain_index, take_along_axis
from .join import concatenate, stack, unstack
from .reduce import logsumexp, max, min, prod, sum
from .scan import cumprod, cumsum
from .select import where as choose_where
from .shape import reshape

__all__ = ["masked", "methods"]


def _running_extremum(ufunc: np.ufunc) -> Callable[..., Any]:
    """np.maximum.accumulate and np.minimum.accumulate; of equal values the latest is the one that counts."""

    def accumulate(x: Any, axis: int = 0) -> Any:
        values = raw(x)
        out = ufunc.accumulate(values, axis)
        places = np.cumsum(np.ones_like(values, dtype=np.intp), axis=axis) - 1
        latest = np.maximum.accumulate(np.where(values == out, places, 0), axis)
        return take_along_axis(x, latest, axis)

    return accumulate


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
    axes = tuple(range(ndim)) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
    return tuple(a % ndim for a in axes)


def _reduce(ufunc: np.ufunc, f: Callable[..., Any], x: Any, axis: Any = 0, keepdims: bool = False, **options: Any) -> Any:
    """f(f(f(x_0, x_1), x_2), ...) along an axis, or one after the other along several."""
    initial, mask = options.pop("initial", None), options.pop("where", True)
    axes = _axes(x, axis)
    if mask is not True:
        neutral = initial if initial is not None else ufunc.identity
        if neutral is None:
            raise ValueError(f"np.{ufunc.__name__}.reduce with where= needs initial=")
        x = choose_where(mask, x, neutral)
    if initial is None and (ufunc, "reduce") in _OWN:
        return _OWN[ufunc, "reduce"](x, axis=axes, keepdims=keepdims, **options)
    if options:
        raise TypeError(f"np.{ufunc.__name__}.reduce of a Tensor does not take {', '.join(options)}")
    out = x
    for a in sorted(axes, reverse=True):
        parts = unstack(out, axis=a)
        if not parts and initial is None and ufunc.identity is None:
            raise ValueError(f"np.{ufunc.__name__}.reduce: axis {a} is empty and the function has no identity")
        if not parts:
            filling = ufunc.identity if initial is None else initial
            out = np.full_like(out, filling, shape=(*np.shape(out)[:a], *np.shape(out)[a + 1 :]))
            continue
        out = parts[0]
        for part in parts[1:]:
            out = f(out, part)
    if initial is not None:
        out = f(initial, out)
    return np.expand_dims(out, axes) if keepdims else out


def _accumulate(ufunc: np.ufunc, f: Callable[..., Any], x: Any, axis: int = 0) -> Any:
    """x_0, f(x_0, x_1), f(f(x_0, x_1), x_2), ... along an axis."""
    if (ufunc, "accumulate") in _OWN:
        return _OWN[ufunc, "accumulate"](x, axis=axis)
    return stack(list(running_fold(unstack(x, axis=axis), f)), axis=axis)


def _reduceat(ufunc: np.ufunc, f: Callable[..., Any], x: Any, indices: Sequence[int], axis: int = 0) -> Any:
    """Reductions of the pieces that begin at the indices; a piece that would be empty is its first element."""
    axis = _axes(x, axis)[0]
    before, n = (slice(None),) * axis, np.shape(x)[axis]
    starts = [int(i) for i in raw(indices)]
    ends = [*starts[1:], n]
    pieces = [
        _reduce(ufunc, f, getitem(x, (*before, slice(i, j if j > i else i + 1))), axis, keepdims=True)
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


def _number(x: Any, axis: Any, keepdims: bool, where: Any) -> Any:
    """For how many elements the mask holds."""
    return np.sum(np.ones_like(np.real(raw(x))) * raw(where), axis=axis, keepdims=keepdims)


def _masked_mean(x: Any, axis: Any = None, keepdims: bool = False, where: Any = True, **options: Any) -> Any:
    """The mean of the elements for which the mask holds."""
    return _reduce(np.add, add, x, axis, keepdims, where=where, **options) / _number(x, axis, keepdims, where)


def _masked_var(x: Any, axis: Any = None, keepdims: bool = False, where: Any = True, ddof: float = 0) -> Any:
    """The variance of the elements for which the mask holds."""
    centred = x - _masked_mean(x, axis, True, where)
    squares = _reduce(np.add, add, np.real(centred * np.conj(centred)), axis, keepdims, where=where)
    return squares / (_number(x, axis, keepdims, where) - ddof)


def _by_ufunc(ufunc: np.ufunc, f: Callable[..., Any]) -> Callable[..., Any]:
    def reduction(x: Any, axis: Any = None, keepdims: bool = False, **options: Any) -> Any:
        return _reduce(ufunc, f, x, axis, keepdims, **options)

    return reduction


#: NumPy's reductions where they are called with `initial` or `where`.
masked: dict[Any, Callable[..., Any]] = {
    np.sum: _by_ufunc(np.add, add), np.prod: _by_ufunc(np.multiply, multiply), np.mean: _masked_mean, np.var: _masked_var,
    np.max: _by_ufunc(np.maximum, maximum), np.amax: _by_ufunc(np.maximum, maximum),
    np.min: _by_ufunc(np.minimum, minimum), np.amin: _by_ufunc(np.minimum, minimum),
    np.std: lambda x, axis=None, keepdims=False, **options: np.sqrt(_masked_var(x, axis, keepdims, **options)),
}  # fmt: skip

#: What stands for each method: (ufunc, its op, *arguments) -> result.
methods: dict[str, Callable[..., Any]] = {
    "reduce": _reduce, "accumulate": _accumulate, "reduceat": _reduceat, "outer": _outer, "at": _at,
}  # fmt: skip
