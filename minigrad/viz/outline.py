"""What is shown of a graph, as plain nodes, edges and boxes: where every format of `export` begins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .capture import Call
from .draw import SYMBOLS, checked
from .explain import Explained, explained
from .failure import Failure
from .highlight import Marked
from .naming import labels_of
from .numbers import dimensions, number
from .seen import seen
from .view import Group, view
from .walk import Step

__all__ = ["Box", "Link", "Node", "Outline", "outline"]


@dataclass
class Node:
    """What is shown as one node.

    Attributes:
        id: 0, 1, 2, ... in the order of computation.
        kind: "leaf", "data", "op", or "module" where it is closed.
        label: what it is called: the tensor's name, the module's path, or v1, v2, ...
        op: of an op its name, of a closed module its class.
        shapes: of the result, as text.
        steps: its steps, oldest first.
        row: the numbers of its step; of a closed module of its result, of steps that are alike of the first.  None where nobody
            has asked for them.
        output: whether it is a result.
        colour: of what is highlighted.
    """

    id: int
    kind: str
    label: str
    op: str | None
    shapes: str
    steps: list[Step]
    row: Explained | None
    output: bool
    colour: str | None = None

    @property
    def count(self) -> int:
        """How many steps that are alike it stands for."""
        return len(self.steps) if self.kind != "module" else 1

    def lines(self, style: str) -> list[str]:
        """The text of a node in one of the styles of `draw`: a title, and what is known of it."""
        times = f" ×{self.count}" if self.count > 1 else ""
        if self.kind == "module":
            ops = sum(step.op is not None for step in self.steps)
            title, details = ": ".join(filter(None, (self.label, self.op))), [f"{ops} op{'s' * (ops != 1)}", self.shapes]
        elif self.op is None:
            title, details = self.label, [self.shapes]
        elif style == "minimal":
            title, details = SYMBOLS.get(self.op, self.op), []
        else:
            title, details = self.op if style == "normal" else f"{self.label} = {self.op}", [self.shapes]
        if style == "detailed" and not times:
            is_single = self.shapes == "scalar" and self.row is not None and self.row.value is not None
            details = [*(details if not is_single else details[:-1]), *self.numbers()]
        return [title + times, *(details if style != "minimal" else [])]

    def numbers(self) -> list[str]:
        """Value and gradient as text, where they are known."""
        known = () if self.row is None else (("=", self.row.value), ("gradient", self.row.gradient))
        return [f"{what} {number(x)}" for what, x in known if x is not None]


@dataclass
class Link:
    """An edge between two nodes, by their numbers; `carried` goes back to an earlier repetition, `marked` is highlighted."""

    source: int
    target: int
    shape: tuple[int, ...]
    dtype: str | None
    count: int
    carried: bool
    data: bool
    marked: bool = False


@dataclass
class Box:
    """A module around nodes and other boxes."""

    title: str
    nodes: list[Node] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)

    def __iter__(self) -> Iterator[Node]:
        """All nodes in it, also in the boxes inside."""
        yield from self.nodes
        for box in self.boxes:
            yield from box


@dataclass
class Outline:
    """A graph as it is shown."""

    nodes: list[Node]
    links: list[Link]
    root: Box
    notes: list[str]
    rows: list[Explained]
    style: str = "normal"
    direction: str = "TB"

    def words(self, link: Link) -> str:
        """What stands at an edge: that it leads to the next repetition, or how often it is there between the same steps."""
        if link.carried:
            return "next step"
        alike = max(self.nodes[link.source].count, self.nodes[link.target].count)
        return f"×{link.count}" if link.count > alike and self.nodes[link.target].kind != "module" else ""


def outline(
    target: Any, inputs: tuple[Any, ...], names: Any = None, *, gradient: Any = None, direction: str | None = None,
    style: str = "normal", depth: int | None = None, repeats: str | None = None, highlight: Any = None, derivative: int = 0,
    max_nodes: int = 1000, numbers: bool = True,
) -> Outline:  # fmt: skip
    """What `draw` would show, with the same arguments.

    Args:
        numbers: whether values and gradients are wanted.

    >>> found = outline(lambda x, y: x * y, (2.0, 3.0))
    >>> [node.label for node in found.nodes], [(link.source, link.target) for link in found.links]
    (['x', 'y', 'result'], [(0, 2), (1, 2)])
    """
    direction, repeats = checked(direction, style, repeats)
    tensors, steps, marked, failure, notes = seen(target, inputs, names, highlight, derivative, numbers)
    shown = view(steps, depth, repeats, max_nodes)
    groups = _in_order(shown.groups, steps)
    rows = explained(tensors, steps, 1.0 if gradient is None else gradient) if numbers else []
    nodes = _nodes(groups, steps, rows, marked, failure)
    place = {group.id: node.id for group, node in zip(groups, nodes, strict=True)}
    links = [
        Link(
            place[e.source], place[e.target], e.shape, None if e.dtype is None else str(e.dtype), e.count, e.carried, e.data,
            e.source in marked.path and e.target in marked.path,
        )
        for e in shown.edges
    ]  # fmt: skip
    root = _boxed(Box(""), list(zip(groups, nodes, strict=True)), 0, _several(steps))
    return Outline(nodes, links, root, [*shown.notes, *notes, *marked.notes], rows, style, direction)


def _in_order(groups: list[Group], steps: list[Step]) -> list[Group]:
    """As they are computed: a closed module after all that it is given, however early its parameters were made."""
    place = {step.id: i for i, step in enumerate(steps)}

    def begins(group: Group) -> int:
        ops = [place[step.id] for step in group.steps if step.op is not None and step.data is None]
        return ops[0] if group.closed and ops else place[group.id]

    return sorted(groups, key=begins)


def _nodes(
    groups: list[Group], steps: list[Step], rows: list[Explained], marked: Marked, failure: Failure | None
) -> list[Node]:  # fmt: skip
    labels = labels_of(steps)
    by_step = {row.step.id: row for row in rows}
    found = []
    for place, group in enumerate(groups):
        first = group.steps[0]
        shown = next((step for step in reversed(group.steps) if step.op), first) if group.closed else first
        kind, label, op = first.kind, labels[first.id], first.op
        if group.closed:
            kind, label, op = "module", group.closed.path, group.closed.kind
        elif first.data is not None:
            kind = "data"
        has_failed = failure is not None and any(step.node is failure.node for step in group.steps)
        shapes = "failed" if has_failed else ", ".join(map(dimensions, shown.shapes))
        colour = next((marked.steps[step.id] for step in group.steps if step.id in marked.steps), None)
        is_result = any(step.output for step in group.steps)
        found.append(Node(place, kind, label, op, shapes, group.steps, by_step.get(shown.id), is_result, colour))
    return found


def _several(steps: list[Step]) -> set[str]:
    """The paths of modules that are called more than once."""
    return {call.path for step in steps for call in step.calls if call.number > 1}


def _boxed(box: Box, members: list[tuple[Group, Node]], level: int, several: set[str]) -> Box:
    """Put nodes into boxes by the calls of modules that they were made in; one around a single node would say nothing new."""
    inner: dict[Call, list[tuple[Group, Node]]] = {}
    for group, node in members:
        if len(group.box) > level:
            inner.setdefault(group.box[level], []).append((group, node))
        else:
            box.nodes.append(node)
    for call, inside in inner.items():
        if not call.path or len(inside) == 1:
            _boxed(box, inside, level + 1, several)
            continue
        times = len({c.number for group, _ in inside for step in group.steps for c in step.calls if c.path == call.path})
        which = f" ({times} times)" if times > 1 else f" (call {call.number})" if call.path in several else ""
        box.boxes.append(_boxed(Box(": ".join(filter(None, (call.path, call.kind))) + which), inside, level + 1, several))
    return box
