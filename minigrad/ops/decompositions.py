"""scipy.linalg: LU and polar decompositions, whose factors are unique, and so have derivatives.

In the formulas G is the gradient of the factor that its index names.  SciPy computes the values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays.batch import Batch, Unbatched, all_examples
from ..arrays.fallback import runs_in_turn
from ..backend import as_operand, beside, call_scipy, side_by_side
from ..primitive import composed, primitive
from ..tensor import raw
from .matrix_functions import refuse_infinite, solve_sylvester, solve_triangular
from .products import hermitian, solution_or_nan, transposed
from .slopes import conj

__all__ = ["lu", "lu_factor", "lu_solve", "polar"]


def _of_each(function: Callable[..., Any], x: Any) -> tuple[Any, ...]:
    """SciPy's function of a stack of matrices, which returns several arrays, of the matrices of all examples of a `vmap`."""
    if type(x) is Batch and isinstance(all_examples(x), np.ndarray):
        return tuple(Batch(part, x.level) for part in _of_each(function, x._array))
    if type(x) is Batch:
        raise Unbatched("CuPy's decompositions of a matrix")
    if x.ndim == 2 or not x.size or isinstance(x, np.ndarray):
        return tuple(function(x))
    matrices = [function(matrix) for matrix in np.reshape(x, (-1, *x.shape[-2:]))]  # CuPy's is for one matrix
    parts = [np.stack(part) for part in zip(*matrices, strict=True)]
    return tuple(np.reshape(part, (*x.shape[:-2], *part.shape[1:])) for part in parts)


# -------------------------------------------------------------------------- LU decomposition


def _right_divided(x: Any, u: Any) -> Any:
    """x u^-T."""
    return transposed(solution_or_nan(u, transposed(x)))


def _lu_a(g: Any, out: Any) -> Any:
    """Of a square part, and of the rows below or the columns beside it: L_2 = A_2 U^-1, U_2 = L^-1 A_2."""
    p, lower, upper = out
    gl, gu = g[1], g[2]
    n = min(lower.shape[-2], upper.shape[-1])
    first, second = lower[..., :n, :], upper[..., :, :n]
    gl_first, gu_first = gl[..., :n, :], gu[..., :, :n]
    parts = []
    if lower.shape[-2] > n:
        below = _right_divided(gl[..., n:, :], second)
        gu_first = gu_first - transposed(lower[..., n:, :]) @ below
        parts = [below]
    if upper.shape[-1] > n:
        right = solution_or_nan(transposed(first), gu[..., :, n:])
        gl_first = gl_first - right @ transposed(upper[..., :, n:])
        parts = [right]
    inner = np.tril(transposed(first) @ gl_first, -1) + np.triu(gu_first @ transposed(second))
    square = _right_divided(solution_or_nan(transposed(first), inner), second)
    axis = -2 if lower.shape[-2] > n else -1
    whole = np.concatenate([square, *parts], axis=axis) if parts else square
    return p @ whole


@primitive(method=False, name="lu", a=_lu_a)
def _lu(a: Any) -> tuple[Any, Any, Any]:
    """The factors of a = P L U.

    out = (P, L, U),  a = P @ L @ U
    da  = P @ L^-T @ (tril(L^T @ g_L, -1) + triu(g_U @ U^T)) @ U^-T       (P is a constant)
    """
    p, lower, upper = _of_each(lambda x: call_scipy("linalg", "lu", x, check_finite=False), a)
    return p, lower, upper


@composed("scipy.linalg.lu", method=False)
def lu(a: Any, permute_l: bool = False, overwrite_a: bool = False, check_finite: bool = True, p_indices: bool = False) -> Any:
    """LU decomposition with pivots, a = P L U; P is a constant, L and U are differentiable.

    A derivative needs the leading square part of P^T a to be regular.

    Args:
        permute_l: return P L and U.
        p_indices: return P as the numbers of rows, a = L[p] U.

    >>> p, lower, upper = lu(np.array([[1.0, 2.0], [2.0, 2.0]]))
    >>> upper
    array([[2., 2.],
           [0., 1.]])
    """
    refuse_infinite(check_finite, a)
    p, lower, upper = _lu(as_operand(a))
    if permute_l:
        return p @ lower, upper
    return (np.argmax(raw(p), axis=-1), lower, upper) if p_indices else (p, lower, upper)


