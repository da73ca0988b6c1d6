"""x^y, roots and inverse hyperbolic functions: formulas made of exp and log, at times with more digits."""

from __future__ import annotations

import math
from collections.abc import Callable

from .exponentials import FORMATS, exp_of_sum, exp_reduced, exp_scaled, log, log1p, log_reduced, power_of_two
from .loops import Constant
from .terms import Term, fma, formula, polynomial

__all__ = ["power"]

#: log(1 + f) = 2 s + 2/3 s^3 + s^5 P(s^2) with s = f / (2 + f)
LOG_REST = (
    0.39999999999999997, 0.2857142857143381, 0.22222222219986024, 0.1818181859983034, 0.15384573622983125,
    0.133357278052225, 0.11685842262534944, 0.11903953631857343,
)  # fmt: skip
#: The same with 2 s + s^3 P(s^2), to 40 bits
LOG_SHORT = (0.6666666583294872, 0.4000030203558403, 0.2853906731696133, 0.23553198516280446)
#: A number as a sum of two: the nearest float and what is left over, for twice the digits.
Pair = tuple[Term, Term]


def sum_of(x: Term, y: Term) -> Pair:
    """x + y without loss, for |x| >= |y|."""
    total = x + y
    return total, y - (total - x)


def product_of(x: Term, y: Term) -> Pair:
    """x y without loss, where the machine has a fused multiply-add."""
    product = x * y
    return product, fma(x, y, -product)


def log_pair(x: Term) -> Pair:
    """log(x) for x > 0 to about 64 bits: e ln 2 + 2 s + s^3 (2/3 + ...), the large terms as pairs."""
    e, f = log_reduced(x)
    below, below_rest = sum_of(x.constant(2.0), f)
    s = f / below
    s_rest = (fma(-s, below, f) - s * below_rest) / below
    z, z_rest = product_of(s, s)
    z_rest = fma(s + s, s_rest, z_rest)
    # The factor of s^3: 2/3 as a pair, and the rest of the series.
    series = z * polynomial(z, LOG_REST)
    factor, factor_rest = sum_of(x.constant(2.0 / 3.0), series)
    factor_rest = factor_rest + 3.700743415417188e-17
    cube, cube_rest = product_of(s, z)
    cube_rest = cube_rest + fma(s, z_rest, s_rest * z)
    term, term_rest = product_of(cube, factor)
    term_rest = term_rest + fma(cube, factor_rest, cube_rest * factor)
    ln2 = 6.93147180369123816490e-01, 1.90821492927058781e-10
    large, rest = sum_of(e * ln2[0], s + s)
    zero = e.op("equal", 0.0)  # then 2 s is the larger one
    large, rest = zero.where(s + s, large), zero.where(x.constant(0.0), rest)
    total, more = sum_of(large, term)
    low = (more + rest) + (term_rest + (s_rest + s_rest)) + e * ln2[1]
    return sum_of(total, low)


def power_of_float32(size: Term, y: Term) -> Term:
    """size^y in float64, with polynomials that are exact enough for float32."""
    wide = size.cast("float64")
    e, f = log_reduced(wide, subnormal=False)  # no float32 but 0 is that small
    s = f / (2.0 + f)
    logarithm = fma(e, math.log(2.0), fma(s * (s * s), polynomial(s * s, LOG_SHORT), s + s))
    product = log_at_limits(wide, logarithm) * y.cast("float64")
    n, r = exp_reduced(product.op("maximum", -110.0).op("minimum", 95.0))
    p = fma(r * r, polynomial(r, FORMATS["float32"].exp), r) + 1.0
    return (p * power_of_two(n, "float64")).cast("float32")


def power_of_float64(size: Term, y: Term) -> Term:
    large, rest = log_pair(size)
    large = log_at_limits(size, large)
    product, product_rest = product_of(large, y)
    return exp_of_sum(product, fma(rest, y, product_rest))


def log_at_limits(size: Term, logarithm: Term) -> Term:
    result = size.op("equal", 0.0).where(size.constant(-math.inf), logarithm)
    return (size < math.inf).where(result, size)


