"""sin, cos and their inverses as formulas; at most 3 units in the last place from the true value.

The argument is reduced by multiples of pi / 2, of float32 in float64.  That is exact enough up to 2^45 where
the machine has a fused multiply-add (else up to 2^20).  Beyond 2^45, which no angle is, sin, cos and tan are
NaN: better none than a number that is wrong.
"""

from __future__ import annotations

import math

from .terms import Term, fma, formula, polynomial

__all__ = ["arctan", "cos", "sin", "tan"]

#: sin(r) = r + r^3 P(r^2), cos(r) = 1 - r^2 / 2 + r^4 P(r^2), for |r| <= pi / 4
SIN = {
    "float32": (-0.166666543, 0.00833213441, -0.000195111473),
    "float64": (
        -0.1666666666666663, 0.008333333333321438, -0.0001984126982896738, 2.755731338420358e-06,
        -2.5050707837103868e-08, 1.5893777209359792e-10,
    ),
}  # fmt: skip
COS = {
    "float32": (0.0416666459, -0.00138873168, 2.44322496e-5),
    "float64": (
        0.0416666666666666, -0.0013888888888874593, 2.4801587289556266e-05, -2.7557314325429347e-07,
        2.087571438254523e-09, -1.1358964521567003e-11,
    ),
}  # fmt: skip
#: pi / 2 in pieces of 33 bits: a product with a whole number below 2^20 is exact, and one subtracted by a fused
#: multiply-add always
HALF_PI = (
    1.57079632673412561417e00,
    6.07710050630396597660e-11,
    2.02226624871116645580e-21,
    8.47842766036889956997e-32,
)
FARTHEST = 2.0**45
#: arctan(x) = x + x^3 P(x^2) for |x| <= tan(pi / 8)
ARCTAN = {
    "float32": (-0.333333163, 0.199985236, -0.142443343, 0.105987896, -0.0608901553),
    "float64": (
        -0.3333333333333323, 0.1999999999996098, -0.14285714280804762, 0.1111111080926093, -0.09090898402741754,
        0.07692070358352938, -0.06663207226784615, 0.05848567245589489, -0.05042082643025777, 0.03812910483685791,
        -0.0179721393598404,
    ),
}  # fmt: skip
#: arcsin(x) = x + x^3 P(x^2) for |x| <= 1/2
ARCSIN = {
    "float32": (0.166667509, 0.0749533451, 0.0454674999, 0.0241882012, 0.0421580752),
    "float64": (
        0.16666666666665647, 0.0750000000029612, 0.04464285685476863, 0.030381958243815572, 0.022371776121171052,
        0.017359469918306326, 0.013887266299339082, 0.012157393801454135, 0.006573720882608038,
        0.019415318772582058, -0.016063290915849744, 0.03181151498988835,
    ),
}  # fmt: skip
PI_2, PI_4 = math.pi / 2, math.pi / 4
#: What the nearest float leaves of pi / 2
PI_2_REST = {"float32": -4.37113900e-8, "float64": 6.123233995736766e-17}


def reduced(x: Term) -> tuple[Term, Term]:
    """x = n pi / 2 + r with |r| <= pi / 4; the last bits of n as integers, and r, in float64."""
    wide = x.cast("float64")
    magic = 6755399441055744.0  # adding it rounds to a whole number, which stands in the lowest bits
    shifted = fma(wide, 2.0 / math.pi, magic)
    n = shifted - magic
    r = wide
    for piece in HALF_PI[: 3 if x.dtype == "float32" else 4]:
        r = fma(n, -piece, r)
    r = (abs(wide) < FARTHEST).where(r, math.nan)
    return shifted.view("int64"), r


def sin_and_cos(r: Term, digits: str) -> tuple[Term, Term]:
    """Of a reduced r, with the polynomials for the digits of a dtype."""
    z = r * r
    return fma(r * z, polynomial(z, SIN[digits]), r), fma(z * z, polynomial(z, COS[digits]), fma(z, -0.5, 1.0))


