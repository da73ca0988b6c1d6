"""Bessel functions.  Their orders are constants; the derivative of each is made of its neighbours in order.

SciPy computes the values, as in `minigrad.ops.special`.
"""

from __future__ import annotations

from math import comb
from typing import Any

import numpy as np

from ..backend import call_scipy
from ..primitive import composed, primitive

__all__ = [
    "airy", "i0", "i0e", "i1", "i1e", "iv", "ive", "ivp", "j0", "j1", "jn", "jv", "jvp", "k0", "k0e", "k1", "k1e",
    "kn", "kv", "kve", "kvp", "modstruve", "struve", "y0", "y1", "yn", "yv", "yvp",
]  # fmt: skip


# --------------------------------------------------------- J and Y: waves in a round membrane


@primitive("scipy.special.jv", method=False, z=lambda g, v, z: g * (jv(v - 1, z) - jv(v + 1, z)) / 2)
def jv(v: Any, z: Any) -> Any:
    """Bessel function of the first kind J_v.

    out = J_v(z)
    dz = g (J_(v-1)(z) - J_(v+1)(z)) / 2

    >>> jv(0, 0.0)
    np.float64(1.0)
    """
    return call_scipy("special", "jv", v, z)


jn = jv


@primitive("scipy.special.j0", method=False, x=lambda g, x: -g * j1(x))
def j0(x: Any) -> Any:
    """J_0.

    out = J_0(x)
    dx = -g J_1(x)

    >>> j0(0.0)
    np.float64(1.0)
    """
    return call_scipy("special", "j0", x)


@primitive("scipy.special.j1", method=False, x=lambda g, x: g * (j0(x) - jv(2, x)) / 2)
def j1(x: Any) -> Any:
    """J_1.

    out = J_1(x)
    dx = g (J_0(x) - J_2(x)) / 2

    >>> j1(0.0)
    np.float64(0.0)
    """
    return call_scipy("special", "j1", x)


@primitive("scipy.special.yv", method=False, z=lambda g, v, z: g * (yv(v - 1, z) - yv(v + 1, z)) / 2)
def yv(v: Any, z: Any) -> Any:
    """Bessel function of the second kind Y_v.

    out = Y_v(z)
    dz = g (Y_(v-1)(z) - Y_(v+1)(z)) / 2

    >>> yv(0, 1.0).round(6)
    np.float64(0.088257)
    """
    return call_scipy("special", "yv", v, z)


@primitive("scipy.special.yn", method=False, x=lambda g, n, x, out: g * (n * out / x - yn(n + 1, x)))
def yn(n: Any, x: Any) -> Any:
    """Y_n of integer order.

    out = Y_n(x)
    dx = g (n out / x - Y_(n+1)(x))

    >>> yn(0, 1.0).round(6)
    np.float64(0.088257)
    """
    return call_scipy("special", "yn", n, x)


@primitive("scipy.special.y0", method=False, x=lambda g, x: -g * y1(x))
def y0(x: Any) -> Any:
    """Y_0.

    out = Y_0(x)
    dx = -g Y_1(x)

    >>> y0(1.0).round(6)
    np.float64(0.088257)
    """
    return call_scipy("special", "y0", x)


@primitive("scipy.special.y1", method=False, x=lambda g, x, out: g * (y0(x) - out / x))
def y1(x: Any) -> Any:
    """Y_1.

    out = Y_1(x)
    dx = g (Y_0(x) - out / x)

    >>> y1(1.0).round(6)
    np.float64(-0.781213)
    """
    return call_scipy("special", "y1", x)


# ---------------------------------------------- I and K: the same along the imaginary axis


@primitive("scipy.special.iv", method=False, z=lambda g, v, z: g * (iv(v - 1, z) + iv(v + 1, z)) / 2)
def iv(v: Any, z: Any) -> Any:
    """Modified Bessel function of the first kind I_v.

    out = I_v(z)
    dz = g (I_(v-1)(z) + I_(v+1)(z)) / 2

    >>> iv(0, 0.0)
    np.float64(1.0)
    """
    return call_scipy("special", "iv", v, z)


@primitive(np.i0, "scipy.special.i0", method=False, x=lambda g, x: g * i1(x))
def i0(x: Any) -> Any:
    """I_0; its value is NumPy's, its derivative takes SciPy.

    out = I_0(x)
    dx = g I_1(x)

    >>> i0(0.0)
    array(1.)
    """
    return np.i0(x)


