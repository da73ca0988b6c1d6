"""Formulas as LaTeX: the same trees that pages show as MathML.

What is written is what LaTeX with amsmath, MathJax and GitHub's Markdown read alike: no backslash stands before a sign, since
Markdown would take it away.
"""

from __future__ import annotations

import re

from .formula import INDEX, NUMBER, Formula, beside, is_high
from .notation import BIG, Tree

__all__ = ["latex", "latex_of_name", "latex_of_number", "latex_of_tree", "latex_with_numbers"]

_LETTERS = (
    "alpha", "beta", "delta", "eta", "theta", "lambda", "mu", "nu", "pi", "psi", "rho", "sigma", "tau", "phi", "omega", "zeta",
)  # fmt: skip
GREEK = {name: f"\\{name}" for name in (*_LETTERS, "Phi")} | {
    "gamma": r"\Gamma", "eps": r"\varepsilon", "lmbda": r"\lambda", "digamma": r"\psi", "inf": r"\infty",
}  # fmt: skip
#: Functions that LaTeX knows.
_KNOWN = ("arccos", "arcsin", "arctan", "arg", "cos", "cosh", "det", "exp", "log", "max", "min", "sin", "sinh", "tan", "tanh")
FUNCTIONS = {name: f"\\{name}" for name in _KNOWN}
SIGNS = {
    "*": r"\cdot", "·": r"\cdot", "×": r"\times", "<=": r"\leq", ">=": r"\geq", "!=": r"\neq", "->": r"\to", "...": r"\dots",
    "+=": r"\mathrel{+}=",
}  # fmt: skip
BIG_SIGNS = {"sum": r"\sum", "prod": r"\prod", "product": r"\prod", "integral": r"\int", "max": r"\max", "min": r"\min"}
BRACKETS = {"(": "(", ")": ")", "[": "[", "]": "]", "{": r"\lbrace", "}": r"\rbrace", "|": r"\vert"}
#: What means something else in text, and what stands in its place.
SPECIAL = str.maketrans({
    "_": " ", "^": " ", "`": "", "\\": "/", "{": "(", "}": ")", "#": "no. ", "$": "S", "%": " percent", "&": "and", "~": "-",
    "×": "x", "|": "/",
})  # fmt: skip


def latex(formula: Formula) -> str:
    r"""A formula as LaTeX, without its numbers.

    >>> print(latex(Formula("dx", "g x / sqrt(y)", labels={"x": "h", "y": "v1"})))
    \mathrm{d} ~ h = \frac{g h}{\sqrt{v_{1}}}
    """
    lines = [f"{latex_of_tree(left)} {SIGNS.get(sign, sign)} {latex_of_tree(right)}" for left, sign, right in formula.lines()]
    return r",\quad ".join(lines)


def latex_with_numbers(formula: Formula) -> str:
    r"""The right side with numbers; empty where there are none.

    >>> print(latex_with_numbers(Formula("dx", "g y", {"g": "2", "y": "-3"})))
    2 \times (-3)
    """
    filled = formula.with_numbers()
    written = "" if filled is None else latex_of_tree(filled)
    return re.sub(r"^\((-[^()^]+)\)(?!\^)", r"\1", written)  # a negative number needs no brackets at the beginning


def latex_of_name(name: str) -> str:
    r"""What the user calls something: a letter, with what stands low, or words.

    >>> print(latex_of_name("x"), latex_of_name("v12"), latex_of_name("w_ih"), latex_of_name("0.weight"))
    x v_{12} w_{\mathrm{ih}} \mathrm{0.weight}
    """
    if re.fullmatch(r"[A-Za-z]'*", name):
        return name
    if INDEX.match(name):
        return name.replace("...", r"\dots ")
    if match := re.fullmatch(r"([A-Za-z])_?(\d+)", name):
        return f"{match[1]}_{{{match[2]}}}"
    if match := re.fullmatch(r"(\w+)\[(\d+)\]", name):  # one of several outputs
        return f"{latex_of_name(match[1])}[{match[2]}]"
    if name.startswith("d "):  # a gradient
        return f"\\mathrm{{d}} ~ {latex_of_name(name[2:])}"
    if match := re.fullmatch(r"([A-Za-z0-9.]+)_([A-Za-z0-9._]+)", name):
        return f"{latex_of_name(match[1])}_{{\\mathrm{{{match[2].replace('_', '~')}}}}}"
    if re.fullmatch(r"[A-Za-z0-9.+-]+", name):
        return f"\\mathrm{{{name}}}"
    return _words(name)


def latex_of_number(text: str) -> str:
    r"""A number, or what stands for an array, as `viz.numbers` writes it.

    >>> print(latex_of_number("1.5e-05"), latex_of_number("3×4, -1 to 1"))
    1.5 \times 10^{-5} 3 \times 4, -1 ~\text{to}~ 1
    """
    text = re.sub(r"(?<=[\d.])e([+-])0*(\d+)", lambda m: rf" \times 10^{{{m[1].strip('+')}{m[2]}}}", text)
    text = re.sub(r"\b(nan|scalar|empty|of size)\b", r"\\text{\1}", text)
    return re.sub(r"\binf\b", r"\\infty", text.replace("×", r" \times ").replace(" to ", r" ~\text{to}~ "))


