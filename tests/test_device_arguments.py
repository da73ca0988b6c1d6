"""What is beside the arrays of an op, on a GPU (the stand-in) as on the cpu: indices, sizes, conditions, solvers, pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn.functional as F
from minigrad import Tensor, viz
from minigrad.ops.select import overwritten
from minigrad.scipy import integrate, optimize

ROW = [1.0, 2.0, 3.0, 4.0]
TABLE = [[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0], [9.0, 10.0, 11.0, 12.0]]


def _row(device: str) -> Tensor:
    return Tensor(np.array(ROW), device=device, requires_grad=True)


def _table(device: str) -> Tensor:
    return Tensor(np.array(TABLE), device=device, requires_grad=True)


def _written(write: Callable[[Any], Any]) -> Callable[[Tensor], Tensor]:
    """A function that writes into a tensor of a graph, and gives it."""

    def run(x: Tensor) -> Tensor:
        y = x * 1
        write(y)
        return y

    return run


def _values(y: Any) -> list[Any]:
    return [t.detach().cpu().numpy() for t in (y if isinstance(y, (tuple, list)) else [y])]


def _result(f: Callable[..., Any], make: Callable[[str], Tensor], device: str, *given: Any) -> list[Any]:
    """What f gives, and its gradient, as NumPy's arrays."""
    x = make(device)
    y = f(x, *given)
    several = y if isinstance(y, (tuple, list)) else [y]
    found = _values(y)
    if any(t.requires_grad for t in several):
        mg.stack([(t * t).sum() for t in several]).sum().backward()
        assert x.grad is not None
        found += _values(x.grad)
    return found


#: name: (function of x and what is read, how x is made, what is read)
ARGUMENTS: dict[str, tuple[Callable[..., Any], Callable[[str], Tensor], Any]] = {
    "delete": (np.delete, _row, [1, 2]),
    "delete of a mask": (np.delete, _row, [True, False, False, True]),
    "insert": (lambda x, i: np.insert(x, i, 5.0), _row, [1, -1]),
    "insert at one place": (lambda x, i: np.insert(x, i, 5.0), _row, 2),
    "put": (lambda x, i: _written(lambda y: np.put(y, i, 5.0))(x), _row, [1, -1]),
    "put that wraps": (lambda x, i: _written(lambda y: np.put(y, i, 5.0, "wrap"))(x), _row, [1, 6]),
    "add.at": (lambda x, i: _written(lambda y: np.add.at(y, i, 5.0))(x), _row, [1, 1]),
    "multiply.at": (lambda x, i: _written(lambda y: np.multiply.at(y, i, 5.0))(x), _row, [1, 2]),
    "negative.at": (lambda x, i: _written(lambda y: np.negative.at(y, i))(x), _row, [0, 2]),
    "add.reduceat": (np.add.reduceat, _row, [0, 2]),
    "maximum.reduceat": (np.maximum.reduceat, _row, [0, 3]),
    "split": (np.split, _row, [1, 3]),
    "repeat": (np.repeat, _row, [1, 2, 0, 1]),
    "roll": (lambda x, n: np.roll(x, n, (0, 1)), _table, [1, 2]),
    "tile": (np.tile, _row, [2, 2]),
    "take": (np.take, _row, [1, 1]),
    "partition": (np.partition, _row, [1, 2]),
    "pad": (np.pad, _table, [[1, 2], [0, 1]]),
    "reshape": (np.reshape, _row, [2, 2]),
    "reshape of numbers": (lambda x, n: x.reshape(n, 2), _row, 2),
    "resize": (np.resize, _row, [2, 3]),
    "broadcast_to": (np.broadcast_to, _row, [2, 4]),
    "transpose": (np.transpose, _table, [1, 0]),
    "zeros": (lambda x, n: mg.zeros(n, device=x.device), _row, [2, 3]),
    "full": (lambda x, n: mg.full(n, 7.0, device=x.device), _row, [2, 3]),
    "eye": (lambda x, n: mg.eye(n, device=x.device), _row, 3),
    "sum along": (lambda x, n: np.sum(x, axis=n), _table, 1),
    "sum along two": (lambda x, n: np.sum(x, axis=tuple(n)), _table, [0, 1]),
    "cumprod along": (lambda x, n: np.cumprod(x, axis=n), _table, 1),
    "concatenate along": (lambda x, n: np.concatenate([x, x], axis=n), _table, 1),
    "stack along": (lambda x, n: np.stack([x, x], axis=n), _table, 1),
    "fft along": (lambda x, n: np.fft.fft(x, axis=n).real, _table, 1),
    "nanmax along": (lambda x, n: np.nanmax(x, axis=n), _table, 1),
    "unique along": (lambda x, n: np.unique(x, axis=n), _table, 0),
    "unwrap along": (lambda x, n: np.unwrap(x, axis=n), _table, 0),
    "argmax along": (lambda x, n: np.argmax(x, axis=n), _table, 1),
    "diagonal": (np.diagonal, _table, 1),
    "trace": (np.trace, _table, 1),
    "diag": (np.diag, _row, 1),
    "geomspace": (lambda x, n: np.geomspace(x, 1.0, n), _row, 3),
    "bincount": (lambda x, n: np.bincount(Tensor([0, 1, 1, 0], device=x.device), x, n), _row, 5),
    "searchsorted": (lambda x, n: np.searchsorted(x, 2.5, sorter=n), _row, [0, 1, 2, 3]),
    "lexsort": (lambda x, n: np.lexsort((n, x.detach())), _row, [3, 1, 2, 0]),
    "weights of a histogram": (lambda x, n: np.histogram(x, [0.0, 2.0, 5.0], weights=n)[0] * x[:2], _row, [1.0, 1.0, 2.0, 3.0]),
    "cov": (lambda x, n: np.cov(x, aweights=n), _table, [1.0, 2.0, 1.0, 1.0]),
    "one_hot": (lambda x, n: F.one_hot(Tensor([1, 2], device=x.device), n), _row, 4),
    "interpolate": (lambda x, n: F.interpolate(x.reshape(1, 1, 3, 4), n), _table, [6, 8]),
    "pixel_shuffle": (lambda x, n: F.pixel_shuffle(x.reshape(1, 4, 1, 1), n), _row, 2),
}  # fmt: skip
#: Those whose NumPy arrays are data, which an op does not move, but refuses by name.
_DATA = ("weights of a histogram", "cov", "searchsorted", "lexsort")


