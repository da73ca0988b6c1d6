"""The same loop over a simpler space: fewer axes, in the order in which memory lies.

An array of any shape that lies in one piece becomes one long axis; a tensor (batch, time, features) whose
features are reduced becomes a matrix.  The schedules then have few cases to know.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from .loops import Constant, Index, Loop, Operand, Reduce, Step

__all__ = ["inner_axis", "simplified"]

#: How many lanes a vector has, about.
LANES = 16


def simplified(loop: Loop) -> Loop:
    """Drop axes of length 1, turn backward ones round, order them for memory and merge neighbours.

    >>> from minigrad.compiler.loops import Compute, Load, Operand, Store
    >>> flat = Operand("float32", (12, 4, 1))
    >>> print(simplified(Loop((2, 3, 4), (flat, flat), (Load(0), Compute("sqrt", (0,)), Store(1, 1)))))
    loop over [24]
      a0: float32 strides (1,)
      a1: float32 strides (1,)
      v0 = load a0     float32 over {0}
      v1 = sqrt v0     float32 over {0}
      store v1 in a1
    """
    loop = _taken(loop, [a for a, n in enumerate(loop.space) if n != 1])
    loop = _forward(loop)
    loop = _taken(loop, _memory_order(loop))
    for outer in range(len(loop.space) - 2, -1, -1):
        if _mergeable(loop, outer):
            loop = _merged(loop, outer)
    return loop


def inner_axis(loop: Loop) -> int:
    """The axis that vectors run along: the one along which reading and writing takes the least.

    Elements that lie apart are read one by one, a row that is shorter than a vector wastes lanes, and a sum over the
    row ends with a sum over the lanes.
    """
    sizes = [math.prod([loop.space[a] for a in loop.moves(i)]) for i in range(len(loop.operands))]
    reduced = {a for step in loop.code if isinstance(step, Reduce) for a in step.axes}

    def work(axis: int) -> tuple[float, int]:
        length = loop.space[axis]
        used = min(length, LANES) if length else 1  # lanes of a vector
        total = sum(
            size * (1 if operand.strides[axis] in (0, 1) else used) / used
            for size, operand in zip(sizes, loop.operands, strict=True)
        )
        sums = math.log2(LANES) * max(sizes, default=0) / max(length, 1) if axis in reduced else 0
        return total + sums, -axis

    return min(range(len(loop.space)), key=work)


def _taken(loop: Loop, axes: Sequence[int]) -> Loop:
    """The loop over these axes in this order; those that are left out have length 1."""
    place = {axis: i for i, axis in enumerate(axes)}
    operands = tuple(replace(o, strides=tuple(o.strides[a] for a in axes)) for o in loop.operands)
    code = _with_axes(loop.code, place.get)
    return replace(loop, space=tuple(loop.space[a] for a in axes), operands=operands, code=code)


def _with_axes(code: tuple[Step, ...], new: Callable[[int], int | None]) -> tuple[Step, ...]:
    """The code with other numbers of axes; None is an axis of length 1, which is gone."""

    def renamed(step: Step) -> Step:
        if isinstance(step, Reduce):
            return replace(step, axes=tuple(sorted({a for a in map(new, step.axes) if a is not None})))
        if isinstance(step, Index):
            axis = new(step.axis)
            return Constant(0, step.dtype) if axis is None else replace(step, axis=axis)
        return step

    return tuple(map(renamed, code))


def _counted(loop: Loop) -> set[int]:
    """The axes along which the code asks where it is: these stay as they are."""
    return {step.axis for step in loop.code if isinstance(step, Index)}


def _forward(loop: Loop) -> Loop:
    """Turn an axis round where no operand moves forward along it."""
    operands, counted = list(loop.operands), _counted(loop)
    for axis, length in enumerate(loop.space):
        if length and axis not in counted and all(o.strides[axis] <= 0 for o in operands):
            for i, o in enumerate(operands):
                strides = tuple(-s if a == axis else s for a, s in enumerate(o.strides))
                operands[i] = Operand(o.dtype, strides, o.offset + o.strides[axis] * (length - 1))
    return replace(loop, operands=tuple(operands))


def _memory_order(loop: Loop) -> list[int]:
    """The axes with large strides first."""
    if not loop.space:
        return []

    def size(axis: int) -> int:
        return max((abs(o.strides[axis]) for o in loop.operands), default=0)

    inner = inner_axis(loop)
    others = sorted((a for a in range(len(loop.space)) if a != inner), key=size, reverse=True)
    return [*others, inner]


def _mergeable(loop: Loop, outer: int) -> bool:
    """Whether an axis and the next are one piece for every operand and every reduction."""
    inner, length = outer + 1, loop.space[outer + 1]
    if {outer, inner} & _counted(loop):
        return False
    return all(o.strides[outer] == o.strides[inner] * length for o in loop.operands) and all(
        (outer in step.axes) == (inner in step.axes) for step in loop.code if isinstance(step, Reduce)
    )


def _merged(loop: Loop, outer: int) -> Loop:
    def without(values: tuple[int, ...]) -> tuple[int, ...]:
        return values[:outer] + values[outer + 1 :]

    operands = tuple(replace(o, strides=without(o.strides)) for o in loop.operands)
    code = _with_axes(loop.code, lambda a: a - (a > outer))
    length = loop.space[outer] * loop.space[outer + 1]
    space = (*loop.space[:outer], length, *loop.space[outer + 2 :])
    return replace(loop, space=space, operands=operands, code=code)
