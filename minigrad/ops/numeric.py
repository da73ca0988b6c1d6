"""NumPy's smaller tools, made of other ops: products, differences, integrals, interpolation, convolution."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backend import beside
from ..primitive import composed, numpy_table
from ..tensor import raw
from .join import concatenate, split, stack
from .masking import conj
from .products import matmul
from .reduce import sum
from .scan import cumprod, cumsum
from .select import where
from .shape import flip, reshape
from .window import Window, conv

__all__ = [
    "convolve", "correlate", "cross", "cumulative_prod", "cumulative_sum", "diff", "ediff1d", "gradient", "interp",
    "kron", "matvec", "trapezoid", "unwrap", "vecdot", "vecmat",
]  # fmt: skip


@composed(np.vecdot, method=False)
def vecdot(
    x: Any, y: Any, /, out: Any = None, *, axis: int = -1, keepdims: bool = False, dtype: Any = None
) -> Any:
    """Sum of conj(x) y along an axis.

    >>> vecdot(np.array([[1.0, 2.0]]), np.array([3.0, 4.0]))
    array([11.])
    """
    x, y = np.moveaxis(x, axis, -1), np.moveaxis(y, axis, -1)
    if np.shape(x)[-1] != np.shape(y)[-1]:
        raise ValueError(
            f"vecdot: the vectors have {np.shape(x)[-1]} and {np.shape(y)[-1]} elements along axis {axis}"
        )
    total = sum(np.multiply(np.conj(x), y), axis=-1, dtype=dtype)
    return np.expand_dims(total, axis) if keepdims else total


def matvec(x: Any, y: Any) -> Any:
    """Matrices times vectors, (..., n, m) (..., m) -> (..., n).

    >>> matvec(np.eye(2), np.array([3.0, 4.0]))
    array([3., 4.])
    """
    return matmul(x, y[..., None])[..., 0]


def vecmat(x: Any, y: Any) -> Any:
    """Conjugated vectors times matrices, (..., n) (..., n, m) -> (..., m).

    >>> vecmat(np.array([3.0, 4.0]), np.eye(2))
    array([3., 4.])
    """
    return matmul(np.conj(x)[..., None, :], y)[..., 0, :]


for _name, _function in (("matvec", matvec), ("vecmat", vecmat)):  # NumPy 2.2 and later
    if hasattr(np, _name):
        numpy_table[getattr(np, _name)] = _function


@composed(np.kron)
def kron(a: Any, b: Any) -> Any:
    """Kronecker product: b, scaled by every element of a.

    >>> kron(np.array([1.0, 2.0]), np.array([1.0, 10.0]))
    array([ 1., 10.,  2., 20.])
    """
    ndim = max(np.ndim(a), np.ndim(b))
    rows, columns = ((1,) * (ndim - np.ndim(x)) + tuple(np.shape(x)) for x in (a, b))
    pairs_a = reshape(a, [k for n in rows for k in (n, 1)])
    pairs_b = reshape(b, [k for n in columns for k in (1, n)])
    return reshape(np.multiply(pairs_a, pairs_b), [n * k for n, k in zip(rows, columns, strict=True)])


@composed(np.cross)
def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    """Vector product of vectors of length 3; a vector of length 2 counts as one with a_3 = 0.

    out = (a_2 b_3 - a_3 b_2, a_3 b_1 - a_1 b_3, a_1 b_2 - a_2 b_1);  of two of length 2 the last alone

    Args:
        axisa, axisb: where the components of a and b lie.
        axisc: where those of the result are put.
        axis: one axis for all three.

    >>> cross(np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]))
    array([0., 0., 1.])
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    lengths = np.shape(a)[axisa], np.shape(b)[axisb]
    if not {2, 3}.issuperset(lengths):
        raise ValueError(
            f"cross: expected length 2 or 3 along the axes {axisa} and {axisb}, "
            f"got shapes {np.shape(a)} and {np.shape(b)}"
        )
    a, b = np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1)
    if lengths == (2, 2):
        return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    a, b = _with_third(a), _with_third(b)
    pairs = ((1, 2), (2, 0), (0, 1))
    terms = [a[..., i] * b[..., j] - a[..., j] * b[..., i] for i, j in pairs]
    return stack(terms, axis=axisc)


