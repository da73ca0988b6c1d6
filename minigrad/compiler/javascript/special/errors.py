"""The error function's kin: normal distributions, inverses, imaginary arguments."""

from __future__ import annotations

import math
from collections.abc import Callable
from math import pi, sqrt
from typing import Any

import numpy as np

from ....backend import call_scipy
from .wide import holds, nodes_from, polynomial, wide

__all__ = ["ERRORS", "exp1_of"]

_SLOPE = 2 / sqrt(pi)  # of erf at 0


def _erf(x: Any, complement: bool = False) -> Any:
    """erf and erfc are operations of loops: the program has the call of the traced function."""
    return call_scipy("special", "erfc" if complement else "erf", x)


@wide
def ndtr(x: Any) -> Any:
    return 0.5 * _erf(x * -sqrt(0.5), True)


@wide
def log_ndtr(x: Any) -> Any:
    holds(x, x > -35)
    return np.where(x > 0, np.log1p(-0.5 * _erf(x * sqrt(0.5), True)), np.log(0.5 * _erf(x * -sqrt(0.5), True)))


@wide
def erfcx(x: Any) -> Any:
    """exp(x^2) erfc(x), of large x by its asymptotic series."""
    t = 1.0 / (x * x)
    far = polynomial(t, (1.0, -0.5, 0.75, -1.875, 6.5625, -29.53125)) / (x * sqrt(pi))
    return np.where(x > 25, far, np.exp(x * x) * _erf(x, True))


def _dawson(x: Any) -> Any:
    """exp(-x^2) times the integral of exp(t^2): Rybicki's sum, of large x the asymptotic series."""
    step = 0.25
    n = np.arange(1, 2 * 66, 2)
    y = np.expand_dims(np.where(np.abs(x) < 10, x, 0.0), -1)
    up, down = y - n * step, y + n * step
    near = np.sum((np.exp(-up * up) - np.exp(-down * down)) / n, axis=-1) / sqrt(pi)
    coefficients = [1.0]
    for k in range(1, 14):
        coefficients.append(coefficients[-1] * (2 * k - 1) / 2)
    return np.where(np.abs(x) < 10, near, polynomial(1.0 / (x * x), coefficients) / (2.0 * x))


@wide
def erfi(x: Any) -> Any:
    return np.exp(x * x) * _dawson(x) * _SLOPE


def _erfcinv(y: Any) -> Any:
    """A guess, and steps of Halley's."""
    low = np.where(y > 1, 2.0 - y, y)
    t = np.sqrt(-2.0 * np.log(0.5 * low))
    x = -sqrt(0.5) * ((2.30753 + t * 0.27061) / (1.0 + t * (0.99229 + t * 0.04481)) - t)
    for _ in range(3):
        off = _erf(x, True) - low
        x = x + off / (_SLOPE * np.exp(-x * x) - x * off)
    x = np.where(low == 0, np.inf, x)
    return np.where(y > 1, -x, x)


def _erfinv(y: Any) -> Any:
    """Near 0 by steps of Halley's, else that of erfc."""
    inside = np.where(np.abs(y) < 0.5, y, 0.0)
    x = inside * (1 / _SLOPE) * (1.0 + inside * inside * (pi / 12))
    for _ in range(3):
        off = _erf(x) - inside
        x = x - off / (_SLOPE * np.exp(-x * x) + x * off)
    return np.where(np.abs(y) < 0.5, x, np.copysign(_erfcinv(1.0 - np.abs(y)), y))


@wide
def ndtri_exp(y: Any) -> Any:
    """The inverse of log_ndtr."""
    holds(y, y > -300)
    return -sqrt(2.0) * np.where(y > -0.5, -_erfcinv(-2.0 * np.expm1(np.maximum(y, -0.5))), _erfcinv(2.0 * np.exp(y)))


@wide
def exp1(x: Any) -> Any:
    """The integral of exp(-t) / t from x on: a series for small x, for large x an integral that is smooth."""
    holds(x, x > 0)
    return exp1_of(x)


def exp1_of(x: Any) -> Any:
    small = x < 2
    inside, large = np.where(small, x, 1.0), np.where(small, 2.0, x)
    terms = [0.0]
    for k in range(1, 28):
        terms.append(-((-1.0) ** k) / (k * math.factorial(k)))
    places, weights = nodes_from(0.0, 4.0, 14.0, 40.0)
    far = np.exp(-large) * np.sum(np.exp(-places) * weights / (np.expand_dims(large, -1) + places), axis=-1)
    return np.where(small, -np.euler_gamma - np.log(inside) + polynomial(inside, terms), far)


@wide
def expi(x: Any) -> Any:
    """Of positive x a sum of positive terms."""
    holds(x, x <= 40)
    positive = x > 0
    y = np.expand_dims(np.where(positive, x, 1.0), -1)
    k = np.arange(1.0, 150.0)
    series = np.sum(np.cumprod(y / k, axis=-1) / k, axis=-1)
    there = np.euler_gamma + np.log(np.where(positive, x, 1.0)) + series
    return np.where(positive, there, np.where(x == 0, -np.inf, -exp1_of(np.where(x < 0, -x, 1.0))))


@wide
def wrightomega(x: Any) -> Any:
    """w with w + log w = x: steps of Newton's for log w."""
    y = np.where(x < 1, x, np.log(np.maximum(x, 1.0)))
    for _ in range(8):
        w = np.exp(y)
        y = y - (w + y - x) / (w + 1.0)
    return np.exp(y)


@wide
def owens_t(h: Any, a: Any) -> Any:
    """1 / (2 pi) times the integral of exp(-h^2 (1 + t^2) / 2) / (1 + t^2) from 0 to a."""
    for v in (h, a):
        holds(v, np.abs(v) <= 10)
    places, weights = nodes_from(0.0, 0.05, 0.2, 0.5, 1.0)
    t = np.expand_dims(a, -1) * places
    square = np.expand_dims(-0.5 * h * h, -1)
    return a / (2 * pi) * np.sum(np.exp(square * (1.0 + t * t)) / (1.0 + t * t) * weights, axis=-1)


ERRORS: dict[str, Callable[..., Any]] = {
    "ndtr": ndtr, "log_ndtr": log_ndtr, "erfcx": erfcx, "dawsn": wide(_dawson), "erfi": erfi, "erfcinv": wide(_erfcinv),
    "erfinv": wide(_erfinv), "ndtri": wide(lambda p: -sqrt(2.0) * _erfcinv(2.0 * p)), "ndtri_exp": ndtri_exp, "exp1": exp1,
    "expi": expi, "wrightomega": wrightomega, "owens_t": owens_t,
}  # fmt: skip
