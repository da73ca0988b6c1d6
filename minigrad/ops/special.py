"""scipy.special: error functions, entropies and exponential integrals.

SciPy computes the values (cupyx.scipy on a GPU) and is imported at the first call.  `scipy.special.gammaln(t)` on a Tensor
runs the op of that name; functions of SciPy that are no ufuncs, and so cannot be caught, are called as
`minigrad.scipy.special.logsumexp(t)`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..backend import call_scipy
from ..primitive import primitive

__all__ = [
    "dawsn", "entr", "erf", "erfc", "erfcinv", "erfcx", "erfi", "erfinv", "exp1", "exp10", "expi", "expn", "fresnel", "kl_div",
    "log_ndtr", "ndtr", "ndtri", "rel_entr", "sici", "xlog1py",
]  # fmt: skip

_ROOT_PI, _ROOT_2PI = math.sqrt(math.pi), math.sqrt(2 * math.pi)


# ---------------------------------------------- error functions and the normal distribution


@primitive("scipy.special.erf", z=lambda g, z: g * (2 / _ROOT_PI) * np.exp(-z * z))
def erf(z: Any) -> Any:
    """Error function.

    out = 2 / sqrt(pi) integral_0^z e^(-t^2) dt
    dz  = g 2 / sqrt(pi) e^(-z^2)

    >>> erf(0.0)
    np.float64(0.0)
    """
    try:
        return call_scipy("special", "erf", z)
    except ImportError:  # GELU needs no more of SciPy than this
        return _erf(np.asarray(z))


def _erf(x: Any) -> Any:
    """erf in plain NumPy, to 4e-16: Cody's rational approximations (Mathematics of Computation 23, 1969)."""
    size = np.minimum(np.abs(x), 6.0)  # beyond, it is 1
    square = np.minimum(size, 0.5) ** 2
    near = x * np.polyval(_NEAR[0], square) / np.polyval(_NEAR[1], square)
    far = 1 - np.exp(-size * size) * np.polyval(_FAR[0], size) / np.polyval(_FAR[1], size)
    out = np.where(size < 0.5, near, np.copysign(far, x))
    return out.astype(x.dtype if x.dtype.kind == "f" else np.float64)[()]


_NEAR = (
    [1.85777706184603153e-1, 3.16112374387056560e0, 1.13864154151050156e2, 3.77485237685302021e2, 3.20937758913846947e3],
    [1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3],
)
_FAR = (
    [
        2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0, 6.61191906371416295e1, 2.98635138197400131e2,
        8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3,
    ],
    [
        1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3, 3.29079923573345963e3,
        4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3,
    ],
)  # fmt: skip


@primitive("scipy.special.erfc", x=lambda g, x: -g * (2 / _ROOT_PI) * np.exp(-x * x))
def erfc(x: Any) -> Any:
    """Complementary error function, exact where erf is close to 1.

    out = 1 - erf(x)
    dx  = -g 2 / sqrt(pi) e^(-x^2)

    >>> erfc(0.0)
    np.float64(1.0)
    """
    return call_scipy("special", "erfc", x)


@primitive("scipy.special.erfcx", method=False, x=lambda g, x, out: g * (2 * x * out - 2 / _ROOT_PI))
def erfcx(x: Any) -> Any:
    """Scaled complementary error function.

    out = e^(x^2) erfc(x)
    dx  = g (2 x out - 2 / sqrt(pi))

    >>> erfcx(0.0)
    np.float64(1.0)
    """
    return call_scipy("special", "erfcx", x)


@primitive("scipy.special.erfi", method=False, x=lambda g, x: g * (2 / _ROOT_PI) * np.exp(x * x))
def erfi(x: Any) -> Any:
    """Imaginary error function.

    out = 2 / sqrt(pi) integral_0^x e^(t^2) dt
    dx  = g 2 / sqrt(pi) e^(x^2)

    >>> erfi(0.0)
    np.float64(0.0)
    """
    return call_scipy("special", "erfi", x)


