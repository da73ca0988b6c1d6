"""numpy.linalg: equations, inverses and determinants; all for stacks of matrices too.

G is the gradient of the result.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce as fold_left
from operator import index
from typing import Any, NamedTuple

import numpy as np

from ..arrays.batch import all_examples
from ..arrays.linear import in_one_stack
from ..backend import NoValue, as_operand, side_by_side
from ..primitive import composed, primitive
from ..tensor import Tensor, raw
from .batching import one_by_one
from .diagonals import trace
from .factorization import svdvals
from .products import dot, eye_like, eye_of, inverse_or_nan, matmul, solution_or_nan, transposed
from .products import hermitian as conj_transposed
from .select import where
from .shape import reshape, transpose
from .slopes import conj

__all__ = [
    "det", "inv", "lstsq", "matrix_power", "multi_dot", "pinv", "slogdet", "solve", "tensorinv", "tensorsolve",
]  # fmt: skip


def _inv_a(g: Any, out: Any) -> Any:
    return -transposed(out) @ g @ transposed(out)


@primitive(np.linalg.inv, a=_inv_a)
def inv(a: Any) -> Any:
    """Inverse of square matrices.

    out = a^-1
    da  = -out^T @ g @ out^T

    >>> inv(np.array([[2.0, 0.0], [0.0, 4.0]]))
    array([[0.5 , 0.  ],
           [0.  , 0.25]])
    """
    return np.linalg.inv(a)


def _solve_all(g: Any, needs: Sequence[bool], a: Any, b: Any, out: Any) -> list[Any]:
    vector = b.ndim == 1
    columns = g[..., None] if vector else g
    db = solution_or_nan(transposed(a), columns)
    da = -db @ transposed(out[..., None] if vector else out) if needs[0] else None
    return [da, db[..., 0] if vector else db]


@primitive(np.linalg.solve, joint=_solve_all, inputs=("a", "b"), method=False)
def solve(a: Any, b: Any) -> Any:
    """The solution of a x = b; b is a vector, or has the right-hand sides in its columns.

    out = a^-1 @ b
    db  = a^-T @ g
    da  = -db @ out^T

    >>> solve(np.array([[2.0, 0.0], [0.0, 4.0]]), np.array([2.0, 4.0]))
    array([1., 1.])
    """
    return np.linalg.solve(*in_one_stack(a, b))


def _cofactors(x: Any, out: Any) -> Any:
    """det(X) X^-T, which exists for singular matrices too."""
    lengths = np.sqrt(np.sum(np.square(np.abs(raw(x))), axis=-1))  # |det| is at most the product of the rows' lengths
    if not all_examples(np.abs(raw(out)) <= 1e-6 * np.prod(lengths, axis=-1)).any():
        return out[..., None, None] * transposed(inverse_or_nan(x))
    if isinstance(x, Tensor):
        return _cofactors_as_polynomial(x)
    finite = np.all(np.isfinite(x), axis=(-2, -1), keepdims=True)
    u, s, vh = np.linalg.svd(np.where(finite, x, 0.0))  # which takes no stack with a NaN in it
    others = np.prod(np.where(eye_of(s) == 1, 1.0, s[..., None, :]), axis=-1)
    cofactors = np.linalg.det(u @ vh)[..., None, None] * (conj(u) * others[..., None, :]) @ conj(vh)
    return np.where(finite, cofactors, np.nan)


def _cofactors_as_polynomial(x: Any) -> Any:
    """The same from products alone (Faddeev and LeVerrier): derivatives of any order, but rounding grows with the size."""
    n, m = x.shape[-1], eye_of(raw(x))
    for k in range(1, n):
        product = x @ m
        m = product - (trace(product, axis1=-2, axis2=-1) / k)[..., None, None] * eye_of(raw(x))
    return transposed(m) * (-1.0) ** (n - 1) + np.zeros_like(raw(x))


@primitive(np.linalg.det, a=lambda g, a, out: g[..., None, None] * _cofactors(a, out))
def det(a: Any) -> Any:
    """Determinant.

    out = det a
    da  = g out a^-T         (the matrix of cofactors, also where a is singular)

    >>> grad(det)(np.array([[2.0, 0.0], [0.0, 4.0]]))
    array([[4., 0.],
           [0., 2.]])
    """
    return np.linalg.det(a)


class SlogdetResult(NamedTuple):
    """What `slogdet` returns."""

    sign: Any
    logabsdet: Any


def _slogdet_a(g: Any, a: Any, out: Any) -> Any:
    turn = np.imag(g[0] * out[0]) * 1j if a.dtype.kind == "c" else 0.0
    g = (g[1] + turn)[..., None, None]
    return g * transposed(inverse_or_nan(a, g))


@primitive(a=_slogdet_a, method=False, name="slogdet")
def _slogdet(a: Any) -> Any:
    """Sign and logarithm of the absolute determinant; the sign of a real one is constant.

    out = (s, log |det a|),  s = det a / |det a|
    da  = (g_2 + i Im(g_1 s)) a^-T                   (Im(g_1 s) = 0 for real matrices)
    """
    return tuple(np.linalg.slogdet(a))


@composed(np.linalg.slogdet)
def slogdet(a: Any) -> SlogdetResult:
    """Sign and logarithm of the absolute determinant.

    >>> slogdet(np.array([[2.0, 0.0], [0.0, -4.0]])).sign
    np.float64(-1.0)
    """
    return SlogdetResult(*_slogdet(a))


# ------------------------------------------------------- pseudo-inverse and least squares


def _pinv_a(g: Any, a: Any, out: Any, hermitian: bool) -> Any:
    g, y = conj(g), out
    yh, gh = conj_transposed(y), conj_transposed(g)
    left = eye_like(a, a.shape[-2]) - a @ y
    right = eye_like(a, a.shape[-1]) - y @ a
    da = -yh @ g @ yh + left @ gh @ y @ yh + yh @ y @ gh @ right
    return conj((da + conj_transposed(da)) / 2 if hermitian else da)


@primitive(np.linalg.pinv, a=_pinv_a)
def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = NoValue) -> Any:
    """Moore-Penrose pseudo-inverse; differentiable where the rank does not change.

    out = a^+
    da  = -out^H @ g @ out^H + (1 - a @ out) @ g^H @ out @ out^H + out^H @ out @ g^H @ (1 - out @ a)

    (Golub and Pereyra, 1973.)  For `hermitian` matrices, of which the lower triangle is read, da is
    the Hermitian part of this.

    Args:
        rcond, rtol: singular values below this fraction of the largest one count as 0.

    >>> pinv(np.array([[2.0], [0.0]]))
    array([[0.5, 0. ]])
    """
    options: dict[str, Any] = {} if rcond is None else {"rcond": rcond}
    if hermitian:
        options["hermitian"] = True
    if rtol is not NoValue:
        options["rtol"] = rtol
    return np.linalg.pinv(a, **options)


def _least_squares_all(
    g: Any, needs: Sequence[bool], a: Any, b: Any, out: Any, rcond: Any
) -> list[Any]:
    vector = b.ndim == 1
    g, b, x = (conj(g), b, out) if not vector else (conj(g)[:, None], b[:, None], out[:, None])
    y = pinv(a, rcond)
    yh = conj_transposed(y)
    db = yh @ g
    da = None
    if needs[0]:
        da = -db @ conj_transposed(x)
        da = da + (b - a @ x) @ conj_transposed(y @ db)
        da = conj(da + yh @ x @ conj_transposed(g - y @ (a @ g)))
    return [da, conj(db[:, 0] if vector else db)]


@primitive(method=False, joint=_least_squares_all, inputs=("a", "b"))
def least_squares_solution(a: Any, b: Any, rcond: Any) -> Any:
    """The shortest x that minimises |a x - b|; differentiable where the rank of a does not change.

    out = a^+ @ b
    db  = (a^+)^H @ g
    da  = -db @ out^H + (b - a @ out) @ (a^+ @ db)^H + (a^+)^H @ out @ (g - a^+ @ a @ g)^H
    """
    return np.linalg.lstsq(a, b, rcond)[0]


@composed(np.linalg.lstsq, method=False)
@one_by_one("the rank and the shape of the residuals depend on the values")
def lstsq(a: Any, b: Any, rcond: Any = None) -> tuple[Any, Any, int, Any]:
    """Least squares: (solution, squared residuals, rank of a, singular values of a).

    Args:
        a: (M, N).
        b: (M,) or (M, K).
        rcond: singular values below this fraction of the largest one count as 0; None for the
            rounding error times max(M, N), a negative number for the rounding error.

    >>> lstsq(np.array([[1.0], [1.0]]), np.array([1.0, 3.0]))[0].round(12)
    array([2.])
    """
    a, b = map(as_operand, side_by_side(a, b))
    _, residuals, rank, values = np.linalg.lstsq(raw(a), raw(b), rcond)
    eps = np.finfo(values.dtype).eps
    if rcond is None:
        rcond = eps * max(np.shape(a))
    elif rcond < 0:
        rcond = eps
    x = least_squares_solution(a, b, rcond)
    if residuals.size:
        off = b - a @ x
        residuals = np.sum(np.real(np.conj(off) * off), axis=0).reshape(residuals.shape)
    return x, residuals, rank, svdvals(a.astype(np.result_type(a.dtype, values.dtype), copy=False))


# ----------------------------------------------------------------- products and tensors


@composed(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Any:
    """A multiplied with itself n times, by squaring; negative n through the inverse.

    >>> matrix_power(np.array([[1.0, 1.0], [0.0, 1.0]]), 5)
    array([[1., 5.],
           [0., 1.]])
    """
    try:
        n = index(n)
    except TypeError as error:
        raise TypeError(f"matrix_power: the exponent must be an integer, got {n!r}") from error
    if np.ndim(a) < 2 or np.shape(a)[-1] != np.shape(a)[-2]:
        raise np.linalg.LinAlgError(
            f"matrix_power: expected square matrices in the last two axes, got shape {np.shape(a)}"
        )
    if n < 0:
        return matrix_power(inv(a), -n)
    if n == 0:
        everywhere = np.ones_like(raw(a), dtype=bool)
        return where(everywhere, eye_of(a), a)
    if n == 3:  # as NumPy multiplies: of infinite numbers the order matters
        return matmul(matmul(a, a), a)
    result = None
    while n:
        if n % 2:
            result = a if result is None else matmul(result, a)
        n //= 2
        a = matmul(a, a) if n else a
    return result


@composed(np.linalg.multi_dot, method=False)
def multi_dot(arrays: Sequence[Any], *, out: Any = None) -> Any:
    """The product of several matrices, from left to right; the first and the last may be vectors.

    Args:
        arrays: the matrices.

    >>> multi_dot([np.eye(2), np.ones((2, 3)), np.ones(3)])
    array([3., 3.])
    """
    if len(arrays) < 2:
        raise ValueError(f"multi_dot: expected at least two arrays, got {len(arrays)}")
    for i, x in enumerate(arrays if len(arrays) > 2 else ()):  # of two it is `dot`
        vector = np.ndim(x) == 1 and i in (0, len(arrays) - 1)
        if np.ndim(x) != 2 and not vector:
            raise np.linalg.LinAlgError(
                f"multi_dot: array {i} has shape {np.shape(x)}: it must be a matrix (the first and the last may be vectors)"
            )
    return fold_left(dot if len(arrays) == 2 else matmul, side_by_side(*arrays))


@composed(np.linalg.tensorsolve, method=False)
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """The x of tensordot(a, x, x.ndim) = b.

    Args:
        axes: axes of a that are moved to its end first.

    >>> tensorsolve(2 * np.eye(4).reshape(2, 2, 4), np.ones((2, 2)))
    array([0.5, 0.5, 0.5, 0.5])
    """
    a, b = side_by_side(a, b)
    if axes is not None:
        a = transpose(a, [i for i in range(np.ndim(a)) if i not in axes] + list(axes))
    shape = np.shape(a)[-(np.ndim(a) - np.ndim(b)) :]  # as NumPy has it: all axes, where a has no more than b
    if np.size(a) != math.prod(shape) ** 2:
        raise np.linalg.LinAlgError(
            f"tensorsolve: a of shape {np.shape(a)} is no square matrix between x of shape {shape} and b of shape {np.shape(b)}"
        )
    return reshape(solve(reshape(a, (np.size(b), math.prod(shape))), reshape(b, -1)), shape)


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
