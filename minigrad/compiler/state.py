"""What a function can reach beside its arguments: tensors, arrays, numbers, in closures, globals, modules, optimizers.

A compiled training step changes these as the step itself does.  So before it is traced they are looked up: arrays
become traced ones in their places, and afterwards the places are looked at again.  What else is found must be the same
at each call: numbers are compared, objects must be the same ones.
"""

from __future__ import annotations

import dis
import functools
import gc
import math
import operator
import random
import sys
import types
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import graph
from ..backend import is_plain
from ..op import Op
from ..tensor import Tensor

__all__ = ["METHODS", "PLAIN", "Place", "State", "held", "held_in", "is_library_code", "position", "reachable", "same_value"]

#: What holds nothing that a program could depend on.
_NOTHING = (types.ModuleType, types.CodeType, types.BuiltinFunctionType, np.dtype, np.ufunc, bytes)
#: The attribute in which an object keeps the programs of its compiled methods.
METHODS = "__compiled_methods__"
#: What is compared by its value.
PLAIN = (bool, int, float, complex, str, type(None), np.generic)


@dataclass(slots=True, frozen=True)
class Place:
    """Where something can be found and replaced.

    Attributes:
        holder: a dict, a list, a function's cell, or an object.
        key: of a dict or a list; the name of an attribute.
        variable: of a cell, the name that the function knows it by.
    """

    holder: Any
    key: Any
    variable: str = field(default="", compare=False)

    def __str__(self) -> str:
        return self.variable or str(self.key)

    @property
    def is_item(self) -> bool:
        return isinstance(self.holder, (dict, list, deque, types.MappingProxyType))

    def get(self) -> Any:
        return self.holder[self.key] if self.is_item else getattr(self.holder, self.key)

    def set(self, value: Any) -> None:
        if self.is_item:
            self.holder[self.key] = value
        else:
            setattr(self.holder, self.key, value)

    @property
    def exists(self) -> bool:
        if isinstance(self.holder, (list, deque)):
            return self.key < len(self.holder)
        return self.key in self.holder if self.is_item else hasattr(self.holder, self.key)

    def text(self, name: Callable[[Any, str], str]) -> str:
        """How code reads it; objects in it are given names."""
        holder = name(self.holder, "o")
        if not self.is_item:
            return f"{holder}.{self.key}"
        return f"{holder}[{self.key!r}]" if isinstance(self.key, (str, int)) else f"{holder}[{name(self.key, 'k')}]"


class _Context:
    """The value of a context variable, as an attribute."""

    def __init__(self, variable: ContextVar[Any]) -> None:
        self.variable = variable

    value = property(lambda self: self.variable.get(None), lambda self, value: self.variable.set(value))


@dataclass
class State:
    """Attributes:
    tensors: all Tensors, once each, and where the first look found them; None in a tuple, or as a key.
    arrays: the places of NumPy arrays.
    tuples: the places of tuples with arrays in them.
    loose: arrays which nothing can stand in for: in the arguments of a `functools.partial`.
    fixed: the places of what must be equal at each call: numbers, texts, None.
    same: the places of what must be the same object at each call.
    holders: dicts, lists and deques, and their keys.
    theirs: the identities of containers in the library's objects, an optimizer's state say, in which no order counts.
    sets: sets, and what they held.
    generators: generators of random numbers that are not minigrad's.
    iterators: what moves on when it is read, and where it stands.
    places: all places, by their holder's identity and their key.
    """

    tensors: dict[Tensor, Place | None] = field(default_factory=dict)
    arrays: list[Place] = field(default_factory=list)
    tuples: list[tuple[Place, Any]] = field(default_factory=list)
    loose: list[np.ndarray] = field(default_factory=list)
    fixed: list[tuple[Place, Any]] = field(default_factory=list)
    same: list[tuple[Place, Any]] = field(default_factory=list)
    holders: list[tuple[Any, tuple[Any, ...]]] = field(default_factory=list)
    theirs: set[int] = field(default_factory=set)
    sets: list[tuple[set[Any], set[Any]]] = field(default_factory=list)
    generators: list[Any] = field(default_factory=list)
    iterators: list[tuple[Any, Any]] = field(default_factory=list)
    seen: dict[int, Any] = field(default_factory=dict)
    places: dict[tuple[int, Any], Place] = field(default_factory=dict)

    def order_of(self, holder: Any) -> list[Any] | None:
        """The keys of a dict that the user's code may go through in their order."""
        keys = list(holder) if type(holder) is dict and id(holder) not in self.theirs else []
        return keys if len(keys) > 1 and all(isinstance(k, PLAIN) for k in keys) else None

    def at(self, place: Place, value: Any) -> Iterator[Any]:
        """Note what stands in a place; what is to be looked into."""
        if (id(place.holder), place.key) in self.places:
            return
        self.places[id(place.holder), place.key] = place
        if is_plain(value):
            self.arrays.append(place)
        elif isinstance(value, PLAIN) or (type(value) is tuple and all(isinstance(v, PLAIN) for v in value)):
            self.fixed.append((place, value))
        elif isinstance(value, tuple) and any(map(_has_array, value)):
            self.same.append((place, value))
            self.tuples.append((place, value))
            yield from (v for v in value if not _has_array(v))
        elif isinstance(value, Tensor) and value not in self.tensors:
            self.tensors[value] = place
            self.seen[id(value)] = value
            yield from _inside(value, self)
        elif not isinstance(value, _NOTHING) and not is_library_code(value):
            self.same.append((place, value))
            yield value


