"""scipy.special: orthogonal polynomials at points x.  Orders and parameters are constants.

The derivative of each is one of a neighbouring family, of an order less.  SciPy computes the values.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backend import call_scipy
from ..primitive import primitive

__all__ = [
    "eval_chebyt", "eval_chebyu", "eval_gegenbauer", "eval_genlaguerre", "eval_hermite", "eval_hermitenorm",
    "eval_jacobi", "eval_laguerre", "eval_legendre",
]  # fmt: skip


def _one_less(n: Any) -> Any:
    """The order of the derivative; of a constant, whose factor is 0, any will do."""
    return np.where(np.equal(n, 0), 0, np.subtract(n, 1))


@primitive("scipy.special.eval_jacobi", method=False, x=lambda g, n, alpha, beta, x: g * _jacobi_slope(n, alpha, beta, x))
def eval_jacobi(n: Any, alpha: Any, beta: Any, x: Any) -> Any:
    """Jacobi's polynomial, orthogonal under (1 - x)^alpha (1 + x)^beta.

    out = P_n^(alpha, beta)(x)
    dx = g (n + alpha + beta + 1) / 2 P_(n-1)^(alpha+1, beta+1)(x)

    >>> eval_jacobi(1, 0.0, 0.0, 0.5)
    np.float64(0.5)
    """
    return call_scipy("special", "eval_jacobi", n, alpha, beta, x)


def _jacobi_slope(n: Any, alpha: Any, beta: Any, x: Any) -> Any:
    factor = np.where(np.equal(n, 0), 0.0, (n + alpha + beta + 1) / 2)
    return factor * eval_jacobi(_one_less(n), alpha + 1, beta + 1, x)


@primitive(
    "scipy.special.eval_gegenbauer", method=False,
    x=lambda g, n, alpha, x: g * np.where(np.equal(n, 0), 0.0, 2 * alpha) * eval_gegenbauer(_one_less(n), alpha + 1, x),
)  # fmt: skip
def eval_gegenbauer(n: Any, alpha: Any, x: Any) -> Any:
    """Gegenbauer's polynomial, orthogonal under (1 - x^2)^(alpha - 1/2).

    out = C_n^(alpha)(x)
    dx = g 2 alpha C_(n-1)^(alpha+1)(x)

    >>> eval_gegenbauer(1, 1.0, 0.5)
    np.float64(1.0)
    """
    return call_scipy("special", "eval_gegenbauer", n, alpha, x)


@primitive("scipy.special.eval_chebyt", method=False, x=lambda g, n, x: g * n * eval_chebyu(_one_less(n), x))
def eval_chebyt(n: Any, x: Any) -> Any:
    """Chebyshev's polynomial of the first kind, cos(n arccos x).

    out = T_n(x)
    dx = g n U_(n-1)(x)

    >>> eval_chebyt(2, 0.5)
    np.float64(-0.5)
    """
    return call_scipy("special", "eval_chebyt", n, x)


@primitive(
    "scipy.special.eval_chebyu", method=False,
    x=lambda g, n, x: g * np.where(np.equal(n, 0), 0.0, 2.0) * eval_gegenbauer(_one_less(n), 2.0, x),
)  # fmt: skip
def eval_chebyu(n: Any, x: Any) -> Any:
    """Chebyshev's polynomial of the second kind.

    out = U_n(x)
    dx = g 2 C_(n-1)^(2)(x)       (of Gegenbauer)

    >>> eval_chebyu(1, 0.5)
    np.float64(1.0)
    """
    return call_scipy("special", "eval_chebyu", n, x)


@primitive(
    "scipy.special.eval_legendre", method=False,
    x=lambda g, n, x: g * np.where(np.equal(n, 0), 0.0, 1.0) * eval_gegenbauer(_one_less(n), 1.5, x),
)  # fmt: skip
def eval_legendre(n: Any, x: Any) -> Any:
    """Legendre's polynomial.

    out = P_n(x)
    dx = g C_(n-1)^(3/2)(x)       (of Gegenbauer)

    >>> eval_legendre(2, 1.0)
    np.float64(1.0)
    """
    return call_scipy("special", "eval_legendre", n, x)


@primitive(
    "scipy.special.eval_genlaguerre", method=False,
    x=lambda g, n, alpha, x: g * np.where(np.equal(n, 0), 0.0, -1.0) * eval_genlaguerre(_one_less(n), alpha + 1, x),
)  # fmt: skip
def eval_genlaguerre(n: Any, alpha: Any, x: Any) -> Any:
    """Laguerre's generalised polynomial, orthogonal under x^alpha e^-x.

    out = L_n^(alpha)(x)
    dx = -g L_(n-1)^(alpha+1)(x)

    >>> eval_genlaguerre(1, 0.0, 3.0)
    np.float64(-2.0)
    """
    return call_scipy("special", "eval_genlaguerre", n, alpha, x)


@primitive(
    "scipy.special.eval_laguerre", method=False,
    x=lambda g, n, x: g * np.where(np.equal(n, 0), 0.0, -1.0) * eval_genlaguerre(_one_less(n), 1.0, x),
)  # fmt: skip
def eval_laguerre(n: Any, x: Any) -> Any:
    """Laguerre's polynomial, orthogonal under e^-x.

    out = L_n(x)
    dx = -g L_(n-1)^(1)(x)

    >>> eval_laguerre(1, 3.0)
    np.float64(-2.0)
    """
    return call_scipy("special", "eval_laguerre", n, x)


@primitive("scipy.special.eval_hermite", method=False, x=lambda g, n, x: g * 2 * n * eval_hermite(_one_less(n), x))
def eval_hermite(n: Any, x: Any) -> Any:
    """Hermite's polynomial of the physicists, orthogonal under e^(-x^2).

    out = H_n(x)
    dx = g 2 n H_(n-1)(x)

    >>> eval_hermite(2, 1.0).round(12)
    np.float64(2.0)
    """
    return call_scipy("special", "eval_hermite", n, x)


@primitive("scipy.special.eval_hermitenorm", method=False, x=lambda g, n, x: g * n * eval_hermitenorm(_one_less(n), x))
def eval_hermitenorm(n: Any, x: Any) -> Any:
    """Hermite's polynomial of the statisticians, orthogonal under e^(-x^2 / 2).

    out = He_n(x)
    dx = g n He_(n-1)(x)

    >>> eval_hermitenorm(2, 2.0)
    np.float64(3.0)
    """
    return call_scipy("special", "eval_hermitenorm", n, x)
