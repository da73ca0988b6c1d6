"""Two helpers that rules share: singular derivatives behind a mask, and conjugates of what may be real.

In ``np.where(x > 0, np.sqrt(x), 0)`` no gradient arrives at the root where x = 0; yet the chain rule
multiplies that 0 with the infinite slope of the root, and gets NaN.  The rules of `sqrt`, `log`,
`divide` and their kin divide by `safe_divisor(x, g)` instead of x.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["conj", "safe_divisor"]


def safe_divisor(x: Any, g: Any) -> Any:
    """x, with 1 in place of a zero where the gradient g that is to be divided by it is 0 too.

    >>> safe_divisor(np.array([0.0, 0.0, 2.0]), np.array([0.0, 1.0, 0.0]))
    array([1., 0., 2.])
    """
    if isinstance(x, (int, float)) and x:  # a Python number, which may be too large for an integer array
        return x
    singular = x == 0
    if type(x) is np.ndarray and not singular.any():  # the common case; on a GPU asking would stall
        return x
    return x + (singular & (g == 0))


def conj(x: Any) -> Any:
    """The complex conjugate; of a real array the array itself, where np.conj would make a copy."""
    return np.conj(x) if x.dtype.kind == "c" else x
