"""Exponentials, logarithms and the sigmoid."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..primitive import primitive

__all__ = [
    "exp",
    "exp2",
    "expm1",
    "log",
    "log2",
    "log10",
    "log1p",
    "logaddexp",
    "logaddexp2",
    "expit",
    "log_expit",
    "logit",
    "xlogy",
]


def _share(x: Any, y: Any) -> Any:
    """e^x / (e^x + e^y), 0 where both are -inf."""
    return expit(x - np.where(np.isneginf(x) & np.isneginf(y), np.inf, y))


def _share2(x: Any, y: Any) -> Any:
    """2^x / (2^x + 2^y)."""
    return _share(x * np.log(2), y * np.log(2))


@primitive(np.exp, x=lambda g, out: g * out)
def exp(x: Any) -> Any:
    """Exponential.

    out = e^x
    dx  = g out

    >>> grad(exp)(0.0)
    np.float64(1.0)
    """
    return np.exp(x)


@primitive(np.exp2, x=lambda g, out: g * out * np.log(2))
def exp2(x: Any) -> Any:
    """Power of two.

    out = 2^x
    dx  = g out log(2)

    >>> exp2(3.0)
    np.float64(8.0)
    """
    return np.exp2(x)


@primitive(np.expm1, x=lambda g, out: g * (out + 1))
def expm1(x: Any) -> Any:
    """e^x - 1, exact for small x.

    out = e^x - 1
    dx  = g (out + 1)

    >>> expm1(1e-10)
    np.float64(1.00000000005e-10)
    """
    return np.expm1(x)


@primitive(np.log, x=lambda g, x: g / x)
def log(x: Any) -> Any:
    """Natural logarithm.

    out = log(x)
    dx  = g / x             (0 at x = 0 where no gradient arrives)

    >>> grad(log)(4.0)
    np.float64(0.25)
    """
    return np.log(x)


@primitive(np.log2, x=lambda g, x: g / (x * np.log(2)))
def log2(x: Any) -> Any:
    """Logarithm to base 2.

    out = log2(x)
    dx  = g / (x log 2)

    >>> log2(8.0)
    np.float64(3.0)
    """
    return np.log2(x)


@primitive(np.log10, x=lambda g, x: g / (x * np.log(10)))
def log10(x: Any) -> Any:
    """Logarithm to base 10.

    out = log10(x)
    dx  = g / (x log 10)

    >>> log10(1000.0)
    np.float64(3.0)
    """
    return np.log10(x)


@primitive(np.log1p, x=lambda g, x: g / (1 + x))
def log1p(x: Any) -> Any:
    """log(1 + x), exact for small x.

    out = log(1 + x)
    dx  = g / (1 + x)

    >>> log1p(1e-10)
    np.float64(9.999999999500001e-11)
    """
    return np.log1p(x)


@primitive(np.logaddexp, x=lambda g, x, y: g * _share(x, y), y=lambda g, x, y: g * _share(y, x))
def logaddexp(x: Any, y: Any) -> Any:
    """log(e^x + e^y) without overflow.

    out = log(e^x + e^y)
    dx  = g e^(x - out)
    dy  = g e^(y - out)     (0 where both are -inf)

    >>> logaddexp(1000.0, 1000.0)
    np.float64(1000.6931471805599)
    """
    return np.logaddexp(x, y)


@primitive(np.logaddexp2, x=lambda g, x, y: g * _share2(x, y), y=lambda g, x, y: g * _share2(y, x))
def logaddexp2(x: Any, y: Any) -> Any:
    """log2(2^x + 2^y) without overflow.

    out = log2(2^x + 2^y)
    dx  = g 2^(x - out)
    dy  = g 2^(y - out)

    >>> logaddexp2(3.0, 3.0)
    np.float64(4.0)
    """
    return np.logaddexp2(x, y)


@primitive("scipy.special.expit", x=lambda g, out: g * out * (1 - out))
def expit(x: Any) -> Any:
    """Logistic sigmoid, without overflow (scipy.special.expit).

    out = 1 / (1 + e^-x)
    dx  = g out (1 - out)

    >>> expit(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    with np.errstate(over="ignore"):  # e^-x = inf gives the right 0
        return 1 / (1 + np.exp(-x))


@primitive("scipy.special.log_expit", x=lambda g, x: g * expit(-x))
def log_expit(x: Any) -> Any:
    """Logarithm of the sigmoid, without overflow (scipy.special.log_expit).

    out = log(1 / (1 + e^-x))
    dx  = g expit(-x)

    >>> log_expit(-1000.0)
    np.float64(-1000.0)
    """
    return -np.logaddexp(0, -x)


@primitive("scipy.special.logit", x=lambda g, x: g / (x * (1 - x)))
def logit(x: Any) -> Any:
    """Inverse of the sigmoid (scipy.special.logit).

    out = log(x / (1 - x))
    dx  = g / (x (1 - x))

    >>> logit(0.5)
    np.float64(0.0)
    """
    return np.log(x) - np.log1p(-x)


@primitive(
    "scipy.special.xlogy",
    x=lambda g, x, y: g * np.log(y + ((x == 0) & (y == 0))),
    y=lambda g, x, y: g * x / np.where((x == 0) & (y == 0), 1, y),
)
def xlogy(x: Any, y: Any) -> Any:
    """x log(y), 0 where x = 0 and y is a number (scipy.special.xlogy).

    out = x log(y)
    dx  = g log(y)
    dy  = g x / y

    >>> xlogy(0.0, 0.0)
    array(0.)
    """
    nothing = (x == 0) & (y == y)  # noqa: PLR0124  (0 for any number y, also a negative one)
    return np.where(nothing, 0.0, x * np.log(np.where(nothing, 1.0, y)))
