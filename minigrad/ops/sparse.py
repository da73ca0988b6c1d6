"""Sparse matrices, of scipy.sparse or cupyx.scipy.sparse, as constant factors: `A @ t` and `t @ A`."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from ..primitive import primitive
from ..tensor import Tensor
from .products import matmul
from .shape import transpose

__all__ = ["issparse", "sparse_matmul"]


def issparse(x: Any) -> bool:
    """Whether x is a sparse matrix or array; no library is imported to find out.

    >>> issparse(np.eye(2))
    False
    """
    libraries = (sys.modules.get("scipy.sparse"), sys.modules.get("cupyx.scipy.sparse"))
    return any(library is not None and library.issparse(x) for library in libraries)


@primitive(method=False, x=lambda g, a: sparse_matmul(a.T, g))
def sparse_matmul(a: Any, x: Any) -> Any:
    """A sparse matrix (m, n), a constant, times a vector (n,) or a matrix (n, k).

    out = A x
    dx  = A^T g

    >>> import scipy.sparse
    >>> sparse_matmul(scipy.sparse.eye_array(2, format="csr") * 3.0, np.array([1.0, 2.0]))
    array([3., 6.])
    """
    return a @ x


def _times(self: Tensor, other: Any) -> Any:
    if isinstance(other, (Tensor, np.ndarray)) or not issparse(other):
        return matmul(self, other)
    return transpose(sparse_matmul(other.T, transpose(self)))


def _times_from_left(self: Tensor, other: Any) -> Any:
    return sparse_matmul(other, self) if issparse(other) else matmul(other, self)


Tensor.__matmul__, Tensor.__rmatmul__ = _times, _times_from_left  # type: ignore[method-assign, assignment]
