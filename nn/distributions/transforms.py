"""Invertible functions, with the logarithms of their slopes: what makes new distributions out of known ones.

y = t(x), x = t.inv(y), and t.log_abs_det_jacobian(x, y) is the logarithm of the absolute value of dy/dx, or of the
determinant of it.  Compositions are `ComposeTransform([first, second])`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from minigrad import concatenate, softmax
from minigrad.scipy.special import expit, log_expit, logit

from . import constraints
from .compound import sum_last
from .constraints import Constraint

__all__ = [
    "AbsTransform", "AffineTransform", "ComposeTransform", "CumulativeDistributionTransform", "ExpTransform",
    "IndependentTransform", "LowerCholeskyTransform", "PowerTransform", "ReshapeTransform", "SigmoidTransform",
    "SoftmaxTransform", "SoftplusTransform", "StickBreakingTransform", "TanhTransform", "Transform", "identity_transform",
]  # fmt: skip

Shape = tuple[int, ...]


def _softplus(x: Any) -> Any:
    return np.logaddexp(0.0, x)


class Transform:
    """A function of arrays with an inverse.

    A subclass defines `_call`, `_inverse`, `log_abs_det_jacobian`, and the sets `domain` and `codomain`, whose `event_dim`
    says how many of the last axes it looks at together.

    Args:
        cache_size: taken for PyTorch's sake; nothing is kept.

    >>> t = ExpTransform()
    >>> t(Tensor(0.0)), t.inv(Tensor(1.0))
    (Tensor(1., dtype=float32), Tensor(0., dtype=float32))
    """

    domain: Constraint = constraints.real
    codomain: Constraint = constraints.real
    bijective = True

    def __init__(self, cache_size: int = 0) -> None:
        pass

    @property
    def event_dim(self) -> int:
        """How many of the last axes are looked at together; only where it is the same on both sides."""
        if self.domain.event_dim != self.codomain.event_dim:
            raise ValueError(f"{type(self).__name__} changes the number of axes of an event; ask domain or codomain")
        return self.domain.event_dim

    @property
    def inv(self) -> Transform:
        """The inverse, as a transform."""
        return _Inverse(self)

    @property
    def sign(self) -> Any:
        """1 where the function rises, -1 where it falls."""
        raise NotImplementedError(f"{type(self).__name__} has no sign")

    def __call__(self, x: Any) -> Any:
        return self._call(x)

    def _call(self, x: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} defines no _call")

    def _inverse(self, y: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no inverse")

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        """log abs(dy/dx), without the axes that the transform looks at together."""
        raise NotImplementedError(f"{type(self).__name__} has no log_abs_det_jacobian: it is not bijective")

    def forward_shape(self, shape: Shape) -> Shape:
        """The shape of the result for an argument of this shape."""
        return shape

    def inverse_shape(self, shape: Shape) -> Shape:
        """The shape of the argument for a result of this shape."""
        return shape

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class _Inverse(Transform):
    """A transform the other way round."""

    def __init__(self, base: Transform) -> None:
        self.base = base
        self.domain, self.codomain, self.bijective = base.codomain, base.domain, base.bijective

    @property
    def inv(self) -> Transform:
        return self.base

    @property
    def sign(self) -> Any:
        return self.base.sign

    def _call(self, x: Any) -> Any:
        return self.base._inverse(x)

    def _inverse(self, y: Any) -> Any:
        return self.base(y)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return -self.base.log_abs_det_jacobian(y, x)

    def forward_shape(self, shape: Shape) -> Shape:
        return self.base.inverse_shape(shape)

    def inverse_shape(self, shape: Shape) -> Shape:
        return self.base.forward_shape(shape)

    def __repr__(self) -> str:
        return f"{self.base!r}.inv"


# ----------------------------------------------------------------------- element by element


class AffineTransform(Transform):
    """y = loc + scale x.

    Args:
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


# -------------------------------------------------------------------------- vectors, matrices


class SoftmaxTransform(Transform):
    """y_i = e^(x_i) / sum_j e^(x_j), which forgets a constant that is added to x: it has no log_abs_det_jacobian.

    >>> SoftmaxTransform()(Tensor([0.0, 0.0]))
    Tensor([0.5, 0.5], dtype=float32)
    """

    domain, codomain = constraints.real_vector, constraints.simplex
    bijective = False

    def _call(self, x: Any) -> Any:
        return softmax(x, axis=-1)

    def _inverse(self, y: Any) -> Any:
        return np.log(y)


