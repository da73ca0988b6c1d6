"""Transforms of numbers, each by itself."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.scipy.special import expit, log_expit, logit

from .. import constraints
from ..compound import sum_last
from ..constraints import Constraint
from .transform import Shape, Transform

__all__ = [
    "AbsTransform", "AffineTransform", "CumulativeDistributionTransform", "ExpTransform",
    "PowerTransform", "SigmoidTransform", "SoftplusTransform", "TanhTransform",
]  # fmt: skip


def _softplus(x: Any) -> Any:
    return np.logaddexp(0.0, x)


class AffineTransform(Transform):
    """y = loc + scale x.

    Args:
        loc, scale: numbers, or arrays that are broadcast to x; scale is not 0.
        event_dim: how many of the last axes are one value.

    >>> AffineTransform(1.0, 2.0)(Tensor(3.0))
    Tensor(7., dtype=float32)
    """

    def __init__(self, loc: Any, scale: Any, event_dim: int = 0, cache_size: int = 0) -> None:
        self.loc, self.scale = loc, scale
        self.domain = self.codomain = constraints.independent(constraints.real, event_dim) if event_dim else constraints.real

    @property
    def sign(self) -> Any:
        return np.sign(self.scale)

    def _call(self, x: Any) -> Any:
        return self.loc + self.scale * x

    def _inverse(self, y: Any) -> Any:
        return (y - self.loc) / self.scale

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return sum_last(np.log(abs(self.scale)) + np.zeros_like(x), self.domain.event_dim)

    def forward_shape(self, shape: Shape) -> Shape:
        return np.broadcast_shapes(shape, np.shape(self.loc), np.shape(self.scale))

    inverse_shape = forward_shape

    def __repr__(self) -> str:
        return f"AffineTransform({self.loc!r}, {self.scale!r})"


class ExpTransform(Transform):
    """y = e^x.

    >>> ExpTransform().log_abs_det_jacobian(Tensor(2.0), None)
    Tensor(2., dtype=float32)
    """

    codomain = constraints.positive
    sign = 1

    def _call(self, x: Any) -> Any:
        return np.exp(x)

    def _inverse(self, y: Any) -> Any:
        return np.log(y)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return x


class PowerTransform(Transform):
    """y = x^exponent, of positive x.

    Args:
        exponent: a number or an array, not 0.

    >>> PowerTransform(2.0).inv(Tensor(9.0))
    Tensor(3., dtype=float32)
    """

    domain = codomain = constraints.positive

    def __init__(self, exponent: Any, cache_size: int = 0) -> None:
        self.exponent = exponent

    @property
    def sign(self) -> Any:
        return np.sign(self.exponent)

    def _call(self, x: Any) -> Any:
        return x**self.exponent

    def _inverse(self, y: Any) -> Any:
        return y ** (1 / self.exponent)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return np.log(abs(self.exponent * y / x))

    def forward_shape(self, shape: Shape) -> Shape:
        return np.broadcast_shapes(shape, np.shape(self.exponent))

    inverse_shape = forward_shape


class SigmoidTransform(Transform):
    """y = 1 / (1 + e^-x).

    >>> SigmoidTransform()(Tensor(0.0))
    Tensor(0.5, dtype=float32)
    """

    codomain = constraints.unit_interval
    sign = 1

    def _call(self, x: Any) -> Any:
        y, info = expit(x), np.finfo(x.dtype)
        return np.clip(y, float(info.tiny), 1.0 - float(info.eps))

    def _inverse(self, y: Any) -> Any:
        info = np.finfo(y.dtype)
        return logit(np.clip(y, float(info.tiny), 1.0 - float(info.eps)))

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return log_expit(x) + log_expit(-x)


class TanhTransform(Transform):
    """y = tanh(x).

    >>> TanhTransform()(Tensor(0.0))
    Tensor(0., dtype=float32)
    """

    codomain = constraints.interval(-1.0, 1.0)
    sign = 1

    def _call(self, x: Any) -> Any:
        return np.tanh(x)

    def _inverse(self, y: Any) -> Any:
        return np.arctanh(y)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return 2.0 * (math.log(2.0) - x - _softplus(-2.0 * x))


class SoftplusTransform(Transform):
    """y = log(1 + e^x).

    >>> SoftplusTransform()(Tensor(0.0))
    Tensor(0.6931472, dtype=float32)
    """

    codomain = constraints.positive
    sign = 1

    def _call(self, x: Any) -> Any:
        return _softplus(x)

    def _inverse(self, y: Any) -> Any:
        return np.log(-np.expm1(-y)) + y

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return log_expit(x)


class AbsTransform(Transform):
    """y = abs(x), which has two arguments for a result; the inverse is the positive one.

    >>> AbsTransform()(Tensor(-2.0))
    Tensor(2., dtype=float32)
    """

    codomain = constraints.nonnegative
    bijective = False

    def _call(self, x: Any) -> Any:
        return abs(x)

    def _inverse(self, y: Any) -> Any:
        return y


class CumulativeDistributionTransform(Transform):
    """y = P(x), the distribution function of a distribution.

    Args:
        distribution: has `cdf`, and `icdf` for the inverse.

    >>> from nn.distributions import Normal
    >>> CumulativeDistributionTransform(Normal(0.0, 1.0))(Tensor(0.0))
    Tensor(0.5, dtype=float32)
    """

    codomain = constraints.unit_interval
    sign = 1

    def __init__(self, distribution: Any, cache_size: int = 0) -> None:
        self.distribution = distribution

    @property
    def domain(self) -> Constraint:  # type: ignore[override]
        return self.distribution.support

    def _call(self, x: Any) -> Any:
        return self.distribution.cdf(x)

    def _inverse(self, y: Any) -> Any:
        return self.distribution.icdf(y)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return self.distribution.log_prob(x)
