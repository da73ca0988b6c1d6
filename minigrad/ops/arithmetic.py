"""Arithmetic: the operators of Python, powers and roots, maxima, and complex parts."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import backend
from ..arrays.batch import all_examples
from ..calling import call_with_options
from ..primitive import composed, primitive
from ..tensor import Tensor, raw, wrap
from .slopes import slope_of_length

__all__ = [
    "absolute", "add", "angle", "cbrt", "conjugate", "copysign", "divide", "divmod", "fabs", "float_power", "fmax",
    "fmin", "fmod", "frexp", "heaviside", "hypot", "imag", "ldexp", "maximum", "minimum", "modf", "multiply", "negative",
    "nextafter", "positive", "power",
    "real", "real_if_close", "reciprocal", "remainder", "sqrt", "square", "subtract",
]  # fmt: skip


@primitive(np.add, operators=("__add__", "__radd__"), x=lambda g: g, y=lambda g: g)
def add(x: Any, y: Any) -> Any:
    """Sum.

    out = x + y
    dx  = g
    dy  = g

    >>> add(np.array([1.0, 2.0]), 3.0)
    array([4., 5.])
    """
    return np.add(x, y)


@primitive(np.subtract, operators=("__sub__", "__rsub__"), x=lambda g: g, y=lambda g: -g)
def subtract(x: Any, y: Any) -> Any:
    """Difference.

    out = x - y
    dx  = g
    dy  = -g

    >>> subtract(np.array([1.0, 2.0]), 3.0)
    array([-2., -1.])
    """
    return np.subtract(x, y)


@primitive(
    np.multiply, operators=("__mul__", "__rmul__"), x=lambda g, y: g * y, y=lambda g, x: g * x
)
def multiply(x: Any, y: Any) -> Any:
    """Product (the product rule).

    out = x y
    dx  = g y
    dy  = g x

    >>> grad(lambda x: multiply(x, 5.0))(2.0)
    np.float64(5.0)
    """
    return np.multiply(x, y)


@primitive(
    np.divide,
    operators=("__truediv__", "__rtruediv__"),
    x=lambda g, y: g / y,
    y=lambda g, x, y: -g * x / (y * y),
)
def divide(x: Any, y: Any) -> Any:
    """Quotient (the quotient rule).

    out = x / y
    dx  = g / y
    dy  = -g x / y^2

    >>> grad(divide, argnums=1)(1.0, 2.0)
    np.float64(-0.25)
    """
    return np.divide(x, y)


@primitive(np.negative, operators=("__neg__",), x=lambda g: -g)
def negative(x: Any) -> Any:
    """Change of sign.

    out = -x
    dx  = -g

    >>> negative(np.array([1.0, -2.0]))
    array([-1.,  2.])
    """
    return np.negative(x)


@primitive(np.positive, operators=("__pos__",), method=False, x=lambda g: g)
def positive(x: Any) -> Any:
    """The value itself, as a copy.

    out = x
    dx  = g

    >>> positive(np.array([1.0, -2.0]))
    array([ 1., -2.])
    """
    return np.positive(x)


@primitive(np.reciprocal, x=lambda g, x: -g / (x * x))
def reciprocal(x: Any) -> Any:
    """Reciprocal.

    out = 1 / x
    dx  = -g / x^2

    >>> grad(reciprocal)(2.0)
    np.float64(-0.25)
    """
    return np.reciprocal(x)


@primitive(np.square, x=lambda g, x: g * 2 * x)
def square(x: Any) -> Any:
    """Square.

    out = x^2
    dx  = 2 g x

    >>> grad(square)(3.0)
    np.float64(6.0)
    """
    return np.square(x)


@primitive(np.sqrt, x=lambda g, out: 0.5 * g / out)
def sqrt(x: Any) -> Any:
    """Square root.

    out = sqrt(x)
    dx  = g / (2 out)

    At x = 0 the gradient is infinite, but 0 where no gradient arrives.

    >>> grad(sqrt)(4.0)
    np.float64(0.25)
    """
    return np.sqrt(x)


@primitive(np.cbrt, x=lambda g, out: g / (3 * (out * out)))
def cbrt(x: Any) -> Any:
    """Cube root.

    out = x^(1/3)
    dx  = g / (3 out^2)

    >>> grad(cbrt)(8.0)
    np.float64(0.08333333333333333)
    """
    return np.cbrt(x)


def _small_power(x: Any, n: int) -> Any:
    """x^n for n of -4 to 8 by products.

    NumPy's own power of negative numbers takes 35 times as long (measured).
    """
    if n == 0:
        return np.ones_like(x)
    if n < 0:
        x, n = np.reciprocal(x), -n
    elif n == 1:
        return np.positive(x)
    out = x
    for bit in bin(n)[3:]:  # the binary digits behind the first: square, and for a 1 times x
        fresh = out is not x and type(out) is np.ndarray  # our own buffer, which may be written
        out = np.multiply(out, out, out=out) if fresh else out * out
        if bit == "1":
            out = np.multiply(out, x, out=out) if type(out) is np.ndarray else out * x
    return out


#: The types of which NumPy too takes x^0.5 as a root.
_ROOTED = (np.float32, np.float64)


def _has_products(x: Any, n: float) -> bool:
    """Whether x^n is the same number, of the same dtype, as products of x."""
    if not -4 <= n <= 8 or n != int(n) or not hasattr(x, "dtype"):
        return False
    if x.dtype.kind == "f":
        return x.dtype.itemsize > 2  # NumPy computes half precision in single
    return x.dtype.kind in "iu" and type(n) is int and n >= 0


def _power_x(g: Any, x: Any, y: Any) -> Any:
    if isinstance(y, (int, float)):
        if y == 2:
            return g * (2 * x)
        if y == 0:
            return np.zeros_like(x) * g
        if y == 0.5:
            return 0.5 * g / np.sqrt(x)
        return _scaled(power(x, y - 1), y, g)
    # x^0 = 1 has the slope 0 everywhere, also where y x^(y-1) is 0 * inf: at x = 0, and at infinity.
    base = np.where((y == 0) & ((x == 0) | ~np.isfinite(x)), 1, x)
    return g * (y * base ** (y - 1))


def _scaled(slope: Any, y: float, g: Any) -> Any:
    """g y slope; in the buffer of the slope, which is new, where it has the type of the result."""
    arrays = type(slope) is np.ndarray and type(g) is np.ndarray
    if arrays and slope.dtype == g.dtype and slope.dtype.kind in "fc":
        slope *= y
        slope *= g
        return slope
    return g * (y * slope)


def _power_y(g: Any, x: Any, y: Any, out: Any) -> Any:
    zero = (x == 0) & (np.real(y) >= 0)  # 0^y is constant for y > 0
    return g * out * np.log(x + zero)


@primitive(np.power, operators=("__pow__", "__rpow__"), x=_power_x, y=_power_y)
def power(x: Any, y: Any) -> Any:
    """Power; by products for the integers of -4 to 8, as a root for 0.5.

    out = x^y
    dx  = g y x^(y-1)        (0 where y = 0)
    dy  = g out log(x)       (0 where x = 0 and y >= 0)

    >>> grad(power)(2.0, 3.0), grad(power, argnums=1)(2.0, 0.0)
    (np.float64(12.0), np.float64(0.6931471805599453))
    """
    if type(y) in (int, float):
        if _has_products(x, y):
            return _small_power(x, int(y))
        if y == 0.5 and getattr(x, "dtype", None) in _ROOTED:
            return np.sqrt(x)
    return np.power(x, y)


@primitive(np.float_power, x=_power_x, y=_power_y)
def float_power(x: Any, y: Any) -> Any:
    """Power in at least float64.

    out = x^y
    dx  = g y x^(y-1)
    dy  = g out log(x)

    >>> float_power(2, -1)
    np.float64(0.5)
    """
    return np.float_power(x, y)


def _absolute_x(g: Any, x: Any) -> Any:
    if x.dtype.kind == "c":
        return g * slope_of_length(np.conj(x), np.abs(x))
    return g * np.sign(x)


@primitive(np.absolute, operators=("__abs__",), method="abs", x=_absolute_x)
def absolute(x: Any) -> Any:
    """Absolute value.

    out = |x|
    dx  = g sign(x)          (0 at x = 0; for complex x the direction of x)

    >>> grad(absolute)(-3.0), grad(absolute)(0.0)
    (np.float64(-1.0), np.float64(0.0))
    """
    return np.absolute(x)


@primitive(np.fabs, x=lambda g, x: g * np.sign(x))
def fabs(x: Any) -> Any:
    """Absolute value of real numbers.

    out = |x|
    dx  = g sign(x)

    >>> fabs(-2.0)
    np.float64(2.0)
    """
    return np.fabs(x)


@primitive(
    np.copysign,
    x=lambda g, x, y: g * np.sign(x) * (1 - 2 * np.signbit(y)),
    y=lambda g: np.zeros_like(g),
)
def copysign(x: Any, y: Any) -> Any:
    """x with the sign of y.

    out = |x| sign(y)
    dx  = g sign(x) sign(y)  (0 at x = 0)
    dy  = 0

    >>> copysign(3.0, -0.5)
    np.float64(-3.0)
    """
    return np.copysign(x, y)


@primitive(np.heaviside, x=lambda g: np.zeros_like(g), y=lambda g, x: g * (x == 0))
def heaviside(x: Any, y: Any) -> Any:
    """The step function: 0 below zero, 1 above, y at zero.

    out = 0 where x < 0, else y where x = 0, else 1
    dx  = 0
    dy  = g where x = 0

    >>> heaviside(np.array([-1.0, 0.0, 2.0]), 0.5)
    array([0. , 0.5, 1. ])
    """
    return np.heaviside(x, y)


@primitive(np.nextafter, x=lambda g: g, y=lambda g: np.zeros_like(g))
def nextafter(x: Any, y: Any) -> Any:
    """The next number that can be represented after x, towards y.

    out = x, up to its last digit
    dx  = g
    dy  = 0

    >>> nextafter(1.0, 2.0) > 1.0
    np.True_
    """
    return np.nextafter(x, y)


def _maximum_rule(g: Any, x: Any, y: Any) -> Any:
    return g * ((x > y) + 0.5 * (x == y)).astype(g.dtype)


@primitive(
    np.maximum,
    masks=True,
    x=lambda g, x, y: _maximum_rule(g, x, y),
    y=lambda g, x, y: _maximum_rule(g, y, x),
)
def maximum(x: Any, y: Any) -> Any:
    """The larger one.

    out = max(x, y)
    dx  = g where x > y      (g / 2 where equal)
    dy  = g where y > x      (g / 2 where equal)

    >>> grad(maximum)(2.0, 1.0), grad(maximum)(1.0, 1.0)
    (np.float64(1.0), np.float64(0.5))
    """
    return np.maximum(x, y)


@primitive(
    np.minimum,
    masks=True,
    x=lambda g, x, y: _maximum_rule(g, y, x),
    y=lambda g, x, y: _maximum_rule(g, x, y),
)
def minimum(x: Any, y: Any) -> Any:
    """The smaller one.

    out = min(x, y)
    dx  = g where x < y      (g / 2 where equal)
    dy  = g where y < x      (g / 2 where equal)

    >>> grad(minimum)(2.0, 1.0)
    np.float64(0.0)
    """
    return np.minimum(x, y)


def _fmax_rule(g: Any, x: Any, y: Any) -> Any:
    return g * ((x > y) + 0.5 * (x == y) + (np.isnan(y) & ~np.isnan(x))).astype(g.dtype)


@primitive(
    np.fmax,
    masks=True,
    x=lambda g, x, y: _fmax_rule(g, x, y),
    y=lambda g, x, y: _fmax_rule(g, y, x),
)
def fmax(x: Any, y: Any) -> Any:
    """The larger one, ignoring NaN.

    out = max(x, y)          (the one that is not NaN)
    dx  = g where x > y      (g / 2 where equal; g where y is NaN)
    dy  = g where y > x      (g / 2 where equal; g where x is NaN)

    >>> grad(fmax)(1.0, np.nan)
    np.float64(1.0)
    """
    return np.fmax(x, y)


@primitive(
    np.fmin,
    masks=True,
    x=lambda g, x, y: _fmax_rule(g, -x, -y),
    y=lambda g, x, y: _fmax_rule(g, -y, -x),
)
def fmin(x: Any, y: Any) -> Any:
    """The smaller one, ignoring NaN.

    out = min(x, y)          (the one that is not NaN)
    dx  = g where x < y      (g / 2 where equal; g where y is NaN)
    dy  = g where y < x      (g / 2 where equal; g where x is NaN)

    >>> grad(fmin)(1.0, np.nan)
    np.float64(1.0)
    """
    return np.fmin(x, y)


@primitive(
    np.hypot,
    x=lambda g, x, out: g * slope_of_length(x, out),
    y=lambda g, y, out: g * slope_of_length(y, out),
)
def hypot(x: Any, y: Any) -> Any:
    """Length of the hypotenuse.

    out = sqrt(x^2 + y^2)
    dx  = g x / out          (0 at the origin)
    dy  = g y / out

    >>> grad(hypot)(3.0, 4.0)
    np.float64(0.6)
    """
    return np.hypot(x, y)


@primitive(
    np.remainder,
    operators=("__mod__", "__rmod__"),
    x=lambda g: g,
    y=lambda g, x, y: -g * np.floor_divide(x, y),
)
def remainder(x: Any, y: Any) -> Any:
    """Remainder with the sign of y (Python's %).

    out = x - y floor(x / y)
    dx  = g
    dy  = -g floor(x / y)

    >>> grad(remainder, argnums=1)(7.0, 3.0)
    np.float64(-2.0)
    """
    return np.remainder(x, y)


@composed(np.divmod, method=False, operators=("__divmod__", "__rdivmod__"))
def divmod(x: Any, y: Any, /, **options: Any) -> tuple[Any, Any]:  # noqa: A001
    """The floor of the quotient (a constant) and the remainder; `options` are those of a ufunc.

    >>> divmod(7.0, 3.0)
    (np.float64(2.0), np.float64(1.0))
    """
    if options:
        return call_with_options(np.divmod, divmod, (x, y), options)
    return np.floor_divide(x, y), remainder(x, y)


@primitive(np.modf, x=lambda g: g[0])
def modf(x: Any) -> Any:
    """Fractional and integral part, both with the sign of x; the integral part is constant.

    out = (x - trunc(x), trunc(x))
    dx  = g_1

    >>> modf(-1.5)
    (np.float64(-0.5), np.float64(-1.0))
    """
    return np.modf(x)


@composed(np.frexp)
def frexp(x: Any, /, **options: Any) -> tuple[Any, Any]:
    """Mantissa, of 1/2 to 1, and integer exponent, a constant; `options` are those of a ufunc.

    out = (x 2^-e, e)

    >>> frexp(np.array([6.0]))
    (array([0.75]), array([3], dtype=int32))
    """
    if options:
        return call_with_options(np.frexp, frexp, (x,), options)
    exponent = np.frexp(raw(x))[1]
    mantissa = ldexp(x, -exponent)
    if isinstance(x, Tensor):
        exponent = wrap(backend.as_array(exponent), None)
    return mantissa, exponent


@primitive(np.fmod, x=lambda g: g, y=lambda g, x, y: -g * np.trunc(x / y))
def fmod(x: Any, y: Any) -> Any:
    """Remainder with the sign of x (C's fmod).

    out = x - y trunc(x / y)
    dx  = g
    dy  = -g trunc(x / y)

    >>> fmod(-7.0, 3.0)
    np.float64(-1.0)
    """
    return np.fmod(x, y)


@primitive(np.ldexp, x=lambda g, y: g * np.ldexp(1.0, y))
def ldexp(x: Any, y: Any) -> Any:
    """x times a power of two, y an integer.

    out = x 2^y
    dx  = g 2^y

    >>> ldexp(3.0, 2)
    np.float64(12.0)
    """
    return np.ldexp(x, y)


@primitive(np.real, method=False, val=lambda g: g)
def real(val: Any) -> Any:
    """Real part.

    out  = Re val
    dval = g

    >>> real(1 + 2j)
    1.0
    """
    return np.real(val)


def _imag_val(g: Any, val: Any) -> Any:
    return g * -1j if val.dtype.kind == "c" else np.zeros_like(g)


@primitive(np.imag, method=False, val=_imag_val)
def imag(val: Any) -> Any:
    """Imaginary part.

    out  = Im val
    dval = -i g              (as a cotangent; .grad shows its conjugate, i g)

    >>> imag(1 + 2j)
    2.0
    """
    return np.imag(val)


@composed(np.real_if_close, method=False)
def real_if_close(a: Any, tol: float = 100) -> Any:
    """The real part, where all imaginary parts are (nearly) 0; otherwise a itself.

    Args:
        tol: imaginary parts must be below tol times the rounding error of the dtype; below tol
            itself where that is at most 1.

    >>> real_if_close(np.array([1 + 0j]))
    array([1.])
    """
    return real(a) if np.real_if_close(all_examples(raw(a)), tol).dtype.kind != "c" else a


Tensor.real = property(real, doc="The real part.")  # type: ignore[assignment]
Tensor.imag = property(imag, doc="The imaginary part.")  # type: ignore[assignment]


@primitive(np.conjugate, method="conj", x=lambda g: np.conj(g))
def conjugate(x: Any) -> Any:
    """Complex conjugate.

    out = conj(x)
    dx  = conj(g)

    >>> conjugate(np.array([1 + 2j]))
    array([1.-2.j])
    """
    return np.conjugate(x)


def _angle_z(g: Any, z: Any, deg: bool) -> Any:
    if z.dtype.kind != "c":
        return np.zeros_like(g)
    g = g * (180 / np.pi) if deg else g
    return g * -1j * np.conj(z) / (np.square(np.abs(z)) + (z == 0))


@primitive(np.angle, z=_angle_z)
def angle(z: Any, deg: bool = False) -> Any:
    """Argument of a complex number, in radians or (`deg=True`) degrees.

    out = arg z
    dz  = -i g conj(z) / |z|^2

    >>> angle(1j), angle(1j, deg=True)
    (np.float64(1.5707963267948966), np.float64(90.0))
    """
    return np.angle(z, deg)
