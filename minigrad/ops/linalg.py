"""numpy.linalg: equations, inverses and determinants; all for stacks of matrices too.

G is the gradient of the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce as fold_left
from typing import Any, NamedTuple

import numpy as np

from ..primitive import composed, primitive
from ..tensor import Tensor, raw
from .factorization import svdvals
from .index import trace
from .masking import conj
from .products import eye_of, hermitian, matmul, transposed
from .shape import reshape, transpose

__all__ = [
    "det", "inv", "lstsq", "matrix_power", "multi_dot", "pinv", "slogdet", "solve", "tensorinv", "tensorsolve",
]  # fmt: skip


def _inv_x(g: Any, out: Any) -> Any:
    return -transposed(out) @ g @ transposed(out)


@primitive(np.linalg.inv, x=_inv_x)
def inv(x: Any) -> Any:
    """Inverse of square matrices.

    out = X^-1
    dX  = -out^T G out^T

    >>> inv(np.array([[2.0, 0.0], [0.0, 4.0]]))
    array([[0.5 , 0.  ],
           [0.  , 0.25]])
    """
    return np.linalg.inv(x)


def _solve_all(g: Any, needs: Sequence[bool], a: Any, b: Any, out: Any) -> list[Any]:
    vector = b.ndim == 1
    columns = g[..., None] if vector else g
    db = np.linalg.solve(transposed(a), columns)
    da = -db @ transposed(out[..., None] if vector else out) if needs[0] else None
    return [da, db[..., 0] if vector else db]


@primitive(np.linalg.solve, joint=_solve_all, inputs=("a", "b"), method=False)
def solve(a: Any, b: Any) -> Any:
    """The solution of a x = b; b is a vector, or has the right-hand sides in its columns.

    out = A^-1 b
    db  = A^-T g
    dA  = -db out^T

    >>> solve(np.array([[2.0, 0.0], [0.0, 4.0]]), np.array([2.0, 4.0]))
    array([1., 1.])
    """
    return np.linalg.solve(a, b)


def _cofactors(x: Any, out: Any) -> Any:
    """det(X) X^-T, which exists for singular matrices too."""
    lengths = np.sqrt(np.sum(np.square(np.abs(raw(x))), axis=-1))  # |det| is at most the product of the rows' lengths
    if not (np.abs(raw(out)) <= 1e-6 * np.prod(lengths, axis=-1)).any():
        return out[..., None, None] * transposed(np.linalg.inv(x))
    if isinstance(x, Tensor):
        return _cofactors_as_polynomial(x)
    u, s, vh = np.linalg.svd(x)
    others = np.prod(np.where(eye_of(s) == 1, 1.0, s[..., None, :]), axis=-1)
    return np.linalg.det(u @ vh)[..., None, None] * (conj(u) * others[..., None, :]) @ conj(vh)


def _cofactors_as_polynomial(x: Any) -> Any:
    """The same from products alone (Faddeev and LeVerrier): derivatives of any order, but rounding grows with the size."""
    n, m = x.shape[-1], eye_of(raw(x))
    for k in range(1, n):
        product = x @ m
        m = product - (trace(product, axis1=-2, axis2=-1) / k)[..., None, None] * eye_of(raw(x))
    return transposed(m) * (-1.0) ** (n - 1) + np.zeros_like(raw(x))


@primitive(np.linalg.det, x=lambda g, x, out: g[..., None, None] * _cofactors(x, out))
def det(x: Any) -> Any:
    """Determinant.

    out = det X
    dX  = g out X^-T         (the matrix of cofactors, also where X is singular)

    >>> grad(det)(np.array([[2.0, 0.0], [0.0, 4.0]]))
    array([[4., 0.],
           [0., 2.]])
    """
    return np.linalg.det(x)


class SlogdetResult(NamedTuple):
    """What `slogdet` returns."""

    sign: Any
    logabsdet: Any


def _slogdet_x(g: Any, x: Any, out: Any) -> Any:
    turn = np.imag(g[0] * out[0]) * 1j if x.dtype.kind == "c" else 0.0
    return (g[1] + turn)[..., None, None] * transposed(np.linalg.inv(x))


@primitive(x=_slogdet_x, method=False, name="slogdet")
def _slogdet(x: Any) -> Any:
    """Sign and logarithm of the absolute determinant; the sign of a real one is constant.

    out = (s, log |det X|),  s = det X / |det X|
    dX  = (g_2 + i Im(g_1 s)) X^-T                   (Im(g_1 s) = 0 for real matrices)
    """
    return tuple(np.linalg.slogdet(x))


@composed(np.linalg.slogdet)
def slogdet(x: Any) -> SlogdetResult:
    """Sign and logarithm of the absolute determinant.

    >>> slogdet(np.array([[2.0, 0.0], [0.0, -4.0]])).sign
    np.float64(-1.0)
    """
    return SlogdetResult(*_slogdet(x))


def _pinv_x(g: Any, x: Any, out: Any) -> Any:
    g, y = conj(g), out
    left, right = eye_of(x[..., 0]) - x @ y, eye_of(x) - y @ x
    return conj(
        -hermitian(y) @ g @ hermitian(y) + left @ hermitian(g) @ y @ hermitian(y) + hermitian(y) @ y @ hermitian(g) @ right
    )


@primitive(np.linalg.pinv, x=_pinv_x)
def pinv(x: Any, rcond: Any = None) -> Any:
    """Moore-Penrose pseudo-inverse Y; differentiable where the rank does not change.

    out = Y
    dX  = -Y^H G Y^H + (1 - X Y) G^H Y Y^H + Y^H Y G^H (1 - Y X)

    (Golub and Pereyra, 1973.)

    >>> pinv(np.array([[2.0], [0.0]]))
    array([[0.5, 0. ]])
    """
    return np.linalg.pinv(x, rcond)


@composed(np.linalg.matrix_power)
def matrix_power(x: Any, n: int) -> Any:
    """X multiplied with itself n times, by squaring; negative n through the inverse.

    >>> matrix_power(np.array([[1.0, 1.0], [0.0, 1.0]]), 5)
    array([[1., 5.],
           [0., 1.]])
    """
    if n < 0:
        return matrix_power(inv(x), -n)
    result = None
    while n:
        if n % 2:
            result = x if result is None else matmul(result, x)
        n //= 2
        x = matmul(x, x) if n else x
    return x * 0 + eye_of(x) if result is None else result


@composed(np.linalg.multi_dot, method=False)
def multi_dot(arrays: Sequence[Any]) -> Any:
    """The product of several matrices, from left to right.

    >>> multi_dot([np.eye(2), np.ones((2, 3)), np.ones(3)])
    array([3., 3.])
    """
    return fold_left(matmul, arrays)


@primitive(method=False, composite=lambda a, b, rcond: pinv(a, rcond) @ b, inputs=("a", "b"))
def least_squares_solution(a: Any, b: Any, rcond: Any) -> Any:
    """The shortest x that minimises |a x - b|; differentiable where the rank of a does not change.

    out = A^+ b                                      (differentiated as this product)
    """
    return np.linalg.lstsq(a, b, rcond)[0]


@composed(np.linalg.lstsq, method=False)
def lstsq(a: Any, b: Any, rcond: Any = None) -> tuple[Any, Any, int, Any]:
    """Least squares: (solution, squared residuals, rank of a, singular values of a).

    >>> lstsq(np.array([[1.0], [1.0]]), np.array([1.0, 3.0]))[0].round(12)
    array([2.])
    """
    rows, columns = np.shape(a)
    _, residuals, rank, _ = np.linalg.lstsq(raw(a), raw(b), rcond)
    rcond = np.finfo(a.dtype).eps * max(rows, columns) if rcond is None else rcond
    x = least_squares_solution(a, b, rcond)
    if residuals.size:
        off = b - a @ x
        residuals = np.sum(np.real(np.conj(off) * off), axis=0).reshape(residuals.shape)
    return x, residuals, int(rank), svdvals(a)


@composed(np.linalg.tensorsolve, method=False)
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """The x of tensordot(a, x, x.ndim) = b.

    >>> tensorsolve(2 * np.eye(4).reshape(2, 2, 4), np.ones((2, 2)))
    array([0.5, 0.5, 0.5, 0.5])
    """
    if axes is not None:
        a = transpose(a, [i for i in range(np.ndim(a)) if i not in axes] + list(axes))
    shape = np.shape(a)[np.ndim(b) :]
    return reshape(solve(reshape(a, (np.size(b), -1)), reshape(b, -1)), shape)


@composed(np.linalg.tensorinv, method=False)
def tensorinv(a: Any, ind: int = 2) -> Any:
    """The inverse of a as the matrix between its first `ind` axes and the others.

    >>> tensorinv(2 * np.eye(4).reshape(4, 2, 2), ind=1).shape
    (2, 2, 4)
    """
    if ind < 1:
        raise ValueError(f"tensorinv: ind must be positive, got {ind}")
    shape = np.shape(a)
    rows = int(np.prod(shape[:ind]))
    return reshape(inv(reshape(a, (rows, -1))), shape[ind:] + shape[:ind])
