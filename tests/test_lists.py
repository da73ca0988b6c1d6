"""Lists are arrays: beside a Tensor each function of NumPy takes them as NumPy does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from operator import attrgetter
from typing import Any

import numpy as np
import pytest
import scipy.signal

import minigrad as mg
import minigrad.scipy.signal
from minigrad import Tensor
from minigrad.primitive import numpy_table

from .ops_table import SAMPLES
from .samples import Sample
from .test_signatures import same

X = np.array([[2.0, -1.0, 0.5], [3.0, 4.0, -2.5]])
V = np.array([0.5, 1.0, 2.0])
W = np.array([3.0, 1.0, 2.0])
P = np.array([0.2, 0.5, 0.3])
S = np.array([[2.0, 0.5, 0.1], [0.5, 3.0, 0.2], [0.1, 0.2, 1.0]])
M = np.array([True, False, True])
I = np.array([0, 2, 1])  # noqa: E741
N = np.array([3, 1, 2])
DATA = np.array([[0.0, 1.0, 2.0], [1.0, 0.5, 2.5], [2.0, 2.0, 0.1], [0.3, 0.4, 1.7]])

#: A call with arrays for each function that takes several: NumPy's own parameters by position and name.
CALLS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    *((name, (V,), {"where": M}) for name in ("all", "any", "mean")),
    *((name, (V,), {"where": M, "initial": 0.7}) for name in ("amax", "amin", "max", "min")),
    *((name, (X,), {"where": M}) for name in ("sum", "prod", "var", "std", "nansum", "nanprod")),
    *((name, (X,), {"where": M}) for name in ("nanmean", "nanvar", "nanstd")),
    *((name, (X,), {"where": M, "initial": 0.0}) for name in ("nanmax", "nanmin")),
    ("var", (X,), {"axis": 1, "keepdims": True, "mean": np.array([[0.5], [1.5]])}),
    ("append", (V, W), {}),
    ("append", (X, X), {"axis": 0}),
    ("apply_over_axes", (np.sum, X, I[:1]), {}),
    ("apply_along_axis", (np.sum, 0, X), {}),
    ("array_split", (V, I[2:]), {}),
    ("average", (V,), {"weights": W}),
    ("average", (X, 1, W), {"returned": True}),
    ("bincount", (I, W), {}),
    ("broadcast_arrays", (X, V), {}),
    ("choose", (np.array([0, 1, 0]), X), {}),
    ("clip", (V, W / 5, W / 2), {}),
    ("column_stack", ([V, W],), {}),
    ("compress", (M, V), {}),
    ("compress", (M, X), {"axis": 1}),
    ("concatenate", ([V, W],), {}),
    ("concat", ([X, X],), {"axis": 1}),
    ("convolve", (V, W), {}),
    ("corrcoef", (V, W), {}),
    ("correlate", (V, W), {}),
    ("cov", (V, W), {"fweights": N, "aweights": P}),
    ("cross", (V, W), {}),
    ("delete", (V, I[1:2]), {}),
    ("diff", (V,), {"prepend": W, "append": P}),
    ("digitize", (V, np.sort(W)), {}),
    ("dot", (V, W), {}),
    ("dot", (X, V), {}),
    ("dstack", ([V, W],), {}),
    ("ediff1d", (V, W, P), {}),
    ("einsum", ("ij,j->i", X, V), {}),
    ("extract", (M, V), {}),
    ("full_like", (X, V), {}),
    ("geomspace", (V, W, 4), {}),
    ("gradient", (V, np.sort(W)), {}),
    ("gradient", (X, I[:2] + np.arange(2), V), {}),
    ("histogram", (V, np.array([0.0, 1.0, 3.0])), {"weights": W}),
    ("histogram", (V, 2), {"range": np.array([0.0, 3.0]), "weights": W}),
    ("histogram2d", (V, W, 2), {"weights": P}),
    ("histogram2d", (V, W, [2, np.array([0.0, 0.5, 3.0])]), {}),
    ("histogram_bin_edges", (V, np.array([0.0, 1.0, 3.0])), {"weights": W}),
    ("histogramdd", ([V, W, P], 2), {"weights": N}),
    ("hstack", ([V, W],), {}),
    ("inner", (V, W), {}),
    ("insert", (V, I[1:], W[1:]), {}),
    ("interp", (P, V, W), {}),
    ("interp", (P, V, W), {"period": 1.5}),
    ("interp", (V, np.array([1.0]), np.array([2.0])), {}),
    ("intersect1d", (V, W), {}),
    ("isclose", (V, W), {}),
    ("isin", (V, W), {}),
    ("ix_", (I, N), {}),
    ("kron", (V, W), {}),
    ("lexsort", ([V, W],), {}),
    ("linspace", (V, W, 4), {}),
    ("logspace", (V, W, 4), {}),
    ("logspace", (V, W, 4), {"base": W + 1}),
    ("meshgrid", (V, W), {}),
    ("nan_to_num", (np.array([np.nan, np.inf, -np.inf]), True, W), {"posinf": V, "neginf": P}),
    ("outer", (V, W), {}),
    ("pad", (V, I[:2]), {}),
    ("percentile", (V, 100 * P), {}),
    ("percentile", (X, 100 * P, 1), {"method": "inverted_cdf", "weights": W}),
    ("piecewise", (V, [M, ~M], [1.0, 2.0]), {}),
    ("piecewise", (V, [M], [lambda x: x * 2, 0.0]), {}),
    ("polyadd", (V, W), {}),
    ("polydiv", (V, W[:2]), {}),
    ("polyfit", (V, W, 1), {"w": P}),
    ("polyint", (V, 2, W[:2]), {}),
    ("polymul", (V, W), {}),
    ("polysub", (V, W), {}),
    ("polyval", (V, W), {}),
    ("quantile", (V, P), {}),
    ("quantile", (X, P, 1), {"method": "inverted_cdf", "weights": W}),
    ("nanquantile", (V, P), {}),
    ("nanpercentile", (V, 100 * P), {}),
    ("ravel_multi_index", ([I, I], (3, 3)), {}),
    ("repeat", (V, N), {}),
    ("roll", (X, I[:2], (0, 1)), {}),
    ("searchsorted", (np.sort(V), W), {"sorter": np.array([0, 1, 2])}),
    ("select", ([M, ~M], [V, W], P), {}),
    ("setdiff1d", (V, W), {}),
    ("setxor1d", (V, W), {}),
    ("split", (V, I[2:]), {}),
    ("stack", ([V, W],), {}),
    ("take", (V, I), {}),
    ("take", (X, I), {"axis": 1}),
    ("take_along_axis", (V, I), {}),
    ("tensordot", (X, X.T), {"axes": 1}),
    ("tile", (V, I[1:]), {}),
    ("trapezoid", (V, W), {}),
    ("trapezoid", (X, V), {"axis": 1}),
    ("trapezoid", (X, X * 2), {"dx": 1.0}),
    ("trapezoid", (V,), {"dx": P[:2]}),
    ("union1d", (V, W), {}),
    ("unravel_index", (I, (2, 2)), {}),
    ("unwrap", (4 * V,), {"period": 2.5}),
    ("vdot", (V, W), {}),
    ("vecdot", (V, W), {}),
    ("vstack", ([V, W],), {}),
    ("where", (M, V, W), {}),
    ("linalg.cross", (V, W), {}),
    ("linalg.lstsq", (DATA, np.array([1.0, 2.0, 0.0, 1.0])), {}),
    ("linalg.matmul", (X, V), {}),
    ("linalg.multi_dot", ([X, S, V],), {}),
    ("linalg.outer", (V, W), {}),
    ("linalg.pinv", (S,), {"rcond": np.array(1e-3)}),
    ("linalg.matrix_rank", (S,), {"tol": np.array(1e-3)}),
    ("linalg.solve", (S, V), {}),
    ("linalg.tensordot", (X, X.T), {"axes": 1}),
    ("linalg.tensorsolve", (S, V), {}),
    ("linalg.vecdot", (V, W), {}),
]  # fmt: skip
#: Functions that make arrays: of numbers and lists alone in the default dtype.
OF_DEFAULT_DTYPE = {"linspace", "logspace", "geomspace"}
#: Ufuncs of several inputs that need other numbers than V and W.
OF_INTEGERS = "bitwise_and bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor gcd lcm left_shift right_shift"
PRODUCTS = {"matmul": (X, S), "matvec": (X, V), "vecmat": (V, S), "vecdot": (V, W)}


def numpy_function(name: str) -> Any:
    return attrgetter(name)(np)


def ufunc_calls() -> list[tuple[str, tuple[Any, ...], dict[str, Any]]]:
    """A call of each ufunc of several inputs, and of one with a mask."""
    calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
    for full in mg.registered():
        name = full.removeprefix("numpy.")
        function = numpy_function(name) if full.startswith("numpy.") else None
        if not isinstance(function, np.ufunc) or function.nin < 2:
            continue
        pair = (N, N + 1) if name in OF_INTEGERS.split() else PRODUCTS.get(name, (V, W))
        calls.append((name, (V, N) if name == "ldexp" else pair, {}))
    return calls


ALL = CALLS + ufunc_calls()


def arrays_in(x: Any) -> int:
    if isinstance(x, list):
        return sum(map(arrays_in, x))
    return isinstance(x, np.ndarray)


def converted(x: Any, kinds: Iterator[str], make: Callable[[Any], Any]) -> Any:
    """The same arguments, each array as the next kind says: "t" what `make` makes, "l" a list."""
    if isinstance(x, list):
        return [converted(part, kinds, make) for part in x]
    if not isinstance(x, np.ndarray):
        return x
    return make(x) if next(kinds) == "t" else x.tolist()


def with_gradient(x: np.ndarray) -> Tensor:
    return Tensor(x, requires_grad=x.dtype.kind == "f")


def detached(x: Any) -> Any:
    if isinstance(x, (list, tuple)):
        return [detached(part) for part in x]
    return x.detach() if isinstance(x, Tensor) else x


@pytest.mark.parametrize(("name", "args", "options"), ALL, ids=[f"{n}-{i}" for i, (n, _, _) in enumerate(ALL)])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_list_beside_a_tensor_is_an_array(name: str, args: Any, options: dict[str, Any]) -> None:
    values = [*args, *options.values()]
    theirs, ours = numpy_function(name), mg.registered()[f"numpy.{name}"]

    def call(function: Callable[..., Any], given: list[Any]) -> Any:
        named = dict(zip(options, given[len(args) :], strict=True))
        return function(*given[: len(args)], **named)

    for kinds in product("tl", repeat=arrays_in(values)):
        if "t" not in kinds and name in OF_DEFAULT_DTYPE:
            continue
        try:
            want = call(theirs, converted(values, iter(kinds), np.asarray))
        except (AttributeError, TypeError):  # NumPy itself does not take lists there
            continue
        same(call(theirs, converted(values, iter(kinds), Tensor)), want)
        same(call(ours, converted(values, iter(kinds), Tensor)), want)
        try:
            got = call(ours, converted(values, iter(kinds), with_gradient))
        except (TypeError, NotImplementedError, RuntimeError) as error:
            assert "gradient" in str(error)  # noqa: PT017
            continue
        same(detached(got), want)


OF_SEVERAL = [(n, s) for n, _, s in SAMPLES if len(s.args) > 1 and all(np.size(a) for a in s.args)]


@pytest.mark.parametrize(("name", "sample"), OF_SEVERAL)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_table_of_ops_with_lists(name: str, sample: Sample) -> None:
    """Each sample with one argument a Tensor, another a list, where NumPy takes the list."""
    for kinds in product("tl", repeat=len(sample.args)):
        if len(set(kinds)) == 1:
            continue
        given = list(sample.args)
        try:
            want = (sample.reference or sample.f)(*converted(given, iter(kinds), np.asarray))
        except (AttributeError, TypeError, ValueError):  # a sample that needs an array there
            continue
        try:
            got = sample.f(*converted(given, iter(kinds), with_gradient))
        except (TypeError, RuntimeError) as error:
            assert "gradient" in str(error)  # noqa: PT017
            continue
        same(detached(got), want)


#: Functions of scipy.signal of two arrays, which are made of others' ops and have no row in that table.
OF_TWO = [
    (name, args)
    for name in ("convolve", "correlate", "fftconvolve", "oaconvolve")
    for args in ((V, W), (X, np.array([[1, 2], [0, 1]])))
]


@pytest.mark.parametrize(("name", "args"), OF_TWO)
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_a_signal_may_be_a_list_beside_a_tensor(name: str, args: tuple[Any, Any], mode: str) -> None:
    x, y = args
    want = getattr(scipy.signal, name)(x, y, mode)
    function = getattr(mg.scipy.signal, name)
    assert_allclose = partial(np.testing.assert_allclose, desired=want, rtol=1e-9, atol=1e-12)
    assert_allclose(function(Tensor(x), y.tolist(), mode).numpy())
    assert_allclose(function(x.tolist(), Tensor(y), mode).numpy())


def ours_for(f: Callable[..., Any]) -> Callable[..., Any] | None:
    """Minigrad's function for NumPy's, with the same options; None for a function of our own."""
    if isinstance(f, partial):
        ours = ours_for(f.func)
        return ours and partial(ours, *f.args, **f.keywords)
    return numpy_table.get(f)


@pytest.mark.parametrize("name", sorted({n for n, _, _ in SAMPLES}))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_our_functions_take_lists_alone(name: str) -> None:
    for row, _, sample in SAMPLES:
        ours = ours_for(sample.f)
        if row != name or ours is None or name in OF_DEFAULT_DTYPE or not all(map(np.size, sample.args)):
            continue
        lists = [a.tolist() for a in sample.args]
        try:
            want = sample.f(*lists)
        except (AttributeError, TypeError):
            continue
        same(ours(*lists), want)
