"""scipy.special: elementary functions that NumPy lacks, and the inverse of w e^w."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..backend import call_scipy, scipy_function
from ..primitive import composed, primitive

__all__ = [
    "cosdg", "cosm1", "huber", "lambertw", "powm1", "pseudo_huber", "shichi", "sindg", "softplus", "tandg", "wofz",
    "wrightomega",
]  # fmt: skip

_DEGREE = math.pi / 180


@primitive("scipy.special.cosm1", method=False, x=lambda g, x: -g * np.sin(x))
def cosm1(x: Any) -> Any:
    """cos(x) - 1, exact where x is small.

    out = cos(x) - 1
    dx = -g sin(x)

    >>> cosm1(0.0)
    np.float64(0.0)
    """
    return call_scipy("special", "cosm1", x)


@primitive(
    "scipy.special.powm1", method=False,
    x=lambda g, x, y: g * y * x ** (y - 1), y=lambda g, x, out: g * (out + 1) * np.log(x),
)  # fmt: skip
def powm1(x: Any, y: Any) -> Any:
    """x^y - 1, exact where x^y is close to 1.

    out = x^y - 1
    dx = g y x^(y-1)
    dy = g x^y log(x)

    >>> powm1(3.0, 2.0)
    np.float64(8.0)
    """
    return call_scipy("special", "powm1", x, y)


@primitive("scipy.special.sindg", method=False, x=lambda g, x: g * _DEGREE * cosdg(x))
def sindg(x: Any) -> Any:
    """Sine of an angle in degrees.

    out = sin(pi x / 180)
    dx = g pi / 180 cosdg(x)

    >>> sindg(90.0)
    np.float64(1.0)
    """
    return call_scipy("special", "sindg", x)


@primitive("scipy.special.cosdg", method=False, x=lambda g, x: -g * _DEGREE * sindg(x))
def cosdg(x: Any) -> Any:
    """Cosine of an angle in degrees.

    out = cos(pi x / 180)
    dx = -g pi / 180 sindg(x)

    >>> cosdg(0.0)
    np.float64(1.0)
    """
    return call_scipy("special", "cosdg", x)


@primitive("scipy.special.tandg", method=False, x=lambda g, out: g * _DEGREE * (1 + out * out))
def tandg(x: Any) -> Any:
    """Tangent of an angle in degrees.

    out = tan(pi x / 180)
    dx = g pi / 180 (1 + out^2)

    >>> tandg(45.0)
    np.float64(1.0)
    """
    return call_scipy("special", "tandg", x)


@primitive(
    "scipy.special.huber", method=False,
    delta=lambda g, delta, r: g * np.where(np.abs(r) <= delta, 0.0, np.abs(r) - delta),
    r=lambda g, delta, r: g * np.where(np.abs(r) <= delta, r, delta * np.sign(r)),
)  # fmt: skip
def huber(delta: Any, r: Any) -> Any:
    """Huber's loss: quadratic up to delta, linear beyond; infinite for a negative delta.

    out    = r^2 / 2 where |r| <= delta, else delta (|r| - delta / 2)
    ddelta = 0 where |r| <= delta, else g (|r| - delta)
    dr     = g r where |r| <= delta, else g delta sign(r)

    >>> huber(1.0, 3.0)
    np.float64(2.5)
    """
    return call_scipy("special", "huber", delta, r)


@primitive(
    "scipy.special.pseudo_huber", method=False,
    delta=lambda g, delta, r: g * _pseudo_huber_delta(delta, r), r=lambda g, delta, r: g * r / np.sqrt(1 + (r / delta) ** 2),
)  # fmt: skip
def pseudo_huber(delta: Any, r: Any) -> Any:
    """A smooth form of Huber's loss.

    out    = delta^2 (sqrt(1 + (r / delta)^2) - 1)
    ddelta = g (2 delta (s - 1) - r^2 / (delta s)),  s = sqrt(1 + (r / delta)^2)
    dr     = g r / s

    >>> pseudo_huber(1.0, 0.0)
    np.float64(0.0)
    """
    return call_scipy("special", "pseudo_huber", delta, r)


def _pseudo_huber_delta(delta: Any, r: Any) -> Any:
    s = np.sqrt(1 + (r / delta) ** 2)
    return 2 * delta * (s - 1) - r * r / (delta * s)


@composed("scipy.special.softplus", method=False)
def softplus(x: Any) -> Any:
    """log(1 + e^x).

    >>> softplus(0.0) == np.log(2.0)
    np.True_
    """
    return np.logaddexp(0.0, x)


@primitive("scipy.special.shichi", method=False, x=lambda g, x: g[0] * _sinhc(x) + g[1] * np.cosh(x) / x)
def shichi(x: Any) -> tuple[Any, Any]:
    """Hyperbolic sine and cosine integrals.

    out = (integral_0^x sinh(t) / t dt, Euler's constant + log x + integral_0^x (cosh(t) - 1) / t dt)
    dx  = g_1 sinh(x) / x + g_2 cosh(x) / x

    >>> shichi(1.0)[0].round(6)
    np.float64(1.057251)
    """
    return call_scipy("special", "shichi", x)


def _sinhc(x: Any) -> Any:
    """sinh(x) / x, 1 at 0."""
    zero = x == 0
    return np.where(zero, 1.0, np.sinh(x) / np.where(zero, 1.0, x))


@primitive(method=False, name="lambertw", z=lambda g, z, out: g * _lambertw_slope(z, out))
def _lambertw(z: Any, k: Any, tol: Any) -> Any:
    """Lambert's W as an op.

    out e^out = z
    dz = g / (z + e^out)
    """
    return scipy_function("special", "lambertw", z)(z, k, tol)


def _lambertw_slope(z: Any, out: Any) -> Any:
    return 1 / (z + np.exp(out))


@composed("scipy.special.lambertw", method=False)
def lambertw(z: Any, k: Any = 0, tol: Any = 1e-8) -> Any:
    """Lambert's W: out e^out = z, on the branch k.  The result is complex, as SciPy's.

    dz = g / (z + e^out)

    Args:
        k: the number of the branch.
        tol: how exact the result is, as SciPy's.

    >>> lambertw(np.e)
    np.complex128(1+0j)
    """
    return _lambertw(z, k, tol)


@primitive("scipy.special.wrightomega", method=False, z=lambda g, out: g * out / (1 + out))
def wrightomega(z: Any) -> Any:
    """Wright's omega function.

    out + log(out) = z
    dz = g out / (1 + out)

    >>> wrightomega(1.0)
    np.float64(1.0)
    """
    return call_scipy("special", "wrightomega", z)


@primitive("scipy.special.wofz", method=False, z=lambda g, z, out: g * (2j / math.sqrt(math.pi) - 2 * z * out))
def wofz(z: Any) -> Any:
    """Faddeeva's function; complex.

    out = e^(-z^2) erfc(-i z)
    dz = g (2 i / sqrt(pi) - 2 z out)

    >>> wofz(0.0)
    np.complex128(1+0j)
    """
    return call_scipy("special", "wofz", z)