class StickBreakingTransform(Transform):
    """n - 1 numbers to a point of the simplex of n: each number says which share of what is left of a stick is broken off.

    y_i = z_i prod_{j<i} (1 - z_j),  z_i = 1 / (1 + (n - i) e^-x_i) for i = 1 ... n - 1

    >>> StickBreakingTransform()(Tensor([0.0, 0.0])).round(6)
    Tensor([0.333333, 0.333333, 0.333333], dtype=float32)
    """

    domain, codomain = constraints.real_vector, constraints.simplex

    @staticmethod
    def _shifted(x: Any) -> Any:
        """x - log(n - i), so that zeros give equal parts."""
        return x - np.log(np.cumsum(np.ones_like(x), axis=-1)[..., ::-1])

    def _call(self, x: Any) -> Any:
        z = expit(self._shifted(x))
        left, one = np.cumprod(1 - z, axis=-1), np.ones_like(x[..., :1])
        return concatenate([z, one], axis=-1) * concatenate([one, left], axis=-1)

    def _inverse(self, y: Any) -> Any:
        part = y[..., :-1]
        left = np.maximum(1 - np.cumsum(part, axis=-1), float(np.finfo(y.dtype).tiny))
        return np.log(part) - np.log(left) + np.log(np.cumsum(np.ones_like(part), axis=-1)[..., ::-1])

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        shifted = self._shifted(x)
        return np.sum(-shifted + log_expit(shifted) + np.log(y[..., :-1]), axis=-1)

    def forward_shape(self, shape: Shape) -> Shape:
        return (*shape[:-1], shape[-1] + 1)

    def inverse_shape(self, shape: Shape) -> Shape:
        return (*shape[:-1], shape[-1] - 1)


class LowerCholeskyTransform(Transform):
    """A matrix to a lower triangular one with a positive diagonal: e to the diagonal, zeros above it.

    >>> LowerCholeskyTransform()(Tensor([[0.0, 5.0], [2.0, 0.0]]))
    Tensor([[1., 0.],
            [2., 1.]], dtype=float32)
    """

    domain, codomain = constraints.independent(constraints.real, 2), constraints.lower_cholesky
    bijective = False

    @staticmethod
    def _with_diagonal(x: Any, diagonal: Any) -> Any:
        return np.tril(x, -1) + diagonal[..., None] * np.tril(np.triu(np.ones_like(x)))

    def _call(self, x: Any) -> Any:
        return self._with_diagonal(x, np.exp(np.diagonal(x, axis1=-2, axis2=-1)))

    def _inverse(self, y: Any) -> Any:
        return self._with_diagonal(y, np.log(np.diagonal(y, axis1=-2, axis2=-1)))


class ReshapeTransform(Transform):
    """The last axes in another shape of as many elements.

    >>> ReshapeTransform((4,), (2, 2))(np.zeros((3, 4))).shape
    (3, 2, 2)
    """

    def __init__(self, in_shape: Any, out_shape: Any, cache_size: int = 0) -> None:
        self.in_shape, self.out_shape = tuple(in_shape), tuple(out_shape)
        if prod(self.in_shape) != prod(self.out_shape):
            raise ValueError(f"ReshapeTransform: {self.in_shape} and {self.out_shape} have different numbers of elements")
        self.domain = constraints.independent(constraints.real, len(self.in_shape))
        self.codomain = constraints.independent(constraints.real, len(self.out_shape))

    @staticmethod
    def _other(shape: Shape, known: Shape, new: Shape) -> Shape:
        cut = len(shape) - len(known)
        if cut < 0 or shape[cut:] != known:
            raise ValueError(f"ReshapeTransform: expected last axes {known}, got shape {shape}")
        return (*shape[:cut], *new)

    def forward_shape(self, shape: Shape) -> Shape:
        return self._other(shape, self.in_shape, self.out_shape)

    def inverse_shape(self, shape: Shape) -> Shape:
        return self._other(shape, self.out_shape, self.in_shape)

    def _call(self, x: Any) -> Any:
        return np.reshape(x, self.forward_shape(np.shape(x)))

    def _inverse(self, y: Any) -> Any:
        return np.reshape(y, self.inverse_shape(np.shape(y)))

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        shape = np.shape(x)
        return np.zeros_like(x, shape=shape[: len(shape) - len(self.in_shape)])


