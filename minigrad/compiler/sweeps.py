"""One sweep over a row in LLVM's assembly language: vectors, the rest that is shorter than a vector, the row's sums."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from .instructions import combine, converted, instruction
from .memory import Place, lanes_below, read, write
from .operations import identity
from .schedule import Schedule, Sweep
from .steps import Compute, Constant, Index, Load, Reduce, Store, reads
from .text import Text, literal, llvm_type, vector

__all__ = ["RowWriter"]

#: So many elements are added up in each lane in their own dtype; beyond, block by block in float64.
BLOCK = 64
#: A vector spans 4 of the machine's registers up to so many operations in a sweep, and 2 up to so many: short code
#: needs more in flight.
SHORT, MEDIUM = 12, 40


class RowWriter:
    """Writes the part of a sweep that runs for each element of a row.

    Args:
        known: the registers of values for the whole row.
        places: where operands (keys `Load`) and buffers (keys: their values) are at this point of the space.
    """

    def __init__(
        self, text: Text, schedule: Schedule, sweep: Sweep, known: dict[int, str], places: dict[Load | int, Place]
    ) -> None:
        self.text, self.schedule, self.sweep = text, schedule, sweep
        self.known, self.places = known, places
        self.code, self.dtypes = schedule.loop.code, schedule.loop.dtypes
        self.values = [v for v in sweep.values if schedule.varies(v) and not isinstance(self.code[v], Constant)]
        self.roots = [root for root in sweep.roots if schedule.along_row(root)]
        self.sums = [root for root in self.roots if schedule.row in getattr(self.code[root], "axes", ())]
        self.spread: dict[tuple[int, int], str] = {}  # values for the whole row, by their number and lanes

    def run(self, start: str = "0", length: int | None = None) -> list[tuple[int, str]]:
        """Write the loops over the row, or a part of it without sums.

        Returns:
            Of each reduction over the row its number and its result, a register of its wide dtype.
        """
        if not self.roots or self.schedule.row is None:
            return []
        length = self.schedule.loop.space[self.schedule.row] if length is None else length
        block = BLOCK * self.lanes(length)[0] if self.sums else max(length, 1)
        rest = length % block
        self._spread(rest, length and block if length > rest else 0)
        wide = [self.schedule.wide(r) for r in self.sums]
        begin = [(llvm_type(d), self._nothing(r, d, 1)) for r, d in zip(self.sums, wide, strict=True)]

        def turn(at: str, now: list[str]) -> list[str]:
            return self._span(self.text.plus(start, at), block, now)

        totals = self.text.repeat(0, length - rest, block, begin, turn)
        totals = self._span(self.text.plus(start, str(length - rest)), rest, totals)
        return list(zip(self.sums, totals, strict=True))

    def _nothing(self, root: int, dtype: str, lanes: int) -> str:
        """What a reduction starts from."""
        return literal(identity(self._op(root), dtype), dtype, lanes)

    def _op(self, root: int) -> str:
        step = self.code[root]
        assert isinstance(step, Reduce)
        return step.op

    def lanes(self, length: int) -> tuple[int, int]:
        """How many lanes a long vector has, and one that fits a register of the machine."""
        if not self.text.target.bytes:
            return 1, 1
        here = [*self.values, *self.roots]
        used = [self.dtypes[v] for v in here] + [self.places[v].dtype for v in here if v in self.places]
        one = self.text.target.bytes // max(np.dtype(dtype).itemsize for dtype in used)
        work = sum(isinstance(self.code[v], Compute) for v in self.values)
        several = one * (4 if work <= SHORT else 2 if work <= MEDIUM else 1)
        return min(several, _power_of_two(length)), min(one, _power_of_two(length))

    def _pieces(self, length: int) -> list[tuple[int, int]]:
        """Cut a span into long vectors, vectors and a rest: (lanes, how many elements) of each piece."""
        found, left = [], length
        for lanes in dict.fromkeys(self.lanes(length)):
            found.append((lanes, left // lanes * lanes))
            left %= lanes
        found.append((_power_of_two(left), left))
        return [(lanes, count) for lanes, count in found if count]

    def _spread(self, *spans: int) -> None:
        """Make vectors of the values for the whole row, before the loops that use them."""
        used = {v for root in (*self.values, *self.roots) for v in reads(self.code[root])}
        sizes = dict.fromkeys(lanes for span in spans for lanes, _ in self._pieces(span))
        for v in sorted(used):
            if not self.schedule.varies(v) and not isinstance(self.code[v], Constant):
                for lanes in sizes:
                    self.spread[v, lanes] = self.text.broadcast(self.known[v], llvm_type(self.dtypes[v]), lanes)

    def _span(self, start: str, length: int, totals: Sequence[str]) -> list[str]:
        """A part of a row, its sums added to the totals."""
        totals, first = list(totals), 0
        for lanes, count in self._pieces(length):
            begin = [
                (vector(llvm_type(self.dtypes[r]), lanes), self._nothing(r, self.dtypes[r], lanes)) for r in self.sums
            ]

            def turn(i: str, sums: list[str], lanes: int = lanes, count: int = min(lanes, count)) -> list[str]:
                return self._elements(self.text.plus(start, i), lanes, count, sums)

            sums = self.text.repeat(first, first + count, lanes, begin, turn)
            totals = [self._total(r, t, s, lanes) for r, t, s in zip(self.sums, totals, sums, strict=True)]
            first += count
        return totals

    def _total(self, root: int, total: str, sums: str, lanes: int) -> str:
        op, dtype, wide = self._op(root), self.dtypes[root], self.schedule.wide(root)
        part = converted(self.text, combine(self.text, op, dtype, sums, lanes), dtype, wide)
        if total == self._nothing(root, wide, 1):
            return part
        return instruction(self.text, op, (wide, wide), 1, (total, part))

    def _registers(
        self, index: str, lanes: int, count: int, given: Mapping[int, str] | None = None
    ) -> Callable[[int], str]:
        """Compute the values for a vector of elements; some may be given.  A function that has their registers."""
        found: dict[int, str] = dict(given or {})

        def register(v: int) -> str:
            step = self.code[v]
            if isinstance(step, Constant):
                return literal(step.value, step.dtype, lanes)
            return found[v] if v in found else self.spread[v, lanes]

        for v in self.values:
            step = self.code[v]
            if v in found:
                continue
            if v in self.sweep.fetched:
                kept = read(self.text, self.places[v], index, lanes, count)
                found[v] = converted(self.text, kept, self.places[v].dtype, self.dtypes[v], lanes)
            elif isinstance(step, Load):
                found[v] = read(self.text, self.places[step], index, lanes, count)
            elif isinstance(step, Index):
                found[v] = self._index(index, step.dtype, lanes)
            elif isinstance(step, Compute):
                dtypes, args = [self.dtypes[a] for a in step.args], [register(a) for a in step.args]
                found[v] = instruction(self.text, step.op, dtypes, lanes, args)
        return register

    def _elements(self, index: str, lanes: int, count: int, sums: Sequence[str]) -> list[str]:
        """The code for a vector of elements; the sums with them added."""
        register = self._registers(index, lanes, count)
        results = dict(zip(self.sums, sums, strict=True))
        for root in self.roots:
            step, dtype = self.code[root], self.dtypes[root]
            if isinstance(step, Store):
                write(self.text, self.places[Load(step.operand)], register(step.value), index, lanes, count)
            elif root in results:
                value = self._or_nothing(root, register(reads(step)[0]), lanes, count)
                results[root] = instruction(self.text, self._op(root), (dtype, dtype), lanes, (value, results[root]))
            elif isinstance(step, Reduce):
                self._add_to_row(root, step, register(step.value), index, lanes, count)
            else:  # a value that is kept for later sweeps
                write(self.text, self.places[root], register(root), index, lanes, count)
        return [results[root] for root in self.sums]

    def _index(self, first: str, dtype: str, lanes: int) -> str:
        """first, first + 1, ... in the lanes."""
        start = converted(self.text, first, "int64", dtype)
        if lanes == 1:
            return start
        numbers = ", ".join(f"{llvm_type(dtype)} {literal(lane, dtype)}" for lane in range(lanes))
        start = self.text.broadcast(start, llvm_type(dtype), lanes)
        return instruction(self.text, "add", (dtype, dtype), lanes, (start, f"<{numbers}>"))

    def _or_nothing(self, root: int, register: str, lanes: int, count: int) -> str:
        """A vector of which the lanes beyond the row's end do not count."""
        if count == lanes:
            return register
        dtype = self.dtypes[root]
        args = (lanes_below(count, lanes), register, self._nothing(root, dtype, lanes))
        return instruction(self.text, "where", ("bool", dtype, dtype), lanes, args)

    def _add_to_row(self, root: int, step: Reduce, register: str, index: str, lanes: int, count: int) -> None:
        """Add a row to the row of sums, element by element."""
        place = self.places[root]
        value = converted(self.text, register, self.dtypes[root], place.dtype, lanes)
        so_far = read(self.text, place, index, lanes, count)
        result = instruction(self.text, step.op, (place.dtype, place.dtype), lanes, (so_far, value))
        write(self.text, place, result, index, lanes, count)


def _power_of_two(n: int) -> int:
    """The least power of 2 that is not less than n."""
    return 1 << max(n - 1, 0).bit_length()
