"""Reductions along axes: sums, means, products, extrema, norms, log-sum-exp and softmax.

`where` is a mask: elements for which it is False do not count, and get no gradient.
`initial` is what a sum, product or extremum starts with.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays.batch import all_examples
from ..backend import NoValue, device_of
from ..kernels import accelerated
from ..later import perhaps_any
from ..primitive import composed, primitive
from ..tensor import raw
from .slopes import conj

__all__ = [
    "log_softmax", "logsumexp", "max", "mean", "min", "prod", "ptp", "softmax", "std", "sum", "var",
]  # fmt: skip


def expand(g: Any, x_shape: tuple[int, ...], axis: Any, keepdims: bool) -> Any:
    """A reduced result with its axes back, of length 1, so that it broadcasts against the input."""
    if axis is None:
        return np.reshape(g, (1,) * len(x_shape))
    return g if keepdims else np.expand_dims(g, axis)


def count(x_shape: tuple[int, ...], axis: Any) -> int:
    """How many elements are reduced to one."""
    if axis is None:
        return math.prod(x_shape)
    axes = (axis,) if isinstance(axis, (int, np.integer)) else axis
    return math.prod(x_shape[a] for a in axes)


def _number(a_shape: tuple[int, ...], axis: Any, where: Any) -> Any:
    """How many elements are reduced to one; with a mask an array that broadcasts."""
    if where is True:
        return count(a_shape, axis)
    return np.sum(np.broadcast_to(where, a_shape), axis=axis, keepdims=True)


def _masked(g: Any, where: Any) -> Any:
    """A gradient where the mask holds, and 0 elsewhere."""
    return g if where is True else np.where(where, g, 0)


def _has_mask(where: Any) -> bool:
    return where is not True


def _given(initial: Any = NoValue, where: Any = True) -> dict[str, Any]:
    """Those of the two options that the caller gave, as keywords for NumPy."""
    options = {} if initial is NoValue else {"initial": initial}
    return options if where is True else options | {"where": where}


def _fold(
    function: Any,
    ufunc: Any,
    neutral: Any,
    a: Any,
    axis: Any,
    dtype: Any,
    keepdims: bool,
    initial: Any,
    where: Any,
) -> Any:
    """NumPy's reduction `function`, which folds by a ufunc; `neutral` is what changes no result."""
    if type(a) is np.ndarray:  # what np.sum itself calls, in half of its time (measured)
        return ufunc.reduce(a, axis, dtype, None, keepdims, initial, where)
    options = {"axis": axis, "keepdims": keepdims}
    if dtype is not None:  # np.max and np.min have none
        options["dtype"] = dtype
    if device_of(a) == "cpu":
        return function(a, **options, **_given(initial, where))
    # The reductions of a GPU have neither `initial` nor `where`.
    if where is not True:
        a = np.where(where, a, initial if neutral is None else neutral)
    out = function(a, **options)
    return out if initial is NoValue else ufunc(out, initial)


def _sum_a(g: Any, a_shape: Any, axis: Any, keepdims: bool, where: Any) -> Any:
    return _masked(np.broadcast_to(expand(g, a_shape, axis, keepdims), a_shape), where)


@primitive(np.sum, masks=_has_mask, a=_sum_a)
def sum(  # noqa: A001
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = NoValue,
    where: Any = True,
) -> Any:
    """Sum over axes.

    out = sum_i a_i
    da_i = g

    >>> grad(sum)(np.array([1.0, 2.0]))
    array([1., 1.])
    """
    return _fold(np.sum, np.add, 0, a, axis, dtype, keepdims, initial, where)


def _mean_a(g: Any, a_shape: Any, axis: Any, keepdims: bool, where: Any) -> Any:
    if where is True:
        g = g / max_1(count(a_shape, axis))
        return np.broadcast_to(expand(g, a_shape, axis, keepdims), a_shape)
    n = _number(a_shape, axis, where)
    g = expand(g, a_shape, axis, keepdims) / (n + (n == 0))
    return _masked(np.broadcast_to(g, a_shape), where)


