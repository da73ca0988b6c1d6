"""Sums over the steps of a loop that are computed at once: the gradient of a weight is one product of all steps' rows.

In each step of a recurrent cell the gradient of a weight is a product of matrices, x^T g, and the sum over the steps follows:

    sum over t of x_t^T g_t  =  X^T G,     where X and G have the rows of all steps below each other.

One product of long columns takes a fraction of the time of many of short ones, each of which is added to an array as large as
the weight.  What it needs instead is memory for g, as the loop written out does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from .program import Step, Var, vars_in

__all__ = ["Sum", "sums_at_once"]

#: What only moves the elements of its first argument, so that it may follow the sum.
_MOVES = {np.swapaxes, np.reshape, np.transpose, np.copy, np.moveaxis, np.squeeze, np.expand_dims}


@dataclass(eq=False)
class Sum:
    """How a sum over all steps is computed from the values of all steps.

    Attributes:
        call: the product, or the sum over axes, that gives a step's summand.
        reads: the values of a step that it is made of.
        columns: whether the first one has its rows side by side, as a factor on the left has.
        moves: what follows the call.
    """

    call: Step
    reads: tuple[Var, ...]
    columns: bool
    moves: list[Step]

    def __call__(self, stacked: Callable[[Var], Any]) -> Any:
        """The sum, from the values of all steps along a first axis."""
        if len(self.reads) == 1:
            total = self.call.function(np.sum(stacked(self.reads[0]), axis=0), *self.call.args[1:], **self.call.kwargs)
        else:
            x, g = map(stacked, self.reads)
            x = np.swapaxes(x, 1, 2) if self.columns else x
            rows = [np.reshape(a, (a.shape[0] * a.shape[1], a.shape[2])) for a in (x, g)]
            total = np.matmul(np.swapaxes(rows[0], 0, 1), rows[1])
        for move in reversed(self.moves):
            total = move.function(total, *move.args[1:], **move.kwargs)
        return total


def sums_at_once(steps: Sequence[Step], summands: Sequence[Var | None], kept: set[Var]) -> list[Sum | None]:
    """For each of several sums over the steps how it is computed at once; None where that does not pay.

    Args:
        steps: those of one step of the loop.
        summands: what each step adds; None where it is nothing.
        kept: the values that are there of all steps anyway; those that the sums need are added.
    """
    made = {v: step for step in steps for v in step.outs if v is not None}
    found = [None if v is None else _sum_of(v, made) for v in summands]
    for i, (v, one) in enumerate(zip(summands, found, strict=True)):
        if one is not None and len(one.reads) == 2 and v is not None:
            more = sum(prod(x.shape) for x in set(one.reads) - kept)
            found[i] = one if more <= prod(v.shape) else None
            kept |= set(one.reads) if found[i] is not None else set()
    return [one if one is not None and kept.issuperset(one.reads) else None for one in found]


def _sum_of(v: Var, made: dict[Var, Step]) -> Sum | None:
    moves: list[Step] = []
    step = made.get(v)
    while step is not None and step.function in _MOVES and not list(vars_in((step.args[1:], step.kwargs))):
        moves.append(step)
        step = made.get(step.args[0])
    if step is None or v.dtype.kind not in "fc":
        return None
    if step.function is np.sum and not list(vars_in((step.args[1:], step.kwargs))) and type(step.args[0]) is Var:
        return Sum(step, (step.args[0],), False, moves)
    if step.function is not np.matmul or not all(type(x) is Var and len(x.shape) == 2 for x in step.args):
        return None
    left, right = step.args
    turned = made.get(left)
    if turned is not None and turned.function is np.swapaxes and sorted(a % 2 for a in turned.args[1:]) == [0, 1]:
        return Sum(step, (turned.args[0], right), False, moves)
    return Sum(step, (left, right), True, moves)
