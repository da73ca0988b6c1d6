"""Reductions along axes: sums, means, products, extrema, norms, log-sum-exp and softmax."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernels import accelerated
from ..primitive import composed, primitive
from .masking import conj

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
    axes = range(len(x_shape)) if axis is None else (axis,) if isinstance(axis, (int, np.integer)) else axis
    n = 1
    for a in axes:
        n *= x_shape[a]
    return n


def _sum_x(g: Any, x_shape: Any, axis: Any, keepdims: bool) -> Any:
    return np.broadcast_to(expand(g, x_shape, axis, keepdims), x_shape)


@primitive(np.sum, x=_sum_x)
def sum(x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:  # noqa: A001
    """Sum over axes.

    out = sum_i x_i
    dx_i = g

    >>> grad(sum)(np.array([1.0, 2.0]))
    array([1., 1.])
    """
    return np.sum(x, axis=axis, dtype=dtype, keepdims=keepdims)


def _mean_x(g: Any, x_shape: Any, axis: Any, keepdims: bool) -> Any:
    return np.broadcast_to(expand(g / max_1(count(x_shape, axis)), x_shape, axis, keepdims), x_shape)


def max_1(n: int) -> int:
    """n, but 1 for nothing: the gradient of an empty mean is empty, not an error."""
    return n or 1


@primitive(np.mean, x=_mean_x)
def mean(x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    """Mean over axes.

    out  = sum_i x_i / n
    dx_i = g / n

    >>> grad(mean)(np.array([1.0, 2.0]))
    array([0.5, 0.5])
    """
    return np.mean(x, axis=axis, dtype=dtype, keepdims=keepdims)


def _var_x(g: Any, x: Any, axis: Any, ddof: float, keepdims: bool) -> Any:
    if not x.size:  # the gradient of nothing is nothing
        return np.zeros_like(x)
    centred = x - np.mean(x, axis=axis, keepdims=True)
    return expand(2 * g / (count(x.shape, axis) - ddof), x.shape, axis, keepdims) * conj(centred)


@primitive(np.var, x=_var_x)
def var(x: Any, axis: Any = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    """Variance over axes; `ddof=1` gives the unbiased estimate.

    out  = sum_i |x_i - mean|^2 / (n - ddof)
    dx_i = 2 g (x_i - mean) / (n - ddof)

    >>> grad(var)(np.array([1.0, 3.0]))
    array([-1.,  1.])
    """
    return np.var(x, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims)


def _std_x(g: Any, x: Any, out: Any, axis: Any, ddof: float, keepdims: bool) -> Any:
    centred = x - np.mean(x, axis=axis, keepdims=True)
    slope = g / ((count(x.shape, axis) - ddof) * (out + (out == 0)))
    return expand(slope, x.shape, axis, keepdims) * conj(centred)


@primitive(np.std, x=_std_x)
def std(x: Any, axis: Any = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    """Standard deviation over axes.

    out  = sqrt(sum_i |x_i - mean|^2 / (n - ddof))
    dx_i = g (x_i - mean) / ((n - ddof) out)         (0 where all values are equal)

    >>> grad(std)(np.array([1.0, 3.0])), grad(std)(np.array([2.0, 2.0]))
    (array([-0.5,  0.5]), array([0., 0.]))
    """
    return np.std(x, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims)


def _prod_x(g: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """g times the product of all other elements, which a zero among them does not disturb."""
    if not x.ndim:  # there are no others
        return g
    g = expand(g, x.shape, axis, keepdims)
    axes = tuple(range(x.ndim)) if axis is None else tuple(int(a) % x.ndim for a in np.atleast_1d(axis))
    rest = tuple(i for i in range(x.ndim) if i not in axes)
    rows = np.reshape(np.transpose(x, rest + axes), (*(x.shape[i] for i in rest), -1 if x.size else 0))
    ones = np.ones_like(rows[..., :1])
    before = np.cumprod(np.concatenate([ones, rows[..., :-1]], axis=-1), axis=-1)
    after = np.flip(np.cumprod(np.concatenate([ones, np.flip(rows, -1)[..., :-1]], axis=-1), axis=-1), -1)
    others = np.reshape(before * after, [x.shape[i] for i in rest + axes])
    return g * np.transpose(others, [(rest + axes).index(i) for i in range(x.ndim)])


@primitive(np.prod, x=_prod_x)
def prod(x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    """Product over axes.

    out  = prod_i x_i
    dx_i = g prod_{j != i} x_j                       (right with zeros too)

    >>> grad(prod)(np.array([2.0, 3.0, 4.0])), grad(prod)(np.array([0.0, 3.0, 4.0]))
    (array([12.,  8.,  6.]), array([12.,  0.,  0.]))
    """
    return np.prod(x, axis=axis, dtype=dtype, keepdims=keepdims)


def _extremum_x(g: Any, x: Any, out: Any, axis: Any, keepdims: bool) -> Any:
    winners = x == expand(out, x.shape, axis, keepdims)
    share = winners / np.sum(winners, axis=axis, keepdims=True)
    return expand(g, x.shape, axis, keepdims) * share.astype(x.dtype)


@primitive(np.max, np.amax, x=_extremum_x)
def max(x: Any, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: A001
    """Largest element over axes.

    out  = max_i x_i
    dx_i = g / k  for the k elements that are the largest, else 0

    >>> grad(max)(np.array([1.0, 3.0, 3.0]))
    array([0. , 0.5, 0.5])
    """
    return np.max(x, axis=axis, keepdims=keepdims)


@primitive(np.min, np.amin, x=_extremum_x)
def min(x: Any, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: A001
    """Smallest element over axes.

    out  = min_i x_i
    dx_i = g / k  for the k elements that are the smallest, else 0

    >>> grad(min)(np.array([1.0, 3.0]))
    array([1., 0.])
    """
    return np.min(x, axis=axis, keepdims=keepdims)


@composed(np.ptp)
def ptp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Range, the largest minus the smallest element.

    >>> ptp(np.array([1.0, 5.0]))
    np.float64(4.0)
    """
    return max(x, axis=axis, keepdims=keepdims) - min(x, axis=axis, keepdims=keepdims)


def _finite_or_zero(m: Any) -> Any:
    return np.where(np.isfinite(m), m, 0)


def _logsumexp_x(g: Any, x: Any, out: Any, axis: Any, keepdims: bool) -> Any:
    out = expand(out, x.shape, axis, keepdims)
    return expand(g, x.shape, axis, keepdims) * np.exp(x - np.where(np.isneginf(out), 0, out))


@primitive(x=_logsumexp_x)
def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Logarithm of a sum of exponentials, without overflow.

    out  = log sum_i e^{x_i}
    dx_i = g e^{x_i - out}                           (the softmax; 0 where all x are -inf)

    >>> logsumexp(np.array([1000.0, 0.0]))
    array(1000.)
    """
    m = _finite_or_zero(np.max(x, axis=axis, keepdims=True)) if x.size else np.zeros_like(x, shape=(1,) * x.ndim)
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
    shifted = x - np.max(x, axis=axis, keepdims=True)
    shifted -= np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))
    return shifted
