"""compile: what was found by attacking it, one test for each kind of fault."""

from __future__ import annotations

import copy
import gc
import pickle
import subprocess
import sys
import threading
import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import Tensor

X = np.linspace(-1, 1, 12, dtype="f4").reshape(4, 3)


def in_threads(*works: Any) -> list[BaseException]:
    """Run functions at the same time; what they raise."""
    barrier, errors = threading.Barrier(len(works)), []

    def run(work: Any) -> None:
        barrier.wait()
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


# ------------------------------------------------------------------------------------ threads

FIRST = """
import threading
import numpy as np
import minigrad as mg
barrier = threading.Barrier(4)
def work(k):
    barrier.wait()
    f = mg.compile(lambda x: np.exp(x) * k)
    for _ in range(50):
        f(np.ones(5))
threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
"""


def test_threads_that_compile_the_first_functions_at_once_share_one_machine() -> None:
    assert subprocess.run([sys.executable, "-c", FIRST], check=False, timeout=120).returncode == 0


def test_steps_over_the_same_parameters_are_traced_one_after_the_other() -> None:
    model = nn.Linear(3, 2)
    optimizer = nn.optim.SGD(model.parameters(), lr=0.0)

    def made() -> Any:
        def step(x: Any) -> Any:
            optimizer.zero_grad()
            loss = (model(x) ** 2).sum()
            loss.backward()
            optimizer.step()
            return loss.detach()

        return mg.compile(step)

    expected = float((model(Tensor(X)) ** 2).sum().detach())
    results: list[float] = []

    def work() -> None:
        step = made()
        results.extend(step(Tensor(X)).item() for _ in range(10))

    assert in_threads(*[work] * 4) == []
    np.testing.assert_allclose(results, expected, rtol=1e-5)
    assert {type(p._array) for p in model.parameters()} == {np.ndarray}


def test_a_thread_without_compile_sees_numbers_while_another_traces() -> None:
    model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
    f, expected, done = mg.compile(lambda x: model(x)), model(Tensor(X)).detach().numpy(), threading.Event()

    def traces() -> None:
        for n in range(1, 8):
            f(Tensor(np.ones((n, 3), "f4")))
        done.set()

    def eager() -> None:
        while not done.is_set():
            np.testing.assert_allclose(model(Tensor(X)).detach().numpy(), expected)
            float(model[0].weight.sum())

    assert in_threads(traces, eager) == []


# ------------------------------------------------------------------------------------ methods


class Alike:
    def __init__(self, k: float) -> None:
        self.k = k

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 1

    @mg.compile
    def scaled(self, x: Any) -> Any:
        return x * self.k


@dataclass
class Unhashable:
    k: float

    @mg.compile
    def scaled(self, x: Any) -> Any:
        return x * self.k


class Slotted:
    __slots__ = ("k",)

    def __init__(self, k: float) -> None:
        self.k = k

    @mg.compile
    def scaled(self, x: Any) -> Any:
        return x * self.k


@pytest.mark.parametrize("kind", [Alike, Unhashable, Slotted])
def test_each_object_has_compiled_methods_of_its_own(kind: Any) -> None:
    a, b = kind(1.0), kind(7.0)
    c = copy.copy(a)
    for _ in range(2):
        assert [x.scaled(np.ones(1)).item() for x in (a, b, c)] == [a.k, b.k, c.k]
        c = copy.copy(a)
        c.k = 3.0


def test_a_compiled_method_does_not_keep_its_object() -> None:
    a = Unhashable(2.0)
    a.scaled(np.ones(2))
    assert copy.deepcopy(a) == a == pickle.loads(pickle.dumps(a))
    found = weakref.ref(a)
    del a
    gc.collect()
    assert found() is None
