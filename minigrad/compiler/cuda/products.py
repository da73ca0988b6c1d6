"""Products of matrices by cuBLAS itself: CuPy's own `matmul` refuses while a stream captures, and makes addresses of stacks.

The library is the one that CuPy has loaded, and so is its handle.
"""

from __future__ import annotations

import ctypes
import os
from functools import cache
from math import prod
from typing import Any

__all__ = ["find", "matmul"]

_KINDS = {"f": ("cublasSgemmStridedBatched", ctypes.c_float), "d": ("cublasDgemmStridedBatched", ctypes.c_double)}


@cache
def find(cupy: Any) -> Any:
    """The cuBLAS that CuPy has loaded, of which there may be several in a process; None where it cannot be told."""
    if not hasattr(os, "RTLD_NOLOAD"):
        return None
    try:
        version = cupy.cuda.cublas.getVersion(cupy.cuda.device.get_cublas_handle()) // 10000
        return ctypes.CDLL(f"libcublas.so.{version}", mode=os.RTLD_NOLOAD | os.RTLD_NOW)
    except (AttributeError, ImportError, OSError, RuntimeError):
        return None


def matmul(cupy: Any, x: Any, y: Any, out: Any) -> None:
    """out = x @ y, of arrays of at least two axes; out lies in one piece."""
    library, char = find(cupy), out.dtype.char
    if library is None or char not in _KINDS or x.dtype != out.dtype or y.dtype != out.dtype or not out.size or not x.size:
        cupy.matmul(x, y, out=out)
        return
    if y.ndim == 2 and x.flags.c_contiguous:  # the rows of all matrices of a stack are those of one
        x, out = x.reshape(-1, x.shape[-1]), out.reshape(-1, out.shape[-1])
    (x, turned_x, rows_x, far_x), (y, turned_y, rows_y, far_y) = (_matrices(cupy, a, out.shape[:-2]) for a in (x, y))
    (m, n), k, count = out.shape[-2:], x.shape[-1], prod(out.shape[:-2])
    name, real = _KINDS[char]
    one, zero = real(1), real(0)
    handle = ctypes.c_void_p(cupy.cuda.device.get_cublas_handle())
    _checked(library.cublasSetStream_v2(handle, ctypes.c_void_p(cupy.cuda.get_current_stream().ptr)))
    far = ctypes.c_longlong
    # cuBLAS counts columns first, so to it each matrix is turned: out' = y' x'
    _checked(
        getattr(library, name)(
            handle, turned_y, turned_x, n, m, k, ctypes.byref(one),
            ctypes.c_void_p(y.data.ptr), rows_y, far(far_y), ctypes.c_void_p(x.data.ptr), rows_x, far(far_x),
            ctypes.byref(zero), ctypes.c_void_p(out.data.ptr), n, far(m * n), count,
        )
    )  # fmt: skip


def _checked(status: int) -> None:
    if status:
        raise RuntimeError(f"cuBLAS answers with status {status}")


def _matrices(cupy: Any, x: Any, lead: tuple[int, ...]) -> tuple[Any, int, int, int]:
    """A stack of matrices, whether each is turned, and how many elements the next row and the next matrix are away."""
    if x.ndim > 2 and x.shape[:-2] != lead:
        x = cupy.ascontiguousarray(cupy.broadcast_to(x, (*lead, *x.shape[-2:])))
    strides = [s // x.itemsize for s in x.strides]
    (m, n), (down, right) = x.shape[-2:], strides[-2:]
    even = all(strides[i] == strides[i + 1] * x.shape[i + 1] for i in range(x.ndim - 3))
    far = strides[-3] if x.ndim > 2 else 0
    if even and (right == 1 or n == 1) and (down >= n or m == 1):
        return x, 0, max(down if m > 1 else n, n), far
    if even and (down == 1 or m == 1) and (right >= m or n == 1):
        return x, 1, max(right if n > 1 else m, m), far
    x = cupy.ascontiguousarray(x)
    return x, 0, n, m * n if x.ndim > 2 else 0
