"""Diagonals and triangles of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backend import as_sizes
from ..primitive import composed, primitive
from .index import getitem, scatter_add
from .shape import reshape

__all__ = ["diag", "diagflat", "diagonal", "trace", "tril", "triu"]


@primitive(np.tril, masks=True, m=lambda g, k: np.tril(g, k))
def tril(m: Any, k: int = 0) -> Any:
    """Lower triangle, zeros above.

    out_ij = m_ij where j <= i + k, else 0
    dm_ij  = g_ij where j <= i + k, else 0

    >>> tril(np.ones((2, 2)))
    array([[1., 0.],
           [1., 1.]])
    """
    return np.tril(m, k)


@primitive(np.triu, masks=True, m=lambda g, k: np.triu(g, k))
def triu(m: Any, k: int = 0) -> Any:
    """Upper triangle, zeros below.

    out_ij = m_ij where j >= i + k, else 0
    dm_ij  = g_ij where j >= i + k, else 0

    >>> triu(np.ones((2, 2)))
    array([[1., 1.],
           [0., 1.]])
    """
    return np.triu(m, k)


def _diagonal_index(shape: tuple[int, ...], offset: int, axis1: int, axis2: int) -> tuple[Any, ...]:
    rows, columns = shape[axis1], shape[axis2]
    n = max(min(rows + min(offset, 0), columns - max(offset, 0)), 0)
    index: list[Any] = [slice(None)] * len(shape)
    index[axis1 % len(shape)] = np.arange(n) - min(offset, 0)
    index[axis2 % len(shape)] = np.arange(n) + max(offset, 0)
    return tuple(index)


@composed(np.diagonal)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Diagonals of the planes of two axes, in a new last axis.

    >>> diagonal(np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([1., 4.])
    """
    offset, a = as_sizes(offset), np.moveaxis(a, (axis1, axis2), (-2, -1))
    return getitem(a, (Ellipsis, *_diagonal_index(np.shape(a), offset, -2, -1)[-2:]))


@composed(np.trace)
def trace(
    a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None
) -> Any:  # fmt: skip
    """Sum of a diagonal, in the dtype given.

    >>> trace(np.array([[1.0, 2.0], [3.0, 4.0]]))
    np.float64(5.0)
    """
    along = diagonal(a, offset, axis1, axis2)
    return np.sum(along, axis=-1) if dtype is None else np.sum(along, axis=-1, dtype=dtype)


@composed(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    """The diagonal of a matrix, or the matrix with a diagonal.

    Args:
        v: a matrix, or a vector.

    >>> diag(np.array([1.0, 2.0]))
    array([[1., 0.],
           [0., 2.]])
    """
    if np.ndim(v) == 2:
        return diagonal(v, k)
    if np.ndim(v) != 1:
        raise ValueError(f"diag: expected one or two axes, got shape {np.shape(v)}")
    k = as_sizes(k)
    n = np.shape(v)[0] + abs(k)
    return scatter_add(v, _diagonal_index((n, n), k, 0, 1), (n, n))


@composed(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Any:
    """The matrix with all elements of v on a diagonal.

    >>> diagflat(np.array([[1.0, 2.0]]))
    array([[1., 0.],
           [0., 2.]])
    """
    return diag(reshape(v, -1), k)
