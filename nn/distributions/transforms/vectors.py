"""Transforms of vectors and matrices, which look at several numbers together."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from minigrad import concatenate, softmax
from minigrad.scipy.special import expit, log_expit

from .. import constraints
from .transform import Shape, Transform

__all__ = [
    "LowerCholeskyTransform", "ReshapeTransform", "SoftmaxTransform", "StickBreakingTransform",
]  # fmt: skip


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

    Args:
        in_shape, out_shape: the last axes before and after.

    Raises:
        ValueError: the numbers of elements differ.

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
