"""Distributions of vectors: normal ones, and points of the simplex."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import Tensor, argmax, broadcast_to, random, where, zeros_like
from minigrad.scipy.special import digamma, gammaln, xlogy

from . import constraints
from .discrete import derived, only_one
from .distribution import Centred, Distribution, broadcast, constant_like, parameters

__all__ = ["Dirichlet", "LowRankMultivariateNormal", "MultivariateNormal"]

_LOG_2PI = math.log(2 * math.pi)


def _transposed(x: Any) -> Any:
    return np.swapaxes(x, -1, -2)


def _solved(factor: Any, vectors: Any) -> Any:
    """L^-1 v of vectors (..., d) and a factor (d, d), or a batch of such."""
    if factor.ndim == 2:  # one factor for all vectors
        columns = np.reshape(vectors, (-1, vectors.shape[-1]))
        return np.reshape(_transposed(np.linalg.solve(factor, _transposed(columns))), vectors.shape)
    return np.squeeze(np.linalg.solve(factor, vectors[..., None]), -1)


def _half_log_det(factor: Any) -> Any:
    """log det L of a triangular factor, half of log det (L L^T)."""
    return np.sum(np.log(np.diagonal(factor, axis1=-2, axis2=-1)), axis=-1)


class MultivariateNormal(Centred):
    """Normal vectors: log p(x) = -(x - loc)^T C^-1 (x - loc) / 2 - log det(2 pi C) / 2, C the covariance.

    Args:
        loc: (..., d), the mean.
        covariance_matrix: (..., d, d), C; or
        precision_matrix: its inverse; or
        scale_tril: its Cholesky factor, lower triangular: C = L L^T.  Give one of the three; L is the cheapest.
        validate_args: whether parameters and values are checked; None: what `set_default_validate_args` says.

    >>> MultivariateNormal(np.zeros(2), np.eye(2)).log_prob(np.zeros(2)).round(4)
    Tensor(-1.8379, dtype=float64)
    """

    arg_constraints = {
        "loc": constraints.real_vector, "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite, "scale_tril": constraints.lower_cholesky,
    }  # fmt: skip
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self, loc: Any, covariance_matrix: Any = None, precision_matrix: Any = None, scale_tril: Any = None,
        validate_args: bool | None = None,
    ) -> None:  # fmt: skip
        choices = {"covariance_matrix": covariance_matrix, "precision_matrix": precision_matrix, "scale_tril": scale_tril}
        given = only_one("MultivariateNormal", **choices)
        loc, matrix = parameters(loc, choices[given])
        if loc.ndim < 1 or matrix.ndim < 2 or matrix.shape[-2:] != (loc.shape[-1],) * 2:
            raise ValueError(
                f"MultivariateNormal: expected loc of shape (..., d) and {given} of shape (..., d, d), got {loc.shape} and "
                f"{matrix.shape}"
            )
        batch = np.broadcast_shapes(loc.shape[:-1], matrix.shape[:-2])
        self.loc = broadcast_to(loc, (*batch, loc.shape[-1]))
        setattr(self, given, matrix)
        super().__init__(batch, self.loc.shape[-1:], validate_args)
        self._factor = self._cholesky(given, matrix)
        if given == "scale_tril":
            self.scale_tril = self._factor

    @staticmethod
    def _cholesky(given: str, matrix: Any) -> Any:
        """L with L L^T = C, from what was given."""
        if given == "scale_tril":
            return np.tril(matrix)  # zeros above the diagonal are no parameters
        if given == "covariance_matrix":
            return np.linalg.cholesky(matrix)
        turned = np.flip(np.linalg.cholesky(np.flip(matrix, (-2, -1))), (-2, -1))  # its transpose is L^-1
        return np.tril(np.linalg.inv(_transposed(turned)))

    def expand(self, batch_shape: Any) -> Any:
        out = super().expand(batch_shape)
        out._factor = broadcast_to(self._factor, (*out.batch_shape, *self._factor.shape[-2:]))
        return out

    @derived
    def scale_tril(self) -> Any:
        """The lower Cholesky factor of the covariance."""
        return broadcast_to(self._factor, (*self.batch_shape, *self._factor.shape[-2:]))

    @derived
    def covariance_matrix(self) -> Any:
        """L L^T."""
        return self.scale_tril @ _transposed(self.scale_tril)

    @derived
    def precision_matrix(self) -> Any:
        """The inverse of the covariance."""
        inverse = np.linalg.inv(self.scale_tril)
        return _transposed(inverse) @ inverse

    @property
    def variance(self) -> Tensor:
        """The diagonal of the covariance."""
        return broadcast_to(np.sum(self._factor**2, axis=-1), self.loc.shape)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """loc + L z."""
        z = random.normal(zeros_like(self.loc), 1.0, self._extended(sample_shape))
        return self.loc + np.squeeze(self._factor @ z[..., None], -1)

    def log_prob(self, value: Any) -> Tensor:
        z = _solved(self._factor, self._value(value) - self.loc)
        d = self.event_shape[0]
        return -(d * _LOG_2PI + np.sum(z * z, axis=-1)) / 2 - _half_log_det(self._factor)

    def entropy(self) -> Tensor:
        """d (1 + log(2 pi)) / 2 + log det L."""
        out = self.event_shape[0] * (1 + _LOG_2PI) / 2 + _half_log_det(self._factor)
        return broadcast_to(out, self.batch_shape)


class LowRankMultivariateNormal(Centred):
    """Normal vectors of covariance W W^T + diag(D): r numbers explain most of d.

    The inverse costs d r^2 (by the identities of Woodbury), never d^3.

    Args:
        loc: (..., d), the mean.
        cov_factor: (..., d, r), W.
        cov_diag: (..., d), D, positive.
        validate_args: whether parameters and values are checked; None: what `set_default_validate_args` says.

    >>> LowRankMultivariateNormal(np.zeros(3), np.ones((3, 1)), np.ones(3)).variance
    Tensor([2., 2., 2.], dtype=float64)
    """

    arg_constraints = {
        "loc": constraints.real_vector, "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }  # fmt: skip
    support = constraints.real_vector
    has_rsample = True
    cov_factor: Any
    cov_diag: Any

    def __init__(self, loc: Any, cov_factor: Any, cov_diag: Any, validate_args: bool | None = None) -> None:
        loc, factor, diagonal = parameters(loc, cov_factor, cov_diag)
        d = loc.shape[-1] if loc.ndim else -1
        if factor.ndim < 2 or factor.shape[-2] != d or diagonal.ndim < 1 or diagonal.shape[-1] != d:
            raise ValueError(
                "LowRankMultivariateNormal: expected loc (..., d), cov_factor (..., d, r) and cov_diag (..., d), got "
                f"{loc.shape}, {factor.shape} and {diagonal.shape}"
            )
        batch = np.broadcast_shapes(loc.shape[:-1], factor.shape[:-2], diagonal.shape[:-1])
        self.loc, self.cov_diag = broadcast_to(loc, (*batch, d)), broadcast_to(diagonal, (*batch, d))
        self.cov_factor = broadcast_to(factor, (*batch, *factor.shape[-2:]))
        super().__init__(batch, (d,), validate_args)

    def _scaled(self) -> tuple[Any, Any]:
        """D^-1 W, and the Cholesky factor of 1 + W^T D^-1 W."""
        scaled = self.cov_factor / self.cov_diag[..., None]
        inner = _transposed(self.cov_factor) @ scaled
        return scaled, np.linalg.cholesky(inner + constant_like(np.eye(inner.shape[-1]), self.loc))

    @property
    def variance(self) -> Tensor:
        return np.sum(self.cov_factor**2, axis=-1) + self.cov_diag

    @property
    def covariance_matrix(self) -> Any:
        """W W^T + diag(D)."""
        identity = constant_like(np.eye(self.event_shape[0]), self.loc)
        return self.cov_factor @ _transposed(self.cov_factor) + self.cov_diag[..., None] * identity

    @property
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance, D^-1 - D^-1 W (1 + W^T D^-1 W)^-1 W^T D^-1."""
        scaled, inner = self._scaled()
        part = np.linalg.solve(inner, _transposed(scaled))
        identity = constant_like(np.eye(self.event_shape[0]), self.loc)
        return identity / self.cov_diag[..., None] - _transposed(part) @ part

    @property
    def scale_tril(self) -> Any:
        """The lower Cholesky factor of the covariance."""
        return np.linalg.cholesky(self.covariance_matrix)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """loc + W z + sqrt(D) e, z and e standard normal."""
        shape = self._extended(sample_shape)
        z = random.normal(zeros_like(self.cov_factor[..., 0, :]), 1.0, (*shape[:-1], self.cov_factor.shape[-1]))
        e = random.normal(zeros_like(self.loc), 1.0, shape)
        return self.loc + np.squeeze(self.cov_factor @ z[..., None], -1) + np.sqrt(self.cov_diag) * e

    def log_prob(self, value: Any) -> Tensor:
        off = self._value(value) - self.loc
        scaled, inner = self._scaled()
        explained = _solved(inner, np.squeeze(_transposed(scaled) @ off[..., None], -1))
        distance = np.sum(off * off / self.cov_diag, axis=-1) - np.sum(explained**2, axis=-1)
        return -(self.event_shape[0] * _LOG_2PI + self._log_det(inner) + distance) / 2

    def _log_det(self, inner: Any) -> Any:
        return 2 * _half_log_det(inner) + np.sum(np.log(self.cov_diag), axis=-1)

    def entropy(self) -> Tensor:
        """d (1 + log(2 pi)) / 2 + log det(C) / 2."""
        return (self.event_shape[0] * (1 + _LOG_2PI) + self._log_det(self._scaled()[1])) / 2


