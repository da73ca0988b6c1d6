"""Helpers that rules share: singular derivatives behind a mask, and conjugates of what may be real.

In ``np.where(x > 0, np.sqrt(x), 0)`` no gradient arrives at the root where x = 0; yet the chain rule
multiplies that 0 with the infinite slope of the root, and gets NaN.  The rules of `sqrt`, `log`,
`divide` and their kin divide by `safe_divisor(x, g)` instead of x.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..primitive import primitive

__all__ = ["conj", "safe_divisor", "slope_of_length"]


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
    return np.where(singular & (g == 0), 1, x)  # not x + ...: that would take the sign of -0.0


def conj(x: Any) -> Any:
    """The complex conjugate; of a real array the array itself, where np.conj would make a copy."""
    return np.conj(x) if x.dtype.kind == "c" else x


def _over(g: Any, y: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        return g / y


@primitive(
    method=False, x=lambda g, y: _over(g, y), y=lambda g, x, y: -_over(_over(g * x, y), y)
)
def slope_of_length(x: Any, y: Any) -> Any:
    """x / y for a length y and one of its parts x; 0 where the length is 0.

    Lengths have a corner at 0.  Their slope is chosen to be 0 there, but the slope of the slope does
    not exist, and is infinite or NaN: the Hessian of norm(x)**2 at 0 is NaN and not a wrong 0.

    out = x / y              (0 where y = 0)
    dx  = g / y
    dy  = -g x / y^2

    >>> slope_of_length(np.array([3.0, 0.0]), np.array([5.0, 0.0]))
    array([0.6, 0. ])
    """
    return x / (y + (y == 0))
