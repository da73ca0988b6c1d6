"""Formulas with the user's own names and numbers in them, written as text and as MathML for pages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html import escape

from .notation import BIG, Tree, parse, read

__all__ = ["INDEX", "NUMBER", "Formula", "beside", "is_high", "mathml", "parse"]

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "Γ", "delta": "δ", "eps": "ε", "eta": "η", "theta": "θ", "lambda": "λ", "lmbda": "λ",
    "mu": "μ", "nu": "ν", "pi": "π", "psi": "ψ", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "omega": "ω", "zeta": "ζ",
    "Phi": "Φ", "digamma": "ψ",
}  # fmt: skip
SYMBOLS = {"*": "·", "-": "−", "<=": "≤", ">=": "≥", "!=": "≠", "->": "→", "inf": "∞"}
#: What stands in the brackets of an index: 1:, -1
INDEX = re.compile(r"[-\d:., ]+$")
NUMBER = re.compile(r"-?\d+\.?\d*(e[+-]?\d+)?$")


@dataclass(frozen=True)
class Formula:
    """A formula of an op: what stands on the left, what on the right, and what its names are called and stand for here.

    Attributes:
        left, right: as the op's docstring has them.
        numbers: the numbers that the names have, where all have single ones.
        labels: what the user calls what the docstring calls x, y, out.
        where: further definitions that the right side uses, (left, right).
        sign: "+=" where what a rule sends is added to what others send.

    >>> print(Formula("dx", "g (1 - out^2)", {"g": "1", "out": "0.5"}, {"x": "h", "out": "result"}))
    d h = g (1 - result^2) = 1 × (1 - 0.5^2)
    """

    left: str
    right: str
    numbers: Mapping[str, str] | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    where: tuple[tuple[str, str], ...] = ()
    sign: str = "="

    def names(self) -> set[str]:
        """The names of the right side that stand for something, and `g`."""
        found: set[str] = set()
        _collect(read(self.right, self.labels), found)
        return found & {*self.labels, "g", "out"}

    def filled_with(self, numbers: Mapping[str, str] | None) -> Formula:
        """The same formula, whose names have these numbers, or none."""
        return replace(self, numbers=numbers)

    def tree(self, numbers: Mapping[str, str] | None = None) -> Tree:
        """The right side; with labels, or with numbers, in the place of names."""
        tree = read(self.right, self.labels)
        if numbers is None:
            return _filled(tree, {name: _called(label) for name, label in self.labels.items()})
        return _filled(tree, {name: ("num", number) for name, number in numbers.items()})

    def __str__(self) -> str:
        end = "" if (filled := self.with_numbers()) is None else f" = {_begun(filled)}"
        where = "".join(f", {_text(left)} = {_text(right)}" for left, right in self._where())
        return f"{_text(self._left())} {self.sign} {_text(self.tree())}{where}{end}"

    def lines(self) -> list[tuple[Tree, str, Tree]]:
        """Left side, sign and right side, and those of what the right side uses."""
        return [(self._left(), self.sign, self.tree()), *((left, "=", right) for left, right in self._where())]

    def math(self) -> str:
        """As MathML; what the right side uses is set apart, so that lines can break before it."""
        parts = [_math(f"{_ml(left)}<mo>{sign}</mo>{_ml(right)}") for left, sign, right in self.lines()]
        return parts[0] if len(parts) == 1 else " ".join(f'<span class="where">{part}</span>' for part in parts)

    def math_with_numbers(self) -> str:
        """The right side with numbers, as MathML; empty where there are none."""
        filled = self.with_numbers()
        return "" if filled is None else _math(_ml(filled))

    def local(self) -> Formula:
        """The rule for an incoming gradient of 1: the derivative itself.

        >>> str(Formula("dx", "g y / (1 + x)", {"g": "3", "x": "1", "y": "2"}).local())
        'd out/d x = y / (1 + x) = 2 / (1 + 1)'
        """
        out, x = (self.labels.get(name, name) for name in ("out", self.left[1:]))
        return Formula(f"d {out}/d {x}", re.sub(r"\bg\b", "1", self.right), self.numbers, self.labels, self.where)

    def _where(self) -> list[tuple[Tree, Tree]]:
        labels = {name: _called(label) for name, label in self.labels.items()}
        return [
            (_filled(read(left, self.labels), labels), _filled(read(right, self.labels), labels)) for left, right in self.where
        ]

    def _left(self) -> Tree:
        """`dx` is shown as d and what x is called; any other left side as it is, with labels."""
        if self.left.startswith("d "):
            return ("text", self.left)
        name = self.left[1:].partition("_")[0] if self.left[1:] not in self.labels else self.left[1:]
        if self.left[0] == "d" and name in self.labels:
            base: Tree = ("row", ("name", "d"), ("text", " "), _called(self.labels[name]))
            script = self.left[len(name) + 2 :]
            return ("sub", base, read(script.strip("{}"))) if script else base
        tree = read(self.left, self.labels)
        return _filled(tree, {name: _called(label) for name, label in self.labels.items()})

    def with_numbers(self) -> Tree | None:
        """The right side with numbers; None where there are none, or where it stays as it is."""
        if self.numbers is None:
            return None
        filled = self.tree(self.numbers)
        return None if filled[0] in ("text", "cases") or filled == self.tree() else filled


def mathml(text: str) -> str:
    """A formula as MathML; one that cannot be read as text in it.

    >>> mathml("x^2")
    '<math><msup><mi>x</mi><mn>2</mn></msup></math>'
    """
    return _math(_ml(read(text)))


# ------------------------------------------------------------------------------------- private


def _collect(tree: Tree, found: set[str]) -> None:
    """Add the names of a tree."""
    if tree[0] == "name":
        found.add(tree[1])
    for part in tree[1:]:
        if isinstance(part, tuple):
            _collect(part, found)


def _called(label: str) -> Tree:
    """What stands in the place of a name: a number, or what the user calls it."""
    return ("num", label) if NUMBER.match(label) else ("label", label)


def _filled(tree: Tree, known: Mapping[str, Tree]) -> Tree:
    """Names replaced, factors of 1 in front dropped; in prose, too, but for `a`, which stands in backticks there."""
    kind, *parts = tree
    if kind == "name":
        return known.get(parts[0], tree)
    if kind == "text":
        return ("text", _prose(parts[0], known))
    if kind in ("num", "op", "label"):
        return tree
    if kind == "cases":
        return ("cases", *((_filled(value, known), c and _filled(c, known)) for value, c in parts))
    if kind == "sub" and parts[0][0] == "name" and (member := f"{parts[0][1]}_{parts[1][1]}") in known:
        return known[member]  # one of several: arrays_1
    filled = [_filled(p, known) if isinstance(p, tuple) else p for p in parts]
    if kind == "mul" and parts[0] == ("num", "1"):  # the gradient of 1 of a local derivative
        filled = filled[1:]
        return filled[0] if len(filled) == 1 else ("mul", *filled)
    return (kind, *filled)


def _prose(text: str, known: Mapping[str, Tree]) -> str:
    def named(match: re.Match[str]) -> str:
        name = match[0].strip("`")
        return known[name][1] if name in known and match[0] != "a" else name

    return re.sub(r"`\w+`|\b\w+\b", named, text)


def _text(tree: Tree) -> str:
    """As text, with × between numbers and brackets around negative ones."""
    kind, *parts = tree
    if kind in ("name", "op", "text", "label"):
        return parts[0]
    if kind == "num":
        return f"({parts[0]})" if parts[0].startswith("-") else parts[0]
    if kind == "mul":
        pieces = [_text(parts[0])]
        for before, part in zip(parts, parts[1:], strict=False):
            pieces += [" × " if beside(before, part) else " ", _text(part)]
        return "".join(pieces)
    if kind == "matmul":
        return f"{_text(parts[0])} @ {_text(parts[1])}"
    if kind == "frac":
        return f"{_text(parts[0])} / {_text(parts[1])}"
    if kind in ("sup", "sub"):
        script = _text(parts[1])
        last = parts[1][2] if parts[1][0] == "sum" and len(parts[1]) == 3 else parts[1]  # of a^-T
        script = script if last[0] in ("num", "name", "op", "label") else f"({script})"
        return f"{_text(parts[0])}{'^' if kind == 'sup' else '_'}{script}"
    if kind in ("big", "apply"):
        return f"{_text(parts[0])} {_text(parts[1])}"
    if kind in ("call", "at", "bracket"):
        opened, inside, close = parts if kind == "bracket" else ("([" [kind == "at"], parts[1], ")]"[kind == "at"])
        around = "" if kind == "bracket" else _text(parts[0])
        return f"{around}{opened}{inside[1] if inside[0] == 'num' else _text(inside)}{close}"
    if kind == "cases":
        return ", else ".join(_text(value) + (f" where {_text(c)}" if c else "") for value, c in parts)
    if kind == "sum" and parts[0][0] == "op":
        return parts[0][1] + " ".join(map(_text, parts[1:]))
    return re.sub(r" +", " ", " ".join(map(_text, parts))).replace(" ,", ",").replace(" !", "!").replace(" ;", ";")


def _begun(tree: Tree) -> str:
    """As text; a negative number needs no brackets at the beginning."""
    text = _text(tree)
    return re.sub(r"^\((-[^()^]+)\)(?!\^)", r"\1", text)


def beside(before: Tree, part: Tree) -> bool:
    """Whether two factors need a sign between them: where the second begins with a number, or both are brackets of numbers."""
    first = part
    while first[0] in ("sup", "sub", "frac", "mul"):
        first = first[1]
    while before[0] in ("sup", "sub", "frac"):
        before = before[1]
    return first[0] == "num" or (before[0] == "num" and first[0] in ("bracket", "call", "apply"))


def _math(inside: str) -> str:
    return f"<math>{inside}</math>"


def _ml(tree: Tree) -> str:
    kind, *parts = tree
    if kind == "num":
        text = parts[0].replace("-", "−")
        return f"<mrow><mo>(</mo><mn>{escape(text)}</mn><mo>)</mo></mrow>" if text.startswith("−") else f"<mn>{escape(text)}</mn>"
    if kind == "name":
        return f"<mi>{escape(GREEK.get(parts[0], SYMBOLS.get(parts[0], parts[0])))}</mi>"
    if kind == "label":
        return f"<mi>{escape(parts[0].replace('-', '−') if INDEX.match(parts[0]) else parts[0])}</mi>"
    if kind == "op":
        return f"<mo>{escape(SYMBOLS.get(parts[0], parts[0]))}</mo>"
    if kind == "text":
        return "<mspace width='0.2em'></mspace>" if parts[0] == " " else f"<mtext>{escape(parts[0])}</mtext>"
    if kind == "mul":
        pieces = [_ml(parts[0])]
        for before, part in zip(parts, parts[1:], strict=False):
            pieces += ["<mo>×</mo>" if beside(before, part) else "<mspace width='0.2em'></mspace>", _ml(part)]
        return f"<mrow>{''.join(pieces)}</mrow>"
    if kind == "matmul":
        return f"<mrow>{_ml(parts[0])}<mo>@</mo>{_ml(parts[1])}</mrow>"
    if kind == "frac":
        top, below = (part[2] if part[0] == "bracket" and part[1] == "(" else part for part in parts)
        return f"<mfrac>{_ml(top)}{_ml(below)}</mfrac>"
    if kind in ("big", "apply"):
        return f"<mrow>{_ml(parts[0])}<mspace width='0.2em'></mspace>{_ml(parts[1])}</mrow>"
    if kind == "call" and parts[0] == ("name", "sqrt"):
        return f"<msqrt>{_ml(parts[1])}</msqrt>"
    if kind in ("call", "at"):
        opened, close = "()" if kind == "call" else "[]"
        return f"<mrow>{_ml(parts[0])}{_between(opened, parts[1], close)}</mrow>"
    if kind == "bracket":
        return f"<mrow>{_between(*parts)}</mrow>"
    if kind in ("sub", "sup"):
        return _scripted(kind, parts[0], parts[1])
    if kind == "cases":
        cases = (_ml(value) + (f"<mtext>\u2003where\u2002</mtext>{_ml(c)}" if c else "") for value, c in parts)
        return "<mrow>" + "<mtext>,\u2002else\u2002</mtext>".join(cases) + "</mrow>"
    return f"<mrow>{''.join(map(_ml, parts))}</mrow>"


def _between(opened: str, inside: Tree, close: str) -> str:
    """Brackets, as high as what is in them only around fractions: some fonts make all of them huge."""
    low = "" if is_high(inside) else ' stretchy="false"'
    return f"<mo{low}>{opened}</mo>{_bare(inside)}<mo{low}>{close}</mo>"


def is_high(tree: Tree) -> bool:
    """Whether brackets around a formula are to be higher than a line."""
    return tree[0] in ("frac", "big") or any(is_high(part) for part in tree[1:] if isinstance(part, tuple))


def _bare(tree: Tree) -> str:
    """What stands between brackets already: a negative number needs none of its own."""
    return f"<mn>{escape(tree[1].replace('-', '−'))}</mn>" if tree[0] == "num" else _ml(tree)


def _scripted(kind: str, base: Tree, script: Tree) -> str:
    if kind == "sup" and base[0] == "sub":  # x_i^2: both scripts on one letter; of a sum below and above it
        _, name, low = base
        tag = "munderover" if name[0] == "name" and name[1] in BIG else "msubsup"
        return f"<{tag}>{_letter(name)}{_ml(low)}{_high(script)}</{tag}>"
    tag = f"m{kind}"
    if base[0] == "name" and base[1] in BIG:
        tag = "munder" if kind == "sub" else "mover"
    return f"<{tag}>{_letter(base)}{_high(script) if kind == 'sup' else _ml(script)}</{tag}>"


def _high(script: Tree) -> str:
    """Of a transpose upright letters: in italics T is taken for I."""
    kind, *parts = script
    if kind == "name" and parts[0] in ("T", "H"):
        return f"<mi mathvariant='normal'>{parts[0]}</mi>"
    if kind == "sum":
        return f"<mrow>{''.join(map(_high, parts))}</mrow>"
    return _ml(script)


def _letter(tree: Tree) -> str:
    return f"<mo>{BIG[tree[1]]}</mo>" if tree[0] == "name" and tree[1] in BIG else _ml(tree)
