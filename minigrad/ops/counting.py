"""Histograms.  Where an element falls is a constant; the weights that are added up there have gradients."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..arrays.batch import all_examples
from ..backend import as_numbers, as_operand, as_sizes, beside, device_of, side_by_side
from ..primitive import composed
from ..tensor import Tensor, raw, wrap
from .index import scatter_add
from .reduce import sum
from .select import where
from .shape import reshape

__all__ = ["bincount", "histogram", "histogram2d", "histogramdd"]


@composed(np.bincount, method=False)
def bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    """How often each integer occurs, or the sum of the weights that stand beside it.

    out_k = sum over {i: x_i = k} of w_i

    Args:
        weights: one for each integer.
        minlength: how many counts there are at least.

    >>> bincount(np.array([0, 2, 2]), np.array([1.0, 2.0, 3.0]))
    array([1., 0., 5.])
    """
    minlength = operator.index(as_sizes(minlength))
    if weights is None:
        counts = np.bincount(raw(x), minlength=minlength)
        return wrap(counts, None) if isinstance(x, Tensor) else counts
    index, weights = as_operand(raw(x)), as_operand(weights)
    n = np.bincount(index, minlength=minlength).size  # minds what bincount does not take
    if weights.shape != np.shape(index):
        raise ValueError(
            f"bincount: weights of shape {weights.shape} for integers of shape {np.shape(index)}"
        )
    return scatter_add(weights.astype(np.float64, copy=False), index, (n,))


@composed(np.histogramdd, method=False)
def histogramdd(
    sample: Any,
    bins: Any = 10,
    range: Any = None,  # noqa: A002
    density: Any = None,
    weights: Any = None,
) -> tuple[Any, Any]:
    """Histogram of points of several dimensions, (N, D) or D arrays: (counts or sums of weights, edges).

    Args:
        sample: the points.
        bins: how many bins, or a sequence: for each dimension how many, or the edges.
        range: a pair (low, high) for each dimension. None: the smallest and the largest value.
        density: divide by the sum and by the volumes of the bins.
        weights: one for each point.

    >>> histogramdd(np.array([[0.1, 0.9], [0.2, 0.8]]), bins=(1, 2), range=[(0, 1), (0, 1)])[0]
    array([[0., 2.]])
    """
    points = _columns(sample)
    bins = [raw(b) for b in bins] if isinstance(bins, (list, tuple)) else bins
    counts, edges = np.histogramdd(points, bins, range, density=density and weights is None)
    if weights is None:
        return counts, edges
    places, inside = [], True
    for x, edge in zip(points, edges, strict=True):
        place = np.searchsorted(edge, x, side="right") - 1
        place = place - (x == edge[-1])  # the last edge belongs to the last bin
        inside = inside & (place >= 0) & (place < edge.size - 1)
        places.append(place)
    index = tuple(np.where(inside, p, 0) for p in places)
    counted = where(inside, reshape(side_by_side(weights, inside)[0], -1), 0.0)
    out = scatter_add(counted.astype(np.float64, copy=False), index, counts.shape)
    if density:
        out = out / sum(out)
        for axis, edge in enumerate(edges):
            lengths = [1] * len(edges)
            lengths[axis] = -1
            out = out / np.diff(edge).reshape(lengths)
    return out, edges


def _columns(sample: Any) -> list[Any]:
    """The coordinates of points, of which an array (N, D) has one in each row, a list of D arrays one in each column."""
    if isinstance(sample, (list, tuple)) and any(map(np.ndim, sample)):
        return [raw(as_operand(x)) for x in sample]
    array = raw(as_operand(sample))
    return [array] if array.ndim == 1 else list(np.transpose(array))


def _bins_beside(bins: Any, values: Any) -> Any:
    """How many bins as an integer, their edges beside the values."""
    return beside(raw(bins), values) if np.ndim(bins) else as_sizes(bins)


@composed(np.histogram, method=False)
def histogram(
    a: Any,
    bins: Any = 10,
    range: Any = None,  # noqa: A002
    density: Any = None,
    weights: Any = None,
) -> tuple[Any, Any]:
    """Histogram: (counts or sums of weights in each bin, edges of the bins).

    Args:
        bins: how many bins, or their edges, ascending; or NumPy's name of a rule that chooses them,
            "auto" say.
        weights: one for each element.

    >>> histogram(np.array([0.1, 0.2, 0.9]), bins=2, range=(0, 1), weights=np.array([1.0, 2.0, 3.0]))[0]
    array([3., 3.])
    """
    values = raw(as_operand(a)).reshape(-1)
    if isinstance(bins, str) and device_of(all_examples(values)) != "cpu":
        raise NotImplementedError(
            f"histogram: CuPy has no bins={bins!r}: give a number of bins, or move to the cpu with .cpu()"
        )
    if range is not None:
        range = tuple(map(float, as_numbers(range)))  # noqa: A001
    edges = np.histogram(values, _bins_beside(bins, values), range)[1]
    if weights is None:
        return np.histogram(values, edges, density=density)
    if isinstance(bins, str):
        raise TypeError(f"histogram: bins={bins!r} is estimated from values without weights: give a number of bins")
    if np.shape(weights) != np.shape(a):
        raise ValueError(f"histogram: weights of shape {np.shape(weights)} for values of shape {np.shape(a)}")
    out = histogramdd([values], [edges], None, density, weights)[0]
    return out if density else out.astype(as_operand(weights).dtype, copy=False), edges


@composed(np.histogram2d, method=False)
def histogram2d(
    x: Any,
    y: Any,
    bins: Any = 10,
    range: Any = None,  # noqa: A002
    density: Any = None,
    weights: Any = None,
) -> tuple[Any, Any, Any]:
    """Histogram of points in the plane: (counts or sums of weights, edges of x, edges of y).

    Args:
        bins: how many bins, or their edges; or a pair of these, for x and for y.
        range: [(low, high), (low, high)], the ends of the bins of x and of y.
        density: divide by the sum and by the areas of the bins.
        weights: one for each point.

    >>> histogram2d(np.array([0.1]), np.array([0.9]), bins=2, range=[(0, 1), (0, 1)], weights=np.array([5.0]))[0]
    array([[0., 5.],
           [0., 0.]])
    """
    if not np.ndim(x) or not np.ndim(y):
        raise TypeError(f"histogram2d: x and y must have one axis, got shapes {np.shape(x)} and {np.shape(y)}")
    if (isinstance(bins, (list, tuple)) or np.ndim(bins) == 1) and len(bins) not in (1, 2):
        bins = [bins, bins]
    out, edges = histogramdd([x, y], bins, range, density, weights)
    return out, *edges
