"""Several rows of sums at once, in registers: products of matrices.

For out[m, n] = sum over k of x[m, k] w[k, n] rows lie along n, k is serial and m parallel.  One row at a time, each
element of w would be loaded for one addition, and the sums would go through memory.  A tile of 8 rows of 32 columns
stays in 16 registers while k runs, and a vector of w serves all 8 rows.

Where rows are short, as in images, a tile has two of them for each of its points along another axis: what is the same
in both is loaded once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

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
        depth: how many points of the parallel axis before the last one there are for each row.
    """

    def __init__(
        self,
        text: Text,
        schedule: Schedule,
        known: dict[int, str],
        places: dict[Load | int, Place],
        indices: dict[int, str],
        stride: Callable[[Load | int, int], int],
        depth: int = 1,
    ) -> None:
        (nest,) = (nest for nest in schedule.nests if nest.axes)
        super().__init__(text, schedule, nest.sweeps[0], known, places)
        self.nest, self.indices, self.stride = nest, dict(indices), stride
        self.tiled, self.depth = schedule.parallel[-1], depth
        self.second = schedule.parallel[-2] if depth > 1 else None

    def lanes(self, length: int) -> tuple[int, int]:
        """How many lanes a tile has, and one register."""
        if not self.text.target.bytes:
            return 1, 1
        used = [self.dtypes[v] for v in (*self.values, *self.roots)]
        one = self.text.target.bytes // max(np.dtype(dtype).itemsize for dtype in used)
        return self.text.target.tile[1] * one, one

    def add_up(self, rows: int, start: str, length: int) -> None:
        """Write the sums of a part of so many rows to their buffers."""
        first = 0
        for lanes, count in self._pieces(length):

            def turn(index: str, _: list[str], lanes: int = lanes, count: int = min(lanes, count)) -> list[str]:
                self._tile(rows, self.text.plus(start, index), lanes, count)
                return []

            self.text.repeat(first, first + count, lanes, [], turn)
            first += count

    def _tile(self, rows: int, index: str, lanes: int, count: int) -> None:
        points = rows * self.depth
        begin = [self._nothing(root, self.dtypes[root], lanes) for _ in range(points) for root in self.roots]
        types = [vector(llvm_type(self.dtypes[root]), lanes) for root in self.roots] * points

        def over(axes: Sequence[int], places: dict[Load | int, Place], sums: list[str]) -> list[str]:
            if not axes:
                return self._points(places, rows, index, lanes, count, sums)

            def turn(i: str, now: list[str]) -> list[str]:
                self.indices[axes[0]] = i
                moved = {k: p.moved(self.text, i, self.stride(k, axes[0])) for k, p in places.items()}
                return over(axes[1:], moved, now)

            return self.text.repeat(0, self.schedule.loop.space[axes[0]], 1, list(zip(types, sums, strict=True)), turn)

        sums = iter(over(self.nest.axes, self.places, begin))
        for point in range(points):
            for root in self.roots:
                place = self.places[root].moved(self.text, str(point), self.schedule.buffers[root].size)
                write(self.text, place, next(sums), index, lanes, count)

    def _points(
        self, places: dict[Load | int, Place], rows: int, index: str, lanes: int, count: int, sums: list[str]
    ) -> list[str]:
        """The code at one point of the serial axes, for all rows and a vector of elements; the sums with it added."""
        found: dict[tuple[int, int, int], str] = {}  # by row and depth (0 for what is the same in all) and value
        wide: dict[tuple[int, int, int], str] = {}  # the same, in all lanes
        axes = self.schedule.loop.axes

        def register(v: int, point: tuple[int, int], lanes: int) -> str:
            step, key = self.code[v], (point[0] * (self.tiled in axes[v]), point[1] * (self.second in axes[v]), v)
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
            down, deep = rows if self.tiled in axes[v] else 1, self.depth if self.second in axes[v] else 1
            for row, layer in product(range(down), range(deep)):
                if v in self.known:
                    found[row, layer, v] = self.known[v]
                elif isinstance(step, Load):
                    place = places[step].moved(self.text, str(row), self.stride(step, self.tiled))
                    if self.second is not None:
                        place = place.moved(self.text, str(layer), self.stride(step, self.second))
                    at = index if self.schedule.varies(v) else "0"
                    found[row, layer, v] = read(self.text, place, at, width, elements)
                elif isinstance(step, Index):
                    found[row, layer, v] = self._at(step, index, width)
                elif isinstance(step, Compute):
                    args = [register(a, (row, layer), width) for a in step.args]
                    found[row, layer, v] = instruction(self.text, step.op, [self.dtypes[a] for a in step.args], width, args)
        points = product(range(rows), range(self.depth), self.roots)
        return [self._added((i, j), root, now, lanes, register) for (i, j, root), now in zip(points, sums, strict=True)]

    def _at(self, step: Index, index: str, lanes: int) -> str:
        """Where the points are along the row or a serial axis; what asks for other axes makes no tiles."""
        if step.axis == self.schedule.row:
            return self._index(index, step.dtype, lanes)
        return self._index(self.indices[step.axis], step.dtype, 1)

    def _added(
        self, point: tuple[int, int], root: int, so_far: str, lanes: int, register: Callable[[int, tuple[int, int], int], str]
    ) -> str:
        """A sum with one more term; a product is added by one instruction, and rounded once."""
        (value,), dtype = reads(self.code[root]), self.dtypes[root]
        step = self.code[value]
        floats = isinstance(step, Compute) and step.op == "multiply" and dtype.startswith("float")
        if isinstance(step, Compute) and floats and self._op(root) == "add":
            args = [register(a, point, lanes) for a in step.args]
            return instruction(self.text, "fma", (dtype, dtype, dtype), lanes, (*args, so_far))
        return instruction(self.text, self._op(root), (dtype, dtype), lanes, (register(value, point, lanes), so_far))