# ------------------------------------------------------------------------------ of transforms


class IndependentTransform(Transform):
    """A transform whose slopes are multiplied over the last axes, which then are one value.

    >>> IndependentTransform(ExpTransform(), 1).log_abs_det_jacobian(Tensor([1.0, 2.0]), None)
    Tensor(3., dtype=float32)
    """

    def __init__(self, base_transform: Transform, reinterpreted_batch_ndims: int, cache_size: int = 0) -> None:
        self.base_transform, self.reinterpreted_batch_ndims = base_transform, reinterpreted_batch_ndims
        self.bijective = base_transform.bijective
        self.domain = constraints.independent(base_transform.domain, reinterpreted_batch_ndims)
        self.codomain = constraints.independent(base_transform.codomain, reinterpreted_batch_ndims)

    @property
    def sign(self) -> Any:
        return self.base_transform.sign

    def _call(self, x: Any) -> Any:
        return self.base_transform(x)

    def _inverse(self, y: Any) -> Any:
        return self.base_transform.inv(y)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return sum_last(self.base_transform.log_abs_det_jacobian(x, y), self.reinterpreted_batch_ndims)

    def forward_shape(self, shape: Shape) -> Shape:
        return self.base_transform.forward_shape(shape)

    def inverse_shape(self, shape: Shape) -> Shape:
        return self.base_transform.inverse_shape(shape)

    def __repr__(self) -> str:
        return f"IndependentTransform({self.base_transform!r}, {self.reinterpreted_batch_ndims})"


class ComposeTransform(Transform):
    """One transform after the other, the first one first.

    >>> ComposeTransform([AffineTransform(0.0, 2.0), ExpTransform()])(Tensor(0.0))
    Tensor(1., dtype=float32)
    """

    def __init__(self, parts: Sequence[Transform], cache_size: int = 0) -> None:
        self.parts = list(parts)
        self.bijective = all(part.bijective for part in self.parts)

    @property
    def domain(self) -> Constraint:  # type: ignore[override]
        return self._end(self.parts, "domain", "codomain")

    @property
    def codomain(self) -> Constraint:  # type: ignore[override]
        return self._end(self.parts[::-1], "codomain", "domain")

    @staticmethod
    def _end(parts: Sequence[Transform], near: str, far: str) -> Constraint:
        """The set at the end of the first part, with the axes of an event that the others ask for."""
        if not parts:
            return constraints.real
        end: Constraint = getattr(parts[0], near)
        events = getattr(parts[-1], far).event_dim
        for part in reversed(parts):
            inner, outer = getattr(part, near).event_dim, getattr(part, far).event_dim
            events = max(events + inner - outer, inner)
        return constraints.independent(end, events - end.event_dim) if events > end.event_dim else end

    @property
    def sign(self) -> Any:
        out: Any = 1
        for part in self.parts:
            out = out * part.sign
        return out

    @property
    def inv(self) -> Transform:
        return ComposeTransform([part.inv for part in reversed(self.parts)])

    def _call(self, x: Any) -> Any:
        for part in self.parts:
            x = part(x)
        return x

    def _inverse(self, y: Any) -> Any:
        for part in reversed(self.parts):
            y = part.inv(y)
        return y

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        out: Any = np.zeros_like(sum_last(x, self.domain.event_dim))
        events = self.domain.event_dim
        for part in self.parts:
            after = part(x)
            out = out + sum_last(part.log_abs_det_jacobian(x, after), events - part.domain.event_dim)
            events += part.codomain.event_dim - part.domain.event_dim
            x = after
        return out

    def forward_shape(self, shape: Shape) -> Shape:
        for part in self.parts:
            shape = part.forward_shape(shape)
        return shape

    def inverse_shape(self, shape: Shape) -> Shape:
        for part in reversed(self.parts):
            shape = part.inverse_shape(shape)
        return shape

    def __repr__(self) -> str:
        return f"ComposeTransform({self.parts!r})"


identity_transform = ComposeTransform([])
