"""scipy.linalg on Tensors, with SciPy's signatures; the rules are in `minigrad.ops`: linalg, factorization, matrix_functions.

Two options mean the same everywhere.  `check_finite` refuses NaN and infinity.  `overwrite_a` and
`overwrite_b` allow SciPy to write into its inputs; here inputs are never written.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.batch import all_examples
from ..backend import scipy_function
from ..ops import factorization, linalg, norms
from ..ops.decompositions import lu, lu_factor, lu_solve, polar
from ..ops.matrix_functions import (
    block_diag,
    cho_factor,
    cho_solve,
    circulant,
    expm,
    hankel,
    logm,
    refuse_infinite,
    solve_banded,
    solve_continuous_lyapunov,
    solve_discrete_lyapunov,
    solve_lyapunov,
    solve_sylvester,
    solve_triangular,
    sqrtm,
    toeplitz,
)
from ..ops.products import eye_of, hermitian
from ..tensor import Tensor, raw

__all__ = [
    "block_diag", "cho_factor", "cho_solve", "cholesky", "circulant", "det", "eig", "eigh", "eigvals", "eigvalsh", "expm",
    "hankel", "inv", "logm", "lstsq", "lu", "lu_factor", "lu_solve", "norm", "null_space", "orth", "pinv", "polar",
    "qr", "schur", "solve", "solve_banded", "solve_continuous_lyapunov", "solve_discrete_lyapunov", "solve_lyapunov",
    "solve_sylvester", "solve_triangular", "sqrtm", "svd", "svdvals", "toeplitz",
]  # fmt: skip


def _refuse(what: str, instead: str, **options: Any) -> None:
    """An error that names the options which are given but not supported."""
    given = [name for name, value in options.items() if value is not None and value is not False]
    if given:
        raise NotImplementedError(f"{what}: the option {given[0]} has no gradient rule; {instead}")


# -------------------------------------------------------------------- equations and inverses


def _as_assumed(a: Any, assume_a: str | None, lower: bool, what: str) -> Any:
    """The matrix that SciPy sees when it reads only what `assume_a` and `lower` promise."""
    half = np.tril if lower else np.triu
    beside = -1 if lower else 1
    if assume_a in (None, "general", "gen"):
        return a
    if assume_a in ("symmetric", "sym"):
        return half(a) + np.swapaxes(half(a, beside), -1, -2)
    if assume_a in ("hermitian", "her", "positive definite", "pos"):
        return half(a) + hermitian(half(a, beside))
    if assume_a == "diagonal":
        return a * eye_of(raw(a))
    if assume_a in ("upper triangular", "lower triangular"):
        return (np.tril if assume_a.startswith("lower") else np.triu)(a)
    raise NotImplementedError(
        f"{what}: assume_a={assume_a!r} is not supported; use None, 'general', 'symmetric', 'hermitian', "
        "'positive definite', 'diagonal', 'upper triangular' or 'lower triangular'"
    )


def solve(
    a: Any, b: Any, lower: bool = False, overwrite_a: bool = False, overwrite_b: bool = False,
    check_finite: bool = True, assume_a: str | None = None, transposed: bool = False,
) -> Any:  # fmt: skip
    """The solution of a x = b (of a^T x = b with `transposed`).

    Args:
        assume_a: what a is, "pos" (solved by Cholesky), "sym", "her", "diagonal", "upper triangular" ...
        lower: which triangle of a symmetric matrix is read.

    >>> solve(np.array([[2.0, 0.0], [0.0, 4.0]]), np.array([2.0, 4.0]), assume_a="pos")
    array([1., 1.])
    """
    refuse_infinite(check_finite, a, b)
    if assume_a in ("pos", "positive definite") and not (transposed and raw(a).dtype.kind == "c"):
        return cho_solve(cho_factor(a, lower), b)
    if assume_a in ("upper triangular", "lower triangular"):
        return solve_triangular(a, b, int(transposed), lower=assume_a.startswith("lower"))
    a = _as_assumed(a, assume_a, lower, "solve")
    return linalg.solve(np.swapaxes(a, -1, -2) if transposed else a, b)


def inv(a: Any, overwrite_a: bool = False, check_finite: bool = True, *, assume_a: str | None = None, lower: bool = False) -> Any:
    """Inverse of square matrices; `assume_a` and `lower` as in `solve`.

    >>> inv(np.array([[2.0, 0.0], [0.0, 4.0]]))
    array([[0.5 , 0.  ],
           [0.  , 0.25]])
    """
    refuse_infinite(check_finite, a)
    return linalg.inv(_as_assumed(a, assume_a, lower, "inv"))


def det(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """Determinant.

    >>> det(np.array([[2.0, 0.0], [0.0, 4.0]])).round(12)
    np.float64(8.0)
    """
    refuse_infinite(check_finite, a)
    return linalg.det(a)


def pinv(a: Any, *, atol: Any = None, rtol: Any = None, return_rank: bool = False, check_finite: bool = True) -> Any:
    """Pseudo-inverse; singular values up to atol + rtol * the largest one count as 0.

    Args:
        return_rank: return (pseudo-inverse, rank).

    >>> pinv(np.array([[2.0], [0.0]]))
    array([[0.5, 0. ]])
    """
    refuse_infinite(check_finite, a)
    s = np.linalg.svd(raw(a), compute_uv=False)
    largest = s.max() if s.size else s.dtype.type(0)
    rtol = max(np.shape(a)) * np.finfo(s.dtype).eps if rtol is None else rtol
    cutoff = (0.0 if atol is None else atol) + largest * rtol
    out = linalg.pinv(a, cutoff / largest if largest else 0.0)
    return (out, int(np.sum(s > cutoff))) if return_rank else out


def lstsq(
    a: Any, b: Any, cond: Any = None, overwrite_a: bool = False, overwrite_b: bool = False,
    check_finite: bool = True, lapack_driver: str | None = None,
) -> tuple[Any, Any, int, Any]:  # fmt: skip
    """Least squares: (solution, squared residuals, rank, singular values).

    Args:
        cond: singular values below this part of the largest count as 0. None: the rounding error.

    >>> lstsq(np.array([[1.0], [1.0]]), np.array([1.0, 3.0]))[0].round(12)
    array([2.])
    """
    refuse_infinite(check_finite, a, b)
    x, residuals, rank, s = linalg.lstsq(a, b, -1 if cond is None else cond)
    if np.ndim(b) == 1 and np.size(residuals):
        residuals = residuals[0]
    return x, residuals, rank, s


# ---------------------------------------------------------------------------- factorisations


def cholesky(a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """The Cholesky factor, by default the upper one: a = U^H U.

    Args:
        lower: whether the result is the lower factor, a = L L^H.

    >>> cholesky(np.array([[4.0, 2.0], [2.0, 5.0]]))
    array([[2., 1.],
           [0., 2.]])
    """
    refuse_infinite(check_finite, a)
    return factorization.cholesky(a, upper=not lower)


def qr(
    a: Any, overwrite_a: bool = False, lwork: int | None = None, mode: str = "full", pivoting: bool = False,
    check_finite: bool = True,
) -> Any:  # fmt: skip
    """QR factorisation; mode "full" (Q square), "economic", or "r".

    Args:
        pivoting: not supported, an error where True.

    >>> qr(np.array([[3.0], [4.0]]))[0].shape
    (2, 2)
    """
    _refuse("qr", "write qr(a)", pivoting=pivoting)
    refuse_infinite(check_finite, a)
    modes = {"full": "complete", "r": "complete", "economic": "reduced"}
    if mode not in modes:
        raise NotImplementedError(f"qr: mode {mode!r} has no gradient rule; use 'full', 'economic' or 'r'")
    q, r = factorization.qr(a, modes[mode])
    return (r,) if mode == "r" else (q, r)


def svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, overwrite_a: bool = False,
    check_finite: bool = True, lapack_driver: str = "gesdd",
) -> Any:  # fmt: skip
    """Singular value decomposition a = U diag(s) Vh: (U, s, Vh), or s alone.

    Args:
        full_matrices: whether U and Vh are square.
        compute_uv: False returns s alone.

    >>> svd(np.array([[3.0, 0.0], [0.0, 4.0]]))[1]
    array([4., 3.])
    """
    refuse_infinite(check_finite, a)
    return tuple(factorization.svd(a, full_matrices)) if compute_uv else factorization.svdvals(a)


def svdvals(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """Singular values, descending.

    >>> svdvals(np.array([[3.0, 0.0], [0.0, 4.0]]))
    array([4., 3.])
    """
    refuse_infinite(check_finite, a)
    return factorization.svdvals(a)


# ------------------------------------------------------------------------------- eigenvalues


def eig(
    a: Any, b: Any = None, left: bool = False, right: bool = True, overwrite_a: bool = False,
    overwrite_b: bool = False, check_finite: bool = True, homogeneous_eigvals: bool = False,
) -> Any:  # fmt: skip
    """Eigenvalues, always complex, and eigenvectors (on the right) of square matrices.

    Args:
        b: not supported, an error where given; so are `left` and `homogeneous_eigvals`.
        right: whether eigenvectors are returned.

    >>> eig(np.array([[2.0, 1.0], [0.0, 1.0]]))[0]
    array([2.+0.j, 1.+0.j])
    """
    _refuse("eig", "write eig(solve(b, a))", b=b, homogeneous_eigvals=homogeneous_eigvals)
    _refuse("eig", "the left vectors of a are those of its conjugate transpose on the right", left=left)
    refuse_infinite(check_finite, a)
    w, v = factorization.eig(a)
    w = w.astype(np.result_type(w.dtype, np.complex64), copy=False)
    return (w, v) if right else w


def eigvals(
    a: Any, b: Any = None, overwrite_a: bool = False, check_finite: bool = True, homogeneous_eigvals: bool = False
) -> Any:
    """Eigenvalues, always complex.

    Args:
        b: not supported, an error where given; so is `homogeneous_eigvals`.

    >>> eigvals(np.array([[2.0, 1.0], [0.0, 1.0]]))
    array([2.+0.j, 1.+0.j])
    """
    return eig(a, b, False, False, False, False, check_finite, homogeneous_eigvals)


def eigh(
    a: Any, b: Any = None, *, lower: bool = True, eigvals_only: bool = False, overwrite_a: bool = False,
    overwrite_b: bool = False, type: int = 1, check_finite: bool = True, subset_by_index: Any = None,  # noqa: A002
    subset_by_value: Any = None, driver: str | None = None,
) -> Any:  # fmt: skip
    """Eigenvalues, ascending, and eigenvectors of a Hermitian matrix.

    Args:
        b: not supported, an error where given.
        lower: which triangle is read.
        eigvals_only: return no eigenvectors.
        type: of the problem with b; without effect.
        subset_by_index: (first, last) of the eigenvalues that are wanted, both included.
        subset_by_value: (low, high) for those with low < w <= high.

    >>> eigh(np.array([[2.0, 0.0], [0.0, 1.0]]), eigvals_only=True)
    array([1., 2.])
    """
    _refuse("eigh", "reduce the generalized problem to the plain one by a Cholesky factor of b", b=b)
    refuse_infinite(check_finite, a)
    triangle = "L" if lower else "U"
    if eigvals_only:
        w, v = factorization.eigvalsh(a, triangle), None
    else:
        w, v = factorization.eigh(a, triangle)
    if subset_by_index is not None and subset_by_value is not None:
        raise ValueError("eigh: give subset_by_index or subset_by_value, not both")
    wanted = slice(None)
    if subset_by_index is not None:
        wanted = slice(int(subset_by_index[0]), int(subset_by_index[1]) + 1)
    elif subset_by_value is not None:
        low, high = subset_by_value
        first, end = np.searchsorted(raw(w), [low, high], side="right")
        wanted = slice(int(first), int(end))
    return w[..., wanted] if v is None else (w[..., wanted], v[..., wanted])


def eigvalsh(
    a: Any, b: Any = None, *, lower: bool = True, overwrite_a: bool = False, overwrite_b: bool = False,
    type: int = 1, check_finite: bool = True, subset_by_index: Any = None, subset_by_value: Any = None,  # noqa: A002
    driver: str | None = None,
) -> Any:  # fmt: skip
    """Eigenvalues of a Hermitian matrix, ascending; options as in `eigh`.

    Args:
        b: not supported, an error where given.
        lower, type, subset_by_index, subset_by_value: as for `eigh`.

    >>> eigvalsh(np.array([[2.0, 0.0], [0.0, 1.0]]), subset_by_index=(1, 1))
    array([2.])
    """
    return eigh(
        a, b, lower=lower, eigvals_only=True, check_finite=check_finite,
        subset_by_index=subset_by_index, subset_by_value=subset_by_value,
    )  # fmt: skip


# ------------------------------------------------------------------------ bases, Schur form


def _rank(s: Any, shape: Any, rcond: Any) -> int:
    """How many singular values of one matrix count as not 0."""
    s = all_examples(raw(s))
    if s.ndim != 1:
        raise ValueError("expected one matrix: the number of vectors depends on its values")
    largest = s.max() if s.size else 0.0
    rcond = np.finfo(s.dtype).eps * max(shape) if rcond is None else rcond
    return int((s > largest * rcond).sum())


def orth(A: Any, rcond: Any = None) -> Any:
    """An orthonormal basis of the columns of a matrix: its left singular vectors, those of the largest values first.

    The vectors are unique up to their signs where the singular values differ; where two are equal, their derivative is an
    error.  What depends on the space alone, such as `Q @ Q.T`, has the gradient that it should have.

    Args:
        rcond: singular values up to this part of the largest count as 0.

    >>> abs(orth(np.array([[2.0, 0.0], [0.0, 0.0]])))
    array([[1.],
           [0.]])
    """
    u, s, _ = factorization.svd(A, full_matrices=False)
    return u[:, : _rank(s, np.shape(A), rcond)]


def null_space(
    A: Any, rcond: Any = None, *, overwrite_a: bool = False, check_finite: bool = True, lapack_driver: str = "gesdd"
) -> Any:
    """An orthonormal basis Z of the vectors that a matrix sends to 0.

    Any rotation of the basis is one too.  The derivative is that of the basis which turns no more than it must, so that
    `Z.T @ dZ` is 0; what depends on the space alone, such as `Z @ Z.T`, has the gradient that it should have.

    Args:
        rcond: singular values up to this part of the largest count as 0.

    >>> abs(null_space(np.array([[2.0, 0.0], [0.0, 0.0]])))
    array([[0.],
           [1.]])
    """
    refuse_infinite(check_finite, A)
    _, s, vh = factorization.svd(raw(A))
    rank = _rank(s, np.shape(A), rcond)
    basis = hermitian(vh[rank:])
    if not basis.shape[1]:
        return basis
    # What follows A is sent to 0 again, A (Z - A^+ A Z) = 0; its value is Z, and its polar factor is orthonormal.
    return polar(basis - linalg.pinv(A, _cutoff(s, rank)) @ (A @ basis))[0]


def _cutoff(s: Any, rank: int) -> float:
    """What `pinv` is to regard as 0, between the singular values that count and those that do not."""
    s = np.asarray(s)
    if rank == 0 or not s.size:
        return 1.0
    below = s[rank] if rank < s.size else 0.0
    return float((s[rank - 1] + below) / 2 / s[0])


def schur(
    a: Any, output: str = "real", lwork: int | None = None, overwrite_a: bool = False, sort: Any = None, check_finite: bool = True
) -> Any:
    """Schur decomposition a = Z T Z^H, as constants.

    Args:
        output: "real" or "complex".
        sort: as SciPy's.

    Raises:
        NotImplementedError: a requires a gradient: Z and T are not unique, so that they have no derivative.

    >>> schur(np.array([[1.0, 2.0], [0.0, 3.0]]))[0]
    array([[1., 2.],
           [0., 3.]])
    """
    if getattr(a, "requires_grad", False):
        raise NotImplementedError(
            "schur: Z and T are not unique and have no derivative; eigvals, expm, logm, sqrtm and solve_sylvester have one, "
            "or write schur(a.detach())"
        )
    made = scipy_function("linalg", "schur", raw(a))(raw(a), output=output, lwork=lwork, sort=sort, check_finite=check_finite)
    return tuple(Tensor(m) if isinstance(a, Tensor) and np.ndim(m) else m for m in made)


# ------------------------------------------------------------------------------------- norms


def norm(
    a: Any, ord: Any = None, axis: Any = None, keepdims: bool = False, check_finite: bool = True,  # noqa: A002
) -> Any:  # fmt: skip
    """Norms of vectors and matrices, as numpy.linalg.norm.

    Args:
        ord, axis: as for `numpy.linalg.norm`.

    >>> norm(np.array([3.0, -4.0]))
    np.float64(5.0)
    """
    refuse_infinite(check_finite, a)
    return norms.norm(a, ord, axis, keepdims)
