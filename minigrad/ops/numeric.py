"""NumPy's smaller tools, made of other ops: products, polynomials, interpolation, convolution, blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..primitive import composed, numpy_table
from .linalg import matmul
from .masking import conj
from .reduce import sum
from .scan import cumprod, cumsum
from .select import where
from .shape import concatenate, diff, flip, reshape, split, stack, swapaxes
from .window import Window, conv

__all__ = [
    "append", "block", "convolve", "correlate", "cross", "cumulative_prod", "cumulative_sum", "ediff1d", "interp",
    "kron", "matvec", "polyval", "rot90", "select", "trapezoid", "vander", "vecdot", "vecmat",
]  # fmt: skip


@composed(np.vecdot, method=False)
def vecdot(x: Any, y: Any, axis: int = -1) -> Any:
    """Sum of conj(x) y along an axis.

    >>> vecdot(np.array([[1.0, 2.0]]), np.array([3.0, 4.0]))
    array([11.])
    """
    return sum(np.multiply(np.conj(x), y), axis=axis)


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
def kron(x: Any, y: Any) -> Any:
    """Kronecker product: y, scaled by every element of x.

    >>> kron(np.array([1.0, 2.0]), np.array([1.0, 10.0]))
    array([ 1., 10.,  2., 20.])
    """
    ndim = max(np.ndim(x), np.ndim(y))
    xs, ys = ((1,) * (ndim - np.ndim(a)) + tuple(np.shape(a)) for a in (x, y))
    pairs_x = reshape(x, [n for a in xs for n in (a, 1)])
    pairs_y = reshape(y, [n for b in ys for n in (1, b)])
    return reshape(np.multiply(pairs_x, pairs_y), [a * b for a, b in zip(xs, ys, strict=True)])


@composed(np.cross)
def cross(x: Any, y: Any, axis: int = -1) -> Any:
    """Vector product of vectors of length 3 along an axis.

    out = (x_2 y_3 - x_3 y_2, x_3 y_1 - x_1 y_3, x_1 y_2 - x_2 y_1)

    >>> cross(np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]))
    array([0., 0., 1.])
    """
    if np.shape(x)[axis] != 3 or np.shape(y)[axis] != 3:
        raise ValueError(f"cross: expected length 3 along axis {axis}, got shapes {np.shape(x)} and {np.shape(y)}")
    x, y = np.moveaxis(x, axis, -1), np.moveaxis(y, axis, -1)
    terms = [x[..., i] * y[..., j] - x[..., j] * y[..., i] for i, j in ((1, 2), (2, 0), (0, 1))]
    return stack(terms, axis=axis)


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


@composed(np.ediff1d)
def ediff1d(x: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """Differences of neighbours of the flattened array, with values put before and behind.

    >>> ediff1d(np.array([1.0, 4.0, 9.0]), to_begin=0.0)
    array([0., 3., 5.])
    """
    parts = [to_begin, diff(reshape(x, -1)), to_end]
    return concatenate([reshape(p, -1) for p in parts if p is not None])


@composed(np.polyval, method=False)
def polyval(p: Any, x: Any) -> Any:
    """The polynomial p_0 x^(n-1) + ... + p_(n-1) at x, by Horner's rule; differentiable in both.

    >>> polyval(np.array([1.0, 2.0, 3.0]), 2.0)
    np.float64(11.0)
    """
    out: Any = 0.0 * x
    for i in range(np.shape(p)[0]):
        out = out * x + p[i]
    return out


@composed(np.vander)
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """The powers of the elements of x as columns, highest first.

    >>> vander(np.array([2.0, 3.0]), 3)
    array([[4., 2., 1.],
           [9., 3., 1.]])
    """
    n = np.shape(x)[0] if N is None else N
    powers = range(n) if increasing else range(n - 1, -1, -1)
    x = x.astype(np.promote_types(x.dtype, int), copy=False)  # as NumPy: at least float64
    return stack([x**k for k in powers], axis=1)


@composed(np.interp)
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None) -> Any:
    """Piecewise linear interpolation of the points (xp, fp), xp ascending; differentiable in all three.

    out = fp_k + (x - xp_k) (fp_{k+1} - fp_k) / (xp_{k+1} - xp_k),  constant outside

    >>> interp(np.array([0.5, 9.0]), np.array([0.0, 1.0]), np.array([2.0, 4.0]))
    array([3., 4.])
    """
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


@composed(np.rot90)
def rot90(x: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Any:
    """Turn by k quarter turns in the plane of two axes.

    >>> rot90(np.array([[1.0, 2.0]]))
    array([[2.],
           [1.]])
    """
    k %= 4
    if k == 2:
        return flip(x, axes)
    if k == 0:
        return x
    return swapaxes(flip(x, axes[1]), *axes) if k == 1 else flip(swapaxes(x, *axes), axes[1])


@composed(np.append, method=False)
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    """Values behind an array; both flattened where no axis is given.

    >>> append(np.array([1.0]), np.array([2.0, 3.0]))
    array([1., 2., 3.])
    """
    parts = [arr, values] if axis is not None else [reshape(arr, -1), reshape(values, -1)]
    return concatenate(parts, axis=0 if axis is None else axis)


@composed(np.block, method=False)
def block(arrays: Any) -> Any:
    """An array from nested lists of blocks, the innermost joined along the last axis.

    >>> block([[np.eye(2), np.zeros((2, 1))], [np.ones((1, 3))]])
    array([[1., 0., 0.],
           [0., 1., 0.],
           [1., 1., 1.]])
    """

    def depth(x: Any) -> int:
        return 1 + depth(x[0]) if isinstance(x, list) else 0

    def widest(x: Any) -> int:
        return max(map(widest, x)) if isinstance(x, list) else np.ndim(x)

    levels = depth(arrays)
    ndim = max(levels, widest(arrays))

    def join(x: Any, level: int) -> Any:
        if isinstance(x, list):
            return concatenate([join(part, level + 1) for part in x], axis=level - levels)
        return reshape(x, (1,) * (ndim - np.ndim(x)) + tuple(np.shape(x)))

    return join(arrays, 0)


@composed(np.select, method=False)
def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0.0) -> Any:
    """The choice that belongs to the first condition that holds, element by element.

    >>> select([np.array([True, False])], [np.array([1.0, 2.0])], 9.0)
    array([1., 9.])
    """
    out = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        out = where(condition, choice, out)
    return out


@composed(np.cumulative_sum, method=False)
def cumulative_sum(x: Any, axis: int | None = None) -> Any:
    """`cumsum` under the array API's name.

    >>> cumulative_sum(np.array([1.0, 2.0]))
    array([1., 3.])
    """
    return cumsum(x, axis=axis)


@composed(np.cumulative_prod, method=False)
def cumulative_prod(x: Any, axis: int | None = None) -> Any:
    """`cumprod` under the array API's name.

    >>> cumulative_prod(np.array([2.0, 3.0]))
    array([2., 6.])
    """
    return cumprod(x, axis=axis)
