"""NumPy's answer or an error: axes out of range, types, NaN, infinity and integer powers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor, grad, gradcheck, logsumexp

inf, nan = np.inf, np.nan
X = np.array([[2.0, -1.0, 0.5], [3.0, 4.0, -2.5]])
MASK = np.array([[True, False, True], [True, True, False]])
N = np.array([7, -3, 120], np.int8)
V = np.array([0.5, -1.0, 2.0, 3.5])
SINGLE = V.astype(np.float32)
HOLED = np.array([1.0, nan, 3.0, 4.0])

#: Calls that NumPy refuses.
WRONG: list[Callable[[Any], Any]] = [
    lambda x: np.sum(x, axis=5),
    lambda x: np.sum(x, axis=5, where=True),
    lambda x: np.sum(x, axis=(0, 0)),
    lambda x: np.sum(x[:1, :1], where=np.array([True, False, True])),
    lambda x: np.max(x, where=MASK),
    lambda x: np.max(x[:0]),
    lambda x: np.add.reduce(x, axis=5),
    lambda x: np.subtract.reduce(x, axis=5),
    lambda x: np.subtract.reduce(x, axis=None),
    lambda x: np.divide.reduce(x, axis=(0, 1)),
    lambda x: np.power.reduce(x, where=MASK),
    lambda x: np.hypot.reduce(x, where=MASK[:, :2]),
    lambda x: np.subtract.reduce(x[:0]),
    lambda x: np.subtract.reduce(x, initial=1j),
    lambda x: np.ldexp.reduce(x),
    lambda x: np.arctan2.accumulate(x[0, 0]),
    lambda x: np.add.accumulate(x, axis=2),
    lambda x: np.add.reduceat(x[0], [-1]),
    lambda x: np.add.reduceat(x[0], [0, 3]),
    lambda x: np.subtract.reduceat(x, [0], axis=2),
    lambda x: np.var(x, ddof=1, correction=1),
    lambda x: np.nanvar(x, ddof=1, correction=1),
    lambda x: np.nanmean(x, dtype=int),
    lambda x: np.median(x, axis=5),
    lambda x: np.nanmedian(x, axis=-3),
    lambda x: np.quantile(x, 0.5, axis=(0, 0)),
    lambda x: np.quantile(x, 1.5),
    lambda x: np.quantile(x, np.nan),
    lambda x: np.percentile(x, -1),
    lambda x: np.quantile(x, 0.5, method="middle"),
    lambda x: np.quantile(x, 0.5, weights=np.abs(x)),
    lambda x: np.quantile(x, 0.5, weights=-np.abs(x), method="inverted_cdf"),
    lambda x: np.quantile(x, 0.5, weights=np.ones(2), method="inverted_cdf"),
    lambda x: np.quantile(x[:, :0], 0.5, axis=1),
    lambda x: np.quantile(x * 1j, 0.5),
    lambda x: np.average(x, weights=np.ones(3)),
    lambda x: np.average(x, axis=0, weights=np.ones(3)),
    lambda x: np.average(x, weights=np.zeros((2, 3))),
    lambda x: np.cov(x, ddof=0.5),
    lambda x: np.cov(x, dtype=int),
    lambda x: np.cov(x, fweights=[1, 2]),
    lambda x: np.cov(x, fweights=[1.5, 2, 1]),
    lambda x: np.cov(x, aweights=[-1, 2, 1]),
    lambda x: np.cov(x[None]),
    lambda x: np.sort(x, axis=2),
    lambda x: np.sort(x[0, 0]),
    lambda x: np.sort(x, kind="fastest"),
    lambda x: np.sort(x, kind="stable", stable=True),
    lambda x: np.cumsum(x, axis=2),
    lambda x: np.fft.fft(x, axis=2),
    lambda x: np.fft.fft(x, norm="none"),
    lambda x: np.fft.hfft(x, norm="none"),
    lambda x: np.fft.fftn(x, s=(2, 2), axes=(0,)),
    lambda x: np.fft.fftshift(x, axes=2),
    lambda x: np.polyder(x[0], -1),
    lambda x: np.polyint(x[0], -1),
    lambda x: np.polyint(x[0], 3, k=[1.0, 2.0]),
    lambda x: np.polyfit(x[0], x[1], -1),
    lambda x: np.polyfit(x[0], x[1][:2], 1),
    lambda x: np.polyfit(x[0], x[1], 2, cov=True),
    lambda x: np.vander(x),
    lambda x: np.vander(x[0], -1),
    lambda x: np.matvec(x[0], x[0]),
    lambda x: np.matvec(x, 2.0),
    lambda x: np.vecmat(x[0], x[0]),
    lambda x: np.vecmat(x[0, 0], x),
    *(lambda x, p=p: np.linalg.cond(x[:0], p) for p in (None, 2, "fro", "nuc", inf)),
    lambda x: np.linalg.cond(np.outer(x[0], x[0]), "x"),
    lambda x: np.linalg.cond(np.outer(x[0], 0 * x[0]), "nuc"),
    lambda x: np.linalg.norm(x[:0], -inf),
    lambda x: np.ediff1d(x > 0),
    lambda x: np.gradient(x > 0),
    lambda x: np.polysub(x[0] > 0, x[0] > 0),
    lambda x: np.fill_diagonal(x.astype(int), nan),
    lambda x: np.fill_diagonal(x, 1j),
    lambda x: np.place(x > 0, MASK, np.array([0.5])),
    lambda x: np.putmask(x > 0, MASK, np.array(0.5)),
    lambda x: np.place(x.astype(np.float32), MASK, x),
    lambda x: np.put(x.astype(np.uint8), 0, 300),
    lambda x: np.putmask(x.astype(int), MASK, [nan]),
    lambda x: np.put_along_axis(x, np.array([[0]]), [[1j]], 1),
    lambda x: np.copyto(x.astype(int), 0.5),
    lambda x: np.copyto(x, 1j),
    lambda x: np.copyto(x.astype(np.uint8), 300),
    lambda x: np.roots(x),
    lambda x: np.poly(x),
    lambda x: np.bincount(np.array([0, 1]), weights=x[0]),
]


@pytest.mark.parametrize("i", range(len(WRONG)))
def test_what_numpy_refuses_is_refused(i: int) -> None:
    with pytest.raises(Exception) as theirs:
        WRONG[i](X)
    kinds = (TypeError, ValueError, IndexError, ArithmeticError, RuntimeError)
    assert isinstance(theirs.value, kinds)
    with pytest.raises(kinds):
        WRONG[i](Tensor(X))


REDUCTIONS = [
    np.sum, np.prod, np.max, np.mean, np.var, np.nansum, np.nanmax, np.nanmean, np.nanvar,
    np.median, np.nanmedian, np.average, np.cumsum, np.sort, np.any,
]  # fmt: skip
OF_COMPLEX = [np.nansum, np.nanmean, np.nanvar, np.nanstd, np.nanprod, np.median]
EVEN, UNEVEN = np.array([0.0, 2.0, 4.0, 6.0]), np.array([0.0, 1.0, 2.0, 4.0])
#: Small types, whose products with numbers NumPy takes in larger ones.
SMALL = [np.array([1, 0, 1], d) for d in ("f2", "f4", "u1", "i2", "?", "F")]
SINGULAR = np.stack([np.eye(2), np.zeros((2, 2)), np.full((2, 2), nan), [[1.0, 2.0], [3.0, 4.0]]])
#: Orders of matrix norms, and the shapes without elements that have one.
EMPTY: dict[Any, list[tuple[int, int]]] = {
    1: [(2, 0), (0, 0)], 2: [(2, 0), (0, 2)], inf: [(0, 2), (0, 0)], "fro": [(0, 2)], "nuc": [(2, 0)],
}  # fmt: skip


def _written(x: Any, value: Any, write: Callable[..., Any]) -> Any:
    x = x.copy()
    write(x, value)
    return x


WRITERS: list[Callable[..., Any]] = [
    np.fill_diagonal, lambda x, v: np.put(x, [1, 2], v), lambda x, v: np.putmask(x, np.eye(2) == 1, v),
    lambda x, v: np.place(x, np.eye(2) == 1, v),
    lambda x, v: np.put_along_axis(x, np.array([[0], [1]]), v, 1),
]  # fmt: skip
KEPT = np.array([True, False, True, True])
RUNNING = [np.maximum, np.minimum, np.fmax, np.add]
FOLDED = [
    np.subtract, np.divide, np.remainder, np.maximum, np.add, np.multiply, np.logical_and, np.logical_xor, np.hypot,
]  # fmt: skip
OF_INFINITY = [np.median, np.nanmedian, np.nansum, np.nanmax, np.nanmin, np.nanmean]

#: Types of integers, booleans, single and half precision, and what NaN and infinity do.
CORNERS: list[tuple[Callable[[Any], Any], np.ndarray]] = [
    *((f, x) for f in REDUCTIONS for x in (N, N.astype(np.uint16), N > 0, SINGLE, V.astype(np.float16))),
    *((f, HOLED * (1 + 2j)) for f in OF_COMPLEX),
    *((f, x) for f in OF_INFINITY for x in (HOLED, np.array([inf, inf, 1.0]), np.array([1.0, 2.0, inf]))),
    *(
        (lambda x, q=q, m=m: np.quantile(x, q, method=m), x)
        for q in (0, 1, 0.3, [0, 1], np.float32(0.3))
        for m in ("linear", "lower", "weibull")
        for x in (N, SINGLE, HOLED)
    ),
    (lambda x: np.sum(x, initial=0), np.arange(120, dtype=np.int8)),
    (lambda x: np.max(x, initial=1), np.array([-1, -2])),
    (np.nansum, np.array([2**53 + 1])),
    *((f, N) for f in (np.sort_complex, np.ptp, np.polyint, np.polyder, np.poly, np.vander)),
    (lambda x: np.polyadd(x, x[:2]), N),
    *(
        (lambda f, a=a: np.gradient(f, *a[0], edge_order=a[1]), x)
        for a in (((), 1), ((), 2), ((0.5,), 1), ((0.0,), 1), ((EVEN,), 2), ((UNEVEN,), 1), ((UNEVEN,), 2))
        for x in (HOLED, HOLED[::-1], np.array([1.0, inf, 3.0, 2.0]), np.array([inf, 1, 2, -inf]))
    ),
    (lambda f: np.gradient(f, EVEN[:3], axis=1), np.array([[1.0, nan, 3.0], [4.0, 7.0, 2.0]])),
    *(
        (lambda fp: np.interp(np.linspace(-1, 5, 25), UNEVEN, fp), x)
        for x in (HOLED, np.array([1.0, inf, inf, 2.0]), np.array([-inf, 1.0, inf, nan]))
    ),
    *(
        (lambda x, v=v, write=write: _written(x, v, write), np.zeros((2, 2), d))
        for v in (0.7, [0.7], 3, np.float64(0.7), True)
        for write in WRITERS
        for d in (int, bool, np.uint8, np.float32)
    ),
    *((lambda x, w=w: _written(x, np.int8([3]), w), np.zeros((2, 2), "f4")) for w in WRITERS),
    (lambda x: _written(x, 200, np.copyto), np.zeros(2, np.uint8)),
    (lambda x: np.polysub(x, np.uint8([2, 3])), np.int8([1])),
    (lambda x: np.cov(x, V[:3]), X[:0]),
    (lambda x: np.corrcoef(x, dtype=np.float32), X[:0]),
    *((lambda x: np.vdot(x, x), x) for x in SMALL),
    *((lambda x: np.vecmat(x, np.outer(x, x)), x) for x in SMALL),
    (lambda x: np.linalg.lstsq(x, V[:2])[3], X.astype(np.float32)),
    *((lambda x, f=f, n=n: f(x, n), x) for f in (np.dot, np.inner) for n in (2, 2.0) for x in SMALL),
    *((lambda x, f=f: f(2, x), x) for f in (np.dot, np.inner) for x in SMALL),
    *((lambda x: np.vecdot(x, x), x) for x in SMALL),
    *((lambda x: np.interp(0.5, [0, 1, 2], x), x) for x in SMALL),
    *((lambda x, i=i: np.linalg.svd(x, hermitian=True)[i], -np.eye(2, dtype=d)) for i in range(3) for d in "fF"),
    (lambda x: np.linalg.lstsq(x, np.ones(2))[2], X),
    *((lambda x, f=f: f(x), x) for f in (np.cov, np.corrcoef) for x in (V[:0], X[:0], X[:, :0], V[:1])),
    *(
        (lambda x, p=p: np.linalg.cond(x, p), x)
        for p in (None, 1, -1, 2, -2, "fro", inf, -inf)
        for x in (np.zeros((3, 3)), np.ones((2, 2)), np.full((2, 2), inf), np.eye(2, dtype="f4"))
    ),
    *((lambda x, p=p: np.linalg.cond(x, p), SINGULAR) for p in (1, -1, "fro", inf, -inf)),
    *(
        (lambda x, f=f, p=p: f(x, ord=p), np.zeros(shape))
        for f in (np.linalg.norm, np.linalg.matrix_norm)
        for p, shapes in EMPTY.items()
        for shape in shapes
    ),
    *((lambda x, p=p: np.linalg.vector_norm(x, ord=p), V[:0]) for p in (0, 1, 2, 3, inf)),
    (lambda x: np.linalg.norm(x, inf, axis=1), np.zeros((2, 0))),
    (np.corrcoef, X),
    (lambda x: np.std(x, axis=()), X),
    *((lambda x, f=f: f.reduce(x, initial=5), x) for f in FOLDED for x in (V, N, V[:1], V[:0])),
    *((lambda x, f=f: f.reduce(x, where=KEPT, initial=100.0), V) for f in FOLDED),
    *((lambda x, f=f: f.reduce(x, where=np.zeros(4, bool), initial=7), V) for f in FOLDED),
    *((f.accumulate, x) for f in FOLDED for x in (V, V[:1], V[:0], N)),
    *((lambda x, f=f: f.reduceat(x, [0, 2, 1, 1]), x) for f in FOLDED for x in (V, N, SINGLE)),
    *((f.reduce, V[:1]) for f in FOLDED),
    *((lambda x, f=f: f.reduce(x, axis=None, keepdims=True), X) for f in FOLDED[-3:]),
    *((lambda x, f=f: f.reduce(x, axis=(1, 0), where=MASK), X) for f in FOLDED[-2:]),
    *((f.accumulate, x) for f in RUNNING for x in (HOLED, HOLED[::-1], HOLED * 1j, X, N)),
    (lambda x: np.minimum.accumulate(x, axis=1), np.array([[1.0, nan, -3.0], [nan, 2.0, inf]])),
    (lambda x: np.subtract.reduce(x, axis=()), X),
    (lambda x: np.subtract.reduce(x), np.array(3.0)),
    (lambda x: np.subtract.reduceat(x, []), V),
    (np.divide.reduce, N[:1]),
    (lambda x: np.maximum.reduce(x, dtype=np.float32), N),
    (lambda x: np.minimum.reduce(x, dtype=np.float32, initial=-4), V),
    (lambda x: np.subtract.outer(x, x, dtype=np.float32), V),
    (lambda x: np.subtract.reduce(x, initial=1.5), N),
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("i", range(len(CORNERS)))
def test_numbers_and_dtypes_at_the_corners(i: int) -> None:
    f, x = CORNERS[i]
    with np.errstate(all="ignore"):
        got, want = np.asarray(f(Tensor(x))), np.asarray(f(x))
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    tolerance = {np.dtype(np.float16): 2e-3, np.dtype(np.float32): 1e-6}.get(want.dtype, 1e-13)
    np.testing.assert_allclose(got, want, rtol=tolerance)


@pytest.mark.parametrize("f", [np.power, np.arctan2])
def test_a_fold_begins_on_the_left(f: np.ufunc) -> None:
    """Not compared with NumPy's own, whose vector loops of these two skip elements (version 2.4)."""
    x = np.array([1.5, -0.5, 2.0])
    for start in (0.7, 3.0):
        want = f(f(f(start, x[0]), x[1]), x[2])
        np.testing.assert_allclose(f.reduce(Tensor(x), initial=start).numpy(), want, rtol=1e-14)
        skipped = f.reduce(Tensor(x), initial=start, where=np.array([True, False, True])).numpy()
        np.testing.assert_allclose(skipped, f(f(start, x[0]), x[2]), rtol=1e-14)


