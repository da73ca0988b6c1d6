"""From loops to LLVM's assembly language: one emitter, with the width of vectors as a parameter.

`emit(loops)` writes one function that runs loops one after the other.  Its one argument is the *frame*, an
array of addresses: of each operand, and last of a workspace for what the loops keep.  Lengths and strides are
constants in the text.

The text comes from three places: loops over axes and what is computed for whole rows from here, the code along
a row from `sweeps`, single operations from `instructions`.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .formulas import expanded
from .instructions import instruction
from .loops import Compute, Constant, Index, Load, Loop, Reduce, Store
from .memory import Place, read, write
from .operations import identity
from .schedule import Schedule, Sweep
from .spaces import simplified
from .sweeps import RowWriter, Target, converted
from .text import Text, literal

__all__ = ["Emitted", "Target", "all_slots", "emit"]


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
) -> Emitted:
    """One function that runs loops in order.

    Args:
        slots: for each loop the places of its operands in the frame; by default the operands of all loops in a row.
        name: of the function.
        target: the machine.

    >>> from minigrad.compiler.loops import Operand
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
    text, workspace = Text(), 0
    slots = all_slots(loops, slots)
    last = 1 + max((slot for of_loop in slots for slot in of_loop), default=-1)
    for loop, of_loop in zip(loops, slots, strict=True):
        text.comment(f"{loop.name} over {list(loop.space)}")
        writer = LoopWriter(text, Schedule(expanded(simplified(loop))), target or Target())
        writer.run([*of_loop, last])
        workspace = max(workspace, writer.schedule.workspace)
    return Emitted(text.function(name), workspace)


def all_slots(loops: Sequence[Loop], slots: Sequence[Sequence[int]] | None = None) -> Sequence[Sequence[int]]:
    """For each loop the places of its operands in the frame: those given, or one after the other."""
    if slots is not None:
        return slots
    numbers = itertools.count()
    return [[next(numbers) for _ in loop.operands] for loop in loops]


