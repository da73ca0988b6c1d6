"""`minigrad.linalg`: the functions of `numpy.linalg` on Tensors."""

from __future__ import annotations

from .ops.linalg import matmul, outer, tensordot
from .ops.reduce import norm

__all__ = ["matmul", "norm", "outer", "tensordot"]