@pytest.mark.parametrize("kind", ["tensor", "numpy", "list"])
@pytest.mark.parametrize("name", ARGUMENTS)
def test_what_python_reads_may_be_on_the_gpu_in_main_memory_or_a_list(name: str, kind: str, stand_in: Any) -> None:
    f, make, value = ARGUMENTS[name]
    if kind == "numpy" and name in _DATA:
        with pytest.raises((RuntimeError, TypeError), match=r"different devices|Unsupported type"):
            _result(f, make, "cuda", np.asarray(value))
        return
    given = value if kind == "list" else np.asarray(value)
    found = _result(f, make, "cuda", Tensor(given, device="cuda") if kind == "tensor" else given)
    for ours, want in zip(found, _result(f, make, "cpu", value), strict=True):
        assert ours.dtype == want.dtype
        np.testing.assert_allclose(ours, want)


@pytest.mark.parametrize("write", [lambda x, i: np.put(x, i, 5.0), lambda x, i: np.add.at(x, i, 5.0)])
def test_constants_are_written_at_indices_on_the_gpu(write: Callable[..., None], stand_in: Any) -> None:
    x = Tensor(np.array(ROW), device="cuda")
    plain = np.array(ROW)
    write(x, Tensor([1, 2], device="cuda"))
    write(plain, np.array([1, 2]))
    np.testing.assert_array_equal(_values(x)[0], plain)


# ------------------------------------------------------------------------------------- reasons


