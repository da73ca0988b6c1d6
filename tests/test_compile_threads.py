"""Threads: what they compute is what one thread computes, bit for bit; the pool, and how many threads it has."""

from __future__ import annotations

import ctypes
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import Tensor
from minigrad.compiler import native, partial, pool, threaded
from minigrad.compiler.groups import Group
from minigrad.compiler.loops import Compute, Index, Load, Loop, Operand, Reduce, Store
from minigrad.compiler.program import Var
from minigrad.kernels.compiled import Kernel

from .test_fork import in_child
from .versions import posix

compiles = pytest.mark.skipif(not native.available(), reason="llvmlite is not installed, or does not know this machine")


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Set the number of threads; loops of any size count as large."""
    monkeypatch.setattr(threaded, "LEAST", 0)
    for name in ("LEAST", "SMALL"):
        monkeypatch.setattr(partial, name, 0)
    monkeypatch.setattr(partial, "FEWEST", 8)
    monkeypatch.setattr(partial, "LONG", 97)
    return lambda count: monkeypatch.setattr(pool, "threads", lambda: count)


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Into how many parts the loops were divided that ran."""
    found: list[int] = []
    run = pool.run

    def counted(work: Callable[[int], object], count: int) -> None:
        found.append(count)
        run(work, count)

    monkeypatch.setattr(pool, "run", counted)
    return found


@pytest.fixture
def four(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "threads", lambda: 4)


# ----------------------------------------------------------------------------- the same numbers


def results(function: Callable[..., Any], *args: Any) -> Iterator[Any]:
    """What a program gives; the first calls write it down."""
    run = mg.compile(function)
    for _ in range(2):
        run(*args)
    yield from run(*args)


def chain() -> Iterator[Any]:
    f = mg.value_and_grad(lambda x: np.sum(np.exp(-x * x) * np.sin(x)))
    for n in (10_007, 10_016):  # with a rest beside equal parts, and without
        yield from results(f, np.linspace(-2, 2, n, dtype="f4"))


def columns() -> Iterator[Any]:
    rng = np.random.default_rng(1)
    x, w, b = (rng.normal(size=s).astype("f4") for s in ((96, 50), (50,), (50,)))
    yield from results(mg.grad(lambda x, w, b: np.sum(np.tanh(x * w + b)), (0, 1, 2)), x, w, b)


def rows() -> Iterator[Any]:
    x = Tensor(np.random.default_rng(2).normal(size=(40, 41)).astype("f4"))
    layer = nn.LayerNorm(41)

    def step(x: Any) -> Any:
        layer.zero_grad()
        (nn.functional.softmax(layer(x), axis=-1) ** 2).sum().backward()
        return layer.weight.grad, layer.bias.grad

    yield from results(step, x)


def products() -> Iterator[Any]:
    rng = np.random.default_rng(3)
    x, w, v = (rng.normal(size=s).astype("f4") for s in ((35, 40), (24, 40), (24, 9)))
    yield from results(lambda x, w, v: (x @ w.T, np.maximum(x @ w.T, 0) @ v, x.T @ x), x, w, v)


def network() -> Iterator[Any]:
    mg.random.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.3),
        nn.Linear(96, 5),
    )
    optimizer = nn.optim.Adam(model.parameters(), lr=0.01)
    rng = np.random.default_rng(4)
    x, y = Tensor(rng.normal(size=(10, 3, 8, 8)).astype("f4")), rng.integers(0, 5, 10)

    @mg.compile
    def step(x: Any, y: Any) -> Any:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.detach()

    for _ in range(4):
        yield step(x, y)
    yield from model.state_dict().values()


def recurrent() -> Iterator[Any]:
    mg.random.manual_seed(0)
    layer = nn.LSTM(12, 16, 2)
    x = Tensor(np.random.default_rng(5).normal(size=(6, 9, 12)).astype("f4"))

    def step(x: Any) -> Any:
        layer.zero_grad()
        (layer(x)[0] ** 2).sum().backward()
        return [p.grad for p in layer.parameters()]

    yield from results(step, x)