def test_a_start_with_a_gradient_is_refused_by_name() -> None:
    """`initial` of a reduction is an option; a ufunc's own reduce differentiates it."""
    x, start = Tensor(V), Tensor(np.array(2.0), requires_grad=True)
    for f in (np.sum, np.prod, np.max, np.nansum):
        with pytest.raises(TypeError, match="initial"):
            f(x, initial=start)
    np.add.reduce(x, initial=start * 3).backward()
    assert start.grad.item() == 3.0


CORNER_POWERS = np.array([0.0, -0.0, inf, -inf, nan, 1.0, -1.0, 1e-30, -1e30, 3.7, -0.2])


@pytest.mark.parametrize("f", [mg.linspace, mg.logspace, mg.geomspace, mg.arange])
def test_what_is_made_of_arrays_has_numpys_dtype(f: Any) -> None:
    """The default dtype is for Python's numbers, which have none."""
    assert f(1.0, 2.0).dtype == np.float32
    for start in (np.float64(1.0), np.float32(1.0), np.array(1.0), Tensor(np.array(1.0))):
        plain = start.numpy() if isinstance(start, Tensor) else start
        assert f(start, 2.0).dtype == getattr(np, f.__name__)(plain, 2.0).dtype
    assert mg.full(2, np.float64(1.0)).dtype == np.float64


