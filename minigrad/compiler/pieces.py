"""A long loop in pieces: LLVM's time grows faster than the code, and the equal steps of a solver are compiled once.

Where the same operations follow as at the beginning of a piece, another one begins.  So each turn of an iteration that
Python has written out becomes pieces like those of the turn before, and equal pieces are one native function (`llvm`).
What a piece leaves for later ones lies in the workspace.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .loops import Loop
from .sharing import offsets
from .steps import Constant, Index, Load, Operand, Step, Store, reads, renumbered

__all__ = ["in_pieces"]

#: A loop of more operations is divided into pieces of at most so many.
LONG, MOST = 512, 256
#: A turn of an iteration has at least and at most so many operations; the first ones tell where the next turn begins.
LEAST, LONGEST, FIRST = 64, 2048, 16
#: A loop stays whole where its pieces would leave more bytes.
MOST_KEPT = 1 << 26


def in_pieces(loop: Loop, slots: Sequence[int], workspace: int) -> tuple[list[tuple[Loop, list[int]]], int]:
    """The pieces of a loop: one where it is short.

    Args:
        slots: the places of the operands in the frame.
        workspace: the place of the workspace, at whose beginning lies what pieces leave for later ones.

    Returns:
        Loops with the places of their operands, and the bytes that are used of the workspace.
    """
    whole = [(loop, [*slots])]
    steps, late = _steps(loop)
    cuts = _cuts(loop.code, steps)
    if len(cuts) == 1:
        return whole, 0
    pieces = [steps[start:stop] for start, stop in zip(cuts, [*cuts[1:], None], strict=True)]
    pieces[-1] += late
    lives = _lives(loop, pieces)
    places, size = offsets({v: _size(loop, v) * np.dtype(loop.dtypes[v]).itemsize for v in lives}, lives)
    if size > MOST_KEPT:
        return whole, 0
    kept = {v: _kept(loop, v, place) for v, place in places.items()}
    found = []
    for number, piece in enumerate(pieces):
        new = _Piece(loop, slots, workspace, kept)
        for i in piece:
            new.take(i)
        for i in (i for i in piece if i in kept):
            new.keep(i)
        found.append((new.loop(f"{loop.name}, piece {number}"), new.slots))
    return found, size


def _steps(loop: Loop) -> tuple[list[int], list[int]]:
    """What is to be divided: all but loads, constants and indices, which each piece has for itself; and late stores.

    A store follows its value, but those into arrays that are read come last: all loads see these as they were before.
    """
    read = {step.operand for step in loop.code if isinstance(step, Load)}
    places: dict[int, int] = {}
    late = []
    for i, step in enumerate(loop.code):
        if isinstance(step, Store) and step.operand in read:
            late.append(i)
        elif not isinstance(step, (Load, Constant, Index)):
            places[i] = step.value if isinstance(step, Store) else i
    return sorted(places, key=places.__getitem__), late


def _cuts(code: Sequence[Step], steps: Sequence[int]) -> list[int]:
    """Where pieces begin: at each turn of an iteration, and where one is too long, in between."""
    count = len(steps)
    if count <= LONG:
        return [0]
    words = [(type(code[i]), getattr(code[i], "op", "")) for i in steps]
    beginnings: dict[Any, list[int]] = {}
    for i in range(count):
        beginnings.setdefault(tuple(words[i : i + FIRST]), []).append(i)
    cuts, start = [], 0
    while start < count:
        alike = beginnings[tuple(words[start : start + FIRST])]
        following = bisect_left(alike, start + LEAST)
        turn = alike[following] - start if following < len(alike) else LONGEST
        if turn >= LONGEST:  # there is none: go on until one begins
            turn = min(MOST, count - start)
        pieces = -(-turn // MOST)
        cuts += [start + turn * k // pieces for k in range(pieces)]
        start += turn
    return cuts


def _lives(loop: Loop, pieces: Sequence[Sequence[int]]) -> dict[int, tuple[int, int]]:
    """Of values that later pieces read, the piece that computes them, and the last that reads them."""
    made = {i: number for number, piece in enumerate(pieces) for i in piece}
    lives: dict[int, tuple[int, int]] = {}
    for number, piece in enumerate(pieces):
        for v in (v for i in piece for v in reads(loop.code[i]) if made.get(v, number) < number):
            lives[v] = made[v], number
    return lives


def _size(loop: Loop, v: int) -> int:
    return math.prod(loop.space[a] for a in loop.axes[v])


def _kept(loop: Loop, v: int, place: int) -> Operand:
    """How a value lies in the workspace: in one piece, over the axes that it varies over."""
    strides, step = [0] * len(loop.space), 1
    for axis in sorted(loop.axes[v], reverse=True):
        strides[axis], step = step, step * loop.space[axis]
    return Operand(loop.dtypes[v], tuple(strides), place // np.dtype(loop.dtypes[v]).itemsize)


@dataclass
class _Piece:
    """A loop that grows.

    Attributes:
        whole, whole_slots, workspace: the loop of which it is a piece, and where that finds its operands and its workspace.
        kept: how values lie there.
        numbers: of values of the whole, their numbers here.
    """

    whole: Loop
    whole_slots: Sequence[int]
    workspace: int
    kept: dict[int, Operand]
    numbers: dict[int, int] = field(default_factory=dict)
    code: list[Step] = field(default_factory=list)
    operands: dict[tuple[Operand, int], int] = field(default_factory=dict)

    @property
    def slots(self) -> list[int]:
        """The places of its operands in the frame."""
        return [slot for _, slot in self.operands]

    def loop(self, name: str) -> Loop:
        return Loop(self.whole.space, tuple(operand for operand, _ in self.operands), tuple(self.code), name)

    def take(self, i: int) -> None:
        """Do a step of the whole, with what it reads."""
        step = self.whole.code[i]
        for v in reads(step):
            if v not in self.numbers:
                self._fetch(v)
        step = renumbered(step, self.numbers)
        if isinstance(step, Store):
            step = Store(self._operand(step.operand), step.value)
        self.numbers[i] = self._add(step)

    def keep(self, v: int) -> None:
        """Leave a value for later pieces."""
        self._add(Store(self._place(self.kept[v], self.workspace), self.numbers[v]))

    def _fetch(self, v: int) -> None:
        """A value from before the piece."""
        step = self.whole.code[v]
        if isinstance(step, Load):
            step = Load(self._operand(step.operand))
        elif v in self.kept:
            step = Load(self._place(self.kept[v], self.workspace))
        self.numbers[v] = self._add(step)

    def _add(self, step: Step) -> int:
        self.code.append(step)
        return len(self.code) - 1

    def _operand(self, number: int) -> int:
        return self._place(self.whole.operands[number], self.whole_slots[number])

    def _place(self, operand: Operand, slot: int) -> int:
        """The number of an operand: a new one, or the one that it has already."""
        return self.operands.setdefault((operand, slot), len(self.operands))
