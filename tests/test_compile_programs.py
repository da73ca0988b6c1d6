"""compile: programs drawn at random, threads, processes, signals, memory."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import minigrad as mg
import nn
from minigrad import Tensor, compile
from minigrad.compiler import native
from minigrad.compiler.script import MISS
from minigrad.compiler.steps import Compute, Reduce

from .versions import posix

# ------------------------------------------------------------------------- programs at random

UNARY: list[Callable[[Any], Any]] = [
    np.tanh, np.negative, np.square, np.sin, np.abs, lambda x: np.exp(-np.abs(x)), lambda x: np.sqrt(np.abs(x) + 1),
    lambda x: x.sum(axis=-1, keepdims=True), lambda x: x.max(axis=0, keepdims=True), lambda x: np.mean(x),
    lambda x: np.cumsum(x, axis=-1), lambda x: np.sort(x, axis=-1),
    lambda x: x.T if x.ndim == 2 and x.shape[0] == x.shape[1] else x * 2,
    lambda x: np.flip(x, -1) if x.ndim else x, lambda x: x[..., :1] if x.ndim else x, lambda x: np.where(x > 0, x, 0.1 * x),
    lambda x: x - x.mean(axis=-1, keepdims=True) if x.ndim else x,
    lambda x: np.concatenate([x, x * 2])[: len(x)] if x.ndim else x,
]  # fmt: skip
BINARY: list[Callable[[Any, Any], Any]] = [
    np.add, np.subtract, np.multiply, np.maximum, lambda x, y: x / (np.abs(y) + 1),
    lambda x, y: np.where(x > y, x, y * 0.5),
    lambda x, y: x @ y if x.ndim == y.ndim == 2 and x.shape[-1] == y.shape[0] else x - y,
]  # fmt: skip
STEPS = st.lists(st.tuples(st.booleans(), st.integers(0, 99), st.integers(0, 99), st.integers(0, 99)), min_size=3, max_size=20)


def program_of(steps: Any) -> Callable[..., Any]:
    """A function that applies the steps, each to values that are there; some are written in place."""

    def run(x: Any, y: Any) -> Any:
        values = [x, y, x * 0.5]
        for one, op, i, j in steps:
            a, b = values[i % len(values)], values[j % len(values)]
            try:
                made = UNARY[op % len(UNARY)](a) if one else BINARY[op % len(BINARY)](a, b)
            except ValueError:  # the shapes do not fit
                made = a
            if op % 7 == 0 and made.shape == values[2].shape:
                values[2][...] = made  # a write that later steps see
            values.append(made)
        return values[-1], values[len(values) // 2], values[2]

    return run


@pytest.mark.parametrize("how", ["native", "replayed"])
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, shapes=st.sampled_from([((3, 4), (3, 4)), ((5, 5), (5,)), ((4, 1), (1, 6)), ((7,), ()), ((2, 17), (2, 1))]))
def test_programs_at_random(steps: Any, shapes: Any, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if how == "native" and not native.available():
        pytest.skip("needs llvmlite")
    with monkeypatch.context() as patch:
        if how == "replayed":
            patch.setattr(native, "available", lambda: False)
        function = program_of(steps)
        run, rng = compile(function), np.random.default_rng(0)
        for _ in range(3):
            x, y = (rng.normal(size=s) for s in shapes)
            for a, b in zip(run(x, y), function(x, y), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(steps=STEPS)
def test_gradients_of_programs_at_random(steps: Any) -> None:
    function = program_of([s for s in steps if s[1] % 7])
    slope = mg.grad(lambda x, y: sum(np.sum(v) for v in function(x, y)), argnums=(0, 1))
    run, rng = compile(slope), np.random.default_rng(0)
    for _ in range(2):
        x, y = rng.normal(size=(4, 4)), rng.normal(size=(4, 4))
        for a, b in zip(run(x, y), slope(x, y), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-8)


# -------------------------------------------------------- programs at random that write into arrays

REGIONS: list[Any] = [
    np.s_[1:4], np.s_[::2], np.s_[:, 1:], np.s_[-1], np.s_[:, 0], np.s_[::-1], np.s_[1:, :-1], np.s_[...], np.array([0, 2]),
    np.s_[:-1], np.s_[1:], np.s_[:, :-1],
]  # fmt: skip
VIEWS: list[Callable[[Any, Any], Any]] = [
    lambda a, b: a.T, lambda a, b: a[::-1], lambda a, b: a[:, ::-1], lambda a, b: np.broadcast_arrays(a, b)[0],
    lambda a, b: a[None][0], lambda a, b: a.reshape(-1).reshape(a.shape), lambda a, b: np.swapaxes(a, 0, 1).T,
    lambda a, b: np.stack(np.split(a, len(a)))[:, 0], lambda a, b: np.real_if_close(a), lambda a, b: a.copy().T,
]  # fmt: skip


def _shifted(a: Any, b: Any, op: int) -> None:
    if op % 2:
        a[1:] = b[:-1]
    else:
        a[:, :-1] = b[:, 1:] * 0.5


def _numbers_put(a: Any, b: Any, op: int) -> None:
    np.put(a, np.array([op % 25, 7, 8]), b[0, 1:4])


def _written(a: Any, b: Any, op: int) -> None:
    """Into a, in one of the ways in which NumPy writes."""
    region = REGIONS[op % len(REGIONS)]
    ways: list[Callable[[], Any]] = [
        lambda: a.__setitem__(region, b[region]), lambda: a.__setitem__(region, np.sin(b)[region]),
        lambda: a.__setitem__(region, op / 99), lambda: _shifted(a, b, op), lambda: a.__iadd__(b),
        lambda: np.multiply(a, 0.5, out=a), lambda: _numbers_put(a, b, op), lambda: np.fill_diagonal(a, op / 99),
        lambda: np.copyto(a, b.T),
    ]  # fmt: skip
    ways[op // len(REGIONS) % len(ways)]()


def writing_program_of(steps: Any) -> Callable[..., Any]:
    """A function of a state and two arrays, all square and as large, that computes, looks, writes, swaps and keeps, in turn."""

    def run(state: dict[str, Any], x: Any, y: Any) -> Any:
        values = [x, y, x * 0.5, y * 2.0, state["p"], state["q"], state["r"]]
        for kind, op, i, j in steps:
            a, b = values[i % len(values)], values[j % len(values)]
            if kind < 3:
                made = UNARY[op % len(UNARY)](a) if kind else BINARY[op % len(BINARY)](a, b)
                values.append(np.sin(made + np.zeros_like(x)) if kind < 2 else made + np.zeros_like(x))
            elif kind == 3:
                values.append(VIEWS[op % len(VIEWS)](a, b))
            elif kind == 4:
                values.append(a.copy())
            elif kind < 8:
                _written(a, b, op)
            elif kind == 8:
                state["p"], state["q"] = state["q"], state["p"]
            else:
                state["kept"] = a if op % 2 else a.copy()
        return tuple(values[-1 - op % len(values)] * 1 for _, op, _, _ in steps[:4])

    return run


def copies(state: dict[str, Any]) -> dict[str, Any]:
    """The same, where arrays that are one array are so again."""
    made = {id(x): x.copy() for x in state.values()}
    return {name: made[id(x)] for name, x in state.items()}


def programs_agree(steps: Any, side: int = 5) -> None:
    """Calls of the compiled function leave and give what those of the function do; no error in a program is passed over."""
    function, rng = writing_program_of(steps), np.random.default_rng(0)
    ours = {name: rng.normal(size=(side, side)) for name in "pqr"}
    ours["kept"] = ours["r"]
    theirs = copies(ours)
    run = compile(lambda x, y: function(ours, x, y))
    for _ in range(4):
        x, y = rng.normal(size=(2, side, side))
        given = x.copy(), y.copy()
        found = [r for script in run.versions if (r := script.run(given)) is not MISS]
        got, want = found[0] if found else run(*given), function(theirs, x, y)
        for a, b in zip((*got, *given, *ours.values()), (*want, x, y, *theirs.values()), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


WRITING = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 999), st.integers(0, 99), st.integers(0, 99)), min_size=4, max_size=25
)


@pytest.mark.parametrize("how", ["native", "replayed"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=WRITING)
def test_programs_at_random_that_write(steps: Any, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if how == "native" and not native.available():
        pytest.skip("needs llvmlite")
    with monkeypatch.context() as patch:
        if how == "replayed":
            patch.setattr(native, "available", lambda: False)
        programs_agree(steps)


# --------------------------------------------------------------------- threads and processes


def small_step() -> tuple[Any, Any]:
    mg.random.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = nn.optim.Adam(net.parameters())

    def step(x: Any) -> Any:
        loss = (net(x) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step, net


def test_threads_that_call_one_compiled_function() -> None:
    run = compile(lambda x: np.exp(-x) * x.sum(axis=1, keepdims=True))
    found: list[bool] = []

    def work(seed: int) -> None:
        x = np.random.default_rng(seed).normal(size=(20, 30))
        want = np.exp(-x) * x.sum(axis=1, keepdims=True)
        found.append(all(np.allclose(run(x), want) for _ in range(300)))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == [True] * 4 and len(run.versions) == 1


def test_a_compiled_function_that_is_called_inside_of_itself() -> None:
    @mg.primitive(x=lambda g, x: g, method=False)
    def again(x: Any) -> Any:
        return run(x - 1) if float(np.max(x)) > 0 else x

    run = compile(lambda x: again(x) + 1.0)
    for _ in range(3):
        assert run(np.array([3.0])).tolist() == [4.0 - 3 + 3.0 - 0]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_child_process_goes_on() -> None:
    run, x = compile(lambda x: np.tanh(x) * 2), np.arange(4.0)
    want = [run(x) for _ in range(2)][1]
    with run._lock:  # as if another thread was in a call
        child = os.fork()
        if not child:
            os._exit(0 if np.array_equal(run(x), want) else 1)
    deadline = time.monotonic() + 60
    while (done := os.waitpid(child, os.WNOHANG))[0] == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    if not done[0]:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert done[0] == child and os.waitstatus_to_exitcode(done[1]) == 0


@posix
def test_an_interrupt_leaves_a_compiled_function_as_it_was() -> None:
    run, x = compile(lambda x: np.exp(np.sin(x)).sum()), np.linspace(0, 1, 1 << 16)
    want = [run(x) for _ in range(2)][1]

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for _ in range(5):
            signal.setitimer(signal.ITIMER_REAL, 0.02)
            with pytest.raises(KeyboardInterrupt):
                while True:
                    run(x)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert run(x) == want


# -------------------------------------------------------------------------------- memory


def test_many_calls_take_no_memory() -> None:
    step, _ = small_step()
    run, x = compile(step), Tensor(np.ones((3, 4), "f4"))
    tracemalloc.start()
    for _ in range(3000):
        run(x)
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(10_000):
        run(x)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 200_000  # CPython itself keeps up to 2,000 empty tuples


def test_results_and_gradients_are_nobody_elses() -> None:
    step, net = small_step()
    run, rng = compile(step), np.random.default_rng(0)
    kept: list[tuple[Any, Any]] = []
    for _ in range(8):
        loss = run(Tensor(rng.normal(size=(3, 4)).astype("f4")))
        held = [loss, *(p.grad for p in net.parameters()), net[0].weight.grad.data[1:2]]
        kept.append((held, [np.array(np.asarray(v)) for v in held]))
    for held, copies in kept:
        for a, b in zip(held, copies, strict=True):
            np.testing.assert_array_equal(np.asarray(a), b)


def test_a_graph_that_reads_a_parameter_knows_that_a_compiled_step_has_written_it() -> None:
    step, net = small_step()
    run, x = compile(step), Tensor(np.ones((3, 4), "f4"))
    for _ in range(4):
        waiting = (net[0].weight ** 2).sum()
        run(x)
        with pytest.raises(RuntimeError, match="changed in place"):
            waiting.backward()


# --------------------------------------------------------------------------------- tall products


@pytest.mark.skipif(not native.available(), reason="llvmlite is not installed, or does not know this machine")
def test_a_tall_matrix_that_is_multiplied_across_is_turned_once() -> None:
    rng = np.random.default_rng(0)
    g, x, y = (rng.normal(size=(2048, n)).astype(np.float32) for n in (48, 32, 16))
    run = compile(lambda g, x, y: (np.tanh(g).T @ x, np.tanh(g).T @ y))
    for _ in range(2):
        for got, want in zip(run(g, x, y), (np.tanh(g).T @ x, np.tanh(g).T @ y), strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-3)
    turning = [loop for loop in run.loops if not any(isinstance(s, Compute | Reduce) for s in loop.code)]
    assert len(turning) == 1


def test_a_tall_matrix_that_is_written_between_products_is_turned_again() -> None:
    rng = np.random.default_rng(0)
    g, x = (rng.normal(size=(1024, n)).astype(np.float32) for n in (48, 32))

    def products(g: Any, x: Any) -> Any:
        both = np.concatenate([g, g])
        rows = np.concatenate([x, x])
        first = both.T @ rows
        both[:1024] = 0
        return first, both.T @ rows

    run = compile(products)
    for _ in range(2):
        for got, want in zip(run(g, x), (2 * g.T @ x, g.T @ x), strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-3)


@pytest.mark.skipif(not native.available(), reason="llvmlite is not installed, or does not know this machine")
def test_a_result_that_a_guard_looks_at_is_stored_by_the_loop_that_computes_it() -> None:
    x, y = np.random.default_rng(0).normal(size=(8, 5)), np.arange(8) % 5
    slope = mg.grad(lambda x: nn.functional.cross_entropy(x, y))
    run = compile(slope)
    for _ in range(2):
        np.testing.assert_allclose(run(x), slope(x), rtol=1e-12)
    assert sum(loop.space == (8, 5) for loop in run.loops) == 2  # the sums, and the gradient, which must be finite
