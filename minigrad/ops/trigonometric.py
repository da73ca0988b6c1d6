"""Trigonometric and hyperbolic functions and their inverses."""

from __future__ import annotations

from math import comb, factorial
from typing import Any

import numpy as np

from ..primitive import primitive

__all__ = [
    "sin",
    "cos",
    "tan",
    "arcsin",
    "arccos",
    "arctan",
    "arctan2",
    "sinh",
    "cosh",
    "tanh",
    "arcsinh",
    "arccosh",
    "arctanh",
    "degrees",
    "radians",
    "sinc",
]


def _square_radius(x: Any, y: Any) -> Any:
    """x^2 + y^2, 1 at the origin, where the angle has no gradient and 0 is taken."""
    radius = x * x + y * y
    return radius + (radius == 0)


def _one_minus_square(x: Any) -> Any:
    """1 - x^2; of complex x the sign of its zeros says on which side of the cut x is."""
    return -(x * x - 1) if x.dtype.kind == "c" else 1 - x * x


@primitive(np.sin, x=lambda g, x: g * np.cos(x))
def sin(x: Any) -> Any:
    """Sine (x in radians).

    out = sin(x)
    dx  = g cos(x)

    >>> grad(sin)(0.0)
    np.float64(1.0)
    """
    return np.sin(x)


@primitive(np.cos, x=lambda g, x: -g * np.sin(x))
def cos(x: Any) -> Any:
    """Cosine (x in radians).

    out = cos(x)
    dx  = -g sin(x)

    >>> cos(0.0)
    np.float64(1.0)
    """
    return np.cos(x)


@primitive(np.tan, x=lambda g, out: g * (1 + out * out))
def tan(x: Any) -> Any:
    """Tangent (x in radians).

    out = tan(x)
    dx  = g (1 + out^2)

    >>> grad(tan)(0.0)
    np.float64(1.0)
    """
    return np.tan(x)


@primitive(np.arcsin, x=lambda g, x: g / np.sqrt(_one_minus_square(x)))
def arcsin(x: Any) -> Any:
    """Inverse sine, in radians.

    out = arcsin(x)
    dx  = g / sqrt(1 - x^2)

    >>> grad(arcsin)(0.6)
    np.float64(1.25)
    """
    return np.arcsin(x)


@primitive(np.arccos, x=lambda g, x: -g / np.sqrt(_one_minus_square(x)))
def arccos(x: Any) -> Any:
    """Inverse cosine, in radians.

    out = arccos(x)
    dx  = -g / sqrt(1 - x^2)

    >>> grad(arccos)(0.6)
    np.float64(-1.25)
    """
    return np.arccos(x)


@primitive(np.arctan, x=lambda g, x: g / (1 + x * x))
def arctan(x: Any) -> Any:
    """Inverse tangent, in radians.

    out = arctan(x)
    dx  = g / (1 + x^2)

    >>> grad(arctan)(1.0)
    np.float64(0.5)
    """
    return np.arctan(x)


@primitive(
    np.arctan2,
    x=lambda g, x, y: g * y / _square_radius(x, y),
    y=lambda g, x, y: -g * x / _square_radius(x, y),
)
def arctan2(x: Any, y: Any) -> Any:
    """Angle of the point (y, x), in radians; the first argument is the height, as in NumPy.

    out = arg(y + i x)
    dx  = g y / (x^2 + y^2)
    dy  = -g x / (x^2 + y^2)   (both 0 at the origin)

    >>> arctan2(1.0, -1.0)
    np.float64(2.356194490192345)
    """
    return np.arctan2(x, y)


@primitive(np.sinh, x=lambda g, x: g * np.cosh(x))
def sinh(x: Any) -> Any:
    """Hyperbolic sine.

    out = (e^x - e^-x) / 2
    dx  = g cosh(x)

    >>> grad(sinh)(0.0)
    np.float64(1.0)
    """
    return np.sinh(x)


@primitive(np.cosh, x=lambda g, x: g * np.sinh(x))
def cosh(x: Any) -> Any:
    """Hyperbolic cosine.

    out = (e^x + e^-x) / 2
    dx  = g sinh(x)

    >>> cosh(0.0)
    np.float64(1.0)
    """
    return np.cosh(x)