def turned(n: Term, r: Term, dtype: str) -> Term:
    """sin(n pi / 2 + r): sin or cos of r, and the sign of the quadrant."""
    bits = 32 if dtype == "float32" else 64
    n, r = n.cast(f"int{bits}"), r.cast(dtype)
    sine, cosine = sin_and_cos(r, dtype)
    value = ((n & 1) > 0).where(cosine, sine)
    sign = (n & 2) << (bits - 2)
    return value.view(f"int{bits}").op("bitwise_xor", sign).view(dtype)


@formula("sin")
def sin(x: Term) -> Term:
    """sin(n pi / 2 + r)"""
    n, r = reduced(x)
    return _signed_zero(x, turned(n, r, x.dtype))


def _signed_zero(x: Term, result: Term) -> Term:
    """The result, but a zero as it came: its sign is lost where multiples of pi / 2 are subtracted."""
    return x.op("equal", 0.0).where(x, result)


@formula("cos")
def cos(x: Term) -> Term:
    """sin((n + 1) pi / 2 + r)"""
    n, r = reduced(x)
    return turned(n + 1, r, x.dtype)


@formula("tan")
def tan(x: Term) -> Term:
    """sin / cos, or -cos / sin in odd quadrants; of float32 in float64, or the quotient were worse than both."""
    n, r = reduced(x)
    sine, cosine = sin_and_cos(r, x.dtype)
    odd = (n & 1) > 0
    return _signed_zero(x, (odd.where(-cosine, sine) / odd.where(sine, cosine)).cast(x.dtype))


@formula("arctan")
def arctan(x: Term) -> Term:
    """arctan of |x| moved by pi / 4 or pi / 2 to where the polynomial serves."""
    size = abs(x)
    far, near = size > math.tan(3 * math.pi / 8), size > math.tan(math.pi / 8)
    above = far.where(x.constant(-1.0), near.where(size - 1.0, size))
    below = far.where(size, near.where(size + 1.0, 1.0))
    t = above / below
    z = t * t
    quarters = far.where(x.constant(2.0), near.where(x.constant(1.0), 0.0))
    small = fma(t * z, polynomial(z, ARCTAN[x.dtype]), quarters * (PI_2_REST[x.dtype] / 2))
    return (quarters * PI_4 + (t + small)).op("copysign", x)


def half_arcsin(x: Term) -> tuple[Term, Term]:
    """Whether |x| > 1/2, and arcsin(t) with t = |x|, or there t = sqrt((1 - |x|) / 2)."""
    size = abs(x)
    far = size > 0.5
    z = far.where(0.5 - 0.5 * size, x * x)
    t = far.where(z.op("sqrt"), size)
    return far, fma(t * z, polynomial(z, ARCSIN[x.dtype]), t)


@formula("arcsin")
def arcsin(x: Term) -> Term:
    """A polynomial up to 1/2, beyond pi / 2 - 2 arcsin(t)."""
    far, half = half_arcsin(x)
    return far.where(PI_2 - 2.0 * half, half).op("copysign", x)


@formula("arccos")
def arccos(x: Term) -> Term:
    """pi / 2 - arcsin(x) up to 1/2, beyond 2 arcsin(t), or pi less that."""
    far, half = half_arcsin(x)
    positive = x > 0.0
    beyond = positive.where(2.0 * half, math.pi - 2.0 * half)
    return far.where(beyond, PI_2 - half.op("copysign", x))


@formula("arctan2")
def arctan2(y: Term, x: Term) -> Term:
    """The angle of the point (x, y): that of the smaller over the larger of |x| and |y|, moved to its octant."""
    width, height = abs(x), abs(y)
    steep = height > width
    below, above = steep.where(width, height), steep.where(height, width)
    ratio = below.op("equal", above).where(above.op("equal", 0.0).where(above, 1.0), below / above)
    angle = arctan(ratio + (x.op("isnan") | y.op("isnan")).where(x + y, 0.0))
    angle = steep.where(PI_2 - angle, angle)
    return x.op("signbit").where(math.pi - angle, angle).op("copysign", y)