@primitive("scipy.special.i1", method=False, x=lambda g, x: g * (i0(x) + iv(2, x)) / 2)
def i1(x: Any) -> Any:
    """I_1.

    out = I_1(x)
    dx = g (I_0(x) + I_2(x)) / 2

    >>> i1(0.0)
    np.float64(0.0)
    """
    return call_scipy("special", "i1", x)


@primitive("scipy.special.ive", method=False, z=lambda g, v, z, out: g * ((ive(v - 1, z) + ive(v + 1, z)) / 2 - np.sign(z) * out))
def ive(v: Any, z: Any) -> Any:
    """I_v without its exponential growth.

    out = e^-|z| I_v(z)
    dz  = g ((ive(v-1, z) + ive(v+1, z)) / 2 - sign(z) out)

    >>> ive(0, 0.0)
    np.float64(1.0)
    """
    return call_scipy("special", "ive", v, z)


@primitive("scipy.special.i0e", method=False, x=lambda g, x, out: g * (i1e(x) - np.sign(x) * out))
def i0e(x: Any) -> Any:
    """I_0 without its exponential growth.

    out = e^-|x| I_0(x)
    dx  = g (i1e(x) - sign(x) out)

    >>> i0e(0.0)
    np.float64(1.0)
    """
    return call_scipy("special", "i0e", x)


@primitive("scipy.special.i1e", method=False, x=lambda g, x, out: g * ((i0e(x) + ive(2, x)) / 2 - np.sign(x) * out))
def i1e(x: Any) -> Any:
    """I_1 without its exponential growth.

    out = e^-|x| I_1(x)
    dx  = g ((i0e(x) + ive(2, x)) / 2 - sign(x) out)

    >>> i1e(0.0)
    np.float64(0.0)
    """
    return call_scipy("special", "i1e", x)


@primitive("scipy.special.kv", method=False, z=lambda g, v, z: -g * (kv(v - 1, z) + kv(v + 1, z)) / 2)
def kv(v: Any, z: Any) -> Any:
    """Modified Bessel function of the second kind K_v.

    out = K_v(z)
    dz = -g (K_(v-1)(z) + K_(v+1)(z)) / 2

    >>> kv(0, 1.0).round(6)
    np.float64(0.421024)
    """
    return call_scipy("special", "kv", v, z)


@primitive("scipy.special.kn", method=False, x=lambda g, n, x, out: -g * (kv(n - 1, x) + n * out / x))
def kn(n: Any, x: Any) -> Any:
    """K_n of integer order.

    out = K_n(x)
    dx = -g (K_(n-1)(x) + n out / x)

    >>> kn(0, 1.0).round(6)
    np.float64(0.421024)
    """
    return call_scipy("special", "kn", n, x)


@primitive("scipy.special.k0", method=False, x=lambda g, x: -g * k1(x))
def k0(x: Any) -> Any:
    """K_0.

    out = K_0(x)
    dx = -g K_1(x)

    >>> k0(1.0).round(6)
    np.float64(0.421024)
    """
    return call_scipy("special", "k0", x)


@primitive("scipy.special.k1", method=False, x=lambda g, x, out: -g * (k0(x) + out / x))
def k1(x: Any) -> Any:
    """K_1.

    out = K_1(x)
    dx = -g (K_0(x) + out / x)

    >>> k1(1.0).round(6)
    np.float64(0.601907)
    """
    return call_scipy("special", "k1", x)


@primitive("scipy.special.kve", method=False, z=lambda g, v, z, out: g * (out - (kve(v - 1, z) + kve(v + 1, z)) / 2))
def kve(v: Any, z: Any) -> Any:
    """K_v without its exponential decay.

    out = e^z K_v(z)
    dz  = g (out - (kve(v-1, z) + kve(v+1, z)) / 2)

    >>> kve(0, 1.0).round(6)
    np.float64(1.144463)
    """
    return call_scipy("special", "kve", v, z)


@primitive("scipy.special.k0e", method=False, x=lambda g, x, out: g * (out - k1e(x)))
def k0e(x: Any) -> Any:
    """K_0 without its exponential decay.

    out = e^x K_0(x)
    dx  = g (out - k1e(x))

    >>> k0e(1.0).round(6)
    np.float64(1.144463)
    """
    return call_scipy("special", "k0e", x)


