"""The axes around the rows of a loop, and what is computed once for a row."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .instructions import converted, instruction
from .memory import Place, read, write
from .operations import identity
from .schedule import Schedule, Sweep
from .squares import SquareWriter
from .steps import Compute, Constant, Index, Load, Reduce, Store
from .sweeps import RowWriter
from .text import Text, literal
from .tiles import TileWriter

__all__ = ["LoopWriter"]

#: Arrays that lie across each other are read and written in squares with sides of at most so many elements.
SQUARE = 16


def _steps(length: int, step: int) -> list[tuple[int, int, int]]:
    """A length as whole steps and the rest: of each part where it begins and ends, and its step."""
    whole = length - length % step
    return [(first, stop, size) for first, stop, size in ((0, whole, step), (whole, length, length - whole)) if size]


class LoopWriter:
    """Writes one loop."""

    def __init__(self, text: Text, schedule: Schedule) -> None:
        self.text, self.schedule = text, schedule
        self.loop = schedule.loop
        self.known: dict[int, str] = {}  # the registers of values for whole rows
        # At this point of the space: where it is along the axes around the row; where operands and buffers are.
        self.indices: dict[int, str] = {}
        self.places: dict[Load | int, Place] = {}

    def run(self, slots: Sequence[int]) -> None:
        """The whole loop; the slots are those of the operands and of the workspace."""
        row, text = self.schedule.row, self.text
        for i, operand in enumerate(self.loop.operands):
            place = Place(self.text.address(slots[i]), operand.dtype, 0 if row is None else operand.strides[row])
            self.places[Load(i)] = place.moved(text, str(operand.offset), 1)
        if self.schedule.buffers:
            workspace = self.text.address(slots[-1])
            for v, buffer in self.schedule.buffers.items():
                self.places[v] = Place(
                    text.moved(workspace, str(buffer.offset), 1), buffer.dtype, int(row in buffer.axes)
                )
        self._constant_values()
        if self.schedule.tile:
            if self.schedule.depth > 1:
                self._over(self.schedule.parallel[:-2], self._layers)
            else:
                self._over(self.schedule.parallel[:-1], self._tiles)
        elif self.schedule.crossed:
            self._over(self.schedule.parallel[:-1], self._blocks)
        else:
            self._over(self.schedule.parallel, self._nests)

    def _constant_values(self) -> None:
        """What is the same at every point, before all loops."""
        for nest in self.schedule.nests[:1]:
            for v in (v for sweep in nest.sweeps for v in sweep.values):
                if self.schedule.same_everywhere(v):
                    self._scalar(v, fetched=False)

    def _over(self, axes: Sequence[int], body: Callable[[], object], start: int = 0) -> None:
        """Loops over axes: the places move along, and what is known inside is forgotten outside."""
        if not axes:
            body()
            return

        def turn(index: str, _: list[str]) -> list[str]:
            self.indices[axes[0]] = index
            places, known = self.places, dict(self.known)
            self.places = {key: p.moved(self.text, index, self._stride(key, axes[0])) for key, p in places.items()}
            self._over(axes[1:], body)
            self.places, self.known = places, known
            return []

        self.text.repeat(start, self.loop.space[axes[0]], 1, [], turn)

    def _stride(self, key: Load | int, axis: int) -> int:
        """How many elements an operand or a buffer moves along an axis."""
        if isinstance(key, Load):
            return self.loop.operands[key.operand].strides[axis]
        axes = self.schedule.buffers[key].axes
        inside = axes[axes.index(axis) + 1 :] if axis in axes else None
        return 0 if inside is None else math.prod(self.loop.space[a] for a in inside)

    def _point_stride(self, key: Load | int, axis: int, points: int) -> int:
        """How many elements a place moves from one point of a tile to the next; each point has buffers of its own."""
        return self._stride(key, axis) if isinstance(key, Load) else self.schedule.buffers[key].size * points

    def _nests(self) -> None:
        for nest in self.schedule.nests:
            for root in (root for sweep in nest.sweeps for root in sweep.roots):
                if self.schedule.accumulates(root):
                    self._clear(root)
            self._over(nest.axes, functools.partial(self._sweeps, nest.sweeps))

    def _blocks(self) -> None:
        """The rows a piece at a time, all points of the innermost parallel axis for each: squares stay in the cache."""
        assert self.schedule.row is not None
        axis, sweeps = self.schedule.parallel[-1], self.schedule.nests[0].sweeps
        length, height = self.loop.space[self.schedule.row], self.loop.space[axis]
        side = self._side()
        across = {key: self._stride(key, axis) for key in self.places if isinstance(key, Load)}
        square = SquareWriter(self.text, self.schedule, self.known, self.places, across, side)
        turn_squares = self.text.target.bytes > 0 and height >= side and square.fits()
        rest = length % side
        if turn_squares:
            square.spread_all()
        for first, stop, count in ((0, length - rest, side), (length - rest, length, rest)):

            def turn(index: str, _: list[str], count: int = count) -> list[str]:
                done = height - height % side if turn_squares and count == side else 0

                def write_square(row: str, _: list[str]) -> list[str]:
                    square.write(index, row)
                    return []

                self.text.repeat(0, done, side, [], write_square)
                self._over((axis,), functools.partial(self._sweeps, sweeps, index, count), done)
                return []

            self.text.repeat(first, stop, max(count, 1), [], turn)

    def _side(self) -> int:
        """Of squares: as many elements as a vector register has, of the widest dtype."""
        largest = max(np.dtype(dtype).itemsize for dtype in self.loop.dtypes)
        return min(SQUARE, max(self.text.target.bytes // largest, 4))

    def _layers(self) -> None:
        """The parallel axis before the last one, a few points at a time."""
        axis = self.schedule.parallel[-2]
        for low, high, count in _steps(self.loop.space[axis], self.schedule.depth):

            def turn(index: str, _: list[str], count: int = count) -> list[str]:
                outside, self.indices[axis] = self.places, index
                self.places = {key: p.moved(self.text, index, self._stride(key, axis)) for key, p in outside.items()}
                self._tiles(count)
                self.places = outside
                return []

            self.text.repeat(low, high, count, [], turn)

    def _tiles(self, depth: int = 1) -> None:
        """The innermost parallel axis, a few points at a time; rows that are long one panel after the other."""
        axis, row = self.schedule.parallel[-1], self.schedule.row
        assert row is not None
        height, length = self.loop.space[axis], self.loop.space[row]
        panel, block = self.schedule.panel
        for low, high, rows in _steps(height, block):
            for first, stop, count in _steps(length, panel):

                def over_panels(down: str, _: list[str], rows: int = rows, part: Any = (first, stop, count)) -> list[str]:
                    start, end, width = part
                    self.text.repeat(start, end, width, [], functools.partial(self._panel, axis, down, rows, width, depth))
                    return []

                self.text.repeat(low, high, rows, [], over_panels)

    def _panel(
        self, axis: int, down: str, height: int, width: int, depth: int, across: str, _: list[str]
    ) -> list[str]:
        """So many columns of so many points of an axis."""
        for low, high, rows in _steps(height, self.schedule.tile):

            def turn(index: str, _: list[str], rows: int = rows) -> list[str]:
                self._tile(axis, self.text.plus(down, index), (rows, depth), across, width)
                return []

            self.text.repeat(low, high, rows, [], turn)
        return []

    def _tile(self, axis: int, first: str, size: tuple[int, int], start: str, length: int) -> None:
        """A few points of an axis: their sums together, then what is made of these one after the other."""
        outside, self.indices[axis] = self.places, first
        self.places = {key: p.moved(self.text, first, self._stride(key, axis)) for key, p in outside.items()}
        count, depth = size

        def finish() -> None:
            for nest in self.schedule.nests:
                if not nest.axes:
                    self._sweeps(nest.sweeps, start, length)

        tile = TileWriter(self.text, self.schedule, self.known, self.places, self.indices, self._stride, depth)
        tile.add_up(count, start, length)
        if depth > 1:
            second = self.schedule.parallel[-2]
            self._each(second, self.indices[second], depth, 1, lambda: self._each(axis, first, count, depth, finish))
        else:
            self._each(axis, first, count, 1, finish)
        self.places = outside

    def _each(self, axis: int, first: str, count: int, points: int, body: Callable[[], None]) -> None:
        """What is made of the sums at each point of a tile along an axis; every so many points have a buffer."""
        at_first = self.places

        def turn(row: str, _: list[str]) -> list[str]:
            known, self.indices[axis] = dict(self.known), self.text.plus(first, row)
            self.places = {key: p.moved(self.text, row, self._point_stride(key, axis, points)) for key, p in at_first.items()}
            body()
            self.known = known
            return []

        self.text.repeat(0, count, 1, [], turn)
        self.places, self.indices[axis] = at_first, first

    def _clear(self, reduce: int) -> None:
        """Fill the buffer of a reduction with what changes nothing."""
        step, buffer = self.loop.code[reduce], self.schedule.buffers[reduce]
        assert isinstance(step, Reduce)
        most = max(1, self.text.target.bytes // np.dtype(buffer.dtype).itemsize)
        place = replace(self.places[reduce], stride=1)
        first = 0
        for lanes in (most, 1):
            nothing = literal(identity(step.op, buffer.dtype), buffer.dtype, lanes)

            def turn(index: str, _: list[str], lanes: int = lanes, nothing: str = nothing) -> list[str]:
                write(self.text, place, nothing, index, lanes, lanes)
                return []

            stop = buffer.size // lanes * lanes
            self.text.repeat(first, stop, lanes, [], turn)
            first = stop

    def _sweeps(self, sweeps: Sequence[Sweep], start: str = "0", length: int | None = None) -> None:
        """Sweeps over the row, or a part of it."""
        for sweep in sweeps:
            for v in sweep.values:
                if not self.schedule.varies(v) and v not in self.known and not isinstance(self.loop.code[v], Constant):
                    self._scalar(v, v in sweep.fetched)
            for root in sweep.roots:
                if not self.schedule.along_row(root):
                    self._scalar_root(root)
            for reduce, total in RowWriter(self.text, self.schedule, sweep, self.known, self.places).run(start, length):
                self._row_total(reduce, total)

    def _register(self, v: int) -> str:
        step = self.loop.code[v]
        return literal(step.value, step.dtype) if isinstance(step, Constant) else self.known[v]

    def _scalar(self, v: int, fetched: bool) -> None:
        """Compute a value for the whole row, or read the buffer that has it."""
        step, dtypes = self.loop.code[v], self.loop.dtypes
        if fetched:
            self.known[v] = converted(self.text, read(self.text, self.places[v]), self.places[v].dtype, dtypes[v])
        elif isinstance(step, Load):
            self.known[v] = read(self.text, self.places[step])
        elif isinstance(step, Index):
            self.known[v] = converted(self.text, self.indices[step.axis], "int64", step.dtype)
        elif isinstance(step, Compute):
            args = [self._register(a) for a in step.args]
            self.known[v] = instruction(self.text, step.op, [dtypes[a] for a in step.args], 1, args)

    def _scalar_root(self, root: int) -> None:
        """A store or a reduction that runs once for the row."""
        step = self.loop.code[root]
        if isinstance(step, Store):
            write(self.text, self.places[Load(step.operand)], self._register(step.value))
        elif isinstance(step, Reduce):
            dtype, wide = self.loop.dtypes[root], self.schedule.wide(root)
            self._accumulate(root, converted(self.text, self._register(step.value), dtype, wide))

    def _row_total(self, reduce: int, total: str) -> None:
        """The result of a reduction over the row: added to those of other rows, or known from now on."""
        if self.schedule.accumulates(reduce):
            self._accumulate(reduce, total)
            return
        self.known[reduce] = converted(self.text, total, self.schedule.wide(reduce), self.loop.dtypes[reduce])
        if reduce in self.schedule.buffers:
            write(self.text, self.places[reduce], total)

    def _accumulate(self, reduce: int, register: str) -> None:
        """Add a number to the buffer of a reduction."""
        step, place = self.loop.code[reduce], self.places[reduce]
        assert isinstance(step, Reduce)
        args = (read(self.text, place), register)
        write(self.text, place, instruction(self.text, step.op, (place.dtype, place.dtype), 1, args))