def places() -> Iterator[Any]:
    """Views, parts that are written, what lies backwards, and indices."""
    x = np.random.default_rng(6).normal(size=(30, 21))

    def step(x: Any) -> Any:
        y = np.concatenate([x[::-1] * 2, np.exp(x)], axis=1)
        z = x.copy()
        z[1:] += x[:-1] * x[:-1]
        return y, z, np.pad(x.T, 2), np.tril(x), np.cumsum(x, 0), x.argmax(1)

    yield from results(step, x)


def repeated() -> Iterator[Any]:
    xs = np.random.default_rng(7).normal(size=(5, 50, 20))
    yield from results(lambda xs: mg.scan(lambda c, x: (np.tanh(c + x), (c * x).sum()), xs[0], xs), xs)


def whole() -> Iterator[Any]:
    """Reductions of everything, with numbers before and after them."""
    x = np.random.default_rng(8).normal(size=40_000).astype("f4")
    yield from results(lambda x, k: (k * np.sqrt((x * x).sum()) + k, x.max(), (x < 9).all(), x.mean(), (x > 4).any()), x, 0.5)
    yield from results(lambda x: ((x - x.mean()) / x.std(),), x)


def written() -> Iterator[Any]:
    """Arrays that a function changes, and eager kernels do."""
    x, m = np.linspace(0, 1, 5016), np.zeros(5016)

    def step(x: Any, m: Any, rate: Any) -> Any:
        m *= 0.9
        m += np.sin(x)
        x -= rate * m
        return (m.sum(),)

    yield from results(step, x, m, 0.1)
    yield from Kernel(step)(x, m, 0.1)
    yield from (x, m)


@compiles
@pytest.mark.parametrize("threads", [2, 3, 5])
@pytest.mark.parametrize(
    "program", [chain, columns, rows, products, network, recurrent, places, repeated, whole, written], ids=lambda f: f.__name__
)
def test_several_threads_compute_what_one_does(
    program: Callable[[], Iterator[Any]], threads: int, use: Callable[[int], None], counts: list[int]
) -> None:
    use(1)
    alone = [np.array(x) for x in program()]
    assert not counts
    use(threads)
    together = [np.array(x) for x in program()]
    assert max(counts) >= threads
    assert len(together) == len(alone)
    for a, b in zip(alone, together, strict=True):
        assert a.tobytes() == b.tobytes()


@compiles
def test_sums_of_parts_are_the_sums(use: Callable[[int], None]) -> None:
    use(2)
    x = np.random.default_rng(0).normal(size=(96, 5, 7))
    found = mg.compile(lambda x: (x.sum(), x.sum(0), (x * x).sum((0, 2)), x.max((0, 1)), np.sqrt(x.var()) + x[0, 0, 0]))
    for _ in range(2):
        for got, exact in zip(found(x), found.function(x), strict=True):
            np.testing.assert_allclose(got, exact, rtol=1e-13)
    assert any(loop.space[0] == 32 for loop in found.loops)


