"""The user's code around the lines that made the steps of a graph, to be shown beside it."""

from __future__ import annotations

import ast
import linecache
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from textwrap import dedent
from typing import Any

from .text import printable

__all__ = ["Listing", "targets"]

LONG = 40  # of a function with more lines, only those around the ones that made a step are shown
AROUND = 2


class Listing:
    """The functions that made the steps.

    Attributes:
        files: for each file its name and its blocks: each is a list of a line's number and its text.

    >>> import linecache
    >>> text = "import numpy as np\\ndef f(x):\\n    return np.sin(x)\\n"
    >>> linecache.cache["cell.py"] = (len(text), None, text.splitlines(keepends=True), "cell.py")
    >>> listing = Listing(["cell.py:3: return np.sin(x)"])
    >>> listing.files
    [{'name': 'cell.py', 'blocks': [[[2, 'def f(x):'], [3, '    return np.sin(x)']]]}]
    >>> listing.place("cell.py:3: return np.sin(x)")
    [0, 3]
    """

    def __init__(self, sources: Iterable[str | None]) -> None:
        lines: dict[str, set[int]] = {}
        for source in sources:
            if found := _parsed(source):
                lines.setdefault(found[0], set()).add(found[1])
        self.files: list[dict[str, Any]] = []
        self._numbers: dict[str, int] = {}
        for path, wanted in lines.items():
            text = linecache.getlines(path)
            if blocks := _blocks(text, wanted):
                self._numbers[path] = len(self.files)
                name = "notebook" if "ipykernel" in path else Path(path).name
                self.files.append({"name": printable(name), "blocks": blocks})

    def place(self, source: str | None) -> list[int] | None:
        """The number of the file and of the line; None where the code is not known."""
        found = _parsed(source)
        return [self._numbers[found[0]], found[1]] if found and found[0] in self._numbers else None


@lru_cache(1024)  # a model calls its modules again and again from the same lines
def targets(source: str | None, path: str) -> tuple[str, ...]:
    """The variables that a line of code puts the result of a module in; none where it does anything else with it.

    >>> targets("net.py:7: h, c = self.cell(x, (h, c))", "layers.cell")
    ('h', 'c')
    >>> targets("net.py:8: y = self.out(self.cell(x)[0])", "layers.cell")
    ()
    """
    text = (source or "").partition(": ")[2]
    try:
        (statement,) = ast.parse(text).body
    except (SyntaxError, ValueError):  # a part of a statement
        return ()
    if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.Call) or len(statement.targets) != 1:
        return ()
    if ast.unparse(statement.value.func).rpartition(".")[2] != path.rpartition(".")[2]:
        return ()
    target = statement.targets[0]
    names = target.elts if isinstance(target, ast.Tuple) else [target]
    return tuple(n.id for n in names if isinstance(n, ast.Name)) if all(isinstance(n, ast.Name) for n in names) else ()


def _parsed(source: str | None) -> tuple[str, int] | None:
    match = re.match(r"(.+?):(\d+)(: |$)", source or "")
    return (match[1], int(match[2])) if match else None


def _blocks(text: list[str], wanted: set[int]) -> list[list[list[Any]]]:
    """The lines to be shown, block by block, each moved to the left margin."""
    functions, known = _functions("".join(text)), {number for number in wanted if number <= len(text)}
    shown = sorted({line for number in known for line in _around(functions, number, known, len(text))})
    blocks: list[list[int]] = [[shown[0]]] if shown else []
    for before, line in pairwise(shown):
        if line == before + 1:
            blocks[-1].append(line)
        else:
            blocks.append([line])
    found = []
    for block in blocks:
        plain = dedent("".join(text[line - 1] for line in block)).split("\n")
        found.append([[line, printable(words)] for line, words in zip(block, plain, strict=False)])
    return found


def _around(functions: Sequence[range], number: int, wanted: set[int], count: int) -> Iterable[int]:
    """The lines of the function that a line stands in; outside of functions, its neighbours."""
    inside = [lines for lines in functions if number in lines]
    if not inside:
        return range(max(1, number - AROUND), min(count, number + AROUND) + 1)
    inner = max(inside, key=lambda lines: lines.start)
    if len(inner) <= LONG:
        return inner
    return [inner.start, *(line for line in inner if any(abs(line - other) <= AROUND for other in wanted))]


@lru_cache(64)  # to parse a long file takes longer than all else that a small page needs
def _functions(text: str) -> tuple[range, ...]:
    """The lines of each function."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):  # a notebook's magic commands
        return ()
    found = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    return tuple(range(node.lineno, (node.end_lineno or node.lineno) + 1) for node in found)
