"""scipy.special: hypergeometric functions, and what they make smooth: elliptic integrals, (e^x - 1) / x, power transforms.

The derivative of a hypergeometric function is one with shifted parameters, so those that follow from them have
derivatives of every order, also where their usual formulas read 0 / 0.  SciPy computes the values.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays.batch import all_examples
from ..backend import call_scipy
from ..later import perhaps_any
from ..primitive import primitive

__all__ = [
    "boxcox", "boxcox1p", "ellipe", "ellipk", "ellipkm1", "exprel", "hyp0f1", "hyp1f1", "hyp2f1", "inv_boxcox",
    "inv_boxcox1p", "spence",
]  # fmt: skip


# ------------------------------------------------------------------ hypergeometric functions


@primitive("scipy.special.hyp0f1", method=False, z=lambda g, v, z: g * hyp0f1(v + 1, z) / v)
def hyp0f1(v: Any, z: Any) -> Any:
    """Confluent hypergeometric limit function; v is a constant.

    out = sum_k z^k / ((v)_k k!)
    dz  = g hyp0f1(v + 1, z) / v

    >>> hyp0f1(1.0, 0.0)
    np.float64(1.0)
    """
    return call_scipy("special", "hyp0f1", v, z)


@primitive("scipy.special.hyp1f1", method=False, x=lambda g, a, b, x: g * a / b * hyp1f1(a + 1, b + 1, x))
def hyp1f1(a: Any, b: Any, x: Any) -> Any:
    """Kummer's confluent hypergeometric function; a and b are constants.

    out = sum_k (a)_k x^k / ((b)_k k!)
    dx  = g a / b hyp1f1(a + 1, b + 1, x)

    >>> hyp1f1(1.0, 1.0, 1.0) == np.exp(1.0)
    np.True_
    """
    infinite = np.isinf(x)
    if not perhaps_any(all_examples(infinite)):
        return call_scipy("special", "hyp1f1", a, b, x)
    # SciPy's series does not end there.  These are the limits for finite a, b > 0.
    known = infinite & (a > 0) & (b > 0) & np.isfinite(a) & np.isfinite(b)
    limit = np.where(known, np.where(x > 0, np.inf, 0.0), np.nan)
    values = call_scipy("special", "hyp1f1", a, b, np.where(infinite, np.zeros_like(x), x))
    return np.where(infinite, limit.astype(values.dtype), values)


@primitive("scipy.special.hyp2f1", method=False, z=lambda g, a, b, c, z: g * a * b / c * hyp2f1(a + 1, b + 1, c + 1, z))
def hyp2f1(a: Any, b: Any, c: Any, z: Any) -> Any:
    """Gauss' hypergeometric function; a, b and c are constants.

    out = sum_k (a)_k (b)_k z^k / ((c)_k k!)
    dz  = g a b / c hyp2f1(a + 1, b + 1, c + 1, z)

    >>> hyp2f1(1.0, 1.0, 1.0, 0.5)                     # 1 / (1 - z)
    np.float64(2.0)
    """
    return call_scipy("special", "hyp2f1", a, b, c, z)


# ----------------------------------------------------------------------- elliptic integrals


@primitive("scipy.special.ellipk", method=False, m=lambda g, m: g * math.pi / 8 * hyp2f1(1.5, 1.5, 2.0, m))
def ellipk(m: Any) -> Any:
    """Complete elliptic integral of the first kind.

    out = integral_0^(pi/2) (1 - m sin^2 t)^(-1/2) dt
    dm  = g (E(m) - (1 - m) K(m)) / (2 m (1 - m)) = g pi / 8 hyp2f1(3/2, 3/2, 2, m)

    >>> ellipk(0.0) == np.pi / 2
    np.True_
    """
    return call_scipy("special", "ellipk", m)


def _ellipkm1(g: Any, p: Any, out: Any) -> Any:
    near = p > 0.5  # where 1 - p is small and exact
    q = np.where(near, 0.25, p)
    away = (ellipe(1 - q) - q * np.where(near, 0.0, out)) / (2 * q * (1 - q))
    return -g * np.where(near, math.pi / 8 * hyp2f1(1.5, 1.5, 2.0, 1 - np.where(near, p, 1.0)), away)


@primitive("scipy.special.ellipkm1", method=False, p=_ellipkm1)
def ellipkm1(p: Any) -> Any:
    """K(1 - p), exact where p is small: there it is log(4 / sqrt(p)).

    out = integral_0^(pi/2) (1 - (1 - p) sin^2 t)^(-1/2) dt = K(1 - p)
    dp = -g (E(1 - p) - p out) / (2 p (1 - p))

    >>> ellipkm1(1.0) == np.pi / 2
    np.True_
    """
    return call_scipy("special", "ellipkm1", p)


@primitive("scipy.special.ellipe", method=False, m=lambda g, m: -g * math.pi / 8 * hyp2f1(0.5, 1.5, 2.0, m))
def ellipe(m: Any) -> Any:
    """Complete elliptic integral of the second kind.

    out = integral_0^(pi/2) (1 - m sin^2 t)^(1/2) dt
    dm  = g (E(m) - K(m)) / (2 m) = -g pi / 8 hyp2f1(1/2, 3/2, 2, m)

    >>> ellipe(1.0)
    np.float64(1.0)
    """
    return call_scipy("special", "ellipe", m)


@primitive("scipy.special.spence", method=False, z=lambda g, z: -g * hyp2f1(1.0, 1.0, 2.0, 1 - z))
def spence(z: Any) -> Any:
    """Spence's function, the dilogarithm of 1 - z.

    out = integral_1^z log(t) / (1 - t) dt
    dz  = g log(z) / (1 - z) = -g hyp2f1(1, 1, 2, 1 - z)

    >>> spence(1.0)
    np.float64(0.0)
    """
    return call_scipy("special", "spence", z)


# ----------------------------------------------------------- (e^x - 1) / x, power transforms


@primitive("scipy.special.exprel", method=False, x=lambda g, x: g / 2 * hyp1f1(2.0, 3.0, x))
def exprel(x: Any) -> Any:
    """Relative exponential.

    out = (e^x - 1) / x             (1 at 0)
    dx  = g (e^x - out) / x = g / 2 hyp1f1(2, 3, x)

    >>> exprel(0.0)
    np.float64(1.0)
    """
    return call_scipy("special", "exprel", x)


def _by_lambda(log: Any, lmbda: Any) -> Any:
    """The slope of (e^(lambda L) - 1) / lambda, L the logarithm: L^2 / 2 1F1(2; 3; lambda L)."""
    return log * log / 2 * hyp1f1(2.0, 3.0, lmbda * log)


@primitive(
    "scipy.special.boxcox", method=False,
    x=lambda g, x, lmbda: g * x ** (lmbda - 1), lmbda=lambda g, x, lmbda: g * _by_lambda(np.log(x), lmbda),
)  # fmt: skip
def boxcox(x: Any, lmbda: Any) -> Any:
    """Box and Cox's transform.

    out    = (x^lmbda - 1) / lmbda     (log x where lmbda is 0)
    dx     = g x^(lmbda - 1)
    dlmbda = g (x^lmbda log(x) - out) / lmbda = g log(x)^2 / 2 hyp1f1(2, 3, lmbda log(x))

    >>> boxcox(3.0, 2.0).round(12), boxcox(1.0, 0.0)
    (np.float64(4.0), np.float64(0.0))
    """
    return call_scipy("special", "boxcox", x, lmbda)


@primitive(
    "scipy.special.boxcox1p", method=False,
    x=lambda g, x, lmbda: g * (1 + x) ** (lmbda - 1), lmbda=lambda g, x, lmbda: g * _by_lambda(np.log1p(x), lmbda),
)  # fmt: skip
def boxcox1p(x: Any, lmbda: Any) -> Any:
    """Box and Cox's transform of 1 + x.

    out    = ((1 + x)^lmbda - 1) / lmbda     (log(1 + x) where lmbda is 0)
    dx     = g (1 + x)^(lmbda - 1)
    dlmbda = g ((1 + x)^lmbda log(1 + x) - out) / lmbda

    >>> boxcox1p(0.0, 0.0)
    np.float64(0.0)
    """
    return call_scipy("special", "boxcox1p", x, lmbda)


@primitive(
    "scipy.special.inv_boxcox", method=False,
    x=lambda g, lmbda, out: g * out ** (1 - lmbda),
    lmbda=lambda g, lmbda, out: -g * out ** (1 - lmbda) * _by_lambda(np.log(out), lmbda),
)  # fmt: skip
def inv_boxcox(x: Any, lmbda: Any) -> Any:
    """What Box and Cox's transform makes x of.  Its rules follow from boxcox(out, lmbda) = x.

    out    = (1 + lmbda x)^(1 / lmbda)     (e^x where lmbda is 0)
    dx     = g out^(1 - lmbda)
    dlmbda = -g out^(1 - lmbda) (out^lmbda log(out) - x) / lmbda     (the slope of boxcox by lmbda)

    >>> inv_boxcox(4.0, 2.0).round(12)
    np.float64(3.0)
    """
    return call_scipy("special", "inv_boxcox", x, lmbda)


@primitive(
    "scipy.special.inv_boxcox1p", method=False,
    x=lambda g, lmbda, out: g * (1 + out) ** (1 - lmbda),
    lmbda=lambda g, lmbda, out: -g * (1 + out) ** (1 - lmbda) * _by_lambda(np.log1p(out), lmbda),
)  # fmt: skip
def inv_boxcox1p(x: Any, lmbda: Any) -> Any:
    """What Box and Cox's transform of 1 + out makes x of.

    out    = (1 + lmbda x)^(1 / lmbda) - 1     (e^x - 1 where lmbda is 0)
    dx     = g (1 + out)^(1 - lmbda)
    dlmbda = -g (1 + out)^(1 - lmbda) ((1 + out)^lmbda log(1 + out) - x) / lmbda     (the slope of boxcox1p by lmbda)

    >>> inv_boxcox1p(0.0, 0.0)
    np.float64(0.0)
    """
    return call_scipy("special", "inv_boxcox1p", x, lmbda)
