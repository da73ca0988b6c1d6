"""Weight, spectral and orthogonal normalisation as parametrisations."""

from __future__ import annotations

from math import ceil, log2
from typing import Any

import numpy as np

from minigrad import Tensor, beside, concatenate, random, raw, zeros
from minigrad.devices import follow

from ..module import Module
from ..parameter import Buffer
from ..values import host
from .norms import (
    as_matrix,
    check_spectral,
    norm_except,
    normalized,
    over_sigma,
    power_iteration,
    rows_axis,
    start_vectors,
    with_length,
)
from .parametrize import register_parametrization

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]


class _WeightNorm(Module):
    """weight = g v / |v|, with the norm over all axes but one (Salimans and Kingma, 2016)."""

    def __init__(self, dim: int | None = 0) -> None:
        self.dim = -1 if dim is None else dim

    def forward(self, g: Any, v: Any) -> Any:
        return with_length(g, v, self.dim)

    def right_inverse(self, weight: Any) -> tuple[Any, Any]:
        """The lengths and the directions of a weight."""
        return norm_except(weight, self.dim), weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Learn the length and the direction of a weight apart; returns the module.

    weight = g v / |v|; g is `parametrizations.weight.original0`, v is `original1`.

    Args:
        module: the layer, which is changed.
        name: of its weight.
        dim: the axis that has a length for each index; None for one length in all.

    >>> import nn
    >>> [name for name, _ in weight_norm(nn.Linear(2, 3)).named_parameters()]
    ['bias', 'parametrizations.weight.original0', 'parametrizations.weight.original1']
    """
    return register_parametrization(module, name, _WeightNorm(dim), unsafe=True)


# ------------------------------------------------------------------------------------ spectral


class _SpectralNorm(Module):
    """weight / sigma, the largest singular value, by power iteration (Miyato et al., 2018).

    Attributes:
        _u, _v: buffers: the left and the right singular vector, each step nearer in training.
    """

    def __init__(self, weight: Tensor, n_power_iterations: int, dim: int, eps: float) -> None:
        check_spectral(weight, dim, n_power_iterations)
        self.dim, self.eps = dim % weight.ndim, eps
        self.n_power_iterations = n_power_iterations
        if weight.ndim > 1:
            u, v = start_vectors(weight, self.dim, eps)
            self._u, self._v = Buffer(u), Buffer(v)
            self._iterate(as_matrix(raw(weight), self.dim), 15)

    def _iterate(self, matrix: Any, times: int) -> None:
        u, v = self._u.data, self._v.data
        self._u.data, self._v.data = power_iteration(matrix, u, v, times, self.eps)

    def forward(self, weight: Any) -> Any:
        if weight.ndim == 1:
            return normalized(weight, self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            self._iterate(raw(matrix), self.n_power_iterations)
        return over_sigma(weight, matrix, self._u.data, self._v.data)

    def right_inverse(self, value: Any) -> Any:
        """The value itself, whose largest singular value may be another one."""
        return value


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12,
    dim: int | None = None
) -> Module:  # fmt: skip
    """Divide a weight by its largest singular value; returns the module.

    Args:
        module: the layer, which is changed.
        name: of its weight.
        n_power_iterations: steps towards the singular vectors at each call in training.
        eps: the least length of a vector that is divided by its length.
        dim: the axis of the outputs; by default 0, and 1 for transposed convolutions.

    >>> import nn
    >>> layer = spectral_norm(nn.Linear(4, 3), n_power_iterations=20)
    >>> round(float(np.linalg.svd(layer.weight.detach().numpy())[1][0]), 3)
    1.0
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"{type(module).__name__} has no parameter or buffer {name!r}")
    dim = rows_axis(module) if dim is None else dim
    return register_parametrization(
        module, name, _SpectralNorm(weight, n_power_iterations, dim, eps)
    )


# ---------------------------------------------------------------------------------- orthogonal


@follow
def _matrix_exp(a: Any) -> Any:
    """e^a of a square matrix: its series for a / 2^k, squared k times."""
    size = float(np.max(np.sum(np.abs(raw(a)), axis=-1))) if a.size else 0.0
    times = max(0, ceil(log2(size)) + 2) if size > 0 else 0
    small = a / 2**times
    term = total = beside(np.eye(a.shape[-1], dtype=a.dtype), a)
    for i in range(1, 15):  # 0.25^15 / 15! is beyond float64
        term = np.matmul(term, small) / i
        total = total + term
    for _ in range(times):
        total = np.matmul(total, total)
    return total


def _householder(a: Any, tau: Any) -> Any:
    """The first columns of the product of 1 - tau_i v_i v_i^T; v_i is column i of `a` below a 1."""
    n, k = a.shape
    out = beside(np.eye(n, k, dtype=a.dtype), a)
    vectors = np.tril(a, -1) + beside(np.eye(n, k, dtype=a.dtype), a)
    for i in reversed(range(k)):
        v = vectors[:, i : i + 1]
        out = out - tau[i] * np.matmul(v, np.matmul(np.conj(v).T, out))
    return out


