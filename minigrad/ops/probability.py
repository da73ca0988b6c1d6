"""scipy.special: distribution functions under the names of the Cephes library, and the combinatorics beside them.

Most are incomplete gamma and beta functions in other words: their rules are made of those of `gamma`.  The values are
SciPy's own, since it has its own limits: bdtr(n, n, p) = 1, and NaN for parameters that no distribution has.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..backend import beside, call_scipy, side_by_side
from ..primitive import composed, primitive
from ..tensor import raw
from .exponential import xlogy
from .gamma import beta_density, betainc_slopes, betaln, gamma_density, gammainc, gammainc_slope, gammaincc, psi
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

    out = 1 / (2 pi) integral_0^a e^(-h^2 (1 + t^2) / 2) / (1 + t^2) dt
    dh = -g e^(-h^2 / 2) erf(a h / sqrt(2)) / (2 sqrt(2 pi))
    da = g e^(-h^2 (1 + a^2) / 2) / (2 pi (1 + a^2))

    >>> owens_t(0.0, 1.0)                              # arctan(a) / (2 pi)
    np.float64(0.125)
    """
    return call_scipy("special", "owens_t", h, a)


@primitive("scipy.special.ndtri_exp", method=False, y=lambda g, y, out: g * _ROOT_2PI * np.exp(y + out * out / 2))
def ndtri_exp(y: Any) -> Any:
    """Quantile of the standard normal for a probability given by its logarithm.

    log ndtr(out) = y
    dy = g sqrt(2 pi) e^(y + out^2 / 2)

    >>> ndtri_exp(np.log(0.5)).round(12) + 0.0
    np.float64(0.0)
    """
    return call_scipy("special", "ndtri_exp", y)


# ------------------------------------------------------------- chi-square, gamma, and F


def _known(slope: Any, out: Any) -> Any:
    """A slope, NaN where the value is: there is no such distribution."""
    return np.where(np.isnan(raw(out)), np.nan, slope)


@composed("scipy.special.chdtr", method=False)
def chdtr(v: Any, x: Any) -> Any:
    """Distribution function of chi-square with v degrees of freedom: P(v / 2, x / 2).

    >>> chdtr(2.0, 2.0) == -np.expm1(-1.0)
    np.True_
    """
    v, x = side_by_side(v, x)
    return gammainc(np.divide(v, 2), np.divide(x, 2))


@composed("scipy.special.chdtrc", method=False)
def chdtrc(v: Any, x: Any) -> Any:
    """1 - chdtr(v, x).

    >>> chdtrc(2.0, 2.0).round(6)
    np.float64(0.367879)
    """
    v, x = side_by_side(v, x)
    return gammaincc(np.divide(v, 2), np.divide(x, 2))


@primitive(
    "scipy.special.chdtri", method=False,
    v=lambda g, v, out: -g * gammainc_slope(v / 2, out / 2) / gamma_density(v / 2, out / 2),
    p=lambda g, v, out: -2 * g / gamma_density(v / 2, out / 2),
)  # fmt: skip
def chdtri(v: Any, p: Any) -> Any:
    """The x of chdtrc(v, x) = p.  Its rules follow from P(v / 2, out / 2) = 1 - p.

    1 - P(v / 2, out / 2) = p
    dv = -g (dP/da) / (dP/dx)
    dp = -2 g gamma(v / 2) (out / 2)^(1 - v / 2) e^(out / 2)

    >>> chdtri(2.0, np.exp(-1.0)).round(12)
    np.float64(2.0)
    """
    return call_scipy("special", "chdtri", v, p)


def _gdtr_a(g: Any, a: Any, b: Any, x: Any, out: Any) -> Any:
    return g * x * _known(gamma_density(b, a * x), out)


def _gdtr_b(g: Any, a: Any, b: Any, x: Any, out: Any) -> Any:
    return g * _known(gammainc_slope(b, a * x), out)


def _gdtr_x(g: Any, a: Any, b: Any, x: Any, out: Any) -> Any:
    return g * a * _known(gamma_density(b, a * x), out)


@primitive("scipy.special.gdtr", method=False, a=_gdtr_a, b=_gdtr_b, x=_gdtr_x)
def gdtr(a: Any, b: Any, x: Any) -> Any:
    """Distribution function of a gamma variable with the rate a and the shape b: P(b, a x).

    out = P(b, a x)
    da = g x s,  s = (a x)^(b-1) e^(-a x) / gamma(b)
    db = g sum_n (a x)^(b+n) e^(-a x) / gamma(b + n + 1) (log(a x) - psi(b + n + 1))
    dx = g a s

    >>> gdtr(1.0, 1.0, 2.0) == -np.expm1(-2.0)
    np.True_
    """
    return call_scipy("special", "gdtr", a, b, x)


