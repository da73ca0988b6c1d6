"""A forward and a backward pass as a worked exercise: every step with its formula and its numbers, as text."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..tensor import Tensor
from .values import backward_flow, capture, is_small, saved_values, source_of, value_of, what_rules_read
from .walk import Step, walk

__all__ = ["Explained", "Explanation", "explain"]


@dataclass
class Explained:
    """A step of the explanation.

    Attributes:
        label: how it is called: the tensor's name, or v1, v2, ...
        call: what was computed, "multiply(x, w)"; empty for a leaf.
        formula: the op's formula with these names, and with the numbers where they are single ones.
        value: the result, None where the graph does not know it (see `capture`).
        source: the line of code, where it was captured.
        arrives: the gradients that come back from the steps that used this one.
        gradient: their sum.
        rules: for each input, (its label, the rule with the numbers, the gradient that is sent to it).
    """

    label: str
    call: str
    formula: str
    value: Any
    source: str | None
    arrives: list[Any]
    gradient: Any
    rules: list[tuple[str, str, Any]]


class Explanation:
    """The steps of a computation with their numbers; its repr is the worked exercise.

    Attributes:
        steps: in the order of computation.
    """

    def __init__(self, steps: list[Explained]) -> None:
        self.steps = steps

    def __repr__(self) -> str:
        forward = [(s.label, s.call or "given", s.formula, _number(s.value), _place(s.source)) for s in self.steps]
        passed = [s for s in reversed(self.steps) if s.gradient is not None]
        sends = iter(_aligned([(f"to {label}:", rule, f"= {_number(sent)}") for s in passed for label, rule, sent in s.rules]))
        lines = ["forward", *_aligned(forward), "", "backward"]
        for s in passed:
            sum_of = " + ".join(map(_number, s.arrives)) + " = " if len(s.arrives) > 1 else ""
            lines.append(f"  d {s.label} = {sum_of}{_number(s.gradient)}")
            lines += [f"    {next(sends)}" for _ in s.rules]
        return "\n".join(lines)


def explain(target: Tensor | Callable[..., Any], *inputs: Any, names: Any = None, gradient: Any = None) -> Explanation:
    """What was computed and how its gradient comes about, step by step.

    Args:
        target: a tensor, of one element unless a `gradient` is given; or a function of NumPy, which is called with the inputs.
        inputs: numbers and arrays for the function.
        names: a module or a dict, as for `draw`.

    Raises:
        RuntimeError: a backward pass has freed what the rules read.

    >>> x = Tensor(0.5, requires_grad=True, name="x")
    >>> print(explain((2 * x).tanh()))
    forward
      x       given                              0.5
      v1      multiply(2, x)  out = x y = 2 0.5  ?
      result  tanh(v1)        out = tanh(x)      0.7616
    <BLANKLINE>
    backward
      d result = 1
          to v1:  dx = g (1 - out^2) = 1 (1 - 0.7616^2)  = 0.42
      d v1 = 0.42
          to x:   dy = g x = 0.42 2                      = 0.8399
      d x = 0.8399
    """
    if not isinstance(target, Tensor):
        target, names = _call(target, inputs)
    steps = walk(target, names)
    nodes = [step.node for step in steps if step.node is not None]
    read = saved_values(nodes)
    labels = _labels(steps)
    values = {step.id: value_of(step.node, read) for step in steps}  # type: ignore[arg-type]
    flows = {flow.step.id: flow for flow in backward_flow(target, steps, gradient)}
    explained = []
    for step in steps:
        known = {**_inputs(step, labels, values), "out": (labels[step.id], values[step.id])}
        flow = flows.get(step.id)
        rules = [] if flow is None else _rules(step, known, flow.total, flow.sends, labels)
        explained.append(
            Explained(
                labels[step.id], _written(step, known), _formula(step.doc, "out", known), values[step.id], source_of(step.node),  # type: ignore[arg-type]
                [] if flow is None else flow.arrives, None if flow is None else flow.total, rules,
            )
        )  # fmt: skip
    return Explanation(explained)


def _call(function: Callable[..., Any], inputs: Sequence[Any]) -> tuple[Tensor, dict[str, Tensor]]:
    """A function's result on tensors made of the inputs, and these by the names of its parameters."""
    parameters = list(inspect.signature(function).parameters)
    tensors = [x if isinstance(x, Tensor) else Tensor(_floating(x)) for x in inputs]
    for tensor in tensors:
        tensor.requires_grad = True
    with capture():
        out = function(*tensors)
    if not isinstance(out, Tensor) or not out.requires_grad:
        raise ValueError(f"explain: the result {out!r:.60} does not depend on the inputs in a way that is differentiable")
    return out, dict(zip(parameters, tensors, strict=False))


