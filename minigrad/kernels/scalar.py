"""What kernels are made of: functions of one float32, of arithmetic alone, so that the compiler makes vector code of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from .cache import keep

__all__ = ["elementwise", "erf32", "exp32", "kernel", "ordered", "scalar", "tanh32", "unordered"]

_f = np.float32
#: Sums may be reordered and multiplications fused; NaN and infinity stay what they are.
_MATH = {"contract", "arcp", "nsz", "reassoc"}

scalar = njit(inline="always", fastmath=_MATH)


def kernel(function: Any) -> Any:
    """Compile a kernel: without Python's lock, kept on the disk for the next run where that can be done."""
    return keep(njit(nogil=True, fastmath=_MATH, error_model="numpy")(function))


def elementwise(function: Any) -> Any:
    """As `kernel`, for one without sums: operations stay in their order, so that what overflows is what overflows in NumPy."""
    return keep(njit(nogil=True, fastmath={"contract"}, error_model="numpy")(function))


@scalar
def exp32(x: Any) -> Any:
    """e^x = 2^n e^r with |r| <= log(2) / 2, and a polynomial for e^r (coefficients of Moshier's Cephes); 1 ulp."""
    y = min(max(x, _f(-87.33654)), _f(89.0))  # e^89 is infinite
    n = np.floor(y * _f(1.44269504) + _f(0.5))
    r = (y - n * _f(0.693359375)) + n * _f(2.12194440e-4)
    p = _f(1.9875691500e-4)
    p = p * r + _f(1.3981999507e-3)
    p = p * r + _f(8.3334519073e-3)
    p = p * r + _f(4.1665795894e-2)
    p = p * r + _f(1.6666665459e-1)
    p = p * r + _f(5.0000001201e-1)
    p = p * r * r + r + _f(1)
    power = np.int32((np.int32(n) + np.int32(126)) << np.int32(23)).view(np.float32)  # 2^(n-1): 2^128 would overflow
    return x if np.isnan(x) else p * power * _f(2)


@scalar
def tanh32(x: Any) -> Any:
    """1 - 2 / (e^2x + 1); near 0, where that would lose digits, x plus an odd polynomial (Cephes)."""
    z = x * x
    p = _f(-5.70498872745e-3)
    p = p * z + _f(2.06390887954e-2)
    p = p * z + _f(-5.37397155531e-2)
    p = p * z + _f(1.33314422036e-1)
    p = p * z + _f(-3.33332819422e-1)
    near = p * z * x + x
    far = _f(1) - _f(2) / (exp32(_f(2) * x) + _f(1))
    return near if abs(x) < _f(0.625) else far


@scalar
def erf32(x: Any, gauss: Any) -> Any:
    """The error function, with e^(-x^2) given (Abramowitz and Stegun, 7.1.26; error below 1.5e-7)."""
    t = _f(1) / (_f(1) + _f(0.3275911) * abs(x))
    p = _f(1.061405429)
    p = p * t + _f(-1.453152027)
    p = p * t + _f(1.421413741)
    p = p * t + _f(-0.284496736)
    p = p * t + _f(0.254829592)
    value = _f(1) - p * t * gauss
    return value if x >= _f(0) else -value


@scalar
def ordered(bits: Any) -> Any:
    """The bits of a float32 as an integer with the same order; the maximum of integers is vector code, that of floats not."""
    return np.int32(bits ^ ((bits >> np.int32(31)) & np.int32(0x7FFFFFFF)))


@scalar
def unordered(key: Any) -> Any:
    """The float32 of an integer that `ordered` made."""
    return np.int32(key ^ ((key >> np.int32(31)) & np.int32(0x7FFFFFFF))).view(np.float32)
