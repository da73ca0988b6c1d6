"""Differences of neighbours, slopes, integrals by the trapezoidal rule, angles without jumps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..arrays.batch import newest
from ..backend import NoValue, as_operand, as_sizes, beside, side_by_side
from ..primitive import composed
from ..tensor import raw
from .join import concatenate, split
from .reduce import sum
from .select import where as choose_where
from .shape import reshape

__all__ = ["diff", "ediff1d", "gradient", "trapezoid", "unwrap"]


@composed(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = NoValue, append: Any = NoValue) -> Any:
    """Differences of neighbours, n times; values may be put before and behind first.

    out_i = a_{i+1} - a_i;  of booleans whether they differ

    Args:
        n: how many times.
        axis: along which axis.
        prepend, append: values that are put before and behind along the axis first.

    >>> diff(np.array([1.0, 4.0, 9.0]), prepend=0.0)
    array([1., 3., 5.])
    """
    if n < 0:
        raise ValueError(f"diff: n must not be negative, got {n}")
    if n == 0:
        return a
    if np.ndim(a) == 0:
        raise ValueError("diff: expected at least one axis, got a number")
    axis = normalize_axis_index(axis, np.ndim(a))
    if prepend is not NoValue or append is not NoValue:
        a, prepend, append = side_by_side(a, prepend, append)
        ends = [_edge(value, a, axis) for value in (prepend, append)]
        a = concatenate([part for part in (ends[0], a, ends[1]) if part is not None], axis=axis)
    a = as_operand(a)
    minus = np.not_equal if np.result_type(raw(a)).kind == "b" else np.subtract
    for _ in range(n):
        length = np.shape(a)[axis]
        a = minus(split(a, [1], axis)[1], split(a, [max(length - 1, 0)], axis)[0])
    return a


def _edge(value: Any, a: Any, axis: int) -> Any:
    """What is put before or behind an array along an axis: a number becomes a slice."""
    if value is NoValue or np.ndim(value):
        return None if value is NoValue else value
    shape = [*np.shape(a)[:axis], 1, *np.shape(a)[axis + 1 :]]
    return np.broadcast_to(
        beside(np.asarray(value), a) if isinstance(value, (int, float)) else value, shape
    )


@composed(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """Differences of neighbours of the flattened array, with values put before and behind.

    Args:
        to_end, to_begin: values behind and before the differences.

    >>> ediff1d(np.array([1.0, 4.0, 9.0]), to_begin=0.0)
    array([0., 3., 5.])
    """
    ary, to_end, to_begin = (
        beside(np.asarray(v), ary) if isinstance(v, (int, float)) else v
        for v in side_by_side(ary, to_end, to_begin)
    )
    flat = reshape(ary, -1)
    inner = np.subtract(split(flat, [1])[1], flat[:-1])  # of booleans an error, unlike diff
    parts = [reshape(p, -1) for p in (to_begin, inner, to_end) if p is not None]
    if any(not np.can_cast(p.dtype, inner.dtype, "same_kind") for p in parts):
        raise TypeError(
            f"ediff1d: to_begin and to_end must fit the dtype {inner.dtype} of the array"
        )
    return concatenate(parts, dtype=inner.dtype)


def _slope(f: Any, h: Any, edge_order: int) -> Any:
    """Derivatives along axis 0 by differences; h is the distance, or the n - 1 distances (n - 1, 1, ...)."""
    if np.ndim(h) == 0:
        inner, h = (f[2:] - f[:-2]) / (2.0 * h), [h, h]
    else:
        inner = _inner_slope(f, h[:-1], h[1:])

    def edge(f0: Any, f1: Any, f2: Any, h1: Any, h2: Any) -> Any:
        """At f0, from the parabola through it and the next two."""
        total = h1 + h2
        return -(h1 + total) / (h1 * total) * f0 + total / (h1 * h2) * f1 - h1 / (h2 * total) * f2

    if edge_order == 1:
        first, last = (f[1:2] - f[:1]) / h[0], (f[-1:] - f[-2:-1]) / h[-1]
    else:
        first = edge(f[:1], f[1:2], f[2:3], h[0], h[1])
        last = -edge(f[-1:], f[-2:-1], f[-3:-2], h[-1], h[-2])
    return concatenate([first, inner, last])


def _inner_slope(f: Any, before: Any, after: Any) -> Any:
    """The slopes between uneven distances.

    Where all of them are equal the middle has no weight, nor has a NaN or an infinity there.
    """
    steps = raw(before), raw(after)
    uneven = np.logical_not(np.all((steps[0] == steps[1]) & (steps[0] == steps[0][:1])))
    middle = choose_where(uneven | np.isfinite(raw(f)[1:-1]), f[1:-1], 0.0)
    weighted = before**2 * f[2:] + (after**2 - before**2) * middle - after**2 * f[:-2]
    return weighted / (before * after * (before + after))


@composed(np.gradient, method=False)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Slopes by central differences, one-sided at the edges; along several axes a tuple.

    out_i = (h_-^2 f_{i+1} + (h_+^2 - h_-^2) f_i - h_+^2 f_{i-1}) / (h_- h_+ (h_- + h_+))

    Args:
        f: the values at the points.
        varargs: one distance for all axes, or for each axis a distance or the coordinates; the
            gradient reaches them too.
        axis: by default all.
        edge_order: 1, or 2 for parabolas at the edges.

    >>> gradient(np.array([1.0, 2.0, 4.0, 7.0]))
    array([1. , 1.5, 2.5, 3. ])
    """
    f, *spacing_of_each = side_by_side(f, *varargs)
    f, varargs = as_operand(f), tuple(spacing_of_each)
    ndim = np.ndim(f)
    axes = tuple(range(ndim)) if axis is None else normalize_axis_tuple(axis, ndim)
    one_for_all = not varargs or (len(varargs) == 1 and np.ndim(varargs[0]) == 0)
    spacings = (varargs or (1.0,)) * len(axes) if one_for_all else varargs
    if len(spacings) != len(axes):
        raise TypeError(f"gradient: {len(varargs)} spacings for {len(axes)} axes")
    if edge_order not in (1, 2):
        raise ValueError(f"gradient: edge_order must be 1 or 2, got {edge_order}")
    if np.result_type(raw(f)).kind in "iu":  # of booleans the difference is NumPy's error
        f = f.astype(np.float64)
    out = []
    for along, spacing in zip(axes, spacings, strict=True):
        n = np.shape(f)[along]
        if n < edge_order + 1:
            raise ValueError(
                f"gradient: axis {along} has {n} elements, edge_order={edge_order} needs more"
            )
        if np.ndim(spacing):
            spacing = reshape(_steps(spacing, n, along), (n - 1,) + (1,) * (ndim - 1))
        out.append(np.moveaxis(_slope(np.moveaxis(f, along, 0), spacing, edge_order), 0, along))
    return out[0] if len(out) == 1 else tuple(out)


