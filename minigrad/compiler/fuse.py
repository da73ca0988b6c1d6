"""From steps to loops: calls that run over the same elements become one loop, and views disappear.

Steps are placed in groups, in order.  A cheap elementwise step is not placed at all: whoever needs its values computes them
again from what it reads.  A dear one, and a reduction, join the newest group that has what they read and runs over the same
space; where there is none, they begin one.  A product of matrices, and every call that no loop can hold, is a group of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from math import prod
from typing import Any

import numpy as np

from .calls import CHEAP, Term, is_sized_by_values, reduction_of, term_of
from .expand import expanded
from .groups import CONFLICT, Call, Dims, Group, operand_of, strides_over
from .hazards import Memory, clash, last_uses, touches
from .numbers import Formula
from .operations import name_of
from .partial import with_partial_sums
from .parts import concatenate, split, update
from .products import multiply
from .program import Program, Step, Var, vars_in
from .steps import Compute, Constant, Load, Operand, Reduce, Store
from .views import View, as_view, strides_of, view_of
from .windows import windowed

__all__ = ["Fusion", "fused"]

#: A chain of more cheap steps is computed once, and stored, as a dear one is.
LONGEST = 12


def fused(
    program: Program, writes: dict[Var, Var] | None = None, products: bool = True, at_once: bool = False, guarded: bool = True
) -> Fusion:
    """The groups of a program.

    Whoever runs them keeps copies of those outputs that are views of inputs which are written, before the first one.

    Args:
        writes: outputs that are to be written into the arrays of inputs: where that harms nobody, loops store them there.
        products: products of matrices and convolutions are loops, too; else calls of a library.
        at_once: such arrays may be written before all loops are through; so they serve in place of memory of its own.
        guarded: that indices are in range is a guard; else nobody looks, as on a GPU.
    """
    writes = writes or {}
    program = expanded(program, products, guarded)
    fusion = Fusion(program, _PLACES if products else _PLACES[:3], writes if at_once else {})
    guards = set(program.guards)
    outputs = list(dict.fromkeys(vars_in(program.outputs)))
    looked_at = _read_for(program, guards).intersection(outputs) - set(writes)
    for step in program.steps:
        fusion.take(step)
        for v in looked_at.intersection(step.outs):  # it is computed before the guard, so let it be stored there
            fusion.find(v)
        if step.outs[0] in guards:
            fusion.hold(step.outs[0])
    for v in vars_in([values for _, values in program.checks]):
        fusion.hold(v)
    for v in outputs:
        fusion.find(v)
    inputs, memory = set(program.inputs), fusion.memory
    still = {base for v in outputs if memory.base(v) not in inputs for base in memory.of(v)}
    for v in outputs:
        if v in fusion.written:
            continue
        if v in writes and fusion.write(v, writes[v], still):
            fusion.written[v] = writes[v]
        else:
            fusion.store(v)
    if products:
        fusion.groups, fusion.floor = with_partial_sums(fusion.groups, fusion.floor)
    return fusion


class Fusion:
    """What is known of the steps so far.

    Attributes:
        places: what places steps in ways of their own.
        groups: in the order in which they run.
        views: of each value that is one; looks: the steps that give them.
        memory: in which arrays values may lie.
        terms: of each value that is computed where it is needed.
        readers: of each value the terms that read it, or views of it.
        at: the group that computes a value.
        ready: the first group in which a value can be used.
        guards: values that must be true.
        turned: copies of matrices whose rows lie across memory.
        targets: of values the arrays of inputs that may be written as soon as nobody needs what they hold.
    """

    def __init__(
        self, program: Program, places: Sequence[Callable[[Fusion, Step], bool]], targets: dict[Var, Var]
    ) -> None:
        self.places = places
        self.constants, self.guards, self.targets = program.constants, program.guards, targets
        self.groups: list[Group | Call] = []
        self.views: dict[Var, View] = {}
        self.looks: dict[Var, Step] = {}
        self.memory = Memory(self.views)
        self.terms: dict[Var, Term] = {}
        self.readers: dict[Var, list[Var]] = {}
        self.at: dict[Var, int] = {}
        self.ready: dict[Var, int] = {}
        self.floor = 0
        self.weight: dict[Var, int] = {}
        self.joined: list[Var] = []
        self.turned: dict[View, Var] = {}
        self.zeroed: list[Var] = []
        self.number = -1
        self.last = last_uses(program)
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

    def write(self, v: Var, target: Var, still: Collection[Var] = ()) -> bool:
        """Store a value in the memory of another array, if nobody reads that later, or elsewhere in the same loop.

        Args:
            still: the arrays that are read after the last group.
        """
        if target in still:
            return False
        if self.write_by_calls(v, target, still):
            return True
        number = self.at.get(v)
        group = None if number is None else self.groups[number]
        if number is None or number < self.floor or not isinstance(group, Group) or v in self.joined or v in group.arrays:
            return False
        value, dims = group.members[v]
        place = operand_of(group, v, dims)
        if any(touches(g, self.memory, target) for g in self.groups[number + 1 :]) or clash(group, target, place):
            return False
        group.code.append(Store(group.operand(target, place), value))
        return True

    def write_by_calls(self, v: Var, target: Var, still: Collection[Var]) -> bool:
        """Have the calls that change an array, one after the other, write into it."""
        calls: list[Call] = []
        while v is not target:
            number = self.at.get(v, -1)
            call = self.groups[number] if number >= self.floor else None
            x = call.changes() if isinstance(call, Call) else None
            if not isinstance(call, Call) or type(x) is not Var or x in self.joined or x in still:
                return False
            others = [*call.step.inputs()]
            others.remove(x)
            if x in self.memory.of_all(others) or any(touches(g, self.memory, x) for g in self.groups[number + 1 :]):
                return False
            calls.append(call)
            v = x
        for call in calls:
            call.in_place = True
            for group in (g for g in self.groups if isinstance(g, Group)):  # loops find the new values in the target
                group.arrays = [target if a is call.step.out else a for a in group.arrays]
        return bool(calls)

    def free_target(self, v: Var) -> Var | None:
        """The array of an input where a value belongs, if nobody will read what that holds now."""
        target = self.targets.get(v)
        if target is None or self.last.get(target, -1) > self.number:
            return None
        waiting = [u for u in self.terms if self.last.get(u, -1) > self.number]
        seen: set[Var] = set()
        while waiting:
            u = self.memory.base(waiting.pop())
            if u is target:
                return None
            if u not in seen and u in self.terms:
                waiting.extend(a for a in self.terms[u].args if type(a) is Var)
            seen.add(u)
        return target

    def moved_in(self, v: Var, target: Var) -> None:
        """Note that a value lies in the array of an input."""
        self.views[v] = View(target, v.shape, strides_of(v.shape))
        self.written[v] = target
        self.joined.append(target)
        self.at[target] = self.at[v]

    def take(self, step: Step) -> None:
        """Place a step, or leave it until somebody needs it."""
        self.number += 1
        if step.function in (np.reshape, np.ravel) and view_of(step, self.views) is None and type(step.args[0]) is Var:
            step = self.in_one_piece(step)
        step = as_view(step)
        if (view := view_of(step, self.views)) is not None:
            self.looks[step.out] = step
            self.look(step, view)
        elif (term := term_of(step)) is not None:
            self.wait(step, term)
        elif (reduction := reduction_of(step)) is not None and 0 not in reduction[1].shape:
            self.reduce(step.out, *reduction)
        elif step.function in (np.empty_like, np.empty) and not step.inputs()[1:]:
            self.joined.append(step.out)
            self.at[step.out], self.ready[step.out] = -1, 0
        elif not any(place(self, step) for place in self.places):
            self.call(step)

    def look(self, step: Step, view: View) -> None:
        """A view, which takes no time; it is ready when what it looks at is, a part of which may have just been written."""
        self.views[step.out] = view
        self.ready[step.out] = self.ready.get(step.args[0], 0)
        if view.dims is None:
            self.store(view.base)
            self.ready[step.out] = max(self.ready[step.out], self.in_memory(view.base))

    def wait(self, step: Step, term: Term) -> None:
        """An elementwise step: if it is cheap, whoever reads it computes it."""
        out, read = step.out, {self.memory.base(v) for v in step.inputs()}
        self.terms[out] = term
        for v in self.memory.of_all(step.inputs()) if self.memory.calls else read:
            self.readers.setdefault(v, []).append(out)
        self.ready[out] = max((self.ready.get(v, 0) for v in step.inputs()), default=0)
        self.weight[out] = 1 + sum(self.weight.get(v, 0) for v in read if v in self.terms)
        dear = term.op not in CHEAP and not term.op.startswith("astype") and term.op != "copy"
        if dear or self.weight[out] > LONGEST:
            self.place(out, out.shape, tuple(range(len(out.shape))))

    def call(self, step: Step) -> None:
        """A step that runs as it is."""
        for v in step.inputs():
            self.store(v)
        self.groups.append(Call(step, tuple(v for v in step.outs if v)))
        self.memory.called(step)
        if is_sized_by_values(step):
            self.floor = len(self.groups)
        for out in filter(None, step.outs):
            self.at[out], self.ready[out] = len(self.groups) - 1, len(self.groups)

    def begin(self, space: tuple[int, ...]) -> Group:
        """A new loop, after all others."""
        self.groups.append(Group(space))
        return self.groups[-1]  # type: ignore[return-value]

    def in_one_piece(self, step: Step) -> Step:
        """The same of a copy, of which it is a view."""
        x = step.args[0]
        copy = Var.new(x.shape, x.dtype)
        self.terms[copy] = Term("copy", (x,), (name_of(x.dtype),))
        for v in self.memory.of(x):
            self.readers.setdefault(v, []).append(copy)
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
            count = group.add(Constant(float(prod(x.shape[i] for i in axes)), name_of(x.dtype)))
            value = group.add(Compute("divide", (value, count)))
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
            inner = self.dims(group, view.base)
            if inner is None or inner is CONFLICT:
                return inner
            return CONFLICT if view.dims is None else tuple(None if m is None else inner[m] for m in view.dims)
        if (term := self.terms.get(x)) is None:
            return None
        found: list[int | None] = [None] * len(x.shape)
        for a in term.args:
            dims = self.dims(group, a) if type(a) is Var else None
            if dims is CONFLICT:
                return CONFLICT
            for i, d in enumerate(dims or (), len(x.shape) - len(dims or ())):
                if d is not None and found[i] not in (None, d):
                    return CONFLICT
                found[i] = d if found[i] is None else found[i]
        return None if found.count(None) == len(found) else tuple(found)

    # ----------------------------------------------------------------------------- code

    def emit(self, group: Group, x: Var, dims: Dims) -> int:
        """The number of a value in a group's code; its axes run along these of the space."""
        if x in group.members and x not in group.whole:
            assert all(a == b or n == 1 for a, b, n in zip(group.members[x][1], dims, x.shape, strict=True))
            return group.members[x][0]
        if x in self.constants and self.constants[x].size and not any(self.constants[x].strides):
            return group.add(Constant(self.constants[x].reshape(-1)[0].item(), name_of(x.dtype)))
        if (view := self.views.get(x)) is not None:
            mapping = view.dims
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
            if (x, dims) not in group.terms:
                args = [self.argument(group, a, dtype, dims) for a, dtype in zip(term.args, term.dtypes, strict=True)]
                group.terms[x, dims] = args[0] if term.op == "copy" else group.add(Compute(term.op, tuple(args)))
            return group.terms[x, dims]
        return self.load(group, View(x, x.shape, strides_of(x.shape)), dims)

    def argument(self, group: Group, a: Any, dtype: str, dims: Dims) -> int:
        if type(a) is Var:
            value = self.emit(group, a, dims[len(dims) - len(a.shape) :] if a.shape else ())
            return value if name_of(a.dtype) == dtype else group.add(Compute(f"astype:{dtype}", (value,)))
        if type(a) is Formula:
            return group.add(Load(group.operand(a, Operand(dtype, (0,) * len(group.space)))))
        return group.add(Constant(np.dtype(dtype).type(a).item(), dtype))

    def load(self, group: Group, view: View, dims: Dims) -> int:
        self.store(view.base)
        base = self.memory.base(view.base)
        moves = strides_over(group, dims, view.shape, view.strides)
        return group.add(Load(group.operand(base, Operand(name_of(base.dtype), moves, view.offset))))

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
            target = self.free_target(x)
            if target is not None and self.write(x, target):
                self.moved_in(x, target)
                return
            group.stored.append(x)
            value, dims = group.members[x]
            group.code.append(Store(group.operand(x, operand_of(group, x, dims)), value))

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


def _read_for(program: Program, values: set[Var]) -> set[Var]:
    """All that is read, by one step after the other, for some values."""
    found = set(values)
    for step in reversed(program.steps):
        if not found.isdisjoint(step.outs):
            found.update(step.inputs())
    return found


#: What places steps of one kind in a way of its own, where that can be done.
_PLACES: tuple[Callable[[Fusion, Step], bool], ...] = (split, update, concatenate, multiply, windowed)
