"""Distributions on all real numbers, with a location and a scale.

In the formulas z = (x - loc) / scale; the density of z is divided by the scale.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import Tensor, full_like, random, where
from minigrad.scipy.special import digamma, gammaln, ndtr, ndtri, stdtr

from . import constraints
from .distribution import Centred, Numbers

__all__ = ["Cauchy", "Gumbel", "Laplace", "Normal", "StudentT"]

_LOG_2PI = math.log(2 * math.pi)


class _LocationScale(Centred, Numbers):
    """loc + scale times a standard variable; the mode is loc."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True
    scale: Any

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        """z in the formula is (x - loc) / scale.

        Args:
            loc: where the density is highest: of a normal distribution the mean.
            scale: above 0: of a normal distribution the standard deviation.
            validate_args: whether parameters and values are checked; None: what `set_default_validate_args` says.
        """
        super().__init__(validate_args, loc=loc, scale=scale)

    def _standard(self, value: Any) -> Any:
        return (self._value(value) - self.loc) / self.scale


class Normal(_LocationScale):
    """The normal distribution: log p(x) = -z^2 / 2 - log scale - log(2 pi) / 2.

    >>> weather = Normal(20.0, 2.0)
    >>> weather.log_prob(20.0)
    Tensor(-1.6120857, dtype=float32)
    """

    @property
    def variance(self) -> Tensor:
        return self.scale**2

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """loc + scale times standard normal noise."""
        return random.normal(self.loc, self.scale, self._extended(sample_shape))

    def log_prob(self, value: Any) -> Tensor:
        z = self._standard(value)
        return -z * z / 2 - np.log(self.scale) - _LOG_2PI / 2

    def cdf(self, value: Any) -> Tensor:
        return ndtr(self._standard(value))

    def icdf(self, value: Any) -> Tensor:
        return self.loc + self.scale * ndtri(value)

    def entropy(self) -> Tensor:
        """(1 + log(2 pi)) / 2 + log scale."""
        return 0.5 + 0.5 * _LOG_2PI + np.log(self.scale)


class Laplace(_LocationScale):
    """Exponential on both sides: log p(x) = -abs(z) - log(2 scale).

    >>> Laplace(0.0, 1.0).log_prob(0.0)
    Tensor(-0.6931472, dtype=float32)
    """

    @property
    def variance(self) -> Tensor:
        return 2 * self.scale**2

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """loc + scale times the difference of two exponential variables."""
        return random.laplace(self.loc, self.scale, self._extended(sample_shape))

    def log_prob(self, value: Any) -> Tensor:
        return -abs(self._standard(value)) - np.log(2 * self.scale)

    def cdf(self, value: Any) -> Tensor:
        z = self._standard(value)
        tail = np.exp(-np.where(z < 0, -z, z)) / 2  # at 0 it has a slope, which abs has not
        return np.where(z < 0, tail, 1 - tail)

    def icdf(self, value: Any) -> Tensor:
        off = value - 0.5
        return self.loc + self.scale * np.where(off < 0, np.log(2 * value), -np.log(1 - 2 * off))

    def entropy(self) -> Tensor:
        """1 + log(2 scale)."""
        return 1 + np.log(2 * self.scale)


class Cauchy(_LocationScale):
    """The quotient of two normal variables: log p(x) = -log(pi scale) - log(1 + z^2).  It has no mean.

    >>> Cauchy(0.0, 1.0).cdf(1.0)
    Tensor(0.75, dtype=float32)
    """

    @property
    def mean(self) -> Tensor:
        return full_like(self.loc, np.nan)

    @property
    def variance(self) -> Tensor:
        return full_like(self.loc, np.inf)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """loc + scale tan(pi (u - 1/2)), u uniform."""
        noise = random.standard_cauchy(self._extended(sample_shape), dtype=self.loc.dtype, device=self.loc.device)
        return self.loc + self.scale * noise

    def log_prob(self, value: Any) -> Tensor:
        z = self._standard(value)
        return -math.log(math.pi) - np.log(self.scale) - np.log1p(z * z)

    def cdf(self, value: Any) -> Tensor:
        return np.arctan(self._standard(value)) / math.pi + 0.5

    def icdf(self, value: Any) -> Tensor:
        return self.loc + self.scale * np.tan(math.pi * (value - 0.5))

    def entropy(self) -> Tensor:
        """log(4 pi scale)."""
        return math.log(4 * math.pi) + np.log(self.scale)