def _floating(x: Any) -> np.ndarray:
    array = np.asarray(x)
    return array if array.dtype.kind in "fc" else array.astype(float)


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
    if node is None or node.op is None:
        return {}
    ids = iter(step.inputs)
    known: dict[str, tuple[str, Any]] = {}
    names = node.op.inputs if node.op.variadic is None else [f"{node.op.variadic}{i}" for i in range(len(node.parents))]
    constants = {n: np.asarray(v) for n, v in what_rules_read(node) if isinstance(v, (float, int, np.ndarray))}
    for name, parent in zip(names, node.parents, strict=False):
        if parent is not None:
            source = next(ids)[0]
            known[name] = (labels[source], values[source])
        else:
            value = constants.get(name)
            known[name] = (_number(value) if value is not None else "...", value)
    return known


def _written(step: Step, known: dict[str, tuple[str, Any]]) -> str:
    return "" if step.op is None else f"{step.op}({', '.join(label for name, (label, _) in known.items() if name != 'out')})"


def _line(doc: str, left: str) -> str | None:
    """The formula of a docstring that defines a name: "dx = ..." or "dx_i = ...", of an input `weight` also "dW = ..."."""
    spellings = [left, *((f"d{left[1].upper()}", f"d{left[1]}") if left != "out" and len(left) > 2 else ())]
    for spelling in spellings:
        if match := re.search(rf"(?:^|[;,] )\s*{spelling}(?:_\w)?\s*=\s*([^;\n]+)", doc, re.MULTILINE):
            return re.split(r"\s{2,}|, d\w", match[1].strip())[0].rstrip(",")
    return None


def _formula(doc: str, left: str, known: dict[str, tuple[str, Any]]) -> str:
    """A formula, and once more with numbers where all of them are single ones."""
    formula = _line(doc, left)
    if formula is None:
        return ""
    used = [name for name in known if re.search(rf"\b{name}\b", formula) and name != left]
    if not used or any(known[name][1] is None or np.shape(known[name][1]) for name in used):
        return f"{left} = {formula}"
    numbers = formula
    for name in used:
        number = _number(known[name][1])
        numbers = re.sub(rf"\b{name}\b", f"({number})" if number.startswith("-") else number, numbers)
    return f"{left} = {formula} = {numbers}"


def _rules(
    step: Step, known: dict[str, tuple[str, Any]], g: Any, sends: list[tuple[int, Any]], labels: dict[int, str]
) -> list[tuple[str, str, Any]]:
    node = step.node
    if node is None or node.op is None:
        return []
    names = [name for name, parent in zip([n for n in known if n != "out"], node.parents, strict=False) if parent is not None]
    values = {**known, "g": ("g", g)}
    found = []
    for i, (source, sent) in enumerate(sends):
        name = names[i] if i < len(names) else ""
        found.append((labels[source], _formula(step.doc, f"d{name}", values), sent))
    return found


def _number(value: Any) -> str:
    """A number or a small array in full, of a larger one the shape and range."""
    if value is None:
        return "?"
    if isinstance(value, tuple):
        return f"({', '.join(map(_number, value))})"
    if not isinstance(value, (np.ndarray, np.generic, float, int)):
        return repr(value)
    if np.size(value) == 1 and np.ndim(value) == 0:
        return f"{complex(value):.4g}" if np.asarray(value).dtype.kind == "c" else f"{float(value):.4g}"
    if is_small(value):
        return np.array2string(np.asarray(value), precision=4, separator=", ").replace("\n", "")
    shape = "×".join(map(str, np.shape(value)))
    return f"{shape}, {np.min(value):.4g} to {np.max(value):.4g}" if np.size(value) else f"{shape}, empty"


def _place(source: str | None) -> str:
    """The file and line of a source line."""
    match = re.match(r"(.*?:\d+): ", source or "")
    return Path(match[1]).name if match else ""


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [("  " + "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True) if w)).rstrip() for row in rows]
