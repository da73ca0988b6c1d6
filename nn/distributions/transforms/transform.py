"""What all transforms share: a function, its inverse, and the logarithm of its slope."""

from __future__ import annotations

from typing import Any

from .. import constraints
from ..constraints import Constraint

__all__ = ["Shape", "Transform"]

Shape = tuple[int, ...]


class Transform:
    """A function of arrays with an inverse.

    A subclass defines `_call`, `_inverse`, `log_abs_det_jacobian`, and the sets `domain` and `codomain`, whose `event_dim`
    says how many of the last axes it looks at together.

    >>> from nn.distributions import ExpTransform
    >>> t = ExpTransform()
    >>> t(Tensor(0.0)), t.inv(Tensor(1.0))
    (Tensor(1., dtype=float32), Tensor(0., dtype=float32))
    """

    domain: Constraint = constraints.real
    codomain: Constraint = constraints.real
    bijective = True

    def __init__(self, cache_size: int = 0) -> None:
        """Nothing is kept of what it computes.

        Args:
            cache_size: taken for PyTorch's sake, without effect.
        """

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