@primitive(
    "scipy.special.gdtrc", method=False,
    a=lambda g, a, b, x, out: -_gdtr_a(g, a, b, x, out),
    b=lambda g, a, b, x, out: -_gdtr_b(g, a, b, x, out),
    x=lambda g, a, b, x, out: -_gdtr_x(g, a, b, x, out),
)  # fmt: skip
def gdtrc(a: Any, b: Any, x: Any) -> Any:
    """1 - gdtr(a, b, x).

    out = 1 - P(b, a x)
    da = -g x s,  s = (a x)^(b-1) e^(-a x) / gamma(b)
    db = -g sum_n (a x)^(b+n) e^(-a x) / gamma(b + n + 1) (log(a x) - psi(b + n + 1))
    dx = -g a s

    >>> gdtrc(1.0, 1.0, 2.0) == np.exp(-2.0)
    np.True_
    """
    return call_scipy("special", "gdtrc", a, b, x)


def _fdtr_slope(which: str, dfn: Any, dfd: Any, x: Any) -> Any:
    """The slope of I_y(dfn / 2, dfd / 2), y = dfn x / (dfd + dfn x), along one of the arguments."""
    total = dfd + dfn * x
    y, rest = dfn * x / total, dfd / total  # rest is 1 - y, exact where y is near 1
    a, b = dfn / 2, dfd / 2
    density = np.exp(xlogy(a - 1, y) + xlogy(b - 1, rest) - betaln(a, b))
    if which == "x":
        return density * dfn * rest / total
    by_a, by_b = betainc_slopes(a, b, y, rest)
    if which == "dfn":
        return by_a / 2 + density * x * rest / total
    return by_b / 2 - density * y / total


def _fdtr_dfn(g: Any, dfn: Any, dfd: Any, x: Any, out: Any) -> Any:
    return g * _known(_fdtr_slope("dfn", dfn, dfd, x), out)


def _fdtr_dfd(g: Any, dfn: Any, dfd: Any, x: Any, out: Any) -> Any:
    return g * _known(_fdtr_slope("dfd", dfn, dfd, x), out)


def _fdtr_x(g: Any, dfn: Any, dfd: Any, x: Any, out: Any) -> Any:
    return g * _known(_fdtr_slope("x", dfn, dfd, x), out)


@primitive("scipy.special.fdtr", method=False, dfn=_fdtr_dfn, dfd=_fdtr_dfd, x=_fdtr_x)
def fdtr(dfn: Any, dfd: Any, x: Any) -> Any:
    """Distribution function of Fisher's F: I_y(dfn / 2, dfd / 2), y = dfn x / (dfd + dfn x).

    out  = I_y(dfn / 2, dfd / 2),  y = dfn x / (dfd + dfn x)
    ddfn = g (dI/da / 2 + dI/dy dy/ddfn)
    ddfd = g (dI/db / 2 + dI/dy dy/ddfd)
    dx   = g dI/dy dy/dx

    >>> fdtr(2.0, 2.0, 1.0)
    np.float64(0.5)
    """
    return call_scipy("special", "fdtr", dfn, dfd, x)


@primitive(
    "scipy.special.fdtrc", method=False,
    dfn=lambda g, dfn, dfd, x, out: -_fdtr_dfn(g, dfn, dfd, x, out),
    dfd=lambda g, dfn, dfd, x, out: -_fdtr_dfd(g, dfn, dfd, x, out),
    x=lambda g, dfn, dfd, x, out: -_fdtr_x(g, dfn, dfd, x, out),
)  # fmt: skip
def fdtrc(dfn: Any, dfd: Any, x: Any) -> Any:
    """1 - fdtr(dfn, dfd, x).

    out  = 1 - I_y(dfn / 2, dfd / 2),  y = dfn x / (dfd + dfn x)
    ddfn = -g (dI/da / 2 + dI/dy dy/ddfn)
    ddfd = -g (dI/db / 2 + dI/dy dy/ddfd)
    dx   = -g dI/dy dy/dx

    >>> fdtrc(2.0, 2.0, 1.0)
    np.float64(0.5)
    """
    return call_scipy("special", "fdtrc", dfn, dfd, x)


def _fdtri_along(which: str, g: Any, dfn: Any, dfd: Any, out: Any) -> Any:
    return -g * _fdtr_slope(which, dfn, dfd, out) / _fdtr_slope("x", dfn, dfd, out)


