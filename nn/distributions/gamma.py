"""Exponential and gamma variables, and what is made of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import Tensor, random, where, zeros_like
from minigrad.scipy.special import (
    betainc,
    betaln,
    digamma,
    gammainc,
    gammaincc,
    gammaincinv,
    gammaln,
    xlogy,
)

from . import constraints
from .distribution import Numbers, constant_like

__all__ = ["Chi2", "Exponential", "FisherSnedecor", "Gamma", "InverseGamma"]


class Exponential(Numbers):
    """The time up to an event that comes `rate` times in a unit of time: log p(x) = log rate - rate x.

    Args:
        rate: above 0.

    >>> Exponential(2.0).mean
    Tensor(0.5, dtype=float32)
    """

    arg_constraints = {"rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    rate: Any

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        super().__init__(validate_args, rate=rate)

    @property
    def mean(self) -> Tensor:
        return 1 / self.rate

    @property
    def mode(self) -> Tensor:
        return zeros_like(self.rate)

    @property
    def variance(self) -> Tensor:
        return 1 / self.rate**2

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """-log u / rate, u uniform."""
        return random.exponential(1 / self.rate, self._extended(sample_shape))

    def log_prob(self, value: Any) -> Tensor:
        return np.log(self.rate) - self.rate * self._value(value)

    def cdf(self, value: Any) -> Tensor:
        return -np.expm1(-self.rate * self._value(value))

    def icdf(self, value: Any) -> Tensor:
        return -np.log1p(np.negative(value)) / self.rate

    def entropy(self) -> Tensor:
        """1 - log rate."""
        return 1 - np.log(self.rate)


class _OfConcentrationAndRate(Numbers):
    """What is made of a gamma variable of shape `concentration` and scale 1 / `rate`."""

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    has_rsample = True
    concentration: Any
    rate: Any

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        """By concentration and rate.

        Args:
            concentration: a, its shape, above 0.
            rate: b, above 0; the larger it is, the smaller is a gamma variable, and the larger its inverse.
            validate_args: whether parameters and values are checked; None: what `set_default_validate_args` says.
        """
        super().__init__(validate_args, concentration=concentration, rate=rate)


class Gamma(_OfConcentrationAndRate):
    """log p(x) = a log b + (a - 1) log x - b x - log gamma(a), with a the concentration and b the rate.

    >>> Gamma(3.0, 2.0).mean
    Tensor(1.5, dtype=float32)
    """

    support = constraints.nonnegative

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.rate

    @property
    def mode(self) -> Tensor:
        """(a - 1) / b, but not less than 0."""
        return np.maximum((self.concentration - 1) / self.rate, 0.0)

    @property
    def variance(self) -> Tensor:
        return self.concentration / self.rate**2

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Differentiable in the concentration too, implicitly: the probability of a smaller draw stays what it is."""
        return random.standard_gamma(self.concentration, self._extended(sample_shape)) / self.rate

    def log_prob(self, value: Any) -> Tensor:
        x, a, b = self._value(value), self.concentration, self.rate
        return xlogy(a, b) + xlogy(a - 1, x) - b * x - gammaln(a)

    def cdf(self, value: Any) -> Tensor:
        return gammainc(self.concentration, self.rate * self._value(value))

    def icdf(self, value: Any) -> Tensor:
        return gammaincinv(self.concentration, value) / self.rate

    def entropy(self) -> Tensor:
        """a - log b + log gamma(a) + (1 - a) psi(a)."""
        a = self.concentration
        return a - np.log(self.rate) + gammaln(a) + (1 - a) * digamma(a)


class Chi2(Gamma):
    """The sum of df squared standard normal variables: Gamma(df / 2, 1 / 2).

    >>> Chi2(3.0).variance
    Tensor(6., dtype=float32)
    """

    arg_constraints = {"df": constraints.positive}
    df: Any

    def __init__(self, df: Any, validate_args: bool | None = None) -> None:
        """By the degrees of freedom.

        Args:
            df: how many squares are added, above 0; it may be a fraction.
            validate_args: whether parameters and values are checked; None: what `set_default_validate_args` says.
        """
        Numbers.__init__(self, validate_args, df=df)

    @property
    def concentration(self) -> Any:  # type: ignore[override]
        """df / 2."""
        return self.df / 2

    @property
    def rate(self) -> Any:  # type: ignore[override]
        """1 / 2."""
        return constant_like(0.5, self.df)


