"""exp, log and what is made of them, as formulas; at most 3 units in the last place from the true value.

The scheme is always the same: *reduce* the argument to a short interval, where a polynomial serves, and *put
together* the result from the polynomial and what was taken off.  Coefficients are those of the polynomials with
the smallest largest error on the interval, found by Remez's algorithm.  Sums are arranged so that the large
parts are exact, hence constants in two pieces such as ln2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from .terms import Term, fma, formula, polynomial

__all__ = [
    "FORMATS",
    "exp_of_sum",
    "exp_reduced",
    "exp_scaled",
    "float_format",
    "log",
    "log1p",
    "log_reduced",
    "power_of_two",
]


@dataclass(frozen=True)
class Format:
    """A type of floats: how its bits are divided, and what depends on that.

    Attributes:
        bits: the integer type that has its bits.
        mantissa: how many bits stand behind the point.
        bias: what is added to the exponent before it is stored.
        magic: 1.5 * 2^mantissa: adding it rounds to an integer, which then stands in the lowest bits.
        ln2: in two pieces, the first so short that its product with any exponent is exact.
        least, most: beyond these exp is 0 and infinite.
        tiny: the least number that is normal.
        exp, expm1: exp(r) = 1 + r + r^2 P(r) for |r| <= ln(2) / 2, and the same with more terms.
    """

    bits: str
    mantissa: int
    bias: int
    magic: float
    ln2: tuple[float, float]
    least: float
    most: float
    tiny: float
    exp: tuple[float, ...]
    expm1: tuple[float, ...]


FORMATS = {
    "float32": Format(
        bits="int32", mantissa=23, bias=127, magic=12582912.0,
        ln2=(0.693359375, -2.12194440e-4), least=-104.0, most=89.0, tiny=1.17549435e-38,
        exp=(0.50000001, 0.166665136, 0.041666187, 0.00836953003, 0.00139517698),
        expm1=(0.5, 0.166666668, 0.0416663428, 0.00833327047, 0.00139420063, 0.000199156951),
    ),
    "float64": Format(
        bits="int64", mantissa=52, bias=1023, magic=6755399441055744.0,
        ln2=(0.693147180369123816490, 1.90821492927058770002e-10), least=-746.0, most=710.0,
        tiny=2.2250738585072014e-308,
        exp=(
            0.5000000000000013, 0.166666666666667, 0.04166666666650973, 0.008333333333307174, 0.0013888888949075446,
            0.00019841269917713776, 2.4801487357835703e-05, 2.755721583565304e-06, 2.7632332903205033e-07,
            2.5118050054646618e-08,
        ),
        expm1=(
            0.5, 0.16666666666666677, 0.041666666666666706, 0.008333333333320689, 0.0013888888888865033,
            0.00019841269888817907, 2.4801587364129897e-05, 2.755724123184013e-06, 2.7557239698016724e-07,
            2.5110157413105147e-08, 2.0925390660570865e-09,
        ),
    ),
}  # fmt: skip

#: log(1 + f) = f - f^2 / 2 + f^3 P(f)
LOG_FLOAT32 = (
    0.333333166, -0.250008022, 0.200023002, -0.166247634, 0.141808997, -0.131269893, 0.128835855, -0.0786595848,
)  # fmt: skip
#: log(1 + f) = 2 s + s^3 P(s^2) with s = f / (2 + f)
LOG_FLOAT64 = (
    0.6666666666666698, 0.39999999999612007, 0.2857142870383582, 0.2222220214290383, 0.18183393977108872,
    0.15318101752053917, 0.14757927753805383,
)  # fmt: skip


def float_format(x: Term) -> Format:
    return FORMATS[x.dtype]


def power_of_two(n: Term, dtype: str) -> Term:
    """2^n for an integer n that is an exponent of normal numbers: it is put where exponents stand."""
    f = FORMATS[dtype]
    return ((n + f.bias) << f.mantissa).view(dtype)


def exp_reduced(x: Term) -> tuple[Term, Term]:
    """x = n ln 2 + r with a whole n (as integers) and |r| <= ln(2) / 2."""
    f = float_format(x)
    shifted = fma(x, math.log2(math.e), f.magic)
    whole = shifted - f.magic
    n = shifted.view(f.bits) - x.constant(f.magic).view(f.bits)
    r = fma(whole, -f.ln2[1], fma(whole, -f.ln2[0], x))
    return n, r


def times_power(y: Term, n: Term) -> Term:
    """y 2^n"""
    return y.op("ldexp", n.cast("int32"))


@formula("ldexp")
def ldexp(y: Term, n: Term) -> Term:
    """y 2^n in two steps, since 2^n itself may be too large or too small where the product is not."""
    n = n.cast(float_format(y).bits)
    half = n >> 1
    return y * power_of_two(half, y.dtype) * power_of_two(n - half, y.dtype)


def exp_scaled(x: Term, exponent: int = 0) -> Term:
    """exp(x) 2^exponent."""
    if "exp" in x.code.instructions:
        return times_power(x.op("exp"), x.constant(exponent, "int32")) if exponent else x.op("exp")
    f = float_format(x)
    n, r = exp_reduced(x.op("maximum", f.least).op("minimum", f.most - exponent))
    p = fma(r * r, polynomial(r, f.exp), r) + 1.0
    return times_power(p, n + exponent if exponent else n)


def exp_of_sum(x: Term, rest: Term) -> Term:
    """exp(x + rest) for a rest that is lost beside x."""
    if "exp" in x.code.instructions:
        result = x.op("exp")
        return (result > 0.0).where(fma(result, rest, result), result)
    f = float_format(x)
    n, r = exp_reduced(x.op("maximum", f.least).op("minimum", f.most))
    r = r + (abs(x) < -f.least).where(rest, 0.0)
    return times_power(fma(r * r, polynomial(r, f.exp), r) + 1.0, n)


@formula("exp")
def exp(x: Term) -> Term:
    """2^n exp(r)"""
    return exp_scaled(x)


@formula("exp2")
def exp2(x: Term) -> Term:
    """2^n exp(r ln 2) with the nearest whole n, which is exact for whole x."""
    f = float_format(x)
    limit = float(f.bias + f.mantissa + 2)
    x = x.op("maximum", -limit).op("minimum", limit)
    shifted = x + f.magic
    r = (x - (shifted - f.magic)) * math.log(2.0)
    n = shifted.view(f.bits) - x.constant(f.magic).view(f.bits)
    return times_power(fma(r * r, polynomial(r, f.exp), r) + 1.0, n)


def expm1_below(x: Term, highest: float) -> Term:
    """exp(x) - 1 where 2^n is a normal number, without its sign of zero: 2^n (exp(r) - 1) + (2^n - 1)."""
    f = float_format(x)
    lowest = -(f.mantissa + 4) * math.log(2.0)  # there the result is -1
    n, r = exp_reduced(x.op("maximum", lowest).op("minimum", highest))
    p = fma(r * r, polynomial(r, f.expm1), r)
    scale = power_of_two(n, x.dtype)
    return fma(p, scale, scale - 1.0)


@formula("expm1")
def expm1(x: Term) -> Term:
    """exp(x) - 1, of which nothing is lost near 0; for large x the 1 does not count."""
    limit = 60.0
    small = expm1_below(x, limit)
    return (x > limit).where(exp_scaled(x), small.op("copysign", x))


def log_reduced(x: Term, subnormal: bool = True) -> tuple[Term, Term]:
    """x = 2^e (1 + f) with sqrt(1/2) <= 1 + f < sqrt(2), for x > 0, if need be a subnormal one; e as floats."""
    form = float_format(x)
    small = x < form.tiny
    scaled = small.where(x * 2.0 ** (form.mantissa + 1), x) if subnormal else x
    half = x.constant(math.sqrt(0.5)).view(form.bits)
    bits = scaled.view(form.bits) - half
    e = (bits >> form.mantissa).cast(x.dtype)
    f = ((bits & ((1 << form.mantissa) - 1)) + half).view(x.dtype) - 1.0
    return (e - small.where(x.constant(form.mantissa + 1.0), 0.0) if subnormal else e), f


def log_of_one_plus(f: Term) -> tuple[Term, Term]:
    """log(1 + f) of a reduced f, as a sum: f, and the rest, which is small beside it."""
    half_square = 0.5 * f * f
    if f.dtype == "float32":
        return f, fma(f * f * f, polynomial(f, LOG_FLOAT32), -half_square)
    s = f / (2.0 + f)
    z = s * s
    return f, s * (half_square + z * polynomial(z, LOG_FLOAT64)) - half_square


def with_limits(x: Term, result: Term) -> Term:
    """The values of a logarithm at 0, at infinity, below 0 and at NaN."""
    result = (x > 0.0).where(result, (x >= 0.0).where(x.constant(-math.inf), math.nan))
    return (x < math.inf).where(result, x + (x < 0.0).where(x.constant(math.nan), 0.0))


@formula("log")
def log(x: Term) -> Term:
    """e ln 2 + log(1 + f)"""
    e, f = log_reduced(x)
    large, small = log_of_one_plus(f)
    ln2 = float_format(x).ln2
    return with_limits(x, fma(e, ln2[0], large + fma(e, ln2[1], small)))


@formula("log2")
def log2(x: Term) -> Term:
    """e + log(1 + f) / ln 2, which is exact for powers of 2."""
    e, f = log_reduced(x)
    large, small = log_of_one_plus(f)
    more = math.log2(math.e) - 1.0  # the product with 1 / ln 2 without rounding large
    return with_limits(x, e + (large + fma(large, more, small * math.log2(math.e))))


@formula("log10")
def log10(x: Term) -> Term:
    """log(x) / ln 10"""
    e, f = log_reduced(x)
    large, small = log_of_one_plus(f)
    first, second = (
        (0.30102539, 4.60503187e-6) if x.dtype == "float32" else (0.301029995663611771306, 3.69423907715893e-13)
    )
    logarithm = fma(large + small, math.log10(math.e), e * second)
    return with_limits(x, fma(e, first, logarithm))


@formula("log1p")
def log1p(x: Term) -> Term:
    """log(u) + (x - (u - 1)) / u with u = 1 + x rounded: the second term is what rounding lost."""
    u = 1.0 + x
    lost = (x - (u - 1.0)) / u
    return (log(u) + lost.op("isfinite").where(lost, 0.0)).op("copysign", x)


@formula("tanh")
def tanh(x: Term) -> Term:
    """-m / (m + 2) with m = exp(-2 |x|) - 1, and the sign of x."""
    m = expm1_below(-2.0 * abs(x), 0.0)
    return (-m / (m + 2.0)).op("copysign", x)


@formula("expit")
def expit(x: Term) -> Term:
    """1 / (1 + exp(-x)), from exp(-|x|), so that nothing overflows and the left tail keeps its digits."""
    small = exp_scaled(-abs(x))
    return (x >= 0.0).where(x.constant(1.0), small) / (1.0 + small)


@formula("sinh")
def sinh(x: Term) -> Term:
    """Of small x a polynomial; else h - 1 / (4 h) with h = exp(|x|) / 2."""
    size, z = abs(x), x * x
    half = exp_scaled(size, exponent=-1)
    if x.dtype == "float32":
        p = polynomial(z, (0.166666665, 0.00833335055, 0.000198360741, 2.8174016e-6))
    else:
        p = polynomial(
            z, (0.16666666666666669, 0.00833333333333314, 0.00019841269841436461, 2.7557319155662783e-06,
                2.5052123353370272e-08, 1.6057243474803343e-10, 7.759226224452289e-13),
        )  # fmt: skip
    return (size > 1.0).where((half - 0.25 / half).op("copysign", x), fma(x * z, p, x))


@formula("cosh")
def cosh(x: Term) -> Term:
    """h + 1 / (4 h) with h = exp(|x|) / 2"""
    half = exp_scaled(abs(x), exponent=-1)
    return half + 0.25 / half
