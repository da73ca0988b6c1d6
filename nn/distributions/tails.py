"""Distributions on the positive numbers by their tails: half of a symmetric one, a power."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import Tensor, full_like, random, where, zeros_like
from minigrad.scipy.special import gammaln, ndtr, ndtri, xlogy

from . import constraints
from .constraints import Constraint
from .distribution import Numbers

__all__ = ["HalfCauchy", "HalfNormal", "Pareto", "Weibull"]


class _Half(Numbers):
    """The absolute value of a variable that is symmetric around 0."""

    arg_constraints = {"scale": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    scale: Any

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        """The variable is scale times one of scale 1.

        Args:
            scale: above 0; of `HalfNormal` the standard deviation of the normal variable.
            validate_args: whether parameters and values are checked; None: what `set_default_validate_args` says.
        """
        super().__init__(validate_args, scale=scale)

    def _inside(self, x: Tensor, log_prob: Any) -> Any:
        """-inf for numbers below 0."""
        return where(x >= 0, log_prob, -np.inf)

    @property
    def mode(self) -> Tensor:
        return zeros_like(self.scale)


class HalfNormal(_Half):
    """The absolute value of a normal variable of mean 0.

    >>> HalfNormal(1.0).cdf(0.0)
    Tensor(0., dtype=float32)
    """

    @property
    def mean(self) -> Tensor:
        return self.scale * math.sqrt(2 / math.pi)

    @property
    def variance(self) -> Tensor:
        return self.scale**2 * (1 - 2 / math.pi)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """abs(scale z)."""
        return abs(random.normal(0.0, self.scale, self._extended(sample_shape)))

    def log_prob(self, value: Any) -> Tensor:
        x = self._value(value)
        z = x / self.scale
        return self._inside(x, -z * z / 2 - np.log(self.scale) + math.log(2 / math.pi) / 2)

    def cdf(self, value: Any) -> Tensor:
        return 2 * ndtr(self._value(value) / self.scale) - 1

    def icdf(self, value: Any) -> Tensor:
        return self.scale * ndtri((np.add(value, 1)) / 2)

    def entropy(self) -> Tensor:
        """1/2 + log(pi / 2) / 2 + log scale."""
        return 0.5 + math.log(math.pi / 2) / 2 + np.log(self.scale)


class HalfCauchy(_Half):
    """The absolute value of a Cauchy variable around 0; its mean is infinite.

    >>> HalfCauchy(1.0).cdf(1.0)
    Tensor(0.5, dtype=float32)
    """

    @property
    def mean(self) -> Tensor:
        return full_like(self.scale, np.inf)

    @property
    def variance(self) -> Tensor:
        return full_like(self.scale, np.inf)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """abs(scale tan(pi (u - 1/2)))."""
        noise = random.standard_cauchy(self._extended(sample_shape), dtype=self.scale.dtype, device=self.scale.device)
        return abs(self.scale * noise)

    def log_prob(self, value: Any) -> Tensor:
        x = self._value(value)
        z = x / self.scale
        return self._inside(x, math.log(2 / math.pi) - np.log(self.scale) - np.log1p(z * z))

    def cdf(self, value: Any) -> Tensor:
        return 2 / math.pi * np.arctan(self._value(value) / self.scale)

    def icdf(self, value: Any) -> Tensor:
        return self.scale * np.tan(math.pi / 2 * value)

    def entropy(self) -> Tensor:
        """log(2 pi scale)."""
        return math.log(2 * math.pi) + np.log(self.scale)


class Weibull(Numbers):
    """scale times a power 1 / k of an exponential variable; k is the concentration.

    log p(x) = log(k / scale) + (k - 1) log(x / scale) - (x / scale)^k

    Args:
        scale: above 0.
        concentration: k, above 0; 1: the exponential distribution.

    >>> Weibull(2.0, 1.0).mean                         # an exponential variable
    Tensor(2., dtype=float32)
    """

    arg_constraints = {"scale": constraints.positive, "concentration": constraints.positive}
    support = constraints.positive
    has_rsample = True
    scale: Any
    concentration: Any

    def __init__(self, scale: Any, concentration: Any, validate_args: bool | None = None) -> None:
        super().__init__(validate_args, scale=scale, concentration=concentration)

    @property
    def mean(self) -> Tensor:
        return self.scale * np.exp(gammaln(1 + 1 / self.concentration))

    @property
    def mode(self) -> Tensor:
        """scale ((k - 1) / k)^(1/k); 0 for k up to 1."""
        k = where(self.concentration > 1, self.concentration, 2.0)
        return where(self.concentration > 1, self.scale * ((k - 1) / k) ** (1 / k), 0.0)

    @property
    def variance(self) -> Tensor:
        first, second = (gammaln(1 + n / self.concentration) for n in (1, 2))
        return self.scale**2 * (np.exp(second) - np.exp(2 * first))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """scale (-log u)^(1/k)."""
        return self.scale * random.weibull(self.concentration, self._extended(sample_shape))

    def log_prob(self, value: Any) -> Tensor:
        z, k = self._value(value) / self.scale, self.concentration
        return np.log(k / self.scale) + xlogy(k - 1, z) - z**k

    def cdf(self, value: Any) -> Tensor:
        return -np.expm1(-((self._value(value) / self.scale) ** self.concentration))

    def icdf(self, value: Any) -> Tensor:
        return self.scale * (-np.log1p(np.negative(value))) ** (1 / self.concentration)

    def entropy(self) -> Tensor:
        """Euler's constant (1 - 1/k) + log(scale / k) + 1."""
        k = self.concentration
        return np.euler_gamma * (1 - 1 / k) + np.log(self.scale / k) + 1


