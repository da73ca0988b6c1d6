"""vmap: a function of one example run on many gives what a loop gives, and so do all derivatives."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pytest

import minigrad as mg
import minigrad.scipy
import nn
from minigrad import Tensor, grad, hessian, jacobian, kernels, vmap
from minigrad.arrays import fallbacks
from minigrad.arrays.batch import Batch, Level
from minigrad.arrays.fallback import reasons
from minigrad.tensor import raw
from minigrad.trees import flatten

from .ops_table import MORE, ONE_BY_ONE, ROWS
from .samples import Sample
from .scipy_samples import CPU_ONLY

B = 3
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(B, 4)), rng.normal(size=(B, 4))
W = rng.normal(size=(4, 4))


@pytest.fixture(autouse=True)
def _count_anew() -> Iterator[None]:
    fallbacks.clear()
    yield
    fallbacks.clear()


def counted() -> set[str]:
    """What ran for one example after the other, or whose gradient did."""
    return {name.removeprefix("gradient of ") for name in fallbacks}


def arrays(tree: Any) -> list[np.ndarray]:
    return [np.asarray(raw(leaf)) for leaf in flatten(tree)]


def assert_same(got: Any, expected: Any, rtol: float = 1e-9) -> None:
    pairs = list(zip(arrays(got), arrays(expected), strict=True))
    assert pairs
    for a, b in pairs:
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-11)


def looped(f: Callable[..., Any], in_axes: Sequence[Any], *args: Any) -> list[np.ndarray]:
    """What a loop over the examples gives, stacked."""
    rows = [
        arrays(f(*(a if axis is None else np.take(a, b, axis) for a, axis in zip(args, in_axes, strict=True)))) for b in range(B)
    ]
    return [np.stack(column) for column in zip(*rows, strict=True)]


# ----------------------------------------------------------------------- every op of the table


def examples_of(x: Any) -> np.ndarray:
    """Three arrays that an op takes as it takes x: a little smaller, the same integers."""
    x = np.asarray(x)
    return np.stack([x * s for s in (1.0, 0.97, 0.95)] if x.dtype.kind in "fc" else [x] * B)


def choices_of_axes(n: int) -> list[tuple[int | None, ...]]:
    """All arguments with examples, and each alone."""
    alone = [tuple(0 if i == k else None for i in range(n)) for k in range(n)] if n > 1 else []
    return [(0,) * n, *alone]


def to_number(f: Callable[..., Any]) -> Callable[..., Any]:
    """A weighted sum of all that a function returns."""

    def number(*args: Any) -> Any:
        total = 0.0
        for v in flatten(f(*args)):
            if v.dtype.kind in "fc":
                weights = np.linspace(0.5, 1.5, v.size).reshape(v.shape)
                total = total + np.sum((v * np.conj(v)).real * weights + v.real * weights)
        return total

    return number


#: The rows of functions that look at their first argument alone, so that NumPy does not hand over where this is an array;
#: minigrad's functions of the same names do.
FIRST_ARGUMENT = ("pad_modes", "nan_masked")
#: The rows that write in place.
WRITING = ("assign", "update", "options")


def cases(row: str) -> Iterator[tuple[Sample, tuple[Any, ...], tuple[int, ...], list[np.ndarray]]]:
    for sample in (ROWS | MORE)[row]:
        many = [examples_of(a) for a in sample.args]
        for axes in choices_of_axes(len(many)):
            args = [m if axis == 0 else m[0] for m, axis in zip(many, axes, strict=True)]
            yield sample, axes, tuple(i for i, a in enumerate(args) if a.dtype.kind in "fc"), args


@pytest.mark.parametrize("row", ROWS | MORE)
def test_every_op_under_vmap_equals_a_loop(row: str) -> None:
    for sample, axes, _, args in cases(row):
        if row in WRITING and axes[0] is None and refuses_to_share(sample, axes, args):
            continue
        got = vmap(lambda *a, f=sample.f: f(*a), in_axes=axes)(*map(Tensor, args))
        expected = looped(lambda *a, f=sample.f: f(*map(Tensor, a)), axes, *args)
        assert_same(got, expected)
        if None not in axes or (row in WRITING and axes[0] is None):
            continue
        shared_arrays = [
            a if axis is None and (i or row not in FIRST_ARGUMENT) else Tensor(a)
            for i, (a, axis) in enumerate(zip(args, axes, strict=True))
        ]
        got = vmap(lambda *a, f=sample.f: f(*a), in_axes=axes)(*shared_arrays)
        assert_same(got, expected)
    assert counted() <= ONE_BY_ONE.get(row, set())


def refuses_to_share(sample: Sample, axes: tuple[Any, ...], args: Sequence[Any]) -> bool:
    """Whether a sample writes what is different for each into what they share, which is an error."""
    try:
        vmap(lambda *a: sample.f(*a), in_axes=axes)(*map(Tensor, args))
    except TypeError as error:
        return "is the same for all of them" in str(error)
    return False


@pytest.mark.parametrize("row", ROWS | MORE)
def test_the_gradient_of_each_example_of_every_op_equals_a_loop(row: str) -> None:
    for sample, axes, floats, args in cases(row):
        if floats:
            gradient = grad(to_number(sample.f), floats)
            assert_same(vmap(gradient, in_axes=axes)(*args), looped(gradient, axes, *args))
            own = tuple(i for i in floats if axes[i] == 0)
            shares = own != floats and row not in (*FIRST_ARGUMENT, *WRITING)
            if own and shares:  # what all share stays an array
                gradient = grad(to_number(sample.f), own)
                assert_same(vmap(gradient, in_axes=axes)(*args), looped(gradient, axes, *args))
    assert counted() <= ONE_BY_ONE.get(row, set())


@pytest.mark.parametrize("row", ROWS | MORE)
def test_the_gradient_through_vmap_of_every_op_equals_a_loop(row: str) -> None:
    weights = np.array([1.0, 2.0, 3.0])
    for sample, axes, floats, args in cases(row):
        if not floats:
            continue
        f = to_number(sample.f)

        def over_batch(*a: Any, f: Any = f, axes: Any = axes) -> Any:
            return np.sum(vmap(f, in_axes=axes)(*a) * weights)

        def over_loop(*a: Any, f: Any = f, axes: Any = axes) -> Any:
            parts = [f(*(v[b] if axis == 0 else v for v, axis in zip(a, axes, strict=True))) for b in range(B)]
            return sum(w * p for w, p in zip(weights, parts, strict=True))

        assert_same(grad(over_batch, floats)(*args), grad(over_loop, floats)(*args))
    assert counted() <= ONE_BY_ONE.get(row, set())


def test_few_rows_run_one_by_one() -> None:
    assert len(ONE_BY_ONE) <= len(ROWS | MORE) / 20
    assert set(ONE_BY_ONE) <= set(ROWS | MORE)
    assert set().union(*ONE_BY_ONE.values()) <= reasons.keys()


@pytest.mark.parametrize("row", ONE_BY_ONE)
def test_what_a_row_lists_as_run_one_by_one_is_counted(row: str) -> None:
    for sample, axes, _, args in cases(row):
        if not (row in WRITING and axes[0] is None):
            vmap(lambda *a, f=sample.f: f(*a), in_axes=axes)(*map(Tensor, args))
    assert counted() == ONE_BY_ONE[row]


N = np.array([[3, 1, 2], [1, 3, 2], [2, 1, 3]])
P = np.abs(rng.normal(size=(B, 6))) + 0.1
BANDS = np.ones((B, 3, 4)) + np.array([0.0, 3.0, 0.0])[:, None]


def decides(x: Any) -> Any:
    return x if x > 0.5 else -x


def of_two(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x: f(x, x * 1)


def of_square(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x: f(np.outer(x, x))


def _added_at(i: Any) -> Any:
    y = mg.zeros_like(Tensor(np.ones(9)))
    y = y + np.sum(i) * 0.0
    np.add.at(y, i, 1.0)
    return y


#: A call for each name in `minigrad.arrays.fallback.reasons`, with what it is called on.
RARE = nn.AdaptiveLogSoftmaxWithLoss(4, 9, [2])
IN_TURN: dict[str, tuple[Callable[..., Any], tuple[np.ndarray, ...]]] = {
    **{
        name: (getattr(np, name), (N,))
        for name in (
            "argwhere", "flatnonzero", "histogram_bin_edges", "nonzero", "packbits", "unique", "unique_all", "unique_counts",
            "unique_inverse", "unique_values", "ix_", "bincount",
        )
    },
    **{
        name: (of_two(getattr(np, name)), (N,))
        for name in ("allclose", "array_equal", "array_equiv", "intersect1d", "isin", "setxor1d", "union1d")
    },
    **{
        name: (of_square(getattr(np, name)), (N,))
        for name in ("diag_indices_from", "tril_indices_from", "triu_indices_from")
    },
    "setdiff1d": (lambda x: np.setdiff1d(x, [9]), (N,)),
    "digitize": (lambda x: np.digitize(x, [0.1, 0.5]), (P,)),
    "histogram": (lambda x: np.histogram(x, 3)[0], (P,)),
    "histogramdd": (lambda x: np.histogram2d(x, x, 3)[0], (P,)),
    "lexsort": (lambda x: np.lexsort((x, x)), (P,)),
    "ravel_multi_index": (lambda x: np.ravel_multi_index((x, x), (4, 4)), (N,)),
    "unravel_index": (lambda x: np.unravel_index(x, (2, 4)), (N,)),
    "unpackbits": (np.unpackbits, (N.astype(np.uint8),)),
    "delete": (np.delete, (P, N[:, 0])),
    "repeat": (np.repeat, (P, np.array([2, 2, 2]))),
    "roll": (np.roll, (P, N[0])),
    "searchsorted": (lambda x: np.searchsorted(x, 0.5, sorter=np.argsort(x)), (P,)),
    "tril": (lambda x, k: np.tril(np.outer(x, x), k), (P, N[0])),
    "triu": (np.triu, (P,)),
    "getitem": (lambda x: x[x > 0], (P,)),
    "scatter_add": (grad(lambda x: np.sum(x[x > 0] ** 2)), (P,)),
    "trim_zeros": (np.trim_zeros, (P,)),
    "piecewise": (lambda x: np.piecewise(x, [x > 0.5], [np.sin, np.cos]), (P,)),
    "vectorize": (mg.vectorize(decides), (P,)),
    "apply_along_axis": (lambda x: np.apply_along_axis(lambda r: decides(r[0]), 0, x), (P,)),
    "polymul": (lambda x: np.polymul(x, x), (P,)),
    "polydiv": (lambda x: np.polydiv(x, x[:3]), (P,)),
    "polyfit": (lambda x: np.polyfit(np.arange(6.0), x, 1), (P,)),
    "roots": (np.roots, (P,)),
    "lstsq": (lambda x: np.linalg.lstsq(np.reshape(x, (3, 2)), x[:3], rcond=None)[0], (P,)),
    "logm": (lambda x: mg.scipy.linalg.logm(np.eye(2) * x[0]), (P,)),
    "sqrtm": (lambda x: mg.scipy.linalg.sqrtm(np.eye(2) * x[0]), (P,)),
    "solve_banded": (lambda ab: mg.scipy.linalg.solve_banded((1, 1), ab, np.ones(4)), (BANDS,)),
    "polar": (lambda x: mg.scipy.linalg.polar(np.outer(x[:2], x[:2]) + np.eye(2))[0], (P,)),
    "lfilter": (lambda b: mg.scipy.signal.lfilter(b, [1.0, 0.5], np.arange(4.0)), (P,)),
    "solve_sylvester": (lambda x: mg.scipy.linalg.solve_sylvester(np.eye(2) * x[0], np.eye(2), np.eye(2)), (P,)),
    "at_each_index": (lambda i: _added_at(i), (N,)),
    "ctc_loss": (
        lambda y: nn.functional.ctc_loss(np.log(np.full((5, 1, 4), 0.25)), y[None, :2], np.array([5]), np.array([2])),
        (N,),
    ),
    "AdaptiveLogSoftmaxWithLoss.forward": (lambda y: RARE(np.ones((len(y), 4)), y)[0], (N,)),
}  # fmt: skip


@pytest.mark.parametrize("name", IN_TURN)
def test_what_runs_one_by_one_equals_a_loop_and_is_counted_by_name(name: str) -> None:
    f, args = IN_TURN[name]
    got = vmap(f)(*args)
    assert name in counted()
    assert_same(got, looped(lambda *a: f(*map(Tensor, a)), (0,) * len(args), *args))


def test_every_name_that_is_listed_as_run_one_by_one_has_a_call_that_runs_so() -> None:
    assert IN_TURN.keys() == reasons.keys()
    assert all(reasons.values())


@pytest.mark.parametrize("axis", [0, -1])
def test_signals_of_one_filter_run_all_at_once(axis: int) -> None:
    b, a = np.array([0.5, 0.2]), np.array([1.0, -0.4, 0.1])
    x = rng.normal(size=(B, 2, 5, 4))
    for f in (
        lambda x: mg.scipy.signal.lfilter(b, a, x, axis),
        lambda x: mg.scipy.signal.sosfilt(np.array([[1.0, 0.2, 0.1, 1.0, -0.3, 0.1]]), x, axis),
    ):
        assert_same(vmap(f)(x), looped(lambda x, f=f: f(Tensor(x)), (0,), x))
        assert_same(vmap(vmap(f))(x), [np.stack([looped(f, (0,), row)[0] for row in x.swapaxes(0, 1)], 1)])
        gradient = grad(to_number(f))
        assert_same(vmap(gradient)(x), looped(gradient, (0,), x))
    assert not counted()


def test_the_counter_is_public() -> None:
    import minigrad.arrays

    assert minigrad.arrays.fallbacks is fallbacks


# ------------------------------------------------------------------------- arguments, results


def test_arrays_give_arrays_and_tensors_give_tensors() -> None:
    assert type(vmap(np.tanh)(X)) is np.ndarray
    assert type(vmap(np.sum)(X)[0]) is np.float64
    assert isinstance(vmap(np.tanh)(Tensor(X)), Tensor)


def test_a_tensor_that_the_function_closes_over_keeps_its_graph() -> None:
    w = Tensor(W, requires_grad=True)
    out = vmap(lambda x: w @ x)(X)
    out.sum().backward()
    np.testing.assert_allclose(w.grad._array, np.tile(X.sum(0), (4, 1)))


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
def test_in_axes_and_out_axes_name_any_axis(axis: int) -> None:
    x = rng.normal(size=(B, 2, 4))
    moved = np.moveaxis(x, 0, axis)
    np.testing.assert_array_equal(vmap(lambda a: a * 2, in_axes=axis)(moved), x * 2)
    np.testing.assert_array_equal(vmap(lambda a: a * 2, out_axes=axis)(x), moved * 2)
    for gradient in (
        grad(lambda a: np.sum(vmap(np.sin, axis, 0)(a) * x)),
        grad(lambda a: np.sum(np.sin(a) * moved)),
    ):
        np.testing.assert_allclose(gradient(moved), np.cos(moved) * moved)


def test_axes_and_argnums_may_be_integers_of_numpy() -> None:
    one = np.int64(1)
    expected = vmap(np.multiply, in_axes=(1, 0), out_axes=1)(X.T, Y)
    np.testing.assert_array_equal(vmap(np.multiply, in_axes=(one, np.int8(0)), out_axes=one)(X.T, Y), expected)
    np.testing.assert_array_equal(vmap(np.sum, in_axes=one)(X), X.sum(0))
    np.testing.assert_array_equal(grad(lambda x, y: np.sum(x * y), one)(X, Y), X)
    np.testing.assert_array_equal(mg.hvp(lambda x, y: np.sum(x * y**2), one)(X, Y, Y), 2 * X * Y)
    np.testing.assert_array_equal(jacobian(lambda x, y: x * y, np.uint8(1))(X[0], Y[0]), np.diag(X[0]))


def test_trees_of_axes_stand_for_trees_of_arguments_and_results() -> None:
    def f(p: dict[str, Any], xs: tuple[Any, Any]) -> dict[str, Any]:
        return {"sum": p["w"] @ xs[0] + p["b"], "two": [xs[1] * 2, p["b"]]}

    p = {"w": W, "b": rng.normal(size=(4, B))}
    out = vmap(f, in_axes=({"w": None, "b": 1}, (0, None)), out_axes={"sum": 1, "two": 0})(p, (X, Y[0]))
    np.testing.assert_allclose(out["sum"], W @ X.T + p["b"])
    np.testing.assert_allclose(out["two"][0], np.tile(Y[0] * 2, (B, 1)))
    np.testing.assert_allclose(out["two"][1], p["b"].T)


@dataclass
class Layer:
    weight: Any
    bias: Any
    name: str = field(default="layer", metadata={"static": True})


def test_dataclasses_of_axes_stand_for_dataclasses_of_arrays() -> None:
    f, axes = (lambda d: Layer(d.weight * d.bias, d.weight)), Layer(None, 0)
    out = vmap(f, in_axes=(axes,), out_axes=Layer(1, None))(Layer(W[0], X))
    np.testing.assert_allclose(out.weight, (W[0] * X).T)
    np.testing.assert_array_equal(out.bias, W[0])
    nested = vmap(lambda p: p["layer"].weight * p["layer"].bias, in_axes=({"layer": axes},))
    np.testing.assert_allclose(nested({"layer": Layer(2.0, X)}), 2 * X)
    with pytest.raises(ValueError, match=r"in_axes\[0\] is \{'weight': None.*in_axes\[0\]\.weight"):
        vmap(f, in_axes=({"weight": None, "bias": 0},))(Layer(W[0], X))


def test_out_axes_none_is_for_what_all_examples_share() -> None:
    shared, own = vmap(lambda x: (np.asarray(W), x), out_axes=(None, 0))(X)
    np.testing.assert_array_equal(shared, W)
    np.testing.assert_array_equal(own, X)
    with pytest.raises(ValueError, match="out_axes is None.*different for each example"):
        vmap(lambda x: x, out_axes=None)(X)


def test_keyword_arguments_are_split_along_the_first_axis() -> None:
    np.testing.assert_array_equal(vmap(lambda x, y: x - y)(X, y=Y), X - Y)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: vmap(np.sin, in_axes=2)(X), r"axis 2 of argument 0, which has shape \(3, 4\)"),
        (
            lambda: vmap(np.sin, in_axes=({"a": 1},))({"a": X[0]}),
            r"axis 1 of argument 0\['a'\], which has shape \(4,\)",
        ),
        (
            lambda: vmap(np.add)(X, X[:2]),
            r"3 along axis 0 of argument 0 of shape \(3, 4\), 2 along axis 0 of argument 1",
        ),
        (lambda: vmap(np.add, in_axes=(0,))(X, X), "in_axes has 1 entries.*2 positional"),
        (lambda: vmap(np.add, in_axes=None)(X, X), "no argument has examples"),
        (
            lambda: vmap(np.sum, in_axes=({"a": 0},))({"b": X}),
            r"in_axes\[0\] is \{'a': 0\}, but the arrays stand at in_axes\[0\]\['b'\]",
        ),
        (lambda: vmap(np.sin, out_axes=2)(X), "out_axes is 2.*2 axes"),
        (lambda: vmap(np.sin, randomness="any")(X), "'error', 'different', 'same', not 'any'"),
    ],
)
def test_axes_that_do_not_fit_are_errors_that_name_the_argument(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_a_number_needs_none() -> None:
    with pytest.raises(TypeError, match="argument 1 is float.*None"):
        vmap(np.add)(X, 2.0)
    np.testing.assert_array_equal(vmap(np.add, in_axes=(0, None))(X, 2.0), X + 2)


def test_an_empty_batch_gives_an_empty_result() -> None:
    assert vmap(lambda x: np.sum(np.tanh(x @ W)))(np.zeros((0, 4))).shape == (0,)
    assert vmap(grad(lambda x: np.sum(np.tanh(x @ W))))(np.zeros((0, 4))).shape == (0, 4)


# --------------------------------------------------------------------------- there is no value


def choose_by_value(x: Any) -> Any:
    return x if x > 0 else -x


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Conv2d(3, 2, 3), (1, 3, 5, 5)),
        (nn.ConvTranspose2d(3, 2, 3), (1, 3, 5, 5)),
        (nn.MaxPool2d(2), (1, 3, 4, 4)),
        (nn.AvgPool2d(2), (4, 3, 4, 4)),
        (nn.Conv2d(3, 2, 3), (0, 3, 5, 5)),
    ],
)
def test_an_empty_batch_keeps_the_shape_of_an_example(layer: Callable[[Any], Any], shape: tuple[int, ...]) -> None:
    x = np.zeros((0, *shape), np.float32)
    assert vmap(layer)(x).shape == (0, *layer(np.zeros(shape, np.float32)).shape)
    assert vmap(grad(lambda x: mg.sum(layer(x))))(x).shape == x.shape


@pytest.mark.parametrize("ask", [bool, float, int, lambda x: x.item(), choose_by_value, lambda x: x.tolist()])
def test_asking_for_one_value_is_an_error_that_names_where(ask: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match=r"no one value here but 3.*np\.where"):
        vmap(lambda x: ask(np.sum(x)))(X)


def test_making_an_array_is_an_error() -> None:
    with pytest.raises(TypeError, match=r"stands for 3 arrays of shape \(4,\)"):
        vmap(lambda x: np.asarray(x))(X)
    with pytest.raises(TypeError, match=r"stands for 3 arrays of shape \(4,\)"):
        vmap(lambda x: x.numpy())(X)


def test_len_and_shape_are_those_of_one_example() -> None:
    seen: list[Any] = []
    vmap(lambda x: seen.append((len(x), x.shape, x.ndim, x.size, len(list(x)))) or x)(X)
    assert seen == [(4, (4,), 1, 4, 4)]


def test_an_error_shows_the_shapes_of_one_example() -> None:
    with pytest.raises(ValueError, match=r"x: shape \(4,\).*y: shape \(3,\)"):
        vmap(lambda x: x + np.ones(3))(X)
    with pytest.raises(ValueError, match=r"x: shape \(4,\)"):
        vmap(lambda x: np.matmul(x, np.ones((3, 2))))(X)
    assert not fallbacks


def test_writing_what_differs_into_what_all_share_is_an_error() -> None:
    def write(x: Any) -> Any:
        out = Tensor(np.zeros(4))
        out[0] = x[0]
        return out

    with pytest.raises(TypeError, match=r"shape \(4,\).*the same for all of them.*np.zeros_like"):
        vmap(write)(X)


def test_writing_into_zeros_like_of_an_argument_works() -> None:
    def write(x: Any) -> Any:
        out = np.zeros_like(x, shape=(2,))
        out[0] = x[1]
        out[1] += x[0] * 2
        return out

    np.testing.assert_array_equal(vmap(write)(X), np.stack([X[:, 1], X[:, 0] * 2], axis=1))


def test_backward_to_a_shared_leaf_inside_of_vmap_is_an_error() -> None:
    w = Tensor(W, requires_grad=True)

    def train(x: Any) -> Any:
        (w @ x).sum().backward()
        return x

    with pytest.raises(RuntimeError, match="backward.. inside of vmap"):
        vmap(train)(X)
    assert w.grad is None


def test_backward_to_a_leaf_of_each_example_works_inside() -> None:
    def slope(x: Any) -> Any:
        leaf = x.detach().requires_grad_()
        (leaf**3).sum().backward()
        return leaf.grad

    np.testing.assert_allclose(vmap(slope)(X), 3 * X**2)


def test_an_error_leaves_no_vmap_behind() -> None:
    with pytest.raises(ZeroDivisionError):
        vmap(lambda x: 1 / 0)(X)
    assert mg.random.rand(2).shape == (2,)


# ------------------------------------------------------------------------------------ indexing

T = rng.normal(size=(B, 2, 5, 4))
AT, ROW = rng.integers(0, 4, (B, 2, 3)), rng.integers(0, 2, (B, 3))


@pytest.mark.parametrize("in_axes", [(0, 0, 0), (0, None, 0), (None, 0, 0), (0, 0, None), (None, None, 0), (0, None, None)])
@pytest.mark.parametrize(
    "f",
    [
        lambda x, i, j: x[j],
        lambda x, i, j: x[:, i],
        lambda x, i, j: x[..., i],
        lambda x, i, j: x[j, :, i],
        lambda x, i, j: x[j, i],
        lambda x, i, j: x[:, i, None, 1:3],
        lambda x, i, j: x[1, :, i],
        lambda x, i, j: x[:, 1, i],
        lambda x, i, j: x[:, :, [[0], [2]]][:, i[0]],
        lambda x, i, j: x[None, j, ..., i],
        lambda x, i, j: x[j[0]],
        lambda x, i, j: x[:, j[0], 1:],
        lambda x, i, j: x[[True, False], i[0], 1],
        lambda x, i, j: np.take(x, i, axis=1),
        lambda x, i, j: np.take(x, i),
        lambda x, i, j: np.take_along_axis(x[0], i[:1, :1], axis=1),
        lambda x, i, j: np.take_along_axis(x[0, :3], np.argsort(x[0, :3] * i[0, 0], axis=1), axis=1),
    ],
)
def test_indices_may_be_of_each_example(f: Callable[..., Any], in_axes: tuple[Any, ...]) -> None:
    args = [a if axis == 0 else a[0] for a, axis in zip((T, AT, ROW), in_axes, strict=True)]
    assert_same(vmap(f, in_axes)(*map(Tensor, args)), looped(lambda *a: f(*map(Tensor, a)), in_axes, *args))
    gradient = grad(to_number(f))
    assert_same(vmap(gradient, in_axes)(*args), looped(gradient, in_axes, *args))
    assert not fallbacks


def test_reading_by_a_mask_of_each_example_is_an_error_that_names_where() -> None:
    with pytest.raises(TypeError, match=r"different shapes.*np\.where"):
        vmap(lambda x: x[x > 0])(X)


TABLE = rng.normal(size=(5, 4))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.interp(x, np.arange(-2.0, 3.0), TABLE[:, 0]),
        lambda x: np.interp(x, [0.0, 1.0, 2.5], [1.0, 3.0, 2.0], period=3.0),
        lambda x: np.quantile(TABLE, 1 / (1 + np.exp(-x)), axis=0),
        lambda x: np.percentile(TABLE, 100 / (1 + np.exp(-x)), axis=1, method="lower"),
        lambda x: mg.take(TABLE, np.argsort(x), axis=0) @ x,
        lambda x: np.take_along_axis(TABLE, np.argsort(x)[None], axis=0) * x,
        lambda x: mg.pad(TABLE, 1, constant_values=x[0]),
        lambda x: mg.nanvar(TABLE, axis=0, mean=x[None]),
    ],
)
def test_arrays_that_all_examples_share_stand_beside_what_each_has(f: Callable[..., Any]) -> None:
    assert_same(vmap(f)(X), looped(lambda x: f(Tensor(x)), (0,), X))
    assert_same(vmap(grad(to_number(f)))(X), looped(grad(to_number(f)), (0,), X))
    assert not fallbacks


@pytest.mark.parametrize(
    "ask",
    [
        lambda i: TABLE[i],
        lambda i: TABLE[:, i],
        lambda i: np.take(TABLE, i),
        lambda i: [1.0, 2.0, 3.0][i],
        lambda i: TABLE[:i],
    ],
)
def test_an_array_at_an_index_of_each_example_is_an_error_that_names_take(ask: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match=r"minigrad\.take\("):
        vmap(ask)(np.array([0, 2]))
    np.testing.assert_array_equal(vmap(lambda i: mg.take(TABLE, i, axis=0))(np.array([0, 2])), TABLE[[0, 2]])


def test_writing_a_number_by_a_mask_of_each_example_works() -> None:
    def cut(x: Any) -> Any:
        y = x * 1.0
        y[y < 0] = 0.0
        return y

    np.testing.assert_array_equal(vmap(cut)(X), np.maximum(X, 0))
    np.testing.assert_array_equal(vmap(grad(lambda x: np.sum(cut(x) * Y[0])))(X), np.where(X < 0, 0, Y[0]))


# ------------------------------------------------------------------------------------- nesting


def test_vmap_nests_in_any_order_of_axes() -> None:
    a, b = rng.normal(size=(2, 5)), rng.normal(size=(3, 5))
    table = vmap(lambda x: vmap(lambda y: np.dot(x, y))(b))(a)
    np.testing.assert_allclose(table, a @ b.T)
    np.testing.assert_allclose(vmap(vmap(np.dot, (None, 0)), (0, None), 1)(a, b), b @ a.T)
    np.testing.assert_allclose(vmap(vmap(np.dot, (0, None)), (None, 0))(a, b), b @ a.T)


@pytest.mark.parametrize(
    "f",
    [
        lambda x, y: np.tanh(x) * np.sum(y),
        lambda x, y: np.where(x > y, x, y * 2),
        lambda x, y: np.concatenate([x, y]) @ np.concatenate([y, x]),
        lambda x, y: np.outer(x, y) @ x,
        lambda x, y: np.einsum("i,j->ij", x, y),
        lambda x, y: np.sort(x * y),
        lambda x, y: np.stack([x, y])[np.argsort(y)[:2] % 2],
        lambda x, y: np.cumsum(x)[np.argmax(y)],
        lambda x, y: np.linalg.solve(np.eye(4) * 5 + np.outer(x, x), y),
        lambda x, y: np.linalg.norm(x - y),
        lambda x, y: np.max(np.pad(x, 1) * np.sum(y)),
    ],
)
def test_two_levels_equal_two_loops_and_so_do_their_gradients(f: Callable[..., Any]) -> None:
    def pairs(g: Callable[..., Any]) -> list[np.ndarray]:
        rows = [[arrays(g(x, y)) for y in Y] for x in X]
        return [np.stack([np.stack([cell[k] for cell in r]) for r in rows]) for k in range(len(rows[0][0]))]

    both = vmap(vmap(f, (None, 0)), (0, None))
    assert_same(both(X, Y), pairs(lambda x, y: f(Tensor(x), Tensor(y))))
    gradient = grad(to_number(f), (0, 1))
    assert_same(vmap(vmap(gradient, (None, 0)), (0, None))(X, Y), pairs(gradient))
    per_x = vmap(grad(lambda x, ys: np.sum(vmap(to_number(f), (None, 0))(x, ys))), (0, None))
    assert_same(per_x(X, Y), pairs(gradient)[0].sum(axis=1))
    summed = grad(lambda x, y: np.sum(vmap(vmap(to_number(f), (None, 0)), (0, None))(x, y)), (0, 1))(X, Y)
    assert_same(summed, [pairs(gradient)[0].sum(axis=1), pairs(gradient)[1].sum(axis=0)])
    assert not fallbacks


def test_what_a_loop_falls_back_to_nests() -> None:
    a, b = rng.normal(size=(2, 4, 3)), rng.normal(size=(3, 4))
    got = vmap(vmap(lambda m, v: np.linalg.lstsq(m, v, rcond=None)[0], (None, 0)), (0, None))(a, b)
    np.testing.assert_allclose(got, [[np.linalg.lstsq(m, v, rcond=None)[0] for v in b] for m in a])
    assert fallbacks["lstsq"]


# ---------------------------------------------------------------------------- other transforms


def smooth(x: Any) -> Any:
    return np.tanh(W @ x) * np.sum(x**2)


def test_jacobian_and_hessian_under_vmap() -> None:
    assert_same(vmap(jacobian(smooth))(X), looped(jacobian(smooth), (0,), X))
    energy = hessian(lambda x: np.sum(smooth(x)))
    assert_same(vmap(energy)(X), looped(energy, (0,), X))


def test_vmap_under_jacobian_and_hessian() -> None:
    def scaled(w: Any) -> Any:
        return vmap(lambda x, y: np.tanh(w * x) * y)(X, Y)

    def plain(w: Any) -> Any:
        return np.tanh(w * X) * Y

    w = rng.normal(size=4)
    assert_same(jacobian(scaled)(w), jacobian(plain)(w))
    assert_same(jacobian(lambda x: vmap(smooth)(x))(X), jacobian(lambda x: np.stack([smooth(r) for r in x]))(X))
    assert_same(hessian(lambda w: np.sum(scaled(w)))(w), hessian(lambda w: np.sum(plain(w)))(w))


def test_jacobian_differentiates_again_in_one_batch() -> None:
    passes: list[int] = []

    def counted(g: Any, x: Any) -> Any:
        passes.append(1)
        return g * 2 * x

    square = mg.primitive(x=counted, method=False, name="counted_square_of_test_vmap")(lambda x: x * x)
    x = rng.normal(size=6)
    second = jacobian(jacobian(lambda x: square(x) * x))(x)
    assert len(passes) <= 6
    expected = np.zeros((6, 6, 6))
    expected[range(6), range(6), range(6)] = 6 * x
    np.testing.assert_allclose(second, expected, atol=1e-12)


@pytest.mark.parametrize(
    "transform",
    [
        lambda f: grad(lambda x: np.sum(jacobian(f)(x) ** 2)),
        lambda f: lambda x: mg.jvp(f, (x,), (x * 2,))[1],
        lambda f: lambda x: mg.vjp(f, x)[1](np.cos(x)),
        lambda f: lambda x: mg.hvp(lambda z: np.sum(f(z)))(x, np.sin(x)),
        lambda f: grad(lambda x: np.sum(grad(lambda z: np.sum(f(z)))(x) ** 2)),
        lambda f: grad(mg.checkpoint(lambda x: np.sum(f(x) ** 2))),
        lambda f: mg.elementwise_grad(lambda x: np.sin(x) * x),
        lambda f: lambda x: mg.value_and_grad(lambda z: np.sum(f(z)))(x),
    ],
)
def test_other_transforms_go_under_and_inside_gradients_of_vmap(transform: Callable[..., Any]) -> None:
    f = transform(smooth)
    assert_same(vmap(f)(X), looped(f, (0,), X), 1e-8)

    def loop(x: Any) -> list[Any]:
        return [np.stack(column) for column in zip(*[flatten(f(row)) for row in x], strict=True)]

    assert_same(grad(to_number(vmap(f)))(X), grad(to_number(loop))(X), 1e-8)


def test_the_gradient_of_a_number_may_depend_on_an_example() -> None:
    np.testing.assert_allclose(vmap(lambda a: grad(lambda w: np.sum(np.sin(w * a)))(2.0))(X), (np.cos(2 * X) * X).sum(1))


def test_a_shared_value_computed_inside_gets_the_gradients_of_all_examples() -> None:
    def f(w: Any) -> Any:
        def one(x: Any) -> Any:
            h = np.tanh(w @ w)  # the same for all examples, but made inside
            return h, np.sum(h @ x)

        hs, sums = vmap(one)(X)
        return np.sum(hs**2) + np.sum(sums)

    def loop(w: Any) -> Any:
        h = np.tanh(w @ w)
        return B * np.sum(h**2) + np.sum(h @ X.sum(0))

    assert_same(grad(f)(W), grad(loop)(W))


def test_autograd_grad_inside_gives_the_gradient_of_each_example() -> None:
    w = Tensor(W, requires_grad=True)
    got = vmap(lambda x: mg.autograd.grad(np.sum(np.tanh(w @ x)), w)[0])(X)
    assert_same(got, looped(grad(lambda w, x: np.sum(np.tanh(w @ x))), (None, 0), W, X))


def test_tensors_differentiate_through_gradients_of_each_example() -> None:
    w = Tensor(W, requires_grad=True)
    per_example = vmap(grad(lambda w, x: np.sum(np.tanh(w @ x))), (None, 0))(w, Tensor(X))
    (per_example**2).sum().backward()
    expected = grad(lambda w: sum(np.sum(grad(lambda w, x=x: np.sum(np.tanh(w @ x)))(w) ** 2) for x in X))(W)
    assert_same(w.grad, expected)


def test_hooks_inside_see_one_example() -> None:
    seen: list[Any] = []

    def f(x: Any) -> Any:
        y = np.sin(x)
        y.register_hook(lambda g: seen.append(g.shape) or 10 * g)
        return np.sum(y)

    np.testing.assert_allclose(grad(lambda x: np.sum(vmap(f)(x)))(X), 10 * np.cos(X))
    np.testing.assert_allclose(vmap(grad(f))(X), 10 * np.cos(X))
    assert seen == [(4,), (4,)]


def test_anomaly_mode_sees_nan_in_any_example() -> None:
    with np.errstate(invalid="ignore"), mg.detect_anomaly(), pytest.raises(FloatingPointError, match="sqrt"):
        vmap(np.sqrt)(np.array([1.0, -1.0]))


# ---------------------------------------------------------------------------------- randomness


def test_random_numbers_are_refused_unless_asked_for() -> None:
    with pytest.raises(RuntimeError, match="randomness='different'"):
        vmap(lambda x: x + mg.random.normal(size=4))(X)


def test_different_random_numbers_are_those_of_a_loop() -> None:
    mg.random.manual_seed(1)
    got = vmap(lambda x: mg.random.normal(x, 0.5) + mg.random.rand(4), randomness="different")(X)
    assert got.shape == X.shape
    mg.random.manual_seed(1)
    first = mg.random.normal(X[0] * 0, 0.5, size=(B, 4))
    second = mg.random.rand(B, 4)
    np.testing.assert_allclose(got, X + first._array + second._array)


def test_the_same_random_numbers_for_all() -> None:
    def f(x: Any) -> Any:
        return mg.random.rand(4) + mg.random.gamma(np.exp(x * 0 + 1.0))

    got = vmap(f, randomness="same")(X)
    assert np.ptp(got, axis=0).max() == 0


def test_an_inner_vmap_may_share_what_an_outer_one_does_not() -> None:
    inner = vmap(lambda x: x * 0 + mg.random.rand(), randomness="same")
    got = vmap(inner, randomness="different")(np.zeros((3, 5)))
    assert np.ptp(got, axis=1).max() == 0
    assert len(np.unique(got)) == 3


# ----------------------------------------------------------------------------- the batch itself


def test_native_code_never_sees_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = pytest.importorskip("minigrad.kernels.compiled")
    seen: list[Any] = []

    def version(function: Any, args: Any) -> Any:
        seen.append(args)
        raise NotImplementedError

    monkeypatch.setattr(kernels, "enabled", True)
    monkeypatch.setattr(compiled, "Version", version)
    monkeypatch.setattr(compiled, "_can_compile", lambda: True)

    @kernels.accelerated("of test_vmap")
    def f(x: Any, y: Any) -> Any:
        return x * y

    big = np.ones((2, kernels.SMALLEST), np.float32)
    batch = Batch(big, Level(2))
    assert f(big[0], batch).shape == f(batch, big[0]).shape == big[0].shape
    assert not seen
    f(big[0], big[1])
    assert len(seen) == 1


def test_a_batch_says_what_it_is() -> None:
    assert repr(Batch(X, Level(B))) == "<Batch of 3 arrays of shape (4,), float64>"


def test_convolution_folds_the_examples_into_the_images() -> None:
    """With shared weights the forward gets one array of all images, and so may run a kernel."""
    from minigrad.ops.window import Window, conv

    x, w = rng.normal(size=(B, 2, 3, 6, 6)), rng.normal(size=(4, 3, 3, 3))
    window = Window.over((6, 6), 3)
    got = vmap(lambda x: conv(x, w, window, 1))(x)
    np.testing.assert_allclose(got, conv(x.reshape(-1, 3, 6, 6), w, window, 1).reshape(B, 2, 4, 4, 4))


def test_axes_of_size_one_and_products_of_weights_of_each_example() -> None:
    for f, a, b in product([np.matmul], [(B, 2, 4), (B, 4), (B, 3, 2, 4)], [(B, 4), (B, 4, 2), (B, 3, 4, 2)]):
        x, y = rng.normal(size=a), rng.normal(size=b)
        assert_same(vmap(f)(x, y), looped(f, (0, 0), x, y))


def test_a_tensor_prints_the_values_of_all_examples_and_says_so() -> None:
    seen: list[str] = []
    vmap(lambda x: seen.append(repr(x)) or x)(np.array([1.0, 2.0]))
    assert seen == ["Tensor([1., 2.], dtype=float64, 2 examples of shape ())"]


@pytest.mark.parametrize("row", [row for row in ROWS if row not in ONE_BY_ONE and row not in CPU_ONLY])
def test_every_op_runs_under_vmap_on_the_stand_in_for_a_gpu(row: str, stand_in: Any) -> None:
    for sample in ROWS[row]:
        many = [examples_of(a) for a in sample.args]
        given = [Tensor(a, requires_grad=a.dtype.kind in "fc", device="cuda") for a in many]
        for own in flatten(vmap(sample.f)(*given)):
            assert not isinstance(own._array, np.ndarray) or own.size == 0


def test_adaptive_maxima_equal_a_loop_and_run_at_once() -> None:
    x = rng.normal(size=(B, 2, 5, 6))
    for indices in (False, True):
        layer = nn.AdaptiveMaxPool2d((2, 3), return_indices=indices)
        assert_same(vmap(layer)(x), looped(layer, (0,), x))
    assert not fallbacks


@pytest.mark.parametrize("ufunc", [np.add, np.multiply])
def test_ufunc_at_takes_an_index_of_each_example(ufunc: np.ufunc) -> None:
    index, values = np.array([[0, 1, 1], [2, 3, 2], [3, 3, 3]]), rng.normal(size=(B, 3))

    def f(y: Any, i: Any, v: Any) -> Any:
        y = y * 1.0
        ufunc.at(y, i, v)
        return y**2

    gradients = grad(lambda y, i, v: mg.sum(f(y, i, v)), (0, 2))
    for g in (lambda *args: f(*map(Tensor, args)), gradients):
        assert_same(vmap(g)(X, index, values), looped(g, (0, 0, 0), X, index, values))


# ------------------------------------------------------------------------------ writing in place


def _assign(y: Tensor, x: Any) -> None:
    y[0] = x[0]


def _add(y: Tensor, x: Any) -> None:
    y += x


def _add_out(y: Tensor, x: Any) -> None:
    np.add(y, x, out=y)


@pytest.mark.parametrize("write", [_assign, _add, _add_out])
@pytest.mark.parametrize("tracked", [True, False])
def test_no_batch_is_left_in_a_tensor_from_outside(write: Callable[[Tensor, Any], None], tracked: bool) -> None:
    y = Tensor(np.ones(4), requires_grad=True) * 1.0 if tracked else Tensor(np.ones(4))

    def f(x: Any) -> Any:
        write(y, x)
        return mg.sum(y)

    with pytest.raises(TypeError, match="the same for all of them"):
        vmap(f if tracked else grad(f))(X)
    assert y.detach().tolist() == [1.0] * 4


def test_a_graph_tensor_made_inside_may_become_different_for_each_example() -> None:
    w = Tensor(np.ones(4), requires_grad=True)

    def f(x: Any) -> Any:
        y = w * 1.0
        y[0] = x[0]
        return y

    expected = np.ones((B, 4))
    expected[:, 0] = X[:, 0]
    np.testing.assert_array_equal(vmap(f)(X).detach().numpy(), expected)


@pytest.mark.parametrize("write", [_assign, _add, _add_out])
@pytest.mark.parametrize("kind", [np.asarray, Tensor])
def test_an_argument_is_not_written_but_its_copy_is(write: Callable[[Any, Any], None], kind: Callable[[Any], Any]) -> None:
    x = X.copy()

    def careless(p: Any) -> Any:
        write(p[1:], p[1:] * 2)
        return p

    def careful(p: Any) -> Any:
        p = p.copy()
        write(p[1:], p[1:] * 2)
        return p

    with pytest.raises(ValueError, match=r"argument of vmap.*x = x.copy\(\)"):
        vmap(careless)(kind(x))
    np.testing.assert_array_equal(x, X)
    vmap(careful)(kind(x))
    np.testing.assert_array_equal(x, X)


def test_a_histogram_of_weights_of_each_example_equals_a_loop() -> None:
    def binned(x: Any, w: Any) -> Any:
        return np.histogram(x, 3, (0.2, 1.0), weights=w)[0]

    weights = rng.normal(size=P.shape)
    assert_same(vmap(binned)(P, weights), looped(lambda x, w: binned(Tensor(x), Tensor(w)), (0, 0), P, weights))
    gradient = grad(to_number(binned), 1)
    assert_same(vmap(gradient)(P, weights), looped(gradient, (0, 0), P, weights))


# ------------------------------------------------------------------- one example after the other


def test_each_example_is_computed_once() -> None:
    calls: list[Any] = []

    def counted(x: Any) -> Any:
        calls.append(x)
        return np.asarray(float(np.sum(x)))

    op = mg.primitive(x=lambda g, x_shape: np.broadcast_to(g, x_shape), method=False, name="counted_sum")(counted)
    np.testing.assert_allclose(vmap(op)(X), X.sum(1))
    assert len(calls) == 1 + B  # the batch, which is refused, and each example


@pytest.mark.parametrize("transform", [jacobian, lambda f: vmap(lambda x: grad(lambda x: np.sum(f(x)))(x))])
def test_an_error_of_a_rule_is_not_taken_for_one_of_a_batch(transform: Callable[..., Any]) -> None:
    def picky(g: Any, x: Any) -> Any:
        if np.shape(g) and type(raw(g)) is Batch:
            raise NotImplementedError("not written yet")
        return g

    op = mg.primitive(x=picky, method=False, name=f"picky_{id(transform)}")(lambda x: x * 1)
    with pytest.raises(NotImplementedError, match="not written yet"):
        transform(op)(X)


def test_a_hook_inside_of_a_checkpoint_sees_one_row_of_a_jacobian_at_a_time() -> None:
    seen: list[Any] = []

    def f(x: Any) -> Any:
        y = np.sin(x)
        y.register_hook(lambda g: seen.append(g.shape) or 10 * g)
        return y * y

    expected = np.diag(20 * np.sin(X[0]) * np.cos(X[0]))
    np.testing.assert_allclose(jacobian(mg.checkpoint(f))(X[0]), expected)
    np.testing.assert_allclose(jacobian(f)(X[0]), expected)
    assert set(seen) == {(4,)}


def test_named_tuples_stay_what_they_are() -> None:
    class Pair(NamedTuple):
        a: Any
        b: Any

    order = np.lexsort(Pair(Tensor([1, 0, 1]), Tensor([1, 1, 0])))
    assert order.tolist() == [2, 1, 0]
    out = vmap(lambda p: Pair(p.b, np.linalg.slogdet(np.outer(p.a, p.a) + np.eye(4)).logabsdet))(Pair(X, Y))
    assert type(out) is Pair
    assert out.b.shape == (B,)


@pytest.mark.parametrize(
    "ask",
    [
        lambda x: float(x) * 2,
        lambda x: 1.0 if x > 0 else 2.0,
        lambda x: np.array([x, x]),
        lambda x: np.zeros(2).__setitem__(0, x),
        lambda x: np.fromiter((x,), float),
    ],
)
def test_an_error_about_one_value_names_the_users_line(ask: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=rf"(?s)under vmap .*{re.escape(__file__)}:\d+: "):
        vmap(ask)(np.ones(3))


def test_a_number_of_an_array_is_a_copy() -> None:
    x = np.array([[0.7, 1.3, 2.1]])

    def swapped(x: Any) -> Any:
        y = x * 1
        y[0], y[2] = y[2], y[0]
        return y

    def kept(x: Any) -> Any:
        y = x * 1
        first = y[0]
        y[0] = 9.0
        return first

    def added(x: Any) -> Any:
        y = x * 1
        first = y[0]
        first += 1
        return y

    for f in (swapped, kept, added):
        np.testing.assert_array_equal(vmap(f)(x)[0], f(x[0]))
