"""Several threads at work: backward passes into shared leaves lose nothing, modes stay apart."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import Tensor

THREADS, ROUNDS = 8, 60


@pytest.fixture(autouse=True)
def _many_switches() -> Iterator[None]:
    """Let Python change threads as often as it can, so that a lost update shows."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def in_threads(work: Callable[[int], Any]) -> list[Any]:
    """What the function returns in each thread; all begin at one moment."""
    barrier = threading.Barrier(THREADS)

    def begin(n: int) -> Any:
        barrier.wait()
        return work(n)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(begin, range(THREADS)))


def test_gradients_of_all_threads_add_up_in_shared_leaves() -> None:
    """Small whole numbers, so that the sum is exact in every order."""
    shared = [Tensor(np.ones(n), requires_grad=True) for n in (1, 3, 1000)]

    def work(n: int) -> None:
        for i in range(ROUNDS):
            sum((x * float(n + i)).sum() for x in shared).backward()

    in_threads(work)
    want = sum(n + i for n in range(THREADS) for i in range(ROUNDS))
    for x in shared:
        np.testing.assert_array_equal(x.grad.numpy(), np.full(x.shape, float(want)))


def test_a_first_gradient_is_not_lost() -> None:
    """The moment in which `.grad` is still None is the narrow one."""
    for _ in range(ROUNDS):
        x = Tensor(np.zeros(()), requires_grad=True)
        in_threads(lambda n, x=x: (x * 2.0**n).backward())
        assert x.grad.item() == 2.0**THREADS - 1


def test_gradients_that_are_part_of_a_graph_add_up_too() -> None:
    x = Tensor(np.array(2.0), requires_grad=True)

    def work(n: int) -> None:
        for _ in range(ROUNDS):
            (x * x * x).backward(create_graph=True)

    in_threads(work)
    assert x.grad.item() == THREADS * ROUNDS * 12.0
    first, x.grad = x.grad, None
    first.backward()
    assert x.grad.item() == THREADS * ROUNDS * 12.0


def test_a_network_gets_the_sum_of_the_gradients_of_its_threads() -> None:
    net = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2)).double()
    parts = np.random.default_rng(0).normal(size=(THREADS, 5, 3))
    in_threads(lambda n: (net(Tensor(parts[n])) ** 2).sum().backward())
    together = [p.grad.numpy().copy() for p in net.parameters()]
    for p in net.parameters():
        p.grad = None
    (net(Tensor(parts.reshape(-1, 3))) ** 2).sum().backward()
    for got, p in zip(together, net.parameters(), strict=True):
        np.testing.assert_allclose(got, p.grad.numpy(), rtol=1e-10)


def test_each_thread_has_its_own_mode() -> None:
    x = Tensor(np.ones(3), requires_grad=True)

    def work(n: int) -> bool:
        seen = set()
        for _ in range(ROUNDS):
            with mg.set_grad_enabled(n % 2 == 0):
                y = x * float(n + 1)
                seen.add(y.requires_grad)
                if y.requires_grad:
                    y.sum().backward()
        (flag,) = seen
        return flag

    assert in_threads(work) == [n % 2 == 0 for n in range(THREADS)]
    assert mg.is_grad_enabled()
    want = ROUNDS * sum(n + 1 for n in range(0, THREADS, 2))
    np.testing.assert_array_equal(x.grad.numpy(), np.full(3, float(want)))


def test_transforms_of_one_function_in_several_threads_stay_apart() -> None:
    cube = lambda x: np.sum(x**3)
    pull = mg.make_vjp(lambda x: x**3)(np.array([1.0, 2.0]))[0]

    def work(n: int) -> tuple[Any, Any, Any]:
        at = np.array([float(n), 1.0])
        for _ in range(10):
            found = mg.hessian(cube)(at), mg.grad(mg.grad(lambda x: x**4))(float(n)), pull(at)
        return found

    for n, (hessian, second, pulled) in enumerate(in_threads(work)):
        np.testing.assert_allclose(hessian, np.diag([6.0 * n, 6.0]))
        assert second == pytest.approx(12.0 * n**2)
        np.testing.assert_allclose(pulled, [3.0 * n, 12.0])


def test_a_tensor_that_another_thread_has_replaced_is_refused_and_comes_back() -> None:
    w = Tensor(np.zeros(2))
    inside, done = threading.Event(), threading.Event()

    def hold() -> list[float]:
        with mg.replaced([w], [np.ones(2)]):
            inside.set()
            done.wait()
            return w.tolist()

    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(hold)
        inside.wait()
        try:
            with pytest.raises(RuntimeError, match=r"another thread.*shape \(2,\).*deepcopy"), mg.replaced([w], [[5.0, 5.0]]):
                pass
        finally:
            done.set()
        assert held.result() == [1.0, 1.0]
    assert w.tolist() == [0.0, 0.0]
    with mg.replaced([w], [np.full(2, 5.0)]):
        assert w.tolist() == [5.0, 5.0]


def test_calls_of_one_module_from_many_threads_leave_it_as_it_was() -> None:
    layer = nn.Linear(1, 1, bias=False).double()
    weight = layer.weight.tolist()

    def work(n: int) -> list[float]:
        found = []
        for _ in range(ROUNDS):
            with suppress(RuntimeError):  # another thread has it
                found.append(nn.utils.functional_call(layer, {"weight": np.full((1, 1), float(n))}, np.ones(1)).item())
        return found

    results = in_threads(work)
    assert any(results)
    assert all(set(found) <= {float(n)} for n, found in enumerate(results))
    assert layer.weight.tolist() == weight


def test_tasks_that_take_turns_do_not_replace_what_another_has_replaced() -> None:
    w = Tensor(np.zeros(2))

    async def hold(value: float) -> list[float]:
        with mg.replaced([w], [np.full(2, value)]):
            await asyncio.sleep(0)
            return w.tolist()

    async def both() -> list[Any]:
        return await asyncio.gather(hold(1.0), hold(2.0), return_exceptions=True)

    first, second = asyncio.run(both())
    assert first == [1.0, 1.0]
    assert isinstance(second, RuntimeError)
    assert w.tolist() == [0.0, 0.0]
