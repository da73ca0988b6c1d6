"""Who reads and who writes an array: what is asked before anything is placed that overwrites one.

One law holds in every program: who reads old values does so before they are overwritten.  A value may lie in the memory of
another one, of which it is a view, so that all questions are about memory:

    Memory      in which arrays a value may lie
    last_uses   until when a value is needed, itself or by what may be a view of it
    reads, writes, touches      what a loop or a call does to an array, or to a part of it
    clash       two operands of a loop of which one is written where the other one is read or written
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..arrays.traced import astype
from .groups import Call, Group
from .operations import name_of
from .program import Program, Step, Var, vars_in
from .steps import Load, Operand, Store
from .views import View
from .written import all_finite, changed, replaced_at, written_through

__all__ = ["Memory", "apart", "clash", "gives_new", "last_uses", "reads", "touches", "writes"]

#: Functions, beside ufuncs, whose results never lie in what they read.
_NEW: set[Any] = {
    np.all, np.any, np.argmax, np.argmin, np.argsort, np.bincount, np.clip, np.concatenate, np.convolve, np.copy, np.cross,
    np.cumprod, np.cumsum, np.diff, np.dot, np.full_like, np.inner, np.kron, np.linalg.cholesky, np.linalg.det, np.linalg.inv,
    np.linalg.norm, np.linalg.slogdet, np.linalg.solve, np.max, np.mean, np.min, np.ones_like, np.outer, np.pad, np.prod,
    np.repeat, np.roll, np.sort, np.stack, np.std, np.sum, np.take, np.take_along_axis, np.tensordot, np.tile, np.trace,
    np.tril, np.triu, np.var, np.where, np.zeros_like, np.empty_like, np.empty,
    all_finite, astype, changed, replaced_at, written_through,
}  # fmt: skip
#: The same of ops, by their names.
_OPS = {
    "conv", "conv_bias", "conv_weight", "conv_input", "max_pool", "pool_scatter", "pool_gather", "sum_pool", "sum_unpool",
    "erf", "expit",
}  # fmt: skip


def gives_new(function: Any) -> bool:
    """Whether what a function gives never lies in what it reads; views may, and what nobody knows.

    >>> gives_new(np.tanh), gives_new(np.sort), gives_new(np.transpose)
    (True, True, False)
    """
    if isinstance(function, np.ufunc) or isinstance(getattr(function, "__self__", None), np.ufunc):
        return True
    return getattr(function, "gives_new", False) or function in _NEW or getattr(function, "__name__", "") in _OPS


class Memory:
    """In which arrays each value may lie.

    Attributes:
        views: of each value that is a view: where it lies in which array.
        calls: of what a call has given that may be a view: the values that the call read.
    """

    def __init__(self, views: Mapping[Var, View]) -> None:
        self.views = views
        self.calls: dict[Var, Sequence[Var]] = {}

    def called(self, step: Step) -> None:
        """A step runs as it is; what it gives may lie in what it reads."""
        if not gives_new(step.function):
            self.calls.update((out, step.inputs()) for out in step.outs if out is not None)

    def base(self, v: Var) -> Var:
        """The array of which a value is known to be a view, or the value itself."""
        while (view := self.views.get(v)) is not None:
            v = view.base
        return v

    def of(self, v: Var) -> set[Var]:
        """The arrays in which a value may lie."""
        found, waiting = set(), [v]
        while waiting:
            base = self.base(waiting.pop())
            if base not in found:
                found.add(base)
                waiting += self.calls.get(base, ())
        return found

    def shared(self, v: Var, home: Var) -> bool:
        """Whether a value may lie in an array."""
        base = self.base(v)
        return base is home or (base in self.calls and home in self.of(base))

    def of_all(self, values: Any) -> set[Var]:
        """The arrays in which values in nested containers may lie."""
        return {base for v in vars_in(values) for base in self.of(v)}


def last_uses(program: Program) -> dict[Var, int]:
    """The number of the last step that reads each value, itself or by what may be a view of it; one more at the end."""
    end = len(program.steps)
    last = dict.fromkeys(vars_in((program.outputs, program.guards, [values for _, values in program.checks])), end)
    for i in range(end - 1, -1, -1):
        step = program.steps[i]
        seen = i if gives_new(step.function) else max([i, *(last.get(v, i) for v in step.outs if v is not None)])
        for v in step.inputs():
            last[v] = max(last.get(v, -1), seen)
    return last


def reads(group: Group | Call, memory: Memory) -> set[Var]:
    """The arrays of which a loop or a call reads elements."""
    if isinstance(group, Call):
        return memory.of_all(group.step.inputs())
    return memory.of_all([group.arrays[step.operand] for step in group.code if isinstance(step, Load)])


def writes(group: Group | Call, memory: Memory) -> set[Var]:
    """The arrays of which a loop or a call writes elements; what a call gives is new."""
    if isinstance(group, Call):
        return memory.of(group.changes()) if group.in_place else set()
    return {memory.base(group.arrays[step.operand]) for step in group.code if isinstance(step, Store)}


def touches(group: Group | Call, memory: Memory, home: Var, region: View | None = None) -> bool:
    """Whether a loop or a call reads or writes an array, or of a loop, a part of it."""
    if isinstance(group, Call):
        return any(memory.shared(v, home) for v in group.step.inputs())  # what it writes, it reads
    operands = [o for a, o in zip(group.arrays, group.operands, strict=True) if type(a) is Var and memory.shared(a, home)]
    if region is None:
        return bool(operands)
    part = Operand(name_of(home.dtype), region.strides, region.offset)
    return not all(apart(o, group.space, part, region.shape) for o in operands)


def clash(group: Group, array: Any, place: Operand) -> bool:
    """Whether a loop, if it writes to a place in an array, also reads or writes other elements there.

    At each point of the space a loop reads before it writes; of other points nobody knows which one comes first.
    """
    return any(
        a is array and o != place and not apart(o, group.space, place, group.space)
        for a, o in zip(group.arrays, group.operands, strict=True)
    )


def apart(one: Operand, space: tuple[int, ...], other: Operand, shape: tuple[int, ...]) -> bool:
    """Whether two operands of one array, each over its own space, have no element in common.

    >>> even, odd = Operand("float32", (2,)), Operand("float32", (2,), 1)
    >>> apart(even, (3,), odd, (3,)), apart(even, (3,), Operand("float32", (1,)), (6,))
    (True, False)
    """
    if 0 in space or 0 in shape:
        return True
    (first, last), (start, stop) = one.ends(space), other.ends(shape)
    if last < start or stop < first:
        return True
    memory = np.empty(max(last, stop) + 1, np.int8)
    x, y = (np.lib.stride_tricks.as_strided(memory[o.offset :], n, o.strides) for o, n in ((one, space), (other, shape)))
    try:
        return not np.shares_memory(x, y, max_work=1000)  # type: ignore[arg-type]
    except np.exceptions.TooHardError:
        return False
