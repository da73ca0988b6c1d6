"""Norms of vectors and matrices, and the condition number."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..primitive import composed, primitive
from .factorization import svdvals
from .linalg import inv
from .masking import conj
from .reduce import expand, max, min, sum

__all__ = ["cond", "matrix_norm", "norm", "norm2", "vector_norm"]


def _norm_x(g: Any, x: Any, out: Any, axis: Any, keepdims: bool) -> Any:
    return expand(g / (out + (out == 0)), x.shape, axis, keepdims) * conj(x)


@primitive(x=_norm_x, method=False)
def norm2(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Euclidean length over axes (the Frobenius norm over two).

    out  = sqrt(sum_i |x_i|^2)
    dx_i = g x_i / out                               (0 for the zero vector)

    >>> grad(norm2)(np.array([3.0, 4.0])), grad(norm2)(np.zeros(2))
    (array([0.6, 0.8]), array([0., 0.]))
    """
    return np.sqrt(np.sum(np.square(np.abs(x)), axis=axis, keepdims=keepdims))


@composed(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: A002
    """Vector and matrix norms, as numpy.linalg.norm.

    Vectors: ord None, any p, inf, -inf, 0.  Matrices: None, 'fro', 'nuc', 1, -1, 2, -2, inf, -inf.

    >>> norm(np.array([[3.0, -4.0]])), norm(np.array([3.0, -4.0]), 1)
    (np.float64(5.0), np.float64(7.0))
    """
    ndim = np.ndim(x)
    axes = axis if isinstance(axis, tuple) else tuple(range(ndim)) if axis is None else (axis,)
    if ord is None or (ord == "fro" and len(axes) == 2) or (ord == 2 and len(axes) == 1):
        return norm2(x, axis=axes, keepdims=keepdims)
    if len(axes) == 1:
        if ord in (np.inf, -np.inf):
            return (max if ord > 0 else min)(abs(x), axis=axes, keepdims=keepdims)
        if ord == 0:
            return np.sum((x != 0).astype(x.dtype), axis=axes, keepdims=keepdims)
        total = sum(abs(x) ** ord, axis=axes, keepdims=keepdims)
        return total if ord == 1 else total ** (1.0 / ord)
    if len(axes) == 2 and ord in (1, -1, np.inf, -np.inf):
        along, over = axes if ord in (1, -1) else axes[::-1]
        sums = sum(abs(x), axis=along, keepdims=True)
        out = (max if ord > 0 else min)(sums, axis=over, keepdims=True)
        return out if keepdims else np.squeeze(out, axis=axes)
    if len(axes) == 2 and ord in ("nuc", 2, -2):
        out = matrix_norm(np.moveaxis(x, axes, (-2, -1)), ord=ord)
        return np.expand_dims(out, axes) if keepdims else out
    raise ValueError(f"norm: ord={ord!r} over {len(axes)} axes is not defined")


@composed(np.linalg.vector_norm)
def vector_norm(x: Any, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:  # noqa: A002
    """`norm` of vectors; of all elements where no axis is given.

    >>> vector_norm(np.array([[3.0, 4.0]])).item()
    5.0
    """
    return norm(np.reshape(x, -1) if axis is None and not keepdims else x, ord, axis, keepdims)


@composed(np.linalg.matrix_norm)
def matrix_norm(x: Any, keepdims: bool = False, ord: Any = "fro") -> Any:  # noqa: A002
    """Norms of matrices: "fro", "nuc" (sum of singular values), 2 and -2 (largest, smallest), 1, -1, inf, -inf.

    >>> matrix_norm(np.array([[3.0, 0.0], [0.0, 4.0]]), ord="nuc").item()
    7.0
    """
    if ord not in ("nuc", 2, -2):
        return norm(x, ord, (-2, -1), keepdims)
    s = svdvals(x)
    out = sum(s, axis=-1) if ord == "nuc" else (max if ord == 2 else min)(s, axis=-1)
    return np.expand_dims(out, (-2, -1)) if keepdims else out


@composed(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Any:
    """Condition number, the norm of X times that of its inverse.

    >>> cond(np.array([[3.0, 0.0], [0.0, 6.0]])).item()
    2.0
    """
    if p in (None, 2, -2):
        s = svdvals(x)
        return s[..., 0] / s[..., -1] if p != -2 else s[..., -1] / s[..., 0]
    return matrix_norm(x, ord=p) * matrix_norm(inv(x), ord=p)