@formula("power")
def power(x: Term, y: Term) -> Term:
    """exp(y log(|x|)) with a product of more digits than the result; powers such as x^2 and 1/x are what they say."""
    step = y.code.steps[y.value]
    exponent = step.value if isinstance(step, Constant) else None
    if exponent in SIMPLE:
        return SIMPLE[exponent](x)
    if "pow" in y.code.instructions:
        return NotImplemented
    size = abs(x)
    result = power_of_float32(size, y) if x.dtype == "float32" else power_of_float64(size, y)
    if exponent is not None and math.isfinite(exponent) and exponent != int(exponent):
        return ((x < 0.0) & (size < math.inf)).where(x.constant(math.nan), result)
    return with_sign(x, y, size, result)


def with_sign(x: Term, y: Term, size: Term, result: Term) -> Term:
    """x^y from |x|^y, with what the standard of floats says of 0, 1, infinity, NaN and negative x."""
    whole = y.op("trunc").op("equal", y)
    half = y * 0.5
    odd = whole & half.op("trunc").op("not_equal", half)
    signed = odd.where(result.op("copysign", x), result)
    finite_negative = (x < 0.0) & (size < math.inf)
    signed = (finite_negative & ~whole).where(x.constant(math.nan), signed)
    signed = (size.op("equal", 1.0) & abs(y).op("equal", math.inf)).where(x.constant(1.0), signed)
    return (y.op("equal", 0.0) | x.op("equal", 1.0)).where(x.constant(1.0), signed)


#: Powers that need neither exp nor log, as in NumPy.
SIMPLE: dict[float | None, Callable[[Term], Term]] = {
    0.5: lambda x: x.op("sqrt"),
    1.0: lambda x: x,
    2.0: lambda x: x * x,
    3.0: lambda x: x * x * x,
    4.0: lambda x: (x * x) * (x * x),
    -1.0: lambda x: 1.0 / x,
    -2.0: lambda x: 1.0 / (x * x),
}


@formula("arcsinh")
def arcsinh(x: Term) -> Term:
    """log(|x| + sqrt(x^2 + 1)), arranged so that nothing is lost near 0, and the sign of x."""
    size = abs(x)
    large = size > 1e9
    inside = large.where(x.constant(1.0), size)
    square = inside * inside
    near = log1p(inside + square / (1.0 + (square + 1.0).op("sqrt")))
    return large.where(log(size) + math.log(2.0), near).op("copysign", x)


@formula("arccosh")
def arccosh(x: Term) -> Term:
    """log(x + sqrt(x^2 - 1)), arranged so that nothing is lost near 1."""
    large = x > 1e9
    t = large.where(x.constant(1.0), x) - 1.0
    near = log1p(t + (t * (t + 2.0)).op("sqrt"))
    return (x >= 1.0).where(large.where(log(x) + math.log(2.0), near), math.nan)


@formula("arctanh")
def arctanh(x: Term) -> Term:
    """log((1 + x) / (1 - x)) / 2"""
    size = abs(x)
    return (0.5 * log1p((size + size) / (1.0 - size))).op("copysign", x)


@formula("cbrt")
def cbrt(x: Term) -> Term:
    """exp(log(|x|) / 3), float32 in float64; of float64 one step of Newton's brings the last bits."""
    size = abs(x).cast("float64")
    small = size < 1e-280  # there the step would be lost among numbers that are not normal
    size = small.where(size * 2.0**300, size)
    root = exp_scaled(log(size) * (1.0 / 3.0))
    if x.dtype == "float64":
        square = root * root
        better = root - fma(square, root, -size) / (3.0 * square)
        root = (root > 0.0).where((size < math.inf).where(better, root), root)
    return small.where(root * 2.0**-100, root).cast(x.dtype).op("copysign", x)


@formula("hypot")
def hypot(x: Term, y: Term) -> Term:
    """sqrt(x^2 + y^2) without overflow: the larger times sqrt(1 + (smaller / larger)^2)."""
    width, height = abs(x), abs(y)
    steep = height > width
    small, large = steep.where(width, height), steep.where(height, width)
    ratio = (large > 0.0).where(small / large, 0.0)
    result = large * fma(ratio, ratio, 1.0).op("sqrt")
    infinite = width.op("equal", math.inf) | height.op("equal", math.inf)
    unordered = x.op("isnan") | y.op("isnan")
    return infinite.where(x.constant(math.inf), unordered.where(x + y, result))


@formula("logaddexp")
def logaddexp(x: Term, y: Term) -> Term:
    """log(exp(x) + exp(y)) = the larger + log1p(exp(-|x - y|))"""
    more = log1p(exp_scaled(-abs(x - y)))
    return x.op("maximum", y) + x.op("equal", y).where(x.constant(math.log(2.0)), more)
