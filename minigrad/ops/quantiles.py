"""Quantiles and medians: the sorted elements at a place between the smallest and the largest."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..arrays.batch import all_examples
from ..backend import as_operand, beside
from ..later import refuse_later
from ..primitive import composed
from ..tensor import Tensor, raw
from .conversion import alike
from .reduce import mean
from .scan import sort
from .select import overwritten, where
from .statistics import weights_beside

__all__ = ["median", "nanmedian", "nanpercentile", "nanquantile", "percentile", "quantile"]

#: So many numbers are shown in an error, at most.
_SHOWN = 64

#: For each method the place of the quantile q among n sorted values, counted from 0
#: (Hyndman and Fan, 1996).
_PLACES: dict[str, Callable[[Any, Any], Any]] = {
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
    "averaged_inverted_cdf": lambda n, q: np.where(
        n * q % 1 == 0, np.floor(n * q) - 0.5, np.floor(n * q)
    ),
    "closest_observation": lambda n, q: np.round(n * q) - 1,
}

#: The methods whose result is one of the elements.
_PICKING = ("lower", "higher", "nearest", "inverted_cdf", "closest_observation")


def _rows(a: Any, axis: Any) -> tuple[Any, tuple[int, ...]]:
    """The elements that are reduced as the last axis, and which axes these are."""
    ndim = np.ndim(a)
    axes = tuple(range(ndim)) if axis is None else normalize_axis_tuple(axis, ndim)
    if len(axes) == 1:
        return np.moveaxis(a, axes[0], -1), axes
    kept = [i for i in range(ndim) if i not in axes]
    shape = (*(np.shape(a)[i] for i in kept), math.prod(np.shape(a)[i] for i in axes))
    return np.reshape(np.transpose(a, (*kept, *axes)), shape), axes


def _keep(out: Any, axes: tuple[int, ...], keepdims: bool, leading: int = 0) -> Any:
    return np.expand_dims(out, tuple(axis + leading for axis in axes)) if keepdims else out


def _with_nan(out: Any, missing: Any) -> Any:
    """NaN where a row of elements held one."""
    return overwritten(out, missing, np.nan)


def _is_float(a: Any) -> bool:
    return a.dtype.kind in "fc"


def _order(q: Any, a: Any, unit: int) -> Any:
    """The orders of the quantiles as an array or Tensor beside a, in parts of 1.

    Raises:
        ValueError: one of them lies outside of 0 to 1 (percentiles: 0 to 100), or q has more than
            two axes.
    """
    if isinstance(q, np.ndarray) or not hasattr(q, "dtype"):
        q = beside(np.asarray(q), a)
    q = q if unit == 1 else q / unit
    values = raw(q)
    words = f"{'quantile' if unit == 1 else 'percentile'}: q must lie between 0 and {unit}, got"
    wrong = all_examples(~((values >= 0) & (values <= 1)))
    of_all = all_examples(values)

    def first() -> Any:
        return unit * (of_all if of_all.size <= _SHOWN else of_all.reshape(-1)[:_SHOWN])

    refuse_later(wrong, lambda given: ValueError(f"{words} {given}"), first)
    if q.ndim > 2:
        raise ValueError(f"quantile: q must be a number or a list of numbers, got shape {q.shape}")
    return q


def _quantile(
    a: Any,
    q: Any,
    axis: Any,
    method: str,
    keepdims: bool,
    weights: Any,
    unit: int,
    skip_nan: bool,
) -> Any:
    """All four functions; `unit` is 100 for percentiles, `skip_nan` leaves NaN out."""
    a = alike(a, *(x for x in (q, weights) if isinstance(x, Tensor)))[0]
    if a.dtype.kind == "c":
        raise TypeError(
            f"quantiles need an order, {a.dtype} has none: take the real part or absolute value"
        )
    if method not in _PLACES:
        raise ValueError(f"quantile: there is no method {method!r}, only {', '.join(_PLACES)}")
    weak = type(q) in (int, float)
    q = _order(q, a, unit)
    rows, axes = _rows(a, axis)
    if skip_nan and np.shape(rows)[-1] == 0:  # as if all of them were NaN
        rows = np.full_like(rows, np.nan, shape=(*np.shape(rows)[:-1], 1))
    if weights is not None:
        if method != "inverted_cdf":
            raise ValueError(f"quantile: weights= needs method='inverted_cdf', not {method!r}")
        out = _weighted(rows, q, _weight_rows(weights, a, axis), skip_nan)
    elif method in _PICKING or (method == "linear" and q.dtype.kind in "iu"):
        out = _neighbours(rows, q, method, skip_nan)[0]
    else:
        low, high, t = _neighbours(rows, q, method, skip_nan)
        t = t.astype(np.result_type(a.dtype, 0.0 if weak else t.dtype), copy=False)
        late = raw(t) >= 0.5  # from the nearer of the two, as NumPy, so that the ends are exact
        out = where(late, high, low) + (high - low) * (t - late)
    if _is_float(a) and not skip_nan:
        out = _with_nan(out, np.any(np.isnan(raw(rows)), axis=-1))
    return _keep(out, axes, keepdims, q.ndim)


def _neighbours(rows: Any, q: Any, method: str, skip_nan: bool) -> tuple[Any, Any, Any]:
    """The elements below and above the place of q, and how far it lies between them.

    All three have or broadcast to the shape (*q.shape, *rows.shape[:-1]).
    """
    ordered = sort(rows, axis=-1)  # NaN comes last
    kept = len(np.shape(rows)) - 1
    if not skip_nan:
        n = np.shape(rows)[-1]
        if n == 0:
            raise IndexError("quantile: there is nothing to choose from along an axis of length 0")
        place = np.clip(_PLACES[method](n, q), 0, n - 1)
        floor = np.floor(raw(place))
        below = floor.astype(int)
        ordered = np.moveaxis(ordered, -1, 0)
        t = np.reshape(place - floor, (*q.shape, *(1,) * kept))
        return ordered[below], ordered[np.minimum(below + 1, n - 1)], t
    n = np.sum(~np.isnan(raw(rows)), axis=-1, dtype=q.dtype)
    last = np.maximum(n - 1, 0)
    place = np.clip(_PLACES[method](n, np.reshape(q, (*q.shape, *(1,) * kept))), 0, last)
    floor = np.floor(raw(place))
    below, last = floor.astype(int), last.astype(int)
    ordered = np.broadcast_to(ordered, (*q.shape, *np.shape(ordered)))
    above = np.minimum(below + 1, last)
    low = np.take_along_axis(ordered, below[..., None], axis=-1)[..., 0]
    high = np.take_along_axis(ordered, above[..., None], axis=-1)[..., 0]
    return low, high, place - floor


def _weight_rows(weights: Any, a: Any, axis: Any) -> Any:
    """The weights beside the rows of elements.  Their gradient is 0: they choose elements."""
    axes = None if axis is None else normalize_axis_tuple(axis, np.ndim(a))
    weights = np.broadcast_to(weights_beside(raw(weights), raw(a), axes), np.shape(a))
    words = "quantile: weights must not be negative"
    refuse_later(all_examples(weights < 0), lambda: ValueError(words))
    return _rows(weights, axis)[0]


def _weighted(rows: Any, q: Any, weights: Any, skip_nan: bool) -> Any:
    """The first element, in order, up to which the weights make up a part q of all."""
    values = raw(rows)
    order = np.argsort(values, axis=-1)
    if skip_nan:
        weights = np.where(np.isnan(values), 0, weights)
    share = np.cumsum(np.take_along_axis(weights, order, axis=-1), axis=-1, dtype=np.float64)
    total = share[..., -1:]
    empty = np.zeros_like(total, dtype=bool)
    if skip_nan:
        empty = np.all(np.isnan(values), axis=-1, keepdims=True)
    words = "quantile: weights must be finite and not all of them zero"
    unusable = ~(np.isfinite(total) & (total > 0) | empty)
    refuse_later(all_examples(unusable), lambda: ValueError(words))
    share = share / (total + empty)
    values_of_q = raw(q)
    share = share.astype(values_of_q.dtype) if values_of_q.dtype.kind == "f" else share
    share = np.where(share == 0, -1, share)  # what weighs nothing is not chosen for q = 0 either
    column = np.reshape(values_of_q, (*q.shape, *(1,) * np.ndim(rows)))
    index = np.minimum(np.sum(share < column, axis=-1), np.shape(rows)[-1] - 1)
    wide = (*q.shape, *np.shape(rows))
    chosen = np.take_along_axis(np.broadcast_to(order, wide), index[..., None], axis=-1)
    return np.take_along_axis(np.broadcast_to(rows, wide), chosen, axis=-1)[..., 0]


@composed(np.quantile)
def quantile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Any:
    """The value below which a part q (0 to 1) of the elements lies, interpolated between two.

    out = (1 - t) a_(k) + t a_(k+1),  a_(k) the sorted elements, k + t the place of q

    The gradient goes to these two elements, and to q.  q may have axes of its own; they come first.

    Args:
        overwrite_input: NumPy's permission to sort the input in place; it is not used.
        method: how the place is found: linear, lower, higher, nearest, midpoint, hazen, weibull ...
        weights: how much each element counts, for method "inverted_cdf".

    >>> quantile(np.array([1.0, 2.0, 4.0]), 0.75).item()
    3.0
    """
    return _quantile(a, q, axis, method, keepdims, weights, 1, False)


@composed(np.percentile)
def percentile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Any:
    """`quantile` of q / 100.

    Args:
        q: from 0 to 100; or several.
        method, weights: as of `quantile`.

    >>> percentile(np.array([1.0, 2.0, 4.0]), 50).item()
    2.0
    """
    return _quantile(a, q, axis, method, keepdims, weights, 100, False)


@composed(np.nanquantile)
def nanquantile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Any:
    """`quantile` of what is not NaN.

    Args:
        q: which part, from 0 to 1; or several.
        method, weights: as of `quantile`.

    >>> nanquantile(np.array([1.0, np.nan, 2.0, 4.0]), 0.75).item()
    3.0
    """
    return _quantile(a, q, axis, method, keepdims, weights, 1, _is_float(as_operand(a)))


@composed(np.nanpercentile)
def nanpercentile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Any:
    """`nanquantile` of q / 100.

    Args:
        q: from 0 to 100; or several.
        method, weights: as of `quantile`.

    >>> nanpercentile(np.array([1.0, np.nan, 2.0, 4.0]), 50).item()
    2.0
    """
    return _quantile(a, q, axis, method, keepdims, weights, 100, _is_float(as_operand(a)))


@composed(np.median)
def median(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: bool = False
) -> Any:
    """The middle of the sorted elements; of an even number the mean of the two in the middle.

    >>> median(np.array([3.0, 1.0, 2.0, 10.0])).item()
    2.5
    """
    a = as_operand(a)
    rows, axes = _rows(a, axis)
    n = np.shape(rows)[-1]
    middle = sort(rows, axis=-1)[..., max(n - 1, 0) // 2 : n // 2 + 1]
    result = mean(middle, axis=-1)
    if n and _is_float(a):
        result = _with_nan(result, np.any(np.isnan(raw(rows)), axis=-1))
    return _keep(result, axes, keepdims)


@composed(np.nanmedian)
def nanmedian(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: bool = False
) -> Any:
    """Median of what is not NaN.

    >>> nanmedian(np.array([3.0, np.nan, 2.0])).item()
    2.5
    """
    a = as_operand(a)
    if not _is_float(a) or not np.size(a):
        return median(a, axis=axis, keepdims=keepdims)
    rows, axes = _rows(a, axis)
    n = np.sum(~np.isnan(raw(rows)), axis=-1)
    last = np.maximum(n - 1, 0)
    places = np.stack([last // 2, np.minimum(n // 2, last)], axis=-1)
    middle = np.take_along_axis(sort(rows, axis=-1), places, axis=-1)  # NaN comes last
    return _keep(mean(middle, axis=-1), axes, keepdims)
