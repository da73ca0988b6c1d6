"""A program on a GPU: its loops are kernels, launched one after the other; its calls are CuPy's.

The function around them is written as that for the processor is.  What differs is how loops find their arrays: they are
bound to them once, and again where they lie elsewhere.  The call waits once, where it looks whether the program is right.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Sequence
from itertools import accumulate
from math import prod
from textwrap import dedent
from typing import Any

import numpy as np

from .. import devices, later
from ..backend import cupy, is_plain
from ..devices import on_gpu_of
from ..ops.window import Window
from ..tensor import Tensor, raw
from ..trees import flatten
from .calls import is_sized_by_values
from .capture import Capture, is_array
from .cuda import products
from .cuda.module import Module
from .fuse import Fusion, fused
from .graphs import Stretch, addresses
from .groups import Call
from .layout import Layout
from .lines import Lines
from .loops import Loop
from .numbers import Formula
from .program import Var, bytes_of, vars_in
from .replay import Replay
from .script import Script
from .steps import Load, Operand, Store

__all__ = ["GpuScript", "SentNumbers", "script_of", "writes_out"]

#: Calls that launch kernels and do nothing else: no copy from main memory, no look at a number.
CAPTURED = {
    "conv", "conv_input", "conv_weight", "max_pool", "pool_scatter", "sum_pool", "sum_unpool", "erf", "expit", "reshape",
}  # fmt: skip


class _Bound:
    """Loops, bound to the addresses where they found their arrays last; those of two calls in turn."""

    def __init__(self, loops: Sequence[Any], slots: Sequence[Sequence[int]]) -> None:
        self.module = Module(loops, slots)
        self.known: dict[tuple[int, ...], Any] = {}

    def __call__(self, *arrays: Any) -> None:
        key = addresses(arrays)
        if key not in self.known:
            if len(self.known) > 3:
                self.known.clear()
            self.known[key] = self.module.bound(arrays, keep=False)  # whoever has them may see that nobody else does
        self.known[key]()


class _Look:
    """All numbers that a call looks at, copied to one place by one launch, and from there in one copy.

    Attributes:
        places: where each of them is copied to.
    """

    def __init__(self, looked_at: Sequence[Var]) -> None:
        ends = list(accumulate(-(-bytes_of(v) // 8) * 8 for v in looked_at))
        self.looked_at, self.starts = looked_at, [0, *ends[:-1]]
        self.there = cupy().zeros(ends[-1], np.uint8)
        self.places = self._parts(self.there)
        loops, slots = [], []
        for i, v in enumerate(looked_at):
            flat = Operand(str(v.dtype), (1,))
            loops.append(Loop((prod(v.shape),), (flat, flat), (Load(0), Store(1, 0)), "look"))
            slots.append([i, len(looked_at) + i])
        self.bound = _Bound(loops, slots)

    def _parts(self, x: Any) -> list[Any]:
        found = zip(self.looked_at, self.starts, strict=True)
        return [x[i : i + bytes_of(v)].view(v.dtype).reshape(v.shape) for v, i in found]

    def launch(self, *arrays: Any) -> None:
        self.bound(*arrays, *self.places)

    def read(self) -> list[Any]:
        return self._parts(later.read(self.there)[0])


class SentNumbers:
    """Python's numbers that loops read, in one piece of main memory and in one of the GPU: one copy brings all there.

    Args:
        keys: what they are known by: formulas, and the dtypes that they are read in.

    Attributes:
        places, there: where each of them stands in main memory, and on the GPU.
    """

    def __init__(self, keys: Sequence[tuple[Formula, Any]]) -> None:
        self._here, self._on_gpu = np.zeros(len(keys)), cupy().zeros(len(keys))
        self._sent = self._here.tobytes()
        self.places, self.there = (
            {key: x[i : i + 1].view(key[1])[:1].reshape(()) for i, key in enumerate(keys)} for x in (self._here, self._on_gpu)
        )

    def send(self) -> None:
        """Copy them, if one is another than before."""
        if (now := self._here.tobytes()) != self._sent:
            self._on_gpu.set(self._here)
            self._sent = now


class GpuLayout(Layout):
    """Memory of a GPU, and kernels.

    Attributes:
        numbers: those that loops read.
    """

    def allocate(self, outputs: set[Var]) -> None:
        super().allocate(outputs)
        for group in self.fusion.groups:
            if isinstance(group, Call) and writes_out(group):
                v = group.step.out
                if v in outputs:
                    self.given.add(v)
                else:
                    self.memory[v] = self.empty(v)

    def shared(self, values: list[Var]) -> dict[Var, Any]:
        """An array for each value: calls may run out of their turn."""
        return {v: self.empty(v) for v in values}

    def as_strided(self, x: Any, shape: tuple[int, ...], strides: tuple[int, ...]) -> Any:
        return cupy().lib.stride_tricks.as_strided(x, shape, strides)

    def empty(self, v: Var) -> Any:
        return cupy().empty(v.shape, v.dtype)

    def constant(self, x: Any) -> Any:
        return cupy().array(x, order="C")

    def compiled(self, loops: Any, slots: Any) -> Any:
        return _Bound(loops, slots)

    def _room(self) -> None:
        """The numbers: kernels have room of their own."""
        self.numbers = SentNumbers([key for key in self.memory if type(key) is tuple])
        self.memory.update(self.numbers.there)

    def put_in(self, turn: int, key: Any, address: int) -> None:
        """Nothing: loops are given arrays."""


def _on(like: Any, run: Any, arguments: Any) -> Any:
    """Run where an array is."""
    with on_gpu_of(like):
        return run(arguments)


class GpuScript(Script):
    """The function of a capture whose arrays are on a GPU.

    Attributes:
        parts: the stretches, which may be graphs.
    """

    large = 1 << 28

    def __init__(self, capture: Capture, like: Any) -> None:
        self.parts: list[Stretch] = []
        self.opened: int | None = None  # the line where a stretch begins
        self.stretches: list[tuple[int, list[str]]] = []
        self.done: set[Call] = set()  # calls that have been made out of their turn
        self.looked: dict[Var, str] = {}  # the names of numbers that have been looked at
        with on_gpu_of(like):
            super().__init__(capture)
        self.source = "\n".join([*(part.source for part in reversed(self.parts)), self.source])
        run = self.run
        if devices.several:
            self.run = lambda arguments: _on(like, run, arguments)

    def library(self) -> dict[str, Any]:
        own = cupy()
        return {"empty": own.empty, "copyto": own.copyto, "contiguous": own.ascontiguousarray, "asarray": own.asarray}

    def _fused(self, writes: dict[Var, Var]) -> Fusion | Replay:
        return fused(self.program, writes, products=False)

    def _placed(self) -> Layout:
        """What is returned is a copy: whoever gets it may keep it, and a graph's arrays stay the same."""
        given = {part for e, v in self._effects_of_values() for part in vars_in(v) if part in self.gives}
        return GpuLayout(self.fusion, self.program, given)

    def _effects_of_values(self) -> Iterator[tuple[Any, Any]]:
        returned = set(vars_in(self.program.outputs[0]))
        for e, v in zip(self.capture.effects, self.program.outputs[1], strict=True):
            if e.kind != "write" and not returned & set(vars_in(v)):
                yield e, v

    def _arrays(self) -> None:
        """Arguments are copied to where graphs find them."""
        arrays = [raw(leaf) for leaf in self.capture.leaves if is_array(leaf)]
        for i, (v, given) in enumerate(zip(self.arguments, arrays, strict=True)):
            self.text_of[v] = f"x{i}"
            if v in self.used:
                x = f"asarray(x{i})" if isinstance(given, (np.ndarray, np.generic)) else f"x{i}"
                self._anywhere(v, x)
        self._sources()
        self._numbers()

    def _numbers(self) -> None:
        layout = self.layout
        assert isinstance(layout, GpuLayout)
        for key, place in layout.numbers.places.items():
            self.add(f"{self.name(place, 'h')}[()] = {self.number(key[0])}")
        if layout.numbers.places:
            self.add(f"{self.name(layout.numbers.send, 'send_numbers')}()")

    def _anywhere(self, v: Var, name: str) -> None:
        """What is somewhere else at each call is copied to where graphs find it."""
        room = self.name(self.layout.empty(v), "m")
        self.add(f"copyto({room}, {name})")
        self.text_of[v] = room

    def _note(self, v: Var, name: str) -> None:
        """Nothing: loops are given the arrays themselves."""

    # ------------------------------------------------------------------------------ stretches

    def _parts(self) -> None:
        """Random numbers first, which wait for nothing: between them there would be as many stretches."""
        for piece in self.layout.pieces:
            if isinstance(piece, Call) and getattr(piece.step.function, "draws", False):
                if piece.step.inputs():
                    break  # those that follow are drawn after it
                self._call(piece)
                self.done.add(piece)
        super()._parts()
        self._close()

    def _open(self) -> None:
        """What follows belongs to a stretch."""
        if self.opened is None:
            self.opened = len(self.lines)

    def _close(self) -> None:
        """What follows does not: the lines since the stretch began are a function of their own."""
        if self.opened is not None:
            body, self.lines[self.opened :] = self.lines[self.opened :], [""]
            self.stretches.append((self.opened, body))
            self.opened = None

    def _run(self, i: int) -> None:
        self._open()
        layout = self.layout
        arrays = [self.name(layout.memory[k], "m") if type(k) is tuple else self.array(k) for k in layout.keys[i]]
        self.add(f"{self.name(layout.functions[i], 'launch')}({', '.join(arrays)})")

    def _call(self, call: Call) -> None:
        if call in self.done:
            return
        if writes_out(call):
            self._product(call)
            return
        if not can_be_captured(call):
            self._close()
            super()._call(call)
            for v in () if call.in_place else call.outs:
                self._anywhere(v, self.text_of[v])
                self.new.discard(v)
            return
        self._open()
        super()._call(call)
        self.new.difference_update(call.outs)

    def _product(self, call: Call) -> None:
        """A product of matrices, straight into memory that stays; CuPy alone does not do that while a stream captures."""
        if products.find(cupy()) is not None:
            self._open()
        else:
            self._close()
        x, y = map(self.text, call.step.args)
        given = f"{self.name(cupy(), 'cupy')}, {x}, {y}, {self.array(call.step.out)}"
        self.add(f"{self.name(products.matmul, 'matmul')}({given})")

    def _checks(self, guards: list[Var]) -> None:
        """All that is looked at comes in one copy: the one time that a call waits."""
        looked_at = list(dict.fromkeys([*guards, *vars_in([values for _, values in self.program.checks])]))
        if not looked_at:
            return
        looked_at += [v for v in self._losses() if v not in looked_at]
        look = _Look(looked_at)
        self._open()
        arrays = [f"contiguous({self.array(v)})" if v in self.fusion.views else self.array(v) for v in looked_at]
        self.add(f"{self.name(look.launch, 'look')}({', '.join(arrays)})")
        self._close()
        names = [f"l{i}" for i in range(len(looked_at))]
        self.add(f"{', '.join(names)}, = {self.name(look.read, 'read')}()")
        self.looked = dict(zip(looked_at, names, strict=True))
        for v in guards:
            self.add(f"if not {self.looked[v]}:")
            self._leave()
        for verify, values in self.program.checks:
            self.add(f"{self.name(verify, 'verify')}({', '.join(self.looked[v] for v in values)})")

    def _losses(self) -> list[Var]:
        """Single numbers that the function returns, and that are known when the call waits."""
        at, floor = getattr(self.fusion, "at", {}), self.fusion.floor
        numbers = [v for v in vars_in(self.program.outputs[0]) if not v.shape and v in self.layout.memory]
        return [v for v in numbers if 0 <= at.get(v, -1) < floor]

    def _effects(self) -> None:
        """As always; and what has been looked at need not be looked at again."""
        super()._effects()
        for i, (x, v) in enumerate(zip(flatten(self.capture.result), self.program.outputs[0], strict=True)):
            if type(v) is Var and isinstance(x, Tensor) and v in self.looked:
                self.add(f"{self.name(later.remember, 'remember')}(y{i}, {self.looked[v]})")

    def _number_of(self, v: Var) -> str:
        return self.fresh(v, False)

    def _return(self) -> None:
        super()._return()
        for place, body in reversed(self.stretches):
            self.lines[place : place + 1] = self._stretch(body, self.lines[place + 1 :])

    def _stretch(self, body: list[str], after: list[str]) -> list[str]:
        """The lines as a function of their own, and the line that calls it."""
        made, read = _names_of(body)
        _, later_read = _names_of(after)
        if read & set(self.formulas.values()):
            return body
        inputs, outputs = sorted(read - made - self.names.keys() - set(dir(builtins))), sorted(made & later_read)
        part = Lines(self.names)
        part.lines = [*body, f"    return {''.join(f'{name}, ' for name in outputs) or '()'}"]
        source, function = part.made(f"stretch({', '.join(inputs)})")
        self.parts.append(Stretch(function, source))
        call = f"{self.name(self.parts[-1], 'stretch')}({', '.join(inputs)})"
        return [f"    {''.join(f'{name}, ' for name in outputs)}= {call}" if outputs else f"    {call}"]


