"""Statistics: reductions that ignore NaN, averages, quantiles, covariance."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backend import beside
from ..primitive import composed
from ..tensor import raw
from .reduce import count, max, mean, min, prod, sum
from .scan import cumprod, cumsum, sort
from .select import where

__all__ = [
    "average", "corrcoef", "cov", "median", "nancumprod", "nancumsum", "nanmax", "nanmean", "nanmedian", "nanmin",
    "nanpercentile", "nanprod", "nanquantile", "nanstd", "nansum", "nanvar", "percentile", "quantile",
]  # fmt: skip


def _filled(x: Any, value: float) -> Any:
    """x with a value in place of NaN."""
    return where(np.isnan(x), value, x)


def _number(x: Any, axis: Any, keepdims: bool) -> Any:
    """How many elements are not NaN, in the dtype of x."""
    return np.sum(~np.isnan(x), axis=axis, keepdims=keepdims, dtype=np.real(x).dtype)


@composed(np.nansum)
def nansum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Sum of what is not NaN.

    >>> nansum(np.array([1.0, np.nan, 2.0])).item()
    3.0
    """
    return sum(_filled(x, 0.0), axis=axis, keepdims=keepdims)


@composed(np.nanprod)
def nanprod(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Product of what is not NaN.

    >>> nanprod(np.array([3.0, np.nan, 2.0])).item()
    6.0
    """
    return prod(_filled(x, 1.0), axis=axis, keepdims=keepdims)


@composed(np.nancumsum)
def nancumsum(x: Any, axis: Any = None) -> Any:
    """Running sum of what is not NaN.

    >>> nancumsum(np.array([1.0, np.nan, 2.0]))
    array([1., 1., 3.])
    """
    return cumsum(_filled(x, 0.0), axis=axis)


@composed(np.nancumprod)
def nancumprod(x: Any, axis: Any = None) -> Any:
    """Running product of what is not NaN.

    >>> nancumprod(np.array([3.0, np.nan, 2.0]))
    array([3., 3., 6.])
    """
    return cumprod(_filled(x, 1.0), axis=axis)


@composed(np.nanmean)
def nanmean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Mean of what is not NaN.

    >>> nanmean(np.array([1.0, np.nan, 2.0])).item()
    1.5
    """
    return nansum(x, axis=axis, keepdims=keepdims) / _number(x, axis, keepdims)


@composed(np.nanvar)
def nanvar(x: Any, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    """Variance of what is not NaN.

    >>> nanvar(np.array([1.0, np.nan, 3.0])).item()
    1.0
    """
    centred = where(np.isnan(x), 0.0, x - nanmean(x, axis=axis, keepdims=True))
    return sum(centred * centred, axis=axis, keepdims=keepdims) / (_number(x, axis, keepdims) - ddof)


@composed(np.nanstd)
def nanstd(x: Any, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    """Standard deviation of what is not NaN; its gradient is 0 where all values are equal.

    >>> nanstd(np.array([1.0, np.nan, 3.0])).item()
    1.0
    """
    variance = nanvar(x, axis=axis, ddof=ddof, keepdims=keepdims)
    equal = variance == 0  # no spread, and gradient 0, as in `std`
    return where(equal, 0.0, np.sqrt(variance + equal))


def _nan_extremum(extremum: Any, x: Any, axis: Any, keepdims: bool, worst: float) -> Any:
    out = extremum(_filled(x, worst), axis=axis, keepdims=keepdims)
    return where(np.all(np.isnan(x), axis=axis, keepdims=keepdims), np.nan, out)


@composed(np.nanmax)
def nanmax(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Largest element that is not NaN.

    >>> nanmax(np.array([1.0, np.nan, 2.0])).item()
    2.0
    """
    return _nan_extremum(max, x, axis, keepdims, -np.inf)


@composed(np.nanmin)
def nanmin(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Smallest element that is not NaN.

    >>> nanmin(np.array([1.0, np.nan, 2.0])).item()
    1.0
    """
    return _nan_extremum(min, x, axis, keepdims, np.inf)


@composed(np.average)
def average(x: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False) -> Any:
    """Weighted mean; the weights may be differentiated too.

    out = sum_i w_i x_i / sum_i w_i

    >>> average(np.array([1.0, 3.0]), weights=np.array([3.0, 1.0])).item()
    1.5
    """
    if weights is None:
        out = mean(x, axis=axis, keepdims=keepdims)
        total: Any = np.ones_like(out) * count(np.shape(x), axis)
    else:
        if np.ndim(weights) != np.ndim(x):
            shape = [1] * np.ndim(x)
            shape[axis] = np.shape(x)[axis]
            weights = np.reshape(weights, shape)
        weights = np.broadcast_to(weights, np.shape(x))
        total = sum(weights, axis=axis, keepdims=keepdims)
        out = sum(x * weights, axis=axis, keepdims=keepdims) / total
    return (out, total) if returned else out


#: For each method the place among n sorted values at which the quantile q lies (Hyndman and Fan, 1996), from 0.
_PLACES: dict[str, Any] = {
    "linear": lambda n, q: (n - 1) * q,
    "lower": lambda n, q: np.floor((n - 1) * q),
    "higher": lambda n, q: np.ceil((n - 1) * q),
    "nearest": lambda n, q: np.round((n - 1) * q),
    "midpoint": lambda n, q: (np.floor((n - 1) * q) + np.ceil((n - 1) * q)) / 2,
    "hazen": lambda n, q: n * q - 0.5,
    "weibull": lambda n, q: (n + 1) * q - 1,
    "median_unbiased": lambda n, q: (n + 1 / 3) * q - 2 / 3,
    "normal_unbiased": lambda n, q: (n + 1 / 4) * q - 5 / 8,
    "interpolated_inverted_cdf": lambda n, q: n * q - 1,
    "inverted_cdf": lambda n, q: np.ceil(n * q) - 1,
    "averaged_inverted_cdf": lambda n, q: np.where(n * q % 1 == 0, n * q - 0.5, np.floor(n * q)),
    "closest_observation": lambda n, q: np.round(n * q) - 1,
}


#: The methods whose result is one of the elements.
_PICKING = ("lower", "higher", "nearest", "inverted_cdf", "closest_observation")


@composed(np.quantile)
def quantile(x: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False) -> Any:
    """The value below which a part q (0 to 1) of the elements lies; between two of them it is interpolated.

    out = (1 - t) x_(k) + t x_(k+1),  x_(k) the sorted elements, k + t the place of q

    The gradient goes to these two elements.  q may have axes of its own; they come first.

    >>> quantile(np.array([1.0, 2.0, 4.0]), 0.75).item()
    3.0
    """
    rows, q, trailing, finish = _rows_for_quantiles(x, q, axis, method, keepdims)
    ordered = np.moveaxis(sort(rows, axis=-1), -1, 0)
    n = ordered.shape[0]
    place = np.clip(_PLACES[method](n, q), 0, n - 1)
    below = np.floor(place).astype(int)
    t = beside(np.reshape(place - below, q.shape + (1,) * trailing), x)
    return finish(ordered[below] * (1 - t) + ordered[np.minimum(below + 1, n - 1)] * t)


def _rows_for_quantiles(x: Any, q: Any, axis: Any, method: str, keepdims: bool) -> tuple[Any, np.ndarray, int, Any]:
    """The elements to order in the last axis, q as an array, the number of axes that stay, and what shapes the result."""
    if method not in _PLACES:
        raise ValueError(f"quantile: there is no method {method!r}, only {', '.join(_PLACES)}")
    ndim = np.ndim(x)
    axes = tuple(range(ndim)) if axis is None else tuple(int(a) % ndim for a in np.atleast_1d(axis))
    kept = [a for a in range(ndim) if a not in axes]
    rows = np.reshape(np.transpose(x, (*kept, *axes)), (*(np.shape(x)[a] for a in kept), -1))
    dtype = x.dtype if method in _PICKING else np.result_type(x.dtype, q if isinstance(q, (int, float)) else np.float64)
    q = np.asarray(q, dtype=float)
    if q.size and (q.min() < 0 or q.max() > 1):
        raise ValueError(f"quantile: q must lie between 0 and 1 (percentile: 0 and 100), got {q}")

    def finish(out: Any) -> Any:
        out = out.astype(dtype)
        return np.expand_dims(out, tuple(a + q.ndim for a in axes)) if keepdims else out

    return rows, q, len(kept), finish


@composed(np.nanquantile)
def nanquantile(x: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False) -> Any:
    """`quantile` of what is not NaN.

    >>> nanquantile(np.array([1.0, np.nan, 2.0, 4.0]), 0.75).item()
    3.0
    """
    rows, q, trailing, finish = _rows_for_quantiles(x, q, axis, method, keepdims)
    ordered = sort(rows, axis=-1)  # NaN comes last
    n = np.sum(~np.isnan(raw(rows)), axis=-1)
    column = beside(np.reshape(q, (*q.shape, *(1,) * trailing)), x)
    last = np.maximum(n - 1, 0)
    place = np.clip(_PLACES[method](n, column), 0, last)
    below = np.floor(place).astype(int)
    t = place - below
    ordered = np.broadcast_to(ordered, (*q.shape, *ordered.shape))
    low = np.take_along_axis(ordered, below[..., None], axis=-1)[..., 0]
    high = np.take_along_axis(ordered, np.minimum(below + 1, last)[..., None], axis=-1)[..., 0]
    return finish(low * (1 - t) + high * t)


@composed(np.percentile)
def percentile(x: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False) -> Any:
    """`quantile` of q / 100.

    >>> percentile(np.array([1.0, 2.0, 4.0]), 50).item()
    2.0
    """
    return quantile(x, np.asarray(q, dtype=float) / 100, axis, method=method, keepdims=keepdims)


@composed(np.nanpercentile)
def nanpercentile(x: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False) -> Any:
    """`nanquantile` of q / 100.

    >>> nanpercentile(np.array([1.0, np.nan, 2.0, 4.0]), 50).item()
    2.0
    """
    return nanquantile(x, np.asarray(q, dtype=float) / 100, axis, method=method, keepdims=keepdims)


@composed(np.median)
def median(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The middle of the sorted elements; of an even number the mean of the two in the middle.

    >>> median(np.array([3.0, 1.0, 2.0, 10.0])).item()
    2.5
    """
    return quantile(x, 0.5, axis, keepdims=keepdims)


@composed(np.nanmedian)
def nanmedian(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Median of what is not NaN.

    >>> nanmedian(np.array([3.0, np.nan, 2.0])).item()
    2.5
    """
    return nanquantile(x, 0.5, axis, keepdims=keepdims)


@composed(np.cov, method=False)
def cov(m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: Any = None) -> Any:
    """Covariance matrix of variables in rows (in columns with rowvar=False).

    out_ij = sum_n (m_in - mean_i) (m_jn - mean_j) / (N - ddof)

    >>> cov(np.array([[1.0, 3.0], [2.0, 6.0]]))
    array([[2., 4.],
           [4., 8.]])
    """

    def in_rows(x: Any) -> Any:
        x = np.reshape(x, (1, -1)) if np.ndim(x) < 2 else x
        return x if rowvar or np.shape(x)[0] == 1 else np.transpose(x)

    rows = in_rows(m) if y is None else np.concatenate([in_rows(m), in_rows(y)])
    ddof = (0 if bias else 1) if ddof is None else ddof
    rows = rows.astype(np.result_type(rows.dtype, np.float64))
    centred = rows - mean(rows, axis=1, keepdims=True)
    out = centred @ np.conj(np.transpose(centred)) / (np.shape(rows)[1] - ddof)
    return np.squeeze(out)


@composed(np.corrcoef, method=False)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True) -> Any:
    """Correlation matrix, the covariances divided by both standard deviations.

    >>> corrcoef(np.array([[1.0, 3.0], [2.0, 6.0]])).round(12)
    array([[1., 1.],
           [1., 1.]])
    """
    c = cov(x, y, rowvar)
    if np.ndim(c) == 0:
        return c / c
    d = np.sqrt(np.real(np.diagonal(c)))
    return c / d[:, None] / d[None, :]
