"""What comes into a graph from outside: data, targets, masks; and what an op was given for each of its parameters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..backend import is_array
from ..graph import Node, name_of_array
from ..tensor import raw

__all__ = ["UNKNOWN", "Collection", "Data", "Flows", "Known"]


class _Unknown:
    """The value of a parameter that nobody kept."""

    def __repr__(self) -> str:
        return "..."


UNKNOWN = _Unknown()


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
    """

    value: Any
    shape: tuple[int, ...]
    dtype: Any
    name: str | None = None
    given: bool = True


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
        name = known.name if known else name_of_array(array)
        value = None if not self.values else array.copy() if self.copied else array
        data = Data(value, array.shape, array.dtype, name, known.given if known else not inside or name is not None)
        self._met[id(array)] = (array, data)
        return data

    def sort_out(self, node: Node, values: dict[str, Any], inside: bool = False) -> dict[str, Any]:
        """What the parameters of a node's op got: `Flows`, `Data`, a number or an option, or UNKNOWN.

        Of a sequence of inputs each has its own, as of an option that is a tuple with arrays in it: arrays_1, arrays_2, ...
        """
        found: dict[str, Any] = {}
        for name, place, value in _parameters(node, values):
            if place is not None and node.parents[place] is not None:
                found[name] = Flows(place)
            else:
                found[name] = self.of(value, inside) if _is_data(value) else value
        return found


def _parameters(node: Node, values: dict[str, Any]) -> Iterator[tuple[str, int | None, Any]]:
    """The parameters of a node's op: names, which of the node's parents they are, values."""
    op = node.op
    places = dict(_places(node))
    for name in getattr(op, "names", op.inputs):
        value = values.get(name, UNKNOWN)
        if name == op.sequence:
            members = [f"{name}_{i + 1}" for i in range(len(node.parents) - len(op.inputs) + 1)]
            parts = [UNKNOWN] * len(members) if value is UNKNOWN else value
            yield from ((member, places[member], part) for member, part in zip(members, parts, strict=True))
        elif name not in places and isinstance(value, (tuple, list)) and any(map(_is_data, value)):
            yield from ((f"{name}_{i}", None, part) for i, part in enumerate(value, 1))
        else:
            yield name, places.get(name), value


def _places(node: Node) -> Iterator[tuple[str, int]]:
    """Where the nodes of the inputs are among the node's parents."""
    place = 0
    for name in node.op.inputs:
        count = len(node.parents) - len(node.op.inputs) + 1 if name == node.op.sequence else 1
        for i in range(count):
            yield (f"{name}_{i + 1}" if name == node.op.sequence else name), place
            place += 1


def _is_data(value: Any) -> bool:
    """Whether a value is shown by itself: an array, but a single number only where the user has named it."""
    value = raw(value)
    if not is_array(value):
        return False
    return bool(np.ndim(value)) or name_of_array(value) is not None


def _cast(given: Any, array: Any) -> bool:
    """Whether an array is a given one in another dtype, or a view of all of it: a layer has made it so."""
    if getattr(given, "shape", None) != array.shape or type(given) is not type(array):
        return False
    return _same(given.astype(array.dtype), array)


def _same(a: Any, b: Any) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and bool(((a == b) | ((a != a) & (b != b))).all())
