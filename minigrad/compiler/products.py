"""Products of matrices: tiles of the result stay in registers while the sum runs.

    out[i, j] = sum over k of a[i, k] b[k, j]

A tile is a few rows, of one or two vectors each.  For each k it takes one vector of b and one number of each row of a, and adds
their products: as many multiplications as the processor can do, and few reads.  Where the elements of a row of b do not lie side by
side, b is first written in that way to the workspace.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from .memory import Place, read, write
from .text import Text, literal, llvm_type, vector

__all__ = ["Product", "write_product"]


@dataclass(frozen=True)
class Product:
    """A product of two matrices of one dtype, float32 or float64.

    Attributes:
        shape: rows of a, columns of a, columns of b.
        a, b: their strides, in elements; the result lies in one piece.
        starts: where they begin, in elements.
        batch: for each axis before those of the matrices its length, and how far a and b move along it.
    """

    shape: tuple[int, int, int]
    dtype: str
    a: tuple[int, int]
    b: tuple[int, int]
    starts: tuple[int, int] = (0, 0)
    batch: tuple[tuple[int, int, int], ...] = ()
    name: str = "product"

    @property
    def packs(self) -> bool:
        """Whether b is rewritten."""
        return self.b[1] != 1 and self.shape[2] > 1

    @property
    def workspace(self) -> int:
        return self.shape[1] * self.shape[2] * np.dtype(self.dtype).itemsize if self.packs else 0

    def __str__(self) -> str:
        rows, inner, columns = self.shape
        times = f"{[n for n, _, _ in self.batch]} times " if self.batch else ""
        return f"{self.name}: {times}({rows}, {inner}) strides {self.a} @ ({inner}, {columns}) strides {self.b}, {self.dtype}"


def write_product(text: Text, product: Product, pointers: tuple[str, str, str, str], lanes: int) -> None:
    """The code of a product; the pointers are those of a, b, the result and the workspace."""
    size = np.dtype(product.dtype).itemsize
    a, b, out, room = pointers
    a, b = text.moved(a, str(product.starts[0]), size), text.moved(b, str(product.starts[1]), size)
    _batch(text, product, list(product.batch), (a, b, out, room), lanes)


def _batch(text: Text, product: Product, axes: list[tuple[int, int, int]], pointers: tuple[str, str, str, str], lanes: int) -> None:
    """One product after the other, over the axes that are left."""
    a, b, out, room = pointers
    if axes:
        (length, step_a, step_b), *rest = axes
        size = np.dtype(product.dtype).itemsize
        step = prod(n for n, _, _ in rest) * product.shape[0] * product.shape[2]

        def turn(i: str, _: list[str]) -> list[str]:
            moved = (text.moved(a, i, step_a * size), text.moved(b, i, step_b * size), text.moved(out, i, step * size), room)
            _batch(text, product, rest, moved, lanes)
            return []

        text.repeat(0, length, 1, [], turn)
        return
    row = product.b[0]
    if product.packs:
        _pack(text, product, b, room, lanes)
        b, row = room, product.shape[2]
    _Tiles(text, product, a, b, row, out, lanes).run()


def _pack(text: Text, product: Product, b: str, room: str, lanes: int) -> None:
    """Write b row by row to the workspace."""
    _, inner, columns = product.shape
    size = np.dtype(product.dtype).itemsize

    def line(k: str, _: list[str]) -> list[str]:
        source = Place(text.moved(b, k, product.b[0] * size), product.dtype, product.b[1])
        target = Place(text.moved(room, k, columns * size), product.dtype, 1)

        def piece(j: str, _: list[str]) -> list[str]:
            write(text, target, read(text, source, j, lanes, lanes), j, lanes, lanes)
            return []

        whole = columns // lanes * lanes
        text.repeat(0, whole, lanes, [], piece)
        if columns > whole:
            rest = columns - whole
            write(text, target, read(text, source, str(whole), lanes, rest), str(whole), lanes, rest)
        return []

    text.repeat(0, inner, 1, [], line)


class _Tiles:
    """The tiles of a product, in columns of tiles."""

    def __init__(self, text: Text, product: Product, a: str, b: str, row: int, out: str, lanes: int) -> None:
        self.text, self.product, self.lanes = text, product, lanes
        self.a, self.b, self.row, self.out = a, b, row, out
        self.size = np.dtype(product.dtype).itemsize
        self.type = vector(llvm_type(product.dtype), lanes)

    def run(self) -> None:
        columns = self.product.shape[2]
        wide = 2 * self.lanes

        def pair(j: str, _: list[str]) -> list[str]:
            self._column(j, [self.lanes, self.lanes])
            return []

        whole = columns // wide * wide
        self.text.repeat(0, whole, wide, [], pair)
        rest = columns - whole
        if rest:
            counts = [min(self.lanes, rest)] + ([rest - self.lanes] if rest > self.lanes else [])
            self._column(str(whole), counts)

    def _column(self, j: str, counts: list[int]) -> None:
        """All rows of some columns; `counts` are the elements of each vector."""
        rows = self.product.shape[0]
        height = 8 if len(counts) == 2 else 12

        def tile(i: str, _: list[str]) -> list[str]:
            self._tile(i, j, height, counts)
            return []

        whole = rows // height * height
        self.text.repeat(0, whole, height, [], tile)
        if rows > whole:
            self._tile(str(whole), j, rows - whole, counts)

    def _tile(self, i: str, j: str, height: int, counts: list[int]) -> None:
        text, product = self.text, self.product
        dtype, element = product.dtype, llvm_type(product.dtype)
        first = text.moved(self.a, i, product.a[0] * self.size)
        b = text.moved(self.b, j, self.size)

        def turn(k: str, sums: list[str]) -> list[str]:
            line = Place(text.moved(b, k, self.row * self.size), dtype, 1)
            vectors = [read(text, line, str(v * self.lanes), self.lanes, n) for v, n in enumerate(counts)]
            at = text.moved(first, k, product.a[1] * self.size)
            new = []
            for r in range(height):
                number = read(text, Place(text.moved(at, str(r), product.a[0] * self.size), dtype))
                spread = text.broadcast(number, element, self.lanes)
                for v, x in enumerate(vectors):
                    args = [(self.type, spread), (self.type, x), (self.type, sums[r * len(counts) + v])]
                    new.append(text.call(f"llvm.fma.v{self.lanes}f{self.size * 8}", self.type, args))
            return new

        zero = literal(0.0, dtype, self.lanes)
        sums = text.repeat(0, product.shape[1], 1, [(self.type, zero)] * (height * len(counts)), turn)
        out = text.moved(text.moved(self.out, i, product.shape[2] * self.size), j, self.size)
        for r in range(height):
            line = Place(text.moved(out, str(r), product.shape[2] * self.size), dtype, 1)
            for v, n in enumerate(counts):
                write(text, line, sums[r * len(counts) + v], str(v * self.lanes), self.lanes, n)
