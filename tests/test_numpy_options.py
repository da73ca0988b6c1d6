"""Options, orders and errors of NumPy's functions: on Tensors what they are on arrays."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor, grad

from .versions import NUMPY, tells_signatures

X = np.arange(6.0).reshape(2, 3)
V = np.array([3.0, 0.0, -1.0, 4.0])
N = np.array([[0, 5, 2], [7, 1, 1]])
F32 = X.astype(np.float32)
WINDOWS = np.lib.stride_tricks.sliding_window_view


def flat(y: Any) -> list[Any]:
    return [part for item in y for part in flat(item)] if isinstance(y, (list, tuple)) else [y]


def values(y: Any) -> np.ndarray:
    return y.detach().numpy() if isinstance(y, Tensor) else np.asarray(y)


def compare(f: Callable[..., Any], arrays: tuple[np.ndarray, ...], requires_grad: bool) -> None:
    """The same containers, values and dtypes, and Tensors in them; or an error where NumPy has one."""
    inputs = [Tensor(a.copy(), requires_grad=requires_grad and a.dtype.kind in "fc") for a in arrays]
    try:
        want = f(*(a.copy() for a in arrays))
    except Exception:
        with pytest.raises((ValueError, TypeError, IndexError, NotImplementedError)):
            f(*inputs)
        return
    got = f(*inputs)
    assert type(got) is type(want) or isinstance(got, Tensor)
    assert len(flat(got)) == len(flat(want))
    for a, b in zip(flat(got), flat(want), strict=True):
        assert isinstance(a, Tensor)
        np.testing.assert_allclose(values(a), b, rtol=1e-6, atol=1e-12)
        assert a.dtype == np.asarray(b).dtype


CASES: dict[str, tuple[Callable[..., Any], tuple[np.ndarray, ...]]] = {
    "reshape by F": (lambda x: np.reshape(x, (3, 2), "F"), (X,)),
    "reshape that copies": (lambda x: np.reshape(x, 6, copy=True), (X,)),
    "reshape that cannot be a view": (lambda x: np.reshape(x.T, 6, copy=False), (X,)),
    "ravel by F": (lambda x: np.ravel(x, "F"), (X,)),
    "method reshape by F": (lambda x: x.reshape(3, 2, order="F"), (X,)),
    "method flatten": (lambda x: x.flatten("F"), (X,)),
    "take wraps": (lambda x: np.take(x, [7, -9], mode="wrap"), (X,)),
    "take clips": (lambda x: x.take([7, -9], 1, None, "clip"), (X,)),
    "take out of range": (lambda x: np.take(x, [3], axis=1), (X,)),
    "take with a wrong mode": (lambda x: np.take(x, [3], axis=1, mode="round"), (X,)),
    "take of an axis out of range": (lambda x: np.take(x, [0], axis=2), (X,)),
    "take with floats": (lambda x: np.take(x, np.array([0.5])), (X,)),
    "take with booleans": (lambda x: np.take(x, [True, False]), (X,)),
    "take of one": (lambda x: np.take(x, 1), (X,)),
    "take of none": (lambda x: np.take(x, []), (X,)),
    "take_along_axis broadcasts": (lambda x: np.take_along_axis(x, np.array([[2, 0]]), axis=1), (X,)),
    "take_along_axis flattened": (lambda x: np.take_along_axis(x, np.array([5, 0]), axis=None), (X,)),
    "take_along_axis of other ndim": (lambda x: np.take_along_axis(x, np.array([1]), axis=1), (X,)),
    "take_along_axis that does not fit": (lambda x: np.take_along_axis(x, np.zeros((3, 1), int), axis=1), (X,)),
    "compress": (lambda x: x.compress([True, False, True], 1), (X,)),
    "compress flattened": (lambda x: np.compress([True, False, True], x), (X,)),
    "compress by a matrix": (lambda x: np.compress(x > 1, x), (X,)),
    "concatenate to float64": (lambda x: np.concatenate([x, x], dtype=np.float64), (F32,)),
    "concatenate that may not cast": (lambda x: np.concatenate([x, x], dtype=np.float32, casting="safe"), (X,)),
    "concatenate of numbers under a rule": (lambda x: np.concatenate([x[0], [1, 2]], casting="no"), (X,)),
    "stack to float32": (lambda x: np.stack([x, x], 1, dtype=np.float32), (X,)),
    "vstack to integers": (lambda x: np.vstack([x, x], dtype=int, casting="unsafe"), (X,)),
    "hstack may not": (lambda x: np.hstack([x, x], dtype=int), (X,)),
    "hstack of nothing": (lambda x: np.hstack([x[:0], x[:0]]), (V,)),
    "split": (lambda x: np.split(x, 2), (V,)),
    "split unequally": (lambda x: np.split(x, 3), (V,)),
    "array_split": (lambda x: np.array_split(x, 3), (V,)),
    "vsplit of a vector": (lambda x: np.vsplit(x, 2), (V,)),
    "hsplit of a vector": (lambda x: np.hsplit(x, 2), (V,)),
    "dsplit of a matrix": (lambda x: np.dsplit(x, 1), (X,)),
    "unstack": (lambda x: np.unstack(x, axis=1), (X,)),
    "block of a tuple": (lambda x: np.block([(x, x)]), (X,)),
    "block of unequal depth": (lambda x: np.block([[x], x]), (X,)),
    "block with nothing": (lambda x: np.block([[x], []]), (X,)),
    **{
        f"pad {mode} {sorted(options)}": (partial(np.pad, pad_width=((2, 3), (1, 4)), mode=mode, **options), (x,))
        for x in (X, F32)
        for mode, options in (
            ("maximum", {}), ("minimum", {"stat_length": 1}), ("mean", {"stat_length": ((1, 2), (9, 1))}), ("median", {}),
            ("linear_ramp", {"end_values": (5.0, 7.0)}), ("reflect", {"reflect_type": "odd"}),
            ("symmetric", {"reflect_type": "odd"}), ("constant", {"constant_values": ((1, 2), (3, 4))}), ("wrap", {}),
        )
    },
    "pad by a dict": (lambda x: np.pad(x, {-1: (1, 2)}), (X,)),
    "pad with integers": (lambda x: np.pad(x, 2, "mean"), (N,)),
    "pad of nothing": (lambda x: np.pad(x[:0], 1, "mean"), (V,)),
    "pad by no statistic": (lambda x: np.pad(x, 1, "maximum", stat_length=0), (V,)),
    "pad with a foreign option": (lambda x: np.pad(x, 1, "edge", stat_length=1), (X,)),
    "pad in an unknown mode": (lambda x: np.pad(x, 1, "mirror"), (X,)),
    "pad by half": (lambda x: np.pad(x, 0.5), (X,)),
    "trace of small integers": (np.trace, (N.astype(np.int8),)),
    "trace in float32": (lambda x: x.trace(0, 0, 1, np.float32), (X,)),
    "diag of a number": (lambda x: np.diag(x[0]), (V,)),
    "linspace with its step": (lambda x: np.linspace(x, 2.0, 5, retstep=True), (X,)),
    "linspace of integers": (lambda x: np.linspace(x, 7.0, 4, dtype=int), (X,)),
    "linspace in float32": (lambda x: np.linspace(0.0, x, 4), (F32,)),
    "linspace of less than nothing": (lambda x: np.linspace(x, 1.0, -1), (X,)),
    "linspace of one": (lambda x: np.linspace(x, 1.0, 1), (X,)),
    "logspace with bases": (lambda x: np.logspace(x[0], 2.0, 3, base=x[1], axis=-1), (X,)),
    "geomspace downwards": (lambda x: np.geomspace(x + 1, 0.5, 4, axis=1), (X,)),
    "geomspace from zero": (lambda x: np.geomspace(x, 0.5, 4), (X,)),
    "full_like in another dtype": (lambda x: np.full_like(x, x[0, 1], dtype=np.float32, shape=(2, 2)), (X,)),
    "zeros_like": (lambda x: np.zeros_like(x, int, shape=3), (X,)),
    "select with a default": (lambda x: np.select([x > 4, x > 2], [x, 10.0], -1), (F32,)),
    "select of numbers": (lambda x: np.select([x > 4, x > 2], [x, 1], 0), (F32,)),
    "select without conditions": (lambda x: np.select([], [], x), (X,)),
    "select by numbers": (lambda x: np.select([x], [x]), (X,)),
    "select of unequal lists": (lambda x: np.select([x > 1], [x, x]), (X,)),
    "where with one choice": (lambda x: np.where(x > 1, x), (X,)),
    "choose": (lambda x: np.choose([0, 1, 0], x), (X,)),
    "choose wraps": (lambda x: np.choose([2, -1, 0], x, mode="wrap"), (X,)),
    "choose out of range": (lambda x: np.choose([2, 1, 0], x), (X,)),
    "piecewise by one condition": (lambda x: np.piecewise(x, x > 2, [lambda t: t * 2, -1.0]), (X,)),
    "piecewise of nothing": (lambda x: np.piecewise(x, [x > 9], [lambda t: t.min(), 1.0]), (X,)),
    "clip by name": (lambda x: np.clip(x, min=1.0, max=3.0), (X,)),
    "clip below": (lambda x: np.clip(x, 1.0, None), (X,)),
    "clip by one bound": (lambda x: np.clip(x, 1.0), (X,)),
    "clip by both names": (lambda x: np.clip(x, 1.0, 2.0, min=0.0), (X,)),
    "method clip by one bound": (lambda x: x.clip(1.0), (X,)),
    "nan_to_num": (lambda x: np.nan_to_num(np.where(x > 1, np.nan, -np.inf), nan=x, neginf=6.0), (X,)),
    "insert far away": (lambda x: np.insert(x, 9, 1.0), (V,)),
    "insert nothing": (lambda x: np.insert(x, [], []), (V,)),
    "insert along an axis out of range": (lambda x: np.insert(x, 0, 1.0, axis=2), (X,)),
    "delete along an axis out of range": (lambda x: np.delete(x, 0, axis=2), (X,)),
    "trim_zeros": (lambda x: np.trim_zeros(x, "f", axis=1), (np.pad(X, 1),)),
    "trim_zeros of a matrix": (np.trim_zeros, (np.pad(X, 2),)),
    "trim_zeros of zeros": (lambda x: np.trim_zeros(x * 0.0, "b"), (V,)),
    "trim_zeros nowhere": (lambda x: np.trim_zeros(x, "x"), (V,)),
    "diff of order 0": (lambda x: np.diff(x, 0), (X,)),
    "diff of negative order": (lambda x: np.diff(x, -1), (X,)),
    "diff of booleans": (lambda x: np.diff(x > 1), (X,)),
    "diff of one": (lambda x: np.diff(x[:1], 2), (V,)),
    "diff along an axis out of range": (lambda x: np.diff(x, axis=2), (X,)),
    "ediff1d in float32": (lambda x: np.ediff1d(x, 9.0, [1.0, 2.0]), (F32,)),
    "ediff1d of integers with a float": (lambda x: np.ediff1d(x, 0.5), (N,)),
    "gradient of integers": (np.gradient, (N,)),
    "gradient of order 3": (lambda x: np.gradient(x, edge_order=3), (V,)),
    "gradient with coordinates for two axes": (lambda x: np.gradient(x, x[0]), (X,)),
    "unwrap of integers": (lambda x: np.unwrap(x * 3, period=4), (N,)),
    "unwrap in float32": (lambda x: np.unwrap(x * 5), (F32,)),
    "interp of one point": (lambda x: np.interp(x, x[1:2], x[:1]), (V,)),
    "interp of unequal points": (lambda x: np.interp(x, x, x[:2]), (V,)),
    "interp of period 0": (lambda x: np.interp(x, x, x, period=0), (V,)),
    "convolve with a number": (lambda x: np.convolve(x, 2.0), (V,)),
    "convolve of nothing": (lambda x: np.convolve(x, x[:0]), (V,)),
    "convolve of matrices": (lambda x: np.convolve(x, V), (X,)),
    **{
        f"correlate {mode} {n}": (lambda x, y, mode=mode: np.correlate(x, y, mode), (V[:n], X.ravel()))
        for mode in ("full", "same", "valid")
        for n in (3, 4)
    },
    "windows that do not fit": (lambda x: WINDOWS(x, 7), (V,)),
    "windows for fewer axes": (lambda x: WINDOWS(x, 2), (X,)),
    "cumulative_sum of a matrix": (np.cumulative_sum, (X,)),
    "cumulative_sum": (lambda x: np.cumulative_sum(x, axis=1, dtype=np.float64, include_initial=True), (F32,)),
    "meshgrid by another order": (lambda x: np.meshgrid(x, x, indexing="yx"), (V,)),
    "rot90 in no plane": (lambda x: np.rot90(x, axes=(1, -1)), (X,)),
    "method transpose": (lambda x: x.transpose(1, 0), (X,)),
    "method transpose by a tuple": (lambda x: x.transpose((1, 0)), (X,)),
    "method transpose by None": (lambda x: x.transpose(None), (X,)),
    "method transpose of a vector": (lambda x: x.transpose(0), (V,)),
    "method transpose by too few axes": (lambda x: x.transpose(0), (X,)),
    "rollaxis out of range": (lambda x: np.rollaxis(x, 2), (X,)),
    "rollaxis backwards": (lambda x: np.rollaxis(x, 1, -1), (X,)),
    "matrix_transpose of a vector": (np.matrix_transpose, (V,)),
    "resize to a negative length": (lambda x: np.resize(x, -1), (V,)),
    "atleast_3d": (lambda x: np.atleast_3d(x[0, 0], x[0], x), (X,)),
    "apply_along_axis out of range": (lambda x: np.apply_along_axis(np.sum, 2, x), (X,)),
    "astype safely": (lambda x: x.astype(np.float32, casting="safe"), (X,)),
    "astype by position": (lambda x: x.astype(np.float32, "K", "same_kind", True, False), (X,)),
}  # fmt: skip


#: What NumPy's arrays do from 2.2 on.
OF_NUMPY_2_2 = {"pad by a dict", "trim_zeros of a matrix", "trim_zeros nowhere"}


@pytest.mark.parametrize("requires_grad", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_tensors_do_what_arrays_do(name: str, requires_grad: bool) -> None:
    if name in OF_NUMPY_2_2 and NUMPY < (2, 2):
        pytest.skip("the arrays of this NumPy do less")
    f, arrays = CASES[name]
    compare(f, arrays, requires_grad)


WRITES: dict[str, Callable[[Any], Any]] = {
    "put": lambda x: np.put(x, [0, 4], [7.0, 8.0]),
    "put wraps": lambda x: x.put([7, -9], 7.0, "wrap"),
    "put out of range": lambda x: np.put(x, [6], 7.0),
    "put nothing": lambda x: np.put(x, [0], []),
    "place nothing": lambda x: np.place(x, x > 1, []),
    "place nowhere": lambda x: np.place(x, x > 9, [1.0]),
    "putmask nothing": lambda x: np.putmask(x, x > 1, []),
    "putmask of another size": lambda x: np.putmask(x, [True], 1.0),
    "put_along_axis broadcasts": lambda x: np.put_along_axis(x, np.array([[2, 0]]), 9.0, axis=1),
    "put_along_axis flattened": lambda x: np.put_along_axis(x, np.array([5, 0]), [8.0, 9.0], axis=None),
    "put_along_axis of other ndim": lambda x: np.put_along_axis(x, np.array([1]), 9.0, axis=1),
    "fill": lambda x: x.fill(3.0),
}


@pytest.mark.parametrize("name", WRITES)
def test_tensors_are_written_as_arrays_are(name: str) -> None:
    array, tensor = X.copy(), Tensor(X.copy(), requires_grad=True) * 1.0
    try:
        WRITES[name](array)
    except (ValueError, IndexError):
        with pytest.raises((ValueError, IndexError)):
            WRITES[name](tensor)
        return
    WRITES[name](tensor)
    np.testing.assert_array_equal(values(tensor), array)


OUT: dict[str, Callable[..., Any]] = {
    "take": lambda x, out: np.take(x, [1, 0, 1], 1, out),
    "take as a method": lambda x, out: x.take([1, 0, 1], 1, out=out),
    "concatenate": lambda x, out: np.concatenate([x[:1], x[:1]], 0, out),
    "stack": lambda x, out: np.stack([x[0], x[1]], out=out),
    "compress": lambda x, out: np.compress([True, True, True], x, 1, out),
    "choose": lambda x, out: np.choose([0, 1, 0], [x, x * 2.0], out),
    "clip": lambda x, out: np.clip(x, 1.0, 2.0, out),
    "clip as a method": lambda x, out: x.clip(1.0, 2.0, out),
    "cumulative_sum": lambda x, out: np.cumulative_sum(x, axis=1, out=out),
}


@pytest.mark.parametrize("name", OUT)
def test_results_are_written_where_out_says(name: str) -> None:
    array, x = np.zeros((2, 3)), Tensor(X, requires_grad=True)
    OUT[name](X, array)
    target = x * 0.0
    got = OUT[name](x, target)
    np.testing.assert_array_equal(values(target), array)
    assert got is target
    target.sum().backward()
    expected = grad(lambda x: OUT[name](x, None).sum())(X)
    np.testing.assert_allclose(values(x.grad), expected)


def test_what_no_tensor_has_is_refused_by_name() -> None:
    x = Tensor(X, requires_grad=True)
    with pytest.raises(ValueError, match="order must be 'C' or 'F', got 'A'"):
        np.reshape(x, 6, order="A")
    with pytest.raises(ValueError, match="copy=False"):
        np.nan_to_num(x, copy=False)
    with pytest.raises(TypeError, match="clip: the options dtype"):
        np.clip(x, 0.0, 1.0, dtype=np.float32)
    with pytest.raises(NotImplementedError, match="name a mode"):
        np.pad(x, 1, lambda *args: None)
    with pytest.raises(ValueError, match="writeable=True"):
        WINDOWS(x, 2, axis=0, writeable=True)
    with pytest.raises(TypeError, match=r"minigrad\.flatten\(x, 1\)"):
        x.flatten(1)
    with pytest.raises(TypeError, match="use linspace"):
        mg.arange(x[0, 1])
    with pytest.raises(NotImplementedError, match="signature="):
        mg.vectorize(np.sum, signature="(n)->()")


def test_the_gradient_of_an_index_that_broadcasts_adds_up() -> None:
    index = np.array([[0, 1]])
    g = grad(lambda x: np.take_along_axis(x, index, axis=1).sum())(np.ones((2, 3)))
    assert g.tolist() == [[1.0, 1.0, 0.0]] * 2


def test_a_value_that_fills_an_array_has_the_sum_as_its_gradient() -> None:
    for f in (lambda v: mg.full((2, 3), v), lambda v: mg.full_like(X, v), lambda v: np.full_like(Tensor(X), v)):
        assert grad(lambda v, f=f: (f(v) * X).sum())(2.0) == pytest.approx(15.0)


@tells_signatures
@pytest.mark.parametrize("name", ["zeros", "ones", "empty", "full", "eye", "identity", "tri", "arange", "linspace", "logspace"])
def test_creation_functions_have_numpys_parameters(name: str) -> None:
    """In NumPy's order; of their own they have device and requires_grad, by name."""
    ours, theirs = (inspect.signature(getattr(module, name)).parameters for module in (mg, np))
    assert [n for n in ours if n in theirs] == list(theirs)
    assert {n for n in ours if n not in theirs} <= {"device", "requires_grad"}
    assert ours["requires_grad"].kind is inspect.Parameter.KEYWORD_ONLY


