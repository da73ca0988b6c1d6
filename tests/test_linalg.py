"""Matrices at the edge: repeated eigenvalues, singular values at 0, singular matrices.  Right, or a clear error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg

from minigrad import Tensor, grad, gradcheck, gradgradcheck, jacobian
from minigrad.scipy import linalg

RANK_2 = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [5.0, 7.0, 9.0]])
REPEATED = np.diag([2.0, 2.0, 5.0])


def test_repeated_eigenvalues_have_a_sum() -> None:
    """Symmetric functions of the eigenvalues are smooth: here trace and squared Frobenius norm."""
    for eigenvalues in (np.linalg.eigvalsh, lambda x: np.linalg.eigvals(x).real, lambda x: np.linalg.eigh(x).eigenvalues):
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


@pytest.mark.filterwarnings("ignore:Matrix is singular")  # SciPy's, of the value
def test_matrix_functions_where_they_are_delicate() -> None:
    jordan = np.array([[2.0, 1.0], [0.0, 2.0]])
    for f in (linalg.expm, linalg.sqrtm, linalg.logm):
        assert gradcheck(f, jordan)
    rotation = scipy.linalg.expm(np.array([[0.0, -1.2], [1.2, 0.0]]))
    assert gradgradcheck(linalg.logm, rotation)
    with pytest.raises(np.linalg.LinAlgError, match="sqrtm: the square root of a singular matrix"):
        grad(lambda x: linalg.sqrtm(x).sum())(np.diag([1.0, 0.0]))
