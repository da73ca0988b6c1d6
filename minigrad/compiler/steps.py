"""The words of the loops' language: where arrays lie, and the steps that code is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Compute", "Constant", "Index", "Load", "Operand", "Reduce", "Step", "Store", "reads", "renumbered", "step_text"]


@dataclass(frozen=True)
class Operand:
    """How an array lies over the space.

    Attributes:
        dtype: NumPy's name of it.
        strides: for each axis, how many elements further the next one lies; 0 repeats the array along the axis.
        offset: which of the array's elements is the first.
    """

    dtype: str
    strides: tuple[int, ...]
    offset: int = 0

    def ends(self, space: Sequence[int]) -> tuple[int, int]:
        """The first and the last element of the array that it reaches over a space.

        >>> Operand("float32", (-2, 1), 6).ends((3, 4))
        (2, 9)
        """
        ends = [s * (n - 1) for s, n in zip(self.strides, space, strict=True)]
        return self.offset + sum(min(e, 0) for e in ends), self.offset + sum(max(e, 0) for e in ends)


@dataclass(frozen=True)
class Load:
    """The element of an operand at this point of the space."""

    operand: int


@dataclass(frozen=True)
class Constant:
    """A number that stands in the code."""

    value: bool | int | float
    dtype: str


@dataclass(frozen=True)
class Index:
    """Where this point is along an axis: 0, 1, 2, ..."""

    axis: int
    dtype: str = "int64"


@dataclass(frozen=True)
class Compute:
    """An operation (`minigrad.compiler.operations`) on earlier values."""

    op: str
    args: tuple[int, ...]


@dataclass(frozen=True)
class Reduce:
    """An earlier value, put together over some axes of the space.

    The operation is add, multiply, maximum, minimum, logical_and or logical_or.
    """

    op: str
    value: int
    axes: tuple[int, ...]


@dataclass(frozen=True)
class Store:
    """An earlier value, written to an operand."""

    operand: int
    value: int


Step = Load | Constant | Index | Compute | Reduce | Store


def reads(step: Step) -> tuple[int, ...]:
    """The values that a step reads."""
    if isinstance(step, Compute):
        return step.args
    return (step.value,) if isinstance(step, (Reduce, Store)) else ()


def renumbered(step: Step, new: Mapping[int, int]) -> Step:
    """The step with other numbers of the values that it reads."""
    match step:
        case Compute(op, args):
            return Compute(op, tuple(new[v] for v in args))
        case Reduce(op, value, axes):
            return Reduce(op, new[value], axes)
        case Store(operand, value):
            return Store(operand, new[value])
    return step


def step_text(i: int, step: Step) -> str:
    """A step as it is printed.

    >>> step_text(4, Reduce("add", 3, axes=(1,)))
    'v4 = reduce add v3 over 1'
    """
    match step:
        case Load(operand):
            return f"v{i} = load a{operand}"
        case Constant(value, _):
            return f"v{i} = {value}"
        case Index(axis):
            return f"v{i} = index of axis {axis}"
        case Compute(op, args):
            return f"v{i} = {op} {' '.join(f'v{v}' for v in args)}"
        case Reduce(op, value, axes):
            return f"v{i} = reduce {op} v{value} over {', '.join(map(str, axes))}"
        case Store(operand, value):
            return f"store v{value} in a{operand}"
