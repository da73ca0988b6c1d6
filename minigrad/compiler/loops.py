"""Loops: the small language between arrays and machine code.

A loop is an iteration space and straight-line code that runs at each of its points.  Value number i is what
step i of the code gives; later steps name it by that number.  This is softmax over the rows of a matrix:

>>> loop = Loop(
...     name="softmax",
...     space=(2, 3),
...     operands=(Operand("float32", (3, 1)), Operand("float32", (3, 1))),
...     code=(
...         Load(0),
...         Reduce("maximum", 0, axes=(1,)),
...         Compute("subtract", (0, 1)),
...         Compute("exp", (2,)),
...         Reduce("add", 3, axes=(1,)),
...         Compute("divide", (3, 4)),
...         Store(1, 5),
...     ),
... )
>>> print(loop)
softmax over [2, 3]
  a0: float32 strides (3, 1)
  a1: float32 strides (3, 1)
  v0 = load a0                    float32 over {0, 1}
  v1 = reduce maximum v0 over 1   float32 over {0}
  v2 = subtract v0 v1             float32 over {0, 1}
  v3 = exp v2                     float32 over {0, 1}
  v4 = reduce add v3 over 1       float32 over {0}
  v5 = divide v3 v4               float32 over {0, 1}
  store v5 in a1
>>> x, y = np.float32([[0, 0, 0], [1, 1, 2]]), np.empty((2, 3), np.float32)
>>> loop.run([x, y])
>>> y.round(2)
array([[0.33, 0.33, 0.33],
       [0.21, 0.21, 0.58]], dtype=float32)

A value varies over some axes of the space: of a Load those along which its operand moves (stride not 0), of a
Compute those of its arguments, of a Reduce those that are left.  Over the others it is constant, which is all
there is to broadcasting.

All loads of an array see it as it was before the loop.  One array that is read and written is one operand; two
operands never overlap.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .interpreter import interpret, view_over
from .operations import REDUCTIONS, kind, result_dtype
from .steps import Compute, Constant, Index, Load, Operand, Reduce, Step, Store, reads, step_text

__all__ = ["Compute", "Constant", "Index", "Load", "Loop", "Operand", "Reduce", "Step", "Store", "reads", "step_text"]


@dataclass(frozen=True)
class Loop:
    """Straight-line code over an iteration space; see the module for an example.

    Raises:
        TypeError, ValueError: where the code is not one that could run; the message names the step.
    """

    space: tuple[int, ...]
    operands: tuple[Operand, ...]
    code: tuple[Step, ...]
    name: str = "loop"

    def __post_init__(self) -> None:
        for i, operand in enumerate(self.operands):
            kind(operand.dtype)
            if len(operand.strides) != len(self.space):
                counts = f"{len(operand.strides)} strides, the space has {len(self.space)} axes"
                raise ValueError(f"{self.name}: operand {i} has {counts}: one for each")
        for check in (self._check_numbers, self._find_dtype, self._check_step):
            for i, step in enumerate(self.code):
                try:
                    check(i, step)
                except (TypeError, ValueError) as error:
                    raise type(error)(f"{self.name}, step {i}, {step}: {error}") from None

    def _check_numbers(self, i: int, step: Step) -> None:
        for value in reads(step):
            if not 0 <= value < i or isinstance(self.code[value], Store):
                raise ValueError(f"{value} is not the number of an earlier value")
        if isinstance(step, (Load, Store)) and not 0 <= step.operand < len(self.operands):
            raise ValueError(f"there are operands 0 to {len(self.operands) - 1}")

    def _find_dtype(self, i: int, step: Step) -> None:
        self._known.append(self._dtype(step))

    def _check_step(self, i: int, step: Step) -> None:
        if isinstance(step, (Constant, Index)):
            kind(step.dtype)
        if isinstance(step, Index) and not 0 <= step.axis < len(self.space):
            raise ValueError(f"the axis is one of 0 to {len(self.space) - 1}")
        if isinstance(step, Reduce):
            self._check_reduce(step)
        elif isinstance(step, Store):
            self._check_store(step)

    def _check_reduce(self, step: Reduce) -> None:
        if step.op not in REDUCTIONS:
            raise ValueError(f"a reduction is one of {', '.join(REDUCTIONS)}")
        dtype = self.dtypes[step.value]
        if kind(dtype) not in REDUCTIONS[step.op]:
            raise TypeError(f"{step.op} does not reduce {dtype}; cast with Compute('astype:...')")
        if not set(step.axes) <= set(range(len(self.space))):
            raise ValueError(f"the axes are some of 0 to {len(self.space) - 1}, got {step.axes}")
        if step.op in ("maximum", "minimum") and 0 in [self.space[a] for a in step.axes]:
            raise ValueError(f"the {step.op} of no elements is not defined; give the axis at least one")

    def _check_store(self, step: Store) -> None:
        operand = self.operands[step.operand]
        if self.dtypes[step.value] != operand.dtype:
            raise TypeError(
                f"the operand is {operand.dtype}, the value {self.dtypes[step.value]}; cast with Compute('astype:...')"
            )
        lost = self.axes[step.value] - self.moves(step.operand)
        if lost:
            raise ValueError(
                f"the value varies over axis {min(lost)}, along which the operand has stride 0; reduce it there first"
            )
        if self._stores[step.operand] > 1:
            raise ValueError("the operand is stored twice; leave out the first")

    def moves(self, operand: int) -> frozenset[int]:
        """The axes along which an operand moves."""
        strides = self.operands[operand].strides
        return frozenset(
            a for a, (length, stride) in enumerate(zip(self.space, strides, strict=True)) if stride and length != 1
        )

    def _dtype(self, step: Step) -> str:
        match step:
            case Load(operand):
                return self.operands[operand].dtype
            case Constant(_, dtype) | Index(_, dtype):
                return dtype
            case Compute(op, args):
                return result_dtype(op, tuple(self._known[v] for v in args))
            case Reduce(_, value, _) | Store(_, value):
                return self._known[value]

    @cached_property
    def _known(self) -> list[str]:
        """The dtypes of the first steps: filled while the code is checked."""
        return []

    @cached_property
    def _stores(self) -> Counter[int]:
        """How often each operand is stored."""
        return Counter(step.operand for step in self.code if isinstance(step, Store))

    @property
    def dtypes(self) -> Sequence[str]:
        """The dtype of each value; that of a Store is the one that it writes."""
        return self._known

    @cached_property
    def axes(self) -> tuple[frozenset[int], ...]:
        """The axes that each value varies over; of a Store those that it runs over."""
        found: list[frozenset[int]] = []
        for step in self.code:
            match step:
                case Load(operand) | Store(operand, _):
                    found.append(self.moves(operand))
                case Constant():
                    found.append(frozenset())
                case Index(axis):
                    found.append(frozenset({axis} if self.space[axis] != 1 else ()))
                case Compute(_, args):
                    found.append(frozenset().union(*(found[v] for v in args)))
                case Reduce(_, value, axes):
                    found.append(found[value] - set(axes))
        return tuple(found)

    def __str__(self) -> str:
        lines = [f"{self.name} over {list(self.space)}"]
        for i, operand in enumerate(self.operands):
            offset = f" offset {operand.offset}" if operand.offset else ""
            lines.append(f"  a{i}: {operand.dtype} strides {operand.strides}{offset}")
        texts = [step_text(i, step) for i, step in enumerate(self.code)]
        width = max((len(text) for text in texts), default=0)
        for i, (text, step) in enumerate(zip(texts, self.code, strict=True)):
            over = ", ".join(map(str, sorted(self.axes[i])))
            kept = "" if isinstance(step, Store) else f"{' ' * (width - len(text))}   {self.dtypes[i]} over {{{over}}}"
            lines.append(f"  {text}{kept}")
        return "\n".join(lines)

    def views(self, arrays: Sequence[Any]) -> list[Any]:
        """Each operand over the whole space, as a view of the array that was given for it.

        Raises:
            TypeError, ValueError: where an array has another dtype, or the operand would reach beyond its memory.
        """
        if len(arrays) != len(self.operands):
            raise ValueError(f"{self.name} has {len(self.operands)} operands, got {len(arrays)} arrays")
        return [self._view(i, array) for i, array in enumerate(arrays)]

    def _view(self, i: int, array: Any) -> Any:
        operand = self.operands[i]
        if array.dtype != operand.dtype:
            raise TypeError(f"{self.name}: operand {i} is {operand.dtype}, got an array of {array.dtype}")
        if not array.flags.writeable and any(isinstance(step, Store) and step.operand == i for step in self.code):
            raise ValueError(f"{self.name}: operand {i} is written to, got an array that is read-only")
        try:
            return view_over(array, self.space, operand.strides, operand.offset)
        except ValueError as error:
            raise ValueError(f"{self.name}: operand {i}, {operand}, {error}") from None

    def run(self, arrays: Sequence[Any]) -> None:
        """Run the loop with NumPy: the oracle of the compiled code, and what runs where nothing can be compiled."""
        interpret(self.code, self.space, self.axes, self.views(arrays))
