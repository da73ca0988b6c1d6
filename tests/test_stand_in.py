"""The stand-in for a GPU refuses what CuPy refuses, and counts; and what the ops do about it.

The facts about CuPy stand in tests/stand_in/cupy.txt, which tools/cupy_table.py reads off the real package.
"""

from __future__ import annotations

import importlib
import pickle
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor, later
from minigrad.trees import flatten

from . import stand_in as package
from .ops_table import ROWS
from .scipy_samples import CPU_ONLY
from .stand_in import counting, installed

X = np.array([[3.0, 1.0], [2.0, 4.0]])
V = np.array([1.0, 2.0, 3.0])


@pytest.fixture
def cupy() -> Any:
    with installed() as module:
        yield module


# ------------------------------------------------------------------------- what is refused

REFUSED: dict[str, tuple[type[Exception], Callable[[Any, Any], Any]]] = {
    "an array of NumPy beside one of the GPU": (TypeError, lambda c, x: x + X),
    "a 0-d array of NumPy": (TypeError, lambda c, x: c.add(x, np.array(1.0))),
    "None": (TypeError, lambda c, x: x == None),  # noqa: E711
    "a list": (TypeError, lambda c, x: x + [[1.0, 2.0], [3.0, 4.0]]),
    "a list for an array": (AttributeError, lambda c, x: np.searchsorted(x[0], [1.0])),
    "a number in linalg": (TypeError, lambda c, x: np.linalg.solve(x, 1.0)),
    "implicit conversion": (TypeError, lambda c, x: np.asarray(x)),
    "a whole number by __index__": (TypeError, lambda c, x: range(c.asarray(3))),
    "writing a list": (TypeError, lambda c, x: x.__setitem__(0, [1.0, 2.0])),
    "writing an array of NumPy": (TypeError, lambda c, x: x.__setitem__(0, V[:2])),
    "add.at by NumPy's dispatch with a tuple": (TypeError, lambda c, x: np.add.at(x, (0, 1), 1.0)),
    "add.at of a dtype without atomics": (TypeError, lambda c, x: c.add.at(x.astype("int8"), c.asarray([0]), 1)),
    "running maxima": (NotImplementedError, lambda c, x: np.maximum.accumulate(x)),
    "reduceat of products": (NotImplementedError, lambda c, x: c.multiply.reduceat(x[0], [0, 1])),
    "a function that is not there": (TypeError, lambda c, x: np.block([[x, x]])),
    "an option that is not there": (TypeError, lambda c, x: np.sum(x, where=x > 1)),
    "device=None, which NumPy passes on": (TypeError, lambda c, x: np.eye(2, like=x)),
    "a position with another meaning": (TypeError, lambda c, x: np.histogram2d(x[0], x[1], 2, None, True)),
    "a dtype without a loop": (TypeError, lambda c, x: c.heaviside(x + 0j, 1.0)),
    "an option of ufuncs": (TypeError, lambda c, x: np.add(x, x, order="C")),
    "several outputs by out=": (ValueError, lambda c, x: np.modf(x, out=(x, x))),
    "rcond=None": (TypeError, lambda c, x: np.linalg.pinv(x, None)),
    "stacks of two shapes": (ValueError, lambda c, x: np.linalg.solve(x, c.ones((3, 2, 1)))),
    "keys in a tuple": (AttributeError, lambda c, x: np.lexsort((x[0], x[1]))),
    "other sorts": (ValueError, lambda c, x: np.argsort(x, kind="quicksort")),
    "counts on the GPU": (ValueError, lambda c, x: np.repeat(x[0], c.asarray([1, 2]))),
    "other methods of quantiles": (ValueError, lambda c, x: np.quantile(x, 0.5, method="weibull")),
    "a number for a condition": (AttributeError, lambda c, x: np.where(True, x, x)),
    "no bound": (ValueError, lambda c, x: np.clip(x, None, None)),
    "half precision in linalg": (TypeError, lambda c, x: np.linalg.inv(x.astype("float16"))),
    "a hash": (TypeError, lambda c, x: hash(x.device)),
    "a generator's method": (AttributeError, lambda c, x: c.random.default_rng(0).permutation(3)),
    "a module that is not there": (ImportError, lambda c, x: importlib.import_module("cupyx.scipy.integrate")),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cupy_refuses_is_refused(name: str, cupy: Any) -> None:
    error, f = REFUSED[name]
    with pytest.raises(error):
        f(cupy, cupy.asarray(X))


def test_the_shape_of_a_number_is_taken_for_none(cupy: Any) -> None:
    assert np.zeros_like(cupy.asarray(X), shape=()).shape == (2, 2)


def test_reductions_give_arrays_and_views_share_memory(cupy: Any) -> None:
    x = cupy.asarray(X)
    assert type(np.sum(x)) is type(x) is package.ndarray
    assert type(x).__module__ == "cupy"
    row = x[0]
    row[...] = 0.0
    assert x.get().tolist() == [[0.0, 0.0], [2.0, 4.0]]
    assert row.base is x
    assert pickle.loads(pickle.dumps(x)).get().tolist() == x.get().tolist()


def test_a_position_that_differs_names_both_parameters(cupy: Any) -> None:
    x = cupy.asarray(V)
    with pytest.raises(TypeError, match="argument 5 is 'density' in NumPy and 'weights' in CuPy"):
        np.histogram2d(x, x, 2, None, True)


# ------------------------------------------------------------------------- counting


def test_launches_and_synchronisations_are_counted(cupy: Any) -> None:
    x = cupy.asarray(X)
    with counting() as views:
        np.reshape(x.T[1:], (1, 2, 1)), np.broadcast_to(x, (3, 2, 2)), np.expand_dims(x, 0), (x + 0.0).real
    assert views.names == {"add": 1}
    with counting() as outer, counting() as inner:
        total = np.sum(np.exp(x) * 2.0)
        bool(total > 1), float(total), total.item(), x.get(), np.nonzero(x), x[x > 2]
    assert inner.names["exp"] == inner.names["multiply"] == inner.names["sum"] == 1
    assert inner.waits == {"bool": 1, "float": 1, "item": 1, "get": 1, "nonzero": 1, "mask index": 1}
    assert (outer.launches, outer.syncs) == (inner.launches, inner.syncs) != (0, 0)


def test_a_reshape_that_copies_is_a_launch(cupy: Any) -> None:
    x = cupy.asarray(X)
    with counting() as count:
        np.reshape(x.T, 4)
    assert count.names == {"reshape": 1}


# ------------------------------------------------------------------------- several devices


def test_results_land_on_the_current_device_and_devices_do_not_mix() -> None:
    with installed(devices=2) as cupy:
        a = cupy.asarray(V)
        with cupy.cuda.Device(1):
            b = cupy.asarray(V)
            assert (a.device.id, b.device.id, (b * 2).device.id) == (0, 1, 1)
            for mix in (lambda: a + b, lambda: a * 2, lambda: cupy.concatenate([a, b])):
                with pytest.raises(ValueError, match=r"resides \(0\) is different from the current device \(1\)"):
                    mix()
            moved = cupy.asarray(a)
            assert (moved.device.id, a[:1].device.id) == (1, 0)
        assert cupy.cuda.runtime.getDevice() == 0
        with pytest.raises(RuntimeError, match="invalid device ordinal"):
            cupy.cuda.Device(2).use()


# ------------------------------------------------------------------------- what a GPU does not raise


def test_a_lenient_device_wraps_indices_and_solves_singular_systems() -> None:
    singular = np.ones((2, 2))
    with installed(lenient=True) as cupy:
        x = cupy.asarray(V)
        assert x[cupy.asarray([4, -5])].get().tolist() == [2.0, 2.0]
        assert np.take(x, cupy.asarray([3])).item() == 1.0
        assert np.isinf(np.linalg.inv(cupy.asarray(singular)).get()).all()
        assert np.isnan(np.linalg.cholesky(cupy.asarray(-X)).get()).all()
        with importlib.import_module("cupyx").errstate(linalg="raise"), pytest.raises(np.linalg.LinAlgError):
            np.linalg.inv(cupy.asarray(singular))
    with installed() as cupy, pytest.raises(IndexError):
        cupy.asarray(V)[cupy.asarray([4])]


# ------------------------------------------------------------------------- constants beside tensors on a GPU

BESIDE: dict[str, Callable[[Any], Any]] = {
    "a list": lambda x: x + [1.0, 2.0],
    "a list first": lambda x: [1.0, 2.0] * x,
    "a number of NumPy's": lambda x: np.array(2.0) * x ** np.array(3.0),
    "a list in a product": lambda x: np.dot(x, [1.0, 2.0]) @ x,
    "a list among tensors": lambda x: np.concatenate([x, [[5.0, 6.0]]]),
    "a list in a composed function": lambda x: np.kron(x[0], [1.0, 2.0]) + np.outer(x, [1.0])[:, 0],
    "weights": lambda x: np.average(x, axis=1, weights=[1.0, 3.0]),
    "a list of points": lambda x: np.interp(x, [0.0, 2.0, 5.0], [1.0, 0.0, 2.0]),
    "a condition": lambda x: np.where([True, False], x, 0.0),
    "compared": lambda x: (x == [3.0, 4.0]) & np.isclose(x, [3.0, 4.0]),
    "keys": lambda x: np.lexsort((x[0], x[1])),
    "sorted places": lambda x: np.searchsorted(np.sort(x[0]), [0.0, 2.0]),
    "a number's place": lambda x: np.searchsorted(np.sort(x[0]), np.float32(2.0)),
    "where=": lambda x: np.add(x, 1.0, where=x > 2),
    "a masked test": lambda x: np.any(x > 2, axis=0, where=x < 4),
    "counts": lambda x: np.repeat(x, np.array([1, 2]), axis=0),
    "quantiles": lambda x: np.quantile(x, np.array([0.2, 0.5])),
    "like=": lambda x: np.asarray([1.0, 2.0], like=x) + np.eye(2, like=x),
    "a geometric sequence": lambda x: np.geomspace(x, 2 * x, 3),
}  # fmt: skip


@pytest.mark.parametrize("name", BESIDE)
def test_constants_go_where_the_tensor_is(name: str, cupy: Any) -> None:
    f = BESIDE[name]
    got, want = f(Tensor(X, device="cuda")), f(Tensor(X))
    assert got.device == "cuda:0"
    np.testing.assert_allclose(got.cpu().numpy(), want.numpy(), rtol=1e-12)
    assert got.dtype == want.dtype


def test_gradients_pass_where_a_constant_was_moved(cupy: Any) -> None:
    x = Tensor(X, device="cuda", requires_grad=True)
    (x * [1.0, 2.0] * np.array(3.0)).sum().backward()
    assert x.grad.device == "cuda:0"
    assert x.grad.cpu().tolist() == [[3.0, 6.0], [3.0, 6.0]]


def test_writes_take_lists_numbers_and_indices_of_numpy(cupy: Any) -> None:
    x, y = Tensor(X, device="cuda"), Tensor(X)
    for t in (x, y):
        t[0] = [5.0, 6.0]
        t[np.array([1])] = np.array(7.0)
        np.fill_diagonal(t, 9.0)
        np.put_along_axis(t, np.array([[0], [1]]), 2.0, 1)
    assert x.cpu().tolist() == y.tolist()


def test_what_cupy_lacks_is_named_with_the_way_out(cupy: Any) -> None:
    x = Tensor(X, device="cuda")
    for f, lacking in (
        (lambda: np.busday_count(x, x), "no numpy.busday_count"),
        (lambda: np.spacing(x), "no numpy.spacing"),
        (lambda: np.linalg.pinv(x, hermitian=True), "no option 'hermitian' of linalg.pinv"),
        (lambda: mg.scipy.special.owens_t(x, x), "owens_t"),
    ):
        with pytest.raises(NotImplementedError, match=rf"{lacking}.*\.cpu\(\)"):
            f()


def test_slopes_at_the_points_of_an_interpolation_are_those_of_the_cpu(cupy: Any) -> None:
    """Where there is nothing infinite to mend; and where there is, at the other points."""
    points = np.array([0.0, 1.0, 3.0])
    for values in (np.array([0.0, 2.0, 1.0]), np.array([0.0, 2.0, np.inf])):
        args = [points, points, values]
        slope = mg.grad(lambda *a: np.sum(np.interp(*a)[:2]), (0, 1, 2))
        with np.errstate(invalid="ignore"):
            slopes = [slope(*(Tensor(a, device=d) for a in args)) for d in ("cpu", "cuda")]
        for here, there in zip(*slopes, strict=True):
            np.testing.assert_array_equal(there.detach().cpu().numpy(), here.detach().numpy())
        assert slopes[0][0].tolist()[0] == 2.0


def test_whole_numbers_add_up_exactly_whatever_their_size(cupy: Any) -> None:
    """CuPy adds int64 by no atomic operation of its own."""
    big, index = np.array([2**40, 3, -5, 7]), np.array([0, 0, 0, 1])
    for dtype in ("int64", "int8", "uint8", "bool"):
        x = cupy.zeros(2, dtype)
        mg.backend.add_at(x, cupy.asarray(index), cupy.asarray((big % 100 if dtype != "int64" else big).astype(dtype)))
        want = np.zeros(2, dtype)
        np.add.at(want, index, (big % 100 if dtype != "int64" else big).astype(dtype))
        assert x.get().tolist() == want.tolist()


DTYPES = ("float16", "float32", "complex64", "int8", "int64", "bool")


@pytest.mark.parametrize("row", [row for row in ROWS if row not in CPU_ONLY])
def test_results_have_the_dtypes_of_the_cpu(row: str, cupy: Any) -> None:
    """The first sample of each op in other dtypes; where CuPy has none, the error says so."""
    sample = ROWS[row][0]
    for dtype in DTYPES:
        arrays = [a.astype(dtype) for a in sample.args if a.dtype.kind != "c" or dtype == "complex64"]
        try:
            want = sample.f(*(Tensor(a) for a in arrays))
        except Exception:  # the op does not take this dtype
            continue
        try:
            got = sample.f(*(Tensor(a, device="cuda") for a in arrays))
        except NotImplementedError as error:
            if ".cpu()" not in str(error):
                raise
            continue
        for a, b in zip(flatten(got), flatten(want), strict=True):
            assert getattr(a, "dtype", None) == getattr(b, "dtype", None)


# ------------------------------------------------------------------ what calls cost


def _written(cupy: Any, x: Any, index: Any, value: Any) -> None:
    x[index] = value


#: Launches and synchronisations of calls, measured on CuPy 14.2's own code with kernels emulated on a CPU.
MEASURED: dict[str, tuple[Any, int, int]] = {
    "sum": (lambda cp, x, i, m: x.sum(axis=1), 1, 0),
    "argmax": (lambda cp, x, i, m: cp.argmax(x, axis=1), 1, 0),
    "var": (lambda cp, x, i, m: x.var(axis=1), 3, 0),
    "std": (lambda cp, x, i, m: x.std(), 4, 0),
    "median": (lambda cp, x, i, m: cp.median(x), 5, 0),
    "sort": (lambda cp, x, i, m: cp.sort(x), 2, 0),
    "sort of the first axis": (lambda cp, x, i, m: cp.sort(x, axis=0), 4, 0),
    "argsort": (lambda cp, x, i, m: cp.argsort(x, axis=0), 2, 0),
    "cumsum, flattened": (lambda cp, x, i, m: cp.cumsum(x), 1, 0),
    "cumsum of an axis": (lambda cp, x, i, m: cp.cumsum(x, axis=1), 2, 0),
    "norm": (lambda cp, x, i, m: cp.linalg.norm(x), 3, 0),
    "norm of an axis": (lambda cp, x, i, m: cp.linalg.norm(x, axis=1), 1, 0),
    "zeros": (lambda cp, x, i, m: cp.zeros((3, 4)), 0, 0),
    "ones": (lambda cp, x, i, m: cp.ones((3, 4)), 1, 0),
    "stack of two": (lambda cp, x, i, m: cp.stack([x, x]), 2, 0),
    "concatenate of eight": (lambda cp, x, i, m: cp.concatenate([x] * 8), 8, 0),
    "concatenate of nine": (lambda cp, x, i, m: cp.concatenate([x] * 9), 1, 0),
    "pad": (lambda cp, x, i, m: cp.pad(x, 1), 1, 0),
    "roll": (lambda cp, x, i, m: cp.roll(x, 1), 1, 0),
    "roll of an axis": (lambda cp, x, i, m: cp.roll(x, 1, axis=1), 2, 0),
    "repeat": (lambda cp, x, i, m: cp.repeat(x, 2, axis=1), 1, 0),
    "tile": (lambda cp, x, i, m: cp.tile(x, (2, 3)), 1, 0),
    "take": (lambda cp, x, i, m: cp.take(x, i, axis=1), 1, 0),
    "take_along_axis": (lambda cp, x, i, m: cp.take_along_axis(x, i[:, None], axis=1), 4, 0),
    "allclose": (lambda cp, x, i, m: cp.allclose(x, x), 2, 0),
    "nonzero": (lambda cp, x, i, m: cp.nonzero(m), 2, 1),
    "where": (lambda cp, x, i, m: cp.where(m, x, 0.0), 1, 0),
    "one element": (lambda cp, x, i, m: x[1, 1], 0, 0),
    "reading rows": (lambda cp, x, i, m: x[i], 1, 0),
    "reading by two arrays": (lambda cp, x, i, m: x[i, i], 3, 0),
    "reading by a mask": (lambda cp, x, i, m: x[m], 2, 1),
    "writing rows": (lambda cp, x, i, m: _written(cp, x, i, x), 1, 0),
    "writing a number to rows": (lambda cp, x, i, m: _written(cp, x, i, 1.0), 2, 0),
    "writing a number by a mask": (lambda cp, x, i, m: _written(cp, x, m, 0.0), 2, 1),
    "writing zeros": (lambda cp, x, i, m: _written(cp, x, ..., 0.0), 0, 0),
    "adding to rows": (lambda cp, x, i, m: cp.add.at(x, i, x), 1, 0),
    "adding a number to rows": (lambda cp, x, i, m: cp.add.at(x, i, 1.0), 2, 0),
    "writing where it reads": (lambda cp, x, i, m: cp.add(x, x, out=x), 1, 0),
    "writing into another view of what it reads": (lambda cp, x, i, m: cp.add(x[...], 1.0, out=x[...]), 2, 0),
    "reading a number": (lambda cp, x, i, m: float(x[0, 0]), 0, 1),
}


@pytest.mark.parametrize("name", MEASURED)
def test_calls_cost_what_was_measured(name: str, stand_in: Any) -> None:
    cupy = importlib.import_module("cupy")
    call, launches, waits = MEASURED[name]
    x = cupy.asarray(np.arange(16, dtype=np.float32).reshape(4, 4) - 5)
    i = cupy.asarray(np.array([0, 2, 1, 3]))
    call(cupy, x.copy(), i, x > 0)  # what is made once
    given = x.copy(), i, x > 0
    with stand_in.counting() as count:
        call(cupy, *given)
    assert (count.launches, count.syncs) == (launches, waits), count


def test_a_product_of_stretched_stacks_costs_more(stand_in: Any) -> None:
    cupy = importlib.import_module("cupy")
    stack, matrix = cupy.ones((3, 4, 5)), cupy.ones((5, 4))
    costs = []
    for a, b in ((stack, stack.swapaxes(1, 2).copy()), (stack, stack.swapaxes(1, 2)), (stack, matrix), (matrix, matrix.T)):
        with stand_in.counting() as count:
            a @ b
        costs.append(count.launches)
    assert costs == [1, 2, 4, 1]


# ------------------------------------------------------------------------------- checks that wait


def take_out_of_range() -> Any:
    return np.take(Tensor([1.0, 2.0], device="cuda"), Tensor(np.array([9]), device="cuda"))


def test_a_check_that_waits_at_the_end_of_the_block_is_told_there() -> None:
    with pytest.raises(IndexError, match="indices from 9 to 9") as caught, installed(lenient=True):
        take_out_of_range()
        end = True
    assert end
    assert "test_stand_in.py" in caught.value.__notes__[0]
    with installed(lenient=True):
        assert Tensor(1.0, device="cuda").item() == 1.0


def test_an_error_of_the_block_is_the_one_that_is_seen() -> None:
    with pytest.raises(ZeroDivisionError), installed(lenient=True):
        take_out_of_range()
        1 / 0
    with installed():
        assert Tensor(1.0, device="cuda").item() == 1.0


def test_checks_of_other_threads_are_told_at_the_end_of_the_block() -> None:
    asked, ended = threading.Event(), threading.Event()

    def other() -> None:
        take_out_of_range()
        asked.set()
        ended.wait()

    thread = threading.Thread(target=other)
    with pytest.raises(IndexError, match="indices from 9 to 9"), installed(lenient=True):
        thread.start()
        assert asked.wait(30)
    ended.set()
    thread.join()
    assert not later._waiting
