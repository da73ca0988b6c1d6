"""How the gradient goes back through a loop of a program: by a loop the other way round."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays.traced import Traced
from ..op import Op
from ..tensor import Tensor, wrap
from ..transforms.checkpointing import Rerun, value_of
from ..transforms.loops import Body, unrolled
from ..trees import flatten, unflatten
from .batches import bare, dressed, spread
from .program import Program, Step, Var
from .section import Section
from .sums import sums_at_once
from .written import all_finite

if TYPE_CHECKING:
    from .scanning import Loop

__all__ = ["Gradient"]


class Gradient:
    """How the gradient goes back through a loop.

    Attributes:
        body: the backward pass of one step.
        kept: what it reads of the forward pass, by the values of one step.
    """

    def __init__(self, loop: Loop, section: Section, body: Program, kept: dict[Var, Traced]) -> None:
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
        arrived = self._arrived(g)
        if arrived is None:
            return None
        count = loop.count
        carry, first = self._carry(arrived)
        sent = [v for v, end in zip(section.sent[:count], section.ends, strict=False) if end is not None]
        parts = dict(item for i, item in arrived.items() if i >= count) | self.kept
        parts |= zip(section.xs, loop.arrays, strict=True)
        stacked = set(parts)
        at_once = sums_at_once(self.body.steps, section.summands, stacked)
        summed = [sums for sums, one in zip(section.sums, at_once, strict=True) if one is None]
        ys = [section.sent[i] for i, needed in enumerate(loop.needed) if needed and i >= count]
        more = sorted(stacked - set(parts), key=lambda v: v.number)
        steps, flags, watched = _without(self.body, {v for v, one in zip(section.summands, at_once, strict=True) if one})
        outputs = (*sent, *(new for _, new in summed), *ys, *more, *flags)
        body = Program([], {}, steps, outputs, self.body.checks)
        carry += [total for total, _ in summed]
        first += [np.zeros(total.shape, total.dtype) for total, _ in summed]
        results = iter(loop.step(body, carry, list(parts), first, list(parts.values()), not loop.reverse))
        of_carry, totals, of_xs, kept = (list(islice(results, len(x))) for x in (sent, summed, ys, more))
        every, total = parts | dict(zip(more, kept, strict=True)), iter(totals)
        sums = [next(total) if one is None else one(every.__getitem__) for one in at_once]
        finite = [recorder.call(all_finite, (x,), {}) for x, v in zip(sums, section.summands, strict=True) if v in watched]
        finite = [*finite, *results]
        if not all(np.all(f.numbers) for f in finite):
            return None
        recorder.guards += [np.all(f).value for f in finite]  # type: ignore[attr-defined]
        return self._in_order(of_carry, of_xs, sums)

    def _arrived(self, g: Sequence[Any]) -> dict[int, tuple[Var, Any]] | None:
        """By the number of a result: the value of a step that stands for its gradient, and the gradient; None as `sent`."""
        arrived = {}
        for i, var, (array, own) in zip(self.section.outputs, self.section.cotangents, map(bare, g), strict=True):
            levels = self.section.levels["leaves"][i]
            if not {*own} <= {*levels}:
                return None
            array = spread(array, own, levels)
            arrived[i] = var, array if i < self.loop.count else np.moveaxis(array, len(levels), 0)
        return arrived

    def _carry(self, arrived: dict[int, tuple[Var, Any]]) -> tuple[list[Var], list[Any]]:
        """The values of a step that stand for the gradient of the carry, and the gradient of the last one."""
        carry, first = [], []
        for i in range(self.loop.count):
            if self.section.ends[i] is not None:
                like = self.section.values[i]
                var, value = arrived.get(i, (Var.new(like.shape, like.dtype), np.zeros(like.shape, like.dtype)))
                carry.append(var)
                first.append(value)
        return carry, first

    def _in_order(self, of_carry: Sequence[Any], of_xs: Sequence[Any], sums: Sequence[Any]) -> list[Any]:
        """The gradients that the rule of the loop gives, as batches where they are of many examples."""
        loop, levels, found, ends = self.loop, self.section.levels, [], iter(of_carry)
        for end, needed, own in zip(self.section.ends, loop.needed, loop.levels, strict=False):
            g = next(ends) if end is not None else None
            if needed:
                found.append(dressed(g, own))
        wanted = [own for own, needed in zip(levels["sent"], loop.needed, strict=True) if needed][len(found) :]
        found += [loop.dressed(loop.count, g, own) for g, own in zip(of_xs, wanted, strict=True)]
        return found + [dressed(g, own) for g, own in zip(sums, levels["sums"], strict=True)]


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


def _forward(*tensors: Any, values: tuple[Any, ...], gradient: Gradient) -> tuple[Any, ...]:
    """The results of a loop, which has run already.

    out = f(tensors_1, tensors_2, ...)
    dtensors_k = g df/dtensors_k
    """
    return values


def _pull_back(g: Any, needs: tuple[bool, ...], tensors: tuple[Any, ...], gradient: Gradient) -> list[Any]:
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