def _orthogonal_near(q: np.ndarray) -> np.ndarray:
    """The orthogonal factor of q, with the signs of the other one's diagonal."""
    factor, r = np.linalg.qr(q)
    return factor * np.sign(np.diagonal(r))


class _Orthogonal(Module):
    """A matrix with orthonormal columns (rows, where it is wide) of any matrix.

    matrix_exp: e^A, cayley: (1 + A/2) (1 - A/2)^-1, where A = X - X^T of the lower triangle X;
    householder: a product of reflections.  With a base the result is multiplied by it.
    """

    def __init__(self, weight: Tensor, orthogonal_map: str, use_trivialization: bool) -> None:
        self._shape = weight.shape
        self.orthogonal_map = orthogonal_map
        self.base: Any = None
        self.use_trivialization = use_trivialization

    def forward(self, x: Any) -> Any:
        wide = x.shape[-2] < x.shape[-1]
        x = x.T if wide else x
        n, k = x.shape
        q = self._reflections(x) if self.orthogonal_map == "householder" else self._of_skew(x, n, k)
        q = q if self.base is None else np.matmul(self.base, q)
        return q.T if wide else q

    @follow
    def _reflections(self, x: Any) -> Any:
        a = np.tril(x, -1)
        tau = 2 / (1 + np.sum(np.abs(a) ** 2, axis=-2))
        signs = np.trunc(np.diagonal(raw(x)).real)  # as PyTorch's cast to int
        return _householder(a, tau) * signs

    def _of_skew(self, x: Any, n: int, k: int) -> Any:
        x = np.tril(x)
        if n != k:
            x = concatenate([x, zeros((n, n - k), dtype=x.dtype, device=x.device)], axis=-1)
        a = x - np.conj(x.T)
        if self.orthogonal_map == "matrix_exp":
            q = _matrix_exp(a)
        else:
            one = beside(np.eye(n, dtype=a.dtype), a)
            q = np.linalg.solve(one - a / 2, one + a / 2)
        return q[:, :k]

    def right_inverse(self, q: Any) -> Any:
        """A matrix of which the orthogonal matrix near q is made."""
        if q.shape != self._shape:
            raise ValueError(f"expected a matrix of shape {self._shape}, got {q.shape}")
        values = host(q)
        wide = values.shape[0] < values.shape[1]
        values = values.T if wide else values
        n, k = values.shape
        if not self.use_trivialization:
            return Tensor(self._to_reflections(values, wide), device=q.device)
        if n == k:
            identity = np.allclose(
                values.conj().T @ values, np.eye(k), atol=10 * np.finfo(values.dtype).eps * k
            )
            base = values.copy() if identity else _orthogonal_near(values)
        else:
            more = random.randn(n, n - k).numpy().astype(values.dtype)
            base = _orthogonal_near(np.concatenate([values, more], axis=1))
        self.base = Buffer(beside(base, q))
        start = np.zeros(self._shape, values.dtype)
        np.fill_diagonal(start, -1.0)
        return Tensor(start, device=q.device)

    def _to_reflections(self, values: np.ndarray, wide: bool) -> np.ndarray:
        if self.orthogonal_map != "householder":
            raise NotImplementedError(
                f"a value cannot be assigned with the map {self.orthogonal_map!r} and "
                "use_trivialization=False"
            )
        a, tau = np.linalg.qr(values, mode="raw")
        a = a.T.copy()
        signs = np.sign(np.diagonal(a)).copy()
        signs[signs == 0] = 1
        signs[tau == 0] *= -1
        np.fill_diagonal(a, signs)
        return a.T.copy() if wide else a


def orthogonal(
    module: Module, name: str = "weight", orthogonal_map: str | None = None, *,
    use_trivialization: bool = True
) -> Module:  # fmt: skip
    """Keep a matrix orthogonal: its columns, or rows where it is wide, are orthonormal.

    Args:
        module: the layer, which is changed.
        name: of its weight, which has two axes.
        orthogonal_map: "matrix_exp", "cayley" or "householder"; by default the first where the
            matrix is square or complex, else the last.
        use_trivialization: multiply by a fixed orthogonal matrix, found from the value, from which
            learning starts.

    >>> import nn
    >>> w = orthogonal(nn.Linear(3, 3)).weight.detach().numpy()
    >>> np.allclose(w @ w.T, np.eye(3), atol=1e-5)
    True
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"{type(module).__name__} has no parameter or buffer {name!r}")
    if weight.ndim != 2:
        raise ValueError(f"orthogonal: expected a matrix, got shape {weight.shape}")
    if orthogonal_map is None:
        plain = weight.shape[0] == weight.shape[1] or weight.dtype.kind == "c"
        orthogonal_map = "matrix_exp" if plain else "householder"
    if orthogonal_map not in ("matrix_exp", "cayley", "householder"):
        raise ValueError(
            "orthogonal_map must be 'matrix_exp', 'cayley' or 'householder', got "
            f"{orthogonal_map!r}"
        )
    if orthogonal_map == "householder" and weight.dtype.kind == "c":
        raise ValueError("orthogonal: the map 'householder' takes real matrices only")
    part = _Orthogonal(weight, orthogonal_map, use_trivialization)
    return register_parametrization(module, name, part, unsafe=True)
