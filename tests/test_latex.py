"""Formulas as LaTeX, and explanations as LaTeX and Markdown: parsed by matplotlib, with the numbers that minigrad computes."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import nn
from minigrad import viz
from minigrad.viz.definition import definition
from minigrad.viz.formula import Formula
from minigrad.viz.latex import latex, latex_of_name, latex_of_number, latex_with_numbers

from .test_formulas import all_ops

#: What nn and minigrad call things, and what a user may.
NAMES = (
    "x", "v12", "w_ih", "features.0.weight", "my_long name", "d x", "v1[0]", "100 %", "a|b$c^d{e}", "größe", "x'", "42", "-3",
)  # fmt: skip


@pytest.fixture(scope="module")
def parses() -> Any:
    """Whether matplotlib can set a formula."""
    mathtext = pytest.importorskip("matplotlib.mathtext")
    parser = mathtext.MathTextParser("path")

    def parse(text: str) -> bool:
        try:
            parser.parse(f"${text.replace(chr(92) + 'mathrel{+}=', '=')}$")  # which it does not know
        except ValueError:
            return False
        return True

    assert not parse(r"\frac{1}{2")
    return parse


def f(x: Any, y: Any) -> Any:
    return (np.tanh(x * y) + np.sin(x)) ** 2


def formulas() -> list[Formula]:
    """All formulas of the ops: as the docstrings have them, and with names of users in them."""
    found = []
    for op in all_ops().values():
        known = definition(op)
        stated = [*([known.out] if known.out else []), *known.rules.values(), *known.others]
        users = {name: NAMES[i % len(NAMES)] for i, name in enumerate([*op.inputs, "out"])}
        users |= {f"d{name}": f"d {users[name]}" for name in op.inputs}
        found += [Formula(s.left, s.right, None, labels, sign="+=") for s in stated for labels in ({}, users)]
    return found


def test_every_formula_of_every_op_is_latex(parses: Any) -> None:
    written = [latex(formula) for formula in formulas()]
    assert len(written) > 1400
    assert [text for text in written if not parses(text)] == []


def test_brackets_and_scripts_are_balanced_and_no_sign_is_escaped() -> None:
    for formula in formulas():
        text = latex(formula)
        depth = 0
        for sign in text:
            depth += (sign == "{") - (sign == "}")
            assert depth >= 0, text
        assert depth == 0, text
        assert text.count(r"\left") - text.count(r"\leftarrow") == text.count(r"\right"), text
        assert re.findall(r"\\[^A-Za-z]", text) == [], text  # Markdown would take the backslash away
        assert "$" not in text and "|" not in text, text


@pytest.mark.parametrize("name", NAMES)
def test_whatever_the_user_calls_something_can_be_set(parses: Any, name: str) -> None:
    assert parses(latex_of_name(name))
    assert parses(f"{{{latex_of_name(name)}}}_{{i}}^{{2}}")


def test_numbers_are_set_as_numbers(parses: Any) -> None:
    for text in ("0", "-1.5e-05", "1e+10", "[0.5, 2. ]", "(1, [2., 3.])", "3×4, -1 to 1", "0×2, empty", "nan", "-inf", "?"):
        assert parses(latex_of_number(text))
    assert latex_of_number("-1.5e-05") == r"-1.5 \times 10^{-5}"
    assert latex_of_number("1e+10") == r"1 \times 10^{10}"


def test_formulas_with_numbers_can_be_computed(parses: Any) -> None:
    """As Python, once the signs of LaTeX are Python's, they give what is sent."""
    for step in viz.explain(f, 0.5, -3.0).steps:
        for rule in step.rules:
            text = latex_with_numbers(rule.formula)
            assert parses(text)
            python = re.sub(r"\\(tanh|sin|cos)\(", r"np.\1(", text.replace(r"\times", "*").replace("{", "(").replace("}", ")"))
            assert eval(python.replace("^", "**"), {"np": np}) == pytest.approx(float(rule.sent), rel=1e-3)


def test_an_explanation_as_latex_has_all_steps_with_their_numbers(parses: Any) -> None:
    explanation = viz.explain(f, 0.5, -3.0)
    text = explanation.latex()
    blocks = re.findall(r"\\begin\{align\*\}\n(.*?)\n\\end\{align\*\}", text, re.DOTALL)
    assert len(blocks) == 2
    forward, backward = (block.split(" \\\\\n") for block in blocks)
    assert len(forward) == len(explanation.steps) == 7
    assert len(backward) == 7 + sum(len(step.rules) for step in explanation.steps)
    for line in [*forward, *backward]:
        assert line.count("&") == 1
        assert parses(line.replace("&", "").replace(r"\to", r"\rightarrow").replace(r"\\", ""))
    assert forward[2] == r"v_{1} &= x y = 0.5 \times (-3) = -1.5"
    assert backward[-1] == r"\mathrm{d} ~ x &= -0.7472 + 0.4616 = -0.2856"


class Loss(nn.Module):
    def __init__(self) -> None:
        self.net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))

    def forward(self, x: Any, y: Any) -> Any:
        return nn.functional.cross_entropy(self.net(x), y)


@pytest.mark.parametrize("target", [f, Loss()], ids=["function", "module"])
def test_an_explanation_as_markdown_is_two_tables(parses: Any, target: Any) -> None:
    inputs = (0.5, -3.0) if target is f else (np.ones((4, 2), np.float32), np.array([0, 1, 0, 1]))
    explanation = viz.explain(target, *inputs)
    text = explanation.markdown()
    tables = [part.splitlines() for part in text.split("\n\n") if part.startswith("|")]
    assert [len(table) - 2 for table in tables] == [
        len(explanation.steps),
        sum(1 + len(s.rules) for s in explanation.steps if s.gradient is not None),
    ]
    for table in tables:
        assert table[1] == "|---|---|---|---|"
        assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} == {5}
        for formula in re.findall(r"\$([^$]*)\$", "\n".join(table)):
            assert formula == formula.strip() and parses(formula)
    assert all(f"`{step.call}`" in text for step in explanation.steps if step.call)
