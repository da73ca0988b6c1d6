"""Loops that several threads run: equal parts along one axis, and what is left over.

A part is the same loop over a shorter space, on arrays that begin further on.  Only an axis over which nothing is reduced is
divided, and only where a part adds up in the order in which the whole loop does, so each number is computed as by one thread.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from . import pool
from .formulas import FORMULAS, expanded
from .loops import Loop
from .packing import packed
from .schedule import Schedule
from .spaces import simplified
from .steps import Compute, Index, Load, Operand, Reduce, Store
from .text import Target

__all__ = ["LEAST", "Division", "Shared", "free_axes", "nanoseconds", "parts_for", "reach"]

#: Loops that take fewer nanoseconds are left to one thread: to wake another one takes some 20 000.
LEAST = 200_000
#: What a core does in a nanosecond, about: simple operations on float32, and bytes between it and memory.
OPERATIONS, BYTES = 100, 40
#: Of parts there are at most so many for each thread; so many counts are tried.
PARTS, TRIED = 4, 3
#: An operation that is a formula is so many simple ones.
FORMULA = 20


def nanoseconds(loop: Loop) -> float:
    """About how long one thread takes, on arrays that lie in memory.

    >>> x = Operand("float32", (1,))
    >>> nanoseconds(Loop((4_000_000,), (x, x), (Load(0), Compute("exp", (0,)), Store(1, 1))))
    800000.0
    """
    operations = 0
    for i, step in enumerate(loop.code):
        if isinstance(step, Compute | Reduce):
            axes = loop.axes[step.value] | set(step.axes) if isinstance(step, Reduce) else loop.axes[i]
            weight = FORMULA if isinstance(step, Compute) and step.op in FORMULAS else 1
            operations += weight * prod(loop.space[a] for a in axes)
    moved = sum(reach(o, loop.space) * np.dtype(o.dtype).itemsize for o in loop.operands)
    return max(operations / OPERATIONS, moved / BYTES)


def reach(operand: Operand, space: Sequence[int]) -> int:
    """How many elements an operand meets."""
    return prod(n for n, s in zip(space, operand.strides, strict=True) if s)


def free_axes(loop: Loop, slots: Sequence[int]) -> list[int]:
    """The axes along which parts of a loop know nothing of each other: those with long strides first.

    Args:
        slots: equal ones are the same array.
    """
    stored = {step.operand for step in loop.code if isinstance(step, Store)}
    written = {slots[i] for i in stored}
    if any(isinstance(s, Load) and s.operand not in stored and slots[s.operand] in written for s in loop.code):
        return []  # another place of an array that is written
    bound = {a for s in loop.code for a in (s.axes if isinstance(s, Reduce) else [s.axis] if isinstance(s, Index) else [])}
    free = [a for a in range(len(loop.space)) if a not in bound and all(a in loop.moves(i) for i in stored)]
    return sorted(free, key=lambda a: -max(abs(loop.operands[i].strides[a]) for i in stored))


@dataclass(frozen=True)
class Division:
    """Equal parts of a loop.

    Attributes:
        part: the first one.
        count: how many there are.
        moves: how many bytes further the next one begins, for each operand.
        rest: a loop over what is left, if anything is.
    """

    part: Loop
    count: int
    moves: tuple[int, ...]
    rest: Loop | None


def parts_for(loop: Loop, slots: Sequence[int], threads: int, target: Target) -> Division | None:
    """Parts of a loop for so many threads; None where it is too small, or cannot be divided."""
    if threads < 2 or 0 in loop.space or nanoseconds(loop) < LEAST:
        return None
    for axis, count in ((a, n) for a in free_axes(loop, slots) for n in _counts(loop.space[a], threads)):
        length, left = divmod(loop.space[axis], count)
        part, rest = _over(loop, axis, 0, length), _over(loop, axis, length * count, left) if left else None
        if all(_adds_alike(loop, other, target) for other in (part, rest) if other is not None):
            moves = tuple(o.strides[axis] * length * np.dtype(o.dtype).itemsize for o in loop.operands)
            return Division(part, count, moves, rest)
    return None


def _counts(length: int, threads: int) -> list[int]:
    """Into how many equal parts an axis may be divided, the fastest first; what is left over, one thread does afterwards.

    >>> _counts(64, 2), _counts(64, 3), _counts(65, 2), _counts(1, 2)
    ([2, 4, 8], [3, 9, 8], [2, 4, 8], [])
    """

    def time(count: int) -> int:
        return -(-count // threads) * (length // count) + length % count

    best = sorted(range(threads, PARTS * threads + 1), key=lambda count: (time(count), length % count))[:TRIED]
    return [count for count in best if 4 * time(count) <= 3 * length]


def _over(loop: Loop, axis: int, start: int, length: int) -> Loop:
    """The loop over a piece of an axis."""
    space = tuple(length if a == axis else n for a, n in enumerate(loop.space))
    operands = tuple(replace(o, offset=o.offset + start * o.strides[axis]) for o in loop.operands)
    return replace(loop, space=space, operands=operands)


def _adds_alike(loop: Loop, other: Loop, target: Target) -> bool:
    """Whether two loops of the same code add up in the same order."""
    return not any(isinstance(step, Reduce) for step in loop.code) or _order(loop, target) == _order(other, target)


def _order(loop: Loop, target: Target) -> list[object]:
    """What decides in which order a loop adds up, and what it keeps between."""
    found: list[object] = []
    for part, _ in packed(simplified(loop), range(len(loop.operands)), len(loop.operands))[0]:
        plan = Schedule(expanded(part, ("ldexp",) if target.ldexp else ()), target.tile[0])
        reduced = {a for step in plan.loop.code if isinstance(step, Reduce) for a in step.axes}
        found.append((plan.tile > 0, plan.loop.space[plan.row] if plan.row in reduced else 0))
        found.extend(([plan.loop.space[a] for a in nest.axes], nest.sweeps) for nest in plan.nests)
    return found


class Shared:
    """The native function of a part, run for each part by whoever is free.

    Args:
        entry: takes the address of a frame.
        workspace: the bytes that one part keeps.
        slots: where the addresses of the operands, and of the workspace, stand in the frame of the whole.
    """

    def __init__(self, division: Division, entry: Callable[[int], None], workspace: int, slots: Sequence[int]) -> None:
        self.entry, self.count, self.slots = entry, division.count, list(slots)
        each = -(-workspace // 64) * 64
        self.workspace = each * self.count
        self.size = 8 * (max(slots) + 1)
        self.moves = np.outer(np.arange(self.count), (*division.moves, each))

    def __call__(self, address: int) -> None:
        frame = np.frombuffer(ctypes.string_at(address, self.size), np.int64)
        frames = frame[self.slots] + self.moves  # a row for each part
        first, entry = frames.__array_interface__["data"][0], self.entry
        size = 8 * len(self.slots)
        pool.run(lambda part: entry(first + part * size), self.count)
