"""When derived attributes are computed once: during a call of their module, and in `cached()`.

What is kept belongs to the context that asks (`contextvars`): threads and tasks of asyncio do not
see each other's values, and nothing is left on the module.  A scope that has ended says so.  A task
that was started during a call has a copy of its context, and may live longer than the call.  A run
of a function under `checkpoint` uses no scope of outside, since it is repeated later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

from minigrad import checkpoint_notes, is_grad_enabled

__all__ = ["Scope", "computed_once", "forget", "recomputed", "scope_of"]


class Scope:
    """A time in which values are computed once: for each owner, name and mode of gradients.

    >>> scope, owner = Scope(), object()
    >>> scope.value(owner, "x", lambda: 1), scope.value(owner, "x", lambda: 2)
    (1, 1)
    """

    def __init__(self) -> None:
        self.ended = False
        self._notes = checkpoint_notes()
        # With the owner, which so keeps its id as long as the value is kept.
        self._values: dict[tuple[int, str, bool], tuple[object, Any]] = {}

    def value(self, owner: object, name: str, compute: Callable[[], Any]) -> Any:
        """The value that is kept, or else the one that is computed now."""
        key = (id(owner), name, is_grad_enabled())
        if key not in self._values:
            self._values[key] = (owner, compute())
        return self._values[key][1]

    def is_open(self) -> bool:
        """Whether it has not ended, and the checkpointed function that runs, if any, began it."""
        return not self.ended and self._notes is checkpoint_notes()

    def forget(self, owner: object, name: str) -> None:
        """Compute a value anew when it is read next: what it is computed of has changed."""
        for mode in (False, True):
            self._values.pop((id(owner), name, mode), None)


#: The scopes that are open, by the id of the module that is called; under None that of `cached()`.
_scopes: ContextVar[Mapping[int | None, Scope]] = ContextVar(
    "scopes", default=MappingProxyType({})
)


def scope_of(module: object | None) -> Scope | None:
    """The scope of a module's call that is running; with None, that of `cached()`."""
    scope = _scopes.get().get(None if module is None else id(module))
    return scope if scope is not None and scope.is_open() else None


@contextmanager
def computed_once(module: object | None) -> Iterator[None]:
    """Inside, a scope of the module is open; inside of another one of the same, that one stays.

    >>> module = object()
    >>> with computed_once(module):
    ...     scope_of(module) is not None
    True
    >>> scope_of(module) is None
    True
    """
    if scope_of(module) is not None:
        yield
        return
    scope = Scope()
    token = _scopes.set({**_scopes.get(), None if module is None else id(module): scope})
    try:
        yield
    finally:
        _scopes.reset(token)
        scope.ended = True


@contextmanager
def recomputed() -> Iterator[None]:
    """Inside, nothing that was kept before is used: parameters stand for other values there."""
    token = _scopes.set(MappingProxyType({}))
    try:
        yield
    finally:
        _scopes.reset(token)


def forget(owner: object, name: str) -> None:
    """Compute a value of an owner anew, in all scopes that are open."""
    for scope in _scopes.get().values():
        scope.forget(owner, name)
