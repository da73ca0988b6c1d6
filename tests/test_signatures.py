"""NumPy's functions have NumPy's signatures here: names, order, defaults, and what they do."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from operator import attrgetter
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor

from .versions import tells_signatures

#: What NumPy takes and we refuse, with the reason: (function, option) -> (why, a value to refuse).
REFUSED: dict[tuple[str, str], tuple[str, Any]] = {
    ("numpy.sort", "order"): (
        "the fields of structured arrays, which hold no numbers alone",
        "field",
    ),
    ("numpy.partition", "order"): (
        "the fields of structured arrays, which hold no numbers alone",
        "field",
    ),
}


def numpy_function(name: str) -> Any:
    return attrgetter(name.removeprefix("numpy."))(np)


#: Functions that make tensors, and what these take beside NumPy's parameters, by keyword.
NEW_TENSORS = {"linspace", "logspace", "geomspace"}
OF_TENSORS = {"device", "requires_grad"}


def names() -> list[str]:
    """NumPy's functions that work on Tensors; without the ufuncs, whose options the engine adds."""
    return [n for n in mg.registered() if n.startswith("numpy.") and not isinstance(numpy_function(n), np.ufunc)]


def parameters(function: Any) -> list[tuple[str, Any, Any]]:
    return [(p.name, p.kind, p.default) for p in inspect.signature(function).parameters.values()]


#: Parameters that NumPy has from 2.5 on.
OF_LATER_VERSIONS = {"descending"}


def test_sort_descends_where_numpys_does() -> None:
    x = Tensor(np.array([1.0, 3.0, 2.0]), requires_grad=True)
    if "descending" not in inspect.signature(np.sort).parameters:
        with pytest.raises(TypeError, match="descending"):
            mg.sort(x, descending=True)
        return
    y = np.sort(x, descending=True)
    assert y.tolist() == [3.0, 2.0, 1.0]
    (y * np.array([1.0, 2.0, 3.0])).sum().backward()
    assert x.grad.tolist() == [3.0, 1.0, 2.0]


@tells_signatures
@pytest.mark.parametrize("name", names())
def test_signature_is_numpys(name: str) -> None:
    theirs, ours = parameters(numpy_function(name)), parameters(mg.registered()[name])
    known = {t[0] for t in theirs}
    ours = [p for p in ours if p[0] in known or p[0] not in OF_LATER_VERSIONS]
    if name.removeprefix("numpy.") in NEW_TENSORS:
        ours = [p for p in ours if p[0] in {t[0] for t in theirs} or p[0] not in OF_TENSORS]
    assert [p[:2] for p in ours] == [p[:2] for p in theirs]
    for (parameter, _, default), (_, _, numpys) in zip(ours, theirs, strict=True):
        if numpys is np._NoValue:  # what it stands for is the function's own affair
            continue
        assert type(default) is type(numpys), parameter
        assert default == numpys or (default is numpys), parameter


def test_few_options_are_refused() -> None:
    assert len(REFUSED) <= 25
    assert all(reason for reason, _ in REFUSED.values())
    assert {name for name, _ in REFUSED} <= set(names())


@pytest.mark.parametrize(("name", "option"), list(REFUSED))
def test_a_refused_option_is_named(name: str, option: str) -> None:
    first = {"numpy.partition": (Tensor([2.0, 1.0]), 1)}.get(name, (Tensor([2.0, 1.0]),))
    with pytest.raises((TypeError, ValueError, NotImplementedError), match=option):
        numpy_function(name)(*first, **{option: REFUSED[name, option][1]})


X = np.array([[2.0, -1.0, 0.5], [3.0, 4.0, -2.5]])
HOLES = np.where(X == 0.5, np.nan, X)
MASK = np.array([[True, False, True], [True, True, False]])
MEAN = np.array([[0.5], [1.5]])
N = np.array([7, -3, 120], np.int8)
V = np.array([0.5, -1.0, 2.0, 3.5])
W = np.array([1.0, 2.0, 0.5])
K = np.array([0, 2, 2])


def call(functions: str, **values: Any) -> list[tuple[str, dict[str, Any]]]:
    """The functions of NumPy that are called with these values."""
    return [(f"numpy.{name}", values) for name in functions.split()]


