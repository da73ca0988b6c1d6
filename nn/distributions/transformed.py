"""Distributions of functions of random variables: in general, and the known ones among them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import Tensor, log_softmax, logsumexp, no_grad, random, raw, where

from . import constraints
from .categorical import Classes
from .compound import Independent, sum_last
from .constraints import Constraint
from .discrete import Odds, derived
from .distribution import Distribution, parameters
from .real_line import Normal
from .transforms import ComposeTransform, ExpTransform, SigmoidTransform, StickBreakingTransform, Transform

__all__ = [
    "LogNormal", "LogisticNormal", "RelaxedBernoulli", "RelaxedOneHotCategorical", "TransformedDistribution",
]  # fmt: skip


class TransformedDistribution(Distribution):
    """y = t(x), with x of a known distribution: log p(y) = log p(x) - log abs(dy/dx).

    Args:
        base_distribution: that of x.
        transforms: a transform, or several, the first one first.
        validate_args: whether values are checked; None: what `set_default_validate_args` says.

    >>> from nn.distributions import transforms
    >>> log_normal = TransformedDistribution(Normal(0.0, 1.0), transforms.ExpTransform())
    >>> log_normal.log_prob(1.0)
    Tensor(-0.9189385, dtype=float32)
    """

    def __init__(self, base_distribution: Distribution, transforms: Any, validate_args: bool | None = None) -> None:
        self.transforms: list[Transform] = [transforms] if isinstance(transforms, Transform) else list(transforms)
        wrong = [t for t in self.transforms if not isinstance(t, Transform)]
        if wrong:
            raise ValueError(f"TransformedDistribution: expected transforms, got {type(wrong[0]).__name__}")
        chain = ComposeTransform(self.transforms)
        base_shape = base_distribution.batch_shape + base_distribution.event_shape
        domain, codomain = chain.domain.event_dim, chain.codomain.event_dim
        if len(base_shape) < domain:
            raise ValueError(f"TransformedDistribution: the transforms need {domain} axes, the base has the shape {base_shape}")
        shape = chain.forward_shape(base_shape)
        wide = chain.inverse_shape(shape)
        if wide != base_shape:
            events = len(base_distribution.event_shape)
            base_distribution = base_distribution.expand(wide[: len(wide) - events])
        more = domain - len(base_distribution.event_shape)
        self.base_dist = Independent(base_distribution, more) if more > 0 else base_distribution
        events = codomain + max(len(self.base_dist.event_shape) - domain, 0)
        self.has_rsample = self.base_dist.has_rsample
        super().__init__(shape[: len(shape) - events], shape[len(shape) - events :], validate_args)

    def _first(self) -> Any:
        return self.base_dist._first()

    @property
    def support(self) -> Constraint:
        if not self.transforms:
            return self.base_dist.support
        last = self.transforms[-1].codomain
        more = len(self.event_shape) - last.event_dim
        return constraints.independent(last, more) if more > 0 else last

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():
            return self._forward(self.base_dist.sample(sample_shape)).detach()

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self._forward(self.base_dist.rsample(sample_shape))

    def _forward(self, x: Any) -> Any:
        for transform in self.transforms:
            x = transform(x)
        return x

    def log_prob(self, value: Any) -> Tensor:
        y: Any = self._value(value)
        out: Any = 0.0
        events = len(self.event_shape)
        for transform in reversed(self.transforms):
            x = transform.inv(y)
            events += transform.domain.event_dim - transform.codomain.event_dim
            out = out - sum_last(transform.log_abs_det_jacobian(x, y), events - transform.domain.event_dim)
            y = x
        return out + sum_last(self.base_dist.log_prob(y), events - len(self.base_dist.event_shape))

    def _rises(self) -> Any:
        """Whether the transforms rise, for each element; their signs multiplied."""
        sign: Any = 1
        for transform in self.transforms:
            sign = sign * transform.sign
        return raw(sign > 0)

    def cdf(self, value: Any) -> Tensor:
        """P(x) where the transforms rise, 1 - P(x) where they fall."""
        y: Any = self._value(value)
        for transform in reversed(self.transforms):
            y = transform.inv(y)
        out = self.base_dist.cdf(y)
        return where(self._rises(), out, 1 - out)

    def icdf(self, value: Any) -> Tensor:
        return self._forward(self.base_dist.icdf(where(self._rises(), value, np.subtract(1, value))))

    def expand(self, batch_shape: Any) -> Any:
        shape = tuple(batch_shape)
        chain = ComposeTransform(self.transforms)
        wide = chain.inverse_shape((*shape, *self.event_shape))
        base = self.base_dist.expand(wide[: len(wide) - len(self.base_dist.event_shape)])
        return TransformedDistribution(base, self.transforms, self._validate_args)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_dist!r}, {self.transforms!r})"


class LogNormal(TransformedDistribution):
    """e to a normal variable: log p(x) = -(log x - loc)^2 / (2 scale^2) - log(x scale) - log(2 pi) / 2.

    Args:
        loc: the mean of log x.
        scale: the standard deviation of log x, above 0.
        validate_args: whether parameters and values are checked; None: what `set_default_validate_args` says.

    >>> LogNormal(0.0, 1.0).log_prob(1.0)
    Tensor(-0.9189385, dtype=float32)
    """

    base_dist: Normal

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        super().__init__(Normal(loc, scale, validate_args), ExpTransform(), validate_args)

    @property
    def loc(self) -> Tensor:
        """The mean of log x."""
        return self.base_dist.loc

    @property
    def scale(self) -> Tensor:
        """The standard deviation of log x."""
        return self.base_dist.scale

    @property
    def mean(self) -> Tensor:
        """e^(loc + scale^2 / 2)."""
        return np.exp(self.loc + self.scale**2 / 2)

    @property
    def mode(self) -> Tensor:
        """e^(loc - scale^2)."""
        return np.exp(self.loc - self.scale**2)

    @property
    def variance(self) -> Tensor:
        """(e^(scale^2) - 1) e^(2 loc + scale^2)."""
        square = self.scale**2
        return np.expm1(square) * np.exp(2 * self.loc + square)

    def entropy(self) -> Tensor:
        """That of log x, and loc."""
        return self.base_dist.entropy() + self.loc

    def expand(self, batch_shape: Any) -> Any:
        base = self.base_dist.expand(batch_shape)
        return LogNormal(base.loc, base.scale, self._validate_args)


class LogisticNormal(TransformedDistribution):
    """Normal vectors broken into parts of a stick: points of the simplex.

    Args:
        loc: the mean of the normal vectors, (..., d); a value has d + 1 parts, which add up to 1.
        scale: their standard deviation, above 0.
        validate_args: whether parameters and values are checked; None: what `set_default_validate_args` says.

    >>> LogisticNormal(np.zeros(2), np.ones(2)).event_shape
    (3,)
    """

    base_dist: Independent

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        super().__init__(Normal(loc, scale, validate_args), StickBreakingTransform(), validate_args)

    @property
    def loc(self) -> Tensor:
        """The mean of the normal vectors."""
        return self.base_dist.mean

    @property
    def scale(self) -> Tensor:
        """The standard deviation of the normal vectors."""
        return self.base_dist.base_dist.stddev


# ------------------------------------------------------------------------------ relaxed classes


class _RelaxedLogit(Odds):
    """The log odds of a relaxed Bernoulli variable: (logits + logistic noise) / temperature."""

    support = constraints.real
    has_rsample = True

    def __init__(self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        super().__init__(probs, logits, validate_args)
        (self.temperature,) = parameters(temperature)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return random.logistic(self.logits, 1.0, self._extended(sample_shape)) / self.temperature

    def log_prob(self, value: Any) -> Tensor:
        off = self.logits - self._value(value) * self.temperature
        return np.log(self.temperature) + off - 2 * np.logaddexp(0.0, off)


class RelaxedBernoulli(TransformedDistribution):
    """Numbers between 0 and 1 in place of 0 and 1, differentiable in the probability; the colder, the closer to 0 and 1.

    Args:
        temperature: above 0.
        probs: the probability of 1.
        logits: its log odds; give one of both.
        validate_args: whether parameters and values are checked; None: what `set_default_validate_args` says.

    >>> p = Tensor(0.3, requires_grad=True)
    >>> RelaxedBernoulli(0.5, probs=p).rsample((4,)).sum().backward()
    >>> bool(p.grad > 0)
    True
    """

    def __init__(self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        _check_temperature("RelaxedBernoulli", temperature)
        super().__init__(_RelaxedLogit(temperature, probs, logits, validate_args), SigmoidTransform(), validate_args)

    temperature = derived(lambda self: self.base_dist.temperature)
    probs = derived(lambda self: self.base_dist.probs)
    logits = derived(lambda self: self.base_dist.logits)


class _RelaxedLogProbabilities(Classes):
    """The logarithms of a relaxed one-hot vector: log_softmax((logits + Gumbel noise) / temperature)."""

    support = constraints.real_vector
    has_rsample = True
    has_enumerate_support = False

    def __init__(self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        super().__init__(probs, logits, validate_args)
        (self.temperature,) = parameters(temperature)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        noisy = random.gumbel(self.logits, 1.0, self._extended(sample_shape))
        return log_softmax(noisy / self.temperature, axis=-1)

    def log_prob(self, value: Any) -> Tensor:
        k = self._classes
        score = self.logits - self._value(value) * self.temperature
        score = np.sum(score - logsumexp(score, axis=-1, keepdims=True), axis=-1)
        return score + math.lgamma(k) + (k - 1) * np.log(self.temperature)


class RelaxedOneHotCategorical(TransformedDistribution):
    """Points of the simplex in place of one-hot vectors (Gumbel softmax), differentiable in the probabilities.

    Args:
        temperature: above 0, one number; the colder, the closer to one-hot vectors.
        probs, logits: (..., K), one of both, as of `Categorical`.
        validate_args: whether parameters and values are checked; None: what `set_default_validate_args` says.

    >>> RelaxedOneHotCategorical(0.5, logits=np.zeros(3)).rsample().sum().round(5)
    Tensor(1., dtype=float64)
    """

    def __init__(self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        _check_temperature("RelaxedOneHotCategorical", temperature)
        base = _RelaxedLogProbabilities(temperature, probs, logits, validate_args)
        super().__init__(base, ExpTransform(), validate_args)

    @property
    def support(self) -> Constraint:
        return constraints.simplex

    temperature = derived(lambda self: self.base_dist.temperature)
    probs = derived(lambda self: self.base_dist.probs)
    logits = derived(lambda self: self.base_dist.logits)


def _as_array(x: Any) -> Any:
    """The array of a Tensor or a number."""
    return raw(x) if hasattr(x, "dtype") else np.asarray(x)


def _check_temperature(name: str, temperature: Any) -> None:
    value = _as_array(temperature)
    constraints.positive.require(
        value, lambda: ValueError(f"{name}: temperature must be {constraints.positive}, got {temperature}")
    )
