"""Every function of NumPy that minigrad knows, called with whatever Hypothesis thinks of: NumPy's answer, or an error in both.

The table is the registry; a parameter's name says what is drawn for it.  `MINIGRAD_FUZZ=200 pytest tests/test_fuzz.py -s` is the
long run, which prints how many calls it made.
"""

from __future__ import annotations

import importlib
import inspect
import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import minigrad
from minigrad import Tensor

#: How many calls of each function.
EXAMPLES = int(os.environ.get("MINIGRAD_FUZZ", "10"))
CALLS: Counter[str] = Counter()

SHAPES = [(), (0,), (1,), (3,), (3,), (2, 3), (3, 3), (2, 1), (1, 3), (2, 0), (2, 3, 3), (1, 2, 3), (2, 2, 2, 2)]
DTYPES = ["float64", "float64", "float32", "float16", "int64", "int32", "int8", "uint8", "bool", "complex128", "complex64"]
ODD = [0.0, -0.0, 1.0, -1.0, 2.0, 0.5, np.nan, np.inf, -np.inf, 1e30, -3.0, 7.0]


@st.composite
def arrays(draw: Any, shapes: list[tuple[int, ...]] = SHAPES, dtypes: list[str] = DTYPES) -> np.ndarray:
    """Small arrays of all kinds: odd numbers, views with steps, other orders."""
    shape, dtype = draw(st.sampled_from(shapes)), np.dtype(draw(st.sampled_from(dtypes)))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    kind = draw(st.sampled_from(["smooth", "smooth", "ties", "odd"]))
    x = rng.normal(size=shape) * 2 if kind == "smooth" else rng.choice(ODD[:7] if kind == "ties" else ODD, shape)
    if dtype.kind in "iub":
        x = np.clip(np.nan_to_num(np.asarray(x), posinf=3, neginf=-3), 0 if dtype.kind == "u" else -100, 100).round()
    with np.errstate(over="ignore"):
        x = np.asarray(x).astype(dtype)
    if dtype.kind == "c":
        x = (x + 1j * rng.normal(size=shape)).astype(dtype)
    layout = draw(st.sampled_from(["C", "F", "step", "broadcast"]))
    if layout == "F":
        return np.asfortranarray(x).reshape(shape)
    if layout == "step" and shape:
        return np.repeat(x, 2, axis=-1)[..., ::2]
    return x


axis = st.sampled_from([None, 0, 0, -1, 1, -2, 2, 5, (0, 1), (0, -1), (0, 0), ()])
number = st.sampled_from([0, 1, 2, -1, 0.5, 3, -2.0])
small = st.sampled_from([0, 1, 2, 3, -1, 5])
flag = st.booleans()
mask = arrays(dtypes=["bool"])
integers = arrays(dtypes=["int64"])
real = arrays(dtypes=["float64", "float32", "int64"])
several = st.lists(arrays(), min_size=0, max_size=3)
alike = st.builds(lambda x, n: [x + i for i in range(n)], arrays(dtypes=["float64", "float32", "int64"]), st.integers(0, 3))

