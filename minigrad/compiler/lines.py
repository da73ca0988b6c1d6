"""Text of a Python function under construction: its lines, and names for the objects in it."""

from __future__ import annotations

import linecache
import re
from collections.abc import Callable
from math import isfinite
from typing import Any

from .numbers import SIGNS, Formula

__all__ = ["Lines"]


class Lines:
    """Attributes:
    names: the objects that the text names.
    formulas: the variables that hold values of formulas.
    indent: what new lines begin with.
    """

    def __init__(self, names: dict[str, Any]) -> None:
        self.names = dict(names)
        self.known = {id(value): name for name, value in names.items()}
        self.lines: list[str] = []
        self.indent = "    "
        self.formulas: dict[Formula, str] = {}

    def name(self, value: Any, kind: str) -> str:
        """A name for an object, which begins with a word that says of what kind it is."""
        if id(value) not in self.known:
            word = re.sub(r"[^0-9a-zA-Z_]", "", kind)
            self.known[id(value)] = f"{word if word[:1].isalpha() else 'f'}{len(self.names)}"
            self.names[self.known[id(value)]] = value
        return self.known[id(value)]

    def add(self, line: str) -> None:
        self.lines.append(self.indent + line)

    def number(self, x: Any) -> str:
        """The name of a formula's value, which is computed where it is first needed."""
        if type(x) is not Formula:
            return repr(x) if isinstance(x, (int, float)) and isfinite(x) else self.name(x, "c")
        if x not in self.formulas:
            args = [self.number(a) for a in x.args]
            assert x.function is not None
            sign = SIGNS.get(x.function.__name__) if len(args) == 2 else None
            text = f"{args[0]} {sign} {args[1]}" if sign else f"{self.name(x.function, 'f')}({', '.join(args)})"
            self.formulas[x] = f"n{len(self.formulas)}"
            self.add(f"{self.formulas[x]} = {text}")
        return self.formulas[x]

    def made(self, head: str) -> tuple[str, Callable[..., Any]]:
        """The text of the function, and the function."""
        source = f"def {head}:\n" + "\n".join(self.lines) + "\n"
        file, found = f"<compiled {id(self)}>", dict[str, Any]()
        exec(compile(source, file, "exec"), self.names, found)
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        return source, found[head.partition("(")[0]]