SUM = {"axis": 1, "dtype": np.float32, "out": None, "keepdims": True, "initial": 2.0, "where": MASK}
BEST = {"axis": (0, 1), "out": None, "keepdims": True, "initial": 0.7, "where": MASK}
MIDDLE = {"axis": 1, "dtype": np.float64, "out": None, "keepdims": True, "where": MASK}
SPREAD = {"axis": 1, "dtype": None, "out": None, "ddof": 0, "keepdims": True, "where": MASK}
SCAN = {"axis": 1, "dtype": np.float64, "out": None}
PLACE = {"axis": 1, "out": None, "overwrite_input": False}
FFT = {"n": 5, "axis": 0, "norm": "ortho", "out": None}
FFTN = {"s": (4, -1), "axes": (1, 0), "norm": "forward", "out": None}
PART = PLACE | {"method": "hazen", "keepdims": True, "weights": None}
PICK = PLACE | {"method": "inverted_cdf", "keepdims": False}
FIT = {"rcond": None, "full": False, "w": None, "cov": False}

#: Functions with a value for each of their parameters, in NumPy's order.
CALLS: list[tuple[str, dict[str, Any]]] = [
    *call("sum prod", a=X, **SUM),
    *call("nansum nanprod", a=HOLES, **SUM | {"axis": 0, "dtype": None}),
    *call("max min amax amin nanmax nanmin", a=X, **BEST),
    *call("max", a=N, axis=0, out=None, keepdims=False, initial=5, where=N > 0),
    *call("mean nanmean", a=X, **MIDDLE),
    *call("var std", a=X, **SPREAD, mean=MEAN, correction=0.5),
    *call("nanvar nanstd", a=HOLES, **SPREAD, mean=MEAN, correction=0.5),
    *call("all any", a=X > 0, axis=1, out=None, keepdims=True, where=MASK),
    *call("ptp", a=X, axis=1, out=None, keepdims=True),
    *call("cumsum cumprod", a=X, **SCAN),
    *call("nancumsum nancumprod", a=HOLES, **SCAN),
    *call("cumsum", a=N, axis=None, dtype=np.int8, out=None),
    *call("sort", a=X, axis=0, kind="heapsort", order=None, stable=None),
    *call("sort", a=X, axis=None, kind=None, order=None, stable=True),
    *call("argsort", a=X, axis=0, kind=None, order=None, stable=True),
    *call("partition", a=X, kth=2, axis=1, kind="introselect", order=None),
    *call("argmax", a=X, axis=0, out=None, keepdims=True),
    *call("round", a=X * 1.234, decimals=1, out=None),
    *call("quantile nanquantile", a=HOLES, q=[0.2, 0.7], **PART),
    *call("percentile nanpercentile", a=HOLES, q=40, **PART),
    *call("quantile", a=X, q=[0.0, 0.3, 0.65], **PICK, weights=W),
    *call("nanquantile", a=HOLES, q=[0.0, 0.3, 0.65], **PICK, weights=X**2),
    *call("percentile", a=X, q=[0, 30], **PICK, weights=W),
    *call("nanpercentile", a=HOLES, q=30, **PICK, weights=X**2),
    *call("median nanmedian", a=HOLES, **PLACE, keepdims=True),
    *call("average", a=X, axis=1, weights=W, returned=True, keepdims=True),
    *call(
        "cov", m=X, y=X[::-1] ** 2, rowvar=True, bias=False, ddof=1,
        fweights=K + 1, aweights=W, dtype=None,
    ),
    *call(
        "cov", m=X, y=None, rowvar=False, bias=True, ddof=None,
        fweights=None, aweights=W[:2], dtype=np.float64,
    ),
    *call("corrcoef", x=X, y=X[::-1] ** 2, rowvar=True, dtype=np.float64),
    *call("bincount", x=K, weights=W, minlength=5),
    *call("histogram", a=X, bins=3, range=(-2, 3), density=True, weights=np.abs(X)),
    *call("angle", z=X + 1j, deg=True),
    *call("real_if_close", a=X + 1e-18j, tol=1000),
    *call("real imag", val=X * 1j),
    *call("sinc", x=X),
    *call("sort_complex", a=V),
    *call("fft.fft fft.ifft fft.rfft fft.irfft fft.hfft fft.ihfft", a=X, **FFT),
    *call("fft.fftn fft.ifftn fft.rfftn fft.irfftn", a=X, **FFTN),
    *call("fft.fft2 fft.ifft2 fft.rfft2 fft.irfft2", a=X, **FFTN),
    *call("fft.fftshift", x=X, axes=1),
    *call("fft.ifftshift", x=X, axes=[0, 1]),
    *call("polyfit", x=V, y=np.stack([V**2, V**3]).T, deg=1, **FIT | {"full": True, "w": V + 2}),
    *call("polyfit", x=V, y=V**3, deg=1, **FIT | {"rcond": 1e-9, "cov": True}),
    *call("polyfit", x=V, y=np.stack([V**3, V]).T, deg=2, **FIT | {"w": V + 2, "cov": "unscaled"}),
    *call("polyint", p=V, m=2, k=[3.0, 4.0]),
    *call("polyder", p=V, m=2),
    *call("polyval", p=np.array([1, 2, 3]), x=np.array([2, 5])),
    *call("polydiv", u=V, v=W),
    *call("vander", x=V, N=3, increasing=True),
    *call("poly", seq_of_zeros=V),
    *call("roots", p=np.array([1, -3, 2])),
]  # fmt: skip
CALL_IDS = [f"{name}-{i}" for i, (name, _) in enumerate(CALLS)]