def _has_array(x: Any) -> bool:
    return any(map(is_plain, held_in(x)))


def held_in(x: Any) -> Iterator[Any]:
    """What tuples in tuples hold, however deep; of another object itself."""
    waiting = [x]
    while waiting:
        x = waiting.pop()
        if isinstance(x, tuple):
            waiting.extend(x)
        else:
            yield x


def reachable(*roots: Any) -> State:
    """Everything that can be reached from functions, modules and other objects."""
    state = State()
    waiting = list(roots)
    while waiting:
        x = waiting.pop()
        if id(x) in state.seen or isinstance(x, (*_NOTHING, *PLAIN)) or is_library_code(x):
            continue
        state.seen[id(x)] = x
        waiting += list(_inside(x, state))[::-1]
    return state


def _inside(x: Any, state: State) -> Iterator[Any]:
    """What an object holds; what it is itself is noted."""
    if isinstance(x, Tensor):
        state.tensors.setdefault(x, None)
        if x.grad is not None:
            yield from state.at(Place(x, "grad"), x.grad)
        if x._node is not None and x._node.info is not None and x._node.info.hooks:
            yield x._node.info.hooks
    elif isinstance(x, np.ndarray) or is_plain(x):
        state.loose.append(x)
    elif isinstance(x, types.FunctionType):
        yield from _inside_function(x, state)
    elif isinstance(x, ContextVar):
        yield from state.at(Place(_Context(x), "value"), x.get(None))
    elif isinstance(x, types.MethodType):
        yield from (x.__self__, x.__func__)
    elif isinstance(x, functools.partial):
        yield from (x.func, x.args, x.keywords)
    elif isinstance(x, (np.random.Generator, np.random.RandomState, random.Random)):
        state.generators.append(x)
    elif isinstance(x, Iterator) and (isinstance(x, types.GeneratorType) or type(x).__module__ in ("builtins", "itertools")):
        state.iterators.append((x, position(x)))
    elif isinstance(x, dict):
        yield from _entries(x, list(x.items()), state)
        yield from (k for k in x if isinstance(k, Tensor))
    elif isinstance(x, types.MappingProxyType):
        for key, value in x.items():
            if isinstance(value, Tensor) or _has_array(value):
                yield value
            else:
                yield from state.at(Place(x, key), value)
    elif isinstance(x, (list, deque)):
        yield from _entries(x, list(enumerate(x)), state)
    elif isinstance(x, (tuple, set, frozenset)):
        if isinstance(x, set):
            state.sets.append((x, set(x)))
        yield from x
    elif isinstance(x, type):
        yield from _attributes(x, dict(vars(x)), state)
    else:
        yield from _inside_object(x, state)


def _entries(holder: Any, items: list[tuple[Any, Any]], state: State) -> Iterator[Any]:
    """The values in a dict or a list, each by what it is."""
    state.holders.append((holder, tuple(k for k, _ in items)))
    if id(holder) in state.theirs:
        state.theirs.update(id(v) for _, v in items if isinstance(v, (dict, list)))
    for key, value in items:
        yield from state.at(Place(holder, key), value)


def _attributes(holder: Any, values: dict[str, Any], state: State) -> Iterator[Any]:
    """The values of a class, or of an object's slots."""
    for name, value in values.items():
        if not (name.startswith("__") and name.endswith("__")):
            yield from state.at(Place(holder, name), value)
        elif isinstance(value, types.FunctionType):
            yield value


def _inside_object(x: Any, state: State) -> Iterator[Any]:
    """Its attributes, those of its slots, and its class, if that is the user's."""
    if hasattr(x, "__dict__"):
        own = getattr(type(x), "caches", ())
        if is_library_code(type(x)):
            state.theirs.add(id(vars(x)))
        yield from _entries(vars(x), [(k, v) for k, v in vars(x).items() if k not in own and k != METHODS], state)
    kinds = [kind for kind in type(x).__mro__ if not is_library_code(kind)]
    slots = [s for kind in kinds for s in kind.__dict__.get("__slots__", ()) if hasattr(x, s)]
    yield from _attributes(x, {s: getattr(x, s) for s in slots}, state)
    yield from kinds


