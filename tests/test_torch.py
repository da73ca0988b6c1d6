"""Functions that PyTorch has too: value, gradient and second derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special

import minigrad as mg
from minigrad import Tensor
from minigrad.scipy import linalg, special, stats

from .samples import away_from_zero, between

RANK_2 = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [5.0, 7.0, 9.0]])
X, Y = away_from_zero(2, 3), away_from_zero(2, 3) * 0.77
P, Q = between(0.5, 2.0, 2, 3), between(0.5, 2.5, 2, 3)
U = between(0.1, 0.9, 2, 3)
T = between(-2, 2, 2, 3, 4)

TORCH: dict[str, tuple[Callable[..., Any], Callable[..., Any], tuple[np.ndarray, ...]]] = {
    "sum": (lambda x: np.sum(x, axis=(0, 2)), lambda t, x: t.sum(x, (0, 2)), (T,)),
    "mean": (lambda x: np.mean(x, axis=1, keepdims=True), lambda t, x: t.mean(x, 1, keepdim=True), (T,)),
    "prod": (lambda x: np.prod(x, axis=1), lambda t, x: t.prod(x, 1), (T,)),
    "max": (lambda x: np.max(x, axis=(0, 1)), lambda t, x: t.amax(x, (0, 1)), (T,)),
    "min": (np.min, lambda t, x: t.amin(x), (np.array([3.0, 1.0, 1.0]),)),
    "var": (lambda x: np.var(x, axis=0, ddof=1), lambda t, x: t.var(x, 0), (T,)),
    "std": (lambda x: np.std(x, axis=1), lambda t, x: t.std(x, 1, correction=0), (T,)),
    "norm": (lambda x: np.linalg.norm(x, axis=(0, 1)), lambda t, x: t.linalg.norm(x, dim=(0, 1)), (T,)),
    "vector_norm": (lambda x: np.linalg.norm(x, 3, axis=1), lambda t, x: t.linalg.vector_norm(x, 3, dim=1), (X,)),
    "nansum": (np.nansum, lambda t, x: t.nansum(x), (X,)),
    "nan_to_num": (np.nan_to_num, lambda t, x: t.nan_to_num(x), (X,)),
    "cumsum": (lambda x: np.cumsum(x, axis=2), lambda t, x: t.cumsum(x, 2), (T,)),
    "sort": (lambda x: np.sort(x, axis=1), lambda t, x: t.sort(x, 1).values, (T,)),
    "softmax": (lambda x: mg.softmax(x, axis=1), lambda t, x: t.softmax(x, 1), (T,)),
    "log_softmax": (lambda x: mg.log_softmax(x, axis=1), lambda t, x: t.log_softmax(x, 1), (T,)),
    "where": (lambda x, y: np.where(x > y, x, y * 2), lambda t, x, y: t.where(x > y, x, y * 2), (X, Y)),
    "clip": (lambda x: np.clip(x, -0.7, 0.9), lambda t, x: t.clip(x, -0.7, 0.9), (X,)),
    "heaviside": (
        lambda x: np.heaviside(x, 0.5) * x,
        lambda t, x: t.heaviside(x.detach(), t.tensor(0.5, dtype=x.dtype)) * x,
        (X,),
    ),
    "diff": (lambda x: np.diff(x, 2), lambda t, x: t.diff(x, 2), (T,)),
    "trapezoid": (
        lambda y, x: np.trapezoid(y, x, axis=1),
        lambda t, y, x: t.trapezoid(y, x, dim=1),
        (X, np.array([0.0, 1.0, 3.0])),
    ),
    "flip": (lambda x: np.flip(x, (0, 2)), lambda t, x: t.flip(x, (0, 2)), (T,)),
    "roll": (lambda x: np.roll(x, (1, 2), (0, 1)), lambda t, x: t.roll(x, (1, 2), (0, 1)), (T,)),
    "rot90": (np.rot90, lambda t, x: t.rot90(x), (T,)),
    "tile": (lambda x: np.tile(x, (2, 1, 3)), lambda t, x: t.tile(x, (2, 1, 3)), (X,)),
    "repeat": (lambda x: np.repeat(x, [1, 0, 3], 1), lambda t, x: t.repeat_interleave(x, t.tensor([1, 0, 3]), 1), (X,)),
    "concatenate": (lambda x, y: np.concatenate([x, y], 1), lambda t, x, y: t.cat([x, y], 1), (X, Y)),
    "stack": (lambda x, y: np.stack([x, y], 1), lambda t, x, y: t.stack([x, y], 1), (X, Y)),
    "transpose": (lambda x: np.transpose(x, (1, 2, 0)), lambda t, x: t.permute(x, (1, 2, 0)), (T,)),
    "tril": (lambda x: np.tril(x, 1), lambda t, x: t.tril(x, 1), (T,)),
    "diagonal": (lambda x: np.diagonal(x, 1, 0, 2), lambda t, x: t.diagonal(x, 1, 0, 2), (T,)),
    "trace": (np.trace, lambda t, x: t.trace(x), (RANK_2,)),
    "take": (lambda x: np.take(x, [3, 0, 3], 2), lambda t, x: t.index_select(x, 2, t.tensor([3, 0, 3])), (T,)),
    "take_along_axis": (
        lambda x: np.take_along_axis(x, np.array([[2], [0]]), 1),
        lambda t, x: t.take_along_dim(x, t.tensor([[2], [0]]), 1),
        (X,),
    ),
    "matmul": (np.matmul, lambda t, x, y: t.matmul(x, y), (T, T.transpose(0, 2, 1).copy())),
    "tensordot": (
        lambda x, y: np.tensordot(x, y, ([1, 2], [1, 2])),
        lambda t, x, y: t.tensordot(x, y, ([1, 2], [1, 2])),
        (T, T * 0.5),
    ),
    "einsum": (lambda x, y: np.einsum("bij,bkj->ik", x, y), lambda t, x, y: t.einsum("bij,bkj->ik", x, y), (T, T * 0.5)),
    "cross": (np.cross, lambda t, x, y: t.linalg.cross(x, y), (X, Y)),
    "polygamma": (lambda x: special.polygamma(2, x), lambda t, x: t.polygamma(2, x), (P,)),
    "multigammaln": (lambda x: special.multigammaln(x, 3), lambda t, x: t.special.multigammaln(x, 3), (P + 2,)),
    "i0": (np.i0, lambda t, x: t.special.i0(x), (P,)),
    "i1e": (scipy.special.i1e, lambda t, x: t.special.i1e(x), (P,)),
    "xlogy": (scipy.special.xlogy, lambda t, x, y: t.xlogy(x, y), (X, P)),
    "log_prob of norm": (
        stats.norm.logpdf,
        lambda t, x, m, s: t.distributions.Normal(m, s, validate_args=False).log_prob(x),
        (X, Y, P),
    ),
    "cdf of norm": (stats.norm.cdf, lambda t, x, m, s: t.distributions.Normal(m, s, validate_args=False).cdf(x), (X, Y, P)),
    "log_prob of t": (stats.t.logpdf, lambda t, x, df: t.distributions.StudentT(df, validate_args=False).log_prob(x), (X, P + 1)),
    "log_prob of gamma": (stats.gamma.logpdf, lambda t, x, a: t.distributions.Gamma(a, t.ones_like(a)).log_prob(x), (P, Q)),
    "log_prob of beta": (stats.beta.logpdf, lambda t, x, a, b: t.distributions.Beta(a, b).log_prob(x), (U, P, Q)),
    "log_prob of dirichlet": (
        stats.dirichlet.logpdf,
        lambda t, x, a: t.distributions.Dirichlet(a, validate_args=False).log_prob(x),
        (np.array([0.2, 0.3, 0.5]), np.array([1.2, 0.7, 2.0])),
    ),
    "log_prob of laplace": (
        stats.laplace.logpdf,
        lambda t, x: t.distributions.Laplace(0 * x, 0 * x + 1).log_prob(x),
        (X,),
    ),
    "inv": (np.linalg.inv, lambda t, x: t.linalg.inv(x), (RANK_2 + np.eye(3),)),
    "det": (np.linalg.det, lambda t, x: t.linalg.det(x), (RANK_2 + np.eye(3),)),
    "pinv": (np.linalg.pinv, lambda t, x: t.linalg.pinv(x), (between(-1, 1, 4, 2),)),
    "cholesky": (
        lambda x: np.linalg.cholesky(x @ x.T + np.eye(3)),
        lambda t, x: t.linalg.cholesky(x @ x.T + t.eye(3)),
        (RANK_2,),
    ),
    "eigh": (
        lambda x: abs(np.linalg.eigh(x + x.T)[1]),
        lambda t, x: abs(t.linalg.eigh(x + x.T)[1]),
        (RANK_2 + np.diag([1.0, 5.0, 0.0]),),
    ),
    "svd": (
        lambda x: abs(np.linalg.svd(x, full_matrices=False)[0]),
        lambda t, x: abs(t.linalg.svd(x, full_matrices=False)[0]),
        (between(-1, 1, 4, 2),),
    ),
    "qr": (lambda x: np.linalg.qr(x)[1], lambda t, x: t.linalg.qr(x)[1], (between(-1, 1, 4, 2),)),
    "eigvals": (
        lambda x: abs(np.linalg.eigvals(x)).sum(),
        lambda t, x: abs(t.linalg.eigvals(x)).sum(),
        (np.array([[1.0, 2.0, 0.3], [-1.5, 0.4, 1.0], [0.2, 0.1, -0.8]]),),
    ),
    "slogdet": (lambda x: np.linalg.slogdet(x)[1], lambda t, x: t.linalg.slogdet(x)[1], (RANK_2 + np.eye(3),)),
    "solve": (np.linalg.solve, lambda t, a, b: t.linalg.solve(a, b), (RANK_2 + np.eye(3), between(-1, 1, 3, 2))),
    "lstsq": (
        lambda a, b: np.linalg.lstsq(a, b, rcond=None)[0],
        lambda t, a, b: t.linalg.lstsq(a, b).solution,
        (between(-1, 1, 4, 2), between(-1, 1, 4, 2)),
    ),
    "expm": (linalg.expm, lambda t, x: t.linalg.matrix_exp(x), (RANK_2 / 5,)),
    "triangular": (
        linalg.solve_triangular,
        lambda t, a, b: t.linalg.solve_triangular(a, b, upper=True),
        (np.triu(RANK_2) + np.eye(3), between(-1, 1, 3, 2)),
    ),
    "fft": (lambda x: abs(np.fft.fft2(x)), lambda t, x: abs(t.fft.fft2(x)), (RANK_2,)),
    "irfft": (lambda x: np.fft.irfft(x, 5), lambda t, x: t.fft.irfft(x, 5), (RANK_2 + 1j,)),
    "hfft": (np.fft.hfft, lambda t, x: t.fft.hfft(x).resolve_conj(), (RANK_2 + 1j,)),
    "cumprod": (lambda x: np.cumprod(x, axis=1), lambda t, x: t.cumprod(x, 1), (RANK_2,)),
    "cummax": (lambda x: np.maximum.accumulate(x, axis=1), lambda t, x: t.cummax(x, 1).values, (RANK_2[:, ::-1].copy(),)),
    "logcumsumexp": (lambda x: np.logaddexp.accumulate(x, axis=1), lambda t, x: t.logcumsumexp(x, 1), (RANK_2,)),
    "quantile": (lambda x: np.quantile(x, 0.3, axis=1), lambda t, x: t.quantile(x, 0.3, dim=1), (RANK_2,)),
    "cov": (np.cov, lambda t, x: t.cov(x), (RANK_2,)),
    "corrcoef": (np.corrcoef, lambda t, x: t.corrcoef(x), (between(-1, 1, 2, 4),)),
    "gradient": (lambda x: np.gradient(x, axis=0), lambda t, x: t.gradient(x, dim=0)[0], (RANK_2,)),
    "kron": (np.kron, lambda t, x, y: t.kron(x, y), (RANK_2, between(-1, 1, 2, 2))),
    "nanmean": (lambda x: np.nanmean(x, axis=0), lambda t, x: t.nanmean(x, 0), (RANK_2,)),
    "logsumexp": (lambda x: mg.logsumexp(x, axis=1), lambda t, x: t.logsumexp(x, 1), (RANK_2,)),
    "renormalised": (
        lambda x: x / np.linalg.norm(x, axis=1, keepdims=True),
        lambda t, x: x / t.linalg.norm(x, dim=1, keepdim=True),
        (RANK_2,),
    ),
}


@pytest.mark.torch
@pytest.mark.parametrize("name", TORCH)
def test_value_gradient_and_second_derivative_agree_with_torch(name: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    ours, theirs, args = TORCH[name]
    rng = np.random.default_rng(0)
    xs = [Tensor(a, requires_grad=True) for a in args]
    ts = [torch.tensor(a, requires_grad=True) for a in args]
    y, expected = ours(*xs), theirs(torch, *ts)
    np.testing.assert_allclose(y.detach().numpy(), expected.detach().numpy(), rtol=1e-9, atol=1e-11)
    weights = rng.normal(size=y.shape)
    first = mg.autograd.grad([(y * weights).sum()], xs, create_graph=True)
    expected_first = torch.autograd.grad((expected * torch.tensor(weights)).sum(), ts, create_graph=True)
    for g, e in zip(first, expected_first, strict=True):
        np.testing.assert_allclose(g.detach().numpy(), e.detach().resolve_conj().numpy(), rtol=1e-8, atol=1e-10)
    if not any(e.requires_grad for e in expected_first) or not any(g.requires_grad for g in first):
        return  # of first order alone, for one of the two; then the other's second derivative is 0
    second = mg.autograd.grad([sum((abs(g) ** 2).sum() for g in first)], xs, allow_unused=True)
    expected_second = torch.autograd.grad(sum((abs(e) ** 2).sum() for e in expected_first), ts, allow_unused=True)
    for g, e in zip(second, expected_second, strict=True):
        if e is not None:
            np.testing.assert_allclose(0 if g is None else g.numpy(), e.resolve_conj().numpy(), rtol=1e-6, atol=1e-8)
