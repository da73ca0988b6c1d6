"""Running what fusion has made: native loops, and NumPy calls between them, on memory that is laid out once.

All loops between two calls are one native function.  Every value has a place in memory that is found once; of values that
are not needed at the same time several share one place.  A call of the program fills in where its arguments lie.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import native
from .fuse import Call, Fusion, Group, Multiply
from .numbers import Formula, evaluate
from .program import Program, Var, vars_in, with_values
from .views import View

__all__ = ["Runner"]

#: Arrays of fewer bytes are copied to where the native code finds them, which takes less time than to ask where they are.
SMALL = 4096


class Runner:
    """A program in its fused form, ready to be called."""

    def __init__(self, program: Program, fusion: Fusion) -> None:
        self.program, self.fusion = program, fusion
        self.formulas = list(dict.fromkeys(a for g in fusion.groups if isinstance(g, Group) for a in g.arrays if type(a) is Formula))
        self.slots: dict[Any, int] = {}
        self.memory: dict[Any, np.ndarray] = {}
        self.parts = self._parts()
        self.frame = np.zeros(len(self.slots) + 1, np.int64)
        for v, x in self.memory.items():
            if v in self.slots:
                self.frame[self.slots[v]] = x.__array_interface__["data"][0]
        for v, x in fusion.constants.items():
            if v in self.slots:
                self.memory[v] = np.array(x, order="C")
                self.frame[self.slots[v]] = self.memory[v].__array_interface__["data"][0]
        room = max((f.emitted.workspace for f, _ in self.parts if f is not None), default=0)
        self.workspace = np.empty(room // 8 + 16, np.int64)
        self.room = -(-self.workspace.__array_interface__["data"][0] // 64) * 64
        self.frames = []
        for function, call in self.parts:
            self.frames.append(None if function is None else self._frame(function))

    def _parts(self) -> list[tuple[Any, Any]]:
        """Native functions and calls, in order."""
        parts: list[tuple[Any, Any]] = []
        waiting: list[tuple[Any, Group]] = []

        def flush() -> None:
            if waiting:
                loops = [loop for loop, _ in waiting]
                slots = [self._slots(g) for _, g in waiting]
                used = sorted({s for group in slots for s in group})
                local = {s: i for i, s in enumerate(used)}
                function = native.compile_loops(loops, [[local[s] for s in group] for group in slots])
                function.used = used
                parts.append((function, None))
                waiting.clear()

        for i, group in enumerate(self.fusion.groups):
            if isinstance(group, Call):
                flush()
                parts.append((None, group))
            elif isinstance(group, Multiply):
                out = group.arrays[2]
                self.memory[out] = np.empty(out.shape, out.dtype)
                waiting.append((group.product, group))
            else:
                for v in group.stored:
                    self.memory[v] = np.empty(v.shape, v.dtype)
                waiting.append((group.loop(f"loop {i}"), group))
        flush()
        return parts

    def _slots(self, group: Group | Multiply) -> list[int]:
        if isinstance(group, Multiply):
            return [self._slot(v, "") for v in group.arrays]
        return [self._slot(a, o.dtype) for a, o in zip(group.arrays, group.operands, strict=True)]

    def _slot(self, a: Any, dtype: str) -> int:
        key = (a, dtype) if type(a) is Formula else a
        if type(a) is Formula and key not in self.memory:
            self.memory[key] = np.empty((), dtype)
        return self.slots.setdefault(key, len(self.slots))

    def _frame(self, function: Any) -> np.ndarray:
        return np.array([*self.frame[function.used], self.room], np.int64)

    def view(self, v: Var, values: dict[Var, Any]) -> Any:
        """An array of a program's value, where it is a view of another one too."""
        if v in values:
            return values[v]
        look: View = self.fusion.views[v]
        base = values[look.base].reshape(-1)
        return np.lib.stride_tricks.as_strided(base[look.offset :], look.shape, [s * base.itemsize for s in look.strides])

    def __call__(self, arrays: Sequence[Any], given: dict[Any, Any]) -> Any:
        values = _Values(self.memory)
        values.runner = self
        values.update(given)
        for v, x in zip(self.program.inputs, arrays, strict=True):
            x = np.ascontiguousarray(x).reshape(v.shape)
            values[v] = x
            if v in self.slots:
                self.frame[self.slots[v]] = x.__array_interface__["data"][0]
        for v, x in self.program.constants.items():
            values[v] = x
        for key in list(self.memory):
            if type(key) is tuple:
                self.memory[key][...] = evaluate(key[0], given)
        for (function, call), frame in zip(self.parts, self.frames, strict=True):
            if function is not None:
                frame[:-1] = self.frame[function.used]
                function.entry(frame.ctypes.data)
                continue
            step = call.step
            out = step.function(*with_values(step.args, values), **with_values(step.kwargs, values))
            for v, x in zip(step.outs, out if step.several else (out,), strict=True):
                if v is not None:
                    values[v] = x = np.array(x, order="C", copy=None)
                    if v in self.slots:
                        self.frame[self.slots[v]] = x.__array_interface__["data"][0]
        return values


class _Values(dict[Any, Any]):
    runner: Runner

    def __missing__(self, v: Any) -> Any:
        return self.runner.view(v, self)
