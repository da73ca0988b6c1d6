"""The formulas of an op, as its docstring states them beside its forward and its rules."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from .notation import parse

__all__ = ["Definition", "Stated", "definition"]

#: Definitions on one line are parted by two spaces behind a comma or a semicolon; a remark follows two spaces.
PARTED = re.compile(r"[,;]\s{2,}(?=[^=]* = )")
STATED = re.compile(r"(?P<left>[^=]*[^=\s<>!+])\s*(?P<sign>\+?=)\s*(?P<right>[^=].*)$")


class Stated(NamedTuple):
    """What a docstring says of one thing: `dx = g y`."""

    left: str
    sign: str
    right: str


@dataclass(frozen=True)
class Definition:
    """The formulas of an op.

    Attributes:
        out: that of the result.  Its left side is not always `out`: erf(out) = y.
        rules: that of the gradient of each input, by the input's name.
        others: further definitions that these use.
    """

    out: Stated | None
    rules: dict[str, Stated]
    others: tuple[Stated, ...]

    def used_by(self, stated: Stated) -> tuple[Stated, ...]:
        """Those of the further definitions that a formula uses, and that these use."""
        found: list[Stated] = []
        texts = [stated.right]
        while texts:
            text = texts.pop(0)
            for other in self.others:
                if other not in found and other.left != stated.left and _mentions(text, other.left):
                    found.append(other)
                    texts.append(other.right)
        return tuple(found)


def definition(op: Any) -> Definition:
    """The formulas of an op.

    They stand at the beginnings of lines of its docstring: `out = ...`, and for each input `dx = ...` or `dx_i = ...`, under
    the names of the op's own parameters; what they use behind them, after two spaces or on lines that are indented.

    >>> import minigrad
    >>> found = definition(minigrad.tanh.op)
    >>> found.out.right, found.rules["x"].right
    ('tanh(x)', 'g (1 - out^2)')
    """
    return _definition(op.doc, tuple(op.inputs))


@lru_cache(1000)
def _definition(doc: str, inputs: Sequence[str]) -> Definition:
    out: Stated | None = None
    rules: dict[str, Stated] = {}
    others: dict[str, Stated] = {}
    for statement in _statements(doc):
        match = STATED.match(statement)
        if match is None or not _is_formula(match["left"], inputs):
            continue
        stated = Stated(match["left"].strip(), match["sign"], match["right"].strip())
        if name := _differentiated(stated.left, inputs):
            rules.setdefault(name, stated)
        elif re.search(r"(?<![a-z])out(?![A-Za-z0-9])", stated.left) and out is None:
            out = stated
        else:
            others.setdefault(stated.left, stated)
    return Definition(out, rules, tuple(others.values()))


def _statements(doc: str) -> list[str]:
    """What the lines of the paragraphs behind the first line say; a line that is indented goes on with the one before."""
    summary, _, rest = doc.split(">>>")[0].partition("\n")
    lines: list[str] = [summary] if summary.startswith("out") else []
    for line in rest.splitlines():
        if line.startswith("    ") and lines and lines[-1].endswith(","):
            lines[-1] += f"  {line.strip()}"
        else:
            lines.append(line.removeprefix("with "))
    stated = [re.sub(r"\s{2,}\(.*\)$", "", line.rstrip()) for line in lines if " = " in line or " += " in line]
    return [part.rstrip(",;") for line in stated for part in PARTED.split(line)]


def _is_formula(left: str, inputs: Sequence[str]) -> bool:
    try:
        parse(left, inputs)
    except ValueError:
        return False
    return True


def _differentiated(left: str, inputs: Sequence[str]) -> str | None:
    """The input whose gradient a left side names."""
    if left[:1] == "d" and left[1:] in inputs:
        return left[1:]
    return next((n for n in inputs if re.fullmatch(rf"d{re.escape(n)}(_[a-z]{{1,2}}|_\{{.*\}}|\[.*\])", left)), None)


def _mentions(text: str, left: str) -> bool:
    """Whether a formula uses what a definition is about: one of the names on its left side, without their indices."""
    names = re.findall(r"(?<![\w}])[A-Za-z]+", re.sub(r"_\{[^}]*\}", "", left))
    return any(re.search(rf"(?<!\w){name}(?![A-Za-z0-9'])", text) for name in names)
