"""What of a program a page can compute: the rest is constant, or fixed.

- What depends on no input is computed now, once: *constants*, random draws among them.
- What a page has no function for, and depends on an input, is *fixed*: the page shows what the recorded run gave, and so it
  does of all that follows from it.  Nothing that it shows is computed from numbers that are out of date.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..expand import expanded
from ..fuse import Fusion, fused
from ..groups import Call
from ..operations import DTYPES
from ..passes import without_unused
from ..program import Program, Step, Var, formulas_in, vars_in
from .calls import library_call
from .replay import replay
from .rules import spelled_out
from .unrolled import unrolled

__all__ = ["Split", "split"]


@dataclass
class Split:
    """A program, divided.

    Attributes:
        program: what a page computes.
        fusion: its loops and calls.
        values: of all values of the program what the recorded run gave.
        fixed: of each value that stays as it is, why.
        drawn: values that are random draws, or follow from such alone.
    """

    program: Program
    fusion: Fusion
    values: dict[Var, Any]
    fixed: dict[Var, str] = field(default_factory=dict)
    drawn: set[Var] = field(default_factory=set)


def split(program: Program, given: Mapping[Any, Any]) -> Split:
    """Divide a program, all of whose outputs are to be kept.

    Args:
        given: the arrays of inputs and the values of Formulas that have no function; of other values what is known of the
            recorded run, as what it drew.
    """
    program = expanded(unrolled(program))
    values: dict[Any, Any] = dict(program.constants) | dict(given)
    replay(program.steps, values)
    program = spelled_out(program, library_call, values)
    fixed = {v: f"the page does not compute with {v.dtype}" for v in program.inputs if str(v.dtype) not in DTYPES}
    drawn = set[Var]()
    program = _without_constant(program, values, drawn)
    while True:
        new = _not_computed(program, fixed)
        if not new:
            fusion = fused(program)
            calls = [g for g in fusion.groups if isinstance(g, Call)]
            new = {v: why for g in calls if (why := _missing(g.step, fusion.constants)) for v in g.outs}
            if not new:
                return Split(program, fusion, values, fixed, drawn)
        fixed |= new
        program = _without(program, fixed, values)


def _without_constant(program: Program, values: dict[Var, Any], drawn: set[Var]) -> Program:
    """What depends on nothing that can be changed becomes a constant."""
    constants, steps = dict(program.constants), list[Step]()
    moving = {v for v in program.inputs if 0 not in v.shape}
    for step in program.steps:
        if not moving.isdisjoint(step.inputs()) or formulas_in([step]):
            moving.update(v for v in step.outs if v is not None and 0 not in v.shape)
            steps.append(step)
            continue
        outs = [v for v in step.outs if v is not None]
        constants.update((v, values[v]) for v in outs)
        drawn.update(outs if getattr(step.function, "draws", False) or not drawn.isdisjoint(step.inputs()) else ())
    return without_unused(_again(program, constants, steps))


def _again(program: Program, constants: dict[Var, Any], steps: list[Step]) -> Program:
    """The program of other steps; a guard that is a constant holds."""
    guards = [v for v in program.guards if v not in constants]
    return Program(program.inputs, constants, steps, program.outputs, [], guards)


def _not_computed(program: Program, fixed: dict[Var, str]) -> dict[Var, str]:
    """What follows from a value that stays as it is."""
    found: dict[Var, str] = {}
    for step in program.steps:
        reason = next((why for v in step.inputs() if (why := fixed.get(v) or found.get(v))), None)
        if reason is not None:
            found.update((v, reason) for v in step.outs if v is not None)
    return found


def _without(program: Program, fixed: Mapping[Var, str], values: dict[Var, Any]) -> Program:
    """The program, in which fixed values are constants where somebody looks at them, and nobody reads them."""
    steps = [step for step in program.steps if not any(v in fixed for v in step.outs)]
    shown = {v: values[v] for v in vars_in(program.outputs) if v in fixed}
    left = _again(program, program.constants | shown, steps)
    left.guards = [v for v in left.guards if v not in fixed]
    return without_unused(left)


def _missing(step: Step, constants: Mapping[Var, Any]) -> str | None:
    """Why a page cannot make a call; None where it can."""
    name = getattr(step.function, "__name__", str(step.function))
    outs: Sequence[Var] = [v for v in step.outs if v is not None]
    if odd := [v for v in (*outs, *step.inputs()) if str(v.dtype) not in DTYPES]:
        return f"{name} computes with {odd[0].dtype}, which the page does not"
    return None if library_call(step, constants) else f"the page has no function for {name}"
