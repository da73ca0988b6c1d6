"""Arguments of a compiled function for each of whose values a program is made."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from ..trees import flatten
from .capture import is_array

__all__ = ["Static"]


class Static:
    """The arguments that are not traced: a program is made for each of their values.

    Attributes:
        named: their names and places, as they were given.
    """

    def __init__(self, function: Callable[..., Any], named: int | str | Sequence[int | str]) -> None:
        if not isinstance(named, (int, str, list, tuple, set)):
            raise TypeError(f"compile: static takes names or places of arguments, static='k' or static=(0, 'k'), got {named!r}")
        self.named = (named,) if isinstance(named, (int, str)) else tuple(named)
        self.parameters: list[str] = []
        if not self.named:
            return
        self.parameters = list(inspect.signature(function).parameters)
        for x in self.named:
            known = x in self.parameters or (isinstance(x, int) and -len(self.parameters) <= x < len(self.parameters))
            if not known:
                shown = ", ".join(self.parameters)
                raise ValueError(f"compile: static names {x!r}, which is no parameter of {function.__name__}({shown})")

    def leaves(self, args: Any, kwargs: Any) -> set[int]:
        """Which of the leaves of a call's arguments these are."""
        if not self.named:
            return set()
        chosen = {self.parameters[x] if isinstance(x, int) else x for x in self.named}
        given = [(self.parameters[min(i, len(self.parameters) - 1)], x) for i, x in enumerate(args)]
        given += [(name, kwargs[name]) for name in sorted(kwargs)]
        found: set[int] = set()
        count = 0
        for name, value in given:
            n = len(flatten(value))
            if name in chosen:
                if any(map(is_array, flatten(value))):
                    raise TypeError(f"compile: the static argument {name} holds an array, which is always traced; give numbers")
                found.update(range(count, count + n))
            count += n
        return found
