"""The backward pass: the chain rule, from the newest node to the oldest.

Inside, a gradient `g` is the *cotangent* of a node: for a real tensor simply dL/dx.  For a complex
z = a + ib it is dL/da - i dL/db, because with this choice the rule of a holomorphic op is the one of
the textbook, dx = g f'(x), without any conjugate.  Users see PyTorch's convention, the conjugate
of it, dL/da + i dL/db, so that a step along -grad descends; the two meet in `_outside`.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from operator import attrgetter
from sys import getrefcount
from typing import Any

import numpy as np
from numpy import ndarray

from . import backend, graph
from .arrays.batch import Batch, apply_rule
from .graph import Node
from .tensor import Tensor, raw, wrap

__all__ = ["Cotangents", "backward", "fit", "gradients", "propagate"]


# How many references an array has of which nobody else knows, as `sys.getrefcount` counts them: a local variable and
# the argument of the call; those and an entry of a container; variables of a caller and its callee.  Python versions
# differ in what they count, so it is measured.  Where an array has no more, a sum may be made in its buffer.


def _count_local() -> int:
    x = object()
    return getrefcount(x)


def _count_held() -> int:
    x = object()
    holder = {0: x}
    return getrefcount(x) if holder else 0


def _count_passed() -> int:
    def callee(x: object) -> int:
        return getrefcount(x)

    x = object()
    return callee(x)


LOCAL, HELD, PASSED = _count_local(), _count_held(), _count_passed()


def backward(self: Tensor, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False) -> None:
    """Add the gradient of this tensor to the `.grad` of every leaf that it was computed from.

    Args:
        gradient: the gradient of some scalar with respect to this tensor (same shape); may be left out
            where this tensor is itself a scalar.
        retain_graph: keep what the rules read, for a second backward pass.  By default as `create_graph`.
        create_graph: record the backward pass too, so that the gradients can be differentiated.

    >>> x = Tensor(2.0, requires_grad=True)
    >>> (x ** 3).backward(create_graph=True)      # x.grad = 3 x^2 = 12
    >>> first, x.grad = x.grad, None
    >>> first.backward()                          # d/dx 3 x^2 = 6 x
    >>> x.grad
    Tensor(12., dtype=float32)
    """
    if self._node is None:
        raise RuntimeError(
            "backward() of a tensor that does not require a gradient: it was made from constants, "
            "inside no_grad(), or after detach(); make its inputs with requires_grad=True"
        )
    propagate([self], [seed(self, gradient, create_graph)], None, create_graph, retain_graph)


Tensor.backward = backward  # type: ignore[method-assign]


def gradients(
    outputs: Sequence[Tensor],
    inputs: Sequence[Tensor],
    grad_outputs: Sequence[Any],
    create_graph: bool = False,
    retain_graph: bool | None = None,
    search: bool = True,
) -> list[Tensor | None]:
    """The gradients of the outputs with respect to the inputs, None where there is no path; no `.grad` changes.

    `search` finds the paths first, so that nothing beside them is computed; without it only what is older than
    the inputs is left out, which is enough, and faster, where the inputs are new leaves.
    """
    targets = [x._node for x in inputs]
    seeds = [seed(y, g, create_graph) for y, g in zip(outputs, grad_outputs, strict=True)]
    found = propagate(outputs, seeds, [n for n in targets if n is not None], create_graph, retain_graph, search)
    return [None if (g := found.get(n)) is None else _outside(g) for n in targets]  # type: ignore[arg-type]


class Cotangents:
    """The cotangent of a node with several outputs: those that have arrived, by their number."""

    __slots__ = ("parts",)
    shape = dtype = None  # as on the node of such an op, so that `fit` has nothing to do

    def __init__(self, parts: dict[int, Any]) -> None:
        self.parts = parts

    def __add__(self, other: Cotangents) -> Cotangents:
        parts = dict(self.parts)
        for i, g in other.parts.items():
            parts[i] = parts[i] + g if i in parts else g
        return Cotangents(parts)

    def complete(self, outputs: Sequence[tuple[Any, Any]]) -> tuple[Any, ...]:
        """All of them, zeros (of stride 0, without memory) for the outputs that nobody used."""
        example = next(iter(self.parts.values()))
        return tuple(
            self.parts[i] if i in self.parts
            else np.broadcast_to(np.zeros_like(raw(example), shape=(), dtype=dtype), shape)
            for i, (shape, dtype) in enumerate(outputs)
        )  # fmt: skip


def propagate(
    outputs: Sequence[Tensor],
    cotangents: Sequence[Any],
    targets: Sequence[Node] | None,
    create_graph: bool,
    retain_graph: bool | None,
    search: bool = True,
) -> dict[Node, Any]:
    """Send cotangents from the outputs down the graph.

    With `targets` the cotangents of these nodes are returned, and only what lies between is computed;
    without, they are added to `.grad` of all leaves.
    """
    pending: dict[Node, Any] = {}  # the cotangents of nodes that wait in the heap
    heap: list[tuple[int, Node]] = []
    for output, g in zip(outputs, cotangents, strict=True):
        node = output._node
        if node is None:
            continue
        if node in pending:
            pending[node] = pending[node] + g
        else:
            pending[node] = g
            heap.append((-node.order, node))
    heapq.heapify(heap)
    g = None

    oldest = min((n.order for n in targets), default=0) if targets else 0
    needed = _between(pending, targets, oldest) if targets is not None and search else None
    wanted = None if targets is None else set(targets)
    found: dict[Node, Any] = {}
    keep = create_graph if retain_graph is None else retain_graph
    anomaly = graph.is_anomaly_enabled()
    batched = any(type(c) is Batch for c in cotangents)
    heappop, heappush = heapq.heappop, heapq.heappush
    # One node waits outside of the heap, the last one that came up where none did: along a chain
    # the heap is never used, which takes a fifth off the time of small backward passes (measured).
    near: Node | None = None
    near_g: Any = None
    with graph.set_grad_enabled(create_graph) if graph.special else nullcontext():
        while True:
            if near is None:
                if not heap:
                    return found
                node = heappop(heap)[1]
                g = pending.pop(node)
            elif heap and heap[0][0] < -near.order:
                node = heapq.heappushpop(heap, (-near.order, near))[1]
                pending[near] = near_g
                g = pending.pop(node)
                near = near_g = None
            else:
                node, g = near, near_g
                near = near_g = None
            op = node.op
            if node.info is not None:
                g = _visit(node, g, create_graph)
            if wanted is not None and node in wanted:
                found[node] = g
            if op is None:
                if wanted is None:
                    _accumulate_leaf(node, g, create_graph)
                continue
            if needed is not None and node not in needed:
                continue
            saved = node.saved
            if saved is None:
                raise RuntimeError(
                    f"backward through {op.name} for a second time: what its gradient reads was freed by the first. "
                    "Write backward(retain_graph=True) the first time"
                )
            if node.order < graph.last_mutation:
                graph.check_unchanged(node)
            try:
                if type(g) is Cotangents:
                    g = g.complete(node.outputs)
                contributions = None
                if op.together:
                    contributions = _joint(op, node, g, needed, create_graph)
                elif create_graph:
                    saved = op.revive(node)
                elif batched:
                    contributions = _one_by_one(op, node, g)
                i = -1
                for parent in node.parents:
                    i += 1
                    if parent is None or parent.order < oldest or (needed is not None and parent not in needed):
                        continue
                    c = op.rules[i](g, *saved[i]) if contributions is None else contributions[i]
                    if c is None:
                        continue
                    if c.shape != parent.shape or c.dtype is not parent.dtype:
                        c = fit(c, parent.shape, parent.dtype)
                    if anomaly:
                        _check(c, node)
                    if parent is near:
                        if type(near_g) is ndarray and getrefcount(near_g) == LOCAL and near_g.base is None:
                            near_g += c
                        else:
                            near_g = near_g + c
                    elif parent in pending:
                        total = pending[parent]
                        if type(total) is ndarray and getrefcount(total) == HELD and total.base is None:
                            total += c
                        else:
                            pending[parent] = total + c
                        total = None
                    elif near is None:
                        near, near_g = parent, c
                    else:
                        pending[parent] = c
                        heappush(heap, (-parent.order, parent))
                    c = None
            except Exception as error:
                error.add_note(f"in the gradient of {op.name}, whose output has shape {node.shape}")
                if node.info is not None and node.info.source:
                    error.add_note(f"the op was called at {node.info.source}")
                raise
            if not keep and op.saves_arrays:
                node.saved = None
            saved = contributions = g = None


def contributions(node: Node, g: Any) -> list[Any]:
    """What the rule of one node sends to each of its parents, None where it sends nothing; for those who watch.

    Raises:
        RuntimeError: a backward pass has freed what the rule reads.
    """
    op = node.op
    if node.saved is None:
        raise RuntimeError(
            f"what the gradient of {op.name} reads was freed by a backward pass: look before backward(), "
            "or write backward(retain_graph=True)"
        )
    g = g.complete(node.outputs) if type(g) is Cotangents else g
    if op.together:
        found = _joint(op, node, g, None, False)
    else:
        found = [None if saved is None else rule(g, *saved) for rule, saved in zip(op.rules, node.saved, strict=True)]
    return [
        None if p is None or c is None else c if type(c) is Cotangents else fit(c, p.shape, p.dtype)
        for p, c in zip(node.parents, found, strict=True)
    ]


def fit(c: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Undo broadcasting and promotion: the gradient in the shape and dtype of the input that it belongs to.

    An input that was stretched along an axis was used many times there, so its gradients add up.

    >>> fit(np.ones((2, 3)), (3,), np.dtype("float64"))
    array([2., 2., 2.])
    """
    if c.shape != shape:
        added = c.ndim - len(shape)
        if added < 0:
            raise ValueError(f"a gradient rule returned shape {c.shape} for an input of shape {shape}")
        axes = tuple(range(added)) + tuple(i + added for i, n in enumerate(shape) if n == 1 and c.shape[i + added] != 1)
        if axes:
            c = np.sum(c, axis=axes, keepdims=True)
        c = np.reshape(c, shape)
    if c.dtype != dtype:
        if c.dtype.kind == "c" and np.dtype(dtype).kind != "c":
            c = np.real(c)
        c = c.astype(dtype)
    return c


