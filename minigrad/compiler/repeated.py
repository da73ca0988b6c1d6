"""A loop as one step of a program: it runs a program of its own, the body, once for each step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..random.state import get_state, set_state
from . import native
from .looped import LoopScript
from .passes import without_unused
from .program import Program, Step, Var, formulas_in, vars_in
from .script import MISS

__all__ = ["Repeated"]


class Repeated:
    """The function of such a step.

    It takes four tuples: the carry; the arrays of which the body gets one part after the other; arrays that are the same in
    all steps; numbers.  It gives the last carry and the stacked ys, as one tuple.

    Attributes:
        program: the body; its inputs are the first three of these, its outputs the next carry and y.
        carried, split: how many inputs are carried, and how many are parts.
        steps: how often it runs.
        reverse: whether it begins with the last parts.
        formulas: what the numbers stand for in the body.
        script: its `body`, once that is written.
    """

    __name__ = "scan"
    gives_new = True

    def __init__(self, program: Program, carried: int, split: int, steps: int, reverse: bool) -> None:
        self.program, self.carried, self.split = program, carried, split
        self.steps, self.reverse = steps, reverse
        self.formulas = formulas_in(program.steps)
        self.draws = any(getattr(s.function, "draws", False) for s in program.steps)
        self.script: LoopScript | None = None

    def __call__(self, carry: Sequence[Any], xs: Sequence[Any], fixed: Sequence[Any], numbers: Sequence[Any]) -> tuple[Any, ...]:
        if not native.available():
            return self.interpreted(carry, xs, fixed, numbers)
        state = get_state() if self.draws else None
        found = self.body().run([*map(np.asarray, (*carry, *xs, *fixed)), *numbers])
        if found is not MISS:
            return tuple(found)
        if state is not None:
            set_state(state)
        return self.interpreted(carry, xs, fixed, numbers)  # NumPy says what is wrong with the values, if anything is

    def body(self) -> LoopScript:
        """What runs it; where nothing can be compiled it is interpreted instead."""
        if self.script is None:
            self.script = LoopScript(self)
        return self.script

    def interpreted(
        self, carry: Sequence[Any], xs: Sequence[Any], fixed: Sequence[Any], numbers: Sequence[Any]
    ) -> tuple[Any, ...]:
        """The results, one NumPy call after the other."""
        known = dict(zip(self.formulas, numbers, strict=True))
        ys = self.new_ys()
        for t in self.order():
            outs = self.program.run([*carry, *(x[t, ...] for x in xs), *fixed], known)
            for y, value in zip(ys, outs[self.carried :], strict=True):
                y[t] = value
            carry = [np.asarray(c) for c in outs[: self.carried]]
        return (*(np.array(c) for c in carry), *ys)

    def order(self) -> range:
        """The numbers of the steps, in the order in which they run."""
        return range(self.steps)[:: -1 if self.reverse else 1]

    def new_ys(self) -> list[np.ndarray]:
        """Arrays for the stacked ys."""
        return [np.empty((self.steps, *v.shape), v.dtype) for v in self.program.outputs[self.carried :]]

    def pruned(self, step: Step, needed: set[Var]) -> Step:
        """The step without what nobody needs: ys, and carries that lead to nothing else."""
        inputs, outputs = self.program.inputs, self.program.outputs
        keep = {i for i, v in enumerate(step.outs) if v in needed}
        while True:
            wanted = tuple(outputs[i] for i in sorted(keep))
            program = without_unused(Program(inputs, self.program.constants, self.program.steps, wanted, self.program.checks))
            read = {v for s in program.steps for v in s.inputs()} | set(vars_in((wanted, [c[1] for c in program.checks])))
            more = keep | {i for i in range(self.carried) if inputs[i] in read}
            if more == keep:
                break
            keep = more
        places = [i for i in range(len(inputs)) if i in keep or (i >= self.carried and inputs[i] in read)]
        given = [v for group in step.args[:3] for v in group]
        carried, split = sum(i < self.carried for i in places), sum(0 <= i - self.carried < self.split for i in places)
        program.inputs = [inputs[i] for i in places]
        new = Repeated(program, carried, split, self.steps, self.reverse)
        vars_given = [given[i] for i in places]
        numbers = tuple(step.args[3][self.formulas.index(f)] for f in new.formulas)
        ends = carried, carried + split
        args = (*map(tuple, (vars_given[: ends[0]], vars_given[ends[0] : ends[1]], vars_given[ends[1] :])), numbers)
        return Step(new, args, {}, tuple(step.outs[i] for i in sorted(keep)), several=True)

    def __str__(self) -> str:
        return f"{self.steps} times:\n{self.program}"