#: Calls that fail for another reason than a device, with something that has a shape and lies nowhere.
NOWHERE: dict[str, Callable[[str], Any]] = {
    "a window of max_pool": lambda d: F.max_pool1d(Tensor(np.ones((1, 1, 4), complex), device=d), 2),
    "a window of sum_pool": lambda d: F.avg_pool2d(Tensor(np.ones((1, 1, 4)), device=d), 2),
    "a window of conv": lambda d: F.conv1d(Tensor(np.ones((1, 1, 4)), device=d), Tensor(np.ones((1, 2, 2)), device=d)),
    "a dtype": lambda d: np.sum(Tensor([[1.0]], device=d), axis=3, dtype=np.dtype("float64")),
}  # fmt: skip


@pytest.mark.parametrize("name", NOWHERE)
def test_what_is_no_array_has_no_device(name: str, stand_in: Any) -> None:
    def message(device: str) -> str:
        with pytest.raises((TypeError, ValueError)) as caught:
            NOWHERE[name](device)
        return str(caught.value)

    assert message("cuda") == message("cpu")


# ---------------------------------------------------------------------- conditions that hold nowhere


def _nan_where_the_slope_is(f: Callable[[Tensor], Tensor], device: str, weights: Any) -> Any:
    """The gradient of f(sqrt(x)), some of whose slopes are infinite, where others send 0."""
    x = Tensor(np.array([[0.0, 1.0, 4.0], [0.0, 9.0, 0.0]]), device=device, requires_grad=True)
    y = f(np.sqrt(x))
    (y * Tensor(np.resize(weights, y.shape), device=device)).sum().backward()
    assert x.grad is not None
    return _values(x.grad)[0]


def _attention(masks: Any) -> Callable[[Tensor], Tensor]:
    def attend(value: Tensor) -> Tensor:
        ones = Tensor(np.ones((2, 3)), device=value.device)
        return F.scaled_dot_product_attention(ones, ones, value, attn_mask=Tensor(masks, device=value.device))

    return attend


PERHAPS: dict[str, Callable[[Tensor], Tensor]] = {
    "quantile": lambda x: np.quantile(x, 0.5, axis=0),
    "nanvar": lambda x: np.nanvar(x, axis=0),
    "nanmin": lambda x: np.nanmin(x, axis=0),
    "interp": lambda x: np.interp(x, [0.0, 1.0, 2.0, 3.0], [0.0, 2.0, 2.0, 2.0]),
    "cross_entropy": lambda x: F.cross_entropy(x, Tensor([0, 1], device=x.device), reduction="none"),
    "attention": _attention(np.ones((2, 2), bool)),
    "attention with a floating mask": _attention(np.ones((2, 2))),
    "attention that hides": _attention(np.array([[True, False], [False, False]])),
    "overwritten": lambda x: overwritten(x, np.zeros_like(x, dtype=bool), 0.0),
}  # fmt: skip


@pytest.mark.parametrize("name", PERHAPS)
def test_a_condition_that_holds_nowhere_is_no_mask(name: str, stand_in: Any) -> None:
    with np.errstate(all="ignore"):
        for weights in ([0.0], [0.0, 1.0, 0.0], [1.0]):
            want, found = (_nan_where_the_slope_is(PERHAPS[name], d, weights) for d in ("cpu", "cuda"))
            np.testing.assert_allclose(found, want)


def test_replaced_behind_a_mask_sends_nothing_where_the_condition_holds(stand_in: Any) -> None:
    for device in ("cpu", "cuda"):
        x = Tensor([0.0, 4.0], device=device, requires_grad=True)
        overwritten(np.sqrt(x), x == 0, 0.0).sum().backward()
        assert x.grad is not None
        np.testing.assert_array_equal(_values(x.grad)[0], [0.0, 0.25])


SINGULAR = [[0.0, 0.0], [1.0, 2.0]]
REGULAR = [[1.0, 2.0], [3.0, 5.0]]


