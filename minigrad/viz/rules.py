"""The choices of "which rule?": the right formula, and what it becomes by the usual mistakes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import NamedTuple

import numpy as np

from .definition import definition
from .explain import Explained
from .formula import Formula
from .notation import read
from .numbers import host

__all__ = ["Choice", "rule_choices"]

#: So many wrong formulas beside the right one.
MOST = 3


class Choice(NamedTuple):
    """What can be chosen.

    Attributes:
        text: as text.
        formula: to be shown in its place.
        mistake: the name of the mistake; empty of the right one.
        why: what to say to who chooses it.
    """

    text: str
    formula: Formula | None
    mistake: str
    why: str


def rule_choices(row: Explained, which: int, seed: int = 0) -> tuple[Choice, ...]:
    """The rule that sends a gradient to one of a step's inputs, among others, in an order of their own for each seed.

    >>> from minigrad import viz
    >>> step = viz.explain(lambda x, y: x * y, 3.0, -2.0).steps[-1]
    >>> sorted(choice.text for choice in rule_choices(step, 0))
    ['d x = -g y', 'd x = g x', 'd x = g y', 'd x = y']
    """
    formula = row.rules[which].formula
    if formula is None or formula.right.strip() in ("0", "g_1") or read(formula.right, formula.labels)[0] in ("text", "row"):
        return ()
    right = formula.filled_with(None)
    found = {str(right): Choice(str(right), right, "", "")}
    for name, changed, why in _mistaken(row, which, formula):
        other = replace(right, right=changed)
        if len(found) <= MOST and read(changed, right.labels)[0] != "text":
            found.setdefault(str(other), Choice(str(other), other, name, why))
    choices = [*found.values()]
    Random(seed).shuffle(choices)
    return tuple(choices)


# ------------------------------------------------------------------------------------- private


def _mistaken(row: Explained, which: int, formula: Formula) -> Iterator[tuple[str, str, str]]:
    """The name of a mistake, what the right side becomes by it, and what to say."""
    right = formula.right
    yield from _of_other_inputs(row, formula)
    alone = re.sub(r"(?<![\w'])g(?!\w)", "1", right)
    if "@" not in right:
        yield "missing chain factor", alone, "the chain factor g is missing: what arrives is multiplied by the local derivative."
    if re.search(r"\^[TH]\b", right):
        yield "missing transpose", re.sub(r"\^[TH]\b", "", right), "a transpose is missing: the shapes would not fit."
    yield "wrong sign", _negative(right, formula), "compare it with the derivative, at a number that you like."
    if right.startswith("g ") and read(right, formula.labels)[0] in ("mul", "frac"):
        why = "what arrives is multiplied by the local derivative, not added to it."
        yield "added instead of multiplied", f"g + {right[2:]}", why
    value = definition(row.step.node.op).out
    if value is not None and _is_another(row, which):
        inside = value.right if read(value.right, formula.labels)[0] in ("call", "frac", "sup", "mul") else f"({value.right})"
        yield "function instead of derivative", f"g {inside}", "that is the function itself, its derivative is asked for."
    if right == "g":
        yield "added instead of multiplied", "g + 1", "the derivative of a sum by one of its terms is 1: g goes on as it is."


def _of_other_inputs(row: Explained, formula: Formula) -> Iterator[tuple[str, str, str]]:
    op = row.step.node.op
    for name, stated in definition(op).rules.items() if op.sequence is None else ():
        if stated.left != formula.left and name in formula.labels:
            yield "wrong branch", stated.right, f"that goes to the other input: {formula.labels[name]}."


def _negative(right: str, formula: Formula) -> str:
    """The right side with the other sign; of cases, each of them."""
    value, *others = re.split(r"(,?\s+(?:where|else)\s+)", right)
    pieces = [_turned(value, formula)]
    for between, piece in zip(others[::2], others[1::2], strict=True):
        pieces += [between, _turned(piece, formula) if "else" in between else piece]
    return "".join(pieces)


def _turned(right: str, formula: Formula) -> str:
    tree = read(right, formula.labels)
    if right.strip() == "0":
        return right
    if tree[0] == "sum":
        return right[1:].lstrip() if len(tree) == 3 and tree[1] == ("op", "-") else f"-({right})"
    return right[1:] if right.startswith("-") else f"-{right}"


def _is_another(row: Explained, which: int) -> bool:
    """Whether g times the value is not what is sent, as of exp; where numbers are not known, it might be."""
    known = (row.value, row.gradient, row.rules[which].sent)
    if any(x is None or isinstance(x, tuple) for x in known):
        return False
    value, g, sent = map(host, known)
    with np.errstate(all="ignore"):
        return value.shape == sent.shape == g.shape and not np.allclose(value * g, sent, rtol=1e-3, equal_nan=True)