EXPONENTS = [-5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0.5, -1.0, 2.0, 3.0, 1.5]


@pytest.mark.parametrize("n", EXPONENTS)
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "g", "c8", "c16", "i1", "u2", "i8", "?"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::numpy.exceptions.ComplexWarning")
def test_powers_are_numpys(n: float, dtype: str) -> None:
    """Values within rounding, dtypes, NaN, infinity, the sign of zero; errors for integers."""
    x = np.concatenate([CORNER_POWERS, np.random.default_rng(0).normal(size=99)])
    x = (np.nan_to_num(x) if np.dtype(dtype).kind in "iu?" else x).clip(-1e30, 1e30).astype(dtype)
    x = x if np.dtype(dtype).kind != "f" else np.concatenate([x, CORNER_POWERS.astype(dtype)])
    try:
        want = np.power(x, n)
    except (ValueError, OverflowError) as error:
        with pytest.raises(type(error)):
            np.power(Tensor(x), n)
        return
    got = np.power(Tensor(x), n).numpy()
    assert got.dtype == want.dtype
    if want.dtype.kind != "f":
        np.testing.assert_allclose(got, want, rtol=1e-6)
        return
    normal = (np.abs(want) >= np.finfo(want.dtype).tiny) & np.isfinite(want)
    np.testing.assert_allclose(got[normal], want[normal], rtol=6 * np.finfo(want.dtype).eps)
    np.testing.assert_array_equal(got[~np.isfinite(want)], want[~np.isfinite(want)])
    np.testing.assert_array_equal(np.signbit(got)[~np.isnan(want)], np.signbit(want)[~np.isnan(want)])