@primitive("scipy.special.k1e", method=False, x=lambda g, x, out: g * (out - k0e(x) - out / x))
def k1e(x: Any) -> Any:
    """K_1 without its exponential decay.

    out = e^x K_1(x)
    dx  = g (out - k0e(x) - out / x)

    >>> k1e(1.0).round(5)
    np.float64(1.63615)
    """
    return call_scipy("special", "k1e", x)


# ------------------------------------------------------ derivatives by name, Airy and Struve


def _derivative(family: Any, v: Any, z: Any, n: int, sign: float) -> Any:
    """The n-th derivative of a family C with C_v' = (C_(v-1) + sign C_(v+1)) / 2."""
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 0:
        raise ValueError(f"the number of a derivative must be a whole number, not negative, got {n!r}")
    out: Any = 0.0
    for k in range(n + 1):
        out = out + sign**k * comb(n, k) * family(v - n + 2 * k, z)
    return out / 2**n


@composed("scipy.special.jvp", method=False)
def jvp(v: Any, z: Any, n: int = 1) -> Any:
    """The n-th derivative of J_v.

    Args:
        v: the order, a constant.
        n: which derivative.

    >>> jvp(0, 1.0) == -jv(1, 1.0)
    np.True_
    """
    return _derivative(jv, v, z, n, -1.0)


@composed("scipy.special.yvp", method=False)
def yvp(v: Any, z: Any, n: int = 1) -> Any:
    """The n-th derivative of Y_v.

    Args:
        v: the order, a constant.
        n: which derivative.

    >>> yvp(0, 1.0) == -yv(1, 1.0)
    np.True_
    """
    return _derivative(yv, v, z, n, -1.0)


@composed("scipy.special.ivp", method=False)
def ivp(v: Any, z: Any, n: int = 1) -> Any:
    """The n-th derivative of I_v.

    Args:
        v: the order, a constant.
        n: which derivative.

    >>> ivp(0, 1.0) == iv(1, 1.0)
    np.True_
    """
    return _derivative(iv, v, z, n, 1.0)


@composed("scipy.special.kvp", method=False)
def kvp(v: Any, z: Any, n: int = 1) -> Any:
    """The n-th derivative of K_v.

    Args:
        v: the order, a constant.
        n: which derivative.

    >>> kvp(0, 1.0) == -kv(1, 1.0)
    np.True_
    """
    return (-1) ** n * _derivative(kv, v, z, n, 1.0)


def _airy(g: Any, z: Any, out: Any) -> Any:
    return g[0] * out[1] + g[1] * z * out[0] + g[2] * out[3] + g[3] * z * out[2]


@primitive("scipy.special.airy", method=False, z=_airy)
def airy(z: Any) -> tuple[Any, Any, Any, Any]:
    """Airy's functions and their derivatives, (Ai, Ai', Bi, Bi'), the solutions of w'' = z w.

    out = (Ai(z), Ai'(z), Bi(z), Bi'(z))
    dz = g_1 Ai'(z) + g_2 z Ai(z) + g_3 Bi'(z) + g_4 z Bi(z)

    >>> airy(0.0)[0].round(6)
    np.float64(0.355028)
    """
    return call_scipy("special", "airy", z)


@primitive("scipy.special.struve", method=False, x=lambda g, v, x, out: g * (struve(v - 1, x) - v * out / x))
def struve(v: Any, x: Any) -> Any:
    """Struve's function H_v; v is a constant.

    out = H_v(x)
    dx = g (H_(v-1)(x) - v out / x)

    >>> struve(0, 0.0)
    np.float64(0.0)
    """
    return call_scipy("special", "struve", v, x)


@primitive("scipy.special.modstruve", method=False, x=lambda g, v, x, out: g * (modstruve(v - 1, x) - v * out / x))
def modstruve(v: Any, x: Any) -> Any:
    """Struve's modified function L_v; v is a constant.

    out = L_v(x)
    dx = g (L_(v-1)(x) - v out / x)

    >>> modstruve(0, 0.0)
    np.float64(0.0)
    """
    return call_scipy("special", "modstruve", v, x)
