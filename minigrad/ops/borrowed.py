"""NumPy's own functions that need no gradient: index arrays, windows, questions about arrays.

What they make are NumPy arrays in NumPy's dtypes (a window is float64); Tensors combine with them
as with all arrays.  Asked about a Tensor they answer as about its array.
"""

from __future__ import annotations

import numpy as np

#: Windows of signals, and index arrays.
bartlett, blackman, hamming = np.bartlett, np.blackman, np.hamming
hanning, kaiser = np.hanning, np.kaiser
diag_indices, indices, mask_indices = np.diag_indices, np.indices, np.mask_indices
tril_indices, triu_indices, fromfunction = np.tril_indices, np.triu_indices, np.fromfunction
mgrid, ogrid, s_, index_exp, newaxis = np.mgrid, np.ogrid, np.s_, np.index_exp, np.newaxis

#: Numbers.
e, euler_gamma, inf, nan, pi = np.e, np.euler_gamma, np.inf, np.nan, np.pi

#: Questions about shapes and values.
shape, ndim, size, broadcast_shapes = np.shape, np.ndim, np.size, np.broadcast_shapes
allclose, array_equal, array_equiv = np.allclose, np.array_equal, np.array_equiv
iscomplexobj, isrealobj = np.iscomplexobj, np.isrealobj
isscalar, iterable = np.isscalar, np.iterable
may_share_memory, shares_memory, einsum_path = np.may_share_memory, np.shares_memory, np.einsum_path

#: Questions about dtypes.
can_cast, common_type, min_scalar_type = np.can_cast, np.common_type, np.min_scalar_type
promote_types, result_type = np.promote_types, np.result_type
isdtype, issubdtype = np.isdtype, np.issubdtype

#: Numbers as text.
array2string, array_repr, array_str = np.array2string, np.array_repr, np.array_str
base_repr, binary_repr = np.base_repr, np.binary_repr
format_float_positional = np.format_float_positional
format_float_scientific = np.format_float_scientific

__all__ = [
    "allclose", "array2string", "array_equal", "array_equiv", "array_repr", "array_str",
    "bartlett", "base_repr", "binary_repr", "blackman", "broadcast_shapes", "can_cast",
    "common_type", "diag_indices", "e", "einsum_path", "euler_gamma",
    "format_float_positional", "format_float_scientific", "fromfunction", "hamming", "hanning",
    "index_exp", "indices", "inf", "iscomplexobj", "isdtype", "isrealobj", "isscalar",
    "issubdtype", "iterable", "kaiser", "mask_indices", "may_share_memory", "mgrid",
    "min_scalar_type", "nan", "ndim", "newaxis", "ogrid", "pi", "promote_types", "result_type",
    "s_", "shape", "shares_memory", "size", "tril_indices", "triu_indices",
]  # fmt: skip