#: What is drawn for a parameter, by its name; for a parameter of one function by "function.name".
DRAWN: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(
        ["x", "a", "b", "x1", "x2", "x3", "m", "v", "arr", "ary", "y", "p", "q", "values", "A", "ar1", "ar2", "element",
         "test_elements", "array", "c", "z", "val", "f", "in1", "in2", "a1", "a2", "x0", "append", "prepend", "to_end",
         "to_begin", "fill_value", "n", "k", "s", "prototype", "start", "stop", "xp", "fp", "left", "right", "a_min", "a_max",
         "weights", "r", "seq_of_zeros", "u", "filt", "ar", "choices", "condition", "src", "dst", "obj", "vals", "ind", "base"],
        arrays(),
    ),
    **dict.fromkeys(["axis", "axes", "shape", "newshape"], axis),
    **dict.fromkeys(["axis1", "axis2", "axisa", "axisb", "axisc", "source", "destination", "start_axis"], small),
    **dict.fromkeys(
        ["keepdims", "overwrite_input", "include_initial", "bias", "rowvar", "returned", "hermitian", "endpoint", "density",
         "assume_unique", "invert", "equal_nan", "return_indices", "full_matrices", "compute_uv", "right", "upper", "wrap",
         "retstep", "sparse", "increasing", "copy", "stable", "return_index", "return_inverse", "return_counts", "full", "cov",
         "equal_inf", "left"],
        flag,
    ),
    **dict.fromkeys(["arrays", "arys", "tup", "operands", "args", "seq", "xi"], st.one_of(alike, several)),
    "dtype": st.sampled_from([None, None, "float64", "float32", "int64", "complex128"]),
    "where": st.one_of(st.just(True), mask),
    "initial": number,
    "ddof": small, "correction": small, "offset": small, "N": small, "M": small, "num": small, "deg": small, "kth": small,
    "decimals": small, "minlength": small, "edge_order": st.sampled_from([1, 2, 3]),
    "period": number, "rtol": number, "atol": number, "tol": number,
    "rcond": number, "repeats": small, "reps": small, "shift": small,
    "mode": st.sampled_from(["raise", "wrap", "clip", "full", "same", "valid", "constant", "edge", "reflect"]),
    "method": st.sampled_from(["linear", "lower", "higher", "nearest", "midpoint", "hazen", "auto", "direct"]),
    "kind": st.sampled_from([None, "quicksort", "stable", "sorted"]),
    "order": st.sampled_from(["C", "F", "K", "A"]),
    "ord": st.sampled_from([None, 1, 2, -1, np.inf, "fro", "nuc", 0, 3]),
    "norm": st.sampled_from([None, "ortho", "forward", "backward", "no"]),
    "UPLO": st.sampled_from(["L", "U", "X"]),
    "indexing": st.sampled_from(["ij", "xy"]),
    "bins": st.sampled_from([1, 3, "auto", [0.0, 1.0, 2.0]]),
    "range": st.sampled_from([None, (0.0, 1.0), (1.0, 0.0)]),
    "indices": integers, "indices_or_sections": st.sampled_from([1, 2, 3, [1], [1, 2], [5], 0]),
    "pad_width": st.sampled_from([0, 1, (1, 2), ((1, 0),), -1]),
    "condlist": st.lists(mask, max_size=2), "choicelist": several, "mask": mask,
    "quantile.q": st.sampled_from([0.0, 0.3, 1.0, [0.1, 0.9], 1.5, np.array([[0.5]])]),
    "nanquantile.q": st.sampled_from([0.0, 0.3, 1.0, [0.1, 0.9], 1.5]),
    "percentile.q": st.sampled_from([0, 30, 100, [10, 90], 150]),
    "nanpercentile.q": st.sampled_from([0, 30, 100, [10, 90], 150]),
    **{f"{f}.{n}": small for f in ("diff", "matrix_power", "fft", "ifft", "rfft", "irfft", "hfft", "ihfft") for n in "n"},
    **{f"{f}.k": small for f in ("tril", "triu", "diag", "diagflat", "rot90", "eye")},
    "choose.choices": st.one_of(alike, several), "choose.a": integers,
    "reshape.shape": st.sampled_from([-1, (-1,), (3, 2), (1, -1), (6,), (9,), (), (0,), (-1, -1)]),
    "broadcast_to.shape": st.sampled_from([(3,), (2, 3), (2, 3, 3), (), (4,)]),
    "resize.new_shape": st.sampled_from([(3,), (2, 3), 4, 0]),
    "unravel_index.shape": st.just((3, 4)), "unravel_index.indices": integers,
    "ravel_multi_index.multi_index": st.tuples(integers, integers), "ravel_multi_index.dims": st.just((3, 4)),
    "bincount.x": arrays(dtypes=["int64", "uint8"]), "bincount.weights": st.one_of(st.none(), real),
    "average.weights": st.one_of(st.none(), real), "histogram.weights": st.one_of(st.none(), real),
    "trapezoid.x": st.one_of(st.none(), real), "trapezoid.dx": number, "gradient.varargs": st.just(()),
    "fftn.s": st.sampled_from([None, (2,), (2, 3)]), "fft2.s": st.just(None), "transpose.axes": axis,
    "moveaxis.source": st.one_of(small, st.just((0, 1))), "moveaxis.destination": st.one_of(small, st.just((1, 0))),
    "flip.m": arrays(), "roll.shift": st.one_of(small, st.just((1, 2))),
    "rollaxis.start": small, "tensordot.axes": st.sampled_from([0, 1, 2, ([0], [0]), 3]),
    "fmod.x2": arrays(), "clip.a_min": st.one_of(number, st.none(), real), "clip.a_max": st.one_of(number, st.none(), real),
    "interp.xp": st.sampled_from([np.array([0.0, 1.0, 2.0]), np.array([0.0]), np.array([0.0, 1.0])]),
    "interp.fp": st.sampled_from([np.array([0.0, 1.0, 4.0]), np.array([0.0]), np.array([0.0, 1j])]),
    "interp.left": st.none(), "interp.right": st.none(), "interp.period": st.sampled_from([None, 2.0]),
}  # fmt: skip

