"""A program where nothing can be compiled, since llvmlite is absent: its NumPy calls in turn, into memory that is used again."""

from __future__ import annotations

from typing import Any

import numpy as np

from .calls import is_sized_by_values
from .groups import Call
from .hazards import Memory, last_uses
from .program import Program, Step, Var, vars_in
from .views import View

__all__ = ["Replay"]


class Replay:
    """What `minigrad.compiler.fuse.Fusion` is for native code: each step is a call.

    Attributes:
        buffers: the memory that elementwise steps write into; steps whose values are not needed at the same time share it.
    """

    def __init__(self, program: Program) -> None:
        self.constants, self.guards = program.constants, program.guards
        self.groups: list[Any] = [Call(step, tuple(filter(None, step.outs))) for step in program.steps]
        self.views: dict[Var, View] = {}
        self.memory = Memory(self.views)
        for step in program.steps:
            self.memory.called(step)
        self.looks: dict[Var, Step] = {}
        self.joined: list[Var] = []
        self.zeroed: list[Var] = []
        self.written: dict[Var, Var] = {}
        self.buffers: dict[Var, np.ndarray] = {}
        looked_at = {*program.guards, *vars_in([values for _, values in program.checks])}
        sure = [i for i, s in enumerate(program.steps) if is_sized_by_values(s) or any(v in looked_at for v in s.outs)]
        self.floor = max(sure, default=-1) + 1
        self._share(program)

    def _share(self, program: Program) -> None:
        last = last_uses(program)
        free: dict[Any, list[np.ndarray]] = {}
        ends: dict[int, list[Var]] = {}
        for i, step in enumerate(program.steps):
            if _fills(step) and last.get(step.out, i) < len(program.steps):
                v = step.out
                waiting = free.setdefault((v.shape, v.dtype), [])
                self.buffers[v] = waiting.pop() if waiting else np.empty(v.shape, v.dtype)
                ends.setdefault(last.get(v, i), []).append(v)
            for v in ends.pop(i, ()):
                free[v.shape, v.dtype].append(self.buffers[v])


def _fills(step: Step) -> bool:
    """Whether a step can write its result into memory that it is given."""
    return isinstance(step.function, np.ufunc) and not step.kwargs and len(step.outs) == 1 and step.function.signature is None
