"""The graph and the backward pass: accumulation, modes, hooks, errors, memory."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import psutil
import pytest

import minigrad as mg
from minigrad import Tensor, detect_anomaly, enable_grad, is_grad_enabled, no_grad, set_grad_enabled


def leaf(*values: float) -> Tensor:
    return Tensor(np.array(values), requires_grad=True)


def test_gradient_accumulates_when_an_input_repeats() -> None:
    x = leaf(3.0)
    (x * x * x + x).sum().backward()
    assert x.grad.tolist() == [28.0]


def test_gradient_accumulates_over_backward_passes() -> None:
    x = leaf(1.0, 2.0)
    for n in (1, 2, 3):
        (x * x).sum().backward()
        assert x.grad.tolist() == [2.0 * n, 4.0 * n]


def test_backward_through_a_diamond_waits_for_all_contributions() -> None:
    x = leaf(0.5)
    a = x.exp()
    b, c = a.sin(), a * 3
    (b * c + a).sum().backward()
    e = np.exp(0.5)
    assert x.grad.item() == pytest.approx(np.cos(e) * e * 3 * e + np.sin(e) * 3 * e + e)


def test_gradients_of_different_leaves_do_not_share_memory() -> None:
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    (x + y).sum().backward()
    x.grad.data *= 10
    assert y.grad.tolist() == [1.0, 1.0]
    z = leaf(1.0, 2.0)
    seed = np.array([5.0, 6.0])
    (z + 0.0).backward(seed)
    z.grad.data += 1
    assert seed.tolist() == [5.0, 6.0]


def test_contributions_are_added_without_touching_what_others_see() -> None:
    x = leaf(1.0, 2.0)
    seen: list[Tensor] = []
    y = x * 1.0
    y.register_hook(lambda g: seen.append(g))
    (y * 2 + y * 3 + y * 4 + y).sum().backward()
    assert seen[0].tolist() == [10.0, 10.0]
    kept = Tensor([7.0, 7.0], dtype="float64")
    z = (x * 1).reshape(2)
    (z + z + z).backward(kept)
    assert kept.tolist() == [7.0, 7.0]


def test_second_backward_needs_retain_graph() -> None:
    x = leaf(2.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [8.0]
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        y.backward()


def test_ops_that_save_nothing_can_be_passed_twice() -> None:
    x = leaf(2.0)
    y = (x + 1).sum()
    y.backward()
    y.backward()
    assert x.grad.tolist() == [2.0]


def test_create_graph_gives_derivatives_of_any_order() -> None:
    x = Tensor(0.7, dtype="float64", requires_grad=True)
    y = np.sin(x)
    for expected in (np.cos(0.7), -np.sin(0.7), -np.cos(0.7), np.sin(0.7)):
        (y,) = mg.autograd.grad(y, x, create_graph=True)
        assert y.item() == pytest.approx(expected)


def test_backward_errors_say_what_to_do() -> None:
    with pytest.raises(RuntimeError, match="one element"):
        (leaf(1.0, 2.0) * 2).backward()
    with pytest.raises(RuntimeError, match="requires_grad=True"):
        Tensor(1.0).backward()
    with pytest.raises(ValueError, match=r"shape \(3,\).*shape \(2,\)"):
        (leaf(1.0, 2.0) * 2).backward(np.ones(3))
    with pytest.raises(ValueError, match=r"multiply: .*\(x: shape \(2,\) float64, y: shape \(3,\) float64\)"):
        leaf(1.0, 2.0) * leaf(1.0, 2.0, 3.0)


def test_retain_grad_and_hooks() -> None:
    x = leaf(1.0, 2.0)
    y = x * 3
    y.retain_grad()
    order = []
    y.register_hook(lambda g: order.append("first"))
    remove = y.register_hook(lambda g: 100 * g)
    y.register_hook(lambda g: 2 * g)
    remove()
    (y * y).sum().backward()
    assert order == ["first"]
    assert y.grad.tolist() == [12.0, 24.0]
    assert x.grad.tolist() == [36.0, 72.0]
    with pytest.raises(ValueError, match="hook returned"):
        z = x * 1
        z.register_hook(lambda g: np.ones(5))
        z.sum().backward()


def test_no_grad_in_all_its_forms() -> None:
    x = leaf(1.0)

    @no_grad()
    def with_brackets() -> Tensor:
        return x * 2

    @no_grad
    def without() -> Tensor:
        with enable_grad():
            assert (x * 2).requires_grad
        return x * 2

    assert not with_brackets().requires_grad
    assert not without().requires_grad
    with set_grad_enabled(False):
        assert not is_grad_enabled()
        assert not (x * 2).requires_grad
        assert not any(part.requires_grad for part in np.split(x, 1))
    with pytest.raises(KeyError), no_grad():
        raise KeyError
    assert (x * 2).requires_grad
    assert mg.graph.special == 0

    def items():
        yield 1

    with pytest.raises(TypeError, match="generator"):
        no_grad(items)


def test_modes_belong_to_one_thread() -> None:
    x, results = leaf(1.0), {}
    inside, done = threading.Event(), threading.Event()

    def other() -> None:
        inside.wait()
        results["other"] = (x * 2).requires_grad
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    with no_grad():
        inside.set()
        done.wait()
        results["own"] = (x * 2).requires_grad
    thread.join()
    assert results == {"other": True, "own": False}


def test_one_mode_serves_many_threads_at_once() -> None:
    mode, barrier, seen = no_grad(), threading.Barrier(4, timeout=10), []

    def run(wait: int) -> None:
        for turn in range(20):
            with mode:
                barrier.wait()
                with mode:
                    inside = is_grad_enabled()
                if turn % 4 == wait:  # leave last
                    time.sleep(0.001)
            seen.append((inside, is_grad_enabled()))

    before = mg.graph.special
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, range(4)))
    assert seen == [(False, True)] * 80
    assert mg.graph.special == before


def test_one_mode_serves_many_tasks_at_once() -> None:
    mode, before = no_grad(), mg.graph.special

    async def run(pause: float) -> bool:
        with mode:
            await asyncio.sleep(pause)
        return is_grad_enabled()

    async def both() -> list[bool]:
        return await asyncio.gather(run(0.002), run(0.001), run(0.003))

    assert asyncio.run(both()) == [True] * 3
    assert mg.graph.special == before


def test_modes_belong_to_one_async_task() -> None:
    x, seen = leaf(1.0), []

    @no_grad()
    async def quiet() -> None:
        for _ in range(3):
            seen.append(("quiet", (x * 2).requires_grad))
            await asyncio.sleep(0)

    async def loud() -> None:
        for _ in range(3):
            seen.append(("loud", (x * 2).requires_grad))
            await asyncio.sleep(0)

    async def both() -> None:
        await asyncio.gather(quiet(), loud())

    asyncio.run(both())
    assert set(seen) == {("quiet", False), ("loud", True)}


def test_backward_in_many_threads_at_once() -> None:
    x = leaf(*np.linspace(0, 1, 5))
    found = []

    def work() -> None:
        for _ in range(20):
            found.append(mg.autograd.grad(np.sin(x * 2).sum(), x)[0].numpy())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    np.testing.assert_allclose(found, np.broadcast_to(2 * np.cos(2 * x.data), (80, 5)))


def test_detect_anomaly_names_the_op_and_the_line() -> None:
    x = leaf(1.0, -1.0)
    with np.errstate(all="ignore"), detect_anomaly(), pytest.raises(FloatingPointError, match="log: the forward pass") as raised:
        x.log()
    assert "test_graph.py" in raised.value.__notes__[0]
    assert "x.log()" in raised.value.__notes__[0]
    x = leaf(0.0, 1.0)
    with np.errstate(all="ignore"), detect_anomaly():
        y = x.sqrt()  # finite, but its slope at 0 is not
        with pytest.raises(FloatingPointError, match="sqrt: the backward pass produced 1 infinite") as raised:
            y.sum().backward()
    assert any("y = x.sqrt()" in note for note in raised.value.__notes__)
    assert mg.graph.special == 0


def test_an_error_in_a_rule_names_the_op() -> None:
    @mg.primitive(x=lambda g, x: g @ np.ones((7, 7)), method=False)
    def broken(x):
        return x * 1

    with pytest.raises(ValueError) as raised:
        broken(leaf(1.0, 2.0)).sum().backward()
    assert "in the gradient of broken" in raised.value.__notes__[0]


def test_a_chain_of_a_million_nodes() -> None:
    """Built, differentiated and dropped, with the default recursion limit."""
    x = leaf(1.0)
    y = x
    for _ in range(1_000_000):
        y = y + 1.0
    y.sum().backward()
    assert x.grad.tolist() == [1.0]
    assert sys.getrecursionlimit() <= 3000
    del y


def test_no_cycles_memory_is_flat_without_the_garbage_collector() -> None:
    rng = np.random.default_rng(0)
    w = Tensor(rng.normal(size=(8, 8)), requires_grad=True)
    data = Tensor(rng.normal(size=(4, 8)))

    def step() -> None:
        hidden = (data @ w).tanh()
        first, second = np.split(hidden, 2)
        loss = (hidden**2).mean() + (first * second).sum() + np.concatenate([hidden[0], hidden[1]]).std()
        w.grad = None
        loss.backward()
        with no_grad():
            w.data -= 0.01 * w.grad

    process = psutil.Process()
    gc.collect()
    gc.disable()
    try:
        for _ in range(1000):
            step()
        before = process.memory_info().rss
        for _ in range(10_000):
            step()
        assert process.memory_info().rss - before < 500_000  # 50 bytes a step would be seen
        assert gc.collect() < 100
    finally:
        gc.enable()


def test_dropping_a_result_frees_its_graph_at_once() -> None:
    gc.disable()
    try:
        tracemalloc.start()
        x = Tensor(np.ones(250_000), requires_grad=True)
        base = tracemalloc.get_traced_memory()[0]
        y = x
        for _ in range(5):
            y = y.tanh()
        assert tracemalloc.get_traced_memory()[0] - base > 5 * 1_900_000
        del y
        assert tracemalloc.get_traced_memory()[0] - base < 10_000
        # Arrays are freed while backward passes them: the peak holds one gradient and its successor.
        y = x
        for _ in range(10):
            y = y.tanh()
        loss = y.sum()
        del y
        held = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        loss.backward()
        assert tracemalloc.get_traced_memory()[1] - held < 3.2 * 2_000_000
    finally:
        tracemalloc.stop()
        gc.enable()


def test_ops_save_only_what_their_rules_read() -> None:
    x, y = Tensor(np.ones((3, 3)), requires_grad=True), Tensor(np.ones((3, 3)))
    assert (x + y)._node.saved == ((), None)
    assert [np.shape(v) for v in (x * y)._node.saved[0]] == [(3, 3)]
    assert (x * y)._node.saved[1] is None
    assert x.sum()._node.saved == (((3, 3), None, False, True),)
    out = x.tanh()
    assert out._node.saved[0][0] is out.data


def test_only_needed_gradients_are_computed() -> None:
    calls = []

    @mg.primitive(x=lambda g: calls.append("x") or g, y=lambda g: calls.append("y") or g, method=False)
    def both(x, y):
        return x + y

    x, y = leaf(1.0), leaf(2.0)
    both(x, Tensor([1.0])).sum().backward()
    assert calls == ["x"]
    calls.clear()
    mg.autograd.grad(both(x, y).sum(), y)
    assert calls == ["y"]


def test_leaf_gradient_follows_the_layout_of_the_leaf() -> None:
    w = Tensor(np.ones((3, 4)), requires_grad=True)
    (w.T * np.arange(12.0).reshape(4, 3)).sum().backward()
    assert w.grad.data.flags.c_contiguous
