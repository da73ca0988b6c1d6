"""scipy.sparse: its matrices are constant factors in products with Tensors, `t @ A` and `matmul(A, t)`."""

from ..ops.sparse import issparse, matmul

__all__ = ["issparse", "matmul"]