def max_1(n: int) -> int:
    """n, but 1 for nothing: the gradient of an empty mean is empty, not an error."""
    return n or 1


@primitive(np.mean, masks=_has_mask, a=_mean_a)
def mean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    *,
    where: Any = True,
) -> Any:
    """Mean over axes.

    out  = sum_i a_i / n
    da_i = g / n

    >>> grad(mean)(np.array([1.0, 2.0]))
    array([0.5, 0.5])
    """
    if where is True or device_of(a) == "cpu":
        return np.mean(a, axis=axis, dtype=dtype, keepdims=keepdims, **_given(where=where))
    total = np.sum(np.where(where, a, 0), axis=axis, dtype=dtype, keepdims=True)
    out = (total / _number(a.shape, axis, where)).astype(total.dtype)
    return out if keepdims else np.squeeze(out, axis=axis)


def _deviations(a: Any, axis: Any, where: Any, mean: Any) -> Any:
    """What the elements differ from their mean, or from the given one; 0 behind the mask."""
    if mean is None and where is True:
        mean = np.mean(a, axis=axis, keepdims=True)
    elif mean is None:
        n = _number(a.shape, axis, where)
        mean = np.sum(np.where(where, a, 0), axis=axis, keepdims=True) / (n + (n == 0))
    return _masked(a - mean, where)


def _freedom(a_shape: Any, axis: Any, ddof: Any, where: Any, correction: Any) -> Any:
    """The number of elements less the correction, what the sum of squares is divided by."""
    n = _number(a_shape, axis, where) - chosen_ddof(ddof, correction)
    if where is not True:
        return np.maximum(n, 0)
    return n if n > 0 else 0


def chosen_ddof(ddof: Any, correction: Any) -> Any:
    """What is taken off the number of elements, whichever of its two names it was given under."""
    if correction is NoValue:
        return ddof
    if ddof != 0:
        raise ValueError("ddof and correction are two names for one thing: give one of them")
    return correction


def _var_a(
    g: Any, a: Any, axis: Any, ddof: Any, keepdims: bool, where: Any, mean: Any, correction: Any
) -> Any:
    if not a.size:  # the gradient of nothing is nothing
        return np.zeros_like(a)
    freedom = _freedom(a.shape, axis, ddof, where, correction)
    slope = expand(g, a.shape, axis, keepdims) * 2 / freedom
    return slope * conj(_deviations(a, axis, where, mean))


def _var_mean(
    g: Any, a: Any, axis: Any, ddof: Any, keepdims: bool, where: Any, mean: Any, correction: Any
) -> Any:
    return -_var_a(g, a, axis, ddof, keepdims, where, mean, correction)


def _spread(
    function: Any, a: Any, axis: Any, dtype: Any, ddof: Any, keepdims: bool, where: Any, mean: Any
) -> Any:
    """np.var or np.std; on a GPU, where they lack `where` and `mean`, by the definition."""
    options = _given(where=where) | ({} if mean is None else {"mean": mean})
    if not options or device_of(a) == "cpu":
        return function(a, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims, **options)
    squares = np.square(np.abs(_deviations(a, axis, where, mean)))
    total = np.sum(squares, axis=axis, dtype=dtype, keepdims=True)
    kind = a.real.dtype if dtype is None and a.dtype.kind in "fc" else total.dtype
    out = (total / _freedom(a.shape, axis, ddof, where, NoValue)).astype(kind)
    out = out if function is np.var else np.sqrt(out)
    return out if keepdims else np.squeeze(out, axis=axis)


