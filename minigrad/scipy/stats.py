"""Densities and distribution functions of scipy.stats, differentiable in the point and in every parameter.

    norm.logpdf(x, loc, scale)      gamma.cdf(x, a, loc, scale)      poisson.logpmf(k, mu)

Shape parameters come first, then `loc` and `scale`, as in SciPy.  A density of z = (x - loc) / scale is divided by
`scale`; outside of the support it is 0 and its logarithm -inf.

| distribution | shapes | log density at z |
|---|---|---|
| norm | | -z^2 / 2 - log(2 pi) / 2 |
| laplace | | -abs(z) - log 2 |
| logistic | | -z - 2 log(1 + e^-z) |
| expon | | -z |
| uniform | | 0, for 0 <= z <= 1 |
| gamma | a | (a - 1) log z - z - log gamma(a) |
| chi2 | df | gamma with a = df / 2, at z / 2, divided by 2 |
| beta | a, b | (a - 1) log z + (b - 1) log(1 - z) - log beta(a, b) |
| t | df | log gamma((df + 1) / 2) - log gamma(df / 2) - log(df pi) / 2 - (df + 1) / 2 log(1 + z^2 / df) |
| lognorm | s | -log(z)^2 / (2 s^2) - log(s z) - log(2 pi) / 2 |
| cauchy | | -log(pi (1 + z^2)) |
| halfcauchy | | log(2 / pi) - log(1 + z^2) |
| halfnorm | | log(2 / pi) / 2 - z^2 / 2 |
| truncnorm | a, b | norm, for a <= z <= b, divided by the probability of that |
| gumbel_r | | -z - e^-z |
| gumbel_l | | z - e^z |
| weibull_min | c | log c + (c - 1) log z - z^c |
| rayleigh | | log z - z^2 / 2 |
| pareto | b | log b - (b + 1) log z, for z >= 1 |
| invgamma | a | -(a + 1) log z - 1 / z - log gamma(a) |
| f | dfn, dfd | dfn/2 log(dfn/dfd) + (dfn/2 - 1) log z - (dfn + dfd)/2 log(1 + dfn z / dfd) - log beta(dfn/2, dfd/2) |
| poisson | mu | k log mu - mu - log gamma(k + 1) |
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..ops.exponential import expit, log_expit, logit, xlogy
from ..ops.factorization import cholesky
from ..ops.gamma import (
    betainc,
    betaincinv,
    betaln,
    gammainc,
    gammaincc,
    gammainccinv,
    gammaincinv,
    gammaln,
    log_density_of_t,
    stdtr,
    stdtrit,
)
from ..ops.matrix_functions import solve_triangular
from ..ops.probability import fdtr, fdtrc, fdtri, ndtri_exp
from ..ops.products import eye_like
from ..ops.special import erf, log_ndtr, ndtr, ndtri, xlog1py
from ..primitive import numpy_table
from ..tensor import raw

__all__ = [
    "Continuous", "Frozen", "beta", "cauchy", "chi2", "dirichlet", "expon", "f", "gamma", "gumbel_l", "gumbel_r", "halfcauchy",
    "halfnorm", "invgamma", "laplace", "logistic", "lognorm", "multivariate_normal", "norm", "pareto", "poisson",
    "rayleigh", "t", "truncnorm", "uniform", "weibull_min",
]  # fmt: skip

_LOG_2PI = math.log(2 * math.pi)
Function = Callable[..., Any]


class Continuous:
    """A continuous distribution, from functions of the standard variable z and the shape parameters.

    >>> norm = Continuous("norm", lambda z: -z * z / 2 - _LOG_2PI / 2, ndtr)
    >>> norm.pdf(0.0, 1.0, 2.0).round(6)
    np.float64(0.176033)
    """

    def __init__(
        self,
        name: str,
        logpdf: Function,
        cdf: Function,
        *,
        shapes: tuple[str, ...] = (),
        support: tuple[float, float] | Function = (-math.inf, math.inf),
        sf: Function | None = None,
        logcdf: Function | None = None,
        logsf: Function | None = None,
        ppf: Function | None = None,
        isf: Function | None = None,
    ) -> None:
        """z is (x - loc) / scale.

        Args:
            name: what messages call it.
            logpdf, cdf: logarithm of the density and distribution function, of (z, *shapes).
            shapes: the names of the shape parameters.
            support: (low, high), outside of which the density is 0; or a function of the shapes that returns
                (low, high, a point between them).
            sf, logcdf, logsf: 1 - cdf, and the logarithms, where there is a more exact way than by `cdf`.
            ppf, isf: the inverses of `cdf` and of `sf`, of (q, *shapes); without them there are no quantiles.
        """
        self.name, self.shapes, self.support = name, shapes, support
        self._logpdf, self._cdf, self._ppf = logpdf, cdf, ppf
        self._isf = isf or (None if ppf is None else lambda q, *s: ppf(1 - q, *s))
        self._sf = sf or (lambda z, *s: 1 - cdf(z, *s))
        self._logcdf = logcdf or (lambda z, *s: np.log(cdf(z, *s)))
        self._logsf = logsf or (lambda z, *s: np.log(self._sf(z, *s)))

    def _parameters(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], Any, Any]:
        """(shapes, loc, scale) from positional and keyword arguments."""
        names = (*self.shapes, "loc", "scale")
        named = {"loc": 0.0, "scale": 1.0, **dict(zip(names, args, strict=False)), **kwargs}
        twice = kwargs.keys() & names[: len(args)]
        if len(args) > len(names) or named.keys() != set(names) or twice:
            raise TypeError(f"{self.name}: expected {', '.join(names)}; got {args} and {kwargs}")
        return tuple(named[s] for s in self.shapes), named["loc"], named["scale"]

    def _inside(self, function: Function, x: Any, args: Any, kwargs: Any, below: float, above: float, density: bool) -> Any:
        """A function of z on the support, constants on both sides."""
        shapes, loc, scale = self._parameters(args, kwargs)
        z = (x - loc) / scale
        z, too_low, too_high = self._on_support(z, shapes)
        out = function(z, *shapes) - (np.log(scale) if density else 0.0)
        return np.where(too_low, below, np.where(too_high, above, out))

    def _on_support(self, z: Any, shapes: tuple[Any, ...]) -> tuple[Any, Any, Any]:
        """z with a harmless value in place of what lies outside, and where it is too low or too high."""
        if callable(self.support):
            low, high, inside = self.support(*shapes)
        else:
            low, high = self.support
            if low == -math.inf:
                return z, False, False
            inside = low + 0.5
        too_low, too_high = raw(z) < raw(low), raw(z) > raw(high)
        return np.where(too_low | too_high, inside, z), too_low, too_high

    def logpdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Logarithm of the density."""
        return self._inside(self._logpdf, x, args, kwargs, -math.inf, -math.inf, True)

    def pdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Density."""
        return np.exp(self.logpdf(x, *args, **kwargs))

    def cdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Distribution function, the probability of a value up to x."""
        return self._inside(self._cdf, x, args, kwargs, 0.0, 1.0, False)

    def sf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Survival function, 1 - cdf."""
        return self._inside(self._sf, x, args, kwargs, 1.0, 0.0, False)

    def logcdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Logarithm of the distribution function."""
        return self._inside(self._logcdf, x, args, kwargs, -math.inf, 0.0, False)

    def logsf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Logarithm of the survival function."""
        return self._inside(self._logsf, x, args, kwargs, 0.0, -math.inf, False)

    def ppf(self, q: Any, *args: Any, **kwargs: Any) -> Any:
        """Quantile, the x of cdf(x) = q."""
        if self._ppf is None:
            raise NotImplementedError(f"{self.name} has no differentiable quantile function")
        shapes, loc, scale = self._parameters(args, kwargs)
        return loc + scale * self._ppf(q, *shapes)

    def isf(self, q: Any, *args: Any, **kwargs: Any) -> Any:
        """Inverse of the survival function, the x of sf(x) = q; exact for small q."""
        if self._isf is None:
            raise NotImplementedError(f"{self.name} has no differentiable quantile function")
        shapes, loc, scale = self._parameters(args, kwargs)
        return loc + scale * self._isf(q, *shapes)

    def __call__(self, *args: Any, **kwargs: Any) -> Frozen:
        """The distribution with its parameters: norm(loc, scale).logpdf(x) is norm.logpdf(x, loc, scale)."""
        self._parameters(args, kwargs)
        return Frozen(self, args, kwargs)


class Frozen:
    """A continuous distribution together with its parameters.

    Args:
        distribution: the distribution.
        args, kwargs: its parameters, by position and by name.

    >>> norm(0.0, 2.0).pdf(1.0) == norm.pdf(1.0, 0.0, 2.0)
    np.True_
    """

    def __init__(self, distribution: Continuous, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.dist, self.args, self.kwds = distribution, args, kwargs

    def logpdf(self, x: Any) -> Any:
        """Logarithm of the density."""
        return self.dist.logpdf(x, *self.args, **self.kwds)

    def pdf(self, x: Any) -> Any:
        """Density."""
        return self.dist.pdf(x, *self.args, **self.kwds)

    def cdf(self, x: Any) -> Any:
        """Distribution function."""
        return self.dist.cdf(x, *self.args, **self.kwds)

    def sf(self, x: Any) -> Any:
        """Survival function."""
        return self.dist.sf(x, *self.args, **self.kwds)

    def logcdf(self, x: Any) -> Any:
        """Logarithm of the distribution function."""
        return self.dist.logcdf(x, *self.args, **self.kwds)

    def logsf(self, x: Any) -> Any:
        """Logarithm of the survival function."""
        return self.dist.logsf(x, *self.args, **self.kwds)

    def ppf(self, q: Any) -> Any:
        """Quantile."""
        return self.dist.ppf(q, *self.args, **self.kwds)

    def isf(self, q: Any) -> Any:
        """Inverse of the survival function."""
        return self.dist.isf(q, *self.args, **self.kwds)


# -------------------------------------------------------------------------- distributions

norm = Continuous(
    "norm", lambda z: -z * z / 2 - _LOG_2PI / 2, ndtr,
    sf=lambda z: ndtr(-z), logcdf=log_ndtr, logsf=lambda z: log_ndtr(-z), ppf=ndtri,
    isf=lambda q: -ndtri(q),
)  # fmt: skip


def _tail_of_laplace(z: Any) -> Any:
    """The probability beyond abs(z).  At 0 it falls as for z > 0: the slope of np.abs would be 0 there."""
    return np.exp(-np.where(z < 0, -z, z)) / 2


laplace = Continuous(
    "laplace", lambda z: -np.abs(z) - math.log(2),
    lambda z: np.where(z < 0, _tail_of_laplace(z), 1 - _tail_of_laplace(z)),
    sf=lambda z: np.where(z < 0, 1 - _tail_of_laplace(z), _tail_of_laplace(z)),
    ppf=lambda q: np.where(q < 0.5, np.log(2 * q), -np.log(2 * (1 - q))),
    isf=lambda q: np.where(q > 0.5, np.log(2 * (1 - q)), -np.log(2 * q)),
)  # fmt: skip
logistic = Continuous(
    "logistic", lambda z: log_expit(z) + log_expit(-z), expit,
    sf=lambda z: expit(-z), logcdf=log_expit, logsf=lambda z: log_expit(-z), ppf=logit,
    isf=lambda q: -logit(q),
)  # fmt: skip
expon = Continuous(
    "expon", lambda z: -z, lambda z: -np.expm1(-z),
    support=(0, math.inf), sf=lambda z: np.exp(-z), logsf=lambda z: -z, ppf=lambda q: -np.log1p(-q),
    isf=lambda q: -np.log(q),
)  # fmt: skip
uniform = Continuous("uniform", lambda z: 0.0 * z, lambda z: z, support=(0, 1), ppf=lambda q: q)
gamma = Continuous(
    "gamma", lambda z, a: xlogy(a - 1, z) - z - gammaln(a), lambda z, a: gammainc(a, z),
    shapes=("a",), support=(0, math.inf), sf=lambda z, a: gammaincc(a, z), ppf=lambda q, a: gammaincinv(a, q),
    isf=lambda q, a: gammainccinv(a, q),
)  # fmt: skip
chi2 = Continuous(
    "chi2", lambda z, df: xlogy(df / 2 - 1, z / 2) - z / 2 - gammaln(df / 2) - math.log(2), lambda z, df: gammainc(df / 2, z / 2),
    shapes=("df",), support=(0, math.inf), sf=lambda z, df: gammaincc(df / 2, z / 2),
    ppf=lambda q, df: 2 * gammaincinv(df / 2, q), isf=lambda q, df: 2 * gammainccinv(df / 2, q),
)  # fmt: skip
beta = Continuous(
    "beta", lambda z, a, b: xlogy(a - 1, z) + xlog1py(b - 1, -z) - betaln(a, b), lambda z, a, b: betainc(a, b, z),
    shapes=("a", "b"), support=(0, 1), sf=lambda z, a, b: betainc(b, a, 1 - z), ppf=lambda q, a, b: betaincinv(a, b, q),
    isf=lambda q, a, b: 1 - betaincinv(b, a, q),
)  # fmt: skip
t = Continuous(
    "t", log_density_of_t, lambda z, df: stdtr(df, z), shapes=("df",), sf=lambda z, df: stdtr(df, -z),
    ppf=lambda q, df: stdtrit(df, q), isf=lambda q, df: -stdtrit(df, q),
)  # fmt: skip


_ABOVE_ZERO = float(np.nextafter(0.0, 1.0))  # the support is open there: at 0 the density is 0
lognorm = Continuous(
    "lognorm", lambda z, s: -((np.log(z) / s) ** 2) / 2 - np.log(s * z) - _LOG_2PI / 2, lambda z, s: ndtr(np.log(z) / s),
    shapes=("s",), support=(_ABOVE_ZERO, math.inf), sf=lambda z, s: ndtr(-np.log(z) / s),
    logcdf=lambda z, s: log_ndtr(np.log(z) / s), logsf=lambda z, s: log_ndtr(-np.log(z) / s),
    ppf=lambda q, s: np.exp(s * ndtri(q)), isf=lambda q, s: np.exp(-s * ndtri(q)),
)  # fmt: skip
cauchy = Continuous(
    "cauchy", lambda z: -math.log(math.pi) - np.log1p(z * z), lambda z: np.arctan2(1.0, -z) / math.pi,
    sf=lambda z: np.arctan2(1.0, z) / math.pi, ppf=lambda q: np.tan(math.pi * q - math.pi / 2),
    isf=lambda q: 1 / np.tan(math.pi * q),
)  # fmt: skip
halfcauchy = Continuous(
    "halfcauchy", lambda z: math.log(2 / math.pi) - np.log1p(z * z), lambda z: 2 / math.pi * np.arctan(z),
    support=(0, math.inf), sf=lambda z: 2 / math.pi * np.arctan2(1.0, z), ppf=lambda q: np.tan(math.pi / 2 * q),
    isf=lambda q: 1 / np.tan(math.pi / 2 * q),
)  # fmt: skip
halfnorm = Continuous(
    "halfnorm", lambda z: math.log(2 / math.pi) / 2 - z * z / 2, lambda z: erf(z / math.sqrt(2)),
    support=(0, math.inf), sf=lambda z: 2 * ndtr(-z), logsf=lambda z: math.log(2) + log_ndtr(-z),
    ppf=lambda q: ndtri((1 + q) / 2), isf=lambda q: -ndtri(q / 2),
)  # fmt: skip
gumbel_r = Continuous(
    "gumbel_r", lambda z: -z - np.exp(-z), lambda z: np.exp(-np.exp(-z)),
    sf=lambda z: -np.expm1(-np.exp(-z)), logcdf=lambda z: -np.exp(-z), ppf=lambda q: -np.log(-np.log(q)),
    isf=lambda q: -np.log(-np.log1p(-q)),
)  # fmt: skip
gumbel_l = Continuous(
    "gumbel_l", lambda z: z - np.exp(z), lambda z: -np.expm1(-np.exp(z)),
    sf=lambda z: np.exp(-np.exp(z)), logsf=lambda z: -np.exp(z), ppf=lambda q: np.log(-np.log1p(-q)),
    isf=lambda q: np.log(-np.log(q)),
)  # fmt: skip
weibull_min = Continuous(
    "weibull_min", lambda z, c: np.log(c) + xlogy(c - 1, z) - z**c, lambda z, c: -np.expm1(-(z**c)),
    shapes=("c",), support=(0, math.inf), sf=lambda z, c: np.exp(-(z**c)), logsf=lambda z, c: -(z**c),
    ppf=lambda q, c: (-np.log1p(-q)) ** (1 / c), isf=lambda q, c: (-np.log(q)) ** (1 / c),
)  # fmt: skip
rayleigh = Continuous(
    "rayleigh", lambda z: np.log(z) - z * z / 2, lambda z: -np.expm1(-z * z / 2), support=(_ABOVE_ZERO, math.inf),
    sf=lambda z: np.exp(-z * z / 2), logsf=lambda z: -z * z / 2, ppf=lambda q: np.sqrt(-2 * np.log1p(-q)),
    isf=lambda q: np.sqrt(-2 * np.log(q)),
)  # fmt: skip
pareto = Continuous(
    "pareto", lambda z, b: np.log(b) - (b + 1) * np.log(z), lambda z, b: -np.expm1(-b * np.log(z)),
    shapes=("b",), support=(1, math.inf), sf=lambda z, b: np.exp(-b * np.log(z)), logsf=lambda z, b: -b * np.log(z),
    ppf=lambda q, b: np.exp(-np.log1p(-q) / b), isf=lambda q, b: np.exp(-np.log(q) / b),
)  # fmt: skip
invgamma = Continuous(
    "invgamma", lambda z, a: -(a + 1) * np.log(z) - 1 / z - gammaln(a), lambda z, a: gammaincc(a, 1 / z),
    shapes=("a",), support=(_ABOVE_ZERO, math.inf), sf=lambda z, a: gammainc(a, 1 / z),
    ppf=lambda q, a: 1 / gammainccinv(a, q), isf=lambda q, a: 1 / gammaincinv(a, q),
)  # fmt: skip


def _logpdf_of_f(z: Any, dfn: Any, dfd: Any) -> Any:
    powers = dfn / 2 * np.log(dfn / dfd) + xlogy(dfn / 2 - 1, z) - (dfn + dfd) / 2 * np.log1p(dfn * z / dfd)
    return powers - betaln(dfn / 2, dfd / 2)


f = Continuous(
    "f", _logpdf_of_f, lambda z, dfn, dfd: fdtr(dfn, dfd, z), shapes=("dfn", "dfd"), support=(0, math.inf),
    sf=lambda z, dfn, dfd: fdtrc(dfn, dfd, z), ppf=lambda q, dfn, dfd: fdtri(dfn, dfd, q),
    isf=lambda q, dfn, dfd: 1 / fdtri(dfd, dfn, q),
)  # fmt: skip


def _finite(x: Any) -> Any:
    """x with +-40 for +-inf, beyond which a normal variable never comes; there its logarithms are finite."""
    infinite = np.isinf(raw(x))
    return np.where(infinite, 40.0 * np.sign(raw(x)), np.where(infinite, 0.0, x))


def _log_between(low: Any, high: Any) -> Any:
    """log P(low < Z < high) for a standard normal Z, in the tail where the numbers are small."""
    right = raw(low) > 0
    near, far = np.where(right, -low, high), np.where(right, -high, low)
    top = log_ndtr(near)
    return top + np.log(-np.expm1(log_ndtr(far) - top))


def _support_of_truncnorm(a: Any, b: Any) -> tuple[Any, Any, Any]:
    return a, b, (_finite(raw(a)) + _finite(raw(b))) / 2


def _quantile_of_truncnorm(q: Any, a: Any, b: Any) -> Any:
    """By logarithms of probabilities, from the side on which they are small."""
    a, b = _finite(a), _finite(b)
    inside, right = _log_between(a, b), raw(a) > 0
    log_share = np.where(right, np.log1p(-q), np.log(q))
    out = ndtri_exp(np.logaddexp(log_ndtr(np.where(right, -b, a)), log_share + inside))
    return np.where(right, -out, out)


truncnorm = Continuous(
    "truncnorm", lambda z, a, b: -z * z / 2 - _LOG_2PI / 2 - _log_between(_finite(a), _finite(b)),
    lambda z, a, b: np.exp(_log_between(_finite(a), z) - _log_between(_finite(a), _finite(b))),
    shapes=("a", "b"), support=_support_of_truncnorm,
    sf=lambda z, a, b: np.exp(_log_between(z, _finite(b)) - _log_between(_finite(a), _finite(b))),
    logcdf=lambda z, a, b: _log_between(_finite(a), z) - _log_between(_finite(a), _finite(b)),
    logsf=lambda z, a, b: _log_between(z, _finite(b)) - _log_between(_finite(a), _finite(b)),
    ppf=_quantile_of_truncnorm, isf=lambda q, a, b: -_quantile_of_truncnorm(q, np.negative(b), np.negative(a)),
)  # fmt: skip


class poisson:
    """Counts k = 0, 1, 2 ... with mean mu; differentiable in mu.

    >>> poisson.pmf(np.array([0.0, 1.0]), 1.0).round(6)
    array([0.367879, 0.367879])
    """

    @staticmethod
    def logpmf(k: Any, mu: Any, loc: Any = 0) -> Any:
        """Logarithm of the probability of k; -inf where k is no count."""
        k = raw(k) - loc
        possible = (k >= 0) & (k == np.floor(k))
        k = np.where(possible, k, 0) * 1.0
        return np.where(possible, xlogy(k, mu) - gammaln(k + 1) - mu, -math.inf)

    @staticmethod
    def pmf(k: Any, mu: Any, loc: Any = 0) -> Any:
        """Probability of k."""
        return np.exp(poisson.logpmf(k, mu, loc))

    @staticmethod
    def cdf(k: Any, mu: Any, loc: Any = 0) -> Any:
        """Probability of at most k."""
        k = np.floor(raw(k) - loc)
        return np.where(k >= 0, gammaincc(np.where(k >= 0, k, 0) + 1.0, mu), 0.0)

    @staticmethod
    def sf(k: Any, mu: Any, loc: Any = 0) -> Any:
        """Probability of more than k."""
        k = np.floor(raw(k) - loc)
        return np.where(k >= 0, gammainc(np.where(k >= 0, k, 0) + 1.0, mu), 1.0)

    @staticmethod
    def logcdf(k: Any, mu: Any, loc: Any = 0) -> Any:
        """Logarithm of the probability of at most k."""
        return np.log(poisson.cdf(k, mu, loc))


class dirichlet:
    """Points of the simplex, (n,) or (n, N) with the points in columns, and concentrations alpha, (n,).

    out = sum_i (alpha_i - 1) log x_i - sum_i log gamma(alpha_i) + log gamma(sum_i alpha_i)

    >>> dirichlet.logpdf(np.array([0.5, 0.5]), np.array([1.0, 1.0]))
    np.float64(0.0)
    """

    @staticmethod
    def logpdf(x: Any, alpha: Any) -> Any:
        """Logarithm of the density."""
        column = alpha if np.ndim(x) == 1 else alpha[:, None]
        normaliser = np.sum(gammaln(alpha)) - gammaln(np.sum(alpha))
        return np.sum(xlogy(column - 1, x), axis=0) - normaliser

    @staticmethod
    def pdf(x: Any, alpha: Any) -> Any:
        """Density."""
        return np.exp(dirichlet.logpdf(x, alpha))


class multivariate_normal:
    """Normal vectors with a mean, (d,), and a positive definite covariance, (d, d); points are (..., d).

    out = -(x - mean)^T cov^-1 (x - mean) / 2 - log det(2 pi cov) / 2

    >>> multivariate_normal.logpdf(np.zeros(2), np.zeros(2), np.eye(2)).round(6)
    np.float64(-1.837877)
    """

    @staticmethod
    def logpdf(x: Any, mean: Any = None, cov: Any = 1.0) -> Any:
        """Logarithm of the density."""
        d = np.shape(x)[-1] if np.ndim(x) else 1
        if np.ndim(cov) == 0:
            cov = cov * eye_like(raw(x), d)
        elif np.ndim(cov) == 1:
            cov = np.diag(cov)
        factor = cholesky(cov)
        off = np.reshape(x if mean is None else x - mean, (-1, d))
        z = solve_triangular(factor, np.transpose(off), lower=True)
        log_det = 2 * np.sum(np.log(np.diagonal(factor)))
        return np.reshape(-(np.sum(z * z, axis=0) + log_det + d * _LOG_2PI) / 2, np.shape(x)[:-1])

    @staticmethod
    def pdf(x: Any, mean: Any = None, cov: Any = 1.0) -> Any:
        """Density."""
        return np.exp(multivariate_normal.logpdf(x, mean, cov))

    @staticmethod
    def entropy(mean: Any = None, cov: Any = 1.0) -> Any:
        """Differential entropy, log det(2 pi e cov) / 2.

        >>> multivariate_normal.entropy(None, np.eye(1)).round(6)
        np.float64(1.418939)
        """
        matrix = np.atleast_2d(cov)
        return (np.linalg.slogdet(matrix)[1] + np.shape(matrix)[-1] * (_LOG_2PI + 1)) / 2


for _name in __all__[1:]:
    for _function in ("logpdf", "pdf", "cdf", "sf", "logcdf", "logsf", "ppf", "logpmf", "pmf", "entropy"):
        if hasattr(globals()[_name], _function):
            numpy_table[f"scipy.stats.{_name}.{_function}"] = getattr(globals()[_name], _function)
