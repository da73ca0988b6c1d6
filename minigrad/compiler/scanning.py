"""Loops in a traced function: the body is traced once, on its first step, and the loop becomes one step of the program.

Where gradients may be asked for, the backward pass of the body is traced right behind its forward pass, from cotangents that
are given.  What that reads of the forward pass is what the loop keeps of each step: further results, stacked as the ys are.
So the gradient of a loop is a loop too, which runs the other way round: it carries the cotangent of the carry, and the sums
of the gradients of what the body closes over.

What a step does that depends on no step (a weight's transpose, say) is moved in front of the loop.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from .. import graph, random, tracing
from ..arrays import batch
from ..arrays.row_sparse import RowSparse
from ..arrays.traced import Traced
from ..backward import propagate
from ..graph import Node
from ..op import Op
from ..ops.conversion import clone
from ..tensor import Tensor, raw, wrap
from ..transforms.checkpointing import Rerun, older_nodes, value_of
from ..transforms.loops import Body, unrolled
from ..trees import flatten, unflatten
from .calls import is_sized_by_values
from .passes import inputs_of, simplified
from .program import Program, Step, Var, vars_in, with_values
from .repeated import Repeated
from .sums import sums_at_once
from .trace import all_finite

__all__ = ["repeat"]

#: Of a batch, the newest first.
Levels = tuple[batch.Level, ...]


def repeat(recorder: Any, body: Body, xs: Any, columns: Sequence[Any], steps: int, reverse: bool) -> tuple[Any, Any] | None:
    """The results of a loop that is written down as one step; None where it must be unrolled.

    Args:
        xs: a tree whose leaves are `columns`.
    """
    given = [bare(x)[0] for x in (*body.leaves, *columns) if hasattr(x, "dtype")]
    if any(type(x) not in (Traced, np.ndarray) and not isinstance(x, np.generic) for x in given):
        return None
    return _Loop(recorder, body, xs, columns, steps, reverse).run()


tracing.repeat = repeat


@dataclass(eq=False)
class _Section:
    """One step of the body, as it was recorded.

    Attributes:
        carry, xs: the values that the step is given; None for a carry that is a number of Python's.
        ends: the leaf of the graph for each of these that is a Tensor; else None.
        leaves: those of the next carry, then those of y.
        tree: how y is nested.
        steps, checks, guards: what was recorded, first by the forward pass, and of how many of each that is.
        outputs: the numbers of the leaves that a gradient comes to, and `cotangents` the values that stand for it.
        closed: the nodes outside of the loop that the gradient goes to; `summands` are what the step adds to their gradients,
            `sums` the gradients before it and after it.
        sent: the gradients of carry and xs.
        levels: of what a vmap around the loop has made batches: by `leaves`, `sent` and `sums`.
    """

    carry: list[Var | None]
    xs: list[Any]
    ends: list[Node | None]
    leaves: list[Any]
    tree: Any
    forward: tuple[int, int] = (0, 0)
    steps: list[Step] = field(default_factory=list)
    checks: list[Any] = field(default_factory=list)
    guards: list[Var] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    cotangents: list[Var] = field(default_factory=list)
    closed: list[Node] = field(default_factory=list)
    summands: list[Var | None] = field(default_factory=list)
    sums: list[tuple[Var, Var]] = field(default_factory=list)
    sent: list[Var | None] = field(default_factory=list)
    levels: dict[str, list[Levels]] = field(default_factory=lambda: {"leaves": [], "sent": [], "sums": []})


class _Loop:
    """One loop while it is traced.

    Attributes:
        tensors: which leaves of the carry are Tensors inside of the loop.
        needed: which leaves of the first carry, and of xs, need a gradient.
        known: the numbers of this run, by value.
        levels: those of a vmap around the loop, of each leaf of the carry.
        arrays: the columns, with the axis of the steps in front of those of the examples.
    """

    def __init__(self, recorder: Any, body: Body, xs: Any, columns: Sequence[Any], steps: int, reverse: bool) -> None:
        self.recorder, self.body, self.xs, self.columns = recorder, body, xs, columns
        self.steps, self.reverse, self.count = steps, reverse, len(body.leaves)
        self.tensors = [isinstance(x, Tensor) for x in body.leaves]
        self.needed = [isinstance(x, Tensor) and x._node is not None for x in (*body.leaves, *columns)]
        self.known: dict[Any, Any] = {}
        self.levels = [bare(x)[1] for x in body.leaves]
        self.arrays = [np.moveaxis(x, len(levels), 0) if levels else x for x, levels in map(bare, columns)]

    def run(self) -> tuple[Any, Any] | None:
        """The results of the loop; None where the body goes another way in another step."""
        state = random.get_state()
        section = self._traced()
        while (changed := self._settle(section)) is not False:
            if changed is None:
                return None
            self.recorder.inside.update(v for step in section.steps for v in step.outs)
            random.set_state(state)
            section = self._traced()
        random.set_state(state)  # the loop, which runs now, draws the numbers of the first step too
        return self._written(section)

    def _settle(self, section: _Section) -> bool | None:
        """Whether the carry must be something else, by what the body returns for it: a Tensor, an array, a batch.

        None where that cannot be.
        """
        changed = None in section.carry
        for i, x in enumerate(section.leaves[: self.count]):
            shape, dtype = self.body.kinds[i]
            self.body.kinds[i] = shape, np.asarray(x).dtype if dtype is None else dtype
            if isinstance(x, Tensor) and not self.tensors[i]:
                self.tensors[i] = changed = True
            for levels in (section.levels["leaves"][i], *section.levels["sent"][i : i + 1]):
                if levels != self.levels[i]:
                    if self.levels[i]:
                        return None
                    self.levels[i], changed = levels, True
        return changed

    # --------------------------------------------------------------------------- the body, once

    def _traced(self) -> _Section:
        recorder = self.recorder
        outer = recorder.steps, recorder.checks, recorder.guards, recorder.first, recorder.seen
        recorder.steps, recorder.checks, recorder.guards, recorder.first = [], [], [], recorder.count
        recorder.seen = {} if recorder.seen is None else recorder.seen
        try:
            section = self._one_step()
            section.steps, section.checks, section.guards = recorder.steps, recorder.checks, recorder.guards
            self.known = {v: x for v, x in recorder.seen.items() if v.number < recorder.first}
        finally:
            recorder.steps, recorder.checks, recorder.guards, recorder.first, recorder.seen = outer
        return section

    def _one_step(self) -> _Section:
        began, first = next(graph.clock), self.steps - 1 if self.reverse else 0
        arguments, given = [], []
        leaves = zip(self.body.leaves, self.body.kinds, self.tensors, self.levels, strict=True)
        for x, (_, dtype), tensor, levels in leaves:
            t = x if dtype is None else self._given(spread(np.asarray(_numbers(x), dtype), bare(x)[1], levels))
            arguments.append(self._entered(dressed(t, levels)) if tensor and dtype is not None else (dressed(t, levels), None))
            given.append(t.value if type(t) is Traced else None)
        for x, array, needed in zip(self.columns, self.arrays, self.needed[self.count :], strict=True):
            t = self._given(np.asarray(_numbers(array)[first]))
            part = dressed(t, bare(x)[1])
            arguments.append(self._entered(part) if needed else (wrap(part, None) if isinstance(x, Tensor) else part, None))
            given.append(t.value)
        values, ends = [a for a, _ in arguments], [end for _, end in arguments]
        found, y = self.body(values[: self.count], unflatten(self.xs, iter(values[self.count :])))
        section = _Section(given[: self.count], given[self.count :], ends, [*found, *flatten(y)], y)
        section.levels["leaves"] = [bare(x)[1] for x in section.leaves]
        section.forward = len(self.recorder.steps), len(self.recorder.guards)
        if section.levels["leaves"][: self.count] == self.levels:
            self._go_back(section, began)
        return section

    def _given(self, numbers: np.ndarray) -> Traced:
        """An array that is another one at each step."""
        numbers = numbers.copy()
        return Traced(numbers, self.recorder.new_var(numbers), self.recorder)

    def _entered(self, t: Any) -> tuple[Tensor, Node | None]:
        """A Tensor of one step, in the graph from a new leaf on where gradients may be asked for."""
        leaf = wrap(t, None)
        if t.dtype.kind not in "fc" or not graph.is_grad_enabled():
            return leaf, None
        leaf.requires_grad = True
        return clone(leaf), leaf._node

    def _go_back(self, section: _Section, began: int) -> None:
        """The backward pass of the step, if anything outside of the loop needs a gradient."""
        moving = [(i, x) for i, x in enumerate(section.leaves) if isinstance(x, Tensor) and x._node is not None]
        outs, ends = [x for _, x in moving], [n for n in section.ends if n is not None]
        section.closed = older_nodes(outs, began, ends)
        if not outs or not (section.closed or any(self.needed)):
            return
        section.outputs = [i for i, _ in moving]
        given = [(self._given(np.ones(t.shape, t.dtype)), levels) for t, levels in map(bare, outs)]
        section.cotangents = [c.value for c, _ in given]
        found = propagate(outs, [dressed(*c) for c in given], [*ends, *section.closed], False, None, of_a_rule=True)
        for i, node in enumerate(section.ends):
            g, levels = bare(_dense(found.get(node)))
            carried = self.levels[i] if i < self.count else bare(self.columns[i - self.count])[1]
            if node is not None and (g is None or not levels):  # which all examples share
                g = spread(np.zeros(node.shape, node.dtype) if g is None else g, (), carried)
                levels = carried
            section.sent.append(None if node is None else self.recorder.value_of(g))
            section.levels["sent"].append(self.levels[i] if node is None and i < self.count else levels)
        for node in section.closed:
            g, levels = bare(_dense(found.get(node)))
            total = self._given(np.zeros(node.shape if g is None else g.shape, node.dtype))
            section.levels["sums"].append(levels)
            section.summands.append(None if g is None else self.recorder.value_of(g))
            section.sums.append((total.value, total.value if g is None else self.recorder.value_of(total + g)))

    # ------------------------------------------------------------------------------ its steps

    def _written(self, section: _Section) -> tuple[Any, Any] | None:
        """The loop as a step, and its results."""
        recorder = self.recorder
        self.known.update((formula, _found(source, path)) for formula, source, path in recorder.given_numbers.values())
        own = {v for v in (*section.carry, *section.xs) if v is not None}
        forward = self._parted(section.steps[: section.forward[0]], own)
        made = own - set(section.xs)
        own |= {*section.cotangents, *(total for total, _ in section.sums)}
        back = self._parted(section.steps[section.forward[0] :], own)
        reads = {v for s in back for v in inputs_of(s)} | {v for v in (*section.sent, *section.summands) if v is not None}
        kept = sorted(reads & made, key=lambda v: v.number)
        values = [recorder.value_of(bare(x)[0] if hasattr(x, "dtype") else np.asarray(x)) for x in section.leaves]
        recorder.inside |= own
        guards = self._inner(section.guards[: section.forward[1]], recorder.guards, own, lambda v: [v])
        checks = self._inner(section.checks, recorder.checks, own, lambda c: vars_in(c[1]))
        known = made | set(section.xs)
        of_forward = [c for c in checks if not any(v in own and v not in known for v in vars_in(c[1]))]
        program = Program([], {}, forward, (*values, *kept, *guards), of_forward)
        found = self.step(program, section.carry, section.xs, self._first_carry(), self.arrays, self.reverse)
        flags = found[len(values) + len(kept) :]
        if not all(np.all(f.numbers) for f in flags) or any(map(is_sized_by_values, [*forward, *back])):
            return None
        recorder.guards += [np.all(f).value for f in flags]  # type: ignore[attr-defined]
        arrays = [self._dressed(i, x, levels) for i, (x, levels) in enumerate(zip(found, section.levels["leaves"], strict=False))]
        if section.outputs:
            guards = self._inner(section.guards[section.forward[1] :], recorder.guards, own, lambda v: [v])
            body = Program([], {}, back, guards, [c for c in checks if c not in of_forward])
            arrays = _Gradient(self, section, body, dict(zip(kept, found[len(values) :], strict=False))).joined(arrays)
        else:
            arrays = [wrap(a, None) if isinstance(x, Tensor) else a for x, a in zip(section.leaves, arrays, strict=True)]
        return unflatten(self.body.init, iter(arrays[: self.count])), unflatten(section.tree, iter(arrays[self.count :]))

    def _dressed(self, i: int, x: Any, levels: Levels) -> Any:
        """A result of the loop, or a gradient of what it got: the axis of the steps, if it has one, behind those of the examples."""
        return dressed(x if i < self.count else np.moveaxis(x, 0, len(levels)), levels)

    def _first_carry(self) -> list[Any]:
        """The arrays of `init`, with the dtypes, and for the examples, of all carries."""
        found = []
        for x, (_, dtype), levels in zip(self.body.leaves, self.body.kinds, self.levels, strict=True):
            array, own = bare(x)
            found.append(spread(array if type(array) is Traced else np.asarray(array, dtype), own, levels))
        return found

    def _parted(self, steps: Iterable[Step], own: set[Var]) -> list[Step]:
        """The steps that depend on the values of `own`, which grows by theirs; the others are written down before the loop."""
        inner = []
        for step in steps:
            if getattr(step.function, "draws", False) or any(v in own for v in inputs_of(step)):
                own.update(v for v in step.outs if v is not None)
                inner.append(step)
            else:
                self.recorder.steps.append(step)
                made = step.function(*self._now(step.args), **self._now(step.kwargs))
                self.known.update(zip(step.outs, made if step.several else (made,), strict=True))
        return inner

    @staticmethod
    def _inner(found: Sequence[Any], outer: list[Any], own: set[Var], read: Any) -> list[Any]:
        """What depends on the loop's steps; the rest is added to what is outside."""
        inner = [x for x in found if any(v in own for v in read(x))]
        outer += [x for x in found if not any(v in own for v in read(x))]
        return inner

    def _now(self, x: Any) -> Any:
        """Arguments of a step with the numbers of this run."""
        self.known.update(self.recorder.constants.values())
        return with_values(x, self.known)

    def step(
        self, body: Program, carry: Sequence[Any], xs: Sequence[Var], first: Sequence[Any], columns: Sequence[Any], reverse: bool
    ) -> list[Traced]:
        """Write a loop down as one step, and run it.

        Args:
            carry, xs: the values of the body that stand for what is carried, and for the parts of the columns.
            first: the first carry.
        """
        recorder = self.recorder
        body.constants = dict(recorder.constants.values())
        body = simplified(body)
        defined = {*carry, *xs, *body.constants, *(v for s in body.steps for v in s.outs)}
        used = [*(v for s in body.steps for v in inputs_of(s)), *vars_in((body.outputs, [c[1] for c in body.checks]))]
        free = [v for v in dict.fromkeys(used) if v not in defined]
        body.inputs = [*carry, *xs, *free]
        loop = Repeated(body, len(carry), len(xs), self.steps, reverse)
        numbers = tuple(self._now(f) for f in loop.formulas)
        found = loop.interpreted([_numbers(x) for x in first], [_numbers(x) for x in columns], self._now(free), numbers)
        outs = tuple(recorder.new_var(x) for x in found)
        args = [recorder.value_of(x) for x in first], [recorder.value_of(x) for x in columns], free, loop.formulas
        recorder.steps.append(Step(loop, tuple(map(tuple, args)), {}, outs, several=True))
        return [Traced(x, v, recorder) for x, v in zip(found, outs, strict=True)]


