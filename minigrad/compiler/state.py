"""What a function can reach beside its arguments: tensors, arrays, numbers, in closures, globals, modules, optimizers.

A compiled training step changes these as the step itself does.  So before it is traced they are looked up: arrays
become traced ones in their places, and afterwards the places are looked at again.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import graph
from ..tensor import Tensor

__all__ = ["Place", "State", "reachable"]

#: What has no state, or none that a program could change.
_SIMPLE = (type, types.ModuleType, types.CodeType, types.BuiltinFunctionType, np.dtype, np.ufunc, str, bytes)


@dataclass(slots=True)
class Place:
    """An entry of a dict, a list, or an object's attributes (its `__dict__`)."""

    holder: Any
    key: Any

    def get(self) -> Any:
        return self.holder[self.key]

    def set(self, value: Any) -> None:
        self.holder[self.key] = value


@dataclass
class State:
    """Attributes:
    tensors: all Tensors, once each.
    arrays: the places of NumPy arrays.
    fixed: the places of what must be the same at each call: other numbers, texts, None.
    lengths: dicts and lists, and how long they are.
    generators: NumPy's own generators of random numbers.
    """

    tensors: list[Tensor] = field(default_factory=list)
    arrays: list[Place] = field(default_factory=list)
    fixed: list[tuple[Place, Any]] = field(default_factory=list)
    holders: list[tuple[Any, tuple[Any, ...]]] = field(default_factory=list)
    generators: list[np.random.Generator] = field(default_factory=list)
    seen: dict[int, Any] = field(default_factory=dict)


def reachable(*roots: Any) -> State:
    """Everything that can be reached from functions, modules and other objects."""
    state = State()
    waiting = list(roots)
    while waiting:
        x = waiting.pop()
        if id(x) in state.seen or isinstance(x, _SIMPLE):
            continue
        state.seen[id(x)] = x
        waiting += list(_inside(x, state))[::-1]
    return state


def _inside(x: Any, state: State) -> Iterator[Any]:
    """What an object holds; what it is itself is noted."""
    if isinstance(x, Tensor):
        state.tensors.append(x)
        if x.grad is not None:
            yield x.grad
    elif isinstance(x, types.FunctionType):
        yield from _inside_function(x)
    elif isinstance(x, types.MethodType):
        yield from (x.__self__, x.__func__)
    elif isinstance(x, functools.partial):
        yield from (x.func, x.args, x.keywords)
    elif isinstance(x, np.random.Generator):
        state.generators.append(x)
    elif isinstance(x, dict):
        yield from _entries(x, list(x.items()), state)
        yield from (k for k in x if isinstance(k, Tensor))
    elif isinstance(x, list):
        yield from _entries(x, list(enumerate(x)), state)
    elif isinstance(x, (tuple, set, frozenset)):
        yield from x
    elif hasattr(x, "__dict__") and not isinstance(x, np.ndarray):
        own = getattr(type(x), "caches", ())
        yield from _entries(vars(x), [(k, v) for k, v in vars(x).items() if k not in own], state)


def _inside_function(f: types.FunctionType) -> Iterator[Any]:
    for cell in f.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not filled yet
            continue
    yield from f.__defaults__ or ()
    yield from (f.__kwdefaults__ or {}).values()
    if hasattr(f, "__wrapped__"):
        yield f.__wrapped__
    if not graph.is_library(f.__code__.co_filename):
        yield from (f.__globals__[n] for n in _names(f.__code__) if n in f.__globals__)


def _names(code: types.CodeType) -> Iterator[str]:
    """The names that code, and the code of functions inside of it, reads from elsewhere."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _entries(holder: Any, items: list[tuple[Any, Any]], state: State) -> Iterator[Any]:
    """The values in a dict or a list, each by what it is."""
    state.holders.append((holder, tuple(k for k, _ in items)))
    for key, value in items:
        place = Place(holder, key)
        if type(value) is np.ndarray:
            state.arrays.append(place)
        elif isinstance(value, (bool, int, float, complex, str, type(None))):
            state.fixed.append((place, value))
        else:
            yield value
