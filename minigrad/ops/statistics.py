"""Statistics: reductions that ignore NaN, averages, covariance; quantiles are in `quantiles`."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..arrays.batch import all_examples
from ..backend import NoValue, as_operand, as_sizes, beside, is_array, side_by_side
from ..later import refuse_later
from ..primitive import composed
from ..tensor import Tensor, raw
from .reduce import chosen_ddof, count, max, mean, min, prod, std, sum, var
from .scan import cumprod, cumsum
from .select import overwritten
from .select import where as choose

__all__ = [
    "average", "corrcoef", "cov", "nancumprod", "nancumsum", "nanmax", "nanmean", "nanmin",
    "nanprod", "nanstd", "nansum", "nanvar",
]  # fmt: skip


def _filled(a: Any, value: float) -> tuple[Any, Any]:
    """a with a value in place of NaN, and where it is none; of integers and booleans (a, None)."""
    a = as_operand(a)
    if a.dtype.kind not in "fc":
        return a, None
    missing = np.isnan(raw(a))
    return choose(missing, value, a), ~missing


def _refuse_integers(name: str, a: Any, dtype: Any) -> None:
    """NaN cannot be told in integers: a result of integer dtype is refused, as in NumPy."""
    if dtype is not None and np.dtype(dtype).kind not in "fc":
        raise TypeError(
            f"{name} of {a.dtype}: the dtype must be a floating one too, not {np.dtype(dtype)}"
        )


@composed(np.nansum)
def nansum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = NoValue,
    where: Any = True,
) -> Any:
    """Sum of what is not NaN.

    >>> nansum(np.array([1.0, np.nan, 2.0])).item()
    3.0
    """
    return sum(
        _filled(a, 0)[0], axis=axis, dtype=dtype, keepdims=keepdims, initial=initial, where=where
    )


@composed(np.nanprod)
def nanprod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = NoValue,
    where: Any = True,
) -> Any:
    """Product of what is not NaN.

    >>> nanprod(np.array([3.0, np.nan, 2.0])).item()
    6.0
    """
    return prod(
        _filled(a, 1)[0], axis=axis, dtype=dtype, keepdims=keepdims, initial=initial, where=where
    )


@composed(np.nancumsum)
def nancumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    """Running sum of what is not NaN.

    >>> nancumsum(np.array([1.0, np.nan, 2.0]))
    array([1., 1., 3.])
    """
    return cumsum(_filled(a, 0)[0], axis=axis, dtype=dtype)


@composed(np.nancumprod)
def nancumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    """Running product of what is not NaN.

    >>> nancumprod(np.array([3.0, np.nan, 2.0]))
    array([3., 3., 6.])
    """
    return cumprod(_filled(a, 1)[0], axis=axis, dtype=dtype)


def _both(present: Any, where: Any) -> Any:
    """Where an element is not NaN and the caller's mask holds."""
    if present is None:
        return where
    if where is True:
        return present
    if not isinstance(where, Tensor):
        where = beside(where if is_array(where) else np.asarray(where), present)
    return raw(present & where)


@composed(np.nanmean)
def nanmean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    *,
    where: Any = True,
) -> Any:
    """Mean of what is not NaN.

    >>> nanmean(np.array([1.0, np.nan, 2.0])).item()
    1.5
    """
    filled, present = _filled(a, 0)
    if present is not None:
        _refuse_integers("nanmean", filled, dtype)
    return mean(filled, axis=axis, dtype=dtype, keepdims=keepdims, where=_both(present, where))


def _nan_spread(
    function: Any, a: Any, axis: Any, dtype: Any, ddof: Any, keepdims: bool, where: Any, given: Any
) -> Any:
    """The variance or standard deviation of what is not NaN; NaN where `ddof` leaves nothing."""
    filled, present = _filled(a, 0)
    mask = _both(present, where)
    if present is None:
        return function(
            filled, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims, where=mask, mean=given
        )
    _refuse_integers(f"nan{function.__name__}", filled, dtype)
    freedom = np.sum(np.broadcast_to(mask, filled.shape), axis=axis, keepdims=keepdims) - ddof
    with np.errstate(divide="ignore", invalid="ignore"):  # x / 0 is replaced below
        out = function(
            filled, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims, where=mask, mean=given
        )
    return overwritten(out, freedom <= 0, np.nan)


