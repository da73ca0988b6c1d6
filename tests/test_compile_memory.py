"""The memory that compiled programs keep between their calls."""

from __future__ import annotations

import gc
import tracemalloc
import warnings
import weakref
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import Tensor, compile
from minigrad.compiler import compiled, native
from minigrad.compiler.program import Var
from minigrad.compiler.sharing import offsets
from minigrad.tensor import raw


@pytest.mark.parametrize("seed", range(20))
def test_values_that_are_needed_at_the_same_time_lie_apart(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = [Var(i, (), np.dtype("float64")) for i in range(60)]
    sizes = {v: int(n) for v, n in zip(values, rng.integers(0, 500, 60), strict=True)}
    lives = {v: (int(a), int(a + n)) for v, a, n in zip(values, rng.integers(0, 40, 60), rng.integers(0, 15, 60), strict=True)}
    places, total = offsets(sizes, lives)
    at_once = max(sum(sizes[v] for v in values if lives[v][0] <= t <= lives[v][1]) for t in range(60))
    assert at_once <= total < sum(sizes.values())
    for v in values:
        assert places[v] % 64 == 0
        assert places[v] + sizes[v] <= total
        for u in values:
            if u is not v and lives[u][0] <= lives[v][1] and lives[v][0] <= lives[u][1]:
                assert places[u] + sizes[u] <= places[v] or places[v] + sizes[v] <= places[u]


def kept(run: Any) -> int:
    """The bytes between the first and the last address of the values that the programs of a compiled function store."""
    arrays = [x for script in run.versions for x in script.layout.memory.values()]
    ends = [(x.__array_interface__["data"][0], x.nbytes) for x in arrays if x.nbytes >= 1 << 12]
    return len({byte for start, size in ends for byte in range(start, start + size, 64)}) * 64


@pytest.mark.skipif(not native.available(), reason="needs llvmlite: the extra 'fast'")
def test_deep_chains_need_no_more_memory_than_shallow_ones() -> None:
    w = np.random.default_rng(0).normal(size=(64, 64)) / 8

    def layers(count: int) -> Any:
        def forward(x: Any) -> Any:
            for _ in range(count):
                x = np.tanh(x @ w)
            return np.sum(x)

        return forward

    few, many = compile(layers(4)), compile(layers(40))
    x = np.ones((64, 64))
    for run, count in ((few, 4), (many, 40)):
        for _ in range(3):
            assert run(x) == pytest.approx(float(layers(count)(x)), rel=1e-12)
    assert 0 < kept(many) <= kept(few)


def test_what_a_call_gives_may_be_a_view_of_memory_that_is_not_used_again_meanwhile() -> None:
    @mg.primitive(x=lambda g: g, method=False)
    def passed_on(x: Any) -> Any:
        return x if x.tolist() else None  # one step, which gives the very array that a loop has stored

    def f(x: Any) -> Any:
        a = np.exp(x)
        b = passed_on(a)  # a's memory, under another name
        for _ in range(6):
            x = np.tanh(x[::-1] @ np.ones((64, 64)) / 64)
        return np.sum(b * x[0, 0])

    run, x = compile(f), np.linspace(0, 1, 64 * 64).reshape(64, 64)
    for _ in range(3):
        assert run(x) == pytest.approx(float(f(x)), rel=1e-12)


def test_a_program_does_not_keep_the_batch_that_it_was_traced_on() -> None:
    model = nn.Linear(3, 2)
    run = compile(lambda x: model(x) * 2)
    x = Tensor(np.ones((5, 3), np.float32))
    first = run(x)
    run(Tensor(np.ones((5, 3), np.float32)))
    given, gone = weakref.ref(x), weakref.ref(first)
    array = weakref.ref(x.data)
    del x, first
    gc.collect()
    assert given() is None
    assert gone() is None
    assert array() is None


def test_a_program_does_not_keep_what_the_backward_pass_of_its_first_batch_reads() -> None:
    """Two hidden layers, of 2 MB each, and what stands for them in the program of the backward pass."""
    model = nn.Sequential(nn.Linear(3, 512), nn.Tanh(), nn.Linear(512, 512), nn.Tanh(), nn.Linear(512, 1))
    run, x = compile(lambda x: model(x).sum()), Tensor(np.ones((1024, 3), np.float32))
    gc.collect()
    tracemalloc.start()
    run(x)
    gc.collect()
    assert tracemalloc.get_traced_memory()[0] < 1 << 20
    tracemalloc.stop()
    run(x).backward()
    (script,) = run.versions
    stand_ins = [raw(leaf) for leaf in script.back_script.capture.leaves]
    assert any(x.shape == (1024, 512) for x in stand_ins)
    assert not any(any(x.strides) for x in stand_ins)


def test_more_kinds_of_arguments_in_turn_than_programs_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "KEPT", 4)
    run = compile(lambda x: x * 2)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        for _ in range(12):
            for n in range(1, 7):
                assert run(np.ones(n)).tolist() == [2.0] * n
    said = {str(w.message) for w in found}
    assert len(said) == 1
    assert "more than 4 kinds of arguments" in said.pop()
    assert len(run.versions) == 4
    for n in range(200):
        run(np.ones(n + 10))
    assert len(run._traces) <= 64
