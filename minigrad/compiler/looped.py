"""The Python function that runs a loop of a program: its body is a script that moves on through the arrays of all steps.

Where a step is one piece of native code, so is the loop; where something is left that Python does (a call that no loop
holds, random numbers, a check), the loop is one of Python's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..backend import address_of
from .capture import Capture, stand_in
from .fuse import Fusion, fused
from .groups import Call, Group, operand_of
from .hazards import gives_new
from .layout import Layout
from .native_loop import frame_of, repeat
from .numbers import Formula
from .operations import DTYPES
from .parts import SPLITS
from .program import Program, Step, Var, bytes_of, vars_in
from .script import Script
from .steps import Store
from .views import LOOKS

__all__ = ["LoopScript", "capture_of"]


def capture_of(program: Program, like: Any = None, numbers: Mapping[Formula, Any] | None = None) -> Capture:
    """A program of arrays, and numbers of Python's, which reads and changes nothing beside its arguments.

    Args:
        like: an array on the GPU where they lie, if they do.
        numbers: the last arguments, and what they may be.
    """
    like = np.zeros(()) if like is None else like
    numbers = numbers or {}
    leaves = [*(stand_in(like, v.shape, v.dtype) for v in program.inputs), *numbers.values()]
    result = [stand_in(like, v.shape, v.dtype) for v in vars_in(program.outputs)]
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
        run: gives the last carry and the stacked ys, in one list; MISS where values are none that the body was written for.
        columns: by the number of a y the value that loops store in its place of the step.
        left: the numbers of the outputs that Python must copy at the end of a step.
        kept: copies of parts of this carry.
        moves: by how much the addresses in a frame move on with each step.
        told: what the native loop is told, where there is one.
    """

    fusion: Fusion

    def __init__(self, loop: Any) -> None:
        self._begin()
        self.loop, self.program = loop, _with_copies(loop.program, loop.carried)
        self.carry = self.program.inputs[: loop.carried]
        self.parts = self.program.inputs[loop.carried : loop.carried + loop.split]
        self.fixed = self.program.inputs[loop.carried + loop.split :]
        self.outputs: tuple[Var, ...] = self.program.outputs
        self.fusion = fused(self.program, self._writes())
        self.columns: dict[int, Var] = {}
        self.left: list[int] = []
        self.kept: list[Var] = []
        self._put_in_place()
        self.layout = Layout(self.fusion, self.program, {*self.outputs, *self.columns.values()})
        self.draws = False
        self.told: np.ndarray | None = None
        self.moves: dict[int, np.ndarray] = {}
        self._before()
        self._steps()
        results = [f"{self.name(self.layout.memory[v], 'm')}.copy()" for v in self.carry]
        self.add(f"return [{', '.join([*results, *(f'y{j}' for j in range(len(self.outputs) - loop.carried))])}]")
        self.source, self.run = self.made("run(arguments)")

    # ---------------------------------------------------------------------- where outputs are stored

    def _writes(self) -> dict[Var, Var]:
        """A carry takes the place of the one before it, where nobody reads that any more."""
        return {new: old for new, old in zip(self.outputs, self.carry, strict=False) if new is not old}

    def _put_in_place(self) -> None:
        """Have loops put the outputs where the next step finds them, or into the ys."""
        fusion, early = self.fusion, list[Group]()
        stored = {v for g in fusion.groups if isinstance(g, Group) for v in g.stored if v not in fusion.joined}
        for i, v in enumerate(self.outputs):
            j = i - len(self.carry)
            if v in fusion.written or (j < 0 and v is self.carry[i]):
                continue
            if j >= 0:
                self.columns[j] = v if v in stored else Var.new(v.shape, v.dtype)
            target = self.carry[i] if j < 0 else self.columns[j]
            if fusion.memory.base(v) in self.carry:  # before anything takes the place of this carry
                home = target if j >= 0 else Var.new(v.shape, v.dtype)
                early.append(self._copying(v, home))
                self.kept.append(home)
                v = home
            elif not self._is_of_a_loop(v):
                self.left.append(i)
                continue
            if v is not target:
                fusion.groups.append(self._copying(v, target))
        fusion.groups[:0] = early
        fusion.floor += len(early) if fusion.floor else 0

    def _is_of_a_loop(self, v: Var) -> bool:
        number = self.fusion.at.get(self.fusion.memory.base(v), -1)
        return number >= 0 and isinstance(self.fusion.groups[number], Group) and str(v.dtype) in DTYPES

    def _copying(self, v: Var, target: Var) -> Group:
        """A loop that copies a value."""
        group, dims = Group(v.shape), tuple(range(len(v.shape)))
        value = self.fusion.emit(group, v, dims)
        group.code.append(Store(group.operand(target, operand_of(group, target, dims)), value))
        return group

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
        for v in self.layout.given.union(self.kept).difference(self.columns.values()):  # the next carry
            self._lies_still(v)
        self.layout.given.clear()
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
            if j in self.columns:
                self._part(self.columns[j], f"y{j}")
        for group in self.fusion.groups:  # views of what stays are made once
            for v in group.step.inputs() if isinstance(group, Call) else ():
                if self.fusion.memory.base(v) in self.fixed:
                    self.array(v)

    def _part(self, v: Var, array: str) -> None:
        """Of an array the part that belongs to a step."""
        self.text_of[v] = f"{array}[t, ...]"
        if v not in self.layout.slots:
            return
        size = bytes_of(v)
        first, move = ((self.loop.steps - 1) * size, -size) if self.loop.reverse else (0, size)
        self.add(f"{self.putting(v, array)} + {first}")
        for frame, slot in self.layout.slots[v]:
            self._moves_of(frame)[slot] = move

    def _moves_of(self, frame: int) -> np.ndarray:
        return self.moves.setdefault(frame, np.zeros_like(self.layout.frames[frame][0]))

    # ------------------------------------------------------------------------------------- the steps

    def _steps(self) -> None:
        function = self.layout.functions[0] if len(self.layout.functions) == 1 else None
        address = None if function is None or self.left or self.program.checks or self.fusion.guards else function.address
        if address is not None:
            self.told = frame_of(address, self.layout.frames[0][0], self._moves_of(0), self.loop.steps)
            self.add(f"{self.name(repeat(), 'repeat')}({address_of(self.told)})")
        elif self.layout.pieces or self.left:
            order = self.loop.order()
            self.add(f"for t in range({order.start}, {order.stop}, {order.step}):")
            self.indent += "    "
            self._parts()
            self._step_ends()
            self.indent = self.indent[:-4]

    def _step_ends(self) -> None:
        """What Python keeps of this step, and what the next one finds."""
        for i in reversed(self.left):  # the carry last
            v, j = self.outputs[i], i - len(self.carry)
            target = f"y{j}[t, ...]" if j >= 0 else self.name(self.layout.memory[self.carry[i]], "m")
            self.add(f"copyto({target}, {self.array(v)})")
        for frame, moves in self.moves.items():
            name = self.name(self.layout.frames[frame][0], "frame")
            self.add(f"{self.name(np.add, 'move')}({name}, {self.name(moves, 'moves')}, {name})")


def _with_copies(program: Program, carried: int) -> Program:
    """The body, whose outputs are values of their own: copies of what it is given, of views, and of what it gives twice.

    Parts of the carry are copied later, by loops at the beginning of a step.
    """
    roots = {v: v for v in (*program.inputs, *program.constants)}
    for step in program.steps:
        if step.function in LOOKS | SPLITS or hasattr(step.function, "looks"):
            source = step.args[0]
            roots.update((v, roots.get(source, source)) for v in step.outs if v is not None)
        elif not gives_new(step.function):  # it may be a view, too
            roots.update((v, v) for v in step.outs if v is not None)
    parts = {v for v, root in roots.items() if root in program.inputs[:carried] and root is not v and str(v.dtype) in DTYPES}
    taken = set(roots) - parts
    steps, outputs = [*program.steps], list(program.outputs)
    for i, v in enumerate(outputs):
        if v in taken and not (i < carried and v is program.inputs[i]):
            outputs[i] = Var.new(v.shape, v.dtype)
            steps.append(Step(np.copy, (v,), {}, (outputs[i],)))
        taken.add(outputs[i])
    return Program(program.inputs, program.constants, steps, tuple(outputs), program.checks, program.guards)