@composed(np.nanvar)
def nanvar(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    mean: Any = None,
    correction: Any = NoValue,
) -> Any:
    """Variance of what is not NaN.

    >>> nanvar(np.array([1.0, np.nan, 3.0])).item()
    1.0
    """
    return _nan_spread(var, a, axis, dtype, chosen_ddof(ddof, correction), keepdims, where, mean)


@composed(np.nanstd)
def nanstd(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    mean: Any = None,
    correction: Any = NoValue,
) -> Any:
    """Standard deviation of what is not NaN; its gradient is 0 where all values are equal.

    >>> nanstd(np.array([1.0, np.nan, 3.0])).item()
    1.0
    """
    return _nan_spread(std, a, axis, dtype, chosen_ddof(ddof, correction), keepdims, where, mean)


def _nan_extremum(
    extremum: Any, a: Any, axis: Any, keepdims: bool, initial: Any, where: Any, worst: float
) -> Any:
    axis, (filled, present) = as_sizes(axis), _filled(a, worst)
    out = extremum(filled, axis=axis, keepdims=keepdims, initial=initial, where=where)
    if present is None or initial is not NoValue:
        return out
    nothing = ~np.any(present, axis=axis, keepdims=keepdims)
    return overwritten(out, nothing, np.nan)


@composed(np.nanmax)
def nanmax(
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = NoValue,
    where: Any = True,
) -> Any:
    """Largest element that is not NaN.

    >>> nanmax(np.array([1.0, np.nan, 2.0])).item()
    2.0
    """
    return _nan_extremum(max, a, axis, keepdims, initial, where, -np.inf)


@composed(np.nanmin)
def nanmin(
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = NoValue,
    where: Any = True,
) -> Any:
    """Smallest element that is not NaN.

    >>> nanmin(np.array([1.0, np.nan, 2.0])).item()
    1.0
    """
    return _nan_extremum(min, a, axis, keepdims, initial, where, np.inf)


def weights_beside(weights: Any, a: Any, axes: tuple[int, ...] | None) -> Any:
    """Weights for elements of a, or for places along the axes, so that they broadcast against a.

    Raises:
        TypeError: the shapes differ and no axis is given.
        ValueError: the shape is neither that of a nor that of a along the axes.
    """
    weights = as_operand(side_by_side(weights, a)[0])
    shape = np.shape(a)
    if weights.shape == shape:
        return weights
    if axes is None:
        raise TypeError(
            f"weights of shape {weights.shape} for elements of shape {shape}: give their axis"
        )
    if weights.shape != tuple(shape[axis] for axis in axes):
        raise ValueError(
            f"weights of shape {weights.shape} do not fit {shape} along the axes {axes}"
        )
    order = sorted(range(len(axes)), key=lambda i: axes[i])
    aligned = [n if i in axes else 1 for i, n in enumerate(shape)]
    return np.reshape(np.transpose(weights, order), aligned)


@composed(np.average)
def average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False
) -> Any:
    """Weighted mean; the weights may be differentiated too.

    out = sum_i w_i a_i / sum_i w_i

    Args:
        weights: of the shape of a, or of its shape along the axis.
        returned: return (out, sum of the weights).

    Raises:
        ZeroDivisionError: weights sum to 0.

    >>> average(np.array([1.0, 3.0]), weights=np.array([3.0, 1.0])).item()
    1.5
    """
    a, weights = side_by_side(a, weights)
    a = as_operand(a)
    axes = None if axis is None else normalize_axis_tuple(axis, np.ndim(a), argname="axis")
    if weights is None:
        out = mean(a, axis=axes, keepdims=keepdims)
        total: Any = np.ones_like(out) * count(np.shape(a), axes)
        return (out, total) if returned else out
    weights = weights_beside(weights, a, axes)
    dtype = np.result_type(a.dtype, weights.dtype, *([] if a.dtype.kind in "fc" else [np.float64]))
    weights = np.broadcast_to(weights, np.shape(a))
    total = sum(weights, axis=axes, dtype=dtype, keepdims=keepdims)
    words = "average: weights sum to zero, the mean would divide by them"
    refuse_later(all_examples(raw(total) == 0), lambda: ZeroDivisionError(words))
    out = sum(a.astype(dtype) * weights.astype(dtype), axis=axes, keepdims=keepdims) / total
    return (out, total) if returned else out


def _in_rows(x: Any, rowvar: bool, transposed: bool) -> Any:
    if np.ndim(x) > 2:
        raise ValueError(f"cov: variables and observations make a matrix, got shape {np.shape(x)}")
    x = np.reshape(x, (1, -1)) if np.ndim(x) < 2 else x
    return np.transpose(x) if transposed and not rowvar else x


