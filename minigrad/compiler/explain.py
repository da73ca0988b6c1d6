"""Where the time of a compiled function goes: each loop on its own, beside what the memory of this machine could do."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from . import native
from .divided import reach
from .groups import Call, Group
from .loops import Loop
from .script import Script
from .steps import Compute, Constant, Operand, Reduce, Store

__all__ = ["Explanation", "Row", "explained"]


@dataclass(frozen=True)
class Row:
    """What one part of a program costs.

    Attributes:
        name: "loop 3", or the name of a call that no loop can hold.
        space: the lengths of a loop's axes.
        operations: how many numbers are computed.
        bytes: how many are read and written, each array once.
        microseconds: the median of some runs; None of a call, which is not run here.
    """

    name: str
    space: tuple[int, ...] = ()
    operations: int = 0
    bytes: int = 0
    microseconds: float | None = None

    def share(self) -> float | None:
        """Bytes in a second, as a part of what a copy in memory moves; more than 1 where they stay in the cache."""
        return None if not self.microseconds else self.bytes / self.microseconds * 1e6 / bandwidth()


@dataclass(frozen=True)
class Explanation:
    """The rows, as a table when printed.

    Attributes:
        notes: on a GPU, where loops are not measured, how the stretches of the program are launched.
    """

    rows: list[Row]
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        loops = sorted((r for r in self.rows if r.microseconds is not None), key=lambda r: -(r.microseconds or 0))
        total = sum(r.microseconds or 0 for r in loops)
        lines = [f"{'part':10} {'us':>9} {'share':>6} {'operations':>11} {'bytes':>11} {'of bandwidth':>12}  space"]
        for r in loops:
            us, share = r.microseconds or 0.0, r.share() or 0.0
            part = us / total if total else 0.0
            lines.append(f"{r.name:10} {us:9.2f} {part:6.0%} {r.operations:11,} {r.bytes:11,} {share:12.0%}  {r.space}")
        calls = [r.name for r in self.rows if r.microseconds is None]
        named = f": {', '.join(calls)}" if calls else ""
        lines.append(f"{len(loops)} loops, {total:.1f} us; {len(calls)} calls that no loop holds{named}")
        return "\n".join([*lines, *(f"stretch {i}: {note}" for i, note in enumerate(self.notes))])


def explained(script: Script) -> Explanation:
    """The parts of a program, each loop measured on arrays of its own."""
    rows = []
    notes = tuple(part.state for part in getattr(script, "parts", ()))
    for i, group in enumerate(script.fusion.groups):
        if isinstance(group, Call):
            rows.append(Row(getattr(group.step.function, "__name__", "call")))
        else:
            rows.append(_row(group, f"loop {i}", on_gpu=bool(notes)))
    return Explanation(rows, notes)


def _row(group: Group, name: str, on_gpu: bool) -> Row:
    loop = group.loop(name)
    work = sum(isinstance(step, (Compute, Reduce)) for step in loop.code) * prod(loop.space)
    met = {(a, o): np.dtype(o.dtype).itemsize * reach(o, loop.space) for a, o in zip(group.arrays, loop.operands, strict=True)}
    return Row(name, loop.space, work, sum(met.values()), math.nan if on_gpu else _measured(group, loop))


def _measured(group: Group, loop: Loop, runs: int = 20) -> float:
    """Microseconds of a run on arrays of zeros, the median."""
    function = native.compile_loops([loop])
    arrays: dict[Any, np.ndarray] = {}
    for a, operand in zip(group.arrays, loop.operands, strict=True):
        arrays.setdefault((a, operand.dtype), np.zeros(getattr(a, "shape", ()), operand.dtype))
    frame = function.frame([arrays[a, o.dtype] for a, o in zip(group.arrays, loop.operands, strict=True)])
    address = frame.ctypes.data
    return max(0.01, median_of(lambda: function.entry(address), runs) * 1e6 - _of_a_call())


@functools.cache
def _of_a_call() -> float:
    """Microseconds that it takes to call native code, which a program does once for many loops."""
    function = native.compile_loops([Loop((1,), (Operand("float32", (1,)),), (Constant(0.0, "float32"), Store(0, 0)))])
    frame = function.frame([np.zeros(1, np.float32)])
    address = frame.ctypes.data
    return median_of(lambda: function.entry(address), 200) * 1e6


def median_of(run: Callable[[], Any], runs: int) -> float:
    """Seconds."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


@functools.cache
def bandwidth() -> float:
    """Bytes in a second, read and written, of a copy too large for the caches."""
    source, target = np.ones(1 << 23, np.float64), np.zeros(1 << 23, np.float64)
    return 2 * source.nbytes / median_of(lambda: np.copyto(target, source), 5)
