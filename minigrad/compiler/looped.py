"""The Python function that runs a loop of a program: its body is a script that moves on through the arrays of all steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .capture import Capture
from .fuse import fused
from .groups import Call
from .layout import Layout, address_of, bytes_of
from .lines import Lines
from .numbers import Formula
from .program import Program, Var, vars_in
from .script import NAMES, Script

__all__ = ["LoopScript", "capture_of"]


def capture_of(program: Program, like: Any = None, numbers: Mapping[Formula, Any] | None = None) -> Capture:
    """A program of arrays, and numbers of Python's, which reads and changes nothing beside its arguments.

    Args:
        like: an array on the GPU where they lie, if they do.
        numbers: the last arguments, and what they may be.
    """
    like = np.zeros(()) if like is None else like
    numbers = numbers or {}
    leaves = [*(np.empty_like(like, shape=v.shape, dtype=v.dtype) for v in program.inputs), *numbers.values()]
    result = [np.empty_like(like, shape=v.shape, dtype=v.dtype) for v in vars_in(program.outputs)]
    flat = Program(program.inputs, program.constants, program.steps, (list(program.outputs), []), program.checks, program.guards)
    return Capture(
        traced=flat, program=flat, leaves=leaves, result=result, sources=[], tensors=[], fixed=[], same=[], loose=[],
        sizes=[], sets=[], numbers=[(f, None, (i,)) for i, f in enumerate(numbers, len(program.inputs))], decisions=[],
    )  # fmt: skip


class LoopScript(Script):
    """Writes the function of a loop.

    It takes the carry, the arrays of which each step gets a part, those that stay, and numbers, one after the other.  The
    carry lives in memory of its own; native code gets the parts, and stores ys, at addresses that move on with each step.

    Attributes:
        run: gives the last carry and the stacked ys, in one list.
        places: the numbers of the ys that loops store themselves.
        moves: by how much the addresses in a frame move on with each step.
        passed_on: what the next carry, or a y, has of this carry.
    """

    def __init__(self, loop: Any) -> None:
        Lines.__init__(self, NAMES | self.library())
        self.loop, self.program = loop, loop.program
        self.carry = self.program.inputs[: loop.carried]
        self.parts = self.program.inputs[loop.carried : loop.carried + loop.split]
        self.fixed = self.program.inputs[loop.carried + loop.split :]
        self.outputs: tuple[Var, ...] = self.program.outputs
        self.fusion = fused(self.program, self._writes())
        self.layout = Layout(self.fusion, self.program, set(self.outputs))
        self.draws = self.turns = False
        self.text_of: dict[Var, str] = {}
        self.moves: dict[int, np.ndarray] = {}
        self.passed_on: dict[int, str] = {}
        self.places = self._places()
        self._before()
        order = loop.order()
        self.add(f"for t in range({order.start}, {order.stop}, {order.step}):")
        self.indent += "    "
        self._pass_on()
        self._parts()
        self._step_ends()
        self.indent = self.indent[:-4]
        results = [f"{self.name(self.layout.memory[v], 'm')}.copy()" for v in self.carry]
        self.add(f"return [{', '.join([*results, *(f'y{j}' for j in range(len(self.outputs) - loop.carried))])}]")
        self.source, self.run = self.made("run(arguments)")

    def _writes(self) -> dict[Var, Var]:
        """A carry takes the place of the one before it, where nobody reads that any more."""
        pairs = zip(self.outputs, self.carry, strict=False)
        return {new: old for new, old in pairs if self.outputs.count(new) == 1 and new not in self.program.inputs}

    def _places(self) -> dict[Var, int]:
        stored = {v for g in self.fusion.groups if not isinstance(g, Call) for v in g.stored} - set(self.fusion.joined)
        places: dict[Var, int] = {}
        for j, v in enumerate(self.outputs[self.loop.carried :]):
            if v in stored:
                places.setdefault(v, j)
                self.layout.memory.pop(v, None)
        for v in stored.difference(places, self.layout.memory):  # a large carry
            self._lies_still(v)
        self.layout.given.clear()
        return places

    def _lies_still(self, v: Var) -> str:
        """Memory that a value has in all steps; its name."""
        self.layout.memory[v] = np.empty(v.shape, v.dtype)
        self.layout.put(v, address_of(self.layout.memory[v]))
        return self.name(self.layout.memory[v], "m")

    # ------------------------------------------------------------------------ before the first step

    def _before(self) -> None:
        names = [f"a{i}" for i in range(len(self.program.inputs) + len(self.loop.formulas))]
        self.add(f"{', '.join(names)}{',' if len(names) == 1 else ''} = arguments")
        given = iter(names)
        for v in self.carry:
            self.add(f"copyto({self._lies_still(v)}, {next(given)})")
        for i, v in enumerate(self.parts):
            self.add(f"x{i} = contiguous({next(given)})")
            self._part(v, f"x{i}")
        for v in self.fixed:
            self._anywhere(v, next(given))
        self.formulas.update(zip(self.loop.formulas, given, strict=True))
        for key, array in list(self.layout.memory.items()):
            if type(key) is tuple:
                self.add(f"{self.name(array, 'm')}[()] = {self.number(key[0])}")
        for j, v in enumerate(self.outputs[self.loop.carried :]):
            self.add(f"y{j} = empty({(self.loop.steps, *v.shape)}, {self.name(v.dtype, 'd')})")
            if self.places.get(v) == j:
                self._part(v, f"y{j}")
        for group in self.fusion.groups:  # views of what stays are made once
            for v in group.step.inputs() if isinstance(group, Call) else ():
                if self._base(v) in self.fixed:
                    self.array(v)

    def _base(self, v: Var) -> Var:
        return self.fusion.views[v].base if v in self.fusion.views else v

    def _part(self, v: Var, array: str) -> None:
        """Of an array the part that belongs to a step."""
        self.text_of[v] = f"{array}[t, ...]"
        if v not in self.layout.slots:
            return
        size = bytes_of(v)
        first, move = ((self.loop.steps - 1) * size, -size) if self.loop.reverse else (0, size)
        self.add(f"{self.putting(v, array)} + {first}")
        for frame, slot in self.layout.slots[v]:
            moves = self.moves.setdefault(frame, np.zeros_like(self.layout.frames[frame][0]))
            moves[slot] = move

    # -------------------------------------------------------------------------------- in each step

    def _pass_on(self) -> None:
        """What comes after this step may hold this carry, whose memory the step writes."""
        for i, v in enumerate(self.outputs):
            if self._base(v) not in self.carry or (i < len(self.carry) and v is self.carry[i]):
                continue
            self.passed_on[i] = f"k{i}"
            if i < len(self.carry):
                self.add(f"k{i} = {self.array(v)}.copy()")
            else:
                self.add(f"y{i - len(self.carry)}[t, ...] = {self.array(v)}")

    def _step_ends(self) -> None:
        """What is kept of this step, and what the next one finds."""
        for j, v in enumerate(self.outputs[self.loop.carried :]):
            if self.places.get(v) != j and j + self.loop.carried not in self.passed_on:
                self.add(f"y{j}[t, ...] = {self.array(v)}")
        for i, (old, new) in enumerate(zip(self.carry, self.outputs, strict=False)):
            if new is not old and new not in self.fusion.written:
                self.add(f"copyto({self.name(self.layout.memory[old], 'm')}, {self.passed_on.get(i) or self.array(new)})")
        for frame, moves in self.moves.items():
            name = self.name(self.layout.frames[frame][0], "frame")
            self.add(f"{self.name(np.add, 'move')}({name}, {self.name(moves, 'moves')}, {name})")