#: Parameters that are left at their defaults: what they name is not of values.
LEFT_OUT = {
    "out",
    "casting",
    "subok",
    "signature",
    "like",
    "device",
    "extobj",
    "wrt",
    "kwargs",
    "axes",
    "check_finite",
    "overwrite_b",
    "overwrite_a",
    "stat_length",
    "sorter",
    "optimize",
    "kwds",
    "bitorder",
    "order",
    "min",
    "max",
    "fweights",
    "aweights",
}
#: Functions that take functions, write into their argument, or whose results are not determined: tested elsewhere.
KEPT_OUT = {
    "apply_along_axis",
    "apply_over_axes",
    "piecewise",
    "fromfunction",
    "vectorize",
    "frompyfunc",
    "copyto",
    "place",
    "put",
    "put_along_axis",
    "putmask",
    "fill_diagonal",
    "empty_like",
    "einsum",
    "einsum_path",
    "eig",
    "eigvals",
    "shares_memory",
    "may_share_memory",
    "array_repr",
    "array_str",
    "array2string",
    "save",
    "savez",
    "savez_compressed",
    "savetxt",
    "eigh",
    "svd",
    "qr",
    "roots",
    "lexsort",
    "block",
    "select",
    "pad",
    "ix_",
    "histogramdd",
}


#: Where NumPy's own code trips over what has an answer, and why.
ANSWERED = {
    "numpy.bincount": "it does not look at the weights where there is nothing to count",
    "numpy.interp": "it takes the real part of a complex number, not of an array",
    "numpy.polydiv": "it looks for the first of no coefficients",
    "numpy.average": "it divides by the size of an empty result",
    "numpy.linalg.cond": "it looks for p in a set, and arrays have no hash",
    "numpy.linalg.svdvals": "whether LAPACK converges on infinities depends on whether vectors are asked for",
    "numpy.linalg.tensorinv": "it reshapes to no axes",
    "numpy.correlate": "it takes numbers for sequences of one element only where both are",
    "numpy.meshgrid": "it gives a list where it neither copies nor broadcasts",
    "numpy.polyder": "it asks for the length of a number",
}
#: Options that are refused, and the values that are not.
REFUSED: dict[str, dict[str, Any]] = {"numpy.nan_to_num": {"copy": True}}  # a write into the argument
#: Of these NumPy leaves the order open.
SORTED_FIRST: dict[str, Callable[[Any], Any]] = {"numpy.partition": lambda x: np.sort(np.ravel(np.asarray(minigrad.raw(x))))}


def _functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    for name in minigrad.registered():
        module, _, short = name.rpartition(".")
        if module in ("numpy", "numpy.linalg", "numpy.fft") and short not in KEPT_OUT:
            yield name, getattr(importlib.import_module(module), short)


FUNCTIONS = dict(_functions())


def _parameters(function: Any) -> list[inspect.Parameter]:
    if isinstance(function, np.ufunc):
        names = ["x"] if function.nin == 1 else [f"x{i + 1}" for i in range(function.nin)]
        return [inspect.Parameter(n, inspect.Parameter.POSITIONAL_ONLY) for n in names]
    return list(inspect.signature(function).parameters.values())


def _drawn(data: Any, name: str, function: Any) -> tuple[list[Any], dict[str, Any]]:
    """Arguments for a call, those with a default by chance."""
    args: list[Any] = []
    options: dict[str, Any] = {}
    for p in _parameters(function):
        strategy = DRAWN.get(f"{name.rpartition('.')[2]}.{p.name}", DRAWN.get(p.name))
        if p.name in LEFT_OUT or strategy is None and p.default is not p.empty or p.kind is p.VAR_KEYWORD:
            if p.default is p.empty and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL):
                raise AssertionError(f"{name}: nothing is known of its parameter {p.name!r}: add it to DRAWN")
            continue
        assert strategy is not None, f"{name}: nothing is known of its parameter {p.name!r}: add it to DRAWN"
        if p.kind is p.VAR_POSITIONAL:
            args += data.draw(strategy, label=p.name)
        elif p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD):
            args.append(data.draw(strategy, label=p.name))
        elif data.draw(st.integers(0, 2), label=f"{p.name}?") == 0:
            options[p.name] = data.draw(strategy, label=p.name)
    return args, options


