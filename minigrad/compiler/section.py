"""One step of the body of a loop, as it was recorded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..graph import Node
from .batches import Levels
from .program import Step, Var

__all__ = ["Section"]


@dataclass(eq=False)
class Section:
    """Attributes:
    carry, xs: the values that the step is given; None for a carry that is a number of Python's.
    ends: the leaf of the graph for each of these that is a Tensor; else None.
    leaves: those of the next carry, then those of y, and `values` those of the program.
    tree: how y is nested.
    steps, checks, guards: what was recorded, first by the forward pass, and of how many of each that is.
    outputs: the numbers of the leaves that a gradient comes to, and `cotangents` the values that stand for it.
    closed: the nodes outside of the loop that the gradient goes to; `summands` are what the step adds to their gradients,
        `sums` the gradients before it and after it.
    sent: the gradients of carry and xs.
    levels: of what a vmap around the loop has made batches: by `leaves`, `sent` and `sums`.
    """

    carry: list[Var | None]
    xs: list[Any]
    ends: list[Node | None]
    leaves: list[Any]
    tree: Any
    values: list[Var] = field(default_factory=list)
    forward: tuple[int, int] = (0, 0)
    steps: list[Step] = field(default_factory=list)
    checks: list[Any] = field(default_factory=list)
    guards: list[Var] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    cotangents: list[Var] = field(default_factory=list)
    closed: list[Node] = field(default_factory=list)
    summands: list[Var | None] = field(default_factory=list)
    sums: list[tuple[Var, Var]] = field(default_factory=list)
    sent: list[Var | None] = field(default_factory=list)
    levels: dict[str, list[Levels]] = field(default_factory=lambda: {"leaves": [], "sent": [], "sums": []})
