"""Diagonals and triangles of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..primitive import composed, primitive
from .index import getitem, scatter_add
from .shape import reshape

__all__ = ["diag", "diagflat", "diagonal", "trace", "tril", "triu"]


@primitive(np.tril, x=lambda g, k: np.tril(g, k))
def tril(x: Any, k: int = 0) -> Any:
    """Lower triangle, zeros above.

    out_ij = x_ij where j <= i + k
    dx     = the lower triangle of g

    >>> tril(np.ones((2, 2)))
    array([[1., 0.],
           [1., 1.]])
    """
    return np.tril(x, k)


@primitive(np.triu, x=lambda g, k: np.triu(g, k))
def triu(x: Any, k: int = 0) -> Any:
    """Upper triangle, zeros below.

    out_ij = x_ij where j >= i + k
    dx     = the upper triangle of g

    >>> triu(np.ones((2, 2)))
    array([[1., 1.],
           [0., 1.]])
    """
    return np.triu(x, k)


def _diagonal_index(shape: tuple[int, ...], offset: int, axis1: int, axis2: int) -> tuple[Any, ...]:
    rows, columns = shape[axis1], shape[axis2]
    n = max(min(rows + min(offset, 0), columns - max(offset, 0)), 0)
    index: list[Any] = [slice(None)] * len(shape)
    index[axis1 % len(shape)] = np.arange(n) - min(offset, 0)
    index[axis2 % len(shape)] = np.arange(n) + max(offset, 0)
    return tuple(index)


@composed(np.diagonal)
def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Diagonals of the planes of two axes, in a new last axis.

    >>> diagonal(np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([1., 4.])
    """
    x = np.moveaxis(x, (axis1, axis2), (-2, -1))
    return getitem(x, (Ellipsis, *_diagonal_index(np.shape(x), offset, -2, -1)[-2:]))


@composed(np.trace)
def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Sum of a diagonal.

    >>> trace(np.array([[1.0, 2.0], [3.0, 4.0]]))
    np.float64(5.0)
    """
    return np.sum(diagonal(x, offset, axis1, axis2), axis=-1)


@composed(np.diag)
def diag(x: Any, k: int = 0) -> Any:
    """The diagonal of a matrix, or the matrix with a diagonal.

    >>> diag(np.array([1.0, 2.0]))
    array([[1., 0.],
           [0., 2.]])
    """
    if np.ndim(x) == 2:
        return diagonal(x, k)
    n = np.shape(x)[0] + abs(k)
    return scatter_add(x, _diagonal_index((n, n), k, 0, 1), (n, n))


@composed(np.diagflat)
def diagflat(x: Any, k: int = 0) -> Any:
    """The matrix with all elements of x on a diagonal.

    >>> diagflat(np.array([[1.0, 2.0]]))
    array([[1., 0.],
           [0., 2.]])
    """
    return diag(reshape(x, -1), k)
