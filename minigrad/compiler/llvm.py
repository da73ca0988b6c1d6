"""From loops to LLVM's assembly language: one emitter, with the width of vectors as a parameter.

`emit(loops)` writes one function that runs loops one after the other.  Its one argument is the *frame*, an array of
addresses: of each operand, and last of a workspace for what the loops keep.  Lengths and strides are constants in the
text.  Loops that are the same but for where their arrays lie, as the steps of a recurrent cell, are one function.

A loop that is long is cut into pieces (`pieces`).  Each is made simple (`spaces`), its factors turned where that pays
(`packing`), its formulas expanded (`formulas`), its order planned (`order`, `schedule`) and then written: the loops over
axes in `writer`, the code along rows in `sweeps`, `tiles` and `squares`, single operations in `instructions` and `memory`.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .formulas import expanded
from .loops import Loop
from .packing import packed
from .pieces import in_pieces
from .schedule import Schedule
from .spaces import simplified
from .text import Target, Text, functions
from .writer import LoopWriter

__all__ = ["Emitted", "Target", "all_slots", "emit", "end_of"]


@dataclass(frozen=True)
class Emitted:
    """The text of a function.

    Attributes:
        text: LLVM's assembly language.
        workspace: how many bytes the loops keep; where it is 0, the address of the workspace is not read.
    """

    text: str
    workspace: int


def emit(
    loops: Sequence[Loop],
    slots: Sequence[Sequence[int]] | None = None,
    name: str = "kernel",
    target: Target | None = None,
    last: int | None = None,
) -> Emitted:
    """One function that runs loops in order.

    Args:
        slots: for each loop the places of its operands in the frame; by default the operands of all loops in a row.
        name: of the function.
        target: the machine.
        last: the place of the workspace's address in the frame; by default the one after all operands.

    >>> from minigrad.compiler.steps import Compute, Load, Operand, Store
    >>> x = Operand("float32", (1,))
    >>> loop = Loop((16,), (x, x), (Load(0), Compute("sqrt", (0,)), Store(1, 1)), "roots")
    >>> print(emit([loop]).text.split("\\n\\n")[1])
    define void @kernel(ptr %frame) {
    entry:
      ; roots over [16]
      %v1 = load ptr, ptr %frame
      %v2 = getelementptr i8, ptr %frame, i64 8
      %v3 = load ptr, ptr %v2
      %v4 = load <16 x float>, ptr %v1, align 4
      %v5 = call <16 x float> @llvm.sqrt.v16f32(<16 x float> %v4)
      store <16 x float> %v5, ptr %v3, align 4
      ret void
    }
    <BLANKLINE>
    """
    slots = all_slots(loops, slots)
    last = end_of(slots) if last is None else last
    text, workspace, table = Text(target or Target()), 0, f"{name}_table"
    parts: dict[str, tuple[str, int]] = {}  # the names of functions, and the bytes that these keep
    texts = [text]
    pieces = [(*piece, kept) for found, kept in map(in_pieces, loops, slots, itertools.repeat(last)) for piece in found]
    keys = [_key(loop) for loop, _, _ in pieces]
    alike = Counter(keys)
    for (loop, of_loop, kept), key in zip(pieces, keys, strict=True):
        text.comment(f"{loop.name} over {list(loop.space)}")
        if alike[key] == 1 and not kept:
            workspace = max(workspace, _write(text, loop, of_loop, last))
            continue
        if key not in parts:
            texts.append(Text(text.target, is_part=True))
            used = _write(texts[-1], _at_the_start(loop), range(len(of_loop)), len(of_loop))
            parts[key] = f"{name}_{len(parts)}", used
        part, used = parts[key]
        workspace = max(workspace, kept + used)
        offsets = [o.offset * np.dtype(o.dtype).itemsize for o in loop.operands]
        text.call_part(part, table, [*of_loop, last], [*offsets, kept])
    return Emitted(functions(texts, [name, *(part for part, _ in parts.values())], table), workspace)


def _at_the_start(loop: Loop) -> Loop:
    """The loop on arrays that begin where its operands do."""
    return replace(loop, operands=tuple(replace(o, offset=0) for o in loop.operands))


def _key(loop: Loop) -> str:
    """What loops have in common that are the same but for their arrays, and where in these they begin."""
    return repr((loop.space, [(o.dtype, o.strides) for o in loop.operands], loop.code))


def _write(text: Text, loop: Loop, slots: Sequence[int], workspace: int) -> int:
    """Write a loop; the bytes that it keeps."""
    has = ("ldexp",) if text.target.ldexp else ()
    parts, turned = packed(simplified(loop), slots, workspace)
    used = 0
    for part, of_part in parts:
        schedule = Schedule(expanded(part, has), text.target.tile[0], turned)
        LoopWriter(text, schedule).run([*of_part, workspace])
        used = max(used, schedule.workspace)
    return used


def end_of(slots: Sequence[Sequence[int]]) -> int:
    """The first place of a frame that no operand's address takes."""
    return 1 + max((slot for of_loop in slots for slot in of_loop), default=-1)


def all_slots(loops: Sequence[Loop], slots: Sequence[Sequence[int]] | None = None) -> Sequence[Sequence[int]]:
    """For each loop the places of its operands in the frame: those given, or one after the other."""
    if slots is not None:
        return slots
    numbers = itertools.count()
    return [[next(numbers) for _ in loop.operands] for loop in loops]
