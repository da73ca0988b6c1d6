"""A forward and a backward pass as a worked exercise: every step with its formula and its numbers, as text."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..tensor import Tensor
from .capture import captured
from .formula import Formula
from .numbers import has_numbers, host, number
from .target import resolve
from .values import backward_flow, saved_values, value_of, what_rules_read
from .walk import Step, walk

__all__ = ["Explained", "Explanation", "explain"]


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
        label: how it is called: the tensor's name, or v1, v2, ...
        call: what was computed, "multiply(x, w)"; empty for a leaf.
        formula: the op's formula with these names, and with the numbers where they are single ones.
        value: the result, None where the graph does not know it (see `capture`).
        source: the line of code, where it was captured.
        arrives: the gradients that come back from the steps that used this one.
        gradient: their sum.
        rules: for each input, what is sent to it.
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

    @property
    def total(self) -> str:
        """The gradient, as the sum of what arrives."""
        return (" + ".join(map(number, self.arrives)) + " = " if len(self.arrives) > 1 else "") + number(self.gradient)


class Explanation:
    """The steps of a computation with their numbers; its repr is the worked exercise.

    Attributes:
        steps: in the order of computation.
    """

    def __init__(self, steps: list[Explained]) -> None:
        self.steps = steps

    def __repr__(self) -> str:
        forward = [(s.label, s.call or "given", str(s.formula or ""), number(s.value), place(s.source)) for s in self.steps]
        passed = [s for s in reversed(self.steps) if s.gradient is not None]
        sends = iter(
            _aligned([(f"to {label}:", str(rule or ""), f"= {number(sent)}") for s in passed for _, label, rule, sent in s.rules])
        )
        lines = ["forward", *_aligned(forward), "", "backward"]
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
            backward.append((f"d {s.label}", "", None, s.total))
            backward += [("", f"to {label}", formula, number(sent)) for _, label, formula, sent in s.rules]
        return f"<h4>forward</h4>{_table(forward)}<h4>backward</h4>{_table(backward)}"


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
        target: a tensor, of one element unless a `gradient` is given; or a module or a function of NumPy, called with the inputs.
        inputs: numbers and arrays for the function.
        names: a module or a dict from names to tensors, as for `draw`.

    Raises:
        RuntimeError: a backward pass has freed what the rules read.

    >>> x = Tensor(0.5, requires_grad=True, name="x")
    >>> print(explain((2 * x).tanh()))
    forward
      x       given                                0.5
      v1      multiply(2, x)  out = x y = 2 × 0.5  ?
      result  tanh(v1)        out = tanh(x)        0.7616
    <BLANKLINE>
    backward
      d result = 1
          to v1:  dx = g (1 - out^2) = 1 × (1 - 0.7616^2)  = 0.42
      d v1 = 0.42
          to x:   dy = g x = 0.42 × 2                      = 0.8399
      d x = 0.8399
    """
    tensors, names = resolve(target, inputs, names)
    return Explanation(explained(tensors, walk(tensors, names), gradient))


def explained(
    tensors: list[Tensor], steps: list[Step], gradient: Any = None, chosen: Collection[int] | None = None
) -> list[Explained]:
    """The explanation of the chosen steps, by their numbers, or of all."""
    read = saved_values(step.node for step in steps)
    labels = _labels(steps)
    values = {step.id: value_of(step.node, read) for step in steps}
    flows = {flow.step.id: flow for flow in backward_flow(tensors, steps, gradient)}
    found = []
    for step in steps:
        if chosen is not None and step.id not in chosen:
            continue
        known = {**_inputs(step, labels, values), "out": (labels[step.id], values[step.id])}
        flow = flows.get(step.id)
        rules = [] if flow is None else _rules(step, known, flow.total, flow.sends, labels)
        found.append(
            Explained(
                step, labels[step.id], _written(step, known), _formula(step.doc, "out", known), values[step.id], source_of(step),
                [] if flow is None else flow.arrives, None if flow is None else flow.total, rules,
            )
        )  # fmt: skip
    return found


def _labels(steps: list[Step]) -> dict[int, str]:
    labels, count = {}, 0
    for step in steps:
        if step.name is None and not (step.output and step.op):
            count += 1
        labels[step.id] = step.name or ("result" if step.output and step.op else f"v{count}")
    return labels


def _inputs(step: Step, labels: dict[int, str], values: dict[int, Any]) -> dict[str, tuple[str, Any]]:
    """For each input of the op: what it is called, and its value."""
    node = step.node
    if node.op is None:
        return {}
    ids = iter(step.inputs)
    known: dict[str, tuple[str, Any]] = {}
    names = node.op.inputs if node.op.sequence is None else [f"{node.op.sequence}{i}" for i in range(len(node.parents))]
    read = dict(what_rules_read(node))
    constants = {n: host(v) for n, v in read.items() if has_numbers(v)}
    for name, parent in zip(names, node.parents, strict=False):
        if parent is not None:
            source = next(ids)[0]
            known[name] = (labels[source], values[source])
        else:
            value = constants.get(name)
            label = "..." if read.get(name, ...) is not None else ""  # an input that was left out
            known[name] = (number(value) if value is not None else label, value)
    return known


def source_of(step: Step) -> str | None:
    """The line of the user's code that made a step, where it was captured."""
    record = captured(step.node)
    return None if record is None else record.source


def _written(step: Step, known: dict[str, tuple[str, Any]]) -> str:
    if step.op is None:
        return ""
    labels = [label for name, (label, _) in known.items() if label and name != "out"]
    return f"{step.op}({', '.join(labels)})"


def _line(doc: str, left: str) -> str | None:
    """The formula of a docstring that defines a name: "dx = ..." or "dx_i = ...", of an input `weight` also "dW = ..."."""
    spellings = [left, *((f"d{left[1].upper()}", f"d{left[1]}") if left != "out" and len(left) > 2 else ())]
    for spelling in spellings:
        if match := re.search(rf"(?:^|[;,] )\s*{spelling}(?:_\w)?\s*=\s*([^;\n]+)", doc, re.MULTILINE):
            return re.split(r"\s{2,}|, d\w", match[1].strip())[0].rstrip(",")
    return None


def _formula(doc: str, left: str, known: dict[str, tuple[str, Any]]) -> Formula | None:
    """A formula of a docstring, with the numbers of its names where all of them are single ones."""
    formula = _line(doc, left)
    if formula is None:
        return None
    used = [name for name in known if re.search(rf"\b{name}\b", formula) and name != left]
    single = used and all(known[name][1] is not None and not np.shape(known[name][1]) for name in used)
    return Formula(left, formula, {name: number(known[name][1]) for name in used} if single else None)


def _rules(
    step: Step, known: dict[str, tuple[str, Any]], g: Any, sends: list[tuple[int, Any]], labels: dict[int, str]
) -> list[Rule]:
    node = step.node
    if node.op is None:
        return []
    names = [name for name, parent in zip([n for n in known if n != "out"], node.parents, strict=False) if parent is not None]
    values = {**known, "g": ("g", g)}
    found = []
    for i, (source, sent) in enumerate(sends):
        name = names[i] if i < len(names) else ""
        found.append(Rule(source, labels[source], _formula(step.doc, f"d{name}", values), sent))
    return found


def place(source: str | None) -> str:
    """The file and line of a source line; in a notebook the line of the cell."""
    match = re.match(r"(.*?):(\d+): ", source or "")
    if match is None:
        return ""
    return f"{'cell' if 'ipykernel' in match[1] else Path(match[1]).name}:{match[2]}"


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [("  " + "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True) if w)).rstrip() for row in rows]