@composed("scipy.linalg.lu_factor", method=False)
def lu_factor(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> tuple[Any, Any]:
    """L and U in one matrix, without the ones of L's diagonal, and the pivots, for `lu_solve`.

    >>> lu_factor(np.array([[1.0, 2.0], [2.0, 2.0]]))[1]
    array([1, 1]...)
    """
    refuse_infinite(check_finite, a)
    a = as_operand(a)
    _, pivots = _of_each(lambda x: call_scipy("linalg", "lu_factor", x, check_finite=False), raw(a))
    _, lower, upper = _lu(a)
    rows, columns = a.shape[-2:]
    below = np.tril(lower, -1)
    if rows < columns:
        below = np.concatenate([below, np.zeros_like(upper[..., :, rows:])], axis=-1)
    if rows > columns:
        upper = np.concatenate([upper, np.zeros_like(lower[..., columns:, :])], axis=-2)
    return below + upper, pivots


@composed("scipy.linalg.lu_solve", method=False)
def lu_solve(lu_and_piv: Any, b: Any, trans: int = 0, overwrite_b: bool = False, check_finite: bool = True) -> Any:
    """The solution of a x = b (trans=1: of a^T x = b, 2: of a^H x = b) from what `lu_factor` returned for one matrix.

    Args:
        lu_and_piv: the pair that `lu_factor` returned.

    >>> lu_solve(lu_factor(np.array([[2.0, 0.0], [0.0, 4.0]])), np.array([2.0, 4.0]))
    array([1., 1.])
    """
    packed, pivots = lu_and_piv
    packed, b = map(as_operand, side_by_side(packed, b))
    refuse_infinite(check_finite, packed, b)
    n = packed.shape[-1]
    if packed.ndim != 2 or packed.shape[0] != n or b.shape[:1] != (n,):
        raise ValueError(f"lu_solve: expected one square matrix and b of as many rows, got {packed.shape} and {b.shape}")
    order = _order_of(raw(pivots), beside(np.arange(n), packed))
    if trans not in (0, 1, 2):
        raise ValueError(f"lu_solve: trans must be 0, 1 or 2, got {trans!r}")
    if trans == 0:
        inner = solve_triangular(packed, _by_rows(b, order), lower=True, unit_diagonal=True)
        return solve_triangular(packed, inner)
    inner = solve_triangular(packed, b, trans)
    return _by_rows(solve_triangular(packed, inner, trans, lower=True, unit_diagonal=True), np.argsort(order))


def _order_of(pivots: Any, numbers: Any) -> Any:
    """The rows in their new order, after row i was exchanged with row pivots[i] for one i after the other."""
    order = numbers
    for i in range(len(numbers)):
        k = pivots[i]
        exchanged = np.where(numbers == i, k, np.where(numbers == k, i, numbers))
        order = np.take_along_axis(order + 0 * exchanged, exchanged, 0)
    return order


def _by_rows(x: Any, order: Any) -> Any:
    return np.take_along_axis(x, order if x.ndim == 1 else order[:, None], 0)


# ----------------------------------------------------------------------- polar decomposition


def _polar_a(g: Any, out: Any) -> Any:
    u, p = out
    gu, gp = conj(g[0]), conj(g[1])
    w = np.linalg.eigvalsh(raw(p))
    if w.size and w[0] <= 8 * np.finfo(w.dtype).eps * w[-1]:
        raise np.linalg.LinAlgError("polar: the factors of a matrix without full rank have no derivative")
    k = hermitian(u) @ gu - gp @ p
    turn = solve_sylvester(p, p, k - hermitian(k))
    beyond = hermitian(np.linalg.solve(p, hermitian(gu - u @ (hermitian(u) @ gu))))
    return conj(u @ (gp + turn) + beyond)


@runs_in_turn("SciPy's decomposition of one matrix")
@primitive(method=False, name="polar", a=_polar_a)
def _polar(a: Any) -> tuple[Any, Any]:
    """a = U P, for a matrix with at least as many rows as columns.

    out = (U, P),  a = U @ P
    da  = U @ (g_P + Y) + (1 - U @ U^H) @ g_U @ P^-1,  P @ Y + Y @ P = K - K^H,  K = U^H @ g_U - g_P @ P
    """
    return call_scipy("linalg", "polar", a)


@composed("scipy.linalg.polar", method=False)
def polar(a: Any, side: str = "right") -> tuple[Any, Any]:
    """Polar decomposition, a = U P ("right") or a = P U ("left"): U orthonormal, P positive semidefinite.

    A derivative needs full rank; and P must be the smaller one of the two that are possible: "right" for matrices with more
    rows than columns, "left" for those with more columns.

    Args:
        side: "right" or "left": on which side of U the matrix P stands.

    >>> polar(np.array([[0.0, 2.0], [1.0, 0.0]]))[1]
    array([[1., 0.],
           [0., 2.]])
    """
    if side not in ("right", "left"):
        raise ValueError(f"polar: side must be 'right' or 'left', got {side!r}")
    a = as_operand(a)
    if a.ndim != 2:
        raise ValueError(f"polar: expected one matrix, got shape {a.shape}")
    rows, columns = a.shape
    if side == "left":
        u, p = polar(conj(np.swapaxes(a, -1, -2)))
        return hermitian(u), p
    if rows < columns:
        if getattr(a, "requires_grad", False):
            raise NotImplementedError(
                f"polar: the factor P of a {rows} x {columns} matrix has no full rank and no derivative on the right side; "
                "use side='left'"
            )
        return call_scipy("linalg", "polar", raw(a))
    return _polar(a)
