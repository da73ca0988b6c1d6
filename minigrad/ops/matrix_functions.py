"""scipy.linalg: functions of matrices, and equations with structure.  SciPy computes the values.

G is the gradient of the result.  The matrix functions are analytic, so no conjugates appear.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from ..arrays.batch import Batch, all_examples, newest
from ..arrays.fallback import runs_in_turn
from ..arrays.linear import of_stack
from ..backend import as_operand, call_scipy, side_by_side
from ..primitive import composed, primitive
from ..tensor import raw
from .factorization import cholesky
from .join import concatenate
from .linalg import solve
from .products import eye_of, hermitian, transposed
from .shape import reshape
from .slopes import conj

__all__ = [
    "block_diag", "cho_factor", "cho_solve", "circulant", "expm", "hankel", "logm", "solve_banded", "solve_continuous_lyapunov",
    "solve_discrete_lyapunov", "solve_lyapunov", "solve_sylvester", "solve_triangular", "sqrtm", "toeplitz",
]  # fmt: skip


def refuse_infinite(check_finite: bool, *arrays: Any) -> None:
    """SciPy's error for NaN and infinity; on a GPU looking would stall."""
    for x in arrays if check_finite else ():
        x = all_examples(raw(x))
        if not isinstance(x, np.ndarray):
            x = np.asarray(x) if isinstance(x, (list, tuple, float)) else np.zeros(0)
        if x.dtype.kind in "fc" and not np.isfinite(x).all():
            raise ValueError("the array must not contain infs or NaNs (check_finite=False lets them through)")


def _directional(f: Any, x: Any, g: Any) -> Any:
    """The derivative of a matrix function in the direction g: the block beside the diagonal of f([[X, G], [0, X]])."""
    n = x.shape[-1]
    x = x + np.zeros_like(g)
    rows = np.concatenate([x, g], axis=-1), np.concatenate([np.zeros_like(x), x], axis=-1)
    return f(np.concatenate(rows, axis=-2))[..., :n, n:]


# ------------------------------------------------------------------------- functions of a matrix


@primitive("scipy.linalg.expm", method=False, A=lambda g, A: _directional(expm, transposed(A), g))
def expm(A: Any) -> Any:
    """Matrix exponential.

    out = sum_n A^n / n!
    dA  = B_12,  B = exp([[A^T, g], [0, A^T]])  (the upper right block)

    (Al-Mohy and Higham, "Computing the Frechet derivative of the matrix exponential", 2009.)

    >>> expm(np.array([[0.0, 1.0], [0.0, 0.0]]))
    array([[1., 1.],
           [0., 1.]])
    """
    if np.ndim(A) > 2 and not isinstance(A, (np.ndarray, Batch)):  # CuPy's takes one matrix
        parts = [expm(a) for a in np.reshape(A, (-1, *A.shape[-2:]))]
        return np.reshape(np.stack(parts), A.shape)
    return of_stack(partial(call_scipy, "linalg", "expm"), A)


@runs_in_turn("SciPy's function of one matrix")
@primitive("scipy.linalg.logm", method=False, A=lambda g, A: _directional(logm, transposed(A), g))
def logm(A: Any) -> Any:
    """Principal logarithm of one matrix without eigenvalues on the negative real axis.

    exp(out) = A
    dA = B_12,  B = log([[A^T, g], [0, A^T]])  (the upper right block)

    >>> logm(expm(np.array([[0.0, 1.0], [0.0, 0.0]]))).round(12)
    array([[0., 1.],
           [0., 0.]])
    """
    wide = A.astype(np.result_type(A.dtype, np.float64), copy=False)  # SciPy's error estimate needs double precision
    out = call_scipy("linalg", "logm", wide)
    return out if wide.dtype == A.dtype else out.astype(np.float32 if out.dtype.kind == "f" else np.complex64)


