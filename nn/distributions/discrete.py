"""Distributions of counts: whole numbers, as floating numbers of the parameters' dtype."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import Tensor, broadcast_to, clip, no_grad, random, raw, where, zeros_like
from minigrad.arrays import all_examples
from minigrad.scipy.special import expit, gammaln, log_expit, xlog1py, xlogy

from ..values import host
from . import constraints
from .constraints import Constraint
from .distribution import Distribution, Numbers, constant_like

__all__ = ["Bernoulli", "Binomial", "Geometric", "NegativeBinomial", "Poisson"]


class derived:
    """An attribute that is computed from others, at each access, unless the object was given one of this name.

    It is not kept: what is computed under `no_grad` has no graph, and must not be met by those who need one.
    """

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function, self.__doc__ = function, function.__doc__

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else self.function(instance)


def only_one(name: str, **given: Any) -> str:
    """The name of the one argument that is not None."""
    named = [key for key, value in given.items() if value is not None]
    if len(named) != 1:
        got = " and ".join(named) or "none of them"
        raise ValueError(f"{name}: give exactly one of {', '.join(given)}; got {got}")
    return named[0]


def within(probs: Any) -> Any:
    """Probabilities away from 0 and 1 by the precision of their dtype, so that their logarithms are finite."""
    eps = float(np.finfo(probs.dtype).eps)
    return clip(probs, eps, 1 - eps)


def log_odds_loss(logits: Any, target: Any) -> Any:
    """-target log p - (1 - target) log(1 - p), p = expit(logits): binary cross entropy."""
    return np.logaddexp(0.0, logits) - logits * target


class Odds(Numbers):
    """A distribution with a probability, given by itself or by its log odds, log(p / (1 - p))."""

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        """With a probability or with its log odds; give one of both.

        Args:
            probs: p, from 0 to 1: of all but `ContinuousBernoulli` the probability of a success. Of `Geometric` it is above 0, of
                `NegativeBinomial` below 1.
            logits: log(p / (1 - p)), any number.
            validate_args: whether parameters and values are checked; None: what `set_default_validate_args` says.
        """
        self._start(probs, logits, validate_args)

    def _start(
        self, probs: Any, logits: Any, validate_args: bool | None, **others: Any
    ) -> None:
        """The probability as it was given, beside other parameters."""
        given = only_one(type(self).__name__, probs=probs, logits=logits)
        others[given] = probs if logits is None else logits
        Numbers.__init__(self, validate_args, **others)

    @derived
    def probs(self) -> Any:
        """The probability."""
        return expit(self.logits)

    @derived
    def logits(self) -> Any:
        """The log odds of the probability."""
        p = within(self.probs)
        return np.log(p) - np.log1p(-p)


class Bernoulli(Odds):
    """1 with probability p, else 0: log p(x) = x log p + (1 - x) log(1 - p).

    >>> Bernoulli(0.25).log_prob(1.0)
    Tensor(-1.3862944, dtype=float32)
    """

    support = constraints.boolean
    has_enumerate_support = True

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def mode(self) -> Tensor:
        """1 or 0, the more likely one; NaN for p = 1/2."""
        p = self.probs
        return where(p == 0.5, np.nan, (p > 0.5).astype(p.dtype))

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():
            return random.bernoulli(broadcast_to(self.probs, self._extended(sample_shape)))

    def log_prob(self, value: Any) -> Tensor:
        return -log_odds_loss(self.logits, self._value(value))

    def entropy(self) -> Tensor:
        """-p log p - (1 - p) log(1 - p)."""
        return log_odds_loss(self.logits, self.probs)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """0 and 1."""
        return counted(self, 2, expand)


def counted(distribution: Distribution, n: int, expand: bool) -> Tensor:
    """0 to n - 1 along a first axis, with ones for the batch, or repeated along it."""
    values = constant_like(np.arange(n), distribution._first())
    column = values.reshape((n,) + (1,) * len(distribution.batch_shape))
    return broadcast_to(column, (n, *distribution.batch_shape)) if expand else column


class Binomial(Odds):
    """The number of successes in n trials of probability p.

    log p(x) = log(n! / (x! (n - x)!)) + x log p + (n - x) log(1 - p)

    Args:
        total_count: n, the number of trials.

    >>> Binomial(10, 0.5).mean
    Tensor(5., dtype=float32)
    """

    arg_constraints = {"total_count": constraints.nonnegative_integer, **Odds.arg_constraints}
    has_enumerate_support = True
    total_count: Any

    def __init__(self, total_count: Any = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._start(probs, logits, validate_args, total_count=total_count)

    @property
    def support(self) -> Constraint:
        return constraints.integer_interval(0, self.total_count)

    @property
    def mean(self) -> Tensor:
        return self.total_count * self.probs

    @property
    def mode(self) -> Tensor:
        """The whole part of (n + 1) p, at most n."""
        return np.minimum(np.floor((self.total_count + 1) * self.probs), self.total_count)

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():
            n = raw(self.total_count).astype(np.int64)
            return random.binomial(n, self.probs, self._extended(sample_shape)).astype(self._first().dtype)

    def log_prob(self, value: Any) -> Tensor:
        x, n = self._value(value), self.total_count
        possible = x <= n
        x = where(possible, x, 0.0)
        ways = gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1)
        return where(possible, ways + x * self.logits - n * np.logaddexp(0.0, self.logits), -np.inf)

    def _trials(self, what: str) -> int:
        counts = np.unique(host(all_examples(raw(self.total_count))))
        if counts.size != 1:
            raise NotImplementedError(f"Binomial: {what} needs one total_count for the whole batch, got {counts.tolist()}")
        return int(counts[0])

    def entropy(self) -> Tensor:
        """The sum over all counts; one total_count for the whole batch."""
        log_p = self.log_prob(counted(self, self._trials("entropy") + 1, False))
        return -np.sum(np.exp(log_p) * log_p, axis=0)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """0 to n; one total_count for the whole batch."""
        return counted(self, self._trials("enumerate_support") + 1, expand)


class Geometric(Odds):
    """The number of failures before the first success: log p(x) = x log(1 - p) + log p.

    >>> Geometric(0.25).mean
    Tensor(3., dtype=float32)
    """

    support = constraints.nonnegative_integer

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        super().__init__(probs, logits, validate_args)
        if self._validate_args:
            self._check_parameter("probs", self.probs, constraints.greater_than(0.0))

    @property
    def mean(self) -> Tensor:
        return 1 / self.probs - 1

    @property
    def mode(self) -> Tensor:
        return zeros_like(self.probs)

    @property
    def variance(self) -> Tensor:
        return (1 / self.probs - 1) / self.probs

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():
            return (random.geometric(self.probs, self._extended(sample_shape)) - 1).astype(self._first().dtype)

    def log_prob(self, value: Any) -> Tensor:
        return xlog1py(self._value(value), -self.probs) + np.log(self.probs)

    def entropy(self) -> Tensor:
        """(-p log p - (1 - p) log(1 - p)) / p."""
        return log_odds_loss(self.logits, self.probs) / self.probs


class NegativeBinomial(Odds):
    """The number of successes of probability p before `total_count` failures, which may be a fraction.

    log p(x) = log gamma(n + x) - log gamma(x + 1) - log gamma(n) + n log(1 - p) + x log p

    Args:
        total_count: n, the number of failures at which one stops counting, not negative.

    >>> NegativeBinomial(3.0, 0.5).mean
    Tensor(3., dtype=float32)
    """

    arg_constraints = {
        "total_count": constraints.nonnegative, "probs": constraints.half_open_interval(0.0, 1.0), "logits": constraints.real,
    }  # fmt: skip
    support = constraints.nonnegative_integer
    total_count: Any

    def __init__(self, total_count: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._start(probs, logits, validate_args, total_count=total_count)

    @property
    def mean(self) -> Tensor:
        return self.total_count * np.exp(self.logits)

    @property
    def mode(self) -> Tensor:
        """The whole part of (n - 1) p / (1 - p), at least 0."""
        return np.maximum(np.floor((self.total_count - 1) * np.exp(self.logits)), 0.0)

    @property
    def variance(self) -> Tensor:
        return self.mean / expit(-self.logits)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Poisson counts of rates that are gamma variables."""
        with no_grad():
            rate = random.gamma(self.total_count, np.exp(self.logits), self._extended(sample_shape))
            return random.poisson(rate).astype(self._first().dtype)

    def log_prob(self, value: Any) -> Tensor:
        x, n = self._value(value), self.total_count
        never = n + x == 0
        ways = gammaln(where(never, 1.0, n + x)) - gammaln(x + 1) - gammaln(where(never, 1.0, n))
        return n * log_expit(-self.logits) + x * log_expit(self.logits) + ways


class Poisson(Numbers):
    """Counts of independent events, `rate` of them on average: log p(x) = x log rate - rate - log x!

    Args:
        rate: the mean, not negative.

    >>> Poisson(2.0).log_prob(0.0)
    Tensor(-2., dtype=float32)
    """

    arg_constraints = {"rate": constraints.nonnegative}
    support = constraints.nonnegative_integer
    rate: Any

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        super().__init__(validate_args, rate=rate)

    @property
    def mean(self) -> Tensor:
        return self.rate

    @property
    def mode(self) -> Tensor:
        return np.floor(self.rate)

    @property
    def variance(self) -> Tensor:
        return self.rate

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():
            return random.poisson(self.rate, self._extended(sample_shape)).astype(self.rate.dtype)

    def log_prob(self, value: Any) -> Tensor:
        x = self._value(value)
        return xlogy(x, self.rate) - self.rate - gammaln(x + 1)
