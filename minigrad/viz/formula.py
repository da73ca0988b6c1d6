"""The formulas of docstrings: read, filled with numbers, written as text and as MathML for pages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

__all__ = ["Formula", "mathml", "parse"]

#: A part of a formula: its kind, and its parts or its text.
Tree = tuple

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "Γ", "delta": "δ", "eps": "ε", "theta": "θ", "lambda": "λ", "mu": "μ", "nu": "ν",
    "pi": "π", "psi": "ψ", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "omega": "ω", "zeta": "ζ", "digamma": "ψ",
}  # fmt: skip
BIG = {"sum": "∑", "prod": "∏", "product": "∏", "integral": "∫"}
SYMBOLS = {"*": "·", "-": "−", "<=": "≤", ">=": "≥", "!=": "≠", "->": "→", "inf": "∞"}
WORDS = re.compile(r"\b(where|for|with|or|and|the|of|if|as|at|is|else|along|over|in)\b")
TOKEN = re.compile(
    r"\s*(?:(\d+\.?\d*(?:e[+-]?\d+)?|\.\d+)|([^\W\d_]\w*?(?=_|\W|$)'*)|(\.\.\.|<=|>=|!=|->|[-+*/^_=<>(),|\[\]{}@·×!]))"
)


@dataclass(frozen=True)
class Formula:
    """A formula of an op: what stands on the left, what on the right, and the numbers that its names have here.

    >>> str(Formula("dx", "g (1 - out^2)", {"g": "1", "out": "0.5"}))
    'dx = g (1 - out^2) = 1 × (1 - 0.5^2)'
    """

    left: str
    right: str
    numbers: Mapping[str, str] | None = None

    def tree(self, numbers: Mapping[str, str] | None = None) -> Tree:
        """The right side; with numbers in the place of names.  A formula that cannot be read is text."""
        tree = _read(self.right)
        return tree if numbers is None else _filled(tree, numbers)

    def __str__(self) -> str:
        filled = self.tree(self.numbers)
        end = "" if self.numbers is None or filled[0] == "text" else f" = {_text(filled)}"
        return f"{self.left} = {self.right}{end}"

    def math(self) -> str:
        """As MathML."""
        return _math(_ml(_read(self.left)) + "<mo>=</mo>" + _ml(self.tree()))

    def math_with_numbers(self) -> str:
        """The right side with numbers, as MathML; empty where there are none."""
        filled = self.tree(self.numbers)
        return "" if self.numbers is None or filled[0] == "text" else _math(_ml(filled))

    def local(self) -> Formula:
        """The rule for an incoming gradient of 1: the derivative itself.

        >>> str(Formula("dx", "g y / (1 + x)", {"g": "3", "x": "1", "y": "2"}).local())
        'd out/d x = 1 y / (1 + x) = 2 / (1 + 1)'
        """
        right = re.sub(r"\bg\b", "1", self.right)
        return Formula(f"d out/d {self.left[1:]}", right, self.numbers)


def mathml(text: str) -> str:
    """A formula as MathML; one that cannot be read as text in it.

    >>> mathml("x^2")
    '<math><msup><mi>x</mi><mn>2</mn></msup></math>'
    """
    return _math(_ml(_read(text)))


def parse(text: str) -> Tree:
    """The tree of a formula: sums, products by juxtaposition, fractions, powers, subscripts, calls.

    In a product `a b / c d` the fraction has all before it on top and one factor below, as written in the docstrings.

    Raises:
        ValueError: it is not such a formula; prose, say.

    >>> parse("g x / y^2")
    ('frac', ('mul', ('name', 'g'), ('name', 'x')), ('sup', ('name', 'y'), ('num', '2')))
    """
    if WORDS.search(text):
        raise ValueError(f"prose: {text!r}")
    tokens: list[tuple[str, str, bool]] = []
    place = 0
    while place < len(text.rstrip()):
        match = TOKEN.match(text, place)
        if match is None:
            raise ValueError(f"cannot read {text[place:]!r}")
        kind = ("num", "name", "op")[match.lastindex - 1]  # type: ignore[operator]
        tokens.append((kind, match[match.lastindex], match.end() - match.start() > len(match[match.lastindex])))  # type: ignore[index, arg-type]
        place = match.end()
    parser = _Parser(tokens)
    tree = parser.relation()
    if parser.at < len(tokens):
        raise ValueError(f"cannot read {text!r} from {tokens[parser.at][1]!r} on")
    return tree


# ------------------------------------------------------------------------------------- private


class _Parser:
    """Recursive descent over tokens (kind, text, whether a space stands before)."""

    def __init__(self, tokens: list[tuple[str, str, bool]]) -> None:
        self.tokens, self.at, self.bars = tokens, 0, 0

    def peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        if not self.peek() or (expected and self.peek() != expected):
            raise ValueError(f"expected {expected or 'more'}")
        self.at += 1
        return self.tokens[self.at - 1][1]

    def relation(self) -> Tree:
        parts: list[Tree] = [self.sum()]
        while self.peek() in ("=", "<", ">", "<=", ">=", "!=", "->", ","):
            parts += [("op", self.take()), self.sum()]
        return parts[0] if len(parts) == 1 else ("row", *parts)

    def sum(self) -> Tree:
        parts: list[Tree] = []
        if self.peek() in ("-", "+"):
            parts.append(("op", self.take()))
        parts.append(self.product())
        while self.peek() in ("-", "+"):
            parts += [("op", self.take()), self.product()]
        return parts[0] if len(parts) == 1 else ("sum", *parts)

    def product(self) -> Tree:
        factors = [self.factor()]
        while self.at < len(self.tokens):
            if self.peek() == "/":
                self.take()
                top = factors[0] if len(factors) == 1 else ("mul", *factors)
                factors = [("frac", top, self.factor())]
            elif self.peek() in ("*", "@", "·", "×"):
                self.take()
                factors.append(self.factor())
            elif (
                self.tokens[self.at][0] != "op" or self.peek() in ("(", "[", "{", "...") or (self.peek() == "|" and not self.bars)
            ):
                factors.append(self.factor())
            else:
                break
        return factors[0] if len(factors) == 1 else ("mul", *factors)

    def factor(self) -> Tree:
        tree = self.scripts(self.atom())
        if self.peek() == "(" and not self.tokens[self.at][2] and self.callable(tree):
            self.take()
            inside = self.relation() if self.peek() != ")" else ("row",)
            self.take(")")
            tree = self.scripts(("call", tree, inside))
        return tree

    @staticmethod
    def callable(tree: Tree) -> bool:
        return tree[0] == "name" or (tree[0] in ("sub", "sup") and tree[1][0] == "name")

    def scripts(self, tree: Tree) -> Tree:
        while self.peek() in ("^", "_", "!"):
            mark = self.take()
            tree = ("row", tree, ("op", "!")) if mark == "!" else ("sup" if mark == "^" else "sub", tree, self.script())
        return tree

    def script(self) -> Tree:
        """What stands high or low: one atom with its sign, or all between brackets, which are not shown."""
        if self.peek() in ("-", "+"):
            sign = ("op", self.take())
            alone = self.at == len(self.tokens) or self.tokens[self.at][2]  # A^+, the pseudo-inverse
            return sign if alone else ("sum", sign, self.script())
        if self.peek() in ("(", "{"):
            close = ")" if self.take() == "(" else "}"
            tree = self.relation()
            self.take(close)
            return tree
        tree = self.atom()
        return ("sup", tree, self.script()) if self.peek() == "^" and self.take() else tree

    def atom(self) -> Tree:
        text = self.take()
        kind = self.tokens[self.at - 1][0]
        if kind != "op" or text == "...":
            return (kind, text)
        if text in ("(", "[", "{"):
            tree = self.relation()
            close = self.take({"(": ")", "[": "]", "{": "}"}[text])
            return ("bracket", text, tree, close)
        if text == "|":
            self.bars += 1
            tree = self.sum()
            self.bars -= 1
            self.take("|")
            return ("bracket", "|", tree, "|")
        raise ValueError(f"unexpected {text!r}")


def _read(text: str) -> Tree:
    """The tree of a formula; of one that goes over into prose, `g where x > 0`, the formula and the words."""
    words = WORDS.search(text)
    head, prose = (text, "") if words is None else (text[: words.start()].rstrip(" ,"), text[words.start() :])
    try:
        tree = parse(head)
    except ValueError:
        return ("text", text)
    return ("row", tree, ("text", f"\u2003{prose}")) if prose else tree


def _filled(tree: Tree, numbers: Mapping[str, str]) -> Tree:
    """Names replaced by numbers, factors of 1 dropped."""
    kind, *parts = tree
    if kind == "name":
        return ("num", numbers[parts[0]]) if parts[0] in numbers else tree
    if kind in ("num", "op", "text"):
        return tree
    filled = [_filled(p, numbers) if isinstance(p, tuple) else p for p in parts]
    if kind == "mul":
        one = ("num", "1")
        if parts[0] == one:  # the gradient of 1 of a local derivative
            filled = filled[1:]
        return filled[0] if len(filled) == 1 else ("mul", *filled)
    return (kind, *filled)


def _text(tree: Tree) -> str:
    """As text, with × between factors and brackets around negative numbers."""
    kind, *parts = tree
    if kind in ("name", "op", "text"):
        return parts[0]
    if kind == "num":
        return f"({parts[0]})" if parts[0].startswith("-") else parts[0]
    if kind == "mul":
        return " × ".join(map(_text, parts))
    if kind == "frac":
        return f"{_text(parts[0])} / {_text(parts[1])}"
    if kind in ("sup", "sub"):
        script = _text(parts[1])
        script = script if parts[1][0] in ("num", "name") else f"({script})"
        return f"{_text(parts[0])}{'^' if kind == 'sup' else '_'}{script}"
    if kind == "call":
        inside = parts[1][1] if parts[1][0] == "num" else _text(parts[1])
        return f"{_text(parts[0])}({inside})"
    if kind == "bracket":
        inside = parts[1][1] if parts[1][0] == "num" else _text(parts[1])
        return f"{parts[0]}{inside}{parts[2]}"
    if kind == "sum" and parts[0][0] == "op":
        return parts[0][1] + " ".join(map(_text, parts[1:]))
    return " ".join(map(_text, parts)).replace(" ,", ",")


def _math(inside: str) -> str:
    return f"<math>{inside}</math>"


def _ml(tree: Tree) -> str:
    kind, *parts = tree
    if kind == "num":
        text = parts[0].replace("-", "−")
        return f"<mrow><mo>(</mo><mn>{escape(text)}</mn><mo>)</mo></mrow>" if text.startswith("−") else f"<mn>{escape(text)}</mn>"
    if kind == "name":
        return f"<mi>{escape(GREEK.get(parts[0], SYMBOLS.get(parts[0], parts[0])))}</mi>"
    if kind == "op":
        return f"<mo>{escape(SYMBOLS.get(parts[0], parts[0]))}</mo>"
    if kind == "text":
        return f"<mtext>{escape(parts[0])}</mtext>"
    if kind == "mul":
        pieces = [_ml(parts[0])]
        for before, part in zip(parts, parts[1:], strict=False):
            numbers = part[0] == "num" or (part[0] in ("sup", "frac") and before[0] == "num")
            pieces += ["<mo>×</mo>" if numbers else "<mspace width='0.2em'></mspace>", _ml(part)]
        return f"<mrow>{''.join(pieces)}</mrow>"
    if kind == "frac":
        top, below = (part[2] if part[0] == "bracket" and part[1] == "(" else part for part in parts)
        return f"<mfrac>{_ml(top)}{_ml(below)}</mfrac>"
    if kind == "call" and parts[0] == ("name", "sqrt"):
        return f"<msqrt>{_ml(parts[1])}</msqrt>"
    if kind == "call":
        return f"<mrow>{_ml(parts[0])}<mo>(</mo>{_bare(parts[1])}<mo>)</mo></mrow>"
    if kind == "bracket":
        return f"<mrow><mo>{parts[0]}</mo>{_bare(parts[1])}<mo>{parts[2]}</mo></mrow>"
    if kind in ("sub", "sup"):
        return _scripted(kind, parts[0], parts[1])
    return f"<mrow>{''.join(map(_ml, parts))}</mrow>"


def _bare(tree: Tree) -> str:
    """What stands between brackets already: a negative number needs none of its own."""
    return f"<mn>{escape(tree[1].replace('-', '−'))}</mn>" if tree[0] == "num" else _ml(tree)


def _scripted(kind: str, base: Tree, script: Tree) -> str:
    if kind == "sup" and base[0] == "sub":  # x_i^2: both scripts on one letter; of a sum below and above it
        _, name, low = base
        tag = "munderover" if name[0] == "name" and name[1] in BIG else "msubsup"
        return f"<{tag}>{_letter(name)}{_ml(low)}{_ml(script)}</{tag}>"
    tag = f"m{kind}"
    if base[0] == "name" and base[1] in BIG:
        tag = "munder" if kind == "sub" else "mover"
    return f"<{tag}>{_letter(base)}{_ml(script)}</{tag}>"


def _letter(tree: Tree) -> str:
    return f"<mo>{BIG[tree[1]]}</mo>" if tree[0] == "name" and tree[1] in BIG else _ml(tree)
