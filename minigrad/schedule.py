"""Which node of a graph is next in a backward pass, and which are needed."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any

from .accumulate import accumulate
from .graph import Node
from .tensor import Tensor

__all__ = ["Schedule", "needed_by"]


class Schedule:
    """Which node is next: the newest of those that wait, since all that flows into it has arrived.

    One node waits outside of the heap, the last that came up where none did: along a chain the heap is
    never used, which takes a fifth off the time of small backward passes (measured).
    """

    __slots__ = ("heap", "near", "waiting")

    def __init__(self, outputs: Sequence[Tensor], cotangents: Sequence[Any]) -> None:
        self.waiting: dict[Node, Any] = {}  # the gradients of the nodes in the heap
        self.heap: list[tuple[int, Node]] = []
        self.near: tuple[Node, Any] | None = None
        for output, g in zip(outputs, cotangents, strict=True):
            node = output._node
            if node in self.waiting:
                self.waiting[node] = self.waiting[node] + g
            elif node is not None:
                self._push(node, g)

    def _push(self, node: Node, g: Any) -> None:
        self.waiting[node] = g
        heapq.heappush(self.heap, (-node.order, node))

    def next(self) -> tuple[Node, Any] | None:
        """The next node and its gradient; None at the end."""
        near, heap = self.near, self.heap
        self.near = None
        if near is not None:
            if not heap or heap[0][0] >= -near[0].order:
                return near
            self._push(*near)
        elif not heap:
            return None
        node = heapq.heappop(heap)[1]
        return node, self.waiting.pop(node)

    def add(self, node: Node, c: Any) -> None:
        """A contribution to the gradient of a node has arrived."""
        near, waiting = self.near, self.waiting
        if waiting and node in waiting:
            total = waiting.pop(node)
            waiting[node] = accumulate(total, c)
        elif near is None:
            self.near = node, c
        elif near[0] is node:
            total = near[1]
            self.near = near = None
            self.near = node, accumulate(total, c)
        else:
            self._push(node, c)


def needed_by(
    starts: Iterable[Node], targets: Sequence[Node], search: bool
) -> Callable[[Node], bool]:
    """Whether a node may lie on a path to a target: it is no older; after a search, it does lie on one."""
    oldest = min((n.order for n in targets), default=0)
    if not search:
        return lambda node: node.order >= oldest
    on_path = set(targets)
    seen: set[Node] = set(starts)
    stack = list(seen)
    while stack:
        for parent in stack.pop().parents:
            if parent is not None and parent not in seen and parent.order >= oldest:
                seen.add(parent)
                stack.append(parent)
    for node in sorted(seen, key=attrgetter("order")):
        if not on_path.isdisjoint(node.parents):
            on_path.add(node)
    return on_path.__contains__
