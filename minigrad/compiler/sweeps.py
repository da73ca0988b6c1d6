"""One sweep over a row, in LLVM's assembly language: vectors, the rest that is shorter than a vector, and the row's sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .instructions import combine, instruction
from .loops import Compute, Constant, Index, Load, Reduce, Store, reads
from .memory import Place, read, write
from .operations import identity
from .schedule import Schedule, Sweep
from .text import Text, literal, llvm_type, vector

__all__ = ["RowWriter", "Target", "converted"]

#: Sums of so many elements are added up in their own dtype, in many lanes; beyond, block by block in float64.
BLOCK = 4096
#: Up to so many operations in a sweep, a vector spans 4, or 2, of the machine's registers: short code needs
#: more in flight.
SHORT, MEDIUM = 12, 40


@dataclass(frozen=True)
class Target:
    """What the emitter must know of a machine: the bytes of a vector register (0: no vectors), and whether it multiplies and adds at once."""

    bytes: int = 64
    fma: bool = True


class RowWriter:
    """Writes the part of a sweep that runs for each element of a row.

    Args:
        known: the registers of values for the whole row.
        places: where operands (keys `Load`) and buffers (keys: their values) are at this point of the space.
    """

    def __init__(
        self,
        text: Text,
        target: Target,
        schedule: Schedule,
        sweep: Sweep,
        known: dict[int, str],
        places: dict[Load | int, Place],
    ) -> None:
        self.text, self.target, self.schedule, self.sweep = text, target, schedule, sweep
        self.known, self.places = known, places
        self.code, self.dtypes = schedule.loop.code, schedule.loop.dtypes
        self.values = [v for v in sweep.values if schedule.varies(v) and not isinstance(self.code[v], Constant)]
        self.roots = [root for root in sweep.roots if schedule.along_row(root)]
        self.reductions = [root for root in self.roots if self._sums_row(root)]
        self.spread: dict[tuple[int, int], str] = {}  # values for the whole row, by their number and lanes

    def _sums_row(self, root: int) -> bool:
        step = self.code[root]
        return isinstance(step, Reduce) and self.schedule.row in step.axes

    def run(self) -> list[tuple[int, str]]:
        """Write the loops; of each reduction over the row its number and the register of its result, in its wide dtype."""
        if not self.roots or self.schedule.row is None:
            return []
        length = self.schedule.loop.space[self.schedule.row]
        totals = [literal(identity(self._op(r), self.schedule.wide(r)), self.schedule.wide(r)) for r in self.reductions]
        block = BLOCK if self.reductions else length
        whole = length // block * block if block else 0
        self._spread_all(length)
        carried = [(llvm_type(self.schedule.wide(r)), total) for r, total in zip(self.reductions, totals, strict=True)]
        totals = (
            self.text.repeat(0, whole, block, carried, lambda start, now: self._span(start, block, now))
            if whole
            else totals
        )
        totals = self._span(str(whole), length - whole, totals)
        return list(zip(self.reductions, totals, strict=True))

    def _op(self, root: int) -> str:
        step = self.code[root]
        assert isinstance(step, Reduce)
        return step.op

    def lanes(self, length: int) -> tuple[int, int]:
        """How many lanes a long vector has, and one that fits a register of the machine."""
        if not self.target.bytes:
            return 1, 1
        used = [self.dtypes[v] for v in (*self.values, *self.roots)]
        used += [self.schedule.buffers[v].dtype for v in (*self.values, *self.roots) if v in self.schedule.buffers]
        one = self.target.bytes // max(np.dtype(dtype).itemsize for dtype in used)
        work = sum(isinstance(self.code[v], Compute) for v in self.values)
        several = one * (4 if work <= SHORT else 2 if work <= MEDIUM else 1)
        return min(several, _power_of_two(length)), min(one, _power_of_two(length))

    def _spread_all(self, length: int) -> None:
        """Make vectors of the values for the whole row, before the loops that use them."""
        steps = [self.code[v] for v in (*self.values, *self.roots)]
        used = {v for step in steps for v in reads(step) if not self.schedule.varies(v)}
        sizes = {lanes for block in {min(BLOCK, length), length % BLOCK, length} for lanes, _ in self._pieces(block)}
        for v in sorted(used):
            if not isinstance(self.code[v], Constant):
                for lanes in sizes:
                    self.spread[v, lanes] = self.text.broadcast(self.known[v], llvm_type(self.dtypes[v]), lanes)

    def _pieces(self, length: int) -> list[tuple[int, int]]:
        """Cut a span into long vectors, vectors and a rest: (lanes, how many elements) of each piece."""
        found, left = [], length
        for lanes in dict.fromkeys(self.lanes(self.schedule.loop.space[self.schedule.row or 0])):
            found.append((lanes, left // lanes * lanes))
            left %= lanes
        found.append((_power_of_two(left), left))
        return [(lanes, count) for lanes, count in found if count]

    def _span(self, start: str, length: int, totals: Sequence[str]) -> list[str]:
        """A part of a row, its sums added to the totals."""
        first = 0
        totals = list(totals)
        for lanes, count in self._pieces(length):
            begin = [
                (
                    vector(llvm_type(self.dtypes[r]), lanes),
                    literal(identity(self._op(r), self.dtypes[r]), self.dtypes[r], lanes),
                )
                for r in self.reductions
            ]

            def turn(i: str, sums: list[str], lanes: int = lanes, count: int = min(lanes, count)) -> list[str]:
                return self._elements(self._plus(start, i), lanes, count, sums)

            sums = self.text.repeat(first, first + count, lanes, begin, turn)
            totals = [
                self._total(r, total, s, lanes) for r, total, s in zip(self.reductions, totals, sums, strict=True)
            ]
            first += count
        return totals

    def _plus(self, start: str, i: str) -> str:
        if start.isdigit() and i.isdigit():
            return str(int(start) + int(i))
        return i if start == "0" else self.text.let(f"add i64 {start}, {i}")

    def _total(self, root: int, total: str, sums: str, lanes: int) -> str:
        op, dtype, wide = self._op(root), self.dtypes[root], self.schedule.wide(root)
        part = converted(self.text, combine(self.text, op, dtype, sums, lanes), dtype, wide)
        if total == literal(identity(op, wide), wide):
            return part
        return instruction(self.text, op, (wide, wide), 1, (total, part), self.target.fma)

    def _elements(self, index: str, lanes: int, count: int, sums: Sequence[str]) -> list[str]:
        """The code for a vector of elements; the sums with them added."""
        found: dict[int, str] = {}

        def register(v: int) -> str:
            step = self.code[v]
            if isinstance(step, Constant):
                return literal(step.value, step.dtype, lanes)
            return found[v] if v in found else self.spread[v, lanes]

        for v in self.values:
            step = self.code[v]
            if v in self.sweep.fetched:
                place = self.places[v]
                found[v] = converted(
                    self.text, read(self.text, place, index, lanes, count), place.dtype, self.dtypes[v], lanes
                )
            elif isinstance(step, Load):
                found[v] = read(self.text, self.places[step], index, lanes, count)
            elif isinstance(step, Index):
                found[v] = self._index(index, step.dtype, lanes)
            elif isinstance(step, Compute):
                dtypes = [self.dtypes[a] for a in step.args]
                found[v] = instruction(
                    self.text, step.op, dtypes, lanes, [register(a) for a in step.args], self.target.fma
                )
        results = dict(zip(self.reductions, sums, strict=True))
        for root in self.roots:
            step = self.code[root]
            if isinstance(step, Store):
                write(self.text, self.places[Load(step.operand)], register(step.value), index, lanes, count)
            elif not isinstance(step, Reduce):
                write(self.text, self.places[root], found[root], index, lanes, count) if root in self.places else None
            elif root in results:
                value = self._or_identity(step, register(step.value), lanes, count)
                results[root] = instruction(
                    self.text, step.op, (self.dtypes[root],) * 2, lanes, (value, results[root]), False
                )
            else:
                self._add_to_row(root, step, register(step.value), index, lanes, count)
        return [results[root] for root in self.reductions]

    def _index(self, first: str, dtype: str, lanes: int) -> str:
        """first, first + 1, ... in the lanes."""
        start = converted(self.text, first, "int64", dtype)
        element = llvm_type(dtype)
        if lanes == 1:
            return start
        numbers = ", ".join(f"{element} {literal(lane, dtype)}" for lane in range(lanes))
        type_ = vector(element, lanes)
        return instruction(
            self.text, "add", (dtype, dtype), lanes, (self.text.broadcast(start, element, lanes), f"<{numbers}>"), False
        )

    def _or_identity(self, step: Reduce, register: str, lanes: int, count: int) -> str:
        """A vector of which the lanes beyond the row's end do not count."""
        if count == lanes:
            return register
        dtype = self.dtypes[step.value]
        type_ = vector(llvm_type(dtype), lanes)
        mask = f"<{', '.join(f'i1 {int(lane < count)}' for lane in range(lanes))}>"
        other = literal(identity(step.op, dtype), dtype, lanes)
        return self.text.let(f"select {vector('i1', lanes)} {mask}, {type_} {register}, {type_} {other}")

    def _add_to_row(self, root: int, step: Reduce, register: str, index: str, lanes: int, count: int) -> None:
        """Add a row to the row of sums, element by element."""
        place = self.places[root]
        value = converted(self.text, register, self.dtypes[root], place.dtype, lanes)
        so_far = read(self.text, place, index, lanes, count)
        result = instruction(self.text, step.op, (place.dtype, place.dtype), lanes, (so_far, value), self.target.fma)
        write(self.text, place, result, index, lanes, count)


def converted(text: Text, register: str, source: str, target: str, lanes: int = 1) -> str:
    """A register in another dtype."""
    return instruction(text, f"astype:{target}", (source,), lanes, (register,), fma=False)


def _power_of_two(n: int) -> int:
    """The least power of 2 that is not less than n."""
    return 1 << max(n - 1, 0).bit_length()
