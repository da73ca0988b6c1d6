"""The notation of formulas in docstrings: from the text of one to its tree."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache, lru_cache

__all__ = ["APPLIED", "BIG", "Tree", "parse", "read"]

#: A part of a formula: its kind, and its parts or its text.
Tree = tuple

#: What stands for all that follows it in a product.
BIG = {"sum": "∑", "prod": "∏", "product": "∏", "integral": "∫", "max": "max", "min": "min"}
#: Functions that need no brackets: log x, sin^2 t, det a.
APPLIED = frozenset({
    "Im", "Re", "arg", "cos", "cosh", "det", "exp", "floor", "log", "sign", "sin", "sinh", "tan", "tanh", "trunc",
})  # fmt: skip
#: Words that no formula holds; after `where` a condition follows, before it a formula.
WORDS = re.compile(r"\b(for|with|or|and|the|of|if|as|at|is|along|over|in|by|all|that|times)\b", re.IGNORECASE)
CASES = re.compile(r",?\s+(where|else)\s+")
TOKEN = (
    r"\s*(?:(\d+\.?\d*(?:e[+-]?\d+)?|\.\d+)|(%s[^\W\d_]{2,}_[^\W\d_]{2,}(?=\()|[^\W\d_]\w*?(?=_|\W|$)'*)"
    r"|(\.\.\.|<=|>=|!=|->|[-+*/^_=<>(),|\[\]{}@·×!;:]))"
)
RELATIONS = ("=", "<", ">", "<=", ">=", "!=", "->", ",", ";", ":")


def parse(text: str, names: Collection[str] = ()) -> Tree:
    """The tree of a formula: sums, products by juxtaposition, fractions, powers, subscripts, calls.

    In a product `a b / c d` the fraction has all before it on top and one factor below.  A big sign, as in `sum_i a_i b_i`,
    takes all that follows it in the product.  `x @ y` is the product of matrices, `x^T` the transpose.

    Args:
        names: of parameters, which are one name also where they hold `_` or digits: `w_ih`.

    Raises:
        ValueError: it is not such a formula; prose, say.

    >>> parse("g x / y^2")
    ('frac', ('mul', ('name', 'g'), ('name', 'x')), ('sup', ('name', 'y'), ('num', '2')))
    >>> parse("1 / sum_i x_i y_i")[2][0]
    'big'
    """
    if WORDS.search(text):
        raise ValueError(f"prose: {text!r}")
    tokens: list[tuple[str, str, bool]] = []
    pattern, place = _token(tuple(sorted(n for n in names if not n.isalpha()))), 0
    while place < len(text.rstrip()):
        match = pattern.match(text, place)
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


def read(text: str, names: Collection[str] = ()) -> Tree:
    """The tree of a right side: a formula, prose, or cases of both.

    >>> read("g where x > 0, else 0")
    ('cases', (('name', 'g'), ('row', ('name', 'x'), ('op', '>'), ('num', '0'))), (('num', '0'), None))
    >>> read("the sum of all")
    ('text', 'the sum of all')
    """
    return _read(text, tuple(sorted(name for name in names if not name.isalpha())))


@lru_cache(4096)  # a page of a thousand steps has few formulas
def _read(text: str, names: tuple[str, ...]) -> Tree:
    pieces = CASES.split(text)
    if len(pieces) == 1 or not pieces[0]:
        return _piece(text, names)
    cases: list[tuple[Tree, Tree | None]] = [(_piece(pieces[0], names), None)]
    for word, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        if word == "where":
            cases[-1] = (cases[-1][0], _piece(piece, names))
        else:
            cases.append((_piece(piece, names), None))
    return ("cases", *cases)


@cache
def _token(names: tuple[str, ...]) -> re.Pattern[str]:
    longest = sorted(names, key=len, reverse=True)
    return re.compile(TOKEN % "".join(rf"(?:{re.escape(n)})(?!\w)|" for n in longest))


def _piece(text: str, names: Collection[str]) -> Tree:
    try:
        return parse(text, names)
    except ValueError:
        return ("text", text)


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
        while self.peek() in RELATIONS:
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
                factors = [("frac", _joined(factors), self.factor())]
            elif self.peek() == "@":
                self.take()
                factors = [("matmul", _joined(factors), self.factor())]
            elif self.peek() in ("*", "·", "×"):
                self.take()
                factors.append(self.factor())
            elif self.begins_a_factor():
                factors.append(self.factor())
            else:
                break
        return _joined(factors)

    def begins_a_factor(self) -> bool:
        if self.at == len(self.tokens):
            return False
        text = self.peek()
        return self.tokens[self.at][0] != "op" or text in ("(", "[", "{", "...") or (text == "|" and not self.bars)

    def factor(self) -> Tree:
        tree = self.scripts(self.atom())
        name = _base(tree)
        if name in BIG and tree[0] != "name" and self.begins_a_factor():  # max_i a_i, not max(x, y)
            return ("big", tree, self.product())
        if self.peek() in ("(", "[") and not self.tokens[self.at][2] and name:
            tree = self.scripts(self.called(tree))
            return self.scripts(self.called(tree)) if self.peek() == "(" and not self.tokens[self.at][2] else tree
        if name in APPLIED and self.begins_a_factor():
            return ("apply", tree, self.factor())
        return tree

    def called(self, tree: Tree) -> Tree:
        """What stands in brackets directly behind a name: arguments, or an index."""
        opened = self.take()
        close = {"(": ")", "[": "]"}[opened]
        inside = self.relation() if self.peek() != close else ("row",)
        self.take(close)
        return ("call" if opened == "(" else "at", tree, inside)

    def scripts(self, tree: Tree) -> Tree:
        while self.peek() in ("^", "_", "!"):
            mark = self.take()
            tree = ("row", tree, ("op", "!")) if mark == "!" else ("sup" if mark == "^" else "sub", tree, self.script(mark))
        return tree

    def script(self, mark: str) -> Tree:
        """What stands high or low: one atom with its sign, or all between brackets, which are not shown."""
        if self.peek() in ("-", "+"):
            sign = ("op", self.take())
            alone = self.at == len(self.tokens) or self.tokens[self.at][2] or self.peek() in (*RELATIONS, ")", "]")
            return sign if alone else ("sum", sign, self.script(mark))  # a^+ is the pseudo-inverse
        if self.peek() in ("(", "{"):
            close = ")" if self.take() == "(" else "}"
            tree = self.relation()
            self.take(close)
            return tree
        tree = self.atom()
        if mark == "^" and self.peek() == "^":
            return ("sup", tree, self.script(self.take()))
        return tree

    def atom(self) -> Tree:
        text = self.take()
        kind = self.tokens[self.at - 1][0]
        if kind != "op" or text in ("...", ":"):
            return (kind, text)
        if text in ("(", "[", "{"):
            bars, self.bars = self.bars, 0
            tree = self.relation()
            self.bars = bars
            close = self.take({"(": ")", "[": "]", "{": "}"}[text])
            return ("bracket", text, tree, close)
        if text == "|":
            self.bars += 1
            tree = self.sum()
            self.bars -= 1
            self.take("|")
            return ("bracket", "|", tree, "|")
        raise ValueError(f"unexpected {text!r}")


def _base(tree: Tree) -> str:
    """The name that carries the scripts: sum of sum_i^n."""
    while tree[0] in ("sub", "sup"):
        tree = tree[1]
    return tree[1] if tree[0] == "name" else ""


def _joined(factors: list[Tree]) -> Tree:
    return factors[0] if len(factors) == 1 else ("mul", *factors)