# ------------------------------------------------------------------------------------- private


def _outside(g: Any) -> Tensor:
    """A cotangent as users see it: a Tensor, conjugated (see the head of this file)."""
    if g.dtype.kind == "c":
        g = np.conj(g)
    return g if isinstance(g, Tensor) else wrap(backend.as_array(g), None)


def seed(output: Tensor, gradient: Any, create_graph: bool) -> Any:
    """The cotangent that the backward pass starts with."""
    data = output._data
    if gradient is None:
        if data.size != 1:
            raise RuntimeError(
                f"backward() without a gradient needs a tensor of one element, this one has shape {data.shape}: "
                "reduce it first (.sum(), .mean()), or pass backward(gradient)"
            )
        if data.dtype.kind == "c":
            raise RuntimeError("backward() of a complex tensor needs a gradient: reduce it to a real number first")
        gradient = np.ones_like(data)
    elif isinstance(gradient, Tensor):
        gradient = gradient if create_graph else gradient._data
    elif backend.is_array(gradient):
        pass
    else:
        gradient = np.full_like(data, gradient)
    if gradient.shape != data.shape:
        raise ValueError(f"the gradient has shape {gradient.shape}, but the tensor has shape {data.shape}")
    if gradient.dtype != data.dtype:
        gradient = fit(gradient, data.shape, data.dtype)
    if gradient.dtype.kind == "c":
        gradient = np.conj(gradient)
    return wrap(gradient, None) if create_graph and not isinstance(gradient, Tensor) else gradient