def _sqrtm_a(g: Any, out: Any) -> Any:
    roots = np.linalg.eigvals(raw(out))
    sums = np.abs(roots[:, None] + roots)
    if sums.size and np.min(sums) <= 8 * np.finfo(sums.dtype).eps * np.max(sums):
        raise np.linalg.LinAlgError("sqrtm: the square root of a singular matrix has no derivative, as sqrt(0) has none")
    return solve_sylvester(transposed(out), transposed(out), g)


@runs_in_turn("SciPy's function of one matrix")
@primitive("scipy.linalg.sqrtm", method=False, A=_sqrtm_a)
def sqrtm(A: Any) -> Any:
    """Principal square root of one matrix.

    out @ out = A
    dA = S,  out^T @ S + S @ out^T = g

    >>> sqrtm(np.array([[4.0, 0.0], [0.0, 9.0]]))
    array([[2., 0.],
           [0., 3.]])
    """
    return call_scipy("linalg", "sqrtm", A)


# ------------------------------------------------------------------------------------ equations


def _triangular_all(
    g: Any, needs: Sequence[bool], a: Any, b: Any, out: Any, trans: int, lower: bool, unit_diagonal: bool
) -> list[Any]:
    back = {0: 1, 1: 0}[trans]
    db = _solve_triangular(a, g, back, lower, unit_diagonal)
    if not needs[0]:
        return [None, db]
    columns, x = (db[:, None], out[:, None]) if b.ndim == 1 else (db, out)
    da = -columns @ transposed(x) if trans == 0 else -x @ transposed(columns)
    offset = 1 if unit_diagonal else 0  # a diagonal that is taken for ones has no gradient
    return [np.tril(da, -offset) if lower else np.triu(da, offset), db]


@primitive(method=False, joint=_triangular_all, inputs=("a", "b"), name="solve_triangular")
def _solve_triangular(a: Any, b: Any, trans: int = 0, lower: bool = False, unit_diagonal: bool = False) -> Any:
    """The solution of a x = b (trans=1: of a^T x = b) for a triangular matrix.

    out = A^-1 @ b,  A = the triangle of `a`
    db  = A^-T @ g
    da  = the triangle of -db @ out^T
    """
    if newest((a, b)) is not None:  # under vmap the triangles of all examples are solved as whole matrices
        triangle = np.tril(a) if lower else np.triu(a)
        if unit_diagonal:
            triangle = triangle * (1 - eye_of(a)) + eye_of(a)
        return np.linalg.solve(transposed(triangle) if trans == 1 else triangle, b)
    options = {"lower": lower, "unit_diagonal": unit_diagonal, "check_finite": False}
    return call_scipy("linalg", "solve_triangular", a, b, trans=trans, **options)


@composed("scipy.linalg.solve_triangular", method=False)
def solve_triangular(
    a: Any, b: Any, trans: Any = 0, lower: bool = False, unit_diagonal: bool = False,
    overwrite_b: bool = False, check_finite: bool = True,
) -> Any:  # fmt: skip
    """The solution of a x = b for a triangular matrix; trans "T" or 1: of a^T x = b, "C" or 2: of a^H x = b.

    Only the triangle that `lower` names is read.  Inputs are never overwritten.

    Args:
        unit_diagonal: take the diagonal for ones, without reading it.

    >>> solve_triangular(np.array([[2.0, 0.0], [1.0, 1.0]]), np.array([2.0, 3.0]), lower=True)
    array([1., 2.])
    """
    refuse_infinite(check_finite, a, b)
    a, b = map(as_operand, side_by_side(a, b))
    trans = {"N": 0, "T": 1, "C": 2}.get(trans, trans)
    if trans == 2:
        a, trans = conj(a), 1
    return _solve_triangular(a, b, trans, lower, unit_diagonal)