@pytest.mark.parametrize("p", [None, 2, -2, 1, -1, np.inf, "fro"])
@pytest.mark.parametrize("matrix", [SINGULAR, np.zeros((2, 2)), REGULAR, [REGULAR, SINGULAR]])
def test_condition_numbers_of_singular_matrices(matrix: Any, p: Any, stand_in: Any) -> None:
    def found(device: str) -> Any:
        x = Tensor(np.array(matrix), device=device, requires_grad=True)
        try:
            with np.errstate(all="ignore"):
                y = np.linalg.cond(x, p)
                y.sum().backward()
        except Exception as error:
            return str(error)
        assert x.grad is not None
        return [*_values(y), *_values(x.grad)]

    want, ours = found("cpu"), found("cuda")
    assert isinstance(ours, str) == isinstance(want, str)
    if isinstance(want, str):
        assert ours == want
    else:
        for a, b in zip(ours, want, strict=True):
            np.testing.assert_allclose(a, b)


def test_the_nuclear_norm_of_an_inverse_that_does_not_exist(stand_in: Any) -> None:
    for device in ("cpu", "cuda"):
        with pytest.raises(np.linalg.LinAlgError, match="Singular"):
            np.linalg.cond(Tensor(np.zeros((2, 2)), device=device), "nuc")


# -------------------------------------------------------------------------------------- pages


def _explained(device: str) -> str:
    weight = Tensor(np.ones((2, 4)), device=device, name="w", requires_grad=True)
    constant = Tensor(np.array(ROW), device=device)
    with viz.capture():
        y = (F.linear(Tensor(np.ones((2, 4)), device=device), weight * constant) * Tensor(2.0, device=device)).sum()
    return str(viz.explain(y))


def test_a_constant_on_the_gpu_is_shown(stand_in: Any) -> None:
    assert _explained("cuda") == _explained("cpu")
    assert "[1., 2., 3., 4.]" in _explained("cuda")


# ------------------------------------------------------------------------------------ solvers

SOLVERS: dict[str, Callable[[Tensor], Any]] = {
    "implicit_root": lambda a: optimize.implicit_root(lambda x, a: x * x - a, np.ones(2), (a,)),
    "implicit_root from there": lambda a: optimize.implicit_root(lambda x: x * x - 2.0, a.detach()),
    "fixed_point": lambda a: optimize.fixed_point(lambda x, a: np.cos(a * x), 0.7, (a,)),
    "minimize": lambda a: optimize.minimize(lambda x: ((x - 1.0) ** 2).sum(), a.detach()),
    "root": lambda a: optimize.root(lambda x, a: x - a, np.ones(2), (a.detach(),)),
    "least_squares": lambda a: optimize.least_squares(lambda x: x - 1.0, a.detach()),
    "odeint": lambda a: integrate.odeint(lambda y, t: -y, a, np.array([0.0, 1.0])),
    "odeint of an argument": lambda a: integrate.odeint(lambda y, t, k: -k * y, np.ones(2), np.array([0.0, 1.0]), (a,)),
    "solve_ivp": lambda a: integrate.solve_ivp(lambda t, y: -y, (0.0, 1.0), a),
    "solve_ivp until": lambda a: integrate.solve_ivp(lambda t, y: -y, (0.0, a[0]), np.ones(2)),
    "solve_ivp at": lambda a: integrate.solve_ivp(lambda t, y: -y, (0.0, 1.0), np.ones(2), t_eval=a),
}  # fmt: skip


@pytest.mark.parametrize("name", SOLVERS)
def test_solvers_of_scipy_say_that_they_run_on_the_cpu(name: str, stand_in: Any) -> None:
    with pytest.raises(NotImplementedError, match=r"computes on the cpu only.*\.cpu\(\).*\.to\('cuda:0'\)"):
        SOLVERS[name](Tensor([0.5, 0.9], device="cuda", requires_grad=True))


def test_a_solution_found_on_the_cpu_has_gradients_on_the_gpu(stand_in: Any) -> None:
    a = Tensor(np.array([4.0, 9.0]), device="cuda", requires_grad=True)
    optimize.implicit_root(lambda x, a: x * x - a, np.ones(2), (a.cpu(),)).to("cuda").sum().backward()
    assert a.grad is not None
    assert a.grad.device == "cuda:0"
    np.testing.assert_allclose(_values(a.grad)[0], [0.25, 1 / 6])