def latex_of_tree(tree: Tree) -> str:
    """The tree of a formula."""
    kind, *parts = tree
    if kind == "mul":
        return _product(parts)
    if kind == "num":
        return f"({latex_of_number(parts[0])})" if not re.fullmatch(r"[\d.]+|inf|nan", parts[0]) else latex_of_number(parts[0])
    if kind == "name":
        return _name(parts[0])
    if kind == "label":
        return latex_of_name(parts[0])
    if kind == "op":
        return SIGNS.get(parts[0], parts[0])
    if kind == "text":
        return "~" if parts[0] == " " else _words(parts[0])
    if kind == "matmul":
        return f"{latex_of_tree(parts[0])} ~@~ {latex_of_tree(parts[1])}"
    if kind == "frac":
        top, below = (part[2] if part[0] == "bracket" and part[1] == "(" else part for part in parts)
        return f"\\frac{{{_bare(top)}}}{{{_bare(below)}}}"
    if kind in ("sub", "sup"):
        return _scripted(kind, parts[0], parts[1])
    if kind == "call" and parts[0] == ("name", "sqrt"):
        return f"\\sqrt{{{_bare(parts[1])}}}"
    if kind == "call":
        return _called(parts[0]) + _between("(", parts[1], ")")
    if kind == "at":
        return latex_of_tree(parts[0]) + _between("[", parts[1], "]")
    if kind == "bracket":
        return _between(*parts)
    if kind == "apply":
        return f"{_called(parts[0])} {latex_of_tree(parts[1])}"
    if kind == "cases":
        cases = (latex_of_tree(value) + (rf" ~\text{{where}}~ {latex_of_tree(c)}" if c else "") for value, c in parts)
        return r", ~\text{else}~ ".join(cases)
    return " ".join(map(latex_of_tree, parts))


# ------------------------------------------------------------------------------------- private


def _name(name: str) -> str:
    """A name of the docstring's."""
    if name in GREEK or name in FUNCTIONS:
        return GREEK.get(name) or FUNCTIONS[name]
    if re.fullmatch(r"d[A-Za-z]", name) or name == "d":
        return f"\\mathrm{{d}} {name[1:]}".strip()
    return latex_of_name(name)


def _called(tree: Tree) -> str:
    """A function: upright."""
    if tree[0] in ("sub", "sup"):
        return _scripted(tree[0], tree[1], tree[2])
    written = latex_of_tree(tree)
    is_word = tree[0] == "name" and written.startswith(r"\mathrm{") and not written.startswith(r"\mathrm{d}")
    return written.replace(r"\mathrm", r"\operatorname", 1) if is_word else written


def _product(parts: list[Tree]) -> str:
    """Factors side by side; with × between numbers, with a space between words."""
    pieces = [latex_of_tree(parts[0])]
    for before, part in zip(parts, parts[1:], strict=False):
        written = latex_of_tree(part)
        is_word = "mathrm{" in written[:8] or "text{" in written[:6] or "mathrm{" in pieces[-1][:8]
        pieces += [r" \times " if beside(before, part) else " ~ " if is_word else " ", written]
    return "".join(pieces)


def _scripted(kind: str, base: Tree, script: Tree) -> str:
    """What stands low or high; a letter has one of each at most, all else goes between braces first."""
    if base[0] == "name" and base[1] in BIG:
        written = BIG_SIGNS[base[1]]
    else:
        written = latex_of_tree(base)
        is_free = base[0] in ("name", "label", "num", "bracket") or (base[0] == "sub" and kind == "sup")
        if not is_free or "'" in written or (kind == "sub" and "_" in written):
            written = f"{{{written}}}"
    mark = "^" if kind == "sup" else "_"
    if script[0] == "name" and len(script[1]) == 2 and kind == "sub":  # two indices
        return f"{written}_{{{script[1]}}}"
    high = re.sub(r"(?<![A-Za-z\\{])([TH])(?![A-Za-z])", r"\\mathrm{\1}", _bare(script)) if kind == "sup" else _bare(script)
    return f"{written}{mark}{{{high}}}"


def _between(opened: str, inside: Tree, close: str) -> str:
    """Brackets, higher around fractions."""
    left, right = BRACKETS[opened], BRACKETS[close]
    if is_high(inside):
        left, right = f"\\left{left}", f"\\right{right}"
    space = " " if "\\" in left + right else ""
    return f"{left}{space}{_bare(inside)}{space}{right}"


def _bare(tree: Tree) -> str:
    """What stands between brackets already: a negative number needs none of its own."""
    return latex_of_number(tree[1]) if tree[0] == "num" and NUMBER.match(tree[1]) else latex_of_tree(tree)


def _words(text: str) -> str:
    return f"\\text{{{text.translate(SPECIAL)}}}"