@primitive("scipy.special.dawsn", method=False, x=lambda g, x, out: g * (1 - 2 * x * out))
def dawsn(x: Any) -> Any:
    """Dawson's integral.

    out = e^(-x^2) integral_0^x e^(t^2) dt
    dx  = g (1 - 2 x out)

    >>> dawsn(0.0)
    np.float64(0.0)
    """
    return call_scipy("special", "dawsn", x)


@primitive("scipy.special.erfinv", method=False, y=lambda g, out: g * (_ROOT_PI / 2) * np.exp(out * out))
def erfinv(y: Any) -> Any:
    """Inverse error function.

    erf(out) = y
    dy = g sqrt(pi) / 2 e^(out^2)

    >>> erfinv(0.0)
    np.float64(0.0)
    """
    return call_scipy("special", "erfinv", y)


@primitive("scipy.special.erfcinv", method=False, x=lambda g, out: -g * (_ROOT_PI / 2) * np.exp(out * out))
def erfcinv(x: Any) -> Any:
    """Inverse complementary error function.

    erfc(out) = x
    dx = -g sqrt(pi) / 2 e^(out^2)

    >>> erfcinv(1.0) == 0
    np.True_
    """
    return call_scipy("special", "erfcinv", x)


@primitive("scipy.special.ndtr", method=False, x=lambda g, x: g * np.exp(-x * x / 2) / _ROOT_2PI)
def ndtr(x: Any) -> Any:
    """Distribution function of the standard normal.

    out = 1 / sqrt(2 pi) integral_-inf^x e^(-t^2 / 2) dt
    dx  = g e^(-x^2 / 2) / sqrt(2 pi)

    >>> ndtr(0.0)
    np.float64(0.5)
    """
    return call_scipy("special", "ndtr", x)


@primitive("scipy.special.log_ndtr", method=False, x=lambda g, x, out: g * np.exp(-x * x / 2 - out) / _ROOT_2PI)
def log_ndtr(x: Any) -> Any:
    """Logarithm of `ndtr`, exact far out in both tails.

    out = log ndtr(x)
    dx  = g e^(-x^2 / 2 - out) / sqrt(2 pi)

    >>> log_ndtr(0.0) == np.log(0.5)
    np.True_
    """
    return call_scipy("special", "log_ndtr", x)


@primitive("scipy.special.ndtri", method=False, y=lambda g, out: g * _ROOT_2PI * np.exp(out * out / 2))
def ndtri(y: Any) -> Any:
    """Quantile of the standard normal.

    ndtr(out) = y
    dy = g sqrt(2 pi) e^(out^2 / 2)

    >>> ndtri(0.5)
    np.float64(0.0)
    """
    return call_scipy("special", "ndtri", y)


# ------------------------------------------------------------------- logarithms and entropies


@primitive(
    "scipy.special.xlog1py",
    method=False,
    x=lambda g, y: g * np.log1p(y),
    y=lambda g, x, y: g * x / np.where((x == 0) & (y == -1), 1, 1 + y),
)
def xlog1py(x: Any, y: Any) -> Any:
    """x log(1 + y), 0 where x is 0.

    out = x log(1 + y)
    dx  = g log(1 + y)
    dy  = g x / (1 + y)

    >>> xlog1py(0.0, -1.0)
    np.float64(0.0)
    """
    return call_scipy("special", "xlog1py", x, y)


@primitive("scipy.special.entr", method=False, x=lambda g, x: -g * (np.log(x) + 1))
def entr(x: Any) -> Any:
    """A term of the entropy.

    out = -x log x           (0 at 0)
    dx  = -g (log x + 1)

    >>> entr(1.0)
    np.float64(-0.0)
    """
    return call_scipy("special", "entr", x)


