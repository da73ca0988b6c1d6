"""Where the time of a compiled function goes: each loop on its own, beside what this machine's memory could do, and calls."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from .. import graph
from ..backend import address_of
from ..random.state import get_state, set_state
from . import native
from .groups import Call, Group
from .loops import Loop
from .native_loop import frame_of, repeat
from .program import Step, Var, formulas_in, with_values
from .repeated import Repeated
from .script import Script
from .steps import Compute, Reduce
from .threaded import reach

__all__ = ["Explanation", "Row", "explained", "loops_of"]


@dataclass(frozen=True)
class Row:
    """What one part of a program costs in one call of the compiled function.

    Attributes:
        name: "loop 3", "loop 3.0" of a loop in the body of the scan that is part 3, or the name of calls that no loop can hold.
        times: how often it runs.
        space: the lengths of a loop's axes.
        operations: how many numbers are computed.
        bytes: how many are read and written, each array once in a run.
        microseconds: of all runs, from the median of some; None where it was not measured: of calls of a user's own op, and of
            those that refuse numbers that are made up.
    """

    name: str
    times: int = 1
    space: tuple[int, ...] | None = None
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
        notes: how the steps of a scan are run; on a GPU, where nothing is measured, how stretches of the program are launched.
    """

    rows: list[Row]
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        loops, calls = ([r for r in self.rows if (r.space is None) == is_call] for is_call in (False, True))
        total = _time(self.rows)
        heads = f"{'us':>9} {'share':>6} {'operations':>13} {'bytes':>13} {'of bandwidth':>12}"
        lines = [f"{'part':14} {'times':>7} {heads}  space"]
        for r in sorted(self.rows, key=lambda r: -math.inf if r.microseconds is None else r.microseconds, reverse=True):
            line = f"{r.name:14} {r.times:7,} "
            if r.microseconds is None:
                line += "not measured"
            else:
                line += f"{r.microseconds:9.2f} {r.microseconds / total if total else 0:6.0%}"
            if r.space is not None:
                line += f" {r.operations:13,} {r.bytes:13,} {r.share() or 0:12.0%}  {r.space}"
            lines.append(line)
        count = sum(r.times for r in calls)
        lines.append(f"{len(loops)} loops, {_time(loops):.1f} us; {count} calls that no loop holds, {_time(calls):.1f} us")
        return "\n".join([*lines, *self.notes])


def _time(rows: list[Row]) -> float:
    return sum(r.microseconds or 0.0 for r in rows)


def explained(script: Script) -> Explanation:
    """The parts of a program, each measured on arrays of its own."""
    stretches = [f"stretch {i}: {part.state}" for i, part in enumerate(getattr(script, "parts", ()))]
    rows, calls = [], dict[str, Row]()
    for group, name, times in _parts(script):
        if isinstance(group, Group):
            rows.append(_row(group, name, times, on_gpu=bool(stretches)))
            continue
        us = None if stretches else _of_call(group.step)
        known = calls.get(name, Row(name, 0))
        us = known.microseconds if us is None else us * times + (known.microseconds or 0.0)
        calls[name] = replace(known, times=known.times + times, microseconds=us)
    return Explanation([*rows, *calls.values()], (*_how_scans_run(script), *stretches))


def loops_of(script: Script) -> list[Loop]:
    """The loops of native code, in the order in which they run, also those in the bodies of scans."""
    found = []
    for group, name, times in _parts(script):
        if isinstance(group, Group):
            found.append(group.loop(name if times == 1 else f"{name}, {times:,} times,"))
    return found


def _parts(script: Script, times: int = 1, within: str = "") -> Iterator[tuple[Group | Call, str, int]]:
    """Loops and calls, their names, and how often a call runs each; in the place of a scan those of its body."""
    for i, group in enumerate(script.fusion.groups):
        if isinstance(group, Group):
            yield group, f"loop {within}{i}", times
        elif isinstance(group.step.function, Repeated) and native.available():
            scan = group.step.function
            yield from _parts(scan.body(), times * scan.steps, f"{within}{i}.")
        else:
            yield group, _name(group.step), times