class _Gradient:
    """How the gradient goes back through a loop.

    Attributes:
        body: the backward pass of one step.
        kept: what it reads of the forward pass, by the values of one step.
    """

    def __init__(self, loop: _Loop, section: _Section, body: Program, kept: dict[Var, Traced]) -> None:
        self.loop, self.section, self.body, self.kept = loop, section, body, kept
        self.draws = any(getattr(s.function, "draws", False) for s in section.steps)
        places, reverse, steps, body_ = section.outputs, loop.reverse, loop.steps, loop.body

        def leaves(init: Any, columns: Any) -> list[Any]:
            f = Body(body_.f, init)
            carry, ys = unrolled(f, unflatten(loop.xs, iter(columns)), columns, steps, reverse)
            found = [*flatten(carry), *flatten(ys)]
            return [found[i] for i in places]

        self.again = Rerun(leaves, (body_.init, list(loop.columns)), {})
        self.again.closed_over = section.closed

    def joined(self, arrays: list[Any]) -> list[Any]:
        """The results of the loop, in the graph where they have a gradient."""
        section = self.section
        closed = [wrap(value_of(n), n) for n in section.closed]
        values = tuple(arrays[i] for i in section.outputs)
        moving = dict(zip(section.outputs, _OP.function(*self.again.inputs, *closed, values=values, gradient=self), strict=True))
        rest = [wrap(a, None) if isinstance(x, Tensor) else a for x, a in zip(section.leaves, arrays, strict=True)]
        return [moving.get(i, x) for i, x in enumerate(rest)]

    def sent(self, g: Sequence[Any]) -> list[Any] | None:
        """The gradients of the first carry and of xs, where they need one, and of what the body closes over.

        None where the gradient of a step goes another way, by the values that come to it, than it did when it was traced, or
        belongs to other examples.
        """
        loop, section, recorder = self.loop, self.section, self.loop.recorder
        count = loop.count
        of_leaf = {}
        for i, var, (array, own) in zip(section.outputs, section.cotangents, map(bare, g), strict=True):
            levels = section.levels["leaves"][i]
            if own not in ((), levels):
                return None
            array = spread(array, own, levels)
            of_leaf[i] = var, array if i < count else np.moveaxis(array, len(levels), 0)
        carry, carried, sent = [], [], []
        for i, x in enumerate(section.leaves[:count]):
            if section.ends[i] is not None:
                like = bare(x)[0]
                var, value = of_leaf.get(i, (Var.new(like.shape, like.dtype), np.zeros(like.shape, like.dtype)))
                carry.append(var)
                carried.append(value)
                sent.append(section.sent[i])
        parts = dict(item for i, item in of_leaf.items() if i >= count) | self.kept
        parts |= zip(section.xs, loop.arrays, strict=True)
        stacked = set(parts)
        at_once = sums_at_once(self.body.steps, section.summands, stacked)
        summed = [sums for sums, one in zip(section.sums, at_once, strict=True) if one is None]
        carried += [np.zeros(total.shape, total.dtype) for total, _ in summed]
        ys = [section.sent[i] for i, needed in enumerate(loop.needed) if needed and i >= count]
        more = sorted(stacked - set(parts), key=lambda v: v.number)
        steps, flags, watched = _without(self.body, {v for v, one in zip(section.summands, at_once, strict=True) if one})
        outputs = (*sent, *(new for _, new in summed), *ys, *more, *flags)
        body = Program([], {}, steps, outputs, self.body.checks)
        carry += [total for total, _ in summed]
        found = loop.step(body, carry, list(parts), carried, list(parts.values()), not loop.reverse)
        results = iter(found)
        of_carry, totals, of_xs, kept = (list(islice(results, len(x))) for x in (sent, summed, ys, more))
        every, total = parts | dict(zip(more, kept, strict=True)), iter(totals)
        sums = [next(total) if one is None else one(every.__getitem__) for one in at_once]
        finite = [recorder.call(all_finite, (x,), {}) for x, v in zip(sums, section.summands, strict=True) if v in watched]
        finite = [*finite, *results]
        if not all(np.all(f.numbers) for f in finite):
            return None
        recorder.guards += [np.all(f).value for f in finite]  # type: ignore[attr-defined]
        ends, first = iter(of_carry), []
        for end, needed, levels in zip(section.ends[:count], loop.needed, loop.levels, strict=False):
            arrived = next(ends) if end is not None else None
            first += [(arrived, levels)] if needed else []
        first = [dressed(x, levels) for x, levels in first]
        wanted = [levels for levels, needed in zip(section.levels["sent"], loop.needed, strict=True) if needed][len(first) :]
        of_xs = [loop._dressed(count, x, levels) for x, levels in zip(of_xs, wanted, strict=True)]
        return [*first, *of_xs, *(dressed(x, levels) for x, levels in zip(sums, section.levels["sums"], strict=True))]


