"""scipy.linalg on Tensors: SciPy's signatures; the rules are in `minigrad.ops.linalg`, `factorization`, `matrix_functions`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ops import factorization, linalg
from ..ops.matrix_functions import (
    block_diag,
    cho_factor,
    cho_solve,
    circulant,
    expm,
    hankel,
    logm,
    solve_banded,
    solve_continuous_lyapunov,
    solve_discrete_lyapunov,
    solve_lyapunov,
    solve_sylvester,
    solve_triangular,
    sqrtm,
    toeplitz,
)
from ..ops.norms import norm
from ..ops.products import hermitian

__all__ = [
    "block_diag", "cho_factor", "cho_solve", "cholesky", "circulant", "det", "eig", "eigh", "eigvals", "eigvalsh", "expm",
    "hankel", "inv", "logm", "lstsq", "norm", "pinv", "qr", "solve", "solve_banded", "solve_continuous_lyapunov",
    "solve_discrete_lyapunov", "solve_lyapunov", "solve_sylvester", "solve_triangular", "sqrtm", "svd", "svdvals",
    "toeplitz",
]  # fmt: skip

inv, det, pinv, svd, svdvals = linalg.inv, linalg.det, linalg.pinv, factorization.svd, factorization.svdvals
eig, eigh, eigvals, eigvalsh = factorization.eig, factorization.eigh, factorization.eigvals, factorization.eigvalsh


def solve(a: Any, b: Any, lower: bool = False, assume_a: str = "general", transposed: bool = False) -> Any:
    """The solution of a x = b (of a^T x = b with `transposed`); `assume_a` and `lower` as SciPy, "pos" by Cholesky.

    >>> solve(np.array([[2.0, 0.0], [0.0, 4.0]]), np.array([2.0, 4.0]), assume_a="pos")
    array([1., 1.])
    """
    if assume_a in ("pos", "positive definite"):
        return cho_solve(cho_factor(a, lower), b)
    if assume_a in ("upper triangular", "lower triangular"):
        return solve_triangular(a, b, int(transposed), lower=assume_a.startswith("lower"))
    return linalg.solve(np.swapaxes(a, -1, -2) if transposed else a, b)


def cholesky(a: Any, lower: bool = False) -> Any:
    """The Cholesky factor, by default the upper one: a = U^H U.

    >>> cholesky(np.array([[4.0, 2.0], [2.0, 5.0]]))
    array([[2., 1.],
           [0., 2.]])
    """
    return factorization.cholesky(a) if lower else hermitian(factorization.cholesky(a))


def lstsq(a: Any, b: Any, cond: Any = None) -> tuple[Any, Any, int, Any]:
    """Least squares: (solution, squared residuals, rank, singular values).

    >>> lstsq(np.array([[1.0], [1.0]]), np.array([1.0, 3.0]))[0].round(12)
    array([2.])
    """
    return linalg.lstsq(a, b, cond)


def qr(a: Any, mode: str = "full") -> Any:
    """QR factorisation; mode "full" (Q square), "economic", or "r".

    >>> qr(np.array([[3.0], [4.0]]))[0].shape
    (2, 2)
    """
    modes = {"full": "complete", "economic": "reduced"}
    out = factorization.qr(a, modes.get(mode, "complete"))
    return (out.R,) if mode == "r" else tuple(out)
