"""compile: who reads old values does so before they are overwritten; each program beside the same one in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minigrad import Tensor, compile
from minigrad.kernels.compiled import Kernel
from minigrad.ops.window import Window, conv_input


def same(got: Any, want: Any) -> None:
    """Arrays, or tuples of them, are equal but for rounding."""
    assert isinstance(got, tuple) == isinstance(want, tuple)
    for a, b in zip(got, want, strict=True) if isinstance(want, tuple) else [(got, want)]:
        np.testing.assert_allclose(a, b, rtol=1e-12)


def shaped_views(x: Any, y: Any) -> Any:
    a = x * 2.0
    a[1:] = np.exp(x[1:])
    return np.tanh(a.T), np.tanh(a[None]), np.tanh(a.reshape(-1)), np.tanh(a.swapaxes(0, 1))


def shifted_by_hand(x: Any, y: Any) -> Any:
    a = x * 2.0
    a[0] = x[1]
    a[1:] = a[:-1]
    return a * 1


def shifted_in_two_ways(x: Any, y: Any) -> Any:
    a = x * 2.0
    a[0] = x[1]
    a[1:] = a.T[1:]
    a[:, 1:] = a[:, :-1].copy()
    return a * 1


def a_call_between(x: Any, y: Any) -> Any:
    a = x * 2.0
    a[0] = 1.0
    a[1] = y[1]
    s = np.cumsum(a, axis=0)
    a[2] = y[2]
    return s, a * 1


def another_name(x: Any, y: Any) -> Any:
    a = x * 2
    a[0] = 1
    b = a.T.T.copy()
    b[1] = 5
    return a * 1, b * 1


def even_and_odd(x: Any, y: Any) -> Any:
    a = x * 1.0
    a[::2] = y[::2]
    a[1::2] = a[:-1:2] * 2
    return a * 1, a[::2].T + a[::-2].T


def given_back(x: Any, y: Any) -> Any:
    """Functions that give what they got: who writes that later is seen."""
    a, b = x * 1.0, x * 2.0
    views = *np.broadcast_arrays(a, y), np.broadcast_arrays(b, y[None])[0], np.real_if_close(a), a.conj()
    a[0] = 7
    b[1] = 3
    return tuple(v * 1 for v in views)


PARTS = [shaped_views, shifted_by_hand, shifted_in_two_ways, a_call_between, another_name, even_and_odd, given_back]


@pytest.mark.parametrize("f", PARTS)
def test_memory_that_is_written_in_parts(f: Callable[..., Any], how: str) -> None:
    run, rng = compile(f), np.random.default_rng(0)
    for _ in range(4):
        x, y = rng.normal(size=(2, 5, 5))
        same(run(x, y), f(x, y))


def test_a_gradient_with_places_that_no_window_meets_is_written(how: str) -> None:
    window = Window.over((7,), 1, stride=3)

    def f(g: Any, w: Any) -> Any:
        x = conv_input(g, w, window)
        s = np.sum(x * x)
        x[..., 1] = 5.0
        return s, x * 1

    run, g, w = compile(f), np.ones((1, 1, 3)), np.ones((1, 1, 1))
    for _ in range(4):
        same(run(g, w), f(g, w))


def old_weights(a: Any, b: Any, c: Any, x: Any) -> Any:
    before = a.copy()
    a[...] = a * 2 + x
    return before


def a_copy_kept(a: Any, b: Any, c: Any, x: Any) -> Any:
    b[...] = a.copy()
    a *= 2.0
    a += x
    return x * 1


def the_last_two(a: Any, b: Any, c: Any, x: Any) -> Any:
    a[...] = b
    b[...] = b + x
    return x * 1


def swapped(a: Any, b: Any, c: Any, x: Any) -> Any:
    held = a.copy()
    a[...] = b
    b[...] = held
    return held[:2]


def in_a_circle(a: Any, b: Any, c: Any, x: Any) -> Any:
    a[...] = b
    b[...] = c.T
    c[...] = x + a
    return a[1:], b.T, c * 1


def a_call_of_a_view(a: Any, b: Any, c: Any, x: Any) -> Any:
    new, sums = np.tanh(a) + x, np.cumsum(a.T, axis=0)
    a[...] = new
    return sums


def a_call_that_gives_a_view(a: Any, b: Any, c: Any, x: Any) -> Any:
    diagonal = np.diag(a).copy()
    a[...] = np.tanh(a) + x
    return diagonal, diagonal * 2


def rows_between(a: Any, b: Any, c: Any, x: Any) -> Any:
    turned = a.T.copy()
    a[...] = a.T
    a[0] = x[0]
    a[np.array([1, 2])] = x[1:3]
    held = a.copy()
    a[np.array([3, 1])] = x[1:3]
    return turned, held, a[1:] * 1


def numbers_of_its_own(a: Any, b: Any, c: Any, x: Any) -> Any:
    held = a.copy()
    np.put(a, np.array([1, 2, 3]), held[0, :3])
    np.put(a, np.array([0]), x[0, 0])
    return held


def numbers_put_and_read(a: Any, b: Any, c: Any, x: Any) -> Any:
    """A loop reads what a call has written in place."""
    np.put(a, np.array([1, 2, 3]), x[0, :3])
    return np.tanh(a) * x


def one_value_in_two_arrays(a: Any, b: Any, c: Any, x: Any) -> Any:
    a += x
    b[...] = a
    c[...] = a.T
    return c * 2


STATE = [
    one_value_in_two_arrays, numbers_put_and_read, old_weights, a_copy_kept, the_last_two, swapped, in_a_circle,
    a_call_of_a_view, a_call_that_gives_a_view, rows_between, numbers_of_its_own,
]  # fmt: skip


@pytest.mark.parametrize("arguments", [False, True], ids=["state", "arguments"])
@pytest.mark.parametrize("f", STATE)
def test_old_values_of_what_is_written(f: Callable[..., Any], arguments: bool, how: str) -> None:
    a, b, c = ours = tuple(np.random.default_rng(i).normal(size=(5, 5)) for i in range(3))
    theirs = tuple(x.copy() for x in ours)
    run = compile(f) if arguments else compile(lambda x: f(a, b, c, x))
    for x in np.random.default_rng(1).normal(size=(4, 5, 5)):
        same(run(a, b, c, x) if arguments else run(x), f(*theirs, x))
        same(ours, theirs)


def test_two_arrays_of_the_state_that_become_one(how: str) -> None:
    d = {"a": np.zeros(3), "b": np.ones(3)}

    def f(x: Any) -> Any:
        d["a"][...] = x
        return d["b"] * 1

    run = compile(f)
    for x in np.arange(12.0).reshape(4, 3):
        np.testing.assert_array_equal(run(x), np.ones(3))
    d["b"] = d["a"]
    for x in np.arange(12.0).reshape(4, 3):
        np.testing.assert_array_equal(run(x), x)


def test_two_arrays_of_the_state_that_change_places(how: str) -> None:
    d = {"a": np.zeros(3), "b": np.ones(3)}

    def f(x: Any) -> Any:
        d["a"][...] = d["b"] + x
        return d["b"] * 1

    run, (a, b) = compile(f), d.values()
    for x in np.arange(15.0).reshape(5, 3):
        want, before = d["b"] + x, d["b"].copy()
        np.testing.assert_array_equal(run(x), before)
        np.testing.assert_array_equal(d["a"], want)
        d["a"], d["b"] = d["b"], d["a"]
    assert len(run.versions) == 1
    assert {id(a), id(b)} == {id(x) for x in d.values()}


#: Without those that index with arrays of NumPy's, which a GPU does not take.
ON_GPU = [f for f in STATE if f not in (numbers_put_and_read, rows_between, numbers_of_its_own)]


def there(x: Any) -> Any:
    return Tensor(x.copy(), device="cuda").data


def here(x: Any) -> Any:
    return tuple(map(here, x)) if isinstance(x, tuple) else x.get()


@pytest.mark.parametrize("f", PARTS)
def test_memory_that_is_written_in_parts_on_a_gpu(f: Callable[..., Any], stand_in: Any) -> None:
    run, rng = compile(f), np.random.default_rng(0)
    for _ in range(5):
        x, y = rng.normal(size=(2, 5, 5))
        same(here(run(there(x), there(y))), f(x, y))


@pytest.mark.parametrize("f", ON_GPU)
def test_old_values_of_what_is_written_on_a_gpu(f: Callable[..., Any], stand_in: Any) -> None:
    theirs = tuple(np.random.default_rng(i).normal(size=(5, 5)) for i in range(3))
    a, b, c = ours = tuple(map(there, theirs))
    run = compile(lambda x: f(a, b, c, x))
    for x in np.random.default_rng(1).normal(size=(5, 5, 5)):
        same(here(run(there(x))), f(*theirs, x))
        same(here(ours), theirs)


def test_a_kernel_writes_one_value_into_two_arrays() -> None:
    def f(a: Any, b: Any, x: Any) -> Any:
        a += x
        b[...] = a
        return a * 2

    kernel, x = Kernel(f), np.arange(6.0)
    a, b = np.ones(6), np.zeros(6)
    if kernel(a, b, x) is NotImplemented:  # then NumPy does it
        f(a, b, x)
    assert a.tolist() == b.tolist() == (x + 1).tolist()


# -------------------------------------------------------------- what becomes of results


def reshaped(y: Any) -> None:
    y.shape = (2, 4)


def locked(y: Any) -> None:
    y.flags.writeable = False


def other_numbers(y: Any) -> None:
    y.data = np.zeros(8)


def held_elsewhere(y: Any) -> None:
    kept.append(y.data)
    y.data = np.zeros(8)


def differentiated(y: Any) -> None:
    y.requires_grad_()
    (y * y).sum().backward()


def named(y: Any) -> None:
    y.name = "y"


kept: list[Any] = []


@pytest.mark.filterwarnings("ignore:Setting the shape:DeprecationWarning")
@pytest.mark.parametrize("change", [reshaped, locked, other_numbers, held_elsewhere, differentiated, named])
def test_a_result_that_was_changed_is_not_given_again(change: Callable[..., Any], how: str) -> None:
    run = compile(lambda x: x * 2)
    x: Any = np.arange(8.0) if change in (reshaped, locked) else Tensor(np.arange(8.0))
    for i in range(6):
        y = run(x)
        assert y.shape == (8,)
        np.testing.assert_array_equal(np.asarray(y), 2 * np.arange(8.0))
        if isinstance(y, Tensor):
            assert not y.requires_grad
            assert y.grad is None
            assert y.name is None
        else:
            y[0] = y[0]
        if i != 2:
            change(y)
        del y
    for held in kept:
        np.testing.assert_array_equal(held, 2 * np.arange(8.0))


def test_a_gradient_that_was_replaced_does_not_come_back() -> None:
    w = Tensor(np.ones(4), requires_grad=True)

    def step(x: Any) -> None:
        w.grad = None
        (w * x).sum().backward()

    run, x = compile(step), Tensor(np.arange(4.0))
    for _ in range(6):
        run(x)
        assert w.grad is not None
        np.testing.assert_array_equal(w.grad.numpy(), np.arange(4.0))
        w.grad.data = w.grad.data * 0.5


# ---------------------------------------------------------------------- equal is not the same


def exactly_the_same(got: Any, want: Any) -> None:
    for a, b in zip(got, want, strict=True):
        assert a.dtype == b.dtype
        assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize(
    "f",
    [
        lambda x, k: (np.copysign(x, 0.0), np.copysign(x, -0.0)),
        lambda x, k: (x * np.float32(2), x * np.int64(2), x * 2),
        lambda x, k: (x * (k * 0.0), x * (k * -0.0)),
        lambda x, k: (np.copysign(x, np.array([k])), np.copysign(x, k)),
    ],
    ids=["constants", "dtypes", "formulas", "decisions"],
)
def test_numbers_that_are_equal_and_not_the_same(f: Callable[..., Any], how: str) -> None:
    run, x = compile(f), np.array([-1.0, 0.5, 3.0], np.float32)
    for k in (1.0, 0.0, -0.0, 2.0, -0.0, 0.0, -3.0):
        exactly_the_same(run(x, k), f(x, k))


def test_one_program_serves_all_calls_with_a_number_that_is_none() -> None:
    run, x = compile(lambda x, k: np.copysign(x, np.array([k]))), np.ones(3)
    for _ in range(5):
        run(x, float("nan"))
    assert len(run.versions) == 1
