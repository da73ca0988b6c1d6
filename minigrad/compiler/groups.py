"""What a program is divided into: loops under construction, and calls that run as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .loops import Loop
from .numbers import Formula, key_of
from .operations import name_of
from .program import Step, Var
from .steps import Constant, Operand
from .views import strides_of
from .written import changed, replaced_at

__all__ = ["CONFLICT", "Call", "Dims", "Group", "operand_of", "slots_of", "strides_over"]

#: For each axis of a value the axis of the space that it runs along; None along which it does not move.
Dims = tuple[int | None, ...]
#: A value reads the same member of a group along different axes, so that it cannot be computed there.
CONFLICT: Dims = (-1,)


@dataclass(eq=False)
class Call:
    """A step that runs as it is; what it reads lies in memory.

    Attributes:
        in_place: it writes into the array that it changes, whose old values nobody needs any more.
    """

    step: Step
    outs: tuple[Var, ...]
    in_place: bool = False

    def changes(self) -> Any:
        """The array of which it gives a copy with other values in places; None where it does something else."""
        if self.step.function is changed:
            return self.step.args[1]
        return self.step.args[0] if self.step.function is replaced_at else None


@dataclass(eq=False)
class Group:
    """A loop under construction.

    Attributes:
        members: of each value of the program that is computed here: its number in the code, and its axes in the space.
        whole: members that are known only when the loop is through.
        summed: axes of a product's sum, which nothing else runs along.
        arrays: what the operands are: Vars, or Formulas for numbers.
        known: the numbers of steps of the code; places: of operands.
        terms: the numbers of values that are computed here though others may compute them again, by values and axes.
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
    places: dict[tuple[Any, Operand], int] = field(default_factory=dict)
    terms: dict[tuple[Var, Dims], int] = field(default_factory=dict)

    def add(self, step: Any) -> int:
        """A step of the code, once."""
        key = step if not isinstance(step, Constant) else (Constant, key_of(step.value), step.dtype)
        if key not in self.known:
            self.known[key] = len(self.code)
            self.code.append(step)
        return self.known[key]

    def operand(self, array: Any, operand: Operand) -> int:
        """The number of an operand: a new one, or the one that it has already."""
        if (array, operand) not in self.places:
            self.places[array, operand] = len(self.arrays)
            self.arrays.append(array)
            self.operands.append(operand)
        return self.places[array, operand]

    def operand_keys(self) -> list[Any]:
        """What the operands are looked up by: values, and numbers together with the dtype that they are read in."""
        return [(a, o.dtype) if type(a) is Formula else a for a, o in zip(self.arrays, self.operands, strict=True)]

    def loop(self, name: str) -> Loop:
        return Loop(self.space, tuple(self.operands), tuple(self.code), name)


def slots_of(groups: Sequence[Group], local: dict[Any, int]) -> list[list[int]]:
    """For each loop the places of its operands; what has none in `local` yet gets the next one."""
    return [[local.setdefault(key, len(local)) for key in group.operand_keys()] for group in groups]


def operand_of(group: Group, v: Var, dims: Dims) -> Operand:
    """How a value of one piece lies over a group's space."""
    return Operand(name_of(v.dtype), strides_over(group, dims, v.shape, strides_of(v.shape)))


def strides_over(group: Group, dims: Dims, shape: Sequence[int], strides: Sequence[int]) -> tuple[int, ...]:
    """The strides of an array over a group's space, along whose axes `dims` those of the array run."""
    moves = [0] * len(group.space)
    for d, n, s in zip(dims, shape, strides, strict=True):
        if d is not None and n != 1:
            moves[d] = s
    return tuple(moves)