@compiles
@pytest.mark.parametrize("threads", ["1", "2"])
def test_the_environment_says_how_many_threads(threads: str) -> None:
    """The pool begins with the first large array, and never for one thread."""
    script = (
        "import threading, numpy as np, minigrad as mg\n"
        "from minigrad.compiler import pool\n"
        "pool.cores = lambda: 2\n"
        "def names(): return [t.name for t in threading.enumerate()][1:]\n"
        "x = np.linspace(-1, 1, 1 << 20, dtype='f4')\n"
        "f = mg.compile(lambda x: np.exp(-x * x) * np.sin(x))\n"
        "for _ in range(3): f(x[:1000])\n"
        "print(pool.threads(), names())\n"
        "for _ in range(3): np.testing.assert_allclose(f(x), f.function(x), rtol=1e-6, atol=1e-7)\n"
        "print(names())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "MINIGRAD_THREADS": threads}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == {"1": ["1 []", "[]"], "2": ["2 []", "['minigrad 1']"]}[threads]


# ---------------------------------------------------------------------------- what is divided

FLAT = Operand("float32", (50, 1))


def division(loop: Loop, slots: tuple[int, ...] | None = None) -> threaded.Division | None:
    target = native.target()
    assert target is not None
    return threaded.parts_for(loop, slots or tuple(range(len(loop.operands))), 2, target)


@compiles
def test_a_loop_is_divided_where_it_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = Loop((40, 50), (FLAT, FLAT), (Load(0), Compute("exp", (0,)), Store(1, 1)))
    assert division(loop) is None
    monkeypatch.setattr(threaded, "LEAST", 0)
    found = division(loop)
    assert found is not None
    assert (found.count, found.part.space, found.moves, found.rest) == (2, (20, 50), (4000, 4000), None)
    found = division(Loop((41, 50), loop.operands, loop.code))
    assert found is not None
    assert found.rest is not None
    assert (found.rest.space, found.rest.operands[0].offset) == ((1, 50), 2000)


@compiles
@pytest.mark.parametrize(
    ("operands", "code", "slots"),
    [
        pytest.param((FLAT, Operand("float32", (0, 0))), (Load(0), Reduce("add", 0, (0, 1)), Store(1, 1)), None, id="total"),
        pytest.param((FLAT, FLAT, FLAT), (Load(0), Load(1), Compute("add", (0, 1)), Store(2, 2)), (0, 1, 1), id="elsewhere"),
        pytest.param((Operand("int64", (50, 1)),), (Index(0), Index(1), Compute("add", (0, 1)), Store(0, 2)), None, id="indices"),
        pytest.param((FLAT,), (Load(0), Reduce("add", 0, (0,)), Compute("subtract", (0, 1)), Reduce("add", 2, (1,)),
                               Compute("multiply", (0, 3)), Store(0, 4)), None, id="sums both ways"),
    ],
)  # fmt: skip
def test_a_loop_whose_parts_need_each_other_is_not_divided(
    operands: Any, code: Any, slots: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threaded, "LEAST", 0)
    assert division(Loop((40, 50), operands, code), slots) is None


@compiles
def test_a_part_that_would_add_up_in_another_order_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 32 columns rows are vectors; of 16 of them, or one, sums go down the columns."""
    monkeypatch.setattr(threaded, "LEAST", 0)
    target = native.target()
    assert target is not None
    x, out = Operand("float32", (2, 1)), Operand("float32", (0, 1))
    loop = Loop((4000, 2), (x, out), (Load(0), Reduce("add", 0, (0,)), Store(1, 1)))
    assert threaded.parts_for(loop, (0, 1), 2, target) is None


@pytest.mark.usefixtures("four")
def test_parts_share_no_workspace() -> None:
    x = Operand("float32", (50, 1))
    part = Loop((10, 50), (x, x), (Load(0), Store(1, 0)))
    found: list[list[int]] = []

    def entry(address: int) -> None:
        found.append([*(ctypes.c_int64 * 3).from_address(address)])

    shared = threaded.Shared(threaded.Division(part, 4, (2000, 0), None), entry, 100, [2, 0, 3])
    frame = np.array([7000, -1, 5000, 64000], np.int64)
    shared(frame.ctypes.data)
    assert sorted(found) == [[5000 + 2000 * i, 7000, 64000 + 128 * i] for i in range(4)]
    assert shared.workspace == 4 * 128


# ------------------------------------------------------------------------------- sums of parts


def group(n: int, *steps: Any) -> Group:
    """A loop over [n, 5]: operands are x over both axes, b over the second, k over none, and results like k and x."""
    found = Group((n, 5), code=list(steps))
    for shape, strides in (((n, 5), (5, 1)), ((5,), (0, 1)), ((), (0, 0)), ((), (0, 0)), ((n, 5), (5, 1))):
        found.arrays.append(Var.new(shape, "float64"))
        found.operands.append(Operand("float64", strides))
    found.stored += [found.arrays[step.operand] for step in steps if isinstance(step, Store)]
    return found


X, B, K, SUM = Load(0), Load(1), Load(2), Reduce("add", 0, (0, 1))


@pytest.mark.parametrize(
    ("steps", "cut"),
    [
        pytest.param((X, SUM, Store(3, 1)), True, id="sum"),
        pytest.param((X, SUM, K, Compute("multiply", (1, 2)), Store(3, 3), Store(4, 0)), True, id="with a number"),
        pytest.param((X, SUM, Compute("subtract", (0, 1)), Store(4, 2)), False, id="used again"),
        pytest.param((X, SUM, Store(4, 1)), False, id="stored everywhere"),
        pytest.param((X, SUM, Store(3, 1), K, Compute("add", (3, 3)), Store(2, 4)), False, id="a number changed beside it"),
        pytest.param((B, SUM, Store(3, 1)), False, id="of what stays the same"),
        pytest.param(
            (Index(0, "float64"), X, Compute("multiply", (0, 1)), Reduce("add", 2, (0, 1)), Store(3, 3)), False, id="index"
        ),
        pytest.param((X, SUM, B, Reduce("add", 2, (1,)), Compute("multiply", (1, 3)), Store(3, 4)), False, id="another sum"),
        pytest.param((X, SUM, K, Compute("multiply", (1, 2)), Store(3, 3), Store(2, 2)), False, id="a number that is written"),
    ],
)
@pytest.mark.parametrize("n", [96, 97])
def test_what_only_adds_up_is_cut(n: int, steps: Any, cut: bool, use: Callable[[int], None]) -> None:
    """97 rows leave a rest."""
    whole, last = group(n, *steps), group(n, X, Store(4, 0))
    found, floor = partial.with_partial_sums([whole, last], 1)
    assert len(found) == (2 if not cut else 3 if n == 96 else 4)
    assert floor == len(found) - 1
    rng = np.random.default_rng(0)
    arrays = [{a: rng.normal(size=a.shape) for a in whole.arrays}] * 2
    for i, groups in enumerate(([whole], found[:floor])):
        arrays[i] = {a: x.copy() for a, x in arrays[i].items()}
        for g in groups:
            assert isinstance(g, Group)
            g.loop("loop").run([arrays[i].setdefault(a, np.empty(getattr(a, "shape", ()))) for a in g.arrays])
    for a in whole.arrays:
        np.testing.assert_allclose(arrays[1][a], arrays[0][a], rtol=1e-12)
    assert {v for g in found[:floor] for v in g.stored} >= {*whole.stored}


# ----------------------------------------------------------------------------------- the pool


@pytest.mark.usefixtures("four")
@pytest.mark.parametrize("count", [0, 1, 2, 7, 100])
def test_each_part_is_done_once(count: int) -> None:
    done: list[int] = []
    pool.run(done.append, count)
    assert sorted(done) == [*range(count)]


@pytest.mark.usefixtures("four")
def test_parts_run_at_the_same_time() -> None:
    together = threading.Barrier(4)
    pool.run(lambda part: together.wait(30), 4)


@pytest.mark.usefixtures("four")
def test_an_error_in_a_part_reaches_the_caller_when_no_part_runs_any_more() -> None:
    running: set[int] = set()
    together = threading.Barrier(4)

    def work(part: int) -> None:
        running.add(part)
        if part < 4:
            together.wait(30)
        if part == 1:
            running.discard(part)
            raise ZeroDivisionError("part 1")
        time.sleep(0.02)
        running.discard(part)

    for _ in range(3):
        with pytest.raises(ZeroDivisionError, match="part 1"):
            pool.run(work, 4)
        assert not running
    assert_works()


def assert_works() -> None:
    done: list[int] = []
    pool.run(done.append, 8)
    assert sorted(done) == [*range(8)]


@posix
@pytest.mark.usefixtures("four")
def test_an_interrupt_waits_for_those_who_still_write() -> None:
    caller, together, others = threading.get_ident(), threading.Barrier(4), itertools.count()
    ended: list[int] = []

    def work(part: int) -> None:
        together.wait(30)
        if threading.get_ident() != caller:
            if next(others) == 0:
                time.sleep(0.1)  # the caller waits by now
                os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.2)
            ended.append(part)

    with pytest.raises(KeyboardInterrupt):
        pool.run(work, 4)
        time.sleep(1)  # where the signal came late
    assert len(ended) == 3
    assert_works()


@pytest.mark.usefixtures("four")
def test_calls_inside_of_calls_and_of_several_threads_end() -> None:
    done: list[int] = []

    def outer(part: int) -> None:
        pool.run(lambda inner: pool.run(done.append, 3), 3)

    callers = [threading.Thread(target=pool.run, args=(outer, 3), daemon=True) for _ in range(6)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(60)
    assert not any(caller.is_alive() for caller in callers)
    assert len(done) == 6 * 3 * 3 * 3


@compiles
def test_several_threads_call_several_functions(use: Callable[[int], None], counts: list[int]) -> None:
    use(3)
    x = np.linspace(0, 1, 3000)
    functions = [mg.compile(lambda x, k=k: np.exp(k * x).sum() + np.sin(x)) for k in range(4)]
    exact = [(f(x), f(x))[1] for f in functions]
    wrong: list[int] = []

    def call(k: int) -> None:
        for _ in range(50):
            if functions[k % 4](x).tobytes() != exact[k % 4].tobytes():
                wrong.append(k)

    callers = [threading.Thread(target=call, args=(k,), daemon=True) for k in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(60)
    assert not any(caller.is_alive() for caller in callers)
    assert not wrong
    assert counts


@compiles
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_has_threads_of_its_own(use: Callable[[int], None]) -> None:
    use(2)
    x = np.linspace(0, 1, 3000)
    f = mg.compile(lambda x: np.exp(x))
    for _ in range(2):
        f(x)

    def child() -> list[Any]:
        before = threading.active_count()
        return [before, f(x).tobytes().hex(), threading.active_count()]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python's own, of a fork beside threads
        before, found, after = in_child(child)
    assert bytes.fromhex(found) == f(x).tobytes()
    assert after == before + 1


# ------------------------------------------------------------------------------- how many threads


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """The number for some variables, on a machine with six cores."""

    def found(**variables: str) -> int:
        for name in ("MINIGRAD_THREADS", "OMP_NUM_THREADS"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(pool, "cores", lambda: 6)
        return pool.threads.__wrapped__()

    return found


def test_one_thread_unless_more_are_asked_for(threads: Callable[..., int]) -> None:
    assert threads() == 1
    assert threads(MINIGRAD_THREADS="2") == 2
    assert threads(OMP_NUM_THREADS="3") == 3
    assert threads(MINIGRAD_THREADS="2", OMP_NUM_THREADS="3") == 2
    assert threads(MINIGRAD_THREADS="", OMP_NUM_THREADS="3") == 3
    assert threads(MINIGRAD_THREADS=" 4 ") == 4
    assert threads(OMP_NUM_THREADS="4,2") == 4


def test_there_are_no_more_threads_than_cores(threads: Callable[..., int]) -> None:
    assert threads(MINIGRAD_THREADS="1000") == 6


@pytest.mark.parametrize("text", ["0", "-2", "two", "1.5", "2 3", "²", ","])
def test_what_is_no_number_of_threads_is_told(text: str, threads: Callable[..., int]) -> None:
    with pytest.warns(UserWarning, match=r"MINIGRAD_THREADS=.* one thread is used; write .* MINIGRAD_THREADS=2"):
        assert threads(MINIGRAD_THREADS=text) == 1


@pytest.mark.parametrize(
    ("group", "files", "cores"),
    [
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000\n", "a/cpu.max": "300000 100000\n"}, 3),
        ("0::/a\n", {"a/cpu.max": "50000 100000\n"}, 1),
        ("0::/a\n", {"a/cpu.max": "max 100000\n"}, 8),
        ("0::/\n", {"cpu.max": "250000 100000\n"}, 2),
        ("4:memory:/m\n3:cpu,cpuacct:/a\n", {"cpu/a/cpu.cfs_quota_us": "400000\n", "cpu/a/cpu.cfs_period_us": "100000\n"}, 4),
        ("3:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 8),
        ("0::/a\n", {"a/cpu.max": "nonsense"}, 8),
    ],
)
def test_control_groups_leave_fewer_cores(
    group: str, files: dict[str, str], cores: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own").write_text(group, "utf-8")
    for name, text in files.items():
        (tmp_path / "groups" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "groups" / name).write_text(text, "utf-8")
    monkeypatch.setattr(pool, "GROUPS", tmp_path / "groups")
    monkeypatch.setattr(pool, "OWN_GROUP", tmp_path / "own")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert pool.cores() == cores


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system does not bind processes to cores")
def test_a_process_bound_to_one_core_has_one() -> None:
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert pool.cores() == 1
    finally:
        os.sched_setaffinity(0, before)
