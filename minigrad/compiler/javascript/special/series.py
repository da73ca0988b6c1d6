"""Functions that are sums of powers: hypergeometric ones, polynomials of a family, elliptic integrals, the dilogarithm."""

from __future__ import annotations

from collections.abc import Callable
from math import pi
from typing import Any

import numpy as np

from .gamma import log_gamma
from .wide import holds, polynomial, wide

__all__ = ["SERIES"]


def _sum_of_products(ratio: Callable[[Any], Any], count: int) -> Any:
    """1 + r(0) + r(0) r(1) + ..."""
    return 1.0 + np.sum(np.cumprod(ratio(np.arange(float(count))), axis=-1), axis=-1)


def _apart(*given: Any) -> list[Any]:
    """With an axis for the terms."""
    return [np.expand_dims(x, -1) if hasattr(x, "dtype") else x for x in given]


def _bounded(x: Any, low: float, high: float) -> None:
    holds(x, (x >= low) & (x <= high))


@wide
def hyp1f1(a: Any, b: Any, x: Any) -> Any:
    """Of negative x by Kummer's transformation, so that no large terms cancel."""
    _bounded(a, -20, 20)
    _bounded(b, 0.1, 40)
    _bounded(x, -20, 20)
    first = np.where(x < 0, b - a, a + x * 0.0)
    holds(x, (first >= 0) | (np.abs(x) <= 1))
    p, q, y = _apart(first, b, np.abs(x))
    series = _sum_of_products(lambda k: (p + k) * y / ((q + k) * (k + 1.0)), 120)
    return np.where(x < 0, np.exp(x), 1.0) * series


@wide
def hyp0f1(b: Any, x: Any) -> Any:
    _bounded(b, 0.1, 40)
    _bounded(x, -5, 400)
    q, y = _apart(b, x)
    return _sum_of_products(lambda k: y / ((q + k) * (k + 1.0)), 80)


@wide
def hyp2f1(a: Any, b: Any, c: Any, x: Any) -> Any:
    """Of negative x by Pfaff's transformation."""
    for v in (a, b):
        _bounded(v, -10, 10)
    _bounded(c, 0.1, 20)
    _bounded(x, -4, 0.8)
    other = np.where(x < 0, c - b, b + x * 0.0)
    holds(x, ((other >= 0) & (a >= 0)) | (np.abs(x) <= 0.2))
    p, q, r, y = _apart(a, other, c, np.where(x < 0, x / (x - 1.0), x))
    series = _sum_of_products(lambda k: (p + k) * (q + k) * y / ((r + k) * (k + 1.0)), 500)
    return np.where(x < 0, np.power(1.0 - x, -a), 1.0) * series


# ------------------------------------------------------------------------------ elliptic integrals


def _means(m: Any, root: Any) -> tuple[Any, Any]:
    """The arithmetic-geometric mean of 1 and a root, and the sum of 2^(n - 1) c_n^2 on the way to it."""
    a, b, total, factor = root * 0.0 + 1.0, root, 0.5 * m, 0.5
    for _ in range(14):
        c = 0.5 * (a - b)
        a, b = 0.5 * (a + b), np.sqrt(a * b)
        factor *= 2
        total = total + factor * c * c
    return a, total


@wide
def ellipk(m: Any) -> Any:
    return np.where(m == 1, np.inf, pi / (2.0 * _means(m, np.sqrt(1.0 - m))[0]))


@wide
def ellipkm1(p: Any) -> Any:
    return np.where(p == 0, np.inf, pi / (2.0 * _means(1.0 - p, np.sqrt(p))[0]))


@wide
def ellipe(m: Any) -> Any:
    mean, total = _means(m, np.sqrt(1.0 - m))
    return np.where(m == 1, 1.0, pi / (2.0 * mean) * (1.0 - total))


@wide
def spence(z: Any) -> Any:
    """The dilogarithm of 1 - z: by a series near 1, to which others are moved."""
    far, inside = z > 1.5, np.where(z > 1.5, 1.0 / z, z)
    low = inside < 0.5
    w = 1.0 - np.where(low, 1.0 - inside, inside)
    near = w * polynomial(w, [1 / (k + 1) ** 2 for k in range(56)])
    moved = np.where(inside == 0, pi * pi / 6, pi * pi / 6 - np.log(inside) * np.log(1.0 - inside) - near)
    there = np.where(low, moved, near)
    return np.where(z < 0, np.nan, np.where(far, -there - 0.5 * np.log(z) * np.log(z), there))


# ------------------------------------------------------------------------------ polynomials of degree n


