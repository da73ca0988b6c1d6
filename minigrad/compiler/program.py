"""A program: a flat list of NumPy calls, each of which gives new arrays.

    v2 = multiply(v0, v1)
    v3 = sum(v2, axis=0)

Nothing is written in place and nothing is hidden, so that a pass over the list may leave out, join or move steps.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from ..arrays.traced import Place
from ..trees import sequence_like
from .numbers import Formula, evaluate

__all__ = ["Program", "Step", "Var", "bytes_of", "formulas_in", "mapped", "vars_in", "with_values"]


_added = itertools.count(1)


class Var:
    """A value of a program: one array.

    Attributes:
        why: of a guard, what would be another one where it is not true, and in which line of the user's code.
    """

    __slots__ = ("dtype", "number", "shape", "why")

    def __init__(self, number: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.number, self.shape, self.dtype = number, shape, dtype
        self.why: str | None = None

    @classmethod
    def new(cls, shape: tuple[int, ...], dtype: Any) -> Var:
        """A value that a pass adds; it is called t and a number."""
        return cls(-next(_added), shape, np.dtype(dtype))

    def __repr__(self) -> str:
        return f"v{self.number}" if self.number >= 0 else f"t{-self.number}"


@dataclass(eq=False, slots=True, repr=False)
class Step:
    """One call: `function(*args, **kwargs)`, with Vars in the place of arrays, also in nested containers."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    outs: tuple[Var | None, ...]
    several: bool = False
    _inputs: tuple[Var, ...] | None = field(default=None, init=False, repr=False)

    @property
    def out(self) -> Var:
        """The result of a call that gives one array."""
        out = self.outs[0]
        assert out is not None
        return out

    def inputs(self) -> tuple[Var, ...]:
        """The values that it reads; found once, since each pass asks for them."""
        if self._inputs is None:
            self._inputs = tuple(vars_in((self.args, self.kwargs)))
        return self._inputs

    def __str__(self) -> str:
        name = getattr(self.function, "__name__", str(self.function))
        given = [_shown(a) for a in self.args] + [f"{k}={_shown(v)}" for k, v in self.kwargs.items()]
        outs = ", ".join(map(str, self.outs))
        return f"{outs} = {name}({', '.join(given)})"

    __repr__ = __str__


@dataclass(eq=False, repr=False)
class Program:
    """Attributes:
    inputs: the values that a call is given.
    constants: values that are the same at every call, with their arrays.
    steps: what is computed, in order.
    outputs: the values that a call gives, in nested containers.
    checks: what raises where values are wrong, as an index out of range, and the values.
    guards: values that must be true; where one is not, the function itself must run.
    """

    inputs: list[Var]
    constants: dict[Var, np.ndarray]
    steps: list[Step]
    outputs: Any
    checks: list[tuple[Callable[..., None], tuple[Var, ...]]] = field(default_factory=list)
    guards: list[Var] = field(default_factory=list)

    def __str__(self) -> str:
        head = [f"{v}: {v.dtype} {v.shape}  (given)" for v in self.inputs]
        head += [f"{v}: {v.dtype} {v.shape}  (constant)" for v in self.constants]
        lines = [f"{step}  # {', '.join(f'{v.dtype} {v.shape}' for v in step.outs if v)}" for step in self.steps]
        return "\n".join([*head, *lines, f"return {_shown(self.outputs)}"])

    def __repr__(self) -> str:
        return f"<program of {len(self.steps)} calls, which print() shows>"

    def run(self, arrays: Sequence[Any], numbers: dict[Any, Any] | None = None) -> Any:
        """The outputs for these inputs, one NumPy call after the other."""
        values: dict[Any, Any] = dict(zip(self.inputs, arrays, strict=True)) | self.constants | (numbers or {})
        for step in self.steps:
            out = step.function(*with_values(step.args, values), **with_values(step.kwargs, values))
            values.update(zip(step.outs, out if step.several else (out,), strict=True))
        return with_values(self.outputs, values)


def vars_in(x: Any) -> list[Var]:
    """The values in nested containers."""
    found: list[Var] = []
    _collect(x, Var, found)
    return found


def formulas_in(steps: Sequence[Step]) -> list[Formula]:
    """The numbers of Python's that steps read, each once."""
    found: list[Formula] = []
    _collect([(s.args, s.kwargs) for s in steps], Formula, found)
    return list(dict.fromkeys(found))


def _collect(x: Any, kind: type, found: list[Any]) -> None:
    if type(x) is kind:
        found.append(x)
    elif isinstance(x, (tuple, list)):
        for v in x:
            _collect(v, kind, found)
    elif isinstance(x, dict):
        for v in x.values():
            _collect(v, kind, found)
    elif isinstance(x, slice):
        _collect((x.start, x.stop, x.step), kind, found)
    elif isinstance(x, Place):  # where a view lies
        _collect((x.args, x.kwargs), kind, found)


def mapped(x: Any, f: Callable[[Any], Any]) -> Any:
    """The same with f of each value, and of each number of Python's, in its place, in nested containers."""
    if type(x) in (Var, Formula):
        return f(x)
    if isinstance(x, (tuple, list)):
        return sequence_like(x, [mapped(v, f) for v in x])
    if isinstance(x, dict):
        return {k: mapped(v, f) for k, v in x.items()}
    if isinstance(x, slice):
        return slice(mapped(x.start, f), mapped(x.stop, f), mapped(x.step, f))
    if isinstance(x, Place):
        return Place(x.function, mapped(x.args, f), mapped(x.kwargs, f), x.number)
    return x


def with_values(x: Any, values: dict[Var, Any]) -> Any:
    """The same with arrays, or other things, in place of the Vars, and numbers in place of the Formulas."""
    return mapped(x, lambda v: values[v] if type(v) is Var else evaluate(v, values))  # type: ignore[arg-type]


def bytes_of(v: Var) -> int:
    """The bytes of a value in one piece."""
    return v.dtype.itemsize * prod(v.shape)


def _shown(x: Any) -> str:
    if isinstance(x, np.ndarray):
        return repr(x.item()) if x.size == 1 else f"<{x.dtype} {x.shape}>"
    if isinstance(x, (tuple, list)):
        return "(" + ", ".join(map(_shown, x)) + ")"
    return getattr(x, "__name__", None) or repr(x)