def tensors(x: Any) -> Any:
    return Tensor(x) if isinstance(x, np.ndarray) else x


def same(got: Any, want: Any) -> None:
    """The same numbers, shapes and dtypes, in the same containers."""
    if isinstance(want, (tuple, list)):
        assert len(got) == len(want)
        for a, b in zip(got, want, strict=True):
            same(a, b)
        return
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape
    assert got.dtype == want.dtype or (want.ndim == 0 and got.dtype.kind == want.dtype.kind == "i")
    tolerance = 1e-5 if want.dtype in (np.float32, np.complex64) else 1e-11
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)


def positional(function: Callable[..., Any], values: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Arguments by position as far as NumPy takes them so, the rest by name."""
    by_name = {n for n, kind, _ in parameters(function) if kind is inspect.Parameter.KEYWORD_ONLY}
    return [v for n, v in values.items() if n not in by_name], {n: v for n, v in values.items() if n in by_name}


@tells_signatures
@pytest.mark.parametrize(("name", "values"), CALLS, ids=CALL_IDS)
def test_every_parameter_by_position(name: str, values: dict[str, Any]) -> None:
    function = numpy_function(name)
    assert list(values) == [n for n, _, _ in parameters(function) if n not in OF_LATER_VERSIONS]
    args, kwargs = positional(function, values)
    want = function(*args, **kwargs)
    same(function(*map(tensors, args), **{n: tensors(v) for n, v in kwargs.items()}), want)
    same(
        mg.registered()[name](*map(tensors, args), **{n: tensors(v) for n, v in kwargs.items()}),
        want,
    )


@tells_signatures
@pytest.mark.parametrize(("name", "values"), CALLS, ids=CALL_IDS)
def test_every_parameter_by_name(name: str, values: dict[str, Any]) -> None:
    function = numpy_function(name)
    only = {n for n, kind, _ in parameters(function) if kind is inspect.Parameter.POSITIONAL_ONLY}
    args = [v for n, v in values.items() if n in only]
    kwargs = {n: v for n, v in values.items() if n not in only}
    want = function(*args, **kwargs)
    same(function(*map(tensors, args), **{n: tensors(v) for n, v in kwargs.items()}), want)
    same(
        mg.registered()[name](*map(tensors, args), **{n: tensors(v) for n, v in kwargs.items()}),
        want,
    )


WITH_OUT = [(name, values) for name, values in CALLS if "out" in values]


@pytest.mark.parametrize(("name", "values"), WITH_OUT, ids=[name for name, _ in WITH_OUT])
def test_out_gets_the_result(name: str, values: dict[str, Any]) -> None:
    """By NumPy's function and by ours, by name and by position; a gradient goes through it."""
    function, ours = numpy_function(name), mg.registered()[name]
    want = function(**values)
    names = list(values)[: list(values).index("out")]
    tail = {n: tensors(v) for n, v in values.items() if n not in (*names, "out")}
    for call, by_position in ((function, False), (ours, False), (ours, True)):
        first = {n: tensors(v) for n, v in values.items() if n in names}
        x = first["a"]
        if x.dtype.kind == "f":
            x.requires_grad = True
        out = Tensor(np.zeros_like(want))
        got = call(*first.values(), out, **tail) if by_position else call(**first, out=out, **tail)
        assert got is out
        same(out.detach(), want)
        if x.requires_grad and function not in (np.argmax, np.argsort, np.round):
            np.real(out).sum().backward()
            assert x.grad is not None
