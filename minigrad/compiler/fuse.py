"""From steps to loops: calls that run over the same elements become one loop, and views disappear.

Steps are placed in groups, in order.  A cheap elementwise step is not placed at all: whoever needs its values computes them
again from what it reads.  A dear one, and a reduction, join the newest group that has what they read and runs over the same
space; where there is none, they begin one.  A product of matrices, and every call that no loop can hold, is a group of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from ..arrays.traced import getitem
from .calls import CHEAP, Term, is_sized_by_values, reduction_of, term_of
from .expand import expanded
from .loops import Loop
from .numbers import Formula
from .operations import DTYPES
from .passes import inputs_of
from .program import Program, Step, Var, vars_in
from .steps import Compute, Constant, Load, Operand, Reduce, Store
from .trace import replaced_at, seen_through, written_through
from .views import LOOKS, View, dims_in, region_of, strides_of, view_of
from .windows import windowed

__all__ = ["Call", "Group", "fused"]

#: A chain of more cheap steps is computed once, and stored, as a dear one is.
LONGEST = 12
#: What gives parts of an array, one after the other.
_SPLITS = {np.split, np.array_split, np.unstack, np.hsplit, np.vsplit}
#: Matrices with longer sides are multiplied by NumPy's library, which packs both.
LARGEST = 1024

#: For each axis of a value the axis of the space that it runs along; None along which it does not move.
Dims = tuple[int | None, ...]
#: A value reads the same member of a group along different axes, so that it cannot be computed there.
CONFLICT: Dims = (-1,)


@dataclass(eq=False)
class Call:
    """A step that runs as it is; what it reads lies in memory."""

    step: Step
    outs: tuple[Var, ...]


@dataclass(eq=False)
class Group:
    """A loop under construction.

    Attributes:
        members: of each value of the program that is computed here: its number in the code, and its axes in the space.
        whole: members that are known only when the loop is through.
        summed: axes of a product's sum, which nothing else runs along.
        arrays: what the operands are: Vars, or Formulas for numbers.
    """

    space: tuple[int, ...]
    code: list[Any] = field(default_factory=list)
    arrays: list[Any] = field(default_factory=list)
    operands: list[Operand] = field(default_factory=list)
    members: dict[Var, tuple[int, Dims]] = field(default_factory=dict)
    whole: set[Var] = field(default_factory=set)
    stored: list[Var] = field(default_factory=list)
    summed: tuple[int, ...] = ()
    known: dict[Any, int] = field(default_factory=dict)

    def add(self, step: Any) -> int:
        """A step of the code, once."""
        key = step if not isinstance(step, Constant) else (Constant, repr(step.value), step.dtype)
        if key not in self.known:
            self.known[key] = len(self.code)
            self.code.append(step)
        return self.known[key]

    def operand(self, array: Any, operand: Operand) -> int:
        for i, (a, o) in enumerate(zip(self.arrays, self.operands, strict=True)):
            if a is array and o == operand:
                return i
        self.arrays.append(array)
        self.operands.append(operand)
        return len(self.arrays) - 1

    def loop(self, name: str) -> Loop:
        return Loop(self.space, tuple(self.operands), tuple(self.code), name)


def fused(program: Program, writes: dict[Var, Var] | None = None) -> Fusion:
    """The groups of a program.

    Args:
        writes: outputs that are to be written into the arrays of inputs: where that harms nobody, loops store them there.
    """
    writes = writes or {}
    program = expanded(program)
    fusion = Fusion(program)
    guards = set(program.guards)
    for step in program.steps:
        fusion.take(step)
        if step.outs[0] in guards:
            fusion.hold(step.outs[0])
    for v in vars_in([values for _, values in program.checks]):
        fusion.hold(v)
    outputs = list(dict.fromkeys(vars_in(program.outputs)))
    for v in outputs:
        fusion.find(v)
    for v in outputs:
        if v in writes and fusion.write(v, writes[v]):
            fusion.written[v] = writes[v]
        else:
            fusion.store(v)
    return fusion


class Fusion:
    """What is known of the steps so far.

    Attributes:
        groups: in the order in which they run.
        views: of each value that is one.
        terms: of each value that is computed where it is needed.
        at: the group that computes a value.
        ready: the first group in which a value can be used.
    """

    def __init__(self, program: Program) -> None:
        self.constants = program.constants
        self.groups: list[Group | Call] = []
        self.views: dict[Var, View] = {}
        self.terms: dict[Var, Term] = {}
        self.at: dict[Var, int] = {}
        self.ready: dict[Var, int] = {}
        self.floor = 0
        self.weight: dict[Var, int] = {}
        self.joined: list[Var] = []
        self.zeroed: list[Var] = []
        self.number = -1
        self.last = _last_uses(program)
        self.written: dict[Var, Var] = {}

    def hold(self, v: Var) -> None:
        """What follows runs after this value is known: it may be that the program must not go on."""
        self.store(v)
        self.floor = max(self.floor, self.in_memory(v))

    def find(self, v: Var) -> None:
        """See to it that a value is computed somewhere."""
        while (view := self.views.get(v)) is not None:
            v = view.base
        if v in self.terms:
            self.place(v, v.shape, tuple(range(len(v.shape))))

    def write(self, v: Var, target: Var) -> bool:
        """Store a value in the memory of another array, if nobody reads that later, or elsewhere in the same loop."""
        number = self.at.get(v)
        group = None if number is None else self.groups[number]
        if not isinstance(group, Group) or v in self.joined or number < self.floor or v in group.stored or any(v is w for w in group.arrays):
            return False
        value, dims = group.members[v]
        place = self._operand(group, v, dims)
        if any(target in _reads(g) for g in self.groups[number + 1 :]):
            return False
        if any(a is target and o != place for a, o in zip(group.arrays, group.operands, strict=True)):
            return False
        group.code.append(Store(group.operand(target, place), value))
        return True

    def _operand(self, group: Group, v: Var, dims: Dims) -> Operand:
        """How a value of one piece lies over a group's space."""
        strides = [0] * len(group.space)
        for d, n, s in zip(dims, v.shape, strides_of(v.shape), strict=True):
            if d is not None and n != 1:
                strides[d] = s
        return Operand(str(v.dtype), tuple(strides))

    def take(self, step: Step) -> None:
        """Place a step, or leave it until somebody needs it."""
        self.number += 1
        out = step.outs[0]
        if step.function in (np.reshape, np.ravel) and view_of(step, self.views) is None and type(step.args[0]) is Var:
            step = self.in_one_piece(step)
        if (view := view_of(step, self.views)) is not None:
            assert out is not None
            self.views[out] = view
            self.ready[out] = self.ready.get(view.base, 0)
            if dims_in(view) is None:
                self.store(view.base)
                self.ready[out] = self.in_memory(view.base)
        elif (term := term_of(step)) is not None:
            assert out is not None
            self.terms[out] = term
            self.ready[out] = max((self.ready.get(v, 0) for v in step.inputs()), default=0)
            self.weight[out] = 1 + sum(self.weight.get(self.base_of(v), 0) for v in set(step.inputs()) if self.base_of(v) in self.terms)
            dear = term.op not in CHEAP and not term.op.startswith("astype") and term.op != "copy"
            if dear or self.weight[out] > LONGEST:
                self.place(out, out.shape, tuple(range(len(out.shape))))
        elif (reduction := reduction_of(step)) is not None and prod(reduction[1].shape):
            self.reduce(out, *reduction)
        elif step.function in _SPLITS and self.split(step) or step.function in (written_through, replaced_at) and self.update(step):
            pass
        elif step.function in (np.empty_like, np.empty) and not step.inputs()[1:]:
            self.joined.append(out)
            self.at[out], self.ready[out] = -1, 0
        elif step.function is np.concatenate and self.concatenate(step) or step.function is np.matmul and self.multiply(step) or windowed(self, step):
            pass
        else:
            for v in inputs_of(step):
                self.store(v)
            self.groups.append(Call(step, tuple(v for v in step.outs if v)))
            if is_sized_by_values(step):
                self.floor = len(self.groups)
            for v in step.outs:
                if v is not None:
                    self.at[v] = len(self.groups) - 1
                    self.ready[v] = len(self.groups)

    def split(self, step: Step) -> bool:
        """Parts of an array, which are views of it."""
        for i, out in enumerate(step.outs):
            pick = Step(_picked, (step.args[0], step.function, step.args[1:], step.kwargs, i), {}, (out,))
            view = view_of(pick, self.views)
            if view is None:
                return False
            self.views[out] = view
            self.store(view.base)
            self.ready[out] = self.in_memory(view.base)
        return True

    def concatenate(self, step: Step) -> bool:
        """Each part is stored in its place by the loop that computes it."""
        axis = step.args[1] if len(step.args) > 1 else step.kwargs.get("axis", 0)
        parts, out = step.args[0], step.outs[0]
        if not isinstance(axis, int) or set(step.kwargs) - {"axis"} or str(out.dtype) not in DTYPES or not prod(out.shape):
            return False
        if not all(type(x) is Var and x.dtype == out.dtype for x in parts):
            return False
        strides, start = strides_of(out.shape), 0
        for x in parts:
            if prod(x.shape):
                number, group, dims = self.join(x.shape, self.ready.get(x, 0), [x])
                value = self.emit(group, x, dims)
                moves = [0] * len(group.space)
                for d, n, s in zip(dims, x.shape, strides, strict=True):
                    if d is not None and n != 1:
                        moves[d] = s
                group.code.append(Store(group.operand(out, Operand(str(x.dtype), tuple(moves), start)), value))
                self.at[out] = max(number, self.at.get(out, 0))
            start += x.shape[axis] * strides[axis]
        self.ready[out] = self.at[out] + 1
        self.joined.append(out)
        return True

    def update(self, step: Step) -> bool:
        """A part of an array is written: in its memory, if nobody needs what it held; else in a copy's."""
        x, place, values = step.args
        out = step.outs[0]
        look = Step(seen_through, (x, place), {}, (Var.new((), x.dtype),)) if step.function is written_through else (
            Step(getitem, (x, place), {}, (Var.new((), x.dtype),)))  # fmt: skip
        region = region_of(look, self.views)
        if region is None or str(x.dtype) not in DTYPES or not (type(values) is not Var or str(values.dtype) in DTYPES):
            return False
        whole = View(region.base, x.shape, strides_of(x.shape))
        home = region.base
        if self.views.get(x, whole) != whole or self.last.get(x, -1) > self.number or home not in self.joined:
            home, region = self.copied(x), region_of(look, {})
            assert region is not None
        value_shape = values.shape if type(values) is Var else ()
        if prod(region.shape):
            self.part(home, region, values, value_shape, out.dtype)
        self.views[out] = View(home, x.shape, strides_of(x.shape))
        self.ready[out] = self.at[home] + 1
        return True

    def copied(self, x: Var) -> Var:
        """Memory of its own that holds an array's values."""
        home = Var.new(x.shape, x.dtype)
        self.joined.append(home)
        self.at[home] = -1
        if prod(x.shape):
            self.part(home, View(home, x.shape, strides_of(x.shape)), x, x.shape, x.dtype)
        return home

    def part(self, home: Var, region: View, values: Any, shape: tuple[int, ...], dtype: Any) -> None:
        """Store values in a part of an array's memory, after all that reads it."""
        for v in [v for v, t in self.terms.items() if any(self.base_of(a) is home for a in t.args if type(a) is Var)]:
            self.store(v)
        inputs = [values] if type(values) is Var else []
        ready = max([self.ready.get(v, 0) for v in inputs], default=0)
        for number, group in enumerate(self.groups):
            if isinstance(group, Group):
                touches = any(a is home and not _apart(o, group.space, region) for a, o in zip(group.arrays, group.operands, strict=True))
            else:
                touches = home in _reads(group)
            ready = max(ready, number + 1) if touches else ready
        number, group, dims = self.join(region.shape, ready, inputs)
        value = self.argument(group, values, str(dtype), dims)
        moves = [0] * len(group.space)
        for d, n, s in zip(dims, region.shape, region.strides, strict=True):
            if d is not None and n != 1:
                moves[d] = s
        group.code.append(Store(group.operand(home, Operand(str(dtype), tuple(moves), region.offset)), value))
        self.at[home] = max(number, self.at[home])

    def base_of(self, x: Var) -> Var:
        return self.views[x].base if x in self.views else x

    def begin(self, space: tuple[int, ...]) -> Group:
        """A new loop, after all others."""
        self.groups.append(Group(space))
        return self.groups[-1]  # type: ignore[return-value]

    def multiply(self, step: Step) -> bool:
        """A product of matrices: a loop over rows, columns and the axis that is summed; more may follow in it."""
        if step.kwargs or len(step.args) != 2 or not all(type(x) is Var for x in step.args):
            return False
        x, y = step.args
        out = step.outs[0]
        if x.dtype != y.dtype or out.dtype != x.dtype or str(x.dtype) not in ("float32", "float64"):
            return False
        if len(x.shape) < 2 or len(y.shape) < 2 or not prod(out.shape) or not x.shape[-1] or max(*x.shape[-2:], *y.shape[-2:]) > LARGEST:
            return False
        for v in (x, y):
            self.store(v)
        space = (*out.shape, x.shape[-1])
        ready = max(self.ready.get(x, 0), self.ready.get(y, 0), self.in_memory(self.base_of(x)), self.in_memory(self.base_of(y)))
        assert ready <= len(self.groups)
        group = Group(space)
        self.groups.append(group)
        last = len(space) - 1
        group.summed = (last,)
        lead = tuple(range(last - 2))
        rows = self._loaded(group, x, (*lead[len(lead) - len(x.shape) + 2 :], last - 2, last))
        columns = self._loaded(group, y, (*lead[len(lead) - len(y.shape) + 2 :], last, last - 1))
        total = group.add(Reduce("add", group.add(Compute("multiply", (rows, columns))), (last,)))
        group.members[out] = (total, tuple(range(last)))
        self.at[out] = self.ready[out] = len(self.groups) - 1
        return True

    def _loaded(self, group: Group, x: Var, dims: Dims) -> int:
        view = self.views.get(x) or View(x, x.shape, strides_of(x.shape))
        return self.load(group, view, dims)

    def in_one_piece(self, step: Step) -> Step:
        """The same of a copy, of which it is a view."""
        x = step.args[0]
        copy = Var.new(x.shape, x.dtype)
        self.terms[copy] = Term("copy", (x,), (str(x.dtype),))
        self.ready[copy] = self.ready.get(x, 0)
        return Step(step.function, (copy, *step.args[1:]), step.kwargs, step.outs)

    # ----------------------------------------------------------------------------- placing

    def place(self, v: Var, shape: tuple[int, ...], own: Dims) -> None:
        """Compute a term in the newest group that has what it reads and the right space."""
        term = self.terms[v]
        number, group, dims = self.join(shape, self.ready[v], [x for x in term.args if type(x) is Var])
        value = self.emit(group, v, dims)
        group.members[v] = (value, dims)
        self.at[v] = self.ready[v] = number
        del self.terms[v]

    def reduce(self, out: Var, op: str, x: Var, axes: tuple[int, ...], keepdims: bool) -> None:
        number, group, dims = self.join(x.shape, self.ready.get(x, 0), [x], reduces=True)
        value = self.emit(group, x, dims)
        over = tuple(sorted({d for i in axes if (d := dims[i]) is not None}))
        value = group.add(Reduce("add" if op == "mean" else op, value, over))
        repeated = prod(x.shape[i] for i in axes if dims[i] is None)
        assert repeated == 1
        if op == "mean":
            value = group.add(Compute("divide", (value, group.add(Constant(float(prod(x.shape[i] for i in axes)), str(x.dtype))))))
        kept = tuple(None if i in axes else d for i, d in enumerate(dims))
        kept = kept if keepdims else tuple(d for i, d in enumerate(dims) if i not in axes)
        group.members[out] = (value, kept)
        left = {d for d in kept if d is not None and group.space[d] != 1}
        inner = bool(left) and all(d < min(over) for d in left) if over else True
        self.at[out], self.ready[out] = number, number if inner else number + 1
        if not inner:
            group.whole.add(out)

    def join(
        self, shape: tuple[int, ...], ready: int, inputs: Sequence[Var], reduces: bool = False
    ) -> tuple[int, Group, Dims]:
        """The newest group from `ready` on whose space fits, or a new one; and where the axes lie in it."""
        for number in range(len(self.groups) - 1, max(ready, self.floor) - 1, -1):
            group = self.groups[number]
            if not isinstance(group, Group) or (reduces and group.summed):  # which would break a product's tiles
                continue
            if (dims := self.fit(group, shape, inputs)) is not None:
                return number, group, dims
        self.groups.append(Group(shape))
        return len(self.groups) - 1, self.groups[-1], tuple(range(len(shape)))  # type: ignore[return-value]

    def fit(self, group: Group, shape: tuple[int, ...], inputs: Sequence[Var]) -> Dims | None:
        """Where the axes of a value lie in the space of a group: where those of what it reads there do."""
        found: list[int | None] = [None] * len(shape)
        linked = False
        for x in inputs:
            dims = self.dims(group, x)
            if dims is CONFLICT:
                return None
            for i, d in enumerate(dims or (), len(shape) - len(x.shape)):
                if d is None:
                    continue
                linked = True
                if found[i] not in (None, d):
                    return None
                found[i] = d
        if not linked:
            return tuple(range(len(shape))) if shape == group.space and not group.summed else None
        free = [a for a in range(len(group.space)) if a not in (*found, *group.summed) and group.space[a] != 1]
        for i, n in enumerate(shape):
            if n == 1 or found[i] is not None:
                continue
            axis = next((a for a in free if group.space[a] == n), None)
            if axis is None:
                return None
            free.remove(axis)
            found[i] = axis
        fits = all(d is None or group.space[d] == n for d, n in zip(found, shape, strict=True))
        return tuple(found) if fits and len({d for d in found if d is not None}) == sum(d is not None for d in found) else None

    def dims(self, group: Group, x: Var) -> Dims | None:
        """Where a value lies in a group's space, if it is computed there; None if it is not, or not yet known there."""
        if x in group.members and x not in group.whole:
            return group.members[x][1]
        if (view := self.views.get(x)) is not None:
            inner, mapping = self.dims(group, view.base), dims_in(view)
            if inner is CONFLICT or (inner is not None and mapping is None):
                return CONFLICT
            return None if inner is None or mapping is None else tuple(None if m is None else inner[m] for m in mapping)
        if (term := self.terms.get(x)) is not None:
            found: list[int | None] = [None] * len(x.shape)
            for a in (a for a in term.args if type(a) is Var):
                if (dims := self.dims(group, a)) is CONFLICT:
                    return CONFLICT
                for i, d in enumerate(dims or (), len(x.shape) - len(a.shape)):
                    if d is not None and found[i] not in (None, d):
                        return CONFLICT
                    found[i] = d if found[i] is None else found[i]
            return tuple(found) if any(d is not None for d in found) else None
        return None

    # ----------------------------------------------------------------------------- code

    def emit(self, group: Group, x: Var, dims: Dims) -> int:
        """The number of a value in a group's code; its axes run along these of the space."""
        if x in group.members and x not in group.whole:
            assert all(a == b or n == 1 for a, b, n in zip(group.members[x][1], dims, x.shape, strict=True))
            return group.members[x][0]
        if x in self.constants and self.constants[x].size and not any(self.constants[x].strides):
            return group.add(Constant(self.constants[x].flat[0].item(), str(x.dtype)))
        if (view := self.views.get(x)) is not None:
            mapping = dims_in(view)
            if mapping is not None and self.at.get(view.base) is None and view.base in self.terms or (
                mapping is not None and view.base in group.members
            ):
                inner: list[int | None] = [None] * len(view.base.shape)
                for m, d in zip(mapping, dims, strict=True):
                    if m is not None:
                        inner[m] = d
                return self.emit(group, view.base, tuple(inner))
            return self.load(group, view, dims)
        if (term := self.terms.get(x)) is not None:
            args = []
            for a, dtype in zip(term.args, term.dtypes, strict=True):
                args.append(self.argument(group, a, dtype, dims))
            return args[0] if term.op == "copy" else group.add(Compute(term.op, tuple(args)))
        return self.load(group, View(x, x.shape, strides_of(x.shape)), dims)

    def argument(self, group: Group, a: Any, dtype: str, dims: Dims) -> int:
        if type(a) is Var:
            value = self.emit(group, a, dims[len(dims) - len(a.shape) :] if a.shape else ())
            return value if str(a.dtype) == dtype else group.add(Compute(f"astype:{dtype}", (value,)))
        if type(a) is Formula:
            return group.add(Load(group.operand(a, Operand(dtype, (0,) * len(group.space)))))
        return group.add(Constant(np.dtype(dtype).type(a).item(), dtype))

    def load(self, group: Group, view: View, dims: Dims) -> int:
        self.store(view.base)
        strides = [0] * len(group.space)
        for d, n, s in zip(dims, view.shape, view.strides, strict=True):
            if d is not None and n != 1:
                strides[d] = s
        return group.add(Load(group.operand(view.base, Operand(str(view.base.dtype), tuple(strides), view.offset))))

    def store(self, x: Var) -> None:
        """See to it that a value lies in memory."""
        if (view := self.views.get(x)) is not None:
            self.store(view.base)
            return
        if x in self.terms:
            self.place(x, x.shape, tuple(range(len(x.shape))))
        number = self.at.get(x)
        group = None if number is None or x in self.joined else self.groups[number]
        if isinstance(group, Group) and x not in group.stored:
            group.stored.append(x)
            value, dims = group.members[x]
            group.code.append(Store(group.operand(x, self._operand(group, x, dims)), value))

    def in_memory(self, x: Var) -> int:
        """The first group that finds a value in memory."""
        return self.at.get(x, -1) + 1

    def __str__(self) -> str:
        parts = []
        for i, group in enumerate(self.groups):
            if isinstance(group, Call):
                parts.append(str(group.step))
            else:
                names = ", ".join(f"a{j} = {a}" for j, a in enumerate(group.arrays))
                parts.append(f"{group.loop(f'loop {i}')}\n  where {names}")
        return "\n".join(parts)


