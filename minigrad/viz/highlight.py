"""What to look at in a graph: the ways from a tensor to the result, where NaN comes from, where gradients vanish."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from math import hypot
from typing import Any

import numpy as np

from ..tensor import Tensor
from .numbers import host, norm_of
from .values import backward_flow, values_of
from .walk import Step

__all__ = ["FAILED", "MARK", "Marked", "mark"]

MARK = "#d62728"
FAILED = "#ffb3ad"
ORIGIN, AFTER = "#ff9e9e", "#ffe0e0"
VANISHED, EXPLODED = 1e-4, 1e4  # of what leaves the result, as in assets/heat.js
FAINT = ("#ffffff", "#e8edf6", "#c3d3ee", "#8fb0e3", "#ff9e9e")  # the gradient's norm: vanished, small, as usual, large, exploded


@dataclass
class Marked:
    """Colours of steps by their numbers, the steps of a marked path, and what was found, in words."""

    steps: dict[int, str] = field(default_factory=dict)
    path: set[int] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)


def mark(what: Any, tensors: list[Tensor], steps: list[Step]) -> Marked:
    """Find what `draw(highlight=...)` asks for."""
    if what is None:
        return Marked()
    if isinstance(what, Tensor):
        return _ways(what, steps)
    if what == "nan":
        return _nonfinite(tensors, steps)
    if what == "gradient":
        return _gradients(tensors, steps)
    raise ValueError(f'highlight must be a tensor, "nan" or "gradient", got {what!r}')


def _ways(start: Tensor, steps: list[Step]) -> Marked:
    """All steps on a way from a tensor to the result."""
    origin = next((step.id for step in steps if _is(step, start)), None)
    if origin is None:
        raise ValueError("highlight: the tensor is not in the graph")
    found = {origin}
    for step in steps:
        if any(source in found for source, *_ in step.inputs):
            found.add(step.id)
    return Marked(dict.fromkeys(found, AFTER) | {origin: ORIGIN}, found)


def _is(step: Step, tensor: Tensor) -> bool:
    """Whether a step is that of a tensor; of data that needs no gradient, of its array, which `capture` has copied."""
    if tensor._node is not None:
        return step.node is tensor._node
    if step.data is None or step.shape != tensor.shape:
        return False
    return step.data.value is tensor._array or (tensor.name is not None and step.data.name == tensor.name)


def _nonfinite(tensors: list[Tensor], steps: list[Step]) -> Marked:
    """Steps whose result is not finite though all that they read is, and the steps after them."""
    values = values_of(steps, tensors)
    bad: dict[int, bool] = {}
    marked = Marked()
    for step in steps:
        value = values[step.id]
        from_before = any(bad[source] for source, *_ in step.inputs)
        bad[step.id] = from_before if value is None else not _finite(value)
        if bad[step.id]:
            marked.steps[step.id] = AFTER if from_before else ORIGIN
            marked.path.add(step.id)
            if not from_before:
                marked.notes.append(f"NaN or infinity first in {step.op or step.name or 'a leaf'} of shape {step.shape}")
    if not marked.notes:
        marked.notes.append("all results that are known are finite")
    return marked


def _finite(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(v is None or _finite(v) for v in value)
    array = host(value)
    return array.dtype.kind not in "fc" or bool(np.isfinite(array).all())


def _gradients(tensors: list[Tensor], steps: list[Step]) -> Marked:
    """Steps coloured by the norm of the gradients that are sent to them, relative to what leaves the results."""
    flows = backward_flow(tensors, steps, 1.0)
    sent: dict[tuple[int, int], list[float | None]] = defaultdict(list)  # along each edge
    for flow in flows:
        for _, to, gradient in flow.sends:
            sent[flow.step.id, to].append(norm_of(gradient))
    norms = {edge: None if None in parts else hypot(*filter(None, parts)) for edge, parts in sent.items()}
    by_id = {step.id: step for step in steps}
    start = hypot(*(norm or 0.0 for (source, _), norm in norms.items() if by_id[source].output))
    marked = Marked()
    arrives: dict[int, list[float]] = defaultdict(list)
    for (source, to), norm in norms.items():
        word = _fate(norm, start)
        arrives[to].append(float("inf") if norm is None else norm)
        if word:
            names = [by_id[number].name or by_id[number].op for number in (to, source)]
            size = "" if not norm else f": {norm:.2g}, of {start:.2g} that leave the result"
            marked.notes.append(f"the gradient {word} at {names[0]}, sent by {names[1]}{size}")
    for flow in flows:
        parts = arrives[flow.step.id]
        relative = hypot(*parts) / start if parts and start else 1.0
        marked.steps[flow.step.id] = FAINT[int(np.digitize(relative, (VANISHED, 1e-2, 1e2, EXPLODED)))]
    if not marked.notes:
        marked.notes.append(f"all gradients are within a factor of {EXPLODED:.0e} of what leaves the result")
    return marked


def _fate(norm: float | None, start: float) -> str:
    """What becomes of a gradient on an edge, in a word; of most nothing is said."""
    if norm is None:
        return "is not finite"
    if not norm:
        return "is 0"
    if start and norm < VANISHED * start:
        return "vanishes"
    return "explodes" if start and norm > EXPLODED * start else ""