@pytest.mark.parametrize("n", [*range(-4, 9), 0.5, 1.5])
def test_slope_of_a_power(n: float) -> None:
    x = np.array([0.3, 1.0, 2.5] if n % 1 else [-2.5, -0.3, 1.0, 2.5])
    np.testing.assert_allclose(grad(lambda x: np.sum(x**n))(x), n * np.power(x, n - 1.0), rtol=1e-13)
    second = grad(lambda x: np.sum(grad(lambda x: np.sum(x**n))(x)))(x)
    np.testing.assert_allclose(second, n * (n - 1) * np.power(x, n - 2.0), rtol=1e-13)


def test_a_power_does_not_change_what_it_reads() -> None:
    x = Tensor(np.array([-2.0, 3.0]), requires_grad=True)
    for n in range(-4, 9):
        (x**n).sum().backward()
    assert x.tolist() == [-2.0, 3.0]


def test_logsumexp_of_complex_numbers_has_the_principal_angle() -> None:
    z = np.array([1 + 4j, 2 + 3.5j, 5 + 7.585j])
    want = np.log(np.sum(np.exp(z)))
    np.testing.assert_allclose(logsumexp(Tensor(z)).numpy(), want, rtol=1e-13)
    assert gradcheck(logsumexp, z)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("name", ["convolve", "correlate"])
