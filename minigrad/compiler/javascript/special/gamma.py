"""The gamma function and its kin: Stirling's series for large arguments, to which small ones are moved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .simple import cospi, sinpi
from .wide import holds, polynomial, wide

__all__ = ["GAMMA", "log_gamma"]

#: log gamma(z) - (z - 1/2) log z + z - log(2 pi) / 2, times z, in 1 / z^2
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400)
#: log z - 1 / (2 z) - psi(z), times z^2, in 1 / z^2
_OF_PSI = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12)
#: Bernoulli's numbers over factorials, B_2k / (2 k)!
_BERNOULLI = (
    1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000, 1 / 74724249600,
    -3617 / 10670622842880000,
)  # fmt: skip
#: Arguments are moved until they are so large.
LARGE = 10


def _pole(x: Any) -> Any:
    return (x <= 0) & (np.floor(x) == x)


def _positive_log_gamma(x: Any) -> Any:
    small = x < LARGE
    inside = np.where(small, x, 1.0)
    product = inside
    for k in range(1, LARGE):
        product = product * (inside + float(k))
    z = np.where(small, x + float(LARGE), x)
    whole = (z - 0.5) * np.log(z) - z + 0.5 * np.log(2 * np.pi) + polynomial(1.0 / (z * z), _STIRLING) / z
    return np.where(x == np.inf, np.inf, np.where(small, whole - np.log(product), whole))


def log_gamma(x: Any) -> Any:
    """log |gamma(x)|, of negative x by reflection."""
    positive = x > 0
    there = _positive_log_gamma(np.where(positive, x, 1.0 - x))
    return np.where(positive, there, np.where(np.isinf(x), np.inf, np.log(np.pi / np.abs(sinpi(x))) - there))


def _sign(x: Any) -> Any:
    """The sign of gamma(x)."""
    return np.where(x < 0, 1.0 - 2.0 * np.remainder(np.floor(x), 2.0), np.copysign(1.0, x))


@wide
def gamma(x: Any) -> Any:
    value = _sign(x) * np.exp(log_gamma(x))
    return np.where(_pole(x), np.where(x == 0, np.copysign(np.inf, x), np.nan), value)


@wide
def rgamma(x: Any) -> Any:
    return np.where(_pole(x), 0.0, _sign(x) * np.exp(-log_gamma(x)))


@wide
def gammasgn(x: Any) -> Any:
    return np.where((x < 0) & (np.floor(x) == x), np.nan, _sign(x))


@wide
def loggamma(x: Any) -> Any:
    return np.where(x < 0, np.nan, log_gamma(x))


@wide
def psi(x: Any) -> Any:
    """The derivative of log gamma."""
    positive = x > 0
    y = np.where(positive, x, 1.0 - x)
    small = y < LARGE
    inside, moved = np.where(small, y, 1.0), y * 0.0
    for k in range(LARGE):
        moved = moved + 1.0 / (inside + float(k))
    z = np.where(small, y + float(LARGE), y)
    whole = np.log(z) - 0.5 / z - polynomial(1.0 / (z * z), _OF_PSI) / (z * z)
    there = np.where(small, whole - moved, whole)
    reflected = np.where(x == 0, np.copysign(np.inf, -x), np.where(_pole(x), np.nan, there - np.pi * cospi(x) / sinpi(x)))
    return np.where(positive, there, reflected)


@wide
def zeta(x: Any, q: Any = 1.0) -> Any:
    """The sum of (q + k)^-x over all k, by the first terms and Euler and Maclaurin's formula for the rest."""
    holds(x, (x > 1) & (x < 60))
    holds(q, q > 0)
    total = x * 0.0
    for k in range(LARGE):
        total = total + np.power(q + float(k), -x)
    w = q + float(LARGE)
    last = np.power(w, -x)
    total = total + last * w / (x - 1.0) + 0.5 * last
    factor = x * last / w
    for k, number in enumerate(_BERNOULLI):
        total = total + number * factor
        factor = factor * (x + (2.0 * k + 1.0)) * (x + (2.0 * k + 2.0)) / (w * w)
    return total


def _of_two(a: Any, b: Any) -> Any:
    for x in (a, b):
        holds(x, (x > 0) & (x < 1e6))
    return log_gamma(a) + log_gamma(b) - log_gamma(a + b)


@wide
def poch(z: Any, m: Any) -> Any:
    holds(z, (z > 0) & (z < 1e6))
    holds(m, z + m > 0)
    return np.exp(log_gamma(z + m) - log_gamma(z))


@wide
def binom(n: Any, k: Any) -> Any:
    holds(n, (n >= 0) & (n < 1e6))
    holds(k, (k >= 0) & (k <= n))
    return np.exp(log_gamma(n + 1.0) - log_gamma(k + 1.0) - log_gamma(n - k + 1.0))


GAMMA: dict[str, Callable[..., Any]] = {
    "gamma": gamma, "rgamma": rgamma, "gammaln": wide(log_gamma), "gammasgn": gammasgn, "loggamma": loggamma, "psi": psi,
    "digamma": psi, "zeta": zeta, "_zeta": zeta, "betaln": wide(_of_two),
    "beta": wide(lambda a, b: np.exp(_of_two(a, b))), "poch": poch, "binom": binom,
}  # fmt: skip
