"""The forms of a cotangent: of an op of several outputs, and in the shape and dtype of an input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from . import backend
from .graph import Node
from .tensor import Tensor, raw, wrap

__all__ = ["INPUT", "PICK", "Cotangents", "EngineOp", "fit", "pick"]


class Cotangents:
    """The cotangent of a node with several outputs: those that have arrived, by their number."""

    __slots__ = ("parts",)
    shape = dtype = None  # as on the node of such an op, so that `fit` has nothing to do

    def __init__(self, parts: dict[int, Any]) -> None:
        self.parts = parts

    @property
    def device(self) -> Any:
        """Where they are."""
        return next(iter(self.parts.values())).device

    def __add__(self, other: Cotangents) -> Cotangents:
        parts = dict(self.parts)
        for i, g in other.parts.items():
            parts[i] = parts[i] + g if i in parts else g
        return Cotangents(parts)

    def complete(self, outputs: Sequence[tuple[Any, Any]]) -> tuple[Any, ...]:
        """All of them, zeros (of stride 0, without memory) for the outputs that nobody used."""
        example = raw(next(iter(self.parts.values())))
        return tuple(
            self.parts[i] if i in self.parts else backend.zeros_beside(example, shape, dtype)
            for i, (shape, dtype) in enumerate(outputs)
        )


class EngineOp:
    """An op that the engine itself is made of: one input and one rule; it has no forward."""

    inputs = ("x",)
    joint = saves_arrays = elementwise = False
    separate = True
    composite = sequence = None
    extras = ()

    def __init__(
        self,
        name: str,
        doc: str,
        rule: Callable[..., Any],
        reads: tuple[str, ...],
        masks: bool = False,
    ) -> None:
        self.name, self.doc, self.masks = name, doc, masks
        self.rules, self.reads = (rule,), (reads,)


#: Where the differentiation of a composite ends.
INPUT = EngineOp("input", "The value itself, as a new node.", lambda g: g, ())
#: What stands between an op of several outputs and each of them.
PICK = EngineOp(
    "pick",
    "One of several outputs.",
    lambda g, index: Cotangents({index: g}),
    ("index",),
    masks=True,  # to the other outputs
)


def pick(node: Node, index: int, value: Any) -> Tensor:
    """The Tensor of one output of a node with several."""
    return wrap(value, Node(PICK, (node,), ((index,),), value.shape, value.dtype))


def fit(c: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Undo broadcasting and promotion: the gradient in the shape and dtype of the input that it belongs to.

    An input that was stretched along an axis was used many times there, so its gradients add up.

    >>> fit(np.ones((2, 3)), (3,), np.dtype("float64"))
    array([2., 2., 2.])
    """
    if c.shape != shape:
        added = c.ndim - len(shape)
        if added < 0:
            raise ValueError(f"a rule returned shape {c.shape} for an input of shape {shape}")
        stretched = (i + added for i, n in enumerate(shape) if n == 1 and c.shape[i + added] != 1)
        axes = (*range(added), *stretched)
        if axes:
            c = np.sum(c, axis=axes, keepdims=True)
        if c.size != prod(shape):
            raise ValueError(f"a rule returned shape {c.shape} for an input of shape {shape}")
        c = np.reshape(c, shape)
    if c.dtype != dtype:
        if c.dtype.kind == "c" and np.dtype(dtype).kind != "c":
            c = np.real(c)
        c = c.astype(dtype)
    return c
