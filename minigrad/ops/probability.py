"""scipy.special: distribution functions under the names of the Cephes library, and the combinatorics beside them.

Most are incomplete gamma and beta functions in other words, and are made of these: see `gamma`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..backend import beside, call_scipy
from ..primitive import composed, primitive
from .gamma import betainc, betaincc, betaincinv, gammainc, gammaincc, gammainccinv, psi
from .special import erf

__all__ = [
    "bdtr", "bdtrc", "binom", "chdtr", "chdtrc", "chdtri", "fdtr", "fdtrc", "fdtri", "gdtr", "gdtrc", "loggamma",
    "nbdtr", "nbdtrc", "ndtri_exp", "owens_t", "pdtr", "pdtrc", "poch",
]  # fmt: skip

_ROOT_2PI = math.sqrt(2 * math.pi)


# ----------------------------------------------------------------------- relatives of gamma


@primitive("scipy.special.loggamma", method=False, z=lambda g, z: g * psi(z))
def loggamma(z: Any) -> Any:
    """Logarithm of the gamma function, on its principal branch for complex z; NaN for negative real z.

    out = log gamma(z)
    dz  = g psi(z)                                     (of real z to every order, of complex z once)

    >>> loggamma(3.0) == np.log(2)
    np.True_
    """
    return call_scipy("special", "loggamma", z)


@primitive(
    "scipy.special.poch", method=False,
    z=lambda g, z, m, out: g * out * (psi(z + m) - psi(z)), m=lambda g, z, m, out: g * out * psi(z + m),
)  # fmt: skip
def poch(z: Any, m: Any) -> Any:
    """Pochhammer's symbol, the rising factorial.

    out = gamma(z + m) / gamma(z)
    dz  = g out (psi(z + m) - psi(z))
    dm  = g out psi(z + m)

    >>> poch(2.0, 2.0)
    np.float64(6.0)
    """
    return call_scipy("special", "poch", z, m)


@primitive(
    "scipy.special.binom", method=False,
    x=lambda g, x, y, out: g * out * (psi(x + 1) - psi(x - y + 1)),
    y=lambda g, x, y, out: g * out * (psi(x - y + 1) - psi(y + 1)),
)  # fmt: skip
def binom(x: Any, y: Any) -> Any:
    """Binomial coefficient, continued to real numbers.

    out = gamma(x + 1) / (gamma(y + 1) gamma(x - y + 1))
    dx  = g out (psi(x + 1) - psi(x - y + 1))
    dy  = g out (psi(x - y + 1) - psi(y + 1))

    >>> binom(4.0, 2.0)
    np.float64(6.0)
    """
    return call_scipy("special", "binom", x, y)


# ---------------------------------------------------------------------- normal distributions


def _owens_t_h(g: Any, h: Any, a: Any) -> Any:
    return -g * np.exp(-h * h / 2) / (2 * _ROOT_2PI) * erf(a * h / math.sqrt(2))


def _owens_t_a(g: Any, h: Any, a: Any) -> Any:
    return g * np.exp(-h * h * (1 + a * a) / 2) / (2 * math.pi * (1 + a * a))


@primitive("scipy.special.owens_t", method=False, h=_owens_t_h, a=_owens_t_a)
def owens_t(h: Any, a: Any) -> Any:
    """Owen's T, the probability of X > h and 0 < Y < a X for two standard normal variables.

    dh = -g e^(-h^2 / 2) erf(a h / sqrt(2)) / (2 sqrt(2 pi))
    da = g e^(-h^2 (1 + a^2) / 2) / (2 pi (1 + a^2))

    >>> owens_t(0.0, 1.0)                              # arctan(a) / (2 pi)
    np.float64(0.125)
    """
    return call_scipy("special", "owens_t", h, a)


@primitive("scipy.special.ndtri_exp", method=False, y=lambda g, y, out: g * _ROOT_2PI * np.exp(y + out * out / 2))
def ndtri_exp(y: Any) -> Any:
    """Quantile of the standard normal for a probability given by its logarithm.

    log_ndtr(out) = y
    dy = g sqrt(2 pi) e^(y + out^2 / 2)

    >>> ndtri_exp(np.log(0.5)).round(12) + 0.0
    np.float64(0.0)
    """
    return call_scipy("special", "ndtri_exp", y)


# ------------------------------------------------------- chi-square, gamma, F, and counts


@composed("scipy.special.chdtr", method=False)
def chdtr(v: Any, x: Any) -> Any:
    """Distribution function of chi-square with v degrees of freedom: P(v / 2, x / 2).

    >>> chdtr(2.0, 2.0) == -np.expm1(-1.0)
    np.True_
    """
    return gammainc(np.divide(v, 2), np.divide(x, 2))


@composed("scipy.special.chdtrc", method=False)
def chdtrc(v: Any, x: Any) -> Any:
    """1 - chdtr(v, x).

    >>> chdtrc(2.0, 2.0).round(6)
    np.float64(0.367879)
    """
    return gammaincc(np.divide(v, 2), np.divide(x, 2))


@composed("scipy.special.chdtri", method=False)
def chdtri(v: Any, p: Any) -> Any:
    """The x of chdtrc(v, x) = p.

    >>> chdtri(2.0, np.exp(-1.0)).round(12)
    np.float64(2.0)
    """
    return 2 * gammainccinv(np.divide(v, 2), p)


@composed("scipy.special.gdtr", method=False)
def gdtr(a: Any, b: Any, x: Any) -> Any:
    """Distribution function of a gamma variable with the rate a and the shape b: P(b, a x).

    >>> gdtr(1.0, 1.0, 2.0) == -np.expm1(-2.0)
    np.True_
    """
    return gammainc(b, np.multiply(a, x))


@composed("scipy.special.gdtrc", method=False)
def gdtrc(a: Any, b: Any, x: Any) -> Any:
    """1 - gdtr(a, b, x).

    >>> gdtrc(1.0, 1.0, 2.0) == np.exp(-2.0)
    np.True_
    """
    return gammaincc(b, np.multiply(a, x))


@composed("scipy.special.fdtr", method=False)
def fdtr(dfn: Any, dfd: Any, x: Any) -> Any:
    """Distribution function of Fisher's F: I_y(dfn / 2, dfd / 2), y = dfn x / (dfd + dfn x).

    >>> fdtr(2.0, 2.0, 1.0)
    np.float64(0.5)
    """
    scaled = np.multiply(dfn, x)
    return betainc(np.divide(dfn, 2), np.divide(dfd, 2), scaled / (dfd + scaled))


@composed("scipy.special.fdtrc", method=False)
def fdtrc(dfn: Any, dfd: Any, x: Any) -> Any:
    """1 - fdtr(dfn, dfd, x).

    >>> fdtrc(2.0, 2.0, 1.0)
    np.float64(0.5)
    """
    scaled = np.multiply(dfn, x)
    return betainc(np.divide(dfd, 2), np.divide(dfn, 2), dfd / (dfd + scaled))


@composed("scipy.special.fdtri", method=False)
def fdtri(dfn: Any, dfd: Any, p: Any) -> Any:
    """The x of fdtr(dfn, dfd, x) = p.

    >>> fdtri(2.0, 2.0, 0.5).round(12)
    np.float64(1.0)
    """
    y = betaincinv(np.divide(dfn, 2), np.divide(dfd, 2), p)
    return dfd * y / (dfn * (1 - y))


@composed("scipy.special.pdtr", method=False)
def pdtr(k: Any, m: Any) -> Any:
    """The probability of at most k for a Poisson count of mean m; k is a constant, rounded down.

    >>> pdtr(0.0, 1.0).round(6)
    np.float64(0.367879)
    """
    return gammaincc(beside(np.floor(k) + 1.0, m), m)


@composed("scipy.special.pdtrc", method=False)
def pdtrc(k: Any, m: Any) -> Any:
    """1 - pdtr(k, m).

    >>> pdtrc(0.0, 1.0) == -np.expm1(-1.0)
    np.True_
    """
    return gammainc(beside(np.floor(k) + 1.0, m), m)


@composed("scipy.special.bdtr", method=False)
def bdtr(k: Any, n: Any, p: Any) -> Any:
    """The probability of at most k successes in n > k trials; k and n are constants.

    >>> bdtr(0.0, 2, 0.5)
    np.float64(0.25)
    """
    k = np.floor(k)
    return betaincc(beside(k + 1.0, p), beside(n - k, p), p)


@composed("scipy.special.bdtrc", method=False)
def bdtrc(k: Any, n: Any, p: Any) -> Any:
    """1 - bdtr(k, n, p).

    >>> bdtrc(0.0, 2, 0.5)
    np.float64(0.75)
    """
    k = np.floor(k)
    return betainc(beside(k + 1.0, p), beside(n - k, p), p)


@composed("scipy.special.nbdtr", method=False)
def nbdtr(k: Any, n: Any, p: Any) -> Any:
    """The probability of at most k failures before n successes; k and n are constants.

    >>> nbdtr(0, 2, 0.5)
    np.float64(0.25)
    """
    return betainc(beside(n, p), beside(np.floor(k) + 1.0, p), p)


@composed("scipy.special.nbdtrc", method=False)
def nbdtrc(k: Any, n: Any, p: Any) -> Any:
    """1 - nbdtr(k, n, p).

    >>> nbdtrc(0, 2, 0.5)
    np.float64(0.75)
    """
    return betaincc(beside(n, p), beside(np.floor(k) + 1.0, p), p)