def _observation_weights(fweights: Any, aweights: Any, rows: Any) -> Any:
    """How often each observation occurs times how much it weighs; None without either."""
    n = np.shape(rows)[1]
    product: Any = None
    for name, weights in (("fweights", fweights), ("aweights", aweights)):
        if weights is None:
            continue
        weights = as_operand(side_by_side(weights, rows)[0]).astype(np.float64)
        if weights.shape != (n,):
            raise RuntimeError(f"cov: {name} of shape {weights.shape} for {n} observations")
        values = raw(weights)
        if name == "fweights":
            words = "cov: fweights count observations and must be integers"
            refuse_later(all_examples(values != np.round(values)), partial(TypeError, words))
        words = f"cov: {name} must not be negative"
        refuse_later(all_examples(values < 0), partial(ValueError, words))
        product = weights if product is None else product * weights
    return product


def _variables(m: Any, y: Any, rowvar: bool, dtype: Any) -> Any:
    """The variables of m and y in rows, in a floating dtype."""
    m, y = side_by_side(m, y)
    m = as_operand(m)
    parts = [_in_rows(m, rowvar, np.ndim(m) != 1)]
    if y is not None:
        y = _in_rows(as_operand(y), True, False)
        parts.append(_in_rows(y, rowvar, np.shape(y)[0] != 1))
    if dtype is None:
        dtype = np.result_type(*(part.dtype for part in parts), np.float64)
    if np.dtype(dtype).kind not in "fc":
        raise TypeError(f"cov: means of the dtype {np.dtype(dtype)} would be rounded: give a floating one")
    if y is None or np.shape(parts[0])[0] == 0:  # of no variables there is no covariance, whatever y is
        return parts[0].astype(dtype)
    return np.concatenate(parts).astype(dtype)


@composed(np.cov, method=False)
def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: Any = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    """Covariance matrix of variables in rows (in columns with rowvar=False).

    out_ij = sum_n w_n (m_in - mean_i) (m_jn - mean_j) / (N - ddof),  N the sum of the weights w

    Args:
        y: more variables.
        bias, ddof: divide by N (bias=True, ddof=0) or by N - 1 (by default), or by N - ddof.
        fweights: how often each observation occurs.
        aweights: how much each observation weighs; differentiable.

    >>> cov(np.array([[1.0, 3.0], [2.0, 6.0]]))
    array([[2., 4.],
           [4., 8.]])
    """
    if ddof is None:
        ddof = 0 if bias else 1
    elif ddof != int(ddof):
        raise ValueError(f"cov: ddof must be an integer, got {ddof}")
    rows = _variables(m, y, rowvar, dtype)
    if np.shape(rows)[0] == 0:
        return np.zeros_like(raw(rows), shape=(0, 0), dtype=np.float64)
    n = np.shape(rows)[1]
    weights = _observation_weights(fweights, aweights, rows)
    if weights is None:
        right = centred = rows - mean(rows, axis=1, keepdims=True)
        freedom: Any = n - ddof
    else:
        total = sum(weights)
        centred = rows - sum(rows * weights, axis=1, keepdims=True) / total
        right = centred * weights
        lost = ddof if aweights is None else ddof * sum(weights * side_by_side(aweights, rows)[0]) / total
        freedom = total - lost
    if isinstance(freedom, Tensor):
        freedom = np.where(raw(freedom) > 0, freedom, 0.0)
    elif freedom <= 0:
        freedom = 0.0
    return np.squeeze(centred @ np.conj(np.transpose(right)) / freedom)


@composed(np.corrcoef, method=False)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    """Correlation matrix, the covariances divided by both standard deviations.

    Args:
        y: more variables.
        rowvar: whether a variable is a row; False: a column.

    >>> corrcoef(np.array([[1.0, 3.0], [2.0, 6.0]])).round(12)
    array([[1., 1.],
           [1., 1.]])
    """
    c = cov(x, y, rowvar, dtype=dtype)
    if np.ndim(c) == 0:
        return c / c
    d = np.sqrt(np.real(np.diagonal(c)))
    c = c / d[:, None] / d[None, :]
    if c.dtype.kind == "c":
        return np.clip(np.real(c), -1, 1) + 1j * np.clip(np.imag(c), -1, 1)
    return np.clip(c, -1, 1)