@composed("scipy.linalg.cho_factor", method=False)
def cho_factor(
    a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> tuple[Any, bool]:
    """Cholesky factor for `cho_solve`, and which triangle it is in (and is read of a).

    Args:
        lower: whether it is the lower triangle.

    >>> cho_factor(np.array([[4.0]]))
    (array([[2.]]), False)
    """
    refuse_infinite(check_finite, a)
    return cholesky(a, upper=not lower), lower


@composed("scipy.linalg.cho_solve", method=False)
def cho_solve(
    c_and_lower: tuple[Any, bool], b: Any, overwrite_b: bool = False, check_finite: bool = True
) -> Any:
    """The solution of a x = b from the Cholesky factor of a.

    Args:
        c_and_lower: the pair that `cho_factor` returned.

    >>> cho_solve((np.array([[2.0]]), True), np.array([8.0]))
    array([2.])
    """
    c, lower = c_and_lower
    refuse_infinite(check_finite, c, b)
    first, second = ("N", "C") if lower else ("C", "N")
    half = solve_triangular(c, b, first, lower, check_finite=False)
    return solve_triangular(c, half, second, lower, check_finite=False)


def _banded_all(g: Any, needs: Sequence[bool], ab: Any, b: Any, out: Any, bands: tuple[int, int]) -> list[Any]:
    low, up = bands
    n = ab.shape[1]
    db = _solve_banded(_transposed_bands(ab, low, up), g, (up, low))
    if not needs[0]:
        return [None, db]
    products = [-_shifted(db, k, n) * out for k in range(-up, low + 1)]  # row i = j + k of column j
    if b.ndim == 2:
        products = [np.sum(p, axis=1) for p in products]
    return [np.stack(products), db]


def _shifted(x: Any, k: int, n: int) -> Any:
    """x_{j+k} in place j, zeros where there is none."""
    rest = [(0, 0)] * (x.ndim - 1)
    return np.pad(x, [(0, k), *rest])[k:] if k >= 0 else np.pad(x, [(-k, 0), *rest])[:n]


def _transposed_bands(ab: Any, low: int, up: int) -> Any:
    """The diagonals of A^T in the order in which SciPy wants them."""
    n = ab.shape[1]
    return np.stack([_shifted(ab[up + k], -k, n) for k in range(low, -up - 1, -1)])


@runs_in_turn("SciPy's solver of one system")
@primitive(method=False, joint=_banded_all, inputs=("ab", "b"), name="solve_banded")
def _solve_banded(ab: Any, b: Any, bands: tuple[int, int]) -> Any:
    """The solution of A x = b, A given by its diagonals.

    out = A^-1 @ b,  A = the matrix with the diagonals ab
    db  = A^-T @ g
    dab = the diagonals of -db @ out^T
    """
    return call_scipy("linalg", "solve_banded", bands, ab, b, check_finite=False)


@composed("scipy.linalg.solve_banded", method=False)
def solve_banded(
    l_and_u: tuple[int, int], ab: Any, b: Any, overwrite_ab: bool = False, overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:  # fmt: skip
    """The solution of A x = b for a band matrix: ab[u + i - j, j] = A[i, j], with l diagonals below and u above.

    Args:
        l_and_u: the pair (l, u).

    >>> solve_banded((0, 0), np.array([[2.0, 4.0]]), np.array([2.0, 2.0]))
    array([1. , 0.5])
    """
    refuse_infinite(check_finite, ab, b)
    return _solve_banded(ab, b, tuple(l_and_u))


def _sylvester_all(g: Any, needs: Sequence[bool], a: Any, b: Any, out: Any) -> list[Any]:
    s = solve_sylvester(transposed(a), transposed(b), g)
    return [-s @ transposed(out) if needs[0] else None, -transposed(out) @ s if needs[1] else None, s]


@runs_in_turn("SciPy's solver of one equation")
@primitive("scipy.linalg.solve_sylvester", method=False, joint=_sylvester_all, inputs=("a", "b", "q"))
def solve_sylvester(a: Any, b: Any, q: Any) -> Any:
    """The solution x of a x + x b = q.

    a @ out + out @ b = q
    dq = S,  a^T @ S + S @ b^T = g
    da = -S @ out^T
    db = -out^T @ S

    >>> solve_sylvester(np.array([[1.0]]), np.array([[1.0]]), np.array([[4.0]]))
    array([[2.]])
    """
    dtype = np.result_type(a, b, q)  # SciPy 1.17 is wrong where only one of a and b is complex
    return call_scipy("linalg", "solve_sylvester", *(x.astype(dtype, copy=False) for x in (a, b, q)))


@composed("scipy.linalg.solve_continuous_lyapunov", "scipy.linalg.solve_lyapunov", method=False)
def solve_continuous_lyapunov(a: Any, q: Any) -> Any:
    """The solution X of A X + X A^H = Q.

    Args:
        a, q: the matrices A and Q.

    >>> solve_continuous_lyapunov(np.array([[1.0]]), np.array([[4.0]]))
    array([[2.]])
    """
    return solve_sylvester(a, hermitian(a), q)


solve_lyapunov = solve_continuous_lyapunov


@composed("scipy.linalg.solve_discrete_lyapunov", method=False)
def solve_discrete_lyapunov(a: Any, q: Any, method: str | None = None) -> Any:
    """The solution X of A X A^H - X + Q = 0, as linear equations for its elements (SciPy's "direct" method).

    Args:
        a, q: the matrices A and Q.

    >>> solve_discrete_lyapunov(np.array([[0.5]]), np.array([[3.0]]))
    array([[4.]])
    """
    if method not in (None, "direct"):
        raise NotImplementedError(f"solve_discrete_lyapunov: method {method!r} is not supported; use 'direct'")
    a, q = map(as_operand, side_by_side(a, q))
    system = np.kron(a, conj(a))
    return reshape(solve(eye_of(system) - system, reshape(q, -1)), np.shape(q))


# ---------------------------------------------------------------------- matrices with structure


@composed("scipy.linalg.block_diag", method=False)
def block_diag(*arrs: Any) -> Any:
    """Matrices on a diagonal, zeros elsewhere.

    Args:
        arrs: the matrices; vectors are rows.

    >>> block_diag(np.ones((1, 2)), np.ones((1, 1)))
    array([[1., 1., 0.],
           [0., 0., 1.]])
    """
    arrays = tuple(np.atleast_2d(x) for x in side_by_side(*arrs))
    widths = [np.shape(x)[1] for x in arrays]
    rows = [np.pad(x, ((0, 0), (sum(widths[:i]), sum(widths[i + 1 :])))) for i, x in enumerate(arrays)]
    return concatenate(rows, axis=0)


@composed("scipy.linalg.toeplitz", method=False)
def toeplitz(c: Any, r: Any = None) -> Any:
    """The matrix with constant diagonals, from its first column c and first row r (by default conj(c)).

    out_ij = c_{i-j} for i >= j, else r_{j-i}

    >>> toeplitz(np.array([1.0, 2.0]), np.array([1.0, 3.0]))
    array([[1., 3.],
           [2., 1.]])
    """
    c, r = side_by_side(c, r)
    c = reshape(c, -1)
    r = conj(c) if r is None else reshape(r, -1)
    n, m = np.shape(c)[0], np.shape(r)[0]
    values = concatenate([c[::-1], r[1:]])
    return values[np.arange(n)[::-1, None] + np.arange(m)]


@composed("scipy.linalg.circulant", method=False)
def circulant(c: Any) -> Any:
    """The matrix whose columns are c, turned on by one each time.

    >>> circulant(np.array([1.0, 2.0]))
    array([[1., 2.],
           [2., 1.]])
    """
    n = np.shape(c)[0]
    return c[(np.arange(n)[:, None] - np.arange(n)) % n]


@composed("scipy.linalg.hankel", method=False)
def hankel(c: Any, r: Any = None) -> Any:
    """The matrix with constant anti-diagonals, from its first column c and last row r (by default zeros).

    >>> hankel(np.array([1.0, 2.0]))
    array([[1., 2.],
           [2., 0.]])
    """
    r = np.zeros_like(c) if r is None else r
    values = concatenate([c, r[1:]])
    return values[np.arange(np.shape(c)[0])[:, None] + np.arange(np.shape(r)[0])]
