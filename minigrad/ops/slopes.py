"""Helpers that rules share: the slope of a length, which has a corner at 0, and conjugates of what may be real."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..primitive import primitive

__all__ = ["conj", "slope_of_length"]


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