def test_creation_functions_take_options_by_position() -> None:
    assert mg.zeros((2, 3), "int8", "F").dtype == np.int8
    assert mg.linspace(0, 1, 5, False, False, "float64", 0).dtype == np.float64
    numbers, step = mg.linspace(0.0, 1.0, 5, retstep=True)
    assert numbers.dtype == np.float32 and step.item() == 0.25
    assert mg.ones(2, like=Tensor([1.0])).tolist() == [1.0, 1.0]
    assert mg.geomspace(1.0, 8.0, 4).dtype == np.float32
    assert mg.array([1.0, 2.0], ndmin=2).shape == (1, 2)
    assert mg.asarray([1, 2], "float64", requires_grad=True).requires_grad


def test_array_copies_and_asarray_does_not() -> None:
    a = np.ones(2)
    assert mg.array(a).data is not a and mg.asarray(a).data is a
    x = Tensor(a, requires_grad=True)
    mg.array(x).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0] and mg.asarray(x) is x
    with pytest.raises(ValueError, match="copy=None"):
        mg.array([1.0], copy=False)


METHODS = "reshape transpose ravel flatten astype take compress choose clip put fill diagonal trace repeat squeeze swapaxes"


@pytest.mark.parametrize("name", METHODS.split())
def test_methods_have_the_parameters_of_ndarrays(name: str) -> None:
    known = {
        "reshape": ["shape", "order", "copy"], "transpose": ["axes"], "ravel": ["order"], "flatten": ["order"],
        "astype": ["dtype", "order", "casting", "subok", "copy"], "take": ["indices", "axis", "out", "mode"],
        "compress": ["condition", "axis", "out"], "choose": ["choices", "out", "mode"],
        "clip": ["min", "max", "out", "kwargs"], "put": ["indices", "values", "mode"], "fill": ["value"],
        "diagonal": ["offset", "axis1", "axis2"], "trace": ["offset", "axis1", "axis2", "dtype", "out"],
        "repeat": ["repeats", "axis"], "squeeze": ["axis"], "swapaxes": ["axis1", "axis2"],
    }  # fmt: skip
    method = getattr(Tensor, name)
    assert list(inspect.signature(method).parameters)[1:] == known[name]
    assert method.__name__ == name and method.__doc__


def test_vectorize_takes_numpys_options() -> None:
    x = Tensor([1.0, 2.0], requires_grad=True)

    def polynomial(x: Any, coefficients: Any) -> Any:
        return coefficients[0] + coefficients[1] * x, x * x

    f = mg.vectorize(polynomial, otypes="df", excluded={1, "coefficients"})
    first, second = f(x, [3.0, 5.0])
    assert first.dtype == np.float64 and second.dtype == np.float32
    (first.sum() + second.sum()).backward()
    assert x.grad.tolist() == [7.0, 9.0]
    assert f(x, coefficients=[3.0, 5.0])[0].tolist() == [8.0, 13.0]
    assert mg.vectorize(np.exp, otypes="d")(np.zeros(0)).shape == (0,)
    with pytest.raises(ValueError, match="otypes"):
        mg.vectorize(np.exp)(np.zeros(0))
