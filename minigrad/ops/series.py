"""Series of polynomials by their coefficients, the lowest degree first: those of numpy.polynomial.

All but the power series are summed by Clenshaw's recursion, from the highest coefficient down.
They are made of ops, so they are differentiable in x and in the coefficients.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..backend import as_operand, side_by_side

__all__ = ["chebval", "hermeval", "hermval", "lagval", "legval", "polyval"]


def _operands(x: Any, c: Any, tensor: bool) -> tuple[Any, Any]:
    """x and the coefficients; with `tensor` every column of the coefficients meets all of x."""
    x, c = map(as_operand, side_by_side(x, c))
    c = np.reshape(c, (1,)) if np.ndim(c) == 0 else c
    c = c if c.dtype.kind in "fc" else c.astype(np.float64)
    return x, np.reshape(c, np.shape(c) + (1,) * np.ndim(x)) if tensor else c


def _clenshaw(
    x: Any,
    c: Any,
    tensor: bool,
    first: Callable[[Any], Any],
    down: Callable[[int], float],
    up: Callable[[int, Any], Any],
) -> Any:
    """The sum of c_k P_k(x).

    P_0 = 1, P_1 = first(x) and P_n = up(n, x) P_(n-1) - down(n) P_(n-2).
    """
    x, c = _operands(x, c, tensor)
    n = np.shape(c)[0]
    if n == 1:
        return c[0] + 0 * first(x)
    low, high = c[n - 2], c[n - 1]
    for k in range(n - 1, 1, -1):
        low, high = c[k - 2] - high * down(k), low + high * up(k, x)
    return low + high * first(x)


def polyval(x: Any, c: Any, tensor: bool = True) -> Any:
    """The power series c_0 + c_1 x + c_2 x^2 + ... (numpy.polynomial.polynomial.polyval).

    Args:
        x: numbers of any shape.
        c: coefficients (N, ...); further axes are series side by side.
        tensor: every series meets every x; otherwise the axes of the series are those of x.

    >>> polyval(2.0, [1.0, 2.0, 3.0])
    np.float64(17.0)
    """
    x, c = _operands(x, c, tensor)
    n = np.shape(c)[0]
    out = c[n - 1] + x * 0
    for i in range(n - 2, -1, -1):
        out = c[i] + out * x
    return out


def chebval(x: Any, c: Any, tensor: bool = True) -> Any:
    """A Chebyshev series (numpy.polynomial.chebyshev.chebval).

    T_0 = 1, T_1 = x, T_n = 2 x T_(n-1) - T_(n-2)

    >>> chebval(0.5, [1.0, 2.0, 3.0])
    np.float64(0.5)
    """
    return _clenshaw(x, c, tensor, lambda x: x, lambda n: 1, lambda n, x: 2 * x)


def legval(x: Any, c: Any, tensor: bool = True) -> Any:
    """A Legendre series (numpy.polynomial.legendre.legval).

    P_0 = 1, P_1 = x, n P_n = (2n - 1) x P_(n-1) - (n - 1) P_(n-2)

    >>> legval(0.5, [1.0, 2.0, 3.0])
    np.float64(1.625)
    """
    return _clenshaw(
        x, c, tensor, lambda x: x, lambda n: (n - 1) / n, lambda n, x: x * ((2 * n - 1) / n)
    )


def hermval(x: Any, c: Any, tensor: bool = True) -> Any:
    """A Hermite series, as physics has it (numpy.polynomial.hermite.hermval).

    H_0 = 1, H_1 = 2 x, H_n = 2 x H_(n-1) - 2 (n - 1) H_(n-2)

    >>> hermval(0.5, [1.0, 2.0, 3.0])
    np.float64(0.0)
    """
    return _clenshaw(x, c, tensor, lambda x: 2 * x, lambda n: 2 * (n - 1), lambda n, x: 2 * x)


def hermeval(x: Any, c: Any, tensor: bool = True) -> Any:
    """A Hermite series, as statistics has it (numpy.polynomial.hermite_e.hermeval).

    He_0 = 1, He_1 = x, He_n = x He_(n-1) - (n - 1) He_(n-2)

    >>> hermeval(0.5, [1.0, 2.0, 3.0])
    np.float64(-0.25)
    """
    return _clenshaw(x, c, tensor, lambda x: x, lambda n: n - 1, lambda n, x: x)


def lagval(x: Any, c: Any, tensor: bool = True) -> Any:
    """A Laguerre series (numpy.polynomial.laguerre.lagval).

    L_0 = 1, L_1 = 1 - x, n L_n = (2n - 1 - x) L_(n-1) - (n - 1) L_(n-2)

    >>> lagval(0.5, [1.0, 2.0, 3.0])
    np.float64(2.375)
    """
    return _clenshaw(
        x, c, tensor, lambda x: 1 - x, lambda n: (n - 1) / n, lambda n, x: ((2 * n - 1) - x) / n
    )
