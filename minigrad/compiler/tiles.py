"""Several rows of sums at once, in registers: products of matrices.

For out[m, n] = sum over k of x[m, k] w[k, n] rows lie along n, k is serial and m parallel.  One row at a time, each
element of w would be loaded for one addition, and the sums would go through memory.  A tile of 8 rows of 32 columns
stays in 16 registers while k runs, and a vector of w serves all 8 rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .instructions import instruction
from .memory import Place, read, write
from .schedule import Schedule
from .steps import Compute, Constant, Index, Load, reads
from .sweeps import RowWriter
from .text import Text, literal, llvm_type, vector

__all__ = ["TileWriter"]


class TileWriter(RowWriter):
    """Writes a nest of reductions over serial axes for a few points of the innermost parallel axis.

    Args:
        known: the registers of values that are the same everywhere.
        places: where operands and buffers are at the first of these points.
        indices: where that is along the axes around the row.
        stride: how many elements a place moves along an axis.
    """

    def __init__(
        self,
        text: Text,
        schedule: Schedule,
        known: dict[int, str],
        places: dict[Load | int, Place],
        indices: dict[int, str],
        stride: Callable[[Load | int, int], int],
    ) -> None:
        (nest,) = (nest for nest in schedule.nests if nest.axes)
        super().__init__(text, schedule, nest.sweeps[0], known, places)
        self.nest, self.indices, self.stride = nest, dict(indices), stride
        self.tiled = schedule.parallel[-1]

    def lanes(self, length: int) -> tuple[int, int]:
        """How many lanes a tile has, and one register."""
        if not self.text.target.bytes:
            return 1, 1
        used = [self.dtypes[v] for v in (*self.values, *self.roots)]
        one = self.text.target.bytes // max(np.dtype(dtype).itemsize for dtype in used)
        return self.text.target.tile[1] * one, one

    def add_up(self, rows: int) -> None:
        """Write the sums of so many rows to their buffers."""
        assert self.schedule.row is not None
        first = 0
        for lanes, count in self._pieces(self.schedule.loop.space[self.schedule.row]):

            def turn(index: str, _: list[str], lanes: int = lanes, count: int = min(lanes, count)) -> list[str]:
                self._tile(rows, index, lanes, count)
                return []

            self.text.repeat(first, first + count, lanes, [], turn)
            first += count

    def _tile(self, rows: int, index: str, lanes: int, count: int) -> None:
        begin = [self._nothing(root, self.dtypes[root], lanes) for _ in range(rows) for root in self.roots]
        types = [vector(llvm_type(self.dtypes[root]), lanes) for root in self.roots] * rows

        def over(axes: Sequence[int], places: dict[Load | int, Place], sums: list[str]) -> list[str]:
            if not axes:
                return self._points(places, rows, index, lanes, count, sums)

            def turn(i: str, now: list[str]) -> list[str]:
                self.indices[axes[0]] = i
                moved = {k: p.moved(self.text, i, self.stride(k, axes[0])) for k, p in places.items()}
                return over(axes[1:], moved, now)

            return self.text.repeat(0, self.schedule.loop.space[axes[0]], 1, list(zip(types, sums, strict=True)), turn)

        sums = iter(over(self.nest.axes, self.places, begin))
        for row in range(rows):
            for root in self.roots:
                place = self.places[root].moved(self.text, str(row), self.schedule.buffers[root].size)
                write(self.text, place, next(sums), index, lanes, count)

    def _points(
        self, places: dict[Load | int, Place], rows: int, index: str, lanes: int, count: int, sums: list[str]
    ) -> list[str]:
        """The code at one point of the serial axes, for all rows and a vector of elements; the sums with it added."""
        found: dict[tuple[int, int], str] = {}  # by row (0 for what is the same in all rows) and value
        wide: dict[tuple[int, int], str] = {}  # the same, in all lanes

        def register(v: int, row: int, lanes: int) -> str:
            step, key = self.code[v], (row if self.tiled in self.schedule.loop.axes[v] else 0, v)
            if isinstance(step, Constant):
                return literal(step.value, step.dtype, lanes)
            if lanes == 1 or self.schedule.varies(v):
                return found[key]
            if key not in wide:
                wide[key] = self.text.broadcast(found[key], llvm_type(self.dtypes[v]), lanes)
            return wide[key]

        for v in self.sweep.values:
            width, elements = (lanes, count) if self.schedule.varies(v) else (1, 1)
            step = self.code[v]
            for row in range(rows if self.tiled in self.schedule.loop.axes[v] else 1):
                if v in self.known:
                    found[row, v] = self.known[v]
                elif isinstance(step, Load):
                    place = places[step].moved(self.text, str(row), self.stride(step, self.tiled))
                    found[row, v] = read(self.text, place, index if self.schedule.varies(v) else "0", width, elements)
                elif isinstance(step, Index):
                    found[row, v] = self._at(step, index, width)
                elif isinstance(step, Compute):
                    dtypes, args = [self.dtypes[a] for a in step.args], [register(a, row, width) for a in step.args]
                    found[row, v] = instruction(self.text, step.op, dtypes, width, args)
        roots = [(row, root) for row in range(rows) for root in self.roots]
        return [self._added(row, root, now, lanes, register) for (row, root), now in zip(roots, sums, strict=True)]

    def _at(self, step: Index, index: str, lanes: int) -> str:
        """Where the points are along the row or a serial axis; what asks for other axes makes no tiles."""
        if step.axis == self.schedule.row:
            return self._index(index, step.dtype, lanes)
        return self._index(self.indices[step.axis], step.dtype, 1)

    def _added(self, row: int, root: int, so_far: str, lanes: int, register: Callable[[int, int, int], str]) -> str:
        """A sum with one more term; a product is added by one instruction, and rounded once."""
        (value,), dtype = reads(self.code[root]), self.dtypes[root]
        step = self.code[value]
        product = isinstance(step, Compute) and step.op == "multiply" and dtype.startswith("float")
        if isinstance(step, Compute) and product and self._op(root) == "add":
            args = [register(a, row, lanes) for a in step.args]
            return instruction(self.text, "fma", (dtype, dtype, dtype), lanes, (*args, so_far))
        return instruction(self.text, self._op(root), (dtype, dtype), lanes, (register(value, row, lanes), so_far))