def _with_third(a: Any) -> Any:
    """Vectors (..., 2) with a third component 0."""
    if np.shape(a)[-1] == 3:
        return a
    return concatenate([a, np.zeros_like(raw(a)[..., :1])], axis=-1)


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


@composed(np.interp)
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    """Piecewise linear interpolation of the points (xp, fp), xp ascending; differentiable in all arguments.

    With a `period` the points go on periodically, and may stand in any order.

    out = fp_k + (x - xp_k) (fp_{k+1} - fp_k) / (xp_{k+1} - xp_k),  constant outside

    >>> interp(np.array([0.5, 9.0]), np.array([0.0, 1.0]), np.array([2.0, 4.0]))
    array([3., 4.])
    """
    if period is not None:
        x, xp = np.remainder(x, period), np.remainder(xp, period)
        order = np.argsort(raw(xp), kind="stable")
        xp, fp = xp[order], fp[order]
        xp = concatenate([xp[-1:] - period, xp, xp[:1] + period])
        fp = concatenate([fp[-1:], fp, fp[:1]])
    n = np.shape(xp)[0]
    k = np.clip(np.searchsorted(xp, x, side="right") - 1, 0, n - 2)
    x0, x1, y0, y1 = xp[k], xp[k + 1], fp[k], fp[k + 1]
    inside = y0 + (x - x0) * ((y1 - y0) / (x1 - x0))
    below, above = np.less(x, xp[0]), np.greater(x, xp[n - 1])
    inside = where(above, fp[n - 1] if right is None else right, inside)
    out = where(below, fp[0] if left is None else left, inside)
    return out.astype(np.result_type(out.dtype, np.float64), copy=False)


@composed(np.convolve, method=False)
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    """Discrete convolution of two sequences; mode "full", "same" or "valid".

    out_n = sum_m a_m v_{n-m}

    >>> convolve(np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0]))
    array([0., 1., 2., 3.])
    """
    if np.shape(v)[0] > np.shape(a)[0]:
        a, v = v, a
    n, k = np.shape(a)[0], np.shape(v)[0]
    if mode not in ("full", "same", "valid"):
        raise ValueError(f"convolve: mode must be 'full', 'same' or 'valid', got {mode!r}")
    before = {"full": k - 1, "same": k // 2, "valid": 0}[mode]
    after = {"full": k - 1, "same": k - 1 - k // 2, "valid": 0}[mode]
    window = Window.over((n,), k, padding=((before, after),))
    return reshape(conv(reshape(a, (1, 1, n)), reshape(flip(v), (1, 1, k)), window), -1)


@composed(np.correlate, method=False)
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    """Discrete cross-correlation of two sequences.

    out_n = sum_m a_{n+m} conj(v_m)

    >>> correlate(np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0]))
    array([2., 3.])
    """
    return convolve(a, flip(conj(v)), mode)


def _with_initial(x: Any, first: float, axis: int | None) -> Any:
    along = 0 if axis is None else axis
    return concatenate([np.full_like(raw(split(x, [1], along)[0]), first), x], axis=along)


@composed(np.cumulative_sum, method=False)
def cumulative_sum(x: Any, axis: int | None = None, include_initial: bool = False) -> Any:
    """`cumsum` under the array API's name, from 0 on with `include_initial`.

    >>> cumulative_sum(np.array([1.0, 2.0]), include_initial=True)
    array([0., 1., 3.])
    """
    out = cumsum(x, axis=axis)
    return _with_initial(out, 0.0, axis) if include_initial else out


@composed(np.cumulative_prod, method=False)
def cumulative_prod(x: Any, axis: int | None = None, include_initial: bool = False) -> Any:
    """`cumprod` under the array API's name, from 1 on with `include_initial`.

    >>> cumulative_prod(np.array([2.0, 3.0]))
    array([2., 6.])
    """
    out = cumprod(x, axis=axis)
    return _with_initial(out, 1.0, axis) if include_initial else out


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


@composed(np.unwrap)
def unwrap(x: Any, discont: Any = None, axis: int = -1, *, period: float = 2 * np.pi) -> Any:
    """Angles without jumps of a period: whole periods, which are constant, are added.

    >>> unwrap(np.array([0.0, 4.0])).round(4)
    array([ 0.    , -2.2832])
    """
    values = raw(x)
    whole = np.round((np.unwrap(values, discont, axis, period=period) - values) / period)
    return x + whole * period
