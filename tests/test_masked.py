"""Behind a mask nothing happens, to any order, in every op; what is not masked is as IEEE 754 has it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import scipy.special

import minigrad as mg
from minigrad import Tensor, grad, hessian, jacobian, jvp, vmap
from minigrad.primitive import registry

from .ops_table import SAMPLES
from .samples import Sample

INF, NAN = np.inf, np.nan
BAD = np.array([NAN, INF, -INF, 0.0, -0.0, -1.0, 1.0, 2.0, -2.5, 1e300, -1e300, 1e-310])

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def _overwritten(y: Any, good: Any, write: Callable[[Any, Any], Any]) -> Any:
    y = y.copy()
    write(y, ~good)
    return y


def _set(y: Any, bad: Any) -> None:
    y[bad] = 0.0


#: Ways to let nothing but the good elements of y through: functions of (y, which are good).
WAYS: dict[str, Callable[[Any, Any], Any]] = {
    "where": lambda y, good: np.where(good, y, 0.0),
    "where the other way": lambda y, good: np.where(~good, 1.0, y),
    "select": lambda y, good: np.select([good], [y], 3.0),
    "choose": lambda y, good: np.choose(good.astype(int), [np.zeros(y.shape), y]),
    "an index of bools": lambda y, good: y[good],
    "an index of integers": lambda y, good: y[np.flatnonzero(good)],
    "take": lambda y, good: np.take(y, np.flatnonzero(good)),
    "compress": lambda y, good: np.compress(good, y),
    "extract": lambda y, good: np.extract(good, y),
    "delete": lambda y, good: np.delete(y, np.flatnonzero(~good)),
    "one by one": lambda y, good: np.stack([y[i] for i in np.flatnonzero(good)]),
    "assignment": lambda y, good: _overwritten(y, good, _set),
    "putmask": lambda y, good: _overwritten(y, good, lambda y, bad: np.putmask(y, bad, 0.0)),
    "copyto": lambda y, good: _overwritten(y, good, lambda y, bad: np.copyto(y, 0.0, where=bad)),
    "sum(where=)": lambda y, good: np.sum(y, where=good),
    "add.reduce(where=)": lambda y, good: np.add.reduce(y, where=good),
    "two masks": lambda y, good: np.where(good, np.where(good, y, 1.0), 0.0),
    "a mask, then a product": lambda y, good: 2.0 * np.where(good, y, 0.0)[:, None] * np.ones(3),
}


def _total(way: Callable[[Any, Any], Any], f: Callable[..., Any], good: Any) -> Callable[..., Any]:
    return lambda *xs: np.sum(way(f(*xs), good))


def _check(way: Callable[[Any, Any], Any], f: Callable[..., Any], bad: list[Any], fine: list[Any], i: int) -> None:
    """The gradient with respect to argument i, and the gradient of its squares, where only `fine` gets through."""
    size = len(bad[0])
    good = np.arange(size + len(fine[0])) >= size
    xs = [np.concatenate(pair) for pair in zip(bad, fine, strict=True)]
    masked, alone = _total(way, f, good), _total(way, f, good[size:])
    squares = [lambda *a, h=h: np.sum(grad(h, i)(*a) ** 2) for h in (masked, alone)]
    for h, own in ((masked, alone), squares):
        got, want = grad(h, i)(*xs), grad(own, i)(*fine)
        assert not np.any(got[:size]), f"{got[:size]} behind the mask for {bad}"
        np.testing.assert_allclose(got[size:], want, rtol=1e-12)


def _of_numbers(name: str, sample: Sample) -> bool:
    real = all(a.dtype == np.float64 and a.size for a in sample.args)
    of_one_shape = any(isinstance(a, np.ndarray) for a in getattr(sample.f, "args", ()))  # fixed beforehand
    return registry[name].op.elementwise and real and not of_one_shape and len({a.shape for a in sample.args}) == 1


ELEMENTWISE = {f"{n}-{k}": s for n, k, s in SAMPLES if n in registry and _of_numbers(n, s)}
del ELEMENTWISE["power-15"]  # whose exponents are an array of one length


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["exp", "sqrt", "log", "power", "square", "multiply", "arcsin", "gammaln", "divide"])
def test_every_mask_hides(way: str, name: str) -> None:
    sample = ELEMENTWISE[f"{name}-0"]
    count = len(sample.args)
    bad = [a.ravel() for a in np.meshgrid(*[BAD] * count)] if count > 1 else [BAD]
    for i in range(count):
        _check(WAYS[way], sample.f, bad, [a.ravel() for a in sample.args], i)


@pytest.mark.parametrize("case", ELEMENTWISE)
def test_every_function_of_numbers_is_hidden(case: str) -> None:
    sample = ELEMENTWISE[case]
    count = len(sample.args)
    values = BAD if count < 3 else BAD[:5]
    if registry[case.rpartition("-")[0]].op.ufunc is None:
        values = values[~(np.abs(values) > 1e10)]  # of which some of SciPy's series do not end
    bad = [a.ravel() for a in np.meshgrid(*[values] * count)] if count > 1 else [values]
    for i in range(count):
        f, first, parts = sample.f, sample.args, sample.f(*sample.args)
        for part in range(len(parts)) if isinstance(parts, (tuple, list)) else [None]:
            one = f if part is None else lambda *xs, f=f, part=part: f(*xs)[part]
            _check(WAYS["where"], one, bad, [a.ravel() for a in first], i)


@pytest.mark.parametrize(
    "reduce",
    [
        np.nansum, np.nanmean, np.nanmax, np.nanmin, np.nanprod, np.nanvar, np.nanstd, np.nanmedian,
        partial(np.nanquantile, q=0.3), lambda y: np.nancumsum(y)[-1], lambda y: np.nan_to_num(y).sum(),
        lambda y: np.sum(np.where(np.isnan(y), 0.0, y)), lambda y: np.fmax.reduce(y),
    ],
)  # fmt: skip
def test_reductions_that_leave_nan_out_hide_it(reduce: Callable[..., Any]) -> None:
    x, fine = np.array([-1.0, 1.0, 4.0, -4.0, 9.0]), np.array([1.0, 4.0, 9.0])
    f = lambda x: reduce(np.sqrt(x))
    for h in (grad(f), grad(lambda x: np.sum(grad(f)(x) ** 2))):
        got, want = h(x), h(fine)
        np.testing.assert_allclose(got[[1, 2, 4]], want)
        assert not np.any(got[[0, 3]])


def test_only_functions_of_numbers_are_taken_for_such() -> None:
    names = [n for n in mg.registered() if n.startswith("scipy.special.")]
    ops = [(n, mg.registered()[n].op) for n in names if hasattr(mg.registered()[n], "op")]
    wrong = [n for n, op in ops if op.elementwise and not isinstance(getattr(scipy.special, n.split(".")[2]), np.ufunc)]
    assert len(ops) > 80
    assert wrong == ["scipy.special.zeta"]  # a function around two ufuncs


def test_a_deep_graph_above_is_looked_at_once() -> None:
    def residuals(x: Any) -> Any:
        u = np.sqrt(x)
        for _ in range(60):
            u = u - np.mean(u, axis=1, keepdims=True)
        return np.sum(np.where(ROWS[:, None], u, 0.0))

    x = np.abs(M)
    x[0] = 0.0
    assert not np.any(grad(residuals)(x)[0])


@pytest.mark.parametrize("depth", [3, 3000])
def test_zeros_are_told_apart_however_deep_the_graph_is(depth: int) -> None:
    def f(x: Any) -> Any:
        y = np.sqrt(x)
        for _ in range(depth):
            y = np.reshape(y, -1)
        return np.sum(np.where(np.array([True, False]), y * 0.0, 0.0))

    np.testing.assert_array_equal(grad(f)(np.zeros(2)), [NAN, 0.0])


def _filled(a: np.ndarray, value: float) -> Any:
    return np.full_like(a, value) if a.dtype.kind in "fc" else a


FLOATING = {f"{n}-{k}": s for n, k, s in SAMPLES if all(a.dtype.kind in "fcbiu" for a in s.args)}


@pytest.mark.parametrize("case", FLOATING)
def test_an_op_whose_whole_result_is_masked_gets_no_gradient(case: str) -> None:
    sample = FLOATING[case]
    for value in (NAN, INF, 0.0):
        xs = [Tensor(_filled(a, value), requires_grad=a.dtype.kind in "fc") for a in sample.args]
        try:
            with np.errstate(all="ignore"):
                ys = sample.f(*xs)
        except (ValueError, np.linalg.LinAlgError, FloatingPointError, ZeroDivisionError, RuntimeError):
            continue  # what has no value has no gradient to hide
        ys = [y for y in (ys if isinstance(ys, (tuple, list)) else [ys]) if isinstance(y, Tensor) and y.requires_grad]
        if not ys:
            continue
        loss = sum(np.sum(np.abs(np.where(False, y, 0.0))) for y in ys)
        try:
            loss.backward()
        except np.linalg.LinAlgError:
            continue  # a derivative that does not exist is refused
        for x in xs:
            if x.grad is not None:
                assert not np.any(x.grad.numpy()), f"{x.grad} for {value}"


ROWS = np.array([False, True, True])
M = np.array([[NAN, INF, 1.0], [1.0, 2.0, 3.0], [-1.0, 0.5, 2.0]])


PRODUCTS: list[Callable[..., Any]] = [
    lambda x, w: x @ w,
    lambda x, w: np.dot(x, w),
    lambda x, w: np.einsum("ij,jk->ik", x, w),
    lambda x, w: np.tensordot(x, w, 1),
    lambda x, w: np.sum(x[:, :, None] * w, axis=1),
    lambda x, w: np.exp(x @ w),
    lambda x, w: np.inner(x, w.T),
]


@pytest.mark.parametrize("f", PRODUCTS)
def test_rows_of_a_product_that_are_masked_do_not_count(f: Callable[..., Any]) -> None:
    w = np.array([[1.0, -1.0], [0.5, 2.0], [1.5, 0.3]])
    loss = lambda x, w: np.sum(np.where(ROWS[:, None], f(x, w), 0.0) ** 2)
    for i in (0, 1):
        got, want = grad(loss, i)(M, w), grad(lambda x, w: np.sum(f(x, w) ** 2), i)(M[ROWS], w)
        np.testing.assert_allclose(got[ROWS] if i == 0 else got, want)
        assert i or not np.any(got[~ROWS])
    second = grad(lambda w: np.sum(grad(loss, 1)(M, w) ** 2))(w)
    np.testing.assert_allclose(second, grad(lambda w: np.sum(grad(lambda w: np.sum(f(M[ROWS], w) ** 2))(w) ** 2))(w))


BAD_ROWS = [[NAN, INF, 1.0], [0.0, 0.0, 0.0], [-INF, -INF, -INF], [1e300, 1e300, -1e300]]
OF_ROWS: list[Callable[..., Any]] = [
    *(partial(g, axis=-1) for g in (np.std, np.var, np.prod, np.max, np.min, np.mean, np.linalg.norm, np.ptp, np.median)),
    *(partial(g, axis=-1) for g in (mg.logsumexp, mg.softmax, mg.log_softmax, np.cumprod, np.sort)),
    lambda x: x / np.linalg.norm(x, axis=-1, keepdims=True),
    lambda x: np.sqrt(np.sum(x * x, axis=-1)),
    lambda x: np.arctan2(x[:, 0], x[:, 1]),
    lambda x: np.cross(x, x[:, ::-1]),
]


@pytest.mark.parametrize("bad", BAD_ROWS)
@pytest.mark.parametrize("f", OF_ROWS)
def test_rows_of_a_reduction_that_are_masked_do_not_count(f: Callable[..., Any], bad: list[float]) -> None:
    x = np.array([bad, *M[ROWS]])
    y = f(x)
    rows = ROWS.reshape(-1, *(1,) * (y.ndim - 1))
    weights = np.arange(1.0, 1 + y[ROWS].size).reshape(y[ROWS].shape)
    all_weights = np.concatenate([np.ones((1, *y.shape[1:])), weights])
    masked = lambda x: np.sum(np.where(rows, f(x), 0.0) * all_weights)
    alone = lambda x: np.sum(f(x) * weights)
    for h, own in ((masked, alone), *[tuple(lambda x, k=k: np.sum(grad(k)(x) ** 2) for k in (masked, alone))]):
        got = grad(h)(x)
        assert not np.any(got[0]), got
        np.testing.assert_allclose(got[1:], grad(own)(x[1:]), rtol=1e-10)


def test_an_infinite_gradient_does_not_pass_a_mask() -> None:
    x = np.array([-1.0, 2.0])
    for f in (mg.relu, lambda x: np.maximum(x, 0.0), lambda x: np.clip(x, 0.0, None), lambda x: np.fmax(x, 0.0)):
        np.testing.assert_array_equal(grad(lambda x, f=f: np.sum(np.log(f(x))))(x), [0.0, 0.5])
    rows = np.array([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.log(np.max(x, axis=1) - 2.0)))(rows), [[0, INF], [0, 0.5]])


def test_zeros_that_are_no_mask_are_what_ieee_754_says() -> None:
    x = np.array([1000.0, 1000.0])
    assert np.isnan(grad(lambda x: np.sum(0 * np.exp(x)))(x)).all()
    got = grad(lambda x: np.sum(np.where(np.array([True, False]), 0 * np.exp(x), np.exp(-x))))(x)
    assert np.isnan(got[0])
    assert got[1] == 0
    assert np.isnan(grad(lambda x: (0 * np.exp(x))[0])(x))[0]
    assert np.isinf(grad(np.sqrt)(0.0))
    assert np.isnan(grad(np.sqrt)(-1.0))
    assert np.isinf(grad(lambda x: np.where(x >= 0, np.sqrt(x), 0.0))(0.0))


def test_the_order_in_which_branches_were_written_does_not_matter() -> None:
    for f in (lambda x: 0 * np.exp(x) + mg.relu(x), lambda x: mg.relu(x) + 0 * np.exp(x)):
        assert np.isnan(grad(f)(1000.0))


def test_rows_of_a_jacobian_do_not_meet() -> None:
    x = np.array([0.0, 1.0])
    np.testing.assert_array_equal(jacobian(np.sqrt)(x), [[INF, 0.0], [0.0, 0.5]])
    got = jacobian(lambda x: 0 * np.exp(x))(np.array([1000.0, 0.0]))
    np.testing.assert_array_equal(got, [[NAN, 0.0], [0.0, 0.0]])


def test_push_forwards_vmap_and_hessians_are_hidden_too() -> None:
    f = lambda x: np.where(x > 0, x * np.log(x), 0.0)
    x = np.array([0.0, 1.0, -1.0])
    np.testing.assert_array_equal(jvp(f, (x,), (np.ones(3),))[1], [0.0, 1.0, 0.0])
    np.testing.assert_array_equal(vmap(grad(f))(x), [0.0, 1.0, 0.0])
    np.testing.assert_array_equal(hessian(lambda x: np.sum(f(x)))(x), np.diag([0.0, 1.0, 0.0]))
    assert np.isinf(jvp(lambda x: np.where(x >= 0, np.sqrt(x), 0.0), (0.0,), (1.0,))[1])


def test_checkpointed_functions_are_hidden_too() -> None:
    f = mg.checkpoint(lambda x: np.sqrt(x) * np.exp(x))
    x = Tensor(np.array([-1.0, 1000.0, 1.0]), requires_grad=True)
    np.where(np.array([False, False, True]), f(x), 0.0).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [0.0, 0.0, 1.5 * np.e])


def test_a_third_derivative_is_hidden() -> None:
    f = lambda x: np.where(x > 0, x**2.5, 0.0)
    assert grad(grad(grad(f)))(0.0) == 0
    np.testing.assert_allclose(grad(grad(grad(f)))(4.0), 2.5 * 1.5 * 0.5 / 2)


def test_detect_anomaly_sees_what_was_mended() -> None:
    x = Tensor(np.array([-1.0, 1.0]), requires_grad=True)
    with mg.detect_anomaly(), pytest.raises(FloatingPointError, match="sqrt"):
        np.where(np.array([False, True]), np.sqrt(x), 0.0).sum().backward()
    with np.errstate(all="ignore"):
        y = np.where(np.array([False, True]), np.sqrt(x), 0.0).sum()
    with mg.detect_anomaly(), pytest.raises(FloatingPointError, match="sqrt: the backward pass"):
        y.backward()


def test_an_op_of_ones_own_is_hidden() -> None:
    @mg.primitive(x=lambda g, x: g / x, method=False)
    def own_log(x: Any) -> Any:
        """out = log(x);  dx = g / x"""
        return np.log(x)

    @mg.primitive(x=lambda g, keep: g * keep, method=False, masks=True)
    def own_mask(x: Any, keep: Any) -> Any:
        """out = x where keep holds, else 0;  dx = g where keep holds"""
        return np.where(keep, x, 0.0)

    x = np.array([0.0, 2.0])
    np.testing.assert_array_equal(grad(lambda x: own_mask(own_log(x), x > 0).sum())(x), [0.0, 0.5])


def test_zeros_below_an_open_mask_are_what_ieee_754_says() -> None:
    zero = np.zeros(2)
    functions = [
        lambda x: np.sqrt(x) @ np.sqrt(x),
        lambda x: np.exp(mg.logsumexp(np.log(x))),
        lambda x: np.sum((np.sqrt(x) ** 2)[None] @ np.ones((2, 1))),
        lambda x: np.einsum("i,i->", np.sqrt(x), np.sqrt(x)),
    ]
    for f in functions:
        for mask in (lambda y: np.maximum(y, -1.0), lambda y: np.where(True, y, 0.0), lambda y: y[None][0]):
            np.testing.assert_array_equal(grad(lambda x, f=f, mask=mask: mask(f(x)))(zero), grad(f)(zero))
    assert np.isnan(hessian(lambda x: np.maximum(np.linalg.norm(x) ** 2, 0.0))(zero)).all()
    assert np.isnan(np.diag(hessian(lambda x: np.where(True, np.abs(x * (1 + 2j)) ** 2, 0.0).sum())(zero))).all()


def test_slopes_that_overflow_behind_a_mask_have_no_slope() -> None:
    x = np.array([2.0, 1e-25], np.float32)
    f = lambda x: np.sum(mg.relu(np.log(x)))
    np.testing.assert_array_equal(jvp(grad(f), (x,), (np.ones_like(x),))[1], [-0.25, 0.0])
    g = lambda x: np.sum(np.where(x > 1e-10, 1 / x, 0.0))
    np.testing.assert_array_equal(hessian(g)(np.array([1.0, 1e-20], np.float32)), np.diag([2.0, 0.0]))


def test_a_product_of_infinities_behind_a_mask() -> None:
    f = lambda t: np.sum(np.where([True, False], np.prod(np.exp(t), axis=0), 0.0))
    np.testing.assert_allclose(grad(f)(np.array([[1.0, 1000.0], [1.0, 1000.0]])), [[np.e**2, 0.0]] * 2)


OF_MATRICES: list[Callable[..., Any]] = [
    np.linalg.det,
    lambda a: np.linalg.slogdet(a)[1],
    lambda a: np.linalg.qr(a)[0],
    lambda a: np.linalg.qr(a)[1],
    lambda a: np.linalg.qr(a, "complete")[1],
    lambda a: mg.scipy.linalg.lu(a)[1],
    lambda a: mg.scipy.linalg.lu(a)[2],
    lambda a: np.linalg.solve(a, np.ones_like(a, shape=(2, 1))),
    np.linalg.inv,
]
HIDDEN = [[[NAN] * 2] * 2, [[INF] * 2] * 2, [[0.0] * 2] * 2, [[1.0] * 2] * 2, [[1.0, 0.0], [0.0, 0.0]]]


@pytest.mark.parametrize("f", OF_MATRICES)
@pytest.mark.parametrize("hidden", HIDDEN)
def test_a_masked_matrix_without_an_inverse_says_nothing_of_the_others(f: Callable[..., Any], hidden: Any) -> None:
    good = np.array([[2.0, 1.0], [0.5, 3.0]])
    stack = np.stack([good, hidden])
    try:
        shape = np.shape(f(stack))
    except (np.linalg.LinAlgError, ValueError):
        return  # what has no value has no gradient to hide
    seen = np.array([True, False]).reshape(2, *[1] * (len(shape) - 1))
    found = grad(lambda a: np.sum(np.where(seen, f(a), 0.0)))(stack)
    np.testing.assert_allclose(found[0], grad(lambda a: np.sum(f(a)))(good), rtol=1e-12)
    np.testing.assert_array_equal(found[1], 0.0)


def test_no_determinant_of_a_stack_has_a_slope_where_it_is_nan() -> None:
    found = grad(lambda a: np.sum(np.linalg.det(a)))(np.stack([np.ones((2, 2)), np.full((2, 2), NAN)]))
    np.testing.assert_allclose(found[0], [[1.0, -1.0], [-1.0, 1.0]])
    assert np.isnan(found[1]).all()


def test_a_gradient_that_comes_by_another_way_too_is_not_hidden() -> None:
    good = np.array([False, True])
    first = lambda y: np.sum(np.where(good, y, 0.0)) + np.sum(y)
    second = lambda y: np.sum(y) + np.sum(np.where(good, y, 0.0))
    x = np.array([0.0, 4.0])
    for f in (first, second):
        np.testing.assert_array_equal(grad(lambda x, f=f: f(np.sqrt(x)))(x), [INF, 0.5])
        np.testing.assert_array_equal(np.diag(hessian(lambda x, f=f: f(x**1.5))(x)), [INF, 0.75])