def _name(step: Step) -> str:
    """What a step's function is called; of an op that runs as it is the op's name."""
    owner = getattr(step.function, "__self__", None)
    return str(getattr(owner, "name", None) or getattr(step.function, "__name__", "call"))


def _how_scans_run(script: Script, within: str = "") -> Iterator[str]:
    """A line for each scan."""
    for i, group in enumerate(script.fusion.groups):
        scan = group.step.function if isinstance(group, Call) else None
        if isinstance(scan, Repeated) and native.available():
            body = scan.body()
            calls = {_name(g.step) for g in body.fusion.groups if isinstance(g, Call)}
            around = f"a loop of Python's around {', '.join(sorted(calls)) or 'checks, or loops that threads share'}"
            yield f"scan {within}{i}: {scan.steps:,} steps, {around if body.told is None else 'one native loop'}"
            yield from _how_scans_run(body, f"{within}{i}.")


# -------------------------------------------------------------------------------------- measuring


def _row(group: Group, name: str, times: int, on_gpu: bool) -> Row:
    loop = group.loop(name)
    work = sum(isinstance(step, (Compute, Reduce)) for step in loop.code) * prod(loop.space)
    met = {(a, o): np.dtype(o.dtype).itemsize * reach(o, loop.space) for a, o in zip(group.arrays, loop.operands, strict=True)}
    us = math.nan if on_gpu else _of_loop(group, loop) * times
    return Row(name, times, loop.space, work * times, sum(met.values()) * times, us)


def _of_loop(group: Group, loop: Loop) -> float:
    """Microseconds of a run on arrays of zeros."""
    function = native.compile_loops([loop])
    arrays: dict[Any, np.ndarray] = {}
    for a, operand in zip(group.arrays, loop.operands, strict=True):
        arrays.setdefault((a, operand.dtype), np.zeros(getattr(a, "shape", ()), operand.dtype))
    frame = function.frame([arrays[a, o.dtype] for a, o in zip(group.arrays, loop.operands, strict=True)])
    still, address = np.zeros(len(frame), np.int64), function.address
    if address is None:
        return _of_each(lambda count: [function.entry(address_of(frame)) for _ in range(count)])
    return _of_each(lambda count: repeat()(address_of(frame_of(address, frame, still, count))))


def _of_call(step: Step) -> float | None:
    """Microseconds of a call on numbers that are made up; None where it cannot be measured."""
    if any(map(graph.is_of_user, (step.function, *step.args))):
        return None  # which may do more than compute
    values: dict[Any, Any] = {v: _made_up(v) for v in step.inputs()}
    values.update((formula, 1.0) for formula in formulas_in([step]))
    state = get_state()
    try:
        with np.errstate(all="ignore"):
            args, kwargs = with_values(step.args, values), with_values(step.kwargs, values)

            def run(count: int) -> None:
                for _ in range(count):
                    step.function(*args, **kwargs)

            return _of_each(run)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return None  # NumPy says what is wrong with these numbers
    finally:
        set_state(state)


def _made_up(v: Var) -> np.ndarray:
    """An array like a value: normal numbers, matrices that have inverses, indices of 0, masks of which all is true."""
    if v.dtype.kind not in "fc":
        return np.full(v.shape, v.dtype == bool, v.dtype)
    x = np.random.default_rng(0).normal(size=v.shape)
    if x.ndim > 1 and x.shape[-1] == x.shape[-2]:
        x += 2 * x.shape[-1] * np.eye(x.shape[-1])
    return x.astype(v.dtype)


def _of_each(run: Callable[[int], Any]) -> float:
    """Microseconds of one of so many runs that they take 0.1 ms together, or more; the median of some of these."""
    count = 1
    while median_of(functools.partial(run, count), 3) < 1e-4:
        count *= 4
    return median_of(functools.partial(run, count), 20) / count * 1e6


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
