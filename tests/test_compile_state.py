"""compile: what a function reads beside its arguments is never stale, and what it changes is changed."""

from __future__ import annotations

import copy
import functools
import gc
import math
import pickle
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import Tensor
from minigrad.arrays.traced import CannotTrace
from minigrad.compiler.compiled import CompileWarning, compile

ARRAY, SCALE, TENSOR, PAIR = np.ones(3), 2.0, Tensor([1.0, 2.0, 3.0]), (np.ones(3), 1.0)


class Settings:
    rate = 3.0


class Slots:
    __slots__ = ("values",)

    def __init__(self) -> None:
        self.values = np.ones(3)


SETTINGS, SLOTS, MIXED, TABLE = Settings(), Slots(), [1.0, np.ones(3)], {"a": 2.0, "b": np.ones(3)}


def helper(x: Any) -> Any:
    return x * SCALE


def reads(x: Any) -> Any:
    parts = helper(x) * ARRAY + PAIR[0] * PAIR[1] + Settings.rate * x + SETTINGS.rate + SLOTS.values
    return parts + MIXED[0] * MIXED[1] + TABLE["a"] * TABLE["b"] + TENSOR


def put(name: str, value: Any) -> Callable[[pytest.MonkeyPatch], None]:
    return lambda patch: patch.setitem(globals(), name, value)


