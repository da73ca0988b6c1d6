"""Choosing between values: where, clip, and replacing what is not a number."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..primitive import composed, primitive

__all__ = ["clip", "nan_to_num", "relu", "where"]


@primitive(
    method=False,
    x=lambda g, condition: np.where(condition, g, np.zeros_like(g, shape=())),
    y=lambda g, condition: np.where(condition, np.zeros_like(g, shape=()), g),
    name="where",
)
def _where(condition: Any, x: Any, y: Any) -> Any:
    """x where the condition holds, else y.

    out = x if condition else y
    dx  = g where the condition holds, else 0
    dy  = 0 where the condition holds, else g
    """
    return np.where(condition, x, y)


@composed(np.where, method=False)
def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    """x where the condition holds, else y; with one argument the indices where it holds.

    >>> where(np.array([True, False]), 1.0, 2.0)
    array([1., 2.])
    """
    return np.nonzero(condition) if x is None and y is None else _where(condition, x, y)


def _within(x: Any, low: Any, high: Any) -> Any:
    inside = x == x  # noqa: PLR0124  (NaN is outside)
    if low is not None:
        inside = inside & (x >= low)
    if high is not None:
        inside = inside & (x <= high)
    return inside


@primitive(method=False, x=lambda g, x, low, high: g * _within(x, low, high).astype(g.dtype),
           low=lambda g, x, low, high: g * ((x < low) if high is None else (x < low) & (low < high)).astype(g.dtype),
           high=lambda g, x, low, high: g * ((x > high) if low is None else (x > high) | (low >= high)).astype(g.dtype),
           name="clip")  # fmt: skip
def _clip(x: Any, low: Any, high: Any) -> Any:
    """x, held between two bounds.

    out = min(max(x, low), high)
    dx  = g where low <= x <= high, else 0
    dlow, dhigh = g where that bound is the result
    """
    return np.clip(x, low, high)


_UNSET: Any = object()


@composed(np.clip)
def clip(x: Any, a_min: Any = None, a_max: Any = None, *, min: Any = _UNSET, max: Any = _UNSET) -> Any:  # noqa: A002
    """x, held between two bounds (None: no bound); at a bound the gradient passes.

    >>> clip(np.array([-1.0, 0.5, 2.0]), 0.0, 1.0)
    array([0. , 0.5, 1. ])
    """
    return _clip(x, a_min if min is _UNSET else min, a_max if max is _UNSET else max)


@primitive(x=lambda g, out: g * (out > 0).astype(g.dtype))
def relu(x: Any) -> Any:
    """Rectified linear unit.

    out = max(x, 0)
    dx  = g where x > 0, else 0

    >>> relu(np.array([-1.0, 2.0]))
    array([0., 2.])
    """
    return np.maximum(x, 0)


@primitive(np.nan_to_num, x=lambda g, x: g * np.isfinite(x).astype(g.dtype))
def nan_to_num(x: Any, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """NaN and infinities replaced by numbers.

    out = x where it is finite
    dx  = g where x is finite, else 0

    >>> nan_to_num(np.array([1.0, np.nan]))
    array([1., 0.])
    """
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)