def _steps(spacing: Any, n: int, axis: int) -> Any:
    """The n - 1 distances along an axis, from n coordinates."""
    if np.ndim(spacing) > 1:
        raise ValueError(
            f"gradient: distances must be numbers or have one axis, got shape {np.shape(spacing)}"
        )
    steps = diff(spacing)
    if np.shape(steps) != (n - 1,):
        raise ValueError(
            f"gradient: {np.shape(spacing)[0]} coordinates for axis {axis} of length {n}"
        )
    return steps


@composed(np.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """Integral along an axis by the trapezoidal rule.

    out = sum_i (x_{i+1} - x_i) (y_i + y_{i+1}) / 2

    Args:
        y: the values.
        x: where they were taken. None: at a distance `dx`.
        dx: the distance of neighbours.
        axis: along which axis.

    >>> trapezoid(np.array([1.0, 2.0, 3.0])).item()
    4.0
    """
    y, x, dx = side_by_side(y, x, dx)
    if x is None:
        steps: Any = as_operand(dx) if np.ndim(dx) else dx
    elif np.ndim(x) == 1:
        shape = [1] * np.ndim(y)
        shape[axis] = -1
        steps = reshape(diff(x), shape)
    else:
        steps = diff(x, axis=axis)
    n = np.shape(y)[axis]
    return sum(steps * (split(y, [1], axis)[1] + split(y, [n - 1], axis)[0]) / 2.0, axis=axis)


@composed(np.unwrap)
def unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * np.pi) -> Any:
    """Angles without jumps of a period: whole periods, whose number is constant, are added.

    Args:
        p: the angles.
        discont: only jumps that are larger are mended; half a period at least, and by default.
        axis: along which axis.
        period: the length of one turn.

    >>> unwrap(np.array([0.0, 4.0])).round(4)
    array([ 0.    , -2.2832])
    """
    axis, values, length = as_sizes(axis), raw(p), raw(period)
    if newest(length) is not None:  # a period of each example's own: in turns
        turns = values / length
        limit = None if discont is None else discont / length
        return p + np.round(np.unwrap(turns, limit, axis, period=1.0) - turns) * period
    whole = np.unwrap(values, discont, axis, period=length)
    if whole.dtype.kind in "biu":
        return p + (whole - values)
    turns = np.where(whole == values, 0, np.round((whole - values) / length))  # also at infinity
    return p + turns.astype(whole.dtype) * period