def _between(starts: Iterable[Node], targets: Sequence[Node], oldest: int) -> set[Node]:
    """The nodes on a path from a start to a target."""
    needed = set(targets)
    seen: set[Node] = set(starts)
    stack = list(seen)
    while stack:
        for parent in stack.pop().parents:
            if parent is not None and parent not in seen and parent.order >= oldest:
                seen.add(parent)
                stack.append(parent)
    for node in sorted(seen, key=attrgetter("order")):
        if not needed.isdisjoint(node.parents):
            needed.add(node)
    return needed


def _joint(op: Any, node: Node, g: Any, needed: set[Node] | None, create_graph: bool) -> Sequence[Any]:
    """The gradients of all inputs at once: by a joint rule, or through the composite of a fused op."""
    needs = tuple(p is not None and (needed is None or p in needed) for p in node.parents)
    if op.composite is not None and (create_graph or not op.joint):
        return op.through_composite(node, g, needs, create_graph)
    saved = (op.revive(node) if create_graph else node.saved)[0]
    if type(g) is Batch or (type(g) is tuple and any(type(x) is Batch for x in g)):
        return apply_rule(op.rules[0], g, (needs, *saved))
    return op.rules[0](g, needs, *saved)


def _one_by_one(op: Any, node: Node, g: Any) -> list[Any]:
    """The gradients of the inputs, each by its own rule, for many cotangents at once."""
    return [None if saved is None else apply_rule(rule, g, saved) for rule, saved in zip(op.rules, node.saved, strict=False)]


def _visit(node: Node, g: Any, create_graph: bool) -> Any:
    """Hooks and `retain_grad` of a node whose cotangent is complete."""
    info = node.info
    if info is None or not (info.hooks or info.retain):
        return g
    if type(g) is Batch:
        raise NotImplementedError("hooks and retain_grad() see one gradient at a time")
    outside = _outside(g)
    for hook in list(info.hooks.values()):
        replaced = hook(outside)
        if replaced is not None:
            outside = replaced if isinstance(replaced, Tensor) else Tensor(replaced)
            if outside.shape != node.shape:
                raise ValueError(f"a hook returned a gradient of shape {outside.shape} for a tensor of shape {node.shape}")
    if info.retain and node.op is not None:
        node.grad = outside if node.grad is None else node.grad + outside
    g = outside if create_graph else outside._data
    return np.conj(g) if g.dtype.kind == "c" else g


def _accumulate_leaf(node: Node, g: Any, create_graph: bool) -> None:
    """`leaf.grad += g`, in a buffer that belongs to the leaf alone."""
    if create_graph:
        g = _outside(g)
        node.grad = g if node.grad is None else node.grad + g
    elif node.grad is None:
        # A buffer that only the caller and we see is taken over.
        owned = type(g) is np.ndarray and getrefcount(g) == PASSED and g.base is None and g.flags.c_contiguous
        node.grad = _outside(g if owned else g.copy())
    elif node.grad._node is None:
        node.grad._data += _outside(g)._data
        graph.mark_mutated(node.grad._data)
    else:
        node.grad = node.grad + _outside(g)


def _check(c: Any, node: Node) -> None:
    """Anomaly mode: look at one contribution."""
    for part in c.parts.values() if type(c) is Cotangents else (c,):
        source = None if node.info is None else node.info.source
        graph.check_finite(raw(part), node.op.name, "the backward pass", source)
