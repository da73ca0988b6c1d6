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

from minigrad import random

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
        with os.fdopen(reading) as file:
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


def test_kernels_over_threads_work_in_a_forked_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The threads of the parent do not exist in the child; a kernel that waits for them never ends."""
    threads = pytest.importorskip("minigrad.kernels.threads", reason="numba is not installed")
    monkeypatch.setattr(threads, "workers", 2)
    out = np.zeros(8)

    def kernel(start: int, stop: int, part: int) -> None:
        out[start:stop] = part + 1

    size = 4 * threads.SMALLEST
    assert threads.chunks(len(out), size) == 2

    def filled() -> list[float]:
        out[...] = 0
        threads.spread(kernel, len(out), size)
        return out.tolist()

    expected = [1.0] * 4 + [2.0] * 4
    assert filled() == expected
    assert in_child(filled) == expected
    assert filled() == expected
