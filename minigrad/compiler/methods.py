"""Compiled methods: one for each object, found by which object it is."""

from __future__ import annotations

import functools
import weakref
from typing import Any

from .state import METHODS

__all__ = ["Methods", "methods_of"]


class Methods(dict[Any, Any]):
    """The compiled methods of an object, which it holds itself: they go when it goes.  A copy of the object makes its own.

    Attributes:
        owner: the object.
    """

    def __init__(self, owner: Any = None) -> None:
        super().__init__()
        self.owner = owner

    def __reduce__(self) -> Any:
        return Methods, ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Methods)  # they say nothing about the object

    __hash__ = None  # type: ignore[assignment]


#: The compiled methods of objects that have no attributes but slots, by the objects' identities.
_elsewhere: dict[int, tuple[Any, Methods]] = {}


def methods_of(x: Any) -> Methods:
    """Found by which object it is: others may be equal, and not all can be looked up."""
    if isinstance(x, type) or not hasattr(x, "__dict__"):
        return _kept_of(x)
    found = vars(x).get(METHODS)
    if found is None or found.owner is not x:  # a copy has found those of the other one
        found = vars(x)[METHODS] = Methods(x)
    return found


def _gone(known: dict[int, Any], key: int, _: Any) -> None:
    known.pop(key, None)


def _kept_of(x: Any) -> Methods:
    found = _elsewhere.get(id(x))
    if found is not None and found[0]() is x:
        return found[1]
    try:
        held: Any = weakref.ref(x, functools.partial(_gone, _elsewhere, id(x)))
    except TypeError:
        held = lambda: x  # noqa: E731 - it cannot be told when the object goes: it stays
    _elsewhere[id(x)] = (held, Methods())
    return _elsewhere[id(x)][1]
