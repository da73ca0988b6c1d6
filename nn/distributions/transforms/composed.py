"""Transforms that are made of other transforms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import constraints
from ..compound import sum_last
from ..constraints import Constraint
from .transform import Shape, Transform

__all__ = ["ComposeTransform", "IndependentTransform", "identity_transform"]


class IndependentTransform(Transform):
    """A transform whose slopes are multiplied over the last axes, which then are one value.

    Args:
        base_transform: any transform.
        reinterpreted_batch_ndims: over how many of the last axes.

    >>> from nn.distributions import ExpTransform
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

    Args:
        parts: the transforms; none: what comes in stays as it is.

    >>> from nn.distributions import AffineTransform, ExpTransform
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
