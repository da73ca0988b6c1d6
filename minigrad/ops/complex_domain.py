"""Functions that become complex outside of their real domain: those of numpy.emath.

One element outside of the domain makes the whole result complex.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.batch import all_examples
from ..backend import as_operand, side_by_side
from ..later import holds_for_any
from ..primitive import composed
from ..tensor import raw

__all__ = ["arccos", "arcsin", "arctanh", "log", "log10", "log2", "logn", "power", "sqrt"]

#: The types whose complex numbers are of single precision, by NumPy's letters.
_SINGLE = "bhBHfF"


def _complex_where(x: Any, outside: Any) -> Any:
    """x, as complex numbers where one of its elements is real and outside of the domain."""
    x = as_operand(x)
    values = raw(x)
    if not holds_for_any(all_examples(np.isreal(values) & outside(np.real(values)))):
        return x
    return x.astype(np.complex64 if x.dtype.char in _SINGLE else np.complex128, copy=False)


def _complex_if_negative(x: Any) -> Any:
    return _complex_where(x, lambda values: values < 0)


def _complex_beyond_one(x: Any) -> Any:
    return _complex_where(x, lambda values: np.abs(values) > 1)


@composed(np.emath.sqrt, method=False)
def sqrt(x: Any) -> Any:
    """Square root; complex of negative numbers.

    >>> sqrt(np.array([-1.0, 4.0]))
    array([0.+1.j, 2.+0.j])
    """
    return np.sqrt(_complex_if_negative(x))


@composed(np.emath.log, method=False)
def log(x: Any) -> Any:
    """Natural logarithm; complex of negative numbers.

    >>> log(-1.0)
    np.complex128(3.141592653589793j)
    """
    return np.log(_complex_if_negative(x))


@composed(np.emath.log10, method=False)
def log10(x: Any) -> Any:
    """Logarithm to base 10; complex of negative numbers.

    >>> log10(1000.0)
    np.float64(3.0)
    """
    return np.log10(_complex_if_negative(x))


@composed(np.emath.log2, method=False)
def log2(x: Any) -> Any:
    """Logarithm to base 2; complex of negative numbers.

    >>> log2(8.0)
    np.float64(3.0)
    """
    return np.log2(_complex_if_negative(x))


@composed(np.emath.logn, method=False)
def logn(n: Any, x: Any) -> Any:
    """Logarithm of x to base n; differentiable in both.

    >>> logn(2.0, 8.0)
    np.float64(3.0)
    """
    n, x = side_by_side(n, x)
    return np.log(_complex_if_negative(x)) / np.log(_complex_if_negative(n))


@composed(np.emath.power, method=False)
def power(x: Any, p: Any) -> Any:
    """x^p; complex where x is negative, and a fraction where integers have negative exponents.

    >>> power(2, -1), power(-4.0, 0.5).round(12)
    (np.float64(0.5), np.complex128(2j))
    """
    x, p = side_by_side(x, p)
    p = as_operand(p)
    p = p * 1.0 if holds_for_any(all_examples(np.isreal(raw(p)) & (np.real(raw(p)) < 0))) else p
    return np.power(_complex_if_negative(x), p)


@composed(np.emath.arccos, method=False)
def arccos(x: Any) -> Any:
    """Inverse cosine, in radians; complex beyond 1.

    >>> arccos(1.0)
    np.float64(0.0)
    """
    return np.arccos(_complex_beyond_one(x))


@composed(np.emath.arcsin, method=False)
def arcsin(x: Any) -> Any:
    """Inverse sine, in radians; complex beyond 1.

    >>> arcsin(0.0)
    np.float64(0.0)
    """
    return np.arcsin(_complex_beyond_one(x))


@composed(np.emath.arctanh, method=False)
def arctanh(x: Any) -> Any:
    """Inverse hyperbolic tangent; complex beyond 1.

    >>> arctanh(0.0)
    np.float64(0.0)
    """
    return np.arctanh(_complex_beyond_one(x))