class Gumbel(_LocationScale):
    """The largest of many: log p(x) = -z - e^-z - log scale.

    >>> Gumbel(0.0, 1.0).log_prob(0.0)
    Tensor(-1., dtype=float32)
    """

    @property
    def mean(self) -> Tensor:
        return self.loc + self.scale * np.euler_gamma

    @property
    def variance(self) -> Tensor:
        return math.pi**2 / 6 * self.scale**2

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """loc - scale log e, e standard exponential."""
        return random.gumbel(self.loc, self.scale, self._extended(sample_shape))

    def log_prob(self, value: Any) -> Tensor:
        z = self._standard(value)
        return -z - np.exp(-z) - np.log(self.scale)

    def cdf(self, value: Any) -> Tensor:
        return np.exp(-np.exp(-self._standard(value)))

    def icdf(self, value: Any) -> Tensor:
        return self.loc - self.scale * np.log(-np.log(value))

    def entropy(self) -> Tensor:
        """1 + log scale + Euler's constant."""
        return np.log(self.scale) + (1 + np.euler_gamma)


class StudentT(_LocationScale):
    """Student's t: a normal variable divided by the root of a Chi2 variable over its df.

    log p(x) = log gamma((df+1)/2) - log gamma(df/2) - log(df pi)/2 - log scale - (df+1)/2 log(1 + z^2/df)

    Args:
        df: degrees of freedom, above 0; the fewer, the heavier the tails.

    >>> StudentT(1.0).cdf(1.0)                         # Cauchy's distribution
    Tensor(0.75, dtype=float32)
    """

    arg_constraints = {"df": constraints.positive, **_LocationScale.arg_constraints}
    df: Any

    def __init__(self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None) -> None:
        Numbers.__init__(self, validate_args, df=df, loc=loc, scale=scale)

    @property
    def mean(self) -> Tensor:
        """loc; NaN where df is 1 or less."""
        return where(self.df > 1, self.loc, np.nan)

    @property
    def variance(self) -> Tensor:
        """scale^2 df / (df - 2); infinite for df up to 2, NaN up to 1."""
        df = where(self.df > 2, self.df, 3.0)
        finite = self.scale**2 * df / (df - 2)
        return where(self.df > 1, where(self.df > 2, finite, np.inf), np.nan)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """loc + scale z sqrt(df / x), z standard normal, x of Chi2."""
        return self.loc + self.scale * random.standard_t(self.df, self._extended(sample_shape))

    def log_prob(self, value: Any) -> Tensor:
        z, half = self._standard(value), (self.df + 1) / 2
        normaliser = gammaln(half) - gammaln(self.df / 2) - np.log(self.df * math.pi) / 2 - np.log(self.scale)
        return normaliser - half * np.log1p(z * z / self.df)

    def cdf(self, value: Any) -> Tensor:
        return stdtr(self.df, self._standard(value))

    def entropy(self) -> Tensor:
        """(df+1)/2 (psi((df+1)/2) - psi(df/2)) + log(df)/2 + log beta(df/2, 1/2) + log scale."""
        half = (self.df + 1) / 2
        log_beta = gammaln(self.df / 2) + math.log(math.pi) / 2 - gammaln(half)
        return half * (digamma(half) - digamma(self.df / 2)) + np.log(self.df) / 2 + log_beta + np.log(self.scale)
