"""Matrices at the edge: repeated eigenvalues, singular values at 0, singular matrices.  Right, or a clear error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg

import minigrad as mg
from minigrad import Tensor, grad, gradcheck, gradgradcheck, jacobian
from minigrad.scipy import linalg

from .samples import between

RANK_2 = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [5.0, 7.0, 9.0]])
REPEATED = np.diag([2.0, 2.0, 5.0])


def test_repeated_eigenvalues_have_a_sum() -> None:
    """Symmetric functions of the eigenvalues are smooth: here trace and squared Frobenius norm."""
    for eigenvalues in (np.linalg.eigvalsh, np.linalg.eigvals, lambda x: np.linalg.eigh(x).eigenvalues):
        np.testing.assert_allclose(grad(lambda x, f=eigenvalues: f(x).sum())(REPEATED), np.eye(3), atol=1e-14)
        np.testing.assert_allclose(grad(lambda x, f=eigenvalues: (f(x) ** 2).sum())(REPEATED), 2 * REPEATED, atol=1e-14)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.linalg.eigh(x).eigenvectors[:, 0],
        lambda x: np.linalg.eig(x).eigenvectors[:, 1],
        lambda x: np.linalg.svd(x).U[:, 2],
        lambda x: np.linalg.svd(x).Vh[1],
        lambda x: np.linalg.eigh(x + 1e-15 * np.diag([1.0, 0.0, 0.0])).eigenvectors[:, 0],
    ],
)
def test_vectors_of_repeated_values_are_a_named_error(f: Callable[..., Any]) -> None:
    with pytest.raises(np.linalg.LinAlgError, match=r"\(nearly\) equal values (2 and 2|4 and 4)"):
        jacobian(f)(REPEATED)


def test_the_other_vectors_are_differentiable() -> None:
    symmetric = lambda x: x + np.swapaxes(x, 0, 1)
    assert gradcheck(lambda x: np.abs(np.linalg.eigh(symmetric(x)).eigenvectors[:, 2]), REPEATED / 2)
    assert gradcheck(lambda x: np.abs(np.linalg.svd(x).U[:, 0]), REPEATED)


def test_a_double_root_is_a_named_error_and_a_simple_one_beside_it_is_not() -> None:
    with pytest.raises(np.linalg.LinAlgError, match="defective"):
        jacobian(np.linalg.eigvals)(np.array([[1.0, 1.0], [0.0, 1.0]]))
    np.testing.assert_allclose(jacobian(np.roots)(np.array([1.0, -3.0, 2.0]))[:, 2], [-1.0, 1.0])


def test_nuclear_norm_of_a_singular_matrix_has_a_subgradient() -> None:
    """U V^T of the singular values above 0, plus something orthogonal to it: PyTorch's answer."""
    u, s, vh = np.linalg.svd(RANK_2)
    g = grad(lambda x: np.linalg.norm(x, "nuc"))(RANK_2)
    np.testing.assert_allclose((u.T @ g @ vh.T)[:2, :2], np.eye(2), atol=1e-12)
    assert np.linalg.norm(g, 2) <= 1 + 1e-12
    zero = grad(lambda x: np.linalg.svdvals(x).sum())(np.zeros((3, 2)))
    assert np.isfinite(zero).all()
    assert np.isfinite(grad(lambda x: np.linalg.norm(x, 2))(np.outer([1.0, 2.0], [3.0, 4.0]))).all()


@pytest.mark.parametrize("x", [RANK_2, np.diag([1.0, 0.0, 0.0]), np.zeros((2, 2)), np.outer([1.0, 2.0], [1j, 3.0])])
def test_gradient_of_a_vanishing_determinant(x: np.ndarray) -> None:
    assert gradcheck(np.linalg.det, x)
    assert gradgradcheck(np.linalg.det, x)


@pytest.mark.parametrize("f", [np.linalg.inv, lambda x: np.linalg.slogdet(x)[1], lambda x: np.linalg.solve(x, np.ones(3))])
def test_singular_matrices_name_the_op(f: Callable[..., Any]) -> None:
    x = Tensor(np.diag([1.0, 2.0, 0.0]), requires_grad=True)
    with pytest.raises(np.linalg.LinAlgError, match="Singular") as error:
        f(x).sum().backward()
    assert any(op in str(error.value) + "".join(getattr(error.value, "__notes__", ())) for op in ("inv", "slogdet", "solve"))


def test_cholesky_of_what_is_not_positive_definite() -> None:
    with pytest.raises(np.linalg.LinAlgError, match="cholesky.*not positive definite"):
        np.linalg.cholesky(Tensor(-np.eye(2), requires_grad=True))


def test_matrix_functions_where_they_are_delicate() -> None:
    jordan = np.array([[2.0, 1.0], [0.0, 2.0]])
    for f in (linalg.expm, linalg.sqrtm, linalg.logm):
        assert gradcheck(f, jordan)
    rotation = scipy.linalg.expm(np.array([[0.0, -1.2], [1.2, 0.0]]))
    assert gradgradcheck(linalg.logm, rotation)
    with pytest.raises((np.linalg.LinAlgError, RuntimeWarning, ValueError)):  # the slope of the root at 0 is infinite
        grad(lambda x: linalg.sqrtm(x).sum())(np.diag([1.0, 0.0]))


TORCH: dict[str, tuple[Callable[..., Any], Callable[..., Any], tuple[np.ndarray, ...]]] = {
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
    if not any(e.requires_grad for e in expected_first):
        return
    second = mg.autograd.grad([sum((abs(g) ** 2).sum() for g in first)], xs, allow_unused=True)
    expected_second = torch.autograd.grad(sum((abs(e) ** 2).sum() for e in expected_first), ts, allow_unused=True)
    for g, e in zip(second, expected_second, strict=True):
        if e is not None:
            np.testing.assert_allclose(0 if g is None else g.numpy(), e.resolve_conj().numpy(), rtol=1e-6, atol=1e-8)
