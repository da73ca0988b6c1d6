"""A forward and a backward pass as a worked exercise: every step with its formula and its numbers, as text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from ..graph import Node
from ..tensor import Tensor
from . import typeset
from .capture import captured
from .formula import Formula
from .names import Names
from .naming import labels_of
from .numbers import added, number
from .reach import reach
from .target import resolve
from .text import printable
from .values import backward_flow, values_of
from .walk import Step, walk

__all__ = ["LEGEND", "Explained", "Explanation", "explain"]

LEGEND = "d x is the gradient of the result by x, g the one that arrives at the step above"


class Rule(NamedTuple):
    """What a step sends back to one of its inputs: the input's number and label, the formula, the gradient."""

    to: int
    label: str
    formula: Formula | None
    sent: Any


@dataclass
class Explained:
    """A step of the explanation.

    Attributes:
        step: the step of the graph.
        label: what it is called: the tensor's name, or v1, v2, ...
        call: what was computed, "multiply(x, w)"; empty for a leaf.
        formula: the op's formula with these names, and with the numbers where they are single ones.
        value: the result, None where the graph does not know it (see `capture`).
        source: the line of code, where it was captured.
        arrives: the gradients that come back from the steps that used this one.
        gradient: their sum.
        rules: for each input, what is sent to it.
        reach: of a recurrent op, the gradient of what it reads at each time.

    >>> x, result = explain(lambda x: x * x, 3.0).steps
    >>> result.label, result.call, str(result.formula), float(result.value), x.total
    ('result', 'multiply(x, x)', 'result = x x = 3 × 3', 9.0, '3 + 3 = 6')
    """

    step: Step
    label: str
    call: str
    formula: Formula | None
    value: Any
    source: str | None
    arrives: list[Any]
    gradient: Any
    rules: list[Rule]
    reach: Any = None

    @property
    def total(self) -> str:
        """The gradient, as the sum of what arrives."""
        return (added(map(number, self.arrives)) + " = " if len(self.arrives) > 1 else "") + number(self.gradient)