@primitive("scipy.special.rel_entr", method=False, x=lambda g, x, y: g * (np.log(x / y) + 1), y=lambda g, x, y: -g * x / y)
def rel_entr(x: Any, y: Any) -> Any:
    """A term of the relative entropy.

    out = x log(x / y)
    dx  = g (log(x / y) + 1)
    dy  = -g x / y

    >>> rel_entr(1.0, 1.0)
    np.float64(0.0)
    """
    return call_scipy("special", "rel_entr", x, y)


@primitive("scipy.special.kl_div", method=False, x=lambda g, x, y: g * np.log(x / y), y=lambda g, x, y: g * (1 - x / y))
def kl_div(x: Any, y: Any) -> Any:
    """A term of the Kullback-Leibler divergence.

    out = x log(x / y) - x + y
    dx  = g log(x / y)
    dy  = g (1 - x / y)

    >>> kl_div(1.0, 1.0)
    np.float64(0.0)
    """
    return call_scipy("special", "kl_div", x, y)


# --------------------------------------------------------------------- exponential integrals


@primitive("scipy.special.exp10", method=False, x=lambda g, out: g * out * math.log(10))
def exp10(x: Any) -> Any:
    """out = 10^x
    dx  = g out log 10

    >>> exp10(2.0)
    np.float64(100.0)
    """
    return call_scipy("special", "exp10", x)


@primitive("scipy.special.exp1", method=False, z=lambda g, z: -g * np.exp(-z) / z)
def exp1(z: Any) -> Any:
    """Exponential integral E_1.

    out = integral_z^inf e^-t / t dt
    dz  = -g e^-z / z

    >>> exp1(1.0).round(6)
    np.float64(0.219384)
    """
    return call_scipy("special", "exp1", z)


@primitive("scipy.special.expi", method=False, x=lambda g, x: g * np.exp(x) / x)
def expi(x: Any) -> Any:
    """Exponential integral Ei.

    out = integral_-inf^x e^t / t dt
    dx  = g e^x / x

    >>> expi(1.0).round(6)
    np.float64(1.895118)
    """
    return call_scipy("special", "expi", x)


@primitive("scipy.special.expn", method=False, x=lambda g, n, x, out: g * ((n - 1) * out - np.exp(-x)) / x)
def expn(n: Any, x: Any) -> Any:
    """Generalised exponential integral E_n; n is a constant.

    out = integral_1^inf e^(-x t) / t^n dt
    dx  = -g E_(n-1)(x) = g ((n - 1) out - e^-x) / x

    >>> expn(1, 1.0).round(6)
    np.float64(0.219384)
    """
    return call_scipy("special", "expn", n, x)


@primitive("scipy.special.sici", method=False, x=lambda g, x: g[0] * np.sinc(x / np.pi) + g[1] * np.cos(x) / x)
def sici(x: Any) -> tuple[Any, Any]:
    """Sine and cosine integrals.

    out = (integral_0^x sin(t) / t dt, Euler's constant + log x + integral_0^x (cos(t) - 1) / t dt)
    dx  = g_1 sin(x) / x + g_2 cos(x) / x

    >>> sici(1.0)[0].round(6)
    np.float64(0.946083)
    """
    return call_scipy("special", "sici", x)


@primitive(
    "scipy.special.fresnel", method=False,
    x=lambda g, x: g[0] * np.sin(np.pi / 2 * x * x) + g[1] * np.cos(np.pi / 2 * x * x),
)  # fmt: skip
def fresnel(x: Any) -> tuple[Any, Any]:
    """Fresnel's integrals.

    out = (integral_0^x sin(pi t^2 / 2) dt, integral_0^x cos(pi t^2 / 2) dt)
    dx  = g_1 sin(pi x^2 / 2) + g_2 cos(pi x^2 / 2)

    >>> fresnel(0.0)
    (np.float64(0.0), np.float64(0.0))
    """
    return call_scipy("special", "fresnel", x)
