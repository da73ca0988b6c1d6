"""`minigrad.linalg`: the functions of `numpy.linalg` on Tensors.

Most are defined in `minigrad.ops`.  Here stand those that numpy.linalg has in a form of its own, beside
the one of the main namespace: they take stacks in the last axes, and options by name only.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .hints import missing
from .ops import diagonals, products
from .ops.constant import constants
from .ops.factorization import cholesky, eig, eigh, eigvals, eigvalsh, qr, svd, svdvals
from .ops.linalg import det, inv, lstsq, matrix_power, multi_dot, pinv, slogdet, solve, tensorinv, tensorsolve
from .ops.norms import cond, matrix_norm, norm, vector_norm
from .ops.shape import matrix_transpose
from .primitive import composed
from .spellings import FUNCTIONS, INSTEAD

matrix_rank = constants["matrix_rank"]
LinAlgError = np.linalg.LinAlgError

__all__ = [
    "LinAlgError", "cholesky", "cond", "cross", "det", "diagonal", "eig", "eigh", "eigvals", "eigvalsh", "inv",
    "lstsq", "matmul", "matrix_norm", "matrix_power", "matrix_rank", "matrix_transpose", "multi_dot", "norm", "outer",
    "pinv", "qr", "slogdet", "solve", "svd", "svdvals", "tensordot", "tensorinv", "tensorsolve", "trace", "vecdot",
    "vector_norm",
]  # fmt: skip


@composed(np.linalg.diagonal, method=False)
def diagonal(x: Any, /, *, offset: int = 0) -> Any:
    """Diagonals of the last two axes.

    >>> diagonal(np.array([[1.0, 2.0], [3.0, 4.0]]), offset=1)
    array([2.])
    """
    return diagonals.diagonal(x, offset, -2, -1)


@composed(np.linalg.trace, method=False)
def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    """Sums of the diagonals of the last two axes.

    Args:
        offset: which diagonal: 0 is the main one, positive ones are above it, negative ones below.

    >>> trace(np.array([[1.0, 2.0], [3.0, 4.0]]))
    np.float64(5.0)
    """
    return np.sum(diagonals.diagonal(x, offset, -2, -1), axis=-1, dtype=dtype)


@composed(np.linalg.matmul, method=False)
def matmul(x1: Any, x2: Any, /) -> Any:
    """The product of matrices, and of stacks of them.

    >>> matmul(np.eye(2), np.array([3.0, 4.0]))
    array([3., 4.])
    """
    return products.matmul(x1, x2)


@composed(np.linalg.outer, method=False)
def outer(x1: Any, x2: Any, /) -> Any:
    """All products of an element of one vector with an element of the other.

    >>> outer(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    array([[3., 4.],
           [6., 8.]])
    """
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise ValueError(
            f"linalg.outer: expected two vectors, got shapes {np.shape(x1)} and {np.shape(x2)}; "
            "np.outer flattens its inputs"
        )
    return products.outer(x1, x2)


@composed(np.linalg.cross, method=False)
def cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """Vector product of vectors of length 3 along an axis.

    >>> cross(np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]))
    array([0., 0., 1.])
    """
    if np.shape(x1)[axis] != 3 or np.shape(x2)[axis] != 3:
        raise ValueError(
            f"linalg.cross: expected length 3 along axis {axis}, got shapes {np.shape(x1)} and "
            f"{np.shape(x2)}; np.cross takes length 2 too"
        )
    return products.cross(x1, x2, axis=axis)


@composed(np.linalg.tensordot, method=False)
def tensordot(x1: Any, x2: Any, /, *, axes: Any = 2) -> Any:
    """Sum of products over pairs of axes.

    >>> tensordot(np.ones((2, 3)), np.ones((3, 4)), axes=1).shape
    (2, 4)
    """
    return products.tensordot(x1, x2, axes)


@composed(np.linalg.vecdot, method=False)
def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """Sum of conj(x1) x2 along an axis.

    >>> vecdot(np.array([[1.0, 2.0]]), np.array([3.0, 4.0]))
    array([11.])
    """
    return products.vecdot(x1, x2, axis=axis)


def __getattr__(name: str) -> Any:
    raise missing("minigrad.linalg", name, __all__, INSTEAD, FUNCTIONS)
