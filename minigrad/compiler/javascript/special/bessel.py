"""Bessel's functions as integrals, by Gauss and Legendre's rule: right to some 13 places for arguments of up to 40.

With A for an integral from 0 to pi, and B for one from 0 on,

    pi J_v(x) = A cos(v t - x sin t) - sin(v pi) B exp(-x sinh t - v t)
    pi Y_v(x) = A sin(x sin t - v t) - B (exp(v t) + exp(-v t) cos(v pi)) exp(-x sinh t)
    pi I_v(x) = A exp(x cos t) cos(v t) - sin(v pi) B exp(-x cosh t - v t)
    K_v(x) = B exp(-x cosh t) cosh(v t)
"""

from __future__ import annotations

from collections.abc import Callable
from math import pi
from typing import Any

import numpy as np

from .simple import cospi, sinpi
from .wide import holds, nodes_from, wide

__all__ = ["BESSEL"]

#: Places and weights on a half circle, and from 0 to where exp(-x sinh t) is 0.
_HALF = nodes_from(0.0, pi / 2, pi, count=48)
_FAR = nodes_from(0.0, 0.5, 1.5, 3.0, 5.0, 8.0)


def _integral(function: Callable[[Any], Any], nodes: tuple[np.ndarray, np.ndarray]) -> Any:
    places, weights = nodes
    return np.sum(function(places) * weights, axis=-1)


def _inside(v: Any, x: Any, least: float, most: float = 40.0) -> tuple[Any, Any]:
    """Order and argument with an axis for the places."""
    holds(x, (np.abs(x) <= most) & (x >= least))
    if hasattr(v, "dtype"):
        holds(v, (v > -1) & (v <= 8))
        holds(x, x >= 0.3 * v)  # else the result is so small that rounding shows
        v = np.expand_dims(v, -1)
    return v, np.expand_dims(x, -1)


def _tail(v: Any) -> bool:
    """Whether an order may be no whole number."""
    return hasattr(v, "dtype") or v != int(v)


def _j(v: Any, x: Any) -> Any:
    a, y = _inside(v, x, 0.05 if _tail(v) else -40.0)
    value = _integral(lambda t: np.cos(a * t - y * np.sin(t)), _HALF) / pi
    return value - sinpi(v) / pi * _integral(lambda t: np.exp(-y * np.sinh(t) - a * t), _FAR) if _tail(v) else value


def _y(v: Any, x: Any) -> Any:
    a, z = _inside(v, x, 0.05)
    turned = cospi(a) if hasattr(v, "dtype") else float(cospi(np.float64(v)))
    near = _integral(lambda t: np.sin(z * np.sin(t) - a * t), _HALF)
    far = _integral(lambda t: np.exp(a * t - z * np.sinh(t)) + np.exp(-a * t - z * np.sinh(t)) * turned, _FAR)
    return (near - far) / pi


def _i(v: Any, x: Any, scaled: bool) -> Any:
    a, y = _inside(v, x, 0.05 if _tail(v) else -40.0)
    away = np.abs(y)
    value = _integral(lambda t: np.exp(y * np.cos(t) - away) * np.cos(a * t), _HALF) / pi
    if _tail(v):
        value = value - sinpi(v) / pi * _integral(lambda t: np.exp(-y * np.cosh(t) - a * t - away), _FAR)
    return value if scaled else value * np.exp(np.abs(x))


def _k(v: Any, x: Any, scaled: bool) -> Any:
    a, y = _inside(v, x, 0.05)
    value = _integral(lambda t: np.exp(-y * (np.cosh(t) - 1.0)) * np.cosh(a * t), _FAR)
    return value if scaled else value * np.exp(-x)


def _of(function: Callable[..., Any], order: float, *more: bool) -> Callable[..., Any]:
    return wide(lambda x: function(order, x, *more))


BESSEL: dict[str, Callable[..., Any]] = {
    "j0": _of(_j, 0.0), "j1": _of(_j, 1.0), "jv": wide(_j), "jn": wide(_j), "y0": _of(_y, 0.0), "y1": _of(_y, 1.0),
    "yv": wide(_y), "yn": wide(_y), "i0": _of(_i, 0.0, False), "i1": _of(_i, 1.0, False), "i0e": _of(_i, 0.0, True),
    "i1e": _of(_i, 1.0, True), "iv": wide(lambda v, x: _i(v, x, False)), "ive": wide(lambda v, x: _i(v, x, True)),
    "k0": _of(_k, 0.0, False), "k1": _of(_k, 1.0, False), "k0e": _of(_k, 0.0, True), "k1e": _of(_k, 1.0, True),
    "kv": wide(lambda v, x: _k(v, x, False)), "kn": wide(lambda v, x: _k(v, x, False)), "kve": wide(lambda v, x: _k(v, x, True)),
}  # fmt: skip
