"""Loops in a traced function: the body is traced once, on its first step, and the loop becomes one step of the program.

Where gradients may be asked for, the backward pass of the body is traced right behind its forward pass, from cotangents that
are given.  What that reads of the forward pass is what the loop keeps of each step: further results, stacked as the ys are.
So the gradient of a loop is a loop too, which runs the other way round: it carries the cotangent of the carry, and the sums
of the gradients of what the body closes over.

What a step does that depends on no step (a weight's transpose, say) is moved in front of the loop.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .. import graph, tracing
from ..arrays.row_sparse import RowSparse
from ..arrays.traced import Traced
from ..backward import propagate
from ..graph import Node
from ..later import is_on_gpu
from ..ops.conversion import clone
from ..random.state import get_state, go_to
from ..tensor import Tensor, raw, wrap
from ..transforms.checkpointing import older_nodes
from ..transforms.loops import Body
from ..trees import flatten, unflatten
from .batches import Levels, bare, dressed, spread, together
from .calls import is_sized_by_values
from .loop_gradient import Gradient
from .passes import simplified
from .program import Program, Step, Var, vars_in, with_values
from .repeated import Repeated
from .section import Section

__all__ = ["Loop", "repeat"]


def repeat(recorder: Any, body: Body, xs: Any, columns: Sequence[Any], steps: int, reverse: bool) -> tuple[Any, Any] | None:
    """The results of a loop that is written down as one step; None where it must be unrolled.

    Args:
        xs: a tree whose leaves are `columns`.
    """
    given = [bare(x)[0] for x in (*body.leaves, *columns) if hasattr(x, "dtype")]
    if any(map(is_on_gpu, map(_numbers, given))):
        return None
    return Loop(recorder, body, xs, columns, steps, reverse).run()


tracing.repeat = repeat


class Loop:
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
        state = get_state()
        section = self._traced()
        if any(is_on_gpu(_numbers(x)) for x in section.leaves):  # as what the body closes over
            self.recorder.inside.update(v for step in section.steps for v in step.outs)
            go_to(state)
            return None
        while self._settle(section):
            self.recorder.inside.update(v for step in section.steps for v in step.outs)
            go_to(state)
            section = self._traced()
        go_to(state)  # the loop, which runs now, draws the numbers of the first step too
        return self._written(section)

    def _settle(self, section: Section) -> bool:
        """Whether the carry must be something else, by what the body returns for it: a Tensor, an array, a batch."""
        changed = None in section.carry
        for i, x in enumerate(section.leaves[: self.count]):
            shape, dtype = self.body.kinds[i]
            self.body.kinds[i] = shape, np.asarray(x).dtype if dtype is None else dtype
            if isinstance(x, Tensor) and not self.tensors[i]:
                self.tensors[i] = changed = True
            for levels in (section.levels["leaves"][i], *section.levels["sent"][i : i + 1]):
                if levels != self.levels[i]:
                    self.levels[i], changed = together(levels, self.levels[i]), True
        return changed

    # --------------------------------------------------------------------------- the body, once

    def _traced(self) -> Section:
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

    def _one_step(self) -> Section:
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
        section = Section(given[: self.count], given[self.count :], ends, [*found, *flatten(y)], y)
        self._level(section)
        section.forward = len(self.recorder.steps), len(self.recorder.guards)
        if section.levels["leaves"][: self.count] == self.levels:
            self._go_back(section, began)
        return section

    def _level(self, section: Section) -> None:
        """The values of the leaves: of the next carry for all examples for which there is one before it."""
        for i, (x, levels) in enumerate(map(bare, section.leaves)):
            x = x if hasattr(x, "dtype") else np.asarray(x)
            if i < self.count and {*levels} < {*self.levels[i]}:
                x, levels = spread(x, levels, self.levels[i]), self.levels[i]
            section.values.append(self.recorder.value_of(x))
            section.levels["leaves"].append(levels)

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

    def _go_back(self, section: Section, began: int) -> None:
        """The backward pass of the step, if anything outside of the loop needs a gradient."""
        moving = [(i, x) for i, x in enumerate(section.leaves) if isinstance(x, Tensor) and x._node is not None]
        outs, ends = [x for _, x in moving], [n for n in section.ends if n is not None]
        section.closed = older_nodes(outs, began, ends)
        if not outs or not (section.closed or any(self.needed)):
            return
        section.outputs = [i for i, _ in moving]
        likes = [(section.values[i], section.levels["leaves"][i]) for i in section.outputs]
        given = [(self._given(np.ones(v.shape, v.dtype)), levels) for v, levels in likes]
        section.cotangents = [c.value for c, _ in given]
        found = propagate(outs, [dressed(*c) for c in given], [*ends, *section.closed], False, None, of_a_rule=True)
        for i, node in enumerate(section.ends):
            g, levels = bare(_dense(found.get(node) if node is not None else None))
            carried = self.levels[i] if i < self.count else bare(self.columns[i - self.count])[1]
            if node is not None and {*levels} <= {*carried}:
                g, levels = spread(np.zeros(node.shape, node.dtype) if g is None else g, levels, carried), carried
            section.sent.append(None if node is None else self.recorder.value_of(g))
            section.levels["sent"].append(self.levels[i] if node is None and i < self.count else levels)
        for node in section.closed:
            g, levels = bare(_dense(found.get(node) if node is not None else None))
            total = self._given(np.zeros(node.shape if g is None else g.shape, node.dtype))
            section.levels["sums"].append(levels)
            section.summands.append(None if g is None else self.recorder.value_of(g))
            section.sums.append((total.value, total.value if g is None else self.recorder.value_of(total + g)))

    # ------------------------------------------------------------------------------ its steps

    def _written(self, section: Section) -> tuple[Any, Any] | None:
        """The loop as a step, and its results."""
        recorder = self.recorder
        self.known.update(recorder.values)
        own = {v for v in (*section.carry, *section.xs) if v is not None}
        forward = self._parted(section.steps[: section.forward[0]], own)
        made = own - set(section.xs)
        own |= {*section.cotangents, *(total for total, _ in section.sums)}
        back = self._parted(section.steps[section.forward[0] :], own)
        reads = {v for s in back for v in s.inputs()} | {v for v in (*section.sent, *section.summands) if v is not None}
        kept = sorted(reads & made, key=lambda v: v.number)
        values = section.values
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
        arrays = [self.dressed(i, x, levels) for i, (x, levels) in enumerate(zip(found, section.levels["leaves"], strict=False))]
        if section.outputs:
            guards = self._inner(section.guards[section.forward[1] :], recorder.guards, own, lambda v: [v])
            body = Program([], {}, back, guards, [c for c in checks if c not in of_forward])
            arrays = Gradient(self, section, body, dict(zip(kept, found[len(values) :], strict=False))).joined(arrays)
        else:
            arrays = [wrap(a, None) if isinstance(x, Tensor) else a for x, a in zip(section.leaves, arrays, strict=True)]
        return unflatten(self.body.init, iter(arrays[: self.count])), unflatten(section.tree, iter(arrays[self.count :]))

    def dressed(self, i: int, x: Any, levels: Levels) -> Any:
        """A result of the loop, or a gradient of what it got: an axis of steps lies behind those of the examples."""
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
            if getattr(step.function, "draws", False) or any(v in own for v in step.inputs()):
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
        used = [*(v for s in body.steps for v in s.inputs()), *vars_in((body.outputs, [c[1] for c in body.checks]))]
        free = [v for v in dict.fromkeys(used) if v not in defined]
        body.inputs = [*carry, *xs, *free]
        loop = Repeated(body, len(carry), len(xs), self.steps, reverse)
        numbers, values = tuple(self._now(f) for f in loop.formulas), self._now(free)
        if recorder.seen is not None:  # what the body of the gradient reads of what is older than the loop
            recorder.seen.update(zip(free, values, strict=True))
        found = loop.interpreted([_numbers(x) for x in first], [_numbers(x) for x in columns], values, numbers)
        outs = tuple(recorder.new_var(x) for x in found)
        args = [recorder.value_of(x) for x in first], [recorder.value_of(x) for x in columns], free, loop.formulas
        recorder.steps.append(Step(loop, tuple(map(tuple, args)), {}, outs, several=True))
        return [Traced(x, v, recorder) for x, v in zip(found, outs, strict=True)]


def _numbers(x: Any) -> Any:
    """The numbers of this run."""
    x = bare(x)[0]
    return x.numbers if type(x) is Traced else x


def _dense(g: Any) -> Any:
    """A gradient as one array."""
    g = raw(g)
    return g.dense() if isinstance(g, RowSparse) else g
