"""scipy.special: the gamma and beta functions, complete and incomplete.  SciPy computes the values.

The incomplete functions are distribution functions, P(a, x) of a gamma variable and I_x(a, b) of a beta variable.  Their
derivatives with respect to the parameters have no closed form; they are sums of the derivatives of a series' terms, and
since these are made of ops, they can be differentiated again.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays.batch import all_examples
from ..backend import beside, call_scipy, largest, side_by_side
from ..primitive import composed, primitive
from ..tensor import raw
from .exponential import xlogy
from .special import xlog1py

__all__ = [
    "beta", "betainc", "betaincc", "betaincinv", "betaln", "digamma", "gamma", "gammainc", "gammaincc", "gammainccinv",
    "gammaincinv", "gammaln", "gammasgn", "multigammaln", "polygamma", "psi", "rgamma", "stdtr", "stdtrit", "zeta",
]  # fmt: skip


@primitive("scipy.special.zeta", method=False, q=lambda g, x, q: -g * x * zeta(x + 1, q))
def zeta(x: Any, q: Any = None) -> Any:
    """Hurwitz' zeta function; Riemann's without q.  Differentiable in q.

    out = sum_{k >= 0} (k + q)^-x
    dq  = -g x zeta(x + 1, q)

    >>> zeta(2.0, 1.0).round(12)                       # pi^2 / 6
    np.float64(1.644934066848)
    """
    return call_scipy("special", "zeta", x) if q is None else call_scipy("special", "zeta", x, q)


@primitive("scipy.special.psi", method=False, z=lambda g, z: g * zeta(2.0, z))
def psi(z: Any) -> Any:
    """Digamma, the derivative of log gamma.

    out = gamma'(z) / gamma(z)
    dz  = g zeta(2, z)

    >>> psi(1.0)                                       # minus Euler's constant
    np.float64(-0.5772156649015329)
    """
    return call_scipy("special", "digamma", z)


digamma = psi


@composed("scipy.special.polygamma", method=False)
def polygamma(n: Any, x: Any) -> Any:
    """The n-th derivative of digamma; n is a constant.

    out = (-1)^(n+1) n! zeta(n + 1, x)

    >>> polygamma(1, 1.0).round(12)                    # pi^2 / 6
    np.float64(1.644934066848)
    """
    n = np.asarray(n)
    if (n < 0).any() or (n != np.floor(n)).any():
        raise ValueError(f"polygamma: the order n must be an integer that is not negative, got {n}")
    if not n.all():
        return np.where(beside(n == 0, x), psi(x), polygamma(np.maximum(n, 1), x)) if n.ndim else psi(x)
    factor = (-1.0) ** (n + 1) * call_scipy("special", "gamma", n + 1.0)
    return beside(factor, x) * zeta(beside(n + 1.0, x), x)


@primitive("scipy.special.gamma", method=False, z=lambda g, z, out: g * out * psi(z))
def gamma(z: Any) -> Any:
    """The gamma function, (z - 1)! for integers.

    out = integral_0^inf t^(z-1) e^-t dt
    dz  = g out psi(z)

    >>> gamma(5.0)
    np.float64(24.0)
    """
    return call_scipy("special", "gamma", z)


@primitive("scipy.special.rgamma", method=False, z=lambda g, z, out: -g * out * psi(z))
def rgamma(z: Any) -> Any:
    """out = 1 / gamma(z)
    dz  = -g out psi(z)

    >>> rgamma(3.0)
    np.float64(0.5)
    """
    return call_scipy("special", "rgamma", z)


@primitive("scipy.special.gammaln", method=False, x=lambda g, x: g * psi(x))
def gammaln(x: Any) -> Any:
    """Logarithm of the absolute value of the gamma function.

    out = log |gamma(x)|
    dx  = g psi(x)

    >>> gammaln(3.0) == np.log(2)
    np.True_
    """
    return call_scipy("special", "gammaln", x)


@primitive("scipy.special.gammasgn", method=False)
def gammasgn(x: Any) -> Any:
    """The sign of the gamma function, a constant.

    out = sign(gamma(x))

    >>> gammasgn(-0.5)
    np.float64(-1.0)
    """
    return call_scipy("special", "gammasgn", x)


@composed("scipy.special.multigammaln", method=False)
def multigammaln(a: Any, d: int) -> Any:
    """Logarithm of the multivariate gamma function of dimension d.

    out = d (d - 1) / 4 log pi + sum_{j=1..d} gammaln(a + (1 - j) / 2)

    >>> multigammaln(2.0, 1)
    np.float64(0.0)
    """
    out: Any = d * (d - 1) / 4 * math.log(math.pi)
    for j in range(d):
        out = out + gammaln(a - j / 2)
    return out


# -------------------------------------------------- the incomplete gamma function, P(a, x)


def gamma_density(a: Any, x: Any) -> Any:
    """dP/dx = x^(a-1) e^-x / gamma(a)."""
    return np.exp(xlogy(a - 1, x) - x - gammaln(a))


#: Of longer series the sum is not known, and is NaN.
_MOST_TERMS = 2_000_000


def _terms(lengths: Any) -> tuple[Any, Any]:
    """The numbers of the terms of the longest series, and of which series they are enough."""
    known = (lengths >= 0) & (lengths < _MOST_TERMS)
    longest = int(largest(all_examples(np.where(known, lengths, 0.0))))
    return np.cumsum(np.ones_like(lengths, shape=(longest,))) - 1, known


def gammainc_slope(a: Any, x: Any) -> Any:
    """dP/da, term by term of P = sum_n t_n, t_n = x^(a+n) e^-x / gamma(a + n + 1): sum_n t_n (log x - psi(a + n + 1)).

    The t_n are Poisson's probabilities continued to real numbers: they are negligible a few roots of x beyond x.
    """
    low, high = raw(a) + 0.0 * raw(x), raw(x) + 0.0 * raw(a)
    beyond = np.maximum(high + 9 * np.sqrt(np.abs(high)) + 40 - low, 12 * np.sqrt(np.abs(high)) + 40)
    n, known = _terms(beyond)
    x = np.where(high > 0, x, 1.0)[..., None]
    k = (a + np.zeros_like(beyond))[..., None] + n
    t = np.exp(k * np.log(x) - x - gammaln(k + 1))
    slope = np.where(high > 0, np.sum(t * (np.log(x) - psi(k + 1)), axis=-1), 0.0)
    return np.where(known, slope, np.nan)


@primitive(
    "scipy.special.gammainc", method=False,
    a=lambda g, a, x: g * gammainc_slope(a, x), x=lambda g, a, x: g * gamma_density(a, x),
)  # fmt: skip
def gammainc(a: Any, x: Any) -> Any:
    """Regularised lower incomplete gamma function, the distribution function of a gamma variable.

    out = P(a, x) = 1 / gamma(a) integral_0^x t^(a-1) e^-t dt
    da  = g sum_n x^(a+n) e^-x / gamma(a + n + 1) (log x - psi(a + n + 1))
    dx  = g x^(a-1) e^-x / gamma(a)

    >>> gammainc(1.0, 2.0) == -np.expm1(-2.0)
    np.True_
    """
    return call_scipy("special", "gammainc", a, x)


@primitive(
    "scipy.special.gammaincc", method=False,
    a=lambda g, a, x: -g * gammainc_slope(a, x), x=lambda g, a, x: -g * gamma_density(a, x),
)  # fmt: skip
def gammaincc(a: Any, x: Any) -> Any:
    """Regularised upper incomplete gamma function.

    out = 1 - P(a, x)       (P is `gammainc`)
    da  = -g sum_n x^(a+n) e^-x / gamma(a + n + 1) (log x - psi(a + n + 1))
    dx  = -g x^(a-1) e^-x / gamma(a)

    >>> gammaincc(1.0, 2.0) == np.exp(-2.0)
    np.True_
    """
    return call_scipy("special", "gammaincc", a, x)


@primitive(
    "scipy.special.gammaincinv", method=False,
    a=lambda g, a, out: -g * gammainc_slope(a, out) / gamma_density(a, out), y=lambda g, a, out: g / gamma_density(a, out),
)  # fmt: skip
def gammaincinv(a: Any, y: Any) -> Any:
    """The x of P(a, x) = y, the quantile of a gamma variable.  Its rules follow from P(a, out) = y.

    P(a, out) = y
    da = -g (dP/da) / (dP/dx)
    dy = g gamma(a) out^(1-a) e^out

    >>> gammaincinv(1.0, 0.5).round(12) == np.log(2).round(12)
    np.True_
    """
    return call_scipy("special", "gammaincinv", a, y)


@primitive(
    "scipy.special.gammainccinv", method=False,
    a=lambda g, a, out: -g * gammainc_slope(a, out) / gamma_density(a, out), y=lambda g, a, out: -g / gamma_density(a, out),
)  # fmt: skip
def gammainccinv(a: Any, y: Any) -> Any:
    """The x of 1 - P(a, x) = y.

    1 - P(a, out) = y
    da = -g (dP/da) / (dP/dx)
    dy = -g gamma(a) out^(1-a) e^out

    >>> gammainccinv(1.0, 0.5).round(12) == np.log(2).round(12)
    np.True_
    """
    return call_scipy("special", "gammainccinv", a, y)


# ---------------------------------------------------------- the beta function, and I_x(a, b)


@primitive(
    "scipy.special.beta", method=False,
    a=lambda g, a, b, out: g * out * (psi(a) - psi(a + b)), b=lambda g, a, b, out: g * out * (psi(b) - psi(a + b)),
)  # fmt: skip
def beta(a: Any, b: Any) -> Any:
    """The beta function.

    out = gamma(a) gamma(b) / gamma(a + b)
    da  = g out (psi(a) - psi(a + b))
    db  = g out (psi(b) - psi(a + b))

    >>> beta(2.0, 1.0)
    np.float64(0.5)
    """
    return call_scipy("special", "beta", a, b)


@primitive(
    "scipy.special.betaln", method=False,
    a=lambda g, a, b: g * (psi(a) - psi(a + b)), b=lambda g, a, b: g * (psi(b) - psi(a + b)),
)  # fmt: skip
def betaln(a: Any, b: Any) -> Any:
    """Logarithm of the absolute value of the beta function.

    out = log |beta(a, b)|
    da  = g (psi(a) - psi(a + b))
    db  = g (psi(b) - psi(a + b))

    >>> betaln(2.0, 1.0) == -np.log(2)
    np.True_
    """
    return call_scipy("special", "betaln", a, b)


def beta_density(a: Any, b: Any, x: Any) -> Any:
    """dI/dx = x^(a-1) (1-x)^(b-1) / beta(a, b)."""
    return np.exp(xlogy(a - 1, x) + xlog1py(b - 1, -x) - betaln(a, b))


def betainc_slopes(a: Any, b: Any, x: Any, complement: Any = None) -> tuple[Any, Any]:
    """dI/da and dI/db, term by term of I_x(a, b) = sum_n t_n,

    t_n = gamma(a + b + n) / (gamma(a + n + 1) gamma(b)) x^(a+n) (1-x)^b.

    Where the terms fall slowly the series of I_x(a, b) = 1 - I_{1-x}(b, a) is taken; `complement` is 1 - x, for those
    who know it better than by subtraction.
    """
    zeros = 0.0 * (raw(a) + raw(b) + raw(x))
    a, b, x, complement = a + zeros, b + zeros, x + zeros, (1 - x if complement is None else complement) + zeros
    swap = raw(x) * (raw(a) + raw(b) + 2) > raw(a) + 1
    p, q, y = np.where(swap, b, a), np.where(swap, a, b), np.where(swap, complement, x)
    inside = raw(y) > 0
    y = np.where(inside, y, 0.5)
    lengths = 45 / -np.log(raw(y)) + 12 * np.sqrt(raw(p) + raw(q)) + 40
    n, known = _terms(lengths)
    p, q, y = p[..., None], q[..., None], y[..., None]
    t = np.exp(gammaln(p + q + n) - gammaln(p + n + 1) - gammaln(q) + (p + n) * np.log(y) + q * np.log1p(-y))
    common = psi(p + q + n)
    along_p = np.where(inside, np.sum(t * (np.log(y) + common - psi(p + n + 1)), axis=-1), 0.0)
    along_q = np.where(inside, np.sum(t * (np.log1p(-y) + common - psi(q)), axis=-1), 0.0)
    along_p, along_q = (np.where(known, slope, np.nan) for slope in (along_p, along_q))
    return np.where(swap, -along_q, along_p), np.where(swap, -along_p, along_q)


@primitive(
    "scipy.special.betainc", method=False,
    a=lambda g, a, b, x: g * betainc_slopes(a, b, x)[0],
    b=lambda g, a, b, x: g * betainc_slopes(a, b, x)[1],
    x=lambda g, a, b, x: g * beta_density(a, b, x),
)  # fmt: skip
def betainc(a: Any, b: Any, x: Any) -> Any:
    """Regularised incomplete beta function, the distribution function of a beta variable.

    out = I_x(a, b) = 1 / beta(a, b) integral_0^x t^(a-1) (1-t)^(b-1) dt = sum_n t_n
    da  = g sum_n t_n (log x + psi(a + b + n) - psi(a + n + 1))
    db  = g sum_n t_n (log(1-x) + psi(a + b + n) - psi(b)),
          t_n = gamma(a + b + n) / (gamma(a + n + 1) gamma(b)) x^(a+n) (1-x)^b
    dx  = g x^(a-1) (1-x)^(b-1) / beta(a, b)

    >>> betainc(1.0, 1.0, 0.25)
    np.float64(0.25)
    """
    return call_scipy("special", "betainc", a, b, x)


@composed("scipy.special.betaincc", method=False)
def betaincc(a: Any, b: Any, x: Any) -> Any:
    """1 - I_x(a, b), which is I_{1-x}(b, a).

    >>> betaincc(1.0, 1.0, 0.25)
    np.float64(0.75)
    """
    a, b, x = side_by_side(a, b, x)
    return betainc(b, a, np.subtract(1, x))


@primitive(
    "scipy.special.betaincinv", method=False,
    a=lambda g, a, b, out: -g * betainc_slopes(a, b, out)[0] / beta_density(a, b, out),
    b=lambda g, a, b, out: -g * betainc_slopes(a, b, out)[1] / beta_density(a, b, out),
    y=lambda g, a, b, out: g / beta_density(a, b, out),
)  # fmt: skip
def betaincinv(a: Any, b: Any, y: Any) -> Any:
    """The x of I_x(a, b) = y, the quantile of a beta variable.  Its rules follow from I_out(a, b) = y.

    I_out(a, b) = y
    da = -g (dI/da) / (dI/dx)
    db = -g (dI/db) / (dI/dx)
    dy = g beta(a, b) / (out^(a-1) (1-out)^(b-1))

    >>> betaincinv(1.0, 1.0, 0.25)
    np.float64(0.25)
    """
    return call_scipy("special", "betaincinv", a, b, y)


# ------------------------------------------------------------------- Student's t distribution


def log_density_of_t(x: Any, df: Any) -> Any:
    """Logarithm of the density of Student's t with df degrees of freedom."""
    normaliser = gammaln((df + 1) / 2) - gammaln(df / 2) - np.log(df * math.pi) / 2
    return normaliser - (df + 1) / 2 * np.log1p(x * x / df)