class LoopWriter:
    """Writes one loop: the axes around its rows, and what is computed once for a row."""

    def __init__(self, text: Text, schedule: Schedule, target: Target) -> None:
        self.text, self.schedule, self.target = text, schedule, target
        self.loop = schedule.loop
        self.known: dict[int, str] = {}  # the registers of values for whole rows
        self.indices: dict[int, str] = {}  # where this point is along the axes around the row
        self.places: dict[
            Load | int, Place
        ] = {}  # of operands and of the buffers of values, at this point of the space

    def run(self, slots: Sequence[int]) -> None:
        """The whole loop; the slots are those of the operands and of the workspace."""
        row = self.schedule.row
        for i, operand in enumerate(self.loop.operands):
            place = Place(self._address(slots[i]), operand.dtype, 0 if row is None else operand.strides[row])
            self.places[Load(i)] = replace(
                place, pointer=self.text.moved(place.pointer, str(operand.offset), place.size)
            )
        if self.schedule.buffers:
            workspace = self._address(slots[-1])
            for v, buffer in self.schedule.buffers.items():
                self.places[v] = Place(
                    self.text.moved(workspace, str(buffer.offset), 1), buffer.dtype, int(row in buffer.axes)
                )
        for sweep in self.schedule.nests[0].sweeps if self.schedule.nests else []:
            for v in sweep.values:  # what is the same everywhere: once, before all loops
                if (
                    not self.loop.axes[v]
                    and self.schedule.done[v] == (0, 0)
                    and not isinstance(self.loop.code[v], Reduce)
                ):
                    self._scalar(v, fetched=False)
        self._over(self.schedule.parallel, self._nests)

    def _address(self, slot: int) -> str:
        return self.text.let(f"load ptr, ptr {self.text.moved('%frame', str(slot), 8)}")

    def _over(self, axes: Sequence[int], body: Callable[[], object]) -> None:
        """Loops over axes: the places move along, and what is known inside is forgotten outside."""
        if not axes:
            body()
            return

        def turn(index: str, _: list[str]) -> list[str]:
            self.indices[axes[0]] = index
            places, known = self.places, dict(self.known)
            self.places = {key: self._moved(key, place, axes[0], index) for key, place in places.items()}
            self._over(axes[1:], body)
            self.places, self.known = places, known
            return []

        self.text.repeat(0, self.loop.space[axes[0]], 1, [], turn)

    def _moved(self, key: Load | int, place: Place, axis: int, index: str) -> Place:
        strides = self.loop.operands[key.operand].strides if isinstance(key, Load) else self._buffer_strides(key)
        return replace(place, pointer=self.text.moved(place.pointer, index, strides[axis] * place.size))

    def _buffer_strides(self, value: int) -> list[int]:
        strides, stride = [0] * len(self.loop.space), 1
        for axis in reversed(self.schedule.buffers[value].axes):
            strides[axis], stride = stride, stride * self.loop.space[axis]
        return strides

    def _nests(self) -> None:
        for nest in self.schedule.nests:
            for root in (root for sweep in nest.sweeps for root in sweep.roots):
                if self.schedule.accumulates(root):
                    self._clear(root)
            self._over(self.schedule.serial if nest.serial else (), functools.partial(self._sweeps, nest.sweeps))

    def _sweeps(self, sweeps: Sequence[Sweep]) -> None:
        for sweep in sweeps:
            self._sweep(sweep)

    def _clear(self, reduce: int) -> None:
        """Fill the buffer of a reduction with what changes nothing."""
        step, buffer = self.loop.code[reduce], self.schedule.buffers[reduce]
        assert isinstance(step, Reduce)
        lanes = max(1, self.target.bytes // np.dtype(buffer.dtype).itemsize)
        place = replace(self.places[reduce], stride=1)
        for first, size in ((0, lanes), (buffer.size // lanes * lanes, 1)):
            nothing = literal(identity(step.op, buffer.dtype), buffer.dtype, size)
            stop = buffer.size // size * size

            def turn(index: str, _: list[str], size: int = size, nothing: str = nothing) -> list[str]:
                write(self.text, place, nothing, index, size, size)
                return []

            self.text.repeat(first, stop, size, [], turn)

    def _sweep(self, sweep: Sweep) -> None:
        for v in sweep.values:
            if not self.schedule.varies(v) and v not in self.known and not isinstance(self.loop.code[v], Constant):
                self._scalar(v, v in sweep.fetched)
        for root in sweep.roots:
            if not self.schedule.along_row(root):
                self._scalar_root(root)
        row = RowWriter(self.text, self.target, self.schedule, sweep, self.known, self.places)
        for reduce, total in row.run():
            if self.schedule.accumulates(reduce):
                self._accumulate(reduce, total)
            else:
                self.known[reduce] = converted(self.text, total, self.schedule.wide(reduce), self.loop.dtypes[reduce])
                if reduce in self.schedule.buffers:
                    write(self.text, self.places[reduce], total)

    def _register(self, v: int) -> str:
        step = self.loop.code[v]
        return literal(step.value, step.dtype) if isinstance(step, Constant) else self.known[v]

    def _scalar(self, v: int, fetched: bool) -> None:
        """Compute a value for the whole row, or read the buffer that has it."""
        step, dtypes = self.loop.code[v], self.loop.dtypes
        if fetched:
            place = self.places[v]
            self.known[v] = converted(self.text, read(self.text, place), place.dtype, dtypes[v])
        elif isinstance(step, Load):
            self.known[v] = read(self.text, self.places[step])
        elif isinstance(step, Index):
            self.known[v] = converted(self.text, self.indices[step.axis], "int64", step.dtype)
        elif isinstance(step, Compute):
            args = [self._register(a) for a in step.args]
            self.known[v] = instruction(self.text, step.op, [dtypes[a] for a in step.args], 1, args, self.target.fma)

    def _scalar_root(self, root: int) -> None:
        step = self.loop.code[root]
        if isinstance(step, Store):
            write(self.text, self.places[Load(step.operand)], self._register(step.value))
        elif isinstance(step, Reduce):
            self._accumulate(
                root, converted(self.text, self._register(step.value), self.loop.dtypes[root], self.schedule.wide(root))
            )

    def _accumulate(self, reduce: int, register: str) -> None:
        """Add a number to the buffer of a reduction."""
        step, place = self.loop.code[reduce], self.places[reduce]
        assert isinstance(step, Reduce)
        so_far = read(self.text, place)
        write(
            self.text,
            place,
            instruction(self.text, step.op, (place.dtype, place.dtype), 1, (so_far, register), self.target.fma),
        )
