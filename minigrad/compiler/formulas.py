"""Functions as formulas: what operations expand to that have no instruction of their own.

The short ones stand here; `exponentials` and `trigonometry` hold the rest.  `expanded(loop)` replaces every
operation that is a formula; what is left are basic operations, which have instructions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from . import error_function, exponentials, powers, trigonometry
from .loops import Compute, Loop, Reduce, Step, Store, reads
from .steps import renumbered
from .terms import FORMULAS, Code, Term, fma, formula

__all__ = ["FORMULAS", "expanded"]

#: Modules whose import registers formulas.
FAMILIES = (exponentials, error_function, powers, trigonometry)


def expanded(loop: Loop, instructions: Sequence[str] = ()) -> Loop:
    """The same loop in basic operations alone, without what is computed twice or for nothing.

    Args:
        instructions: operations with a formula for which the machine has an instruction, which stay; "pow" is one for
            powers, of which the simple ones, such as x^2, become products all the same.

    >>> from minigrad.compiler.loops import Load, Operand
    >>> print(expanded(Loop((4,), (Operand("float32", (1,)),), (Load(0), Compute("reciprocal", (0,)), Store(0, 1)))))
    loop over [4]
      a0: float32 strides (1,)
      v0 = load a0        float32 over {0}
      v1 = 1.0            float32 over {}
      v2 = divide v1 v0   float32 over {0}
      store v2 in a0
    """
    code = Code(lambda load: loop.operands[load.operand].dtype, instructions)
    numbers: list[int] = []  # the new number of each old value
    for step in loop.code:
        match step:
            case Compute(op, args):
                numbers.append(code.compute(op, *(numbers[v] for v in args)))
            case Reduce(_, value, ()):
                numbers.append(numbers[value])
            case Reduce(op, value, axes):
                numbers.append(code.add(Reduce(op, numbers[value], tuple(sorted(axes)))))
            case Store(operand, value):
                numbers.append(code.add(Store(operand, numbers[value])))
            case _:
                numbers.append(code.add(step))
    return replace(loop, code=_without_dead(code.steps))


def _without_dead(steps: list[Step]) -> tuple[Step, ...]:
    """The steps that a store needs, renumbered."""
    needed = [isinstance(step, Store) for step in steps]
    for i in range(len(steps) - 1, -1, -1):
        if needed[i]:
            for value in reads(steps[i]):
                needed[value] = True
    new = {old: i for i, old in enumerate(i for i, need in enumerate(needed) if need)}
    return tuple(renumbered(steps[old], new) for old in new)


@formula("reciprocal")
def reciprocal(x: Term) -> Term:
    return 1.0 / x


@formula("square")
def square(x: Term) -> Term:
    return x * x


@formula("sign")
def sign(x: Term) -> Term:
    if x.dtype.startswith("float"):
        return (x > 0.0).where(x.constant(1.0), (x < 0.0).where(x.constant(-1.0), (x >= 0.0).where(x.constant(0.0), x)))
    above = (x > 0).cast(x.dtype)
    return above - (x < 0).cast(x.dtype) if x.dtype.startswith("int") else above


def fmod(x: Term, y: Term) -> Term:
    """What is left of x after whole y, with the sign of x, in two steps: each takes as many bits off as a float has.

    Where the quotient is larger than two floats hold, it is NaN.
    """
    size, divisor = abs(x), abs(y)
    left = size
    for _ in range(2):
        left = fma(-(left / divisor).op("trunc"), divisor, left)
    left = (left < 0.0).where(left + divisor, left)
    left = (left < divisor).where(left, (left > divisor).where(left.constant(math.nan), left - divisor))
    return (size < divisor).where(size, left).op("copysign", x)


@formula("remainder")
def remainder(x: Term, y: Term) -> Term:
    """What is left of x after whole y, with the sign of y."""
    if not x.dtype.startswith("float"):
        return NotImplemented
    left = fmod(x, y)
    other_sign = left.op("signbit").op("not_equal", y.op("signbit"))
    return left.op("equal", 0.0).where(left.op("copysign", y), other_sign.where(left + y, left))


@formula("floor_divide")
def floor_divide(x: Term, y: Term) -> Term:
    """How many whole y are in x, rounded down: (x - remainder) / y, which is whole up to rounding, as NumPy does it."""
    if not x.dtype.startswith("float"):
        return NotImplemented
    left = fmod(x, y)
    below = left.op("not_equal", 0.0) & left.op("signbit").op("not_equal", y.op("signbit"))
    quotient = (x - left) / y - below.where(x.constant(1.0), 0.0)
    whole = quotient.op("floor")
    whole = whole + (quotient - whole > 0.5).where(x.constant(1.0), 0.0)
    whole = quotient.op("equal", 0.0).where(quotient.op("copysign", x / y), whole)
    return y.op("equal", 0.0).where(x / y, whole)