class Dirichlet(Distribution):
    """Points of the simplex: log p(x) = sum_i (a_i - 1) log x_i + log gamma(sum_i a_i) - sum_i log gamma(a_i).

    Args:
        concentration: (..., n), a, above 0.
        validate_args: whether parameters and values are checked; None: what `set_default_validate_args` says.

    >>> Dirichlet([1.0, 3.0]).mean
    Tensor([0.25, 0.75], dtype=float32)
    """

    arg_constraints = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    has_rsample = True
    concentration: Any

    def __init__(self, concentration: Any, validate_args: bool | None = None) -> None:
        (self.concentration,) = broadcast(concentration)
        if self.concentration.ndim == 0:
            raise ValueError("Dirichlet: concentration must have a last axis, got one number")
        super().__init__(self.concentration.shape[:-1], self.concentration.shape[-1:], validate_args)

    def _total(self, keepdims: bool = True) -> Any:
        return np.sum(self.concentration, axis=-1, keepdims=keepdims)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self._total()

    @property
    def mode(self) -> Tensor:
        """(a - 1) over its sum where an a is above 1; a corner of the simplex, that of the largest a, where none is."""
        above = np.maximum(self.concentration - 1, 0.0)
        total = np.sum(above, axis=-1, keepdims=True)
        numbers = constant_like(np.arange(self.event_shape[0]), self.concentration)
        corner = argmax(self.concentration, axis=-1)[..., None] == numbers
        inside = above / where(total > 0, total, 1.0)
        return where(total > 0, inside, corner.astype(inside.dtype))

    @property
    def variance(self) -> Tensor:
        total = self._total()
        return self.concentration * (total - self.concentration) / (total**2 * (total + 1))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Gamma variables over their sum; differentiable in the concentration."""
        x = random.standard_gamma(self.concentration, self._extended(sample_shape))
        return x / np.sum(x, axis=-1, keepdims=True)

    def log_prob(self, value: Any) -> Tensor:
        a = self.concentration
        return np.sum(xlogy(a - 1, self._value(value)), axis=-1) + gammaln(self._total(False)) - np.sum(gammaln(a), axis=-1)

    def entropy(self) -> Tensor:
        """log beta(a) + (A - n) psi(A) - sum_i (a_i - 1) psi(a_i), A the sum of a."""
        a, total = self.concentration, self._total(False)
        log_beta = np.sum(gammaln(a), axis=-1) - gammaln(total)
        return log_beta + (total - a.shape[-1]) * digamma(total) - np.sum((a - 1) * digamma(a), axis=-1)