def test_infinite_elements_do_not_meet_zeros_beyond_the_ends(name: str, mode: str) -> None:
    f: Any = getattr(np, name)
    for a in ([inf, 1.0], [1.0, 2.0, -inf, nan], [1.0, inf, 2.0, 0.5, 3.0]):
        for v in ([1.0, 2.0, 3.0], [-1.0, inf], [nan]):
            a, v = np.array(a), np.array(v)
            expected = f(a, v, mode)
            np.testing.assert_array_equal(f(Tensor(a), v, mode).numpy(), expected)
            np.testing.assert_array_equal(f(a, Tensor(v), mode).numpy(), expected)
            mapped = mg.vmap(lambda x, v=v: f(x, Tensor(v), mode))(Tensor(np.stack([a, a])))
            np.testing.assert_array_equal(mapped.numpy(), [expected, expected])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_products_of_polynomials_with_infinite_coefficients_are_numpys() -> None:
    np.testing.assert_array_equal(np.polymul(Tensor([inf, 1.0]), [1.0, 2.0, 3.0]).numpy(), [inf, inf, inf, 3.0])


@pytest.mark.parametrize("mode", ["constant", "edge", "mean", "linear_ramp", "reflect"])
def test_a_number_has_no_axis_to_pad(mode: Any) -> None:
    x = Tensor(2.5, requires_grad=True)
    padded = np.pad(x, 1, mode)
    assert padded.shape == () and padded.item() == np.pad(np.array(2.5), 1, mode)
    padded.backward()
    assert x.grad == 1
    assert np.pad(Tensor(2.5), (1, 2)).item() == 2.5


@pytest.mark.parametrize(
    "write",
    [
        lambda x: np.put(x, 0, 3.0),
        lambda x: np.put(x, [-1, 0], [1.0, 2.0]),
        lambda x: np.put(x, [5, 0], [1.0, 2.0], mode="wrap"),
        lambda x: np.put_along_axis(x, np.array([0]), 4.0, None),
    ],
)
def test_values_are_put_into_a_number(write: Callable[[Any], None]) -> None:
    x, expected = Tensor(2.5), np.array(2.5, np.float32)
    write(x), write(expected)
    np.testing.assert_array_equal(x.numpy(), expected)


def test_a_default_that_needs_a_gradient_is_kept_or_refused_by_select() -> None:
    condition = [np.array([True, False])]
    assert (grad(lambda x: np.sum(mg.select(condition, [0.0], x)))(np.ones(2)) == [0, 1]).all()
    assert (grad(lambda x: np.sum(np.select([Tensor(condition[0])], [0.0], x)))(np.ones(2)) == [0, 1]).all()
    with pytest.raises(RuntimeError, match="would lose the gradient"):
        np.select(condition, [0.0], Tensor([1.0, 2.0], requires_grad=True))
