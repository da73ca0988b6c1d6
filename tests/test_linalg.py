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


# ------------------------------------------------------------------- NumPy's options

SQUARE = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, -0.7], [0.5, -0.7, 2.0]])
HERMITIAN = SQUARE + 1j * np.array([[0.0, 0.3, -0.2], [-0.3, 0.0, 0.6], [0.2, -0.6, 0.0]])
TENSOR = np.arange(1.0, 25.0).reshape(2, 3, 4) * np.array([1.0, -1.0, 1.0, 1.0]) + 0.3
INFINITE = [np.inf, -np.inf]


def both(x: Any) -> Any:
    """The Hermitian part, so that every entry counts in both triangles."""
    return (x + np.conj(np.swapaxes(x, -1, -2))) / 2


OPTIONS: dict[str, tuple[Callable[..., Any], np.ndarray]] = {
    "cholesky upper": (lambda x: np.linalg.cholesky(both(x), upper=True), SQUARE),
    "cholesky upper, complex": (lambda x: np.linalg.cholesky(both(x), upper=True), HERMITIAN),
    "eigvalsh of the upper triangle": (lambda x: np.linalg.eigvalsh(both(x), UPLO="U"), HERMITIAN),
    "eigh of the upper triangle": (lambda x: np.abs(np.linalg.eigh(both(x), "U")[1]), SQUARE),
    "svd of a hermitian matrix": (
        lambda x: np.linalg.svd(both(x), hermitian=True, compute_uv=False), SQUARE - 3 * np.eye(3)
    ),
    "its vectors": (lambda x: np.abs(np.linalg.svd(both(x), hermitian=True)[2]), SQUARE - 3 * np.eye(3)),
    "pinv of a hermitian matrix": (lambda x: np.linalg.pinv(both(x), hermitian=True), HERMITIAN),
    "pinv with rtol": (lambda x: np.linalg.pinv(x, rtol=1e-8), SQUARE[:2]),
    "pinv with rcond": (lambda x: np.linalg.pinv(x, 0.1), SQUARE[:, :2]),
    "trace with a dtype": (lambda x: np.linalg.trace(x, offset=1, dtype=complex), SQUARE),
    "multi_dot": (lambda x: np.linalg.multi_dot([x[0], x, x[1]]), SQUARE),
    "einsum with a dtype": (lambda x: np.einsum("ij->i", x, dtype=complex, optimize="greedy"), SQUARE),
    "einsum of an axis of length one": (lambda x: np.einsum("ij,ik->jk", x, x[:, :1]), SQUARE),
    **{f"norm {p}": (lambda x, p=p: np.linalg.norm(x, p, axis=1), TENSOR) for p in (-1, 0.5, 1.5, *INFINITE)},
    **{
        f"vector_norm {p}": (lambda x, p=p: np.linalg.vector_norm(x, axis=(2, 0), ord=p, keepdims=True), TENSOR)
        for p in (0, 1, 2, 3, *INFINITE)
    },
    **{
        f"matrix_norm {p}": (lambda x, p=p: np.linalg.matrix_norm(x, ord=p, keepdims=True), TENSOR**2)
        for p in ("fro", "nuc", 1, -1, 2, -2, *INFINITE)
    },
    **{
        f"matrix norm {p} over axes": (lambda x, p=p: np.linalg.norm(x, p, (2, 0)), TENSOR**2)
        for p in ("fro", "nuc", 1, -1, 2, -2, *INFINITE)
    },
    "cross of two components": (lambda x: np.cross(x[:2, :2], x[1:, 1:], axisa=0, axisb=1), SQUARE),
    "cross of two with three": (lambda x: np.cross(x[:, :2], x, axisc=0), SQUARE),
    "cross along other axes": (lambda x: np.cross(x, x[:, ::-1] ** 2, axis=0), SQUARE),
    "vecdot with keepdims": (lambda x: np.vecdot(x, 2 * x[:, ::-1], axis=0, keepdims=True), HERMITIAN),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:Arrays of 2-dimensional vectors:DeprecationWarning")
@pytest.mark.parametrize("name", OPTIONS)
def test_options_are_numpys(name: str) -> None:
    f, x = OPTIONS[name]
    got, expected = f(Tensor(x)), f(x)
    assert (got.shape, got.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-12, atol=1e-13)
    assert gradcheck(f, x)


@pytest.mark.parametrize(
    ("f", "match"),
    [
        (lambda x: np.linalg.norm(x, "nuc", axis=0), "nuc.*norm of matrices"),
        (lambda x: np.linalg.norm(x, 3), "ord=3 is not a norm of matrices"),
        (lambda x: np.linalg.norm(x[None], 1), "not over 3"),
        (lambda x: np.linalg.norm(x, 1, axis=5), "out of bounds"),
        (lambda x: np.linalg.cross(x[:, :2], x[:, :2]), "length 3"),
        (lambda x: np.linalg.outer(x, x), "two vectors"),
        (lambda x: np.linalg.matrix_power(x, 0.5), "integer"),
        (lambda x: np.linalg.multi_dot([x]), "at least two"),
        (lambda x: np.tensordot(x, x, axes=([4], [0])), "out of bounds"),
        (lambda x: np.einsum("...i->i", x), r"'\.\.\.'"),
        (lambda x: np.einsum("ij", x, colour=3), "colour"),
        (lambda x: np.linalg.qr(x, "raw"), "raw.*no gradient"),
        (lambda x: np.linalg.qr(x, "half"), "mode must be"),
        (lambda x: np.linalg.eigh(x, "M"), "UPLO"),
        (lambda x: np.linalg.pinv(x, 1e-3, rtol=1e-3), "rtol"),
    ],
)
def test_what_is_not_defined_says_so(f: Callable[..., Any], match: str) -> None:
    with pytest.raises((ValueError, TypeError, NotImplementedError), match=match):
        f(Tensor(SQUARE, requires_grad=True))


def test_empty_products_and_inverses() -> None:
    x, y = Tensor(np.ones((5, 5, 0)), requires_grad=True), Tensor(np.ones((0, 5)), requires_grad=True)
    out = x @ y
    assert out.shape == (5, 5, 5) and not out.detach().numpy().any()
    out.sum().backward()
    assert (x.grad.shape, y.grad.shape) == ((5, 5, 0), (0, 5))
    assert grad(lambda x: np.sum(np.linalg.pinv(x)))(np.zeros((3, 0))).shape == (3, 0)


def test_norms_of_integers_do_not_overflow() -> None:
    x = np.array([100, 100, 100], np.int8)
    np.testing.assert_allclose(np.linalg.norm(Tensor(x)).numpy(), np.linalg.norm(x))
    np.testing.assert_allclose(np.linalg.vector_norm(Tensor(x), ord=3).numpy(), np.linalg.vector_norm(x, ord=3))


# ------------------------------------------------- functions of a matrix at equal eigenvalues


def matrix_function(f: Callable[..., Any], x: Any) -> Any:
    w, v = np.linalg.eigh(both(x))
    return (v * f(w)[..., None, :]) @ np.conj(np.swapaxes(v, -1, -2))


TURN = np.linalg.qr(SQUARE)[0]


@pytest.mark.parametrize("x", [np.eye(3), 2 * np.eye(3), TURN @ np.diag([2.0, 2.0, 5.0]) @ TURN.T, np.stack([np.eye(3), SQUARE])])
@pytest.mark.parametrize("f", [np.log, np.exp, np.sqrt, lambda w: w**7, lambda w: 1 / w])
def test_a_function_of_a_matrix_is_differentiable_at_equal_eigenvalues(f: Callable[..., Any], x: np.ndarray) -> None:
    """The finite difference steps through matrices whose eigenvalues differ."""
    weights = np.arange(9.0).reshape(3, 3) - 3
    loss = lambda x: np.sum(matrix_function(f, x) * weights) + np.sum(np.linalg.eigh(both(x))[0] ** 2)
    assert gradcheck(loss, x, eps=1e-5, atol=1e-4)


def test_values_that_are_told_apart_stay_close_and_others_stay_the_same() -> None:
    x = TURN @ np.diag([2.0, 2.0, 5.0]) @ TURN.T
    recorded = np.linalg.eigh(Tensor(x, requires_grad=True)).eigenvalues.detach().numpy()
    np.testing.assert_allclose(recorded, [2.0, 2.0, 5.0], rtol=3e-8)
    plain = np.linalg.eigh(x).eigenvalues
    np.testing.assert_array_equal(np.linalg.eigh(Tensor(x)).eigenvalues.numpy(), plain)
    np.testing.assert_array_equal(np.linalg.eigvalsh(Tensor(x, requires_grad=True)).detach().numpy(), plain)
    different = np.linalg.eigh(Tensor(SQUARE, requires_grad=True)).eigenvalues.detach().numpy()
    np.testing.assert_array_equal(different, np.linalg.eigh(SQUARE).eigenvalues)


def test_a_second_derivative_at_equal_eigenvalues_is_a_named_error() -> None:
    with pytest.raises(np.linalg.LinAlgError, match="eigenvectors for a second time.*equal values 2 and 2"):
        gradgradcheck(lambda x: matrix_function(np.exp, x), 2 * np.eye(3))


@pytest.mark.parametrize("p", [1.0, 2.0, 2.5, -1.0])
def test_the_order_of_a_norm_has_a_gradient_at_whole_numbers_too(p: float) -> None:
    x = np.array([1.0, -2.0, 0.5])
    for norm in (mg.linalg.norm, lambda x, ord: mg.linalg.vector_norm(x, ord=ord)):
        assert mg.gradcheck(norm, x, np.array(p))
        order = Tensor(np.array(p), requires_grad=True)
        norm(x, order).backward()
        assert order.grad is not None
        assert order.grad.item() != 0


def test_an_order_that_no_gradient_reaches_is_refused() -> None:
    x = np.array([1.0, -2.0, 0.5])
    for p in (np.inf, 0.0):
        with pytest.raises(ValueError, match="no gradient reaches ord"):
            mg.linalg.norm(x, Tensor(np.array(p), requires_grad=True))
        assert mg.linalg.norm(x, Tensor(np.array(p))) == np.linalg.norm(x, p)
    with pytest.raises(TypeError, match=r"ord\.detach\(\)"):
        mg.linalg.norm(np.eye(2), Tensor(2.0, requires_grad=True))
    assert mg.linalg.norm(np.eye(2), Tensor(1.0)) == 1.0