class Pareto(Numbers):
    """From `scale` on, falling as a power: log p(x) = log alpha + alpha log scale - (alpha + 1) log x.

    Args:
        scale: the smallest value, above 0.
        alpha: above 0; the larger it is, the faster the density falls.

    >>> Pareto(1.0, 3.0).mean
    Tensor(1.5, dtype=float32)
    """

    arg_constraints = {"scale": constraints.positive, "alpha": constraints.positive}
    has_rsample = True
    scale: Any
    alpha: Any

    def __init__(self, scale: Any, alpha: Any, validate_args: bool | None = None) -> None:
        super().__init__(validate_args, scale=scale, alpha=alpha)

    @property
    def support(self) -> Constraint:
        return constraints.greater_than_eq(self.scale)

    @property
    def mean(self) -> Tensor:
        """alpha scale / (alpha - 1); infinite for alpha up to 1."""
        a = where(self.alpha > 1, self.alpha, 2.0)
        return where(self.alpha > 1, a * self.scale / (a - 1), np.inf)

    @property
    def mode(self) -> Tensor:
        return self.scale

    @property
    def variance(self) -> Tensor:
        """scale^2 alpha / ((alpha - 1)^2 (alpha - 2)); infinite for alpha up to 2."""
        a = where(self.alpha > 2, self.alpha, 3.0)
        return where(self.alpha > 2, self.scale**2 * a / ((a - 1) ** 2 * (a - 2)), np.inf)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """scale u^(-1/alpha)."""
        return self.scale * (1 + random.pareto(self.alpha, self._extended(sample_shape)))

    def log_prob(self, value: Any) -> Tensor:
        x, a = self._value(value), self.alpha
        inside = x >= self.scale
        log_prob = np.log(a) + a * np.log(self.scale) - (a + 1) * np.log(where(inside, x, self.scale))
        return where(inside, log_prob, -np.inf)

    def cdf(self, value: Any) -> Tensor:
        x = self._value(value)
        inside = x >= self.scale
        return where(inside, 1 - (self.scale / where(inside, x, self.scale)) ** self.alpha, 0.0)

    def icdf(self, value: Any) -> Tensor:
        return self.scale * np.subtract(1, value) ** (-1 / self.alpha)

    def entropy(self) -> Tensor:
        """log(scale / alpha) + 1 + 1 / alpha."""
        return np.log(self.scale / self.alpha) + 1 + 1 / self.alpha
