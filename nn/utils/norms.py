"""What weight and spectral normalisation are made of, under their old names and their new ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import Tensor, beside, random, raw
from minigrad.devices import follow

from ..module import Module

__all__ = [
    "as_matrix", "check_spectral", "norm_except", "normalized", "over_sigma", "power_iteration",
    "rows_axis", "start_vectors", "with_length",
]  # fmt: skip


@follow
def norm_except(v: Any, dim: int | None) -> Any:
    """The Euclidean norms over all axes but one, which is kept; with None or -1 over all.

    >>> norm_except(np.array([[3.0, 4.0], [0.0, 2.0]]), 0)
    array([[5.],
           [2.]])
    """
    if dim is None or dim == -1:
        return np.sqrt(np.sum(v * v))
    axes = tuple(i for i in range(v.ndim) if i != dim % v.ndim)
    return np.sqrt(np.sum(v * v, axis=axes, keepdims=True))


@follow
def with_length(g: Any, v: Any, dim: int | None) -> Any:
    """g v / |v|: the direction of v with the length g, for each index of an axis."""
    return v * (g / norm_except(v, dim))


# ------------------------------------------------------------------------------------ spectral


@follow
def normalized(x: Any, eps: float) -> Any:
    """x / |x|, where the length counts as eps at least."""
    return x / np.maximum(np.sqrt(np.sum(np.abs(x) ** 2)), eps)


@follow
def as_matrix(weight: Any, dim: int) -> Any:
    """A weight as a matrix, whose rows are along an axis."""
    return np.reshape(np.moveaxis(weight, dim, 0), (weight.shape[dim], -1))


def rows_axis(module: Module) -> int:
    """The axis of the outputs in the weight of a layer."""
    return int(getattr(module, "outputs_axis", 0))


@follow
def check_spectral(weight: Tensor, dim: int, n_power_iterations: int) -> None:
    """Look at what spectral_norm was asked for.

    Raises:
        ValueError: there would be no iterations.
        IndexError: the weight has no such axis.
    """
    if n_power_iterations <= 0:
        raise ValueError(
            f"spectral_norm: n_power_iterations must be 1 or more, got {n_power_iterations}"
        )
    if not -weight.ndim <= dim < weight.ndim:
        raise IndexError(
            f"spectral_norm: dim {dim} is out of range for a weight of {weight.ndim} axes"
        )


@follow
def start_vectors(weight: Tensor, dim: int, eps: float) -> tuple[Any, Any]:
    """Random vectors of length 1, from which the iteration starts: u for rows, v for columns."""
    rows, columns = as_matrix(raw(weight), dim).shape
    u, v = (
        beside(random.randn(n).numpy().astype(weight.dtype), weight.data) for n in (rows, columns)
    )
    return normalized(u, eps), normalized(v, eps)


@follow
def power_iteration(matrix: Any, u: Any, v: Any, times: int, eps: float) -> tuple[Any, Any]:
    """Steps of u and v towards the first singular vectors of a matrix, on arrays: first u, then v.

    >>> u, v = power_iteration(np.diag([3.0, 1.0]), None, np.array([0.6, 0.8]), 20, 1e-12)
    >>> u.round(3), v.round(3)
    (array([1., 0.]), array([1., 0.]))
    """
    for _ in range(times):
        u = normalized(np.matmul(matrix, v), eps)
        v = normalized(np.matmul(np.conj(matrix.T), u), eps)
    return u, v


@follow
def over_sigma(weight: Any, matrix: Any, u: Any, v: Any) -> Any:
    """weight / sigma, where sigma = u^H matrix v is its largest singular value."""
    return weight / np.sum(np.conj(u) * np.matmul(matrix, v))
