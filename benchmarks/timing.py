"""Timing of alternatives in one run.

The libraries take turns in short blocks, so that a noisy minute of the machine hits all of them.  Before a
block there is a pause: thread pools spin for a while after their work and would take a core from the next
library.  The first part of a block wakes the processor up and does not count.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

#: What is shorter is called several times between two looks at the clock.
SHORT = 50e-6


def in_turns(functions: dict[str, Callable[[], object]], rounds: int, blocks: int = 5) -> dict[str, float]:
    """The median seconds of each function over `blocks` turns of `rounds` calls."""
    for function in functions.values():
        function()
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(blocks):
        for name, function in functions.items():
            time.sleep(0.2)
            _warm(function, 0.2)
            for _ in range(rounds):
                times[name].append(seconds_of(function))
    return {name: statistics.median(values) for name, values in times.items()}


def for_a_while(
    functions: dict[str, Callable[[], object]], seconds: float, pause: float = 0.0, blocks: int = 5
) -> dict[str, float]:
    """The median seconds of each function over `blocks` turns of so many seconds, a third of which do not count."""
    calls = {name: 1 + int(SHORT / min(seconds_of(f) for _ in range(3))) for name, f in functions.items()}
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(blocks):
        for name, function in functions.items():
            time.sleep(pause)
            _warm(function, seconds / 3)
            began = time.perf_counter()
            while time.perf_counter() - began < seconds * 2 / 3:
                times[name].append(seconds_of(function, calls[name]))
    return {name: statistics.median(values) for name, values in times.items()}


def _warm(function: Callable[[], object], seconds: float) -> None:
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        function()


def seconds_of(function: Callable[[], object], calls: int = 1) -> float:
    """The mean of some calls in a row."""
    began = time.perf_counter()
    for _ in range(calls):
        function()
    return (time.perf_counter() - began) / calls
