"""Sums over an axis along which a loop could be divided among threads: sums of parts first, and then the sum of these.

It is done for any number of threads, so that results do not depend on it:

    loop over [4000000]: total = reduce add v over 0

becomes

    loop over [32, 125000]: store (reduce add v over 1) in partial
    loop over [32]: total = reduce add partial over 0
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

from .divided import LEAST, free_axes, nanoseconds
from .groups import Call, Group
from .loops import Loop
from .program import Var
from .steps import Compute, Constant, Index, Load, Operand, Reduce, Store, reads

__all__ = ["with_partial_sums"]

#: An axis is cut into at least and at most so many parts; an axis that can be divided as it is has at least so many points.
FEWEST, MOST = 16, 64


def with_partial_sums(groups: Sequence[Group | Call], floor: int) -> tuple[list[Group | Call], int]:
    """The groups, of which large ones that only add up are two; and how many of the new ones come before the floor."""
    found: list[Group | Call] = []
    start = 0
    for i, group in enumerate(groups):
        if i == floor:
            start = len(found)
        found.extend(_parts(group) if isinstance(group, Group) else [group])
    return found, len(found) if floor >= len(groups) else start


def _parts(group: Group) -> list[Group]:
    if not any(isinstance(step, Reduce) for step in group.code) or 0 in group.space:
        return [group]
    loop = group.loop("loop")
    keys = group.operand_keys()
    slots = [keys.index(key) for key in keys]
    if nanoseconds(loop) < LEAST or any(loop.space[a] >= FEWEST for a in free_axes(loop, slots)):
        return [group]
    for axis in sorted(range(len(loop.space)), key=lambda a: -max(abs(o.strides[a]) for o in loop.operands)):
        count = next((n for n in range(MOST // 2, FEWEST - 1, -1) if loop.space[axis] % n == 0), 0)
        if count and loop.space[axis] > count and (late := _late(loop, axis)) is not None:
            return _Cut(group, loop, axis, count, late).groups()
    return [group]


def _late(loop: Loop, axis: int) -> set[int] | None:
    """The steps from the sums over an axis on; None where these are not all that is left to do once the axis is through."""
    late: set[int] = set()
    stored_early: set[int] = set()
    for i, step in enumerate(loop.code):
        after = any(v in late for v in reads(step))
        sums = isinstance(step, Reduce) and axis in step.axes
        if isinstance(step, Index) and step.axis == axis or (sums and (after or axis not in loop.axes[step.value])):  # type: ignore[union-attr]
            return None
        if after or sums:
            late.add(i)
            if axis in loop.axes[i]:
                return None
        elif isinstance(step, Store):
            stored_early.add(step.operand)
            if axis not in loop.axes[i]:
                return None
    for v in _read_again(loop, axis, late):
        step = loop.code[v]
        if axis in loop.axes[v] or isinstance(step, Reduce | Index) or isinstance(step, Load) and step.operand in stored_early:
            return None
    return late


def _read_again(loop: Loop, axis: int, late: set[int]) -> list[int]:
    """The values before the sums that the steps after them read, and what these are computed from."""
    waiting = [v for i in late if not _sums(loop.code[i], axis) for v in reads(loop.code[i]) if v not in late]
    found: set[int] = set()
    while waiting:
        v = waiting.pop()
        if v not in found:
            found.add(v)
            waiting.extend(reads(loop.code[v]))
    return sorted(found)


def _sums(step: Any, axis: int) -> bool:
    return isinstance(step, Reduce) and axis in step.axes


@dataclass
class _Cut:
    """The two groups that a group becomes.

    The first runs over the parts of the axis, and the axes of the group; the second over the parts, and what it needs of the others.
    """

    group: Group
    loop: Loop
    axis: int
    count: int
    late: set[int]
    numbers: tuple[dict[int, int], dict[int, int]] = field(default_factory=lambda: ({}, {}))  # new ones of the values

    def groups(self) -> list[Group]:
        space, length = self.loop.space, self.loop.space[self.axis] // self.count
        again = set(_read_again(self.loop, self.axis, self.late))
        runs = set().union(*(self._axes(i) for i in self.late))
        inside = Group((self.count, *(length if a == self.axis else n for a, n in enumerate(space))))
        after = Group((self.count, *(n if a in runs and a != self.axis else 1 for a, n in enumerate(space))))
        for i, step in enumerate(self.loop.code):
            if _sums(step, self.axis):
                self._sum(inside, after, i, step)
                continue
            if i not in self.late:
                self._copy(inside, 0, i, step)
            if i in self.late or i in again:
                self._copy(after, 1, i, step)
        return [inside, after]

    def _axes(self, i: int) -> set[int]:
        step = self.loop.code[i]
        more = step.axes if isinstance(step, Reduce) and i in self.late and not _sums(step, self.axis) else ()
        return set(self.loop.axes[i]) | set(more)

    def _copy(self, group: Group, which: int, i: int, step: Any) -> None:
        """A step in one of the groups."""
        numbers = self.numbers[which]
        match step:
            case Load(operand):
                step = Load(self._operand(group, which, operand))
            case Store(operand, value):
                step = Store(self._operand(group, which, operand), numbers[value])
                if self.group.arrays[operand] in self.group.stored:
                    group.stored.append(self.group.arrays[operand])
            case Compute(op, args):
                step = Compute(op, tuple(numbers[v] for v in args))
            case Reduce(op, value, axes):
                step = Reduce(op, numbers[value], tuple(a + 1 for a in axes))
            case Index(axis, dtype):
                step = Index(axis + 1, dtype)
        numbers[i] = group.add(step)

    def _operand(self, group: Group, which: int, number: int) -> int:
        """An operand of the whole in one of the groups."""
        old = self.loop.operands[number]
        step = old.strides[self.axis] * (self.loop.space[self.axis] // self.count) if which == 0 else 0
        strides = tuple(0 if n == 1 else s for s, n in zip(old.strides, group.space[1:], strict=True))
        return group.operand(self.group.arrays[number], replace(old, strides=(step, *strides)))

    def _sum(self, inside: Group, after: Group, i: int, step: Reduce) -> None:
        """A sum: those of the parts go through memory."""
        left = sorted(self.loop.axes[i])
        lengths = [self.loop.space[a] for a in left]
        dtype = self.loop.dtypes[i]
        partial = Var.new((self.count, *lengths), dtype)
        strides = [prod(lengths), *(0 for _ in self.loop.space)]
        for k, a in enumerate(left):
            strides[a + 1] = prod(lengths[k + 1 :])
        place = Operand(dtype, tuple(strides))
        axes = tuple(a + 1 for a in step.axes)
        value = inside.add(Reduce(step.op, self.numbers[0][step.value], axes))
        inside.code.append(Store(inside.operand(partial, place), value))
        inside.stored.append(partial)
        read = after.add(Load(after.operand(partial, place)))
        self.numbers[1][i] = after.add(Reduce(step.op, read, (0,)))