class InverseGamma(_OfConcentrationAndRate):
    """1 / x of a Gamma variable: log p(x) = a log b - (a + 1) log x - b / x - log gamma(a).

    >>> InverseGamma(3.0, 2.0).mean
    Tensor(1., dtype=float32)
    """

    support = constraints.positive

    @property
    def mean(self) -> Tensor:
        """b / (a - 1); infinite for a up to 1."""
        a = where(self.concentration > 1, self.concentration, 2.0)
        return where(self.concentration > 1, self.rate / (a - 1), np.inf)

    @property
    def mode(self) -> Tensor:
        return self.rate / (self.concentration + 1)

    @property
    def variance(self) -> Tensor:
        """b^2 / ((a - 1)^2 (a - 2)); infinite for a up to 2."""
        a = where(self.concentration > 2, self.concentration, 3.0)
        return where(self.concentration > 2, self.rate**2 / ((a - 1) ** 2 * (a - 2)), np.inf)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """b over a standard gamma variable."""
        return self.rate / random.standard_gamma(self.concentration, self._extended(sample_shape))

    def log_prob(self, value: Any) -> Tensor:
        x, a, b = self._value(value), self.concentration, self.rate
        return xlogy(a, b) - (a + 1) * np.log(x) - b / x - gammaln(a)

    def cdf(self, value: Any) -> Tensor:
        return gammaincc(self.concentration, self.rate / self._value(value))

    def entropy(self) -> Tensor:
        """a + log b + log gamma(a) - (1 + a) psi(a)."""
        a = self.concentration
        return a + np.log(self.rate) + gammaln(a) - (1 + a) * digamma(a)


class FisherSnedecor(Numbers):
    """Fisher's F: the quotient of two Chi2 variables, each over its degrees of freedom.

    log p(x) = (m/2) log(m/n) + (m/2 - 1) log x - (m + n)/2 log(1 + m x / n) - log beta(m/2, n/2), m = df1, n = df2

    Args:
        df1, df2: degrees of freedom of the dividend and of the divisor, above 0.

    >>> FisherSnedecor(3.0, 4.0).mean
    Tensor(2., dtype=float32)
    """

    arg_constraints = {"df1": constraints.positive, "df2": constraints.positive}
    support = constraints.positive
    has_rsample = True
    df1: Any
    df2: Any

    def __init__(self, df1: Any, df2: Any, validate_args: bool | None = None) -> None:
        super().__init__(validate_args, df1=df1, df2=df2)

    @property
    def mean(self) -> Tensor:
        """n / (n - 2); NaN for n up to 2."""
        n = where(self.df2 > 2, self.df2, 3.0)
        return where(self.df2 > 2, n / (n - 2), np.nan)

    @property
    def mode(self) -> Tensor:
        """(m - 2) / m n / (n + 2); NaN for m up to 2."""
        return where(self.df1 > 2, (self.df1 - 2) / self.df1 * self.df2 / (self.df2 + 2), np.nan)

    @property
    def variance(self) -> Tensor:
        """2 n^2 (m + n - 2) / (m (n - 2)^2 (n - 4)); NaN for n up to 4."""
        m, n = self.df1, where(self.df2 > 4, self.df2, 5.0)
        return where(self.df2 > 4, 2 * n**2 * (m + n - 2) / (m * (n - 2) ** 2 * (n - 4)), np.nan)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Differentiable in both degrees of freedom."""
        return random.f(self.df1, self.df2, self._extended(sample_shape))

    def log_prob(self, value: Any) -> Tensor:
        x, m, n = self._value(value), self.df1, self.df2
        powers = m / 2 * np.log(m / n) + xlogy(m / 2 - 1, x) - (m + n) / 2 * np.log1p(m * x / n)
        return powers - betaln(m / 2, n / 2)

    def cdf(self, value: Any) -> Tensor:
        x, m, n = self._value(value), self.df1, self.df2
        return betainc(m / 2, n / 2, m * x / (m * x + n))
