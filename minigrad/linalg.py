"""`minigrad.linalg`: the functions of `numpy.linalg` on Tensors."""

from __future__ import annotations

from .ops.index import diagonal, trace
from .ops.linalg import matmul, outer, tensordot
from .ops.matrix import (
    cholesky,
    cond,
    det,
    eigh,
    eigvalsh,
    inv,
    matrix_norm,
    matrix_power,
    multi_dot,
    pinv,
    qr,
    slogdet,
    solve,
    svd,
    svdvals,
)
from .ops.reduce import norm

__all__ = [
    "cholesky", "cond", "det", "diagonal", "eigh", "eigvalsh", "inv", "matmul", "matrix_norm", "matrix_power",
    "multi_dot", "norm", "outer", "pinv", "qr", "slogdet", "solve", "svd", "svdvals", "tensordot", "trace",
]  # fmt: skip
