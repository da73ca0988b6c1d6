"""Products whose factors lie the wrong way: one is turned first, into memory of the loop's own.

In x @ W.T both factors lie along the axis that is summed over.  Vectors along that axis would have to be added up
lane by lane for each element of the result.  Turned once, W serves every row of x, and the product is a tile of sums.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .loops import Loop
from .spaces import inner_axis, simplified
from .steps import Load, Operand, Reduce, Store

__all__ = ["packed"]

#: How often an element must be used for it to pay to be moved, and how long the new rows must be.
USES, LENGTH = 8, 4


def packed(loop: Loop, slots: Sequence[int], workspace: int) -> tuple[list[tuple[Loop, list[int]]], int]:
    """A simplified loop, after one that turns an operand if that pays.

    Args:
        slots: the places of the operands in the frame.
        workspace: the place of the workspace, at whose beginning the turned operand is put.

    Returns:
        The loops with the places of their operands, and the bytes that are used of the workspace.
    """
    found = _to_turn(loop)
    if found is None:
        return [(loop, [*slots])], 0
    number, axes = found
    old, lengths = loop.operands[number], [loop.space[a] for a in axes]
    inside = tuple(math.prod(lengths[i + 1 :]) for i in range(len(axes)))
    there = replace(old, strides=tuple(old.strides[a] for a in axes))
    turn = Loop(
        tuple(lengths), (there, Operand(old.dtype, inside)), (Load(0), Store(1, 0)), f"{loop.name}: a{number} turned"
    )
    size = -(-math.prod(lengths) * np.dtype(old.dtype).itemsize // 64) * 64
    new_slots = [workspace if i == number else slot for i, slot in enumerate(slots)]
    return [(simplified(turn), [slots[number], workspace]), (_with_turned(loop, number, axes), new_slots)], size


def _with_turned(loop: Loop, number: int, axes: Sequence[int]) -> Loop:
    """The loop with an operand that lies in one piece, in this order of axes."""
    strides, step = [0] * len(loop.space), 1
    for axis in reversed(axes):
        strides[axis], step = step, step * loop.space[axis]
    operands = list(loop.operands)
    operands[number] = Operand(operands[number].dtype, tuple(strides))
    return replace(loop, operands=tuple(operands))


def _to_turn(loop: Loop) -> tuple[int, list[int]] | None:
    """An operand that lies across vectors, or that keeps them from running along an axis which is not summed over.

    With its axes in the order in which it should lie.
    """
    if not loop.space or 0 in loop.space:
        return None
    row = inner_axis(loop)
    summed = {a for step in loop.code if isinstance(step, Reduce) and row in step.axes for a in step.axes}
    written = {step.operand for step in loop.code if isinstance(step, Store)}
    choices = []
    for axis in {row} | set(range(len(loop.space))) - summed:
        apart = [i for i, o in enumerate(loop.operands) if o.strides[axis] not in (0, 1) and i not in written]
        if len(apart) != 1 or loop.space[axis] < LENGTH:
            continue
        moves, strides = loop.moves(apart[0]), loop.operands[apart[0]].strides
        size = math.prod([loop.space[a] for a in moves])
        axes = [*sorted(moves - {axis}, key=lambda a: -abs(strides[a])), axis]
        in_the_way = axis == row or (row in summed and strides[row] == 1)
        better = in_the_way and inner_axis(_with_turned(loop, apart[0], axes)) == axis
        if better and math.prod(loop.space) >= USES * size:
            choices.append((size, apart[0], axes))
    return min(choices)[1:] if choices else None
