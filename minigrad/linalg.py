"""`minigrad.linalg`: the functions of `numpy.linalg` on Tensors."""

from __future__ import annotations

from .ops.index import diagonal, trace
from .ops.linalg import matmul, outer, tensordot
from .ops.matrix import (
    cholesky,
    det,
    eigh,
    eigvalsh,
    inv,
    matrix_power,
    multi_dot,
    pinv,
    qr,
    slogdet,
    solve,
    svd,
    svdvals,
)
from .ops.norms import cond, matrix_norm, norm, vector_norm

__all__ = [
    "cholesky", "cond", "det", "diagonal", "eigh", "eigvalsh", "inv", "matmul", "matrix_norm", "matrix_power",
    "multi_dot", "norm", "outer", "pinv", "qr", "slogdet", "solve", "svd", "svdvals", "tensordot", "trace",
    "vector_norm",
]  # fmt: skip
