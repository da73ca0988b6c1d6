"""What the functions of this package have in common: they compute in float64, and they know where they are right."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["holds", "nodes_from", "polynomial", "wide"]


def wide(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of arrays of floats, in float64; its result has the dtype that SciPy's would have."""

    @functools.wraps(function)
    def rule(*args: Any) -> Any:
        dtypes = [x.dtype for x in args if hasattr(x, "dtype")]
        if any(d.kind not in "iuf" for d in dtypes):
            return None
        given = [x.astype(np.float64) if hasattr(x, "dtype") and x.dtype != np.float64 else x for x in args]
        out = function(*given)
        narrow = np.result_type(*(d if d.kind == "f" else np.float64 for d in dtypes))
        return out if out is None or narrow == out.dtype else out.astype(narrow)

    return rule


def holds(x: Any, condition: Any) -> None:
    """The program is right only where this is so for all elements, or they are NaN.

    Raises:
        TypeError: it is not so for numbers that are known beforehand, so that the rule is none for them.
    """
    right: Any = np.all(condition | np.isnan(x))
    if hasattr(right, "recorder"):
        right.value.why = "a number would be outside of where the page's function is right"
        right.recorder.guards.append(right.value)
    elif not right:
        raise TypeError("outside of where this is right")


def polynomial(x: Any, coefficients: Any) -> Any:
    """c0 + c1 x + c2 x^2 + ..."""
    total = x * 0.0 + coefficients[-1]
    for c in coefficients[-2::-1]:
        total = total * x + c
    return total


@functools.cache
def nodes_from(*ends: float, count: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """Places and weights of Gauss and Legendre's integration over several intervals, one after the other."""
    places, weights = np.polynomial.legendre.leggauss(count)
    found = [((b + a) / 2 + (b - a) / 2 * places, (b - a) / 2 * weights) for a, b in zip(ends[:-1], ends[1:], strict=True)]
    return np.concatenate([p for p, _ in found]), np.concatenate([w for _, w in found])