def writes_out(call: Call) -> bool:
    """Whether a call writes its result where it is told: a product of matrices."""
    if call.step.function is not np.matmul or call.step.kwargs:
        return False
    return all(type(x) is Var and len(x.shape) > 1 for x in call.step.args)


def can_be_captured(call: Call) -> bool:
    """Whether a call does nothing but launch kernels, the same ones each time."""
    step = call.step
    if call.in_place or is_sized_by_values(step) or _has_number((step.args, step.kwargs)):
        return False
    if step.function is np.matmul or any(isinstance(x, Window) and prod(x.size) == 1 for x in step.args):
        return False  # a product by CuPy, which refuses
    return isinstance(step.function, np.ufunc) or getattr(step.function, "__name__", "") in CAPTURED


def _has_number(x: Any) -> bool:
    """Whether there is a number among arguments that is another one at each call."""
    if isinstance(x, slice):
        x = (x.start, x.stop, x.step)
    if isinstance(x, dict):
        x = tuple(x.values())
    return any(map(_has_number, x)) if isinstance(x, (tuple, list)) else type(x) is Formula


def _names_of(lines: list[str]) -> tuple[set[str], set[str]]:
    """The variables that lines assign, and those that they read."""
    names = [node for node in ast.walk(ast.parse(dedent("\n".join(lines)))) if isinstance(node, ast.Name)]
    stored = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    return stored, {node.id for node in names if isinstance(node.ctx, ast.Load)}


def script_of(capture: Capture, like: Any = None) -> Script:
    """The script of a capture, for the processor or the GPU on which its arrays are.

    Args:
        like: an array on that GPU, where the capture itself holds none.
    """
    like = array_on_gpu(capture) if like is None else like
    return Script(capture) if like is None else GpuScript(capture, like)


def array_on_gpu(capture: Capture) -> Any:
    """An array of a program that is on a GPU; None where none is."""
    given = [x for x in (getattr(leaf, "_array", leaf) for leaf in capture.leaves) if is_plain(x)]
    given += [source._array for source in capture.sources if hasattr(source, "_array")]
    return next((x for x in given if not isinstance(x, np.ndarray)), None)
