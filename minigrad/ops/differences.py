"""Differences of neighbours, slopes, integrals by the trapezoidal rule, angles without jumps."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backend import beside
from ..primitive import composed
from ..tensor import raw
from .join import concatenate, split
from .reduce import sum
from .shape import reshape

__all__ = ["diff", "ediff1d", "gradient", "trapezoid", "unwrap"]


@composed(np.diff)
def diff(x: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """Differences of neighbours, n times; values may be put before and behind first.

    out_i = x_{i+1} - x_i

    >>> diff(np.array([1.0, 4.0, 9.0]), prepend=0.0)
    array([1., 3., 5.])
    """
    if prepend is not None or append is not None:
        edge = list(np.shape(x))
        edge[axis] = 1
        ends = [
            e
            if e is None or np.ndim(e)
            else np.broadcast_to(beside(np.asarray(e), x) if isinstance(e, (int, float)) else e, edge)
            for e in (prepend, append)
        ]
        x = concatenate([part for part in (ends[0], x, ends[1]) if part is not None], axis=axis)
    for _ in range(n):
        length = np.shape(x)[axis]
        x = split(x, [1], axis)[1] - split(x, [length - 1], axis)[0]
    return x


@composed(np.ediff1d)
def ediff1d(x: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """Differences of neighbours of the flattened array, with values put before and behind.

    >>> ediff1d(np.array([1.0, 4.0, 9.0]), to_begin=0.0)
    array([0., 3., 5.])
    """
    parts = [to_begin, diff(reshape(x, -1)), to_end]
    return concatenate([reshape(p, -1) for p in parts if p is not None])


def _slope(f: Any, h: Any, edge_order: int) -> Any:
    """Derivatives along axis 0 by differences; h are the n - 1 distances, with axes of length 1 to fit f."""
    before, after = h[:-1], h[1:]
    inner = (
        before**2 * f[2:] + (after**2 - before**2) * f[1:-1] - after**2 * f[:-2]
    ) / (before * after * (before + after))  # fmt: skip

    def edge(f0: Any, f1: Any, f2: Any, h1: Any, h2: Any) -> Any:
        """At f0, from the parabola through it and the next two."""
        total = h1 + h2
        return -(h1 + total) / (h1 * total) * f0 + total / (h1 * h2) * f1 - h1 / (h2 * total) * f2

    if edge_order == 1:
        first, last = (f[1:2] - f[:1]) / h[:1], (f[-1:] - f[-2:-1]) / h[-1:]
    else:
        first = edge(f[:1], f[1:2], f[2:3], h[:1], h[1:2])
        last = -edge(f[-1:], f[-2:-1], f[-3:-2], h[-1:], h[-2:-1])
    return concatenate([first, inner, last])


@composed(np.gradient, method=False)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Slopes by central differences, one-sided at the edges; along several axes a tuple.

    out_i = (h_-^2 f_{i+1} + (h_+^2 - h_-^2) f_i - h_+^2 f_{i-1}) / (h_- h_+ (h_- + h_+))

    The spacings, or coordinates, given as further arguments are differentiable too.

    >>> gradient(np.array([1.0, 2.0, 4.0, 7.0]))
    array([1. , 1.5, 2.5, 3. ])
    """
    ndim = np.ndim(f)
    axes = tuple(range(ndim)) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
    spacings = varargs if len(varargs) == len(axes) else varargs * len(axes) if varargs else (1.0,) * len(axes)
    if len(spacings) != len(axes):
        raise TypeError(f"gradient: {len(varargs)} spacings for {len(axes)} axes")
    out = []
    for along, spacing in zip(axes, spacings, strict=True):
        n = np.shape(f)[along]
        if n < edge_order + 1:
            raise ValueError(f"gradient: axis {along} has {n} elements, edge_order={edge_order} needs {edge_order + 1}")
        steps = diff(spacing) if np.ndim(spacing) else spacing * np.ones_like(raw(f), shape=(n - 1,))
        if np.shape(steps) != (n - 1,):
            raise ValueError(f"gradient: {np.shape(spacing)[0]} coordinates for axis {along} of length {n}")
        columns = reshape(steps, (n - 1,) + (1,) * (ndim - 1))
        out.append(np.moveaxis(_slope(np.moveaxis(f, along, 0), columns, edge_order), 0, along))
    return out[0] if len(out) == 1 else tuple(out)


@composed(np.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """Integral along an axis by the trapezoidal rule.

    out = sum_i (x_{i+1} - x_i) (y_i + y_{i+1}) / 2

    >>> trapezoid(np.array([1.0, 2.0, 3.0])).item()
    4.0
    """
    if x is None:
        steps: Any = dx
    elif np.ndim(x) == 1:
        shape = [1] * np.ndim(y)
        shape[axis] = -1
        steps = reshape(diff(x), shape)
    else:
        steps = diff(x, axis=axis)
    n = np.shape(y)[axis]
    return sum(steps * (split(y, [1], axis)[1] + split(y, [n - 1], axis)[0]) / 2.0, axis=axis)


@composed(np.unwrap)
def unwrap(x: Any, discont: Any = None, axis: int = -1, *, period: float = 2 * np.pi) -> Any:
    """Angles without jumps of a period: whole periods, which are constant, are added.

    >>> unwrap(np.array([0.0, 4.0])).round(4)
    array([ 0.    , -2.2832])
    """
    values = raw(x)
    whole = np.round((np.unwrap(values, discont, axis, period=period) - values) / period)
    return x + whole * period
