"""Python's numbers of a run that is written down: a learning rate, the count of steps.

They are another one at each call.  What Python computes from them alone is computed by Python at each call, in one
expression; beside arrays they are numbers without a dtype, as always.  What a function of NumPy's makes of them, np.sin(k)
say, is an array without axes, and a step of the program.  Who needs the number itself, math.sin(k) or a key of a dict, gets
it, and the program is right for this number alone.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays.traced import alone

__all__ = ["COMPARISONS", "SIGNS", "Formula", "Number", "evaluate", "key_of"]


class Formula:
    """A number of the program: given, or computed from others by a function of Python's.

    Attributes:
        function: None for one that is given.
        args: Formulas and numbers.
        name: how a given one is called: "lr", "step".
    """

    __slots__ = ("args", "function", "name")

    def __init__(self, function: Callable[..., Any] | None = None, args: tuple[Any, ...] = (), name: str = "given") -> None:
        self.function, self.args, self.name = function, args, name

    def __repr__(self) -> str:
        if self.function is None:
            return self.name
        sign, args = SIGNS.get(self.function.__name__), [repr(a) for a in self.args]
        return f"({args[0]} {sign} {args[1]})" if sign and len(args) == 2 else f"{self.function.__name__}({', '.join(args)})"


#: How Python writes functions of two numbers.
SIGNS = {
    "add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**",
    "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
}  # fmt: skip


def evaluate(x: Any, given: dict[Formula, Any]) -> Any:
    """A formula's value; what was computed is kept in `given`."""
    if type(x) is not Formula:
        return x
    if x not in given:
        assert x.function is not None
        given[x] = x.function(*(evaluate(a, given) for a in x.args))
    return given[x]


def key_of(x: Any) -> Any:
    """What an argument is looked up by: for a number its type and its digits, since 2 == 2.0 and 0.0 == -0.0.

    >>> key_of(0.0) == key_of(-0.0), key_of(float("nan")) == key_of(float("nan"))
    (False, True)
    """
    return (type(x), repr(x)) if isinstance(x, (bool, int, float, complex, np.generic)) else x


#: What gives a truth.
COMPARISONS = {operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge, bool}


class Number:
    """A Python number whose value is another one at each call.

    Attributes:
        number: the value in this run.
        formula: how it follows from what is given.
    """

    __slots__ = ("formula", "number", "recorder")

    def __init__(self, number: Any, formula: Formula, recorder: Any) -> None:
        self.number, self.formula, self.recorder = number, formula, recorder

    def _truth(self) -> bool:
        """A decision: the program is right while it falls the same way."""
        return self.recorder.decided(self.recorder.formula(bool, self.formula), bool(self.number))

    def _exact(self, convert: Callable[[Any], Any]) -> Any:
        """The number itself: the program is right while it is the same."""
        if not self.number:  # -0.0 == 0.0
            self.recorder.decided(self.recorder.formula(repr, self.formula), repr(self.number))
        return self.recorder.decided(self.recorder.formula(convert, self.formula), convert(self.number))

    __bool__ = _truth

    def __float__(self) -> float:
        return self._exact(float)

    def __int__(self) -> int:
        return self._exact(int)

    def __index__(self) -> int:
        return self._exact(operator.index)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.asarray(self._exact(type(self.number)), dtype)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        """What isinstance() is told: a number takes the branch that it would take otherwise."""
        return type(self.number)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if not alone((*inputs, *kwargs.values())):
            return NotImplemented
        return self.recorder.of_numbers(ufunc if method == "__call__" else getattr(ufunc, method), inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if any(hasattr(t, "_node") or hasattr(t, "level") for t in types):
            return NotImplemented
        return self.recorder.of_numbers(function, args, kwargs)

    def __hash__(self) -> int:
        return self._exact(hash)

    def __str__(self) -> str:
        return self._exact(str)

    def __repr__(self) -> str:
        return self._exact(repr)

    def __format__(self, spec: str) -> str:
        return format(self._exact(type(self.number)), spec)


def _of(function: Callable[..., Any], *args: Any) -> Any:
    """A function of Python's of numbers of which one is traced."""
    if not all(isinstance(a, (Number, int, float, complex)) and not isinstance(a, np.generic) for a in args):
        return NotImplemented
    recorder = next(a.recorder for a in args if type(a) is Number)
    value = function(*(a.number if type(a) is Number else a for a in args))
    return Number(value, recorder.formula(function, *(a.formula if type(a) is Number else a for a in args)), recorder)


def _bind(name: str, function: Callable[..., Any], count: int) -> None:
    def method(self: Number, *others: Any) -> Any:
        return _of(function, self, *others)

    def swapped(self: Number, other: Any) -> Any:
        return _of(function, other, self)

    setattr(Number, f"__{name}__", method)
    if count == 2:
        setattr(Number, f"__r{name}__", swapped)


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    _bind(_name, getattr(operator, _name), 2)
for _name in ("neg", "pos", "abs"):
    _bind(_name, getattr(operator, _name), 1)
for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    _bind(_name, getattr(operator, _name), 0)
for _name, _function in (("ceil", math.ceil), ("floor", math.floor), ("trunc", math.trunc), ("round", round)):
    _bind(_name, _function, 0)
