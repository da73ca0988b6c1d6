"""cuBLAS of the stand-in: products of matrices at addresses, columns first."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

from .counts import launched
from .graphs import captured
from .memory import found_at

__all__ = ["found"]


class Library:
    """The functions of libcublas that minigrad calls."""

    def cublasSetStream_v2(self, handle: Any, stream: Any) -> int:
        return 0


def found(cupy: Any) -> Library:
    """In the place of `minigrad.compiler.cuda.products.find`."""
    return Library()


def product(dtype: Any) -> Callable[..., int]:
    @captured
    def run(
        self: Library, handle: Any, turned_a: int, turned_b: int, m: int, n: int, k: int, alpha: Any,
        a: Any, lda: int, far_a: Any, b: Any, ldb: int, far_b: Any, beta: Any, c: Any, ldc: int, far_c: Any, count: int,
    ) -> int:  # fmt: skip
        launched("matmul")
        x = matrices(dtype, a.value, count, (m, k), lda, far_a.value, turned_a)
        y = matrices(dtype, b.value, count, (k, n), ldb, far_b.value, turned_b)
        matrices(dtype, c.value, count, (m, n), ldc, far_c.value, 0)[...] = x @ y
        return 0

    return run


Library.cublasSgemmStridedBatched = product(np.float32)  # type: ignore[attr-defined]
Library.cublasDgemmStridedBatched = product(np.float64)  # type: ignore[attr-defined]


def matrices(dtype: Any, address: int, count: int, shape: tuple[int, int], ld: int, far: int, turned: int) -> np.ndarray:
    """Matrices at an address, all of whose elements lie in an array that is still there."""
    size = np.dtype(dtype).itemsize
    steps = (ld, 1) if turned else (1, ld)
    if ld < (shape[1] if turned else shape[0]):
        raise AssertionError(f"cuBLAS takes no leading dimension {ld} for {shape}")
    end = (count - 1) * far + sum((n - 1) * s for n, s in zip(shape, steps, strict=True)) + 1
    found = found_at([address])
    if address not in found or address + end * size > found[address][2]:
        raise AssertionError("cuBLAS got the address of no array that is still there, or reads beyond its end")
    flat = np.frombuffer((ctypes.c_char * (end * size)).from_address(address), dtype)
    return np.lib.stride_tricks.as_strided(flat, (count, *shape), (far * size, *(s * size for s in steps)))
