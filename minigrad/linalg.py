"""`minigrad.linalg`: the functions of `numpy.linalg` on Tensors."""

from __future__ import annotations

from .ops.constant import constants
from .ops.factorization import cholesky, eig, eigh, eigvals, eigvalsh, qr, svd, svdvals
from .ops.index import matrix_diagonal as diagonal
from .ops.index import matrix_trace as trace
from .ops.linalg import det, inv, lstsq, matrix_power, multi_dot, pinv, slogdet, solve, tensorinv, tensorsolve
from .ops.norms import cond, matrix_norm, norm, vector_norm
from .ops.numeric import cross, vecdot
from .ops.products import matmul, outer, tensordot
from .ops.shape import matrix_transpose

matrix_rank = constants["matrix_rank"]

__all__ = [
    "cholesky", "cond", "cross", "det", "diagonal", "eig", "eigh", "eigvals", "eigvalsh", "inv", "lstsq", "matmul",
    "matrix_norm", "matrix_power", "matrix_rank", "matrix_transpose", "multi_dot", "norm", "outer", "pinv", "qr",
    "slogdet", "solve", "svd", "svdvals", "tensordot", "tensorinv", "tensorsolve", "trace", "vecdot", "vector_norm",
]  # fmt: skip
