"""Gradients between tensors that exist already, with PyTorch's signature; and what goes on around backward passes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from . import backward
from .hints import missing
from .passes import around_backward, depends_on
from .spellings import AUTOGRAD
from .tensor import Tensor

__all__ = ["around_backward", "depends_on", "grad"]

if not TYPE_CHECKING:  # to checkers a module with this function has every name

    def __getattr__(name: str) -> Any:
        raise missing("minigrad.autograd", name, __all__, AUTOGRAD)


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of (the sum of) the outputs with respect to the inputs; no `.grad` changes.

    Args:
        grad_outputs: for each output the gradient to start with; needed where an output is not a scalar.
        retain_graph: keep what the rules read for another pass; by default as `create_graph`.
        create_graph: make the gradients part of the graph.
        allow_unused: give None for an input that no output depends on, instead of an error.

    >>> x = Tensor(3.0, requires_grad=True)
    >>> (first,) = grad(x**3, x, create_graph=True)
    >>> grad(first, x)
    (Tensor(18., dtype=float32),)
    """
    ys = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    xs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    if grad_outputs is None:
        gs: list[Any] = [None] * len(ys)
    else:
        gs = list(grad_outputs) if isinstance(grad_outputs, (list, tuple)) else [grad_outputs]
    for i, x in enumerate(xs):
        if not x.requires_grad:
            raise RuntimeError(f"inputs[{i}] (shape {x.shape}) does not require a gradient")
    if not any(y.requires_grad for y in ys):
        raise RuntimeError(
            "no output requires a gradient: they were computed from constants or under no_grad(), or are "
            "gradients of a pass without create_graph=True"
        )
    found = backward.gradients(ys, xs, gs, create_graph, retain_graph)
    for i, g in enumerate(found):
        if g is None and not allow_unused:
            raise RuntimeError(f"the outputs do not depend on inputs[{i}]; allow_unused=True gives None for it")
    return tuple(found)
