"""Distributions on an interval, and on a circle."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import Tensor, clip, full_like, random, raw, where
from minigrad.scipy.special import betainc, betaincinv, betaln, digamma, i0e, i1e, xlog1py, xlogy

from . import constraints
from .constraints import Constraint
from .discrete import Odds, log_odds_loss
from .distribution import Centred, Numbers

__all__ = ["Beta", "ContinuousBernoulli", "Kumaraswamy", "Uniform", "VonMises"]


class Uniform(Numbers):
    """All numbers from low up to but without high are equally likely: log p(x) = -log(high - low).

    Args:
        low, high: the bounds.

    Raises:
        ValueError: low is not less than high.

    >>> Uniform(0.0, 4.0).log_prob(1.0)
    Tensor(-1.3862944, dtype=float32)
    """

    arg_constraints = {"low": constraints.real, "high": constraints.real}
    has_rsample = True
    low: Any
    high: Any

    def __init__(self, low: Any, high: Any, validate_args: bool | None = None) -> None:
        super().__init__(validate_args, low=low, high=high)
        if self._validate_args:
            widths = raw(self.high - self.low)
            constraints.greater_than(0.0).require(widths, lambda: ValueError("Uniform: low must be less than high, everywhere"))

    @property
    def support(self) -> Constraint:
        return constraints.interval(self.low, self.high)

    @property
    def mean(self) -> Tensor:
        return (self.low + self.high) / 2

    @property
    def mode(self) -> Tensor:
        """NaN: no value is more likely than another."""
        return full_like(self.low, np.nan)

    @property
    def variance(self) -> Tensor:
        return (self.high - self.low) ** 2 / 12

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """low + (high - low) u."""
        return random.uniform(self.low, self.high, self._extended(sample_shape))

    def log_prob(self, value: Any) -> Tensor:
        x = self._value(value)
        return where((self.low <= x) & (x < self.high), -np.log(self.high - self.low), -np.inf)

    def cdf(self, value: Any) -> Tensor:
        return clip((self._value(value) - self.low) / (self.high - self.low), 0.0, 1.0)

    def icdf(self, value: Any) -> Tensor:
        return self.low + value * (self.high - self.low)

    def entropy(self) -> Tensor:
        """log(high - low)."""
        return np.log(self.high - self.low)


class _OfTwoConcentrations(Numbers):
    """Numbers between 0 and 1, drawn to 1 by the first concentration and to 0 by the other."""

    arg_constraints = {"concentration1": constraints.positive, "concentration0": constraints.positive}
    support = constraints.unit_interval
    has_rsample = True
    concentration1: Any
    concentration0: Any

    def __init__(
        self, concentration1: Any, concentration0: Any, validate_args: bool | None = None
    ) -> None:
        """Numbers between 0 and 1.

        Args:
            concentration1: a, above 0; the larger it is, the closer to 1.
            concentration0: b, above 0; the larger it is, the closer to 0.
            validate_args: whether parameters and values are checked; None: what
                `set_default_validate_args` says.
        """
        super().__init__(
            validate_args, concentration1=concentration1, concentration0=concentration0
        )


class Beta(_OfTwoConcentrations):
    """log p(x) = (a - 1) log x + (b - 1) log(1 - x) - log beta(a, b), a = concentration1, b = concentration0.

    >>> Beta(2.0, 2.0).mean
    Tensor(0.5, dtype=float32)
    """

    @property
    def mean(self) -> Tensor:
        return self.concentration1 / (self.concentration1 + self.concentration0)

    @property
    def mode(self) -> Tensor:
        """(a - 1) / (a + b - 2) for a, b > 1; NaN where both ends, or all values, are as likely."""
        a, b = np.maximum(self.concentration1 - 1, 0.0), np.maximum(self.concentration0 - 1, 0.0)
        known = a + b > 0
        return where(known, a / where(known, a + b, 1.0), np.nan)

    @property
    def variance(self) -> Tensor:
        total = self.concentration1 + self.concentration0
        return self.concentration1 * self.concentration0 / (total**2 * (total + 1))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """x / (x + y) with gamma variables; differentiable in both concentrations."""
        return random.beta(self.concentration1, self.concentration0, self._extended(sample_shape))

    def log_prob(self, value: Any) -> Tensor:
        x, a, b = self._value(value), self.concentration1, self.concentration0
        return xlogy(a - 1, x) + xlog1py(b - 1, -x) - betaln(a, b)

    def cdf(self, value: Any) -> Tensor:
        return betainc(self.concentration1, self.concentration0, self._value(value))

    def icdf(self, value: Any) -> Tensor:
        return betaincinv(self.concentration1, self.concentration0, value)

    def entropy(self) -> Tensor:
        """log beta(a, b) - (a - 1) psi(a) - (b - 1) psi(b) + (a + b - 2) psi(a + b)."""
        a, b = self.concentration1, self.concentration0
        return betaln(a, b) - (a - 1) * digamma(a) - (b - 1) * digamma(b) + (a + b - 2) * digamma(a + b)


class Kumaraswamy(_OfTwoConcentrations):
    """Like Beta, with a distribution function in closed form: P(x) = 1 - (1 - x^a)^b.

    >>> Kumaraswamy(1.0, 1.0).cdf(0.25)
    Tensor(0.25, dtype=float32)
    """

    def _moment(self, n: int) -> Any:
        """The mean of x^n: b beta(1 + n / a, b)."""
        return self.concentration0 * np.exp(betaln(1 + n / self.concentration1, self.concentration0))

    @property
    def mean(self) -> Tensor:
        return self._moment(1)

    @property
    def mode(self) -> Tensor:
        """((a - 1) / (a b - 1))^(1/a); NaN where the density is highest at an end, or flat."""
        a, b = self.concentration1, self.concentration0
        known = (a >= 1) & (b >= 1) & (a * b > 1)
        a, b = where(known, a, 2.0), where(known, b, 2.0)
        return where(known, ((a - 1) / (a * b - 1)) ** (1 / a), np.nan)

    @property
    def variance(self) -> Tensor:
        return self._moment(2) - self._moment(1) ** 2

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """The quantile of a uniform variable."""
        like = self.concentration1
        u = random.random(self._extended(sample_shape), dtype=like.dtype, device=like.device)
        tiny = float(np.finfo(like.dtype).tiny)
        return self.icdf(clip(u, tiny, 1 - float(np.finfo(like.dtype).eps)))

    def log_prob(self, value: Any) -> Tensor:
        x, a, b = self._value(value), self.concentration1, self.concentration0
        return np.log(a) + np.log(b) + xlogy(a - 1, x) + xlog1py(b - 1, -(x**a))

    def cdf(self, value: Any) -> Tensor:
        x, a, b = self._value(value), self.concentration1, self.concentration0
        return -np.expm1(xlog1py(b, -(x**a)))

    def icdf(self, value: Any) -> Tensor:
        a, b = self.concentration1, self.concentration0
        return (-np.expm1(np.log1p(np.negative(value)) / b)) ** (1 / a)

    def entropy(self) -> Tensor:
        """(1 - 1/b) + (1 - 1/a) (psi(b + 1) + Euler's constant) - log(a b)."""
        a, b = self.concentration1, self.concentration0
        return (1 - 1 / b) + (1 - 1 / a) * (digamma(b + 1) + np.euler_gamma) - np.log(a) - np.log(b)


class ContinuousBernoulli(Odds):
    """Numbers of [0, 1] with log p(x) = x log p + (1 - x) log(1 - p) + log C, for pixels of variational autoencoders.

    C = 2 artanh(1 - 2 p) / (1 - 2 p), and 2 at p = 1/2; close to it the first terms of its series are taken.

    Args:
        lims: between these p the series is taken.

    >>> ContinuousBernoulli(0.5).log_prob(0.3)         # the uniform distribution
    Tensor(0., dtype=float32)
    """

    support = constraints.unit_interval
    has_rsample = True

    def __init__(
        self, probs: Any = None, logits: Any = None, lims: tuple[float, float] = (0.499, 0.501), validate_args: bool | None = None
    ) -> None:
        self.lims = lims
        super().__init__(probs, logits, validate_args)

    def _parts(self) -> tuple[Any, Any, Any]:
        """p within (0, 1), whether it is close to 1/2, and p with 1/4 in place of those."""
        eps = float(np.finfo(self._first().dtype).eps)
        p = clip(self.probs, eps, 1 - eps)
        close = (p > self.lims[0]) & (p < self.lims[1])
        return p, close, where(close, 0.25, p)

    def _log_constant(self) -> Any:
        p, close, away = self._parts()
        exact = np.log(abs(np.log1p(-away) - np.log(away))) - np.log(abs(1 - 2 * away))
        square = (p - 0.5) ** 2
        return where(close, math.log(2.0) + (4 / 3 + 104 / 45 * square) * square, exact)

    @property
    def mean(self) -> Tensor:
        """p / (2 p - 1) + 1 / (2 artanh(1 - 2 p))."""
        p, close, away = self._parts()
        exact = away / (2 * away - 1) + 1 / (np.log1p(-away) - np.log(away))
        x = p - 0.5
        return where(close, 0.5 + (1 / 3 + 16 / 45 * x**2) * x, exact)

    @property
    def variance(self) -> Tensor:
        p, close, away = self._parts()
        exact = away * (away - 1) / (1 - 2 * away) ** 2 + 1 / (np.log1p(-away) - np.log(away)) ** 2
        x = (p - 0.5) ** 2
        return where(close, 1 / 12 - (1 / 15 - 128 / 945 * x) * x, exact)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """The quantile of a uniform variable."""
        like = self._first()
        return self.icdf(random.random(self._extended(sample_shape), dtype=like.dtype, device=like.device))

    def log_prob(self, value: Any) -> Tensor:
        return -log_odds_loss(self.logits, self._value(value)) + self._log_constant()

    def cdf(self, value: Any) -> Tensor:
        x = self._value(value)
        _, close, away = self._parts()
        inside = (away**x * (1 - away) ** (1 - x) + away - 1) / (2 * away - 1)
        return clip(where(close, x, inside), 0.0, 1.0)

    def icdf(self, value: Any) -> Tensor:
        _, close, away = self._parts()
        away_value = (np.log1p(-away + value * (2 * away - 1)) - np.log1p(-away)) / (np.log(away) - np.log1p(-away))
        return where(close, value, away_value)

    def entropy(self) -> Tensor:
        p, _, _ = self._parts()
        return self.mean * (np.log1p(-p) - np.log(p)) - self._log_constant() - np.log1p(-p)


class VonMises(Centred, Numbers):
    """Angles around loc: log p(x) = k cos(x - loc) - log(2 pi I_0(k)), with k the concentration.

    The mean is that of the directions.  Draws are constants: they have no rsample.

    Args:
        loc: an angle, in radians.
        concentration: k, above 0; the larger it is, the closer are the angles.

    >>> VonMises(0.0, 1.0).log_prob(0.0).round(4)
    Tensor(-1.0738, dtype=float32)
    """

    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real
    concentration: Any

    def __init__(self, loc: Any, concentration: Any, validate_args: bool | None = None) -> None:
        super().__init__(validate_args, loc=loc, concentration=concentration)

    @property
    def variance(self) -> Tensor:
        """The circular variance, 1 - I_1(k) / I_0(k)."""
        return 1 - i1e(self.concentration) / i0e(self.concentration)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Angles between -pi and pi."""
        drawn = random.vonmises(self.loc.detach(), self.concentration.detach(), self._extended(sample_shape))
        return (drawn + math.pi) % (2 * math.pi) - math.pi

    def log_prob(self, value: Any) -> Tensor:
        k = self.concentration
        return k * (np.cos(self._value(value) - self.loc) - 1) - math.log(2 * math.pi) - np.log(i0e(k))
