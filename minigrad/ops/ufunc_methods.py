"""The methods of ufuncs: np.subtract.reduce, np.maximum.accumulate, np.add.reduceat, np.multiply.outer, np.add.at.

Sums, products and extrema are ops of their own.  All others are what the methods are by definition, the two-argument
function folded along an axis, so that they are differentiable as soon as the function is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate as running_fold
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..arrays.batch import Batch, Unbatched, newest
from ..backend import NoValue, as_array, as_numbers, is_array, side_by_side
from ..devices import follow
from ..tensor import Tensor, raw, wrap
from .batching import one_by_one
from .constant import constants
from .conversion import clone
from .index import getitem, plain_index, take_along_axis
from .join import concatenate, stack, unstack
from .reduce import logsumexp, max, min, prod, sum
from .scan import cumprod, cumsum
from .select import where as choose_where
from .shape import reshape

__all__ = ["methods"]


def _running_extremum(ufunc: np.ufunc) -> Callable[..., Any]:
    """np.maximum.accumulate and np.minimum.accumulate; of equal values the latest is the one that counts."""

    @follow
    def accumulate(x: Any, axis: int = 0) -> Any:
        values = raw(x)
        out = _running(ufunc, values, axis)
        places = np.cumsum(np.ones_like(values, dtype=np.intp), axis=axis) - 1
        same = (values == out) | (np.isnan(values) & np.isnan(out))  # NaN stays
        latest = _running(np.maximum, np.where(same, places, 0), axis)
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
#: Those that know none of the options dtype, initial and where.
_BARE = (logsumexp, constants["all"], constants["any"])


def _like_numpy(ufunc: np.ufunc, method: str, x: Any, *args: Any, **options: Any) -> np.dtype[Any]:
    """The dtype of NumPy's result; its complaint about what does not fit, of axes, indices, types, masks.

    NumPy's own method runs on ones of the shape and dtype of x.  Of options that are batches, or on
    another device, only the shape counts.
    """
    ones = np.broadcast_to(np.ones((), np.result_type(raw(x))), np.shape(x))
    for name, value in options.items():
        if is_array(value) and not isinstance(value, np.ndarray):
            options[name] = np.broadcast_to(True, np.shape(value))[()]
    return np.asarray(getattr(ufunc, method)(ones, *args, **options)).dtype


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
    """f(f(f(initial, x_0), x_1), ...) along an axis, or one after the other along several."""
    where = raw(where)
    options = {"initial": initial, "where": where, "dtype": dtype}
    absent = {"initial": NoValue, "where": True, "dtype": None}
    given = {n: v for n, v in options.items() if v is not absent[n]}
    own = _OWN.get((ufunc, "reduce"))
    bare = own in _BARE or (own in (max, min) and dtype is not None)
    if own is not None and not (given and bare) and not isinstance(initial, Tensor):
        return own(x, axis=axis, keepdims=keepdims, **given)
    start = raw(initial)
    to = _like_numpy(ufunc, "reduce", x, axis=axis, dtype=dtype, initial=start, where=where)
    ndim = np.ndim(x)
    every = axis is None or ndim == 0
    axes = tuple(range(ndim)) if every else normalize_axis_tuple(axis, ndim)
    rest = tuple(i for i in range(ndim) if i not in axes)
    if initial is NoValue:  # the identity, where it is needed
        initial = None if np.size(x) and where is True else ufunc.identity
    if initial is not None:
        initial = initial.astype(to) if isinstance(initial, Tensor) else to.type(initial)
    mask = None if where is True else _in_one_row(np.broadcast_to(where, np.shape(x)), rest, axes)
    result = _folded(f, _in_one_row(x.astype(to), rest, axes), initial, mask)
    return np.expand_dims(result, axes) if keepdims else result


def _in_one_row(x: Any, rest: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    """The axes that are folded as one, in front of the rest."""
    shape = np.shape(x)
    length = int(np.prod([shape[i] for i in axes]))
    return reshape(np.transpose(x, (*axes, *rest)), (length, *(shape[i] for i in rest)))


def _folded(f: Callable[..., Any], x: Any, initial: Any, mask: Any) -> Any:
    """f(f(initial, x_0), x_1), ... along the first axis, without those behind a mask."""
    result = initial
    for i, part in enumerate(unstack(x)):
        if result is None:
            result = part
        else:
            following = f(result, part)
            result = following if mask is None else choose_where(mask[i], following, result)
    if np.shape(result) != np.shape(x)[1:]:  # there was nothing to fold
        result = np.broadcast_to(result, np.shape(x)[1:])
    return result if isinstance(result, Tensor) else wrap(as_array(result), None)


def _accumulate(
    ufunc: np.ufunc,
    f: Callable[..., Any],
    x: Any,
    axis: int = 0,
    dtype: Any = None,
    out: Any = None,
) -> Any:
    """x_0, f(x_0, x_1), f(f(x_0, x_1), x_2), ... along an axis."""
    x = x.astype(_like_numpy(ufunc, "accumulate", x, axis=axis, dtype=dtype))
    if (ufunc, "accumulate") in _OWN:
        return _OWN[ufunc, "accumulate"](x, axis=axis)
    return stack(list(running_fold(unstack(x, axis=axis), f)), axis=axis) if np.size(x) else x


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
    starts = np.asarray(as_numbers(indices)).tolist()
    x = x.astype(_like_numpy(ufunc, "reduceat", x, starts, axis=axis, dtype=dtype))
    axis = normalize_axis_index(axis, np.ndim(x))
    before, n = (slice(None),) * axis, np.shape(x)[axis]
    ends = [*starts[1:], n][: len(starts)]
    pieces = [
        _reduce(
            ufunc, f, getitem(x, (*before, slice(i, j if j > i else i + 1))), axis, None, None, True
        )
        for i, j in zip(starts, ends, strict=True)
    ]
    return concatenate(pieces, axis=axis) if pieces else getitem(x, (*before, slice(0, 0)))


def _outer(ufunc: np.ufunc, f: Callable[..., Any], x: Any, y: Any, **options: Any) -> Any:
    """f(x_i, y_j) for all i and j, with the options of the ufunc."""
    x, y = side_by_side(x, y)
    return f(reshape(x, (*np.shape(x), *(1,) * np.ndim(y))), y, **options)


@follow
def _at(ufunc: np.ufunc, f: Callable[..., Any], a: Any, indices: Any, b: Any = None) -> None:
    """a[indices] = f(a[indices], b), recorded; if an index occurs twice, f is applied to its element twice."""
    if not isinstance(a, Tensor):
        raise TypeError(
            f"np.{ufunc.__name__}.at cannot write a Tensor into a NumPy array, the gradient would be lost: make it a Tensor"
        )
    index = as_numbers(plain_index(indices))
    if newest(index) is None:
        _work_on(a, index, f, b)
    else:
        a[...] = at_each_index(a, index, f, b)


@one_by_one("where it works is different for each example")
def at_each_index(a: Any, index: Any, f: Callable[..., Any], b: Any) -> Tensor:
    """A copy of a on which `_work_on` has worked; under vmap at the index of each example."""
    if newest(index) is not None:
        raise Unbatched("ufunc.at at indices of each example")
    a = clone(a)
    _work_on(a, index, f, b)
    return a


def _work_on(a: Tensor, index: Any, f: Callable[..., Any], b: Any) -> None:
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
