"""Timing of alternatives in one run.

The libraries take turns in short blocks, so that a noisy minute of the machine hits all of them.  Before a
block there is a pause: thread pools spin for a while after their work and would take a core from the next
library.  The first fifth of a second of a block wakes the processor up and does not count.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def in_turns(functions: dict[str, Callable[[], object]], rounds: int, blocks: int = 5) -> dict[str, float]:
    """The median seconds of each function over `blocks` turns of `rounds` calls."""
    for function in functions.values():
        function()
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(blocks):
        for name, function in functions.items():
            time.sleep(0.2)
            began = time.perf_counter()
            while time.perf_counter() - began < 0.2:
                function()
            for _ in range(rounds):
                began = time.perf_counter()
                function()
                times[name].append(time.perf_counter() - began)
    return {name: statistics.median(values) for name, values in times.items()}