def _inside_function(f: types.FunctionType, state: State) -> Iterator[Any]:
    for name, cell in zip(f.__code__.co_freevars, f.__closure__ or (), strict=True):
        try:
            value = cell.cell_contents
        except ValueError:  # not filled yet
            continue
        yield from state.at(Place(cell, "cell_contents", name), value)
    yield from state.at(Place(f, "__defaults__"), f.__defaults__)
    if graph.is_library(f.__code__.co_filename):
        yield f.__kwdefaults__
    else:
        yield from state.at(Place(f, "__kwdefaults__"), f.__kwdefaults__)
        state.same.append((Place(f, "__code__"), f.__code__))  # which a reload of a module replaces
    if hasattr(f, "__wrapped__"):
        yield f.__wrapped__
    if isinstance(op := f.__globals__.get("_op"), Op):  # its generated function; the forward may be a user's
        yield from (op.forward, *op.rules)
    if not graph.is_library(f.__code__.co_filename):
        for name in _names(f.__code__):
            if name in f.__globals__:
                yield from state.at(Place(f.__globals__, name), f.__globals__[name])
        yield from _inside_modules(f, state)


def _inside_modules(f: types.FunctionType, state: State) -> Iterator[Any]:
    """What a function may read of the user's modules: attributes whose names stand in its code."""
    cells = [c.cell_contents for c in f.__closure__ or () if isinstance(held(c), types.ModuleType)]
    attributes, imported = _attribute_names(f.__code__)
    waiting = [*cells, *(f.__globals__.get(n) for n in _names(f.__code__)), *(sys.modules.get(n) for n in imported)]
    seen: set[int] = set()
    while waiting:
        module = waiting.pop()
        if not isinstance(module, types.ModuleType) or id(module) in seen or _is_library_module(module):
            continue
        seen.add(id(module))
        for name in attributes:
            if name in vars(module):
                waiting.append(vars(module)[name])
                yield from state.at(Place(vars(module), name), vars(module)[name])


def held(cell: Any) -> Any:
    """What a cell of a closure holds; None where it is not filled yet."""
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _is_library_module(module: types.ModuleType) -> bool:
    file = getattr(module, "__file__", None)
    return module.__name__ in sys.builtin_module_names or (file is not None and graph.is_library(file))


@functools.lru_cache(maxsize=1024)
def _attribute_names(code: types.CodeType) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of attributes that code reads or writes, and of modules that it imports."""
    found = {i.argval: i.opname == "IMPORT_NAME" for i in dis.get_instructions(code) if i.opname in _BY_NAME}
    names, imported = [n for n, m in found.items() if not m], [n for n, m in found.items() if m]
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            inner = _attribute_names(constant)
            names, imported = [*names, *inner[0]], [*imported, *inner[1]]
    return tuple(dict.fromkeys(names)), tuple(dict.fromkeys(imported))


_BY_NAME = {"LOAD_ATTR", "LOAD_METHOD", "STORE_ATTR", "DELETE_ATTR", "IMPORT_NAME", "IMPORT_FROM"}


def same_value(x: Any, y: Any) -> bool:
    """Whether numbers, texts and tuples of them are the same to whoever reads them.

    >>> same_value(2, 2.0), same_value(0.0, -0.0), same_value(math.nan, math.nan), same_value((1, "a"), (1, "a"))
    (False, False, True, True)
    """
    if x is y:
        return True
    if type(x) is not type(y):
        return False
    if isinstance(x, tuple):
        return len(x) == len(y) and all(map(same_value, x, y))
    if isinstance(x, complex):
        return same_value(x.real, y.real) and same_value(x.imag, y.imag)
    if isinstance(x, (float, np.floating)):
        return bool(math.copysign(1, x) == math.copysign(1, y)) if x == y else bool(np.isnan(x) and np.isnan(y))
    return bool(x == y)


def position(x: Any) -> Any:
    """Where an iterator stands, as far as can be seen from outside."""
    if isinstance(x, types.GeneratorType):
        frame = x.gi_frame
        return None if frame is None else (frame.f_lasti, [(k, id(v)) for k, v in frame.f_locals.items()])
    left = operator.length_hint(x, -1)
    inner = [position(v) for v in gc.get_referents(x) if isinstance(v, Iterator)]
    return left, repr(x) if type(x).__name__ in ("count", "repeat") else "", inner


@functools.lru_cache(maxsize=1024)
def _names(code: types.CodeType) -> tuple[str, ...]:
    """The global names that code, and the code of functions inside of it, reads."""
    found = dict.fromkeys(i.argval for i in dis.get_instructions(code) if i.opname in ("LOAD_GLOBAL", "LOAD_NAME"))
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found |= dict.fromkeys(_names(constant))
    return tuple(found)


def is_library_code(x: Any) -> bool:
    """Whether x is a function or a class of minigrad's, nn's, Python's or an installed package's."""
    if isinstance(x, types.FunctionType):
        op = x.__globals__.get("_op")
        if isinstance(op, Op) and not is_library_code(op.forward):
            return False
        return graph.is_library(x.__code__.co_filename) and x.__closure__ is None
    if not isinstance(x, type):
        return False
    file = getattr(sys.modules.get(x.__module__), "__file__", None)
    return x.__module__ == "builtins" or (file is not None and graph.is_library(file))
