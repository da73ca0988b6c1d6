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

from .groups import Call, Group, operand_of
from .loops import Loop
from .program import Var
from .steps import Compute, Index, Load, Operand, Reduce, Step, Store, reads
from .threaded import FORMULA, LEAST, OPERATIONS, free_axes, nanoseconds

__all__ = ["with_partial_sums"]

#: An axis is cut into so many parts, so that 2, 4, 8 threads get as many of them; one of as many points can be divided as it is.
FEWEST, MOST = 16, 32
#: An axis of so many points may leave a rest, which is a part, too.
LONG = 1024
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
        length = loop.space[axis]
        exact = next((n for n in range(MOST, FEWEST - 1, -1) if length % n == 0), 0)
        count = exact or (MOST if length >= LONG else 0)
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
        if isinstance(step, Store) and i not in late and axis not in loop.axes[i]:
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
    """The groups that a group becomes: over the parts of an axis, over the rest, and over the sums of these.

    Attributes:
        late: the steps that the last one has.
        partial: the sums of the parts, and of the rest, by the number of the step that adds up.
    """

    group: Group
    loop: Loop
    axis: int
    count: int
    late: set[int]
    partial: dict[int, Var] = field(default_factory=dict)

    def groups(self) -> list[Group]:
        length, left = divmod(self.loop.space[self.axis], self.count)
        rows = self.count + (left > 0)
        for i, step in enumerate(self.loop.code):
            if _sums(step, self.axis):
                kept = (self.loop.space[a] for a in sorted(self.loop.axes[i]))
                self.partial[i] = Var.new((rows, *kept), self.loop.dtypes[i])
        found = [self._parts(self.count, length, 0)]
        if left:
            found.append(self._parts(1, left, self.count))
        return [*found, self._total(rows)]

    def _parts(self, count: int, length: int, first: int) -> Group:
        """So many parts of a length, whose sums are stored from a row on."""
        group = Group((count, *(length if a == self.axis else n for a, n in enumerate(self.loop.space))))
        start = first * (self.loop.space[self.axis] // self.count)
        numbers: dict[int, int] = {}
        for i, step in enumerate(self.loop.code):
            if _sums(step, self.axis):
                assert isinstance(step, Reduce)
                value = group.add(Reduce(step.op, numbers[step.value], tuple(a + 1 for a in step.axes)))
                place = replace(self._place(group, i), offset=first * prod(self.partial[i].shape[1:]))
                group.code.append(Store(group.operand(self.partial[i], place), value))
                group.stored.append(self.partial[i])
            elif i not in self.late:
                self._copy(group, numbers, i, start)
        return group

    def _total(self, rows: int) -> Group:
        """The sums of these, and what is made of them."""
        again, met = _read_again(self.loop, self.axis, self.late), set().union(*(self._axes(i) for i in self.late))
        group = Group((rows, *(n if a in met else 1 for a, n in enumerate(self.loop.space))))
        numbers: dict[int, int] = {}
        for i, step in enumerate(self.loop.code):
            if _sums(step, self.axis):
                assert isinstance(step, Reduce)
                read = group.add(Load(group.operand(self.partial[i], self._place(group, i))))
                numbers[i] = group.add(Reduce(step.op, read, (0,)))
            elif i in self.late or i in again:
                self._copy(group, numbers, i, 0)
        return group

    def _place(self, group: Group, i: int) -> Operand:
        """How the sums of parts lie over a group."""
        return operand_of(group, self.partial[i], (0, *(a + 1 for a in sorted(self.loop.axes[i]))))

    def _axes(self, i: int) -> set[int]:
        """The axes that a step runs over in the last loop."""
        step = self.loop.code[i]
        return {*self.loop.axes[i], *(step.axes if isinstance(step, Reduce) else ())} - {self.axis}

    def _copy(self, group: Group, numbers: dict[int, int], i: int, start: int) -> None:
        """A step in one of the groups, which begins at a point of the axis."""
        step = self.loop.code[i]
        match step:
            case Load(operand):
                step = Load(self._operand(group, operand, start))
            case Store(operand, value):
                step = Store(self._operand(group, operand, start), numbers[value])
                if (array := self.group.arrays[operand]) in self.group.stored:
                    group.stored.append(array)
            case Compute(op, args):
                step = Compute(op, tuple(numbers[v] for v in args))
            case Reduce(op, value, axes):
                step = Reduce(op, numbers[value], tuple(a + 1 for a in axes))
            case Index(axis, dtype):
                step = Index(axis + 1, dtype)
        numbers[i] = group.add(step)

    def _operand(self, group: Group, number: int, start: int) -> int:
        """An operand in one of the groups; in the last one nothing moves along the axis."""
        old = self.loop.operands[number]
        inside = tuple(0 if n == 1 else s for s, n in zip(old.strides, group.space[1:], strict=True))
        strides = (old.strides[self.axis] * group.space[self.axis + 1], *inside)
        place = replace(old, strides=strides, offset=old.offset + start * old.strides[self.axis])
        return group.operand(self.group.arrays[number], place)
