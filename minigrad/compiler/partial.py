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

from .divided import FORMULA, LEAST, OPERATIONS, free_axes, nanoseconds
from .groups import Call, Group, operand_of
from .loops import Loop
from .program import Var
from .steps import Compute, Index, Load, Reduce, Step, Store, reads

__all__ = ["with_partial_sums"]

#: An axis is cut into so many parts, so that 2, 4, 8 threads get as many of them; one of as many points can be divided as it is.
FEWEST, MOST = 16, 32
#: Loops of fewer steps, in all points of their space, are not looked at: no operation takes so long that they would count.
SMALL = LEAST * OPERATIONS // FORMULA


def with_partial_sums(groups: Sequence[Group | Call], floor: int) -> tuple[list[Group | Call], int]:
    """The groups, of which some are two now, and where the one is now that was number `floor`."""
    found: list[Group | Call] = []
    starts = []
    for group in groups:
        starts.append(len(found))
        found.extend(_cut(group) if isinstance(group, Group) else [group])
    return found, [*starts, len(found)][floor]


def _cut(group: Group) -> list[Group]:
    """A group, or the two that it becomes where it is large and no other axis can be divided."""
    if prod(group.space) * len(group.code) < SMALL or not any(isinstance(step, Reduce) for step in group.code):
        return [group]
    loop, keys = group.loop("loop"), group.operand_keys()
    free = free_axes(loop, [keys.index(key) for key in keys])
    if nanoseconds(loop) < LEAST or any(loop.space[a] >= FEWEST for a in free):
        return [group]
    for axis in sorted(range(len(loop.space)), key=lambda a: -max(abs(o.strides[a]) for o in loop.operands)):
        count = next((n for n in range(MOST, FEWEST - 1, -1) if loop.space[axis] % n == 0), 0)
        if count and (late := _late(loop, axis)):
            return _Cut(group, loop, axis, count, late).groups()
    return [group]


def _late(loop: Loop, axis: int) -> set[int]:
    """The steps from the sums over an axis on; none where something else happens along the axis after them."""
    late: set[int] = set()
    for i, step in enumerate(loop.code):
        if _sums(step, axis) or not late.isdisjoint(reads(step)):
            late.add(i)
    again = _read_again(loop, axis, late)
    written = {step.operand for i, step in enumerate(loop.code) if isinstance(step, Store) and i not in late}
    for i, step in enumerate(loop.code):
        if isinstance(step, Index) and step.axis == axis:
            return set()
        if i in late and axis in loop.axes[i]:
            return set()
        if _sums(step, axis) and (late.intersection(reads(step)) or axis not in loop.axes[reads(step)[0]]):
            return set()
        if i in again and (axis in loop.axes[i] or isinstance(step, Reduce | Index)):
            return set()
        if i in again and isinstance(step, Load) and step.operand in written:
            return set()
    return late


def _read_again(loop: Loop, axis: int, late: set[int]) -> set[int]:
    """The values before the sums that the steps after them read, and what these are computed from."""
    waiting = [v for i in late if not _sums(loop.code[i], axis) for v in reads(loop.code[i]) if v not in late]
    found: set[int] = set()
    while waiting:
        v = waiting.pop()
        found.add(v)
        waiting.extend(reads(loop.code[v]))
    return found


def _sums(step: Step, axis: int) -> bool:
    """Whether a step adds up over an axis."""
    return isinstance(step, Reduce) and axis in step.axes


@dataclass
class _Cut:
    """The two groups that a group becomes: one over the parts of an axis and all axes of the group, one over the parts again.

    Attributes:
        late: the steps that the second one has.
        numbers: in each of them, of the values that the group has.
    """

    group: Group
    loop: Loop
    axis: int
    count: int
    late: set[int]
    numbers: tuple[dict[int, int], dict[int, int]] = field(default_factory=lambda: ({}, {}))

    def groups(self) -> list[Group]:
        space, again = self.loop.space, _read_again(self.loop, self.axis, self.late)
        met = set().union(*(self._axes(i) for i in self.late))
        first = Group((self.count, *(n // self.count if a == self.axis else n for a, n in enumerate(space))))
        second = Group((self.count, *(n if a in met else 1 for a, n in enumerate(space))))
        for i, step in enumerate(self.loop.code):
            if _sums(step, self.axis):
                self._sum(first, second, i)
                continue
            if i not in self.late:
                self._copy(first, self.numbers[0], i)
            if i in self.late or i in again:
                self._copy(second, self.numbers[1], i)
        return [first, second]

    def _axes(self, i: int) -> set[int]:
        """The axes that a step runs over in the second loop."""
        step = self.loop.code[i]
        return {*self.loop.axes[i], *(step.axes if isinstance(step, Reduce) else ())} - {self.axis}

    def _copy(self, group: Group, numbers: dict[int, int], i: int) -> None:
        """A step of the group in one of the two."""
        step = self.loop.code[i]
        match step:
            case Load(operand):
                step = Load(self._operand(group, operand))
            case Store(operand, value):
                step = Store(self._operand(group, operand), numbers[value])
                if (array := self.group.arrays[operand]) in self.group.stored:
                    group.stored.append(array)
            case Compute(op, args):
                step = Compute(op, tuple(numbers[v] for v in args))
            case Reduce(op, value, axes):
                step = Reduce(op, numbers[value], tuple(a + 1 for a in axes))
            case Index(axis, dtype):
                step = Index(axis + 1, dtype)
        numbers[i] = group.add(step)

    def _operand(self, group: Group, number: int) -> int:
        """An operand of the group in one of the two; in the second one nothing moves along the axis."""
        operand = self.loop.operands[number]
        inside = tuple(0 if n == 1 else s for s, n in zip(operand.strides, group.space[1:], strict=True))
        strides = (operand.strides[self.axis] * group.space[self.axis + 1], *inside)
        return group.operand(self.group.arrays[number], replace(operand, strides=strides))

    def _sum(self, first: Group, second: Group, i: int) -> None:
        """A sum over the axis: the first loop stores one for each part, the second one adds these up."""
        step, dtype, left = self.loop.code[i], self.loop.dtypes[i], sorted(self.loop.axes[i])
        assert isinstance(step, Reduce)
        partial = Var.new((self.count, *(self.loop.space[a] for a in left)), dtype)
        place = operand_of(first, partial, (0, *(a + 1 for a in left)))
        value = first.add(Reduce(step.op, self.numbers[0][step.value], tuple(a + 1 for a in step.axes)))
        first.code.append(Store(first.operand(partial, place), value))
        first.stored.append(partial)
        read = second.add(Load(second.operand(partial, place)))
        self.numbers[1][i] = second.add(Reduce(step.op, read, (0,)))