def _apart(operand: Operand, space: tuple[int, ...], region: View) -> bool:
    """Whether an operand and a part of the same array have no element in common, as far as their ends tell."""
    first, last = operand.offset, operand.offset + sum(s * (n - 1) for s, n in zip(operand.strides, space, strict=True))
    start, stop = region.offset, region.offset + sum(s * (n - 1) for s, n in zip(region.strides, region.shape, strict=True))
    return last < start or stop < first


def _last_uses(program: Program) -> dict[Var, int]:
    """The number of the last step that reads each value, itself or by a view."""
    last: dict[Var, int] = {}
    for i, step in enumerate(program.steps):
        for v in inputs_of(step):
            last[v] = i
    end = len(program.steps)
    for v in vars_in((program.outputs, program.guards, [values for _, values in program.checks])):
        last[v] = end
    for step in reversed(program.steps):
        if step.function in LOOKS or step.function in _SPLITS:
            for x in step.inputs():
                last[x] = max([last[x], *(last.get(v, -1) for v in step.outs if v is not None)])
    return last


def _picked(x: Any, function: Any, args: Any, kwargs: Any, i: int) -> Any:
    return function(x, *args, **kwargs)[i]


_picked.looks = True  # type: ignore[attr-defined]


def _reads(group: Group | Call) -> Sequence[Any]:
    return inputs_of(group.step) if isinstance(group, Call) else group.arrays


