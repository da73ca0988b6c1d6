"""Forked processes: they draw numbers of their own, and kernels over several threads work in them."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minigrad import Tensor, compile, random
from minigrad.compiler import native

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

#: So many seconds after which a child that hangs is killed.
LIMIT = 60.0


def in_child(function: Callable[[], Any]) -> Any:
    """What a function gives in a forked process; an error, if that hangs or fails."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(writing, json.dumps(function()).encode())
        finally:
            os._exit(0)
    os.close(writing)
    killer = threading.Timer(LIMIT, os.kill, (pid, signal.SIGKILL))
    killer.start()
    try:
        with os.fdopen(reading, encoding="utf-8") as file:
            answer = file.read()
        os.waitpid(pid, 0)
    finally:
        killer.cancel()
    assert answer, "the child hung, or failed"
    return json.loads(answer)


def draw() -> float:
    return random.uniform().item()


@pytest.mark.parametrize("used", [True, False])
def test_forked_processes_draw_different_numbers(used: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parent, children and grandchild, also where the generator was not made before the fork."""
    random.manual_seed(3)
    if not used:
        monkeypatch.setattr(random.state._default, "cpu", None)
    first = in_child(lambda: [draw(), in_child(draw)])
    second = in_child(lambda: [draw(), in_child(draw)])
    numbers = [*first, *second, draw()]
    assert len(set(numbers)) == 5


def test_numbers_of_forked_processes_follow_the_seed() -> None:
    runs = []
    for _ in range(2):
        random.manual_seed(4)
        runs.append([in_child(draw), draw(), in_child(draw)])
    assert runs[0] == runs[1]


def test_a_fork_does_not_move_the_parents_generator() -> None:
    random.manual_seed(5)
    undisturbed = [draw(), draw()]
    random.manual_seed(5)
    first = draw()
    in_child(draw)
    assert [first, draw()] == undisturbed


def test_a_fork_inside_of_a_stream_draws_other_numbers() -> None:
    with random.seeded(1):
        child = in_child(draw)
        assert child != draw()


def test_compiled_functions_run_in_a_forked_process() -> None:
    """Those that the parent has compiled, and new ones."""
    from nn.functional import softmax

    def sums(rows: int) -> list[float]:
        return softmax(np.zeros((rows, 50), np.float32)).sum(axis=1).tolist()

    assert sums(100) == in_child(lambda: sums(100))
    assert in_child(lambda: sums(101)) == sums(101)


def test_a_child_compiles_and_runs_programs_that_a_thread_was_busy_with() -> None:
    x = Tensor(np.arange(3.0), requires_grad=True)
    known = compile(lambda x: (x * x).sum())
    known(x).backward()
    (recorded,) = known.versions
    busy, through = threading.Event(), threading.Event()

    def work() -> None:
        with recorded.lock, known._lock:
            with native._lock:
                busy.set()
                through.wait(0.3)
            through.wait(LIMIT)

    def use() -> list[float]:
        x.grad = None
        known(x).backward()
        assert x.grad is not None
        return [*x.grad.tolist(), *compile(lambda x: np.exp(x) - 3)(np.zeros(2)).tolist()]

    thread = threading.Thread(target=work)
    thread.start()
    busy.wait(LIMIT)
    try:
        assert in_child(use) == [0.0, 2.0, 4.0, -2.0, -2.0]
    finally:
        through.set()
        thread.join()
