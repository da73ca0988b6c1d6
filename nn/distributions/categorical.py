"""Distributions over classes: a class by its number, as a one-hot vector, and counts of classes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import (
    Tensor,
    argmax,
    beside,
    broadcast_to,
    clip,
    log_softmax,
    no_grad,
    random,
    raw,
    softmax,
    stack,
    take_along_axis,
    where,
)
from minigrad.scipy.special import gammaln

from . import constraints
from .constraints import Constraint
from .discrete import Binomial, derived, only_one, within
from .distribution import Distribution, broadcast, constant_like

__all__ = ["Categorical", "Multinomial", "OneHotCategorical", "OneHotCategoricalStraightThrough"]


class Classes(Distribution):
    """A distribution with probabilities, or unnormalised log probabilities, of classes along the last axis."""

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        """K classes by their probabilities or by logarithms of them; give one of both.

        Args:
            probs: (..., K), probabilities; they are divided by their sum.
            logits: (..., K), log probabilities up to a constant.
            validate_args: whether parameters and values are checked; None: what `set_default_validate_args` says.
        """
        name = type(self).__name__
        given = only_one(name, probs=probs, logits=logits)
        (value,) = broadcast(probs if logits is None else logits)
        if value.ndim == 0 or value.shape[-1] == 0:
            raise ValueError(f"{name}: {given} must have a last axis of classes, got shape {value.shape}")
        if given == "probs":
            total = np.sum(value, axis=-1, keepdims=True)
            words = f"{name}: probs must be not negative, with a sum above 0 along the last axis"
            constraints.nonnegative.require(value, lambda: ValueError(words))
            constraints.greater_than(0.0).require(total, lambda: ValueError(words))
            self.probs = value / total
        else:
            if validate_args is not False:
                words = f"{name}: logits must be numbers that are not NaN"
                constraints.real.require(value, lambda: ValueError(words))
            self.logits = log_softmax(value, axis=-1)
        self._classes = value.shape[-1]
        super().__init__(value.shape[:-1], self._event(), validate_args)

    def _event(self) -> tuple[int, ...]:
        """The shape of one value."""
        return (self._classes,)

    @derived
    def probs(self) -> Any:
        """The probabilities, which sum to 1."""
        return softmax(self.logits, axis=-1)

    @derived
    def logits(self) -> Any:
        """Logarithms of the probabilities."""
        return np.log(within(self.probs))

    def entropy(self) -> Tensor:
        """-sum_i p_i log p_i."""
        logits = np.maximum(self.logits, float(np.finfo(self._first().dtype).min))
        return -np.sum(self.probs * logits, axis=-1)

    def _drawn(self, sample_shape: Any) -> Tensor:
        """Numbers of classes, by the inverse of the distribution function; (*sample_shape, *batch_shape)."""
        with no_grad():
            p = self.probs.astype(np.float64)
            shape = self._extended(sample_shape)
            shape = shape[: len(shape) - len(self.event_shape)]
            u = random.random((*shape, 1), dtype=np.float64, device=p.device)
            ends = np.cumsum(p, axis=-1)
            return np.sum(ends <= u * ends[..., -1:], axis=-1)

    def _one_hot(self, index: Any) -> Tensor:
        """Vectors with a 1 at the index."""
        numbers = beside(np.arange(self._classes), index)
        return (index[..., None] == numbers).astype(self._first().dtype)

    def _log_prob_at(self, index: Any) -> Tensor:
        """The log probability of classes by number, whose shape fits the batch."""
        shape = np.broadcast_shapes(index.shape, self.batch_shape)
        logits = broadcast_to(self.logits, (*shape, self._classes))
        index = broadcast_to(index, shape)
        return np.squeeze(take_along_axis(logits, index[..., None], axis=-1), -1)


class Categorical(Classes):
    """A class by its number, 0 to K - 1.

    >>> die = Categorical(probs=[1.0, 1.0, 2.0])
    >>> die.log_prob(2)
    Tensor(-0.6931472, dtype=float32)
    >>> die.sample((5,)).dtype
    dtype('int64')
    """

    def _event(self) -> tuple[int, ...]:
        return ()

    @property
    def support(self) -> Constraint:
        return constraints.integer_interval(0, self._classes - 1)

    @property
    def mean(self) -> Tensor:
        """NaN: numbers of classes have no order."""
        return constant_like(np.full(self.batch_shape, np.nan), self._first())

    @property
    def mode(self) -> Tensor:
        return argmax(self.probs, axis=-1)

    @property
    def variance(self) -> Tensor:
        return self.mean

    def sample(self, sample_shape: Any = ()) -> Tensor:
        return self._drawn(sample_shape)

    def log_prob(self, value: Any) -> Tensor:
        index = value.detach() if isinstance(value, Tensor) else Tensor(beside(np.asarray(raw(value)), self._first()))
        self._check_value(index)
        support = self.support
        support.require(index, lambda: ValueError(f"Categorical: values must be {support}"))
        return self._log_prob_at(index.astype(np.int64))

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """0 to K - 1."""
        values = np.arange(self._classes).reshape((-1,) + (1,) * len(self.batch_shape))
        out = Tensor(beside(values, self._first()))
        return broadcast_to(out, (self._classes, *self.batch_shape)) if expand else out


class OneHotCategorical(Classes):
    """A class as a vector with one 1 and zeros.

    >>> OneHotCategorical(probs=[0.25, 0.75]).log_prob([0.0, 1.0])
    Tensor(-0.2876821, dtype=float32)
    """

    support = constraints.one_hot

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def mode(self) -> Tensor:
        return self._one_hot(argmax(self.probs, axis=-1))

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        return self._one_hot(self._drawn(sample_shape))

    def log_prob(self, value: Any) -> Tensor:
        return self._log_prob_at(argmax(self._value(value).detach(), axis=-1))

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All one-hot vectors, (K, *batch_shape, K)."""
        k = self._classes
        rows = constant_like(np.eye(k), self._first()).reshape((k,) + (1,) * len(self.batch_shape) + (k,))
        return broadcast_to(rows, (k, *self.batch_shape, k)) if expand else rows


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """One-hot vectors whose gradient is that of the probabilities: the straight-through estimator, which is biased.

    >>> p = Tensor([0.25, 0.75], requires_grad=True)
    >>> OneHotCategoricalStraightThrough(probs=p).rsample().sum().backward()
    >>> p.grad.shape
    (2,)
    """

    has_rsample = True

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        probs = self.probs
        return self.sample(sample_shape) + (probs - probs.detach())