@primitive(
    "scipy.special.fdtri", method=False,
    dfn=lambda g, dfn, dfd, out: _fdtri_along("dfn", g, dfn, dfd, out),
    dfd=lambda g, dfn, dfd, out: _fdtri_along("dfd", g, dfn, dfd, out),
    p=lambda g, dfn, dfd, out: g / _fdtr_slope("x", dfn, dfd, out),
)  # fmt: skip
def fdtri(dfn: Any, dfd: Any, p: Any) -> Any:
    """The x of fdtr(dfn, dfd, x) = p.  Its rules follow from F(dfn, dfd, out) = p.

    fdtr(dfn, dfd, out) = p
    ddfn = -g (dF/ddfn) / (dF/dx)
    ddfd = -g (dF/ddfd) / (dF/dx)
    dp   = g / (dF/dx)

    >>> fdtri(2.0, 2.0, 0.5).round(12)
    np.float64(1.0)
    """
    return call_scipy("special", "fdtri", dfn, dfd, p)


# ------------------------------------------------------------------------------- counts


def _pdtr_m(g: Any, k: Any, m: Any, out: Any) -> Any:
    return -g * _known(gamma_density(beside(np.floor(k) + 1.0, m), m), out)


@primitive("scipy.special.pdtr", method=False, m=_pdtr_m)
def pdtr(k: Any, m: Any) -> Any:
    """The probability of at most k for a Poisson count of mean m; k is a constant, rounded down.

    out = sum_{j <= k} m^j e^-m / j!
    dm = -g m^k e^-m / k!

    >>> pdtr(0.0, 1.0).round(6)
    np.float64(0.367879)
    """
    return call_scipy("special", "pdtr", beside(k, m), m)


@primitive("scipy.special.pdtrc", method=False, m=lambda g, k, m, out: -_pdtr_m(g, k, m, out))
def pdtrc(k: Any, m: Any) -> Any:
    """1 - pdtr(k, m).

    out = 1 - sum_{j <= k} m^j e^-m / j!
    dm = g m^k e^-m / k!

    >>> pdtrc(0.0, 1.0) == -np.expm1(-1.0)
    np.True_
    """
    return call_scipy("special", "pdtrc", beside(k, m), m)


def _bdtr_p(g: Any, k: Any, n: Any, p: Any, out: Any) -> Any:
    k, n = np.floor(beside(k, p)), beside(n, p)
    certain = k >= n  # at most n successes in n trials
    slope = beta_density(k + 1.0, np.where(certain, 1.0, n - k), p)
    return -g * _known(np.where(certain, 0.0, slope), out)


@primitive("scipy.special.bdtr", method=False, p=_bdtr_p)
def bdtr(k: Any, n: Any, p: Any) -> Any:
    """The probability of at most k successes in n trials; k and n are constants.

    out = sum_{j <= k} n! / (j! (n - j)!) p^j (1 - p)^(n - j)
    dp = -g n! / (k! (n - k - 1)!) p^k (1 - p)^(n - k - 1)

    >>> bdtr(0.0, 2, 0.5)
    np.float64(0.25)
    """
    return call_scipy("special", "bdtr", beside(k, p), beside(n, p), p)


@primitive("scipy.special.bdtrc", method=False, p=lambda g, k, n, p, out: -_bdtr_p(g, k, n, p, out))
def bdtrc(k: Any, n: Any, p: Any) -> Any:
    """1 - bdtr(k, n, p).

    out = 1 - sum_{j <= k} n! / (j! (n - j)!) p^j (1 - p)^(n - j)
    dp = g n! / (k! (n - k - 1)!) p^k (1 - p)^(n - k - 1)

    >>> bdtrc(0.0, 2, 0.5)
    np.float64(0.75)
    """
    return call_scipy("special", "bdtrc", beside(k, p), beside(n, p), p)


def _nbdtr_p(g: Any, k: Any, n: Any, p: Any, out: Any) -> Any:
    return g * _known(beta_density(beside(n, p), beside(np.floor(k) + 1.0, p), p), out)


@primitive("scipy.special.nbdtr", method=False, p=_nbdtr_p)
def nbdtr(k: Any, n: Any, p: Any) -> Any:
    """The probability of at most k failures before n successes; k and n are constants.

    out = sum_{j <= k} (n + j - 1)! / ((n - 1)! j!) p^n (1 - p)^j
    dp = g (n + k)! / ((n - 1)! k!) p^(n - 1) (1 - p)^k

    >>> nbdtr(0, 2, 0.5)
    np.float64(0.25)
    """
    return call_scipy("special", "nbdtr", beside(k, p), beside(n, p), p)


@primitive("scipy.special.nbdtrc", method=False, p=lambda g, k, n, p, out: -_nbdtr_p(g, k, n, p, out))
def nbdtrc(k: Any, n: Any, p: Any) -> Any:
    """1 - nbdtr(k, n, p).

    out = 1 - sum_{j <= k} (n + j - 1)! / ((n - 1)! j!) p^n (1 - p)^j
    dp = -g (n + k)! / ((n - 1)! k!) p^(n - 1) (1 - p)^k

    >>> nbdtrc(0, 2, 0.5)
    np.float64(0.75)
    """
    return call_scipy("special", "nbdtrc", beside(k, p), beside(n, p), p)