def _degree(n: Any) -> None:
    holds(n, (n >= 0) & (n <= 6) & (np.rint(n) == n))


def _ended(n: Any, ratio: Callable[[Any, Any], Any]) -> Any:
    """The terms up to that of degree n, after which a factor is 0."""
    (own,) = _apart(n)
    return _sum_of_products(lambda k: ratio(k, k - own), 7)


@wide
def eval_jacobi(n: Any, alpha: Any, beta: Any, x: Any) -> Any:
    _degree(n)
    for v in (alpha, beta):
        _bounded(v, -0.9, 4)
    m, a, b, y = _apart(n, alpha, beta, 0.5 - 0.5 * x)
    front = np.exp(log_gamma(n + alpha + 1.0) - log_gamma(n + 1.0) - log_gamma(alpha + 1.0))
    return front * _ended(n, lambda k, less: less * (m + a + b + 1.0 + k) * y / ((a + 1.0 + k) * (k + 1.0)))


@wide
def eval_gegenbauer(n: Any, alpha: Any, x: Any) -> Any:
    _degree(n)
    _bounded(alpha, 0.1, 10)
    m, a, y = _apart(n, alpha, 0.5 - 0.5 * x)
    front = np.exp(log_gamma(n + 2.0 * alpha) - log_gamma(n + 1.0) - log_gamma(2.0 * alpha))
    return front * _ended(n, lambda k, less: less * (m + 2.0 * a + k) * y / ((a + 0.5 + k) * (k + 1.0)))


@wide
def eval_chebyt(n: Any, x: Any) -> Any:
    _degree(n)
    m, y = _apart(n, 0.5 - 0.5 * x)
    return _ended(n, lambda k, less: less * (m + k) * y / ((0.5 + k) * (k + 1.0)))


@wide
def eval_chebyu(n: Any, x: Any) -> Any:
    _degree(n)
    m, y = _apart(n, 0.5 - 0.5 * x)
    return (n + 1.0) * _ended(n, lambda k, less: less * (m + 2.0 + k) * y / ((1.5 + k) * (k + 1.0)))


@wide
def eval_legendre(n: Any, x: Any) -> Any:
    _degree(n)
    m, y = _apart(n, 0.5 - 0.5 * x)
    return _ended(n, lambda k, less: less * (m + 1.0 + k) * y / ((1.0 + k) * (k + 1.0)))


@wide
def eval_genlaguerre(n: Any, alpha: Any, x: Any) -> Any:
    _degree(n)
    _bounded(alpha, -0.9, 10)
    a, y = _apart(alpha, x)
    front = np.exp(log_gamma(n + alpha + 1.0) - log_gamma(n + 1.0) - log_gamma(alpha + 1.0))
    return front * _ended(n, lambda k, less: less * y / ((a + 1.0 + k) * (k + 1.0)))


@wide
def eval_laguerre(n: Any, x: Any) -> Any:
    _degree(n)
    (y,) = _apart(x)
    return _ended(n, lambda k, less: less * y / ((k + 1.0) * (k + 1.0)))


@wide
def _hermite(n: Any, x: Any, scale: float) -> Any:
    """The sum of (-1)^m n! (2 x)^(n - 2 m) / (m! (n - 2 m)!); of the other kind with (-1/2)^m and x."""
    _degree(n)
    total = n * 0.0 + x * 0.0
    for m in range(4):
        left = np.maximum(n - 2.0 * m, 0.0)
        size = np.exp(log_gamma(n + 1.0) - log_gamma(m + 1.0 + n * 0.0) - log_gamma(left + 1.0))
        term = (-1.0 if scale == 2 else -0.5) ** m * size * np.power(scale * x, left)
        total = total + np.where(n >= 2 * m, term, 0.0)
    return total


SERIES: dict[str, Callable[..., Any]] = {
    "hyp1f1": hyp1f1, "hyp0f1": hyp0f1, "hyp2f1": hyp2f1, "ellipk": ellipk, "ellipkm1": ellipkm1, "ellipe": ellipe,
    "spence": spence, "eval_jacobi": eval_jacobi, "eval_gegenbauer": eval_gegenbauer, "eval_chebyt": eval_chebyt,
    "eval_chebyu": eval_chebyu, "eval_legendre": eval_legendre, "eval_genlaguerre": eval_genlaguerre,
    "eval_laguerre": eval_laguerre, "eval_hermite": lambda n, x: _hermite(n, x, 2.0),
    "eval_hermitenorm": lambda n, x: _hermite(n, x, 1.0),
}  # fmt: skip
