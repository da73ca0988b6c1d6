"""erf and erfc as formulas: a polynomial near 0, and exp of a polynomial beyond."""

from __future__ import annotations

from .exponentials import exp_of_sum, exp_scaled
from .terms import Term, fma, formula, polynomial

__all__ = ["erf", "erfc"]

#: erf(x) / x in x^2, for |x| <= 1
NEAR = {
    "float32": (1.12837917, -0.376126271, 0.112836002, -0.0268544449, 0.00518953587, -0.000802084591, 7.88913375e-5),
    "float64": (
        1.1283791670955126, -0.3761263890318375, 0.11283791670954885, -0.026866170645077868, 0.005223977624828328,
        -0.0008548326981418856, 0.00012055331132694367, -1.4925595765667328e-05, 1.6461008371700276e-06,
        -1.6350395095894658e-07, 1.46603211963056e-08, -1.1374927027626257e-09, 5.960637621097438e-11,
    ),
}  # fmt: skip
#: log(1 - erf(x)) in x, beyond: up to 4 (float32) and 6 (float64), where erf is 1
BEYOND = {
    "float32": (-0.000332798947, -1.12712206, -0.638094282, -0.10314736, 0.021856027, -0.00295180744, 0.000186770122),
    "float64": (
        -1.691948541528513e-07, -1.1283774303507867, -0.6366280320102714, -0.10274853104800397,
        0.019080638773449565, 0.0002769361498976024, -0.0017651207860362654, 0.0006378655534531943,
        -4.259240340207011e-05, -7.15650223985477e-05, 4.555177074261439e-05, -1.6689883681287977e-05,
        4.3746419910872156e-06, -8.606218491194398e-07, 1.2732335643312622e-07, -1.3818645095598394e-08,
        1.0414848034084143e-09, -4.876350912620382e-11, 1.0686527548416475e-12,
    ),
}  # fmt: skip


@formula("erf")
def erf(x: Term) -> Term:
    """2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x."""
    size = abs(x)
    end = 4.0 if x.dtype == "float32" else 6.0
    beyond = 1.0 - exp_scaled(polynomial(size.op("minimum", end), BEYOND[x.dtype]))
    return (size > 1.0).where(beyond.op("copysign", x), x * polynomial(x * x, NEAR[x.dtype]))


#: erfc(x) exp(x^2) (1 + 2 x) in t = (x - k) / (x + k), with k = 2 (float32) and 4 (float64), for x from 1/2 to
#: where erfc is 0
TAIL = {
    "float32": (
        1.27697838, -0.0927635614, -0.166030501, 0.164041992, -0.0542168053, -0.0079450882, 0.00868732889,
        0.0009445189, -0.00130817178,
    ),
    "float64": (
        1.2329951186255526, -0.13962111684056172, 0.015379652102612306, 0.06809705425459205, -0.10103906603584054,
        0.09373283500213168, -0.06633036582340888, 0.037167515472126725, -0.016197733920743744,
        0.0050319706007965915, -0.0007577742548103364, -0.00019926027654466858, 0.00015062585008847364,
        -2.4386231883314054e-05, -1.1233348944604425e-05, 5.679772362908328e-06, 3.128982311733422e-07,
        -7.824123244730271e-07, 5.561466928411167e-08, 7.437925009955499e-08, -8.084330687731888e-09,
    ),
}  # fmt: skip


@formula("erfc")
def erfc(x: Term) -> Term:
    """1 - erf(x), of which nothing is lost where erf is almost 1: exp(-x^2) times a polynomial.

    It is within 4 units of the last place; without a fused multiply-add the rounding of x^2 shows in the tail.
    """
    k, end = (2.0, 11.0) if x.dtype == "float32" else (4.0, 28.0)
    size = abs(x).op("minimum", end)
    square = size * size
    small = exp_of_sum(-square, -fma(size, size, -square))
    tail = small * (polynomial((size - k) / (size + k), TAIL[x.dtype]) / fma(size, 2.0, 1.0))
    near = 1.0 - x * polynomial(x * x, NEAR[x.dtype])
    return (abs(x) < 0.5).where(near, (x > 0.0).where(tail, 2.0 - tail))
