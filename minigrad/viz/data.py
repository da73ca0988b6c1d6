"""What comes into a graph from outside: data, targets, masks; and what an op was given for each of its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ..arrays.batch import all_examples
from ..arrays.traced import numbers_of
from ..backend import is_array
from ..graph import Node, name_of_array
from ..tensor import raw

__all__ = ["UNKNOWN", "Collection", "Data", "Flows", "Known", "Origin"]


class _Unknown:
    """The value of a parameter that nobody kept."""

    def __repr__(self) -> str:
        return "..."


UNKNOWN = _Unknown()
#: Ops whose result is the same array in another dtype or place.
SAME = frozenset({"astype", "clone", "positive", "to_device"})


class Flows(NamedTuple):
    """In the place of an input that needs a gradient: which of the node's parents it is."""

    place: int


@dataclass(eq=False, slots=True)
class Data:
    """An array that came into a graph from outside, and needs no gradient.

    Attributes:
        value: the array; None where values were not asked for.
        name: what the user calls it, or where a module keeps it.
        given: whether it is an input of the model, and not made or kept inside of it.
        origin: how it was computed, where that was seen.
    """

    value: Any
    shape: tuple[int, ...]
    dtype: Any
    name: str | None = None
    given: bool = True
    origin: Origin | None = None


class Origin(NamedTuple):
    """How data was computed from other data.

    Attributes:
        op: the op.
        given: what it got for its parameters, as `Collection.sort_out` gives it.
        source: the line of the user's code.
        calls: the calls of modules that it happened in.
        rule: the number of the node whose rule did it.
    """

    op: Any
    given: dict[str, Any]
    source: str | None
    calls: tuple[Any, ...]
    rule: int | None


class Known(NamedTuple):
    """An array that has a name: an input of the model, or a buffer of a module."""

    name: str
    array: Any
    given: bool


class Collection:
    """One `Data` for one array, however often it is read.

    Args:
        copied: whether the values are copied, since the user may write into the arrays afterwards.
        values: whether they are kept at all.
        inside: whether arrays that nobody knows were made inside of a model.
    """

    def __init__(self, copied: bool = False, values: bool = True) -> None:
        self.copied, self.values = copied, values
        self.known: list[Known] = []
        self._met: dict[int, tuple[Any, Data]] = {}  # the arrays themselves are held, or an id might be another's later

    def of(self, array: Any, inside: bool = False) -> Data:
        """The `Data` of an array; `inside` of a model's call."""
        array = raw(array)
        met = self._met.get(id(array))
        if met is not None and (not self.copied or met[1].value is None or _same(met[1].value, array)):
            return met[1]
        known = next((k for k in self.known if k.array is array or (k.given and _cast(k.array, array))), None)
        name = _name_of(array)
        if known is not None:
            name = name or _name_of(known.array) or known.name
        value = None if not self.values else array.copy() if self.copied else array
        data = Data(value, array.shape, array.dtype, name, known.given if known else not inside or name is not None)
        self._met[id(array)] = (array, data)
        return data

    def computed(
        self, op: Any, out: Any, values: dict[str, Any], source: str | None, calls: tuple[Any, ...], rule: int | None
    ) -> None:
        """Note how an op has made an array of others, none of which needs a gradient."""
        if not is_array(out) or not np.ndim(out):
            return
        count = len(op.inputs) if op.sequence is None else len(op.inputs) - 1 + len(values[op.sequence])
        given = self.sort_out(op, (None,) * count, values, bool(calls))
        origin = Origin(op, given, source, calls, rule)
        data = Data(out.copy() if self.values else None, out.shape, out.dtype, None, False, origin)
        first = next((value for value in given.values() if isinstance(value, Data)), None)
        if op.name in SAME and first is not None:  # the user's array, as a layer needs it
            data.name, data.given, data.origin = first.name, first.given, first.origin
        self._met[id(out)] = (out, data)

    def sort_out(self, op: Any, parents: Sequence[Node | None], values: dict[str, Any], inside: bool = False) -> dict[str, Any]:
        """What the parameters of an op got: `Flows`, `Data`, a number or an option, or UNKNOWN.

        Of a sequence of inputs each has its own, as of an option that is a tuple with arrays in it: arrays_1, arrays_2, ...
        """
        found: dict[str, Any] = {}
        for name, place, index in _parameters(op, len(parents)):
            value = values.get(name, UNKNOWN)
            if index is not None:
                value, name = UNKNOWN if value is UNKNOWN else value[index], f"{name}_{index + 1}"
            if place is not None and parents[place] is not None:
                found[name] = Flows(place)
            elif place is None and type(value) in (tuple, list) and any(map(_is_data, value)):
                found |= {f"{name}_{i}": self.of(v, inside) if _is_data(v) else v for i, v in enumerate(value, 1)}
            else:
                found[name] = self.of(value, inside) if _is_data(value) else value
        return found


@lru_cache(4096)
def _parameters(op: Any, count: int) -> tuple[tuple[str, int | None, int | None], ...]:
    """The parameters of an op whose nodes have so many parents: name, which parent it is, which member of a sequence."""
    places: dict[str, range] = {}
    place = 0
    for name in op.inputs:
        members = count - len(op.inputs) + 1 if name == op.sequence else 1
        places[name] = range(place, place + members)
        place += members
    found: list[tuple[str, int | None, int | None]] = []
    for name in getattr(op, "names", op.inputs):
        if name == op.sequence:
            found += [(name, places[name][i] if name in places else None, i) for i in range(len(places.get(name, ())))]
        else:
            found.append((name, places[name][0] if name in places else None, None))
    return tuple(found)


def _is_data(value: Any) -> bool:
    """Whether a value is shown by itself: an array, but a single number only where the user has named it."""
    if value is UNKNOWN or value is None:
        return False
    value = raw(value)
    if not is_array(value):
        return False
    return bool(np.ndim(value)) or _name_of(value) is not None


def _name_of(array: Any) -> str | None:
    """What the user calls an array; while a run is recorded, the array that it stands for."""
    return name_of_array(numbers_of(array))


def _cast(given: Any, array: Any) -> bool:
    """Whether an array is a given one in another dtype, or a view of all of it: a layer has made it so."""
    if getattr(given, "shape", None) != array.shape or type(given) is not type(array):
        return False
    return _same(given.astype(array.dtype), array)


def _same(a: Any, b: Any) -> bool:
    a, b = numbers_of(all_examples(a)), numbers_of(all_examples(b))
    return a.dtype == b.dtype and bool(np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"))