def _without(body: Program, summands: set[Var | None]) -> tuple[list[Step], list[Var], set[Var | None]]:
    """The steps and the flags of a backward pass where some of its gradients are not computed in each step.

    The last result are those that must be finite, which shows in their sum.
    """
    steps, flags = [], list(body.outputs)
    watched: set[Var | None] = set()
    for step in body.steps:
        if step.function is all_finite and not summands.isdisjoint(step.args):
            left = tuple(x for x in step.args if x not in summands)
            watched |= summands.intersection(step.args)
            if left:
                steps.append(Step(all_finite, left, step.kwargs, step.outs))
            else:
                flags = [v for v in flags if v not in step.outs]
        else:
            steps.append(step)
    return steps, flags, watched


def _forward(*tensors: Any, values: tuple[Any, ...], gradient: _Gradient) -> tuple[Any, ...]:
    """The results of a loop, which has run already."""
    return values


def _pull_back(g: Any, needs: tuple[bool, ...], tensors: tuple[Any, ...], gradient: _Gradient) -> list[Any]:
    parts = g if isinstance(g, tuple) else (g,)
    higher = any(isinstance(x, Tensor) for x in (*parts, *tensors))
    if not higher and (sent := gradient.sent(parts)) is not None:
        return sent
    if gradient.draws:
        raise NotImplementedError(
            "scan: in a compiled function the body must run again for a second derivative, or where a gradient is infinite; this "
            "one draws random numbers, which would be others: draw them before, and pass them as xs"
        )
    return gradient.again.pull_back(g, tensors)


_OP = Op(_forward, {}, joint=_pull_back, inputs=("tensors",), name="scan")


def bare(x: Any) -> tuple[Any, Levels]:
    """The array of all examples, whose axes lie in front, and the levels of a batch, the newest first."""
    x, levels = raw(x), []
    while type(x) is batch.Batch:
        levels.append(x.level)
        x = x._array
    return x, tuple(levels)


def dressed(x: Any, levels: Levels) -> Any:
    """The batch of these levels whose array of all examples this is."""
    for level in reversed(levels):
        x = batch.Batch(x, level)
    return x


def spread(x: Any, own: Levels, levels: Levels) -> Any:
    """An array of these levels: what all examples share is repeated for each."""
    return x if own == levels else np.broadcast_to(x, (*(level.size for level in reversed(levels)), *np.shape(x)))


def _numbers(x: Any) -> Any:
    """The numbers of this run."""
    x = bare(x)[0]
    return x.numbers if type(x) is Traced else x


def _found(source: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        source = source[key]
    return source


def _dense(g: Any) -> Any:
    """A gradient as one array."""
    g = raw(g)
    return g.dense() if isinstance(g, RowSparse) else g