class Explanation:
    """The steps of a computation with their numbers; its repr is the worked exercise.

    Attributes:
        steps: in the order of computation.

    >>> found = explain(lambda x: x * x, 3.0)
    >>> [(step.label, float(step.gradient)) for step in found.steps]
    [('x', 6.0), ('result', 1.0)]
    """

    def __init__(self, steps: list[Explained]) -> None:
        self.steps = steps

    def __repr__(self) -> str:
        forward = [(s.label, s.call or "given", str(s.formula or ""), number(s.value), place(s.source)) for s in self.steps]
        passed = [s for s in reversed(self.steps) if s.gradient is not None]
        sends = iter(
            _aligned([(f"to {label}:", str(rule or ""), f"= {number(sent)}") for s in passed for _, label, rule, sent in s.rules])
        )
        lines = ["forward", *_aligned(forward), "", f"backward ({LEGEND})"]
        for s in passed:
            lines.append(f"  d {s.label} = {s.total}")
            lines += [f"    {next(sends)}" for _ in s.rules]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Forward and backward as two tables, with rendered formulas."""
        forward = [(s.label, s.call or "given", s.formula, number(s.value)) for s in self.steps]
        passed = [s for s in reversed(self.steps) if s.gradient is not None]
        backward: list[tuple[str, str, Formula | None, str]] = []
        for s in passed:
            backward.append((f"d {s.label}", "", None, s.total.replace(" - ", " − ")))
            backward += [("", f"to {label}", formula, number(sent)) for _, label, formula, sent in s.rules]
        return f"<p><b>forward</b></p>{_table(forward)}<p><b>backward</b></p><p>{escape(LEGEND)}</p>{_table(backward)}"

    def latex(self) -> str:
        r"""As LaTeX, for a paper or a script: two sets of aligned equations, which need the package amsmath.

        >>> x = Tensor(3.0, requires_grad=True, name="x")
        >>> print(explain(x * x).latex())
        Forward:
        \begin{align*}
        x &= 3 \\
        \mathrm{result} &= x x = 3 \times 3 = 9
        \end{align*}
        Backward (d x is the gradient of the result by x, g the one that arrives at the step above):
        \begin{align*}
        \mathrm{d} ~ \mathrm{result} &= 1 \\
        &\to x: \quad \mathrm{d} ~ x \mathrel{+}= g x = 1 \times 3 = 3 \\
        &\to x: \quad \mathrm{d} ~ x \mathrel{+}= g x = 1 \times 3 = 3 \\
        \mathrm{d} ~ x &= 3 + 3 = 6
        \end{align*}
        """
        return typeset.latex(self.steps, LEGEND)

    def markdown(self) -> str:
        """As Markdown: two tables, with formulas between dollar signs, as GitHub and notebooks show them.

        >>> x = Tensor(3.0, requires_grad=True, name="x")
        >>> print(explain(x * x).markdown().split("**")[2].strip())
        | | computed | formula | value |
        |---|---|---|---|
        | $x$ | given | | $3$ |
        | $\\mathrm{result}$ | `multiply(x, x)` | $\\mathrm{result} = x x = 3 \\times 3$ | $9$ |
        """
        return typeset.markdown(self.steps, LEGEND)


def _table(rows: Sequence[tuple[str, str, Formula | None, str]]) -> str:
    lines = []
    for label, call, formula, value in rows:
        filled = "" if formula is None else formula.math_with_numbers()
        mathematics = "" if formula is None else formula.math() + (f" = {filled}" if filled else "")
        cells = f"<td>{escape(label)}</td><td>{escape(call)}</td><td>{mathematics}</td><td>{escape(value)}</td>"
        lines.append(f"<tr>{cells}</tr>")
    return f"<table>{''.join(lines)}</table>"


def explain(target: Any, *inputs: Any, names: Any = None, gradient: Any = None) -> Explanation:
    """What was computed and how its gradient comes about, step by step.

    Args:
        target: a tensor; or a module or a function of NumPy, called with the inputs.
        inputs: numbers and arrays for the function.
        names: a module or a dict from names to tensors, as for `draw`.
        gradient: what arrives at the result; ones by default, so that of several elements the sum is differentiated.

    Raises:
        RuntimeError: a backward pass has freed what the rules read.

    >>> x = Tensor(0.5, requires_grad=True, name="x")
    >>> print(explain((2 * x).tanh()))
    forward
      x       given                               0.5
      v1      multiply(2, x)  v1 = 2 x = 2 × 0.5  ?
      result  tanh(v1)        result = tanh(v1)   0.7616
    <BLANKLINE>
    backward (d x is the gradient of the result by x, g the one that arrives at the step above)
      d result = 1
          to v1:  d v1 = g (1 - result^2) = 1 × (1 - 0.7616^2)  = 0.42
      d v1 = 0.42
          to x:   d x = g × 2 = 0.42 × 2                        = 0.8399
      d x = 0.8399
    """
    tensors, names = resolve(target, inputs, names)
    return Explanation(explained(tensors, walk(tensors, names), 1.0 if gradient is None else gradient))


def explained(
    tensors: list[Tensor], steps: list[Step], gradient: Any = None, chosen: Collection[int] | None = None
) -> list[Explained]:
    """The explanation of the chosen steps, by their numbers, or of all."""
    labels = labels_of(steps)
    values = values_of(steps, tensors)
    flows = {flow.step.id: flow for flow in backward_flow(tensors, steps, gradient)}
    uses = Counter(flow.step.node.parents[place] for flow in flows.values() for place, *_ in flow.sends)
    found = []
    for step in steps:
        if chosen is not None and step.id not in chosen:
            continue
        flow = flows.get(step.id)
        names = Names(step, labels, values, None if flow is None else flow.total)
        rules = [] if flow is None else [_rule(names, uses, *sent) for sent in flow.sends]
        found.append(
            Explained(
                step, labels[step.id], names.call(), names.formula_of_result(), values[step.id], source_of(step),
                [] if flow is None else flow.arrives, None if flow is None else flow.total, rules,
                None if flow is None else reach(flow),
            )
        )  # fmt: skip
    return found


def _rule(names: Names, uses: Counter[Node | None], place: int, source: int, sent: Any) -> Rule:
    """What is sent to one input; where others send to it too, what is sent is added."""
    parameter = names.parameter_at(place)
    label = names.labels.get(parameter, "")
    return Rule(source, label, names.formula_of_rule(parameter, "+=" if uses[names.step.node.parents[place]] > 1 else "="), sent)


def source_of(step: Step) -> str | None:
    """The line of the user's code that made a step, where it was captured."""
    known = captured(step.node) if step.data is None else step.data.origin
    return None if known is None or known.source is None else printable(known.source)


def place(source: str | None) -> str:
    """The file and line of a source line; in a notebook the line of the cell."""
    match = re.match(r"(.*?):(\d+): ", source or "")
    if match is None:
        return ""
    return f"{'cell' if 'ipykernel' in match[1] else Path(match[1]).name}:{match[2]}"


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [("  " + "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True) if w)).rstrip() for row in rows]
