"""What is measured of a step: its time, its launches, its copies to the host, its memory."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import minigrad as mg

from .. import peers
from .libraries import Library
from .workloads import Step, Workload

#: name of a library -> a number, None where the machine cannot tell it
Numbers = dict[str, float | None]


class Meter(Protocol):
    """What a device can tell of a step besides its time."""

    def counts(self, library: Library, run: Callable[[], None]) -> tuple[float, float] | None:
        """How many kernels a run launches, and how often it copies something to the host."""

    def peak(self, library: Library, run: Callable[[], None]) -> float | None:
        """MiB above what was there before, at the peak of a run."""


class CardMeter:
    """A real card.  PyTorch's profiler sees the kernels of the whole process, so it counts CuPy's too."""

    def counts(self, library: Library, run: Callable[[], None]) -> tuple[float, float] | None:
        torch = peers.torch()
        if torch is None or not torch.cuda.is_available():
            return None
        activities = torch.profiler.ProfilerActivity
        try:
            with torch.profiler.profile(activities=[activities.CPU, activities.CUDA]) as profile:
                run()
                library.synchronize()
            events = profile.events()
        except RuntimeError as error:  # on some machines nobody may look: the times are there all the same
            print(f"launches are not counted: {error}", file=sys.stderr)
            return None
        return launches_and_copies([e.name for e in events if e.device_type == torch.autograd.DeviceType.CUDA])

    def peak(self, library: Library, run: Callable[[], None]) -> float | None:
        if library.name == "torch":
            torch = peers.torch()
            torch.cuda.reset_peak_memory_stats()
            before = torch.cuda.memory_allocated()
            run()
            return (torch.cuda.max_memory_allocated() - before) / 2**20
        hook = peak_hook(mg.backend.cupy().cuda.MemoryHook)
        with hook:
            run()
        return hook.peak / 2**20


def launches_and_copies(names: list[str]) -> tuple[float, float]:
    """Kernels, and copies to the host, among the names of what a card has done.

    >>> launches_and_copies(["add_kernel", "Memset (Device)", "Memcpy DtoH (Device -> Pageable)", "gemm"])
    (2, 1)
    """
    kernels = [name for name in names if not name.startswith(("Memcpy", "Memset"))]
    return len(kernels), sum(name.startswith("Memcpy DtoH") for name in names)


def peak_hook(base: type) -> Any:
    """A hook of CuPy's memory pool (base is its MemoryHook) that follows how much is in use."""

    class Peak(base):  # type: ignore[misc]
        name = "Peak"

        def __init__(self) -> None:
            self.used = self.peak = 0

        def malloc_postprocess(self, **what: int) -> None:
            self.used += what["mem_size"]
            self.peak = max(self.peak, self.used)

        def free_postprocess(self, **what: int) -> None:
            self.used -= what["mem_size"]

    return Peak()


@dataclass
class Effort:
    """How long to measure.

    Attributes:
        warm: seconds before a block that do not count.  A card wakes up in them.
        rounds: runs of a block.
        blocks: turns of each library.
    """

    warm: float = 0.1
    rounds: int = 15
    blocks: int = 3


def no_lap(name: str) -> None:
    """Goes on without a look at the clock."""


def measure(workload: Workload, libraries: list[Library], meter: Meter, effort: Effort, tiny: bool = False) -> list[dict]:
    """The rows of a workload: what a step takes, and each of its parts where it has parts.

    Returns:
        For each row its name and, by the names of the libraries, "ms", "launches", "copies", "MiB".
    """
    steps = {library.name: workload.step(library, tiny) for library in libraries}
    runs = {library.name: _waiting(library, steps[library.name]) for library in libraries}
    row: dict[str, Any] = {"name": workload.name, "ms": times(runs, effort, workload.repeats)}
    row |= {"launches": {}, "copies": {}, "MiB": {}}
    for library in libraries:
        name, run = library.name, partial(steps[library.name], no_lap)
        counts = meter.counts(library, run)
        if counts is not None:
            row["launches"][name], row["copies"][name] = (c / workload.repeats for c in counts)
        row["MiB"][name] = meter.peak(library, run)
    return [row, *(part_rows(steps, libraries, effort) if workload.parts else [])]


def _waiting(library: Library, step: Step) -> Callable[[], None]:
    """A step that ends when the device has computed it."""

    def run() -> None:
        step(no_lap)
        library.synchronize()

    return run


def times(runs: dict[str, Callable[[], None]], effort: Effort, repeats: int = 1) -> Numbers:
    """The median milliseconds of each; the libraries take turns, and the first run of each compiles kernels."""
    found: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run()
    for _ in range(effort.blocks):
        for name, run in runs.items():
            began = time.perf_counter()
            while time.perf_counter() - began < effort.warm:
                run()
            for _ in range(effort.rounds):
                began = time.perf_counter()
                run()
                found[name].append(time.perf_counter() - began)
    return {name: 1000 * statistics.median(values) / repeats for name, values in found.items()}


def part_rows(steps: dict[str, Step], libraries: list[Library], effort: Effort) -> list[dict]:
    """Forward, backward, optimizer: each ends when the card has computed it."""
    laps: dict[str, dict[str, list[float]]] = {}
    for library in libraries:
        clock = _Clock(library.synchronize)
        for _ in range(effort.rounds):
            clock.start()
            steps[library.name](clock.lap)
        for part, values in clock.laps.items():
            laps.setdefault(part, {})[library.name] = values
    return [
        {"name": f"- {part}", "ms": {name: 1000 * statistics.median(v) for name, v in by_library.items()}}
        for part, by_library in laps.items()
    ]


class _Clock:
    """Seconds between laps, each after the device has come to rest."""

    def __init__(self, synchronize: Callable[[], None]) -> None:
        self.synchronize = synchronize
        self.laps: dict[str, list[float]] = {}

    def start(self) -> None:
        self.synchronize()
        self.last = time.perf_counter()

    def lap(self, name: str) -> None:
        self.synchronize()
        now = time.perf_counter()
        self.laps.setdefault(name, []).append(now - self.last)
        self.last = now
