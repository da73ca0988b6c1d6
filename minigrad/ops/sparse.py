"""Sparse matrices, SciPy's or CuPy's, as constant factors: `t @ A` and `matmul(A, t)`.

`A @ t` is SciPy's own product: it asks t for a NumPy array, which a Tensor that requires a gradient
refuses to be.
"""

from __future__ import annotations

import sys
from typing import Any

from ..primitive import primitive
from .products import foreign_products
from .shape import transpose

__all__ = ["issparse", "matmul", "sparse_matmul"]


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

    out = a @ x
    dx  = a^T @ g

    >>> import scipy.sparse
    >>> sparse_matmul(scipy.sparse.eye_array(2, format="csr") * 3.0, np.array([1.0, 2.0]))
    array([3., 6.])
    """
    return a @ x


def matmul(a: Any, b: Any) -> Any:
    """A product of a sparse matrix, a constant, with an array or Tensor on either side.

    >>> import scipy.sparse
    >>> matmul(Tensor([1.0, 2.0]), scipy.sparse.eye_array(2, format="csr") * 3.0)
    Tensor([3., 6.], dtype=float64)
    """
    return sparse_matmul(a, b) if issparse(a) else transpose(sparse_matmul(b.T, transpose(a)))


foreign_products.append((issparse, matmul))
