"""Rows of the table of ops for scipy.special and scipy.linalg; SciPy's own values are the oracle."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import scipy.linalg
import scipy.special as special

from minigrad.ops import gamma, matrix_functions

from .samples import Sample, between, binary, unary

X = between(0.3, 3.0, 2, 3)
A, B = between(0.6, 4.0, 2, 3), between(0.6, 4.0, 2, 3)
U = between(0.05, 0.95, 2, 3)

SPECIAL: dict[str, list[Sample]] = {
    # ------------------------------------------------------------------------ gamma and beta
    "zeta": [Sample(partial(gamma.zeta, 3.0), (X,), partial(special.zeta, 3.0), order=3)],
    "psi": [*unary(special.psi, 0.3, 3), Sample(special.digamma, (np.array([-0.5, -1.3]),))],
    "gamma": unary(special.gamma, 0.3, 3),
    "rgamma": unary(special.rgamma, 0.3, 3),
    "gammaln": [*unary(special.gammaln, 0.3, 3, "lgamma"), Sample(special.gammaln, (np.array([-0.5, -1.3]),))],
    "gammasgn": [Sample(lambda x: x * special.gammasgn(x), (np.array([-0.5, -1.3, 2.0]),))],
    "gammainc": [*binary(special.gammainc, A, X), Sample(special.gammainc, (np.array([20.0, 3.0]), np.array([25.0, 30.0])))],
    "gammaincc": binary(special.gammaincc, A, X),
    "gammaincinv": binary(special.gammaincinv, A, U),
    "gammainccinv": binary(special.gammainccinv, A, U),
    "beta": binary(special.beta, A, B),
    "betaln": binary(special.betaln, A, B),
    "betainc": [
        Sample(special.betainc, (A, B, U), order=3),
        Sample(special.betainc, (A[0], B, np.array(0.3))),
        Sample(special.betainc, (np.array([30.0, 2.0]), np.array([2.0, 40.0]), np.array([0.9, 0.04]))),
    ],
    "betaincinv": [Sample(special.betaincinv, (A, B, U))],
    "stdtr": [
        Sample(special.stdtr, (A + 0.5, A - 2.2), order=3),
        Sample(special.stdtr, (np.array([1.0, 30.0]), np.array([0.0, 2.0]))),
    ],
    "stdtrit": [
        Sample(special.stdtrit, (A + 0.5, U)),
        Sample(special.stdtrit, (np.array([1.0, 30.0]), np.array([0.5, 0.999]))),
    ],
    # ------------------------------------------------------------------------ error functions
    "erf": unary(special.erf, torch="erf"),
    "erfc": unary(special.erfc, torch="erfc"),
    "erfcx": unary(special.erfcx, torch="erfcx"),
    "erfi": unary(special.erfi),
    "dawsn": unary(special.dawsn),
    "erfinv": unary(special.erfinv, -0.8, 0.8, "erfinv"),
    "erfcinv": unary(special.erfcinv, 0.2, 1.8),
    "ndtr": unary(special.ndtr, torch="ndtr"),
    "log_ndtr": [*unary(special.log_ndtr, torch="log_ndtr"), Sample(special.log_ndtr, (np.array([-30.0, -8.0, 9.0]),))],
    "ndtri": unary(special.ndtri, 0.1, 0.9, "ndtri"),
    # ------------------------------------------------------------ entropies, exponential integrals
    "xlog1py": binary(special.xlog1py, A - 2, B, "xlog1py"),
    "entr": unary(special.entr, 0.2, 2, "entr"),
    "rel_entr": binary(special.rel_entr, A, B),
    "kl_div": binary(special.kl_div, A, B),
    "exp10": unary(special.exp10, -1, 1),
    "exp1": unary(special.exp1, 0.4, 3),
    "expi": unary(special.expi, 0.4, 2),
    "expn": [Sample(partial(special.expn, n), (X,), order=3) for n in (0, 1, 2, 5)],
    "sici": [Sample(special.sici, (X,)), Sample(lambda x: special.sici(x)[0], (X,), order=3)],
    "fresnel": [Sample(special.fresnel, (X,)), Sample(lambda x: special.fresnel(x)[1], (X,), order=3)],
    # -------------------------------------------------------------------------------- Bessel
    **{name: unary(getattr(special, name)) for name in ("j0", "j1", "i0", "i1")},
    **{name: unary(getattr(special, name), 0.3, 2) for name in ("i0e", "i1e")},
    **{name: unary(getattr(special, name), 0.5, 3) for name in ("y0", "y1", "k0", "k1", "k0e", "k1e")},
    **{
        name: [Sample(partial(getattr(special, name), v), (X,), order=3) for v in orders]
        for name, orders in {
            "jv": (0, 1, 2.5), "yv": (0, 1.5), "yn": (0, 3), "iv": (0, 1, 2.5), "ive": (0, 1.5), "kv": (0, 1.5), "kn": (0, 3),
            "kve": (1, 0.5),
        }.items()
    },
}  # fmt: skip
SPECIAL["i0"] += [Sample(np.i0, (A,))]

M = between(-1, 1, 3, 3) + 2 * np.eye(3)
N = between(-1, 1, 3, 3) + 2 * np.eye(3)
K = M + 1j * between(-0.5, 0.5, 3, 3)
SPD = M @ M.T + np.eye(3)
V, W = between(-1, 1, 3), between(-1, 1, 3, 2)
BANDS = np.array([[0.0, 1.0, -0.5, 0.7], [4.0, 5.0, 6.0, 4.5], [1.0, -1.0, 0.5, 0.3], [0.2, 0.4, 0.0, 0.0]])


def _triangular(**options: Any) -> dict[str, Any]:
    return {
        "f": partial(matrix_functions.solve_triangular, **options),
        "reference": partial(scipy.linalg.solve_triangular, **options),
    }


def by_linear_equations(a: Any, b: Any, q: Any) -> Any:
    """A X + X B = Q, written for the elements of X."""
    system = np.kron(a, np.eye(len(b))) + np.kron(np.eye(len(a)), b.T)
    return np.linalg.solve(system, q.ravel()).reshape(q.shape)


LINALG: dict[str, list[Sample]] = {
    "expm": [Sample(matrix_functions.expm, (x,), scipy.linalg.expm) for x in (M, np.stack([M, N]), K, M * 0)],
    "logm": [Sample(matrix_functions.logm, (x,), scipy.linalg.logm) for x in (SPD, np.array([[2.0, 1.0], [0.0, 2.0]]), K + 1)],
    "sqrtm": [Sample(matrix_functions.sqrtm, (x,), scipy.linalg.sqrtm) for x in (SPD, np.array([[2.0, 1.0], [0.0, 2.0]]), K + 1)],
    "solve_triangular": [
        *(Sample(args=(M, V), **_triangular(lower=low, trans=t)) for low in (False, True) for t in ("N", "T", 2)),
        Sample(args=(M, W), **_triangular(lower=True, unit_diagonal=True)),
        *(Sample(args=(K, W + 1j), **_triangular(trans=t)) for t in (0, 1, "C")),
        *(
            Sample(
                lambda a, b, low=low: matrix_functions.cho_solve(matrix_functions.cho_factor(a @ np.conj(a.T), low), b), (x, W),
                lambda a, b: np.linalg.solve(a @ np.conj(a.T), b),
            )
            for low in (False, True) for x in (M, K)
        ),
    ],
    "solve_banded": [
        Sample(partial(matrix_functions.solve_banded, (2, 1)), (BANDS, b), partial(scipy.linalg.solve_banded, (2, 1)))
        for b in (between(-1, 1, 4), between(-1, 1, 4, 2))
    ],
    "solve_sylvester": [
        Sample(matrix_functions.solve_sylvester, (M, N[:2, :2], W), scipy.linalg.solve_sylvester),
        Sample(matrix_functions.solve_sylvester, (K, N[:2, :2] + 1j, W), scipy.linalg.solve_sylvester),
        Sample(matrix_functions.solve_sylvester, (K, np.array([[0.5, 1.0], [-1.0, 0.5]]), W), by_linear_equations),
        Sample(matrix_functions.solve_continuous_lyapunov, (M, N), scipy.linalg.solve_continuous_lyapunov),
        Sample(matrix_functions.solve_continuous_lyapunov, (K, N), scipy.linalg.solve_continuous_lyapunov),
    ],
}  # fmt: skip

MADE: dict[str, list[Sample]] = {
    "polygamma": [
        Sample(partial(gamma.polygamma, n), (X,), partial(special.polygamma, n)) for n in (0, 1, 3, np.array([0, 1, 2]))
    ],
    "multigammaln": [Sample(partial(gamma.multigammaln, d=3), (X + 2,), partial(special.multigammaln, d=3))],
    "betaincc": [Sample(special.betaincc, (A, B, U))],
    "solve_discrete_lyapunov": [
        Sample(matrix_functions.solve_discrete_lyapunov, (x / 4, N), scipy.linalg.solve_discrete_lyapunov) for x in (M, K)
    ],
    "block_diag": [Sample(matrix_functions.block_diag, (V, W, M), scipy.linalg.block_diag)],
    "toeplitz": [
        Sample(matrix_functions.toeplitz, (V, W[:, 0]), scipy.linalg.toeplitz),
        Sample(matrix_functions.toeplitz, (V, between(-1, 1, 4)), scipy.linalg.toeplitz),
        Sample(matrix_functions.toeplitz, (V + 1j,), scipy.linalg.toeplitz),
        Sample(matrix_functions.circulant, (V,), scipy.linalg.circulant),
        Sample(matrix_functions.hankel, (V,), scipy.linalg.hankel),
        Sample(matrix_functions.hankel, (V, between(-1, 1, 2)), scipy.linalg.hankel),
    ],
}

#: Rows of what cupyx does not have: it runs on the cpu alone, and says so.
CPU_ONLY = {
    "erfi", "dawsn", "fresnel", "jv", "j1", "j0", "yv", "iv", "i0", "i1", "ive", "i0e", "i1e", "kv", "kn", "kve", "logm",
    "sqrtm", "solve_banded", "solve_sylvester", "stdtr", "stdtrit",
    "polar", "hyp0f1", "hyp1f1", "hyp2f1", "ellipe", "ellipk", "spence", "exprel", "boxcox", "boxcox1p",
    "inv_boxcox", "inv_boxcox1p", "ellipkm1", "powm1", "wrightomega", "wofz", "owens_t", "ndtri_exp", "airy",
    "struve", "modstruve", "jvp", "yvp", "ivp", "kvp", "eval_jacobi", "eval_gegenbauer", "eval_chebyt",
    "eval_chebyu", "eval_legendre", "eval_genlaguerre", "eval_laguerre", "eval_hermite", "eval_hermitenorm",
}  # fmt: skip
