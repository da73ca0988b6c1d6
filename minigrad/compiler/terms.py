"""Terms: Python expressions that write the code of a loop.

`x * x + 1` on terms appends a multiply, a constant and an add to the code that is being built.  So a formula
(`minigrad.compiler.formulas`) reads as in a book, and everything that can run a loop can run it: the
interpreter, a CPU of any vector width, a GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .loops import Compute, Constant, Index, Load, Reduce, Step, Store
from .operations import result_dtype

__all__ = ["FORMULAS", "Code", "Term", "fma", "formula", "polynomial"]

#: The formula of each operation that has one.
FORMULAS: dict[str, Callable[..., Term]] = {}


class Code:
    """Code that grows; the same step twice is one value."""

    def __init__(self, dtypes: Callable[[Load], str], instructions: Sequence[str] = ()) -> None:
        self.instructions = instructions  # operations that need no formula here
        self.steps: list[Step] = []
        self.dtypes: list[str] = []
        self._known: dict[tuple[Step, str], int] = {}
        self._dtype_of_load = dtypes

    def add(self, step: Step) -> int:
        """The number of a step's value: a new one, or the one that it has already."""
        key = (step, repr(step) if isinstance(step, Constant) else "")  # 0.0 and -0.0 are equal, but not the same
        if key not in self._known or isinstance(step, Store):
            self._known[key] = len(self.steps)
            self.steps.append(step)
            self.dtypes.append(self._dtype(step))
        return self._known[key]

    def _dtype(self, step: Step) -> str:
        match step:
            case Load():
                return self._dtype_of_load(step)
            case Constant(_, dtype) | Index(_, dtype):
                return dtype
            case Compute(op, args):
                return result_dtype(op, tuple(self.dtypes[v] for v in args))
            case Reduce(_, value, _) | Store(_, value):
                return self.dtypes[value]

    def compute(self, op: str, *args: int) -> int:
        """Append an operation; its formula, where it has one."""
        dtypes = tuple(self.dtypes[v] for v in args)
        result_dtype(op, dtypes)
        found = None if op in self.instructions else FORMULAS.get(op)
        term = found(*(Term(self, v) for v in args)) if found else NotImplemented
        return self.add(Compute(op, args)) if term is NotImplemented else term.value


class Term:
    """A value of code that grows, with Python's operators."""

    def __init__(self, code: Code, value: int) -> None:
        self.code, self.value = code, value

    @property
    def dtype(self) -> str:
        return self.code.dtypes[self.value]

    def constant(self, value: float, dtype: str | None = None) -> Term:
        """A number, in this term's dtype unless another is given."""
        return Term(self.code, self.code.add(Constant(value, dtype or self.dtype)))

    def op(self, name: str, *others: Term | float) -> Term:
        """An operation on this term and others; numbers become constants of this term's dtype."""
        terms = [other if isinstance(other, Term) else self.constant(other) for other in others]
        return Term(self.code, self.code.compute(name, self.value, *(t.value for t in terms)))

    def where(self, yes: Term | float, no: Term | float) -> Term:
        """yes where this (a bool) holds, else no."""
        like = yes if isinstance(yes, Term) else no
        assert isinstance(like, Term)
        terms = [t if isinstance(t, Term) else like.constant(t) for t in (yes, no)]
        return self.op("where", *terms)

    def cast(self, dtype: str) -> Term:
        return self if dtype == self.dtype else self.op(f"astype:{dtype}")

    def view(self, dtype: str) -> Term:
        return self.op(f"view:{dtype}")

    def __add__(self, other: Term | float) -> Term:
        return self.op("add", other)

    def __radd__(self, other: float) -> Term:
        return self.constant(other) + self

    def __sub__(self, other: Term | float) -> Term:
        return self.op("subtract", other)

    def __rsub__(self, other: float) -> Term:
        return self.constant(other) - self

    def __mul__(self, other: Term | float) -> Term:
        return self.op("multiply", other)

    def __rmul__(self, other: float) -> Term:
        return self.constant(other) * self

    def __truediv__(self, other: Term | float) -> Term:
        return self.op("divide", other)

    def __rtruediv__(self, other: float) -> Term:
        return self.constant(other) / self

    def __neg__(self) -> Term:
        return self.op("negative")

    def __abs__(self) -> Term:
        return self.op("absolute")

    def __lt__(self, other: Term | float) -> Term:
        return self.op("less", other)

    def __gt__(self, other: Term | float) -> Term:
        return self.op("greater", other)

    def __le__(self, other: Term | float) -> Term:
        return self.op("less_equal", other)

    def __ge__(self, other: Term | float) -> Term:
        return self.op("greater_equal", other)

    def __and__(self, other: Term | int) -> Term:
        return self.op("bitwise_and", other)

    def __or__(self, other: Term | int) -> Term:
        return self.op("bitwise_or", other)

    def __invert__(self) -> Term:
        return self.op("invert")

    def __lshift__(self, bits: int) -> Term:
        return self.op("left_shift", bits)

    def __rshift__(self, bits: int) -> Term:
        return self.op("right_shift", bits)


def formula(*names: str) -> Callable[[Callable[..., Term]], Callable[..., Term]]:
    """Decorate a function of terms: it is what operations of these names expand to.

    Where it returns NotImplemented, for some dtypes, the operation is a basic one.
    """

    def register(function: Callable[..., Term]) -> Callable[..., Term]:
        for name in names:
            FORMULAS[name] = function
        return function

    return register


def fma(x: Term, y: Term | float, z: Term | float) -> Term:
    """x * y + z, rounded once where the machine can."""
    return x.op("fma", y, z)


def polynomial(x: Term, coefficients: Sequence[float]) -> Term:
    """c0 + c1 x + c2 x^2 + ..., by Horner's rule, which is as fast as others here and twice as accurate."""
    total: Any = coefficients[-1]
    for c in reversed(coefficients[:-1]):
        total = fma(x, total, c)
    return total