@primitive(np.tanh, x=lambda g, out: g * (1 - out * out))
def tanh(x: Any) -> Any:
    """Hyperbolic tangent.

    out = tanh(x)
    dx  = g (1 - out^2)

    >>> grad(tanh)(1.0)
    np.float64(0.41997434161402614)
    """
    return np.tanh(x)


@primitive(np.arcsinh, x=lambda g, x: g / np.sqrt(x * x + 1))
def arcsinh(x: Any) -> Any:
    """Inverse hyperbolic sine.

    out = log(x + sqrt(x^2 + 1))
    dx  = g / sqrt(x^2 + 1)

    >>> grad(arcsinh)(0.0)
    np.float64(1.0)
    """
    return np.arcsinh(x)


@primitive(np.arccosh, x=lambda g, x: g / (np.sqrt(x - 1) * np.sqrt(x + 1)))
def arccosh(x: Any) -> Any:
    """Inverse hyperbolic cosine.

    out = log(x + sqrt(x^2 - 1))
    dx  = g / sqrt(x^2 - 1)

    >>> arccosh(1.0)
    np.float64(0.0)
    """
    return np.arccosh(x)


@primitive(np.arctanh, x=lambda g, x: g / (1 - x * x))
def arctanh(x: Any) -> Any:
    """Inverse hyperbolic tangent.

    out = log((1 + x) / (1 - x)) / 2
    dx  = g / (1 - x^2)

    >>> grad(arctanh)(0.5)
    np.float64(1.3333333333333333)
    """
    return np.arctanh(x)


@primitive(np.degrees, np.rad2deg, x=lambda g: g * (180 / np.pi))
def degrees(x: Any) -> Any:
    """Radians to degrees.

    out = 180 x / pi
    dx  = 180 g / pi

    >>> degrees(np.pi)
    np.float64(180.0)
    """
    return np.degrees(x)


@primitive(np.radians, np.deg2rad, x=lambda g: g * (np.pi / 180))
def radians(x: Any) -> Any:
    """Degrees to radians.

    out = pi x / 180
    dx  = pi g / 180

    >>> radians(180.0)
    np.float64(3.141592653589793)
    """
    return np.radians(x)


def _sinc_series(u: Any, order: int) -> Any:
    """The derivative of sin(u) / u of an order by its Taylor series, for small u: sum (-1)^m u^(2m) / (2m + 1)!."""
    out: Any = 0.0
    for m in range((order + 1) // 2, order // 2 + 24):
        power = 2 * m - order
        out = (
            out
            + (-1.0) ** m * factorial(2 * m) / (factorial(power) * factorial(2 * m + 1)) * u**power
        )
    return out


def _sinc_quotient(u: Any, order: int) -> Any:
    """The same by Leibniz' rule for the product of sin(u) and 1 / u."""
    out: Any = 0.0
    for j in range(order + 1):
        derivative_of_sine = np.sin(u + (order - j) * np.pi / 2)
        out = out + comb(order, j) * derivative_of_sine * (-1.0) ** j * factorial(j) / u ** (j + 1)
    return out


@primitive(method=False, x=lambda g, x, order: g * sinc_derivative(x, order + 1))
def sinc_derivative(x: Any, order: int) -> Any:
    """The derivative of sinc of an order; right at 0 too, where the quotient is 0 / 0.

    out = sinc^(order)(x)
    dx  = g sinc^(order + 1)(x)

    >>> sinc_derivative(np.array([0.0]), 2)            # -pi^2 / 3
    array([-3.28986813])
    """
    u = np.pi * x
    small = np.abs(u) < order + 1.0
    near, far = np.where(small, u, 0.0), np.where(small, order + 1.0, u)
    return np.pi**order * np.where(
        small, _sinc_series(near, order), _sinc_quotient(far, order)
    ).astype(u.dtype, copy=False)


@primitive(np.sinc, x=lambda g, x: g * sinc_derivative(x, 1))
def sinc(x: Any) -> Any:
    """Sine over its argument, as signal processing has it; 1 at 0.

    out = sin(pi x) / (pi x)
    dx  = g (cos(pi x) - out) / x                    (0 at 0)

    >>> sinc(np.array([0.0, 0.5]))
    array([1.        , 0.63661977])
    """
    if getattr(x, "dtype", np.dtype(float)).kind in "iub" and not isinstance(x, np.ndarray):
        x = x.astype(np.float64)  # as NumPy: CuPy computes small integers in float16
    return np.sinc(x)