def _tensors(x: Any, recorded: bool) -> Any:
    """The same values with Tensors for the arrays."""
    if isinstance(x, np.ndarray):
        return Tensor(x.copy(), requires_grad=recorded and x.dtype.kind in "fc")
    return type(x)(_tensors(part, recorded) for part in x) if isinstance(x, (list, tuple)) else x


def _called(function: Any, args: Any, options: Any) -> Any:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return function(*args, **options)
        except Exception as error:
            return error


def _tolerance(x: Any) -> float:
    """What the least precise numbers in nested arguments and results allow."""
    if isinstance(x, (tuple, list)):
        return max((_tolerance(part) for part in x), default=0.0)
    dtype = getattr(x, "dtype", np.dtype(bool))
    return {2: 2e-2, 4: 1e-5}.get(np.finfo(dtype).dtype.itemsize, 1e-11) if dtype.kind in "fc" else 1e-11


def _same(got: Any, want: Any, tolerance: float, where: str = "the result") -> None:
    """The same values, dtypes and containers, a Tensor for each array."""
    if isinstance(want, (tuple, list)):
        assert isinstance(got, (tuple, list)), f"{where} is {type(got).__name__}, NumPy's {type(want).__name__}"
        assert len(got) == len(want)
        assert isinstance(got, list) == isinstance(want, list), f"{where} is of type {type(got).__name__}"
        for i, (g, w) in enumerate(zip(got, want, strict=True)):
            _same(g, w, tolerance, f"{where}[{i}]")
        return
    if isinstance(want, (np.ndarray, np.generic)):
        values = got.detach().numpy() if isinstance(got, Tensor) else np.asarray(got)
        assert values.dtype == want.dtype, f"{where} has dtype {values.dtype}, NumPy's {want.dtype}"
        assert values.shape == want.shape, f"{where} has shape {values.shape}, NumPy's {want.shape}"
        if want.dtype.kind in "fc":
            if want.dtype.kind == "c":  # which part of a product with infinity is NaN depends on the order of its sums
                values, want = (np.where(np.isfinite(values) | np.isfinite(want), x, 0.0) for x in (values, want))
            for part in (np.real, np.imag):
                np.testing.assert_allclose(part(values), part(want), rtol=tolerance, atol=tolerance)
        else:
            np.testing.assert_array_equal(values, want)
    else:
        np.testing.assert_equal(got.item() if isinstance(got, Tensor) else got, want)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_numpys_answer_or_an_error_in_both(name: str) -> None:
    function = FUNCTIONS[name]

    @settings(
        max_examples=EXAMPLES, derandomize=EXAMPLES == 10, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck), print_blob=False,
    )  # fmt: skip
    @given(st.data())
    def check(data: Any) -> None:
        args, options = _drawn(data, name, function)
        recorded = data.draw(st.booleans(), label="requires_grad")
        tensors = _tensors(args, recorded), {n: _tensors(v, False) for n, v in options.items()}
        want, got = _called(function, args, options), _called(function, *tensors)
        CALLS[name] += 1
        if any(options.get(option, value) != value for option, value in REFUSED.get(name, {}).items()):
            assert isinstance(got, Exception)
        elif isinstance(want, Exception):
            assert isinstance(got, Exception) or name in ANSWERED, f"NumPy says {want!r}, minigrad gives {got!r}"
            assert not isinstance(got, (NameError, AttributeError)) or isinstance(want, AttributeError), got
        elif isinstance(got, Exception) and name not in ANSWERED:
            raise AssertionError(f"NumPy gives {want!r}, minigrad says {got!r}") from got
        elif not isinstance(got, Exception):
            want = tuple(want) if name == "numpy.meshgrid" else want
            order = SORTED_FIRST.get(name, lambda x: x)
            _same(order(got), order(want), _tolerance([args, want]))

    check()


def test_many_functions_are_called() -> None:
    """What was called is printed with -s; in parallel runs each process counts its own."""
    print(f"\n{sum(CALLS.values())} calls of {len(CALLS)} functions")
    assert len(FUNCTIONS) > 250
    assert sum(CALLS.values()) >= 0.8 * EXAMPLES * len(CALLS)
