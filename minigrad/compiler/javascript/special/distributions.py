"""Incomplete gamma and beta functions, and the distributions that are these."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .errors import exp1_of
from .gamma import log_gamma
from .wide import holds, nodes_from, wide

__all__ = ["DISTRIBUTIONS"]

_NODES = nodes_from(0.0, 4.0, 14.0, 40.0, 100.0, 250.0)


def _gammas(a: Any, x: Any) -> tuple[Any, Any]:
    """P(a, x) and Q(a, x): of small x a sum of positive terms, of large x an integral of what decreases."""
    holds(a, (a > 0) & (a <= 20))
    holds(x, (x >= 0) & (x <= 100))
    small = x < a + 1.0
    low, high = np.where(small, x, 1.0), np.where(small, a + 1.0, x)
    k, (p, y) = np.arange(1.0, 120.0), (np.expand_dims(v, -1) for v in (a, low))
    series = 1.0 + np.sum(np.cumprod(y / (p + k), axis=-1), axis=-1)
    below = np.exp(a * np.log(low) - low - log_gamma(a + 1.0)) * series
    places, weights = _NODES
    inside = np.exp((np.expand_dims(a, -1) - 1.0) * np.log1p(places / np.expand_dims(high, -1)) - places)
    above = np.exp((a - 1.0) * np.log(high) - high - log_gamma(a)) * np.sum(inside * weights, axis=-1)
    return np.where(small, below, 1.0 - above), np.where(small, 1.0 - below, above)


def _beta(a: Any, b: Any, x: Any) -> Any:
    """I_x(a, b) as a sum of positive terms, of large x from that of 1 - x."""
    for v in (a, b):
        holds(v, (v > 0) & (v <= 40))
    holds(x, (x >= 0) & (x <= 1))
    turned = x > (a + 1.0) / (a + b + 2.0)
    p, q, y = np.where(turned, b, a), np.where(turned, a, b), np.where(turned, 1.0 - x, x)
    front = np.exp(p * np.log(y) + q * np.log1p(-y) + log_gamma(p + q) - log_gamma(p + 1.0) - log_gamma(q))
    k, (s, t, z) = np.arange(1.0, 500.0), (np.expand_dims(v, -1) for v in (p, q, y))
    value = front * (1.0 + np.sum(np.cumprod((s + t + (k - 1.0)) * z / (s + k), axis=-1), axis=-1))
    return np.where(turned, 1.0 - value, value)


@wide
def expn(n: Any, x: Any) -> Any:
    """The integral of exp(-x t) / t^n from 1 on: from that of n = 1 for small x, else an integral that is smooth."""
    holds(n, (n >= 0) & (n <= 8) & (np.rint(n) == n))
    holds(x, x > 0)
    small = x < 1
    low, high = np.where(small, x, 0.5), np.where(small, 1.0, x)
    one = exp1_of(low)
    near = np.where(n == 0, np.exp(-low) / low, one)
    for k in range(1, 8):
        one = (np.exp(-low) - low * one) / float(k)
        near = np.where(n == k + 1, one, near)
    places, weights = nodes_from(0.0, 0.5, 2.0, 6.0, 16.0, 40.0)
    inside = np.exp(-places - np.expand_dims(n, -1) * np.log1p(places / np.expand_dims(high, -1)))
    return np.where(small, near, np.exp(-high) / high * np.sum(inside * weights, axis=-1))


DISTRIBUTIONS: dict[str, Callable[..., Any]] = {
    "gammainc": wide(lambda a, x: _gammas(a, x)[0]), "gammaincc": wide(lambda a, x: _gammas(a, x)[1]),
    "betainc": wide(_beta), "betaincc": wide(lambda a, b, x: _beta(b, a, 1.0 - x)), "expn": expn,
    "pdtr": wide(lambda k, m: _gammas(np.floor(k) + 1.0, m)[1]), "pdtrc": wide(lambda k, m: _gammas(np.floor(k) + 1.0, m)[0]),
    "bdtr": wide(lambda k, n, p: _beta(n - np.floor(k), np.floor(k) + 1.0, 1.0 - p)),
    "bdtrc": wide(lambda k, n, p: _beta(np.floor(k) + 1.0, n - np.floor(k), p)),
    "nbdtr": wide(lambda k, n, p: _beta(n, k + 1.0, p)), "nbdtrc": wide(lambda k, n, p: _beta(k + 1.0, n, 1.0 - p)),
}  # fmt: skip
