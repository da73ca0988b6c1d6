"""Sums of products of two arrays, matrix products and convolutions: several results at a time, kept in registers.

A result of a matrix product reads two numbers for each product.  Of 4 x 4 results, 8 numbers serve for 16 products.  So the
code goes over *tiles*: as many results along an axis along which only one factor moves, and along one of the other factor's.
The last tile of an axis ends where the axis does, and computes some results again rather than fewer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from ..operations import kind
from ..steps import Compute, Load, Reduce, Store
from .spelling import wrapped

if TYPE_CHECKING:
    from .writer import Writer

__all__ = ["Tile", "tile_of"]

#: The most results along an axis.
LONGEST = 4


def tile_of(writer: Writer) -> Tile | None:
    """How a loop that is one sum of products is computed in tiles; None of another loop."""
    loop = writer.loop
    sums = [i for i in writer.roots if isinstance(loop.code[i], Reduce)]
    if len(sums) != 1 or writer.copied:
        return None
    (total,) = sums
    step = loop.code[total]
    assert isinstance(step, Reduce)
    made = loop.code[step.value]
    if step.op != "add" or not isinstance(made, Compute) or made.op != "multiply" or kind(loop.dtypes[total]) != "f":
        return None
    one, two = (loop.code[v] for v in made.args)
    if not isinstance(one, Load) or not isinstance(two, Load) or 0 in loop.space:
        return None
    outer = loop.axes[total]
    if any(loop.axes[i] != outer for i in writer.roots) or not set(step.axes) <= loop.axes[step.value]:
        return None
    factors = (one.operand, two.operand)
    rows, columns = (sorted((loop.moves(a) - loop.moves(b)) & outer) for a, b in (factors, factors[::-1]))
    along = _best(loop.space, rows, columns)
    return None if along is None else Tile(writer, total, factors, *along, tuple(step.axes))


def _best(space: Sequence[int], rows: list[int], columns: list[int]) -> tuple[dict[int, int], dict[int, int]] | None:
    """The axis of each factor along which tiles lie, if it has one, and how many results; those that take the least time."""
    sides = list[list[dict[int, int]]]()
    for axes in (rows, columns):
        sides.append([{a: n} for a in axes for n in range(2, min(LONGEST, space[a]) + 1)] + [{}])

    def work(pair: tuple[dict[int, int], ...]) -> tuple[float, int]:
        """The operations for all results, for each term of their sums."""
        results, read, tiles = 1, 0, 1
        for side in pair:
            for axis, n in side.items():
                tiles *= -(-space[axis] // n)
                results *= n
            read += next(iter(side.values()), 1)
        whole = math.prod(space[a] for side in sides for a in {a for one in side for a in one})
        done = math.prod(space[a] for side in pair for a in side)
        return tiles * (results + 0.8 * read + 1) * whole / max(done, 1), -sum(a for side in pair for a in side)

    best = min(product(*sides), key=work)
    return None if not any(best) else (best[0], best[1])


@dataclass
class Tile:
    """A sum of products, computed in tiles.

    Attributes:
        total: the number of the sum.
        factors: the operands that are multiplied.
        rows, columns: the axis of each factor along which tiles lie, and the length of a tile there.
        summed: the axes of the sum.
    """

    writer: Writer
    total: int
    factors: tuple[int, int]
    rows: dict[int, int]
    columns: dict[int, int]
    summed: tuple[int, ...]

    def emit(self) -> None:
        """Write the loops over tiles, and in them those over the terms and over the results."""
        writer = self.writer
        inner = [*self.rows, *self.columns]
        others = [a for a in sorted(writer.loop.axes[self.total]) if a not in inner]
        with writer.loops(others, writer.roots):
            self._tiles([*self.rows.items(), *self.columns.items()])

    def _tiles(self, left: list[tuple[int, int]]) -> None:
        if not left:
            self._sums()
            self._results()
            return
        (axis, n), *left = left
        length = self.writer.length(axis)
        with self.writer.block(f"for (let i{axis} = 0; i{axis} < {length}; i{axis} += {n})"):
            self.writer.add(f"const b{axis} = Math.min(i{axis}, {length} - {n});")
            self._tiles(left)

    def _names(self) -> tuple[list[str], list[str]]:
        """What the numbers of both factors are called that are multiplied with each other."""
        return [f"u{k}" for k in range(self._size(self.rows))], [f"w{k}" for k in range(self._size(self.columns))]

    @staticmethod
    def _size(side: dict[int, int]) -> int:
        return next(iter(side.values()), 1)

    def _sums(self) -> None:
        """The terms, from the outermost axis of the sum to the longest, which is the innermost."""
        writer = self.writer
        axes = sorted(self.summed, key=lambda a: (writer.loop.space[a], a))
        axes = [*sorted(axes[:-1]), axes[-1]]
        left, right = self._names()
        sums = [f"t{a[1:]}{b[1:]}" for a in left for b in right]
        writer.add(f"let {', '.join(f'{name} = 0' for name in sums)};")
        for names, operand, side in ((left, self.factors[0], self.rows), (right, self.factors[1], self.columns)):
            start = writer.at(operand)
            for k, name in enumerate(names):
                text = start
                for axis in side:
                    stride = writer.loop.operands[operand].strides[axis]
                    place = f"(b{axis} + {k})" if k else f"b{axis}"
                    text += f" + {place}" if stride == 1 else f" + {place} * {writer.stride(operand, axis)}"
                writer.add(f"const {name}_0 = {text.removeprefix('0 + ')};")
        self._terms(axes, 0, [f"t{a[1:]}{b[1:]} += {a} * {b};" for a in left for b in right])
        writer.scratch["t"] = ("float64", LONGEST * LONGEST)
        for k, name in enumerate(sums):
            writer.add(f"t[{k}] = {name};")

    def _terms(self, axes: list[int], depth: int, lines: list[str]) -> None:
        """The loop over one axis of the sum, and what is in it."""
        writer, axis = self.writer, axes[0]
        with writer.block(f"for (let x{axis} = 0; x{axis} < {writer.length(axis)}; x{axis}++)"):
            for names, operand in zip(self._names(), self.factors, strict=True):
                stride = writer.loop.operands[operand].strides[axis]
                step = "" if not stride else f" + x{axis}" if stride == 1 else f" + x{axis} * {writer.stride(operand, axis)}"
                for name in names:
                    if len(axes) > 1:
                        writer.add(f"const {name}_{depth + 1} = {name}_{depth}{step};")
                    else:
                        writer.add(f"const {name} = a{operand}[{name}_{depth}{step}];")
            if len(axes) > 1:
                self._terms(axes[1:], depth + 1, lines)
            else:
                for line in lines:
                    writer.add(line)

    def _results(self) -> None:
        """What is done with each result of a tile."""
        writer, sides = self.writer, [*self.rows.items(), *self.columns.items()]
        self._each(sides, "")
        assert all(isinstance(writer.loop.code[i], Store) for i in writer.roots if i != self.total)

    def _each(self, left: list[tuple[int, int]], place: str) -> None:
        writer = self.writer
        if not left:
            writer.declare(self.total, wrapped(f"t[{place}]", writer.loop.dtypes[self.total]))
            for i in writer.roots:
                if i != self.total:
                    writer.root(i)
            return
        (axis, n), *left = left
        with writer.block(f"for (let x{axis} = b{axis}; x{axis} < b{axis} + {n}; x{axis}++)"):
            writer.opened.append(axis)
            inner = f"x{axis} - b{axis}"
            self._each(left, inner if not place else f"({place}) * {n} + {inner}")
            writer.opened.pop()