def _stdtr_df(g: Any, df: Any, t: Any) -> Any:
    """The slope of -sign(t) I_y(df/2, 1/2) / 2, with y = df / (df + t^2), through I's parameter and through y."""
    t = t + (t == 0) * 1e-150  # the formula is smooth at 0, its parts are not
    square = df + t * t
    y = df / square
    through_parameter = np.sign(t) * betainc_slopes(df / 2, 0.5, y, t * t / square)[0] / 2
    through_y = t * np.exp((df / 2 - 1) * np.log(y) - betaln(df / 2, 0.5)) / square**1.5
    return -g / 2 * (through_parameter + through_y)


@primitive("scipy.special.stdtr", method=False, df=_stdtr_df, t=lambda g, df, t: g * np.exp(log_density_of_t(t, df)))
def stdtr(df: Any, t: Any) -> Any:
    """Distribution function of Student's t with df degrees of freedom.

    out = 1 - I_y(df/2, 1/2) / 2 where t > 0, else I_y(df/2, 1/2) / 2,  y = df / (df + t^2)
    dt  = g gamma((df + 1) / 2) / (sqrt(pi df) gamma(df / 2)) (1 + t^2 / df)^(-(df + 1) / 2)
    ddf = -g sign(t) / 2 (dI/da / 2 + dI/dy dy/ddf)

    >>> stdtr(3.0, 0.0)
    np.float64(0.5)
    """
    return call_scipy("special", "stdtr", df, t)


@primitive(
    "scipy.special.stdtrit", method=False,
    df=lambda g, df, out: _stdtr_df(-g / np.exp(log_density_of_t(out, df)), df, out),
    p=lambda g, df, out: g / np.exp(log_density_of_t(out, df)),
)  # fmt: skip
def stdtrit(df: Any, p: Any) -> Any:
    """The t of stdtr(df, t) = p, the quantile of Student's t.  Its rules follow from stdtr(df, out) = p.

    stdtr(df, out) = p
    dp  = g sqrt(pi df) gamma(df / 2) / gamma((df + 1) / 2) (1 + out^2 / df)^((df + 1) / 2)
    ddf = -g (dstdtr/ddf) / (dstdtr/dt)

    >>> stdtrit(3.0, 0.5)
    np.float64(0.0)
    """
    return call_scipy("special", "stdtrit", df, p)
