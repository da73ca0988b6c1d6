"""A graph as one page: pan, search and click through it, and play it forwards and backwards with its numbers."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from .explain import Explained, Rule, explained, place
from .formula import Formula
from .numbers import dimensions, host, memory_size, number, rms
from .page import Page
from .summary import Summariser
from .target import resolve
from .view import Group, alike, boxes, view
from .walk import Step, walk

__all__ = ["explore"]


def explore(
    target: Any, path: str | os.PathLike[str] | None = None, *inputs: Any,
    names: Any = None, gradient: Any = None, title: str = "Computation graph", max_nodes: int = 1500,
) -> Page:  # fmt: skip
    """A page that shows a graph and steps through its forward and its backward pass, node by node, with formulas and numbers.

    The page is one file that needs no server, no network and no Graphviz on the machine.

    Args:
        target: a tensor or several, before `backward()` has freed what the rules read; or a module or a function, which is
            called with the inputs.  Under `capture(module)` the numbers of all steps are kept, and the modules that made them.
        path: where to write the page; a notebook shows the returned page by itself.
        inputs: of a module or a function; after tensors the `names` may stand here.
        names: a module, or a dict from names to tensors.
        gradient: what arrives at the result; ones by default, so that of several elements the sum is differentiated.
        max_nodes: a larger graph is summarised: the page then shows the first of those steps that are alike.

    Raises:
        RuntimeError: a backward pass has freed what the rules read.

    >>> x = Tensor(0.5, requires_grad=True, name="x")
    >>> page = explore((2 * x).tanh())
    >>> len(page.html) < 2_000_000
    True
    """
    tensors, names = resolve(target, inputs, names)
    steps = walk(tensors, names)
    groups = view(steps, None, "unrolled", max_nodes)
    member = {step.id: group.id for group in groups.groups for step in group.steps}
    shown = {group.id for group in groups.groups}
    if gradient is None and any(t.size != 1 for t in tensors):
        gradient = 1.0
    rows = explained(tensors, steps, gradient, shown)
    data = {
        "title": title,
        "notes": groups.notes,
        "steps": _steps(rows, steps, groups.groups, member),
        "backward": [row.step.id for row in reversed(rows) if row.gradient is not None],
    }
    page = Page(title, data, ("values.js", "graph.js", "detail.js", "player.js", "explore.js"), graphviz=True)
    if path is not None:
        page.write(path)
    return page


def _steps(
    rows: list[Explained], steps: list[Step], groups: list[Group], member: dict[int, int]
) -> list[dict[str, Any]]:
    """All that the page shows of each step: those of a class are alike."""
    classes: dict[Any, int] = {}
    keys, calls = alike(steps), boxes(steps)
    summarise = Summariser(len(rows))
    shown = []
    for row, group in zip(rows, groups, strict=True):
        step = _step(row, group, member, summarise)
        step["calls"] = [[c.path, c.number, c.kind] for c in calls[row.step.id] if c.path]
        step["alike"] = classes.setdefault(keys[row.step.id], len(classes))
        shown.append(step)
    return shown


def _step(row: Explained, group: Group, member: dict[int, int], summarise: Summariser) -> dict[str, Any]:
    """All that the page shows of a step."""
    step = row.step
    summary, _, rest = step.doc.strip().partition("\n")
    return {
        "id": step.id,
        "count": len(group.steps),
        "kind": step.kind,
        "op": step.op,
        "label": row.label,
        "call": row.call,
        "shape": step.shape,
        "dtype": None if step.dtype is None else str(step.dtype),
        "bytes": None if step.bytes is None else memory_size(step.bytes),
        "output": step.output,
        "summary": summary,
        "doc": rest.strip("\n"),
        "source": row.source and f"{place(row.source)}: {row.source.partition(': ')[2]}",
        "inputs": [[member[source], dimensions(shape)] for source, shape, _ in step.inputs],
        "formula": _formula(row.formula),
        "value": summarise(row.value),
        "short": _short(row.value, step),
        "arrives": [number(g) for g in row.arrives],
        "gradient": summarise(row.gradient),
        "shortGradient": "" if row.gradient is None else _short(row.gradient, step, norm=True),
        "rules": [
            {
                "to": member[rule.to],
                "label": rule.label,
                "formula": _formula(rule.formula),
                "local": _local(rule, row.gradient),
                "sent": number(rule.sent),
            }
            for rule in row.rules
        ],
    }


def _formula(formula: Formula | None) -> dict[str, str] | None:
    if formula is None:
        return None
    return {"math": formula.math(), "numbers": formula.math_with_numbers()}


def _local(rule: Rule, gradient: Any) -> dict[str, str] | None:
    """The derivative itself, for an incoming gradient of 1, where all is single numbers."""
    numbers = None if rule.formula is None else rule.formula.numbers
    if rule.formula is None or not numbers or "g" not in numbers or np.size(rule.sent) != 1:
        return None
    arriving = host(gradient)
    if not arriving.all():
        return None
    local = rule.formula.local()
    return {"left": local.left, "math": local.math_with_numbers(), "value": number(host(rule.sent) / arriving)}


def _short(value: Any, step: Step, norm: bool = False) -> str:
    """What fits below a node: a single number, else the shape; of a gradient its root mean square."""
    if value is None or isinstance(value, tuple):
        return dimensions(step.shape)
    array = host(value)
    if array.size == 1:
        return number(array.reshape(()))
    if not norm or not array.size:
        return dimensions(step.shape)
    return f"rms {rms(array):.2g}"
