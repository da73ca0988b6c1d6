"""Loops of a program (`mg.scan`, `mg.fori`) written out: a page runs steps, none of which is a program of its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...arrays.traced import getitem
from ..passes import replaced
from ..program import Program, Step, Var
from ..repeated import Repeated

__all__ = ["unrolled"]

#: A loop that would be more steps than this stays one, which the page cannot make.
MOST = 20_000


def unrolled(program: Program) -> Program:
    """The program without loops, also those inside of loops."""
    steps, constants = list(program.steps), dict(program.constants)
    while any(_is_loop(step) for step in steps):
        steps = [s for step in steps for s in (_written_out(step, constants) if _is_loop(step) else [step])]
    return Program(program.inputs, constants, steps, program.outputs, program.checks, program.guards)


def _is_loop(step: Step) -> bool:
    return isinstance(step.function, Repeated) and step.function.steps * len(step.function.program.steps) <= MOST


def _written_out(step: Step, constants: dict[Var, Any]) -> list[Step]:
    """The steps of all rounds; what a round carries on is what the next one begins with."""
    loop = step.function
    assert isinstance(loop, Repeated)
    carry, xs, fixed, numbers = map(list, step.args)
    body, steps, stacked = loop.program, list[Step](), dict[int, list[Any]]()
    constants.update(body.constants)
    given = dict(zip(loop.formulas, numbers, strict=True))
    for t in loop.order():
        parts = [Var.new(x.shape[1:], x.dtype) for x in xs]
        steps += [Step(getitem, (x, (t, ...)), {}, (part,)) for x, part in zip(xs, parts, strict=True)]
        known: dict[Any, Any] = given | dict(zip(body.inputs, [*carry, *parts, *fixed], strict=True))
        for inner in body.steps:
            outs = tuple(None if v is None else Var.new(v.shape, v.dtype) for v in inner.outs)
            args, kwargs = replaced(inner.args, known), replaced(inner.kwargs, known)
            known.update((old, new) for old, new in zip(inner.outs, outs, strict=True) if old is not None)
            steps.append(Step(inner.function, args, kwargs, outs, inner.several))
        ends = [known.get(v, v) for v in body.outputs]
        carry, stacked[t] = ends[: loop.carried], ends[loop.carried :]
    for i, out in enumerate(step.outs):
        if out is None:
            continue
        if i < loop.carried:
            steps.append(Step(np.copy, (carry[i],), {}, (out,)))
        else:
            rows = tuple(stacked[t][i - loop.carried] for t in range(loop.steps))
            steps.append(Step(np.stack, (rows, 0), {}, (out,)))
    return steps
