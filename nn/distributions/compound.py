"""Distributions made of others: axes of a batch as parts of one value, and mixtures."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from minigrad import Tensor, broadcast_to, logsumexp, no_grad, take_along_axis

from . import constraints
from .categorical import Categorical
from .constraints import Constraint
from .distribution import Distribution

__all__ = ["Independent", "MixtureSameFamily"]


def sum_last(x: Any, dims: int) -> Any:
    """The sum over the last axes."""
    return np.sum(x, axis=tuple(range(-dims, 0))) if dims else x


def unchecked(distribution: Distribution) -> Distribution:
    """A copy that does not check its values: what is impossible for it has the density 0."""
    out = copy.copy(distribution)
    out._validate_args = False
    if hasattr(out, "base_dist"):
        out.base_dist = unchecked(out.base_dist)
    return out


class _OfOne(Constraint):
    """Values that are in a set for one of the components, along the last axis of the batch."""

    def __init__(self, each: Constraint) -> None:
        self.each, self.event_dim, self.is_discrete = each, each.event_dim, each.is_discrete

    @property
    def words(self) -> str:  # type: ignore[override]
        return f"{self.each}, for a component at least"

    def check(self, value: Any) -> Any:
        return np.any(self.each.check(np.expand_dims(value, -1 - self.event_dim)), axis=-1)


class Independent(Distribution):
    """The last axes of a distribution's batch as axes of one value, whose log density is the sum over them.

    Args:
        base_distribution: any distribution.
        reinterpreted_batch_ndims: how many of the last axes of its batch; 0: none.
        validate_args: whether values are checked; None: what `set_default_validate_args` says.

    Raises:
        ValueError: the batch has fewer axes.

    >>> from nn.distributions import Normal
    >>> Independent(Normal(np.zeros(3), 1.0), 1).event_shape
    (3,)
    """

    def __init__(
        self, base_distribution: Distribution, reinterpreted_batch_ndims: int, validate_args: bool | None = None
    ) -> None:
        n, batch = reinterpreted_batch_ndims, base_distribution.batch_shape
        if not 0 <= n <= len(batch):
            raise ValueError(f"Independent: the batch has shape {batch}, it has no {n} last axes")
        self.base_dist, self.reinterpreted_batch_ndims = base_distribution, n
        self.has_rsample = base_distribution.has_rsample
        keep = len(batch) - n
        super().__init__(batch[:keep], batch[keep:] + base_distribution.event_shape, validate_args)

    def _first(self) -> Any:
        return self.base_dist._first()

    @property
    def support(self) -> Constraint:
        return constraints.independent(self.base_dist.support, self.reinterpreted_batch_ndims)

    @property
    def mean(self) -> Tensor:
        return self.base_dist.mean

    @property
    def mode(self) -> Tensor:
        return self.base_dist.mode

    @property
    def variance(self) -> Tensor:
        return self.base_dist.variance

    def sample(self, sample_shape: Any = ()) -> Tensor:
        return self.base_dist.sample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self.base_dist.rsample(sample_shape)

    def log_prob(self, value: Any) -> Tensor:
        return sum_last(self.base_dist.log_prob(value), self.reinterpreted_batch_ndims)

    def entropy(self) -> Tensor:
        return sum_last(self.base_dist.entropy(), self.reinterpreted_batch_ndims)

    def expand(self, batch_shape: Any) -> Any:
        shape = tuple(batch_shape)
        n = self.reinterpreted_batch_ndims
        inner = self.event_shape[:n]
        return Independent(self.base_dist.expand((*shape, *inner)), n, self._validate_args)

    def __repr__(self) -> str:
        return f"Independent({self.base_dist!r}, {self.reinterpreted_batch_ndims})"


class MixtureSameFamily(Distribution):
    """A mixture: p(x) = sum_k w_k p_k(x), of components along the last axis of a batch.

    Draws are constants; log_prob is differentiable in the weights and the components.

    Args:
        mixture_distribution: a Categorical, the weights w, of batch shape (...) and K classes.
        component_distribution: the components, of batch shape (..., K).
        validate_args: whether values are checked; None: what `set_default_validate_args` says.

    >>> from nn.distributions import Normal
    >>> mixture = MixtureSameFamily(Categorical(probs=[0.5, 0.5]), Normal([-1.0, 1.0], [0.1, 0.1]))
    >>> mixture.mean
    Tensor(0., dtype=float32)
    """

    def __init__(
        self, mixture_distribution: Categorical, component_distribution: Distribution, validate_args: bool | None = None
    ) -> None:
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError(f"MixtureSameFamily: the weights must be a Categorical, got {type(mixture_distribution).__name__}")
        classes, batch = mixture_distribution._classes, component_distribution.batch_shape
        if not batch or batch[-1] != classes:
            raise ValueError(f"MixtureSameFamily: {classes} weights need components of batch shape (..., {classes}), got {batch}")
        shape = np.broadcast_shapes(mixture_distribution.batch_shape, batch[:-1])
        self.mixture_distribution = mixture_distribution.expand(shape)
        self.component_distribution = component_distribution.expand((*shape, classes))
        super().__init__(shape, component_distribution.event_shape, validate_args)

    def _first(self) -> Any:
        return self.component_distribution._first()

    @property
    def support(self) -> Constraint:
        """Values that are possible for one of the components."""
        return _OfOne(self.component_distribution.support)

    def _weights(self) -> Any:
        """(..., K) and an axis of length 1 for each of the event."""
        probs = self.mixture_distribution.probs
        return np.reshape(probs, probs.shape + (1,) * len(self.event_shape))

    def _axis(self) -> int:
        """The axis of the components, counted from the last."""
        return -1 - len(self.event_shape)

    @property
    def mean(self) -> Tensor:
        return np.sum(self._weights() * self.component_distribution.mean, axis=self._axis())

    @property
    def variance(self) -> Tensor:
        """The mean of the variances, and the variance of the means."""
        means, weights = self.component_distribution.mean, self._weights()
        within = np.sum(weights * self.component_distribution.variance, axis=self._axis())
        off = means - np.expand_dims(self.mean, self._axis())
        return within + np.sum(weights * off**2, axis=self._axis())

    def _beside(self, value: Any) -> Any:
        """A value with an axis for the components."""
        return np.expand_dims(self._value(value), self._axis())

    def log_prob(self, value: Any) -> Tensor:
        each = unchecked(self.component_distribution).log_prob(self._beside(value))
        return logsumexp(each + self.mixture_distribution.logits, axis=-1)

    def cdf(self, value: Any) -> Tensor:
        each = unchecked(self.component_distribution).cdf(self._beside(value))
        return np.sum(each * self.mixture_distribution.probs, axis=-1)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():
            chosen = self.mixture_distribution.sample(sample_shape)
            drawn = self.component_distribution.sample(sample_shape)
            index = np.reshape(chosen, chosen.shape + (1,) * (1 + len(self.event_shape)))
            index = broadcast_to(index, (*chosen.shape, 1, *self.event_shape))
            return np.squeeze(take_along_axis(drawn, index, axis=self._axis()), self._axis())

    def expand(self, batch_shape: Any) -> Any:
        shape = tuple(batch_shape)
        components = self.component_distribution
        classes = components.batch_shape[-1]
        return MixtureSameFamily(
            self.mixture_distribution.expand(shape), components.expand((*shape, classes)), self._validate_args
        )

    def __repr__(self) -> str:
        return f"MixtureSameFamily({self.mixture_distribution!r}, {self.component_distribution!r})"
