"""scipy.sparse: its matrices are constant factors in products with Tensors, `A @ t` and `t @ A`; here as a function."""

from ..ops.sparse import issparse
from ..ops.sparse import sparse_matmul as matmul

__all__ = ["issparse", "matmul"]