CHANGES: dict[str, Callable[[pytest.MonkeyPatch], Any]] = {
    "a global array, in place": lambda patch: ARRAY.__setitem__(0, 7.0),
    "a global array, another": put("ARRAY", np.full(3, 9.0)),
    "a global array of another shape": put("ARRAY", np.full((2, 3), 9.0)),
    "a global number": put("SCALE", 5.0),
    "a global function": put("helper", lambda x: x * 100.0),
    "a global tensor, in place": lambda patch: TENSOR._array.__setitem__(0, 5.0),
    "a global tensor, another": put("TENSOR", Tensor([5.0, 5.0, 5.0])),
    "an array in a tuple, in place": lambda patch: PAIR[0].__setitem__(1, 4.0),
    "a tuple": put("PAIR", (np.full(3, 2.0), 3.0)),
    "an attribute of a class": lambda patch: patch.setattr(Settings, "rate", 8.0),
    "an attribute of an object": lambda patch: patch.setattr(SETTINGS, "rate", 1.0),
    "a slot": lambda patch: patch.setattr(SLOTS, "values", np.full(3, -1.0)),
    "an array in a slot": lambda patch: SLOTS.values.__setitem__(0, 3.0),
    "a number in a list": lambda patch: MIXED.__setitem__(0, 3.0),
    "an array in a list": lambda patch: MIXED[1].__setitem__(0, 9.0),
    "a number in a dict": lambda patch: patch.setitem(TABLE, "a", 9.0),
    "an array in a dict": lambda patch: patch.setitem(TABLE, "b", np.full(3, 6.0)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_function_reads_is_never_stale(change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    x, run = np.array([1.0, 2.0, 3.0]), compile(reads)
    for _ in range(2):
        np.testing.assert_allclose(run(x).numpy(), reads(x).numpy())
    assert len(run.versions) == 1
    before = reads(x).numpy()
    CHANGES[change](monkeypatch)
    after = reads(x).numpy()
    assert before.shape != after.shape or not np.allclose(before, after)
    for _ in range(2):
        np.testing.assert_allclose(run(x).numpy(), after)


def test_variables_of_an_outer_function() -> None:
    def outer() -> tuple[Any, Any]:
        w, a = 3.0, np.ones(3)

        def write(v: Any, b: Any) -> None:
            nonlocal w, a
            w, a = v, b

        return (lambda x: x * w + a), write

    function, write = outer()
    x, run = np.arange(3.0), compile(function)
    for values in [(3.0, np.ones(3)), (9.0, np.ones(3)), (9.0, np.full(3, 5.0)), (9.0, 2.0)]:
        write(*values)
        for _ in range(2):
            np.testing.assert_allclose(run(x), function(x))


def test_arrays_and_options_of_a_partial_function() -> None:
    w = np.ones(3)
    run = compile(functools.partial(lambda w, x, *, k: x * (w * k), w, k=2.0))
    np.testing.assert_allclose(run(np.arange(3.0)), [0.0, 2.0, 4.0])
    w[1] = 5.0
    np.testing.assert_allclose(run(np.arange(3.0)), [0.0, 10.0, 4.0])


def test_arrays_among_default_arguments() -> None:
    w = np.ones(3)

    def function(x: Any, w: Any = w, k: float = 2.0) -> Any:
        return x * (w * k)

    run = compile(function)
    run(np.arange(3.0))
    w[1] = 5.0
    np.testing.assert_allclose(run(np.arange(3.0)), [0.0, 10.0, 4.0])
    function.__defaults__ = (w, 3.0)
    np.testing.assert_allclose(run(np.arange(3.0)), [0.0, 15.0, 6.0])


# ------------------------------------------------------------------------------- arguments


@pytest.mark.parametrize(
    ("function", "values", "programs"),
    [
        (lambda x, k: x * k + np.exp(k * x), (0.1, 0.2, -1.0), 1),
        (lambda x, k: x * math.sin(k), (0.1, 0.2), 2),
        (lambda x, k: x * (2.0 if k > 0 else 3.0), (0.1, 0.2, -0.2, -0.3), 2),
        (lambda x, k: x * sum(range(k)), (3, 4, 3), 2),
        (lambda x, k: x if k is None else x * 2, (None, 1, None), 2),
        (lambda x, k: x.sum(axis=0) if k == "rows" else x, ("rows", "all"), 2),
        (lambda x, k: x * k, (np.float64(0.5), np.float64(0.7), np.float64(0.9)), 1),
        (lambda x, k: x * k[0] + k[1]["a"], ([1.0, {"a": 2.0}], [3.0, {"a": 4.0}]), 1),
        (lambda x, k: nn.functional.dropout(Tensor(x), k, training=False), (0.1, 0.2), 1),
    ],
)  # fmt: skip
def test_python_arguments(function: Any, values: Any, programs: int) -> None:
    x, run = np.arange(3.0), compile(function)
    for value in values * 2:
        np.testing.assert_allclose(np.asarray(run(x, value)), np.asarray(function(x, value)))
    assert len(run.versions) == programs
    np.testing.assert_allclose(np.asarray(run(x, k=values[0])), np.asarray(function(x, k=values[0])))


def test_static_arguments() -> None:
    run = compile(lambda x, k: x * k, static="k")
    assert [run(np.ones(2), k).tolist() for k in (1.0, 2.0, 1.0)] == [[1, 1], [2, 2], [1, 1]]
    assert len(run.versions) == 2
    assert compile(lambda x, k: x * k, static=[1])(np.ones(1), k=3.0) == 3
    with pytest.raises(ValueError, match="static names 'j', which is no parameter"):
        compile(lambda x, k: x * k, static="j")
    with pytest.raises(TypeError, match="static argument k holds an array"):
        run(np.ones(2), np.ones(2))


@pytest.mark.parametrize("make", [np.zeros, lambda shape: np.zeros(shape[::-1]).T])
def test_an_argument_that_is_written(make: Any) -> None:
    def add(x: Any) -> Any:
        x += 1
        return x * 2

    x, run = make((3, 4)), compile(add)
    for i in range(3):
        assert (run(x) == 2 * i + 2).all() and (x == i + 1).all()


# --------------------------------------------------------------------------------- changes


def test_a_result_that_was_written_into_a_parameter() -> None:
    weight = Tensor(np.ones(3), requires_grad=True)

    def step(x: Any) -> Any:
        with mg.no_grad():
            weight[...] = weight * x + 1
        return weight.detach().copy()

    compiled = compile(step)
    given = [compiled(np.full(3, 2.0)) for _ in range(3)]
    assert [g.tolist() for g in given] == [[3.0] * 3, [7.0] * 3, [15.0] * 3]
    assert weight.detach().tolist() == [15.0] * 3


def test_state_that_a_network_carries() -> None:
    class Carrying(nn.Module):
        def __init__(self) -> None:
            self.cell, self.state, self.sums = nn.RNNCell(3, 4), mg.zeros((1, 4)), np.zeros(4)

    def losses(compiled: bool) -> tuple[list[float], Any, int]:
        mg.random.manual_seed(0)
        net = Carrying()
        optimizer = nn.optim.SGD(net.parameters(), lr=0.1)

        def step(x: Any) -> Any:
            h = net.cell(x, net.state)
            loss = (h**2).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            net.state, net.sums = h.detach(), net.sums + h.detach().data[0]
            return loss.detach()

        run = compile(step) if compiled else step
        found = [run(Tensor(np.ones((1, 3), "f4"))).item() for _ in range(6)]
        return found, [net.state.numpy(), net.sums], len(run.versions) if compiled else 0

    eager, compiled = losses(False), losses(True)
    np.testing.assert_allclose(compiled[0], eager[0], rtol=1e-5)
    for a, b in zip(compiled[1], eager[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)
    assert compiled[2] <= 2  # without gradients, and with


def test_a_count_that_changes_is_right_and_then_said() -> None:
    class Counting(nn.Module):
        def __init__(self) -> None:
            self.calls = 0

        def forward(self, x: Any) -> Any:
            self.calls += 1
            return x * self.calls

    net = Counting()
    run = compile(lambda x: net(x))
    with pytest.warns(CompileWarning, match="traced 8 times .* calls was 7 and is 8") as said:
        found = [run(Tensor([1.0])).item() for _ in range(12)]
    assert found == list(range(1, 13)) and len(said) == 1


def test_a_list_that_grows_is_right_and_then_said() -> None:
    found: list[Any] = []

    def step(x: Any) -> Any:
        found.append(x * 2)
        return x

    run = compile(step)
    for i in range(8):
        run(np.array([float(i)]))
    with pytest.warns(CompileWarning, match="a list with 7 entries and leaves 8"):
        run(np.array([8.0]))
    run(np.array([9.0]))
    assert [x.tolist() for x in found] == [[2.0 * i] for i in range(10)]


def test_an_error_takes_back_what_the_function_had_done() -> None:
    buffer, log, net = np.zeros((3, 4)).T, [], nn.Linear(2, 2)
    optimizer = nn.optim.Adam(net.parameters())
    rng = np.random.default_rng(0)

    def step(x: Any) -> Any:
        buffer[0] = 1.0
        log.append(1)
        net(x).sum().backward()
        optimizer.step()
        net.calls = rng.random() + random.random() + np.random.random()
        raise KeyError("no")

    weights = net.weight.detach().numpy().copy()
    states = [rng.bit_generator.state, random.getstate(), np.random.get_state()[2]]
    with pytest.raises(KeyError, match="no"):
        compile(step)(Tensor(np.ones((1, 2), "f4")))
    assert not buffer.any() and not log and not optimizer.state and not hasattr(net, "calls") and net.weight.grad is None
    np.testing.assert_array_equal(net.weight.detach().numpy(), weights)
    assert states == [rng.bit_generator.state, random.getstate(), np.random.get_state()[2]]


# ------------------------------------------------------------------------ what cannot be traced

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: x if x.sum() > 0 else -x, "np.where"),
        (lambda x: x * float(x.sum()), "np.where"),
        (lambda x: x * x.sum().item(), "np.where"),
        (lambda x: np.zeros(3) + [float(v) for v in x], "np.where"),
        (lambda x: x + RNG.normal(size=3), "draws from a numpy.random.Generator"),
        (lambda x: x + np.random.normal(size=3), "draws from numpy.random"),
        (lambda x: x + random.random(), "draws from Python's random"),
    ],
)
def test_what_cannot_be_traced_is_said_with_the_line(function: Any, words: str) -> None:
    with pytest.raises(CannotTrace, match=words) as said:
        compile(function)(np.array([1.0, -2.0, 3.0]))
    if words == "np.where":
        assert __file__ in str(said.value)


def test_the_garbage_collector_runs_on_after_a_trace_and_after_an_error() -> None:
    enabled = gc.isenabled()
    compile(lambda x: x + 1)(np.ones(2))
    assert gc.isenabled() == enabled
    with pytest.raises(CannotTrace):
        compile(lambda x: x if x.sum() > 0 else -x)(np.ones(2))
    assert gc.isenabled() == enabled


def test_decisions_of_the_library_are_kept_and_looked_at_again() -> None:
    """How many elements a mask lets through decides a shape: a program for each count."""
    run = compile(lambda x: x[x > 0].sum() * 2)
    for x in ([1.0, 2.0, -1.0], [1.0, -2.0, -1.0], [3.0, 4.0, -5.0], [-1.0, -1.0, -1.0]):
        np.testing.assert_allclose(run(np.array(x)), np.maximum(x, 0).sum() * 2)
    assert len(run.versions) == 3
    fit = compile(lambda x, y: np.polyfit(x, y, 1))
    x = np.arange(5.0)
    for y in (x, 2 * x + 1):
        np.testing.assert_allclose(fit(x, y), np.polyfit(x, y, 1), atol=1e-12)


@np.errstate(invalid="ignore")
def test_masks_that_hide_nan_are_kept_after_the_first_call() -> None:
    """The pass on trial is right where all is finite; where it is not, the careful one is another program."""

    def slope(x: Any) -> Any:
        t = Tensor(x).requires_grad_()
        np.where(t > 0, np.sqrt(np.where(t > 0, t, 1.0)), 0.0).sum().backward()
        other = Tensor(x).requires_grad_()
        np.where(other > 0, np.sqrt(other), 0.0).sum().backward()
        return t.grad, other.grad

    run = compile(slope)
    for x in ([1.0, 4.0], [0.0, 4.0], [-1.0, 4.0], [9.0, 4.0], [0.0, 1.0]):
        for a, b in zip(run(np.array(x)), slope(np.array(x)), strict=True):
            np.testing.assert_allclose(a.numpy(), b.numpy())


def test_random_numbers_are_not_lost_where_a_program_does_not_fit() -> None:
    def draws(x: Any) -> Any:
        t = Tensor(x).requires_grad_()
        noise = mg.random.generator().random(2)
        np.where(t > 0, np.sqrt(t) * noise, 0.0).sum().backward()
        return t.grad

    found = []
    for f in (draws, compile(draws)):
        mg.random.manual_seed(3)
        found.append([f(np.array(x)).numpy() for x in ([1.0, 4.0], [1.0, 4.0], [0.0, 4.0], [9.0, 4.0])])
    np.testing.assert_allclose(found[1], found[0])


# --------------------------------------------------------------------- what there is to look at


def test_what_there_is_to_look_at() -> None:
    run = compile(lambda x: np.exp(np.linalg.eigvalsh(x @ x.T)).sum())
    assert "0 programs" in repr(run)
    with pytest.raises(RuntimeError, match="has no program yet: call it first"):
        run.explain()
    run(np.eye(3))
    assert [step.function for step in run.program.steps][-1] is np.sum and "eigvalsh" in str(run.program)
    assert "eigvalsh" in run.source() and "def run(arguments)" in run.source("python")
    assert "eigvalsh" in str(run.explain())
    chain = compile(lambda x: np.exp(x) * 2)
    chain(np.ones(3))
    assert "__global__" in chain.source("cuda") and "define void" in chain.source("llvm")
    with pytest.raises(ValueError, match="'cuda' or 'javascript'"):
        run.source("c")


def test_without_llvmlite_calls_write_into_memory_that_is_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("minigrad.compiler.native.available", lambda: False)

    def chain(x: Any) -> Any:
        y = x
        for i in range(20):
            y = np.tanh(y * 0.5 + i)
        return y, y[::2] * 1, x.T

    run, x = compile(chain), np.arange(12.0).reshape(4, 3)
    for shift in (0.0, 1.0):
        kept = run(x + shift)
        other = run(x + shift)
        for a, b, want in zip(kept, other, chain(x + shift), strict=True):
            np.testing.assert_allclose(a, want)
            np.testing.assert_allclose(b, want)
            assert not np.shares_memory(a, b)
    assert len({id(b) for b in run.versions[0].fusion.buffers.values()}) < 4 and not run.loops


# ----------------------------------------------------------------------- memory that is shared


def test_arguments_that_share_memory_with_what_is_written() -> None:
    def add(a: Any, b: Any) -> Any:
        a += 1
        return b * 2

    run, x = compile(add), np.zeros(4)
    for _ in range(3):
        assert (run(np.zeros(3), np.zeros(3)) == 0).all()
    for i in range(1, 4):
        assert (run(x, x) == 2 * i).all() and (x == i).all()
    for cut in (slice(1, None), slice(None, -1)):
        y, z = np.arange(4.0), np.arange(4.0)
        np.testing.assert_array_equal(run(y[:-1], y[cut]), add(z[:-1], z[cut]))
        np.testing.assert_array_equal(y, z)


def test_an_argument_that_is_a_parameter() -> None:
    found = []
    for compiled in (False, True):
        mg.random.manual_seed(0)
        net = nn.Linear(2, 2)
        optimizer = nn.optim.SGD(net.parameters(), lr=0.1)

        def step(x: Any, net: Any = net, optimizer: Any = optimizer) -> Any:
            loss = net(Tensor(np.ones((1, 2), "f4"))).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return x * 1  # after the update

        run = compile(step) if compiled else step
        other = np.zeros((2, 2), "f4")
        for _ in range(3):
            run(other)
        found.append([run(net.weight.data).copy() for _ in range(3)])
    np.testing.assert_allclose(found[1], found[0], rtol=1e-6)


def test_kinds_of_arrays_that_a_program_is_not_made_for() -> None:
    run = compile(lambda x: x * x)
    for _ in range(2):
        masked = run(np.ma.array([1.0, 2.0], mask=[False, True]))
        assert masked.mask.tolist() == [False, True]
        assert run(np.array([2, 3], dtype=object)).tolist() == [4, 9]
        assert run(np.array([2.0, 3.0], dtype=">f8")).tolist() == [4, 9]


def test_copies_and_pickles_of_compiled_functions() -> None:
    assert pickle.loads(pickle.dumps(IN_A_MODULE)) is IN_A_MODULE
    holder = {"f": compile(np.sin)}
    holder["f"](np.ones(2))
    other = copy.deepcopy(holder)["f"]
    assert other is not holder["f"] and not other.versions
    np.testing.assert_allclose(other(np.ones(2)), np.sin(np.ones(2)))


@compile
def IN_A_MODULE(x: Any) -> Any:
    return x + 1


@pytest.mark.parametrize("shown", [print, str, "{:.2f}".format])
def test_showing_a_value_is_an_error_with_the_line(shown: Any) -> None:
    with pytest.raises(CannotTrace, match=r"test_compile_state.py:\d+"):
        compile(lambda x: shown(x.sum()))(np.ones(3))


def test_an_array_of_numpys_own_that_is_filled_by_index() -> None:
    def fill(x: Any) -> Any:
        out = np.zeros(3)
        out[0] = x[0] * 2
        return out

    with pytest.raises(CannotTrace, match=r"np.stack, or np.zeros_like\(x, shape=n\)"):
        compile(fill)(np.ones(3))


calls = 0


def test_an_attribute_with_the_name_of_a_global_variable_is_not_that(monkeypatch: pytest.MonkeyPatch) -> None:
    class Counter:
        calls = 2.0

    counter = Counter()
    run = compile(lambda x: x * counter.calls)
    for i in range(3):
        monkeypatch.setitem(globals(), "calls", i)
        assert run(np.ones(1)).item() == 2
    assert len(run.versions) == 1


FACTOR = 2.0


@mg.primitive(x=lambda g: g * FACTOR, method=False)
def times_the_factor(x: Any) -> Any:
    return np.array(np.asarray(x) * FACTOR)


def test_what_an_op_of_the_users_reads_is_never_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    run = compile(mg.value_and_grad(lambda x: times_the_factor(x).sum()))
    for factor in (2.0, 2.0, 5.0):
        monkeypatch.setitem(globals(), "FACTOR", factor)
        value, slope = run(np.ones(3))
        assert (value, slope.tolist()) == (3 * factor, [factor] * 3)


def test_loops_read_an_array_of_the_state_after_a_call_has_changed_it() -> None:
    """An index that is an array is a call, which writes into the array where it lies."""
    kept = {f: Tensor(np.zeros(5)) for f in (compile, lambda f: f)}

    def put(buffer: Tensor, i: Any, x: Any) -> Any:
        buffer[i] = x
        return (buffer * 2).detach(), buffer.sum()

    runs = {buffer: f(functools.partial(put, buffer)) for f, buffer in kept.items()}
    for k in range(7):
        i, x = np.array([k % 5, (k + 2) % 5]), np.full(2, k + 1.0)
        (double, total), (wanted, wanted_total) = (run(i, x) for run in runs.values())
        np.testing.assert_array_equal(double.numpy(), wanted.numpy())
        assert total.item() == wanted_total.item()
    np.testing.assert_array_equal(*(buffer.numpy() for buffer in kept.values()))