class Multinomial(Classes):
    """How often each of K classes came up in n draws.

    log p(x) = log n! - sum_i log x_i! + sum_i x_i log p_i

    Args:
        total_count: n, one number.

    >>> Multinomial(10, probs=[0.5, 0.5]).sample((3,)).sum(axis=-1).tolist()
    [10.0, 10.0, 10.0]
    """

    has_enumerate_support = False

    def __init__(self, total_count: int = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        if isinstance(total_count, bool) or not isinstance(total_count, (int, np.integer)) or total_count < 0:
            raise ValueError(f"Multinomial: total_count must be one whole number, not negative, got {total_count!r}")
        self.total_count = int(total_count)
        super().__init__(probs, logits, validate_args)

    @property
    def support(self) -> Constraint:
        return constraints.multinomial(self.total_count)

    @property
    def mean(self) -> Tensor:
        return self.total_count * self.probs

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Each count in turn is binomial among the draws that are left."""
        with no_grad():
            p = self.probs.astype(np.float64)
            shape = self._extended(sample_shape)[:-1]
            left, rest = beside(np.full(shape, self.total_count), p), np.ones_like(p[..., 0])
            counts = []
            for i in range(self._classes - 1):
                share = clip(p[..., i] / where(rest > 0, rest, 1.0), 0.0, 1.0)
                counts.append(random.binomial(left, share, shape))
                left, rest = left - counts[-1], np.maximum(rest - p[..., i], 0.0)
            counts.append(Tensor(raw(left)))
            return stack(counts, axis=-1).astype(self._first().dtype)

    def log_prob(self, value: Any) -> Tensor:
        x, logits = self._value(value), self.logits
        logits = where((x == 0) & (logits == -np.inf), 0.0, logits)
        return math.lgamma(self.total_count + 1) - np.sum(gammaln(x + 1), axis=-1) + np.sum(x * logits, axis=-1)

    def entropy(self) -> Tensor:
        """n H - log n! + sum_i E[log x_i!], H the entropy of one draw and each x_i binomial."""
        n = self.total_count
        one = super().entropy()
        counts = Binomial(n, probs=self.probs, validate_args=False)
        values = counts.enumerate_support(expand=False)
        weight = np.exp(counts.log_prob(values))
        return n * one - math.lgamma(n + 1) + np.sum(weight * gammaln(values + 1), axis=(0, -1))