@primitive(np.var, masks=_has_mask, a=_var_a, mean=_var_mean)
def var(
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
    """Variance over axes; `ddof=1`, or `correction=1`, gives the unbiased estimate.

    out   = sum_i |a_i - mean|^2 / (n - ddof)
    da_i  = 2 g (a_i - mean) / (n - ddof)
    dmean = -sum_i 2 g (a_i - mean) / (n - ddof)     (where the mean is given)

    >>> grad(var)(np.array([1.0, 3.0]))
    array([-1.,  1.])
    """
    return _spread(np.var, a, axis, dtype, chosen_ddof(ddof, correction), keepdims, where, mean)


def _std_a(
    g: Any,
    a: Any,
    out: Any,
    axis: Any,
    ddof: Any,
    keepdims: bool,
    where: Any,
    mean: Any,
    correction: Any,
) -> Any:
    if not a.size:
        return np.zeros_like(a)
    slope = expand(g / (out + (out == 0)), a.shape, axis, keepdims)
    slope = slope / _freedom(a.shape, axis, ddof, where, correction)
    return slope * conj(_deviations(a, axis, where, mean))


def _std_mean(
    g: Any,
    a: Any,
    out: Any,
    axis: Any,
    ddof: Any,
    keepdims: bool,
    where: Any,
    mean: Any,
    correction: Any,
) -> Any:
    return -_std_a(g, a, out, axis, ddof, keepdims, where, mean, correction)


@primitive(np.std, masks=_has_mask, a=_std_a, mean=_std_mean)
def std(
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
    """Standard deviation over axes.

    out   = sqrt(sum_i |a_i - mean|^2 / (n - ddof))
    da_i  = g (a_i - mean) / ((n - ddof) out)        (0 where all values are equal)
    dmean = -sum_i g (a_i - mean) / ((n - ddof) out)  (where the mean is given)

    >>> grad(std)(np.array([1.0, 3.0])), grad(std)(np.array([2.0, 2.0]))
    (array([-0.5,  0.5]), array([0., 0.]))
    """
    return _spread(np.std, a, axis, dtype, chosen_ddof(ddof, correction), keepdims, where, mean)


def _prod_a(g: Any, a: Any, axis: Any, keepdims: bool, initial: Any, where: Any) -> Any:
    """g times the product of all other elements, which a zero among them does not disturb."""
    if not a.ndim:  # there are no others
        return _masked(g if initial is NoValue else g * initial, where)
    g = expand(g if initial is NoValue else g * initial, a.shape, axis, keepdims)
    x = a if where is True else np.where(where, a, 1)
    axes = (
        tuple(range(x.ndim))
        if axis is None
        else tuple(int(i) % x.ndim for i in np.atleast_1d(axis))
    )
    rest = tuple(i for i in range(x.ndim) if i not in axes)
    rows = np.reshape(
        np.transpose(x, rest + axes), (*(x.shape[i] for i in rest), -1 if x.size else 0)
    )
    ones = np.ones_like(rows[..., :1])
    before = np.cumprod(np.concatenate([ones, rows[..., :-1]], axis=-1), axis=-1)
    after = np.flip(
        np.cumprod(np.concatenate([ones, np.flip(rows, -1)[..., :-1]], axis=-1), axis=-1), -1
    )
    others = np.reshape(before * after, [x.shape[i] for i in rest + axes])
    return _masked(g * np.transpose(others, [(rest + axes).index(i) for i in range(x.ndim)]), where)


@primitive(np.prod, masks=_has_mask, a=_prod_a)
def prod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = NoValue,
    where: Any = True,
) -> Any:
    """Product over axes.

    out  = prod_i a_i
    da_i = g prod_{j != i} a_j                       (right with zeros too)

    >>> grad(prod)(np.array([2.0, 3.0, 4.0])), grad(prod)(np.array([0.0, 3.0, 4.0]))
    (array([12.,  8.,  6.]), array([12.,  0.,  0.]))
    """
    return _fold(np.prod, np.multiply, 1, a, axis, dtype, keepdims, initial, where)


def _extremum_a(
    g: Any, a: Any, out: Any, axis: Any, keepdims: bool, initial: Any, where: Any
) -> Any:
    best = expand(out, a.shape, axis, keepdims)
    winners = a == best
    if perhaps_any(all_examples(raw(np.isnan(best)))):  # which is the result where one element is
        winners = winners | (np.isnan(a) & np.isnan(best))
    if where is not True:
        winners = winners & where
    n = np.sum(winners, axis=axis, keepdims=True)
    if initial is not NoValue and initial is not None:
        n = n + (best == initial)
    return expand(g, a.shape, axis, keepdims) * (winners / n).astype(a.dtype)


@primitive(np.max, np.amax, masks=True, a=_extremum_a)
def max(  # noqa: A001
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = NoValue,
    where: Any = True,
) -> Any:
    """Largest element over axes.

    out  = max_i a_i
    da_i = g / k where a_i = out, else 0,  k = sum_i [a_i = out]     (and `initial`)

    >>> grad(max)(np.array([1.0, 3.0, 3.0]))
    array([0. , 0.5, 0.5])
    """
    return _fold(np.max, np.maximum, None, a, axis, None, keepdims, initial, where)


@primitive(np.min, np.amin, masks=True, a=_extremum_a)
def min(  # noqa: A001
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = NoValue,
    where: Any = True,
) -> Any:
    """Smallest element over axes.

    out  = min_i a_i
    da_i = g / k where a_i = out, else 0,  k = sum_i [a_i = out]     (and `initial`)

    >>> grad(min)(np.array([1.0, 3.0]))
    array([1., 0.])
    """
    return _fold(np.min, np.minimum, None, a, axis, None, keepdims, initial, where)


@composed(np.ptp)
def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    """Range, the largest minus the smallest element.

    >>> ptp(np.array([1.0, 5.0]))
    np.float64(4.0)
    """
    return max(a, axis=axis, keepdims=keepdims) - min(a, axis=axis, keepdims=keepdims)


def _finite_or_zero(m: Any) -> Any:
    return np.where(np.isfinite(m), m, 0)


def _logsumexp_x(g: Any, x: Any, out: Any, axis: Any, keepdims: bool) -> Any:
    out = expand(out, x.shape, axis, keepdims)
    floor = np.where(np.isneginf(np.real(out)), 0, out)
    return expand(g, x.shape, axis, keepdims) * np.exp(x - floor)


@primitive(x=_logsumexp_x)
def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Logarithm of a sum of exponentials, without overflow.

    out  = log sum_i e^{x_i}
    dx_i = g e^{x_i - out}                           (the softmax; 0 where all x are -inf)

    >>> logsumexp(np.array([1000.0, 0.0]))
    array(1000.)
    """
    m = np.zeros_like(x, shape=(1,) * x.ndim)
    if x.size:  # the real part, so that the angle of a complex result is the principal one
        m = _finite_or_zero(np.max(np.real(x), axis=axis, keepdims=True))
    with np.errstate(divide="ignore"):  # log(0) = -inf is the right answer for an empty sum
        out = np.log(np.sum(np.exp(x - m), axis=axis, keepdims=True)) + m
    return out if keepdims else np.squeeze(out, axis=tuple(range(x.ndim)) if axis is None else axis)


@accelerated("softmax_rule")
def softmax_rule(g: Any, out: Any, axis: Any) -> Any:
    return out * (g - np.sum(g * out, axis=axis, keepdims=True))


@primitive(x=softmax_rule)
@accelerated("softmax")
def softmax(x: Any, axis: Any = -1) -> Any:
    """Softmax: positive numbers that sum to 1 along the axis.

    out_i = e^{x_i} / sum_j e^{x_j}
    dx_i  = out_i (g_i - sum_j g_j out_j)

    >>> softmax(np.array([0.0, 0.0]))
    array([0.5, 0.5])
    """
    if not x.size:
        return np.exp(x)
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    e /= np.sum(e, axis=axis, keepdims=True)
    return e


@accelerated("log_softmax_rule")
def log_softmax_rule(g: Any, out: Any, axis: Any) -> Any:
    return g - np.exp(out) * np.sum(g, axis=axis, keepdims=True)


@primitive(x=log_softmax_rule)
@accelerated("log_softmax")
def log_softmax(x: Any, axis: Any = -1) -> Any:
    """Logarithm of the softmax, without overflow.

    out_i = x_i - log sum_j e^{x_j}
    dx_i  = g_i - e^{out_i} sum_j g_j

    >>> log_softmax(np.array([1000.0, 0.0]))
    array([    0., -1000.])
    """
    if not x.size:
        return np.exp(x)
    shifted = x - np.max(x, axis=axis, keepdims=True)
    shifted -= np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))
    return shifted
